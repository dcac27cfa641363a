"""How a chat with the bot begins: by the button, by a hello, by a question, by a picture."""

import pytest

from handoff.triage.engine import begin, step
from handoff.triage.flow import Flow
from handoff.triage.reading import parse
from handoff.triage.state import (
    Continue,
    End,
    Handoff,
    Started,
)
from handoff.triage.trial import Trial
from tests.handoff.triage.saying import said


def test_after_the_opening_the_bot_is_silent_until_the_customer_moves(shop: Flow):
    state = begin(shop, language="ru", context={})
    played = step(shop, state, Started())
    assert played.says == ()
    assert played.outcome == Continue()
    assert played.state == state


def test_continue_brings_the_greeting_with_the_call_and_the_menu_in_one_message(shop: Flow):
    trial = Trial(shop, context={"line": "Горячая линия"})
    played = trial.tap("continue")
    assert len(played.says) == 1
    assert played.says[0].text == "Это бот магазина. Вы звонили: Горячая линия.\n\nЧем помочь?"
    assert [option.id for option in played.says[0].options] == [
        "f:menu:status",
        "f:menu:hours",
        "f:menu:human",
    ]


def test_what_the_call_card_does_not_bring_has_other_words(shop: Flow):
    assert "Вы звонили: нам." in said(Trial(shop).tap("continue"))


def test_who_writes_without_having_called_is_not_told_that_they_called(bent):
    flow = parse(
        bent(
            ("start: greet", "start: greet\nstart_without_call: meet"),
            ("  solved: {end", "  meet: {say: t.glad, next: menu}\n  solved: {end"),
        )
    )
    assert said(Trial(flow, context={"name": "Анна"}).write("привет")).startswith("Рад помочь.")
    assert said(Trial(flow, context={"line": "8-800"}).write("привет")).startswith("Это бот")


def test_a_hello_is_greeted_and_is_no_miss(shop: Flow):
    trial = Trial(shop)
    trial.write("Добрый день")
    assert (trial.state.node, trial.state.misses) == ("menu", 0)


def test_a_first_message_that_asks_something_is_answered_after_the_greeting(shop: Flow):
    played = Trial(shop).write("Здравствуйте\nсколько ждать доставку?")
    assert played.state.node == "delivery"
    assert said(played).startswith("Это бот магазина.")
    assert "За 3 дня." in said(played)
    assert "Чем помочь?" not in said(played)


def test_a_first_message_that_asks_for_people_is_greeted_and_obeyed(shop: Flow):
    played = Trial(shop).write("оператор")
    assert isinstance(played.outcome, Handoff)
    assert said(played).startswith("Это бот магазина.")


def test_people_come_even_where_the_flow_says_goodbye_without_listening(bent):
    deaf = parse(bent(("order_status: ask_order", "order_status: solved")))
    trial = Trial(deaf, context={"intent": "order_status"})
    assert isinstance(trial.write("оператор").outcome, Handoff)


@pytest.mark.parametrize("line", ["стоп", "#not_me"])
def test_who_wants_no_conversation_is_not_greeted(shop: Flow, line):
    played = Trial(shop).do(line)
    assert isinstance(played.outcome, End)
    assert "Это бот" not in said(played)


def test_a_first_picture_is_greeted_and_told_that_pictures_are_not_read(shop: Flow):
    played = Trial(shop).send("image")
    assert "Я умею читать только текст" in said(played)
    assert (played.state.node, played.state.misses) == ("menu", 0)


def test_what_the_caller_told_the_ivr_is_not_asked_again(shop: Flow):
    trial = Trial(shop, context={"intent": "order_status"})
    assert trial.tap("continue").state.node == "ask_order"
    assert trial.tap("menu.hours").state.node == "hours"


def test_the_topic_from_the_ivr_may_already_be_answered_in_the_first_message(shop: Flow):
    played = Trial(shop, context={"intent": "order_status"}).write("12345678")
    assert played.state.slots == {"order_no": "12345678"}
    assert isinstance(played.outcome, Handoff)


def test_a_first_message_does_not_fill_a_slot_that_takes_anything(bent):
    free = parse(bent(("    match: '(?<!\\d)(\\d{6,10})(?!\\d)'\n", "")))
    trial = Trial(free, context={"intent": "order_status"})
    assert trial.write("Здравствуйте").state.slots == {}
    assert trial.write("синий мишка").state.slots == {"order_no": "синий мишка"}


def test_only_what_belongs_to_the_call_card_is_remembered_from_it(shop: Flow):
    state = begin(shop, language="ru", context={"line": "a", "caller": "+79161234567", "name": ""})
    assert state.context == {"line": "a"}


def test_an_unknown_language_becomes_the_first_of_the_flow(shop: Flow):
    assert begin(shop, language="de", context={}).language == "ru"

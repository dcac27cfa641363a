"""Buttons, lists and the words that stand for them."""

import pytest

from handoff.triage.reading import parse
from handoff.triage.state import (
    Choice,
    Closing,
    End,
    Handoff,
)
from handoff.triage.trial import Trial
from messaging.content import ContentType
from tests.handoff.triage.saying import said


def test_a_button_routes_by_its_id_and_sets_the_topic(chat: Trial):
    played = chat.turn(Choice("f:menu:status"))
    assert (played.state.node, played.state.topic) == ("ask_order", "order_status")


def test_an_option_may_tag_and_be_tapped_only_by_id_never_by_title(chat: Trial):
    assert chat.turn(Choice("Часы работы")).state.node == "menu"
    assert chat.turn(Choice("f:menu:hours")).state.tags == ("asked_hours",)


def test_a_renamed_button_still_leads_where_its_id_leads(bent):
    renamed = Trial(parse(bent(('o_status: "Где заказ?"', 'o_status: "Мой заказ"'))))
    renamed.tap("continue")
    assert renamed.turn(Choice("f:menu:status")).state.node == "ask_order"


def test_an_old_button_still_does_the_right_thing(chat: Trial):
    chat.tap("status")
    assert chat.turn(Choice("f:menu:hours")).state.node == "hours"


def test_a_button_that_is_no_more_shows_what_can_be_chosen_now(chat: Trial):
    played = chat.turn(Choice("f:menu:gone"))
    assert "не действует" in said(played)
    assert played.says[-1].options[0].id == "f:menu:status"
    assert played.state.misses == 0


def test_continue_tapped_again_shows_the_place_and_is_no_miss(chat: Trial):
    played = chat.tap("continue")
    assert said(played) == "Чем помочь?"
    assert played.state.misses == 0


def test_not_me_ends_the_conversation_at_any_step(chat: Trial):
    chat.tap("status")
    assert chat.tap("not_me").outcome == End(Closing.NOT_ME, (), "order_status")


def test_four_options_are_a_list_with_a_button_that_opens_it(bent):
    long = Trial(
        parse(
            bent(
                (
                    "      - {id: human,",
                    "      - {id: more, text: t.o_delivery, to: delivery}\n      - {id: human,",
                ),
                ('    o_human: "Оператор"', '    o_human: "Оператор"\n    o_delivery: "Доставка"'),
            )
        )
    )
    content = long.tap("continue").says[-1].content()
    assert content.type is ContentType.LIST
    assert content.list_button == "Выбрать"
    assert len(content.options) == 4


def test_three_options_are_buttons(chat: Trial):
    assert chat.tap("continue").says[-1].content().type is ContentType.BUTTONS


@pytest.mark.parametrize("line", ["2", "часы работы", "Часы работы!", "ну\n2"])
def test_an_option_may_be_written_out_by_number_or_by_its_words(chat: Trial, line):
    assert chat.write(line).state.node == "hours"


def test_a_keyword_works_at_every_step(chat: Trial):
    chat.tap("hours")
    assert chat.write("а курьер привезёт?").state.node == "delivery"


def test_keywords_of_all_languages_count(chat: Trial):
    assert chat.write("delivery?").state.node == "delivery"


def test_the_keyword_that_covers_more_wins(bent):
    flow = parse(bent(("ru: [мой заказ]", "ru: [доставка моего заказа]")))
    assert Trial(flow).write("где доставка моего заказа").state.node == "ask_order"


@pytest.mark.parametrize("line", ["да", "Да, спасибо!", "спасибо большое", "yes", "помогло"])
def test_yes_in_words_means_that_it_helped(chat: Trial, line):
    chat.tap("hours")
    played = chat.write(line)
    assert played.outcome == End(Closing.SOLVED, ("asked_hours",), "hours")


@pytest.mark.parametrize("line", ["нет", "нет, не помогло", "no", "нет спасибо"])
def test_no_in_words_means_that_it_did_not(chat: Trial, line):
    chat.tap("hours")
    assert isinstance(chat.write(line).outcome, Handoff)


def test_a_sentence_that_only_begins_with_yes_is_no_answer(chat: Trial):
    chat.tap("hours")
    assert chat.write("да вы что, закрыто").state.misses == 1

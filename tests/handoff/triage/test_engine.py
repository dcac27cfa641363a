"""Commands at every step, the ladder of misses, the limits, and what is said."""

import pytest

from handoff.triage.engine import step
from handoff.triage.flow import Flow
from handoff.triage.reading import parse
from handoff.triage.state import (
    BotState,
    Choice,
    Closing,
    Continue,
    End,
    Handoff,
    Media,
    Over,
    Reason,
    Text,
)
from handoff.triage.trial import Trial
from tests.handoff.triage.saying import said


@pytest.mark.parametrize("place", ["menu.status", "menu.hours", "continue"])
def test_the_operator_comes_at_every_step(chat: Trial, place):
    chat.tap(place)
    played = chat.write("оператор")
    assert isinstance(played.outcome, Handoff)
    assert (played.outcome.queue, played.outcome.reason) == ("support", Reason.ASKED)


def test_back_goes_where_the_customer_was_and_then_to_the_menu(chat: Trial):
    chat.tap("hours")
    chat.write("доставка")
    assert chat.write("назад").state.node == "hours"
    assert chat.write("назад").state.node == "menu"
    assert chat.write("назад").state.node == "menu"


def test_the_menu_command_leads_to_the_menu(chat: Trial):
    chat.tap("status")
    assert chat.write("меню").state.node == "menu"


def test_stop_ends_the_conversation(chat: Trial):
    played = chat.write("стоп")
    assert played.outcome == End(Closing.STOPPED)


def test_a_language_is_offered_as_buttons_that_work_at_any_time(chat: Trial):
    offered = chat.write("язык").says[-1].options
    assert [option.id for option in offered] == ["lang:ru", "lang:en"]
    chat.tap("menu.hours")
    played = chat.tap("lang:en")
    assert played.state.language == "en"
    assert "From 10 to 22." in said(played)


def test_a_named_language_is_spoken_at_once_where_the_customer_is(chat: Trial):
    chat.tap("status")
    played = chat.write("English please")
    assert said(played) == "All right, let us go on in English.\n\nWhich order number?"


def test_a_language_that_the_flow_does_not_speak_brings_those_it_does(chat: Trial):
    played = chat.write("қазақша")
    assert played.state.language == "ru"
    assert len(played.says[-1].options) == 2


def test_the_first_miss_rephrases_beside_the_menu_and_the_second_brings_people(chat: Trial):
    first = chat.write("абракадабра")
    assert "другими словами" in said(first)
    assert first.says[-1].options
    second = chat.write("ещё абракадабра")
    assert isinstance(second.outcome, Handoff)
    assert second.outcome.reason is Reason.MISSES


def test_being_understood_once_forgives_the_miss(chat: Trial):
    chat.write("абракадабра")
    chat.tap("hours")
    assert isinstance(chat.write("абракадабра").outcome, Continue)


def test_a_miss_after_an_answer_shows_the_menu_and_not_the_answer_again(chat: Trial):
    chat.tap("hours")
    played = chat.write("абракадабра")
    assert played.state.node == "menu"
    assert "С 10 до 22" not in said(played)


def test_a_picture_counts_as_a_miss(chat: Trial):
    assert "Я умею читать только текст" in said(chat.turn(Media("image")))
    assert isinstance(chat.turn(Media("audio")).outcome, Handoff)


def test_too_many_visits_to_one_node_bring_people(chat: Trial):
    outcomes = [chat.write("меню").outcome for _ in range(3)]
    assert outcomes[:2] == [Continue(), Continue()]
    assert isinstance(outcomes[2], Handoff)
    assert outcomes[2].reason is Reason.VISITS


def test_too_many_turns_bring_people(bent):
    short = Trial(parse(bent(("max_bot_turns: 20", "max_bot_turns: 2"))))
    short.tap("continue")
    short.tap("hours")
    played = short.write("доставка")
    assert isinstance(played.outcome, Handoff)
    assert played.outcome.reason is Reason.TURNS
    assert said(played) == "Передаю вас оператору. Он увидит переписку, повторять ничего не нужно."


def test_an_end_on_the_last_turn_is_still_an_end(bent):
    short = Trial(parse(bent(("max_bot_turns: 20", "max_bot_turns: 2"))))
    short.tap("continue")
    short.tap("hours")
    assert isinstance(short.tap("yes").outcome, End)


@pytest.mark.parametrize("turn", [Text("оператор"), Choice("f:menu:hours"), Media("image")])
def test_after_a_handoff_the_bot_is_silent(chat: Trial, turn):
    chat.write("оператор")
    before = chat.state
    played = chat.turn(turn)
    assert (played.says, played.outcome, played.state) == ((), Continue(), before)


def test_a_chat_pinned_to_another_version_goes_to_people(shop: Flow, chat: Trial, bent):
    other = parse(bent(("За 3 дня", "За 4 дня")))
    played = step(other, chat.state, Text("доставка"))
    assert isinstance(played.outcome, Handoff)
    assert played.outcome.reason is Reason.VERSION


def test_the_trace_names_steps_and_never_words(chat: Trial):
    chat.tap("status")
    trace = chat.write("мой секрет 12345678").trace
    assert trace == ("slot:order_no", "enter:orders", "handoff:flow")


def test_a_long_value_is_cut_and_stays_one_line(bent):
    flow = parse(bent(("    match: '(?<!\\d)(\\d{6,10})(?!\\d)'\n", "")))
    trial = Trial(flow)
    trial.tap("continue")
    trial.tap("status")
    text = said(trial.write("а\n" + "б" * 5000))
    assert len(text) < 250
    assert "\n" not in text


def test_a_greeting_too_long_to_stand_above_buttons_goes_before_them(bent):
    flow = parse(bent(('hello: "Это бот магазина.', 'hello: "Это бот магазина. ' + "б" * 1000)))
    says = Trial(flow).tap("continue").says
    assert [bool(say.options) for say in says] == [False, True]


def test_a_question_that_a_value_made_too_long_is_said_whole_before_its_buttons(bent):
    flow = parse(bent(('"Чем помочь?"', '"' + "б" * 900 + ' {line|нам} чем помочь?"')))
    trial = Trial(flow, context={"line": "л" * 200})
    says = trial.tap("continue").says
    assert says[0].text.endswith("чем помочь?")
    assert (says[1].text, len(says[1].options)) == ("Выберите, пожалуйста:", 3)


def test_a_stored_state_comes_back_as_it_was(chat: Trial):
    chat.tap("status")
    chat.write("а доставка?")
    assert BotState.from_json(chat.state.to_json()) == chat.state
    assert chat.state.over is None
    chat.write("оператор")
    assert BotState.from_json(chat.state.to_json()).over is Over.HANDOFF


@pytest.mark.parametrize("stored", ["", "[]", "{}", "null", '{"version": "a"}', '{"x": 1}', "{"])
def test_anything_else_is_no_stored_state(stored):
    with pytest.raises(ValueError, match=r".*"):
        BotState.from_json(stored)

"""What the bot asks for, takes, asks again and never takes."""

from handoff.triage.reading import parse
from handoff.triage.state import (
    End,
    Handoff,
    Reason,
)
from handoff.triage.trial import Trial
from tests.handoff.triage.saying import said


def test_a_slot_takes_its_value_and_goes_on_with_it_in_the_text(chat: Trial):
    chat.tap("status")
    played = chat.write("вот он: 12345678")
    assert played.state.slots == {"order_no": "12345678"}
    assert said(played) == "Заказ 12345678: зову оператора."
    assert played.outcome == Handoff(
        "orders", None, 2, ("with_number",), Reason.FLOW, "order_status"
    )


def test_a_wrong_value_is_asked_again_and_then_the_flow_goes_elsewhere(chat: Trial):
    chat.tap("status")
    assert "Какой номер заказа?" in said(chat.write("не знаю"))
    assert chat.write("правда не знаю").outcome == Handoff(
        "support", "toys", 0, ("from_bot",), Reason.FLOW, "order_status"
    )


def test_wrong_values_are_no_misses(chat: Trial):
    chat.tap("status")
    chat.write("не знаю")
    assert chat.state.misses == 0


def test_a_question_in_an_open_slot_is_answered_and_the_slot_comes_back(chat: Trial):
    chat.tap("status")
    assert chat.write("а доставка сколько стоит?").state.node == "delivery"
    played = chat.tap("yes")
    assert played.state.node == "ask_order"
    assert said(played) == "Вернёмся к вашему вопросу.\n\nКакой номер заказа?"
    assert chat.write("12345678").state.slots == {"order_no": "12345678"}


def test_after_the_menu_an_open_slot_is_forgotten(chat: Trial):
    chat.tap("status")
    chat.write("а доставка?")
    chat.write("меню")
    chat.tap("hours")
    assert isinstance(chat.tap("yes").outcome, End)


def test_a_value_in_the_question_is_not_asked_for(chat: Trial):
    played = chat.write("где мой заказ 12345678")
    assert played.state.slots == {"order_no": "12345678"}
    assert "Какой номер" not in said(played)


def test_a_card_number_is_never_taken(bent):
    free = Trial(parse(bent(("    match: '(?<!\\d)(\\d{6,10})(?!\\d)'\n", ""))))
    free.tap("continue")
    free.tap("status")
    played = free.write("моя карта 4111 1111 1111 1111")
    assert played.state.slots == {}
    assert "4111" not in played.state.to_json()
    assert "не присылайте" in said(played)

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from handoff.triage.flow import Flow
from handoff.triage.reading import parse
from handoff.triage.state import BotState, Choice, Continue, Handoff, Over, Reason, Text
from handoff.triage.turns import take_turn


def test_a_conversation_is_played_through_what_is_stored(shop: Flow):
    first = take_turn(shop, None, Choice("c:1"), language="en", context={"line": "Toys"})
    assert "You called Toys." in first.says[0].text
    second = take_turn(shop, first.state.to_json(), Choice("f:menu:hours"))
    assert second.outcome == Continue()
    assert "From 10 to 22." in second.says[0].text


def test_the_newest_call_is_the_one_spoken_of(bent):
    flow = parse(bent(("From 10 to 22.", "{line|We} open at 10.")))
    first = take_turn(flow, None, Choice("c:1"), language="en", context={"line": "Toys"})
    saved = first.state.to_json()
    again = take_turn(flow, saved, Choice("f:menu:hours"), context={"line": "Books", "x": "y"})
    assert "Books open at 10." in again.says[0].text
    assert again.state.context == {"line": "Books"}
    kept = take_turn(flow, saved, Choice("f:menu:hours"))
    assert "Toys open at 10." in kept.says[0].text


@pytest.mark.parametrize("saved", ["", "{", "[]", '{"version": 1, "language": "ru", "node": []}'])
def test_a_state_that_cannot_be_read_brings_people(shop: Flow, saved):
    played = take_turn(shop, saved, Text("привет"), language="ru")
    assert isinstance(played.outcome, Handoff)
    assert played.state.over is Over.HANDOFF


def test_a_bot_that_breaks_says_so_in_the_customers_language_and_brings_people(shop: Flow):
    broken = BotState(shop.version, "ru", node="a node that never was", tags=("kept",), topic="t")
    played = take_turn(shop, broken.to_json(), Text("мой секрет"))
    assert played.outcome == Handoff(None, None, 0, ("kept",), Reason.FAULT, "t")
    assert "оператору" in played.says[0].text
    assert take_turn(shop, played.state.to_json(), Text("алло")).says == ()


def test_a_fault_is_logged_without_the_customers_words(shop: Flow):
    broken = replace(BotState(shop.version, "ru"), node="nowhere")
    with capture_logs() as logs:
        take_turn(shop, broken.to_json(), Text("мой секрет"))
    assert logs == [
        {"event": "triage.turn_failed", "log_level": "error", "flow": "shop", "error": "KeyError"}
    ]

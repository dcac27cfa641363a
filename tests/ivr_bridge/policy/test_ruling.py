"""Rules are asked in order, each leaves a trace, and what the IVR did not send is skipped visibly."""

from dataclasses import replace

import pytest
from hypothesis import given

from ivr_bridge.outcome import Reason
from ivr_bridge.policy import (
    HARD,
    SOFT,
    Agreement,
    Circumstances,
    PolicyTerms,
    Saw,
    agreement,
    rule,
)
from messaging.reachability import Reach
from tests.ivr_bridge.policy.anything import anything

USUAL = PolicyTerms()
FINE = Circumstances(
    enabled=True,
    withheld=False,
    number_valid=True,
    agreement=Agreement.DECLARED,
    channel_wanted=None,
    opted_out=False,
    account_up=True,
    template_ok=True,
    reach=Reach.UNKNOWN,
    conversation_open=False,
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"enabled": False}, Reason.LINE_DISABLED),
        ({"withheld": True, "number_valid": False}, Reason.CALLER_WITHHELD),
        ({"number_valid": False}, Reason.INVALID_NUMBER),
        ({"agreement": Agreement.REFUSED}, Reason.NO_CONSENT),
        ({"agreement": Agreement.MISSING}, Reason.NO_CONSENT),
        ({"opted_out": True}, Reason.OPTED_OUT),
        ({"channel_wanted": False}, Reason.NOT_ON_CHANNEL),
        ({"account_up": False}, Reason.CHANNEL_DOWN),
        ({"template_ok": False}, Reason.TEMPLATE_BLOCKED),
        ({"reach": Reach.UNREACHABLE}, Reason.NOT_ON_CHANNEL),
        ({"withheld": True}, None),
        ({"reach": Reach.UNREACHABLE, "conversation_open": True}, None),
        ({"called_again": True, "declined": True}, None),
        ({}, None),
    ],
)
def test_hard_rules(change, reason):
    assert rule(HARD, replace(FINE, **change), USUAL).refused is reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"declined": True}, Reason.DECLINED),
        ({"called_again": True}, Reason.REPEAT_CALL),
        ({}, None),
    ],
)
def test_soft_rules_stand_only_before_the_offer(change, reason):
    seen = replace(FINE, **change)
    assert rule((*HARD, *SOFT), seen, USUAL).refused is reason
    assert rule(HARD, seen, USUAL).refused is None


@given(anything)
def test_the_trace_ends_with_the_refusal_and_names_every_rule_that_was_asked(seen):
    rules = (*HARD, *SOFT)
    ruling = rule(rules, seen, USUAL)
    names = [each["rule"] for each in ruling.trace]
    assert names == [each.name for each in rules[: len(names)]]
    refusals = [each for each in ruling.trace if each["saw"] == Saw.REFUSED]
    if ruling.refused is None:
        assert len(names) == len(rules)
        assert not refusals
    else:
        assert refusals == [ruling.trace[-1]]
        assert rules[len(names) - 1].reason is ruling.refused


def test_an_incident_on_the_line_stops_offers_and_no_promise():
    on = PolicyTerms(incident=True)
    assert rule((*HARD, *SOFT), FINE, on).refused is Reason.INCIDENT
    assert rule(HARD, FINE, on).refused is None


def test_to_ask_for_a_deflection_is_to_state_that_the_caller_asked_for_it():
    assert agreement(given=None, explicit_required=False) is Agreement.DECLARED
    assert agreement(given=None, explicit_required=True) is Agreement.MISSING
    assert agreement(given=True, explicit_required=True) is Agreement.GIVEN
    assert agreement(given=False, explicit_required=False) is Agreement.REFUSED

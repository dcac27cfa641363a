"""Each rule at its boundary, and what holds of all of them whatever the circumstances."""

# ruff: noqa: DTZ001 - a clock on a wall has no time zone

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_bridge.outcome import Reason
from ivr_bridge.policy import (
    HARD,
    SOFT,
    Agreement,
    Circumstances,
    PolicyTerms,
    Ruling,
    Saw,
    rule,
)
from messaging.reachability import Reach
from tests.ivr_bridge.policy.anything import anything

ALL = (*HARD, *SOFT)
FINE = Circumstances(
    enabled=True,
    withheld=False,
    number_valid=True,
    agreement=Agreement.NOT_ASKED,
    channel_wanted=None,
    opted_out=False,
    account_up=True,
    template_ok=True,
    reach=Reach.UNKNOWN,
    conversation_open=False,
    openings_ago_s=(),
    local=datetime(2026, 6, 15, 12, tzinfo=UTC),
    share_draw=0.5,
    hold_out_draw=0.5,
    ignored_offers=0,
)
WEEK = {"hours": {"week": {"mon-fri": "09:00-18:00"}}}
PEAK = {"peak": {"voice_wait_s": 180, "queue_position": 10, "calls": 100}}
CAPS = {"frequency": [{"at_most": 1, "within_s": 1200}, {"at_most": 3, "within_s": 86400}]}
OFFERS = {"offers": {"every_s": 60, "per_call": 2, "ignored": {"at_most": 3, "within_s": 86400}}}
GIVEN = {"agreement": Agreement.GIVEN}

# rule, terms, circumstances, what it says
BOUNDARIES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("no_incident", {"incident": True}, {}, "refused"),
    ("no_incident", {}, {}, "passed"),
    ("open_now", {}, {}, "skipped"),
    ("open_now", WEEK, {"local": datetime(2026, 6, 15, 8, 59, 59)}, "refused"),
    ("open_now", WEEK, {"local": datetime(2026, 6, 15, 9, 0)}, "passed"),
    ("open_now", WEEK, {"local": datetime(2026, 6, 15, 17, 59, 59)}, "passed"),
    ("open_now", WEEK, {"local": datetime(2026, 6, 15, 18, 0)}, "refused"),
    ("intent_included", {"intents": {"never": ["Fraud"]}}, {"intent": " fraud "}, "refused"),
    ("intent_included", {"intents": {"never": ["fraud"]}}, {"intent": "order"}, "passed"),
    ("intent_included", {"intents": {"never": ["fraud"]}}, {}, "skipped"),
    ("intent_included", {"intents": {"only": ["order"]}}, {"intent": "ORDER"}, "passed"),
    ("intent_included", {"intents": {"only": ["order"]}}, {"intent": "other"}, "refused"),
    ("intent_included", {"intents": {"only": ["order"]}}, {}, "skipped"),
    ("language_spoken", {"require_language": True}, {"language_spoken": False}, "refused"),
    ("language_spoken", {"require_language": True}, {"language_spoken": True}, "passed"),
    ("language_spoken", {"require_language": True}, {}, "skipped"),
    ("language_spoken", {}, {"language_spoken": False}, "skipped"),
    ("not_declined", {}, {"declined": True}, "refused"),
    ("not_declined", {}, {}, "skipped"),
    ("first_call", {}, {"called_again": True}, "refused"),
    ("offer_due", OFFERS, {"offered_ago_s": 4.9, "offers": 1}, "skipped"),
    ("offer_due", OFFERS, {"offered_ago_s": 5.0, "offers": 1}, "refused"),
    ("offer_due", OFFERS, {"offered_ago_s": 54.9, "offers": 1}, "refused"),
    ("offer_due", OFFERS, {"offered_ago_s": 55.0, "offers": 1}, "passed"),
    ("offer_due", {"offers": {"every_s": 0}}, {"offered_ago_s": 6.0, "offers": 1}, "passed"),
    ("offers_left", OFFERS, {"offered_ago_s": 90.0, "offers": 1}, "passed"),
    ("offers_left", OFFERS, {"offered_ago_s": 90.0, "offers": 2}, "refused"),
    ("offers_left", OFFERS, {"offered_ago_s": 2.0, "offers": 2}, "passed"),
    ("offers_left", {}, {"offered_ago_s": 90.0, "offers": 9}, "skipped"),
    ("not_tired", OFFERS, {"ignored_offers": 2}, "passed"),
    ("not_tired", OFFERS, {"ignored_offers": 3}, "refused"),
    ("not_tired", {}, {"ignored_offers": 9}, "skipped"),
    ("peak", PEAK, {}, "skipped"),
    ("peak", PEAK, {"voice_wait_s": 179}, "refused"),
    ("peak", PEAK, {"voice_wait_s": 180}, "passed"),
    ("peak", PEAK, {"queue_position": 9}, "refused"),
    ("peak", PEAK, {"queue_position": 10}, "passed"),
    ("peak", PEAK, {"recent_calls": 99}, "refused"),
    ("peak", PEAK, {"recent_calls": 100}, "passed"),
    ("peak", PEAK, {"voice_wait_s": 1, "queue_position": 1, "recent_calls": 100}, "passed"),
    ("peak", {"peak": {"voice_wait_s": 180}}, {"queue_position": 1}, "skipped"),
    ("chat_has_room", {"chat": {"max_waiting": 5}}, {"chat_waiting": 5}, "passed"),
    ("chat_has_room", {"chat": {"max_waiting": 5}}, {"chat_waiting": 6}, "refused"),
    ("chat_has_room", {"chat": {"max_wait_s": 60}}, {"chat_wait_s": 60}, "passed"),
    ("chat_has_room", {"chat": {"max_wait_s": 60}}, {"chat_wait_s": 61}, "refused"),
    ("chat_has_room", {"chat": {"max_wait_s": 60}}, {}, "skipped"),
    ("chat_has_room", {"chat": {"staffed": True}}, {"chat_staffed": False}, "refused"),
    ("chat_has_room", {"chat": {"staffed": True}}, {"chat_staffed": True}, "passed"),
    ("chat_has_room", {}, {"chat_staffed": False}, "skipped"),
    (
        "chat_faster",
        {"chat": {"faster_by_s": 60}},
        {"chat_wait_s": 40, "voice_wait_s": 101},
        "passed",
    ),
    (
        "chat_faster",
        {"chat": {"faster_by_s": 60}},
        {"chat_wait_s": 40, "voice_wait_s": 100},
        "refused",
    ),
    ("chat_faster", {"chat": {"faster_by_s": 0}}, {"chat_wait_s": 40}, "skipped"),
    ("chat_faster", {"chat": {"faster_by_s": 0}}, {"voice_wait_s": 40}, "skipped"),
    ("in_share", {"share": {"of": 0.3}}, {"share_draw": 0.2999}, "passed"),
    ("in_share", {"share": {"of": 0.3}}, {"share_draw": 0.3}, "refused"),
    ("in_share", {"share": {"of": 0}}, {"share_draw": 0.0}, "refused"),
    ("in_share", {"share": {"of": 1}}, {"share_draw": 0.9999}, "passed"),
    ("in_share", {"share": {"of": 0.3}}, {"share_draw": None}, "skipped"),
    ("not_held_out", {"hold_out": {"of": 0.1}}, {"hold_out_draw": 0.0999}, "refused"),
    ("not_held_out", {"hold_out": {"of": 0.1}}, {"hold_out_draw": 0.1}, "passed"),
    ("not_held_out", {}, {"hold_out_draw": 0.0}, "skipped"),
    (
        "prompt_accepted",
        {"consent": {"prompt_versions": ["a"]}},
        {**GIVEN, "prompt_version": "b"},
        "refused",
    ),
    (
        "prompt_accepted",
        {"consent": {"prompt_versions": ["a"]}},
        {**GIVEN, "prompt_version": "a"},
        "passed",
    ),
    ("prompt_accepted", {"consent": {"prompt_versions": ["a"]}}, GIVEN, "skipped"),
    ("prompt_accepted", {}, {**GIVEN, "prompt_version": "b"}, "skipped"),
    ("not_unwanted", {}, {"unwanted": True}, "refused"),
    ("not_unwanted", {}, {"unwanted": False}, "passed"),
    ("not_unwanted", {}, {"unwanted": None}, "skipped"),
    ("not_too_often", CAPS, {"openings_ago_s": (1199.0,)}, "refused"),
    ("not_too_often", CAPS, {"openings_ago_s": (1200.0,)}, "passed"),
    ("not_too_often", CAPS, {"openings_ago_s": (1300.0, 2000.0, 86399.0)}, "refused"),
    ("not_too_often", CAPS, {"openings_ago_s": (1300.0, 2000.0, 86400.0)}, "passed"),
    (
        "not_too_often",
        CAPS,
        {"openings_ago_s": (1.0,), "conversation_open": True},
        "skipped",
    ),
    ("not_too_often", {}, {"openings_ago_s": (1.0,)}, "skipped"),
    ("time_enough", {}, {"time_left_ms": 1450, "time_needed_ms": 1450}, "passed"),
    ("time_enough", {}, {"time_left_ms": 1449, "time_needed_ms": 1450}, "refused"),
    ("time_enough", {}, {}, "skipped"),
]


def saw(ruling: Ruling, name: str) -> Mapping[str, Any]:
    (entry,) = [each for each in ruling.trace if each["rule"] == name]
    return entry


@pytest.mark.parametrize(("name", "terms", "change", "says"), BOUNDARIES)
def test_a_rule_at_its_boundary(name, terms, change, says):
    ruling = rule(ALL, replace(FINE, **change), PolicyTerms.model_validate(terms), every=True)
    assert saw(ruling, name)["saw"] == says
    reason = next(each.reason for each in ALL if each.name == name)
    assert (ruling.refused is reason) == (says == "refused")


def test_a_refusal_shows_what_was_found_and_what_was_wanted():
    terms = PolicyTerms.model_validate({**PEAK, "chat": {"faster_by_s": 60}})
    seen = replace(FINE, voice_wait_s=90, queue_position=4, chat_wait_s=45)
    ruling = rule(ALL, seen, terms, every=True)
    assert saw(ruling, "peak") == {
        "rule": "peak",
        "saw": "refused",
        "found": {"voice_wait_s": 90, "queue_position": 4},
        "wanted": {"voice_wait_s": 180, "queue_position": 10, "calls": 100},
    }
    assert saw(ruling, "chat_faster")["found"] == {"chat_wait_s": 45, "voice_wait_s": 90}
    assert saw(ruling, "chat_faster")["wanted"] == {"faster_by_s": 60}


@pytest.mark.parametrize(
    ("name", "terms", "change", "missing"),
    [
        ("intent_included", {"intents": {"only": ["order"]}}, {}, ["intent"]),
        ("language_spoken", {"require_language": True}, {}, ["language"]),
        ("peak", {"peak": {"voice_wait_s": 180}}, {"queue_position": 1}, ["voice_wait_s"]),
        ("chat_has_room", {"chat": {"max_wait_s": 60, "staffed": True}}, {}, ["chat_wait_s", "staffed"]),
        ("chat_faster", {"chat": {"faster_by_s": 60}}, {"chat_wait_s": 40}, ["voice_wait_s"]),
        ("chat_faster", {"chat": {"faster_by_s": 60}}, {}, ["chat_wait_s", "voice_wait_s"]),
        ("in_share", {"share": {"of": 0.3}}, {"share_draw": None}, ["caller"]),
        ("not_held_out", {"hold_out": {"of": 0.1}}, {"hold_out_draw": None}, ["caller"]),
    ],
)  # fmt: skip
def test_a_rule_that_the_line_has_and_nobody_fed_says_what_is_missing(name, terms, change, missing):
    parts = PolicyTerms.model_validate(terms)
    skipped = saw(rule(ALL, replace(FINE, **change), parts, every=True), name)
    assert (skipped["saw"], skipped["found"]) == ("skipped", {"missing": missing})
    assert skipped["wanted"]
    # A rule that the line has not is skipped without a word.
    assert saw(rule(ALL, FINE, PolicyTerms(), every=True), name) == {"rule": name, "saw": "skipped"}


# -- whatever the circumstances -----------------------------------------------------------------------

some_terms = st.fixed_dictionaries(
    {},
    optional={
        "incident": st.booleans(),
        "hours": st.just(WEEK["hours"]),
        "peak": st.just(PEAK["peak"]),
        "chat": st.just({"faster_by_s": 60, "max_waiting": 500, "max_wait_s": 600}),
        "intents": st.sampled_from([{"only": ["order"]}, {"never": ["fraud"]}]),
        "require_language": st.booleans(),
        "consent": st.just({"prompt_versions": ["a"]}),
        "frequency": st.just(CAPS["frequency"]),
        "offers": st.just(OFFERS["offers"]),
        "share": st.just({"of": 0.5}),
        "hold_out": st.just({"of": 0.2}),
    },
).map(PolicyTerms.model_validate)


@given(anything, some_terms)
def test_the_first_refusal_is_the_reason_and_asking_twice_says_the_same(seen, terms):
    first = rule(ALL, seen, terms)
    assert rule(ALL, seen, terms) == first
    whole = rule(ALL, seen, terms, every=True)
    assert whole.refused is first.refused
    assert [each["rule"] for each in whole.trace] == [each.name for each in ALL]
    assert list(whole.trace[: len(first.trace)]) == list(first.trace)
    refusals = [each["rule"] for each in whole.trace if each["saw"] == Saw.REFUSED]
    reasons = {each.name: each.reason for each in ALL}
    assert first.refused is (reasons[refusals[0]] if refusals else None)


@given(anything, some_terms)
def test_nobody_is_offered_a_chat_who_must_not_be(seen, terms):
    refused = rule(ALL, seen, terms).refused
    hidden = seen.withheld and not seen.number_valid
    if hidden or not seen.number_valid or seen.opted_out or seen.unwanted or seen.declined:
        assert refused is not None
    if not seen.enabled or terms.incident or seen.called_again:
        assert refused is not None


@given(anything, some_terms)
def test_a_promise_is_not_broken_by_what_only_matters_before_it(seen, terms):
    soft = {each.reason for each in SOFT} - {each.reason for each in HARD}
    assert rule(HARD, seen, terms).refused not in soft
    undecided = replace(
        seen, local=None, intent=None, voice_wait_s=None, chat_wait_s=None, share_draw=None
    )
    assert rule(HARD, undecided, terms) == rule(HARD, seen, terms)


@given(anything, some_terms)
def test_only_whom_every_other_rule_lets_pass_is_held_out(seen, terms):
    ruling = rule(ALL, seen, terms)
    if ruling.refused is Reason.HOLD_OUT:
        assert rule(ALL, seen, terms.model_copy(update={"hold_out": None})).refused is None


@given(anything, st.integers(1, 500))
def test_a_longer_wait_never_takes_the_peak_away(seen, more):
    terms = PolicyTerms.model_validate({**PEAK, "chat": {"faster_by_s": 60}})
    busier = replace(
        seen,
        voice_wait_s=None if seen.voice_wait_s is None else seen.voice_wait_s + more,
        queue_position=None if seen.queue_position is None else seen.queue_position + more,
        recent_calls=None if seen.recent_calls is None else seen.recent_calls + more,
    )
    for name in ("peak", "chat_faster"):
        before = saw(rule(ALL, seen, terms, every=True), name)["saw"]
        after = saw(rule(ALL, busier, terms, every=True), name)["saw"]
        assert not (before == "passed" and after == "refused")
        assert (before == "skipped") == (after == "skipped")


@given(anything, st.integers(1, 500))
def test_a_longer_chat_queue_never_makes_room(seen, more):
    terms = PolicyTerms.model_validate(
        {"chat": {"faster_by_s": 0, "max_waiting": 100, "max_wait_s": 100}}
    )
    fuller = replace(
        seen,
        chat_wait_s=None if seen.chat_wait_s is None else seen.chat_wait_s + more,
        chat_waiting=None if seen.chat_waiting is None else seen.chat_waiting + more,
    )
    for name in ("chat_has_room", "chat_faster"):
        before = saw(rule(ALL, seen, terms, every=True), name)["saw"]
        assert (
            before != "refused" or saw(rule(ALL, fuller, terms, every=True), name)["saw"] == before
        )


@given(anything, some_terms, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_offers_to_no_fewer(seen, terms, one, other):
    less, more = sorted((one, other))
    small = terms.model_copy(
        update={"share": PolicyTerms.model_validate({"share": {"of": less}}).share}
    )
    large = terms.model_copy(
        update={"share": PolicyTerms.model_validate({"share": {"of": more}}).share}
    )
    if rule(ALL, seen, small).refused is None:
        assert rule(ALL, seen, large).refused is None

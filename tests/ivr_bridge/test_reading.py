"""Requests as IVRs really send them."""

import json
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.faults import Invalid
from core.ids import DeflectionId, new_id
from ivr_bridge.callers import caller_of
from ivr_bridge.calls import key_of
from ivr_bridge.documents import CallEvent
from ivr_bridge.evidence import Confirm
from ivr_bridge.line import Values
from ivr_bridge.reading import Asked, asked_of, clean, lenient, read_events, read_fields, storable
from ivr_bridge.store import Attempt, which_attempt
from ivr_bridge.timing import Pace, deadline_ms, needed_ms, patience_s


def understood(raw: bytes) -> Asked:
    return asked_of(read_fields(raw))


PLAIN = {"call_id": "c", "caller": "+79161234567", "line": "+78002500000"}


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(PLAIN).encode(),
        b"\n  " + json.dumps(PLAIN).encode() + b"\r\n",
        b"\xef\xbb\xbf" + json.dumps(PLAIN).encode(),
        b"\xef\xbb\xbfcall_id=c&caller=%2B79161234567&line=%2B78002500000",
        b"call_id=c&caller=%2B79161234567&line=%2B78002500000",
        b"call_id=c&caller=+79161234567&line=+78002500000\r\n",
        json.dumps({**PLAIN, "unknown": {"deep": [1]}, "caller": 79161234567}).encode(),
    ],
)
def test_json_or_form_is_told_by_its_first_character(raw):
    request = understood(raw).request
    assert request.call_id == "c"
    caller = caller_of(request.caller, withheld=False, messenger_number=None, country="RU")
    assert caller.phone is not None
    assert caller.phone.e164 == "+79161234567"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("deadline_ms", "soon"),
        ("deadline_ms", 1e999),
        ("voice_wait_s", -3),
        ("queue_position", [1]),
        ("context", "free text"),
        ("confirm", "maybe"),
        ("attempt", 0),
        ("ivr_path", {"a": 1}),
        ("language", {"a": 1}),
        ("customer", 17),
        ("messenger_number", {"n": 1}),
    ],
)
def test_a_bad_optional_field_costs_that_field_only(field, value):
    asked = understood(json.dumps({**PLAIN, field: value}).encode())
    assert list(asked.dropped) == [field]
    assert asked.request.line == PLAIN["line"]


@pytest.mark.parametrize(
    ("told", "given"),
    [
        ({"given": "perhaps", "method": "dtmf"}, False),
        ({"given": [True]}, False),
        ("perhaps", False),
        (["yes"], False),
        ({"given": False, "at": "just now"}, False),
        ({"given": "no", "prompt_version": ["7"]}, False),
        (False, False),
        (True, True),
        (" yes ", True),
        ({"given": True, "at": "just now"}, True),
        ({"method": "dtmf"}, True),
        ({"given": "", "method": "dtmf"}, None),
    ],
)
def test_what_is_said_about_consent_and_cannot_be_read_is_no_consent(told, given):
    asked = understood(json.dumps({**PLAIN, "consent": told}).encode())
    assert asked.request.consent is not None
    assert asked.request.consent.given is given


@pytest.mark.parametrize("told", [None, "", {}, {"given": None, "method": ""}])
def test_a_consent_of_variables_that_are_not_set_is_none(told):
    asked = understood(json.dumps({**PLAIN, "consent": told}).encode())
    assert (asked.request.consent, list(asked.dropped)) == (None, [])


def test_a_bad_field_inside_another_costs_that_one_only():
    consent = {"given": True, "method": "dtmf", "at": "just now"}
    customer = {"id": {"a": 1}, "segment": "gold"}
    told = json.dumps({**PLAIN, "consent": consent, "customer": customer}).encode()
    asked = understood(told)
    assert list(asked.dropped) == ["consent.at", "customer.id"]
    assert asked.request.consent is not None
    assert (asked.request.consent.given, asked.request.consent.method) == (True, "dtmf")
    assert asked.request.customer is not None
    assert asked.request.customer.segment == "gold"


def test_a_context_that_is_too_large_is_dropped():
    asked = understood(json.dumps({**PLAIN, "context": {"text": "x" * 9000}}).encode())
    assert asked.request.context == {}
    assert "context" in asked.dropped


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"[]",
        b'"text"',
        b"{",
        b'{"call_id": "c"',
        b"null",
        b"<xml/>",
        json.dumps({"caller": "+7916", "line": "1"}).encode(),
        json.dumps({"call_id": "c", "line": "1"}).encode(),
        json.dumps({"call_id": "c", "caller": "1"}).encode(),
        json.dumps({**PLAIN, "call_id": ""}).encode(),
        json.dumps({**PLAIN, "call_id": "x" * 513}).encode(),
        json.dumps({**PLAIN, "call_id": {"a": 1}}).encode(),
        b'{"call_id":"c","caller":"1","line":"2","context":' + b"[" * 50 + b"]" * 50 + b"}",
        b'{"a":' * 5000,
        b"\xff\xfe\x00",
    ],
)
def test_what_cannot_be_understood_is_refused(raw):
    with pytest.raises(Invalid):
        understood(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_understood_or_refused(raw):
    for read in (understood, read_events):
        try:
            read(raw)
        except Invalid:
            continue


def test_forms_can_nest_and_repeat():
    asked = understood(
        b"call_id=c&caller=x&caller=+79161234567&line=l&consent.given=1&consent.method=dtmf"
        b"&context.order=123&ivr_path=main,1&can_poll=true&deadline_ms=3000&intent="
    )
    request = asked.request
    assert request.caller == " 79161234567"
    assert request.consent is not None
    assert (request.consent.given, request.consent.method) == (True, "dtmf")
    assert request.context == {"order": "123"}
    assert request.ivr_path == ("main", "1")
    assert (request.can_poll, request.deadline_ms, request.intent) == (True, 3000, None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+79161234567", "+79161234567"),
        ("79161234567", "+79161234567"),
        ("89161234567", "+79161234567"),
        ("8 (916) 123-45-67", "+79161234567"),
        ("9161234567", "+79161234567"),
        (" 79161234567", "+79161234567"),
        ("0079161234567", "+79161234567"),
        ("sip:+79161234567@pbx.example;user=phone", "+79161234567"),
        ('"Anna" <sip:89161234567@10.0.0.1>', "+79161234567"),
        ("tel:+79161234567;ext=12", "+79161234567"),
        ("+14155550100", "+14155550100"),
    ],
)
def test_callers_as_a_pbx_writes_them(text, number):
    caller = caller_of(text, withheld=False, messenger_number=None, country="RU")
    assert caller.phone is not None
    assert caller.phone.e164 == number
    assert not caller.withheld


@pytest.mark.parametrize(
    "text",
    ["", " ", "anonymous", "Anonymous", "unavailable", "UNKNOWN", "restricted",
     '"Anonymous" <sip:anonymous@anonymous.invalid>', None],
)  # fmt: skip
def test_a_withheld_caller_has_no_number(text):
    caller = caller_of(text, withheld=False, messenger_number=None, country="RU")
    assert caller.withheld
    assert caller.target is None


@pytest.mark.parametrize("text", ["101", "2001", "call me", "+", "000", "١٢٣"])
def test_an_extension_is_no_number(text):
    caller = caller_of(text, withheld=False, messenger_number=None, country="RU")
    assert caller.target is None


HIDDEN = [True, "true", "1", 1, "yes", " on ", "maybe", "ja", 7, [], {}]
SHOWN = [False, "false", "0", 0, "no", " Off ", None, "", "  "]


@pytest.mark.parametrize(
    ("told", "withheld"), [*zip(HIDDEN, repeat(True)), *zip(SHOWN, repeat(False))]
)
def test_who_may_have_asked_to_be_hidden_is_hidden(told, withheld):
    asked = understood(json.dumps({**PLAIN, "caller_withheld": told}).encode())
    assert asked.request.caller_withheld is withheld
    event = {**PLAIN, "event": "entered", "caller_withheld": told}
    assert lenient(CallEvent, event)[0].caller_withheld is withheld


def test_the_flag_wins_over_a_number_that_the_trunk_passes_anyway():
    caller = caller_of("+79161234567", withheld=True, messenger_number=None, country="RU")
    assert caller.phone is None
    assert caller.target is None


def test_a_keyed_in_mobile_is_written_to_but_is_not_the_caller():
    caller = caller_of("anonymous", withheld=False, messenger_number="89161234567", country="RU")
    assert caller.phone is None
    assert caller.target is not None
    assert caller.keyed_in


@given(st.text(min_size=1, max_size=50), st.text(min_size=1, max_size=50))
def test_two_call_ids_never_become_one_and_all_can_be_stored(one, other):
    assert (key_of(one) == key_of(other)) == (one == other)
    assert "\x00" not in key_of(one)
    key_of(one).encode()


@given(
    st.recursive(
        st.text() | st.floats() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_is_stored_is_json_without_nul(value):
    text = json.dumps(storable(value), ensure_ascii=False, allow_nan=False)
    text.encode()
    assert "\\u0000" not in text


def test_clean_keeps_what_is_clean():
    assert clean("Привет") == "Привет"
    assert clean("a\x00b\ud800") == "a\ufffdb?"


def test_template_values_are_never_empty_and_never_broken():
    values = Values({"topic": "", "order": "a\n\tb"})
    assert values.fill("{topic|your question}") == "your question"
    assert values.fill("{missing}") == "-"
    assert values.fill("Order {order}") == "Order a b"


def test_deadlines_are_kept_within_what_can_be_kept():
    assert deadline_ms(None, None) == 2500
    assert deadline_ms(None, 4000) == 4000
    assert deadline_ms(10, 4000) == 500
    assert deadline_ms(99_999, None) == 12_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0), ("1500", 1.5), ("99999", 20), ("9" * 5000, 20), ("-1", 0), ("²", 0), ("soon", 0)],
)
def test_patience_is_read_from_whatever_is_sent(text, seconds):
    assert patience_s(text) == seconds


def test_evidence_needs_its_providers_time_the_grace_and_the_way_back():
    slow = Pace(sent_ms=2000)
    assert needed_ms(slow, Confirm.SENT, positive=False, grace_ms=800) == 2950
    assert needed_ms(slow, Confirm.SENT, positive=True, grace_ms=800) == 2150
    assert needed_ms(Pace(), Confirm.SENT, positive=False, grace_ms=800) == 1450
    assert needed_ms(Pace(), Confirm.DELIVERED, positive=False, grace_ms=800) == 1150


@pytest.mark.parametrize(
    ("asked", "earlier", "meant"),
    [
        (None, [], 1),
        (3, [], 3),
        (None, [("continue", 5.0)], 1),
        (None, [("continue", 25.0)], 2),
        (None, [("hangup", 25.0)], 1),
        (None, [("pending", -1.0)], 1),
        (None, [("pending", 25.0)], 2),
        (None, [("continue", 60.0), ("continue", 3.0)], 2),
        (1, [("continue", 60.0)], 1),
    ],
)
def test_which_attempt_a_request_means(asked, earlier, meant):
    attempts = [
        Attempt(DeflectionId(new_id()), place, outcome, None, None, over)
        for place, (outcome, over) in enumerate(earlier, start=1)
    ]
    assert which_attempt(asked, attempts) == meant

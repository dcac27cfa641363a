"""Whatever was decided or went wrong, in whichever view: what is told, and with which status."""

import time

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from core.faults import Fault, Invalid, Overloaded, Unauthorized
from core.http import PUBLIC_ORIGIN
from ivr_bridge.answer import Answer
from ivr_bridge.calls import IdempotencyConflict
from ivr_bridge.dialects.payloads import Heard
from ivr_bridge.dialects.telling import VERBS, tell, tell_fault
from ivr_bridge.dialects.turn import Turn
from ivr_bridge.dialects.views import View
from ivr_bridge.line import Line
from ivr_bridge.outcome import Action, Reason
from tests.ivr_bridge.dialects.test_documents import ANSWERS, CHECKS, LINES, a_line, hangs_up, said

PATHS = ["/v1/deflections", "/v1/l/demo/eligibility", "/v1/k/ib_x/deflections/d_0"]
FAULTS: list[Fault] = [Unauthorized(), Invalid(), Overloaded(), IdempotencyConflict()]


def a_turn(view: View, path: str, query: str, line: Line | None, *, by_status: bool) -> Turn:
    app = web.Application()
    app[PUBLIC_ORIGIN] = "https://calls.example"
    request = make_mocked_request("POST", f"{path}?format={view.value}&language=ru{query}", app=app)
    turn = Turn(request, time.monotonic(), view=view, by_status=by_status, line=line)
    turn.call = {"call_id": "c", "caller": "+7", "line": "main"}
    return turn


TURNS = {
    "path": st.sampled_from(PATHS),
    "query": st.sampled_from(["", "&again_s=60", "&again_s=x", "&line=<main>&intent=a%26b"]),
    "line": st.none() | LINES,
    "by_status": st.booleans(),
}


@pytest.mark.parametrize("view", list(View))
@settings(max_examples=20, deadline=None)
@given(answer=ANSWERS, promised=st.booleans(), follows=st.booleans(), **TURNS)
def test_a_hangup_is_told_only_when_it_was_decided(
    view: View, answer: Answer, promised, follows, path, query, line, by_status
):
    turn = a_turn(view, path, query, line, by_status=by_status)
    turn.promised, turn.follows = promised, follows
    response = tell(turn, answer)
    body = response.body
    assert isinstance(body, bytes)
    if by_status:
        assert (response.status == 200) is (answer.action in {Action.HANGUP, Action.OFFER})
        assert response.status in {200, 302}
    if view in VERBS:
        CHECKS[view](body)
        assert hangs_up(view, body) is (answer.action is Action.HANGUP and line is not None)
    else:
        assert said(view, body) == answer.action.value


@pytest.mark.parametrize("view", list(View))
@settings(max_examples=20, deadline=None)
@given(fault=st.sampled_from(FAULTS), heard=st.sampled_from(Heard), **TURNS)
def test_a_fault_goes_on(view: View, fault: Fault, heard: Heard, path, query, line, by_status):
    turn = a_turn(view, path, query, line, by_status=by_status)
    turn.heard = heard
    turn.promised = heard is Heard.YES
    response = tell_fault(turn, fault)
    body = response.body
    assert isinstance(body, bytes)
    if by_status:
        assert response.status == 302
    else:
        known = view in VERBS and line is not None
        assert response.status == (200 if known else fault.status)
    if view in VERBS:
        CHECKS[view](body)
        assert not hangs_up(view, body)
    else:
        assert said(view, body) == "continue"


@pytest.mark.parametrize("view", list(VERBS))
def test_a_message_that_went_by_sms_is_not_looked_for_on_whatsapp(view: View):
    turn = a_turn(view, "/v1/deflections", "", a_line({}, {}), by_status=False)
    told = tell(turn, Answer(Action.HANGUP, Reason.OK, channel="sms"))
    assert isinstance(told.body, bytes)
    assert "СМС" in told.body.decode()
    assert "WhatsApp" not in told.body.decode()

"""The addresses that IVRs use. Whatever goes wrong here, the body's last word is `continue`."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from core.faults import Fault, Invalid, Overloaded, TooLarge, Unauthorized
from core.http import Access, Endpoint, read_limited, require_key, trace_id
from core.ids import DeflectionId, parse
from ivr_bridge.answer import Answer
from ivr_bridge.asking import SCOPE, Bridge
from ivr_bridge.calls import IdempotencyConflict
from ivr_bridge.deflections import DeflectionUnknown
from ivr_bridge.dialects.views import View, chosen, refused, shown
from ivr_bridge.documents import CallEvents as CallEventsDocument
from ivr_bridge.documents import CallRequest, DecisionDocument, EventsTaken
from ivr_bridge.events import LineForbidden
from ivr_bridge.opening import Wish
from ivr_bridge.reading import read_events, read_request
from ivr_bridge.timing import POLL_TOTAL_MS, Budget, deadline_ms

log = structlog.get_logger()

MAX_REQUEST = 64 * 1024
MAX_EVENTS = 1024 * 1024


BRIDGE = web.AppKey("BRIDGE", Bridge)

Asking = Callable[[web.Request, View, float], Awaitable[web.Response]]


class Broken(Fault, status=500, code="internal_error", retry=True):
    """Something broke here; the call goes on."""


def in_the_ivrs_words(ask: Asking) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Answer faults in the dialect that was asked for, decision last."""

    async def handler(request: web.Request) -> web.StreamResponse:
        received = time.monotonic()
        view = View.JSON
        try:
            view = chosen(request)
            return await ask(request, view, received)
        except Fault as fault:
            log.info("ivr.refused", code=fault.code, status=fault.status)
            return refused(view, fault, trace_id(request))
        except web.HTTPRequestEntityTooLarge:
            return refused(view, TooLarge(), trace_id(request))
        except Exception as broken:
            log.exception("ivr.broke", exc_info=broken)
            return refused(view, Broken(), trace_id(request))

    return handler


async def _eligibility(request: web.Request, view: View, received: float) -> web.Response:
    wish = await _wish(request)
    if isinstance(wish, Answer):
        return _shown(request, view, wish, received)
    answer = await request.app[BRIDGE].eligibility.ask(wish)
    return _shown(request, view, answer, received)


async def _deflect(request: web.Request, view: View, received: float) -> web.Response:
    wish = await _wish(request)
    if isinstance(wish, Answer):
        return _shown(request, view, wish, received)
    budget = Budget.of_call(received, deadline_ms(wish.request.deadline_ms, wish.line.deadline_ms))
    answer = await request.app[BRIDGE].deflections.decide(wish, budget)
    return _shown(request, view, answer, received)


async def _deflection(request: web.Request, view: View, received: float) -> web.Response:
    holder = await require_key(request, SCOPE)
    bridge = request.app[BRIDGE]
    deflection_id = DeflectionId(parse("d", request.match_info["id"]))
    row = await bridge.deflections.find(holder.workspace_id, deflection_id)
    line = await bridge.lines.by_id(holder.workspace_id, row.line_id)
    if line is None or not line.opens_to(holder.lines):
        raise DeflectionUnknown
    answer = await bridge.deflections.follow(
        holder.workspace_id, row, wait_s=_wait_ms(request) / 1000
    )
    return _shown(request, view, answer, received)


async def _events(request: web.Request, view: View, received: float) -> web.Response:
    del view, received
    holder = await require_key(request, SCOPE)
    raw = read_events(await read_limited(request, MAX_EVENTS))
    taken = await request.app[BRIDGE].events.take(holder.workspace_id, holder.lines, raw)
    return web.Response(
        body=taken.model_dump_json().encode(), content_type="application/json", charset="utf-8"
    )


async def _wish(request: web.Request) -> Wish | Answer:
    """What is asked, on which line; an unknown line is no fault but an answer: 200, `continue`."""
    holder = await require_key(request, SCOPE)
    asked = read_request(await read_limited(request, MAX_REQUEST))
    return await request.app[BRIDGE].wish(holder, asked)


def _shown(request: web.Request, view: View, answer: Answer, received: float) -> web.Response:
    elapsed_ms = round((time.monotonic() - received) * 1000)
    return shown(view, answer, elapsed_ms=elapsed_ms, trace_id=trace_id(request))


def _wait_ms(request: web.Request) -> int:
    text = request.query.get("wait_ms", "0")
    return min(POLL_TOTAL_MS, int(text)) if text.isascii() and text.isdigit() else 0


_FAULTS: tuple[type[Fault], ...] = (Invalid, Unauthorized, LineForbidden, TooLarge, Overloaded)
_VIEWS: tuple[str, ...] = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
)
_FORMAT: dict[str, Any] = {
    "name": "format",
    "in": "query",
    "required": False,
    "description": "How the decision reads; without it, Accept decides.",
    "schema": {"type": "string", "enum": [view.value for view in View], "default": "json"},
}
_WAIT: dict[str, Any] = {
    "name": "wait_ms",
    "in": "query",
    "required": False,
    "description": "How long the answer may wait for a decision.",
    "schema": {"type": "integer", "minimum": 0, "maximum": POLL_TOTAL_MS, "default": 0},
}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/v1/eligibility",
        handler=in_the_ivrs_words(_eligibility),
        summary="May this caller be offered a messenger?",
        access=Access.KEY,
        scope=SCOPE,
        accepts=CallRequest,
        answers=DecisionDocument,
        faults=(*_FAULTS, IdempotencyConflict),
        parameters=(_FORMAT,),
        answer_types=_VIEWS,
        wraps_own_faults=True,
    ),
    Endpoint(
        method="POST",
        path="/v1/deflections",
        handler=in_the_ivrs_words(_deflect),
        summary="Move this caller to a messenger, or say in time that the call goes on.",
        access=Access.KEY,
        scope=SCOPE,
        accepts=CallRequest,
        answers=DecisionDocument,
        faults=(*_FAULTS, IdempotencyConflict),
        parameters=(_FORMAT,),
        answer_types=_VIEWS,
        wraps_own_faults=True,
    ),
    Endpoint(
        method="GET",
        path="/v1/deflections/{id}",
        handler=in_the_ivrs_words(_deflection),
        summary="The decision about an earlier request, waited for.",
        access=Access.KEY,
        scope=SCOPE,
        answers=DecisionDocument,
        faults=(Unauthorized, DeflectionUnknown),
        parameters=(_FORMAT, _WAIT),
        answer_types=_VIEWS,
        wraps_own_faults=True,
    ),
    Endpoint(
        method="POST",
        path="/v1/calls/events",
        handler=in_the_ivrs_words(_events),
        summary="What happened to calls: one event, or up to 1,000.",
        access=Access.KEY,
        scope=SCOPE,
        accepts=CallEventsDocument,
        answers=EventsTaken,
        faults=_FAULTS,
        wraps_own_faults=True,
    ),
)

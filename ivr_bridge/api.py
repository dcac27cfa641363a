"""The addresses that IVRs use. Whatever goes wrong here, the body's last word is `continue`."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from core.faults import Fault, Invalid, Overloaded, TooLarge, Unauthorized
from core.http import Access, Endpoint, read_limited
from core.ids import DeflectionId, WorkspaceId, parse
from ivr_bridge.answer import Answer
from ivr_bridge.asking import SCOPE, Bridge
from ivr_bridge.calls import IdempotencyConflict
from ivr_bridge.deflections import BEGIN_WITHIN_S, DeflectionUnknown
from ivr_bridge.dialects.payloads import Heard, Queued
from ivr_bridge.dialects.telling import VERBS, tell, tell_fault
from ivr_bridge.dialects.turn import Turn
from ivr_bridge.dialects.views import View, chosen
from ivr_bridge.documents import CallEvents as CallEventsDocument
from ivr_bridge.documents import CallRequest, DecisionDocument, EventsTaken
from ivr_bridge.events import LineForbidden
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.reading import deadline_named
from ivr_bridge.reception import MAX_EVENTS, MAX_REQUEST, Reception
from ivr_bridge.store import Row
from ivr_bridge.timing import (
    DEADLINE_MS,
    POLL_TOTAL_MS,
    VERBS_DEADLINE_MS,
    Budget,
    deadline_ms,
    patience_s,
)

log = structlog.get_logger()


BRIDGE = web.AppKey("BRIDGE", Bridge)
RECEPTION = web.AppKey("RECEPTION", Reception)

Asking = Callable[[Turn], Awaitable[web.Response]]


class Broken(Fault, status=500, code="internal_error", retry=True):
    """Something broke here; the call goes on."""


def in_the_ivrs_words(ask: Asking) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Answer faults in the dialect that was asked for, decision last."""

    async def handler(request: web.Request) -> web.StreamResponse:
        turn = Turn(request, time.monotonic())
        try:
            turn.view, turn.by_status = chosen(request)
            return await ask(turn)
        except Fault as fault:
            log.info("ivr.refused", code=fault.code, status=fault.status)
            return tell_fault(turn, fault)
        except web.HTTPRequestEntityTooLarge:
            return tell_fault(turn, TooLarge())
        except Exception as broken:
            log.exception("ivr.broke", exc_info=broken)
            return tell_fault(turn, Broken())

    return handler


async def _eligibility(turn: Turn) -> web.Response:
    bridge = turn.request.app[BRIDGE]
    wish = await _wish(turn)
    if wish is None:
        return tell(turn, Answer(Action.CONTINUE, Reason.LINE_UNKNOWN))
    if turn.over:
        return await _ended(turn, wish)
    if turn.queued is not Queued.NOT:
        return await _in_its_queue(turn, wish)
    budget = _budget(turn, wish)
    answer = await bridge.soon(bridge.eligibility.ask(wish, budget), budget.answer_in_s)
    if answer.action is Action.OFFER and turn.view in VERBS and not wish.request.dry_run:
        # The document that is answered here is the offer: nobody else could tell that it was made.
        await _note(turn, wish, "offered")
    return tell(turn, answer)


async def _deflect(turn: Turn) -> web.Response:
    bridge = turn.request.app[BRIDGE]
    wish = await _wish(turn)
    if wish is None:
        return tell(turn, Answer(Action.CONTINUE, Reason.LINE_UNKNOWN))
    if turn.over:
        return await _ended(turn, wish)
    match turn.heard:
        case Heard.NO:
            await _note(turn, wish, "declined")
            return tell(turn, Answer(Action.CONTINUE, Reason.DECLINED))
        case Heard.SILENCE:
            return tell(turn, Answer(Action.CONTINUE, Reason.NO_CONSENT))
        case Heard.YES | Heard.NOT_ASKED:
            turn.promised = True
    return tell(turn, await bridge.deflections.decide(wish, _budget(turn, wish)))


async def _deflection(turn: Turn) -> web.Response:
    turn.follows = turn.promised = True
    bridge = turn.request.app[BRIDGE]
    workspace_id, row = await bridge.soon(_attempt(turn), BEGIN_WITHIN_S)
    wait_s = patience_s(turn.request.query.get("wait_ms", ""))
    return tell(turn, await bridge.deflections.follow(workspace_id, row, wait_s=wait_s))


async def _attempt(turn: Turn) -> tuple[WorkspaceId, Row]:
    """The attempt that is asked about, by somebody who may know."""
    bridge = turn.request.app[BRIDGE]
    reception = turn.request.app[RECEPTION]
    asker = await reception.enter(turn)
    deflection_id = DeflectionId(parse("d", turn.request.match_info["id"]))
    row = await bridge.deflections.find(asker.workspace_id, deflection_id)
    line = await bridge.lines.by_id(asker.workspace_id, row.line_id)
    if line is None:
        raise DeflectionUnknown
    try:
        await reception.follow(turn, asker, line)
    except LineForbidden as foreign:
        raise DeflectionUnknown from foreign
    return asker.workspace_id, row


async def _events(turn: Turn) -> web.Response:
    bridge = turn.request.app[BRIDGE]
    await read_limited(turn.request, MAX_EVENTS)
    entered = turn.request.app[RECEPTION].events(turn)
    workspace_id, lines, told = await bridge.soon(entered, BEGIN_WITHIN_S)
    taking = bridge.events.take(workspace_id, lines, told)
    # A single event is told in mid-call, by a dialplan that waits; nobody waits for a batch.
    taken = await (bridge.soon(taking, BEGIN_WITHIN_S) if len(told) == 1 else taking)
    return web.Response(
        body=taken.model_dump_json().encode(), content_type="application/json", charset="utf-8"
    )


async def _ended(turn: Turn, wish: Wish) -> web.Response:
    """The platform reports the end of the call in the guise of another question."""
    await _note(turn, wish, "ended")
    return tell(turn, Answer(Action.CONTINUE, Reason.NO_CONSENT))


async def _in_its_queue(turn: Turn, wish: Wish) -> web.Response:
    """The platform's queue asks what to play, or tells that it is done with the call."""
    if turn.queued is Queued.SERVED:
        await _note(turn, wish, "answered")
    return tell(turn, Answer(Action.CONTINUE, Reason.NO_CONSENT))


async def _note(turn: Turn, wish: Wish, event: str) -> None:
    """What happened in a call whose platform reports nothing by itself."""
    request = wish.request
    told = {
        "event": event,
        "call_id": request.call_id,
        "line": wish.line.name,
        "caller": request.caller,
        "caller_withheld": request.caller_withheld,
        "attempt": request.attempt,
        "voice_wait_s": request.voice_wait_s,
        "queue_position": request.queue_position,
        "at": turn.request.app[RECEPTION].clock(),
    }
    bridge = turn.request.app[BRIDGE]
    await bridge.soon(
        bridge.events.take(wish.workspace_id, [wish.line.name], [told]),
        _budget(turn, wish).answer_in_s,
    )


async def _wish(turn: Turn) -> Wish | None:
    """Who asks about which call, found out while a caller waits; None when there is no such line."""
    request = turn.request
    content = await read_limited(request, MAX_REQUEST)
    named = deadline_named(content, request.raw_path.encode())
    hurry = Budget.of_call(turn.received, deadline_ms(named, None, _usual_ms(turn)))
    wish = request.app[RECEPTION].wish(turn)
    return await request.app[BRIDGE].soon(wish, hurry.answer_in_s)


def _budget(turn: Turn, wish: Wish) -> Budget:
    """The time that this question has, or that a deflection asked for like it will have."""
    wanted = deadline_ms(wish.request.deadline_ms, wish.line.deadline_ms, _usual_ms(turn))
    return Budget.of_call(turn.received, wanted)


def _usual_ms(turn: Turn) -> int:
    return VERBS_DEADLINE_MS if turn.view in VERBS else DEADLINE_MS


_FAULTS: tuple[type[Fault], ...] = (Invalid, Unauthorized, LineForbidden, TooLarge, Overloaded)
_VIEWS: tuple[str, ...] = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "text/xml",
    "application/voicexml+xml",
)
_BODIES: tuple[str, ...] = ("application/json", "application/x-www-form-urlencoded")
_FOUND = "With `branch=status`: the call goes on."
_FORMAT: dict[str, Any] = {
    "name": "format",
    "in": "query",
    "required": False,
    "description": "How the decision reads; without it, Accept decides.",
    "schema": {"type": "string", "enum": [view.value for view in View], "default": "json"},
}
_BRANCH: dict[str, Any] = {
    "name": "branch",
    "in": "query",
    "required": False,
    "description": "The status alone says it: 200 hang up (or offer), 302 go on.",
    "schema": {"type": "string", "enum": ["status"]},
}
_WAIT: dict[str, Any] = {
    "name": "wait_ms",
    "in": "query",
    "required": False,
    "description": "How long the answer may wait for a decision.",
    "schema": {"type": "integer", "minimum": 0, "maximum": POLL_TOTAL_MS, "default": 0},
}
_ASKED: tuple[dict[str, Any], ...] = tuple(
    {"name": name, "in": "query", "required": required, "schema": {"type": "string"}}
    for name, required in (("call_id", True), ("caller", False), ("line", True))
)
_ELIGIBLE = "May this caller be offered a messenger?"
_MOVE = "Move this caller to a messenger, or say in time that the call goes on."
_FOLLOW = "The decision about an earlier request, waited for."


def _addresses(prefix: str, access: Access, how: str) -> tuple[Endpoint, ...]:
    """What can be asked, for those who show who they are in one way."""
    scope = SCOPE if access is Access.KEY else None

    def asking(method: str, path: str, ask: Asking, summary: str) -> Endpoint:
        return Endpoint(
            method=method,
            path=prefix + path,
            handler=in_the_ivrs_words(ask),
            summary=summary + how,
            access=access,
            scope=scope,
            accepts=CallRequest if method == "POST" else None,
            body_types=_BODIES,
            answers=DecisionDocument,
            faults=(*_FAULTS, IdempotencyConflict),
            parameters=(_FORMAT, _BRANCH, *(_ASKED if method == "GET" else ())),
            answer_types=_VIEWS,
            found=_FOUND,
            wraps_own_faults=True,
        )

    def following(method: str) -> Endpoint:
        return Endpoint(
            method=method,
            path=prefix + "/deflections/{id}",
            handler=in_the_ivrs_words(_deflection),
            summary=_FOLLOW + how,
            access=access,
            scope=scope,
            answers=DecisionDocument,
            faults=(Unauthorized, DeflectionUnknown),
            parameters=(_FORMAT, _BRANCH, _WAIT),
            answer_types=_VIEWS,
            found=_FOUND,
            wraps_own_faults=True,
        )

    return (
        asking("POST", "/eligibility", _eligibility, _ELIGIBLE),
        asking("GET", "/eligibility", _eligibility, _ELIGIBLE),
        asking("POST", "/deflections", _deflect, _MOVE),
        asking("GET", "/deflections", _deflect, _MOVE),
        # Platforms of verbs come back by POST, so that nothing about the caller stands in an address.
        following("GET"),
        following("POST"),
        Endpoint(
            method="POST",
            path=prefix + "/calls/events",
            handler=in_the_ivrs_words(_events),
            summary="What happened to calls: one event, or up to 1,000." + how,
            access=access,
            scope=scope,
            accepts=CallEventsDocument,
            body_types=_BODIES,
            answers=EventsTaken,
            faults=_FAULTS,
            wraps_own_faults=True,
        ),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    *_addresses("/v1", Access.KEY, ""),
    *_addresses("/v1/l/{workspace}", Access.PUBLIC, " Signed by the line's platform."),
    *_addresses("/v1/k/{key}", Access.PUBLIC, " For platforms that can send no header."),
)

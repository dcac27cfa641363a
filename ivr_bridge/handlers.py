"""What IVRs ask, answered. Whatever goes wrong here, the body's last word is `continue`."""

import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from core.entrance import read_limited
from core.faults import Fault, TooLarge
from core.ids import DeflectionId, WorkspaceId, parse
from ivr_bridge.answer import Answer
from ivr_bridge.asking import Bridge
from ivr_bridge.deflections import BEGIN_WITHIN_S, DeflectionUnknown
from ivr_bridge.dialects.payloads import Heard, Queued
from ivr_bridge.dialects.telling import VERBS, tell, tell_fault
from ivr_bridge.dialects.turn import Turn
from ivr_bridge.dialects.views import chosen
from ivr_bridge.events import LineForbidden
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.reading import deadline_named
from ivr_bridge.reception import MAX_EVENTS, MAX_REQUEST, Reception
from ivr_bridge.store import Row
from ivr_bridge.timing import (
    DEADLINE_MS,
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
        finally:
            if turn.laid_down is not None:
                turn.laid_down()

    return handler


async def eligibility(turn: Turn) -> web.Response:
    """May this caller be offered a messenger?"""
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


async def deflect(turn: Turn) -> web.Response:
    """Move this caller to a messenger, or say in time that the call goes on."""
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


async def deflection(turn: Turn) -> web.Response:
    """The decision about an earlier request, waited for."""
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


async def events(turn: Turn) -> web.Response:
    """What happened to calls, told by the IVR."""
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

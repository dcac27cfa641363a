"""Tell an IVR the decision in its own dialect, in one piece; whatever breaks tells it to go on."""

import time
from collections.abc import Mapping

from aiohttp import web

from core.faults import Fault, RateLimited, Unauthorized
from core.problems import trace_id
from ivr_bridge.answer import Answer
from ivr_bridge.dialects.dialect import Destination, VerbDialect, Way
from ivr_bridge.dialects.httapi import Httapi
from ivr_bridge.dialects.jambonz import Jambonz
from ivr_bridge.dialects.turn import Turn
from ivr_bridge.dialects.twiml import Twiml
from ivr_bridge.dialects.views import CONTENT_TYPES, View, plain, plain_fault
from ivr_bridge.dialects.vxml import VoiceXml
from ivr_bridge.outcome import Action, PromptKey, Reason

VERBS: Mapping[View, VerbDialect] = {
    View.TWIML: Twiml(),
    View.VXML: VoiceXml(),
    View.JAMBONZ: Jambonz(),
    View.HTTAPI: Httapi(),
}

_OK, _ELSEWHERE, _NOT_FOUND = 200, 302, 404


def tell(turn: Turn, answer: Answer) -> web.Response:
    """The decision."""
    verbs = VERBS.get(turn.view)
    if verbs is not None:
        # Without a line there is nothing to go on with: the platform's own fallback is asked for.
        status = _NOT_FOUND if answer.reason is Reason.LINE_UNKNOWN else _OK
        return _response(turn, _document(verbs, turn, answer), answer.action, status)
    elapsed_ms = round((time.monotonic() - turn.received) * 1000)
    text = plain(turn.view, answer, elapsed_ms=elapsed_ms, trace_id=trace_id(turn.request))
    return _response(turn, text, answer.action, _OK)


def tell_fault(turn: Turn, fault: Fault) -> web.Response:
    """A fault: the call goes on. In a verb dialect a known line's goes on as the line says, with 200,
    because a platform runs no document that comes with an error.
    """
    verbs = VERBS.get(turn.view)
    if verbs is not None:
        said = turn.says(PromptKey.NOT_POSSIBLE) if turn.promised else None
        status = fault.status if turn.line is None else _OK
        response = _response(turn, verbs.proceed(turn.scene(), said), Action.CONTINUE, status)
    else:
        text = plain_fault(turn.view, fault, trace_id(turn.request))
        kind = "application/problem+json" if turn.view is View.JSON else None
        response = _response(turn, text, Action.CONTINUE, fault.status, kind)
    if fault.retry:
        seconds = fault.facts.get("retry_after_s", 5 if isinstance(fault, RateLimited) else 1)
        response.headers["Retry-After"] = str(seconds)
    if isinstance(fault, Unauthorized):
        # Some clients keep the user and password of an address until they are asked for them.
        response.headers["WWW-Authenticate"] = 'Bearer, Basic realm="IVR Bridge"'
    return response


def _document(verbs: VerbDialect, turn: Turn, answer: Answer) -> str:
    scene = turn.scene(answer.deflection_id)
    said = turn.says(answer.prompt_key, answer.channel)
    match answer.action:
        case Action.OFFER if said is not None:
            return verbs.offer(scene, said)
        case Action.HANGUP if said is not None:
            return verbs.hangup(scene, said)
        case Action.POLL if scene.follow:
            return verbs.poll(scene, None if turn.follows else said)
        case _:
            return verbs.proceed(scene, said if turn.promised else None)


def _response(
    turn: Turn, text: str, action: Action, status: int, content_type: str | None = None
) -> web.Response:
    verbs = VERBS.get(turn.view)
    kind = content_type or (CONTENT_TYPES[turn.view] if verbs is None else verbs.content_type)
    headers = {"Content-Type": f"{kind}; charset=utf-8", "Cache-Control": "no-store"}
    if turn.by_status:
        ends_here = action in {Action.HANGUP, Action.OFFER}
        status = _OK if ends_here else _ELSEWHERE
        to = None if ends_here or turn.line is None else Destination.of(turn.line.continue_to)
        if to is not None and to.way is Way.DOCUMENT:
            headers["Location"] = to.address
    return web.Response(body=text.encode("utf-8", "replace"), status=status, headers=headers)

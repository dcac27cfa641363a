"""What an IVR hears that missed our addresses: a word of the path mistyped, or the wrong method."""

import re
import time

import structlog
from aiohttp import web

from core.faults import Fault, NotFound, Refused
from core.http import Handler
from ivr_bridge.dialects.telling import tell_fault
from ivr_bridge.dialects.turn import Turn
from ivr_bridge.dialects.views import FormatUnknown, chosen

log = structlog.get_logger()

# Where only IVRs ask, and whatever begins like a word of theirs: `/v1/deflection`, `/v1/call/events`.
_THEIRS = re.compile(r"/v1/+(?:[kl]/|(?:.*/)?(?:eligib|deflect|call))", re.IGNORECASE)


class NothingHere(NotFound):
    """There is no such address; docs/ivr/api.md names them all."""


class WrongMethod(Refused, status=405, code="method_not_allowed"):
    """This address is not asked with this method; see Allow."""


@web.middleware
async def still_answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who reads the last word of whatever comes back reads `continue` here too."""
    missed = request.match_info.http_exception
    if missed is None or not _THEIRS.match(request.path):
        return await handler(request)
    fault: Fault = NothingHere()
    allowed: set[str] = set()
    if isinstance(missed, web.HTTPMethodNotAllowed):
        fault, allowed = WrongMethod(), missed.allowed_methods
    turn = Turn(request, time.monotonic())
    try:
        turn.view, turn.by_status = chosen(request)
    except FormatUnknown as unknown:
        fault, allowed = unknown, set()
    log.info("ivr.refused", code=fault.code, status=fault.status)
    response = tell_fault(turn, fault)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response

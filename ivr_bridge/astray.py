"""What an IVR hears that missed our addresses: a path mistyped anywhere, or the wrong method."""

import re
import time
from contextlib import suppress

import structlog
from aiohttp import web

from core.faults import Fault, NotFound, Refused
from core.http import Handler
from ivr_bridge.dialects.telling import tell_fault
from ivr_bridge.dialects.turn import Turn
from ivr_bridge.dialects.views import FormatUnknown, chosen

log = structlog.get_logger()

# Worth a line in the log: an address that begins like one of theirs, or says a word of theirs.
_THEIRS = re.compile(r"/v1/+[kl]/|.*(?:eligib|deflect|call)", re.IGNORECASE)


class NothingHere(NotFound):
    """There is no such address; docs/ivr/api.md names those of IVRs, and /docs all of them."""


class WrongMethod(Refused, status=405, code="method_not_allowed"):
    """This address is not asked with this method; see Allow."""


@web.middleware
async def still_answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whoever reads the last word of whatever comes back reads `continue` here too.

    Nobody can tell from a mistyped address who meant which, so everybody who missed hears it.
    """
    missed = request.match_info.http_exception
    if missed is None:
        return await handler(request)
    fault: Fault = NothingHere()
    allowed: set[str] = set()
    if isinstance(missed, web.HTTPMethodNotAllowed):
        fault, allowed = WrongMethod(), missed.allowed_methods
    turn = Turn(request, time.monotonic())
    # Reports have formats that a call has not: a wrong one is the smaller mistake here.
    with suppress(FormatUnknown):
        turn.view, turn.by_status = chosen(request)
    if _THEIRS.match(request.path):
        log.info("ivr.refused", code=fault.code, status=fault.status)
    response = tell_fault(turn, fault)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response

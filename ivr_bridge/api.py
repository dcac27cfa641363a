"""The addresses that IVRs use, and their documentation."""

from core.faults import Fault, Invalid, Overloaded, TooLarge, Unauthorized
from core.http import Access, Endpoint, asked
from ivr_bridge import handlers
from ivr_bridge.asking import SCOPE
from ivr_bridge.calls import IdempotencyConflict
from ivr_bridge.deflections import DeflectionUnknown
from ivr_bridge.dialects.views import View
from ivr_bridge.documents import CallEvents as CallEventsDocument
from ivr_bridge.documents import CallRequest, DecisionDocument, EventsTaken
from ivr_bridge.events import LineForbidden
from ivr_bridge.shares import TooManyAtOnce
from ivr_bridge.timing import POLL_TOTAL_MS

_FAULTS: tuple[type[Fault], ...] = (
    Invalid,
    Unauthorized,
    LineForbidden,
    TooLarge,
    TooManyAtOnce,
    Overloaded,
)
_VIEWS: tuple[str, ...] = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "text/xml",
    "application/voicexml+xml",
)
_BODIES: tuple[str, ...] = ("application/json", "application/x-www-form-urlencoded")
_FOUND = "With `branch=status`: the call goes on."
_FORMAT = asked(
    "format",
    "How the decision reads; without it, Accept decides.",
    enum=[view.value for view in View],
    default="json",
)
_BRANCH = asked(
    "branch",
    "The status alone says it: 200 hang up (or offer), 302 go on.",
    enum=["status"],
)
_WAIT = asked(
    "wait_ms",
    "How long the answer may wait for a decision.",
    type="integer",
    minimum=0,
    maximum=POLL_TOTAL_MS,
    default=0,
)
_CALL = (asked("call_id", required=True), asked("caller"), asked("line", required=True))
_ELIGIBLE = "May this caller be offered a messenger?"
_MOVE = "Move this caller to a messenger, or say in time that the call goes on."
_FOLLOW = "The decision about an earlier request, waited for."


def _addresses(prefix: str, access: Access, how: str) -> tuple[Endpoint, ...]:
    """What can be asked, for those who show who they are in one way."""
    scope = SCOPE if access is Access.KEY else None

    def asking(method: str, path: str, ask: handlers.Asking, summary: str) -> Endpoint:
        return Endpoint(
            method=method,
            path=prefix + path,
            handler=handlers.in_the_ivrs_words(ask),
            summary=summary + how,
            access=access,
            scope=scope,
            accepts=CallRequest if method == "POST" else None,
            body_types=_BODIES,
            answers=DecisionDocument,
            faults=(*_FAULTS, IdempotencyConflict),
            parameters=(_FORMAT, _BRANCH, *(_CALL if method == "GET" else ())),
            answer_types=_VIEWS,
            found=_FOUND,
            wraps_own_faults=True,
        )

    def following(method: str) -> Endpoint:
        return Endpoint(
            method=method,
            path=prefix + "/deflections/{id}",
            handler=handlers.in_the_ivrs_words(handlers.deflection),
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
        asking("POST", "/eligibility", handlers.eligibility, _ELIGIBLE),
        asking("GET", "/eligibility", handlers.eligibility, _ELIGIBLE),
        asking("POST", "/deflections", handlers.deflect, _MOVE),
        asking("GET", "/deflections", handlers.deflect, _MOVE),
        # Platforms of verbs come back by POST, so that nothing about the caller stands in an address.
        following("GET"),
        following("POST"),
        Endpoint(
            method="POST",
            path=prefix + "/calls/events",
            handler=handlers.in_the_ivrs_words(handlers.events),
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

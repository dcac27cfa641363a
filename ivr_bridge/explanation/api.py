"""The addresses at which a call is explained: to its line's key, or to a person who may see reports."""

from aiohttp import web

from core.access import Right
from core.entrance import key_holder, shows_key
from core.faults import Forbidden, Invalid, Unauthorized
from core.http import Access, Endpoint, answer, body, signed_in
from core.ids import DeflectionId, parse
from ivr_bridge.asking import SCOPE
from ivr_bridge.explanation.documents import CallAsked, Explanation
from ivr_bridge.explanation.telling import Asker, CallUnknown, Explanations, SeveralCalls

EXPLANATIONS = web.AppKey("EXPLANATIONS", Explanations)


async def _of_deflection(request: web.Request) -> web.Response:
    deflection_id = DeflectionId(parse("d", request.match_info["id"]))
    return _private(await request.app[EXPLANATIONS].of_deflection(_asker(request), deflection_id))


async def _of_call(request: web.Request) -> web.Response:
    asked = await body(request, CallAsked)
    return _private(
        await request.app[EXPLANATIONS].of_call(_asker(request), asked.call_id, asked.line)
    )


def _private(told: Explanation) -> web.Response:
    response = answer(told)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _asker(request: web.Request) -> Asker:
    if shows_key(request):
        holder = key_holder(request)
        return Asker(holder.workspace_id, holder.lines, Right.SEE_PHONE in holder.scopes)
    who = signed_in(request)
    return Asker(
        who.workspace_id,
        sees_numbers=Right.SEE_PHONE in who.person.may,
        kind="person",
        name=str(who.person.person_id),
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/v1/deflections/{id}/explanation",
        handler=_of_deflection,
        summary="Why this call was decided as it was, and what became of it.",
        access=Access.EITHER,
        right=Right.REPORTS,
        scope=SCOPE,
        answers=Explanation,
        faults=(Unauthorized, Forbidden, CallUnknown),
    ),
    Endpoint(
        method="POST",
        path="/v1/calls/explanation",
        handler=_of_call,
        summary="The same by the IVR's own call id, also for a call that was only asked about.",
        access=Access.EITHER,
        right=Right.REPORTS,
        scope=SCOPE,
        accepts=CallAsked,
        answers=Explanation,
        faults=(Invalid, Unauthorized, Forbidden, CallUnknown, SeveralCalls),
    ),
)

"""The addresses of the admin pages; a person with the admin right, and nobody else."""

from dataclasses import dataclass
from functools import partial

from aiohttp import web

from core.access import Right
from core.faults import Invalid
from core.http import Endpoint, answer, body, for_people, signed_in
from core.problems import trace_id
from ivr_bridge.admin.documents import (
    Choices,
    LineChange,
    LineShown,
    LinesShown,
    Trial,
    TrialAnswer,
)
from ivr_bridge.admin.keeping import (
    ChangedMeanwhile,
    LineKeeping,
    ManagedByFile,
    NameTaken,
    NoSuchLine,
)
from ivr_bridge.admin.trial import Trials
from ivr_bridge.lines import NumberTaken


@dataclass(frozen=True, slots=True)
class Admin:
    """What these addresses work with."""

    lines: LineKeeping
    trials: Trials


ADMIN = web.AppKey("ADMIN", Admin)


async def _everything(request: web.Request) -> web.Response:
    lines = await request.app[ADMIN].lines.everything(signed_in(request).workspace_id)
    return answer(LinesShown.model_construct(lines=lines))


async def _choices(request: web.Request) -> web.Response:
    return answer(await request.app[ADMIN].lines.choices(signed_in(request).workspace_id))


async def _one(request: web.Request) -> web.Response:
    line = await request.app[ADMIN].lines.one(
        signed_in(request).workspace_id, request.match_info["name"]
    )
    return answer(LineShown.of(line))


async def _keep(request: web.Request) -> web.Response:
    who = signed_in(request)
    name = request.match_info["name"]
    change = await body(request, LineChange)
    kept = await request.app[ADMIN].lines.keep(
        who.workspace_id, name, change, by=who.person.person_id
    )
    return answer(kept)


async def _try(request: web.Request) -> web.Response:
    who = signed_in(request)
    trial = await body(request, Trial)
    admin = request.app[ADMIN]
    line = await admin.lines.one(who.workspace_id, request.match_info["name"])
    told = await admin.trials.rehearse(who.workspace_id, line, trial, trace_id=trace_id(request))
    return answer(told)


_LINE = "/v1/lines/{name}"
_for_admins = partial(for_people, Right.ADMIN)

ENDPOINTS: tuple[Endpoint, ...] = (
    _for_admins("GET", "/v1/lines", _everything, "Every line.", answers=LinesShown),
    _for_admins("GET", "/v1/line-choices", _choices, "What a line may refer to.", answers=Choices),
    _for_admins("GET", _LINE, _one, "One line.", answers=LineShown, faults=(NoSuchLine,)),
    _for_admins(
        "PUT",
        _LINE,
        _keep,
        "Add a line, or change one that no workspace file keeps.",
        accepts=LineChange,
        answers=LineShown,
        faults=(Invalid, NoSuchLine, ManagedByFile, ChangedMeanwhile, NameTaken, NumberTaken),
    ),
    _for_admins(
        "POST",
        f"{_LINE}/trial",
        _try,
        "What would happen to this call? Nothing is written or sent.",
        accepts=Trial,
        answers=TrialAnswer,
        faults=(Invalid, NoSuchLine),
    ),
)

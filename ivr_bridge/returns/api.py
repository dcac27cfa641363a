"""`POST /v1/calls/return`: an IVR, a dialler or a person at the desk asks for a call, or reports one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.access import Right, SignedIn
from core.clock import Clock
from core.entrance import key_holder, shows_key
from core.events import Events
from core.faults import Forbidden, Invalid, NotFound, Unauthorized
from core.http import Access, Endpoint, answer, body, signed_in
from core.ids import ConversationId, DeflectionId, WorkspaceId, parse, public
from core.postgres import Database, Tx
from handoff.conversation.lifecycle import WrongState
from handoff.conversation.model import CALL, ConversationUnknown, NotYours, StaleEpoch, operator
from handoff.desk import reading
from handoff.desk.sight import sight_of
from ivr_bridge.calls import key_of
from ivr_bridge.events import LineForbidden
from ivr_bridge.line import Line
from ivr_bridge.lines import Lines
from ivr_bridge.returns import returns, store
from ivr_bridge.returns.returns import NumberUnknown, ReturnNotOffered
from ivr_bridge.returns.store import SQL, AskedBy, Return, ReturnId, ReturnUnknown, State

SCOPE = "ivr"


class Reported(StrEnum):
    """How a call went."""

    CALLED = "called"
    NO_ANSWER = "no_answer"
    CALLED_OFF = "called_off"


class ReturnWanted(BaseModel):
    """Which chat goes back to the telephone (one way to name it), or which return is reported on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    conversation_id: Annotated[str | None, Field(max_length=64)] = None
    deflection_id: Annotated[str | None, Field(max_length=64)] = None
    call_id: Annotated[str | None, Field(max_length=512)] = None
    line: Annotated[str | None, Field(max_length=200)] = None
    epoch: Annotated[int | None, Field(ge=1, le=2_147_483_647)] = None
    return_id: Annotated[str | None, Field(max_length=64)] = None
    state: Reported | None = None

    @model_validator(mode="after")
    def _names_one(self) -> "ReturnWanted":
        if (self.return_id is None) != (self.state is None):
            raise ValueError("report with return_id and state, or ask with neither")
        if not (self.return_id or self.conversation_id or self.deflection_id or self.call_id):
            raise ValueError("name the conversation, the deflection, or the call")
        if self.call_id is not None and self.line is None:
            raise ValueError("a call is named with its line")
        return self


class ReturnDocument(BaseModel):
    """A return as it stands."""

    return_id: str
    state: State
    asked_by: AskedBy
    conversation_id: str
    callback_id: str
    deflection_id: str
    queued_at: datetime
    requested_at: datetime
    told_at: datetime | None
    tries: int
    next_try_at: datetime | None
    settled_reason: str | None


@dataclass(frozen=True, slots=True)
class Returns:
    """What this address works with."""

    database: Database
    lines: Lines
    events: Events
    clock: Clock


RETURNS = web.AppKey("RETURNS", Returns)


async def return_to_voice(request: web.Request) -> web.Response:
    """Have a customer called, or say how calling them went."""
    wanted = await body(request, ReturnWanted)
    return_id = None if wanted.return_id is None else ReturnId(parse("rt", wanted.return_id))
    if shows_key(request):
        holder = key_holder(request)
        found = await _by_key(request, holder.workspace_id, holder.lines, wanted, return_id)
    else:
        found = await _by_person(request, signed_in(request), wanted, return_id)
    return answer(_shown(found))


async def _by_key(
    request: web.Request,
    workspace_id: WorkspaceId,
    lines: Sequence[str],
    wanted: ReturnWanted,
    return_id: ReturnId | None,
) -> Return:
    room = request.app[RETURNS]
    now = room.clock()
    named = None if wanted.line is None else await room.lines.find(workspace_id, wanted.line)
    async with room.database.workspace(workspace_id) as tx:
        if return_id is not None:
            about = await store.get(tx, return_id)
            _open_to(await room.lines.by_id(workspace_id, about.line_id), lines)
            return await _report(tx, room, about, wanted.state, by_person=None, at=now)
        chat_id = await _chat(tx, wanted, named)
        from_chat = await store.chat(tx, chat_id)
        _open_to(await room.lines.by_id(workspace_id, from_chat.line_id), lines)
        return await returns.request(
            tx, room.events, chat_id, asked_by=AskedBy.IVR, by=CALL, at=now, epoch=wanted.epoch
        )


async def _by_person(
    request: web.Request, who: SignedIn, wanted: ReturnWanted, return_id: ReturnId | None
) -> Return:
    """Whoever holds the chat, or may see all, and has not looked at an older version of it."""
    room = request.app[RETURNS]
    now, me = room.clock(), who.person.person_id
    async with room.database.workspace(who.workspace_id) as tx:
        sight = await sight_of(tx, who)
        if return_id is not None:
            about = await store.get(tx, return_id)
            await reading.place(tx, sight, about.callback_id)
            return await _report(tx, room, about, wanted.state, by_person=who, at=now)
        chat_id = await _chat(tx, wanted, None)
        place = await reading.place(tx, sight, chat_id)
        before = await store.latest_of_chat(tx, chat_id)
        if before is not None and before.is_open:
            # A second click, or a click whose answer was lost: it is no longer in their hands.
            return before
        if place.operator_id != me and not sight.everything:
            raise NotYours
        return await returns.request(
            tx,
            room.events,
            chat_id,
            asked_by=AskedBy.OPERATOR,
            by=operator(me),
            at=now,
            epoch=wanted.epoch,
        )


async def _report(
    tx: Tx,
    room: Returns,
    about: Return,
    state: Reported | None,
    *,
    by_person: SignedIn | None,
    at: datetime,
) -> Return:
    by = CALL if by_person is None else operator(by_person.person.person_id)
    match state:
        case Reported.CALLED:
            who = "dialler" if by_person is None else "operator"
            await returns.settle(tx, about.return_id, State.CALLED, who, at)
        case Reported.CALLED_OFF:
            await returns.settle(tx, about.return_id, State.CALLED_OFF, "called_off", at)
        case Reported.NO_ANSWER | None:
            await returns.nobody_answered(tx, room.events, about, by=by, at=at)
    return await store.get(tx, about.return_id)


async def _chat(tx: Tx, wanted: ReturnWanted, line: Line | None) -> ConversationId:
    """The chat that is meant; raises ReturnUnknown."""
    found: ConversationId | None = None
    if wanted.conversation_id is not None:
        found = ConversationId(parse("cv", wanted.conversation_id))
    elif wanted.deflection_id is not None:
        found = await tx.fetchval(
            *SQL["chat_of_deflection"](
                workspace=tx.workspace_id,
                deflection=DeflectionId(parse("d", wanted.deflection_id)),
            )
        )
    elif line is not None and wanted.call_id is not None:
        found = await tx.fetchval(
            *SQL["chat_of_call"](
                workspace=tx.workspace_id, line=line.line_id, call_id=key_of(wanted.call_id)
            )
        )
    if found is None:
        raise ReturnUnknown
    return found


def _open_to(line: Line | None, lines: Sequence[str]) -> None:
    if line is None or not line.opens_to(lines):
        raise LineForbidden


def _shown(found: Return) -> ReturnDocument:
    return ReturnDocument(
        return_id=public("rt", found.return_id),
        state=State(found.state),
        asked_by=AskedBy(found.asked_by),
        conversation_id=public("cv", found.chat_id),
        callback_id=public("cv", found.callback_id),
        deflection_id=public("d", found.deflection_id),
        queued_at=found.queued_at,
        requested_at=found.requested_at,
        told_at=found.told_at,
        tries=found.tries,
        next_try_at=found.next_try_at,
        settled_reason=found.settled_reason,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="POST",
        path="/v1/calls/return",
        handler=return_to_voice,
        summary="Have a customer in chat called, with their place kept; or report on the call.",
        access=Access.EITHER,
        right=Right.DESK,
        scope=SCOPE,
        accepts=ReturnWanted,
        answers=ReturnDocument,
        faults=(
            Invalid,
            Unauthorized,
            Forbidden,
            LineForbidden,
            NotFound,
            ReturnUnknown,
            ConversationUnknown,
            ReturnNotOffered,
            NumberUnknown,
            NotYours,
            StaleEpoch,
            WrongState,
        ),
    ),
)

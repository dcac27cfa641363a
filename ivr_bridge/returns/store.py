"""Returns in the database: rows in, rows out. Whoever calls owns the transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NewType
from uuid import UUID

from core.faults import NotFound
from core.ids import CallRef, ContactId, ConversationId, DeflectionId, LineId
from core.postgres import Tx
from core.queries import load
from ivr_bridge.returns.terms import ReturnTerms
from ivr_bridge.terms import LineTerms

SQL = load(Path(__file__).with_name("returns.sql"))

ReturnId = NewType("ReturnId", UUID)


class State(StrEnum):
    """Where a return stands; the last two are for good."""

    REQUESTED = "requested"
    TOLD = "told"
    """The dialler has it."""
    CALLED = "called"
    CALLED_OFF = "called_off"


class AskedBy(StrEnum):
    """Who wanted it."""

    PROMISE = "promise"
    CUSTOMER = "customer"
    OPERATOR = "operator"
    FLOW = "flow"
    IVR = "ivr"


class ReturnUnknown(NotFound, code="return_unknown"):
    """There is no such return, or no chat that one could begin from."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that a call began."""

    chat_id: ConversationId
    deflection_id: DeflectionId
    call_ref: CallRef
    line_id: LineId
    contact_id: ContactId
    call_id: str
    line: str
    callback_queue: str
    terms: Mapping[str, Any]
    asked: Mapping[str, Any]
    voice_wait_s: int | None
    queue_position: int | None
    queued_at: datetime
    call_began_at: datetime
    phone: str | None

    @property
    def promised(self) -> ReturnTerms | None:
        """What its line says about returns."""
        return LineTerms.kept(self.terms).return_to_voice


@dataclass(frozen=True, slots=True)
class Return:
    """A return as it stands."""

    return_id: ReturnId
    deflection_id: DeflectionId
    line_id: LineId
    contact_id: ContactId
    chat_id: ConversationId
    callback_id: ConversationId
    asked_by: str
    queued_at: datetime
    state: str
    requested_at: datetime
    told_at: datetime | None
    tries: int
    next_try_at: datetime | None
    settled_reason: str | None

    @property
    def is_open(self) -> bool:
        """Is somebody still to call?"""
        return self.state in {State.REQUESTED, State.TOLD}


async def chat(tx: Tx, conversation_id: ConversationId) -> Chat:
    """What goes back to the telephone with this chat; raises ReturnUnknown when no call began it."""
    row = await tx.fetchrow(*SQL["chat"](workspace=tx.workspace_id, conversation=conversation_id))
    if row is None:
        raise ReturnUnknown
    return Chat(**row)


async def get(tx: Tx, return_id: ReturnId, *, hold: bool = False) -> Return:
    """One return; raises ReturnUnknown."""
    statement = SQL["hold" if hold else "get"]
    row = await tx.fetchrow(*statement(workspace=tx.workspace_id, return_id=return_id))
    if row is None:
        raise ReturnUnknown
    return Return(**row)


async def latest_of_chat(tx: Tx, chat_id: ConversationId) -> Return | None:
    """The open return of a chat, or else its last one."""
    row = await tx.fetchrow(*SQL["latest_of_chat"](workspace=tx.workspace_id, chat=chat_id))
    return None if row is None else Return(**row)


async def open_of_contact(tx: Tx, contact_id: ContactId) -> list[ReturnId]:
    """What this person is still owed."""
    rows = await tx.fetch(*SQL["open_of_contact"](workspace=tx.workspace_id, contact=contact_id))
    return [row["return_id"] for row in rows]


async def open_of_callback(tx: Tx, callback_id: ConversationId) -> ReturnId | None:
    """The open return behind a call back."""
    found: ReturnId | None = await tx.fetchval(
        *SQL["open_of_callback"](workspace=tx.workspace_id, callback=callback_id)
    )
    return found


async def open_of_calls(tx: Tx, call_refs: Sequence[CallRef]) -> list[ReturnId]:
    """The open returns of these calls."""
    rows = await tx.fetch(
        *SQL["open_of_calls"](workspace=tx.workspace_id, call_refs=list(call_refs))
    )
    return [row["return_id"] for row in rows]


async def add(
    tx: Tx,
    return_id: ReturnId,
    from_chat: Chat,
    callback_id: ConversationId,
    asked_by: AskedBy,
    at: datetime,
) -> bool:
    """Write a return down; False when one is open already."""
    added = await tx.fetchval(
        *SQL["add"](
            workspace=tx.workspace_id,
            return_id=return_id,
            deflection=from_chat.deflection_id,
            call_ref=from_chat.call_ref,
            line=from_chat.line_id,
            contact=from_chat.contact_id,
            chat=from_chat.chat_id,
            callback=callback_id,
            asked_by=asked_by.value,
            queued_at=from_chat.queued_at,
            voice_wait_s=from_chat.voice_wait_s,
            queue_position=from_chat.queue_position,
            at=at,
        )
    )
    return added is not None


async def settle(tx: Tx, return_id: ReturnId, state: State, reason: str, at: datetime) -> bool:
    """Somebody has called, or nobody needs to; False when that was known already."""
    settled = await tx.fetchval(
        *SQL["settle"](
            workspace=tx.workspace_id,
            return_id=return_id,
            state=state.value,
            reason=reason,
            at=at,
        )
    )
    return settled is not None

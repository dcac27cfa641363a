"""How conversations begin: a call that invites or resumes, a customer who writes, a call back owed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.ids import (
    AccountId,
    ContactId,
    ConversationId,
    MessageId,
    QueueId,
    ThreadId,
    WorkspaceId,
    new_id,
)
from core.jobs import NewJob, enqueue, enqueue_many
from core.postgres import Tx, to_json
from core.vocabulary import PhoneNumber
from handoff.conversation import store
from handoff.conversation.lifecycle import State
from handoff.conversation.model import CALL, By, Conversation, Kind
from handoff.conversation.store import SQL
from handoff.routing.queues import ensure_default
from handoff.routing.soon import place_soon

INVITATION_LASTS = timedelta(hours=24)

INVITATION_OVER = "handoff.invitation_over"
DISMISS_CALLBACK = "handoff.dismiss_callback"

_OF_CALLBACK = frozenset({"return", "tries", "next_try_at"})


@dataclass(frozen=True, slots=True)
class Invited:
    """The conversation that a call led to."""

    conversation_id: ConversationId
    resumed: bool
    """It was open already, and goes on with the new call's card."""


@dataclass(frozen=True, slots=True)
class OpenConversation:
    """An open chat with a person, as far as a call needs to know."""

    conversation_id: ConversationId
    state: str
    thread_id: ThreadId
    account_id: AccountId
    queue_id: QueueId


@dataclass(frozen=True, slots=True)
class Birth:
    """What a new conversation is born with."""

    kind: Kind
    state: State
    contact_id: ContactId | None
    """None where the same statement finds or makes the person."""
    queue: str
    language: str
    by: By
    reason: str
    at: datetime
    thread_id: ThreadId | None = None
    account_id: AccountId | None = None
    previous_id: ConversationId | None = None
    flow: str | None = None
    origin: UUID | None = None
    card: Mapping[str, Any] | None = None
    code: str = "opened"
    """The first line of its transcript, with its params; the message comes after it."""
    params: Mapping[str, Any] | None = None
    message_id: MessageId | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A call's opening, as the conversation behind it sees it."""

    account_id: AccountId
    opening_message_id: MessageId | None
    card: Mapping[str, Any]
    origin: UUID
    flow: str
    queue: str
    language: str
    at: datetime


async def invite_to(
    tx: Tx, invitation: Invitation, *, contact_id: ContactId, thread_id: ThreadId
) -> Invited:
    """The conversation behind an opening: a new one that waits for the customer's first message,
    or the thread's open one with this call's card.
    """
    born = await begin(tx, _birth(invitation, contact_id, thread_id))
    if born is not None:
        await enqueue(tx, invitation_over(born))
        return Invited(born, resumed=False)
    conversation = await store.latest_in_thread(tx, thread_id)
    if conversation is None or not conversation.is_open:
        # It closed between the two statements: the thread is free again.
        return await invite_to(tx, invitation, contact_id=contact_id, thread_id=thread_id)
    await _resume(tx, conversation, invitation)
    return Invited(conversation.conversation_id, resumed=True)


async def invite(
    tx: Tx,
    *,
    thread_id: ThreadId,
    contact_id: ContactId,
    account_id: AccountId,
    opening_message_id: MessageId | None,
    card: Mapping[str, Any],
    origin: UUID,
    flow: str,
    queue: str,
    language: str,
    at: datetime,
) -> Invited:
    """The same, told piece by piece."""
    invitation = Invitation(account_id, opening_message_id, card, origin, flow, queue, language, at)
    return await invite_to(tx, invitation, contact_id=contact_id, thread_id=thread_id)


def to_invite(
    workspace_id: WorkspaceId, invitations: Sequence[tuple[ConversationId, Invitation]]
) -> dict[str, Any]:
    """The values of `begin` for invitations whose people and threads come out of the same statement."""
    return _to_begin(
        workspace_id,
        [(chat_id, _birth(invitation, None, None)) for chat_id, invitation in invitations],
    )


def invitation_over(conversation_id: ConversationId) -> NewJob:
    """Whoever does not write within a day was not reached."""
    return NewJob(
        INVITATION_OVER,
        {"conversation_id": str(conversation_id)},
        key=str(conversation_id),
        delay_s=INVITATION_LASTS.total_seconds(),
    )


async def begin(tx: Tx, birth: Birth) -> ConversationId | None:
    """A new conversation, or None when there is an open one in its place."""
    for _ in range(2):
        values = _to_begin(tx.workspace_id, [(ConversationId(new_id()), birth)])
        born = await tx.fetchval(*SQL["begin"](**values))
        if born is not None:
            store.changed(tx)
            return ConversationId(born)
        if not await ensure_default(tx):
            return None
    return None


def _to_begin(
    workspace_id: WorkspaceId, births: Sequence[tuple[ConversationId, Birth]]
) -> dict[str, Any]:
    told = [birth for _, birth in births]
    return {
        "workspace": workspace_id,
        "conversations": [conversation_id for conversation_id, _ in births],
        "transitions": [new_id() for _ in births],
        "kinds": [birth.kind.value for birth in told],
        "states": [birth.state.value for birth in told],
        "contacts": [birth.contact_id for birth in told],
        "threads": [birth.thread_id for birth in told],
        "accounts": [birth.account_id for birth in told],
        "previous": [birth.previous_id for birth in told],
        "queues": [birth.queue for birth in told],
        "languages": [birth.language for birth in told],
        "origins": [birth.origin for birth in told],
        "cards": [None if birth.card is None else to_json(birth.card) for birth in told],
        "flows": [birth.flow for birth in told],
        "ats": [birth.at for birth in told],
        "enqueued_ats": [birth.at if birth.state is State.QUEUED else None for birth in told],
        "by_kinds": [birth.by.kind.value for birth in told],
        "reasons": [birth.reason for birth in told],
        "codes": [birth.code for birth in told],
        "params": [to_json(birth.params or {}) for birth in told],
        "messages": [birth.message_id for birth in told],
    }


def _birth(
    invitation: Invitation, contact_id: ContactId | None, thread_id: ThreadId | None
) -> Birth:
    return Birth(
        kind=Kind.CHAT,
        state=State.INVITED,
        contact_id=contact_id,
        thread_id=thread_id,
        account_id=invitation.account_id,
        queue=invitation.queue,
        flow=invitation.flow,
        language=invitation.language,
        origin=invitation.origin,
        card=invitation.card,
        by=CALL,
        reason="invited",
        at=invitation.at,
        code="call_card",
        message_id=invitation.opening_message_id,
    )


async def open_conversation(tx: Tx, contact_id: ContactId) -> OpenConversation | None:
    """The chat that a caller already has open, if any."""
    row = await tx.fetchrow(*SQL["open_of_contact"](workspace=tx.workspace_id, contact=contact_id))
    return None if row is None else OpenConversation(**row)


async def open_callback(
    tx: Tx,
    *,
    contact_id: ContactId,
    phone: PhoneNumber,
    queue: str,
    card: Mapping[str, Any] | None,
    origin: UUID | None,
    reason: str,
    language: str,
    at: datetime,
    previous_id: ConversationId | None = None,
) -> ConversationId:
    """Somebody must call this person back: one open call back a person, whatever happens twice."""
    born = await begin(
        tx,
        Birth(
            kind=Kind.CALLBACK,
            state=State.QUEUED,
            contact_id=contact_id,
            previous_id=previous_id,
            queue=queue,
            language=language,
            origin=origin,
            card={**(card or {}), "caller": phone.e164},
            by=CALL,
            reason=reason,
            at=at,
            code="callback_asked",
            params={"reason": reason},
        ),
    )
    if born is not None:
        await place_soon(tx)
        return born
    (existing,) = await _open_callbacks(tx, contact_id)
    conversation = await store.lock(tx, existing)
    # What was promised and tried stands, whatever else is a reason to call.
    kept = {name: told for name, told in (conversation.card or {}).items() if name in _OF_CALLBACK}
    after = replace(conversation, card={**kept, **(card or {}), "caller": phone.e164})
    await store.save(
        tx, conversation, after, at=at, by=CALL, event="callback_asked", params={"reason": reason}
    )
    return existing


async def close_callbacks(tx: Tx, contact_id: ContactId, reason: str) -> None:
    """The person wrote or called: nobody needs to call them back any more, unless a call was
    promised to them: that stands whatever they write.

    Each is closed by a job of its own, so that no transaction holds two conversations.
    """
    await enqueue_many(
        tx,
        [
            callback_over(callback, reason)
            for callback in await _open_callbacks(tx, contact_id, spare_promised=True)
        ],
    )


def callback_over(callback_id: ConversationId, reason: str) -> NewJob:
    """Nobody needs to make this call any more."""
    return NewJob(
        DISMISS_CALLBACK,
        {"conversation_id": str(callback_id), "reason": reason},
        band="urgent",
        key=str(callback_id),
    )


async def _open_callbacks(
    tx: Tx, contact_id: ContactId, *, spare_promised: bool = False
) -> list[ConversationId]:
    rows = await tx.fetch(
        *SQL["open_callbacks"](
            workspace=tx.workspace_id, contact=contact_id, spare_promised=spare_promised
        )
    )
    return [row["conversation_id"] for row in rows]


async def _resume(tx: Tx, conversation: Conversation, invitation: Invitation) -> None:
    """The same conversation, about a new call: its next message counts as the answer to that call."""
    after = replace(conversation, card=invitation.card, origin=invitation.origin, engaged_at=None)
    await store.save(tx, conversation, after, at=invitation.at, by=CALL, event="call_card")
    if invitation.opening_message_id is not None:
        await store.append_message(
            tx,
            conversation.conversation_id,
            invitation.opening_message_id,
            author="business",
            at=invitation.at,
        )

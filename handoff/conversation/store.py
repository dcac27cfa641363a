"""Rows in, rows out. Whoever calls owns the transaction and has locked what it changes."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from core.ids import ConversationId, MessageId, PersonId, ThreadId, new_id
from core.postgres import Tx
from core.queries import load
from handoff.conversation.lifecycle import Move
from handoff.conversation.model import By, Conversation, ConversationUnknown, StaleEpoch

SQL = load(Path(__file__).with_name("conversation.sql"))


@dataclass(frozen=True, slots=True)
class Sent:
    """A message and its place in the transcript."""

    message_id: MessageId
    seq: int


def changed(tx: Tx) -> None:
    """Let the desks of this workspace look again."""
    tx.wake(f"desk:{tx.workspace_id}")


async def lock(tx: Tx, conversation_id: ConversationId) -> Conversation:
    """This conversation, ours until the end of the transaction; raises ConversationUnknown.

    Everywhere, a conversation is locked before an operator, and one conversation at a time.
    """
    row = await tx.fetchrow(*SQL["lock"](workspace=tx.workspace_id, conversation=conversation_id))
    if row is None:
        raise ConversationUnknown
    return Conversation(**row)


async def get(tx: Tx, conversation_id: ConversationId) -> Conversation:
    """This conversation as it stands; raises ConversationUnknown."""
    row = await tx.fetchrow(*SQL["get"](workspace=tx.workspace_id, conversation=conversation_id))
    if row is None:
        raise ConversationUnknown
    return Conversation(**row)


async def latest_in_thread(tx: Tx, thread_id: ThreadId) -> Conversation | None:
    """The open conversation of a thread, or else its last one; locked."""
    found = await tx.fetchval(*SQL["latest_in_thread"](workspace=tx.workspace_id, thread=thread_id))
    return None if found is None else await lock(tx, found)


async def held_by(tx: Tx, operator_id: PersonId) -> list[ConversationId]:
    """What an operator holds; not locked."""
    rows = await tx.fetch(*SQL["held_by"](workspace=tx.workspace_id, operator=operator_id))
    return [row["conversation_id"] for row in rows]


async def save(
    tx: Tx,
    before: Conversation,
    after: Conversation,
    *,
    at: datetime,
    by: By,
    move: Move | None = None,
    reason: str = "",
    event: str | None = None,
    params: dict[str, Any] | None = None,
) -> int:
    """Write the next version if `before` still stands; answers the last number of the transcript.

    With a move there is a transition row; with an event, a quiet line. Raises StaleEpoch.
    """
    last_seq = await tx.fetchval(
        *SQL["save"](
            workspace=tx.workspace_id,
            conversation=before.conversation_id,
            from_state=before.state,
            from_epoch=before.epoch,
            to_state=after.state,
            to_epoch=after.epoch,
            queue=after.queue_id,
            operator=after.operator_id,
            language=after.language,
            origin=after.origin,
            card=after.card,
            flow_version=after.flow_version,
            bot_state=after.bot_state,
            heard=list(after.heard),
            heard_since=after.heard_since,
            bot_answered=after.bot_answered,
            summary=after.summary,
            topic=after.topic,
            topic_verdict=after.topic_verdict,
            tags=list(after.tags),
            priority=after.priority,
            engaged_at=after.engaged_at,
            last_inbound_at=after.last_inbound_at,
            enqueued_at=after.enqueued_at,
            score=after.score,
            next_eval_at=after.next_eval_at,
            tried=list(after.tried),
            reserved_until=after.reserved_until,
            accepted_at=after.accepted_at,
            waiting_since=after.waiting_since,
            typing_at=after.typing_at,
            wrapup_until=after.wrapup_until,
            closed_at=after.closed_at,
            closed_reason=after.closed_reason,
            last_operator=after.last_operator_id,
            read_seq=after.read_seq,
            unread=after.unread,
            transition=new_id(),
            move=None if move is None else move.value,
            at=at,
            by_kind=by.kind.value,
            by_id=by.id,
            reason=reason or ("" if move is None else move.value),
            event=None if event is None else {"code": event, "params": params or {}},
        )
    )
    if last_seq is None:
        raise StaleEpoch
    changed(tx)
    return int(last_seq)


async def append_message(
    tx: Tx,
    conversation_id: ConversationId,
    message_id: MessageId,
    *,
    author: str,
    at: datetime,
    author_id: UUID | None = None,
    client_key: str | None = None,
) -> int:
    """Add a message to the transcript; answers its number."""
    seq = await tx.fetchval(
        *SQL["append_message"](
            workspace=tx.workspace_id,
            conversation=conversation_id,
            message=message_id,
            author=author,
            author_id=author_id,
            client_key=client_key,
            at=at,
        )
    )
    changed(tx)
    return int(seq)


async def sent_before(tx: Tx, conversation_id: ConversationId, client_key: str) -> Sent | None:
    """What this sender's key already stands for."""
    row = await tx.fetchrow(
        *SQL["entry_by_key"](
            workspace=tx.workspace_id, conversation=conversation_id, client_key=client_key
        )
    )
    return None if row is None else Sent(**row)

"""How conversations end, and what is told about it."""

from datetime import datetime

import structlog

from core.events import Events
from core.postgres import Tx
from handoff.conversation import store
from handoff.conversation.lifecycle import Move
from handoff.conversation.model import By, Conversation, moved
from handoff.routing import operators, reservations
from handoff.routing.reservations import Status

log = structlog.get_logger()

CLOSED = "conversation.closed"
CONTAINED = "conversation.contained"
ENGAGED = "conversation.engaged"
HANDED_OVER = "conversation.handed_over"
NOT_ME = "conversation.not_me"


async def close(
    tx: Tx,
    events: Events,
    conversation: Conversation,
    move: Move,
    *,
    by: By,
    reason: str,
    at: datetime,
) -> Conversation:
    """End it by this move, let go of whoever held it, and tell the rooms above. It is locked."""
    after = moved(conversation, move, at, closed_reason=reason, heard=(), heard_since=None)
    await store.save(
        tx,
        conversation,
        after,
        at=at,
        by=by,
        move=move,
        reason=reason,
        event="closed",
        params={"reason": reason},
    )
    if conversation.operator_id is not None:
        await let_go(tx, conversation, Status.RESCINDED, at=at, reason=reason)
    await tell(tx, events, CLOSED, after, at, reason=reason)
    if move is Move.CONTAINED:
        await tell(tx, events, CONTAINED, after, at, reason=reason)
    log.info("conversation.closed", conversation_id=str(after.conversation_id), reason=reason)
    return after


async def let_go(
    tx: Tx, held: Conversation, status: Status, *, at: datetime, reason: str | None = None
) -> None:
    """Take it out of its operator's hands: what it was held out under ends, their load shrinks."""
    if held.operator_id is None:
        return
    offered = await reservations.live(tx, held.conversation_id)
    if offered is not None:
        await reservations.settle(tx, offered, status, epoch=held.epoch, at=at, reason=reason)
    await operators.release(tx, held.operator_id)


async def tell(
    tx: Tx,
    events: Events,
    event: str,
    conversation: Conversation,
    at: datetime,
    *,
    reason: str | None = None,
) -> None:
    """Publish what happened, as plain values for rooms that need not know this one."""
    await events.publish(tx, event, {**conversation.facts, "at": at.isoformat(), "reason": reason})

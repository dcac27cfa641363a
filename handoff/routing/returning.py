"""Back to the queue, age kept: declined, missed, given up, or left unanswered too long."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from core.ids import PersonId, QueueId
from core.jobs import NewJob, enqueue
from core.postgres import Tx
from handoff.conversation import store
from handoff.conversation.closing import let_go
from handoff.conversation.lifecycle import Move, State
from handoff.conversation.model import By, Conversation, Kind, moved
from handoff.routing import operators
from handoff.routing.queues import queue
from handoff.routing.reservations import Status

log = structlog.get_logger()

UNANSWERED = "handoff.unanswered"


async def give_back(
    tx: Tx,
    held: Conversation,
    *,
    by: By,
    at: datetime,
    reason: str,
    status: Status = Status.RESCINDED,
) -> Conversation:
    """From an operator's hands to the queue it came from. They are not asked again for this one
    until everybody else was. It is locked.
    """
    after = moved(replace(held, tried=_with(held.tried, held.operator_id)), Move.RETURNED, at)
    await store.save(
        tx,
        held,
        after,
        at=at,
        by=by,
        move=Move.RETURNED,
        reason=reason,
        event="returned",
        params={"reason": reason},
    )
    await let_go(tx, held, status, at=at, reason=reason)
    log.info("conversation.returned", conversation_id=str(held.conversation_id), reason=reason)
    return after


async def hand_to_queue(
    tx: Tx, held: Conversation, *, to: QueueId, by: By, at: datetime, reason: str
) -> Conversation:
    """From an operator's hands to a queue of their choice, where nobody was asked yet."""
    wanted = await queue(tx, to)
    after = moved(held, Move.TRANSFERRED, at, queue_id=to, tried=())
    await store.save(
        tx,
        held,
        after,
        at=at,
        by=by,
        move=Move.TRANSFERRED,
        reason=reason,
        event="transferred",
        params={"queue": wanted.title, "reason": reason},
    )
    await let_go(tx, held, Status.RESCINDED, at=at, reason=reason)
    return after


async def watch_answer(tx: Tx, conversation: Conversation, at: datetime) -> None:
    """The customer waits for this operator: look again when an answer is overdue, or now when the
    operator is gone.
    """
    if not _awaits_answer(conversation) or conversation.operator_id is None:
        return
    who = await operators.presence_of(tx, conversation.operator_id)
    due = await answer_due(tx, conversation)
    await enqueue(
        tx,
        NewJob(
            UNANSWERED,
            {"conversation_id": str(conversation.conversation_id)},
            band="urgent",
            key=str(conversation.conversation_id),
            delay_s=0.0 if who.absent else max(0.0, (due - at).total_seconds()),
        ),
    )


async def return_if_unanswered(tx: Tx, conversation: Conversation, *, by: By, at: datetime) -> None:
    """Give it back when its operator is gone or late with an answer; otherwise look again later."""
    if (
        conversation.operator_id is None
        or conversation.state != State.ACTIVE
        or conversation.waiting_since is None
    ):
        return
    who = await operators.presence_of(tx, conversation.operator_id)
    if who.absent:
        await give_back(tx, conversation, by=by, at=at, reason="operator_gone")
    elif conversation.kind == Kind.CALLBACK:
        # A call back is answered by voice: nothing here says how far it has come.
        return
    elif await answer_due(tx, conversation) <= at:
        await give_back(tx, conversation, by=by, at=at, reason="unanswered")
    else:
        await watch_answer(tx, conversation, at)


async def answer_due(tx: Tx, conversation: Conversation) -> datetime:
    """When an answer is overdue: counted from the question, from its being taken, or from the last
    sign that somebody writes.
    """
    settings = await queue(tx, conversation.queue_id)
    moments = (conversation.waiting_since, conversation.accepted_at, conversation.typing_at)
    latest = max(moment for moment in moments if moment is not None)
    return latest + timedelta(seconds=settings.unanswered_s)


def _awaits_answer(conversation: Conversation) -> bool:
    return (
        conversation.state == State.ACTIVE
        and conversation.kind == Kind.CHAT
        and conversation.waiting_since is not None
    )


def _with(tried: Sequence[PersonId], who: PersonId | None) -> tuple[PersonId, ...]:
    return tuple(tried) if who is None or who in tried else (*tried, who)

"""An operator's word on what is held out to them."""

from datetime import datetime

import structlog

from core.events import Events
from core.ids import PersonId, ReservationId
from core.postgres import Tx
from handoff.conversation import store
from handoff.conversation.lifecycle import Move, State
from handoff.conversation.model import Conversation, moved, operator
from handoff.routing import operators, reservations
from handoff.routing.reservations import ReservationGone, Status
from handoff.routing.returning import give_back, watch_answer

log = structlog.get_logger()

ACCEPTED = "conversation.accepted"


async def accept(
    tx: Tx, events: Events, reservation_id: ReservationId, *, by: PersonId, at: datetime
) -> Conversation:
    """Take it; raises ReservationGone when it ran out, was settled, or is somebody else's."""
    held_out = await reservations.reservation(tx, reservation_id)
    if held_out.operator_id != by:
        raise ReservationGone
    conversation = await store.lock(tx, held_out.conversation_id)
    await operators.note_action(tx, by, at)
    taken = await reservations.settle(
        tx, held_out, Status.ACCEPTED, epoch=conversation.epoch, at=at
    )
    if not taken:
        return await _accepted_before(tx, reservation_id, conversation, by)
    after = moved(conversation, Move.ACCEPTED, at, accepted_at=at)
    await store.save(
        tx, conversation, after, at=at, by=operator(by), move=Move.ACCEPTED, event="accepted"
    )
    await watch_answer(tx, after, at)
    await events.publish(
        tx, ACCEPTED, {**after.facts, "at": at.isoformat(), "operator_id": str(by)}
    )
    log.info("conversation.accepted", conversation_id=str(after.conversation_id))
    return await store.get(tx, after.conversation_id)


async def decline(
    tx: Tx, reservation_id: ReservationId, *, by: PersonId, at: datetime, reason: str | None
) -> None:
    """Leave it to somebody else; what is gone already needs no declining."""
    held_out = await reservations.reservation(tx, reservation_id)
    if held_out.operator_id != by:
        raise ReservationGone
    conversation = await store.lock(tx, held_out.conversation_id)
    await operators.note_action(tx, by, at)
    if conversation.state == State.RESERVED and conversation.epoch == held_out.epoch:
        await give_back(
            tx,
            conversation,
            by=operator(by),
            at=at,
            reason=reason or "declined",
            status=Status.DECLINED,
        )


async def _accepted_before(
    tx: Tx, reservation_id: ReservationId, conversation: Conversation, by: PersonId
) -> Conversation:
    """A second click on the same button is no loss; anything else is."""
    again = await reservations.reservation(tx, reservation_id)
    if again.status == Status.ACCEPTED and conversation.operator_id == by:
        return conversation
    raise ReservationGone

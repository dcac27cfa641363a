"""A conversation held out to an operator: its lifecycle and its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from core.faults import Refused
from core.ids import ConversationId, PersonId, QueueId, ReservationId, new_id
from core.jobs import NewJob, enqueue
from core.postgres import Tx
from core.queries import load
from handoff.conversation.model import Conversation

SQL = load(Path(__file__).with_name("reservations.sql"))

RESERVATION_OVER = "handoff.reservation_over"


class Status(StrEnum):
    """How a reservation stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    TIMED_OUT = "timed_out"
    RESCINDED = "rescinded"


TABLE: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset(
        {Status.ACCEPTED, Status.DECLINED, Status.TIMED_OUT, Status.RESCINDED}
    ),
    Status.ACCEPTED: frozenset(),
    Status.DECLINED: frozenset(),
    Status.TIMED_OUT: frozenset(),
    Status.RESCINDED: frozenset(),
}


class ReservationGone(Refused, code="reservation_gone"):
    """This conversation is no longer held out to you."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One holding out."""

    reservation_id: ReservationId
    conversation_id: ConversationId
    operator_id: PersonId
    queue_id: QueueId
    status: str
    epoch: int
    offered_at: datetime
    expires_at: datetime
    reason: str | None


def may_become(status: Status, wanted: Status) -> bool:
    """Can it end so from here?"""
    return wanted in TABLE[status]


async def hold_out(
    tx: Tx, conversation: Conversation, *, at: datetime, expires_at: datetime
) -> ReservationId:
    """Hold this conversation out to its operator, and see to it that this ends."""
    reservation_id = ReservationId(new_id())
    await tx.execute(
        *SQL["hold_out"](
            workspace=tx.workspace_id,
            reservation=reservation_id,
            conversation=conversation.conversation_id,
            operator=conversation.operator_id,
            queue=conversation.queue_id,
            epoch=conversation.epoch,
            at=at,
            expires_at=expires_at,
        )
    )
    await enqueue(
        tx,
        NewJob(
            RESERVATION_OVER,
            {"reservation_id": str(reservation_id)},
            band="urgent",
            delay_s=(expires_at - at).total_seconds(),
        ),
    )
    return reservation_id


async def reservation(tx: Tx, reservation_id: UUID) -> Reservation:
    """One reservation; raises ReservationGone."""
    row = await tx.fetchrow(
        *SQL["reservation"](workspace=tx.workspace_id, reservation=reservation_id)
    )
    if row is None:
        raise ReservationGone
    return Reservation(**row)


async def live(tx: Tx, conversation_id: ConversationId) -> Reservation | None:
    """Under what this conversation is held out now."""
    row = await tx.fetchrow(
        *SQL["live_reservation"](workspace=tx.workspace_id, conversation=conversation_id)
    )
    return None if row is None else Reservation(**row)


async def pending_of(tx: Tx, operator_id: PersonId) -> list[Reservation]:
    """What is held out to this operator."""
    rows = await tx.fetch(*SQL["pending_of"](workspace=tx.workspace_id, operator=operator_id))
    return [Reservation(**row) for row in rows]


async def settle(
    tx: Tx,
    held_out: Reservation,
    status: Status,
    *,
    epoch: int,
    at: datetime,
    reason: str | None = None,
) -> bool:
    """End it so; False when it had ended, run out, or the conversation has moved on. Its
    conversation is locked.
    """
    if not may_become(Status(held_out.status), status):
        return False
    done = await tx.fetchval(
        *SQL["settle"](
            workspace=tx.workspace_id,
            reservation=held_out.reservation_id,
            status=status.value,
            epoch=epoch,
            at=at,
            reason=reason,
        )
    )
    return done is not None

"""From the queue to a free hand: at once when a chat arrives or a hand comes free, and every second
while anything waits, because a hint can be lost and a sweep cannot.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from pathlib import Path

import structlog
from prometheus_client import Histogram

from core.clock import Clock
from core.ids import ConversationId, PersonId, QueueId, WorkspaceId
from core.jobs import Job, finish
from core.outages import TransactionUndone
from core.postgres import Database, Tx
from core.queries import load
from handoff.conversation import store
from handoff.conversation.lifecycle import Move
from handoff.conversation.model import SYSTEM, Conversation, moved
from handoff.routing import operators, reservations
from handoff.routing.queues import queue
from handoff.routing.soon import PLACE, place_soon

SQL = load(Path(__file__).with_name("placing.sql"))

log = structlog.get_logger()

WAITED = Histogram(
    "ivr_bridge_queue_wait_seconds",
    "From entering the queue to being held out to an operator",
    buckets=(0.1, 0.5, 1, 5, 15, 60, 180, 600, 1800, 3600),
)

SWEEP_S = 1.0
BUSY_S = 0.05
BATCH = 50
MOST_SKIPPED = 200

BREATH = timedelta(seconds=5)
"""Between two rounds of asking everyone, so that a refused conversation is not thrown at people."""


@dataclass(frozen=True, slots=True)
class Available:
    """Someone of a team who works now."""

    operator_id: PersonId
    free: bool


class Placed(Enum):
    """What one attempt came to."""

    PLACED = "placed"
    NOTHING = "nothing"
    """Nobody waits whom anybody could take."""
    SKIPPED = "skipped"
    """Nobody can be asked about this one now."""
    BUSY = "busy"
    """Other placers hold what could be matched: look again in a moment."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; `skip` cannot be placed in this round."""

    placed: Placed
    skip: ConversationId | None = None


class Placer:
    """Gives waiting conversations to free operators."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def place(self, job: Job) -> None:
        """Place what can be placed now, and come back while anything waits."""
        delay_s = await self._round(job.workspace_id)
        async with self._database.workspace(job.workspace_id) as tx:
            if await tx.fetchval(*SQL["anything_waits"](workspace=tx.workspace_id)):
                await place_soon(tx, delay_s=delay_s)
            await finish(tx, job)

    async def place_one(
        self, workspace_id: WorkspaceId, skipped: Collection[ConversationId] = ()
    ) -> Attempt:
        """The best-scored conversation that anybody could take, held out to that operator."""
        async with self._database.workspace(workspace_id) as tx:
            now = self._clock()
            values = {"workspace": workspace_id, "now": now, "skipped": list(skipped)}
            queue_id: QueueId | None = await tx.fetchval(*SQL["next_queue"](**values))
            if queue_id is None:
                return Attempt(Placed.NOTHING)
            next_id: ConversationId | None = await tx.fetchval(
                *SQL["next_waiting"](queue=queue_id, **values)
            )
            if next_id is None:
                return Attempt(Placed.BUSY)
            conversation = await store.lock(tx, next_id)
            operator_id: PersonId | None = await tx.fetchval(
                *SQL["free_operator"](
                    workspace=workspace_id, queue=queue_id, tried=list(conversation.tried)
                )
            )
            if operator_id is None:
                return await self._nobody(tx, conversation)
            await self._hold_out(tx, conversation, operator_id)
            return Attempt(Placed.PLACED)

    async def _round(self, workspace_id: WorkspaceId) -> float:
        """Until nothing more can be placed; answers when to look again."""
        skipped: list[ConversationId] = []
        placed = 0
        # What must wait for somebody in particular stands in nobody else's way.
        while placed < BATCH and len(skipped) < MOST_SKIPPED:
            try:
                attempt = await self.place_one(workspace_id, skipped)
            except TransactionUndone:
                return BUSY_S
            match attempt.placed:
                case Placed.NOTHING:
                    return SWEEP_S
                case Placed.BUSY:
                    return BUSY_S
                case Placed.SKIPPED if attempt.skip is not None:
                    skipped.append(attempt.skip)
                case _:
                    placed += 1
        return 0.0 if placed else SWEEP_S

    async def _nobody(self, tx: Tx, conversation: Conversation) -> Attempt:
        """Nobody can be asked: wait for a hand, begin another round of asking, or look again."""
        rows = await tx.fetch(
            *SQL["available"](workspace=tx.workspace_id, queue=conversation.queue_id)
        )
        here = [Available(**row) for row in rows]
        untried = [one for one in here if one.operator_id not in conversation.tried]
        if any(one.free for one in untried):
            return Attempt(Placed.BUSY)
        if here and not untried:
            now = self._clock()
            after = replace(conversation, tried=(), next_eval_at=now + BREATH)
            await store.save(tx, conversation, after, at=now, by=SYSTEM)
        return Attempt(Placed.SKIPPED, conversation.conversation_id)

    async def _hold_out(self, tx: Tx, conversation: Conversation, operator_id: PersonId) -> None:
        now = self._clock()
        settings = await queue(tx, conversation.queue_id)
        expires_at = now + timedelta(seconds=settings.reservation_s)
        await operators.take(tx, operator_id, now)
        after = moved(
            conversation, Move.RESERVED, now, operator_id=operator_id, reserved_until=expires_at
        )
        await store.save(tx, conversation, after, at=now, by=SYSTEM, move=Move.RESERVED)
        await reservations.hold_out(tx, after, at=now, expires_at=expires_at)
        if conversation.enqueued_at is not None:
            WAITED.observe((now - conversation.enqueued_at).total_seconds())
        log.info("reservation.offered", conversation_id=str(conversation.conversation_id))


__all__ = ["PLACE", "Attempt", "Placed", "Placer", "place_soon"]

"""What happens to conversations when nobody does anything: each timer is a job that looks again
before it acts, since a late one must do nothing.
"""

from datetime import timedelta
from uuid import UUID

from core.clock import Clock
from core.events import Events
from core.ids import ConversationId, PersonId, ReservationId
from core.jobs import Job, finish
from core.postgres import Database, Tx
from handoff.conversation import store
from handoff.conversation.closing import close
from handoff.conversation.lifecycle import Move, State
from handoff.conversation.model import SYSTEM, Conversation, Kind
from handoff.conversation.wrapping import watch_wrapup
from handoff.routing import operators, reservations
from handoff.routing.presence import Link, given_up
from handoff.routing.reservations import Status
from handoff.routing.returning import give_back, return_if_unanswered


class Timers:
    """The handlers of this room's timers."""

    def __init__(self, database: Database, events: Events, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._clock = clock

    async def invitation_over(self, tx: Tx, job: Job) -> None:
        """Nobody answered the invitation."""
        conversation = await store.lock(tx, _conversation(job))
        if conversation.state == State.INVITED:
            await self._close(tx, conversation, Move.LAPSED, "lapsed")

    async def dismiss_callback(self, tx: Tx, job: Job) -> None:
        """A call back is no longer needed, unless somebody has the person on the phone already."""
        conversation = await store.lock(tx, _conversation(job))
        reason = str(job.payload["reason"])
        if conversation.kind != Kind.CALLBACK or not conversation.is_open:
            return
        if conversation.state in {State.ACTIVE, State.WRAPUP}:
            await store.save(
                tx,
                conversation,
                conversation,
                at=self._clock(),
                by=SYSTEM,
                event="callback_settled",
                params={"reason": reason},
            )
        else:
            await self._close(tx, conversation, Move.DISMISSED, reason)

    async def wrapup_over(self, tx: Tx, job: Job) -> None:
        """The time to file the case is over."""
        conversation = await store.lock(tx, _conversation(job))
        if conversation.wrapup_until is None:
            return
        left = conversation.wrapup_until - self._clock()
        if left > timedelta(0):
            # It was finished, taken up again and finished anew: this timer is the first one's.
            await watch_wrapup(tx, conversation.conversation_id, left.total_seconds())
        else:
            await self._close(tx, conversation, Move.WRAPPED_UP, "finished")

    async def unanswered(self, tx: Tx, job: Job) -> None:
        """The customer waits for an operator who may not be answering."""
        conversation = await store.lock(tx, _conversation(job))
        await return_if_unanswered(tx, conversation, by=SYSTEM, at=self._clock())

    async def reservation_over(self, tx: Tx, job: Job) -> None:
        """Nobody took what was held out: that is a miss, and somebody else is asked."""
        now = self._clock()
        reservation_id = ReservationId(UUID(job.payload["reservation_id"]))
        held_out = await reservations.reservation(tx, reservation_id)
        conversation = await store.lock(tx, held_out.conversation_id)
        if conversation.state != State.RESERVED or conversation.epoch != held_out.epoch:
            return
        await give_back(
            tx, conversation, by=SYSTEM, at=now, reason="timed_out", status=Status.TIMED_OUT
        )
        await operators.note_miss(tx, held_out.operator_id, now)

    async def rescind(self, job: Job) -> None:
        """Take back what is held out to someone who cannot take it now: one transaction each."""
        operator_id = _operator(job)
        async with self._database.workspace(job.workspace_id) as tx:
            pending = await reservations.pending_of(tx, operator_id)
        for held_out in pending:
            async with self._database.workspace(job.workspace_id) as tx:
                conversation = await store.lock(tx, held_out.conversation_id)
                who = await operators.presence_of(tx, operator_id)
                current = conversation.epoch == held_out.epoch
                if current and conversation.state == State.RESERVED and not who.available:
                    await give_back(
                        tx, conversation, by=SYSTEM, at=self._clock(), reason="operator_unavailable"
                    )
        async with self._database.workspace(job.workspace_id) as tx:
            await finish(tx, job)

    async def grace_over(self, job: Job) -> None:
        """The operator did not come back: whoever waits for an answer gets another one, the rest
        stays theirs.
        """
        operator_id = _operator(job)
        async with self._database.workspace(job.workspace_id) as tx:
            now = self._clock()
            who = await operators.change(tx, operator_id, lambda before: given_up(before, now), now)
            if who.grace_until is not None:
                left = who.grace_until - now
                await operators.watch_grace(tx, operator_id, left.total_seconds())
        if who.link == Link.LOST:
            async with self._database.workspace(job.workspace_id) as tx:
                held = await store.held_by(tx, operator_id)
            for conversation_id in held:
                async with self._database.workspace(job.workspace_id) as tx:
                    conversation = await store.lock(tx, conversation_id)
                    if conversation.operator_id == operator_id:
                        await return_if_unanswered(tx, conversation, by=SYSTEM, at=self._clock())
        async with self._database.workspace(job.workspace_id) as tx:
            await finish(tx, job)

    async def _close(self, tx: Tx, conversation: Conversation, move: Move, reason: str) -> None:
        await close(
            tx, self._events, conversation, move, by=SYSTEM, reason=reason, at=self._clock()
        )


def _conversation(job: Job) -> ConversationId:
    return ConversationId(UUID(job.payload["conversation_id"]))


def _operator(job: Job) -> PersonId:
    return PersonId(UUID(job.payload["operator_id"]))

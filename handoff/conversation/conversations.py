"""What operators do to conversations. Each use case owns its transaction; each begins by locking the
conversation and ends by waking the desks.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from core.clock import Clock
from core.events import Events
from core.ids import ConversationId, MessageId, PersonId, QueueId, ReservationId, WorkspaceId
from core.postgres import Database, Tx
from handoff.conversation import callbacks, store, ticks
from handoff.conversation.closing import close
from handoff.conversation.lifecycle import TALKING, Move, State, WrongState
from handoff.conversation.model import (
    By,
    Conversation,
    NotYours,
    StaleEpoch,
    moved,
    operator,
)
from handoff.conversation.store import SQL, Sent
from handoff.conversation.wrapping import watch_wrapup
from handoff.routing import accepting, operators
from handoff.routing.queues import queue
from handoff.routing.reservations import ReservationGone
from handoff.routing.returning import hand_to_queue
from messaging import outbox
from messaging.content import Content
from messaging.outbox import Author

log = structlog.get_logger()


class TopicVerdict(StrEnum):
    """What the operator says about the topic that the bot found: it teaches the bot."""

    RIGHT = "right"
    WRONG = "wrong"
    OUT_OF_SCOPE = "out_of_scope"


class Conversations:
    """The operators' use cases."""

    def __init__(self, database: Database, events: Events, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._clock = clock

    async def accept(
        self, workspace_id: WorkspaceId, reservation_id: ReservationId, *, by: PersonId
    ) -> Conversation:
        """Take what is held out; raises ReservationGone. Accepting twice is accepting."""
        now = self._clock()
        try:
            async with self._database.workspace(workspace_id) as tx:
                return await accepting.accept(tx, self._events, reservation_id, by=by, at=now)
        except ReservationGone:
            # Too late, but whoever clicks is there.
            async with self._database.workspace(workspace_id) as tx:
                await operators.enrol(tx, by, at=now)
                await operators.note_action(tx, by, now)
            raise

    async def decline(
        self,
        workspace_id: WorkspaceId,
        reservation_id: ReservationId,
        *,
        by: PersonId,
        reason: str | None = None,
    ) -> None:
        """Leave it to somebody else; raises ReservationGone when it was never theirs."""
        async with self._database.workspace(workspace_id) as tx:
            await accepting.decline(tx, reservation_id, by=by, at=self._clock(), reason=reason)

    async def send(
        self,
        workspace_id: WorkspaceId,
        conversation_id: ConversationId,
        *,
        by: PersonId,
        by_name: str,
        epoch: int,
        client_key: str,
        content: Content,
        reply_to: MessageId | None = None,
    ) -> Sent:
        """Say this to the customer; the same `client_key` again is the same message.

        Raises StaleEpoch, NotYours, WindowClosed, OptedOut.
        """
        async with self._database.workspace(workspace_id) as tx:
            now = self._clock()
            conversation = await store.lock(tx, conversation_id)
            said = await store.sent_before(tx, conversation_id, client_key)
            if said is not None:
                return said
            _check(conversation, by, epoch)
            if conversation.state not in TALKING or conversation.thread_id is None:
                raise WrongState(state=conversation.state)
            message_id = await outbox.put(
                tx,
                thread_id=conversation.thread_id,
                content=content,
                author=Author("operator", by, by_name),
                client_key=f"{conversation_id}:{client_key}",
                reply_to=reply_to,
            )
            seq = await store.append_message(
                tx,
                conversation_id,
                message_id,
                author="operator",
                author_id=by,
                client_key=client_key,
                at=now,
            )
            await self._answered(tx, conversation, seq, by, now)
            return Sent(message_id, seq)

    async def close(
        self,
        workspace_id: WorkspaceId,
        conversation_id: ConversationId,
        *,
        by: PersonId,
        epoch: int,
        topic: str | None = None,
        topic_verdict: TopicVerdict | None = None,
    ) -> Conversation:
        """The operator is done with the customer: time to file the case, then it is closed."""
        async with self._database.workspace(workspace_id) as tx:
            conversation = await store.lock(tx, conversation_id)
            _check(conversation, by, epoch)
            noted = replace(
                conversation,
                topic=topic or conversation.topic,
                topic_verdict=topic_verdict or conversation.topic_verdict,
            )
            return await self._finish(tx, conversation, noted, by)

    async def called(
        self,
        workspace_id: WorkspaceId,
        conversation_id: ConversationId,
        *,
        by: PersonId,
        epoch: int,
        answered: bool,
    ) -> Conversation:
        """The operator called this customer back, and spoke with them or did not."""
        async with self._database.workspace(workspace_id) as tx:
            now = self._clock()
            conversation = await store.lock(tx, conversation_id)
            _check(conversation, by, epoch)
            if answered:
                await callbacks.note_called(tx, self._events, conversation, by=operator(by), at=now)
                return await self._finish(tx, conversation, conversation, by)
            await callbacks.nobody_answered(tx, self._events, conversation, by=operator(by), at=now)
            await operators.note_action(tx, by, now)
            return await store.get(tx, conversation_id)

    async def end_wrapup(
        self,
        workspace_id: WorkspaceId,
        conversation_id: ConversationId,
        *,
        by: PersonId,
        epoch: int,
    ) -> Conversation:
        """The case is filed: closed now. Ending it twice is ending it."""
        async with self._database.workspace(workspace_id) as tx:
            conversation = await store.lock(tx, conversation_id)
            if conversation.state == State.CLOSED and conversation.last_operator_id == by:
                return conversation
            _check(conversation, by, epoch)
            await self._wrap_up(tx, conversation, operator(by), self._clock())
            return await store.get(tx, conversation_id)

    async def transfer(
        self,
        workspace_id: WorkspaceId,
        conversation_id: ConversationId,
        *,
        by: PersonId,
        epoch: int,
        queue_id: QueueId,
        reason: str | None = None,
    ) -> Conversation:
        """To a queue, age kept; raises QueueUnknown."""
        async with self._database.workspace(workspace_id) as tx:
            now = self._clock()
            conversation = await store.lock(tx, conversation_id)
            _check(conversation, by, epoch)
            await hand_to_queue(
                tx,
                conversation,
                to=queue_id,
                by=operator(by),
                at=now,
                reason=reason or "transferred",
            )
            await operators.note_action(tx, by, now)
            return await store.get(tx, conversation_id)

    async def mark_read(
        self, workspace_id: WorkspaceId, conversation_id: ConversationId, *, by: PersonId, seq: int
    ) -> None:
        """Its operator has seen everything up to here; the customer sees the ticks."""
        async with self._database.workspace(workspace_id) as tx:
            conversation = await store.lock(tx, conversation_id)
            if conversation.operator_id != by or conversation.state == State.RESERVED:
                raise NotYours
            if min(seq, conversation.last_seq) <= conversation.read_seq:
                return
            read_seq = min(seq, conversation.last_seq)
            values = {"workspace": workspace_id, "conversation": conversation_id, "seq": read_seq}
            unread = await tx.fetchval(*SQL["unread_after"](**values))
            after = replace(conversation, read_seq=read_seq, unread=unread)
            await store.save(tx, conversation, after, at=self._clock(), by=operator(by))
            if conversation.thread_id is not None:
                await ticks.show(
                    tx, conversation_id, conversation.thread_id, seq=read_seq, typing=False
                )

    async def typing(
        self, workspace_id: WorkspaceId, conversation_id: ConversationId, *, by: PersonId
    ) -> None:
        """Its operator is writing: the customer sees it, and the time to answer begins anew."""
        async with self._database.workspace(workspace_id) as tx:
            row = await tx.fetchrow(
                *SQL["touch_typing"](
                    workspace=workspace_id,
                    conversation=conversation_id,
                    operator=by,
                    at=self._clock(),
                )
            )
            if row is None:
                raise NotYours
            if row["thread_id"] is not None:
                await ticks.show(
                    tx, conversation_id, row["thread_id"], seq=row["last_seq"], typing=True
                )
            store.changed(tx)
            await operators.note_action(tx, by, self._clock())

    async def _answered(
        self, tx: Tx, conversation: Conversation, seq: int, by: PersonId, now: datetime
    ) -> None:
        """It is the customer's turn, and what the operator answered to is read."""
        read = replace(conversation, read_seq=seq, unread=0, waiting_since=None, typing_at=None)
        if conversation.state == State.ACTIVE:
            await store.save(
                tx,
                conversation,
                moved(read, Move.ANSWERED, now),
                at=now,
                by=operator(by),
                move=Move.ANSWERED,
            )
        else:
            await store.save(tx, conversation, read, at=now, by=operator(by))
        await operators.note_action(tx, by, now)

    async def _finish(
        self, tx: Tx, before: Conversation, noted: Conversation, by: PersonId
    ) -> Conversation:
        now = self._clock()
        settings = await queue(tx, before.queue_id)
        until = now + timedelta(seconds=settings.wrapup_s)
        after = moved(noted, Move.FINISHED, now, wrapup_until=until)
        await store.save(tx, before, after, at=now, by=operator(by), move=Move.FINISHED)
        await operators.note_action(tx, by, now)
        if settings.wrapup_s == 0:
            await self._wrap_up(tx, after, operator(by), now)
        else:
            await watch_wrapup(tx, before.conversation_id, settings.wrapup_s)
        return await store.get(tx, before.conversation_id)

    async def _wrap_up(self, tx: Tx, conversation: Conversation, by: By, now: datetime) -> None:
        await close(
            tx, self._events, conversation, Move.WRAPPED_UP, by=by, reason="finished", at=now
        )


def _check(conversation: Conversation, by: PersonId, epoch: int) -> None:
    """Is it still in these hands, as they last saw it?"""
    if conversation.epoch != epoch:
        raise StaleEpoch(epoch=conversation.epoch)
    if conversation.operator_id != by or conversation.state == State.RESERVED:
        raise NotYours

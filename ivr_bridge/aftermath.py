"""What follows after an IVR was answered: facts, rescues, and what nobody else looks after."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from core.access.keys import forget_nonces
from core.access.refusals import forget_refusals
from core.clock import Clock
from core.events import Events, MakeJob
from core.ids import ContactId, ConversationId, DeflectionId, MessageId, public
from core.jobs import Endless, Handler, Job, NewJob, Snooze, enqueue, finish, transactional
from core.postgres import Database, Tx
from core.wake import Signal
from ivr_bridge import news, store
from ivr_bridge import race as racing
from ivr_bridge.complaints import complained
from ivr_bridge.guard import alerts, velocity, watch
from ivr_bridge.news import News
from ivr_bridge.outcome import Fact, Outcome, Stranded
from ivr_bridge.race import RESCUE_CHECK, Look, rescue_check
from ivr_bridge.rescues import links
from ivr_bridge.rescues.rescue import (
    WROTE,
    AlreadyRescued,
    call_off,
    called_back,
    consider,
    texting_failed,
)
from ivr_bridge.store import SQL, Row
from messaging import openings

log = structlog.get_logger()

OPENING_FAILED = "ivr_bridge.opening_failed"
TEXTING_FAILED = "ivr_bridge.texting_failed"
MESSAGE_MOVED = "ivr_bridge.message_moved"
CONVERSATION_MOVED = "ivr_bridge.conversation_moved"
OPERATOR_JOINED = "ivr_bridge.operator_joined"
TIDY = "ivr_bridge.tidy"
TIDY_EVERY_S = 5.0

_PACE_FROM_S = 600
_OF_CONVERSATION = {
    "conversation.engaged": Fact.ENGAGED,
    "conversation.contained": Fact.CONTAINED,
    "conversation.handed_over": Fact.HANDED_OVER,
    "conversation.closed": Fact.CLOSED,
    "conversation.not_me": Fact.NOT_ME,
}
_NEWS_OF_FACT = {Fact.ENGAGED: News.REPLIED, Fact.CONTAINED: News.BOT_CLOSED}


def subscribe(events: Events) -> None:
    """Which of this room's jobs follow the transitions of the rooms below."""
    events.subscribe("opening.failed", _on_opening_failed)
    events.subscribe("message.watched", _on_message_moved)
    for event, fact in _OF_CONVERSATION.items():
        events.subscribe(event, _on_conversation(fact))
    events.subscribe("conversation.accepted", _on_accepted)


def tidying() -> NewJob:
    """One waits at any time in each workspace that has lines."""
    return NewJob(TIDY, {}, key="tidy", delay_s=TIDY_EVERY_S)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The handlers of this room's jobs."""

    database: Database
    clock: Clock
    public_url: str = ""
    """Where links in our SMS lead; without it none goes out."""

    def handlers(self) -> Mapping[str, Mapping[str, Handler]]:
        """By band, then by kind."""
        return {
            "urgent": {
                RESCUE_CHECK: transactional(self.database, self.check_rescue),
                OPENING_FAILED: transactional(self.database, self.opening_failed),
                TEXTING_FAILED: transactional(self.database, self.texting_failed),
            },
            "normal": {
                MESSAGE_MOVED: transactional(self.database, self.message_moved),
                CONVERSATION_MOVED: transactional(self.database, self.conversation_moved),
                OPERATOR_JOINED: transactional(self.database, self.operator_joined),
                TIDY: Endless(self.tidy),
            },
        }

    async def check_rescue(self, tx: Tx, job: Job) -> None:
        """Was this caller left with nothing? Silence counts only after the opening's own time."""
        deflection_id = DeflectionId(UUID(job.payload["deflection_id"]))
        row = await store.get(tx, deflection_id)
        if row is None:
            return
        if not row.decided:
            if not row.expired:
                raise Snooze(1)
            await _settle(tx, row)
            row = await store.get(tx, deflection_id) or row
        last_look = row.rescue_in_s <= 0
        if await self._consider(tx, row, last_look=last_look) is Stranded.NOT_YET:
            await enqueue(tx, rescue_check(deflection_id, max(1.0, row.rescue_in_s)))

    async def opening_failed(self, tx: Tx, job: Job) -> None:
        """A committed, definite failure after a hang-up rescues at once."""
        message_id = MessageId(UUID(job.payload["message_id"]))
        await openings.state(tx, message_id, lock=True)
        for deflection_id, _ in await store.of_message(tx, message_id):
            row = await store.get(tx, deflection_id)
            if row is not None:
                await self._consider(tx, row, last_look=False)
                await news.tell(tx, News.FAILED, deflection_id)

    async def texting_failed(self, tx: Tx, job: Job) -> None:
        """A watched message failed: where it was the SMS of a rescue, somebody calls back."""
        await texting_failed(tx, MessageId(UUID(job.payload["message_id"])), self.clock())

    async def message_moved(self, tx: Tx, job: Job) -> None:
        """A message that arrives after its call went on is late, and never counted."""
        if job.payload["status"] not in {"delivered", "read"}:
            return
        message_id = MessageId(UUID(job.payload["message_id"]))
        for deflection_id, outcome in await store.of_message(tx, message_id):
            if outcome is Outcome.PENDING:
                # It arrived before its call was decided: what that means is known in a moment.
                raise Snooze(1)
            if outcome is Outcome.CONTINUE:
                await store.add_fact(tx, deflection_id, Fact.LATE, at=self.clock())
            late = outcome is Outcome.CONTINUE
            await news.tell(tx, News.LATE_DELIVERED if late else News.DELIVERED, deflection_id)

    async def conversation_moved(self, tx: Tx, job: Job) -> None:
        """What became of the chat is a fact about the deflection that began it."""
        payload = job.payload
        fact = Fact(payload["fact"])
        at = datetime.fromisoformat(payload["at"]) if payload.get("at") else None
        deflection_id = DeflectionId(UUID(payload["deflection_id"]))
        detail = {"conversation_id": payload["conversation_id"]}
        added = await store.add_fact(tx, deflection_id, fact, at=at, detail=detail)
        if added and fact is Fact.NOT_ME:
            await complained(tx, deflection_id)
        if fact is Fact.ENGAGED:
            await call_off(tx, ContactId(UUID(payload["contact_id"])), WROTE)
        if fact is Fact.CLOSED:
            await called_back(tx, ConversationId(UUID(payload["conversation_id"])))
        if fact in _NEWS_OF_FACT:
            await news.tell(tx, _NEWS_OF_FACT[fact], deflection_id, at=at)

    async def operator_joined(self, tx: Tx, job: Job) -> None:
        """A person took the conversation that a call began."""
        payload = job.payload
        await news.tell(
            tx,
            News.OPERATOR_JOINED,
            DeflectionId(UUID(payload["deflection_id"])),
            at=datetime.fromisoformat(payload["at"]),
            key=f"{payload['deflection_id']}:{payload['at']}",
            operator_id=public("pe", UUID(payload["operator_id"])),
        )

    async def tidy(self, job: Job) -> None:
        """Settle what a dead process left behind, and learn how fast the providers are.

        A transaction each: holding several messages at once could meet a batch of reports that
        takes them in another order.
        """
        workspace_id = job.workspace_id
        async with self.database.workspace(workspace_id, read_only=True) as tx:
            orphans = await tx.fetch(*SQL["orphaned_openings"](workspace=workspace_id))
            overdue = await tx.fetch(*SQL["overdue"](workspace=workspace_id))
        for found in orphans:
            async with self.database.workspace(workspace_id) as tx:
                await openings.expire(tx, found["message_id"])
        for found in overdue:
            async with self.database.workspace(workspace_id) as tx:
                row = await store.get(tx, found["deflection_id"])
                if row is not None:
                    await _settle(tx, row)
        async with self.database.workspace(workspace_id) as tx:
            await _learn_pace(tx)
            await watch.learn(tx)
        async with self.database.workspace(workspace_id) as tx:
            await watch.look_after_lines(tx)
            await alerts.look_for_trouble(tx)
        async with self.database.workspace(workspace_id) as tx:
            await links.forget(tx)
            await forget_nonces(tx)
            await forget_refusals(tx)
            await velocity.forget(tx)
            await enqueue(tx, tidying())
            await finish(tx, job)

    async def _consider(self, tx: Tx, row: Row, *, last_look: bool) -> Stranded:
        try:
            return await consider(
                tx,
                row.deflection_id,
                row.message_id,
                self.clock,
                last_look=last_look,
                public_url=self.public_url,
            )
        except AlreadyRescued as both:
            raise Snooze(1) from both


async def _learn_pace(tx: Tx) -> None:
    learnt = await tx.fetch(
        *SQL["learn_pace"](workspace=tx.workspace_id, since=_id_of(time.time() - _PACE_FROM_S))
    )
    for account in learnt:
        if account["silent"]:
            log.error("account.silent", account_id=str(account["account_id"]))
    await tx.execute(*SQL["forget_pace"](workspace=tx.workspace_id))


async def _settle(tx: Tx, row: Row) -> None:
    """Nobody decided in time: the call went on."""
    if row.message_id is None:
        return
    race = racing.of_row(tx.workspace_id, row, row.message_id, Signal(), None)
    race.by = "sweep"
    await racing.look(tx, race, Look.OVERDUE)


def _on_opening_failed(facts: Mapping[str, Any]) -> NewJob:
    return NewJob(
        OPENING_FAILED,
        {"message_id": facts["message_id"]},
        band="urgent",
        key=facts["message_id"],
    )


def _on_message_moved(facts: Mapping[str, Any]) -> NewJob | None:
    if facts["status"] == "failed":
        about = {"message_id": facts["message_id"]}
        return NewJob(TEXTING_FAILED, about, band="urgent", key=facts["message_id"])
    if facts["status"] not in {"delivered", "read"}:
        return None
    return NewJob(MESSAGE_MOVED, {"message_id": facts["message_id"], "status": facts["status"]})


def _on_conversation(fact: Fact) -> MakeJob:
    """Conversations that no call began cause no job."""

    def make(facts: Mapping[str, Any]) -> NewJob | None:
        if facts.get("origin") is None:
            return None
        at = facts.get("at")
        payload = {name: facts[name] for name in ("conversation_id", "contact_id")}
        return NewJob(
            CONVERSATION_MOVED,
            {
                **payload,
                "deflection_id": facts["origin"],
                "fact": fact.value,
                "at": at.isoformat() if isinstance(at, datetime) else at,
            },
        )

    return make


def _on_accepted(facts: Mapping[str, Any]) -> NewJob | None:
    """Whoever takes a call back is about to call, and joins no chat."""
    if facts.get("origin") is None or facts["kind"] != "chat":
        return None
    named = {name: facts[name] for name in ("at", "operator_id")}
    return NewJob(OPERATOR_JOINED, {**named, "deflection_id": facts["origin"]})


def _id_of(seconds: float) -> UUID:
    """The smallest UUIDv7 of a moment: ids sort by time, so a range of ids is a range of time."""
    return UUID(int=int(seconds * 1000) << 80)

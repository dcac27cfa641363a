"""What follows for returns: promises that are missed, buttons that are tapped, calls that were made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from core.clock import Clock
from core.events import Events
from core.faults import Refused
from core.ids import ContactId, ConversationId
from core.jobs import Endless, Handler, Job, NewJob, enqueue, finish, transactional
from core.outgoing.deliveries import TAKEN
from core.postgres import Database, Tx
from handoff.conversation import store as conversations
from handoff.conversation import voice
from handoff.conversation.callbacks import NOT_REACHED
from handoff.conversation.lifecycle import State as ChatState
from handoff.conversation.model import BOT, CUSTOMER, SYSTEM
from ivr_bridge.news import News
from ivr_bridge.returns import returns, store, words
from ivr_bridge.returns.store import SQL, AskedBy, ReturnId, State
from ivr_bridge.returns.terms import Mode
from ivr_bridge.terms import LineTerms

log = structlog.get_logger()

PROMISES = "ivr_bridge.promises"
CHOSEN = "ivr_bridge.voice_chosen"
ASKED = "ivr_bridge.return_asked"
TOLD = "ivr_bridge.return_told"
CALLBACK_MOVED = "ivr_bridge.callback_moved"

PROMISES_EVERY_S = 5.0
_WAITING = frozenset({ChatState.QUEUED, ChatState.RESERVED})
_NOT_CALLED = frozenset(
    {NOT_REACHED, "customer_wrote", "customer_called", "customer_stays", "not_me", "over"}
)
"""Ends of a call back in which nobody spoke with the customer."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A chat that waits longer than was promised."""

    conversation_id: ConversationId
    terms: Mapping[str, Any]


def subscribe(events: Events) -> None:
    """Which of these jobs follow the transitions of the rooms below."""
    events.subscribe("conversation.chosen", _on_chosen)
    events.subscribe("conversation.return_asked", _on_asked)
    events.subscribe(TAKEN, _on_taken)
    for event in ("callback.called", "callback.tried", "conversation.closed"):
        events.subscribe(event, _on_callback(event))
    events.subscribe("conversation.accepted", _on_callback("conversation.accepted"))


def promises() -> NewJob:
    """One waits at any time in each workspace with a line that promises something."""
    return NewJob(PROMISES, {}, key="promises", delay_s=PROMISES_EVERY_S)


@dataclass(frozen=True, slots=True)
class Following:
    """The handlers of these jobs."""

    database: Database
    events: Events
    clock: Clock

    def handlers(self) -> Mapping[str, Mapping[str, Handler]]:
        """By band, then by kind."""
        return {
            "urgent": {
                CHOSEN: transactional(self.database, self.chosen),
                ASKED: transactional(self.database, self.asked),
            },
            "normal": {
                PROMISES: Endless(self.keep_promises),
                TOLD: transactional(self.database, self.told),
                CALLBACK_MOVED: transactional(self.database, self.callback_moved),
            },
        }

    async def keep_promises(self, job: Job) -> None:
        """Look who has waited too long; a transaction each, as each holds a conversation."""
        async with self.database.workspace(job.workspace_id, read_only=True) as tx:
            rows = await tx.fetch(*SQL["missed"](workspace=job.workspace_id, now=self.clock()))
        for row in rows:
            async with self.database.workspace(job.workspace_id) as tx:
                await self._keep(tx, Missed(**row))
        async with self.database.workspace(job.workspace_id) as tx:
            if await tx.fetchval(*SQL["anybody_promises"](workspace=job.workspace_id)):
                await enqueue(tx, promises())
            await finish(tx, job)

    async def chosen(self, tx: Tx, job: Job) -> None:
        """The customer tapped *Call me*, or *Stay in this chat*."""
        chat_id = ConversationId(UUID(job.payload["conversation_id"]))
        if job.payload["choice"] == words.CALL_ME:
            await self._try(tx, chat_id, AskedBy.CUSTOMER)
        elif job.payload["choice"] == words.STAY:
            await self._stay(tx, chat_id, ContactId(UUID(job.payload["contact_id"])))

    async def asked(self, tx: Tx, job: Job) -> None:
        """A flow wants the customer called; where that cannot be, people have the chat already."""
        await self._try(tx, ConversationId(UUID(job.payload["conversation_id"])), AskedBy.FLOW)

    async def told(self, tx: Tx, job: Job) -> None:
        """Somebody took the news of a return."""
        return_id = ReturnId(UUID(job.payload["return_id"]))
        await returns.told(tx, return_id, job.payload["endpoint"], self.clock())

    async def callback_moved(self, tx: Tx, job: Job) -> None:
        """What happens to a call back happens to its return."""
        payload = job.payload
        callback_id = ConversationId(UUID(payload["conversation_id"]))
        at = datetime.fromisoformat(payload["at"])
        reason = str(payload["reason"] or "called")
        return_id = await store.open_of_callback(tx, callback_id)
        match payload["event"]:
            case "conversation.accepted" if return_id is not None:
                about = await store.get(tx, return_id)
                await returns.tell_changed(tx, about, "taken", "operator", at)
            case "callback.tried" if return_id is not None:
                await self._note_try(tx, return_id, payload)
            case "callback.called" | "conversation.closed":
                called = reason not in _NOT_CALLED
                state = State.CALLED if called else State.CALLED_OFF
                if return_id is not None:
                    await returns.settle(
                        tx, return_id, state, "operator" if called else reason, at, by_callback=True
                    )
                if payload["event"] == "conversation.closed":
                    await tx.execute(
                        *SQL["close_rescue_of"](
                            workspace=tx.workspace_id, callback=callback_id, reason=reason
                        )
                    )

    async def _keep(self, tx: Tx, missed: Missed) -> None:
        chat = await conversations.lock(tx, missed.conversation_id)
        terms = LineTerms.kept(missed.terms).return_to_voice
        if terms is None or chat.state not in _WAITING or "return" in (chat.card or {}):
            return
        if terms.mode is Mode.AUTO:
            await self._try(tx, chat.conversation_id, AskedBy.PROMISE)
        else:
            await voice.offer_call(tx, chat, words.offer(chat.language), self.clock())
            log.info("return.offered", conversation_id=str(chat.conversation_id))

    async def _try(self, tx: Tx, chat_id: ConversationId, asked_by: AskedBy) -> None:
        by = {AskedBy.CUSTOMER: CUSTOMER, AskedBy.FLOW: BOT}.get(asked_by, SYSTEM)
        try:
            async with tx.savepoint():
                await returns.request(
                    tx, self.events, chat_id, asked_by=asked_by, by=by, at=self.clock()
                )
        except Refused as refused:
            log.warning("return.refused", conversation_id=str(chat_id), code=refused.code)
            await self._do_not_ask_again(tx, chat_id)

    async def _do_not_ask_again(self, tx: Tx, chat_id: ConversationId) -> None:
        chat = await conversations.lock(tx, chat_id)
        if chat.is_open:
            await voice.note(tx, chat, {"state": "refused"}, at=self.clock())

    async def _stay(self, tx: Tx, chat_id: ConversationId, contact_id: ContactId) -> None:
        chat = await conversations.lock(tx, chat_id)
        now = self.clock()
        if chat.is_open:
            await voice.note(tx, chat, {"state": "declined"}, at=now)
        settled = [
            await returns.settle(tx, return_id, State.CALLED_OFF, "customer_stays", now)
            for return_id in await store.open_of_contact(tx, contact_id)
        ]
        if any(settled):
            await voice.say(tx, chat, words.staying(chat.language), now)

    @staticmethod
    async def _note_try(tx: Tx, return_id: ReturnId, payload: Mapping[str, Any]) -> None:
        next_at = payload["next_at"]
        await tx.execute(
            *SQL["note_try"](
                workspace=tx.workspace_id,
                return_id=return_id,
                tries=payload["tries"],
                next_at=None if next_at is None else datetime.fromisoformat(next_at),
            )
        )


def _on_chosen(facts: Mapping[str, Any]) -> NewJob:
    named = {name: facts[name] for name in ("conversation_id", "contact_id", "choice")}
    return NewJob(CHOSEN, named, band="urgent")


def _on_asked(facts: Mapping[str, Any]) -> NewJob:
    return NewJob(ASKED, {"conversation_id": facts["conversation_id"]}, band="urgent")


def _on_taken(facts: Mapping[str, Any]) -> NewJob | None:
    if facts["type"] != News.RETURN_TO_VOICE:
        return None
    return_id = facts["key"].rpartition(":")[2]
    return NewJob(TOLD, {"return_id": return_id, "endpoint": facts["endpoint"]})


def _on_callback(event: str) -> Any:
    def make(facts: Mapping[str, Any]) -> NewJob | None:
        if facts.get("kind") != "callback":
            return None
        kept: Sequence[str] = ("conversation_id", "at", "reason", "tries", "next_at")
        return NewJob(CALLBACK_MOVED, {"event": event, **{name: facts.get(name) for name in kept}})

    return make

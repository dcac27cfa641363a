"""A conversation as it stands in the database, and the pure changes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from core.faults import NotFound, Refused
from core.ids import AccountId, ContactId, ConversationId, PersonId, QueueId, ThreadId
from handoff.conversation.lifecycle import HELD, OVER, SAME_HANDS, Move, State, next_state

PRIORITY_STEP = timedelta(seconds=60)
"""One step of priority is worth a minute of waiting, so that nothing starves."""


class Kind(StrEnum):
    """What the operator is asked to do."""

    CHAT = "chat"
    CALLBACK = "callback"


class ByKind(StrEnum):
    """Who moved it."""

    CALL = "call"
    CUSTOMER = "customer"
    BOT = "bot"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class By:
    """The mover, with the person when it was one."""

    kind: ByKind
    id: PersonId | None = None


CALL = By(ByKind.CALL)
CUSTOMER = By(ByKind.CUSTOMER)
BOT = By(ByKind.BOT)
SYSTEM = By(ByKind.SYSTEM)


def operator(person_id: PersonId) -> By:
    """This operator."""
    return By(ByKind.OPERATOR, person_id)


class ConversationUnknown(NotFound, code="conversation_unknown"):
    """There is no such conversation, or it is not yours to see."""


class StaleEpoch(Refused, code="stale_epoch"):
    """The conversation has changed hands since you last saw it; look again."""


class NotYours(Refused, code="not_yours"):
    """This conversation is not in your hands."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One case. `moved` gives the next version; `store.save` writes it if this one still stands."""

    conversation_id: ConversationId
    kind: str
    state: str
    epoch: int
    contact_id: ContactId
    thread_id: ThreadId | None
    account_id: AccountId | None
    previous_id: ConversationId | None
    queue_id: QueueId
    operator_id: PersonId | None
    language: str
    origin: UUID | None
    card: Mapping[str, Any] | None
    flow: str | None
    flow_version: str | None
    bot_state: Mapping[str, Any] | None
    heard: Sequence[Mapping[str, str]]
    heard_since: datetime | None
    bot_answered: bool
    summary: Mapping[str, Any] | None
    topic: str | None
    topic_verdict: str | None
    tags: Sequence[str]
    priority: int
    opened_at: datetime
    engaged_at: datetime | None
    last_inbound_at: datetime | None
    enqueued_at: datetime | None
    score: datetime | None
    next_eval_at: datetime | None
    tried: Sequence[PersonId]
    reserved_until: datetime | None
    accepted_at: datetime | None
    waiting_since: datetime | None
    typing_at: datetime | None
    wrapup_until: datetime | None
    closed_at: datetime | None
    closed_reason: str | None
    last_operator_id: PersonId | None
    last_seq: int
    read_seq: int
    unread: int

    @property
    def is_open(self) -> bool:
        """Not closed and not abandoned."""
        return self.state not in OVER

    @property
    def facts(self) -> dict[str, Any]:
        """What is published about it: plain values for rooms above."""
        return {
            "conversation_id": str(self.conversation_id),
            "origin": None if self.origin is None else str(self.origin),
            "contact_id": str(self.contact_id),
            "kind": self.kind,
        }


def moved(before: Conversation, move: Move, at: datetime, **changes: Any) -> Conversation:
    """The conversation after this move, with every field that the new state dictates.

    `changes` are facts the move brings: `operator_id`, `reserved_until`, `closed_reason`, `queue_id`.
    """
    to = next_state(State(before.state), move)
    after = replace(
        before,
        state=to.value,
        epoch=before.epoch + (move not in SAME_HANDS),
        operator_id=before.operator_id if to in HELD else None,
        last_operator_id=before.operator_id or before.last_operator_id,
        reserved_until=None,
        wrapup_until=None,
        closed_at=at if to in OVER else None,
        closed_reason=None,
        typing_at=None,
    )
    after = replace(after, **changes)
    if to is State.QUEUED:
        return _enqueued(after, at, anew=move is Move.REOPENED)
    if to is State.WAITING_CUSTOMER or to in OVER or to is State.WRAPUP:
        return replace(after, waiting_since=None)
    return after


def _enqueued(after: Conversation, at: datetime, *, anew: bool) -> Conversation:
    """In the queue: at the age it had, or at no age when it comes back from being closed."""
    since = at if anew or after.enqueued_at is None else after.enqueued_at
    return replace(
        after,
        enqueued_at=since,
        score=since - after.priority * PRIORITY_STEP,
        next_eval_at=after.next_eval_at if _later(after.next_eval_at, at) else at,
        accepted_at=None,
        waiting_since=after.waiting_since or at,
        tried=() if anew else after.tried,
        heard=(),
        heard_since=None,
    )


def _later(one: datetime | None, other: datetime) -> bool:
    return one is not None and one > other

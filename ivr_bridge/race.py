"""The race of one attempt in this process: one POST, many looks, one decision."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, assert_never

from core.ids import ConversationId, DeflectionId, MessageId, WorkspaceId
from core.jobs import NewJob, enqueue
from core.postgres import Tx
from core.wake import Signal
from ivr_bridge import progress, store
from ivr_bridge.answer import Answer
from ivr_bridge.evidence import Confirm, HangUp, Proof, Stay, Wait, verdict
from ivr_bridge.outcome import Action, Fact, Outcome, Reason, reason_of
from ivr_bridge.progress import state_word
from ivr_bridge.store import NewAttempt, Row
from ivr_bridge.timing import DECIDE_EARLY_MS
from messaging import openings
from messaging.channel import FailureClass
from messaging.openings import DeliveryState
from messaging.reachability import Reach

_ARRIVED = frozenset({"delivered", "read"})

RESCUE_CHECK = "ivr_bridge.rescue_check"


@dataclass(slots=True)
class Race:
    """An undecided attempt, with what its decision needs."""

    workspace_id: WorkspaceId
    deflection_id: DeflectionId
    message_id: MessageId
    confirm: Confirm
    positive: bool
    grace_ms: int
    borrowed: bool
    resumed: bool
    can_poll: bool
    reach: Reach
    channel: str | None
    chat_wait_s: int | None
    rescue_after_s: int
    conversation_id: ConversationId | None
    answer_by: float | None
    """On this process's clock: a hang-up decided later reaches nobody. None while the IVR polls."""
    signal: Signal
    answer: Answer | None = None
    by: str = "race"
    fallback: Mapping[str, Any] | None = None
    """What may follow on another channel, when this opening certainly failed."""
    may_move: bool = False
    """The attempt may come to rest on another opening than this one."""
    second: "Race | None" = None
    """The race that goes on there."""

    @property
    def leaves_within_s(self) -> float | None:
        """Until the last look is taken. A caller who stays on the line gets nothing: where calls take
        all connections to a slow provider, the next one's opening would wait for one, and come when
        nobody expects it any more.
        """
        if self.answer_by is None:
            return None
        return self.answer_by - DECIDE_EARLY_MS / 1000 - time.monotonic()

    def decided(self, action: Action, reason: Reason, proof: Proof, state: str) -> Answer:
        """The answer in these circumstances."""
        return Answer(
            action,
            reason,
            deflection_id=self.deflection_id,
            state=state,
            channel=self.channel,
            reachability=self.reach,
            proof=proof,
            chat_wait_s=self.chat_wait_s,
        )

    def answered(self) -> Answer | None:
        """The decision, when whoever sends the opening has made it meanwhile."""
        return self.answer

    def gone_on(self) -> "Race | None":
        """The race on another channel, when the attempt rests there by now."""
        return self.second

    def undecided(self, action: Action, state: str = "sending") -> Answer:
        """What to say when there is no decision: to wait, or that the call goes on."""
        return self.decided(action, Reason.DEADLINE, Proof.NONE, state)


def of_attempt(
    workspace_id: WorkspaceId,
    attempt: NewAttempt,
    message_id: MessageId,
    signal: Signal,
    answer_by: float | None,
) -> Race:
    """The race of an attempt that this process has just begun."""
    return Race(
        workspace_id=workspace_id,
        deflection_id=attempt.deflection_id,
        message_id=message_id,
        confirm=attempt.confirm,
        positive=attempt.positive,
        grace_ms=attempt.grace_ms,
        borrowed=attempt.answers_for is not None,
        resumed=attempt.resumed,
        can_poll=attempt.can_poll,
        reach=attempt.reach,
        channel=attempt.channel,
        chat_wait_s=attempt.chat_wait_s,
        rescue_after_s=attempt.rescue_after_s,
        conversation_id=attempt.conversation_id,
        answer_by=answer_by,
        signal=signal,
        fallback=attempt.fallback,
        may_move=attempt.fallback is not None,
    )


def of_row(
    workspace_id: WorkspaceId,
    row: Row,
    message_id: MessageId,
    signal: Signal,
    answer_by: float | None,
) -> Race:
    """The race of an attempt that another request began."""
    return Race(
        workspace_id=workspace_id,
        deflection_id=row.deflection_id,
        message_id=message_id,
        confirm=Confirm(row.confirm),
        positive=row.positive,
        grace_ms=row.grace_ms,
        borrowed=row.borrowed,
        resumed=row.resumed,
        can_poll=row.can_poll,
        reach=Reach(row.reachability),
        channel=row.channel,
        chat_wait_s=row.chat_wait_s,
        rescue_after_s=row.rescue_after_s,
        conversation_id=row.conversation_id,
        answer_by=answer_by,
        signal=signal,
        by="reader",
        fallback=row.fallback,
        may_move=row.fallback is not None,
    )


class Look(Enum):
    """How much time there is."""

    NOW = "now"
    LAST = "last"
    """The answer must leave: what is not proven now is not waited for."""
    OVERDUE = "overdue"
    """Nobody decided in time, and nobody is told any more: the call went on, whatever arrived since."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The opening certainly failed while there is time, and another channel may follow: nothing is
    decided.
    """


async def look(tx: Tx, race: Race, which: Look) -> Answer | Wait | Failed:
    """Hold the message still, look at it, and decide if that is possible.

    The message's row is always locked first, here and where reports are applied: a failure that
    commits before the decision is seen by it, one that commits after finds it made.
    """
    return await settle(tx, race, await openings.state(tx, race.message_id, lock=True), which)


async def settle(tx: Tx, race: Race, state: DeliveryState, which: Look) -> Answer | Wait | Failed:
    """Decide on a message that this transaction holds."""
    seen = progress.seen(state)
    found = verdict(
        race.confirm,
        seen,
        positive=race.positive,
        grace_ms=race.grace_ms,
        last_look=which is not Look.NOW,
    )
    if isinstance(found, HangUp) and (which is Look.OVERDUE or too_late(race)):
        found = Stay()
    word = state_word(state.status.value, None if seen.failure is None else seen.failure.value)
    match found:
        case Wait():
            return found
        case HangUp(proof):
            return await _hang_up(tx, race, proof, word)
        case Stay(failure):
            # Who told the provider to stop us is not chased on another channel.
            chased = failure is not None and failure is not FailureClass.OPTED_OUT
            if chased and race.fallback is not None and which is Look.NOW:
                return Failed()
            reason = Reason.DEADLINE if failure is None else reason_of(failure)
            proof = Proof.NONE if failure is None else Proof.FAILED_NOW
            return await _stay(tx, race, reason, proof, word)
        case _:
            assert_never(found)


async def recorded(tx: Tx, race: Race) -> Answer | Wait:
    """The decision that somebody else made; none yet, where the attempt rests on another opening."""
    row = await store.get(tx, race.deflection_id)
    assert row is not None, "attempts are never deleted while their call is on"  # noqa: S101
    if row.decided or row.message_id is None:
        return answer_of(row)
    if race.second is None:
        race.second = of_row(tx.workspace_id, row, row.message_id, Signal(), race.answer_by)
        race.second.can_poll = race.can_poll
    return Wait()


def answer_of(row: Row) -> Answer:
    """A decided attempt as its IVR is told, now and whenever it asks again."""
    return Answer(
        Action(row.outcome),
        Reason(row.reason or Reason.DEADLINE),
        deflection_id=row.deflection_id,
        state=state_word(row.status, row.failed_class),
        channel=row.channel,
        reachability=Reach(row.reachability),
        proof=Proof(row.proof or Proof.NONE),
        chat_wait_s=row.chat_wait_s,
    )


async def _hang_up(tx: Tx, race: Race, proof: Proof, word: str) -> Answer | Wait:
    reason = (
        Reason.ALREADY_DELIVERED if race.borrowed else Reason.RESUMED if race.resumed else Reason.OK
    )
    if not await _decided(tx, race, Outcome.HANGUP, reason, proof):
        return await recorded(tx, race)
    await enqueue(tx, rescue_check(race.deflection_id, race.rescue_after_s))
    tx.wake(f"message:{race.message_id}")
    return race.decided(Action.HANGUP, reason, proof, word)


async def _stay(tx: Tx, race: Race, reason: Reason, proof: Proof, word: str) -> Answer | Wait:
    if not await _decided(tx, race, Outcome.CONTINUE, reason, proof):
        return await recorded(tx, race)
    await store.keep_an_eye_on(tx, race.deflection_id, race.message_id, race.conversation_id)
    if word in _ARRIVED:
        await store.add_fact(tx, race.deflection_id, Fact.LATE)
    tx.wake(f"message:{race.message_id}")
    return race.decided(Action.CONTINUE, reason, proof, word)


async def _decided(tx: Tx, race: Race, outcome: Outcome, reason: Reason, proof: Proof) -> bool:
    """Record the decision; False when another stands, or the attempt rests on a second opening."""
    if race.may_move:
        named = {"workspace": tx.workspace_id, "deflection": race.deflection_id}
        if await tx.fetchval(*store.SQL["rests_on"](**named)) != race.message_id:
            return False
    return await store.decide(tx, race.deflection_id, outcome, reason, proof, race.by)


def rescue_check(deflection_id: DeflectionId, after_s: float) -> NewJob:
    """Look, after a while, whether this caller was left with nothing."""
    return NewJob(
        RESCUE_CHECK,
        {"deflection_id": str(deflection_id)},
        band="urgent",
        key=str(deflection_id),
        delay_s=after_s,
    )


def too_late(race: Race) -> bool:
    """A hang-up decided now would reach nobody."""
    return race.answer_by is not None and time.monotonic() > race.answer_by

"""Attempts in the database: rows in, rows out. Whoever calls owns the transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from core.ids import (
    AccountId,
    CallRef,
    ContactId,
    ConversationId,
    DeflectionId,
    LineId,
    MessageId,
    WorkspaceId,
    public,
)
from core.postgres import Tx, to_json
from core.queries import load
from ivr_bridge.evidence import Confirm, Proof
from ivr_bridge.outcome import Fact, Outcome, Reason
from messaging.reachability import Reach

SQL = load(Path(__file__).with_name("deflections.sql"))

NEXT_ATTEMPT_AFTER_S = 20.0
"""A request without `attempt` this long after a final `continue` is a new try, not a repetition."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier attempt of the same call."""

    deflection_id: DeflectionId
    attempt: int
    outcome: str
    message_id: MessageId | None
    channel: str | None
    over_for_s: float
    """Since its decision, or since it should have been decided; negative while it is still open."""

    @property
    def went_on(self) -> bool:
        """The call went on: told so, or never told anything in time."""
        return self.outcome == Outcome.CONTINUE or (
            self.outcome == Outcome.PENDING and self.over_for_s > 0
        )


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """An attempt about to be written down."""

    deflection_id: DeflectionId
    call_ref: CallRef
    line_id: LineId
    attempt: int
    pending_s: float
    confirm: Confirm
    grace_ms: int
    positive: bool
    can_poll: bool
    reach: Reach
    channel: str | None
    account_id: AccountId | None
    contact_id: ContactId | None
    message_id: MessageId | None
    answers_for: MessageId | None
    conversation_id: ConversationId | None
    resumed: bool
    chat_wait_s: int | None
    rescue_after_s: int
    ttl_s: int | None
    consent: dict[str, Any]
    asked: dict[str, Any]
    trace: Sequence[Any]
    outcome: Outcome = Outcome.PENDING
    reason: Reason | None = None
    evidence_source: str | None = None
    evidence_at: datetime | None = None
    began_ms: int | None = None
    """From receipt until it was about to be written down."""
    crossed_over: bool = False
    """The caller had been held out before the offer."""
    fallback: Mapping[str, Any] | None = None
    """What may follow on another channel (ivr_bridge/ways/second.py)."""


@dataclass(frozen=True, slots=True)
class Row:
    """An attempt as it stands, with its message."""

    deflection_id: DeflectionId
    call_ref: CallRef
    line_id: LineId
    outcome: str
    reason: str | None
    proof: str | None
    confirm: str
    grace_ms: int
    positive: bool
    can_poll: bool
    reachability: str
    channel: str | None
    contact_id: ContactId | None
    conversation_id: ConversationId | None
    message_id: MessageId | None
    borrowed: bool
    """The message is an earlier attempt's."""
    resumed: bool
    chat_wait_s: int | None
    rescue_after_s: int
    expired: bool
    rescue_in_s: float
    """Until silence about the message counts as failure."""
    status: str | None
    failed_class: str | None
    fallback: Mapping[str, Any] | None

    @property
    def decided(self) -> bool:
        """Has the IVR's answer been recorded?"""
        return self.outcome != Outcome.PENDING


def which_attempt(asked: int | None, earlier: Sequence[Attempt]) -> int:
    """The attempt that a request means: the one it names, the latest, or the next."""
    if asked is not None:
        return asked
    if not earlier:
        return 1
    latest = earlier[-1]
    begins_anew = latest.went_on and latest.over_for_s > NEXT_ATTEMPT_AFTER_S
    return latest.attempt + 1 if begins_anew else latest.attempt


async def attempts(tx: Tx, call_ref: CallRef) -> list[Attempt]:
    """Every attempt of a call, first to last."""
    rows = await tx.fetch(*SQL["attempts"](workspace=tx.workspace_id, call_ref=call_ref))
    return [Attempt(**row) for row in rows]


async def add(tx: Tx, new: NewAttempt) -> None:
    """Write an attempt down."""
    await tx.execute(*SQL["add"](**to_add(tx.workspace_id, [new])))


def to_add(workspace_id: WorkspaceId, new: Sequence[NewAttempt]) -> dict[str, Any]:
    """The values of `add`, for a statement that writes more than attempts down."""
    return {
        "workspace": workspace_id,
        "deflections": [each.deflection_id for each in new],
        "call_refs": [each.call_ref for each in new],
        "lines": [each.line_id for each in new],
        "attempts": [each.attempt for each in new],
        "pendings_s": [each.pending_s for each in new],
        "confirms": [each.confirm.value for each in new],
        "graces_ms": [each.grace_ms for each in new],
        "positives": [each.positive for each in new],
        "can_poll": [each.can_poll for each in new],
        "reachabilities": [each.reach.value for each in new],
        "channels": [each.channel for each in new],
        "accounts": [each.account_id for each in new],
        "contacts": [each.contact_id for each in new],
        "messages": [each.message_id for each in new],
        "answer_for": [each.answers_for for each in new],
        "conversations": [each.conversation_id for each in new],
        "resumed": [each.resumed for each in new],
        "chat_waits_s": [each.chat_wait_s for each in new],
        "rescues_after_s": [each.rescue_after_s for each in new],
        "ttls_s": [each.ttl_s for each in new],
        "consents": [to_json(each.consent) for each in new],
        "asked": [to_json(each.asked) for each in new],
        "traces": [to_json(list(each.trace)) for each in new],
        "outcomes": [each.outcome.value for each in new],
        "reasons": [None if each.reason is None else each.reason.value for each in new],
        "proofs": [None if each.outcome is Outcome.PENDING else Proof.NONE.value for each in new],
        "evidence_sources": [each.evidence_source for each in new],
        "evidence_ats": [each.evidence_at for each in new],
        "began_ms": [each.began_ms for each in new],
        "crossed_over": [each.crossed_over for each in new],
    }


async def get(tx: Tx, deflection_id: DeflectionId) -> Row | None:
    """One attempt as it stands."""
    row = await tx.fetchrow(*SQL["deflection"](workspace=tx.workspace_id, deflection=deflection_id))
    return None if row is None else Row(**row)


async def decide(
    tx: Tx, deflection_id: DeflectionId, outcome: Outcome, reason: Reason, proof: Proof, by: str
) -> bool:
    """Record the decision; False when another one stands already."""
    values = to_decide(tx.workspace_id, [Decision(deflection_id, outcome, reason, proof, by)])
    return await tx.fetchval(*SQL["decide"](**values)) is not None


@dataclass(frozen=True, slots=True)
class Decision:
    """What an attempt came to."""

    deflection_id: DeflectionId
    outcome: Outcome
    reason: Reason
    proof: Proof
    by: str


def to_decide(workspace_id: WorkspaceId, decisions: Sequence[Decision]) -> dict[str, Any]:
    """The values of `decide`, for a statement that does more than decide."""
    return {
        "workspace": workspace_id,
        "deflections": [each.deflection_id for each in decisions],
        "outcomes": [each.outcome.value for each in decisions],
        "reasons": [each.reason.value for each in decisions],
        "proofs": [each.proof.value for each in decisions],
        "by": [each.by for each in decisions],
    }


async def keep_an_eye_on(
    tx: Tx,
    deflection_id: DeflectionId,
    message_id: MessageId,
    conversation_id: ConversationId | None,
) -> None:
    """The call goes on and the message may still arrive: be told of it, and let the chat know."""
    await tx.execute(*SQL["watch"](workspace=tx.workspace_id, message=message_id))
    if conversation_id is not None:
        await tx.execute(
            *SQL["tell_conversation"](
                workspace=tx.workspace_id,
                conversation=conversation_id,
                outcome=Outcome.CONTINUE.value,
                deflection=public("d", deflection_id),
            )
        )
        tx.wake(f"desk:{tx.workspace_id}")


async def add_fact(
    tx: Tx,
    deflection_id: UUID,
    fact: Fact,
    *,
    at: datetime | None = None,
    detail: dict[str, Any] | None = None,
) -> bool:
    """Add what turned out; False when it was known already."""
    added = await tx.fetchval(
        *SQL["add_fact"](
            workspace=tx.workspace_id,
            deflection=deflection_id,
            fact=fact.value,
            at=at,
            detail=detail or {},
        )
    )
    return added is not None


async def of_message(tx: Tx, message_id: MessageId) -> list[tuple[DeflectionId, Outcome]]:
    """The attempts that rest on this message."""
    rows = await tx.fetch(*SQL["by_message"](workspace=tx.workspace_id, message=message_id))
    return [(row["deflection_id"], Outcome(row["outcome"])) for row in rows]

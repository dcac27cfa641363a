"""A call explained: what was asked, what was seen, what was decided and what became of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from ivr_bridge.documents import MAX_CALL_ID
from ivr_bridge.outcome import Reason


class CallAsked(BaseModel):
    """Which call to explain. In a body, because some PBXes put the caller's number into its id."""

    call_id: str = Field(min_length=1, max_length=MAX_CALL_ID)
    line: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Name or number; needed where several lines have a call of this id."""


class LineTold(BaseModel):
    """The line that was called."""

    name: str
    title: str
    number: str | None


class EventTold(BaseModel):
    """One report of the IVR: when it happened, and when we heard of it."""

    event: str
    at: datetime
    recorded_at: datetime
    attempt: int | None
    voice_wait_s: int | None
    queue_position: int | None


class CallTold(BaseModel):
    """The call itself."""

    call_id: str
    line: LineTold
    caller: str | None
    """Masked unless the asker may see numbers; null when it was withheld."""
    first_seen_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    events: Sequence[EventTold]


class EvidenceTold(BaseModel):
    """What was known about the number on the channel when the rules were asked."""

    state: Literal["confirmed", "unreachable", "unknown"]
    source: str | None
    """A status, the caller's own message, or the provider's code of a refusal."""
    at: datetime | None
    age_s: int | None
    """How old it was at the time."""


class ShadowTold(BaseModel):
    """What a candidate policy would have said, beside the one that decided."""

    policy: str
    reason: Reason
    refused_by: str | None
    rules: Sequence[Mapping[str, Any]]


class EligibilityTold(BaseModel):
    """An answer before the offer."""

    at: datetime
    attempt: int | None
    action: Literal["offer", "continue"]
    reason: Reason
    refused_by: str | None
    variant: Literal["treat", "hold_out"]
    channel: str | None
    asked: Mapping[str, Any]
    evidence: EvidenceTold
    rules: Sequence[Mapping[str, Any]]
    took_ms: int | None
    shadow: ShadowTold | None


class TransitionTold(BaseModel):
    """One report about a message: when it happened by the provider's clock, and when we knew."""

    status: str
    source: str
    at: datetime
    recorded_at: datetime
    failed_class: str | None
    failed_code: str | None


class MessageTold(BaseModel):
    """An opening and how it travelled."""

    message_id: str
    part: Literal["opening", "first_opening", "earlier_opening"]
    """Its own, one that failed before it on another channel, or an earlier attempt's."""
    channel: str
    account: str
    status: str
    failed_class: str | None
    failed_code: str | None
    transitions: Sequence[TransitionTold]


class TimingsTold(BaseModel):
    """When things happened, by our own clock."""

    received_at: datetime | None
    begun_at: datetime
    sending_at: datetime | None
    accepted_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None
    decided_at: datetime | None
    elapsed_ms: int | None
    """From receipt to the decision."""


class OutcomeTold(BaseModel):
    """What the IVR was told."""

    action: Literal["pending", "hangup", "continue"]
    reason: Reason | None
    refused_by: str | None
    evidence: str | None
    decided_by: str | None


class FactTold(BaseModel):
    """What turned out later."""

    fact: str
    at: datetime
    detail: Mapping[str, Any]


class DeflectionTold(BaseModel):
    """One attempt to move the call."""

    deflection_id: str
    attempt: int
    asked: Mapping[str, Any]
    consent: Mapping[str, Any]
    evidence: EvidenceTold
    rules: Sequence[Mapping[str, Any]]
    confirm: str
    grace_ms: int
    polled: bool
    channel: str | None
    chat_wait_s: int | None
    resumed: bool
    crossed_over: bool
    """The caller had been held out before the offer and came all the same."""
    timings: TimingsTold
    messages: Sequence[MessageTold]
    outcome: OutcomeTold
    facts: Sequence[FactTold]


class RescueTold(BaseModel):
    """What the stranded caller got."""

    deflection_id: str
    kind: str
    reason: str
    at: datetime
    fell_back_at: datetime | None
    closed_at: datetime | None
    closed_reason: str | None


class RepeatCallTold(BaseModel):
    """The same caller, back within the line's window."""

    call_id: str
    line: str
    at: datetime


class Explanation(BaseModel):
    """Everything that decided about a call, and everything that came of it."""

    call: CallTold
    eligibility: Sequence[EligibilityTold]
    deflections: Sequence[DeflectionTold]
    rescue: RescueTold | None
    repeat_calls: Sequence[RepeatCallTold]

"""What each number means, in words that stand beside it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a report."""

    name: str
    title: str
    unit: str | None = None
    definition: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A report's name, meaning and columns."""

    name: str
    title: str
    text: str
    columns: Sequence[Column]
    groups: frozenset[str]
    """What its rows may be grouped by."""


VOICE_TO_CHAT = Definition(
    "voice-to-chat",
    "Voice-to-chat share",
    "Calls that ended after an executed hang-up and whose caller wrote within 24 hours, divided by "
    "the calls that could be offered a messenger. A hang-up is executed when the call ended and no "
    "person answered it afterwards; without word from the IVR it is unconfirmed and not counted.",
    (
        Column("day", "Day", "date"),
        Column("line", "Line"),
        Column("eligible", "Eligible calls", "calls", "Calls that an offer could be made to."),
        Column("deflected", "Moved to chat", "calls", "Executed hang-up, first message within 24 hours."),
        Column("deflected_30min", "Moved within 30 min", "calls", "First message within 30 minutes."),
        Column("unconfirmed", "Unconfirmed", "calls", "Told to hang up; the IVR never said how the call ended."),
        Column("hung_up_silent", "Hung up, never wrote", "calls", "Executed hang-up and no message within 24 hours."),
        Column("share", "Share", "share", "Moved to chat divided by eligible calls."),
    ),
    frozenset({"day", "line"}),
)  # fmt: skip

FUNNEL = Definition(
    "deflection-funnel",
    "Deflection funnel",
    "Distinct calls by the furthest step they reached; each step is part of the one before. Hang-ups "
    "that the IVR did not confirm are included here.",
    (
        Column("step", "Step"),
        Column("count", "Calls", "calls", "Calls that reached this step."),
        Column("of_previous", "Of the step before", "share"),
        Column("of_first", "Of all calls", "share"),
        Column("dropped", "Dropped before this step", None, "Why calls of the step before went no further."),
    ),
    frozenset(),
)  # fmt: skip

DEFLECTIONS = Definition(
    "deflections",
    "Deflections",
    "One row an attempt to move a call, so that every number can be traced to what it counts.",
    (
        Column("deflection_id", "Deflection"),
        Column("at", "At", "time"),
        Column("line", "Line"),
        Column("call_id", "Call"),
        Column("outcome", "Outcome"),
        Column("reason", "Reason"),
        Column("channel", "Channel"),
        Column("delivery", "Delivery"),
        Column("first_message_at", "First message", "time"),
        Column("hangup_confirmed", "Hang-up confirmed"),
        Column("late", "Late"),
        Column("rescued", "Rescued"),
    ),
    frozenset(),
)

STEPS = (
    "entered", "eligible", "offered", "accepted", "sent", "delivered", "hung_up", "wrote", "answered",
    "closed",
)  # fmt: skip

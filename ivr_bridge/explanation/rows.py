"""A call's rows in the words of its explanation."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.ids import public
from core.postgres import Record
from core.vocabulary import mask
from ivr_bridge.callers import without
from ivr_bridge.explanation.documents import (
    CallTold,
    DeflectionTold,
    EligibilityTold,
    EventTold,
    EvidenceTold,
    FactTold,
    LineTold,
    MessageTold,
    OutcomeTold,
    RescueTold,
    ShadowTold,
    TimingsTold,
)
from ivr_bridge.policy import Saw

_LONGEST_PLAIN = 4
"""Keyed digits longer than a menu's may be a number or a code."""


def call(row: Record, events: Sequence[Record], *, shown: bool, hidden: str | None) -> CallTold:
    """The call and what its IVR reported; `hidden` is the number that its id must not tell."""
    caller = row["caller"]
    return CallTold(
        call_id=without(row["call_id"], hidden),
        line=LineTold(name=row["line_name"], title=row["line_title"], number=row["line_number"]),
        caller=caller if shown or caller is None else mask(caller),
        first_seen_at=row["first_seen_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        events=[EventTold.model_validate(dict(event)) for event in events],
    )


def eligibility(row: Record) -> EligibilityTold:
    """One answer before an offer."""
    return EligibilityTold(
        at=row["at"],
        attempt=row["attempt"],
        action=row["action"],
        reason=row["reason"],
        refused_by=_refused_by(row["trace"]),
        variant=row["arm"],
        channel=row["channel"],
        asked=_asked(row["asked"]),
        evidence=_evidence(row, row["at"]),
        rules=row["trace"],
        took_ms=row["took_ms"],
        shadow=_shadow(row),
    )


def _shadow(row: Record) -> ShadowTold | None:
    if row["shadow_reason"] is None:
        return None
    return ShadowTold(
        policy=row["shadow_policy"],
        reason=row["shadow_reason"],
        refused_by=_refused_by(row["shadow_trace"] or ()),
        rules=row["shadow_trace"] or (),
    )


def deflection(
    row: Record, messages: Mapping[UUID, MessageTold], facts: Sequence[Record]
) -> DeflectionTold:
    """One attempt, with its messages and what turned out later."""
    travelled = [
        messages[row[column]].model_copy(update={"part": part})
        for column, part in _PARTS
        if row[column] in messages
    ]
    return DeflectionTold(
        deflection_id=public("d", row["deflection_id"]),
        attempt=row["attempt"],
        asked=_asked(row["asked"]),
        consent=row["consent"],
        evidence=_evidence(row, row["created_at"]),
        rules=row["trace"],
        confirm=row["confirm"],
        grace_ms=row["grace_ms"],
        polled=row["can_poll"],
        channel=row["channel"],
        chat_wait_s=row["chat_wait_s"],
        resumed=row["resumed"],
        crossed_over=row["crossed_over"],
        timings=_timings(row, travelled),
        messages=travelled,
        outcome=OutcomeTold(
            action=row["outcome"],
            reason=row["reason"],
            refused_by=_refused_by(row["trace"]),
            evidence=row["proof"],
            decided_by=row["decided_by"],
        ),
        facts=[
            FactTold(fact=fact["fact"], at=fact["at"], detail=fact["detail"])
            for fact in facts
            if fact["deflection_id"] == row["deflection_id"]
        ],
    )


_PARTS = (
    ("first_message_id", "first_opening"),
    ("message_id", "opening"),
    ("answers_for", "earlier_opening"),
)


def _timings(row: Record, travelled: Sequence[MessageTold]) -> TimingsTold:
    began_ms, begun_at = row["began_ms"], row["created_at"]
    received_at = None if began_ms is None else begun_at - timedelta(milliseconds=began_ms)
    known = travelled[-1].transitions if travelled else ()

    def first(*statuses: str) -> datetime | None:
        return min((each.recorded_at for each in known if each.status in statuses), default=None)

    decided_at = row["decided_at"]
    return TimingsTold(
        received_at=received_at,
        begun_at=begun_at,
        sending_at=first("sending"),
        accepted_at=first("accepted"),
        sent_at=first("sent"),
        delivered_at=first("delivered", "read"),
        failed_at=first("failed"),
        decided_at=decided_at,
        elapsed_ms=None
        if received_at is None or decided_at is None
        else round((decided_at - received_at).total_seconds() * 1000),
    )


def rescue(row: Record) -> RescueTold:
    """What the stranded caller got."""
    return RescueTold(
        deflection_id=public("d", row["deflection_id"]),
        kind=row["kind"],
        reason=row["reason"],
        at=row["at"],
        fell_back_at=row["fell_back_at"],
        closed_at=row["closed_at"],
        closed_reason=row["closed_reason"],
    )


def _evidence(row: Record, asked_at: datetime) -> EvidenceTold:
    at = row["evidence_at"]
    return EvidenceTold(
        state=row["reachability"],
        source=row["evidence_source"],
        at=at,
        age_s=None if at is None else max(0, round((asked_at - at).total_seconds())),
    )


def _refused_by(trace: Sequence[Mapping[str, Any]]) -> str | None:
    return next((str(each["rule"]) for each in trace if each.get("saw") == Saw.REFUSED), None)


def _asked(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    digits = asked.get("digits")
    if isinstance(digits, str) and len(digits) > _LONGEST_PLAIN:
        return {**asked, "digits": mask(digits)}
    return asked

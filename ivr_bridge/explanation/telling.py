"""Read a call's rows and tell them in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from core.access import audit
from core.faults import NotFound, Refused
from core.ids import CallRef, DeflectionId, LineId, WorkspaceId, public
from core.postgres import Database, Record, Tx
from core.queries import load
from core.vocabulary import mask
from ivr_bridge.calls import key_of
from ivr_bridge.explanation.documents import (
    CallTold,
    DeflectionTold,
    EligibilityTold,
    EventTold,
    EvidenceTold,
    Explanation,
    FactTold,
    LineTold,
    MessageTold,
    OutcomeTold,
    RepeatCallTold,
    RescueTold,
    ShadowTold,
    TimingsTold,
    TransitionTold,
)
from ivr_bridge.lines import Lines
from ivr_bridge.policy import Saw

SQL = load(Path(__file__).with_name("explanation.sql"))

_LONGEST_PLAIN = 4
"""Keyed digits longer than a menu's may be a number or a code."""


class CallUnknown(NotFound, code="call_unknown"):
    """There is no such call on a line of yours."""


class SeveralCalls(Refused, code="several_calls"):
    """Calls of this id came in on several lines: name the line."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants to know, and what they may see."""

    workspace_id: WorkspaceId
    lines: Sequence[str] = ()
    """Only calls on these; none means any."""
    sees_numbers: bool = False
    kind: str = "key"
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Explanations:
    """Explains calls to whoever may know."""

    database: Database
    lines: Lines

    async def of_deflection(self, asker: Asker, deflection_id: DeflectionId) -> Explanation:
        """The call that this attempt belongs to; raises CallUnknown."""
        allowed = await self._lines_of(asker)
        async with self.database.workspace(asker.workspace_id) as tx:
            row = await tx.fetchrow(
                *SQL["call_of_deflection"](workspace=tx.workspace_id, deflection=deflection_id)
            )
            if row is None or row["line_id"] not in allowed:
                raise CallUnknown
            return await self._tell(tx, asker, CallRef(row["call_ref"]))

    async def of_call(self, asker: Asker, call_id: str, line: str | None) -> Explanation:
        """The call of this id; raises CallUnknown, SeveralCalls."""
        allowed = await self._lines_of(asker)
        if line is not None:
            wanted = await self.lines.find(asker.workspace_id, line)
            allowed &= frozenset() if wanted is None else {wanted.line_id}
        async with self.database.workspace(asker.workspace_id) as tx:
            rows = await tx.fetch(
                *SQL["calls_named"](workspace=tx.workspace_id, call_id=key_of(call_id))
            )
            found = [CallRef(row["call_ref"]) for row in rows if row["line_id"] in allowed]
            if not found:
                raise CallUnknown
            if len(found) > 1:
                raise SeveralCalls
            return await self._tell(tx, asker, found[0])

    async def _lines_of(self, asker: Asker) -> frozenset[LineId]:
        every = await self.lines.everything(asker.workspace_id)
        return frozenset(line.line_id for line in every if line.opens_to(asker.lines))

    async def _tell(self, tx: Tx, asker: Asker, call_ref: CallRef) -> Explanation:
        if asker.kind != "key":
            # Who looks into a caller's history is on record; the IVR's own key only sees its calls.
            await audit.note(
                tx,
                action="call.explained",
                actor_kind=asker.kind,
                actor_id=asker.name,
                subject=str(call_ref),
                facts={"number_shown": asker.sees_numbers},
            )
        named: dict[str, Any] = {"workspace": tx.workspace_id, "call_ref": call_ref}
        call = await tx.fetchrow(*SQL["call"](**named))
        assert call is not None, "it was found in this transaction"  # noqa: S101
        attempts = await tx.fetch(*SQL["deflections"](**named))
        messages = await _messages(tx, attempts)
        facts = await tx.fetch(
            *SQL["facts"](
                workspace=tx.workspace_id, deflections=[row["deflection_id"] for row in attempts]
            )
        )
        rescue = await tx.fetchrow(*SQL["rescue"](**named))
        return Explanation(
            call=_call(call, await tx.fetch(*SQL["events"](**named)), shown=asker.sees_numbers),
            eligibility=[
                _eligibility(row) for row in await tx.fetch(*SQL["eligibilities"](**named))
            ],
            deflections=[_deflection(row, messages, facts) for row in attempts],
            rescue=None if rescue is None else _rescue(rescue),
            repeat_calls=await _repeat_calls(tx, call, call_ref),
        )


async def _messages(tx: Tx, attempts: Sequence[Record]) -> Mapping[UUID, MessageTold]:
    ids = {
        row[column]
        for row in attempts
        for column in ("first_message_id", "message_id", "answers_for")
        if row[column] is not None
    }
    values: dict[str, Any] = {"workspace": tx.workspace_id, "messages": list(ids)}
    if not ids:
        return {}
    told: dict[UUID, list[TransitionTold]] = {}
    for row in await tx.fetch(*SQL["transitions"](**values)):
        told.setdefault(row["message_id"], []).append(TransitionTold.model_validate(dict(row)))
    return {
        row["message_id"]: MessageTold(
            message_id=str(row["message_id"]),
            part="opening",
            channel=row["channel"],
            account=row["account"],
            status=row["status"],
            failed_class=row["failed_class"],
            failed_code=row["failed_code"],
            transitions=told.get(row["message_id"], []),
        )
        for row in await tx.fetch(*SQL["messages"](**values))
    }


async def _repeat_calls(tx: Tx, call: Record, call_ref: CallRef) -> list[RepeatCallTold]:
    rows = await tx.fetch(
        *SQL["repeat_calls"](
            workspace=tx.workspace_id,
            caller=call["caller"],
            after=call["first_seen_at"],
            within_s=call["repeat_call_s"],
            call_ref=call_ref,
        )
    )
    return [RepeatCallTold.model_validate(dict(row)) for row in rows]


def _call(row: Record, events: Sequence[Record], *, shown: bool) -> CallTold:
    caller = row["caller"]
    return CallTold(
        call_id=row["call_id"],
        line=LineTold(name=row["line_name"], title=row["line_title"], number=row["line_number"]),
        caller=caller if shown or caller is None else mask(caller),
        first_seen_at=row["first_seen_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        events=[EventTold.model_validate(dict(event)) for event in events],
    )


def _eligibility(row: Record) -> EligibilityTold:
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


def _deflection(
    row: Record, messages: Mapping[UUID, MessageTold], facts: Sequence[Record]
) -> DeflectionTold:
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


def _rescue(row: Record) -> RescueTold:
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

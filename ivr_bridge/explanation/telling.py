"""Read a call's rows and tell them in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from core.access import audit
from core.faults import NotFound, Refused
from core.ids import CallRef, DeflectionId, LineId, WorkspaceId
from core.postgres import Database, Record, Tx
from core.queries import load
from ivr_bridge.callers import without
from ivr_bridge.calls import key_of
from ivr_bridge.explanation import rows
from ivr_bridge.explanation.documents import (
    Explanation,
    MessageTold,
    RepeatCallTold,
    TransitionTold,
)
from ivr_bridge.lines import Lines

SQL = load(Path(__file__).with_name("explanation.sql"))


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
            return await self._tell(tx, asker, CallRef(row["call_ref"]), allowed)

    async def of_call(self, asker: Asker, call_id: str, line: str | None) -> Explanation:
        """The call of this id; raises CallUnknown, SeveralCalls."""
        allowed = everywhere = await self._lines_of(asker)
        if line is not None:
            wanted = await self.lines.find(asker.workspace_id, line)
            allowed &= frozenset() if wanted is None else {wanted.line_id}
        async with self.database.workspace(asker.workspace_id) as tx:
            found_rows = await tx.fetch(
                *SQL["calls_named"](workspace=tx.workspace_id, call_id=key_of(call_id))
            )
            found = [CallRef(row["call_ref"]) for row in found_rows if row["line_id"] in allowed]
            if not found:
                raise CallUnknown
            if len(found) > 1:
                raise SeveralCalls
            return await self._tell(tx, asker, found[0], everywhere)

    async def _lines_of(self, asker: Asker) -> frozenset[LineId]:
        every = await self.lines.everything(asker.workspace_id)
        return frozenset(line.line_id for line in every if line.opens_to(asker.lines))

    async def _tell(
        self, tx: Tx, asker: Asker, call_ref: CallRef, lines: frozenset[LineId]
    ) -> Explanation:
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
        # An IVR knows its own ids; a person who may not see numbers is not to read them there.
        hidden = None if asker.sees_numbers or asker.kind == "key" else call["caller"]
        attempts = await tx.fetch(*SQL["deflections"](**named))
        messages = await _messages(tx, attempts)
        facts = await tx.fetch(
            *SQL["facts"](
                workspace=tx.workspace_id, deflections=[row["deflection_id"] for row in attempts]
            )
        )
        rescue = await tx.fetchrow(*SQL["rescue"](**named))
        return Explanation(
            call=rows.call(
                call,
                await tx.fetch(*SQL["events"](**named)),
                shown=asker.sees_numbers,
                hidden=hidden,
            ),
            eligibility=[
                rows.eligibility(row) for row in await tx.fetch(*SQL["eligibilities"](**named))
            ],
            deflections=[rows.deflection(row, messages, facts) for row in attempts],
            rescue=None if rescue is None else rows.rescue(rescue),
            repeat_calls=await _repeat_calls(tx, call, call_ref, lines, hidden),
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


async def _repeat_calls(
    tx: Tx, call: Record, call_ref: CallRef, lines: frozenset[LineId], hidden: str | None
) -> list[RepeatCallTold]:
    later = await tx.fetch(
        *SQL["repeat_calls"](
            workspace=tx.workspace_id,
            caller=call["caller"],
            after=call["first_seen_at"],
            within_s=call["repeat_call_s"],
            call_ref=call_ref,
            lines=list(lines),
        )
    )
    return [
        RepeatCallTold(call_id=without(row["call_id"], hidden), line=row["line"], at=row["at"])
        for row in later
    ]

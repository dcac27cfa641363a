"""The rows behind the figures: one an attempt to move a call."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from core.faults import Invalid
from core.ids import public
from core.postgres import Tx
from core.queries import load
from ivr_bridge.callers import without
from ivr_bridge.progress import state_word
from ivr_bridge.reports.table import Column, Question, Row, Table, Unit

SQL = load(Path(__file__).with_name("deflections.sql"))

MOST_ROWS = 50_000
"""More would keep the process that writes them busy for too long, and nobody reads them."""

_COLUMNS = (
    Column("deflection_id", Unit.TEXT),
    Column("at", Unit.TIME),
    Column("line", Unit.TEXT),
    Column("call_id", Unit.TEXT),
    Column("outcome", Unit.TEXT),
    Column("reason", Unit.TEXT),
    Column("channel", Unit.TEXT),
    Column("delivery", Unit.TEXT),
    Column("first_message_at", Unit.TIME),
    Column("hangup_confirmed", Unit.YES_NO),
    Column("late", Unit.YES_NO),
    Column("rescued", Unit.YES_NO),
    Column("counts_as", Unit.TEXT),
)


class TooManyRows(Invalid, code="report_too_long"):
    """These are more rows than one report holds: choose a shorter period, or one line."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, with what the call is counted as."""

    deflection_id: UUID
    at: datetime
    line_id: UUID
    call_id: str
    caller: str | None
    outcome: str
    reason: str | None
    channel: str | None
    status: str | None
    failed_class: str | None
    first_message_at: datetime | None
    late: bool
    rescued: bool
    hangup_confirmed: bool | None
    counts_as: str


async def deflections(tx: Tx, question: Question) -> Table:
    """In the order of time; raises TooManyRows."""
    rows = await tx.fetch(
        *SQL["deflections"](
            workspace=tx.workspace_id,
            since=question.period.since,
            until=question.period.until,
            lines=[line.line_id for line in question.lines],
            most=MOST_ROWS + 1,
        )
    )
    if len(rows) > MOST_ROWS:
        raise TooManyRows
    attempts = [Attempt(**row) for row in rows]
    return Table(_COLUMNS, [_row(each, question) for each in attempts], {"count": len(attempts)})


def _row(attempt: Attempt, question: Question) -> Row:
    hidden = None if question.see_phone else attempt.caller
    return {
        "deflection_id": public("d", attempt.deflection_id),
        "at": attempt.at,
        "line": question.labels[attempt.line_id],
        "call_id": without(attempt.call_id, hidden),
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "channel": attempt.channel,
        "delivery": state_word(attempt.status, attempt.failed_class),
        "first_message_at": attempt.first_message_at,
        "hangup_confirmed": attempt.hangup_confirmed,
        "late": attempt.late,
        "rescued": attempt.rescued,
        "counts_as": attempt.counts_as,
    }

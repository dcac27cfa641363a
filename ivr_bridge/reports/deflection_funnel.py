"""How far callers came on the way from the call to the closed chat, and where the others went."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.postgres import Tx
from core.queries import load
from ivr_bridge.reports.table import Column, Question, Row, Table, Unit, share

SQL = load(Path(__file__).with_name("deflection_funnel.sql"))

STEPS = (
    "entered",
    "eligible",
    "offered",
    "accepted",
    "sent",
    "delivered",
    "hung_up",
    "wrote",
    "answered",
    "closed",
)

_COLUMNS = (
    Column("step", Unit.TEXT),
    Column("count", Unit.CALLS),
    Column("of_previous", Unit.SHARE),
    Column("of_first", Unit.SHARE),
    Column("dropped", Unit.REASONS),
)


@dataclass(frozen=True, slots=True)
class Stopped:
    """Calls whose last step this was, and why; no reason at the end of the way."""

    step: int
    reason: str | None
    calls: int


async def deflection_funnel(tx: Tx, question: Question) -> Table:
    """One row a step, with those who did not take it."""
    rows = await tx.fetch(
        *SQL["deflection_funnel"](
            workspace=tx.workspace_id,
            since=question.period.since,
            until=question.period.until,
            lines=[line.line_id for line in question.lines],
        )
    )
    return Table(_COLUMNS, steps([Stopped(**row) for row in rows]), {})


def steps(stopped: Sequence[Stopped]) -> list[Row]:
    """From "how many went no further" to "how many came at least this far"."""
    ended: dict[int, list[Stopped]] = defaultdict(list)
    for each in stopped:
        ended[each.step].append(each)
    first = previous = sum(each.calls for each in stopped)
    rows: list[Row] = []
    for number, step in enumerate(STEPS, start=1):
        lost = ended[number - 1]
        count = previous - sum(each.calls for each in lost)
        rows.append(
            {
                "step": step,
                "count": count,
                "of_previous": share(count, previous) if rows else None,
                "of_first": share(count, first),
                "dropped": [{"reason": each.reason, "count": each.calls} for each in lost],
            }
        )
        previous = count
    return rows

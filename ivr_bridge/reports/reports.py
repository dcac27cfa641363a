"""From the rows of calls, messages and conversations to the numbers a manager defends."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from core.access.workspaces import workspace
from core.clock import Clock
from core.faults import Invalid, NotFound
from core.ids import WorkspaceId, public
from core.postgres import Database, Tx
from core.queries import load
from ivr_bridge.lines import all_lines
from ivr_bridge.reports.definitions import DEFLECTIONS, FUNNEL, STEPS, VOICE_TO_CHAT, Definition
from ivr_bridge.reports.period import Period
from ivr_bridge.reports.table import Report, Row

_HERE = Path(__file__).parent
SQL = {
    **load(_HERE / "voice_to_chat.sql"),
    **load(_HERE / "deflection_funnel.sql"),
    **load(_HERE / "deflections.sql"),
}
_COUNTS = ("eligible", "deflected", "deflected_30min", "unconfirmed", "hung_up_silent")


class ReportUnknown(NotFound, code="report_unknown"):
    """There is no report with this name."""


class LineUnknown(Invalid, code="invalid_request"):
    """There is no line with this name, title or number."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Ask for a report by name."""

    database: Database
    clock: Clock

    async def make(self, workspace_id: WorkspaceId, name: str, query: Mapping[str, str]) -> Report:
        """The report for this query; raises ReportUnknown, Invalid."""
        if name not in _MAKERS:
            raise ReportUnknown
        now = self.clock()
        async with self.database.workspace(workspace_id, read_only=True) as tx:
            period = Period.read(query, (await workspace(tx)).zone, now)
            values = {
                "workspace": workspace_id,
                "from_at": period.from_at,
                "to_at": period.to_at,
                "line": await _line(tx, query.get("line")),
            }
            return await _MAKERS[name](tx, values, period, query, now)


async def _voice_to_chat(
    tx: Tx, values: Mapping[str, Any], period: Period, query: Mapping[str, str], now: datetime
) -> Report:
    groups = _groups(query, VOICE_TO_CHAT)
    rows = await tx.fetch(
        *SQL["voice_to_chat"](
            **values,
            timezone=period.zone.key,
            by_day="day" in groups,
            by_line="line" in groups,
        )
    )
    counted = [_shared(dict(row)) for row in rows]
    if groups == ("day",):
        counted = _every_day(counted, period)
    shown = [
        {
            name: value
            for name, value in row.items()
            if name not in VOICE_TO_CHAT.groups or name in groups
        }
        for row in counted
    ]
    total = _shared({name: sum(row[name] for row in counted) for name in _COUNTS})
    return Report(VOICE_TO_CHAT, period, groups, period.provisional_from(now), shown, total)


async def _funnel(
    tx: Tx, values: Mapping[str, Any], period: Period, query: Mapping[str, str], now: datetime
) -> Report:
    del query
    stopped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in await tx.fetch(*SQL["deflection_funnel"](**values)):
        stopped[row["step"]].append({"reason": row["reason"], "count": row["calls"]})
    return Report(FUNNEL, period, (), period.provisional_from(now), funnel_rows(stopped), None)


async def _deflections(
    tx: Tx, values: Mapping[str, Any], period: Period, query: Mapping[str, str], now: datetime
) -> Report:
    del query
    rows = [
        {**row, "deflection_id": public("d", row["deflection_id"])}
        for row in await tx.fetch(*SQL["deflections"](**values))
    ]
    return Report(DEFLECTIONS, period, (), period.provisional_from(now), rows, None)


_MAKERS = {
    VOICE_TO_CHAT.name: _voice_to_chat,
    FUNNEL.name: _funnel,
    DEFLECTIONS.name: _deflections,
}


def funnel_rows(stopped: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """From "how many went no further than this" to "how many reached it, and who was lost before"."""
    ended = {step: sum(each["count"] for each in stopped.get(step, ())) for step in STEPS}
    rows: list[Row] = []
    first = sum(ended.values())
    reached = first
    for place, step in enumerate(STEPS):
        before = STEPS[place - 1] if place else None
        previous = rows[-1]["count"] if rows else None
        if before is not None:
            reached -= ended[before]
        rows.append(
            {
                "step": step,
                "count": reached,
                "of_previous": None if not previous else reached / previous,
                "of_first": None if not first else reached / first,
                "dropped": [] if before is None else list(stopped.get(before, ())),
            }
        )
    return rows


def _groups(query: Mapping[str, str], definition: Definition) -> tuple[str, ...]:
    asked = tuple(part.strip() for part in query.get("group_by", "day").split(",") if part.strip())
    if not asked or len(set(asked)) < len(asked) or not set(asked) <= definition.groups:
        raise Invalid(
            "This report cannot be grouped so.",
            errors=[{"path": "group_by", "message": "day, line, or day,line"}],
        )
    return asked


def _shared(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "share": row["deflected"] / row["eligible"] if row["eligible"] else None}


def _every_day(rows: Sequence[dict[str, Any]], period: Period) -> list[dict[str, Any]]:
    """A day without calls is a day all the same."""
    by_day = {row["day"]: row for row in rows}
    nothing = dict.fromkeys(_COUNTS, 0)
    return [
        by_day.get(day) or {"day": day, "line": None, **nothing, "share": None}
        for day in period.days()
    ]


async def _line(tx: Tx, text: str | None) -> UUID | None:
    if not text:
        return None
    for line in await all_lines(tx):
        if text in {line.name, line.title, *line.numbers}:
            return line.line_id
    raise LineUnknown(
        errors=[{"path": "line", "message": "no line has this name, title or number"}]
    )

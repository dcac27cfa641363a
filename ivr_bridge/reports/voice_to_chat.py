"""The share of callers who moved to chat, of those who could be offered it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from core.postgres import Tx
from core.queries import load
from ivr_bridge.reports.table import Column, Question, Row, Table, Unit, share

SQL = load(Path(__file__).with_name("voice_to_chat.sql"))

GROUPS: tuple[tuple[str, ...], ...] = (("day",), ("line",), ("day", "line"))

_GROUP_UNITS = {"day": Unit.DAY, "line": Unit.TEXT}
_FIGURES = ("eligible", "deflected", "deflected_30min", "unconfirmed", "hung_up_silent")


@dataclass(frozen=True, slots=True)
class Counted:
    """The calls of one day and line."""

    day: int
    line_id: UUID
    eligible: int
    deflected: int
    deflected_30min: int
    unconfirmed: int
    hung_up_silent: int


async def voice_to_chat(tx: Tx, question: Question) -> Table:
    """By day, by line, or both; days and lines without calls are rows too."""
    period = question.period
    rows = await tx.fetch(
        *SQL["voice_to_chat"](
            workspace=tx.workspace_id,
            edges=period.edges,
            since=period.since,
            until=period.until,
            lines=[line.line_id for line in question.lines],
        )
    )
    counted = [Counted(**row) for row in rows]
    return Table(
        columns=(
            *(Column(name, _GROUP_UNITS[name]) for name in question.group_by),
            *(Column(name, Unit.CALLS) for name in _FIGURES),
            Column("share", Unit.SHARE),
        ),
        rows=_grouped(question, counted),
        total=_summed(counted),
    )


def _grouped(question: Question, counted: Iterable[Counted]) -> list[Row]:
    days = [(n, day) for n, day in enumerate(question.period.days, start=1)]
    groups: dict[tuple[object, ...], list[Counted]] = {}
    names: dict[tuple[object, ...], Row] = {}
    by_day, by_line = ("day" in question.group_by), ("line" in question.group_by)
    for number, day in days if by_day else [(None, None)]:
        for line in question.lines if by_line else [None]:
            key = (number, None if line is None else line.line_id)
            groups[key] = []
            names[key] = {
                **({"day": day} if by_day else {}),
                **({} if line is None else {"line": question.labels[line.line_id]}),
            }
    for each in counted:
        groups[each.day if by_day else None, each.line_id if by_line else None].append(each)
    return [{**names[key], **_summed(members)} for key, members in groups.items()]


def _summed(counted: Iterable[Counted]) -> Row:
    members = [asdict(each) for each in counted]
    sums = {name: sum(each[name] for each in members) for name in _FIGURES}
    return {**sums, "share": share(sums["deflected"], sums["eligible"])}

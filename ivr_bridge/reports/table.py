"""A report before it is written down in some format."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from ivr_bridge.line import Line
from ivr_bridge.reports.periods import Period


class Unit(StrEnum):
    """What the values of a column are."""

    DAY = "day"
    TEXT = "text"
    CALLS = "calls"
    SHARE = "share"
    TIME = "time"
    YES_NO = "yes_no"
    REASONS = "reasons"
    AMOUNT = "amount"
    """Minutes or money."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a report."""

    name: str
    unit: Unit


Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, rows, and what they add up to."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    total: Row


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a report, checked."""

    period: Period
    group_by: Sequence[str]
    lines: Sequence[Line]
    """Those that were asked for and may be seen."""
    labels: Mapping[UUID, str]
    """What each line of the workspace is called in reports."""
    see_phone: bool


def labels(lines: Sequence[Line]) -> Mapping[UUID, str]:
    """A line's title; with its name, where several lines have the same title."""
    titles = Counter(line.title for line in lines)
    return {
        line.line_id: line.title if titles[line.title] == 1 else f"{line.title} ({line.name})"
        for line in lines
    }


def share(part: int, whole: int) -> float | None:
    """Part of the whole, when there is a whole."""
    return part / whole if whole else None


def shown(value: object) -> object:
    """A value as JSON and CSV show it: times in UTC with milliseconds."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    return value

"""Which days a report covers, in the workspace's own time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from core.faults import Invalid

LONGEST = timedelta(days=400)
PROVISIONAL_FOR = timedelta(hours=24)
"""A caller may still write for so long: the numbers of these days are not final."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, the last one included."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def read(cls, query: Mapping[str, str], zone: ZoneInfo, now: datetime) -> Self:
        """`from` and `to` of a query, by default the last seven days; raises Invalid."""
        today = now.astimezone(zone).date()
        last = _day(query, "to") or today
        first = _day(query, "from") or last - timedelta(days=6)
        if first > last:
            raise Invalid(
                "The period ends before it begins.",
                errors=[{"path": "from", "message": "must not be after `to`"}],
            )
        if last - first > LONGEST:
            raise Invalid(
                "The period is too long.",
                errors=[{"path": "from", "message": "at most 400 days before `to`"}],
            )
        return cls(first, last, zone)

    @property
    def from_at(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def to_at(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)

    def days(self) -> Iterator[date]:
        """Each day."""
        for offset in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=offset)

    def provisional_from(self, now: datetime) -> date | None:
        """The first day whose callers may still write, if it is in the period."""
        open_since = (now - PROVISIONAL_FOR).astimezone(self.zone).date()
        return max(open_since, self.first) if open_since <= self.last else None


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise Invalid(
            "A day is written 2026-01-31.",
            errors=[{"path": name, "message": "write it as 2026-01-31"}],
        ) from wrong

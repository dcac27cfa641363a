"""Days as the workspace knows them, and the moments at which they begin."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.faults import Invalid

MOST_DAYS = 400
UNASKED_DAYS = 7
SETTLES_AFTER = timedelta(hours=24)
"""For so long a deflected caller may still write, so until then a figure can rise."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EARLIEST, _LATEST = date(2000, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, both ends included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def days(self) -> list[date]:
        """Each of them."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def edges(self) -> list[datetime]:
        """The first moment of each day, and of the day after the last."""
        return [self._begin(day) for day in [*self.days, self.last + timedelta(days=1)]]

    @property
    def since(self) -> datetime:
        """Its first moment."""
        return self._begin(self.first)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return self._begin(self.last + timedelta(days=1))

    def provisional_from(self, now: datetime) -> date | None:
        """The first of its days whose figures may still rise."""
        moment = (now - SETTLES_AFTER).astimezone(self.zone).date()
        return None if moment > self.last else max(moment, self.first)

    def _begin(self, day: date) -> datetime:
        # Where the clocks skip midnight, this is the moment of the skip; where midnight comes
        # twice, the first.
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def period(first: str | None, last: str | None, zone: ZoneInfo, now: datetime) -> Period:
    """The days asked for; unasked, the last seven. Raises Invalid, saying which date and why."""
    until = now.astimezone(zone).date() if not last else _day("to", last)
    since = until - timedelta(days=UNASKED_DAYS - 1) if not first else _day("from", first)
    if since > until:
        raise _wrong("from", "from is after to: swap them.")
    if (until - since).days >= MOST_DAYS:
        raise _wrong("to", f"A report spans {MOST_DAYS} days at most: choose a shorter period.")
    return Period(since, until, zone)


def _day(name: str, text: str) -> date:
    # Checked by form as well: fromisoformat also takes weeks and days without dashes.
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not _EARLIEST <= found <= _LATEST:
        raise _wrong(name, f"{name} is a day of this or a neighbouring century: 2026-01-31.")
    return found


def _wrong(name: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"path": name, "message": message}])

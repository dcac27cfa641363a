"""When a record's call began and ended: in the PBX's time zone, the hour that comes twice included."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{13}|\d{16}")
_LONG_AGO, _NEVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_NO_TIME = frozenset({"", "0", "null", "none", "\\n", "0000-00-00 00:00:00"})
# As spreadsheets of this part of the world write it.
_DOTTED = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%Y/%m/%d %H:%M:%S")


class BadTime(ValueError):
    """A time that cannot be read, or one that no call can have."""


@dataclass(frozen=True, slots=True)
class Span:
    """A call's moments as far as its record tells them."""

    started: datetime
    answered: datetime | None
    ended: datetime | None


def span(
    started: str,
    answered: str,
    ended: str,
    *,
    duration_s: float | None,
    zone: tzinfo,
    began: datetime | None = None,
) -> Span:
    """The three moments; what the clock shows twice a year is settled by what else is known.

    `began` is a moment that the call's id carries, `duration_s` the record's own; raises BadTime.
    """
    start = _read(started)
    if start is None:
        raise BadTime("no time")
    end = _read(ended)
    starts = tuple(_possible(start, zone))
    if end is None:
        # Without an id to tell, the earlier of the two hours, as the clock showed it first.
        at = min(starts, key=lambda each: (_apart(each, began), each))
        over = None if duration_s is None else at + timedelta(seconds=duration_s)
        return Span(at, _within(_read(answered), at, over, zone), over)
    at, over = min(
        ((s, e) for s in starts for e in _possible(end, zone)),
        key=lambda pair: (_apart(pair[0], began), _stretch(pair[0], pair[1], duration_s), *pair),
    )
    if over < at:
        raise BadTime("ends before it begins")
    return Span(at, _within(_read(answered), at, over, zone), over)


def _read(text: str) -> datetime | None:
    """A moment with its zone, or what the PBX's clock showed; None where nothing stands."""
    plain = text.strip()
    if plain.lower() in _NO_TIME:
        return None
    if _EPOCH.fullmatch(plain):
        return _from_epoch(plain)
    try:
        return _checked(datetime.fromisoformat(plain))
    except ValueError:
        pass
    for pattern in _DOTTED:
        try:
            return _checked(datetime.strptime(plain, pattern))  # noqa: DTZ007 - the zone comes after
        except ValueError:
            continue
    raise BadTime(plain)


def _from_epoch(digits: str) -> datetime:
    """Seconds, or FreeSWITCH's milli- and microseconds."""
    scale = {13: 1_000, 16: 1_000_000}.get(len(digits), 1)
    return _checked(datetime.fromtimestamp(float(digits) / scale, UTC))


def _checked(at: datetime) -> datetime:
    if not _LONG_AGO < (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) < _NEVER:
        raise BadTime("a clock that was never set")
    return at


def _possible(at: datetime, zone: tzinfo) -> Iterator[datetime]:
    """The one moment, or two, at which a clock in this zone shows this."""
    if at.tzinfo is not None:
        yield at.astimezone(UTC)
        return
    first = at.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = at.replace(tzinfo=zone, fold=1).astimezone(UTC)
    yield first
    # In spring, `fold=1` of a time that the clock never showed is the earlier one: not a choice.
    if second > first:
        yield second


def _apart(at: datetime, began: datetime | None) -> float:
    return 0.0 if began is None else abs((at - began).total_seconds())


def _stretch(start: datetime, end: datetime, duration_s: float | None) -> float:
    """How far this pair is from what the record says about its length; nothing ends before it begins."""
    length = (end - start).total_seconds()
    if length < 0:
        return float("inf")
    return abs(length - duration_s) if duration_s is not None else length


def _within(
    at: datetime | None, start: datetime, end: datetime | None, zone: tzinfo
) -> datetime | None:
    """The reading of this time that lies inside the call."""
    if at is None:
        return None
    choices = list(_possible(at, zone))
    inside = [each for each in choices if each >= start and (end is None or each <= end)]
    return (inside or choices)[0]

"""A record whose clock and id disagree by hours: which zone was assumed, and which the PBX seems to keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from core.faults import Invalid
from ivr_bridge.cdr.record import Record

_QUARTER_S, _NEAR_S = 15 * 60, 5
"""Zones differ by quarters of an hour; a later record of a call begins anywhere."""


class ZoneDoubtful(Invalid, code="timezone_doubtful"):
    """The times of this file and the moments in its ids are hours apart: say --timezone. Nothing was taken."""


@dataclass(frozen=True, slots=True)
class OtherHours:
    """One such record."""

    number: int
    shown: datetime
    """As the record's clock showed it, in the zone that was assumed."""
    made: datetime
    """When Asterisk made its id."""

    @classmethod
    def of(cls, number: int, record: Record, zone: tzinfo) -> "OtherHours | None":
        """None where the two agree, or differ by something that is no zone's."""
        if record.off_s is None:
            return None
        quarters = round(record.off_s / _QUARTER_S)
        if quarters == 0 or abs(record.off_s - quarters * _QUARTER_S) > _NEAR_S:
            return None
        made = record.started - timedelta(seconds=quarters * _QUARTER_S)
        return cls(number, record.started.astimezone(zone), made)

    def __str__(self) -> str:
        clock = self.shown.replace(tzinfo=UTC) - self.made
        return (
            f"record {self.number} says {self.shown:%Y-%m-%d %H:%M}, taken for {self.shown.tzinfo}, which is"
            f" {self.shown.astimezone(UTC):%H:%M} UTC; its id was made at {self.made:%H:%M} UTC, as if the"
            f" PBX's clock stood at UTC{_signed(clock)}"
        )


def refuse_doubtful(found: Sequence[OtherHours], known: int, assumed: str) -> None:
    """Most of `known` ids contradict the zone that nobody named; raises ZoneDoubtful."""
    if known and 2 * len(found) > known:
        raise ZoneDoubtful(
            f"{found[0]}. Nothing was taken: times without a zone were read in the workspace's zone,"
            f" {assumed}. Name the PBX's own with --timezone{_fixed(found[0])}; or this one, if it is right"
            f" all the same: --timezone {assumed}."
        )


def _fixed(one: OtherHours) -> str:
    """A zone without summer time that would fit: its names count whole hours, westwards."""
    hours, rest = divmod(round((one.shown.replace(tzinfo=UTC) - one.made).total_seconds()), 3600)
    if rest or not -12 <= hours <= 14:  # noqa: PLR2004 - there are no other names
        return ""
    return f" (without summer time: {f'Etc/GMT{-hours:+d}' if hours else 'UTC'})"


def _signed(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"

"""Days begin where the workspace is, whatever its clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.faults import Invalid
from ivr_bridge.reports.periods import MOST_DAYS, Period, period

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # 2 March in Moscow already

ZONES = [
    "UTC",
    "Europe/Moscow",
    "America/New_York",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]


def test_unasked_it_is_the_last_week_of_the_workspace_not_of_greenwich():
    asked = period(None, None, MOSCOW, NOW)
    assert (asked.first, asked.last) == (date(2026, 2, 24), date(2026, 3, 2))


def test_both_ends_belong_to_it():
    asked = period("2026-01-01", "2026-01-31", MOSCOW, NOW)
    assert len(asked.days) == 31
    assert asked.since == datetime(2025, 12, 31, 21, tzinfo=UTC)
    assert asked.until == datetime(2026, 1, 31, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "path"),
    [
        ("yesterday", "2026-01-01", "from"),
        ("2026-1-1", "2026-01-01", "from"),
        ("20260101", "2026-01-02", "from"),
        ("2026-W01-1", "2026-01-02", "from"),
        ("2026-02-30", "2026-03-02", "from"),
        ("0001-01-01", "2026-01-02", "from"),
        ("２026-01-01", "2026-01-02", "from"),
        ("2026-01-01", "9999-12-31", "to"),
        ("2026-01-01", "2026-01-01T00:00", "to"),
        ("2026-01-02", "2026-01-01", "from"),
        ("2025-01-01", "2026-02-05", "to"),
    ],
)
def test_what_is_no_period_is_refused_by_name(first, last, path):
    with pytest.raises(Invalid) as refused:
        period(first, last, MOSCOW, NOW)
    [error] = refused.value.facts["errors"]
    assert error["path"] == path
    assert error["message"]


def test_the_longest_period_is_allowed_and_one_day_more_is_not():
    first = date(2025, 1, 1)
    last = first + timedelta(days=MOST_DAYS - 1)
    assert len(period(first.isoformat(), last.isoformat(), MOSCOW, NOW).days) == MOST_DAYS
    with pytest.raises(Invalid):
        period(first.isoformat(), (last + timedelta(days=1)).isoformat(), MOSCOW, NOW)


@pytest.mark.parametrize(
    ("zone", "first", "expected"),
    [
        # Cairo skips midnight: the day begins at one o'clock.
        ("Africa/Cairo", date(2024, 4, 26), datetime(2024, 4, 25, 22, tzinfo=UTC)),
        # Havana has midnight twice: the day begins with the first.
        ("America/Havana", date(2024, 11, 3), datetime(2024, 11, 3, 4, tzinfo=UTC)),
        ("America/Havana", date(2024, 3, 10), datetime(2024, 3, 10, 5, tzinfo=UTC)),
    ],
)
def test_a_midnight_that_is_skipped_or_repeated(zone, first, expected):
    assert Period(first, first, ZoneInfo(zone)).since == expected


@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2012, 1, 1), date(2030, 1, 1)),
    length=st.integers(1, 30),
    share=st.integers(0, 999),
)
def test_every_moment_belongs_to_the_day_that_a_calendar_on_the_wall_shows(
    zone, first, length, share
):
    asked = Period(first, first + timedelta(days=length - 1), ZoneInfo(zone))
    edges = asked.edges
    assert edges == sorted(set(edges))
    assert len(edges) == length + 1
    moment = asked.since + (asked.until - asked.since) * share / 1000
    number = max(n for n, edge in enumerate(edges) if edge <= moment)
    assert asked.days[number] == moment.astimezone(asked.zone).date()


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (date(2026, 3, 2), date(2026, 3, 1)),
        (date(2026, 3, 1), date(2026, 3, 1)),
        (date(2026, 2, 28), None),
    ],
)
def test_what_may_still_rise_is_the_last_24_hours(last, expected):
    asked = Period(date(2026, 2, 20), last, MOSCOW)
    assert asked.provisional_from(NOW) == expected


def test_a_period_that_began_after_that_is_provisional_from_its_beginning():
    today = date(2026, 3, 2)
    assert Period(today, today, MOSCOW).provisional_from(NOW) == today

"""Hours by the clock on the wall: shifts past midnight, holidays, and nights when the clocks change."""

# ruff: noqa: DTZ001 - a clock on a wall has no time zone

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ivr_bridge.policy import PolicyTerms
from ivr_bridge.policy.holidays import holidays_of
from ivr_bridge.policy.hours import Hours
from ivr_bridge.policy.keeping import learn
from ivr_bridge.terms import LineTerms

BERLIN = ZoneInfo("Europe/Berlin")


def hours(**said: object) -> Hours:
    return Hours.model_validate(said)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-06-15 09:00", True),
        ("2026-06-15 08:59", False),
        ("2026-06-20 12:00", True),
        ("2026-06-20 14:30", False),
        ("2026-06-20 16:00", True),
        ("2026-06-21 03:00", False),
        ("2026-06-21 22:00", True),
        ("2026-06-22 05:59", True),
        ("2026-06-22 06:00", False),
        ("2026-12-24 13:00", False),
        ("2026-12-24 11:00", True),
        ("2026-06-16 12:00", False),
    ],
)
def test_a_week_with_its_exceptions(at, is_open):
    week = hours(
        week={
            "mon-fri": "09:00-18:00",
            "sat": ["10:00-14:00", "15:00-18:00"],
            "sun": "22:00-06:00",
        },
        dates={"2026-12-24": "09:00-12:00", "2026-06-16": []},
    )
    assert week.open_at(datetime.fromisoformat(at)) is is_open


def test_the_whole_day_and_the_whole_week():
    always = hours(week={"mon-sun": "00:00-24:00"})
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert all(always.open_at(moment + timedelta(minutes=n * 7)) for n in range(10_000))


def test_holidays_close_the_line_and_a_date_of_its_own_opens_it():
    plain = hours(week={"mon-sun": "09:00-18:00"}, holidays={"country": "DE"})
    assert not plain.open_at(datetime(2026, 10, 3, 12))
    assert plain.open_at(datetime(2026, 1, 6, 12))
    bavarian = hours(
        week={"mon-sun": "09:00-18:00"},
        dates={"2026-10-03": "11:00-13:00"},
        holidays={"country": "DE", "subdivision": "BY"},
    )
    assert not bavarian.open_at(datetime(2026, 1, 6, 12))
    assert bavarian.open_at(datetime(2026, 10, 3, 12))
    assert not bavarian.open_at(datetime(2026, 10, 3, 14))


async def test_holidays_are_read_ahead_for_the_years_around_the_day_that_is_told():
    policy = PolicyTerms.model_validate(
        {"hours": {"week": {"mon": "09:00-18:00"}, "holidays": {"country": "IS"}}}
    )
    holidays_of.cache_clear()
    await learn([policy, None], date(1999, 12, 31))
    assert holidays_of.cache_info().currsize == 3
    for year in (1998, 1999, 2000):
        assert date(year, 12, 25) in holidays_of("IS", None, year)
    assert holidays_of.cache_info().currsize == 3


def test_the_shift_before_a_holiday_reaches_into_it():
    late = hours(week={"mon-sun": "20:00-02:00"}, holidays={"country": "DE"})
    assert late.open_at(datetime(2026, 10, 3, 1))
    assert not late.open_at(datetime(2026, 10, 3, 21))
    assert not late.open_at(datetime(2026, 10, 4, 1))


def test_nine_o_clock_is_nine_o_clock_on_the_day_the_clocks_change():
    week = hours(week={"mon-sun": "09:00-10:00"})
    for day, before in (("2026-03-28", 8), ("2026-03-29", 7), ("2026-10-24", 7), ("2026-10-25", 8)):
        nine = datetime.fromisoformat(f"{day}T{before:02d}:00:00+00:00")
        assert week.open_at(nine.astimezone(BERLIN))
        assert not week.open_at((nine - timedelta(minutes=1)).astimezone(BERLIN))


def test_an_hour_that_comes_twice_is_open_twice():
    week = hours(week={"sun": "02:00-03:00"})
    open_minutes = sum(
        week.open_at((datetime(2026, 10, 25, tzinfo=UTC) + timedelta(minutes=n)).astimezone(BERLIN))
        for n in range(180)
    )
    assert open_minutes == 120


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
def test_a_line_is_open_on_one_side_of_midnight_only_where_it_says_so(at):
    day = hours(week={"mon-sun": "08:00-20:00"})
    night = hours(week={"mon-sun": "20:00-08:00"})
    assert day.open_at(at) != night.open_at(at)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"week": {}}, "at least 1 item"),
        ({"week": {"monday": "09:00-18:00"}}, "is no day"),
        ({"week": {"mon-": "09:00-18:00"}}, "is no day"),
        ({"week": {"mon": "9-18"}}, "write it as 09:00-18:00"),
        ({"week": {"mon": "09:00-25:00"}}, "from 00:00 to 24:00"),
        ({"week": {"mon": "24:00-12:00"}}, "from 00:00 to 24:00"),
        ({"week": {"mon": "09:60-12:00"}}, "from 00:00 to 24:00"),
        ({"week": {"mon": "09:00-09:00"}}, "no time at all"),
        ({"week": {"mon": ["09:00-13:00", "12:00-18:00"]}}, "overlap"),
        ({"week": {"mon": "09:00-18:00", "mon-fri": "09:00-18:00"}}, "stands twice"),
        ({"week": {"mon": "09:00-18:00"}, "dates": {"2026-13-01": []}}, "date"),
        ({"week": {"mon": "09:00-18:00"}, "holidays": {"country": "Germany"}}, "pattern"),
        ({"week": {"mon": "09:00-18:00"}, "zone": "UTC"}, "not permitted"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(said, why):
    with pytest.raises(ValidationError, match=why):
        hours(**said)


def test_what_the_database_keeps_means_the_same():
    terms = LineTerms.model_validate(
        {
            "policy": {
                "hours": {
                    "week": {"mon-fri": "09:00-18:00", "sat": ["10:00-12:00", "13:00-24:00"]},
                    "dates": {"2026-12-31": "09:00-12:00", "2027-01-01": []},
                    "holidays": {"country": "RU"},
                },
                "share": {"of": 0.25},
            }
        }
    )
    stored = terms.stored()
    assert stored["policy"]["hours"]["dates"]["2027-01-01"] == []
    assert LineTerms.model_validate(stored) == terms

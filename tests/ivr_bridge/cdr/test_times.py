"""The hour that comes twice, the one that never comes, and times that cannot be."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr_bridge.cdr.record import Skip, Skipped, understood
from ivr_bridge.cdr.times import BadTime, Span, span

BERLIN = ZoneInfo("Europe/Berlin")
# On 25 October 2026, at 3:00 summer time (01:00 UTC), Berlin's clocks go back to 2:00.


def utc(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-10-25T{clock}+00:00")


def read(
    started: str,
    ended: str = "",
    *,
    answered: str = "",
    duration: float | None = None,
    began: datetime | None = None,
) -> Span:
    return span(started, answered, ended, duration_s=duration, zone=BERLIN, began=began)


def test_the_id_tells_which_of_the_two_hours_it_was():
    for began, first in ((utc("00:30:00"), utc("00:30:00")), (utc("01:30:00"), utc("01:30:00"))):
        found = read("2026-10-25 02:30:00", "2026-10-25 02:40:00", duration=600, began=began)
        assert (found.started, found.ended) == (first, first + timedelta(seconds=600))


def test_else_its_length_tells_and_else_the_first_hour_is_taken():
    over = read("2026-10-25 02:55:00", "2026-10-25 02:05:00", duration=600)
    assert (over.started, over.ended) == (utc("00:55:00"), utc("01:05:00"))
    after = read("2026-10-25 02:55:00", "2026-10-25 03:05:00", duration=600)
    assert after.started == utc("01:55:00")
    assert read("2026-10-25 02:30:00", "2026-10-25 02:40:00").started == utc("00:30:00")
    assert read("2026-10-25 02:30:00", duration=60).ended == utc("00:31:00")


def test_the_answer_lies_inside_the_call():
    began = utc("01:30:00")
    found = read(
        "2026-10-25 02:30:00",
        "2026-10-25 02:40:00",
        answered="2026-10-25 02:31:00",
        duration=600,
        began=began,
    )
    assert found.answered == utc("01:31:00")


def test_an_hour_that_the_clock_never_showed_costs_nothing():
    spring = read("2026-03-29 02:30:00", "2026-03-29 03:31:00", duration=60)
    assert spring.started == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert spring.ended == spring.started + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-05T12:00:00Z", "2026-10-05T12:00:00+00:00"),
        ("2026-10-05 12:00:00.250+03:00", "2026-10-05T09:00:00.250+00:00"),
        ("05.10.2026 12:00", "2026-10-05T10:00:00+00:00"),
        ("1791190800", "2026-10-05T09:00:00+00:00"),
        ("1791190800000", "2026-10-05T09:00:00+00:00"),
        ("1791190800000000", "2026-10-05T09:00:00+00:00"),
    ],
)
def test_times_as_files_write_them(text, moment):
    assert read(text).started == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "text",
    ["", "0", "yesterday", "1970-01-01 00:00:00", "2026-13-01 00:00:00", "9999-12-31 23:59:59"],
)
def test_times_that_cannot_be(text):
    with pytest.raises(BadTime):
        read(text)


def test_nothing_ends_before_it_begins():
    with pytest.raises(BadTime):
        read("2026-10-05 12:00:00", "2026-10-05 11:59:00")


def test_a_person_or_only_a_menu():
    base = {"call_id": "1", "started": "2026-10-05 12:00:00", "ended": "2026-10-05 12:02:00"}

    def person(**more: str) -> bool:
        return understood({**base, **more}, zone=UTC).answered is not None

    assert person(answered="2026-10-05 12:01:00")
    assert person(picked_up="2026-10-05 12:00:01", peer="PJSIP/101-1", billsec="110")
    assert not person(
        picked_up="2026-10-05 12:00:01", peer="", billsec="110", disposition="ANSWERED"
    )
    assert not person(picked_up="2026-10-05 12:00:01", peer="PJSIP/101-1", disposition="NO ANSWER")
    assert not person(picked_up="", peer="PJSIP/101-1", billsec="0")
    assert person(disposition="Answered", billsec="60")
    assert not person(disposition="Answered", billsec="0")
    with pytest.raises(Skipped) as leg:
        understood({**base, "linked_id": "2"}, zone=UTC)
    assert leg.value.why is Skip.OTHER_LEG

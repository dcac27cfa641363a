"""Whatever happened, every figure is what a person would count from the raw rows."""

import asyncio
import itertools
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.postgres import Database, open_database
from ivr_bridge.lines import all_lines
from ivr_bridge.reports.deflection_funnel import STEPS, deflection_funnel
from ivr_bridge.reports.deflections import deflections
from ivr_bridge.reports.periods import Period
from ivr_bridge.reports.table import Question, Table, labels
from ivr_bridge.reports.voice_to_chat import GROUPS, voice_to_chat
from tests.ivr_bridge.reports.chronicle import DAY, HOUR, MINUTE, Chronicle, chronicle
from tests.ivr_bridge.reports.recount import judge, read, share_row

# Each has a day near which its clocks change, some of them at midnight.
PLACES = [
    ("Europe/Moscow", date(2026, 1, 10)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/Havana", date(2025, 11, 2)),
    ("Africa/Cairo", date(2024, 4, 26)),
    ("Asia/Kathmandu", date(2026, 1, 10)),
]
_names = (f"w{number}" for number in itertools.count())

seconds = st.integers(-30, 3 * 60).map(lambda n: timedelta(seconds=n))
events = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "entered",
                "offered",
                "declined",
                "accepted",
                "queued",
                "answered",
                "ended",
                "returned",
            ]
        ),
        seconds,
    ),
    max_size=5,
).map(lambda told: [*told, *told[:1]])  # the first is repeated
attempts = st.lists(
    st.fixed_dictionaries(
        {
            "after": st.sampled_from([0, 1, 20, 59, 600]).map(lambda n: timedelta(seconds=n)),
            "outcome": st.sampled_from(["hangup", "hangup", "hangup", "continue", "pending"]),
            "reason": st.sampled_from(["deadline", "channel_throttled"]),
            "status": st.sampled_from(["sending", "accepted", "sent", "delivered", "read"]),
            "failed": st.sampled_from([None, None, "not_on_channel"]),
            "facts": st.sampled_from([(), (), ("not_me",), ("late",), ("rescued",)]),
            "with_message": st.booleans(),
        }
    ),
    max_size=2,
)
calls = st.fixed_dictionaries(
    {
        "line": st.integers(0, 1),
        "caller": st.sampled_from([0, 0, 1, None]),
        # Around both midnights of the day.
        "minutes": st.integers(-90, 90) | st.integers(23 * 60, 27 * 60),
        "events": events,
        "ends": st.sampled_from([True, True, False]),
        "answers": st.lists(st.sampled_from(["offer", "continue"]), max_size=2),
        "attempts": attempts,
    }
)
messages = st.fixed_dictionaries(
    {
        "caller": st.integers(0, 1),
        "minutes": st.integers(-90, 200) | st.integers(23 * 60, 52 * 60),
        "edge": st.sampled_from([0, 1, -1]).map(lambda n: timedelta(seconds=n)),
        "received_after": st.sampled_from([timedelta(0), timedelta(seconds=3), 3 * DAY]),
        "state": st.sampled_from([None, "after_hours", "closed", "abandoned"]),
        "answered_by": st.sampled_from([None, "bot", "operator", "failed_bot", "system"]),
    }
)
histories = st.fixed_dictionaries(
    {
        "place": st.sampled_from(PLACES),
        "calls": st.lists(calls, max_size=5),
        "messages": st.lists(messages, max_size=4),
        # Messages that come exactly at a limit after an attempt.
        "replies": st.lists(
            st.tuples(
                st.integers(0, 9),
                st.sampled_from([timedelta(0), MINUTE, 30 * MINUTE, 24 * HOUR]),
                st.sampled_from([-1, 0, 0, 1]).map(lambda n: timedelta(seconds=n)),
                st.booleans(),  # dated to the second, as WhatsApp does
            ),
            max_size=4,
        ),
    }
)


@pytest.fixture
def ask(database_url: str):
    """Runs a coroutine over a fresh pool: hypothesis calls the test many times, each in its own loop."""

    def run(work) -> Any:
        async def inside() -> Any:
            async with open_database(database_url, application="test", size=2) as database:
                return await work(database)

        return asyncio.run(inside())

    return run


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
def test_every_report_agrees_with_a_count_by_hand(ask, history):
    zone, day = ZoneInfo(history["place"][0]), history["place"][1]

    async def compare(database: Database) -> None:
        past = await chronicle(database, next(_names), zone.key, lines=("a", "b"), callers=2)
        await _happen(past, history, Period(day, day, zone).since)
        period = Period(day - DAY, day + DAY, zone)
        judged = [
            each
            for each in judge(await read(past), zone)
            if period.first <= each.day <= period.last
        ]
        for group_by in GROUPS:
            _agrees(await count(past, voice_to_chat, period, group_by), group_by, past, judged)
        _funnel_agrees(await count(past, deflection_funnel, period), judged)
        _rows_agree(await count(past, deflections, period), judged)
        _reports_agree(
            await count(past, voice_to_chat, period, ("day",)),
            await count(past, deflection_funnel, period),
            await count(past, deflections, period),
        )

    ask(compare)


async def count(past: Chronicle, metric, period: Period, group_by=(), lines=None) -> Table:
    """The report over these days."""
    async with past.database.workspace(past.workspace_id, read_only=True) as tx:
        known = await all_lines(tx)
        wanted = known if lines is None else [line for line in known if line.name in lines]
        question = Question(period, group_by, wanted, labels(known), see_phone=True)
        table: Table = await metric(tx, question)
        return table


async def _happen(past: Chronicle, history: Any, midnight: datetime) -> None:
    hung_up: list[tuple[datetime, int]] = []
    for call in history["calls"]:
        began = midnight + call["minutes"] * MINUTE
        told = [(event, began + after) for event, after in call["events"]]
        ref = await past.call(
            began,
            line=call["line"],
            caller=call["caller"],
            events=[*told, *([("ended", began + 4 * MINUTE)] if call["ends"] else [])],
        )
        for number, action in enumerate(call["answers"]):
            await past.asked(ref, action, began + number * MINUTE, reason=f"why_{number}")
        hung_up += await _tries(past, call, ref, began)
    for said in history["messages"]:
        at = midnight + said["minutes"] * MINUTE + said["edge"]
        await past.wrote(at, **_how(said, first=said is history["messages"][0]))
    for which, after, edge, whole in history["replies"] if hung_up else ():
        at, caller = hung_up[which % len(hung_up)]
        at += after + edge
        await past.wrote(at.replace(microsecond=0) if whole else at, caller=caller)


async def _tries(
    past: Chronicle, call: Any, ref: UUID, began: datetime
) -> list[tuple[datetime, int]]:
    """Its attempts; when which callers were told goodbye."""
    hung_up, opening, caller = [], None, call["caller"]
    for number, drawn in enumerate(call["attempts"], start=1):
        values = dict(drawn)
        hangs_up = values["outcome"] == "hangup"
        with_message = (values.pop("with_message") or hangs_up) and caller is not None
        at = began + values.pop("after") + number * timedelta(milliseconds=1500)
        if hangs_up and caller is None:
            continue  # there is nobody to write to
        values["reason"] = "ok" if hangs_up else values["reason"]
        values["failed"] = "transient" if values["status"] == "sending" else values["failed"]
        _, made = await past.attempt(
            ref,
            at,
            number=number,
            caller=caller,
            message=with_message,
            answers_for=opening,
            **values,
        )
        opening = opening or made
        if hangs_up:
            hung_up.append((at, caller))
    return hung_up


def _how(said: Any, *, first: bool) -> dict[str, Any]:
    """A thread has one open chat at most: only the first message's stays open."""
    state = said["state"]
    return {
        "caller": said["caller"],
        "received_after": said["received_after"],
        "state": "closed" if state == "after_hours" and not first else state,
        "answered_by": said["answered_by"],
    }


def _agrees(table: Table, group_by, past: Chronicle, judged) -> None:
    names = dict(zip(past.lines, ("A", "B"), strict=True))
    for row in table.rows:
        group = [
            each
            for each in judged
            if ("day" not in group_by or each.day == row["day"])
            and ("line" not in group_by or names[each.line] == row["line"])
        ]
        assert dict(row) == {**{name: row[name] for name in group_by}, **share_row(group)}
    assert len(table.rows) == (3 if "day" in group_by else 1) * (2 if "line" in group_by else 1)
    assert dict(table.total) == share_row(judged)


def _funnel_agrees(table: Table, judged) -> None:
    assert [row["step"] for row in table.rows] == list(STEPS)
    for number, row in enumerate(table.rows, start=1):
        came = sum(each.last_step >= number for each in judged)
        before = sum(each.last_step >= number - 1 for each in judged)
        assert row["count"] == came
        assert row["of_first"] == (came / len(judged) if judged else None)
        assert row["of_previous"] == (came / before if before and number > 1 else None)
        lost = Counter(each.reason for each in judged if each.last_step == number - 1)
        assert {each["reason"]: each["count"] for each in row["dropped"]} == lost


def _rows_agree(table: Table, judged) -> None:
    assert len(table.rows) == sum(each.attempts for each in judged)
    counted = Counter(row["counts_as"] for row in table.rows)
    tried = [each for each in judged if each.attempts]
    expected = Counter(each.fate if each.eligible else "not_eligible" for each in tried)
    expected["same_call"] = sum(each.attempts - 1 for each in tried)
    assert counted == +expected


def _reports_agree(shares: Table, funnel: Table, rows: Table) -> None:
    """A figure is the number of its rows, and both reports count the same callers."""
    counted = Counter(row["counts_as"] for row in rows.rows)
    assert shares.total["deflected"] == counted["deflected"]
    assert shares.total["unconfirmed"] == counted["unconfirmed"]
    assert shares.total["hung_up_silent"] == counted["silent"]
    soon = [
        row
        for row in rows.rows
        if row["counts_as"] == "deflected" and row["first_message_at"] - row["at"] <= 30 * MINUTE
    ]
    assert shares.total["deflected_30min"] == len(soon)
    steps = {row["step"]: row["count"] for row in funnel.rows}
    assert steps["eligible"] == shares.total["eligible"]
    assert steps["wrote"] == shares.total["deflected"]

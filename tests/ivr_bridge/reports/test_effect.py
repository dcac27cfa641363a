"""What is measured against the hold-out: every figure is what a person would count from the raw rows."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access.workspaces import Workspace, put_workspace
from core.ids import new_id
from ivr_bridge.reports.arms import FEWEST
from ivr_bridge.reports.intervals import (
    Interval,
    Mean,
    difference_of_means,
    difference_of_shares,
    together,
    wilson,
)
from ivr_bridge.reports.net_share import net_share
from ivr_bridge.reports.periods import Period
from ivr_bridge.reports.repeat_calls import repeat_calls
from ivr_bridge.reports.savings import savings
from ivr_bridge.reports.table import Table
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import LINE, House
from tests.ivr_bridge.reports.chronicle import DAY, MINUTE, Chronicle, chronicle
from tests.ivr_bridge.reports.test_figures import count

MOSCOW = ZoneInfo("Europe/Moscow")
DAYS = Period(date(2026, 1, 10), date(2026, 1, 11), MOSCOW)


def test_newcombes_own_example():
    """56 of 70 against 48 of 80: 0.2000, from 0.0524 to 0.3339 (his table II, method 10)."""
    found = difference_of_shares(wilson(56, 70), wilson(48, 80))
    assert [round(each, 4) for each in (found.value, found.low, found.high)] == [
        0.2,
        0.0524,
        0.3339,
    ]


samples = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(samples, samples)
def test_intervals_hold_their_figure_and_know_their_limits(first, second):
    for part, whole in (first, second):
        one = wilson(part, whole)
        assert 0 <= one.low <= one.value <= one.high <= 1
    there = difference_of_shares(wilson(*first), wilson(*second))
    back = difference_of_shares(wilson(*second), wilson(*first))
    assert -1 <= there.low <= there.value <= there.high <= 1
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    alone = together([(1.0, there)])
    assert (alone.value, alone.low, alone.high) == pytest.approx(
        (there.value, there.low, there.high)
    )
    halves = together([(0.5, there), (0.5, there)])
    assert halves.high - halves.low <= there.high - there.low + 1e-12


@dataclass
class Raw:
    """Calls and answers, as they are written and as a person reads them."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)


def history(past: Chronicle, seed: int, people: int = 450) -> Raw:
    """People who call on two lines with different hold-outs, some before the period, some twice."""
    chance, raw = random.Random(seed), Raw()
    for person in range(people):
        phone = f"+7901{person:07d}" if chance.random() < 0.95 else None
        for _ in range(chance.choice([1, 1, 2, 3])):
            line = chance.choice([0, 0, 1])
            began = datetime(2026, 1, 9, tzinfo=UTC) + chance.random() * 4 * DAY
            held_out = chance.random() < (0.5, 0.25)[line]
            told = chance.random() < 0.97
            ended = began + chance.random() * 20 * MINUTE
            person_came = told and chance.random() < (0.8 if held_out else 0.5)
            ref = new_id()
            raw.calls.append(
                {
                    "call_ref": ref,
                    "line_id": past.lines[line],
                    "call_id": str(ref),
                    "caller": phone,
                    "first_seen_at": began,
                    "ended_at": ended if told else None,
                    "answered_at": began + MINUTE if person_came else None,
                }
            )
            for number in range(chance.choice([0, 1, 1, 2])):
                reason = chance.choice(["hold_out" if held_out else "ok"] * 4 + ["below_peak"])
                raw.answers.append(
                    {
                        "eligibility_id": new_id(),
                        "call_ref": ref,
                        "at": began + number * MINUTE,
                        "action": "offer" if reason == "ok" else "continue",
                        "reason": reason,
                        "arm": "hold_out" if reason == "hold_out" else "treat",
                        "reachability": "unknown",
                        "trace": [],
                        "asked": chance.choice([{}, {"intent": "order"}, {"intent": "refund"}]),
                    }
                )
    return raw


async def write(past: Chronicle, raw: Raw) -> None:
    async with past.database.workspace(past.workspace_id) as tx:
        for table, rows in (("call", raw.calls), ("eligibility", raw.answers)):
            names = ["workspace_id", *rows[0]]
            places = ", ".join(f"${n}" for n in range(1, len(names) + 1))
            await tx.executemany(
                f"INSERT INTO ivr_bridge.{table} ({', '.join(names)}) VALUES ({places})",
                [(past.workspace_id, *row.values()) for row in rows],
            )


@dataclass
class Person:
    """One caller of one line, drawn in the period."""

    line: Any
    intent: str | None
    arm: str
    unknown: bool
    answered: bool
    again: bool
    minutes: float


def drawn(raw: Raw, window: timedelta) -> list[Person]:
    """By the definitions, in plain words over raw rows."""
    calls = {call["call_ref"]: call for call in raw.calls}
    firsts: dict[Any, tuple[Any, ...]] = {}
    for answer in raw.answers:
        call = calls[answer["call_ref"]]
        if answer["reason"] not in {"ok", "hold_out"}:
            continue
        if not DAYS.since - window <= call["first_seen_at"] < DAYS.until:
            continue
        key = (call["line_id"], call["caller"] or call["call_ref"])
        when = (call["first_seen_at"], answer["at"], answer["eligibility_id"])
        if key not in firsts or when < firsts[key][0]:
            firsts[key] = (when, call, answer)
    people = []
    for _, first, answer in firsts.values():
        if first["first_seen_at"] < DAYS.since:
            continue
        theirs = [first] if first["caller"] is None else [
            call for call in raw.calls
            if call["caller"] == first["caller"]
            and first["first_seen_at"] <= call["first_seen_at"] < first["first_seen_at"] + window
        ]  # fmt: skip
        people.append(
            Person(
                first["line_id"],
                answer["asked"].get("intent"),
                answer["arm"],
                first["ended_at"] is None and first["answered_at"] is None,
                any(call["answered_at"] for call in theirs),
                len(theirs) > 1,
                sum(
                    (call["ended_at"] - call["first_seen_at"]).total_seconds() / 60
                    for call in theirs
                    if call["ended_at"]
                ),
            )
        )
    return people


@pytest.fixture
async def past(database) -> Chronicle:
    return await chronicle(database, "shop", lines=("main", "spare"), callers=1)


def of(table: Table, **wanted: object) -> Mapping[str, Any]:
    [row] = [row for row in table.rows if all(row[name] == value for name, value in wanted.items())]
    return row


def sides(people: Sequence[Person]) -> tuple[list[Person], list[Person]]:
    return (
        [person for person in people if person.arm == "treat"],
        [person for person in people if person.arm == "hold_out"],
    )


@pytest.mark.parametrize("seed", range(4))
async def test_every_figure_is_what_a_person_would_count(past: Chronicle, seed: int):
    raw = history(past, seed)
    await write(past, raw)
    people = drawn(raw, DAY)
    async with past.database.workspace(past.workspace_id) as tx:
        costs = {"voice_minute": 4.5, "message": 2.0, "currency": "RUB"}
        await put_workspace(
            tx,
            Workspace(past.workspace_id, "shop", "Shop", "Europe/Moscow", ["ru"], {"costs": costs}),
        )
    tables = {each: await count(past, each, DAYS) for each in (net_share, repeat_calls, savings)}
    weighed, callers = [], 0
    for title, line in zip(("Main", "Spare"), past.lines, strict=True):
        offered, held_out = sides([each for each in people if each.line == line])
        net, saved = of(tables[net_share], line=title), of(tables[savings], line=title)
        assert (net["offered"], net["held_out"]) == (len(offered), len(held_out))
        assert net["unknown"] == sum(each.unknown for each in (*offered, *held_out))
        shares = [sum(each.answered for each in side) / len(side) for side in (held_out, offered)]
        assert (net["answered_held_out"], net["answered_offered"]) == pytest.approx(tuple(shares))
        if min(len(offered), len(held_out)) < FEWEST:
            assert (net["status"], net["net"]) == ("not_enough", None)
            assert saved["minutes"] is None
            continue
        assert net["status"] == saved["status"] == "measured"
        assert net["net"] == pytest.approx(shares[0] - shares[1])
        assert net["low"] < net["net"] < net["high"]
        size = len(offered) + len(held_out)
        callers += size
        weighed.append((size, Interval(net["net"], net["low"], net["high"])))
        means = [sum(each.minutes for each in side) / len(side) for side in (held_out, offered)]
        spreads = [
            sum((each.minutes - mean) ** 2 for each in side) / (len(side) - 1) / len(side)
            for side, mean in zip((held_out, offered), means, strict=True)
        ]
        minutes = (means[0] - means[1]) * len(offered)
        reach = 1.959964 * sqrt(sum(spreads)) * len(offered)
        assert saved["minutes"] == pytest.approx(minutes)
        assert saved["minutes_low"] == pytest.approx(minutes - reach, rel=1e-5)
        assert saved["saved"] == pytest.approx(minutes * 4.5)
        assert saved["high"] == pytest.approx((minutes + reach) * 4.5, rel=1e-5)
    total = tables[net_share].total
    assert total["measured_lines"] == len(weighed)
    assert weighed
    whole = together([(size / callers, each) for size, each in weighed])
    assert (total["net"], total["low"]) == pytest.approx((whole.value, whole.low))
    groups: defaultdict[Any, list[Person]] = defaultdict(list)
    for each in people:
        groups[each.line, each.intent].append(each)
    assert len(tables[repeat_calls].rows) == len(groups)
    for (line, intent), group in groups.items():
        title = "Main" if line == past.lines[0] else "Spare"
        row = of(tables[repeat_calls], line=title, intent=intent)
        offered, held_out = sides(group)
        assert (row["offered"], row["held_out"]) == (len(offered), len(held_out))
        if offered:
            again = sum(each.again for each in offered) / len(offered)
            assert row["repeated_offered"] == pytest.approx(again)


async def test_a_figure_that_cannot_be_told_is_not_told(past: Chronicle):
    empty = await count(past, net_share, DAYS)
    assert {row["status"] for row in empty.rows} == {"no_hold_out"}
    assert empty.total["net"] is None
    raw = history(past, 1)
    for call in raw.calls:
        call["ended_at"] = call["answered_at"] = None
    for answer in raw.answers:
        answer["asked"] = {}
    await write(past, raw)
    told = await count(past, net_share, DAYS)
    assert of(told, line="Main")["status"] == "ends_not_told"
    assert of(told, line="Main")["net"] is None
    # Who calls again is seen from calls alone.
    assert "measured" in {row["status"] for row in (await count(past, repeat_calls, DAYS)).rows}
    money = of(await count(past, savings, DAYS), line="Main")
    assert (money["saved"], money["currency"]) == (None, None)


def test_a_mean_of_the_same_minutes_is_sure():
    same = Mean(40, 120.0, 360.0)
    assert difference_of_means(same, same) == Interval(0.0, 0.0, 0.0)


async def test_the_hold_out_of_real_calls_is_measured(house: House):
    """Offered callers who moved were answered by nobody; held-out ones waited for a person."""
    await house.change_line(terms=LineTerms.model_validate({"policy": {"hold_out": {"of": 0.4}}}))
    events = []
    began = datetime.now(UTC)
    for number in range(110):
        call_id, caller = f"call-{number}", f"+79015550{number:03d}"
        variant = (await house.ivr.eligible(call_id, caller)).json["variant"]
        common = {"call_id": call_id, "line": LINE, "caller": caller}
        if variant == "hold_out":
            events.append({**common, "event": "answered", "at": (began + MINUTE).isoformat()})
        events.append({**common, "event": "ended", "at": (began + 2 * MINUTE).isoformat()})
    taken = await house.ivr.post("/v1/calls/events", {"events": events})
    assert taken.json["refused"] == []
    today = began.astimezone(MOSCOW).date()
    past = Chronicle(house.database, house.workspace_id)
    period = Period(today - timedelta(days=1), today, MOSCOW)
    [row] = (await count(past, net_share, period)).rows
    assert row["status"] == "measured"
    assert row["net"] == 1.0
    assert 0.85 < row["low"] < row["high"] <= 1.0
    assert (row["answered_offered"], row["answered_held_out"]) == (0.0, 1.0)

"""Each definition at its edges, told as stories whose figures are known."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ivr_bridge.reports.deflection_funnel import deflection_funnel
from ivr_bridge.reports.deflections import deflections
from ivr_bridge.reports.periods import Period
from ivr_bridge.reports.voice_to_chat import voice_to_chat
from tests.ivr_bridge.reports.chronicle import DAY, HOUR, MINUTE, Chronicle, chronicle
from tests.ivr_bridge.reports.test_figures import count

NOON = datetime(2026, 1, 10, 9, 0, 0, 700_000, tzinfo=UTC)
DAYS = Period(date(2026, 1, 10), date(2026, 1, 10), ZoneInfo("Europe/Moscow"))
SECOND = timedelta(seconds=1)
MICRO = timedelta(microseconds=1)


@pytest.fixture
async def past(database) -> Chronicle:
    return await chronicle(database, "shop", lines=("main", "spare"), callers=3)


async def figures(past: Chronicle, period: Period = DAYS) -> tuple[int, ...]:
    """eligible, deflected, within 30 minutes, unconfirmed, never wrote."""
    total = (await count(past, voice_to_chat, period, ("day",))).total
    return tuple(value for name, value in total.items() if name != "share")


async def counted(past: Chronicle) -> list[str]:
    return [row["counts_as"] for row in (await count(past, deflections, DAYS)).rows]


async def lost(past: Chronicle) -> dict[str, dict[str, int]]:
    """Where callers were lost, by step."""
    rows = (await count(past, deflection_funnel, DAYS)).rows
    return {
        row["step"]: {each["reason"]: each["count"] for each in row["dropped"]}
        for row in rows
        if row["dropped"]
    }


async def moved(past: Chronicle, caller: int = 0, **more) -> None:
    """A call that was told to hang up and ended."""
    ref = await past.call(NOON, caller=caller, events=[("ended", NOON + 5 * SECOND)])
    await past.asked(ref, "offer", NOON)
    await past.attempt(ref, NOON, caller=caller, **more)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(0), (1, 1, 1, 0, 0)),
        (30 * MINUTE, (1, 1, 1, 0, 0)),
        (30 * MINUTE + MICRO, (1, 1, 0, 0, 0)),
        (24 * HOUR, (1, 1, 0, 0, 0)),
        (24 * HOUR + MICRO, (1, 0, 0, 0, 1)),
        (-SECOND, (1, 0, 0, 0, 1)),
        # WhatsApp dates messages to the second: this one came right after the attempt.
        (-timedelta(milliseconds=700), (1, 1, 1, 0, 0)),
        (-timedelta(milliseconds=700) - MICRO, (1, 0, 0, 0, 1)),
    ],
)
async def test_a_first_message_counts_from_the_attempt_on_for_24_hours(past, after, expected):
    await moved(past)
    await past.wrote(NOON + after)
    assert await figures(past) == expected


async def test_another_callers_message_is_not_theirs(past):
    await moved(past)
    await past.wrote(NOON + MINUTE, caller=1)
    assert await figures(past) == (1, 0, 0, 0, 1)


async def test_a_webhook_that_comes_days_late_still_counts_by_when_it_was_written(past):
    await moved(past)
    await past.wrote(NOON + HOUR, received_after=5 * DAY)
    assert await figures(past) == (1, 1, 0, 0, 0)


async def test_only_the_first_message_decides(past):
    await moved(past)
    await past.wrote(NOON + HOUR)
    await past.wrote(NOON + 30 * MINUTE)
    await past.wrote(NOON - MINUTE)
    assert await figures(past) == (1, 1, 1, 0, 0)


async def test_whoever_says_not_me_did_not_move(past):
    await moved(past, facts=["not_me"])
    await past.wrote(NOON + MINUTE)
    assert await figures(past) == (1, 0, 0, 0, 1)
    assert await lost(past) == {"wrote": {"not_me": 1}}


async def test_a_hang_up_is_unconfirmed_until_the_end_is_told(past):
    ref = await past.call(NOON)
    await past.attempt(ref, NOON)
    await past.wrote(NOON + MINUTE)
    assert await figures(past) == (1, 0, 0, 1, 0)
    assert await lost(past) == {"hung_up": {"unconfirmed": 1}}
    await past.tell(ref, "ended", NOON + 2 * SECOND)
    assert await figures(past) == (1, 1, 1, 0, 0)
    await past.tell(ref, "ended", NOON + 2 * SECOND)
    assert await figures(past) == (1, 1, 1, 0, 0)


async def test_an_answer_that_is_told_late_takes_the_hang_up_back(past):
    """Its end came first; that a person had answered was reported an hour afterwards."""
    ref = await past.call(NOON, events=[("ended", NOON + 5 * MINUTE)])
    await past.attempt(ref, NOON)
    await past.wrote(NOON + MINUTE)
    assert await figures(past) == (1, 1, 1, 0, 0)
    await past.tell(ref, "answered", NOON + MINUTE)
    assert await figures(past) == (1, 0, 0, 0, 0)
    assert await counted(past) == ["answered_after"]
    assert await lost(past) == {"hung_up": {"answered_after": 1}}


@pytest.mark.parametrize(
    ("answered", "expected"), [(SECOND, (1, 1, 1, 0, 0)), (SECOND + MICRO, (1, 0, 0, 0, 0))]
)
async def test_an_answer_before_the_decision_is_no_answer_after_it(past, answered, expected):
    ref = await past.call(
        NOON, events=[("answered", NOON + answered), ("ended", NOON + 9 * SECOND)]
    )
    await past.attempt(ref, NOON, decided_after=SECOND)
    await past.wrote(NOON + MINUTE)
    assert await figures(past) == expected


async def test_a_late_message_is_never_counted(past):
    ref = await past.call(NOON, events=[("ended", NOON + HOUR)])
    await past.attempt(ref, NOON, outcome="continue", reason="deadline", facts=["late"])
    await past.wrote(NOON + MINUTE)
    assert await figures(past) == (1, 0, 0, 0, 0)
    assert await lost(past) == {"hung_up": {"late": 1}}
    [row] = (await count(past, deflections, DAYS)).rows
    assert (row["late"], row["hangup_confirmed"], row["counts_as"]) == (True, None, "continue")


async def test_two_attempts_of_a_call_are_one_caller(past):
    ref = await past.call(NOON, events=[("ended", NOON + HOUR)])
    _, opening = await past.attempt(ref, NOON, outcome="continue", reason="deadline")
    await past.attempt(ref, NOON + MINUTE, number=2, answers_for=opening)
    await past.attempt(ref, NOON + 2 * MINUTE, number=3, answers_for=opening)
    await past.wrote(NOON + 32 * MINUTE)
    assert await figures(past) == (1, 1, 1, 0, 0)
    # Of the two that moved, the third wrote soonest after; the call counts there and nowhere else.
    assert await counted(past) == ["same_call", "same_call", "deflected"]


async def test_of_equal_attempts_the_last_stands_for_the_call(past):
    ref = await past.call(NOON, events=[("ended", NOON + HOUR)])
    await past.attempt(ref, NOON, outcome="continue", reason="channel_throttled", message=False)
    await past.attempt(
        ref, NOON + MINUTE, number=2, outcome="continue", reason="opted_out", message=False
    )
    assert await lost(past) == {"sent": {"opted_out": 1}}
    assert await counted(past) == ["same_call", "continue"]


@pytest.mark.parametrize(
    ("answers", "told", "tried", "eligible"),
    [
        (["offer"], [], False, 1),
        (["continue"], [], False, 0),
        (["continue", "offer"], [], False, 1),
        (["offer", "continue"], [], False, 1),
        ([], [], False, 0),
        ([], ["entered", "queued", "ended"], False, 0),
        ([], ["offered"], False, 1),
        ([], ["declined"], False, 1),
        ([], [], True, 1),
        # It was asked, and the answer was no: whatever came after was not offered by us.
        (["continue"], ["offered"], True, 0),
    ],
)
async def test_who_could_be_offered_chat(past, answers, told, tried, eligible):
    ref = await past.call(NOON, events=[(event, NOON) for event in told])
    for number, action in enumerate(answers):
        await past.asked(ref, action, NOON + number * SECOND)
    if tried:
        await past.attempt(ref, NOON)
    assert (await figures(past))[0] == eligible
    if tried and not eligible:
        assert await counted(past) == ["not_eligible"]


async def test_the_way_from_the_call_to_the_closed_chat(past):
    """Nine callers, one lost before each step, and one who came to the end."""
    entered = await past.call(NOON)
    await past.asked(entered, "continue", NOON, reason="not_on_channel")
    unoffered = await past.call(NOON)
    await past.asked(unoffered, "offer", NOON)
    declined = await past.call(NOON, events=[("offered", NOON), ("declined", NOON)])
    await past.asked(declined, "offer", NOON)
    quota = await past.call(NOON)
    await past.attempt(quota, NOON, outcome="continue", reason="channel_quota", message=False)
    failed = await past.call(NOON)
    await past.attempt(
        failed, NOON, outcome="continue", reason="deadline", status="sent", failed="not_on_channel"
    )
    slow = await past.call(NOON)
    await past.attempt(slow, NOON, outcome="continue", reason="deadline")
    silent = await past.call(NOON, caller=2, events=[("ended", NOON)])
    await past.attempt(silent, NOON, caller=2)
    for caller, answered_by in ((0, "system"), (1, "bot")):
        told = await past.call(NOON, caller=caller, events=[("ended", NOON)])
        await past.attempt(told, NOON, caller=caller, status="accepted")
        await past.wrote(NOON + MINUTE, caller=caller, state="closed", answered_by=answered_by)
    table = await count(past, deflection_funnel, DAYS)
    assert [row["count"] for row in table.rows] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 1]
    assert await lost(past) == {
        "eligible": {"not_on_channel": 1},
        "offered": {"not_offered": 1},
        "accepted": {"declined": 1},
        "sent": {"channel_quota": 1},
        "delivered": {"not_on_channel": 1},
        "hung_up": {"late": 1},
        "wrote": {"silent": 1},
        "answered": {"unanswered": 1},
    }
    assert table.rows[0]["of_previous"] is None
    assert table.rows[1]["of_previous"] == pytest.approx(8 / 9)
    assert table.rows[9]["of_first"] == pytest.approx(1 / 9)


@pytest.mark.parametrize(
    ("state", "by", "expected"),
    [
        ("closed", "operator", {}),
        ("after_hours", "operator", {"closed": {"open": 1}}),
        ("abandoned", "bot", {"closed": {"abandoned": 1}}),
        ("closed", "failed_bot", {"answered": {"unanswered": 1}}),
        (None, None, {"answered": {"unanswered": 1}}),
    ],
)
async def test_what_became_of_the_chat(past, state, by, expected):
    await moved(past)
    await past.wrote(NOON + MINUTE, state=state, answered_by=by)
    assert await lost(past) == expected


async def test_an_empty_period_has_its_days_and_steps_but_no_share(past):
    table = await count(past, voice_to_chat, DAYS, ("day", "line"))
    assert [(row["day"], row["line"], row["share"]) for row in table.rows] == [
        (date(2026, 1, 10), "Main", None),
        (date(2026, 1, 10), "Spare", None),
    ]
    funnel = await count(past, deflection_funnel, DAYS)
    assert {row["count"] for row in funnel.rows} == {0}
    assert {row["of_first"] for row in funnel.rows} == {None}


async def test_one_line_alone(past):
    await moved(past)
    ref = await past.call(NOON, line=1)
    await past.asked(ref, "offer", NOON)
    both = await count(past, voice_to_chat, DAYS, ("line",))
    spare = await count(past, voice_to_chat, DAYS, ("line",), lines=["spare"])
    assert [(row["line"], row["eligible"]) for row in both.rows] == [("Main", 1), ("Spare", 1)]
    assert [(row["line"], row["eligible"]) for row in spare.rows] == [("Spare", 1)]
    assert (await count(past, deflections, DAYS, lines=["spare"])).rows == []


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 1, 9, 21, tzinfo=UTC), date(2026, 1, 10)),
        (datetime(2026, 1, 9, 21, tzinfo=UTC) - MICRO, date(2026, 1, 9)),
        (datetime(2026, 1, 10, 21, tzinfo=UTC) - MICRO, date(2026, 1, 10)),
        (datetime(2026, 1, 10, 21, tzinfo=UTC), date(2026, 1, 11)),
    ],
)
async def test_midnight_is_moscows(past, at, day):
    ref = await past.call(at)
    await past.asked(ref, "offer", at)
    period = Period(date(2026, 1, 9), date(2026, 1, 11), ZoneInfo("Europe/Moscow"))
    rows = (await count(past, voice_to_chat, period, ("day",))).rows
    assert [row["day"] for row in rows if row["eligible"]] == [day]

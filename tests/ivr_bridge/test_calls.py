"""The denominator: events once, late, out of order, a thousand at a time; and the question before the offer."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from ivr_bridge.line import OpeningUse
from ivr_bridge.lines import NumberTaken, put_line
from tests.ivr_bridge.conftest import CALLER, LINE, House, line_draft

NOON = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def told(event: str, second: int = 0, call_id: str = "call-1", **more):
    at = (NOON + timedelta(seconds=second)).isoformat()
    return {"call_id": call_id, "line": LINE, "event": event, "at": at, "caller": CALLER, **more}


LIFE = [
    told("entered"), told("offered", 5), told("offered", 65), told("accepted", 70),
    told("queued", 20), told("returned", 80), told("answered", 90), told("ended", 120),
]  # fmt: skip


async def summary(house: House, call_id: str = "call-1"):
    rows = await house.rows("SELECT * FROM ivr_bridge.call WHERE call_id = $1", call_id)
    return {
        name: value for name, value in dict(rows[0]).items()
        if name not in {"workspace_id", "call_ref", "line_id"}
    }  # fmt: skip


async def test_order_and_repetition_do_not_matter(house: House):
    await house.ivr.post("/v1/calls/events", {"events": LIFE})
    expected = await summary(house)
    assert expected["offers"] == 2
    assert expected["ended_at"] == NOON + timedelta(seconds=120)
    assert expected["first_seen_at"] == NOON
    for seed in range(5):
        shuffled = [{**event, "call_id": f"call-x{seed}"} for event in LIFE * 2]
        random.Random(seed).shuffle(shuffled)
        for event in shuffled[:7]:
            assert (await house.ivr.post("/v1/calls/events", event)).status == 200
        answer = await house.ivr.post("/v1/calls/events", shuffled[7:])
        assert answer.json["accepted"] + answer.json["duplicates"] == len(shuffled) - 7
        assert await summary(house, f"call-x{seed}") == {**expected, "call_id": f"call-x{seed}"}


async def test_an_event_id_makes_two_reports_one(house: House):
    for second in range(3):
        await house.ivr.post("/v1/calls/events", told("offered", second, event_id="e-1"))
    assert (await summary(house))["offers"] == 1


async def test_what_does_not_fit_is_named_and_costs_nothing_else(house: House):
    await house.ivr.post("/v1/calls/events", told("entered", call_id="call-9"))
    answer = await house.ivr.post(
        "/v1/calls/events",
        [
            told("entered"),
            told("exploded"),
            {"call_id": "c", "event": "ended"},
            "text",
            told("entered", line="+74950000000"),
            told("entered", 1, at="yesterday", voice_wait_s="long"),
            told("ended", call_id="call-9", caller="+79005550999"),
            told("entered"),
            told("ended", caller_withheld=True),
        ],
    )
    assert answer.status == 200
    taken = answer.json
    assert [(each["index"], each["code"]) for each in taken["refused"]] == [
        (1, "invalid_request"), (2, "invalid_request"), (3, "invalid_request"),
        (4, "line_unknown"), (6, "idempotency_conflict"),
    ]  # fmt: skip
    assert (taken["accepted"], taken["duplicates"]) == (3, 1)
    assert all(each["detail"] for each in taken["refused"])


async def test_a_thousand_at_once_and_not_one_more(house: House):
    many = [told("entered", call_id=f"call-{number}", caller=None) for number in range(1000)]
    answer = await house.ivr.post("/v1/calls/events", {"events": many})
    assert answer.json == {"accepted": 1000, "duplicates": 0, "refused": []}
    more = await house.ivr.post("/v1/calls/events", {"events": [*many, told("ended")]})
    assert more.status == 400
    assert more.action == "continue"
    empty = await house.ivr.post("/v1/calls/events", [])
    assert empty.status == 400


async def test_a_hang_up_is_executed_when_the_call_ends_and_nobody_answers_it(house: House):
    await house.ivr.deflect()
    await house.ivr.event("ended", at=(datetime.now(UTC) + timedelta(seconds=1)).isoformat())
    assert "hangup_confirmed" in await house.facts()
    assert "answered_after" not in await house.facts()


async def test_a_person_who_answers_after_the_hang_up_shows_that_it_was_not_executed(house: House):
    await house.ivr.deflect()
    later = datetime.now(UTC) + timedelta(seconds=30)
    await house.ivr.event("ended", at=(later + timedelta(seconds=60)).isoformat())
    await house.ivr.event("answered", at=later.isoformat())
    assert {"hangup_confirmed", "answered_after"} <= await house.facts()


async def test_events_may_come_before_the_request_and_learn_its_caller(house: House):
    await house.ivr.event("entered", caller=None)
    assert (await summary(house))["caller"] is None
    assert (await house.ivr.deflect()).action == "hangup"
    assert (await summary(house))["caller"] == CALLER


async def test_an_offer_may_be_made_and_nobody_is_made_by_asking(house: House):
    answer = await house.ivr.eligible()
    assert (answer.status, answer.action, answer.reason) == (200, "offer", "ok")
    assert answer.json["prompt_key"] == "offer"
    assert answer.json["valid_for_s"] == 60
    assert answer.json["variant"] == "treat"
    assert answer.json["reachability"] == "unknown"
    assert await house.network.counts() == {}
    assert await house.value("SELECT count(*) FROM messaging.contact") == 0
    row = (await house.rows("SELECT * FROM ivr_bridge.eligibility"))[0]
    assert (row["action"], row["arm"]) == ("offer", "treat")
    assert {"rule": "consent", "saw": "skipped"} in row["trace"]


async def test_no_is_remembered_and_silence_is_not_no(house: House):
    await house.ivr.eligible()
    await house.ivr.event("offered")
    assert (await house.ivr.eligible(attempt=2)).action == "offer"
    await house.ivr.event("declined")
    assert (await house.ivr.eligible(attempt=3)).reason == "declined"
    assert (await house.ivr.eligible("call-2")).reason == "declined"
    # Whoever presses 1 all the same was promised a message.
    assert (await house.ivr.deflect("call-2")).action == "hangup"
    assert (await house.ivr.eligible("call-3", "+79005550102")).action == "offer"


async def test_a_line_may_forget_a_no_with_the_call(house: House):
    await house.change_line(declined_s=0)
    await house.ivr.event("declined")
    assert (await house.ivr.eligible()).reason == "declined"
    assert (await house.ivr.eligible("call-2")).action == "offer"


async def test_a_caller_who_is_back_goes_to_a_person(house: House):
    await house.ivr.deflect()
    answer = await house.ivr.eligible("call-2")
    assert (answer.action, answer.reason) == ("continue", "repeat_call")
    assert answer.json["prompt_key"] == "stay_on_line"
    assert "repeat_call" in await house.facts()
    await house.change_line(repeat_call_s=0)
    assert (await house.ivr.eligible("call-3")).action == "offer"


async def test_eligibility_knows_another_caller_under_the_same_call_id(house: House):
    await house.ivr.eligible()
    answer = await house.ivr.eligible(caller="+79005550102")
    assert (answer.status, answer.action) == (409, "continue")


async def test_an_account_that_is_stopped_or_a_template_that_is_paused_offers_nothing(house: House):
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE messaging.template SET state = 'paused'")
    assert (await house.ivr.eligible()).reason == "template_blocked"
    for remembered in house.fresh:
        remembered.clear()
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE messaging.template SET state = 'approved'")
        await tx.execute(
            "UPDATE messaging.account SET stopped_until = now() + interval '1 hour', stopped_code = '190'"
        )
    assert (await house.ivr.eligible("call-2")).reason == "channel_down"
    assert (await house.ivr.deflect("call-3")).reason == "channel_down"
    assert await house.network.counts() == {}


@pytest.mark.parametrize(
    "written", [LINE, "78002500000", "88002500000", "8 (800) 250-00-00", "8002500000", "main",
                "sip:88002500000@pbx", " 78002500000"],
)  # fmt: skip
async def test_a_line_is_found_however_the_pbx_writes_it(house: House, written: str):
    assert (await house.ivr.eligible(line=written)).reason == "ok"


async def test_applying_a_line_twice_changes_nothing_and_numbers_belong_to_one(house: House):
    async with house.database.workspace(house.workspace_id) as tx:
        first = await put_line(tx, line_draft())
        assert await put_line(tx, line_draft()) == first
    with pytest.raises(NumberTaken):
        async with house.database.workspace(house.workspace_id) as tx:
            await put_line(tx, line_draft(name="second"))
    async with house.database.workspace(house.workspace_id) as tx:
        await put_line(tx, line_draft(numbers=["+78002500009"]))
        await put_line(tx, line_draft(name="second"))
    assert await house.value("SELECT count(*) FROM ivr_bridge.line_number") == 2


async def test_the_callers_language_opens_the_chat_when_the_line_has_it(house: House):
    await house.change_line(
        opening={
            "ru": OpeningUse("call_to_chat", ("{topic|ваш вопрос}",)),
            "en": OpeningUse("missing"),
        },
        topics={"order": {"ru": "заказ"}},
    )
    await house.ivr.deflect(language="RU-ru", intent="order")
    assert "заказ" in await house.value("SELECT text FROM messaging.message")
    assert (
        await house.ivr.deflect("call-2", "+79005550102", language="en")
    ).reason == "template_blocked"
    assert (await house.ivr.deflect("call-3", "+79005550103", language="xx")).action == "hangup"

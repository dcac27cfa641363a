"""A call comes in over HTTP, the caller gets the opening, the IVR is told what to do, always in time."""

import asyncio

import pytest

from tests.ivr_bridge.conftest import CALLER, LINE, House


async def test_a_reachable_caller_is_told_goodbye_after_the_message_went_out(house: House):
    told = await house.ivr.deflect()
    assert told.status == 200
    assert (told.action, told.reason) == ("hangup", "ok")
    assert told.json["prompt_key"] == "sent_goodbye"
    assert told.json["state"] in {"sent", "delivered"}
    assert list(told.json)[-1] == "action"
    assert await house.network.openings(CALLER) == 1
    row = (await house.rows("SELECT * FROM ivr_bridge.deflection"))[0]
    assert (row["outcome"], row["decided_by"]) == ("hangup", "race")
    assert (
        await house.value("SELECT count(*) FROM core.job WHERE kind = 'ivr_bridge.rescue_check'")
        == 1
    )


async def test_fifty_requests_with_one_call_id_put_one_message_on_the_wire(house: House):
    told = await asyncio.gather(*(house.ivr.deflect(deadline_ms=10_000) for _ in range(50)))
    assert {answer.action for answer in told} == {"hangup"}
    assert len({answer.json["deflection_id"] for answer in told}) == 1
    assert await house.network.openings(CALLER) == 1
    assert await house.value("SELECT count(*) FROM ivr_bridge.deflection") == 1


async def test_a_number_that_is_not_on_whatsapp_goes_on_before_the_deadline(house: House):
    await house.network.behave(CALLER, "not_on_whatsapp")
    told = await house.ivr.deflect(deadline_ms=1500)
    assert (told.action, told.reason) == ("continue", "not_on_channel")
    assert told.json["evidence"] == "failed_now"
    assert told.took_s < 1.5


async def test_a_failure_right_after_sent_is_seen_within_the_grace(house: House):
    await house.change_line(grace_ms=800)
    await house.network.behave(CALLER, "not_on_whatsapp_after_sent")
    told = await house.ivr.deflect()
    assert (told.action, told.reason) == ("continue", "not_on_channel")


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("slow", "deadline"),
        ("silent", "deadline"),
        ("held", "deadline"),
        ("manual", "deadline"),
        ("breaks", None),
        ("throttled", "channel_throttled"),
        ("ecosystem", "frequency_cap"),
        ("refused", "not_on_channel"),
    ],
)
async def test_whatever_the_provider_does_the_answer_is_in_time(
    house: House, behaviour: str, reason: str | None
):
    extra = {"delivered_ms": 5000, "sent_ms": 5000} if behaviour in {"slow", "breaks"} else {}
    await house.network.behave(CALLER, behaviour, **extra)
    told = await house.ivr.deflect(deadline_ms=1200)
    assert told.took_s < 1.2
    assert told.action == "continue"
    assert told.reason == (reason or "deadline")
    assert await house.network.openings(CALLER) == 1
    await house.network.ask("POST", "/sandbox/release", {})


async def test_another_caller_under_the_same_call_id_is_refused_and_goes_on(house: House):
    await house.ivr.deflect()
    told = await house.ivr.deflect(caller="+79005550102")
    assert told.status == 409
    assert told.json["code"] == "idempotency_conflict"
    assert list(told.json)[-1] == "action"
    assert told.action == "continue"
    assert await house.network.counts() == {CALLER: 1}


async def test_an_unknown_line_is_an_answer_and_not_an_error(house: House):
    told = await house.ivr.deflect(line="+74950000000")
    assert (told.status, told.action, told.reason) == (200, "continue", "line_unknown")


async def test_the_three_fields_of_a_plain_dialplan_are_enough(house: House):
    body = f"call_id=1759.1&caller=8 (900) 555-01-01&line={LINE}".encode()
    told = await house.ivr.post("/v1/deflections?format=text", raw=body)
    assert told.body == b"hangup"
    assert await house.network.counts() == {CALLER: 1}

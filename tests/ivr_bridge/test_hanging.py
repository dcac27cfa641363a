"""A database that does not answer keeps no caller waiting: the call goes on, in time."""

import asyncio

import pytest

from ivr_bridge.deflections import BEGIN_WITHIN_S
from ivr_bridge.reading import deadline_named
from tests.ivr_bridge.conftest import CALLER, KEY, LINE, House
from tests.locks import nobody_reads

BODY = {"call_id": "call-1", "caller": CALLER, "line": LINE}


@pytest.mark.parametrize(
    "table", ["core.api_key", "ivr_bridge.line", "messaging.address", "ivr_bridge.call"]
)
async def test_every_question_is_answered_in_time(house: House, database_url: str, table: str):
    moved = await house.ivr.deflect("call-0")
    house.forget()
    if table == "core.api_key":
        house.ivr.key = "ib_one-that-nobody-remembers"
    async with nobody_reads(database_url, table):
        for path in ("/v1/eligibility", "/v1/deflections"):
            told = await house.ivr.post(path, {**BODY, "deadline_ms": 700})
            assert (told.status, told.action) == (503, "continue"), path
            assert told.took_s < 0.7, path
        if table in {"core.api_key", "ivr_bridge.line"}:
            told = await house.ivr.get(f"/v1/deflections/{moved.json['deflection_id']}")
            assert (told.status, told.action) == (503, "continue")
            assert told.took_s < 1.5
    house.ivr.key = KEY
    assert (await house.ivr.eligible("call-2")).status == 200


async def test_an_event_told_in_mid_call_is_not_waited_for(house: House, database_url: str):
    async with nobody_reads(database_url, "ivr_bridge.call"):
        told = await house.ivr.event("queued")
        assert (told.status, told.action) == (503, "continue")
        assert told.took_s < 1.5
    assert (await house.ivr.event("queued")).json["accepted"] == 1


async def test_a_no_that_cannot_be_written_down_goes_on_in_time(house: House, database_url: str):
    async with nobody_reads(database_url, "ivr_bridge.call_event"):
        told = await house.ivr.post(
            "/v1/deflections?format=twiml&answers=offer",
            {**BODY, "digits": "2", "deadline_ms": 700},
        )
    assert (told.status, b"Hangup" in told.body) == (200, False)
    assert told.took_s < 0.7


async def test_a_database_that_hangs_is_a_continue_within_a_second(house: House):
    house.deflections._begin_within_s = BEGIN_WITHIN_S
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("LOCK TABLE ivr_bridge.call IN ACCESS EXCLUSIVE MODE")
        told = await house.ivr.deflect()
    assert told.status == 503
    assert told.action == "continue"
    assert told.took_s < 1.5
    assert "Retry-After" in told.headers


async def test_a_database_that_hangs_in_mid_race_is_a_continue_in_time(house: House):
    await house.network.behave(CALLER, "reachable", sent_ms=300)
    deciding = asyncio.ensure_future(house.ivr.deflect(deadline_ms=1500))
    await house.network.wire(CALLER, kind="opening", wait_ms=3000)
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("LOCK TABLE ivr_bridge.deflection IN ACCESS EXCLUSIVE MODE")
        told = await deciding
    assert told.action == "continue"
    assert told.took_s < 1.5
    # Nobody was told to hang up, and nobody is once the attempt's time is over, which the database
    # says: it began to count when it wrote the attempt down, a moment after the request.
    async with asyncio.timeout(20):
        while not await house.value(  # noqa: ASYNC110 - the database tells nobody
            "SELECT pending_until < clock_timestamp() FROM ivr_bridge.deflection"
        ):
            await asyncio.sleep(0.02)
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    again = await house.ivr.deflect()
    assert again.action == "continue"


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ((b'{"deadline_ms":1500}',), 1500),
        ((b'{"deadline_ms" : "1500"}',), 1500),
        ((b"call_id=c&deadline_ms=1500&line=x",), 1500),
        ((b"", b"/v1/eligibility?deadline_ms=900&format=text"), 900),
        ((b'{"deadline_ms":"soon"}', b"/v1/eligibility"), None),
        ((b"", b""), None),
    ],
)
def test_a_deadline_is_seen_before_it_is_known_who_asks(parts, found):
    assert deadline_named(*parts) == found

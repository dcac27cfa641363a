"""One key may have so much in hand at once; others are answered meanwhile."""

import asyncio
from dataclasses import replace

import pytest

from core.access.keys import put_key
from ivr_bridge.shares import Shares, TooManyAtOnce
from tests.ivr_bridge.conftest import CALLER, LINE, House


def test_what_is_laid_down_may_be_taken_again():
    shares = Shares(2)
    first, _ = shares.take("a"), shares.take("a")
    with pytest.raises(TooManyAtOnce):
        shares.take("a")
    shares.take("b")()
    first()
    shares.take("a")
    with pytest.raises(TooManyAtOnce):
        shares.take("a")


async def test_a_flood_through_one_key_leaves_room_for_the_others(house: House):
    house.shares.at_once = 2
    async with house.database.workspace(house.workspace_id) as tx:
        await put_key(tx, name="other", key="ib_another-key-of-tests-01", scopes=["ivr"])
    other = replace(house.ivr, key="ib_another-key-of-tests-01")
    waiting = [f"+7900555060{n}" for n in range(2)]
    for number in waiting:
        await house.network.behave(number, "manual")
    held = [
        asyncio.ensure_future(house.ivr.deflect(f"call-{number}", number, deadline_ms=2500))
        for number in waiting
    ]
    for number in waiting:
        await house.network.wire(number, kind="opening", wait_ms=3000)
    for told in (
        await house.ivr.eligible("more"),
        await house.ivr.deflect("more"),
        await house.ivr.event("entered", "more"),
    ):
        assert (told.status, told.json["code"], told.action) == (429, "rate_limited", "continue")
        assert told.headers["Retry-After"] == "1"
    body = {"call_id": "more", "caller": CALLER, "line": LINE}
    form = await house.ivr.post("/v1/deflections?format=form", body)
    assert form.body.endswith(b"&action=continue&end=1")
    twiml = await house.ivr.post("/v1/deflections?format=twiml", body)
    assert (twiml.status, b"<Response" in twiml.body) == (200, True), "the line says how to go on"
    assert (await other.eligible("more")).reason == "ok"
    begun = await house.value("SELECT count(*) FROM ivr_bridge.deflection")
    assert begun == 2, "what is refused is begun by nobody"
    # What was begun is answered to its end, and makes room.
    assert {told.reason for told in await asyncio.gather(*held)} == {"deadline"}
    assert (await house.ivr.eligible("more")).reason == "ok"
    # Whoever is refused for something else has nothing in hand afterwards.
    for _ in range(3):
        assert (await house.ivr.post("/v1/deflections", {"line": LINE})).status == 400
    assert (await house.ivr.deflect("more")).action == "hangup"

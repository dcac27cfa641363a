"""An IVR that may ask again polls until there is a decision, and not for ever."""

from tests.ivr_bridge.conftest import CALLER, House


async def test_polling_loops_until_there_is_a_decision(house: House):
    await house.network.behave(CALLER, "reachable", sent_ms=1500, delivered_ms=2000)
    told = await house.ivr.deflect(can_poll=True, deadline_ms=900)
    assert (told.action, told.json["prompt_key"]) == ("poll", "please_wait")
    assert told.json["poll_after_ms"] > 0
    path = f"/v1/deflections/{told.json['deflection_id']}"
    at_once = await house.ivr.get(path)
    assert at_once.action == "poll"
    waited = await house.ivr.get(path + "?wait_ms=8000")
    assert (waited.action, waited.json["evidence"]) == ("hangup", "delivered_now")
    assert (await house.ivr.get(path + "?format=text")).body == b"hangup"
    assert await house.network.counts() == {CALLER: 1}


async def test_polling_ends_when_the_attempts_time_is_over(house: House):
    await house.network.behave(CALLER, "manual")
    told = await house.ivr.deflect(can_poll=True, deadline_ms=900)
    assert told.action == "poll"
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE ivr_bridge.deflection SET pending_until = now() - interval '1 second'"
        )
    over = await house.ivr.get(f"/v1/deflections/{told.json['deflection_id']}?wait_ms=100")
    assert (over.action, over.reason) == ("continue", "deadline")


async def test_a_line_without_polling_never_says_poll(house: House):
    await house.change_line(can_poll=False)
    await house.network.behave(CALLER, "manual")
    told = await house.ivr.deflect(can_poll=True, deadline_ms=900)
    assert told.action == "continue"

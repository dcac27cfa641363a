"""The IVR is told in time that nothing was sent, and the caller keeps the place in the queue."""

import pytest

from sandbox.client import Phone
from tests.journeys.story import deflection_of, is_offered_chat
from tests.product import LINE, Product


@pytest.mark.parametrize("behaviour", ["not_on_whatsapp", "not_on_whatsapp_after_sent"])
async def test_the_caller_is_kept(product: Product, phone: Phone, behaviour: str):
    await product.sandbox.behave(phone.number, behaviour)
    await is_offered_chat(phone)
    await phone.press("1")
    call = await phone.wait_for_call(lambda call: call["outcome"] == "continue")

    assert call["state"] == "queue"
    assert call["ended_by"] is None
    asked = next(step for step in call["api"] if step["path"].startswith("/v1/deflections"))
    assert asked["reply"]["reason"] == "not_on_channel"
    assert asked["elapsed_ms"] < asked["request"]["deadline_ms"]
    assert (await deflection_of(product, phone))["outcome"] == "continue"
    await phone.hang_up()


async def test_the_next_call_of_this_number_gets_no_offer(product: Product, phone: Phone):
    await product.sandbox.behave(phone.number, "not_on_whatsapp")
    refused = await product.deflect(phone.number)
    assert (refused["action"], refused["reason"]) == ("continue", "not_on_channel")

    async with product.post(
        "/v1/eligibility", {"call_id": "again", "caller": phone.number, "line": LINE}
    ) as response:
        answer = await response.json()
    assert (answer["action"], answer["reachability"]) == ("continue", "unreachable")
    assert answer["reason"] == "not_on_channel"
    assert await product.sandbox.openings(phone.number) == 1

"""Pressed 1 and put the phone down: what was promised comes all the same."""

from sandbox.client import Phone
from tests.journeys.story import is_offered_chat
from tests.product import ACCOUNT, Product


async def test_the_message_comes_and_the_case_is_marked(product: Product, phone: Phone):
    await product.sandbox.behave(phone.number, "reachable", sent_ms=900, delivered_ms=1200)
    await is_offered_chat(phone)
    await phone.press("1")
    await product.sandbox.wire(phone.number, kind="opening", wait_ms=5000)
    call = await phone.hang_up()
    assert (call["state"], call["ended_by"]) == ("ended", "caller")

    opening = await phone.wait_for(ACCOUNT)
    assert opening["kind"] == "template"
    await product.until(
        "SELECT 1 FROM ivr_bridge.fact f JOIN ivr_bridge.deflection d USING (workspace_id, deflection_id)"
        " JOIN ivr_bridge.call c USING (workspace_id, call_ref)"
        " WHERE f.fact = 'caller_left' AND c.call_id = $1",
        call["id"],
    )
    assert await product.sandbox.openings(phone.number) == 1
    assert not await product.rows("SELECT 1 FROM ivr_bridge.rescue WHERE caller = $1", phone.number)

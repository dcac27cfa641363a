"""The message reached somebody who never called: one tap, and the company leaves them alone."""

from sandbox.client import Phone
from tests.journeys.story import deflection_of, moves_to_chat
from tests.product import ACCOUNT, Product


async def test_not_me_is_remembered(product: Product, phone: Phone):
    await moves_to_chat(phone)
    await phone.tap(ACCOUNT, "Это не я")
    await product.until(
        "SELECT 1 FROM messaging.opt_out o JOIN messaging.address a USING (workspace_id, contact_id)"
        " WHERE a.value = $1",
        phone.number,
    )
    deflection = await deflection_of(product, phone)
    await product.until(
        "SELECT 1 FROM ivr_bridge.fact WHERE fact = 'not_me' AND deflection_id = $1",
        deflection["deflection_id"],
    )
    answer = await product.deflect(phone.number)
    assert (answer["action"], answer["reason"]) == ("continue", "opted_out")
    assert await product.sandbox.openings(phone.number) == 1
    [row] = await product.rows(
        "SELECT state, closed_reason FROM handoff.conversation WHERE conversation_id = $1",
        deflection["conversation_id"],
    )
    assert (row["state"], row["closed_reason"]) == ("closed", "not_me")

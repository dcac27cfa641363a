"""A landline or a withheld number cannot be written to; the mobile that its caller keys in can, with care."""

from sandbox.client import Phone
from tests.journeys.story import has_button
from tests.product import ACCOUNT, Product

LANDLINE = "+74951234567"


async def test_a_mobile_is_keyed_in(product: Product, phone: Phone):
    assert (await product.deflect("anonymous"))["reason"] == "caller_withheld"
    assert (await product.deflect(LANDLINE))["reason"] == "not_mobile"

    keyed = phone.number.replace("+7", "8", 1)  # as people key it in
    moved = await product.deflect(
        LANDLINE, caller_withheld=True, messenger_number=keyed, deadline_ms=6000
    )
    assert (moved["action"], moved["channel"]) == ("hangup", "whatsapp")
    await phone.wait_for(ACCOUNT, lambda message: message["kind"] == "template")
    await phone.tap(ACCOUNT, "Продолжить")
    await phone.wait_for(ACCOUNT, lambda message: has_button(message, "Оператор"))
    [call] = await product.rows(
        "SELECT c.caller, d.asked ->> 'keyed_in' AS keyed_in FROM ivr_bridge.call c"
        " JOIN ivr_bridge.deflection d USING (call_ref)"
        " JOIN messaging.address a ON a.contact_id = d.contact_id WHERE a.value = $1",
        phone.number,
    )
    assert call["caller"] is None, "a withheld number is not kept, whatever the trunk passes on"
    assert call["keyed_in"] == "true"

    # Nobody proved that it is theirs: two an hour, whoever keys it in. The owner may call.
    again = await product.deflect(LANDLINE, messenger_number=keyed, deadline_ms=6000)
    assert (again["action"], again["reason"]) == ("hangup", "resumed")
    refused = await product.deflect(LANDLINE, messenger_number=keyed, deadline_ms=6000)
    assert (refused["action"], refused["reason"]) == ("continue", "velocity")
    own = await product.deflect(phone.number, deadline_ms=6000)
    assert (own["action"], own["reason"]) == ("hangup", "resumed")

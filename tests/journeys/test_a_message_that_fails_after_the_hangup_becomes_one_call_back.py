"""The caller hung up on our word and the message then failed: somebody calls back, exactly once."""

import asyncio

from sandbox.client import Phone
from tests.journeys.desk import at_the_desk
from tests.product import ACCOUNT, LINE, Product


async def stranded(product: Product, phone: Phone) -> str:
    """`hangup` on the strength of a `sent`, after which the provider says that it failed, twice."""
    await product.sandbox.behave(phone.number, "manual")
    deflecting = product.deflect(phone.number)
    answer = (await asyncio.gather(deflecting, sent_soon(product, phone)))[0]
    assert (answer["action"], answer["evidence"]) == ("hangup", "sent_quiet"), answer
    await product.sandbox.status("failed", to=phone.number, code=131026, copies=2)
    return str(answer["deflection_id"])


async def test_an_operator_gets_exactly_one_call_back(product: Product, phone: Phone):
    async with at_the_desk(product) as olga:
        deflection_id = await stranded(product, phone)
        reservation = await olga.offered()
        waiting = reservation["conversation"]
        assert waiting["kind"] == "callback"
        assert waiting["queue"]["title"] == "Call back"
        assert waiting["call"]["deflection_id"] == deflection_id
        assert waiting["call"]["rescue"] is True
        assert waiting["call"]["line"]["number"] == LINE

        await product.sandbox.status("failed", to=phone.number, code=131026, copies=3)
        await product.sandbox.flush()
        await olga.accept(reservation)
        rescues = await product.rows(
            "SELECT c.conversation_id FROM handoff.conversation c JOIN messaging.address a"
            " USING (workspace_id, contact_id) WHERE c.kind = 'callback' AND a.value = $1",
            phone.number,
        )
        assert len(rescues) == 1


async def test_the_call_back_disappears_when_the_customer_writes(product: Product, phone: Phone):
    async with at_the_desk(product) as olga:
        await stranded(product, phone)
        reservation = await olga.offered()
        await phone.write(ACCOUNT, "Я тут, пишу сам")
        await olga.until(lambda: olga.gone.get(reservation["id"]))
        assert olga.gone[reservation["id"]] == "rescinded"
        await olga.shows(reservation["conversation"], "closed", "abandoned")


async def test_the_call_back_disappears_when_the_customer_calls(product: Product, phone: Phone):
    async with at_the_desk(product) as olga:
        await stranded(product, phone)
        reservation = await olga.offered()
        await phone.dial(LINE, "ru")
        await olga.until(lambda: olga.gone.get(reservation["id"]))
        await olga.shows(reservation["conversation"], "closed", "abandoned")
        await phone.hang_up()


async def sent_soon(product: Product, phone: Phone) -> None:
    """The provider says `sent` as soon as it has taken the message."""
    await product.until(
        "SELECT 1 FROM messaging.message m JOIN messaging.address a USING (workspace_id, address_id)"
        " WHERE m.purpose = 'opening' AND m.status = 'accepted' AND a.value = $1",
        phone.number,
    )
    await product.sandbox.status("sent", to=phone.number)

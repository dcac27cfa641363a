"""One operator says no or does not look: the next one gets it, its age kept."""

from sandbox.client import Phone
from tests.journeys.desk import at_the_desk
from tests.journeys.story import asks_for_a_person, moves_to_chat
from tests.product import Product


async def test_declined(product: Product, phone: Phone):
    async with (
        at_the_desk(product, "operator") as olga,
        at_the_desk(product, "second_operator", declared="busy") as ivan,
    ):
        await moves_to_chat(phone)
        await asks_for_a_person(phone)
        first = await olga.offered()
        await ivan.declare("online")
        await olga.decline(first)
        second = await ivan.offered()
        assert second["conversation"]["id"] == first["conversation"]["id"]
        assert second["conversation"]["enqueued_at"] == first["conversation"]["enqueued_at"]
        await olga.until(lambda: olga.gone.get(first["id"]) == "declined" or None)
        accepted = await ivan.accept(second)
        assert accepted["operator"]["name"] == "Ivan Sokolov"


async def test_not_answered_in_time(product: Product, phone: Phone):
    await product.rows("UPDATE handoff.queue SET reservation_s = 5 WHERE name = 'orders'")
    async with (
        at_the_desk(product, "operator") as olga,
        at_the_desk(product, "second_operator", declared="busy") as ivan,
    ):
        await moves_to_chat(phone)
        await asks_for_a_person(phone)
        first = await olga.offered()
        await ivan.declare("online")
        second = await ivan.offered()
        assert second["conversation"]["id"] == first["conversation"]["id"]
        await olga.until(lambda: olga.gone.get(first["id"]) == "timed_out" or None)
        await ivan.accept(second)

"""A laptop that slept: the page asks for what came since, and shows what the database holds."""

from sandbox.client import Phone
from tests.journeys.desk import at_the_desk
from tests.journeys.story import reaches, said
from tests.product import ACCOUNT, Product


async def test_messages_marks_and_states(product: Product, phone: Phone):
    async with at_the_desk(product) as olga:
        conversation = await reaches(phone, olga)
        await olga.write(conversation, "Посмотрю и напишу")
        await phone.wait_for(ACCOUNT, said("Посмотрю и напишу"))
        cursor = olga.cursor
        await olga.disconnect()

        await phone.open_chat(ACCOUNT)
        await phone.write(ACCOUNT, "Хорошо, жду")
        await product.until(
            "SELECT 1 FROM messaging.message WHERE text = 'Посмотрю и напишу' AND status = 'read'"
        )
        await product.until("SELECT 1 FROM messaging.message WHERE text = 'Хорошо, жду'")

        await olga.connect(since=cursor)
        assert olga.welcome["resumed"] is True
        await olga.sees(conversation, said("Хорошо, жду"))
        await olga.sees(
            conversation,
            lambda one: one["text"] == "Посмотрю и напишу" and one["delivery"]["state"] == "read",
        )
        shown = await olga.until(
            lambda: (
                olga.conversations[conversation["id"]]
                if olga.conversations[conversation["id"]]["unread"]
                else None
            )
        )
        transcript = await olga.transcript(conversation)
        assert shown["last_seq"] == transcript[-1]["seq"]
        live = olga.messages[conversation["id"]]
        assert all(
            live[one["id"]]["text"] == one["text"] for one in transcript if one["id"] in live
        )


async def test_a_cursor_of_another_world_gets_a_snapshot(product: Product, phone: Phone):
    async with at_the_desk(product) as olga:
        conversation = await reaches(phone, olga)
        await olga.disconnect()
        await olga.connect(since="99999999999999")
        assert olga.welcome["resumed"] is False
        assert conversation["id"] in {one["id"] for one in olga.welcome["conversations"]}

"""The desk is closed in the middle of a chat: after the grace the customer gets somebody else."""

import pytest

from sandbox.client import Phone
from tests.journeys.desk import Refusal, at_the_desk
from tests.journeys.story import reaches, said
from tests.product import ACCOUNT, Product


async def test_the_conversation_comes_back_with_its_age(product: Product, phone: Phone):
    await product.rows("UPDATE handoff.queue SET grace_s = 1")
    async with at_the_desk(product) as olga:
        conversation = await reaches(phone, olga)
        await phone.write(ACCOUNT, "Вы ещё здесь?")
        await olga.sees(conversation, said("Вы ещё здесь?"))
        await olga.disconnect()

        async with at_the_desk(product, "second_operator") as ivan:
            again = await ivan.offered()
            assert again["conversation"]["id"] == conversation["id"]
            accepted = await ivan.accept(again)
            assert accepted["enqueued_at"] == conversation["enqueued_at"]
            assert accepted["epoch"] > conversation["epoch"]
            await ivan.write(accepted, "Да, теперь отвечаю я")
            await phone.wait_for(ACCOUNT, said("Да, теперь отвечаю я"))
            # The one who was gone comes back to a stale page.
            with pytest.raises(Refusal) as refusal:
                await olga.write(conversation, "А это опоздало")
            assert refusal.value.code in {"stale_epoch", "not_yours"}
            assert not any(
                message["text"] == "А это опоздало" for message in await phone.messages(ACCOUNT)
            )


async def test_back_within_the_grace_it_stays(product: Product, phone: Phone):
    await product.rows("UPDATE handoff.queue SET grace_s = 60")
    async with at_the_desk(product) as olga:
        conversation = await reaches(phone, olga)
        cursor = olga.cursor
        await olga.disconnect()
        await product.until("SELECT 1 FROM handoff.operator_state WHERE link = 'grace'")
        await phone.write(ACCOUNT, "Пишу, пока вас нет")
        await product.until("SELECT 1 FROM messaging.message WHERE text = 'Пишу, пока вас нет'")
        await olga.connect(since=cursor)
        await olga.sees(conversation, said("Пишу, пока вас нет"))
        await olga.until(lambda: olga.presence["link"] == "connected" or None)
        assert olga.presence["declared"] == "online"
        await olga.write(conversation, "Я снова тут")
        await phone.wait_for(ACCOUNT, said("Я снова тут"))

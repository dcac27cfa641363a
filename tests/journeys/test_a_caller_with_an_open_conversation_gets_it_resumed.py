"""Calling again about the same thing: the conversation goes on, with the new call's context."""

from sandbox.client import Phone
from tests.journeys.desk import Json, at_the_desk
from tests.journeys.story import from_business, moves_to_chat, reaches
from tests.product import ACCOUNT, LINE, Product


async def test_no_second_template_and_the_same_operator(product: Product, phone: Phone):
    async with at_the_desk(product) as olga:
        conversation = await reaches(phone, olga)
        answer = await product.deflect(
            phone.number, call_id="second-call", language="ru", intent="returns"
        )
        assert (answer["action"], answer["reason"]) == ("hangup", "resumed")
        assert (await phone.wait_for(ACCOUNT, from_business("Toyshop")))["kind"] != "template"
        assert await product.sandbox.openings(phone.number) == 1

        shown = await olga.until(lambda: with_call(olga.conversations, "second-call"))
        assert shown["id"] == conversation["id"]
        assert shown["state"] == "active"
        assert shown["call"]["intent"] == "returns"
        assert shown["call"]["line"]["number"] == LINE
        assert shown["call"]["earlier_calls"] >= 1


async def test_with_the_bot_too(product: Product, phone: Phone):
    await moves_to_chat(phone)
    await phone.tap(ACCOUNT, "Продолжить")
    await phone.wait_for(ACCOUNT, from_business("бот"))
    answer = await product.deflect(phone.number)
    assert (answer["action"], answer["reason"]) == ("hangup", "resumed")
    assert await product.sandbox.openings(phone.number) == 1
    rows = await product.rows(
        "SELECT c.state FROM handoff.conversation c JOIN messaging.address a"
        " USING (workspace_id, contact_id) WHERE a.value = $1",
        phone.number,
    )
    assert [row["state"] for row in rows] == ["bot"]


def with_call(conversations: dict[str, Json], call_id: str) -> Json | None:
    return next(
        (one for one in conversations.values() if (one["call"] or {}).get("call_id") == call_id),
        None,
    )

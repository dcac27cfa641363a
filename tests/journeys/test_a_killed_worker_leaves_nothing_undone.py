"""kill -9 of the worker while the bot thinks, or while a reply is on the wire."""

import asyncio
import json
import time
from typing import Any

from sandbox.client import Phone
from tests.journeys.desk import at_the_desk
from tests.journeys.story import asks_for_a_person, from_business, moves_to_chat
from tests.product import ACCOUNT, Product


async def test_in_the_middle_of_a_bots_turn(own_product: Product, phone: Phone):
    product = own_product
    await moves_to_chat(phone)
    await phone.write(ACCOUNT, "Сколько стоит доставка?")
    await product.until("SELECT 1 FROM core.job WHERE kind LIKE '%bot%'")
    product.worker.kill()
    began = time.monotonic()
    product.worker.start()
    await phone.wait_for(ACCOUNT, from_business("290"), seconds=30)
    assert time.monotonic() - began < 30
    # Everything that could say it twice is done.
    await product.until(
        "SELECT 1 WHERE NOT EXISTS (SELECT FROM core.job"
        " WHERE lane IS NOT NULL AND (state = 'running' OR due_at <= now()))"
    )
    answers = [one for one in await phone.messages(ACCOUNT) if "290" in (one["text"] or "")]
    assert len(answers) == 1


async def test_while_a_reply_is_on_the_wire(own_product: Product, phone: Phone):
    product = own_product
    async with at_the_desk(product) as olga:
        await moves_to_chat(phone)
        await asks_for_a_person(phone)
        conversation = await olga.accept(await olga.offered())
        await product.sandbox.behave(phone.number, "held")
        await olga.write(conversation, "Один раз и не больше")
        since = await on_the_wire(product, phone, "Один раз и не больше")
        product.worker.kill()
        await product.sandbox.behave(phone.number, "reachable")
        await the_leases_run_out(product)
        product.worker.start()

        # Whether it was taken is not known, and is shown so; a person decides.
        await olga.sees(
            conversation,
            lambda one: (
                one["text"] == "Один раз и не больше" and one["delivery"]["state"] == "unknown"
            ),
        )
        assert since == await on_the_wire(product, phone, "Один раз и не больше")
        # What comes after is not held up.
        await olga.write(conversation, "Следующее")
        await phone.wait_for(ACCOUNT, lambda one: one["text"] == "Следующее")


async def on_the_wire(product: Product, phone: Phone, text: str) -> list[int]:
    """Which requests carried these words; waits for the first."""
    async with asyncio.timeout(10):
        while True:
            wire = await product.sandbox.wire(phone.number, kind="message", wait_ms=1000)
            if found := [one["seq"] for one in wire if text in words_of(one)]:
                return found
            await asyncio.sleep(0.05)


async def the_leases_run_out(product: Product) -> None:
    """What the dead held comes back within 30 s: it is looked at, and not waited for."""
    for table in ("core.job", "messaging.message"):
        held = await product.rows(
            f"SELECT leased_until < clock_timestamp() + interval '30 s' AS soon FROM {table}"
            " WHERE leased_until IS NOT NULL"
        )
        assert held, table
        assert all(row["soon"] for row in held)
        await product.rows(
            f"UPDATE {table} SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL"
        )


def words_of(record: dict[str, Any]) -> str:
    """The text of a request that reached the wire."""
    return str(json.loads(record["body"]).get("text", {}).get("body", ""))

"""kill -9 of the worker: while the bot thinks, while a reply is on the wire, inside a return to voice."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from sandbox.client import Phone
from tests.journeys.desk import at_the_desk
from tests.journeys.dialler import dialler
from tests.journeys.story import asks_for_a_person, from_business, moves_to_chat
from tests.product import ACCOUNT, Product

KEPT = from_business("место в очереди сохранено")


async def test_in_the_middle_of_a_bots_turn(own_product: Product, phone: Phone):
    product = own_product
    await moves_to_chat(phone)
    await phone.write(ACCOUNT, "Сколько стоит доставка?")
    await product.until("SELECT 1 FROM core.job WHERE kind LIKE '%bot%'")
    product.worker.kill()
    product.worker.start()
    await product.working()
    began = time.monotonic()
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
        await the_leases_run_out(product, "core.job", "messaging.message")
        product.worker.start()
        await product.working()

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


async def test_inside_a_return_to_voice(own_product: Product, phone: Phone):
    product = own_product
    async with dialler(product, promise_s=30, mode="auto") as system:
        await moves_to_chat(phone)
        await asks_for_a_person(phone)
        (chat,) = await product.until(
            "SELECT conversation_id FROM handoff.conversation"
            " WHERE state = 'queued' AND card ->> 'caller' = $1",
            phone.number,
        )
        async with nobody_may_write(product, "ivr_bridge.voice_return") as stuck:
            await product.rows(
                "UPDATE handoff.conversation SET waiting_since = waiting_since - interval '40 seconds'"
                " WHERE conversation_id = $1",
                chat["conversation_id"],
            )
            await look_at_promises(product)
            await stuck()
            product.worker.kill()
        # The chat had been left and somebody had been told to call, in a transaction that never was.
        assert await what_stands(product, phone) == {"queued": 1}
        await the_leases_run_out(product, "core.job")
        system.slow = asyncio.Event()
        product.worker.start()
        await product.working()

        # Now the dialler has the news, and the worker dies before it hears so. The customer has theirs:
        # of a message that was on the wire nobody would know what became of it.
        await system.tries("deflection.return_to_voice")
        await phone.wait_for(ACCOUNT, KEPT)
        product.worker.kill()
        await the_leases_run_out(product, "core.job")
        system.slow.set()
        product.worker.start()
        await product.working()
        event = await system.hears("deflection.return_to_voice")
        await product.until(
            "SELECT 1 FROM ivr_bridge.voice_return WHERE chat_id = $1 AND state = 'told'",
            chat["conversation_id"],
        )
        assert {one["id"] for one in system.attempts} == {event["id"]}, "one piece of news"
        stands = {"closed": 1, "callback queued": 1, "return told": 1}
        assert await what_stands(product, phone) == stands
        assert len([one for one in await phone.messages(ACCOUNT) if KEPT(one)]) == 1

        called = {"return_id": event["data"]["return_id"], "state": "called"}
        async with product.post("/v1/calls/return", called) as response:
            assert response.status == 200
        await product.until(
            "SELECT 1 FROM handoff.conversation WHERE kind = 'callback' AND state = 'closed'"
            " AND card ->> 'caller' = $1",
            phone.number,
        )


@asynccontextmanager
async def nobody_may_write(
    product: Product, table: str
) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Whoever wants to write there waits; what is yielded waits for somebody who does."""
    holding = await asyncpg.connect(product.database_url)
    try:
        async with holding.transaction():
            await holding.execute(f"LOCK TABLE {table} IN SHARE MODE")
            yield lambda: product.until(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass", table
            )
    finally:
        await holding.close()


async def look_at_promises(product: Product) -> None:
    """Now, and not in five seconds."""
    await product.rows(
        "UPDATE core.job SET due_at = now() WHERE kind = 'ivr_bridge.promises' AND state = 'ready'"
    )


async def what_stands(product: Product, phone: Phone) -> dict[str, int]:
    """This caller's chats, call backs and returns, by state."""
    rows = await product.rows(
        "SELECT CASE kind WHEN 'chat' THEN state ELSE 'callback ' || state END AS what"
        "  FROM handoff.conversation WHERE card ->> 'caller' = $1"
        " UNION ALL SELECT 'return ' || r.state FROM ivr_bridge.voice_return AS r"
        "  JOIN handoff.conversation AS v ON v.conversation_id = r.chat_id"
        " WHERE v.card ->> 'caller' = $1",
        phone.number,
    )
    return dict(Counter(row["what"] for row in rows))


async def on_the_wire(product: Product, phone: Phone, text: str) -> list[int]:
    """Which requests carried these words; waits for the first."""
    async with asyncio.timeout(30):
        while True:
            wire = await product.sandbox.wire(phone.number, kind="message", wait_ms=1000)
            if found := [one["seq"] for one in wire if text in words_of(one)]:
                return found
            await asyncio.sleep(0.05)


async def the_leases_run_out(product: Product, *tables: str) -> None:
    """What the dead held comes back within 30 s: it is looked at, and not waited for."""
    for table in tables:
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

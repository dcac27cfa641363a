"""Valkey is killed in the middle of a chat and stays away: hints are gone, work is not."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis.asyncio

from config.embedded import Embedded, throwaway
from migrations.runner import migrate
from tests.journeys.desk import at_the_desk
from tests.journeys.story import asks_for_a_person, moves_to_chat, reaches, said
from tests.product import ACCOUNT, NUMBERS, Product, running_product


@pytest.mark.embedded
async def test_chats_and_calls_go_on_without_it(tmp_path: Path):
    async with own_servers(tmp_path) as (product, pair), at_the_desk(product) as olga:
        first = product.phone("reachable")
        conversation = await reaches(first, olga)
        await olga.write(conversation, "До")
        await first.wait_for(ACCOUNT, said("До"))

        await kill_valkey(pair)
        await olga.write(conversation, "Без Redis")
        await first.wait_for(ACCOUNT, said("Без Redis"))
        await first.write(ACCOUNT, "И обратно")
        await olga.sees(conversation, said("И обратно"))

        second = product.phone("duplicates")
        await moves_to_chat(second)
        await asks_for_a_person(second)
        other = await olga.accept(await olga.offered())
        await olga.write(other, "И новый звонок дошёл")
        await second.wait_for(ACCOUNT, said("И новый звонок дошёл"))

        await asyncio.to_thread(pair.revive, lambda _: None)
        await olga.write(conversation, "После")
        await first.wait_for(ACCOUNT, said("После"))
        for phone in (NUMBERS["reachable"], NUMBERS["duplicates"]):
            assert await product.sandbox.openings(phone) == 1
        texts = [one["text"] for one in await first.messages(ACCOUNT)]
        assert [texts.count(text) for text in ("До", "Без Redis", "И обратно", "После")] == [1] * 4


async def kill_valkey(pair: Embedded) -> None:
    """kill -9: no goodbye to anybody."""
    async with redis.asyncio.Redis.from_url(pair.redis_url) as client:
        told = await client.info("server")
    os.kill(int(told["process_id"]), signal.SIGKILL)


@asynccontextmanager
async def own_servers(folder: Path) -> AsyncIterator[tuple[Product, Embedded]]:
    """Databases that nobody else uses, so that they may be hurt."""
    entered = throwaway()
    pair = await asyncio.to_thread(entered.__enter__)
    try:
        await migrate(pair.database_url)
        async with running_product(pair.database_url, pair.redis_url, folder) as product:
            yield product, pair
    finally:
        await asyncio.to_thread(entered.__exit__, None, None, None)

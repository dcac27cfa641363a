"""Valkey is killed in the middle of a chat and stays away: hints are gone, work is not. Then PostgreSQL
stands still: no IVR waits for it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
import redis.asyncio

from config.embedded import Embedded, throwaway
from migrations.runner import migrate
from tests.journeys.desk import at_the_desk
from tests.journeys.story import asks_for_a_person, moves_to_chat, reaches, said
from tests.product import ACCOUNT, LINE, NUMBERS, Product, running_product


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
        await every_answer_comes_in_time_while_postgresql_stands_still(product)


async def every_answer_comes_in_time_while_postgresql_stands_still(product: Product) -> None:
    """For longer than anything about keys and lines is remembered."""
    caller = NUMBERS["late"]
    with standing_still(await postgresql(product)):
        for path in ("/v1/eligibility", "/v1/deflections") * 3:
            began = time.monotonic()
            asked = {"call_id": f"still{path}", "caller": caller, "line": LINE, "deadline_ms": 1200}
            async with product.post(path, asked) as answer:
                told = await answer.json(content_type=None)
            assert time.monotonic() - began < 1.2, path
            assert (answer.status, list(told)[-1], told["action"]) == (503, "action", "continue")
        began = time.monotonic()
        async with product.http.get(product.base_url + "/readyz") as answer:
            assert answer.status == 503
        assert time.monotonic() - began < 1.5
    for process in (product.web, product.worker):
        assert process.running is not None
        assert process.running.poll() is None, process.log.read_text()[-3000:]
        assert "broke" not in process.log.read_text()
    assert await product.sandbox.openings(caller) == 0
    async with asyncio.timeout(20):
        while (await product.deflect(NUMBERS["reorder"], deadline_ms=6000))["action"] != "hangup":
            pass


async def postgresql(product: Product) -> list[int]:
    """The processes of the server that serve anybody."""
    rows = await product.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    pids = [int(row["pid"]) for row in rows]
    stat = Path(f"/proc/{pids[0]}/stat").read_text()
    return [int(stat.rpartition(")")[2].split()[1]), *pids]


@contextmanager
def standing_still(pids: Sequence[int]) -> Iterator[None]:
    """Neither dead nor alive."""

    def tell(word: signal.Signals) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, word)

    tell(signal.SIGSTOP)
    try:
        yield
    finally:
        tell(signal.SIGCONT)


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

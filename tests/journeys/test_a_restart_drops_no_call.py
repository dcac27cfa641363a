"""SIGTERM while calls come in through a load balancer: all that were taken are answered."""

import asyncio
import itertools
import secrets
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.config.embedded.conftest import at_work
from tests.conftest import Servers
from tests.journeys.house import new_phone
from tests.product import LINE, Product

_CALLERS = itertools.count(79_031_000_000)


async def test_sigterm_under_a_stream_of_calls(own_product: Product):
    product = own_product
    answers: list[dict[str, Any]] = []
    kept: list[bool] = []

    async def call() -> None:
        body = {
            "call_id": secrets.token_hex(8),
            "caller": f"+{next(_CALLERS)}",
            "line": LINE,
            "deadline_ms": 5000,
        }
        async with product.post("/v1/deflections", body) as response:
            answers.append(await response.json(content_type=None))
            kept.append(response.headers.get("Connection") != "close")

    began = 0.0
    # A broken connection fails the group, and with it the test.
    async with asyncio.TaskGroup() as calls:
        async with asyncio.timeout(20):
            for number in itertools.count():
                calls.create_task(call())
                if number == 15:
                    product.web.signal(signal.SIGTERM)
                    product.worker.signal(signal.SIGTERM)
                    began = time.monotonic()
                if not await takes_calls(product):
                    break
                await asyncio.sleep(0.05)  # the pace of the calls

    assert [await ended(product.web), await ended(product.worker)] == [0, 0]
    assert time.monotonic() - began < 20
    said = Counter(f"{answer['action']} {answer['reason']}" for answer in answers)
    assert len(answers) > 15
    assert set(said) == {"hangup ok"}, said
    # Whoever keeps connections is told to let go of them before they are closed.
    assert kept[0] is True
    assert kept[-1] is False
    pending = await product.rows("SELECT 1 FROM ivr_bridge.deflection WHERE outcome = 'pending'")
    assert pending == []
    assert set((await product.sandbox.counts()).values()) == {1}


@pytest.mark.slow
async def test_a_stop_is_in_time_although_the_database_hangs(
    own_product: Product, servers: Servers
):
    """With calls in hand that wait for as long as a call may."""
    product = own_product
    server = home_of_the_databases(servers)
    if server is None:
        pytest.skip("the database is not ours to hold")
    product.web.start()
    product.worker.start()
    await product.ready()
    await product.working()
    phones = [new_phone(product) for _ in range(5)]
    for phone in phones:
        await product.sandbox.behave(phone.number, "held")
    calls = [
        asyncio.ensure_future(product.deflect(phone.number, deadline_ms=12_000)) for phone in phones
    ]
    for phone in phones:
        await product.sandbox.wire(phone.number, kind="opening", wait_ms=10_000)
    processes = [each for each in at_work(server) if each.name() == "postgres"]
    began = time.monotonic()
    try:
        for process in processes:
            process.suspend()
        product.web.signal(signal.SIGTERM)
        product.worker.signal(signal.SIGTERM)
        endings = [await ended(product.web), await ended(product.worker)]
        took_s = time.monotonic() - began
    finally:
        for process in processes:
            process.resume()
    assert endings == [0, 0]
    assert took_s < 20
    assert {answer["action"] for answer in await asyncio.gather(*calls)} == {"continue"}


def home_of_the_databases(servers: Servers) -> Path | None:
    """Where the throw-away pair of these tests works, if it is one."""
    told = parse_qs(urlsplit(servers.database_url).query).get("host", [""])[0]
    return Path(told).parent if told.startswith("/") else None


async def takes_calls(product: Product) -> bool:
    """What a balancer asks before it sends a request here."""
    async with product.http.get(product.base_url + "/readyz") as response:
        return response.status == 200


async def ended(process: Any) -> int:
    return await asyncio.to_thread(process.running.wait, 20)

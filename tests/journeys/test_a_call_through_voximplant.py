"""The Voximplant recipe, run in Node: a pretended VoxEngine around it, real requests to the product."""

import asyncio
import importlib.util
import json
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.client import Phone
from tests.fakes.bridge import Between, between
from tests.product import LINE, Product

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "docs" / "ivr" / "recipes" / "voximplant" / "scenario.js"
ENGINE = ROOT / "tests" / "fakes" / "voxengine.mjs"


@pytest.fixture(scope="session")
def node() -> str:
    """The Node that builds the pages."""
    spec = importlib.util.spec_from_file_location("web_script", ROOT / "scripts" / "web.py")
    assert spec is not None
    assert spec.loader is not None
    web = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(web)
    return str(web.Tools.found().node)


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(product: Product) -> AsyncIterator[Between]:
    async with between(product.base_url) as proxy:
        yield proxy


async def call(
    node: str, product: Product, phone: Phone, url: str, *presses: str, **more: Any
) -> list[str]:
    played = {
        "scenario": str(SCENARIO), "caller": phone.number, "dialled": LINE,
        "call_id": secrets.token_hex(8), "presses": presses,
        "queue_ends": "OperatorReached", "queue_ends_after_ms": 600,
        "constants": {
            "BRIDGE": url, "KEY": product.line_key, "KEY_WITHIN_S": 0.05, "OFFER_EVERY_S": 0.2,
            "DEADLINE_MS": more.pop("deadline_ms", 2500),
        },
        **more,
    }  # fmt: skip
    running = await asyncio.create_subprocess_exec(
        node, str(ENGINE), json.dumps(played), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        said, _ = await running.communicate()
    met: list[str] = json.loads(said)
    return met


async def test_the_caller_presses_1_and_is_told_goodbye(
    node: str, product: Product, proxy: Between, phone: Phone
):
    met = await call(node, product, phone, proxy.url, "1")
    assert met == ["play offer", "music", "play sent_goodbye", "hung up"]
    assert await product.sandbox.openings(phone.number) == 1
    rows = await product.rows(
        "SELECT event FROM ivr_bridge.call_event JOIN ivr_bridge.call USING (workspace_id, call_ref)"
        " WHERE caller = $1",
        phone.number,
    )
    assert {row["event"] for row in rows} == {"entered", "offered", "accepted", "ended"}


async def test_the_offer_comes_again_while_the_place_is_kept(
    node: str, product: Product, proxy: Between, phone: Phone
):
    met = await call(node, product, phone, proxy.url, "", "1", queue_ends_after_ms=9000)
    assert met == [
        "play offer", "music", "queue support", "play offer", "music", "left the queue",
        "play sent_goodbye", "hung up",
    ]  # fmt: skip


async def test_a_number_that_is_not_on_whatsapp_goes_on(
    node: str, product: Product, proxy: Between, phone: Phone
):
    await product.sandbox.behave(phone.number, "not_on_whatsapp")
    met = await call(node, product, phone, proxy.url, "1", queue_ends_after_ms=100)
    assert met[:5] == ["play offer", "music", "play not_possible", "music", "queue support"]
    assert met[5:] == ["operator", "hung up"]


async def test_no_is_the_last_word(node: str, product: Product, proxy: Between, phone: Phone):
    met = await call(node, product, phone, proxy.url, "2")
    assert met[:4] == ["play offer", "music", "queue support", "operator"]


async def test_a_bridge_in_trouble_goes_on(
    node: str, product: Product, proxy: Between, a_phone: Callable[[], Phone]
):
    for mode in ("half", "silent", "broken"):
        proxy.mode = "pass"
        met = await call(
            node, product, a_phone(), proxy.url, "1", deadline_ms=2500, queue_ends_after_ms=100,
            on_press=f"{proxy.url}/between/{mode}",
        )  # fmt: skip
        assert met[:5] == ["play offer", "music", "play not_possible", "music", "queue support"]


async def test_without_a_bridge_the_caller_just_waits(node: str, product: Product, phone: Phone):
    met = await call(node, product, phone, "http://127.0.0.1:9", queue_ends_after_ms=100)
    assert met[:3] == ["music", "queue support", "operator"]

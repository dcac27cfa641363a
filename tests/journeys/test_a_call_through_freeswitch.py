"""The FreeSWITCH recipe, run in a real Lua: a pretended session and queue, real requests to the product."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest_asyncio

from sandbox.client import Phone
from tests.fakes.bridge import Between, between
from tests.fakes.freeswitch import Call
from tests.product import LINE, Product

RECIPE = Path(__file__).parents[2] / "docs" / "ivr" / "recipes" / "freeswitch"
OFFER, GOODBYE, SORRY = (
    "ask ivr-bridge/offer.wav",
    "play ivr-bridge/sent_goodbye.wav",
    "play ivr-bridge/not_possible.wav",
)
QUEUE = "queue support@default"


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(product: Product) -> AsyncIterator[Between]:
    async with between(product.base_url) as proxy:
        yield proxy


def a_call(product: Product, phone: Phone, url: str, *presses: str, **more: Any) -> Call:
    variables = {
        "uuid": secrets.token_hex(8),
        "destination_number": LINE,
        "caller_id_number": phone.number,
        **more.pop("variables", {}),
    }
    constants: dict[str, str | int] = {
        "BRIDGE": url,
        "KEY": product.line_key,
        **more.pop("constants", {}),
    }
    return Call(RECIPE / "ivr-bridge.lua", constants, variables, list(presses), **more)


async def events(product: Product, call: Call) -> set[str]:
    rows = await product.rows(
        "SELECT event FROM ivr_bridge.call_event JOIN ivr_bridge.call USING (workspace_id, call_ref)"
        " WHERE call_id = $1",
        call.variables["uuid"],
    )
    return {row["event"] for row in rows}


async def test_the_caller_presses_1_and_is_told_goodbye(
    product: Product, proxy: Between, phone: Phone
):
    call = a_call(product, phone, proxy.url, "1")
    assert await asyncio.to_thread(call.run) == [OFFER, "music", GOODBYE, "hung up"]
    assert await product.sandbox.openings(phone.number) == 1
    assert await events(product, call) == {"entered", "offered", "accepted", "ended"}


async def test_a_number_that_is_not_on_whatsapp_is_answered(
    product: Product, proxy: Between, phone: Phone
):
    await product.sandbox.behave(phone.number, "not_on_whatsapp")
    call = a_call(product, phone, proxy.url, "1", waits=[("answered", "")])
    assert await asyncio.to_thread(call.run) == [OFFER, "music", SORRY, QUEUE, "operator"]
    assert await events(product, call) >= {"queued", "answered", "ended"}


async def test_the_offer_comes_again_after_a_minute(product: Product, proxy: Between, phone: Phone):
    call = a_call(product, phone, proxy.url, "", "1", waits=[("cancel", "TIMEOUT")])
    assert await asyncio.to_thread(call.run) == [OFFER, QUEUE, OFFER, "music", GOODBYE, "hung up"]


async def test_no_and_a_hidden_number_are_respected(
    product: Product, proxy: Between, a_phone: Callable[[], Phone]
):
    waits = [("cancel", "TIMEOUT"), ("answered", "")]
    call = a_call(product, a_phone(), proxy.url, "2", waits=waits)
    assert await asyncio.to_thread(call.run) == [OFFER, QUEUE, QUEUE, "operator"]
    assert "declined" in await events(product, call)
    for hidden in ({"privacy_hide_number": "true"}, {"sip_Privacy": "user;id"}):
        call = a_call(product, a_phone(), proxy.url, variables=hidden, waits=[("answered", "")])
        assert await asyncio.to_thread(call.run) == [QUEUE, "operator"]


async def test_a_bridge_in_trouble_goes_on(
    product: Product, proxy: Between, a_phone: Callable[[], Phone]
):
    for mode, missing in (("half", 1), ("half", 6), ("silent", 0), ("broken", 0)):
        proxy.mode, proxy.missing = "pass", missing
        call = a_call(
            product, a_phone(), proxy.url, "1", waits=[("answered", "")], constants={"TIMEOUT_S": 1},
            pressed=lambda mode=mode: setattr(proxy, "mode", mode),
        )  # fmt: skip
        assert await asyncio.to_thread(call.run) == [OFFER, "music", SORRY, QUEUE, "operator"]


async def test_without_a_bridge_the_caller_just_waits(product: Product, phone: Phone):
    call = a_call(product, phone, "http://127.0.0.1:9", waits=[("answered", "")])
    assert await asyncio.to_thread(call.run) == [QUEUE, "operator"]


async def test_the_dialplan_is_xml_that_calls_the_script():
    plan = ET.parse(RECIPE / "dialplan.xml")
    action = plan.find("./extension/condition/action")
    assert action is not None
    assert action.attrib == {"application": "lua", "data": "ivr-bridge.lua"}

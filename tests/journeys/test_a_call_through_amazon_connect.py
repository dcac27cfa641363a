"""The Amazon Connect recipe: its function runs for real, its flows are walked block by block."""

import asyncio
import importlib.util
import json
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import pytest_asyncio

from sandbox.client import Phone
from tests.fakes.bridge import Between, between
from tests.fakes.connect_flow import Contact, Function
from tests.product import LINE, Product

RECIPE = Path(__file__).parents[2] / "docs" / "ivr" / "recipes" / "amazon-connect"


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(product: Product) -> AsyncIterator[Between]:
    async with between(product.base_url) as proxy:
        yield proxy


def function(url: str, key: str) -> Any:
    """The module as Lambda loads it."""
    spec = importlib.util.spec_from_file_location("recipe_lambda", RECIPE / "lambda_function.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with patch.dict(os.environ, BRIDGE_URL=url, BRIDGE_KEY=key, BRIDGE_LINE=LINE):
        spec.loader.exec_module(module)
    return module


def flow(name: str) -> Any:
    return json.loads((RECIPE / f"flow-{name}.json").read_text())


def a_contact(phone: Phone, *presses: str, minutes: int = 0) -> Contact:
    return Contact(phone.number, secrets.token_hex(8), list(presses), minutes)


async def walked(contact: Contact, name: str, handler: Function) -> list[str]:
    return await asyncio.to_thread(contact.walk, flow(name), handler)


async def events(product: Product, contact: Contact) -> set[str]:
    rows = await product.rows(
        "SELECT event FROM ivr_bridge.call_event JOIN ivr_bridge.call USING (workspace_id, call_ref)"
        " WHERE call_id = $1",
        contact.contact_id,
    )
    return {row["event"] for row in rows}


async def test_the_caller_presses_1_before_the_queue(
    product: Product, proxy: Between, phone: Phone
):
    contact = a_contact(phone, "1")
    handler = function(proxy.url, product.line_key).lambda_handler
    assert await walked(contact, "inbound", handler) == ["offer", "We", "Done:", "hung up"]
    assert await product.sandbox.openings(phone.number) == 1
    assert await events(product, contact) == {"offered", "accepted"}


async def test_the_caller_presses_1_in_the_queue(product: Product, proxy: Between, phone: Phone):
    contact = a_contact(phone, "", "1", minutes=2)
    handler = function(proxy.url, product.line_key).lambda_handler
    assert await walked(contact, "queue", handler) == [
        "music 60", "offer", "music 60", "offer", "We", "Done:", "hung up",
    ]  # fmt: skip


async def test_no_is_told_and_the_caller_waits(product: Product, proxy: Between, phone: Phone):
    contact = a_contact(phone, "2", minutes=2)
    handler = function(proxy.url, product.line_key).lambda_handler
    met = await walked(contact, "queue", handler)
    assert met == ["music 60", "offer", "music 60", "music 60", "operator"]
    assert await events(product, contact) == {"offered", "declined"}


async def test_a_number_that_is_not_on_whatsapp_goes_on(
    product: Product, proxy: Between, phone: Phone
):
    await product.sandbox.behave(phone.number, "not_on_whatsapp")
    contact = a_contact(phone, "1")
    handler = function(proxy.url, product.line_key).lambda_handler
    assert await walked(contact, "inbound", handler) == ["offer", "We", "We", "queue"]


@pytest.mark.parametrize("mode", ["half", "silent", "broken"])
async def test_a_bridge_in_trouble_goes_on(
    product: Product, proxy: Between, phone: Phone, mode: str
):
    loaded = function(proxy.url, product.line_key)

    def breaks(event: dict[str, Any], context: None) -> dict[str, str]:
        if event["Details"]["Parameters"]["task"] == "deflect":
            proxy.mode = mode
            loaded.DEADLINE_MS = 600
        told: dict[str, str] = loaded.lambda_handler(event, context)
        return told

    contact = a_contact(phone, "1")
    assert await walked(contact, "inbound", breaks) == ["offer", "We", "We", "queue"]
    assert contact.external["reason"] == "bridge_away"


async def test_without_a_bridge_the_caller_just_waits(product: Product, phone: Phone):
    handler = function("http://127.0.0.1:9", product.line_key).lambda_handler
    assert await walked(a_contact(phone), "inbound", handler) == ["queue"]
    assert await walked(a_contact(phone), "inbound", lambda event, _: event["nothing"]) == ["queue"]


async def test_contact_events_are_told(product: Product, proxy: Between, phone: Phone):
    contact = a_contact(phone)
    handler = function(proxy.url, product.line_key).lambda_handler
    await walked(contact, "inbound", handler)
    kinds = ("INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED")
    for second, kind in enumerate(kinds):
        detail = {
            "eventType": kind, "contactId": contact.contact_id, "channel": "VOICE",
            "initiationMethod": "INBOUND",
        }  # fmt: skip
        told = {
            "detail-type": "Amazon Connect Contact Event",
            "time": f"2026-01-10T09:00:0{second}Z",
            "detail": detail,
        }
        await asyncio.to_thread(handler, told, None)
    assert await events(product, contact) == {"offered", "entered", "queued", "answered", "ended"}

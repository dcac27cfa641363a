"""The Genesys Cloud data actions: their own templates fill real requests and read real answers."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from sandbox.client import Phone
from tests.fakes.bridge import Between, between
from tests.fakes.data_action import run
from tests.product import LINE, Product

RECIPE = Path(__file__).parents[2] / "docs" / "ivr" / "recipes" / "genesys"


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(product: Product) -> AsyncIterator[Between]:
    async with between(product.base_url) as proxy:
        yield proxy


def action(name: str) -> Any:
    return json.loads((RECIPE / f"{name}.json").read_text())


def call(phone: Phone, **more: str) -> dict[str, str]:
    return {
        "callId": secrets.token_hex(8), "line": LINE, "caller": phone.number, "language": "ru",
        "voiceWaitS": "540", "queuePosition": "", **more,
    }  # fmt: skip


async def test_the_caller_is_offered_and_moved(product: Product, proxy: Between, phone: Phone):
    asking: dict[str, Any] = {"url": proxy.url, "key": product.line_key}
    inputs = call(phone, language='r"u')  # a quote stays inside its text
    who = {name: inputs[name] for name in ("callId", "line", "caller")}
    told = await run(action("event"), {**who, "event": "entered"}, **asking)
    assert (told.path, told.outputs) == ("success", {"accepted": 1})
    may = await run(action("offer"), inputs, **asking)
    assert (may.path, may.outputs["action"]) == ("success", "offer")
    moved = await run(action("deflect"), inputs, **asking)
    assert moved.outputs == {"action": "hangup", "reason": "ok", "prompt": "sent_goodbye"}
    assert await product.sandbox.openings(phone.number) == 1


async def test_a_number_that_is_not_on_whatsapp_goes_on(
    product: Product, proxy: Between, phone: Phone
):
    await product.sandbox.behave(phone.number, "not_on_whatsapp")
    told = await run(action("deflect"), call(phone), url=proxy.url, key=product.line_key)
    assert (told.path, told.outputs["action"]) == ("success", "continue")
    assert told.outputs["prompt"] == "not_possible"


async def test_a_bridge_in_trouble_goes_on(
    product: Product, proxy: Between, a_phone: Callable[[], Phone]
):
    asking: dict[str, Any] = {"key": product.line_key, "seconds": 1.5}
    for proxy.mode, path in (("half", "failure"), ("broken", "failure"), ("silent", "timeout")):
        told = await run(action("deflect"), call(a_phone()), url=proxy.url, **asking)
        assert told.path == path
        assert told.outputs == {}
    told = await run(action("deflect"), call(a_phone()), url="http://127.0.0.1:9", **asking)
    assert told.path == "failure"
    told = await run(action("offer"), call(a_phone()), url=proxy.product_url, key="ib_wrong")
    assert told.path == "failure"


async def test_an_answer_without_an_action_goes_on(product: Product, phone: Phone):
    """A gateway that answers 200 with something else: the defaults say continue."""
    odd = action("deflect")
    odd["config"]["request"]["requestUrlTemplate"] = "https://bridge.example/v1/calls/events"
    template = odd["config"]["request"]["requestTemplate"]
    odd["config"]["request"]["requestTemplate"] = template[:-1] + ',"event":"entered"}'
    told = await run(odd, call(phone), url=product.base_url, key=product.line_key)
    assert (told.path, told.outputs["action"]) == ("success", "continue")


async def test_the_contracts_fit_the_templates():
    for name in ("offer", "deflect", "event"):
        made = action(name)
        assert made["integrationType"] == "custom-rest-actions"
        outputs = made["contract"]["output"]["successSchema"]["properties"]
        response = made["config"]["response"]
        assert set(outputs) == set(response["translationMap"])
        assert set(outputs) == set(response["translationMapDefaults"])
        template = made["config"]["request"]["requestTemplate"]
        for field in made["contract"]["input"]["inputSchema"]["required"]:
            assert f"$esc.jsonString(${{input.{field}}})" in template

"""Asterisk's AGI() against the running product: a real socket in, a message out, variables back."""

import asyncio

import aiohttp

from sandbox.client import Phone
from tests.fakes.asterisk import Channel
from tests.product import LINE, Product


def call_from(phone: Phone) -> Channel:
    return Channel(caller=phone.number, dialled=LINE)


async def test_the_caller_presses_1_and_is_told_goodbye(product: Product, phone: Phone):
    key, call = f"key={product.line_key}", call_from(phone)
    await call.agi(product.fastagi, "event", key, "event=entered")
    await call.agi(product.fastagi, "eligibility", key, "language=ru", "voice_wait_s=540")
    assert call.variables["IVRB_ACTION"] == "offer"
    await call.agi(product.fastagi, "event", key, "event=accepted")
    await call.agi(product.fastagi, "deflect", key, "language=ru", "context.order=123")
    assert call.variables["IVRB_ACTION"] == "hangup"
    assert call.variables["IVRB_EVIDENCE"] in {"sent_quiet", "delivered_now"}
    await call.agi(product.fastagi, "event", key, "event=ended")
    assert await product.sandbox.openings(phone.number) == 1
    rows = await product.rows(
        "SELECT fact FROM ivr_bridge.fact JOIN ivr_bridge.deflection USING (workspace_id, deflection_id)"
        " JOIN ivr_bridge.call USING (workspace_id, call_ref) WHERE call_id = $1",
        call.unique_id,
    )
    assert "hangup_confirmed" in {row["fact"] for row in rows}


async def test_a_number_that_is_not_on_whatsapp_goes_on(product: Product, phone: Phone):
    await product.sandbox.behave(phone.number, "not_on_whatsapp")
    call = call_from(phone)
    await call.agi(product.fastagi, "deflect", f"key={product.line_key}")
    assert call.variables["IVRB_ACTION"] == "continue"
    assert call.variables["IVRB_REASON"] == "not_on_channel"
    assert call.variables["IVRB_PROMPT"] == "not_possible"


async def test_a_provider_in_trouble_is_a_continue_in_time(product: Product, phone: Phone):
    await product.sandbox.behave(phone.number, "silent")
    call = call_from(phone)
    began = asyncio.get_running_loop().time()
    await call.agi(
        product.fastagi,
        "deflect",
        f"key={product.line_key}",
        "deadline_ms=1500",
        "confirm=delivered",
    )
    assert call.variables["IVRB_ACTION"] == "continue"
    assert asyncio.get_running_loop().time() - began < 1.5


async def test_half_an_answer_goes_on(product: Product, phone: Phone):
    for cut in ("IVRB_REASON", "IVRB_DEFLECTION_ID", "IVRB_TRACE_ID"):
        call = call_from(phone)
        await call.agi(
            product.fastagi, "deflect", f"key={product.line_key}",
            breaks_at=cut,
        )  # fmt: skip
        assert call.variables["IVRB_ACTION"] == "continue"


async def test_it_is_counted(product: Product, phone: Phone):
    await call_from(phone).agi(product.fastagi, "eligibility", f"key={product.line_key}")
    async with aiohttp.ClientSession() as http, http.get(product.metrics_url) as response:
        figures = await response.text()
    assert 'ivr_bridge_fastagi_answers_total{action="offer",path="eligibility"}' in figures
    assert "ivr_bridge_fastagi_connections 0.0" in figures
    assert product.line_key not in figures
    assert product.line_key not in product.web.log.read_text()

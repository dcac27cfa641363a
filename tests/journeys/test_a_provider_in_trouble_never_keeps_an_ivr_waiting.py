"""Slow, breaking, throttled, silent: the answer comes before its deadline and says `continue`."""

import time

import pytest

from sandbox.client import Phone
from tests.journeys.story import deflection_of
from tests.product import Product


@pytest.mark.parametrize(
    "behaviour", ["slow", "breaks", "throttled", "silent", "held", "refused", "late", "ecosystem"]
)
async def test_continue_in_time(product: Product, phone: Phone, behaviour: str):
    # Whatever the connection is worth, a status must not come to the rescue here.
    manner = {"late_ms": 8000, "sent_ms": 8000, "delivered_ms": 8000}
    await product.sandbox.behave(phone.number, behaviour, **manner)
    began = time.monotonic()
    answer = await product.deflect(phone.number, deadline_ms=1600)
    took_ms = (time.monotonic() - began) * 1000

    assert answer["action"] == "continue", answer
    assert took_ms < 1600
    assert list(answer)[-1] == "action"
    assert (await deflection_of(product, phone))["outcome"] == "continue"
    assert await product.sandbox.openings(phone.number) <= 1
    again = await product.deflect(
        phone.number, call_id=(await call_id_of(product, phone)), attempt=1, deadline_ms=1600
    )
    assert again["action"] == "continue"
    assert await product.sandbox.openings(phone.number) <= 1
    await product.sandbox.release(phone.number)


async def call_id_of(product: Product, phone: Phone) -> str:
    [row] = await product.rows(
        "SELECT call_id FROM ivr_bridge.call WHERE caller = $1", phone.number
    )
    return str(row["call_id"])

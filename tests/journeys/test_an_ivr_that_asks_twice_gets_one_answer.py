"""Retries, doubled requests, other callers under the same id: one message, one answer."""

import asyncio
import secrets

from sandbox.client import Phone
from tests.product import LINE, Product


async def test_fifty_at_once(product: Product, phone: Phone):
    call_id = secrets.token_hex(8)
    answers = await asyncio.gather(
        *(
            product.deflect(phone.number, call_id=call_id, attempt=1, deadline_ms=8000)
            for _ in range(50)
        )
    )
    refused = [answer for answer in answers if answer["action"] != "hangup"]
    # A machine that has no time says so, and never anything but `continue`; asked again, it tells.
    assert {answer["code"] for answer in refused} <= {"database_unavailable", "overloaded"}
    again = [
        await product.deflect(phone.number, call_id=call_id, attempt=1, deadline_ms=8000)
        for _ in refused
    ]
    told = [answer for answer in (*answers, *again) if answer not in refused]
    assert len(told) == len(answers)
    assert {(answer["action"], answer["reason"]) for answer in told} == {("hangup", "ok")}
    assert len({answer["deflection_id"] for answer in told}) == 1
    assert await product.sandbox.openings(phone.number) == 1


async def test_later_with_other_details(product: Product, phone: Phone):
    call_id = secrets.token_hex(8)
    first = await product.deflect(phone.number, call_id=call_id)
    again = await product.deflect(phone.number, call_id=call_id, voice_wait_s=10, intent="other")
    assert again["action"] == first["action"] == "hangup"
    assert again["deflection_id"] == first["deflection_id"]
    assert await product.sandbox.openings(phone.number) == 1


async def test_another_caller_under_the_same_id_is_refused(product: Product, a_phone):
    first, other = a_phone(), a_phone()
    call_id = secrets.token_hex(8)
    await product.deflect(first.number, call_id=call_id, attempt=1)
    body = {"call_id": call_id, "caller": other.number, "line": LINE, "attempt": 1}
    async with product.post("/v1/deflections", body) as response:
        assert response.status == 409
        problem = await response.json(content_type=None)
    assert problem["code"] == "idempotency_conflict"
    assert list(problem)[-1] == "action"
    assert problem["action"] == "continue"
    assert await product.sandbox.openings(other.number) == 0

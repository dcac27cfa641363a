"""A canary's number and words go through everything, and turn up in no log, figure or address."""

import asyncio
from urllib.parse import urlsplit

from tests.journeys.story import is_offered_chat
from tests.product import ACCOUNT, Product

NUMBER = "+79035550199"
WORDS = "канарейка в клетке"


async def said_by_a_stranger(product: Product, words: bytes, then: bytes = b"") -> bytes:
    """What is answered to something that is no HTTP."""
    where = urlsplit(product.base_url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(words + b"Host: x\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.write(then)
    answered = await reader.read()
    writer.close()
    return answered


async def test_a_canary_leaves_no_trace_outside_the_database(product: Product):
    phone = product.sandbox.phone(NUMBER)
    await product.sandbox.behave(NUMBER, "reachable", name="Canary Bird")
    await is_offered_chat(phone)
    await phone.press("1")
    await phone.wait_for(ACCOUNT)
    await phone.write(ACCOUNT, WORDS)
    await phone.wait_for(
        ACCOUNT, lambda message: not message["mine"] and message["kind"] != "template"
    )
    # Refusals and failures are where numbers slip out.
    await product.deflect("+7903", call_id=NUMBER)
    await product.sandbox.behave(NUMBER, "fails", code=131000)
    await product.deflect(NUMBER, call_id=f"again-{NUMBER}", line="+70000000000")
    async with product.post(f"/v1/deflections?caller={NUMBER[1:]}", {"caller": NUMBER}) as refused:
        assert refused.status == 400
    for broken in (
        f"POST /v1/k/{product.line_key}/eligibility?x=\x01{NUMBER} HTTP/1.1\r\n",
        f"POST /v1/eligibility HTTP/1.1\r\nAuthorization: Bearer {product.line_key}\x01\r\n",
        f"POST /v1/eligibility HTTP/1.1\r\nX-Caller: {NUMBER}{WORDS}{'x' * 9000}\r\n",
    ):
        assert b" 400 " in await said_by_a_stranger(product, broken.encode())
    # With its head in order, and a body that is not chunked as it says.
    head = f"POST /v1/eligibility HTTP/1.1\r\nAuthorization: Bearer {product.line_key}\r\n"
    chunked = f"{head}Transfer-Encoding: chunked\r\n".encode()
    body = f"{NUMBER} {WORDS} {product.line_key}\r\n".encode()
    refusal = await said_by_a_stranger(product, chunked, body)
    # aiohttp may notice only when the time for the body is over.
    assert b" 400 " in refusal or b" 408 " in refusal
    async with product.http.get(product.metrics_url) as response:
        figures = await response.text()

    stored = await product.rows(
        "SELECT value FROM messaging.address WHERE value LIKE $1", f"%{NUMBER[1:]}"
    )
    assert stored, "the canary must have gone through"
    said = {
        "web log": product.web.log.read_text(),
        "worker log": product.worker.log.read_text(),
        "metrics": figures,
    }
    for where, text in said.items():
        assert text, where
        for trace in (NUMBER[1:], NUMBER[2:], "канарейка", "Canary", product.line_key):
            assert trace not in text, f"{where} tells {trace!r}"

"""Somebody has the IVR's key: it is replaced without a gap, and everything can be stopped meanwhile."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from sandbox.client import Phone
from tests.journeys.terminal import command, printed
from tests.product import LINE, WORKSPACE, Product

PATH = "/v1/deflections"


def wish(caller: Phone) -> bytes:
    call_id = secrets.token_hex(8)
    return json.dumps({"call_id": call_id, "caller": caller.number, "line": LINE}).encode()


async def ask(product: Product, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
    url = product.base_url + PATH
    async with product.http.post(url, data=body, headers=headers) as response:
        return response.status, json.loads(await response.read())


def signed(key: str, secret: str, body: bytes) -> dict[str, str]:
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    text = f"{timestamp}\n{nonce}\nPOST\n{PATH}\n".encode() + body
    return {
        "X-IVR-Bridge-Key": key,
        "X-IVR-Bridge-Timestamp": timestamp,
        "X-IVR-Bridge-Nonce": nonce,
        "X-IVR-Bridge-Signature": hmac.new(secret.encode(), text, hashlib.sha256).hexdigest(),
    }


async def soon(told: Callable[[], Any], wanted: object) -> None:
    async with asyncio.timeout(10):
        while await told() != wanted:
            pass


async def test_a_stolen_key_is_stopped(product: Product, a_phone: Callable[[], Phone]) -> None:
    # A key that signs: a request that somebody records works once.
    issued = await command(
        product, "keys", "issue", WORKSPACE, "--name", "pbx", "--line", "main", "--hmac"
    )
    key, secret = _named(issued.beside), issued.out.strip()
    body = wish(a_phone())
    headers = signed(key, secret, body)
    status, told = await ask(product, headers, body)
    assert (status, told["action"]) == (200, "hangup")
    for _ in range(5):
        status, told = await ask(product, headers, body)
        assert (status, told["action"]) == (401, "continue")
    # Somebody hears of it.
    alert = await product.until(
        "SELECT facts FROM ivr_bridge.alert WHERE kind = 'key_refused' AND subject = 'pbx'"
    )
    assert set(json.loads(alert[0]["facts"])) == {"replayed"}

    # The secret itself got out: everything stops, it is replaced, and callers go on.
    async def with_key(key: str, secret: str, member: str) -> tuple[int, str]:
        body = wish(a_phone())
        status, told = await ask(product, signed(key, secret, body), body)
        return status, str(told.get(member))

    await printed(product, "pause", "all", "--workspace", WORKSPACE, "--for", "1h")
    await soon(lambda: with_key(key, secret, "reason"), (200, "paused"))
    rotated = await command(product, "keys", "rotate", WORKSPACE, "pbx", "--keep", "0")
    new_key, new_secret = _named(rotated.beside), rotated.out.strip()
    await soon(lambda: with_key(key, secret, "action"), (401, "continue"))
    await printed(product, "pause", "all", "--workspace", WORKSPACE, "--off")
    moved = (200, "hangup")
    await soon(lambda: with_key(new_key, new_secret, "action"), moved)
    audited = await product.rows("SELECT action FROM core.audit ORDER BY at")
    actions = [row["action"] for row in audited if row["action"].split(".")[0] in {"key", "pause"}]
    assert actions[-4:] == ["key.issued", "pause.begun", "key.rotated", "pause.lifted"]


def _named(shown: str) -> str:
    return shown.split("X-IVR-Bridge-Key: ")[1].split(maxsplit=1)[0]

"""The floors: the smallest aiohttp programs that keep the two promises the product is measured by.

A deflection is two commits with one POST between them; a webhook is one signature check and one
commit. Nothing is looked up, decided, deduplicated, ordered or prepared for anybody. Of deflections
there are two: one commits a bare row, the other makes the same commits as the product, which hold the
very rows that it writes. What lies between the two is the price of the rows, what lies below is the
price of deciding about them.
"""

import asyncio
import hashlib
import hmac
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import uvloop
from aiohttp import web

from benchmarks.requests import template
from core.postgres import SERVICE_ROLE
from core.queries import load

TABLES = """
CREATE SCHEMA floor;
CREATE TABLE floor.deflection (
    id uuid PRIMARY KEY, caller text NOT NULL, state text NOT NULL, provider_id text);
CREATE TABLE floor.webhook (id uuid PRIMARY KEY, body bytea NOT NULL);
"""

ROWS = load(Path(__file__).with_name("rows.sql"))
# As many bytes as the product writes about the same call.
WORDS = json.dumps({"text": "Здравствуйте! Вы звонили нам на +7 800 250-00-00. " * 8})
CARD = json.dumps({"call_id": "floor", "ivr_path": ["main", "1"], "rest": "x" * 400})
CONSENT, ASKED = json.dumps({"source": "ivr", "given": True}), json.dumps({"rest": "x" * 120})
TRACE = json.dumps([{"rule": "x" * 30, "passed": True} for _ in range(12)])

POOL: web.AppKey[Any] = web.AppKey("POOL", object)
WORKSPACE: web.AppKey[Any] = web.AppKey("WORKSPACE", object)
SESSION = web.AppKey("SESSION", aiohttp.ClientSession)

URL = os.environ.get("FLOOR_PROVIDER", "")
ACCOUNT = os.environ.get("FLOOR_ACCOUNT", "")
HEADERS = {"Authorization": f"Bearer {os.environ.get('FLOOR_TOKEN', '')}"}
SECRET = os.environ.get("FLOOR_SECRET", "").encode()
WORKSPACE_ID = int(os.environ.get("FLOOR_WORKSPACE", "0"))


class Connection(asyncpg.Connection):  # type: ignore[type-arg, misc, unused-ignore]
    """Nothing is ever set on it, so the round trip that resets it is spared: the product spares it too."""

    def get_reset_query(self) -> str:
        return ""


async def deflect(request: web.Request) -> web.Response:
    call = await request.json()
    message_id = uuid4()
    pool = request.app[POOL]
    await pool.execute(
        "INSERT INTO floor.deflection (id, caller, state) VALUES ($1, $2, 'sending')",
        message_id,
        call["caller"],
    )
    opening = template(ACCOUNT, call["caller"], str(message_id))
    async with request.app[SESSION].post(URL, json=opening, headers=HEADERS) as answer:
        provider_id = (await answer.json())["messages"][0]["id"]
    await pool.execute(
        "UPDATE floor.deflection SET state = 'hangup', provider_id = $2 WHERE id = $1",
        message_id,
        provider_id,
    )
    return web.json_response({"deflection_id": str(message_id), "action": "hangup"})


async def deflect_with_rows(request: web.Request) -> web.Response:
    """The same two commits and one POST, over the product's own tables."""
    call = await request.json()
    message, deflection, conversation = uuid4(), uuid4(), uuid4()
    pool = request.app[WORKSPACE]
    await pool.execute(
        *ROWS["open"](
            workspace=WORKSPACE_ID,
            caller=call["caller"],
            call_ref=uuid4(),
            call_id=call["call_id"],
            message=message,
            text=WORDS,
            content=WORDS,
            conversation=conversation,
            deflection=deflection,
            card=CARD,
            transition=uuid4(),
            job=uuid4(),
            consent=CONSENT,
            asked=ASKED,
            trace=TRACE,
        )
    )
    opening = template(ACCOUNT, call["caller"], str(message))
    async with request.app[SESSION].post(URL, json=opening, headers=HEADERS) as answer:
        provider_id = (await answer.json())["messages"][0]["id"]
    await pool.execute(
        *ROWS["close"](
            workspace=WORKSPACE_ID,
            provider_id=provider_id,
            message=message,
            job=uuid4(),
            deflection=deflection,
        )
    )
    return web.json_response({"deflection_id": str(message), "action": "hangup"})


async def take(request: web.Request) -> web.Response:
    body = await request.read()
    signed = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signed, request.headers.get("X-Hub-Signature-256", "")):
        return web.Response(status=401)
    await request.app[POOL].execute(
        "INSERT INTO floor.webhook (id, body) VALUES ($1, $2)", uuid4(), body
    )
    return web.Response()


async def _opened(app: web.Application) -> AsyncIterator[None]:
    connections = int(os.environ["FLOOR_CONNECTIONS"])
    async with (
        asyncpg.create_pool(
            os.environ["DATABASE_URL"],
            min_size=connections,
            max_size=connections,
            connection_class=Connection,
        ) as pool,
        asyncpg.create_pool(
            os.environ["DATABASE_URL"],
            min_size=connections,
            max_size=connections,
            connection_class=Connection,
            server_settings={
                "role": SERVICE_ROLE,
                "ivr_bridge.workspace": str(WORKSPACE_ID),
                "plan_cache_mode": "force_generic_plan",
                "enable_seqscan": "off",
                "enable_hashjoin": "off",
                "enable_mergejoin": "off",
            },
        ) as in_workspace,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=500), cookie_jar=aiohttp.DummyCookieJar()
        ) as session,
    ):
        app[POOL], app[WORKSPACE], app[SESSION] = pool, in_workspace, session
        yield


async def serve() -> None:
    app = web.Application()
    app.cleanup_ctx.append(_opened)
    app.add_routes(
        [
            web.post("/deflections", deflect),
            web.post("/rows", deflect_with_rows),
            web.post("/webhooks", take),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["FLOOR_PORT"])).start()
    stop = asyncio.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve())

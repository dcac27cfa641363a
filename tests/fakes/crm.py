"""A company's own system: takes signed webhooks, and believes none that it cannot verify."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SECRET = "whsec_" + base64.b64encode(b"the signing key of the tests 01").decode()
NEXT_SECRET = "whsec_" + base64.b64encode(b"the signing key of the tests 02").decode()


def genuine(secret: str, headers: Any, body: bytes) -> bool:
    """As a receiver in any language does it, from docs/api/webhooks.md alone."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = headers["webhook-id"] + "." + headers["webhook-timestamp"] + "." + body.decode()
    wanted = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    given = [each.split(",", 1)[1] for each in headers["webhook-signature"].split(" ")]
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and any(hmac.compare_digest(wanted, one) for one in given)


@dataclass(slots=True)
class Crm:
    """What it heard, attempt by attempt, and how it answers."""

    url: str = ""
    secret: str = SECRET
    status: int = 200
    attempts: list[dict[str, Any]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    """Events that it answered with 2xx, each id once."""
    rejected: int = 0
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)
    slow: asyncio.Event | None = None
    """It answers nothing until this is set."""

    def types(self) -> list[str]:
        return [event["type"] for event in self.taken]

    async def until(
        self, met: Callable[[dict[str, Any]], bool], *, seconds: float = 15
    ) -> dict[str, Any]:
        """The first event like this, as soon as it was taken."""
        try:
            async with asyncio.timeout(seconds), self.heard:
                while True:
                    found = next((event for event in self.taken if met(event)), None)
                    if found is not None:
                        return found
                    await self.heard.wait()
        except TimeoutError:
            raise AssertionError(
                f"waited in vain; taken {self.types()}, {len(self.attempts)} attempts"
            ) from None

    async def tries(self, type_: str, *, seconds: float = 15) -> None:
        """An attempt to tell it this has arrived, answered or not."""
        async with asyncio.timeout(seconds), self.heard:
            await self.heard.wait_for(lambda: any(one["type"] == type_ for one in self.attempts))

    async def hears(self, type_: str, *, seconds: float = 15) -> dict[str, Any]:
        return await self.until(lambda event: event["type"] == type_, seconds=seconds)

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if not genuine(self.secret, request.headers, body):
            self.rejected += 1
            return web.Response(status=401)
        event = {**json.loads(body), "id": request.headers["webhook-id"]}
        async with self.heard:
            self.attempts.append(event)
            self.heard.notify_all()
        if self.slow is not None:
            await self.slow.wait()
        async with self.heard:
            if 200 <= self.status < 300 and event["id"] not in {one["id"] for one in self.taken}:
                self.taken.append(event)
            self.heard.notify_all()
        return web.Response(status=self.status, headers={"Location": "http://127.0.0.1:9/"})


@asynccontextmanager
async def crm(port: int = 0) -> AsyncIterator[Crm]:
    """One on a free port of this machine."""
    system = Crm()
    app = web.Application()
    app.router.add_post("/hooks", system._hear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    system.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    try:
        yield system
    finally:
        await runner.cleanup()

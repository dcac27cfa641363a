"""The product's ear, for tests of the sandbox: keeps every webhook and answers as told."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Json = dict[str, Any]
PATIENCE_S = 20.0


class Receiver:
    """Webhooks as they came, and the verdict for the next ones."""

    def __init__(self) -> None:
        self.url = ""
        self.posts: list[tuple[bytes, str]] = []
        self.verdicts: list[int] = []
        self.verify_token = "let-me-in"
        self._bell = asyncio.Condition()

    async def hear(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            if request.query["hub.verify_token"] != self.verify_token:
                return web.Response(status=403)
            return web.Response(text=request.query["hub.challenge"])
        verdict = self.verdicts.pop(0) if self.verdicts else 200
        async with self._bell:
            self.posts.append((await request.read(), request.headers["X-Hub-Signature-256"]))
            self._bell.notify_all()
        return web.Response(status=verdict)

    @property
    def values(self) -> list[Json]:
        return [
            change["value"]
            for body, _ in self.posts
            for entry in json.loads(body)["entry"]
            for change in entry["changes"]
        ]

    @property
    def statuses(self) -> list[Json]:
        return [status for value in self.values for status in value.get("statuses", [])]

    @property
    def messages(self) -> list[Json]:
        return [message for value in self.values for message in value.get("messages", [])]

    async def until(self, met: Callable[["Receiver"], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self._bell:
            await self._bell.wait_for(lambda: met(self))


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    ear = Receiver()
    app = web.Application()
    app.router.add_route("*", "/webhooks/demo/whatsapp", ear.hear)
    async with TestServer(app) as server:
        ear.url = str(server.make_url("/webhooks/demo/whatsapp"))
        yield ear

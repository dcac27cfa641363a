"""A messenger's HTTP side that writes down what it hears and answers what it is told."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it came over the wire."""

    method: str
    path: str
    target: str
    """Path and query exactly as asked for."""
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Provider:
    """Answers requests in the order in which answers were given; without one it answers 418."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[Heard] = []
        self._replies: deque[Reply] = deque()
        self._arrived = asyncio.Event()

    async def has_heard(self) -> None:
        """Wait for the first request."""
        await self._arrived.wait()

    def answer(
        self,
        document: object = None,
        *,
        status: int = 200,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        body = json.dumps(document).encode() if raw is None else raw
        told = {"Content-Type": "application/json", **(headers or {})}

        async def reply(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, body=body, headers=told)

        self._replies.append(reply)

    def pour(self, raw: bytes) -> None:
        """Answer 200 in chunks, without saying how much is to come."""

        async def reply(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            response.enable_chunked_encoding()
            await response.prepare(request)
            for start in range(0, len(raw), 1 << 16):
                await response.write(raw[start : start + (1 << 16)])
            await response.write_eof()
            return response

        self._replies.append(reply)

    def hang_up(self) -> None:
        """Take the request, then close the connection without a word."""

        async def reply(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        self._replies.append(reply)

    def break_off(self) -> None:
        """Answer 200 and half of the promised body."""

        async def reply(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"messages"')
            assert request.transport is not None
            request.transport.close()
            return response

        self._replies.append(reply)

    def fall_silent(self) -> asyncio.Event:
        """Take the request and say nothing until the event is set."""
        told = asyncio.Event()

        async def reply(_: web.Request) -> web.StreamResponse:
            await told.wait()
            return web.Response()

        self._replies.append(reply)
        return told

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.heard.append(
            Heard(request.method, request.path, request.raw_path, request.headers, body)
        )
        self._arrived.set()
        if not self._replies:
            return web.Response(status=418)
        return await self._replies.popleft()(request)


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """One on a free port of this machine."""
    fake = Provider()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", fake._hear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()

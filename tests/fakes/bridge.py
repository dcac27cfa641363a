"""What stands between an IVR and the bridge, and breaks: an answer cut short, none at all, a liar."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

LIE = b'{"action":"hangup"}'


@dataclass(slots=True)
class Between:
    """A proxy in front of the product; every connection carries one request."""

    product_url: str
    url: str = ""
    mode: str = "pass"
    """pass; half: the last characters are missing; silent; broken: a 500 of somebody else that says
    hangup. Events always pass. GET /between/{mode} sets it, too."""
    missing: int = 1
    asked: int = 0

    async def met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            request = await _whole(reader)
            if not request:
                return
            self.asked += 1
            told = request.split(b" ", 2)[1].decode()
            if told.startswith("/between/"):
                self.mode = told.rpartition("/")[2]
                return
            events = b"/calls/events" in request.split(b"\r\n", 1)[0]
            if self.mode == "silent" and not events:
                await reader.read()
            elif self.mode == "broken" and not events:
                head = (
                    f"HTTP/1.1 500 Oops\r\nContent-Length: {len(LIE)}\r\nConnection: close\r\n\r\n"
                )
                writer.write(head.encode() + LIE)
            else:
                answer = await self._answer(request)
                cut = self.mode == "half" and not events
                writer.write(answer[: -self.missing] if cut else answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _answer(self, request: bytes) -> bytes:
        address = urlsplit(self.product_url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection")]
        writer.write(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body)
        try:
            return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def between(product_url: str) -> AsyncIterator[Between]:
    """A proxy of this test's own."""
    proxy = Between(product_url)
    server = await asyncio.start_server(proxy.met, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    proxy.url = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1)


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """Head and body of a request, or nothing."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":", 1)[1])
    return head + await reader.readexactly(length)

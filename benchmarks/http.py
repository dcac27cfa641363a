"""HTTP/1.1 as a load generator needs it: one request a connection at a time, and no more work than that."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast


class Broken(Exception):
    """The other side closed a connection or answered what is no HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One kept-alive connection; `ask` again only after the answer has come."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None  # or uvloop's, which is no subclass
        self._answered: asyncio.Future[Answer] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._fail("the connection was closed")

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        try:
            status, length = int(head[9:12]), _length(head)
        except ValueError:
            self._fail("this is no answer")
            return
        if len(rest) < length:
            return
        self._received = rest[length:]
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(Answer(status, rest[:length]))

    @property
    def alive(self) -> bool:
        """Can it be asked again?"""
        return self._transport is not None

    async def ask(self, request: bytes) -> Answer:
        """Send these bytes, wait for the answer; raises Broken."""
        if self._transport is None:
            raise Broken("the connection is closed")
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _fail(self, why: str) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(Broken(why))


async def connect(host: str, port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection


def post(path: str, host: str, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """The bytes of a request."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        raise ValueError("no Content-Length")
    return int(lower[at + 17 :].partition(b"\r\n")[0])

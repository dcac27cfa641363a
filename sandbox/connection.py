"""How a program outside speaks to the sandbox: one session, and errors in words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import aiohttp

from sandbox.specs import Json


class SandboxError(Exception):
    """The sandbox refused a request; the message is its answer."""


class Connection:
    """Opened with `async with`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=90))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session:
            await self._session.close()

    async def ask(
        self, method: str, path: str, body: Json | None = None, query: Json | None = None
    ) -> Json:
        """One request to the sandbox."""
        async with self._open().request(method, self.url + path, json=body, params=query) as reply:
            answer: Json = await reply.json()
            if reply.status != 200:  # noqa: PLR2004
                raise SandboxError(f"{method} {path}: {reply.status} {answer}")
            return answer

    async def send_form(self, path: str, form: aiohttp.FormData) -> Json:
        """One multipart request."""
        async with self._open().post(self.url + path, data=form) as reply:
            answer: Json = await reply.json()
            if reply.status != 200:  # noqa: PLR2004
                raise SandboxError(f"POST {path}: {reply.status} {answer}")
            return answer

    @asynccontextmanager
    async def live(self, number: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The phone's live feed."""
        query = {"number": digits(number)}
        async with self._open().ws_connect(self.url + "/phone/live", params=query) as socket:
            yield socket

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise SandboxError("use `async with SandboxClient(url) as sandbox`")
        return self._session


def digits(number: str) -> str:
    """A number as it stands in an address."""
    return "".join(letter for letter in number if letter.isdigit())

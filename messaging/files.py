"""Where files live: a folder on one machine, or a bucket for several, by the same address form."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from core.faults import NotFound, Unavailable

_TIMEOUT_S = 30.0


class FilesUnavailable(Unavailable, code="files_unavailable"):
    """Files cannot be stored or read right now."""


class FileGone(NotFound, code="file_gone"):
    """This file is no longer kept."""


class Files:
    """A store of files under names that we choose."""

    def __init__(self, url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        """`file:///…` or `s3://…`; a bucket's credentials come from the environment by their usual names."""
        # A folder is made when it is not there; a bucket is not ours to make.
        self._store = from_url(url, mkdir=True) if url.startswith("file:") else from_url(url)
        self._timeout_s = timeout_s

    async def put(self, name: str, content: bytes) -> None:
        """Keep these bytes under this name."""
        async with self._patient():
            await obstore.put_async(self._store, name, content)

    async def get(self, name: str) -> bytes:
        """The bytes under this name; raises FileGone."""
        async with self._patient():
            found = await obstore.get_async(self._store, name)
            return bytes(await found.bytes_async())

    async def pieces(self, name: str) -> AsyncIterator[bytes]:
        """The same in pieces, so that a large file is never whole in memory."""
        async with self._patient():
            found = await obstore.get_async(self._store, name)
        stream = aiter(found.stream())
        while True:
            async with self._patient():
                piece = await anext(stream, None)
            if piece is None:
                return
            yield bytes(piece)

    async def delete(self, name: str) -> None:
        """Keep them no longer."""
        async with self._patient():
            await obstore.delete_async(self._store, name)

    @asynccontextmanager
    async def _patient(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except FileNotFoundError as gone:
            raise FileGone from gone
        except (BaseError, OSError, TimeoutError) as broken:
            raise FilesUnavailable from broken

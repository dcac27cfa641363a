"""The AGI protocol on one connection: what Asterisk says first, and the variables we set.

Every wait and every length has a limit: the other end is a PBX, or somebody who found the port.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime

from core.clock import Clock
from core.entrance import address_of
from core.faults import Invalid

MAX_LINE = 8 * 1024
MAX_HEADERS = 200
"""Asterisk sends about twenty, and one for each argument of AGI()."""
MAX_EARLY = 100
"""Answers that may come before their commands; a whole visit has not twenty."""
HEADERS_S = 5.0
REPLY_S = 5.0
_HANGUP = b"HANGUP"
_DONE = b"200 result=1"


class Gone(Exception):
    """The other end left, or does not speak AGI any more: nobody can be told anything."""


class Talk:
    """One Asterisk channel that waits for us."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._early: deque[bytes] = deque()
        """Answers that came while nobody had asked: a script, or netcat, sends them all at once."""
        self.address = address_of((writer.get_extra_info("peername") or ("",))[0])
        """Where it connected from."""
        self.hung_up_at: datetime | None = None
        """When Asterisk told that the caller has left; AGI() goes on without one."""

    async def headers(self) -> Mapping[str, str]:
        """What Asterisk says about the call; raises Gone, Invalid."""
        told: dict[str, str] = {}
        try:
            async with asyncio.timeout(HEADERS_S):
                for _ in range(MAX_HEADERS):
                    line = await self._line()
                    if not line:
                        return told
                    name, _, value = line.decode("utf-8", "replace").partition(":")
                    told[name.strip()] = value.strip()
        except TimeoutError as silent:
            raise Gone from silent
        raise Invalid(f"More than {MAX_HEADERS} headers.")

    async def listen(self) -> None:
        """Until the caller leaves or the connection ends: wait for this beside other work."""
        while self.hung_up_at is None and len(self._early) < MAX_EARLY:
            line = await self._line()
            if not line.startswith(_HANGUP):
                self._early.append(line)

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable and wait until Asterisk has it; raises Gone."""
        try:
            async with asyncio.timeout(REPLY_S):
                self._writer.write(f'SET VARIABLE {name} "{_quoted(value)}"\n'.encode())
                await self._writer.drain()
                reply = await self._reply()
        except (TimeoutError, OSError) as silent:
            raise Gone from silent
        if not reply.startswith(_DONE):
            raise Gone

    async def _reply(self) -> bytes:
        if self._early:
            return self._early.popleft()
        reply = await self._line()
        while reply.startswith(_HANGUP):
            reply = await self._line()
        return reply

    async def _line(self) -> bytes:
        try:
            line = await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as over:
            raise Gone from over
        if line.startswith(_HANGUP) and self.hung_up_at is None:
            self.hung_up_at = self._clock()
        return line.strip()


def _quoted(value: str) -> str:
    """One line inside double quotes; Asterisk takes a backslash as escape."""
    return " ".join(value.splitlines()).replace("\\", "\\\\").replace('"', '\\"')

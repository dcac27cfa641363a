"""What goes wrong around the product while it answers callers, and is over afterwards."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import psutil
from redis.asyncio import Redis

from config.demo.processes import Child
from config.embedded.pair import Embedded
from sandbox.client import SandboxClient
from sandbox.specs import Behaviour, Manner

Report = Callable[[str], None]
Trouble = Callable[[], AbstractAsyncContextManager[None]]

AT_ONCE = Manner(behaviour=Behaviour.SILENT, accepted_ms=0)
"""How the provider behaves when nothing is wrong."""
_CALM_S = 1.0
_HANGS_S = 2.0


@dataclass(frozen=True, slots=True)
class Troubles:
    """Each lasts for as long as its block, or happens within it."""

    pair: Embedded
    sandbox_url: str
    sandbox: Child
    report: Report

    @property
    def all(self) -> Mapping[str, Trouble]:
        """By the name of their row. The provider's come last: what is on the wire then lingers."""
        return {
            "redis_hangs_and_dies": self.redis_fails,
            "postgres_hangs": self.postgres_hangs,
            "postgres_restarts": self.postgres_restarts,
            "provider_slow": lambda: self._provider(
                Manner(behaviour=Behaviour.SILENT, accepted_ms=5000)
            ),
            "provider_breaks": lambda: self._provider(Manner(behaviour=Behaviour.BREAKS)),
            "provider_dead": self.provider_dead,
        }

    @asynccontextmanager
    async def redis_fails(self) -> AsyncIterator[None]:
        """It stops answering, and is then killed and started anew."""
        redis = Redis.from_url(self.pair.redis_url)
        try:
            server = psutil.Process((await redis.info("server"))["process_id"])
        finally:
            await redis.aclose()

        async def fail() -> None:
            await _hang([server])
            server.kill()
            await self._revive()

        async with _meanwhile(fail()):
            yield

    @asynccontextmanager
    async def postgres_hangs(self) -> AsyncIterator[None]:
        """All of its processes stop where they are, and go on after a while."""
        main = await self._postmaster()
        async with _meanwhile(_hang([main, *main.children()])):
            yield

    @asynccontextmanager
    async def postgres_restarts(self) -> AsyncIterator[None]:
        """It ends all connections and itself, and is started anew."""
        main = await self._postmaster()

        async def restart() -> None:
            await asyncio.sleep(_CALM_S)
            os.kill(main.pid, signal.SIGINT)
            await asyncio.to_thread(psutil.wait_procs, [main], 20)
            await self._revive()

        async with _meanwhile(restart()):
            yield

    @asynccontextmanager
    async def provider_dead(self) -> AsyncIterator[None]:
        """It takes connections and says nothing more."""
        process = self.sandbox.process
        assert process is not None, "the stage runs it"  # noqa: S101 - the stage's own promise
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    @asynccontextmanager
    async def _provider(self, manner: Manner) -> AsyncIterator[None]:
        async with SandboxClient(self.sandbox_url) as sandbox:
            await sandbox.default(manner)
            try:
                yield
            finally:
                await sandbox.default(AT_ONCE)

    async def _postmaster(self) -> psutil.Process:
        conn = await asyncpg.connect(self.pair.database_url)
        try:
            own = psutil.Process(await conn.fetchval("SELECT pg_backend_pid()"))
            main = own.parent()
        finally:
            await conn.close()
        assert main is not None, "a backend has a postmaster"  # noqa: S101 - PostgreSQL's promise
        return main

    async def _revive(self) -> None:
        while not await asyncio.to_thread(self.pair.revive, self.report):  # noqa: ASYNC110 - a process that dies tells nobody
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """It happens during the block, and has happened at its end."""
    happening = asyncio.ensure_future(work)
    try:
        yield
    finally:
        await happening


async def _hang(processes: list[psutil.Process]) -> None:
    await asyncio.sleep(_CALM_S)
    try:
        for process in processes:
            process.suspend()
        await asyncio.sleep(_HANGS_S)
    finally:
        for process in processes:
            process.resume()

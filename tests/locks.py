"""Locks that a test holds, and who waits for them, which the database tells nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from core.postgres import Tx

_WAITING = (
    "SELECT EXISTS (SELECT FROM pg_locks"
    " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
)


async def until_waited_for(tx: Tx) -> None:
    """Until somebody waits for what this transaction holds."""
    async with asyncio.timeout(20):
        while not await tx.fetchval(_WAITING):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)


@asynccontextmanager
async def nobody_reads(database_url: str, table: str) -> AsyncIterator[None]:
    """Whoever looks into this table waits."""
    conn = await asyncpg.connect(database_url)
    try:
        async with conn.transaction():
            await conn.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await conn.close()

"""Who waits for whom in the database, which tells nobody."""

import asyncio

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

"""Connections of one kind: taken, given back, kept at hand, thrown away."""

import asyncio
from typing import Any

import asyncpg
import structlog

from core.ids import WorkspaceId
from core.outages import LOST, DatabaseUnavailable

log = structlog.get_logger()

_CLOSE_S = 0.4
"""Nobody uses it any more; a process closes several of these, and has little time to stop."""
_ROLL_BACK_S = 2.0
_AT_REST_S = 0.1
"""What was given up must not be waited for: the database may hang, and somebody may be on the line."""


class Connection(asyncpg.Connection):  # type: ignore[type-arg, misc, unused-ignore]
    """Settings are only ever made LOCAL, so a connection comes back clean without a round trip.

    Except for the workspace that single statements run in: the connection knows which one that is.
    """

    _workspace_id: WorkspaceId | None = None

    def get_reset_query(self) -> str:
        """Nothing needs to be reset."""
        return ""

    async def stand_in(self, workspace_id: WorkspaceId) -> None:
        """Single statements on this connection see this workspace and nothing else."""
        if self._workspace_id != workspace_id:
            self._workspace_id = None
            await self.execute(f"SET ivr_bridge.workspace = {int(workspace_id)}")
            self._workspace_id = workspace_id


class Connections:
    """A pool, and beside it the connections that single statements left clean.

    Giving one to the pool and asking for it again takes as long as a tenth of a statement.
    """

    def __init__(self, pool: Any, *, acquire_timeout_s: float, keeps: bool) -> None:
        self._pool = pool
        self._acquire_timeout_s = acquire_timeout_s
        self._keeps = keeps
        self._at_hand: list[Any] = []
        self._waiting = 0

    async def acquire(self) -> Any:
        """One to use; raises DatabaseUnavailable when there is none in time."""
        while self._at_hand:
            conn = self._at_hand.pop()
            if _works(conn):
                return conn
            await self.release(conn)
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._acquire_timeout_s)
        except (OSError, TimeoutError, *LOST) as lost:
            raise DatabaseUnavailable from lost
        finally:
            self._waiting -= 1

    async def keep(self, conn: Any) -> None:
        """Have it at hand for whoever comes next; it must be clean."""
        if self._keeps and not self._waiting:
            self._at_hand.append(conn)
        else:
            await self.release(conn)

    async def release(self, conn: Any) -> None:
        """Give it back. One that does not come to rest in time is thrown away by its pool."""
        try:
            await self._pool.release(conn, timeout=_AT_REST_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, *LOST):
            log.warning("postgres.connection_dropped")

    async def close(self) -> None:
        """Let go of all; those that do not come to rest are thrown away."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                while self._at_hand:
                    await self.release(self._at_hand.pop())
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


def _works(conn: Any) -> bool:
    """Nothing is known to be wrong with it."""
    try:
        return not conn.is_closed()
    except asyncpg.InterfaceError:
        return False  # It broke while it lay at hand, and its pool took it back.


async def roll_back(conn: Any, broken: BaseException) -> None:
    """Leave no transaction open; a connection that cannot say so is thrown away."""
    if conn.is_closed() or not conn.is_in_transaction():
        return
    given_up = isinstance(broken, (TimeoutError, asyncio.CancelledError))
    try:
        async with asyncio.timeout(_AT_REST_S if given_up else _ROLL_BACK_S):
            await conn.execute("ROLLBACK")
    except (OSError, TimeoutError, asyncpg.PostgresError, *LOST):
        log.warning("postgres.connection_dropped")
        conn.terminate()


def let_go(conn: Any, lost: Exception) -> None:
    """A connection that its own driver no longer understands must serve nobody else."""
    if isinstance(lost, asyncpg.InternalClientError):
        log.warning("postgres.connection_dropped")
        conn.terminate()

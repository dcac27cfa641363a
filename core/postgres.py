"""The one door to PostgreSQL: every transaction names its workspace, and hints go out after commit."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson

from core.connections import Connection, Connections, let_go, roll_back
from core.ids import WorkspaceId
from core.outages import LOST, UNDONE, DatabaseUnavailable, TransactionUndone, named

SERVICE_ROLE = "ivr_bridge_service"
DISPATCHER_ROLE = "ivr_bridge_dispatcher"
DIRECTORY_ROLE = "ivr_bridge_directory"

Record = asyncpg.Record
Hint = Callable[[Iterable[str]], None]


class Tx:
    """A transaction in hand: run statements through it, and say whom to wake once it has committed."""

    __slots__ = ("_conn", "_savepoints", "_wakes", "workspace_id")

    def __init__(self, conn: Any, workspace_id: WorkspaceId) -> None:
        self._conn = conn
        self.workspace_id = workspace_id
        self._wakes: list[str] = []
        self._savepoints = 0

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement for its effect."""
        status: str = await self._conn.execute(query, *args)
        return status

    async def fetch(self, query: str, *args: object) -> list[Record]:
        """Every row."""
        rows: list[Record] = await self._conn.fetch(query, *args)
        return rows

    async def fetchrow(self, query: str, *args: object) -> Record | None:
        """The first row, if there is one."""
        row: Record | None = await self._conn.fetchrow(query, *args)
        return row

    async def fetchval(self, query: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        return await self._conn.fetchval(query, *args)

    async def executemany(self, query: str, rows: Sequence[Sequence[object]]) -> None:
        """The same statement for many rows."""
        await self._conn.executemany(query, rows)

    def wake(self, *topics: str) -> None:
        """Hint at these topics after the commit. Losing a hint costs a sweep's delay, never work."""
        self._wakes.extend(topics)

    @property
    def wakes(self) -> Sequence[str]:
        """What will be hinted at."""
        return self._wakes

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo only what happens inside when it raises."""
        self._savepoints += 1
        name = f"sp_{self._savepoints}"
        await self._conn.execute(f"SAVEPOINT {name}")
        try:
            yield
        except Exception:
            await self._conn.execute(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        else:
            await self._conn.execute(f"RELEASE SAVEPOINT {name}")


class Database:
    """A pool, and the doors that may be opened on it."""

    def __init__(self, connections: Connections, *, hint: Hint | None = None) -> None:
        self._connections = connections
        self._hint = hint

    @asynccontextmanager
    async def workspace(
        self, workspace_id: WorkspaceId, *, read_only: bool = False
    ) -> AsyncIterator[Tx]:
        """A transaction that sees one workspace and nothing else; commits when the block ends well."""
        begin = "BEGIN READ ONLY" if read_only else "BEGIN"
        opening = f"{begin}; SET LOCAL ivr_bridge.workspace = {int(workspace_id)}"
        async with self._transaction(opening, workspace_id) as tx:
            yield tx

    async def alone(self, workspace_id: WorkspaceId, query: str, *args: object) -> list[Record]:
        """One statement as a transaction of its own, in one round trip: its rows, committed."""
        conn = await self._connections.acquire()
        try:
            await conn.stand_in(workspace_id)
            rows: list[Record] = await conn.fetch(query, *args)
        except (OSError, TimeoutError, *LOST) as lost:
            let_go(conn, lost)
            await self._connections.release(conn)
            # Whether it took effect is not known here, as with a COMMIT that breaks off.
            raise named(lost) from lost
        except BaseException:
            await self._connections.release(conn)
            raise
        await self._connections.keep(conn)
        return rows

    def wake(self, *topics: str) -> None:
        """Hint at these topics, after a statement alone."""
        if self._hint is not None:
            self._hint(topics)

    @asynccontextmanager
    async def dispatcher(self) -> AsyncIterator[Tx]:
        """A transaction that sees the due work of every workspace, and no other table."""
        async with self._transaction(
            f"BEGIN; SET LOCAL ROLE {DISPATCHER_ROLE}", WorkspaceId(0)
        ) as tx:
            yield tx

    @asynccontextmanager
    async def directory(self) -> AsyncIterator[Tx]:
        """A read-only transaction that finds which workspace a name, key or session belongs to."""
        opening = f"BEGIN READ ONLY; SET LOCAL ROLE {DIRECTORY_ROLE}"
        async with self._transaction(opening, WorkspaceId(0)) as tx:
            yield tx

    async def answers(self, *, timeout_s: float) -> bool:
        """Does the database answer at all, in this time?"""
        try:
            async with asyncio.timeout(timeout_s):
                conn = await self._connections.acquire()
                try:
                    await conn.execute("SELECT 1")
                except BaseException:
                    conn.terminate()
                    raise
                finally:
                    await self._connections.release(conn)
        except (OSError, TimeoutError, DatabaseUnavailable, asyncpg.PostgresError, *LOST):
            return False
        return True

    @asynccontextmanager
    async def _transaction(self, opening: str, workspace_id: WorkspaceId) -> AsyncIterator[Tx]:
        conn = await self._connections.acquire()
        tx = Tx(conn, workspace_id)
        try:
            try:
                await conn.execute(opening)
                yield tx
            except BaseException as broken:
                await roll_back(conn, broken)
                raise
            await conn.execute("COMMIT")
        except (OSError, TimeoutError, *LOST) as lost:
            let_go(conn, lost)
            # Whether a COMMIT that broke off took effect is not known here: callers that care
            # resolve it by their key.
            raise named(lost) from lost
        except UNDONE as undone:
            raise TransactionUndone from undone
        finally:
            await self._connections.release(conn)
        if tx.wakes and self._hint is not None:
            self._hint(tx.wakes)


_BY_KEYS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


async def _prepare(conn: Any) -> None:
    """jsonb travels as Python values."""
    await conn.set_type_codec(
        "jsonb", encoder=to_json, decoder=json.loads, schema="pg_catalog", format="text"
    )


# Made once: `json.dumps` makes another one each time that it is asked for more than its defaults.
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# What JSON does not know is refused, as by the standard library: dataclasses hold personal data.
_PLAIN = (
    orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
)


def to_json(value: object) -> str:
    """How a document is written where many travel in one array: `:documents::text[]`."""
    try:
        return orjson.dumps(value, option=_PLAIN).decode()
    except orjson.JSONEncodeError:
        # Integers of more than 64 bits, lone surrogates: what is odd is judged by the standard library.
        return _written(value)


@asynccontextmanager
async def open_database(
    dsn: str,
    *,
    application: str,
    size: int,
    command_timeout_s: float = 5.0,
    acquire_timeout_s: float = 2.0,
    hint: Hint | None = None,
    hot: bool = False,
    lock_timeout_ms: int = 0,
) -> AsyncIterator[Database]:
    """A pool of `size` connections that act as the service's role, closed at the end.

    `hot` where callers wait: every connection stands ready, and a statement is planned once for all
    values. Its rows are found by whole keys then, whatever the values are: a plan that reads a table
    from end to end is never taken, even while the table is new and the planner takes it for empty.
    `lock_timeout_ms` where nobody may wait for somebody else's row.
    """
    pool = await asyncpg.create_pool(
        dsn,
        min_size=size if hot else min(2, size),
        max_size=size,
        max_inactive_connection_lifetime=0 if hot else 300,
        command_timeout=command_timeout_s,
        connection_class=Connection,
        init=_prepare,
        timeout=5,
        server_settings={
            "role": SERVICE_ROLE,
            "application_name": f"ivr-bridge {application}",
            "timezone": "UTC",
            "statement_timeout": str(int(command_timeout_s * 1000)),
            # A transaction that waits on something else than us is a bug: let go of its locks.
            "idle_in_transaction_session_timeout": "15000",
            "lock_timeout": str(lock_timeout_ms),
            "jit": "off",
            **(_BY_KEYS if hot else {}),
        },
    )
    connections = Connections(pool, acquire_timeout_s=acquire_timeout_s, keeps=hot)
    try:
        yield Database(connections, hint=hint)
    finally:
        await connections.close()

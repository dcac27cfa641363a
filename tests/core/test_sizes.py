"""Tables that grow are counted at once, by a role that owns none of them."""

import asyncio

import asyncpg
import pytest
from structlog.testing import capture_logs

from core.ids import WorkspaceId
from core.jobs import NewJob, enqueue
from core.postgres import Database
from core.sizes import count_what_grew, counted
from tests.contracts.test_isolation import SCHEMAS

MANY = 1000


@pytest.fixture
async def owner(database_url):
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


async def put_in(database: Database, workspace_id: WorkspaceId, how_many: int) -> None:
    async with database.workspace(workspace_id) as tx:
        for _ in range(how_many):
            await enqueue(tx, NewJob(kind="any", payload={}))


async def known_rows(owner: asyncpg.Connection) -> float:
    known: float = await owner.fetchval(
        "SELECT reltuples FROM pg_class WHERE oid = 'core.job'::regclass"
    )
    return known


def counting_tries(monkeypatch) -> list[Database]:
    """Which grows by one each time that somebody tries to count."""
    tries: list[Database] = []

    async def tried(database: Database) -> list[str]:
        tries.append(database)
        return await count_what_grew(database)

    monkeypatch.setattr("core.sizes.count_what_grew", tried)
    return tries


async def test_a_table_is_counted_when_it_has_doubled_and_not_before(
    database: Database, workspace_id: WorkspaceId, owner
):
    assert await count_what_grew(database) == []
    await put_in(database, workspace_id, MANY)
    assert await count_what_grew(database) == ["core.job"]
    assert await known_rows(owner) == MANY
    await put_in(database, workspace_id, MANY // 2)
    assert await count_what_grew(database) == []
    await put_in(database, workspace_id, MANY)
    assert await count_what_grew(database) == ["core.job"]
    assert await known_rows(owner) == MANY * 2 + MANY // 2


async def test_counting_waits_for_no_table_that_a_migration_holds(
    database: Database, workspace_id: WorkspaceId, owner
):
    await put_in(database, workspace_id, MANY)
    async with owner.transaction():
        await owner.execute("LOCK TABLE core.job")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await count_what_grew(database)
    assert await count_what_grew(database) == ["core.job"]


async def test_the_tables_of_every_room_are_looked_at(owner):
    text = await owner.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'count_what_grew'")
    assert [schema for schema in SCHEMAS if f"'{schema}'::regnamespace" not in text] == []


async def test_it_goes_on_after_it_failed_and_says_so_once(
    database: Database, workspace_id: WorkspaceId, owner, monkeypatch
):
    monkeypatch.setattr("core.sizes.EVERY_S", 0.01)
    tries = counting_tries(monkeypatch)
    await put_in(database, workspace_id, MANY)
    function = "ON FUNCTION core.count_what_grew"
    await owner.execute(f"REVOKE EXECUTE {function} FROM ivr_bridge_dispatcher")
    async with asyncio.timeout(20):
        with capture_logs() as said:
            async with counted(database):
                while len(tries) < 5:
                    await owner.execute("SELECT 1")
                await owner.execute(f"GRANT EXECUTE {function} TO ivr_bridge_dispatcher")
                while await known_rows(owner) != MANY or len(said) < 3:
                    await owner.execute("SELECT 1")
    assert [each["event"] for each in said] == [
        "sizes.not_counted", "sizes.counted_again", "sizes.counted",
    ]  # fmt: skip


async def test_nobody_else_may_have_tables_counted(owner):
    await owner.execute("SET ROLE ivr_bridge_service")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("SELECT core.count_what_grew()")

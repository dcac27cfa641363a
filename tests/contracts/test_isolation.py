"""No query of one workspace sees another's row: read from the catalogue, then tried."""

import asyncpg
import pytest

from core.ids import WorkspaceId
from core.jobs import NewJob, enqueue
from core.postgres import DIRECTORY_ROLE, DISPATCHER_ROLE, SERVICE_ROLE, Database

SCHEMAS = ["core", "messaging", "handoff", "ivr_bridge"]


@pytest.fixture
async def owner(database_url):
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


async def test_every_table_forces_row_level_security_and_leads_with_the_workspace(owner):
    tables = await owner.fetch(
        """
        SELECT n.nspname || '.' || c.relname AS name, c.relrowsecurity AS on_, c.relforcerowsecurity AS forced,
               c.relispartition AS part,
               (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid
                   AND $2::name::regrole::oid = ANY (p.polroles)) AS policies,
               (SELECT a.attname FROM pg_index i
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                 WHERE i.indrelid = c.oid AND i.indisprimary) AS leads
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY ($1)
        """,
        SCHEMAS,
        SERVICE_ROLE,
    )
    assert len(tables) > 5
    for table in tables:
        assert table["leads"] == "workspace_id", table["name"]
        if table["part"]:
            continue  # reached only through its parent, which is checked; see the next test
        assert table["on_"], table["name"]
        assert table["forced"], table["name"]
        assert table["policies"] == 1, table["name"]


async def test_partitions_cannot_be_reached_past_their_parent(owner):
    open_partitions = await owner.fetch(
        """
        SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relispartition AND c.relkind IN ('r', 'p') AND n.nspname = ANY ($1)
           AND has_table_privilege($2, c.oid, 'SELECT, INSERT, UPDATE, DELETE') AND NOT c.relforcerowsecurity
        """,
        SCHEMAS,
        SERVICE_ROLE,
    )
    assert open_partitions == []


async def test_nothing_looks_into_a_table_with_its_owners_eyes(owner):
    """A view reads as its owner unless it says otherwise, and so does a function that is told to."""
    views = await owner.fetch(
        """
        SELECT c.oid::regclass::text AS name, c.relkind = 'm' AS kept,
               COALESCE('security_invoker=true' = ANY (c.reloptions), false) AS invokers
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('v', 'm') AND n.nspname = ANY ($1)
        """,
        SCHEMAS,
    )
    assert views
    assert [view["name"] for view in views if view["kept"] or not view["invokers"]] == []
    functions = await owner.fetch(
        """
        SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE p.prosecdef AND n.nspname = ANY ($1)
        """,
        SCHEMAS,
    )
    # It tells names of tables, to the dispatcher alone: tests/core/test_sizes.py.
    assert [each["name"] for each in functions] == ["core.count_what_grew()"]


@pytest.mark.parametrize("role", [SERVICE_ROLE, DISPATCHER_ROLE, DIRECTORY_ROLE])
async def test_the_roles_of_the_service_own_nothing_and_bypass_nothing(owner, role):
    attributes = await owner.fetchrow(
        "SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole FROM pg_roles WHERE rolname = $1",
        role,
    )
    assert not any(attributes.values())
    owned = await owner.fetchval(
        "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = $1",
        role,
    )
    assert owned == 0


async def test_one_workspace_sees_nothing_of_another(
    database: Database, workspace_id: WorkspaceId, other_workspace_id: WorkspaceId
):
    async with database.workspace(workspace_id) as tx:
        await enqueue(tx, NewJob(kind="secret", payload={}))
    async with database.workspace(other_workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM core.job") == 0
        assert await tx.fetchval("SELECT count(*) FROM core.workspace") == 1
        changed = await tx.execute("UPDATE core.job SET kind = 'taken'")
        assert changed == "UPDATE 0"
    async with database.workspace(workspace_id) as tx:
        assert await tx.fetchval("SELECT kind FROM core.job") == "secret"


async def test_a_row_for_another_workspace_is_refused(
    database: Database, workspace_id: WorkspaceId, other_workspace_id: WorkspaceId
):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.workspace(workspace_id) as tx:
            await tx.execute(
                "INSERT INTO core.job (workspace_id, job_id, band, kind, payload)"
                " VALUES ($1, gen_random_uuid(), 'normal', 'planted', '{}')",
                other_workspace_id,
            )


async def test_the_workspace_does_not_leak_through_the_pool(
    database: Database, workspace_id: WorkspaceId
):
    async with database.workspace(workspace_id) as tx:
        await enqueue(tx, NewJob(kind="secret", payload={}))
    for _ in range(20):  # more often than the pool has connections
        async with database.directory() as tx:
            assert await tx.fetchval("SELECT core.current_workspace()") is None
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await tx.fetchval("SELECT count(*) FROM core.job")


async def test_the_directory_cannot_read_a_password(database: Database, workspace_id: WorkspaceId):
    del workspace_id
    async with database.directory() as tx:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.fetch("SELECT password_hash FROM core.person")

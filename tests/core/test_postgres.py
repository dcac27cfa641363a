"""The door to PostgreSQL: what callers hear when a connection breaks, and who gets it afterwards."""

import struct
from typing import Any

import pytest

from core.outages import DatabaseUnavailable, TransactionUndone
from core.postgres import Database, Tx, open_database

_GOING_DOWN = b"SFATAL\0VFATAL\0C57P02\0Mterminating connection because of a crash\0\0"


@pytest.fixture
async def narrow(database_url):
    """One connection for everybody."""
    async with open_database(database_url, application="test", size=1) as opened:
        yield opened


def last_words(conn: Any) -> None:
    """What a server that goes down says on every connection, a moment before it closes them."""
    said = b"E" + struct.pack(">I", len(_GOING_DOWN) + 4) + _GOING_DOWN
    conn._con._protocol.data_received(said)


async def its_backend(database: Database, workspace_id: Any) -> int:
    async with database.workspace(workspace_id) as tx:
        found: int = await tx.fetchval("SELECT pg_backend_pid()")
    return found


async def ask(tx: Tx) -> None:
    last_words(tx._conn)
    await tx.fetchval("SELECT 1")


async def commit(tx: Tx) -> None:
    last_words(tx._conn)


@pytest.mark.parametrize("during", [ask, commit])
async def test_a_server_that_goes_down_is_unavailable_and_its_connection_serves_nobody(
    narrow, workspace_id, during
):
    before = await its_backend(narrow, workspace_id)
    with pytest.raises(DatabaseUnavailable):
        async with narrow.workspace(workspace_id) as tx:
            await during(tx)
    assert await its_backend(narrow, workspace_id) != before


async def test_a_statement_alone_hears_the_same(narrow, workspace_id):
    before = await its_backend(narrow, workspace_id)
    conn = await narrow._connections.acquire()
    last_words(conn)
    await narrow._connections.release(conn)
    with pytest.raises(DatabaseUnavailable):
        await narrow.alone(workspace_id, "SELECT 1")
    assert await its_backend(narrow, workspace_id) != before


async def test_whoever_lost_a_deadlock_may_ask_again(narrow, workspace_id):
    """Nothing is wrong with the transaction that PostgreSQL chose, nor with its connection."""
    before = await its_backend(narrow, workspace_id)
    with pytest.raises(TransactionUndone) as undone:
        async with narrow.workspace(workspace_id) as tx:
            await tx.execute("DO $$ BEGIN RAISE 'x' USING ERRCODE = 'deadlock_detected'; END $$")
    assert (undone.value.status, undone.value.retry) == (503, True)
    assert await its_backend(narrow, workspace_id) == before

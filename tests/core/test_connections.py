"""Connections that single statements leave at hand: for whoever comes next, and for nobody's harm."""

import asyncio
import time

import asyncpg
import pytest

from core.outages import DatabaseUnavailable
from core.postgres import open_database

_WHOM = "SELECT pg_backend_pid() AS pid"


@pytest.fixture
async def hot(database_url):
    """One connection, which callers wait for."""
    async with open_database(
        database_url, application="test", size=1, hot=True, acquire_timeout_s=0.5
    ) as opened:
        yield opened


async def backend(database, workspace_id) -> int:
    (row,) = await database.alone(workspace_id, _WHOM)
    return int(row["pid"])


async def test_one_at_hand_serves_transactions_and_questions_about_health_too(hot, workspace_id):
    first = await backend(hot, workspace_id)
    async with hot.workspace(workspace_id) as tx:
        assert await tx.fetchval("SELECT pg_backend_pid()") == first
    assert await backend(hot, workspace_id) == first
    assert await hot.answers(timeout_s=1)


async def test_nobody_waits_for_one_that_lies_at_hand(hot, workspace_id):
    """Whoever waits already gets it; with one connection, one forgotten is one too few."""

    async def transaction() -> None:
        async with hot.workspace(workspace_id) as tx:
            await tx.fetchval("SELECT 1")

    for _ in range(20):
        await asyncio.gather(
            *(backend(hot, workspace_id) for _ in range(5)), *(transaction() for _ in range(5))
        )


async def test_one_that_broke_meanwhile_serves_nobody(hot, database_url, workspace_id):
    before = await backend(hot, workspace_id)
    owner = await asyncpg.connect(database_url)
    assert await owner.fetchval("SELECT pg_terminate_backend($1, 5000)", before)
    await owner.close()
    async with asyncio.timeout(5):
        while True:
            try:
                after = await backend(hot, workspace_id)
                break
            except DatabaseUnavailable:
                continue  # It had not been told yet.
    assert after != before


async def test_one_whose_statement_failed_or_was_given_up_goes_back_clean(hot, workspace_id):
    with pytest.raises(Exception, match="division by zero"):
        await hot.alone(workspace_id, "SELECT 1 / 0")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await hot.alone(workspace_id, "SELECT pg_sleep(5)")
    assert await backend(hot, workspace_id)


async def test_what_lies_at_hand_does_not_hold_up_the_end(database_url, workspace_id):
    async with open_database(database_url, application="test", size=3, hot=True) as opened:
        await asyncio.gather(*(backend(opened, workspace_id) for _ in range(3)))
        began = time.monotonic()
    assert time.monotonic() - began < 0.3

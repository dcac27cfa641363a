"""The planner hears within a second how large tables have become, for its plans are kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import structlog

from core.faults import Unavailable
from core.postgres import Database
from core.queries import load
from core.spells import Spell

log = structlog.get_logger()

SQL = load(Path(__file__).with_name("sizes.sql"))

EVERY_S = 1.0
"""Long enough to cost nothing, short enough that few calls meet a plan made for an empty table."""


@asynccontextmanager
async def counted(database: Database) -> AsyncIterator[None]:
    """Tables are counted as they grow, for as long as this is open."""
    counting = asyncio.ensure_future(_keep_counting(database))
    try:
        yield
    finally:
        counting.cancel()
        with suppress(asyncio.CancelledError):
            await counting


async def count_what_grew(database: Database) -> list[str]:
    """Count the tables that have doubled since they were last counted; which they were."""
    async with database.dispatcher() as tx:
        return [row["name"] for row in await tx.fetch(*SQL["count_what_grew"]())]


async def _keep_counting(database: Database) -> None:
    # Autovacuum does the same within a minute.
    away = Spell("sizes.not_counted", "sizes.counted_again")
    while True:
        try:
            grown = await count_what_grew(database)
        except (Unavailable, asyncpg.PostgresError) as missed:
            away.met(missed)
        else:
            away.over()
            for table in grown:
                log.info("sizes.counted", table=table)
        await asyncio.sleep(EVERY_S)

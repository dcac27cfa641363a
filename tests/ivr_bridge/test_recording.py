"""A POST is never repeated, and what it told is written down as soon as the database takes it."""

import asyncio
from dataclasses import replace

import asyncpg

from core.postgres import open_database
from tests.ivr_bridge.conftest import House

CALLERS = [f"+7900555010{n}" for n in range(4)]
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ivr-bridge hasty'"
    " AND datname = current_database() AND wait_event_type = 'Lock' AND query_start > $1"
)


async def test_what_several_posts_told_is_tried_again_for_each_by_itself(
    house: House, database_url: str
):
    for caller in CALLERS:
        await house.network.behave(caller, "held")
    holding, looking = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    async with open_database(
        database_url, application="hasty", size=8, command_timeout_s=0.5, hint=house.wake.hint
    ) as hasty:
        asked = [
            asyncio.ensure_future(house.ivr.deflect(f"of-{caller}", caller, deadline_ms=12_000))
            for caller in CALLERS
        ]
        for caller in CALLERS:
            assert await house.network.wire(caller, kind="opening", wait_ms=10_000)
        house.deflections._means = replace(house.means, database=hasty)
        try:
            async with holding.transaction():
                await holding.execute("LOCK TABLE messaging.message IN SHARE MODE")
                for round_ in range(3):
                    since = await looking.fetchval("SELECT clock_timestamp()")
                    if round_ == 0:
                        for caller in CALLERS:
                            await house.network.release(caller)
                    # All are at it, and then again: what they did before was given up.
                    await until_waiting(looking, since, len(CALLERS))
            told = await asyncio.gather(*asked)
        finally:
            await holding.close()
            await looking.close()
            house.deflections._means = house.means
    assert [answer.action for answer in told] == ["hangup"] * len(CALLERS)
    assert await house.network.counts() == dict.fromkeys(CALLERS, 1)
    unsure = "SELECT count(*) FROM messaging.message WHERE status IN ('sending', 'unknown')"
    assert await house.value(unsure) == 0


async def until_waiting(looking: asyncpg.Connection, since: object, many: int) -> None:
    """So many statements that began later wait for the lock."""
    async with asyncio.timeout(10):
        while await looking.fetchval(WAITING, since) < many:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)

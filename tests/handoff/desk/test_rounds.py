"""What a round of the feed found is told whole, and once."""

import asyncio
import operator
from dataclasses import replace
from typing import Any

import asyncpg

from core.ids import public
from core.postgres import open_database
from tests.handoff.desk.conftest import serving
from tests.handoff.desk.frames import frame, seen, until
from tests.locks import nobody_reads


async def waiting(house: Any, table: str, before: str | None = None) -> str | None:
    """Which statement waits for this table, as soon as it is another one than before."""
    async with asyncio.timeout(20):
        while True:
            which: str | None = await house.owner.fetchval(
                "SELECT pid || ' ' || waitstart FROM pg_locks"
                " WHERE NOT granted AND relation = $1::regclass",
                table,
            )
            if which != before:
                return which
            await asyncio.sleep(0.02)


async def test_a_count_that_was_read_and_could_not_be_told_is_told_later(
    house, wake, clock, database_url
):
    impatient = open_database(
        database_url, application="test", size=4, command_timeout_s=0.5, hint=wake.hint
    )
    async with (
        impatient as database,
        serving(replace(house, database=database), wake, clock) as desk,
    ):
        olga = await desk.signed_in("olga")
        connection = await olga.hello()
        welcome = await frame(connection, "welcome")
        assert [queue["waiting"] for queue in welcome["queues"]] == [0]
        # Conversations are read with the names of their operators, and after the counts.
        async with nobody_reads(database_url, "core.person"):
            await house.queued()
            first = await waiting(house, "core.person")
            await waiting(house, "core.person", first)
            # Counts are read once a second: the next attempt has them for certain.
            second = await waiting(house, "core.person")
            await waiting(house, "core.person", second)
        told = await until(connection, "queue", lambda item: item["queue"]["waiting"] == 1)
        assert told["queue"]["name"] == "support"


async def test_who_looks_is_told_once_while_somebody_writes_for_long(desk, database_url):
    """A writer that stays open makes every round read again what was told already."""
    house = desk.house
    asked = await house.queued()
    named = public("cv", asked.conversation_id)
    olga, boris = await desk.signed_in("olga"), await desk.signed_in("boris")
    connection, other = await olga.hello(), await boris.hello()
    await frame(connection, "welcome")
    writer = await asyncpg.connect(database_url)
    async with writer.transaction():
        await writer.execute("SELECT pg_current_xact_id()")
        for looked_at, fits in ((named, bool), (None, operator.not_), (named, bool)):
            await other.send_json({"type": "viewing", "conversation_id": looked_at})
            await seen(connection, fits)
        await olga.ask("PUT", "/v1/operators/me/presence", {"declared": "busy"})
        kinds: list[str] = []
        while "presence" not in kinds:
            kinds = [item["kind"] for item in (await frame(connection))["items"]]
            assert "viewers" not in kinds
    await writer.close()

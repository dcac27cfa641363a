"""Plans made while every table was empty do not outlive the first calls."""

import json
from typing import Any

import pytest

from core.postgres import open_database
from core.sizes import count_what_grew
from ivr_bridge import offering, shared, store
from messaging import openings, posting
from tests.ivr_bridge.busy import GROWING, busy_workspace, nodes

WAITED_FOR = {
    "look": shared.LOOK.text,
    "count_and_look": shared.COUNT_AND_LOOK.text,
    "open": shared.OPEN.text,
    "hang_up": shared.HANG_UP.text,
    "note": offering.NOTE.text,
    "deflection": store.SQL["deflection"].text,
    "rests_on": store.SQL["rests_on"].text,
    "state": openings.SQL["state"].text,
    "lock": openings.SQL["lock"].text,
    "record_accepted": posting.SQL["record_accepted"].text,
}


@pytest.fixture
async def caller_s(database_url):
    """A connection that callers wait for, as the service opens it."""
    async with open_database(database_url, application="test", size=1, hot=True) as opened:
        yield opened


async def wide_reads(conn: Any) -> dict[str, set[tuple[str, str]]]:
    """By statement: the tables that are read by nothing but their workspace, and through what."""
    found: dict[str, set[tuple[str, str]]] = {}
    for name in WAITED_FOR:
        parameters = await conn.fetchval(
            "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = $1", name
        )
        nothing = ", ".join(["NULL"] * parameters)
        told = await conn.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {name} ({nothing})")
        wide = {
            (table, node.get("Index Name", node["Node Type"]))
            for node in nodes(json.loads(told)[0]["Plan"])
            if (table := node.get("Relation Name")) in GROWING
            and node["Node Type"] != "ModifyTable"
            and " AND " not in node.get("Index Cond", node.get("Recheck Cond", ""))
        }
        if wide:
            found[name] = wide
    return found


async def test_a_plan_made_for_empty_tables_gives_way_to_one_by_keys(
    caller_s, database, database_url
):
    async with caller_s.dispatcher() as tx:
        await tx.execute("SET LOCAL ROLE ivr_bridge_service; SET LOCAL ivr_bridge.workspace = 1")
        for name, text in WAITED_FOR.items():
            await tx.execute(f"PREPARE {name} AS {text}")
        assert await wide_reads(tx) != {}, "the planner knows better: what is this for?"
    async with busy_workspace(database_url):
        await count_what_grew(database)
        async with caller_s.dispatcher() as tx:
            await tx.execute(
                "SET LOCAL ROLE ivr_bridge_service; SET LOCAL ivr_bridge.workspace = 1"
            )
            assert await wide_reads(tx) == {}

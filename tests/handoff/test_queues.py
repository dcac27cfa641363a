"""Queues, their teams, and plans that a backlog must not spoil."""

import json
from collections.abc import Iterator
from typing import Any

from handoff.routing.placing import SQL
from handoff.routing.queues import (
    QueueDraft,
    chat_wait_s,
    put_members,
    put_queue,
    queue,
    queue_ids_of,
    queue_named,
)


async def test_putting_a_queue_twice_changes_it(house):
    async with house.database.workspace(house.workspace_id) as tx:
        first = await put_queue(tx, QueueDraft("orders", "Orders"))
        second = await put_queue(tx, QueueDraft("orders", "Orders and returns", wrapup_s=5))
        assert first == second
        found = await queue(tx, first)
    assert (found.title, found.wrapup_s, found.reservation_s) == ("Orders and returns", 5, 30)


async def test_the_first_queue_is_the_default_one_until_another_is_named(house):
    async with house.database.workspace(house.workspace_id) as tx:
        assert (await queue_named(tx, "no-such")).name == "support"
        await put_queue(tx, QueueDraft("orders", "Orders", default=True))
        assert (await queue_named(tx, None)).name == "orders"
        assert (await queue_named(tx, "support")).name == "support"


async def test_a_workspace_without_queues_still_leaves_nobody_in_limbo(
    database, other_workspace_id
):
    async with database.workspace(other_workspace_id) as tx:
        assert (await queue_named(tx, "support")).name == "main"
        assert (await queue_named(tx, "support")).name == "main"


async def test_a_team_is_exactly_who_was_named(house):
    olga, pavel = await house.operator("olga"), await house.operator("pavel")
    async with house.database.workspace(house.workspace_id) as tx:
        await put_members(tx, house.queue_id, [pavel])
        assert await queue_ids_of(tx, olga, everything=False) == []
        assert await queue_ids_of(tx, pavel, everything=False) == [house.queue_id]
        assert await queue_ids_of(tx, olga, everything=True) == [house.queue_id]


async def test_the_wait_told_to_callers(house):
    async def wait() -> float | None:
        async with house.database.workspace(house.workspace_id) as tx:
            return await chat_wait_s(tx, "support")

    assert await wait() is None, "nobody works"
    await house.at_work(capacity=1)
    assert await wait() == 0.0
    await house.queued()
    assert await wait() == 300.0
    await house.queued(await house.customer("+79161234568"))
    assert await wait() == 600.0


async def test_another_workspace_sees_nothing_of_this_one(house, other_workspace_id):
    await house.at_work()
    await house.queued()
    tables = await house.owner.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'handoff'"
    )
    async with house.database.workspace(other_workspace_id) as tx:
        for row in tables:
            assert await tx.fetchval(f"SELECT count(*) FROM handoff.{row['table_name']}") == 0


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


async def test_a_backlog_of_thousands_is_placed_from_the_index(house):
    """Behind 20,000 waiting chats, the next one costs no more than behind ten."""
    await house.at_work()
    await house.owner.execute(
        "WITH people AS ("
        " INSERT INTO messaging.contact (workspace_id, contact_id)"
        " SELECT $1, gen_random_uuid() FROM generate_series(1, 20000) RETURNING contact_id)"
        " INSERT INTO handoff.conversation (workspace_id, conversation_id, kind, state, contact_id,"
        " queue_id, language, opened_at, enqueued_at, score, next_eval_at, waiting_since)"
        " SELECT $1, gen_random_uuid(), 'callback', 'queued', contact_id, $2, 'en', now(), now(),"
        " now() - random() * interval '1 hour', now() - interval '1 hour', now() FROM people",
        house.workspace_id,
        house.queue_id,
    )
    await house.owner.execute(
        "RESET ROLE; ANALYZE handoff.conversation; SET ROLE ivr_bridge_service"
    )
    values = {"workspace": house.workspace_id, "now": house.clock(), "skipped": []}
    for statement, more in (("next_waiting", {"queue": house.queue_id}), ("next_queue", {})):
        text, *arguments = SQL[statement](**values, **more)
        explained = await house.owner.fetchval(f"EXPLAIN (FORMAT JSON, ANALYZE) {text}", *arguments)
        (top,) = json.loads(explained)
        used = {node.get("Index Name") for node in nodes(top["Plan"])}
        assert "conversation_waiting" in used, statement
        touched = max(node["Actual Rows"] for node in nodes(top["Plan"]) if "Actual Rows" in node)
        assert touched <= 10, statement

"""What every desk asks all day stays on its indexes, however much is closed already."""

import json
from typing import Any

import pytest

from core.ids import new_id
from handoff.desk import lists
from handoff.desk.live_sql import SQL as LIVE
from handoff.desk.reading import SQL as READ

AFTER = new_id()


@pytest.fixture
async def full_house(house):
    """Thirty thousand closed cases, three thousand that wait, a transcript each."""
    values = (house.workspace_id, house.queue_id)
    await house.owner.execute(
        "INSERT INTO messaging.contact (workspace_id, contact_id, name)"
        " SELECT $1, gen_random_uuid(), 'Customer ' || n FROM generate_series(1, 3000) AS n",
        house.workspace_id,
    )
    await house.owner.execute(
        "INSERT INTO handoff.conversation (workspace_id, conversation_id, kind, state, contact_id,"
        " queue_id, language, opened_at, closed_at, closed_reason, last_seq)"
        " SELECT $1, gen_random_uuid(), 'callback', 'closed', contact_id, $2, 'en', now(),"
        " now() - n * interval '1 minute', 'finished', 1"
        " FROM messaging.contact, generate_series(1, 10) AS n",
        *values,
    )
    await house.owner.execute(
        "INSERT INTO handoff.conversation (workspace_id, conversation_id, kind, state, contact_id,"
        " queue_id, language, opened_at, enqueued_at, score, next_eval_at, waiting_since, last_seq)"
        " SELECT $1, gen_random_uuid(), 'callback', 'queued', contact_id, $2, 'en', now(), now(),"
        " now() - random() * interval '1 day', now(), now(), 1 FROM messaging.contact",
        *values,
    )
    await house.owner.execute(
        "INSERT INTO handoff.entry (workspace_id, conversation_id, seq, event, author, at)"
        " SELECT $1, conversation_id, 1, '{\"code\": \"opened\"}', 'system', now()"
        " FROM handoff.conversation",
        house.workspace_id,
    )
    await house.owner.execute(
        "WITH thread AS (INSERT INTO messaging.thread (workspace_id, thread_id, contact_id, account_id)"
        " SELECT $1, gen_random_uuid(), contact_id, $2 FROM messaging.contact"
        " ON CONFLICT DO NOTHING RETURNING thread_id)"
        " INSERT INTO messaging.message (workspace_id, message_id, thread_id, account_id, direction,"
        " author_kind, purpose, type, text, content, status, provider_id)"
        " SELECT $1, gen_random_uuid(), thread_id, $2, 'in', 'customer', 'message', 'text', 'words',"
        " '{}', 'received', gen_random_uuid()::text FROM thread, generate_series(1, 10)",
        house.workspace_id,
        house.account_id,
    )
    await house.owner.execute("RESET ROLE; ANALYZE")
    await house.owner.execute("SET ROLE ivr_bridge_service")
    return house


async def scans(house: Any, statement: tuple[Any, ...]) -> list[str]:
    """The whole tables that a plan reads."""
    text, *arguments = statement
    told = await house.owner.fetchval(f"EXPLAIN (FORMAT JSON) {text}", *arguments)
    plan = json.loads(told) if isinstance(told, str) else told
    found: list[str] = []

    def look(node: Any) -> None:
        if node["Node Type"] == "Seq Scan":
            found.append(node["Relation Name"])
        for inner in node.get("Plans", ()):
            look(inner)

    look(plan[0]["Plan"])
    return [table for table in found if table in {"conversation", "entry", "message"}]


@pytest.mark.parametrize("first_page", [True, False])
async def test_lists_and_the_feed_read_no_whole_table(full_house, first_page):
    house = full_house
    page: dict[str, Any] = {
        "workspace": house.workspace_id,
        "after_at": None if first_page else house.clock(),
        "after": AFTER,
        "limit": 51,
    }
    person, queues = new_id(), [house.queue_id, new_id()]
    newest = await house.owner.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
    some = [
        row["conversation_id"]
        for row in await house.owner.fetch(
            "SELECT conversation_id FROM handoff.conversation LIMIT 50"
        )
    ]
    statements = {
        "mine": lists.SQL["mine"](person=person, queue=None, **page),
        "waiting": lists.SQL["waiting"](queues=queues, **page),
        "open": lists.SQL["open"](queues=queues, person=person, queue=None, **page),
        "closed": lists.SQL["closed"](queues=queues, **page),
        "changed": LIVE["changed"](workspace=house.workspace_id, since=newest, limit=2001),
        "held": LIVE["held"](workspace=house.workspace_id, person=person),
        "past_places": LIVE["past_places"](workspace=house.workspace_id, conversations=some),
        "conversations": READ["conversations"](workspace=house.workspace_id, conversations=some),
        "messages": READ["messages"](
            workspace=house.workspace_id, conversations=some, seqs=[1] * len(some)
        ),
    }
    wrong = {name: found for name, one in statements.items() if (found := await scans(house, one))}
    assert wrong == {}

"""What a caller or a provider waits for goes through whole keys, however many people there are."""

import json
from typing import Any

import asyncpg
import pytest

from core.queries import Statement
from messaging import contacts, deliveries, openings, posting, reachability

HOT = [
    openings.SQL["reach"],
    openings.SQL["say"],
    openings.SQL["look_up"],
    openings.SQL["state"],
    openings.SQL["lock"],
    posting.SQL["record_accepted"],
    posting.SQL["record_plainly"],
    contacts.SQL["contact_for_phone"],
    contacts.SQL["find_by_addresses"],
    reachability.SQL["look"],
    deliveries.SQL["lock_reported"],
]
MANY = ("address", "contact", "thread", "message", "reachability", "delivery")


@pytest.fixture
async def crowded(database_url):
    """Many people, each with a message."""
    conn = await asyncpg.connect(database_url)
    await conn.execute(
        """
        SET ROLE ivr_bridge_service;
        SET ivr_bridge.workspace = 1;
        INSERT INTO messaging.contact (workspace_id, contact_id)
        SELECT 1, gen_random_uuid() FROM generate_series(1, 3000);
        INSERT INTO messaging.address (workspace_id, address_id, contact_id, kind, scope, value)
        SELECT 1, contact_id, contact_id, 'phone', '',
               '+7900' || lpad((row_number() OVER ())::text, 7, '0') FROM messaging.contact;
        INSERT INTO messaging.reachability (workspace_id, address_id, channel)
        SELECT 1, address_id, 'whatsapp' FROM messaging.address;
        INSERT INTO messaging.thread (workspace_id, thread_id, contact_id, account_id)
        SELECT 1, contact_id, contact_id, '00000000-0000-0000-0000-000000000001' FROM messaging.contact;
        INSERT INTO messaging.message
               (workspace_id, message_id, thread_id, account_id, direction, author_kind, purpose, type,
                content, provider_id, status)
        SELECT 1, thread_id, thread_id, account_id, 'out', 'bot', 'reply', 'text', '{}',
               thread_id::text, 'sent' FROM messaging.thread;
        INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at)
        SELECT 1, message_id, 'sent', 'webhook', now() FROM messaging.message;
        RESET ROLE;
        ANALYZE;
        SET plan_cache_mode = force_generic_plan;
        """
    )
    yield conn
    await conn.close()


@pytest.mark.parametrize("statement", HOT, ids=[each.name for each in HOT])
async def test_no_hot_statement_reads_other_peoples_rows(crowded, statement: Statement):
    prepared = await crowded.prepare(statement.text)
    types = [parameter.name for parameter in prepared.get_parameters()]
    arrays = {name for name in types if name.endswith("[]")}
    nothing = ", ".join("'{}'" if name in arrays else "NULL" for name in types)
    await crowded.execute(f"PREPARE hot AS {statement.text}")
    plan = await crowded.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE hot({nothing})")
    wide = [node for node in _nodes(plan) if _reads_widely(node)]
    assert not wide, [(node["Relation Name"], node.get("Index Name")) for node in wide]


def _nodes(plan: Any) -> list[dict[str, Any]]:

    found: list[dict[str, Any]] = []

    def walk(node: dict[str, Any]) -> None:
        found.append(node)
        for inner in node.get("Plans", ()):
            walk(inner)

    walk(json.loads(plan)[0]["Plan"])
    return found


def _reads_widely(node: dict[str, Any]) -> bool:
    """A table that has a row a person, read otherwise than by a key that names one of them."""
    if node.get("Relation Name") not in MANY or "Scan" not in node["Node Type"]:
        return False
    by = node.get("Index Cond", "") + node.get("Recheck Cond", "")
    return not any(
        key in by
        for key in ("value", "contact_id", "thread_id", "message_id", "address_id", "provider_id")
    )

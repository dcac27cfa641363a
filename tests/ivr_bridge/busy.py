"""A hundred days of calls in one workspace, to see what a statement reads of them."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

CALLS = 6000
LINE = "00000000-0000-0000-0000-000000000001"
GROWING = {
    "call",
    "call_event",
    "eligibility",
    "deflection",
    "fact",
    "message",
    "thread",
    "entry",
    "do_not_contact",
}


@asynccontextmanager
async def busy_workspace(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A hundred days of calls in one workspace; each has asked, was moved, and wrote."""
    conn = await asyncpg.connect(database_url)
    await conn.execute(
        f"""
        SET ROLE ivr_bridge_service;
        SET ivr_bridge.workspace = 1;
        CREATE TEMPORARY TABLE made AS
        SELECT n, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
                   || lpad(to_hex(n), 20, '0'))::uuid AS id, at
          FROM (SELECT n, timestamptz '2026-01-01 00:00+00' + n * interval '100 days' / {CALLS} AS at
                  FROM generate_series(1, {CALLS}) AS n) AS x;
        INSERT INTO core.workspace (workspace_id, name, title, timezone, languages)
        VALUES (1, 'busy', 'Busy', 'UTC', '{{en}}');
        INSERT INTO messaging.account (workspace_id, account_id, name, kind, base_url, external_id, sealed)
        VALUES (1, '00000000-0000-0000-0000-000000000001', 'a', 'whatsapp', '-', '1', '');
        INSERT INTO messaging.contact (workspace_id, contact_id) SELECT 1, id FROM made;
        INSERT INTO messaging.address (workspace_id, address_id, contact_id, kind, scope, value)
        SELECT 1, id, id, 'phone', '', '+7900' || lpad(n::text, 7, '0') FROM made;
        INSERT INTO messaging.thread (workspace_id, thread_id, contact_id, account_id)
        SELECT 1, id, id, '00000000-0000-0000-0000-000000000001' FROM made;
        INSERT INTO messaging.message
               (workspace_id, message_id, thread_id, account_id, direction, author_kind, purpose, type,
                content, address_id, provider_id, status, at)
        SELECT 1, id, id, '00000000-0000-0000-0000-000000000001', 'out', 'business', 'opening', 'text',
               '{{}}', id, 'o' || n, 'delivered', at FROM made;
        INSERT INTO messaging.message
               (workspace_id, message_id, thread_id, account_id, direction, author_kind, purpose, type,
                content, provider_id, status, at)
        SELECT 1, overlay(id::text placing 'f' FROM 36 FOR 1)::uuid, id,
               '00000000-0000-0000-0000-000000000001', 'in', 'customer', 'message', 'text', '{{}}',
               'i' || n, 'received', at + interval '1 minute' FROM made WHERE n % 16 <> 15;
        INSERT INTO ivr_bridge.line
               (workspace_id, line_id, name, title, country, account, flow, queue, callback_queue, confirm,
                grace_ms, repeat_call_s, declined_s, opening, consent)
        VALUES (1, '00000000-0000-0000-0000-000000000001', 'a', 'A', 'RU', 'a', 'f', 'q', 'q', 'sent',
                0, 0, 0, '[]', '{{}}');
        INSERT INTO ivr_bridge.call (workspace_id, call_ref, line_id, call_id, first_seen_at, ended_at)
        SELECT 1, id, '00000000-0000-0000-0000-000000000001', n::text, at, at FROM made;
        INSERT INTO ivr_bridge.eligibility
               (workspace_id, eligibility_id, call_ref, at, action, reason, arm, reachability, trace)
        SELECT 1, id, id, at, 'offer', 'ok', 'treat', 'confirmed', '[]' FROM made;
        INSERT INTO ivr_bridge.deflection
               (workspace_id, deflection_id, call_ref, line_id, attempt, created_at, pending_until, confirm,
                grace_ms, channel, account_id, contact_id, message_id, outcome, reason, proof, decided_at,
                decided_by)
        SELECT 1, id, id, '00000000-0000-0000-0000-000000000001', 1, at, at, 'sent', 0, 'whatsapp',
               '00000000-0000-0000-0000-000000000001', id, id, 'hangup', 'ok', 'delivered_now', at, 'race'
          FROM made;
        INSERT INTO ivr_bridge.fact (workspace_id, deflection_id, fact, at)
        SELECT 1, id, 'hangup_confirmed', at FROM made;
        """
    )
    try:
        yield conn
    finally:
        await conn.close()


async def read_by(
    conn: asyncpg.Connection, text: str, *arguments: Any
) -> Mapping[tuple[str, str], int]:
    """How many rows of each growing table this statement looks at, and through what."""
    explained = await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *arguments)
    read: dict[tuple[str, str], int] = {}
    for node in nodes(json.loads(explained)[0]["Plan"]):
        if node.get("Relation Name") in GROWING:
            place = node["Relation Name"], node.get("Index Name", node["Node Type"])
            read[place] = read.get(place, 0) + rows_looked_at(node)
    return read


def nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(each for inner in node.get("Plans", ()) for each in nodes(inner))]


def rows_looked_at(node: dict[str, Any]) -> int:
    """Rows that were looked at, thrown away ones included."""
    thrown_away = sum(node.get(name, 0) for name in _THROWN_AWAY)
    return int((node["Actual Rows"] + thrown_away) * node["Actual Loops"])


_THROWN_AWAY = (
    "Rows Removed by Filter",
    "Rows Removed by Index Recheck",
    "Rows Removed by Join Filter",
)

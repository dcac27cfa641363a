"""The usual call takes three statements; they do what the long way does, or nothing."""

import asyncio
import re
from collections import Counter
from typing import Any

import pytest
from prometheus_client import REGISTRY

from core.ids import new_id
from ivr_bridge import shared
from ivr_bridge.evidence import Confirm
from tests.ivr_bridge.conftest import CALLER, House, Told
from tests.locks import until_waited_for

FRIEND = "+79005550199"
TABLES = {
    "ivr_bridge.call": "call_ref = $1",
    "ivr_bridge.deflection": "call_ref = $1",
    "messaging.message": "message_id = $2",
    "messaging.delivery": "message_id = $2",
    "handoff.conversation": "conversation_id = $3",
    "handoff.transition": "conversation_id = $3",
    "handoff.entry": "conversation_id = $3",
    "core.job": "key IN ($3::text, $4::text)",
}


@pytest.fixture
async def hasty(house: House) -> House:
    """A line that hangs up once the provider took the message, and a network that takes it at once."""
    await house.change_line(confirm=Confirm.ACCEPTED)
    await house.network.behave(CALLER, "silent", accepted_ms=0)
    await house.network.behave(FRIEND, "silent", accepted_ms=0)
    for number in (CALLER, FRIEND):
        await befriend(house, number)
    return house


async def test_the_usual_way_and_the_long_way_write_the_same(hasty: House):
    usual = await hasty.ivr.deflect("usual", CALLER)
    assert (usual.action, usual.json["evidence"]) == ("hangup", "accepted_known")
    long = await the_long_way(hasty, "long", FRIEND)
    assert (long.action, long.json["evidence"]) == ("hangup", "accepted_known")
    assert await written(hasty, usual, CALLER) == await written(hasty, long, FRIEND)


async def test_a_call_that_was_asked_about_or_reported_before_goes_the_usual_way(hasty: House):
    first = opened_together()
    for call_id, caller, told in (("asked", CALLER, "offer"), ("reported", FRIEND, None)):
        if told is None:
            await hasty.ivr.event("entered", call_id, caller=caller)
        else:
            assert (await hasty.ivr.eligible(call_id, caller)).action == told
        moved = await hasty.ivr.deflect(call_id, caller)
        assert (moved.action, moved.json["evidence"]) == ("hangup", "accepted_known")
    assert opened_together() - first == 2
    usual = await hasty.ivr.deflect("asked", CALLER)
    assert usual.action == "hangup"
    assert await hasty.network.openings(CALLER) == 1, "a repetition is no second attempt"
    assert await hasty.value("SELECT count(*) FROM ivr_bridge.call") == 2
    counted = await hasty.rows("SELECT hour_used FROM ivr_bridge.velocity")
    assert [row["hour_used"] for row in counted] == [1, 1], (
        "one opening each, whoever asked how often"
    )


async def test_a_call_that_is_another_callers_is_refused_and_not_counted(hasty: House):
    await hasty.ivr.eligible("call", FRIEND)
    refused = await hasty.ivr.deflect("call", CALLER)
    assert (refused.status, refused.json["code"]) == (409, "idempotency_conflict")
    assert await hasty.value("SELECT sum(hour_used) FROM ivr_bridge.velocity") == 0
    assert await hasty.network.openings(CALLER) == 0


async def test_a_count_that_cannot_be_shared_is_still_made(hasty: House):
    """Somebody holds the number's count for longer than a group waits."""
    await hasty.ivr.deflect("first")
    async with hasty.database.workspace(hasty.workspace_id) as tx:
        await tx.execute("SELECT FROM ivr_bridge.velocity FOR UPDATE")
        asking = asyncio.ensure_future(hasty.ivr.deflect("second"))
        await until_waited_for(tx)
        await asyncio.sleep(3 * shared.LOCK_TIMEOUT_MS / 1000)
    told = await asking
    assert told.action == "hangup"
    assert await hasty.value("SELECT hour_used FROM ivr_bridge.velocity") == 2


async def test_a_failure_that_was_reported_before_the_answer_is_heeded(hasty: House):
    async def fail(message_id: Any) -> None:
        await hasty.value(
            "UPDATE messaging.message SET failed_at = now(), failed_class = 'not_on_channel',"
            " failed_code = '131026', leased_until = NULL WHERE message_id = $1",
            message_id,
        )

    told = await meanwhile(hasty, fail)
    assert told.action == "continue"
    assert await hasty.value("SELECT count(*) FROM core.job WHERE kind LIKE '%rescue_check'") == 0
    assert await hasty.value("SELECT provider_id FROM messaging.message") is not None


async def test_a_decision_that_stands_already_is_not_made_again(hasty: House):
    async def settle(message_id: Any) -> None:
        await hasty.value(
            "UPDATE ivr_bridge.deflection SET outcome = 'continue', reason = 'deadline',"
            " proof = 'none', decided_at = now(), decided_by = 'sweep' WHERE message_id = $1",
            message_id,
        )

    told = await meanwhile(hasty, settle)
    assert (told.action, told.reason) == ("continue", "deadline")
    assert await hasty.value("SELECT status FROM messaging.message") == "accepted"


async def test_a_watched_message_tells_whoever_watches(hasty: House):
    async def watch(message_id: Any) -> None:
        await hasty.value(
            "UPDATE messaging.message SET watch = true WHERE message_id = $1", message_id
        )

    told = await meanwhile(hasty, watch)
    assert told.action == "hangup"
    assert await hasty.value("SELECT status FROM messaging.message") == "accepted"


async def test_a_second_call_goes_on_with_the_chat_of_the_first(hasty: House):
    first, second = await hasty.ivr.deflect("first"), await hasty.ivr.deflect("second")
    assert (first.action, second.action) == ("hangup", "hangup")
    chats = await hasty.rows("SELECT conversation_id FROM ivr_bridge.deflection")
    assert len(chats) == 2
    assert len({row["conversation_id"] for row in chats}) == 1
    assert await hasty.value("SELECT count(*) FROM ivr_bridge.call") == 2


async def test_two_calls_of_one_person_at_once_open_one_chat(hasty: House):
    told = await asyncio.gather(
        *[hasty.ivr.deflect(f"call-{number}", deadline_ms=10_000) for number in range(6)]
    )
    assert {answer.action for answer in told} == {"hangup"}
    assert await hasty.value("SELECT count(*) FROM handoff.conversation") == 1
    assert (
        await hasty.value("SELECT count(DISTINCT conversation_id) FROM ivr_bridge.deflection") == 1
    )
    assert await hasty.network.openings(CALLER) == 6


def opened_together() -> float:
    """How many openings were written by the statement that callers share."""
    return REGISTRY.get_sample_value("ivr_bridge_calls_per_commit_sum", {"step": "open"}) or 0.0


async def meanwhile(house: House, act: Any) -> Told:
    """An answer during whose POST something else happened to the message."""
    await house.network.behave(CALLER, "held", then="silent")
    asking = asyncio.ensure_future(house.ivr.deflect())
    await house.network.wire(wait_ms=5000)
    await act(await house.value("SELECT message_id FROM messaging.message"))
    await house.network.ask("POST", "/sandbox/release", {})
    told = await asking
    # A sweep may have answered already: what the POST told is written down all the same.
    await house.deflections._in_flight.drain(5)
    return told


async def the_long_way(house: House, call_id: str, caller: str) -> Told:
    """As if another request about the same call were just being begun, and another report awaited."""
    usual = house.deflections._usual
    line_id = await house.value("SELECT line_id FROM ivr_bridge.line")
    usual._beginning.add((house.workspace_id, line_id, call_id))
    return await house.ivr.deflect(call_id, caller)


async def befriend(house: House, number: str) -> None:
    """This number was reached lately."""
    contact_id, address_id = new_id(), new_id()
    await house.value(
        "WITH who AS (INSERT INTO messaging.contact (workspace_id, contact_id, language)"
        " VALUES ($1, $2, 'ru')), reached AS (INSERT INTO messaging.address"
        " (workspace_id, address_id, contact_id, kind, scope, value) VALUES ($1, $3, $2, 'phone', '', $4))"
        " INSERT INTO messaging.reachability"
        " (workspace_id, address_id, channel, positive_at, positive_source)"
        " VALUES ($1, $3, 'whatsapp', now(), 'delivered')",
        house.workspace_id,
        contact_id,
        address_id,
        number,
    )


async def written(house: House, told: Told, caller: str) -> dict[str, Counter[str]]:
    """Everything about a call, without what differs between any two calls."""
    (keys,) = await house.rows(
        "SELECT call_ref, message_id, conversation_id, deflection_id FROM ivr_bridge.deflection"
        " WHERE deflection_id = $1",
        told.deflection_id,
    )
    ids = [keys["call_ref"], keys["message_id"], keys["conversation_id"], keys["deflection_id"]]
    found = {}
    for table, where in TABLES.items():
        numbers = [index for index in range(1, 5) if f"${index}" in where]
        asked = where
        for place, number in enumerate(numbers, 1):
            asked = asked.replace(f"${number}", f"${place}")
        given = [str(ids[n - 1]) if "text" in where else ids[n - 1] for n in numbers]
        rows = await house.rows(f"SELECT * FROM {table} WHERE {asked}", *given)
        assert rows, table
        found[table] = Counter(_told_apart(dict(row), caller) for row in rows)
    return found


def _told_apart(row: dict[str, Any], caller: str) -> str:
    """A row's values; ids and moments only as being there or not."""
    plain: dict[str, Any] = {}
    for column, value in row.items():
        own = column.endswith(("_id", "_ref", "_at", "_until", "_xid")) or column in {
            "key", "at", "call_id", "caller", "origin", "score", "client_key", "began_ms",
        }  # fmt: skip
        if column in {"card", "content", "payload", "asked"} and isinstance(value, dict):
            plain[column] = sorted(value)
        else:
            plain[column] = (value is not None) if own else value
    apart = repr(plain).replace(caller, "the caller")
    # Each has the time that is left to it.
    return re.sub(r"(left_ms\W+)\d+", r"\1…", apart)

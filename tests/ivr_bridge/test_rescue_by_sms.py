"""An SMS rescues only where the message itself can no longer come."""

from typing import Any

import pytest

from ivr_bridge.guard.pauses import Paused, pause
from ivr_bridge.race import RESCUE_CHECK
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import CALLER, House

TERMS = LineTerms.model_validate(
    {"rescue": {"by": "sms", "channel": "sms", "text": {"ru": "В чат: {link}"}}}
)


@pytest.fixture
async def silent(house: House) -> House:
    """A caller who hung up on a `sent`, of which nothing more is heard."""
    await house.change_line(terms=TERMS)
    await house.network.behave(CALLER, "blocked")
    told = await house.ivr.deflect()
    assert (told.action, told.json["evidence"]) == ("hangup", "sent_quiet")
    return house


async def check(house: House, *, age: str, ttl_s: int | None = 3600) -> None:
    """So much later, for a template that may live so long."""
    await house.rows(
        "UPDATE ivr_bridge.deflection SET created_at = created_at - $1::text::interval,"
        " decided_at = decided_at - $1::text::interval, ttl_s = $2",
        age,
        ttl_s,
    )
    await house.rows("UPDATE core.job SET due_at = now() WHERE kind = $1", RESCUE_CHECK)
    await house.work("urgent")


async def rescues(house: House) -> list[dict[str, Any]]:
    return [dict(row) for row in await house.rows("SELECT * FROM ivr_bridge.rescue")]


async def test_silence_is_no_failure_while_the_message_may_come(silent: House):
    await check(silent, age="50 minutes")
    assert await rescues(silent) == []


async def test_an_sms_goes_out_once_the_time_to_live_and_the_lag_are_over(silent: House):
    await check(silent, age="62 minutes")
    await check(silent, age="62 minutes")
    (rescue,) = await rescues(silent)
    assert (rescue["kind"], rescue["reason"]) == ("sms", "opening_unconfirmed")
    await silent.work("send")
    assert len(await silent.network.wire(CALLER, kind="sms")) == 1


async def test_terms_of_a_newer_version_stop_nobody(silent: House):
    """While an upgrade rolls, the older processes go on with what they know."""
    newer = (
        '{"tomorrow": {"a": 1}, "watch": {"tomorrow": 2}, "policy": {"peak": null, "tomorrow": 3}}'
    )
    await silent.rows(
        "UPDATE ivr_bridge.line SET terms = jsonb_set(terms || $1::text::jsonb, '{rescue,tomorrow}', '4')",
        newer,
    )
    await silent.rows("UPDATE ivr_bridge.line SET consent = consent || '{\"tomorrow\": 5}'")
    await silent.rows(
        'UPDATE core.workspace SET settings = settings || \'{"budget": {"tomorrow": 6}}\''
    )
    silent.forget()
    assert (await silent.ivr.eligible("call-2", "+79005550102")).status == 200
    await check(silent, age="62 minutes")
    (rescue,) = await rescues(silent)
    assert rescue["kind"] == "sms"
    await silent.work("normal", hurry=True)
    assert await silent.value("SELECT count(*) FROM core.job WHERE last_error IS NOT NULL") == 0


@pytest.mark.parametrize(
    "paused", [Paused("all"), Paused("line", "main"), Paused("channel", "sms")], ids=str
)
async def test_while_sending_is_paused_somebody_calls_instead(silent: House, paused: Paused):
    async with silent.database.workspace(silent.workspace_id) as tx:
        await pause(tx, paused, for_s=600)
    await check(silent, age="62 minutes")
    (rescue,) = await rescues(silent)
    assert rescue["kind"] == "callback"


@pytest.mark.parametrize(("places", "kind"), [(1, "callback"), (2, "sms")])
async def test_an_sms_is_paid_from_the_budget_or_does_not_go(house: House, places: int, kind: str):
    terms = {**TERMS.model_dump(exclude_defaults=True), "budget": {"hour": places}}
    await house.change_line(terms=LineTerms.model_validate(terms))
    await house.network.behave(CALLER, "blocked")
    assert (await house.ivr.deflect()).action == "hangup"
    await check(house, age="62 minutes")
    (rescue,) = await rescues(house)
    assert rescue["kind"] == kind
    assert await house.value("SELECT hour_taken FROM ivr_bridge.budget_use") == places


async def test_without_a_time_to_live_a_person_decides(silent: House):
    await check(silent, age="62 minutes", ttl_s=None)
    (rescue,) = await rescues(silent)
    assert (rescue["kind"], rescue["message_id"]) == ("callback", None)


async def test_who_said_stop_is_called_back_instead(silent: House):
    await silent.rows(
        "INSERT INTO messaging.opt_out (workspace_id, contact_id, channel, reason)"
        " SELECT workspace_id, contact_id, 'sms', 'stop' FROM messaging.contact"
    )
    await check(silent, age="62 minutes")
    (rescue,) = await rescues(silent)
    assert rescue["kind"] == "callback"


async def test_the_call_backs_end_closes_its_rescue(silent: House):
    await check(silent, age="62 minutes", ttl_s=None)
    await silent.ivr.event("entered", "call-2")
    await silent.work("urgent", "normal")
    (rescue,) = await rescues(silent)
    assert rescue["closed_reason"] == "customer_called"

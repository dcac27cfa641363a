"""What a company's own system hears about its calls, over real HTTP, signed."""

import pytest

from core.outgoing import EndpointDraft, put_endpoints
from core.vocabulary import PhoneNumber
from ivr_bridge.news import News
from tests.fakes.crm import SECRET, Crm, crm
from tests.ivr_bridge.conftest import CALLER, LINE, House
from tests.ivr_bridge.test_aftermath import hung_up_on_sent, status


@pytest.fixture
async def listener(house: House):
    """It wants everything but the number."""
    async with crm() as system:
        async with house.database.workspace(house.workspace_id) as tx:
            draft = EndpointDraft(
                "crm", system.url, [kind.value for kind in News], SECRET, private=True
            )
            await put_endpoints(tx, house.sealer, [draft])
        for remembered in house.fresh:
            remembered.clear()
        yield system


async def test_an_opening_that_arrives_in_time_is_told_with_its_call(house: House, listener: Crm):
    told = await house.ivr.deflect()
    assert told.action == "hangup"
    await status(house, "delivered")
    await house.work("normal", hurry=True)
    await house.work("outgoing")
    (event,) = listener.taken
    assert event["type"] == "deflection.delivered"
    data = event["data"]
    assert data["deflection_id"] == told.json["deflection_id"]
    assert (data["call_id"], data["attempt"], data["outcome"]) == ("call-1", 1, "hangup")
    assert data["line"] == {"name": "main", "title": "Toyshop", "number": LINE}
    assert data["conversation_id"].startswith("cv_")
    assert CALLER not in str(event)


async def test_one_that_fails_after_the_hang_up_is_told_as_failed(house: House, listener: Crm):
    await hung_up_on_sent(house)
    await status(house, "failed", 131026)
    await house.work("urgent")
    await house.work("outgoing")
    (event,) = listener.taken
    assert event["type"] == "deflection.failed"
    assert event["data"]["failure"] == "not_on_channel"
    assert event["data"]["outcome"] == "hangup"


async def test_one_that_arrives_after_continue_is_told_as_late(house: House, listener: Crm):
    await house.network.behave(CALLER, "offline")
    told = await house.ivr.deflect(confirm="delivered", deadline_ms=2500)
    assert told.action == "continue"
    for reported in ("delivered", "read"):
        await status(house, reported)
        await house.work("normal", hurry=True)
    await house.work("outgoing")
    assert listener.types() == ["deflection.late_delivered"]


async def test_what_becomes_of_the_chat_is_told(house: House, listener: Crm):
    await house.ivr.deflect()
    async with house.database.workspace(house.workspace_id) as tx:
        row = await tx.fetchrow(
            "SELECT conversation_id, contact_id, origin FROM handoff.conversation"
        )
        assert row is not None
        facts = {name: str(value) for name, value in row.items()} | {
            "at": "2026-01-10T09:00:00+00:00",
            "kind": "chat",
            "operator_id": "0198c0de-0000-7000-8000-000000000001",
        }
        for what in ("engaged", "contained", "accepted"):
            await house.means.events.publish(tx, f"conversation.{what}", facts)
        callback = {**facts, "kind": "callback"}
        await house.means.events.publish(tx, "conversation.accepted", callback)
    await house.work("normal")
    await house.work("outgoing")
    assert sorted(listener.types()) == [
        "deflection.bot_closed",
        "deflection.operator_joined",
        "deflection.replied",
    ]
    joined = await listener.hears("deflection.operator_joined")
    assert joined["data"]["operator_id"].startswith("pe_")
    assert joined["timestamp"] == "2026-01-10T09:00:00.000Z"


async def test_an_endpoint_that_asks_for_it_hears_the_number(house: House, listener: Crm):
    async with house.database.workspace(house.workspace_id) as tx:
        draft = EndpointDraft(
            "crm",
            listener.url,
            ["deflection.failed"],
            SECRET,
            None,
            private=True,
            include_caller=True,
        )
        await put_endpoints(tx, house.sealer, [draft])
    await hung_up_on_sent(house)
    await status(house, "failed", 131026)
    await house.work("urgent")
    await house.work("outgoing")
    (event,) = listener.taken
    assert PhoneNumber(event["data"]["caller"]) == PhoneNumber(CALLER)

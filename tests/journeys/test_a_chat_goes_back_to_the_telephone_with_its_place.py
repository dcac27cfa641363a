"""Chat was not the answer: somebody calls, at the place the caller had, and the desk knows it all."""

from datetime import datetime, timedelta
from typing import Any

from sandbox.client import Phone
from tests.journeys.desk import Desk, at_the_desk
from tests.journeys.dialler import dialler
from tests.journeys.story import asks_for_a_person, from_business, moves_to_chat, reaches
from tests.product import ACCOUNT, LINE, Product

KEPT = from_business("место в очереди сохранено")


async def reports(product: Product, return_id: str, state: str) -> dict[str, Any]:
    """The dialler's word, with the line's key."""
    body = {"return_id": return_id, "state": state}
    async with product.post("/v1/calls/return", body) as response:
        assert response.status == 200, await response.text()
        told: dict[str, Any] = await response.json()
        return told


async def offered_call_back(desk: Desk) -> dict[str, Any]:
    return await desk.until(
        lambda: next(
            (
                one
                for one in desk.reservations.values()
                if one["conversation"]["kind"] == "callback"
            ),
            None,
        )
    )


async def test_an_operator_returns_a_chat_and_the_dialler_calls(product: Product, phone: Phone):
    async with dialler(product) as system, at_the_desk(product) as olga:
        chat = await reaches(phone, olga)
        assert chat["call"]["may_return"] is True
        await olga.declare("busy")
        asked = {"conversation_id": chat["id"], "epoch": chat["epoch"]}
        returned = await olga.ask("POST", "/v1/calls/return", asked)
        again = await olga.ask("POST", "/v1/calls/return", asked)
        assert again["return_id"] == returned["return_id"]

        await phone.wait_for(ACCOUNT, KEPT)
        event = await system.hears("deflection.return_to_voice")
        data = event["data"]
        assert data["caller"] == phone.number
        assert data["return_id"] == returned["return_id"]
        assert data["asked_by"] == "operator"
        assert datetime.fromisoformat(data["queued_at"]) <= datetime.fromisoformat(data["asked_at"])
        waiting = await olga.until(
            lambda: next(
                (
                    one
                    for one in olga.conversations.values()
                    if one["kind"] == "callback"
                    and (one["call"]["returning"] or {})["state"] == "told"
                ),
                None,
            )
        )
        assert waiting["queue"]["title"] == "Call back"
        closed = await olga.shows(chat, "closed")
        assert closed["closed_reason"] == "returned_to_voice"

        told = await reports(product, returned["return_id"], "called")
        assert (told["state"], told["settled_reason"]) == ("called", "dialler")
        await olga.shows(waiting, "closed")
        changed = await system.hears("deflection.return_changed")
        assert changed["data"]["state"] == "called"
        assert system.rejected == 0


async def test_a_missed_promise_is_a_call_back_that_an_operator_makes(
    product: Product, phone: Phone
):
    async with dialler(product, promise_s=30, mode="auto") as system:
        await moves_to_chat(phone)
        await asks_for_a_person(phone)
        (chat,) = await product.until(
            "SELECT conversation_id FROM handoff.conversation WHERE state = 'queued'"
        )
        # Half a minute is long for a test.
        await product.rows(
            "UPDATE handoff.conversation SET waiting_since = waiting_since - interval '40 seconds'"
            " WHERE conversation_id = $1",
            chat["conversation_id"],
        )
        await product.rows(
            "UPDATE core.job SET due_at = now() WHERE kind = 'ivr_bridge.promises' AND state = 'ready'"
        )
        event = await system.hears("deflection.return_to_voice")
        assert event["data"]["asked_by"] == "promise"
        await phone.wait_for(ACCOUNT, KEPT)
        async with at_the_desk(product) as olga:
            callback = await olga.accept(await offered_call_back(olga))
            taken = await system.hears("deflection.return_changed")
            assert taken["data"]["state"] == "taken"
            path = f"/v1/conversations/{callback['id']}/called"
            called = await olga.ask("POST", path, {"epoch": callback["epoch"], "answered": True})
            assert called["state"] == "wrapup"
            await system.until(lambda each: each["data"].get("state") == "called")
        settled = await product.rows(
            "SELECT state FROM ivr_bridge.voice_return WHERE chat_id = $1", chat["conversation_id"]
        )
        assert [row["state"] for row in settled] == ["called"]


async def test_a_repeat_call_is_seen_at_the_desk_while_it_rings(product: Product, phone: Phone):
    async with dialler(product, "deflection.repeat_call") as system, at_the_desk(product) as olga:
        chat = await reaches(phone, olga)
        assert chat["call"]["called_again"] is None
        await phone.dial(LINE, "ru")
        shown = await olga.until(
            lambda: (olga.conversations[chat["id"]]["call"] or {}).get("called_again")
        )
        assert shown["calls"] == 2
        await olga.sees(
            chat, lambda message: (message["event"] or {}).get("code") == "called_again"
        )
        event = await system.hears("deflection.repeat_call")
        assert event["data"]["after_s"] < timedelta(minutes=5).total_seconds()
        await phone.hang_up()


async def test_a_system_that_was_down_hears_everything_once_it_is_back(
    product: Product, phone: Phone
):
    events = ("deflection.replied", "deflection.operator_joined")
    async with at_the_desk(product) as olga, dialler(product, *events) as system:
        system.status = 503
        await reaches(phone, olga)
        await product.until(
            "SELECT 1 FROM core.webhook_delivery WHERE attempts > 0 HAVING count(*) = 2"
        )
        assert system.taken == []
        first = {event["id"] for event in system.attempts}
        system.status = 200
        await product.rows(
            "UPDATE core.webhook_delivery SET due_at = now() WHERE type = 'deflection.replied'"
        )
        await product.rows("UPDATE core.job SET due_at = now() WHERE kind = 'core.webhook_pump'")
        # One comes through; the other need not wait out its time.
        for kind in events:
            await system.hears(kind)
        assert {event["id"] for event in system.taken} == first

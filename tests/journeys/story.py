"""What people do again and again: call, press 1, write, ask for a person, get one."""

from http import HTTPStatus
from typing import Any

from sandbox.client import Phone
from tests.journeys.desk import Desk
from tests.product import ACCOUNT, LINE, Product

Json = dict[str, Any]


async def is_offered_chat(phone: Phone) -> Json:
    """Call the line and hear the offer.

    On a machine that is busy with other tests the service may say that it is too late for one; then the
    call goes on, as promised, with no offer for a long time, and the customer calls again.
    """
    await phone.dial(LINE, "ru")
    call = await phone.wait_for_call(_offers_or_not)
    for _ in range(4):
        if call["awaiting_key"]:
            break
        await phone.hang_up()
        await phone.dial(LINE, "ru")
        call = await phone.wait_for_call(_offers_or_not)
    assert call["awaiting_key"], call
    return call


def _offers_or_not(call: Json) -> bool:
    asked = [one for one in call["api"] if one["path"] == "/v1/eligibility"]
    too_late = any(one["status"] == HTTPStatus.SERVICE_UNAVAILABLE or one["error"] for one in asked)
    return bool(call["awaiting_key"]) or (too_late and call["state"] == "queue")


async def moves_to_chat(phone: Phone) -> Json:
    """Call, press 1, and be told goodbye: the opening is on the phone."""
    await is_offered_chat(phone)
    await phone.press("1")
    call = await phone.wait_for_call(lambda call: call["state"] == "ended")
    assert call["outcome"] == "hangup", call
    await phone.wait_for(ACCOUNT, lambda message: message["kind"] == "template")
    return call


async def asks_for_a_person(phone: Phone) -> None:
    """Go through the bot's menu to a person, and be told that one will come."""
    await phone.tap(ACCOUNT, "Продолжить")
    await phone.wait_for(ACCOUNT, lambda message: has_button(message, "Оператор"))
    await phone.tap(ACCOUNT, "Оператор")


async def reaches(phone: Phone, desk: Desk) -> Json:
    """The whole way to an operator who takes the conversation."""
    await moves_to_chat(phone)
    await asks_for_a_person(phone)
    return await desk.accept(await desk.offered())


async def deflection_of(product: Product, phone: Phone) -> Json:
    """The latest decision about this caller."""
    rows = await product.rows(
        "SELECT d.* FROM ivr_bridge.deflection d JOIN ivr_bridge.call c USING (workspace_id, call_ref)"
        " WHERE c.caller = $1 ORDER BY d.created_at DESC LIMIT 1",
        phone.number,
    )
    return dict(rows[0])


def said(text: str) -> Any:
    """A message of this text, on a phone or on a desk."""
    return lambda message: message["text"] == text


def from_business(*words: str) -> Any:
    """A message to the customer that has all these words."""
    return lambda message: (
        not message["mine"] and all(word in (message["text"] or "") for word in words)
    )


def has_button(message: Json, title: str) -> bool:
    """Can this be tapped on it?"""
    return any(button["title"] == title for button in message.get("buttons", ()))

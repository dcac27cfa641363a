"""One chat goes back to the telephone, and the call back is made, by clicks alone."""

from playwright.async_api import expect

from sandbox.client import Phone
from tests.browser.people import People, at
from tests.journeys.story import asks_for_a_person, moves_to_chat
from tests.product import Product


async def test_a_chat_becomes_a_call_back_and_the_call_is_made(
    people: People, product: Product, phone: Phone
):
    await moves_to_chat(phone)
    await asks_for_a_person(phone)
    olga = await people.operator()
    await at(olga, "reservation-accept").click()
    await at(olga, "call-card").wait_for()

    await at(olga, "return-to-voice").click()
    await at(olga, "return-confirm").click()
    # The same person is to be called now, and the card says why and since when.
    await at(olga, "reservation-accept").click()
    await expect(at(olga, "callback-number")).to_be_visible()
    await expect(at(olga, "returning")).to_contain_text("to be called")

    await at(olga, "callback-no-answer").click()
    await product.until(
        "SELECT 1 FROM handoff.conversation WHERE kind = 'callback' AND state = 'queued'"
        " AND card ->> 'tries' = '1'"
    )
    await product.rows(
        "UPDATE handoff.conversation SET next_eval_at = now() WHERE kind = 'callback'"
    )
    await product.rows("UPDATE core.job SET due_at = now() WHERE kind = 'handoff.place'")
    await at(olga, "reservation-accept").click()
    await at(olga, "callback-called").click()
    await product.until("SELECT 1 FROM ivr_bridge.voice_return WHERE state = 'called'")
    await at(olga, "wrapup-end").wait_for()
    assert people.complaints == []

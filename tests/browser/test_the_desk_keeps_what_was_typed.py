"""Drafts, lost connections and closed windows: nothing typed is ever lost."""

from playwright.async_api import Page, expect

from sandbox.client import Phone
from tests.browser.people import People, at, bubble
from tests.journeys.story import asks_for_a_person, moves_to_chat, said
from tests.product import ACCOUNT, Product


async def test_a_draft_outlives_a_reload(people: People, phone: Phone):
    olga = await in_a_chat(people, phone)
    await at(olga, "composer-input").fill("Half a sent")
    await olga.reload()
    await expect(at(olga, "composer-input")).to_have_value("Half a sent")


async def test_offline_is_one_line_and_costs_nothing(
    people: People, product: Product, phone: Phone
):
    people.expect("ERR_INTERNET_DISCONNECTED", "WebSocket connection")
    olga = await in_a_chat(people, phone)

    await olga.context.set_offline(True)
    await at(olga, "composer-input").fill("Written in a tunnel")
    await at(olga, "composer-send").click()
    await phone.write(ACCOUNT, "Are you there?")
    await product.until("SELECT 1 FROM messaging.message WHERE text = 'Are you there?'")
    lost = at(olga, "connection-lost")
    await lost.wait_for()
    await expect(bubble(olga, "Written in a tunnel")).to_be_visible()
    await expect(olga.get_by_role("dialog")).to_have_count(0)

    await olga.context.set_offline(False)
    await expect(bubble(olga, "Are you there?")).to_be_visible()
    await phone.wait_for(ACCOUNT, said("Written in a tunnel"))
    await expect(lost).to_have_count(0)
    await expect(bubble(olga, "Written in a tunnel")).to_have_attribute("data-author", "operator")
    texts = [message["text"] for message in await phone.messages(ACCOUNT)]
    assert texts.count("Written in a tunnel") == 1


async def test_a_closed_window_becomes_a_choice_of_templates(
    people: People, product: Product, phone: Phone
):
    olga = await in_a_chat(people, phone)
    await product.rows(
        "UPDATE messaging.thread SET window_until = now() - interval '1 minute',"
        " last_inbound_at = now() - interval '1 day'"
    )
    await olga.reload()

    picker = at(olga, "template-picker")
    await picker.wait_for()
    await expect(at(olga, "composer-input")).to_have_count(0)
    await at(picker, "template").filter(has_text="Здравствуйте").first.click()
    await picker.get_by_role("textbox").fill("+7 800 250-00-00")
    await at(olga, "template-send").click()
    before = len(await phone.messages(ACCOUNT))
    await phone.wait_for(
        ACCOUNT, lambda one: one["kind"] == "template" and "+7 800 250-00-00" in one["text"]
    )
    assert len(await phone.messages(ACCOUNT)) <= before + 1


async def test_an_offer_that_could_not_be_accepted_is_held_out_again(people: People, phone: Phone):
    # The page shows it as hers at once, and reports what she reads there: not yet hers, says the service.
    people.expect("ERR_FAILED", "409 (Conflict)")
    olga = await people.operator()
    await moves_to_chat(phone)
    await asks_for_a_person(phone)
    await at(olga, "reservation-accept").wait_for()
    await olga.route("**/accept", lambda route: route.abort(), times=1)
    await at(olga, "reservation-accept").click()
    await expect(at(olga, "notice")).to_be_visible()
    await expect(at(olga, "composer-input")).to_have_count(0)
    await at(olga, "reservation-accept").click()
    await at(olga, "composer-input").wait_for()


async def in_a_chat(people: People, phone: Phone) -> Page:
    """Olga's window, with a customer in it who wrote a moment ago."""
    olga = await people.operator()
    await moves_to_chat(phone)
    await asks_for_a_person(phone)
    await at(olga, "reservation-accept").click()
    await at(olga, "composer-input").wait_for()
    return olga

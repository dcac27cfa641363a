"""Lines on the pages: what a file keeps is shown, what people keep is changed, and calls are tried."""

import re

from playwright.async_api import Page, expect

from tests.browser.people import People, at, sign_in
from tests.product import Product


async def test_a_line_is_looked_at_tried_and_added(people: People, product: Product):
    page = await people.window()
    await page.goto(f"{product.base_url}/admin")
    await sign_in(page, "admin")
    await page.locator("[data-line=main]").click()
    await expect(at(page, "line-locked")).to_contain_text("workspace file")
    await expect(page.get_by_label("Title", exact=True)).to_be_disabled()

    await _try(page, "8 926 000 00 99")
    await expect(at(page, "trial-offer")).to_have_attribute("data-action", "offer")
    await expect(at(page, "trial-press")).to_contain_text("would be sent")
    await expect(at(page, "trial-press").locator("[data-rule=reachable]")).to_have_attribute(
        "data-saw", "passed"
    )
    await at(page, "trial-withheld").check()
    await at(page, "trial-ask").click()
    await expect(at(page, "trial-offer")).to_have_attribute("data-reason", "caller_withheld")

    await at(page, "line-add").click()
    await at(page, "line-name").fill("evenings")
    await page.get_by_label("Title", exact=True).fill("Toyshop evenings")
    await page.get_by_label("Country", exact=True).fill("RU")
    await page.get_by_label("Numbers", exact=True).fill("+78002500009")
    await page.get_by_label("Channel account").select_option("whatsapp")
    await page.get_by_label("Version of the prompt").fill("evening-1")
    await page.get_by_role("group", name="First message").get_by_role("button", name="Add").click()
    await page.get_by_label("Template", exact=True).select_option("call_to_chat")
    people.expected.append("400 (Bad Request)")
    await at(page, "line-keep").click()
    await expect(at(page, "line-refused")).to_contain_text("takes 1 value")
    await page.get_by_label("Values of its places").fill("{line_number}")
    await at(page, "line-keep").click()
    await expect(at(page, "line-kept")).to_be_visible()
    await expect(page.locator("[data-line=evenings]")).to_be_visible()
    try:
        await page.get_by_label("Title", exact=True).fill("Toyshop at night")
        await page.get_by_label("Title", exact=True).blur()
        await at(page, "line-keep").click()
        await expect(page.locator("[data-line=evenings]")).to_contain_text("at night")
        await _try(page, "+79260000099")
        await expect(at(page, "trial-offer")).to_have_attribute("data-action", "offer")
    finally:
        await product.rows("DELETE FROM ivr_bridge.line_number WHERE number = '+78002500009'")
        await product.rows("DELETE FROM ivr_bridge.line WHERE name = 'evenings'")


async def _try(page: Page, caller: str) -> None:
    await page.get_by_text("Try a call", exact=True).click()
    await at(page, "trial-caller").fill(caller)
    await at(page, "trial-ask").click()
    await expect(at(page, "trial-offer")).to_have_attribute("data-action", re.compile("."))

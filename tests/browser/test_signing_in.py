"""What goes wrong at the door is said in words, and what goes right stays right."""

import pytest
from playwright.async_api import expect

from tests.browser.people import People, at, sign_in
from tests.product import Product


@pytest.mark.parametrize(("locale", "words"), [("en-GB", "do not fit"), ("ru-RU", "не подходят")])
async def test_a_wrong_password(people: People, product: Product, locale: str, words: str):
    page = await people.window(locale=locale)
    await page.goto(f"{product.base_url}/desk")
    await sign_in(page, "operator", "not-the-password")
    await expect(at(page, "signin-problem")).to_contain_text(words)
    await expect(at(page, "signin-email")).to_have_value("olga@toyshop.example")
    await sign_in(page, "operator")
    await at(page, "presence-switch").wait_for()


async def test_a_session_outlives_the_window_and_ends_when_told(people: People, product: Product):
    page = await people.window()
    await page.goto(f"{product.base_url}/desk")
    await sign_in(page, "operator")
    await at(page, "presence-switch").wait_for()
    again = await page.context.new_page()
    await again.goto(f"{product.base_url}/desk")
    await at(again, "presence-switch").wait_for()

    await at(page, "person-menu").click()
    await page.get_by_role("menuitem").last.click()
    await at(page, "signin-email").wait_for()
    # The other window notices without being asked.
    await at(again, "signin-email").wait_for()


async def test_a_manager_has_reports_and_no_desk(people: People, product: Product):
    page = await people.window()
    await page.clock.install()
    people.expect("ERR_FAILED")
    await page.route("**/v1/session", lambda route: route.abort())
    await page.goto(f"{product.base_url}/reports")
    await page.get_by_text("nothing is lost").wait_for()
    # Nobody has to press anything when the service is back.
    await page.unroute("**/v1/session")
    await page.clock.fast_forward(5_000)
    await sign_in(page, "manager")
    await at(page, "reports-headline").wait_for()
    await expect(page.get_by_role("navigation").get_by_role("link")).to_have_count(1)

    # The page scrolls as a whole, and paper shows the numbers without what one clicks on.
    header = page.get_by_role("banner")
    await page.set_viewport_size({"width": 1024, "height": 600})
    await page.mouse.wheel(0, 400)
    await page.wait_for_function("() => window.scrollY > 0")
    await expect(header).to_be_in_viewport()
    await page.emulate_media(media="print")
    await expect(header).to_be_hidden()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()

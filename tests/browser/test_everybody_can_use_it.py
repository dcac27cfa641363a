"""axe-core over every page, in both languages and both themes."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from sandbox.client import Phone
from tests.browser.people import People, at, sign_in
from tests.journeys.story import asks_for_a_person, moves_to_chat
from tests.product import Product

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core comes with `make web-check`")


@pytest.mark.parametrize(("locale", "theme"), [("en-GB", "light"), ("ru-RU", "dark")])
async def test_no_barriers(people: People, product: Product, phone: Phone, locale: str, theme: str):
    # The pages run no code but their own; axe-core is ours, for this once.
    manner: dict[str, Any] = {"locale": locale, "color_scheme": theme, "bypass_csp": True}
    found: dict[str, list[str]] = {}

    page = await people.window(**manner)
    await page.goto(f"{product.base_url}/desk")
    await at(page, "signin-email").wait_for()
    found["sign-in"] = await barriers(page)

    olga = await people.operator(**manner)
    found["empty desk"] = await barriers(olga)
    await moves_to_chat(phone)
    await asks_for_a_person(phone)
    await at(olga, "reservation-accept").wait_for()
    found["offer"] = await barriers(olga)
    await at(olga, "reservation-accept").click()
    await at(olga, "call-card").wait_for()
    found["desk"] = await barriers(olga)

    manager = await people.window(**manner)
    await manager.goto(f"{product.base_url}/reports")
    await sign_in(manager, "manager")
    await at(manager, "reports-headline").wait_for()
    found["reports"] = await barriers(manager)

    admin = await people.window(**manner)
    await admin.goto(f"{product.base_url}/admin")
    await sign_in(admin, "admin")
    await at(admin, "line-locked").wait_for()
    found["line"] = await barriers(admin)
    await admin.get_by_role("radio").nth(2).check(force=True)
    await at(admin, "trial-withheld").check()
    await at(admin, "trial-ask").click()
    await at(admin, "trial-offer").wait_for()
    found["trial"] = await barriers(admin)

    caller = await people.caller(phone.number, **manner)
    found["phone"] = await barriers(caller)
    assert {where: what for where, what in found.items() if what} == {}


async def barriers(page: Page) -> list[str]:
    """What axe-core has to say about this page, each with the place."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.add_script_tag(path=AXE)
    result: dict[str, Any] = await page.evaluate(
        "(rules) => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    return [
        f"{violation['id']}: {node['target']} {node['any'][:1] and node['any'][0]['message']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]

"""The sandbox phone in one window, the desk in another, the manager's page in a third."""

from playwright.async_api import Page, expect

from sandbox.client import Phone
from tests.browser.people import People, at, bubble, sign_in
from tests.journeys.pictures import png
from tests.product import Product

BEAR = {"name": "bear.png", "mimeType": "image/png", "buffer": png(320, 200, (196, 120, 60))}
LABEL = {"name": "label.png", "mimeType": "image/png", "buffer": png(240, 240)}


async def test_from_the_call_to_the_report(people: People, product: Product, phone: Phone):
    await product.sandbox.behave(phone.number, "reachable", name="Анна Смирнова")
    manager = await people.window()
    before = await moved_before(manager, product)
    olga = await people.operator()
    caller = await people.caller(phone.number)
    await moves_to_chat(caller)

    # The bot first, a person when wanted.
    await at(caller, "reply").filter(has_text="Continue").click()
    await at(caller, "reply").filter(has_text="Operator").click()

    # The offer: who, and the call behind it.
    bar = at(olga, "reservation-bar")
    await bar.wait_for()
    await expect(bar).to_contain_text("Анна Смирнова")
    await at(olga, "reservation-accept").click()
    await at(olga, "call-card").wait_for()
    card = at(olga, "call-card")
    await expect(card).to_contain_text("Toyshop main line +7 800 250-00-00")
    # In the operator's words, not by the names that the flow's author gave.
    await expect(card).to_contain_text("Main menu › 1")
    await expect(bubble(olga, "How can I help?")).to_be_visible()

    # Words both ways; the marks move by themselves.
    await writes(olga, "Hello, this is Olga. What happened?")
    await expect(bubble(caller, "this is Olga")).to_be_visible()
    await expect(bubble(olga, "this is Olga")).to_have_attribute("data-delivery", "read")
    await at(caller, "composer").fill("The bear has lost an eye 🧸")
    await at(caller, "send").click()
    await expect(bubble(olga, "lost an eye 🧸")).to_have_attribute("data-direction", "in")

    # Pictures both ways.
    await at(caller, "file").set_input_files(BEAR)  # type: ignore[arg-type]
    await at(caller, "composer").fill("This is him")
    await at(caller, "send").click()
    await shown(bubble(olga, "This is him").locator("img"), 320)
    await at(olga, "composer-file").set_input_files(LABEL)  # type: ignore[arg-type]
    await writes(olga, "Stick this label on the box")
    await shown(bubble(caller, "Stick this label").locator("img"), 240)

    # Done: it leaves the list, and the customer's page stays as it is.
    await at(olga, "close-conversation").click()
    await at(olga, "undo").wait_for()
    await at(olga, "wrapup-end").click()
    await product.until("SELECT 1 FROM handoff.conversation WHERE state = 'closed'")
    await at(olga, "tab-closed").click()
    rows = at(olga, "conversation-row")
    await expect(rows.first).to_contain_text("Анна Смирнова")
    # However many rows there are, Tab stops at the list once, and arrows go through it.
    await expect(olga.locator('[data-testid="conversation-row"][tabindex="0"]')).to_have_count(1)
    await at(olga, "list-search").press("Tab")
    await expect(rows.first).to_be_focused()

    # And the manager sees the share change.
    await manager.reload()
    headline = at(manager, "reports-headline")
    await expect(headline).to_have_attribute("data-moved", str(before + 1))
    await expect(headline).to_contain_text("%")


async def moved_before(manager: Page, product: Product) -> int:
    """What the report says so far, to somebody who has just signed in."""
    await manager.goto(f"{product.base_url}/reports")
    await sign_in(manager, "manager")
    headline = at(manager, "reports-headline")
    await headline.wait_for()
    return int(await headline.get_attribute("data-moved") or 0)


async def moves_to_chat(caller: Page) -> None:
    """Dial, hear the offer, press 1, watch the call end and the chat open."""
    await at(caller, "dial").click()
    await caller.locator('[data-testid="call-state"][data-state="offering"]').wait_for()
    await at(caller, "key-1").click()
    await caller.locator('[data-testid="message"][data-kind="template"]').wait_for()


async def writes(operator: Page, text: str) -> None:
    await at(operator, "composer-input").fill(text)
    await at(operator, "composer-send").click()


async def shown(picture, width: int) -> None:
    """The picture has really arrived, in its own size."""
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("naturalWidth", width)

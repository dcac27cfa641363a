"""Pictures of the running product: docs/pictures/desk.png, and with --all every page in every size.

    .venv/bin/python scripts/pictures.py                 # the desk, for the README
    .venv/bin/python scripts/pictures.py --all FOLDER    # to look for what makes one wince

It starts databases, service, worker and sandbox of its own, lets a handful of customers call and
write, and photographs what an operator and a manager see. It needs Chromium and the built pages.
"""

import argparse
import asyncio
import itertools
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from playwright.async_api import Page, async_playwright  # noqa: E402 - the checkout is found first

from config.embedded import throwaway  # noqa: E402
from migrations.runner import migrate  # noqa: E402
from sandbox.client import Phone  # noqa: E402
from tests.browser.chromium import CHROMIUM, FLAGS, MISSING  # noqa: E402
from tests.browser.people import People, at, bubble, sign_in  # noqa: E402
from tests.journeys.desk import Desk, Json, at_the_desk  # noqa: E402
from tests.journeys.story import from_business, has_button, said  # noqa: E402
from tests.product import ACCOUNT, LINE, Product, running_product  # noqa: E402

PICTURE = ROOT / "docs" / "pictures" / "desk.png"
SIZES = {"wide": (1440, 900), "middle": (1024, 768), "narrow": (390, 844)}
NUMBERS = itertools.count(79_161_230_101)


async def moved(product: Product, name: str, language: str = "en") -> Phone:
    """Somebody who called, pressed 1, and tapped Continue."""
    phone = product.sandbox.phone(f"+{next(NUMBERS)}")
    await product.sandbox.behave(phone.number, "reachable", name=name)
    await phone.dial(LINE, language)
    await phone.wait_for_call(lambda call: bool(call["awaiting_key"]))
    await phone.press("1")
    await phone.wait_for(ACCOUNT, lambda message: message["kind"] == "template")
    await phone.tap(ACCOUNT, "Continue" if language == "en" else "Продолжить")
    return phone


async def with_person(phone: Phone, desk: Desk, words: str, person: str = "Operator") -> Json:
    """On to an operator, with a first question."""
    await phone.wait_for(ACCOUNT, lambda message: has_button(message, person))
    await phone.tap(ACCOUNT, person)
    conversation = await desk.accept(await desk.offered())
    await phone.write(ACCOUNT, words)
    await desk.sees(conversation, said(words))
    return conversation


async def stage(product: Product, desk: Desk) -> None:
    """A quarter of an hour in a toy shop."""
    tom = await moved(product, "Tom Okafor")
    toms = await with_person(tom, desk, "Can I change the delivery address?")
    await desk.write(toms, "Of course. Where should it go?")
    await tom.wait_for(ACCOUNT, from_business("Where should it go"))
    await tom.write(ACCOUNT, "To the shop in Main Street, thank you! 🙏")
    await desk.sees(toms, said("To the shop in Main Street, thank you! 🙏"))
    await desk.write(toms, "Done, it will wait there for 5 days.")
    await desk.close(toms, topic="delivery")

    arab = await moved(product, "محمد عبد الرحمن")
    await with_person(arab, desk, "متى يصل طلبي؟")
    priya = await moved(product, "Priya Raman")
    refund = await with_person(priya, desk, "Has my refund been sent?")
    await desk.write(refund, "Yes, this morning. Your bank needs a day or two.")
    elena = f"+{next(NUMBERS)}"
    await product.sandbox.behave(elena, "fails", code=131026, failed_ms=1800)
    await product.deflect(elena, language="en", ivr_path=["main", "2"], voice_wait_s=200)
    await desk.accept(await desk.offered())

    anna = await moved(product, "Anna Smirnova")
    await anna.wait_for(ACCOUNT, lambda message: has_button(message, "Where is my order?"))
    await anna.tap(ACCOUNT, "Where is my order?")
    await anna.wait_for(ACCOUNT, from_business("order number"))
    await anna.write(ACCOUNT, "It is 48213775, it should have been here by noon")
    story = await desk.accept(await desk.offered())
    await anna.open_chat(ACCOUNT)
    await desk.write(story, "Hello Anna, I see order 48213775. The courier is two stops away.")
    await anna.wait_for(ACCOUNT, from_business("two stops away"))
    await desk.sees(
        story,
        lambda one: "two stops" in (one["text"] or "") and one["delivery"]["state"] == "read",
    )
    await anna.write(ACCOUNT, "Is it still coming today? 🙏")
    await desk.sees(story, said("Is it still coming today? 🙏"))
    await desk.declare("online")


async def photograph(people: People, product: Product) -> Page:
    """Olga's desk, with Anna's conversation open and the next customer held out."""
    olga = await people.operator()
    await at(olga, "conversation-row").filter(has_text="Anna Smirnova").click()
    await bubble(olga, "Is it still coming today?").wait_for()
    await at(olga, "composer-input").fill("Yes, by six at the latest. I stay with you until")
    sergey = await moved(product, "Sergey Volkov")
    await sergey.wait_for(ACCOUNT, lambda message: has_button(message, "Operator"))
    await sergey.tap(ACCOUNT, "Operator")
    await at(olga, "reservation-bar").wait_for()
    return olga


async def everything(people: People, product: Product, folder: Path) -> None:
    """Every page, in every size, theme and language."""
    for locale, theme in itertools.product(("en-GB", "ru-RU"), ("light", "dark")):
        for size, (width, height) in SIZES.items():
            manner: dict[str, Any] = {
                "locale": locale,
                "color_scheme": theme,
                "viewport": {"width": width, "height": height},
            }
            name = f"{locale[:2]}-{theme}-{size}.png"
            olga = await people.operator(**manner)
            await at(olga, "conversation-row").first.wait_for()
            await olga.screenshot(path=folder / f"list-{name}")
            await at(olga, "conversation-row").filter(has_text="Anna Smirnova").click()
            await bubble(olga, "Is it still coming today?").wait_for()
            await olga.screenshot(path=folder / f"desk-{name}")
            manager = await people.window(**manner)
            await manager.goto(f"{product.base_url}/reports")
            await manager.screenshot(path=folder / f"door-{name}")
            await sign_in(manager, "manager")
            await at(manager, "reports-headline").wait_for()
            await at(manager, "funnel-row").first.wait_for()
            await manager.screenshot(path=folder / f"reports-{name}", full_page=True)
            caller = await people.caller(f"+{next(NUMBERS)}", **manner)
            await caller.screenshot(path=folder / f"phone-{name}")
            await people.leave()


async def main(folder: Path | None) -> None:
    """Start everything, play, photograph."""
    if CHROMIUM is None:
        sys.exit(MISSING)
    with throwaway() as pair, tempfile.TemporaryDirectory() as scratch:
        await migrate(pair.database_url)
        async with (
            running_product(pair.database_url, pair.redis_url, Path(scratch)) as product,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            async with (
                at_the_desk(product) as desk,
                People(browser, product) as people,
            ):
                await stage(product, desk)
                if folder is not None:
                    await everything(people, product, folder)
                olga = await photograph(people, product)
                await olga.screenshot(path=PICTURE if folder is None else folder / "desk.png")
            await browser.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--all", type=Path, metavar="FOLDER", help="every page, in every size")
    chosen = options.parse_args().all
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(chosen))

"""People in front of browser windows: each has a context of their own, so nobody shares a cookie."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.product import PASSWORD, PEOPLE, Product

PATIENCE_MS = 30_000
# Without it what is expected is waited for 5 s, however slow the machine is with everything else.
expect.set_options(timeout=PATIENCE_MS)
WIDE = {"width": 1440, "height": 900}


class People:
    """The windows of one test."""

    def __init__(self, browser: Browser, product: Product) -> None:
        self.product = product
        self.complaints: list[str] = []
        # A page asks who is signed in before anybody is.
        self.expected = ["401 (Unauthorized)"]
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Everybody closes their windows."""
        for context in self._contexts:
            await context.close()
        self._contexts.clear()

    async def window(self, **options: Any) -> Page:
        """An empty window of somebody new."""
        wanted = {"viewport": WIDE, "locale": "en-GB", "reduced_motion": "reduce"} | options
        context = await self._browser.new_context(**wanted)
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("console", self._overhear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    async def operator(self, role: str = "operator", **options: Any) -> Page:
        """Somebody who has signed in to the desk and takes work."""
        page = await self.window(**options)
        await page.goto(f"{self.product.base_url}/desk")
        await sign_in(page, role)
        await at(page, "presence-switch").wait_for()
        await declare(page, "online")
        return page

    async def caller(self, number: str, **options: Any) -> Page:
        """The sandbox's phone of this number."""
        page = await self.window(**options)
        await page.goto(f"{self.product.sandbox.url}/?number={number.lstrip('+')}")
        await at(page, "dial").wait_for()
        return page

    async def pictures(self, folder: Path) -> list[Path]:
        """What everybody sees now."""
        taken = []
        for number, context in enumerate(self._contexts):
            for page in context.pages:
                path = folder / f"window-{number}.png"
                await page.screenshot(path=path)
                taken.append(path)
        return taken

    def expect(self, *words: str) -> None:
        """Complaints of the browser that belong to this test."""
        self.expected.extend(words)

    def _overhear(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        if not any(words in message.text for words in self.expected):
            self.complaints.append(message.text)


def at(page: Page | Locator, name: str) -> Locator:
    """What carries this `data-testid`."""
    return page.get_by_test_id(name)


def bubble(page: Page, text: str) -> Locator:
    """The message with these words."""
    return at(page, "message").filter(has_text=text)


async def sign_in(page: Page, role: str, password: str = PASSWORD) -> None:
    await at(page, "signin-email").fill(PEOPLE[role])
    await at(page, "signin-password").fill(password)
    await at(page, "signin-submit").click()


async def declare(page: Page, presence: str) -> None:
    """Choose what colleagues and the queue see."""
    switch = at(page, "presence-switch")
    if await switch.locator(f'[data-presence="{presence}"]').count() == 0:
        await switch.click()
        choice = {"online": 0, "busy": 1, "break": 2, "offline": 3}[presence]
        await page.get_by_role("menuitemradio").nth(choice).click()
        await switch.locator(f'[data-presence="{presence}"]').wait_for()

"""Chromium, and the product that it looks at: one of each for all browser tests."""

import os
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from sandbox.client import Phone
from tests.browser.chromium import CHROMIUM, FLAGS, MISSING
from tests.browser.people import People
from tests.journeys.conftest import product, shared_product
from tests.journeys.house import new_phone
from tests.product import Product

__all__ = ["product", "shared_product"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests share an event loop with their browser, and are skipped where there is none."""
    for item in items:
        if "browser" not in item.path.parts:
            continue
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        if CHROMIUM is None and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason=MISSING))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What went wrong is kept for the fixtures, which take pictures of it."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


FAILED = pytest.StashKey[bool]()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM is not None, MISSING
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        await started.close()


@pytest.fixture
def phone(product: Product) -> Phone:
    """The caller's phone, where no window of it is needed."""
    return new_phone(product)


@pytest_asyncio.fixture(loop_scope="session")
async def people(
    request: pytest.FixtureRequest, browser: Browser, product: Product, tmp_path: Path
) -> AsyncIterator[People]:
    """Browser windows of people; when a test fails, pictures of what they saw."""
    async with People(browser, product) as open_windows:
        yield open_windows
        if request.node.stash.get(FAILED, False):
            for picture in await open_windows.pictures(tmp_path):
                print(f"seen: {picture}")  # noqa: T201 - pytest shows it with the failure
        else:
            assert open_windows.complaints == []

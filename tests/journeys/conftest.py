"""The running product, as people meet it: one for all journeys, each with a phone of its own.

What hurts the product takes `own_product`, which nobody else uses.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.client import Phone
from tests.conftest import Servers, fresh_database
from tests.product import Product, running_product

_NUMBERS = itertools.count(79_260_000_001)

# What a journey leaves behind would be held out to the operators of the next one.
_TIDY = (
    """UPDATE handoff.conversation
          SET state = 'closed', closed_at = now(), closed_reason = 'over', operator_id = NULL,
              reserved_until = NULL, wrapup_until = NULL, epoch = epoch + 1
        WHERE state NOT IN ('closed', 'abandoned')""",
    """UPDATE handoff.reservation SET status = 'rescinded', settled_at = now()
        WHERE status = 'pending'""",
    """UPDATE handoff.operator_state
          SET load = 0, misses = 0, not_responding = false, declared = 'offline'""",
    # The service learns from these how fast its provider is; some journeys have a slow one.
    "DELETE FROM messaging.delivery",
    "DELETE FROM ivr_bridge.account_pace",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys share an event loop, as they share a product."""
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A journey that failed shows the last words of the product's processes."""
    report = yield
    funcargs = getattr(item, "funcargs", {})
    product = funcargs.get("own_product") or funcargs.get("product")
    if report.when == "call" and report.failed and isinstance(product, Product):
        for process in (product.web, product.worker):
            lines = process.log.read_text(errors="replace").splitlines()[-200:]
            words = "\n".join(line for line in lines if '"level": "info"' not in line)
            report.sections.append((f"`{process.command}` complained", words[-4000:]))
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_product(
    servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Product]:
    async with running(servers, template, tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest_asyncio.fixture(loop_scope="session")
async def product(shared_product: Product) -> AsyncIterator[Product]:
    yield shared_product
    for statement in _TIDY:
        await shared_product.rows(statement)


@pytest_asyncio.fixture(loop_scope="session")
async def own_product(servers: Servers, template: str, tmp_path: Path) -> AsyncIterator[Product]:
    """A product that may be killed."""
    async with running(servers, template, tmp_path) as product:
        yield product


@pytest.fixture
def a_phone(request: pytest.FixtureRequest) -> Callable[[], Phone]:
    """A phone that nobody used before, reachable on WhatsApp."""
    name = "own_product" if "own_product" in request.fixturenames else "product"
    product: Product = request.getfixturevalue(name)
    return lambda: product.sandbox.phone(f"+{next(_NUMBERS)}")


@pytest.fixture
def phone(a_phone: Callable[[], Phone]) -> Phone:
    """The caller's phone."""
    return a_phone()


@asynccontextmanager
async def running(servers: Servers, template: str, folder: Path) -> AsyncIterator[Product]:
    async with (
        fresh_database(servers, template) as database_url,
        running_product(database_url, servers.redis_url, folder) as product,
    ):
        yield product

"""The running product, as people meet it: one for all journeys, each with a phone of its own.

What hurts the product takes `own_product`, which nobody else uses.
"""

from collections.abc import AsyncIterator, Callable, Generator

import pytest
import pytest_asyncio

from sandbox.client import Phone
from tests.conftest import Servers
from tests.journeys.house import new_phone, running, tidy
from tests.product import Product


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
    await tidy(shared_product)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_product(
    servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Product]:
    """A product that may be killed, and is left running by whoever shares the module."""
    async with running(servers, template, tmp_path_factory.mktemp("own")) as product:
        yield product


@pytest.fixture
def a_phone(request: pytest.FixtureRequest) -> Callable[[], Phone]:
    """A phone that nobody used before, reachable on WhatsApp."""
    name = "own_product" if "own_product" in request.fixturenames else "product"
    product: Product = request.getfixturevalue(name)
    return lambda: new_phone(product)


@pytest.fixture
def phone(a_phone: Callable[[], Phone]) -> Phone:
    """The caller's phone."""
    return a_phone()

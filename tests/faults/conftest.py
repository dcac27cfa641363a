"""The running product, for tests that hurt it: one for all of them, each with callers of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import Servers
from tests.journeys.house import running, tidy
from tests.product import Product


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share an event loop, as they share a product."""
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_product(
    servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Product]:
    async with running(servers, template, tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest_asyncio.fixture(loop_scope="session")
async def product(shared_product: Product) -> AsyncIterator[Product]:
    """Whoever kills it leaves it running."""
    yield shared_product
    await tidy(shared_product)

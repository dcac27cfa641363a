"""The running product, as people meet it: one for all journeys of a module, each with a phone of its own."""

import itertools
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from sandbox.client import Phone
from tests.conftest import Servers, fresh_database
from tests.product import Product, running_product

_NUMBERS = itertools.count(79_260_000_001)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys of a module share the module's event loop, as they share its product."""
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="module"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(
    servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Product]:
    async with (
        fresh_database(servers, template) as database_url,
        running_product(
            database_url, servers.redis_url, tmp_path_factory.mktemp("product")
        ) as running,
    ):
        yield running


@pytest.fixture
def a_phone(product: Product) -> Callable[[], Phone]:
    """A phone that nobody used before, reachable on WhatsApp."""
    return lambda: product.sandbox.phone(f"+{next(_NUMBERS)}")


@pytest.fixture
def phone(a_phone: Callable[[], Phone]) -> Phone:
    """The caller's phone."""
    return a_phone()

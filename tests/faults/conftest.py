"""The running product, for tests that hurt it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.product import Product, running_product


@pytest.fixture
async def product(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Product]:
    async with running_product(database_url, redis_url, tmp_path) as running:
        yield running

"""The running product, for tests that hurt it: one for all of them, each with callers of its own.

Whoever kills it leaves it running.
"""

import pytest

from tests.journeys.conftest import product, shared_product

__all__ = ["product", "shared_product"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share an event loop, as they share a product."""
    for item in items:
        if "faults" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)

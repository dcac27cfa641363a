"""What is counted by the hour is tested within one."""

import asyncio

import pytest

from tests.ivr_bridge.conftest import House

_LONGEST_S = 10
_LONGEST_SLOW_S = 180


@pytest.fixture
async def house(house: House, request: pytest.FixtureRequest) -> House:
    """At the end of an hour, one that begins in the next: counts start anew there."""
    left = await house.value(
        "SELECT extract(epoch FROM date_trunc('hour', clock_timestamp()) + interval '1 hour'"
        " - clock_timestamp())::float8"
    )
    if left < (_LONGEST_SLOW_S if request.node.get_closest_marker("slow") else _LONGEST_S):
        await asyncio.sleep(left)
    return house

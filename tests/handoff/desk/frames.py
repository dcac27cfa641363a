"""What a desk's connection says next."""

import asyncio
from collections.abc import Callable
from typing import Any

PATIENCE_S = 20
"""A machine that is busy with other tests is slow, and a desk that hears nothing fails all the same."""


async def frame(connection: Any, type_: str = "changes") -> Any:
    """The next frame of this type."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            told = await connection.receive_json()
            if told["type"] == type_:
                return told


async def until(connection: Any, kind: str, fits: Callable[[Any], bool] = bool) -> Any:
    """The first item of this kind that fits."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for item in (await frame(connection))["items"]:
                if item["kind"] == kind and fits(item):
                    return item


async def seen(connection: Any, fits: Callable[[list[Any]], bool]) -> list[Any]:
    """Who looks, by whichever item it is told, once it fits."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for item in (await frame(connection))["items"]:
                told = item if item["kind"] == "viewers" else item.get("conversation", {})
                viewers: list[Any] | None = told.get("viewers")
                if viewers is not None and fits(viewers):
                    return viewers


async def closing(connection: Any) -> int | None:
    """The code with which the service closes, whatever it says before."""
    async with asyncio.timeout(PATIENCE_S):
        async for _ in connection:
            pass
    code: int | None = connection.close_code
    return code


async def until_sockets(house: Any, many: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await house.owner.fetchval("SELECT count(*) FROM handoff.operator_socket") != many:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)

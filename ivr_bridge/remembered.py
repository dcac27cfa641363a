"""What is read often and changes rarely: remembered for a moment, asked for by one request at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

_LIMIT = 10_000


class Remembered(Generic[Key, Value]):
    """Answers at most `fresh_s` old. While one caller fetches a new one, the others wait for it."""

    def __init__(
        self,
        fetch: Callable[[Key], Awaitable[Value]],
        *,
        fresh_s: float = 2.0,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._fresh_s = fresh_s
        self._seconds = seconds
        self._known: dict[Key, tuple[float, Value]] = {}
        self._fetching: dict[Key, asyncio.Lock] = {}

    async def get(self, key: Key) -> Value:
        """The value, fetched when what we hold is too old."""
        known = self._fresh(key)
        if known is not None:
            return known[1]
        async with self._fetching.setdefault(key, asyncio.Lock()):
            known = self._fresh(key)
            if known is not None:
                return known[1]
            value = await self._fetch(key)
            if len(self._known) >= _LIMIT:
                self._known.clear()
                self._fetching.clear()
            self._known[key] = (self._seconds() + self._fresh_s, value)
            return value

    def _fresh(self, key: Key) -> tuple[float, Value] | None:
        known = self._known.get(key)
        return known if known is not None and known[0] > self._seconds() else None

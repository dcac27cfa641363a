"""Room on the channel account for one more opening, asked for by the handful.

The count is shared between processes through Redis; a round trip for each caller would cost more
than the caller's own share of it, so a fast account's places are taken a few at a time.
"""

import asyncio
import time
from collections.abc import Callable

from core.ids import AccountId
from messaging.channel import Account, Channel
from messaging.pacing import Pacing

_KEPT_S = 0.25
_MOST = 32
_PATIENCE_S = 0.2
_TRIES = 3


class Admission:
    """May an opening go out now? One that may not is refused: a caller cannot queue twice."""

    def __init__(self, pacing: Pacing, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._pacing = pacing
        self._seconds = seconds
        self._held: dict[AccountId, tuple[int, float]] = {}
        self._full_until: dict[AccountId, float] = {}
        self._asking: dict[AccountId, asyncio.Lock] = {}

    async def admits(self, account: Account, channel: Channel) -> bool:
        """Take a place, waiting a moment for one if it is about to come free."""
        if self._take(account.id):
            return True
        for _ in range(_TRIES):
            wait_s = await self._ask(account, channel)
            if wait_s <= 0:
                return True
            if wait_s > _PATIENCE_S:
                return False
            await asyncio.sleep(wait_s)
        return False

    def _take(self, account_id: AccountId) -> bool:
        """A place that is here already."""
        left, until = self._held.get(account_id, (0, 0.0))
        if left == 0 or until <= self._seconds():
            return False
        self._held[account_id] = (left - 1, until)
        return True

    async def _ask(self, account: Account, channel: Channel) -> float:
        """A place from the next handful, or how long until there may be one."""
        told = account.settings.get("messages_per_second")
        per_second = float(told) if told else channel.capabilities.messages_per_second
        # A handful must be a small part of what a second brings, or leftovers would cost capacity.
        handful = max(1, min(_MOST, int(per_second / 20)))
        # One caller asks and those who come meanwhile share what it gets: a handful for each of them
        # would be a second's worth of places for a few dozen callers, and none for the rest.
        async with self._asking.setdefault(account.id, asyncio.Lock()):
            if self._take(account.id):
                return 0.0
            wait_s = self._full_until.get(account.id, 0.0) - self._seconds()
            if wait_s > 0:
                return wait_s
            pace = await self._pacing.allow(account, None, cost=handful)
            now = self._seconds()
            if pace.allowed:
                self._held[account.id] = (handful - 1, now + _KEPT_S)
                return 0.0
            self._full_until[account.id] = now + pace.wait_s
            return pace.wait_s

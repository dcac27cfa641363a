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

    async def admits(self, account: Account, channel: Channel) -> bool:
        """Take a place, waiting a moment for one if it is about to come free."""
        left, until = self._held.get(account.id, (0, 0.0))
        if left > 0 and until > self._seconds():
            self._held[account.id] = (left - 1, until)
            return True
        told = account.settings.get("messages_per_second")
        per_second = float(told) if told else channel.capabilities.messages_per_second
        # A handful must be a small part of what a second brings, or leftovers would cost capacity.
        handful = max(1, min(_MOST, int(per_second / 20)))
        for _ in range(_TRIES):
            pace = await self._pacing.allow(account, None, cost=handful)
            if pace.allowed:
                self._held[account.id] = (handful - 1, self._seconds() + _KEPT_S)
                return True
            if pace.wait_s > _PATIENCE_S:
                return False
            await asyncio.sleep(pace.wait_s)
        return False

"""The sandbox's own time: everything later waits here, and a judge may move it forward."""

import asyncio
import heapq
import time
from collections.abc import Callable

Callback = Callable[[], None]


class Timeline:
    """One heap of things to do later; `advance` makes them due without anybody sleeping."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._order = 0
        self._due: list[tuple[float, int, Callback]] = []
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Seconds since 1970, as this sandbox sees them."""
        return time.time() + self._ahead

    def after(self, seconds: float, do: Callback) -> None:
        """Call `do` when that much sandbox time has passed."""
        self._order += 1
        entry = (time.monotonic() + self._ahead + seconds, self._order, do)
        heapq.heappush(self._due, entry)
        if self._due[0] is entry:
            self._arm()

    def advance(self, seconds: float) -> None:
        """Move the clock; what falls due on the way runs at its own time, in its order."""
        target = time.monotonic() + self._ahead + seconds
        while self._due and self._due[0][0] <= target:
            self._ahead = max(self._ahead, self._due[0][0] - time.monotonic())
            heapq.heappop(self._due)[2]()
        self._ahead = max(self._ahead, target - time.monotonic())
        if self._due:
            self._arm()

    def clear(self) -> None:
        """Forget everything that was to happen."""
        self._due.clear()
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
        wait = self._due[0][0] - self._ahead - time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, wait), self._run)

    def _run(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic() + self._ahead:
            heapq.heappop(self._due)[2]()
        if self._due:
            self._arm()

    async def rest(self, seconds: float) -> None:
        """Wait in sandbox time."""
        done = asyncio.Event()
        self.after(seconds, done.set)
        await done.wait()

"""Work that outlives the request it began in: an opening on the wire is finished even if nobody waits."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from core.faults import Fault

log = structlog.get_logger()

Result = TypeVar("Result")


class InFlight:
    """Keeps tasks alive until they are done, and says aloud when one breaks."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Begin now; whoever wants the result may wait for the task."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def launch(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin now; nobody waits."""
        self.start(work)  # type: ignore[unused-awaitable]

    async def within(self, work: Coroutine[Any, Any, Result], seconds: float) -> Result:
        """The result, or TimeoutError at that very moment: giving up must not wait for a clean-up."""
        task = self.start(work)
        done, _ = await asyncio.wait({task}, timeout=max(0.0, seconds))
        if not done:
            task.cancel()
            raise TimeoutError
        return task.result()

    async def drain(self, seconds: float) -> None:
        """Let what is under way end; what takes longer is left to its lease."""
        try:
            if self._tasks:
                await asyncio.wait(set(self._tasks), timeout=seconds)
        finally:
            for task in self._tasks:
                task.cancel()

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, Fault):
            log.error("work.broke", exc_info=error)

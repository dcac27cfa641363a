"""Pushes what happens on a phone to the pages that show it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.specs import Json

BEHIND_MAX = 500


class Feed:
    """Subscribers by phone; one that falls behind is cut off and begins again from a snapshot."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Queue[Json | None]]] = {}

    @contextmanager
    def listen(self, person: str) -> Iterator[asyncio.Queue[Json | None]]:
        """What happens from now on; None means: reconnect."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        group = self._listeners.setdefault(person, set())
        group.add(queue)
        try:
            yield queue
        finally:
            group.discard(queue)
            if not group:
                self._listeners.pop(person, None)

    def watched(self, person: str) -> bool:
        """Whether any page shows this phone."""
        return bool(self._listeners.get(person))

    def tell(self, person: str, event: Json) -> None:
        """Push one event to whoever shows this phone."""
        for queue in list(self._listeners.get(person, ())):
            if queue.qsize() >= BEHIND_MAX:
                self._listeners[person].discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

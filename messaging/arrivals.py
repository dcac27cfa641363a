"""The line in which webhook requests wait to be written, and what is on its way to the database.

Several hands take from it. What one customer said goes to one hand at a time: two commits under way
may end in either order, and the later message would be worked off before the earlier one is seen.
"""

from collections import deque
from collections.abc import Sequence

from messaging.batch import Told


class Arrivals:
    """A bounded line. Each batch that `take` gives must come back to `written`."""

    def __init__(
        self, *, requests: int, total_bytes: int, batch_requests: int, batch_weight: int
    ) -> None:
        self._requests = requests
        self._total_bytes = total_bytes
        self._batch_requests = batch_requests
        self._batch_weight = batch_weight
        self._free: deque[Told] = deque()
        # Found behind an earlier request of the same customer; they came before all that is free.
        self._behind: deque[Told] = deque()
        self._being_written: set[str] = set()
        self._senders_behind: set[str] = set()
        self._bytes = 0

    def __len__(self) -> int:
        """How many a hand might take now."""
        return len(self._free)

    def has_room(self, size: int) -> bool:
        """May another request, with a body of so many bytes, wait here?"""
        waiting = len(self._free) + len(self._behind)
        return waiting < self._requests and self._bytes + size <= self._total_bytes

    def put(self, told: Told) -> None:
        """Wait at the end."""
        self._free.append(told)
        self._bytes += len(told.body)

    def take(self) -> Sequence[Told]:
        """The next batch, in the order of arrival; empty when all that wait are behind another hand's."""
        batch: list[Told] = []
        weight = 0
        while self._free and len(batch) < self._batch_requests and weight < self._batch_weight:
            told = self._free.popleft()
            if not (
                told.senders.isdisjoint(self._being_written)
                and told.senders.isdisjoint(self._senders_behind)
            ):
                self._behind.append(told)
                self._senders_behind |= told.senders
                continue
            batch.append(told)
            weight += told.weight
            self._bytes -= len(told.body)
        for told in batch:
            self._being_written |= told.senders
        return batch

    def written(self, batch: Sequence[Told]) -> None:
        """This batch is committed or refused: those behind it stand first in the line again."""
        for told in batch:
            self._being_written -= told.senders
        self._free.extendleft(reversed(self._behind))
        self._behind.clear()
        self._senders_behind.clear()

    def clear(self) -> Sequence[Told]:
        """Everything that waits, which waits no more."""
        waiting = [*self._behind, *self._free]
        self._behind.clear()
        self._free.clear()
        self._bytes = 0
        return waiting

"""How much one key may have in hand at once: a flood through one leaves room for all the others."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial

from core.faults import RateLimited


class TooManyAtOnce(RateLimited, code="rate_limited"):
    """This key has too many requests in hand already; ask again when some of them are answered."""


class Shares:
    """Counted in this process, whose hands and memory they take."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._in_hand: Counter[Hashable] = Counter()

    def take(self, asker: Hashable) -> Callable[[], None]:
        """One more in hand, and how to lay it down; raises TooManyAtOnce."""
        if self._in_hand[asker] >= self.at_once:
            raise TooManyAtOnce(retry_after_s=1)
        self._in_hand[asker] += 1
        return partial(self._lay_down, asker)

    @contextmanager
    def held(self, asker: Hashable) -> Iterator[None]:
        """One more in hand for as long as this is open; raises TooManyAtOnce."""
        lay_down = self.take(asker)
        try:
            yield
        finally:
            lay_down()

    def _lay_down(self, asker: Hashable) -> None:
        self._in_hand[asker] -= 1
        if not self._in_hand[asker]:
            del self._in_hand[asker]

"""Trouble that lasts is told when it begins and when it is over, and not each time that it is met."""

import time

import structlog

log = structlog.get_logger()


class Spell:
    """One kind of trouble in one place: a database or a Redis that is away."""

    def __init__(self, begins: str, ends: str, **about: object) -> None:
        """The names of both events, and what they are about."""
        self._begins, self._ends, self._about = begins, ends, about
        self._since: float | None = None

    def met(self, trouble: BaseException) -> None:
        """It is there, or still there."""
        if self._since is None:
            self._since = time.monotonic()
            log.warning(self._begins, error=type(trouble).__name__, **self._about)

    def over(self) -> None:
        """It is not there, or no longer."""
        if self._since is not None:
            lasted_s = round(time.monotonic() - self._since, 1)
            self._since = None
            log.info(self._ends, lasted_s=lasted_s, **self._about)

"""Time, handed in rather than asked for, so that a test decides what time it is."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The wall clock, always with its zone."""
    return datetime.now(UTC)

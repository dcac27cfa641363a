"""Meta's two speed limits: messages a second per number, and one message per pair in six seconds."""

PAIR_BURST = 45
PAIR_SECONDS = 6.0


class Bucket:
    """Tokens that come back at a steady rate; asking takes one, or says no."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, *, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst, self._left, self._at = rate, burst, burst, now

    def take(self, now: float) -> bool:
        """Whether one more may pass now."""
        if not self._rate:
            return True
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def throughput(mps: int, now: float) -> Bucket:
    """A number's messages a second, in and out together; 0 means without limit."""
    return Bucket(rate=float(mps), burst=float(mps), now=now)


def pair(now: float) -> Bucket:
    """One business and one user: a burst of 45, paid back at one message in six seconds."""
    return Bucket(rate=1 / PAIR_SECONDS, burst=PAIR_BURST, now=now)

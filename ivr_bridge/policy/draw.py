"""Draws that stay the same for a caller during a period and that nobody can foresee."""

import hmac
from datetime import date

_ALL = 1 << 64


def period_of(day: date, period_days: int) -> int:
    """Which period a day belongs to; the next one draws anew."""
    return day.toordinal() // period_days


def draw(key: bytes, purpose: str, caller: str, period: int) -> float:
    """Where in [0, 1) this caller falls: evenly, by the line's own key, apart for each purpose."""
    told = f"{purpose}\n{period}\n{caller}".encode()
    return int.from_bytes(hmac.digest(key, told, "sha256")[:8], "big") / _ALL

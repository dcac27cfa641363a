"""Draws are even, stay for a period, and say nothing about each other."""

from datetime import date, timedelta
from math import sqrt

from ivr_bridge.policy import draw, period_of

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
CALLERS = [f"+7916{number:07d}" for number in range(20_000)]
SHARE = 0.1


def drawn(key: bytes = KEY, purpose: str = "hold_out", period: int = 1) -> list[bool]:
    return [draw(key, purpose, caller, period) < SHARE for caller in CALLERS]


def about(expected: float, found: int) -> bool:
    """Within four standard deviations: of 16,000 such samples one is outside."""
    return abs(found - expected * len(CALLERS)) < 4 * sqrt(len(CALLERS) * expected * (1 - expected))


def test_the_share_is_right():
    assert about(SHARE, sum(drawn()))
    ten = [sum(int(draw(KEY, "share", each, 7) * 10) == step for each in CALLERS) for step in range(10)]  # fmt: skip
    assert all(about(0.1, found) for found in ten), ten


def test_a_caller_keeps_the_arm_for_the_period():
    assert drawn() == drawn()


def test_periods_lines_and_purposes_are_drawn_apart():
    first = drawn()
    for second in (drawn(period=2), drawn(key=OTHER), drawn(purpose="share")):
        assert about(SHARE, sum(second))
        both = sum(a and b for a, b in zip(first, second, strict=True))
        assert about(SHARE * SHARE, both)


def test_a_period_has_its_days_and_the_next_one_follows():
    begins = next(
        day
        for day in (date(2026, 1, 1) + timedelta(n) for n in range(30))
        if period_of(day, 30) != period_of(day - timedelta(1), 30)
    )
    assert {period_of(begins + timedelta(n), 30) for n in range(30)} == {period_of(begins, 30)}
    assert period_of(begins + timedelta(30), 30) == period_of(begins, 30) + 1
    assert period_of(begins, 1) + 1 == period_of(begins + timedelta(1), 1)

"""How sure a difference between two arms is: 95 % confidence intervals, in closed form.

- One share: Wilson's score interval (E. B. Wilson, 1927). With k of n, p = k/n and z = 1.96:
  (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n).
- The difference of two shares: Newcombe's hybrid score interval (R. G. Newcombe, 1998, method 10).
  With the Wilson bounds l, u of each: d − √((p₁−l₁)² + (u₂−p₂)²) to d + √((u₁−p₁)² + (p₂−l₂)²).
- The difference of two means: Welch's, with the normal quantile: d ± z·√(s₁²/n₁ + s₂²/n₂).
- Several differences weighed together (lines hold out different shares, so that their callers must
  not be thrown into one pot): the bounds' distances are added as squares (G. Y. Zou and A. Donner,
  2008): L = D − √Σ(w·(d−l))², U = D + √Σ(w·(u−d))².
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

Z = 1.959963984540054
"""Two-sided, 95 %."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the bounds between which it lies."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """In another measure; the factor is not negative."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)

    def less(self, amount: float) -> "Interval":
        """With this much taken off, which is known exactly."""
        return Interval(self.value - amount, self.low - amount, self.high - amount)


@dataclass(frozen=True, slots=True)
class Mean:
    """What is needed of a sample for its mean."""

    n: int
    total: float
    squares: float

    @property
    def value(self) -> float:
        """The mean."""
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Of a sample, and never below nothing by rounding."""
        return max(0.0, (self.squares - self.total**2 / self.n) / (self.n - 1))


def wilson(part: int, whole: int) -> Interval:
    """A share of a sample that is not empty."""
    p, square = part / whole, Z**2 / whole
    middle = p + square / 2
    reach = Z * sqrt(p * (1 - p) / whole + square / (4 * whole))
    low, high = (middle - reach) / (1 + square), (middle + reach) / (1 + square)
    # At the ends rounding must not push a bound past the share itself.
    return Interval(p, min(p, max(0.0, low)), max(p, min(1.0, high)))


def difference_of_shares(first: Interval, second: Interval) -> Interval:
    """The first share less the second."""
    d = first.value - second.value
    return Interval(
        d,
        d - hypot(first.value - first.low, second.high - second.value),
        d + hypot(first.high - first.value, second.value - second.low),
    )


def difference_of_means(first: Mean, second: Mean) -> Interval:
    """The first mean less the second; both samples hold at least two."""
    d = first.value - second.value
    reach = Z * sqrt(first.variance / first.n + second.variance / second.n)
    return Interval(d, d - reach, d + reach)


def together(parts: Sequence[tuple[float, Interval]]) -> Interval:
    """Independent differences added up by their weights."""
    value = sum(weight * each.value for weight, each in parts)
    below = sqrt(sum((weight * (each.value - each.low)) ** 2 for weight, each in parts))
    above = sqrt(sum((weight * (each.high - each.value)) ** 2 for weight, each in parts))
    return Interval(value, value - below, value + above)

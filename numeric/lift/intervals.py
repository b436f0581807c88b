"""Intervals of rationals with open or closed ends: what is known of the size of an expression.

An end of None is infinite. Every function returns an interval that contains all values, not always the smallest one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

MAX_BITS = 1 << 12  # a bound with more digits than this says nothing more


@dataclass(frozen=True)
class Interval:
    """The numbers between two ends; `above` and `below` say that the end itself is left out.

    >>> print(multiply(Interval(Fraction(0), Fraction(1), below=True), Interval(Fraction(2), None)))
    [0, inf)
    """

    low: Fraction | None = None
    high: Fraction | None = None
    above: bool = False
    below: bool = False

    def __str__(self) -> str:
        left = "(-inf" if self.low is None else f"{'(' if self.above else '['}{self.low}"
        right = "inf)" if self.high is None else f"{self.high}{')' if self.below else ']'}"
        return f"{left}, {right}"

    @property
    def positive(self) -> bool:
        return self.low is not None and (self.low > 0 or (self.low == 0 and self.above))

    @property
    def not_negative(self) -> bool:
        return self.low is not None and self.low >= 0

    @property
    def negative(self) -> bool:
        return self.high is not None and (self.high < 0 or (self.high == 0 and self.below))

    @property
    def not_positive(self) -> bool:
        return self.high is not None and self.high <= 0

    @property
    def not_zero(self) -> bool:
        return self.positive or self.negative


REALS, ZERO = Interval(), Fraction(0)


def point(value: Fraction) -> Interval:
    return Interval(value, value)


def bounded(interval: Interval) -> Interval:
    """The interval without ends that have too many digits."""
    low, high = (
        None if end is None or max(end.numerator.bit_length(), end.denominator.bit_length()) > MAX_BITS else end
        for end in (interval.low, interval.high)
    )
    if (low, high) == (interval.low, interval.high):
        return interval
    if low is None and interval.not_negative:
        return Interval(ZERO, high, True, interval.below)
    return Interval(low, high, interval.above, interval.below)


def negate(x: Interval) -> Interval:
    return Interval(
        None if x.high is None else -x.high, None if x.low is None else -x.low, x.below, x.above
    )  # fmt: skip


def add(x: Interval, y: Interval) -> Interval:
    low = None if x.low is None or y.low is None else x.low + y.low
    high = None if x.high is None or y.high is None else x.high + y.high
    return Interval(low, high, x.above or y.above, x.below or y.below)


_End = tuple[Fraction | float, bool]  # its value, perhaps infinite, and whether it is attained


def _ends(x: Interval) -> tuple[_End, _End]:
    low: _End = (-math.inf, False) if x.low is None else (x.low, not x.above)
    return low, (math.inf, False) if x.high is None else (x.high, not x.below)


def _made(corners: list[_End]) -> Interval:
    low, high = min(value for value, _ in corners), max(value for value, _ in corners)
    return Interval(
        low if isinstance(low, Fraction) else None, high if isinstance(high, Fraction) else None,
        not any(attained for value, attained in corners if value == low),
        not any(attained for value, attained in corners if value == high),
    )  # fmt: skip


def _corner(x: _End, y: _End) -> _End:
    # 0 times anything is 0, also at an end that is not attained because it is infinite
    if x[0] == 0 or y[0] == 0:
        return ZERO, (x[0] == 0 and x[1]) or (y[0] == 0 and y[1])
    return x[0] * y[0], x[1] and y[1]


def multiply(x: Interval, y: Interval) -> Interval:
    return _made([_corner(one, other) for one in _ends(x) for other in _ends(y)])


def reciprocal(x: Interval) -> Interval:
    if not x.not_zero:
        return REALS
    if x.negative:
        return negate(reciprocal(negate(x)))
    assert x.low is not None
    high = None if x.low == 0 else 1 / x.low
    return Interval(ZERO if x.high is None else 1 / x.high, high, x.high is None or x.below, x.above)


def absolute(x: Interval) -> Interval:
    if x.not_negative:
        return x
    if x.not_positive:
        return negate(x)
    turned = negate(x)
    both = _made([*_ends(x)[1:], *_ends(turned)[1:]])
    return Interval(ZERO, both.high, False, both.below)


def sign(x: Interval) -> Interval:
    low = Fraction(1 if x.positive else 0 if x.not_negative else -1)
    return Interval(low, Fraction(-1 if x.negative else 0 if x.not_positive else 1))


def root(x: Interval) -> Interval:
    """Of the square root, which is defined from 0 on."""
    high = Fraction(1) if x.high is not None and x.high <= 1 else None
    return Interval(ZERO, high, x.positive, high is not None and (x.below or (x.high is not None and x.high < 1)))


def hull(x: Interval, y: Interval) -> Interval:
    return _made([*_ends(x), *_ends(y)])


def largest(x: Interval, y: Interval) -> Interval:
    (low, high) = zip(_ends(x), _ends(y), strict=True)
    lower, upper = (max(end, key=lambda each: each[0]) for end in (low, high))
    attained = all(each[1] for each in low if each[0] == lower[0]), any(each[1] for each in high if each[0] == upper[0])
    return Interval(
        lower[0] if isinstance(lower[0], Fraction) else None, upper[0] if isinstance(upper[0], Fraction) else None,
        not attained[0], not attained[1],
    )  # fmt: skip


def power(x: Interval, y: Interval) -> Interval:
    """Of x**y, where x is not negative or y is a whole number."""
    one = Fraction(1)
    if y.low is not None and y.low == y.high and y.low.denominator == 1 and abs(y.low) <= 64:
        return _whole(x, int(y.low))
    if not x.not_negative:
        return REALS
    if y.not_negative and not y.positive and x.high is not None and x.high <= 1:
        return Interval(ZERO, one, x.positive)
    if not y.positive:
        return Interval(ZERO, None, x.positive)
    if x.high is not None and (x.high < 1 or (x.high == 1 and x.below)):
        return Interval(ZERO, one, x.positive, True)
    if x.high == 1:
        return Interval(ZERO, one, x.positive)
    return Interval(ZERO, None, x.positive)


def _whole(x: Interval, n: int) -> Interval:
    if n < 0:
        return reciprocal(_whole(x, -n))
    if n % 2 == 0:
        x = absolute(x)
    low, high = _ends(x)
    if x.not_negative and n:
        (a, is_low), (b, is_high) = low, high
        return Interval(
            a**n if isinstance(a, Fraction) else None, b**n if isinstance(b, Fraction) else None, not is_low,
            not is_high,
        )  # fmt: skip
    return REALS if n else point(Fraction(1))

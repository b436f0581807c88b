"""Numbers: exact rationals where possible, else rigorous enclosures; a box is an enclosure that is wide on purpose."""

from __future__ import annotations

import math
from fractions import Fraction

from derive.errors import SymstepError
from derive.evaluation import enclosure as E
from derive.evaluation.enclosure import Interval, UnknownValue

Value = Fraction | Interval
BITS = 120
MAX_BITS = 20_000  # of an exact number; beyond it an enclosure takes over


class Undefined(SymstepError):
    """The expression has no value here; the message says which part of it."""


def wide(x: Value) -> Interval:
    return E.from_fraction(x, BITS) if isinstance(x, Fraction) else x


def exact(x: Fraction) -> Value:
    big = x.numerator.bit_length() + x.denominator.bit_length() > MAX_BITS
    return E.from_fraction(x, BITS) if big else x


def add(x: Value, y: Value) -> Value:
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return exact(x + y)
    return y if x == 0 else x if y == 0 else E.add(wide(x), wide(y), BITS)


def neg(x: Value) -> Value:
    return -x if isinstance(x, Fraction) else E.neg(x)


def mul(x: Value, y: Value) -> Value:
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return exact(x * y)
    return Fraction(0) if 0 in (x, y) else E.mul(wide(x), wide(y), BITS)


def inverse(x: Value) -> Value:
    if isinstance(x, Fraction):
        if not x:
            raise Undefined("a denominator is zero")
        return 1 / x
    if x.lo <= 0 <= x.hi:
        raise UnknownValue("a denominator may be zero")
    return E.inverse(x, BITS)


def sign(x: Value) -> int | None:
    """1, -1, 0, or None where that is not known.

    >>> sign(Fraction(-2)), sign(Interval(-1, 1, 0))
    (-1, None)
    """
    return (x > 0) - (x < 0) if isinstance(x, Fraction) else E.sign(x)


def ends(x: Value) -> tuple[Fraction, Fraction]:
    return (x, x) if isinstance(x, Fraction) else (x.lower, x.upper)


def between(lo: Fraction, hi: Fraction) -> Value:
    """The box [lo, hi]."""
    if lo == hi:
        return lo
    a, b = E.from_fraction(lo, BITS), E.from_fraction(hi, BITS)
    exp = min(a.exp, b.exp)
    return Interval(a.lo << (a.exp - exp), b.hi << (b.exp - exp), exp)


def hull(*values: Value) -> Value:
    low, high = zip(*map(ends, values), strict=True)
    return between(min(low), max(high))


# --- functions ------------------------------------------------------------------------------------------------------


def root(x: Fraction, n: int) -> Fraction | None:
    """The exact n-th root of a rational >= 0, if it is rational."""

    def of(k: int) -> int | None:
        if n == 2:
            r = math.isqrt(k)
        elif k.bit_length() > 1000:
            return None
        else:
            r = round(k ** (1 / n)) if k.bit_length() < 900 else 0
        return r if r**n == k else None

    top, low = of(x.numerator), of(x.denominator)
    return None if top is None or low is None else Fraction(top, low)


def exp(x: Value) -> Value:
    return Fraction(1) if x == 0 else E.exp(wide(x), BITS)


def log(x: Value) -> Value:
    if x == 1:
        return Fraction(0)
    s = sign(x)
    if s is None:
        raise UnknownValue("the argument of log may be zero")
    if s <= 0:
        raise Undefined("the argument of log is not positive")
    return E.log(wide(x), BITS)


def power(x: Value, e: Value) -> Value:
    if isinstance(e, Fraction) and e.denominator == 1 and abs(e) < 10**7:
        n = int(e)
        if n < 0:
            x, n = inverse(x), -n
        if isinstance(x, Fraction) and n * (x.numerator.bit_length() + x.denominator.bit_length()) <= MAX_BITS:
            return x**n
        box = wide(x)
        if n % 2 == 0 and box.lo < 0 < box.hi:  # an even power of a box around zero
            box = Interval(0, max(-box.lo, box.hi), box.exp)
        return E.power(box, n, BITS) if box.lo >= 0 else _corners(box, n)
    s = sign(x)
    if s == 0 and sign(e) == 1:
        return Fraction(0)
    if s == 0 or s == -1:
        if (s == 0 and sign(e) is None) or (s == -1 and _may_be_whole(e)):
            raise UnknownValue("whether the exponent is an integer, or positive, cannot be told")
        raise Undefined("a power of a number that is not positive")
    if s is None:
        low = ends(x)[0]
        if low == 0 and sign(e) == 1:  # increasing from zero
            return hull(Fraction(0), power(ends(x)[1], e))
        raise UnknownValue("the base of a power may be zero or negative")
    if isinstance(x, Fraction) and isinstance(e, Fraction):
        if x == 1:
            return x
        rational = root(x, e.denominator) if 1 < e.denominator <= 60 else None
        if rational is not None:
            return power(rational, Fraction(e.numerator))
    return exp(mul(e, log(x)))


def _may_be_whole(x: Value) -> bool:
    low, high = ends(x)
    return math.ceil(low) <= high


def _corners(box: Interval, n: int) -> Interval:
    low, high = (E.power(Interval(end, end, box.exp), n, BITS) for end in (box.lo, box.hi))
    low, high = (low, high) if n % 2 else (high, low)
    result = hull(low, high)
    return wide(result)


def minimum(*parts: Value) -> Value:
    low, high = zip(*map(ends, parts), strict=True)
    return between(min(low), min(high))


def absolute(x: Value) -> Value:
    s = sign(x)
    if s is None:
        low, high = ends(x)
        return between(Fraction(0), max(-low, high))
    return neg(x) if s < 0 else x


def floor(x: Value) -> Value:
    low, high = (math.floor(end) for end in ends(x))
    if low != high:
        if high - low == 1 and ends(x)[1] - ends(x)[0] < Fraction(1, 10**9):
            raise UnknownValue("a number that is too close to an integer to be rounded")
        return between(Fraction(low), Fraction(high))
    return Fraction(low)

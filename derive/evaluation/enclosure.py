"""Rigorous interval enclosures with integer mantissas: + * / sqrt exp log pi erf gamma, rounded outwards.

An Interval is [lo, hi] * 2**exp with integers lo <= hi. Every operation rounds lo down and hi up, so the true value
never leaves the interval. The elementary functions sum their series in fixed point with `GUARD` spare bits; each
bounds its rounding and truncation error by a stated number of units in the last place and widens by that.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import NamedTuple

BITS = 200
GUARD = 64
MAX_EXPONENT = 12_000
MAX_ARGUMENT = 4096  # of exp: beyond this the result has thousands of bits before the point


class UnknownValue(ArithmeticError):
    """The value cannot be determined here; the message says why."""


class TooLarge(UnknownValue):
    """A number would grow beyond the caps."""


class Interval(NamedTuple):
    """The closed interval [lo, hi] * 2**exp."""

    lo: int
    hi: int
    exp: int

    @property
    def lower(self) -> Fraction:
        return Fraction(self.lo) * Fraction(2) ** self.exp

    @property
    def upper(self) -> Fraction:
        return Fraction(self.hi) * Fraction(2) ** self.exp


def _fit(lo: int, hi: int, exp: int, bits: int) -> Interval:
    if not -MAX_EXPONENT < exp < MAX_EXPONENT:
        raise TooLarge("a number is too large or too close to zero")
    excess = max(lo.bit_length(), hi.bit_length()) - bits
    if excess <= 0:
        return Interval(lo, hi, exp)
    return Interval(lo >> excess, -((-hi) >> excess), exp + excess)


def _rescale(x: Interval, exp: int) -> tuple[int, int]:
    shift = x.exp - exp
    if shift >= 0:
        return x.lo << shift, x.hi << shift
    return x.lo >> -shift, -((-x.hi) >> -shift)


def from_fraction(x: Fraction, bits: int = BITS) -> Interval:
    """The tightest interval of about `bits` bits around a rational.

    >>> x = from_fraction(Fraction(1, 3)); x.lower < Fraction(1, 3) < x.upper
    True
    """
    n, d = x.numerator, x.denominator
    shift = bits - n.bit_length() + d.bit_length()
    if shift >= 0:
        n <<= shift
    else:
        d <<= -shift
    return Interval(n // d, -((-n) // d), -shift)


def add(a: Interval, b: Interval, bits: int = BITS) -> Interval:
    top = max(x.exp + max(x.lo.bit_length(), x.hi.bit_length()) for x in (a, b))
    exp = max(min(a.exp, b.exp), top - 2 * bits)
    (alo, ahi), (blo, bhi) = _rescale(a, exp), _rescale(b, exp)
    return _fit(alo + blo, ahi + bhi, exp, bits)


def neg(a: Interval) -> Interval:
    return Interval(-a.hi, -a.lo, a.exp)


def mul(a: Interval, b: Interval, bits: int = BITS) -> Interval:
    corners = (a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi)
    return _fit(min(corners), max(corners), a.exp + b.exp, bits)


def scale(a: Interval, x: Fraction, bits: int = BITS) -> Interval:
    return mul(a, from_fraction(x, bits), bits)


def sign(a: Interval) -> int | None:
    """1, -1, 0 (exactly zero), or None when the interval straddles zero."""
    return 1 if a.lo > 0 else -1 if a.hi < 0 else 0 if a.lo == a.hi == 0 else None


def inverse(a: Interval, bits: int = BITS) -> Interval:
    """1/a for an interval without zero."""
    if a.lo <= 0 <= a.hi:
        raise ZeroDivisionError("the interval contains zero")
    k = bits + max(a.lo.bit_length(), a.hi.bit_length())
    return _fit((1 << k) // a.hi, -((-1 << k) // a.lo), -a.exp - k, bits)


def power(a: Interval, n: int, bits: int = BITS) -> Interval:
    """a**n for an integer n >= 0."""
    result = Interval(1, 1, 0)
    while n:
        if n & 1:
            result = mul(result, a, bits)
        a, n = mul(a, a, bits), n >> 1
    return result


def sqrt(a: Interval, bits: int = BITS) -> Interval:
    """The square root of an interval of non-negative numbers."""
    if a.lo < 0:
        raise ValueError("the interval reaches below zero")
    shift = max(0, 2 * bits - a.lo.bit_length())
    shift += (a.exp - shift) & 1
    return _fit(isqrt(a.lo << shift), isqrt(a.hi << shift) + 1, (a.exp - shift) // 2, bits)


def _hull(low: Interval, high: Interval, bits: int) -> Interval:
    exp = max(min(low.exp, high.exp), max(x.exp + x.hi.bit_length() for x in (low, high)) - 4 * bits)
    return _fit(_rescale(low, exp)[0], _rescale(high, exp)[1], exp, bits)


def _monotone(function: object, a: Interval, bits: int) -> Interval:
    low = function(a.lo, a.exp, bits)  # type: ignore[operator]
    return low if a.lo == a.hi else _hull(low, function(a.hi, a.exp, bits), bits)  # type: ignore[operator]


def exp(a: Interval, bits: int = BITS) -> Interval:
    """exp of an interval. Raises TooLarge beyond MAX_ARGUMENT.

    >>> e = exp(from_fraction(Fraction(1))); float(e.lower), e.upper - e.lower < Fraction(1, 10**55)
    (2.718281828459045, True)
    """
    return _monotone(_exp_at, a, bits)


def _exp_at(n: int, e: int, bits: int) -> Interval:
    if n and n.bit_length() + e > MAX_ARGUMENT.bit_length():
        raise TooLarge("the argument of exp is too large")
    halvings = max(0, n.bit_length() + e + 7)
    p = bits + GUARD + halvings
    shift = p + e - halvings
    r = n << shift if shift >= 0 else n >> -shift  # n*2**e / 2**halvings in units of 2**-p, at most one unit low
    total, term, k = 1 << p, 1 << p, 0
    while term not in (0, -1):  # floor division ends at 0 or -1
        k += 1
        term = (term * r >> p) // k
        total += term
    # |r| < 2**-6 units of 1: each term is off by < 4 units, the tail is below 2 units
    error = 4 * k + 8
    result = Interval(total - error, total + error, -p)
    for _ in range(halvings):
        result = mul(result, result, p)
    return _fit(*result, bits)


@lru_cache(maxsize=8)
def _log_two(p: int) -> Interval:
    return _twice_atanh(1, 3, p)


def _twice_atanh(n: int, d: int, p: int) -> Interval:
    """2*atanh(n/d) for |n/d| <= 1/3 in units of 2**-p: 2 * sum of z**(2k+1)/(2k+1)."""
    z = (n << p) // d
    square = z * z >> p
    total, term, k = 0, z, 0
    while term not in (0, -1):
        total += term // (2 * k + 1)
        term = term * square >> p
        k += 1
    error = 4 * k + 8  # z and square are off by one unit, each term by < 4, the tail by < 2
    return Interval(2 * (total - error), 2 * (total + error), -p)


def log(a: Interval, bits: int = BITS) -> Interval:
    """The natural logarithm of an interval of positive numbers."""
    if a.lo <= 0:
        raise ValueError("the interval reaches zero")
    return _monotone(_log_at, a, bits)


def _log_at(n: int, e: int, bits: int) -> Interval:
    size = n.bit_length()
    k = size + e
    d = 1 << size  # n*2**e = (n/d) * 2**k with n/d in [1/2, 1)
    if 3 * n < 2 * d:
        d, k = d >> 1, k - 1  # now n/d in [2/3, 4/3)
    p = bits + GUARD + size.bit_length()
    return add(_twice_atanh(n - d, n + d, p), mul(_log_two(p), Interval(k, k, 0), p), bits)


@lru_cache(maxsize=8)
def pi(bits: int = BITS) -> Interval:
    """pi by Machin's formula, 16 atan(1/5) - 4 atan(1/239)."""
    p = bits + GUARD

    def arctangent(d: int) -> tuple[int, int]:
        total, term, k = 0, (1 << p) // d, 0
        while term:
            total += -(term // (2 * k + 1)) if k & 1 else term // (2 * k + 1)
            term //= d * d
            k += 1
        return total, 2 * k + 2  # each term is off by < 2 units; the alternating tail is below one

    (a, ea), (b, eb) = arctangent(5), arctangent(239)
    error = 16 * ea + 4 * eb
    return _fit(16 * a - 4 * b - error, 16 * a - 4 * b + error, -p, bits)


def erf(a: Interval, bits: int = BITS) -> Interval:
    """The error function of an interval."""
    return _monotone(_erf_at, a, bits)


def _erf_at(n: int, e: int, bits: int) -> Interval:
    """2/sqrt(pi) * exp(-x*x) * sum of x * (2*x*x)**k / (1*3*...*(2k+1)); DLMF 7.6.2, every term positive."""
    if n < 0:
        return neg(_erf_at(-n, e, bits))
    p = bits + GUARD
    if n.bit_length() + e > 5:  # x >= 16: 1 - erf(x) < exp(-256) < 2**-300
        return Interval((1 << 300) - 1, 1 << 300, -300)
    x = _fit(n, n, e, p)
    twice_square = mul(mul(x, x, p), Interval(2, 2, 0), p)
    total, term, k = Interval(0, 0, 0), x, 0
    while term.hi > 0:
        total = add(total, term, p)
        k += 1
        term = scale(mul(term, twice_square, p), Fraction(1, 2 * k + 1), p)
        small = term.exp + term.hi.bit_length() < total.exp + total.hi.bit_length() - p
        if small and twice_square.upper * 2 < 2 * k + 3:  # ratio below 1/2: the tail is below 2*term
            total = add(total, Interval(0, 2 * term.hi, term.exp), p)
            break
    front = mul(inverse(sqrt(pi(p), p), p), exp(neg(mul(x, x, p)), p), p)
    return _fit(*mul(mul(front, Interval(2, 2, 0), p), total, p), bits)


@lru_cache(maxsize=1)
def _bernoulli() -> tuple[Fraction, ...]:
    """B_0 ... B_62 by the recurrence sum of binomial(m + 1, k) B_k = 0."""
    from math import comb

    numbers = [Fraction(1)]
    for m in range(1, 63):
        numbers.append(-sum((comb(m + 1, k) * numbers[k] for k in range(m)), Fraction(0)) / (m + 1))
    return tuple(numbers)


def gamma(a: Interval, bits: int = BITS) -> Interval:
    """Gamma of an interval of positive numbers: Stirling's series (DLMF 5.11.1, 5.11(ii)) after a shift beyond 50."""
    if a.lo <= 0:
        raise ValueError("the interval reaches zero")
    if a.upper > 500:
        raise TooLarge("the argument of gamma is too large")
    p = bits + GUARD
    shift = max(0, 50 - int(a.lower))
    z = add(a, Interval(shift, shift, 0), p)
    numbers = _bernoulli()
    result = mul(add(z, Interval(-1, -1, -1), p), log(z, p), p)
    result = add(result, neg(z), p)
    result = add(result, scale(log(mul(pi(p), Interval(2, 2, 0), p), p), Fraction(1, 2), p), p)
    recip = inverse(z, p)
    odd, square = recip, mul(recip, recip, p)
    for k in range(1, 31):
        result = add(result, scale(odd, numbers[2 * k] / (2 * k * (2 * k - 1)), p), p)
        odd = mul(odd, square, p)
    # for z > 0 the error is smaller than the first omitted term
    omitted = scale(odd, abs(numbers[62]) / (62 * 61), p)
    result = exp(add(result, Interval(-omitted.hi, omitted.hi, omitted.exp), p), p)
    for i in range(shift):
        result = mul(result, inverse(add(a, Interval(i, i, 0), p), p), p)
    return _fit(*result, bits)


def decimal(a: Interval, digits: int = 10) -> str:
    """The leading decimals that both ends share, cut and not rounded; "between ..." when none is sure.

    >>> decimal(log(from_fraction(Fraction(2)))), decimal(exp(from_fraction(Fraction(-100))))
    ('0.6931471805...', '3.7200759760...e-44')
    """
    low, high = a.lower, a.upper
    if low == high == int(low) and abs(low) < 10**30:
        return str(int(low))
    exponent = 0
    if low > 0 or high < 0:
        size = (a.exp + max(a.lo.bit_length(), a.hi.bit_length())) * 30103 // 100000
        if not -4 <= size <= 20:
            exponent = size - (min(abs(low), abs(high)) < Fraction(10) ** size)
    low, high = low / Fraction(10) ** exponent, high / Fraction(10) ** exponent
    for places in range(digits, -1, -1):
        one, two = (int(x * 10**places) for x in (low, high))
        if one == two and one:
            body = str(abs(one)).rjust(places + 1, "0")
            text = f"{body[:-places]}.{body[-places:]}" if places else body
            return f"{'-' if one < 0 else ''}{text}..." + (f"e{exponent:+d}" if exponent else "")
    if max(abs(low), abs(high)) < Fraction(1, 10**digits):
        return f"about 0, within 1e-{digits}"
    return f"between {_short(low)} and {_short(high)}"


def _short(x: Fraction) -> str:
    return f"{float(x):.6g}" if abs(x) < 10**300 else f"{'-' if x < 0 else ''}1e{len(str(abs(int(x)))) - 1}"

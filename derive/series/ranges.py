"""Between which numbers an expression lies for every t >= start: interval arithmetic on a half line."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from derive.evaluation.enclosure import UnknownValue
from derive.kernel.terms import Term
from derive.series import values as V
from derive.series.language import T
from derive.series.shapes import linear

GRID = 4000  # bounds are rounded outwards to multiples of 1/GRID, so that they stay short
MOST = 10**12


class Range(NamedTuple):
    """lo <= x <= hi; None is no bound."""

    lo: Fraction | None
    hi: Fraction | None


REAL = Range(None, None)
INCREASING = ("exp", "log", "sqrt", "atan", "tanh", "sinh", "asinh", "floor", "ceiling")
LIMITS: dict[str, tuple[int, int]] = {"tanh": (-1, 1), "sin": (-1, 1), "cos": (-1, 1), "frac": (0, 1)}


def range_of(term: Term, start: int) -> Range:
    """Bounds of a term for every t >= start at which it is defined.

    >>> range_of(("+", ("q", Fraction(2)), ("neg", ("/", ("q", Fraction(1)), ("f", "sqrt", T)))), 16)
    Range(lo=Fraction(7, 4), hi=Fraction(2, 1))
    """
    try:
        return _short(_range(term, start))
    except (UnknownValue, V.Undefined, OverflowError):
        return REAL


def _short(x: Range) -> Range:
    lo, hi = x
    if lo is not None:
        lo = Fraction(math.floor(lo * GRID), GRID) if abs(lo) < MOST else None
    if hi is not None:
        hi = Fraction(math.ceil(hi * GRID), GRID) if abs(hi) < MOST else None
    return Range(lo, hi)


def _range(term: Term, start: int) -> Range:
    tag = term[0]
    if tag == "q":
        return Range(term[1], term[1])
    if term == T:
        return Range(Fraction(start), None)
    if tag in ("v", "piecewise"):
        return REAL
    if tag == "c":
        return Range(*V.ends(V.value(term, {})))
    if tag == "^":
        line = linear(term[2])
        if line is not None and line[0].denominator == line[1].denominator == 1 and term[1] in _MINUS_ONE:
            return Range(Fraction(-1), Fraction(1))
    parts = [range_of(part, start) for part in term[1:] if isinstance(part, tuple)]
    if tag == "+":
        los, his = [part.lo for part in parts], [part.hi for part in parts]
        return Range(_total(los), _total(his))
    if tag == "neg":
        return _negated(parts[0])
    if tag == "*":
        found = parts[0]
        for part in parts[1:]:
            found = _times(found, part)
        return found
    if tag == "/":
        return _times(parts[0], _inverse(parts[1]))
    if tag == "^":
        return _power(parts[0], parts[1], term[2])
    return _function(term[1], parts)


_MINUS_ONE = (("q", Fraction(-1)), ("neg", ("q", Fraction(1))))


def _total(ends: list[Fraction | None]) -> Fraction | None:
    known = [end for end in ends if end is not None]
    return sum(known, Fraction(0)) if len(known) == len(ends) else None


def _negated(x: Range) -> Range:
    return Range(None if x.hi is None else -x.hi, None if x.lo is None else -x.lo)


def _times(x: Range, y: Range) -> Range:
    if x.lo is not None and x.lo >= 0 and y.lo is not None and y.lo >= 0:
        return Range(x.lo * y.lo, None if x.hi is None or y.hi is None else x.hi * y.hi)
    if x.lo is not None and x.hi is not None and y.lo is not None and y.hi is not None:
        corners = [a * b for a in (x.lo, x.hi) for b in (y.lo, y.hi)]
        return Range(min(corners), max(corners))
    if x.hi is not None and x.hi <= 0:
        return _negated(_times(_negated(x), y))
    if y.hi is not None and y.hi <= 0:
        return _negated(_times(x, _negated(y)))
    return REAL


def _inverse(x: Range) -> Range:
    if x.lo is not None and x.lo > 0:
        return Range(Fraction(0) if x.hi is None else 1 / x.hi, 1 / x.lo)
    if x.hi is not None and x.hi < 0:
        return _negated(_inverse(_negated(x)))
    return REAL


def _power(base: Range, exponent: Range, term: Term) -> Range:
    if exponent.lo is None or exponent.lo != exponent.hi or abs(exponent.lo) > 100:
        return Range(Fraction(0), None) if base.lo is not None and base.lo >= 0 else REAL
    e = exponent.lo
    if e < 0:
        return _inverse(_power(base, Range(-e, -e), term))
    if base.lo is not None and base.lo >= 0:
        return Range(V.ends(V.power(base.lo, e))[0], None if base.hi is None else V.ends(V.power(base.hi, e))[1])
    if e.denominator == 1 and e % 2 == 0:
        return Range(Fraction(0), None)
    return REAL


def _function(name: str, parts: list[Range]) -> Range:
    x = parts[0]
    if name in ("min", "max"):
        los, his = [part.lo for part in parts], [part.hi for part in parts]
        if name == "max":
            known = [lo for lo in los if lo is not None]
            return Range(max(known) if known else None, None if None in his else max(h for h in his if h is not None))
        tops = [hi for hi in his if hi is not None]
        return Range(None if None in los else min(lo for lo in los if lo is not None), min(tops) if tops else None)
    if name in ("sin", "cos") and x.lo is not None and x.hi is not None and x.hi - x.lo < 20:
        return Range(*V.ends(V.FUNCTIONS[name](V.between(x.lo, x.hi))))
    if name in INCREASING:
        lo = None if x.lo is None or (name == "log" and x.lo <= 0) else V.ends(V.FUNCTIONS[name](x.lo))[0]
        hi = None if x.hi is None or (name == "log" and x.hi <= 0) else V.ends(V.FUNCTIONS[name](x.hi))[1]
        if name in ("exp", "sqrt"):
            lo = lo if lo is not None else Fraction(0)
        if name in LIMITS:
            lo, hi = lo if lo is not None else Fraction(-1), hi if hi is not None else Fraction(1)
        return Range(lo, hi)
    if name == "abs":
        if x.lo is not None and x.lo >= 0:
            return x
        both = [abs(end) for end in x if end is not None]
        return Range(Fraction(0), max(both) if len(both) == 2 else None)
    if name in LIMITS:
        return Range(*map(Fraction, LIMITS[name]))
    if name == "mod" and parts[1].lo is not None and parts[1].lo >= 0:
        return Range(Fraction(0), parts[1].hi)
    if name in ("harmonic", "factorial", "binomial", "gamma"):
        return Range(Fraction(0), None)
    return REAL

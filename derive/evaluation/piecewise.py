"""Continuous piecewise polynomials of one variable with rational breaks, and where they are smallest.

Polynomials are tuples of coefficients from the constant up. Roots and stationary points that are not rational give
UnknownValue: every answer is exact.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import NamedTuple

from derive.evaluation.enclosure import UnknownValue
from derive.evaluation.reals import guard

Poly = tuple[Fraction, ...]
MAX_DEGREE = 8
MAX_BREAKS = 64


class Segment(NamedTuple):
    """An interval of real numbers; None is an infinite end."""

    lo: Fraction | None = None
    hi: Fraction | None = None
    lo_closed: bool = False
    hi_closed: bool = False

    def holds(self, x: Fraction) -> bool:
        above = self.lo is None or x > self.lo or (self.lo_closed and x == self.lo)
        return above and (self.hi is None or x < self.hi or (self.hi_closed and x == self.hi))

    def text(self) -> str:
        if self.lo is not None and self.lo == self.hi:
            return f"{{{self.lo}}}"
        low = "(-oo" if self.lo is None else f"{'[' if self.lo_closed else '('}{self.lo}"
        high = "oo)" if self.hi is None else f"{self.hi}{']' if self.hi_closed else ')'}"
        return f"{low}, {high}"


class Piecewise(NamedTuple):
    """pieces[k] between breaks[k-1] and breaks[k]; neighbours agree at the breaks."""

    breaks: tuple[Fraction, ...]
    pieces: tuple[Poly, ...]

    def at(self, x: Fraction) -> Fraction:
        return value(self.pieces[sum(1 for b in self.breaks if b < x)], x)


def trim(p: list[Fraction]) -> Poly:
    while p and not p[-1]:
        p.pop()
    if len(p) > MAX_DEGREE + 1:
        raise UnknownValue("the objective has too high a degree")
    return tuple(guard(c) for c in p)


def value(p: Poly, x: Fraction) -> Fraction:
    total = Fraction(0)
    for c in reversed(p):
        total = total * x + c
    return total


def plus(p: Poly, r: Poly) -> Poly:
    n = max(len(p), len(r))
    return trim([(p[k] if k < len(p) else Fraction(0)) + (r[k] if k < len(r) else Fraction(0)) for k in range(n)])


def times(p: Poly, r: Poly) -> Poly:
    out = [Fraction(0)] * max(0, len(p) + len(r) - 1)
    for j, a in enumerate(p):
        for k, b in enumerate(r):
            out[j + k] += a * b
    return trim(out)


def slope(p: Poly) -> Poly:
    return tuple(k * c for k, c in enumerate(p))[1:]


def constant(x: Fraction) -> Piecewise:
    return Piecewise((), ((x,) if x else (),))


def combine(a: Piecewise, b: Piecewise, product: bool) -> Piecewise:
    """The sum or the product of two."""
    breaks = tuple(sorted({*a.breaks, *b.breaks})) if a.breaks or b.breaks else ()
    if len(breaks) > MAX_BREAKS:
        raise UnknownValue("the objective has too many pieces")
    pieces = []
    for k in range(len(breaks) + 1):
        parts = []
        for f in (a, b):  # the piece of f over the k-th cell: count f's breaks at or below the cell's left end
            parts.append(f.pieces[sum(1 for x in f.breaks if k and x <= breaks[k - 1])])
        pieces.append(times(*parts) if product else plus(*parts))
    kept = [k for k in range(len(breaks)) if pieces[k] != pieces[k + 1]]
    return Piecewise(tuple(breaks[k] for k in kept), (*(pieces[k] for k in kept), pieces[-1]))


def roots(p: Poly, lo: Fraction | None = None, hi: Fraction | None = None) -> list[Fraction]:
    """All real roots strictly between lo and hi (None: infinite); UnknownValue when one of them is irrational."""
    found = []
    while len(p) > 3:
        root = _rational_root(p)
        if root is None:
            break
        found.append(root)
        p = _divide(p, (-root, Fraction(1)))[0]
    if len(p) == 2:
        found.append(-p[0] / p[1])
    elif len(p) == 3:
        c, b, a = p
        d = b * b - 4 * a * c
        if d >= 0:
            n, m = isqrt(d.numerator), isqrt(d.denominator)
            if n * n == d.numerator and m * m == d.denominator:
                found += [(-b + s * Fraction(n, m)) / (2 * a) for s in (1, -1)]
            elif count_roots(p, lo, hi):
                raise UnknownValue("an irrational root")
    elif len(p) > 3 and count_roots(p, lo, hi):
        raise UnknownValue("an irrational root")
    return sorted({x for x in found if (lo is None or x > lo) and (hi is None or x < hi)})


def _rational_root(p: Poly) -> Fraction | None:
    scale = 1
    for c in p:
        scale = scale * c.denominator // _gcd(scale, c.denominator)
    whole = [int(c * scale) for c in p]
    if not whole[0]:
        return Fraction(0)
    if max(abs(whole[0]), abs(whole[-1])) > 10_000:
        return None
    for d in _divisors(abs(whole[-1])):
        for n in _divisors(abs(whole[0])):
            for x in (Fraction(n, d), Fraction(-n, d)):
                if not value(p, x):
                    return x
    return None


def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def _divisors(n: int) -> list[int]:
    small = [d for d in range(1, isqrt(n) + 1) if n % d == 0]
    return sorted({*small, *(n // d for d in small)})


def _divide(p: Poly, d: Poly) -> tuple[Poly, Poly]:
    rest, quotient = list(p), [Fraction(0)] * max(1, len(p) - len(d) + 1)
    while len(rest) >= len(d):
        factor, shift = rest[-1] / d[-1], len(rest) - len(d)
        quotient[shift] = factor
        for k, c in enumerate(d):
            rest[shift + k] -= factor * c
        rest.pop()
        while rest and not rest[-1]:
            rest.pop()
    return trim(quotient), trim(rest)


def count_roots(p: Poly, lo: Fraction | None, hi: Fraction | None) -> int:
    """How many different real roots lie in (lo, hi), by Sturm's theorem; ends that are roots are not counted."""
    chain = [p, slope(p)]
    while chain[-1]:
        chain.append(tuple(-c for c in _divide(chain[-2], chain[-1])[1]))
    chain.pop()

    def changes(x: Fraction | None, end: int) -> int:
        signs = []
        for f in chain:
            s = value(f, x) if x is not None else f[-1] * (end if len(f) % 2 == 0 else 1)
            if s:
                signs.append(s > 0)
        return sum(a != b for a, b in pairwise(signs))

    count = changes(lo, -1) - changes(hi, 1)  # roots in (lo, hi]
    return count - (1 if hi is not None and not value(p, hi) else 0)


def absolute(f: Piecewise) -> Piecewise:
    """|f|, with new breaks where a piece changes its sign."""
    cuts = set(f.breaks)
    for k, p in enumerate(f.pieces):
        lo, hi = f.breaks[k - 1] if k else None, f.breaks[k] if k < len(f.breaks) else None
        if len(p) > 1:
            cuts.update(roots(p, lo, hi))
    breaks = sorted(cuts)
    pieces = []
    for k in range(len(breaks) + 1):
        x = inside(breaks[k - 1] if k else None, breaks[k] if k < len(breaks) else None)
        p = f.pieces[sum(1 for b in f.breaks if b < x)]
        pieces.append(tuple(-c for c in p) if value(p, x) < 0 else p)
    kept = [k for k in range(len(breaks)) if pieces[k] != pieces[k + 1]]
    return Piecewise(tuple(breaks[k] for k in kept), (*(pieces[k] for k in kept), pieces[-1]))


def inside(lo: Fraction | None, hi: Fraction | None) -> Fraction:
    """A point strictly between two ends."""
    if lo is None:
        return Fraction(0) if hi is None else hi - 1
    return lo + 1 if hi is None else (lo + hi) / 2


class Lowest(NamedTuple):
    """The infimum (None: -infinity) and the set where it is attained, as disjoint segments in order."""

    infimum: Fraction | None
    where: tuple[Segment, ...]


def lowest(f: Piecewise, domain: Segment) -> Lowest:
    """Where f is smallest over a non-empty domain; an infimum that is not attained has an empty set.

    >>> lowest(absolute(Piecewise((), ((Fraction(-1), Fraction(1)),))), Segment()).where[0].text()
    '{1}'
    """
    best: Fraction | None = None
    where: list[Segment] = []

    def offer(level: Fraction, segment: Segment | None) -> None:
        nonlocal best
        if best is None or level < best:
            best = level
            where.clear()
        if level == best and segment is not None:
            where.append(segment)

    for k, p in enumerate(f.pieces):
        lo, hi = f.breaks[k - 1] if k else None, f.breaks[k] if k < len(f.breaks) else None
        lo = domain.lo if lo is None or (domain.lo is not None and domain.lo > lo) else lo
        hi = domain.hi if hi is None or (domain.hi is not None and domain.hi < hi) else hi
        if lo is not None and hi is not None and (lo > hi or (lo == hi and not domain.holds(lo))):
            continue
        if len(p) <= 1:
            closed = [x is not None and domain.holds(x) for x in (lo, hi)]
            offer(p[0] if p else Fraction(0), Segment(lo, hi, *closed))
            continue
        for end, direction in ((lo, -1), (hi, 1)):
            if end is None:
                if p[-1] * (direction if len(p) % 2 == 0 else 1) < 0:
                    return Lowest(None, ())
            else:
                offer(value(p, end), Segment(end, end, True, True) if domain.holds(end) else None)
        for x in roots(slope(p), lo, hi):
            offer(value(p, x), Segment(x, x, True, True))
    return Lowest(best, join(where))


def join(segments: list[Segment]) -> tuple[Segment, ...]:
    """Overlapping and touching segments made one."""
    lowest_first = sorted(set(segments), key=lambda s: (s.lo is not None, s.lo or 0, not s.lo_closed))
    out: list[Segment] = []
    for s in lowest_first:
        last = out[-1] if out else None
        touching = last is not None and (
            last.hi is None or s.lo is None or s.lo < last.hi or (s.lo == last.hi and (s.lo_closed or last.hi_closed))
        )
        if last is None or not touching:
            out.append(s)
        elif last.hi is not None and (s.hi is None or (s.hi, s.hi_closed) > (last.hi, last.hi_closed)):
            out[-1] = last._replace(hi=s.hi, hi_closed=s.hi_closed)
    return tuple(out)

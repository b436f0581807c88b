"""Rational functions of t: the sign at every integer from a start on, exactly, by the roots of polynomials."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from derive.kernel.terms import Term
from derive.series.language import T

Poly = tuple[Fraction, ...]  # coefficients from the constant on; the last one is not zero
MAX_DEGREE = 60
MAX_BITS = 4000


def _trim(poly: list[Fraction]) -> Poly:
    while poly and not poly[-1]:
        poly.pop()
    return tuple(poly)


def _add(a: Poly, b: Poly) -> Poly:
    size = max(len(a), len(b))
    return _trim([(a[k] if k < len(a) else Fraction(0)) + (b[k] if k < len(b) else Fraction(0)) for k in range(size)])


def _mul(a: Poly, b: Poly) -> Poly:
    found = [Fraction(0)] * max(len(a) + len(b) - 1, 0)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            found[i + j] += x * y
    return _trim(found)


def quotient(term: Term) -> tuple[Poly, Poly, tuple[Poly, ...]] | None:
    """(numerator, denominator, all denominators in it) of a rational function of t alone, or None.

    >>> quotient(("/", ("q", Fraction(1)), ("+", T, ("q", Fraction(-5)))))[1]
    (Fraction(-5, 1), Fraction(1, 1))
    """
    one: Poly = (Fraction(1),)
    tag = term[0]
    if tag == "q":
        return _trim([term[1]]), one, ()
    if term == T:
        return (Fraction(0), Fraction(1)), one, ()
    if tag == "^":
        inner = quotient(term[1])
        if inner is None or term[2][0] not in ("q", "neg"):
            return None
        e = term[2][1] if term[2][0] == "q" else -term[2][1][1] if term[2][1][0] == "q" else Fraction(1, 2)
        if e.denominator != 1 or abs(e) * max(len(inner[0]), len(inner[1])) > MAX_DEGREE:
            return None
        top, low = (inner[0], inner[1]) if e >= 0 else (inner[1], inner[0])
        result = one, one
        for _ in range(abs(int(e))):
            result = _mul(result[0], top), _mul(result[1], low)
        return (*result, inner[2] if e >= 0 else (*inner[2], inner[0]))
    if tag not in ("+", "*", "/", "neg"):
        return None
    parts = [quotient(part) for part in term[1:]]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    top, low, below = found[0]
    if tag == "neg":
        return tuple(-c for c in top), low, below
    for more, under, others in found[1:]:
        below += others
        if tag == "+":
            top, low = _add(_mul(top, under), _mul(more, low)), _mul(low, under)
        elif tag == "*":
            top, low = _mul(top, more), _mul(low, under)
        else:
            below, top, low = (*below, more), _mul(top, under), _mul(low, more)
        if max(len(top), len(low)) > MAX_DEGREE or any(c.numerator.bit_length() > MAX_BITS for c in (*top, *low)):
            return None
    return top, low, below


def at(poly: Poly, x: int) -> Fraction:
    total = Fraction(0)
    for c in reversed(poly):
        total = total * x + c
    return total


def _sign(x: Fraction) -> int:
    return (x > 0) - (x < 0)


def turning(poly: Poly, start: int) -> list[int]:
    """Integers >= start, the start among them, between which the sign of the polynomial does not change.

    Where it changes between two integers both are there, and so is each integer at which it is zero.
    """
    if len(poly) <= 1:
        return [start]
    slope = _trim([k * c for k, c in enumerate(poly)][1:])
    lead = abs(poly[-1])
    most = max(start, 2 + max((int(abs(c) / lead) + 1 for c in poly[:-1]), default=0))  # Cauchy's bound of the roots
    marks = sorted({*turning(slope, start), most})
    found = set(marks)
    for low, high in pairwise(marks):
        a, b = low, high  # between two marks the polynomial is monotone
        if _sign(at(poly, a)) * _sign(at(poly, b)) < 0:
            while b - a > 1:
                middle = (a + b) // 2
                if _sign(at(poly, middle)) == _sign(at(poly, a)):
                    a = middle
                else:
                    b = middle
            found |= {a, b}
    return sorted(found)


def zero_from(poly: Poly, start: int) -> int | None:
    """The first integer >= start at which the polynomial is zero."""
    if not poly:
        return start
    return next((x for x in turning(poly, start) if at(poly, x) == 0), None)


def negative_from(top: Poly, low: Poly, start: int) -> int | None:
    """The first integer >= start at which top/low is negative; low is not zero there.

    >>> negative_from((Fraction(10), Fraction(-1)), (Fraction(0), Fraction(10)), 1)  # 1/t - 1/10
    11
    """
    both = _mul(top, low)
    marks = turning(both, start)
    for x, after in zip(marks, [*marks[1:], marks[-1] + 2], strict=True):
        if at(both, x) < 0:
            return x
        if after > x + 1 and at(both, x + 1) < 0:
            return x + 1
    return None

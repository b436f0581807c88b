"""What the shape of a term shows: that it is linear in t with rationals, or pi times such a term."""

from __future__ import annotations

import math
from fractions import Fraction

from derive.evaluation.enclosure import UnknownValue
from derive.kernel.terms import FUNCTIONS, Term, mul
from derive.series import values as V
from derive.series.language import T


def of_kernel(term: Term) -> bool:
    """Whether the kernel knows every function of a term."""
    if term[0] == "piecewise" or (term[0] == "f" and term[1] not in FUNCTIONS):
        return False
    return all(of_kernel(part) for part in term[1:] if isinstance(part, tuple))


def linear(term: Term) -> tuple[Fraction, Fraction] | None:
    """(a, b) where the term is a*t + b with rationals, for every integer t.

    >>> linear(("+", ("*", ("q", Fraction(2)), T), ("f", "floor", ("/", T, ("q", Fraction(1))))))
    (Fraction(3, 1), Fraction(0, 1))
    """
    tag = term[0]
    if tag == "q":
        return Fraction(0), term[1]
    if term == T:
        return Fraction(1), Fraction(0)
    if tag == "piecewise" or tag in ("v", "c"):
        return None
    parts = [linear(part) for part in term[1:] if isinstance(part, tuple)]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    if tag == "+":
        return sum((a for a, _ in found), Fraction(0)), sum((b for _, b in found), Fraction(0))
    if tag == "neg":
        return -found[0][0], -found[0][1]
    if tag == "*":
        moving = [part for part in found if part[0]]
        if len(moving) > 1:
            return None
        number = math.prod((b for a, b in found if not a), start=Fraction(1))
        a, b = moving[0] if moving else (Fraction(0), Fraction(1))
        return a * number, b * number
    if tag == "/" and not found[1][0] and found[1][1]:
        return found[0][0] / found[1][1], found[0][1] / found[1][1]
    if tag == "f" and term[1] in ("floor", "ceiling", "frac") and found[0][0].denominator == 1:
        a, b = found[0]
        rounded = Fraction(math.floor(b) if term[1] != "ceiling" else math.ceil(b))
        return (Fraction(0), b - rounded) if term[1] == "frac" else (a, rounded)
    if tag == "f" and term[1] == "mod" and not found[1][0] and found[1][1]:
        m = found[1][1]
        a, b = found[0][0] / m, found[0][1] / m
        return (Fraction(0), (b - math.floor(b)) * m) if a.denominator == 1 else None
    if all(not a for a, _ in found) and (tag == "^" or tag == "f"):
        try:
            exact = V.value(term, {"t": Fraction(10**6)})
        except (V.Undefined, UnknownValue):
            return None
        return (Fraction(0), exact) if isinstance(exact, Fraction) and _constant_in_t(term) else None
    return None


def _constant_in_t(term: Term) -> bool:
    line = [linear(part) for part in term[1:] if isinstance(part, tuple)]
    return all(part is not None and not part[0] for part in line)


def in_half_turns(term: Term) -> tuple[Fraction, Fraction] | None:
    """(a, b) where the term is pi*(a*t + b)."""
    tag = term[0]
    if tag == "c":
        return Fraction(0), Fraction(1)
    if tag == "neg":
        inner = in_half_turns(term[1])
        return None if inner is None else (-inner[0], -inner[1])
    if tag == "+":
        parts = [in_half_turns(part) for part in term[1:]]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            return None
        return sum((a for a, _ in found), Fraction(0)), sum((b for _, b in found), Fraction(0))
    if tag == "*":
        turns = [part for part in term[1:] if uses_pi(part)]
        if len(turns) != 1:
            return None
        rest = linear(mul(*(part for part in term[1:] if part is not turns[0])))
        inner = in_half_turns(turns[0])
        if rest is None or inner is None or (rest[0] and inner[0]):
            return None
        return rest[0] * inner[1] + rest[1] * inner[0], rest[1] * inner[1]
    if tag == "/" and uses_pi(term[1]) and not uses_pi(term[2]):
        inner, below = in_half_turns(term[1]), linear(term[2])
        if inner is None or below is None or below[0] or not below[1]:
            return None
        return inner[0] / below[1], inner[1] / below[1]
    return (Fraction(0), Fraction(0)) if term == ("q", Fraction(0)) else None


def uses_pi(term: Term) -> bool:
    return term[0] == "c" or any(isinstance(part, tuple) and uses_pi(part) for part in term[1:])

"""A schedule in the kernel's language, from some T on: eventual branches, and names for what rounds and waves.

A name w1[t] with bounds stands for t - floor(t) and the like; that it lies between them is the definition of floor, or
an inequality of sin and cos for every argument.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from derive.ascii import show
from derive.errors import Undecided
from derive.evaluation.enclosure import UnknownValue
from derive.kernel.terms import Refused, Term, add, mul, q, sub
from derive.series import values as V
from derive.series.expansion import Expansion
from derive.series.language import T, named
from derive.series.parameters import Scene, Split
from derive.series.shapes import linear, of_kernel


class Name(NamedTuple):
    """name[t] stands for `what`, which is between lo and hi for every t >= T."""

    name: str
    lo: Fraction
    hi: Fraction
    what: str


class Plain(NamedTuple):
    """A term of the kernel's language that is the schedule for every t >= T, and its names."""

    term: Term
    names: tuple[Name, ...]


def plainly(term: Term, since: int) -> Plain | None:
    """The schedule as the kernel can read it; None where that is not possible.

    >>> found = plainly(("f", "floor", ("/", T, ("q", Fraction(2)))), 16)
    >>> show(found.term), found.names[0].what
    ('1/2*t - w1[t]', 't/2 - floor(t/2)')
    """
    try:
        reader = _Reader(since)
        found = reader.read(term)
    except (Undecided, Split, Refused, UnknownValue, V.Undefined, OverflowError):
        return None
    return Plain(found, tuple(reader.names.values())) if of_kernel(found) else None


class _Reader:
    def __init__(self, since: int) -> None:
        self.since = since
        self.names: dict[Term, Name] = {}
        self.expansion = Expansion(Scene({}, ()), 4, since)

    def read(self, term: Term) -> Term:
        tag = term[0]
        if tag in ("q", "v", "c"):
            return term
        line = linear(term)
        if line is not None and tag != "^":
            moving = T if line[0] == 1 else mul(q(line[0]), T)
            return q(line[1]) if not line[0] else add(moving, q(line[1])) if line[1] else moving
        if not named(term) and isinstance(exact := V.value(term, {}), Fraction):
            return q(exact)
        if tag == "piecewise":
            for value, condition in zip(term[1::2], term[2::2], strict=True):
                if self.expansion.truth(condition):
                    return self.read(value)
        if tag != "f" or term[1] in ("exp", "log", "sqrt", "factorial", "gamma"):
            return tuple(self.read(part) if isinstance(part, tuple) else part for part in term)
        return self.function(term)

    def function(self, term: Term) -> Term:
        name, args = term[1], [self.read(part) for part in term[2:]]
        if name == "abs":
            sign = self.expansion.field.sign(self.expansion.germ(term[2]))
            return args[0] if sign >= 0 else ("neg", args[0])
        if name in ("min", "max"):
            total, value = term[2], args[0]
            for other, read in zip(term[3:], args[1:], strict=True):
                sign = self.expansion.field.sign(self.expansion.germ(sub(total, other)))
                total, value = (total, value) if (sign <= 0) == (name == "min") else (other, read)
            return value
        one, zero = Fraction(1), Fraction(0)
        if name == "floor":
            return sub(args[0], self.named(sub(term[2], term), zero, one))
        if name == "ceiling":
            return add(args[0], self.named(sub(term, term[2]), zero, one))
        if name == "frac":
            return self.named(term, zero, one)
        if name == "mod":
            return mul(args[1], self.named(("/", term, term[3]), zero, one))
        if name in ("sin", "tanh", "atan") and (small := self.small(term[2])) is not None:
            # x - x**3/6 <= sin(x) <= x, and x - x**3/3 <= atan(x), tanh(x) <= x, for x >= 0
            low = one - small * small / (6 if name == "sin" else 3)
            return mul(args[0], self.named(("/", term, term[2]), low, one))
        if name in ("sin", "cos"):
            return self.named(term, -one, one)
        raise Undecided(f"the kernel does not know {name}")

    def small(self, term: Term) -> Fraction | None:
        """A bound below 1 of an argument > 0 that tends to 0."""
        field = self.expansion.field
        g = self.expansion.germ(term)
        grows, limit, _ = field.limit(g)
        if grows or limit != Fraction(0) or field.sign(g) <= 0:
            return None
        m, size = field.bound(g)
        top = size * field.supremum(m)
        return Fraction(top) if top < 0.5 else None

    def named(self, what: Term, lo: Fraction, hi: Fraction) -> Term:
        if what not in self.names:
            self.names[what] = Name(f"w{len(self.names) + 1}", _below(lo), hi, show(what))
        return ("ix", self.names[what].name, T)


def _below(x: Fraction) -> Fraction:
    return Fraction((x.numerator * 1024) // x.denominator, 1024)


__all__ = ["Name", "Plain", "plainly"]

"""Plain data around an evaluation: points, what names stand for there, and what is not a number.

A point gives every name a value: scalars a rational, indexed names a table with a default, uninterpreted functions a
polynomial of their arguments, so that derivatives of functions are known too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from derive.derivation import Definition
from derive.evaluation import jets
from derive.evaluation.jets import Value, add, mul
from derive.kernel.terms import Term, children


@dataclass(frozen=True)
class Undefined:
    """The expression has no value at the point."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """The value could not be determined; the reason says why. Never a statement about the expression."""

    reason: str


@dataclass(frozen=True)
class Span:
    """A closed interval [lo, hi], the value of an interval term or of a subdifferential."""

    lo: Value
    hi: Value


@dataclass(frozen=True)
class Family:
    """An indexed name as a total function of whole indices: a table, and a default elsewhere."""

    default: Fraction = Fraction(0)
    table: Mapping[tuple[int, ...], Fraction] = field(default_factory=dict)

    def at(self, index: tuple[int, ...]) -> Fraction:
        return self.table.get(index, self.default)


@dataclass(frozen=True)
class Polynomial:
    """An uninterpreted function as a polynomial of its arguments: ((exponents, coefficient), ...)."""

    terms: tuple[tuple[tuple[int, ...], Fraction], ...]

    def at(self, arguments: Sequence[Value]) -> Value:
        total: Value = Fraction(0)
        for exponents, coefficient in self.terms:
            part: Value = coefficient
            for argument, e in zip(arguments, exponents, strict=True):
                if e:
                    part = mul(part, jets.integer_power(argument, e))
            total = add(total, part)
        return total

    def slope(self, by: int) -> Polynomial:
        """The derivative with respect to one argument.

        >>> Polynomial((((0, 3), Fraction(2)), ((1, 0), Fraction(1)))).slope(1).text(["x", "w"])
        '6*w**2'
        """
        return Polynomial(
            tuple(((*e[:by], e[by] - 1, *e[by + 1 :]), c * e[by]) for e, c in self.terms if e[by])
        )  # fmt: skip

    def table(self) -> dict[tuple[int, ...], Fraction]:
        """The coefficients by exponents, each once.

        >>> Polynomial((((1,), Fraction(1)), ((1,), Fraction(1)))).table()
        {(1,): Fraction(2, 1)}
        """
        total: dict[tuple[int, ...], Fraction] = {}
        for exponents, c in self.terms:
            total[exponents] = total.get(exponents, Fraction(0)) + c
        return {exponents: c for exponents, c in total.items() if c}

    @property
    def constant(self) -> bool:
        return not any(any(exponents) for exponents, _ in self.terms)

    def text(self, names: Sequence[str]) -> str:
        """The polynomial in the given names.

        >>> Polynomial((((1, 1), Fraction(1)), ((0, 0), Fraction(-2)))).text(["x", "w"])
        'x*w - 2'
        """
        out = ""
        for exponents, c in self.terms:
            factors = [n if e == 1 else f"{n}**{e}" for n, e in zip(names, exponents, strict=True) if e]
            body = "*".join(([str(abs(c))] if abs(c) != 1 or not factors else []) + factors)
            out += (" - " if c < 0 else " + ") + body if out else ("-" if c < 0 else "") + body
        return out or "0"


@dataclass(frozen=True)
class Point:
    """Values for every name, and what belongs to the claim: definitions, facts, names that range over the integers."""

    scalars: Mapping[str, Fraction] = field(default_factory=dict)
    families: Mapping[str, Family] = field(default_factory=dict)
    functions: Mapping[str, Polynomial] = field(default_factory=dict)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    facts: tuple[Term, ...] = ()
    integers: frozenset[str] = frozenset()
    deadline: float = float("inf")  # of time.monotonic(): evaluations that reach it are unknown


def bound_by(definitions: Mapping[str, Definition], terms: Sequence[Term]) -> frozenset[str]:
    """Names that occur in terms or in the definitions they use."""
    seen: set[str] = set()
    stack = list(terms)
    while stack:
        term = stack.pop()
        if term[0] in ("v", "ix", "call") and term[1] not in seen:
            seen.add(term[1])
            if term[1] in definitions:
                stack.append(definitions[term[1]].body)
        stack.extend(children(term))
    return frozenset(seen)

"""The data of the normal form: polynomials over the rationals in opaque atoms, and what is assumed about atoms.

A polynomial maps monomials to non-zero rationals. A monomial is a tuple of (atom, exponent) pairs in canonical order;
an atom is a term in normal form, and its exponent a non-zero rational: negative for a denominator, a fraction for a
root. When powers of an atom may be simplified is normal.py's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from derive.kernel.terms import Term, add, canonical, mul, q, require

Mono = tuple[tuple[Term, Fraction], ...]
Poly = dict[Mono, Fraction]
Signs = frozenset[int]  # the signs that are possible, out of 1, 0, -1
Fact = tuple[Signs, Poly, int]  # the signs of a polynomial, and the number of the assumption
UNIT: Poly = {(): Fraction(1)}
MAX_TERMS, MAX_BITS = 4_000, 16_384
BUDGET = 100_000  # elementary operations that one step may take


def atom(term: Term, exponent: Fraction | int = 1) -> Poly:
    return {((term, Fraction(exponent)),): Fraction(1)}


def plus(*polys: Poly) -> Poly:
    total: Poly = {}
    for poly in polys:
        for mono, c in poly.items():
            value = total.pop(mono, 0) + c
            if value:
                total[mono] = value
    return total


def scale(poly: Poly, factor: Fraction | int) -> Poly:
    return {mono: c * factor for mono, c in poly.items()} if factor else {}


def ordered(exponents: Mapping[Term, Fraction]) -> Mono:
    return tuple(sorted(((base, e) for base, e in exponents.items() if e), key=lambda power: canonical(power[0])))


def merge(left: Mono, right: Mono, n: Fraction | int = 1) -> Mono:
    """The monomial left * right**n: exponents of equal atoms add up."""
    exponents = dict(left)
    for base, e in right:
        exponents[base] = exponents.get(base, Fraction(0)) + e * n
    return ordered(exponents)


def as_constant(poly: Poly) -> Fraction | None:
    """The value of a polynomial without atoms, or None."""
    return poly.get((), Fraction(0)) if poly.keys() <= {()} else None


def content(poly: Poly) -> tuple[Fraction, Mono, Poly]:
    """Split poly = c * m * rest: m is what all monomials share, the leading coefficient of rest is 1."""
    powers = [dict(mono) for mono in poly]
    shared = ordered({base: min(p.get(base, Fraction(0)) for p in powers) for base in {b for p in powers for b in p}})
    rest = {merge(mono, shared, -1): c for mono, c in poly.items()}
    c = rest[min(rest, key=canonical)]
    return c, shared, scale(rest, 1 / c)


def to_term(poly: Poly) -> Term:
    """The canonical term of a polynomial; normalising it gives the polynomial back."""
    parts = []
    for mono in sorted(poly, key=canonical):
        number = [q(poly[mono])] if poly[mono] != 1 else []
        parts.append(mul(*number, *(base if e == 1 else ("^", base, q(e)) for base, e in mono)))
    return add(*parts)


@dataclass
class Context:
    """What is assumed while a step is judged, what was used of it, and what is left of the budget.

    Assumptions are added by signs.assume, which makes a new context with empty caches, as more can be derived there.
    """

    kinds: dict[str, str]  # name -> "real" or "integer"
    laws: frozenset[str]  # the laws of the normal form that are in force, beyond those of a field
    facts: tuple[Fact, ...] = ()
    quantified: tuple[tuple[int, Term, int], ...] = ()  # (number of indices, relation, number of the assumption)
    differentiable: frozenset[str] = frozenset()
    # (function, argument) -> its derivative by it, and the number of the assumption
    slopes: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    depth: int = 0  # how many indices are opened
    used: set[int] = field(default_factory=set)  # numbers of the assumptions that were needed
    spent: list[int] = field(default_factory=lambda: [0])
    asked: set[Term] = field(default_factory=set)  # atoms whose sign is being looked for, also further out
    normals: dict[Term, Poly] = field(default_factory=dict, init=False)
    signs: dict[Term, Signs] = field(default_factory=dict, init=False)
    atom_signs: dict[Term, Signs] = field(default_factory=dict, init=False)
    instances: dict[tuple[Term, int], list[Fact]] = field(default_factory=dict, init=False)
    known_defined: set[Term] = field(default_factory=set, init=False)
    inner: dict[tuple[Term, Term], Context] = field(default_factory=dict, init=False)

    def spend(self, amount: int) -> None:
        self.spent[0] += amount
        require(self.spent[0] <= BUDGET, "the step takes too long to check; split it")

"""Polynomials over the rationals in opaque atoms: the data that the normal form computes with.

A polynomial maps monomials to non-zero rationals. A monomial is a tuple of (atom, exponent) pairs, ordered by the
canonical text of the atom; an atom is a term in normal form, and its exponent is a rational: negative for a
denominator, a fraction for a root. When powers of an atom may be simplified is normal.py's affair.
"""

from __future__ import annotations

from fractions import Fraction

from derive.kernel.terms import ZERO, Refused, Term, canonical, q

Mono = tuple[tuple[Term, Fraction], ...]
Poly = dict[Mono, Fraction]

UNIT: Poly = {(): Fraction(1)}
MAX_TERMS = 4_000
MAX_BITS = 16_384


def constant(value: Fraction | int) -> Poly:
    return {(): Fraction(value)} if value else {}


def atom(term: Term, exponent: Fraction | int = 1) -> Poly:
    return {((term, Fraction(exponent)),): Fraction(1)}


def plus(*polys: Poly) -> Poly:
    total = dict(polys[0])
    for poly in polys[1:]:
        for mono, c in poly.items():
            value = total.get(mono, 0) + c
            if value:
                total[mono] = value
            else:
                del total[mono]
    return total


def scale(poly: Poly, factor: Fraction | int) -> Poly:
    return {mono: c * factor for mono, c in poly.items()} if factor else {}


def minus(left: Poly, right: Poly) -> Poly:
    return plus(left, scale(right, -1))


def merge(left: Mono, right: Mono) -> Mono:
    """The product of two monomials: exponents of equal atoms add up."""
    if not left or not right:
        return left or right
    exponents = dict(left)
    for base, e in right:
        exponents[base] = exponents.get(base, Fraction(0)) + e
    return tuple(sorted(((a, e) for a, e in exponents.items() if e), key=lambda pair: canonical(pair[0])))


def mono_key(mono: Mono) -> tuple[tuple[str, Fraction], ...]:
    return tuple((canonical(base), e) for base, e in mono)


def as_constant(poly: Poly) -> Fraction | None:
    """The value of a polynomial without atoms, or None."""
    return poly.get((), Fraction(0)) if not poly or len(poly) == 1 and () in poly else None


def content(poly: Poly) -> tuple[Fraction, Mono, Poly]:
    """Split poly = c * m * rest: m is what all monomials share, the leading coefficient of rest is 1."""
    least: dict[Term, Fraction] = dict(next(iter(poly)))
    for mono in poly:
        here = dict(mono)
        for base in {*least, *here}:
            least[base] = min(least.get(base, Fraction(0)), here.get(base, Fraction(0)))
    shared = merge(tuple(least.items()), ((ZERO, Fraction(0)),))
    inverse = tuple((base, -e) for base, e in shared)
    rest = {merge(mono, inverse): c for mono, c in poly.items()}
    c = rest[min(rest, key=mono_key)]
    return c, shared, scale(rest, 1 / c)


def to_term(poly: Poly) -> Term:
    """The canonical term of a polynomial; normalising it gives the polynomial back."""
    parts: list[Term] = []
    for mono in sorted(poly, key=mono_key):
        factors = [base if e == 1 else ("^", base, q(e)) for base, e in mono]
        if poly[mono] != 1 or not factors:
            factors.insert(0, q(poly[mono]))
        parts.append(factors[0] if len(factors) == 1 else ("*", *factors))
    return ("+", *parts) if len(parts) > 1 else parts[0] if parts else ZERO


def check_size(poly: Poly) -> Poly:
    if len(poly) > MAX_TERMS:
        raise Refused(f"an expression grows past {MAX_TERMS} terms; split the step")
    if any(c.numerator.bit_length() + c.denominator.bit_length() > MAX_BITS for c in poly.values()):
        raise Refused(f"a number grows past {MAX_BITS} bits; split the step")
    return poly

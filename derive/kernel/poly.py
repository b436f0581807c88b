"""Polynomials over the rationals in opaque atoms: the data that the normal form computes with.

A polynomial maps monomials to non-zero rationals. A monomial is a tuple of (atom, exponent) pairs, ordered by the
canonical text of the atom; an atom is a term in normal form, and its exponent a non-zero rational: negative for a
denominator, a fraction for a root. When powers of an atom may be simplified is normal.py's affair.
"""

from collections.abc import Mapping
from fractions import Fraction

from derive.kernel.terms import Refused, Term, add, canonical, mul, q

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
    return tuple(sorted(((base, e) for base, e in exponents.items() if e), key=lambda pair: canonical(pair[0])))


def merge(left: Mono, right: Mono) -> Mono:
    """The product of two monomials: exponents of equal atoms add up."""
    if not left or not right:
        return left or right
    exponents = dict(left)
    for base, e in right:
        exponents[base] = exponents.get(base, Fraction(0)) + e
    return ordered(exponents)


def raised(mono: Mono, n: Fraction | int) -> Mono:
    """Every exponent of a monomial times n."""
    return tuple((base, e * n) for base, e in mono if n)


def mono_key(mono: Mono) -> tuple[tuple[str, Fraction], ...]:
    return tuple((canonical(base), e) for base, e in mono)


def as_constant(poly: Poly) -> Fraction | None:
    """The value of a polynomial without atoms, or None."""
    return poly.get((), Fraction(0)) if poly.keys() <= {()} else None


def content(poly: Poly) -> tuple[Fraction, Mono, Poly]:
    """Split poly = c * m * rest: m is what all monomials share, the leading coefficient of rest is 1."""
    powers = [dict(mono) for mono in poly]
    shared = ordered({base: min(p.get(base, Fraction(0)) for p in powers) for base in {b for p in powers for b in p}})
    rest = {merge(mono, raised(shared, -1)): c for mono, c in poly.items()}
    c = rest[min(rest, key=mono_key)]
    return c, shared, scale(rest, 1 / c)


def to_term(poly: Poly) -> Term:
    """The canonical term of a polynomial; normalising it gives the polynomial back."""
    factors = {mono: [base if e == 1 else ("^", base, q(e)) for base, e in mono] for mono in sorted(poly, key=mono_key)}
    return add(*(mul(*([q(poly[mono])] if poly[mono] != 1 else []), *parts) for mono, parts in factors.items()))


def check_size(poly: Poly) -> Poly:
    if len(poly) > MAX_TERMS:
        raise Refused(f"an expression grows past {MAX_TERMS} terms; split the step")
    if any(c.numerator.bit_length() + c.denominator.bit_length() > MAX_BITS for c in poly.values()):
        raise Refused(f"a number grows past {MAX_BITS} bits; split the step")
    return poly

"""Explicit bounds lo*B(t) <= eta_t <= hi*B(t) from some T on, by expansions, and proofs of some in the kernel.

A product of powers of sums of powers is compared factor by factor: x**(a/b) - y**(a/b) is (x - y) times a quotient of
positive sums, and the difference of two products is a sum of products with one such factor each.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from derive.errors import Undecided
from derive.evaluation.enclosure import UnknownValue
from derive.kernel.terms import ONE, Refused, Term, add, mul, q, sub
from derive.series import values as V
from derive.series.expansion import Expansion
from derive.series.germs import UNKNOWN, Germ, Mono
from derive.series.language import T, uses
from derive.series.parameters import ONE_C, Scene, Split
from derive.series.shapes import of_kernel

GRID = 1 << 10
LARGE = 10**15


class Explicit(NamedTuple):
    """lo <= eta_t/B(t) <= hi for every t >= since; None is no bound."""

    lo: Fraction | None
    hi: Fraction | None
    since: int


class Frame:
    """The expansions of one term with explicit errors, made once for each T."""

    def __init__(self, term: Term, order: int = 4) -> None:
        self.term, self.order = term, order
        self.known: dict[tuple[int, int], tuple[Expansion, Germ] | None] = {}

    def explicit(self, power: int, unit: Mono, since: int) -> Explicit | None:
        """Bounds of term**power over the monomial `unit`, for every t >= since; None where none are found."""
        try:
            found = self.germ(power, since)
            if found is None:
                return None
            expansion, g = found
            field = expansion.field
            lo, hi = _ends(expansion, field.scale(g, ONE_C, field.times((), unit, -ONE_C)))
        except FAILURES:
            return None
        return Explicit(lo, hi, since)

    def germ(self, power: int, since: int) -> tuple[Expansion, Germ] | None:
        if (power, since) not in self.known:
            self.known[power, since] = self._germ(power, since)
        return self.known[power, since]

    def _germ(self, power: int, since: int) -> tuple[Expansion, Germ] | None:
        try:
            if power > 1:
                base = self.germ(1, since)
                return None if base is None else (base[0], base[0].field.power(base[1], Fraction(power)))
            expansion = Expansion(Scene({}, ()), self.order, since)
            g = expansion.germ(self.term)
            monomials = [m for known in expansion.known.values() for m, _ in known.terms]
            deep = all(expansion.field.log_at(depth - 1) > 0 for depth in depths(monomials) | {2})
            return (expansion, g) if deep else None
        except FAILURES:
            return None


FAILURES = (Undecided, Split, Refused, UnknownValue, V.Undefined, OverflowError)


def explicit(term: Term, power: int, unit: Mono, since: int) -> Explicit | None:
    """The same for one question."""
    return Frame(term).explicit(power, unit, since)


def _ends(expansion: Expansion, g: Germ) -> tuple[Fraction | None, Fraction | None]:
    field, scene = expansion.field, expansion.scene
    found = field.lead(g)
    if found is None:
        return Fraction(0), Fraction(0)
    m, c, rest = found
    parts = [V.ends(part) for part in scene.ranges(c, 3)]
    lo, hi = min(low for low, _ in parts), max(high for _, high in parts)
    slack = field.bound(rest, m)[1] if rest.terms or rest.error is not None else 0.0
    if not slack < UNKNOWN:
        return None, None
    lo, hi = lo - Fraction(slack), hi + Fraction(slack)
    grows = field.grows(m)
    if grows < 0:
        top = field.supremum(m)
        return None, _up(hi * Fraction(top)) if top < UNKNOWN else None
    if grows > 0:
        top = field.supremum(field.times((), m, -ONE_C))
        return (_down(lo / Fraction(top)) if 0 < top < UNKNOWN else None), None
    return _down(lo), _up(hi)


def _down(x: Fraction) -> Fraction | None:
    """A short number below x, if that is positive."""
    if x <= 0 or x > LARGE:
        return None
    return Fraction(math.floor(x * GRID), GRID) if x >= 1 else Fraction(GRID, math.ceil(1 / x * GRID))


def _up(x: Fraction) -> Fraction | None:
    if x > LARGE:
        return None
    return 1 / low if x > 0 and (low := _down(1 / x)) else Fraction(math.ceil(max(x, Fraction(0)) * GRID) or 1, GRID)


def depths(monomials: list[Mono]) -> set[int]:
    """How many logarithms deep the monomials go."""
    found: set[int] = set()
    for m in monomials:
        for gen, _ in m:
            found |= {gen} if isinstance(gen, int) else depths([gen[1]])
    return found - {0}


# --- proofs of the bounds -------------------------------------------------------------------------------------------


class Factor(NamedTuple):
    """base**exponent, the base a polynomial of that degree up to bounds."""

    base: Term
    exponent: Fraction


def factors(term: Term, exponent: Fraction = Fraction(1)) -> tuple[Fraction, list[Factor]] | None:
    """A term as a number times powers of terms with t: products, quotients, roots."""
    tag = term[0]
    if tag == "q":
        try:
            number = V.power(term[1], exponent)
        except (V.Undefined, UnknownValue):
            return None
        return (number, []) if isinstance(number, Fraction) and number > 0 else None
    if tag in ("*", "/"):
        total, found = Fraction(1), list[Factor]()
        for n, part in enumerate(term[1:]):
            inner = factors(part, -exponent if tag == "/" and n else exponent)
            if inner is None:
                return None
            total, found = total * inner[0], [*found, *inner[1]]
        return total, found
    if tag == "^" and term[2][0] in ("q", "neg"):
        e = term[2][1] if term[2][0] == "q" else -term[2][1][1] if term[2][1][0] == "q" else None
        return None if e is None else factors(term[1], exponent * e)
    if term[:2] == ("f", "sqrt"):
        return factors(term[2], exponent / 2)
    if not uses(term, "t") or not of_kernel(term):
        return None
    return Fraction(1), [Factor(term, exponent)]


class Sided(NamedTuple):
    """A simple bound number*t**degree of a term on one side, and the difference in a form whose sign shows."""

    number: Fraction
    degree: Fraction
    form: Term


def bound(term: Term, power: int, side: int, since: int) -> Sided | None:
    """number*t**degree below (side 1) or above (side -1) term**power for t >= since, with the form of the difference.

    The form is term**power - bound where side is 1, else bound - term**power; both are >= 0.
    """
    found = factors(term, Fraction(power))
    if found is None:
        return None
    number, parts = found
    result, degree = number, Fraction(0)
    pieces: list[Term] = []
    before: list[Term] = [q(number)]
    sides: list[tuple[Term, Term, Term, Fraction, Fraction]] = []
    for part in parts:
        one = _factor(part, side, since)
        if one is None:
            return None
        sides.append(one)
        result, degree = result * one[3], degree + one[4]
    for n, (_, simple, difference, _, _) in enumerate(sides):
        after = [full for full, *_ in sides[n + 1 :]]
        pieces.append(mul(*before, difference, *after))
        before.append(simple)
    return Sided(result, degree, add(*pieces) if pieces else q(0))


def _factor(part: Factor, side: int, since: int) -> tuple[Term, Term, Term, Fraction, Fraction] | None:
    """(base**e, number*t**degree, the form of their difference, number, degree) for one factor."""
    base, e = part
    full = _power(base, e)
    if base == T:
        return full, _power(T, e), q(0), Fraction(1), e
    up = side if e > 0 else -side  # which bound of the base is needed
    a, b = abs(e).numerator, e.denominator
    if a > 8 or b > 8:
        return None
    degree = _degree(base)
    if degree is None:
        return None
    ends = explicit(base, 1, ((0, degree),) if degree else (), since)
    raw = None if ends is None else ends.lo if up > 0 else ends.hi
    if raw is None:
        return None
    root = _root(raw, b, up)
    if root is None:
        return None
    plain = mul(q(root**b), _power(T, degree)) if degree else q(root**b)
    gap = sub(base, plain) if up > 0 else sub(plain, base)
    x, y = _power(base, Fraction(1, b)), mul(q(root), _power(T, degree / b)) if degree else q(root)
    difference = gap if b == 1 else ("/", gap, _chain(x, y, b))
    difference = difference if a == 1 else mul(difference, _chain(x, y, a))
    bounded = mul(q(root**a), _power(T, degree * a / b)) if degree else q(root**a)
    if e < 0:
        difference = ("/", difference, mul(_power(base, -e), bounded))
        simple: Term = ("/", ONE, bounded)
        return full, simple, difference, 1 / root**a, degree * e
    return full, bounded, difference, root**a, degree * e


def _chain(x: Term, y: Term, n: int) -> Term:
    """(x**n - y**n)/(x - y)."""
    return add(*(mul(*[_power(z, Fraction(k)) for z, k in ((x, i), (y, n - 1 - i)) if k] or [ONE]) for i in range(n)))


def _power(base: Term, e: Fraction) -> Term:
    if e == 0:
        return ONE
    if base[0] == "^" and base[2][0] == "q":
        return _power(base[1], base[2][1] * e)
    return base if e == 1 else ("^", base, q(e))


def _degree(base: Term) -> Fraction | None:
    try:
        expansion = Expansion(Scene({}, ()), 3)
        found = expansion.field.lead(expansion.germ(base))
    except (Undecided, Split, Refused, UnknownValue):
        return None
    if found is None:
        return None
    m = found[0]
    if not m:
        return Fraction(0)
    return m[0][1] if len(m) == 1 and m[0][0] == 0 and isinstance(m[0][1], Fraction) else None


def _root(x: Fraction, b: int, up: int) -> Fraction | None:
    """A short rational r with r**b <= x, or >= x where up is not 1."""
    if b == 1:
        return x
    guess = Fraction(float(x) ** (1 / b))
    for scale in (1, 4, 64, 1024, 1 << 14):
        r = Fraction(math.floor(guess * scale) if up > 0 else math.ceil(guess * scale), scale)
        if r > 0 and (r**b <= x if up > 0 else r**b >= x) and abs(r / guess - 1) < Fraction(1, 4):
            return r
    return None

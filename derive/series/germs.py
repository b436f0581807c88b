"""Germs at infinity: finite sums of coefficients times monomials in t, log t, log log t ... and exponentials, plus O().

A germ says: the value is the sum of its terms, up to an error of at most `size` times the monomial `error` for t >= T.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cmp_to_key
from typing import NamedTuple

from derive.errors import Undecided
from derive.evaluation.enclosure import UnknownValue
from derive.series import values as V
from derive.series.monomials import SLACK, UNIT, UNKNOWN, Gen, Mono, Monomials
from derive.series.parameters import ONE_C, ZERO_C, Abstain, Coef, Scene

MOST_TERMS = 40


class MoreTerms(Undecided):
    """The terms of an expansion cancel; a longer one may tell."""


class Germ(NamedTuple):
    """terms, the largest first; the error is O(error), at most size*error from T on, or None where there is none."""

    terms: tuple[tuple[Mono, Coef], ...]
    error: Mono | None = None
    size: float = 0.0


ZERO_G = Germ(())


class Field(Monomials):
    """Arithmetic of germs: `order` terms of each series are kept; bounds of errors hold for values >= `begin`."""

    def __init__(self, scene: Scene, order: int, begin: int | None = None) -> None:
        super().__init__(scene, begin)
        self.order = order

    def bound(self, g: Germ, by: Mono | None = None) -> tuple[Mono, float]:
        """(m, K): |g| <= K*m from T on, m the largest monomial of the germ unless another one is given."""
        m = by if by is not None else g.terms[0][0] if g.terms else g.error or UNIT
        total = 0.0
        if self.begin is not None:
            for mono, c in g.terms:
                total += self.magnitude(c) * self.supremum(self.times(mono, m, -ONE_C))
            if g.error is not None:
                total += g.size * self.supremum(self.times(g.error, m, -ONE_C))
        else:
            total = UNKNOWN
        return m, (total if total == total else UNKNOWN) * SLACK

    # --- germs ------------------------------------------------------------------------------------------------------

    def constant(self, c: Coef) -> Germ:
        return Germ(((UNIT, c),)) if c != 0 else ZERO_G

    def monomial(self, m: Mono, c: Coef = ONE_C) -> Germ:
        return Germ(((m, c),))

    def sum(self, terms: Iterable[tuple[Mono, Coef]], errors: Iterable[tuple[Mono, float]] = ()) -> Germ:
        """Terms in any order and errors as one germ: sorted, equal monomials joined, small terms cut off."""
        found: dict[Mono, Coef] = {}
        for m, c in terms:
            found[m] = self.scene.add(found[m], c) if m in found else c
        ordered = [(m, found[m]) for m in sorted(found, key=cmp_to_key(self.compare)) if found[m] != 0][::-1]
        joined: list[tuple[Mono, Coef]] = []
        for m, c in ordered:
            if joined and self.compare(joined[-1][0], m) == 0:
                m, c = joined[-1][0], self.scene.add(joined.pop()[1], c)
            if c != 0:
                joined.append((m, c))
        error, size = None, 0.0
        for m, k in errors:
            if error is None or self.compare(m, error) > 0:
                error, size = m, k + (size * self.supremum(self.times(error, m, -ONE_C)) if error is not None else 0.0)
            else:
                size += k * self.supremum(self.times(m, error, -ONE_C))
        if len(joined) > MOST_TERMS:
            rest = Germ(tuple(joined[MOST_TERMS:]))
            m, k = self.bound(rest)
            if error is None or self.compare(m, error) > 0:
                more = size * self.supremum(self.times(error, m, -ONE_C)) if error is not None else 0.0
                error, size = m, k + more
            else:
                size += k * self.supremum(self.times(m, error, -ONE_C))
            joined = joined[:MOST_TERMS]
        if error is not None:
            kept = [(m, c) for m, c in joined if self.compare(m, error) > 0]
            if len(kept) < len(joined):
                size += self.bound(Germ(tuple(joined[len(kept) :])), error)[1]
            joined = kept
        return Germ(tuple(joined), error, size if size == size else UNKNOWN)

    def add(self, *germs: Germ) -> Germ:
        errors = [(g.error, g.size) for g in germs if g.error is not None]
        return self.sum((term for g in germs for term in g.terms), errors)

    def scale(self, g: Germ, c: Coef, m: Mono = UNIT) -> Germ:
        if c == 0:
            return ZERO_G
        size = g.size * self.magnitude(c) if g.error is not None else 0.0
        error = self.times(g.error, m) if g.error is not None else None
        terms = ((self.times(mono, m), self.scene.mul(k, c)) for mono, k in g.terms)
        return Germ(tuple((mono, k) for mono, k in terms if k != 0), error, size)

    def neg(self, g: Germ) -> Germ:
        return self.scale(g, -ONE_C)

    def mul(self, a: Germ, b: Germ) -> Germ:
        if len(a.terms) == 1 and a.error is None:
            return self.scale(b, a.terms[0][1], a.terms[0][0])
        if len(b.terms) == 1 and b.error is None:
            return self.scale(a, b.terms[0][1], b.terms[0][0])
        terms = [(self.times(m1, m2), self.scene.mul(c1, c2)) for m1, c1 in a.terms for m2, c2 in b.terms]
        errors = []
        for g, h in ((a, b), (b, a)):
            if g.error is not None and (h.terms or h.error is not None):
                m, k = self.bound(h)
                errors.append((self.times(g.error, m), k * g.size if k and g.size else 0.0))
        return self.sum(terms, errors)

    def lead(self, g: Germ) -> tuple[Mono, Coef, Germ] | None:
        """The first term and the rest; None for zero. Raises MoreTerms where all terms cancel up to the error."""
        for n, (m, c) in enumerate(g.terms):
            if self.scene.signs(c) != {0}:
                if self.scene.names_in(c).isdisjoint(self.scene.boxes) and self.scene.sign(c) == 0:
                    continue
                self.scene.settle(c)
                return m, c, Germ(g.terms[n + 1 :], g.error, g.size)
        if g.error is None:
            return None
        raise MoreTerms("terms cancel beyond the expansion; the rest is too small to see")

    def split_off(self, g: Germ) -> tuple[Mono, Coef, Germ]:
        """g = c*m*(1 + u) with c non-zero everywhere, of one sign, and u small: (m, c, u)."""
        found = self.lead(g)
        if found is None:
            raise Abstain("a denominator, or the argument of a logarithm or power, is zero for large t")
        m, c, rest = found
        signs = self.scene.signs(c)
        if 0 in signs or len(signs) > 1:
            if self.scene.boxed(c):
                raise Abstain("an oscillating quantity stands in a denominator, logarithm or power and may reach zero")
            self.scene.sign(c)
        return m, c, self.scale(rest, self.scene.inverse(c), self.times((), m, -ONE_C))

    def series(self, u: Germ, coefficients: Callable[[int], Coef], remainder: Callable[[int, float], float]) -> Germ:
        """sum of coefficients(k)*u**k for small u, up to u**order; remainder(n, U) bounds |R|/|u|**n where |u| <= U."""
        total, power = [self.constant(coefficients(0))], self.constant(ONE_C)
        if not u.terms and u.error is None:
            return total[0]
        m, k = self.bound(u)
        for n in range(1, self.order):
            power = self.mul(power, u)
            total.append(self.scale(power, coefficients(n)))
        top = k * self.supremum(m) if self.begin is not None else UNKNOWN
        size = remainder(self.order, top) * k**self.order if top < UNKNOWN and k < 1e30 else UNKNOWN
        error: Mono = UNIT
        for _ in range(self.order):
            error = self.times(error, m)
        return self.add(*total, Germ((), error, size))

    def inverse(self, g: Germ) -> Germ:
        return self.power(g, -ONE_C)

    def power(self, g: Germ, e: Coef) -> Germ:
        """g**e for a coefficient e: c**e * m**e * (1 + u)**e."""
        scene = self.scene
        if e == 0:
            return self.constant(ONE_C)
        if not g.terms and g.error is None and scene.sign(e) > 0:
            return ZERO_G
        if isinstance(e, Fraction) and e.denominator == 1 and 0 < e <= 4:
            found = g
            for _ in range(int(e) - 1):
                found = self.mul(found, g)
            return found
        m, c, u = self.split_off(g)
        if not (isinstance(e, Fraction) and e.denominator == 1) and scene.sign(c) < 0:
            raise Abstain("a power of something that is negative for large t")

        def binomial(k: int) -> Coef:
            total: Coef = ONE_C
            for j in range(k):
                total = scene.mul(total, scene.mul(scene.add(e, Fraction(-j)), Fraction(1, j + 1)))
            return total

        def remainder(n: int, top: float) -> float:
            if top >= 0.9 or not isinstance(e, Fraction):
                return UNKNOWN
            p = float(e) - n
            return self.magnitude(binomial(n)) * float(max((1 - top) ** p, (1 + top) ** p)) * SLACK

        body = self.series(u, binomial, remainder)
        return self.scale(body, scene.power(c, e), self.times((), m, e))

    def exp(self, g: Germ) -> Germ:
        """exp of what grows becomes generators, exp of the limit a coefficient, exp of the rest a series."""
        scene = self.scene
        large: Mono = UNIT
        limit: Coef = ZERO_C
        small: list[tuple[Mono, Coef]] = []
        for m, c in g.terms:
            size = self.grows(m)
            if size > 0:
                large = self.times(large, self.exp_of(m), c)
            elif size == 0:
                limit = scene.add(limit, c)
            else:
                small.append((m, c))
        if g.error is not None and self.grows(g.error) >= 0:
            raise MoreTerms("the exponent of exp is not known well enough")
        u = Germ(tuple(small), g.error, g.size)
        factorial = math.factorial
        body = self.series(
            u, lambda k: Fraction(1, factorial(k)),
            lambda n, top: math.exp(min(top, 700)) / factorial(n) * SLACK if top < 700 else UNKNOWN,
        )  # fmt: skip
        return self.scale(body, scene.of(("f", "exp", scene.term(limit))) if limit != 0 else ONE_C, large)

    def exp_of(self, m: Mono) -> Mono:
        if len(m) == 1 and isinstance(m[0][0], int) and m[0][0] > 0 and m[0][1] == 1:
            return ((m[0][0] - 1, ONE_C),)
        return ((("exp", m), ONE_C),)

    def log_mono(self, m: Mono) -> Germ:
        return self.sum((self.log_of(gen), e) for gen, e in m)

    def log(self, g: Germ) -> Germ:
        m, c, u = self.split_off(g)
        if self.scene.sign(c) < 0:
            raise Abstain("the logarithm of something that is negative for large t")
        tail = self.series(
            u, lambda k: Fraction((-1) ** (k + 1), k) if k else ZERO_C,
            lambda n, top: (1 - top) ** -n / n * SLACK if top < 0.9 else UNKNOWN,
        )  # fmt: skip
        log_c = self.scene.of(("f", "log", self.scene.term(c))) if c != 1 else ZERO_C
        return self.add(self.log_mono(m), self.constant(log_c), tail)

    # --- what a germ says -------------------------------------------------------------------------------------------

    def limit(self, g: Germ) -> tuple[int, Coef, Germ]:
        """(1, sign, rest) where it grows, (0, c, rest) where it tends to c: the rest is small."""
        terms = list(g.terms)
        while terms:
            m, c = terms[0]
            size = self.grows(m)
            if size < 0:
                break
            if size > 0:
                if self.scene.signs(c) == {0} or (not self.scene.boxed(c) and self.scene.sign(c) == 0):
                    terms.pop(0)
                    continue
                return 1, Fraction(self.scene.sign(c)), Germ(tuple(terms), g.error, g.size)
            if g.error is not None and self.grows(g.error) >= 0:
                break
            return 0, c, Germ(tuple(terms[1:]), g.error, g.size)
        if g.error is not None and self.grows(g.error) >= 0:
            raise MoreTerms("terms cancel beyond the expansion")
        return 0, ZERO_C, Germ(tuple(terms), g.error, g.size)

    def sign(self, g: Germ) -> int:
        """The sign that a germ has for all large t, or from T on where T is given. May raise."""
        found = self.lead(g)
        if found is None:
            return 0
        m, c, rest = found
        sign = self.scene.sign(c)
        if self.begin is not None and not self.settled(m, c, rest):
            raise Abstain("the sign for large t is known, but not from where on")
        return sign

    def settled(self, m: Mono, c: Coef, rest: Germ) -> bool:
        """Whether the first term outweighs the rest from T on."""
        if not rest.terms and rest.error is None:
            return True
        try:
            least = min(min(abs(end) for end in V.ends(part)) for part in self.scene.ranges(c, 3))
        except (UnknownValue, V.Undefined, KeyError):
            return False
        _, k = self.bound(rest, m)
        return k < float(least) * (2 - SLACK)


__all__ = ["UNIT", "UNKNOWN", "ZERO_G", "Field", "Gen", "Germ", "Mono", "MoreTerms"]

"""Monomials in t, log t, log log t ... and exponentials: which of them grow, and explicit bounds from some T on.

A monomial is a product of powers of generators. The generators are L0 = t, L1 = log t, L2 = log log t ..., written 0,
1, 2, and exp(m) for a monomial m that grows and is no logarithm, written ("exp", m); the exponents are coefficients, so
they may be parameters. Its logarithm is a sum over the generators, whose largest one decides whether it grows
(G. H. Hardy, Orders of Infinity, 1910).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cmp_to_key
from typing import Any

from derive.evaluation.enclosure import UnknownValue
from derive.kernel.terms import canonical
from derive.series import values as V
from derive.series.parameters import ONE_C, Coef, Scene

Gen = Any  # int | ("exp", Mono)
Mono = tuple[tuple[Gen, Coef], ...]
UNIT: Mono = ()
UNKNOWN = math.inf
SLACK = 1 + 1e-9  # floats are rounded by far less than this


class Monomials:
    """Monomials under the assumptions of a scene; bounds hold for values of t >= `begin`."""

    def __init__(self, scene: Scene, begin: int | None = None) -> None:
        self.scene, self.begin = scene, begin
        self._sizes: dict[Mono, int] = {}
        self._suprema: dict[Mono, float] = {}
        self._numbers: dict[Coef, tuple[float, float]] = {}

    def times(self, a: Mono, b: Mono, n: Coef = ONE_C) -> Mono:
        """a * b**n."""
        if not b:
            return a
        found = dict(a)
        for gen, e in b:
            e = e if n == 1 else self.scene.mul(e, n)
            found[gen] = self.scene.add(found[gen], e) if gen in found else e
        return tuple(sorted(((gen, e) for gen, e in found.items() if e != 0), key=canonical))

    def log_of(self, gen: Gen) -> Mono:
        return gen[1] if isinstance(gen, tuple) else ((gen + 1, ONE_C),)

    def grows(self, m: Mono) -> int:
        """1 if the monomial tends to infinity, -1 if to 0, 0 if it is 1. May raise Split or Abstain."""
        if not m:
            return 0
        if m not in self._sizes:
            found = 0
            for _, e in self.by_size(m):
                found = self.scene.sign(e)
                if found:
                    break
            self._sizes[m] = found
        return self._sizes[m]

    def by_size(self, m: Mono) -> list[tuple[Gen, Coef]]:
        """The powers of a monomial, those first whose generators dominate."""
        if len(m) == 1:
            return list(m)

        def compare(a: tuple[Gen, Coef], b: tuple[Gen, Coef]) -> int:
            if isinstance(a[0], int) and isinstance(b[0], int):
                return a[0] - b[0]
            return -self.grows(self.times(self.log_of(a[0]), self.log_of(b[0]), -ONE_C))

        return sorted(m, key=cmp_to_key(compare))

    def compare(self, a: Mono, b: Mono) -> int:
        return 0 if a == b else self.grows(self.times(a, b, -ONE_C))

    # --- bounds of monomials ----------------------------------------------------------------------------------------

    def number(self, e: Coef) -> tuple[float, float]:
        """Bounds of an exponent; (-infinity, infinity) where parameters or what varies with t are in it."""
        if isinstance(e, Fraction):
            return float(e), float(e)
        if e not in self._numbers:
            found = -UNKNOWN, UNKNOWN
            names = self.scene.names_in(e)
            if names <= self.scene.boxes.keys() and not self.scene.boxed(e):
                try:
                    low, high = V.ends(self.scene.ranges(e)[0])
                    found = float(low) - 1e-12 * abs(float(low)), float(high) + 1e-12 * abs(float(high))
                except (UnknownValue, V.Undefined, OverflowError):
                    pass
            self._numbers[e] = found
        return self._numbers[e]

    def at(self, m: Mono) -> float:
        """An upper bound of log(m) at T."""
        value, error = self._log(m)
        return value + error

    def _log(self, m: Mono) -> tuple[float, float]:
        """log(m) at T, and how far off that may be."""
        value = error = 0.0
        for gen, e in m:
            low, high = self.number(e)
            size, off = self._log_of(gen)
            if self.begin is None or not high < UNKNOWN or not abs(size) < UNKNOWN:
                return UNKNOWN, UNKNOWN
            value += low * size
            error += (high - low) * abs(size) + max(abs(low), abs(high)) * off + abs(low * size) * 1e-13
        return value, error

    def _log_of(self, gen: Gen) -> tuple[float, float]:
        """log(gen) at T, and how far off that may be."""
        if isinstance(gen, tuple):
            exponent, error = self._log(gen[1])
            if not exponent < 700 or not error < 0.01:
                return UNKNOWN, UNKNOWN
            return math.exp(exponent), math.exp(exponent) * (error * 1.02 + 1e-13)
        size = self.log_at(gen)
        return size, abs(size) * 1e-13

    def log_at(self, gen: int) -> float:
        """log(L_k) at T, or NaN."""
        x = float(self.begin or 0)
        for _ in range(gen + 1):
            if x <= 1:
                return math.nan
            x = math.log(x)
        return x

    def supremum(self, m: Mono) -> float:
        """An upper bound of a monomial that does not grow, from T on; infinity where none is found."""
        if not m:
            return 1.0
        if self.begin is None:
            return UNKNOWN
        if m not in self._suprema:
            self._suprema[m] = self._supremum(m)
        return self._suprema[m]

    def _supremum(self, m: Mono) -> float:
        """The value at T, where the monomial falls: the first power falls faster than the others together may rise."""
        (first, e), *others = self.by_size(m)
        total = self.number(e)[1]
        for gen, e in others:
            high = self.number(e)[1]
            if high > 0:
                total += high * self.relative(gen, first) * SLACK
        value = self.at(m)
        if not total < 0 or not value < 700 or not self.relative(first, first) < UNKNOWN:
            return UNKNOWN
        return math.exp(value) * SLACK

    def relative(self, gen: Gen, first: Gen) -> float:
        """An upper bound, for every t >= T, of the slope of log(gen) over that of log(first), which dominates it.

        The slope of log(L_k) by log(t) is 1/(L_1*...*L_k), that of m is m times that of log(m).
        """
        if isinstance(gen, int) and isinstance(first, int):
            high, low = self.slope(gen), self.slope(first)
            return high / low * SLACK if 0 < low < UNKNOWN else UNKNOWN
        if isinstance(first, int):
            return self.gentle(gen[1]) if first == 0 else UNKNOWN
        least, _ = self.steepness(first[1])
        if not least > 0:
            return UNKNOWN
        if isinstance(gen, int):
            value, error = self._log(first[1])
            return self.slope(gen) / least / math.exp(min(value - error, 700)) * SLACK
        quotient = self.times(gen[1], first[1], -ONE_C)
        return self.supremum(quotient) * self.steepness(gen[1])[1] / least * SLACK if quotient else SLACK

    def gentle(self, m: Mono) -> float:
        """An upper bound, for every t >= T, of the slope of m by log(t), where m is made of logarithms."""
        total, below = 0.0, m
        for k in range(1, max((gen for gen, _ in m if isinstance(gen, int)), default=0) + 1):
            below = self.times(below, ((k, -ONE_C),))
            e = dict(m).get(k, Fraction(0))
            if e != 0:
                total += max(self.number(e)[1], 0.0) * (self.supremum(below) if self.grows(below) <= 0 else UNKNOWN)
        return total if all(isinstance(gen, int) and gen > 0 for gen, _ in m) and total == total else UNKNOWN

    def slope(self, gen: int) -> float:
        """The slope of log(L_k) by log(t) at T, which falls from there on."""
        product = 1.0
        for k in range(1, gen + 1):
            level = self.log_at(k - 1)
            if not level > 1e-6:
                return UNKNOWN
            product *= level
        return 1 / product

    def steepness(self, m: Mono) -> tuple[float, float]:
        """Bounds of the slope of log(m) by log(t) for every t >= T; m in powers of t and its logarithms."""
        low = high = 0.0
        for gen, e in m:
            if not isinstance(gen, int):
                return -UNKNOWN, UNKNOWN
            least, most = self.number(e)
            slope = self.slope(gen)
            low += least if gen == 0 else min(least * slope * SLACK, 0.0)
            high += most if gen == 0 else max(most * slope * SLACK, 0.0)
        return (low, high) if low == low and high == high else (-UNKNOWN, UNKNOWN)

    def magnitude(self, c: Coef) -> float:
        """An upper bound of |c| over the boxes; infinity where parameters are in it."""
        if isinstance(c, Fraction):
            return (
                abs(float(c)) * SLACK if abs(c.numerator).bit_length() - c.denominator.bit_length() < 900 else UNKNOWN
            )
        if self.begin is None or not self.scene.names_in(c) <= self.scene.boxes.keys():
            return UNKNOWN
        try:
            found = [max(abs(end) for end in V.ends(part)) for part in self.scene.ranges(c, 3)]
            return float(max(found)) * SLACK
        except (UnknownValue, V.Undefined, OverflowError):
            return UNKNOWN

"""Lower bounds for quantities that oscillate: the mean of a trigonometric polynomial, and parts of a range of rounding.

Only exact trigonometric polynomials have a mean here: a coefficient with a wave in a denominator, in an exponent or
under a function has none, as the sum of the rest need not be bounded.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from derive.series import values as V
from derive.series.expansion import Expansion
from derive.series.germs import Mono
from derive.series.parameters import ONE_C, Coef, Scene, Sym
from derive.series.shapes import linear

MOST_WAVES = 10


def mean_is_positive(scene: Scene, c: Coef) -> bool:
    """Whether a coefficient is a polynomial in sin and cos of rational multiples of t with a mean > 0.

    sin and cos of w*t + f for a rational w other than 0 have bounded sums, as w is no multiple of 2*pi. |sin| >= sin^2.
    """
    if not isinstance(c, Sym):
        return False
    total: V.Value = Fraction(0)
    for mono, number in c.items:
        waves: list[tuple[Fraction, Fraction, int]] = []
        for base, e in mono:
            bare = base[:2] == ("f", "abs")
            name = base[2] if bare else base
            box = scene.boxes.get(name[1]) if name[0] == "v" else None
            if box is not None and box.kind == "constant" and not bare:
                number_box = V.power(box.value, e) if e > 0 else None
                if number_box is None or not isinstance(number_box, Fraction):
                    return False
                number *= number_box
                continue
            if box is None or box.kind != "wave" or e.denominator != 1 or e < 1:
                return False
            line = linear(box.what[2])
            if line is None or not line[0]:
                return False
            times = int(e)
            if bare and times % 2:
                if number < 0:
                    return False
                times += 1
            waves += [(line[0], line[1], 1 if box.what[1] == "sin" else 0)] * times
        if len(waves) > MOST_WAVES:
            return False
        total = V.add(total, V.mul(number, _mean(waves)))
    return V.sign(total) == 1


def _mean(waves: list[tuple[Fraction, Fraction, int]]) -> V.Value:
    """The mean over t of a product of cos(w*t + f - pi/2*s): of its exponentials those that do not turn remain."""
    total: V.Value = Fraction(0)
    for sides in product((1, -1), repeat=len(waves)):
        if sum(side * w for side, (w, _, _) in zip(sides, waves, strict=True)) != 0:
            continue
        phase = sum((side * f for side, (_, f, _) in zip(sides, waves, strict=True)), Fraction(0))
        quarters = sum(side * s for side, (_, _, s) in zip(sides, waves, strict=True)) % 4
        wave = (V.cos, V.sin, lambda x: V.neg(V.cos(x)), lambda x: V.neg(V.sin(x)))[quarters]
        total = V.add(total, wave(phase))
    return V.mul(total, Fraction(1, 2 ** len(waves)))


def spreads(expansion: Expansion, name: str, m: Mono) -> bool:
    """Whether each part of [0, 1] is met by a fractional part so often that the sum of m over there is of its size.

    So it is for x = u(t) between log(t) and t: in each run of t with one floor(x), those with x in a part of it are a
    share of the run that tends to a positive number, and m changes over a run by a bounded factor if it is
    regularly varying. And so for x = c*t + d with an irrational c, whose fractional part returns after bounded times.
    """
    field, scene = expansion.field, expansion.scene
    box = scene.boxes[name]
    if box.kind != "frac" or box.what[:2] != ("f", "frac"):
        return False
    for gen, e in m:
        if not isinstance(gen, int) and field.compare(field.log_of(gen), ((1, ONE_C),)) > 0:
            return False
        if scene.boxed(e):
            return False
    g = expansion.germ(box.what[2])
    if any(scene.boxed(c) for _, c in g.terms) or not g.terms:
        return False
    lead, c = g.terms[0]
    if lead == ((0, ONE_C),):
        return _irrational(c) and g.error is None and all(not mono for mono, _ in g.terms[1:])
    scene.sign(c)
    return field.compare(lead, ((1, ONE_C),)) >= 0 and field.compare(lead, ((0, ONE_C),)) < 0


def _irrational(c: Coef) -> bool:
    """Roots of primes with fractional exponents, in one product."""
    if not isinstance(c, Sym) or len(c.items) != 1:
        return False
    ((mono, _),) = c.items
    return bool(mono) and all(base[0] == "q" and e.denominator > 1 for base, e in mono)


PARTS = 8


def parts_of(scene: Scene, name: str) -> list[V.Value]:
    """Closed parts of the range of a fractional part, away from its ends."""
    return [V.between(Fraction(2 * k + 1, 2 * PARTS), Fraction(2 * k + 2, 2 * PARTS)) for k in range(PARTS)]


__all__ = ["mean_is_positive", "parts_of", "spreads"]

"""Hyperbolic functions and their inverses of germs, by exp and log."""

from __future__ import annotations

from fractions import Fraction

from derive.series.germs import Field, Germ
from derive.series.parameters import ONE_C

HYPERBOLIC = ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh")


def hyperbolic(field: Field, name: str, g: Germ) -> Germ:
    """One of HYPERBOLIC of a germ. Raises what exp, log and powers of germs raise."""
    one, half = field.constant(ONE_C), Fraction(1, 2)
    if name == "tanh":
        grows, side, _ = field.limit(g)
        if grows > 0:  # tanh(x) = 1 - 2/(exp(2*x) + 1), and it is odd
            twice = field.exp(field.scale(g, field.scene.mul(Fraction(-2), side)))
            rest = field.mul(twice, field.inverse(field.add(one, twice)))
            return field.scale(field.add(one, field.scale(rest, Fraction(-2))), side)
    if name in ("sinh", "cosh", "tanh"):
        up, down = field.exp(g), field.exp(field.neg(g))
        odd, even = field.add(up, field.neg(down)), field.add(up, down)
        if name == "tanh":
            return field.mul(odd, field.inverse(even))
        return field.scale(odd if name == "sinh" else even, half)
    if name == "atanh":
        quotient = field.mul(field.add(one, g), field.inverse(field.add(one, field.neg(g))))
        return field.scale(field.log(quotient), half)
    if name == "asinh" and field.sign(g) < 0:
        return field.neg(hyperbolic(field, name, field.neg(g)))
    square = field.add(field.mul(g, g), one if name == "asinh" else field.neg(one))
    return field.log(field.add(g, field.power(square, half)))

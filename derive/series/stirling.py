"""Stirling's series for log gamma and harmonic numbers; the rest is below the first term left out (DLMF 5.11(ii))."""

from __future__ import annotations

from fractions import Fraction

from derive.kernel.terms import mul, q
from derive.series import values as V
from derive.series.germs import Field, Germ
from derive.series.parameters import Abstain

BERNOULLI = tuple(map(Fraction, ("1/6", "-1/30", "1/42", "-1/30", "5/66", "-691/2730", "7/6")))  # B_2, B_4, ...
EULER = (Fraction(5772156649015328606, 10**19), Fraction(5772156649015328607, 10**19))


def log_gamma(field: Field, z: Germ) -> Germ:
    """log gamma(z) for z that grows."""
    size, sign, _ = field.limit(z)
    if size <= 0 or field.scene.sign(sign) < 0:
        raise Abstain("gamma of something that does not grow")
    log_z, below = field.log(z), field.inverse(z)
    half = field.constant(Fraction(1, 2))
    parts = [field.mul(field.add(z, field.neg(half)), log_z), field.neg(z)]
    parts.append(field.constant(field.scene.of(("/", ("f", "log", mul(q(2), ("c", "pi"))), q(2)))))
    odd, square = below, field.mul(below, below)
    kept = min(max(field.order // 2, 1), len(BERNOULLI) - 1)
    for k in range(1, kept + 1):
        parts.append(field.scale(odd, BERNOULLI[k - 1] / (2 * k * (2 * k - 1))))
        odd = field.mul(odd, square)
    m, size_of = field.bound(odd)
    parts.append(Germ((), m, size_of * abs(float(BERNOULLI[kept])) / ((2 * kept + 2) * (2 * kept + 1))))
    return field.add(*parts)


def harmonic(field: Field, z: Germ) -> Germ:
    """log z + gamma + 1/(2 z) - sum of B_2k/(2k z^2k), DLMF 5.11.2 with psi(z + 1) = psi(z) + 1/z."""
    if field.limit(z)[0] <= 0:
        raise Abstain("harmonic of something that does not grow")
    euler = field.scene.box(V.between(*EULER), "constant", ("c", "euler"))
    below = field.inverse(z)
    parts = [field.log(z), field.constant(euler), field.scale(below, Fraction(1, 2))]
    square = even = field.mul(below, below)
    kept = min(max(field.order // 2, 1), len(BERNOULLI) - 1)
    for k in range(1, kept + 1):
        parts.append(field.scale(even, -BERNOULLI[k - 1] / (2 * k)))
        even = field.mul(even, square)
    m, size = field.bound(even)
    parts.append(Germ((), m, size * abs(float(BERNOULLI[kept])) / (2 * kept + 2)))
    return field.add(*parts)

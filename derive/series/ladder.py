"""The logarithmic ladder: whether the sum of a monomial converges, by comparison with 1/(t log t loglog t ...).

For w = m*t*log(t)*...*L_k the first k at which log(w) is at least of the size of L_{k+1} decides: where it tends to
minus infinity, m is below 1/(t*...*L_k*(L_k)**c) for some c > 0 and the sum converges; where to infinity, m is above
1/(t*...*L_k) and it diverges. This is the scale of Abel, Dini and Bertrand, to which every logarithmico-exponential
function compares (G. H. Hardy, Orders of Infinity, 1910).
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from derive.series.germs import Field, Gen, Mono
from derive.series.parameters import ONE_C, Abstain, Coef

DEEPEST = 12


class Rung(NamedTuple):
    """Where the ladder decided: at level k (0 compares with 1/t), by which generator with which exponent."""

    converges: bool
    level: int
    generator: Gen
    exponent: Coef


def judge(field: Field, m: Mono, k: int) -> Rung:
    """Whether the sum of m**k converges. May raise Split or Abstain.

    >>> from derive.series.parameters import Scene
    >>> field = Field(Scene({}, ()), 3)
    >>> judge(field, ((0, Fraction(-1)), (1, Fraction(-2))), 1).converges  # 1/(t*log(t)**2)
    True
    """
    w = field.times((), m, Fraction(k))
    for level in range(DEEPEST):
        w = field.times(w, ((level, ONE_C),))
        for gen, e in field.by_size(w):
            sign = field.scene.sign(e)
            if sign == 0:
                continue
            if field.compare(field.log_of(gen), ((level + 1, ONE_C),)) >= 0:
                return Rung(sign < 0, level, gen, e)
            break
    raise Abstain("the ladder of logarithms does not end")

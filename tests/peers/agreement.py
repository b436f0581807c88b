"""How a peer is compared: each of its numbers lies in the ball of the program that computes the same thing.

That program is ours, or, where the peer computes the same function by a formula that loses digits, that formula, typed
beside the peer as data; at 2,000 bits the two must agree. A kink at which the peer has a convention of its own is data,
too: its value there is checked, that it differs from ours, and that it is a subgradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

import numeric
from derive.syntax import parse_expression
from numeric.balls import Ball, enclosure
from numeric.losses import Loss
from numeric.program import Program
from numeric.sums import SHIFT
from numeric.translation import translate

random = np.random.default_rng(0)
SPREAD = np.concatenate([
    random.normal(scale=3.0, size=60), [0.0, 0.5, -1.0, 1.0, 2.0, 30.0, -30.0, 37.5, -37.5, 700.0, -700.0, 800.0,
    -800.0, 1e-300, 1e-8, -1e-8],
])  # fmt: skip
REALS = np.concatenate([SPREAD[:8], SPREAD[8:16] - 1.0, SPREAD[16:24] + 1.0, random.normal(size=len(SPREAD) - 24)])
BITS = (random.random(len(SPREAD)) < 0.5) * 1.0
COUNTS = random.poisson(2.0, len(SPREAD)) * 1.0
CLASSES = 4
SCORES = np.concatenate([
    random.normal(scale=3.0, size=(20, CLASSES)),
    [[800.0, -800.0, 0.0, 0.0], [0.0] * 4, [30.0, 0.0, 0.0, -30.0], [1e-300, 0.0, 0.0, 0.0], [700.0, 699.0, 0.0, 0.0]],
])  # fmt: skip
LABELS = random.integers(0, CLASSES, len(SCORES))
ONE_HOT = np.eye(CLASSES)[LABELS]


@dataclass(frozen=True)
class Peer:
    """A loss of another library, and ours.

    `scale` times theirs is ours. `as_computed` has their formulas, by output, where ours are more accurate. `kinks` has
    their values of an output at its kinks.
    """

    name: str
    loss: str
    labels: Any = field(default_factory=lambda: REALS)
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    scale: float = 1.0
    as_computed: Mapping[str, str] = field(default_factory=dict)
    kinks: Mapping[str, float] = field(default_factory=dict)
    extra: Mapping[str, float] = field(default_factory=dict)  # learned parameters, for all observations the same

    def ours(self) -> Loss:
        return numeric.loss(self.loss, **self.hyperparameters)

    def points(self) -> list[dict[str, Any]]:
        more = {**self.hyperparameters, **self.extra}
        if self.loss == "cross-entropy":
            return [{"z": z, "y": y, SHIFT: max(z)} for z, y in zip(SCORES, ONE_HOT, strict=True)]
        return [{"z": z, "y": y, **more} for z, y in zip(SPREAD, self.labels, strict=True)]

    def theirs(self, output: str) -> Program:
        """The program of the formula by which they compute the output."""
        if output not in self.as_computed:
            return self.ours().pointwise.only(output)
        term = parse_expression(self.as_computed[output]).term
        scalars = [*self.hyperparameters, *self.extra]
        return translate({output: term}, scalars=scalars, rows=("z", "y", SHIFT), indices=("k", "l"))


def balls(program: Program, point: Mapping[str, Any], output: str, prec: int = 53) -> list[Ball]:
    inputs = {value.name: point[value.name] for value in program.inputs}
    return list(np.ravel(np.array(enclosure(program, inputs, prec)[output], dtype=object)))


@lru_cache
def sides(loss: str, output: str, **hyperparameters: float) -> tuple[float, float]:
    """What the output is on both sides of its kink, for losses that are linear or constant there."""
    program = numeric.loss(loss, **hyperparameters).pointwise.only(output)
    at = hyperparameters.get("delta", 0.0) if output == "curvature" else 0.0
    step = Fraction(1, 1024)
    inputs = {value.name for value in program.inputs}
    ends = [{"z": at + sign * step, "y": 0, **hyperparameters} for sign in (-1, 1)]
    low, high = (numeric.exact_outputs(program, {name: end[name] for name in inputs})[output] for end in ends)
    return min(low, high), max(low, high)


def compare(peer: Peer, output: str, got: Any) -> int:
    """Assert that they agree with us at every point; how many numbers were compared."""
    ours, theirs = peer.ours().pointwise.only(output), peer.theirs(output)
    count = kinks = 0
    rows = np.asarray(got, dtype=np.float64).reshape(len(peer.points()), -1) * peer.scale
    for point, row in zip(peer.points(), rows, strict=True):
        expected = balls(theirs, point, output)
        if theirs is not ours and output in peer.as_computed:
            for mine, other in zip(balls(ours, point, output, 2000), balls(theirs, point, output, 2000), strict=True):
                assert abs(mine.midpoint - other.midpoint) <= mine.radius + other.radius, (peer.name, output, point)
        for ball, number in zip(expected, row, strict=True):
            count += 1
            if not ball.contains(number):
                assert output in peer.kinks, (peer.name, output, point, number, ball)
                assert number == peer.kinks[output], (peer.name, output, point, number)
                low, high = sides(peer.loss, output, **peer.hyperparameters)
                assert low <= number <= high
                assert ball.midpoint == (low + high) / 2
                kinks += 1
    assert (kinks > 0) == (output in peer.kinks), f"{peer.name} has no convention of its own for {output} any more"
    return count

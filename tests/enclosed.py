"""What a loss may return: the exact sum over the sample, with the radius that its roundings can make up.

The programs are enclosed by numeric.balls. The sums around them are bounded here: a sum of n products, whatever its
order, fused or not, is off by at most gamma(n) times the sum of the sizes (Higham, Accuracy and Stability of Numerical
Algorithms, 2002, sec. 3.1), and by the smallest float for each product that underflows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from numeric.balls import FORMATS, Ball, Format, enclosure
from numeric.losses import Loss
from numeric.sums import DIRECTION, SHIFT, TURN

ZERO = Fraction(0)


def format_of(dtype: Any) -> Format:
    return FORMATS[{"float32": 24, "float64": 53}[np.dtype(dtype).name]]


def scaled(ball: Ball, *factors: float) -> Ball:
    """The ball times exact numbers."""
    factor = Fraction(1)
    for number in factors:
        factor *= Fraction(float(number))
    return Ball(ball.midpoint * factor, None if ball.radius is None else ball.radius * abs(factor), ball.largest)


def summed(balls: Iterable[Ball], roundings: int, form: Format, underflow: Fraction | None = None) -> Ball:
    """The sum of balls, each of whose terms meets so many roundings on its way into the sum."""
    parts = list(balls)
    if any(part.radius is None for part in parts):
        return Ball(ZERO, None, form.largest)
    relative = Fraction(roundings, 2**form.precision)
    size = sum((abs(part.midpoint) + part.radius for part in parts), ZERO)
    radius = sum((part.radius for part in parts), ZERO) + relative / (1 - relative) * size
    smallest = len(parts) * form.smallest if underflow is None else underflow
    return Ball(sum((part.midpoint for part in parts), ZERO), radius + smallest, form.largest)


@dataclass(frozen=True)
class Expected:
    """The four results as balls, in object arrays of the shapes that the loss returns."""

    value: Ball
    gradient: Any
    hessian: Any
    hvp: Any


class Reference:
    """A loss at a sample, computed row by row and entry by entry."""

    def __init__(self, loss: Loss, w: Any, X: Any, y: Any, v: Any) -> None:
        self.loss, self.w, self.X, self.y, self.v = loss, w, X, y, v
        self.form = format_of(X.dtype)
        self.n, self.p = X.shape
        self.learned = list(loss.learned)
        self.rows = [self.row(i) for i in range(self.n)]
        self.penalties = [self.penalty(float(entry)) for entry in w] if loss.penalty else []

    def predictor(self, row: Any, column: Any) -> Ball:
        products = [scaled(Ball(Fraction(float(x)), ZERO), c) for x, c in zip(row, column, strict=True)]
        return summed(products, self.p, self.form)

    def row(self, i: int) -> dict[str, Any]:
        """What the program gives for one observation, with z and u known up to the rounding of X w and X v."""
        p, form = self.p, self.form
        inputs: dict[str, Any] = dict(self.loss.hyperparameters)
        if self.w.ndim == 2:
            columns = range(self.w.shape[1])
            inputs["z"] = [self.predictor(self.X[i], self.w[:, k]) for k in columns]
            inputs[DIRECTION] = [self.predictor(self.X[i], self.v[:, k]) for k in columns]
            inputs["y"] = list(self.y[i])
            largest = max(inputs["z"], key=lambda ball: ball.midpoint)
            inputs[SHIFT] = Ball(largest.midpoint, max(ball.radius for ball in inputs["z"]))
        else:
            inputs |= {"z": self.predictor(self.X[i], self.w[:p]), DIRECTION: self.predictor(self.X[i], self.v[:p])}
            inputs["y"] = float(self.y[i])
            for place, name in enumerate(self.learned, p):
                inputs |= {name: float(self.w[place]), TURN + name: float(self.v[place])}
        return enclosure(self.loss.pointwise, inputs, form.precision)

    def penalty(self, entry: float) -> dict[str, Ball]:
        assert self.loss.penalty is not None
        inputs = {"w": entry, **self.loss.hyperparameters}
        return enclosure(self.loss.penalty, inputs, self.form.precision)

    def overflows(self) -> bool:
        """Whether some number for one observation may be beyond the format."""
        balls = [ball for row in self.rows for value in row.values() for ball in np.ravel(np.array(value, object))]
        largest = self.form.largest
        return any(ball.radius is None or abs(ball.midpoint) + ball.radius > largest for ball in balls)

    # --- sums --------------------------------------------------------------------------------------------------------

    def column(self, name: str, k: int | None = None) -> list[Ball]:
        return [row[name] if k is None else row[name][k] for row in self.rows]

    def against(self, j: int, balls: Sequence[Ball]) -> Ball:
        """X[:, j]^T s."""
        return summed([scaled(s, x) for s, x in zip(balls, self.X[:, j], strict=True)], self.n, self.form)

    def plus(self, *balls: Ball) -> Ball:
        return summed(balls, len(balls), self.form) if len(balls) > 1 else balls[0]

    def expected(self) -> Expected:
        penalty = summed((each["value"] for each in self.penalties), self.p, self.form)
        value = self.plus(summed(self.column("value"), self.n, self.form), *([penalty] if self.penalties else []))
        return Expected(value, self.vector("slope"), self.hessian(), self.vector("turned"))

    def vector(self, name: str) -> Any:
        result = np.empty(self.w.shape, object)
        for j in range(self.p):
            if self.w.ndim == 2:
                for k in range(self.w.shape[1]):
                    result[j, k] = self.against(j, self.column(name, k))
                continue
            own = self.penalties[j] if self.penalties else {}
            more = {"slope": own.get("slope"), "turned": own and scaled(own["curvature"], self.v[j])}[name]
            result[j] = self.plus(self.against(j, self.column(name)), *([more] if more else []))
        for place, learned in enumerate(self.learned, self.p):
            result[place] = summed(self.column(f"{name}_{learned}"), self.n, self.form)
        return result

    def hessian(self) -> Any:
        result = np.empty(self.w.shape * 2, object)
        for i, j in product(range(self.p), repeat=2):
            if self.w.ndim == 2:
                for k, other in product(range(self.w.shape[1]), repeat=2):
                    weights = [row["curvature"][k][other] for row in self.rows]
                    result[i, k, j, other] = self.weighted(i, j, weights)
                continue
            own = [self.penalties[i]["curvature"]] if self.penalties and i == j else []
            result[i, j] = self.plus(self.weighted(i, j, self.column("curvature")), *own)
        for a, first in enumerate(self.learned, self.p):
            for j in range(self.p):
                result[a, j] = result[j, a] = self.against(j, self.column(f"curvature_{first}"))
            for b, second in enumerate(self.learned, self.p):
                result[a, b] = summed(self.column(f"curvature_{first}_{second}"), self.n, self.form)
        return result

    def weighted(self, i: int, j: int, weights: Sequence[Ball]) -> Ball:
        """X[:, i]^T diag(c) X[:, j]: five roundings for sqrt(c)*x times sqrt(c)*x', and those of the sum.

        What underflows in sqrt(c)*x, or in c*x, is multiplied by sqrt(c)*x', or by x'; sqrt(c) is less than 1 + c.
        """
        triples = list(zip(weights, self.X[:, i], self.X[:, j], strict=True))
        parts = [scaled(c, x, t) for c, x, t in triples]
        underflow = ZERO
        for c, x, t in triples:
            factor = 1 + abs(c.midpoint) + (c.radius or ZERO)
            underflow += 1 + factor * (abs(Fraction(float(x))) + abs(Fraction(float(t))))
        return summed(parts, self.n + 4, self.form, underflow * self.form.smallest)


def misfits(balls: Any, results: Any) -> list[str]:
    """The entries that do not lie in their balls."""
    pairs = zip(np.ravel(np.asarray(balls, object)), np.ravel(results), strict=True)
    return [f"[{place}] {float(got)!r} not in {float(ball.midpoint)!r} +/- {ball.radius and float(ball.radius)!r}"
            for place, (ball, got) in enumerate(pairs) if not ball.contains(got)]  # fmt: skip

"""Update rules at work in a picture: a rule of the library, run by `numeric.optimizer` on a loss that can be seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from derive.errors import InputError
from derive.kernel.derivative import derivative
from derive.kernel.poly import Context
from derive.kernel.terms import Term
from derive.syntax import parse_expression
from numeric.optimizers import optimizer
from numeric.pictures.formulas import Array, compiled, evaluate, quadratic

LARGEST = 1e100
# A loss with a plateau on the way to its minimum: its slope is 0 at w = 0, and its least value is at w = 1.
PLATEAU = parse_expression("w**4/2 - 2*w**3/3").term
Gradient = Callable[[Array], Array]


class Run(NamedTuple):
    """Where a rule has been: w before the first step and after each, the gradients, and what it remembered of them."""

    w: Array
    g: Array
    state: Mapping[str, Array]

    @property
    def steps(self) -> Array:
        """How far each step went, signed."""
        return np.diff(self.w, axis=0)

    @property
    def effective(self) -> Array:
        """What each step took of its gradient: its length for a gradient of 1; nan where the gradient was 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = np.where(self.g != 0, -self.steps / self.g, np.nan)
        return found


def run(name: str, gradient: Gradient, start: Sequence[float], steps: int, **hyperparameters: Fraction) -> Run:
    """So many steps of a rule of the library. Raises InputError where it leaves every picture.

    >>> run("sgd", slope(PLATEAU), [2.0], 1, lr=Fraction(1, 8)).w.tolist()
    [[2.0], [1.0]]
    """
    given: dict[str, Any] = {key: float(value) for key, value in hyperparameters.items()}
    rule = optimizer(name, **given)
    w = np.array(start, dtype=np.float64)
    state = rule.init(w)
    path, slopes = [w], []
    kept: dict[str, list[Array]] = {each.name: [] for each in rule.rule.state}
    for _ in range(steps):
        slopes.append(gradient(path[-1]))
        if not np.all(np.abs(slopes[-1]) < LARGEST):
            raise leaves(name, steps)
        w, state = rule.update(path[-1], slopes[-1], state)
        path.append(w)
        for key, values in kept.items():
            values.append(state[key])
    if not np.all(np.abs(w) < LARGEST):
        raise leaves(name, steps)
    return Run(np.array(path), np.array(slopes), {key: np.array(values) for key, values in kept.items()})


def leaves(name: str, steps: int) -> InputError:
    """The error for a run that cannot be drawn."""
    remedy = "choose fewer steps or a smaller learning rate"
    return InputError(f"{name} leaves every picture within {steps} steps", remedy=remedy)


def slope(loss: Term, **scalars: Fraction) -> Gradient:
    """The derivative of a loss by w, found by the rules of the kernel; its other names are the exact scalars.

    >>> slope(PLATEAU)(np.array([-1.0, 0.0, 1.0])).tolist()
    [-4.0, 0.0, 0.0]
    """
    ready = compiled(derivative(loss, ("v", "w"), Context({}, frozenset())), scalars, "w")
    return lambda w: ready(w=w)


def bowl(curvatures: Sequence[Fraction]) -> Gradient:
    """The gradient of a quadratic with these curvatures along its axes.

    >>> bowl([Fraction(1), Fraction(10)])(np.array([2.0, 3.0])).tolist()
    [2.0, 30.0]
    """
    along = [slope(quadratic(), **{"lambda": curvature}) for curvature in curvatures]
    return lambda w: np.concatenate([each(w[k : k + 1]) for k, each in enumerate(along)])


def heights(curvatures: Sequence[Fraction], *along: Array) -> list[Array]:
    """What each direction adds to that quadratic."""
    pairs = zip(curvatures, along, strict=True)
    return [evaluate(quadratic(), {"lambda": curvature}, w=values) for curvature, values in pairs]


def losses(curvatures: Sequence[Fraction], path: Array) -> Array:
    """That quadratic along a path.

    >>> losses([Fraction(2), Fraction(4)], np.array([[1.0, 1.0]])).tolist()
    [3.0]
    """
    first, second = heights(curvatures, path[:, 0], path[:, 1])
    total: Array = first + second
    return total

"""The losses and their derivatives as a textbook has them, typed anew: what the derived programs are compared with.

Over any numbers: rationals where a formula needs no more, mpmath with hundreds of digits for the others, since nothing
here is stable. At kinks: the midpoint of the subdifferential, and the mean of the second derivatives on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import mpmath as mp

Formula = Callable[..., Any]  # of z, y and the hyperparameters


def sign(x: Any) -> int:
    return int(x > 0) - int(x < 0)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def huber(z: Any, y: Any, delta: Any) -> Any:
    r = abs(z - y)
    return r * r / 2 if r <= delta else delta * (r - delta / 2)


def pinball(z: Any, y: Any, tau: Any) -> Any:
    return tau * (y - z) if y >= z else (1 - tau) * (z - y)


@dataclass(frozen=True)
class Straight:
    """Formulas by output of the program; those in `rational` are exact over the rationals.

    `labels` are targets to try, `hyperparameters` values to try, dyadic so that floats can be exact.
    """

    formulas: Mapping[str, Formula]
    rational: frozenset[str] = frozenset()
    labels: tuple[float, ...] = (-2.0, 0.0, 0.5, 3.0)
    hyperparameters: tuple[Mapping[str, float], ...] = ({},)
    exact_in_floats: frozenset[str] = frozenset()
    learned: Mapping[str, float] = field(default_factory=dict)


ALL = frozenset({"value", "slope", "curvature"})
SQUARE = Straight(
    {"value": lambda z, y: (z - y) ** 2, "slope": lambda z, y: 2 * (z - y), "curvature": lambda z, y: 2}, ALL,
    exact_in_floats=ALL,
)  # fmt: skip
STRAIGHT = {
    "l1": Straight(
        {"value": lambda z, y: abs(z - y), "slope": lambda z, y: sign(z - y), "curvature": lambda z, y: 0}, ALL,
        exact_in_floats=ALL,
    ),
    "l2": SQUARE,
    "ridge": Straight(
        {key: lambda z, y, lam, f=formula: f(z, y) for key, formula in SQUARE.formulas.items()}, ALL,
        hyperparameters=({"lam": 0.0}, {"lam": 0.75}), exact_in_floats=ALL,
    ),
    "lasso": Straight(
        {"value": lambda z, y, lam: (z - y) ** 2 / 2, "slope": lambda z, y, lam: z - y,
         "curvature": lambda z, y, lam: 1}, ALL,
        hyperparameters=({"lam": 0.0}, {"lam": 0.75}), exact_in_floats=ALL,
    ),
    "huber": Straight(
        {
            "value": huber,
            "slope": lambda z, y, delta: max(-delta, min(delta, z - y)),
            "curvature": lambda z, y, delta: (1 + sign(delta - abs(z - y))) / type(z)(2),
        },
        ALL, hyperparameters=({"delta": 1.0}, {"delta": 0.375}), exact_in_floats=ALL,
    ),
    "pinball": Straight(
        {
            "value": pinball,
            "slope": lambda z, y, tau: -tau if y > z else 1 - tau if y < z else (1 - 2 * tau) / 2,
            "curvature": lambda z, y, tau: 0,
        },
        ALL, hyperparameters=({"tau": 0.5}, {"tau": 0.125}), exact_in_floats=ALL,
    ),
    "student-t": Straight(
        {
            "value": lambda z, y, nu, s: mp.log(1 + (y - z) ** 2 / (nu * s**2)),
            "slope": lambda z, y, nu, s: 2 * (z - y) / (nu * s**2 + (z - y) ** 2),
            "curvature": lambda z, y, nu, s: 2 * (nu * s**2 - (z - y) ** 2) / (nu * s**2 + (z - y) ** 2) ** 2,
        },
        frozenset({"slope", "curvature"}), hyperparameters=({"nu": 3.0, "s": 0.5}, {"nu": 0.3, "s": 7.0}),
    ),
    "binary-cross-entropy": Straight(
        {
            "value": lambda z, y: -(y * mp.log(sigmoid(z)) + (1 - y) * mp.log(1 - sigmoid(z))),
            "slope": lambda z, y: sigmoid(z) - y,
            "curvature": lambda z, y: sigmoid(z) * (1 - sigmoid(z)),
        },
        labels=(0.0, 1.0, 0.25),
    ),
    "poisson": Straight(
        {
            "value": lambda z, y: mp.exp(z) - y * z,
            "slope": lambda z, y: mp.exp(z) - y,
            "curvature": lambda z, y: mp.exp(z),
        },
        labels=(0.0, 1.0, 7.0),
    ),
    "exponential": Straight(
        {
            "value": lambda z, y: z + y / mp.exp(z),
            "slope": lambda z, y: 1 - y / mp.exp(z),
            "curvature": lambda z, y: y / mp.exp(z),
        },
        labels=(0.25, 1.0, 7.0),
    ),
    "gaussian-nll": Straight(
        {
            "value": lambda z, y, sigma: mp.log(sigma) + (z - y) ** 2 / (2 * sigma**2),
            "slope": lambda z, y, sigma: (z - y) / sigma**2,
            "curvature": lambda z, y, sigma: 1 / sigma**2,
            "slope_sigma": lambda z, y, sigma: 1 / sigma - (z - y) ** 2 / sigma**3,
            "curvature_sigma": lambda z, y, sigma: -2 * (z - y) / sigma**3,
            "curvature_sigma_sigma": lambda z, y, sigma: 3 * (z - y) ** 2 / sigma**4 - 1 / sigma**2,
        },
        frozenset({"slope", "curvature", "slope_sigma", "curvature_sigma", "curvature_sigma_sigma"}),
        hyperparameters=({"sigma": 0.5}, {"sigma": 3.0}), learned={"sigma": 0.5},
    ),
}  # fmt: skip

PENALTIES: dict[str, Mapping[str, Formula]] = {
    "ridge": {
        "value": lambda w, lam: lam * w**2, "slope": lambda w, lam: 2 * lam * w, "curvature": lambda w, lam: 2 * lam,
    },
    "lasso": {
        "value": lambda w, lam: lam * abs(w), "slope": lambda w, lam: lam * sign(w), "curvature": lambda w, lam: 0,
    },
}  # fmt: skip


def softmax(z: list[Any]) -> list[Any]:
    total = mp.fsum(mp.exp(entry) for entry in z)
    return [mp.exp(entry) / total for entry in z]


def cross_entropy(z: list[Any], y: list[Any]) -> dict[str, Any]:
    """-sum y log softmax(z), softmax(z) - y, and diag(s) - s s^T, for sum y = 1."""
    s = softmax(z)
    classes = range(len(z))
    return {
        "value": -mp.fsum(y[k] * mp.log(s[k]) for k in classes),
        "slope": tuple(s[k] - y[k] for k in classes),
        "curvature": tuple(tuple(s[k] * (int(k == other) - s[other]) for other in classes) for k in classes),
    }


def as_fraction(number: Any) -> Fraction:
    """A number of mpmath, or any other, as the rational that it is."""
    if isinstance(number, mp.mpf):
        mantissa, exponent = number.man_exp
        return Fraction(int(mantissa)) * Fraction(2) ** int(exponent) * (-1 if number < 0 < mantissa else 1)
    return Fraction(number)

"""Reduce on plateau: a learning rate that follows a metric. It is no function of t, but a state and a step.

The learning rate is multiplied by `factor` once the metric has not become better for more than `patience` steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from derive.errors import InputError

Number = int | float | Fraction


class PlateauState(NamedTuple):
    """The learning rate of the next step, the best metric so far, the steps without a better one, the steps of rest."""

    rate: Number
    best: Number | None = None
    bad: int = 0
    rest: int = 0


@dataclass(frozen=True)
class Plateau:
    """The rule: numbers in, numbers out, exact where they are integers or Fractions.

    Better means below best - margin, and above best + margin with `mode` "max"; the margin is threshold*abs(best), or
    threshold itself with `relative` False. After a cut nothing is counted for `cooldown` steps. The rate never falls
    below `least`, and stays where a cut would be smaller than `eps`.
    Errors: InputError for a setting outside its domain, and for a metric that is no number.
    Source: torch 2.13.0, torch.optim.lr_scheduler.ReduceLROnPlateau, with abs(best) for best.

    >>> rule = Plateau(factor=Fraction(1, 2), patience=1)
    >>> state = rule.start(Fraction(1))
    >>> for metric in (3, 3, 3, 3):
    ...     state = rule.step(state, metric)
    >>> state
    PlateauState(rate=Fraction(1, 2), best=3, bad=1, rest=0)
    """

    mode: str = "min"
    factor: Number = 0.1
    patience: int = 10
    threshold: Number = 1e-4
    relative: bool = True
    cooldown: int = 0
    least: Number = 0
    eps: Number = 1e-8

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max"):
            raise InputError(f"mode is {self.mode!r}", remedy="use 'min' or 'max'")
        if not 0 < self.factor < 1:
            raise InputError(f"factor is {self.factor}", remedy="expected 0 < factor < 1")
        for name in ("patience", "threshold", "cooldown", "least", "eps"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}", remedy=f"expected {name} >= 0")

    def start(self, rate: Number) -> PlateauState:
        """The state before the first metric. Raises InputError for a rate that is not positive."""
        if not 0 < rate < math.inf:
            raise InputError(f"the learning rate is {rate}", remedy="expected a positive number")
        return PlateauState(rate)

    def better(self, metric: Number, best: Number) -> bool:
        """Whether a metric is better than the best by more than the margin.

        >>> Plateau().better(-1.0, -1.0), Plateau(mode="max").better(2, 1)
        (False, True)
        """
        margin = self.threshold * (best if best > 0 else -best) if self.relative else self.threshold
        return bool(metric < best - margin if self.mode == "min" else metric > best + margin)

    def step(self, state: PlateauState, metric: Number) -> PlateauState:
        """The state after one more metric."""
        if isinstance(metric, bool) or not isinstance(metric, int | float | Fraction) or math.isnan(metric):
            raise InputError(f"the metric is {metric!r:.40}", remedy="expected a number")
        improved = state.best is None or self.better(metric, state.best)
        best, bad = (metric, 0) if improved else (state.best, state.bad + 1)
        rest = state.rest
        if rest > 0:
            rest, bad = rest - 1, 0
        if bad <= self.patience:
            return PlateauState(state.rate, best, bad, rest)
        lower = max(state.rate * self.factor, self.least)
        return PlateauState(lower if state.rate - lower > self.eps else state.rate, best, 0, self.cooldown)

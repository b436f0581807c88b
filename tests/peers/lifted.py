"""How a lifted rule is compared with the code it comes from: step by step, each number in the ball of the rule.

Every step starts from the numbers that the code had, so that the balls are as narrow as the roundings of one step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from derive.kernel.terms import Term
from numeric.balls import enclosure
from numeric.lift import Lifted
from numeric.program import Program
from numeric.translation import translate

STEPS, ELEMENTS = 30, 2
random = np.random.default_rng(7)
# gradients from 1e-6 to 10, of both signs, with turns from step to step
GRADIENTS = random.normal(size=(STEPS, ELEMENTS)) * 10.0 ** random.uniform(-6, 1, size=(STEPS, ELEMENTS))
START = random.normal(size=ELEMENTS)
HOLDS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda x, y: x == y, "!=": lambda x, y: x != y, "<": lambda x, y: x < y, "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
}  # fmt: skip


def rate(t: int) -> float:
    """A learning rate that changes."""
    return 0.1 / t if t % 3 else 0.02


@lru_cache(maxsize=256)
def program(terms: tuple[tuple[str, Term], ...], scalars: tuple[str, ...], rows: tuple[str, ...]) -> Program:
    return translate(dict(terms), scalars=scalars, rows=rows)


def enclosed(terms: Mapping[str, Term], scalars: Mapping[str, float], rows: Mapping[str, float]) -> Mapping[str, Any]:
    """Balls of some terms."""
    made = program(tuple(terms.items()), tuple(scalars), tuple(rows))
    return enclosure(made, {**scalars, **rows})


def holds(condition: Term, scalars: Mapping[str, float]) -> bool:
    balls = enclosed({"left": condition[1], "right": condition[2]}, scalars, {})
    return HOLDS[condition[0]](*(float(balls[side].midpoint) for side in ("left", "right")))


def compare(
    lifted: Callable[[int | None], Lifted],
    start: Callable[[Any], Mapping[str, Any]],
    step: Callable[[int, float, Any], tuple[Any, Mapping[str, Any]]],
    chosen: Mapping[str, float],
) -> int:
    """Run code and rule; `lifted(at)` is the rule whose branches are those at that step. Returns how many were used.

    `start` and `step(t, lr, g)` give the code's numbers: w and the state by name.
    """
    rule = generic = lifted(None)
    others: dict[int, Lifted] = {}
    hyper = {h.name: float(h.value) for h in rule.rule.hyperparameters} | dict(chosen)
    w, state = START.copy(), dict(start(START.copy()))
    for t in range(1, STEPS + 1):
        scalars = {**hyper, "eta": rate(t), "t": float(t)}
        rule = generic
        if t == 1:
            assert all(holds(condition, scalars) for condition in rule.first_conditions)
        elif not all(holds(condition, scalars) for condition in rule.conditions):
            rule = others[t] = lifted(t)
            assert all(holds(condition, scalars) for condition in rule.conditions)
        terms = rule.first if t == 1 else {name: rule.rule.step[name] for name in rule.first}
        after_w, after = step(t, rate(t), GRADIENTS[t - 1])
        for place in range(ELEMENTS):
            rows = {"w": float(w[place]), "g": float(GRADIENTS[t - 1][place])}
            rows |= {} if t == 1 else {name: float(np.broadcast_to(value, ELEMENTS)[place])
                                       for name, value in state.items()}  # fmt: skip
            balls = enclosed(terms, scalars, rows)
            got = {name: float(np.broadcast_to(value, ELEMENTS)[place]) for name, value in after.items()}
            got["w"] = float(after_w[place])
            assert set(balls) == set(got)
            for name, ball in balls.items():
                assert ball.radius is not None, (t, name)
                assert ball.contains(got[name]), (t, name, got[name], float(ball.midpoint), float(ball.radius))
        w, state = after_w, dict(after)
    return len(others)

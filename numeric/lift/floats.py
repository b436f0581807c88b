"""Expressions as floats: about how large they are, which is what a branch looks at."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from derive.errors import Undecided
from numeric.lift import expressions as ex
from numeric.lift.expressions import Node

_FLOATS: dict[str, Callable[..., float]] = {
    "+": lambda x, y: x + y, "neg": lambda x: -x, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
    "^": lambda x, y: x**y, "abs": abs, "sign": lambda x: float((x > 0) - (x < 0)), "sqrt": math.sqrt, "exp": math.exp,
    "log": math.log, "min": min, "max": max,
    "case": lambda z, below, at, above: below if z < 0 else above if z > 0 else at,
}  # fmt: skip


def evaluate(node: Node, values: Mapping[str, float]) -> float:
    """About the number that the node is. Undecided where floats have none.

    >>> evaluate(ex.subtract(ex.ONE, ex.name("x")), {"x": 0.25})
    0.75
    """
    known: dict[Node, float] = {}
    for part in ex.ordered([node]):
        try:
            known[part] = (
                float(part.args[0]) if part.op == "q" else values[part.args[0]] if part.op == "v"
                else float(_FLOATS[part.op](*(known[each] for each in part.parts)))
            )  # fmt: skip
        except (ArithmeticError, ValueError, TypeError):
            raise Undecided("a comparison of numbers that floats do not have") from None
    return known[node]

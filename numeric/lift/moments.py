"""Moving averages of a number and of its square: the second is never less than the square of the first."""

from __future__ import annotations

from collections.abc import Mapping

from numeric.lift import expressions as ex
from numeric.lift.expressions import Node


def spread(
    starts: Mapping[str, Node | None], first: Mapping[str, Node], later: Mapping[str, Node]
) -> dict[str, str]:  # fmt: skip
    """The pairs v, m of states with v >= m**2 after every step: averages of x**2 and x with the same weights c.

    Then v' - m'**2 = (1 - c)*(v - m**2) + c*(1 - c)*(x - m)**2, and both start at 0.

    >>> m, v, g, c = ex.name("m"), ex.name("v"), ex.name("g"), ex.decimal(0.5)
    >>> after = {"m": ex.add(m, ex.multiply(c, ex.subtract(g, m))),
    ...          "v": ex.add(ex.multiply(c, v), ex.multiply(c, ex.power(g, ex.TWO)))}
    >>> zero = {"m": ex.ZERO, "v": ex.ZERO}
    >>> begin = ex.put(after.values(), {m: ex.ZERO, v: ex.ZERO})
    >>> spread(zero, dict(zip(after, begin)), after)
    {'v': 'm'}
    """
    at_zero = {ex.name(name): ex.ZERO for name, start in starts.items() if start is ex.ZERO}
    averages = {
        name: found for name in starts
        if ex.name(name) in at_zero and (found := average(later[name], ex.name(name))) is not None
        and ex.put([later[name]], at_zero)[0] is first[name]
    }  # fmt: skip
    return {
        v: m
        for v, (weight, square) in averages.items()
        for m, (other, x) in averages.items()
        if v != m and weight is other and square is ex.power(x, ex.TWO)
    }


def average(node: Node, old: Node) -> tuple[Node, Node] | None:
    """c and x, where the node is (1 - c)*old + c*x with 0 <= c <= 1 and x knows nothing of old."""
    if node.op != "+":
        return None
    for left, right in (node.parts, node.parts[::-1]):
        if right.op != "*":
            continue
        for weight, other in (right.parts, right.parts[::-1]):
            if left is old and other.op == "+" and other.parts[1] is ex.negative(old):
                x = other.parts[0]  # old + c*(x - old)
            elif left.op == "*" and old in left.parts and _rest(weight, left, old):
                x = other  # (1 - c)*old + c*x
            else:
                continue
            size = ex.subtract(ex.ONE, weight).range
            if weight.range.not_negative and size.not_negative and old not in ex.ordered([weight, x]):
                return weight, x
    return None


def _rest(weight: Node, product: Node, old: Node) -> bool:
    """Whether old is multiplied by 1 - weight."""
    factor = product.parts[1 if product.parts[0] is old else 0]
    return factor is ex.subtract(ex.ONE, weight) or weight is ex.subtract(ex.ONE, factor)

"""Expressions as a graph over exact rationals: equal ones are one object, and what is known of their size comes along.

Nodes are made by the functions below, which do what a reader does in passing: numbers are worked out, a sum loses its
zeros, x - (-y) is x + y, and a choice whose outcome is known is made. Nothing is expanded or ordered anew. Terms, which
are trees, come last: numeric/lift/rules.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any
from weakref import WeakValueDictionary

from derive.errors import Undecided
from numeric.lift import intervals
from numeric.lift.intervals import REALS, Interval

MAX_BITS = 1 << 12  # of a number that is worked out
MAX_CHOICES = 64  # nested choices are put into each other only so far


class Node:
    """An operation and its arguments; never made directly, so that `is` is equality.

    `op` is "q" (a rational), "v" (a name, and its interval), "+", "neg", "*", "/", "^", "case" or a function. A case
    has four arguments: z, and what it is where z is negative, zero, positive.
    """

    __slots__ = ("__weakref__", "args", "op", "range")

    def __init__(self, op: str, args: tuple[Any, ...]) -> None:
        self.op, self.args = op, args
        self.range = intervals.bounded(_range(op, args))

    @property
    def parts(self) -> tuple[Node, ...]:
        return () if self.op in ("q", "v") else self.args

    @property
    def value(self) -> Fraction | None:
        """The number that the node is, or None."""
        return self.args[0] if self.op == "q" else None

    def __repr__(self) -> str:
        return str(self.args[0]) if self.op in ("q", "v") else f"{self.op}{self.args!r}"


_known: WeakValueDictionary[tuple[Any, ...], Node] = WeakValueDictionary()


def _node(op: str, *args: Any) -> Node:
    found = _known.get((op, args))
    if found is None:
        found = _known[op, args] = Node(op, args)
    return found


def _range(op: str, args: tuple[Any, ...]) -> Interval:
    if op == "q":
        return intervals.point(args[0])
    if op == "v":
        interval: Interval = args[1]
        return interval
    ranges = [part.range for part in args]
    if op == "case":
        return intervals.hull(ranges[1], intervals.hull(ranges[2], ranges[3]))
    if op == "/":
        return intervals.multiply(ranges[0], intervals.reciprocal(ranges[1]))
    return _RANGES[op](*ranges) if op in _RANGES else REALS


_RANGES: dict[str, Callable[..., Interval]] = {
    "+": intervals.add, "neg": intervals.negate, "*": intervals.multiply, "^": intervals.power,
    "abs": intervals.absolute, "sign": intervals.sign, "sqrt": intervals.root, "max": intervals.largest,
    "min": lambda x, y: intervals.negate(intervals.largest(intervals.negate(x), intervals.negate(y))),
    "exp": lambda x: Interval(Fraction(0), None, True),
}  # fmt: skip


# --- making nodes -----------------------------------------------------------------------------------------------------


def number(value: Fraction | int) -> Node:
    """A number; Undecided for one with more digits than anybody meant.

    >>> number(2) is add(number(1), number(1))
    True
    """
    exact = Fraction(value)
    if max(exact.numerator.bit_length(), exact.denominator.bit_length()) > MAX_BITS:
        raise Undecided(f"a number of more than {MAX_BITS} bits")
    return _node("q", exact)


def decimal(value: float | int) -> Node:
    """A number of a program as its author wrote it: 0.1 is 1/10. Undecided for inf and nan.

    >>> decimal(0.1)
    1/10
    """
    if isinstance(value, int):
        return number(int(value))
    if not math.isfinite(value):
        raise Undecided(f"the number {value} in a formula")
    return number(Fraction(float.__repr__(float.__add__(value, 0.0))))


def name(text: str, interval: Interval = REALS) -> Node:
    """A name; with another interval it is another node."""
    return _node("v", text, interval)


ZERO, ONE, TWO = number(0), number(1), number(2)


def add(x: Node, y: Node) -> Node:
    """x + y.

    >>> t = name("t")
    >>> add(subtract(t, ONE), ONE) is t
    True
    """
    if x.value is not None and y.value is not None:
        return number(x.value + y.value)
    if x is ZERO or y is ZERO:
        return y if x is ZERO else x
    if (x.op == "neg" and x.args[0] is y) or (y.op == "neg" and y.args[0] is x):
        return ZERO
    for one, other in ((x, y), (y, x)):  # x + (z - x)
        if other.op == "+" and other.args[1].op == "neg" and other.args[1].args[0] is one:
            found: Node = other.args[0]
            return found
    if y.value is not None and x.op == "+" and x.args[1].value is not None:
        return add(x.args[0], number(x.args[1].value + y.value))
    if x.op == "neg" and y.op != "neg":
        return _node("+", y, x)
    return _node("+", x, y)


def negative(x: Node) -> Node:
    if x.value is not None:
        return number(-x.value)
    return x.parts[0] if x.op == "neg" else _node("neg", x)


def subtract(x: Node, y: Node) -> Node:
    return add(x, negative(y))


def multiply(x: Node, y: Node) -> Node:
    if x.value is not None and y.value is not None:
        return number(x.value * y.value)
    if x is ZERO or y is ZERO:
        return ZERO
    if x is ONE or y is ONE:
        return y if x is ONE else x
    minus = number(-1)
    if x is minus or y is minus:
        return negative(y if x is minus else x)
    if x.op == "neg" or y.op == "neg":
        inner = multiply(*(part.args[0] if part.op == "neg" else part for part in (x, y)))
        return inner if x.op == y.op else negative(inner)
    if x.op == "*" and x.args[1] is y:  # a*g*g
        return multiply(x.args[0], power(y, TWO))
    return power(x, TWO) if x is y else _node("*", x, y)


def divide(x: Node, y: Node) -> Node:
    """x/y. Undecided where y is 0."""
    if y is ZERO:
        raise Undecided("a division by zero")
    if x.value is not None and y.value is not None:
        return number(x.value / y.value)
    if y is ONE:
        return x
    if x is ZERO and y.range.not_zero:
        return ZERO
    if x.op == "neg" or y.op == "neg":
        inner = divide(*(part.args[0] if part.op == "neg" else part for part in (x, y)))
        return inner if x.op == y.op else negative(inner)
    if y.op == "q":
        minus = number(-1)
        if y is minus:
            return negative(x)
    return _node("/", x, y)


def power(x: Node, y: Node) -> Node:
    """x**y. Undecided for numbers that get too long."""
    exponent, base = y.value, x.value
    if exponent is not None:
        if exponent == 0:
            return ONE
        if exponent == 1:
            return x
        if exponent == Fraction(1, 2):
            return function("sqrt", x)
        if exponent == Fraction(-1, 2):
            return divide(ONE, function("sqrt", x))
        if exponent < 0:
            return divide(ONE, power(x, number(-exponent)))
        if base is not None and exponent.denominator == 1:
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if bits * exponent > MAX_BITS:
                raise Undecided(f"a power of more than {MAX_BITS} bits")
            return number(base ** int(exponent))
        if x.op == "sqrt" and exponent == 2 and x.parts[0].range.not_negative:
            return x.parts[0]
        if x.op == "neg" and exponent.denominator == 1 and exponent.numerator % 2 == 0:
            return power(x.args[0], y)
        if x.op == "^" and x.args[1].value is not None and exponent.denominator == 1 == x.args[1].value.denominator:
            return power(x.args[0], number(exponent * x.args[1].value))
    return ONE if x is ONE else _node("^", x, y)


_EXACT: dict[str, Callable[..., Fraction]] = {
    "abs": abs, "sign": lambda x: Fraction((x > 0) - (x < 0)), "min": min, "max": max,
}  # fmt: skip


def function(op: str, *args: Node) -> Node:
    """sqrt, abs, sign, exp, log of one argument, min and max of two; worked out where that is exact.

    >>> function("sqrt", number(Fraction(9, 4)))
    3/2
    """
    values = [part.value for part in args if part.value is not None]
    if len(values) == len(args):
        if op in _EXACT:
            return number(_EXACT[op](*values))
        if op == "sqrt" and values[0] >= 0:
            exact = Fraction(math.isqrt(values[0].numerator), math.isqrt(values[0].denominator))
            if exact**2 == values[0]:
                return number(exact)
        if (op == "exp" and values[0] == 0) or (op == "log" and values[0] == 1):
            return number(1 - values[0])
        if op in ("sqrt", "log") and values[0] < (0 if op == "sqrt" else 1e-300):
            raise Undecided(f"{op}({values[0]})")
    (x, *rest) = args
    if op == "abs" and (x.range.not_negative or x.range.not_positive):
        return x if x.range.not_negative else negative(x)
    if op == "sign" and x.range.not_zero:
        return number(1 if x.range.positive else -1)
    if op in ("min", "max"):
        (y,) = rest
        difference = subtract(x, y).range
        if x is y or difference.not_negative or difference.not_positive:
            return x if x is y or difference.not_negative == (op == "max") else y
    return _node(op, *args)


# --- choices ----------------------------------------------------------------------------------------------------------


def case(z: Node, below: Node, at: Node, above: Node) -> Node:
    """One of three by the sign of z.

    >>> x = name("x")
    >>> case(x, number(-1), ZERO, ONE)
    sign(x,)
    """
    if z.op in ("neg", "sign"):
        return case(z.args[0], above, at, below) if z.op == "neg" else case(z.args[0], below, at, above)
    size = z.range
    if z is ZERO or size.positive or size.negative:
        return at if z is ZERO else above if size.positive else below
    if size.not_negative or size.not_positive:
        # where z is never negative, say nothing of that case
        below, above = (at, above) if size.not_negative else (below, at)
    below, at, above = (restricted(part, z, which) for which, part in enumerate((below, at, above)))
    if below is at is above:
        return at
    if below.value == -1 and at is ZERO and above is ONE:
        return function("sign", z)
    return _node("case", z, below, at, above)


def restricted(node: Node, z: Node, which: int) -> Node:
    """The node where z has that sign (0 negative, 1 zero, 2 positive): choices by z are made."""

    def chosen(old: Node, args: tuple[Node, ...]) -> Node | None:
        if old.op == "case" and old.args[0] is z:
            return args[1 + which]
        return number(which - 1) if old.op == "sign" and old.args[0] is z else None

    if z is node or not any(part.op in ("case", "sign") and part.args[0] is z for part in ordered([node])):
        return node
    return rebuilt([node], chosen)[0]


_TRUTH = {  # relation -> whether it holds where left - right is negative, zero, positive
    "<": (1, 0, 0), "<=": (1, 1, 0), ">": (0, 0, 1), ">=": (0, 1, 1), "=": (0, 1, 0), "!=": (1, 0, 1),
}  # fmt: skip
NEGATION = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}


def truth(relation: str, x: Node, y: Node) -> Node:
    """1 where x relation y, else 0; a choice on one side is looked into.

    >>> p = name("p", Interval(Fraction(1), None, above=True))
    >>> truth(">", case(name("z"), ZERO, ZERO, p), ONE)
    case(z, 0, 0, 1)
    """
    for side, other in ((x, y), (y, x)):
        if side.op == "case" or (side.op == "sign" and other.value is not None):
            branches = side.args[1:] if side.op == "case" else (number(-1), ZERO, ONE)
            pairs = [(branch, other) if side is x else (other, branch) for branch in branches]
            return case(side.args[0], *(truth(relation, *pair) for pair in pairs))
    values = [number(bit) for bit in _TRUTH[relation]]
    return case(subtract(x, y), values[0], values[1], values[2])


def choose(mask: Node, yes: Node, no: Node) -> Node:
    """yes where the mask (of `truth`) is 1, no where it is 0. Undecided for a mask of another kind."""
    return _choose(mask, yes, no, 0)


def _choose(mask: Node, yes: Node, no: Node, depth: int) -> Node:
    if mask is ONE or mask is ZERO:
        return yes if mask is ONE else no
    if mask.op == "sign" and mask.range.not_negative:
        mask = _node("case", mask.args[0], ZERO, ZERO, ONE)
    if mask.op != "case" or depth > MAX_CHOICES:
        raise Undecided("a choice by something that is no comparison")
    return case(mask.args[0], *(_choose(part, yes, no, depth + 1) for part in mask.args[1:]))


def both(x: Node, y: Node) -> Node:
    """The mask that is 1 where both are."""
    return choose(x, y, ZERO)


def opposite(x: Node) -> Node:
    """The mask that is 1 where x is 0."""
    return choose(x, ZERO, ONE)


# --- walks ------------------------------------------------------------------------------------------------------------


def ordered(roots: Iterable[Node]) -> list[Node]:
    """Every node once, each after its parts."""
    found: dict[Node, None] = {}
    for root in roots:
        stack = [(root, False)]
        while stack:
            node, done = stack.pop()
            if done:
                found[node] = None
            elif node not in found:
                stack.append((node, True))
                stack += [(part, False) for part in reversed(node.parts) if part not in found]
    return list(found)


def rebuilt(roots: Iterable[Node], change: Callable[[Node, tuple[Node, ...]], Node | None]) -> list[Node]:
    """The nodes made anew; `change` gets a node and its new parts, and gives another one, or None."""
    roots = list(roots)
    new: dict[Node, Node] = {}
    for node in ordered(roots):
        parts = tuple(new[part] for part in node.parts)
        changed = change(node, parts)
        new[node] = (node if parts == node.parts else make(node.op, parts)) if changed is None else changed
    return [new[root] for root in roots]


def make(op: str, parts: tuple[Node, ...]) -> Node:
    """The node of an operation."""
    makers: dict[str, Callable[..., Node]] = {
        "+": add, "neg": negative, "*": multiply, "/": divide, "^": power, "case": case,
    }  # fmt: skip
    return makers[op](*parts) if op in makers else function(op, *parts)


def put(roots: Iterable[Node], values: Mapping[Node, Node]) -> list[Node]:
    """The nodes with others for some of their names.

    >>> x, y = name("x"), name("y")
    >>> put([add(x, ONE)], {x: y})[0] is add(y, ONE)
    True
    """
    return rebuilt(roots, lambda node, parts: values.get(node))


def names(roots: Iterable[Node]) -> set[str]:
    """The names that occur."""
    return {node.args[0] for node in ordered(roots) if node.op == "v"}

"""Floats that carry an expression: code computes with them as with any float, and what it does is written down."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

from derive.errors import Undecided
from numeric.lift import expressions as ex
from numeric.lift.expressions import NEGATION, Node

Comparison = tuple[str, Node, Node]
_records: list[list[Comparison]] = []


@contextmanager
def recording() -> Iterator[list[Comparison]]:
    """The comparisons that are made within, each as it turned out: x < y that is false is x >= y.

    >>> with recording() as found:
    ...     small = Tracked(3.0, ex.name("x")) < 2
    >>> small, found
    (False, [('>=', x, 2)])
    """
    found: list[Comparison] = []
    _records.append(found)
    try:
        yield found
    finally:
        _records.pop()


def compared(relation: str, left: Node, right: Node, holds: bool) -> bool:
    """Write down how a comparison turned out, unless it could not have turned out otherwise."""
    known = ex.truth(relation, left, right)
    if known.value is None and _records:
        entry = (relation if holds else NEGATION[relation], left, right)
        if entry not in _records[-1]:
            _records[-1].append(entry)
    return holds if known.value is None else bool(known.value)


def node_of(value: Any) -> Node:
    """The expression of a number. Undecided for what is none.

    >>> node_of(Tracked(0.5, ex.name("x"))), node_of(0.1)
    (x, 1/10)
    """
    if isinstance(value, Tracked):
        return value.node
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Undecided(f"a {type(value).__name__} where a number was expected")
    return ex.decimal(value)


class Tracked(float):
    """A float and the expression that it is the value of.

    It survives + - * / ** abs, unary minus, comparisons with numbers (which are recorded), and `functions` for math.
    Constants stay exact: 1 - 0.8 is 1/5. Errors: Undecided where an expression that is no constant would be lost
    (float, int, round, //, %).

    >>> (1 - Tracked(0.5, ex.name("b")) ** 2).node
    +(1, neg(^(b, 2),))
    """

    node: Node
    __slots__ = ("node",)

    def __new__(cls, value: float, node: Node) -> Tracked:
        made = super().__new__(cls, value)
        made.node = node
        return made

    def _binary(self, other: Any, compute: Callable[..., Any], make: Callable[..., Node], turned: bool) -> Any:
        if not isinstance(other, int | float) or isinstance(other, bool):
            return NotImplemented
        pair = _plain(self), _plain(other)
        nodes = (self.node, node_of(other))
        if turned:
            pair, nodes = (pair[1], pair[0]), (nodes[1], nodes[0])
        value = compute(*pair)
        if isinstance(value, complex) or value is NotImplemented:
            raise Undecided("a complex number")
        return Tracked(value, make(*nodes))

    def __add__(self, other: Any) -> Any:
        return self._binary(other, float.__add__, ex.add, False)

    def __radd__(self, other: Any) -> Any:
        return self._binary(other, float.__add__, ex.add, True)

    def __sub__(self, other: Any) -> Any:
        return self._binary(other, float.__sub__, ex.subtract, False)

    def __rsub__(self, other: Any) -> Any:
        return self._binary(other, float.__sub__, ex.subtract, True)

    def __mul__(self, other: Any) -> Any:
        return self._binary(other, float.__mul__, ex.multiply, False)

    def __rmul__(self, other: Any) -> Any:
        return self._binary(other, float.__mul__, ex.multiply, True)

    def __truediv__(self, other: Any) -> Any:
        return self._binary(other, float.__truediv__, ex.divide, False)

    def __rtruediv__(self, other: Any) -> Any:
        return self._binary(other, float.__truediv__, ex.divide, True)

    def __pow__(self, other: Any, modulus: None = None) -> Any:
        return self._binary(other, float.__pow__, ex.power, False)

    def __rpow__(self, other: Any, modulus: None = None) -> Any:
        return self._binary(other, float.__pow__, ex.power, True)

    def __neg__(self) -> Any:
        return Tracked(float.__neg__(self), ex.negative(self.node))

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return Tracked(float.__abs__(self), ex.function("abs", self.node))

    def _compare(self, relation: str, other: Any, holds: Any) -> Any:
        if holds is NotImplemented:
            return holds
        return compared(relation, self.node, node_of(other), bool(holds))

    def __lt__(self, other: Any) -> Any:
        return self._compare("<", other, float.__lt__(self, other))

    def __le__(self, other: Any) -> Any:
        return self._compare("<=", other, float.__le__(self, other))

    def __gt__(self, other: Any) -> Any:
        return self._compare(">", other, float.__gt__(self, other))

    def __ge__(self, other: Any) -> Any:
        return self._compare(">=", other, float.__ge__(self, other))

    def __eq__(self, other: Any) -> Any:
        return self._compare("=", other, float.__eq__(self, other))

    def __ne__(self, other: Any) -> Any:
        return self._compare("!=", other, float.__ne__(self, other))

    __hash__ = float.__hash__

    def __bool__(self) -> bool:
        return compared("!=", self.node, ex.ZERO, float.__bool__(self))

    def _lost(self, *args: Any) -> NoReturn:
        raise Undecided("a rounding or a remainder of a symbol")

    __trunc__ = __round__ = __floor__ = __ceil__ = is_integer = as_integer_ratio = _lost
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = __rdivmod__ = _lost

    def __float__(self) -> float:
        if self.node.value is None:
            raise Undecided("a symbol as a plain number")
        return _plain(self)

    def __int__(self) -> int:
        return int(self.__float__())


# --- functions that know them -----------------------------------------------------------------------------------------


def _one(op: str, plain: Callable[..., float]) -> Callable[..., Any]:
    def call(x: Any) -> Any:
        return Tracked(plain(x), ex.function(op, node_of(x))) if isinstance(x, Tracked) else plain(x)

    return call


def _extreme(op: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **more: Any) -> Any:
        parts: Sequence[Any] = tuple(args[0]) if len(args) == 1 else args
        if more or not any(isinstance(part, Tracked) for part in parts):
            return plain(*args, **more)
        node = node_of(parts[0])
        for part in parts[1:]:
            node = ex.function(op, node, node_of(part))
        return Tracked(_plain(plain(parts, key=_plain)), node)

    return call


def _plain(x: Any) -> float:
    return float.__add__(x, 0.0) if isinstance(x, float) else float(x)


class _Math:
    """The module math, for code that computes with Tracked."""

    sqrt, exp, log, fabs = (
        staticmethod(_one(op, plain))
        for op, plain in (("sqrt", math.sqrt), ("exp", math.exp), ("log", math.log), ("abs", math.fabs))
    )

    @staticmethod
    def pow(x: Any, y: Any) -> Any:
        return x**y if isinstance(x, Tracked) or isinstance(y, Tracked) else math.pow(x, y)

    def __getattr__(self, name: str) -> Any:
        found = getattr(math, name)

        def guarded(*args: Any) -> Any:
            if any(isinstance(arg, Tracked) for arg in args):
                raise Undecided(f"math.{name} of a symbol")
            return found(*args)

        return guarded if callable(found) else found


_MATH = _Math()
_REPLACED = {
    "max": _extreme("max", builtins.max), "min": _extreme("min", builtins.min),
    **{op: getattr(_MATH, op) for op in ("sqrt", "exp", "log")},
}  # fmt: skip


@contextmanager
def functions(modules: Iterable[ModuleType]) -> Iterator[None]:
    """Within, `max` and `min` and what these modules have of math know Tracked; afterwards all is as before."""
    changed: list[tuple[dict[str, Any], str, Any]] = []
    missing = object()
    try:
        for module in modules:
            place = vars(module)
            new = {name: _REPLACED[name] for name in ("max", "min") if place.get(name, missing) is missing}
            new |= {name: _MATH for name, value in place.items() if value is math}
            new |= {name: getattr(_MATH, value.__name__) for name, value in place.items() if _of_math(value)}
            for name, value in new.items():
                changed.append((place, name, place.get(name, missing)))
                place[name] = value
        yield
    finally:
        for place, name, before in reversed(changed):
            if before is missing:
                place.pop(name, None)
            else:
                place[name] = before


def _of_math(value: Any) -> bool:
    return type(value).__name__ == "builtin_function_or_method" and getattr(value, "__module__", "") == "math"

"""Straight-line programs as plain data: values in the order in which they are computed, and which are the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

Dims = tuple[str, ...]  # () a scalar, (ROW,) one number per row, (ROW, CLASS) one per row and class, ...
ROW, CLASS = "n", "K"

# operation -> how many arguments it has; the names are those of NumPy, but for the last two
OPERATIONS = {
    "add": 2, "subtract": 2, "multiply": 2, "divide": 2, "power": 2, "minimum": 2, "maximum": 2, "negative": 1,
    "absolute": 1, "sign": 1, "sqrt": 1, "exp": 1, "log": 1, "expm1": 1, "log1p": 1, "sum": 1,
    "expand": 1, "kronecker": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Input:
    """What the caller gives, under the name that it has in the book."""

    name: str
    dims: Dims = ()


@dataclass(frozen=True)
class Constant:
    """An exact rational, or "pi"."""

    value: Fraction | str
    dims: Dims = ()


@dataclass(frozen=True)
class Operation:
    """One operation on earlier values, given by their numbers.

    `sum` adds up the last axis. `expand` repeats a value along new axes: `axes` says where in the result its own axes
    are. `kronecker` is the identity matrix of the classes.
    """

    op: str
    arguments: tuple[int, ...]
    dims: Dims = ()
    axes: tuple[int, ...] = ()


Value = Input | Constant | Operation


@dataclass(frozen=True)
class Program:
    """Values in the order in which they are computed, and which of them are the outputs, by name."""

    values: tuple[Value, ...]
    outputs: tuple[tuple[str, int], ...]

    @property
    def inputs(self) -> tuple[Input, ...]:
        return tuple(value for value in self.values if isinstance(value, Input))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the outputs."""
        return tuple(name for name, _ in self.outputs)

    def output(self, name: str) -> Value:
        """The value of that output."""
        return self.values[dict(self.outputs)[name]]

    def only(self, *names: str) -> Program:
        """The program of these outputs alone, without what they do not need.

        >>> from numeric.translation import translate
        >>> two = translate({"a": ("f", "exp", ("v", "x")), "b": ("v", "x")}, rows=["x"])
        >>> len(two.values), len(two.only("b").values)
        (2, 1)
        """
        outputs = dict(self.outputs)
        needed: set[int] = {outputs[name] for name in names}
        for number in range(len(self.values) - 1, -1, -1):
            value = self.values[number]
            if number in needed and isinstance(value, Operation):
                needed.update(value.arguments)
        place = {old: new for new, old in enumerate(sorted(needed))}
        values = (self.values[old] for old in place)
        moved = tuple(_moved(value, place) if isinstance(value, Operation) else value for value in values)
        return Program(moved, tuple((name, place[outputs[name]]) for name in names))


def _moved(value: Operation, place: Mapping[int, int]) -> Operation:
    return Operation(value.op, tuple(place[number] for number in value.arguments), value.dims, value.axes)

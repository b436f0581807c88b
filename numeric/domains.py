"""Facts about numbers, such as "0 < tau < 1" or "y integer >= 0", checked on the numbers that a caller gives."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from derive.errors import InputError
from derive.kernel.terms import Term, instantiate
from numeric.exact import exact_outputs, rational
from numeric.program import Program
from numeric.translation import translate

if TYPE_CHECKING:
    from numeric.compile import Array

_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A relation between the outputs `left` and `right` of a program."""

    relation: str
    sides: Program


@dataclass(frozen=True)
class Facts:
    """Facts as they were written, as programs, and which of the names are integers."""

    text: str
    conditions: tuple[Condition, ...]
    integers: tuple[str, ...]

    def demand(self, values: Mapping[str, float], where: str = "") -> None:
        """Refuse scalars that break a fact; the comparison is exact. `where` says what they are part of."""
        inputs = {name: rational(value) for name, value in values.items()}
        kept = all(inputs[name].denominator == 1 for name in self.integers) and all(
            _RELATIONS[condition.relation](*exact_outputs(condition.sides, inputs).values())
            for condition in self.conditions
        )
        if not kept:
            shown = ", ".join(f"{name} = {value!r}" for name, value in values.items())
            raise InputError(f"{shown}{where} is outside the domain", remedy=f"expected {self.text}")

    def demand_all(self, name: str, values: Array, first: int = 0) -> None:
        """Refuse an array with a row that breaks a fact, and name the first such row; row 0 is called `first`."""
        import numpy as np

        from numeric.compile import kernel

        for condition in self.conditions:
            sides = kernel(condition.sides).run(**{name: values})
            left, right = sides["left"], sides["right"]
            if condition.relation == "=":
                # Numbers that were divided by their own sum are equal to 1 up to the rounding of both sums.
                kept = np.abs(left - right) <= values.shape[-1] * np.finfo(values.dtype).eps * np.abs(right)
            else:
                kept = _RELATIONS[condition.relation](left, right)
            self._refuse(name, values, kept, first)
        if name in self.integers:
            self._refuse(name, values, np.floor(values) == values, first)

    def _refuse(self, name: str, values: Array, kept: Any, first: int) -> None:
        if not kept.all():
            row = int((~kept).reshape(len(values), -1).any(axis=1).argmax())
            raise InputError(f"{name}[{first + row}] is {values[row]}", remedy=f"expected {self.text}")


@lru_cache(maxsize=256)
def facts(text: str, rows: tuple[str, ...] = ()) -> Facts:
    """The facts of a text, about scalars and about arrays with one number per row (or row and class).

    >>> facts("0 < tau < 1").demand({"tau": 0.5})
    >>> facts("lam >= 0").demand({"lam": -0.5})
    Traceback (most recent call last):
    derive.errors.InputError: lam = -0.5 is outside the domain; expected lam >= 0
    """
    from derive.syntax import parse_given

    given = parse_given(text)
    scalars = [symbol.name for symbol in given.symbols if symbol.name not in rows]
    integers = tuple(symbol.name for symbol in given.symbols if symbol.kind == "integer")
    return Facts(text, tuple(_condition(fact, scalars, rows) for fact in given.facts), integers)


def _condition(fact: Term, scalars: list[str], rows: tuple[str, ...]) -> Condition:
    if fact[0] == "all":  # for every class
        return _condition(instantiate(fact[2], ("v", "k")), scalars, rows)
    sides = translate({"left": fact[1], "right": fact[2]}, scalars=scalars, rows=rows, indices=("k",))
    return Condition(fact[0], sides)

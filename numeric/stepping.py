"""One step on flat arrays: the plan of a rule as NumPy calls that write into the arrays and into scratch.

Scalars are Python floats, worked out before any array is touched: those that never change once, the others each step.
Large arrays are done in blocks, so that scratch and what was just computed stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from derive.errors import InputError
from derive.update_rule import RATE, STEP
from numeric.compile import SCALAR_FUNCTIONS, UFUNCS, Array
from numeric.inplace import COPY, Plan, constant_scalars
from numeric.program import Constant, Input, Operation
from numeric.text import as_float

# Elements of a block, by itemsize: 512 KB in both cases. Smaller ones lose to the cost of a call, larger ones leave the
# cache (docs/performance.md). Up to two blocks are done in one.
BLOCK = {4: 131_072, 8: 65_536}

Scalars = list[float]
# What runs a plan on arrays of one length, in the order of plan.arrays. It is made with the scalars that meet an array,
# by the number of their value, and called with all scalars of the step, and with NumPy's warnings off.
Runner = Callable[[Sequence[Array], Scalars], None]
Make = Callable[[Plan, np.dtype[Any], Mapping[int, float | None]], Runner]  # None: it is another one in each step


class Backend(NamedTuple):
    """What makes a runner, and whether all numbers of an array are finite; the latter may say no without need."""

    make: Make
    seems_finite: Callable[[Array], bool]


_Step = tuple[Callable[..., float], tuple[int, ...], int]


class Stepper:
    """A plan bound to hyperparameters and a dtype. It owns scratch: threads need one each.

    What comes with each step are t, the learning rate, and scalar state.
    """

    def __init__(
        self, plan: Plan, fixed: Mapping[str, float], scalar_state: Sequence[str], dtype: np.dtype[Any],
        make: Make,
    ) -> None:  # fmt: skip
        self.plan, self.dtype = plan, dtype
        values = plan.program.values
        constant, moving = constant_scalars(plan, frozenset((STEP, RATE, *scalar_state)))
        self.values: Scalars = [0.0] * len(values)
        inputs = {value.name: number for number, value in enumerate(values) if isinstance(value, Input)}
        # A rule that does not use t or the learning rate gets them in a place that nobody reads.
        self.values.append(0.0)
        self.step, self.rate = (inputs.get(name, len(values)) for name in (STEP, RATE))
        self.given = [(name, inputs[name]) for name in scalar_state if name in inputs]
        self.steps = self._operations(moving)
        for number in constant:
            value = values[number]
            if isinstance(value, Constant):
                self.values[number] = as_float(value.value)
            elif isinstance(value, Input):
                self.values[number] = float(fixed[value.name])
        work_out(self.values, self._operations(constant))
        for number in sorted(set(used_scalars(plan)) & set(constant)):
            self._fits(number)
        fixed_values = {number: self.values[number] for number in used_scalars(plan)}
        varying = set(fixed_values) & set(moving)
        self.run = make(plan, dtype, fixed_values | dict.fromkeys(varying))
        # A Python float has the range of float64, so that there is nothing to be asked of it there.
        self.narrow = sorted(varying) if dtype.itemsize < 8 else []
        self.largest = float(np.finfo(dtype).max)

    def _operations(self, numbers: Sequence[int]) -> list[_Step]:
        found = ((number, self.plan.program.values[number]) for number in numbers)
        return [(SCALAR_FUNCTIONS[v.op], v.arguments, n) for n, v in found if isinstance(v, Operation)]

    def _fits(self, number: int) -> None:
        limits, value = np.finfo(self.dtype), self.values[number]
        if value and not float(limits.smallest_subnormal) <= abs(value) <= float(limits.max):
            made = self.plan.program.values[number]
            name = made.name if isinstance(made, Input) else "a scalar of the rule"
            raise InputError(
                f"{name} = {value!r} is beyond the range of {self.dtype}",
                remedy="use float64, or another hyperparameter",
            )

    def scalars(self, t: int, rate: float, state: Mapping[str, float]) -> None:
        """Work out all scalars of step t, before any array is touched. Raises InputError for one that is not finite."""
        values = self.values
        values[self.step], values[self.rate] = float(t), rate
        for name, number in self.given:
            values[number] = state[name]
        work_out(values, self.steps)
        for number in self.narrow:  # what is too small is 0, as in every sum
            if abs(values[number]) > self.largest:
                self._fits(number)

    def results(self) -> dict[str, float]:
        """The new values of scalar state."""
        return {name: self.values[number] for name, number in self.plan.scalar_outputs}


def numpy_seems_finite(array: Array) -> bool:
    """The sum of the squares tells, in one pass without a temporary; it may overflow where no number is inf."""
    return math.isfinite(array.dot(array))


def used_scalars(plan: Plan) -> tuple[int, ...]:
    """The scalars that meet an array, by the number of their value."""
    return tuple(sorted({-1 - source for write in plan.writes for source in write.arguments if source < 0}))


def work_out(values: Scalars, steps: Sequence[_Step]) -> None:
    """Scalar operations in their order, in Python floats. Raises InputError for a result that is not finite."""
    for function, arguments, target in steps:
        try:
            if len(arguments) == 2:
                result = function(values[arguments[0]], values[arguments[1]])
            else:
                result = function(values[arguments[0]])
        except (ArithmeticError, ValueError):
            result = math.nan
        if result - result != 0.0:  # inf or nan; cheaper than asking for both
            shown = f"{function.__name__.strip('_')}({', '.join(repr(values[number]) for number in arguments)})"
            raise InputError(f"{shown} is no finite number", remedy="use other hyperparameters, or a smaller rate")
        values[target] = result


# These two take the target by name only (NumPy 2.4); for the others a place is faster.
_CALLS: dict[str, Callable[..., Any]] = {
    COPY: np.positive,
    "minimum": lambda left, right, target: np.minimum(left, right, out=target),
    "maximum": lambda left, right, target: np.maximum(left, right, out=target),
}  # fmt: skip


def numpy_runner(plan: Plan, dtype: np.dtype[Any], used: Mapping[int, float | None]) -> Runner:
    """The plan as NumPy calls, with scratch that is kept between the calls."""
    block = BLOCK[dtype.itemsize]
    arrays, scratch = len(plan.arrays), len(plan.arrays) + plan.scratch
    # Scalars wait in arrays without axes: for NumPy that is less work than a Python float, with the same rounding.
    waiting = np.array([0.0 if value is None else value for value in used.values()], dtype)
    moving = [(place, number) for place, (number, value) in enumerate(used.items()) if value is None]
    index = {-1 - number: scratch + place for place, number in enumerate(used)}
    values: list[Any] = [None] * scratch + [waiting[place : place + 1].reshape(()) for place in range(len(used))]
    # Each call with its operands in it; `holes` are where a place stands, so that only what is another array is put in.
    calls: list[list[Any]] = []
    holes: list[list[tuple[list[Any], int]]] = [[] for _ in values]
    for write in plan.writes:
        operands = [index.get(source, source) for source in write.arguments]
        call = [_CALLS.get(write.op) or UFUNCS[write.op], None, None, None]
        calls.append(call)
        for slot, operand in enumerate((*operands, write.target), start=1 if len(operands) == 2 else 2):
            holes[operand].append((call, slot))
    own: list[Array] = [np.empty(0, dtype) for _ in range(plan.scratch)]

    def put(place: int, array: Any) -> None:
        values[place] = array
        for call, slot in holes[place]:
            call[slot] = array

    for place in range(scratch, len(values)):
        put(place, values[place])

    def go(given: Sequence[Array], lent: Sequence[Array]) -> None:
        for place, array in enumerate(given):
            if array is not values[place]:
                put(place, array)
        if lent and lent[0] is not values[arrays]:
            for place, array in enumerate(lent, start=arrays):
                put(place, array)
        for ufunc, left, right, target in calls:
            if left is None:  # of one argument, which stands before the target
                ufunc(right, target)
            else:
                ufunc(left, right, target)

    def run(given: Sequence[Array], scalars: Scalars) -> None:
        size = len(given[0])
        for place, number in moving:
            waiting[place] = scalars[number]
        wanted = size if size <= 2 * block else block
        if own and len(own[0]) != wanted:
            own[:] = [np.empty(wanted, dtype) for _ in own]
        if size == wanted:
            go(given, own)
            return
        for start in range(0, size, block):
            stop = min(start + block, size)
            lent = own if stop - start == block else [array[: stop - start] for array in own]
            go([array[start:stop] for array in given], lent)
        for place in range(arrays):  # large arrays of other people are not kept alive
            put(place, None)

    return run


NUMPY = Backend(numpy_runner, numpy_seems_finite)

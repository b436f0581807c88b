"""A program as NumPy calls: the same operations as the readable text, each written into scratch that is used again.

A kernel is data: tuples of (ufunc, numbers of the arguments, number of the result). Scalars are Python floats, worked
out once when the kernel is bound to sizes and a dtype; what is left are the operations on arrays.
"""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.errors import InputError
from numeric.program import OPERATIONS, Constant, Dims, Input, Operation, Program
from numeric.text import as_float

Array = NDArray[np.floating[Any]]
DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
Step = tuple[Callable[..., Any], tuple[int, ...], int]

UFUNCS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name) for name in OPERATIONS if name not in ("sum", "expand", "kronecker")
} | {"sum": partial(np.add.reduce, axis=-1)}


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


SCALAR_FUNCTIONS: dict[str, Callable[..., float]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "negative": operator.neg, "absolute": abs, "minimum": min, "maximum": max, "sign": _sign, "power": math.pow,
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "expm1": math.expm1, "log1p": math.log1p,
}  # fmt: skip


class OutOfRange(InputError):
    """A scalar, or what is worked out from scalars alone, is no float."""


_UNDERFLOWING = (operator.mul, operator.truediv, math.pow, math.exp)  # 0 from numbers that are not


@dataclass(frozen=True)
class Kernel:
    """A program made ready: what is worked out with scalars, what with arrays, and which results share a buffer."""

    program: Program
    scalars: tuple[Step, ...]
    arrays: tuple[Step, ...]
    buffers: tuple[Dims, ...]
    place: Mapping[int, int]  # value -> its buffer

    def bind(self, scalars: Mapping[str, float], sizes: Mapping[str, int], dtype: np.dtype[Any]) -> Bound:
        """The kernel with its scalars worked out and its scratch allocated, for arrays of these sizes and this dtype.

        `sizes` are those of the axes: {"n": rows, "K": classes}.
        Errors: InputError for a scalar that is not finite, or beyond the range of the dtype.
        """
        values: list[Any] = [None] * len(self.program.values)
        for number, value in enumerate(self.program.values):
            if isinstance(value, Constant):
                values[number] = as_float(value.value)
            elif isinstance(value, Input) and not value.dims:
                values[number] = float(scalars[value.name])
        for function, arguments, target in self.scalars:
            values[target] = _scalar(function, [values[number] for number in arguments])
        for number in {number for _, arguments, _ in self.arrays for number in arguments}:
            if isinstance(values[number], float):
                _fits(values[number], dtype)
        scratch = [np.empty([sizes[dim] for dim in dims], dtype) for dims in self.buffers]
        for number, buffer in self.place.items():
            values[number] = scratch[buffer]
        late = []
        for number, value in enumerate(self.program.values):
            if isinstance(value, Operation) and value.op == "kronecker":
                values[number] = np.eye(sizes[value.dims[0]], dtype=dtype)
            elif isinstance(value, Operation) and value.op == "expand":
                source, index = value.arguments[0], _index(value)
                if values[source] is None:
                    late.append((source, index, number))
                else:
                    values[number] = values[source][index]
        return Bound(self, values, tuple(late))

    def run(self, /, **inputs: float | Array) -> dict[str, Any]:
        """The outputs for these inputs, by name: scalars as numbers, the others as arrays of one dtype.

        Errors: InputError for a name too many or too few, for shapes that do not go together, and for dtypes other than
        float32 and float64, or both.

        >>> from derive.syntax import parse_expression
        >>> from numeric.translation import translate
        >>> loss = translate({"value": parse_expression("z - y").term}, rows=["z", "y"])
        >>> kernel(loss).run(z=np.array([1.0, 2.0]), y=np.array([0.5, 0.5]))
        {'value': array([0.5, 1.5])}
        """
        declared = {value.name: value.dims for value in self.program.inputs}
        if set(inputs) != set(declared):
            raise InputError(f"the inputs are {', '.join(declared)}, not {', '.join(inputs)}")
        sizes: dict[str, int] = {}
        for name, dims in declared.items():
            shape = np.shape(inputs[name])
            if len(shape) != len(dims) or any(sizes.setdefault(d, s) != s for d, s in zip(dims, shape, strict=True)):
                raise InputError(f"{name} has shape {shape}; expected ({', '.join(dims)}), the same in all inputs")
        arrays = {name: np.asarray(inputs[name]) for name, dims in declared.items() if dims}
        dtypes = {array.dtype for array in arrays.values()} or {np.dtype(np.float64)}
        if len(dtypes) > 1 or not dtypes <= set(DTYPES):
            raise InputError(
                f"the inputs have dtypes {', '.join(map(str, dtypes))}; expected float32 or float64, alone"
            )
        scalars = {name: float(np.asarray(inputs[name])) for name, dims in declared.items() if not dims}
        return self.bind(scalars, sizes, dtypes.pop())(arrays)


@dataclass
class Bound:
    """A kernel with its scratch. Calling it overwrites what the last call returned; threads need one each."""

    kernel: Kernel
    values: list[Any]
    late: tuple[tuple[int, Any, int], ...]  # views of inputs, which are known only at the call
    names: dict[str, int] = field(init=False)
    overflowed: bool = field(init=False, default=False)  # whether anything was beyond the range in the last call

    def __post_init__(self) -> None:
        self.names = {
            value.name: number
            for number, value in enumerate(self.kernel.program.values)
            if isinstance(value, Input) and value.dims
        }

    def __call__(self, arrays: Mapping[str, Array]) -> dict[str, Any]:
        values = self.values
        for name, number in self.names.items():
            values[number] = arrays[name]
        for source, index, target in self.late:
            values[target] = values[source][index]
        # Overflow to inf and underflow to 0 are what rounding makes of a number beyond the range of the dtype.
        self.overflowed = False
        with np.errstate(over="call", under="ignore", call=self._overflow):
            for ufunc, arguments, target in self.kernel.arrays:
                ufunc(*[values[number] for number in arguments], out=values[target])
        return {name: values[number] for name, number in self.kernel.program.outputs}

    def _overflow(self, *_: Any) -> None:
        self.overflowed = True


@lru_cache(maxsize=256)
def kernel(program: Program) -> Kernel:
    """The kernel of a program. Results whose last reader is gone give their buffer to the next result of that shape."""
    values = program.values
    source = list(range(len(values)))  # whose memory a value lives in: a view lives in that of what it repeats
    last: dict[int, float] = {}
    for number, value in enumerate(values):
        if isinstance(value, Operation):
            if value.op == "expand":
                source[number] = source[value.arguments[0]]
            for argument in value.arguments:
                last[source[argument]] = number
    last |= {source[number]: math.inf for _, number in program.outputs}

    free: defaultdict[Dims, list[int]] = defaultdict(list)
    buffers: list[Dims] = []
    place: dict[int, int] = {}
    scalars: list[Step] = []
    arrays: list[Step] = []
    for number, value in enumerate(values):
        if not isinstance(value, Operation):
            continue
        if not value.dims and not any(values[argument].dims for argument in value.arguments):
            scalars.append((SCALAR_FUNCTIONS[value.op], value.arguments, number))
            continue
        if value.op not in ("expand", "kronecker"):
            # An elementwise result may overwrite an argument: each element is read before it is written.
            for argument in {source[argument] for argument in value.arguments} & place.keys():
                if last[argument] == number:
                    free[values[argument].dims].append(place[argument])
            if not free[value.dims]:
                free[value.dims].append(len(buffers))
                buffers.append(value.dims)
            place[number] = free[value.dims].pop()
            arrays.append((UFUNCS[value.op], value.arguments, number))
    return Kernel(program, tuple(scalars), tuple(arrays), tuple(buffers), place)


def _index(value: Operation) -> tuple[slice | None, ...]:
    return tuple(slice(None) if axis in value.axes else None for axis in range(len(value.dims)))


def _scalar(function: Callable[..., float], arguments: list[float]) -> float:
    try:
        result = function(*arguments)
    except (ArithmeticError, ValueError):
        result = math.nan
    underflow = not result and all(arguments) and function in _UNDERFLOWING
    if underflow or not math.isfinite(result):
        shown = f"{function.__name__.strip('_')}({', '.join(map(repr, arguments))})"
        raise OutOfRange(f"{shown} is undefined, or beyond the range of floats", remedy="use other hyperparameters")
    return result


def _fits(value: float, dtype: np.dtype[Any]) -> None:
    limits = np.finfo(dtype)
    if value and not float(limits.smallest_subnormal) <= abs(value) <= float(limits.max):
        raise OutOfRange(f"{value!r} is beyond the range of {dtype}", remedy="use float64, or another hyperparameter")

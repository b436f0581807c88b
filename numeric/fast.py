"""A plan compiled by Numba: one pass over the arrays, with the operations of the program in their order.

The function is put together as a syntax tree from the program: no text is parsed, and nothing of a user's is in it but
the structure of a rule. `fastmath` is off and nothing is contracted, so the bits are those of NumPy.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from derive.errors import InputError, MissingDependency
from numeric.compile import Array
from numeric.inplace import Plan
from numeric.program import Operation
from numeric.stepping import Backend, Runner, Scalars, used_scalars

_BINARY: dict[str, type[ast.operator]] = {
    "add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div,
}  # fmt: skip
_CALLED = ("minimum", "maximum", "sign", "sqrt", "absolute")


def numba_runner(plan: Plan, dtype: np.dtype[Any], used: Mapping[int, float | None]) -> Runner:
    """The plan as one compiled loop. Raises MissingDependency without numba, InputError for an operation it lacks."""
    loop = compiled(plan)
    numbers = tuple(used)
    kind = dtype.type

    def run(given: Sequence[Array], scalars: Scalars) -> None:
        loop(*given, *[kind(scalars[number]) for number in numbers])

    return run


@lru_cache(maxsize=64)
def compiled(plan: Plan) -> Callable[..., None]:
    """The loop over all elements, for arrays in the order of plan.arrays, then the scalars that meet an array."""
    made: Callable[..., None] = numba().njit(fastmath=False, error_model="numpy")(loop_of(plan))
    return made


def numba() -> Any:
    """The package. Raises MissingDependency where it is not installed."""
    try:
        import numba as found
    except ImportError:
        raise MissingDependency("backend 'numba' needs numba: pip install 'symstep[fast]'") from None
    return found


# The exponent bits, and one unit of the exponent: added to all ones, it carries into the sign.
_EXPONENT = {4: (np.uint32(0x7F800000), np.uint32(0x00800000)), 8: (np.uint64(0x7FF0 << 48), np.uint64(0x0010 << 48))}


def numba_seems_finite(array: Array) -> bool:
    """Whether no exponent is all ones, read in eight places at once: a single stream does not fill the memory bus."""
    size = array.dtype.itemsize
    bits = array.view(np.uint32 if size == 4 else np.uint64)
    found: int = _carried()(bits, *_EXPONENT[size])
    return found < 1 << (8 * size - 1)


@lru_cache(maxsize=1)
def _carried() -> Callable[..., int]:
    def carried(bits: Any, mask: Any, unit: Any) -> Any:
        part = len(bits) // 8
        found = unit & mask
        for i in range(part):
            for k in range(8):
                found |= (bits[i + k * part] & mask) + unit
        for i in range(8 * part, len(bits)):
            found |= (bits[i] & mask) + unit
        return found

    made: Callable[..., int] = numba().njit(carried)
    return made


def loop_of(plan: Plan) -> types.FunctionType:
    """The same loop as a plain Python function, which Numba compiles: for each element, read, compute, write."""
    tree = ast.fix_missing_locations(syntax(plan, used_scalars(plan)))
    module = compile(tree, "<update rule>", "exec")
    code = next(constant for constant in module.co_consts if isinstance(constant, types.CodeType))
    return types.FunctionType(code, {"np": np, "range": range, "len": len}, "loop")


def syntax(plan: Plan, used: Sequence[int]) -> ast.Module:
    """The syntax tree of `loop`: a0, a1, ... are arrays, s3 is the scalar and v3 the value of number 3."""
    values = plan.program.values
    arrays = {name: f"a{place}" for place, name in enumerate(plan.arrays)}
    inputs = {number: arrays[value.name] for number, value in enumerate(values)
              if not isinstance(value, Operation) and value.dims and hasattr(value, "name")}  # fmt: skip

    def name(text: str) -> ast.expr:
        return ast.Name(text, ast.Load())

    def element(array: str, context: ast.expr_context) -> ast.Subscript:
        return ast.Subscript(name(array), name("i"), context)

    def value(number: int) -> ast.expr:
        return name(f"v{number}" if values[number].dims else f"s{number}")

    def operation(op: Operation) -> ast.expr:
        parts = [value(argument) for argument in op.arguments]
        if op.op in _BINARY:
            return ast.BinOp(parts[0], _BINARY[op.op](), parts[1])
        if op.op == "negative":
            return ast.UnaryOp(ast.USub(), parts[0])
        if op.op not in _CALLED:
            raise InputError(f"backend 'numba' has no {op.op} of arrays", remedy="use backend 'numpy'")
        return ast.Call(ast.Attribute(name("np"), op.op, ast.Load()), parts, [])

    body: list[ast.stmt] = []
    for number, each in enumerate(values):
        if each.dims:
            read = element(inputs[number], ast.Load()) if number in inputs else operation(each)  # type: ignore[arg-type]
            body.append(ast.Assign([ast.Name(f"v{number}", ast.Store())], read))
    for output, number in plan.program.outputs:
        if output in arrays:
            body.append(ast.Assign([element(arrays[output], ast.Store())], value(number)))
    first = name(arrays[plan.arrays[0]])
    over = ast.Call(name("range"), [ast.Call(name("len"), [first], [])], [])
    loop = ast.For(ast.Name("i", ast.Store()), over, body, [])
    parameters = [ast.arg(text) for text in (*arrays.values(), *(f"s{number}" for number in used))]
    return ast.Module([ast.FunctionDef("loop", ast.arguments([], parameters, None, [], [], None, []), [loop], [])], [])


NUMBA = Backend(numba_runner, numba_seems_finite)

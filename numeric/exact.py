"""The same program on rationals, on symbols, and in any other number system; one observation at a time.

`exact` is the truth where a program needs no root, exponential or logarithm, and `terms` gives the mathematics back
that a program stands for. Balls, from which tests take their tolerance, are in numeric/balls.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from numbers import Rational
from typing import Any

from derive.errors import InputError, Undecided
from derive.kernel.terms import ONE, TWO, Term, abstract, q, sub
from numeric.inplace import COPY, Plan
from numeric.program import CLASS, ROW, Constant, Input, Operation, Program


@dataclass(frozen=True)
class Numbers:
    """A number system: how it takes an input and a constant, what its operations are, how it adds up many."""

    given: Callable[[Any], Any]
    constant: Callable[[Fraction | str], Any]
    operations: Mapping[str, Callable[..., Any]]
    total: Callable[[Sequence[Any]], Any]


def evaluate(program: Program, inputs: Mapping[str, Any], numbers: Numbers) -> dict[str, Any]:
    """The outputs for one observation: numbers, or tuples of them where there is one for each class.

    An input with one number per row is a number here; a family such as z[k] is a sequence of them.
    """
    return _Run(program, inputs, numbers).outputs()


class _Run:
    """The values already computed, by number and class indices."""

    def __init__(self, program: Program, inputs: Mapping[str, Any], numbers: Numbers) -> None:
        self.program, self.numbers = program, numbers
        self.known: dict[tuple[int, tuple[int, ...]], Any] = {}
        self.inputs: dict[str, Any] = {}
        sizes: set[int] = set()
        for value in program.inputs:
            if value.name not in inputs:
                raise InputError(f"the input {value.name} is missing")
            given = inputs[value.name]
            if CLASS in value.dims:
                self.inputs[value.name] = [numbers.given(item) for item in given]
                sizes.add(len(self.inputs[value.name]))
            else:
                self.inputs[value.name] = numbers.given(given)
        if len(sizes) > 1:
            raise InputError(f"families of {' and '.join(map(str, sorted(sizes)))} classes", remedy="give all the same")
        self.classes = range(max(sizes, default=0))

    def outputs(self) -> dict[str, Any]:
        # From the first value on: nothing is then missing when it is needed, and no recursion gets deep.
        every = [self.spread(value.dims.count(CLASS), (number, ())) for number, value in enumerate(self.program.values)]
        return {name: every[number] for name, number in self.program.outputs}

    def spread(self, axes: int, key: tuple[int, tuple[int, ...]]) -> Any:
        number, indices = key
        return tuple(self.spread(axes - 1, (number, (*indices, k))) for k in self.classes) if axes else self.at(*key)

    def at(self, number: int, indices: tuple[int, ...]) -> Any:
        key = number, indices
        if key not in self.known:
            self.known[key] = self.compute(self.program.values[number], indices)
        return self.known[key]

    def compute(self, value: Input | Constant | Operation, indices: tuple[int, ...]) -> Any:
        if isinstance(value, Constant):
            return self.numbers.constant(value.value)
        if isinstance(value, Input):
            return self.inputs[value.name][indices[0]] if indices else self.inputs[value.name]
        if value.op == "kronecker":
            return self.numbers.constant(Fraction(indices[0] == indices[1]))
        if value.op == "sum":
            return self.numbers.total([self.at(value.arguments[0], (*indices, k)) for k in self.classes])
        if value.op == "expand":
            return self.at(value.arguments[0], kept(value, indices))
        arguments = [self.at(number, indices if self.program.values[number].dims else ()) for number in value.arguments]
        return self.numbers.operations[value.op](*arguments)


def execute(plan: Plan, inputs: Mapping[str, Any], numbers: Numbers) -> dict[str, Any]:
    """One element through a plan, place by place: each operation reads its places and overwrites its target.

    What comes out is what the kernel computes, with all that it overwrites too early, if it did. Returns arrays and
    scalar results by name.
    """
    values: list[Any] = [None] * len(plan.program.values)
    for number in plan.scalars:
        value = plan.program.values[number]
        if isinstance(value, Constant):
            values[number] = numbers.constant(value.value)
        elif isinstance(value, Input):
            values[number] = numbers.given(inputs[value.name])
        else:
            values[number] = numbers.operations[value.op](*(values[argument] for argument in value.arguments))
    places = [numbers.given(inputs[name]) for name in plan.arrays] + [None] * plan.scratch
    for write in plan.writes:
        given = [places[source] if source >= 0 else values[-1 - source] for source in write.arguments]
        places[write.target] = given[0] if write.op == COPY else numbers.operations[write.op](*given)
    outputs = {name: values[number] for name, number in plan.scalar_outputs}
    return outputs | dict(zip(plan.arrays, places, strict=False))


def kept(value: Operation, indices: tuple[Any, ...]) -> tuple[Any, ...]:
    """Those class indices of an expanded value that the value has which it repeats."""
    rows = value.dims.count(ROW)
    return tuple(indices[axis - rows] for axis in value.axes if axis >= rows)


def rational(number: Any) -> Fraction:
    """A finite number as the rational it is: 0.1 is the float nearest to 1/10."""
    try:
        return Fraction(number if isinstance(number, Rational) else float(number + 0))  # no text, which float() reads
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{number!r} is no finite number") from None


# --- rationals ------------------------------------------------------------------------------------------------------


def rationals(*, uninterpreted: bool = False) -> Numbers:
    """Exact rationals, with sqrt, exp, log and broken powers refused, or uninterpreted as in `exact_outputs`."""
    functions = {name: _opaque(name) if uninterpreted else _irrational(name) for name in ("sqrt", "exp", "log")}
    more: dict[str, Callable[..., Fraction]] = {
        "log1p": lambda x: functions["log"](1 + x), "expm1": lambda x: functions["exp"](x) - 1,
    }  # fmt: skip
    if uninterpreted:
        more["power"] = _opaque_power

    def constant(value: Fraction | str) -> Fraction:
        return _irrational(value)(Fraction(0)) if isinstance(value, str) else value

    return Numbers(rational, constant, _RATIONAL | functions | more, sum)


def exact_outputs(program: Program, inputs: Mapping[str, Any], *, uninterpreted: bool = False) -> dict[str, Any]:
    """The outputs as rationals, exactly, for one observation; a family is a sequence of numbers.

    With `uninterpreted`, sqrt, exp and log become functions of which nothing is known but that equal arguments give
    equal results: two programs that agree under them agree for every sqrt, exp and log.
    Errors: InputError for a division by zero; Undecided where a value is irrational.

    >>> from derive.syntax import parse_expression
    >>> from numeric.translation import translate
    >>> third = translate({"value": parse_expression("abs(z - y)/3").term}, rows=["z", "y"])
    >>> exact_outputs(third, {"z": 1, "y": 3})
    {'value': Fraction(2, 3)}
    """
    return evaluate(program, inputs, rationals(uninterpreted=uninterpreted))


def _irrational(name: str) -> Callable[[Fraction], Fraction]:
    def refuse(_: Fraction) -> Fraction:
        raise Undecided(f"{name} has no exact rational value; use enclosure, or exact_outputs(..., uninterpreted=True)")

    return refuse


def _opaque(name: str) -> Callable[[Fraction], Fraction]:
    """A positive rational that only the name and the argument determine; two arguments never share one in practice."""

    def value(x: Fraction) -> Fraction:
        text = f"{name} {x.numerator}/{x.denominator}"
        return Fraction(int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()) + 1, 1 << 128)

    return value


def _quotient(x: Fraction, y: Fraction) -> Fraction:
    if not y:
        raise InputError(f"a division of {x} by zero")
    return x / y


def _power(x: Fraction, y: Fraction) -> Fraction:
    if y.denominator != 1:
        return _irrational("a power with an exponent that is no integer,")(y)
    if not x and y < 0:
        raise InputError("a negative power of zero")
    return Fraction(x ** int(y))


def _opaque_power(x: Fraction, y: Fraction) -> Fraction:
    return _power(x, y) if y.denominator == 1 else _opaque(f"power {y}")(x)


_RATIONAL: dict[str, Callable[..., Fraction]] = {
    "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y, "divide": _quotient,
    "power": _power, "negative": lambda x: -x, "absolute": abs, "minimum": min, "maximum": max,
    "sign": lambda x: Fraction((x > 0) - (x < 0)),
}  # fmt: skip


# --- symbols --------------------------------------------------------------------------------------------------------


def terms(program: Program, indices: Sequence[str] = ("k", "l"), classes: str = CLASS) -> dict[str, Term]:
    """The outputs as terms: what the program computes, over the reals, in the names of the book.

    `indices` are the names of the class indices that stay free in an output.

    >>> from derive.ascii import show
    >>> from derive.syntax import parse_expression
    >>> from numeric.translation import translate
    >>> show(terms(translate({"value": parse_expression("log(1 + z**3)").term}, rows=["z"]))["value"])
    'log(1 + z*z*z)'
    """

    @cache
    def at(number: int, places: tuple[Term, ...]) -> Term:
        value = program.values[number]
        if isinstance(value, Constant):
            return ("c", value.value) if isinstance(value.value, str) else q(value.value)
        if isinstance(value, Input):
            return ("ix", value.name, *places) if places else ("v", value.name)
        if value.op == "kronecker":
            return ("f", "kronecker", *places)
        if value.op == "sum":
            name = f"{classes}_{len(places)}"  # an author's index has no such name: it would be free in the term
            return ("sum", ONE, ("v", classes), abstract(at(value.arguments[0], (*places, ("v", name))), name))
        if value.op == "expand":
            return at(value.arguments[0], kept(value, places))
        return _TERMS[value.op](*(at(part, places if program.values[part].dims else ()) for part in value.arguments))

    free = tuple(("v", name) for name in indices)
    return {name: at(number, free[: program.values[number].dims.count(CLASS)]) for name, number in program.outputs}


def symbols() -> Numbers:
    """Terms: what an operation makes of them is the term of the operation."""

    def constant(value: Fraction | str) -> Term:
        return ("c", value) if isinstance(value, str) else q(value)

    # What is multiplied by itself is a square, and so not negative: sums are not compared factor by factor.
    square = {"multiply": lambda x, y: ("^", x, TWO) if x == y else _TERMS["multiply"](x, y)}
    return Numbers(lambda term: term, constant, _TERMS | square, lambda parts: ("+", *parts))


def _function(name: str) -> Callable[..., Term]:
    return lambda *arguments: ("f", name, *arguments)


def _joined(tag: str) -> Callable[[Term, Term], Term]:
    """a + b + c from (a + b) + c, as the author wrote it."""
    return lambda left, right: (*left, right) if left[0] == tag else (tag, left, right)


_TERMS: dict[str, Callable[..., Term]] = {
    "add": _joined("+"), "subtract": lambda x, y: _joined("+")(x, ("neg", y)), "multiply": _joined("*"),
    "divide": lambda x, y: ("/", x, y), "power": lambda x, y: ("^", x, y), "negative": lambda x: ("neg", x),
    "log1p": lambda x: ("f", "log", ("+", ONE, x)), "expm1": lambda x: sub(("f", "exp", x), ONE),
    "absolute": _function("abs"), "minimum": _function("min"), "maximum": _function("max"),
    **{name: _function(name) for name in ("sign", "sqrt", "exp", "log")},
}  # fmt: skip

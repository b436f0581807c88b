"""From a term to a program: each operation once, in the order in which the author wrote it.

A program computes what its term says and nothing else: no term is reordered, x/3 stays a division, and an integer
power is a fixed series of products. It differs from the term in two ways that are identities over the reals and much
better in floats: log(1 + u) is log1p(u), and exp(u) - 1 is expm1(u). Rationals stay exact until a dtype is known.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from functools import reduce

from derive.ascii import show
from derive.errors import InputError
from derive.kernel.terms import ONE, Term, add
from numeric.program import CLASS, ROW, Constant, Dims, Input, Operation, Program, Value

_FUNCTIONS = {"exp": "exp", "log": "log", "sqrt": "sqrt", "abs": "absolute", "sign": "sign"}
_FOLDS = {"min": "minimum", "max": "maximum"}
_REFUSED = {
    "argmin": "an argmin", "argmax": "an argmax", "diff": "a derivative that is not worked out",
    "subdiff": "a subdifferential", "prod": "a product over an index", "interval": "an interval",
    "call": "a function that is not defined", "b": "an index without its sum",
}  # fmt: skip
MAX_EXPONENT, MAX_BITS = 1 << 16, 1 << 16  # of a constant power; of a constant that is worked out


def translate(
    outputs: Mapping[str, Term],
    *,
    scalars: Collection[str] = (),
    rows: Collection[str] = (),
    indices: Collection[str] = (),
    classes: str = CLASS,
) -> Program:
    """The program of some terms, one output each; what they have in common is computed once.

    `scalars` are the names that stand for one number, `rows` those with one number per row: shape (n,), or (n, K)
    where the term indexes them by a class, as in z[k]. `indices` are the class indices that occur free, in the order of
    the axes of the result; a sum runs over all classes: sum(..., k, 1, K), where `classes` is the name of K.
    Errors: InputError for what cannot be run (it says which part, and why), and for a name that is in neither list.

    >>> from derive.syntax import parse_expression
    >>> translate({"slope": parse_expression("2*(z - y)").term}, rows=["z", "y"]).values
    (Constant(value=Fraction(2, 1), dims=()), Input(name='z', dims=('n',)), Input(name='y', dims=('n',)),
     Operation(op='subtract', arguments=(1, 2), dims=('n',), axes=()),
     Operation(op='multiply', arguments=(0, 3), dims=('n',), axes=()))
    """
    builder = _Builder(dict.fromkeys(scalars, ()) | dict.fromkeys(rows, (ROW,)), tuple(indices), classes)
    try:
        places = tuple((name, builder.value(term)[0]) for name, term in outputs.items())
    except RecursionError:
        raise InputError("the term is nested too deeply to be run", remedy="write a simpler term") from None
    return Program(tuple(builder.values), places).only(*outputs)


_Axes = tuple[int | str, ...]  # the axes of a value: _ROWS, the name of a free index, or the depth of a bound one
_ROWS = -1
_Labelled = tuple[int, _Axes]


class _Builder:
    """The values so far. A value is looked up before it is added, so that nothing is computed twice."""

    def __init__(self, names: Mapping[str, Dims], indices: tuple[str, ...], classes: str) -> None:
        self.names, self.classes = names, classes
        self.values: list[Value] = []
        self.number: dict[Value, int] = {}
        self.inputs: dict[str, Input] = {}
        self.frame: list[int | str] = [_ROWS, *indices]  # the axes in the order in which arrays have them
        self.depth = 0  # how many sums are open

    def value(self, term: Term) -> _Labelled:
        """The number of the value of a term, and the axes that it has."""
        tag = term[0]
        if tag == "q":
            return self.add(Constant(Fraction(term[1]))), ()
        if tag == "c":
            return self.add(Constant(term[1])), ()
        if tag in ("v", "ix"):
            return self.name(term)
        if tag == "neg":
            return self.apply("negative", self.value(term[1]))
        if tag == "+":
            return self.sum_of(term[1:])
        if tag == "*":
            return self.fold("multiply", term[1:])
        if tag == "/":
            return self.divide(self.value(term[1]), self.value(term[2]), term)
        if tag == "^":
            return self.power(term)
        if tag == "f":
            return self.function(term)
        if tag == "sum":
            return self.sum_over(term)
        raise cannot(term, _REFUSED.get(tag, "a claim, not a number"))

    def add(self, value: Value) -> int:
        if value not in self.number:
            self.number[value] = len(self.values)
            self.values.append(value)
        return self.number[value]

    # --- names -------------------------------------------------------------------------------------------------------

    def name(self, term: Term) -> _Labelled:
        """A declared name w, or its place z[k] for one class."""
        name = term[1]
        if name not in self.names:
            near = difflib.get_close_matches(name, self.names, 1)
            hint = f"did you mean {near[0]}?" if near else f"the names here are {', '.join(self.names) or 'none'}"
            raise InputError(f"nothing says what {name} is", remedy=hint)
        own: _Axes = (_ROWS,) if self.names[name] else ()
        if len(term) > (3 if own else 2):
            raise cannot(term, "a place with two indices" if own else f"an index on the scalar {name}")
        axes = (*own, *(self.index(index) for index in term[2:]))
        new = Input(name, _dims(axes))
        if self.inputs.setdefault(name, new) != new:
            raise cannot(term, f"{name} with and without an index")
        return self.add(new), axes

    def index(self, term: Term) -> int | str:
        label = self.depth - 1 - term[1] if term[0] == "b" else term[1] if term[0] == "v" else _ROWS
        if label == _ROWS or label not in self.frame:
            raise cannot(term, "an index that belongs to no sum and is not among the free ones")
        found: int | str = label
        return found

    # --- operations --------------------------------------------------------------------------------------------------

    def apply(self, op: str, *arguments: _Labelled) -> _Labelled:
        """An operation on arguments that are first given the same axes; on constants it is worked out exactly."""
        parts = [self.values[number] for number, _ in arguments]
        rationals = [part.value for part in parts if isinstance(part, Constant) and isinstance(part.value, Fraction)]
        if len(rationals) == len(parts) and op in _EXACT:
            folded = _EXACT[op](*rationals)
            if max(folded.numerator.bit_length(), folded.denominator.bit_length()) <= MAX_BITS:
                return self.add(Constant(folded)), ()
        axes = tuple(label for label in self.frame if any(label in of for _, of in arguments))
        numbers = tuple(self.expand(argument, axes) for argument in arguments)
        return self.add(Operation(op, numbers, _dims(axes))), axes

    def expand(self, argument: _Labelled, axes: _Axes) -> int:
        number, own = argument
        if not own or own == axes:
            return number  # a scalar goes with everything
        return self.add(Operation("expand", (number,), _dims(axes), tuple(axes.index(label) for label in own)))

    def fold(self, op: str, terms: tuple[Term, ...]) -> _Labelled:
        return reduce(lambda left, term: self.apply(op, left, self.value(term)), terms[1:], self.value(terms[0]))

    def sum_of(self, terms: tuple[Term, ...]) -> _Labelled:
        """From the left; a - b is a subtraction, and exp(u) - 1 at the beginning is expm1(u)."""
        exponent = _exponent_less_one(*terms[:2]) if len(terms) > 1 else None
        total = self.value(terms[0]) if exponent is None else self.apply("expm1", self.value(exponent))
        for term in terms[1 if exponent is None else 2 :]:
            negative = term[0] == "neg"
            total = self.apply("subtract" if negative else "add", total, self.value(term[1] if negative else term))
        return total

    def divide(self, above: _Labelled, below: _Labelled, term: Term) -> _Labelled:
        if self.values[below[0]] == Constant(Fraction(0)):
            raise cannot(term, "a division by zero")
        return self.apply("divide", above, below)

    def power(self, term: Term) -> _Labelled:
        """x**5 is x*x, squared, times x: from the second binary digit on, square, and times x where it is a 1."""
        base, exponent = self.value(term[1]), self.value(term[2])
        value = self.values[exponent[0]]
        if not isinstance(value, Constant) or not isinstance(value.value, Fraction) or value.value.denominator > 2:
            return self.apply("power", base, exponent)
        number = value.value
        if abs(number.numerator) > MAX_EXPONENT:
            raise cannot(term, f"a power beyond {MAX_EXPONENT}")
        if not number:
            return self.value(ONE)
        root = self.apply("sqrt", base) if number.denominator == 2 else base
        result = root
        for digit in f"{abs(number.numerator):b}"[1:]:
            result = self.apply("multiply", result, result)
            if digit == "1":
                result = self.apply("multiply", result, root)
        return result if number > 0 else self.divide(self.value(ONE), result, term)

    def function(self, term: Term) -> _Labelled:
        name, arguments = term[1], term[2:]
        if name == "log" and arguments[0][0] == "+" and ONE in arguments[0][1:]:
            rest = list(arguments[0][1:])
            rest.remove(ONE)
            return self.apply("log1p", self.value(add(*rest)))
        if name in _FUNCTIONS:
            return self.apply(_FUNCTIONS[name], self.value(arguments[0]))
        if name in _FOLDS:
            return self.fold(_FOLDS[name], arguments)
        if name == "kronecker":
            used = {self.index(argument) for argument in arguments}
            axes = tuple(label for label in self.frame if label in used)
            if len(axes) != 2:
                raise cannot(term, "a Kronecker symbol of anything but two different indices")
            return self.add(Operation("kronecker", (), _dims(axes))), axes
        raise cannot(term, f"the function {name}, for which NumPy has no ufunc")

    def sum_over(self, term: Term) -> _Labelled:
        _, low, high, body = term
        if low != ONE or high != ("v", self.classes):
            raise cannot(term, f"a sum over anything but the classes 1, ..., {self.classes}")
        label, self.depth = self.depth, self.depth + 1
        self.frame.append(label)
        number, axes = self.value(body)
        self.frame.pop()
        self.depth -= 1
        if label not in axes or axes[0] != _ROWS:
            raise cannot(term, "a sum whose terms do not depend on its index, or on no row")
        return self.add(Operation("sum", (number,), _dims(axes[:-1]))), axes[:-1]


def _dims(axes: _Axes) -> Dims:
    return tuple(ROW if label == _ROWS else CLASS for label in axes)


def _exponent_less_one(left: Term, right: Term) -> Term | None:
    """u if the two add up to exp(u) - 1."""
    minus_one = (("neg", ONE), ("q", Fraction(-1)))
    for power, constant in ((left, right), (right, left)):
        if power[:2] == ("f", "exp") and constant in minus_one:
            exponent: Term = power[2]
            return exponent
    return None


def cannot(term: Term, what: str) -> InputError:
    """The error for a part of a term that no program can compute."""
    try:
        text = show(term)
    except (InputError, KeyError, IndexError, ValueError, TypeError):
        text = repr(term)
    return InputError(
        f"{text[:200]} cannot be run: it is {what}", remedy="use sums over classes, + - * / and functions"
    )


def _sign(x: Fraction) -> Fraction:
    return Fraction((x > 0) - (x < 0))


_EXACT: dict[str, Callable[..., Fraction]] = {
    "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y, "negative": lambda x: -x, "absolute": abs, "sign": _sign, "minimum": min,
    "maximum": max,
}  # fmt: skip

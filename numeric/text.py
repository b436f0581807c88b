"""A program as NumPy source for people: what the kernel computes, operation for operation, in the same order.

Nothing here runs it. Tests do, and compare it bit for bit with the kernel of `numeric.compile`.
"""

from __future__ import annotations

import keyword
import math
from collections import Counter
from fractions import Fraction

from derive.errors import InputError
from numeric.program import Constant, Input, Operation, Program

_ADD, _MUL, _NEGATIVE, _ATOM = range(4)  # how tightly a text binds
_INFIX = {"add": (" + ", _ADD), "subtract": (" - ", _ADD), "multiply": ("*", _MUL), "divide": ("/", _MUL)}
_ARRAY = {"absolute": "np.abs", "sum": "np.sum"}  # others are called np.<name>
# Scalars are Python floats, which never turn a float32 array into a float64 one; a np.float64 would.
_SCALAR = {"absolute": "abs", "minimum": "min", "maximum": "max", "power": "math.pow"}  # others: math.<name>
_TAKEN = {"np", "math", "abs", "min", "max", "float", *keyword.kwlist}
_LONG = 72  # an expression beyond this gets a name


def numpy_text(program: Program, name: str = "f") -> str:
    """The source of a function of the inputs that returns the outputs, one or a tuple, in the order of the program.

    It needs `np` and `math`. What is used twice has a name: that of the output, or t1, t2, ... Inputs without axes are
    Python floats, the others arrays of one dtype.
    Errors: InputError for a rational that no float is close to.

    >>> from derive.syntax import parse_expression
    >>> from numeric.translation import translate
    >>> value, slope = (parse_expression(text).term for text in ("(z - y)**2", "2*(z - y)"))
    >>> print(numpy_text(translate({"value": value, "slope": slope}, rows=["z", "y"]), "l2"))
    def l2(z, y):
        t1 = z - y
        value = t1*t1
        slope = 2*t1
        return value, slope
    """
    return _Text(program).function(name)


def as_float(value: Fraction | str) -> float:
    """The float nearest to a constant; "pi" is the only one that is not rational."""
    if isinstance(value, str):
        return math.pi
    try:
        nearest = float(value)
    except OverflowError:
        nearest = 0.0
    if value and not nearest:
        raise InputError(f"the constant {str(value)[:40]} is beyond the range of a float", remedy="scale the term")
    return nearest


class _Text:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.uses = Counter(number for value in program.values for number in getattr(value, "arguments", ()))
        self.uses.update(number for _, number in program.outputs)
        self.taken = set(_TAKEN)
        self.inputs: dict[str, str] = {}
        self.texts: list[tuple[str, int]] = []
        self.lines: list[str] = []
        self.count = 0

    def function(self, name: str) -> str:
        self.inputs = {value.name: self.free(value.name) for value in self.program.inputs}
        outputs: dict[int, str] = {}
        for output, number in self.program.outputs:
            if not isinstance(self.program.values[number], Input):
                outputs.setdefault(number, self.free(output))
        alone = len(self.program.outputs) == 1
        for number, value in enumerate(self.program.values):
            if isinstance(value, Input):
                self.texts.append((self.inputs[value.name], _ATOM))
                continue
            text, strength = self.constant(value) if isinstance(value, Constant) else self.operation(value)
            returned = alone and number in outputs and self.uses[number] == 1
            named = self.uses[number] > 1 or len(text) > _LONG or number in outputs
            if isinstance(value, Operation) and named and not returned:
                target = outputs.get(number) or self.scratch()
                self.lines.append(f"{target} = {text}")
                text, strength = target, _ATOM
            self.texts.append((text, strength))
        self.lines.append("return " + ", ".join(self.texts[number][0] for _, number in self.program.outputs))
        return "\n    ".join([f"def {name}({', '.join(self.inputs.values())}):", *self.lines])

    def free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def scratch(self) -> str:
        """A name that is nobody else's; all names of the author are taken before the first is asked for."""
        while True:
            self.count += 1
            if f"t{self.count}" not in self.taken:
                return f"t{self.count}"

    def constant(self, value: Constant) -> tuple[str, int]:
        number = value.value
        nearest = as_float(number)
        if isinstance(number, str):
            return "math.pi", _ATOM
        below = number.denominator
        text = repr(int(nearest) if below == 1 and abs(nearest) < 2**53 else nearest)
        if number not in (Fraction(text), Fraction(nearest)) and max(abs(number.numerator), below) < 2**53:
            return f"{number.numerator}/{below}", _MUL if number > 0 else _ADD
        return text, _ATOM if number >= 0 else _NEGATIVE

    def operation(self, value: Operation) -> tuple[str, int]:
        if value.op in _INFIX:
            sign, strength = _INFIX[value.op]
            left, right = value.arguments
            return f"{self.text(left, strength)}{sign}{self.text(right, _ATOM if strength == _MUL else _MUL)}", strength
        if value.op == "negative":
            return f"-{self.text(value.arguments[0], _ATOM)}", _NEGATIVE
        if value.op == "expand":
            places = ", ".join(":" if axis in value.axes else "None" for axis in range(len(value.dims)))
            return f"{self.text(value.arguments[0], _ATOM)}[{places}]", _ATOM
        if value.op == "kronecker":
            family = next((put for put in self.program.inputs if len(put.dims) > 1), None)
            if family is None:
                raise InputError("nothing says how many classes there are", remedy="use a family such as z[k]")
            name = self.inputs[family.name]
            return f"np.eye({name}.shape[-1], dtype={name}.dtype)", _ATOM
        arguments = ", ".join(self.text(number, _ADD) for number in value.arguments)
        if value.op == "sum":
            return f"np.sum({arguments}, axis=-1)", _ATOM
        if value.dims:
            return f"{_ARRAY.get(value.op, f'np.{value.op}')}({arguments})", _ATOM
        if value.op == "sign":
            return f"float(np.sign({arguments}))", _ATOM
        return f"{_SCALAR.get(value.op, f'math.{value.op}')}({arguments})", _ATOM

    def text(self, number: int, least: int) -> str:
        text, strength = self.texts[number]
        return text if strength >= least else f"({text})"

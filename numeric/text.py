"""A program as NumPy source for people: what the kernel computes, operation for operation, in the same order.

Nothing here runs it. Tests do, and compare it bit for bit with the kernel of `numeric.compile`.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence

from derive.errors import InputError
from numeric.program import Input, Operation, Program
from numeric.writing import ADD, ATOM, Language, Names, Text, as_float, write

__all__ = ["Numpy", "as_float", "numpy_text", "python_scalar"]

_ARRAY = {"absolute": "np.abs", "sum": "np.sum"}  # others are called np.<name>
# Scalars are Python floats, which never turn a float32 array into a float64 one; a np.float64 would.
_SCALAR = {"absolute": "abs", "minimum": "min", "maximum": "max", "power": "math.pow"}  # others: math.<name>


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
    names = Names(Numpy.taken)
    inputs = {value.name: names.free(value.name) for value in program.inputs}
    outputs: dict[int, str] = {}
    for output, number in program.outputs:
        if not isinstance(program.values[number], Input):
            outputs.setdefault(number, names.free(output))
    family = next((inputs[value.name] for value in program.inputs if len(value.dims) > 1), "")
    # A result that is alone, and that nothing else uses, is returned as it is.
    used = {number for value in program.values for number in getattr(value, "arguments", ())}
    inline = outputs.keys() - used if len(program.outputs) == 1 else frozenset[int]()
    written = write(program, Numpy(family), names, inputs, outputs, inline=inline)
    lines = [f"{statement.target} = {statement.text}" for statement in written.statements]
    lines.append("return " + ", ".join(written.texts[number].text for _, number in program.outputs))
    return "\n    ".join([f"def {name}({', '.join(inputs.values())}):", *lines])


class Numpy(Language):
    """NumPy for arrays, Python floats and `math` for scalars. `family` is an array with one column for each class."""

    taken = frozenset({"np", "math", "abs", "min", "max", "float", *keyword.kwlist})

    def __init__(self, family: str = "") -> None:
        self.family = family

    def pi(self) -> Text:
        return Text("math.pi")

    def function(self, value: Operation, arguments: Sequence[Text]) -> Text:
        if value.op == "expand":
            places = ", ".join(":" if axis in value.axes else "None" for axis in range(len(value.dims)))
            return Text(f"{arguments[0].within(ATOM)}[{places}]", ATOM, True)
        if value.op == "kronecker":
            if not self.family:
                raise InputError("nothing says how many classes there are", remedy="use a family such as z[k]")
            return Text(f"np.eye({self.family}.shape[-1], dtype={self.family}.dtype)", ATOM, True)
        inside = ", ".join(argument.within(ADD) for argument in arguments)
        if value.op == "sum":
            return Text(f"np.sum({inside}, axis=-1)", ATOM, bool(value.dims))
        if value.dims:
            return Text(f"{_ARRAY.get(value.op, f'np.{value.op}')}({inside})", ATOM, True)
        return python_scalar(value.op, inside)


def python_scalar(op: str, inside: str) -> Text:
    """A function of Python floats."""
    return Text(f"float(np.sign({inside}))" if op == "sign" else f"{_SCALAR.get(op, f'math.{op}')}({inside})")

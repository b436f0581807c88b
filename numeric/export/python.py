"""What the targets in Python share: words that are taken, functions of scalars, signatures."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping, Sequence

from numeric.export.source import Source
from numeric.program import Operation
from numeric.writing import ADD, ATOM, POWER, Language, Names, Text

TAKEN = frozenset({"abs", "min", "max", "math", "sign", *keyword.kwlist, *keyword.softkwlist})
_SCALAR = {"absolute": "abs", "minimum": "min", "maximum": "max"}  # others: math.<name>


class Python(Language):
    """Scalars as Python floats and `math`; `used` says what has to be imported or defined for them."""

    taken = TAKEN

    def __init__(self) -> None:
        self.used: set[str] = set()

    def function(self, value: Operation, arguments: Sequence[Text]) -> Text:
        if value.dims:
            return self.on_arrays(value, arguments)
        if value.op == "power":
            return power(arguments)  # of Python floats: what math.pow gives
        if value.op == "sign":
            self.used.add("sign")
            return Text(f"sign({inside(arguments)})")
        if value.op not in _SCALAR:
            self.used.add("math")
        return Text(f"{_SCALAR.get(value.op, f'math.{value.op}')}({inside(arguments)})")

    def on_arrays(self, value: Operation, arguments: Sequence[Text]) -> Text:
        """A function, other than + - * /, on arrays."""
        raise NotImplementedError

    def helpers(self) -> list[str]:
        """Functions that Python does not have."""
        return ["def sign(x):", "    return (x > 0) - (x < 0)", "", ""] if "sign" in self.used else []


def power(arguments: Sequence[Text], array: bool = False) -> Text:
    """b**e, as people write it."""
    base, exponent = arguments
    return Text(f"{base.within(ATOM)}**{exponent.within(ATOM)}", POWER, array)


def inside(arguments: Sequence[Text]) -> str:
    """The arguments of a call."""
    return ", ".join(argument.within(ADD) for argument in arguments)


def keywords(source: Source, names: Mapping[str, str]) -> str:
    """The hyperparameters as keywords with their defaults."""
    return "".join(f", {names[name]}={default}" for name, default in source.defaults.items())


def named(source: Source, names: Names, *more: str) -> dict[str, str]:
    """A free name for each input of the rule."""
    return {name: names.free(name) for name in (*more, *source.states, *source.hyperparameters)}


def tuple_of(texts: Iterable[str]) -> str:
    """A tuple in Python: one element has a comma after it."""
    found = list(texts)
    return f"({', '.join(found)}{',' if len(found) == 1 else ''})"


def as_number(text: Text) -> str:
    """A scalar that a state begins as: a float from the start, where it is an integer."""
    return f"{text.text}.0" if text.text.lstrip("-").isdigit() else text.text


def is_zero(text: Text) -> bool:
    return text.text == "0"


def indented(levels: int, lines: Sequence[str]) -> list[str]:
    return [f"{'    ' * levels}{line}" if line else "" for line in lines]

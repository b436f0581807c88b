"""A program as text in some language: brackets only where they are needed, names that nobody else has.

A language says how it writes constants and functions; the order of operations is that of the program, always.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from derive.errors import InputError
from numeric.program import Constant, Input, Operation, Program

ADD, MUL, NEGATIVE, POWER, ATOM = range(5)  # how tightly a text binds
_INFIX = {"add": (" + ", ADD), "subtract": (" - ", ADD), "multiply": ("*", MUL), "divide": ("/", MUL)}
_LONG = 72  # an expression beyond this gets a name


class Text(NamedTuple):
    """An expression, how tightly it binds, and whether it is one number for each element."""

    text: str
    strength: int = ATOM
    array: bool = False

    def within(self, least: int) -> str:
        """The text, in brackets where it binds less tightly than that."""
        return self.text if self.strength >= least else f"({self.text})"


class Statement(NamedTuple):
    """`target` = `text`; the value has this number, and `reads` are the inputs and named values in the text."""

    target: str
    text: str
    number: int
    array: bool
    reads: frozenset[int]


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


class Language:
    """How constants and operations are written. `taken` are the names that a program may not use for itself."""

    taken: Collection[str] = ()

    def constant(self, value: Fraction | str) -> Text:
        """The shortest text of the same float: an integer, a decimal, or p/q where that is what the author wrote."""
        nearest = as_float(value)
        if isinstance(value, str):
            return self.pi()
        below = value.denominator
        text = repr(int(nearest)) if below == 1 and abs(nearest) < self.integers() else repr(nearest)
        if value not in (Fraction(text), Fraction(nearest)) and max(abs(value.numerator), below) < 2**53:
            return self.quotient(value)
        return Text(text, ATOM if value >= 0 else NEGATIVE)

    def integers(self) -> int:
        """From here on an integer is written as a float."""
        return 2**53

    def pi(self) -> Text:
        return Text(repr(math.pi))

    def quotient(self, value: Fraction) -> Text:
        return Text(f"{value.numerator}/{value.denominator}", MUL if value > 0 else ADD)

    def operation(self, value: Operation, arguments: Sequence[Text]) -> Text:
        """The text of an operation on these arguments."""
        array = bool(value.dims)
        if value.op in _INFIX:
            sign, strength = _INFIX[value.op]
            left, right = arguments
            after = right.within(POWER if strength == MUL else MUL)
            return Text(f"{left.within(strength)}{sign}{after}", strength, array)
        if value.op == "negative":
            return Text(f"-{arguments[0].within(POWER)}", NEGATIVE, array)
        return self.function(value, arguments)

    def function(self, value: Operation, arguments: Sequence[Text]) -> Text:
        """Everything but + - * /."""
        raise NotImplementedError

    def copied(self, text: str) -> str:
        """The text of an array that gets a second name: two names of one memory would change together."""
        return text


class Names:
    """Names in one scope; what is asked for is changed until nobody has it."""

    def __init__(self, taken: Collection[str]) -> None:
        self.taken = set(taken)
        self.count = 0

    def free(self, name: str) -> str:
        """That name, with underscores after it if it is taken; it is taken from now on."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def scratch(self, letter: str) -> str:
        """t1, t2, ...: all names of the author are taken before the first is asked for."""
        while True:
            self.count += 1
            if f"{letter}{self.count}" not in self.taken:
                return f"{letter}{self.count}"


@dataclass(frozen=True)
class Written:
    """The statements in the order of the program, and the text of each value after them."""

    statements: tuple[Statement, ...]
    texts: tuple[Text, ...]


def write(
    program: Program, language: Language, names: Names, inputs: Mapping[str, str], outputs: Mapping[int, str],
    *, inline: Collection[int] = (), apart: bool = False, letter: str = "t",
) -> Written:  # fmt: skip
    """A statement for each value that has a name in `outputs`, that is used twice, or whose text is long.

    `inputs` has the texts of the inputs. Values in `inline` get no statement. With `apart`, scalars that array code
    uses get one, so that array code can be a loop in which no scalar is worked out.
    """
    uses = Counter(number for value in program.values for number in getattr(value, "arguments", ()))
    uses.update(number for _, number in program.outputs)
    hoisted = {
        number for value in program.values if apart and value.dims for number in getattr(value, "arguments", ())
        if not program.values[number].dims
    }  # fmt: skip
    texts: list[Text] = []
    reads: list[frozenset[int]] = []
    statements: list[Statement] = []
    for number, value in enumerate(program.values):
        array = bool(value.dims)
        if isinstance(value, Input):
            texts.append(Text(inputs[value.name], ATOM, array))
            reads.append(frozenset({number}))
            continue
        if isinstance(value, Constant):
            texts.append(language.constant(value.value))
            reads.append(frozenset())
            continue
        text = language.operation(value, [texts[argument] for argument in value.arguments])
        read = frozenset().union(*(reads[argument] for argument in value.arguments))
        named = uses[number] > 1 or len(text.text) > _LONG or number in outputs or number in hoisted
        if named and number not in inline:
            target = outputs.get(number) or names.scratch(letter)
            statements.append(Statement(target, text.text, number, array, read))
            text, read = Text(target, ATOM, array), frozenset({number})
        texts.append(text)
        reads.append(read)
    return Written(tuple(statements), tuple(texts))

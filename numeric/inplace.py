"""A program that overwrites what it is given: which operation writes where, so that hardly any scratch is needed.

    plan = plan_of(rule)

A plan is data. `numeric.compile` has the NumPy calls for it, `numeric.fast` compiles it, `numeric.exact` runs it on
rationals and symbols, places and all: a plan that put something in the wrong place would give another formula there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from derive.errors import InputError
from derive.update_rule import GRADIENT, PARAMETER, STEP, UpdateRule
from numeric.program import Input, Operation, Program
from numeric.translation import translate

COPY = "copy"


@dataclass(frozen=True)
class Write:
    """One operation: `arguments` are places, or for scalars -1 - (number of the value); the result goes to `target`."""

    op: str
    arguments: tuple[int, ...]
    target: int


@dataclass(frozen=True)
class Plan:
    """A program ready to overwrite its arrays.

    Places 0, 1, ... are the arrays in `arrays`, those after them scratch. `scalars` are the numbers of the values that
    are worked out before, in their order; `scalar_outputs` name those that are results.
    """

    program: Program
    arrays: tuple[str, ...]
    scratch: int
    scalars: tuple[int, ...]
    writes: tuple[Write, ...]
    scalar_outputs: tuple[tuple[str, int], ...]

    @property
    def overwritten(self) -> tuple[str, ...]:
        """The arrays that hold results afterwards."""
        targets = {write.target for write in self.writes}
        return tuple(name for place, name in enumerate(self.arrays) if place in targets)


@lru_cache(maxsize=256)
def rule_program(rule: UpdateRule, *, lets: bool = False) -> Program:
    """One step of an update rule as a program: outputs are w and the state, with `lets` also the names in between.

    Arrays are w, g and the state that has one number for each parameter; all else are scalars.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> [value.op for value in rule_program(OPTIMIZERS["sgd"]).values if isinstance(value, Operation)]
    ['multiply', 'subtract']
    """
    rows = _rows(rule)
    scalars = [STEP, *(h.name for h in rule.hyperparameters), *(s.name for s in rule.state if s.scalar)]
    program = translate(rule.step, scalars=scalars, rows=rows)
    return program if lets else program.only(*(a.name for a in rule.assignments if a.kind != "let"))


def _rows(rule: UpdateRule) -> tuple[str, ...]:
    return (PARAMETER, GRADIENT, *(state.name for state in rule.state if not state.scalar))


@lru_cache(maxsize=256)
def plan_of(rule: UpdateRule) -> Plan:
    """The plan of one step of a rule. Raises InputError for a scalar state that a line makes an array of.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> plan_of(OPTIMIZERS["adam"]).overwritten
    ('m', 'v', 'w')
    """
    program = rule_program(rule)
    for state in rule.state:
        if state.scalar and program.output(state.name).dims:
            what = f"{rule.name}: a line makes the scalar state {state.name} an array"
            raise InputError(what, remedy="declare it without scalar")
    return in_place(program, _rows(rule))


def in_place(program: Program, arrays: Sequence[str] = ()) -> Plan:
    """The plan of a program whose outputs overwrite the inputs of the same name, and what else `arrays` names.

    A result goes to its own array as soon as nobody reads the old value any more, other results into scratch that is
    used again. Where a value is still read when its array was to be overwritten, the new one is copied at the end.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> plan = in_place(rule_program(OPTIMIZERS["adam"]))
    >>> plan.scratch, len(plan.writes)
    (2, 14)
    """
    return _Planner(program, arrays).plan()


class _Planner:
    """Who reads a value last decides when the place that it is in may be used again."""

    def __init__(self, program: Program, arrays: Sequence[str]) -> None:
        self.program = program
        values = program.values
        self.arrays = tuple(dict.fromkeys((*(value.name for value in program.inputs if value.dims), *arrays)))
        self.number = {value.name: number for number, value in enumerate(values) if isinstance(value, Input)}
        self.outputs = {name: number for name, number in program.outputs if name in self.arrays}
        self.last = dict.fromkeys(range(len(values)), -1)
        for number, value in enumerate(values):
            for argument in value.arguments if isinstance(value, Operation) else ():
                self.last[argument] = number
        # value -> its place; an array that no line reads is there to be written
        self.home = {self.number[name]: place for place, name in enumerate(self.arrays) if name in self.number}
        self.free: list[int] = []
        self.places = len(self.arrays)
        # array -> the value that is in it beside the old one, or after it
        self.guest: dict[int, int] = {}

    def plan(self) -> Plan:
        values = self.program.values
        writes: list[Write] = []
        scalars = [number for number, value in enumerate(values) if not value.dims]
        for number, value in enumerate(values):
            if not isinstance(value, Operation) or not value.dims:
                continue
            arguments = tuple(self.source(argument) for argument in value.arguments)
            target = self.choose(number)
            writes.append(Write(value.op, arguments, target))
            self.home[number] = target
        writes += self.copies()
        scalar_outputs = tuple(output for output in self.program.outputs if output[0] not in self.arrays)
        return Plan(self.program, self.arrays, self.places - len(self.arrays), tuple(scalars), tuple(writes),
                    scalar_outputs)  # fmt: skip

    def source(self, number: int) -> int:
        return self.home[number] if number in self.home else -1 - number

    def choose(self, number: int) -> int:
        """Where the value of that number goes: of each element, arguments are read before the target is written."""
        for place, output in self.own(number):
            if output == number or (output > number and self.last[number] <= output and not self.kept(number)):
                self.release(number)
                self.guest[place] = number
                return place
        self.release(number)
        if not self.free:
            self.free.append(self.places)
            self.places += 1
        return self.free.pop()

    def own(self, number: int) -> Iterator[tuple[int, int]]:
        """The arrays that may be written now, each with the number of its final value; that of this value first."""
        for name, output in sorted(self.outputs.items(), key=lambda item: item[1] != number):
            place, old = self.arrays.index(name), self.number.get(name)
            guest = self.guest.get(place)
            empty = guest is None or (self.last[guest] <= number and not self.kept(guest))
            if empty and (old is None or (self.last[old] <= number and not self.kept(old))):
                yield place, output

    def kept(self, number: int) -> bool:
        """Whether it is a result itself: then it stays until the end."""
        return number in self.outputs.values()

    def release(self, number: int) -> None:
        """Scratch whose last reader is the value of that number may be used again, by that value at the earliest."""
        value = self.program.values[number]
        for argument in dict.fromkeys(value.arguments if isinstance(value, Operation) else ()):
            home = self.home.get(argument, -1)
            scratch = home >= len(self.arrays)
            if scratch and self.last[argument] == number and not self.kept(argument) and home not in self.free:
                self.free.append(home)

    def copies(self) -> list[Write]:
        """What is not yet in the array that it belongs in. One that is still to be copied is not overwritten before."""
        waiting = {
            place: self.source(output)
            for place, output in ((self.arrays.index(name), output) for name, output in self.outputs.items())
            if self.source(output) != place
        }
        writes: list[Write] = []
        while waiting:
            ready = [place for place in waiting if place not in waiting.values()]
            if not ready:  # two arrays that change places: through scratch
                place = next(iter(waiting))
                writes.append(Write(COPY, (place,), self.places))
                waiting = {at: self.places if source == place else source for at, source in waiting.items()}
                self.places += 1
                continue
            for place in ready:
                writes.append(Write(COPY, (waiting.pop(place),), place))
        return writes


def constant_scalars(plan: Plan, varying: frozenset[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The scalars that stay the same, and those that depend on an input in `varying`, each in their order."""
    values = plan.program.values
    moving: set[int] = set()
    for number in plan.scalars:
        value = values[number]
        if (isinstance(value, Input) and value.name in varying) or (
            isinstance(value, Operation) and moving & set(value.arguments)
        ):
            moving.add(number)
    fixed = tuple(number for number in plan.scalars if number not in moving)
    return fixed, tuple(number for number in plan.scalars if number in moving)

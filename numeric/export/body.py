"""One step as statements in the order in which a language can run them, with every name where it still means that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from derive.update_rule import GRADIENT, PARAMETER, STEP
from numeric.export.source import Source
from numeric.program import Input, Operation, Program
from numeric.writing import Language, Names, Statement, Text, write


@dataclass(frozen=True)
class Body:
    """The statements of one step. `whole` has all of them in the order of the book; the others are for loops:

    scalars that array code needs, what is done for each element, and scalars that nothing else needs. `stored` are the
    targets that are places of the caller, not names of the body's own. `texts` are those of the values afterwards.
    """

    whole: tuple[Statement, ...]
    before: tuple[Statement, ...]
    loop: tuple[Statement, ...]
    after: tuple[Statement, ...]
    stored: frozenset[str]
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class Local:
    """What the functions of a file with loops call everything: `name` is a name, `place` what is read and assigned."""

    name: Mapping[str, str]
    place: Mapping[str, str]
    taken: frozenset[str]

    @staticmethod
    def of(source: Source, taken: frozenset[str]) -> Local:
        """Names that the language has not taken; arrays are read and assigned at their element i."""
        names = Names(taken)
        every = (PARAMETER, GRADIENT, *source.states, STEP, *source.hyperparameters)
        found = {name: names.free(name) for name in every}
        elements = {name: f"{found[name]}[i]" for name in (PARAMETER, GRADIENT, *source.arrays)}
        return Local(found, found | elements, frozenset(names.taken))


def body(
    source: Source, program: Program, language: Language, names: Names, places: Mapping[str, str], *, loop: bool
) -> Body:
    """The statements of a program whose outputs of the names in w and the state overwrite the inputs of these names.

    `places` has the text of every input, and of w and the state, which are assigned. With `loop` scalars come apart
    from array code, and values of array code are those of one element.
    """
    kept = (PARAMETER, *source.states)
    found: dict[int, str] = {}
    for name, number in program.outputs:
        if isinstance(program.values[number], Operation) and number not in found:
            found[number] = places[name] if name in kept else names.free(name)
    saved: dict[str, str] = {}
    start = names.count
    while True:
        names.count = start
        made = _Arranged(source, program, language, names, dict(places), found, saved, loop)
        late = [name for name in made.overwritten() if name not in saved]
        if not late:
            return made.body()
        # The old value is still read after the new one is in its place: it gets a name.
        saved |= {name: names.free(f"{name}0") for name in late}


class _Arranged:
    def __init__(
        self, source: Source, program: Program, language: Language, names: Names, places: dict[str, str],
        found: Mapping[int, str], saved: Mapping[str, str], loop: bool,
    ) -> None:  # fmt: skip
        self.program, self.places, self.saved = program, places, saved
        inputs = {value.name: saved.get(value.name, places[value.name]) for value in program.inputs}
        self.written = write(program, language, names, inputs, found, apart=loop, letter="s")
        self.number = {value.name: n for n, value in enumerate(program.values) if isinstance(value, Input)}
        kept = [name for name in (PARAMETER, *source.states) if name in dict(program.outputs)]
        # A result that is another value with a name, an input or a constant is copied to its place at the end.
        self.copies = []
        for name in kept:
            number = dict(program.outputs)[name]
            if found.get(number) != places[name] and self.number.get(name) != number:
                text, array = self.written.texts[number].text, name in (PARAMETER, *source.arrays)
                copied = language.copied(text) if array else text
                self.copies.append(Statement(places[name], copied, number, array, frozenset({number})))
        self.stored = frozenset(places[name] for name in kept)
        self.kept, self.loop = kept, loop
        needed = self.needed()
        first = [Statement(saved[name], places[name], -1, bool(program.values[self.number[name]].dims), frozenset())
                 for name in saved]  # fmt: skip
        every = [*first, *self.written.statements, *self.copies]
        self.before = [each for each in every if not each.array and (each.number in needed or each.number < 0)]
        self.within = [each for each in every if each.array]
        self.after = [each for each in every if not each.array and each not in self.before]
        self.order = [*self.before, *self.within, *self.after] if loop else every

    def needed(self) -> set[int]:
        """The scalars that array code needs."""
        needed: set[int] = set()
        for number in range(len(self.program.values) - 1, -1, -1):
            value = self.program.values[number]
            if isinstance(value, Operation) and (value.dims or number in needed):
                needed.update(value.arguments)
        return {number for number in needed if not self.program.values[number].dims}

    def overwritten(self) -> Iterator[str]:
        """The inputs that are read after something else was written in their place."""
        for name in self.kept:
            if name not in self.number:
                continue
            written = False
            for statement in self.order:
                if written and self.number[name] in statement.reads:
                    yield name
                    break
                # After its own statement the place holds the result, and its number is no longer that of the input.
                written = written or statement.target == self.places[name]

    def body(self) -> Body:
        return Body(
            tuple(self.order), tuple(self.before), tuple(self.within), tuple(self.after), self.stored,
            self.written.texts,
        )  # fmt: skip

"""What every target needs of a rule: its programs, its names, its defaults, and the comment at the top of the file."""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from derive.ascii import show
from derive.errors import InputError
from derive.kernel.terms import Term
from derive.syntax import parse_expression, parse_given
from derive.update_rule import GRADIENT, PARAMETER, STEP, UpdateRule
from numeric.inplace import rule_program
from numeric.program import Operation, Program
from numeric.translation import translate
from numeric.writing import as_float

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_WIDTH = 100


@dataclass(frozen=True)
class Source:
    """A rule that can be written in any language. Raises InputError where a name or a line of it cannot be."""

    rule: UpdateRule

    def __post_init__(self) -> None:
        rule = self.rule
        for name in (*self.hyperparameters, *self.states, *(assignment.name for assignment in rule.assignments)):
            if not _NAME.fullmatch(name):
                raise InputError(
                    f"{rule.name}: the name {name[:40]!r}", remedy="use letters and digits, a letter first"
                )
        for name, number in self.step.outputs:
            array = bool(self.step.values[number].dims)
            if name in self.scalars and array:
                raise InputError(f"{rule.name}: {name} is one number, and its line gives many", remedy="drop `scalar`")
            if name in (PARAMETER, *self.arrays) and not array:
                raise InputError(f"{rule.name}: the line of {name} gives one number", remedy="declare it as `scalar`")
        for name, number in self.initial.outputs:
            if name in self.scalars and self.initial.values[number].dims:
                raise InputError(f"{rule.name}: {name} is one number, and begins as many", remedy="drop `scalar`")

    # --- names -------------------------------------------------------------------------------------------------------

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        return tuple(hyper.name for hyper in self.rule.hyperparameters)

    @property
    def defaults(self) -> dict[str, str]:
        """The default of each hyperparameter: the text of the nearest float, which is the same in every language."""
        return {hyper.name: repr(as_float(hyper.value)) for hyper in self.rule.hyperparameters}

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.rule.state)

    @property
    def arrays(self) -> tuple[str, ...]:
        """The state that has one number for each parameter."""
        return tuple(state.name for state in self.rule.state if not state.scalar)

    @property
    def scalars(self) -> tuple[str, ...]:
        """The state that is one number for all parameters."""
        return tuple(state.name for state in self.rule.state if state.scalar)

    @property
    def words(self) -> tuple[str, ...]:
        """The name of the rule as words from which a name in a language is made."""
        found = re.findall(r"[A-Za-z0-9]+", self.rule.name)
        return tuple(found) if found and not found[0][0].isdigit() else ("rule", *found)

    @property
    def identifier(self) -> str:
        return "_".join(self.words)

    # --- programs ----------------------------------------------------------------------------------------------------

    @cached_property
    def step(self) -> Program:
        """One step; outputs are w, the state, and those names in between that these need."""
        program = rule_program(self.rule, lets=True)
        kept = (PARAMETER, *self.states)
        outputs = dict(program.outputs)
        needed = {outputs[name] for name in kept}
        for number in range(len(program.values) - 1, -1, -1):
            value = program.values[number]
            if number in needed and isinstance(value, Operation):
                needed.update(value.arguments)
        return program.only(*(name for name, number in program.outputs if name in kept or number in needed))

    @cached_property
    def initial(self) -> Program:
        """The state before the first step."""
        return translate(self.rule.initial, scalars=self.hyperparameters, rows=[PARAMETER])

    @cached_property
    def point(self) -> Program | None:
        """Where the gradient is taken, if that is not w."""
        term = parse_expression(self.rule.gradient_at).term
        if term == ("v", PARAMETER):
            return None
        scalars = (*self.hyperparameters, *self.scalars)
        return translate({"point": term}, scalars=scalars, rows=[PARAMETER, *self.arrays])

    # --- words -------------------------------------------------------------------------------------------------------

    @cached_property
    def digest(self) -> str:
        """Of what the rule computes: its lines, state, hyperparameters and the point of the gradient."""
        rule = self.rule
        parts = {
            "name": rule.name,
            "lines": [f"{assignment.name} = {show(assignment.term)}" for assignment in rule.assignments],
            "state": [[state.name, show(rule.initial[state.name]), state.scalar] for state in rule.state],
            "hyperparameters": [
                [h.name, str(h.value), list(map(show, domain(h.domain)))] for h in rule.hyperparameters
            ],
            "gradient_at": show(parse_expression(rule.gradient_at).term),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()

    def comment(self, mark: str, *notes: str) -> list[str]:
        """The lines at the top of a file; `notes` are those of a language."""
        # The first two lines are always these: in Python, text in them could set the encoding of the file.
        lines = [
            "Generated by symstep. To change this, change the rule and generate it anew.",
            "",
            *self._words(*notes),
        ]
        return [_commented(mark, line) for line in lines]

    def _words(self, *notes: str) -> Iterator[str]:
        rule = self.rule
        yield from _wrapped(f"{rule.name}: {rule.title.en}")
        yield from _wrapped(f"Source: {rule.source or 'none is given'}")
        if rule.note.en:
            yield from _wrapped(f"Note: {rule.note.en}")
        yield ""
        yield from (f"    {line}" for line in rule.text().split("\n"))
        yield ""
        where = PARAMETER if self.point is None else f"{rule.gradient_at}, with the state before the step"
        yield from _wrapped(
            f"{PARAMETER}: the parameters; {GRADIENT}: the gradient at {where}; {STEP}: 1 at the first step"
        )
        for hyper in rule.hyperparameters:
            facts = " and ".join(map(shown, chain(domain(hyper.domain)))) or "any number"
            yield from _wrapped(f"{hyper.name} = {hyper.default} by default; {facts}: {hyper.meaning.en}")
        for state in rule.state:
            kind = ", one number for all parameters" if state.scalar else ""
            yield from _wrapped(f"{state.name} = {state.initial} before the first step{kind}: {state.meaning.en}")
        for note in notes:
            yield from _wrapped(note)
        yield f"Digest of the rule: sha256 {self.digest}"


def domain(text: str) -> tuple[Term, ...]:
    """The facts of a domain."""
    return tuple(parse_given(text).facts) if text else ()


def chain(facts: Sequence[Term]) -> list[list[Term]]:
    """Facts in groups that can be written as one chain: 0 <= b, b < 1 is 0 <= b < 1."""
    groups: list[list[Term]] = [[fact] for fact in facts[:1]]
    for before, fact in pairwise(facts):
        if before[2] == fact[1]:
            groups[-1].append(fact)
        else:
            groups.append([fact])
    return groups


def shown(facts: Sequence[Term]) -> str:
    """Facts that follow each other, as a chain of relations."""
    return show(facts[0]) + "".join(f" {fact[0]} {show(fact[2])}" for fact in facts[1:])


def _wrapped(text: str) -> list[str]:
    plain = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return textwrap.wrap(plain, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _commented(mark: str, line: str) -> str:
    """A line of a comment. In C one that ends in a backslash, or in the trigraph for it, would go on."""
    return f"{mark} {line}{'.' if line.endswith((chr(92), '??/')) else ''}".rstrip()

"""Schedules: a learning rate as an expression in t, with what is known of its parameters, and schedules put together.

What is put together is one expression again: it is decided, printed and run like any other. Every schedule has a clock
of its own, t = start, start + 1, ...; where two meet, their first values meet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from derive.ascii import show
from derive.derivation import Assumptions
from derive.errors import InputError
from derive.kernel.terms import ONE, ZERO, Term, add, mul, q
from derive.names import free_names
from derive.series import Decision, decide
from derive.series.language import put, read_schedule
from derive.series.values import Value, holds
from derive.syntax import parse_given

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
Number = int | Fraction


@dataclass(frozen=True)
class Schedule:
    """A learning rate eta_t = expression for every integer t >= start; `given` says what is known of its parameters.

    `a * b`, `a + b`, `2 * a`, `a.then(b, at=10)`, `a.maximum(b)`, `a.minimum(b)`, `a.shifted(3)`, `a.restarting(10)`
    are schedules again. Parameters of the same name in both are told apart by a new name for that of the second, but
    for those that `share` names. Errors, when it is made: InputError where the expression is none, or a parameter is
    not declared.

    >>> Schedule("eta0/t**p", given="eta0 > 0; p real").robbins_monro().robbins_monro.iff
    '(p > 1/2) & (p <= 1)'
    >>> (2 * Schedule("1/t")).then(Schedule("1/t"), at=10).expression
    'Piecewise((2*(1/t), t < 10), (1/(t - 9), True))'
    """

    expression: str
    given: str = ""
    start: int = 1

    def __post_init__(self) -> None:
        read_schedule(self.expression, self.given)

    @property
    def term(self) -> Term:
        """The expression as a term of derive.series.language."""
        return read_schedule(self.expression, self.given)[0]

    @property
    def assumptions(self) -> Assumptions:
        return read_schedule(self.expression, self.given)[1]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(symbol.name for symbol in self.assumptions.symbols)

    def robbins_monro(self) -> Decision:
        """Whether sum eta_t diverges and sum eta_t**2 converges, for which parameters, and why."""
        return decide(self.expression, self.given, self.start)

    # --- one schedule ------------------------------------------------------------------------------------------------

    def at(self, **values: Number) -> Schedule:
        """The schedule with numbers for some of its parameters.

        Facts that the numbers satisfy are left out. Errors: InputError for an unknown parameter, and for a value that
        is outside its domain.

        >>> Schedule("0 + eta0/t**p", "eta0 > 0; p real").at(p=1)
        Schedule(expression='eta0/t', given='eta0 > 0', start=1)
        """
        unknown = [name for name in values if name not in self.parameters]
        if unknown:
            raise InputError(f"there is no parameter {unknown[0]}", remedy=f"there are {', '.join(self.parameters)}")
        numbers = {name: Fraction(value) for name, value in values.items()}
        given = "; ".join(_settled(self.given, numbers))
        return Schedule(show(_tidy(_numbered(self.term, numbers))), given, self.start)

    def shifted(self, by: int) -> Schedule:
        """The same values, `by` steps later: the schedule begins at start + by.

        >>> Schedule("1/t").shifted(2)
        Schedule(expression='1/(t - 2)', given='', start=3)
        """
        return Schedule(show(_later(self.term, q(by))), self.given, self.start + by)

    def restarting(self, every: int | str, given: str = "", growth: int | str = 1) -> Schedule:
        """From the beginning again and again: after `every` steps, which grow by the factor `growth` each time.

        >>> Schedule("1/t").restarting(10).expression
        '1/(1 + mod(t - 1, 10))'
        >>> Schedule("1/t", start=0 + 1).restarting(1, growth=2).start
        1
        """
        clock = f"(t - {self.start})" if self.start else "t"
        if growth == 1:
            local = f"mod({clock}, {every})"
        else:  # cycle n begins at every*(growth**n - 1)/(growth - 1)
            n = f"floor(log({clock}*({growth} - 1)/({every}) + 1)/log({growth}))"
            local = f"({clock} - ({every})*(({growth})**{n} - 1)/({growth} - 1))"
        facts = _joined(self.given, given)
        local = f"{self.start} + {local}" if self.start else local
        return Schedule(show(read_schedule(_placed(self.expression, {"t": local}), facts)[0]), facts, self.start)

    # --- two schedules -----------------------------------------------------------------------------------------------

    def then(self, other: Schedule, at: int | str, given: str = "", share: Sequence[str] = ()) -> Schedule:
        """This one while t < at, then the other from its own beginning: at t = at it has its first value.

        `at` is an integer or a formula in parameters, of which `given` says what is known.

        >>> Schedule("t/W", "W integer >= 1", 0).then(Schedule("1/sqrt(t)"), "W").expression
        'Piecewise((t/W, t < W), (1/sqrt(t - W + 1), True))'
        """
        other = self._apart(other, share)
        facts = _joined(self.given, other.given, given)
        place = read_schedule(str(at), facts)[0]
        later = _later(other.term, place, -other.start)
        pieces = ("piecewise", self.term, ("<", ("v", "t"), place), later, ("and",))
        return Schedule(show(pieces), facts, self.start)

    def times(self, other: Schedule | Number, share: Sequence[str] = ()) -> Schedule:
        """The product, value by value: what torch's ChainedScheduler makes of schedules that only multiply."""
        return self._with(other, lambda a, b: ("*", a, b), share)

    def plus(self, other: Schedule | Number, share: Sequence[str] = ()) -> Schedule:
        """The sum, value by value."""
        return self._with(other, lambda a, b: ("+", a, b), share)

    def maximum(self, other: Schedule | Number, share: Sequence[str] = ()) -> Schedule:
        """The larger of both, value by value; of a schedule and a number: never below the number.

        >>> Schedule("1/t").maximum(Fraction(1, 100)).expression
        'max(1/t, 1/100)'
        """
        return self._with(other, lambda a, b: ("f", "max", a, b), share)

    def minimum(self, other: Schedule | Number, share: Sequence[str] = ()) -> Schedule:
        """The smaller of both, value by value."""
        return self._with(other, lambda a, b: ("f", "min", a, b), share)

    def __mul__(self, other: Schedule | Number) -> Schedule:
        return self.times(other)

    def __rmul__(self, other: Number) -> Schedule:
        return self._with(other, lambda a, b: ("*", b, a))

    def __add__(self, other: Schedule | Number) -> Schedule:
        return self.plus(other)

    def __radd__(self, other: Number) -> Schedule:
        return self._with(other, lambda a, b: ("+", b, a))

    def _with(self, other: Any, join: Any, share: Sequence[str] = ()) -> Schedule:
        if isinstance(other, Schedule):
            other = self._apart(other, share)
            facts = _joined(self.given, other.given)
            right = _later(other.term, q(self.start), -other.start)
            return Schedule(show(join(self.term, right)), facts, self.start)
        if isinstance(other, bool) or not isinstance(other, int | Fraction):
            remedy = "use a Schedule, an integer or a Fraction: Fraction('0.1') is exact"
            raise InputError(f"a schedule and {other!r:.60}", remedy=remedy)
        return Schedule(show(join(self.term, q(other))), self.given, self.start)

    def _apart(self, other: Schedule, share: Sequence[str]) -> Schedule:
        if not isinstance(other, Schedule):
            raise InputError(f"a schedule and {other!r:.60}", remedy="use a Schedule")
        missing = [name for name in share if name not in self.parameters or name not in other.parameters]
        if missing:
            raise InputError(f"{missing[0]} is not a parameter of both", remedy="share parameters that both have")
        taken = {*self.parameters, *other.parameters}
        places: dict[str, str] = {}
        for name in other.parameters:
            if name in self.parameters and name not in share:
                places[name] = _free(name, taken)
                taken.add(places[name])
        return Schedule(renamed(other.expression, places), renamed(other.given, places), other.start)

    # --- print -------------------------------------------------------------------------------------------------------

    def to_latex(self) -> str:
        r"""The schedule as a formula.

        >>> Schedule("eta0/t", "eta0 > 0").to_latex()
        '\\eta_{t} = \\frac{\\eta_{0}}{t}'
        """
        from derive.render.schedule_latex import schedule_latex

        return schedule_latex(self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"


def renamed(text: str, places: Mapping[str, str]) -> str:
    """A text of the language with other texts for some of its names, all at once.

    >>> renamed("a*b", {"a": "b", "b": "a"})
    'b*a'
    """
    return _NAME.sub(lambda match: places.get(match[0], match[0]), text)


def _placed(text: str, places: Mapping[str, str]) -> str:
    return renamed(text, {name: f"({value})" for name, value in places.items()})


def _free(name: str, taken: set[str]) -> str:
    """eta1 for eta0, T2 for T, and on while it is taken."""
    stem = name.rstrip("0123456789")
    count = int(name[len(stem) :] or 1) + 1
    while f"{stem}{count}" in taken:
        count += 1
    return f"{stem}{count}"


def _joined(*facts: str) -> str:
    """Facts one after the other, each once."""
    return "; ".join(dict.fromkeys(part.strip() for text in facts for part in text.split(";") if part.strip()))


def _later(term: Term, by: Term, more: int = 0) -> Term:
    """The term with t - by - more for t."""
    total = q(by[1] + more) if by[0] == "q" else None
    if total == q(0):
        return term
    if total is not None:
        shift: Term = ("neg", total) if total[1] > 0 else q(-total[1])
        return put(term, "t", ("+", ("v", "t"), shift))
    rest = (("neg", q(more)),) if more > 0 else (q(-more),) if more else ()
    parts = ("+", *by[1:]) if by[0] == "+" else by
    return put(term, "t", ("+", ("v", "t"), ("neg", parts), *rest))


def _settled(given: str, numbers: Mapping[str, Fraction]) -> list[str]:
    """The facts with numbers for names; what is then free of names is checked, and left out."""
    env: dict[str, Value] = dict(numbers)
    kept = []
    for part in filter(None, (part.strip() for part in given.split(";"))):
        found = parse_given(part)
        here = [symbol for symbol in found.symbols if symbol.name in numbers]
        if not here:
            kept.append(part)
            continue
        right = all(numbers[symbol.name].denominator == 1 for symbol in here if symbol.kind == "integer")
        kept += [f"{symbol.name} {symbol.kind}" for symbol in found.symbols if symbol.name not in numbers]
        for fact in found.facts:
            if {*free_names(fact)} <= numbers.keys():
                right = right and holds(fact, env)
            else:
                kept.append(show(_numbered(fact, numbers)))
        if not right:
            values = ", ".join(f"{symbol.name} = {numbers[symbol.name]}" for symbol in here)
            raise InputError(f"{values} is outside the domain", remedy=f"expected {part}")
    return kept


def _numbered(term: Term, numbers: Mapping[str, Fraction]) -> Term:
    for name, value in numbers.items():
        term = put(term, name, q(value))
    return term


def _tidy(term: Term) -> Term:
    """The term without + 0, 1*, **1, and with numbers next to each other as one number."""
    if term[0] in ("q", "v", "c") or len(term) == 1:
        return term
    tag, *parts = (_tidy(part) if isinstance(part, tuple) else part for part in term)
    numbers = [part for part in parts if isinstance(part, tuple) and part[0] == "q"]
    if tag == "neg" and numbers:
        return q(-numbers[0][1])
    if tag == "+":
        rest = [part for part in parts if part[0] != "q"]
        if len(numbers) > 1 or numbers == [ZERO]:
            parts = [part for part in (*rest, q(sum(n[1] for n in numbers))) if part != ZERO]
        if parts and parts[0][0] == "neg" and parts[-1][0] == "q" and parts[-1][1] > 0:
            parts = [parts[-1], *parts[:-1]]
        parts = [*parts[:1], *(("neg", q(-p[1])) if p[0] == "q" and p[1] < 0 else p for p in parts[1:])] or [ZERO]
        return add(*parts)
    if tag == "*":
        rest = [part for part in parts if part[0] != "q"]
        product = q(prod(n[1] for n in numbers))
        return mul(*(part for part in ((product, *rest) if len(numbers) > 1 else parts) if part != ONE)) if rest else (
            product)  # fmt: skip
    if tag == "f" and parts[0] in ("floor", "ceiling") and numbers and numbers[0][1].denominator == 1:
        return numbers[0]
    if tag in ("/", "^") and parts[1] == ONE:
        return parts[0]
    if tag == "/" and len(numbers) == 2 and numbers[1][1]:
        return q(numbers[0][1] / numbers[1][1])
    return (tag, *parts)


__all__ = ["Schedule", "renamed"]

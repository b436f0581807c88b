"""Rows of the library of schedules: a formula in t, its parameters, which t is the first, and how the next value comes.

A formula is text of the language of schedules (derive.series.language). What a row repeats, such as a factor for each
milestone, is written once, and put together for as many as there are.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.schedules import Schedule, renamed
from derive.update_rule import Hyperparameter

PRESENT = "e"  # the present value, in the text of a recursion


@dataclass(frozen=True)
class Repeated:
    """A part of a formula that comes once for each item of a list: `term` is joined by `glue` and set into `frame`.

    `names` are those of the numbers of an item, and `defaults` the items of the row itself; in `term`, `before` and a
    name is that number of the item before: `beforeb`, and `first` says what it is at the first item. In `frame`,
    `last` and a name is that of the last item.
    """

    names: tuple[str, ...]
    defaults: tuple[tuple[str, ...], ...]
    term: str
    domain: str
    meaning: Text
    glue: str = "*"
    frame: str = "{}"
    first: tuple[tuple[str, str], ...] = ()
    rising: str = ""  # this number of an item is larger than that of the item before

    def expand(self, count: int) -> tuple[str, str]:
        """The text for so many items, and what is known of their numbers: b1, b2, ..."""
        items, facts = [], []
        for k in range(1, count + 1):
            places = {name: f"{name}{k}" for name in self.names}
            places |= {f"before{name}": f"{name}{k - 1}" for name in self.names}
            places |= {f"before{name}": text for name, text in self.first} if k == 1 else {}
            items.append(renamed(self.term, places))
            facts.append(renamed(self.domain, places))
            if self.rising and k > 1:
                facts.append(f"{self.rising}{k} > {self.rising}{k - 1}")
        last = {f"last{name}": f"{name}{count}" for name in self.names}
        return renamed(self.frame, last).format(self.glue.join(items)), "; ".join(facts)


@dataclass(frozen=True)
class Window:
    """Where a recursion takes a branch: in `where`, the value of t + 1 is `step`.

    `places` are parts of formula and step, each with what it is there: min(t, T) is t in a window before T, and what
    the kernel has no law for, such as cos(pi*t/T), is a name of which `facts` say what is known.
    """

    where: Text
    facts: str
    step: str
    places: tuple[tuple[str, str], ...] = ()

    def read(self, text: str) -> str:
        for part, place in self.places:
            text = text.replace(part, f"({place})")
        return text


@dataclass(frozen=True)
class ScheduleRule:
    """A schedule of the library: eta_t = formula for t = first, first + 1, ...; `first` is the t of the first step.

    `{}` in the formula is the place of what is repeated, `user` the name of a formula in t that the user gives.
    `recursion` is the value of t + 1 in the present value e and t, from `initial` on; where it has branches, `windows`
    are those that are proved one by one. `also` are the names in other packages.
    Errors, when it is made: InputError for a formula that is none.

    >>> from derive.library.schedules import SCHEDULES
    >>> SCHEDULES["geometric"].schedule().expression
    'eta0*rho**t'
    """

    name: str
    title: Text
    formula: str
    hyperparameters: tuple[Hyperparameter, ...]
    first: int
    source: str
    also: tuple[str, ...] = ()
    recursion: str = ""
    initial: str = ""
    windows: tuple[Window, ...] = ()
    repeated: Repeated | None = None
    user: Hyperparameter | None = None
    horizon: Text = field(default_factory=Text)
    note: Text = field(default_factory=Text)

    def __post_init__(self) -> None:
        names = [hyper.name for hyper in self.hyperparameters]
        if len({*names}) < len(names):
            raise InputError(f"{self.name}: a parameter is there twice", remedy="rename one")
        self.schedule()

    @property
    def items(self) -> tuple[tuple[str, ...], ...]:
        return self.repeated.defaults if self.repeated else ()

    @property
    def given(self) -> str:
        """The domains of the parameters as a `given` header."""
        return _given(self, len(self.items))

    @property
    def defaults(self) -> dict[str, Fraction]:
        """The default of every parameter, those of the repeated part as b1, b2, ... too."""
        return {hyper.name: hyper.value for hyper in self.hyperparameters} | self.numbered(self.items)

    def numbered(self, items: Sequence[Sequence[Any]]) -> dict[str, Fraction]:
        """The numbers of these items of the repeated part by their names: b1, f1, b2, f2, ..."""
        names = self.repeated.names if self.repeated else ()
        found: dict[str, Fraction] = {}
        for k, item in enumerate(items, start=1):
            if isinstance(item, str) or not isinstance(item, Sequence) or len(item) != len(names):
                remedy = f"give ({', '.join(names)}) for each"
                raise InputError(f"item {k} of {self.name} is {item!r:.60}", remedy=remedy)
            found |= {f"{name}{k}": number(f"{name}{k}", value) for name, value in zip(names, item, strict=True)}
        return found

    def hyperparameter(self, name: str) -> Hyperparameter:
        """The parameter of that name or alias. Raises InputError with the nearest name."""
        known = {each: hyper for hyper in self.hyperparameters for each in (hyper.name, *hyper.aliases)}
        if name in known:
            return known[name]
        near = difflib.get_close_matches(str(name), known, 1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"
        raise InputError(f"{self.name} has no parameter {name}", remedy=remedy)

    def schedule(
        self, items: Sequence[Sequence[Any]] | int | None = None, user: str = "", **values: Any
    ) -> Schedule:  # fmt: skip
        """The schedule with numbers for some of its parameters; the others stay symbols, with their domains known.

        `items` are those of the repeated part, ((30,), (80,)) say, or how many there shall be, as symbols. `user` is
        the formula of the user. Errors: InputError for an unknown parameter (with the nearest name), no number, a value
        outside its domain, and items of another length.

        >>> from derive.library.schedules import SCHEDULES
        >>> SCHEDULES["polynomial"].schedule(power=2, T=10).expression
        'eta0*(1 - min(t, 10)/10)**2'
        """
        formula, count = self.formula, len(self.items)
        numbers: dict[str, Fraction] = {}
        if items is not None:
            if self.repeated is None:
                raise InputError(f"{self.name} repeats nothing", remedy="leave items out")
            count = items if isinstance(items, int) else len(items)
            if count < 1:
                raise InputError(f"{count} items for {self.name}", remedy=f"give {', '.join(self.repeated.names)}")
            numbers = {} if isinstance(items, int) else self.numbered(items)
        if self.repeated:
            formula = formula.replace("{}", self.repeated.expand(count)[0])
        if user and not self.user:
            raise InputError(f"{self.name} takes no formula", remedy="leave it out")
        if self.user:
            formula = renamed(formula, {self.user.name: f"({user or self.user.default})"})
        for key, value in values.items():
            hyper = self.hyperparameter(key)
            if hyper.name in numbers:
                raise InputError(f"{hyper.name} is given twice", remedy="give it once")
            numbers[hyper.name] = number(key, value)
        made = Schedule(formula, _given(self, count), self.first)
        return made.at(**numbers)

    def default(self) -> Schedule:
        """The schedule with the default of every parameter.

        >>> from derive.library.schedules import SCHEDULES
        >>> SCHEDULES["step"].default().expression
        'eta0*(1/10)**floor(t/30)'
        """
        numbers: dict[str, Any] = {h.name: h.value for h in self.hyperparameters if h.name != "eta0"}
        return self.schedule(self.items or None, **numbers)

    # --- closed form and recursion -----------------------------------------------------------------------------------

    def proofs(self) -> dict[str, Derivation]:
        """The claims that the recursion leads to the formula, for the prover, by name; none where there is none.

        A recursion without branches is one claim, proved by induction. Of one with branches each window is a claim: the
        formula at t + 1 is what the recursion makes of the formula at t.

        >>> from derive.library.schedules import SCHEDULES
        >>> {name: proof.lines[0].term[0] for name, proof in SCHEDULES["geometric"].proofs().items()}
        {'geometric-recursion': 'rec'}
        """
        from derive.chains import compose

        title = Text(f"{self.title.en}: recursion and formula", f"{self.title.ko}: 점화식과 일반항")
        if not self.recursion:
            return {}
        if not self.windows:
            step = renamed(self.recursion, {PRESENT: "eta[t]"})
            start = self.initial or renamed(self.formula, {"t": str(self.first)})
            line = f"rec eta[t+1] = {step}, eta[{self.first}] = {start} => eta[t] = {self.formula}"
            name = f"{self.name}-recursion"
            return {name: compose(name, title, self.source, self.given, [("", line, Text(), "")])}
        found = {}
        for k, window in enumerate(self.windows, start=1):
            now, later = window.read(self.formula), window.read(renamed(self.formula, {"t": "(t + 1)"}))
            step = window.read(renamed(window.step, {PRESENT: f"({now})"}))
            lines = [("", later, Text(), ""), ("=", step, window.where, "")]
            name = f"{self.name}-recursion" + (f"-{k}" if len(self.windows) > 1 else "")
            given = "; ".join(part for part in (self.given, window.facts) if part)
            found[name] = compose(name, title, self.source, given, lines)
        return found


def _given(rule: ScheduleRule, count: int) -> str:
    facts = [hyper.domain for hyper in rule.hyperparameters]
    if rule.repeated:
        facts.append(rule.repeated.expand(count)[1])
    return "; ".join(fact for fact in facts if fact)


def number(name: str, value: Any) -> Fraction:
    """A finite number, exactly: 0.1 as a float is the float nearest to 1/10, as text or Fraction it is 1/10."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | Fraction | str):
            value = float(value)
        return Fraction(value)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise InputError(f"{name} is {str(value)[:40]!r}", remedy="expected a finite number") from None


def schedule(name: str) -> ScheduleRule:
    """The row of that name, or of a name in another package. Raises InputError with the nearest name.

    >>> schedule("torch.StepLR").name
    'step'
    """
    from derive.library.schedules import SCHEDULES

    if name in SCHEDULES:
        return SCHEDULES[name]
    known = {each: rule for rule in SCHEDULES.values() for each in (rule.name, *rule.also)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(re.sub(r"[_ ]", "-", str(name)), known, 1)
    remedy = f"did you mean {near[0]}?" if near else "`derive list schedules` shows the names"
    raise InputError(f"no schedule is called {name}", remedy=remedy)


def named_schedule(text: str) -> ScheduleRule | None:
    """The row of that name, or None: what `derive schedule` is asked for may be an expression."""
    from derive.library.schedules import SCHEDULES

    known: Mapping[str, ScheduleRule] = {each: rule for rule in SCHEDULES.values() for each in (rule.name, *rule.also)}
    return known.get(text)

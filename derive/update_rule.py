"""Update rules: what an optimizer keeps, and what it does with a gradient, as assignments in a fixed order.

A rule is written the way papers and code write it, `m = beta1*m + (1 - beta1)*g`: on the right stands the latest value
of each name. `step` is one step as a function of what was there before it, `timed` the same lines with their times.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache

from derive.ascii import show
from derive.derivation import Assumptions, Text
from derive.errors import InputError
from derive.kernel.terms import BINDERS, OPTIMA, RELATIONS, Term, rebuild, subterms
from derive.syntax import parse_expression, parse_given
from derive.tokens import RESERVED

# What every rule is about. `eta` is the learning rate of this step; a schedule makes it another one at the next.
PARAMETER, GRADIENT, STEP, RATE = "w", "g", "t", "eta"
# Of what can be written as an expression, this is no number for each parameter.
NO_VALUE = (*RELATIONS, *BINDERS, *OPTIMA, "and", "or", "interval", "ix", "call", "diff", "subdiff", "rec")
_ASSIGNMENT = re.compile(r"([A-Za-z][A-Za-z0-9]*)[ ]*=(.*)")


@dataclass(frozen=True)
class Hyperparameter:
    """A number that the user of a rule chooses: its default, its domain as facts, and other names that are accepted."""

    name: str
    default: str
    domain: str
    meaning: Text
    aliases: tuple[str, ...] = ()

    @property
    def value(self) -> Fraction:
        """The default as an exact number: 0.999 is 999/1000."""
        return Fraction(self.default)


@dataclass(frozen=True)
class State:
    """What a rule remembers from step to step, its value before the first one, and what always holds of it.

    A state is one number for each parameter, or with `scalar` one for all of them. `initial` is a formula in w and the
    hyperparameters. `invariant` is a fact such as "v >= 0", which holds at the start and after every step.
    """

    name: str
    initial: str = "0"
    meaning: Text = field(default_factory=Text)
    invariant: str = ""
    scalar: bool = False


@dataclass(frozen=True)
class Assignment:
    """One line of a rule: `kind` is "parameter", "state", or "let" for a name that lives within a step."""

    name: str
    term: Term
    kind: str


@dataclass(frozen=True)
class UpdateRule:
    """An optimizer as mathematics: state, hyperparameters, and one step as assignments, in their order.

    Names in the lines: w the parameter, g the gradient, t the number of the step (1, 2, ...), eta the learning rate of
    this step, those of the state and the hyperparameters, and names that a line of their own defines.
    `gradient_at` is the point at which the gradient is taken, in w and the state before the step.
    Raises InputError for lines that are not such assignments.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> rule = OPTIMIZERS["momentum"]
    >>> print(rule.text())
    m[t] = beta1*m[t - 1] - eta*g[t]
    w[t] = w[t - 1] + m[t]
    """

    name: str
    title: Text
    lines: tuple[str, ...]
    hyperparameters: tuple[Hyperparameter, ...]
    state: tuple[State, ...] = ()
    source: str = ""
    gradient_at: str = PARAMETER
    note: Text = field(default_factory=Text)

    def __post_init__(self) -> None:
        known = [PARAMETER, GRADIENT, STEP, *(h.name for h in self.hyperparameters), *(s.name for s in self.state)]
        for name in known:
            if known.count(name) > 1 or name in RESERVED:
                raise InputError(f"{self.name}: the name {name} is taken", remedy="use another one")
        assigned = [assignment.name for assignment in self.assignments]
        missing = [name for name in (PARAMETER, *(s.name for s in self.state)) if name not in assigned]
        if missing:
            raise InputError(f"{self.name}: no line assigns {', '.join(missing)}", remedy="add one, or drop the state")

    @cached_property
    def assignments(self) -> tuple[Assignment, ...]:
        """The lines as terms. Raises InputError for a name that is unknown, or assigned twice."""
        kinds = {PARAMETER: "parameter", **{state.name: "state" for state in self.state}}
        read = {PARAMETER, GRADIENT, STEP, *kinds, *(h.name for h in self.hyperparameters)}
        found: list[Assignment] = []
        for line in self.lines:
            match = _ASSIGNMENT.fullmatch(line)
            if match is None:
                raise InputError(f"{self.name}: {line!r} is no assignment", remedy="write it as m = beta*m + g")
            name, term = match[1], parse_expression(match[2].strip()).term
            if name in (a.name for a in found) or (name in read and name not in kinds) or name in RESERVED:
                raise InputError(f"{self.name}: {name} is assigned twice, or is not to be assigned", remedy="rename it")
            self._known(term, read)
            found.append(Assignment(name, term, kinds.get(name, "let")))
            read.add(name)
        chosen = {PARAMETER, *(h.name for h in self.hyperparameters)}
        self._known(parse_expression(self.gradient_at).term, chosen | {state.name for state in self.state})
        for state in self.state:
            self._known(parse_expression(state.initial).term, chosen)
        return tuple(found)

    def _known(self, term: Term, names: set[str]) -> None:
        for node in subterms(term):
            if node[0] in NO_VALUE:
                raise InputError(f"{self.name}: {show(node)} in an update rule", remedy="write it elementwise")
            if node[0] == "v" and node[1] not in names:
                near = difflib.get_close_matches(node[1], names, 1)
                remedy = f"did you mean {near[0]}?" if near else "declare it as state or hyperparameter"
                raise InputError(f"{self.name}: nothing says what {node[1]} is", remedy=remedy)

    # --- what it is as mathematics -----------------------------------------------------------------------------------

    @cached_property
    def assumptions(self) -> Assumptions:
        """What is known in every step: the domains of the hyperparameters, the invariants of the state, t >= 1."""
        return parse_given(self.given)

    @property
    def given(self) -> str:
        """The assumptions as a `given` header."""
        facts = [f"{PARAMETER}, {GRADIENT} real", f"{STEP} integer >= 1"]
        facts += [hyper.domain for hyper in self.hyperparameters if hyper.domain]
        facts += [state.invariant or f"{state.name} real" for state in self.state]
        return "; ".join(facts)

    @cached_property
    def step(self) -> Mapping[str, Term]:
        """Every assigned name after one step, in w, g, t, the hyperparameters and the state before it.

        >>> from derive.library.optimizers import OPTIMIZERS
        >>> {name: show(term) for name, term in OPTIMIZERS["momentum"].step.items()}
        {'m': 'beta1*m - eta*g', 'w': 'w + (beta1*m - eta*g)'}
        """
        values: dict[str, Term] = {}
        for assignment in self.assignments:
            values[assignment.name] = put(assignment.term, values)
        return values

    @cached_property
    def initial(self) -> Mapping[str, Term]:
        """The state before the first step, in w and the hyperparameters."""
        return {state.name: parse_expression(state.initial).term for state in self.state}

    def after(self, steps: int, gradient: str = "g", rate: str = RATE) -> Mapping[str, Term]:
        """Parameter and state after some steps from the start w, in gradients g1, g2, ... and rates eta1, eta2, ...

        Raises InputError for more than 8 steps: the terms grow like a power of their number.

        >>> from derive.library.optimizers import OPTIMIZERS
        >>> show(OPTIMIZERS["sgd"].after(2)["w"])
        '(w - eta1*g1) - eta2*g2'
        """
        if not 0 <= steps <= 8:
            raise InputError(f"{steps} steps as one formula", remedy="ask for 0 to 8")
        values: dict[str, Term] = {PARAMETER: ("v", PARAMETER), **self.initial}
        first = {name: put(term, {RATE: ("v", f"{rate}1")}) for name, term in values.items()}
        values = first
        for t in range(1, steps + 1):
            now = {GRADIENT: ("v", f"{gradient}{t}"), RATE: ("v", f"{rate}{t}"), STEP: ("q", Fraction(t))}
            values = {name: put(term, values | now) for name, term in self.step.items() if name in values}
        return values

    def timed(self, shift: int = 0) -> tuple[Term, ...]:
        """The lines as equations in m[t - 1], m[t] and so on; `shift` = 1 writes m[t] and m[t + 1], as lectures do.

        >>> from derive.library.optimizers import OPTIMIZERS
        >>> [show(line) for line in OPTIMIZERS["sgd"].timed(shift=1)]
        ['w[t + 1] = w[t] - eta*g[t]']
        """
        now = at(STEP, shift)
        varying = {PARAMETER, GRADIENT, *(state.name for state in self.state)}
        lets = {assignment.name for assignment in self.assignments if assignment.kind == "let"}
        # A gradient belongs to the point where the step begins, so lectures write both with the same t.
        latest = {name: at(STEP, shift - 1) for name in varying} | {GRADIENT: at(STEP, 0)}
        times = {STEP: now}
        found = []
        for assignment in self.assignments:
            places = {name: ("ix", name, time) for name, time in latest.items()} | times
            places |= {name: ("ix", name, now) for name in lets if name in latest}
            right = _added(put(assignment.term, places))
            latest[assignment.name] = now
            found.append(("=", ("ix", assignment.name, now), right))
        return tuple(found)

    def text(self, shift: int = 0) -> str:
        """The lines of `timed` in the chain language."""
        return "\n".join(show(line) for line in self.timed(shift))

    # --- variants ----------------------------------------------------------------------------------------------------

    def hyperparameter(self, name: str) -> Hyperparameter:
        """The hyperparameter of that name or alias. Raises InputError with the nearest name."""
        for hyper in self.hyperparameters:
            if name in (hyper.name, *hyper.aliases):
                return hyper
        names = [each for hyper in self.hyperparameters for each in (hyper.name, *hyper.aliases)]
        near = difflib.get_close_matches(str(name), names, 1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise InputError(f"{self.name} has no hyperparameter {name}", remedy=remedy)

    def with_decay(self) -> UpdateRule:
        """The rule on the loss plus lam*w**2/2: lam*w is added to the gradient, taken at the same point.

        >>> from derive.library.optimizers import OPTIMIZERS
        >>> print(OPTIMIZERS["sgd"].with_decay().text())
        h[t] = g[t] + lam*w[t - 1]
        w[t] = w[t - 1] - eta*h[t]
        """
        taken = {*(a.name for a in self.assignments), *(s.name for s in self.state)}
        if "lam" in {hyper.name for hyper in self.hyperparameters} or "h" in taken:
            raise InputError(f"{self.name} has a weight decay of its own", remedy="use the rule as it is")
        lines = tuple(_renamed(line, GRADIENT, "h") for line in self.lines)
        point = PARAMETER if self.gradient_at == PARAMETER else f"({self.gradient_at})"
        return replace(
            self,
            name=f"{self.name}-l2",
            title=Text(f"{self.title.en} with L2 penalty", f"{self.title.ko}, L2 벌점"),
            lines=(f"h = {GRADIENT} + lam*{point}", *lines),
            hyperparameters=(*self.hyperparameters, DECAY),
        )

    def to_latex(self, shift: int = 0) -> str:
        """The lines as one aligned LaTeX formula."""
        from derive.render.rules import rule_latex

        return rule_latex(self, shift)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"


DECAY = Hyperparameter(
    "lam", "0", "lam >= 0", Text("weight decay", "가중치 감쇠"), ("weight_decay",)
)  # fmt: skip


def put(term: Term, values: Mapping[str, Term]) -> Term:
    """A term with terms for some of its names, all at once."""
    if term[0] == "v" and term[1] in values:
        return values[term[1]]
    return rebuild(term, lambda part, _: put(part, values))


def names_in(term: Term) -> set[str]:
    """The names of scalars in a term.

    >>> sorted(names_in(parse_expression("beta1*m + (1 - beta1)*g").term))
    ['beta1', 'g', 'm']
    """
    return {str(node[1]) for node in subterms(term) if node[0] == "v"}


def at(name: str, later: int) -> Term:
    """name + later, as a person writes it."""
    if not later:
        return ("v", name)
    number: Term = ("q", Fraction(abs(later)))
    return ("+", ("v", name), number if later > 0 else ("neg", number))


def _added(term: Term) -> Term:
    """A term with (t + 1) - 1 and the like as a person writes them."""
    term = rebuild(term, lambda part, _: _added(part))
    if term[0] == "+" and term[1][0] == "+" and term[1][1] == ("v", STEP) and len(term) == len(term[1]) == 3:
        numbers = [part[1] if part[0] == "neg" else part for part in (term[1][2], term[2])]
        if all(number[0] == "q" for number in numbers):
            signs = [-1 if part[0] == "neg" else 1 for part in (term[1][2], term[2])]
            later = sum(sign * number[1] for sign, number in zip(signs, numbers, strict=True))
            return at(STEP, int(later)) if later == int(later) else term
    return term


def _renamed(line: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![A-Za-z0-9]){old}(?![A-Za-z0-9])", new, line)


class Rules(dict[str, UpdateRule]):
    """The rules by name; a name that is none is an InputError with the nearest one."""

    def __missing__(self, name: str) -> UpdateRule:
        return optimizer(name)


@lru_cache(maxsize=1)
def optimizers() -> Rules:
    """The update rules of the library.

    >>> optimizers()["adam"].state[0].name
    'm'
    """
    from derive.library.optimizers import OPTIMIZERS

    return Rules(OPTIMIZERS)


def optimizer(name: str) -> UpdateRule:
    """The rule of that name in the library. Raises InputError with the nearest name.

    >>> optimizer("adam").source
    'Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, Algorithm 1'
    """
    from derive.library.optimizers import OPTIMIZERS

    if name in OPTIMIZERS:
        return OPTIMIZERS[name]
    near = difflib.get_close_matches(str(name), OPTIMIZERS, 1)
    remedy = f"did you mean {near[0]}?" if near else "`derive list optimizers` shows the names"
    raise InputError(f"no optimizer is called {name}", remedy=remedy)

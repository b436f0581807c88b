"""Decides the Robbins-Monro conditions of a schedule: does sum eta_t diverge, does sum eta_t**2 converge, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.derivation import Assumptions
from derive.errors import InputError, Undecided
from derive.evaluation.enclosure import UnknownValue
from derive.kernel.terms import Refused, Term
from derive.limits import TimeUp, limited
from derive.series import preconditions as pre
from derive.series.analysis import Case
from derive.series.cases import Leaf, explore
from derive.series.conditions import Condition, condition
from derive.series.language import read_schedule
from derive.series.parameters import Bound, Scene
from derive.series.preconditions import Established
from derive.series.proofs import Certified, certify
from derive.series.story import ProofStep, bound_text, rooted, story

MAX_START = 10**9
SECONDS = 3.0
CERTIFICATE_SECONDS = 1.5


@dataclass(frozen=True)
class Verdict:
    """A verdict, and the exact condition on the parameters for its positive form; reasons where it is undecided."""

    verdict: str
    condition: Condition | None = None
    reasons: tuple[str, ...] = ()

    @property
    def iff(self) -> str:
        """The condition in the language of chains: "true" or "false" where it does not depend on parameters."""
        return "undecided" if self.condition is None else str(self.condition)


@dataclass(frozen=True)
class Decision:
    """The answer for one schedule. `sum.condition` says when it diverges, `sum_of_squares.condition` when it converges.

    `proof` says why, step by step; `certified` holds the inequalities that the kernel accepted.
    """

    schedule: str
    start: int
    given: tuple[str, ...]
    sum: Verdict
    sum_of_squares: Verdict
    robbins_monro: Verdict
    tends_to_zero: Verdict
    eventually_monotone: Verdict
    precondition: Established | None
    steps: tuple[ProofStep, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    term: Term = ()
    assumptions: Assumptions = field(default_factory=Assumptions)

    @property
    def decided(self) -> bool:
        """Whether the Robbins-Monro conditions are decided, for all values of the parameters."""
        return self.robbins_monro.verdict != "undecided"

    @cached_property
    def certified(self) -> Certified:
        """The certificates, made and checked when they are first asked for."""
        if not self.leaves:
            return Certified()
        try:
            return limited(CERTIFICATE_SECONDS, lambda: certify(self.term, self.assumptions, self.start, self.leaves))
        except (TimeUp, RecursionError, Refused, UnknownValue, ArithmeticError):
            return Certified()

    @property
    def proof(self) -> tuple[ProofStep, ...]:
        """The steps of the proof, those with certificates at the end."""
        return (*self.steps, *self.certified.steps)

    def to_json(self) -> dict[str, Any]:
        """The document that `derive schedule --json` prints."""

        def verdict(found: Verdict, key: str) -> dict[str, Any]:
            document: dict[str, Any] = {"verdict": found.verdict}
            if found.condition is not None:
                document[key] = str(found.condition)
            if found.reasons:
                document["reasons"] = list(found.reasons)
            return document

        return {
            "schedule": self.schedule, "start": self.start, "given": list(self.given),
            "sum": verdict(self.sum, "diverges_iff"),
            "sum_of_squares": verdict(self.sum_of_squares, "converges_iff"),
            "robbins_monro": verdict(self.robbins_monro, "iff"),
            "tends_to_zero": verdict(self.tends_to_zero, "iff"),
            "eventually_monotone": verdict(self.eventually_monotone, "iff"),
            "precondition": None if self.precondition is None else {
                "claim": f"every term is defined and >= 0 for t >= {self.start}", "status": self.precondition.how,
                "since": self.precondition.since, "because": self.precondition.text,
            },
            "proof": [{"claim": step.claim, "because": step.because, "status": step.status} for step in self.proof],
            "certificate": self.certified.to_json(),
        }  # fmt: skip


def decide(schedule: str, given: str = "", start: int = 1, *, seconds: float = SECONDS) -> Decision:
    """Decide the Robbins-Monro conditions for eta_t = schedule, for every t >= start.

    Domain: an expression in t of derive.series.language, its parameters declared in `given`; an integer start. Errors:
    InputError where the text is none, a parameter is not declared, or a term is negative or undefined (t is named).
    What is out of reach, or takes longer than `seconds` of computing, is undecided with the reason.
    Source: H. Robbins, S. Monro, A Stochastic Approximation Method, Ann. Math. Stat. 22 (1951); the scale of comparison
    series is G. H. Hardy's (Orders of Infinity, 1910).

    >>> found = decide("eta0/t**p", "eta0 > 0; p real")
    >>> found.robbins_monro.verdict, found.robbins_monro.iff
    ('depends', '(p > 1/2) & (p <= 1)')
    >>> decide("1/sqrt(t)").sum_of_squares.verdict
    'diverges'
    """
    if not isinstance(start, int) or isinstance(start, bool) or not 0 <= start <= MAX_START:
        raise InputError(f"the start is {start!r:.40}", remedy=f"give an integer from 0 to {MAX_START}")
    term, assumptions = read_schedule(schedule, given)
    try:
        return limited(seconds, lambda: _decide(schedule, term, assumptions, start, seconds))
    except TimeUp:
        return _undecided(schedule, assumptions, start, (f"out of time after {seconds:g} seconds of computing",))
    except (RecursionError, MemoryError):
        return _undecided(schedule, assumptions, start, ("the expression is nested too deeply for the expansion",))


def _undecided(schedule: str, assumptions: Assumptions, start: int, reasons: tuple[str, ...]) -> Decision:
    none = Verdict("undecided", None, reasons)
    return Decision(schedule, start, assumptions.texts, *(none,) * 5, None)


def _decide(schedule: str, term: Term, assumptions: Assumptions, start: int, seconds: float) -> Decision:
    try:
        point, names = _point(assumptions)
        established = _established(term, assumptions, start, point, names)
        leaves, scene = explore(term, assumptions, seconds)
    except Undecided as reason:
        _refuse_if_negative(term, assumptions, start, seconds)
        _refuse_violation(term, assumptions, start)
        return _undecided(schedule, assumptions, start, (str(reason),))
    except (Refused, UnknownValue, ArithmeticError) as reason:
        return _undecided(schedule, assumptions, start, (f"out of reach: {reason}",))
    for leaf in leaves:
        if leaf.negative:
            _refuse_negative(term, assumptions, start, leaf)
    if established.how == "assumed":
        _refuse_violation(term, assumptions, start)
    return _answers(schedule, term, assumptions, start, tuple(leaves), scene, established)


def _refuse_if_negative(term: Term, assumptions: Assumptions, start: int, seconds: float) -> None:
    """A sign that is not shown for every t may still be known for large t: then a term can be named."""
    try:
        leaves, _ = explore(term, assumptions, seconds)
    except (Undecided, Refused, UnknownValue, ArithmeticError):
        return
    for leaf in leaves:
        if leaf.negative:
            _refuse_negative(term, assumptions, start, leaf)


def _refuse_negative(term: Term, assumptions: Assumptions, start: int, leaf: Leaf) -> None:
    facts = tuple((bound.relation, bound.form, bound.constant) for bound in leaf.bounds)
    point: Mapping[str, Fraction] | None = {}
    if assumptions.symbols:
        point = _satisfying(replace(assumptions, facts=(*assumptions.facts, *facts)))
    if point is None:
        return
    t = pre.first_negative(term, start, point)
    if t is None:
        return
    names = _names(point) if point else ""
    if not assumptions.symbols:
        raise pre.refuse(f"negative at t = {t}", start)
    where = bound_text(leaf.bounds)
    raise InputError(
        f"the schedule is negative at t = {t}{names}", remedy=f"exclude {where} with --given, or change it"
    )


def _refuse_violation(term: Term, assumptions: Assumptions, start: int) -> None:
    """What would be assumed of every term must not fail for small values of the parameters."""
    if not assumptions.symbols:
        return
    found = pre.violation(term, assumptions, start, _point(assumptions)[0])
    if found is not None:
        raise pre.refuse(found[0], start, _names(found[1]))


def _names(point: Mapping[str, Fraction]) -> str:
    return f" for {', '.join(f'{name} = {value}' for name, value in point.items())}"


def _satisfying(assumptions: Assumptions) -> Mapping[str, Fraction] | None:
    from derive.witness import satisfying_point

    return satisfying_point(assumptions)


def _point(assumptions: Assumptions) -> tuple[Mapping[str, Fraction], str]:
    """Values of the parameters that satisfy what is given, and the words for them."""
    if not assumptions.symbols:
        return {}, ""
    point = _satisfying(assumptions)
    if point is None:
        raise InputError("no values of the parameters satisfy what is given", remedy="check the facts after --given")
    found = {symbol.name: point.get(symbol.name, Fraction(1)) for symbol in assumptions.symbols}
    return found, _names(found)


def _established(
    term: Term, assumptions: Assumptions, start: int, point: Mapping[str, Fraction], names: str
) -> Established:
    if not assumptions.symbols:
        return pre.establish(term, start)
    kinds = {symbol.name: symbol.kind for symbol in assumptions.symbols}
    if pre.by_signs(term, start, kinds, assumptions.facts):
        return Established("signs", start, "it is put together from parts whose signs are known")
    pre.check_prefix(term, start, point, names)
    return Established("assumed", start, "for some values of the parameters this is not shown, and is assumed")


# --- answers --------------------------------------------------------------------------------------------------------


def _answers(
    schedule: str,
    term: Term,
    assumptions: Assumptions,
    start: int,
    leaves: tuple[Leaf, ...],
    scene: Scene,
    established: Established,
) -> Decision:
    stuck = tuple(dict.fromkeys(_reason(leaf) for leaf in leaves if leaf.case is None))

    def ask(question: Callable[[Case], bool | None], yes: str, no: str, why: str) -> Verdict:
        answers: list[tuple[tuple[Bound, ...], bool]] = []
        reasons = list(stuck)
        for leaf in leaves:
            answer = question(leaf.case) if leaf.case is not None else None
            if answer is None:
                if leaf.case is not None:
                    at = f"where {bound_text(leaf.bounds)}: " if leaf.bounds else ""
                    reasons += [f"{at}{reason}" for reason in leaf.case.reasons or (why,)]
                continue
            answers.append((leaf.bounds, answer))
        if reasons:
            return Verdict("undecided", None, tuple(dict.fromkeys(reasons)))
        try:
            found = condition(scene, answers, scene.bounds)
        except Undecided as reason:
            return Verdict("undecided", None, (str(reason),))
        found = _printed(found)
        return Verdict({True: yes, False: no, None: "depends"}[found.constant], found)

    plain = "no rule decides this"
    total = ask(lambda case: _not(case.converges[0]), "diverges", "converges", plain)
    squares = ask(lambda case: case.converges[1], "converges", "diverges", plain)
    both = ask(_both, "holds", "fails", plain)
    to_zero = ask(lambda case: case.to_zero, "holds", "fails", "whether the terms tend to 0 is open")
    monotone = ask(lambda case: case.monotone, "holds", "fails", "whether the terms are monotone in the end is open")
    steps = [_precondition_step(established, start)]
    steps += story(scene, leaves)
    return Decision(
        schedule, start, assumptions.texts, total, squares, both, to_zero, monotone, established, tuple(steps), leaves,
        term, assumptions,
    )  # fmt: skip


def _reason(leaf: Leaf) -> str:
    if leaf.negative and leaf.bounds:  # no values of the parameters were found for it: it may be empty
        return f"a sign is not decided where {bound_text(leaf.bounds)}"
    return f"where {bound_text(leaf.bounds)}: {leaf.reason}" if leaf.bounds else leaf.reason


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _both(case: Case) -> bool | None:
    """sum eta_t diverges and sum eta_t**2 converges; one that fails is enough for a no."""
    answers = (_not(case.converges[0]), case.converges[1])
    return False if False in answers else None if None in answers else True


def _printed(found: Condition) -> Condition:
    """The constants of a condition with roots as sqrt."""
    boxes = tuple(tuple(Bound(rooted(b.form), rooted(b.constant), b.relation) for b in box) for box in found.boxes)
    return Condition(boxes)


def _precondition_step(established: Established, start: int) -> ProofStep:
    status = "declared" if established.how == "assumed" else "checked"
    return ProofStep(f"eta_t is defined and >= 0 for every t >= {start}", established.text, status)


__all__ = ["Decision", "Verdict", "decide"]

"""The smallest inputs on which code and a claimed rule come apart: exact numbers, few steps, few gradients.

Both are given the same gradients and rates. What is compared is what anybody sees of an optimizer: the point at which
it wants the next gradient, which for most is the parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.ascii import show
from derive.derivation import Assumptions
from derive.evaluation.evaluate import evaluate, holds
from derive.evaluation.outcome import look
from derive.evaluation.reals import Real, text
from derive.evaluation.values import Point, Undefined
from derive.kernel.terms import Term, subterms
from derive.relations import given, tidy
from derive.syntax import parse_given
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, names_in, put
from derive.witness import find_witness, satisfying_point
from numeric.correspondence import Paired, parsed
from numeric.matching import Map, Trial

STEPS, SECONDS = 4, 1.5


@dataclass(frozen=True)
class Moment:
    """Where both are after a step, as terms in the start w, the gradients g1, g2, ... and the rates eta1, eta2, ..."""

    expected: Term
    got: Term
    facts: tuple[str, ...]  # under which the code was read, up to here


def course(pair: Paired, hyper: Mapping[str, str], steps: int, *, constant: bool, plain: bool = False) -> list[Moment]:
    """Both from the same start. With `plain` every term as it stands, so that nothing undefined is left out."""
    code, rule = pair.code, pair.claimed
    neat = (lambda term: term) if plain else tidy
    mine: dict[str, Term] = {PARAMETER: ("v", PARAMETER)}
    theirs: dict[str, Term] = {}
    facts: list[str] = []
    found = []
    for t in range(1, steps + 1):
        now: dict[str, Term] = {
            GRADIENT: ("v", f"{GRADIENT}{t}"),
            RATE: ("v", RATE if constant else f"{RATE}{t}"),
            STEP: ("q", Fraction(t)),
        }
        known = {name: put(parsed(text), now) for name, text in hyper.items()}
        if t == 1:
            theirs = {name: put(term, known) for name, term in rule.initial.items()} | {PARAMETER: ("v", PARAMETER)}
        claims = code.first_conditions if t == 1 else code.conditions
        facts += [show(claim) for claim in (tidy(put(each, mine | now)) for each in claims)]
        terms = code.first if t == 1 else code.rule.step
        mine = {name: neat(put(terms[name], mine | now)) for name in code.first}
        theirs = {name: neat(put(rule.step[name], theirs | known | now)) for name in (PARAMETER, *rule.initial)}
        expected = put(parsed(rule.gradient_at), theirs | known)
        got = put(put(parsed(code.rule.gradient_at), mine), now)
        found.append(Moment(neat(expected), neat(got), tuple(facts)))
    return found


def counterexample(pair: Paired, *, constant: bool = False) -> dict[str, Any] | None:
    """The first step after which the two are seen to be apart, at a small exact point; None if none is found."""
    moments = course(pair, pair.plain, STEPS, constant=constant)
    for t in _order(pair, constant):
        found = _at(pair, moments, t, constant)
        if found is not None:
            return found
    return None


def _order(pair: Paired, constant: bool) -> Iterator[int]:
    """The steps to look at: from where trial runs come apart on, then those before."""
    same = Map(pair.plain, {PARAMETER: PARAMETER})
    apart = [Trial(pair.code, pair.claimed, seed, constant=constant).apart(same) or STEPS for seed in range(8)]
    first = min(min(apart), STEPS)
    yield from range(first, STEPS + 1)
    yield from range(1, first)


def _at(pair: Paired, moments: Sequence[Moment], t: int, constant: bool) -> dict[str, Any] | None:
    moment = moments[t - 1]
    if moment.expected == moment.got:
        return None
    facts = assumptions(pair, moment, t, constant)
    witness = find_witness("=", moment.expected, moment.got, facts, tries=3000, seconds=SECONDS)
    if witness is None:
        return None
    point = {name: Fraction(text) for name, text in witness.point.items()}
    return replayed(pair, point, t, constant=constant)


def _names(moments: Sequence[Moment]) -> set[str]:
    return {name for moment in moments for name in names_in(moment.expected) | names_in(moment.got)}


def assumptions(pair: Paired, moment: Moment, t: int, constant: bool, names: Iterable[str] = ()) -> Assumptions:
    """What the inputs of a witness have to satisfy: all domains, and what was assumed when the code was read."""
    rule = pair.code.rule
    used = names_in(moment.expected) | names_in(moment.got) | set(names)
    used |= {name for text in moment.facts for fact in parse_given(text).facts for name in names_in(fact)}
    rates = [RATE] if constant else [f"{RATE}{k}" for k in range(1, t + 1)]
    domain = next((h.domain for h in rule.hyperparameters if h.name == RATE), "")
    facts = [show(put(f, {RATE: ("v", r)})) for r in rates for f in parse_given(domain or f"{RATE} >= 0").facts]
    gradients = [f"{GRADIENT}{k} real" for k in range(1, t + 1)]
    related = [name for name in (h.name for h in rule.hyperparameters) if name in used and name != RATE]
    return parse_given(given(rule, {*related, PARAMETER}, None, [*facts, *gradients, *moment.facts]))


def replayed(pair: Paired, given_: Mapping[str, Fraction], t: int, *, constant: bool) -> dict[str, Any] | None:
    """The witness step by step, each formula as it stands; None if the point does not show what it should.

    It must be in the domain of both, the claimed rule must have a value, and the code another one, or none.
    """
    moments = course(pair, pair.plain, t, constant=constant, plain=True)
    facts = assumptions(pair, moments[-1], t, constant, _names(moments))
    values = {name: ("q", x) for name, x in given_.items()}
    rest = satisfying_point(Assumptions(facts=tuple(tidy(put(fact, values)) for fact in facts.facts)))
    if rest is None:
        return None
    point = {**dict.fromkeys(_names(moments), Fraction(0)), **rest, **given_}
    exact = Point(point, facts=facts.facts)
    if not all(holds(fact, exact) is True for fact in facts.facts):
        return None
    rows = []
    for k, moment in enumerate(moments, 1):
        seen = look(("=", moment.expected, moment.got), exact)
        expected, got = (text_of(side, exact) for side in (moment.expected, moment.got))
        rate = point.get(RATE if constant else f"{RATE}{k}")
        rows.append({"t": k, "g": str(point.get(f"{GRADIENT}{k}", 0)), "expected": expected, "got": got}
                    | ({"eta": str(rate)} if rate is not None else {}))  # fmt: skip
        if seen.failure is not None:
            if expected == "undefined" or (got == "undefined" and chooses(pair)):
                return None
            break
    else:
        return None
    own = {PARAMETER, RATE, *(f"{n}{k}" for n in (GRADIENT, RATE) for k in range(1, len(moments) + 1))}
    hyper = {pair.originals.get(name, name): str(x) for name, x in point.items() if name not in own}
    return {"t": len(rows), "w": str(point.get(PARAMETER, 0)), "g": [row["g"] for row in rows],
            "eta": [row.get("eta", "") for row in rows], "hyperparameters": hyper, "expected": rows[-1]["expected"],
            "got": rows[-1]["got"], "steps": rows}  # fmt: skip


def chooses(pair: Paired) -> bool:
    """Whether the code chooses between cases: in its formula both must have a value, in the code only the one taken."""
    terms = [*pair.code.rule.step.values(), *pair.code.first.values()]
    return any(node[:2] == ("f", "sign") for term in terms for node in subterms(term))


def text_of(term: Term, point: Point) -> str:
    """The value of a term: exact where it is rational, else in decimals; "undefined" where it has none."""
    value = evaluate(term, point)
    if isinstance(value, Undefined):
        return "undefined"
    return text(value) if isinstance(value, Fraction | Real) else "unknown"


__all__ = ["Moment", "assumptions", "counterexample", "course", "replayed", "text_of"]

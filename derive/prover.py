"""Judges a chain: finds a rule and hints for each line, hands them to the kernel, and says why where it fails.

A line is `proved` when the kernel accepts a step for it and a second judge, which evaluates both sides at points and
knows no normal form, finds nothing against it. The whole is then written as a certificate, which the kernel checks
once more from its JSON text. A line is `refuted` only with a witness, and otherwise `undecided` with the reason.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from derive.ascii import show
from derive.certificate import certificate, closed, too_large
from derive.derivation import Assumptions, Derivation, Line
from derive.errors import JudgesDisagree
from derive.hints import Claim, claims, recall
from derive.kernel.check import CHAINS, check, judge
from derive.kernel.rules import TRUE, Step, unfold
from derive.kernel.terms import OPTIMA, RELATIONS, Refused, Term, digest, mentions, substitute, subterms
from derive.limits import Patience, TimeUp, limited

EQUALITY_RULES = ("identity", "definition", "sum_termwise", "log_of_product", "grad")


@dataclass(frozen=True)
class Settings:
    """How hard to look: points for the second judge, and the seconds of computing for one line."""

    trials: int = 3
    search_seconds: float = 2.5
    witness_tries: int = 4000
    witness_seconds: float = 2.0
    seed: int = 0
    recall: bool = True  # whether proofs that were found before are tried first


def prove(derivation: Derivation, settings: Settings = Settings(), patience: Patience | None = None) -> Derivation:
    """Judge every line of a derivation; the certificate is there when all of them are proved.

    `patience` is what the undecided lines of several derivations may take together.
    Raises JudgesDisagree where the second judge refutes what the kernel accepts: a bug of this program.
    """
    patience = patience or Patience()
    found = judged_lines(derivation, settings, patience)
    steps = [step for _, some in found.rows for step in some]
    lines = (*derivation.lines[: len(derivation.lines) - len(found.rows)], *(line for line, _ in found.rows))
    lines = _reaches_goal(derivation, _chained(lines))
    obligations = tuple(
        replace(item, proof=prove(item.proof, settings, patience)) if item.proof is not None else item
        for item in derivation.obligations
    )
    result = replace(derivation, lines=lines, obligations=obligations)
    if any(line.verdict != "proved" for line in result.judged):
        return result
    document = certificate(steps, derivation.assumptions, found.model or {})
    if too_large(document):
        why = "the kernel accepts each line, but the certificate of all of them is too large for it; split the chain"
        return result.with_lines((*lines[:-1], replace(lines[-1], verdict="undecided", message=why)))
    try:
        check(document)
    except Refused as refusal:
        raise JudgesDisagree(f"the kernel accepts each step but not the certificate: {refusal}") from refusal
    return replace(result, certificate=document, digest=digest(document))


class Found(NamedTuple):
    """The judged lines with the steps that justify each, and a point that satisfies the assumptions."""

    rows: list[tuple[Line, list[Step]]]
    model: dict[str, Fraction] | None


def judged_lines(derivation: Derivation, settings: Settings, patience: Patience) -> Found:
    """Each line that carries a verdict, judged by itself."""
    session = _Session(derivation.assumptions, settings, patience)
    known = recall(derivation) if settings.recall else [[] for _ in derivation.judged]
    rows = [
        session.line(line, claim, first)
        for line, claim, first in zip(derivation.judged, claims(derivation), known, strict=True)
    ]
    return Found(rows, session.model)


def _chained(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """A line that turns the direction, `a < b` and then `b > c`, may hold, but says nothing of first and last."""
    relation, found = "=", list(lines[:1])
    for line in lines[1:]:
        joined = CHAINS[relation].get(line.relation)
        if joined is None and line.verdict == "proved":
            message = f"this holds, but {relation} and {line.relation} say nothing of the first and the last line"
            line = replace(line, verdict="undecided", message=message)
        relation = joined or relation
        found.append(line)
    return tuple(found)


def _reaches_goal(derivation: Derivation, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    goal, last = derivation.goal, lines[-1]
    reached = last.term if len(lines) == 1 or goal is None or goal[0] not in RELATIONS else (
        goal[0], lines[0].term, last.term)  # fmt: skip
    if goal is None or goal == reached or last.verdict != "proved":
        return lines
    message = f"the chain proves this line, but it was to show {show(goal, derivation.goal_binders)}"
    return (*lines[:-1], replace(last, verdict="undecided", message=message))


def _as_orders(
    claim: Claim, definitions: dict[str, tuple[int, Term]], given: Assumptions
) -> Iterator[tuple[str, Term, Term, Assumptions]]:
    """Where the optima themselves are out of reach: that both objectives put any two points in the same order.

    The kernel proves no less than that of an argmax or argmin; several variables and any objective will do.
    """
    relation, before, after = claim
    f, g = unfold(before, definitions), unfold(after, definitions)
    if relation != "=" or f[0] not in OPTIMA or g[0] not in OPTIMA or f[1] != g[1]:
        return
    known = {symbol.name: symbol for symbol in given.symbols}
    twins = {name: next(t for k in range(len(known) + 1) if (t := f"{name}{k}") not in known) for name in f[1]}

    def twin(term: Term) -> Term:
        for name, other in twins.items():
            term = substitute(term, ("v", name), ("v", other))
        return term

    symbols = (*given.symbols, *(replace(known[name], name=other) for name, other in twins.items()))
    facts = (*given.facts, *(twin(fact) for fact in given.facts if any(mentions(fact, name) for name in twins)))
    first, second = (f[2], twin(f[2])), (g[2], twin(g[2]))
    order = ("<", *first), ("<", *(second if f[0] == g[0] else second[::-1]))
    yield "<=>", *order, replace(given, symbols=symbols, facts=facts)


def accepts(relation: str, before: Term, after: Term, assumptions: Assumptions) -> bool:
    """Whether some rule justifies a single step; the kernel and the second judge decide, nothing is searched for."""
    line = Line(relation, after)
    session = _Session(assumptions, Settings(witness_tries=0, witness_seconds=0.0), Patience())
    return session.line(line, (relation, before, after))[0].verdict == "proved"


class _Session:
    """The assumptions of one derivation, in the forms that kernel, search and evaluation want."""

    def __init__(self, assumptions: Assumptions, settings: Settings, patience: Patience) -> None:
        from derive.witness import satisfying_point

        self.assumptions, self.settings, self.patience = assumptions, settings, patience
        self.until, self.late = time.process_time() + settings.search_seconds, False
        self.kinds = {symbol.name: symbol.kind for symbol in assumptions.symbols}
        self.definitions: dict[str, tuple[int, Term]] = {}
        for item in assumptions.definitions:
            self.definitions[item.name] = (len(item.parameters), unfold(closed(item), self.definitions))
        self.facts = [unfold(fact, self.definitions) for fact in assumptions.facts]
        self.model = None
        with suppress(TimeUp):
            self.model = limited(settings.search_seconds, lambda: satisfying_point(assumptions))

    def left(self) -> float:
        """The seconds that the line at hand may still take."""
        return self.until - time.process_time()

    def line(self, line: Line, claim: Claim, known: list[Step] | None = None) -> tuple[Line, list[Step]]:
        """Judge one line; the steps are what the certificate needs for it. `known` are steps to try first."""
        if self.patience.exhausted:
            message = "not judged: the undecided lines before it used up the time for one file; check it alone"
            return replace(line, verdict="undecided", message=message), []
        begin, self.late = time.process_time(), False
        self.until = begin + self.patience.for_a_line(self.settings.search_seconds)
        found = self.judged(line, claim, known or [])
        if found[0].verdict == "undecided":
            self.patience.left -= time.process_time() - begin
        return found

    def judged(self, line: Line, claim: Claim, known: list[Step]) -> tuple[Line, list[Step]]:
        if self.model is None:
            message = "no point was found that satisfies all the assumptions, and from a contradiction all would follow"
            return replace(line, verdict="undecided", message=message), []
        refusals: list[tuple[str, Refused]] = []
        for steps in self.candidates(claim, line.wanted_rule, known):
            try:
                used = {number for step in steps for number in self.judge(step)}
                self.second_judge(claim)
            except Refused as refusal:
                refusals.append((steps[0].rule, refusal))
                continue
            rule = next((step.rule for step in reversed(steps) if step.rule != "identity"), "identity")
            conditions = tuple(self.text(self.assumptions.facts[number]) for number in sorted(used))
            return replace(line, verdict="proved", rule=rule, side_conditions=conditions), steps
        return self.failed(line, claim, refusals), []

    def judge(self, step: Step, facts: Sequence[Term] | None = None, indices: tuple[str, ...] = ()) -> list[int]:
        known, kinds = self.facts if facts is None else [*facts], self.kinds | dict.fromkeys(indices, "integer")
        try:
            return limited(self.left(), lambda: judge(step, known, self.definitions, kinds))
        except TimeUp as error:
            self.late = True
            raise Refused("the step takes too long to check; split it") from error
        except (RecursionError, ArithmeticError, KeyError, ValueError, TypeError, IndexError) as error:
            raise Refused(f"this is not a term that the rule can read ({error})") from error

    def in_time(self, step: Step, facts: Sequence[Term], indices: tuple[str, ...]) -> list[int]:
        """As judge; but once the time is up there is no next case to look at."""
        if self.left() <= 0:
            raise TimeUp("out of time")
        return self.judge(step, facts, indices)

    def second_judge(self, claim: Claim) -> None:
        """Evaluate both sides at points. Refused where no point could be compared: one judge is not enough."""
        from derive.witness import second_opinion

        settings, compared = self.settings, 0
        for relation, before, after, given in (
            (*claim, self.assumptions), *_as_orders(claim, self.definitions, self.assumptions)
        ):  # fmt: skip
            try:
                look = partial(
                    second_opinion, relation, before, after, given, trials=settings.trials, seed=settings.seed
                )
                opinion = limited(max(self.left(), 1.0), look)
            except TimeUp as error:
                self.late = True
                raise Refused("the kernel accepts this, but the second judge ran out of time") from error
            compared += opinion.compared
            if opinion.witness is not None:
                point = ", ".join(f"{name} = {value}" for name, value in opinion.witness.point.items())
                raise JudgesDisagree(
                    f"the kernel accepts `{show(claim[1])} {claim[0]} {show(claim[2])}`, but at {point} "
                    f"the left is {opinion.witness.left} and the right {opinion.witness.right}; please report this"
                )
            if compared:
                return
        raise Refused("the kernel accepts this, but the second judge could evaluate it at no point")

    def failed(self, line: Line, claim: Claim, refusals: list[tuple[str, Refused]]) -> Line:
        from derive.witness import find_claim_witness, find_witness

        relation, before, after = claim
        seed, tries = self.settings.seed, self.settings.witness_tries
        seconds = self.patience.for_a_line(self.settings.witness_seconds)
        if before == TRUE:
            look = partial(find_claim_witness, after, self.assumptions, seed=seed, tries=tries, seconds=seconds)
        else:
            sides = (relation, before, after)
            look = partial(find_witness, *sides, self.assumptions, seed=seed, tries=tries, seconds=seconds)
        witness = None
        with suppress(TimeUp):
            witness = limited(seconds + 0.5, look)
        if witness is None:
            return replace(line, verdict="undecided", message=self.why(claim, refusals))
        return replace(
            line, verdict="refuted", witness=dict(witness.point), left=witness.left, right=witness.right,
            message=witness.reason,
        )  # fmt: skip

    def why(self, claim: Claim, refusals: list[tuple[str, Refused]]) -> str:
        """The most telling refusal: a missing condition before a failed equality, the more specific rule first."""
        if self.late:
            return "the search ran out of time; split the line, or take what is large apart with define"
        if not refusals:
            return "no rule applies to a line of this form"
        # monotone is tried on any two optima; what it lacks says something only where nothing else was tried
        refusals = [item for item in refusals if item[0] != "monotone"] or refusals
        missing = [item for item in refusals if "not known" in str(item[1]) or "differentiable" in str(item[1])]
        rule, refusal = (missing or refusals)[-1 if not missing else 0]
        where = f": {self.text(refusal.term)}" if refusal.term is not None else ""
        hint = "; write a line in between that shows the step" if rule == "positive" else ""
        return f"{refusal}{where} (rule {rule}){hint}"

    def text(self, term: Term) -> str:
        """ASCII of a term of the kernel, whose own index names are not in the language."""
        taken = {str(node[1]) for node in subterms(term) if node[0] in ("v", "ix", "call")}
        free = (name for name in ("i", "j", "k", "l", "m", "n", "i1", "i2", "i3", "i4") if name not in taken)
        for name in sorted(taken):
            if name.startswith("#"):
                term = substitute(term, ("v", name), ("v", "t" if name == "#t" and "t" not in taken else next(free)))
        return show(term)

    # --- which steps could justify a line ---------------------------------------------------------------------------

    def candidates(self, claim: Claim, wanted: str, known: list[Step]) -> Iterator[list[Step]]:
        """Lists of steps that would justify the claim: those known, then the simplest first; the kernel decides."""
        for steps in chain([known] if known else [], self.all_candidates(claim)):
            if self.left() <= 0:
                self.late = True
                return
            if not wanted or any(step.rule == wanted for step in steps):
                yield steps

    def all_candidates(self, claim: Claim) -> Iterator[list[Step]]:
        relation, before, after = claim
        sides = [unfold(side, self.definitions) for side in (before, after)]
        if after[0] == "rec":
            yield [Step("induction", relation, before, after, {})]
            return
        if before[0] == "subdiff":
            yield [Step("subgrad_abs", relation, before, after, {})]
            return
        if relation in ("=", "<=>", "<=", ">="):
            tags = {node[0] for side in (before, after) for node in subterms(side)}
            for rule in EQUALITY_RULES:
                if rule == "definition" and sides == [before, after]:
                    continue
                if rule == "grad" and "diff" not in tags:
                    continue
                yield [Step(rule, relation, before, after, {})]
        if relation == "=" and all(side[0] in OPTIMA for side in sides) and sides[0][1] == sides[1][1]:
            yield from self.optima(claim, sides)
        else:
            from derive.tactics import Search

            integers = frozenset(name for name, kind in self.kinds.items() if kind == "integer")
            search = Search(self.in_time, self.quietly, integers)
            try:
                for rule, hints in search.all(relation, sides[0], sides[1], tuple(self.facts)):
                    yield [Step(rule, *claim, hints)]
            except TimeUp:
                self.late = True

    def optima(self, claim: Claim, sides: list[Term]) -> Iterator[list[Step]]:
        relation, before, after = claim
        names = sides[0][1]

        def affine(f: Term, g: Term, kinds: tuple[str, str], ends: tuple[Term, Term]) -> Iterator[Step]:
            from derive.search import affine_hints

            for constant, factor in self.quietly(affine_hints(f, g, names, tuple(self.facts))):
                yield Step("argopt", relation, *ends, {"constant": constant, "factor": factor})

        f, g = sides[0][2], sides[1][2]
        same = sides[0][0] == sides[1][0]
        if same:
            for function in ("log", "exp", "sqrt"):
                for inverse in (False, True):
                    yield [Step("monotone", relation, before, after, {"function": function, "inverse": inverse})]
        for step in affine(f, g, (sides[0][0], sides[1][0]), (before, after)):
            yield [step]
        # Through the logarithm of either side: a likelihood against a loss.
        for inverse in (False, True):
            start, target = (g, f) if inverse else (f, g)
            middle = (sides[1 if inverse else 0][0], names, ("f", "log", start))
            hints = {"function": "log", "inverse": inverse}
            if inverse:
                for step in affine(target, middle[2], (sides[0][0], middle[0]), (before, middle)):
                    yield [step, Step("monotone", relation, middle, after, hints)]
            else:
                for step in affine(middle[2], target, (middle[0], sides[1][0]), (middle, after)):
                    yield [Step("monotone", relation, before, middle, hints), step]

    def quietly(self, search: Iterator[Any]) -> Iterator[Any]:
        """What a search finds until it breaks or its time is up: SymPy raises many things, and none is an answer."""
        while True:
            try:
                found = limited(self.left(), lambda: next(search, None))
            except TimeUp:
                self.late = True
                return
            except Exception:  # whatever the search raises, the line is merely not justified this way
                return
            if found is None:
                return
            yield found


__all__ = ["Settings", "accepts", "closed", "prove"]

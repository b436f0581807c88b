"""What has to be proved for code to be a rule under a map: by induction over the steps, from the start.

The map fits after the first step, it commutes with each later step from any state that can be reached, and both take
the gradient at the same point. What can be reached is known from facts about the state, each proved by induction, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from derive.ascii import show
from derive.chains import compose
from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.invariants import BETWEEN
from derive.kernel.terms import ONE, ZERO, Term, rebuild, sub, subterms
from derive.limits import Patience
from derive.prover import Settings
from derive.prover import prove as judged_by
from derive.relations import BEFORE, Relation, equation, given, tidy
from derive.syntax import parse_given
from derive.update_rule import PARAMETER, RATE, STEP, UpdateRule, names_in, put
from derive.witness import satisfying_point
from numeric.correspondence import Paired, parsed
from numeric.matching import Map, Trial

COUNTED = 2**31 - 2  # the last step that a counter of 32 bits tells apart from the next
PATIENCE = 4.0  # seconds for all that is not proved at once
SETTINGS = Settings(search_seconds=1.5, witness_seconds=0.5)
CODE = Text("the code", "코드")
FROM = Text("by what is given", "주어진 것에서")


@dataclass(frozen=True)
class Proof:
    """The judged derivations of a map, and the conditions under which they were; or why one of them is not proved."""

    derivations: tuple[Derivation, ...] = ()
    conditions: tuple[str, ...] = ()
    missing: str = ""


def prove(pair: Paired, found: Map, target: str, patience: Patience | None = None) -> Proof:
    """Everything that makes a map a proof, judged; `patience` is what may be spent on what is not proved."""
    try:
        return _prove(pair, found, target, patience or Patience(PATIENCE))
    except InputError as error:  # a value outside the domain of the rule, say
        return Proof(missing=error.message)


def _prove(pair: Paired, found: Map, target: str, patience: Patience) -> Proof:
    facts = _Facts(pair, found, patience)
    kept, proofs = facts.invariants()
    code = replace(pair.code, rule=kept)
    pair = replace(pair, code=code)
    assumed, always, missing = facts.conditions(kept)
    if missing:
        return Proof(missing=missing)
    nonzero = _nonzero(found)
    # What is only assumed speaks of hyperparameters and of t; it is printed as a condition, and must be possible.
    more = [*nonzero, *map(show, assumed)]
    if not _possible(kept, more):
        return Proof(missing=f"no numbers were found that satisfy {'; '.join(more)}")
    judged = [*proofs, *always]
    for derivation in _steps(pair, found, target, more, patience):
        done = judged_by(derivation, SETTINGS, patience)
        if done.verdict != "proved":
            return Proof(missing=f"{done.title.en}: {_why(done)}")
        judged.append(done)
    constant = ["learning rate constant"] if found.constant else []
    return Proof(tuple(judged), tuple(dict.fromkeys([*constant, *nonzero, *pair.conditions, *map(show, assumed)])))


def _why(done: Derivation) -> str:
    return next((line.message for line in done.judged if line.verdict != "proved"), "")


def _possible(rule: UpdateRule, more: list[str]) -> bool:
    used = {hyper.name for hyper in rule.hyperparameters} | {STEP}
    return satisfying_point(parse_given(given(rule, used, None, more)), seconds=1.0) is not None


def _steps(pair: Paired, found: Map, target: str, more: list[str], patience: Patience) -> Iterator[Derivation]:
    code, rule = pair.code, pair.claimed
    if pair.whole is not None:
        values = dict(pair.values)
        idle = Relation(f"{rule.name}-idle", Text(f"{rule.name} without idle state"), pair.whole, rule, fixed=values)
        yield from (*idle.steps, *idle.starts, *idle.points)
    relation = Relation(
        f"{rule.name}-here", Text(f"{target} as {rule.name}"), code.rule, rule, hyper=found.hyper, state=found.state,
        constant=found.constant, conditions="; ".join(_late(found, more)),
    )  # fmt: skip
    of_state = {name: item for name, item in zip(relation.compared, relation.steps, strict=True) if name != PARAMETER}
    yield from of_state.values()
    # What is proved of the state by now may be put for it in the step of the parameter, and after the first step.
    same = {text: name for name, text in found.state.items() if text in {state.name for state in code.rule.state}}
    yield from _first(pair, found, more, same)
    later = {code.rule.step[state]: of_state[name].lines[0].term for state, name in same.items() if name in of_state}
    whole = replace(relation, rule=_flat(code.rule, later)).steps[0]
    done = judged_by(whole, SETTINGS, patience)
    yield done if done.verdict == "proved" else _opened(code.rule, whole, set(same), later, _late(found, more))
    if not found.elsewhere:
        yield from relation.points
    yield from relation.domains


def _opened(
    rule: UpdateRule, whole: Derivation, states: set[str], later: Mapping[Term, Term], facts: list[str]
) -> Derivation:
    """The step of the parameter for whatever the new states are, as long as what is known of them holds."""
    fresh = {state: f"{state}next" for state in states}
    taken = {line.name for line in rule.assignments} | {hyper.name for hyper in rule.hyperparameters}
    if not fresh or taken & set(fresh.values()):
        return whole
    swap = {later[rule.step[state]]: ("v", name) for state, name in fresh.items() if rule.step[state] in later}
    left, right = (_exchanged(line.term, swap) for line in (whole.lines[0], whole.lines[-1]))
    used = names_in(left) | names_in(right)
    known = {state.name for state in rule.state}
    about = [fact for state in rule.state if state.invariant for fact in parse_given(state.invariant).facts]
    here = [
        put(fact, {k: ("v", name) for k, name in fresh.items()}) for fact in about if names_in(fact) & known <= states
    ]
    kept = [fact for fact in here if names_in(fact) & used]
    used |= {name for fact in kept for name in names_in(fact)}
    more = [*(f"{name} real" for name in fresh.values() if name in used), *map(show, kept)]
    return _composed(rule, whole.name, whole.title, equation(left, right, CODE), [*facts, *more])


def _flat(rule: UpdateRule, equal: Mapping[Term, Term]) -> UpdateRule:
    """The same step, each name in terms of what was before it, with equal terms for some of its parts."""
    taken = {*(a.name for a in rule.assignments), *(h.name for h in rule.hyperparameters)}
    kept = [line.name for line in rule.assignments if line.kind != "let"]
    new = dict(zip(kept, (f"{name}next" for name in kept), strict=True))
    if not equal or taken & set(new.values()):
        return rule
    lines = [f"{new[name]} = {show(_exchanged(rule.step[name], equal))}" for name in kept]
    return replace(rule, lines=(*lines, *(f"{name} = {new[name]}" for name in kept)))


def _exchanged(term: Term, equal: Mapping[Term, Term]) -> Term:
    """The term with equal terms for its parts, whatever the order of summands and factors in them."""
    known = {_ordered(part): other for part, other in equal.items()}

    def changed(part: Term) -> Term:
        other = known.get(_ordered(part))
        return other if other is not None else rebuild(part, lambda inner, _: changed(inner))

    return changed(term)


@lru_cache(maxsize=1 << 14)
def _ordered(term: Term) -> Term:
    """The term with the parts of sums and products in one order, and no brackets between them."""
    term = rebuild(term, lambda part, _: _ordered(part))
    if term[0] not in ("+", "*"):
        return term
    parts = [inner for part in term[1:] for inner in (part[1:] if part[0] == term[0] else (part,))]
    return (term[0], *sorted(parts, key=repr))


def _late(found: Map, more: list[str]) -> list[str]:
    """What the steps from the second on may use: what holds of the rate in every step holds of the one before."""
    before = [f"{BEFORE} != 0"] if f"{RATE} != 0" in more and not found.constant else []
    return [f"{STEP} integer >= 2", *before, *more]


def _first(pair: Paired, found: Map, more: list[str], same: Mapping[str, str]) -> Iterator[Derivation]:
    """After one step from the start the claimed rule is where the map says, and the first gradient was the same."""
    code, rule = pair.code, pair.claimed
    once = {STEP: ONE}
    hyper = {name: put(parsed(text), once) for name, text in found.hyper.items()}
    begin = {name: put(term, {**hyper}) for name, term in rule.initial.items()}
    claims = [put(fact, once) for text in more for fact in parse_given(text).facts]
    facts = [show(claim) for claim in claims if names_in(claim)]
    claimed = {name: put(rule.step[name], {**hyper, **begin, **once}) for name in found.state}
    equal = {code.first[state]: claimed[name] for state, name in same.items() if names_in(code.first[state])}
    for name, text in sorted(found.state.items(), key=lambda item: item[0] == PARAMETER):
        right = put(put(parsed(text), once), dict(code.first))
        right = _exchanged(right, equal) if name == PARAMETER else right
        title = Text(f"{name} after the first step", f"첫 걸음 뒤의 {name}")
        yield _composed(code.rule, f"{rule.name}-first-{name}", title, equation(claimed[name], right, CODE), facts)
    if not found.elsewhere:
        left = put(parsed(rule.gradient_at), {**hyper, **begin, **once})
        right = put(parsed(code.rule.gradient_at), {**code.rule.initial, **once})
        if left != right:
            title = Text("Where the first gradient is taken", "첫 기울기를 구하는 점")
            yield _composed(code.rule, f"{rule.name}-first-gradient", title, equation(left, right, CODE), facts)


def _composed(
    rule: UpdateRule, name: str, title: Text, rows: list[tuple[str, Term, Text]], facts: list[str]
) -> Derivation:
    used = {found for _, term, _ in rows for found in names_in(term)}
    lines = [(relation, show(term), reason, "") for relation, term, reason in rows]
    return compose(name, title, "", given(rule, used, None, facts), lines)


def _nonzero(found: Map) -> list[str]:
    """What the map divides by and may be zero: the learning rate."""
    rate = ("v", RATE)
    divides = any(
        node[0] == "/" and rate in subterms(node[2]) for text in found.state.values() for node in subterms(parsed(text))
    )
    return [f"{RATE} != 0"] if divides else []


# --- what is known of the state ---------------------------------------------------------------------------------------


class _Facts:
    """Facts that hold in every state that the code reaches, each proved; and what was assumed when it was read."""

    def __init__(self, pair: Paired, found: Map, patience: Patience) -> None:
        self.pair, self.found, self.patience = pair, found, patience
        code = pair.code.rule
        self.rule = replace(code, name=f"{code.name}-as-read")  # what is known of a library rule is not known of code
        hypers = {hyper.name for hyper in code.hyperparameters}
        self.fixed = [c for c in pair.code.conditions if names_in(c) <= hypers]

    def _judged(self, derivation: Derivation) -> Derivation:
        return judged_by(derivation, SETTINGS, self.patience)

    def guesses(self) -> dict[Term, Term | None]:
        """What may always hold, with the difference of its sides in a form whose sign shows where one is known."""
        code, claimed = self.pair.code, self.pair.claimed
        own = {state.name for state in code.rule.state}
        found: dict[Term, Term | None] = {}
        for state in code.rule.state:
            found |= dict.fromkeys(parse_given(state.invariant).facts if state.invariant else ())
        mapped = {name: put(parsed(text), {}) for name, text in {**self.found.hyper, **self.found.state}.items()}
        between = {row.state: put(parsed(row.difference), mapped) for row in BETWEEN.get(claimed.name, ())}
        for state in claimed.state:
            for fact in parse_given(state.invariant).facts if state.invariant else ():
                here = put(fact, mapped)
                if names_in(here) & own and STEP not in names_in(here) and RATE not in names_in(here):
                    found[here] = found.get(here) or between.get(state.name)
        trials = [Trial(code, claimed, seed, constant=False) for seed in (4, 5)]
        for name in sorted(own):
            if all(values[name] >= 0 for trial in trials for values in trial.states):
                found.setdefault((">=", ("v", name), ZERO), None)
        return found

    def invariants(self) -> tuple[UpdateRule, tuple[Derivation, ...]]:
        """The rule with those facts that are inductive, all together; and the derivations that say so."""
        needed = {
            name for term in (*self.rule.step.values(), *(put(parsed(t), {}) for t in self.found.state.values()))
            for node in subterms(term) if _partial(node) for name in names_in(node)
        }  # fmt: skip
        known = {state.name for state in self.rule.state}
        guesses = {fact: how for fact, how in self.guesses().items() if names_in(fact) & known & needed}
        started: dict[Term, Derivation] = {}
        for fact in guesses:
            done = self._judged(self._start(fact, guesses[fact]))
            if done.verdict == "proved":
                started[fact] = done
        kept = list(started)
        while True:
            rule = _with_facts(self.rule, kept)
            after = {fact: self._judged(self._after(rule, fact, guesses[fact])) for fact in kept}
            staying = [fact for fact in kept if after[fact].verdict == "proved"]
            if staying == kept:
                proofs = [each for fact in kept for each in (started[fact], after[fact])]
                return replace(rule, name=self.pair.code.rule.name), tuple(proofs)
            kept = staying

    def _start(self, fact: Term, difference: Term | None) -> Derivation:
        claim = put(fact, dict(self.pair.code.first))
        title = Text(f"After the first step {show(fact)}", f"첫 걸음 뒤에 {show(fact)}")
        rows = [("", claim[1], Text()), (claim[0], claim[2], FROM)]
        if difference is not None:
            first = tidy(put(difference, dict(self.rule.initial)))
            rows = [("", sub(claim[1], claim[2]), Text()), ("=", first, Text()), (claim[0], ZERO, FROM)]
        return _composed(self.rule, "first-fact", title, rows, [show(c) for c in self.fixed])

    def _after(self, rule: UpdateRule, fact: Term, difference: Term | None) -> Derivation:
        claim = put(fact, dict(rule.step))
        title = Text(f"After a step {show(fact)} again", f"한 걸음 뒤에도 {show(fact)}")
        rows = [("", claim[1], Text()), (claim[0], claim[2], FROM)]
        if difference is not None:
            rows = [("", sub(claim[1], claim[2]), Text()), ("=", difference, Text()), (claim[0], ZERO, FROM)]
        return _composed(rule, "later-fact", title, rows, [show(c) for c in self.fixed])

    def conditions(self, rule: UpdateRule) -> tuple[list[Term], list[Derivation], str]:
        """Of what was assumed when the code was read: what remains a condition, proofs of the rest, what is missing.

        A condition on hyperparameters remains. One on the data must always hold. One on t alone may also be such that
        it held before when it holds now: then it is a last step.
        """
        code = self.pair.code
        hypers = {hyper.name for hyper in rule.hyperparameters}
        assumed: list[Term] = []
        always: list[Derivation] = []
        for first, claims in ((True, code.first_conditions), (False, code.conditions)):
            for claim in claims:
                if names_in(claim) <= hypers:
                    assumed.append(claim)
                    continue
                here = put(claim, {STEP: ONE}) if first else claim
                title = Text(f"Always {show(claim)}", f"항상 {show(claim)}")
                rows = [("", here[1], Text()), (here[0], here[2], FROM)]
                late = [] if first or STEP not in names_in(here) else [f"{STEP} integer >= 2"]
                base = [*late, *(show(c) for c in self.fixed)]
                done = self._judged(_composed(rule, "always", title, rows, base))
                if done.verdict == "proved":
                    always.append(done)
                elif not first and last_step(claim, hypers) and saturates(claim):
                    assumed.append(claim)
                elif not first and last_step(claim, hypers):
                    return [], [], f"after {show(('=', *_later_last(claim)))} the code does something else"
                else:
                    return [], [], f"the code was only read for steps with {show(claim)}"
        return list(dict.fromkeys(assumed)), always, ""


def last_step(claim: Term, hypers: set[str]) -> bool:
    """Whether a claim about t held at every step before one at which it holds: t, or t less or more a number, < c.

    >>> t, c = ("v", "t"), ("v", "c")
    >>> last_step(("<", t, c), {"c"}), last_step((">", t, c), {"c"}), last_step(("<", t, ("*", t, c)), {"c"})
    (True, False, False)
    """
    relation, left, right = claim
    if relation in (">", ">="):
        left, right = right, left
    elif relation not in ("<", "<="):
        return False
    time = ("v", STEP)
    beside = [part for part in left[1:] if part != time] if left[0] == "+" else []
    moved = left == time or (left[0] == "+" and left.count(time) == 1 and not any(STEP in names_in(p) for p in beside))
    return moved and names_in(left) | names_in(right) <= hypers | {STEP} and STEP not in names_in(right)


def _later_last(claim: Term) -> tuple[Term, Term]:
    """The sides of a claim about a last step, that with t first."""
    return (claim[2], claim[1]) if claim[0] in (">", ">=") else (claim[1], claim[2])


def saturates(claim: Term) -> bool:
    """Whether a last step is where a counter of 32 bits stays, and not one that the code was written for.

    >>> saturates(("<", ("v", "t"), ("q", 2**31 - 1))), saturates(("<=", ("v", "t"), ("q", 1000)))
    (True, False)
    """
    bound = _later_last(claim)[1]
    return bound[0] == "q" and bool(bound[1] >= COUNTED)


def _with_facts(rule: UpdateRule, facts: list[Term]) -> UpdateRule:
    """The rule with facts about its state, each with the last of the states that it is about."""
    states = []
    order = [state.name for state in rule.state]
    about = {fact: max(names_in(fact) & set(order), key=order.index) for fact in facts}
    for state in rule.state:
        texts = [show(fact) for fact in facts if about[fact] == state.name]
        states.append(replace(state, invariant="; ".join(texts)))
    return replace(rule, state=tuple(states))


def _partial(node: Term) -> bool:
    """Whether a node is not defined everywhere, or is something else where the sign of a part is known."""
    return node[0] in ("/", "^", "f") and node[:2] != ("f", "exp")


__all__ = ["Proof", "last_step", "prove"]

"""Searches for the map under which one update rule is another: candidates, tried in floats. Nothing here is trusted.

What is found is proved by `numeric.verification`, or it is not believed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any

from derive.ascii import show
from derive.kernel.terms import ONE, ZERO, Term, children, subterms
from derive.relations import tidy
from derive.syntax import parse_given
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, UpdateRule, names_in, put
from numeric.correspondence import Paired, Run, parsed

Values = dict[str, float]
STEPS = 6  # of a trial run
CLOSE = 1e-7  # a filter, not a judgement: relative to the size of what is compared


@dataclass(frozen=True)
class Map:
    """Hyperparameters and state of the claimed rule, in those of the code; both as texts in its names and t.

    `constant`: only if the learning rate is the same in all steps. `elsewhere`: only if the gradient that the code is
    given is taken where the claimed rule takes it, and not where the code says that it is.
    """

    hyper: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    constant: bool = False
    elsewhere: bool = False


def value_of(term: Term, known: Mapping[str, float]) -> float:
    """A term in floats. Raises ArithmeticError, ValueError or OverflowError where it has no value."""
    tag = term[0]
    if tag == "q":
        return float(term[1])
    if tag == "v":
        return known[term[1]]
    if tag == "c":
        return math.pi
    parts = [value_of(child, known) for child in children(term)]
    if tag == "+":
        return math.fsum(parts)
    if tag == "*":
        return math.prod(parts)
    if tag == "neg":
        return -parts[0]
    if tag == "/":
        return parts[0] / parts[1]
    if tag == "^":
        return math.pow(parts[0], parts[1])
    function: Any = {"sqrt": math.sqrt, "abs": abs, "exp": math.exp, "log": math.log,
                "sign": lambda x: float((x > 0) - (x < 0))}.get(term[1])  # fmt: skip
    if function is not None:
        return float(function(parts[0]))
    return min(parts) if term[1] == "min" else max(parts)


@lru_cache(maxsize=4096)
def facts_in(text: str) -> tuple[Term, ...]:
    """The facts of a text such as "0 <= beta1 < 1"."""
    return parse_given(text).facts


class Trial:
    """A few steps of both, with gradients of all sizes, from the same start and under numbers in the domains."""

    def __init__(self, code: Run, claimed: UpdateRule, seed: int, *, constant: bool) -> None:
        random = Random(seed)
        self.code, self.claimed = code, claimed
        self.hyper = numbers(code, random)
        self.w = random.uniform(-2, 2)
        sizes = [10 ** random.uniform(-3, 1) * random.choice((-1, 1)) for _ in range(STEPS)]
        sizes[random.randrange(1, STEPS)] = 0.0
        base = self.hyper.get(RATE, 0.1)
        self.gradients = sizes
        self.rates = [base if constant else base * random.uniform(0.3, 1.7) for _ in range(STEPS)]
        self.states = self.course()

    def course(self) -> list[Values]:
        """What the code holds after each step, as far as that has a value."""
        now: Values = {PARAMETER: self.w}
        found: list[Values] = []
        for t in range(1, STEPS + 1):
            given = self.hyper | now | {GRADIENT: self.gradients[t - 1], RATE: self.rates[t - 1], STEP: float(t)}
            terms = self.code.first if t == 1 else self.code.rule.step
            try:
                now = {name: value_of(terms[name], given) for name in self.code.first}
            except (ArithmeticError, ValueError):
                break
            found.append(now)
        return found

    def agrees(self, found: Map) -> bool:
        """Whether the claimed rule, run beside the code, stays where the map says that it is."""
        return self.apart(found) is None

    def apart(self, found: Map) -> int | None:
        """The first step after which the claimed rule is not where the map says; all that is mapped is compared."""
        hyper = {name: parsed(text) for name, text in found.hyper.items()}
        state = {name: parsed(text) for name, text in found.state.items()}
        now: Values = {}
        for t in range(1, STEPS + 1):
            try:
                here = self.hyper | {RATE: self.rates[t - 1], STEP: float(t)}
                theirs = {name: value_of(term, here) for name, term in hyper.items()}
                given = theirs | {STEP: float(t), GRADIENT: self.gradients[t - 1]}
                if t == 1:
                    start = theirs | {PARAMETER: self.w}
                    now = {name: value_of(term, start) for name, term in self.claimed.initial.items()}
                    now[PARAMETER] = self.w
                now = {name: value_of(term, given | now) for name, term in self.claimed.step.items() if name in now}
                mapped = {name: value_of(term, here | self.states[t - 1]) for name, term in state.items()}
            except (ArithmeticError, ValueError, IndexError):
                return t
            if not all(close(now[name], mapped[name]) for name in mapped):
                return t
        return None


def close(a: float, b: float) -> bool:
    return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= CLOSE * max(1e-3, abs(a), abs(b))


def numbers(code: Run, random: Random) -> Values:
    """Hyperparameters inside their domains and the conditions on them, away from where special things happen."""
    rule = code.rule
    hypers = {hyper.name for hyper in rule.hyperparameters}
    facts = [fact for hyper in rule.hyperparameters if hyper.domain for fact in facts_in(hyper.domain)]
    facts += [fact for fact in code.conditions if not names_in(fact) - hypers]
    ranges = {hyper.name: bounds(hyper.name, hyper.domain) for hyper in rule.hyperparameters}
    found: Values = {}
    for _ in range(60):
        for name, (low, high) in ranges.items():
            found[name] = random.uniform(low + (high - low) * 0.1, high - (high - low) * 0.1)
        if all(_true(fact, found) for fact in facts):
            break
    return found


def _true(fact: Term, known: Values) -> bool:
    try:
        left, right = (value_of(side, known) for side in fact[1:])
    except (ArithmeticError, ValueError, KeyError):
        return True
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(fact[0], True))


def shares(rule: UpdateRule) -> list[str]:
    """The hyperparameters that are between 0 and 1: how much of something is kept."""
    found = ((hyper.name, bounds(hyper.name, hyper.domain)) for hyper in rule.hyperparameters)
    return [name for name, (low, high) in found if low >= 0 and high <= 1]


@lru_cache(maxsize=4096)
def bounds(name: str, domain: str) -> tuple[float, float]:
    """Numbers between which a hyperparameter may be, where its domain says so in numbers."""
    low, high = -math.inf, math.inf
    for fact in parse_given(domain).facts if domain else ():
        op, left, right = fact
        for a, b, turn in ((left, right, op), (right, left, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op))):
            if a == ("v", name) and not any(node[0] == "v" for node in subterms(b)):
                at = value_of(b, {})
                low, high = (max(low, at), high) if turn in (">", ">=") else (low, min(high, at))
    if math.isinf(low):
        low = 0.0 if math.isinf(high) else min(0.0, high - 1)
    return low, min(high, low + 2.0) if math.isinf(high) else high


# --- candidates -----------------------------------------------------------------------------------------------------


def maps(pair: Paired, *, formulas: bool = True) -> Iterator[Map]:
    """Candidates that agree in trial runs, the simplest first: those that hold under any schedule before the others.

    Without `formulas` hyperparameters correspond by name alone.
    """
    for constant in (False, True):
        trials = [Trial(pair.code, pair.claimed, seed, constant=constant) for seed in (1, 2, 3)]
        for candidate in candidates(pair, formulas=formulas):
            found = replace(candidate, constant=constant)
            if all(trial.agrees(found) for trial in trials):  # the first one that does not is the last one asked
                yield found


def candidates(pair: Paired, *, formulas: bool) -> Iterator[Map]:
    """Maps of hyperparameters by name, then with one of them a formula; states by their ratio after the first step."""
    code, claimed, plain = pair.code, pair.claimed, dict(pair.plain)
    changed = (plain | change for change in changes(code.rule, claimed, plain)) if formulas else ()
    ahead = claimed.gradient_at != code.rule.gradient_at  # then the parameters are not the same variable
    for hyper in itertools.chain([plain], changed):
        if ahead or _first_is(code, claimed, hyper, PARAMETER, PARAMETER):
            yield from states(code, claimed, hyper)


def changes(code: UpdateRule, claimed: UpdateRule, plain: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """One or two hyperparameters as formulas of those of the code: constant factors, and such as vary with t."""
    forgetting = shares(code)
    corrected = [f"1 - {b}**{STEP}" for b in forgetting]
    factors = [*(f"*(1 - {b})" for b in forgetting), *(f"/(1 - {b})" for b in forgetting)]
    timed = [*(f"*sqrt({c})" for c in corrected), *(f"/sqrt({c})" for c in corrected), *(f"*({c})" for c in corrected),
             *(f"/({c})" for c in corrected)]  # fmt: skip
    names_ = [hyper.name for hyper in claimed.hyperparameters]
    for name in (RATE, "eps"):
        if name in names_:
            yield from ({name: f"{plain[name]}{factor}"} for factor in (*factors, *timed))
    if RATE in names_ and "eps" in names_:
        for a, b in itertools.permutations(corrected, 2):
            for eps in (f"*sqrt({a})", f"/sqrt({a})", ""):
                yield {RATE: f"{plain[RATE]}*sqrt({a})/({b})", "eps": f"{plain['eps']}{eps}"}
                yield {RATE: f"{plain[RATE]}*({b})/sqrt({a})", "eps": f"{plain['eps']}{eps}"}


def states(code: Run, claimed: UpdateRule, hyper: Mapping[str, str]) -> Iterator[Map]:
    """Maps of the state: for each of the claimed rule, what is a fixed multiple of it after the first step."""
    options = []
    for state in claimed.state:
        found = list(dict.fromkeys(multiples(code, claimed, hyper, state.name)))
        if not found:
            return
        options.append(found[:6])
    for chosen in itertools.islice(itertools.product(*options), 24):
        mapped = dict(zip((state.name for state in claimed.state), chosen, strict=True))
        if claimed.gradient_at == code.rule.gradient_at:
            yield Map(hyper, {PARAMETER: PARAMETER} | mapped)
        elif code.rule.gradient_at == PARAMETER:
            # The code's parameter is where the gradient is taken: it is the other variable of the claimed rule.
            ahead = parsed(claimed.gradient_at)
            there = put(ahead, _terms(mapped | dict(hyper)) | {PARAMETER: ZERO})
            yield Map(hyper, {PARAMETER: show(tidy(("+", ("v", PARAMETER), ("neg", there))))} | mapped)
            yield Map(hyper, {PARAMETER: PARAMETER} | mapped, elsewhere=True)
        elif claimed.gradient_at == PARAMETER:
            yield Map(hyper, {PARAMETER: code.rule.gradient_at} | mapped)
            yield Map(hyper, {PARAMETER: PARAMETER} | mapped, elsewhere=True)


def multiples(code: Run, claimed: UpdateRule, hyper: Mapping[str, str], name: str) -> Iterator[str]:
    """The states of the code, or their squares, each times what makes it the claimed one after one step.

    A factor is a number, or made of the learning rate and of how much is forgotten.
    """
    forgetting = shares(code.rule)
    forms = ["", *(f"*(1 - {b})" for b in forgetting), *(f"/(1 - {b})" for b in forgetting)]
    forms += [f"{form}{rate}" for rate in (f"*{RATE}", f"/{RATE}") for form in forms]
    forms += [f"*(1 - {b}**{STEP})" for b in forgetting]
    points = [_point(code, seed) for seed in (1, 2, 3)]
    wanted = [_value(_after_one(claimed, hyper, name), point) for point in points]
    own = [state.name for state in code.rule.state]
    for state, power in itertools.product(sorted(own, key=lambda each: each != name), ("", "**2")):
        have = [_value(code.first[state], point) for point in points]
        for form in forms:
            text = f"{state}{power}{form}"
            term = parsed(text)
            mapped = [_value(term, point | {state: value}) for point, value in zip(points, have, strict=True)]
            factor = _ratio(wanted, mapped)
            if factor == 1:
                yield text
            elif factor == -1:
                yield f"-{text}"
            elif factor is not None:
                yield f"{show(('q', factor)) if factor > 0 else f'({factor})'}*{text}"


def _ratio(wanted: list[float], have: list[float]) -> Fraction | None:
    """The simple number that is between two rows of values, or None; 1 where all of them are 0."""
    if all(map(close, wanted, have)):
        return Fraction(1)
    if not all(map(math.isfinite, (*wanted, *have))) or 0.0 in have:
        return None
    factor = Fraction(wanted[0] / have[0]).limit_denominator(64)
    same = all(close(a, float(factor) * b) for a, b in zip(wanted, have, strict=True))
    return factor if factor != 0 and same else None


def _after_one(claimed: UpdateRule, hyper: Mapping[str, str], name: str) -> Term:
    """What the claimed rule holds after one step from its start, in the hyperparameters of the code."""
    first = put(claimed.step[name], {**claimed.initial, STEP: ONE})
    return put(put(first, _terms({**hyper, PARAMETER: PARAMETER})), {STEP: ONE})


def _first_is(code: Run, claimed: UpdateRule, hyper: Mapping[str, str], name: str, state: str) -> bool:
    """Whether a name of the claimed rule is a name of the code after the first step."""
    points = [_point(code, seed) for seed in (1, 2, 3)]
    term = _after_one(claimed, hyper, name)
    return all(close(_value(term, point), _value(code.first[state], point)) for point in points)


def _point(code: Run, seed: int) -> Values:
    random = Random(seed)
    return numbers(code, random) | {PARAMETER: random.uniform(-2, 2), GRADIENT: random.uniform(-3, 3), STEP: 1.0}


def _value(term: Term, known: Values) -> float:
    try:
        return value_of(term, known)
    except (ArithmeticError, ValueError, KeyError):
        return math.nan


def _terms(texts: Mapping[str, str]) -> dict[str, Any]:
    return {name: parsed(text) for name, text in texts.items()}

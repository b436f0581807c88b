"""Random pairs of terms, judged by the kernel; whatever it accepts is evaluated with many digits at many points.

    python tests/fuzz/soundness.py --pairs 100000 --seed 1
    python tests/fuzz/soundness.py --pairs 100000 --seed 1 --further

prints how many pairs were judged, how many accepted, and every false accept: a pair that the kernel accepts and that at
a point satisfying the assumptions differs, or has no value on either side. The exit status is 1 if there is one. The
second run is about kronecker, min and max, double sums, places, corners, and steps that rest on other steps.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from mpmath import mp

from derive.kernel.check import judge
from derive.kernel.rules import Step
from derive.kernel.terms import Refused


def _sibling(name: str) -> Any:
    """A module of this folder; the tests are no package."""
    known = f"symstep_fuzz_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).resolve().parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


E, P, F = _sibling("evaluator"), _sibling("pairs"), _sibling("further")
Term = tuple[Any, ...]
How = tuple[str, dict[str, Any]]  # a rule with its hints
Claim = tuple[str, Term, Term, tuple[How, ...]]
COMPARISONS = (">", ">=", "<", "<=", "!=")
POINTS = 20
SMALL = [Fraction(k) for k in (-3, -2, -1, -1, 0, 0, 0, 1, 1, 1, 2, 2, 3)]


@dataclass
class Result:
    """What a run counted. `skipped`: accepted under assumptions that no point was found to satisfy."""

    pairs: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    points: int = 0
    skipped: int = 0
    slow: int = 0
    false: list[str] = field(default_factory=list)


def point(rng: random.Random, facts: list[Term], tries: int = 60) -> Any:
    """A point that satisfies the assumptions: small integers, zeros and ties before anything else; or None."""
    positive = frozenset(fact[2][1][1] for fact in facts if fact[0] == "all" and fact[2][0] == ">")
    plain = [fact for fact in facts if fact[0] not in ("all", "slope")]
    slopes = {fact[2]: fact[1] for fact in facts if fact[0] == "slope"}
    falling = [fact[2] for fact in facts if fact[0] == "all" and fact[2][0] == "<="]
    for _ in range(tries):
        scalars = {name: rng.choice(SMALL) for name in P.REALS}
        for name in P.REALS:
            if rng.random() < 0.3:
                scalars[name] = Fraction(rng.randint(-40, 40), rng.choice((2, 3, 7, 10)))
        scalars |= {name: Fraction(rng.choice((-2, -1, 0, 0, 1, 1, 2, 3, 4))) for name in P.INTEGERS}
        if rng.random() < 0.2:
            one, other = rng.sample(P.REALS, 2)
            scalars[one] = scalars[other] * rng.choice((1, 1, -1))
        if rng.random() < 0.1:
            scalars[rng.choice(P.REALS)] = scalars["N"]
        for fact in plain:
            if fact[0] == "=" and fact[1][0] == "v":
                scalars[fact[1][1]] = scalars[fact[2][1]] if fact[2][0] == "v" else fact[2][1]
        found = E.Point(rng, scalars, positive, P.WHOLE, slopes)
        for fact in plain:
            if fact[0] == "=" and fact[1][0] == "ix":
                found.families[fact[1][1], int(E.evaluate(fact[1][2], found))] = E.evaluate(fact[2], found)
        if falling:
            found.families |= {("y", k): Fraction(5 - k, 2) for k in range(-30, 31)}
        if all(E.holds(fact[0], E.evaluate(fact[1], found), E.evaluate(fact[2], found), 60) for fact in plain):
            return found
    return None


def fails(relation: str, left: Term, right: Term, at: Any, slack: int) -> str:
    """Why a claim fails at a point, or "" where it holds. Raises Skipped."""
    values = []
    for name, term in (("left", left), ("right", right)):
        try:
            values.append(E.evaluate(term, at))
        except E.Undefined as error:
            return f"{name} undefined ({error})"
    if E.holds(relation, *values, slack):
        return ""
    flat = [part for value in values for part in (value if isinstance(value, tuple) else (value,))]
    return " and ".join(mp.nstr(E.real(part), 15) for part in flat)


def refuted(relation: str, left: Term, right: Term, facts: list[Term], rng: random.Random, result: Result) -> str:
    """A point where an accepted claim fails, confirmed with three times as many digits; "" if there is none."""
    few = "diff" in str((left, right))  # a difference quotient has a quarter of the digits
    looked = 0
    for _ in range(3 * POINTS):
        found = point(rng, facts)
        if found is None:
            break
        try:
            reason = fails(relation, left, right, found, 12 if few else 60)
            if reason:
                with mp.workdps(3 * mp.dps):
                    reason = fails(relation, left, right, found, 50 if few else 180)
        except E.Skipped:
            continue
        looked += 1
        if reason:
            return f"{found.scalars} {found.families} {found.functions}: {reason}"
        if looked == POINTS:
            break
    result.points += looked
    result.compared += bool(looked)
    result.skipped += not looked
    return ""


def accepts(how: How, relation: str, left: Term, right: Term, facts: list[Term]) -> bool:
    try:
        judge(Step(how[0], relation, left, right, how[1]), facts, {}, P.KINDS)
    except (Refused, RecursionError, ArithmeticError, KeyError, ValueError, TypeError, IndexError):
        return False
    return True


def case(seed: int, number: int) -> tuple[random.Random, list[Term], list[Claim]]:
    """A pair with its assumptions, as claims: relation, left, right, the rules to try."""
    rng = random.Random(f"{seed} {number}")
    maker = P.Maker(rng)
    left, right = P.pair(maker)
    facts = P.facts(maker)
    one = rng.choice((left, right))
    claims: list[Claim] = [("=", left, right, F.EQUALITY)]
    claims.append((rng.choice(COMPARISONS), left, right, (F.form(left, right),)))
    claims.append((rng.choice(COMPARISONS), one, P.ZERO, (F.form(one, P.ZERO),)))
    return rng, facts, claims


def run(pairs: int, seed: int, *, further: bool = False) -> Result:
    """Judge so many pairs."""
    mp.dps = 80
    result = Result()
    for number in range(pairs):
        rng, facts, claims = (F.case if further else case)(seed, number)
        result.pairs += 1
        for k, (relation, left, right, hows) in enumerate(claims):
            before = time.process_time()
            by = [how for how in hows if accepts(how, relation, left, right, facts)]
            result.slow += time.process_time() - before > 2
            if not by:
                continue
            names = sorted({how[0] for how in by})
            result.accepted.update(names if further or not k else [("pairs", "positive", "sign")[k]])
            result.accepted["pairs"] += further or not k
            why = refuted(relation, left, right, facts, rng, result)
            if why:
                result.false.append(f"pair {number}: {left} {relation} {right} by {by} given {facts} at {why}")
    return result


def false_steps(pairs: int, seed: int, *, further: bool = False) -> list[tuple[Any, ...]]:
    """(step, facts, definitions, kinds) of claims of such a run that are false: no kernel may accept them."""
    found: list[tuple[Any, ...]] = []
    for number in range(pairs):
        rng, facts, claims = (F.case if further else case)(seed, number)
        for relation, left, right, hows in claims:
            if refuted(relation, left, right, facts, rng, Result()):
                found += [((rule, relation, left, right, hints), facts, {}, P.KINDS) for rule, hints in hows]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--further", action="store_true")
    options = parser.parse_args()
    started = time.monotonic()
    result = run(options.pairs, options.seed, further=options.further)
    print(f"{result.pairs} pairs, {result.accepted['pairs']} equalities accepted ({dict(result.accepted)})")
    print(f"{result.compared} accepted claims compared at {result.points} points, {result.skipped} at none")
    print(f"{len(result.false)} false accepts, {result.slow} slow pairs, {time.monotonic() - started:.0f} s")
    for line in result.false:
        print(line)
    return 1 if result.false else 0


if __name__ == "__main__":
    sys.exit(main())

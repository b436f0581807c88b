"""Random pairs: what the kernel accepts is evaluated with 80 digits, definedness included. The long run is a script."""

from __future__ import annotations

import importlib.util
import random
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mpmath import mp

FOLDER = Path(__file__).resolve().parent / "fuzz"


def load(name: str) -> ModuleType:
    known = f"symstep_fuzz_{name}"  # the tests are no package
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


soundness, pairs, further = load("soundness"), load("pairs"), load("further")
PAIRS, FURTHER = 1500, 80
a, n, k, zero = ("v", "a"), ("v", "N"), ("v", "n"), ("q", Fraction(0))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_false_accept(seed: int) -> None:
    result = soundness.run(PAIRS // 3, seed)
    accepted = result.accepted
    print(f"\n{result.pairs} pairs, accepted {dict(accepted)}, {len(result.false)} false, at {result.points} points")
    assert not result.false, "\n".join(result.false)
    assert result.pairs == PAIRS // 3
    assert accepted["pairs"] > 0.1 * result.pairs
    assert accepted["positive"] > 0.05 * result.pairs
    assert result.compared > 0.8 * (accepted["pairs"] + accepted["positive"] + accepted["sign"])
    assert result.points > 10 * result.compared


def test_no_false_accept_among_the_further_claims() -> None:
    result = soundness.run(FURTHER, 1, further=True)
    accepted = result.accepted
    print(f"\n{result.pairs} cases, accepted {dict(accepted)}, {len(result.false)} false, at {result.points} points")
    assert not result.false, "\n".join(result.false)
    assert result.pairs == FURTHER
    assert {"grad", "sum_termwise", "positive", "subgrad_abs", "cases", "termwise", "induction_on"} <= set(accepted)
    assert result.compared > 0.8 * accepted["pairs"]


def false_steps(number: int = 700, further: int = 120, seed: int = 1) -> list[tuple[Any, ...]]:
    """The steps of the runs above that are false, for the mutation run: a kernel that accepts one is noticed."""
    mp.dps = 80
    return [*soundness.false_steps(number, seed), *soundness.false_steps(further, seed, further=True)]


@pytest.mark.parametrize(
    ("left", "right", "facts"),
    [
        (("/", a, a), ("q", Fraction(1)), []),
        (("f", "sqrt", ("^", a, ("q", Fraction(2)))), a, []),
        (("f", "abs", a), a, [("!=", a, zero)]),
        (("sum", ("q", Fraction(1)), n, ("/", ("q", Fraction(1)), n)), ("q", Fraction(1)), [(">=", n, zero)]),
        (("diff", ("f", "abs", a), a), ("f", "sign", a), []),
        (("f", "log", ("f", "exp", a)), ("+", a, ("q", Fraction(1, 10**9))), []),
        (("sum", ("q", Fraction(1)), n, ("f", "kronecker", ("b", 0), k)), ("q", Fraction(1)), [(">=", n, zero)]),
        (("diff", ("ix", "y", k), ("ix", "y", n)), ("q", Fraction(1)), []),
        (("subdiff", ("f", "abs", a), a), ("interval", zero, ("q", Fraction(1))), [("=", a, zero)]),
        (("diff", ("call", "f", a), a), ("call", "f", a), [("slope", "f", "g", 0)]),
    ],
    ids=["0/0", "sqrt", "abs", "empty sum", "corner", "one part in 10**9", "kronecker", "place", "subdiff", "slope"],
)  # fmt: skip
def test_a_false_accept_would_be_seen(left: object, right: object, facts: list[object]) -> None:
    """The comparison finds what is wrong with claims that a broken kernel might accept."""
    mp.dps = 80
    assert soundness.refuted("=", left, right, facts, random.Random(0), soundness.Result())


def test_the_pairs_are_of_every_kind() -> None:
    """Right, wrong and undefined; sums, products, powers, functions and derivatives."""
    todo = [term for number in range(400) for term in pairs.pair(pairs.Maker(random.Random(number)))]
    todo += [side for number in range(60) for claim in further.case(0, number)[2] for side in claim[1:3]]
    tags: set[str] = set()
    while todo:
        term = todo.pop()
        tags.add(str(term[1]) if term[0] == "f" else str(term[0]))
        todo += [part for part in term[1:] if isinstance(part, tuple)]
    assert tags >= {"q", "v", "b", "+", "*", "neg", "/", "^", "sum", "prod", "diff", "ix", "call"} | {
        "exp", "log", "sqrt", "abs", "sign", "min", "max", "factorial", "erf", "kronecker", "subdiff",
            "interval"}  # fmt: skip

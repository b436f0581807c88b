"""What is called equal is run: code and rule side by side in floats, under the map and the conditions that are printed.

A filter of another kind than the proof: it shares no kernel, no map search and no evaluation with it.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
import random
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from derive.kernel.terms import Term, children
from derive.library.optimizers import OPTIMIZERS
from derive.syntax import parse_expression
from derive.update_rule import UpdateRule
from numeric.correspondence import Run
from numeric.verification import Verdict, judge

if "symstep_verdict_rows" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location(
        "symstep_verdict_rows", Path(__file__).resolve().parent / "verdict_rows.py"
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_verdict_rows"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_verdict_rows"])
rows: Any = sys.modules["symstep_verdict_rows"]
VALUES = {"eps": 0.01, "e": 0.01, "lam": 0.1, "tau": 0.3, "decay": 0.2}


def lifted(rule: UpdateRule) -> Any:
    return types.SimpleNamespace(
        target="code", how="read", rule=rule, first=Run.of(rule).first, conditions=(), first_conditions=(), defaults={},
        fixed={},
    )  # fmt: skip


def number(term: Term, known: dict[str, float]) -> float:
    tag = term[0]
    if tag == "q":
        return float(term[1])
    if tag == "v":
        return known[term[1]]
    parts = [number(part, known) for part in children(term)]
    if tag in ("+", "*"):
        return sum(parts) if tag == "+" else math.prod(parts)
    if tag in ("neg", "/", "^"):
        return -parts[0] if tag == "neg" else parts[0] / parts[1] if tag == "/" else parts[0] ** parts[1]
    if tag == "f" and term[1] == "sign":
        return float((parts[0] > 0) - (parts[0] < 0))
    return float({"sqrt": math.sqrt, "abs": abs, "min": min, "max": max}[term[1]](*parts))


def apart(found: Verdict, mine: UpdateRule, theirs: UpdateRule, seed: int) -> float:
    """The largest distance, in 12 steps, of where the two want their gradients."""
    pick = random.Random(seed)
    hyper = {h.name: VALUES.get(h.name, pick.uniform(0.2, 0.95)) for h in mine.hyperparameters}
    claimed = {name: parse_expression(text).term for name, text in found.hyper.items()}
    values = dict(text.split(" = ") for text in found.conditions if " = " in text)
    rate = next((t for n, t in found.hyper.items() if n == "eta" and t in hyper), "eta")
    w = pick.uniform(-1, 1)
    code: dict[str, float] = {"w": w, **{n: number(t, hyper | {"w": w}) for n, t in mine.initial.items()}}
    rule: dict[str, float] = {}
    worst = 0.0
    for t in range(1, 13):
        if "learning rate constant" not in found.conditions and rate in hyper:
            hyper[rate] = pick.uniform(0.01, 1)
        g = pick.choice((0.0, 10 ** pick.uniform(-3, 2), -(10 ** pick.uniform(-3, 2))))
        now = hyper | {"t": float(t), "g": g}
        known = {name: number(term, now) for name, term in claimed.items()}
        known |= {name: number(parse_expression(text).term, {}) for name, text in values.items()}
        if t == 1:
            rule = {"w": w, **{n: number(term, known | {"w": w}) for n, term in theirs.initial.items()}}
        for optimizer, kept, given in ((mine, code, now), (theirs, rule, known | {"t": float(t), "g": g})):
            here = given | kept
            for line in optimizer.assignments:
                here[line.name] = number(line.term, here)
            kept |= {name: here[name] for name in kept}
        points = [number(parse_expression(o.gradient_at).term, given | kept)
                  for o, kept, given in ((mine, code, now), (theirs, rule, known))]  # fmt: skip
        worst = max(worst, abs(points[0] - points[1]) / max(1.0, abs(points[0])))
    return worst


@pytest.mark.parametrize("row", rows.TWINS, ids=[f"{row.rule}: {row.why}" for row in rows.TWINS])
def test_what_is_equal_stays_together(row: Any) -> None:
    mine = rows.code(row.rule, row.lines, row.states, row.names)
    found = judge(lifted(mine), OPTIMIZERS[row.rule])
    assert found.verdict == row.verdict
    assert max(apart(found, mine, OPTIMIZERS[row.rule], seed) for seed in range(6)) < 1e-9


NAMES = (
    "sgd", "momentum", "momentum-torch", "ema-momentum", "nesterov", "nesterov-torch", "rmsprop", "adagrad",
    "adam-lecture", "adam", "adam-eps-hat", "adamw", "amsgrad-torch",
)  # fmt: skip


def test_no_two_rules_of_the_library_are_called_equal_that_come_apart() -> None:
    """Each rule as code against each other one: equal verdicts are run, and there are not many."""
    equal = []
    for one, other in itertools.permutations(NAMES, 2):
        found = judge(lifted(OPTIMIZERS[one]), OPTIMIZERS[other])
        assert found.verdict in ("equal", "equal_under", "different", "undecided")
        if found.verdict.startswith("equal"):
            equal.append((one, other, found.verdict))
            assert max(apart(found, OPTIMIZERS[one], OPTIMIZERS[other], seed) for seed in range(6)) < 1e-9, (one, other)
    print("\n", len(equal), equal)
    assert not [row for row in equal if row[2] == "equal"]

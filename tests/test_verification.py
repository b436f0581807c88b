"""Whether a verdict is right: wrong code is never equal, right code is, and a witness shows what it says.

The rows are in tests/verdict_rows.py. Witnesses are replayed by an evaluation of its own.
"""

from __future__ import annotations

import importlib.util
import json
import math
import statistics
import sys
import time
import types
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import numeric
from derive.errors import InputError
from derive.kernel.check import check_text
from derive.kernel.terms import Term, children
from derive.library.optimizers import OPTIMIZERS
from derive.syntax import parse_expression, parse_given
from derive.update_rule import UpdateRule
from numeric.correspondence import Run, pairings
from numeric.matching import Map
from numeric.obligations import last_step, prove
from numeric.verification import Verdict, acceptable, judge

if "symstep_verdict_rows" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location(
        "symstep_verdict_rows", Path(__file__).resolve().parent / "verdict_rows.py"
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_verdict_rows"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_verdict_rows"])
rows: Any = sys.modules["symstep_verdict_rows"]

WRONG = [(row.rule, rows.mutated(row), row.why, row.steps) for row in rows.MUTANTS]
WRONG += [(rule, rows.code(rule, lines), why, steps) for rule, lines, why, steps in rows.ORDERS]
RIGHT = [(row.rule, rows.code(row.rule, row.lines, row.states, row.names), row.why, row.verdict) for row in rows.TWINS]
SECONDS: list[float] = []


def lifted(rule: UpdateRule, **parts: Any) -> Any:
    """A rule as if it had been read off code."""
    found = {
        "target": "code", "how": "read", "rule": rule, "first": Run.of(rule).first, "conditions": (),
        "first_conditions": (), "defaults": {}, "fixed": {},
    }  # fmt: skip
    return types.SimpleNamespace(**found | parts)


def judged(code: Any, rule: str | UpdateRule) -> Verdict:
    begin = time.perf_counter()
    found = judge(code, OPTIMIZERS[rule] if isinstance(rule, str) else rule)
    SECONDS.append(time.perf_counter() - begin)
    return found


def claims(text: str) -> tuple[Term, ...]:
    return parse_given(text).facts


def code(name: str, *lines: str, **parts: Any) -> UpdateRule:
    return rows.code(name, lines, **parts)  # type: ignore[no-any-return]


# --- an evaluation of its own: intervals of rationals -----------------------------------------------------------------
Interval, GRAIN = tuple[Fraction, Fraction], 10**40


class NoValue(Exception):
    """Division by zero, or the root of a negative number."""


def interval(term: Term, known: Mapping[str, Interval]) -> Interval:
    """The value of a term between two rationals."""
    tag = term[0]
    if tag == "q":
        return term[1], term[1]
    if tag == "v":
        return known[term[1]]
    parts = [interval(part, known) for part in children(term)]
    if tag == "+":
        return sum((p[0] for p in parts), Fraction(0)), sum((p[1] for p in parts), Fraction(0))
    if tag == "neg":
        return -parts[0][1], -parts[0][0]
    if tag == "/":
        if parts[1][0] <= 0 <= parts[1][1]:
            raise NoValue
        parts = [parts[0], (1 / parts[1][1], 1 / parts[1][0])]
    if tag in ("*", "/"):
        found = parts[0]
        for low, high in parts[1:]:
            ends = [found[0] * low, found[0] * high, found[1] * low, found[1] * high]
            found = min(ends), max(ends)
        return found
    if tag == "^":
        (low, high), (n, _) = parts
        assert n.denominator == 1
        ends = [low ** int(n), high ** int(n)]
        return (Fraction(0) if low < 0 < high and n % 2 == 0 else min(ends)), max(ends)
    name = term[1]
    if name == "sqrt":
        if parts[0][1] < 0:
            raise NoValue
        low, high = (math.isqrt(int(max(end, Fraction(0)) * GRAIN**2)) for end in parts[0])
        exact = Fraction(low, GRAIN)
        return (exact, exact) if parts[0] == (exact**2, exact**2) else (exact, Fraction(high + 1, GRAIN))
    if name in ("min", "max"):
        pick = min if name == "min" else max
        return pick(p[0] for p in parts), pick(p[1] for p in parts)
    low, high = parts[0]
    if name == "abs":
        return (Fraction(0) if low < 0 < high else min(abs(low), abs(high))), max(abs(low), abs(high))
    assert name == "sign"
    assert low == high or low * high > 0
    sign = Fraction((low > 0) - (low < 0))
    return sign, sign


def walked(rule: UpdateRule, hyper: Mapping[str, Fraction], witness: Mapping[str, Any]) -> list[Interval | None]:
    """Where a rule wants its next gradient after each step of a witness, line by line; None once it has no value."""
    fixed = {name: (x, x) for name, x in hyper.items()}
    at: dict[str, Interval] = {"w": (Fraction(witness["w"]),) * 2}
    at |= {name: interval(term, fixed | at) for name, term in rule.initial.items()}
    found: list[Interval | None] = []
    for t, (g, eta) in enumerate(zip(witness["g"], witness["eta"], strict=True), 1):
        here = fixed | at | {"t": (Fraction(t),) * 2, "g": (Fraction(g),) * 2}
        here |= {"eta": (Fraction(eta),) * 2} if eta else {}
        try:
            for line in rule.assignments:
                here[line.name] = interval(line.term, here)
            at = {name: here[name] for name in at}
            found.append(interval(parse_expression(rule.gradient_at).term, here))
        except NoValue:
            found.append(None)
            break
    return found


def replay(verdict: Verdict, mine: UpdateRule, theirs: UpdateRule) -> None:
    """The witness is in the domains, the rule has the value that is expected, and the code another one or none."""
    witness = verdict.witness
    values = {name: Fraction(text) for name, text in witness["hyperparameters"].items()}
    known = {name: (x, x) for name, x in values.items()}
    claimed = {name: interval(parse_expression(text).term, known | {"eta": (Fraction(1),) * 2})[0]
               for name, text in verdict.hyper.items() if name != "eta"}  # fmt: skip
    assert all(Fraction(eta) >= 0 for eta in witness["eta"] if eta)
    for hyper in theirs.hyperparameters:
        for fact in parse_given(hyper.domain).facts if hyper.domain else ():
            sides = [interval(side, {k: (x, x) for k, x in claimed.items()} | {"eta": (Fraction(1),) * 2})[0]
                     for side in fact[1:]]  # fmt: skip
            assert {"<": sides[0] < sides[1], "<=": sides[0] <= sides[1], ">": sides[0] > sides[1],
                    ">=": sides[0] >= sides[1]}[fact[0]], (hyper.name, sides)  # fmt: skip
    expected, got = walked(theirs, claimed, witness), walked(mine, values, witness)
    assert len(witness["g"]) == witness["t"] == len(expected)
    *before, last = zip(expected, got, strict=True)
    assert last[0] is not None
    assert all(a and b and a[0] <= b[1] and b[0] <= a[1] for a, b in before), "apart at an earlier step"
    if last[1] is None:
        assert witness["got"] == "undefined"
        return
    assert last[0][1] < last[1][0] or last[1][1] < last[0][0], "no difference"
    for text, (low, high) in ((witness["expected"], last[0]), (witness["got"], last[1])):
        assert abs(Fraction(text.rstrip(".")) - (low + high) / 2) < Fraction(1, 10**6)


# --- wrong and right --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "mine", "why", "steps"), WRONG, ids=[f"{r[0]}: {r[2]}" for r in WRONG])
def test_every_mutant_is_seen(rule: str, mine: UpdateRule, why: str, steps: int) -> None:
    found = judged(lifted(mine), rule)
    assert found.verdict == "different", (why, found.reason)
    assert found.witness["t"] == steps <= 2
    assert not found.proofs
    replay(found, mine, OPTIMIZERS[rule])


@pytest.mark.parametrize(("rule", "mine", "why", "verdict"), RIGHT, ids=[f"{r[0]}: {r[2]}" for r in RIGHT])
def test_every_twin_is_proved(rule: str, mine: UpdateRule, why: str, verdict: str) -> None:
    found = judged(lifted(mine), rule)
    assert found.verdict == verdict, (why, found.reason, found.conditions)
    for proof in found.proofs:
        assert check_text(json.dumps(proof.certificate)).digest == proof.digest
    assert verdict == "equal_under" or not found.conditions


def test_how_many_there_are_and_how_long_they_take() -> None:
    wrong = Counter(rule for rule, *_ in WRONG)
    assert all(wrong[rule] >= 22 for rule in ("adam", "momentum", "rmsprop", "adagrad", "nesterov-torch"))
    assert len(RIGHT) >= 40
    print(f"\nmutants {dict(wrong)}, twins {len(RIGHT)}: {dict(Counter(v for *_, v in RIGHT))}")
    if SECONDS:
        print(f"seconds per verdict: median {statistics.median(SECONDS):.2f}, largest {max(SECONDS):.2f}")


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name not in ("nadam", "radam")])
def test_every_rule_is_itself(name: str) -> None:
    assert judged(lifted(OPTIMIZERS[name]), name).verdict == "equal"


# --- what "equal" must not be said of ---------------------------------------------------------------------------------

ADAM = OPTIMIZERS["adam"].lines


def test_a_condition_on_the_data_is_no_condition() -> None:
    """Code that was only read for g > 0 is not known for g < 0, and that is no special case of a rule."""
    rule = OPTIMIZERS["sgd"]
    found = judged(lifted(rule, conditions=claims("g > 0")), "sgd")
    assert found.verdict == "undecided"
    assert "g > 0" in found.reason
    assert judged(lifted(rule, first_conditions=claims("w > 0")), "sgd").verdict == "undecided"


def test_a_condition_that_early_steps_do_not_meet_is_none() -> None:
    """Induction needs every step: a formula that holds from t > 5 on says nothing of the run."""
    found = judged(lifted(OPTIMIZERS["adam"], conditions=claims("t > 5")), "adam")
    assert found.verdict == "undecided"
    late = judged(lifted(OPTIMIZERS["adam"], conditions=claims("t <= 2147483646")), "adam")
    assert (late.verdict, late.conditions) == ("equal_under", ("t <= 2147483646",))
    early = judged(lifted(OPTIMIZERS["adam"], conditions=claims("t <= 1000")), "adam")
    assert (early.verdict, early.conditions) == ("undecided", ())
    assert "after t = 1000 the code does something else" in early.reason
    always = judged(lifted(OPTIMIZERS["adam"], conditions=claims("t > 1")), "adam")
    assert always.verdict == "equal"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("t < c", True), ("t - 1 <= c", True), ("c > t", True), ("t >= c", False), ("t*t < c", False), ("-t < c", False),
     ("t + t*c < c", False), ("t < t*c", False), ("t = c", False), ("t != c", False)],
)  # fmt: skip
def test_what_is_a_last_step(text: str, is_one: bool) -> None:
    (fact,) = claims(text)
    assert last_step(fact, {"c"}) is is_one


def test_conditions_on_hyperparameters_are_printed_and_must_be_possible() -> None:
    found = judged(lifted(OPTIMIZERS["adam"], first_conditions=claims("beta1 > 1/2")), "adam")
    assert (found.verdict, found.conditions) == ("equal_under", ("beta1 > 1/2",))
    impossible = judged(lifted(code("adam", *ADAM[:4], "w = w + eta*g"), conditions=claims("eps < 0")), "adam")
    assert impossible.verdict not in ("equal", "equal_under")
    same = judged(lifted(OPTIMIZERS["adam"], conditions=claims("eps < 0")), "adam")
    assert same.verdict == "undecided"


def test_facts_about_the_state_are_proved_and_not_believed() -> None:
    """v >= 0 is said of a v that is not: what needs it is not proved, and no false fact proves anything."""
    wrong = code("rmsprop", "v = beta2*v + (1 - beta2)*g", "w = w - eta*g/(sqrt(abs(v)) + eps)")
    wrong = replace(wrong, state=(replace(wrong.state[0], invariant="v >= 0"),))
    claimed = replace(
        OPTIMIZERS["rmsprop"], lines=("v = beta2*v + (1 - beta2)*g", "w = w - eta*g/(sqrt(max(v, 0)) + eps)"),
        state=(replace(OPTIMIZERS["rmsprop"].state[0], invariant=""),),
    )  # fmt: skip
    assert judged(lifted(wrong), claimed).verdict == "different"
    first = lifted(OPTIMIZERS["rmsprop"], first=dict(Run.of(OPTIMIZERS["rmsprop"]).first) | {"v": ("neg", ("v", "g"))})
    assert judged(first, "rmsprop").verdict == "different"


def test_the_first_step_counts() -> None:
    """The later steps are those of the rule, but v starts at 1."""
    rule = OPTIMIZERS["rmsprop"]
    start = replace(rule, state=(replace(rule.state[0], initial="1"),))
    found = judged(lifted(start), "rmsprop")
    assert (found.verdict, found.witness["t"]) == ("different", 1)
    replay(found, start, rule)


def test_the_gradient_is_taken_where_the_code_says() -> None:
    """The lines of Nesterov's rule, but the gradient at the parameter: that is momentum."""
    lines = OPTIMIZERS["nesterov"].lines
    found = judged(lifted(code("nesterov", *lines)), "nesterov")
    assert found.verdict == "different"
    assert "the gradient is taken at w + beta1*m" in found.reason
    assert judged(lifted(OPTIMIZERS["nesterov"]), "momentum").verdict == "different"
    (pair,) = pairings(lifted(code("nesterov", *lines)), OPTIMIZERS["nesterov"])
    assert prove(pair, Map(pair.plain, {"w": "w", "m": "m"}), "code").missing  # the same lines are not enough


def test_a_learning_rate_by_any_name_may_vary() -> None:
    """Momentum outside and inside differ under a schedule, whatever the rate is called."""
    mine = code("momentum", "m = beta1*m + g", "w = w - step*m", names=(("eta", "step"),))
    found = judged(lifted(mine), "momentum")
    assert (found.verdict, found.conditions) == ("equal_under", ("learning rate constant",))
    assert found.hyper["eta"] == "step"


def test_names_of_proofs_are_not_taken_by_names_of_code() -> None:
    """eta0 is the rate of the step before in proofs: a hyperparameter of that name is another number."""
    rule = OPTIMIZERS["momentum"]
    hypers = (*rule.hyperparameters, replace(rule.hyperparameters[0], name="eta0", domain="eta0 >= 0", aliases=()))
    mine = replace(rule, lines=("m = beta1*m + g", "w = w - eta*m + 0*eta0"), hyperparameters=hypers)
    found = judged(lifted(mine), "momentum")
    assert found.conditions == ("learning rate constant",)
    wrong = replace(mine, lines=("m = beta1*m - eta0*g", "w = w + m"))
    seen = judged(lifted(wrong), "momentum")
    assert seen.verdict == "different"


def test_a_hyperparameter_that_the_code_does_not_have_is_a_condition() -> None:
    found = judged(lifted(OPTIMIZERS["adam"]), "adamw")
    assert (found.verdict, found.conditions) == ("equal_under", ("lam = 0",))
    found = judged(lifted(OPTIMIZERS["sgd"]), "momentum")
    assert (found.verdict, found.conditions) == ("equal_under", ("beta1 = 0",))
    fixed = code("rmsprop", "v = 9/10*v + 1/10*g**2", "w = w - eta*g/(sqrt(v) + eps)", names=(("beta2", ""),))
    found = judged(lifted(fixed, fixed={"alpha": "0.9"}), "rmsprop")
    assert (found.verdict, found.conditions) == ("equal_under", ("beta2 = 9/10",))


def test_a_hyperparameter_that_the_code_ignores_is_seen() -> None:
    """A function that takes beta1 and does not use it is no momentum with beta1 = 0."""
    mine = code("sgd", "w = w - eta*g")
    found = judged(lifted(mine, defaults={"eta": "0.01", "momentum": "0.9"}), "momentum")
    assert (found.verdict, found.witness["t"]) == ("different", 2)


def test_a_narrower_domain_is_a_condition() -> None:
    rule = OPTIMIZERS["sgd"]
    narrow = replace(rule, hyperparameters=(replace(rule.hyperparameters[0], domain="0 <= eta < 1"),))
    found = judged(lifted(narrow), "sgd")
    assert (found.verdict, found.conditions) == ("equal_under", ("eta < 1",))
    wide = replace(rule, hyperparameters=(replace(rule.hyperparameters[0], domain=""),))
    assert judged(lifted(wide), "sgd").verdict == "equal"


def test_a_rate_that_hides_a_mistake_is_not_accepted() -> None:
    """Adam without bias correction is Adam under a schedule: nobody means that who says Adam."""
    found = judged(lifted(OPTIMIZERS["adam-lecture"]), "adam")
    assert found.verdict == "different"
    assert "eta*(1 - beta1**t)/sqrt(1 - beta2**t)" in found.reason
    (pair,) = pairings(lifted(OPTIMIZERS["adam"]), OPTIMIZERS["adam"])
    assert not acceptable(pair, Map(pair.plain | {"eta": "eta/(1 - beta1)"}, {}))
    assert acceptable(pair, Map(pair.plain | {"eps": "eps*sqrt(1 - beta2**t)"}, {}))


# --- what "different" must not be said of -----------------------------------------------------------------------------


def test_a_state_kept_in_another_form_is_no_difference() -> None:
    """The corrected average is kept instead of the average: the parameters never differ."""
    mine = code(
        "adam", "m = (beta1*(1 - beta1**(t - 1))*m + (1 - beta1)*g)/(1 - beta1**t)", ADAM[1], ADAM[3],
        "w = w - eta*m/(sqrt(vhat) + eps)",
    )  # fmt: skip
    assert judged(lifted(mine), "adam").verdict in ("equal", "undecided")


def test_where_only_one_branch_is_defined_nothing_differs() -> None:
    """A choice as a formula has both branches: that the other one has no value is not seen in the code."""
    rule = code("sgd", "w = w - eta*g*max(sign(abs(g)), 0)*(abs(g)/abs(g))")
    assert judged(lifted(rule), "sgd").verdict == "undecided"


def test_a_witness_satisfies_what_the_code_was_read_under() -> None:
    mine = code("sgd", "w = w - eta*abs(g)")
    assert judged(lifted(mine), "sgd").verdict == "different"
    only = judged(lifted(mine, conditions=claims("g >= 0"), first_conditions=claims("g >= 0")), "sgd")
    assert only.verdict == "undecided"


def test_code_without_a_value_where_the_rule_has_one_is_different() -> None:
    mine = code("rmsprop", "v = beta2*v + (1 - beta2)*g**2", "w = w - eta*g/sqrt(v)")
    found = judged(lifted(mine), "rmsprop")
    assert found.verdict == "different"
    replay(found, mine, OPTIMIZERS["rmsprop"])


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_the_nearest_rule_is_named() -> None:
    for name in ("sgd", "momentum", "rmsprop", "amsgrad-torch"):
        found = numeric.verify(lifted(OPTIMIZERS[name], target=f"torch.optim.{name}"))
        assert (found.verdict, found.rule) == ("equal", name)
    wrong = numeric.verify(lifted(code("adam", *ADAM[:4], "w = w - eta*mhat/sqrt(vhat + eps)")))
    assert (wrong.verdict, wrong.rule) == ("different", "adam")


def test_defaults_are_reported_and_decide_nothing() -> None:
    found = numeric.verify(lifted(code("adam", *ADAM), defaults={"eps": "1e-7", "eta": "0.001"}), "adam")
    assert (found.verdict, found.defaults) == ("equal", {"eps": {"rule": "1e-8", "target": "1e-7"}})
    document = json.loads(json.dumps(found.to_json()))
    assert document["map"] == {"eta": "eta", "beta1": "beta1", "beta2": "beta2", "eps": "eps"}
    assert len(document["certificates"]) == len(found.proofs)


def test_an_unknown_rule_is_an_error_before_anything_is_read() -> None:
    with pytest.raises(InputError, match="no optimizer is called"):
        numeric.verify("no.such.Thing", "adan1m")

"""What update rules say of each other: every relation is proved, a wrong one is refuted by an exact point.

A wrong twin is a map with a sign, a factor, an exponent or a condition changed, or two rules exchanged.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from derive import comparisons, invariants, unrolled
from derive.ascii import show
from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.kernel.check import check_text
from derive.kernel.terms import subterms
from derive.library import catalogue, derivation
from derive.library.optimizers import OPTIMIZERS
from derive.library.relations import CORRECTED_EPS, CORRECTED_RATE, RELATIONS
from derive.prover import Settings, prove
from derive.relations import Relation, run, tidy
from derive.syntax import parse_expression
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, UpdateRule

if "symstep_update_rules" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location(
        "symstep_update_rules", Path(__file__).resolve().parent / "test_update_rules.py"
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_update_rules"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_update_rules"])
value = sys.modules["symstep_update_rules"].value

FRESH = Settings(recall=False)


def proved(item: Derivation) -> Derivation:
    done = prove(item)
    assert done.verdict == "proved", [(show(line.term), line.message) for line in done.judged]
    assert done.certificate is not None
    assert check_text(json.dumps(done.certificate)).digest == done.digest
    return done


def relation(rule: str | UpdateRule, other: str | UpdateRule, **parts: Any) -> Relation:
    pair = [OPTIMIZERS[each] if isinstance(each, str) else each for each in (rule, other)]
    return Relation("twin", Text("a twin"), *pair, **parts)


# --- right ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RELATIONS)
def test_every_relation_is_proved(name: str) -> None:
    row = RELATIONS[name]
    assert row.title.en
    assert row.title.ko
    assert row.title.en != row.title.ko
    parts = row.derivations
    assert len({item.name for item in parts}) == len(parts)
    for item in parts:
        proved(item)
    whole = row.derivation
    assert [obligation.proof for obligation in whole.obligations] == list(parts[1:])
    assert whole.lines == parts[0].lines


@pytest.mark.parametrize("name", comparisons.COMPARISONS)
def test_every_comparison_is_proved(name: str) -> None:
    done = proved(comparisons.COMPARISONS[name]())
    assert done.name == name
    assert {obligation.verdict for obligation in done.obligations} <= {"proved"}


@pytest.mark.parametrize("name", unrolled.derivations())
def test_every_unrolled_form_is_proved(name: str) -> None:
    proved(unrolled.derivations()[name])


# rule -> how many facts about it the kernel does not judge: that the powers of 0.96, with real exponents, are at most 1
DECLARED = {"nadam": 2}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_step_is_defined_and_every_invariant_stays(name: str) -> None:
    rule = OPTIMIZERS[name]
    done = invariants.defined(rule)
    proved(done)
    titles = [obligation.text.en for obligation in done.obligations]
    declared = [obligation for obligation in done.obligations if obligation.proof is None]
    assert len(declared) == DECLARED.get(name, 0)
    for obligation in done.obligations:
        if obligation.proof is not None:
            proved(obligation.proof)
    for state in rule.state:
        assert f"The step of {state.name} is defined" in titles
    started, stayed = (sum(text.startswith(begin) for text in titles) for begin in ("At the start", "After a step"))
    assert started == stayed >= sum(bool(state.invariant) for state in rule.state)


def test_whatever_divides_or_takes_a_root_is_covered() -> None:
    """The main derivation of each rule holds every division, root and power of its lines."""
    for rule in OPTIMIZERS.values():
        main = invariants.defined(rule)
        parts = [main, *(obligation.proof for obligation in main.obligations if obligation.proof is not None)]
        held = {show(line.term) for part in parts for line in part.lines}
        partial = {node[0] if node[0] != "f" else node[1] for line in rule.assignments for node in subterms(line.term)}
        for tag in partial & {"/", "sqrt"}:
            assert any(tag in text for text in held), (rule.name, tag)


def test_what_the_library_shows() -> None:
    groups = catalogue()
    assert set(comparisons.entries()) == {"relations", "unrolled", "invariants"} <= set(groups)
    names = [entry.name for kind in comparisons.entries() for entry in groups[kind]]
    assert len(names) == len(set(names))
    every = [entry.name for entries in groups.values() for entry in entries]
    assert not [name for name in names if every.count(name) > 1]
    for kind, found in comparisons.entries().items():
        for name, (title, _) in found.items():
            item = derivation(name)
            assert (item.name, item.title) == (name, title), kind
            assert item.source


def test_the_claims_of_the_lecture() -> None:
    """What the statements say, word for word, in the language of chains."""
    said = {
        name: [show(line.term) for line in comparisons.COMPARISONS[name]().lines] for name in comparisons.COMPARISONS
    }
    assert said["heavy-ball-apart"][-1] == "beta1*(eta2 - eta1)*g1"
    assert said["heavy-ball-iff"][-1] == "eta1 = eta2"
    assert said["sgdw-apart"][-1] == "-beta1*eta1*lam*w"
    assert said["adam-sum"][-1] == "w - eta*(beta1*m + (1 - beta1)*g)/(sqrt(beta2*v + (1 - beta2)*g**2) + eps)"
    given = comparisons.heavy_ball_iff().assumptions.texts
    assert {"beta1 != 0", "g1 != 0"} <= set(given)
    steps = {item.name: item for item in RELATIONS["adam-as-eps-hat"].steps}
    assert show(steps["adam-as-eps-hat-w"].lines[0].term).endswith("+ eps*sqrt(1 - beta2**t))")


# --- run, on exact numbers ------------------------------------------------------------------------------------------


RATIONAL = [
    name
    for name, row in RELATIONS.items()
    if not any("sqrt" in text for rule in (row.rule, row.other) for text in rule.lines) and not row.names
]


@pytest.mark.parametrize("name", RATIONAL)
def test_both_rules_run_side_by_side(name: str) -> None:
    """Seven steps of each rule with exact numbers, the rate as the relation wants it: the map holds at every step."""
    row = RELATIONS[name]
    numbers = {h.name: h.value for h in row.rule.hyperparameters} | {"lam": Fraction(1, 7)}
    mine: dict[str, Fraction] = {PARAMETER: Fraction(3)}
    rates = [Fraction(1, 10) if row.constant else Fraction(1, 10 + t * t) for t in range(8)]
    numbers |= {key: Fraction(text) for key, text in row.fixed.items()}
    mine |= {key: value(term, numbers | mine | {RATE: rates[0]}) for key, term in row.rule.initial.items()}

    def mapped(at: dict[str, Fraction], t: int, rate: Fraction) -> dict[str, Fraction]:
        known = numbers | at | {STEP: Fraction(t), RATE: rate}
        return {key: value(parse_expression(row.state.get(key, key)).term, known) for key in row.compared}

    theirs = mapped(mine, 0, rates[0])
    for t in range(1, 8):
        now = {GRADIENT: Fraction((-1) ** t * (t + 2), t + 1), STEP: Fraction(t), RATE: rates[t if t > 1 else 0]}
        known = numbers | mine | now
        hyper = {
            h.name: value(parse_expression(row.hyper.get(h.name, h.name)).term, known)
            for h in row.other.hyperparameters
            if h.name in row.mentioned
        }
        points = [
            value(parse_expression(rule.gradient_at).term, at)
            for rule, at in ((row.rule, known), (row.other, hyper | theirs))
        ]
        assert points[0] == points[1]
        theirs = {key: value(row.other.step[key], theirs | now | hyper) for key in theirs}
        mine = {key: value(row.rule.step[key], known) for key in mine}
        assert theirs == mapped(mine, t, now[RATE])


# --- wrong ----------------------------------------------------------------------------------------------------------

UNDAMPED: dict[str, Any] = {"fixed": {"tau": "0"}}
WRONG: dict[str, tuple[Any, ...]] = {
    "the sign of the velocity": ("momentum-torch", "momentum", {"state": {"m": "eta*v"}, "constant": True, **UNDAMPED}),
    "a velocity without the rate": ("momentum-torch", "momentum", {"state": {"m": "-v"}, "constant": True, **UNDAMPED}),
    "a rate that changes": ("momentum-torch", "momentum", {"state": {"m": "-eta*v"}, **UNDAMPED}),
    "dampening left in": ("momentum-torch", "momentum", {"state": {"m": "-eta*v"}, "constant": True}),
    "back without a constant rate": (
        "momentum", "momentum-torch",
        {"hyper": {"tau": "0"}, "state": {"v": "-m/eta"}, "conditions": "eta > 0; eta0 > 0"}),
    "an average with the inverse rate": (
        "ema-momentum", "momentum-torch",
        {"hyper": {"eta": "eta/(1 - beta1)", "tau": "0"}, "state": {"v": "m/(1 - beta1)"}}),
    "an average as it stands": ("ema-momentum", "momentum-torch", {"hyper": {"tau": "0"}, "state": {"v": "m"}}),
    "an average inside, under a schedule": (
        "ema-momentum", "momentum", {"hyper": {"eta": "eta*(1 - beta1)"}, "state": {"m": "-eta*m"}}),
    "Nesterov without the shift": ("nesterov-torch", "nesterov", {"state": {"m": "-eta*v"}, "constant": True}),
    "Nesterov shifted back": (
        "nesterov-torch", "nesterov", {"state": {"w": "w - beta1*eta*v", "m": "-eta*v"}, "constant": True}),
    "Nesterov shifted under a schedule": (
        "nesterov-torch", "nesterov", {"state": {"w": "w + beta1*eta*v", "m": "-eta*v"}}),
    "Nesterov for momentum": ("nesterov-torch", "momentum-torch", {"hyper": {"tau": "0"}}),
    "a penalty at another point than the gradient": (
        "nesterov-torch", "nesterov", {"state": {"w": "w + beta1*eta*v", "m": "-eta*v"}, "constant": True,
                                       "hyper": {"beta1": "beta1/2"}}),
    "the same eps outside": ("adam", "adam-eps-hat", {}),
    "eps divided": ("adam", "adam-eps-hat", {"hyper": {"eps": "eps/sqrt(1 - beta2**t)"}}),
    "eps by the other beta": ("adam", "adam-eps-hat", {"hyper": {"eps": "eps*sqrt(1 - beta1**t)"}}),
    "eps without the root": ("adam", "adam-eps-hat", {"hyper": {"eps": "eps*(1 - beta2**t)"}}),
    "no bias correction": ("adam", "adam-lecture", {}),
    "half a bias correction": ("adam", "adam-lecture", {"hyper": {"eta": CORRECTED_RATE}}),
    "the rules exchanged": ("adam-lecture", "adam", {"hyper": {"eta": CORRECTED_RATE, "eps": CORRECTED_EPS}}),
    "a bias correction one step late": (
        "adam-eps-hat", "adam-lecture", {"hyper": {"eta": CORRECTED_RATE.replace("**t", "**(t + 1)")}}),
    "RMSprop for Adam": ("adam-lecture", "rmsprop", {}),
    "the betas exchanged": ("adam-lecture", "ema-momentum", {"hyper": {"beta1": "beta2"}, "names": ("m",)}),
    "AdamW with decay": ("adamw", "adam", {}),
    "a penalty for decay": ("sgdw", OPTIMIZERS["momentum"].with_decay(), {"state": {"m": "-m"}}),
    "AMSGrad for Adam": ("amsgrad", "adam-lecture", {}),
    "AdaGrad with a constant eps": (
        "rmsprop", "adagrad", {"state": {"v": "t*v"}, "fixed": {"beta2": "1 - 1/t", "eta": "eta/sqrt(t)"}}),
    "AdaGrad with a constant rate": (
        "rmsprop", "adagrad", {"state": {"v": "t*v"}, "fixed": {"beta2": "1 - 1/t", "eps": "eps/sqrt(t)"}}),
    "AdaGrad, one step off": (
        "rmsprop", "adagrad", {"state": {"v": "(t - 1)*v"}, "fixed": {
            "beta2": "1 - 1/t", "eta": "eta/sqrt(t)", "eps": "eps/sqrt(t)"}}),
    "AdaGrad for RMSprop": ("adagrad", "rmsprop", {"hyper": {"beta2": "0"}}),
    "a decay of the rate": ("adagrad-decay", "adagrad", {"hyper": {"eta": "eta/(1 + t*decay)"}}),
    "Lion with a memory": ("lion", "signsgd", {"fixed": {"beta2": "0", "lam": "0"}}),
    "Lion by beta1": ("lion", "ema-momentum", {"names": ("m",)}),
    "a rate that is not late": ("asgd", "sgd", {"fixed": {"lam": "0"}}),
    "Yogi for Adam": ("yogi", "adam-lecture", {}),
    "RMSprop, not centered": ("rmsprop-centered", "rmsprop", {}),
    "Adan with decay": ("adan", "adam-lecture", {"hyper": {"beta2": "beta3"}, "fixed": {"beta2": "0"}}),
    "momentum after the scaling": ("rmsprop-momentum", "rmsprop", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_relation_is_refuted(name: str) -> None:
    rule, other, parts = WRONG[name]
    found = relation(rule, other, **parts)
    verdicts = []
    for item in reversed(found.derivations):  # the short ones first
        done = prove(item, FRESH)
        verdicts.append(done.verdict)
        if done.verdict == "refuted":
            assert done.certificate is None
            assert next(line.witness for line in done.judged if line.verdict == "refuted")
            return
    pytest.fail(f"{name}: {verdicts}")


@pytest.mark.parametrize("steps", [1, 2])
def test_the_rate_shows_at_the_second_step(steps: int) -> None:
    """One step from the start is the same under any schedule, two are not; the witness has two rates."""
    found = relation("momentum-torch", "momentum", state={"m": "-eta*v"}, fixed={"tau": "0"})
    done = prove(found.after(steps), FRESH)
    assert done.verdict == ("proved" if steps == 1 else "refuted")
    if steps == 2:
        witness = next(line.witness for line in done.judged if line.witness)
        assert witness["eta1"] != witness["eta2"]
        assert witness["g1"] != "0"


def test_what_is_not_said_of_a_hyperparameter_is_not_known() -> None:
    """Without beta1 != 0 two different rates may go unnoticed."""
    item = comparisons.heavy_ball_iff()
    given = item.assumptions
    less = [fact for fact in given.facts if fact[0] != "!="]
    weaker = prove(Derivation(assumptions=type(given)(given.symbols, tuple(less)), lines=item.lines), FRESH)
    assert weaker.verdict == "refuted"


@pytest.mark.parametrize("name", ["rmsprop", "adagrad", "rmsprop-centered", "amsgrad", "asgd"])
def test_a_wrong_invariant_is_refuted(name: str) -> None:
    wrong = {
        "rmsprop": "v >= g",
        "adagrad": "v <= 1",
        "rmsprop-centered": "a >= 0",
        "amsgrad": "vmax <= v",
        "asgd": "mu < 1",
    }
    row, said = OPTIMIZERS[name], wrong[name]
    states = tuple(replace(s, invariant=said) if s.name == said.split()[0] else s for s in row.state)
    verdicts = {prove(item, FRESH).verdict for item in invariants.invariants(replace(row, state=states))}
    assert "refuted" in verdicts


# --- what a relation must say ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (("momentum-torch", "momentum", {}), "no map says what m of momentum is; add it to state"),
        (("sgd", "momentum", {"state": {"m": "w"}}), "no map says what beta1 of momentum is; add it to hyper"),
        (("sgd", "momentum", {"state": {"m": "v"}, "hyper": {"beta1": "0"}}), "sgd has no v"),
        (("sgd", "momentum", {"state": {"v": "w"}, "hyper": {"beta1": "0"}}), "momentum keeps no v"),
        (("adam", "sgd", {"fixed": {"beta": "0"}}), "adam has no hyperparameter beta"),
        (("adam", "sgd", {"hyper": {"beta1": "0"}}), "sgd has no hyperparameter beta1"),
        (("adam", "sgd", {"fixed": {"beta1": "m"}}), "adam has no m"),
        (("momentum", "sgd", {"fixed": {"beta1": "1"}}), "1 < 1 is outside the domain"),
        (("momentum", "sgd", {"fixed": {"beta1": "0 - 1/2"}}), "outside the domain"),
        (("adam-lecture", "rmsprop", {"names": ("w",)}), "w of rmsprop depends on v"),
        (("adam-lecture", "rmsprop", {"names": ("m",)}), "rmsprop keeps no m"),
    ],
)
def test_a_relation_that_says_too_little_is_refused(parts: tuple[str, str, dict[str, Any]], says: str) -> None:
    rule, other, how = parts
    with pytest.raises(InputError, match=says):
        relation(rule, other, **how)


def test_too_many_steps_are_refused() -> None:
    with pytest.raises(InputError, match="ask for 0 to 6"):
        run(RELATIONS["heavy-ball"], 7)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("w + (0*m - eta*g)", "w - eta*g"), ("1*v + (1 - 1)*g", "v"), ("min(2 - 1, 1)*g", "g"), ("w + 0", "w"),
        ("0/(1 - b)", "0"), ("x - (-y)", "x + y"), ("2 + w + 3", "5 + w"), ("1 - b", "1 - b"),
        ("max(w, 0)", "max(w, 0)"), ("1 - 1/2", "1/2"),
    ],
)  # fmt: skip
def test_what_is_zero_is_left_out(text: str, short: str) -> None:
    assert show(tidy(parse_expression(text).term)) == short

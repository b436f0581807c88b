"""Update rules are data: every row is complete, bad rows are refused with a reason, a step is what the lines say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from derive.ascii import show
from derive.derivation import Text
from derive.errors import InputError
from derive.kernel.terms import RELATIONS, Term, subterms
from derive.library.optimizers import OPTIMIZERS
from derive.syntax import parse_expression, parse_given
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, Hyperparameter, State, UpdateRule, optimizer, put

RULES = list(OPTIMIZERS.values())
ETA = Hyperparameter("eta", "0.1", "eta >= 0", Text("learning rate", "학습률"), ("lr",))
BETA = Hyperparameter("beta1", "0.9", "0 <= beta1 < 1", Text("memory", "기억"))
M = State("m", meaning=Text("momentum", "모멘텀"))


def rule(*lines: str, hyper: tuple[Hyperparameter, ...] = (ETA, BETA), **others: Any) -> UpdateRule:
    return UpdateRule("mine", Text("mine"), lines, hyper, **{"state": (M,), **others})


def names(term: Term) -> set[str]:
    return {str(node[1]) for node in subterms(term) if node[0] in ("v", "ix", "call")}


def value(term: Term, at: dict[str, Fraction]) -> Fraction:
    """A term of rational operations at a point."""
    tag, parts = term[0], term[1:]
    if tag == "q":
        return Fraction(term[1])
    if tag == "v":
        return at[term[1]]
    if tag == "f":
        numbers = [value(part, at) for part in parts[1:]]
        signs = {"max": max, "min": min, "abs": abs, "sign": lambda x: Fraction((x > 0) - (x < 0))}
        found = signs[parts[0]](*numbers)
        assert isinstance(found, Fraction)
        return found
    numbers = [value(part, at) for part in parts]
    if tag == "+":
        return sum(numbers, Fraction(0))
    if tag == "neg":
        return -numbers[0]
    if tag == "/":
        return numbers[0] / numbers[1]
    if tag == "^":
        assert numbers[1].denominator == 1 or numbers[0] == 1
        return numbers[0] ** int(numbers[1])
    assert tag == "*"
    product = Fraction(1)
    for number in numbers:
        product *= number
    return product


# --- the rows -------------------------------------------------------------------------------------------------------


def test_the_rules_asked_for_are_there() -> None:
    wanted = """gd sgd momentum rmsprop adagrad adam-lecture adam adam-eps-hat momentum-torch ema-momentum nesterov
    nesterov-torch sgdw signsgd lion rprop rmsprop-centered rmsprop-momentum adagrad-decay adadelta adamw amsgrad
    amsgrad-torch amsgrad-optax adamax nadam radam yogi adabelief adan asgd"""
    assert set(wanted.split()) <= set(OPTIMIZERS)
    assert all(name == row.name for name, row in OPTIMIZERS.items())


@pytest.mark.parametrize("row", RULES, ids=lambda row: row.name)
def test_every_row_says_what_it_is(row: UpdateRule) -> None:
    assert row.source
    assert row.title.en
    assert row.title.ko
    for meaning in (*(hyper.meaning for hyper in row.hyperparameters), *(state.meaning for state in row.state)):
        assert meaning.en
        assert meaning.ko
        assert meaning.en != meaning.ko
    assert bool(row.note.en) == bool(row.note.ko)
    accepted = [name for hyper in row.hyperparameters for name in (hyper.name, *hyper.aliases)]
    assert len(accepted) == len(set(accepted))
    assert "lr" in accepted


@pytest.mark.parametrize("row", RULES, ids=lambda row: row.name)
def test_every_hyperparameter_is_used_and_its_default_is_allowed(row: UpdateRule) -> None:
    used = {name for line in row.assignments for name in names(line.term)}
    used |= {name for term in row.initial.values() for name in names(term)}
    used |= names(parse_expression(row.gradient_at).term)
    values = {hyper.name: hyper.value for hyper in row.hyperparameters}
    for hyper in row.hyperparameters:
        assert hyper.name in used
        assert hyper.domain
        for fact in parse_given(hyper.domain).facts:
            left, right = (value(side, values) for side in fact[1:])
            assert {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[fact[0]], hyper.name


@pytest.mark.parametrize("row", RULES, ids=lambda row: row.name)
def test_a_step_is_the_lines_one_after_the_other(row: UpdateRule) -> None:
    before = {PARAMETER, GRADIENT, STEP, *(h.name for h in row.hyperparameters), *(s.name for s in row.state)}
    assert list(row.step) == [line.name for line in row.assignments]
    assert all(names(term) <= before for term in row.step.values())
    assert all(names(term) <= before - {GRADIENT, STEP} for term in row.initial.values())
    # one step of `after` is a step from the start
    now = {GRADIENT: ("v", "g1"), RATE: ("v", "eta1"), STEP: ("q", Fraction(1))}
    start = {name: put(term, {RATE: ("v", "eta1")}) for name, term in row.initial.items()}
    assert row.after(0)[PARAMETER] == ("v", PARAMETER)
    assert row.after(1)[PARAMETER] == put(row.step[PARAMETER], start | now)
    kept = {PARAMETER, *(state.name for state in row.state)}
    assert set(row.after(2)) == kept


@pytest.mark.parametrize("row", RULES, ids=lambda row: row.name)
@pytest.mark.parametrize("shift", [0, 1])
def test_the_times_are_those_of_the_lines(row: UpdateRule, shift: int) -> None:
    """Every state is read at the time before, or at the new one after its line; and the text can be read again."""
    now: Term = ("+", ("v", STEP), ("q", Fraction(1))) if shift else ("v", STEP)
    done: set[str] = set()
    for line, text in zip(row.timed(shift), row.text(shift).split("\n"), strict=True):
        assert line[0] == "="
        assert parse_expression(text).term == line
        for node in (node for node in subterms(line[2]) if node[0] == "ix"):
            if node[1] == GRADIENT:
                assert node[2] == ("v", STEP)
            else:
                assert (node[2] == now) == (node[1] in done), show(node)
        assert line[1][2] == now
        done.add(line[1][1])


def test_momentum_word_for_word() -> None:
    row = OPTIMIZERS["momentum"]
    assert {name: show(term) for name, term in row.after(2).items()} == {
        "m": "beta1*(beta1*0 - eta1*g1) - eta2*g2",
        "w": "(w + (beta1*0 - eta1*g1)) + (beta1*(beta1*0 - eta1*g1) - eta2*g2)",
    }
    assert row.text(shift=1) == "m[t + 1] = beta1*m[t] - eta*g[t]\nw[t + 1] = w[t] + m[t + 1]"
    assert row.given == "w, g real; t integer >= 1; eta >= 0; 0 <= beta1 < 1; m real"


def test_what_a_line_reads_is_the_latest_value() -> None:
    row = rule("m = beta1*m + g", "w = w - eta*m", "k = w*m", state=(M,))
    assert show(row.step["k"]) == "(w - eta*(beta1*m + g))*(beta1*m + g)"
    early = rule("w = w - eta*m", "m = beta1*m + g")
    assert show(early.step["w"]) == "w - eta*m"
    assert early.text() == "w[t] = w[t - 1] - eta*m[t - 1]\nm[t] = beta1*m[t - 1] + g[t]"


def test_an_l2_penalty_is_added_where_the_gradient_is_taken() -> None:
    assert show(OPTIMIZERS["nesterov"].with_decay().step["h"]) == "g + lam*(w + beta1*m)"
    assert show(OPTIMIZERS["adam"].with_decay().step["m"]) == "beta1*m + (1 - beta1)*(g + lam*w)"
    with pytest.raises(InputError, match="has a weight decay of its own"):
        OPTIMIZERS["adamw"].with_decay()


# --- bad rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("m = beta1*m + g",), r"no line assigns w.*add one"),
        (("w = w - eta*g",), r"no line assigns m.*drop the state"),
        (("m = g", "w = w - eta*M"), r"nothing says what M is"),
        (("m = g", "w = w - ets*m"), r"nothing says what ets is; did you mean eta"),
        (("m = late", "late = g", "w = w - m"), r"nothing says what late is"),
        (("m = g", "m = m + g", "w = w - m"), r"m is assigned twice"),
        (("m = g", "eta = 1", "w = w - m"), r"eta is assigned twice, or is not to be assigned"),
        (("m = g", "g = 2*g", "w = w - m"), r"g is assigned twice, or is not to be assigned"),
        (("m = g", "pi = 3", "w = w - pi*m"), r"pi is assigned twice, or is not to be assigned"),
        (("m = g", "w - eta*m"), r"'w - eta\*m' is no assignment"),
        (("m[t] = g", "w = w - m"), r"is no assignment"),
        (("m = g[1]", "w = w - m"), r"in an update rule; write it elementwise"),
        (("m = f(g)", "w = w - m"), r"in an update rule; write it elementwise"),
        (("m = sum(g, i, 1, 3)", "w = w - m"), r"in an update rule; write it elementwise"),
        (("m = diff(g, w)", "w = w - m"), r"in an update rule; write it elementwise"),
        (("m = g > 0", "w = w - m"), r"in an update rule; write it elementwise"),
        (("m = [g, 1]", "w = w - m"), r"in an update rule; write it elementwise"),
        (("m = g +", "w = w - m"), r"."),
    ],
)
def test_bad_lines_are_refused(lines: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        rule(*lines)


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({"hyper": (ETA, ETA)}, "the name eta is taken"),
        ({"hyper": (ETA, BETA, Hyperparameter("m", "1", "", Text()))}, "the name m is taken"),
        ({"hyper": (ETA, BETA, Hyperparameter("exp", "1", "", Text()))}, "the name exp is taken"),
        ({"state": (M, M)}, "the name m is taken"),
        ({"state": (M, State("w"))}, "the name w is taken"),
        ({"state": (State("m", "g"),)}, "nothing says what g is"),
        ({"state": (State("m", "t"),)}, "nothing says what t is"),
        ({"state": (State("m", "m"),)}, "nothing says what m is"),
        ({"gradient_at": "w + g"}, "nothing says what g is"),
        ({"gradient_at": "w + k"}, "nothing says what k is"),
    ],
)
def test_bad_names_are_refused(others: dict[str, Any], says: str) -> None:
    assert rule("m = beta1*m + g", "k = eta*m", "w = w - k").gradient_at == "w"
    with pytest.raises(InputError, match=says):
        rule("m = beta1*m + g", "k = eta*m", "w = w - k", **others)


def test_errors_name_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean adam"):
        optimizer("adamm")
    with pytest.raises(InputError, match="derive list optimizers"):
        optimizer("zzz")
    with pytest.raises(InputError, match="did you mean beta1"):
        optimizer("adam").hyperparameter("bet1")
    assert optimizer("adam").hyperparameter("lr").name == "eta"
    for steps in (-1, 9):
        with pytest.raises(InputError, match="ask for 0 to 8"):
            optimizer("adam").after(steps)


def test_no_row_says_a_comparison_or_an_index() -> None:
    tags = {node[0] for row in RULES for line in row.assignments for node in subterms(line.term)}
    assert not tags & {*RELATIONS, "ix", "call", "sum", "interval"}

"""Pictures of momentum, RMSprop and Adam: they are runs of the library's rules, checked against exact arithmetic."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from derive.errors import InputError
from derive.evaluation.evaluate import evaluate as exact
from derive.evaluation.reals import interval_of
from derive.evaluation.values import Point
from derive.kernel.terms import Term
from derive.library.optimizers import OPTIMIZERS
from derive.plots import KINDS, read_plot
from derive.syntax import parse_expression
from numeric import plot as plots
from numeric.pictures import canvas, corrected, running, valley

RULES = ("momentum", "rmsprop", "adam", "bias-correction")


def figures(kind: str, **options: str) -> Mapping[str, float]:
    return plots.draw(read_plot(kind, options)).figures


def value(term: Term, point: Mapping[str, Fraction]) -> Fraction:
    found = exact(term, Point(scalars=dict(point)))
    return found if isinstance(found, Fraction) else interval_of(found).lower  # type: ignore[arg-type]


def exact_run(name: str, curvature: Fraction, start: Fraction, steps: int, **numbers: str) -> dict[str, Fraction]:
    """The rule itself, step by step in exact numbers, on lambda*w**2/2."""
    rule = OPTIMIZERS[name]
    given = {hyper.name: Fraction(numbers.get(hyper.name, hyper.default)) for hyper in rule.hyperparameters}
    now = {"w": start} | {name: value(term, given) for name, term in rule.initial.items()}
    for t in range(1, steps + 1):
        at = given | now | {"g": curvature * now["w"], "t": Fraction(t)}
        now = {name: value(rule.step[name], at).limit_denominator(10**30) for name in now}
    return now


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_paths_are_those_of_the_rules(steps: int) -> None:
    found = figures("momentum", steps=str(steps), eta="0.05", beta1="0.7", mu="1/2", L="20")
    ends = {
        name: [exact_run(rule, c, Fraction(s), steps, eta="0.05", beta1="0.7")["w"]
               for c, s in zip((Fraction(1, 2), Fraction(20)), valley.ALONG, strict=True)]
        for name, rule in (("gd", "gd"), ("momentum", "momentum"))
    }  # fmt: skip
    for name, end in ends.items():
        assert found[f"distance_{name}"] == pytest.approx(float(np.hypot(*map(float, end))), rel=1e-12)
    scaled = figures("rmsprop", steps=str(max(steps, 2)))
    end = [float(exact_run("rmsprop", Fraction(c), Fraction(s), max(steps, 2), eta="0.1", beta2="0.999")["w"])
           for c, s in zip((1, 20), valley.FAR, strict=True)]  # fmt: skip
    assert scaled["distance_rmsprop"] == pytest.approx(float(np.hypot(*end)), rel=1e-9)


@pytest.mark.parametrize("rule", ["adam", "adam-lecture"])
def test_adam_falls_as_exact_numbers_say(rule: str) -> None:
    found = figures("adam", rule=rule, steps="6")
    end = [
        exact_run(rule, Fraction(c), Fraction(s), 6, eta="0.1")["w"] for c, s in zip((1, 20), valley.FAR, strict=True)
    ]
    assert found["loss_adam"] == pytest.approx(float(end[0] ** 2 / 2 + 10 * end[1] ** 2), rel=1e-9)


def test_the_plateau_is_flat_and_has_its_minimum_behind() -> None:
    slope = running.slope(running.PLATEAU)
    assert slope(np.array([0.0, 1.0])).tolist() == [0.0, 0.0]
    assert (slope(np.linspace(-1, -0.01, 50)) < 0).all()
    assert (slope(np.linspace(0.01, 0.99, 50)) < 0).all()


@pytest.mark.parametrize("eta", ["0.01", "0.06", "0.2"])
def test_gradient_descent_stays_before_the_plateau(eta: str) -> None:
    found = figures("momentum", eta=eta, steps="500", mu="0.1", L="1")
    assert -0.8 < found["plateau_gd"] < 0
    assert found["plateau_momentum"] > found["plateau_gd"]


def test_the_first_step_without_correction() -> None:
    """Too long by (1 - beta1)/sqrt(1 - beta2), exactly where eps does not count."""
    for beta1, beta2 in (("0.9", "0.999"), ("0", "0.99"), ("0.5", "0")):
        found = figures("bias-correction", beta1=beta1, beta2=beta2, sigma="0", eps="1e-12")
        expected = (1 - float(beta1)) / float(1 - Fraction(beta2)) ** 0.5
        assert found["ratio_first"] == pytest.approx(expected, rel=1e-9)
        assert found["mhat_first"] == pytest.approx(1, rel=1e-12)
        assert found["m_first"] == pytest.approx(1 - float(beta1), rel=1e-12)


def test_the_corrected_averages_of_a_constant_gradient_are_that_gradient() -> None:
    values = read_plot("bias-correction", {"sigma": "0", "steps": "50"}).values
    ran = running.run("adam", np.ones_like, [0.0], 50, lr=Fraction(1, 1000))
    for hat in corrected._corrected(ran, values).values():
        np.testing.assert_allclose(hat, 1, rtol=1e-12)
    assert ran.state["v"][-1, 0] < 0.05  # which is still far from 1 itself


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("momentum", {"mu": "40"}, "needs mu <= L"),
        ("rmsprop", {"mu": "21"}, "needs mu <= L"),
        ("momentum", {"beta1": "1"}, "beta1 = 1 cannot be drawn"),
        ("adam", {"rule": "adams"}, "did you mean adam"),
        ("adam", {"eps": "0"}, "eps = 0 cannot be drawn"),
        ("bias-correction", {"steps": "1"}, "cannot be drawn"),
        ("momentum", {"eta": "10"}, "leaves every picture within 40 steps"),
        ("rmsprop", {"rate": "1e6", "steps": "500"}, "gd leaves every picture within 500 steps"),
    ],
)
def test_what_cannot_be_drawn_is_told(kind: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        figures(kind, **options)


def test_the_domains_of_the_rules_hold_here_too() -> None:
    for kind in RULES:
        names = {option.name for option in KINDS[kind].options}
        for rule in KINDS[kind].rules:
            hypers = {hyper.name for hyper in OPTIMIZERS[rule].hyperparameters}
            assert hypers <= names | ({"eta"} if "rate" in names else set())


@pytest.mark.parametrize("name", ["valley.py", "corrected.py"])
def test_no_formula_of_a_rule_stands_in_a_picture(name: str) -> None:
    text = (Path(valley.__file__).parent / name).read_text(encoding="utf-8")
    assert "sqrt" not in text
    assert not re.search(r"beta[12]\s*\*|\*\s*beta[12]|1 - beta", text)


@pytest.mark.parametrize(
    ("low", "high"), [(0.03, 0.4), (1e-9, 1e9), (0.5, 0.5), (2.0, 3.0), (1e-300, 1e-3), (0.9, 1), (7, 1000)]
)
def test_round_ticks_go_around_the_numbers(low: float, high: float) -> None:
    ticks = canvas.round_ticks(low, high)
    assert 2 <= len(ticks) <= 20
    assert ticks == sorted(set(ticks))
    assert ticks[0] <= low
    assert high <= ticks[-1]


def test_a_run_is_seen_from_all_sides() -> None:
    ran = running.run("momentum", running.bowl([Fraction(1)]), [1.0], 2, lr=Fraction(1, 2), beta1=Fraction(1, 2))
    assert ran.w[:, 0].tolist() == [1.0, 0.5, 0.0]
    assert ran.state["m"][:, 0].tolist() == [-0.5, -0.5]
    assert ran.steps[:, 0].tolist() == [-0.5, -0.5]
    assert ran.effective[:, 0].tolist() == [0.5, 1.0]
    still = running.run("gd", running.slope(parse_expression("0*w").term), [1.0], 1, lr=Fraction(1))
    assert np.isnan(still.effective).all()

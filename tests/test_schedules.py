"""The schedules of the library: complete rows, formulas that agree with recursions, and how they are put together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import derive
import numeric
from derive.cli import main
from derive.derivation import VERDICTS
from derive.errors import InputError, Undecided
from derive.library import catalogue, derivation
from derive.library.schedules import SCHEDULES
from derive.prover import prove
from derive.render.mathml import to_mathml
from derive.render.schedule_latex import schedule_latex
from derive.render.schedule_show import render_schedule
from derive.schedule_rule import ScheduleRule
from derive.schedules import Schedule
from derive.series.language import read_schedule
from derive.series.values import ends, holds, value
from numeric.schedules import RunningSchedule, schedule

ROWS = list(SCHEDULES.values())
# floor(pct*N) of floats may be one less than it is: 3/10 as a float is below 3/10
WIDE = ("linear-one-cycle", "cosine-one-cycle")
RECURSIVE = [row for row in ROWS if row.recursion]


def named(rows: list[ScheduleRule]) -> Any:
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


# --- rows -------------------------------------------------------------------------------------------------------------


def test_the_library_has_what_the_lecture_and_the_packages_have() -> None:
    for name in ("LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR",
                 "PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR",
                 "SequentialLR", "ChainedScheduler", "SWALR"):  # fmt: skip
        assert derive.schedule(f"torch.{name}").first == 0
    for name in ("inverse-t", "power", "noam", "sklearn.invscaling", "sklearn.optimal"):
        assert derive.schedule(name).first == 1
    assert len(ROWS) == len({name for row in ROWS for name in (row.name, *row.also)}) - sum(len(r.also) for r in ROWS)


def test_no_schedule_has_the_name_of_something_else() -> None:
    names = Counter(entry.name for group in catalogue().values() for entry in group)
    assert [name for name, count in names.items() if count > 1] == []


@named(ROWS)
def test_a_row_is_complete(row: ScheduleRule) -> None:
    assert re.fullmatch(r"[a-z][a-z-]*", row.name)
    assert row.first in (0, 1)
    assert row.source
    assert row.title.en
    assert row.title.ko
    texts = [row.title, row.note, row.horizon, *(h.meaning for h in row.hyperparameters)]
    texts += [row.repeated.meaning] if row.repeated else []
    for text in texts:
        assert bool(text.en) == bool(text.ko)
        assert text.en == text.ko or not text.en or re.search("[가-힣]", text.ko) or text.en == "Noam", text
    used = {node[1] for node in subterms_of(row.schedule()) if node[0] == "v"} - {"t"}
    assert used == set(row.schedule().parameters)  # each parameter acts
    names = [each for h in row.hyperparameters for each in (h.name, *h.aliases)]
    assert len(names) == len(set(names))


def subterms_of(made: Schedule) -> list[Any]:
    def walk(term: Any) -> list[Any]:
        return [term, *(part for child in term[1:] if isinstance(child, tuple) for part in walk(child))]

    return walk(made.term)


@named(ROWS)
def test_defaults_are_in_their_domains(row: ScheduleRule) -> None:
    env = dict(row.defaults)
    made = row.schedule()
    assert set(env) == set(made.parameters)
    for fact in made.assumptions.facts:
        assert holds(fact, dict(env)), fact
    for symbol in made.assumptions.symbols:
        assert symbol.kind != "integer" or env[symbol.name].denominator == 1


@named(ROWS)
def test_every_format_shows_it_in_both_languages(row: ScheduleRule) -> None:
    for target in ("text", "latex", "markdown", "json"):
        for lang in ("en", "ko"):
            shown = render_schedule(row, target, lang)
            assert row.title.in_(lang).replace("&", r"\&") in shown
    assert to_mathml(schedule_latex(row.schedule()), display=True).width > 0
    printed = row.schedule()
    assert Schedule(printed.expression, printed.given, row.first).term == printed.term  # text and term are the same


def test_html_and_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Cosine annealing" in render_schedule(SCHEDULES["cosine-annealing"], "html")
    assert main(["list", "schedules"]) == 0
    assert "warm-restarts" in capsys.readouterr().out
    assert main(["show", "torch.StepLR"]) == 0
    assert "rho**floor(t/T)" in capsys.readouterr().out
    assert main(["schedule", "step"]) == 0
    assert "t >= 0" in capsys.readouterr().out
    with pytest.raises(InputError, match="unknown format"):
        render_schedule(SCHEDULES["step"], "pdf")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: derive.schedule("cosine-anealing"), "no schedule is called cosine-anealing; did you mean cosine-ann"),
        (lambda: derive.schedule("torch.StepLr"), "did you mean torch.StepLR"),
        (lambda: schedule("step", stepsize=3), "step has no parameter stepsize; did you mean step_size"),
        (lambda: schedule("step", gamma=0.1, rho=0.2), "rho is given twice"),
        (lambda: schedule("step", T=0), "T = 0 is outside the domain; expected T integer >= 1"),
        (lambda: schedule("step", T=2.5), "T = 5/2 is outside the domain"),
        (lambda: schedule("step", T=float("nan")), "expected a finite number"),
        (lambda: schedule("step", T=True), None),
        (lambda: schedule("step", eta0="a tenth"), "expected a finite number"),
        (lambda: schedule("step", items=[(1,)]), "step repeats nothing"),
        (lambda: schedule("multi-step", items=[(1, 2)]), r"item 1 of multi-step is \(1, 2\); give \(m\) for each"),
        (lambda: schedule("multi-step", items=[]), "0 items for multi-step; give m"),
        (lambda: schedule("piecewise-linear", items=[(5, 1), (5, 1)]), "b1 = 5"),
        (lambda: schedule("step", user="t"), "step takes no formula"),
        (lambda: schedule("lambda", user="1/(t + q)"), "q is not declared"),
        (lambda: schedule(Schedule("eta0/t", "eta0 > 0")), "nothing says what eta0 is"),
        (lambda: schedule(Schedule("eta0/t", "eta0 > 0"), eta0=-1), "outside the domain"),
        (lambda: schedule("step")(0), "t is -1; this schedule begins at t = 0"),
        (lambda: schedule("step").at(1.5), "expected an integer"),
        (lambda: schedule("step").at(np.array([1.5])), "expected an array of integers"),
        (lambda: schedule("step").at(2**60), "t is"),
        (lambda: schedule("geometric", rho=2).at(10**6), "no finite number at t = 1000000"),
        (lambda: schedule("geometric", rho=2).at(np.array([1, 10**6])), "no finite number at t = 1000000"),
        (lambda: schedule("step").by_recursion() and schedule("noam").recursion, "has no recursion"),
        (lambda: derivation("step"), "step is a schedule, not a derivation"),
    ],
)  # fmt: skip
def test_errors_name_what_is_wrong_and_what_is_near(call: Callable[[], Any], message: str | None) -> None:
    if message is None:
        call()  # True is 1; no items are the default
        return
    with pytest.raises(InputError, match=message):
        call()


# --- running ----------------------------------------------------------------------------------------------------------


@named(ROWS)
def test_floats_arrays_and_the_exact_value_lie_in_the_ball(row: ScheduleRule) -> None:
    made = schedule(row)
    places = [*range(row.first, row.first + 40), 99, 100, 101, 150, 2000, 4000, 12345]
    many = made.at(np.array(places))
    for t, element in zip(places, many, strict=True):
        ball = made.enclosure(t)
        assert ball.contains(made.at(t)), t
        assert ball.contains(float(element)), t
        low, high = ends(value(made.symbolic.term, {**made.values, "t": Fraction(t)}))  # another implementation
        assert ball.radius is not None
        assert abs((low + high) / 2 - ball.midpoint) <= ball.radius + (high - low) / 2, t
        assert ball.radius < 1e-9 or row.name in WIDE, t
    assert np.isfinite(made.at(10**7))
    assert made.enclosure(10**7).contains(made.at(10**7))
    assert made(1) == made.at(row.first)
    assert made(np.array([1]))[0] == made.at(np.array([row.first]))[0]


def test_exact_values() -> None:
    assert schedule("polynomial", eta0="1/10", T=4, power=2).exact(1) == Fraction(9, 160)
    assert schedule("warm-restarts-growing", T=1, M=3, eta0=1).exact(121) == 1  # a float logarithm misses 3**5
    assert schedule("cosine-annealing", eta0=1, T=3).exact(1) == Fraction(3, 4)  # cos(pi/3) is rational
    with pytest.raises(Undecided, match="irrational"):
        schedule("cosine-annealing", eta0=1, T=4).exact(1)
    with pytest.raises(Undecided, match="too l"):
        schedule("geometric").exact(10**6)


def test_restarts_are_where_integers_say() -> None:
    for T, M in ((1, 2), (1, 3), (3, 2), (10, 10)):
        made = schedule("warm-restarts-growing", T=T, M=M, eta0=1)
        starts = {T * (M**n - 1) // (M - 1) for n in range(12)}
        found = {int(t) for t in np.flatnonzero(made.at(np.arange(3000)) == 1.0)}
        assert found == {t for t in starts if t < 3000}
        far = T * (M**9 - 1) // (M - 1)
        assert (made.at(far), made.exact(far)) == (1.0, 1)


def test_a_schedule_is_a_learning_rate() -> None:
    halves = schedule("step", eta0=1, rho="1/2", T=1)
    optimizer, w = numeric.optimizer("sgd", lr=halves), np.array([4.0])
    state = optimizer.init(w)
    for expected in (3.0, 2.5, 2.25):
        optimizer.step(w, np.array([1.0]), state)
        assert w[0] == expected


# --- formula and recursion --------------------------------------------------------------------------------------------


@named(RECURSIVE)
def test_the_recursion_is_the_formula_exactly(row: ScheduleRule) -> None:
    made = schedule(row)
    step, t, compared = made.recursion, row.first, 0
    for t in range(row.first, row.first + 30):
        env = {**made.values, "t": Fraction(t), "e": value(made.symbolic.term, {**made.values, "t": Fraction(t)})}
        low, high = ends(value(step, env))
        low_, high_ = ends(value(made.symbolic.term, {**made.values, "t": Fraction(t + 1)}))
        assert low <= high_
        assert low_ <= high
        compared += low == high == low_
    assert compared or row.name in ("asgd-rate", "power", "invscaling", "inverse-sqrt", "cosine-annealing")


@named(RECURSIVE)
def test_the_recursion_runs_in_floats(row: ScheduleRule) -> None:
    made = schedule(row)
    for t, present in enumerate(islice(made.by_recursion(), 60), start=row.first):
        assert present == pytest.approx(made.at(t), rel=1e-9, abs=1e-12)  # drift of a recursion in floats


@named(RECURSIVE)
def test_the_recursion_is_proved(row: ScheduleRule) -> None:
    proofs = row.proofs()
    assert proofs
    for name, proof in proofs.items():
        assert name.startswith(f"{row.name}-recursion")
        assert prove(proof).verdict == "proved", name
        assert derivation(name).verify().verdict == "proved"


def test_the_laws_of_all_recursions_are_proved_and_a_wrong_one_is_not() -> None:
    for name in ("multiplicative-product", "chained-product", "affine-is-no-factor", "steps-in-blocks"):
        assert derivation(name).verify().verdict == "proved"
    from dataclasses import replace

    wrong = replace(SCHEDULES["geometric"], recursion="e*rho**2").proofs()["geometric-recursion"]
    assert prove(wrong).verdict == "refuted"
    assert "refuted" in VERDICTS


# --- composition ------------------------------------------------------------------------------------------------------


def exact(made: Schedule, t: int, **values: Fraction | int) -> Fraction:
    found = value(made.term, {**{k: Fraction(v) for k, v in values.items()}, "t": Fraction(t)})
    assert isinstance(found, Fraction)
    return found


RATIONAL = [Schedule("1/t"), Schedule("3/(t + 2)", "", 0), Schedule("(1/2)**floor(t/3)", "", 0),
            Schedule("Piecewise((1, t < 4), (1/t**2, True))"), Schedule("1 - mod(t, 5)/10", "", 2)]  # fmt: skip
pairs = st.tuples(st.sampled_from(RATIONAL), st.sampled_from(RATIONAL))
places = st.integers(0, 40)


@given(pairs, places, st.fractions(-3, 3, max_denominator=7))
@settings(deadline=None, max_examples=25)
def test_values_meet_from_the_first_on(both: tuple[Schedule, Schedule], n: int, c: Fraction) -> None:
    a, b = both
    x, y = exact(a, a.start + n), exact(b, b.start + n)
    for made, expected in (
        (a * b, x * y), (a + b, x + y), (a.maximum(b), max(x, y)), (a.minimum(b), min(x, y)), (c * a, c * x),
        (a * c, c * x), (a + c, x + c), (c + a, c + x), (a.maximum(c), max(x, c)),
    ):  # fmt: skip
        assert made.start == a.start
        assert exact(made, a.start + n) == expected
        assert Schedule(made.expression, made.given, made.start) == made
    assert exact(a.shifted(3), a.start + 3 + n) == x


@given(pairs, st.integers(1, 20), places)
@settings(deadline=None, max_examples=30)
def test_then_has_a_clock_of_its_own_and_is_associative(both: tuple[Schedule, Schedule], at: int, n: int) -> None:
    a, b = both
    made = a.then(b, at=a.start + at)
    assert exact(made, a.start + n) == (exact(a, a.start + n) if n < at else exact(b, b.start + n - at))
    three = made.then(a, at=a.start + at + 5)
    other = a.then(b.then(a, at=b.start + 5), at=a.start + at)
    assert exact(three, a.start + n) == exact(other, a.start + n)


@given(st.sampled_from(RATIONAL), st.integers(1, 9), places)
@settings(deadline=None, max_examples=25)
def test_restarts_begin_again(a: Schedule, every: int, n: int) -> None:
    assert exact(a.restarting(every), a.start + n) == exact(a, a.start + n % every)
    growing = schedule(a.restarting(every, growth=2))
    begin, length = 0, every
    while n >= begin + length:
        begin, length = begin + length, 2 * length
    assert growing.exact(a.start + n) == exact(a, a.start + n - begin)


def test_parameters_of_the_second_get_names_of_their_own() -> None:
    row = SCHEDULES["geometric"].schedule()
    twice = row * row
    assert twice.parameters == ("eta0", "rho", "eta1", "rho2")
    assert exact(twice, 2, eta0=1, rho=2, eta1=3, rho2=5) == 4 * 75
    shared = row.times(row, share=["rho"])
    assert shared.parameters == ("eta0", "rho", "eta1")
    assert (twice * row).parameters == ("eta0", "rho", "eta1", "rho2", "eta2", "rho3")
    with pytest.raises(InputError, match="T is not a parameter of both"):
        row.times(row, share=["T"])
    for wrong in (0.1, "1/t", True):
        with pytest.raises(InputError, match="use a Schedule, an integer or a Fraction"):
            row * wrong  # type: ignore[operator]


def test_what_is_composed_is_decided_printed_and_run() -> None:
    warm = SCHEDULES["warmup-constant"].schedule().then(SCHEDULES["inverse-t"].schedule(), at="W")
    assert warm.robbins_monro().robbins_monro.verdict == "holds"
    assert r"\begin{cases}" in warm.to_latex()
    running = numeric.schedule(warm, init=0, peak=1, W=10, eta0=1)
    assert [running.at(t) for t in (0, 5, 10, 11)] == [0.0, 0.5, 1.0, 0.5]
    assert isinstance(running, RunningSchedule)
    assert (2 * Schedule("1/t")).robbins_monro().robbins_monro.verdict == "holds"
    assert (Schedule("1/t") * Schedule("1/t")).robbins_monro().robbins_monro.verdict == "fails"
    assert Schedule("1/t").maximum(Fraction(1, 1000)).robbins_monro().sum_of_squares.verdict == "diverges"
    assert Schedule("1/t").restarting(10).robbins_monro().sum_of_squares.verdict == "diverges"


def test_numbers_for_parameters() -> None:
    made = SCHEDULES["cosine-annealing"].schedule(etamin=0, T=10)
    assert made.expression == "eta0*(1 + cos(pi*t/10))/2"
    assert made.given == "eta0 > 0"
    assert read_schedule(made.expression, made.given)[0] == made.term
    with pytest.raises(InputError, match="there is no parameter q"):
        made.at(q=1)
    with pytest.raises(InputError, match="outside the domain"):
        made.at(eta0=-1)


# --- reduce on plateau ------------------------------------------------------------------------------------------------


def test_plateau_cuts_after_patience_and_rests() -> None:
    rule = numeric.Plateau(factor=Fraction(1, 2), patience=1, cooldown=2, threshold=0)
    state, rates = rule.start(Fraction(1)), []
    for metric in (5, 4, 4, 4, 4, 4, 4, 4, 4):
        state = rule.step(state, metric)
        rates.append(state.rate)
    half = Fraction(1, 2)
    assert rates == [1, 1, 1, half, half, half, half, half / 2, half / 2]


@given(st.lists(st.fractions(-5, 5, max_denominator=8), max_size=30), st.sampled_from(["min", "max"]))
@settings(deadline=None, max_examples=25)
def test_plateau_never_rises_and_mirrors(metrics: list[Fraction], mode: str) -> None:
    rule = numeric.Plateau(mode, factor=Fraction(1, 3), patience=1, least=Fraction(1, 100))
    mirror = numeric.Plateau(
        "max" if mode == "min" else "min", factor=Fraction(1, 3), patience=1, least=Fraction(1, 100)
    )
    state, other = rule.start(Fraction(1)), mirror.start(Fraction(1))
    for metric in metrics:
        after, other = rule.step(state, metric), mirror.step(other, -metric)
        assert Fraction(1, 100) <= after.rate <= state.rate
        assert (after.rate, after.bad) == (other.rate, other.bad)
        state = after


@pytest.mark.parametrize(
    "call",
    [lambda: numeric.Plateau("least"), lambda: numeric.Plateau(factor=1), lambda: numeric.Plateau(patience=-1),
     lambda: numeric.Plateau().start(0), lambda: numeric.Plateau().step(numeric.Plateau().start(1), float("nan"))],
)  # fmt: skip
def test_plateau_refuses_what_makes_no_sense(call: Callable[[], Any]) -> None:
    with pytest.raises(InputError):
        call()

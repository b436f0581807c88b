"""The schedules of torch and optax, step by step: each of their numbers lies in the ball of the formula that they run.

Their formula, or their recursion, is data of tests/peers/schedule_cases.py where it is another one than ours; at 2,000
bits it agrees with ours at every t. Where a package deviates from what it says, the deviation is data, with its id.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numeric
from derive.kernel.terms import Term
from derive.schedules import Schedule
from derive.series.language import read_schedule
from numeric.balls import Ball, arithmetic
from numeric.schedule_terms import ball_system, run
from numeric.schedules import RunningSchedule, schedule

torch = pytest.importorskip("torch", reason="needs the extra `peers`")
jax = pytest.importorskip("jax", reason="needs the extra `peers`")
optax = pytest.importorskip("optax", reason="needs the extra `peers`")
lrs = torch.optim.lr_scheduler


def load() -> Any:
    known = "symstep_schedule_cases"  # the tests are no package
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).resolve().parent / "schedule_cases.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


cases = load()
ETA, TORCH, OPTAX = cases.ETA, cases.TORCH, cases.OPTAX
of_torch, torch_values = cases.of_torch, cases.torch_values


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


# --- the comparison ---------------------------------------------------------------------------------------------------


def reader(case: Any, ours: RunningSchedule) -> tuple[Term, Term]:
    """Their formula or recursion, and its first value, as terms."""
    text = case.closed or case.step or ours.symbolic.expression
    given = f"{ours.symbolic.given}; e real"
    return read_schedule(text, given)[0], read_schedule(case.start if case.step else text, given)[0]


def theirs_enclosed(case: Any, ours: RunningSchedule, count: int, prec: int) -> list[Ball]:
    """Balls of what they compute, of 53 bits for floats, at t = first, first + 1, ..."""
    term, start = reader(case, ours)
    found: list[Ball] = []
    with arithmetic(prec) as balls:
        system = ball_system(balls)
        env = {name: balls.given(value) for name, value in ours.values.items()}
        present = run(start, {**env, "t": balls.given(0)}, system)
        for t in range(count):
            if t and case.step:
                present = run(term, {**env, "t": balls.given(t), "e": present}, system)
            elif not case.step:
                present = run(term, {**env, "t": balls.given(t)}, system)
            found.append(balls.read(present))
    return found


@pytest.mark.parametrize("case", [*TORCH, *OPTAX], ids=lambda case: f"{case.ours}-{dict(case.values)}"[:90])
def test_every_number_of_theirs_is_that_of_their_formula_and_the_formula_is_ours(case: Any) -> None:
    ours, numbers = case.running, case.theirs()
    assert ours.symbolic.start == 0
    for t, (ball, number) in enumerate(zip(theirs_enclosed(case, ours, len(numbers), 53), numbers, strict=True)):
        assert ball.contains(number), (case.ours, t, number, float(ball.midpoint), ball.radius and float(ball.radius))
        # a ball that holds everything would prove nothing
        assert ball.radius is not None
        assert ball.radius <= 1e-9 * max(ETA, abs(ball.midpoint)), (case.ours, t, float(ball.radius))
    for t, ball in enumerate(theirs_enclosed(case, ours, len(numbers), 2000)):
        mine = ours.enclosure(t, 2000)
        assert ball.radius is not None
        assert mine.radius is not None
        assert abs(ball.midpoint - mine.midpoint) <= ball.radius + mine.radius < Fraction(1, 2**1000), (case.ours, t)


def test_every_schedule_of_torch_and_optax_has_a_case() -> None:
    from derive.library.schedules import SCHEDULES

    of_them = {name for name, rule in SCHEDULES.items() if rule.source.startswith(("torch 2.13.0, torch.optim.lr_",
               "torch 2.13.0, torch.optim.swa", "optax"))}  # fmt: skip
    assert of_them == {case.ours for case in [*TORCH, *OPTAX]}
    known = {each for rule in SCHEDULES.values() for each in rule.also}
    classes = {name for name in lrs.__all__ if name not in ("LRScheduler", "ReduceLROnPlateau")}
    assert {f"torch.{name}" for name in classes} <= known | {"torch.SWALR"}
    made = {
        f"optax.{name}"
        for name in dir(optax.schedules)
        if name.endswith(("_schedule", "exponential_decay")) and name[0] != "_"
    }
    assert made - known == {"optax.sgdr_schedule"}  # a composition, below


def test_joined_schedules_are_ours_put_together() -> None:
    warm_up = Schedule("(0 - 1)*(1 - min(t, 5)/5) + 1", "", 0)  # as optax computes it
    cycle = warm_up.then(Schedule("(1 + cos(pi*min(t, 15)/15))/2", "", 0), at=5)
    joined = numeric.schedule(cycle.then(cycle, at=20))
    one = {"init_value": 0.0, "peak_value": 1.0, "warmup_steps": 5, "decay_steps": 20}
    theirs = optax.sgdr_schedule([one, one])
    both = optax.join_schedules([optax.linear_schedule(0.0, 1.0, 4), optax.cosine_decay_schedule(1.0, 8)], [4])
    ours = Schedule("(0 - 1)*(1 - min(t, 4)/4) + 1", "", 0).then(Schedule("(1 + cos(pi*min(t, 8)/8))/2", "", 0), at=4)
    for t in range(60):
        assert joined.enclosure(t).contains(float(theirs(t)))
        assert numeric.schedule(ours).enclosure(t).contains(float(both(t)))


# --- deviations -------------------------------------------------------------------------------------------------------


def raises(make: Callable[[], Any], error: type[Exception]) -> bool:
    try:
        make()
    except error:
        return True
    return False


def refused(name: str, **values: Any) -> bool:
    return raises(lambda: schedule(name, **values), numeric.InputError)


def chained_cosine() -> list[float]:
    return torch_values(lambda o: lrs.ChainedScheduler([
        lrs.CosineAnnealingLR(o, 10, eta_min=0.1), lrs.ExponentialLR(o, 0.9)]), eta0=1.0, count=30)  # fmt: skip


def jumped(epoch: int, **settings: int) -> float:
    """The learning rate after `step(epoch)`."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = lrs.CosineAnnealingWarmRestarts(optimizer, **settings)
    scheduler.step(epoch)
    return float(optimizer.param_groups[0]["lr"])


def flat_metric(value: float, steps: int = 100) -> tuple[float, float]:
    """The learning rate on a metric that never changes: torch's and ours."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler, rule = lrs.ReduceLROnPlateau(optimizer), numeric.Plateau()
    state = rule.start(0.1)
    for _ in range(steps):
        scheduler.step(value)
        state = rule.step(state, value)
    return float(optimizer.param_groups[0]["lr"]), float(state.rate)


# id -> what the package does, and what we do; each a claim that is run
DEVIATIONS: dict[str, tuple[Callable[[], bool], Callable[[], bool]]] = {
    "S1": (  # LinearLR with an empty window keeps the start factor for ever
        lambda: {*of_torch("LinearLR", total_iters=0)()} == {ETA * (1.0 / 3)},
        lambda: refused("linear", T=0),
    ),
    "S2": (  # ConstantLR with an empty window keeps the factor for ever
        lambda: {*of_torch("ConstantLR", factor=0.5, total_iters=0)()} == {ETA * 0.5},
        lambda: schedule("constant-factor", factor=0.5, T=0, eta0=ETA).at(0) == ETA,
    ),
    "S3": (  # a factor of 0 is legal, and divided by
        lambda: raises(of_torch("ConstantLR", factor=0.0, total_iters=5), ZeroDivisionError),
        lambda: schedule("constant-factor", factor=0, T=5, eta0=ETA).at(5) == ETA,
    ),
    "S5": (  # PolynomialLR with an empty window does nothing
        lambda: {*of_torch("PolynomialLR", total_iters=0)()} == {ETA},
        lambda: refused("polynomial", T=0),
    ),
    "S9": (  # cosine annealing is affine: chained, it becomes negative
        lambda: min(chained_cosine()) < -0.02,
        lambda: min(numeric.schedule(
            Schedule("1/10 + 9/10*(1 + cos(pi*t/10))/2", "", 0) * Schedule("(9/10)**t", "", 0)).at(np.arange(30))) > 0,
    ),
    "S19": (  # a restart at a power of T_mult is missed by the logarithm of floats
        lambda: jumped(121, T_0=1, T_mult=3) < 1e-12,
        lambda: schedule("warm-restarts-growing", T=1, M=3, eta0=1).at(121) == 1.0,
    ),
    "S21": (  # eta_min is never attained
        lambda: min(of_torch("CosineAnnealingWarmRestarts", T_0=10)()) > 0.002,
        lambda: min(schedule("warm-restarts", T=10, eta0=ETA).at(np.arange(40))) > 0.002,
    ),
    "S24": (  # max_lr is attained only where pct_start*total_steps is an integer
        lambda: max(of_torch("OneCycleLR", 33, max_lr=0.1, total_steps=33)()) < 0.1,
        lambda: max(schedule("one-cycle", peak=0.1, N=33).at(np.arange(33))) < 0.1,
    ),
    "S25": (  # 1/2**(c - 1) overflows, (1/2)**(c - 1) does not
        lambda: raises(of_torch("CyclicLR", 10300, base_lr=0.001, max_lr=0.1, step_size_up=5, mode="triangular2"),
                       OverflowError),
        lambda: schedule("cyclic-halving", U=5, D=5).at(10_300_000) == 0.001,
    ),
    "S42": (  # alpha of optax is a part of eta0, eta_min of torch is a rate
        lambda: math.isclose(float(optax.cosine_decay_schedule(0.5, 10, 0.1)(10)), 0.05),
        lambda: schedule("cosine-decay", eta0="1/2", T=10, alpha="1/10").exact(10) == Fraction(1, 20)
        and schedule("cosine-annealing", eta0="1/2", T=10, etamin="1/10").exact(10) == Fraction(1, 10),
    ),
    "S50": (  # torch rises again after T, optax stays
        lambda: of_torch("CosineAnnealingLR", T_max=10)()[20] > 0.0999
        and float(optax.cosine_decay_schedule(0.1, 10)(20)) == 0,
        lambda: schedule("cosine-annealing", T=10, eta0="1/10").exact(20) == Fraction(1, 10)
        and schedule("cosine-decay", T=10, eta0="1/10").exact(20) == 0,
    ),
    "O43": (  # the margin of a negative metric has the wrong sign: what stays as it is counts as better
        lambda: flat_metric(-1.0)[0] == 0.1,
        lambda: flat_metric(-1.0)[1] < 1e-6,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_known_deviation_is_still_there_and_ours_is_what_is_said(name: str) -> None:
    theirs, ours = DEVIATIONS[name]
    assert theirs(), f"{name} is mended; take it off the list"
    assert ours()


@pytest.mark.parametrize("settings", [
    {}, {"mode": "max", "patience": 0}, {"factor": 0.5, "patience": 2, "cooldown": 3},
    {"threshold_mode": "abs", "threshold": 0.1, "patience": 1}, {"min_lr": 0.01, "patience": 0},
    {"eps": 0.02, "patience": 0},
])  # fmt: skip
def test_reduce_on_plateau_follows_torch_on_metrics_that_are_not_negative(settings: dict[str, Any]) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = lrs.ReduceLROnPlateau(optimizer, **settings)
    mine = {"least" if key == "min_lr" else key: value for key, value in settings.items() if key != "threshold_mode"}
    rule = numeric.Plateau(**mine, relative="threshold_mode" not in settings)
    state = rule.start(0.1)
    for metric in np.random.default_rng(5).uniform(0, 3, 300):
        scheduler.step(metric)
        state = rule.step(state, float(metric))
        assert state.rate == optimizer.param_groups[0]["lr"]


# --- rates that are seen in their steps -------------------------------------------------------------------------------


def enclosed_rate(made: RunningSchedule, t: int, balls: Any) -> Any:
    return run(made.symbolic.term, {**{n: balls.given(v) for n, v in made.values.items()}, "t": balls.given(t)},
               ball_system(balls))  # fmt: skip


def test_asgd_of_torch_takes_the_rates_of_its_row() -> None:
    w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.ASGD([w], lr=0.5, lambd=0.25, alpha=0.75, t0=1e6)
    made = schedule("torch.ASGD", lr=0.5, lambd=0.25, alpha=0.75)
    for t in range(60):
        # torch keeps the rate as a float32
        assert made.enclosure(t, 24).contains(float(optimizer.state[w]["eta"]) if t else 0.5)
        w.grad = torch.ones(1, dtype=torch.float64)
        optimizer.step()


def test_sgd_of_sklearn_takes_the_rates_of_its_rows() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="needs the extra `peers`")
    plain = {"penalty": None, "fit_intercept": False, "shuffle": False}
    x = 2.0**-10
    regressor = linear_model.SGDRegressor(learning_rate="invscaling", eta0=0.25, power_t=0.25, **plain)
    classifier = linear_model.SGDClassifier(learning_rate="optimal", loss="hinge", alpha=1e-4, **plain)
    by_t = schedule("sklearn.invscaling", eta0=0.25, power_t=0.25)
    begin = 1.0 / (math.sqrt(1.0 / math.sqrt(1e-4)) * 1e-4)
    optimal = schedule("sklearn.optimal", alpha=1e-4, t0=begin)
    with arithmetic(53) as balls:
        w, v = balls.given(0), balls.given(0)
        for t in range(1, 60):
            regressor.partial_fit([[1.0]], [3.0])
            classifier.partial_fit([[x]], [1], classes=[0, 1])
            w = balls.rounded(w + balls.rounded(enclosed_rate(by_t, t, balls) * balls.rounded(3 - w)))
            v = balls.rounded(v + enclosed_rate(optimal, t, balls) * balls.given(x))  # the margin stays below 1
            for ball, model in ((w, regressor), (v, classifier)):
                read = balls.read(ball)
                assert read.radius is not None
                assert read.radius < 1e-10
                assert read.contains(float(model.coef_.ravel()[0])), (t, float(read.midpoint), model.coef_)

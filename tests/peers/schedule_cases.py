"""What torch and optax compute for a schedule, as data: theirs as a function, and the formula or recursion it runs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from derive.schedules import renamed
from numeric.schedules import RunningSchedule, schedule

torch = pytest.importorskip("torch", reason="needs the extra `peers`")
optax = pytest.importorskip("optax", reason="needs the extra `peers`")
lrs = torch.optim.lr_scheduler

ETA = 0.1
LONG = 130


@dataclass(frozen=True)
class Case:
    """A schedule of ours with parameters, theirs, and what theirs computes, if that is not our formula.

    `closed` is a formula in t, or `step` is the value of t in the value `e` of t - 1, begun with `start`.
    """

    ours: str
    theirs: Callable[[], list[float]]
    values: Mapping[str, float] = field(default_factory=dict)
    items: Any = None
    closed: str = ""
    step: str = ""
    start: str = "eta0"
    user: str = ""

    @property
    def running(self) -> RunningSchedule:
        return schedule(self.ours, items=self.items, user=self.user, **self.values)


def torch_values(make: Callable[[Any], Any], eta0: float = ETA, count: int = LONG, **group: float) -> list[float]:
    """The learning rates of the first steps, as a training loop sees them."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=eta0, momentum=0.9)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = make(optimizer)
        for _ in range(count):
            found.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            scheduler.step()
    return found


def of_torch(name: str, count: int = LONG, **settings: Any) -> Callable[[], list[float]]:
    return lambda: torch_values(lambda optimizer: getattr(lrs, name)(optimizer, **settings), count=count)


def of_optax(make: Callable[[], Any], count: int = LONG) -> Callable[[], list[float]]:
    def values() -> list[float]:
        function = make()
        found = np.asarray([function(t) for t in range(count)])
        assert found.dtype == np.float64
        return [float(value) for value in found]

    return values


# --- what torch computes ----------------------------------------------------------------------------------------------

LINEAR = "e*(1 + (b - a)/(T*a + (t - 1)*(b - a)))"
COSINE = "etamin + (eta0 - etamin)*(1 + cos(pi*x))/2"
N = "floor(log(1 + t*(M - 1)/T)/log(M))"
S = "(U + D)"
X = f"(1 + t/{S} - floor(1 + t/{S}))"
HEIGHT = f"Piecewise(({X}/(U/{S}), {X} <= U/{S}), (({X} - 1)/(U/{S} - 1), True))"
WAVE = "(1 - cos(pi*x))/2"


def swa(alpha: str) -> str:
    now, before = renamed(alpha, {"x": "(t/T)"}), renamed(alpha, {"x": "((t - 1)/T)"})
    again = f"(e - ({before})*etaswa)/(1 - ({before}))"
    return f"Piecewise((etaswa*({now}) + {again}*(1 - ({now})), t <= T), (etaswa, True))"


def one_cycle(name: str, **settings: Any) -> Case:
    values = {"N": settings["total_steps"], "pct": settings["pct_start"], "peak": settings["max_lr"]}
    closed = schedule(name, **values).symbolic.expression.replace("peak/(div*fin)", "peak/div/fin")
    return Case(name, of_torch("OneCycleLR", settings["total_steps"], **settings), values, closed=closed)


TORCH = [
    *(Case("step", of_torch("StepLR", step_size=T, gamma=rho), {"T": T, "rho": rho, "eta0": ETA},
           step="Piecewise((e*rho, mod(t, T) = 0), (e, True))")
      for T in (1, 2, 3, 30) for rho in (0.1, 0.5, 1.0, 1.1)),
    *(Case("multi-step", of_torch("MultiStepLR", milestones=list(marks), gamma=0.3), {"rho": 0.3, "eta0": ETA},
           items=[(m,) for m in marks],
           step=f"Piecewise({''.join(f'(e*rho**{marks.count(m)}, t = {m}), ' for m in sorted({*marks}))}(e, True))")
      for marks in ((30, 80), (1, 1, 5), (7,), (3, 2, 100))),
    *(Case("constant-factor", of_torch("ConstantLR", factor=f, total_iters=T), {"factor": f, "T": T, "eta0": ETA},
           step="Piecewise((e*(1/factor), t = T), (e, True))", start="eta0*factor")
      for T in (1, 5, 100) for f in (1 / 3, 0.5, 1.0)),
    *(Case("linear", of_torch("LinearLR", start_factor=a, end_factor=b, total_iters=T),
           {"a": a, "b": b, "T": T, "eta0": ETA}, step=f"Piecewise((e, t > T), ({LINEAR}, True))", start="eta0*a")
      for T in (1, 5, 100) for a, b in ((1 / 3, 1.0), (1.0, 0.1), (1.0, 0.0), (0.5, 0.5))),
    *(Case(name, of_torch(kind, **more), {"rho": rho, "eta0": ETA}, step="e*rho")
      for rho in (0.5, 0.95, 1.0)
      for name, kind, more in (("geometric", "ExponentialLR", {"gamma": rho}),
                               ("multiplicative", "MultiplicativeLR", {"lr_lambda": lambda t, rho=rho: rho}))),
    Case("lambda", of_torch("LambdaLR", lr_lambda=lambda t: 1 / (t + 1)), {"eta0": ETA}),
    Case("lambda", of_torch("LambdaLR", lr_lambda=lambda t: 0.95**t), {"eta0": 0.1}, user="(1/20*19)**t",
         closed="eta0*(19/20)**t"),
    *(Case("polynomial", of_torch("PolynomialLR", power=p, total_iters=T), {"power": p, "T": T, "eta0": ETA},
           step="Piecewise((e, t > T), (e*((1 - t/T)/(1 - (t - 1)/T))**power, True))")
      for T in (1, 5, 100) for p in (1.0, 2.0, 0.5)),
    *(Case("cosine-annealing", of_torch("CosineAnnealingLR", T_max=T, eta_min=low),
           {"T": T, "etamin": low, "eta0": ETA},
           step="Piecewise((e + (eta0 - etamin)*(1 - cos(pi/T))/2, mod(t - 1 - T, 2*T) = 0), "
                "((1 + cos(pi*t/T))/(1 + cos(pi*(t - 1)/T))*(e - etamin) + etamin, True))")
      for T in (2, 3, 10, 100) for low in (0.0, 0.01)),
    *(Case("warm-restarts", of_torch("CosineAnnealingWarmRestarts", T_0=T, eta_min=low),
           {"T": T, "etamin": low, "eta0": ETA})
      for T in (1, 2, 7, 50) for low in (0.0, 0.01)),
    *(Case("warm-restarts-growing", of_torch("CosineAnnealingWarmRestarts", T_0=T, T_mult=M),
           {"T": T, "M": M, "eta0": ETA},
           closed=renamed(COSINE, {"x": f"(t - T*(M**{N} - 1)/(M - 1))/(T*M**{N})"}))
      for T in (1, 2, 10) for M in (2, 3)),
    *(Case(name, of_torch("CyclicLR", base_lr=0.001, max_lr=0.1, step_size_up=up, step_size_down=down, mode=mode,
                          gamma=0.99),
           {"base": 0.001, "peak": 0.1, "U": up, "D": down} | ({"rho": 0.99} if mode == "exp_range" else {}),
           closed=f"base + (peak - base)*{HEIGHT}{scale}")
      for up, down in ((5, 5), (3, 8), (1, 1))
      for name, mode, scale in (("cyclic", "triangular", ""),
                                ("cyclic-halving", "triangular2", f"*(1/2**(floor(1 + t/{S}) - 1))"),
                                ("cyclic-exponential", "exp_range", "*rho**t"))),
    *(one_cycle(name, max_lr=0.1, total_steps=total, pct_start=0.3, anneal_strategy=how, three_phase=three)
      for total in (10, 33, 100)
      for name, how, three in (("one-cycle", "cos", False), ("one-cycle-linear", "linear", False),
                               ("one-cycle-three", "cos", True), ("one-cycle-three-linear", "linear", True))),
    *(Case(name, lambda T=T, how=how: torch_values(
              lambda optimizer: torch.optim.swa_utils.SWALR(optimizer, 0.05, anneal_epochs=T, anneal_strategy=how)),
           {"T": T, "etaswa": 0.05, "eta0": ETA}, step=swa(alpha))
      for T in (1, 10, 50) for name, how, alpha in (("swa", "cos", WAVE), ("swa-linear", "linear", "x"))),
    Case("sequential", lambda: torch_values(lambda o: lrs.SequentialLR(o, [
            lrs.LinearLR(o, start_factor=1 / 3, total_iters=5), lrs.ExponentialLR(o, 0.95)], milestones=[5])),
         {"a": 1 / 3, "W": 5, "rho": 0.95, "eta0": ETA}, start="eta0*a",
         step=f"Piecewise(({renamed(LINEAR, {'T': 'W', 'b': '1'})}, t < W), (eta0, t = W), (e*rho, True))"),
    Case("chained", lambda: torch_values(lambda o: lrs.ChainedScheduler([
            lrs.LinearLR(o, start_factor=1 / 3, total_iters=5), lrs.ExponentialLR(o, 0.95)])),
         {"a": 1 / 3, "W": 5, "rho": 0.95, "eta0": ETA}, start="eta0*a",
         step=f"Piecewise((e*rho, t > W), ({renamed(LINEAR, {'T': 'W', 'b': '1'})}*rho, True))"),
]  # fmt: skip

# --- what optax computes ----------------------------------------------------------------------------------------------

LINES = ("Piecewise(((eta0*f1 - eta0)*(t/b1) + eta0, t < b1), ((eta0*f1*f2 - eta0*f1)*((t - b1)/(b2 - b1)) + eta0*f1, "
         "t < b2), (eta0*f1*f2, True))")  # fmt: skip
WAVES = ("Piecewise((eta0*f1 + (eta0 - eta0*f1)/2*(cos(pi*(t/b1)) + 1), t < b1), (eta0*f1*f2 + (eta0*f1 - eta0*f1*f2)/2"
         "*(cos(pi*((t - b1)/(b2 - b1))) + 1), t < b2), (eta0*f1*f2, True))")  # fmt: skip
POLYNOMIAL = "(eta0 - etaend)*(1 - min(max(t - B, 0), T)/T)**power + etaend"
WARM_UP = "(init - peak)*(1 - min(t, W)/W) + peak"
ONE_CYCLE = {"N": 100, "peak": 0.1, "pct": 0.25}


def two(closed: str) -> str:
    """The formula between two boundaries for the two half waves of one cycle."""
    return renamed(closed, {"eta0": "(peak/div)", "b1": "25", "f1": "div", "b2": "N", "f2": "(1/(div*fin))"})


OPTAX = [
    Case("constant", lambda: [optax.constant_schedule(0.1)(t) for t in range(9)], {"eta0": 0.1}),
    *(Case("polynomial-decay",
           of_optax(lambda p=p, T=T, B=B: optax.polynomial_schedule(0.1, 0.01, p, T, B)),
           {"eta0": 0.1, "etaend": 0.01, "power": p, "T": T, "B": B}, closed=POLYNOMIAL)
      for p in (1.0, 2.0, 0.5) for T, B in ((1, 0), (50, 0), (50, 7))),
    Case("polynomial-decay", of_optax(lambda: optax.linear_schedule(0.1, 0.0, 40, 3)),
         {"eta0": 0.1, "etaend": 0.0, "T": 40, "B": 3}, closed=POLYNOMIAL),
    Case("piecewise-constant", of_optax(lambda: optax.piecewise_constant_schedule(0.1, {50: 0.3, 100: 0.7, 0: 0.5})),
         {"eta0": 0.1}, items=[(0, 0.5), (50, 0.3), (100, 0.7)], closed="eta0*Piecewise((f1, t >= b1), (1, True))"
         "*Piecewise((f2, t >= b2), (1, True))*Piecewise((f3, t >= b3), (1, True))"),
    Case("piecewise-linear", of_optax(lambda: optax.piecewise_interpolate_schedule("linear", 0.1, {50: 0.3, 100: 0.7})),
         {"eta0": 0.1}, items=[(50, 0.3), (100, 0.7)], closed=LINES),
    Case("piecewise-cosine", of_optax(lambda: optax.piecewise_interpolate_schedule("cosine", 0.1, {50: 0.3, 100: 0.7})),
         {"eta0": 0.1}, items=[(50, 0.3), (100, 0.7)], closed=WAVES),
    *(Case("exponential-staircase" if stairs else "exponential-decay",
           of_optax(lambda T=T, B=B, stairs=stairs: optax.exponential_decay(0.1, T, 0.9, B, stairs)),
           {"eta0": 0.1, "rho": 0.9, "T": T, "B": B})
      for T, B in ((1, 0), (10, 0), (10, 7)) for stairs in (False, True)),
    Case("exponential-bounded", of_optax(lambda: optax.exponential_decay(0.1, 10, 0.9, 3, False, 0.02)),
         {"eta0": 0.1, "rho": 0.9, "T": 10, "B": 3, "etaend": 0.02}),
    *(Case("cosine-decay", of_optax(lambda T=T, a=a, p=p: optax.cosine_decay_schedule(0.1, T, a, p)),
           {"eta0": 0.1, "T": T, "alpha": a, "power": p})
      for T in (1, 100) for a in (0.0, 0.1, 1.0) for p in (1.0, 2.0)),
    Case("linear-one-cycle", of_optax(lambda: optax.linear_onecycle_schedule(100, 0.1, 0.25, 0.75)),
         {**ONE_CYCLE, "part": 0.75},
         closed="Piecewise(((i*div - i)*(t/25) + i, t < 25), ((i*div*(1/div) - i*div)*((t - 25)/50) + i*div, t < 75), "
         "((i*div*(1/div)*(1/fin) - i*div*(1/div))*((t - 75)/25) + i*div*(1/div), t < 100), "
         "(i*div*(1/div)*(1/fin), True))".replace("(i", "(peak/div").replace(" i", " (peak/div)")),
    Case("cosine-one-cycle", of_optax(lambda: optax.cosine_onecycle_schedule(100, 0.1, 0.25)), ONE_CYCLE,
         closed=two(WAVES)),
    Case("warmup-constant", of_optax(lambda: optax.warmup_constant_schedule(0.0, 0.1, 10)), {"peak": 0.1, "W": 10},
         closed=WARM_UP),
    Case("warmup-cosine", of_optax(lambda: optax.warmup_cosine_decay_schedule(0.01, 0.1, 10, 60, 0.02)),
         {"init": 0.01, "peak": 0.1, "W": 10, "T": 50, "alpha": 0.02 / 0.1},
         closed=f"Piecewise(({WARM_UP}, t < W), (peak*((1 - alpha)*((1 + cos(pi*min(t - W, T)/T))/2)**power + alpha), "
                "True))"),
    Case("warmup-exponential", of_optax(lambda: optax.warmup_exponential_decay_schedule(0.01, 0.1, 10, 20, 0.5)),
         {"init": 0.01, "peak": 0.1, "W": 10, "T": 20, "rho": 0.5},
         closed=f"Piecewise(({WARM_UP}, t < W), (peak*rho**((t - W)/T), True))"),
]  # fmt: skip

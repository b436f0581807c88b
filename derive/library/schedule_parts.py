"""What the rows of schedules share: parameters, pieces of formulas, and what is repeated."""

from __future__ import annotations

from derive.derivation import Text
from derive.schedule_rule import Repeated
from derive.schedules import renamed
from derive.update_rule import Hyperparameter

TORCH = "torch 2.13.0, torch.optim.lr_scheduler"
OPTAX = "optax 0.2.8, optax"
KERAS = "Keras 3, keras.optimizers.schedules"
SGDR = "Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017"
ONECYCLE = "Smith and Topin, Super-Convergence, 2018"

# --- parameters -----------------------------------------------------------------------------------------------------


def rate(default: str = "0.1", *aliases: str) -> Hyperparameter:
    meaning = Text("initial learning rate", "처음 학습률")
    return Hyperparameter("eta0", default, "eta0 > 0", meaning, ("lr", "initial_lr", "init_value", *aliases))


def steps(default: str, *aliases: str, name: str = "T", least: int = 1) -> Hyperparameter:
    return Hyperparameter(name, default, f"{name} integer >= {least}", Text("number of steps", "걸음 수"), aliases)


def factor(default: str, *aliases: str) -> Hyperparameter:
    return Hyperparameter("rho", default, "rho > 0", Text("factor", "배율"), ("gamma", *aliases))


def power(default: str, *aliases: str, name: str = "power") -> Hyperparameter:
    return Hyperparameter(name, default, f"{name} >= 0", Text("exponent", "지수"), aliases)


def end(default: str = "0", *aliases: str) -> Hyperparameter:
    return Hyperparameter("etaend", default, "etaend >= 0", Text("final learning rate", "마지막 학습률"), aliases)


def low(default: str = "0") -> Hyperparameter:
    meaning = Text("smallest learning rate", "가장 작은 학습률")
    return Hyperparameter("etamin", default, "etamin >= 0", meaning, ("eta_min",))


def alpha(default: str = "0") -> Hyperparameter:
    meaning = Text("what is left at the end, as a part of eta0", "마지막에 남는 eta0 의 비율")
    return Hyperparameter("alpha", default, "0 <= alpha <= 1", meaning)


def warm(default: str = "10", least: int = 1) -> Hyperparameter:
    meaning = Text("steps of the warm-up", "워밍업 걸음 수")
    return Hyperparameter("W", default, f"W integer >= {least}", meaning, ("warmup_steps", "warmup"))


INIT = Hyperparameter(
    "init", "0", "init >= 0", Text("learning rate before the warm-up", "워밍업 전의 학습률"), ("init_value",)
)
PEAK = Hyperparameter(
    "peak", "0.1", "peak > 0", Text("largest learning rate", "가장 큰 학습률"), ("peak_value", "max_lr")
)
DIV = Hyperparameter(
    "div", "25", "div >= 1", Text("peak divided by the first value", "최대값 나누기 첫 값"), ("div_factor",)
)
FINAL = Hyperparameter(
    "fin", "10000", "fin >= 1", Text("first value divided by the last", "첫 값 나누기 마지막 값"), ("final_div_factor",)
)
SPLIT = Hyperparameter(
    "pct",
    "0.3",
    "0 < pct <= 1",
    Text("part of the steps with a rising rate", "학습률이 오르는 걸음의 비율"),
    ("pct_start",),
)
TOTAL = Hyperparameter(
    "N", "100", "N integer >= 2", Text("number of all steps", "모든 걸음의 수"), ("total_steps", "transition_steps")
)
BEGIN = Hyperparameter(
    "B", "0", "B integer >= 0", Text("steps before the decay", "감소하기 전의 걸음 수"), ("transition_begin",)
)

# --- formulas that others are made of -------------------------------------------------------------------------------

COSINE = "etamin + (eta0 - etamin)*(1 + cos(pi*t/T))/2"
COSINE_DECAY = "eta0*((1 - alpha)*((1 + cos(pi*min(t, T)/T))/2)**power + alpha)"
POLYNOMIAL = "etaend + (eta0 - etaend)*(1 - min(max(t - B, 0), T)/T)**power"
DECAY = "Piecewise((eta0, t <= B), (eta0*rho**((t - B)/T), True))"
STAIRS = "Piecewise((eta0, t <= B), (eta0*rho**floor((t - B)/T), True))"
TRIANGLE = "min(mod(t, U + D)/U, (U + D - mod(t, U + D))/D)"
CYCLE = "floor(log(1 + t*(M - 1)/T)/log(M))"  # number of the restart, where each cycle is M times as long
PHASE = f"((1 + t*(M - 1)/T)/M**{CYCLE} - 1)/(M - 1)"  # from 0 to 1 within a cycle
BETWEEN = "max(0, min(1, (t - beforeb)/(b - beforeb)))"


def placed(text: str, **places: str) -> str:
    """A formula with formulas for some of its names."""
    return renamed(text, {name: f"({place})" for name, place in places.items()})


def then(first: str, at: str, second: str) -> str:
    """One formula until `at`, then another one from its own beginning."""
    return f"Piecewise(({first}, t < {at}), ({placed(second, t=f't - {at}')}, True))"


def phase(start: str, end: str, begin: str, until: str, wave: bool) -> str:
    """From one value to another, on a line or half a wave of the cosine."""
    done = f"(t - ({begin}))/(({until}) - ({begin}))" if begin != "0" else f"t/({until})"
    if wave:
        return f"({end}) + (({start}) - ({end}))/2*(1 + cos(pi*({done})))"
    return f"({start}) + (({end}) - ({start}))*({done})"


WARM_UP = "init + (peak - init)*min(t, W)/W"
JUMPS = Repeated(
    ("b", "f"), (("50", "0.1"), ("100", "0.1")), "Piecewise((f, t >= b), (1, True))", "b integer >= 0; f >= 0",
    Text("from step b on times f", "b 걸음부터 f 배"),
)  # fmt: skip
RAMP = Repeated(
    ("b", "f"), (("50", "0.1"), ("100", "0.1")), f"(1 + (f - 1)*{BETWEEN})", "b integer >= 1; f >= 0",
    Text("at step b times f, and on a line until there", "b 걸음에서 f 배, 그때까지는 직선"), first=(("b", "0"),),
    rising="b",
)  # fmt: skip
WAVES = Repeated(
    ("b", "f"), (("50", "0.1"), ("100", "0.1")), f"(1 + (f - 1)*(1 - cos(pi*{BETWEEN}))/2)", "b integer >= 1; f >= 0",
    Text("at step b times f, and on half a wave until there", "b 걸음에서 f 배, 그때까지는 코사인 반파"),
    first=(("b", "0"),), rising="b",
)  # fmt: skip
MILESTONES = Repeated(
    ("m",), (("30",), ("80",)), "Piecewise((rho, t >= m), (1, True))", "m integer >= 0", Text("milestones", "이정표")
)
VALUES = Repeated(
    ("b", "v"), (("50", "0.1"), ("100", "0.01")), "(v, t <= b)", "b integer >= 0; v >= 0",
    Text("v until step b, both included", "b 걸음까지 (b 포함) v"), ", ", "Piecewise({}, (etaend, True))", rising="b",
)  # fmt: skip
ENDS_AT_T = Text("constant after T", "T 뒤로는 일정")
PERIODIC = Text("periodic with 2*T", "주기 2*T")
ENDS_AT_N = Text("constant after the last step, N - 1", "마지막 걸음 N - 1 뒤로는 일정")

"""The schedules of torch: t is `last_epoch`, 0 at the first step."""

from __future__ import annotations

from derive.derivation import Text
from derive.library.schedule_parts import (
    COSINE,
    DIV,
    ENDS_AT_N,
    ENDS_AT_T,
    FINAL,
    MILESTONES,
    ONECYCLE,
    PEAK,
    PERIODIC,
    PHASE,
    SGDR,
    SPLIT,
    TORCH,
    TOTAL,
    TRIANGLE,
    factor,
    low,
    phase,
    placed,
    power,
    rate,
    steps,
    then,
    warm,
)
from derive.schedule_rule import ScheduleRule, Window
from derive.update_rule import Hyperparameter


def _one_cycle(name: str, title: Text, three: bool, wave: bool) -> ScheduleRule:
    start, low = "peak/div", "peak/(div*fin)"
    first, second = "pct*N - 1", "2*pct*N - 2"
    last = phase("peak" if not three else start, low, second if three else first, "N - 1", wave)
    last = f"({placed(last, t='min(t, N - 1)')}, True)"
    pieces = [f"({phase(start, 'peak', '0', first, wave)}, t <= {first})"]
    pieces += [f"({phase('peak', start, first, second, wave)}, t <= {second})"] if three else []
    domain = "pct*N > 1; 2*pct*N - 2 < N - 1" if three else "pct*N > 1; pct < 1"
    return ScheduleRule(
        name, title, f"Piecewise({', '.join([*pieces, last])})",
        (PEAK, Hyperparameter("N", "100", f"N integer >= 2; {domain}", TOTAL.meaning, TOTAL.aliases), SPLIT, DIV,
        FINAL),
        0, f"{TORCH}.OneCycleLR; {ONECYCLE}", ("torch.OneCycleLR",) if wave and not three else (), horizon=ENDS_AT_N,
        note=Text(
            "torch refuses more than N steps; here the last value stays; it attains peak only if pct*N is an integer",
            "torch 는 N 걸음 뒤를 거절하고, 여기서는 마지막 값이 유지된다; 최대값은 pct*N 이 정수일 때만 나온다",
        ),
    )  # fmt: skip


ROWS = (
    ScheduleRule(
        "lambda", Text("A function of the user", "사용자가 주는 함수"),
        "eta0*lam",
        (rate(),),
        first=0, source=f"{TORCH}.LambdaLR", also=("torch.LambdaLR",),
        user=Hyperparameter("lam", "1/(t + 1)", "", Text("a formula in t", "t 의 식"), ("lr_lambda",)),
    ),
    ScheduleRule(
        "multiplicative", Text("A constant factor", "일정한 배율"),
        "eta0*rho**t",
        (rate(), factor("0.95", "lr_lambda")),
        first=0, source=f"{TORCH}.MultiplicativeLR with a constant function", also=("torch.MultiplicativeLR",),
        recursion="e*rho",
        note=Text(
            "for another function l, eta_t is eta0 times l(1), ..., l(t): multiplicative-product",
            "다른 함수 l 이면 eta_t 는 eta0 곱하기 l(1), ..., l(t): multiplicative-product",
        ),
    ),
    ScheduleRule(
        "step", Text("Step decay", "계단식 감소"),
        "eta0*rho**floor(t/T)",
        (rate(), factor("0.1"), steps("30", "step_size")),
        first=0, source=f"{TORCH}.StepLR", also=("torch.StepLR",),
        recursion="Piecewise((e*rho, mod(t + 1, T) = 0), (e, True))",
        windows=(
            Window(
                Text(
                    "where T divides t + 1, floor((t + 1)/T) = floor(t/T) + 1",
                    "T 가 t + 1 을 나누면 floor((t + 1)/T) = floor(t/T) + 1",
                ),
                "n integer >= 0", "e*rho", (("floor((t + 1)/T)", "n + 1"), ("floor(t/T)", "n")),
            ),
            Window(
                Text("elsewhere floor((t + 1)/T) = floor(t/T)", "그 밖에서는 floor((t + 1)/T) = floor(t/T)"),
                "n integer >= 0", "e", (("floor((t + 1)/T)", "n"), ("floor(t/T)", "n")),
            ),
        ),
    ),
    ScheduleRule(
        "multi-step", Text("Decay at milestones", "이정표에서 감소"),
        "eta0*{}",
        (rate(), factor("0.1")),
        first=0, source=f"{TORCH}.MultiStepLR", also=("torch.MultiStepLR",),
        repeated=MILESTONES,
        horizon=Text("constant after the last milestone", "마지막 이정표 뒤로는 일정"),
        note=Text("a milestone that is there twice counts twice", "두 번 적은 이정표는 두 번 센다"),
    ),
    ScheduleRule(
        "constant-factor", Text("A factor at the beginning", "처음에만 곱하는 배율"),
        "Piecewise((eta0*factor, t < T), (eta0, True))",
        (
            rate(), Hyperparameter("factor", "1/3", "0 <= factor <= 1", Text("factor", "배율")),
            steps("5", "total_iters", least=0),
        ),
        first=0, source=f"{TORCH}.ConstantLR", also=("torch.ConstantLR",),
        recursion="Piecewise((e/factor, t + 1 = T), (e, True))",
        windows=(
            Window(
                Text("at t + 1 = T, for a factor that is not 0", "t + 1 = T 에서, 배율이 0 이 아닐 때"), "factor > 0",
                "e/factor",
                (
                    ("Piecewise((eta0*factor, (t + 1) < T), (eta0, True))", "eta0"),
                    ("Piecewise((eta0*factor, t < T), (eta0, True))", "eta0*factor"),
                ),
            ),
        ),
        horizon=ENDS_AT_T,
        note=Text(
            "torch's recursion divides by the factor: 0 is an error at T",
            "torch 의 점화식은 factor 로 나누므로 0 이면 T 에서 오류",
        ),
    ),
    ScheduleRule(
        "linear", Text("Linear", "선형"),
        "eta0*(a + (b - a)*min(t, T)/T)",
        (
            rate(), Hyperparameter("a", "1/3", "a >= 0", Text("first factor", "처음 배율"), ("start_factor",)),
            Hyperparameter("b", "1", "b >= 0", Text("last factor", "마지막 배율"), ("end_factor",)),
            steps("5", "total_iters"),
        ),
        first=0, source=f"{TORCH}.LinearLR", also=("torch.LinearLR",),
        recursion="e + eta0*(b - a)*(min(t + 1, T) - min(t, T))/T",
        horizon=ENDS_AT_T,
    ),
    ScheduleRule(
        "geometric", Text("Exponential", "지수"),
        "eta0*rho**t",
        (rate(), factor("0.95")),
        first=0, source=f"{TORCH}.ExponentialLR", also=("torch.ExponentialLR",),
        recursion="e*rho",
    ),
    ScheduleRule(
        "polynomial", Text("Polynomial", "다항식"),
        "eta0*(1 - min(t, T)/T)**power",
        (rate(), power("1"), steps("5", "total_iters")),
        first=0, source=f"{TORCH}.PolynomialLR", also=("torch.PolynomialLR",),
        recursion="Piecewise((e*((T - t - 1)/(T - t))**power, t < T), (e, True))",
        windows=(
            Window(
                Text("before T - 1", "T - 1 전에"), "t integer >= 0; t + 1 < T", "e*((T - t - 1)/(T - t))**power",
                (("min((t + 1), T)", "t + 1"), ("min(t, T)", "t")),
            ),
        ),
        horizon=Text("0 after T, for power > 0", "T 뒤로는 0 (power > 0)"),
    ),
    ScheduleRule(
        "cosine-annealing", Text("Cosine annealing", "코사인 어닐링"),
        COSINE,
        (rate(), steps("100", "T_max"), low()),
        first=0, source=f"{TORCH}.CosineAnnealingLR; {SGDR}, eq. (5)", also=("torch.CosineAnnealingLR",),
        recursion="etamin + (e - etamin)*(1 + cos(pi*(t + 1)/T))/(1 + cos(pi*t/T))",
        windows=(
            Window(
                Text(
                    "u = cos(pi*t/T), v = cos(pi*(t + 1)/T), where u is not -1",
                    "u = cos(pi*t/T), v = cos(pi*(t + 1)/T), u 가 -1 이 아닐 때",
                ),
                "u, v real; u > -1", "etamin + (e - etamin)*(1 + cos(pi*(t + 1)/T))/(1 + cos(pi*t/T))",
                (("cos(pi*(t + 1)/T)", "v"), ("cos(pi*t/T)", "u")),
            ),
        ),
        horizon=PERIODIC,
        note=Text(
            "it rises again after T; at t = T the recursion divides by 0 and torch uses another one",
            "T 뒤로는 다시 오른다; t = T 에서는 점화식의 분모가 0이라 torch 는 다른 식을 쓴다",
        ),
    ),
    ScheduleRule(
        "warm-restarts", Text("Cosine annealing with warm restarts", "웜 리스타트가 있는 코사인 어닐링"),
        placed(COSINE, t="mod(t, T)"),
        (rate(), steps("10", "T_0"), low()),
        first=0, source=f"{TORCH}.CosineAnnealingWarmRestarts, T_mult=1; {SGDR}, eq. (5)",
        also=("torch.CosineAnnealingWarmRestarts",),
        horizon=Text("periodic with T", "주기 T"),
    ),
    ScheduleRule(
        "warm-restarts-growing", Text("Warm restarts, each cycle longer", "주기가 길어지는 웜 리스타트"),
        placed(COSINE, t=f"T*{PHASE}"),
        (
            rate(), steps("10", "T_0"), low(),
            Hyperparameter("M", "2", "M integer >= 2", Text("growth of the cycles", "주기의 배율"), ("T_mult",)),
        ),
        first=0, source=f"{TORCH}.CosineAnnealingWarmRestarts, T_mult>1; {SGDR}, eq. (5)",
        horizon=Text("cycle n begins at T*(M**n - 1)/(M - 1)", "n 번째 주기는 T*(M**n - 1)/(M - 1) 에서 시작"),
    ),
    *(
        ScheduleRule(
            name, title,
            f"base + (peak - base)*{TRIANGLE}{more}",
            (
                Hyperparameter(
                    "base", "0.001", "base >= 0", Text("smallest learning rate", "가장 작은 학습률"), ("base_lr",),
                ),
                Hyperparameter(
                    "peak", "0.1", "peak >= base", Text("largest learning rate", "가장 큰 학습률"), ("max_lr",),
                ),
                steps("2000", "step_size_up", name="U"), steps("2000", "step_size_down", name="D"), *extra,
            ),
            first=0,
            source=f"{TORCH}.CyclicLR, '{mode}'; Smith, Cyclical Learning Rates for Training Neural Networks, 2017",
            also=also,
            horizon=Text("periodic with U + D", "주기 U + D") if not more else Text(),
        )
        for name, title, mode, more, extra, also in (
            ("cyclic", Text("Cyclic, triangular", "순환, 삼각형"), "triangular", "", (), ("torch.CyclicLR",)),
            (
                "cyclic-halving", Text("Cyclic, each cycle half as high", "순환, 주기마다 절반"), "triangular2",
                "*(1/2)**floor(t/(U + D))", (), (),
            ),
            (
                "cyclic-exponential", Text("Cyclic, fading exponentially", "순환, 지수로 감소"), "exp_range", "*rho**t",
                (factor("0.9999"),), (),
            ),
        )
    ),
    _one_cycle(
        "one-cycle",
        Text("One cycle", "한 주기"),
        False,
        True,
    ),
    _one_cycle(
        "one-cycle-linear",
        Text("One cycle of lines", "직선으로 된 한 주기"),
        False,
        False,
    ),
    _one_cycle(
        "one-cycle-three",
        Text("One cycle in three phases", "세 단계의 한 주기"),
        True,
        True,
    ),
    _one_cycle(
        "one-cycle-three-linear",
        Text("One cycle of three lines", "세 직선의 한 주기"),
        True,
        False,
    ),
    *(
        ScheduleRule(
            name, title,
            f"etaswa + (eta0 - etaswa)*(1 - {alpha})",
            (
                rate(),
                Hyperparameter(
                    "etaswa", "0.05", "etaswa >= 0", Text("rate of the averaging", "평균을 낼 때의 학습률"),
                    ("swa_lr",),
                ),
                steps("10", "anneal_epochs"),
            ),
            first=0, source=f"torch 2.13.0, torch.optim.swa_utils.SWALR, anneal_strategy='{strategy}'", also=also,
            horizon=ENDS_AT_T,
        )
        for name, title, alpha, strategy, also in (
            (
                "swa", Text("Towards the rate of averaging", "SWA 학습률로"), "(1 - cos(pi*min(t, T)/T))/2", "cos",
                ("torch.SWALR",),
            ),
            (
                "swa-linear", Text("Towards the rate of averaging, on a line", "SWA 학습률로, 직선"), "min(t, T)/T",
                "linear", (),
            ),
        )
    ),
    ScheduleRule(
        "sequential",
        Text("One schedule after another: warm-up, then exponential", "스케줄 이어 붙이기: 워밍업 뒤 지수"),
        then("eta0*(a + (1 - a)*min(t, W)/W)", "W", "eta0*rho**t"),
        (
            rate(), Hyperparameter("a", "1/3", "a >= 0", Text("first factor", "처음 배율"), ("start_factor",)),
            warm("5"), factor("0.95"),
        ),
        first=0, source=f"{TORCH}.SequentialLR of LinearLR and ExponentialLR", also=("torch.SequentialLR",),
        note=Text("any two: Schedule.then", "아무 둘이나: Schedule.then"),
    ),
    ScheduleRule(
        "chained", Text("A product of schedules: warm-up times exponential", "스케줄의 곱: 워밍업 곱하기 지수"),
        "eta0*(a + (1 - a)*min(t, W)/W)*rho**t",
        (
            rate(), Hyperparameter("a", "1/3", "a >= 0", Text("first factor", "처음 배율"), ("start_factor",)),
            warm("5"), factor("0.95"),
        ),
        first=0, source=f"{TORCH}.ChainedScheduler of LinearLR and ExponentialLR", also=("torch.ChainedScheduler",),
        note=Text(
            "any that only multiply: Schedule.times; cosine annealing is affine and does not belong here",
            "곱하기만 하는 것은 무엇이든: Schedule.times; 코사인 어닐링은 아핀이라 해당하지 않는다",
        ),
    ),
)  # fmt: skip

"""Schedules that decay like a power of t: the lecture's, and those of papers and of scikit-learn."""

from __future__ import annotations

from derive.derivation import Text
from derive.library.schedule_parts import (
    KERAS,
    OPTAX,
    PEAK,
    rate,
    steps,
    warm,
)
from derive.schedule_rule import ScheduleRule
from derive.update_rule import Hyperparameter

ROWS = (
    ScheduleRule(
        "inverse-t", Text("One over t", "t 분의 1"),
        "eta0/t",
        (rate("1"),),
        first=1,
        source="Lecture 03, Learning rate Scheduling; Robbins and Monro, A Stochastic Approximation Method, 1951",
        recursion="e*t/(t + 1)", initial="eta0",
    ),
    ScheduleRule(
        "power", Text("A power of t", "t 의 거듭제곱"),
        "eta0/t**p",
        (rate("1"), Hyperparameter("p", "0.75", "p real", Text("exponent", "지수"))),
        first=1, source="Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992",
        recursion="e*(t/(t + 1))**p", initial="eta0",
    ),
    ScheduleRule(
        "constant", Text("Constant", "상수"),
        "eta0",
        (rate("0.1", "value"),),
        first=0, source=f"{OPTAX}.constant_schedule", also=("optax.constant_schedule",),
        recursion="e",
        horizon=Text("constant", "상수"),
    ),
    ScheduleRule(
        "inverse-sqrt", Text("One over the root of t", "t 의 제곱근 분의 1"),
        "eta0/sqrt(t)",
        (rate("1"),),
        first=1, source="Zinkevich, Online Convex Programming and Generalized Infinitesimal Gradient Ascent, 2003",
        recursion="e*sqrt(t/(t + 1))", initial="eta0",
    ),
    ScheduleRule(
        "inverse-time", Text("Inverse time decay", "역시간 감소"),
        "eta0/(1 + k*t/T)",
        (
            rate("0.1", "initial_learning_rate"),
            Hyperparameter("k", "0.5", "k >= 0", Text("rate of the decay", "감소율"), ("decay_rate",)),
            steps("10", "decay_steps"),
        ),
        first=0, source=f"{KERAS}.InverseTimeDecay", also=("keras.InverseTimeDecay",),
        recursion="e*(1 + k*t/T)/(1 + k*(t + 1)/T)",
    ),
    ScheduleRule(
        "inverse-time-staircase", Text("Inverse time decay in steps", "계단식 역시간 감소"),
        "eta0/(1 + k*floor(t/T))",
        (
            rate("0.1", "initial_learning_rate"),
            Hyperparameter("k", "0.5", "k >= 0", Text("rate of the decay", "감소율"), ("decay_rate",)),
            steps("10", "decay_steps"),
        ),
        first=0, source=f"{KERAS}.InverseTimeDecay, staircase=True",
    ),
    ScheduleRule(
        "invscaling", Text("Inverse scaling", "역스케일링"),
        "eta0/t**p",
        (rate("0.01"), Hyperparameter("p", "0.25", "p real", Text("exponent", "지수"), ("power_t",))),
        first=1, source="scikit-learn 1.9.1, SGDRegressor, learning_rate='invscaling', the default",
        also=("sklearn.invscaling",),
        recursion="e*(t/(t + 1))**p", initial="eta0",
    ),
    ScheduleRule(
        "optimal", Text("Bottou's rate", "보투의 학습률"),
        "1/(alpha*(t0 + t - 1))",
        (
            Hyperparameter("alpha", "0.0001", "alpha > 0", Text("weight of the penalty", "벌점의 가중치")),
            Hyperparameter("t0", "1000", "t0 > 0", Text("where the clock begins", "t 의 시작점"), ("optimal_init",)),
        ),
        first=1,
        source="scikit-learn 1.9.1, SGDClassifier, 'optimal'; Bottou, Stochastic Gradient Descent Tricks, 2012",
        also=("sklearn.optimal",),
        recursion="e*(t0 + t - 1)/(t0 + t)",
        note=Text(
            "scikit-learn finds t0 from alpha and the loss: 1/(alpha*eta1), eta1 = sqrt(1/sqrt(alpha))/max(1, |slope|)",
            "t0 는 alpha 와 손실에서 계산된다: 1/(alpha*eta1), eta1 = sqrt(1/sqrt(alpha))/max(1, |기울기|)",
        ),
    ),
    ScheduleRule(
        "asgd-rate", Text("The rate of averaged SGD", "평균 SGD 의 학습률"),
        "eta0/(1 + lam*eta0*t)**alpha",
        (
            rate("0.01"), Hyperparameter("lam", "0.0001", "lam >= 0", Text("weight decay", "가중치 감쇠"), ("lambd",)),
            Hyperparameter("alpha", "0.75", "alpha >= 0", Text("exponent", "지수")),
        ),
        first=0, source="torch 2.13.0, torch.optim.ASGD", also=("torch.ASGD",),
        recursion="e*((1 + lam*eta0*t)/(1 + lam*eta0*(t + 1)))**alpha",
        note=Text(
            "the first step has eta0: torch computes the rate after a step",
            "첫 걸음은 eta0: torch 는 걸음 뒤에 학습률을 계산한다",
        ),
    ),
    ScheduleRule(
        "noam", Text("Noam", "Noam"),
        "c/sqrt(d)*min(1/sqrt(t), t/W**(3/2))",
        (
            Hyperparameter("c", "1", "c > 0", Text("factor", "배율"), ("factor",)),
            Hyperparameter("d", "512", "d > 0", Text("width of the model", "모델의 너비"), ("model_size",)),
            warm("4000"),
        ),
        first=1, source="Vaswani et al., Attention Is All You Need, 2017, eq. (3)",
    ),
    ScheduleRule(
        "warmup-inverse-sqrt", Text("Warm-up, then one over the root", "워밍업 뒤 제곱근 분의 1"),
        "Piecewise((peak*t/W, t < W), (peak*sqrt(W/t), True))",
        (PEAK, warm()),
        first=0, source="transformers, get_inverse_sqrt_schedule with timescale = num_warmup_steps",
        note=Text("the first step has rate 0", "첫 걸음의 학습률은 0"),
    ),
    ScheduleRule(
        "halving", Text("Halved at the powers of two", "2의 거듭제곱마다 절반"),
        "eta0*(1/2)**floor(log(t)/log(2))",
        (rate("1"),),
        first=1, source="Cauchy's condensation test: Knopp, Theory and Application of Infinite Series, 1951",
        note=Text("eta0/t <= eta_t < 2*eta0/t", "eta0/t <= eta_t < 2*eta0/t"),
    ),
)  # fmt: skip

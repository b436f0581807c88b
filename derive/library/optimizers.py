"""Update rules: rows of data, each formula typed once.

Lines are in book order: a program computes them operation by operation as they stand here. Where a source divides by
something that may be zero, eps is added to it, and the source or the note says so. Greek letters are named as in the
source where that is possible; beta1 is always the memory of gradients and beta2 that of their squares.
"""

from __future__ import annotations

from derive.derivation import Text
from derive.update_rule import DECAY, Hyperparameter, State, UpdateRule

_LECTURE = "lecture 03"
_KINGMA = "Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015"
_LOSHCHILOV = "Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019"
_REDDI = "Reddi, Kale and Kumar, On the Convergence of Adam and Beyond, 2018, Algorithm 2"
_TORCH = "PyTorch 2.13, torch.optim"
_OPTAX = "optax 0.2.8"

FORGETTING = Text("how much of the past gradients is kept", "지난 기울기를 기억하는 비율")
FORGETTING_SQUARES = Text("how much of the past squares is kept", "지난 제곱을 기억하는 비율")


def _rate(default: str) -> Hyperparameter:
    return Hyperparameter("eta", default, "eta >= 0", Text("learning rate", "학습률"), ("lr", "learning_rate"))


def _beta1(default: str = "0.9", *aliases: str) -> Hyperparameter:
    return Hyperparameter("beta1", default, "0 <= beta1 < 1", FORGETTING, ("b1", *aliases))


def _beta2(default: str = "0.999", *aliases: str, domain: str = "0 <= beta2 < 1") -> Hyperparameter:
    return Hyperparameter("beta2", default, domain, FORGETTING_SQUARES, ("b2", *aliases))


def _eps(default: str = "1e-8") -> Hyperparameter:
    meaning = Text("keeps the denominator away from zero", "분모가 0이 되지 않게 하는 수")
    return Hyperparameter("eps", default, "eps > 0", meaning, ("epsilon",))


def _decay(default: str) -> Hyperparameter:
    return Hyperparameter(DECAY.name, default, DECAY.domain, DECAY.meaning, DECAY.aliases)


_MOMENTUM = ("beta", "mu", "momentum")
_M = State("m", meaning=Text("momentum", "모멘텀"))
_MEAN = State("m", meaning=Text("moving average of the gradients", "기울기의 이동평균"))
_V = State("v", invariant="v >= 0", meaning=Text("moving average of the squares", "제곱의 이동평균"))
_SUM = State("v", invariant="v >= 0", meaning=Text("sum of the squares", "제곱의 합"))
_VMAX = State("vmax", invariant="vmax >= 0", meaning=Text("largest average so far", "지금까지의 가장 큰 평균"))
_MOMENTS = ("m = beta1*m + (1 - beta1)*g", "v = beta2*v + (1 - beta2)*g**2")
_CORRECTED = ("mhat = m/(1 - beta1**t)", "vhat = v/(1 - beta2**t)")
_ADAM = (_rate("0.001"), _beta1(), _beta2(), _eps())

OPTIMIZERS: dict[str, UpdateRule] = {
    rule.name: rule
    for rule in (
        # --- the lecture ---------------------------------------------------------------------------------------------
        UpdateRule(
            "gd", Text("Gradient descent", "경사하강법"), ("w = w - eta*g",), (_rate("0.1"),),
            source=f"{_LECTURE}, Gradient Descent; Cauchy, Compte rendu 25, 1847",
            note=Text("g is the gradient of the loss over all data", "g 는 모든 데이터에 대한 손실의 기울기"),
        ),
        UpdateRule(
            "sgd", Text("Stochastic gradient descent", "확률적 경사하강법"), ("w = w - eta*g",), (_rate("0.01"),),
            source=f"{_LECTURE}, Stochastic Gradient Descent; Robbins and Monro, A Stochastic Approximation Method,"
            " 1951",
            note=Text("g is the gradient of the loss over a random batch", "g 는 무작위 배치에 대한 손실의 기울기"),
        ),
        UpdateRule(
            "momentum", Text("Momentum", "모멘텀"),
            ("m = beta1*m - eta*g", "w = w + m"),
            (_rate("0.01"), _beta1("0.9", *_MOMENTUM)), (_M,),
            source=f"{_LECTURE}, Momentum; Polyak, Some methods of speeding up the convergence of iteration methods,"
            " 1964",
        ),
        UpdateRule(
            "rmsprop", Text("RMSprop", "RMSprop"),
            ("v = beta2*v + (1 - beta2)*g**2", "w = w - eta*g/(sqrt(v) + eps)"),
            (_rate("0.01"), _beta2("0.99", "alpha", "rho"), _eps()), (_V,),
            source=f"{_LECTURE}, RMSprop; Tieleman and Hinton, Neural Networks for Machine Learning, 2012, lecture 6.5",
        ),
        UpdateRule(
            "adagrad", Text("AdaGrad", "AdaGrad"),
            ("v = v + g**2", "w = w - eta*g/(sqrt(v) + eps)"),
            (_rate("0.01"), _eps("1e-10")), (_SUM,),
            source=f"{_LECTURE}, RMSprop (a sum in place of the average); Duchi, Hazan and Singer, Adaptive Subgradient"
            " Methods, 2011, fig. 1, with eps outside the root",
        ),
        UpdateRule(
            "adam-lecture", Text("Adam without bias correction", "편향 보정 없는 Adam"),
            (*_MOMENTS, "w = w - eta*m/(sqrt(v) + eps)"), _ADAM, (_MEAN, _V),
            source=f"{_LECTURE}, Adam = RMSprop + Momentum",
        ),
        UpdateRule(
            "adam", Text("Adam", "Adam"),
            (*_MOMENTS, *_CORRECTED, "w = w - eta*mhat/(sqrt(vhat) + eps)"), _ADAM, (_MEAN, _V),
            source=f"{_KINGMA}, Algorithm 1",
        ),
        UpdateRule(
            "adam-eps-hat", Text("Adam with eps-hat", "eps-hat 꼴의 Adam"),
            (*_MOMENTS, "etahat = eta*sqrt(1 - beta2**t)/(1 - beta1**t)", "w = w - etahat*m/(sqrt(v) + eps)"),
            _ADAM, (_MEAN, _V), source=f"{_KINGMA}, end of section 2, with eps for eps-hat",
        ),
        # --- momentum ------------------------------------------------------------------------------------------------
        UpdateRule(
            "momentum-torch", Text("Momentum with the learning rate outside", "학습률이 밖에 있는 모멘텀"),
            ("v = beta1*v + (1 - tau*min(t - 1, 1))*g", "w = w - eta*v"),
            (
                _rate("0.001"), _beta1("0.9", *_MOMENTUM),
                Hyperparameter(
                    "tau", "0", "0 <= tau <= 1", Text("dampening, from the second step on", "둘째 걸음부터의 감쇠"),
                    ("dampening",),
                ),
            ),
            (State("v", meaning=Text("velocity", "속도")),), source=f"{_TORCH}.SGD",
        ),
        UpdateRule(
            "ema-momentum", Text("Momentum as a moving average", "이동평균 모멘텀"),
            ("m = beta1*m + (1 - beta1)*g", "w = w - eta*m"),
            (_rate("0.01"), _beta1("0.9", *_MOMENTUM)), (_MEAN,),
            source=f"{_KINGMA}, sec. 2, without the second moment",
        ),
        UpdateRule(
            "nesterov", Text("Nesterov, looking ahead", "앞을 내다보는 네스테로프"),
            ("m = beta1*m - eta*g", "w = w + m"),
            (_rate("0.01"), _beta1("0.9", *_MOMENTUM)), (_M,), gradient_at="w + beta1*m",
            source="Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum, 2013,"
            " eq. (3) and (4)",
        ),
        UpdateRule(
            "nesterov-torch", Text("Nesterov, in the shifted variable", "옮긴 변수의 네스테로프"),
            ("v = beta1*v + g", "w = w - eta*(g + beta1*v)"),
            (_rate("0.001"), _beta1("0.9", *_MOMENTUM)), (State("v", meaning=Text("velocity", "속도")),),
            source=f"{_TORCH}.SGD, nesterov=True",
        ),
        UpdateRule(
            "sgdw", Text("SGD with decoupled weight decay", "가중치 감쇠를 분리한 SGD"),
            ("m = beta1*m + eta*g", "w = w - m - eta*lam*w"),
            (_rate("0.01"), _beta1("0.9", *_MOMENTUM), _decay("0.01")), (_M,),
            source=f"{_LOSHCHILOV}, Algorithm 1, with eta for both factors",
        ),
        # --- signs ---------------------------------------------------------------------------------------------------
        UpdateRule(
            "signsgd", Text("signSGD", "signSGD"), ("w = w - eta*sign(g)",), (_rate("0.001"),),
            source="Bernstein, Wang, Azizzadenesheli and Anandkumar, signSGD, 2018, Algorithm 1",
        ),
        UpdateRule(
            "lion", Text("Lion", "Lion"),
            (
                "c = sign(beta1*m + (1 - beta1)*g)", "m = beta2*m + (1 - beta2)*g", "w = w - eta*(c + lam*w)",
            ),
            (_rate("0.0001"), _beta1(), _beta2("0.99"), _decay("0")), (_MEAN,),
            source="Chen et al., Symbolic Discovery of Optimization Algorithms, 2023, Algorithm 2",
        ),
        UpdateRule(
            "rprop", Text("Rprop", "Rprop"),
            (
                "c = sign(g*p)", "k = etaplus*max(c, 0) + etaminus*max(-c, 0) + (1 - abs(c))",
                "s = min(max(s*k, smin), smax)", "p = g*(1 - max(-c, 0))", "w = w - sign(p)*s",
            ),
            (
                _rate("0.01"),
                Hyperparameter(
                    "etaminus", "0.5", "0 < etaminus < 1", Text("factor after a turn", "방향이 바뀐 뒤의 배율")
                ),
                Hyperparameter("etaplus", "1.2", "etaplus > 1", Text("factor without a turn", "방향이 같을 때의 배율")),
                Hyperparameter("smin", "1e-6", "smin > 0", Text("smallest step", "가장 작은 걸음")),
                Hyperparameter("smax", "50", "smax >= smin", Text("largest step", "가장 큰 걸음")),
            ),
            (
                State("s", "eta", Text("length of the step", "걸음의 길이"), "s >= 0"),
                State("p", meaning=Text("gradient before, 0 after a turn", "직전 기울기, 방향이 바뀌면 0")),
            ),
            source=f"{_TORCH}.Rprop; Riedmiller and Braun, A Direct Adaptive Method, 1993",
            note=Text(
                "eta is the first step; later steps do not use it",
                "eta 는 첫 걸음의 길이; 그 뒤에는 쓰이지 않는다",
            ),
        ),
        # --- relatives of RMSprop and AdaGrad ------------------------------------------------------------------------
        UpdateRule(
            "rmsprop-centered", Text("Centered RMSprop", "중심화한 RMSprop"),
            (
                "v = beta2*v + (1 - beta2)*g**2", "a = beta2*a + (1 - beta2)*g",
                "w = w - eta*g/(sqrt(max(v - a**2, 0)) + eps)",
            ),
            (_rate("0.01"), _beta2("0.99", "alpha", "rho"), _eps()),
            (
                State("v", invariant="v >= a**2", meaning=Text("moving average of the squares", "제곱의 이동평균")),
                State("a", meaning=Text("moving average of the gradients", "기울기의 이동평균")),
            ),
            source=f"{_TORCH}.RMSprop, centered=True; Graves, Generating Sequences With Recurrent Neural Networks,"
            " 2013, eq. (38)-(40)",
            note=Text(
                "v - a**2 is never negative; max keeps rounding from making it so",
                "v - a**2 은 음수가 아니다; max 는 반올림으로 음수가 되는 것을 막는다",
            ),
        ),
        UpdateRule(
            "rmsprop-momentum", Text("RMSprop with momentum", "모멘텀을 더한 RMSprop"),
            ("v = beta2*v + (1 - beta2)*g**2", "b = beta1*b + g/(sqrt(v) + eps)", "w = w - eta*b"),
            (_rate("0.01"), _beta1("0.9", *_MOMENTUM), _beta2("0.99", "alpha", "rho"), _eps()),
            (_V, State("b", meaning=Text("momentum of the scaled gradients", "배율을 맞춘 기울기의 모멘텀"))),
            source=f"{_TORCH}.RMSprop, momentum > 0",
        ),
        UpdateRule(
            "adagrad-decay", Text("AdaGrad with a decaying rate", "학습률이 줄어드는 AdaGrad"),
            ("v = v + g**2", "rate = eta/(1 + (t - 1)*decay)", "w = w - rate*g/(sqrt(v) + eps)"),
            (
                _rate("0.01"),
                Hyperparameter(
                    "decay", "0", "decay >= 0", Text("how fast the rate falls", "학습률이 줄어드는 빠르기"),
                    ("lr_decay",),
                ),
                _eps("1e-10"),
            ),
            (_SUM,), source=f"{_TORCH}.Adagrad",
        ),
        UpdateRule(
            "adadelta", Text("Adadelta", "Adadelta"),
            (
                "v = rho*v + (1 - rho)*g**2", "d = sqrt(u + eps)/sqrt(v + eps)*g", "u = rho*u + (1 - rho)*d**2",
                "w = w - eta*d",
            ),
            (
                _rate("1"), Hyperparameter("rho", "0.9", "0 <= rho < 1", FORGETTING_SQUARES), _eps("1e-6"),
            ),
            (_V, State("u", invariant="u >= 0", meaning=Text("average of the squared steps", "걸음 제곱의 이동평균"))),
            source="Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012, Algorithm 1, with a rate",
        ),
        # --- relatives of Adam ---------------------------------------------------------------------------------------
        UpdateRule(
            "adamw", Text("AdamW", "AdamW"),
            ("w0 = w - eta*lam*w", *_MOMENTS, *_CORRECTED, "w = w0 - eta*mhat/(sqrt(vhat) + eps)"),
            (*_ADAM, _decay("0.01")), (_MEAN, _V),
            source=f"{_LOSHCHILOV}, Algorithm 2, the decay times eta as in {_TORCH}",
        ),
        UpdateRule(
            "amsgrad", Text("AMSGrad", "AMSGrad"),
            (*_MOMENTS, "vmax = max(vmax, v)", "w = w - eta*m/(sqrt(vmax) + eps)"),
            _ADAM, (_MEAN, _V, _VMAX), source=f"{_REDDI}, with eps",
        ),
        UpdateRule(
            "amsgrad-torch", Text("AMSGrad, the largest average corrected", "가장 큰 평균을 보정하는 AMSGrad"),
            (
                *_MOMENTS, "vmax = max(vmax, v)", "mhat = m/(1 - beta1**t)", "vhat = vmax/(1 - beta2**t)",
                "w = w - eta*mhat/(sqrt(vhat) + eps)",
            ),
            _ADAM, (_MEAN, _V, _VMAX), source=f"{_TORCH}.Adam, amsgrad=True",
        ),
        UpdateRule(
            "amsgrad-optax", Text("AMSGrad, the largest of the corrected", "보정한 것 중 가장 큰 것을 쓰는 AMSGrad"),
            (
                *_MOMENTS, *_CORRECTED, "vmax = max(vmax, vhat)", "w = w - eta*mhat/(sqrt(vmax) + eps)",
            ),
            _ADAM, (_MEAN, _V, _VMAX), source=f"{_OPTAX}, optax.amsgrad",
        ),
        UpdateRule(
            "adamax", Text("Adamax", "Adamax"),
            (
                "m = beta1*m + (1 - beta1)*g", "u = max(beta2*u, abs(g) + eps)", "w = w - eta/(1 - beta1**t)*m/u",
            ),
            (_rate("0.002"), _beta1(), _beta2(), _eps()),
            (
                _MEAN,
                State("u", invariant="u >= 0", meaning=Text("largest gradient, fading", "서서히 잊는 최대 기울기")),
            ),
            source=f"{_KINGMA}, Algorithm 2, with eps as in {_TORCH}.Adamax",
        ),
        UpdateRule(
            "nadam", Text("NAdam", "NAdam"),
            (
                "mu1 = beta1*(1 - 1/2*0.96**(t*psi))", "mu2 = beta1*(1 - 1/2*0.96**((t + 1)*psi))", "p = p*mu1",
                *_MOMENTS, "vhat = v/(1 - beta2**t)", "mhat = mu2*m/(1 - p*mu2) + (1 - mu1)*g/(1 - p)",
                "w = w - eta*mhat/(sqrt(vhat) + eps)",
            ),
            (
                _rate("0.002"), _beta1(), _beta2(), _eps(),
                Hyperparameter(
                    "psi", "0.004", "psi >= 0", Text("how fast the momentum rises", "모멘텀이 커지는 빠르기"),
                    ("momentum_decay",),
                ),
            ),
            (
                _MEAN, _V,
                State("p", "1", Text("product of the momenta", "모멘텀 계수의 곱"), "0 <= p <= 1", scalar=True),
            ),
            source=f"Dozat, Incorporating Nesterov Momentum into Adam, 2016, Algorithm 2, as in {_TORCH}.NAdam",
        ),
        UpdateRule(
            "radam", Text("RAdam", "RAdam"),
            (
                *_MOMENTS, "rhoinf = 2/(1 - beta2) - 1", "rho = rhoinf - 2*t*beta2**t/(1 - beta2**t)",
                "c = max(sign(rho - 5), 0)",
                "r = sqrt(max((rho - 4)*(rho - 2)*rhoinf/((rhoinf - 4)*(rhoinf - 2)*rho), 0))",
                "mhat = m/(1 - beta1**t)", "l = sqrt(1 - beta2**t)/(sqrt(v) + eps)",
                "w = w - eta*mhat*(c*(r*l) + (1 - c))",
            ),
            (_rate("0.001"), _beta1(), _beta2(domain="2/3 < beta2 < 1"), _eps()), (_MEAN, _V),
            source="Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, 2020, Algorithm 2, with eps"
            f" and rho > 5 as in {_TORCH}.RAdam (the paper: rho > 4)",
            note=Text(
                "c is 1 once rho exceeds 5, and 0 before: there the step is that of momentum",
                "c 는 rho 가 5를 넘으면 1, 그 전에는 0: 그때의 걸음은 모멘텀",
            ),
        ),
        UpdateRule(
            "yogi", Text("Yogi", "Yogi"),
            (
                "m = beta1*m + (1 - beta1)*g", "v = v - (1 - beta2)*sign(v - g**2)*g**2",
                "w = w - eta*m/(sqrt(v) + eps)",
            ),
            (_rate("0.01"), _beta1(), _beta2(), _eps("0.001")), (_MEAN, _V),
            source="Zaheer, Reddi, Sachan, Kale and Kumar, Adaptive Methods for Nonconvex Optimization, 2018,"
            " Algorithm 2",
        ),
        UpdateRule(
            "adabelief", Text("AdaBelief", "AdaBelief"),
            (
                "m = beta1*m + (1 - beta1)*g", "v = beta2*v + (1 - beta2)*(g - m)**2 + eps", *_CORRECTED,
                "w = w - eta*mhat/(sqrt(vhat) + eps)",
            ),
            (_rate("0.001"), _beta1(), _beta2(), _eps("1e-16")), (_MEAN, _V),
            source="Zhuang et al., AdaBelief Optimizer, 2020, Algorithm 2",
        ),
        UpdateRule(
            "adan", Text("Adan", "Adan"),
            (
                "d = (g - p)*min(t - 1, 1)", "m = beta1*m + (1 - beta1)*g", "a = beta2*a + (1 - beta2)*d",
                "v = beta3*v + (1 - beta3)*(g + beta2*d)**2", "p = g",
                "w = (w - eta*(m + beta2*a)/(sqrt(v) + eps))/(1 + lam*eta)",
            ),
            (
                _rate("0.001"), _beta1("0.98"),
                Hyperparameter(
                    "beta2", "0.92", "0 <= beta2 < 1",
                    Text("how much of the past differences is kept", "지난 차이를 기억하는 비율"),
                    ("b2",),
                ),
                Hyperparameter("beta3", "0.99", "0 <= beta3 < 1", FORGETTING_SQUARES, ("b3",)),
                _eps(), _decay("0.02"),
            ),
            (
                _MEAN, State("a", meaning=Text("moving average of the differences", "차이의 이동평균")), _V,
                State("p", meaning=Text("gradient before", "직전 기울기")),
            ),
            source="Xie et al., Adan: Adaptive Nesterov Momentum Algorithm, 2022, Algorithm 1, with 1 - beta for beta",
            note=Text("the first difference is 0", "첫 차이는 0"),
        ),
        UpdateRule(
            "asgd", Text("Averaged SGD", "평균 SGD"),
            (
                "w = (1 - lam*rate)*w - rate*g", "a = a + mu*(w - a)", "rate = eta/(1 + lam*eta*t)**alpha",
                "mu = 1/max(1, t - t0)",
            ),
            (
                _rate("0.01"), _decay("0.0001"),
                Hyperparameter(
                    "alpha", "0.75", "alpha >= 0", Text("how fast the rate falls", "학습률이 줄어드는 빠르기")
                ),
                Hyperparameter(
                    "t0", "1000000", "t0 >= 0", Text("step from which on is averaged", "평균을 내기 시작하는 걸음")
                ),
            ),
            (
                State("a", meaning=Text("average of the parameters", "파라미터의 평균")),
                State("rate", "eta", Text("rate of this step", "이번 걸음의 학습률"), "rate >= 0", scalar=True),
                State("mu", "1", Text("weight of the newest", "가장 새것의 비중"), "0 <= mu <= 1", scalar=True),
            ),
            source=f"{_TORCH}.ASGD; Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992",
            note=Text(
                "rate and mu are those computed a step before: eta acts one step late",
                "rate 와 mu 는 한 걸음 전에 계산한 값: eta 는 한 걸음 늦게 작용한다",
            ),
        ),
    )
}  # fmt: skip

"""Models, priors and the losses they lead to: rows of data, each formula typed once.

A model is a density of y given the prediction mu. A loss is what its negative log-likelihood becomes, per observation,
when a constant and a positive factor are dropped; which ones, and that nothing else is lost, is proved and not typed.
To add a loss, add a row to each table.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from derive.derivation import Text
from derive.errors import InputError
from derive.model import Model

_BISHOP = "Bishop, Pattern Recognition and Machine Learning, 2006"

PREDICTION = Text("prediction", "예측값")

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "laplace", Text("Laplace", "라플라스"), "exp(-abs(y - mu)/scale)/(2*scale)",
            given="scale > 0", parameters={"scale": "b"},
            source="Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995, eq. (24.1)",
            meanings={"scale": Text("scale of the noise", "노이즈의 척도"), "mu": PREDICTION},
        ),
        Model(
            "gaussian", Text("Gaussian", "가우시안"), "exp(-(y - mu)**2/(2*sigma**2))/sqrt(2*pi*sigma**2)",
            given="sigma > 0", parameters={"sigma": "sigma"}, source=f"{_BISHOP}, eq. (1.46)",
            meanings={"sigma": Text("standard deviation of the noise", "노이즈의 표준편차"), "mu": PREDICTION},
        ),
        Model(
            "bernoulli", Text("Bernoulli", "베르누이"), "mu**y*(1 - mu)**(1 - y)", prediction="0 < {mu} < 1",
            total="mu**0*(1 - mu)**(1 - 0) + mu**1*(1 - mu)**(1 - 1) = 1", source=f"{_BISHOP}, eq. (2.2)",
            meanings={"mu": PREDICTION},
        ),
        Model(
            "categorical", Text("categorical", "범주형"), "prod(mu[k]**y[k], k, 1, K)",
            given="K integer >= 1", prediction="{mu} > 0", source=f"{_BISHOP}, eq. (2.26)",
            meanings={"mu": PREDICTION},
        ),
        Model(
            "poisson", Text("Poisson", "푸아송"), "mu**y*exp(-mu)/factorial(y)", prediction="{mu} > 0",
            observation="{y} integer >= 0",
            source="Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005, eq. (4.1)",
            meanings={"mu": PREDICTION},
        ),
        Model(
            "exponential", Text("exponential", "지수"), "exp(-y/mu)/mu", prediction="{mu} > 0",
            source="Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994, eq. (19.1)",
            meanings={"mu": PREDICTION},
        ),
        Model(
            "student-t", Text("Student-t", "스튜던트 t"),
            "gamma((nu + 1)/2)/(gamma(nu/2)*sqrt(nu*pi)*s)*(1 + (y - mu)**2/(nu*s**2))**(-(nu + 1)/2)",
            given="nu > 0; s > 0", parameters={"nu": "nu", "s": "s"}, source=f"{_BISHOP}, eq. (2.159)",
            meanings={
                "nu": Text("degrees of freedom", "자유도"), "s": Text("scale of the noise", "노이즈의 척도"),
                "mu": PREDICTION,
            },
        ),
        Model(
            "huber", Text("Huber's density", "후버 밀도"),
            "exp(-min(abs(y - mu), delta)*(abs(y - mu) - min(abs(y - mu), delta)/2))"
            "/(sqrt(2*pi)*erf(delta/sqrt(2)) + 2*exp(-delta**2/2)/delta)",
            given="delta > 0", parameters={"delta": "delta"},
            source="Huber, Robust Estimation of a Location Parameter, 1964, eq. (1.4)",
            meanings={"delta": Text("where quadratic becomes linear", "이차에서 일차로 바뀌는 곳"), "mu": PREDICTION},
        ),
        Model(
            "asymmetric-laplace", Text("asymmetric Laplace", "비대칭 라플라스"),
            "tau*(1 - tau)/scale*exp(-max(tau*(y - mu), (tau - 1)*(y - mu))/scale)",
            given="0 < tau < 1; scale > 0", parameters={"tau": "tau", "scale": "b"},
            source="Yu and Moyeed, Bayesian Quantile Regression, 2001, eq. (2)",
            meanings={
                "tau": Text("quantile", "분위"), "scale": Text("scale of the noise", "노이즈의 척도"), "mu": PREDICTION,
            },
        ),
    )
}  # fmt: skip

# Priors on the parameter w.
PRIORS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "gaussian-prior", Text("Gaussian prior", "가우시안 사전분포"), "exp(-w**2/(2*tau**2))/sqrt(2*pi*tau**2)",
            given="tau > 0", source=f"{_BISHOP}, eq. (3.52)",
            meanings={"tau": Text("standard deviation of the prior", "사전분포의 표준편차")},
        ),
        Model(
            "laplace-prior", Text("Laplace prior", "라플라스 사전분포"), "exp(-abs(w)/t)/(2*t)",
            given="t > 0", source="Tibshirani, Regression Shrinkage and Selection via the Lasso, 1996, sec. 5",
            meanings={"t": Text("scale of the prior", "사전분포의 척도")},
        ),
    )
}  # fmt: skip


# From the linear predictor z to the prediction mu: what keeps mu where the model wants it.
LINKS: dict[str, str] = {
    "identity": "z",
    "logit": "1/(1 + exp(-z))",
    "log": "exp(z)",
    "softmax": "exp(z[k])/sum(exp(z[j]), j, 1, K)",
}


@dataclass(frozen=True)
class Loss:
    """A loss per observation, in y and mu; the model it comes from; what is optimised; a prior where there is one.

    `penalty` is what the prior adds to the sum over the data, with lam for `strength`.
    The rest is what `derive.calculus` proves: with mu = link(z) the loss is `plain` (by default the formula itself),
    its derivatives by z, and by sigma where that is learned, are `slopes`, those of the slopes `curvatures`. Where a
    term of `kinks` is 0 the loss has no derivative, where one of `bends` is 0 its slope has none.
    """

    name: str
    title: Text
    model: str
    formula: str
    slopes: Mapping[str, str]
    curvatures: Mapping[str, str]
    over: tuple[str, ...] = ("w",)
    prior: str = ""
    penalty: str = ""
    strength: str = ""
    link: str = "identity"
    plain: str = ""
    observation: str = ""
    kinks: tuple[str, ...] = ()
    bends: tuple[str, ...] = ()


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss(
            "l1", Text("L1 loss", "L1 손실"), "laplace", "abs(mu - y)", {"z": "sign(z - y)"}, {"z z": "0"},
            kinks=("z - y",), bends=("z - y",),
        ),
        Loss("l2", Text("L2 loss", "L2 손실"), "gaussian", "(mu - y)**2", {"z": "2*(z - y)"}, {"z z": "2"}),
        Loss(
            "binary-cross-entropy", Text("binary cross-entropy", "이진 교차 엔트로피"), "bernoulli",
            "-(y*log(mu) + (1 - y)*log(1 - mu))", {"z": "1/(1 + exp(-z)) - y"}, {"z z": "exp(z)/(1 + exp(z))**2"},
            link="logit", plain="log(1 + exp(z)) - y*z", observation="0 <= y <= 1",
        ),
        Loss(
            "cross-entropy", Text("cross-entropy", "교차 엔트로피"), "categorical", "-sum(y[k]*log(mu[k]), k, 1, K)",
            {"z": "exp(z[k])/sum(exp(z[j]), j, 1, K) - y[k]"},
            {"z z": "exp(z[k])/sum(exp(z[j]), j, 1, K)*kronecker(k, l)"
                    " - exp(z[k])/sum(exp(z[j]), j, 1, K)*(exp(z[l])/sum(exp(z[j]), j, 1, K))"},
            link="softmax", plain="log(sum(exp(z[k]), k, 1, K)) - sum(y[k]*z[k], k, 1, K)",
            observation="y[k] >= 0; sum(y[k], k, 1, K) = 1",
        ),
        Loss(
            "poisson", Text("Poisson loss", "푸아송 손실"), "poisson", "mu - y*log(mu)", {"z": "exp(z) - y"},
            {"z z": "exp(z)"}, link="log", plain="exp(z) - y*z", observation="y >= 0",
        ),
        Loss(
            "exponential", Text("exponential loss", "지수 손실"), "exponential", "log(mu) + y/mu",
            {"z": "1 - y*exp(-z)"}, {"z z": "y*exp(-z)"}, link="log", plain="z + y*exp(-z)", observation="y >= 0",
        ),
        Loss(
            "student-t", Text("Student-t loss", "스튜던트 t 손실"), "student-t", "log(1 + (y - mu)**2/(nu*s**2))",
            {"z": "2*(z - y)/(nu*s**2 + (z - y)**2)"},
            {"z z": "2*(nu*s**2 - (z - y)**2)/(nu*s**2 + (z - y)**2)**2"},
        ),
        Loss(
            "huber", Text("Huber loss", "후버 손실"), "huber",
            "min(abs(y - mu), delta)*(abs(y - mu) - min(abs(y - mu), delta)/2)",
            {"z": "max(-delta, min(z - y, delta))"}, {"z z": "(1 + sign(delta - abs(z - y)))/2"},
            bends=("z - y - delta", "z - y + delta"),
        ),
        Loss(
            "pinball", Text("pinball loss", "핀볼 손실"), "asymmetric-laplace",
            "max(tau*(y - mu), (tau - 1)*(y - mu))", {"z": "sign(z - y)/2 + 1/2 - tau"}, {"z z": "0"},
            kinks=("z - y",), bends=("z - y",),
        ),
        Loss(
            "gaussian-nll", Text("Gaussian loss with learned sigma", "시그마를 학습하는 가우시안 손실"), "gaussian",
            "log(sigma) + (mu - y)**2/(2*sigma**2)",
            {"z": "(z - y)/sigma**2", "sigma": "1/sigma - (z - y)**2/sigma**3"},
            {"z z": "1/sigma**2", "z sigma": "-2*(z - y)/sigma**3",
             "sigma sigma": "3*(z - y)**2/sigma**4 - 1/sigma**2"},
            over=("w", "sigma"),
        ),
        Loss(
            "ridge", Text("ridge (weight decay)", "릿지 (가중치 감쇠)"), "gaussian", "(mu - y)**2",
            {"z": "2*(z - y)", "w": "2*lam*w"}, {"z z": "2", "w w": "2*lam"},
            prior="gaussian-prior", penalty="lam*w**2", strength="sigma**2/tau**2",
        ),
        Loss(
            "lasso", Text("lasso", "라쏘"), "gaussian", "(mu - y)**2/2",
            {"z": "z - y", "w": "lam*sign(w)"}, {"z z": "1", "w w": "0"},
            prior="laplace-prior", penalty="lam*abs(w)", strength="sigma**2/t", kinks=("w",), bends=("w",),
        ),
    )
}  # fmt: skip


def instance(name: str, **parameters: str) -> Model:
    """The library's model of that name, its parameters renamed.

    >>> instance("laplace", scale="s").density_term()[0][0]
    '/'
    """
    if name not in MODELS:
        close = difflib.get_close_matches(name, MODELS, 1)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(MODELS)}"
        raise InputError(f"no model is called {name}", remedy=hint)
    model = MODELS[name]
    for parameter in parameters:
        if parameter not in model.parameters:
            known = ", ".join(model.parameters) or "no parameters"
            raise InputError(f"{name} has no parameter {parameter}", remedy=f"it has {known}")
    return replace(model, parameters={**model.parameters, **{key: str(value) for key, value in parameters.items()}})


def constructor(name: str) -> Callable[..., Model]:
    """The function that makes a model of the library: constructor("StudentT")(nu="3").

    >>> constructor("AsymmetricLaplace")(scale="s").parameters["scale"]
    's'
    """
    key = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()

    def make(**parameters: str) -> Model:
        return instance(key, **parameters)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"The {key} model of the library; keywords rename its parameters."
    return make

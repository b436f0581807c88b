"""The kinds of picture as a table: what each shows, its options with domains and defaults, what it rests on."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.derivation import Text
from derive.errors import InputError

Value = Fraction | int | str | tuple[Fraction, ...]

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,2})?")
_FRACTION = re.compile(r"[+-]?[0-9]{1,20}/[0-9]{1,20}")


def _models() -> tuple[str, ...]:
    from derive.library.losses import MODELS

    return tuple(MODELS)


@dataclass(frozen=True)
class Option:
    """An option of a picture: its default as text, what it means, and which values can be drawn.

    `form` is "number" (exact: a decimal or a fraction), "whole", "numbers" (with commas between), "choice" or "model".
    `low` and `high` bound numbers; which relations hold between several is a matter of `Kind.given`.
    """

    name: str
    default: str
    meaning: str
    form: str = "number"
    low: str = "1e-6"
    high: str = "1e6"
    choices: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """Which values it takes, in words."""
        if self.form == "choice":
            return " or ".join(self.choices)
        if self.form == "model":
            return "a model of `derive list models`"
        noun = {"number": "a number", "whole": "a whole number", "numbers": "up to 6 numbers with commas between, each"}
        return f"{noun[self.form]} from {self.low} to {self.high}"

    def read(self, text: str) -> Value:
        """The value that a text stands for. Raises InputError for anything else."""
        text = text.strip()
        if self.form == "numbers":
            parts = text.split(",")
            if len(parts) > 6:
                raise InputError(f"{self.name}: {len(parts)} numbers", remedy="give at most 6")
            return tuple(self._number(part.strip()) for part in parts)
        if self.form in ("choice", "model"):
            choices = self.choices or _models()
            if text not in choices:
                close = difflib.get_close_matches(text, choices, 1)
                hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(choices)}"
                raise InputError(f"{self.name} cannot be {text[:40]!r}", remedy=hint)
            return text
        number = self._number(text)
        if self.form == "number":
            return number
        if number.denominator != 1:
            raise InputError(f"{self.name} = {text} is not a whole number", remedy=f"give {self.domain}")
        return int(number)

    def _number(self, text: str) -> Fraction:
        wrong = InputError(f"{self.name}: {text[:40]!r} is not a number", remedy="write it as 0.3 or 3/10")
        if not (_DECIMAL.fullmatch(text) or _FRACTION.fullmatch(text)):
            raise wrong
        try:
            number = Fraction(text)
        except ZeroDivisionError:
            raise wrong from None
        if not Fraction(self.low) <= number <= Fraction(self.high):
            raise InputError(f"{self.name} = {text} cannot be drawn", remedy=f"give {self.domain}")
        return number


@dataclass(frozen=True)
class Kind:
    """A kind of picture: what it shows, its options, and the facts without which its formulas do not hold.

    `chains` are the derivations of the library that it runs, and `rules` its update rules; their facts are checked like
    those of `given`.
    """

    title: Text
    options: tuple[Option, ...]
    given: str = ""
    chains: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    moves: bool = False  # whether it can be a .gif

    @property
    def endings(self) -> tuple[str, ...]:
        """What the name of a file of this kind may end in."""
        return (".svg", ".png", ".pdf", ".gif") if self.moves else (".svg", ".png", ".pdf")


_SEED = Option("seed", "3", "of the random numbers", "whole", "0", "2147483647")
_CURVATURES = (
    Option("mu", "1", "the smallest curvature of the quadratic"),
    Option("L", "10", "the largest curvature of the quadratic"),
)

_BETA1 = Option("beta1", "0.9", "how much of the past gradients is kept", low="0", high="0.9999")
_BETA2 = Option("beta2", "0.999", "how much of the past squares is kept", low="0", high="0.9999999")
_EPS = Option("eps", "1e-8", "keeps the denominator away from zero", low="1e-12", high="1")
_ETA = Option("eta", "0.1", "the learning rate")

# The lecture's eta/t and its list, and the power of t.
_SCHEDULES = (
    "inverse-t", "power", "lambda", "multiplicative", "step", "multi-step", "constant-factor", "linear", "geometric",
    "polynomial", "cosine-annealing",
)  # fmt: skip

KINDS: dict[str, Kind] = {
    "trajectory": Kind(
        Text("Gradient descent with a large, a small and a good learning rate", "큰, 작은, 알맞은 학습률의 경사하강법"),
        (
            *_CURVATURES,
            Option("large", "1.05", "the large learning rate, in units of 2/L", high="10"),
            Option("small", "0.1", "the small learning rate, in units of 2/L", high="10"),
            Option("steps", "15", "how many steps", "whole", "1", "500"),
        ),
        given="mu > 0; mu <= L", chains=("gd-error", "gd-stable"), moves=True,
    ),
    "noise": Kind(
        Text("A fixed learning rate never settles in the noise", "고정 학습률은 노이즈 속에서 멈추지 않는다"),
        (
            Option("eta", "0.3", "the learning rate"),
            Option("lambda", "1", "the curvature of the quadratic"),
            Option("sigma", "1", "the standard deviation of the noise of a gradient"),
            Option("steps", "200", "how many steps are shown", "whole", "10", "2000"),
            Option("runs", "200", "how many runs the variance is measured over", "whole", "20", "1000"),
            _SEED,
        ),
        chains=("noise-variance",), moves=True,
    ),
    "convergence": Kind(
        Text("The loss falls below its proved bound", "손실은 증명된 한계 아래로 내려간다"),
        (
            Option("eta", "1/50, 1/10, 2/11", "the learning rates", "numbers"),
            *_CURVATURES,
            Option("steps", "60", "how many steps", "whole", "2", "2000"),
        ),
        given="mu > 0; mu <= L; eta > 0", chains=("gd-error",),
    ),
    "density": Kind(
        Text("A density and the loss that it leads to", "확률밀도와 거기서 나오는 손실"),
        (
            Option("model", "laplace", "the model of the noise", "model"),
            Option("b", "1", "the scale of a Laplace density"),
            Option("sigma", "1", "the standard deviation of a Gaussian density"),
            Option("delta", "1", "where Huber's density changes from Gaussian to Laplace"),
            Option("nu", "3", "the degrees of freedom of a Student-t density"),
            Option("s", "1", "the scale of a Student-t density"),
            Option("tau", "1/4", "the quantile of an asymmetric Laplace density"),
            Option("mu", "7/10", "the prediction, for models of counts, labels and waiting times"),
        ),
    ),
    "subgradient": Kind(
        Text("The subgradients at a kink", "꺾인 점의 서브그래디언트"),
        (
            Option("m", "0", "the observations: the loss is the sum of |w - m| over them", "numbers", "-1000", "1000"),
            Option("w", "0", "where the subgradients are drawn", low="-1000", high="1000"),
        ),
    ),
    "cost": Kind(
        Text("The cost of a Hessian and of a gradient step", "헤시안의 비용과 경사하강법 한 걸음의 비용"),
        (
            Option("n", "2000", "how many samples", "whole", "10", "10000"),
            Option("p", "1024", "the largest number of parameters", "whole", "16", "2048"),
            Option("measure", "yes", "whether times are measured too, here and now", "choice", choices=("yes", "no")),
            _SEED,
        ),
    ),
    "momentum": Kind(
        Text("Momentum rolls over a plateau and along a valley", "모멘텀은 평지를 지나고 골짜기를 따라 구른다"),
        (
            replace(_ETA, default="0.06"), replace(_BETA1, default="0.8"), replace(_CURVATURES[0], default="0.3"),
            replace(_CURVATURES[1], default="30"),
            Option("steps", "40", "how many steps", "whole", "1", "500"),
        ),
        given="mu > 0; mu <= L", rules=("gd", "momentum"), moves=True,
    ),
    "rmsprop": Kind(
        Text("RMSprop takes as long a step in the flat direction as in the steep one",
             "RMSprop 은 평평한 방향으로도 가파른 방향만큼 움직인다"),
        (
            _ETA, _BETA2, _EPS, Option("rate", "0.09", "the learning rate of gradient descent beside it"),
            _CURVATURES[0], replace(_CURVATURES[1], default="20"),
            Option("steps", "30", "how many steps", "whole", "2", "500"),
        ),
        given="mu > 0; mu <= L", rules=("gd", "rmsprop"), moves=True,
    ),
    "adam": Kind(
        Text("Momentum, RMSprop and Adam in a valley", "골짜기 위의 모멘텀, RMSprop, Adam"),
        (
            _ETA, _BETA1, _BETA2, _EPS, _CURVATURES[0], replace(_CURVATURES[1], default="20"),
            Option("rule", "adam-lecture", "which Adam: without bias correction, or with it", "choice",
                   choices=("adam-lecture", "adam")),
            Option("steps", "40", "how many steps", "whole", "2", "500"),
        ),
        given="mu > 0; mu <= L", rules=("momentum", "rmsprop", "adam"), moves=True,
    ),
    "bias-correction": Kind(
        Text("Averages that begin at zero, and what corrects them", "0에서 시작하는 이동평균과 그 보정"),
        (
            replace(_ETA, default="0.001"), _BETA1, _BETA2, _EPS,
            Option("sigma", "0.2", "the standard deviation of the gradients, whose mean is 1", low="0", high="1000"),
            Option("steps", "40", "how many steps", "whole", "2", "5000"), _SEED,
        ),
        rules=("adam", "adam-lecture"),
    ),
    "schedule": Kind(
        Text("A schedule and its partial sums", "스케줄과 부분합"),
        (
            Option("schedule", "inverse-t", "the schedule, with its defaults", "choice", choices=_SCHEDULES),
            Option("p", "0.75", "the exponent, of power only", low="0", high="10"),
            Option("steps", "10000", "how many steps are shown", "whole", "10", "1000000"),
        ),
    ),
    "power-map": Kind(
        Text("The exponents that meet the conditions of Robbins and Monro", "로빈스-먼로 조건을 만족하는 지수"),
        (Option("p", "1/4, 1/2, 3/4, 1, 3/2", "exponents that are marked", "numbers", "0", "10"),),
    ),
    "schedules": Kind(
        Text("Schedulers, and whether they meet the conditions of Robbins and Monro",
             "스케줄러와 로빈스-먼로 조건"),
        (Option("steps", "120", "how many steps are shown", "whole", "10", "10000"),),
    ),
}  # fmt: skip

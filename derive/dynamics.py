"""What an optimizer does: convergence, minibatches, noise, momentum, schedules, cost. Each theorem is a derivation.

The formulas are chains of the library. Here stands what they rest on: other theorems, and what no line of them proves.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import lru_cache

from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.library import CHAINS, chains


@dataclass(frozen=True)
class Theorem:
    """A derivation with what it rests on.

    `rests_on` are theorems whose conclusions its hypotheses or its reading come from, `leaves` what it does not prove.
    """

    name: str
    group: str
    derivation: Derivation
    rests_on: tuple[str, ...] = ()
    leaves: Text = field(default_factory=Text)

    @property
    def says(self) -> Text:
        """What it says, in one line."""
        return self.derivation.title

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """Its assumptions as they are written, all of them: nothing else is used."""
        return self.derivation.assumptions.texts


GROUPS: dict[str, Text] = {
    "descent": Text("Gradient descent on a quadratic", "이차함수 위의 경사하강법"),
    "critical": Text("Where the derivative is zero", "도함수가 0인 점"),
    "minibatch": Text("Minibatches", "미니배치"),
    "noise": Text("A fixed learning rate with noise", "고정 학습률과 잡음"),
    "momentum": Text("Momentum and moving averages", "모멘텀과 지수이동평균"),
    "schedule_origin": Text("Where the Robbins-Monro conditions come from", "로빈스-먼로 조건의 유래"),
    "cost": Text("The cost of the second-order route", "이계도함수를 쓰는 길의 비용"),
}

# theorem -> the theorems that its hypotheses or its reading come from
RESTS_ON: dict[str, tuple[str, ...]] = {
    "gd-error": ("gd-step",),
    "gd-stable": ("gd-error",),
    "gd-unstable": ("gd-error",),
    "gd-geometric": ("gd-error",),
    "gd-converges": ("gd-error", "gd-stable"),
    "gd-diverges": ("gd-error", "gd-unstable"),
    "gd-rate-bound": ("gd-error",),
    "gd-rate-only": ("gd-rate-bound", "gd-rate-best"),
    "gd-eigen-step": ("gd-quadratic-gradient",),
    "gd-eigen": ("gd-eigen-step",),
    "gd-descent": ("gd-step",),
    "gd-descent-all": ("gd-eigen-step",),
    "cubic-local-minimum": ("cubic-critical", "cubic-second-right"),
    "cubic-local-maximum": ("cubic-critical", "cubic-second-left"),
    "cubic-not-global": ("cubic-local-minimum",),
    "cubic-ends": ("cubic-interval", "cubic-local-minimum"),
    "minibatch-gradient": ("minibatch-loss",),
    "draw-in-batch": ("draw-one",),
    "draw-two-in-batch": ("draw-two",),
    "subset-unbiased": ("draw-in-batch",),
    "replacement-unbiased": ("minibatch-unbiased",),
    "subset-variance": ("draw-in-batch", "draw-two-in-batch", "subset-unbiased"),
    "replacement-variance": ("replacement-independent", "replacement-unbiased"),
    "minibatch-full": ("subset-variance",),
    "minibatch-replacement": ("subset-variance", "replacement-variance"),
    "minibatch-larger": ("subset-variance",),
    "noise-step": ("gd-step", "noise-uncorrelated"),
    "noise-fixed-point": ("noise-step",),
    "noise-variance": ("noise-step",),
    "noise-deviation": ("noise-step", "noise-fixed-point"),
    "noise-limit": ("noise-deviation", "noise-factor"),
    "noise-stays": ("noise-limit",),
    "noise-smaller-rate": ("noise-fixed-point",),
    "noise-small-rate": ("noise-fixed-point",),
    "momentum-gradients": ("momentum-unrolled", "momentum-iterate"),
    "momentum-memory": ("momentum-unrolled",),
    "momentum-weights": ("momentum-unrolled",),
    "momentum-characteristic": ("momentum-recurrence",),
    "momentum-roots": ("momentum-characteristic",),
    "momentum-solution": ("momentum-solution-difference", "momentum-roots"),
    "momentum-double-root": ("momentum-solution-difference", "momentum-roots"),
    "momentum-double-decay": ("momentum-double-root", "momentum-double-bound"),
    "momentum-stable": ("momentum-roots", "jury-real", "jury-complex"),
    "momentum-complex-decay": ("momentum-invariant",),
    "ema-weights": ("ema-unrolled",),
    "ema-corrected": ("ema-weights",),
    "noise-schedule": ("noise-step",),
    "schedule-from": ("noise-step",),
    "schedule-tail": ("schedule-remembers", "schedule-split"),
    "schedule-noise": ("noise-schedule",),
    "schedule-converges": ("schedule-from", "schedule-square", "schedule-forgets", "schedule-noise"),
    "cost-cholesky": ("cost-cholesky-step",),
    "cost-cholesky-sum": ("cost-cholesky-step",),
    "cost-cholesky-rest": ("cost-cholesky",),
    "cost-hessian": ("cost-gram", "cost-cholesky-rest"),
    "cost-hessian-below": ("cost-hessian",),
    "cost-compare": ("cost-gradient", "cost-gram"),
}

CHANCES = Text(
    "that the chances of draws one after the other multiply is the definition of conditional probability",
    "차례로 뽑을 때 확률이 곱해지는 것은 조건부 확률의 정의",
)
EXPECTATION = Text(
    "that the expectation of a sum is the sum of the expectations, over finitely many outcomes",
    "합의 기댓값은 기댓값의 합, 결과가 유한할 때",
)
LIMIT = Text(
    "that a sum which is infinite exceeds every bound, and one which is finite leaves a rest below any bound: the"
    " meaning of the words",
    "합이 무한대이면 어떤 한계도 넘고, 유한하면 나머지가 어떤 한계보다도 작아진다: 낱말의 뜻",
)
COUNT = Text(
    "that these are the loops of the algorithm; additions and memory are not counted",
    "알고리즘의 반복이 이렇다는 것; 덧셈과 메모리는 세지 않는다",
)
LEAVES: dict[str, Text] = {
    **dict.fromkeys(("draw-one", "draw-left-out", "draw-two"), CHANCES),
    **dict.fromkeys(("draw-in-batch", "draw-two-in-batch"), CHANCES),
    **dict.fromkeys(("minibatch-loss", "minibatch-unbiased", "subset-unbiased", "replacement-unbiased"), EXPECTATION),
    **dict.fromkeys(("subset-variance", "replacement-independent", "replacement-variance", "noise-step"), EXPECTATION),
    **dict.fromkeys(("schedule-forgets", "schedule-tail", "schedule-noise", "schedule-converges"), LIMIT),
    **dict.fromkeys(("cost-gradient", "cost-gram-full", "cost-gram", "cost-cholesky-step"), COUNT),
    "noise-uncorrelated": Text(
        "that the noise is drawn independently of the error, with mean 0, is the model",
        "잡음이 오차와 독립으로, 평균 0으로 뽑힌다는 것은 모형",
    ),
    "gd-eigen": Text(
        "that a symmetric matrix has d orthogonal eigenvectors (the spectral theorem)",
        "대칭행렬에는 직교하는 고유벡터가 d 개 있다 (스펙트럼 정리)",
    ),
    "gd-descent-all": Text(
        "that the loss is the sum over the eigenvectors (the spectral theorem)",
        "손실이 고유벡터에 대한 합이라는 것 (스펙트럼 정리)",
    ),
    "momentum-stable": Text(
        "that roots inside the unit circle mean that every solution dies out is said by momentum-solution,"
        " momentum-double-decay and momentum-complex-decay together",
        "근이 단위원 안이면 모든 해가 사라진다는 것은 momentum-solution, momentum-double-decay,"
        " momentum-complex-decay 가 함께 말한다",
    ),
    "momentum-steady": Text("that beta^t goes to 0: see gd-converges", "beta^t 가 0으로 간다는 것: gd-converges"),
}


@lru_cache(maxsize=1)
def _all() -> dict[str, Theorem]:
    return {
        name: Theorem(name, group, found, RESTS_ON.get(name, ()), LEAVES.get(name, Text()))
        for group in CHAINS["dynamics"]
        for name, found in chains(group).items()
    }


def theorems(group: str = "") -> tuple[Theorem, ...]:
    """The theorems of a group of GROUPS, or all of them. Raises InputError for an unknown group.

    >>> [theorem.name for theorem in theorems("noise")][:2]
    ['noise-uncorrelated', 'noise-step']
    """
    if group and group not in GROUPS:
        raise InputError(f"there is no group {group!r}", remedy=f"use one of {', '.join(GROUPS)}")
    return tuple(theorem for theorem in _all().values() if group in ("", theorem.group))


def theorem(name: str) -> Theorem:
    """The theorem of that name. Raises InputError with the nearest name.

    >>> theorem("gd-stable").says.en, theorem("gd-stable").rests_on
    ('Gradient descent on a quadratic converges iff 0 < eta < 2/lambda', ('gd-error',))
    """
    if name in _all():
        return _all()[name]
    close = difflib.get_close_matches(name, _all(), 1)
    remedy = f"did you mean {close[0]}?" if close else "`derive list dynamics` shows the names"
    raise InputError(f"there is no theorem {name!r}", remedy=remedy)


__all__ = ["GROUPS", "Theorem", "theorem", "theorems"]

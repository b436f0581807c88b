"""What a Hessian with its Cholesky factor costs, and what one gradient step costs: counted, and measured here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.ascii import show
from derive.derivation import Text
from numeric.pictures.canvas import BLUE, RED, Moving, Say, Scene, log_scale, number
from numeric.pictures.formulas import Array, evaluate, multiplications

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECONDS = 2.0  # that the measurement may take, about


def cost(values: Mapping[str, Any]) -> Scene:
    """Operations of the second-order route and of one gradient step of least squares, over p; measured times beside.

    Options: n samples, the largest p, measure (yes or no), seed of the data. Counts are those of cost-hessian (half of
    X'X, its Cholesky factor) and of cost-gradient. Times are those of the same two in NumPy on this machine, in
    float64, the shortest of several; they differ from call to call. Measurement stops after a few seconds.

    >>> from derive.plots import read_plot
    >>> figures = cost(read_plot("cost", {"n": "1000", "p": "300", "measure": "no"}).values).figures
    >>> figures["count_hessian"] / figures["count_step"]
    82.82516666666666
    """
    n, largest = values["n"], values["p"]
    sizes = [2**k for k in range(3, 12) if 2**k < largest] + [largest]
    along = np.array(sizes, dtype=np.float64)
    terms = multiplications()
    counted = {name: evaluate(term, {"n": Fraction(n)}, p=along) for name, term in terms.items()}
    figures = {"n": float(n), "p": float(largest), "count_hessian": float(counted["hessian"][-1]),
               "count_step": float(counted["step"][-1])}  # fmt: skip
    ratio = figures["count_hessian"] / figures["count_step"]
    alt = Text(
        f"Operations over the number of parameters p, both axes logarithmic, with {n} samples. At p = {largest} a "
        f"Hessian with its Cholesky factor takes about {number(figures['count_hessian'])}, a gradient step about "
        f"{number(figures['count_step'])}: {number(ratio)} times less.",
        f"샘플 {n}개일 때 파라미터 수 p에 따른 연산 횟수, 두 축 모두 로그. p = {largest}에서 헤시안과 촐레스키 "
        f"분해는 약 {number(figures['count_hessian'])}번, 경사하강법 한 걸음은 약 {number(figures['count_step'])}번: "
        f"{number(ratio)}배 차이.",
    )
    times: dict[str, list[float]] = {}
    if values["measure"] == "yes":
        times = _measured(n, sizes, counted["hessian"], values["seed"])
        last = sizes[len(times["step"]) - 1]
        figures |= {"measured_p": float(last), "seconds_hessian": times["hessian"][-1],
                    "seconds_step": times["step"][-1]}  # fmt: skip
        slower = figures["seconds_hessian"] / figures["seconds_step"]
        alt = Text(
            f"{alt.en} Measured on this machine at p = {last}: {_seconds(figures['seconds_hessian'])} against "
            f"{_seconds(figures['seconds_step'])}, {number(slower)} times.",
            f"{alt.ko} 이 컴퓨터에서 잰 시간, p = {last}: {_seconds(figures['seconds_hessian'])} 대 "
            f"{_seconds(figures['seconds_step'])}, {number(slower)}배.",
        )

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        names = {
            "hessian": Text("Hessian, Cholesky", "헤시안, 촐레스키 분해"),
            "step": Text("one gradient step", "경사하강법 한 걸음"),
        }
        formulas = {name: show(term).replace("**", "^").replace("*", r"\,") for name, term in terms.items()}
        looks = {"hessian": (RED, "--", "s"), "step": (BLUE, "-", "o")}
        panels = figure.subplots(1, 2 if times else 1, squeeze=False)[0]
        for name, (colour, style, marker) in looks.items():
            panels[0].plot(sizes, counted[name], color=colour, linestyle=style, marker=marker,
                           label=f"{say(names[name])}\n${formulas[name]}$")  # fmt: skip
            if times:
                shown = times[name]
                panels[1].plot(sizes[: len(shown)], shown, color=colour, linestyle=style, marker=marker,
                               label=f"{say(names[name])}: {_seconds(shown[-1])}")  # fmt: skip
        panels[0].set_ylabel(say(Text("operations", "연산 횟수")))
        panels[0].set_title(say(Text("counted", "센 횟수")) + rf"   $n = {n}$")
        if times:
            panels[1].set_ylabel(say(Text("seconds", "초")))
            panels[1].set_title(say(Text("measured on this machine", "이 컴퓨터에서 잰 시간")))
        for axes in panels:
            log_scale(axes, "x", _apart(sizes))
            axes.set_xlabel(say(Text("parameters $p$", "파라미터 수 $p$")))
            axes.set_yscale("log")
            axes.set_ylim(None, axes.get_ylim()[1] * 300)  # room for the legend
            log_scale(axes, "y")
            axes.legend(loc="upper left")
        return ()

    return Scene(alt, figures, draw)


def _apart(sizes: Sequence[int]) -> list[int]:
    """Sizes whose labels do not touch, with the largest: at most five.

    >>> _apart([8, 16, 32, 64, 65]), _apart([8, 16, 32, 64, 128, 256, 512, 1024])
    ([65, 32, 16, 8], [1024, 256, 64, 16])
    """
    kept = [size for size in sizes if 3 * size <= 2 * sizes[-1]] + [sizes[-1]]
    return kept[:: -(1 + len(kept) // 6)]


def _seconds(value: float) -> str:
    """A time in the unit that suits it.

    >>> _seconds(0.0123), _seconds(2.5e-06)
    ('12 ms', '2.5 µs')
    """
    unit, size = next(((unit, size) for unit, size in (("s", 1.0), ("ms", 1e-3)) if value >= size), ("µs", 1e-6))
    return f"{value / size:.0f} {unit}" if value >= 10 * size else f"{value / size:.1f} {unit}"


def _measured(n: int, sizes: Sequence[int], counts: Array, seed: int) -> dict[str, list[float]]:
    """The shortest of at least three times for both routes at each size, as far as SECONDS allow.

    The sizes take turns: what another program disturbs is not always the same one, and can only make a time longer.
    """
    random = np.random.default_rng(seed)
    data, y = random.standard_normal((n, sizes[-1])), random.standard_normal(n)
    found: dict[str, list[float]] = {name: [] for name in ("hessian", "step")}
    begin = time.perf_counter()
    fastest = 0.0  # multiply-adds in a second
    rounds = 0
    while rounds < 3 or time.perf_counter() - begin < SECONDS:
        for at, p in enumerate(sizes):
            if not rounds and at > 2 and 3 * counts[at] > SECONDS * fastest:  # three times would take too long
                sizes = sizes[:at]
                break
            for name, seconds in _both(data[:, :p], y).items():
                found[name][at:] = [min([seconds, *found[name][at : at + 1]]), *found[name][at + 1 :]]
            fastest = max(fastest, float(counts[at]) / found["hessian"][at])
        rounds += 1
    return found


def _both(x: Array, y: Array) -> dict[str, float]:
    """How long both routes take, once."""
    w, ridge = (
        np.zeros(x.shape[1]),
        np.eye(x.shape[1]),
    )  # positive definite also where there are more parameters than samples
    start = time.perf_counter()
    np.linalg.cholesky(x.T @ x + ridge)
    solved = time.perf_counter()
    x.T @ (x @ w - y)
    return {"hessian": solved - start, "step": time.perf_counter() - solved}

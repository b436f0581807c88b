"""Gradient descent on a quadratic: paths with three learning rates, and losses below their proved bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.derivation import Text
from derive.errors import InputError
from derive.library import derivation
from numeric.pictures.canvas import BLACK, BLUE, GREEN, QUIET, RED, SERIES, Moving, Say, Scene, log_scale, number, tex
from numeric.pictures.formulas import (
    Array,
    best_rate,
    compiled,
    evaluate,
    exact_at,
    quadratic,
    recurrence,
    shrinking,
    stable,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START = (-1.0, 0.4)  # of the paths, along the small and the large curvature
WINDOW = 1.8
LARGEST = 1e100


def errors(eta: Fraction, curvature: Fraction, start: float, steps: int) -> Array:
    """The error after 0, 1, ..., steps steps on a quadratic: the closed form of gd-error.

    >>> errors(Fraction(1, 2), Fraction(1), 8.0, 3).tolist()
    [8.0, 4.0, 2.0, 1.0]
    """
    at = {"eta": eta, "lambda": curvature, "e0": Fraction(start)}
    found = evaluate(recurrence("gd-error").closed, at, t=np.arange(steps + 1.0))
    if not np.all(np.abs(found) < LARGEST):
        raise _leaves(steps)
    return found


def _leaves(steps: int) -> InputError:
    remedy = "choose fewer steps or a smaller learning rate"
    return InputError(f"gradient descent leaves every picture within {steps} steps", remedy=remedy)


def trajectory(values: Mapping[str, Any]) -> Scene:
    """Contours of a quadratic with the paths of gradient descent for two learning rates and the best one.

    Options: mu > 0 and L >= mu are the curvatures, large and small learning rates in units of 2/L; steps. The good one
    is that of gd-rate-only, 2/(mu + L): no other shrinks both directions as much. Paths are the closed form of gd-error
    in each direction; which rates converge is the claim gd-stable. Raises InputError where a path leaves the floating-
    point numbers.

    >>> from derive.plots import read_plot
    >>> round(trajectory(read_plot("trajectory", {}).values).figures["eta_good"], 4)
    0.1818
    """
    mu, big, steps = values["mu"], values["L"], values["steps"]
    rates = {
        "large": values["large"] * 2 / big,
        "small": values["small"] * 2 / big,
        "good": exact_at(best_rate(), {"mu": mu, "L": big}),
    }
    paths = {name: [errors(eta, c, s, steps) for c, s in zip((mu, big), START, strict=True)]
             for name, eta in rates.items()}  # fmt: skip
    ends = {name: float(np.hypot(*(line[-1] for line in path))) for name, path in paths.items()}
    begin = float(np.hypot(*START))
    figures = {"distance_start": begin}
    for name, eta in rates.items():
        figures |= {f"eta_{name}": float(eta), f"distance_{name}": ends[name]}

    names = {
        "large": _against_border(values["large"]),
        "small": _against_border(values["small"]),
        "good": Text("best", "가장 좋은 학습률"),
    }
    verdicts = {True: Text("converges", "수렴"), False: Text("does not converge", "수렴하지 않음")}
    told = {name: verdicts[stable(eta, (mu, big))] for name, eta in rates.items()}
    parts = [
        Text(
            f"{names[n].en}, {number(eta)}: {told[n].en}, distance {number(ends[n])}",
            f"{names[n].ko} {number(eta)}: {told[n].ko}, 거리 {number(ends[n])}",
        )
        for n, eta in rates.items()
    ]
    alt = Text(
        f"Contours of a quadratic with curvatures {number(mu)} and {number(big)}, and {steps} steps of gradient "
        f"descent from a distance of {number(begin)} to the minimum, with three learning rates. "
        + "; ".join(part.en for part in parts) + ".",
        f"곡률이 {number(mu)}, {number(big)}인 이차함수의 등고선 위에서, 최솟점까지의 거리 {number(begin)}인 점에서 "
        f"출발한 경사하강법 {steps}걸음, 학습률 세 가지. " + "; ".join(part.ko for part in parts) + ".",
    )  # fmt: skip
    formulas = {
        "large": rf"$\eta = {tex(values['large'])}\cdot 2/L = {tex(rates['large'])}$",
        "small": rf"$\eta = {tex(values['small'])}\cdot 2/L = {tex(rates['small'])}$",
        "good": rf"$\eta = 2/(\mu + L) = {tex(rates['good'])}$",
    }

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        side = np.linspace(-WINDOW, WINDOW, 161)
        height = np.add.outer(_height(big, side), _height(mu, side))
        at_start = sum(float(_height(c, np.array([s]))[0]) for c, s in zip((mu, big), START, strict=True))
        levels = at_start * np.array([0.01, 0.06, 0.17, 0.36, 0.65, 1.0, 1.6, 2.4, 3.4])
        moving = []
        panels = figure.subplots(1, 3, sharey=True)
        for axes, (name, path), colour in zip(panels, paths.items(), (RED, BLUE, GREEN), strict=True):
            axes.grid(False)
            axes.contour(side, side, height, levels=levels, colors="#b9c1cc", linewidths=0.9)
            axes.plot(
                0, 0, color=BLACK, marker="*", markersize=11, linestyle="none", label=say(Text("minimum", "최솟점"))
            )
            (line,) = axes.plot(*path, color=colour, marker="o", markersize=4.5, linewidth=1.8)
            moving.append(Moving(line, *path))
            axes.plot(*START, color=BLACK, marker="s", markersize=7, linestyle="none", label=say(Text("start", "출발")))
            way = f"{say(Text('distance', '거리'))} {number(begin)} → {number(ends[name])}"
            axes.set_title(f"{say(names[name])}: {say(told[name])}\n{formulas[name]}\n{way}", linespacing=1.4)
            axes.set(xlim=(-WINDOW, WINDOW), ylim=(-WINDOW, WINDOW), aspect="equal", xlabel="$w_1$")
            axes.set_xticks([-1, 0, 1])
            axes.set_yticks([-1, 0, 1])
        panels[0].set_ylabel("$w_2$")
        panels[-1].legend(loc="lower right", handletextpad=0.2)
        return moving

    return Scene(alt, figures, draw)


def _against_border(ratio: Fraction) -> Text:
    """Where a learning rate lies, from its ratio to 2/L."""
    if ratio == 1:
        return Text("at 2/L", "2/L과 같음")
    return Text("above 2/L", "2/L보다 큼") if ratio > 1 else Text("below 2/L", "2/L보다 작음")


def _height(curvature: Fraction, along: Array) -> Array:
    return evaluate(quadratic(), {"lambda": curvature}, w=along)


def convergence(values: Mapping[str, Any]) -> Scene:
    """The loss against the step for several learning rates, each below its proved bound.

    Options: eta, up to six learning rates > 0; mu and L are the curvatures of the quadratic; steps. The losses come
    from running the recurrence of gd-error in both directions; the bound is that of gd-geometric: after t steps no
    error is more than r**t of what it was, r = max |1 - eta*lambda|, so the loss is at most r**(2t) of what it was.
    Raises InputError where a loss leaves the floating-point numbers.

    >>> from derive.plots import read_plot
    >>> figures = convergence(read_plot("convergence", {"eta": "0.1"}).values).figures
    >>> figures["loss_1"] <= figures["bound_1"]
    True
    """
    mu, big, steps = values["mu"], values["L"], values["steps"]
    most = derivation("gd-geometric").lines[-1].term  # r**t*abs(e0), where r is at least every factor of a step
    runs = []
    figures: dict[str, float] = {}
    for count, eta in enumerate(values["eta"], 1):
        loss = _losses(eta, (mu, big), steps)
        rate = max(exact_at(shrinking(), {"eta": eta, "lambda": c}) for c in (mu, big))
        bound = evaluate(most, {"r": rate, "e0": Fraction(1)}, t=np.arange(steps + 1.0)) ** 2 * loss[0]
        runs.append((eta, rate, loss, bound))
        figures |= {f"eta_{count}": float(eta), f"rate_{count}": float(rate)}
        figures |= {f"loss_{count}": float(loss[-1]), f"bound_{count}": float(bound[-1])}
    parts = [
        Text(
            f"eta {number(eta)}: rate {number(rate)}, loss {number(loss[-1])}, bound {number(bound[-1])}",
            f"eta {number(eta)}: 비율 {number(rate)}, 손실 {number(loss[-1])}, 한계 {number(bound[-1])}",
        )
        for eta, rate, loss, bound in runs
    ]
    alt = Text(
        f"Loss against step, on a logarithmic scale, for {steps} steps of gradient descent on a quadratic with "
        f"curvatures {number(mu)} and {number(big)}; no loss is above its proved bound. At the end: "
        + "; ".join(part.en for part in parts) + ".",
        f"곡률이 {number(mu)}, {number(big)}인 이차함수 위의 경사하강법 {steps}걸음의 손실, 로그 축. "
        "손실은 증명된 한계를 넘지 않는다. 마지막 값: " + "; ".join(part.ko for part in parts) + ".",
    )  # fmt: skip

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        axes = figure.subplots()
        every = max(1, steps // 12)
        ticks = np.arange(steps + 1)
        for (eta, rate, loss, bound), (colour, style, marker) in zip(runs, SERIES, strict=False):
            axes.plot(ticks, bound, color=colour, linestyle=(0, (1.5, 1.5)), linewidth=1.4)
            label = rf"$\eta = {tex(eta)}$,  $\rho = {tex(rate)}$"
            axes.plot(ticks, loss, color=colour, linestyle=style, marker=marker, markevery=every, label=label)
        axes.plot([], [], color=QUIET, linestyle=(0, (1.5, 1.5)), linewidth=1.4,
                  label=say(Text("proved bound", "증명된 한계")) + r" $\rho^{2t}\,\mathcal{L}(w_0)$")  # fmt: skip
        log_scale(axes)
        axes.set(xlabel=say(Text("step $t$", "걸음 $t$")), ylabel=say(Text("loss", "손실")) + r" $\mathcal{L}(w_t)$")
        axes.set_xlim(0, steps)
        shape = rf"$\mu = {tex(mu)},\ L = {tex(big)},\ \rho = \max(|1-\eta\mu|, |1-\eta L|)$"
        axes.set_title(say(Text("Gradient descent on a quadratic", "이차함수 위의 경사하강법")) + f"   {shape}")
        axes.legend(loc="lower left")
        return ()

    return Scene(alt, figures, draw)


def _losses(eta: Fraction, curvatures: Sequence[Fraction], steps: int) -> Array:
    """The loss at every step from (1, 1), by running the recurrence."""
    rule = recurrence("gd-error")
    found = np.zeros(steps + 1)
    for curvature in curvatures:
        step = compiled(rule.step, {"eta": eta, "lambda": curvature}, rule.name)
        path = [np.ones(1)]
        for _ in range(steps):
            path.append(step(**{rule.name: path[-1]}))
            if not abs(path[-1][0]) < LARGEST:
                raise _leaves(steps)
        found += _height(curvature, np.concatenate(path))
    return found

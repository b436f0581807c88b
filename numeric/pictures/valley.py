"""Momentum, RMSprop and Adam: their paths, and the lengths of their steps, by running the rules of the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.derivation import Text
from numeric.pictures.canvas import BLACK, BLUE, GREEN, PURPLE, QUIET, RED, Moving, Say, Scene, log_ticks, number, tex
from numeric.pictures.formulas import evaluate
from numeric.pictures.running import PLATEAU, Run, bowl, heights, losses, run, slope

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALONG, SLOPE = (-1.0, 0.4), -0.8  # where the runs of `momentum` begin: in the valley, and before the plateau
FAR = (-6.0, 4.0)  # where those of `rmsprop` and `adam` begin
STEP, DISTANCE, LOSS = Text("step $t$", "걸음 $t$"), Text("distance", "거리"), Text("loss", "손실")
Look = tuple[str, str, str]  # colour, line style, marker
LOOKS: dict[str, Look] = {
    "gd": (RED, "--", "s"), "momentum": (BLUE, "-", "o"), "rmsprop": (PURPLE, ":", "D"), "adam": (GREEN, "-.", "^"),
}  # fmt: skip
EFFECTIVE = Text("effective step size\n(step ÷ gradient)", "실효 학습률\n(걸음 ÷ 기울기)")
GD, MOMENTUM = Text("gradient descent", "경사하강법"), Text("momentum", "모멘텀")
WITHOUT, WITH = Text("without momentum", "모멘텀 없이"), Text("with momentum", "모멘텀 있음")


def momentum(values: Mapping[str, Any]) -> Scene:
    """Gradient descent with and without momentum: over a plateau, and along a valley.

    Options: mu > 0 and L >= mu are the curvatures of the valley; eta, beta1 and steps are those of both pictures. The
    plateau is that of `PLATEAU`, whose slope at w = 0 is 0. Raises InputError where a run leaves the picture.

    >>> from derive.plots import read_plot
    >>> figures = momentum(read_plot("momentum", {}).values).figures
    >>> figures["plateau_gd"] < 0 < figures["plateau_momentum"]
    True
    """
    curvatures, steps = (values["mu"], values["L"]), values["steps"]
    numbers = {"gd": {"lr": values["eta"]}, "momentum": {"lr": values["eta"], "beta1": values["beta1"]}}
    flat = {name: run(name, slope(PLATEAU), [SLOPE], steps, **given) for name, given in numbers.items()}
    deep = {name: run(name, bowl(curvatures), ALONG, steps, **given) for name, given in numbers.items()}
    ends = {name: float(np.hypot(*each.w[-1])) for name, each in deep.items()}
    stops = {name: float(each.w[-1, 0]) for name, each in flat.items()}
    begin = float(np.hypot(*ALONG))
    figures = {f"plateau_{name}": stops[name] for name in numbers} | {f"distance_{n}": ends[n] for n in numbers}
    figures["distance_start"] = begin
    alt = Text(
        f"Two pictures with learning rate {number(values['eta'])}, {steps} steps each, without momentum and with "
        f"momentum {number(values['beta1'])}. A slope with a plateau at w = 0 and the minimum at w = 1, started at "
        f"w = {number(SLOPE)}: without it ends at w = {number(stops['gd'])}, with it at "
        f"w = {number(stops['momentum'])}. A valley with curvatures {number(values['mu'])} and {number(values['L'])}, "
        f"started at a distance of {number(begin)}: the distance at the end is {number(ends['gd'])} without, "
        f"{number(ends['momentum'])} with momentum.",
        f"학습률 {number(values['eta'])}, 각각 {steps}걸음의 그림 두 개, 모멘텀 없이 그리고 모멘텀 "
        f"{number(values['beta1'])}. w = 0에 평지가 있고 w = 1이 최솟점인 비탈에서 w = {number(SLOPE)}에서 출발: "
        f"모멘텀이 없으면 w = {number(stops['gd'])}, 있으면 w = {number(stops['momentum'])}에서 끝난다. "
        f"곡률 {number(values['mu'])}, {number(values['L'])}인 골짜기에서 거리 {number(begin)}에서 출발: 마지막 거리는 "
        f"모멘텀이 없으면 {number(ends['gd'])}, 있으면 {number(ends['momentum'])}.",
    )

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
        low = min(-0.9, *(float(each.w.min()) for each in flat.values()))
        high = max(1.4, *(float(each.w.max()) for each in flat.values()))
        side = np.linspace(low, high, 201)
        curve = evaluate(PLATEAU, {}, w=side)
        left.plot(side, curve, color=QUIET, linewidth=1.6)
        left.set_ylim(curve.min() - 0.1 * np.ptp(curve), curve.max() + 0.3 * np.ptp(curve))  # room for the legend
        moving = []
        for name, each in flat.items():
            colour, style, marker = LOOKS[name]
            along = each.w[:, 0]
            (line,) = left.plot(
                along, evaluate(PLATEAU, {}, w=along), color=colour, marker=marker, markersize=6, linestyle="none",
                alpha=0.75, label=f"{say(WITHOUT if name == 'gd' else WITH)}: $w = {tex(stops[name])}$",
            )  # fmt: skip
            moving.append(Moving(line, along, evaluate(PLATEAU, {}, w=along)))
        left.set(xlabel="$w$", ylabel=say(LOSS))
        left.set_title(say(Text("over a plateau", "평지를 지나")))
        left.legend(loc="upper right", handletextpad=0.2)
        shown = f"$\\eta = {tex(values['eta'])},\\ \\beta_1 = {tex(values['beta1'])}$"
        moving += _paths(right, curvatures, deep, ALONG)
        right.set_title(f"{say(Text('along a valley', '골짜기를 따라'))}   {shown}")
        for name in deep:
            colour, style, marker = LOOKS[name]
            label = f"{say(WITHOUT if name == 'gd' else WITH)}: {say(DISTANCE)} {number(ends[name])}"
            right.plot([], [], color=colour, linestyle=style, marker=marker, markersize=5, linewidth=1.5, label=label)
        right.legend(loc="lower right")
        return moving

    return Scene(alt, figures, draw)


def rmsprop(values: Mapping[str, Any]) -> Scene:
    """Two directions of different steepness: gradient descent, RMSprop, and the effective step sizes of RMSprop.

    Options: mu > 0 and L >= mu are the curvatures; eta, beta2 and eps those of RMSprop; rate the learning rate of
    gradient descent; steps. The effective step size of a direction is what a step took of its gradient there. Raises
    InputError where a run leaves the picture.

    >>> from derive.plots import read_plot
    >>> figures = rmsprop(read_plot("rmsprop", {}).values).figures
    >>> figures["effective_1_first"] > 10*figures["effective_2_first"]
    True
    """
    curvatures, steps = (values["mu"], values["L"]), values["steps"]
    plain = run("gd", bowl(curvatures), FAR, steps, lr=values["rate"])
    own = {"lr": values["eta"], "beta2": values["beta2"], "eps": values["eps"]}
    scaled = run("rmsprop", bowl(curvatures), FAR, steps, **own)
    runs = {"gd": plain, "rmsprop": scaled}
    ends = {name: float(np.hypot(*each.w[-1])) for name, each in runs.items()}
    begin, (first, last) = float(np.hypot(*FAR)), (scaled.effective[0], scaled.effective[-1])
    figures = {"distance_start": begin} | {f"distance_{name}": ends[name] for name in runs}
    for k in (0, 1):
        for when, each in (("first", first[k]), ("last", last[k])):
            if np.isfinite(each):
                figures[f"effective_{k + 1}_{when}"] = float(each)
    slopes = [float(abs(each)) for each in scaled.g[0]]
    sizes, final = ([number(float(each)) for each in row] for row in (first, last))
    alt = Text(
        f"A quadratic with curvature {number(values['mu'])} along w1 and {number(values['L'])} along w2; at the start "
        f"the gradient is {number(slopes[0])} along w1 and {number(slopes[1])} along w2. After {steps} steps from a "
        f"distance of {number(begin)}: gradient descent with learning rate {number(values['rate'])} is "
        f"{number(ends['gd'])} away, RMSprop with eta {number(values['eta'])}, beta2 {number(values['beta2'])}, eps "
        f"{number(float(values['eps']))} is {number(ends['rmsprop'])} away. Its effective step sizes are {sizes[0]} "
        f"along w1 and {sizes[1]} along w2 in the first step, {final[0]} and {final[1]} in the last.",
        f"w1 방향 곡률 {number(values['mu'])}, w2 방향 곡률 {number(values['L'])}인 이차함수. 출발점의 기울기는 "
        f"w1 방향 {number(slopes[0])}, w2 방향 {number(slopes[1])}. 거리 {number(begin)}에서 {steps}걸음 뒤의 거리: "
        f"학습률 {number(values['rate'])}의 경사하강법 {number(ends['gd'])}, eta {number(values['eta'])}, beta2 "
        f"{number(values['beta2'])}, eps {number(float(values['eps']))}의 RMSprop {number(ends['rmsprop'])}. "
        f"실효 학습률은 첫 걸음에서 w1 방향 {sizes[0]}, w2 방향 {sizes[1]}, 마지막 걸음에서 {final[0]}, {final[1]}.",
    )
    names = {"gd": f"$\\eta = {tex(values['rate'])}$", "rmsprop": f"$\\eta = {tex(values['eta'])},\\ \\beta_2 = "
             f"{tex(values['beta2'])}$"}  # fmt: skip

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        panels = figure.subplots(1, 3, width_ratios=[1, 1, 1.15])
        moving = []
        for axes, (name, each) in zip(panels, runs.items(), strict=False):
            moving += _paths(axes, curvatures, {name: each}, FAR, runs)
            title = "RMSprop" if name == "rmsprop" else say(GD)
            axes.set_title(f"{title}\n{names[name]}\n{say(DISTANCE)} ${tex(begin)}$ → ${tex(ends[name])}$",
                           linespacing=1.35)  # fmt: skip
        panels[1].set_ylabel("")
        effective, ticks = scaled.effective, np.arange(1, steps + 1)
        for k, (colour, style, marker) in enumerate(((BLUE, "-", "o"), (RED, "--", "s"))):
            good = effective[:, k] > 0
            panels[2].plot(ticks[good], effective[good, k], color=colour, linestyle=style, marker=marker, markersize=5,
                           markevery=max(1, steps // 12), label=f"$w_{k + 1}$")  # fmt: skip
        panels[2].set_title(say(EFFECTIVE), linespacing=1.35)
        panels[2].set(xlabel=say(STEP))
        log_ticks(panels[2], effective[effective > 0])
        panels[2].legend(loc="center right")
        return moving

    return Scene(alt, figures, draw)


def adam(values: Mapping[str, Any]) -> Scene:
    """Adam beside momentum and RMSprop in a valley: their paths from the same start, and how far the loss falls.

    Options: mu > 0 and L >= mu are the curvatures; eta is the learning rate of all three, beta1 of momentum and Adam,
    beta2 and eps of RMSprop and Adam; rule is adam-lecture (as on the slide, without bias correction) or adam; steps.
    Raises InputError where a run leaves the picture.

    >>> from derive.plots import read_plot
    >>> sorted(adam(read_plot("adam", {"steps": "5"}).values).figures)
    ['loss_adam', 'loss_momentum', 'loss_rmsprop', 'loss_start']
    """
    curvatures, steps = (values["mu"], values["L"]), values["steps"]
    lr, first = {"lr": values["eta"]}, {"beta1": values["beta1"]}
    second = {"beta2": values["beta2"], "eps": values["eps"]}
    wanted = {"momentum": ("momentum", lr | first), "rmsprop": ("rmsprop", lr | second),
              "adam": (values["rule"], lr | first | second)}  # fmt: skip
    runs = {key: run(name, bowl(curvatures), FAR, steps, **given) for key, (name, given) in wanted.items()}
    fallen = {key: losses(curvatures, each.w) for key, each in runs.items()}
    figures = {"loss_start": float(fallen["adam"][0])} | {f"loss_{key}": float(f[-1]) for key, f in fallen.items()}
    corrected = values["rule"] == "adam"
    what = Text("Adam" if corrected else "Adam without bias correction", "Adam" if corrected else "편향 보정 없는 Adam")
    names = {"momentum": MOMENTUM, "rmsprop": Text("RMSprop", "RMSprop"), "adam": what}
    ends = {key: number(figures[f"loss_{key}"]) for key in runs}
    told = [Text(f"{names[key].en} {ends[key]}", f"{names[key].ko} {ends[key]}") for key in runs]
    alt = Text(
        f"Paths of momentum, RMSprop and Adam over a quadratic with curvatures {number(values['mu'])} and "
        f"{number(values['L'])}, {steps} steps with learning rate {number(values['eta'])}, beta1 "
        f"{number(values['beta1'])}, beta2 {number(values['beta2'])}, eps {number(float(values['eps']))}. The loss "
        f"begins at {number(figures['loss_start'])} and ends at: " + ", ".join(each.en for each in told) + ".",
        f"곡률 {number(values['mu'])}, {number(values['L'])}인 이차함수 위에서 모멘텀, RMSprop, Adam 의 경로, 학습률 "
        f"{number(values['eta'])}, beta1 {number(values['beta1'])}, beta2 {number(values['beta2'])}, eps "
        f"{number(float(values['eps']))}로 {steps}걸음. 손실은 {number(figures['loss_start'])}에서 시작, 마지막 값은: "
        + ", ".join(each.ko for each in told) + ".",
    )  # fmt: skip

    shown = {"momentum": rf"$\beta_1 = {tex(values['beta1'])}$", "rmsprop": rf"$\beta_2 = {tex(values['beta2'])}$"}
    numbers = {key: rf"$\eta = {tex(values['eta'])}$, {text}" for key, text in shown.items()}
    numbers["adam"] = rf"{shown['momentum']}, {shown['rmsprop']}"

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        moving = []
        panels = figure.subplots(1, 3, sharey=True)
        for axes, (key, each) in zip(panels, runs.items(), strict=True):
            moving += _paths(axes, curvatures, {key: each}, FAR, runs)
            way = f"${tex(figures['loss_start'])}$ → ${tex(figures[f'loss_{key}'])}$"
            axes.set_title(f"{say(names[key])}\n{numbers[key]}\n{say(LOSS)} {way}", linespacing=1.35)
            axes.set_ylabel("$w_2$" if key == "momentum" else "")
        return moving

    return Scene(alt, figures, draw)


def _paths(
    axes: Axes, curvatures: Sequence[Fraction], runs: Mapping[str, Run], start: Sequence[float],
    others: Mapping[str, Run] | None = None,
) -> list[Moving]:  # fmt: skip
    """The contours of a quadratic with some paths; the window is one for all `others`, too."""
    every = np.concatenate([each.w for each in (others or runs).values()])
    sides = []
    for k in (0, 1):
        low, high = min(float(every[:, k].min()), 0.0), max(float(every[:, k].max()), 0.0)
        margin = 0.12 * (high - low)
        sides.append((min(low - margin, -0.3 * high), max(high + margin, -0.3 * low)))
    first, second = (np.linspace(*side, 161) for side in sides)
    along, across = heights(curvatures, first, second)
    height = np.add.outer(across, along)
    levels = float(sum(each[0] for each in heights(curvatures, *(np.array([s]) for s in start))))
    axes.contour(first, second, height, levels=levels * np.array([0.01, 0.06, 0.17, 0.36, 0.65, 1.0, 1.6, 2.4]),
                 colors="#c3cad4", linewidths=0.9)  # fmt: skip
    moving = []
    for name, each in runs.items():
        colour, style, marker = LOOKS[name]
        (line,) = axes.plot(*each.w.T, color=colour, linestyle=style, marker=marker, markersize=4.5, linewidth=1.5)
        moving.append(Moving(line, *each.w.T))
    axes.plot(*start, color=BLACK, marker="s", markersize=7, linestyle="none")
    axes.plot(0, 0, color=BLACK, marker="*", markersize=12, linestyle="none")
    axes.set(xlim=sides[0], ylim=sides[1], xlabel="$w_1$", ylabel="$w_2$")
    return moving

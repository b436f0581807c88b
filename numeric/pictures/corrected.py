"""Bias correction: averages that begin at zero, the same corrected, and what that does to the first steps of Adam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.derivation import Text
from derive.update_rule import optimizer
from numeric.pictures.canvas import BLUE, QUIET, RED, Moving, Say, Scene, log_ticks, number, tex
from numeric.pictures.formulas import Array, evaluate
from numeric.pictures.running import Run, run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEP = Text("step $t$", "걸음 $t$")


def bias_correction(values: Mapping[str, Any]) -> Scene:
    """The averages m and v of Adam, their corrected forms, and the length of its steps with and without correction.

    Options: eta, beta1, beta2 and eps are those of Adam; sigma the standard deviation of the gradients, whose mean is
    1; steps; seed. Both rules, adam and adam-lecture, get the same gradients; mhat and vhat are the lines of adam.

    >>> from derive.plots import read_plot
    >>> figures = bias_correction(read_plot("bias-correction", {"sigma": "0"}).values).figures
    >>> round(figures["m_first"], 9), round(figures["mhat_first"], 9), round(figures["ratio_first"], 4)
    (0.1, 1.0, 3.1623)
    """
    steps, sigma = values["steps"], float(values["sigma"])
    drawn = 1.0 + sigma * np.random.default_rng(values["seed"]).standard_normal(steps)
    given = {"lr": values["eta"]} | {name: values[name] for name in ("beta1", "beta2", "eps")}
    corrected, plain = (_run(name, drawn, given) for name in ("adam", "adam-lecture"))
    hats = _corrected(corrected, values)
    lengths = [np.abs(each.steps[:, 0]) for each in (plain, corrected)]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(lengths[1] > 0, lengths[0] / lengths[1], np.nan)
    m, v = corrected.state["m"][:, 0], corrected.state["v"][:, 0]
    first = {"m": m[0], "mhat": hats["mhat"][0], "v": v[0], "vhat": hats["vhat"][0]}
    figures = {f"{name}_first": float(value) for name, value in first.items()}
    for when, value in (("first", ratio[0]), ("largest", np.nanmax(ratio) if np.any(ratio > 0) else np.nan)):
        if np.isfinite(value):
            figures[f"ratio_{when}"] = float(value)
    said, most = (number(figures.get(f"ratio_{when}", 0.0)) for when in ("first", "largest"))
    at = {key: number(value) for key, value in figures.items()}
    alt = Text(
        f"The averages of Adam over {steps} steps with beta1 {number(values['beta1'])}, beta2 "
        f"{number(values['beta2'])}, for gradients with mean 1 and standard deviation {number(values['sigma'])}. After "
        f"the first step m is {at['m_first']}, corrected {at['mhat_first']}; v is {at['v_first']}, corrected "
        f"{at['vhat_first']}. The first step without correction is {said} times as long as with it, "
        f"a later one up to {most} times.",
        f"beta1 {number(values['beta1'])}, beta2 {number(values['beta2'])}인 Adam 의 이동평균, {steps}걸음, "
        f"기울기의 평균 1, 표준편차 {number(values['sigma'])}. 첫 걸음 뒤 m 은 {at['m_first']}, 보정하면 "
        f"{at['mhat_first']}; v 는 {at['v_first']}, 보정하면 {at['vhat_first']}. "
        f"보정이 없으면 첫 걸음의 길이는 있을 때의 {said}배, 그 뒤에는 최대 {most}배.",
    )

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        panels = figure.subplots(1, 3)
        ticks = np.arange(1, steps + 1)
        _pair(panels[0], ticks, m, hats["mhat"], drawn, ("m", r"\hat{m}", "g"), say)
        panels[0].set_title(rf"$\beta_1 = {tex(values['beta1'])}$")
        _pair(panels[1], ticks, v, hats["vhat"], drawn**2, ("v", r"\hat{v}", "g^2"), say)
        panels[1].set_title(rf"$\beta_2 = {tex(values['beta2'])}$")
        for length, look in zip(lengths, _LOOKS, strict=True):
            good = length > 0
            panels[2].plot(ticks[good], length[good], **look, markevery=max(1, steps // 12))
        panels[2].plot([], [], **_LOOKS[0], label=say(Text("without correction", "보정 없이")))
        panels[2].plot([], [], **_LOOKS[1], label=say(Text("with correction", "보정하면")))
        panels[2].set(xlabel=say(STEP))
        title = say(Text("length of a step", "걸음의 길이"))
        panels[2].set_title(rf"{title}, $\eta = {tex(values['eta'])}$")
        log_ticks(panels[2], np.concatenate([length[length > 0] for length in lengths]))
        panels[2].legend(loc="center right")
        return ()

    return Scene(alt, figures, draw)


_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": RED, "linestyle": "--", "marker": "s", "markersize": 5},
    {"color": BLUE, "linestyle": "-", "marker": "o", "markersize": 5},
)


def _run(name: str, gradients: Array, given: Mapping[str, Any]) -> Run:
    left = iter(gradients)
    return run(name, lambda w: np.full_like(w, next(left)), [0.0], len(gradients), **given)


def _corrected(ran: Run, values: Mapping[str, Any]) -> dict[str, Array]:
    """mhat and vhat at every step, by the lines of adam: what one step makes of the state before it."""
    step, count = optimizer("adam").step, len(ran.g)
    given = {name: values[name] for name in ("eta", "beta1", "beta2", "eps")}
    rows = {"g": ran.g[:, 0], "t": np.arange(1.0, count + 1)}
    rows |= {name: np.concatenate([[0.0], array[:-1, 0]]) for name, array in ran.state.items()}
    found = {}
    for hat in ("mhat", "vhat"):
        term = step[hat]
        found[hat] = evaluate(term, given, **rows)
    return found


def _pair(axes: Axes, ticks: Array, plain: Array, hat: Array, true: Array, names: Sequence[str], say: Say) -> None:
    """An average and its corrected form, over what is averaged."""
    every = max(1, len(ticks) // 12)
    axes.plot(ticks, true, color=QUIET, linewidth=0.9, alpha=0.6, label=f"${names[2]}_t$")
    axes.plot(ticks, plain, **_LOOKS[0], markevery=every, label=f"${names[0]}_t$")
    axes.plot(ticks, hat, **_LOOKS[1], markevery=every, label=f"${names[1]}_t$")
    axes.set(xlabel=say(STEP))
    axes.legend(loc="best")

"""Sums of absolute values: the lines that touch them from below at a kink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.derivation import Text
from derive.evaluation.evaluate import evaluate as exact
from derive.evaluation.values import Point, Span
from derive.kernel.terms import Term, add, q
from derive.library.losses import LOSSES
from derive.model import parsed, replace_names
from numeric.pictures.canvas import BLACK, BLUE, GREEN, ORANGE, QUIET, RED, Moving, Say, Scene, number, tex
from numeric.pictures.formulas import evaluate, exact_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

W: Term = ("v", "w")


def loss_term(observations: Sequence[Fraction]) -> Term:
    """The L1 loss of the library for a prediction w that is the same for all observations.

    >>> loss_term([Fraction(2)])
    ('f', 'abs', ('+', ('v', 'w'), ('neg', ('q', Fraction(2, 1)))))
    """
    one = parsed(LOSSES["l1"].formula)[0]
    return add(*(replace_names(one, {"mu": W, "y": q(each)}) for each in observations))


def slopes(loss: Term, at: Fraction) -> tuple[Fraction, Fraction]:
    """The subdifferential of a loss at a point, exactly: its smallest and its largest slope.

    >>> slopes(loss_term([Fraction(0)]), Fraction(0))
    (Fraction(-1, 1), Fraction(1, 1))
    """
    found = exact(("subdiff", loss, W), Point(scalars={"w": at}))
    assert isinstance(found, Span), found
    low, high = found.lo, found.hi
    assert isinstance(low, Fraction) and isinstance(high, Fraction), found  # noqa: PT018  slopes of |w - m| are whole
    return low, high


def subgradient(values: Mapping[str, Any]) -> Scene:
    """The loss |w - m|, or a sum of several, with its subgradients at a point, and the subdifferential everywhere.

    Options: m, up to six observations; w, the point. The loss is the L1 loss of the library; its slopes are the exact
    values of its subdifferential (Rockafellar, Convex Analysis, 1970, sec. 23).

    >>> from derive.plots import read_plot
    >>> subgradient(read_plot("subgradient", {"m": "-1, 0, 2"}).values).figures["slope_high"]
    1.0
    """
    observations, at = values["m"], values["w"]
    loss = loss_term(observations)
    low, high = slopes(loss, at)
    here = exact_at(loss, {"w": at})
    figures = {"w": float(at), "loss": float(here), "slope_low": float(low), "slope_high": float(high)}
    formula = " + ".join(f"|w - {number(m)}|" if m >= 0 else f"|w + {number(-m)}|" for m in observations)
    formula = formula.replace("w - 0|", "w|")
    least = low <= 0 <= high
    told = {
        (True, True): Text("0 is one of them: a minimum", "0이 들어 있으므로 최솟점"),
        (False, True): Text("0 is not one of them: no minimum", "0이 없으므로 최솟점이 아님"),
        (True, False): Text("the slope is 0: a minimum", "기울기가 0이므로 최솟점"),
        (False, False): Text("one slope, not 0: no minimum", "기울기 하나뿐, 0이 아니므로 최솟점이 아님"),
    }[least, low < high]
    alt = Text(
        f"The loss {formula} at w = {number(at)}, where it is {number(here)}: its subgradients are the slopes from "
        f"{number(low)} to {number(high)}; {told.en}. Beside it the subdifferential for every w.",
        f"손실 {formula}의 w = {number(at)}에서의 값 {number(here)}: 서브그래디언트는 {number(low)}부터 {number(high)}"
        f"까지의 기울기, {told.ko}. 옆은 모든 w에서의 서브미분.",
    )  # fmt: skip
    places = sorted({*observations, at})
    reach = float(max(places) - min(places)) * 0.5 or 1.0
    left, right = float(min(places)) - 1.2 * reach, float(max(places)) + 1.2 * reach

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        graph, slope = figure.subplots(1, 2, width_ratios=[1.35, 1])
        line = np.unique(np.concatenate([np.linspace(left, right, 201), [float(each) for each in places]]))
        curve = evaluate(loss, {}, w=line)
        top, bottom = float(curve.max()), float(curve.min())
        tall = (top - bottom) or 1.0
        height = float(here)
        fan = [height + float(each) * (line - float(at)) for each in (low, high)]
        if low < high:
            graph.fill_between(line, *fan, color=ORANGE, alpha=0.18, linewidth=0)
            for share in np.linspace(0, 1, 7):
                each = float(low) + share * float(high - low)
                graph.plot(line, height + each * (line - float(at)), color=ORANGE, linewidth=1.0)
        label = say(Text("subgradients", "서브그래디언트")) + f" [{number(low)}, {number(high)}]"
        graph.plot(line, fan[0], color=RED, linewidth=1.6, linestyle="--", label=label)
        graph.plot(line, fan[1], color=RED, linewidth=1.6, linestyle="--")
        if least:
            graph.axhline(height, color=GREEN, linewidth=2, linestyle="-.", label=say(Text("slope 0", "기울기 0")))
        graph.plot(line, curve, color=BLUE, linewidth=2.8)
        graph.set_title(f"${formula}$" if len(formula) < 40 else say(Text("sum of |w - m|", "|w - m|의 합")))
        graph.plot(float(at), height, "o", color=BLACK, markersize=8)
        graph.set(xlim=(left, right), ylim=(bottom - 0.45 * tall, top + 0.35 * tall), xlabel="$w$",
                  ylabel=say(Text("loss", "손실")))  # fmt: skip
        graph.legend(loc="upper center", ncols=2)
        for axes in (graph, slope):
            axes.locator_params(axis="x", nbins=4)
        _subdifferential(slope, loss, observations, (left, right))
        slope.plot([float(at)] * 2, [float(low), float(high)], color=RED, linewidth=5, solid_capstyle="round")
        slope.plot(float(at), min(max(float(low), 0.0), float(high)), "o", color=GREEN if least else RED, markersize=9)
        slope.axhline(0, color=QUIET, linewidth=1.2, linestyle="--")
        slope.set(xlim=(left, right), xlabel="$w$", ylabel=say(Text("subdifferential", "서브미분")))
        slope.set_title(f"$w = {tex(at)}$: [{number(low)}, {number(high)}]\n{say(told)}", linespacing=1.35)
        return ()

    return Scene(alt, figures, draw)


def _subdifferential(axes: Axes, loss: Term, kinks: Sequence[Fraction], window: tuple[float, float]) -> None:
    """The slopes for every w: level between the kinks, upright at them."""
    inner = sorted(set(kinks))
    ends = [Fraction(window[0]), *inner, Fraction(window[1])]
    xs: list[float] = []
    ys: list[float] = []
    for before, after in pairwise(ends):
        level, _ = slopes(loss, (before + after) / 2)
        xs += [float(before), float(after)]
        ys += [float(level)] * 2
    axes.plot(xs, ys, color=BLUE, linewidth=2.6)

"""Gradient descent with noise: it starts at the optimum and does not stay there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.derivation import Text
from derive.errors import InputError
from derive.library.losses import instance
from numeric.pictures.canvas import BLUE, ORANGE, QUIET, RED, Moving, Say, Scene, number, tex
from numeric.pictures.formulas import Array, compiled, evaluate, noisy_step, number_at, recurrence, stationary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTLED = 1e-3  # of the stationary variance may still lack where the measurement begins
LONGEST, NEAREST = 20_000, 0.0002  # steps until then; with eta*lambda this far from 0 and 2 they are enough
MEASURED = 500  # steps that are measured in each run


def noise(values: Mapping[str, Any]) -> Scene:
    """Gradient descent with a noisy gradient, started at the optimum, beside its proved variance.

    Options: eta, lambda > 0 with eta*lambda < 2; sigma, the standard deviation of the noise (normal, independent);
    steps that are shown; runs that the variance is measured over; seed. The iterates come from running the step
    of noise-step, the band is the closed form of noise-variance, and the stationary variance that of noise-fixed-point.
    The standard error of the measurement is that of a first-order autoregression (Priestley, Spectral Analysis and
    Time Series, 1981, sec. 5.3). Raises InputError where the variance takes too long to settle.

    >>> from derive.plots import read_plot
    >>> figures = noise(read_plot("noise", {}).values).figures
    >>> abs(figures["variance_measured"] - figures["variance_proved"]) < 4 * figures["standard_error"]
    True
    """
    steps, runs = values["steps"], values["runs"]
    eta, curvature, sigma = values["eta"], values["lambda"], values["sigma"]
    at = {"eta": eta, "lambda": curvature, "sigma": sigma, "v0": Fraction(0)}
    proved = number_at(stationary(), at)
    kept = float(abs(1 - eta * curvature))
    settled = math.ceil(math.log(SETTLED) / (2 * math.log(kept))) if kept > 0 else 1
    if settled > LONGEST:
        raise InputError(
            f"with eta*lambda = {number(eta * curvature)} the variance takes {settled} steps to settle",
            remedy=f"choose eta*lambda from {NEAREST:g} to {2 - NEAREST:g}",
        )
    shown, squares, sample = _run(at, runs, steps, settled, values["seed"])
    count = runs * MEASURED
    error = proved * math.sqrt(2 / count * (1 + kept**2) / (1 - kept**2))
    figures = {"variance_proved": proved, "variance_measured": squares, "standard_error": error,
               "measured_values": float(count)}  # fmt: skip
    variances = evaluate(recurrence("noise-variance").closed, at, t=np.arange(steps + 1.0))
    alt = Text(
        f"Gradient descent with learning rate {number(eta)} on a quadratic with curvature {number(curvature)}, the "
        f"gradient with noise of standard deviation {number(sigma)}: started at the optimum, it goes on moving. "
        f"Measured variance {number(squares)} (standard error {number(error)}, {runs} runs), proved {number(proved)}.",
        f"곡률 {number(curvature)}인 이차함수에서 학습률 {number(eta)}의 경사하강법, 기울기에 표준편차 {number(sigma)}"
        f"인 노이즈: 최적점에서 출발해도 멈추지 않는다. 측정한 분산 {number(squares)} (표준오차 {number(error)}, "
        f"{runs}회 실행), 증명된 분산 {number(proved)}.",
    )

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        series, cloud = figure.subplots(1, 2, sharey=True, width_ratios=[2.1, 1])
        ticks = np.arange(steps + 1)
        band = 2 * np.sqrt(variances)
        label = say(Text("±2 proved std. dev.", "증명된 표준편차 ±2배"))
        series.fill_between(ticks, -band, band, color=ORANGE, alpha=0.25, linewidth=0, label=label)
        for edge in (band, -band):
            series.plot(ticks, edge, color=ORANGE, linewidth=1.2)
        series.axhline(0, color=QUIET, linewidth=1.4, linestyle="--", label=say(Text("optimum", "최적점")))
        (line,) = series.plot(ticks, shown, color=BLUE, linewidth=1.3, label=say(Text("one run", "실행 한 번")))
        most = 1.25 * max(float(np.max(np.abs(shown))), 2.9 * math.sqrt(proved))
        series.set(xlim=(0, steps), ylim=(-most, 1.4 * most), xlabel=say(Text("step $t$", "걸음 $t$")), ylabel="$w_t$")
        series.set_title(rf"$\eta = {tex(eta)},\ \lambda = {tex(curvature)},\ \sigma = {tex(sigma)}$")
        series.legend(loc="upper center", ncols=3, columnspacing=1.2, handlelength=1.5)
        measured = f"{say(Text('measured', '측정'))} {number(squares)}"
        cloud.hist(sample, bins=60, density=True, orientation="horizontal", color=BLUE, alpha=0.45, label=measured)
        levels = np.linspace(-most, most, 201)
        normal = instance("gaussian").density_term()[0]
        curve = evaluate(normal, {"mu": Fraction(0), "sigma": Fraction(math.sqrt(proved))}, y=levels)
        cloud.plot(curve, levels, color=RED, linewidth=2, label=f"{say(Text('proved', '증명'))} {number(proved)}")
        cloud.legend(loc="upper center", handlelength=1.2, borderpad=0.3)
        cloud.set_title(say(Text("variance", "분산")))
        cloud.locator_params(axis="x", nbins=3)
        cloud.set(xlabel=say(Text("density", "밀도")), xlim=(0, None))
        return [Moving(line, ticks, shown)]

    return Scene(alt, figures, draw)


def _run(at: Mapping[str, Fraction], runs: int, steps: int, settled: int, seed: int) -> tuple[Array, float, Array]:
    """The first run for `steps` steps; the mean square over all runs once they have settled, and those values."""
    rule = compiled(noisy_step(), at, "w", "xi")
    random = np.random.default_rng(seed)
    w = np.zeros(runs)
    shown = [0.0]
    kept = []
    for t in range(1, max(steps, settled + MEASURED) + 1):
        w = rule(w=w, xi=random.standard_normal(runs))
        if t <= steps:
            shown.append(float(w[0]))
        if settled < t <= settled + MEASURED:
            kept.append(w)
    sample = np.concatenate(kept)
    return np.array(shown), float(np.mean(sample**2)), sample

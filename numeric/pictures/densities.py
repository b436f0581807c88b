"""A density beside the loss that it leads to; dots on the loss are computed from the density."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from derive.derivation import Text
from derive.errors import InputError
from derive.kernel.terms import Term, add, instantiate, mul, q, replaced
from derive.library.losses import LOSSES, MODELS, Loss
from derive.likelihood import Parts, negative_log_likelihood, parts
from derive.model import Model, parsed, replace_names
from numeric.pictures.canvas import BLACK, BLUE, SERIES, Moving, Say, Scene, number, tex
from numeric.pictures.formulas import Array, compiled, evaluate, number_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = Mapping[str, Fraction]
CLASSES = (Fraction(6, 10), Fraction(3, 10), Fraction(1, 10))  # predictions, for the model of several classes
MOST = 50  # a larger prediction of a count makes too many bars


class Curve(NamedTuple):
    """The loss for one observation y, along the residual or the prediction, and once more computed from the density."""

    y: float
    along: Array
    loss: Array
    again: Array


class Curves(NamedTuple):
    """What is drawn for a model: the density p along y, and the loss for one or two observations."""

    y: Array
    p: Array
    rows: list[Curve]


def loss_of(model: Model) -> tuple[Loss, Term]:
    """The first loss of a model in the library, and its formula in y, mu and the parameters of the model.

    >>> loss_of(MODELS["laplace"])[0].name
    'l1'
    """
    loss = next(loss for loss in LOSSES.values() if loss.model == model.name)
    renamed = {name: parsed(text)[0] for name, text in model.parameters.items()}
    return loss, replace_names(parsed(loss.formula)[0], renamed)


def _from_density(density: Array, y: Fraction, at: Point, nll: Parts) -> Array:
    """The loss that a density stands for: (-log p - constant)/factor, as was derived, for one observation."""
    point = {**at, "N": Fraction(1)}
    found: Array = (-np.log(density) - number_at(nll.constant, point, y={1: y})) / number_at(nll.factor, point)
    return found


def _location(model: Model, formula: Term, at: Point, nll: Parts) -> Curves:
    """A density of y - mu: both along the residual, as far as one hundredth of the peak."""
    term = replace_names(model.density_term()[0], {"mu": q(0)})
    reach = 1e-6
    peak = number_at(term, {**at, "y": Fraction(0)})
    density = compiled(term, at, "y")
    while density(y=np.array([reach, -reach])).max() > 0.01 * peak and reach < 1e9:
        reach *= 1.1
    y = np.linspace(-reach, reach, 401)
    p = density(y=y)
    loss = evaluate(replace_names(formula, {"mu": q(0)}), at, y=y)
    return Curves(y, p, [Curve(0.0, y, loss, _from_density(p, Fraction(0), at, nll))])


def _predicted(model: Model, formula: Term, at: Point, nll: Parts, mu: Fraction) -> Curves:
    """A density whose prediction is restricted: along y for one prediction, and the loss along the prediction."""
    density = model.density_term()[0]
    centre = float(mu)
    observed: list[Fraction | int]
    if model.name == "bernoulli":
        y, along, observed = np.arange(2.0), np.linspace(0.01, 0.99, 197), [1, 0]
    elif "integer" in model.observation:
        if mu > MOST:
            raise InputError(f"mu = {number(mu)} makes too many bars", remedy=f"give a prediction up to {MOST}")
        last = np.ceil(centre + 4 * np.sqrt(centre) + 2)
        y, along, observed = np.arange(last + 1), np.linspace(0.02, 1, 200) * last, [max(1, round(mu)), 0]
    else:
        y, along, observed = np.linspace(0, 5, 401) * centre, np.linspace(0.08, 5, 300) * centre, [mu]
    if len(y) < 100:  # a factorial is worked out number by number
        p = np.array([number_at(density, {**at, "mu": mu, "y": Fraction(each)}) for each in y])
    else:
        p = evaluate(density, {**at, "mu": mu}, y=y)
    rows = []
    for each in map(Fraction, observed):
        point = {**at, "y": each}
        again = _from_density(evaluate(density, point, mu=along), each, at, nll)
        rows.append(Curve(float(each), along, evaluate(formula, point, mu=along), again))
    return Curves(y, p, rows)


def _classes(model: Model, formula: Term, nll: Parts) -> Curves:
    """The model of several classes: the predictions, and the loss along that of the class that is observed."""
    count = len(CLASSES)
    along = np.linspace(0.01, 0.99, 197)

    def written(term: Term, shot: int) -> Term:
        """Over all classes, with plain names for the predictions, where class `shot` is observed."""
        if term[0] == "neg":
            return ("neg", written(term[1], shot))
        bodies = [instantiate(term[3], q(k)) for k in range(1, count + 1)]
        return (mul if term[0] == "prod" else add)(*(_plain(body, shot) for body in bodies))

    density = model.density_term()[0]
    p = [
        number_at(written(density, k), {f"mu{j}": each for j, each in enumerate(CLASSES, 1)})
        for k in range(1, count + 1)
    ]
    others = {f"mu{j}": (1 - along) / (count - 1) for j in range(2, count + 1)}
    observed = evaluate(written(density, 1), {}, mu1=along, **others)
    loss = evaluate(written(formula, 1), {}, mu1=along, **others)
    row = Curve(1.0, along, loss, _from_density(observed, Fraction(1), {"K": Fraction(count)}, nll))
    return Curves(np.arange(1.0, count + 1), np.array(p), [row])


def _plain(term: Term, shot: int) -> Term:
    def change(node: Term, _: int) -> Term | None:
        if node[0] != "ix":
            return None
        k = int(node[2][1])
        return ("v", f"mu{k}") if node[1] == "mu" else q(int(k == shot))

    return replaced(term, change)


def density(values: Mapping[str, Any]) -> Scene:
    """The density of a model beside the loss of the library that it leads to.

    Options: model, a name of `derive list models`, and its parameters; mu, the prediction, for models that restrict it.
    The curves are the library's density and loss; the dots are (-log p - constant)/factor, with the constant and the
    factor of the negative log-likelihood that the kernel accepted. Sources are those of the models.

    >>> from derive.plots import read_plot
    >>> density(read_plot("density", {"model": "laplace", "b": "2"}).values).figures["factor"]
    0.5
    """
    model = MODELS[values["model"]]
    loss, formula = loss_of(model)
    nll = parts(negative_log_likelihood(model.name, loss.name))
    at = {name: value for name, value in values.items() if name not in ("model", "mu")}
    several = "mu[" in model.density
    if several:
        curves = _classes(model, formula, nll)
    elif model.prediction:
        curves = _predicted(model, formula, at, nll, values["mu"])
    else:
        curves = _location(model, formula, at, nll)
    difference = max(float(np.max(np.abs(row.loss - row.again))) for row in curves.rows)
    figures = {
        "density_peak": float(np.max(curves.p)),
        "loss_least": min(float(np.min(row.loss)) for row in curves.rows) + 0.0,
        "factor": number_at(nll.factor, {**at, "N": Fraction(1)}),
        "largest_difference": difference,
    }
    settings = {name: value for name, value in values.items() if name != "model"}
    listed = ", ".join(f"{name} = {number(value)}" for name, value in settings.items())
    within = f"up to {difference:.0e}" if difference else "exactly"
    alt = Text(
        f"The model {model.title.en}{f' with {listed}' if listed else ''}: its density, at most "
        f"{number(figures['density_peak'])}, and beside it the {loss.title.en}, which is the negative logarithm of the "
        f"density less a constant, divided by {number(figures['factor'])}. Computed from the density, the loss is the "
        f"same, {within}.",
        f"모형 {model.title.ko}{f' ({listed})' if listed else ''}: 밀도의 최댓값 {number(figures['density_peak'])}. "
        f"옆은 {loss.title.ko}: 밀도의 음의 로그에서 상수를 빼고 {number(figures['factor'])}(으)로 나눈 것. "
        f"밀도에서 계산한 손실과의 차이는 {f'{difference:.0e} 이하' if difference else '없음'}.",
    )  # fmt: skip

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        left, right = figure.subplots(1, 2)
        residual = say(Text("residual $y - \\mu$", "잔차 $y - \\mu$"))
        seen = say(Text("class $k$", "클래스 $k$") if several else Text("observation $y$", "관측값 $y$"))
        _density_panel(left, curves, say, seen if model.prediction else residual)
        formulas = r",\ ".join(f"{_SYMBOLS.get(name, name)} = {tex(value)}" for name, value in settings.items())
        left.set_title(f"{say(model.title)}   ${formulas}$" if formulas else say(model.title))
        for row, (colour, style, marker) in zip(curves.rows, SERIES, strict=False):
            label = rf"$y = {tex(row.y)}$" if model.prediction else say(loss.title)
            right.plot(row.along, row.loss, color=colour, linestyle=style, linewidth=2.6, label=label)
            every = slice(len(row.along) // 40, None, len(row.along) // 14)
            right.plot(row.along[every], row.again[every], marker, color=BLACK, markersize=5, markerfacecolor="none")
        told = say(Text("from the density", "밀도에서 계산"))
        right.plot([], [], SERIES[0][2], color=BLACK, markersize=5, markerfacecolor="none", label=told)
        if model.prediction:
            low, high = np.percentile(np.concatenate([row.loss for row in curves.rows]), [0, 99])
            right.set_ylim(low - 0.05 * (high - low), high)
        symbol = r"$\mu_1$" if several else r"$\mu$"
        right.set(
            xlabel=say(Text("prediction ", "예측 ")) + symbol if model.prediction else residual,
            ylabel=say(Text("loss", "손실")), title=say(loss.title),
        )  # fmt: skip
        right.legend(loc="upper center")
        return ()

    return Scene(alt, figures, draw)


_SYMBOLS = {"sigma": r"\sigma", "delta": r"\delta", "tau": r"\tau", "nu": r"\nu", "mu": r"\mu"}


def _density_panel(axes: Axes, curves: Curves, say: Say, label: str) -> None:
    bars = len(curves.y) < 100
    if bars:
        axes.vlines(curves.y, 0, curves.p, color=BLUE, linewidth=3)
        axes.plot(curves.y, curves.p, "o", color=BLUE, markersize=8)
        if len(curves.y) < 8:
            axes.set_xticks(curves.y)
        axes.margins(x=0.15)
    else:
        axes.plot(curves.y, curves.p, color=BLUE, linewidth=2.6)
        axes.fill_between(curves.y, 0, curves.p, color=BLUE, alpha=0.12, linewidth=0)
        axes.set_xlim(curves.y[0], curves.y[-1])
    axes.set_ylim(0, None)
    noun = say(Text("probability", "확률")) if bars else say(Text("density", "밀도"))
    axes.set(xlabel=label, ylabel=f"{noun} $p(y\\mid\\mu)$")

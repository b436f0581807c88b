"""Learning rates that change: a schedule with its partial sums, the map of the exponents, the schedulers of a package.

Values come from running the formula of the library, verdicts from the decision procedure. A finite plot shows neither
that a sum diverges nor that it converges, and the pictures say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from derive.ascii import show
from derive.derivation import Text
from derive.evaluation.facts import satisfies
from derive.evaluation.values import Point
from derive.library.schedules import SCHEDULES
from derive.schedule_rule import ScheduleRule
from derive.schedules import Schedule
from derive.series import Decision
from derive.series.conditions import Condition
from numeric.pictures.canvas import BLUE, GREEN, ORANGE, QUIET, RED, Moving, Say, Scene, number, tex
from numeric.schedules import schedule as running

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 400  # points of a curve over a logarithmic axis
STEP = Text("step", "걸음")
WARNING = Text(
    "a finite plot shows neither divergence nor convergence: the test decides",
    "유한한 그림으로는 발산도 수렴도 보일 수 없다: 판정법이 정한다",
)
OF_SUMS = {
    "diverges": Text("diverges", "발산"), "converges": Text("converges", "수렴"),
    "undecided": Text("undecided", "판정 불가"),
}  # fmt: skip
OF_BOTH = {
    "holds": Text("meets both conditions", "두 조건을 모두 만족"),
    "fails": Text("does not meet both", "두 조건을 모두 만족하지는 않음"),
    "undecided": Text("undecided", "판정 불가"),
}  # fmt: skip
COLOURS = {"holds": BLUE, "fails": RED, "undecided": QUIET}
SCHEDULERS = (
    "lambda", "step", "multi-step", "constant-factor", "linear", "geometric", "polynomial", "cosine-annealing",
)  # fmt: skip


class Rate(NamedTuple):
    """A schedule of the library with numbers for all parameters but eta0, and eta0 itself."""

    rule: ScheduleRule
    exact: Schedule
    eta0: Fraction

    def values(self, steps: int) -> Any:
        """eta_t at the first steps, as floats."""
        return running(self.exact, eta0=self.eta0)(np.arange(1, steps + 1))


def rate(name: str, **given: Fraction) -> Rate:
    """A schedule of the library, with defaults for the parameters that are not given.

    >>> rate("power", p=Fraction(1, 2)).exact.expression
    'eta0/t**(1/2)'
    """
    rule = SCHEDULES[name]
    numbers: dict[str, Any] = {hyper.name: hyper.value for hyper in rule.hyperparameters} | given
    eta0 = numbers.pop("eta0")
    return Rate(rule, rule.schedule(rule.items or None, **numbers), eta0)


def schedule(values: Mapping[str, Any]) -> Scene:
    """A schedule, and the partial sums of its learning rates and of their squares, with what was decided about them.

    Options: schedule, its name in the library; p, the exponent of "power"; steps. The sums are over the steps that are
    shown; whether they converge is decided for every eta0 > 0.

    >>> from derive.plots import read_plot
    >>> figures = schedule(read_plot("schedule", {"steps": "10"}).values).figures
    >>> round(figures["sum"], 3), round(figures["sum_of_squares"], 3)
    (2.929, 1.55)
    """
    name, steps = values["schedule"], values["steps"]
    chosen = rate(name, **({"p": values["p"]} if "p" in values else {}))
    found = chosen.exact.robbins_monro()
    eta = chosen.values(steps)
    sums = np.cumsum(eta), np.cumsum(eta**2)
    figures = {"eta_first": float(eta[0]), "eta_last": float(eta[-1]), "sum": float(sums[0][-1]),
               "sum_of_squares": float(sums[1][-1])}  # fmt: skip
    first, last, total, squares = (number(value) for value in figures.values())
    verdicts = [OF_SUMS[each.verdict] for each in (found.sum, found.sum_of_squares)]
    both = OF_BOTH[found.robbins_monro.verdict]
    title = chosen.rule.title
    alt = Text(
        f"The schedule {title.en}, eta_t = {chosen.exact.expression} with eta0 = {number(chosen.eta0)}, over "
        f"{number(Fraction(steps))} steps: from {first} to {last}. The learning rates sum up to {total} there, their "
        f"squares to {squares}. Decided: the sum of eta_t {verdicts[0].en}, that of eta_t**2 {verdicts[1].en}; the "
        f"schedule {_sentence(found)[0]}. A finite plot shows neither: the test decides.",
        f"스케줄: {title.ko}, eta_t = {chosen.exact.expression}, eta0 = {number(chosen.eta0)}, "
        f"{number(Fraction(steps))}걸음: {first}에서 {last}까지. 여기까지 학습률의 합은 {total}, "
        f"제곱의 합은 {squares}. "
        f"판정: eta_t 의 합은 {verdicts[0].ko}, eta_t**2 의 합은 {verdicts[1].ko}; {_sentence(found)[1]}. "
        "유한한 그림은 발산도 수렴도 보여 주지 못한다. 정하는 것은 판정법이다.",
    )

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        panels = figure.subplots(1, 3)
        at = np.unique(np.geomspace(1, steps, SHOWN).round().astype(int))
        head = chosen.exact.to_latex()
        head = rf"$\eta_t$: {say(title)}" if r"\begin" in head else f"${head}$"
        heads = (head, rf"$\sum\,\eta_t$: {say(verdicts[0])}", rf"$\sum\,\eta_t^2$: {say(verdicts[1])}")
        for axes, row, colour, head in zip(panels, (eta, *sums), (QUIET, BLUE, GREEN), heads, strict=True):
            _band(axes, at, row, colour)
            axes.set_xscale("log")
            axes.set(xlabel=say(STEP), ylim=(0, 1.08 * float(row.max()) or 1))
            axes.set_title(head, pad=10)
            axes.locator_params(axis="y", nbins=6)
            _powers(axes, steps)
        figure.suptitle(
            rf"{say(title)}, $\eta_0 = {tex(chosen.eta0)}$: {say(both)}",
            color=COLOURS[found.robbins_monro.verdict], fontsize=15,
        )  # fmt: skip
        figure.supxlabel(say(WARNING), color=QUIET, fontsize=12)
        return ()

    return Scene(alt, figures, draw)


def _sentence(found: Decision) -> tuple[str, str]:
    """What follows for the two conditions, as the rest of a sentence in each language."""
    return {
        "holds": ("meets both conditions of Robbins and Monro", "로빈스-먼로의 두 조건을 모두 만족한다"),
        "fails": (
            "does not meet both conditions of Robbins and Monro",
            "로빈스-먼로의 두 조건을 모두 만족하지는 못한다",
        ),
        "undecided": ("is undecided", "두 조건은 판정되지 않았다"),
    }[found.robbins_monro.verdict]


def _band(axes: Axes, at: Any, row: Any, colour: str) -> None:
    """A row over its steps, of which some are shown: between two of them from its least to its largest value."""
    least, most = (find.reduceat(row, at - 1) for find in (np.minimum, np.maximum))
    axes.fill_between(at, least, most, facecolor=colour, edgecolor=colour, linewidth=2)


def _powers(axes: Axes, steps: int) -> None:
    """Powers of ten on a logarithmic axis of steps, at most five of them."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    most = len(str(steps)) - 1
    axes.xaxis.set_major_locator(FixedLocator([10.0**k for k in range(0, most + 1, 1 + most // 5)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{len(str(int(value))) - 1}}}$"))
    axes.xaxis.set_minor_formatter(NullFormatter())


# --- the map of the exponents -----------------------------------------------------------------------------------------


class Range(NamedTuple):
    """An interval of exponents; an end that is nothing is none, and `closed` says which ends belong to it."""

    low: Fraction | None
    high: Fraction | None
    closed: tuple[bool, bool]

    def words(self) -> str:
        """The interval as comparisons."""
        if self.low is not None and self.high is None:
            return f"p {'>=' if self.closed[0] else '>'} {show(('q', self.low))}"
        left = "" if self.low is None else f"{show(('q', self.low))} {'<=' if self.closed[0] else '<'} "
        return (
            left + "p" + ("" if self.high is None else f" {'<=' if self.closed[1] else '<'} {show(('q', self.high))}")
        )


def ranges(condition: Condition) -> list[Range]:
    """The intervals of a condition on one parameter.

    >>> [each.words() for each in ranges(SCHEDULES["power"].schedule().robbins_monro().robbins_monro.condition)]
    ['1/2 < p <= 1']
    """
    found = []
    for box in condition.boxes:
        low = next((bound for bound in box if bound.relation in (">", ">=", "=")), None)
        high = next((bound for bound in box if bound.relation in ("<", "<=", "=")), None)
        ends = [None if bound is None else bound.constant[1] for bound in (low, high)]
        closed = (low is not None and low.relation != ">", high is not None and high.relation != "<")
        found.append(Range(ends[0], ends[1], closed))
    return found


def power_map(values: Mapping[str, Any]) -> Scene:
    """For which exponents p the sum of eta0/t**p diverges, for which that of its square converges, and for which both.

    Options: p, exponents that are marked. The ends of the ranges are those of the conditions that the decision
    procedure returns for the schedule "power" with a symbol for p.

    >>> from derive.plots import read_plot
    >>> power_map(read_plot("power-map", {}).values).figures
    {'p_low': 0.5, 'p_high': 1.0}
    """
    chosen = SCHEDULES["power"].schedule()
    found = chosen.robbins_monro()
    conditions = [each.condition for each in (found.sum, found.sum_of_squares, found.robbins_monro)]
    assert all(condition is not None for condition in conditions)
    rows = [ranges(condition) for condition in conditions if condition is not None]
    said = [" or ".join(part.words() for part in row) for row in rows]
    ends = [end for part in rows[2] for end in part[:2] if end is not None]
    figures = {"p_low": float(min(ends)), "p_high": float(max(ends))}
    marked = {p: _at(found.robbins_monro.condition, p) for p in sorted(set(values["p"]))}
    good, bad = (
        ", ".join(show(("q", p)) for p, answer in marked.items() if answer is wanted) for wanted in (True, False)
    )
    alt = Text(
        f"The exponents p of {chosen.expression}. Its sum diverges for {said[0]}, the sum of its squares converges for "
        f"{said[1]}, so both conditions of Robbins and Monro are met for {said[2]}. Marked are exponents that meet "
        f"them ({good or 'none'}) and that do not ({bad or 'none'}).",
        f"{chosen.expression} 의 지수 p. 합은 {said[0]} 일 때 발산하고 제곱의 합은 {said[1]} 일 때 수렴하므로, "
        f"로빈스-먼로의 두 조건은 {said[2]} 일 때 모두 성립한다. 표시한 지수: 만족하는 것 ({good or '없음'}), "
        f"만족하지 않는 것 ({bad or '없음'}).",
    )

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        axes = figure.subplots()
        right = float(max(2 * max(ends), Fraction(11, 10) * max(marked)))
        names = (
            rf"$\sum\,\eta_t$ {say(Text('diverges', '발산'))}",
            rf"$\sum\,\eta_t^2$ {say(Text('converges', '수렴'))}",
            say(Text("both", "둘 다")),
        )
        for row, (parts, colour, words) in enumerate(zip(rows, (BLUE, GREEN, ORANGE), said, strict=True)):
            for part in parts:
                _strip(axes, part, 2 - row, colour, right, rf"${_latex(words)}$")
        for p, holds in marked.items():
            look: dict[str, Any] = {"marker": "o", "color": BLUE} if holds else {"marker": "x", "color": RED}
            axes.plot([float(p)], [-0.75], markersize=10, markeredgewidth=2.5, linestyle="", **look)
        for end in ends:
            axes.axvline(float(end), color=QUIET, linewidth=1, linestyle=":", zorder=0)
        axes.set_yticks([2, 1, 0, -0.75], [*names, say(Text("marked $p$", "표시한 $p$"))])
        axes.tick_params(axis="y", length=0)
        axes.grid(False)
        axes.spines["left"].set_visible(False)
        axes.set(xlim=(0, right), ylim=(-1.15, 2.6), xlabel=r"$p$")
        axes.plot([], [], "o", color=BLUE, label=say(OF_BOTH["holds"]))
        axes.plot([], [], "x", color=RED, markeredgewidth=2.5, label=say(OF_BOTH["fails"]))
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.13))
        axes.set_title(rf"${chosen.to_latex()}$: ${_latex(said[2])}$", pad=12)
        return ()

    return Scene(alt, figures, draw)


def _at(condition: Condition | None, p: Fraction) -> bool:
    """Whether a condition holds at an exponent, exactly."""
    boxes = condition.boxes if condition is not None else ()
    point = Point(scalars={"p": p})
    return any(all(satisfies((each.relation, each.form, each.constant), point) for each in box) for box in boxes)


def _latex(words: str) -> str:
    return words.replace("<=", r"\leq").replace(">=", r"\geq").replace(" or ", r",\ ")


def _strip(axes: Axes, part: Range, height: float, colour: str, right: float, words: str) -> None:
    """An interval as a bar: an end that belongs to it is full, one that does not is hollow, and none is open."""
    low, high = (edge if end is None else float(end) for edge, end in zip((0.0, right), part[:2], strict=True))
    axes.barh(height, high - low, left=low, height=0.36, color=colour, alpha=0.3)
    axes.text((low + high) / 2, height, words, ha="center", va="center", fontsize=14)
    for end, closed in zip(part[:2], part.closed, strict=True):
        if end is not None:
            axes.plot(
                [float(end)], [height], "o", markersize=11, color=colour, markeredgewidth=2.2,
                markerfacecolor=colour if closed else "white",
            )  # fmt: skip


# --- schedulers -------------------------------------------------------------------------------------------------------


def schedules(values: Mapping[str, Any]) -> Scene:
    """The learning rates of the schedulers of the lecture, with their defaults, and what was decided about each.

    Options: steps. LambdaLR multiplies by what it is given, here by the function of its row of the library.

    >>> from derive.plots import read_plot
    >>> schedules(read_plot("schedules", {}).values).figures
    {'schedulers': 8.0, 'hold': 1.0}
    """
    steps = values["steps"]
    rates = {_class(SCHEDULES[name]): rate(name) for name in SCHEDULERS}
    found = {name: each.exact.robbins_monro() for name, each in rates.items()}
    curves = {name: each.values(steps) for name, each in rates.items()}
    hold = [name for name, each in found.items() if each.robbins_monro.verdict == "holds"]
    figures = {"schedulers": float(len(rates)), "hold": float(len(hold))}
    groups: dict[tuple[str, str], list[str]] = {}
    for name, each in found.items():
        groups.setdefault((each.sum.verdict, each.sum_of_squares.verdict), []).append(name)
    given = next(each.rule.user.default for each in rates.values() if each.rule.user)
    english, korean = (
        "; ".join(
            phrase.format(*(OF_SUMS[verdict].in_(lang) for verdict in verdicts), ", ".join(names))
            for verdicts, names in groups.items()
        )
        for lang, phrase in (
            ("en", "the sum {} and that of the squares {} for {}"), ("ko", "합은 {}, 제곱의 합은 {}: {}"),
        )
    )  # fmt: skip
    alt = Text(
        f"The learning rates of {len(rates)} schedulers over {number(Fraction(steps))} steps, with their defaults; "
        f"LambdaLR is given {given}. Decided for t without end: {english}. So {len(hold)} of {len(rates)} meets both "
        f"conditions of Robbins and Monro.",
        f"스케줄러 {len(rates)}개의 학습률, {number(Fraction(steps))}걸음, 기본값; LambdaLR 에는 {given} 을 주었다. "
        f"t 가 끝없이 갈 때의 판정: {korean}. "
        f"로빈스-먼로의 두 조건을 모두 만족하는 것은 {len(rates)}개 중 {len(hold)}개.",
    )

    def draw(figure: Figure, say: Say) -> Sequence[Moving]:
        panels = figure.subplots(2, len(rates) // 2, sharex=True, sharey=True)
        ticks = np.arange(1, steps + 1)
        for axes, (name, row) in zip(panels.flat, curves.items(), strict=True):
            verdict = found[name].robbins_monro.verdict
            axes.plot(ticks, row, color=COLOURS[verdict], drawstyle="steps-mid" if steps <= SHOWN else "default")
            sums = (rf"$\sum\,\eta_t${_sign(found[name].sum.verdict)}",
                    rf"$\sum\,\eta_t^2${_sign(found[name].sum_of_squares.verdict)}")  # fmt: skip
            axes.set_title(f"{name}\n" + "  ".join(sums), fontsize=12.5, color=COLOURS[verdict])
            axes.set(xlim=(0, steps), ylim=(0, None))
            axes.locator_params(nbins=3)
        for axes in panels[-1]:
            axes.set_xlabel(say(STEP))
        for axes in panels[:, 0]:
            axes.set_ylabel(r"$\eta_t$")
        words = ", ".join(hold)
        title = Text(
            f"both conditions are met by {words} only, given ${given}$",
            f"두 조건을 모두 만족하는 것은 ${given}$ 을 준 {words} 뿐",
        )
        figure.suptitle(say(title), fontsize=14)
        return ()

    return Scene(alt, figures, draw)


def _class(rule: ScheduleRule) -> str:
    """The name of the scheduler in the package: StepLR."""
    return rule.also[0].rpartition(".")[2]


def _sign(verdict: str) -> str:
    return {"diverges": r"$=\infty$", "converges": r"$<\infty$"}.get(verdict, " ?")

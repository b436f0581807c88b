"""Pictures and tables of schedules: values by running them, verdicts by the decision procedure, nothing typed twice."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import numeric
from derive.deck import Deck, Slide, read_deck
from derive.errors import InputError
from derive.library.schedules import SCHEDULES
from derive.markdown import Block
from derive.plot_kinds import KINDS
from derive.plots import Drawing, read_plot
from derive.render.schedule_prose import expanded
from derive.schedule_blocks import MAX_BLOCK, checked_schedules, read_schedules
from derive.series import decide
from numeric import plot as plots
from numeric.pictures import rates

NAMES = next(option.choices for option in KINDS["schedule"].options if option.name == "schedule")
ROOT = Path(__file__).resolve().parent.parent


def drawn(kind: str, **options: str) -> Drawing:
    return plots.draw(read_plot(kind, options))


def figures(kind: str, **options: str) -> Mapping[str, float]:
    return drawn(kind, **options).figures


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("steps", [10, 137])
def test_what_is_drawn_is_the_schedule(name: str, steps: int) -> None:
    row = numeric.schedule(name)
    values = [row(step) for step in range(1, steps + 1)]
    found = figures("schedule", schedule=name, steps=str(steps))
    assert found["eta_first"] == pytest.approx(values[0], rel=1e-12)
    assert found["eta_last"] == pytest.approx(values[-1], rel=1e-12, abs=1e-15)
    assert found["sum"] == pytest.approx(math.fsum(values), rel=1e-12)
    assert found["sum_of_squares"] == pytest.approx(math.fsum(value**2 for value in values), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_words_are_those_of_the_decision(name: str) -> None:
    found = SCHEDULES[name].default().robbins_monro()
    alt = drawn("schedule", schedule=name, steps="10").alt
    assert f"the sum of eta_t {found.sum.verdict}, that of eta_t**2 {found.sum_of_squares.verdict};" in alt.en
    assert ("does not meet both" in alt.en) is (found.robbins_monro.verdict == "fails")
    assert "A finite plot shows neither: the test decides." in alt.en
    assert "정하는 것은 판정법이다" in alt.ko


@pytest.mark.parametrize(("p", "good"), [("0", 0), ("1/2", 0), ("501/1000", 1), ("1", 1), ("101/100", 0), ("10", 0)])
def test_the_ends_of_the_range_are_exact(p: str, good: int) -> None:
    alt = drawn("schedule", schedule="power", p=p, steps="10").alt
    assert ("schedule meets both" in alt.en) is bool(good)
    marked = drawn("power-map", p=p).alt.en
    assert re.search(r"meet them \((.*?)\)", marked)[1] == ("none" if not good else str(Fraction(p)))  # type: ignore[index]
    assert decide(f"1/t**({Fraction(p)})").robbins_monro.verdict == ("holds" if good else "fails")


def test_the_map_draws_the_conditions_of_the_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """With another schedule in its row the ends move: they are typed nowhere."""
    from dataclasses import replace

    moved = replace(SCHEDULES["power"], formula="eta0/t**(2*p)", recursion="")
    monkeypatch.setitem(SCHEDULES, "power", moved)
    drawing = drawn("power-map", p="1/4, 1/3, 1/2, 1")
    assert drawing.figures == {"p_low": 0.25, "p_high": 0.5}
    assert "meet them (1/3, 1/2) and that do not (1/4, 1)" in drawing.alt.en
    assert "1/4 < p <= 1/2" in drawing.alt.ko


def test_ranges_of_any_condition() -> None:
    for given, facts, expected in (
        ("1/t**p", "p >= 0", ["p <= 1"]), ("1/t**p", "p > 1", []), ("1/t**p + 1/t", "p real", ["p"]),
        ("1/t**(-p)", "p real", ["p >= -1"]),
    ):  # fmt: skip
        condition = decide(given, facts).sum.condition
        assert condition is not None
        assert [part.words() for part in rates.ranges(condition)] == expected


def test_a_curve_is_drawn_between_its_extremes() -> None:
    """Between two points of a logarithmic axis a wave is shown as the band it fills, not as a chance sample."""
    from matplotlib.figure import Figure

    figure = Figure()
    rates.schedule(read_plot("schedule", {"schedule": "cosine-annealing"}).values).draw(figure, lambda text: text.en)
    (band,) = figure.axes[0].collections
    corners = np.asarray(band.get_paths()[0].vertices)
    late = corners[corners[:, 0] > 9000]
    assert late[:, 1].min() < 0.02
    assert late[:, 1].max() > 0.08


def test_schedulers_are_grouped_by_their_verdicts() -> None:
    drawing = drawn("schedules")
    assert drawing.figures["hold"] == sum(
        SCHEDULES[name].default().robbins_monro().robbins_monro.verdict == "holds" for name in rates.SCHEDULERS
    )
    for name in rates.SCHEDULERS:
        short = SCHEDULES[name].also[0].removeprefix("torch.")
        assert drawing.alt.en.count(f"{short}") >= 1
        assert short in drawing.alt.ko


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("schedule", {"schedule": "stepp"}, "did you mean step"),
        ("schedule", {"schedule": "step", "p": "1"}, "the schedule step has no p; leave it out, or choose power"),
        ("schedule", {"p": "1"}, "the schedule inverse-t has no p"),
        ("schedule", {"schedule": "power", "p": "-1"}, "p = -1 cannot be drawn"),
        ("schedule", {"steps": "9"}, "cannot be drawn"),
        ("schedule", {"schedule": "power", "p": "0.0001"}, "p = 1/10000 is too fine"),
        ("power-map", {"p": ""}, "is not a number"),
        ("schedules", {"steps": "21/2"}, "is not a whole number"),
    ],
)
def test_what_cannot_be_drawn_is_told(kind: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        figures(kind, **options)


def test_no_formula_of_a_schedule_stands_in_a_picture() -> None:
    text = (ROOT / "numeric" / "pictures" / "rates.py").read_text(encoding="utf-8")
    code = re.sub(r'""".*?"""', "", text, flags=re.S)
    assert not re.search(r"1 */ *t\b|sqrt|cos\(|Fraction\(1, 2\)", code)


# --- tables -----------------------------------------------------------------------------------------------------------


def table(text: str) -> tuple[Slide, Block]:
    deck = expanded(read_deck(f"# A\n\n```schedule\n{text}\n```\n", "a.md"))
    (block,) = deck.slides[0].blocks
    return deck.slides[0], block


def test_a_table_has_the_formulas_and_the_verdicts() -> None:
    slide, block = table("# a comment\nuse: torch.StepLR\nuse: inverse-t")
    assert [[cell[0].text for cell in row] for row in block.rows[1:]] == [
        ["StepLR", r"\eta_{0} \rho^{\lfloor t/T \rfloor}", "converges | 수렴", "converges | 수렴", "no | 아님"],
        ["One over t | t 분의 1", r"\frac{\eta_{0}}{t}", "diverges | 발산", "converges | 수렴", "yes | 만족"],
    ]
    assert slide.foot[0].en == "2 schedules: declared; sums decided for the default parameters"
    assert [text.en for text in slide.foot[1:]] == ["torch 2.13.0", "Lecture 03"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 3, "names no schedule"), ("use: step\nuse: stepp", 5, "stepp"), ("step", 4, "names no schedule"),
        ("use: step\nuse: torch.StepLR", 5, "used twice"), ("\n".join(f"use: {n}" for n in SCHEDULES), 16, "more than"),
        ("#" * (MAX_BLOCK + 1), 4, "too long"),
    ],
)  # fmt: skip
def test_a_table_that_is_wrong_names_its_line(text: str, line: int, message: str) -> None:
    deck = read_deck(f"# A\n\n```schedule\n{text}\n```\n", "a.md")
    for read in (checked_schedules, expanded):
        with pytest.raises(InputError, match=message) as caught:
            read(deck)
        assert caught.value.file == "a.md"
        assert abs((caught.value.line or 0) - line) <= 1


def test_every_schedule_can_stand_in_a_table() -> None:
    for name in SCHEDULES:
        assert read_schedules(f"use: {name}", 1) == (SCHEDULES[name],)
    assert isinstance(expanded(Deck()), Deck)

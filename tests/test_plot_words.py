"""Pictures: the numbers and the words in them, and the labels of their axes."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from derive.plots import KINDS, Drawing, read_plot
from numeric import plot as plots
from numeric.pictures import canvas, costs

ROOT = Path(__file__).resolve().parent.parent
OPTIONS: dict[str, dict[str, str]] = {kind: {} for kind in KINDS} | {"cost": {"measure": "no"}}


def drawn(kind: str, options: dict[str, str] | None = None) -> Drawing:
    return plots.draw(read_plot(kind, OPTIONS[kind] | (options or {})))


def test_a_number_that_was_given_is_another_one_nowhere() -> None:
    words = drawn("subgradient", {"m": "-1000, 1000", "w": "999.5"}).alt
    assert "at w = 999.5, where it is 2,000:" in words.en
    assert "w = 999.5에서의 값 2,000:" in words.ko
    assert "|w - 1/3| at w = 0.001234," in drawn("subgradient", {"m": "1/3", "w": "0.001234"}).alt.en
    assert "best, 2/11:" in drawn("trajectory").alt.en
    assert "rate 0.99999," in drawn("convergence", {"eta": "1e-5"}).alt.en
    assert "takes about 548,000,000" in drawn("cost", {"p": "700"}).alt.en  # counts are rounded, and say so


@pytest.mark.parametrize("value", ["0", "1", "-1", "999.5", "1e6", "1234567.25", "-2/7", "1/3", "1e-6", "12345/10000"])
def test_short_numbers_are_printed_exactly(value: str) -> None:
    assert Fraction(canvas.number(Fraction(value)).replace(",", "")) == Fraction(value)


def test_long_numbers_are_cut_and_say_so() -> None:
    for value in (Fraction(1234567891, 9876543211), Fraction(-1, 10**9 + 7), Fraction("0.12345678912345")):
        shown = canvas.number(value)
        assert shown.endswith("...")
        assert abs(Fraction(shown.removesuffix("...")) - value) < Fraction(1, 10**canvas.PLACES)
        assert canvas.tex(value).endswith(r"\ldots")


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *OPTIONS.items(), *(("cost", {"measure": "yes", "n": "10", "p": p}) for p in ("16", "17", "64", "300")),
        ("cost", {"p": "64"}), ("subgradient", {"m": "-1000, 1000", "w": "999.5"}),
        ("subgradient", {"m": "1000, 999.99", "w": "1000"}), ("convergence", {"eta": "1e-6", "steps": "10"}),
        ("convergence", {"eta": "1/100", "steps": "20"}), ("convergence", {"eta": "1/50", "steps": "200"}),
    ],
)  # fmt: skip
def test_no_tick_is_printed_over_another(
    kind: str, options: dict[str, str], lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "SECONDS", 0.01)
    scene = plots.KINDS[kind](read_plot(kind, OPTIONS[kind] | options).values)
    figures: list[Any] = []
    kept = scene._replace(draw=lambda figure, say: (figures.append(figure), scene.draw(figure, say))[1])
    canvas.paint(kept, lang, "png", [])
    figures[0].canvas.draw()
    for axes in figures[0].axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            labels = [
                tick.label1
                for tick in ticks
                if tick.label1.get_visible() and tick.label1.get_text() and low <= tick.get_loc() <= high
            ]
            boxes = [label.get_window_extent() for label in labels]
            assert not any(a.overlaps(b) for at, a in enumerate(boxes) for b in boxes[:at]), (axes, axis)


def test_the_words_are_those_of_the_lecture() -> None:
    folder = ROOT / "numeric"
    texts = [path.read_text(encoding="utf-8") for path in (*folder.rglob("*.py"), ROOT / "derive" / "plots.py")]
    assert not re.search("헤세|잡음|표본|숄레스키|열미분|부분기울기", "".join(texts))
    alt = drawn("cost").alt
    assert all(word in alt.ko for word in ("샘플", "헤시안", "촐레스키", "연산"))
    assert alt.en.startswith("Operations")

"""Pictures: what they show is what the library says, the same every time, in two languages, and safe to embed."""

from __future__ import annotations

import io
import math
import re
import subprocess
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from derive.derivation import Text
from derive.errors import InputError, MissingDependency
from derive.evaluation.evaluate import evaluate as exact
from derive.evaluation.reals import interval_of
from derive.evaluation.values import Point
from derive.kernel.terms import Term, substitute
from derive.library import derivation
from derive.library.losses import LOSSES, MODELS, instance
from derive.plots import KINDS, Drawing, read_plot
from numeric import plot as plots
from numeric.pictures import canvas, densities, descent, formulas, kinks, noisy

ROOT = Path(__file__).resolve().parent.parent
SVG = "{http://www.w3.org/2000/svg}"
OPTIONS: dict[str, dict[str, str]] = {kind: {} for kind in KINDS} | {"cost": {"measure": "no"}}
CASES = [
    *OPTIONS.items(), *(("density", {"model": model}) for model in MODELS),
    ("subgradient", {"m": "-1, 0.5, 2", "w": "2"}), ("trajectory", {"large": "10", "mu": "0.001", "steps": "60"}),
    ("noise", {"eta": "1", "sigma": "1e-6"}), ("noise", {"eta": "1.99", "steps": "10"}),
    ("convergence", {"eta": "3, 1e-6, 0.1, 0.2, 0.15, 1/7", "L": "1e-3", "mu": "1e-6"}),
    ("density", {"model": "student-t", "nu": "1/1000", "s": "1000"}), ("density", {"model": "bernoulli", "mu": "1e-6"}),
]  # fmt: skip


def drawn(kind: str, options: dict[str, str] | None = None) -> Drawing:
    return plots.draw(read_plot(kind, OPTIONS[kind] | (options or {})))


def painted(drawing: Drawing, lang: str = "en", format: str = "svg") -> bytes:
    warnings: list[str] = []
    content = drawing.paint(lang, format, warnings)
    assert warnings == []
    return content


@cache
def usual(kind: str, lang: str, format: str) -> bytes:
    """The picture with its usual options, painted once."""
    return painted(drawn(kind), lang, format)


def number(term: Term, **values: Fraction) -> float:
    """The value of a term by the exact evaluation of `derive`."""
    value = exact(term, Point(scalars=values))
    return float(value if isinstance(value, Fraction) else interval_of(value).lower)  # type: ignore[arg-type]


# --- the table and what it draws --------------------------------------------------------------------------------------


def test_both_tables_have_the_same_kinds() -> None:
    assert list(plots.KINDS) == list(KINDS)
    for kind, function in plots.KINDS.items():
        assert function.__name__ == kind.replace("-", "_")
        assert function.__doc__
    assert all(kind.title.en and kind.title.ko for kind in KINDS.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_picture_is_well_formed_and_says_what_it_shows(kind: str, lang: str) -> None:
    """It runs nothing, fetches nothing, needs no font, and is the same file every time."""
    drawing = drawn(kind)
    content = painted(drawing, lang)
    assert usual(kind, lang, "svg") == content
    root = ElementTree.fromstring(content)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == drawing.alt.in_(lang)
    text = content.decode("utf-8")
    assert not re.search(r"<!DOCTYPE|<!ENTITY|<script|<metadata|<foreignObject|<image|javascript:|@import", text, re.I)
    for element in root.iter():
        assert element.tag.startswith(SVG)
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            if name.rpartition("}")[2] == "href":
                assert value.startswith("#")
            assert "url(" not in value or re.fullmatch(r"url\(#\w+\)", value)
    assert "<text" not in text  # paths
    assert len(content) < 200_000


@pytest.mark.parametrize(("kind", "options"), CASES[len(KINDS) :])
def test_every_model_and_strange_values_can_be_drawn(kind: str, options: dict[str, str]) -> None:
    drawing = drawn(kind, options)
    assert all(isinstance(value, float) and math.isfinite(value) for value in drawing.figures.values())
    assert ElementTree.fromstring(painted(drawing, "ko")).tag == f"{SVG}svg"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["png", "pdf"])
def test_the_same_picture_is_the_same_file(kind: str, format: str) -> None:
    assert painted(drawn(kind), "ko", format) == usual(kind, "ko", format)


def test_a_picture_is_the_same_whatever_else_uses_matplotlib() -> None:
    import matplotlib

    before = usual("noise", "en", "svg")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 40, "svg.hashsalt": "x", "text.usetex": True}):
        names = [name for name in matplotlib.rcParams if name != "backend"]  # to look at that one is to choose it
        kept = {name: matplotlib.rcParams[name] for name in names}
        assert painted(drawn("noise")) == before
        assert {name: matplotlib.rcParams[name] for name in names} == kept


def test_pyplot_is_never_imported() -> None:
    program = (
        "import sys\nfrom derive.plots import read_plot\nfrom numeric.plot import draw\n"
        "draw(read_plot('trajectory', {})).paint('ko', 'png', [])\nprint('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_as_other_files(kind: str) -> None:
    with Image.open(io.BytesIO(usual(kind, "ko", "png"))) as image:
        assert image.size == (1600, 752)
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 100
    pdf = usual(kind, "ko", "pdf")
    assert pdf.startswith(b"%PDF-")
    assert b"symstep plot" in pdf
    assert b"Date" not in pdf
    if KINDS[kind].moves:
        with Image.open(io.BytesIO(usual(kind, "en", "gif"))) as image:
            assert 5 <= image.n_frames <= canvas.FRAMES  # type: ignore[attr-defined]
    else:
        with pytest.raises(InputError, match="nothing moves"):
            usual(kind, "en", "gif")


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_the_words_hold_the_numbers(kind: str, options: dict[str, str]) -> None:
    drawing = drawn(kind, options)
    silent = {"loss_least", "count", "measured_values", "p", "n", "largest_difference", "measured_p"}
    for name, value in drawing.figures.items():
        if name.rstrip("_123456") not in silent:
            for words in (drawing.alt.en, drawing.alt.ko):
                assert any(_three(Fraction(shown)) == _three(value) for shown in _numbers(words)), name
    assert re.search("[가-힣]", drawing.alt.ko)
    assert not re.search("[가-힣]", drawing.alt.en)


def _numbers(words: str) -> list[str]:
    found = re.findall(r"-?[0-9][0-9,]*(?:\.[0-9]+)?(?:e[+-][0-9]+|/[0-9]+)?", words)
    return [number.rstrip(",").replace(",", "") for number in found]


def _three(value: float | Fraction) -> str:
    return f"{float(value) or 0.0:.3g}"


# --- what is drawn is what is proved ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("eta", "lam", "sigma"), [("0.3", "1", "1"), ("1/7", "5", "2"), ("19/10", "1", "1/3")])
def test_the_variance_is_that_of_the_library(eta: str, lam: str, sigma: str) -> None:
    figures = drawn("noise", {"eta": eta, "lambda": lam, "sigma": sigma}).figures
    at = {"eta": Fraction(eta), "lambda": Fraction(lam), "sigma": Fraction(sigma)}
    value = formulas.stationary()
    assert figures["variance_proved"] == number(value, **at)
    # and it is where the recurrence stands still, exactly
    _, name, index, _, step, _, closed = derivation("noise-variance").lines[0].term
    assert closed[1] == value  # the rest of the closed form dies out
    there = substitute(step, ("ix", name, ("v", index)), value)
    assert exact(there, Point(scalars=at)) == exact(value, Point(scalars=at))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("eta", "sigma"), [("0.3", "1"), ("0.02", "3"), ("1", "0.1"), ("1.8", "1")])
def test_the_measured_variance_is_the_proved_one(seed: int, eta: str, sigma: str) -> None:
    figures = drawn("noise", {"eta": eta, "sigma": sigma, "seed": str(seed)}).figures
    lacking = noisy.SETTLED * figures["variance_proved"]  # what the start may still hide of it
    assert abs(figures["variance_measured"] - figures["variance_proved"]) < 4.5 * figures["standard_error"] + lacking


@pytest.mark.parametrize("eta", ["0.1", "1", "1.7"])
def test_the_standard_error_is_how_far_measurements_lie(eta: str) -> None:
    found = [drawn("noise", {"eta": eta, "runs": "20", "seed": str(seed)}).figures for seed in range(40)]
    away = [(f["variance_measured"] - f["variance_proved"]) / f["standard_error"] for f in found]
    assert 0.65 < float(np.std(away)) < 1.4
    assert abs(float(np.mean(away))) < 0.7


def test_the_noisy_rule_is_gradient_descent_and_noise() -> None:
    rule, error = formulas.noisy_step(), formulas.recurrence("gd-error")
    at = {name: Fraction(k, 7) for k, name in enumerate(("eta", "lambda", "sigma", "xi", "w"), 2)}
    quiet: Any = exact(substitute(error.step, ("v", error.name), ("v", "w")), Point(scalars=at))
    assert exact(rule, Point(scalars=at)) == quiet - at["eta"] * at["sigma"] * at["xi"]
    slope: Any = exact(("diff", formulas.quadratic(), ("v", "w")), Point(scalars=at))
    assert quiet == at["w"] - at["eta"] * slope
    assert exact(formulas.quadratic(), Point(scalars=at)) == at["lambda"] * at["w"] ** 2 / 2


@pytest.mark.parametrize("eta", ["1/50", "2/11", "1/5", "3/10"])
def test_paths_are_the_closed_form_and_running_the_recurrence_gives_them_too(eta: str) -> None:
    rate, steps = Fraction(eta), 12
    closed = derivation("gd-error").lines[0].term[6]
    found = descent.errors(rate, Fraction(10), 0.5, steps)
    for t in range(steps + 1):
        at = {"eta": rate, "lambda": Fraction(10), "e0": Fraction(1, 2), "t": Fraction(t)}
        assert found[t] == pytest.approx(number(closed, **at), rel=1e-13)
    loss = descent._losses(rate, [Fraction(10)], steps)
    assert loss == pytest.approx(10 * (2 * found) ** 2 / 2, rel=1e-12)


def test_which_rates_converge_is_the_claim_of_the_library() -> None:
    words = drawn("trajectory", {"large": "1", "small": "0.99"}).alt.en  # at 2/L exactly it does not converge
    assert words.count("does not converge") == 1
    assert "at 2/L, 0.2: does not converge" in words
    for eta in ("1/10", "2/10", "21/100"):
        assert formulas.stable(Fraction(eta), [Fraction(1), Fraction(10)]) == (Fraction(eta) < Fraction(2, 10))


def test_what_does_not_converge_is_seen_to_go_away_by_default() -> None:
    figures = drawn("trajectory").figures
    assert figures["distance_large"] > 1.4 * figures["distance_start"]
    assert figures["distance_large"] < descent.WINDOW
    assert max(figures["distance_good"], figures["distance_small"]) < figures["distance_start"]


def test_paths_are_called_by_where_their_rates_lie() -> None:
    alt = drawn("trajectory", {"small": "9", "steps": "5"}).alt
    assert "above 2/L, 1.8: does not converge" in alt.en
    assert "2/L보다 큼 1.8: 수렴하지 않음" in alt.ko
    assert "small" not in alt.en
    assert "below 2/L, 0.02: converges" in drawn("trajectory").alt.en


@pytest.mark.parametrize("eta", ["1/50", "1/10", "2/11", "19/100", "1/3"])
def test_no_loss_is_above_its_bound(eta: str) -> None:
    loss = descent._losses(Fraction(eta), [Fraction(1), Fraction(10)], 40)
    worst = np.maximum(*(np.abs(descent.errors(Fraction(eta), Fraction(c), 1.0, 40)) for c in (1, 10)))
    assert np.all(loss <= worst**2 * loss[0] * (1 + 1e-9))


@pytest.mark.parametrize("model", MODELS)
def test_densities_and_losses_are_those_of_the_library(model: str) -> None:
    figures = drawn("density", {"model": model}).figures
    assert figures["largest_difference"] < 1e-13
    entry = MODELS[model]
    if entry.prediction:
        return
    values = {name: value for name, value in read_plot("density", {"model": model}).values.items() if name != "model"}
    term = instance(model).density_term()[0]
    for y in (Fraction(0), Fraction(-7, 5), Fraction(3)):
        at: dict[str, Any] = {**values, "mu": Fraction(0), "y": y}
        assert formulas.evaluate(term, {**values, "mu": Fraction(0)}, y=np.array([float(y)]))[0] == pytest.approx(
            number(term, **at), rel=1e-14
        )
    loss, _ = densities.loss_of(entry)
    assert LOSSES[loss.name].model == model


def test_counts_and_bars_are_probabilities() -> None:
    poisson = instance("poisson").density_term()[0]
    bars = [number(poisson, mu=Fraction(7, 10), y=Fraction(y)) for y in range(12)]
    assert drawn("density", {"model": "poisson"}).figures["density_peak"] == pytest.approx(max(bars), rel=1e-15)
    assert sum(bars) == pytest.approx(1, abs=1e-6)
    assert sum(densities.CLASSES) == 1


def test_the_fan_is_the_subdifferential() -> None:
    observations = [Fraction(-1), Fraction(1, 2), Fraction(1, 2), Fraction(2)]
    loss = kinks.loss_term(observations)
    for w in (-2, -1, 0, Fraction(1, 2), 1, 2, 3):
        below, above = (sum(m > w for m in observations), sum(m < w for m in observations))
        level = len(observations) - below - above
        assert kinks.slopes(loss, Fraction(w)) == (above - below - level, above - below + level)
    figures = drawn("subgradient", {"m": "-1, 1/2, 1/2, 2", "w": "1/2"}).figures
    assert (figures["slope_low"], figures["slope_high"], figures["loss"]) == (-2.0, 2.0, 3.0)


def test_counts_are_those_of_the_loops() -> None:
    n, p = 5, 12
    gradient = sum(1 for _ in range(n) for _ in range(p)) * 2  # X w, then X' times it
    gram = sum(1 for j in range(p) for _ in range(j, p) for _ in range(n))
    cholesky = sum(1 + (p - 1 - k) + sum(1 for j in range(k + 1, p) for _ in range(j, p)) for k in range(p))
    count = {name: number(term, n=Fraction(n), p=Fraction(p)) for name, term in formulas.multiplications().items()}
    assert count == {"step": gradient, "hessian": gram + cholesky}


def test_the_good_rate_shrinks_both_directions_alike() -> None:
    at = {"mu": Fraction(1), "L": Fraction(10)}
    rate = formulas.exact_at(formulas.best_rate(), at)
    assert rate == Fraction(2, 11)
    shrunk = [formulas.exact_at(formulas.shrinking(), {"eta": rate, "lambda": each}) for each in at.values()]
    assert shrunk == [Fraction(9, 11)] * 2


def test_times_are_measured_and_said_to_be() -> None:
    drawing = drawn("cost", {"measure": "yes", "n": "500", "p": "128"})
    assert drawing.figures["seconds_hessian"] > drawing.figures["seconds_step"] > 0
    assert "Measured on this machine" in drawing.alt.en
    assert "이 컴퓨터에서" in drawing.alt.ko
    assert painted(drawing)


# --- values that lead nowhere, and what is not installed --------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("trajectory", {"mu": "1e6", "L": "1e6", "large": "10", "steps": "500"}),
        ("convergence", {"eta": "1e6", "steps": "2000"}),
        ("noise", {"eta": "1e-6", "lambda": "1"}),
        ("noise", {"eta": "1.9999999"}),
        ("density", {"model": "poisson", "mu": "51"}),
    ],
)
def test_what_leaves_the_picture_is_refused(kind: str, options: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        drawn(kind, options)
    assert caught.value.remedy


def test_without_matplotlib_the_numbers_are_there_and_the_picture_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for kind in KINDS:
        drawing = drawn(kind)
        assert drawing.figures
        with pytest.raises(MissingDependency, match=r"pip install 'symstep\[plot\]'"):
            drawing.paint("en", "svg", [])


def test_without_a_hangul_font_the_labels_are_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canvas, "HANGUL", ("No Such Font",))
    drawing = drawn("convergence")
    warnings: list[str] = []
    content = [drawing.paint("ko", "svg", warnings) for _ in range(2)]
    assert len(warnings) == 1
    assert "apt-get install fonts-nanum" in warnings[0]
    assert content == [usual("convergence", "en", "svg")] * 2


def test_a_font_that_came_after_the_list_of_fonts_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import font_manager

    known = font_manager.fontManager.ttflist
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [f for f in known if f.name not in canvas.HANGUL])
    assert canvas.hangul_font() in canvas.HANGUL


def test_hostile_words_stay_words() -> None:
    scene = canvas.Scene(Text("</title><script>alert(1)</script>&\"'", "가"), {}, lambda figure, say: ())
    root = ElementTree.fromstring(canvas.paint(scene, "en", "svg", []))
    assert root.findtext(f"{SVG}title") == scene.alt.en
    assert root.find(f".//{SVG}script") is None

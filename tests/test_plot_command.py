"""`derive plot` and its options: a value can be drawn, or one line says why not and nothing is written."""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.cli import main
from derive.errors import InputError
from derive.plots import KINDS, read_block, read_plot

ROOT = Path(__file__).resolve().parent.parent


class Ran(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Ran:
        try:
            status = main(words)
        except SystemExit as end:
            status = int(end.code or 0)
        return Ran(status, *capsys.readouterr())

    return call


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn(run: Any, kind: str) -> None:
    lang = "ko" if len(kind) % 2 else "en"
    extra = ("--measure", "no") if kind == "cost" else ()
    ran = run("plot", kind, "-o", "out.svg", "--lang", lang, "--json", *extra)
    assert (ran.status, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert (document["output"], document["kind"]) == ("out.svg", kind)
    assert set(document["alt"]) == {"en", "ko"}
    assert all(isinstance(value, float) for value in document["figures"].values())
    assert html.escape(document["alt"][lang]) in Path("out.svg").read_text(encoding="utf-8")
    assert [path.name for path in Path().iterdir()] == ["out.svg"]


def test_words_are_printed_in_the_language_that_was_asked_for(run: Any) -> None:
    ran = run("plot", "noise", "--eta", "1/2", "--lambda", "0.5", "-o", "out.gif", "--lang", "ko")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("out.gif: 곡률 0.5인 ")
    assert Path("out.gif").read_bytes().startswith(b"GIF8")


def test_negative_values_need_no_equals_sign(run: Any) -> None:
    assert run("plot", "subgradient", "--m", "-1,-.5,2", "--w", "-1", "-o", "out.svg").status == 0


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("nois", "-o", "a.svg"), ("nois", "trajectory")),
        (("noise", "-o", "a.svg", "--eta", "nan"), ("eta", "'nan' is not a number", "0.3")),
        (("noise", "-o", "a.svg", "--eta", "inf"), ("eta", "not a number")),
        (("noise", "-o", "a.svg", "--eta", "1/0"), ("eta", "not a number")),
        (("noise", "-o", "a.svg", "--eta", "0"), ("eta = 0 cannot be drawn", "1e-6")),
        (("noise", "-o", "a.svg", "--eta", "-0.1"), ("eta = -0.1",)),
        (("noise", "-o", "a.svg", "--lambda", "-1"), ("lambda = -1",)),
        (("noise", "-o", "a.svg", "--eta", "2"), ("needs eta*lambda < 2", "change eta or lambda")),
        (("noise", "-o", "a.svg", "--eta", "1e999"), ("not a number",)),
        (("noise", "-o", "a.svg", "--eta", "__import__('os')"), ("not a number",)),
        (("noise", "-o", "a.svg", "--eta", "٣"), ("not a number",)),
        (("noise", "-o", "a.svg", "--eta", "0." + "1" * 50), ("not a number",)),
        (("noise", "-o", "a.svg", "--steps", "2.5"), ("steps", "whole")),
        (("noise", "-o", "a.svg", "--steps", "1000000"), ("steps = 1000000",)),
        (("noise", "-o", "a.svg", "--seed", "-1"), ("seed",)),
        (("noise", "-o", "a.svg", "--step", "20"), ("--step", "derive plot noise --help")),
        (("noise", "-o", "a.svg", "--eta"), ("--eta", "expected one argument")),
        (("noise",), ("-o/--output",)),
        (("trajectory", "-o", "a.svg", "--mu", "11"), ("needs mu <= L",)),
        (("convergence", "-o", "a.svg", "--eta", "0.1,,0.2"), ("eta", "not a number")),
        (("convergence", "-o", "a.svg", "--eta", "1,1,1,1,1,1,1"), ("at most 6",)),
        (("convergence", "-o", "a.svg", "--eta", "100", "--steps", "2000"), ("fewer steps",)),
        (("density", "-o", "a.svg", "--model", "laplac"), ("did you mean laplace?",)),
        (("density", "-o", "a.svg", "--model", "cauchy"), ("cauchy", "laplace, gaussian")),
        (("density", "-o", "a.svg", "--model", "laplace", "--nu", "2"), ("laplace model has no nu", "it has b")),
        (("density", "-o", "a.svg", "--model", "laplace", "--mu", "0.5"), ("has no mu",)),
        (("density", "-o", "a.svg", "--model", "categorical", "--mu", "0.5"), ("has no mu", "no options")),
        (("density", "-o", "a.svg", "--model", "bernoulli", "--mu", "1"), ("needs mu < 1",)),
        (("density", "-o", "a.svg", "--model", "asymmetric-laplace", "--tau", "3/2"), ("needs tau < 1",)),
        (("cost", "-o", "a.svg", "--measure", "maybe"), ("maybe", "yes, no")),
        (("cost", "-o", "a.svg", "--p", "1e5"), ("p = 1e5",)),
        (("cost", "-o", "a.gif"), (".gif", ".svg")),
        (("noise", "-o", "a.jpg"), (".jpg", ".gif")),
        (("noise", "-o", "a"), ("without an ending",)),
        (("noise", "-o", "nowhere/a.svg"), ("nowhere/a.svg", "folder")),
        (("noise", "-o", "a.svg", "--lang", "fr"), ("fr",)),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line_and_nothing_is_written(
    run: Any, words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    ran = run("plot", *words)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith("derive: ")
    assert "bug of this program" not in ran.err
    for part in parts:
        assert part in ran.err, ran.err
    assert list(Path().iterdir()) == []


def test_without_matplotlib_it_says_what_to_install(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ran = run("plot", "noise", "-o", "out.svg")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "derive: pictures need matplotlib: pip install 'symstep[plot]'\n"
    assert list(Path().iterdir()) == []


def test_a_picture_that_is_there_stays_when_the_next_one_fails(run: Any) -> None:
    assert run("plot", "subgradient", "-o", "a.svg").status == 0
    before = Path("a.svg").read_bytes()
    assert run("plot", "density", "--model", "poisson", "--mu", "99", "-o", "a.svg").status == 2
    assert Path("a.svg").read_bytes() == before


def test_the_page_about_plots_names_every_kind_and_option() -> None:
    text = (ROOT / "docs" / "plots.md").read_text(encoding="utf-8")
    for name, kind in KINDS.items():
        section = re.search(rf"^## `{name}`.*?(?=^## |\Z)", text, re.M | re.S)
        assert section, name
        rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", section[0], re.M)
        expected = [(o.name, o.meaning, o.domain.replace("`", ""), f"`{o.default}`") for o in kind.options]
        assert [(a, b, c.replace("`", ""), d) for a, b, c, d in rows] == expected, name
        assert kind.title.en in section[0]


# --- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_values_and_bounds_are_in_order(kind: str) -> None:
    plot = read_plot(kind, {})
    assert plot.values
    for option in KINDS[kind].options:
        assert option.meaning
        option.read(option.default)
        assert Fraction(option.low) < Fraction(option.high)
        assert option.domain


@settings(deadline=None)
@given(st.sampled_from([(kind, option.name) for kind in KINDS for option in KINDS[kind].options]), st.text(max_size=30))
def test_any_text_is_a_value_or_an_error_with_a_remedy(which: tuple[str, str], text: str) -> None:
    kind, name = which
    error = refusal(read_plot, kind, {name: text})
    assert error is None or error.remedy


@settings(deadline=None)
@given(st.text(alphabet="kind: oseta0.3/\n#|$\\`", max_size=60))
def test_any_block_is_a_plot_or_an_error_with_its_line(text: str) -> None:
    error = refusal(read_block, text, 7)
    assert error is None or 7 <= (error.line or 0) <= 7 + text.count("\n")


def refusal(read: Callable[..., object], *arguments: object) -> InputError | None:
    try:
        read(*arguments)
    except InputError as error:
        return error
    return None


def test_numbers_are_exact() -> None:
    assert read_plot("noise", {"eta": "0.1"}).values["eta"] == Fraction(1, 10)
    assert read_plot("noise", {"eta": " 1/3 "}).values["eta"] == Fraction(1, 3)
    assert read_plot("convergence", {"eta": "1e-3, .5"}).values["eta"] == (Fraction(1, 1000), Fraction(1, 2))
    assert read_plot("noise", {"steps": "1e2"}).values["steps"] == 100

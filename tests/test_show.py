"""A derivation shows itself: every format, both languages; nothing is called proved that is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from derive.chains import read_chains
from derive.derivation import Assumptions, Definition, Derivation, Line, Obligation, Symbol, Text
from derive.errors import InputError
from derive.parser import parse_expression
from derive.render.aligned import aligned_latex, derivation_latex
from derive.render.display import FORMATS, render
from derive.render.json_ import as_json
from derive.render.markdown import markdown
from derive.render.mathml import to_mathml
from derive.render.summary import counts, summary
from derive.render.symbol_table import given_latex, symbols_used
from derive.render.text import text
from derive.symbols import LECTURE
from derive.syntax import parse_given


def line(relation: str, source: str, **found: object) -> Line:
    parsed = parse_expression(source)
    return replace(Line(relation, parsed.term, parsed.binders), **found)


def proved(relation: str, source: str, rule: str, en: str = "", ko: str = "", needs: tuple[str, ...] = ()) -> Line:
    return line(relation, source, reason=Text(en, ko), rule=rule, verdict="proved", side_conditions=needs)


goal = parse_expression("argmin[w] sum(abs(f(x[i], w) - y[i]), i, 1, N)")
LAPLACE = Derivation(
    name="laplace-l1",
    title=Text("Laplace noise gives the L1 loss", "라플라스 잡음이면 L1 손실"),
    source="lecture 03",
    meanings={"b": Text("scale of the noise", "노이즈의 척도")},
    assumptions=parse_given("b > 0; w, x[i], y[i] real; N integer >= 1; f(x, w) real"),
    goal=goal.term,
    goal_binders=goal.binders,
    lines=(
        line("", "argmax[w] log(prod(exp(-abs(y[i] - f(x[i], w))/b)/(2*b), i, 1, N))"),
        proved("=", "argmax[w] sum(log(exp(-abs(y[i] - f(x[i], w))/b)/(2*b)), i, 1, N)", "log_of_product",
               "log of a product", "로그는 곱을 합으로"),
        proved("=", "argmax[w] -sum(log(2*b), i, 1, N) - sum(abs(f(x[i], w) - y[i])/b, i, 1, N)", "sum_termwise",
               needs=("b > 0",)),
        proved("=", "argmax[w] -sum(abs(f(x[i], w) - y[i]), i, 1, N)", "argopt", "b > 0, and log(2*b) is free of w",
               "b > 0이고 log(2*b)에는 w가 없다", needs=("b > 0",)),
        proved("=", "argmin[w] sum(abs(f(x[i], w) - y[i]), i, 1, N)", "argopt", "flip the sign", "부호를 바꾼다"),
    ),
    digest="0123456789abcdef" * 4,
)  # fmt: skip
WRONG = Derivation(
    title=Text("a slip"),
    assumptions=parse_given("w, x, y real"),
    lines=(
        line("", "diff((y - w*x)**2, w)"),
        line("=", "-2*(y - w*x)", number=10, rule="grad", verdict="refuted", left="-6", right="-2",
             witness={"x": "3", "y": "1", "w": "0"}, message="the two sides differ"),
        line("=", "2*(w*x - y)", number=11, verdict="undecided", message="no rule applies"),
    ),
)  # fmt: skip
DEFINED = Derivation(
    name="defined",
    assumptions=Assumptions(
        (Symbol("y"), Symbol("mu")), (), (Definition("p", ("y",), parse_expression("exp(-(y - mu)**2)").term),)
    ),
    lines=(
        line("", "log(p(y))"),
        line("=", "log(exp(-(y - mu)**2))", rule="definition", verdict="declared"),
        line("=", "-(y - mu)**2", rule="identity", verdict="proved"),
    ),
)
CLAIM = Derivation(lines=(line("", "x**2 >= 0", rule="positive", verdict="proved", reason=Text("a square")),))
REC = Derivation(
    title=Text("gradient descent on a quadratic"),
    assumptions=parse_given("eta > 0; lam > 0"),
    lines=(
        line(
            "",
            "rec e[t+1] = (1 - eta*lam)*e[t], e[0] = e0 => e[t] = (1 - eta*lam)**t*e0",
            rule="induction",
            verdict="proved",
        ),
    ),
)
RESTING = replace(
    LAPLACE,
    obligations=(
        Obligation(Text("the density integrates to 1", "밀도의 적분은 1"), "A book, 1995"),
        Obligation(Text("the square is not negative", "제곱은 음이 아니다"), "", CLAIM),
    ),
    braces=((parse_expression("sum(abs(f(x[i], w) - y[i]), i, 1, N)").term, Text("L1 loss", "L1 손실")),),
)  # fmt: skip
ALL = {"laplace": LAPLACE, "wrong": WRONG, "defined": DEFINED, "claim": CLAIM, "recurrence": REC, "resting": RESTING}
ENDINGS = {"text": "txt", "latex": "tex", "markdown": "md", "json": "json"}


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("name", ALL)
def test_shown_as_accepted(name: str, target: str, lang: str, golden: Callable[[str, str], None]) -> None:
    language = "" if target == "json" else f".{lang}"  # JSON holds both
    golden(f"show/{name}{language}.{ENDINGS[target]}", render([ALL[name]], target, lang) + "\n")


@pytest.mark.parametrize("name", ALL)
def test_every_derivation_converts_to_mathml(name: str) -> None:
    for highlight in (False, True):
        assert to_mathml(aligned_latex(ALL[name], LECTURE, highlight=highlight), display=True).markup
    for formula in (*given_latex(ALL[name]), *(use.domain_latex for use in symbols_used(ALL[name]))):
        assert to_mathml(formula).markup


@pytest.mark.parametrize(
    ("derivation", "en", "ko"),
    [
        (LAPLACE, "4 steps: 4 proved", "4단계: 증명 4"),
        (DEFINED, "1 step: 1 proved; 2 definitions", "1단계: 증명 1; 정의 2"),
        (WRONG, "2 steps: 1 undecided, 1 refuted", "2단계: 미결 1, 반증 1"),
        (CLAIM, "1 step: 1 proved", "1단계: 증명 1"),
        (Derivation(), "no steps", "0단계"),
        (replace(CLAIM, lines=(replace(CLAIM.lines[0], verdict=""),)), "1 step: 1 not judged", "1단계: 판정 전 1"),
        (replace(CLAIM, lines=(replace(CLAIM.lines[0], verdict="checked"),)), "1 step: 1 checked", "1단계: 시험 1"),
    ],
    ids=["proved", "definition", "wrong", "claim", "empty", "not judged", "checked"],
)
def test_the_summary_counts_each_verdict_apart(derivation: Derivation, en: str, ko: str) -> None:
    assert (summary(derivation), summary(derivation, "ko")) == (en, ko)
    found = counts(derivation)
    kinds = ("proved", "checked", "undecided", "refuted", "unjudged")
    assert found["steps"] == sum(found[kind] for kind in kinds)


@pytest.mark.parametrize("verdict", ["", "declared", "checked", "undecided", "refuted"])
@pytest.mark.parametrize("target", ["text", "markdown", "json"])
def test_only_what_is_proved_is_called_proved(target: str, verdict: str) -> None:
    lines = tuple(replace(one, verdict=verdict) for one in LAPLACE.lines)
    judged = replace(LAPLACE, lines=lines, digest="")
    for lang, word in (("en", "proved"), ("ko", "증명")):
        shown = render([judged], target, lang).replace('"proved": 0', "")
        assert word not in shown
    assert "proved" in render([LAPLACE], target)


def test_a_refuted_line_shows_its_witness() -> None:
    shown = text(WRONG)
    assert "at: x = 3, y = 1, w = 0" in shown
    assert re.search(r"left: -6\n\s*right: -2", shown)
    assert "no rule applies" in shown
    found = as_json(WRONG)
    assert found["verdict"] == "refuted"
    assert found["lines"][1]["witness"] == {"x": "3", "y": "1", "w": "0"}
    assert (found["lines"][1]["left"], found["lines"][1]["right"]) == ("-6", "-2")
    assert "left -6; right -2" in markdown(WRONG).replace("\\", "")


HOSTILE = "\x1b[2J\u202eevil\u2066 }\\input{x} <b> *[a](b)* $x$ & % # _ ~ ^ `c`\n\n# top"


def test_text_for_a_terminal_holds_no_control_characters() -> None:
    bad = replace(
        WRONG, title=Text(HOSTILE), source=HOSTILE, name=HOSTILE, digest=HOSTILE,
        assumptions=replace(WRONG.assumptions, texts=(HOSTILE,)),
        lines=tuple(
            replace(one, reason=Text(HOSTILE), rule=HOSTILE, message=HOSTILE, side_conditions=(HOSTILE,), left=HOSTILE,
                    right=HOSTILE, witness={HOSTILE: HOSTILE})
            for one in WRONG.lines
        ),
    )  # fmt: skip
    for lang in ("en", "ko"):
        shown = render([bad], "text", lang) + render([bad], "markdown", lang) + render([bad], "latex", lang)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", shown)
        assert "evil" in shown
    tex = derivation_latex(bad)
    assert "\\input" not in tex
    assert "\\textbackslash{}input\\{x\\}" in tex
    assert tex.count("\\begin{") == tex.count("\\end{") == 1
    page = MarkdownIt("commonmark").render(re.sub(r"(?s)\$\$.*?\$\$", "", markdown(bad)))
    assert set(re.findall(r"<(\w+)", page)) == {"h3", "p", "ol", "ul", "li", "code", "strong"}
    assert page.count("<h3") == 1
    assert json.loads(render([bad], "json"))["source"] == HOSTILE


def test_json_says_everything() -> None:
    found = json.loads(render([LAPLACE], "json"))
    assert set(found) == {
        "name", "title", "source", "verdict", "given", "given_latex", "definitions", "goal", "symbols", "lines",
        "certificate", "digest", "summary", "obligations", "braces",
    }  # fmt: skip
    assert [entry["rule"] for entry in found["lines"]] == ["", "log_of_product", "sum_termwise", "argopt", "argopt"]
    assert found["title"]["ko"] == "라플라스 잡음이면 L1 손실"
    assert found["summary"]["text"]["ko"] == "4단계: 증명 4"
    for entry, one in zip(found["lines"], LAPLACE.lines, strict=True):
        again = parse_expression(entry["ascii"])
        assert (again.term, again.binders) == (one.term, one.binders)
    both = json.loads(render([LAPLACE, CLAIM], "json"))
    assert [entry["name"] for entry in both] == ["laplace-l1", ""]


def test_latex_has_reasons_in_the_language_that_was_asked_for() -> None:
    assert r"&& \text{flip the sign}" in aligned_latex(LAPLACE)
    assert r"&& \text{부호를 바꾼다}" in aligned_latex(LAPLACE, lang="ko")
    assert r"\text" not in aligned_latex(LAPLACE, reasons=False)
    assert r"\class" not in derivation_latex(LAPLACE)
    assert r"\text{[refuted]}" in aligned_latex(WRONG)
    assert r"\text{[미결]}" in aligned_latex(WRONG, lang="ko")
    assert aligned_latex(LAPLACE, highlight=True).count(r"\class{changed}") >= 3


@pytest.mark.parametrize("target", FORMATS)
def test_what_a_derivation_rests_on_is_shown_as_declared_or_proved(target: str) -> None:
    in_english, in_korean = ("the density integrates to 1", "declared", "proved"), ("밀도의 적분은 1", "선언", "증명")
    for lang, words in (("en", in_english), ("ko", in_korean)):
        shown = render([RESTING], target, lang)
        for expected in (*words, "A book, 1995"):
            assert expected in shown
        first, second = shown.index(words[0]), shown.index("the square" if lang == "en" else "제곱은")
        if target != "json":
            assert words[1] in shown[first:second]
            assert words[2] not in shown[first:second]
            assert words[2] in shown[second:]
    assert summary(RESTING) == "4 steps: 4 proved; 1 proved obligation, 1 declared obligation"
    assert summary(RESTING, "ko") == "4단계: 증명 4; 증명한 전제 1, 선언한 전제 1"
    assert [item["verdict"] for item in as_json(RESTING)["obligations"]] == ["declared", "proved"]
    assert as_json(RESTING)["obligations"][1]["proof"]["lines"][0]["ascii"] == "x**2 >= 0"


@pytest.mark.parametrize("verdict", ["", "undecided", "refuted"])
def test_an_obligation_is_what_its_proof_is(verdict: str) -> None:
    open_ = replace(CLAIM, lines=(replace(CLAIM.lines[0], verdict=verdict),))
    resting = replace(LAPLACE, obligations=(Obligation(Text("a square"), proof=open_),))
    assert summary(resting) == f"4 steps: 4 proved; 1 {verdict or 'unjudged'} obligation"
    assert "a square: x**2 >= 0 (" + (verdict or "not judged") in text(resting)


def test_a_brace_is_under_the_last_line_that_has_its_term() -> None:
    last = r"\underbrace{\sum_{i=1}^{N} \left|f_{w}(x_{i}) - y_{i}\right|}_{L_{1}\text{ %s}}"
    for shown in (aligned_latex(RESTING, LECTURE), markdown(RESTING, LECTURE), derivation_latex(RESTING, LECTURE)):
        assert shown.count(r"\underbrace") == 1
        assert last % "loss" in next(row for row in shown.splitlines() if r"\underbrace" in row and r"arg\,min" in row)
    assert last % "손실" in aligned_latex(RESTING, LECTURE, "ko")
    assert as_json(RESTING)["braces"][0]["text"] == {"en": "L1 loss", "ko": "L1 손실"}
    page = render([RESTING], "html")
    assert page.count("<mtext>\u00a0손실</mtext>") == page.count("<mtext>\u00a0loss</mtext>") == 1


def test_a_chain_names_its_parts_and_has_a_title_in_both_languages() -> None:
    source = "title: A | 가\ngiven: y[i], w real; N integer >= 1\nbrace: sum((y[i] - w)**2, i, 1, N) -- data | 데이터\n"
    source += "brace: (y[i] - w)**2 -- one | 하나\n\n -sum((y[i] - w)**2, i, 1, N)\n= 0 - sum((y[i] - w)**2, i, 1, N)\n"
    (found,) = read_chains(source)
    assert (found.title, [name.ko for _, name in found.braces]) == (Text("A", "가"), ["데이터", "하나"])
    rows = aligned_latex(found, lang="ko").splitlines()[1:-1]
    inner = r"\underbrace{(y_{i} - w)^{2}}_{\text{하나}}"  # the index of the sum goes by its name
    assert rows[1] == rf"=\;& 0 - \underbrace{{\sum_{{i=1}}^{{N}} {inner}}}_{{\text{{데이터}}}}"
    assert "underbrace" not in rows[0]
    for wrong, says in (
        ("y[i]**3 -- cube", "stands in no line"),
        ("w", "without a name"),
        ("w + -- x", "found the end"),
    ):
        with pytest.raises(InputError) as caught:
            read_chains(source.replace("(y[i] - w)**2 -- one | 하나", wrong), "a.chain")
        assert (caught.value.file, caught.value.line) == ("a.chain", 4)
        assert says in str(caught.value)


def test_one_name_looks_the_same_on_every_line() -> None:
    lines = (line("", "y1"), line("=", "y[1]"), line("=", "lam"), line("=", "lambda"))
    rows = aligned_latex(Derivation(lines=lines)).splitlines()[1:-1]
    assert [row.split("& ")[1].removesuffix(" \\\\") for row in rows] == [
        r"\mathit{y1}",
        "y_{1}",
        r"\lambda",
        r"\mathit{lambda}",
    ]


def test_the_notation_table() -> None:
    rows = {use.name: use for use in symbols_used(LAPLACE, LECTURE)}
    assert list(rows) == ["w", "N", "y", "f", "x", "b", "i"]
    assert rows["f"].latex == "f_{w}(x_{i})"
    assert rows["y"].latex == "y_{i}"
    assert (rows["b"].domain.en, rows["b"].domain_latex) == ("b > 0", "b > 0")
    assert rows["N"].domain.en == "integer, N >= 1"
    assert rows["N"].domain.ko == "정수, N >= 1"
    assert rows["N"].domain_latex == r"N \in \mathbb{Z},\; N \ge 1"
    assert (rows["w"].domain.ko, rows["w"].domain_latex) == ("실수", r"w \in \mathbb{R}")
    assert rows["i"].domain.en == "i = 1, ..., N"
    for use in rows.values():
        assert use.gloss.en, use.name
        assert use.gloss.ko, use.name


def test_a_meaning_is_said_and_not_guessed_from_a_letter() -> None:
    (item,) = read_chains("symbol: v -- direction | 방향\ngiven: v, m, p real\n\nv*m*p = p*m*v\n")
    found = {use.name: use.gloss for use in symbols_used(item)}
    assert found == {"v": Text("direction", "방향"), "m": Text(), "p": Text()}


def test_what_is_given_is_printed() -> None:
    assert given_latex(LAPLACE, LECTURE) == (
        r"w, x_{i}, y_{i}, f_{w}(x_{i}) \in \mathbb{R}", r"N \in \mathbb{Z}", "b > 0", r"N \ge 1",
    )  # fmt: skip
    assert given_latex(DEFINED)[-1] == r"p(y) := \mathrm{e}^{-(y - \mu)^{2}}"


def test_an_unknown_format_or_language_is_refused() -> None:
    with pytest.raises(InputError, match="unknown format 'pdf'"):
        render([CLAIM], "pdf")
    with pytest.raises(InputError, match="unknown language 'fr'"):
        render([CLAIM], "text", "fr")
    for target in FORMATS:
        assert render([CLAIM], target)

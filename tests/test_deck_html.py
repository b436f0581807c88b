"""The HTML deck: what it shows, that nothing in it is fetched or runs, that bad decks are refused with their line."""

from __future__ import annotations

import html.parser
import re
import time
from dataclasses import replace

import pytest

from derive.chains import read_chains
from derive.deck import read_deck
from derive.derivation import Assumptions, Definition, Derivation, Line, Symbol, Text
from derive.errors import InputError
from derive.kernel.terms import Term, q
from derive.library import lecture_text
from derive.render.fonts import font_face
from derive.render.html import render_deck, render_derivation
from derive.render.mathml import to_mathml
from derive.slides import build
from numeric.plot import draw

N, B, INDEX = ("v", "N"), ("v", "b"), ("b", 0)
RESIDUAL: Term = ("f", "abs", ("+", ("call", "f", ("ix", "x", INDEX), ("v", "w")), ("neg", ("ix", "y", INDEX))))
LOG_SCALE: Term = ("f", "log", ("*", q(2), B))
DENSITY: Term = ("/", ("f", "exp", ("/", ("neg", RESIDUAL), B)), ("*", q(2), B))


def total(body: Term) -> Term:
    return ("sum", q(1), N, body)


def best(which: str, body: Term) -> Term:
    return (which, ("w",), body)


def line(relation: str, term: Term, en: str = "", ko: str = "", **values: object) -> Line:
    return replace(Line(relation, term, ("i", "i"), Text(en, ko)), **values)  # type: ignore[arg-type]


GIVEN = Assumptions(
    symbols=(
        Symbol("b"), Symbol("w"), Symbol("x", "indexed", 1), Symbol("y", "indexed", 1),
        Symbol("N", "scalar", 0, "integer"), Symbol("f", "function", 2),
    ),
    facts=((">", B, q(0)), (">=", N, q(1))),
)  # fmt: skip
LAPLACE = Derivation(
    name="laplace-l1",
    title=Text("Laplace noise gives the L1 loss", "라플라스 잡음이면 L1 손실"),
    assumptions=GIVEN,
    goal=best("argmin", total(RESIDUAL)),
    goal_binders=("i",),
    lines=(
        line("", best("argmax", total(("f", "log", DENSITY)))),
        line("=", best("argmax", ("+", ("neg", total(LOG_SCALE)), ("neg", total(("/", RESIDUAL, B))))),
             "log of a quotient", "로그는 몫을 차로", rule="identity", verdict="proved"),
        line("=", best("argmax", ("neg", total(RESIDUAL))), "b > 0", "b > 0", rule="argopt", verdict="proved",
             side_conditions=("b > 0",)),
        line("=", best("argmin", total(RESIDUAL)), "flip the sign", "부호를 뒤집는다", rule="argopt", verdict="proved"),
    ),
    digest="3fa9c0d1e2b4" + "0" * 52,
)  # fmt: skip

DECK = """title.en: Optimizers
title.ko: 옵티마이저
author: A lecturer
lang: ko

# The likelihood | 가능도

::: en
The *likelihood* of $w$ is a product.
:::
::: ko
$w$의 **가능도**는 곱이다.
:::

$$
\\hat{w} = \\operatorname*{arg\\,max}_{w} \\underbrace{\\prod_{i=1}^N p(x_i \\mid w)}_{\\text{가능도}}
$$

::: notes
Ask first.
:::

---

# Laplace | 라플라스

```derive
use: laplace-l1
```
"""


class Page(html.parser.HTMLParser):
    """Tags with their attributes and classes, and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of_class(self, name: str) -> int:
        return sum(name in attributes.get("class", "").split() for _, attributes in self.tags)


def deck_page(text: str = DECK, derivation: Derivation = LAPLACE, **options: object) -> str:
    deck = read_deck(text, "deck.md")
    found = {block.line: (derivation,) for block in deck.derive_blocks()}
    return render_deck(deck, found, **options)  # type: ignore[arg-type]


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_a_derivation_shows_goal_assumptions_steps_reasons_and_verdicts() -> None:
    text = render_derivation(LAPLACE)
    page = Page(text)
    assert page.of_class("frag") == 3  # every step but the line it begins with is revealed
    assert page.of_class("goal") == page.of_class("slide") - 1  # on every slide but the notation table
    assert text.count("#mark-proved") >= 3
    assert "(1)" in page.texts
    assert "(3)" in page.texts
    assert "flip the sign" in page.texts
    assert "부호를 뒤집는다" in page.texts
    assert "3 steps: 3 proved" in page.texts
    assert "3단계: 증명 3" in page.texts
    assert "3fa9c0d1e2b4" in page.texts  # the certificate, 12 digits of it
    assert 'class="changed"' in text
    assert "number of samples" in page.texts  # the notation table
    assert "샘플의 개수" in page.texts


def test_both_languages_are_there_and_one_is_first() -> None:
    text = deck_page()
    assert '<html lang="ko">' in text
    assert '<title data-en="Optimizers" data-ko="옵티마이저">옵티마이저</title>' in text
    assert '<span class="t" lang="en">The likelihood</span><span class="t" lang="ko">가능도</span>' in text
    assert '<html lang="en">' in deck_page(lang="en")
    with pytest.raises(InputError, match="use en or ko"):
        deck_page(lang="fr")


def test_a_refuted_line_shows_its_witness_and_an_undecided_one_its_reason() -> None:
    lines = list(LAPLACE.lines)
    lines[1] = replace(lines[1], verdict="refuted", witness={"w": "1/3"}, left="-2", right="2")
    lines[2] = replace(lines[2], verdict="undecided", message="the sign of b is not known")
    text = render_derivation(LAPLACE.with_lines(tuple(lines)))
    assert "w = 1/3" in text
    assert "the sign of b is not known" in text
    assert "#mark-refuted" in text
    assert "#mark-undecided" in text
    assert "3 steps: 1 proved, 1 undecided, 1 refuted" in text
    lines[1] = replace(lines[1], reason=Text(), rule="", side_conditions=())
    assert "w = 1/3" in render_derivation(LAPLACE.with_lines(tuple(lines)))  # also where no reason stands beside it


def test_a_defined_name_is_written_below_what_it_stands_for() -> None:
    square: Term = total(("^", ("ix", "y", INDEX), q(2)))
    given = replace(GIVEN, definitions=(Definition("L", (), square, ("i",)),))
    lines = (line("", ("+", square, B)), line("=", ("+", B, square), verdict="proved"))
    text = render_derivation(Derivation(title=Text("x"), assumptions=given, lines=lines))
    assert text.count('<mrow class="underbrace">') == 1  # where it is first unfolded, and not again
    assert re.search(r'<munder><mrow class="underbrace">.*?</mrow><mi>L</mi></munder>', text)
    assert "1 step: 1 proved; 1 definition" in text


def test_a_long_derivation_is_split_with_the_last_line_repeated() -> None:
    warnings: list[str] = []
    text = render_derivation(LAPLACE.with_lines(LAPLACE.lines * 3), warnings=warnings)
    page = Page(text)
    steps = [a["class"].count("slide") for tag, a in page.tags if tag == "section" and "slide" in a.get("class", "")]
    assert len(steps) >= 4
    assert page.of_class("frag") == 11
    assert page.of_class("again") == len(steps) - 2  # the first slide, and the notation table, repeat nothing
    assert warnings == []  # that is normal
    assert all(slide.count('<li class="step') > 1 for slide in text.split('<section class="slide')[1:-1])
    for slide in text.split('<section class="slide')[1:]:
        assert slide.count('<li class="step') <= 6


def test_short_chains_stand_on_one_slide_and_long_ones_are_balanced() -> None:
    three = render_derivation(replace(LAPLACE, goal=None))
    assert Page(three).of_class("slide") == 2  # and the notation table
    five = render_derivation(LAPLACE.with_lines((*LAPLACE.lines, *LAPLACE.lines[1:3])))
    slides = five.split('<section class="slide')[1:-1]
    assert [slide.count('<li class="step') - slide.count(" again") for slide in slides] == [
        3,
        3,
    ]  # the first has line 0
    assert [slide.count('class="claim later"') for slide in slides] == [0, 1]


def test_claims_of_one_line_stand_in_a_list() -> None:
    (claim,) = read_chains("title: Squares | 제곱\ngiven: x real\n\nx**2 >= 0\n")
    other = replace(
        claim, title=Text("Again", "다시"), lines=(replace(claim.lines[0], verdict="proved", rule="positive"),)
    )
    text = render_deck(read_deck("# A\n\n```derive\nx\n```\n"), {4: (claim, other)})
    page = Page(text)
    assert (page.of_class("slide"), page.of_class("claims"), page.of_class("frag")) == (2, 1, 2)
    assert "2 steps: 1 proved, 1 not judged" in page.texts
    assert {"Squares", "제곱", "Again", "다시"} <= set(page.texts)
    assert text.count("#mark-proved") == 1


def test_the_built_in_lecture_is_proved_throughout_and_warns_of_nothing() -> None:
    built = build(lecture_text(), "lecture.md", "lecture.html", draw=draw)
    assert (built.verdict, built.warnings, set(built.counts)) == ("proved", [], {"proved"})
    slides = built.content.split('<section class="slide')[1:]
    assert len(slides) == built.slides
    # no step is alone on a slide that goes on from the one before
    assert not [slide for slide in slides if slide.count(" frag") == 1 and 'class="step again' in slide]
    table = "".join(slide for slide in slides if 'class="notation"' in slide)
    assert "&ndash;" not in table  # every symbol has a meaning
    deck = read_deck(lecture_text())
    assert all(slide.notes and all(slide.title) for slide in deck.slides)
    for slide in deck.slides:
        languages = {block.language for block in slide.blocks}
        assert ("en" in languages) == ("ko" in languages), slide.title


# --- nothing is fetched, nothing runs --------------------------------------------------------------------------------


def test_nothing_in_the_page_is_fetched() -> None:
    text = deck_page(DECK + "\n---\n\n[paper](https://example.org/x?a=1&b=2)\n")
    page = Page(text)
    links = [attributes for tag, attributes in page.tags if tag == "a"]
    assert [(a["href"], a["rel"]) for a in links] == [("https://example.org/x?a=1&b=2", "noopener noreferrer")]
    assert re.findall(r"https?://", text) == ["https://"]  # the author's link and nothing else
    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not {"src", "srcset", "action", "formaction"} & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
    assert re.findall(r'url\((?!"?data:(?:font/woff|image/svg))', text) == []
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert "unsafe-eval" not in policy


HOSTILE = [
    "</script><script>alert(1)</script>", '<img src=x onerror="alert(1)">', "</title><script>alert(1)</script>",
    "</style><svg onload=alert(1)>", "'\"><b>", "{{7*7}}", "a\u202eb",
]  # fmt: skip


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_text_is_only_text(bad: str) -> None:
    derivation = replace(
        LAPLACE, title=Text(bad, bad), source=bad, name=bad,
        lines=(LAPLACE.lines[0], replace(LAPLACE.lines[1], reason=Text(bad, bad), rule=bad, side_conditions=(bad,),
                                         verdict="refuted", message=bad, witness={bad: bad}, left=bad, right=bad)),
    )  # fmt: skip
    source = f"title.en: {bad}\nauthor: {bad}\n\n# {bad}\n\n{bad} `{bad}`\n\n```\n{bad}\n```\n\n```derive\nx\n```\n"
    harmless = deck_page("title.en: x\nauthor: x\n\n# x\n\nx `x`\n\n```\nx\n```\n\n```derive\nx\n```\n")
    text = deck_page(source, derivation)
    found, usual = Page(text), Page(harmless)
    assert {tag for tag, _ in found.tags} <= {tag for tag, _ in usual.tags} | {"code", "div"}
    assert sum(tag == "script" for tag, _ in found.tags) == 1
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert "\u202e" not in text


def test_the_page_is_small_quick_and_the_same_each_time() -> None:
    formulas = "\n\n".join(rf"$$ \sum_{{i=1}}^{{{n}}} \frac{{x_i^{n}}}{{\sqrt{{1 + \beta_{n}}}}} $$" for n in range(30))
    text = DECK + "".join(f"\n---\n\n{part}\n" for part in formulas.split("\n\n"))
    font_face.__globals__["_subset"].cache_clear()
    start = time.process_time()
    first = deck_page(text)
    assert time.process_time() - start < 10
    font_face.__globals__["_subset"].cache_clear()
    assert deck_page(text) == first
    assert len(first.encode()) < 2_000_000


# --- decks that cannot be shown as meant -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number", "says"),
    [
        ("# A\n\n```derivee\nx\n```\n", 3, "unknown block ```derivee"),
        ("# A\n\n```foo\nx\n```\n", 3, "unknown block ```foo"),
        ("# A\n\n- ```plot\n  kind: noise\n  ```\n", 3, "inside a list"),
        ("# A\n\n::: notes\n```plot\nkind: noise\n```\n:::\n", 5, "inside ::: notes"),
        ("# A\n\n::: notes\n```derive\n1 = 1\n```\n:::\n", 5, "```derive block inside ::: notes"),
        ("# A\n\n- ```foo\n  x\n  ```\n", 3, "unknown block ```foo"),
        ("# A\n\n```derive\nx\n", 3, "is not closed"),
        ("# A\n\n---\n\n::: ko\nx\n", 5, "::: ko is not closed"),
        ("# A\n\n::: fr\nx\n:::\n", 3, "unknown block ::: fr"),
        ("# A\n\n:::\n", 3, "closes nothing"),
        ("titel.en: A\nlang: ko\n", 1, "unknown header"),
        ("lang: fr\n\n# A\n", 1, "unknown language"),
        ("# A\n\nthe model \\mathbf{w} is\n", 3, "stands outside a formula"),
        ("# A\n\nline\nand $x^2\n", 4, "stands outside a formula"),
        ("| a |\n|---|\n| $x|y$ |\n", 3, "stands outside a formula"),
        ("# A\n\n![a](b.png)\n", 3, "not supported"),
        ("# A\n\n[x](ftp://example.org)\n", 3, "links may go to"),
    ],
)  # fmt: skip
def test_a_deck_that_is_wrong_is_refused_with_its_line(text: str, number: int, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_deck(text, "deck.md")
    assert says in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("deck.md", number)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        (r"\foo{x}", r"unknown command \foo"),
        (r"\frac{a", "closing token"),
        (r"50%", "comment"),
        (r"\def\a{x}\a", "defines a macro"),
        (r"\class{evil}{x}", "unknown class"),
        (r"\textcolor{red;position:fixed}{x}", "unknown colour"),
        (r"\href{javascript:alert(1)}{x}", "unknown command"),
        (r"\begin{foo}x\end{foo}", "nknown environment"),
        ("{" * 5000 + "x" + "}" * 5000, "too deeply nested"),
        (r"\sqrt" * 1000 + "x", "too deeply nested"),
        (r"\left(" * 500 + "x" + r"\right)" * 500, "too deeply nested"),
        ("x" * 30_000, "characters"),
        ("\U000f0000x", "cannot be shown"),
    ],
)  # fmt: skip
def test_a_formula_that_is_wrong_is_refused_with_its_line(formula: str, says: str) -> None:
    deck = read_deck(f"# A\n\ntext\n${formula}$\n", "deck.md")
    with pytest.raises(InputError) as caught:
        render_deck(deck, {})
    assert says in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("deck.md", 4)


@pytest.mark.parametrize(
    ("formula", "has"),
    [
        (r"\class{changed}{-b} + c", '<mrow class="changed"><mo>−</mo><mi>b</mi></mrow>'),
        (r"\class{changed}{\operatorname*{arg\,max}_{w}} x", '<mrow class="changed">'),
        (r"\class{kept}{\frac{\class{changed}{a}}{b}}", '<mfrac><mrow class="changed"><mi>a</mi></mrow><mi>b</mi>'),
        (r"\sqrt{\class{changed}{x}}", '<msqrt><mrow class="changed"><mi>x</mi></mrow></msqrt>'),
        (r"\class{changed}{\frac}{a}{b}", '<mrow class="sign changed"><mfrac>'),
        (r"\text{if $x > 0$ 이면}", "<mtext>if"),
        (r"\sum_{\substack{i=1\\i \ne j}} a", "<mtable"),
        (r"\colorbox{yellow}{$x$}", "background: #fff3bf;"),
        (r"\textcolor{#00aa88}{x}", "color: #00aa88;"),
        (r"\boxed{x}", 'class="boxed"'),
        (r"\cancel{x}", 'class="cancel"'),
        (r"\underbrace{x}_{\text{손실}}", "<mtext>손실</mtext>"),
        (r"a \tag{3}", "<mtext>(3)</mtext>"),
        (r"\text{<script>alert(1)</script>}", "&lt;script&gt;"),
    ],
)  # fmt: skip
def test_what_the_converter_lacks_is_added(formula: str, has: str) -> None:
    markup = to_mathml(formula, display=True).markup
    assert has in markup
    shown = re.sub(r' alttext="[^"]*"', "", markup)
    assert "\\" not in shown
    assert not re.search("[\U000f0000-\U000fffff]", shown)


def test_a_formula_cannot_leave_its_attribute() -> None:
    page = Page(to_mathml(r"x", alt='"><script>alert(1)</script>').markup)
    assert [tag for tag, _ in page.tags] == ["math", "mi"]


def test_a_block_without_a_chain_is_refused() -> None:
    with pytest.raises(InputError, match=r"deck\.md:28: this ```derive block holds no chain"):
        render_deck(read_deck(DECK, "deck.md"), {})

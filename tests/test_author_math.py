"""Formulas of an author in files that TeX or MathJax will run: only what is on the list gets there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import InputError
from derive.render.author_math import author_math, coloured


@pytest.mark.parametrize("flavour", ["tex", "markdown"])
@pytest.mark.parametrize(
    "tex",
    [
        r"\input{/etc/passwd}", r"\write18{id}", r"\immediate\write18{id}", "a^^5cinput{x}", r"\text{^^5cinput{x}}",
        r"\csname input\endcsname", r"\def\a{b}", r"\catcode`\%=12", r"\text{\input{x}}", r"\text{a $\input{x}$ b}",
        r"\begin{input}{/etc/passwd}\end{input}", r"\begin{filecontents}{x}\end{filecontents}", "a % b", "a $ b", "#1",
        r"\textcolor{red!\input{x}}{y}", r"\textcolor{\input{x}}{y}", r"\hspace{\input{x}}", r"\color{red}x",
        r"\href{javascript:x}{y}", r"\class{evil}{x}", r"\begin{array}{>{\input{x}}l}a\end{array}", r"\openout5=x",
        r"\operatorname{\input{x}}", r"\colorbox{red}{\input{x}}", r"\char92 input", r"\includegraphics{x}", "}{",
        r"\tag{\input{x}}", "a\u202eb", "\\a\u0000b", r"\mathbf", r"\left( x", r"\require{html}", r"\unicode{92}", "☃",
    ],
)  # fmt: skip
def test_what_is_not_on_the_list_is_refused(flavour: Any, tex: str) -> None:
    with pytest.raises(InputError, match="formula"):
        author_math(tex, flavour)


COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)


PIECES = (
    "\\", "input", "{", "}", "^", "_", "$", "%", "#", "&", "~", "x", " ", "5c", "text", "\\text{", "\\write18", "<",
    "\\frac", "\\begin{aligned}", "\\end{aligned}", "한글", "α", "\\\\", "\\{", "\\%", "[", "]", "\\left(", "\\right)",
    "\n\n",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_whatever_is_accepted_has_only_known_commands(tex: str) -> None:
    for flavour in ("tex", "markdown"):
        try:
            found = author_math(tex, flavour)  # type: ignore[arg-type]
        except InputError:
            continue
        names = {name[1:] for name in COMMAND.findall(found)}
        assert not names & {"input", "write", "inputx"}
        plain = COMMAND.sub("c", found)
        assert not re.search(r"\^\^|%|#|\n\s*\n|<", plain)
        assert plain.count("{") == plain.count("}")
        assert "$" not in plain


def test_formulas_stay_what_they_are() -> None:
    shown = author_math(r"\begin{align*} a &= \frac12 \\ [x] &< \text{a $b$ 50\%} \end{align*}", "tex")
    assert shown == r"\begin{aligned} a &= \frac 12 \\{} [x] &\lt\text{a }b\text{ 50\%} \end{aligned}"
    assert author_math("손실 α ≤ b", "markdown") == r"\text{손실} \alpha\le b"
    assert author_math(r"\operatorname*{arg\,max}_w a \cdot b*", "tex") == r"\operatorname*{arg\,max}_w a \cdot b*"
    assert author_math(r"\text{a < b}", "markdown") == r"\text{a }\lt\text{ b}"
    assert author_math(r"\textcolor{red}{x}", "tex") == r"\textcolor[HTML]{B3261E}{x}"


def test_what_changed_is_coloured_and_keeps_its_spaces() -> None:
    assert coloured(r"a \class{changed}{-} b", "tex") == r"a \mathbin{\derivechanged{-}} b"
    assert coloured(r"\class{changed}{\sum_{i=1}^{N}} x", "tex") == r"\mathop{\derivechanged{\sum_{i=1}^{N}}} x"
    assert coloured(r"a \class{changed}{\le} b", "markdown").startswith(r"a \mathrel{\textcolor{#")
    nested = r"\class{changed}{\frac{\class{changed}{a}}{b}}"
    assert coloured(nested, "tex") == r"\derivechanged{\frac{\derivechanged{a}}{b}}"
    assert coloured("x_{1}", "tex") == "x_{1}"

"""Running text in a .tex and in a .md file: whatever an author writes is read back as that text and nothing else."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from derive.markdown import Block, Inline
from derive.render.beamer import words
from derive.render.escape import printable
from derive.render.markdown_prose import blocks_markdown, code_markdown, ended, inline_math
from derive.render.sheet import Maker


def markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)


@given(st.text())
def test_text_for_tex_is_only_text(text: str) -> None:
    shown = words(text)
    left = re.sub(r"\\(?:textbackslash|textasciitilde|textasciicircum)\{\}|\\[{}$&#_%]|\\ensuremath\{\\?[A-Za-z']+\}"
                  r"|\\ensuremath\{[-']\}", "", shown)  # fmt: skip
    assert not re.search(r"[\\{}$&#_%~^]", left)
    assert "\n" not in shown


def maker() -> Maker:
    return Maker("en", "markdown", 20.0)


@given(st.text())
def test_text_for_markdown_is_only_text(text: str) -> None:
    shown = blocks_markdown([Block("paragraph", inlines=(Inline("text", text),))], maker())
    tokens = markdown().parse(shown)
    words_ = printable(text).strip()
    found = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    assert {child.type for child in found} <= {"text", "text_special"}
    assert "".join(child.content for child in found).strip() == words_


@given(st.text(st.sampled_from("`ab |\\")))
def test_code_for_markdown_is_only_code(text: str) -> None:
    shown = code_markdown(text)
    (token, *rest) = [child for token in markdown().parse(shown) for child in token.children or ()] or [None]
    assert not rest
    assert (token.content == text if token else not text.strip()) or token.content.strip() == text.strip()


def test_a_heading_keeps_its_last_sign() -> None:
    tokens = markdown().parse(f"# {ended('in C ##')}")
    assert "".join(child.content for child in tokens[1].children or ()) == "in C ##"


def test_a_formula_in_a_table_has_no_bar() -> None:
    assert inline_math(r"\|x\|_2 + |y|", cell=True) == r"$\Vert x\Vert_2 + \vert y\vert$"
    assert inline_math("a\n b") == "$a b$"

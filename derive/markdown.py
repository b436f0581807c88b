"""Markdown prose as plain data: blocks and running text. No raw HTML, no raw TeX outside a formula."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from derive.errors import InputError, MissingDependency

if TYPE_CHECKING:
    from markdown_it.token import Token

OWN_BLOCKS = ("derive", "plot", "rule", "schedule")
CODE_LANGUAGES = ("python", "text", "bash", "toml", "json", "c", "js")
_RAW_TEX = re.compile(r"\\[A-Za-z]{2,}|\$\$|\$(?!\d)")


@dataclass(frozen=True)
class Inline:
    """A piece of running text. kind: text, code, math, display, strong, em, del, link, break."""

    kind: str
    text: str = ""
    children: tuple[Inline, ...] = ()
    href: str = ""
    line: int = 0


@dataclass(frozen=True)
class Block:
    """A block of a slide. kind: heading, paragraph, list, quote, table, code, math, line, derive, plot, rule.

    `language` is "" (both) or "en" or "ko". `line` is the line of the file where the content begins: for derive, plot,
    rule and code the first line of `text`. `items` are the blocks of each list item, or of the quote; `rows` the cells
    of a table, its head first; `align` one of "", "left", "center", "right" for each column.
    """

    kind: str
    line: int = 0
    language: str = ""
    text: str = ""
    info: str = ""
    level: int = 0
    ordered: bool = False
    start: int = 1
    inlines: tuple[Inline, ...] = ()
    items: tuple[tuple[Block, ...], ...] = ()
    rows: tuple[tuple[tuple[Inline, ...], ...], ...] = ()
    align: tuple[str, ...] = ()


def known_fence(info: str, line: int) -> None:
    """Refuse a block kind that nobody knows, so that a misspelt ```derive is never shown as code."""
    if info and info not in (*OWN_BLOCKS, *CODE_LANGUAGES):
        known = ", ".join((*OWN_BLOCKS, *CODE_LANGUAGES))
        raise InputError(f"unknown block ```{info}", remedy=f"use one of {known}, or no name for plain text", line=line)


def split_languages(inlines: Sequence[Inline]) -> tuple[tuple[Inline, ...], tuple[Inline, ...]]:
    """`English | 한국어` as two texts; without ` | ` the same text twice. A bar inside math or code does not count."""
    for at, inline in enumerate(inlines):
        before, bar, after = inline.text.partition(" | ") if inline.kind == "text" else ("", "", "")
        if bar:
            left = (*inlines[:at], replace(inline, text=before.rstrip()))
            right = (replace(inline, text=after.lstrip()), *inlines[at + 1 :])
            return left, right
    return tuple(inlines), tuple(inlines)


def read_markdown(source: str, first: int = 1, language: str = "") -> tuple[Block, ...]:
    """The blocks of a Markdown text that begins at line `first` of its file.

    Raises InputError with the line for raw TeX outside a formula, an unknown kind of block, a link to another scheme.

    >>> [inline.kind for inline in read_markdown("The *loss* $L$.")[0].inlines]
    ['text', 'em', 'text', 'math', 'text']
    """
    try:
        from markdown_it import MarkdownIt
        from mdit_py_plugins.dollarmath import dollarmath_plugin
    except ImportError:
        raise MissingDependency("decks need markdown-it-py and mdit-py-plugins: pip install symstep") from None
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # --- is ours; an indented line is still prose; an escaped \\$ stays apart from a stray one
    parser.disable(["lheading", "html_block", "html_inline", "code", "text_join"])
    parser.use(dollarmath_plugin, allow_labels=False, allow_space=False, allow_digits=False, double_inline=True)
    walker = _Walker(parser.parse(source), first, language)
    return walker.blocks("")


class _Walker:
    """Turns markdown-it's flat tokens into nested blocks."""

    def __init__(self, tokens: list[Token], first: int, language: str) -> None:
        self.tokens, self.at, self.first, self.language = tokens, 0, first, language
        self.line = first

    def next(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        if token.map:
            self.line = self.first + token.map[0]
        return token

    def blocks(self, until: str) -> tuple[Block, ...]:
        found: list[Block] = []
        while self.at < len(self.tokens):
            token = self.next()
            if token.type == until:
                break
            found.append(self.block(token))
        return tuple(found)

    def make(self, kind: str, **values: Any) -> Block:
        return Block(kind, values.pop("line", self.line), self.language, **values)

    def block(self, token: Token) -> Block:
        kind, line = token.type, self.line
        if kind in ("heading_open", "paragraph_open"):
            inlines = self.inlines(self.next())
            self.next()
            if kind == "heading_open":
                return self.make("heading", level=int(token.tag[1]), inlines=inlines)
            if len(inlines) == 1 and inlines[0].kind == "display":
                return self.make("math", text=inlines[0].text, line=inlines[0].line)
            return self.make("paragraph", inlines=inlines, line=line)
        if kind in ("bullet_list_open", "ordered_list_open"):
            items: list[tuple[Block, ...]] = []
            while self.next().type == "list_item_open":
                items.append(self.blocks("list_item_close"))
            ordered = kind.startswith("ordered")
            return self.make(
                "list", items=tuple(items), ordered=ordered, start=int(token.attrs.get("start", 1)), line=line
            )
        if kind == "blockquote_open":
            return self.make("quote", items=(self.blocks("blockquote_close"),), line=line)
        if kind == "fence":
            info = token.info.strip()
            if info in OWN_BLOCKS and token.level:
                raise InputError(f"a ```{info} block inside a list or a quote", remedy="move it out", line=line)
            return self.make(info if info in OWN_BLOCKS else "code", text=token.content, info=info, line=line + 1)
        if kind == "math_block":
            return self.make("math", text=token.content, line=line)
        if kind == "hr":
            return self.make("line")
        if kind == "table_open":
            return self.table(line)
        raise InputError(f"Markdown {kind!r} is not supported in a deck", remedy="write it another way", line=line)

    def table(self, line: int) -> Block:
        rows: list[tuple[tuple[Inline, ...], ...]] = []
        align: list[str] = []
        while (token := self.next()).type != "table_close":
            if token.type == "tr_open":
                row: list[tuple[Inline, ...]] = []
                while (cell := self.next()).type != "tr_close":
                    if cell.type == "inline":
                        row.append(self.inlines(cell))
                    elif cell.type == "th_open":
                        align.append(str(cell.attrs.get("style", "")).removeprefix("text-align:"))
                rows.append(tuple(row))
        return self.make("table", rows=tuple(rows), align=tuple(align), line=line)

    def inlines(self, token: Token) -> tuple[Inline, ...]:
        return _nest(iter(token.children or ()), "", self.line)[0]


_NESTED = {"strong_open": "strong", "em_open": "em", "s_open": "del", "link_open": "link"}


def _nest(tokens: Iterator[Token], until: str, line: int) -> tuple[tuple[Inline, ...], int]:
    found: list[Inline] = []
    raw = ""
    for token in tokens:
        kind = token.type
        if kind not in ("text", "text_special"):
            _no_tex(raw, line)
            raw = ""
        if kind == until:
            break
        if kind in _NESTED:
            begin = line
            children, line = _nest(tokens, kind.replace("_open", "_close"), line)
            found.append(Inline(_NESTED[kind], children=children, href=_link(token, begin), line=begin))
        elif kind in ("softbreak", "hardbreak"):
            line += 1
            found.append(Inline("break", line=line) if kind == "hardbreak" else Inline("text", " ", line=line))
        elif kind in ("math_inline", "math_inline_double"):
            found.append(Inline("display" if kind.endswith("double") else "math", token.content, line=line))
            line += token.content.count("\n")
        elif kind == "code_inline":
            found.append(Inline("code", token.content, line=line))
        elif kind in ("text", "text_special"):
            if token.content:
                # `\$` is an escape and meant; `\f` is none, and its backslash stays
                raw += token.content if kind == "text" or token.content == token.markup else "\0"
                found.append(Inline("text", token.content, line=line))
        else:
            raise InputError(f"Markdown {kind!r} is not supported in a deck", remedy="write it another way", line=line)
    _no_tex(raw, line)
    return _joined(found), line


def _joined(found: list[Inline]) -> tuple[Inline, ...]:
    """Neighbouring texts as one."""
    joined: list[Inline] = []
    for inline in found:
        if joined and inline.kind == joined[-1].kind == "text":
            joined[-1] = replace(joined[-1], text=joined[-1].text + inline.text)
        else:
            joined.append(inline)
    return tuple(joined)


def _no_tex(text: str, line: int) -> None:
    """TeX that stands outside a formula is refused rather than printed raw."""
    if raw := _RAW_TEX.search(text):
        remedy = "put a formula between $ signs (in a table write \\| for its bar); a plain dollar is \\$, code is `x`"
        raise InputError(f"{raw[0]!r} stands outside a formula", remedy=remedy, line=line)


def _link(token: Token, line: int) -> str:
    href = str(token.attrs.get("href", ""))
    if token.type == "link_open" and not href.lower().startswith(("http://", "https://", "mailto:")):
        raise InputError(f"link to {href[:80]!r}", remedy="links may go to http://, https:// or mailto:", line=line)
    return href

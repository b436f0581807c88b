"""A deck in Markdown -> slides as plain data. Nothing here knows an output format, and nothing is evaluated.

Slides are separated by lines `---`. The file may begin with headers (`title.en:`, `title.ko:`, `author:`, `lang:`).
A heading `# English | 한국어` has both languages; other text is given per language between `::: en` (or `ko`) and
`:::`. `::: notes` holds what only the lecturer sees. Formulas stand in `$...$` and `$$...$$`; a ```` ```derive ````
block holds chains, which are judged elsewhere, a ```` ```plot ```` block asks for a picture, a ```` ```rule ```` block
for update rules of the library, a ```` ```schedule ```` block for a table of its schedules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from derive.derivation import Text
from derive.errors import InputError
from derive.markdown import OWN_BLOCKS, Block, Inline, known_fence, read_markdown, split_languages

LANGUAGES = ("en", "ko")
HEADERS = ("title", "title.en", "title.ko", "subtitle", "subtitle.en", "subtitle.ko", "author", "date", "lang")
CONTAINERS = (*LANGUAGES, "notes")
MAX_CHARACTERS = 2_000_000

_HEADER = re.compile(r"([A-Za-z]+(?:\.[A-Za-z]+)?):(?:[ \t]+(.*))?$")
_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)*(`{3,}|~{3,})[ \t]*([^`]*)$")
_CONTAINER = re.compile(r" {0,3}:{3,}[ \t]*(.*?)[ \t]*$")


class Heading(NamedTuple):
    """A heading in both languages; a heading without ` | ` is the same in both."""

    en: tuple[Inline, ...] = ()
    ko: tuple[Inline, ...] = ()


_NO_HEADING = Heading()
_NO_TEXT = Text()


@dataclass(frozen=True)
class Slide:
    line: int
    title: Heading = _NO_HEADING
    blocks: tuple[Block, ...] = ()
    notes: tuple[Block, ...] = ()
    foot: tuple[Text, ...] = ()  # what stands below it, beside what its derivations say there


@dataclass(frozen=True)
class Deck:
    title: Text = _NO_TEXT
    subtitle: Text = _NO_TEXT
    author: str = ""
    date: str = ""
    lang: str = "en"
    slides: tuple[Slide, ...] = ()
    file: str = ""

    def derive_blocks(self) -> Iterator[Block]:
        """The ```derive blocks in order; `line`, the file's line where `text` begins, is the key of a block."""
        return self._blocks("derive")

    def plot_blocks(self) -> Iterator[Block]:
        """The ```plot blocks in order, with the same key."""
        return self._blocks("plot")

    def rule_blocks(self) -> Iterator[Block]:
        """The ```rule blocks in order, with the same key."""
        return self._blocks("rule")

    def schedule_blocks(self) -> Iterator[Block]:
        """The ```schedule blocks in order, with the same key."""
        return self._blocks("schedule")

    def _blocks(self, kind: str) -> Iterator[Block]:
        for slide in self.slides:
            yield from (block for block in slide.blocks if block.kind == kind)


@dataclass
class _Piece:
    """Lines of one slide that belong to the same language and are, or are not, notes."""

    language: str
    notes: bool
    first: int
    lines: list[str] = field(default_factory=list)


def read_deck(text: str, file: str = "") -> Deck:
    """Read a deck. Raises InputError with the line for anything that could not be shown as meant.

    >>> deck = read_deck("title.en: Loss\\n\\n# What is a loss? | 손실이란?\\n\\nA number, $L(w)$.")
    >>> deck.title.en, deck.slides[0].title.ko[0].text, deck.slides[0].blocks[0].inlines[1].text
    ('Loss', '손실이란?', 'L(w)')
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError("the deck is too long", remedy=f"keep it under {MAX_CHARACTERS} characters", file=file)
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    try:
        headers, start = _headers(lines)
        found = [_slide(pieces) for pieces in _pieces(lines, start)]
        slides = tuple(slide for slide in found if any(slide.title) or slide.blocks or slide.notes)
    except InputError as error:
        raise error.at(file=file) from None
    return Deck(
        title=_both(headers, "title"),
        subtitle=_both(headers, "subtitle"),
        author=headers.get("author", ""),
        date=headers.get("date", ""),
        lang=headers.get("lang", "en"),
        slides=slides,
        file=file,
    )


def _both(headers: dict[str, str], key: str) -> Text:
    if not (value := headers.get(key, "")):
        return Text(headers.get(f"{key}.en", ""), headers.get(f"{key}.ko", ""))
    en, _, ko = value.partition(" | ")
    return Text(headers.get(f"{key}.en", en.strip()), headers.get(f"{key}.ko", ko.strip()))


def _headers(lines: list[str]) -> tuple[dict[str, str], int]:
    """The headers at the top of the file, and the index of the line after them."""
    headers: dict[str, str] = {}
    at = 0
    while at < len(lines) and (not lines[at].strip() or lines[at].rstrip() == "---") and not headers:
        at += 1
    begin = at
    while at < len(lines) and (found := _HEADER.match(lines[at])):
        key, value = found[1], (found[2] or "").strip()
        if key not in HEADERS:
            if at == begin and (at + 1 == len(lines) or not lines[at + 1].strip()):
                return {}, begin  # a paragraph that happens to begin with a word and a colon
            raise InputError(f"unknown header {key!r}", remedy=f"use one of {', '.join(HEADERS)}", line=at + 1)
        if key in headers:
            raise InputError(f"header {key!r} is given twice", remedy="keep one", line=at + 1)
        if key == "lang" and value not in LANGUAGES:
            raise InputError(f"unknown language {value!r}", remedy="use lang: en or lang: ko", line=at + 1)
        headers[key] = value
        at += 1
    return headers, at


def _pieces(lines: list[str], start: int) -> Iterator[list[_Piece]]:
    """Cut the lines into slides, and each slide into pieces of one language."""
    slide: list[_Piece] = []
    stack: list[tuple[str, int]] = []
    fence: tuple[str, int] | None = None

    def piece() -> _Piece:
        language = next((name for name, _ in reversed(stack) if name in LANGUAGES), "")
        return _Piece(language, any(name == "notes" for name, _ in stack), at + 1)

    for at in range(start, len(lines)):
        line = lines[at]
        if fence is not None:
            closing = _FENCE.match(line)
            if closing and closing[1].startswith(fence[0]) and not closing[2].strip():
                fence = None
        elif opening := _FENCE.match(line):
            fence = (opening[1], at + 1)
            known_fence(opening[2].strip(), at + 1)
        elif line.rstrip() == "---":
            _all_closed(stack)
            yield slide
            slide = []
            continue
        elif container := _CONTAINER.match(line):
            _container(container[1], stack, at + 1)
            slide.append(replace(piece(), first=at + 2))
            continue
        if not slide:
            slide.append(piece())
        slide[-1].lines.append(line)
    if fence is not None:
        raise InputError(f"the block {fence[0]} is not closed", remedy=f"add a line {fence[0]}", line=fence[1])
    _all_closed(stack)
    yield slide


def _all_closed(stack: list[tuple[str, int]]) -> None:
    if stack:
        raise InputError(f"::: {stack[-1][0]} is not closed", remedy="add a line :::", line=stack[-1][1])


def _container(name: str, stack: list[tuple[str, int]], line: int) -> None:
    if not name:
        if not stack:
            raise InputError(
                "::: closes nothing", remedy="take it out, or open with ::: en, ::: ko or ::: notes", line=line
            )
        stack.pop()
    elif name not in CONTAINERS:
        raise InputError(f"unknown block ::: {name}", remedy=f"use one of {', '.join(CONTAINERS)}", line=line)
    elif any(name == open_ or (name in LANGUAGES and open_ in LANGUAGES) for open_, _ in stack):
        raise InputError(f"::: {name} inside ::: {stack[-1][0]}", remedy="close the outer block first", line=line)
    else:
        stack.append((name, line))


# --- one slide ------------------------------------------------------------------------------------------------------


def _slide(pieces: list[_Piece]) -> Slide:
    title = Heading()
    blocks: list[Block] = []
    notes: list[Block] = []
    for piece in pieces:
        source = "\n".join(piece.lines)
        for block in read_markdown(source, piece.first, piece.language) if source.strip() else ():
            if piece.notes:
                if block.kind in OWN_BLOCKS:
                    raise InputError(f"a ```{block.kind} block inside ::: notes", remedy="move it out", line=block.line)
                notes.append(block)
            elif block.kind == "heading" and not blocks and (not any(title) or piece.language):
                en, ko = split_languages(block.inlines)
                if piece.language:
                    en, ko = (en if piece.language == "en" else title.en), (en if piece.language == "ko" else title.ko)
                title = Heading(en, ko)
            else:
                blocks.append(block)
    return Slide(pieces[0].first if pieces else 0, title, tuple(blocks), tuple(notes))

"""A deck as a Jupyter notebook: Markdown cells with slideshow metadata, a step of a derivation in each fragment.

Written as nbformat 4.5 with the standard library; the ids of the cells come from what is in them, so the same deck is
the same file. Nothing in it is run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from derive.deck import Deck
from derive.derivation import Derivation
from derive.plots import Picture
from derive.render.escape import escape_markdown, printable
from derive.render.markdown_prose import (
    blocks_markdown,
    claim_markdown,
    ended,
    foot_markdown,
    heading_markdown,
    inline_math,
    notation_markdown,
    step_markdown,
)
from derive.render.outline import deck_title, sheets
from derive.render.sheet import Maker, Rendered, Sheet, checked_language
from derive.symbols import LECTURE, Notation

ROOM = 27.0  # em below the heading: a cell scrolls
_Cell = tuple[str, str]  # slide, subslide, fragment or notes; the Markdown


def render_notebook(
    deck: Deck,
    derivations: Mapping[int, tuple[Derivation, ...]],
    *,
    pictures: Mapping[int, Picture] | None = None,
    lang: str = "",
    notation: Notation = LECTURE,
    warnings: list[str] | None = None,
) -> Rendered:
    """The deck as the text of one .ipynb file, in `lang` or else in the deck's language.

    `derivations` are the judged chains of each ```derive block, by its `Block.line`, and `pictures` those of ```plot
    blocks, which are attached to their cells. Raises InputError with the line of the deck for a formula that can't be
    shown, a block without derivations, an unknown language.
    """
    maker = Maker(
        checked_language(lang or deck.lang), "markdown", ROOM, 0.85, notation=notation, file=deck.file,
        warnings=[] if warnings is None else warnings, pictures=pictures or {},
        show="![{}](attachment:{})".format,
    )  # fmt: skip
    cells = [_title(deck, maker.lang)] if deck.title else []
    for sheet in sheets(deck, derivations, maker):
        cells += _cells(sheet, maker)
    metadata: dict[str, Any] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "title": printable(deck_title(deck, maker.lang)),
    }
    if deck.author:
        metadata["authors"] = [{"name": printable(deck.author)}]
    document = {"cells": _documents(cells, maker.files), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    slides = sum(kind in ("slide", "subslide") for kind, _ in cells)
    return Rendered(json.dumps(document, ensure_ascii=False, indent=1) + "\n", slides)


def _documents(cells: list[_Cell], images: Mapping[str, bytes]) -> list[dict[str, Any]]:
    found = []
    for number, (kind, text) in enumerate(cells):
        digest = hashlib.sha256(f"{number}\0{kind}\0{text}".encode()).hexdigest()
        found.append({
            "cell_type": "markdown",
            "id": digest[:12],
            "metadata": {"slideshow": {"slide_type": kind}},
            "source": text.splitlines(keepends=True),
        })  # fmt: skip
        used = [name for name in images if f"](attachment:{name})" in text]
        if used:
            data = {name: {"image/png": base64.b64encode(images[name]).decode("ascii")} for name in used}
            found[-1]["attachments"] = data
    return found


def _title(deck: Deck, lang: str) -> _Cell:
    parts = [f"# {ended(escape_markdown(deck.title.in_(lang)))}"]
    parts += [escape_markdown(deck.subtitle.in_(lang))] if deck.subtitle else []
    by = " · ".join(escape_markdown(text) for text in (deck.author, deck.date) if text)
    return "slide", "\n\n".join([*parts, by] if by else parts)


def _cells(sheet: Sheet, maker: Maker) -> Iterator[_Cell]:
    """A slide; further parts of a derivation are below it, and every step comes in a cell of its own."""
    title = heading_markdown(sheet, maker)
    parts = [f"## {title}"] if title else []
    parts += [f"*{escape_markdown(sheet.kicker)}*"] if sheet.kicker else []
    parts += [blocks_markdown(sheet.prose, maker)] if sheet.prose else []
    parts += [claim_markdown(sheet.claim)] if sheet.claim else []
    steps = list(sheet.steps)
    if steps and (sheet.again or not steps[0].number):
        first = steps.pop(0)
        before = rf"{first.relation}\; " if first.relation else ""
        parts.append(_formula(before + (first.plain if sheet.again else first.formula)))
    parts += [notation_markdown(sheet, maker.lang)] if sheet.table else []
    yield "slide" if sheet.part == 1 else "subslide", "\n\n".join(parts)
    foot = f"\n\n---\n\n{foot_markdown(sheet)}" if sheet.foot else ""
    for at, step in enumerate(steps):
        before = rf"{step.relation}\; " if step.relation else ""
        text = f"{_formula(before + step.formula)}\n\n({step.number}) {step_markdown(step, maker.lang)}"
        yield "fragment", text + (foot if at == len(steps) - 1 and sheet.part == sheet.parts else "")
    if sheet.notes:
        yield "notes", blocks_markdown(sheet.notes, maker)


def _formula(tex: str) -> str:
    """A line of a derivation: at the left, where the lines above and below it are."""
    return inline_math(rf"\displaystyle {tex}")

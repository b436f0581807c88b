r"""A deck as Markdown for Marp: slides between `---`, formulas as `$$aligned$$`, the reasons of the steps as a list.

Needs nothing to be written; `marp deck.md` or the extension of an editor shows it. Every text of an author is escaped,
and nothing of it can become a directive of Marp.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import partial

from derive.deck import Deck
from derive.derivation import Derivation, Text
from derive.plots import Picture
from derive.render.escape import escape_markdown, printable
from derive.render.html_derivation import BODY_HEIGHT
from derive.render.html_prose import LEAD_SIZE, height
from derive.render.markdown_prose import (
    aligned_markdown,
    blocks_markdown,
    claim_markdown,
    ended,
    foot_markdown,
    heading_markdown,
    notation_markdown,
    plain_lines,
    step_markdown,
)
from derive.render.outline import deck_title, sheets
from derive.render.sheet import Maker, Rendered, Sheet, checked_language
from derive.symbols import LECTURE, Notation

ROOM = 19.5  # em below the heading
IMAGES = 520  # pixels that a picture may be high
NOTES = Text("Notes", "노트")
STYLE = """\
section { font-family: Pretendard, "Noto Sans KR", "Segoe UI", "Helvetica Neue", "Liberation Sans",
  "Apple SD Gothic Neo", "Malgun Gothic", NanumGothic, sans-serif;
  font-size: 25px; color: #1f2430; padding: 44px 64px; place-content: start; }
section.lead { place-content: safe center; }
h1, h2 { color: #1f2430; margin-bottom: .5em; }
h2 { font-size: 1.35em; }
ol, p { margin: .35em 0; }
table { margin: 0 auto; }
footer { color: #6b7280; font-size: 15px; left: 64px; }
strong { color: #1f4e8c; }"""


def render_marp(
    deck: Deck,
    derivations: Mapping[int, tuple[Derivation, ...]],
    *,
    pictures: Mapping[int, Picture] | None = None,
    lang: str = "",
    notation: Notation = LECTURE,
    warnings: list[str] | None = None,
) -> Rendered:
    """The deck as the text of one Markdown file, in `lang` or else in the deck's language.

    `derivations` are the judged chains of each ```derive block, by its `Block.line`, and `pictures` those of ```plot
    blocks, which are in the file as data. Raises InputError with the line of the deck for a formula
    that can't be shown, a block without derivations, an unknown language.
    """
    found = [] if warnings is None else warnings
    maker = Maker(
        checked_language(lang or deck.lang), "markdown", ROOM, 0.8, below=True, notation=notation, file=deck.file,
        warnings=found, pictures=pictures or {},
    )  # fmt: skip
    maker.show = partial(_image, maker)
    slides = [_title(deck, maker.lang)] if deck.title else []
    slides += [_slide(sheet, maker) for sheet in sheets(deck, derivations, maker)]
    return Rendered(_front(deck, maker.lang) + "\n\n---\n\n".join(slides) + "\n", len(slides))


def _front(deck: Deck, lang: str) -> str:
    """The front matter; a JSON string is a YAML string."""
    head = ["---", "marp: true", "theme: default", "size: 16:9", "math: mathjax", "paginate: true", f"lang: {lang}"]
    for key, value in (("title", deck_title(deck, lang)), ("author", deck.author)):
        if value:
            head.append(f"{key}: {json.dumps(printable(value), ensure_ascii=False)}")
    style = "\n".join(f"  {line}" for line in STYLE.split("\n"))
    return "\n".join([*head, "style: |", style, "---", "", ""])


def _title(deck: Deck, lang: str) -> str:
    parts = ["<!-- _class: lead -->", "<!-- _paginate: false -->", f"# {ended(escape_markdown(deck.title.in_(lang)))}"]
    parts += [escape_markdown(deck.subtitle.in_(lang))] if deck.subtitle else []
    by = " · ".join(escape_markdown(text) for text in (deck.author, deck.date) if text)
    return "\n\n".join([*parts, by] if by else parts)


def _image(maker: Maker, alt: str, name: str) -> str:
    """An image as data. Marp takes words like `bg` or `blur` in its text for orders; ours has none of them."""
    data = base64.b64encode(maker.files[name]).decode("ascii")
    return f"![{alt} h:{maker.image_height}](data:image/png;base64,{data})"


def _slide(sheet: Sheet, maker: Maker) -> str:
    plots = sum(block.kind == "plot" for block in sheet.prose)
    if plots:  # they take what the rest leaves of a slide
        rest = height([block for block in sheet.prose if block.kind != "plot"], LEAD_SIZE) / BODY_HEIGHT
        maker.image_height = round(max(IMAGES * (1 - rest) / plots - 50, 150))  # and a line for its caption
    title = heading_markdown(sheet, maker)
    parts = [f"## {title}"] if title else []
    parts += [f"*{escape_markdown(sheet.kicker)}*"] if sheet.kicker else []
    parts += [blocks_markdown(sheet.prose, maker)] if sheet.prose else []
    parts += [claim_markdown(sheet.claim)] if sheet.claim else []
    parts += _steps(sheet, maker.lang)
    parts += [notation_markdown(sheet, maker.lang)] if sheet.table else []
    foot = json.dumps(foot_markdown(sheet), ensure_ascii=False)
    parts += [f"<!-- _footer: {_inside(foot)} -->"] if sheet.foot else []
    parts += [_notes(sheet, maker.lang)] if sheet.notes else []
    return "\n\n".join(parts)


def _steps(sheet: Sheet, lang: str) -> list[str]:
    """The lines as one formula, then why each of them holds."""
    shown = [step for step in (sheet.steps[1:] if sheet.again else sheet.steps) if step.number]
    items = "\n".join(f"{step.number}. {step_markdown(step, lang)}" for step in shown)
    return [part for part in (aligned_markdown(sheet), items) if part] if sheet.steps else []


def _notes(sheet: Sheet, lang: str) -> str:
    """The notes as a comment. Marp would take `footer: x` for an order, but no text that begins with a plain word."""
    lines = "\n".join(plain_lines(sheet.notes))
    return f"<!--\n{NOTES.in_(lang)}\n\n{_inside(lines)}\n-->"


def _inside(text: str) -> str:
    """A text that ends no comment."""
    return text.replace("--", "-\u200b-")

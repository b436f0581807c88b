"""The prose of a deck as HTML, and an estimate of how much of a slide it takes. Every text is escaped."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

from derive.deck import LANGUAGES
from derive.errors import InputError
from derive.markdown import Block, Inline, split_languages
from derive.render.html_page import Page, both, both_markup, escape

PROSE_SIZES = (1.6, 1.45, 1.3, 1.15, 1.02)  # rem
LEAD_SIZE = 1.25  # rem, above the steps of a derivation
_WIDTH = 54.0  # rem of a line
LARGER = 1.1  # how much higher several lines stand on their own than in a table
PLOT = 15.0  # rem that a picture needs at least; it takes what is left of its slide


def plain_text(inlines: tuple[Inline, ...]) -> str:
    """Running text without its markup."""
    return "".join(inline.text + plain_text(inline.children) for inline in inlines).strip()


def block_markup(page: Page, block: Block) -> str:
    """A block of prose as HTML; it is shown in its language only."""
    if block.kind == "plot":
        return _figure(page, block)
    markup = _plain_block(page, block)
    return f'<div class="t" lang="{block.language}">{markup}</div>' if block.language else markup


def _plain_block(page: Page, block: Block) -> str:
    kind = block.kind
    if kind == "heading":
        return f"<h3>{_two(page, block.inlines)}</h3>"
    if kind == "paragraph":
        return f"<p>{inlines_markup(page, block.inlines)}</p>"
    if kind == "math":
        return f'<div class="formula">{page.formula(block.text, display=True, line=block.line).markup}</div>'
    if kind == "code":
        return f"<pre><code>{escape_code(block.text)}</code></pre>"
    if kind == "quote":
        return f"<blockquote>{''.join(_plain_block(page, b) for item in block.items for b in item)}</blockquote>"
    if kind == "list":
        tag = "ol" if block.ordered else "ul"
        start = f' start="{block.start}"' if block.ordered and block.start != 1 else ""
        items = "".join(f"<li>{''.join(_plain_block(page, b) for b in item)}</li>" for item in block.items)
        return f"<{tag}{start}>{items}</{tag}>"
    if kind == "table":
        return _table(page, block)
    if kind == "line":
        return "<hr>"
    raise InputError(f"a {kind} block cannot be shown here", remedy="move it", file=page.file, line=block.line)


def _figure(page: Page, block: Block) -> str:
    """A picture as an image, in which no script can run, with its caption; or its words, where it cannot be drawn."""
    picture = page.pictures.get(block.line)
    if picture is None:
        raise InputError("no picture was made for this block", remedy="move it", file=page.file, line=block.line)
    shown = ""
    for lang in (block.language,) if block.language else LANGUAGES:
        image = picture.image(lang, "svg", page.warnings)
        only = f' class="t" lang="{lang}"' if not block.language else ""
        if image is not None:
            source = base64.b64encode(image).decode("ascii")
            alt = escape(picture.alt.in_(lang))
            shown += f'<img{only} alt="{alt}" src="data:image/svg+xml;base64,{source}">'
    if not shown:
        shown = f'<p>{both(picture.alt)}</p><p class="missing">{escape(picture.missing)}</p>'
    caption = f"<figcaption>{_two(page, picture.caption)}</figcaption>" if picture.caption else ""
    own = f' lang="{block.language}"' if block.language else ""
    return f'<figure class="plot{" t" if own else ""}"{own}>{shown}{caption}</figure>'


def escape_code(text: str) -> str:
    """Code keeps its lines; every other control character goes.

    >>> escape_code("if a < b:\\n    pass\\n")
    'if a &lt; b:\\n    pass'
    """
    return "\n".join(escape(line) for line in text.rstrip("\n").expandtabs(4).split("\n"))


def _table(page: Page, block: Block) -> str:
    def row(cells: tuple[tuple[Inline, ...], ...], tag: str) -> str:
        marked = []
        for at, cell in enumerate(cells):
            align = block.align[at] if at < len(block.align) else ""
            kind = f' class="{align}"' if align in ("right", "center") else ""
            marked.append(f"<{tag}{kind}>{_two(page, cell)}</{tag}>")
        return f"<tr>{''.join(marked)}</tr>"

    body = "".join(row(cells, "td") for cells in block.rows[1:])
    return f"<table><thead>{row(block.rows[0], 'th')}</thead><tbody>{body}</tbody></table>"


def _two(page: Page, inlines: tuple[Inline, ...]) -> str:
    en, ko = split_languages(inlines)
    return both_markup(inlines_markup(page, en), inlines_markup(page, ko))


_TAGS = {"strong": "strong", "em": "em", "del": "del"}


def inlines_markup(page: Page, inlines: tuple[Inline, ...]) -> str:
    """Running text as HTML."""
    return "".join(_inline(page, inline) for inline in inlines)


def _inline(page: Page, inline: Inline) -> str:
    if inline.kind == "text":
        return escape(inline.text)
    if inline.kind == "code":
        return f"<code>{escape(inline.text)}</code>"
    if inline.kind in ("math", "display"):
        return page.formula(inline.text, display=inline.kind == "display", line=inline.line).markup
    if inline.kind == "break":
        return "<br>"
    inside = inlines_markup(page, inline.children)
    if inline.kind == "link":
        return f'<a href="{escape(inline.href)}" rel="noopener noreferrer" target="_blank">{inside}</a>'
    return f"<{_TAGS[inline.kind]}>{inside}</{_TAGS[inline.kind]}>"


def height(blocks: Sequence[Block], size: float = 1.2) -> float:
    """An estimate of how high blocks stand in rem, in the language in which they are higher; `size` is in rem."""
    em = _WIDTH / size
    return size * max(sum(_block_height(b, em) for b in blocks if b.language in ("", lang)) for lang in LANGUAGES)


def _block_height(block: Block, width: float) -> float:
    """In em of the text."""
    if block.kind == "plot":
        return PLOT * width / _WIDTH
    if block.kind in ("list", "quote"):
        return 0.5 + sum(max(_block_height(b, width - 1.7) - 0.4, 0.0) for item in block.items for b in item)
    if block.kind == "table":
        return 0.8 + sum(max(map(_cell_height, row), default=2.1) for row in block.rows)
    if block.kind == "code":
        return 2.0 + 1.2 * block.text.count("\n")
    if block.kind == "math":
        return _formula_height(block.text)
    text = plain_text(block.inlines)
    lines = math.ceil(max(sum(1.0 if c >= "\u1100" else 0.52 for c in text), 1.0) / width)
    return (
        0.7
        + 1.5 * (lines + sum(i.kind == "break" for i in block.inlines))
        + 2.6 * sum(i.kind == "display" for i in block.inlines)
    )


def _cell_height(cell: tuple[Inline, ...]) -> float:
    formulas = [inline.text for inline in cell if inline.kind in ("math", "display")]
    lines = max((_formula_height(tex) / LARGER for tex in formulas if "\\\\" in tex), default=0.0)
    return max(lines, 3.4 if any(map(_high, formulas)) else 2.1)


def _formula_height(tex: str) -> float:
    """Of a formula on its own, line by line."""
    lines = tex.split("\\\\")
    return (0.6 + 1.8 * len(lines) + 1.7 * sum(map(_high, lines))) * (LARGER if len(lines) > 1 else 1.0)


def _high(tex: str) -> bool:
    return any(command in tex for command in ("\\frac", "\\sum", "\\prod", "\\underbrace"))

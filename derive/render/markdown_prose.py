"""The prose and the small print of a deck as Markdown again, every text of an author escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote

from derive.errors import InputError
from derive.markdown import Block, Inline
from derive.render.escape import escape_markdown, printable
from derive.render.html_prose import plain_text
from derive.render.outline import NOTATION_HEAD
from derive.render.sheet import Bit, Maker, Row, Sheet, Step
from derive.render.summary import VERDICT_WORDS

_MARKUP = {"strong": "**", "em": "*", "del": "~~"}


def blocks_markdown(blocks: Iterable[Block], maker: Maker) -> str:
    """Blocks with an empty line between them."""
    return "\n\n".join(_block(block, maker) for block in blocks)


def inlines_markdown(inlines: Iterable[Inline], maker: Maker, *, cell: bool = False) -> str:
    """Running text; in a cell of a table no bar is left."""
    return "".join(_inline(inline, maker, cell) for inline in inlines)


def display_math(tex: str) -> str:
    """A formula on lines of its own."""
    return f"$$\n{tex}\n$$"


def inline_math(tex: str, *, cell: bool = False) -> str:
    r"""A formula in running text, in one line.

    >>> inline_math(r"|x|", cell=True)
    '$\\vert x\\vert$'
    """
    if cell:
        tex = re.sub(
            r"\\?\|(?=(\s|[A-Za-z]))?", lambda bar: (r"\Vert" if len(bar[0]) > 1 else r"\vert") + _gap(bar[1]), tex
        )
    return f"${' '.join(tex.split())}$"


def _gap(following: str | None) -> str:
    return " " if following is not None and following.isalpha() else ""


def code_markdown(text: str, *, cell: bool = False) -> str:
    """Code in running text, between as many backticks as it takes.

    >>> code_markdown("a`b")
    '`` a`b ``'
    """
    text = printable(text)
    if not text.strip():
        return ""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    apart = " " if "`" in text or text[0] == text[-1] == " " else ""
    text = text.replace("|", "\\|") if cell else text
    return f"{ticks}{apart}{text}{apart}{ticks}"


def _inline(inline: Inline, maker: Maker, cell: bool) -> str:
    if inline.kind == "text":
        return escape_markdown(inline.text)
    if inline.kind == "code":
        return code_markdown(inline.text, cell=cell)
    if inline.kind in ("math", "display"):
        tex = maker.math(inline.text, display=inline.kind == "display", line=inline.line)
        return inline_math(rf"\displaystyle {tex}" if inline.kind == "display" else tex, cell=cell)
    if inline.kind == "break":
        return " " if cell else "\\\n"
    inside = inlines_markdown(inline.children, maker, cell=cell)
    if inline.kind == "link":
        return f"[{inside}](<{quote(inline.href, safe=':/?=.,;@!*+-&_~#%')}>)"
    return f"{_MARKUP[inline.kind]}{inside}{_MARKUP[inline.kind]}"


def _block(block: Block, maker: Maker) -> str:
    kind = block.kind
    if kind == "heading":
        return f"### {ended(inlines_markdown(maker.two(block.inlines), maker))}"
    if kind == "paragraph":
        return inlines_markdown(block.inlines, maker)
    if kind == "math":
        return display_math(maker.math(block.text, display=True, line=block.line))
    if kind == "code":
        lines = block.text.rstrip("\n").expandtabs(4).split("\n")
        ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", block.text)), default=0))
        return "\n".join([f"{ticks}{block.info}", *map(printable, lines), ticks])
    if kind == "quote":
        return _indented(blocks_markdown(block.items[0], maker), "> ", "> ")
    if kind == "list":
        marks = [f"{block.start + at}. " if block.ordered else "- " for at in range(len(block.items))]
        items = [blocks_markdown(item, maker) for item in block.items]
        return "\n".join(_indented(item, mark, " " * len(mark)) for mark, item in zip(marks, items, strict=True))
    if kind == "table":
        rows = [[inlines_markdown(maker.two(cell), maker, cell=True) for cell in row] for row in block.rows]
        return table_markdown(rows, block.align)
    if kind == "plot":
        return _picture(block, maker)
    if kind == "line":
        return "***"  # three dashes would begin a slide
    raise InputError(f"a {kind} block cannot be shown here", remedy="move it", file=maker.file, line=block.line)


def _picture(block: Block, maker: Maker) -> str:
    """A picture with its caption; or its words, where it cannot be drawn."""
    picture, name = maker.picture(block, "png")
    alt = escape_markdown(picture.alt.in_(maker.lang))
    shown = maker.show(alt, name) if name else f"{alt}\n\n*{escape_markdown(picture.missing)}*"
    caption = inlines_markdown(maker.two(picture.caption), maker)
    return f"{shown}\n\n{caption}" if caption else shown


def _indented(text: str, first: str, later: str) -> str:
    return first + f"\n{later}".join(text.split("\n"))


def table_markdown(rows: list[list[str]], align: tuple[str, ...] = ()) -> str:
    """A table, its head first."""
    width = max(map(len, rows))
    rules = {"right": "--:", "center": ":-:"}
    marks = [rules.get(align[at] if at < len(align) else "", "---") for at in range(width)]
    lines = [rows[0], marks, *rows[1:]]
    return "\n".join(f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in lines)


def aligned_markdown(sheet: Sheet) -> str:
    """The lines of a slide as one formula."""
    rows = []
    for at, step in enumerate(sheet.steps):
        formula = step.plain if sheet.again and not at else step.formula
        rows.append((f"{step.relation}\\;" if step.relation else "") + f"& {formula}")
    body = " \\\\\n".join(rows)
    return display_math(f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}")


def step_markdown(step: Step, lang: str) -> str:
    """Why a line holds, and its verdict; below it, if it does not, where it fails."""
    why = " · ".join(part for part in (escape_markdown(step.reason), bits_markdown(step.small)) if part)
    verdict = f"**{VERDICT_WORDS[step.verdict].in_(lang)}**" if not step.found else ""
    found = f"**{escape_markdown('; '.join(step.found))}**" if step.found else ""
    return ": ".join(part for part in (why, verdict + found) if part)


_BITS: dict[str, Callable[[str], str]] = {"text": escape_markdown, "code": code_markdown, "math": inline_math}


def bits_markdown(bits: Iterable[Bit]) -> str:
    """Small print."""
    return "".join(_BITS[bit.kind](bit.text) for bit in bits)


def claim_markdown(rows: tuple[Row, ...]) -> str:
    """What is to be shown, given, defined: a line each."""
    lines = []
    for row in rows:
        apart = "; " if any(len(item) > 1 for item in row.items) else ",  "
        lines.append(f"**{escape_markdown(row.label.capitalize())}:** {apart.join(map(bits_markdown, row.items))}")
    return "\n\n".join(lines)


def notation_markdown(sheet: Sheet, lang: str) -> str:
    """The notation as a table."""
    head = [escape_markdown(text.in_(lang)) for text in NOTATION_HEAD]
    rows = [
        [inline_math(a, cell=True), escape_markdown(b) or "–", inline_math(c, cell=True)] for a, b, c in sheet.table
    ]
    return table_markdown([head, *rows])


def heading_markdown(sheet: Sheet, maker: Maker) -> str:
    """The title of a slide, with its number where there are several."""
    part = f" ({sheet.part}/{sheet.parts})" if sheet.parts > 1 else ""
    return ended(f"{inlines_markdown(sheet.title, maker)}{part}")


def ended(heading: str) -> str:
    r"""A heading whose last sign is not taken for the end of a heading.

    >>> ended("in C #")
    'in C \\#'
    """
    return re.sub(r"(?<!\\)(#+)$", lambda end: "\\" + "\\".join(end[1]), heading.strip())


def foot_markdown(sheet: Sheet) -> str:
    """The verdict summary under a derivation: the counts, the certificate, the source."""
    return " · ".join(map(escape_markdown, sheet.foot))


def plain_lines(blocks: Iterable[Block]) -> list[str]:
    """Speaker notes as plain lines: a presenter sees them as they are, without markup."""
    lines: list[str] = []
    for block in blocks:
        if block.kind in ("list", "quote"):
            lines += [f"- {line}" for item in block.items for line in plain_lines(item)]
        elif block.kind == "table":
            lines += ["  ".join(plain_text(cell) for cell in row) for row in block.rows]
        else:
            lines += [printable(line) for line in (block.text or plain_text(block.inlines)).split("\n")]
    return [line for line in lines if line.strip()]

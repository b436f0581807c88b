r"""A deck as LaTeX for Beamer: one language, steps that appear one by one, compiled with `xelatex -no-shell-escape`.

Every text of an author goes through `words`, every formula of an author through `author_math`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import resources
from urllib.parse import quote

from derive.deck import Deck
from derive.derivation import Derivation
from derive.errors import InputError
from derive.markdown import Block, Inline
from derive.plots import Picture
from derive.render.author_math import UNICODE
from derive.render.escape import escape_text
from derive.render.html_derivation import BODY_HEIGHT
from derive.render.html_prose import LEAD_SIZE, height
from derive.render.outline import NOTATION_HEAD, deck_title, sheets
from derive.render.sheet import Bit, Maker, Rendered, Row, Sheet, checked_language
from derive.symbols import LECTURE, Notation

ROOM, SCALE = 17.0, 0.78  # em of 11 pt below the heading; how high TeX sets what is 1 high in a browser
_MANY = 5  # rows of a table that stand closer
HANGUL_FONTS = (
    "NanumGothic", "Noto Sans CJK KR", "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", "Pretendard", "UnDotum",
)  # fmt: skip
HANGUL = re.compile(
    "[\u1100-\u11ff\u3000-\u30ff\u3130-\u318f\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]"
)


def render_beamer(
    deck: Deck,
    derivations: Mapping[int, tuple[Derivation, ...]],
    *,
    pictures: Mapping[int, Picture] | None = None,
    lang: str = "",
    notation: Notation = LECTURE,
    warnings: list[str] | None = None,
    handout: bool = False,
) -> Rendered:
    """The deck as the text of one .tex file, in `lang` or else in the deck's language.

    With `handout` each slide is one page. `derivations` are the judged chains of each ```derive block, by `Block.line`,
    and `pictures` those of ```plot blocks, which become files beside it. Raises InputError with the line of the deck
    for a formula that can't be set, a block without derivations, an unknown language.
    """
    found = [] if warnings is None else warnings
    maker = Maker(
        checked_language(lang or deck.lang), "tex", ROOM, SCALE, notation=notation, file=deck.file, warnings=found,
        pictures=pictures or {},
    )  # fmt: skip
    frames = [_title(deck, maker.lang)] if deck.title else []
    frames += [_frame(sheet, maker) for sheet in sheets(deck, derivations, maker)]
    body = "\n".join(frames)
    title = words(deck_title(deck, maker.lang))
    author = words(deck.author)
    preamble = (resources.files("derive.render") / "assets" / "deck.tex").read_text(encoding="utf-8")
    hangul = _hangul() if HANGUL.search(title + author + body) else ""
    options = "aspectratio=169,11pt" + (",handout" if handout else "")
    text = (
        "% !TEX program = xelatex\n% xelatex -no-shell-escape, twice\n"
        f"\\documentclass[{options}]{{beamer}}\n\\usepackage{{fontspec}}\n"
        f"{preamble}{hangul}\\hypersetup{{pdftitle={{{title}}},pdfauthor={{{author}}}}}\n\n"
        f"\\begin{{document}}\n\n{body}\n\\end{{document}}\n"
    )
    return Rendered(text, len(frames), maker.files)


def _hangul() -> str:
    """The first of the known Hangul fonts that is installed."""
    choice = "".join(rf"\IfFontExistsTF{{{name}}}{{\setmainhangulfont{{{name}}}\setsanshangulfont{{{name}}}"
                     rf"\setmonohangulfont{{{name}}}}}{{" for name in HANGUL_FONTS)  # fmt: skip
    return f"\\usepackage{{kotex}}\n{choice}{'}' * len(HANGUL_FONTS)}\n"


# --- text -----------------------------------------------------------------------------------------------------------

_SIGNS = re.compile("|".join(map(re.escape, UNICODE)))


def words(text: str) -> str:
    r"""A user's text for TeX; a mathematical sign in it as one of the math font.

    >>> words("a_1 → 50%")
    'a\\_1 \\ensuremath{\\to} 50\\%'
    """
    plain = escape_text(text)
    return _SIGNS.sub(lambda sign: rf"\ensuremath{{{UNICODE[sign[0]].strip()}}}", plain)


def _code(text: str) -> str:
    return rf"\texttt{{{words(text)}}}"


def _inlines(inlines: tuple[Inline, ...], maker: Maker) -> str:
    return "".join(_inline(inline, maker) for inline in inlines)


_MARKUP = {"strong": "textbf", "em": "emph", "del": "derivestrike"}


def _inline(inline: Inline, maker: Maker) -> str:
    if inline.kind == "text":
        return words(inline.text)
    if inline.kind == "code":
        return _code(inline.text)
    if inline.kind == "math":
        return f"${maker.math(inline.text, line=inline.line)}$"
    if inline.kind == "display":
        return rf"\derivedisplay{{{maker.math(inline.text, display=True, line=inline.line)}}}" + "\n"
    if inline.kind == "break":
        return r"\newline{}"
    inside = _inlines(inline.children, maker)
    if inline.kind == "link":
        target = re.sub(r"([%#&_~])", r"\\\1", quote(inline.href, safe=":/?=.,;@!*'()+-&_~#%"))
        return rf"\href{{{target}}}{{\textcolor{{deriveblue}}{{{inside}}}}}"
    return rf"\{_MARKUP[inline.kind]}{{{inside}}}"


def _block(block: Block, maker: Maker) -> str:
    kind = block.kind
    if kind == "heading":
        return rf"\textbf{{{_inlines(maker.two(block.inlines), maker)}}}\par"
    if kind == "paragraph":
        return rf"{_inlines(block.inlines, maker)}\par"
    if kind == "math":
        return rf"\derivedisplay{{{maker.math(block.text, display=True, line=block.line)}}}"
    if kind == "code":
        lines = block.text.rstrip("\n").expandtabs(4).split("\n")
        shown = "\\\\\n".join(words(line).replace(" ", "~") or "~" for line in lines)
        return rf"{{\small\ttfamily\raggedright\noindent {shown}\par}}"
    if kind in ("list", "quote"):
        return _items(block, maker)
    if kind == "table":
        return _table(block, maker)
    if kind == "plot":
        return _picture(block, maker)
    if kind == "line":
        return r"{\color{derivehair}\hrule}"
    raise InputError(f"a {kind} block cannot be shown here", remedy="move it", file=maker.file, line=block.line)


def _picture(block: Block, maker: Maker) -> str:
    """A picture from its file, its words in a comment; or its words, where it cannot be drawn."""
    picture, name = maker.picture(block, "pdf")
    caption = _inlines(maker.two(picture.caption), maker)
    alt = words(picture.alt.in_(maker.lang))
    shown = (
        f"\\deriveplot{{{name}}}% {alt}" if name else f"{alt}\\par\n{{\\footnotesize {words(picture.missing)}\\par}}"
    )
    return shown + (f"\n{{\\centering\\footnotesize\\color{{derivequiet}}{caption}\\par}}" if caption else "")


def _blocks(blocks: tuple[Block, ...], maker: Maker) -> str:
    return "\n".join(_block(block, maker) for block in blocks)


def _items(block: Block, maker: Maker) -> str:
    if block.kind == "quote":
        return f"\\begin{{quote}}\n{_blocks(block.items[0], maker)}\n\\end{{quote}}"
    name = "enumerate" if block.ordered else "itemize"
    numbers = [rf"[{block.start + at}.]" if block.ordered else "{}" for at in range(len(block.items))]
    items = "\n".join(rf"\item{n} {_blocks(item, maker)}" for n, item in zip(numbers, block.items, strict=True))
    return f"\\begin{{{name}}}\n{items}\n\\end{{{name}}}"


def _table(block: Block, maker: Maker) -> str:
    width = max(len(row) for row in block.rows)
    columns = "".join({"right": "r", "center": "c"}.get(align, "l") for align in block.align).ljust(width, "l")
    rows = [" & ".join(_inlines(maker.two(cell), maker) for cell in row) + r" \\" for row in block.rows]
    return _tabular(columns, rows[0], rows[1:], "1.5" if len(rows) < _MANY else "1.15")


def _tabular(columns: str, head: str, rows: list[str], stretch: str = "1.5") -> str:
    body = "\n".join(rows)
    inside = f"\\begin{{tabular}}{{{columns}}}\n{head}\n\\midrule\n{body}\n\\end{{tabular}}"
    return f"{{\\centering\\renewcommand\\arraystretch{{{stretch}}}\\derivefit{{\\linewidth}}{{{inside}}}\\par}}"


# --- frames ---------------------------------------------------------------------------------------------------------


def _title(deck: Deck, lang: str) -> str:
    by = r"\quad{}".join(words(text) for text in (deck.author, deck.date) if text)
    subtitle = rf"{{\large\color{{derivequiet}}{words(deck.subtitle.in_(lang))}\par}}" if deck.subtitle else ""
    return (
        "\\renewcommand\\derivefoot{}\n\\begin{frame}\n\\vfill\n{\\color{deriveblue}\\rule{9mm}{1.2pt}}\\par\n"
        f"{{\\LARGE\\bfseries\\raggedright {words(deck.title.in_(lang))}\\par}}\n{subtitle}\n"
        f"\\vspace{{1em}}{{\\small\\color{{derivequiet}}{by}\\par}}\n\\vfill\n\\end{{frame}}\n"
    )


def _frame(sheet: Sheet, maker: Maker) -> str:
    part = rf"~{{\normalfont\small\color{{derivequiet}}{sheet.part}/{sheet.parts}}}" if sheet.parts > 1 else ""
    head = f"\\frametitle{{{_inlines(sheet.title, maker)}{part}}}\n" if sheet.title else ""
    head += f"\\framesubtitle{{{words(sheet.kicker)}}}\n" if sheet.kicker else ""
    foot = r"\quad{}".join(words(text) for text in sheet.foot)
    parts = [_blocks(sheet.prose, maker), _claim(sheet.claim), *_steps(sheet)]
    if sheet.table:
        names = " & ".join(words(text.in_(maker.lang)) for text in NOTATION_HEAD) + r" \\"
        parts.append(_tabular("lll", names, [rf"${a}$ & {words(b) or '--'} & ${c}$ \\" for a, b, c in sheet.table]))
    share = height(sheet.prose, LEAD_SIZE) / BODY_HEIGHT
    plots = [block for block in sheet.prose if block.kind == "plot"]
    if plots:  # they take what the rest leaves
        rest = height([block for block in sheet.prose if block.kind != "plot"], LEAD_SIZE) / BODY_HEIGHT
        captions = sum(bool(maker.pictures[block.line].caption) for block in plots if block.line in maker.pictures)
        room = max((0.78 - 0.9 * rest - 0.08 * captions - 0.04 * (len(plots) - 1)) / len(plots), 0.2)
        parts.insert(0, f"\\def\\deriveplotheight{{{room:.2f}\\textheight}}")
    if share > 1.15 and not sheet.steps:
        maker.warnings.append(
            f"{maker.file or 'deck'}:{sheet.line}: the slide is about {share:.1f} pages high; split it"
        )
    notes = f"\\note{{{_blocks(sheet.notes, maker)}}}\n" if sheet.notes else ""
    body = "\n".join(part for part in parts if part)
    place = (
        "t,shrink" if sheet.steps or sheet.claim or sheet.table or (share > 0.5 and not plots) else "c"
    )  # shrink only where it is full
    return f"\\renewcommand\\derivefoot{{{foot}}}\n\\begin{{frame}}[{place}]\n{head}{body}\n\\end{{frame}}\n{notes}"


def _bits(bits: Iterable[Bit]) -> str:
    return "".join(
        f"${b.text}$" if b.kind == "math" else _code(b.text) if b.kind == "code" else words(b.text) for b in bits
    )


def _claim(rows: tuple[Row, ...]) -> str:
    """The box above the steps; sentences below each other, formulas side by side."""
    shown = []
    for row in rows:
        apart = r"\par " if any(len(item) > 1 for item in row.items) else r"\quad{}"
        inside = apart.join(map(_bits, row.items))
        inside = rf"\derivefit{{\linewidth}}{{{inside}}}" if len(row.items) == 1 and len(row.items[0]) == 1 else inside
        shown.append(rf"\deriverow{{{words(row.label.capitalize())}}}{{{inside}}}")
    return r"\deriveclaim{" + "".join(shown) + "}" if shown else ""


def _steps(sheet: Sheet) -> list[str]:
    """Each line with its reason; the first is there from the beginning, the others come one by one."""
    shown = []
    for at, step in enumerate(sheet.steps):
        again = sheet.again and not at
        reason = "" if again else words(step.reason) + (rf"\derivesmall{{{_bits(step.small)}}}" if step.small else "")
        mark = rf"\derivemark{{{step.verdict}}}" if step.verdict else ""
        number = f"({step.number})" if step.number else ""
        formula = step.plain if again else step.formula
        text = rf"\derivestep{{{number}}}{{{step.relation}}}{{{formula}}}{{{reason}}}{{{mark}}}"
        if step.found and not again:
            text += rf"\derivefound{{{'; '.join(words(found) for found in step.found)}}}"
        text = rf"{{\color{{derivequiet}}{text}}}" if again else text
        shown.append(rf"\uncover<{at + 1}->{{{text}}}" if at else text)
    return shown

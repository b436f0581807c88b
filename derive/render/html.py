"""A deck, or one derivation, as one HTML file that needs no network: formulas are MathML, the math font is embedded.

Both languages are in the file; the key L changes the one that is shown. Without its script the page is a handout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from derive.deck import LANGUAGES, Deck, Slide
from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.markdown import Block
from derive.plots import Picture
from derive.render import html_derivation
from derive.render.html_line import text_width
from derive.render.html_page import KEYS, NONE, Page, both, both_markup, escape, shell
from derive.render.html_prose import LEAD_SIZE, PROSE_SIZES, block_markup, height, inlines_markup, plain_text
from derive.render.schedule_prose import expanded
from derive.render.symbol_table import few, symbols_used
from derive.symbols import LECTURE, Notation

_ROWS = 5  # of a notation table in one of the two columns of a slide
_TITLE, _TITLE_WIDTH = 1.85, 54.0  # rem, as in deck.css
_SPACE_BEFORE_STEPS = 7.0  # rem of prose that may stand above the steps on their first slide


@dataclass
class _Slide:
    """A slide in the making."""

    body: str
    title: str = ""
    part: str = ""
    kicker: str = ""
    foot: str = ""
    notes: str = ""
    classes: str = ""


@dataclass
class _Chunk:
    """Blocks of a slide that belong together: prose, one derivation, or claims of one line each."""

    prose: list[Block] = field(default_factory=list)
    derivations: list[Derivation] = field(default_factory=list)


def render_deck(
    deck: Deck,
    derivations: Mapping[int, tuple[Derivation, ...]],
    *,
    pictures: Mapping[int, Picture] | None = None,
    lang: str = "",
    notation: Notation = LECTURE,
    warnings: list[str] | None = None,
) -> str:
    """The deck as the text of one HTML file.

    `derivations` are the judged chains of each ```derive block, by its `Block.line`, and `pictures` those of ```plot
    blocks. `lang` ("en" or "ko") is the language shown first, by default the deck's. What does not fit is appended to
    `warnings`. Raises InputError with the line of the deck for a formula that can't be shown, a block without
    derivations, an unknown language.
    """
    page = Page(_language(lang or deck.lang), notation, deck.file, [] if warnings is None else warnings)
    page.pictures = pictures or {}
    made = [_title_slide(deck)] if deck.title else []
    for slide in expanded(deck).slides:
        made += _slides(page, slide, derivations)
    made += _notation(page, [d for group in derivations.values() for d in group])
    title = deck.title or _title_text(deck)
    return shell(page, title, _numbered(made), deck.author)


def render_derivation(
    derivation: Derivation,
    *,
    lang: str = "en",
    notation: Notation = LECTURE,
    warnings: list[str] | None = None,
) -> str:
    """One derivation as a page of its own, with its notation table. Raises InputError for an unknown language."""
    return render_derivations([derivation], lang=lang, notation=notation, warnings=warnings)


def render_derivations(
    derivations: Sequence[Derivation],
    *,
    lang: str = "en",
    notation: Notation = LECTURE,
    warnings: list[str] | None = None,
) -> str:
    """Derivations as one page, one after the other, with one notation table at the end."""
    first = derivations[0]
    page = Page(_language(lang), notation, first.file, [] if warnings is None else warnings)
    made = [slide for each in derivations for slide in _derivations(page, [each], _heading(each), "")]
    made += _notation(page, list(derivations))
    return shell(page, first.title or Text(first.name or "derivation"), _numbered(made))


def _language(lang: str) -> str:
    if lang not in LANGUAGES:
        raise InputError(f"unknown language {lang!r}", remedy="use en or ko")
    return lang


def _numbered(made: list[_Slide]) -> str:
    """The slides as sections, each with its number."""
    out = []
    for number, slide in enumerate(made, 1):
        part = f'<span class="part">{slide.part}</span>' if slide.part else ""
        head = f"<h2>{slide.title}{part}</h2>" if slide.title else ""
        head += f'<p class="kicker">{slide.kicker}</p>' if slide.kicker else ""
        head = f"<header>{head}</header>" if head else ""
        notes = f'<aside class="notes">{slide.notes}</aside>' if slide.notes else ""
        foot = f'<footer>{slide.foot}<span class="page">{number} / {len(made)}</span></footer>'
        progress = f'<div class="progress" style="width:{100 * number / len(made):.2f}%"></div>'
        classes = f"slide {slide.classes}".strip()
        out.append(f'<section class="{classes}" id="{number}">{head}{slide.body}{notes}{foot}{progress}</section>\n')
    return "".join(out)


def _title_slide(deck: Deck) -> _Slide:
    subtitle = f'<p class="subtitle">{both(deck.subtitle)}</p>' if deck.subtitle else ""
    by = " · ".join(escape(text) for text in (deck.author, deck.date) if text)
    by = f'<p class="by">{by}</p>' if by else ""
    keys = f'<p class="keys">{both_markup(KEYS.en, KEYS.ko)}</p>'
    return _Slide(f"<h1>{both(deck.title)}</h1>{subtitle}{by}{keys}", classes="first")


def _title_text(deck: Deck) -> Text:
    for slide in deck.slides:
        if any(slide.title):
            return Text(plain_text(slide.title.en), plain_text(slide.title.ko))
    return Text("Slides", "슬라이드")


# --- a slide of the deck becomes one or several of the page ----------------------------------------------------------


def _slides(page: Page, slide: Slide, derivations: Mapping[int, tuple[Derivation, ...]]) -> list[_Slide]:
    title = both_markup(inlines_markup(page, slide.title.en), inlines_markup(page, slide.title.ko))
    made: list[_Slide] = []
    before: list[Block] = []
    chunks = _chunks(page, slide, derivations)
    several = sum(bool(chunk.derivations) for chunk in chunks) > 1
    for chunk in chunks:
        if not chunk.derivations:
            before = chunk.prose
            continue
        taken = height(before, LEAD_SIZE)
        if before and taken > _SPACE_BEFORE_STEPS:
            made.append(_prose(page, before, title, slide.line))
            before = []
        lead = "".join(block_markup(page, block) for block in before)
        alone = chunk.derivations[0] if len(chunk.derivations) == 1 else Derivation()
        heading = _heading(alone)
        kicker = heading if several and title and heading != title else ""  # else the title of the slide says it
        words = (plain_text(slide.title.en), plain_text(slide.title.ko)) if title else (alone.title.en, alone.title.ko)
        above = _second_line(*words) + (1.6 if kicker else 0.0)
        made += _derivations(
            page, chunk.derivations, title or heading, kicker, lead, taken=taken if before else 0.0, above=above
        )
        before = []
    if before or not made:
        made.append(_prose(page, before, title, slide.line))
    first = ' class="count"'  # of what is counted; sources follow it
    said = (f"<span{'' if at else first}>{both(text)}</span>" for at, text in enumerate(slide.foot))
    made[0].foot = "".join(said) + made[0].foot
    made[0].notes = "".join(block_markup(page, block) for block in slide.notes)
    return made


def _chunks(page: Page, slide: Slide, derivations: Mapping[int, tuple[Derivation, ...]]) -> list[_Chunk]:
    chunks: list[_Chunk] = []
    for block in slide.blocks:
        if block.kind == "derive":
            found = derivations.get(block.line, ())
            if not found:
                raise InputError(
                    "this ```derive block holds no chain", remedy="write one", file=page.file, line=block.line
                )
            for derivation in found:
                joins = bool(chunks and chunks[-1].derivations) and _plain(derivation)
                if joins and all(map(_plain, chunks[-1].derivations)):
                    chunks[-1].derivations.append(derivation)
                else:
                    chunks.append(_Chunk(derivations=[derivation]))
        elif chunks and not chunks[-1].derivations:
            chunks[-1].prose.append(block)
        else:
            chunks.append(_Chunk([block]))
    return chunks


def _plain(derivation: Derivation) -> bool:
    """Whether this is a claim of one line and nothing else, which may stand in a list."""
    given = derivation.assumptions
    return len(derivation.lines) == 1 and not (derivation.goal or derivation.obligations or given.definitions)


def _heading(derivation: Derivation) -> str:
    return both(derivation.title) or escape(derivation.name)


def _derivations(
    page: Page,
    derivations: list[Derivation],
    title: str,
    kicker: str = "",
    lead: str = "",
    *,
    taken: float = 0.0,
    above: float = 0.0,
) -> list[_Slide]:
    """The slides of one derivation, or of a list of claims; in rem, `above` is what the heading takes of each."""
    room = html_derivation.BODY_HEIGHT - above
    if len(derivations) > 1:
        found = html_derivation.claims(page, derivations, taken=taken, room=room)
    else:
        found = html_derivation.parts(page, derivations[0], taken=taken, room=room)
    body = "body listed" if len(derivations) > 1 else "body"
    return [
        _Slide(
            f'<div class="{body}">{lead if part.number == 1 else ""}{part.markup}</div>',
            title,
            f"{part.number} / {part.count}" if part.count > 1 else "",
            kicker,
            html_derivation.footer(derivations),
        )
        for part in found
    ]


def _second_line(*titles: str) -> float:
    """The height in rem of what does not fit on the first line of a heading."""
    lines = math.ceil(max(map(text_width, titles)) * 0.95 * _TITLE / _TITLE_WIDTH)
    return _TITLE * 1.25 * max(lines - 1, 0)


def _prose(page: Page, blocks: list[Block], title: str, line: int) -> _Slide:
    """A slide of prose, in the largest type in which it leaves some air."""
    body = "".join(block_markup(page, block) for block in blocks)
    room = html_derivation.BODY_HEIGHT
    pictured = any(block.kind == "plot" for block in blocks)  # it takes what is left, so the text is as small as a lead
    sizes = [size for size in PROSE_SIZES if size <= 1.3] if pictured else PROSE_SIZES
    size = next((size for size in sizes if height(blocks, size) < 0.8 * room), PROSE_SIZES[-1])
    if (share := height(blocks, size) / room) > 1.15:
        page.warn(f"{page.file or 'deck'}:{line}: the slide is about {share:.1f} pages high; split it")
    kind = " pictured" if pictured else ""
    return _Slide(f'<div class="body prose{kind}" style="--prose:{size}rem">{body}</div>', title)


# --- the notation table ----------------------------------------------------------------------------------------------


def _notation(page: Page, derivations: list[Derivation]) -> list[_Slide]:
    """What every symbol of the derivations means, in two columns; as many slides as it takes."""
    domains: dict[str, dict[str, None]] = {}
    for derivation in derivations:
        for use in symbols_used(derivation, page.notation):
            symbol, domain = page.formula(use.latex).markup, page.formula(use.domain_latex).markup
            domains.setdefault(f"<td>{symbol}</td><td>{both(use.gloss) or NONE}</td>", {})[domain] = None
    table = [f"<tr>{row}<td>{', &nbsp;'.join(few(some, '…'))}</td></tr>" for row, some in domains.items()]
    words = (Text("symbol", "기호"), Text("meaning", "뜻"), Text("domain", "범위"))
    head = f"<thead><tr>{''.join(f'<th>{both(word)}</th>' for word in words)}</tr></thead>"
    columns = [f'<table class="notation">{head}<tbody>{"".join(rows)}</tbody></table>' for rows in _even(table, _ROWS)]
    slides = ["".join(columns[at : at + 2]) for at in range(0, len(columns), 2)]
    return [
        _Slide(
            f'<div class="body columns">{markup}</div>',
            both(Text("Notation", "기호")),
            f"{number} / {len(slides)}" if len(slides) > 1 else "",
        )
        for number, markup in enumerate(slides, 1)
    ]


def _even(rows: list[str], most: int) -> list[list[str]]:
    """Rows in columns of about the same length, none longer than `most`."""
    each = math.ceil(len(rows) / max(1, math.ceil(len(rows) / most)))
    return [rows[at : at + each] for at in range(0, len(rows), max(each, 1))]

"""A deck, or one derivation, as one HTML file that needs no network: formulas are MathML, the math font is embedded.

Both languages are in the file; the key L changes the one that is shown. Without its script the page is a handout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from derive.deck import LANGUAGES, Deck, Slide
from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.markdown import Block
from derive.render import html_derivation
from derive.render.html_page import KEYS, NONE, Page, both, both_markup, escape, shell
from derive.render.html_prose import block_markup, height, inlines_markup, plain_text
from derive.render.symbol_table import symbols_used
from derive.symbols import LECTURE, Notation

_ROWS = 9  # of a notation table on one slide
_SPACE_BEFORE_STEPS = 6.0  # rem of prose that may stand above the steps on their first slide


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
    height: float = 0.0
    line: int = 0


@dataclass
class _Chunk:
    """Blocks of a slide that belong together: prose, or one derivation."""

    prose: list[Block] = field(default_factory=list)
    derivation: Derivation | None = None


def render_deck(
    deck: Deck,
    derivations: Mapping[int, tuple[Derivation, ...]],
    *,
    lang: str = "",
    notation: Notation = LECTURE,
    warnings: list[str] | None = None,
) -> str:
    """The deck as the text of one HTML file.

    `derivations` are the judged chains of each ```derive block, by its `Block.line`. `lang` ("en" or "ko") is the
    language shown first, by default the deck's. What does not fit is appended to `warnings`. Raises InputError with the
    line of the deck for a formula that can't be shown, a block without derivations, an unknown language.
    """
    page = Page(_language(lang or deck.lang), notation, deck.file, [] if warnings is None else warnings)
    made = [_title_slide(deck)] if deck.title else []
    for slide in deck.slides:
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
    page = Page(_language(lang), notation, derivation.file, [] if warnings is None else warnings)
    made = _derivation(page, derivation, _heading(derivation), "")
    made += _notation(page, [derivation])
    title = derivation.title or Text(derivation.name or "derivation")
    return shell(page, title, _numbered(made))


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
    for chunk in _chunks(page, slide, derivations):
        if chunk.derivation is None:
            before = chunk.prose
            continue
        taken = height(before)
        if before and taken > _SPACE_BEFORE_STEPS:
            made.append(_prose(page, before, title, slide.line))
            before = []
        lead = "".join(block_markup(page, block) for block in before)
        heading = _heading(chunk.derivation)
        kicker = heading if title and heading != title else ""
        made += _derivation(page, chunk.derivation, title or heading, kicker, lead, taken if before else 0.0)
        before = []
    if before or not made:
        made.append(_prose(page, before, title, slide.line))
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
            chunks += [_Chunk(derivation=derivation) for derivation in found]
        elif chunks and chunks[-1].derivation is None:
            chunks[-1].prose.append(block)
        else:
            chunks.append(_Chunk([block]))
    return chunks


def _heading(derivation: Derivation) -> str:
    return both(derivation.title) or escape(derivation.name)


def _derivation(
    page: Page, derivation: Derivation, title: str, kicker: str, lead: str = "", taken: float = 0.0
) -> list[_Slide]:
    foot = html_derivation.footer(derivation)
    taken += 1.6 if kicker else 0.0
    return [
        _Slide(
            f'<div class="body">{lead if part.number == 1 else ""}{part.markup}</div>',
            title,
            f"{part.number} / {part.count}" if part.count > 1 else "",
            kicker,
            foot,
        )
        for part in html_derivation.parts(page, derivation, taken=taken)
    ]


def _prose(page: Page, blocks: list[Block], title: str, line: int) -> _Slide:
    body = "".join(block_markup(page, block) for block in blocks)
    share = height(blocks) / html_derivation.BODY_HEIGHT
    if share > 1.15:
        page.warn(f"{page.file or 'deck'}:{line}: the slide is about {share:.1f} pages high; split it")
    dense = "dense" if share > 1.0 else ""
    few = " centred" if 0 < share < 0.3 else ""
    return _Slide(f'<div class="body{few}">{body}</div>', title, classes=dense)


# --- the notation table ----------------------------------------------------------------------------------------------


def _notation(page: Page, derivations: list[Derivation]) -> list[_Slide]:
    """What every symbol of the derivations means; as many slides as it takes."""
    rows: dict[str, None] = {}
    for derivation in derivations:
        for use in symbols_used(derivation, page.notation):
            symbol, domain = page.formula(use.latex).markup, page.formula(use.domain_latex).markup
            rows[f"<tr><td>{symbol}</td><td>{both(use.gloss) or NONE}</td><td>{domain}</td></tr>"] = None
    head = "".join(
        f"<th>{both(t)}</th>" for t in (Text("symbol", "기호"), Text("meaning", "뜻"), Text("domain", "범위"))
    )
    table = list(rows)
    slides = [table[at : at + _ROWS] for at in range(0, len(table), _ROWS)]
    return [
        _Slide(
            '<div class="body"><table class="notation">'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(some)}</tbody></table></div>",
            both(Text("Notation", "기호")),
            f"{number} / {len(slides)}" if len(slides) > 1 else "",
        )
        for number, some in enumerate(slides, 1)
    ]

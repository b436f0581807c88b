"""A deck in one language as sheets: what stands on each slide, for the formats that are no web page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from derive.deck import Deck, Slide
from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.markdown import Block, Inline
from derive.render.html_derivation import BODY_HEIGHT, MAX_STEPS
from derive.render.html_prose import LEAD_SIZE, height, plain_text
from derive.render.schedule_prose import expanded
from derive.render.sheet import Maker, Row, Sheet, Step
from derive.render.sheet_steps import claim_rows, claim_step, foot_of, steps_of
from derive.render.summary import word
from derive.render.symbol_table import few, symbols_used

_LEAD = 0.25  # of a slide: the prose that may stand above the steps
_NOTATION_ROWS = 9

NOTATION = Text("Notation", "기호")
NOTATION_HEAD = (Text("symbol", "기호"), Text("meaning", "뜻"), Text("domain", "범위"))


def deck_title(deck: Deck, lang: str) -> str:
    """The title of a deck, or the heading of its first slide."""
    if deck.title:
        return deck.title.in_(lang)
    headings = (Text(plain_text(s.title.en), plain_text(s.title.ko)) for s in deck.slides if any(s.title))
    return next(headings, Text("Slides", "슬라이드")).in_(lang)


def sheets(deck: Deck, derivations: Mapping[int, tuple[Derivation, ...]], maker: Maker) -> list[Sheet]:
    """The slides of a deck after its title, the notation at the end.

    Raises InputError with the line of the deck for a block without derivations.
    """
    made = [sheet for slide in expanded(deck).slides for sheet in _slide(slide, derivations, maker)]
    return made + _notation([d for group in derivations.values() for d in group], maker)


def _slide(slide: Slide, derivations: Mapping[int, tuple[Derivation, ...]], maker: Maker) -> list[Sheet]:
    title = maker.chosen(slide.title.en, slide.title.ko)
    chunks = list(_chunks(maker.mine(slide.blocks), derivations, maker))
    several = sum(bool(judged) for _, judged in chunks) > 1
    made: list[Sheet] = []
    for prose, judged in chunks:
        if not judged or height(prose, LEAD_SIZE) > _LEAD * BODY_HEIGHT:
            made.append(Sheet(title, prose=prose, line=slide.line))
            prose = ()
        if judged:
            heading = judged[0].title.in_(maker.lang) or judged[0].name if len(judged) == 1 else ""
            first = title or ((Inline("text", heading),) if heading else ())
            kicker = heading if several and title and plain_text(title) != heading else ""
            made += _derivations(judged, Sheet(first, kicker, prose=prose, line=slide.line), maker)
    made = made or [Sheet(title, line=slide.line)]
    foot = (*(text.in_(maker.lang) for text in slide.foot), *made[0].foot)
    return [made[0]._replace(notes=maker.mine(slide.notes), foot=foot), *made[1:]]


def _chunks(
    blocks: Sequence[Block], derivations: Mapping[int, tuple[Derivation, ...]], maker: Maker
) -> Iterator[tuple[tuple[Block, ...], tuple[Derivation, ...]]]:
    """Prose with what it leads to: a derivation, or claims of one line each; at the end perhaps nothing."""
    prose: list[Block] = []
    listed: list[Derivation] = []
    for block in blocks:
        if block.kind != "derive":
            if listed:
                yield tuple(prose), tuple(listed)
                prose, listed = [], []
            prose.append(block)
            continue
        found = derivations.get(block.line, ())
        if not found:
            raise InputError(
                "this ```derive block holds no chain", remedy="write one", file=maker.file, line=block.line
            )
        for derivation in found:
            if listed and not (_plain(derivation) and _plain(listed[-1])):
                yield tuple(prose), tuple(listed)
                prose, listed = [], []
            listed.append(derivation)
    if prose or listed:
        yield tuple(prose), tuple(listed)


def _plain(derivation: Derivation) -> bool:
    """Whether this is a claim of one line and nothing else, which may stand in a list."""
    given = derivation.assumptions
    return len(derivation.lines) == 1 and not (derivation.goal or derivation.obligations or given.definitions)


# --- a derivation ---------------------------------------------------------------------------------------------------


def _derivations(judged: tuple[Derivation, ...], sheet: Sheet, maker: Maker) -> list[Sheet]:
    """The sheets of one derivation, or of a list of claims; `sheet` has what stands on all or on the first of them."""
    sheet = sheet._replace(foot=foot_of(judged, maker.lang))
    over = (maker.room * height(sheet.prose, LEAD_SIZE) / BODY_HEIGHT) if sheet.prose else 0.0
    over += 1.3 if sheet.kicker else 0.0
    if len(judged) > 1:
        steps = [claim_step(item, number, maker) for number, item in enumerate(judged, 1)]
        return _parts(sheet, steps, maker.room - over, maker.room, listed=True)
    (derivation,) = judged
    claim = tuple(claim_rows(derivation, maker))
    goal = tuple(row for row in claim if row.label == word("goal", maker.lang))
    steps = list(steps_of(derivation, maker))
    later = maker.room - (1.3 if sheet.kicker else 0.0) - sum(row.height for row in goal) - 1.0
    first = maker.room - over - sum(row.height for row in claim) - 1.0
    if claim and first < sum(step.height for step in steps[:2]):  # what is claimed needs a slide of its own
        return _parts(sheet, steps, 0.0, later, claim, goal, alone=True)
    return _parts(sheet, steps, first, later, claim, goal)


def _parts(
    sheet: Sheet, steps: Sequence[Step], first: float, later: float, claim: tuple[Row, ...] = (),
    goal: tuple[Row, ...] = (), *, alone: bool = False, listed: bool = False,
) -> list[Sheet]:  # fmt: skip
    heights = [step.height for step in steps]
    again = [step.plain_height for step in steps]
    if listed:  # nothing is repeated: as if each slide began with a line of no height
        pages = [range(page.start, page.stop - 1) for page in split([0.0, *heights], [0.0, *again], first, later)]
    else:
        pages = split(heights, again, later if alone else first, later)
    count = len(pages) + alone
    later_sheet = sheet._replace(prose=(), claim=goal, parts=count)
    made = [sheet._replace(claim=claim, parts=count)] if alone else []
    for page in pages:
        shown = tuple(steps[at] for at in page)
        which = later_sheet if made else sheet._replace(claim=claim, parts=count)
        repeats = bool(page.start) and not listed
        made.append(which._replace(steps=shown, part=len(made) + 1, again=repeats))
    return made


def split(heights: Sequence[float], again: Sequence[float], first: float, later: float) -> list[range]:
    """Which lines stand on which slide: as few slides as fit, no step alone where that can be, evenly filled.

    `again` are the heights of lines that are repeated at the top of a slide; `first` and `later` the room on the first
    slide and on the others.

    >>> split([2.0] * 6, [2.0] * 6, 8.0, 10.0)
    [range(0, 3), range(2, 6)]
    """
    best: dict[int, tuple[tuple[float, int, int, float], list[range]]] = {0: ((0.0, 0, 0, 0.0), [])}
    last = len(heights) - 1
    for end in range(1, last + 1):
        options = []
        for begin in range(max(end - MAX_STEPS, 0), end):  # the line that the slide begins with
            free = (later - again[begin] if begin else first - heights[0]) - sum(heights[begin + 1 : end + 1])
            (over, count, single, uneven), before = best[begin]
            over = round(over + max(0.0, -free), 1)
            lonely = single + (last > 1 and end - begin == 1)
            options.append(((over, count + 1, lonely, uneven + free * free), [*before, range(begin, end + 1)]))
        best[end] = min(options, key=lambda option: option[0])
    return best[last][1] if last > 0 else [range(last + 1)]


# --- the notation ---------------------------------------------------------------------------------------------------


def _notation(derivations: Sequence[Derivation], maker: Maker) -> list[Sheet]:
    """What every symbol of the derivations means; as many slides as it takes."""
    domains: dict[tuple[str, str], dict[str, None]] = {}
    for derivation in derivations:
        for use in symbols_used(derivation, maker.notation):
            row = maker.own(use.latex), use.gloss.in_(maker.lang)
            domains.setdefault(row, {})[maker.own(use.domain_latex)] = None
    table = [(symbol, gloss, r",\quad ".join(few(some, r"\dots"))) for (symbol, gloss), some in domains.items()]
    each = math.ceil(len(table) / max(1, math.ceil(len(table) / _NOTATION_ROWS)))
    pages = [tuple(table[at : at + each]) for at in range(0, len(table), max(each, 1))]
    title = (Inline("text", NOTATION.in_(maker.lang)),)
    return [Sheet(title, "", number, len(pages), table=page) for number, page in enumerate(pages, 1)]

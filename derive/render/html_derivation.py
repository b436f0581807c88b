"""The slides of a derivation: what it claims, then its steps with their reasons and verdicts.

A derivation that is too long for one slide is split over several: what is to be shown stays on top of each, and the
last line of the slide before is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.derivation import Derivation, Text
from derive.render.html_claim import box, reminder
from derive.render.html_line import Shown, claim_line, lines_shown
from derive.render.html_page import Page, both, escape
from derive.render.summary import summary_of

MAX_STEPS = 5  # on one slide, besides the line that it begins with
BODY_HEIGHT = 27.6  # rem below the heading of a slide
SIZES = (1.5, 1.35, 1.2, 1.1)  # rem: the largest in which the slides stay as few
_CUT = 1.5  # rem that may lack before it is told; heights are estimates

Pages = list[range]  # the lines of each slide; the first of a further one repeats the last of the one before


@dataclass(frozen=True)
class Part:
    """The body of one slide of a derivation."""

    markup: str
    number: int
    count: int


def footer(derivations: Sequence[Derivation]) -> str:
    """The counts and the beginnings of the certificates; the sources, unless an obligation names them."""
    text = Text(summary_of(derivations, "en"), summary_of(derivations, "ko"))
    digests = " ".join(d.digest[: 12 if len(derivations) == 1 else 6] for d in derivations if d.digest)
    above = {item.source for derivation in derivations for item in derivation.obligations}
    named = dict.fromkeys(d.source for d in derivations if d.source and d.source not in above)
    short = f'<span class="id">{escape(digests)}</span>' if digests else ""
    return f'<span class="count">{both(text)}</span>{short}' + "".join(f"<span>{escape(s)}</span>" for s in named)


def parts(page: Page, derivation: Derivation, *, taken: float = 0.0, room: float = BODY_HEIGHT) -> list[Part]:
    """The slides of a derivation; in rem, `room` is the height of each, and `taken` what the first has used already."""
    (top, top_height), (again, again_height) = box(page, derivation), reminder(page, derivation)
    rows = lines_shown(page, derivation)
    first, later = room - top_height - taken, room - again_height
    size, pages, over = _layout(rows, first, later)
    if over > _CUT:
        page.warn(f"{derivation.file or derivation.name or 'derivation'}: a line is higher than the slide; break it up")
    found = []
    for number, chosen in enumerate(pages, 1):
        items = "".join(rows[at].markup(size, again=at == chosen[0] and number > 1) for at in chosen)
        steps = f'<ol class="steps" style="--term:{size}rem">{items}</ol>'
        found.append(Part((top if number == 1 else again) + steps, number, len(pages)))
    return found


def claims(
    page: Page, derivations: Sequence[Derivation], *, taken: float = 0.0, room: float = BODY_HEIGHT
) -> list[Part]:
    """Several derivations of one line each as a list of claims, as many to a slide as fit."""
    rows = [claim_line(page, derivation, number) for number, derivation in enumerate(derivations, 1)]
    start = [Shown(rows[0].line, "", "", rows[0].plain, rows[0].marked, "", 0.0, "", 0.0)]  # a first line of no height
    size, pages, _ = _layout([*start, *rows], room - taken, room, listed=True)
    found = []
    for number, chosen in enumerate(pages, 1):
        items = "".join(rows[at - 1].markup(size) for at in chosen[1:])
        steps = f'<ol class="steps claims" style="--term:{size}rem">{items}</ol>'
        found.append(Part(steps, number, len(pages)))
    return found


# --- which lines stand on which slide, and how large ----------------------------------------------------------------


def _layout(rows: Sequence[Shown], first: float, later: float, *, listed: bool = False) -> tuple[float, Pages, float]:
    """The largest size in which no more slides are needed and no more reasons go below their formulas.

    With what stands on which slide in it, and how many rem do not fit.
    """

    def split(size: float, air: float = 0.0) -> tuple[tuple[float, int, int], Pages]:
        heights = [row.height(size) for row in rows]
        again = [0.0 if listed else row.again_height(size) for row in rows]
        return _split([0.0, *heights[1:]] if listed else heights, again, first - air, later - air)

    smallest = SIZES[-1]
    least, pages = split(smallest)
    wide = sum(row.wide(smallest) for row in rows)
    for size in SIZES[:-1]:
        cost, larger = split(size, air=1.2)
        if cost <= least and sum(row.wide(size) for row in rows) <= wide:
            return size, larger, cost[0]
    return smallest, pages, least[0]


def _split(
    heights: Sequence[float], again: Sequence[float], first: float, later: float
) -> tuple[tuple[float, int, int], Pages]:
    """Which lines stand on which slide: as few slides as fit, no step alone where that can be, evenly filled.

    Also what it costs: how much does not fit, how many slides, how many of them with a single step.

    >>> _split([2.0] * 6, [2.0] * 6, 8.0, 10.0)[1]
    [range(0, 3), range(2, 6)]
    """
    best: dict[int, tuple[tuple[float, int, int, float], Pages]] = {}
    steps = len(heights) - 1
    if steps < 1:
        return (round(max(0.0, sum(heights) - first), 1), 1, 0), [range(len(heights))]
    for end in range(1, len(heights)):
        options = []
        for begin in range(max(end - MAX_STEPS, 0), end):  # the line that the slide begins with
            room, used = (later, again[begin]) if begin else (first, heights[0])
            free = room - used - sum(heights[begin + 1 : end + 1])
            if begin and begin not in best:
                continue
            (over, count, single, uneven), before = best[begin] if begin else ((0.0, 0, 0, 0.0), [])
            alone = steps > 1 and end - begin == 1
            cost = (round(over + max(0.0, -free), 1), count + 1, single + alone, uneven + free * free)
            options.append((cost, [*before, range(begin, end + 1)]))
        best[end] = min(options, key=lambda option: option[0])
    cost, pages = best[steps]
    return cost[:3], pages

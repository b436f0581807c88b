"""The slides of one derivation: what is to be shown, what is given, the steps with their reasons and verdicts.

A derivation that is too long for one slide is split over several: the goal stays on top of each, and the last line of
the slide before is repeated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from derive.derivation import Derivation, Line, Text
from derive.kernel.terms import OPTIMA, Term
from derive.render.highlight import changed
from derive.render.html_page import Page, both, escape
from derive.render.latex import Path, latex
from derive.render.mathml import Formula
from derive.render.pieces import RELATION_SIGNS
from derive.render.summary import VERDICT_WORDS, summary
from derive.render.symbol_table import given_latex
from derive.symbols import Naming

MAX_STEPS = 5  # on one slide, besides the line that it begins with
BODY_HEIGHT = 27.0  # rem below the heading of a slide
TERM_WIDTH, WIDE_WIDTH = 32.6, 48.5  # rem for a formula beside its reason, and above it
TERM_SIZE, SMALL_SIZE, LARGE_SIZE = 1.1, 0.92, 1.35  # rem, the font sizes of deck.css; no formula is ever smaller

RULE_WORDS = {
    "definition": Text("by definition", "정의"),
    "identity": Text("algebra", "식의 정리"),
    "log_of_product": Text("the logarithm of a product is a sum", "로그는 곱을 합으로 바꾼다"),
    "argopt": Text("the same optimum", "최적점은 그대로"),
    "sum_termwise": Text("term by term", "항마다"),
    "grad": Text("differentiate", "미분"),
    "subgrad_abs": Text("subgradient of the absolute value", "절댓값의 부분기울기"),
    "positive": Text("a sum of squares", "제곱의 합"),
    "induction": Text("by induction", "수학적 귀납법"),
    "equivalent": Text("equivalent", "동치"),
}


@dataclass(frozen=True)
class Row:
    """One line as markup, with the height it takes in rem."""

    markup: str
    again: str  # the markup when the line is repeated at the top of a slide
    height: float
    again_height: float
    grows: bool  # still fits beside its reason in the large size


@dataclass(frozen=True)
class Part:
    """The body of one slide of a derivation."""

    markup: str
    number: int
    count: int


def footer(derivation: Derivation) -> str:
    short = f'<span class="id">{derivation.digest[:12]}</span>' if derivation.digest else ""
    source = f"<span>{escape(derivation.source)}</span>" if derivation.source else ""
    return (
        f'<span class="count">{both(Text(summary(derivation, "en"), summary(derivation, "ko")))}</span>{short}{source}'
    )


def parts(page: Page, derivation: Derivation, *, taken: float = 0.0) -> list[Part]:
    """The slides of a derivation; `taken` is the height in rem already used on the first one."""
    naming = page.notation.naming_of(derivation)
    goal, goal_height = _goal(page, derivation, naming)
    given, given_height = _given(page, derivation)
    rows = [_row(page, derivation, at, naming) for at in range(len(derivation.lines))]
    top = max(goal_height, given_height) + (1.9 if goal or given else 0.0)
    later = BODY_HEIGHT - goal_height - (1.9 if goal else 0.0)
    pages = _split(rows, BODY_HEIGHT - top - taken, later)
    roomy = _roomy(rows, pages, BODY_HEIGHT - top - taken, later)
    name = derivation.title.en or derivation.name or "derivation"
    if len(pages) > 1:
        page.warn(f"{name}: {len(derivation.lines) - 1} steps do not fit on one slide; shown on {len(pages)}")
    found = []
    for number, chosen in enumerate(pages, 1):
        blocks = goal + given if number == 1 else goal
        alone = " alone" if number > 1 or not (goal and given) else ""
        claim = f'<div class="claim{alone}">{blocks}</div>' if blocks else ""
        items = "".join(rows[at].again if at == chosen[0] and number > 1 else rows[at].markup for at in chosen)
        found.append(Part(f'{claim}<ol class="steps{" roomy" if roomy else ""}">{items}</ol>', number, len(pages)))
    return found


def _roomy(rows: list[Row], pages: list[list[int]], first: float, later: float) -> bool:
    """Whether all the lines can be printed larger."""
    if not all(row.grows for row in rows):
        return False
    heights = [sum(rows[at].height for at in chosen) * LARGE_SIZE / TERM_SIZE for chosen in pages]
    return all(height <= (later if at else first) for at, height in enumerate(heights))


def _split(rows: list[Row], first: float, later: float) -> list[list[int]]:
    """Which lines stand on which slide, as evenly as their heights allow."""
    most = MAX_STEPS
    while True:
        pages = _fill(rows, first, later, most)
        even = math.ceil((len(rows) - 1) / len(pages))
        if even >= most or len(_fill(rows, first, later, even)) > len(pages):
            return pages
        most = even


def _fill(rows: list[Row], first: float, later: float, most: int) -> list[list[int]]:
    pages = [[0]] if rows else []
    room = first - rows[0].height if rows else 0.0
    for at in range(1, len(rows)):
        if len(pages[-1]) > most or (rows[at].height > room and len(pages[-1]) > 1):
            pages.append([at - 1])
            room = later - rows[at - 1].again_height
        pages[-1].append(at)
        room -= rows[at].height
    return pages


# --- what is to be shown, and what is given --------------------------------------------------------------------------


def _goal(page: Page, derivation: Derivation, naming: Naming) -> tuple[str, float]:
    if derivation.goal is None:
        return "", 0.0
    tex = latex(derivation.goal, binders=derivation.goal_binders, naming=naming)
    formula = page.formula(tex, display=True, alt=page.spoken(derivation.goal, derivation.goal_binders))
    heading = both(Text("To show", "보일 것"))
    return f'<section><h3>{heading}</h3><div class="goal">{formula.markup}</div></section>', formula.height * 1.05 + 1.1


def _given(page: Page, derivation: Derivation) -> tuple[str, float]:
    chips = [page.formula(tex) for tex in given_latex(derivation, page.notation)]
    if not chips:
        return "", 0.0
    items = "".join(f"<li>{chip.markup}</li>" for chip in chips)
    heading = both(Text("Given", "가정"))
    declared = both(Text("declared, not proved", "증명 없이 둔 것"))
    width = sum(chip.width + 1.3 for chip in chips)
    lines = max(1, math.ceil(width / 25.0))
    markup = f'<section><h3>{heading}<small>{declared}</small></h3><ul class="facts">{items}</ul></section>'
    return markup, lines * 1.6 * max(1.0, max(chip.height for chip in chips) / 1.6) + 1.1


# --- one line --------------------------------------------------------------------------------------------------------


def _row(page: Page, derivation: Derivation, at: int, naming: Naming) -> Row:
    line = derivation.lines[at]
    before = derivation.lines[at - 1] if at else None
    plain, shown = _terms(page, derivation, line, before, naming)
    formula = shown
    wide = formula.width * TERM_SIZE > TERM_WIDTH
    small = formula.width * TERM_SIZE > WIDE_WIDTH
    size = SMALL_SIZE if small else TERM_SIZE
    if formula.width * size > WIDE_WIDTH * 1.06:
        place = f"{derivation.file or 'line'}{':' if derivation.file else ' '}{line.number or at + 1}"
        page.warn(f"{place}: the formula is wider than the slide; on paper its end is cut off; break it into parts")
    relation = page.formula(RELATION_SIGNS[line.relation]).markup if line.relation else ""
    why, why_height = _why(line, 46.0 if wide else 15.5)
    found, found_height = _found(line)
    height = formula.height * size + 0.75
    height = height + why_height if wide else max(height, why_height + 0.45)
    classes = [
        "step",
        *(["wide"] if wide else []),
        *(["small"] if small else []),
        *([line.verdict] if line.verdict else []),
    ]
    number = f"({at})" if at else ""

    def markup(extra: list[str], term: Formula, reason: str, below: str) -> str:
        return (
            f'<li class="{" ".join(classes + extra)}">'
            f'<span class="no">{number}</span><span class="rel">{relation}</span>'
            f'<span class="term">{term.markup}</span><span class="why">{reason}</span>'
            f'<span class="verdict">{_mark(line)}</span>{below}</li>'
        )

    full = markup(["frag"] if at else [], formula, why, found)
    again = markup(["again"], plain, "", "")
    grows = formula.width * LARGE_SIZE <= TERM_WIDTH
    return Row(full, again, height + found_height, plain.height * size + 0.75, grows)


def _terms(
    page: Page, derivation: Derivation, line: Line, before: Line | None, naming: Naming
) -> tuple[Formula, Formula]:
    """The line as it is, and with what changed marked and what has a name braced."""
    alt = page.spoken(line.term, line.binders)
    tex = latex(line.term, binders=line.binders, naming=naming)
    mark = changed(before.term, line.term) if before is not None else frozenset[Path]()
    mark = frozenset[Path]() if () in mark else mark  # where everything is new, a mark says nothing
    braces = _braces(derivation, line.term)
    marked = latex(line.term, binders=line.binders, naming=naming, mark=mark, braces=braces)
    return page.formula(tex, display=True, alt=alt), page.formula(marked, display=True, alt=alt)


def _braces(derivation: Derivation, term: Term) -> Mapping[Path, str]:
    """Parts of a line that a definition gives a name to."""
    names = {
        d.body: f"{d.name}({', '.join(d.parameters)})" if d.parameters else d.name
        for d in derivation.assumptions.definitions
        if d.body[0] not in ("v", "q", "c")
    }
    found: dict[Path, str] = {}

    def look(node: Term, path: Path) -> None:
        if node in names and path:
            found[path] = names[node]
            return
        for k, part in enumerate(node):
            if k and isinstance(part, tuple) and part and not (node[0] in OPTIMA and k == 1):
                look(part, (*path, k))

    look(term, ())
    return found


def _why(line: Line, width: float) -> tuple[str, float]:
    """The reason beside a line, and how high it is in rem."""
    words = RULE_WORDS.get(line.rule, Text())
    reason = line.reason or words
    small = []
    if line.rule:
        small.append(f"<code>{escape(line.rule)}</code>")
    if line.side_conditions:
        needs = escape(", ".join(line.side_conditions))
        small.append(both(Text("needs", "조건")) + f" <code>{needs}</code>")
    if not reason and not small:
        return "", 0.0
    longest = max(_text_width(reason.en), _text_width(reason.ko)) * 0.92
    extra = 1.0 * math.ceil((len(line.rule) + len(", ".join(line.side_conditions)) + 8) * 0.4 / width) if small else 0.0
    markup = both(reason) + (f"<small>{' · '.join(small)}</small>" if small else "")
    return markup, math.ceil(longest / width) * 1.25 + extra


def _text_width(text: str) -> float:
    return sum(1.0 if c >= "\u1100" else 0.55 for c in text)


def _mark(line: Line) -> str:
    if not line.verdict:
        return ""
    word = VERDICT_WORDS[line.verdict]
    return f'<svg aria-hidden="true"><use href="#mark-{line.verdict}"/></svg><span class="sr">{both(word)}</span>'


def _found(line: Line) -> tuple[str, float]:
    """Why a line is not proved: the exact point at which it fails, or what is missing."""
    if line.verdict not in ("refuted", "undecided", "checked"):
        return "", 0.0
    text = []
    if line.witness:
        point = escape(", ".join(f"{name} = {value}" for name, value in line.witness.items()))
        text.append(both(Text("fails at", "반례")) + f" <code>{point}</code>")
    if line.left or line.right:
        text.append(both(Text("left", "왼쪽")) + f" <code>{escape(line.left)}</code>")
        text.append(both(Text("right", "오른쪽")) + f" <code>{escape(line.right)}</code>")
    if line.message:
        text.append(escape(line.message))
    markup = "; ".join(text) or both(VERDICT_WORDS[line.verdict])
    length = (
        len(line.message) + sum(len(k) + len(v) + 5 for k, v in line.witness.items()) + len(line.left + line.right) + 20
    )
    return f'<div class="found">{markup}</div>', 1.1 + 1.3 * math.ceil(length / 95)

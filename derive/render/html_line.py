"""One line of a derivation as HTML: formula, reason, rule, verdict; and how high it stands in a given size."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from derive.ascii import show
from derive.derivation import Derivation, Line, Text
from derive.render.braces import braces_of
from derive.render.highlight import Path, changed
from derive.render.html_page import Page, both, both_markup, escape
from derive.render.latex import Braces, latex
from derive.render.mathml import Formula
from derive.render.pieces import RELATION_SIGNS
from derive.render.summary import RULE_WORDS, VERDICT_WORDS
from derive.render.symbol_table import facts_latex
from derive.symbols import Naming

__all__ = ["RULE_WORDS", "Shown", "claim_line", "lines_shown", "mark", "text_width"]

# rem, as in deck.css: a formula beside its reason, below it, and beside the title of a claim
BESIDE, BELOW, CLAIM = 33.0, 48.5, 39.0
WHY = 15.5
SMALLEST = 0.92  # rem: no formula is ever smaller


@dataclass(frozen=True)
class Shown:
    """One line, ready to be put on a slide in any size."""

    line: Line
    number: str
    relation: str
    plain: Formula
    marked: tuple[Formula, Formula]  # English, Korean: what changed is marked, what has a name is braced
    why: str
    why_height: float
    found: str
    found_height: float
    room: float = BESIDE

    @property
    def width(self) -> float:
        return max(formula.width for formula in self.marked)

    def wide(self, size: float) -> bool:
        """Whether the reason has to stand below the formula."""
        return self.width * size > self.room

    def size(self, size: float) -> float:
        return SMALLEST if self.width * size > BELOW else size

    def height(self, size: float) -> float:
        formula = max(*(formula.height for formula in self.marked), 1.35) * self.size(size) + 0.65
        beside = formula + self.why_height if self.wide(size) else max(formula, self.why_height + 0.45)
        return beside + self.found_height

    def again_height(self, size: float) -> float:
        return max(self.plain.height, 1.35) * self.size(size) + 0.6

    def markup(self, size: float, *, again: bool = False) -> str:
        """The line; or, at the top of a further slide, the line that the slide before ended with."""
        names = ["step", *(["wide"] if self.wide(size) else []), *([self.line.verdict] if self.line.verdict else [])]
        names += ["again"] if again else ["frag"] if self.number else []
        style = f' style="font-size:{SMALLEST}rem"' if self.size(size) != size else ""
        term = self.plain.markup if again else both_markup(self.marked[0].markup, self.marked[1].markup)
        return (
            f'<li class="{" ".join(names)}"><span class="no">{self.number}</span>'
            f'<span class="rel">{self.relation}</span><span class="term"{style}>{term}</span>'
            f'<span class="why">{"" if again else self.why}</span>'
            f'<span class="verdict">{mark(self.line.verdict)}</span>{"" if again else self.found}</li>'
        )


def lines_shown(page: Page, derivation: Derivation) -> list[Shown]:
    """The lines of a derivation in order."""
    naming = page.notation.naming_of(derivation)
    braces = {lang: braces_of(derivation, lang) for lang in ("en", "ko")}
    found = []
    for at, line in enumerate(derivation.lines):
        before = derivation.lines[at - 1].term if at else None
        alt = show(line.term, line.binders)
        new = changed(before, line.term) if before is not None else frozenset[Path]()
        new = frozenset[Path]() if () in new else new  # where everything is new, a mark says nothing

        def formula(marks: Collection[Path], names: Braces, line: Line = line, alt: str = alt) -> Formula:
            tex = latex(line.term, binders=line.binders, naming=naming, mark=marks, braces=names)
            return page.formula(tex, display=True, alt=alt)

        marked = formula(new, braces["en"][at]), formula(new, braces["ko"][at])
        why, why_height = _why(page, derivation, line, naming)
        below, below_height = _found(line)
        relation = page.formula(RELATION_SIGNS[line.relation]).markup if line.relation else ""
        plain = formula((), {})
        number = f"({at})" if at else ""
        found.append(Shown(line, number, relation, plain, marked, why, why_height, below, below_height))
        if found[-1].width * SMALLEST > BELOW * 1.06:
            place = f"{derivation.file or 'line'}{':' if derivation.file else ' '}{line.number or at + 1}"
            page.warn(f"{place}: the formula is wider than the slide; on paper its end is cut off; break it into parts")
    return found


def mark(verdict: str) -> str:
    """The sign of a verdict, with its word for those who listen."""
    if not verdict:
        return ""
    word = VERDICT_WORDS[verdict]
    return f'<svg aria-hidden="true"><use href="#mark-{verdict}"/></svg><span class="sr">{both(word)}</span>'


def text_width(text: str) -> float:
    """The width of a text in em, about."""
    return sum(1.0 if c >= "\u1100" else 0.5 for c in text)


def rule_and_needs(page: Page, derivation: Derivation, line: Line, naming: Naming) -> tuple[str, float]:
    """The small print: the rule by which a line was proved and the facts that it needs, and its width in em."""
    facts = {show(fact): fact for fact in derivation.assumptions.facts}
    known = [facts[need] for need in line.side_conditions if need in facts]
    needs = [page.formula(tex) for tex in facts_latex(derivation, known, naming)]
    other = [f"<code>{escape(need)}</code>" for need in line.side_conditions if need not in facts]
    small = [f"<code>{escape(line.rule)}</code>"] if line.rule else []
    if needs or other:
        listed = ", ".join([*(need.markup for need in needs), *other])
        small.append(f"{both(Text('needs', '조건'))} {listed}")
    width = 0.62 * len(line.rule) + sum(need.width + 1.0 for need in needs) + sum(map(len, other)) * 0.55 + 3.0
    return " · ".join(small), width if small else 0.0


def _why(page: Page, derivation: Derivation, line: Line, naming: Naming) -> tuple[str, float]:
    """The reason beside a line, and how high it is in rem."""
    reason = line.reason or RULE_WORDS.get(line.rule, Text())
    small, small_width = rule_and_needs(page, derivation, line, naming)
    longest = max(text_width(reason.en), text_width(reason.ko))
    markup = both(reason) + (f"<small>{small}</small>" if small else "")
    return markup, math.ceil(longest / WHY) * 1.35 + math.ceil(small_width * 0.68 / WHY) * 1.0


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
    length = _length(line.message, line.left, line.right, *(f"{k} = {v}, " for k, v in line.witness.items())) + 20
    return f'<div class="found">{markup}</div>', 1.1 + 1.3 * math.ceil(length / 95)


def _length(*texts: str) -> int:
    return sum(map(len, texts))


def claim_line(page: Page, derivation: Derivation, number: int) -> Shown:
    """A derivation of one line as a row of a list of claims: its title and what it is given stand before it."""
    (shown,) = lines_shown(page, derivation)
    naming = page.notation.naming_of(derivation)
    small, width = rule_and_needs(page, derivation, derivation.lines[0], naming)
    title = both(derivation.title) or escape(derivation.name)
    why = f"{title}<small>{small}</small>"
    height = math.ceil(max(map(text_width, (derivation.title.en, derivation.title.ko))) / 13.5) * 1.45
    return Shown(
        shown.line, f"({number})", "", shown.plain, shown.marked, why, height + math.ceil(width * 0.68 / 13.5) * 1.0,
        shown.found, shown.found_height, CLAIM,
    )  # fmt: skip

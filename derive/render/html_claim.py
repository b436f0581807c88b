"""What stands above the steps of a derivation: what is to be shown, what is given, what it rests on."""

from __future__ import annotations

import math

from derive.derivation import Derivation, Obligation, Text
from derive.render.html_line import mark, text_width
from derive.render.html_page import Page, both, escape
from derive.render.latex import latex
from derive.render.mathml import Formula
from derive.render.statement import Statement, statement, to_show
from derive.render.summary import VERDICT_WORDS
from derive.render.symbol_table import given_latex
from derive.symbols import Naming

_ROOM = 49.0  # rem for what stands beside the label
_GOAL, _DEFINED, _FACT, _SMALL = 1.1, 1.15, 1.0, 0.82  # rem, the font sizes of deck.css


def box(page: Page, derivation: Derivation) -> tuple[str, float]:
    """The box on the first slide of a derivation, and its height in rem; both nothing where there is nothing to say."""
    naming = page.notation.naming_of(derivation)
    rows: list[tuple[str, Text, str, float]] = []
    goal = to_show(derivation)
    if goal is not None:
        formula = _formula(page, goal, naming)
        rows.append(("goal", Text("To show", "보일 것"), formula.markup, formula.height * _GOAL))
    definitions = len(derivation.assumptions.definitions)
    given = given_latex(derivation, page.notation)
    facts, defined = given[: len(given) - definitions], given[len(given) - definitions :]
    if facts:
        rows.append(("facts", Text("Given", "가정"), *_chips([page.formula(tex) for tex in facts])))
    if defined:
        formulas = [page.formula(tex, display=True) for tex in defined]
        rows.append(("facts defined", Text("Define", "정의"), *_chips(formulas, _DEFINED)))
    if derivation.obligations:
        items = [_obligation(page, item) for item in derivation.obligations]
        markup, height = "".join(text for text, _ in items), sum(height for _, height in items)
        rows.append(("rests", Text("Rests on", "전제"), f"<ul>{markup}</ul>", height))
    if not rows:
        return "", 0.0
    inside = "".join(
        f'<section><h3>{both(label)}</h3><div class="{kind}">{text}</div></section>' for kind, label, text, _ in rows
    )
    return f'<div class="claim">{inside}</div>', sum(height + 0.2 for *_, height in rows) + 1.8


def reminder(page: Page, derivation: Derivation) -> tuple[str, float]:
    """The one line that says on every further slide what is to be shown."""
    goal = to_show(derivation)
    if goal is None:
        return "", 0.0
    formula = _formula(page, goal, page.notation.naming_of(derivation), display=False)
    markup = f'<section><h3>{both(Text("To show", "보일 것"))}</h3><div class="goal">{formula.markup}</div></section>'
    return f'<div class="claim later">{markup}</div>', formula.height * _FACT + 1.5


def _formula(page: Page, whole: Statement, naming: Naming, *, display: bool = True) -> Formula:
    term, binders = whole
    tex = latex(term, binders=binders, naming=naming)
    return page.formula(tex, display=display, alt=page.spoken(term, binders))


def _chips(formulas: list[Formula], size: float = _FACT) -> tuple[str, float]:
    """Formulas side by side, and how high they stand."""
    lines, width = [0.0], 0.0
    for formula in formulas:
        wide = formula.width * size
        if width and width + wide > _ROOM:
            lines, width = [*lines, 0.0], 0.0
        width += wide + 1.6
        lines[-1] = max(lines[-1], formula.height * size + 0.15, 1.5)
    return "<ul>" + "".join(f"<li>{formula.markup}</li>" for formula in formulas) + "</ul>", sum(lines)


def _obligation(page: Page, item: Obligation) -> tuple[str, float]:
    verdict = item.verdict
    proof, width, height = "", 0.0, 1.0
    if item.proof is not None and (whole := statement(item.proof)):
        formula = _formula(page, whole, page.notation.naming_of(item.proof), display=False)
        proof, width, height = f": {formula.markup}", formula.width, formula.height
    word = f'<span class="{verdict}"><span class="verdict">{mark(verdict)}</span>{both(VERDICT_WORDS[verdict])}</span>'
    source = f" <cite>{escape(item.source)}</cite>" if item.source else ""
    width += max(map(text_width, (item.text.en, item.text.ko))) + 0.92 * text_width(item.source) + 5.0
    lines = math.ceil(width * _SMALL / _ROOM)
    return f"<li>{both(item.text)}{proof} {word}{source}</li>", lines * max(height * _SMALL, 1.3)

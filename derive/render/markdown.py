"""A derivation as Markdown: the lines as one display formula, their reasons and verdicts as a list."""

from __future__ import annotations

import re

from derive.derivation import Derivation, Line, Obligation
from derive.render.aligned import aligned_latex
from derive.render.escape import escape_markdown, printable
from derive.render.latex import latex
from derive.render.statement import statement
from derive.render.summary import VERDICT_WORDS, summary, word
from derive.render.symbol_table import given_latex
from derive.symbols import DEFAULT, Notation


def markdown(derivation: Derivation, notation: Notation = DEFAULT, lang: str = "en") -> str:
    """The display of `derive show --to markdown`: math between dollar signs, every text of a user escaped.

    >>> from derive.derivation import Line
    >>> print(markdown(Derivation(lines=(Line("", ("v", "x")), Line("=", ("v", "y"), rule="identity")))))
    $$
    \\begin{aligned}
    & x \\\\
    =\\;& y
    \\end{aligned}
    $$
    <BLANKLINE>
    1. `identity`: **not judged**
    <BLANKLINE>
    1 step: 1 not judged
    """
    title = derivation.title.in_(lang) or derivation.name
    parts = [f"### {escape_markdown(title)}"] if title else []
    if given := given_latex(derivation, notation):
        parts.append(f"{word('given', lang).capitalize()}: " + "; ".join(f"${formula}$" for formula in given))
    if derivation.goal is not None:
        goal = latex(derivation.goal, binders=derivation.goal_binders, naming=notation.naming_of(derivation))
        parts.append(f"{word('goal', lang).capitalize()}: ${goal}$")
    rests = [_obligation(item, notation, lang) for item in derivation.obligations]
    parts += ["\n".join([f"{word('obligation', lang).capitalize()}:", "", *rests])] if rests else []
    parts.append(f"$$\n{aligned_latex(derivation, notation, lang, reasons=False)}\n$$")
    items = [item for number, line in enumerate(derivation.judged, 1) for item in _item(number, line, lang)]
    parts += ["\n".join(items)] if items else []
    foot = summary(derivation, lang)
    if derivation.source:
        foot += f" · {word('source', lang)}: {escape_markdown(derivation.source)}"
    return "\n\n".join([_for_github(part) for part in parts] + [foot])


def _for_github(text: str) -> str:
    r"""GitHub refuses \operatorname; this is what it stands for."""
    text = re.sub(r"\\operatorname\*\{([^{}]*)\}", r"\\mathop{\\mathrm{\1}}", text)
    return re.sub(r"\\operatorname\{([^{}]*)\}", r"\\mathop{\\mathrm{\1}}\\nolimits", text)


def _obligation(item: Obligation, notation: Notation, lang: str) -> str:
    text = f"- {escape_markdown(item.text.in_(lang))}"
    if item.proof is not None and (whole := statement(item.proof)):
        text += f", ${latex(whole[0], binders=whole[1], naming=notation.naming_of(item.proof))}$"
    source = f" · {word('source', lang)}: {escape_markdown(item.source)}" if item.source else ""
    return f"{text}: **{VERDICT_WORDS[item.verdict].in_(lang)}**{source}"


def _item(number: int, line: Line, lang: str) -> list[str]:
    reason = escape_markdown(line.reason.in_(lang))
    rule = f"`{printable(line.rule).replace('`', '')}`" if line.rule else ""
    why = ", ".join(part for part in (reason, rule) if part)
    rows = [f"{number}. {why + ': ' if why else ''}**{VERDICT_WORDS[line.verdict].in_(lang)}**"]
    if line.side_conditions:
        rows.append(f"   - {word('conditions', lang)}: {escape_markdown('; '.join(line.side_conditions))}")
    if line.verdict == "refuted" and line.witness:
        point = ", ".join(f"{name} = {value}" for name, value in line.witness.items())
        sides = "; ".join(
            f"{word(key, lang)} {side}" for key, side in (("left", line.left), ("right", line.right)) if side
        )
        rows.append(f"   - {word('at', lang)}: {escape_markdown(f'{point}; {sides}' if sides else point)}")
    if line.message and line.verdict != "proved":
        rows.append(f"   - {escape_markdown(line.message)}")
    return rows

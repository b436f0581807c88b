r"""A derivation as LaTeX: one `aligned` with a relation column and the reasons beside it."""

from __future__ import annotations

from derive.derivation import Derivation, Line, Obligation
from derive.render.braces import braces_of
from derive.render.escape import escape_text
from derive.render.highlight import changed
from derive.render.latex import Path, latex
from derive.render.pieces import RELATION_SIGNS
from derive.render.statement import statement
from derive.render.summary import VERDICT_WORDS, summary, word
from derive.render.symbol_table import given_latex
from derive.symbols import DEFAULT, Notation


def aligned_latex(
    derivation: Derivation,
    notation: Notation = DEFAULT,
    lang: str = "en",
    *,
    reasons: bool = True,
    highlight: bool = False,
) -> str:
    r"""The lines of a derivation as `\begin{aligned} ... \end{aligned}`.

    `highlight` wraps what changed from line to line in `\class{changed}{...}`, which only the HTML output understands.

    >>> from derive.derivation import Line
    >>> d = Derivation(lines=(Line("", ("v", "x")), Line("=", ("v", "y"))))
    >>> print(aligned_latex(d))
    \begin{aligned}
    & x \\
    =\;& y
    \end{aligned}
    """
    naming, braces, rows = notation.naming_of(derivation), braces_of(derivation, lang), []
    for at, line in enumerate(derivation.lines):
        mark = changed(derivation.lines[at - 1].term, line.term) if highlight and at else frozenset[Path]()
        term = latex(line.term, binders=line.binders, mark=mark, braces=braces[at], naming=naming)
        rows.append(_relation(line) + f"& {term}" + (_reason(line, lang) if reasons else ""))
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def derivation_latex(
    derivation: Derivation, notation: Notation = DEFAULT, lang: str = "en", reasons: bool = True
) -> str:
    r"""A derivation for a LaTeX document: title, assumptions and goal as text, then the lines in a display.

    Needs amsmath and amssymb; Korean text needs a class or package for it, kotex say.
    """
    parts = []
    if derivation.title:
        parts.append(rf"\textbf{{{escape_text(derivation.title.in_(lang))}}}")
    if given := given_latex(derivation, notation):
        parts.append(f"{word('given', lang).capitalize()}: " + "; ".join(f"${formula}$" for formula in given) + ".")
    if derivation.goal is not None:
        goal = latex(derivation.goal, binders=derivation.goal_binders, naming=notation.naming_of(derivation))
        parts.append(rf"{word('goal', lang).capitalize()}: $\displaystyle {goal}$.")
    parts += [_obligation(item, notation, lang) for item in derivation.obligations]
    parts.append("\\[\n" + aligned_latex(derivation, notation, lang, reasons=reasons) + "\n\\]")
    foot = summary(derivation, lang) + "."
    if derivation.source:
        foot += f" {word('source', lang).capitalize()}: {escape_text(derivation.source)}."
    parts.append(foot)
    return "\n\n".join(parts) + "\n"


def _obligation(item: Obligation, notation: Notation, lang: str) -> str:
    text = f"{word('obligation', lang).capitalize()}: {escape_text(item.text.in_(lang))}"
    if item.proof is not None and (whole := statement(item.proof)):
        text += f", ${latex(whole[0], binders=whole[1], naming=notation.naming_of(item.proof))}$"
    source = f"; {word('source', lang)}: {escape_text(item.source)}" if item.source else ""
    return f"{text} ({VERDICT_WORDS[item.verdict].in_(lang)}{source})."


def _relation(line: Line) -> str:
    """The relation with the space after it, which a cell of its own would lose."""
    return f"{RELATION_SIGNS[line.relation]}\\;" if line.relation else ""


def _reason(line: Line, lang: str) -> str:
    text = escape_text(line.reason.in_(lang))
    if line.verdict in ("checked", "undecided", "refuted"):
        text += (" " if text else "") + f"[{VERDICT_WORDS[line.verdict].in_(lang)}]"
    return rf" && \text{{{text}}}" if text else ""

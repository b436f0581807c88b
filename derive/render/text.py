"""A derivation for a terminal: every line with its reason, its rule and its verdict."""

from __future__ import annotations

import unicodedata

from derive.ascii import show
from derive.derivation import Derivation, Line, Obligation
from derive.kernel.terms import Term
from derive.render.escape import printable
from derive.render.statement import statement
from derive.render.summary import VERDICT_WORDS, summary, word

INLINE = 46  # columns that a formula may take for its reason to stand beside it


def width(text: str) -> int:
    """The columns a text takes in a terminal; Hangul takes two each.

    >>> width("로그 log")
    8
    """
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def text(derivation: Derivation, lang: str = "en") -> str:
    """The display of `derive show --to text`, without colours; a user's text is stripped of control characters.

    >>> from derive.derivation import Line, Text
    >>> first, second = Line("", ("v", "x")), Line("=", ("v", "y"), reason=Text("given"), rule="identity")
    >>> print(text(Derivation(title=Text("A title"), lines=(first, second))))
    A title
    <BLANKLINE>
           x
      (1)  = y  -- given  [identity] not judged
    <BLANKLINE>
    1 step: 1 not judged
    """
    parts = [_head(derivation, lang), "\n".join(_body(derivation, lang)), _foot(derivation, lang)]
    return "\n\n".join(part for part in parts if part)


def _term(term: Term, binders: tuple[str, ...] = ()) -> str:
    return printable(show(term, binders))


def _head(derivation: Derivation, lang: str) -> str:
    given = derivation.assumptions
    rows = [("source", derivation.source)] if derivation.source else []
    facts = given.texts or tuple(show(fact) for fact in given.facts)
    rows += [("given", "; ".join(facts))] if facts else []
    for definition in given.definitions:
        head = definition.name + (f"({', '.join(definition.parameters)})" if definition.parameters else "")
        rows.append(("definition", f"{head} := {show(definition.body, definition.binders)}"))
    if derivation.goal is not None:
        rows.append(("goal", show(derivation.goal, derivation.goal_binders)))
    rows += [("obligation", _obligation(item, lang)) for item in derivation.obligations]
    labels = [word(key, lang) + ":" for key, _ in rows]
    column = max(map(width, labels), default=0)
    lines = [
        f"{label}{' ' * (column - width(label))} {printable(text)}"
        for label, (_, text) in zip(labels, rows, strict=True)
    ]
    title = derivation.title.in_(lang) or derivation.name
    return "\n".join(([printable(title)] if title else []) + lines)


def _obligation(item: Obligation, lang: str) -> str:
    """What it says, the formula that was proved for it, and its verdict with the source."""
    whole = statement(item.proof) if item.proof is not None else None
    formula = f": {show(*whole)}" if whole else ""
    source = f"; {word('source', lang)}: {item.source}" if item.source else ""
    return f"{item.text.in_(lang)}{formula} ({VERDICT_WORDS[item.verdict].in_(lang)}{source})"


def _body(derivation: Derivation, lang: str) -> list[str]:
    claim = len(derivation.lines) == 1
    terms = [_term(line.term, line.binders) for line in derivation.lines]
    relations = max((len(line.relation) for line in derivation.lines), default=0)
    shown = [
        f"{line.relation:>{relations}} {term}" if relations else term
        for line, term in zip(derivation.lines, terms, strict=True)
    ]
    beside = max((width(text) for text in shown), default=0)
    beside = beside if beside <= INLINE else 0
    margin = " " * 7
    rows: list[str] = []
    for at, (line, text) in enumerate(zip(derivation.lines, shown, strict=True)):
        judged = claim or at > 0
        head = f"  ({at + claim})".ljust(7) if judged else margin
        note = _note(line, lang) if judged or line.reason else ""
        if note and beside:
            rows.append(f"{head}{text}{' ' * (beside - width(text))}  {note}")
        else:
            rows.append((head + text).rstrip())
            rows += [f"{margin}    {note}"] if note else []
        rows += [f"{margin}    {found}" for found in _found(line, lang)]
    return rows


def _note(line: Line, lang: str) -> str:
    """The reason, the rule and the verdict."""
    reason = printable(line.reason.in_(lang))
    parts = [f"-- {reason}"] if reason else []
    verdict = VERDICT_WORDS[line.verdict].in_(lang)
    parts.append((f"[{printable(line.rule)}] " if line.rule else "") + verdict)
    return "  ".join(parts)


def _found(line: Line, lang: str) -> list[str]:
    """What belongs below a line: its side conditions, or why it is not proved."""
    rows = []
    if line.side_conditions:
        rows.append(f"{word('conditions', lang)}: {printable('; '.join(line.side_conditions))}")
    if line.verdict == "refuted":
        if line.witness:
            point = ", ".join(f"{name} = {value}" for name, value in line.witness.items())
            rows.append(f"{word('at', lang)}: {printable(point)}")
        for key, value in (("left", line.left), ("right", line.right)):
            rows += [f"{word(key, lang)}: {printable(value)}"] if value else []
    if line.message and line.verdict != "proved":
        rows.append(printable(line.message))
    return rows


def _foot(derivation: Derivation, lang: str) -> str:
    digest = f"\n{word('digest', lang)}: {printable(derivation.digest)}" if derivation.digest else ""
    return summary(derivation, lang) + digest

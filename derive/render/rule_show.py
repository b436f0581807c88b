"""What `derive show` prints of an update rule: its lines, its state, its hyperparameters, its source."""

from __future__ import annotations

import json
from typing import Any

from derive.ascii import show
from derive.deck import Deck, Heading, Slide
from derive.derivation import Text
from derive.errors import InputError
from derive.markdown import Block, Inline
from derive.render.escape import escape_text, printable
from derive.render.markdown_prose import blocks_markdown
from derive.render.rule_prose import HEAD, both_inline, declared, footer, numbers_table
from derive.render.rules import (
    default_latex,
    facts_latex,
    gradient_latex,
    gradient_point,
    line_latex,
    name_latex,
    rule_latex,
    start_latex,
)
from derive.render.sheet import Maker
from derive.render.summary import word
from derive.render.text import width
from derive.update_rule import PARAMETER, STEP, Hyperparameter, UpdateRule, at

FORMATS = ("text", "latex", "markdown", "html", "json")
START, AT, REAL = Text("start", "초깃값"), Text("gradient", "기울기"), Text("real", "실수")
NUMBERS, STATE = Text("hyperparameters", "하이퍼파라미터"), Text("state", "상태")
NOTE, ALSO = Text("note", "참고"), Text("also", "다른 이름")
TAKEN = Text("taken at {}", "{} 에서 계산")


def render_rule(rule: UpdateRule, target: str = "text", lang: str = "en") -> str:
    """An update rule as one document. Raises InputError for an unknown format or language.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> print(render_rule(OPTIMIZERS["sgd"]).splitlines()[0])
    Stochastic gradient descent
    """
    if target not in FORMATS:
        raise InputError(f"unknown format {target!r}", remedy=f"use one of {', '.join(FORMATS)}")
    if lang not in ("en", "ko"):
        raise InputError(f"unknown language {lang!r}", remedy="use en or ko")
    if target == "json":
        return json.dumps(rule_json(rule), ensure_ascii=False, indent=2)
    return {"text": _text, "latex": _latex, "markdown": _markdown, "html": _html}[target](rule, lang)


# --- text -----------------------------------------------------------------------------------------------------------


def _text(rule: UpdateRule, lang: str) -> str:
    rows = [(word("source", lang), rule.source)] if rule.source else []
    if rule.gradient_at != PARAMETER:
        rows.append((AT.in_(lang), TAKEN.in_(lang).format(show(gradient_point(rule, at(STEP, -1))))))
    if rule.state:
        rows.append((START.in_(lang), ", ".join(f"{name}[0] = {show(term)}" for name, term in rule.initial.items())))
    rows += [(NOTE.in_(lang), rule.note.in_(lang))] if rule.note else []
    column = max((width(label) for label, _ in rows), default=0) + 1
    head = [rule.title.in_(lang)]
    head += [f"{label}:{' ' * (column - width(label) - 1)} {printable(text)}" for label, text in rows]
    lines = [f"       {line}" for line in rule.text().split("\n")]
    parts = ["\n".join(head), "\n".join(lines)]
    if rule.hyperparameters:
        table = [[h.name, h.default, h.domain or REAL.in_(lang), meaning(h, lang)] for h in rule.hyperparameters]
        parts.append("\n".join([f"{NUMBERS.in_(lang)}:", *columns([[head.in_(lang) for head in HEAD], *table])]))
    if rule.state:
        table = [[s.name, s.invariant or REAL.in_(lang), s.meaning.in_(lang)] for s in rule.state]
        heads = [head.in_(lang) for head in (HEAD[0], HEAD[2], HEAD[3])]
        parts.append("\n".join([f"{STATE.in_(lang)}:", *columns([heads, *table])]))
    return "\n\n".join([*parts, declared(1).in_(lang)])


def meaning(hyper: Hyperparameter, lang: str) -> str:
    aliases = f" ({ALSO.in_(lang)}: {', '.join(hyper.aliases)})" if hyper.aliases else ""
    return hyper.meaning.in_(lang) + aliases


def columns(rows: list[list[str]]) -> list[str]:
    """Rows below each other; the last column is as long as it is."""
    widths = [max(width(row[k]) for row in rows) for k in range(len(rows[0]) - 1)] + [0]
    return [
        "  " + "  ".join(c + " " * (w - width(c)) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


# --- latex, markdown, html ------------------------------------------------------------------------------------------


def _latex(rule: UpdateRule, lang: str) -> str:
    """For a LaTeX document: needs amsmath and amssymb; Korean text needs a class or package for it, kotex say."""
    parts = [rf"\textbf{{{escape_text(rule.title.in_(lang))}}}", f"\\[\n{rule_latex(rule)}\n\\]"]
    if rule.state:
        parts.append(
            f"{_label(START, lang)}: " + ", ".join(f"${left} = {right}$" for left, right in start_latex(rule)) + "."
        )
    if rule.hyperparameters:
        rows = [
            f"${name_latex(rule, h.name)}$ & ${default_latex(h)}$ & ${_domain(rule, h)}$ "
            rf"& {escape_text(h.meaning.in_(lang))} \\"
            for h in rule.hyperparameters
        ]
        head = " & ".join(escape_text(text.in_(lang)) for text in HEAD) + r" \\ \hline"
        parts.append("\n".join([r"\begin{tabular}{llll}", head, *rows, r"\end{tabular}"]))
    parts += [f"{_label(NOTE, lang)}: {escape_text(rule.note.in_(lang))}."] if rule.note else []
    foot = declared(1).in_(lang) + "."
    if rule.source:
        foot += f" {word('source', lang).capitalize()}: {escape_text(rule.source)}."
    return "\n\n".join([*parts, foot]) + "\n"


def _label(text: Text, lang: str) -> str:
    return text.in_(lang).capitalize()


def _domain(rule: UpdateRule, hyper: Hyperparameter) -> str:
    return facts_latex(rule, hyper.domain) if hyper.domain else r"\mathbb{R}"


def _blocks(rule: UpdateRule) -> list[Block]:
    """The formulas, how it starts, the hyperparameters, the note."""
    blocks = [Block("math", text=rule_latex(rule, gradient=True))]
    if rule.state:
        starts = [Inline("math", f"{left} = {right}") for left, right in start_latex(rule)]
        start = [inline for each in starts for inline in (Inline("text", ", "), each)][1:]
        blocks += [_paragraph(lang, f"{_label(START, lang)}: ", *start) for lang in ("en", "ko")]
    blocks += [numbers_table([rule])] if rule.hyperparameters else []
    if rule.note:
        blocks += [_paragraph(lang, f"{_label(NOTE, lang)}: {rule.note.in_(lang)}") for lang in ("en", "ko")]
    return blocks


def _paragraph(lang: str, text: str, *more: Inline) -> Block:
    return Block("paragraph", language=lang, inlines=(Inline("text", text), *more))


def _markdown(rule: UpdateRule, lang: str) -> str:
    maker = Maker(lang, "markdown", 1e6)
    title = blocks_markdown([Block("heading", inlines=both_inline(rule.title))], maker)
    foot = " · ".join(blocks_markdown([_paragraph("", text.in_(lang))], maker) for text in footer([rule]))
    return "\n\n".join([title, blocks_markdown(maker.mine(_blocks(rule)), maker), foot])


def _html(rule: UpdateRule, lang: str) -> str:
    from derive.render.html import render_deck

    title = Heading(en=(Inline("text", rule.title.en),), ko=(Inline("text", rule.title.in_("ko")),))
    return render_deck(Deck(lang=lang, slides=(Slide(0, title, tuple(_blocks(rule)), foot=footer([rule])),)), {})


# --- JSON -----------------------------------------------------------------------------------------------------------


def rule_json(rule: UpdateRule) -> dict[str, Any]:
    """The object of `derive show --to json`: all that the rule is, in the ASCII language and in LaTeX.

    `lines` have the times of papers, w[t] from w[t - 1]; `assignments` are the same without times, as code has them.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> found = rule_json(OPTIMIZERS["momentum"])
    >>> found["verdict"], found["lines"][0]["ascii"], found["state"][0]["initial"]["ascii"]
    ('declared', 'm[t] = beta1*m[t - 1] - eta*g[t]', '0')
    """
    lines = zip(rule.assignments, rule.timed(), line_latex(rule), strict=True)
    starts = dict(zip(rule.initial, start_latex(rule), strict=True))
    return {
        "name": rule.name,
        "kind": "update rule",
        "title": _both(rule.title),
        "source": rule.source,
        "verdict": "declared",
        "note": _both(rule.note),
        "given": [part.strip() for part in rule.given.split(";")],
        "gradient_at": {
            "point": rule.gradient_at,
            "ascii": show(gradient_point(rule, at(STEP, -1))),
            "latex": " = ".join(gradient_latex(rule)),
        },
        "lines": [
            {"name": made.name, "kind": made.kind, "ascii": show(timed), "latex": " = ".join(tex)}
            for made, timed, tex in lines
        ],
        "assignments": list(rule.lines),
        "latex": rule_latex(rule),
        "state": [
            {
                "name": state.name,
                "latex": name_latex(rule, state.name),
                "initial": {"ascii": state.initial, "latex": starts[state.name][1]},
                "meaning": _both(state.meaning),
                "invariant": state.invariant,
                "scalar": state.scalar,
            }
            for state in rule.state
        ],
        "hyperparameters": [
            {
                "name": hyper.name,
                "latex": name_latex(rule, hyper.name),
                "default": hyper.default,
                "exact": str(hyper.value),
                "domain": hyper.domain,
                "domain_latex": _domain(rule, hyper),
                "meaning": _both(hyper.meaning),
                "aliases": list(hyper.aliases),
            }
            for hyper in rule.hyperparameters
        ],
    }


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "ko": text.ko}

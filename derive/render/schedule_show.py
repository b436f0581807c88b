"""What `derive show` prints of a schedule: its formula, its first t, its recursion, its parameters, its source."""

from __future__ import annotations

import json
from typing import Any

from derive.deck import Deck, Heading, Slide
from derive.derivation import Text
from derive.errors import InputError
from derive.markdown import Block, Inline
from derive.render.escape import escape_text, printable
from derive.render.markdown_prose import blocks_markdown
from derive.render.rule_prose import HEAD, both_inline
from derive.render.rule_show import FORMATS, NOTE, NUMBERS, REAL, columns, meaning
from derive.render.rules import default_latex
from derive.render.schedule_latex import facts_latex, name_latex, schedule_latex
from derive.render.sheet import Maker
from derive.render.summary import VERDICT_WORDS, word
from derive.render.text import width
from derive.schedule_rule import ScheduleRule
from derive.update_rule import Hyperparameter

FIRST, NEXT = Text("first step", "첫 걸음"), Text("next value", "다음 값")
SHAPE, ELSEWHERE = Text("in the end", "결국"), Text("elsewhere", "다른 이름")
ITEMS = Text("repeated", "되풀이")
ONE = Text("1 schedule", "스케줄 1")


def render_schedule(rule: ScheduleRule, target: str = "text", lang: str = "en") -> str:
    """A schedule of the library as one document. Raises InputError for an unknown format or language.

    >>> from derive.library.schedules import SCHEDULES
    >>> print(render_schedule(SCHEDULES["step"]).splitlines()[0])
    Step decay
    """
    if target not in FORMATS:
        raise InputError(f"unknown format {target!r}", remedy=f"use one of {', '.join(FORMATS)}")
    if lang not in ("en", "ko"):
        raise InputError(f"unknown language {lang!r}", remedy="use en or ko")
    if target == "json":
        return json.dumps(schedule_json(rule), ensure_ascii=False, indent=2)
    return {"text": _text, "latex": _latex, "markdown": _markdown, "html": _html}[target](rule, lang)


def facts(rule: ScheduleRule, lang: str) -> list[tuple[str, str]]:
    """What is known of a schedule beside its formula, each with a label."""
    found = [(FIRST.in_(lang), f"t = {rule.first}")]
    if rule.recursion:
        found.append((NEXT.in_(lang), f"{rule.recursion}{_proved(rule, lang)}"))
    if rule.repeated:
        found.append((ITEMS.in_(lang), f"({', '.join(rule.repeated.names)}): {rule.repeated.meaning.in_(lang)}"))
    found += [(SHAPE.in_(lang), rule.horizon.in_(lang))] if rule.horizon else []
    found += [(ELSEWHERE.in_(lang), ", ".join(rule.also))] if rule.also else []
    found += [(NOTE.in_(lang), rule.note.in_(lang))] if rule.note else []
    return found


def _proved(rule: ScheduleRule, lang: str) -> str:
    names = ", ".join(rule.proofs())
    return f" ({names})" if names else ""


def _rows(rule: ScheduleRule) -> list[Hyperparameter]:
    """The parameters of the row, those of what is repeated with their numbers."""
    repeated = rule.repeated
    if repeated is None:
        return list(rule.hyperparameters)
    facts = repeated.expand(len(rule.items))[1].split("; ")
    more = [
        Hyperparameter(
            f"{name}{k}", value, next((f for f in facts if f.startswith(f"{name}{k} ")), ""), repeated.meaning
        )
        for k, item in enumerate(rule.items, start=1)
        for name, value in zip(repeated.names, item, strict=True)
    ]
    return [*rule.hyperparameters, *more]


# --- text, latex, markdown, html ------------------------------------------------------------------------------------


def _text(rule: ScheduleRule, lang: str) -> str:
    rows = [(word("source", lang), rule.source), *facts(rule, lang)]
    column = max(width(label) for label, _ in rows) + 1
    head = [rule.title.in_(lang)]
    head += [f"{label}:{' ' * (column - width(label) - 1)} {printable(text)}" for label, text in rows]
    parts = ["\n".join(head), f"       eta_t = {rule.schedule().expression}"]
    table = [[h.name, h.default, h.domain or REAL.in_(lang), meaning(h, lang)] for h in _rows(rule)]
    parts.append("\n".join([f"{NUMBERS.in_(lang)}:", *columns([[head.in_(lang) for head in HEAD], *table])]))
    return "\n\n".join([*parts, declared().in_(lang)])


def declared() -> Text:
    """The verdict: a definition is declared, and nothing is left to prove."""
    shown = VERDICT_WORDS["declared"]
    return Text(f"{ONE.en}: {shown.en}", f"{ONE.ko}: {shown.ko}")


def _latex(rule: ScheduleRule, lang: str) -> str:
    """For a LaTeX document: needs amsmath and amssymb; Korean text needs a class or package for it, kotex say."""
    made = rule.schedule()
    parts = [rf"\textbf{{{escape_text(rule.title.in_(lang))}}}", f"\\[\n{schedule_latex(made)}\n\\]"]
    rows = [
        f"${name_latex(h.name, made)}$ & ${default_latex(h)}$ & ${facts_latex(h.domain, made)}$ "
        rf"& {escape_text(h.meaning.in_(lang))} \\"
        for h in _rows(rule)
    ]
    head = " & ".join(escape_text(text.in_(lang)) for text in HEAD) + r" \\ \hline"
    parts.append("\n".join([r"\begin{tabular}{llll}", head, *rows, r"\end{tabular}"]))
    parts += [f"{label.capitalize()}: {escape_text(text)}." for label, text in facts(rule, lang)]
    foot = f"{declared().in_(lang)}. {word('source', lang).capitalize()}: {escape_text(rule.source)}."
    return "\n\n".join([*parts, foot]) + "\n"


def _blocks(rule: ScheduleRule) -> list[Block]:
    made = rule.schedule()
    rows = [tuple(both_inline(text) for text in HEAD)]
    for h in _rows(rule):
        formulas = name_latex(h.name, made), default_latex(h), facts_latex(h.domain, made)
        rows.append((*((Inline("math", tex),) for tex in formulas), both_inline(h.meaning)))
    blocks = [Block("math", text=schedule_latex(made)), Block("table", rows=tuple(rows), align=("",) * len(HEAD))]
    for lang in ("en", "ko"):
        for label, text in facts(rule, lang):
            inlines = (Inline("text", f"{label.capitalize()}: {text}"),)
            blocks.append(Block("paragraph", language=lang, inlines=inlines))
    return blocks


def _markdown(rule: ScheduleRule, lang: str) -> str:
    maker = Maker(lang, "markdown", 1e6)
    title = blocks_markdown([Block("heading", inlines=both_inline(rule.title))], maker)
    foot = [Block("paragraph", inlines=(Inline("text", text),)) for text in (declared().in_(lang), rule.source)]
    below = " · ".join(blocks_markdown([block], maker) for block in foot)
    return "\n\n".join([title, blocks_markdown(maker.mine(_blocks(rule)), maker), below])


def _html(rule: ScheduleRule, lang: str) -> str:
    from derive.render.html import render_deck

    title = Heading(en=(Inline("text", rule.title.en),), ko=(Inline("text", rule.title.in_("ko")),))
    foot = (declared(), Text(rule.source))
    return render_deck(Deck(lang=lang, slides=(Slide(0, title, tuple(_blocks(rule)), foot=foot),)), {})


# --- JSON -------------------------------------------------------------------------------------------------------------


def schedule_json(rule: ScheduleRule) -> dict[str, Any]:
    """The object of `derive show --to json`: all that the row is, in the ASCII language and in LaTeX.

    >>> from derive.library.schedules import SCHEDULES
    >>> found = schedule_json(SCHEDULES["geometric"])
    >>> found["formula"]["ascii"], found["first"], found["recursion"]
    ('eta0*rho**t', 0, 'e*rho')
    """
    made = rule.schedule()
    return {
        "name": rule.name, "kind": "schedule", "title": _both(rule.title), "source": rule.source,
        "verdict": "declared", "note": _both(rule.note), "also": list(rule.also), "first": rule.first,
        "formula": {"ascii": made.expression, "latex": schedule_latex(made)},
        "given": [part.strip() for part in made.given.split(";") if part.strip()],
        "recursion": rule.recursion, "proofs": list(rule.proofs()), "in_the_end": _both(rule.horizon),
        "hyperparameters": [
            {
                "name": h.name, "latex": name_latex(h.name, made), "default": h.default, "exact": str(h.value),
                "domain": h.domain, "domain_latex": facts_latex(h.domain, made), "meaning": _both(h.meaning),
                "aliases": list(h.aliases),
            }
            for h in _rows(rule)
        ],
    }  # fmt: skip


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "ko": text.ko}

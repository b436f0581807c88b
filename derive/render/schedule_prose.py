"""Schedules as a table of prose, which every format can show: names, formulas, and what is decided about their sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.deck import Deck, Slide
from derive.derivation import Text
from derive.errors import InputError
from derive.markdown import Block, Inline
from derive.render import rule_prose
from derive.render.rule_prose import both_inline
from derive.render.schedule_latex import schedule_latex
from derive.render.summary import VERDICT_WORDS
from derive.schedule_blocks import read_schedules
from derive.schedule_rule import ScheduleRule

NAME, BOTH = Text("schedule", "스케줄"), Text("both", "둘 다")
SUMS = r"\sum \eta_{t}", r"\sum \eta_{t}^{2}"
WORDS = {
    "diverges": Text("diverges", "발산"), "converges": Text("converges", "수렴"), "holds": Text("yes", "만족"),
    "fails": Text("no", "아님"), "undecided": VERDICT_WORDS["undecided"],
}  # fmt: skip


def expanded(deck: Deck) -> Deck:
    """The deck with blocks of prose in place of its ```rule and ```schedule blocks.

    Raises InputError with the file and line for a block that cannot be read.
    """
    try:
        deck = replace(deck, slides=tuple(_expanded(slide) for slide in deck.slides))
    except InputError as error:
        raise error.at(file=deck.file) from None
    return rule_prose.expanded(deck)


def _expanded(slide: Slide) -> Slide:
    blocks: list[Block] = []
    shown: list[ScheduleRule] = []
    for block in slide.blocks:
        if block.kind == "schedule":
            rows = read_schedules(block.text, block.line)
            blocks.append(replace(schedules_table(rows), line=block.line, language=block.language))
            shown += rows
        else:
            blocks.append(block)
    return replace(slide, blocks=tuple(blocks), foot=(*slide.foot, *footer(shown))) if shown else slide


def schedules_table(rows: Sequence[ScheduleRule]) -> Block:
    """Name, formula, and whether the sums diverge or converge with the defaults of the library.

    >>> from derive.library.schedules import SCHEDULES
    >>> [cell[0].text for cell in schedules_table([SCHEDULES["geometric"]]).rows[1]]
    ['ExponentialLR', '\\\\eta_{0} \\\\rho^{t}', 'converges | 수렴', 'converges | 수렴', 'no | 아님']
    """
    head = (both_inline(NAME), _formula(r"\eta_{t}"), *(_formula(tex) for tex in SUMS), both_inline(BOTH))
    table = [head]
    for row in rows:
        found = row.default().robbins_monro()
        answers = (found.sum, found.sum_of_squares, found.robbins_monro)
        name = Text(row.also[0].rpartition(".")[2]) if row.also else row.title
        verdicts = (both_inline(WORDS[answer.verdict]) for answer in answers)
        table.append((both_inline(name), _formula(schedule_latex(row.schedule(), "")), *verdicts))
    return Block("table", rows=tuple(table), align=("",) * len(head))


def _formula(tex: str) -> tuple[Inline, ...]:
    return (Inline("math", tex),)


def footer(rows: Sequence[ScheduleRule]) -> tuple[Text, ...]:
    """What stands below a slide with schedules: formulas are definitions, sums are decided; where they come from."""
    count, word = len(rows), VERDICT_WORDS["declared"]
    said = Text(
        f"{count} schedule{'s' if count > 1 else ''}: {word.en}; sums decided for the default parameters",
        f"스케줄 {count}: {word.ko}; 합은 기본 파라미터로 판정",
    )
    return (said, *(Text(source) for source in dict.fromkeys(row.source.partition(",")[0] for row in rows)))

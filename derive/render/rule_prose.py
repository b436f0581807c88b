"""Update rules as blocks of prose, which every format can show: formulas, names side by side, a table of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.deck import Deck, Slide
from derive.derivation import Text
from derive.errors import InputError
from derive.markdown import Block, Inline
from derive.render.mathml import to_mathml
from derive.render.rules import default_latex, facts_latex, name_latex, rule_latex
from derive.render.summary import VERDICT_WORDS
from derive.rule_blocks import RuleBlock, read_rules
from derive.update_rule import Hyperparameter, UpdateRule

BESIDE = 34.0  # em of formulas that may stand side by side
HEAD = Text("symbol", "기호"), Text("default", "기본값"), Text("domain", "범위"), Text("meaning", "뜻")
OF = Text("rule", "규칙")


def expanded(deck: Deck) -> Deck:
    """The deck with blocks of prose in place of its ```rule blocks; their sources stand below the slides.

    Raises InputError with the file and line for a block that cannot be read.
    """
    try:
        return replace(deck, slides=tuple(_expanded(slide) for slide in deck.slides))
    except InputError as error:
        raise error.at(file=deck.file) from None


def _expanded(slide: Slide) -> Slide:
    blocks: list[Block] = []
    rules: dict[str, UpdateRule] = {}
    for block in slide.blocks:
        if block.kind == "rule":
            found = read_rules(block.text, block.line)
            blocks += [replace(each, line=block.line, language=block.language) for each in rule_blocks(found)]
            rules |= {rule.name: rule for rule in found.rules}
        else:
            blocks.append(block)
    return replace(slide, blocks=tuple(blocks), foot=footer(list(rules.values()))) if rules else slide


def rule_blocks(wanted: RuleBlock) -> list[Block]:
    """The formulas: of one rule alone; of several with their names, side by side where there is room."""
    shift = int(wanted.lecture)
    formulas = [
        rule_latex(rule, shift, lecture=wanted.lecture, gradient=wanted.gradient, compact=True) for rule in wanted.rules
    ]
    names = [both_inline(rule.title) for rule in wanted.rules]
    if len(formulas) == 1:
        blocks = [Block("math", text=formulas[0])]
    elif sum(to_mathml(tex, display=True).width for tex in formulas) <= BESIDE:
        cells = tuple((Inline("math", rf"\displaystyle {tex}"),) for tex in formulas)
        blocks = [Block("table", rows=(tuple(names), cells), align=("center",) * len(names))]
    else:
        blocks = [
            block
            for name, tex in zip(names, formulas, strict=True)
            for block in (Block("heading", level=3, inlines=name), Block("math", text=tex))
        ]
    return [*blocks, numbers_table(wanted.rules, lecture=wanted.lecture)] if wanted.hyperparameters else blocks


def numbers_table(rules: Sequence[UpdateRule], *, lecture: bool = False) -> Block:
    """The hyperparameters with default, domain and meaning; with the rule they belong to, where there are several."""
    several = len(rules) > 1
    rows = [tuple(both_inline(text) for text in ((OF, *HEAD) if several else HEAD))]
    for rule in rules:
        for hyper in rule.hyperparameters:
            cells = _cells(rule, hyper, lecture)
            rows.append((both_inline(rule.title), *cells) if several else cells)
    return Block("table", rows=tuple(rows), align=("",) * len(rows[0]))


def _cells(rule: UpdateRule, hyper: Hyperparameter, lecture: bool) -> tuple[tuple[Inline, ...], ...]:
    domain = facts_latex(rule, hyper.domain, lecture=lecture) if hyper.domain else r"\mathbb{R}"
    formulas = name_latex(rule, hyper.name, lecture=lecture), default_latex(hyper), domain
    return (*((Inline("math", tex),) for tex in formulas), both_inline(hyper.meaning))


def both_inline(text: Text) -> tuple[Inline, ...]:
    """A text of the library for a heading or a cell, in which ` | ` separates the languages."""
    one = text.en == text.ko or not (text.en and text.ko)
    return (Inline("text", text.in_("en") if one else f"{text.en} | {text.ko}"),)


def footer(rules: Sequence[UpdateRule]) -> tuple[Text, ...]:
    """What stands below a slide with rules: that they are definitions, and where they come from."""
    sources = dict.fromkeys(rule.source for rule in rules if rule.source)
    return (declared(len(rules)), *(Text(source) for source in sources))


def declared(count: int) -> Text:
    """The verdict on so many rules: a definition is declared, and nothing is left to prove.

    >>> declared(2).en
    '2 update rules: declared'
    """
    word = VERDICT_WORDS["declared"]
    return Text(f"{count} update rule{'s' if count > 1 else ''}: {word.en}", f"갱신 규칙 {count}: {word.ko}")

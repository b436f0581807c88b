"""One derivation for a slide: what stands above its steps, the steps with their reasons, and what stands below."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from derive.ascii import show
from derive.derivation import Derivation, Line, Text
from derive.kernel.terms import Term
from derive.render.braces import braces_of
from derive.render.highlight import Path, changed
from derive.render.html_line import RULE_WORDS, text_width
from derive.render.latex import latex
from derive.render.mathml import to_mathml
from derive.render.pieces import RELATION_SIGNS
from derive.render.sheet import Bit, Maker, Row, Step
from derive.render.statement import statement, to_show
from derive.render.summary import VERDICT_WORDS, summary_of, word
from derive.render.symbol_table import facts_latex, given_latex

_LINE = 44  # em of a line of small print


def claim_rows(derivation: Derivation, maker: Maker) -> Iterator[Row]:
    """What is to be shown, what is given, what is defined, what the derivation rests on."""
    lang, large_print = maker.lang, maker.below  # where reasons stand below, so does the box have the size of the text
    line, gap = (1.5, 0.8) if large_print else (1.1, 0.4)
    if (goal := to_show(derivation)) is not None:
        tex = _tex(derivation, *goal, maker)
        yield Row(word("goal", lang), ((Bit("math", rf"\displaystyle {maker.own(tex)}"),),), maker.size(tex) + gap)
    definitions = len(derivation.assumptions.definitions)
    given = given_latex(derivation, maker.notation)
    facts, defined = given[: len(given) - definitions], given[len(given) - definitions :]
    for label, texts in (("given", facts), ("definition", defined)):
        if texts:
            large = label == "definition"
            formulas = [to_mathml(tex, display=large) for tex in texts]
            lines = math.ceil(sum(formula.width + 2.0 for formula in formulas) / _LINE)
            high = max(formula.height for formula in formulas) * maker.scale
            style = r"\displaystyle " if large else ""
            items = tuple((Bit("math", style + maker.own(tex)),) for tex in texts)
            yield Row(word(label, lang), items, lines * max(line, high if large_print else 0.85 * high) + gap)
    rests = tuple(_obligations(derivation, maker))
    if rests:
        lines = sum(math.ceil(sum(text_width(bit.text) for bit in item) / _LINE) for item in rests)
        yield Row(word("obligation", lang), rests, line * lines + gap)


def _obligations(derivation: Derivation, maker: Maker) -> Iterator[tuple[Bit, ...]]:
    """What the derivation rests on beside its lines, each with its verdict and its source."""
    for item in derivation.obligations:
        bits = [Bit("text", item.text.in_(maker.lang))]
        if item.proof is not None and (whole := statement(item.proof)):
            bits += [Bit("text", ", "), Bit("math", maker.own(_tex(item.proof, *whole, maker)))]
        source = f"; {item.source}" if item.source else ""
        yield (*bits, Bit("text", f" ({VERDICT_WORDS[item.verdict].in_(maker.lang)}{source})"))


def _tex(derivation: Derivation, term: Term, binders: tuple[str, ...], maker: Maker) -> str:
    return latex(term, binders=binders, naming=maker.notation.naming_of(derivation))


def steps_of(derivation: Derivation, maker: Maker) -> Iterator[Step]:
    naming, claim = maker.notation.naming_of(derivation), len(derivation.lines) == 1
    braces = braces_of(derivation, maker.lang)
    for at, line in enumerate(derivation.lines):
        mark = changed(derivation.lines[at - 1].term, line.term) if at else frozenset[Path]()
        mark = frozenset[Path]() if () in mark else mark  # where everything is new, a mark says nothing
        tex = latex(line.term, binders=line.binders, naming=naming, mark=mark, braces=braces[at])
        plain = _tex(derivation, line.term, line.binders, maker)
        maker.check_width(plain, f"{derivation.file or derivation.name or 'line'}:{line.number or at + 1}")
        relation = RELATION_SIGNS[line.relation] if line.relation else ""
        reason = (line.reason or RULE_WORDS.get(line.rule, Text())).in_(maker.lang)
        small, found = tuple(_small(derivation, line, maker)), tuple(_found(line, maker.lang))
        formula = maker.size(tex) + 0.5
        words = text_width(reason)
        if maker.below:
            words += sum(len(bit.text) for bit in small) * 0.5
            formula += 1.5 * math.ceil(words / 45)
        elif to_mathml(tex, display=True).width > maker.beside:
            formula += 1.1 * math.ceil(words / 26) + (1.0 if small else 0.0)
        else:
            formula = max(formula, 1.1 * math.ceil(words / 12) + (1.0 if small else 0.0) + 0.4)
        formula += 1.2 * math.ceil(sum(map(len, found)) / 80)
        number = at + claim
        yield Step(
            number,
            relation,
            maker.own(tex),
            plain,
            reason,
            small,
            line.verdict,
            found,
            formula,
            maker.size(plain) + 0.5,
        )


def claim_step(derivation: Derivation, number: int, maker: Maker) -> Step:
    """A derivation of one line in a list of claims: its title stands where the reason would."""
    (step,) = steps_of(derivation, maker)
    return step._replace(number=number, reason=derivation.title.in_(maker.lang) or derivation.name)


def _small(derivation: Derivation, line: Line, maker: Maker) -> Iterator[Bit]:
    """The rule by which a line was proved, and the facts that it needs."""
    if line.rule:
        yield Bit("code", line.rule)
    facts = {show(fact): fact for fact in derivation.assumptions.facts}
    known = [facts[need] for need in line.side_conditions if need in facts]
    naming = maker.notation.naming_of(derivation)
    needs = [Bit("math", maker.own(tex)) for tex in facts_latex(derivation, known, naming)]
    needs += [Bit("code", need) for need in line.side_conditions if need not in facts]
    for at, need in enumerate(needs):
        yield Bit("text", ", " if at else (" · " if line.rule else "") + word("conditions", maker.lang) + " ")
        yield need


def _found(line: Line, lang: str) -> Iterator[str]:
    """Why a line is not proved: the exact point at which it fails, or what is missing."""
    if line.verdict not in ("refuted", "undecided", "checked"):
        return
    yield VERDICT_WORDS[line.verdict].in_(lang)
    if line.witness:
        point = ", ".join(f"{name} = {value}" for name, value in line.witness.items())
        yield f"{word('at', lang)}: {point}"
    yield from (f"{word(k, lang)}: {side}" for k, side in (("left", line.left), ("right", line.right)) if side)
    if line.message:
        yield line.message


def foot_of(judged: Sequence[Derivation], lang: str) -> tuple[str, ...]:
    """The counts and the beginnings of the certificates; the sources, unless an obligation names them."""
    digests = " ".join(item.digest[: 12 if len(judged) == 1 else 6] for item in judged if item.digest)
    above = {obligation.source for item in judged for obligation in item.obligations}
    sources = dict.fromkeys(item.source for item in judged if item.source not in above)
    return tuple(part for part in (summary_of(judged, lang), digests, *sources) if part)

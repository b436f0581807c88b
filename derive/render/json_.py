"""A derivation as a JSON object: everything that is known about it."""

from __future__ import annotations

from typing import Any

from derive.ascii import show
from derive.derivation import Derivation, Line, Obligation, Text
from derive.kernel.terms import Term
from derive.render.latex import latex
from derive.render.summary import counts, obligation_counts, summary
from derive.render.symbol_table import given_latex, symbols_used
from derive.symbols import DEFAULT, Naming, Notation


def as_json(derivation: Derivation, notation: Notation = DEFAULT) -> dict[str, Any]:
    """The object of `derive show --to json`: plain lists, dicts and strings, both languages.

    >>> from derive.derivation import Line
    >>> d = Derivation(lines=(Line("", ("v", "x")), Line("=", ("v", "y"), verdict="proved")))
    >>> found = as_json(d)
    >>> found["verdict"], found["lines"][1]["latex"], found["summary"]["proved"]
    ('proved', 'y', 1)
    """
    naming, given = notation.naming_of(derivation), derivation.assumptions
    goal = derivation.goal
    return {
        "name": derivation.name,
        "title": _both(derivation.title),
        "source": derivation.source,
        "verdict": derivation.verdict,
        "given": list(given.texts or (show(fact) for fact in given.facts)),
        "given_latex": list(given_latex(derivation, notation)),
        "definitions": [
            {"name": d.name, "parameters": list(d.parameters), **_term(d.body, d.binders, naming)}
            for d in given.definitions
        ],
        "goal": None if goal is None else _term(goal, derivation.goal_binders, naming),
        "symbols": [
            {"name": use.name, "latex": use.latex, "gloss": _both(use.gloss), "domain": _both(use.domain)}
            for use in symbols_used(derivation, notation)
        ],
        "lines": [_line(line, naming) for line in derivation.lines],
        "obligations": [_obligation(item, notation) for item in derivation.obligations],
        "braces": [{**_term(term, (), naming), "text": _both(text)} for term, text in derivation.braces],
        "certificate": None if derivation.certificate is None else dict(derivation.certificate),
        "digest": derivation.digest,
        "summary": {
            **counts(derivation),
            "obligations": obligation_counts([derivation]),
            "text": {lang: summary(derivation, lang) for lang in ("en", "ko")},
        },
    }


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "ko": text.ko}


def _term(term: Term, binders: tuple[str, ...], naming: Naming) -> dict[str, str]:
    return {"ascii": show(term, binders), "latex": latex(term, binders=binders, naming=naming)}


def _obligation(item: Obligation, notation: Notation) -> dict[str, Any]:
    proof = None if item.proof is None else as_json(item.proof, notation)
    return {"text": _both(item.text), "source": item.source, "verdict": item.verdict, "proof": proof}


def _line(line: Line, naming: Naming) -> dict[str, Any]:
    found: dict[str, Any] = {
        "line": line.number,
        "relation": line.relation,
        **_term(line.term, line.binders, naming),
        "reason": _both(line.reason),
        "rule": line.rule,
        "verdict": line.verdict,
        "side_conditions": list(line.side_conditions),
        "message": line.message,
    }
    if line.witness:
        found |= {"witness": dict(line.witness), "left": line.left, "right": line.right}
    return found

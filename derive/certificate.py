"""Writes a certificate: the steps that were found for a chain, as the JSON document that the kernel checks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from derive.derivation import Assumptions, Definition
from derive.kernel.check import CHAINS, FORMAT
from derive.kernel.rules import RULES, Step
from derive.kernel.terms import MAX_BYTES, MAX_NODES, Term, abstract, to_json


def certificate(steps: Sequence[Step], assumptions: Assumptions, model: Mapping[str, Fraction]) -> dict[str, Any]:
    """The document that claims what the steps, one after the other, prove under the assumptions.

    `model` has a value for each name, at which every assumption holds.
    """
    relation = steps[0].relation
    for step in steps[1:]:
        relation = CHAINS[relation][step.relation]
    return {
        "format": FORMAT,
        "symbols": [[s.name, s.role, s.arity, s.kind] for s in assumptions.symbols],
        "facts": [to_json(fact) for fact in assumptions.facts],
        "model": _model_json(model, assumptions),
        "definitions": [[d.name, len(d.parameters), to_json(closed(d))] for d in assumptions.definitions],
        "claim": to_json((relation, steps[0].before, steps[-1].after)),
        "steps": [_step_json(step) for step in steps],
    }


def as_text(document: Mapping[str, Any]) -> str:
    """The certificate as the text of a file: indented, where that leaves it as small as the kernel reads."""
    text = json.dumps(document, indent=1)
    return (text if len(text) < MAX_BYTES else json.dumps(document, separators=(",", ":"))) + "\n"


def too_large(document: Mapping[str, Any]) -> bool:
    """Whether the kernel refuses the certificate for its size alone; a chain may be split then."""
    nodes, stack = 0, [document[field] for field in ("facts", "definitions", "claim", "steps")]
    while stack:
        part = stack.pop()
        nodes += isinstance(part, list)
        stack.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return nodes > MAX_NODES or len(as_text(document)) > MAX_BYTES


def closed(definition: Definition) -> Term:
    """The body of a definition with its parameters as indices, the last one innermost."""
    body = definition.body
    for parameter in definition.parameters:
        body = abstract(body, parameter)
    return body


def _model_json(model: Mapping[str, Fraction], assumptions: Assumptions) -> dict[str, str]:
    defined = {d.name for d in assumptions.definitions}
    return {s.name: str(model[s.name]) for s in assumptions.symbols if s.name not in defined and s.name in model}


def _step_json(step: Step) -> dict[str, Any]:
    sides = {"relation": step.relation, "from": to_json(step.before), "to": to_json(step.after)}
    return sides | how_json((step.rule, step.hints))


def how_json(how: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A rule with its hints, and those of the steps it rests on."""
    rule, hints = how

    def written(kind: str, value: Any) -> Any:
        if kind == "term":
            return to_json(value)
        if kind == "cases":
            return [[choice, [to_json(form) for form in forms]] for choice, forms in value]
        if kind == "steps":
            return [how_json(step) for step in value]
        return how_json(value) if kind == "each" else value

    return {"rule": rule} | {name: written(kind, hints[name]) for name, kind in RULES[rule][1].items()}


__all__ = ["as_text", "certificate", "closed", "how_json", "too_large"]

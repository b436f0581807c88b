"""Proofs that were found once: the rules and hints of the library's derivations, so that nothing is searched twice.

Nothing here is believed: a step that is recalled goes to the kernel and to the second judge like one just found, and
where it is refused, or none is stored, the search begins. `library/hints.json` is written by
`pytest tests/test_hints.py --update-golden`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from derive.certificate import closed, how_json
from derive.derivation import Derivation
from derive.kernel.check import Loader
from derive.kernel.rules import TRUE, Step
from derive.kernel.terms import RELATIONS, Term, digest, to_json

Claim = tuple[str, Term, Term]


def claims(derivation: Derivation) -> list[Claim]:
    """What each judged line says, as relation and sides; a claim that is no single comparison is claimed to be true."""
    if len(derivation.lines) == 1:
        term = derivation.lines[0].term
        return [(term[0], term[1], term[2]) if term[0] in RELATIONS else ("<=>", TRUE, term)]
    pairs = zip(derivation.lines, derivation.lines[1:], strict=False)
    return [(line.relation, before.term, line.term) for before, line in pairs]


def key(derivation: Derivation) -> str:
    """What a stored proof belongs to: the names, assumptions, definitions and lines, not their titles or reasons."""
    given = derivation.assumptions
    document = {
        "symbols": [[s.name, s.role, s.arity, s.kind] for s in given.symbols],
        "facts": [to_json(fact) for fact in given.facts],
        "definitions": [[d.name, len(d.parameters), to_json(closed(d))] for d in given.definitions],
        "claims": [[relation, to_json(before), to_json(after)] for relation, before, after in claims(derivation)],
    }
    return digest(document)[:32]


@lru_cache(maxsize=1)
def stored() -> Mapping[str, Any]:
    """The stored proofs by their keys."""
    found: dict[str, Any] = json.loads(files("derive").joinpath("library", "hints.json").read_text(encoding="utf-8"))
    return found


def recall(derivation: Derivation) -> list[list[Step]]:
    """For each judged line, the steps that justified it once; empty where none are stored."""
    wanted = claims(derivation)
    lines = stored().get(key(derivation))
    if lines is None:
        return [[] for _ in wanted]
    loader = Loader()
    for symbol in derivation.assumptions.symbols:
        loader.declare(symbol.name, symbol.role, symbol.arity, symbol.kind)
    for item in derivation.assumptions.definitions:
        loader.declare(item.name, "function" if item.parameters else "scalar", len(item.parameters), "real")
    found = []
    for (relation, before, after), steps in zip(wanted, lines, strict=True):
        at, row = before, []
        for step in steps:
            sides = {
                "relation": step.get("relation", relation),
                "from": to_json(at),
                "to": step.get("to", to_json(after)),
            }
            row.append(
                loader.step(sides | {name: part for name, part in step.items() if name not in ("relation", "to")})
            )
            at = row[-1].after
        found.append(row)
    return found


def record(derivation: Derivation, steps: Sequence[Sequence[Step]]) -> list[list[dict[str, Any]]]:
    """The steps of each judged line as they are stored: what follows from the line itself is left out."""
    rows = []
    for (relation, _, after), row in zip(claims(derivation), steps, strict=True):
        written = []
        for step in row:
            document = how_json((step.rule, step.hints))
            document |= {} if step.relation == relation else {"relation": step.relation}
            written.append(document | ({} if step.after == after else {"to": to_json(step.after)}))
        rows.append(written)
    return rows


__all__ = ["claims", "key", "recall", "record", "stored"]

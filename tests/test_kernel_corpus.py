"""A table of chains that have to be proved, and of chains that must not be, by whatever rule.

Right: likelihoods over a symbolic number of observations, laws of logarithms, roots and absolute values, sums with
shifted indices, recurrences, signs, equivalences, derivatives under sums, subgradients. Wrong: the same laws where
their condition fails.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from derive.derivation import Derivation, Line
from derive.kernel.check import check_text
from derive.prover import Settings, prove
from derive.syntax import complete, parse_expression, parse_given

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parent / "data" / "kernel_corpus.json").read_text(encoding="utf-8")
)
# Where nothing may be proved it does not matter here whether a witness is found as well: a short search will do.
QUICK = Settings(witness_tries=100, witness_seconds=0.05)


def judged(row: dict[str, Any]) -> Derivation:
    texts = [("", row["chain"][0]), *(tuple(text.split(" ", 1)) for text in row["chain"][1:])]
    parsed = [(relation, parse_expression(text)) for relation, text in texts]
    assumptions = complete(parse_given(row["given"]), [item.term for _, item in parsed])
    lines = tuple(Line(relation, item.term, item.binders, number=k) for k, (relation, item) in enumerate(parsed, 1))
    return prove(Derivation(name=row["name"], assumptions=assumptions, lines=lines), QUICK)


def test_the_table_is_large_enough() -> None:
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    assert sum(row["right"] for row in ROWS) >= 60
    assert sum(not row["right"] for row in ROWS) >= 60


@pytest.mark.parametrize("row", [row for row in ROWS if row["right"]], ids=lambda row: row["name"])
def test_right_chains_are_proved(row: dict[str, Any]) -> None:
    done = judged(row)
    assert done.verdict == "proved", [(line.rule, line.message) for line in done.judged]
    assert check_text(json.dumps(done.certificate)).digest == done.digest


@pytest.mark.parametrize("row", [row for row in ROWS if not row["right"]], ids=lambda row: row["name"])
def test_wrong_chains_are_not(row: dict[str, Any]) -> None:
    done = judged(row)
    assert done.verdict != "proved", [(line.rule, line.message) for line in done.judged]
    assert done.certificate is None

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
from derive.kernel.check import FORMAT, check, check_text
from derive.kernel.terms import Refused
from derive.prover import Settings, prove
from derive.syntax import complete, parse_expression, parse_given

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parent / "data" / "kernel_corpus.json").read_text(encoding="utf-8")
)
# Where nothing may be proved it does not matter here whether a witness is found as well: a short search will do.
QUICK = Settings(witness_tries=100, witness_seconds=0.05)


def judged(row: dict[str, Any], settings: Settings = QUICK) -> Derivation:
    texts = [("", row["chain"][0]), *(tuple(text.split(" ", 1)) for text in row["chain"][1:])]
    parsed = [(relation, parse_expression(text)) for relation, text in texts]
    assumptions = complete(parse_given(row["given"]), [item.term for _, item in parsed])
    lines = tuple(Line(relation, item.term, item.binders, number=k) for k, (relation, item) in enumerate(parsed, 1))
    return prove(Derivation(name=row["name"], assumptions=assumptions, lines=lines), settings)


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
    """Not proved; and where the row says so, refuted by an exact point."""
    done = judged(row, Settings() if row.get("refuted") else QUICK)
    assert done.verdict != "proved", [(line.rule, line.message) for line in done.judged]
    assert done.certificate is None
    if row.get("refuted"):
        assert done.verdict == "refuted", [(line.rule, line.message) for line in done.judged]
        assert done.judged[-1].witness


# --- what the language of chains does not let one write -------------------------------------------------------------


def v(name: str) -> list[Any]:
    return ["v", name]


def q(value: int) -> list[Any]:
    return ["q", str(value)]


def certificate(rule: str, claim: list[Any], symbols: list[Any], definitions: list[Any]) -> dict[str, Any]:
    step = {"rule": rule, "relation": claim[0], "from": claim[1], "to": claim[2]}
    return {"format": FORMAT, "symbols": symbols, "facts": [], "model": {}, "definitions": definitions, "claim": claim,
            "steps": [step]}  # fmt: skip


REALS = [[name, "scalar", 0, "real"] for name in ("a", "w")]
FAMILY = ["y", "indexed", 1, "real"]
PRODUCT = [["f", 2, ["*", ["b", 1], ["b", 0]]]]  # f(u, v) := u*v
F_OF_Y = ["sum", q(1), q(2), ["call", "f", v("a"), ["ix", "y", ["b", 0]]]]
TOTAL = ["+", ["ix", "y", q(1)], ["ix", "y", q(2)]]
SEQUENCE = [["e", "indexed", 1, "real"], ["i", "scalar", 0, "integer"]]
COUNTING = ["rec", "e", "t", q(0), v("t"), q(0), v("t")]  # e[t + 1] = t, e[0] = 0 => e[t] = t


def test_arguments_under_a_binder_keep_their_index() -> None:
    right = certificate("definition", ["=", F_OF_Y, ["*", v("a"), TOTAL]], [*REALS, FAMILY], PRODUCT)
    assert check(right).used == [[]]
    squares = ["*", v("a"), ["+", ["ix", "y", v("a")], ["ix", "y", v("a")]]]
    with pytest.raises(Refused):
        check(certificate("definition", ["=", F_OF_Y, squares], [*REALS, FAMILY], PRODUCT))


@pytest.mark.parametrize(
    ("rule", "claim", "symbols", "definitions"),
    [
        pytest.param("induction", ["<=>", ["and"], COUNTING], SEQUENCE, [["t", 0, q(0)]], id="index defined"),
        pytest.param("identity", ["=", ["argmin", ["d"], v("d")], ["argmin", ["d"], q(3)]], REALS, [["d", 0, q(3)]],
                     id="variable of an optimum defined"),
        pytest.param("grad", ["=", ["call", "d", v("w")], ["*", q(2), v("w")]], REALS,
                     [["d", 1, ["diff", ["*", ["b", 0], v("w")], v("w")]]], id="argument captured by a derivative"),
        pytest.param("grad", ["=", ["sum", v("w"), v("w"), ["diff", ["*", ["b", 0], v("w")], v("w")]],
                     ["*", q(2), v("w")]], [["w", "scalar", 0, "integer"]], [], id="limit captured by a derivative"),
        pytest.param("identity", ["<=>", v("w"), v("w")], REALS, [], id="a number as a claim"),
    ],
)  # fmt: skip
def test_captured_names_and_numbers_as_claims_are_refused(
    rule: str, claim: list[Any], symbols: list[Any], definitions: list[Any]
) -> None:
    with pytest.raises(Refused):
        check(certificate(rule, claim, symbols, definitions))

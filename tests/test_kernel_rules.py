"""Every rule with chains that it proves and chains that nothing may prove; SymPy's wrong answers are not proved either.

The tables: kernel_steps.json (twins for each rule), steps.json (steps of the lectures), pitfalls.json (what SymPy 1.14
gets wrong, with the number of the row in the list of its pitfalls).
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from derive.chains import read_chains
from derive.derivation import Derivation
from derive.kernel.check import check_text
from derive.kernel.rules import RULES
from derive.prover import Settings, prove

DATA = Path(__file__).resolve().parent / "data"
WITNESS_SHARE = 0.9
# Where nothing may be proved it does not matter here whether a witness is found as well: a short search will do.
QUICK = Settings(witness_tries=200, witness_seconds=0.2)


def table(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return rows


def label(row: dict[str, Any]) -> str:
    words = [str(row.get("rule", row.get("row", ""))), "right" if row["right"] else "wrong", row["name"]]
    return " ".join(word for word in words if word)


def chain(row: dict[str, Any], rule: str = "") -> Derivation:
    """The chain of a row; its last line may be told which rule has to prove it."""
    headers = [f"given: {row['given']}"] if row["given"] else []
    headers += [f"define: {text.strip()}" for text in row.get("define", "").split(";") if text.strip()]
    last = f"{row['chain'][-1]} -- [rule: {rule}]" if rule else row["chain"][-1]
    found = read_chains("\n".join([*headers, *row["chain"][:-1], last]))
    assert len(found) == 1
    return found[0]


TWINS, LECTURES, PITFALLS = table("kernel_steps"), table("steps"), table("pitfalls")


def test_every_rule_has_its_twins() -> None:
    right = Counter(row["rule"] for row in TWINS if row["right"])
    wrong = Counter(row["rule"] for row in TWINS if not row["right"])
    assert set(right) == set(wrong) == set(RULES)
    assert min(right.values()) >= 3
    assert min(wrong.values()) >= 5


@pytest.mark.parametrize("row", [row for row in TWINS if row["right"]], ids=label)
def test_the_rule_proves_its_correct_twins(row: dict[str, Any]) -> None:
    done = prove(chain(row, row["rule"]))
    assert done.verdict == "proved", [line.message for line in done.judged]
    assert done.judged[-1].rule == row["rule"]
    assert done.certificate is not None
    assert check_text(json.dumps(done.certificate)).digest == done.digest


@pytest.mark.parametrize("row", [row for row in TWINS if not row["right"]], ids=label)
def test_no_rule_proves_a_wrong_twin(row: dict[str, Any]) -> None:
    done = prove(chain(row), QUICK)
    assert done.verdict in ("undecided", "refuted")
    assert done.certificate is None


@pytest.mark.parametrize("row", [row for row in LECTURES if row["right"]], ids=label)
def test_right_steps_of_the_lectures_are_proved(row: dict[str, Any]) -> None:
    done = prove(chain(row))
    assert done.verdict == "proved", [line.message for line in done.judged]


def test_wrong_steps_of_the_lectures_have_witnesses() -> None:
    wrong = [row for row in LECTURES if not row["right"]]
    verdicts = {row["name"]: prove(chain(row)).verdict for row in wrong}
    refuted = sum(verdict == "refuted" for verdict in verdicts.values())
    print(f"\nsteps.json: {len(wrong)} wrong steps, {refuted} with a witness")
    assert "proved" not in verdicts.values(), verdicts
    assert refuted >= WITNESS_SHARE * len(wrong), verdicts


@pytest.mark.parametrize("row", PITFALLS, ids=label)
def test_what_sympy_gets_wrong(row: dict[str, Any]) -> None:
    done = prove(chain(row), QUICK)
    assert (done.verdict == "proved") == row["right"], [line.message for line in done.judged]


def test_the_pitfalls_cover_what_a_chain_can_say() -> None:
    """Matrices, binders, 0/0, kinks, conventions; rows on integrals, limits, series and lambdify are no chains."""
    wrong = {row["row"] for row in PITFALLS if not row["right"]}
    assert wrong >= {1, 2, 4, 5, 6, 7, 8, 9, 20, 21, 22, 25, 26, 27, 28, 29, 30, 33, 34, 35, "convention"}

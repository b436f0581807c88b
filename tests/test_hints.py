"""Proofs that were found once are recalled, judged again, and never believed; none is missing and none is stale."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from derive import hints
from derive.chains import Use, read_chains, read_deck
from derive.derivation import Derivation
from derive.hints import key, recall, record, stored
from derive.library import OTHER_KINDS, catalogue, derivation, lecture_text
from derive.limits import Patience
from derive.prover import Settings, judged_lines, prove

FILE = Path(hints.__file__).parent / "library" / "hints.json"


def library() -> Iterator[Derivation]:
    """Everything that is judged without an author: the library, what its entries rest on, the chains of the lecture."""
    for kind, group in catalogue().items():
        for entry in group if kind not in OTHER_KINDS else ():
            item = derivation(entry.name)
            yield item
            yield from (obligation.proof for obligation in item.obligations if obligation.proof is not None)
    for entries in read_deck(lecture_text(), "lecture.md"):
        yield from (item for item in entries if not isinstance(item, Use))


def test_every_derivation_of_the_library_has_its_proof_stored(request: pytest.FixtureRequest) -> None:
    everything = {key(item): item for item in library()}
    if request.config.getoption("--update-golden"):
        slow = Settings(search_seconds=20.0, recall=False)
        rows = {}
        for name, item in sorted(everything.items()):
            found = judged_lines(item, slow, Patience(left=1e6)).rows
            assert all(line.verdict == "proved" for line, _ in found), item.name
            rows[name] = json.dumps(record(item, [steps for _, steps in found]), separators=(",", ":"))
        FILE.write_text("{\n" + ",\n".join(f'"{name}":{row}' for name, row in rows.items()) + "\n}\n", encoding="ascii")
        stored.cache_clear()
    assert set(stored()) == set(everything), "pytest tests/test_hints.py --update-golden finds the proofs anew"


CHAIN = """given: 0 <= a[k] < 1; T integer >= 0

  prod(1 - a[k], k, 0, T - 1)
<= 1/(1 + sum(a[k], k, 0, T - 1))
"""


def test_what_is_recalled_is_what_was_recorded() -> None:
    (item,) = read_chains(CHAIN)
    found = judged_lines(item, Settings(recall=False), Patience()).rows
    steps = [row for _, row in found]
    written = json.loads(json.dumps(record(item, steps)))
    assert found[0][0].verdict == "proved"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hints, "stored", lambda: {key(item): written})
        assert recall(item) == steps


@pytest.mark.parametrize("wrong", [
    [[{"rule": "identity"}]], [[{"rule": "positive", "form": ["q", "-1"]}]],
    [[{"rule": "induction_on", "over": "T", "start": ["q", "0"], "steps": [{"rule": "grad"}, {"rule": "grad"}]}]],
])  # fmt: skip
def test_a_wrong_proof_is_refused_and_the_search_begins(wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (item,) = read_chains(CHAIN)
    monkeypatch.setattr(hints, "stored", lambda: {key(item): wrong})
    assert prove(item).verdict == "proved"


def test_a_stored_proof_of_something_wrong_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    (right,) = read_chains(CHAIN)
    (item,) = read_chains(CHAIN.replace("1/(1 + sum", "1/(2 + sum"))
    rows = record(right, [steps for _, steps in judged_lines(right, Settings(), Patience()).rows])
    monkeypatch.setattr(hints, "stored", lambda: {key(item): rows})
    assert prove(item).verdict == "refuted"


def test_the_key_tells_assumptions_apart() -> None:
    (one,) = read_chains(CHAIN)
    (other,) = read_chains(CHAIN.replace("0 <= a[k] < 1", "0 <= a[k] <= 1"))
    (titled,) = read_chains("title.en: with a title\n" + CHAIN)
    assert key(one) != key(other)
    assert key(one) == key(titled)

"""Every leaf of every certificate changed: refused, unless the theorem shown changes with it or stays as it is.

A certificate states a theorem: names, assumptions, definitions, claim. What else it holds (the model, rules, hints) is
only its proof. So a changed certificate may be accepted for two reasons, and each is looked at here:
the theorem is the same, and the change is in the proof; or the change is in the assumptions, which are printed with
the claim, and then no counterexample may be found to the claim under the changed assumptions.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from derive.chains import read_chains
from derive.derivation import Assumptions, Definition, Symbol
from derive.kernel import check as kernel
from derive.kernel.rules import RULES
from derive.kernel.terms import FUNCTIONS, RELATIONS, Refused, Term, instantiate
from derive.library import OTHER_KINDS, catalogue, derivation
from derive.prover import prove
from derive.witness import find_witness, second_opinion

if "symstep_lies" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location("symstep_lies", Path(__file__).resolve().parent / "lies.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_lies"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_lies"])
lies = sys.modules["symstep_lies"]
DATA = Path(__file__).resolve().parent / "data"
Path_ = tuple[str | int, ...]
OTHER_TAG = {
    "+": "*", "*": "+", "/": "^", "^": "/", "neg": "sum", "sum": "prod", "prod": "sum", "argmax": "argmin",
    "argmin": "argmax", "diff": "subdiff", "subdiff": "diff", "v": "c", "b": "v", "q": "v", "c": "v", "ix": "call",
    "call": "ix", "f": "call", "interval": "+", "rec": "all", "all": "rec", "and": "or", "or": "and",
    "differentiable": "v",
}  # fmt: skip
# Of the leaves of the library's certificates one in so many is changed in an ordinary run; `--every-leaf` changes all.
STRIDE = 30
NUMBER = re.compile(r"-?\d+(/\d+)?\Z")


@cache
def from_chains() -> dict[str, dict[str, Any]]:
    rows = json.loads((DATA / "kernel_steps.json").read_text(encoding="utf-8"))
    found = {}
    for row in (row for row in rows if row["right"]):
        headers = [f"given: {row['given']}"] if row["given"] else []
        headers += [f"define: {text.strip()}" for text in row.get("define", "").split(";") if text.strip()]
        chain = [*row["chain"][:-1], f"{row['chain'][-1]} -- [rule: {row['rule']}]"]
        found[f"{row['rule']} {row['name']}"] = dict(
            prove(read_chains("\n".join([*headers, *chain]))[0]).certificate or {}
        )
    return found


def library() -> list[str]:
    return [entry.name for kind, entries in catalogue().items() if kind not in OTHER_KINDS for entry in entries]


# --- the changes ----------------------------------------------------------------------------------------------------


def leaves(data: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    if isinstance(data, dict | list):
        for key, part in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(part, (*path, key))
    else:
        yield path, data


def numbers(value: str) -> list[str]:
    return [str(Fraction(value) + 1), *([str(-Fraction(value))] if Fraction(value) else [])]


def changed(path: Path_, value: Any, document: dict[str, Any]) -> list[Any]:
    """The values to put in the place of a leaf."""
    names = [symbol[0] for symbol in document["symbols"]] + [item[0] for item in document["definitions"]]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if NUMBER.match(value):
        return numbers(value)
    if value in names:
        return [names[(names.index(value) + 1) % len(names)] if len(names) > 1 else "another"]
    if path[-1] == "rule":
        same = [rule for rule in RULES if RULES[rule][1] == RULES[value][1]]
        later = same[(same.index(value) + 1) % len(same)]
        return list({"argopt" if value != "argopt" else "identity", *({later} - {value})})
    if value in RELATIONS:
        return [relation for relation in RELATIONS if relation != value]
    if value in FUNCTIONS:
        arity = FUNCTIONS[value]
        same = [name for name in FUNCTIONS if FUNCTIONS[name][0] == arity[0]]
        return [same[(same.index(value) + 1) % len(same)]]
    if path[0] == "symbols":
        kinds = {
            "real": "integer",
            "integer": "real",
            "scalar": "indexed",
            "indexed": "function",
            "function": "indexed",
        }
        return [kinds[value]]
    return [OTHER_TAG.get(value, value + "2")]


def put(document: Any, path: Path_, value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


# --- what a certificate says ----------------------------------------------------------------------------------------


def theorem(document: dict[str, Any]) -> str:
    return json.dumps([document[part] for part in ("symbols", "facts", "definitions", "claim")])


def term(data: list[Any]) -> Term:
    """A term of a certificate that the kernel has accepted."""
    if data[0] == "q":
        return ("q", Fraction(data[1]))
    if data[0] in ("argmax", "argmin"):
        return (data[0], tuple(data[1]), term(data[2]))
    return tuple(term(part) if isinstance(part, list) else part for part in data)


def assumptions(document: dict[str, Any]) -> Assumptions:
    definitions = []
    for name, arity, body in document["definitions"]:
        parameters, opened = tuple(f"p_{k}" for k in range(arity)), term(body)
        for parameter in reversed(parameters):
            opened = instantiate(opened, ("v", parameter))
        definitions.append(Definition(name, parameters, opened))
    symbols = tuple(Symbol(*symbol) for symbol in document["symbols"])
    return Assumptions(symbols, tuple(term(fact) for fact in document["facts"]), tuple(definitions))


def refutation(document: dict[str, Any], *, thorough: bool) -> Any:
    relation, before, after = term(document["claim"])
    given = assumptions(document)
    found = second_opinion(relation, before, after, given, trials=2, seconds=0.3).witness
    if found is None and thorough and before != ("and",):
        found = find_witness(relation, before, after, given, tries=60, seconds=0.1)
    return found


# --- the test -------------------------------------------------------------------------------------------------------


@pytest.fixture
def _judge_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that is the same in every respect as one judged before need not be judged again."""
    judge, known = kernel.judge, dict[str, Any]()

    def judged(step: Any, facts: Any, definitions: Any, kinds: Any) -> Any:
        key = repr((step, facts, definitions, kinds))
        if key not in known:
            try:
                known[key] = judge(step, facts, definitions, kinds)
            except Exception as error:
                known[key] = error
        if isinstance(known[key], Exception):
            raise known[key]
        return known[key]

    monkeypatch.setattr(kernel, "judge", judged)


def inside(path: Path_) -> bool:
    """Whether a leaf belongs to a step that another step rests on."""
    return path[0] == "steps" and ("each" in path or path[1:].count("steps") > 0)


def tamper(
    document: dict[str, Any], counts: Counter[str], *, thorough: bool, inside_only: bool = False, stride: int = 1,
    first: int = 0,
) -> None:  # fmt: skip
    """Change every leaf, or one in `stride`, once or (thorough) in each of its ways; look at what was accepted."""
    report = kernel.check(document)
    stated, needed = theorem(document), {number for used in report.used for number in used}
    looked_at: set[str] = set()
    for number, (path, value) in enumerate(list(leaves(document))):
        if (inside_only and not inside(path)) or number % stride != first % stride:
            continue
        counts["leaves"] += 1
        ways = changed(path, value, document)
        for new in ways if thorough else [ways[number % len(ways)]]:
            put(document, path, new)
            try:
                accepted = kernel.check(document)
                now, as_said = theorem(document), json.loads(json.dumps(document))
            except Refused:
                counts["refused"] += 1
                continue
            finally:
                put(document, path, value)
            where = f"{path}: {value!r} -> {new!r}"
            assert accepted.digest != report.digest, where
            assert accepted.claim == report.claim, where  # a leaf of the claim alone never changes what is accepted
            if now == stated:
                assert path[0] == "model" or (path[0] == "steps" and path[2] not in ("from", "to")), where
                counts["another model" if path[0] == "model" else "another proof of the same"] += 1
                continue
            assert path[0] in ("symbols", "facts", "definitions"), where
            if now not in looked_at:
                looked_at.add(now)
                assert refutation(as_said, thorough=thorough) is None, where
            unused = path[0] == "facts" and path[1] not in needed
            counts[f"other {path[0]} shown{', unused' if unused else ''}"] += 1
    assert theorem(document) == stated


@pytest.mark.usefixtures("_judge_once")
def test_leaves_of_certificates_of_each_rule(request: pytest.FixtureRequest) -> None:
    counts: Counter[str] = Counter()
    assert len(from_chains()) >= 3 * len(RULES)
    stride = 1 if request.config.getoption("--every-leaf") else 3
    for number, certificate in enumerate(from_chains().values()):
        tamper(certificate, counts, thorough=True, stride=stride, first=number)
    print("\ncertificates of each rule:", dict(counts))
    assert counts["refused"] >= 0.9 * (counts.total() - counts["leaves"])


def test_every_leaf_of_the_steps_in_steps() -> None:
    """Those of the chains, and those written by hand: hints under sums, cases in cases, inductions on an index."""
    counts: Counter[str] = Counter()
    chains = [
        found for name, found in from_chains().items() if name.split()[0] in ("cases", "termwise", "induction_on")
    ]
    documents = [*chains, *lies.ACCEPTED.values()]
    nested = [found for found in documents if any(inside(path) for path, _ in leaves(found))]
    for certificate in nested:
        tamper(json.loads(json.dumps(certificate)), counts, thorough=True, inside_only=True)
    print(f"\n{len(nested)} certificates of steps in steps:", dict(counts))
    assert len(nested) >= 20
    assert counts["leaves"] >= 250
    assert counts["refused"] >= 0.9 * (counts.total() - counts["leaves"])


@pytest.mark.usefixtures("_judge_once")
def test_leaves_of_every_library_certificate(request: pytest.FixtureRequest) -> None:
    """One in STRIDE of each, beginning with another one in each certificate."""
    counts: Counter[str] = Counter()
    names = library()
    stride = 1 if request.config.getoption("--every-leaf") else STRIDE
    for number, name in enumerate(names):
        found = prove(derivation(name))
        assert found.certificate is not None, name
        tamper(json.loads(json.dumps(found.certificate)), counts, thorough=False, stride=stride, first=number)
    print(f"\n{len(names)} library certificates:", dict(counts))
    assert names
    assert counts["refused"] >= 0.9 * (counts.total() - counts["leaves"])

"""Certificates that are malformed or undefined: each is refused with the exception Refused and nothing else, in time.

Also the check from the command line, where no other package can be imported.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derive.kernel.check import check, check_text
from derive.kernel.terms import MAX_BYTES, MAX_DEPTH, Refused

if "symstep_documents" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location("symstep_documents", Path(__file__).resolve().parent / "documents.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_documents"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_documents"])
documents = sys.modules["symstep_documents"]
v, q, step, certificate, good = (
    documents.v, documents.q, documents.step, documents.certificate, documents.good,
)  # fmt: skip
induction, refused, in_time, SECONDS = documents.induction, documents.refused, documents.in_time, documents.SECONDS
Document = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent


def test_the_certificate_that_the_attacks_start_from_is_accepted() -> None:
    document = good()
    report = check(document)
    assert report.used == [[0], []]
    assert check_text(json.dumps(document)) == report
    assert check_text(json.dumps(document, indent=2, sort_keys=True)).digest == report.digest
    assert check(induction(["^", q(2), v("t")], ["*", q(2), ["ix", "e", v("t")]])).claim[0] == "<=>"


# --- the text -------------------------------------------------------------------------------------------------------


def texts() -> dict[str, str]:
    text = json.dumps(good())
    deep = '["neg",' * 5000
    return {
        "empty": "", "not JSON": "{", "a number": "1", "null": "null", "a list": "[]", "a string": '"q1"',
        "two documents": text + text, "trailing comma": text[:-1] + ",}",
        "key twice": text.replace('"model":', '"model": {}, "model":'),
        "inner key twice": text.replace('"rule": "identity"', '"rule": "identity", "rule": "identity"', 1),
        "float": text.replace('["q", "2"]', '["q", 2.0]'), "float in a model": text.replace('{"b": "1"}', '{"b": 1.0}'),
        "exponent": text.replace('["q", "2"]', '["q", 2e0]'), "NaN": text.replace('["q", "2"]', '["q", NaN]'),
        "Infinity": text.replace('{"b": "1"}', '{"b": Infinity}'), "-Infinity": text.replace('"1"}', '-Infinity}'),
        "huge integer": text.replace('["b", 0]', '["b", ' + "9" * 5000 + "]"),
        "deep": deep + '["q","1"]' + "]" * 5000, "deep and open": "[" * 100_000, "deep objects": '{"a":' * 50_000,
        "2 MB of blanks": text + " " * (2 << 20), "2 MB of names": json.dumps(good() | {"note": "x" * (2 << 20)}),
        "Python": text.replace('"', "'"), "a comment": "// certificate\n" + text,
    }  # fmt: skip


@pytest.mark.parametrize("name", texts())
def test_text_that_is_no_certificate(name: str) -> None:
    with in_time(), pytest.raises(Refused):
        check_text(texts()[name])


def test_the_size_is_bounded_in_bytes() -> None:
    text = json.dumps(good())
    check_text(text + " " * (MAX_BYTES - len(text)))
    with pytest.raises(Refused, match="bytes"):
        check_text(text + " " * (MAX_BYTES - len(text) + 1))
    with pytest.raises(Refused, match="bytes"):
        check_text(text + "\u3000" * (MAX_BYTES // 3))


# --- fields and leaves ----------------------------------------------------------------------------------------------


def at(*path: str | int, put: Any) -> Callable[[], Document]:
    def change() -> Document:
        document: Any = good()
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = put
        return dict(document)

    return change


def without(*path: str | int) -> Callable[[], Document]:
    def change() -> Document:
        document: Any = good()
        place = document
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        return dict(document)

    return change


FIELDS: dict[str, Callable[[], Document]] = {
    **{f"no {name}": without(name) for name in good()},
    **{f"no {name} in a step": without("steps", 0, name) for name in ("rule", "relation", "from", "to")},
    "field too many": at("note", put=""), "field too many in a step": at("steps", 0, "note", put=""),
    "hint that the rule does not take": at("steps", 0, "form", put=q(1)), "another format": at("format", put="1"),
    "unknown rule": at("steps", 0, "rule", put="trust_me"), "no rule": at("steps", 0, "rule", put=None),
    "rule with its hint missing": at("steps", 0, "rule", put="positive"), "rule a list": at("steps", 0, "rule", put=[]),
    "unknown relation": at("steps", 0, "relation", put="=="), "relation a list": at("steps", 0, "relation", put=["="]),
    "no steps": at("steps", put=[]), "steps an object": at("steps", put={}), "a step a list": at("steps", 0, put=[]),
    "steps null": at("steps", put=None), "symbols null": at("symbols", put=None), "facts null": at("facts", put=None),
    "model a list": at("model", put=[]), "model of numbers": at("model", put={"b": 1}),
    "model null": at("model", put=None),
    "model without b": at("model", put={}), "model of another name": at("model", put={"b": "1", "zz": "1"}),
    "model outside the facts": at("model", put={"b": "0"}), "model with a power": at("model", put={"b": "1e3"}),
    "facts that contradict": at("facts", put=[[">", v("b"), q(0)], ["<", v("b"), q(0)]]),
    "a fact that is false": at("facts", 0, put=[">", q(0), q(1)]), "a fact that is a number": at("facts", 0, put=q(1)),
    "a fact that is undefined": at("facts", 0, put=["=", ["/", q(1), q(0)], ["/", q(1), q(0)]]),
    "a fact that is the claim": at("facts", 0, put=["<=>", ["and"], ["and"]]),
    "a fact with an or": at("facts", 0, put=["or", [">", v("b"), q(0)], ["<", v("b"), q(0)]]),
    "a fact for all of nothing": at("facts", 0, put=["all", 0, [">", v("b"), q(0)]]),
    "a fact about its own index": at("facts", 0, put=["all", 1, [">", ["b", 0], q(0)]]),
    "a fact for all as a claim": at("claim", put=["all", 1, ["=", q(1), q(1)]]),
    "claim of something else": at("claim", put=["=", q(2), q(3)]), "claim of the middle": at("claim", 2, put=q(2)),
    "claim with another relation": at("claim", 0, put="<="), "claim empty": at("claim", put=[]),
    "claim turned round": at("claim", put=["=", good()["claim"][2], good()["claim"][1]]),
    "steps that do not join": at("steps", 1, "from", put=["+", q(1), q(1)]), "a first step alone": without("steps", 1),
    "a relation that does not chain": at("steps", 1, "relation", put="<=>"),
    "name twice": at("symbols", put=[["b", "scalar", 0, "real"]] * 2), "symbol too short": at("symbols", 0, put=["a"]),
    "name with a space": at("symbols", 0, 0, put="a a"), "name of two scripts": at("symbols", 0, 0, put="\u0430b"),
    "name empty": at("symbols", 0, 0, put=""), "name with a line end": at("symbols", 0, 0, put="a\n"),
    "name of the kernel": at("symbols", 0, 0, put="#0"), "name a number": at("symbols", 0, 0, put=1),
    "name too long": at("symbols", 0, 0, put="a" * 65), "unknown kind": at("symbols", 0, 3, put="complex"),
    "unknown role": at("symbols", 0, 1, put="matrix"), "scalar with an argument": at("symbols", 0, 2, put=1),
    "arity a bool": at("symbols", 0, 2, put=False), "function without arguments": at("symbols", 0, 1, put="function"),
    "negative arity": at("symbols", 0, put=["a", "function", -1, "real"]), "arity a text": at("symbols", 0, 2, put="0"),
    "definition of a declared name": at("definitions", 0, 0, put="b"),
    "definition too short": at("definitions", 0, put=["d"]),
    "definition twice": at("definitions", put=[["d", 0, q(1)], ["d", 0, q(2)]]),
    "definition of itself": at("definitions", put=[["d", 0, ["+", v("d"), q(1)]]]),
    "definitions in a circle": at("definitions", put=[["c", 0, v("d")], ["d", 0, v("c")]]),
    "function of itself": at("definitions", put=[["d", 1, ["call", "d", ["b", 0]]]]),
    "definition of a later one": at("definitions", put=[["c", 0, v("d")], ["d", 0, q(1)]]),
    "parameter out of range": at("definitions", 0, 2, put=["b", 1]),
    "parameters a bool": at("definitions", 0, 1, put=True),
    "negative parameters of a constant": at("definitions", 0, put=["d", -1, q(1)]),
    "negative parameters": at("definitions", 0, 1, put=-1),
    "definition of an optimum": at("definitions", 0, 2, put=["argmax", ["w"], v("w")]),
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_fields(name: str) -> None:
    refused(FIELDS[name]())


TERMS: dict[str, Any] = {
    "integer": ["q", 2], "bool": ["q", True], "float text": ["q", "2.0"], "plus": ["q", "+2"], "blank": ["q", " 2"],
    "exponent": ["q", "2e0"], "hexadecimal": ["q", "0x2"], "underscore": ["q", "2_0"], "line end": ["q", "2\n"],
    "fullwidth digit": ["q", "\uff12"], "Arabic digit": ["q", "\u0662"], "superscript": ["q", "\u00b2"],
    "zero below": ["q", "2/0"], "zero below in full": ["q", "2/00"], "negative below": ["q", "-2/-1"],
    "empty": ["q", ""],
    "too many digits": ["q", "2" * 401], "far too many digits": ["q", "2" * 100_000], "two values": ["q", "2", "2"],
    "no value": ["q"], "null": ["q", None], "null for a term": None, "a number for a term": 2, "true for a term": True,
    "a text for a term": "q2", "an object for a term": {"0": "q", "1": "2"}, "nothing": [],
    "unknown tag": ["cbrt", v("b")],
    "tag a list": [["q"], "2"], "tag null": [None, "2"], "Python": ["__import__", "os"], "sum of one": ["+", q(2)],
    "sum of none": ["+"], "neg of two": ["neg", q(1), q(1)], "quotient of three": ["/", q(4), q(2), q(1)],
    "undeclared": v("zz"), "name a list": ["v", ["b"]], "name null": ["v", None], "unknown constant": ["c", "e"],
    "function as a scalar": v("d"), "scalar as a family": ["ix", "b", q(1)],
    "scalar as a function": ["call", "b", q(1)],
    "function with too many arguments": ["call", "d", q(1), q(1)], "function without": ["call", "d"],
    "index without a binder": ["b", 0], "index out of range": ["sum", q(1), q(2), ["b", 1]],
    "negative index": ["b", -1],
    "index in the limit": ["sum", q(1), ["b", 0], q(1)], "index a bool": ["sum", q(1), q(2), ["b", False]],
    "index a text": ["sum", q(1), q(2), ["b", "0"]], "unknown function": ["f", "tan", q(2)],
    "function a list": ["f", ["exp"], q(2)],
    "exp of two": ["f", "exp", q(1), q(1)], "max of one": ["f", "max", q(2)], "max of 17": ["f", "max", *[q(2)] * 17],
    "argmax of nothing": ["argmax", [], q(2)], "argmax over a function": ["argmax", ["d"], q(2)],
    "argmax over a number": ["argmax", [2], q(2)], "argmax in a sum": ["+", ["argmax", ["w"], v("w")], q(2)],
    "interval in a sum": ["+", ["interval", q(1), q(2)], q(2)], "comparison in a sum": ["+", ["<", q(1), q(2)], q(2)],
    "empty or": ["or"], "and of one": ["and", ["<", q(1), q(2)]], "rec too short": ["rec", "e", "t"],
    "for all inside": ["+", ["all", 1, q(1)], q(1)], "differentiable inside": ["+", ["differentiable", "d"], q(1)],
    "too deep": json.loads('["neg",' * (MAX_DEPTH + 1) + '["q","2"]' + "]" * (MAX_DEPTH + 1)),
    "too wide": ["+", *[q(1)] * 60_000], "0/0": ["/", q(0), q(0)], "0 times 1/0": ["*", q(0), ["/", q(1), q(0)]],
    "1/0 in a sum that is empty here": ["sum", q(1), q(2), ["/", q(1), q(0)]], "log of 0": ["f", "log", q(0)],
    "root of -1": ["f", "sqrt", q(-1)], "a third of a sum": ["sum", q(1), q("1/3"), q(1)],
    "0 ** -1": ["^", q(0), q(-1)],
    "(-8) ** (1/3)": ["^", q(-8), q("1/3")], "0 ** a": ["^", q(0), v("a")],
    "factorial of 1/2": ["f", "factorial", q("1/2")],
    "factorial of -1": ["f", "factorial", q(-1)], "gamma of 0": ["f", "gamma", q(0)],
    "0/(a-a)": ["/", q(0), ["+", v("a"), ["neg", v("a")]]],
    "interval turned round": ["interval", q(2), q(1)], "derivative by a number": ["diff", q(2), q(2)],
    "derivative of a corner": ["diff", ["f", "abs", v("w")], v("w")],
    "subdiff as a number": ["+", ["subdiff", v("w"), v("w")], q(1)],
}  # fmt: skip


def term_document(name: str) -> Document:
    same = step("identity", "=", TERMS[name], TERMS[name])
    return dict(certificate(same, definitions=[["d", 1, ["b", 0]]]))


@pytest.mark.parametrize("name", TERMS)
def test_terms(name: str) -> None:
    """A term that is malformed or undefined proves nothing, not even that it is itself."""
    refused(term_document(name))


# --- the command ----------------------------------------------------------------------------------------------------


def run(file: Path, blocked: Path) -> subprocess.CompletedProcess[str]:
    """`python -m derive.kernel FILE` where every package that the rest of the project uses fails to import."""
    for package in ("sympy", "mpmath", "numpy", "markdown_it", "math_core"):
        (blocked / package).mkdir(parents=True, exist_ok=True)
        (blocked / package / "__init__.py").write_text("raise ImportError('blocked')\n")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(blocked), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "derive.kernel", str(file)]
    return subprocess.run(
        command, cwd=blocked, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def test_the_command_needs_the_standard_library_only(tmp_path: Path) -> None:
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(good()))
    done = run(file, tmp_path / "blocked")
    assert done.returncode == 0, done.stderr
    assert check(good()).digest in done.stdout
    for text in (file.read_text().replace('["q", "2"]', '["q", "3"]'), "{", ""):
        file.write_text(text)
        done = run(file, tmp_path / "blocked")
        assert done.returncode not in (0, None)
        assert "Traceback" not in done.stderr
        assert len((done.stdout + done.stderr).strip().splitlines()) == 1
    done = run(tmp_path / "missing.json", tmp_path / "blocked")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr

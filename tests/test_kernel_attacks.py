"""Certificates built to deceive or to exhaust: what grows, hints that lie, names that are captured."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from derive.kernel.check import check

if "symstep_documents" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location("symstep_documents", Path(__file__).resolve().parent / "documents.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_documents"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_documents"])
documents = sys.modules["symstep_documents"]
for name in ("lies", "growing"):
    if f"symstep_{name}" not in sys.modules:
        spec = importlib.util.spec_from_file_location(f"symstep_{name}", Path(__file__).resolve().parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[f"symstep_{name}"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[f"symstep_{name}"])
lies, growing = sys.modules["symstep_lies"], sys.modules["symstep_growing"]
v, q, step, certificate = documents.v, documents.q, documents.step, documents.certificate
induction, refused = documents.induction, documents.refused
Document = dict[str, Any]


# --- what grows -----------------------------------------------------------------------------------------------------


def tower(levels: int, exponent: object) -> list[Any]:
    found: list[Any] = q(9)
    for _ in range(levels):
        found = ["^", found, q(exponent)]
    return found


def squares(levels: int) -> list[Any]:
    found = ["+", v("a"), v("b"), q(1)]
    for _ in range(levels):
        found = ["^", found, q(2)]
    return found


def sums(levels: int) -> list[Any]:
    found: list[Any] = v("a")
    for level in range(levels):
        found = ["sum", q(1), q(60), ["+", found, ["b", 0]]] if level else ["sum", q(1), q(60), ["*", found, ["b", 0]]]
    return found


BOMBS: dict[str, Any] = {
    "9**9**9**9": ["^", q(9), ["^", q(9), ["^", q(9), q(9)]]], "((9**64)**64)**64": tower(3, 64),
    "10**400 as an exponent": ["^", v("w"), q("1" + "0" * 399)], "-10**399": ["^", q(3), q("-1" + "0" * 399)],
    "2 to a huge fraction": ["^", q(2), q("1" + "0" * 30 + "/7")],
    "a root of a huge power": ["^", ["^", q(2), q(10**9)], q("1/3")],
    "exp of a huge log": ["f", "exp", ["*", q(10**30), ["f", "log", q(2)]]], "squares of squares": squares(40),
    "exp of a fraction of a log": ["f", "exp", ["*", q(f"{10**30}/7"), ["f", "log", q(2)]]],
    "sums of sums": sums(6), "a long sum": ["sum", q(1), q(10**300), ["b", 0]],
    "factorial": ["f", "factorial", q(10**300)],
    "a product of products": ["prod", q(1), q(64), ["prod", q(1), q(64), ["+", v("a"), ["b", 0], ["b", 1]]]],
    "a large prime under a root": ["f", "sqrt", q(2**607 - 1)], "log of a large number": ["f", "log", q(10**390 + 7)],
    "many arguments of max": ["f", "max", *[["f", "max", *[["+", v("a"), q(j)] for j in range(k,
        k + 16)]] for k in range(16)]],
}  # fmt: skip


def bomb_documents(name: str) -> list[Document]:
    changed = ["+", BOMBS[name], q(1)]
    return [certificate(step(rule, "=", BOMBS[name], changed)) for rule in ("identity", "log_of_product")]


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    """Whatever is too large to compute is refused before it is computed; what is small may be refused as false."""
    for document in bomb_documents(name):
        refused(document)


def doubled(arity: int) -> Document:
    """Definitions that double, each: a term of 2**39 nodes in a certificate of 4 kB."""

    def call(name: str) -> list[Any]:
        return ["call", name, ["b", 0]] if arity else v(name)

    listed: list[Any] = [["d0", arity, ["b", 0] if arity else v("w")]]
    listed += [[f"d{k}", arity, ["+", call(f"d{k - 1}"), call(f"d{k - 1}")]] for k in range(1, 40)]
    last = ["call", "d39", v("w")] if arity else v("d39")
    return dict(certificate(step("identity", "=", last, q(1)), definitions=listed))


def long_product() -> Document:
    """Many multiplications of a sum that is nearly too long."""
    left, right = (["+", *[v(f"{letter}{k}") for k in range(63)]] for letter in "xy")
    product = ["*", left, right, *[v(f"z{k}") for k in range(40)]]
    names = " ".join(f"{letter}{k}" for letter in "xyz" for k in range(63))
    return dict(certificate(step("identity", "=", product, ["+", product, q(1)]), symbols=names))


def many_facts() -> Document:
    """600 assumptions on a sum of 1000 names, of which none helps."""
    names = [f"x{k}" for k in range(1000)]
    total = ["+", *map(v, names)]
    facts = [[">", ["+", *map(v, names[k : k + 20])], q(0)] for k in range(600)]
    claim = step("positive", ">", total, q(1), form=["+", total, q(-1)])
    return dict(certificate(claim, symbols=" ".join(names), facts=facts, model=dict.fromkeys(names, "1")))


GROWING = {
    "definitions that double": doubled(0), "functions that double": doubled(1), "a long product": long_product(),
    "many facts": many_facts(), **growing.GROWING,
}  # fmt: skip


@pytest.mark.parametrize("name", GROWING)
def test_documents_that_grow(name: str) -> None:
    refused(GROWING[name])


# --- what the rules are told ----------------------------------------------------------------------------------------


def optimum(kind: str, body: list[Any]) -> list[Any]:
    return [kind, ["w"], body]


SQUARE = ["^", v("w"), q(2)]
E_T = ["ix", "e", v("t")]
CAPTURED = ["rec", "e", "t", q(0), ["diff", ["*", E_T, v("w")], v("w")], v("w"), ["*", ["^", q(2), v("t")], v("w")]]
LIES: dict[str, Document] = {
    "w inside the constant": certificate(
        step("argopt", "=", optimum("argmax", v("w")), optimum("argmax", q(0)), constant=v("w"), factor=q(1))),
    "w inside the factor": certificate(step(
        "argopt", "=", optimum("argmin", ["*", v("w"), SQUARE]), optimum("argmin", SQUARE), constant=q(0),
            factor=v("w")),
        facts=[[">", v("w"), q(0)]], model={"w": "1"}),
    "w inside the constant through a definition": certificate(
        step("argopt", "=", optimum("argmax", v("w")), optimum("argmax", q(0)), constant=v("d"), factor=q(1)),
        definitions=[["d", 0, v("w")]]),
    "factor zero": certificate(step("argopt", "=", optimum("argmin", q(1)), optimum("argmin", v("w")), constant=q(1),
        factor=q(0))),
    "factor undefined": certificate(step(
        "argopt", "=", optimum("argmin", SQUARE), optimum("argmin", SQUARE), constant=["/", q(0), q(0)], factor=q(1))),
    "max for min": certificate(step("argopt", "=", optimum("argmax", SQUARE), optimum("argmin", SQUARE),
        constant=q(0), factor=q(1))),
    "other variables": certificate(step(
        "argopt", "=", ["argmin", ["w"], SQUARE], ["argmin", ["a"], SQUARE], constant=q(0), factor=q(1))),
    "a function that is not increasing": certificate(step(
        "monotone", "=", optimum("argmin", v("w")), optimum("argmin", ["f", "abs", v("w")]), function="abs",
            inverse=False)),
    "a flag that is no bool": certificate(step("monotone", "=", optimum("argmin", SQUARE),
        optimum("argmin", ["f", "exp", SQUARE]), function="exp", inverse=0)),
    "a function that is no name": certificate(step("monotone", "=", optimum("argmin", SQUARE),
        optimum("argmin", ["f", "exp", SQUARE]), function=["exp"], inverse=False)),
    "a form that is another": certificate(step("positive", ">=", v("w"), q(0), form=SQUARE)),
    "a form that is undefined": certificate(step("positive", ">", q(1), q(0), form=["/", v("w"), v("w")])),
    "a form that may be zero": certificate(step("positive", ">", SQUARE, q(0), form=SQUARE)),
    "positive of an equality sign": certificate(step("positive", "<=>", SQUARE, SQUARE, form=q(0))),
    "unequal chained with unequal": certificate(
        step("positive", "!=", q(0), q(1), form=q(-1)), step("positive", "!=", q(1), q(0), form=q(1))),
    "less and then greater": certificate(
        step("positive", "<", q(0), q(1), form=q(-1)), step("positive", ">", q(1), q(0), form=q(1))),
    "hints for a case too few": certificate(
        step("equivalent", "<=>", ["<", v("w"), q(1)], ["<", v("w"), q(1)], forward=[], backward=[])),
    "a case out of range": certificate(step("equivalent", "<=>", ["<", v("w"), q(1)], ["<", v("w"), q(1)],
        forward=[[1, [["+", v("w"), q(-1)]]]], backward=[[0, [["+", v("w"), q(-1)]]]])),
    "a negative case": certificate(step("equivalent", "<=>", ["<", v("w"), q(1)], ["<", v("w"), q(1)],
        forward=[[-1, [["+", v("w"), q(-1)]]]], backward=[[0, [["+", v("w"), q(-1)]]]])),
    "a case without its forms": certificate(step(
        "equivalent", "<=>", ["<", v("w"), q(1)], ["<", v("w"), q(0)], forward=[[0, []]], backward=[[0, []]])),
    "wrong at the start": induction(["^", q(3), v("t")], ["*", q(3), E_T], first=2),
    "wrong after the start": induction(["^", q(2), v("t")], ["*", q(3), E_T]),
    "instances smuggled": induction(["^", q(2), v("t")], ["*", q(2), E_T]) | {"steps": [step("induction", "<=>",
        ["and"], [
        "rec", "e", "t", q(0), ["*", q(2), E_T], q(1), ["^", q(2), v("t")]], base=["=", q(1), q(1)], next=["=", q(1),
            q(1)])]},
    "the closed form is the sequence": induction(E_T, E_T),
    "another place of the sequence": induction(q(1), ["ix", "e", ["+", v("t"), q(-1)]]),
    "the sequence of the sequence": induction(q(1), ["ix", "e", E_T]),
    "the start depends on t": induction(v("t"), ["+", E_T, q(1)]) | {"steps": [step("induction", "<=>", ["and"], [
        "rec", "e", "t", v("t"), ["+", E_T, q(1)], v("t"), v("t")])], "claim": ["<=>", ["and"], [
        "rec", "e", "t", v("t"), ["+", E_T, q(1)], v("t"), v("t")]]},
    "a start that is no integer": induction(q(1), E_T) | {"steps": [step("induction", "<=>", ["and"], [
        "rec", "e", "t", q("1/2"), E_T, q(1), q(1)])],
        "claim": ["<=>", ["and"], ["rec", "e", "t", q("1/2"), E_T, q(1), q(1)]]},
    "undefined on the way": induction(q(0), ["/", E_T, v("t")], first=0),
    "a fact about t is not one about every t": induction(q(1), ["+", E_T, v("t")]) | {
        "facts": [["=", v("t"), q(0)]], "model": {"t": "0"}},
    "a recurrence equal to itself": induction(q(1), E_T) | {
        "steps": [step("identity", "<=>", *[["rec", "e", "t", q(0), E_T, q(1), q(2)]] * 2)],
        "claim": ["<=>", *[["rec", "e", "t", q(0), E_T, q(1), q(2)]] * 2]},
    "a definition captures the variable of a derivative": certificate(  # d(u) := diff(u*w, w) is u, so d(w) is w
        step("grad", "=", ["call", "d", v("w")], ["*", q(2), v("w")]),
        definitions=[["d", 1, ["diff", ["*", ["b", 0], v("w")], v("w")]]]),
    "a recurrence captures the variable of a derivative": induction(
        ["*", ["^", q(2), v("t")], v("w")], ["diff", ["*", E_T, v("w")], v("w")]) | {
            "steps": [step("induction", "<=>", ["and"], CAPTURED)], "claim": ["<=>", ["and"], CAPTURED]},
    "an undefined subdifferential is itself": certificate(
        step("identity", "=", *[["subdiff", ["/", q(1), v("w")], v("w")]] * 2)),
    "a subdifferential below itself": certificate(step("identity", "<=", *[["subdiff", SQUARE, v("w")]] * 2)),
    "an argument that is dropped and undefined": certificate(
        step("definition", "=", ["call", "d", ["/", q(1), v("w")]], q(1)), definitions=[["d", 1, q(1)]]),
    "1/N where N may be 0": certificate(
        step("sum_termwise", "=", ["sum", q(1), v("N"), ["/", q(1), v("N")]], q(1)),
        symbols="", facts=[[">=", v("N"), q(0)]], model={"N": "0"}) | {"symbols": [["N", "scalar", 0, "integer"]]},
    "1/N in a product where N may be 0": certificate(step(
        "log_of_product", "=", ["*", v("N"), ["prod", q(1), v("N"), ["/", q(1), v("N")]]],
        ["*", v("N"), ["prod", q(1), v("N"), ["/", q(2), v("N")]]]),
        symbols="", facts=[[">=", v("N"), q(0)]], model={"N": "0"}) | {"symbols": [["N", "scalar", 0, "integer"]]},
    "a fact of integers used between them": certificate(
        step("positive", "<", ["call", "g", v("w")], q(0), form=["call", "g", v("w")]), facts=[
            ["all", 1, ["<", ["ix", "y", ["b", 0]], q(0)]],
            ["all", 1, [">", ["ix", "y", ["b", 0]], ["call", "g", ["b", 0]]]]], model={"y": "-1", "g": "-2"}) | {
        "symbols": [["y", "indexed", 1, "real"], ["g", "function", 1, "real"], ["w", "scalar", 0, "real"]]},
    "a case that is a bool": certificate(step("equivalent", "<=>", ["<", v("w"), q(1)], ["<", v("w"), q(1)],
        forward=[[False, [["+", v("w"), q(-1)]]]], backward=[[0, [["+", v("w"), q(-1)]]]])),
    "a case that is a text": certificate(step("equivalent", "<=>", ["<", v("w"), q(1)], ["<", v("w"), q(1)],
        forward=[["0", [["+", v("w"), q(-1)]]]], backward=[[0, [["+", v("w"), q(-1)]]]])),
    "names of an optimum as a text": certificate(step("identity", "=", *[["argmin", "w", SQUARE]] * 2)),
    "a derivative by identity": certificate(step("identity", "=", ["diff", SQUARE, v("w")], ["*", q(2), v("w")])),
    "a derivative by log_of_product": certificate(
        step("log_of_product", "=", ["diff", SQUARE, v("w")], ["*", q(2), v("w")])),
    "a sum by identity": certificate(step("identity", "=", ["sum", q(1), v("t"), q(1)], v("t")),
        symbols="", facts=[[">=", v("t"), q(0)]], model={"t": "0"}) | {"symbols": [["t", "scalar", 0, "integer"]]},
    "two sums by identity": certificate(step(
        "identity", "=", ["+", ["sum", q(1), v("t"), ["b", 0]], ["sum", q(1), v("t"), q(1)]],
        ["sum", q(1), v("t"), ["+", ["b", 0], q(1)]]), symbols="") | {"symbols": [["t", "scalar", 0, "integer"]]},
    "a logarithm by sum_termwise": certificate(
        step("sum_termwise", "=", ["f", "log", ["f", "exp", v("w")]], v("w"))),
    "a product of exponentials by sum_termwise": certificate(step(
        "sum_termwise", "=", ["prod", q(1), v("t"), ["f", "exp", ["b", 0]]],
        ["f", "exp", ["sum", q(1), v("t"), ["b", 0]]]), symbols="") | {"symbols": [["t", "scalar", 0, "integer"]]},
    "induction by an equality sign": induction(q(1), E_T) | {
        "steps": [step("induction", "=", ["and"], ["rec", "e", "t", q(0), E_T, q(1), q(1)])],
        "claim": ["=", ["and"], ["rec", "e", "t", q(0), E_T, q(1), q(1)]]},
    "induction from a claim that is false": induction(q(1), E_T) | {
        "steps": [step("induction", "<=>", ["<", q(1), q(0)], ["rec", "e", "t", q(0), E_T, q(1), q(1)])],
        "claim": ["<=>", ["<", q(1), q(0)], ["rec", "e", "t", q(0), E_T, q(1), q(1)]]},
    "a subdifferential above its interval": certificate(
        step("subgrad_abs", ">=", ["subdiff", SQUARE, v("w")], ["interval", *[["*", q(2), v("w")]] * 2])),
    "an optimum below itself": certificate(
        step("argopt", "<=", optimum("argmin", SQUARE), optimum("argmin", SQUARE), constant=q(0), factor=q(1))),
    "an equivalence by an equality sign": certificate(step("equivalent", "=", ["<", v("w"), q(1)], ["<", v("w"), q(1)],
        forward=[[0, [["+", v("w"), q(-1)]]]], backward=[[0, [["+", v("w"), q(-1)]]]])),
    "numbers joined like claims": certificate(step("identity", "<=>", v("w"), v("w"))),
    "claims joined like numbers": certificate(step("identity", "=", *[["<", v("w"), q(1)]] * 2)),
    "claims in an order": certificate(step("identity", "<=", *[["<", v("w"), q(1)]] * 2)),
    "comparisons of other kinds": certificate(step("identity", "<=>", ["<", v("w"), q(1)], ["<=", v("w"), q(1)])),
    "a claim with a part too many": certificate(step("identity", "<=>", ["and", *[["<", v("w"), q(1)]] * 2],
        ["and", *[["<", v("w"), q(1)]] * 3])),
    "optima over other variables": certificate(
        step("identity", "=", ["argmin", ["w"], SQUARE], ["argmin", ["a"], SQUARE])),
    "a defined variable of an optimum": certificate(step(
        "argopt", "=", ["argmin", ["d"], SQUARE], ["argmin", ["d"], SQUARE], constant=q(0), factor=q(1)),
        definitions=[["d", 0, v("w")]]),
    "an assumption for all that is nowhere defined": certificate(
        step("identity", "=", q(1), q(1)), facts=[["all", 1, ["=", *[["f", "log", ["ix", "y", ["b", 0]]]] * 2]]],
        model={"y": "-1"}) | {"symbols": [["y", "indexed", 1, "real"]]},
    "an integer that is a fraction at the model": certificate(
        step("identity", "=", q(1), q(1)), facts=[[">", v("t"), q(0)], ["<", v("t"), q(1)]],
        model={"t": "1/2"}) | {"symbols": [["t", "scalar", 0, "integer"]]},
    "a false recurrence": induction(q(1), E_T) | {
        "steps": [step("identity", "<=>", ["and"], ["rec", "e", "t", q(0), E_T, q(1), q(2)])],
        "claim": ["<=>", ["and"], ["rec", "e", "t", q(0), E_T, q(1), q(2)]]},
}  # fmt: skip


def step_size(relation: str) -> Document:
    """|1 - eta*lam| < 1 <=> 0 < eta & eta < 2/lam, with its hints; the relation is that of the upper end."""
    lam, eta = v("lam"), v("eta")
    inner, top = ["+", q(1), ["neg", ["*", eta, lam]]], ["/", q(2), lam]
    forward = [[0, [["neg", ["/", ["*", eta, lam], lam]], ["/", ["+", ["*", eta, lam], q(-2)], lam]]]]
    backward = [[0, [["neg", ["*", eta, lam]], ["*", lam, ["+", eta, ["neg", top]]]]]]
    after = ["and", ["<", q(0), eta], [relation, eta, top]]
    claim = step("equivalent", "<=>", ["<", ["f", "abs", inner], q(1)], after, forward=forward, backward=backward)
    return dict(certificate(claim, symbols="eta lam", facts=[[">", lam, q(0)]], model={"lam": "1"}))


UNDEFINED_START = ["<=>", ["and"], ["rec", "e", "t", q(0), ["ix", "e", v("t")], ["/", v("w"), v("w")], q(1)]]
LIES |= {
    "monotone turns max into min": certificate(step("monotone", "=", optimum("argmax", v("w")),
        optimum("argmin", ["f", "exp", v("w")]), function="exp", inverse=False)),
    "monotone of what is no optimum": certificate(step("monotone", "=", ["neg", v("w")],
        optimum("argmin", ["f", "exp", v("w")]), function="exp", inverse=False)),
    "a subgradient of what is undefined": certificate(step("subgrad_abs", "=",
        ["subdiff", ["/", q(1), v("w")], v("w")],
        ["interval", ["neg", ["^", v("w"), q(-2)]], ["neg", ["^", v("w"), q(-2)]]])),
    "a product of two moving absolute values": certificate(step("subgrad_abs", "=",
        ["subdiff", ["*", ["f", "abs", v("w")], ["+", v("w"), q(-1)]], v("w")], ["interval", q(-1), q(1)]),
        facts=[["=", v("w"), q(0)]], model={"w": "0"}),
    "an absolute value in a denominator": certificate(step("subgrad_abs", "=",
        ["subdiff", ["/", q(1), ["+", q(1), ["f", "abs", v("w")]]], v("w")], ["interval", q(-1), q(1)]),
        facts=[["=", v("w"), q(0)]], model={"w": "0"}),
    "a start that is undefined": induction(q(1), ["ix", "e", v("t")]) | {"claim": UNDEFINED_START, "steps": [
        step("induction", "<=>", ["and"], UNDEFINED_START[2])]},
}  # fmt: skip
ACCEPTED = {
    "step size": step_size("<"),
    "a corner of what is not convex": certificate(
        step("subgrad_abs", "=", ["subdiff", ["f", "abs", ["+", v("w"), ["neg", ["^", v("w"), q(3)]]]], v("w")],
             ["interval", q(-1), q(1)]), facts=[["=", v("w"), q(0)]], model={"w": "0"}),
}  # fmt: skip
ACCEPTED |= lies.ACCEPTED
LIES |= lies.LIES
LIES["step size, closed end"] = step_size("<=")
LIES["step size, lam of unknown sign"] = step_size("<") | {"facts": [["!=", v("lam"), q(0)]]}


@pytest.mark.parametrize("name", LIES)
def test_hints_and_rules_that_lie(name: str) -> None:
    refused(LIES[name])


@pytest.mark.parametrize("name", ACCEPTED)
def test_certificates_written_by_hand(name: str) -> None:
    check(ACCEPTED[name])

"""Certificates that would keep a checker busy for ever: they have to be refused in time, by what they cost."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

if "symstep_lies" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location("symstep_lies", Path(__file__).resolve().parent / "lies.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_lies"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_lies"])
lies = sys.modules["symstep_lies"]
A, FROM_ONE, GRAD, INDEX, N, ONE, SIZE, W = (
    lies.A, lies.FROM_ONE, lies.GRAD, lies.INDEX, lies.N, lies.ONE, lies.SIZE, lies.W,
)  # fmt: skip
add, call, claim, diff, f, how, mul, positive, q, sub, total, y = (
    lies.add, lies.call, lies.claim, lies.diff, lies.f, lies.how, lies.mul, lies.positive, lies.q, lies.sub, lies.total,
    lies.y,
)  # fmt: skip
Document = dict[str, Any]


def many(body: Any, *variables: Any) -> list[Any]:
    for x in variables:
        body = diff(body, x)
    return list(body)


def unequal(rule: str, term: Any, *facts: Any) -> Document:
    return claim(rule, "=", term, add(term, ONE), *facts)


def sums(body: Any, *tops: Any) -> list[Any]:
    for top in tops:
        body = total(body, top)
    return list(body)


def split(deep: int) -> Document:
    return how("cases", on=add(W, q(deep)), steps=[split(deep - 1)] * 2) if deep else positive(sub(SIZE, ONE))


def nested(deep: int) -> Document:
    found = GRAD
    for _ in range(deep):
        found = how("termwise", each=found)
    return found


FIVE = [["b", k] for k in range(5)]
PLACES = [add(W, A, q(k)) for k in range(40)]
GROWING: dict[str, Document] = {
    "60 derivatives of a power": unequal("grad", many(["^", W, q(120)], *[W] * 60)),
    "8 derivatives of a product by turns": unequal("grad", many(mul(*PLACES), *[A, W] * 4)),
    "12 derivatives of a quotient": unequal("grad", many(["/", ONE, add(ONE, f("exp", W))], *[W] * 12)),
    "corners in a product": claim("subgrad_abs", "=", ["subdiff", mul(*[f("abs", part) for part in PLACES]), W],
                                  ["interval", q(0), ONE]),
    "the largest of 16 sums": claim("positive", ">=", f("max",
        *[add(*[y(q(k + j)) for j in range(10)]) for k in range(16)]),
                                    q(0), form=f("max", *[add(*[y(q(k + j)) for j in range(10)]) for k in range(16)])),
    "5 sums over other ranges": unequal("grad", sums(f("exp", add(*map(y, FIVE), mul(*FIVE))), *[add(N,
        q(k)) for k in range(5)]),
                                        FROM_ONE),
    "5 sums over one range": unequal("grad", sums(mul(*map(y, FIVE), add(*FIVE)), *[N] * 5), FROM_ONE),
    "5 sums of kronecker": unequal(
        "grad", sums(mul(*[f("kronecker", FIVE[k], FIVE[k - 1]) for k in range(5)]), *[N] * 5), FROM_ONE),
    "64 sums of 64": unequal("grad", sums(mul(f("kronecker", *FIVE[:2]), y(FIVE[0])), q(64), q(64))),
    "hints of a large defined term": claim(
        "equivalent", "<=>", ["<", W, ONE], ["<", W, ONE], forward=[[0, [call("d10", W)] * 1000]], backward=[],
        defined=[["d0", 1, INDEX]] + [[f"d{j}", 1, add(*[call(f"d{j - 1}", INDEX)] * 2)] for j in range(1, 11)]),
    "cases in cases": claim("cases", ">=", SIZE, ONE, on=A, steps=[split(8)] * 2),
    "sums in sums": claim("termwise", "=", total(INDEX), total(INDEX), each=nested(200)),
}  # fmt: skip

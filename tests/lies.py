"""Certificates that lie about steps in steps, derivatives by places, corners, named slopes and kronecker.

LIES must be refused. ACCEPTED are what the lies are made from, with nothing wrong in them.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

if "symstep_documents" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location("symstep_documents", Path(__file__).resolve().parent / "documents.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_documents"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_documents"])
documents = sys.modules["symstep_documents"]
v, q, step = documents.v, documents.q, documents.step
Document = dict[str, Any]
LIES: dict[str, Document] = {}
ACCEPTED: dict[str, Document] = {}

INDEX: list[Any] = ["b", 0]
W, A, N, K, ONE = v("w"), v("a"), v("n"), v("k"), q(1)
NAMES = {"w": "real", "a": "real", "s": "real", "n": "integer", "k": "integer", "m": "integer"}
OTHERS: list[Any] = [["y", "indexed", 1, "real"], ["p", "indexed", 1, "integer"], ["z", "indexed", 2, "real"]]
OTHERS += [[name, "function", 1, "real"] for name in ("f", "g")] + [["h", "function", 2, "real"]]
MODEL = {"w": "0", "a": "0", "s": "1/2", "n": "1", "k": "1", "m": "1", "y": "0", "p": "1", "f": "0", "g": "0", "h": "0"}


def f(name: str, *parts: Any) -> list[Any]:
    return ["f", name, *parts]


def call(name: str, *parts: Any) -> list[Any]:
    return ["call", name, *parts]


def y(index: Any) -> list[Any]:
    return ["ix", "y", index]


def add(*parts: Any) -> list[Any]:
    return ["+", *parts]


def sub(left: Any, right: Any) -> list[Any]:
    return ["+", left, ["neg", right]]


def mul(*parts: Any) -> list[Any]:
    return ["*", *parts]


def total(body: Any, hi: Any = N) -> list[Any]:
    return ["sum", ONE, hi, body]


def diff(body: Any, x: Any = W) -> list[Any]:
    return ["diff", body, x]


def claim(
    rule: str, relation: str, left: Any, right: Any, *facts: Any, defined: Any = (), model: Any = (), **hints: Any
) -> Document:
    """One step over all the names; `model` says what is not as in MODEL."""
    symbols = [[name, "scalar", 0, kind] for name, kind in NAMES.items()] + OTHERS
    parts: Any = {"facts": list(facts), "model": MODEL | dict(model), "definitions": list(defined)}
    return dict(documents.certificate(step(rule, relation, left, right, **hints), symbols="", **parts)) | {
        "symbols": symbols
    }


def own(name: str, *parts: Any, **hints: Any) -> Document:
    """A step about a positive number and a function that has the name of one of ours."""
    symbols = [["w", "scalar", 0, "real"], [name, "function", 1, "real"]]
    return claim(*parts, [">", W, q(0)], **hints) | {"symbols": symbols, "model": {"w": "1", name: "0"}}


def how(rule: str, **hints: Any) -> Document:
    return {"rule": rule, **hints}


def positive(form: Any) -> Document:
    return how("positive", form=form)


GRAD = how("grad")
AT_ZERO, POSITIVE, FROM_ONE = ["=", W, q(0)], [">", W, q(0)], [">=", N, ONE]

# --- powers of numbers from 0 to 1 ----------------------------------------------------------------------------------

POWER = ["^", W, N]
BELOW_ONE, AT_LEAST_ZERO, HALVES = ["<", W, ONE], [">=", W, q(0)], {"w": "1/2", "s": "2"}


def below(power: Any, *facts: Any, relation: str = ">", **model: str) -> Document:
    """That 1 - power is positive, by its sign alone."""
    return claim("positive", relation, ONE, power, *facts, form=sub(ONE, power), model=HALVES | model)


LIES |= {
    "a power of what may be below 0": below(POWER, BELOW_ONE, FROM_ONE),
    "a power of what may be below -1": below(POWER, ["<=", W, ONE], FROM_ONE, relation=">="),
    "a power of what may be 1": below(POWER, AT_LEAST_ZERO, ["<=", W, ONE], FROM_ONE),
    "a power whose exponent may be 0": below(POWER, AT_LEAST_ZERO, BELOW_ONE, [">=", N, q(0)]),
    "a power of 0 whose exponent is 0": below(POWER, AT_ZERO, ["=", N, q(0)], w="0", n="0"),
    "a power whose exponent may be below 0": below(POWER, POSITIVE, BELOW_ONE, relation=">="),
    "a power whose exponent is no integer": below(["^", W, v("s")], AT_LEAST_ZERO, BELOW_ONE, [">=", v("s"), ONE]),
    "a power times what may be above 1": below(mul(POWER, A), AT_LEAST_ZERO, BELOW_ONE, FROM_ONE, [">=", A, q(0)]),
    "a power times what may be below 0": below(
        mul(POWER, A), ["<=", W, ONE], ["<=", A, ONE], FROM_ONE, relation=">="),
    "a power over a number up to 1": below(
        ["/", POWER, A], POSITIVE, BELOW_ONE, FROM_ONE, [">", A, q(0)], BELOW_ONE, ["<=", A, ONE], a="1"),
    "a power times 2": below(mul(q(2), POWER), AT_LEAST_ZERO, BELOW_ONE, FROM_ONE, relation=">=", w="0"),
}  # fmt: skip
ACCEPTED |= {
    "a power below 1": below(POWER, AT_LEAST_ZERO, BELOW_ONE, FROM_ONE),
    "a power of at most 1": below(POWER, AT_LEAST_ZERO, ["<=", W, ONE], [">=", N, q(0)], relation=">="),
    "a power times a number up to 1": below(
        mul(POWER, A), AT_LEAST_ZERO, BELOW_ONE, FROM_ONE, [">=", A, q(0)], ["<=", A, ONE]),
}  # fmt: skip

# --- derivatives ----------------------------------------------------------------------------------------------------

OWN = [["d", 1, diff(mul(INDEX, A), INDEX)]]  # d(u) := diff(u*a, u)
LIES |= {
    "the variable of a derivative is a parameter, and its value occurs": claim(
        "grad", "=", call("d", A), mul(q(2), A), defined=OWN),
    "the variable of a derivative is a parameter": claim("grad", "=", call("d", W), A, defined=OWN),
    "the variable of a derivative is an index": claim("grad", "=", total(diff(mul(INDEX, A), INDEX), q(2)), mul(q(2),
        A)),
    "a derivative by a number": claim("grad", "=", diff(W, ONE), q(0)),
    "a derivative by a function": claim("grad", "=", diff(call("f", W), call("f", W)), ONE),
    "a derivative by a place that depends on the family": claim(
        "grad", "=", diff(["ix", "p", ["ix", "p", ONE]], ["ix", "p", ["ix", "p", ONE]]), ONE),
    "a derivative at a place that depends on the family": claim(
        "grad", "=", diff(["ix", "p", ["ix", "p", ONE]], ["ix", "p", q(2)]), f("kronecker", ["ix", "p", ONE], q(2))),
    "a derivative by a place that is no integer": claim("grad", "=", diff(A, y(W)), q(0)),
    "a derivative by the place of another": claim("grad", "=", diff(diff(mul(A, q(2)), y(K)), K), q(0)),
    "a derivative by an index of a family": claim("grad", "=", diff(y(N), N), q(0)),
    "a derivative by the end of a range": claim("grad", "=", diff(total(A), N), A, FROM_ONE),
    "a place among two": claim("grad", "=", diff(["ix", "z", ONE, N], ["ix", "z", ONE, K]), ONE),
    "a place taken for another": claim("grad", "=", diff(y(N), y(K)), ONE),
    "a function of a place and of the family": claim(
        "grad", "=", diff(call("h", y(N), y(K)), y(N)), q(0), ["differentiable", "h"]),
    "a sum by a place that may be outside": claim("grad", "=", diff(total(["^", y(INDEX), q(2)]), y(K)), mul(q(2),
        y(K))),
    # sign(w) jumps at w = 0, and the slope by a is 1 only where a + sign(w) > 0
    "a second derivative across a jump": claim(
        "grad", "=", diff(diff(f("max", add(A, f("sign", W)), q(0)), A), W), q(0), AT_ZERO, [">", A, q(0)],
            model={"a": "1"}),
    "a second derivative at a corner of the slope": claim("grad", "=", diff(diff(mul(W, f("abs", W)), W), W), q(0),
        AT_ZERO),
    "a corner": claim("grad", "=", diff(f("abs", W)), q(0), AT_ZERO),
    "a corner of a corner": claim("grad", "=", diff(f("abs", f("abs", W))), q(0), AT_ZERO),
    "a jump": claim("grad", "=", diff(f("sign", W)), q(0), AT_ZERO),
    "a jump from both sides": claim("subgrad_abs", "=", ["subdiff", f("sign", W), W], ["interval", q(0), q(0)],
        AT_ZERO),
    "a tie": claim("grad", "=", diff(f("max", W, q(0))), ONE, AT_ZERO),
    "a tie of the smallest": claim("grad", "=", diff(f("min", W, A)), ONE, ["=", W, A]),
    "a tie of three": claim("grad", "=", diff(f("max", W, q(0), ["neg", W])), q(0), AT_ZERO),
    "a tie from the wrong side": claim(
        "subgrad_abs", "=", ["subdiff", f("max", W, mul(q(2), W)), W], ["interval", q(2), ONE], AT_ZERO),
    "a tie of the smallest as if of the largest": claim(
        "subgrad_abs", "=", ["subdiff", f("min", W, mul(q(2), W)), W], ["interval", ONE, q(2)], AT_ZERO),
    "a root of a corner": claim("grad", "=", diff(f("sqrt", f("abs", W))), q(0), AT_ZERO),
    "a power of unknown exponent at 0": claim("grad", "=", diff(["^", W, K]), mul(K, ["^", W, sub(K, ONE)]), [">=", K,
        q(0)]),
    "a product as if it were a sum": claim(
        "grad", "=", diff(["prod", ONE, N, mul(INDEX, W)]), ["prod", ONE, N, INDEX]),
    "gamma as if it were the largest": claim("grad", "=", diff(f("gamma", W)), ONE, POSITIVE, model={"w": "1"}),
    **{f"a function of one's own called {name}": own(name, "grad", "=", diff(call(name, W)), slope) for name, slope in (
        ("exp", f("exp", W)), ("abs", ONE), ("max", ONE), ("sum", ONE))},
    "a function of one's own below what abs is": own("abs", "positive", ">=", call("abs", W), W, form=sub(call("abs",
        W), W)),
    "gamma, by the slope of a function of that name": own(
        "gamma", "grad", "=", diff(f("gamma", W)), call("gamma", W), ["slope", "gamma", "gamma", 0]),
    "gamma, differentiable as a function of that name": own(
        "gamma", "grad", "=", *[diff(f("gamma", W))] * 2, ["differentiable", "gamma"]),
    "a kronecker by its argument": claim("grad", "=", diff(f("kronecker", N, ONE), N), q(0)),
    "a derivative and its sum by a number": claim("termwise", "=", diff(total(INDEX), ONE), total(INDEX),
        each=how("identity")),
    "the terms of a derivative at their corners": claim(
        "termwise", "=", diff(total(f("abs", sub(W, y(INDEX))))), total(f("sign", sub(W, y(INDEX)))), each=GRAD),
    "a derivative term by term, by the end of the range": claim(
        "termwise", "=", diff(total(mul(INDEX, N)), N), total(INDEX), each=GRAD),
}  # fmt: skip
ACCEPTED |= {
    "a power 0 at 0": claim("grad", "=", diff(["^", W, q(0)]), q(0), AT_ZERO),
    "a place of two indices": claim("grad", "=", diff(["ix", "z", ONE, N], ["ix", "z", ONE, K]), f("kronecker", N, K)),
    "a family of integers": claim("grad", "=", diff(["^", ["ix", "p", K], q(2)], ["ix", "p", K]), mul(q(2), ["ix",
        "p", K])),
    "the same twice in max": claim("subgrad_abs", "=", ["subdiff", f("max", W, W), W], ["interval", ONE, ONE]),
    "a second derivative beside a jump": claim(
        "grad", "=", diff(diff(f("max", add(A, f("sign", W)), q(0)), A), W), q(0), POSITIVE, [">", A, q(0)],
        model={"a": "1", "w": "1"}),
    "the derivative of a sum, term by term": claim(
        "termwise", "=", diff(total(mul(INDEX, W))), total(INDEX), each=GRAD),
    "the variable of a derivative in a definition": claim(
        "grad", "=", call("d", A), A, defined=[["d", 1, diff(mul(INDEX, W))]]),
}  # fmt: skip

# --- named slopes ---------------------------------------------------------------------------------------------------

SLOPE = ["slope", "f", "g", 0]
CHAIN = diff(call("f", ["^", W, q(2)]))


def named(stated: Any, right: Any = None) -> Document:
    right = mul(call("g", ["^", W, q(2)]), q(2), W) if right is None else right
    return claim("grad", "=", CHAIN, right, stated)


def fact(stated: Any, **parts: Any) -> Document:
    """One is one; the assumption alone is not in order."""
    return claim("identity", "=", ONE, ONE, stated, **parts)


LIES |= {
    "a slope without its inner derivative": named(SLOPE, right=call("g", ["^", W, q(2)])),
    "a slope of another arity": fact(["slope", "f", "h", 0]),
    "a slope by an argument that is not there": fact(["slope", "f", "g", 1]),
    "a slope by an argument before the first": fact(["slope", "f", "g", -1]),
    "a slope by a bool": fact(["slope", "f", "g", False]),
    "a slope by a text": fact(["slope", "f", "g", "0"]),
    "a slope of a family": fact(["slope", "y", "g", 0]),
    "a slope that is a family": fact(["slope", "f", "y", 0]),
    "a slope of a defined function": fact(["slope", "d", "g", 0], defined=[["d", 1, INDEX]]),
    "a slope that is a defined function": fact(["slope", "f", "d", 0], defined=[["d", 1, INDEX]]),
    "a slope that is not 0 in the model": fact(SLOPE, model={"g": "1"}),
    "a slope of a constant function that is positive": claim(
        "positive", ">", ONE, q(0), SLOPE, ["all", 1, ["=", call("f", INDEX), q(3)]], ["all", 1, [">", call("g",
            INDEX), q(0)]],
        form=ONE, model={"f": "3", "g": "1"}),
    "a slope for all": fact(["all", 1, SLOPE]),
    "a slope as a claim": claim("identity", "<=>", SLOPE, SLOPE),
    "a slope under an and": claim("identity", "<=>", ["and", SLOPE, SLOPE], ["and", SLOPE, SLOPE]),
    "a slope that nobody stated": named(["differentiable", "g"]),
    "a slope by the other argument": claim(
        "grad", "=", diff(call("h", W, A)), call("h", W, A), ["slope", "h", "h", 1]),
    "a slope by both arguments": claim("grad", "=", diff(call("h", W, W)), call("h", W, W), ["slope", "h", "h", 0]),
    "a second derivative of a slope that has none": claim(
        "grad", "=", diff(diff(call("f", W))), diff(call("g", W)), SLOPE),
}  # fmt: skip
ACCEPTED |= {
    "a slope": named(SLOPE),
    "a slope of itself": claim("grad", "=", diff(call("f", mul(q(2), W))), mul(q(2), call("f", mul(q(2), W))),
        ["slope", "f", "f", 0]),
    "a slope by one of two arguments": claim(
        "grad", "=", diff(call("h", A, W)), call("h", A, W), ["slope", "h", "h", 1]),
}  # fmt: skip

# --- induction on an integer ----------------------------------------------------------------------------------------

FALLING = ["all", 1, [">=", call("f", INDEX), call("f", sub(INDEX, ONE))]]  # f(u) >= f(u - 1) for every real u


def periodic(start: Any, *facts: Any) -> Document:
    """f(start), f(start + 1), ... are >= 0; that says something of f(n) only where the start is an integer."""
    steps = [positive(call("f", start)), positive(call("f", add(N, ONE)))]
    given = (FROM_ONE, [">=", call("f", start), q(0)], FALLING, *facts)
    return claim("induction_on", ">=", call("f", N), q(0), *given, over="n", start=start, steps=steps)


def gauss(
    n: str = "n", start: Any = ONE, right: Any = None, steps: Any = (GRAD, GRAD), facts: Any = (FROM_ONE,)
) -> Document:
    """1 + ... + n = n*(n + 1)/2"""
    right = ["/", mul(v(n), add(v(n), ONE)), q(2)] if right is None else right
    return claim("induction_on", "=", total(INDEX, v(n)), right, *facts, over=n, start=start, steps=list(steps))


def inductive(relation: str, left: Any, right: Any, *facts: Any, steps: Any = None, model: Any = ()) -> Document:
    """Each step by its difference, in the way that the claim itself goes."""
    if steps is None:
        steps = [positive(sub(put(left, at), put(right, at))) for at in (ONE, add(N, ONE))]
    return claim("induction_on", relation, left, right, FROM_ONE, *facts, over="n", start=ONE, steps=steps, model=model)


def put(term: Any, value: Any) -> Any:
    return value if term == N else [put(part, value) for part in term] if isinstance(term, list) else term


LIES |= {
    "induction from a fraction": periodic(q("1/2")),
    "induction from a real": periodic(v("s"), [">", v("s"), q(0)], ["<", v("s"), ONE], [">=", N, v("s")]),
    "induction over a real": claim("induction_on", ">=", ["^", W, q(2)], q(0), [">=", W, ONE], over="w", start=ONE,
                                   steps=[positive(["^", ONE, q(2)]), positive(["^", add(W, ONE), q(2)])],
                                       model={"w": "1"}),
    "induction over a family": gauss() | {"steps": [gauss()["steps"][0] | {"over": "p"}]},
    "induction over a name that is nowhere": gauss() | {"steps": [gauss()["steps"][0] | {"over": "#0"}]},
    "induction from a start that is not known": gauss(facts=()),
    "induction from a start too late": gauss(start=q(2)),
    "induction from itself": gauss(start=N, facts=()),
    "induction without its first step": gauss(steps=(GRAD,)),
    "induction with a step too many": gauss(steps=(GRAD, GRAD, GRAD)),
    "induction with a false start": gauss(right=add(ONE, ["/", mul(N, add(N, ONE)), q(2)])),
    "induction with a false step": gauss(right=N),
    "what is assumed of this n, for every n": inductive("<=", N, q(2), ["=", N, q(2)], model={"n": "2"}),
    "what is assumed of a number and this n": inductive(">=", A, N, [">=", A, N], model={"a": "1"}),
    "what is assumed of a family and this n": inductive(
        ">=", y(ONE), N, ["all", 1, [">=", y(INDEX), N]], model={"y": "1"}),
    "the claim for the one before, without its start": inductive(">=", call("f", N), q(0), FALLING),
    "induction by a step that proves less": inductive(">", call("f", N), q(0), FALLING, [">=", call("f", ONE), q(0)]),
    "induction under a derivative": inductive("=", diff(["^", N, q(2)], N), mul(q(2), N), steps=[GRAD, GRAD]),
    "induction where it is undefined at the start": inductive("=", ["/", sub(N, ONE), sub(N, ONE)], ONE, steps=[GRAD,
        GRAD]),
    "induction where it is undefined later": inductive(
        "=", ["/", sub(N, q(5)), sub(N, q(5))], ONE, ["<", N, q(5)], steps=[GRAD, GRAD]),
    "induction of what is no comparison": claim("induction_on", "<=>", ["<", N, q(9)], ["<", N, q(9)], FROM_ONE,
        over="n",
                                                start=ONE, steps=[how("identity"), how("identity")]),
    "induction of an optimum": claim("induction_on", "=", ["argmin", ["w"], N], ["argmin", ["w"], q(0)], FROM_ONE,
        over="n",
                                     start=ONE, steps=[how("identity"), how("identity")]),
}  # fmt: skip
ACCEPTED |= {
    "induction": gauss(),
    "induction from a start that is enough": periodic(ONE),
    "induction on an index": claim(
        "termwise", ">=", total(["^", q(2), INDEX]), total(INDEX), FROM_ONE, each=how(
            "induction_on", over="#0", start=ONE, steps=[
                positive(ONE), positive(add(mul(q(2), sub(["^", q(2), v("#0")], v("#0"))), sub(v("#0"), ONE)))])),
}  # fmt: skip

# --- cases, and term by term ----------------------------------------------------------------------------------------

SIZE = mul(f("sign", W), W)


def cases(relation: str, left: Any, right: Any, steps: Any, *facts: Any, on: Any = W, model: Any = ()) -> Document:
    return claim("cases", relation, left, right, *facts, on=on, steps=steps, model=model)


def terms(relation: str, left: Any, right: Any, each: Any, *facts: Any) -> Document:
    return claim("termwise", relation, left, right, *facts, each=each)


LIES |= {
    "the case of 0 left out": cases("=", f("sign", ["^", W, q(2)]), ONE, [GRAD, GRAD]),
    "the case of 0 as another": cases("=", ["^", f("sign", W), q(2)], ONE, [GRAD, GRAD, GRAD]),
    "one case for all": cases("=", f("abs", W), W, [GRAD]),
    "four cases": cases("=", f("abs", W), SIZE, [GRAD] * 4),
    "no case": cases("=", f("abs", W), W, []),
    "one case where two are possible": cases("=", f("abs", W), W, [GRAD], [">=", W, q(0)]),
    "a false case": cases("=", f("abs", W), W, [GRAD, GRAD]),
    "cases of what is undefined": cases("=", f("abs", W), SIZE, [GRAD] * 3, on=["/", ONE, W]),
    "cases where a side is undefined": cases("=", ["/", W, W], ONE, [GRAD] * 3),
    "cases at a corner": cases("=", diff(f("abs", W)), f("sign", W), [GRAD] * 3),
    "cases of an optimum": cases("=", ["argmin", ["w"], f("abs", W)], ["argmin", ["w"], W], [how("identity")] * 3,
        POSITIVE,
                                 model={"w": "1"}),
    "cases of the variable of an optimum": cases(
        "=", ["argmin", ["w"], f("abs", W)], ["argmin", ["w"], mul(f("sign", W), W)],
        [how("argopt", constant=q(0), factor=ONE)] * 3),
    "cases of a claim": cases("=", f("abs", W), SIZE, [GRAD] * 3, on=["<", W, q(0)]),
    "cases by a rule that is none": cases("=", f("abs", W), SIZE, [how("cases2")] * 3),
    "cases that lack a hint": cases(">=", f("abs", W), q(0), [how("positive")] * 3),
    "cases with a hint too many": cases("=", f("abs", W), SIZE, [how("grad", form=W)] * 3),
    "cases with sides of their own": cases("=", f("abs", W), SIZE, [{"rule": "grad", "from": W, "to": W}] * 3),
    "cases as an object": cases("=", f("abs", W), SIZE, {"0": GRAD}),
    "cases by a text": cases("=", f("abs", W), SIZE, "grad"),
    "term by term, other ranges": terms("=", total(INDEX), total(INDEX, K), how("identity")),
    "term by term, up to what is no integer": terms("=", total(INDEX, W), total(INDEX, W), GRAD),
    "term by term, strictly": terms("<", total(q(0)), total(ONE), positive(q(-1))),
    "term by term of products": terms("=", ["prod", ONE, N, INDEX], ["prod", ONE, N, INDEX], how("identity")),
    "term by term, turned round": terms("<=", total(["^", y(INDEX), q(2)]), total(f("abs", y(INDEX))), GRAD),
    "term by term, false": terms("=", total(INDEX), total(mul(q(2), INDEX)), GRAD),
    "term by term, by a sum of the same size": terms("=", total(INDEX), total(sub(add(N, ONE), INDEX)), GRAD),
    "term by term where a term is undefined": terms(
        "=", total(["/", y(INDEX), y(INDEX)]), total(ONE), GRAD),
    "term by term, the index outside": terms("=", total(INDEX), total(INDEX), positive(["b", 0])),
    "term by term, an index that is not open": terms(">=", total(ONE), total(q(0)), positive(v("#1"))),
    "an index where no sum is open": claim("positive", ">=", ONE, q(0), form=add(v("#0"), ["neg", v("#0")], ONE)),
    "an index after its sum": cases(">=", total(ONE), total(q(0)), [
        how("termwise", each=positive(ONE)), how("positive", form=add(v("#0"), total(ONE), ["neg", v("#0")]))]),
    "term by term as a list": terms("=", total(INDEX), total(INDEX), [GRAD]),
    "term by term of no sums": terms("=", W, W, GRAD),
}  # fmt: skip
ACCEPTED |= {
    "three cases": cases("=", f("abs", W), SIZE, [GRAD] * 3),
    "two cases": cases("=", f("abs", W), f("max", W, ["neg", W]), [GRAD] * 2),
    "the only case": cases("=", f("abs", W), W, [GRAD], POSITIVE, model={"w": "1"}),
    "term by term": terms(">=", total(f("abs", y(INDEX))), total(y(INDEX)), positive(sub(f("abs", y(v("#0"))),
        y(v("#0"))))),
    "term by term in terms": terms(
        ">=", total(total(f("abs", ["ix", "z", INDEX, ["b", 1]]))), total(total(["ix", "z", INDEX, ["b", 1]])),
        how("termwise", each=positive(sub(f("abs", ["ix", "z", v("#1"), v("#0")]), ["ix", "z", v("#1"), v("#0")])))),
    "cases in terms": terms("=", total(f("abs", y(INDEX))), total(mul(f("sign", y(INDEX)), y(INDEX))), how(
        "cases", on=y(v("#0")), steps=[GRAD] * 3)),
}  # fmt: skip

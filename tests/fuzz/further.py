"""Further claims: kronecker, min and max, double sums, derivatives by a place, kinks, steps that rest on other steps.

As in pairs.py nobody here says which of them are right. Where the kernel has an answer of its own (a derivative, the
slopes at a kink), it is one of the claims: it has to be the value.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from derive.kernel import derivative as kernel
from derive.kernel.poly import Context
from derive.kernel.rules import ALL
from derive.kernel.signs import assume
from derive.kernel.terms import Refused


def _sibling(name: str) -> Any:
    """A module of this folder; the tests are no package."""
    known = f"symstep_fuzz_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).resolve().parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


P = _sibling("pairs")
Term = tuple[Any, ...]
How = tuple[str, dict[str, Any]]
Claim = tuple[str, Term, Term, tuple[How, ...]]  # relation, left, right, the rules to try
add, mul, neg, sub, div, to, fn, v, q, total, raised, at = (
    P.add, P.mul, P.neg, P.sub, P.div, P.to, P.fn, P.v, P.q, P.total, P.raised, P.at,
)  # fmt: skip
ZERO, ONE, TWO, TOP, INDEX = P.ZERO, P.ONE, P.TWO, P.TOP, P.INDEX
EQUALITY: tuple[How, ...] = tuple((rule, {}) for rule in ("identity", "sum_termwise", "log_of_product", "grad"))
SLOPE = ("slope", "f", "g", 0)


def form(left: Term, right: Term) -> How:
    return "positive", {"form": sub(left, right)}


def closed(term: Term, level: int = 0) -> bool:
    """Whether no index of the term belongs to a sum outside of it."""
    if term[0] == "b":
        return bool(term[1] < level)
    inner = level + (term[0] in ("sum", "prod"))
    return all(closed(part, inner if k == 3 else level) for k, part in enumerate(term) if isinstance(part, tuple))


def splits(*terms: Term, bound: int = 0) -> list[Term]:
    """Terms whose signs tell cases apart: arguments of abs and sign, gaps of min, max and kronecker."""
    found: dict[Term, None] = {}
    for term in terms:
        for path in P.paths(term):
            node = P.get(term, path)
            if node[0] == "f" and node[1] in ("abs", "sign"):
                found[node[2]] = None
            elif node[0] == "f" and node[1] in ("min", "max", "kronecker"):
                found.update((sub(a, b), None) for a, b in combinations(node[2:], 2))
    return [term for term in found if closed(term, bound)]


def cases(rng: random.Random, inner: How, on: list[Term], deep: int = 2) -> How:
    """Cases of one of the terms, all judged alike, and cases in some of them."""
    if not on or not deep:
        return inner
    one = rng.choice(on)
    rest = [term for term in on if term != one]
    return "cases", {"on": one, "steps": [cases(rng, inner, rest, deep - 1) for _ in range(rng.choice((2, 3, 3)))]}


def hows(rng: random.Random, relation: str, left: Term, right: Term) -> tuple[How, ...]:
    """What to try for a claim: the rules by themselves, through cases, and term by term."""
    plain = [*EQUALITY, form(left, right)] if relation == "=" else [form(left, right)]
    found = [*plain, cases(rng, plain[-1], splits(left, right)), cases(rng, plain[-2:][0], splits(left, right))]
    inner = left[1] if left[0] == "diff" else left
    if inner[0] == right[0] == "sum" and inner[:3] == right[:3]:
        u, w = (("diff", left[1][3], raised(left[2])) if left[0] == "diff" else left[3]), right[3]
        each = rng.choice((("grad", {}), form(u, w)))
        found += [("termwise", {"each": each}), ("termwise", {"each": cases(rng, each, splits(u, w, bound=1))})]
    return tuple(found)


def claim(rng: random.Random, relation: str, left: Term, right: Term) -> Claim:
    if rng.random() < 0.15:
        right = P.mutated(right, rng)
    return relation, left, right, hows(rng, relation, left, right)


# --- sums -----------------------------------------------------------------------------------------------------------


def place(rng: random.Random) -> Term:
    """An integer."""
    n, m = v("n"), v("m")
    return rng.choice((n, n, m, TOP, q(1), q(2), q(3), q(0), add(n, ONE), sub(n, m), ("ix", "p", n), sub(TOP, ONE)))


def contraction(maker: Any, rng: random.Random) -> tuple[list[Term], list[Claim]]:
    """The sum of u(i)*kronecker(i, k)."""
    lo, hi = rng.choice(((ONE, TOP), (ONE, TOP), (ZERO, TOP), (ONE, q(3)), (v("m"), TOP), (ONE, v("n"))))
    k, body = place(rng), maker.term(rng.choice((0, 1, 1, 2)), 1)
    gap = rng.choice((INDEX, INDEX, INDEX, add(INDEX, ONE), neg(INDEX), mul(TWO, INDEX), ("ix", "p", INDEX)))
    delta = fn("kronecker", gap, raised(k)) if rng.random() < 0.5 else fn("kronecker", raised(k), gap)
    more = rng.choice((ONE, ONE, delta, fn("kronecker", INDEX, raised(place(rng))), to(delta, TWO)))
    there = at(body, {INDEX: k, neg(INDEX): neg(k)}.get(gap, sub(k, ONE)))
    left = total(rng.choice((mul(body, delta, more), mul(delta, body), add(mul(body, delta), body))), lo, hi)
    right = rng.choice((there, there, ZERO, mul(there, at(more, k)), add(there, total(body, lo, hi))))
    given: list[Term] = [(rng.choice((">=", ">=", ">", "<")), k, lo)] if rng.random() < 0.85 else []
    given += [(rng.choice(("<=", "<=", "<", ">")), k, hi)] if rng.random() < 0.85 else []
    found = claim(rng, "=", left, right)
    return given, [found, (*found[:3], (cases(rng, ("grad", {}), [sub(k, lo), sub(k, hi)]),))]


def swapped(term: Term, level: int = 0) -> Term:
    """The body of two sums with their indices changed round."""
    if term[0] == "b":
        return ("b", 2 * level + 1 - term[1]) if level <= term[1] <= level + 1 else term
    inner = level + (term[0] in ("sum", "prod"))
    return tuple(
        swapped(part, inner if k == 3 else level) if isinstance(part, tuple) else part for k, part in enumerate(term)
    )


def exchange(maker: Any, rng: random.Random) -> tuple[list[Term], list[Claim]]:
    """Double sums in both orders; where a range depends on the other index, that is wrong."""
    ends = (TOP, TOP, v("n"), v("m"), q(2), q(3), add(TOP, ONE), add(v("n"), TOP))
    outer, inner = rng.choice(ends), rng.choice((*ends, INDEX) if rng.random() < 0.3 else ends)
    body = maker.term(rng.choice((1, 1, 2)), 2)
    if rng.random() < 0.3:
        body = mul(body, fn("kronecker", ("b", 0), ("b", 1)))
    one, two = maker.term(1, 1), maker.term(1, 1)
    up = inner if inner == INDEX else raised(inner)
    left = total(total(body, ONE, up), ONE, outer)
    right = total(total(swapped(body), ONE, raised(outer)), ONE, inner if inner != INDEX else outer)
    roll = rng.random()
    if roll < 0.2:
        left, right = total(mul(one, total(raised(two), ONE, up)), ONE, outer), mul(
            total(one, ONE, outer), total(two, ONE, inner if inner != INDEX else outer))  # fmt: skip
    elif roll < 0.35:
        left, right = sub(total(one), total(two)), total(sub(one, two))
    elif roll < 0.45:
        left, right = mul(total(one), total(two)), total(total(mul(P.raised(one), at(raised(two, 2), INDEX))))
    elif roll < 0.55:
        left, right = total(total(fn("kronecker", ("b", 0), ("b", 1)))), TOP
    elif roll < 0.65:
        left, right = total(total(mul(body, fn("kronecker", ("b", 0), ("b", 1))))), total(at(body, INDEX))
    return [], [claim(rng, "=", left, right), claim(rng, rng.choice((">=", "<=", ">")), left, right)]


# --- functions ------------------------------------------------------------------------------------------------------


def extrema(maker: Any, rng: random.Random) -> tuple[list[Term], list[Claim]]:
    """Laws of min, max, abs, sign, exp and kronecker, some of them wrong."""
    u, w, t = (maker.term(rng.choice((0, 0, 1))) for _ in range(3))
    n, m = place(rng), place(rng)
    low, high, size, delta = fn("min", u, w), fn("max", u, w), fn("abs", sub(u, w)), fn("kronecker", n, m)
    laws: list[tuple[str, Term, Term]] = [
        ("=", add(low, high), add(u, w)), ("=", high, div(add(u, w, size), TWO)),
        ("=", low, neg(fn("max", neg(u), neg(w)))), ("=", fn("max", u, fn("max", w, t)), fn("max", t, u, w)),
        ("=", high, u), ("=", low, w), ("=", fn("max", u, u), u), ("=", sub(high, w), fn("max", sub(u, w), ZERO)),
        ("=", fn("max", u, neg(u)), fn("abs", u)), ("<=", low, u), (">=", high, div(add(u, w), TWO)),
        ("<=", fn("abs", add(u, w)), add(fn("abs", u), fn("abs", w))),
        ("<=", mul(u, w), div(add(to(u, TWO), to(w, TWO)), TWO)), (">=", fn("exp", u), add(ONE, u)),
        ("=", mul(fn("sign", u), u), fn("abs", u)), ("=", to(fn("sign", u), q(3)), fn("sign", u)), (">", high, low),
        ("=", to(delta, TWO), delta), ("=", mul(delta, sub(n, m)), ZERO), ("=", delta, fn("kronecker", m, n)),
        ("<=", delta, ONE), ("=", delta, ONE), ("=", delta, ZERO), ("<=", fn("erf", u), ONE),
        (">=", fn("sign", u), q(-1)), ("=", fn("max", u, w), fn("abs", u)),
        ("=", mul(high, t), fn("max", mul(u, t), mul(w, t))), ("<", low, high),
        ("=", sub(fn("abs", u), fn("abs", w)), fn("abs", sub(u, w))), (">", fn("exp", u), add(ONE, u)), ("<", low, u),
        (">=", fn("exp", u), add(ONE, mul(TWO, u))), (">=", high, add(u, ONE)), ("<", fn("erf", u), q("1/2")),
        ("=", fn("max", u, fn("min", w, t)), fn("min", fn("max", u, w), t)), ("=", fn("abs", low), fn("min", size, t)),
        ("<=", low, t), ("=", fn("sign", fn("sign", u)), fn("sign", u)), ("=", fn("sign", fn("abs", u)), ONE),
        ("=", fn("abs", fn("sign", u)), ONE), (">=", to(fn("sign", u), TWO), fn("sign", u)),
        ("=", fn("abs", high), high),
    ]  # fmt: skip
    return [], [claim(rng, *rng.choice(laws)), claim(rng, *rng.choice(laws))]


# --- derivatives ----------------------------------------------------------------------------------------------------


def answers(body: Term, x: Term, given: list[Term]) -> Iterator[tuple[Term, Term]]:
    """The derivative that the kernel itself finds, and the ends of the subdifferential."""
    try:
        ctx = Context(P.KINDS, ALL)
        for number, fact in enumerate(given):
            ctx = assume(fact, ctx, number)
        yield ("subdiff", body, x), ("interval", *(kernel.derivative(body, x, ctx, side) for side in (-1, 1)))
        yield ("diff", body, x), kernel.slope(("diff", body, x), ctx)
    except (Refused, RecursionError, ArithmeticError, ValueError, TypeError, IndexError):
        return


def by_place(maker: Any, rng: random.Random) -> tuple[list[Term], list[Claim]]:
    """Derivatives by y[k], also second ones."""
    spots = [("ix", "y", place(rng)) for _ in range(2)]
    body = maker.term(rng.choice((1, 1, 2)), 1)
    body = rng.choice((body, mul(("ix", "y", INDEX), body), to(("ix", "y", INDEX), TWO), fn("abs", ("ix", "y", INDEX))))
    whole = rng.choice((total(body), total(body), total(body, ONE, q(3)), at(body, spots[0][2])))
    whole = rng.choice((whole, whole, mul(whole, spots[1]), fn("exp", whole), div(whole, spots[0])))
    x, given = spots[0], [(">=", spots[0][2], ONE), ("<=", spots[0][2], TOP)][: rng.choice((0, 1, 2, 2))]
    first = ("diff", whole, x)
    pairs = [(first, P.derivative(whole, x)), (first, at(P.derivative(body, raised(x)), x[2]))]
    second = ("diff", first, rng.choice((spots[1], x, v(maker.reals[0]))))
    pairs.append((second, P.derivative(first, second[2])))
    pairs += [(("diff", second[1], second[2]), ("diff", ("diff", whole, second[2]), x)), *answers(whole, x, given)]
    pairs += answers(first, second[2], given)
    return given, [claim(rng, "=", *pair) for pair in pairs if pair[0][0] != "subdiff"]


def kinks(maker: Any, rng: random.Random) -> tuple[list[Term], list[Claim]]:
    """Derivatives and subdifferentials of what has corners, with assumptions that put the point on one."""
    a, b = (v(name) for name in maker.reals)
    x = rng.choice((a, a, a, ("ix", "y", v("n"))))
    zero = [x, mul(TWO, x), mul(b, x), neg(x), ZERO, mul(x, sub(x, ONE)), fn("abs", x)]  # at x = 0
    level = [x, b, b, sub(mul(TWO, x), b), div(add(x, b), TWO), mul(x, div(x, b))]  # b at x = b
    other_lines = [*zero, *level, sub(x, b), add(x, ONE), mul(b, sub(x, ONE)), to(x, TWO), add(b, fn("sign", x))]
    tie, lines = rng.choice(((("=", x, ZERO), zero), (("=", x, b), level), (("=", x, ONE), other_lines)))

    def bent() -> Term:
        u, w, t = (rng.choice(lines if rng.random() < 0.8 else other_lines) for _ in range(3))
        gap = sub(u, w) if lines is level else u
        return rng.choice((fn("abs", gap), fn("max", u, w), fn("min", u, w), fn("max", u, w, t), fn("sign", gap), u))

    one, other = bent(), bent()
    body = rng.choice((
        one, add(one, other), mul(one, other), mul(b, one), fn("exp", one), div(one, other), fn("max", one, other),
        to(one, TWO), fn("sqrt", one), total(fn("abs", sub(raised(x), ("ix", "z", INDEX)))), to(one, b),
        mul(one, maker.term(1)), fn("log", add(ONE, one)), ("diff", one, b), sub(fn("max", one, other), one),
        ("diff", mul(one, other), x), sub(one, other),
    ))  # fmt: skip
    more = [
        ("=", b, ZERO),
        (">", x, ZERO),
        (">=", b, ZERO),
        ("<", x, b),
        (">", b, ONE),
        ("<", b, ZERO),
        ("!=", b, ZERO),
    ]
    given = [tie] * (rng.random() < 0.7) + rng.sample(more, rng.choice((0, 0, 1, 1)))
    pairs = [*answers(body, x, given), (("diff", body, x), P.derivative(body, x))]
    found: list[Claim] = []
    for left, right in pairs:
        if left[0] == "subdiff":
            changed = ("interval", right[1], P.mutated(right[2], rng)) if rng.random() < 0.3 else right
            found.append(("=", left, changed, (("subgrad_abs", {}), cases(rng, ("subgrad_abs", {}), splits(body)))))
        else:
            found.append(claim(rng, "=", left, right))
    return given, found


def named(maker: Any, rng: random.Random) -> tuple[list[Term], list[Claim]]:
    """Functions whose derivatives have names."""
    a = v(maker.reals[0])
    inner = rng.choice(
        (a, a, mul(TWO, a), to(a, TWO), fn("exp", a), ("ix", "y", v("n")), sub(a, ("ix", "y", v("n"))), fn("abs", a))
    )
    x = rng.choice((a, a, ("ix", "y", v("n"))))
    f, g = ("call", "f", inner), ("call", "g", inner)
    body = rng.choice(
        (f, mul(f, a), to(f, TWO), fn("exp", f), div(ONE, f), add(f, g), total(("call", "f", mul(raised(a), INDEX))))
    )
    first = ("diff", body, x)
    pairs = [(first, P.derivative(body, x)), (("diff", first, x), P.derivative(first, x))]
    given = [SLOPE, *([(">", f, ZERO)] if inner == a else [])]
    return given, [claim(rng, "=", *pair) for pair in (*pairs, *answers(body, x, given)) if pair[0][0] != "subdiff"]


# --- steps that rest on others --------------------------------------------------------------------------------------


def inductive(maker: Any, rng: random.Random) -> tuple[list[Term], list[Claim]]:
    """Claims about every integer from a start on; the start and the assumptions may be too little."""
    a, n, u, s = v(maker.reals[0]), TOP, maker.term(1), maker.term(1, 1)
    step, one = sub(("ix", "y", add(INDEX, ONE)), ("ix", "y", INDEX)), add(n, ONE)
    laws: list[tuple[str, Term, Term]] = [
        ("=", total(INDEX), div(mul(n, one), TWO)), ("=", total(to(INDEX, TWO)), div(mul(n, one, add(n, one)), q(6))),
        ("=", mul(sub(ONE, a), total(to(raised(a), INDEX), ZERO)), sub(ONE, to(a, one))),
        ("=", total(raised(u)), mul(n, u)), (">=", to(add(ONE, a), n), add(ONE, mul(n, a))),
        ("=", P.prod(raised(u)), to(u, n)), (">=", to(TWO, n), one),
        ("=", total(sub(mul(TWO, INDEX), ONE)), to(n, TWO)),
        ("=", total(step), sub(("ix", "y", one), ("ix", "y", ONE))), (">=", total(to(s, TWO)), ZERO),
        (">=", mul(n, n), n), (">", to(TWO, n), n), ("<=", total(to(q("1/2"), INDEX)), ONE),
        ("=", total(to(q("1/2"), INDEX)), sub(ONE, to(q("1/2"), n))), (">=", mul(a, n), ZERO), (">=", a, ZERO),
        (">=", ("call", "f", n), ZERO), ("<=", ("ix", "y", n), ("ix", "y", ONE)), ("=", to(neg(ONE), n), ONE),
    ]  # fmt: skip
    relation, left, right = rng.choice(laws)
    if rng.random() < 0.15:
        right = P.mutated(right, rng)
    start = rng.choice((ONE, ONE, ZERO, ZERO, TWO, q("1/2"), v("m"), v(maker.reals[1]), q(-1)))
    given: list[Term] = [(">=", n, start)] if rng.random() < 0.9 else []
    given += rng.sample([(">=", a, ZERO), (">", a, neg(ONE)), ("<=", v("m"), n), (">=", a, n), ("=", n, TWO), (">=",
        v("m"), ONE)],
                        rng.choice((0, 1, 1, 2)))  # fmt: skip
    if rng.random() < 0.3:
        given.append(("all", 1, ("<=", ("ix", "y", add(INDEX, ONE)), ("ix", "y", INDEX))))
    both = [[renamed(side, n, value) for side in (left, right)] for value in (start, one)]
    ways = [[("grad", {}), form(*sides), cases(rng, form(*sides), [a, n])] for sides in both]
    tried = [{"over": "N", "start": start, "steps": [first, then]} for first in ways[0] for then in ways[1]]
    return given, [(relation, left, right, tuple(("induction_on", hints) for hints in tried))]


def renamed(term: Term, old: Term, new: Term) -> Term:
    if term == old:
        return new
    return tuple(renamed(part, old, new) if isinstance(part, tuple) else part for part in term)


def under_a_sum(maker: Any, rng: random.Random) -> tuple[list[Term], list[Claim]]:
    """Laws term by term: the two sides of a law under a sum."""
    parts = [maker.term(rng.choice((0, 1)), 1) for _ in range(3)]
    plain = [law for law in P.TRUE_LAWS + P.FALSE_LAWS if law is not None]
    left, right = rng.choice(plain)(*parts, v(maker.integers[0]), *[maker.term(0, 2) for _ in range(2)])
    hi, relation = rng.choice((TOP, TOP, q(3), v("n"))), rng.choice(("=", "=", "=", "<=", ">="))
    found = [claim(rng, relation, total(left, ONE, hi), total(right, ONE, hi))]
    x = v(maker.reals[0])
    body = rng.choice((left, fn("max", left, parts[0]), fn("abs", sub(raised(x), ("ix", "y", INDEX)))))
    found.append(claim(rng, "=", ("diff", total(body, ONE, hi), x), total(P.derivative(body, x), ONE, hi)))
    return [], found


KINDS_OF_CLAIMS = (
    contraction, contraction, exchange, extrema, extrema, by_place, by_place, kinks, kinks, named, inductive,
    under_a_sum,
)  # fmt: skip


def case(seed: int, number: int) -> tuple[random.Random, list[Term], list[Claim]]:
    """Claims with their assumptions."""
    rng = random.Random(f"further {seed} {number}")
    maker = P.Maker(rng)
    given, claims = rng.choice(KINDS_OF_CLAIMS)(maker, rng)
    given += [fact for fact in P.facts(maker) if rng.random() < 0.5]
    if SLOPE in given:
        given = [fact for fact in given if fact[0] != "all" or "call" not in str(fact)]
    return rng, given, claims

"""Random pairs of terms under random assumptions: true identities, laws applied where they do not hold, mutations.

Scalars a b c w x are real, n m N integer; y, z, p are families; f and g are functions. Every pair is right, wrong or
undefined somewhere, and nobody here says which: that is for the kernel and for the evaluator.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

Term = tuple[Any, ...]
REALS, INTEGERS = ("a", "b", "c", "w", "x"), ("n", "m", "N")
SCALARS = REALS + INTEGERS
FAMILIES, CALLS, WHOLE = ("y", "z"), ("f", "g"), ("p",)  # p is a family of integers
KINDS = {name: "integer" if name in INTEGERS + WHOLE else "real" for name in SCALARS + FAMILIES + CALLS + WHOLE}


def q(value: int | str | Fraction) -> Term:
    return ("q", Fraction(value))


def v(name: str) -> Term:
    return ("v", name)


ZERO, ONE, TWO, TOP = q(0), q(1), q(2), v("N")


def add(*parts: Term) -> Term:
    return ("+", *parts)


def mul(*parts: Term) -> Term:
    return ("*", *parts)


def neg(part: Term) -> Term:
    return ("neg", part)


def sub(left: Term, right: Term) -> Term:
    return ("+", left, neg(right))


def div(left: Term, right: Term) -> Term:
    return ("/", left, right)


def to(base: Term, exponent: Term) -> Term:
    return ("^", base, exponent)


def fn(name: str, *parts: Term) -> Term:
    return ("f", name, *parts)


def total(body: Term, lo: Term = ONE, hi: Term = TOP, tag: str = "sum") -> Term:
    return (tag, lo, hi, body)


def prod(body: Term, lo: Term = ONE, hi: Term = TOP) -> Term:
    return ("prod", lo, hi, body)


def raised(term: Term, by: int = 1, above: int = 0) -> Term:
    """The term under one more sum: its free indices point one further out."""
    if term[0] == "b":
        return ("b", term[1] + by) if term[1] >= above else term
    if term[0] in ("sum", "prod"):
        return (term[0], raised(term[1], by, above), raised(term[2], by, above), raised(term[3], by, above + 1))
    return tuple(raised(part, by, above) if isinstance(part, tuple) else part for part in term)


class Maker:
    """Makes terms; `bound` says how many sums enclose the place."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.reals = rng.sample(REALS, 2)
        self.integers = [*rng.sample(INTEGERS[:2], 1), "N"]

    def leaf(self, bound: int = 0) -> Term:
        roll = self.rng.random()
        if bound and roll < 0.45:
            index: Term = ("b", self.rng.randrange(bound))
            return index if roll < 0.1 else ("ix", self.rng.choice(FAMILIES), index)
        if roll < 0.72:
            return v(self.rng.choice(self.reals))
        if roll < 0.8:
            return v(self.rng.choice(self.integers))
        if roll < 0.85:
            return ("call", self.rng.choice(CALLS), v(self.rng.choice(self.reals)))
        return q(self.rng.choice((0, 1, 1, 2, 2, 3, -1, -2, "1/2", "-1/3")))

    def term(self, depth: int, bound: int = 0) -> Term:
        rng = self.rng
        if depth <= 0 or rng.random() < 0.15:
            return self.leaf(bound)
        roll = rng.random()
        one = self.term(depth - 1, bound)
        if roll < 0.24:
            return add(one, self.term(depth - 1, bound))
        if roll < 0.44:
            return mul(one, self.term(depth - 1, bound))
        if roll < 0.54:
            return div(one, self.term(depth - 1, bound))
        if roll < 0.6:
            return neg(one)
        if roll < 0.71:
            exponents = [q(2), q(2), q(3), q(-1), q(0), q("1/2"), q("-1/2"), q("3/2"), v(self.integers[0])]
            return to(one, rng.choice([*exponents, add(v(self.integers[0]), ONE)]))
        if roll < 0.93 or bound:
            names = ["abs"] * 4 + ["exp", "log", "sqrt", "sqrt"] * 2 + ["sign"] * 2 + ["min", "max", "erf", "factorial"]
            name = rng.choice(names)
            return fn(name, one, self.term(depth - 1, bound)) if name in ("min", "max") else fn(name, one)
        hi = rng.choice((TOP, TOP, q(2), add(TOP, ONE), sub(TOP, ONE), v(self.integers[0])))
        tag = rng.choice(("sum", "sum", "prod"))
        return total(self.term(depth - 1, bound + 1), rng.choice((ONE, ONE, ZERO)), hi, tag)


# --- laws: (left, right) of parts u, v, w (terms), k (an integer name), and bodies s, t under one sum ---------------

Law = Callable[..., tuple[Term, Term]]
INDEX: Term = ("b", 0)
TRUE_LAWS: list[Law] = [
    lambda u, v, w, k, s, t: (mul(u, add(v, w)), add(mul(u, v), mul(u, w))),
    lambda u, v, w, k, s, t: (to(add(u, v), TWO), add(to(u, TWO), mul(TWO, u, v), to(v, TWO))),
    lambda u, v, w, k, s, t: (mul(add(u, v), sub(u, v)), sub(to(u, TWO), to(v, TWO))),
    lambda u, v, w, k, s, t: (div(mul(u, v), v), u),
    lambda u, v, w, k, s, t: (div(u, u), ONE),
    lambda u, v, w, k, s, t: (div(div(u, v), w), div(u, mul(v, w))),
    lambda u, v, w, k, s, t: (div(u, div(v, w)), div(mul(u, w), v)),
    lambda u, v, w, k, s, t: (add(div(u, v), div(w, v)), div(add(u, w), v)),
    lambda u, v, w, k, s, t: (div(sub(to(u, TWO), to(v, TWO)), sub(u, v)), add(u, v)),
    lambda u, v, w, k, s, t: (fn("sqrt", to(u, TWO)), fn("abs", u)),
    lambda u, v, w, k, s, t: (to(fn("sqrt", u), TWO), u),
    lambda u, v, w, k, s, t: (fn("sqrt", mul(u, v)), mul(fn("sqrt", u), fn("sqrt", v))),
    lambda u, v, w, k, s, t: (fn("abs", mul(u, v)), mul(fn("abs", u), fn("abs", v))),
    lambda u, v, w, k, s, t: (to(fn("abs", u), TWO), to(u, TWO)),
    lambda u, v, w, k, s, t: (mul(u, fn("sign", u)), fn("abs", u)),
    lambda u, v, w, k, s, t: (fn("sign", mul(u, v)), mul(fn("sign", u), fn("sign", v))),
    lambda u, v, w, k, s, t: (fn("sign", neg(u)), neg(fn("sign", u))),
    lambda u, v, w, k, s, t: (fn("exp", add(u, v)), mul(fn("exp", u), fn("exp", v))),
    lambda u, v, w, k, s, t: (fn("exp", mul(TWO, u)), to(fn("exp", u), TWO)),
    lambda u, v, w, k, s, t: (fn("exp", fn("log", u)), u),
    lambda u, v, w, k, s, t: (fn("exp", mul(v, fn("log", u))), to(u, v)),
    lambda u, v, w, k, s, t: (fn("log", fn("exp", u)), u),
    lambda u, v, w, k, s, t: (fn("log", mul(u, v)), add(fn("log", u), fn("log", v))),
    lambda u, v, w, k, s, t: (fn("log", div(u, v)), sub(fn("log", u), fn("log", v))),
    lambda u, v, w, k, s, t: (fn("log", to(u, TWO)), mul(TWO, fn("log", u))),
    lambda u, v, w, k, s, t: (fn("log", fn("sqrt", u)), div(fn("log", u), TWO)),
    lambda u, v, w, k, s, t: (to(u, add(k, ONE)), mul(u, to(u, k))),
    lambda u, v, w, k, s, t: (to(mul(u, v), k), mul(to(u, k), to(v, k))),
    lambda u, v, w, k, s, t: (to(to(u, TWO), k), to(u, mul(TWO, k))),
    lambda u, v, w, k, s, t: (to(to(u, k), TWO), to(to(u, TWO), k)),
    lambda u, v, w, k, s, t: (to(u, neg(k)), div(ONE, to(u, k))),
    lambda u, v, w, k, s, t: (to(u, q("3/2")), mul(u, fn("sqrt", u))),
    lambda u, v, w, k, s, t: (to(u, q("-1/2")), div(ONE, fn("sqrt", u))),
    lambda u, v, w, k, s, t: (div(u, fn("sqrt", u)), fn("sqrt", u)),
    lambda u, v, w, k, s, t: (fn("max", u, v), fn("max", v, u)),
    lambda u, v, w, k, s, t: (fn("abs", sub(u, v)), fn("abs", sub(v, u))),
    lambda u, v, w, k, s, t: (total(add(s, t)), add(total(s), total(t))),
    lambda u, v, w, k, s, t: (total(mul(raised(u), s)), mul(u, total(s))),
    lambda u, v, w, k, s, t: (total(div(s, raised(u))), div(total(s), u)),
    lambda u, v, w, k, s, t: (total(raised(u)), mul(TOP, u)),
    lambda u, v, w, k, s, t: (total(div(s, TOP)), div(total(s), TOP)),
    lambda u, v, w, k, s, t: (total(div(raised(u), TOP)), u),
    lambda u, v, w, k, s, t: (div(total(raised(u)), TOP), u),
    lambda u, v, w, k, s, t: (total(s, ONE, add(TOP, ONE)), add(total(s), at(s, add(TOP, ONE)))),
    lambda u, v, w, k, s, t: (total(s, ZERO, sub(TOP, ONE)), total(moved(s), ONE, TOP)),
    lambda u, v, w, k, s, t: (total(s, ONE, q(3)), add(at(s, ONE), at(s, TWO), at(s, q(3)))),
    lambda u, v, w, k, s, t: (prod(mul(s, t)), mul(prod(s), prod(t))),
    lambda u, v, w, k, s, t: (prod(raised(u)), to(u, TOP)),
    lambda u, v, w, k, s, t: (prod(div(s, raised(u))), div(prod(s), to(u, TOP))),
    lambda u, v, w, k, s, t: (prod(fn("exp", s)), fn("exp", total(s))),
    lambda u, v, w, k, s, t: (fn("log", prod(s)), total(fn("log", s))),
    lambda u, v, w, k, s, t: (prod(to(s, TWO)), to(prod(s), TWO)),
    lambda u, v, w, k, s, t: (prod(s, ONE, add(TOP, ONE)), mul(prod(s), at(s, add(TOP, ONE)))),
]
FALSE_LAWS: list[Law] = [
    lambda u, v, w, k, s, t: (fn("sqrt", add(u, v)), add(fn("sqrt", u), fn("sqrt", v))),
    lambda u, v, w, k, s, t: (fn("log", add(u, v)), add(fn("log", u), fn("log", v))),
    lambda u, v, w, k, s, t: (fn("abs", add(u, v)), add(fn("abs", u), fn("abs", v))),
    lambda u, v, w, k, s, t: (fn("exp", mul(u, v)), mul(fn("exp", u), fn("exp", v))),
    lambda u, v, w, k, s, t: (fn("exp", add(u, v)), add(fn("exp", u), fn("exp", v))),
    lambda u, v, w, k, s, t: (to(to(u, k), v), to(u, mul(k, v))),
    lambda u, v, w, k, s, t: (to(to(u, TWO), q("1/2")), u),
    lambda u, v, w, k, s, t: (fn("sqrt", to(u, TWO)), u),
    lambda u, v, w, k, s, t: (fn("abs", u), u),
    lambda u, v, w, k, s, t: (to(fn("abs", u), q(3)), to(u, q(3))),
    lambda u, v, w, k, s, t: (to(add(u, v), TWO), add(to(u, TWO), to(v, TWO))),
    lambda u, v, w, k, s, t: (div(ONE, add(u, v)), add(div(ONE, u), div(ONE, v))),
    lambda u, v, w, k, s, t: (fn("sign", to(u, TWO)), ONE),
    lambda u, v, w, k, s, t: (to(u, ZERO), div(u, u)),
    lambda u, v, w, k, s, t: (mul(ZERO, div(u, v)), ZERO),
    lambda u, v, w, k, s, t: (sub(div(u, v), div(u, v)), ZERO),
    lambda u, v, w, k, s, t: (fn("max", u, v), fn("abs", fn("max", u, v))),
    lambda u, v, w, k, s, t: (to(neg(u), k), neg(to(u, k))),
    lambda u, v, w, k, s, t: (to(u, mul(TWO, k)), to(fn("abs", u), k)),
    lambda u, v, w, k, s, t: (total(mul(s, t)), mul(total(s), total(t))),
    lambda u, v, w, k, s, t: (total(s, ONE, add(TOP, ONE)), total(s)),
    lambda u, v, w, k, s, t: (fn("abs", total(s)), total(fn("abs", s))),
    lambda u, v, w, k, s, t: (prod(add(s, t)), add(prod(s), prod(t))),
    lambda u, v, w, k, s, t: (prod(mul(raised(u), s)), mul(u, prod(s))),
    lambda u, v, w, k, s, t: (fn("log", prod(s)), prod(fn("log", s))),
    lambda u, v, w, k, s, t: (total(moved(s)), total(s)),
]


def at(body: Term, value: Term, level: int = 0) -> Term:
    """The body of a sum with its index replaced."""
    if body[0] == "b":
        return value if body[1] == level else ("b", body[1] - 1) if body[1] > level else body
    if body[0] in ("sum", "prod"):
        lo, hi = at(body[1], value, level), at(body[2], value, level)
        return (body[0], lo, hi, at(body[3], raised(value), level + 1))
    return tuple(at(part, value, level) if isinstance(part, tuple) else part for part in body)


def moved(body: Term) -> Term:
    """The body of a sum with its index i replaced by i - 1."""
    return at(raised(body, above=1), sub(INDEX, ONE))


# --- derivatives ----------------------------------------------------------------------------------------------------


def derivative(term: Term, x: Term) -> Term:
    """A textbook derivative by a name or a place, without any condition: at corners and outside domains it is wrong."""
    tag = term[0]
    if tag == "v":
        return ONE if term == x else ZERO
    if tag == "ix":
        return fn("kronecker", term[2], x[2]) if x[:2] == term[:2] else ZERO
    if tag == "+":
        return add(*(derivative(part, x) for part in term[1:]))
    if tag == "neg":
        return neg(derivative(term[1], x))
    if tag == "*":
        found = [mul(*term[1:k], derivative(part, x), *term[k + 1 :]) for k, part in enumerate(term) if k]
        return add(*found) if len(found) > 1 else found[0]
    if tag == "/":
        top, bottom = term[1:]
        return div(sub(mul(derivative(top, x), bottom), mul(top, derivative(bottom, x))), to(bottom, TWO))
    if tag == "^":
        return mul(term[2], to(term[1], sub(term[2], ONE)), derivative(term[1], x))
    if tag == "sum":
        return total(derivative(term[3], raised(x)), term[1], term[2])
    if tag == "f" and term[1] in OUTER:
        return mul(OUTER[term[1]](term[2]), derivative(term[2], x))
    if tag == "call" and term[1] == "f":
        return mul(("call", "g", term[2]), derivative(term[2], x))
    if tag == "diff":
        return derivative(derivative(term[1], term[2]), x)
    return ZERO


OUTER: dict[str, Callable[[Term], Term]] = {
    "exp": lambda u: fn("exp", u), "log": lambda u: div(ONE, u), "abs": lambda u: fn("sign", u),
    "sqrt": lambda u: div(ONE, mul(TWO, fn("sqrt", u))), "sign": lambda u: ZERO,
}  # fmt: skip


# --- mutations and assumptions --------------------------------------------------------------------------------------


def mutated(term: Term, rng: random.Random) -> Term:
    """One node changed: a sign swapped, a factor dropped, an exponent or a name changed, a function taken off."""
    places = [path for path in paths(term)]
    path = rng.choice(places)
    node = get(term, path)
    tag = node[0]
    if tag in ("+", "*") and rng.random() < 0.5:
        kept = list(node[1:])
        kept.pop(rng.randrange(len(kept)))
        new: Term = kept[0] if len(kept) == 1 else (tag, *kept)
    elif tag == "q":
        new = q(node[1] + rng.choice((1, -1)))
    elif tag == "v":
        new = v(rng.choice([name for name in SCALARS if name != node[1]]))
    elif tag == "f" and len(node) == 3:
        new = node[2] if rng.random() < 0.5 else fn(rng.choice(("abs", "sqrt", "exp", "log", "sign")), node[2])
    elif tag == "^":
        new = to(node[1], add(node[2], ONE)) if rng.random() < 0.5 else node[1]
    elif tag == "/" and rng.random() < 0.5:
        new = div(node[2], node[1])
    elif tag in ("sum", "prod"):
        new = (tag, node[1], rng.choice((add(node[2], ONE), sub(node[2], ONE), q(3))), node[3])
    else:
        new = neg(node)
    return put(term, path, new)


def paths(term: Term, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    inner = [p for k, part in enumerate(term) if isinstance(part, tuple) for p in paths(part, (*path, k))]
    return [path, *inner]


def get(term: Term, path: tuple[int, ...]) -> Term:
    return get(term[path[0]], path[1:]) if path else term


def put(term: Term, path: tuple[int, ...], new: Term) -> Term:
    return (*term[: path[0]], put(term[path[0]], path[1:], new), *term[path[0] + 1 :]) if path else new


def facts(maker: Maker) -> list[Term]:
    rng = maker.rng
    found: list[Term] = [(rng.choice((">=", ">=", ">", "!=")), TOP, ZERO)] if rng.random() < 0.75 else []
    for name in maker.reals:
        if rng.random() < 0.6:
            found.append((rng.choice((">", ">", ">=", "!=", "<", "<=")), v(name), rng.choice((ZERO, ZERO, ZERO, ONE))))
    k, (a, b) = maker.integers[0], maker.reals
    extra: list[Term] = [
        (">=", v(k), ZERO), (">", v(k), ZERO), ("!=", v(k), ZERO), ("<", v(k), ZERO), (">=", v(k), TOP),
        ("!=", v(a), v(b)), (">", v(a), v(b)), (">=", v(a), TOP), (">", add(v(a), v(b)), ZERO), ("=", v(a), ZERO),
        ("=", v(a), v(b)), (">", mul(v(a), v(b)), ZERO), ("!=", sub(v(a), TOP), ZERO), ("<=", v(a), TOP),
        (">=", mul(v(a), v(b)), ZERO), ("!=", add(v(a), ONE), ZERO), ("<", fn("abs", v(a)), ONE), ("=", v("n"), v("m")),
    ]  # fmt: skip
    found += rng.sample(extra, rng.choice((0, 0, 1, 1, 2)))
    for name in FAMILIES:
        if rng.random() < 0.3:
            found.append(("all", 1, (">", ("ix", name, INDEX), ZERO)))
    for name in CALLS:
        if rng.random() < 0.2:
            found.append(("all", 1, (">", ("call", name, INDEX), ZERO)))
    rng.shuffle(found)
    return found


def pair(maker: Maker) -> tuple[Term, Term]:
    """Two terms that are equal, nearly equal, or have nothing to do with one another."""
    rng = maker.rng
    roll, depth = rng.random(), rng.choice((0, 0, 1, 1, 2))
    if roll < 0.07:
        return maker.term(2), maker.term(2)
    if roll < 0.15:
        name = maker.reals[0]
        body = maker.term(rng.choice((1, 2, 2, 3)))
        left, right = ("diff", body, v(name)), derivative(body, v(name))
    else:
        parts = [maker.term(depth) for _ in range(3)]
        bodies = [maker.term(depth, 1) for _ in range(2)]
        law = rng.choice(TRUE_LAWS if roll < 0.85 else FALSE_LAWS)
        left, right = law(*parts, v(maker.integers[0]), *bodies)
    if rng.random() < 0.3:
        left, right = wrapped(left, right, maker)
    if rng.random() < 0.2:
        right = mutated(right, rng)
    return (left, right) if rng.random() < 0.5 else (right, left)


def wrapped(left: Term, right: Term, maker: Maker) -> tuple[Term, Term]:
    """Both sides in the same context, so that what was lost inside does not show outside."""
    other, name = maker.term(1), maker.rng.choice(("abs", "exp", "sqrt", "log", "sign", "erf"))
    contexts: list[Callable[[Term], Term]] = [
        lambda u: add(u, other), lambda u: mul(u, other), lambda u: mul(u, ZERO), lambda u: div(u, other),
        lambda u: div(other, u), lambda u: fn(name, u), lambda u: to(u, TWO), lambda u: total(mul(raised(u), INDEX)),
        lambda u: sub(u, u), lambda u: fn("max", u, other), lambda u: total(raised(u), ONE, v(maker.integers[0])),
    ]  # fmt: skip
    context = maker.rng.choice(contexts)
    return context(left), context(right)

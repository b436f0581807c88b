"""Signs and definedness: which signs a defined term can have, and whether a term is defined at all.

The signs of a term are a set out of 1, 0, -1. Unknown is all three, every law only removes some, and what several
arguments say of one term may be intersected, as each is sound.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from itertools import product

from derive.kernel import derivative as D
from derive.kernel import normal as N
from derive.kernel import poly as P
from derive.kernel import ranges as R
from derive.kernel.poly import Context, Fact, Mono, Poly, Signs
from derive.kernel.terms import BINDERS, ONE, TWO, Term, add, children, instantiate, require, sub, subterms

POS, ZERO, NEG = frozenset({1}), frozenset({0}), frozenset({-1})
ANY = POS | ZERO | NEG
SIGNS = {">": POS, ">=": POS | ZERO, "<": NEG, "<=": NEG | ZERO, "!=": POS | NEG, "=": ZERO}


def add_signs(x: Signs, y: Signs) -> Signs:
    return frozenset(s for a in x for b in y for s in ((a or b,) if a * b >= 0 else ANY))


def mul_signs(x: Signs, y: Signs) -> Signs:
    return frozenset(a * b for a in x for b in y)


def power_signs(x: Signs, e: Fraction) -> Signs:
    """The signs of x ** e for a constant e, where that is defined; 0 ** 0 = 1."""
    possible = [s for s in x if (s or e >= 0) and (s >= 0 or e.denominator == 1)]
    return POS if e == 0 else frozenset(s * s if e % 2 == 0 else s for s in possible) or ANY


# node or function -> the signs of its value from those of its parts
LAWS: dict[str, Callable[..., Signs]] = {
    "+": lambda *parts: reduce(add_signs, parts),
    "*": lambda *parts: reduce(mul_signs, parts),
    "neg": lambda u: mul_signs(u, NEG),
    "/": lambda u, v: mul_signs(u, power_signs(v, Fraction(-1))),
    "sqrt": lambda u: power_signs(u, Fraction(1, 2)),
    "abs": lambda u: power_signs(u, Fraction(2)),
    "min": lambda *parts: reduce(lambda x, y: frozenset(map(min, product(x, y))), parts),
    "max": lambda *parts: reduce(lambda x, y: frozenset(map(max, product(x, y))), parts),
    **dict.fromkeys(("sign", "erf"), lambda u: u),
    **dict.fromkeys(("c", "exp", "gamma", "factorial"), lambda *_: POS),  # where they are defined
    "kronecker": lambda *_: POS | ZERO,
}
# function -> terms that are >= 0 wherever it is defined, from its value and its arguments
BOUNDS: dict[str, Callable[..., tuple[Term, ...]]] = {
    **dict.fromkeys(("sign", "erf"), lambda f, u: (sub(ONE, f), add(ONE, f), sub(ONE, ("^", f, TWO)))),
    "abs": lambda f, u: (sub(f, u), add(f, u)),
    "exp": lambda f, u: (sub(f, add(ONE, u)),),  # its tangent at 0
    "min": lambda f, *parts: tuple(sub(part, f) for part in parts),
    "max": lambda f, *parts: tuple(sub(f, part) for part in parts),
    "kronecker": lambda f, *_: (sub(ONE, f),),
}


def by_shape(term: Term, ctx: Context) -> Signs:
    tag, name = term[0], term[1] if term[0] == "f" else term[0]
    if name in LAWS:
        return LAWS[name](*(sign(part, ctx) for part in children(term)))
    if tag == "q":
        return frozenset({(term[1] > 0) - (term[1] < 0)})
    if tag == "^":
        base = sign(term[1], ctx)
        return power_signs(base, term[2][1]) if term[2][0] == "q" else base | POS
    if tag in BINDERS:
        _, body, inside = opened(term, ctx)
        each = sign(body, inside)
        if tag == "prod":
            return each | POS  # the empty product is 1
        return of_sum(each, sign(sub(term[2], sub(term[1], ONE)), ctx))
    return sign(sub(term[2], ONE), ctx) if name == "log" else ANY  # log is increasing and log(1) = 0


def sign(term: Term, ctx: Context) -> Signs:
    """The signs that a defined term can have: from its shape, then from its normal form and the facts."""
    if term not in ctx.signs:
        ctx.spend(1)
        ctx.signs[term] = ANY  # a question that comes back to itself learns nothing
        found = by_shape(term, ctx)
        ctx.signs[term] = found if len(found) == 1 else found & sign_of(N.normal(term, ctx), ctx) or found
    return ctx.signs[term]


def sign_of(poly: Poly, ctx: Context) -> Signs:
    """The signs of a polynomial: monomial by monomial, as a product, then by comparison with each fact."""
    found = termwise(poly, ctx)
    if len(found) > 1:
        c, shared, rest = P.content(poly)
        found = found & mul_signs(termwise({shared: c}, ctx), sign_of(rest, ctx)) or found if shared else found
    found = by_facts(found, poly, ctx, alone=False)
    if len(found) > 1 and (over := N.cleared(poly, ctx))[1]:  # poly*m for m non-zero: sums in denominators
        found = found & mul_signs(sign_of(over[0], ctx), termwise({over[1]: Fraction(1)}, ctx)) or found
    for top, body, inside, rest in R.joined(poly, ctx) if len(found) > 1 else ():
        if not rest:
            found = found & of_sum(sign_of(body, inside), sign(top, ctx)) or found
    return found


def of_sum(each: Signs, count: Signs) -> Signs:
    return add_signs(each, each) | (each if count == POS else ZERO)  # the empty sum is 0


def termwise(poly: Poly, ctx: Context) -> Signs:
    found = ZERO
    for mono, c in poly.items():
        powers = (power_signs(atom_sign(base, ctx), e) for base, e in mono)
        found = add_signs(found, reduce(mul_signs, powers, POS if c > 0 else NEG))
    return found


def atom_sign(base: Term, ctx: Context) -> Signs:
    """The signs of an atom: by its shape, or by a fact about it and a number alone."""
    if base[0] == "+":
        return sign(base, ctx)
    if base not in ctx.atom_signs:
        if base in ctx.asked:
            return ANY
        ctx.asked.add(base)
        ctx.atom_signs[base] = by_facts(by_shape(base, ctx), P.atom(base), ctx, alone=True)
        ctx.asked.discard(base)
    return ctx.atom_signs[base]


def by_facts(found: Signs, poly: Poly, ctx: Context, *, alone: bool) -> Signs:
    """poly = k*fact + rest: the sign of the sum from the sign of the fact and of the rest."""
    for known, fact, number in facts_about(poly, ctx) if len(found) > 1 else ():
        ctx.spend(1)
        for shared in fact.keys() & poly.keys():
            ctx.spend(len(fact))
            k = poly[shared] / fact[shared]
            rest = P.plus(poly, P.scale(fact, -k))
            if not alone or P.as_constant(rest) is not None:
                fewer = found & add_signs(mul_signs(known, POS if k > 0 else NEG), termwise(rest, ctx))
                if fewer and fewer != found:
                    ctx.used.add(number)
                    found = fewer
    return found


def facts_about(poly: Poly, ctx: Context) -> list[Fact]:
    """The facts; those for every index, at the places that occur here. A fact about y[i] is one about integers i."""
    found = list(ctx.facts)
    for base in dict.fromkeys(base for mono in poly for base, _ in mono if base[0] == "f" and base[1] in BOUNDS):
        for bound in BOUNDS[base[1]](base, *children(base)):
            found += facts_of((">=", bound, ("q", Fraction(0))), -1, ctx)
    found += (fact for mono in poly if any(base[0] == "^" for base, _ in mono) for fact in at_most_one(mono, ctx))
    if ctx.quantified:
        nodes = (node for mono in poly for base, _ in mono for node in subterms(base) if node[0] in ("ix", "call"))
        places = dict.fromkeys(place for node in nodes for place in (node[2:], *((value,) for value in node[2:])))
        for count, relation, number in ctx.quantified:
            ctx.spend(len(places))
            integers = any(node[0] == "ix" and any(p[0] == "b" for p in subterms(node)) for node in subterms(relation))
            for place in places:
                closed = len(place) == count and all(p[0] != "b" for value in place for p in subterms(value))
                if closed and (not integers or all(integer_valued(N.normal(value, ctx), ctx) for value in place)):
                    found += facts_of(reduce(instantiate, reversed(place), relation), number, ctx)
    return found


def at_most_one(mono: Mono, ctx: Context) -> list[Fact]:
    """Powers u**e with 0 <= u <= 1 and e >= 0 have a product <= 1, and < 1 where some u < 1 has e > 0; 0**0 = 1."""
    known = POS | ZERO
    for base, k in mono:
        u, e = base[1:] if base[0] == "^" else (base, ONE)
        room, exponent = sign(sub(ONE, u), ctx), sign(e, ctx)
        if k < 0 or (room | exponent | sign(u, ctx)) & NEG:
            return []
        known = POS if room == exponent == POS else known
    return [(known, {(): Fraction(1), mono: Fraction(-1)}, -1)]


def facts_of(relation: Term, number: int, ctx: Context) -> list[Fact]:
    """A comparison as the sign of a difference; among integers, > 0 says >= 1."""
    if (relation, number) not in ctx.instances:
        ctx.instances[relation, number] = []  # a fact cannot help to read itself
        difference, signs = N.normal(sub(relation[1], relation[2]), ctx), SIGNS[relation[0]]
        found = [(signs, difference, number)]
        if signs in (POS, NEG) and integer_valued(difference, ctx):
            found.append((signs | ZERO, P.plus(difference, P.scale(P.UNIT, -1 if signs == POS else 1)), number))
        ctx.instances[relation, number] = found
    return ctx.instances[relation, number]


def assume(fact: Term, ctx: Context, number: int = -1) -> Context:
    """The context with one more assumption, whose terms must be defined by virtue of the ones before."""
    if fact[0] == "all":
        return replace(ctx, quantified=(*ctx.quantified, (fact[1], fact[2], number)))
    if fact[0] == "differentiable":
        return replace(ctx, differentiable=ctx.differentiable | {fact[1]})
    if fact[0] == "slope":
        return replace(ctx, slopes=ctx.slopes | {(fact[1], fact[3]): (fact[2], number)})
    require(fact[0] in SIGNS, f"{fact[0]} cannot be assumed", fact)
    defined(fact, ctx)
    return replace(ctx, facts=(*ctx.facts, *facts_of(fact, number, ctx)))


def opened(term: Term, ctx: Context) -> tuple[str, Term, Context]:
    """A fresh integer index lo..hi, the body of a sum or product with it, and the assumptions there.

    The name of the index tells the depth only, so that equal sums have equal normal forms.
    """
    _, lo, hi, body = term
    index = ("v", f"#{ctx.depth}")
    if (lo, hi) not in ctx.inner:
        inside = replace(ctx, kinds=ctx.kinds | {index[1]: "integer"}, depth=ctx.depth + 1)
        ctx.inner[lo, hi] = assume((">=", hi, index), assume((">=", index, lo), inside))
    return index[1], instantiate(body, index), ctx.inner[lo, hi]


def integer_valued(poly: Poly, ctx: Context) -> bool:
    """Whether a polynomial has integer coefficients in positive powers of integers."""
    return all(c.denominator == 1 for c in poly.values()) and all(
        e > 0 and e.denominator == 1 and base[0] in ("v", "ix") and ctx.kinds.get(base[1]) == "integer"
        for mono in poly
        for base, e in mono
    )


# node or function -> which part of it has to be what; where this fails, nothing is proved, not even that it is itself
CONDITIONS = {"/": (2, "!="), "log": (2, ">"), "gamma": (2, ">"), "sqrt": (2, ">="), "factorial": (2, ">=")}


def need(term: Term, relation: str, what: str, ctx: Context) -> None:
    """Refuse unless the term stands in this relation to 0."""
    require(sign(term, ctx) <= SIGNS[relation], f"{what} is not known to be {relation} 0", term)


def defined(term: Term, ctx: Context) -> None:
    """Refuse unless the term is defined at every point that satisfies the assumptions."""
    if term in ctx.known_defined:
        return
    ctx.spend(1)
    tag, name, parts = term[0], term[1] if term[0] == "f" else term[0], children(term)
    require(tag not in ("subdiff", "rec", "all", "differentiable", "slope", "b"), f"{tag} is not a value here", term)
    outside = parts[:2] if tag in BINDERS else parts
    for part in outside:
        defined(part, ctx)
    if name in CONDITIONS:
        at, relation = CONDITIONS[name]
        need(term[at], relation, "the denominator" if tag == "/" else f"the argument of {name}", ctx)
    if tag in BINDERS or tag == "ix" or name in ("factorial", "kronecker"):
        for part in outside:
            integer = integer_valued(N.normal(part, ctx), ctx)
            place = f"an index of {term[1]}" if tag == "ix" else f"a limit or argument of {name}"
            require(integer, f"{place} is not known to be an integer", part)
    if tag in BINDERS:
        _, body, inside = opened(term, ctx)
        defined(body, inside)
    elif tag == "interval":
        need(sub(term[2], term[1]), ">=", "the length of an interval", ctx)
    elif tag == "diff":
        slope = D.slope(term, ctx)
        if slope != term:  # the derivative of an unknown function stands for itself
            defined(slope, ctx)
    elif tag == "^":
        e = N.normal(term[2], ctx)
        if not integer_valued(e, ctx):
            need(term[1], ">=" if (P.as_constant(e) or 0) > 0 else ">", "the base of a power with this exponent", ctx)
        elif sign_of(e, ctx) & NEG:
            need(term[1], "!=", "the base of a power whose exponent may be negative", ctx)
    ctx.known_defined.add(term)

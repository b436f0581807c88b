"""Signs and definedness: which signs a defined term can have, and whether a term is defined at all.

A sign is a set of possibilities, kept as a bit mask: "unknown" is all three, and every law only removes
possibilities. Several arguments about one term may be intersected, as each is sound.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from itertools import product

from derive.kernel import derivative as D
from derive.kernel import normal as N
from derive.kernel import poly as P
from derive.kernel.context import Context, Fact
from derive.kernel.poly import Poly
from derive.kernel.terms import BINDERS, ONE, Refused, Term, children, instantiate, sub, subterms

POS, ZERO_SIGN, NEG = BITS = (1, 2, 4)
NONNEGATIVE, NONZERO, ANY = POS | ZERO_SIGN, POS | NEG, POS | ZERO_SIGN | NEG
MASKS = {">": POS, ">=": NONNEGATIVE, "<": NEG, "<=": NEG | ZERO_SIGN, "!=": NONZERO, "=": ZERO_SIGN}


def negated(mask: int) -> int:
    return (mask & POS) << 2 | mask & ZERO_SIGN | (mask & NEG) >> 2


def add_signs(a: int, b: int) -> int:
    """The signs that x + y can have."""
    if a == ZERO_SIGN or b == ZERO_SIGN:
        return a if b == ZERO_SIGN else b
    both = (a | b) & NONZERO
    return ANY if both == NONZERO else both | (a & b & ZERO_SIGN)


def mul_signs(a: int, b: int) -> int:
    """The signs that x * y can have."""
    return (a | b) & ZERO_SIGN | (POS if a & b & NONZERO else 0) | (NEG if a & negated(b) & NONZERO else 0)


def power_sign(mask: int, e: Fraction) -> int:
    """The signs of x ** e for a constant e, where that is defined."""
    if e == 0:
        return POS
    mask = mask & NONZERO if e < 0 else mask
    if e.denominator > 1:
        return mask & NONNEGATIVE
    return (POS if mask & NONZERO else 0) | (mask & ZERO_SIGN) if e % 2 == 0 else mask


def sign(term: Term, ctx: Context) -> int:
    """The signs that a defined term can have: from its shape, then from its normal form and the facts."""
    if term not in ctx.signs:
        ctx.spend(1)
        ctx.signs[term] = ANY  # a question that comes back to itself learns nothing
        mask = shape_sign(term, ctx)
        ctx.signs[term] = mask if mask in BITS else mask & sign_of(N.normal(term, ctx), ctx)
    return ctx.signs[term]


def shape_sign(term: Term, ctx: Context) -> int:
    law = SHAPES.get(term[1] if term[0] == "f" else term[0])
    return ANY if law is None else law(term, ctx)


def _power(term: Term, ctx: Context) -> int:
    mask = sign(term[1], ctx)
    if term[2][0] == "q":
        return power_sign(mask, term[2][1])
    return POS if mask == POS else NONNEGATIVE if not mask & NEG else ANY if mask & ZERO_SIGN else NONZERO


def _prod(term: Term, ctx: Context) -> int:  # the empty product is 1
    index, inside = bind(term[1], term[2], ctx)
    mask = sign(instantiate(term[3], index), inside)
    return mask if mask in (POS, NONNEGATIVE) else ANY if mask & ZERO_SIGN else NONZERO


def _sum(term: Term, ctx: Context) -> int:  # the empty sum is 0
    index, inside = bind(term[1], term[2], ctx)
    mask = sign(instantiate(term[3], index), inside)
    never_empty = not sign(sub(term[2], term[1]), ctx) & NEG
    return mask if mask in BITS and never_empty else add_signs(mask, mask) | ZERO_SIGN


def _best(term: Term, ctx: Context) -> int:
    """min or max: of each combination of the signs of the arguments, the smallest or greatest."""
    order = (NEG, ZERO_SIGN, POS) if term[1] == "min" else BITS
    choices = product(*([b for b in BITS if sign(part, ctx) & b] for part in term[2:]))
    return sum({next(b for b in order if b in choice) for choice in choices})


SHAPES: dict[str, Callable[[Term, Context], int]] = {
    "q": lambda t, ctx: POS if t[1] > 0 else NEG if t[1] < 0 else ZERO_SIGN,
    "c": lambda t, ctx: POS,
    "+": lambda t, ctx: reduce(add_signs, (sign(part, ctx) for part in t[1:])),
    "*": lambda t, ctx: reduce(mul_signs, (sign(part, ctx) for part in t[1:])),
    "neg": lambda t, ctx: negated(sign(t[1], ctx)),
    "/": lambda t, ctx: mul_signs(sign(t[1], ctx), sign(t[2], ctx) & NONZERO),
    "^": _power, "prod": _prod, "sum": _sum, "min": _best, "max": _best,
    "exp": lambda t, ctx: POS,
    "gamma": lambda t, ctx: POS,  # its argument is > 0
    "factorial": lambda t, ctx: POS,
    "log": lambda t, ctx: sign(sub(t[2], ONE), ctx),  # log is increasing and log(1) = 0
    "erf": lambda t, ctx: sign(t[2], ctx),
    "sign": lambda t, ctx: sign(t[2], ctx),
    "sqrt": lambda t, ctx: sign(t[2], ctx) & NONNEGATIVE,
    "abs": lambda t, ctx: power_sign(sign(t[2], ctx), Fraction(2)),
}  # fmt: skip


def sign_of(poly: Poly, ctx: Context) -> int:
    """The signs of a polynomial: monomial by monomial, as a product, then by comparison with each fact."""
    mask = termwise(poly, ctx)
    if mask not in BITS:
        c, shared, rest = P.content(poly)
        mask &= mul_signs(termwise({shared: c}, ctx), sign_of(rest, ctx)) if shared else ANY
    return mask if mask in BITS else by_facts(mask, poly, ctx, alone=False)


def termwise(poly: Poly, ctx: Context) -> int:
    mask = ZERO_SIGN
    for mono, c in poly.items():
        powers = (power_sign(atom_sign(base, ctx), e) for base, e in mono)
        mask = add_signs(mask, reduce(mul_signs, powers, POS if c > 0 else NEG))
    return mask


def atom_sign(base: Term, ctx: Context) -> int:
    """The signs of an atom: by its shape, or by a fact about it and a number alone."""
    if base[0] == "+":
        return sign(base, ctx)
    if base not in ctx.atom_signs:
        ctx.atom_signs[base] = ANY
        mask = shape_sign(base, ctx)
        ctx.atom_signs[base] = mask if mask in BITS else by_facts(mask, P.atom(base), ctx, alone=True)
    return ctx.atom_signs[base]


def by_facts(mask: int, poly: Poly, ctx: Context, *, alone: bool) -> int:
    """poly = k*fact + rest: the sign of the sum from the sign of the fact and of the rest."""
    for known, fact, number in facts_about(poly, ctx):
        for shared in fact.keys() & poly.keys():
            ctx.spend(len(fact))
            k = poly[shared] / fact[shared]
            rest = P.plus(poly, P.scale(fact, -k))
            if not alone or P.as_constant(rest) is not None:
                narrower = mask & add_signs(known if k > 0 else negated(known), termwise(rest, ctx))
                if narrower != mask:
                    ctx.used.add(number)
                    mask = narrower
    return mask


def facts_about(poly: Poly, ctx: Context) -> list[Fact]:
    """The facts; those for every index, at the places that occur here. A fact about y[i] is one about integers i."""
    found = list(ctx.facts)
    if ctx.quantified:
        nodes = (node for mono in poly for base, _ in mono for node in subterms(base) if node[0] in ("ix", "call"))
        places = dict.fromkeys(place for node in nodes for place in (node[2:], *((value,) for value in node[2:])))
        for count, relation, number in ctx.quantified:
            integers = any(node[0] == "ix" and any(p[0] == "b" for p in subterms(node)) for node in subterms(relation))
            for place in places:
                closed = len(place) == count and all(p[0] != "b" for value in place for p in subterms(value))
                if closed and (not integers or all(integer_valued(N.normal(value, ctx), ctx) for value in place)):
                    found += fact_polys(reduce(instantiate, reversed(place), relation), number, ctx)
    return found


def fact_polys(relation: Term, number: int, ctx: Context) -> list[Fact]:
    """A comparison as the sign of a difference; among integers, > 0 says >= 1."""
    if (relation, number) not in ctx.instances:
        ctx.instances[relation, number] = []  # a fact cannot help to read itself
        difference, mask = N.normal(sub(relation[1], relation[2]), ctx), MASKS[relation[0]]
        found = [(mask, difference, number)]
        if mask in (POS, NEG) and integer_valued(difference, ctx):
            found.append((mask | ZERO_SIGN, P.plus(difference, P.constant(-1 if mask == POS else 1)), number))
        ctx.instances[relation, number] = found
    return ctx.instances[relation, number]


def assume(fact: Term, ctx: Context, number: int = -1) -> None:
    """Add an assumption; its terms must be defined by virtue of the ones before."""
    if fact[0] == "and":
        for part in fact[1:]:
            assume(part, ctx, number)
    elif fact[0] == "all":
        ctx.quantified.append((fact[1], fact[2], number))
    elif fact[0] == "differentiable":
        ctx.differentiable.add(fact[1])
    elif fact[0] in MASKS:
        defined(fact, ctx)
        ctx.facts += fact_polys(fact, number, ctx)
    else:
        raise Refused(f"{fact[0]} cannot be assumed", fact)
    ctx.forget()


def bind(lo: Term, hi: Term, ctx: Context) -> tuple[Term, Context]:
    """A fresh integer index in lo..hi. Its name tells the depth only, so equal sums have equal normal forms."""
    index = ("v", f"#{ctx.depth}")
    if (lo, hi) not in ctx.inner:
        inside = ctx.child()
        inside.depth += 1
        inside.kinds[index[1]] = "integer"
        assume(("and", (">=", index, lo), (">=", hi, index)), inside)
        ctx.inner[lo, hi] = inside
    return index, ctx.inner[lo, hi]


def integer_valued(poly: Poly, ctx: Context) -> bool:
    """Whether a polynomial has integer coefficients in positive powers of integers."""
    return all(c.denominator == 1 for c in poly.values()) and all(
        e > 0 and e.denominator == 1 and base[0] in ("v", "ix") and ctx.kinds.get(base[1]) == "integer"
        for mono in poly
        for base, e in mono
    )


# --- definedness: what is not defined proves nothing, also where it stands on both sides -----------------------------

# node or function -> which part of it, what that has to be, how it is called
CONDITIONS = {
    "/": (2, "!=", "the denominator"),
    "log": (2, ">", "the argument of log"),
    "gamma": (2, ">", "the argument of gamma"),
    "sqrt": (2, ">=", "the argument of sqrt"),
    "factorial": (2, ">=", "the argument of factorial"),
}


def need(term: Term, relation: str, what: str, ctx: Context) -> None:
    if sign(term, ctx) & ~MASKS[relation]:
        raise Refused(f"{what} is not known to be {relation} 0", term)


def need_integer(term: Term, what: str, ctx: Context) -> None:
    if not integer_valued(N.normal(term, ctx), ctx):
        raise Refused(f"{what} is not known to be an integer", term)


def defined(term: Term, ctx: Context) -> None:
    """Refuse unless the term is defined at every point that satisfies the assumptions."""
    if term in ctx.known_defined:
        return
    tag, parts = term[0], children(term)
    if tag in ("subdiff", "rec", "all", "differentiable", "b"):
        raise Refused(f"{tag} is not a value here", term)
    for part in parts[:2] if tag in BINDERS else parts:
        defined(part, ctx)
    if tag in BINDERS:
        for end in parts[:2]:
            need_integer(end, f"the limit of a {tag}", ctx)
        index, inside = bind(term[1], term[2], ctx)
        defined(instantiate(term[3], index), inside)
    elif tag == "diff":
        slope = D.derivative(term[1], term[2], ctx)
        if slope != term:  # the derivative of an unknown function stands for itself
            defined(slope, ctx)
    elif tag == "^":
        e = N.normal(term[2], ctx)
        if integer_valued(e, ctx):
            if sign_of(e, ctx) & NEG:
                need(term[1], "!=", "the base of a power whose exponent may be negative", ctx)
        elif (P.as_constant(e) or 0) > 0:
            need(term[1], ">=", "the base of a fractional power", ctx)
        else:
            need(term[1], ">", "the base of a real power", ctx)
    elif tag == "interval":
        need(sub(term[2], term[1]), ">=", "the length of an interval", ctx)
    key = term[1] if tag == "f" else tag
    if key in CONDITIONS:
        at, relation, what = CONDITIONS[key]
        need(term[at], relation, what, ctx)
    if key in ("ix", "factorial"):
        for part in parts:
            need_integer(part, f"the argument of {term[1]}" if tag == "f" else f"an index of {term[1]}", ctx)
    ctx.known_defined.add(term)

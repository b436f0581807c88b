"""Signs and definedness: which signs a defined term can have, and whether a term is defined at all.

A sign is a set of possibilities, kept as a bit mask, so that "unknown" is all three and every law only removes
possibilities. Several arguments about one term may be intersected, as each is sound.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from derive.kernel import derivative as D
from derive.kernel import normal as N
from derive.kernel import poly as P
from derive.kernel.context import Context
from derive.kernel.poly import Poly
from derive.kernel.terms import BINDERS, ONE, OPTIMA, RELATIONS, Refused, Term, instantiate, sub, subterms

POS, ZERO_SIGN, NEG = BITS = (1, 2, 4)
NONNEGATIVE, NONZERO, ANY = 3, 5, 7
MASKS = {">": POS, ">=": NONNEGATIVE, "<": NEG, "<=": 6, "!=": NONZERO, "=": ZERO_SIGN}


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
    same = (a & b & NONZERO) != 0
    opposite = (a & negated(b) & NONZERO) != 0
    return (a | b) & ZERO_SIGN | (POS if same else 0) | (NEG if opposite else 0)


def power_sign(mask: int, e: Fraction) -> int:
    """The signs of x ** e for a constant e, where that is defined."""
    if e == 0:
        return POS
    mask = mask & NONZERO if e < 0 else mask
    if e.denominator > 1:
        return mask & NONNEGATIVE
    return (POS if mask & NONZERO else 0) | (mask & ZERO_SIGN) if e % 2 == 0 else mask


def sign(term: Term, ctx: Context) -> int:
    """The signs that a defined term can have under the assumptions."""
    if term not in ctx.signs:
        ctx.spend(1)
        ctx.signs[term] = ANY  # a question that comes back to itself learns nothing
        mask = structural(term, ctx)
        ctx.signs[term] = mask if mask in BITS else mask & sign_of(N.normal(term, ctx), ctx)
    return ctx.signs[term]


def structural(term: Term, ctx: Context) -> int:
    """What the shape of the term tells: squares, exponentials, sums of positives."""
    tag = term[0]
    if tag == "q":
        return POS if term[1] > 0 else NEG if term[1] < 0 else ZERO_SIGN
    if tag == "c":
        return POS
    if tag == "+":
        mask = ZERO_SIGN
        for part in term[1:]:
            mask = add_signs(mask, sign(part, ctx))
        return mask
    if tag == "neg":
        return negated(sign(term[1], ctx))
    if tag == "*":
        mask = POS
        for part in term[1:]:
            mask = mul_signs(mask, sign(part, ctx))
        return mask
    if tag == "/":
        return mul_signs(sign(term[1], ctx), sign(term[2], ctx) & NONZERO)
    if tag == "^":
        mask = sign(term[1], ctx)
        if term[2][0] == "q":
            return power_sign(mask, term[2][1])
        return POS if mask == POS else NONNEGATIVE if not mask & NEG else ANY if mask & ZERO_SIGN else NONZERO
    if tag in BINDERS:
        index, inside = bind(term[1], term[2], ctx)
        mask = sign(instantiate(term[3], index), inside)
        if tag == "prod":  # the empty product is 1
            return mask if mask in (POS, NONNEGATIVE) else ANY if mask & ZERO_SIGN else NONZERO
        surely = mask in BITS and not sign(sub(term[2], term[1]), ctx) & NEG
        return mask if surely else add_signs(mask, mask) | ZERO_SIGN  # the empty sum is 0
    return FUNCTION_SIGNS[term[1]](term, ctx) if tag == "f" else ANY


def best(term: Term, ctx: Context) -> int:
    """min or max: of each combination of the signs of the arguments, the smallest or greatest."""
    order = (NEG, ZERO_SIGN, POS) if term[1] == "min" else BITS
    choices = product(*([b for b in BITS if sign(part, ctx) & b] for part in term[2:]))
    return sum({next(b for b in order if b in choice) for choice in choices})


FUNCTION_SIGNS = {
    "exp": lambda term, ctx: POS,
    "gamma": lambda term, ctx: POS,
    "factorial": lambda term, ctx: POS,
    "log": lambda term, ctx: sign(sub(term[2], ONE), ctx),  # log is increasing and log(1) = 0
    "erf": lambda term, ctx: sign(term[2], ctx),
    "sign": lambda term, ctx: sign(term[2], ctx),
    "sqrt": lambda term, ctx: sign(term[2], ctx) & NONNEGATIVE,
    "abs": lambda term, ctx: power_sign(sign(term[2], ctx), Fraction(2)),
    "min": best,
    "max": best,
}


def sign_of(poly: Poly, ctx: Context) -> int:
    """The signs of a polynomial: monomial by monomial, then by comparison with each fact."""
    mask = termwise(poly, ctx)
    return mask if mask in BITS else by_facts(mask, poly, ctx, alone=False)


def termwise(poly: Poly, ctx: Context) -> int:
    mask = ZERO_SIGN
    for mono, c in poly.items():
        here = POS if c > 0 else NEG
        for base, e in mono:
            here = mul_signs(here, power_sign(atom_sign(base, ctx), e))
        mask = add_signs(mask, here)
    return mask


def atom_sign(base: Term, ctx: Context) -> int:
    """The signs of an atom: by its shape, or by a fact about it and a number alone."""
    if base[0] == "+":
        return sign(base, ctx)
    if base not in ctx.atom_signs:
        ctx.atom_signs[base] = ANY
        mask = structural(base, ctx)
        ctx.atom_signs[base] = mask if mask in BITS else by_facts(mask, P.atom(base), ctx, alone=True)
    return ctx.atom_signs[base]


def by_facts(mask: int, poly: Poly, ctx: Context, *, alone: bool) -> int:
    """poly = k*fact + rest: the sign of the sum from the sign of the fact and of the rest."""
    for known, fact, number in facts_about(poly, ctx):
        for shared in fact.keys() & poly.keys():
            k = poly[shared] / fact[shared]
            rest = P.minus(poly, P.scale(fact, k))
            if not alone or P.as_constant(rest) is not None:
                narrower = mask & add_signs(known if k > 0 else negated(known), termwise(rest, ctx))
                if narrower != mask:
                    ctx.used.add(number)
                    mask = narrower
    return mask


def facts_about(poly: Poly, ctx: Context) -> list[tuple[int, Poly, int]]:
    """The facts; those for every index, at the indices that occur here."""
    found = list(ctx.facts)
    if ctx.quantified:
        places = {part[2:] for mono in poly for base, _ in mono for part in subterms(base) if part[0] in ("ix", "call")}
        places |= {(arg,) for place in places for arg in place}
        closed = [place for place in places if all(p[0] != "b" for arg in place for p in subterms(arg))]
        for count, relation, number in ctx.quantified:
            for place in closed:
                if len(place) == count:
                    at = relation
                    for value in reversed(place):
                        at = instantiate(at, value)
                    found += [(mask, fact, number) for mask, fact in fact_polys(at, ctx)]
    return found


def fact_polys(relation: Term, ctx: Context) -> list[tuple[int, Poly]]:
    """A comparison as the sign of a difference; among integers, > 0 says >= 1."""
    if relation not in ctx.instances:
        ctx.instances[relation] = []  # a fact cannot help to read itself
        difference = N.normal(sub(relation[1], relation[2]), ctx)
        mask = MASKS[relation[0]]
        found = [(mask, difference)]
        if mask in (POS, NEG) and integer_valued(difference, ctx):
            found.append((mask | ZERO_SIGN, P.plus(difference, P.constant(-1 if mask == POS else 1))))
        ctx.instances[relation] = found
    return ctx.instances[relation]


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
        ctx.facts += [(mask, poly, number) for mask, poly in fact_polys(fact, ctx)]
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


# --- definedness ----------------------------------------------------------------------------------------------------


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
    tag = term[0]
    if tag in BINDERS:
        for end in term[1:3]:
            defined(end, ctx)
            need_integer(end, f"the limit of a {tag}", ctx)
        index, inside = bind(term[1], term[2], ctx)
        defined(instantiate(term[3], index), inside)
    elif tag in OPTIMA or tag == "diff":
        defined(term[2 if tag in OPTIMA else 1], ctx)
        slope = D.derivative(term[1], term[2], ctx) if tag == "diff" else term
        if slope != term:  # the derivative of an unknown function stands for itself
            defined(slope, ctx)
    elif tag in ("subdiff", "rec", "all", "b"):
        raise Refused(f"{tag} is not a value here", term)
    else:
        for part in term[1:]:
            if isinstance(part, tuple):
                defined(part, ctx)
        if tag == "/":
            need(term[2], "!=", "the denominator", ctx)
        elif tag == "^":
            defined_power(term, ctx)
        elif tag == "f" and term[1] in ("log", "gamma"):
            need(term[2], ">", f"the argument of {term[1]}", ctx)
        elif tag == "f" and term[1] in ("sqrt", "factorial"):
            need(term[2], ">=", f"the argument of {term[1]}", ctx)
            if term[1] == "factorial":
                need_integer(term[2], "the argument of factorial", ctx)
        elif tag == "ix":
            for part in term[2:]:
                need_integer(part, f"an index of {term[1]}", ctx)
        elif tag == "interval":
            need(sub(term[2], term[1]), ">=", "the length of an interval", ctx)
        elif tag not in ("q", "v", "c", "f", "+", "*", "neg", "call", "and", "or", *RELATIONS):
            raise Refused(f"unknown node {tag}", term)
    ctx.known_defined.add(term)


def defined_power(term: Term, ctx: Context) -> None:
    e = N.normal(term[2], ctx)
    value = P.as_constant(e)
    if integer_valued(e, ctx):
        if sign_of(e, ctx) & NEG:
            need(term[1], "!=", "the base of a power whose exponent may be negative", ctx)
    elif value is not None and value > 0:
        need(term[1], ">=", "the base of a fractional power", ctx)
    else:
        need(term[1], ">", "the base of a real power", ctx)

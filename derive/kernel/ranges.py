"""Sums and products over a range, in normal form: one order, one lower limit; and when an expression is zero.

Two sums are equal where their terms are, so what is to be zero is looked at under the sums as well.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

from derive.kernel import normal as N
from derive.kernel import poly as P
from derive.kernel import signs as S
from derive.kernel.poly import Context, Mono, Poly
from derive.kernel.terms import ONE, Refused, Term, abstract, add, canonical, instantiate, mentions, q, sub, substitute

EXPAND = 64  # a sum or product of at most so many numbered terms is written out
C1 = Fraction(1)


def over_range(term: Term, ctx: Context) -> Poly:
    """A sum or product with its index moved to 1..count, written out where the count is a small number."""
    tag, lo, hi, body = term
    count = N.normal(add(sub(hi, lo), ONE), ctx)
    fixed = count.get((), Fraction(0))
    moving = {mono: c for mono, c in count.items() if mono}
    parts: list[Poly] = []
    if fixed <= EXPAND and not S.sign_of(moving, ctx) & S.NEG:  # moving = 0: all of it; else the last terms
        last = (add(lo, P.to_term(moving), q(k)) for k in range(int(fixed)))
        parts = [N.normal(instantiate(body, index), ctx) for index in last]
        count = moving if fixed > 0 else count
    if moving or fixed > EXPAND:
        index, _, inside = S.opened((tag, ONE, P.to_term(count), ONE), ctx)
        shifted = instantiate(body, add(lo, sub(("v", index), ONE)))
        law = distributed_product if tag == "prod" else distributed_sum
        parts.append(law(N.normal(shifted, inside), index, count, ctx))
    return N.product(parts, ctx) if tag == "prod" else P.plus(*parts)


def closed(tag: str, count: Poly, body: Poly, index: str) -> Poly:
    return P.atom((tag, ONE, P.to_term(count), abstract(P.to_term(body), index)))


def leaves(base: Term, e: Fraction, index: str, count: Poly, ctx: Context) -> bool:
    """Whether a factor may leave the range of an index: where that is empty, 1/u or a root need not be defined."""
    safe = (e > 0 and e.denominator == 1) or S.POS in (S.sign_of(count, ctx), S.atom_sign(base, ctx))
    return safe and not mentions(base, index)


def distributed_sum(body: Poly, index: str, count: Poly, ctx: Context) -> Poly:
    """sum(c*u + v) = c*sum(u) + sum(v), c free of the index; sum(1) = count where count >= 0."""
    if "sum" not in ctx.laws:
        return closed("sum", count, body, index)
    total: Poly = {}
    for mono, c in body.items():
        free = tuple(power for power in mono if leaves(*power, index, count, ctx))
        bound = tuple(power for power in mono if power not in free)
        plain = not bound and not S.sign_of(count, ctx) & S.NEG
        total = P.plus(total, N.times({free: c}, count if plain else picked(bound, index, count, ctx), ctx))
    return total


def picked(mono: Mono, index: str, count: Poly, ctx: Context) -> Poly:
    """The sum of u(i)*kronecker(i, k) is u(k) where k is in the range, and 0 where it is not."""
    inside = S.opened(("sum", ONE, P.to_term(count), ONE), ctx)[2]
    for base, e in mono:
        gap = dict(N.normal(base[2], inside)) if base[:2] == ("f", "kronecker") and e == 1 else {}
        side = gap.pop(((("v", index), C1),), Fraction(0))  # gap = side*(i - k)
        k = P.scale(gap, -side)
        if abs(side) == 1 and not mentions(P.to_term(k), index):
            ends = P.plus(k, P.scale(P.UNIT, -1)), P.plus(count, P.scale(k, -1))
            low, high = (S.sign_of(end, ctx) for end in ends)
            if S.NEG in (low, high):
                return {}
            if not (low | high) & S.NEG:
                rest = P.to_term({P.merge(mono, ((base, e),), -1): C1})
                return N.normal(instantiate(abstract(rest, index), P.to_term(k)), ctx)
    return exchanged(mono, index, count, inside, ctx)


def exchanged(mono: Mono, i: str, count: Poly, inside: Context, ctx: Context) -> Poly:
    """sum_i sum_j u = sum_j sum_i u where no range depends on the other's index: the canonical order of the two."""
    total = closed("sum", count, {mono: C1}, i)
    sums = [(a, e) for a, e in mono if a[0] == "sum" and e == 1 and not mentions(a[2], i)]
    if "ordered" in ctx.laws or len(sums) != 1:
        return total
    ((inner, _),) = sums
    j, body, deeper = S.opened(inner, inside)
    flat = N.times({P.merge(mono, ((inner, C1),), -1): C1}, N.normal(body, deeper), deeper)
    swapped = ("sum", ONE, inner[2], abstract(("sum", ONE, P.to_term(count), abstract(P.to_term(flat), i)), j))
    other = N.normal(swapped, replace(ctx, laws=ctx.laws | {"ordered"}))
    return min(total, other, key=lambda poly: canonical(P.to_term(poly)))


def distributed_product(body: Poly, index: str, count: Poly, ctx: Context) -> Poly:
    """prod(u*v) = prod(u) prod(v); prod(c) = c**count for count >= 0; prod(exp(u)) = exp(sum(u))."""
    if "log" not in ctx.laws or len(body) != 1 or S.sign_of(count, ctx) & S.NEG:
        return closed("prod", count, body, index)
    top = P.to_term(count)

    def part(a: Term, k: Fraction) -> Poly:
        if a[:2] == ("f", "exp"):
            return N.exp_of(N.normal(("sum", ONE, top, abstract(("*", q(k), a[2]), index)), ctx), ctx)
        if k.denominator > 1:
            return closed("prod", count, P.atom(a, k), index)
        if leaves(a, k, index, count, ctx):
            return N.power(P.to_term(P.atom(a, k)), top, ctx)
        return N.integer_power(closed("prod", count, P.atom(a), index), int(k), ctx)  # prod(u**k) = (prod u)**k

    ((mono, c),) = body.items()
    return N.product([N.power(q(c), top, ctx), *(part(a, k) for a, k in mono)], ctx)


def joined(poly: Poly, ctx: Context) -> Iterator[tuple[Term, Poly, Context, Poly]]:
    """(range, body, assumptions there, rest) with poly = sum(body) + rest, the sums over one range as one sum."""
    tops = {a[2] for mono in poly for a, e in mono if a[0] == "sum" and e == 1} if "sum" in ctx.laws else set()
    for top in sorted(tops, key=canonical):
        inside = S.opened(("sum", ONE, top, ONE), ctx)[2]
        body, rest = dict[Mono, Fraction](), dict(poly)
        for mono, c in poly.items():
            here = [a for a, e in mono if a[0] == "sum" and a[2] == top and e == 1]
            if not S.sign(top, ctx) & S.NEG:  # then top is sum(1)
                here += [a for a, e in mono if a == top and e > 0]
            if len(here) == 1:
                each = P.UNIT if here[0] == top else N.normal(S.opened(here[0], ctx)[1], inside)
                body = P.plus(body, N.times({P.merge(mono, ((here[0], C1),), -1): c}, each, inside))
                del rest[mono]
        if len(rest) < len(poly):
            yield top, body, inside, rest


def is_zero(poly: Poly, ctx: Context) -> bool:
    """Whether a defined expression is certainly zero: denominators cleared, sums over one range joined."""
    poly, _ = N.cleared(poly, ctx)
    for _, body, inside, rest in joined(poly, ctx):
        if is_zero(body, inside):
            return is_zero(rest, ctx)
    return S.sign_of(poly, ctx) == S.ZERO or S.sign_of(solved(poly, ctx), ctx) == S.ZERO


def solved(poly: Poly, ctx: Context) -> Poly:
    """The polynomial with each equation among the facts solved for an atom that is in it once, one after the other."""
    for fact, number in ((fact, number) for signs, fact, number in ctx.facts if signs == S.ZERO):
        atoms = [base for mono in fact for base, _ in mono]
        once = (mono for mono in fact if len(mono) == 1 and mono[0][1] == 1 and atoms.count(mono[0][0]) == 1)
        if lone := next(once, None):
            value = P.scale(P.plus(fact, {lone: -fact[lone]}), -1 / fact[lone])
            with suppress(Refused):  # not where that would change the meaning of a derivative
                before, poly = poly, N.normal(substitute(P.to_term(poly), lone[0][0], P.to_term(value)), ctx)
                ctx.used |= {number} if poly != before else set()
    return poly

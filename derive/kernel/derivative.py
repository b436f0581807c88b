"""The differentiator: one law for each node, each with the condition under which it holds at the point.

A term is differentiated as it was written. Nothing may be simplified by the assumptions first: an assumption holds
at the point, and a derivative looks at a neighbourhood of it.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.kernel import normal as N
from derive.kernel import poly as P
from derive.kernel import signs as S
from derive.kernel.context import Context
from derive.kernel.terms import ONE, TWO, ZERO, Refused, Term, abstract, add, children, instantiate, mentions, mul, sub


def derivative(term: Term, x: Term, ctx: Context) -> Term:
    """d term / d x at a point where the term is defined; refused where it is not known to be differentiable."""
    if x[0] != "v":
        raise Refused("a derivative is taken with respect to a name", x)
    if term == x:
        return ONE
    if not mentions(term, str(x[1])):
        return ZERO
    ctx.spend(1)
    law = LAWS.get(term[1] if term[0] == "f" else term[0])
    if law is None:
        raise Refused(f"no rule to differentiate {term[1] if term[0] == 'f' else term[0]}", term)
    return law(term, x, ctx)


def _times(*parts: Term) -> Term:
    return ZERO if ZERO in parts else mul(*(part for part in parts if part != ONE))


def _sum_law(term: Term, x: Term, ctx: Context) -> Term:
    return add(*(part for part in (derivative(part, x, ctx) for part in term[1:]) if part != ZERO))


def _product(term: Term, x: Term, ctx: Context) -> Term:
    parts = term[1:]
    return add(*(_times(*parts[:k], derivative(part, x, ctx), *parts[k + 1 :]) for k, part in enumerate(parts)))


def _quotient(term: Term, x: Term, ctx: Context) -> Term:
    _, u, v = term
    du, dv = derivative(u, x, ctx), derivative(v, x, ctx)
    return ("/", du, v) if dv == ZERO else ("/", sub(_times(du, v), _times(u, dv)), ("^", v, TWO))


def _power(term: Term, x: Term, ctx: Context) -> Term:
    _, u, e = term
    if mentions(e, str(x[1])):  # u**e = exp(e*log(u))
        S.need(u, ">", "the base of a power that is differentiated in its exponent", ctx)
        return _times(term, derivative(("*", e, ("f", "log", u)), x, ctx))
    value = P.as_constant(N.normal(e, ctx))
    if value is None or value.denominator > 1:
        S.need(u, ">", "the base of a power that is differentiated", ctx)
    return ZERO if value == 0 else _times(e, ("^", u, sub(e, ONE)), derivative(u, x, ctx))


def _chain(outer: Callable[[Term], Term], relation: str = "") -> Callable[[Term, Term, Context], Term]:
    def law(term: Term, x: Term, ctx: Context) -> Term:
        if relation:
            S.need(term[2], relation, f"the argument of {term[1]}, to be differentiated,", ctx)
        return _times(outer(term[2]), derivative(term[2], x, ctx))

    return law


def _under_sum(term: Term, x: Term, ctx: Context) -> Term:
    """The derivative of a finite sum is the sum of the derivatives; the range does not depend on x."""
    _, lo, hi, body = term
    if mentions(lo, str(x[1])) or mentions(hi, str(x[1])):
        raise Refused("the range of a sum depends on the variable", term)
    index, inside = S.bind(lo, hi, ctx)
    return ("sum", lo, hi, abstract(derivative(instantiate(body, index), x, inside), str(index[1])))


def _call(term: Term, x: Term, ctx: Context) -> Term:
    """f(a, x) with f declared differentiable, x one argument and the others free of it: the partial derivative."""
    direct = sum(part == x for part in children(term)) == sum(mentions(part, str(x[1])) for part in children(term)) == 1
    if term[1] not in ctx.differentiable or not direct:
        raise Refused(f"{term[1]} is not declared differentiable in {x[1]} alone", term)
    return ("diff", term, x)


LAWS: dict[str, Callable[[Term, Term, Context], Term]] = {
    "+": _sum_law, "*": _product, "/": _quotient, "^": _power, "sum": _under_sum, "call": _call,
    "neg": lambda term, x, ctx: ("neg", derivative(term[1], x, ctx)),
    "exp": _chain(lambda u: ("f", "exp", u)),
    "log": _chain(lambda u: ("/", ONE, u)),
    "sqrt": _chain(lambda u: ("/", ONE, ("*", TWO, ("f", "sqrt", u))), ">"),
    "abs": _chain(lambda u: ("f", "sign", u), "!="),
    "sign": _chain(lambda u: ZERO, "!="),
    "erf": _chain(lambda u: ("/", ("*", TWO, ("f", "exp", ("neg", ("^", u, TWO)))), ("f", "sqrt", ("c", "pi")))),
}  # fmt: skip

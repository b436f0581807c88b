"""The differentiator: one law for each node, each with the condition under which it holds at the point.

A term is differentiated as it was written. Nothing may be simplified by the assumptions first: an assumption holds
at the point, and a derivative looks at a neighbourhood of it. The conditions (u > 0, u != 0) then hold there, too.
"""

from collections.abc import Callable

from derive.kernel import normal as N
from derive.kernel import signs as S
from derive.kernel.context import Context
from derive.kernel.terms import ONE, TWO, ZERO, Refused, Term, abstract, add, children, instantiate, mentions, mul, sub

Law = Callable[[Term, Term, Context], Term]


def derivative(term: Term, x: Term, ctx: Context) -> Term:
    """d term / d x at a point where the term is defined; refused where it is not known to be differentiable."""
    if x[0] != "v":
        raise Refused("a derivative is taken with respect to a name", x)
    if term == x:
        return ONE
    if not mentions(term, x[1]):
        return ZERO
    ctx.spend(1)
    law = LAWS.get(term[1] if term[0] == "f" else term[0])
    if law is None:
        raise Refused(f"no rule to differentiate {term[1] if term[0] == 'f' else term[0]}", term)
    return law(term, x, ctx)


def _times(*parts: Term) -> Term:
    return ZERO if ZERO in parts else mul(*(part for part in parts if part != ONE))


def _product(term: Term, x: Term, ctx: Context) -> Term:
    slopes = [derivative(part, x, ctx) for part in term[1:]]
    return add(*(_times(*term[1 : k + 1], slope, *term[k + 2 :]) for k, slope in enumerate(slopes) if slope != ZERO))


def _quotient(term: Term, x: Term, ctx: Context) -> Term:
    _, u, v = term
    du, dv = derivative(u, x, ctx), derivative(v, x, ctx)
    return ("/", du, v) if dv == ZERO else ("/", sub(_times(du, v), _times(u, dv)), ("^", v, TWO))


def _power(term: Term, x: Term, ctx: Context) -> Term:
    _, u, e = term
    if mentions(e, x[1]) or not S.integer_valued(N.normal(e, ctx), ctx):
        S.need(u, ">", "the base of a power that is differentiated, with no constant integer in the exponent,", ctx)
    if mentions(e, x[1]):  # u**e = exp(e*log(u))
        return _times(term, derivative(("*", e, ("f", "log", u)), x, ctx))
    return _times(e, ("^", u, sub(e, ONE)), derivative(u, x, ctx))


def _under_sum(term: Term, x: Term, ctx: Context) -> Term:
    """The derivative of a finite sum is the sum of the derivatives; the range does not depend on x."""
    _, lo, hi, body = term
    if mentions(lo, x[1]) or mentions(hi, x[1]):
        raise Refused("the range of a sum depends on the variable", term)
    index, inside = S.bind(lo, hi, ctx)
    return ("sum", lo, hi, abstract(derivative(instantiate(body, index), x, inside), index[1]))


def _call(term: Term, x: Term, ctx: Context) -> Term:
    """f(a, x) with f declared differentiable, x one argument and the others free of it: the partial derivative."""
    direct = [part == x for part in children(term) if mentions(part, x[1])] == [True]
    if term[1] not in ctx.differentiable or not direct:
        raise Refused(f"{term[1]} is not declared differentiable in {x[1]} alone", term)
    return ("diff", term, x)


def _again(term: Term, x: Term, ctx: Context) -> Term:
    """The second derivative; an unknown function has none, and its slope stands for itself."""
    slope = derivative(term[1], term[2], ctx)
    if x != term[2] or slope == term:
        raise Refused("this derivative is not known to be differentiable again", term)
    return derivative(slope, x, ctx)


def _chain(outer: Callable[[Term], Term], relation: str = "") -> Law:
    def law(term: Term, x: Term, ctx: Context) -> Term:
        if relation:
            S.need(term[2], relation, f"the argument of {term[1]}, to be differentiated,", ctx)
        return _times(outer(term[2]), derivative(term[2], x, ctx))

    return law


LAWS: dict[str, Law] = {
    "*": _product, "/": _quotient, "^": _power, "sum": _under_sum, "call": _call, "diff": _again,
    "+": lambda term, x, ctx: add(*(derivative(part, x, ctx) for part in term[1:])),
    "neg": lambda term, x, ctx: ("neg", derivative(term[1], x, ctx)),
    "exp": _chain(lambda u: ("f", "exp", u)),
    "log": _chain(lambda u: ("/", ONE, u)),
    "sqrt": _chain(lambda u: ("/", ONE, ("*", TWO, ("f", "sqrt", u))), ">"),
    "abs": _chain(lambda u: ("f", "sign", u), "!="),
    "sign": _chain(lambda u: ZERO, "!="),
    "erf": _chain(lambda u: ("/", ("*", TWO, ("f", "exp", ("neg", ("^", u, TWO)))), ("f", "sqrt", ("c", "pi")))),
}  # fmt: skip

"""The differentiator: one law for each node, each with the condition under which it holds at the point.

A term is differentiated as it was written. Nothing may be simplified by the assumptions first: an assumption holds
at the point, and a derivative looks at a neighbourhood of it. The conditions (u > 0, u != 0) then hold there, too.
"""

from collections.abc import Callable

from derive.kernel import normal as N
from derive.kernel import signs as S
from derive.kernel.poly import Context
from derive.kernel.terms import ONE, TWO, ZERO, Refused, Term, abstract, add, children, mentions, mul, require, sub

# function -> its slope at u, and what u has to be (beyond what makes the function defined)
SLOPES: dict[str, tuple[Callable[[Term], Term], str]] = {
    "exp": (lambda u: ("f", "exp", u), ""),
    "log": (lambda u: ("/", ONE, u), ""),
    "sqrt": (lambda u: ("/", ONE, ("*", TWO, ("f", "sqrt", u))), ">"),
    "abs": (lambda u: ("f", "sign", u), "!="),
    "sign": (lambda u: ZERO, "!="),
    "erf": (lambda u: ("/", ("*", TWO, ("f", "exp", ("neg", ("^", u, TWO)))), ("f", "sqrt", ("c", "pi"))), ""),
}


def times(*parts: Term) -> Term:
    return ZERO if ZERO in parts else mul(*(part for part in parts if part != ONE))


def derivative(term: Term, x: Term, ctx: Context) -> Term:
    """d term / d x at a point where the term is defined; refused where it is not known to be differentiable."""
    require(x[0] == "v", "a derivative is taken with respect to a name", x)
    if term == x or not mentions(term, x[1]):
        return ONE if term == x else ZERO
    ctx.spend(1)
    tag, name = term[0], term[1]
    if tag in ("+", "neg"):
        return (tag, *(derivative(part, x, ctx) for part in term[1:]))
    if tag == "*":
        slopes = [derivative(part, x, ctx) for part in term[1:]]
        return add(*(times(*term[1 : k + 1], slope, *term[k + 2 :]) for k, slope in enumerate(slopes)))
    if tag == "/":
        _, u, v = term
        du, dv = derivative(u, x, ctx), derivative(v, x, ctx)
        return ("/", du, v) if dv == ZERO else ("/", sub(times(du, v), times(u, dv)), ("^", v, TWO))
    if tag == "^":
        _, u, e = term
        if mentions(e, x[1]) or not S.integer_valued(N.normal(e, ctx), ctx):
            S.need(u, ">", "the base of a power that is differentiated, whose exponent is no fixed integer,", ctx)
        if mentions(e, x[1]):  # u**e = exp(e*log(u))
            return times(term, derivative(("*", e, ("f", "log", u)), x, ctx))
        return times(e, ("^", u, sub(e, ONE)), derivative(u, x, ctx))
    if tag == "f" and name in SLOPES:  # the chain rule
        outer, relation = SLOPES[name]
        if relation:
            S.need(term[2], relation, f"the argument of {name}, to be differentiated,", ctx)
        return times(outer(term[2]), derivative(term[2], x, ctx))
    if tag == "sum" and not mentions(term[1], x[1]) and not mentions(term[2], x[1]):  # term by term
        index, body, inside = S.opened(term, ctx)
        return (*term[:3], abstract(derivative(body, x, inside), index))
    if tag == "call" and name in ctx.differentiable and [t == x for t in children(term) if mentions(t, x[1])] == [True]:
        return ("diff", term, x)  # a partial derivative: x is one argument, and the others are free of it
    if tag == "diff" and term[2] == x:  # the second derivative; that of an unknown function is not known to exist
        slope = derivative(term[1], x, ctx)
        if slope != term:
            return derivative(slope, x, ctx)
    raise Refused(f"no rule to differentiate {name if tag in ('f', 'call') else tag} with respect to {x[1]}", term)

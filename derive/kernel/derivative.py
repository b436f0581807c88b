"""The differentiator: one law for each node, each with the condition under which it holds at the point.

A term is differentiated as it was written. Nothing may be simplified by the assumptions first: an assumption holds
at the point, and a derivative looks at a neighbourhood of it. The conditions (u > 0, u != 0) then hold there, too.
From one side (side = -1 or 1) there is more: |u| at u = 0, and max(u, v) at u = v. Such a slope is one of the point
alone, so nothing is differentiated twice from a side.
"""

from collections.abc import Callable

from derive.kernel import normal as N
from derive.kernel import ranges as R
from derive.kernel import signs as S
from derive.kernel.poly import Context
from derive.kernel.terms import ONE, TWO, ZERO, Refused, Term, abstract, add, children

from derive.kernel.terms import mentions, mul, q, require, sub, subterms  # isort: skip

# function -> its slope at u, and what u has to be (beyond what makes the function defined)
SLOPES: dict[str, tuple[Callable[[Term], Term], str]] = {
    "exp": (lambda u: ("f", "exp", u), ""),
    "log": (lambda u: ("/", ONE, u), ""),
    "sqrt": (lambda u: ("/", ONE, ("*", TWO, ("f", "sqrt", u))), ">"),
    "sign": (lambda u: ZERO, "!="),
    "erf": (lambda u: ("/", ("*", TWO, ("f", "exp", ("neg", ("^", u, TWO)))), ("f", "sqrt", ("c", "pi"))), ""),
}


def times(*parts: Term) -> Term:
    return ZERO if ZERO in parts else mul(*(part for part in parts if part != ONE))


def slope(term: Term, ctx: Context) -> Term:
    """The value of ("diff", body, x): at a kink, where the slopes from both sides are the same."""
    _, body, x = term
    try:
        return derivative(body, x, ctx)
    except Refused:
        left, right = (derivative(body, x, ctx, side) for side in (-1, 1))  # of the same parts, so both are defined
        require(R.is_zero(N.normal(sub(right, left), ctx), ctx), "the slopes from both sides may differ", term)
        return right


def derivative(term: Term, x: Term, ctx: Context, side: int = 0) -> Term:
    """d term / d x at a point where the term is defined; refused where it is not known to be differentiable."""
    place = x[0] == "ix" and not any(mentions(index, x[1]) for index in x[2:])
    require(x[0] == "v" or place, "a derivative is taken with respect to a name, or to a place of a family", x)
    if term == x or not mentions(term, x[1]):
        return ONE if term == x else ZERO
    ctx.spend(sum(1 for _ in subterms(term)))
    tag, name, parts = term[0], term[1], children(term)
    moving = [k for k, part in enumerate(parts) if mentions(part, x[1])]

    def by(part: Term) -> Term:
        return derivative(part, x, ctx, side)

    if tag in ("+", "neg"):
        return (tag, *map(by, parts))
    if tag == "*":
        return add(*(times(*parts[:k], by(parts[k]), *parts[k + 1 :]) for k in moving))
    if tag == "/":
        u, v = parts
        if 1 not in moving:
            return ("/", by(u), v)
        return ("/", sub(times(by(u), v), times(u, by(v))), ("^", v, TWO))
    if tag == "^":
        u, e = parts
        if 1 in moving or not S.integer_valued(N.normal(e, ctx), ctx):
            S.need(u, ">", "the base of a power that is differentiated, whose exponent is no fixed integer,", ctx)
        if 1 in moving:  # u**e = exp(e*log(u))
            return times(term, by(("*", e, ("f", "log", u))))
        return times(e, ("^", u, sub(e, ONE)), by(u))
    if tag == "f" and name == "abs":  # |u| at u = 0 has the slope side*|du|
        du, at, signs = by(parts[0]), ("f", "sign", parts[0]), S.sign(parts[0], ctx)
        if not signs & S.ZERO:
            return times(q(*signs) if len(signs) == 1 else at, du)
        require(side, "the argument of abs, to be differentiated, is not known to be != 0", parts[0])
        return add(times(at, du), times(q(side), sub(ONE, ("^", at, TWO)), ("f", "abs", du)))
    if tag == "f" and name in SLOPES:  # the chain rule
        outer, relation = SLOPES[name]
        if relation:
            S.need(parts[0], relation, f"the argument of {name}, to be differentiated,", ctx)
        return times(outer(parts[0]), by(parts[0]))
    if tag == "f" and name in ("min", "max"):  # the largest has the slope; from one side, the steepest of the largest
        slopes = [by(part) for part in parts]
        steepest = name if side == 1 else {"min": "max", "max": "min"}[name]
        for top in parts:
            below = [S.sign(sub(top, part) if name == "max" else sub(part, top), ctx) for part in parts]
            level = [slope for slope, signs in zip(slopes, below, strict=True) if signs == S.ZERO]
            if all(signs in (S.POS, S.ZERO) for signs in below) and (side or len(level) == 1):
                return ("f", steepest, *level) if level[1:] else level[0]
    if tag == "sum" and moving == [2]:  # term by term
        index, body, inside = S.opened(term, ctx)
        return (*term[:3], abstract(derivative(body, x, inside, side), index))
    if tag == "ix" and x[0] == "ix" and not moving:
        return times(*(("f", "kronecker", *pair) for pair in zip(parts, x[2:], strict=True)))
    if tag == "call" and len(moving) == 1 and (name, moving[0]) in ctx.slopes:
        named, number = ctx.slopes[name, moving[0]]
        ctx.used.add(number)
        return times(("call", named, *parts), by(parts[moving[0]]))
    if tag == "call" and name in ctx.differentiable and [parts[k] for k in moving] == [x]:
        return ("diff", term, x)  # a partial derivative: x is one argument, and the others are free of it
    if tag == "diff" and (moving == [0] or parts[1][1] == x[1]):  # a second derivative, at a place that stays
        first = derivative(name, parts[1], ctx)
        if parts[1] != x:
            derivative(name, x, ctx)  # the first one has to be what it is in a neighbourhood of x, too
        if first != term:  # that of an unknown function is not known to have one
            return by(first)
    raise Refused(f"no rule to differentiate {name if tag in ('f', 'call') else tag} with respect to {x[1]}", term)

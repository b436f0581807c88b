"""The inference rules: one function each, whose docstring draws the rule. RULES is the table.

A rule gets a step whose two sides are already proved to be defined, and either returns or raises Refused. Whatever a
rule needs beyond the two sides comes with the step as a hint; a rule never searches.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any, NamedTuple

from derive.kernel import derivative as D
from derive.kernel import normal as N
from derive.kernel import signs as S
from derive.kernel.poly import Context
from derive.kernel.terms import MAX_NODES, ONE, OPTIMA, RELATIONS, ZERO, Term, abstract, add, children

from derive.kernel.terms import instantiate, lift, mentions, mul, q, rebuild, require, sub, substitute, subterms  # isort: skip

TRUE: Term = ("and",)
CLAIMS = ("and", "or", *RELATIONS)


class Step(NamedTuple):
    rule: str
    relation: str
    before: Term
    after: Term
    hints: dict[str, Any]


def equal(left: Term, right: Term, ctx: Context) -> None:
    """Refuse unless both terms have the same value, or are the same construction over equal parts."""
    if left[0] in (*OPTIMA, "interval", *CLAIMS):
        alike = rebuild(left, lambda *_: ZERO) == rebuild(right, lambda *_: ZERO)
        require(alike, f"{left[0]} and {right[0]} are not of the same form", right)
        for a, b in zip(children(left), children(right), strict=True):
            equal(a, b, ctx)
    elif left != right:
        same = N.is_zero(N.normal(sub(left, right), ctx), ctx)
        require(same, "the two sides do not have the same normal form", sub(left, right))


def equality(step: Step, ctx: Context) -> None:
    """
    normal form of u = normal form of v
    -----------------------------------   with the laws of the rule; for claims <=>; definitions are unfolded before
                  u = v
    """
    given = ("<=>",) if step.before[0] in CLAIMS else ("=", "<=", ">=")
    require(step.relation in given, f"equality does not give {step.relation} here")
    equal(step.before, step.after, ctx)


def optima(step: Step) -> tuple[Term, Term]:
    f, g = step.before, step.after
    alike = step.relation == "=" and f[0] in OPTIMA and g[0] in OPTIMA and f[1] == g[1]
    require(alike, "an argmax or argmin on both sides, over the same variables, is expected")
    return f[2], g[2]


def argopt(step: Step, ctx: Context) -> None:
    """
    f = c + k*g    c, k free of w    k > 0
    --------------------------------------   and max against min where k < 0
         argmax[w] f = argmax[w] g
    """
    f, g = optima(step)
    c, k = step.hints["constant"], step.hints["factor"]
    S.defined(("and", c, k), ctx)
    require(not mentions(add(c, k), *step.before[1]), "a variable occurs in what should not depend on it", add(c, k))
    S.need(k, ">" if step.before[0] == step.after[0] else "<", "the factor", ctx)
    equal(f, add(c, mul(k, g)), ctx)


def monotone(step: Step, ctx: Context) -> None:
    """
    g = h(f)    h strictly increasing: exp, log, sqrt
    -------------------------------------------------   and the same from g to f
           argmax[w] f = argmax[w] g
    """
    f, g = optima(step)[:: -1 if step.hints["inverse"] else 1]
    h = step.hints["function"]
    known = h in ("exp", "log", "sqrt") and step.before[0] == step.after[0]
    require(known, "monotone takes an increasing function and keeps argmax or argmin")
    S.defined(("f", h, f), ctx)
    equal(("f", h, f), g, ctx)


def positive(step: Step, ctx: Context) -> None:
    """
    u - v = s    s visibly > 0: squares, exponentials, assumptions, their sums and products
    ---------------------------------------------------------------------------------------   also >=, <, <=, !=, =
                                     u > v
    """
    form = step.hints["form"]
    require(step.relation in S.SIGNS, f"{step.relation} is not a comparison")
    S.defined(form, ctx)
    equal(sub(step.before, step.after), form, ctx)
    S.need(form, step.relation, "the difference of the two sides", ctx)


def subgrad_abs(step: Step, ctx: Context) -> None:
    """
    u affine in w    u = 0 at the point
    -----------------------------------   and d(f + c*g) = f' + c*dg for f differentiable, c >= 0, g convex
       subdiff(|u|, w) = [-|u'|, |u'|]
    """
    shape = (step.relation, step.before[0], step.after[0])
    require(shape == ("=", "subdiff", "interval"), "subdiff(f, w) = [lo, hi] is expected")
    _, term, x = step.before
    ends = ("interval", subgradient(term, x, -1, ctx), subgradient(term, x, 1, ctx))
    S.defined(("and", term, step.after, ends), ctx)
    equal(ends, step.after, ctx)


def subgradient(term: Term, x: Term, side: int, ctx: Context) -> Term:
    """The lower (-1) or upper (1) end of the subdifferential of a differentiable term plus convex ones times c >= 0."""
    tag, moving = term[0], [part for part in children(term) if mentions(part, x[1])]
    fixed = [part for part in children(term) if part not in moving]
    if tag == "+":
        return add(*(subgradient(part, x, side, ctx) for part in term[1:]))
    if tag == "sum" and moving == [term[3]]:
        index, body, inside = S.opened(term, ctx)
        return (*term[:3], abstract(subgradient(body, x, side, inside), index))
    scaled = (tag == "*" and len(moving) == 1) or (tag == "/" and moving == [term[1]])
    if scaled and not S.sign(mul(*fixed), ctx) & S.NEG:
        return (tag, subgradient(moving[0], x, side, ctx), *fixed)
    if term[:2] == ("f", "abs") and S.sign(term[2], ctx) == S.ZERO:
        slope = D.derivative(term[2], x, ctx)
        require(not mentions(slope, x[1]), f"this is not known to be affine in {x[1]}", term[2])
        return mul(q(side), ("f", "abs", slope))
    return D.derivative(term, x, ctx)


def induction(step: Step, ctx: Context) -> None:
    """
    c[t := start] = first    c[t := t + 1] = next[e[t] := c]  for every integer t >= start
    --------------------------------------------------------------------------------------
           e[start] = first, e[t + 1] = next  gives  e[t] = c  for every t >= start
    """
    shape = (step.before, step.relation, step.after[0])
    require(shape == (TRUE, "<=>", "rec"), "a recurrence with its closed form is expected")
    _, name, t, start, following, first, closed = step.after
    free = not mentions(closed, name) and not mentions(("and", start, first), name, t)
    require(free, f"{name} occurs in its own closed form, or {t} in the start")
    S.defined(("ix", name, start), ctx)
    S.defined(first, ctx)
    # The instances are made here, not taken from the certificate; #t is a new name of which only #t >= start is known.
    now = ("v", "#t")
    inside = S.assume((">=", now, start), replace(ctx, kinds=ctx.kinds | {"#t": "integer"}))
    here = substitute(closed, ("v", t), now)
    body = substitute(substitute(following, ("ix", name, ("v", t)), here), ("v", t), now)
    require(not mentions(body, name), f"the recurrence uses {name} at another place than {name}[{t}]", following)
    S.defined(("and", here, body), inside)
    equal(substitute(closed, ("v", t), start), first, ctx)
    equal(substitute(closed, ("v", t), add(now, ONE)), body, inside)


def equivalent(step: Step, ctx: Context) -> None:
    """
    P, assumed, gives Q    Q, assumed, gives P
    ------------------------------------------   each comparison by the rule positive; |u| < v is u < v and -u < v
                    P <=> Q
    """
    require(step.relation == "<=>", "an equivalence is expected")
    left, right = cases(step.before), cases(step.after)
    for given, wanted, hints in ((left, right, step.hints["forward"]), (right, left, step.hints["backward"])):
        for case, (choice, forms) in zip(given, hints, strict=True):  # in each case, the named case of the other side
            inside = reduce(lambda ctx, fact: S.assume(fact, ctx), case, ctx)
            for (relation, u, v), form in zip(wanted[choice], forms, strict=True):
                positive(Step("positive", relation, u, v, {"form": form}), inside)


def cases(claim: Term) -> list[list[Term]]:
    """The disjunctive normal form, absolute values on one side of a comparison split."""
    tag, *parts = claim
    found = [[claim]]
    if tag == "or":
        found = [case for part in parts for case in cases(part)]
    elif tag == "and":
        found = [[]]
        for part in parts:
            found = [one + other for one in found[:65] for other in cases(part)]
    elif tag in (">", ">="):
        return cases((tag.replace(">", "<"), *reversed(parts)))
    elif tag in ("<", "<=") and parts[0][:2] == ("f", "abs"):
        return [[(tag, parts[0][2], parts[1]), (tag, ("neg", parts[0][2]), parts[1])]]
    elif tag in ("<", "<=") and parts[1][:2] == ("f", "abs"):
        return [[(tag, parts[0], parts[1][2])], [(tag, parts[0], ("neg", parts[1][2]))]]
    require(len(found) <= 64, "more than 64 cases; split the claim")
    return found


def unfold(term: Term, definitions: dict[str, tuple[int, Term]], left: list[int] | None = None) -> Term:
    """Replace defined names by their bodies, whose parameters are indices, the last one innermost."""
    left = [MAX_NODES] if left is None else left  # how many nodes the result may still have
    bound = term[1] if term[0] in OPTIMA else term[1:3] if term[0] == "rec" else ()
    require(not definitions.keys() & {*bound}, f"a variable of {term[0]} is defined", term)
    term = rebuild(term, lambda part, _: unfold(part, definitions, left))
    if term[0] not in ("call", "v") or term[1] not in definitions:
        return term
    arity, body = definitions[term[1]]
    left[0] -= math.prod(len(list(subterms(part))) for part in (body, ("and", *term[2:])))
    require(arity == len(term) - 2 and left[0] >= 0, f"{term[1]} takes {arity} arguments, or grows too large", term)
    for more, argument in reversed(list(enumerate(term[2:]))):
        value = lift(argument, more)  # over the parameters that are still open
        was, body = body, instantiate(body, value)
        if body == instantiate(was, TRUE):  # an argument that the body drops has to be defined all the same
            body = add(body, mul(ZERO, value))
    return body


ALL = frozenset({"sum", "log", "diff"})
# rule -> the function that judges it, the hints it takes, the laws of the normal form that it may use
RULES: dict[str, tuple[Callable[[Step, Context], None], dict[str, str], frozenset[str]]] = {
    "definition": (equality, {}, frozenset()),
    "identity": (equality, {}, frozenset()),
    "sum_termwise": (equality, {}, frozenset({"sum"})),
    "log_of_product": (equality, {}, frozenset({"sum", "log"})),
    "grad": (equality, {}, ALL),
    "argopt": (argopt, {"constant": "term", "factor": "term"}, ALL),
    "monotone": (monotone, {"function": "name", "inverse": "flag"}, ALL),
    "positive": (positive, {"form": "term"}, ALL),
    "subgrad_abs": (subgrad_abs, {}, ALL),
    "induction": (induction, {}, ALL),
    "equivalent": (equivalent, {"forward": "cases", "backward": "cases"}, ALL),
}

"""The inference rules: one function each, whose docstring draws the rule. RULES is the table.

A rule gets a step whose two sides are already proved to be defined, and either returns or raises Refused. Whatever a
rule needs beyond the two sides comes with the step as a hint; a rule never searches.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from itertools import islice, product
from typing import Any, NamedTuple

from derive.kernel import derivative as D
from derive.kernel import normal as N
from derive.kernel import poly as P
from derive.kernel import ranges as R
from derive.kernel import signs as S
from derive.kernel.poly import Context
from derive.kernel.terms import MAX_NODES, ONE, OPTIMA, RELATIONS, ZERO, Term, add, children, instantiate

from derive.kernel.terms import lift, mentions, mul, rebuild, require, sub, substitute, subterms  # isort: skip

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
        same = R.is_zero(N.normal(sub(left, right), ctx), ctx)
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
    lo, hi the slopes of f at the point from the left and from the right    lo <= hi
    ---------------------------------------------------------------------------------   |u| at u = 0: -|u'| and |u'|
                           subdiff(f, w) = [lo, hi]
    """
    shape = (step.relation, step.before[0], step.after[0])
    require(shape == ("=", "subdiff", "interval"), "subdiff(f, w) = [lo, hi] is expected")
    _, term, x = step.before
    ends = ("interval", D.derivative(term, x, ctx, -1), D.derivative(term, x, ctx, 1))
    S.defined(("and", term, x, step.after, ends), ctx)
    equal(ends, step.after, ctx)


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


def induction_on(step: Step, ctx: Context) -> None:
    """
    P[n := start]    n >= start, P  gives  P[n := n + 1]
    ----------------------------------------------------   n an integer >= start; nothing else is used of it
                            P
    """
    n, start = step.hints["over"], step.hints["start"]
    S.defined(("ix", n, start), ctx)  # an integer, as n is
    require(ctx.kinds.get(n) == "integer" and not mentions(start, n), f"{n} is no integer with a start of its own")
    S.need(sub(("v", n), start), ">=", f"{n} less the start", ctx)
    facts = tuple(fact for fact in ctx.facts if not mentions(P.to_term(fact[1]), n))
    quantified = tuple(fact for fact in ctx.quantified if not mentions(fact[1], n))
    ctx = replace(ctx, facts=facts, quantified=quantified)  # what is assumed of this n is not known of every n
    inside = S.assume((step.relation, step.before, step.after), S.assume((">=", ("v", n), start), ctx))
    for at, where, how in zip((start, add(("v", n), ONE)), (ctx, inside), step.hints["steps"], strict=True):
        before, after = (substitute(side, ("v", n), at) for side in (step.before, step.after))
        apply(Step(how[0], step.relation, before, after, how[1]), where)


def cases(step: Step, ctx: Context) -> None:
    """
    u < 0 gives P    u = 0 gives P    u > 0 gives P
    -----------------------------------------------   only those that are possible, or u <= 0, u >= 0; no optimum in P,
                           P                          over which u might range
    """
    on, steps = step.hints["on"], step.hints["steps"]
    ways = [relation for relation in ("<", "=", ">") if S.SIGNS[relation] <= S.sign(on, ctx)]
    plain = all(node[0] not in (*OPTIMA, "rec") for node in subterms(("and", step.before, step.after)))
    require(plain, "cases are told apart at a point, not in an argmax, argmin or recurrence")
    for relation, how in zip(ways if len(ways) == len(steps) else ("<=", ">="), steps, strict=True):
        apply(step._replace(rule=how[0], hints=how[1]), S.assume((relation, on, ZERO), ctx))


def termwise(step: Step, ctx: Context) -> None:
    """
    u = v, or u <= v, or u >= v, for each i in lo..hi
    --------------------------------------------------
    sum(u, i, lo, hi) = sum(v, i, lo, hi), or <=, or >=   and diff(sum(u), w) = sum(v) where diff(u, w) = v
    """
    slope = step.before[0] == "diff"
    total, x = step.before[1:] if slope else (step.before, ONE)
    same = total[0] == step.after[0] == "sum" and total[:3] == step.after[:3]
    require(same and step.relation in ("=", "<=", ">="), "sums over the same range are expected, with =, <= or >=")
    require(not slope or not mentions(("and", *total[1:3]), x[1]), "the range depends on what a derivative is taken by")
    S.defined(("and", (*total[:3], ONE), x), ctx)
    index, before, inside = S.opened(total, ctx)  # the name of the index is known to the hints
    before, after = ("diff", before, x) if slope else before, instantiate(step.after[3], ("v", index))
    rule, hints = step.hints["each"]
    apply(Step(rule, step.relation, before, after, hints), inside)


def equivalent(step: Step, ctx: Context) -> None:
    """
    P, assumed, gives Q    Q, assumed, gives P
    ------------------------------------------   each comparison by the rule positive; |u| < v is u < v and -u < v
                    P <=> Q
    """
    require(step.relation == "<=>", "an equivalence is expected")
    left, right = alternatives(step.before), alternatives(step.after)
    for given, wanted, hints in ((left, right, step.hints["forward"]), (right, left, step.hints["backward"])):
        for case, (choice, forms) in zip(given, hints, strict=True):  # in each case, the named case of the other side
            inside = reduce(lambda ctx, fact: S.assume(fact, ctx), case, ctx)
            for (relation, u, v), form in zip(wanted[choice], forms, strict=True):
                positive(Step("positive", relation, u, v, {"form": form}), inside)


def alternatives(claim: Term) -> list[list[Term]]:
    """The disjunctive normal form, absolute values on one side of a comparison split."""
    tag, *parts = claim
    found = [[claim]]
    if tag == "or":
        found = [case for part in parts for case in alternatives(part)]
    elif tag == "and":
        choices = islice(product(*map(alternatives, parts)), 65)
        found = [[fact for case in choice for fact in case] for choice in choices]
    elif tag in (">", ">="):
        return alternatives((tag.replace(">", "<"), *reversed(parts)))
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


def apply(step: Step, ctx: Context) -> None:
    """Judge a step whose definitions are unfolded: both sides defined, then the rule, with the laws it may use."""
    rule, _, laws = RULES[step.rule]
    ctx = ctx if laws == ctx.laws else replace(ctx, laws=laws)
    if step.rule not in SIDES_OF_THEIR_OWN:
        S.defined(("and", step.before, step.after), ctx)
    rule(step, ctx)


# these look at the parts of what is no value, or at both sides where more is known
SIDES_OF_THEIR_OWN = ("subgrad_abs", "induction", "cases", "induction_on", "termwise")
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
    "induction_on": (induction_on, {"over": "name", "start": "term", "steps": "steps"}, ALL),
    "cases": (cases, {"on": "term", "steps": "steps"}, ALL),
    "termwise": (termwise, {"each": "each"}, ALL),
}

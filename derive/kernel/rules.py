"""The inference rules: one function each, whose docstring draws the rule. RULES is the table.

A rule gets a step whose two sides are already proved to be defined, and either returns or raises Refused. Whatever a
rule needs beyond the two sides comes with the step as a hint; a rule never searches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from derive.kernel import derivative as D
from derive.kernel import normal as N
from derive.kernel import signs as S
from derive.kernel.context import Context
from derive.kernel.terms import (
    ONE, OPTIMA, RELATIONS, ZERO, Refused, Term, abstract, add, instantiate, lift, mentions, mul, rebuild, sub, substitute,
)  # fmt: skip

TRUE: Term = ("and",)


class Step(NamedTuple):
    rule: str
    relation: str
    before: Term
    after: Term
    hints: dict[str, Any]


def equal(left: Term, right: Term, ctx: Context) -> None:
    """Refuse unless both terms have the same value, or are the same construction over equal parts."""
    if left == right:
        return
    if left[0] in OPTIMA or left[0] in ("interval", "and", "or", *RELATIONS):
        if left[0] != right[0] or len(left) != len(right) or (left[0] in OPTIMA and left[1] != right[1]):
            raise Refused(f"{left[0]} and {right[0]} are not of the same form", right)
        for a, b in zip(left[1:], right[1:], strict=True):
            if a != b:
                equal(a, b, ctx)
    elif not N.is_zero(N.normal(sub(left, right), ctx), ctx):
        raise Refused("the two sides do not have the same normal form", sub(left, right))


def equality(step: Step, ctx: Context) -> None:
    """
    normal form of u = normal form of v
    -----------------------------------   identity, with the laws of sum_termwise, log_of_product or grad
                  u = v
    """
    if step.relation not in ("=", "<=>", "<=", ">="):
        raise Refused(f"equality does not give {step.relation}")
    equal(step.before, step.after, ctx)


def definition(step: Step, ctx: Context) -> None:
    """
    f(x) := u
    ------------   wherever f occurs; the sides were unfolded before the rule is called
    f(a) = u[a]
    """
    equality(step, ctx)


def argopt(step: Step, ctx: Context) -> None:
    """
    f = c + k*g    c, k free of w    k > 0
    --------------------------------------   and max against min where k < 0
         argmax[w] f = argmax[w] g
    """
    f, g = optima(step)
    c, k = step.hints["constant"], step.hints["factor"]
    for hint in (c, k):
        S.defined(hint, ctx)
        for name in step.before[1]:
            if mentions(hint, name):
                raise Refused(f"{name} occurs in what should not depend on it", hint)
    S.need(k, ">" if step.before[0] == step.after[0] else "<", "the factor", ctx)
    equal(f, add(c, mul(k, g)), ctx)


def monotone(step: Step, ctx: Context) -> None:
    """
    g = h(f)    h strictly increasing: exp, log, sqrt
    -------------------------------------------------   and the same from g to f
           argmax[w] f = argmax[w] g
    """
    f, g = optima(step)
    h = step.hints["function"]
    if h not in ("exp", "log", "sqrt") or step.before[0] != step.after[0]:
        raise Refused("monotone takes an increasing function and keeps argmax or argmin")
    if step.hints["inverse"]:
        f, g = g, f
    S.defined(("f", h, f), ctx)
    equal(("f", h, f), g, ctx)


def optima(step: Step) -> tuple[Term, Term]:
    f, g = step.before, step.after
    if step.relation != "=" or f[0] not in OPTIMA or g[0] not in OPTIMA or f[1] != g[1]:
        raise Refused("an argmax or argmin on both sides, over the same variables, is expected")
    return f[2], g[2]


def positive(step: Step, ctx: Context) -> None:
    """
    u - v = s    s visibly > 0: squares, exponentials, assumptions, their sums and products
    ---------------------------------------------------------------------------------------   also >=, <, <=, !=
                                     u > v
    """
    holds((step.relation, step.before, step.after), step.hints["form"], ctx)


def holds(claim: Term, form: Term, ctx: Context) -> None:
    if claim[0] not in S.MASKS:
        raise Refused(f"{claim[0]} is not a comparison", claim)
    S.defined(form, ctx)
    equal(sub(claim[1], claim[2]), form, ctx)
    S.need(form, claim[0], "the difference of the two sides", ctx)


def subgrad_abs(step: Step, ctx: Context) -> None:
    """
    u affine in w    u = 0 at the point
    -----------------------------------   and d(f + g) = f' + dg for f differentiable, sums of convex terms
       subdiff(|u|, w) = [-|u'|, |u'|]
    """
    if step.relation != "=" or step.before[0] != "subdiff" or step.after[0] != "interval":
        raise Refused("subdiff(f, w) = [lo, hi] is expected")
    S.defined(step.before[1], ctx)
    equal(("interval", *subdifferential(step.before[1], step.before[2], ctx)), step.after, ctx)


def subdifferential(term: Term, x: Term, ctx: Context) -> tuple[Term, Term]:
    """The ends of the subdifferential of a differentiable term plus non-negative multiples of convex ones."""
    tag, name = term[0], str(x[1])
    if tag == "+":
        ends = [subdifferential(part, x, ctx) for part in term[1:]]
        return add(*(lo for lo, _ in ends)), add(*(hi for _, hi in ends))
    if tag == "sum" and not mentions(term[1], name) and not mentions(term[2], name):
        index, inside = S.bind(term[1], term[2], ctx)
        lo, hi = subdifferential(instantiate(term[3], index), x, inside)
        return tuple(("sum", term[1], term[2], abstract(end, str(index[1]))) for end in (lo, hi))  # type: ignore[return-value]
    factors = [part for part in term[1:] if tag == "*" and not mentions(part, name)]
    if tag == "*" and len(factors) == len(term) - 2 and not S.sign(mul(*factors), ctx) & S.NEG:
        ends = subdifferential(next(part for part in term[1:] if part not in factors), x, ctx)
        return mul(*factors, ends[0]), mul(*factors, ends[1])
    if tag == "/" and not mentions(term[2], name) and S.sign(term[2], ctx) == S.POS:
        lo, hi = subdifferential(term[1], x, ctx)
        return ("/", lo, term[2]), ("/", hi, term[2])
    if term[:2] == ("f", "abs") and S.sign(term[2], ctx) == S.ZERO_SIGN:
        slope = D.derivative(term[2], x, ctx)
        equal(D.derivative(slope, x, ctx), ZERO, ctx)
        return ("neg", ("f", "abs", slope)), ("f", "abs", slope)
    smooth = D.derivative(term, x, ctx)
    S.defined(smooth, ctx)
    return smooth, smooth


def induction(step: Step, ctx: Context) -> None:
    """
    c[t := start] = first    c[t := t + 1] = next[e[t] := c]  for every integer t >= start
    --------------------------------------------------------------------------------------
           e[start] = first, e[t + 1] = next  gives  e[t] = c  for every t >= start
    """
    if step.before != TRUE or step.relation != "<=>" or step.after[0] != "rec":
        raise Refused("a recurrence with its closed form is expected")
    _, name, t, start, following, first, closed = step.after
    if any(mentions(part, name) for part in (start, first, closed)) or mentions(start, t) or mentions(first, t):
        raise Refused(f"{name} occurs in its own closed form, or {t} in the start")
    S.need_integer(start, "the start of the recurrence", ctx)
    S.defined(first, ctx)
    # The two instances are made here, not taken from the certificate; t is a new name with no assumptions but t >= start.
    now, later = ("v", "#t"), add(("v", "#t"), ONE)
    inside = ctx.child()
    inside.kinds["#t"] = "integer"
    S.assume((">=", now, start), inside)
    here = substitute(closed, ("v", t), now)
    body = substitute(substitute(following, ("ix", name, ("v", t)), here), ("v", t), now)
    if mentions(body, name):
        raise Refused(f"the recurrence uses {name} at another place than {name}[{t}]", following)
    for term in (here, body):
        S.defined(term, inside)
    equal(substitute(closed, ("v", t), start), first, ctx)
    equal(substitute(closed, ("v", t), later), body, inside)


def equivalent(step: Step, ctx: Context) -> None:
    """
    P, assumed, gives Q    Q, assumed, gives P
    ------------------------------------------   each comparison by the rule positive; |u| < v is u < v and -u < v
                    P <=> Q
    """
    if step.relation != "<=>":
        raise Refused("an equivalence is expected")
    left, right = cases(step.before), cases(step.after)
    implies(left, right, step.hints["forward"], ctx)
    implies(right, left, step.hints["backward"], ctx)


def implies(given: list[list[Term]], wanted: list[list[Term]], hints: Sequence[Any], ctx: Context) -> None:
    """In each case of the one side, the named case of the other holds, comparison by comparison."""
    if len(hints) != len(given):
        raise Refused(f"{len(given)} cases, but hints for {len(hints)}")
    for case, (choice, forms) in zip(given, hints, strict=True):
        inside = ctx.child()
        for fact in case:
            S.assume(fact, inside)
        if not 0 <= choice < len(wanted) or len(forms) != len(wanted[choice]):
            raise Refused("the hint does not fit the case it names")
        for claim, form in zip(wanted[choice], forms, strict=True):
            holds(claim, form, inside)


def cases(claim: Term) -> list[list[Term]]:
    """The disjunctive normal form, absolute values on the smaller side of a comparison split."""
    if claim[0] == "or":
        found = [case for part in claim[1:] for case in cases(part)]
    elif claim[0] == "and":
        found = [[]]
        for part in claim[1:]:
            found = [one + other for one in found for other in cases(part)][:65]
    elif claim[0] in (">", ">="):
        return cases(("<" if claim[0] == ">" else "<=", claim[2], claim[1]))
    elif claim[0] in ("<", "<=") and claim[1][:2] == ("f", "abs"):
        return [[(claim[0], claim[1][2], claim[2]), (claim[0], ("neg", claim[1][2]), claim[2])]]
    elif claim[0] in ("<", "<=") and claim[2][:2] == ("f", "abs"):
        return [[(claim[0], claim[1], claim[2][2])], [(claim[0], claim[1], ("neg", claim[2][2]))]]
    else:
        found = [[claim]]
    if len(found) > 64:
        raise Refused("more than 64 cases; split the claim")
    return found


def unfold(term: Term, definitions: dict[str, tuple[int, Term]]) -> Term:
    """Replace defined functions by their bodies, whose parameters are indices, the last one innermost."""
    term = rebuild(term, lambda part, _: unfold(part, definitions))
    if term[0] in ("call", "v") and term[1] in definitions:
        arity, body = definitions[term[1]]
        if arity != len(term) - 2:
            raise Refused(f"{term[1]} takes {arity} arguments", term)
        for still, value in reversed(list(enumerate(term[2:]))):  # an argument may itself be under binders
            body = instantiate(body, lift(value, still))
        return body
    return term


Rule = Callable[[Step, Context], None]
ALL = frozenset({"sum", "log", "diff"})
# rule -> the function that judges it, the hints it takes, the laws of the normal form that it may use
RULES: dict[str, tuple[Rule, dict[str, str], frozenset[str]]] = {
    "definition": (definition, {}, frozenset()),
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

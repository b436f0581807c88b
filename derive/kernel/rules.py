"""The inference rules: one function each, whose docstring draws the rule. RULES is the table.

A rule gets a step whose two sides are already proved to be defined, and either returns or raises Refused. Whatever a
rule needs beyond the two sides comes with the step as a hint; a rule never searches.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from derive.kernel import derivative as D
from derive.kernel import normal as N
from derive.kernel import signs as S
from derive.kernel import terms as T
from derive.kernel.context import Context
from derive.kernel.terms import Refused, Term, add, sub

TRUE: Term = ("and",)
CLAIMS = ("and", "or", *T.RELATIONS)


class Step(NamedTuple):
    rule: str
    relation: str
    before: Term
    after: Term
    hints: dict[str, Any]


def equal(left: Term, right: Term, ctx: Context) -> None:
    """Refuse unless both terms have the same value, or are the same construction over equal parts."""
    if left[0] in (*T.OPTIMA, "interval", *CLAIMS):
        if left[0] != right[0] or len(left) != len(right) or (left[0] in T.OPTIMA and left[1] != right[1]):
            raise Refused(f"{left[0]} and {right[0]} are not of the same form", right)
        for a, b in zip(left[1:], right[1:], strict=True):
            if a != b:
                equal(a, b, ctx)
    elif left != right and not N.is_zero(N.normal(sub(left, right), ctx), ctx):
        raise Refused("the two sides do not have the same normal form", sub(left, right))


def equality(step: Step, ctx: Context) -> None:
    """
    normal form of u = normal form of v
    -----------------------------------   with the laws of the rule; for claims <=>; definitions are unfolded before
                  u = v
    """
    if step.relation not in (("<=>",) if step.before[0] in CLAIMS else ("=", "<=", ">=")):
        raise Refused(f"equality does not give {step.relation} here")
    equal(step.before, step.after, ctx)


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
        if any(T.mentions(hint, name) for name in step.before[1]):
            raise Refused(f"{' or '.join(step.before[1])} occurs in what should not depend on it", hint)
    S.need(k, ">" if step.before[0] == step.after[0] else "<", "the factor", ctx)
    equal(f, add(c, T.mul(k, g)), ctx)


def monotone(step: Step, ctx: Context) -> None:
    """
    g = h(f)    h strictly increasing: exp, log, sqrt
    -------------------------------------------------   and the same from g to f
           argmax[w] f = argmax[w] g
    """
    f, g = reversed(optima(step)) if step.hints["inverse"] else optima(step)
    h = step.hints["function"]
    if h not in ("exp", "log", "sqrt") or step.before[0] != step.after[0]:
        raise Refused("monotone takes an increasing function and keeps argmax or argmin")
    S.defined(("f", h, f), ctx)
    equal(("f", h, f), g, ctx)


def optima(step: Step) -> tuple[Term, Term]:
    f, g = step.before, step.after
    if step.relation != "=" or f[0] not in T.OPTIMA or g[0] not in T.OPTIMA or f[1] != g[1]:
        raise Refused("an argmax or argmin on both sides, over the same variables, is expected")
    return f[2], g[2]


def positive(step: Step, ctx: Context) -> None:
    """
    u - v = s    s visibly > 0: squares, exponentials, assumptions, their sums and products
    ---------------------------------------------------------------------------------------   also >=, <, <=, !=, =
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
    -----------------------------------   and d(f + c*g) = f' + c*dg for f differentiable, c >= 0, g convex
       subdiff(|u|, w) = [-|u'|, |u'|]
    """
    if step.relation != "=" or step.before[0] != "subdiff" or step.after[0] != "interval":
        raise Refused("subdiff(f, w) = [lo, hi] is expected")
    S.defined(step.before[1], ctx)
    S.defined(step.after, ctx)
    for end, side in zip(step.after[1:], ("-", "+"), strict=True):
        bound = subgradient(step.before[1], step.before[2], side, ctx)
        S.defined(bound, ctx)
        equal(bound, end, ctx)


def subgradient(term: Term, x: Term, side: str, ctx: Context) -> Term:
    """The lower (-) or upper (+) end of the subdifferential: a differentiable term plus convex ones times c >= 0."""
    tag = term[0]
    if tag == "+":
        return add(*(subgradient(part, x, side, ctx) for part in term[1:]))
    if tag == "sum" and not T.mentions(term[1], x[1]) and not T.mentions(term[2], x[1]):
        index, inside = S.bind(term[1], term[2], ctx)
        return ("sum", term[1], term[2], T.abstract(subgradient(T.instantiate(term[3], index), x, side, inside), index[1]))
    if tag == "/" and not T.mentions(term[2], x[1]) and S.sign(term[2], ctx) == S.POS:
        return ("/", subgradient(term[1], x, side, ctx), term[2])
    moving = [part for part in term[1:] if tag == "*" and T.mentions(part, x[1])]
    fixed = [part for part in term[1:] if tag == "*" and part not in moving]
    if len(moving) == 1 and not S.sign(T.mul(*fixed), ctx) & S.NEG:
        return T.mul(*fixed, subgradient(moving[0], x, side, ctx))
    if term[:2] == ("f", "abs") and S.sign(term[2], ctx) == S.ZERO_SIGN:
        slope = D.derivative(term[2], x, ctx)
        if T.mentions(slope, x[1]):
            raise Refused(f"this is not known to be affine in {x[1]}", term[2])
        return ("f", "abs", slope) if side == "+" else ("neg", ("f", "abs", slope))
    return D.derivative(term, x, ctx)


def induction(step: Step, ctx: Context) -> None:
    """
    c[t := start] = first    c[t := t + 1] = next[e[t] := c]  for every integer t >= start
    --------------------------------------------------------------------------------------
           e[start] = first, e[t + 1] = next  gives  e[t] = c  for every t >= start
    """
    if step.before != TRUE or step.relation != "<=>" or step.after[0] != "rec":
        raise Refused("a recurrence with its closed form is expected")
    _, name, t, start, following, first, closed = step.after
    if any(T.mentions(part, name) for part in (start, first, closed)) or T.mentions(start, t) or T.mentions(first, t):
        raise Refused(f"{name} occurs in its own closed form, or {t} in the start")
    S.defined(start, ctx)
    S.need_integer(start, "the start of the recurrence", ctx)
    S.defined(first, ctx)
    # The instances are made here, not taken from the certificate; #t is a new name of which only #t >= start is known.
    now, inside = ("v", "#t"), ctx.child()
    inside.kinds["#t"] = "integer"
    S.assume((">=", now, start), inside)
    here = T.substitute(closed, ("v", t), now)
    body = T.substitute(T.substitute(following, ("ix", name, ("v", t)), here), ("v", t), now)
    if T.mentions(body, name):
        raise Refused(f"the recurrence uses {name} at another place than {name}[{t}]", following)
    S.defined(here, inside)
    S.defined(body, inside)
    equal(T.substitute(closed, ("v", t), start), first, ctx)
    equal(T.substitute(closed, ("v", t), add(now, T.ONE)), body, inside)


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
    for case, (choice, forms) in zip(given, hints, strict=True):
        inside = ctx.child()
        for fact in case:
            S.assume(fact, inside)
        if not 0 <= choice < len(wanted):
            raise Refused("the hint names no case")
        for claim, form in zip(wanted[choice], forms, strict=True):
            holds(claim, form, inside)


def cases(claim: Term) -> list[list[Term]]:
    """The disjunctive normal form, absolute values on the smaller side of a comparison split."""
    tag = claim[0]
    if tag in (">", ">="):
        return cases((tag.replace(">", "<"), claim[2], claim[1]))
    if tag in ("<", "<=") and claim[1][:2] == ("f", "abs"):
        return [[(tag, claim[1][2], claim[2]), (tag, ("neg", claim[1][2]), claim[2])]]
    if tag in ("<", "<=") and claim[2][:2] == ("f", "abs"):
        return [[(tag, claim[1], claim[2][2])], [(tag, claim[1], ("neg", claim[2][2]))]]
    found = [[claim]]
    if tag == "or":
        found = [case for part in claim[1:] for case in cases(part)]
    elif tag == "and":
        found = [[]]
        for part in claim[1:]:
            found = [one + other for one in found[:65] for other in cases(part)]
    if len(found) > 64:
        raise Refused("more than 64 cases; split the claim")
    return found


def unfold(term: Term, definitions: dict[str, tuple[int, Term]]) -> Term:
    """Replace defined names by their bodies, whose parameters are indices, the last one innermost."""
    left = T.MAX_NODES

    def opened(term: Term) -> Term:
        nonlocal left
        if term[0] in T.OPTIMA and any(name in definitions for name in term[1]):
            raise Refused(f"a variable of {term[0]} is defined", term)
        term = T.rebuild(term, lambda part, _: opened(part))
        if term[0] not in ("call", "v") or term[1] not in definitions:
            return term
        arity, body = definitions[term[1]]
        if arity != len(term) - 2:
            raise Refused(f"{term[1]} takes {arity} arguments", term)
        size = sum(1 for _ in T.subterms(body)) * max((sum(1 for _ in T.subterms(value)) for value in term[2:]), default=1)
        left -= size
        if left < 0:
            raise Refused("definitions grow too large; split the step", term)
        dropped = []
        for more, value in reversed(list(enumerate(term[2:]))):  # raised over the parameters that are still open
            was, body = body, T.instantiate(body, T.lift(value, more))
            if body == T.instantiate(was, TRUE):  # an argument that the body drops has to be defined all the same
                dropped.append(T.mul(T.ZERO, value))
        return add(body, *dropped)

    return opened(term)


Rule = Callable[[Step, Context], None]
ALL = frozenset({"sum", "log", "diff"})
# rule -> the function that judges it, the hints it takes, the laws of the normal form that it may use
RULES: dict[str, tuple[Rule, dict[str, str], frozenset[str]]] = {
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

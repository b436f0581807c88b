"""Signs for every t at once: what the kernel does not know is replaced by names with bounds that always hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

from derive.kernel import normal as N
from derive.kernel import signs as S
from derive.kernel.poly import Context
from derive.kernel.terms import FUNCTIONS, ONE, ZERO, Refused, Term, q, sub
from derive.series.language import T, uses
from derive.series.ranges import range_of

MOST_VARIANTS = 32


class _Abstract:
    """Replaces what the kernel does not know by names with the bounds that hold for every argument."""

    def __init__(self, ctx: Context, start: int) -> None:
        self.ctx, self.start, self.names = ctx, start, dict[Term, Term]()

    def sign(self, term: Term) -> frozenset[int]:
        self.ctx.spent[0] = 0
        return S.sign(term, self.ctx)

    def assume(self, relation: str, left: Term, right: Term) -> None:
        self.ctx.spent[0] = 0
        self.ctx = S.assume((relation, left, right), self.ctx)

    def term(self, term: Term) -> Term:
        found = range_of(term, self.start)
        term = self.known(term)
        if term[0] in ("+", "^", "/") or (term[0] == "v" and term[1].startswith("#")) or term[:2] == ("f", "log"):
            if found.lo is not None and (found.lo > 0 or term[0] in ("v", "f")):
                self.assume(">=", term, q(found.lo))
            if found.hi is not None and (found.hi < 0 or term[0] in ("v", "f")):
                self.assume("<=", term, q(found.hi))
        return term

    def known(self, term: Term) -> Term:
        term = tuple(self.term(part) if isinstance(part, tuple) else part for part in term)
        if term[0] == "/" or term[:2] == ("f", "log") or term[0] == "^":
            self.ctx.spent[0] = 0
            S.defined(term, self.ctx)
        if term[0] != "f" or (term[1] in FUNCTIONS and term[1] != "log"):
            return term
        if term[1] == "log":
            u = term[2]
            self.assume("<=", term, sub(u, ONE))  # the tangent of log at 1, and of its negative at 1/u
            self.assume(">=", term, sub(ONE, ("/", ONE, u)))
            return term
        if term not in self.names:
            new: Term = ("v", f"#a{len(self.names)}")
            integer = term[1] in ("floor", "ceiling", "binomial")
            kinds = self.ctx.kinds | {new[1]: "integer" if integer else "real"}
            self.ctx = replace(self.ctx, kinds=kinds)
            self.bounds(term[1], term[2:], new)
            self.names[term] = new
        return self.names[term]

    def bounds(self, name: str, args: tuple[Term, ...], v: Term) -> None:
        u = args[0]
        up = self.sign(u) <= S.POS | S.ZERO
        if name in ("floor", "ceiling"):
            side = ("<=", ">") if name == "floor" else (">=", "<")
            self.assume(side[0], v, u)
            self.assume(side[1], v, sub(u, ONE) if name == "floor" else ("+", u, ONE))
            least = [n for n in (1, 0) if self.sign(sub(u, q(n))) <= S.POS | S.ZERO]
            if least:
                self.assume(">=", v, q(least[0]))
            if name == "ceiling" and self.sign(u) == S.POS:
                self.assume(">=", v, ONE)
        elif name in ("mod", "frac"):
            m = args[1] if name == "mod" else ONE
            if self.sign(m) != S.POS:
                raise Refused("mod by something that is not known to be positive", m)
            self.assume(">=", v, ZERO)
            self.assume("<", v, m)
        elif name in ("sin", "cos"):
            self.assume("<=", v, ONE)
            self.assume(">=", v, q(-1))
            half: Term = ("/", ("^", u, q(2)), q(2))
            if name == "cos":
                self.assume(">=", v, sub(ONE, half))
                if self.sign(sub(ONE, half)) == S.POS:
                    self.assume(">", v, ZERO)
            elif up:
                self.assume("<=", v, u)
                if self.sign(sub(q(3), u)) == S.POS:  # 0 <= u < 3 < pi
                    self.assume(">" if self.sign(u) == S.POS else ">=", v, ZERO)
        elif name in ("atan", "tanh", "sinh", "asinh"):
            if name in ("atan", "tanh"):
                most: Term = ("/", ("c", "pi"), q(2)) if name == "atan" else ONE
                self.assume("<", v, most)
            if up:
                self.assume(">" if self.sign(u) == S.POS else ">=", v, ZERO)
                self.assume(">=" if name == "sinh" else "<=", v, u)
        elif name == "cosh":
            self.assume(">=", v, ONE)
        elif name == "harmonic":
            self.integer(u, ONE)
            self.assume(">=", v, ONE)
        elif name == "binomial":
            for part in (args[1], sub(args[0], args[1])):
                self.integer(part, ZERO)
            self.assume(">=", v, ONE)
        else:
            raise Refused(f"nothing is known here of {name}", u)

    def integer(self, u: Term, least: Term) -> None:
        whole = S.integer_valued(N.normal(u, self.ctx), self.ctx)
        if not whole or not self.sign(sub(u, least)) <= S.POS | S.ZERO:
            raise Refused("an argument that is not known to be an integer that is large enough", u)


def _variants(term: Term) -> list[tuple[tuple[Term, ...], Term]]:
    """The ways in which Piecewise and abs can go, each with the comparisons under which it goes so."""
    if not any(isinstance(part, tuple) for part in term[1:]):
        return [((), term)]
    if term[0] == "piecewise":
        found = []
        before: tuple[Term, ...] = ()
        for value, condition in zip(term[1::2], term[2::2], strict=True):
            facts = _comparisons(condition)
            found += [((*before, *facts, *more), new) for more, new in _variants(value)]
            before += _negated(condition)
        return found[: MOST_VARIANTS + 1]
    parts = [_variants(part) if isinstance(part, tuple) else [((), part)] for part in term[1:]]
    found = []
    for choice in product(*parts):
        facts = tuple(fact for some, _ in choice for fact in some)
        new: Term = (term[0], *(part for _, part in choice))
        if new[:2] == ("f", "abs"):
            found.append(((*facts, (">=", new[2], ZERO)), new[2]))
            found.append(((*facts, ("<=", new[2], ZERO)), ("neg", new[2])))
        else:
            found.append((facts, new))
        if len(found) > MOST_VARIANTS:
            break
    return found


def _comparisons(condition: Term) -> tuple[Term, ...]:
    if condition[0] == "and":
        return tuple(fact for part in condition[1:] for fact in _comparisons(part))
    if condition[0] == "or":  # only that its parts are defined
        return tuple(("defined", *fact[1:]) for part in condition[1:] for fact in _comparisons(part))
    return (condition,)


def _negated(condition: Term) -> tuple[Term, ...]:
    opposite = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
    return ((opposite[condition[0]], *condition[1:]),) if condition[0] in opposite else ()


def by_signs(term: Term, start: int, kinds: Mapping[str, str], facts: tuple[Term, ...]) -> bool:
    """Whether the signs of the parts show that the term is defined and >= 0 for every t and all parameters."""
    variants = _variants(term)
    if len(variants) > MOST_VARIANTS:
        return False
    return all(any(_shown(more, one, start, kinds, facts, laws) for laws in ((), ("log",))) for more, one in variants)


def _shown(
    more: tuple[Term, ...], term: Term, start: int, kinds: Mapping[str, str], facts: tuple[Term, ...],
    laws: tuple[str, ...],
) -> bool:  # fmt: skip
    try:
        ctx = Context({**kinds, "t": "integer"}, frozenset(laws))
        for fact in (*facts, (">=", T, q(start))):
            ctx = S.assume(fact, ctx)
        abstract = _Abstract(ctx, start)
        for relation, left, right in more:
            left, right = abstract.term(left), abstract.term(right)
            if relation == "defined":
                S.defined(("and", left, right), abstract.ctx)
            else:
                abstract.assume(relation, left, right)
        new = abstract.term(term)
        for relation, left, right in _growing(new, abstract):
            abstract.assume(relation, left, right)
        ctx = abstract.ctx
        ctx.spent[0] = 0
        S.defined(new, ctx)
        return S.sign(new, ctx) <= S.POS | S.ZERO
    except Refused:
        return False


def _growing(term: Term, abstract: _Abstract) -> Iterator[Term]:
    """u > v gives log(u) > log(v), and so for roots, powers and exp."""
    nodes: dict[tuple[str, Term], list[tuple[Term, Term]]] = {}

    def walk(node: Term) -> None:
        for part in node[1:]:
            if isinstance(part, tuple):
                walk(part)
        if node[0] == "f" and node[1] in ("log", "sqrt", "exp"):
            nodes.setdefault((node[1], ()), []).append((node[2], node))
        elif node[0] == "^" and not uses(node[2], "t"):
            nodes.setdefault(("^", node[2]), []).append((node[1], node))

    walk(term)
    for (name, exponent), found in nodes.items():
        rise = abstract.sign(exponent) if name == "^" else S.POS
        if rise not in (S.POS, S.NEG):
            continue
        for n, (u, f) in enumerate(found[:4]):
            for w, g in found[n + 1 : 4]:
                gap = abstract.sign(sub(u, w))
                if len(gap) == 1 and gap != S.ZERO and (name != "^" or abstract.sign(w) | abstract.sign(u) == S.POS):
                    yield (">" if (gap == S.POS) == (rise == S.POS) else "<"), f, g

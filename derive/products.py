"""A comparison as a combination of products of what is assumed: an exact linear program over the kernel's normal forms.

What is found is a term whose sign shows, for the rule `positive`. Nothing of it is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import reduce
from itertools import combinations_with_replacement
from typing import NamedTuple

from derive.kernel import normal as N
from derive.kernel import poly as P
from derive.kernel import signs as S
from derive.kernel.poly import Context, Mono, Poly, Signs
from derive.kernel.rules import ALL
from derive.kernel.terms import BINDERS, ONE, ZERO, Refused, Term, add, children, mul, q, sub, subterms
from derive.limits import too_large
from derive.linear import nonnegative_solution

MAX_COLUMNS = 160  # of the linear program
MAX_GATHERED = 1000  # before what cannot cancel is left out
MAX_MONOMIALS = 150
MAX_FACTS, MAX_PAIRED = 16, 8
# rounds of looking for monomials that cancel; with products of two facts; with facts as multipliers
Stage = tuple[int, bool, bool]
STAGES: tuple[Stage, ...] = ((1, False, False), (1, True, False), (1, True, True), (2, True, True))
QUICK = 2  # so many of them are worth a try before anything else is
C1 = Fraction(1)

Numbered = dict[int, Fraction]  # a polynomial whose monomials are numbers


class Known(NamedTuple):
    """A polynomial with the term that it is, and its sign: 1 positive, 0 not negative, None zero."""

    poly: Numbered
    term: Term
    sign: int | None


def product_forms(
    relation: str, u: Term, v: Term, facts: Sequence[Term], integers: frozenset[str], stages: tuple[Stage, ...] = STAGES
) -> Iterator[Term]:
    """Forms of u - v for the rule `positive`, put together from products of the facts and of what has a known sign.

    >>> from derive.syntax import parse_expression, parse_given
    >>> from derive.ascii import show
    >>> x, y = parse_expression("x").term, ("q", Fraction(0))
    >>> [show(form) for form in product_forms(">", x, y, parse_given("x*y > 0; x + y > 0").facts, frozenset())]
    ['(x**2 + x*y)/(x + y)']
    """
    if too_large(sub(u, v)):
        return
    if relation == "!=":
        for strict in (">", "<"):
            yield from product_forms(strict, u, v, facts, integers, stages)
        return
    ctx = Context(dict.fromkeys(integers, "integer"), ALL)
    for fact in facts:
        with suppress(Refused):
            ctx = S.assume(fact, ctx)
    ctx.spent[0] = -5 * P.BUDGET  # a search may look further than one step of a proof
    side = -1 if relation in ("<", "<=") else 1
    monomials = Monomials(ctx)
    try:
        monomials.show(u, v, *(fact for fact in facts if fact[0] in S.SIGNS))
        target, below = monomials.without_denominators(P.scale(N.normal(sub(u, v), ctx), side))
        form = combination(target, relation, monomials, stages)
    except Refused:
        return
    if form is not None:
        whole = form if below == ONE else ("/", form, below)
        yield whole if side == 1 else ("neg", whole)


def multiplied(left: Term, right: Term) -> Term:
    return right if left == ONE else left if right == ONE else mul(left, right)


class Monomials:
    """Monomials as numbers, so that products and quotients of them are computed once."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.of: list[Mono] = []
        self.number: dict[Mono, int] = {}
        self.products: dict[tuple[int, int], Numbered] = {}
        self.quotients: dict[tuple[int, int], int | None] = {}
        self.signs: dict[int, tuple[Signs, Term]] = {}
        self.written: dict[Term, Term] = {}  # atom -> the denominator that it is, as somebody wrote it
        self.shown: list[tuple[int, Term, Signs]] = []
        self.facts: dict[Term, Term] = {}  # a fact in its normal form -> as somebody wrote it

    def show(self, *terms: Term) -> None:
        """Take down what in these terms has a sign that the normal form hides, such as (1 - a)**t for a < 1."""
        for term in (term for term in terms if term[0] in S.SIGNS):
            difference = term[1] if term[2] == ZERO else sub(term[1], term[2])
            with suppress(Refused):
                self.facts[P.to_term(N.normal(difference, self.ctx))] = difference
        nodes = dict.fromkeys(node for term in terms for node in subterms(term) if node[0] in ("^", "/", *BINDERS))
        for node in (node for node in nodes if not dangling(node)):
            with suppress(Refused):
                if node[0] == "/":
                    c, mono = N.factors(N.normal(node[2], self.ctx), self.ctx)
                    if len(mono) == 1 and mono[0][1] == 1 and mono[0][0][0] == "+":
                        self.written[mono[0][0]] = node[2] if c == 1 else mul(q(1 / c), node[2])
                    continue
                poly, signs = N.normal(node, self.ctx), S.sign(node, self.ctx)
                if len(poly) == 1 and signs <= S.POS | S.ZERO and not S.sign_of(poly, self.ctx) <= S.POS | S.ZERO:
                    ((k, c),) = self.read(poly).items()
                    if c == 1:
                        self.shown.append((k, node, signs))

    def sign_of(self, mono: Mono) -> Signs:
        """The signs of a product, from what is known of each factor by itself."""
        factors = ((self.written.get(base, base), e) for base, e in mono)
        return reduce(S.mul_signs, (S.power_signs(S.sign(base, self.ctx), e) for base, e in factors), S.POS)

    def written_out(self, mono: Mono, side: Fraction | int = 1) -> Term:
        parts = [(self.written.get(base, base), e) for base, e in mono]
        number = [q(side)] if side != 1 else []
        return mul(*number, *(base if e == 1 else ("^", base, q(e)) for base, e in parts))

    def without_denominators(self, poly: Poly) -> tuple[Poly, Term]:
        """The polynomial times a positive term, and that term."""
        below: Term = ONE
        for _ in range(4):
            lowest: dict[Term, Fraction] = {}
            for base, e in (power for mono in poly for power in mono if power[1] < 0):
                lowest[base] = min(e, lowest.get(base, e))
            if not lowest:
                break
            mono = P.merge((), P.ordered(lowest), -1)
            signs = self.sign_of(mono)
            mono, side = mono if signs in (S.POS, S.NEG) else P.merge(mono, mono), -1 if signs == S.NEG else 1
            poly = N.times(poly, {mono: Fraction(side)}, self.ctx)
            below = multiplied(below, self.written_out(mono, side))
        return poly, below

    def read(self, poly: Poly) -> Numbered:
        for mono in poly:
            if mono not in self.number:
                self.number[mono] = len(self.of)
                self.of.append(mono)
        return {self.number[mono]: c for mono, c in poly.items()}

    def write(self, poly: Numbered) -> Poly:
        return {self.of[k]: c for k, c in poly.items()}

    def term(self, k: int, side: int = 1) -> Term:
        if self.sign(k) <= S.POS | S.ZERO and side == 1:
            return self.signs[k][1]
        return self.written_out(self.of[k], side)

    def times(self, left: Numbered, right: Numbered) -> Numbered:
        total: Numbered = {}
        for i, c in left.items():
            for j, d in right.items():
                pair = (i, j) if i <= j else (j, i)
                if pair not in self.products:
                    mono = P.merge(self.of[i], self.of[j])
                    self.products[pair] = self.read(N.reduced(mono, C1, self.ctx))
                for k, e in self.products[pair].items():
                    value = total.pop(k, 0) + c * d * e
                    if value:
                        total[k] = value
        return total

    def over(self, i: int, j: int) -> int | None:
        """The quotient of two monomials, if it has no denominator."""
        if (i, j) not in self.quotients:
            rest = P.merge(self.of[i], self.of[j], -1)
            whole = all(e > 0 for _, e in rest)
            self.quotients[i, j] = next(iter(self.read({rest: C1}))) if whole else None
        return self.quotients[i, j]

    def sign(self, k: int) -> Signs:
        if k not in self.signs:
            self.signs[k] = self.sign_of(self.of[k]), self.written_out(self.of[k])
            for part, term, signs in self.shown if not self.signs[k][0] <= S.POS | S.ZERO else ():
                rest = self.over(k, part)
                if rest is not None and self.sign(rest) <= S.POS | S.ZERO:
                    self.signs[k] = S.mul_signs(signs, self.sign(rest)), multiplied(term, self.term(rest))
                    break
        return self.signs[k][0]


class Columns:
    """What a linear program may combine, gathered from the monomials that have to cancel."""

    def __init__(self, monomials: Monomials, facts: list[Known], pairs: bool, equation: bool) -> None:
        self.monomials, self.equation = monomials, equation
        self.found: dict[tuple[frozenset[tuple[int, Fraction]], bool], Known] = {}
        self.tried: set[tuple[int, int]] = set()
        self.unit = Known(monomials.read(P.UNIT), ONE, 1)
        self.one = next(iter(self.unit.poly))
        ordered = [item for item in facts if item.sign is not None][:MAX_PAIRED]
        self.items = [item for item in facts if item.sign is None or not equation]
        for a, b in combinations_with_replacement(ordered if pairs and not equation else [], 2):
            sign = int(a.sign == b.sign == 1)
            self.items.append(Known(monomials.times(a.poly, b.poly), mul(a.term, b.term), sign))

    def gather(self, wanted: Iterable[int], rounds: int) -> None:
        reach = dict.fromkeys(wanted)
        for _ in range(rounds):
            for k in list(reach):
                if not self.equation:
                    self.add(self.unit, k)
                    self.squares(k)
                for at, item in enumerate(self.items):
                    for inner in item.poly:
                        rest = self.monomials.over(k, inner)
                        if rest is not None and (at, rest) not in self.tried and len(self.found) < MAX_GATHERED:
                            self.tried.add((at, rest))
                            self.add(item, rest)
            for item in self.found.values():
                reach.update(dict.fromkeys(item.poly))
            if len(reach) > MAX_MONOMIALS:
                break

    def add(self, item: Known, k: int) -> None:
        """A fact times a monomial of known sign; an equation times any monomial."""
        signs = self.monomials.sign(k)
        side = -1 if signs <= S.NEG | S.ZERO else 1
        if item.sign is not None and side == 1 and not signs <= S.POS | S.ZERO:
            return
        poly = self.monomials.times(item.poly, {k: Fraction(side)})
        sign = None if item.sign is None else int(item.sign == 1 and signs in (S.POS, S.NEG))
        self.column(poly, multiplied(self.monomials.term(k, side), item.term), sign)

    def column(self, poly: Numbered, term: Term, sign: int | None) -> None:
        if poly:
            self.found.setdefault((frozenset(poly.items()), sign is None), Known(poly, term, sign))

    def squares(self, k: int) -> None:
        """(x - y)**2 and (x + y)**2 for a monomial x*y, times a monomial that is not negative."""
        mono = self.monomials.of[k]
        odd = [base for base, e in mono if e.denominator == 1 and e % 2]
        for at, x in enumerate(odd):
            for y in odd[at + 1 :]:
                rest = self.monomials.read({P.merge(mono, P.ordered({x: C1, y: C1}), -1): C1})
                (factor,) = rest
                if self.monomials.sign(factor) <= S.POS | S.ZERO:
                    for side in (-1, 1):
                        term = ("^", add(x, mul(q(side), y)), q(2))
                        poly = self.monomials.times(rest, self.monomials.read(N.normal(term, self.monomials.ctx)))
                        self.column(poly, multiplied(self.monomials.term(factor), term), 0)

    def pruned(self, fixed: list[Numbered]) -> list[Known]:
        """Without the columns that hold a monomial which no other column, nor what is wanted, can cancel."""
        left = list(self.found.values())
        while True:
            ups = {k for poly in fixed for k in poly}
            downs = set(ups)
            for item in left:
                ups.update(k for k, c in item.poly.items() if c > 0 or item.sign is None)
                downs.update(k for k, c in item.poly.items() if c < 0 or item.sign is None)
            kept = [item for item in left if all(k in ups and k in downs for k in item.poly)]
            if len(kept) == len(left):
                return kept[:MAX_COLUMNS]
            left = kept


def assumed(target: Poly, monomials: Monomials) -> list[Known]:
    """The facts, and those about what occurs in them, as polynomials >= 0."""
    found: dict[Term, Known] = {}
    around, ctx = target, monomials.ctx
    for _ in range(2):
        for signs, poly, _number in S.facts_about(around, ctx):
            if poly and signs not in (S.ANY, S.POS | S.NEG):
                part = P.scale(poly, -1 if signs <= S.NEG | S.ZERO and signs != S.ZERO else 1)
                cleared, below = monomials.without_denominators(part)
                sign = None if signs == S.ZERO else int(len(signs) == 1)
                term = monomials.facts.get(P.to_term(poly), P.to_term(poly))
                term = term if part == poly else ("neg", term)
                whole = Known(monomials.read(cleared), multiplied(below, term), sign)
                found.setdefault(P.to_term(cleared), whole)
        around = P.plus(target, *({mono: C1} for item in found.values() for mono in monomials.write(item.poly)))
    return list(found.values())[:MAX_FACTS]


def combination(target: Poly, relation: str, monomials: Monomials, stages: tuple[Stage, ...]) -> Term | None:
    """A term equal to the polynomial whose sign shows, or None."""
    facts = assumed(target, monomials)
    wanted, unit = monomials.read(target), Known(monomials.read(P.UNIT), ONE, 1)
    if len(wanted) > MAX_MONOMIALS:
        return None
    for rounds, pairs, more in stages:
        columns = Columns(monomials, facts, pairs, relation == "=")
        if relation != "=":
            columns.column(monomials.times(wanted, wanted), ("^", P.to_term(target), q(2)), 0)
        elif pairs and not more:
            continue  # an equation comes from equations, not from products of inequalities
        multipliers = [unit, *multiples(wanted, facts, relation == "=", monomials)]
        if more:
            some = (*facts, *(atoms(target, monomials) if relation == "=" else ()))
            some = tuple(item for item in some if item.sign == 1 or (item.sign == 0 and relation == "="))
            multipliers += [item for item in some if item not in multipliers and item.poly.keys() - {columns.one}][:6]
            if len(multipliers) == 1 and rounds == 1:
                continue
        for item in multipliers:
            columns.gather(monomials.times(wanted, item.poly), rounds)
        found = solved(wanted, columns, multipliers, relation)
        if found is not None:
            return found
    return None


def atoms(target: Poly, monomials: Monomials) -> list[Known]:
    """What occurs in the target and has a known sign."""
    numbers = [k for base in {base: None for mono in target for base, _ in mono} for k in monomials.read(P.atom(base))]
    known = {k: monomials.sign(k) for k in numbers}
    return [Known({k: C1}, monomials.term(k), int(s == S.POS)) for k, s in known.items() if s <= S.POS | S.ZERO]


def multiples(target: Numbered, facts: list[Known], equation: bool, monomials: Monomials) -> list[Known]:
    """Positive monomials by which the target is closer to a multiple of a fact; for an equation not zero will do."""
    found: dict[int, Known] = {}
    for inner in (k for item in facts if item.sign is None or not equation for k in item.poly):
        for k in target:
            rest = monomials.over(inner, k)
            fit = S.POS | S.NEG if equation else S.POS
            if rest is not None and monomials.of[rest] and monomials.sign(rest) <= fit:
                found[rest] = Known({rest: C1}, monomials.term(rest), 1)
    return list(found.values())[:6]


def solved(target: Numbered, columns: Columns, multipliers: list[Known], relation: str) -> Term | None:
    """Weights w, k >= 0 with sum w*column = target * sum k*multiplier, as a term; with a strict column where needed."""
    strict = relation in ("<", ">")
    targets = [columns.monomials.times(target, item.poly) for item in multipliers]
    used = columns.pruned(targets)
    numbers = dict.fromkeys(k for poly in (*targets, *(item.poly for item in used)) for k in poly)
    place = {k: at for at, k in enumerate(numbers)}

    def row(poly: Numbered, side: int, extra: bool) -> list[Fraction]:
        found = [Fraction(0)] * len(place) + [Fraction(extra)]
        for k, c in poly.items():
            found[place[k]] = side * c
        return found

    zero = [item for item in used if item.sign is None]
    sure = [item.sign == 1 for item in multipliers]
    table = [row(poly, -1, not strict and known) for poly, known in zip(targets, sure, strict=True)]
    table += [row(item.poly, 1, strict and item.sign == 1) for item in used]
    table += [row(item.poly, -1, False) for item in zero]
    weights = nonnegative_solution(table, [Fraction(0)] * len(place) + [C1])
    if weights is None or not any(weights[: len(targets)]):
        return None
    scale = next(k for k in weights[: len(targets)] if k)
    sides = [*((1, item.term) for item in used), *((-1, item.term) for item in zero)]
    top = weighted((side * w / scale, term) for w, (side, term) in zip(weights[len(targets) :], sides, strict=True))
    under = weighted((w / scale, item.term) for w, item in zip(weights, multipliers, strict=False))
    return top if under == ONE else ("/", top, under)


def dangling(term: Term, level: int = 0) -> bool:
    """Whether an index of the term belongs to a sum or product outside of it."""
    if term[0] == "b":
        return bool(term[1] >= level)
    bound = [level + (term[0] in BINDERS and k == 2) for k in range(len(children(term)))]
    return any(dangling(part, at) for part, at in zip(children(term), bound, strict=True))


def weighted(parts: Iterable[tuple[Fraction, Term]]) -> Term:
    return add(*(term if w == 1 else multiplied(q(w), term) for w, term in parts if w))


__all__ = ["QUICK", "STAGES", "dangling", "product_forms"]

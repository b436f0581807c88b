"""Finds steps that rest on other steps: cases, term by term under a sum, induction on an integer.

Nothing found here is believed: each is handed to the kernel, the steps inside it with the assumptions they stand under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import Any

from derive.kernel.rules import RULES, Step, alternatives
from derive.kernel.terms import (
    BINDERS,
    ONE,
    OPTIMA,
    ZERO,
    Refused,
    Term,
    add,
    instantiate,
    mentions,
    rebuild,
    sub,
    substitute,
    subterms,
)  # fmt: skip
from derive.products import QUICK, STAGES, Stage, dangling, product_forms

How = tuple[str, dict[str, Any]]
Way = Callable[[str, Term, Term, tuple[Term, ...], tuple[str, ...], int], How | None]
SPLITS = 4  # cases inside cases
CANDIDATES = 4  # terms to tell cases apart by first
ATOMS = 4  # sums, products and entries that a step of an induction is put together from
ORDER = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class Search:
    """What a search may ask: `judge(step, facts, integers)` raises Refused; `quietly` ends what takes too long."""

    judge: Callable[[Step, tuple[Term, ...], tuple[str, ...]], Any]
    quietly: Callable[[Iterator[Term]], Iterator[Term]]
    integers: frozenset[str]
    known: dict[Any, bool] = field(default_factory=dict)  # what the kernel said of a sign under some facts

    def accepted(
        self, how: How, relation: str, u: Term, v: Term, facts: tuple[Term, ...], names: tuple[str, ...]
    ) -> bool:
        try:
            self.judge(Step(how[0], relation, u, v, how[1]), facts, names)
        except Refused:
            return False
        return True

    def all(self, relation: str, u: Term, v: Term, facts: tuple[Term, ...]) -> Iterator[How]:
        """What could justify `u relation v`, the simplest first."""
        if relation == "<=>":
            if (how := self.equivalence(u, v, facts, SPLITS)) is not None:
                yield how
            return
        direct = relation != "=" or any(fact[0] == "=" for fact in facts)
        for form in self.forms(relation, u, v, facts, STAGES[:QUICK]) if direct else ():
            yield "positive", {"form": form}
        yield from self.steps(relation, u, v, facts, (self.by_induction,), 0)
        for form in self.forms(relation, u, v, facts, STAGES[QUICK:]) if direct else ():
            yield "positive", {"form": form}
        for form in self.rewritten(sub(u, v), facts) if relation != "=" else ():
            yield "positive", {"form": form}
        yield from self.steps(relation, u, v, facts, (self.by_terms, self.by_cases, self.by_induction), SPLITS)

    def forms(
        self, relation: str, u: Term, v: Term, facts: tuple[Term, ...], stages: tuple[Stage, ...] = STAGES
    ) -> Iterator[Term]:
        """Forms of u - v for the rule positive: as it is, from products of the facts."""
        if stages[0] == STAGES[0]:
            yield ZERO if relation == "=" else sub(u, v)
        yield from self.quietly(product_forms(relation, u, v, facts, self.integers, stages))

    def rewritten(
        self, difference: Term, facts: tuple[Term, ...], nonnegative: tuple[Term, ...] = ()
    ) -> Iterator[Term]:
        from derive.search import sign_forms  # SymPy is slow to load, and often not needed

        yield from self.quietly(sign_forms(difference, facts, nonnegative))

    def equivalence(self, u: Term, v: Term, facts: tuple[Term, ...], deep: int) -> How | None:
        """P <=> Q: each case of the one side gives a case of the other, perhaps only once more is told apart."""
        try:
            left, right = alternatives(u), alternatives(v)
        except Refused:
            return None
        hints = {}
        for name, given, wanted in (("forward", left, right), ("backward", right, left)):
            found = self.implication(given, wanted, facts)
            if found is None:
                break
            hints[name] = found
        else:
            return "equivalent", hints
        either = [case for cases in (left, right) if len(cases) > 1 for case in cases]
        gaps = dict.fromkeys(sub(*claim[1:]) for case in either for claim in case)
        for on in [on for on in gaps if all(fact[1:] != (on, ZERO) for fact in facts)][: CANDIDATES if deep else 0]:
            steps: list[How] = []
            for way in ("<", "=", ">"):
                how = self.equivalence(u, v, (*facts, (way, on, ZERO)), 0)
                if how is None:
                    break
                steps.append(how)
            if len(steps) == 3:
                return "cases", {"on": on, "steps": steps}
        return None

    def implication(
        self, given: list[list[Term]], wanted: list[list[Term]], facts: tuple[Term, ...]
    ) -> list[Any] | None:
        """For each case of the one side, a case of the other with a form for each of its comparisons."""
        hints = []
        for case in given:
            for choice, claims in enumerate(wanted):
                found: list[Term] = []
                for claim in claims:
                    form = self.form_for(claim, (*facts, *case))
                    if form is None:
                        break
                    found.append(form)
                if len(found) == len(claims):
                    hints.append((choice, found))
                    break
            else:
                return None
        return hints

    def form_for(self, claim: Term, facts: tuple[Term, ...]) -> Term | None:
        relation, u, v = claim[0], *claim[1:3]
        if relation not in ("=", "!=", *ORDER):
            return None
        forms = chain(self.forms(relation, u, v, facts), self.rewritten(sub(u, v), facts) if relation != "=" else ())
        return next((f for f in forms if self.accepted(("positive", {"form": f}), relation, u, v, facts, ())), None)

    def steps(
        self, relation: str, u: Term, v: Term, facts: tuple[Term, ...], ways: tuple[Way, ...], deep: int
    ) -> Iterator[How]:
        """What could justify `u relation v`, where a single rule does not: kernel rules with their steps."""
        if relation not in ("=", *ORDER) or any(node[0] in OPTIMA for node in subterms(("and", u, v))):
            return
        for found in ways:
            how = None
            with suppress(Refused):  # a name would change its meaning where something else is put in its place
                how = found(relation, u, v, facts, (), deep)
            if how is not None:
                yield how

    def simple(self, relation: str, u: Term, v: Term, facts: tuple[Term, ...], names: tuple[str, ...]) -> How | None:
        """A rule that justifies `u relation v` at once: equal, of a sign that shows, or a combination of products."""
        if relation in ("=", "<=", ">=") and self.accepted(("grad", {}), relation, u, v, facts, names):
            return "grad", {}
        plain: How = ("positive", {"form": sub(u, v)})
        if relation in ORDER and self.accepted(plain, relation, u, v, facts, names):
            return plain
        return self.by_products(relation, u, v, facts, names, STAGES)

    def one(
        self, relation: str, u: Term, v: Term, facts: tuple[Term, ...], names: tuple[str, ...], deep: int
    ) -> How | None:
        """A rule that justifies `u relation v` under these facts, by itself or through cases."""
        if relation in ("=", "<=", ">=") and self.accepted(("grad", {}), relation, u, v, facts, names):
            return "grad", {}
        known = self.settled((u, v), facts, names)
        here = sub(*(resolved(side, known) for side in (u, v)))
        plain = dict.fromkeys((sub(u, v), here) if relation in ORDER else ())
        hows: list[How] = [("positive", {"form": form}) for form in plain]
        found = next((how for how in hows if self.accepted(how, relation, u, v, facts, names)), None)
        found = found or self.by_products(relation, u, v, facts, names, STAGES[:QUICK])
        found = found or self.by_terms(relation, u, v, facts, names, deep)
        if found or (open_ := distinctions((here,), known)):
            return found or (self.by_cases(relation, u, v, facts, names, deep) if deep and open_ else None)
        if (found := self.by_products(relation, u, v, facts, names, STAGES[QUICK:])) is not None:
            return found
        every = (*facts, *instances(("and", u, v), facts))
        for form in self.rewritten(here, every) if relation in ORDER else ():
            if self.accepted(("positive", {"form": form}), relation, u, v, facts, names):
                return "positive", {"form": form}
        return None

    def by_products(
        self,
        relation: str,
        u: Term,
        v: Term,
        facts: tuple[Term, ...],
        names: tuple[str, ...],
        stages: tuple[Stage, ...],
    ) -> How | None:
        """As a combination of products of what is assumed; an equation needs one among the facts."""
        if relation != "=" or any(fact[0] == "=" for fact in facts):
            for form in self.quietly(product_forms(relation, u, v, facts, self.integers.union(names), stages)):
                if self.accepted(("positive", {"form": form}), relation, u, v, facts, names):
                    return "positive", {"form": form}
        return None

    def settled(self, terms: tuple[Term, ...], facts: tuple[Term, ...], names: tuple[str, ...]) -> tuple[Term, ...]:
        """The facts, and which of the cases they decide already: for resolving only, as nothing new is assumed."""
        known = facts
        for _ in range(SPLITS):
            here = distinctions(tuple(resolved(term, known) for term in terms), known)
            new = [
                (relation, on, ZERO) for on in here for relation in ("<=", ">=")
                if self.decided(relation, on, facts, names)
            ]  # fmt: skip
            if not new:
                break
            known = (*known, *new)
        return known

    def decided(self, relation: str, on: Term, facts: tuple[Term, ...], names: tuple[str, ...]) -> bool:
        key = relation, on, facts
        if key not in self.known:
            self.known[key] = self.accepted(("positive", {"form": on}), relation, on, ZERO, facts, names)
        return self.known[key]

    def by_cases(
        self, relation: str, u: Term, v: Term, facts: tuple[Term, ...], names: tuple[str, ...], deep: int
    ) -> How | None:
        known = self.settled((u, v), facts, names)
        here = tuple(resolved(side, known) for side in (u, v))
        nodes = [node for side in here for node in subterms(side)]
        differs = any(node[0] == "diff" for node in nodes)
        # The order of the splits matters little, and a wrong first one shows early: deeper down one is tried.
        for on in distinctions(here, known)[: CANDIDATES if deep == SPLITS else 1]:
            apart = self.decided("!=", on, facts, names)
            ways = ("<", ">") if apart else ("<", "=", ">") if differs or ("f", "sign", on) in nodes else ("<=", ">=")
            steps: list[How] = []
            for case in ways:
                how = self.one(relation, u, v, (*facts, (case, on, ZERO)), names, deep - 1)
                if how is None:
                    break
                steps.append(how)
            if len(steps) == len(ways):
                return "cases", {"on": on, "steps": steps}
        return None

    def by_terms(
        self, relation: str, u: Term, v: Term, facts: tuple[Term, ...], names: tuple[str, ...], deep: int
    ) -> How | None:
        """Both sides are sums over one range, or the left one is the derivative of such a sum: compare the terms."""
        u, x = u[1:] if u[0] == "diff" else (u, ONE)
        if not u[0] == v[0] == "sum" or u[:3] != v[:3] or relation not in ("=", "<=", ">="):
            return None
        index = f"n{len(names)}"
        while any(mentions(term, index) for term in (u, v, *facts)):
            index += "n"
        place = ("v", index)
        inside = (*facts, (">=", place, u[1]), (">=", u[2], place))
        body = instantiate(u[3], place) if x == ONE else ("diff", instantiate(u[3], place), x)
        each = body, instantiate(v[3], place)
        how = self.one(relation, *each, inside, (*names, index), deep)
        how = how or self.by_induction(relation, *each, inside, (*names, index), deep)
        if how is None:
            return None
        return "termwise", {"each": renamed(how, index, f"#{len(names)}")}

    def by_induction(
        self, relation: str, u: Term, v: Term, facts: tuple[Term, ...], names: tuple[str, ...], deep: int
    ) -> How | None:
        """Induction on an integer in a range or an exponent; each step by one rule, or with deep > 0 by more."""
        for n, start in starts(("and", u, v), facts, self.integers.union(names)):
            kept = tuple(fact for fact in facts if not mentions(fact, n))
            place = ("v", n)
            inside = (*kept, (">=", place, start), (relation, u, v))
            steps: list[How] = []
            for at, where in ((start, kept), (add(place, ONE), inside)):
                before, after = substitute(u, place, at), substitute(v, place, at)
                how = self.simple(relation, before, after, where, names)
                how = how or (self.one(relation, before, after, where, names, 1) if deep else None)
                if how is None:
                    break
                steps.append(how)
            else:
                return "induction_on", {"over": n, "start": start, "steps": steps}
        return None


def renamed(how: How, index: str, name: str) -> How:
    """The hints of a step under a sum call the index of the sum what the kernel will call it there."""

    def one(kind: str, hint: Any) -> Any:
        if kind == "term":
            return substitute(hint, ("v", index), ("v", name))
        if kind == "steps":
            return [renamed(step, index, name) for step in hint]
        return renamed(hint, index, name) if kind == "each" else name if hint == index else hint

    return how[0], {key: one(RULES[how[0]][1][key], hint) for key, hint in how[1].items()}


def resolved(term: Term, facts: tuple[Term, ...]) -> Term:
    """|u|, min, max and sign written out where a fact tells the case; for a search only."""
    signs = {fact[1]: fact[0][0] for fact in facts if fact[0] in ("<", "=", ">", "<=", ">=") and fact[2] == ZERO}
    term = (
        rebuild(term, lambda part, _: resolved(part, facts))
        if term[0] not in ("v", "ix", "call", "q", "b", "c")
        else term
    )
    if term[0] != "f":
        return term
    if term[1] == "abs" and term[2] in signs:
        sizes: dict[str, Term] = {"<": ("neg", term[2]), "=": ZERO, ">": term[2]}
        return sizes[signs[term[2]]]
    if term[1] == "sign" and (strict := next((f[0] for f in facts if f[1:] == (term[2], ZERO)), "")) in ("<", "=", ">"):
        return {"<": ("neg", ONE), "=": ZERO, ">": ONE}[strict]
    if term[1] in ("min", "max") and len(term) == 4:
        for u, v in ((term[2], term[3]), (term[3], term[2])):
            side = signs.get(sub(u, v), signs.get(u) if v == ZERO else None)
            if side is not None:
                first: Term = u if (side == "<") == (term[1] == "min") else v
                return first
    return term


def distinctions(terms: tuple[Term, ...], facts: tuple[Term, ...]) -> list[Term]:
    """Terms whose sign makes a difference: arguments of abs and sign, gaps between those of min and max."""
    known = {fact[1] for fact in facts if fact[2:] == (ZERO,)}
    found: dict[Term, None] = {}
    for term in terms:
        for node in reversed(list(subterms(term))):
            if node[0] == "f" and node[1] in ("abs", "sign"):
                found[node[2]] = None
            elif node[0] == "f" and node[1] in ("min", "max"):
                found.update((u if v == ZERO else sub(u, v), None) for u, v in combinations(node[2:], 2))
    return [on for on in found if on not in known and not dangling(on)]


def instances(term: Term, facts: tuple[Term, ...]) -> list[Term]:
    """What the facts about every index say of the places that occur in a term."""
    nodes = [node for node in subterms(term) if node[0] in ("ix", "call")]
    places = dict.fromkeys(
        node[2:] for node in nodes if all(part[0] != "b" for at in node[2:] for part in subterms(at))
    )
    found = []
    for fact in facts:
        for place in places if fact[0] == "all" else ():
            if fact[1] == len(place):
                body = fact[2]
                for value in reversed(place):
                    body = instantiate(body, value)
                found.append(body)
    return found


def starts(term: Term, facts: tuple[Term, ...], integers: frozenset[str]) -> Iterator[tuple[str, Term]]:
    """Integers that a range or an exponent of the term depends on, each with the number a fact bounds it below by."""
    binders = [node for node in subterms(term) if node[0] in BINDERS]
    ranges = [part for node in binders for part in node[1:3]]
    ranges += [node[2] for node in subterms(term) if node[0] == "^"]
    ranges += [part for node in subterms(term) if node[0] == "ix" for part in node[2:]]
    found = []
    for relation, *sides in facts:
        if relation in (">", ">=") and sides[0][0] == "v" and sides[0][1] in integers:
            n, least = sides[0][1], sides[1]
            if not mentions(least, n) and any(mentions(part, n) for part in ranges):
                found.append((n, least if relation == ">=" else add(least, ONE)))
    # first those that end ranges and begin none: there one more term is all that is new
    yield from sorted(found, key=lambda item: any(mentions(node[1], item[0]) for node in binders))


__all__ = ["How", "Search"]

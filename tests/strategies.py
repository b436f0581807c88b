"""Hypothesis strategies for terms of the chain language: what the parser can produce, no more."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from hypothesis import strategies as st

from derive.kernel.terms import FUNCTIONS, Term

SCALARS = ("a", "b", "w", "x1", "eta")
FAMILIES = {"y": 1, "z": 2}
CALLS = {"f": 1, "g": 2}
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


def numbers() -> st.SearchStrategy[Term]:
    """Non-negative exact numbers; a negative one is a "neg" term."""
    return st.one_of(
        st.integers(0, 20).map(Fraction), st.fractions(0, 20, max_denominator=12), st.just(Fraction(9, 10))
    ).map(lambda value: ("q", value))


def leaves(bound: int = 0) -> st.SearchStrategy[Term]:
    """Numbers, names, pi, and the indices of `bound` enclosing sums."""
    found = [numbers(), st.sampled_from(SCALARS).map(lambda name: ("v", name)), st.just(("c", "pi"))]
    if bound:
        found.append(st.integers(0, bound - 1).map(lambda k: ("b", k)))
    return st.one_of(*found)


def _numeral(term: Term) -> bool:
    return term[0] in ("q", "neg", "+", "*", "/", "^") and all(
        _numeral(part) for part in term[1:] if isinstance(part, tuple)
    )


def _tame(term: Term) -> Term:
    """Powers and factorials of computed numerals are bounded by the parser, which has tests of its own: put 2 there.

    A map and not a filter, since a filter that retries writes out the repr of everything nested in it.
    """
    if (term[0] == "^" or (term[0] == "f" and term[1] in ("gamma", "factorial"))) and _numeral(term[2]):
        return term if term[2][0] == "q" else (*term[:2], ("q", Fraction(2)))
    return term


@st.composite
def terms(draw: st.DrawFn, max_leaves: int = 8, bound: int = 0) -> Term:
    """Terms that are numbers, with sums, products and derivatives; indices are de Bruijn."""
    # a composite keeps the repr of what nests here short; Hypothesis warns of long ones
    return draw(_terms(max_leaves, bound))


@lru_cache(maxsize=64)
def _terms(max_leaves: int, bound: int) -> st.SearchStrategy[Term]:
    sums = terms(max(2, max_leaves // 4), bound + 1) if bound < 2 and max_leaves > 1 else None

    def grow(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        def named(names: dict[str, int], tag: str) -> st.SearchStrategy[Term]:
            return st.one_of(*(st.tuples(st.just(tag), st.just(name), *[inner] * n) for name, n in names.items()))

        several = st.lists(inner, min_size=2, max_size=4)
        known = [(name, fewest) for name, (fewest, _) in FUNCTIONS.items()]
        found = [
            several.map(lambda parts: ("+", *parts)),
            several.map(lambda parts: ("*", *parts)),
            inner.map(lambda part: ("neg", part)),
            st.tuples(st.just("/"), inner, inner),
            st.tuples(st.just("^"), inner, inner),
            st.tuples(st.just("^"), inner, numbers()),
            named(FAMILIES, "ix"),
            named(CALLS, "call"),
            st.sampled_from(known).flatmap(
                lambda entry: st.tuples(*[inner] * entry[1]).map(lambda args: ("f", entry[0], *args))
            ),
            st.tuples(st.sampled_from(("diff", "subdiff")), inner, st.sampled_from(SCALARS).map(lambda n: ("v", n))),
        ]
        if sums is not None:
            found.append(st.tuples(st.sampled_from(("sum", "prod")), inner, inner, sums))
        return st.one_of(*found).map(_tame)

    return st.recursive(leaves(bound), grow, max_leaves=max_leaves)


def sides(max_leaves: int = 8) -> st.SearchStrategy[Term]:
    """What may stand on either side of a relation: a number, a set of optima, an interval."""
    inner = terms(max_leaves)
    variables = st.lists(st.sampled_from(SCALARS), min_size=1, max_size=2, unique=True).map(tuple)
    return st.one_of(
        inner,
        st.tuples(st.sampled_from(("argmax", "argmin")), variables, inner),
        st.tuples(st.just("interval"), inner, inner),
    )


def claims(max_leaves: int = 8) -> st.SearchStrategy[Term]:
    """Comparisons, and what & | <=> make of them."""
    comparison = st.tuples(st.sampled_from(COMPARISONS), sides(max_leaves), sides(max_leaves))

    def grow(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        joined = st.tuples(st.sampled_from(("and", "or")), st.lists(inner, min_size=2, max_size=3))
        return st.one_of(joined.map(lambda pair: (pair[0], *pair[1])), st.tuples(st.just("<=>"), inner, inner))

    return st.recursive(comparison, grow, max_leaves=3)

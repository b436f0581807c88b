"""Facts at a point: whether they hold there, exactly, and which terms are worth setting to zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from derive.evaluation.evaluate import FAILURES, Evaluator, holds
from derive.evaluation.reals import UndefinedValue
from derive.evaluation.values import Point
from derive.kernel.terms import ONE, RELATIONS, ZERO, Term, children, rebuild, subterms

FAR = 97  # an index outside every table


def conjuncts(facts: Sequence[Term]) -> Iterator[Term]:
    for fact in facts:
        if fact[0] == "and":
            yield from conjuncts(fact[1:])
        else:
            yield fact


def satisfies(fact: Term, point: Point) -> bool:
    """Whether a fact certainly holds at the point; ("all", k, P) on the tables and on one index outside of them."""
    if fact[0] != "all":
        return holds(fact, point) is True
    _, k, body = fact
    window = (0, 1, 2, 3, FAR) if k == 1 else (0, 1, 2, FAR)
    if k > 3 or not _only_as_index(body):
        return False
    evaluator = Evaluator(point)
    try:
        for index in product(window, repeat=k):
            evaluator._indices = list(index)
            if evaluator.truth(body) is not True:
                return False
    except (UndefinedValue, *FAILURES):
        return False
    return True


def _only_as_index(term: Term) -> bool:
    """Whether bound indices occur as indices and arguments alone: then a window and one far index tell everything.

    The functions of such facts are constant polynomials, so their arguments do not matter.
    """
    if term[0] in ("ix", "call"):
        return all(part[0] == "b" or not any(node[0] == "b" for node in subterms(part)) for part in term[2:])
    return term[0] != "b" and all(_only_as_index(part) for part in children(term))


def critical_terms(terms: Sequence[Term]) -> Iterator[Term]:
    """Terms whose zeros are worth trying: denominators, arguments of abs, log, sqrt, sign, ends of comparisons."""
    for term in terms:
        for node in subterms(term):
            if any(part[0] == "b" for part in subterms(node)):
                node = _first_index(node)
            tag = node[0]
            if tag == "/":
                yield node[2]
            elif tag == "^":
                yield node[1]
            elif tag == "f" and node[1] in ("abs", "log", "sqrt", "sign", "gamma"):
                yield node[2]
            elif tag == "f" and node[1] in ("min", "max"):
                yield from (("+", a, ("neg", b)) for a, b in combinations(node[2:], 2))
            elif tag in RELATIONS and tag != "<=>":
                yield ("+", node[1], ("neg", node[2])) if node[2] != ZERO else node[1]


def _first_index(term: Term, level: int = 0) -> Term:
    """The term with every free index set to 1, the first entry of a family."""
    if term[0] == "b":
        return ONE if term[1] >= level else term
    return rebuild(term, lambda part, bound: _first_index(part, level + bound))

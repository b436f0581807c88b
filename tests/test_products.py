"""Comparisons from products of assumptions: the kernel accepts what is found, and nothing is found of what is false."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from derive.kernel.check import judge
from derive.kernel.rules import Step
from derive.kernel.terms import Refused, Term
from derive.linear import nonnegative_solution
from derive.products import product_forms
from derive.syntax import complete, names_of, parse_expression, parse_given

TRUE = [
    ("x >= 0; y >= 0", "x*y + x >= 0"),
    ("x > 0; y >= 0", "x*y + x > 0"),
    ("x > 0; x + y < 0", "y < 0"),
    ("x*y > 0; x + y > 0", "x > 0"),  # divided by x + y
    ("r < 1; s < 1; -r < 1; -s < 1", "r*s < 1"),
    ("r + s = a; r*s = b; r < 1; s < 1; -r < 1; -s < 1", "a < 1 + b"),
    ("r + s = a; r*s = b; b < 1; a < 1 + b", "r < 1"),
    ("0 < mu < L; abs(1 - eta*mu) <= r; abs(1 - eta*L) <= r", "r >= (L - mu)/(L + mu)"),
    ("w**2 = s**2; s > 0; w >= 0", "w = s"),
    ("x > 0; y > 1", "x*y != 0"),
    ("t integer >= 0; 0 <= a <= 1; (1 - a)**t <= 1/(1 + t*a)", "(1 - a)**(t + 1) <= 1/(1 + (t + 1)*a)"),
    ("0 <= a[k] < 1; T integer >= 0; p >= 0; p <= q", "(1 - a[T])*p <= q"),
]
FALSE = [
    ("x >= 0; y >= 0", "x*y + x > 0"),
    ("x*y > 0", "x > 0"),
    ("r < 1; s < 1", "r*s < 1"),
    ("r + s = a; r*s = b; a < 1 + b; -a < 1 + b", "r < 1"),
    ("0 < mu < L; abs(1 - eta*mu) <= r", "r >= (L - mu)/(L + mu)"),
    ("w**2 = s**2; s > 0", "w = s"),
    ("x >= 0", "x != 0"),
    ("x > 0; x < 0", "y > 0"),  # a contradiction gives no form of y
]


def forms(given: str, claim: str) -> tuple[list[Term], list[Term]]:
    """What is found, and what of it the kernel accepts."""
    known = parse_given(given)
    parsed = parse_expression(claim, names_of(known))
    known = complete(known, [parsed.term], parsed.binders)
    kinds = {symbol.name: symbol.kind for symbol in known.symbols}
    relation, u, v = parsed.term
    integers = frozenset(name for name, kind in kinds.items() if kind == "integer")
    found = list(product_forms(relation, u, v, known.facts, integers))
    accepted = []
    for form in found:
        try:
            judge(Step("positive", relation, u, v, {"form": form}), list(known.facts), {}, kinds)
        except Refused:
            continue
        accepted.append(form)
    return found, accepted


@pytest.mark.parametrize(("given", "claim"), TRUE)
def test_what_follows_is_found(given: str, claim: str) -> None:
    _, accepted = forms(given, claim)
    assert accepted


@pytest.mark.parametrize(("given", "claim"), FALSE)
def test_what_does_not_follow_is_not_accepted(given: str, claim: str) -> None:
    _, accepted = forms(given, claim)
    assert not accepted


def test_the_linear_program_solves_what_it_made() -> None:
    """Random columns and weights >= 0: a solution is found, and it is one."""
    chance = random.Random(1)
    for _ in range(60):
        rows, width = chance.randint(1, 6), chance.randint(1, 9)
        columns = [[Fraction(chance.randint(-3, 3), chance.randint(1, 3)) for _ in range(rows)] for _ in range(width)]
        weights = [Fraction(max(0, chance.randint(-2, 3)), chance.randint(1, 3)) for _ in columns]
        right = [sum((w * c[i] for w, c in zip(weights, columns, strict=True)), Fraction(0)) for i in range(rows)]
        found = nonnegative_solution(columns, right)
        assert found is not None
        assert min(found) >= 0
        for i in range(rows):
            assert sum((w * c[i] for w, c in zip(found, columns, strict=True)), Fraction(0)) == right[i]


def test_the_linear_program_says_where_there_is_no_solution() -> None:
    one, two = [Fraction(1), Fraction(-1)], [Fraction(2), Fraction(-1, 2)]
    assert nonnegative_solution([one, two], [Fraction(1), Fraction(1)]) is None
    assert nonnegative_solution([one], [Fraction(-1), Fraction(1)]) is None

"""Conditions on parameters, evaluated exactly: at rational points, and at points such as exp(1) or 1/sqrt(2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product

from derive.kernel.terms import Term, q, sub
from derive.series import values as V
from derive.series.language import put, uses
from derive.series.parameters import Scene
from derive.syntax import parse_expression, parse_given


def read(text: str) -> Term:
    """A condition of the table, in which == is =, and E is exp(1)."""
    if text in ("true", "false"):
        return ("and",) if text == "true" else ("or",)
    return parse_expression(re.sub(r"\bE\b", "exp(1)", text.replace("==", "="))).term


def holds(condition: Term, point: Mapping[str, Term]) -> bool:
    """Whether a condition holds at a point whose values are terms without names: every sign is decided exactly."""
    tag, *parts = condition
    if tag in ("and", "or"):
        return (all if tag == "and" else any)([holds(part, point) for part in parts])
    difference = sub(parts[0], parts[1])
    for name, value in point.items():
        difference = put(difference, name, value)
    assert not uses(difference, "t")
    sign = V.sign(V.value(difference, {}))
    if sign is None:  # equal, or close: the kernel's normal form decides
        scene = Scene({}, ())
        (sign,) = scene.signs(scene.of(difference))
    return {"=": sign == 0, "!=": sign != 0, "<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[tag]


def numbers(condition: Term) -> Iterator[Term]:
    """The numbers that a condition compares with: where its truth may change."""
    if condition[0] in ("and", "or"):
        for part in condition[1:]:
            yield from numbers(part)
        return
    for side in condition[1:]:
        if not any(uses(side, name) for name in names_in(condition)):
            yield side


def names_in(term: Term) -> set[str]:
    if term[0] == "v":
        return {term[1]}
    return {name for part in term[1:] if isinstance(part, tuple) for name in names_in(part)}


def points(given: str, *conditions: Term) -> Iterator[dict[str, Term]]:
    """Points that satisfy what is given: each boundary, both sides of it close by, and a few more."""
    assumptions = parse_given(given)
    marks = {q(Fraction(text)) for text in ("-3", "-1", "0", "1/3", "1/2", "1", "5/4", "2", "7")}
    for condition in conditions:
        for number in numbers(condition):
            marks |= {number, sub(number, q(Fraction(1, 1000))), ("+", number, q(Fraction(1, 1000)))}
    fixed = {"eta0": [q(2)], "w": [q(5)], "s": [q(3)], "b": [q(1), q(4)]}
    ranges = [fixed.get(symbol.name, sorted(marks, key=repr)) for symbol in assumptions.symbols]
    for values in product(*ranges):
        point = {symbol.name: value for symbol, value in zip(assumptions.symbols, values, strict=True)}
        whole = all(
            symbol.kind == "real" or (point[symbol.name][0] == "q" and point[symbol.name][1].denominator == 1)
            for symbol in assumptions.symbols
        )
        if whole and all(holds(fact, point) for fact in assumptions.facts):
            yield point

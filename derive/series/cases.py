"""The cases of the parameters: a schedule is decided in each, and split in three where a sign is missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from derive.derivation import Assumptions
from derive.errors import Undecided
from derive.evaluation.enclosure import UnknownValue
from derive.kernel.terms import Refused, Term, add, q, sub
from derive.series import values as V
from derive.series.analysis import Case, Negative, analyse
from derive.series.language import put, uses
from derive.series.parameters import Abstain, Bound, Scene, Split

MOST_CASES = 300
DEEPEST = 14


class Leaf(NamedTuple):
    """A case of the parameters: the comparisons that make it, and what holds in it; no `case` where undecided."""

    bounds: tuple[Bound, ...]
    case: Case | None
    reason: str = ""
    negative: bool = False


@dataclass
class _Search:
    until: float
    leaves: list[Leaf]


def explore(term: Term, assumptions: Assumptions, seconds: float) -> tuple[list[Leaf], Scene]:
    """Every case of the parameters with its answer, and the scene of what is assumed in all of them."""
    kinds = {symbol.name: symbol.kind for symbol in assumptions.symbols}
    search = _Search(time.process_time() + seconds, [])
    try:
        scene = Scene(kinds, assumptions.facts)
    except Refused as refusal:
        raise Abstain(f"an assumption is out of reach: {refusal}") from None
    _explore(search, term, kinds, assumptions.facts, (), ())
    return search.leaves, scene


def _explore(
    search: _Search, term: Term, kinds: dict[str, str], facts: tuple[Term, ...], kept: tuple[Bound, ...],
    path: tuple[Bound, ...],
) -> None:  # fmt: skip
    """`path` are the comparisons of this case, `kept` those of them that no substitution used up."""
    if time.process_time() > search.until:
        search.leaves.append(Leaf(path, None, "out of time"))
        return
    if len(search.leaves) > MOST_CASES or len(path) > DEEPEST:
        search.leaves.append(Leaf(path, None, "too many cases of the parameters"))
        return
    try:
        case = analyse(term, kinds, facts, kept)
    except Split as split:
        for relation in ("<", "=", ">"):
            bound = Bound(split.form, split.constant, relation)
            if _possible(bound, kinds, facts, kept):
                _enter(search, term, kinds, facts, kept, (*path, bound))
        return
    except Negative:
        search.leaves.append(Leaf(path, None, "the terms are negative for large t", negative=True))
        return
    except Undecided as reason:
        search.leaves.append(Leaf(path, None, str(reason)))
        return
    except Refused as refusal:
        search.leaves.append(Leaf(path, None, f"a coefficient is out of reach: {refusal}"))
        return
    except UnknownValue as reason:
        search.leaves.append(Leaf(path, None, f"a number is out of reach: {reason}"))
        return
    search.leaves.append(Leaf(path, case))


def _possible(bound: Bound, kinds: dict[str, str], facts: tuple[Term, ...], kept: tuple[Bound, ...]) -> bool:
    scene = Scene(kinds, facts, kept)
    signs = {"<": -1, "=": 0, ">": 1}
    c = scene.of(sub(bound.form, bound.constant))
    if signs[bound.relation] not in scene.signs(c):
        return False
    if bound.relation == "=" and bound.form[0] == "v" and kinds.get(bound.form[1]) == "integer":
        value = scene.of(bound.constant)
        return isinstance(value, Fraction) and value.denominator == 1
    return True


def _enter(
    search: _Search, term: Term, kinds: dict[str, str], facts: tuple[Term, ...], kept: tuple[Bound, ...],
    path: tuple[Bound, ...],
) -> None:  # fmt: skip
    bound = path[-1]
    solved = _solved(bound, kinds) if bound.relation == "=" else None
    if solved is None:
        fact = (bound.relation, bound.form, bound.constant)
        _explore(search, term, kinds, (*facts, fact), (*kept, bound), path)
        return
    name, value = solved
    rest = {other: kind for other, kind in kinds.items() if other != name}
    left: list[Term] = []
    for fact in facts:
        new = put(fact, name, value)
        if not uses(new, *rest):
            try:
                if not V.holds(new, {}):
                    return
            except (V.Undefined, UnknownValue):
                pass  # a number that is too close to tell: nothing is assumed of it
            continue
        left.append(new)
    bounds = tuple(other for other in kept if not uses(other.form, name))
    _explore(search, put(term, name, value), rest, tuple(left), bounds, path)


def _solved(bound: Bound, kinds: dict[str, str]) -> tuple[str, Term] | None:
    """form = constant, solved for a name in it that occurs once, with a rational factor."""
    form, constant = bound.form, bound.constant
    if form[0] == "v":
        return form[1], constant
    if form[0] != "+":
        return None
    for part in form[1:]:
        factor, name = (part[1][1], part[2]) if part[0] == "*" and part[1][0] == "q" and len(part) == 3 else (1, part)
        if name[0] != "v" or kinds.get(name[1]) == "integer":
            continue
        others = [other for other in form[1:] if other is not part]
        if any(uses(other, name[1]) for other in others):
            continue
        return name[1], ("*", q(Fraction(1, 1) / factor), sub(constant, add(*others)))
    return None


Ask = Callable[[Case], bool | None]

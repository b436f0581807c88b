"""Refutes wrong steps: an exact point that satisfies the assumptions and where the step fails.

Also the second judge of steps that the kernel accepts: it evaluates both sides at random points and shares no normal
form with the kernel. A witness is certain; no witness proves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.derivation import Assumptions
from derive.evaluation.outcome import Failure, look
from derive.evaluation.points import SMALL, WHOLE, Choice, Slot, Space, satisfying_point
from derive.evaluation.values import Polynomial, bound_by
from derive.kernel.terms import OPTIMA, Term, children, mentions, subterms

_IRRATIONAL = ("exp", "log", "sqrt", "gamma", "erf", "factorial")


@dataclass(frozen=True)
class Witness:
    """A point where a step fails: exact values as text, both sides there, and the reason."""

    point: Mapping[str, str]
    left: str
    right: str
    reason: str


@dataclass(frozen=True)
class Opinion:
    """What the second judge saw: how many points were really compared, of how many tried, and a witness if any."""

    compared: int
    tried: int
    witness: Witness | None = None


def find_witness(
    relation: str,
    before: Term,
    after: Term,
    assumptions: Assumptions,
    *,
    seed: int = 0,
    tries: int = 500,
    seconds: float = 0.5,
) -> Witness | None:
    """A small point that satisfies the assumptions and where `before relation after` fails or is undefined.

    >>> w = ("v", "w")
    >>> find_witness("=", ("/", w, w), ("q", Fraction(1)), Assumptions())
    Witness(point={'w': '0'}, left='undefined', right='1', reason='the left side is undefined: division by zero')
    """
    return _search(_claim(relation, before, after), assumptions, seed, tries, seconds)


def find_claim_witness(
    claim: Term, assumptions: Assumptions, *, seed: int = 0, tries: int = 500, seconds: float = 0.5
) -> Witness | None:
    """As find_witness, for a claim of one line: a comparison, a conjunction, a recurrence with its closed form."""
    return _search(claim, assumptions, seed, tries, seconds)


def second_opinion(
    relation: str,
    before: Term,
    after: Term,
    assumptions: Assumptions,
    *,
    trials: int = 3,
    seed: int = 0,
    seconds: float = 2.0,
) -> Opinion:
    """Evaluate a step at random points that satisfy the assumptions; a disagreement is a witness.

    `compared` counts the points where both sides had a value and agreed as far as enclosures tell.

    >>> x = ("v", "x")
    >>> second_opinion("=", ("+", x, x), ("*", ("q", Fraction(2)), x), Assumptions()).compared
    3
    """
    return claim_opinion(_claim(relation, before, after), assumptions, trials=trials, seed=seed, seconds=seconds)


def claim_opinion(
    claim: Term, assumptions: Assumptions, *, trials: int = 3, seed: int = 0, seconds: float = 2.0
) -> Opinion:
    """As second_opinion, for a claim of one line."""
    deadline = time.monotonic() + seconds
    space = Space(assumptions, (claim,), seed, deadline)
    if not space.possible():
        return Opinion(0, 0)
    rational = not any(node[0] == "f" and node[1] in _IRRATIONAL for node in _deep(claim, space)) and not _powers(claim)
    bound, below = (1 << 30, 1 << 12) if rational else (40, 12)
    compared = tried = 0
    while compared < trials and tried < 4 * trials + 4 and time.monotonic() < deadline:
        tried += 1
        picked = space.large(bound, below) if tried % 4 else space.scattered()
        legal = picked if space.legal(picked) else space.repaired(picked)
        if legal is None:
            small = space.scattered()
            legal = small if space.legal(small) else space.repaired(small)
        if legal is None:
            continue
        seen = look(claim, space.point(legal))
        if seen.failure:
            return Opinion(compared, tried, _written(claim, space, legal, seen.failure))
        compared += seen.compared
    for picked in space.candidates(40 * trials) if not compared else ():  # facts that hold at no random point
        tried += 1
        seen = look(claim, space.point(picked))
        if seen.failure:
            return Opinion(compared, tried, _written(claim, space, picked, seen.failure))
        compared += seen.compared
        if compared >= trials:
            break
    return Opinion(compared, tried)


def _deep(claim: Term, space: Space) -> Iterator[Term]:
    yield from subterms(claim)
    for name in bound_by(space.definitions, [claim]):
        if name in space.definitions:
            yield from subterms(space.definitions[name].body)


def _powers(claim: Term) -> bool:
    return any(node[0] == "^" and node[2][0] != "q" for node in subterms(claim)) or claim[0] == "rec"


def _claim(relation: str, before: Term, after: Term) -> Term:
    if after[0] == "rec" or (relation == "<=>" and before == ("and",)):  # a claim of one line: true <=> claim
        return after
    return (relation, before, after)


# --- the search -----------------------------------------------------------------------------------------------------


def _search(claim: Term, assumptions: Assumptions, seed: int, tries: int, seconds: float) -> Witness | None:
    deadline = time.monotonic() + seconds
    space = Space(assumptions, (claim,), seed, deadline)
    undefined: tuple[dict[Slot, Choice], Failure] | None = None
    patience = 40  # how many more points to look at for two values that differ, once a side was seen undefined
    for picked in space.candidates(tries):
        seen = look(claim, space.point(picked))
        if seen.failure and not seen.failure.undefined:
            return _shrunk(claim, space, picked, seen.failure)
        if seen.failure and undefined is None:
            undefined = picked, seen.failure
        if undefined is not None:
            patience -= 1
            if not patience:
                break
    return _shrunk(claim, space, *undefined) if undefined else None


def _shrunk(claim: Term, space: Space, picked: dict[Slot, Choice], failure: Failure) -> Witness:
    """The witness with every value made as simple as it can be while the claim still fails in the same way."""
    changed = True
    rounds = 0
    while changed and rounds < 4:
        changed, rounds = False, rounds + 1
        for slot in _relevant(claim, space, picked, failure):
            current = picked[slot]
            for x in _simpler(space, slot, current):
                if time.monotonic() > space.deadline + 0.2:
                    return _written(claim, space, picked, failure)
                trial = picked | {slot: x}
                if not space.legal(trial):
                    continue
                seen = look(claim, space.point(trial))
                if seen.failure and seen.failure.undefined == failure.undefined:
                    picked, failure, changed = trial, seen.failure, True
                    break
    return _written(claim, space, picked, failure)


def _simpler(space: Space, slot: Slot, current: Choice) -> Iterator[Choice]:
    if isinstance(current, Polynomial):
        for x in space.choices[slot]:
            if isinstance(x, Polynomial) and len(x.terms) < len(current.terms):
                yield x
        return
    if slot[0] == "default":
        return
    for x in WHOLE if slot[1] in space.integers else SMALL[:12]:
        if _size(x) < _size(current):
            yield x


def _size(x: Fraction) -> tuple[bool, int, int, bool]:
    return x != 0, x.denominator, abs(x.numerator), x < 0


def _relevant(claim: Term, space: Space, picked: Mapping[Slot, Choice], failure: Failure) -> list[Slot]:
    free = _free_names(claim, space)
    return [s for s in picked if s[1] in free and (s[0] != "entry" or (s[1], s[2]) in failure.used)]


def _free_names(claim: Term, space: Space) -> frozenset[str]:
    """Names whose value matters: those of the claim that are not optimised over, and of the facts tied to them."""
    names = set(_unbound(claim))
    names |= {n for d in space.definitions.values() if d.name in names for n in bound_by(space.definitions, [d.body])}
    while True:
        tied = {n for f in space.facts if (own := bound_by(space.definitions, [f])) & names for n in own} | names
        if tied == names:
            return frozenset(names) - _optimised(claim)
        names = tied


def _optimised(claim: Term) -> set[str]:
    names = {name for node in subterms(claim) if node[0] in OPTIMA for name in node[1]}
    return {name for name in names if not mentions(claim, name)}


def _unbound(term: Term) -> Iterator[str]:
    if term[0] in ("v", "ix", "call"):
        yield term[1]
    for part in children(term):
        for name in _unbound(part):
            if term[0] not in OPTIMA or name not in term[1]:
                yield name


def _written(claim: Term, space: Space, picked: Mapping[Slot, Choice], failure: Failure) -> Witness:
    """The witness as text: scalars, the entries of indexed names that were used, functions as formulas."""
    names = _free_names(claim, space)
    point: dict[str, str] = {}
    for (kind, name, _), x in picked.items():
        if name not in names:
            continue
        if isinstance(x, Polynomial):
            arguments = _argument_names(claim, name, space.arities[name])
            point[f"{name}({', '.join(arguments)})"] = x.text(arguments)
        elif kind == "scalar":
            point[name] = str(x)
    family = space.point(picked).families
    for name, used in sorted(failure.used):
        if name in family:
            point[f"{name}[{', '.join(map(str, used))}]"] = str(family[name].at(used))
    return Witness(point | failure.extra, failure.left, failure.right, failure.reason)


def _argument_names(claim: Term, name: str, arity: int) -> list[str]:
    for node in subterms(claim):
        if node[0] == "call" and node[1] == name:
            found = [str(part[1]) for part in node[2:] if part[0] in ("v", "ix")]
            if len(found) == arity == len(set(found)):
                return found
    return [f"u{k + 1}" for k in range(arity)]


__all__ = [
    "Opinion", "Witness", "claim_opinion", "find_claim_witness", "find_witness", "satisfying_point", "second_opinion",
]  # fmt: skip

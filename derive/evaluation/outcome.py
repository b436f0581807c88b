"""What happens to one claim at one point: it fails there, it is seen to hold, or nothing can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.evaluation import reals
from derive.evaluation.enclosure import UnknownValue
from derive.evaluation.evaluate import FAILURES, Evaluator, related
from derive.evaluation.optima import Optimum, domain_of, optimum_with
from derive.evaluation.piecewise import Segment
from derive.evaluation.reals import Real, UndefinedValue
from derive.evaluation.values import Point, Span
from derive.kernel.terms import OPTIMA, Term

RECURRENCE_STEPS = 7


@dataclass
class Failure:
    """How a claim fails at a point; `undefined` when a side has no value there."""

    left: str
    right: str
    reason: str
    undefined: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    used: set[tuple[str, tuple[int, ...]]] = field(default_factory=set)


@dataclass
class Seen:
    """The outcome at one point: a failure, or whether the sides were compared."""

    failure: Failure | None = None
    compared: bool = False


def look(claim: Term, point: Point) -> Seen:
    """What happens to a claim at a point: it fails, it is seen to hold, or nothing can be told."""
    try:
        return _looked(claim, point)
    except FAILURES:
        return Seen()


def _looked(claim: Term, point: Point) -> Seen:
    tag = claim[0]
    if tag == "rec":
        return _recurrence(claim, point)
    if tag in ("and", "or"):
        return _proposition(claim, point)
    evaluator = Evaluator(point)
    sides: list[Any] = []
    for side in claim[1:]:
        try:
            sides.append(_side(evaluator, side, tag))
        except UndefinedValue as error:
            sides.append(error)
        except FAILURES as error:
            sides.append(UnknownValue(str(error)))
    undefined = [isinstance(side, UndefinedValue) for side in sides]
    if any(undefined):
        names = [name for name, missing in zip(("left", "right"), undefined, strict=True) if missing]
        whose = "both sides are" if all(undefined) else f"the {names[0]} side is"
        reason = f"{whose} undefined: {next(s for s in sides if isinstance(s, UndefinedValue))}"
        return Seen(Failure(_text(sides[0]), _text(sides[1]), reason, True, used=evaluator.used))
    try:
        verdict, reason = _compare(tag, sides[0], sides[1], claim, evaluator)
    except UndefinedValue as error:  # an objective at a value of its variable
        return Seen(Failure(_text(sides[0]), _text(sides[1]), f"an objective is undefined: {error}", True))
    if verdict is False:
        return Seen(Failure(_text(sides[0]), _text(sides[1]), reason, used=evaluator.used))
    return Seen(compared=verdict is True)


def _side(evaluator: Evaluator, term: Term, relation: str) -> Any:
    if term[0] in OPTIMA:
        return optimum_with(evaluator, term)
    if relation == "<=>":
        return evaluator.truth(term)
    return evaluator.value(term)


def _text(value: Any) -> str:
    if isinstance(value, UndefinedValue):
        return "undefined"
    if isinstance(value, Fraction | Real):
        return reals.text(value)
    if isinstance(value, Optimum):
        return value.text()
    if isinstance(value, Span):
        return f"[{_text(value.lo)}, {_text(value.hi)}]"
    return {True: "true", False: "false"}.get(value, "unknown") if isinstance(value, bool) else "unknown"


def _compare(tag: str, left: Any, right: Any, claim: Term, evaluator: Evaluator) -> tuple[bool | None, str]:
    """Whether two sides are related: True also when they agree to 64 bits, False only when it is certain."""
    if isinstance(left, Optimum) or isinstance(right, Optimum):
        if tag != "=":
            return None, ""
        if isinstance(left, UnknownValue) or isinstance(right, UnknownValue):
            return _not_a_member(left, right, claim, evaluator)
        sets = [_as_set(side) for side in (left, right)]
        if None in sets:
            return None, ""
        same = sets[0] == sets[1]
        return same, "" if same else "the sets of optimisers differ"
    if isinstance(left, UnknownValue) or isinstance(right, UnknownValue):
        return None, ""
    if tag == "<=>":
        if left is None or right is None:
            return None, ""
        return left == right, "" if left == right else "one side holds and the other does not"
    verdict = related(tag, left, right)
    numbers = isinstance(left, Fraction | Real) and isinstance(right, Fraction | Real)
    if verdict is None and numbers and tag in ("=", "<=", ">="):
        return reals.agree_closely(left, right) or None, ""
    return verdict, "" if verdict else f"{_text(left)} {tag} {_text(right)} is false"


def _as_set(side: Any) -> tuple[Segment, ...] | None:
    if isinstance(side, Optimum):
        return side.segments
    low, high = (side.lo, side.hi) if isinstance(side, Span) else (side, side)
    if not isinstance(low, Fraction) or not isinstance(high, Fraction) or low > high:
        return None
    return (Segment(low, high, True, True),)


def _not_a_member(left: Any, right: Any, claim: Term, evaluator: Evaluator) -> tuple[bool | None, str]:
    """An optimiser of the known side that another value beats on the unknown side shows that the sets differ."""
    known, other = (left, claim[2]) if isinstance(left, Optimum) else (right, claim[1])
    if other[0] not in OPTIMA or len(other[1]) != 1 or (best := known.member()) is None:
        return None, ""
    name, body = other[1][0], other[2]
    domain = domain_of(name, evaluator.point)
    if not domain.holds(best):
        return None, ""
    height = evaluator.with_value(("v", name), best, body)
    for step in (1, Fraction(1, 4), 4):
        for x in (best + step, best - step):
            if domain.holds(x):
                rival = evaluator.with_value(("v", name), x, body)
                if related("<" if other[0] == "argmin" else ">", rival, height):
                    return False, f"{name} = {best} is optimal on one side, but {name} = {x} is better on the other"
    return None, ""


def _proposition(claim: Term, point: Point) -> Seen:
    evaluator = Evaluator(point)
    try:
        truth = evaluator.truth(claim)
    except UndefinedValue as error:
        return Seen(Failure("undefined", "", f"the claim is undefined: {error}", True, used=evaluator.used))
    except FAILURES:
        truth = None
    if truth is False:
        return Seen(Failure("false", "", "the claim is false", used=evaluator.used))
    return Seen(compared=truth is True)


def _recurrence(claim: Term, point: Point) -> Seen:
    """Run the recurrence and compare it with the closed form at the first few t."""
    _, name, index, start, following, first, closed = claim
    evaluator = Evaluator(point)
    compared = False
    try:
        t = evaluator.whole(start)
        current = evaluator.value(first)
        for k in range(t, t + RECURRENCE_STEPS):
            extra = {str(index): str(k)}
            try:
                form = evaluator.with_value(("v", index), Fraction(k), closed)
            except UndefinedValue as error:
                reason = f"the closed form is undefined: {error}"
                return Seen(_at(evaluator, Failure(_text(current), "undefined", reason, True, extra)))
            verdict, _ = _compare("=", current, form, claim, evaluator)
            if verdict is False:
                reason = f"after {k - t} steps the recurrence gives {_text(current)}, the closed form {_text(form)}"
                return Seen(_at(evaluator, Failure(_text(current), _text(form), reason, extra=extra)))
            compared = compared or (k > t and verdict is True)
            evaluator._overlay["ix", name, (k,)] = current
            current = evaluator.with_value(("v", index), Fraction(k), following)
    except UndefinedValue as error:
        return Seen(_at(evaluator, Failure("undefined", "", f"the recurrence is undefined: {error}", True)))
    except FAILURES:
        return Seen(compared=compared)
    return Seen(compared=compared)


def _at(evaluator: Evaluator, failure: Failure) -> Failure:
    failure.used = evaluator.used
    return failure

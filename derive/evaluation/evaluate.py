"""Terms at a point: exact rationals, enclosed reals, or "undefined" with the reason. No floats decide anything.

Values are over the real numbers. A sum with hi < lo is 0, a product is 1; 0**0 is 1 for whole exponents; an
expression with an undefined part is undefined; a derivative is undefined where the function is not differentiable,
which is decided by series from both sides (see jets).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from derive.derivation import Definition
from derive.evaluation import jets, reals
from derive.evaluation.enclosure import UnknownValue
from derive.evaluation.jets import Jet, Kinks, Value, add, mul, neg
from derive.evaluation.reals import Number, Real, UndefinedValue
from derive.evaluation.values import Point, Span, Undefined, Unknown
from derive.kernel.terms import OPTIMA, RELATIONS, Term

MAX_RANGE = 2_000
FUEL = 20_000


class Evaluator:
    """One evaluation at one point; remembers which entries of indexed names were used."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self.fuel = FUEL
        self.used: set[tuple[str, tuple[int, ...]]] = set()
        self.kinks = Kinks()
        self._overlay: dict[Any, Value] = {}  # names that differentiation, optimisation or a recurrence has set
        self._locals: dict[str, Value] = {}  # parameters of the definition being unfolded
        self._indices: list[int] = []
        self._tag = 0

    def value(self, term: Term) -> Value:
        """The value of a term; raises UndefinedValue or UnknownValue."""
        self.fuel -= 1
        if self.fuel < 0 or (self.fuel % 64 == 0 and time.monotonic() > self.point.deadline):
            raise UnknownValue("the expression takes too long to evaluate")
        tag = term[0]
        if tag == "q":
            return term[1]
        return getattr(self, _METHODS[tag])(term)

    def _name(self, term: Term) -> Value:
        name = term[1]
        if name in self._locals:
            return self._locals[name]
        if ("v", name) in self._overlay:
            return self._overlay["v", name]
        if name in self.point.scalars:
            return self.point.scalars[name]
        if name in self.point.definitions:
            return self._unfold(self.point.definitions[name], [])
        raise UnknownValue(f"no value for {name}")

    def _index(self, term: Term) -> Value:
        return Fraction(self._indices[-1 - term[1]])

    def _constant(self, term: Term) -> Value:
        return reals.pi()

    def whole(self, term: Term) -> int:
        """The value of an index or a bound, which must be an integer."""
        value = self.value(term)
        if not isinstance(value, Fraction):
            raise UnknownValue("an index or a bound that is not rational")
        if value.denominator != 1:
            raise UndefinedValue("an index or a bound that is not an integer")
        return int(value)

    def _entry(self, term: Term) -> Value:
        name, index = term[1], tuple(self.whole(part) for part in term[2:])
        key = ("ix", name, index)
        if key in self._overlay:
            return self._overlay[key]
        if name in self.point.definitions:
            return self._unfold(self.point.definitions[name], [Fraction(i) for i in index])
        if name not in self.point.families:
            raise UnknownValue(f"no value for {name}{list(index)}")
        self.used.add((name, index))
        return self.point.families[name].at(index)

    def _call(self, term: Term) -> Value:
        name, arguments = term[1], [self.value(part) for part in term[2:]]
        if name in self.point.definitions:
            return self._unfold(self.point.definitions[name], arguments)
        if name not in self.point.functions:
            raise UnknownValue(f"no value for {name}(...)")
        return self.point.functions[name].at(arguments)

    def _unfold(self, definition: Definition, arguments: list[Value]) -> Value:
        if len(definition.parameters) != len(arguments):
            raise UnknownValue(f"{definition.name} takes {len(definition.parameters)} arguments")
        outer, indices = self._locals, self._indices
        self._locals, self._indices = dict(zip(definition.parameters, arguments, strict=True)), []
        try:
            return self.value(definition.body)
        finally:
            self._locals, self._indices = outer, indices

    def _plus(self, term: Term) -> Value:
        total = self.value(term[1])
        for part in term[2:]:
            total = add(total, self.value(part))
        return total

    def _times(self, term: Term) -> Value:
        total = self.value(term[1])
        for part in term[2:]:
            total = mul(total, self.value(part))
        return total

    def _minus(self, term: Term) -> Value:
        return neg(self.value(term[1]))

    def _over(self, term: Term) -> Value:
        top = self.value(term[1])
        return mul(top, jets.inverse(self.value(term[2])))

    def _power(self, term: Term) -> Value:
        base = self.value(term[1])
        return jets.power(base, self.value(term[2]))

    def _function(self, term: Term) -> Value:
        name = term[1]
        if name == "kronecker":
            return Fraction(self.whole(term[2]) == self.whole(term[3]))
        arguments = [self.value(part) for part in term[2:]]
        if name not in ("min", "max"):
            return jets.apply(name, arguments[0])
        result = arguments[0]
        for other in arguments[1:]:
            result = jets.maximum(result, other) if name == "max" else neg(jets.maximum(neg(result), neg(other)))
        return result

    def _over_range(self, term: Term) -> Value:
        low, high = self.whole(term[1]), self.whole(term[2])
        total: Value = Fraction(0 if term[0] == "sum" else 1)
        if high - low >= MAX_RANGE:
            raise UnknownValue("a sum or product of too many terms")
        for i in range(low, high + 1):
            self._indices.append(i)
            try:
                part = self.value(term[3])
            finally:
                self._indices.pop()
            total = add(total, part) if term[0] == "sum" else mul(total, part)
        return total

    def _interval(self, term: Term) -> Value:
        return Span(self.value(term[1]), self.value(term[2]))

    def _slot(self, variable: Term) -> Any:
        if variable[0] == "v":
            return ("v", variable[1])
        if variable[0] == "ix":
            return ("ix", variable[1], tuple(self.whole(part) for part in variable[2:]))
        raise UnknownValue("a derivative by something that is not a name")

    def with_value(self, key: Any, value: Value, body: Term) -> Value:
        """The body with a name set to a value (an algebra element, usually)."""
        scope: dict[Any, Value] = self._overlay
        if key[0] == "v" and key[1] in self._locals:
            scope, key = self._locals, key[1]
        hidden = scope.get(key)
        scope[key] = value
        try:
            return self.value(body)
        finally:
            if hidden is None:
                del scope[key]
            else:
                scope[key] = hidden

    def _sided(self, key: Any, here: Value, body: Term, side: int, order: int) -> tuple[Value, Value]:
        """Value and slope of the body along here + side*t, t -> 0+; the slope is by the variable, not by t."""
        self._tag += 1
        tag = self._tag
        jet = Jet(tag, (here, Fraction(side), *[Fraction(0)] * (order - 1)), self.kinks)
        value = self.with_value(key, jet, body)
        if not isinstance(value, Jet) or value.tag != tag:
            if not isinstance(value, Fraction | Real | Jet):
                raise UnknownValue("a derivative of something that is not a number")
            return value, Fraction(0)
        if len(value.coefficients) < 2:
            raise UnknownValue("the series is too short to tell the derivative")
        return value.coefficients[0], mul(Fraction(side), value.coefficients[1])

    def slopes(self, body: Term, variable: Term) -> tuple[Value, Value]:
        """The left and the right derivative of a body that is continuous here."""
        key, here = self._slot(variable), self.value(variable)
        before, self.kinks.met = self.kinks.met, False
        try:
            _, slope = self._sided(key, here, body, 1, 1)
            if not self.kinks.met:
                return slope, slope
        except UnknownValue:
            pass
        finally:
            self.kinks.met = self.kinks.met or before
        unknown: UnknownValue | None = None
        found: list[tuple[Value, Value]] = []
        for attempt in (1, -1, 0):
            try:  # undefined anywhere around the point settles it, so unknown has to wait
                found.append(self._sided(key, here, body, attempt, 4) if attempt else (self.value(body), None))
            except UnknownValue as error:
                unknown = error
        if unknown:
            raise unknown
        (right_value, right), (left_value, left), (at, _) = found
        for beside in (right_value, left_value):
            if not _same(beside, at):
                raise UndefinedValue("a derivative where the function jumps")
        return left, right

    def _derivative(self, term: Term) -> Value:
        left, right = self.slopes(term[1], term[2])
        if left is not right and not _same(left, right):
            raise UndefinedValue("a derivative where the slopes from the left and from the right differ")
        return right

    def _subdifferential(self, term: Term) -> Value:
        left, right = self.slopes(term[1], term[2])
        if left is not right and jets.leading_sign(add(right, neg(left))) < 0:
            raise UndefinedValue("a subdifferential at a corner that points upwards")
        return Span(left, right)

    def _no_number(self, term: Term) -> Value:
        raise UnknownValue(f"{term[0]} has no value as a number here")

    def truth(self, term: Term) -> bool | None:
        """Whether a proposition holds; None when unknown; raises UndefinedValue when a part is undefined."""
        tag = term[0]
        if tag in ("and", "or"):
            parts = list(self._truths(term[1:]))
            decisive = tag == "or"
            return decisive if decisive in parts else None if None in parts else not decisive
        if tag == "<=>":
            left, right = self._truths(term[1:])
            return None if left is None or right is None else left == right
        if tag in ("differentiable", "slope"):
            return True  # uninterpreted functions are polynomials here, and a slope is the derivative of one
        if tag not in RELATIONS:
            return None
        values: list[Value] = []
        unknown = False
        for part in term[1:]:
            try:
                values.append(self.value(part))
            except UnknownValue:
                unknown = True
        return None if unknown else related(tag, values[0], values[1])

    def _truths(self, parts: Sequence[Term]) -> Iterator[bool | None]:
        for part in parts:
            try:
                yield self.truth(part)
            except UnknownValue:
                yield None


_METHODS = {
    "v": "_name", "b": "_index", "c": "_constant", "ix": "_entry", "call": "_call", "+": "_plus", "*": "_times",
    "neg": "_minus", "/": "_over", "^": "_power", "f": "_function", "sum": "_over_range", "prod": "_over_range",
    "interval": "_interval", "diff": "_derivative", "subdiff": "_subdifferential", "rec": "_no_number",
    "and": "_no_number", "or": "_no_number", "all": "_no_number",
} | {tag: "_no_number" for tag in (*RELATIONS, *OPTIMA)}  # fmt: skip


def _same(a: Value, b: Value) -> bool:
    difference = add(a, neg(b))
    return not jets.leading_sign(difference)


def related(relation: str, left: Value, right: Value) -> bool | None:
    """Whether two values are related; None when their enclosures cannot tell."""
    if isinstance(left, Span) or isinstance(right, Span):
        if relation not in ("=", "!="):
            return None
        a, b = (x if isinstance(x, Span) else Span(x, x) for x in (left, right))
        parts = [related("=", a.lo, b.lo), related("=", a.hi, b.hi)]
        same = False if False in parts else None if None in parts else True
        return same if same is None or relation == "=" else not same
    try:
        s = reals.sign(add(left, neg(right)))
    except UnknownValue:
        return None
    return {"=": s == 0, "!=": s != 0, "<": s < 0, "<=": s <= 0, ">": s > 0, ">=": s >= 0}[relation]


FAILURES = (UnknownValue, RecursionError, OverflowError, ZeroDivisionError, ValueError)


def evaluate(term: Term, point: Point) -> Number | Span | Undefined | Unknown:
    """The value of a term at a point: Fraction, Real (enclosed), Span, Undefined or Unknown.

    >>> evaluate(("/", ("q", Fraction(1)), ("v", "x")), Point({"x": Fraction(0)}))
    Undefined(reason='division by zero')
    """
    try:
        value: Any = Evaluator(point).value(term)
        if isinstance(value, Real):
            value.interval()  # an enclosure may turn out too large to have
    except UndefinedValue as error:
        return Undefined(str(error))
    except FAILURES as error:
        return Unknown(str(error))
    return value if isinstance(value, Fraction | Real | Span) else Unknown("not a number")


def holds(term: Term, point: Point) -> bool | Undefined | None:
    """Whether a proposition holds at a point: True, False, None (unknown) or Undefined."""
    try:
        return Evaluator(point).truth(term)
    except UndefinedValue as error:
        return Undefined(str(error))
    except FAILURES:
        return None

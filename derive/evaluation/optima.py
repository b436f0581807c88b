"""argmin and argmax at a point, exactly: the set of optimisers over the domain that the facts give the variable.

The objective is evaluated with the variable bound to a Shape: shift + factor * phi(inner), where phi is increasing
(identity, exp, log, sqrt, erf, -1/x) and the innermost function a piecewise polynomial with rational coefficients.
Constants and positive factors may be irrational; they do not move the optimum. What does not fit is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.evaluation import jets, piecewise, reals
from derive.evaluation.enclosure import UnknownValue
from derive.evaluation.evaluate import FAILURES, Evaluator
from derive.evaluation.jets import Value, add, mul, neg
from derive.evaluation.piecewise import Piecewise, Segment, lowest
from derive.evaluation.reals import Number, Real, UndefinedValue
from derive.evaluation.values import Point, Undefined, Unknown, bound_by
from derive.kernel.terms import Term

# where the increasing functions go for an argument that falls or grows without bound; None is infinite
LIMITS = {"exp": (0, None), "erf": (-1, 1), "log": (None, None), "sqrt": (None, None), "recip": (None, 0)}


@dataclass(frozen=True)
class Optimum:
    """A set of real numbers as disjoint segments in order; no segment: the empty set."""

    segments: tuple[Segment, ...]

    def text(self) -> str:
        """The set as people write it.

        >>> Optimum((Segment(Fraction(0), Fraction(1), True, True),)).text()
        '[0, 1]'
        """
        points = [s for s in self.segments if s.lo is not None and s.lo == s.hi]
        parts = ["{" + ", ".join(str(s.lo) for s in points) + "}"] if points else []
        parts += [s.text() for s in self.segments if s not in points]
        return " u ".join(parts) or "{}"

    def member(self) -> Fraction | None:
        """Some element."""
        for s in self.segments:
            for x in (s.lo, s.hi, piecewise.inside(s.lo, s.hi)):
                if x is not None and s.holds(x):
                    return x
        return None


@dataclass(frozen=True)
class Shape:
    """shift + factor * phi(inner) as a function of the variable; inner is a Piecewise exactly when phi is "id"."""

    shift: Number
    factor: Number
    phi: str
    inner: Piecewise | Shape
    domain: Segment

    @property
    def rank(self) -> int:
        return 3

    def _with(self, shift: Number, factor: Number, inner: Piecewise | Shape | None = None) -> Value:
        inner = self.inner if inner is None else inner
        if isinstance(factor, Fraction) and not factor:
            return shift
        if not isinstance(inner, Piecewise):
            return Shape(shift, factor, self.phi, inner, self.domain)
        if not inner.breaks and len(inner.pieces[0]) <= 1:
            return add(shift, mul(factor, inner.pieces[0][0] if inner.pieces[0] else Fraction(0)))
        if isinstance(factor, Fraction) and factor != 1:
            factor, inner = Fraction(1), piecewise.combine(inner, piecewise.constant(factor), True)
        if isinstance(shift, Fraction) and isinstance(factor, Fraction) and shift:
            shift, inner = Fraction(0), piecewise.combine(inner, piecewise.constant(shift), False)
        return Shape(shift, factor, "id", inner, self.domain)

    def plus(self, other: Value) -> Value:
        if isinstance(other, Fraction | Real):
            return self._with(reals.add(self.shift, other), self.factor)
        if not isinstance(other, Shape):
            raise UnknownValue("a derivative inside an objective")
        shift = reals.add(self.shift, other.shift)
        if self.phi == other.phi and self.inner == other.inner:
            return self._with(shift, reals.add(self.factor, other.factor))
        if not isinstance(self.inner, Piecewise) or not isinstance(other.inner, Piecewise):
            raise UnknownValue("a sum of functions that is not a piecewise polynomial")
        ratio = reals.mul(other.factor, reals.inverse(self.factor))
        if not isinstance(ratio, Fraction):
            raise UnknownValue("irrational weights inside an objective")
        second = piecewise.combine(other.inner, piecewise.constant(ratio), True)
        return self._with(shift, self.factor, piecewise.combine(self.inner, second, False))

    def times(self, other: Value) -> Value:
        if isinstance(other, Fraction | Real):
            return self._with(reals.mul(self.shift, other), reals.mul(self.factor, other))
        if not isinstance(other, Shape):
            raise UnknownValue("a derivative inside an objective")
        if self._shifted() or other._shifted() or self.phi != other.phi:
            raise UnknownValue("a product of functions that is not a piecewise polynomial")
        factor = reals.mul(self.factor, other.factor)
        if isinstance(self.inner, Piecewise) and isinstance(other.inner, Piecewise):
            return self._with(Fraction(0), factor, piecewise.combine(self.inner, other.inner, True))
        if self.phi != "exp":
            raise UnknownValue("a product of functions that is not a piecewise polynomial")
        inner = add(self.inner, other.inner)
        if not isinstance(inner, Shape):
            return reals.mul(factor, reals.exp(inner))
        return Shape(Fraction(0), factor, "exp", inner, self.domain)

    def _shifted(self) -> bool:
        return not (isinstance(self.shift, Fraction) and not self.shift)

    def inverse(self) -> Value:
        if self.phi == "exp" and not self._shifted():
            return Shape(Fraction(0), reals.inverse(self.factor), "exp", neg(self.inner), self.domain)
        if self.has_zero():
            raise UndefinedValue("division by zero at some value of the variable")
        if self.constant_sign() > 0:
            return Shape(Fraction(0), Fraction(-1), "recip", self, self.domain)
        return neg(neg(self).inverse())

    def apply(self, name: str) -> Value:
        if name == "abs":
            if not self._shifted() and isinstance(self.inner, Piecewise):
                return self._with(Fraction(0), reals.absolute(self.factor), piecewise.absolute(self.inner))
            return self if self.constant_sign() > 0 else neg(self)
        if name == "sign":
            return Fraction(self.constant_sign())
        if name == "log":
            if self.phi == "exp" and not self._shifted() and reals.sign(self.factor) > 0:
                return add(self.inner, reals.log(self.factor))
            if self.extreme(-1) is None or self.sign_of_extreme(-1) <= 0:
                raise UndefinedValue("log of a number that is not positive at some value of the variable")
        elif name == "sqrt":
            low = self.extreme(-1)
            if low is None or reals.sign(low[0]) < 0:
                raise UndefinedValue("sqrt of a negative number at some value of the variable")
        elif name not in ("exp", "erf"):
            raise UnknownValue(f"{name} of the variable inside an objective")
        return Shape(Fraction(0), Fraction(1), name, self, self.domain)

    def extreme(self, side: int) -> tuple[Number, bool] | None:
        """The infimum (side -1) or supremum (side 1) and whether it is attained; None when infinite."""
        inner_side = side * reals.sign(self.factor)
        if isinstance(self.inner, Piecewise):
            flipped = piecewise.combine(self.inner, piecewise.constant(Fraction(-inner_side)), True)
            found = lowest(flipped, self.domain)
            if found.infimum is None:
                return None
            level: Number = -inner_side * found.infimum
            attained = bool(found.where)
        else:
            below = self.inner.extreme(inner_side)
            if below is None:
                limit = LIMITS[self.phi][inner_side > 0]
                if limit is None:
                    return None
                level, attained = Fraction(limit), False
            else:
                level, attained = below
                if self.phi in ("log", "recip") and isinstance(level, Fraction) and not level:
                    return None
                level = reals.neg(reals.inverse(level)) if self.phi == "recip" else jets.apply(self.phi, level)
        return reals.add(self.shift, reals.mul(self.factor, level)), attained

    def sign_of_extreme(self, side: int) -> int:
        """1 when the whole function is certainly above zero seen from that side, -1 below, 0 when zero is attained."""
        found = self.extreme(side)
        if found is None:
            return side
        s = reals.sign(found[0])
        return s or (0 if found[1] else -side)

    def constant_sign(self) -> int:
        """The sign, when it is the same for every value of the variable."""
        if self.sign_of_extreme(-1) > 0:
            return 1
        if self.sign_of_extreme(1) < 0:
            return -1
        raise UnknownValue("an expression changes its sign with the variable")

    def has_zero(self) -> bool:
        """Whether the function, continuous on its domain, certainly takes the value zero."""
        return self.sign_of_extreme(-1) <= 0 <= self.sign_of_extreme(1)


def domain_of(name: str, point: Point) -> Segment:
    """The values of a variable that the facts allow at this point: R, a half-line or an interval."""
    if name in point.integers:
        raise UnknownValue("an optimum over the integers")
    domain = Segment()
    for fact in point.facts:
        if name not in bound_by(point.definitions, [fact]):
            continue
        if fact[0] not in ("<", "<=", ">", ">="):
            raise UnknownValue("a fact about the variable that is not an inequality")
        line = Shape(Fraction(0), Fraction(1), "id", Piecewise((), ((Fraction(0), Fraction(1)),)), Segment())
        gap = Evaluator(point).with_value(("v", name), line, ("+", fact[1], ("neg", fact[2])))
        if not isinstance(gap, Shape):
            continue
        if gap.phi != "id" or gap._shifted() or gap.factor != 1 or not isinstance(gap.inner, Piecewise):
            raise UnknownValue("a fact about the variable that is not linear")
        if gap.inner.breaks or len(gap.inner.pieces[0]) != 2:
            raise UnknownValue("a fact about the variable that is not linear")
        c, k = gap.inner.pieces[0]
        end, closed = -c / k, fact[0] in ("<=", ">=")
        if (k > 0) == (fact[0] in (">", ">=")):
            if domain.lo is None or end > domain.lo or (end == domain.lo and not closed):
                domain = domain._replace(lo=end, lo_closed=closed)
        elif domain.hi is None or end < domain.hi or (end == domain.hi and not closed):
            domain = domain._replace(hi=end, hi_closed=closed)
    if domain.lo is not None and domain.hi is not None:
        empty = domain.lo > domain.hi or (domain.lo == domain.hi and not (domain.lo_closed and domain.hi_closed))
        if empty:
            raise UnknownValue("the variable has no value at this point")
    return domain


def optimum_with(evaluator: Evaluator, term: Term) -> Optimum:
    """As `optimum`, raising UndefinedValue and UnknownValue; uses and marks the evaluator's entries."""
    tag, names, body = term
    if len(names) != 1:
        raise UnknownValue("an optimum over several variables")
    domain = domain_of(names[0], evaluator.point)
    variable = Shape(Fraction(0), Fraction(1), "id", Piecewise((), ((Fraction(0), Fraction(1)),)), domain)
    shape = evaluator.with_value(("v", names[0]), variable, body)
    if isinstance(shape, Fraction | Real):
        return Optimum((domain,))
    side = -1 if tag == "argmin" else 1
    while True:
        if not isinstance(shape, Shape):
            raise UnknownValue("an objective that is not a number")
        side *= reals.sign(shape.factor)
        if isinstance(shape.inner, Piecewise):
            flipped = piecewise.combine(shape.inner, piecewise.constant(Fraction(-side)), True)
            return Optimum(lowest(flipped, domain).where)
        shape = shape.inner


def optimum(term: Term, point: Point) -> Optimum | Undefined | Unknown:
    """The set of optimisers of an argmin or argmax term at a point, exactly.

    >>> w = ("v", "w")
    >>> optimum(("argmin", ("w",), ("f", "abs", ("+", w, ("q", Fraction(-2))))), Point()).text()
    '{2}'
    """
    try:
        return optimum_with(Evaluator(point), term)
    except UndefinedValue as error:
        return Undefined(str(error))
    except FAILURES as error:
        return Unknown(str(error))

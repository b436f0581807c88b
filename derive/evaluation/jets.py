"""Values that an expression can take at a point: numbers, one-sided series (Jet), and other algebras.

A Jet with tag k is c[0] + c[1]*t + ... + o(t**K) for t -> 0+; its coefficients are values of lower tags, so an inner
infinitesimal (a higher tag) is smaller than every outer one. That makes the sign of a jet the sign of its first
coefficient that is not zero, and derivatives of abs, min and max exact from either side.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

from derive.evaluation import reals
from derive.evaluation.enclosure import UnknownValue
from derive.evaluation.reals import Number, Real, UndefinedValue


class Algebra(Protocol):
    """What the operations below ask of a value that is not a number."""

    rank: int

    def plus(self, other: Value) -> Value: ...
    def times(self, other: Value) -> Value: ...
    def inverse(self) -> Value: ...
    def apply(self, name: str) -> Value: ...


Value = Any  # Fraction | Real | Jet | another Algebra; Any keeps the recursive union out of every signature


class Kinks:
    """Remembers whether a sign was decided by a series and not by its value at the point."""

    def __init__(self) -> None:
        self.met = False


def add(a: Value, b: Value) -> Value:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return reals.guard(a + b)
    if isinstance(a, Fraction | Real) and isinstance(b, Fraction | Real):
        return reals.add(a, b)
    first, second = _ranked(a, b)
    return first.plus(second)


def mul(a: Value, b: Value) -> Value:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return reals.guard(a * b)
    if isinstance(a, Fraction | Real) and isinstance(b, Fraction | Real):
        return reals.mul(a, b)
    first, second = _ranked(a, b)
    return first.times(second)


def _ranked(a: Value, b: Value) -> tuple[Value, Value]:
    """The two in an order such that the first knows what to do with the second."""
    for x in (a, b):
        if not isinstance(x, Fraction | Real) and not hasattr(x, "rank"):
            raise UnknownValue("arithmetic with something that is not a number")
    return (a, b) if getattr(a, "rank", 0) >= getattr(b, "rank", 0) else (b, a)


def neg(a: Value) -> Value:
    return -a if isinstance(a, Fraction) else mul(Fraction(-1), a)


def inverse(a: Value) -> Value:
    return reals.inverse(a) if isinstance(a, Fraction | Real) else _ranked(a, a)[0].inverse()


NUMERIC: dict[str, Callable[[Any], Number]] = {
    "exp": reals.exp, "log": reals.log, "sqrt": reals.sqrt, "abs": reals.absolute, "erf": reals.erf,
    "gamma": reals.gamma, "factorial": reals.factorial, "sign": lambda a: Fraction(reals.sign(a)),
}  # fmt: skip


def apply(name: str, a: Value) -> Value:
    """A function of one argument at a value."""
    return NUMERIC[name](a) if isinstance(a, Fraction | Real) else _ranked(a, a)[0].apply(name)


def maximum(a: Value, b: Value) -> Value:
    """The larger of two values; for algebras without an order, (a + b + |a - b|)/2."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return max(a, b)
    difference = add(a, neg(b))
    if isinstance(difference, Fraction | Real):
        return a if reals.sign(difference) >= 0 else b
    return mul(Fraction(1, 2), add(add(a, b), difference.apply("abs")))


def integer_power(a: Value, n: int) -> Value:
    if isinstance(a, Fraction | Real):
        return reals.power(a, n)
    if n < 0:
        return integer_power(inverse(a), -n)
    if n > 1000:
        raise UnknownValue("the exponent is too large")
    result: Value = Fraction(1)
    while n:
        if n & 1:
            result = mul(result, a)
        n >>= 1
        if n:
            a = mul(a, a)
    return result


def power(a: Value, e: Value) -> Value:
    """a**e: 0**0 is 1; a base below zero needs a whole exponent, a base zero a positive one."""
    if isinstance(e, Fraction) and e.denominator == 1:
        return integer_power(a, int(e)) if abs(e) < 100_000 else _huge_power(a, int(e))
    if not isinstance(e, Fraction | Real | Jet) or not isinstance(a, Fraction | Real | Jet):
        if isinstance(e, Fraction) and e.denominator == 2:
            return integer_power(apply("sqrt", a), e.numerator)
        if apply("sign", a) != 1:
            raise UnknownValue("a power of a base that is not positive for every value of the variable")
        return apply("exp", mul(e, apply("log", a)))
    s = a.sign_at_point() if isinstance(a, Jet) else reals.sign(a)
    if s > 0:
        if isinstance(a, Fraction) and isinstance(e, Fraction) and (exact := _exact_root(a, e.denominator)) is not None:
            return reals.power(exact, e.numerator)
        if isinstance(e, Fraction) and e.denominator == 2:
            return integer_power(apply("sqrt", a), e.numerator)
        return apply("exp", mul(e, apply("log", a)))
    if isinstance(e, Jet):
        if s < 0 and any(isinstance(c, Fraction) and c for c in e.coefficients[1:]):
            raise UndefinedValue("a power of a negative base with a varying exponent")
        raise UnknownValue("a power of a base that is not positive with a varying exponent")
    if s < 0:
        if isinstance(e, Real):
            raise UnknownValue("a power of a negative base with an exponent that may be whole")
        raise UndefinedValue("a power of a negative base with an exponent that is not whole")
    if reals.sign(e) <= 0:
        raise UndefinedValue("a power of zero with an exponent that is not positive")
    if isinstance(a, Jet):
        if isinstance(e, Fraction) and e.denominator == 2:
            return integer_power(a.apply("sqrt"), e.numerator)
        raise UnknownValue("a fractional power of a function that vanishes here")
    return Fraction(0)


def _huge_power(a: Value, n: int) -> Value:
    if isinstance(a, Fraction) and a in (0, 1, -1):
        return integer_power(a, (2 if n > 0 else -2) + n % 2)
    raise UnknownValue("the exponent is too large")


def _exact_root(a: Fraction, k: int) -> Fraction | None:
    if k > 64 or a.numerator.bit_length() > 512 or a.denominator.bit_length() > 512:
        return None

    def root(n: int) -> int | None:
        low, high = 0, 1 << (n.bit_length() // k + 1)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if middle**k < n else (low, middle)
        return low if low**k == n else None

    n, d = root(a.numerator), root(a.denominator)
    return None if n is None or d is None else Fraction(n, d)


def base(a: Value) -> Value:
    """The value at the point itself: the constant coefficient, all the way down."""
    while isinstance(a, Jet):
        a = a.coefficients[0]
    return a


def leading_sign(a: Value) -> int:
    """The sign of a value just beside the point; 0 only when every known coefficient is zero."""
    if isinstance(a, Jet):
        return next((s for s in map(leading_sign, a.coefficients) if s), 0)
    if isinstance(a, Fraction | Real):
        return reals.sign(a)
    raise UnknownValue("no sign here")


class Jet:
    """A truncated one-sided series in the infinitesimal `tag`."""

    rank = 2
    __slots__ = ("coefficients", "kinks", "tag")

    def __init__(self, tag: int, coefficients: tuple[Value, ...], kinks: Kinks) -> None:
        self.tag, self.coefficients, self.kinks = tag, coefficients, kinks

    def _make(self, coefficients: list[Value]) -> Jet:
        return Jet(self.tag, tuple(coefficients), self.kinks)

    def plus(self, other: Value) -> Value:
        if not isinstance(other, Fraction | Real | Jet):
            raise UnknownValue("a derivative inside an objective")
        if isinstance(other, Jet) and other.tag > self.tag:
            return other.plus(self)
        mine = self.coefficients
        if isinstance(other, Jet) and other.tag == self.tag:
            return self._make([add(x, y) for x, y in zip(mine, other.coefficients, strict=False)])
        return self._make([add(mine[0], other), *mine[1:]])

    def times(self, other: Value) -> Value:
        if not isinstance(other, Fraction | Real | Jet):
            raise UnknownValue("a derivative inside an objective")
        if isinstance(other, Jet) and other.tag > self.tag:
            return other.times(self)
        if isinstance(other, Jet) and other.tag == self.tag:
            return self._make(_convolve(self.coefficients, other.coefficients))
        return self._make([mul(x, other) for x in self.coefficients])

    def sign_at_point(self) -> int:
        """The sign of the value at the point itself; a zero there is remembered as a kink."""
        s = reals.sign(base(self))
        if not s:
            self.kinks.met = True
        return s

    def inverse(self) -> Value:
        if self.sign_at_point() == 0:
            raise UndefinedValue("division by zero")
        b = self.coefficients
        first = inverse(b[0])
        result = [first]
        for k in range(1, len(b)):
            total = _sum([mul(b[j], result[k - j]) for j in range(1, k + 1)])
            result.append(neg(mul(total, first)))
        return self._make(result)

    def apply(self, name: str) -> Value:
        if name in ("abs", "sign"):
            self.sign_at_point()
            s = leading_sign(self)
            if name == "abs":
                return self if s > 0 else neg(self)  # |o(t**K)| is o(t**K)
            if not s:
                raise UnknownValue("the sign of a function that may vanish here")
            return Fraction(s)
        return getattr(self, f"_{name}")()

    def _exp(self) -> Value:
        a = self.coefficients
        result = [apply("exp", a[0])]
        for k in range(1, len(a)):
            total = _sum([mul(mul(Fraction(j, k), a[j]), result[k - j]) for j in range(1, k + 1)])
            result.append(total)
        return self._make(result)

    def _log(self) -> Value:
        if self.sign_at_point() <= 0:
            raise UndefinedValue("log of a number that is not positive")
        a = self.coefficients
        result, first = [apply("log", a[0])], inverse(a[0])
        for k in range(1, len(a)):
            total = _sum([mul(mul(Fraction(-j, k), result[j]), a[k - j]) for j in range(1, k)])
            result.append(mul(add(a[k], total), first))
        return self._make(result)

    def _sqrt(self) -> Value:
        s = self.sign_at_point()
        if s < 0:
            raise UndefinedValue("sqrt of a negative number")
        return self._make(_root(self.coefficients) if s else _root_at_zero(self.coefficients))

    def _erf(self) -> Value:
        slope = mul(mul(Fraction(2), reals.inverse(reals.sqrt(reals.pi()))), apply("exp", neg(mul(self, self))))
        a, d = self.coefficients, slope.coefficients
        rest = [_sum([mul(mul(Fraction(j, k), a[j]), d[k - j]) for j in range(1, k + 1)]) for k in range(1, len(a))]
        return self._make([apply("erf", a[0]), *rest])

    def _gamma(self) -> Value:
        if self.sign_at_point() <= 0:
            raise UndefinedValue("gamma of a number that is not positive")
        raise UnknownValue("the derivative of gamma")

    def _factorial(self) -> Value:
        raise UnknownValue("the derivative of a factorial")


def _sum(values: list[Value]) -> Value:
    total: Value = Fraction(0)
    for value in values:
        total = add(total, value)
    return total


def _convolve(a: tuple[Value, ...], b: tuple[Value, ...]) -> list[Value]:
    return [_sum([mul(a[j], b[k - j]) for j in range(k + 1)]) for k in range(min(len(a), len(b)))]


def _root(a: tuple[Value, ...]) -> list[Value]:
    first = apply("sqrt", a[0])
    half = inverse(mul(Fraction(2), first))
    result = [first]
    for k in range(1, len(a)):
        total = _sum([mul(result[j], result[k - j]) for j in range(1, k)])
        result.append(mul(add(a[k], neg(total)), half))
    return result


def _root_at_zero(a: tuple[Value, ...]) -> list[Value]:
    """sqrt(c*t**m + ...) = t**(m/2) * sqrt(c + ...); only for even m is that a series."""
    if any(isinstance(c, Jet) for c in a):
        raise UnknownValue("sqrt at zero inside nested derivatives")
    m = next((k for k, c in enumerate(a) if reals.sign(c)), None)
    if m is None:
        raise UnknownValue("sqrt of a function that may vanish here")
    if reals.sign(a[m]) < 0:
        raise UndefinedValue("sqrt of a negative number beside the point")
    if m % 2:
        raise UnknownValue("sqrt is infinitely steep at zero")
    return [Fraction(0)] * (m // 2) + _root(a[m:])

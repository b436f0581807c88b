"""A small evaluator for the fuzz test: exact rationals where it can, mpmath with many digits where it must.

It shares nothing with the kernel and nothing with derive.evaluation: what they could get wrong together is caught here.
Sums and products over an empty range are 0 and 1, 0**0 is 1; division by zero, logarithms and roots outside their
domain, indices that are no integers, and derivatives at corners are undefined. A subdifferential is the pair of the
slopes from both sides.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from mpmath import mp, mpf

Term = tuple[Any, ...]
Value = Any  # Fraction or mpf
LARGE = 60  # exponents and arguments of exp beyond it are not evaluated
LONG = 24  # nor sums of more terms


class Undefined(Exception):
    """The term has no value at the point."""


class Skipped(Exception):
    """The value is too large to compute here."""


class Point:
    """Values of the names; families and functions are made as they are asked for.

    `integers` are families of integers, `slopes` functions that are the derivatives of others.
    """

    def __init__(
        self, rng: random.Random, scalars: dict[str, Fraction], positive: frozenset[str],
        integers: tuple[str, ...] = (), slopes: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.rng, self.scalars, self.positive = rng, scalars, positive
        self.integers, self.slopes = integers, slopes or {}
        self.families: dict[tuple[str, int], Fraction] = {}
        self.functions: dict[str, tuple[Fraction, ...]] = {}

    def entry(self, name: str, index: int) -> Fraction:
        if (name, index) not in self.families:
            value = Fraction(self.rng.randint(-3, 3), 1 if name in self.integers else self.rng.choice((1, 1, 2)))
            self.families[name, index] = abs(value) + Fraction(1, 2) if name in self.positive else value
        return self.families[name, index]

    def function(self, name: str) -> tuple[Fraction, ...]:
        if name in self.slopes:
            c = self.function(self.slopes[name])
            return (c[1], 2 * c[2], Fraction(0))
        if name not in self.functions:
            new = [Fraction(self.rng.randint(-2, 2)) for _ in range(3)]
            self.functions[name] = (abs(new[0]) + 1, Fraction(0), abs(new[2])) if name in self.positive else tuple(new)
        return self.functions[name]


def is_zero(x: Value) -> bool:
    """A fifth of the digits is left for what was lost on the way; a value that is really so small needs more digits."""
    return bool(x == 0) if isinstance(x, Fraction) else bool(abs(x) < mpf(10) ** (-4 * mp.dps // 5))


def side(x: Value) -> int:
    return 0 if is_zero(x) else 1 if x > 0 else -1


def real(x: Value) -> Any:
    return mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else x


def whole(x: Value) -> int | None:
    """The integer that a value is, or None."""
    if isinstance(x, Fraction):
        return x.numerator if x.denominator == 1 else None
    nearest = int(mp.nint(x))
    return nearest if is_zero(x - nearest) else None


def both(op: Callable[[Any, Any], Any], x: Value, y: Value) -> Value:
    return op(x, y) if isinstance(x, Fraction) and isinstance(y, Fraction) else op(real(x), real(y))


def bounded(x: Value) -> Value:
    if isinstance(x, Fraction) and x.numerator.bit_length() + x.denominator.bit_length() > 4000:
        raise Skipped
    return x


def power(x: Value, e: Value) -> Value:
    n = whole(e)
    if n is not None:
        if n < 0 and is_zero(x):
            raise Undefined("0 to a negative power")
        if abs(n) > LARGE:
            raise Skipped
        if n < 0:
            return bounded(both(lambda a, b: a / b, Fraction(1), x**-n))
        return bounded(x**n) if n else Fraction(1)
    if side(x) < 0 or (side(x) == 0 and side(e) < 0):
        raise Undefined("a real power of a negative number")
    if side(x) == 0:
        return Fraction(0)
    if isinstance(e, Fraction) and isinstance(x, Fraction) and e.denominator == 2:
        return power(root(x), Fraction(e.numerator))
    if abs(real(e) * mp.log(real(x))) > LARGE:
        raise Skipped
    return mp.exp(real(e) * mp.log(real(x)))


def root(x: Value) -> Value:
    if side(x) < 0:
        raise Undefined("root of a negative number")
    if side(x) == 0:
        return Fraction(0)
    if isinstance(x, Fraction):
        from math import isqrt

        top, bottom = isqrt(x.numerator), isqrt(x.denominator)
        if top * top == x.numerator and bottom * bottom == x.denominator:
            return Fraction(top, bottom)
    return mp.sqrt(real(x))


def exponential(x: Value) -> Value:
    if abs(x) > LARGE:
        raise Skipped
    return Fraction(1) if isinstance(x, Fraction) and x == 0 else mp.exp(real(x))


def logarithm(x: Value) -> Value:
    if side(x) <= 0:
        raise Undefined("log of what is not positive")
    return Fraction(0) if isinstance(x, Fraction) and x == 1 else mp.log(real(x))


def factorial(x: Value) -> Value:
    n = whole(x)
    if n is None or n < 0:
        raise Undefined("factorial")
    if n > 60:
        raise Skipped
    result = 1
    for k in range(2, n + 1):
        result *= k
    return Fraction(result)


def gamma(x: Value) -> Value:
    if side(x) <= 0:
        raise Undefined("gamma of what is not positive")
    if x > 60:
        raise Skipped
    return mp.gamma(real(x))


def error_function(x: Value) -> Value:
    if abs(x) > 8:  # so close to 1 that its slope would be lost
        raise Skipped
    return mp.erf(real(x)) if side(x) else Fraction(0)


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "exp": exponential, "log": logarithm, "sqrt": root, "abs": abs, "sign": lambda x: Fraction(side(x)),
    "min": lambda *parts: min(parts, key=real), "max": lambda *parts: max(parts, key=real),
    "factorial": factorial, "gamma": gamma, "erf": error_function,
    "kronecker": lambda x, y: kronecker(whole(x), whole(y)),
}  # fmt: skip


def kronecker(i: int | None, j: int | None) -> Value:
    if i is None or j is None:
        raise Undefined("kronecker of what is no integer")
    return Fraction(int(i == j))


def evaluate(term: Term, point: Point, indices: tuple[int, ...] = ()) -> Value:
    """The value of a term. Raises Undefined, or Skipped where the numbers grow too large."""
    tag = term[0]
    if tag == "q":
        return term[1]
    if tag == "v":
        return point.scalars[term[1]]
    if tag == "b":
        return Fraction(indices[-1 - term[1]])
    if tag == "c":
        return +mp.pi
    if tag in ("sum", "prod"):
        lo, hi = (whole(evaluate(end, point, indices)) for end in term[1:3])
        if lo is None or hi is None:
            raise Undefined("a limit that is no integer")
        if hi - lo > LONG:
            raise Skipped
        total: Value = Fraction(0 if tag == "sum" else 1)
        for k in range(lo, hi + 1):
            part = evaluate(term[3], point, (*indices, k))
            total = bounded(both((lambda a, b: a + b) if tag == "sum" else (lambda a, b: a * b), total, part))
        return total
    if tag in ("diff", "subdiff"):
        return (slope if tag == "diff" else slopes)(term[1], term[2], point, indices)
    if tag == "interval":
        lo, hi = (evaluate(end, point, indices) for end in term[1:])
        if side(both(lambda a, b: a - b, hi, lo)) < 0:
            raise Undefined("an interval turned round")
        return lo, hi
    parts = [evaluate(part, point, indices) for part in term[1:] if isinstance(part, tuple)]
    if tag == "+":
        total = parts[0]
        for part in parts[1:]:
            total = both(lambda a, b: a + b, total, part)
        return bounded(total)
    if tag == "*":
        total = parts[0]
        for part in parts[1:]:
            total = both(lambda a, b: a * b, total, part)
        return bounded(total)
    if tag == "neg":
        return -parts[0]
    if tag == "/":
        if is_zero(parts[1]):
            raise Undefined("division by zero")
        return bounded(both(lambda a, b: a / b, *parts))
    if tag == "^":
        return power(*parts)
    if tag == "f":
        return FUNCTIONS[term[1]](*parts)
    if tag == "ix":
        index = whole(parts[0])
        if index is None:
            raise Undefined("an index that is no integer")
        return point.entry(term[1], index)
    if tag == "call":
        c = point.function(term[1])
        return bounded(both(lambda a, b: a + b, c[0], both(lambda a, b: a * b, parts[0], slope_of(c, parts[0]))))
    raise TypeError(f"cannot evaluate {tag}")


def slope_of(c: tuple[Fraction, ...], x: Value) -> Value:
    return both(lambda a, b: a + b, c[1], both(lambda a, b: a * b, c[2], x))


class _Moved:
    """A name, or a place of a family, at other values; the value it had is put back."""

    def __init__(self, x: Term, point: Point, indices: tuple[int, ...]) -> None:
        self.values: dict[Any, Fraction] = point.scalars
        self.key: Any = x[1]
        if x[0] == "ix":
            index = whole(evaluate(x[2], point, indices))
            if index is None:
                raise Undefined("a place that is no integer")
            point.entry(x[1], index)
            self.values, self.key = point.families, (x[1], index)
        elif x[0] != "v":
            raise Undefined("a derivative by what is no name")
        self.at = self.values[self.key]

    def __call__(self, body: Term, by: Fraction, point: Point, indices: tuple[int, ...]) -> Value:
        self.values[self.key] = self.at + by
        try:
            return evaluate(body, point, indices)
        except Undefined:
            raise Undefined("not defined on both sides") from None
        finally:
            self.values[self.key] = self.at


def slope(body: Term, x: Term, point: Point, indices: tuple[int, ...]) -> Value:
    """The derivative as the limit of difference quotients from both sides, which have to agree."""
    here, moved = evaluate(body, point, indices), _Moved(x, point, indices)
    step = Fraction(1, 10 ** (mp.dps // 4))
    found = [(real(moved(body, h, point, indices)) - real(here)) / real(h) for h in (step, -step)]
    if abs(found[0] - found[1]) > mpf(10) ** (-mp.dps // 8) * (1 + abs(found[0])):
        raise Undefined("a corner")
    return (found[0] + found[1]) / 2


def slopes(body: Term, x: Term, point: Point, indices: tuple[int, ...]) -> tuple[Value, Value]:
    """The slopes from the left and from the right, each the same at two distances."""
    here, moved = evaluate(body, point, indices), _Moved(x, point, indices)
    found = []
    for sign in (-1, 1):
        steps = [Fraction(sign, k * 10 ** (mp.dps // 4)) for k in (1, 2)]
        far, near = ((real(moved(body, h, point, indices)) - real(here)) / real(h) for h in steps)
        if abs(far - near) > mpf(10) ** (-mp.dps // 8) * (1 + abs(near)):
            raise Undefined("no slope from one side")
        found.append(near)
    if found[0] > found[1] + mpf(10) ** (-mp.dps // 8):
        raise Undefined("no subdifferential: a corner that points upwards")
    return found[0], found[1]


def holds(relation: str, left: Value, right: Value, slack: int) -> bool:
    """Whether a comparison holds; values that agree to so many digits are equal. Raises Skipped: too close to tell."""
    if isinstance(left, tuple):
        return relation == "=" and all(holds("=", a, b, slack) for a, b in zip(left, right, strict=True))
    difference = both(lambda a, b: a - b, left, right)
    close = abs(real(difference)) < (1 + abs(real(left)) + abs(real(right))) * mpf(10) ** -slack
    if close and difference and slack < mp.dps // 2 and relation in ("<", ">", "!="):
        raise Skipped
    sign = 0 if close and not isinstance(difference, Fraction) else side(difference)
    return {
        "=": sign == 0, "!=": sign != 0, ">": sign > 0, ">=": sign >= 0, "<": sign < 0, "<=": sign <= 0,
    }[relation]  # fmt: skip

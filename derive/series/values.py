"""Values of a schedule at a point or over a box: its functions, and terms put together from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache

from derive.evaluation import enclosure as E
from derive.evaluation.enclosure import Interval, UnknownValue
from derive.kernel.terms import Term
from derive.series.numbers import (
    BITS,
    Undefined,
    Value,
    absolute,
    add,
    between,
    ends,
    exact,
    exp,
    floor,
    hull,
    inverse,
    log,
    minimum,
    mul,
    neg,
    power,
    sign,
    wide,
)  # fmt: skip

Env = Mapping[str, Value]
MAX_FACTORIAL = 3000

COSINES = {Fraction(k, 6): Fraction(x) for k, x in ((0, "1"), (2, "1/2"), (3, "0"), (4, "-1/2"), (6, "-1"))}


def cos_pi(r: Fraction) -> Value:
    """cos(pi*r), exactly where it is rational.

    >>> cos_pi(Fraction(7, 3)), cos_pi(Fraction(1, 2))
    (Fraction(1, 2), Fraction(0, 1))
    """
    r = abs(r) % 2
    r = 2 - r if r > 1 else r
    if r in COSINES:
        return COSINES[r]
    return cos(mul(r, E.pi(BITS)))


def _cos_at(x: Fraction) -> Interval:
    """cos at a rational |x| <= 7 or so: Taylor's series; what is left out is below the next term."""
    p = BITS + 40
    square = E.from_fraction(x * x, p)
    total = term = Interval(1, 1, 0)
    for k in range(1, 60):
        term = E.scale(E.neg(E.mul(term, square, p)), Fraction(1, (2 * k - 1) * (2 * k)), p)
        total = E.add(total, term, p)
        if _tiny(term, p):
            break
    return E.add(total, _around(term), p)


def _tiny(x: Interval, bits: int) -> bool:
    return x.exp + max(x.lo.bit_length(), x.hi.bit_length()) < -bits


def _around(x: Interval) -> Interval:
    """An interval around 0 that is as wide as x is large."""
    size = max(abs(x.lo), abs(x.hi))
    return Interval(-size, size, x.exp)


def cos(x: Value) -> Value:
    if x == 0:
        return Fraction(1)
    low, high = ends(x)
    pi = E.pi(2 * BITS)
    if high - low >= 2 * pi.lower:
        return between(Fraction(-1), Fraction(1))
    if max(abs(low), abs(high)) > 10**20:
        raise UnknownValue("the argument of a wave is too large")
    turns = round(low / (2 * pi.lower))
    shift = E.scale(pi, Fraction(-2 * turns), 2 * BITS)
    low, high = low + shift.lower, high + shift.upper
    found = [_cos_at(low), _cos_at(high)]
    for k in range(-2, 6):  # between two extrema it is monotone
        if low <= k * (pi.upper if k > 0 else pi.lower) and k * (pi.lower if k > 0 else pi.upper) <= high:
            found.append(E.from_fraction(Fraction(-1 if k % 2 else 1), BITS))
    result = hull(*found)
    return between(max(ends(result)[0], Fraction(-1)), min(ends(result)[1], Fraction(1)))


def sin(x: Value) -> Value:
    return Fraction(0) if x == 0 else cos(add(x, neg(E.scale(E.pi(2 * BITS), Fraction(1, 2), 2 * BITS))))


def atan(x: Value) -> Value:
    if x == 0:
        return Fraction(0)
    return hull(*(_atan_at(end) for end in dict.fromkeys(ends(x))))


def _atan_at(x: Fraction) -> Interval:
    if x < 0:
        return E.neg(_atan_at(-x))
    if x > 1:
        return E.add(E.scale(E.pi(BITS), Fraction(1, 2), BITS), E.neg(_atan_at(1 / x)), BITS)
    y = E.from_fraction(x, BITS + 40)
    for _ in range(3):  # atan(y) = 2 atan(y/(1 + sqrt(1 + y^2)))
        hypotenuse = E.sqrt(E.add(Interval(1, 1, 0), E.mul(y, y, BITS + 40), BITS + 40), BITS + 40)
        y = E.mul(y, E.inverse(E.add(Interval(1, 1, 0), hypotenuse, BITS + 40), BITS + 40), BITS + 40)
    square, term, total = E.mul(y, y, BITS + 40), y, y
    for k in range(1, 60):
        term = E.neg(E.mul(term, square, BITS + 40))
        total = E.add(total, E.scale(term, Fraction(1, 2 * k + 1), BITS + 40), BITS + 40)
        if _tiny(term, BITS + 40):
            break
    return E.scale(E.add(total, _around(term), BITS + 40), Fraction(8), BITS)


def _asin_at(x: Fraction) -> Value:
    """asin at a rational |x| <= 1; at 1 and -1 the argument of atan has no value."""
    if abs(x) == 1:
        return E.scale(E.pi(BITS), x / 2, BITS)
    return atan(mul(x, power(1 - x * x, Fraction(-1, 2))))


def _acos_at(x: Fraction) -> Value:
    return Fraction(0) if x == 1 else add(E.scale(E.pi(BITS), Fraction(1, 2), BITS), neg(_asin_at(x)))


def _monotone(at: Callable[[Fraction], Value], x: Value) -> Value:
    """asin or acos, from the ends of a box within [-1, 1]."""
    low, high = ends(x)
    if low > 1 or high < -1:
        raise Undefined("the argument of asin or acos is outside [-1, 1]")
    if low < -1 or high > 1:
        raise UnknownValue("the argument of asin or acos may be outside [-1, 1]")
    return at(low) if low == high else hull(at(low), at(high))


def whole(x: Value, what: str) -> int:
    if not isinstance(x, Fraction):
        raise UnknownValue(f"{what} of a number that is not known exactly")
    if x.denominator != 1 or x < 0:
        raise Undefined(f"{what} of {x}, which is no integer >= 0")
    if x > MAX_FACTORIAL:
        raise UnknownValue(f"{what} of a number that is too large")
    return int(x)


def gamma(x: Value) -> Value:
    if isinstance(x, Fraction) and x.denominator == 1:
        if x <= 0:
            raise Undefined("gamma at an integer <= 0")
        return exact(Fraction(math.factorial(whole(x - 1, "gamma"))))
    if sign(x) != 1:
        raise Undefined("gamma of a number that is not positive") if sign(x) == -1 else UnknownValue("gamma near zero")
    return E.gamma(wide(x), BITS)


@lru_cache(maxsize=4096)
def harmonic(n: int) -> Fraction:
    return Fraction(0) if n == 0 else harmonic(n - 1) + Fraction(1, n) if n % 100 else _long_harmonic(n)


def _long_harmonic(n: int) -> Fraction:
    return sum((Fraction(1, k) for k in range(1, n + 1)), Fraction(0))


def _half(x: Value) -> Value:
    return mul(x, Fraction(1, 2))


def _one(x: Value, s: int = 1) -> Value:
    return add(Fraction(1), x if s > 0 else neg(x))


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "exp": exp, "log": log, "sqrt": lambda x: power(x, Fraction(1, 2)) if x != 0 else x,
    "abs": absolute, "min": minimum, "max": lambda *xs: neg(minimum(*map(neg, xs))),
    "floor": floor, "ceiling": lambda x: neg(floor(neg(x))), "frac": lambda x: add(x, neg(floor(x))),
    "sin": sin, "cos": cos, "tan": lambda x: mul(sin(x), inverse(cos(x))), "atan": atan,
    "asin": lambda x: _monotone(_asin_at, x), "acos": lambda x: _monotone(_acos_at, x),
    "sinh": lambda x: _half(add(exp(x), neg(exp(neg(x))))) if x != 0 else x,
    "cosh": lambda x: _half(add(exp(x), exp(neg(x)))),
    "tanh": lambda x: _one(mul(Fraction(2), inverse(_one(exp(mul(Fraction(2), x))))), -1) if x != 0 else x,
    "asinh": lambda x: log(add(x, power(_one(mul(x, x)), Fraction(1, 2)))),
    "acosh": lambda x: log(add(x, FUNCTIONS["sqrt"](add(mul(x, x), Fraction(-1))))),
    "atanh": lambda x: _half(log(mul(_one(x), inverse(_one(x, -1))))),
    "factorial": lambda x: exact(Fraction(math.factorial(whole(x, "factorial")))),
    "gamma": gamma, "harmonic": lambda x: exact(harmonic(whole(x, "harmonic"))),
    "binomial": lambda n, k: _binomial(n, k),
}  # fmt: skip


def _binomial(n: Value, k: Value) -> Value:
    top, low = whole(n, "binomial"), whole(k, "binomial")
    return exact(Fraction(math.comb(top, low)))


def _sign(x: Value) -> Value:
    s = sign(x)
    return between(Fraction(-1), Fraction(1)) if s is None else Fraction(s)


def _mod(x: Value, m: Value) -> Value:
    if sign(m) == 0:
        raise Undefined("mod by zero")
    return add(x, neg(mul(m, floor(mul(x, inverse(m))))))


FUNCTIONS |= {"sign": _sign, "mod": _mod}


# --- terms ----------------------------------------------------------------------------------------------------------


def in_pi(term: Term, env: Env) -> tuple[Fraction, Fraction] | None:
    """(a, b) where the term is a + b*pi with rationals, as far as its shape shows it."""
    tag = term[0]
    if tag == "c":
        return Fraction(0), Fraction(1)
    if tag in ("+", "neg", "*", "/"):
        parts = [in_pi(part, env) for part in term[1:]]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            return None
        if tag == "+":
            return sum((a for a, _ in found), Fraction(0)), sum((b for _, b in found), Fraction(0))
        if tag == "neg":
            return -found[0][0], -found[0][1]
        result = (Fraction(1), Fraction(0))
        for n, (a, b) in enumerate(found):
            if tag == "/" and n:
                if result[0] == 0 and a == 0 and b:
                    result = (result[1] / b, Fraction(0))
                elif b == 0 and a:
                    result = (result[0] / a, result[1] / a)
                else:
                    return None
            elif b and result[1]:
                return None
            else:
                result = (result[0] * a, result[0] * b + result[1] * a)
        return result
    try:
        exact = value(term, env)
    except (Undefined, UnknownValue):
        return None
    return (exact, Fraction(0)) if isinstance(exact, Fraction) else None


def value(term: Term, env: Env) -> Value:
    """The value of a term where names have these values or lie in these boxes.

    Raises Undefined, or UnknownValue where the enclosures are too wide to tell.

    >>> value(("/", ("q", Fraction(1)), ("v", "t")), {"t": Fraction(3)})
    Fraction(1, 3)
    """
    tag = term[0]
    if tag == "q":
        return Fraction(term[1])
    if tag == "v":
        return env[term[1]]
    if tag == "c":
        return E.pi(BITS)
    if tag == "piecewise":
        for part, condition in zip(term[1::2], term[2::2], strict=True):
            if holds(condition, env):
                return value(part, env)
        raise Undefined("no condition of Piecewise holds")
    if tag == "f" and term[1] in ("sin", "cos"):
        turn = in_pi(term[2], env)
        if turn is not None and turn[0] == 0:
            return cos_pi(turn[1] - (Fraction(1, 2) if term[1] == "sin" else 0))
    if tag == "/" and term[1][:2] == term[2][:2] == ("f", "log"):
        return log_ratio(value(term[1][2], env), value(term[2][2], env))
    parts = [value(part, env) for part in term[1:] if isinstance(part, tuple)]
    if tag == "+":
        total = parts[0]
        for part in parts[1:]:
            total = add(total, part)
        return total
    if tag == "*":
        total = parts[0]
        for part in parts[1:]:
            total = mul(total, part)
        return total
    if tag == "neg":
        return neg(parts[0])
    if tag == "/":
        return mul(parts[0], inverse(parts[1]))
    if tag == "^":
        return power(*parts)
    return FUNCTIONS[term[1]](*parts)


def log_ratio(x: Value, b: Value) -> Value:
    """log(x)/log(b), exactly where x is a power of b: floor(log(8, 2)) is 3."""
    found = mul(log(x), inverse(log(b)))
    if isinstance(x, Fraction) and isinstance(b, Fraction) and not isinstance(found, Fraction):
        k = round(found.lower)
        if abs(k) < 1000 and found.lower <= k <= found.upper and b**k == x:
            return Fraction(k)
    return found


def holds(condition: Term, env: Env) -> bool:
    """Whether a condition holds. Raises UnknownValue where the enclosures are too wide to tell."""
    tag, *parts = condition
    if tag in ("and", "or"):
        return (all if tag == "and" else any)(holds(part, env) for part in parts)
    s = sign(add(value(parts[0], env), neg(value(parts[1], env))))
    if s is None:
        raise UnknownValue("two numbers that are too close to compare")
    return {"=": s == 0, "!=": s != 0, "<": s < 0, "<=": s <= 0, ">": s > 0, ">=": s >= 0}[tag]


__all__ = [
    "BITS", "Env", "Undefined", "Value", "absolute", "add", "between", "cos", "cos_pi", "ends", "exact", "exp", "floor",
    "holds", "hull", "in_pi", "inverse", "log", "minimum", "mul", "neg", "power", "sign", "sin", "value", "wide",
]  # fmt: skip

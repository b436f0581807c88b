"""Exact real numbers for evaluation at a point: rationals, and combinations of exp, log, sqrt and pi with an enclosure.

A Number is a Fraction or a Real. A Real is irrational-looking: it carries an exact form where it is small enough (a
rational combination of monomials in atoms such as log 2, sqrt 3, pi, times exp of a form), so that equal forms are
known to be equal, and an enclosure, so that different values can be told apart. Forms that differ prove nothing.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import Any

from derive.evaluation import enclosure as en
from derive.evaluation.enclosure import Interval, UnknownValue

MAX_BITS = 12_000  # Python prints integers of at most 4,300 digits
MAX_TERMS = 24

# A monomial is (argument of exp as a frozen form, {(atom, exponent)}); a form maps monomials to coefficients.
Frozen = frozenset[Any]
Monomial = tuple[Frozen, Frozen]
Form = dict[Monomial, Fraction]
UNIT: Monomial = (frozenset(), frozenset())


class UndefinedValue(ArithmeticError):
    """The expression is undefined at this point; the message says why."""


class Real:
    """A real number that is not (known to be) rational: an exact form or None, and an enclosure."""

    __slots__ = ("_interval", "form")

    def __init__(self, form: Form | None, interval: Interval | None = None) -> None:
        self.form = form
        self._interval = interval

    def interval(self, bits: int = en.BITS) -> Interval:
        """An enclosure; with an exact form, as tight as `bits` asks."""
        if self.form is None:
            assert self._interval is not None
            return self._interval
        if bits == en.BITS and self._interval is not None:
            return self._interval
        found = _enclose(frozenset(self.form.items()), bits)
        if bits == en.BITS:
            self._interval = found
        return found

    def __repr__(self) -> str:
        return f"Real({en.decimal(self.interval())})"


Number = Fraction | Real


def guard(x: Fraction) -> Fraction:
    """The rational itself, unless it has outgrown the cap: then "unknown"."""
    if x.numerator.bit_length() + x.denominator.bit_length() > MAX_BITS:
        raise UnknownValue("the numbers become too large")
    return x


def interval_of(x: Number, bits: int = en.BITS) -> Interval:
    return en.from_fraction(x, bits) if isinstance(x, Fraction) else x.interval(bits)


def _form_of(x: Number) -> Form | None:
    if isinstance(x, Fraction):
        return {UNIT: x} if x else {}
    return x.form


def _thaw(form: Form) -> Number:
    """The number of a form; a Fraction where the form is rational."""
    form = {m: c for m, c in form.items() if c}
    if not form:
        return Fraction(0)
    if len(form) == 1 and UNIT in form:
        return form[UNIT]
    number = Real(form)
    return Real(None, number.interval()) if len(form) > MAX_TERMS else number


@lru_cache(maxsize=4096)
def _atom(atom: tuple[Any, ...], bits: int) -> Interval:
    name, argument = atom
    if name == "pi":
        return en.pi(bits)
    x = en.from_fraction(argument, bits) if isinstance(argument, Fraction) else _enclose(argument, bits)
    return {"log": en.log, "sqrt": en.sqrt, "inverse": en.inverse, "exp": en.exp}[name](x, bits)


@lru_cache(maxsize=4096)
def _enclose(form: Frozen, bits: int) -> Interval:
    total = Interval(0, 0, 0)
    for (exponent, atoms), coefficient in form:
        part = en.from_fraction(coefficient, bits)
        if exponent:
            part = en.mul(part, _atom(("exp", exponent), bits), bits)
        for atom, e in atoms:
            x = en.power(_atom(atom, bits), abs(e), bits)
            part = en.mul(part, x if e > 0 else en.inverse(x, bits), bits)
        total = en.add(total, part, bits)
    return total


def _alone(atom: Any) -> Form:
    return {(frozenset(), frozenset({(atom, 1)})): Fraction(1)}


def _of_atom(name: str, form: Form) -> Real:
    """The number of a single atom over a form."""
    return Real(_alone((name, frozenset(form.items()))))


def _inside(atom: tuple[Any, ...]) -> Number:
    """The argument of an atom, as a number."""
    return atom[1] if isinstance(atom[1], Fraction) else _thaw(dict(atom[1]))


def add(a: Number, b: Number) -> Number:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return guard(a + b)
    fa, fb = _form_of(a), _form_of(b)
    if fa is None or fb is None:
        return Real(None, en.add(interval_of(a), interval_of(b)))
    form = dict(fa)
    for m, c in fb.items():
        form[m] = guard(form.get(m, Fraction(0)) + c)
    return _thaw(form)


def _times(a: Monomial, b: Monomial) -> tuple[Number, Monomial]:
    """The product of two monomials as a factor and a monomial; squares of sqrt atoms become the factor."""
    exponent: Form = dict(a[0])
    for m, c in b[0]:
        exponent[m] = exponent.get(m, Fraction(0)) + c
    powers: dict[Any, int] = dict(a[1])
    for atom, e in b[1]:
        powers[atom] = powers.get(atom, 0) + e
    factor: Number = Fraction(1)
    for atom, e in list(powers.items()):
        if atom[0] == "sqrt" and e not in (0, 1):
            factor = mul(factor, power(_inside(atom), e // 2))
            powers[atom] = e % 2
    return factor, (
        frozenset((m, c) for m, c in exponent.items() if c),
        frozenset((atom, e) for atom, e in powers.items() if e),
    )


def mul(a: Number, b: Number) -> Number:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return guard(a * b)
    fa, fb = _form_of(a), _form_of(b)
    if fa is None or fb is None or len(fa) * len(fb) > 4 * MAX_TERMS:
        return Fraction(0) if fa == {} or fb == {} else Real(None, en.mul(interval_of(a), interval_of(b)))
    form: Form = {}
    rest: Number = Fraction(0)
    for ma, ca in fa.items():
        for mb, cb in fb.items():
            factor, m = _times(ma, mb)
            if isinstance(factor, Fraction):
                form[m] = guard(form.get(m, Fraction(0)) + ca * cb * factor)
            else:
                rest = add(rest, mul(factor, _thaw({m: ca * cb})))
    return add(_thaw(form), rest)


def neg(a: Number) -> Number:
    if isinstance(a, Fraction):
        return -a
    return Real(None, en.neg(a.interval())) if a.form is None else Real({m: -c for m, c in a.form.items()})


def sign(a: Number) -> int:
    """The sign of a number; raises UnknownValue where the enclosure straddles zero."""
    if isinstance(a, Fraction):
        return (a > 0) - (a < 0)
    found = en.sign(a.interval())
    if found is None:
        raise UnknownValue("a value cannot be told from zero")
    return found


def inverse(a: Number) -> Number:
    if isinstance(a, Fraction):
        if not a:
            raise UndefinedValue("division by zero")
        return 1 / a
    sign(a)
    form = a.form
    if form is None:
        return Real(None, en.inverse(a.interval()))
    if len(form) > 1:
        return _of_atom("inverse", form)
    (((exponent, atoms), c),) = form.items()
    back = (frozenset((m, -k) for m, k in exponent), frozenset((atom, -e) for atom, e in atoms))
    factor, m = _times(back, UNIT)
    return mul(mul(factor, 1 / c), _thaw({m: Fraction(1)}))


def power(a: Number, n: int) -> Number:
    """a**n for an integer n; 0**0 is 1."""
    if n < 0:
        return power(inverse(a), -n)
    if isinstance(a, Fraction):
        if n * (a.numerator.bit_length() + a.denominator.bit_length()) > MAX_BITS and abs(a) != 1:
            raise UnknownValue("the numbers become too large")
        return a**n if n < 64 or abs(a) != 1 else a ** (n % 2)
    if n > 1000:
        raise UnknownValue("the exponent is too large")
    result: Number = Fraction(1)
    while n:
        if n & 1:
            result = mul(result, a)
        n >>= 1
        if n:
            a = mul(a, a)
    return result


def _integer_root(n: int) -> int | None:
    root = isqrt(n)
    return root if root * root == n else None


def sqrt(a: Number) -> Number:
    """The square root, exact where the rational is a square."""
    s = sign(a)
    if s < 0:
        raise UndefinedValue("sqrt of a negative number")
    if not s:
        return Fraction(0)
    if isinstance(a, Fraction):
        n, d = _integer_root(a.numerator), _integer_root(a.denominator)
        if n is not None and d is not None:
            return Fraction(n, d)
        inside, outside = a.numerator * a.denominator, 1
        for p in _PRIMES[:8]:
            while inside % (p * p) == 0:
                inside, outside = inside // (p * p), outside * p
        return Real({(frozenset(), frozenset({(("sqrt", Fraction(inside)), 1)})): Fraction(outside, a.denominator)})
    if a.form is None:
        return Real(None, en.sqrt(a.interval()))
    if len(a.form) == 1:
        (((exponent, atoms), c),) = a.form.items()
        if c > 0 and all(e % 2 == 0 or atom[0] in ("pi", "sqrt") for atom, e in atoms):
            half: Number = _thaw({(frozenset((m, k / 2) for m, k in exponent), frozenset()): Fraction(1)})
            for atom, e in atoms:
                half = mul(half, absolute(power(_thaw(_alone(atom)), e // 2)))
                if e % 2:
                    half = mul(half, _of_atom("sqrt", _alone(atom)))
            return mul(half, sqrt(c))
    return _of_atom("sqrt", a.form)


_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)


def _log_of_integer(n: int) -> Form:
    form: Form = {}
    for p in _PRIMES:
        while n % p == 0:
            key = (frozenset[Any](), frozenset({(("log", Fraction(p)), 1)}))
            form[key] = form.get(key, Fraction(0)) + 1
            n //= p
    if n > 1:
        form[(frozenset(), frozenset({(("log", Fraction(n)), 1)}))] = Fraction(1)
    return form


def log(a: Number) -> Number:
    """The natural logarithm; a product is split, log(exp(u)) is u."""
    if sign(a) <= 0:
        raise UndefinedValue("log of a number that is not positive")
    if isinstance(a, Fraction):
        return add(_thaw(_log_of_integer(a.numerator)), neg(_thaw(_log_of_integer(a.denominator))))
    if a.form is None:
        return Real(None, en.log(a.interval()))
    if len(a.form) == 1:
        (((exponent, atoms), c),) = a.form.items()
        if c > 0 and all(en.sign(_atom(atom, en.BITS)) == 1 for atom, _ in atoms):
            result = add(log(c), _thaw(dict(exponent)))
            for atom, e in atoms:
                result = add(result, mul(Fraction(e), _log_of_atom(atom)))
            return result
    return _of_atom("log", a.form)


def _log_of_atom(atom: tuple[Any, ...]) -> Number:
    if atom[0] == "sqrt":
        return mul(Fraction(1, 2), log(_inside(atom)))
    if atom[0] == "inverse":
        return neg(log(_inside(atom)))
    return _of_atom("log", _alone(atom))


def exp(a: Number) -> Number:
    """The exponential; whole multiples of logarithms of rationals come out as factors."""
    if isinstance(a, Fraction) and not a:
        return Fraction(1)
    if isinstance(a, Fraction) and abs(a) > en.MAX_ARGUMENT:
        raise UnknownValue("the argument of exp is too large")
    form = _form_of(a)
    if form is None:
        return Real(None, en.exp(interval_of(a)))
    factor: Number = Fraction(1)
    kept: Form = {}
    for (exponent, atoms), c in form.items():
        atom, e = next(iter(atoms)) if len(atoms) == 1 and not exponent else (("",), 0)
        if atom[0] == "log" and e == 1 and c.denominator == 1 and abs(c) <= 64:
            factor = mul(factor, power(_inside(atom), int(c)))
        else:
            kept[(exponent, atoms)] = c
    if not kept:
        return factor
    return mul(factor, Real({(frozenset(kept.items()), frozenset()): Fraction(1)}))


def absolute(a: Number) -> Number:
    return neg(a) if sign(a) < 0 else a


def pi() -> Number:
    return Real({(frozenset(), frozenset({(("pi", None), 1)})): Fraction(1)})


def erf(a: Number) -> Number:
    return a if isinstance(a, Fraction) and not a else Real(None, en.erf(interval_of(a)))


def factorial(a: Number) -> Number:
    """n! for naturals up to 500; undefined elsewhere."""
    if not isinstance(a, Fraction):
        raise UnknownValue("factorial of a number that is not rational")
    if a.denominator != 1 or a < 0:
        raise UndefinedValue("factorial of a number that is not a natural number")
    if a > 500:
        raise UnknownValue("the argument of factorial is too large")
    result = 1
    for k in range(2, int(a) + 1):
        result *= k
    return Fraction(result)


def gamma(a: Number) -> Number:
    """Gamma of a positive number; exact at whole and half numbers."""
    if sign(a) <= 0:
        raise UndefinedValue("gamma of a number that is not positive")
    if isinstance(a, Fraction) and a <= 100 and a.denominator <= 2:
        result: Number = Fraction(1) if a.denominator == 1 else sqrt(pi())
        start = Fraction(1) if a.denominator == 1 else Fraction(1, 2)
        while start < a:
            result, start = mul(result, start), start + 1
        return result
    return Real(None, en.gamma(interval_of(a)))


def difference_sign(a: Number, b: Number) -> int:
    """The sign of a - b; raises UnknownValue when they agree as far as the enclosures tell."""
    return sign(add(a, neg(b)))


def agree_closely(a: Number, b: Number) -> bool:
    """Whether two enclosures overlap and are narrow: as good as a float comparison, and no proof."""
    x = en.add(interval_of(a), en.neg(interval_of(b)))
    size = max(Fraction(1), abs(interval_of(a).upper), abs(interval_of(b).upper))
    return x.lo <= 0 <= x.hi and (x.upper - x.lower) * 2**64 <= size


def text(a: Number) -> str:
    """An exact rational, or the leading decimals of an irrational number."""
    return str(a) if isinstance(a, Fraction) else en.decimal(a.interval())

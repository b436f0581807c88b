"""A program on balls: midpoint and radius, wide enough for everything that floats of a format may do to it.

This is where every tolerance comes from: a float result is right if it lies in the ball.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import MissingDependency
from numeric.exact import Numbers, evaluate, rational
from numeric.program import Program

# The error that the exp, log, expm1, log1p and power of NumPy may have, in units in the last place: what its vectorised
# versions promise (numpy/numpy#19478). The operations + - * / sqrt are correctly rounded (IEEE 754-2019, sec. 5.4.1).
LIBRARY_ULPS = 4
# The exponents of flint have no bound: exp(-10**30) as a rational would fill the memory. Beyond 2**EXPONENTS a number
# counts as unbounded, and below 2**-EXPONENTS as 0.
EXPONENTS = 1 << 14


@dataclass(frozen=True)
class Format:
    """A float format: bits of the significand, the smallest positive number, the largest number."""

    precision: int
    smallest: Fraction
    largest: Fraction | None


FORMATS = {  # IEEE 754-2019, table 3.5
    24: Format(24, Fraction(1, 2**149), Fraction(2**24 - 1) * 2**104),
    53: Format(53, Fraction(1, 2**1074), Fraction(2**53 - 1) * 2**971),
}


@dataclass(frozen=True)
class Ball:
    """The numbers within `radius` of `midpoint`; a radius of None: an intermediate result may have overflowed.

    `largest` is the largest float of the format: what is beyond it is rounded to inf.

    >>> Ball(Fraction(1, 3), Fraction(1, 100)).contains(0.33)
    True
    """

    midpoint: Fraction
    radius: Fraction | None
    largest: Fraction | None = None

    def contains(self, number: float) -> bool:
        """Whether a float is a right result: never nan, and inf only where the ball reaches beyond all floats."""
        x = float(number)
        if math.isnan(x) or self.radius is None:
            return not math.isnan(x)
        if math.isinf(x):
            return self.largest is not None and (1 if x > 0 else -1) * self.midpoint + self.radius > self.largest
        return abs(Fraction(x) - self.midpoint) <= self.radius


def enclosure(program: Program, inputs: Mapping[str, Any], prec: int = 53) -> dict[str, Any]:
    """Balls that contain the exact outputs and all that floats can give for them, for one observation.

    The radius counts, operation by operation, rounding to `prec` bits, underflow and overflow (for 53: float64, and 24:
    float32), what NumPy's exp and log may be off by (LIBRARY_ULPS), and sums in any order, with fused products or not.
    Inputs are numbers, or balls where they are not known exactly; a family is a sequence of them.
    Errors: MissingDependency without python-flint.

    >>> from derive.syntax import parse_expression
    >>> from numeric.translation import translate
    >>> third = translate({"value": parse_expression("z/3").term}, rows=["z"])
    >>> enclosure(third, {"z": 1})["value"].contains(1 / 3)
    True
    """
    with arithmetic(prec) as balls:
        numbers = Numbers(balls.given, balls.constant, balls.operations(), balls.total)
        return {name: balls.read(value) for name, value in evaluate(program, inputs, numbers).items()}


@contextmanager
def arithmetic(prec: int) -> Iterator[Balls]:
    """Ball arithmetic of one precision, within a block. Raises MissingDependency without python-flint."""
    try:
        import flint
    except ImportError:
        raise MissingDependency("balls need python-flint: pip install 'symstep[exact]'") from None
    with flint.ctx.workprec(prec):
        yield Balls(flint, FORMATS.get(prec, Format(prec, Fraction(0), None)))


class Balls:
    """Ball arithmetic of one precision, widened by what a float format adds."""

    def __init__(self, flint: Any, format_: Format) -> None:
        self.flint, self.format = flint, format_
        # The relative error of rounding to nearest. A float32 may be rounded twice, since scalars are float64 before.
        self.unit = self.ball(Fraction(1, 2**format_.precision) * (1 + Fraction(1, 2**20)))
        self.smallest = self.ball(format_.smallest)
        self.tiny = self.ball(format_.smallest * 2 ** (format_.precision - 1))  # from here on, full precision
        self.largest = None if format_.largest is None else self.ball(format_.largest)
        self.unbounded = flint.arb(0, flint.arb.pos_inf())

    def ball(self, number: Fraction) -> Any:
        """A ball around a rational, as flint makes it: it need not contain the nearest float."""
        return self.flint.arb(self.flint.fmpq(number.numerator, number.denominator))

    def given(self, value: Any) -> Any:
        if not isinstance(value, Ball):
            return self.rounded(self.ball(rational(value)))
        if value.radius is None:
            return self.unbounded
        return self.widened(self.ball(value.midpoint), self.ball(value.radius))

    def constant(self, value: Fraction | str) -> Any:
        return self.rounded(self.flint.arb.pi() if isinstance(value, str) else self.ball(value))

    def widened(self, ball: Any, radius: Any) -> Any:
        return ball + self.flint.arb(0, radius.abs_upper())

    def operations(self) -> dict[str, Callable[..., Any]]:
        """Negation, abs, sign, min and max are exact in floats; + and - cannot underflow."""
        arb = self.flint.arb
        exact: dict[str, Callable[..., Any]] = {
            "negative": arb.__neg__, "absolute": arb.__abs__, "sign": arb.sgn, "minimum": arb.min, "maximum": arb.max,
        }  # fmt: skip
        sums: dict[str, Callable[..., Any]] = {"add": arb.__add__, "subtract": arb.__sub__}
        products: dict[str, Callable[..., Any]] = {
            "multiply": arb.__mul__, "divide": arb.__truediv__, "sqrt": arb.sqrt,
        }  # fmt: skip
        library: dict[str, Callable[..., Any]] = {
            "exp": arb.exp, "log": arb.log, "expm1": arb.expm1, "log1p": arb.log1p, "power": arb.__pow__,
        }  # fmt: skip
        kinds = ((exact, lambda ball: ball), (sums, self.rounded), (products, self.underflowing), (library, self.near))
        return {name: self.guarded(function, after) for table, after in kinds for name, function in table.items()}

    def rounded(self, ball: Any) -> Any:
        """The numbers of a ball may be rounded out of it, unless there is one only, which then is a float."""
        return ball if ball.is_exact() else self.widened(ball, self.unit * abs(ball))

    def underflowing(self, ball: Any) -> Any:
        normal = ball.is_zero() or ball.abs_lower() >= self.tiny
        return self.rounded(ball) if normal else self.widened(self.rounded(ball), self.smallest)

    def near(self, ball: Any) -> Any:
        # One unit in the last place is at most twice the relative unit of rounding.
        return self.widened(ball, LIBRARY_ULPS * (2 * self.unit * abs(ball) + self.smallest))

    def guarded(self, function: Callable[..., Any], after: Callable[[Any], Any]) -> Callable[..., Any]:
        def apply(*arguments: Any) -> Any:
            return self.unbounded if any(map(self.overflows, arguments)) else after(function(*arguments))

        return apply

    def overflows(self, ball: Any) -> bool:
        return not ball.is_finite() or (self.largest is not None and not ball.abs_upper() <= self.largest)

    def total(self, parts: Sequence[Any]) -> Any:
        """A sum of n floats in any order is off by at most (n - 1) u/(1 - (n - 1) u) times the sum of their sizes.

        Higham, Accuracy and Stability of Numerical Algorithms, 2002, eq. (4.4) and (3.2).
        """
        if any(map(self.overflows, parts)):
            return self.unbounded
        roundings = (len(parts) - 1) * self.unit
        size = sum((abs(part) for part in parts), self.flint.arb(0))
        return self.widened(sum(parts, self.flint.arb(0)), roundings / (1 - roundings) * size)

    def read(self, value: Any) -> Any:
        """The ball, or a tuple of them, in rationals of bounded size."""
        if isinstance(value, tuple):
            return tuple(map(self.read, value))
        if not value.is_finite() or value.abs_upper() > self.flint.arb(2) ** EXPONENTS:
            return Ball(Fraction(0), None, self.format.largest)
        midpoint, lost = _fraction(value.mid())
        radius, rest = _fraction(value.rad())
        return Ball(midpoint, radius + lost + rest, self.format.largest)


def _fraction(exact: Any) -> tuple[Fraction, Fraction]:
    """A number of flint in steps of 2**-EXPONENTS, rounded down, and what the rounding may have lost."""
    mantissa, exponent = map(int, exact.man_exp())
    if exponent >= -EXPONENTS:
        return Fraction(mantissa) * Fraction(2) ** exponent, Fraction(0)
    step = Fraction(1, 2**EXPONENTS)
    return (mantissa >> (-EXPONENTS - exponent)) * step, step

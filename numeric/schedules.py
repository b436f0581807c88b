"""Schedules that people call: any schedule of the library, or one of your own, as a function of the step.

    opt = numeric.optimizer("adam", lr=numeric.schedule("cosine-annealing", eta0=0.1, T=100))

A formula stands in `derive.library.schedules` alone; here its term is run.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from derive.errors import InputError, Undecided
from derive.kernel.terms import Term
from derive.schedule_rule import PRESENT, ScheduleRule, number
from derive.schedule_rule import schedule as row_of
from derive.schedules import Schedule
from numeric.balls import Ball, arithmetic
from numeric.compile import Array
from numeric.schedule_terms import FLOATS, arrays, ball_system, run

MAX_T = 2**53  # from here on a float does not hold every integer


@dataclass(frozen=True)
class RunningSchedule:
    """A schedule with numbers for its parameters: a function of the step, 1 at the first; made by `schedule`.

    The schedule itself counts from `symbolic.start` on: step 1 is its first t, and step s is t = s + offset.
    `at` takes t instead. Errors: InputError for a step before the first, for what is no integer, and for a value that
    is no finite number; it names t.
    """

    symbolic: Schedule
    values: Mapping[str, Fraction] = field(hash=False)
    rule: ScheduleRule | None = None

    @property
    def offset(self) -> int:
        """t minus the number of the step: -1 where t counts from 0, and 0 where it counts from 1."""
        return self.symbolic.start - 1

    def __call__(self, step: Any) -> Any:
        """The value at a step 1, 2, ... as a float, or at an array of steps as a float64 array.

        >>> halves = schedule("step", eta0=1, rho="1/2", T=2)
        >>> [halves(step) for step in (1, 2, 3, 4, 5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
        """
        return self.at(step if type(step) is int and not self.offset else step + self.offset)

    def at(self, t: Any) -> Any:
        """The value at t in the schedule's own count, as a float, or for an array of t as a float64 array.

        >>> schedule("inverse-t").at(np.array([1, 2, 4]))
        array([1.  , 0.5 , 0.25])
        """
        if isinstance(t, np.ndarray):
            return self._array(t)
        place = self._place(t)
        try:
            found = run(self._term, {**self._floats, "t": float(place)}, FLOATS)
        except (ArithmeticError, ValueError):
            found = math.nan
        return self._finite(found, place)

    def exact(self, t: int) -> Fraction:
        """The value at t as the rational it is. Raises Undecided where it is irrational, or too long to write down.

        >>> schedule("polynomial", eta0="1/10", T=3, power=2).exact(1)
        Fraction(2, 45)
        """
        from derive.evaluation.enclosure import UnknownValue
        from derive.series.values import Undefined, value

        place = self._place(t)
        try:
            found = value(self._term, {**self.values, "t": Fraction(place)})
        except (Undefined, ZeroDivisionError) as error:
            raise InputError(f"the schedule is undefined at t = {place}: {error}") from None
        except (UnknownValue, RecursionError) as error:
            raise Undecided(f"at t = {place}: {error}") from None
        if not isinstance(found, Fraction):
            raise Undecided(f"the value at t = {place} is irrational, or too long; use enclosure")
        return found

    def enclosure(self, t: int, prec: int = 53) -> Ball:
        """A ball with the exact value at t and all that floats of that precision may give for the formula.

        Errors: MissingDependency without python-flint.

        >>> cosine = schedule("cosine-annealing", eta0=0.1, T=100)
        >>> cosine.enclosure(17).contains(cosine.at(17))
        True
        """
        place = self._place(t)
        with arithmetic(prec) as balls:
            env = {name: balls.given(value) for name, value in self.values.items()}
            found: Ball = balls.read(run(self._term, {**env, "t": balls.given(place)}, ball_system(balls)))
        return found

    def by_recursion(self) -> Iterator[float]:
        """The values from the first on, each computed from the one before; only for rows with a recursion.

        >>> values = schedule("geometric", eta0=1, rho="1/2").by_recursion()
        >>> [next(values) for _ in range(4)]
        [1.0, 0.5, 0.25, 0.125]
        """
        step = self.recursion
        t = self.symbolic.start
        present = self.at(t)
        while True:
            yield present
            present = run(step, {**self._floats, PRESENT: present, "t": float(t)}, FLOATS)
            t += 1

    @property
    def recursion(self) -> Term:
        """The value of t + 1 in the present value e and t. Raises InputError where the row has none."""
        from derive.series.language import read_schedule

        if self.rule is None or not self.rule.recursion:
            raise InputError("this schedule has no recursion", remedy="use its formula")
        return read_schedule(self.rule.recursion, f"{self.symbolic.given}; {PRESENT} real")[0]

    # --- inside ------------------------------------------------------------------------------------------------------

    @cached_property
    def _term(self) -> Term:
        return self.symbolic.term

    @cached_property
    def _floats(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.values.items()}

    def _place(self, t: Any) -> int:
        try:
            place = operator.index(t)
        except TypeError:
            raise InputError(f"t is {t!r:.40}", remedy="expected an integer") from None
        if not self.symbolic.start <= place < MAX_T:
            raise InputError(f"t is {place}", remedy=f"this schedule begins at t = {self.symbolic.start}")
        return place

    def _array(self, t: Array) -> Array:
        if t.dtype.kind not in "iu":
            raise InputError(f"t has dtype {t.dtype}", remedy="expected an array of integers")
        if t.size:
            self._place(t.min())
            self._place(t.max())
        flat = t.astype(np.float64).reshape(-1)
        with np.errstate(all="ignore"):
            found = np.broadcast_to(run(self._term, {**self._floats, "t": flat}, arrays()), flat.shape).reshape(t.shape)
        if not np.isfinite(found).all():
            self._finite(math.nan, int(t[~np.isfinite(found)].reshape(-1)[0]))
        return np.array(found)

    def _finite(self, found: float, t: int) -> float:
        if not math.isfinite(found):
            values = ", ".join(f"{name} = {float(value):g}" for name, value in self.values.items())
            raise InputError(f"the schedule is no finite number at t = {t} for {values}", remedy="use other parameters")
        return float(found)


def schedule(
    name: str | ScheduleRule | Schedule, items: Sequence[Sequence[Any]] | None = None, user: str = "", **values: Any
) -> RunningSchedule:  # fmt: skip
    """The schedule of that name in the library (`derive list schedules`), of a row, or of a Schedule, ready to run.

    Parameters have the names of the row or those of packages; what is not given has its default. `items` are those of
    a row that repeats something, [(30,), (80,)] for milestones, and `user` is the formula in t of "lambda".
    Errors: InputError for an unknown name or parameter (with the nearest one), and for a value outside its domain.

    >>> rate = schedule("cosine-annealing", eta0=0.1, T=100)
    >>> rate(1), rate(51)
    (0.1, 0.05)
    """
    if isinstance(name, Schedule):
        missing = [each for each in name.parameters if each not in values]
        if missing:
            raise InputError(f"nothing says what {missing[0]} is", remedy="give a number for every parameter")
        numbers = {key: number(key, value) for key, value in values.items()}
        name.at(**numbers)
        return RunningSchedule(name, numbers)
    rule = name if isinstance(name, ScheduleRule) else row_of(name)
    given: dict[str, Any] = {}
    for key, value in values.items():
        hyper = rule.hyperparameter(key).name
        if hyper in given:
            raise InputError(f"{hyper} is given twice, once as {key}", remedy="give it once")
        given[hyper] = value
    chosen = items if items is not None else rule.items or None
    numbers = {hyper.name: number(hyper.name, given.get(hyper.name, hyper.value)) for hyper in rule.hyperparameters}
    rule.schedule(chosen, user, **numbers)  # refuses what is outside its domain
    numbers |= rule.numbered(chosen or ())
    return RunningSchedule(rule.schedule(len(chosen) if chosen else None, user), numbers, rule)

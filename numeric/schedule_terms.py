"""Terms of the language of schedules on floats, on arrays of t, and on balls; a branch that is not taken is not run.

The order of the operations is that of the term. Powers, logarithms and waves are those of the C library for one t, and
those of NumPy for arrays; both lie in the balls.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

from derive.errors import InputError
from derive.kernel.terms import Term
from numeric.compile import SCALAR_FUNCTIONS, Array

Env = Mapping[str, Any]
HALF = ("q", Fraction(1, 2))
_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
_NAMES = {"abs": "absolute", "min": "minimum", "max": "maximum", "mod": "remainder"}  # others have one name everywhere


@dataclass(frozen=True)
class System:
    """A number system: its constants, its operations by the names of NumPy, and how it decides between branches.

    `choose` gets a condition as a function of the environment, and two branches; it runs those that are needed.
    """

    constant: Callable[[Fraction | str], Any]
    operations: Mapping[str, Callable[..., Any]]
    choose: Callable[[Callable[[Env], Any], Callable[[Env], Any], Callable[[Env], Any], Env], Any]
    compare: Callable[[str, Any, Any], Any] = lambda relation, x, y: _RELATIONS[relation](x, y)


def run(term: Term, env: Env, system: System) -> Any:
    """The value of a term where names have these values. Raises InputError for a function that no system has."""
    tag = term[0]
    if tag == "q":
        return system.constant(term[1])
    if tag == "c":
        return system.constant("pi")
    if tag == "v":
        return env[term[1]]
    if tag == "piecewise":
        return _piecewise(term[1:], env, system)
    if tag == "f":
        return _function(term, env, system)
    if tag == "^" and term[2] == HALF:
        return system.operations["sqrt"](run(term[1], env, system))
    if tag == "+":
        total = run(term[1], env, system)
        for part in term[2:]:
            name, part = ("subtract", part[1]) if part[0] == "neg" else ("add", part)
            total = system.operations[name](total, run(part, env, system))
        return total
    parts = [run(part, env, system) for part in term[1:]]
    return reduce(system.operations[_ARITHMETIC[tag]], parts[1:], parts[0]) if len(parts) > 1 else (
        system.operations["negative"](*parts))  # fmt: skip


_ARITHMETIC = {"*": "multiply", "/": "divide", "^": "power"}


def _function(term: Term, env: Env, system: System) -> Any:
    name, arguments = term[1], term[2:]
    if name == "floor" and _log_of(arguments[0]):
        quotient = arguments[0]
        parts = [run(part[2], env, system) for part in quotient[1:]]
        return system.operations["floor_log"](*parts)
    name = _NAMES.get(str(name), str(name))
    if name not in system.operations:
        raise InputError(f"{name} cannot be run in a schedule", remedy="use floor, mod, cos, exp, log, sqrt ...")
    parts = [run(part, env, system) for part in arguments]
    function = system.operations[name]
    return reduce(function, parts[1:], parts[0]) if name in ("minimum", "maximum") else function(*parts)


def _log_of(term: Term) -> bool:
    """log(x)/log(b): rounded down it is an integer that the logarithms of floats miss at powers of b."""
    return bool(term[0] == "/" and term[1][:2] == term[2][:2] == ("f", "log"))


def _piecewise(parts: tuple[Term, ...], env: Env, system: System) -> Any:
    value, condition = parts[:2]
    if condition == ("and",):
        return run(value, env, system)
    return system.choose(
        lambda here: _holds(condition, here, system), lambda here: run(value, here, system),
        lambda here: _piecewise(parts[2:], here, system), env,
    )  # fmt: skip


def _holds(condition: Term, env: Env, system: System) -> Any:
    tag, *parts = condition
    if tag in ("and", "or"):
        return reduce(_both if tag == "and" else _either, [_holds(part, env, system) for part in parts])
    return system.compare(tag, *(run(part, env, system) for part in parts))


def _both(x: Any, y: Any) -> Any:
    return x & y if x is not None and y is not None else False if x is False or y is False else None


def _either(x: Any, y: Any) -> Any:
    return x | y if x is not None and y is not None else True if x is True or y is True else None


# --- floats -----------------------------------------------------------------------------------------------------------


def _floor_log(x: float, b: float) -> float:
    """The largest integer n with b**n <= x: by logarithms, and exactly where they are too close to an integer."""
    if not (x > 0 and b > 1):
        raise ValueError(f"floor(log({x})/log({b}))")
    ratio = math.log(x) / math.log(b)
    n = round(ratio)
    if abs(ratio - n) > NEAR * (1 + abs(ratio)):
        return float(math.floor(ratio))
    return float(n if Fraction(b) ** n <= Fraction(x) else n - 1)


NEAR = 1e-12  # the relative error of a quotient of two logarithms is a few units of 2**-52


def _float(value: Fraction | str) -> float:
    return math.pi if isinstance(value, str) else float(value)


def _choose(
    holds: Callable[[Env], Any], yes: Callable[[Env], Any], no: Callable[[Env], Any], env: Env
) -> Any:  # fmt: skip
    return (yes if holds(env) else no)(env)


FLOATS = System(
    _float,
    SCALAR_FUNCTIONS | {
        "floor": lambda x: float(math.floor(x)), "ceiling": lambda x: float(math.ceil(x)), "remainder": operator.mod,
        "frac": lambda x: x - math.floor(x), "cos": math.cos, "sin": math.sin, "tan": math.tan, "atan": math.atan,
        "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh, "floor_log": _floor_log,
    },
    _choose,
)  # fmt: skip


def arrays() -> System:
    """Arrays of t in float64: each branch runs on those t alone that take it."""
    import numpy as np

    from numeric.compile import UFUNCS

    def choose(holds: Callable[[Env], Any], yes: Callable[[Env], Any], no: Callable[[Env], Any], env: Env) -> Any:
        taken = np.broadcast_to(holds(env), env["t"].shape)
        found: Array = np.empty(env["t"].shape)
        for mask, branch in ((taken, yes), (~taken, no)):
            if mask.any():
                found[mask] = branch({**env, "t": env["t"][mask]})
        return found

    more = {name: getattr(np, name) for name in ("floor", "remainder", "cos", "sin", "tan", "sinh", "cosh", "tanh")}
    more |= {"ceiling": np.ceil, "frac": lambda x: x - np.floor(x), "atan": np.arctan}

    def floor_log(x: Any, b: Any) -> Any:
        ratio = np.log(x) / np.log(b)
        near = np.abs(ratio - np.round(ratio)) <= NEAR * (1 + np.abs(ratio))
        found = np.array(np.floor(ratio))
        found[near] = np.vectorize(_floor_log, otypes=[np.float64])(np.broadcast_to(x, found.shape)[near], b)
        return found

    more["floor_log"] = floor_log
    return System(_float, UFUNCS | more, choose)


# --- balls ------------------------------------------------------------------------------------------------------------


def ball_system(balls: Any) -> System:
    """Balls of `numeric.balls.arithmetic`; where they do not tell which branch is taken, both are, in one ball."""
    arb = balls.flint.arb

    def compare(relation: str, x: Any, y: Any) -> bool | None:
        found = bool(_RELATIONS[relation](x, y))
        return found if found or bool(_RELATIONS[_OPPOSITE[relation]](x, y)) else None

    def choose(holds: Callable[[Env], Any], yes: Callable[[Env], Any], no: Callable[[Env], Any], env: Env) -> Any:
        taken = holds(env)
        return yes(env).union(no(env)) if taken is None else (yes if taken else no)(env)

    def remainder(x: Any, m: Any) -> Any:
        return balls.rounded(x - m * (x / m).floor())

    def floor_log(x: Any, b: Any) -> Any:
        ends = [_floor_log(float(end), float(b.mid())) for end in (x.lower(), x.upper())]
        if not b.is_exact():
            return (x.log() / b.log()).floor()
        return arb(ends[0]).union(arb(ends[1]))

    more: dict[str, Callable[..., Any]] = {
        "floor": arb.floor, "ceiling": arb.ceil, "remainder": remainder, "frac": lambda x: remainder(x, arb(1)),
        "floor_log": floor_log,
    }  # fmt: skip
    more |= {name: balls.guarded(getattr(arb, name), balls.near) for name in _LIBRARY}
    return System(balls.constant, balls.operations() | more, choose, compare)


_LIBRARY = ("cos", "sin", "tan", "atan", "sinh", "cosh", "tanh")
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}

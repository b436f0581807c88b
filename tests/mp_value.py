"""Terms as numbers, by mpmath: an evaluation for the tests that shares nothing with the project's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath as mp

from derive.kernel.terms import Term

mp.mp.dps = 30
Point = Mapping[str, Any]


def value(term: Term, point: Point, under: tuple[int, ...] = ()) -> Any:
    """A term as a number; `point` holds scalars, and functions of indices or arguments for all other names."""
    tag, rest = term[0], term[1:]
    if tag == "q":
        return mp.mpf(rest[0].numerator) / rest[0].denominator
    if tag == "v":
        return point[rest[0]]
    if tag == "b":
        return under[-1 - rest[0]]
    if tag == "c":
        return +mp.pi
    if tag in ("ix", "call"):
        return point[rest[0]](*(value(part, point, under) for part in rest[1:]))
    if tag in ("sum", "prod"):
        lo, hi = (int(value(end, point, under)) for end in rest[:2])
        every = [value(rest[2], point, (*under, k)) for k in range(lo, hi + 1)]
        return mp.fsum(every) if tag == "sum" else mp.fprod(every)
    name, parts_ = (rest[0], rest[1:]) if tag == "f" else (tag, rest)
    values = [value(part, point, under) for part in parts_]
    operations: dict[str, Callable[..., Any]] = {
        "+": lambda *v: mp.fsum(v), "*": lambda *v: mp.fprod(v), "neg": lambda v: -v, "/": lambda u, v: u / v,
        "^": mp.power, "exp": mp.exp, "log": mp.log, "sqrt": mp.sqrt, "abs": abs, "min": min, "max": max,
        "gamma": mp.gamma, "factorial": mp.factorial, "erf": mp.erf,
    }  # fmt: skip
    return operations[name](*values)

"""Splits of the integers t: residue classes of what repeats, and thin sets such as the squares."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from derive.kernel.terms import RELATIONS, Term, q
from derive.series.language import T, put, uses
from derive.series.parameters import Abstain
from derive.series.shapes import linear, uses_pi

MOST_ROUNDS = 4


def period(term: Term) -> int:
    """A number P such that on each class t = P*s + r what rounds, alternates or waves with rational speed is linear.

    >>> period(("f", "mod", T, q(20)))
    20
    """
    many = 1
    for _ in range(MOST_ROUNDS):
        needed = _needed(residue_class(term, many, 0) if many > 1 else term)
        if needed == 1:
            return many
        many *= needed
        if many > 10**9:
            raise Abstain("the pattern repeats only after very many steps")
    return many


def residue_class(term: Term, many: int, r: int) -> Term:
    """The term at t = many*s + r, with s called t again.

    >>> residue_class(T, 2, 1)
    ('+', ('*', ('q', Fraction(2, 1)), ('v', 't')), ('q', Fraction(1, 1)))
    """
    place: Term = ("*", q(many), T)
    return put(term, "t", ("+", place, q(r)) if r else place)


def _needed(term: Term) -> int:
    if not uses(term, "t"):
        return 1
    found = [_needed(part) for part in term[1:] if isinstance(part, tuple)]
    speed: Fraction | None = None
    if term[0] == "f" and term[1] in ("floor", "ceiling", "frac"):
        speed = _speed(term[2])
    elif term[0] == "f" and term[1] == "mod":
        speed = _speed(("/", term[2], term[3]))
    elif term[0] == "f" and term[1] in ("sin", "cos", "tan") and uses_pi(term[2]):
        speed = _turns(term[2])
        speed = None if speed is None else speed / 2
    elif term[0] == "^" and not uses(term[1], "t") and linear(term[1]) is not None:
        line = linear(term[1])
        if line is not None and line[1] < 0:
            speed = _speed(term[2])
            speed = None if speed is None else speed / 2
    if speed is not None:
        found.append(speed.denominator)
    return math.lcm(*found) if found else 1


def _speed(term: Term) -> Fraction | None:
    """The slope of a term that is linear in t up to rounding."""
    if term == T:
        return Fraction(1)
    if not uses(term, "t"):
        return Fraction(0)
    tag = term[0]
    if tag == "f" and term[1] in ("floor", "ceiling"):
        return _speed(term[2])
    if tag == "f" and term[1] in ("mod", "frac"):
        return Fraction(0)
    if tag == "neg":
        inner = _speed(term[1])
        return None if inner is None else -inner
    if tag == "+":
        parts = [_speed(part) for part in term[1:]]
        found = [part for part in parts if part is not None]
        return sum(found, Fraction(0)) if len(found) == len(parts) else None
    if tag in ("*", "/"):
        moving = [part for part in term[1:] if uses(part, "t")]
        if len(moving) != 1 or (tag == "/" and uses(term[2], "t")):
            return None
        number = Fraction(1)
        for n, part in enumerate(term[1:]):
            if part is moving[0]:
                continue
            line = linear(part)
            if line is None or not line[1]:
                return None
            number = number / line[1] if tag == "/" and n else number * line[1]
        inner = _speed(moving[0])
        return None if inner is None else inner * number
    return None


def _turns(term: Term) -> Fraction | None:
    """The slope of term/pi where the term is pi times something that is linear up to rounding."""
    if term[0] == "*":
        rest = [part for part in term[1:] if part != ("c", "pi")]
        return _speed(("*", *rest)) if len(rest) == len(term) - 2 and rest else None
    if term[0] == "/" and not uses_pi(term[2]) and not uses(term[2], "t"):
        inner, below = _turns(term[1]), linear(term[2])
        return inner / below[1] if inner is not None and below is not None and below[1] else None
    if term[0] == "neg":
        inner = _turns(term[1])
        return None if inner is None else -inner
    if term[0] == "+":
        parts = [_turns(part) for part in term[1:]]
        return sum((p for p in parts if p is not None), Fraction(0)) if None not in parts else None
    return Fraction(0) if term == ("c", "pi") else None


# --- thin sets ------------------------------------------------------------------------------------------------------


class Sparse(NamedTuple):
    """A schedule that is one term on t = u(k), k = 1, 2, ..., written in k as t, and another one elsewhere."""

    support: str
    on: Term
    off: Term


def sparse(term: Term) -> Sparse | None:
    """The two terms of a schedule whose conditions ask for squares, cubes or powers of an integer."""
    conditions = {condition for condition in _conditions(term) if _support(condition) is not None}
    supports = {_support(condition) for condition in conditions}
    if len(supports) != 1:
        return None
    (found,) = supports
    if found is None:
        return None
    kind, number = found
    place: Term = ("^", T, q(number)) if kind == "power" else ("^", q(number), T)
    text = f"t = k**{number}" if kind == "power" else f"t = {number}**k"
    answered = [_answer(term, conditions, at) for at in (True, False)]
    on = _simpler(put(answered[0], "t", place), number, kind)
    return Sparse(text, on, answered[1])


def _conditions(term: Term) -> list[Term]:
    found = []
    if term[0] in RELATIONS:
        found.append(term)
    for part in term[1:]:
        if isinstance(part, tuple):
            found += _conditions(part)
    return found


def _support(condition: Term) -> tuple[str, int] | None:
    """("power", 2) for floor(sqrt(t))**2 = t and the like, ("base", 2) for 2**floor(log(t, 2)) = t."""
    if condition[0] != "=":
        return None
    for left, right in (condition[1:], condition[:0:-1]):
        if right == T and left[0] == "^":
            if left[1][:2] == ("f", "floor") and left[2][0] == "q":
                n = _root(left[1][2])
                if n is not None and left[2][1] == n:
                    return "power", n
            if left[1][0] == "q" and left[2][:2] == ("f", "floor"):
                b = _log_base(left[2][2])
                if b is not None and left[1][1] == b:
                    return "base", b
        if left == ("f", "floor", right) or right == ("f", "floor", left):
            inner = right if left[:2] == ("f", "floor") else left
            n, b = _root(inner), _log_base(inner)
            if n is not None or b is not None:
                return ("power", n) if n is not None else ("base", b or 0)
    return None


def _root(term: Term) -> int | None:
    if term == ("f", "sqrt", T):
        return 2
    if term[0] == "^" and term[1] == T and term[2][0] == "q" and term[2][1].numerator == 1 and term[2][1] < 1:
        return int(1 / term[2][1])
    return None


def _log_base(term: Term) -> int | None:
    if term[0] == "/" and term[1] == ("f", "log", T) and term[2][:2] == ("f", "log") and term[2][2][0] == "q":
        b = term[2][2][1]
        return int(b) if b.denominator == 1 and b > 1 else None
    return None


def _answer(term: Term, conditions: set[Term], holds: bool) -> Term:
    if term in conditions:
        return ("and",) if holds else ("or",)
    if term[0] == "piecewise":
        parts = [_answer(part, conditions, holds) for part in term[1:]]
        kept: list[Term] = []
        for value, condition in zip(parts[::2], parts[1::2], strict=True):
            if condition == ("or",):
                continue
            kept += [value, condition]
            if condition == ("and",):
                break
        return kept[0] if kept[1] == ("and",) else ("piecewise", *kept)
    return tuple(_answer(part, conditions, holds) if isinstance(part, tuple) else part for part in term)


def _simpler(term: Term, number: int, kind: str) -> Term:
    """sqrt(t**2) = t, log(2**t)/log(2) = t, floor(t) = t."""
    term = tuple(_simpler(part, number, kind) if isinstance(part, tuple) else part for part in term)
    if kind == "power":
        inside: Term = ("^", T, q(number))
        if term in (("f", "sqrt", inside), ("^", inside, q(Fraction(1, number)))) and (number == 2 or term[0] == "^"):
            return T
    elif term == ("/", ("f", "log", ("^", q(number), T)), ("f", "log", q(number))):
        return T
    return T if term in (("f", "floor", T), ("f", "ceiling", T)) else term

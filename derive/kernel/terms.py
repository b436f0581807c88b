"""Expression trees as plain data: nested tuples, exact rationals, de Bruijn binders, JSON in and out.

A term is a tuple whose first element is its tag:

    ("q", Fraction)                 an exact rational
    ("v", name)                     a declared name
    ("b", k)                        the variable of the k-th enclosing sum or product, 0 the innermost
    ("c", "pi")                     a constant
    ("ix", name, T, ...)            an indexed name, y[i]
    ("call", name, T, ...)          an uninterpreted or defined function, f(x[i], w)
    ("+", T, T, ...)  ("*", T, T, ...)  ("neg", T)  ("/", T, T)  ("^", T, T)
    ("f", name, T, ...)             a function that the kernel knows, see FUNCTIONS
    ("sum", lo, hi, body)  ("prod", lo, hi, body)      bind one index in body
    ("argmax", (name, ...), body)  ("argmin", ...)     over declared names, whose facts are their domain
    ("diff", body, variable)  ("subdiff", body, variable)
    ("interval", lo, hi)
    (relation, T, T) for the relations in RELATIONS, ("and", P, ...), ("or", P, ...)
    ("rec", name, index, start, step, initial, closed)  a recurrence and its closed form, see rules.induction
    ("all", k, P)                   only as an assumption: P for every integer k-tuple (or every k arguments)

argmax and argmin name their variables instead of binding an index because the domain of the variable is what
the assumptions say of that name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

Term = tuple[Any, ...]

RELATIONS = ("=", "!=", "<", "<=", ">", ">=", "<=>")
# name -> (fewest, most) arguments
FUNCTIONS = {
    "exp": (1, 1), "log": (1, 1), "sqrt": (1, 1), "abs": (1, 1), "sign": (1, 1), "min": (2, 16), "max": (2, 16),
    "gamma": (1, 1), "factorial": (1, 1), "erf": (1, 1),
}  # fmt: skip
CONSTANTS = ("pi",)
BINDERS = ("sum", "prod")
OPTIMA = ("argmax", "argmin")

MAX_BYTES = 1 << 20
MAX_DEPTH = 120
MAX_NODES = 50_000
MAX_DIGITS = 400


class Refused(Exception):
    """The kernel does not accept: the message says what was expected; `term` is what it was expected of."""

    def __init__(self, message: str, term: Term | None = None) -> None:
        super().__init__(message)
        self.term = term


def q(value: int | str | Fraction) -> Term:
    return ("q", Fraction(value))


ZERO, ONE, TWO = q(0), q(1), q(2)


def add(*terms: Term) -> Term:
    return terms[0] if len(terms) == 1 else ("+", *terms) if terms else ZERO


def mul(*terms: Term) -> Term:
    return terms[0] if len(terms) == 1 else ("*", *terms) if terms else ONE


def sub(left: Term, right: Term) -> Term:
    return ("+", left, ("neg", right))


def children(term: Term) -> tuple[Term, ...]:
    """The sub-terms of a term, in order."""
    return (term[2],) if term[0] in OPTIMA else tuple(part for part in term[1:] if isinstance(part, tuple))


def rebuild(term: Term, change: Callable[[Term, int], Term]) -> Term:
    """The same node over changed children; `change` gets a child and how many indices the node binds over it."""
    tag = term[0]
    if tag in ("q", "v", "b", "c"):
        return term
    if tag in OPTIMA:
        return (tag, term[1], change(term[2], 0))
    if tag in BINDERS:
        return (tag, change(term[1], 0), change(term[2], 0), change(term[3], 1))
    if tag == "all":
        return (tag, term[1], change(term[2], term[1]))
    return tuple(change(part, 0) if isinstance(part, tuple) else part for part in term)


def substitute(term: Term, old: Term, new: Term) -> Term:
    """Replace every occurrence of the closed term `old` by the closed term `new`."""
    if term == old:
        return new
    if term[0] in OPTIMA and any(mentions(side, name) for name in term[1] for side in (old, new)):
        raise Refused(f"{', '.join(term[1])} under {term[0]} would be captured", term)
    return rebuild(term, lambda part, _: substitute(part, old, new))


def lift(term: Term, by: int, above: int = 0) -> Term:
    """Raise the free indices of a term (those >= above) by a number; lowering past zero is refused."""
    if not by:
        return term
    if term[0] == "b":
        if term[1] < above:
            return term
        if term[1] + by < above:
            raise Refused("an index would leave its binder")
        return ("b", term[1] + by)
    return rebuild(term, lambda part, bound: lift(part, by, above + bound))


def instantiate(body: Term, value: Term, level: int = 0) -> Term:
    """The body of a binder with its index replaced by a value."""
    if body[0] == "b":
        if body[1] == level:
            return lift(value, level)
        return ("b", body[1] - 1) if body[1] > level else body
    return rebuild(body, lambda part, bound: instantiate(part, value, level + bound))


def abstract(term: Term, name: str, level: int = 0) -> Term:
    """The inverse of instantiate: the free name becomes the index of a binder around the term."""
    if term[0] == "v" and term[1] == name:
        return ("b", level)
    if term[0] == "b":
        return ("b", term[1] + 1) if term[1] >= level else term
    return rebuild(term, lambda part, bound: abstract(part, name, level + bound))


def mentions(term: Term, name: str) -> bool:
    """Whether a name (of a variable, an indexed family or a function) occurs free in a term."""
    tag = term[0]
    if tag in OPTIMA and name in term[1]:
        return False
    if tag in ("v", "ix", "call") and term[1] == name:
        return True
    return any(mentions(part, name) for part in children(term))


def subterms(term: Term) -> Iterator[Term]:
    """Every node of a term, the term itself first."""
    yield term
    for part in children(term):
        yield from subterms(part)


# --- JSON: canonical out, strict in ---------------------------------------------------------------------------------


def to_json(term: Term) -> list[Any]:
    """A term as JSON lists; rationals become strings."""
    if term[0] in OPTIMA:
        return [term[0], list(term[1]), to_json(term[2])]
    return [
        str(part) if isinstance(part, Fraction) else to_json(part) if isinstance(part, tuple) else part for part in term
    ]


@lru_cache(maxsize=200_000)
def canonical(term: Term) -> str:
    """The canonical text of a term; also what terms are ordered by."""
    return json.dumps(to_json(term), separators=(",", ":"), ensure_ascii=True)


def digest(document: Any) -> str:
    """sha256 of canonical JSON: the identity that a slide, a file or a report quotes."""
    text = json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()

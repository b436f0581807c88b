"""Expression trees as plain data: nested tuples, exact rationals, de Bruijn binders, canonical JSON.

A term is a tuple whose first element is its tag:

    ("q", Fraction)  ("c", "pi")                      an exact rational, a constant
    ("v", name)  ("ix", name, T, ...)                 a declared name w, a place of a declared family y[i]
    ("call", name, T, ...)  ("f", name, T, ...)       a declared function f(x[i], w), one of FUNCTIONS
    ("b", k)                                          the index of the k-th enclosing binder, 0 the innermost
    ("+", T, T, ...)  ("*", T, T, ...)  ("neg", T)  ("/", T, T)  ("^", T, T)
    ("sum", lo, hi, body)  ("prod", lo, hi, body)     bind one index in body
    ("argmax", (name, ...), body)  ("argmin", ...)    over declared names, whose facts are their domain
    ("diff", body, ("v", name))  ("subdiff", ...)     the derivative, the subdifferential, at that value of the name
    ("interval", lo, hi)
    (relation, T, T)  ("and", P, ...)  ("or", P, ...) claims, for the relations in RELATIONS; ("and",) is true
    ("rec", name, index, start, step, initial, closed)    a recurrence and its closed form, see rules.induction
    ("all", k, P)  ("differentiable", name)           only as assumptions: P for all integers (or arguments) b0 ... bk
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
FUNCTIONS = dict.fromkeys(("exp", "log", "sqrt", "abs", "sign", "gamma", "factorial", "erf"), (1, 1)) | {
    "min": (2, 16), "max": (2, 16),
}  # fmt: skip
CONSTANTS = ("pi",)
BINDERS = ("sum", "prod")
OPTIMA = ("argmax", "argmin")
MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_DIGITS = 1 << 20, 120, 50_000, 400  # of a certificate


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


def subterms(term: Term) -> Iterator[Term]:
    """Every node of a term, the term itself first."""
    yield term
    for part in children(term):
        yield from subterms(part)


def mentions(term: Term, name: str) -> bool:
    """Whether a name (of a variable, a family or a function) occurs free in a term."""
    if term[0] in OPTIMA and name in term[1]:
        return False
    return (term[0] in ("v", "ix", "call") and term[1] == name) or any(mentions(part, name) for part in children(term))


def rebuild(term: Term, change: Callable[[Term, int], Term]) -> Term:
    """The same node over changed children; `change` gets a child and how many indices the node binds over it."""
    tag = term[0]
    if tag in OPTIMA:
        return (tag, term[1], change(term[2], 0))
    if tag in BINDERS:
        return (tag, change(term[1], 0), change(term[2], 0), change(term[3], 1))
    bound = term[1] if tag == "all" else 0
    return tuple(change(part, bound) if isinstance(part, tuple) else part for part in term)


def replaced(term: Term, change: Callable[[Term, int], Term | None], level: int = 0) -> Term:
    """Replace nodes from the top down; `change` gets a node and how many indices are bound above it."""
    new = change(term, level)
    return rebuild(term, lambda part, bound: replaced(part, change, level + bound)) if new is None else new


def refuse_capture(node: Term, *values: Term) -> None:
    """Names that a node gives a meaning of its own must not occur in what is put under it, or taken from under it."""
    names = node[1] if node[0] in OPTIMA else node[2][1:] if node[0] in ("diff", "subdiff") else ()
    if any(type(name) is not str or any(mentions(value, name) for value in values) for name in names):
        raise Refused(f"something under {node[0]} would change its meaning", node)


def substitute(term: Term, old: Term, new: Term) -> Term:
    """Replace every occurrence of the closed term `old` by the closed term `new`."""

    def change(node: Term, level: int) -> Term | None:
        if node != old:
            refuse_capture(node, old, new)
        return new if node == old else None

    return replaced(term, change)


def lift(term: Term, by: int) -> Term:
    """Raise the free indices of a term, which is put under so many more binders."""
    return replaced(term, lambda node, level: ("b", node[1] + by) if node[0] == "b" and node[1] >= level else None)


def instantiate(body: Term, value: Term) -> Term:
    """The body of a binder with its index replaced by a value."""

    def change(node: Term, level: int) -> Term | None:
        refuse_capture(node, value)
        if node[0] != "b" or node[1] < level:
            return None
        return lift(value, level) if node[1] == level else ("b", node[1] - 1)

    return replaced(body, change)


def abstract(term: Term, name: str) -> Term:
    """The inverse of instantiate: the free name becomes the index of a binder around the term."""

    def change(node: Term, level: int) -> Term | None:
        if node[0] == "b" and node[1] >= level:
            return ("b", node[1] + 1)
        return ("b", level) if node == ("v", name) else None

    return replaced(term, change)


def to_json(term: Term) -> list[Any]:
    """A term as JSON lists; rationals become strings."""
    if term[0] in OPTIMA:
        return [term[0], list(term[1]), to_json(term[2])]
    return [to_json(p) if isinstance(p, tuple) else str(p) if isinstance(p, Fraction) else p for p in term]


@lru_cache(maxsize=200_000)
def canonical(term: Term) -> str:
    """The canonical text of a term; also what terms are ordered by."""
    return json.dumps(to_json(term), separators=(",", ":"), ensure_ascii=True)


def digest(document: Any) -> str:
    """sha256 of canonical JSON: the identity that a slide, a file or a report quotes."""
    text = json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()

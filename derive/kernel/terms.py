"""Expression trees as plain data: nested tuples, exact rationals, de Bruijn binders, JSON out.

A term is a tuple whose first element is its tag:

    ("q", Fraction)  ("c", "pi")                      an exact rational, a constant
    ("v", name)  ("ix", name, T, ...)                 a declared name w, a place of a declared family y[i]
    ("call", name, T, ...)  ("f", name, T, ...)       a declared function f(x[i], w), one of FUNCTIONS
    ("b", k)                                          the index of the k-th enclosing binder, 0 the innermost
    ("+", T, T, ...)  ("*", T, T, ...)  ("neg", T)  ("/", T, T)  ("^", T, T)
    ("sum", lo, hi, body)  ("prod", lo, hi, body)     bind one index in body
    ("argmax", (name, ...), body)  ("argmin", ...)    over declared names, whose facts are their domain
    ("diff", body, ("v", name))  ("subdiff", ...)     the derivative, the subdifferential, at that value of the name
    ("diff", body, ("ix", name, T, ...))              ... with respect to one place of a family, at its value
    ("interval", lo, hi)
    (relation, T, T)  ("and", P, ...)  ("or", P, ...) claims, for the relations in RELATIONS; ("and",) is true
    ("rec", name, index, start, step, initial, closed)    a recurrence and its closed form, see rules.induction
    ("all", k, P)  ("differentiable", name)           only as assumptions: P for all k-tuples of integers (or arguments)
    ("slope", name, slope, k)                         as an assumption: slope is the derivative of name by argument k
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

Term = tuple[Any, ...]
RELATIONS = ("=", "!=", "<", "<=", ">", ">=", "<=>")
FUNCTIONS = dict.fromkeys(("exp", "log", "sqrt", "abs", "sign", "gamma", "factorial", "erf"), (1, 1))
FUNCTIONS |= {"min": (2, 16), "max": (2, 16), "kronecker": (2, 2)}  # name -> (fewest, most) arguments
CONSTANTS, BINDERS, OPTIMA = ("pi",), ("sum", "prod"), ("argmax", "argmin")
MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_DIGITS = 1 << 20, 120, 50_000, 400  # of a certificate

canonical = lru_cache(maxsize=200_000)(repr)  # the text that terms are ordered by


class Refused(Exception):
    """The kernel does not accept: the message says what was expected; `term` is what it was expected of."""

    def __init__(self, message: str, term: Term | None = None) -> None:
        super().__init__(message)
        self.term = term


def require(condition: object, message: str, term: Term | None = None) -> None:
    if not condition:
        raise Refused(message, term)


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
    return (term[2],) if term[0] in OPTIMA else tuple(part for part in term[1:] if isinstance(part, tuple))


def subterms(term: Term) -> Iterator[Term]:
    """Every node of a term, the term itself first."""
    yield term
    for part in children(term):
        yield from subterms(part)


def mentions(term: Term, *names: str) -> bool:
    """Whether one of the names (of a variable, a family or a function) occurs free in a term."""
    if term[0] in OPTIMA:
        names = tuple(name for name in names if name not in term[1])
    return (term[0] in ("v", "ix", "call") and term[1] in names) or any(mentions(t, *names) for t in children(term))


def rebuild(term: Term, change: Callable[[Term, int], Term]) -> Term:
    """The same node over changed children; `change` gets a child and how many indices the node binds over it."""
    if term[0] in OPTIMA:
        return (*term[:2], change(term[2], 0))
    bound = term[1] if term[0] == "all" else 1 if term[0] in BINDERS else 0  # over the last child alone
    parts = [change(part, 0) if isinstance(part, tuple) else part for part in term[:-1]]
    return (*parts, change(term[-1], bound) if isinstance(term[-1], tuple) else term[-1])


def replaced(term: Term, change: Callable[[Term, int], Term | None], *values: Term, level: int = 0) -> Term:
    """Replace nodes from the top down; `change` gets a node and the number of indices bound above it.

    A node that gives a name a meaning of its own must not hold that name in what is put under it: in `values`.
    A derivative by an index gives every value of it that meaning.
    """
    names = term[1] if term[0] in OPTIMA else term[2][1:2] if term[0] in ("diff", "subdiff") else ()
    captured = any(type(name) is not str or mentions(value, name) for name in names for value in values)
    require(not captured, f"something under {term[0]} would change its meaning", term)
    new = change(term, level)
    return new or rebuild(term, lambda part, bound: replaced(part, change, *values, level=level + bound))


def substitute(term: Term, old: Term, new: Term) -> Term:
    """Replace every occurrence of the closed term `old` by the closed term `new`."""
    return replaced(term, lambda node, _: new if node == old else None, old, new)


def lift(term: Term, by: int) -> Term:
    """Raise the free indices of a term, which is put under so many more binders."""
    return replaced(term, lambda node, level: ("b", node[1] + by) if node[0] == "b" and node[1] >= level else None)


def instantiate(body: Term, value: Term) -> Term:
    """The body of a binder with its index replaced by a value."""

    def change(node: Term, level: int) -> Term | None:
        if node[0] != "b" or node[1] < level:
            return None
        return lift(value, level) if node[1] == level else ("b", node[1] - 1)

    return replaced(body, change, value)


def abstract(term: Term, name: str) -> Term:
    """The inverse of instantiate: the free name becomes the index of a binder around the term."""
    return replaced(lift(term, 1), lambda node, level: ("b", level) if node == ("v", name) else None)


def to_json(term: Term) -> list[Any]:
    """A term as JSON lists; rationals become strings."""
    if term[0] in OPTIMA:
        return [term[0], list(term[1]), to_json(term[2])]
    return [to_json(p) if isinstance(p, tuple) else str(p) if isinstance(p, Fraction) else p for p in term]


def digest(document: Any) -> str:
    """sha256 of canonical JSON: the identity that a slide, a file or a report quotes."""
    return hashlib.sha256(json.dumps(document, separators=(",", ":"), sort_keys=True).encode("ascii")).hexdigest()

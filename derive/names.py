"""The names in a term: their roles, and the errors for a name that is used as something else."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from derive.derivation import Symbol
from derive.errors import InputError
from derive.kernel.terms import BINDERS, FUNCTIONS, OPTIMA, RELATIONS, Term
from derive.tokens import CALCULUS, KINDS

Names = Mapping[str, Symbol]  # what a formula may use: declared names and defined functions

_WHAT = {"scalar": "a scalar", "indexed": "an indexed name", "function": "a function"}


def is_claim(term: Term) -> bool:
    """Whether a term is true or false, not a number or a set."""
    return term[0] in RELATIONS or term[0] in ("and", "or", "rec", "all")


def unknown_function(name: str, names: Names, column: int | None = None) -> InputError:
    """The error for a function that nobody declared, with the nearest name there is."""
    known = sorted({*FUNCTIONS, *BINDERS, *CALCULUS, *(n for n, symbol in names.items() if symbol.role == "function")})
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? Otherwise " if near else ""
    return InputError(
        f"unknown function {name}",
        remedy=f"{hint}declare it with 'given: {name}(x) real', write {name}*(...) for a product,"
        f" or use one of {', '.join(known)}",
        column=column,
    )


def conflict(name: str, then: tuple[str, int], now: tuple[str, int], how: str, column: int | None = None) -> InputError:
    """The error for a name used in two roles, or with two numbers of indices or arguments."""

    def words(role: str, arity: int) -> str:
        of = {"scalar": "", "indexed": f" with {arity} indices", "function": f" of {arity} arguments"}[role]
        return _WHAT[role] + (of[:-1] if arity == 1 and role == "function" else of.replace("1 indices", "1 index"))

    return InputError(
        f"{name} is used here as {words(*now)}, but {how} {words(*then)}",
        remedy="use another name, or the same form everywhere",
        column=column,
    )


def how_to_use(word: str) -> str:
    if word in FUNCTIONS or word in CALCULUS or word in BINDERS:
        return f"write {word}(...), or use another name"
    if word in KINDS:
        return "it belongs in a fact, such as 'given: w real'"
    if word == "rec":
        return "a recurrence is a line of its own: rec e[t+1] = ..., e[0] = ... => e[t] = ..."
    return "use another name"


def walk(term: Term) -> list[Term]:
    """Every node of a term, each before its parts; a list, since nested generators cost a frame for each level."""
    found, stack = [], [term]
    while stack:
        node = stack.pop()
        found.append(node)
        parts = (node[2],) if node[0] in OPTIMA else node[1:]
        stack.extend(part for part in reversed(parts) if isinstance(part, tuple))
    return found


def free_names(term: Term) -> dict[str, tuple[str, int]]:
    """Every name of a term with its role and arity, in order of appearance; indices of sums are no names.

    Errors: InputError for a name in two roles.
    """
    found: dict[str, tuple[str, int]] = {}

    def note(name: str, role: str, arity: int) -> None:
        then = found.setdefault(name, (role, arity))
        if then != (role, arity):
            raise conflict(name, then, (role, arity), "elsewhere as")

    for node in walk(term):
        tag = node[0]
        if tag == "v":
            note(node[1], "scalar", 0)
        elif tag in ("ix", "call"):
            note(node[1], "indexed" if tag == "ix" else "function", len(node) - 2)
        elif tag in OPTIMA:
            for name in node[1]:
                note(name, "scalar", 0)
        elif tag == "rec":
            note(node[1], "indexed", 1)
            note(node[2], "scalar", 0)
    return found


def bound_by_name(term: Term, name: str) -> bool:
    """Whether an argmax, argmin or derivative in the term names this variable."""
    return any(
        (node[0] in OPTIMA and name in node[1]) or (node[0] in CALCULUS and node[2] == ("v", name))
        for node in walk(term)
    )

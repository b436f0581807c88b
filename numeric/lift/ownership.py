"""Which values a step may change in place: a fresh result that has exactly one name, and the caller's own w.

Expressions have no identity, and arrays do. So each name and entry has a kind, and reading it anywhere but as an
operand makes what was fresh a shared value, which is never changed in place.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

NUMBER = "number"  # a plain number, which nothing changes in place
FRESH = "fresh"  # a new array that nothing else refers to
SHARED = "shared"  # anything else
CALLER = "caller"  # the w that a step was given
Place = tuple[dict[Any, str], Any]


@dataclass
class Ownership:
    """The kinds of entries of dictionaries and of self, and of the expressions that were just worked out."""

    kinds: dict[Any, str] = field(default_factory=dict, kw_only=True)
    origin: dict[int, str | Place] = field(default_factory=dict, kw_only=True)  # of a node of the syntax tree
    changed: bool = field(default=False, kw_only=True)  # whether w was changed in place
    leaked: bool = field(default=False, kw_only=True)  # whether w got another name
    frozen: set[int] = field(default_factory=set, kw_only=True)  # dictionaries that __init__ made
    writes: int = field(default=0, kw_only=True)

    def kind(self, node: ast.expr) -> str:
        """The kind of an expression, after it was worked out."""
        if isinstance(node, ast.Constant):
            return NUMBER
        found = self.origin.get(id(node), SHARED)
        return found if isinstance(found, str) else found[0].get(found[1], SHARED)

    def escape(self, place: Place) -> None:
        """What is there may have another name from now on."""
        kind = place[0].get(place[1], SHARED)
        if kind == FRESH:
            place[0][place[1]] = SHARED
        self.leaked = self.leaked or kind == CALLER

    def escape_all(self, made: dict[Any, Any]) -> None:
        """All entries of a dictionary may have another name."""
        for key in made:
            self.escape((self.kinds, (id(made), key)))


def both(one: dict[Any, str], other: dict[Any, str]) -> dict[Any, str]:
    """The kinds after two ways."""
    return {key: kind if other.get(key) == kind else SHARED for key, kind in one.items()} | {
        key: SHARED for key in other if key not in one
    }

"""What a derivation says as a whole: its first line related to its last."""

from __future__ import annotations

from collections.abc import Sequence

from derive.derivation import Derivation, Line
from derive.kernel.terms import BINDERS, RELATIONS, Term, subterms

Statement = tuple[Term, tuple[str, ...]]  # with the author's names of its indices

_STRONGEST = (("=",), ("=", "<="), ("=", "<=", "<"), ("=", ">="), ("=", ">=", ">"), ("=", "<=>"))


def statement(derivation: Derivation) -> Statement | None:
    """A claim itself; of a longer chain its first line related to its last; None where the relations lead nowhere.

    >>> x, y = ("v", "x"), ("v", "y")
    >>> statement(Derivation(lines=(Line("", x), Line("=", y), Line("<=", x))))
    (('<=', ('v', 'x'), ('v', 'x')), ())
    """
    if len(derivation.lines) < 2:
        return (derivation.lines[0].term, derivation.lines[0].binders) if derivation.lines else None
    last = derivation.lines[-1]
    return _related(derivation.lines, last.term, last.binders)


def to_show(derivation: Derivation) -> Statement | None:
    """What the author set out to show, in full: a goal that is no relation is what the first line comes to."""
    goal, binders = derivation.goal, derivation.goal_binders
    if goal is None:
        return None
    whole = None if goal[0] in RELATIONS or len(derivation.lines) < 2 else _related(derivation.lines, goal, binders)
    return whole or (goal, binders)


def _related(lines: Sequence[Line], last: Term, binders: tuple[str, ...]) -> Statement | None:
    used = {line.relation for line in lines[1:]}
    relation = next((some[-1] for some in _STRONGEST if used <= {*some}), "")
    if not relation:
        return None
    first, names = lines[0], lines[0].binders
    missing = sum(node[0] in BINDERS for node in subterms(first.term)) - len(names)
    return (relation, first.term, last), (*names, *[""] * missing, *binders) if binders else names

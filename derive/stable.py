"""Forms that do not overflow: rewriting by proved equations. What comes out is judged again, like any other line."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from derive.kernel.terms import Term, rebuild


class Rewrite(NamedTuple):
    """An equation of library/chains/stable.chain, read from left to right."""

    name: str
    before: Term
    after: Term


@lru_cache(maxsize=1)
def rewrites() -> tuple[Rewrite, ...]:
    """The equations, in the order of the file.

    >>> [rewrite.name for rewrite in rewrites()][:2]
    ['softplus', 'sigmoid']
    """
    from derive.library import chains

    return tuple(
        Rewrite(name, item.lines[0].term, item.lines[-1].term) for name, item in chains("stable").items()
    )  # fmt: skip


def stable(term: Term) -> Term:
    """The term with everything rewritten that an equation of `rewrites` is about; the term itself where none is.

    >>> from derive.ascii import show
    >>> from derive.syntax import parse_expression
    >>> show(stable(parse_expression("y*log(1 + exp(2*z))").term))
    'y*(max(2*z, 0) + log(1 + exp(-abs(2*z))))'
    """
    for rewrite in rewrites():
        found: dict[Term | str, Term | str] = {}
        if _matches(rewrite.before, term, found):
            return _filled(rewrite.after, found)
    return rebuild(term, lambda part, _: stable(part))


def _matches(pattern: Term, term: Term, found: dict[Term | str, Term | str]) -> bool:
    """Whether the term is the pattern, with a term for each name u and i, and a family for each u[k]."""
    if pattern[0] == "v" and pattern[1] in ("u", "i"):
        return found.setdefault(pattern, term) == term
    if pattern[0] == "ix" and term[0] == "ix":
        same = found.setdefault(pattern[1], term[1]) == term[1] and len(term) == len(pattern)
        return same and all(_matches(p, t, found) for p, t in zip(pattern[2:], term[2:], strict=True))
    if pattern[0] != term[0] or len(pattern) != len(term):
        return False
    return all(
        _matches(p, t, found) if isinstance(p, tuple) and isinstance(t, tuple) else p == t
        for p, t in zip(pattern[1:], term[1:], strict=True)
    )


def _filled(pattern: Term, found: dict[Term | str, Term | str]) -> Term:
    if pattern in found:
        return found[pattern]  # type: ignore[return-value]
    filled = rebuild(pattern, lambda part, _: _filled(part, found))
    return ("ix", found[pattern[1]], *filled[2:]) if pattern[0] == "ix" else filled


__all__ = ["Rewrite", "rewrites", "stable"]

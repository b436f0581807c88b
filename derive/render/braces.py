"""Which parts of which lines are printed with a name under a brace."""

from __future__ import annotations

from derive.derivation import Derivation
from derive.headers import places
from derive.kernel.terms import RELATIONS, Term
from derive.render.highlight import Path
from derive.render.matrix import matrix_braces


def braces_of(derivation: Derivation, lang: str = "en") -> list[dict[Path, str | Term]]:
    """For each line, the names of its parts by their paths.

    A defined name stands under its body once, in the first line that has it; a brace of the author stands once too, in
    the last line that has its term, on the right side of a comparison if it is there.

    >>> from derive.derivation import Line, Text
    >>> x, y = ("v", "x"), ("v", "y")
    >>> d = Derivation(lines=(Line("", ("+", x, y)), Line("=", ("+", y, x))), braces=((x, Text("input", "입력")),))
    >>> braces_of(d, "ko")
    [{}, {(2,): '입력'}]
    """
    found: list[dict[Path, str | Term]] = [{} for _ in derivation.lines]
    for definition in derivation.assumptions.definitions:
        parameters = tuple(("v", name) for name in definition.parameters)
        head: Term = ("call", definition.name, *parameters) if parameters else ("v", definition.name)
        if definition.body[0] not in ("v", "q", "c"):
            # The whole of a line needs no name: the line before it has it.
            _put(derivation, definition.body, head, found, range(len(found)), whole=False)
    for term, text in derivation.braces:
        _put(derivation, term, text.in_(lang), found, range(len(found) - 1, -1, -1), whole=True)
    for own, matrices in zip(found, matrix_braces(derivation), strict=True):
        own |= {path: text for path, text in matrices.items() if not own}
    return found


def _put(
    derivation: Derivation,
    term: Term,
    name: str | Term,
    found: list[dict[Path, str | Term]],
    order: range,
    *,
    whole: bool,
) -> None:
    for at in order:
        line = derivation.lines[at]
        paths = [path for path in places(term, line.term, line.binders) if whole or path]
        if paths:
            right = [path for path in paths if line.term[0] in RELATIONS and path[:1] == (2,)]
            found[at] |= dict.fromkeys(right or paths, name)
            return

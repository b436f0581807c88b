"""Entries as matrices: sum x[i,k]*r[i] is row k of X^T r. Only for print: what is proved is the entry.

A term with at most two free indices is read as a matrix, a vector or a number; what does not fit is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.derivation import Derivation
from derive.kernel.terms import ONE, RELATIONS, Term, instantiate, mentions, mul, rebuild, subterms
from derive.render.latex import Tex, latex
from derive.symbols import DEFAULT, Notation

Index = str | None
Show = Callable[[Term], str]


def entry_tex(term: Term, rows: Index, columns: Index = None, notation: Notation = DEFAULT) -> Tex | None:
    r"""The matrix whose entry the term is, as LaTeX; None where it is not of this form.

    >>> from derive.syntax import parse_expression
    >>> entry_tex(parse_expression("sum(x[i, k]*(2*(z(i) - y[i])), i, 1, N)").term, "k")
    '2 X^{\\top} \\left(z -y\\right)'
    """
    found = _entry(lambda part: latex(part, notation), term, rows, columns, 0)
    return None if found is None else Tex(found[0])


Piece = tuple[str, int]  # the text, and how tightly it binds: 0 a sum, 1 a product, 2 an atom
_SUM, _PRODUCT, _ATOM = 0, 1, 2


def _at_least(piece: Piece, level: int) -> str:
    return piece[0] if piece[1] >= level else rf"\left({piece[0]}\right)"


def _entry(show: Show, term: Term, r: Index, c: Index, depth: int) -> Piece | None:
    tag = term[0]
    if r is None:
        return None
    if tag == "+" and all(_moves(part, r, c) for part in term[1:]):
        return _sum([_entry(show, part, r, c, depth) for part in term[1:]])
    if tag == "neg":
        inner = _entry(show, term[1], r, c, depth)
        return None if inner is None else ("-" + _at_least(inner, _PRODUCT), _SUM)
    if c is not None and tag == "f" and term[1] == "kronecker" and {*term[2:]} == {("v", r), ("v", c)}:
        return "I", _ATOM
    if tag in ("ix", "call") and (name := _matrix(show, term, r, c)):
        return name, _ATOM
    if tag == "*":
        return _product(show, list(term[1:]), r, c, depth)
    if tag == "/" and not _moves(term[2], r, c) and _elementwise(show, term, r, c) is None:
        return _product(show, [("/", ONE, term[2]), term[1]], r, c, depth)
    if tag == "sum":
        return _contraction(show, term, r, c, depth)
    return _elementwise(show, term, r, c)


def _moves(term: Term, *indices: Index) -> bool:
    return any(index is not None and mentions(term, index) for index in indices)


def _sum(parts: list[Piece | None]) -> Piece | None:
    if any(part is None for part in parts):
        return None
    texts = [_at_least(part, _SUM) for part in parts if part is not None]
    return " ".join(text if k == 0 or text[0] == "-" else f"+ {text}" for k, text in enumerate(texts)), _SUM


def _matrix(show: Show, term: Term, r: str, c: Index) -> str | None:
    """x[i, k] as X or its transpose, y[i] or z(i) as a vector."""
    places = [part[1] if part[0] == "v" else "" for part in term[2:]]
    if c is None:
        return show(("v", term[1])) if places == [r] else None
    name = show(("v", _capital(term[1])))
    return name if places == [r, c] else rf"{name}^{{\top}}" if places == [c, r] else None


def _product(show: Show, factors: list[Term], r: str, c: Index, depth: int) -> Piece | None:
    fixed = [part for part in factors if not _moves(part, r, c)]
    moving = [part for part in factors if _moves(part, r, c)]
    front = show(mul(*fixed)) if fixed else ""
    inner = _entry(show, moving[0], r, c, depth) if len(moving) == 1 else _elementwise(show, mul(*moving), r, c)
    if inner is None:
        pieces = [_entry(show, part, r, c, depth) for part in moving]
        if len(moving) == 1 or None in pieces:
            return None
        inner = r" \odot ".join(_at_least(piece, _ATOM) for piece in pieces if piece), _PRODUCT
    return (f"{front} {_at_least(inner, _PRODUCT)}", _PRODUCT) if front else inner


def _flat(term: Term) -> list[Term]:
    """The factors of a product, brackets opened, numbers first."""
    if term[0] == "*":
        return sorted((f for part in term[1:] for f in _flat(part)), key=lambda f: f[0] != "q")
    return [term]


def _contraction(show: Show, term: Term, r: str, c: Index, depth: int) -> Piece | None:
    """sum over s of M(r, s) d(s) M'(s, c): a product of matrices, d on a diagonal between them."""
    s = f"s{depth}"
    factors = _flat(instantiate(term[3], ("v", s)))
    fixed = [f for f in factors if not _moves(f, r, c, s)]
    left = [f for f in factors if _moves(f, r)]
    right = [f for f in factors if _moves(f, c) and not _moves(f, r)]
    between = [f for f in factors if f not in (*fixed, *left, *right)]
    if len(left) != 1 or len(right) != (c is not None) or (c is None and not between) or term[1] != ONE:
        return None
    first = _entry(show, left[0], r, s, depth + 1)
    middle = _entry(show, mul(*between), s, None, depth + 1) if between else None
    last = _entry(show, right[0], s, c, depth + 1) if right else None
    if first is None or (between and middle is None) or (right and last is None):
        return None
    parts = [show(mul(*fixed))] if fixed else []
    parts.append(_at_least(first, _PRODUCT))
    if middle is not None:
        parts.append(rf"\operatorname{{diag}}\left({middle[0]}\right)" if right else _at_least(middle, _ATOM))
    if last is not None:
        parts.append(_at_least(last, _PRODUCT))
    return " ".join(parts), _PRODUCT


def _elementwise(show: Show, term: Term, r: str, c: Index) -> Piece | None:
    """A vector or matrix whose functions act entry by entry: the indices are left out wherever they stand."""

    def without(node: Term) -> Term:
        if node[0] in ("ix", "call") and node[2:] == tuple(("v", index) for index in (r, c) if index):
            return ("v", node[1] if c is None else _capital(node[1]))
        return rebuild(node, lambda part, _: without(part))

    plain = without(term)
    if plain == term or _moves(plain, r, c):
        return None
    level = _SUM if plain[0] in ("+", "neg") else _PRODUCT if plain[0] in ("*", "/", "sum") else _ATOM
    return show(plain), level


def _capital(name: str) -> str:
    return name.upper() if len(name) == 1 else name


def matrix_braces(derivation: Derivation) -> list[dict[tuple[int, ...], Tex]]:
    """For each line, by path: the matrix below what is one of its entries, in its last line and both its sides."""
    found: list[dict[tuple[int, ...], Tex]] = [{} for _ in derivation.lines]
    if not any(symbol.role == "indexed" and symbol.arity == 2 for symbol in derivation.assumptions.symbols):
        return found
    notation = DEFAULT.with_primes(derivation.assumptions.facts)
    for line, braces in zip(derivation.lines, found, strict=True):
        sides = [((k,), line.term[k]) for k in (1, 2)] if line.term[0] in RELATIONS else [((), line.term)]
        for path, side in sides if line.relation else ():
            nodes = [node for node in subterms(side) if node[0] in ("ix", "call")]
            names = list(dict.fromkeys(p[1] for node in nodes for p in node[2:] if p[0] == "v"))
            if 0 < len(names) <= 2 and any(node[0] == "sum" for node in subterms(side)):
                text = entry_tex(side, names[0], names[1] if names[1:] else None, notation)
                if text is not None:
                    braces[path] = Tex(rf"\left({text}\right)_{{{', '.join(latex(('v', name)) for name in names)}}}")
    return found


__all__ = ["entry_tex", "matrix_braces"]

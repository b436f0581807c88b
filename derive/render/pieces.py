"""Printed sub-terms: how tightly each binds and what stands at its two ends."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from fractions import Fraction
from typing import NamedTuple

from derive.kernel.terms import BINDERS, Term, subterms

RELATION_SIGNS = {
    "=": "=", "!=": r"\neq", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge", "<=>": r"\Longleftrightarrow",
}  # fmt: skip
CALLED = {
    "min": r"\min", "max": r"\max", "sign": r"\operatorname{sign}", "erf": r"\operatorname{erf}", "gamma": r"\Gamma",
}  # fmt: skip
INDEX_NAMES = ("i", "j", "k", "l", "m", "n", "p", "q", "r", "s")
ARGUMENT_NAMES = ("u", "v", "s", "t", "x", "y", "z")
_SMALL = 8  # nodes


class Tex(str):
    """LaTeX that a printer here wrote; a plain string is words, to be escaped."""

    __slots__ = ()


class Level(IntEnum):
    """How tightly a piece binds, from a whole statement to a single name."""

    WHOLE = 0
    IFF = 1
    OR = 2
    AND = 3
    RELATION = 4
    OPTIMUM = 5
    SUM = 6
    NEGATIVE = 7
    PRODUCT = 8
    PREFIX = 9  # sum, derivative, log x: they take what follows
    POWER = 10
    FRACTION = 11
    CALL = 12
    ATOM = 13


class Piece(NamedTuple):
    """A printed sub-term; `first` and `last` say what its ends are, `open` that it would swallow a further factor."""

    text: str
    level: Level
    tall: bool = False
    first: str = ""
    last: str = ""
    open: bool = False


def parenthesised(piece: Piece) -> Piece:
    r"""The piece in parentheses, which grow when it is tall.

    >>> parenthesised(Piece(r"\frac{a}{b}", Level.FRACTION, tall=True)).text
    '\\left(\\frac{a}{b}\\right)'
    """
    return Piece(bracketed("", piece.text, piece.tall), Level.ATOM, piece.tall, "(", ")")


def bracketed(head: str, inside: str, tall: bool) -> str:
    """A head and its parenthesis."""
    return rf"{head}\left({inside}\right)" if tall else f"{head}({inside})"


def times(left: Piece, right: Piece, functions: Collection[str]) -> str:
    r"""What stands between two factors: mostly a space, a dot where they would be read as something else.

    `functions` are the printed names that are called somewhere: f before a parenthesis would be a call.
    """
    mixed_number = left.last == "digit" and right.first in ("digit", "fraction")
    if right.first == "digit" or mixed_number or left.last == right.first == "|":
        return r" \cdot "
    if right.first == "(" and left.last in functions:
        return r" \cdot "
    return r" \, " if "\\mathit" in (left.last[:7], right.first[:7]) else " "


def is_tall(term: Term) -> bool:
    """Whether a term holds what makes a line higher: a fraction, a sum, a product, a derivative."""
    return any(
        node[0] in ("/", "diff", *BINDERS) or (node[0] == "q" and Fraction(node[1]).denominator != 1)
        for node in subterms(term)
    )


def is_small(term: Term) -> bool:
    """Whether a term can be read as an exponent of e; a larger one is written exp(...)."""
    nodes = list(subterms(term))
    return len(nodes) <= _SMALL and all(node[:2] != ("f", "exp") for node in nodes)

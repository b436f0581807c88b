"""A term while it is parsed: how deep it is, and how large the numbers in it could become if anyone computed them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import log2
from typing import NamedTuple

from derive.kernel.terms import Term

MAX_EXPONENT = 1000
MAX_BITS = float(1 << 14)  # of a power of numerals
_ROUNDING = 1e-9  # of log2: 2*500 is not larger than 1000

Bits = tuple[float, float]


class Node(NamedTuple):
    """A term under construction.

    shape: "integer" for a bare literal, "group" for a bracket, "chain" for a < b < c, "claim" for any other claim.
    bits: bounds of log2 of numerator and denominator if the term is made of numerals alone, else None.
    power: whether such a term holds a power.
    """

    term: Term
    depth: int
    column: int
    binders: tuple[str, ...] = ()
    shape: str = ""
    bits: Bits | None = None
    power: bool = False

    @property
    def too_large(self) -> bool:
        """Whether the term is a number that may not stand in an exponent or under a factorial."""
        return self.bits is not None and max(self.bits) > log2(MAX_EXPONENT) + _ROUNDING


def bits_of(value: Fraction) -> Bits:
    return log2(abs(value.numerator) or 1), log2(value.denominator)


def size(tag: str, parts: Sequence[Node]) -> tuple[Bits | None, bool]:
    """Bounds of log2 of numerator and denominator of a term of numerals, and whether it holds a power.

    None unless the term is made of numerals by + * / neg ^ alone.
    """
    bits = [part.bits for part in parts if part.bits is not None]
    if tag not in ("+", "*", "/", "neg", "^") or len(bits) < len(parts):
        return None, False
    power = tag == "^" or any(part.power for part in parts)
    if tag == "neg":
        return bits[0], power
    if tag == "*":
        return (sum(top for top, _ in bits), sum(low for _, low in bits)), power
    if tag == "/":
        (top, low), (under, over) = bits
        return (top + over, low + under), power
    if tag == "+":
        low = sum(low for _, low in bits)
        tops = [top + low - own for top, own in bits]
        most = max(tops)
        return (most + log2(sum(2.0 ** (top - most) for top in tops)), low), power
    # a negative exponent swaps numerator and denominator
    most = max(bits[0]) * 2.0 ** min(bits[1][0], 64.0)
    return (most, most), power

"""Terms to SymPy and back, by hand, node by node: no string is ever parsed, and nothing here is trusted.

Sums over a symbolic range have no place in what SymPy searches: they are taken at a small number of terms, or kept
as an opaque symbol. Real symbols, positive where an assumption says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from functools import reduce
from operator import mul
from typing import Any

import sympy as sp

from derive.errors import Undecided
from derive.kernel.terms import Term, add, instantiate, q, substitute

MAX_EXPONENT = 64


class Bridge:
    """One translation: opaque sub-terms become symbols, and are put back on the way home."""

    def __init__(self, positive: frozenset[str] = frozenset(), nonnegative: Collection[Term] = ()) -> None:
        self.positive, self.nonnegative = positive, nonnegative
        self.symbols: dict[Term, sp.Symbol] = {}
        self.terms: dict[sp.Symbol, Term] = {}

    def symbol(self, term: Term) -> sp.Symbol:
        if term not in self.symbols:
            sure = term[0] == "c" or (term[0] == "v" and term[1] in self.positive)
            known = {"positive": True} if sure else {"nonnegative": True} if term in self.nonnegative else {}
            dummy = sp.Dummy(f"s{len(self.symbols)}", real=True, **known)
            self.symbols[term], self.terms[dummy] = dummy, term
        return self.symbols[term]

    def to_sympy(self, term: Term) -> Any:
        """The SymPy expression of a real-valued term."""
        tag = term[0]
        if tag == "q":
            return sp.Rational(term[1].numerator, term[1].denominator)
        if tag == "+":
            return sp.Add(*map(self.to_sympy, term[1:]))
        if tag == "*":
            return sp.Mul(*map(self.to_sympy, term[1:]))
        if tag == "neg":
            return -self.to_sympy(term[1])
        if tag == "/":
            return self.to_sympy(term[1]) / self.to_sympy(term[2])
        if tag == "^":
            if term[2][0] == "q" and abs(term[2][1]) > MAX_EXPONENT:
                return self.symbol(term)
            return self.to_sympy(term[1]) ** self.to_sympy(term[2])
        if tag == "f" and term[1] in ("exp", "log", "sqrt", "abs", "sign"):
            inner = self.to_sympy(term[2])
            functions = {"exp": sp.exp, "log": sp.log, "sqrt": sp.sqrt, "abs": sp.Abs, "sign": sp.sign}
            return functions[term[1]](inner)
        return self.symbol(term)

    def to_term(self, expr: Any) -> Term:
        """A term for a SymPy expression that came from this bridge."""
        if expr in self.terms:
            return self.terms[expr]
        if isinstance(expr, sp.Rational):
            return q(Fraction(int(expr.p), int(expr.q)))
        if isinstance(expr, sp.Add):
            return add(*map(self.to_term, expr.as_ordered_terms()))
        if isinstance(expr, sp.Mul):
            numerator, denominator = expr.as_numer_denom()
            if denominator != 1:
                return ("/", self.to_term(numerator), self.to_term(denominator))
            sign, rest = expr.as_coeff_Mul()
            if sign == -1:
                return ("neg", self.to_term(rest))
            return ("*", *map(self.to_term, expr.as_ordered_factors()))
        if isinstance(expr, sp.exp):
            return ("f", "exp", self.to_term(expr.args[0]))
        if isinstance(expr, sp.Pow):
            base, exponent = expr.as_base_exp()
            if exponent == sp.Rational(1, 2):
                return ("f", "sqrt", self.to_term(base))
            if exponent.could_extract_minus_sign():
                return ("/", q(1), self.to_term(base ** (-exponent)))
            return ("^", self.to_term(base), self.to_term(exponent))
        for name, function in (("log", sp.log), ("abs", sp.Abs), ("sign", sp.sign)):
            if isinstance(expr, function):
                return ("f", name, self.to_term(expr.args[0]))
        raise Undecided(f"SymPy answered with {type(expr).__name__}, which has no place in the language")


def written_out(term: Term, values: Mapping[str, int]) -> Term:
    """The term with names of ranges set to small numbers, and every sum and product written out."""
    for name, value in values.items():
        term = substitute(term, ("v", name), q(value))
    return _expand(term)


def _expand(term: Term) -> Term:
    if term[0] in ("sum", "prod"):
        lo, hi = number(term[1]), number(term[2])
        if lo is None or hi is None or hi - lo > 8:
            return term
        parts = [_expand(instantiate(term[3], q(k))) for k in range(int(lo), int(hi) + 1)]
        tag, empty = ("+", q(0)) if term[0] == "sum" else ("*", q(1))
        return parts[0] if len(parts) == 1 else (tag, *parts) if parts else empty
    if term[0] in ("q", "v", "b", "c") or term[0] in ("argmax", "argmin"):
        return term
    rebuilt = tuple(_expand(part) if isinstance(part, tuple) else part for part in term)
    if rebuilt[0] in ("ix", "call"):  # y[1 + 1] and y[2] have to be one symbol
        return tuple(_index(part) if isinstance(part, tuple) else part for part in rebuilt)
    return rebuilt


def _index(term: Term) -> Term:
    value = number(term)
    return term if value is None else q(value)


def number(term: Term) -> Fraction | None:
    """The value of a term made of numbers, + , -, * and / alone."""
    tag = term[0]
    if tag == "q":
        return Fraction(term[1])
    if tag not in ("+", "*", "neg", "/"):
        return None
    parts = [number(part) for part in term[1:]]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if tag == "neg":
        return -known[0]
    if tag == "/":
        return known[0] / known[1] if known[1] else None
    return sum(known, Fraction(0)) if tag == "+" else reduce(mul, known)

"""Finds hints for the kernel's rules: SymPy and rewriting search here, and nothing found is believed.

Each function yields candidates; the prover hands them to the kernel one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

from derive.kernel.terms import ONE, ZERO, Term, add, instantiate, mentions, mul, q, sub, subterms
from derive.limits import too_large
from derive.linear import nonnegative_solution
from derive.sympy_bridge import Bridge, number, written_out

MAX_PIECES = 200
MAX_GENERATORS = 120


def positive_names(facts: tuple[Term, ...]) -> frozenset[str]:
    """The names that an assumption bounds below by a number >= 0."""
    return frozenset(
        fact[1][1]
        for fact in facts
        if fact[0] in (">", ">=") and fact[1][0] == "v" and fact[2][0] == "q"
        if fact[2][1] > 0 or (fact[0] == ">" and fact[2][1] == 0)
    )


# --- argopt: f = c + k*g --------------------------------------------------------------------------------------------


def affine_hints(f: Term, g: Term, names: tuple[str, ...], facts: tuple[Term, ...]) -> Iterator[tuple[Term, Term]]:
    """Candidates (constant, factor) with f = constant + factor*g, both free of the names."""
    for factor in _factors(f, g, names, facts):
        for multiply in (False, True):
            constants = [_constant(side, names, multiply) for side in (f, g)]
            if None not in constants:
                of_f, of_g = constants
                yield (of_f if of_g == ZERO else sub(of_f, mul(factor, of_g))), factor  # type: ignore[misc, arg-type]


def _factors(f: Term, g: Term, names: tuple[str, ...], facts: tuple[Term, ...]) -> Iterator[Term]:
    """Candidates for the ratio of the parts of f and g that move with the names."""
    yield from (ONE, q(-1))
    if too_large(f) or too_large(g):
        return
    import sympy as sp

    ranges = sorted({str(name[1]) for side in (f, g) for node in subterms(side) if node[0] in ("sum", "prod")
                     for end in node[1:3] for name in subterms(end) if name[0] == "v"})  # fmt: skip
    found: list[Any] = []
    bridge = Bridge(positive_names(facts))
    scale = sp.Integer(1)
    for varied in (None, *ranges):
        values = {name: 2 if name == varied else 1 for name in ranges}
        top, bottom = (bridge.to_sympy(written_out(side, values)) for side in (f, g))
        ratio = _ratio(top, bottom, bridge, names)
        if ratio is None:
            return
        found.append(ratio)
        if varied is not None and ratio != found[0]:
            step = sp.cancel(ratio / found[0])
            power = {sp.Integer(2): 1, sp.Rational(1, 2): -1, sp.Integer(4): 2, sp.Rational(1, 4): -2}.get(step)
            if power is None:
                return
            scale *= bridge.symbol(("v", varied)) ** power
    yield bridge.to_term(sp.factor(found[0] * scale))


def _ratio(f: Any, g: Any, bridge: Bridge, names: tuple[str, ...]) -> Any:
    import sympy as sp

    moving = {s for s, term in bridge.terms.items() if any(mentions(term, name) for name in names)}

    def part(expr: Any) -> Any:
        expr = sp.expand(sp.expand_log(sp.expand(expr), force=True))
        return sp.Add(*(term for term in sp.Add.make_args(expr) if term.free_symbols & moving))

    top, bottom = part(f), part(g)
    if top == 0 or bottom == 0:
        return None
    ratio = sp.cancel(sp.together(top / bottom))
    return None if ratio.free_symbols & moving else ratio


def _constant(side: Term, names: tuple[str, ...], multiply: bool) -> Term | None:
    """The sum of the pieces of a term that are free of the names."""
    parts = [_counted(part) for part in pieces(side, multiply=multiply, names=names)]
    if len(parts) > MAX_PIECES:
        return None
    free = [part for part in parts if not any(mentions(part, name) for name in names)]
    return add(*(part for part in free if part != ZERO))


def _counted(piece: Term) -> Term:
    """sum(c, i, 1, N) as N*c where c does not depend on i."""
    if piece[0] == "neg":
        return ("neg", _counted(piece[1]))
    if piece[0] == "sum" and piece[1] == ONE and not any(n[0] in ("b", "sum", "prod") for n in subterms(piece[3])):
        return mul(piece[2], piece[3])
    return piece


def pieces(term: Term, *, multiply: bool = False, names: tuple[str, ...] = (), level: int = 0) -> list[Term]:
    """A term as a list of summands: logarithms of products, sums of sums and products with numbers taken apart.

    With `names`, what is free of them is left as it is.
    """
    tag = term[0]
    if level > 24 or (names and not any(mentions(term, name) for name in names)):
        return [term]

    def deeper(part: Term) -> list[Term]:
        return pieces(part, multiply=multiply, names=names, level=level + 1)

    if tag == "+":
        return [piece for part in term[1:] for piece in deeper(part)]
    if tag == "neg":
        return [piece[1] if piece[0] == "neg" else ("neg", piece) for piece in deeper(term[1])]
    if tag == "/":
        return [_over(piece, term[2]) for piece in deeper(term[1])]
    if tag == "*":
        split = [deeper(part) for part in term[1:]]
        moving = [parts for parts in split if len(parts) > 1]
        if names and not multiply and sum(any(mentions(part, name) for name in names) for part in term[1:]) > 1:
            return [term]
        if len(moving) == 1 or (moving and multiply):
            found: list[Term] = [ONE]
            for parts in split:
                found = [_product(left, right) for left in found for right in parts]
                if len(found) > MAX_PIECES:
                    return [term]
            return found
    if tag == "^" and multiply and term[2] in (q(2), q(3)):
        return deeper(mul(*[term[1]] * int(term[2][1]))) if term[1][0] in ("+", "neg") else [term]
    if tag == "sum":
        return [piece_of_sum(term, piece) for piece in deeper(term[3])]
    if tag == "f" and term[1] == "log":
        logs = _logs(term[2], names)
        return logs if logs == [term] else [piece for part in logs for piece in deeper(part)]
    return [term]


def piece_of_sum(term: Term, piece: Term) -> Term:
    """One summand of the body as a sum of its own, its sign in front."""
    if piece[0] == "neg":
        return ("neg", ("sum", term[1], term[2], piece[1]))
    return ("sum", term[1], term[2], piece)


def _over(piece: Term, below: Term) -> Term:
    return ("neg", ("/", piece[1], below)) if piece[0] == "neg" else ("/", piece, below)


def _product(left: Term, right: Term) -> Term:
    if right[0] == "neg":
        inner = _product(left, right[1])
        return inner[1] if inner[0] == "neg" else ("neg", inner)
    if left[0] == "neg":
        return ("neg", _product(left[1], right))
    return right if left == ONE else left if right == ONE else ("*", left, right)


def _logs(inner: Term, names: tuple[str, ...] = ()) -> list[Term]:
    """log(inner) as summands; factors free of the names stay together under one logarithm."""
    if names and not any(mentions(inner, name) for name in names):
        if inner == ONE:
            return []
        if inner[:2] == ("f", "sqrt"):
            return [("*", q("1/2"), ("f", "log", inner[2]))]
        if inner[0] == "/" and inner[1] == ONE:
            return [("neg", log) for log in _logs(inner[2], names)]
        return [("f", "log", inner)]
    if inner[0] == "*":
        free = [part for part in inner[1:] if names and not any(mentions(part, name) for name in names)]
        rest = [part for part in inner[1:] if part not in free]
        return [log for part in ([mul(*free)] if free else []) + rest for log in _logs(part, names)]
    if inner[0] == "/":
        return _logs(inner[1], names) + [("neg", log) for log in _logs(inner[2], names)]
    if inner[0] == "^":
        return [_scaled(inner[2], log) for log in _logs(inner[1], names)]
    if inner[:2] == ("f", "sqrt"):
        return [_scaled(q("1/2"), log) for log in _logs(inner[2], names)]
    if inner[:2] == ("f", "exp"):
        return [inner[2]]
    if inner == ONE:
        return [] if names else [ZERO]
    if inner[0] == "prod":
        return [piece_of_sum(inner, log) for log in _logs(inner[3], names)]
    return [("f", "log", inner)]


def _scaled(factor: Term, log: Term) -> Term:
    if factor[0] == "q" and log[0] == "*" and log[1][0] == "q":
        product = q(factor[1] * log[1][1])
        return mul(*log[2:]) if product == ONE else ("*", product, *log[2:])
    return ("neg", ("*", factor[1], log)) if factor[0] == "neg" else ("*", factor, log)


# --- positive: a form whose sign shows ------------------------------------------------------------------------------


def sign_forms(difference: Term, facts: tuple[Term, ...], nonnegative: tuple[Term, ...] = ()) -> Iterator[Term]:
    """Forms of a difference that may show its sign: itself, factored, over its denominator, from the assumptions.

    `nonnegative` are atoms, sums and products among them, of which more is known than a fact says.
    """
    yield difference
    if too_large(difference):
        return
    import sympy as sp

    bridge = Bridge(positive_names(facts), nonnegative)
    expr = bridge.to_sympy(difference)
    together = sp.together(expr)
    yield bridge.to_term(sp.factor(together))
    numerator, denominator = sp.fraction(sp.cancel(together))
    positive = [bridge.symbol(("v", name)) for name in sorted(bridge.positive)]
    for multiplier in (sp.Integer(1), *(s for s in positive if s in together.free_symbols | _symbols(facts, bridge))):
        for side in (1, -1):
            top, bottom = sp.expand(side * numerator * multiplier), sp.factor(side * denominator * multiplier)
            below = bridge.to_term(bottom)
            for form in _numerator_forms(top, facts, bridge):
                yield form if bottom == 1 else ("/", form, below)


def _symbols(facts: tuple[Term, ...], bridge: Bridge) -> set[Any]:
    return {s for value, _ in _given(facts, bridge) for s in value.free_symbols}


def _given(facts: tuple[Term, ...], bridge: Bridge) -> list[tuple[Any, Term]]:
    """The comparisons among the assumptions as polynomials >= 0, cleared of denominators that are positive names."""
    import sympy as sp

    given: list[tuple[Any, Term]] = []
    halves = (part for f in facts for part in ([("<=", *f[1:]), (">=", *f[1:])] if f[0] == "=" else [f]))
    for fact in halves:
        if fact[0] not in (">", ">=", "<", "<="):
            continue
        left, right = (fact[1], fact[2]) if fact[0] in (">", ">=") else (fact[2], fact[1])
        term = left if right == ZERO else sub(left, right)
        if too_large(term):
            continue
        value, below = sp.fraction(sp.cancel(sp.together(bridge.to_sympy(term))))
        if not value.is_polynomial(*value.free_symbols):
            continue
        if below != 1 and not below.is_positive:
            value, below = -value, -below
        if below == 1 or below.is_positive:
            given.append((sp.expand(value), term if below == 1 else mul(bridge.to_term(below), term)))
    return given


def _numerator_forms(top: Any, facts: tuple[Term, ...], bridge: Bridge) -> Iterator[Term]:
    squares = _sum_of_squares(top, bridge)
    if squares is not None:
        yield squares
    yield from _combination(top, facts, bridge)


def _sum_of_squares(expr: Any, bridge: Bridge) -> Term | None:
    """Complete the squares of a quadratic form, one variable after the other."""
    import sympy as sp

    symbols = sorted(expr.free_symbols, key=str)
    if not symbols or not expr.is_polynomial(*symbols):
        return None
    parts: list[Term] = []
    rest = sp.Poly(expr, *symbols)
    for x in symbols:
        as_x = sp.Poly(rest.as_expr(), x)
        if as_x.degree() == 0:
            continue
        if as_x.degree() != 2:
            return None
        a, b, c = as_x.all_coeffs()
        parts.append(mul(bridge.to_term(a), ("^", bridge.to_term(x + sp.cancel(b / (2 * a))), q(2))))
        left = sp.cancel(c - b**2 / (4 * a))
        if not left.is_polynomial():
            return None
        rest = sp.Poly(left, *symbols)
    remainder = bridge.to_term(rest.as_expr())
    return add(*parts) if remainder == ZERO else add(*parts, remainder)


def _combination(expr: Any, facts: tuple[Term, ...], bridge: Bridge) -> Iterator[Term]:
    """A combination, with coefficients >= 0, of products of assumptions and squares: an exact linear program."""
    import sympy as sp

    given = _given(facts, bridge)
    symbols = sorted(expr.free_symbols | {s for value, _ in given for s in value.free_symbols}, key=str)
    if not expr.is_polynomial(*symbols) or len(symbols) > 6:
        return
    generators: list[tuple[Any, Term]] = [(sp.Integer(1), ONE), *given]
    generators += [(sp.expand(a * b), mul(ta, tb)) for (a, ta), (b, tb) in combinations_with_replacement(given, 2)]
    atoms = [(bridge.symbol(term), term) for term in bridge.nonnegative]
    for many in (1, 2, 3):
        for some in combinations_with_replacement(atoms, many):
            generators.append((sp.Mul(*(a for a, _ in some)), mul(*(term for _, term in some))))
    generators += [(sp.expand(a * b), mul(ta, tb)) for a, ta in given for b, tb in atoms]
    for k, x in enumerate(symbols):
        tx = bridge.to_term(x)
        generators.append((x**2, ("^", tx, q(2))))
        for y in symbols[k + 1 :]:
            ty = bridge.to_term(y)
            generators.append((sp.expand((x - y) ** 2), ("^", sub(tx, ty), q(2))))
            generators.append((sp.expand((x + y) ** 2), ("^", add(tx, ty), q(2))))
    generators = generators[:MAX_GENERATORS]
    polys = [sp.Poly(value, *symbols or (sp.Dummy(),)) for value in (expr, *(value for value, _ in generators))]
    monomials = sorted({m for poly in polys for m in poly.monoms()})
    if any(not c.is_Rational for poly in polys for c in poly.coeffs()):
        return
    target, *columns = ([Fraction(int(c.p), int(c.q)) for c in map(poly.coeff_monomial, monomials)] for poly in polys)
    weights = nonnegative_solution(columns, target)
    if weights is not None:
        chosen = [(w, term) for w, (_, term) in zip(weights, generators, strict=True) if w]
        yield add(*(term if w == 1 else mul(q(w), term) for w, term in chosen))


__all__ = ["affine_hints", "instantiate", "number", "pieces", "positive_names", "sign_forms"]

"""The normal form: a term becomes a polynomial over the rationals in opaque atoms.

What makes a law sound is said where it stands. Everywhere the term is taken to be defined (signs.defined proves that
first): every denominator is non-zero, every logarithm has a positive argument, every root a non-negative one.
Equal normal forms prove equality; different ones prove nothing. Beyond the laws of a field, of exp, roots and
absolute values, a law is on only where the rule at work names it: "sum", "log", "diff".
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import reduce
from math import floor

from derive.kernel import derivative as D
from derive.kernel import poly as P
from derive.kernel import ranges as R
from derive.kernel import signs as S
from derive.kernel.poly import Context, Mono, Poly
from derive.kernel.terms import ONE, ZERO, Term, canonical

from derive.kernel.terms import q, require, sub  # isort: skip

PRIMES = 1000  # under roots and logarithms, primes up to here are split off
C1 = Fraction(1)


def normal(term: Term, ctx: Context) -> Poly:
    """The normal form of a real-valued term."""
    if term not in ctx.normals:
        name = term[1] if term[0] == "f" else term[0]
        require(name in LAWS, f"a number is expected here, not {term[0]}", term)
        ctx.spend(1)
        found = ctx.normals[term] = LAWS[name](term, ctx)
        small = len(found) <= P.MAX_TERMS and all(bits(c) <= P.MAX_BITS for c in found.values())
        require(small, "an expression or a number in it grows too large; split the step", term)
    return ctx.normals[term]


# --- products and powers --------------------------------------------------------------------------------------------


def times(left: Poly, right: Poly, ctx: Context) -> Poly:
    pairs = ((m1, c1, m2, c2) for m1, c1 in left.items() for m2, c2 in right.items())
    return P.plus(*(reduced(P.merge(m1, m2), c1 * c2, ctx) for m1, c1, m2, c2 in pairs))


def product(polys: Iterable[Poly], ctx: Context) -> Poly:
    return reduce(lambda left, right: times(left, right, ctx), polys, P.UNIT)


def reduced(mono: Mono, c: Fraction, ctx: Context) -> Poly:
    """Rewrite the powers that have a law: (u + v)**1 = u + v, |u|**2 = u**2, 2**(3/2) = 2 * 2**(1/2)."""
    ctx.spend(1 + len(mono))
    for base, e in mono:
        inner, n = base, floor(e)
        if base[:2] == ("f", "abs"):
            inner, n = base[2], n - n % 2
        elif base[0] != "q" and not (composite(base) and n > 0):
            continue
        if n:
            return times({P.merge(mono, ((base, C1),), -n): c}, integer_power(normal(inner, ctx), n, ctx), ctx)
    return {mono: c}


def bits(c: Fraction) -> int:
    return c.numerator.bit_length() + c.denominator.bit_length()


def composite(base: Term) -> bool:
    """Whether an atom is a polynomial of its own, kept whole under a root or in a denominator."""
    return base[0] in ("+", "*") or (base[0] == "^" and base[2][0] == "q")


def integer_power(poly: Poly, n: int, ctx: Context) -> Poly:
    if n < 0:
        c, mono = factors(poly, ctx)  # a product that is not zero has no factor that is zero
        return integer_power(reduced(P.merge((), mono, -1), 1 / c, ctx), -n, ctx)
    if len(poly) != 1:
        return product([poly] * min(n, P.MAX_TERMS if poly else 1), ctx)  # 0**0 = 1; (u + v)**n has n + 1 terms
    ((mono, c),) = poly.items()
    require(n * bits(c) <= P.MAX_BITS, "a power of a number is too large to write out")
    return reduced(P.merge((), mono, n), c**n, ctx)


def cleared(poly: Poly, ctx: Context) -> tuple[Poly, Mono]:
    """(n, m) with n = poly * m: multiplied by the sums that stand in denominators, each known to be non-zero."""
    lowest: dict[Term, Fraction] = {}
    for base, e in (power for mono in poly for power in mono if power[1] < 0 and composite(power[0])):
        lowest[base] = min(e, lowest.get(base, e))
    if not lowest:
        return poly, ()
    below = P.merge((), P.ordered(lowest), -1)
    numerator, more = cleared(times(poly, {below: C1}, ctx), ctx)
    return numerator, P.merge(below, more)


def factors(poly: Poly, ctx: Context) -> tuple[Fraction, Mono]:
    """poly = c * m for a non-zero polynomial; what cannot be split is one atom of m, with leading coefficient 1."""
    numerator, below = cleared(poly, ctx)
    require(numerator, "an expression that has to be non-zero is zero")
    c, mono, rest = P.content(numerator)
    whole = () if rest == P.UNIT else ((P.to_term(rest), C1),)
    return c, P.merge(P.merge(mono, below, -1), whole)


def power(base: Term, exponent: Term, ctx: Context) -> Poly:
    """base ** exponent. Integer exponents take any base, 0**0 = 1; others need base >= 0 or > 0."""
    e = normal(exponent, ctx)
    value, inner = P.as_constant(e), normal(base, ctx)
    if value is not None and value.denominator > 1 and base[0] == "^" and base[2][0] == "q" and base[2][1] % 2 == 0:
        # sqrt(u**2) = |u|, also where u is a sum, whose square multiplied out would not show
        return power(("f", "abs", base[1]), q(base[2][1] * value), ctx)
    if value is not None:
        return rational_power(inner, value, ctx)
    if not S.integer_valued(e, ctx):  # u ** e = exp(e * log(u)), as u > 0
        return exp_of(times(e, log_of(base, ctx), ctx), ctx)
    # (u*v)**e = u**e * v**e for e >= 0, and for any integer e where u*v is not zero.
    nonzero = not S.sign_of(inner, ctx) & S.ZERO
    c, mono = factors(inner, ctx) if inner else (Fraction(0), ())
    splits = nonzero or (not S.sign_of(e, ctx) & S.NEG and all(k > 0 for _, k in mono))
    if c and splits and all(k.denominator == 1 for _, k in mono):
        parts = [symbolic_power(a, P.scale(e, k), nonzero, ctx) for a, k in mono]
        return product([symbolic_power(q(c), e, True, ctx), *parts], ctx)
    return symbolic_power(P.to_term(inner), e, nonzero, ctx)


def symbolic_power(base: Term, e: Poly, nonzero: bool, ctx: Context) -> Poly:
    """base ** e for an integer-valued e: the powers that are certainly defined are split off."""
    fixed = e.get((), Fraction(0))
    moving = {mono: c for mono, c in e.items() if mono}
    if nonzero:
        parts = [P.atom(("^", base, P.to_term({mono: C1})), c) for mono, c in moving.items() if base != ONE]
    elif fixed > 0 and not S.sign_of(moving, ctx) & S.NEG:  # u**(n + k) = u**n * u**k for n, k >= 0, also at u = 0
        parts = [P.atom(("^", base, P.to_term(moving)))]
    else:
        return P.atom(("^", base, P.to_term(e)))
    return product([integer_power(normal(base, ctx), int(fixed), ctx), *parts], ctx)


def rational_power(base: Poly, e: Fraction, ctx: Context) -> Poly:
    """base ** e, where for a fraction e base is >= 0, and so is each of its parts."""
    if e.denominator == 1:
        return integer_power(base, int(e), ctx)
    return product((reduced(((a, k * e),), C1, ctx) for a, k in parted(base, e < 0, ctx)), ctx) if base else {}


def parted(u: Poly, nonzero: bool, ctx: Context) -> Mono:
    """u >= 0 as powers of what is >= 0: primes, even powers as absolute values, and all of unknown sign as one."""
    c, mono = factors(u, ctx)
    odd = [(a, k) for a, k in mono if k % 2 and not nonnegative(a, k, ctx)]
    turned = [(P.to_term(P.scale(normal(a, ctx), -1)), k) for a, k in odd if not S.atom_sign(a, ctx) & S.POS]
    found = [(a if nonnegative(a, k, ctx) else ("f", "abs", a), k) for a, k in mono if (a, k) not in odd] + turned
    unknown = tuple((a, k) for a, k in odd if S.atom_sign(a, ctx) & S.POS)
    rest = reduced(unknown, Fraction((-1) ** (len(turned) + (c < 0))), ctx)
    # u*v >= 0 and v >= 0 give u >= 0 only where v is not zero
    if rest != P.UNIT and not nonzero and any(S.atom_sign(a, ctx) & S.ZERO for a, _ in found):
        found, rest = [], P.scale(u, 1 / abs(c))
    for n, side in ((c.numerator, 1), (c.denominator, -1)):
        for d in range(2, PRIMES):
            while n % d == 0:
                n //= d
                found.append((q(d), Fraction(side)))
        found += [(q(abs(n)), Fraction(side))] if abs(n) > 1 else []
    return tuple(found) if rest == P.UNIT else (*found, (P.to_term(rest), C1))


def nonnegative(base: Term, e: Fraction, ctx: Context) -> bool:
    return e.denominator > 1 or not S.atom_sign(base, ctx) & S.NEG  # a fractional power is defined, so >= 0


# --- functions ------------------------------------------------------------------------------------------------------


def exp_of(u: Poly, ctx: Context) -> Poly:
    """exp(u + v) = exp(u) exp(v); exp(c*u) = exp(u)**c; exp(c*log(v)) = v**c, as v > 0."""

    def part(mono: Mono, c: Fraction) -> Poly:
        if len(mono) == 1 and mono[0][0][:2] == ("f", "log") and mono[0][1] == 1:
            return rational_power(normal(mono[0][0][2], ctx), c, ctx)
        return P.atom(("f", "exp", P.to_term({mono: C1})), c)

    return product((part(mono, c) for mono, c in u.items()), ctx)


def log_of(term: Term, ctx: Context) -> Poly:
    """log(u*v) = log(u) + log(v), log(u**e) = e*log(u), log(exp(u)) = u, for u, v > 0.

    First as the term is written: multiplied out, its factors would not show. Then by the parts of its normal form.
    """
    tag = term[0]
    if term[:2] == ("f", "exp"):
        return normal(term[2], ctx)
    if tag in ("*", "/") and all(S.sign(part, ctx) == S.POS for part in term[1:]):
        first, *others = (log_of(part, ctx) for part in term[1:])
        return P.plus(first, *(P.scale(part, 1 if tag == "*" else -1) for part in others))
    if tag == "^" and S.sign(term[1], ctx) == S.POS:
        return times(normal(term[2], ctx), log_of(term[1], ctx), ctx)
    if tag == "prod":  # log(prod f_i) = sum log(f_i), each factor proved positive under the binder
        _, body, inside = S.opened(term, ctx)
        if S.sign(body, inside) == S.POS:
            return normal(("sum", term[1], term[2], ("f", "log", term[3])), ctx)
    parts = parted(normal(term, ctx), True, ctx)  # u > 0 has no part that is zero
    if len(parts) == 1 and parts[0][1] == 1:
        return P.atom(("f", "log", parts[0][0])) if parts[0][0] == term else log_of(parts[0][0], ctx)
    return P.plus(*(P.scale(log_of(a, ctx), k) for a, k in parts))


def _abs(term: Term, ctx: Context) -> Poly:
    """|u*v| = |u| |v|; |u| = u where u >= 0, -u where u <= 0."""
    u, signs = normal(term[2], ctx), S.sign(term[2], ctx)
    if not u or not signs & S.NEG or not signs & S.POS:
        return P.scale(u, -1 if signs & S.NEG else 1)
    c, mono = factors(u, ctx)
    powers = (((a if nonnegative(a, k, ctx) else ("f", "abs", a), k),) for a, k in mono)
    return P.scale(product((reduced(power, C1, ctx) for power in powers), ctx), abs(c))


def _sign(term: Term, ctx: Context) -> Poly:
    """sign(-u) = -sign(u): the canonical argument has a positive leading coefficient."""
    u, signs = normal(term[2], ctx), S.sign(term[2], ctx)
    if len(signs) == 1:
        return P.scale(P.UNIT, *signs)
    side = 1 if factors(u, ctx)[0] > 0 else -1
    return P.scale(P.atom(("f", "sign", P.to_term(P.scale(u, side)))), side)


def _opaque(term: Term, ctx: Context) -> Poly:
    """A name or function without a law: equal arguments give equal values."""
    return P.atom((*term[:2], *(P.to_term(normal(part, ctx)) for part in term[2:])))


def _extremum(term: Term, ctx: Context) -> Poly:
    """min and max take any order, and leave out what is certainly not needed."""
    side = 1 if term[1] == "max" else -1
    parts = sorted({P.to_term(normal(part, ctx)) for part in term[2:]}, key=canonical)
    for part in parts[:]:
        rest = [other for other in parts if other != part]
        if any(not S.sign_of(P.scale(normal(sub(other, part), ctx), side), ctx) & S.NEG for other in rest):
            parts = rest
    return P.atom((*term[:2], *parts)) if parts[1:] else normal(parts[0], ctx)


def _kronecker(term: Term, ctx: Context) -> Poly:
    """1 where the two integers are equal, else 0. The canonical one compares a difference with 0."""
    gap = normal(sub(term[2], term[3]), ctx)
    signs = S.sign_of(gap, ctx)
    if signs == S.ZERO or not signs & S.ZERO:
        return P.UNIT if signs == S.ZERO else {}
    side = 1 if factors(gap, ctx)[0] > 0 else -1
    return P.atom((*term[:2], P.to_term(P.scale(gap, side)), ZERO))


def _diff(term: Term, ctx: Context) -> Poly:
    if "diff" not in ctx.laws:
        return P.atom(term)
    if (slope := D.slope(term, ctx)) != term:
        return normal(slope, ctx)
    return P.atom(("diff", *(P.to_term(normal(part, ctx)) for part in term[1:])))


LAWS: dict[str, Callable[[Term, Context], Poly]] = {
    "q": lambda t, ctx: P.scale(P.UNIT, t[1]),
    **dict.fromkeys(("v", "c"), lambda t, ctx: P.atom(t)),
    "+": lambda t, ctx: P.plus(*(normal(part, ctx) for part in t[1:])),
    "*": lambda t, ctx: product((normal(part, ctx) for part in t[1:]), ctx),
    "neg": lambda t, ctx: P.scale(normal(t[1], ctx), -1),
    "/": lambda t, ctx: times(normal(t[1], ctx), integer_power(normal(t[2], ctx), -1, ctx), ctx),
    "^": lambda t, ctx: power(t[1], t[2], ctx),
    "sqrt": lambda t, ctx: power(t[2], q("1/2"), ctx),
    "exp": lambda t, ctx: exp_of(normal(t[2], ctx), ctx),
    "log": lambda t, ctx: log_of(t[2], ctx) if "log" in ctx.laws else _opaque(t, ctx),
    "abs": _abs, "sign": _sign, "diff": _diff, "sum": R.over_range, "prod": R.over_range,
    "min": _extremum, "max": _extremum, "kronecker": _kronecker,
    **dict.fromkeys(("ix", "call", "gamma", "factorial", "erf"), _opaque),
}  # fmt: skip

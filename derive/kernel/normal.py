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
from derive.kernel import signs as S
from derive.kernel.context import Context
from derive.kernel.poly import Mono, Poly
from derive.kernel.terms import ONE, Refused, Term, abstract, add, canonical, instantiate, mentions, q, sub

EXPAND = 64  # a sum or product of at most so many numbered terms is written out
PRIMES = 1000  # under roots and logarithms, primes up to here are split off


def normal(term: Term, ctx: Context) -> Poly:
    """The normal form of a real-valued term."""
    if term not in ctx.normals:
        law = LAWS.get(term[1] if term[0] == "f" else term[0])
        if law is None:
            raise Refused(f"a number is expected here, not {term[0]}", term)
        ctx.spend(1)
        ctx.normals[term] = P.check_size(law(term, ctx))
    return ctx.normals[term]


# --- products and powers --------------------------------------------------------------------------------------------


def times(left: Poly, right: Poly, ctx: Context) -> Poly:
    pairs = ((m1, c1, m2, c2) for m1, c1 in left.items() for m2, c2 in right.items())
    return P.check_size(P.plus(*(reduced(P.merge(m1, m2), c1 * c2, ctx) for m1, c1, m2, c2 in pairs)))


def reduced(mono: Mono, c: Fraction, ctx: Context) -> Poly:
    """Rewrite the powers that have a law: (u + v)**1 = u + v, |u|**2 = u**2, 2**(3/2) = 2 * 2**(1/2)."""
    ctx.spend(1 + len(mono))
    for k, (base, e) in enumerate(mono):
        inner, n = base, floor(e)
        if base[:2] == ("f", "abs"):
            inner, n = base[2], n - n % 2
        elif base[0] != "q" and not (composite(base) and n > 0):
            continue
        if n:
            rest = mono[:k] + (((base, e - n),) if e != n else ()) + mono[k + 1 :]
            return times({rest: c}, integer_power(normal(inner, ctx), n, ctx), ctx)
    return {mono: c}


def composite(base: Term) -> bool:
    """Whether an atom is a polynomial of its own, kept whole under a root or in a denominator."""
    return base[0] in ("+", "*") or (base[0] == "^" and base[2][0] == "q")


def product(powers: Iterable[tuple[Term, Fraction]], ctx: Context) -> Poly:
    """The product of atoms to powers."""
    return reduce(lambda left, power: times(left, reduced((power,), Fraction(1), ctx), ctx), powers, P.UNIT)


def integer_power(poly: Poly, n: int, ctx: Context) -> Poly:
    if n < 0:
        c, mono = factors(poly, ctx)  # a product that is not zero has no factor that is zero
        return integer_power(reduced(P.raised(mono, -1), 1 / c, ctx), -n, ctx)
    if len(poly) == 1:
        ((mono, c),) = poly.items()
        if n * (c.numerator.bit_length() + c.denominator.bit_length()) > P.MAX_BITS:
            raise Refused("a power of a number is too large to write out")
        return reduced(P.raised(mono, n), c**n, ctx)
    result = P.UNIT
    for _ in range(n if poly else min(n, 1)):  # 0**0 = 1
        result = times(result, poly, ctx)
    return result


def cleared(poly: Poly, ctx: Context) -> tuple[Poly, Mono]:
    """(n, m) with n = poly * m: multiplied by the sums that stand in denominators, each known to be non-zero."""
    lowest: dict[Term, Fraction] = {}
    for base, e in (power for mono in poly for power in mono if power[1] < 0 and composite(power[0])):
        lowest[base] = min(e, lowest.get(base, e))
    if not lowest:
        return poly, ()
    below = P.raised(P.ordered(lowest), -1)
    numerator, more = cleared(times(poly, {below: Fraction(1)}, ctx), ctx)
    return numerator, P.merge(below, more)


def factors(poly: Poly, ctx: Context) -> tuple[Fraction, Mono]:
    """poly = c * m for a non-zero polynomial; what cannot be split is one atom of m, with leading coefficient 1."""
    numerator, below = cleared(poly, ctx)
    if not numerator:
        raise Refused("an expression that has to be non-zero is zero")
    c, mono, rest = P.content(numerator)
    whole = () if rest == P.UNIT else ((P.to_term(rest), Fraction(1)),)
    return c, P.merge(P.merge(mono, P.raised(below, -1)), whole)


def power(base: Term, exponent: Term, ctx: Context) -> Poly:
    """base ** exponent. Integer exponents take any base, 0**0 = 1; others need base >= 0 or > 0."""
    e = normal(exponent, ctx)
    value = P.as_constant(e)
    if value is not None and value.denominator > 1 and base[0] == "^" and base[2][0] == "q" and base[2][1] % 2 == 0:
        # sqrt(u**2) = |u|, also where u is a sum, whose square multiplied out would not show
        return power(("f", "abs", base[1]), q(base[2][1] * value), ctx)
    inner = normal(base, ctx)
    if value is not None:
        return rational_power(inner, value, ctx)
    if not S.integer_valued(e, ctx):  # u ** e = exp(e * log(u)), as u > 0
        return exp_of(times(e, log_of(inner, ctx), ctx), ctx)
    # (u*v)**e = u**e * v**e for e >= 0, and for any integer e where u*v is not zero.
    nonzero = not S.sign_of(inner, ctx) & S.ZERO_SIGN
    if inner and (nonzero or not S.sign_of(e, ctx) & S.NEG):
        c, mono = factors(inner, ctx)
        if all(k.denominator == 1 and (nonzero or k > 0) for _, k in mono):
            parts = (symbolic_power(a, P.scale(e, k), nonzero, ctx) for a, k in mono)
            return reduce(lambda left, right: times(left, right, ctx), parts, symbolic_power(q(c), e, True, ctx))
    return symbolic_power(P.to_term(inner), e, nonzero, ctx)


def symbolic_power(base: Term, e: Poly, nonzero: bool, ctx: Context) -> Poly:
    """base ** e for an integer-valued e: the powers that are certainly defined are split off."""
    fixed = e.get((), Fraction(0))
    moving = {mono: c for mono, c in e.items() if mono}
    if nonzero:
        parts = [(("^", base, P.to_term({mono: Fraction(1)})), c) for mono, c in moving.items() if base != ONE]
    elif fixed > 0 and not S.sign_of(moving, ctx) & S.NEG:  # u**(n + k) = u**n * u**k for n, k >= 0, also at u = 0
        parts = [(("^", base, P.to_term(moving)), Fraction(1))]
    else:
        return P.atom(("^", base, P.to_term(e)))
    return times(integer_power(normal(base, ctx), int(fixed), ctx), product(parts, ctx), ctx)


def rational_power(base: Poly, e: Fraction, ctx: Context) -> Poly:
    """base ** e, where base >= 0 for a fraction e, and each of its parts is >= 0."""
    if e.denominator == 1:
        return integer_power(base, int(e), ctx)
    return product(((a, k * e) for a, k in parted(base, e < 0, ctx)), ctx) if base else {}


def parted(u: Poly, nonzero: bool, ctx: Context) -> list[tuple[Term, Fraction]]:
    """u >= 0 as a product of powers of what is >= 0: even powers as absolute values, all of unknown sign as one."""
    c, mono = factors(u, ctx)
    unknown = tuple((a, k) for a, k in mono if k % 2 and not nonnegative(a, k, ctx))
    found = [(a if nonnegative(a, k, ctx) else ("f", "abs", a), k) for a, k in mono if (a, k) not in unknown]
    rest = reduced(unknown, Fraction(1 if c > 0 else -1), ctx)
    # u*v >= 0 and v >= 0 give u >= 0 only where v is not zero
    if rest != P.UNIT and not nonzero and any(S.atom_sign(a, ctx) & S.ZERO_SIGN for a, _ in found):
        found, rest = [], P.scale(u, 1 / abs(c))
    return [*primes(abs(c)), *found, *([] if rest == P.UNIT else [(P.to_term(rest), Fraction(1))])]


def nonnegative(base: Term, e: Fraction, ctx: Context) -> bool:
    return e.denominator > 1 or not S.atom_sign(base, ctx) & S.NEG  # a fractional power is defined, so >= 0


def primes(c: Fraction) -> list[tuple[Term, Fraction]]:
    """A number > 0 as powers of primes; what is left when the small ones are split off stays whole."""
    found: list[tuple[Term, Fraction]] = []
    for n, side in ((c.numerator, 1), (c.denominator, -1)):
        for d in range(2, PRIMES):
            k = 0
            while n > 1 and n % d == 0:
                n, k = n // d, k + side
            found += [(q(d), Fraction(k))] if k else []
            if d * d > n:
                break
        found += [(q(n), Fraction(side))] if n > 1 else []
    return found


# --- functions ------------------------------------------------------------------------------------------------------


def exp_of(u: Poly, ctx: Context) -> Poly:
    """exp(u + v) = exp(u) exp(v); exp(c*u) = exp(u)**c; exp(c*log(v)) = v**c, as v > 0."""
    result = P.UNIT
    for mono, c in u.items():
        if len(mono) == 1 and mono[0][0][:2] == ("f", "log") and mono[0][1] == 1:
            part = rational_power(normal(mono[0][0][2], ctx), c, ctx)
        else:
            part = P.atom(("f", "exp", P.to_term({mono: Fraction(1)})), c)
        result = times(result, part, ctx)
    return result


def log_of(u: Poly, ctx: Context) -> Poly:
    """log(u*v) = log(u) + log(v), log(u**e) = e*log(u), log(exp(u)) = u: as the whole is > 0, each part is."""
    total: Poly = {}
    for a, k in parted(u, True, ctx):
        part = P.atom(("f", "log", a))
        if a[:2] == ("f", "exp"):
            part = normal(a[2], ctx)
        elif a[0] == "^" and S.sign(a[1], ctx) == S.POS:
            part = times(normal(a[2], ctx), log_of(normal(a[1], ctx), ctx), ctx)
        elif a[0] == "prod":
            part = log_term(a, ctx)
        total = P.plus(total, P.scale(part, k))
    return total


def log_term(term: Term, ctx: Context) -> Poly:
    """The same laws on a term as it is written: multiplied out, its factors would not show."""
    if term[0] in ("*", "/") and all(S.sign(part, ctx) == S.POS for part in term[1:]):
        first, *others = (log_term(part, ctx) for part in term[1:])
        return P.plus(first, *(P.scale(part, 1 if term[0] == "*" else -1) for part in others))
    if term[0] == "prod":  # log(prod f_i) = sum log(f_i), each factor proved positive under the binder
        index, inside = S.bind(term[1], term[2], ctx)
        body = instantiate(term[3], index)
        if S.sign(body, inside) == S.POS:
            return normal(("sum", term[1], term[2], abstract(("f", "log", body), index[1])), ctx)
        return P.atom(("f", "log", P.to_term(normal(term, ctx))))
    return log_of(normal(term, ctx), ctx)


def _log(term: Term, ctx: Context) -> Poly:
    return log_term(term[2], ctx) if "log" in ctx.laws else P.atom(("f", "log", P.to_term(normal(term[2], ctx))))


def _abs(term: Term, ctx: Context) -> Poly:
    """|u*v| = |u| |v|; |u| = u where u >= 0, -u where u <= 0."""
    u, mask = normal(term[2], ctx), S.sign(term[2], ctx)
    if not u or not mask & S.NEG or not mask & S.POS:
        return P.scale(u, -1 if mask & S.NEG else 1)
    c, mono = factors(u, ctx)
    powers = ((a if nonnegative(a, k, ctx) else ("f", "abs", a), k) for a, k in mono)
    return P.scale(product(powers, ctx), abs(c))


def _sign(term: Term, ctx: Context) -> Poly:
    """sign(-u) = -sign(u): the canonical argument has a positive leading coefficient."""
    u, mask = normal(term[2], ctx), S.sign(term[2], ctx)
    if mask in S.BITS:
        return P.constant({S.POS: 1, S.NEG: -1, S.ZERO_SIGN: 0}[mask])
    side = 1 if factors(u, ctx)[0] > 0 else -1
    return P.scale(P.atom(("f", "sign", P.to_term(P.scale(u, side)))), side)


def _opaque(term: Term, ctx: Context) -> Poly:
    """A name or function without a law: equal arguments give equal values. min and max also take any order."""
    parts = [P.to_term(normal(part, ctx)) for part in term[2:]]
    return P.atom((*term[:2], *(sorted(set(parts), key=canonical) if term[1] in ("min", "max") else parts)))


def _diff(term: Term, ctx: Context) -> Poly:
    slope = D.derivative(term[1], term[2], ctx) if "diff" in ctx.laws else term
    if slope != term:
        return normal(slope, ctx)
    return P.atom(("diff", P.to_term(normal(term[1], ctx)), term[2]) if "diff" in ctx.laws else term)


# --- sums and products over a range ---------------------------------------------------------------------------------


def over_range(term: Term, ctx: Context) -> Poly:
    """A sum or product with its index moved to 1..count, written out where the count is a small number."""
    tag, lo, hi, body = term
    count = normal(add(sub(hi, lo), ONE), ctx)
    fixed = count.get((), Fraction(0))
    moving = {mono: c for mono, c in count.items() if mono}
    parts: list[Poly] = []
    if fixed <= EXPAND and not S.sign_of(moving, ctx) & S.NEG:  # moving = 0: all of it; else the last terms
        last = (add(lo, P.to_term(moving), q(k)) for k in range(int(fixed)))
        parts = [normal(instantiate(body, index), ctx) for index in last]
        count = moving if fixed > 0 else count
    if moving or fixed > EXPAND:
        index, inside = S.bind(ONE, P.to_term(count), ctx)
        opened = normal(instantiate(body, add(lo, sub(index, ONE))), inside)
        parts.append((distributed_product if tag == "prod" else distributed_sum)(opened, index[1], count, ctx))
    if tag == "prod":
        return reduce(lambda left, right: times(left, right, ctx), parts, P.UNIT)
    return P.plus(*parts)


def closed(tag: str, count: Poly, body: Poly, index: str) -> Term:
    return (tag, ONE, P.to_term(count), abstract(P.to_term(body), index))


def leaves(base: Term, e: Fraction, index: str, count: Poly, ctx: Context) -> bool:
    """Whether a factor may leave the range of an index. On an empty range a denominator need not be non-zero."""
    safe = e > 0 or S.sign_of(count, ctx) == S.POS or not S.atom_sign(base, ctx) & S.ZERO_SIGN
    return safe and not mentions(base, index)


def distributed_sum(body: Poly, index: str, count: Poly, ctx: Context) -> Poly:
    """sum(c*u + v) = c*sum(u) + sum(v), c free of the index; sum(1) = count where count >= 0."""
    if "sum" not in ctx.laws:
        return P.atom(closed("sum", count, body, index)) if body else {}
    total: Poly = {}
    for mono, c in body.items():
        free = tuple(power for power in mono if leaves(*power, index, count, ctx))
        bound = tuple(power for power in mono if power not in free)
        plain = not bound and not S.sign_of(count, ctx) & S.NEG
        inner = count if plain else P.atom(closed("sum", count, {bound: Fraction(1)}, index))
        total = P.plus(total, times({free: c}, inner, ctx))
    return total


def distributed_product(body: Poly, index: str, count: Poly, ctx: Context) -> Poly:
    """prod(u*v) = prod(u) prod(v); prod(c) = c**count for count >= 0; prod(exp(u)) = exp(sum(u))."""
    if "log" not in ctx.laws or len(body) != 1 or S.sign_of(count, ctx) & S.NEG:
        return P.atom(closed("prod", count, body, index))
    ((mono, c),) = body.items()
    top = P.to_term(count)
    result = power(q(c), top, ctx)
    for a, k in mono:
        if a[:2] == ("f", "exp"):
            part = exp_of(normal(("sum", ONE, top, abstract(("*", q(k), a[2]), index)), ctx), ctx)
        elif k.denominator == 1 and leaves(a, k, index, count, ctx):
            part = power(P.to_term(P.atom(a, k)), top, ctx)
        else:  # (prod u)**k = prod(u**k) for an integer k; a root stays inside
            outer = k if k.denominator == 1 else Fraction(1)
            part = P.atom(closed("prod", count, P.atom(a, k / outer), index), outer)
        result = times(result, part, ctx)
    return result


def is_zero(poly: Poly, ctx: Context) -> bool:
    """Whether a defined expression is certainly zero: denominators cleared, sums over one range joined."""
    poly, _ = cleared(poly, ctx)
    ranges = {a[2] for mono in poly for a, e in mono if a[0] == "sum" and e == 1} if "sum" in ctx.laws else set()
    for top in sorted(ranges, key=canonical):
        index, inside = S.bind(ONE, top, ctx)
        together: Poly = {}
        rest = dict(poly)
        for mono, c in poly.items():
            here = [power for power in mono if power[0][0] == "sum" and power[0][2] == top]
            if len(here) == 1 and here[0][1] == 1:
                body = normal(instantiate(here[0][0][3], index), inside)
                others = tuple(power for power in mono if power != here[0])
                together = P.plus(together, times({others: c}, body, inside))
                del rest[mono]
        if len(rest) < len(poly) and is_zero(together, inside):
            return is_zero(rest, ctx)
    return S.sign_of(poly, ctx) == S.ZERO_SIGN


LAWS: dict[str, Callable[[Term, Context], Poly]] = {
    "q": lambda t, ctx: P.constant(t[1]),
    "v": lambda t, ctx: P.atom(t),
    "c": lambda t, ctx: P.atom(t),
    "+": lambda t, ctx: P.plus(*(normal(part, ctx) for part in t[1:])),
    "*": lambda t, ctx: reduce(lambda left, right: times(left, right, ctx), (normal(part, ctx) for part in t[1:])),
    "neg": lambda t, ctx: P.scale(normal(t[1], ctx), -1),
    "/": lambda t, ctx: times(normal(t[1], ctx), integer_power(normal(t[2], ctx), -1, ctx), ctx),
    "^": lambda t, ctx: power(t[1], t[2], ctx),
    "sqrt": lambda t, ctx: power(t[2], q("1/2"), ctx),
    "exp": lambda t, ctx: exp_of(normal(t[2], ctx), ctx),
    **dict.fromkeys(("ix", "call", "min", "max", "gamma", "factorial", "erf"), _opaque),
    "log": _log, "abs": _abs, "sign": _sign, "diff": _diff, "sum": over_range, "prod": over_range,
}  # fmt: skip

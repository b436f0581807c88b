"""The normal form: a term becomes a polynomial over the rationals in opaque atoms.

What makes a law sound is said where it stands. Everywhere the term is taken to be defined (signs.defined proves that
first): every denominator is non-zero, every logarithm has a positive argument, every root a non-negative one.
Equal normal forms prove equality; different ones prove nothing. Beyond the laws of a field, of exp, roots and
absolute values, a law is on only where the rule at work names it: "sum", "log", "diff".
"""

from __future__ import annotations

from fractions import Fraction
from math import comb

from derive.kernel import derivative as D
from derive.kernel import poly as P
from derive.kernel import signs as S
from derive.kernel.context import Context
from derive.kernel.poly import Mono, Poly
from derive.kernel.terms import ONE, Refused, Term, abstract, add, instantiate, mentions, q, sub

EXPAND = 64  # a sum or product of at most so many numbered terms is written out
FACTOR = 10**6  # numerals up to here are split into primes under roots and logarithms


def normal(term: Term, ctx: Context) -> Poly:
    """The normal form of a real-valued term."""
    if term not in ctx.normals:
        ctx.spend(1)
        ctx.normals[term] = P.check_size(_normal(term, ctx))
    return ctx.normals[term]


def _normal(term: Term, ctx: Context) -> Poly:
    tag = term[0]
    if tag == "q":
        return P.constant(term[1])
    if tag in ("v", "c"):
        return P.atom(term)
    if tag in ("ix", "call"):
        return P.atom((tag, term[1], *(P.to_term(normal(part, ctx)) for part in term[2:])))
    if tag == "+":
        return P.plus(*(normal(part, ctx) for part in term[1:]))
    if tag == "neg":
        return P.scale(normal(term[1], ctx), -1)
    if tag == "*":
        product = P.UNIT
        for part in term[1:]:
            product = times(product, normal(part, ctx), ctx)
        return product
    if tag == "/":
        return times(normal(term[1], ctx), inverse(normal(term[2], ctx), ctx), ctx)
    if tag == "^":
        return power(term[1], term[2], ctx)
    if tag == "f":
        return FUNCTION_LAWS[term[1]](term, ctx)
    if tag in ("sum", "prod"):
        return over_range(term, ctx)
    if tag == "diff":
        slope = D.derivative(term[1], term[2], ctx) if "diff" in ctx.laws else term
        return P.atom(term) if slope == term else normal(slope, ctx)
    raise Refused(f"a number is expected here, not {tag}", term)


# --- products and powers --------------------------------------------------------------------------------------------


def times(left: Poly, right: Poly, ctx: Context) -> Poly:
    ctx.spend(len(left) * len(right))
    total: Poly = {}
    for m1, c1 in left.items():
        for m2, c2 in right.items():
            total = P.plus(reduced(P.merge(m1, m2), c1 * c2, ctx), total)
    return P.check_size(total)


def reduced(mono: Mono, c: Fraction, ctx: Context) -> Poly:
    """Rewrite the powers that have a law: (u + v)**1 = u + v, |u|**2 = u**2, (2**(1/2))**2 = 2."""
    for k, (base, e) in enumerate(mono):
        whole = e.numerator // e.denominator  # the rest of the exponent is in [0, 1)
        if composite(base) and whole > 0:
            expanded, left = integer_power(normal(base, ctx), whole, ctx), e - whole
        elif base[0] == "q" and whole:
            expanded, left = P.constant(base[1] ** whole), e - whole
        elif base[:2] == ("f", "abs") and e.denominator == 1 and abs(e) > 1:
            expanded, left = integer_power(normal(base[2], ctx), int(e - e % 2), ctx), e % 2
        else:
            continue
        return times({mono[:k] + (((base, left),) if left else ()) + mono[k + 1 :]: c}, expanded, ctx)
    return {mono: c}


def composite(base: Term) -> bool:
    """Whether an atom is a polynomial of its own, kept whole under a root or in a denominator."""
    return base[0] in ("+", "*") or (base[0] == "^" and base[2][0] == "q")


def integer_power(poly: Poly, n: int, ctx: Context) -> Poly:
    if n < 0:
        return integer_power(inverse(poly, ctx), -n, ctx)
    if len(poly) == 1 and n:
        ((mono, c),) = poly.items()
        if n * (c.numerator.bit_length() + c.denominator.bit_length()) > P.MAX_BITS:
            raise Refused("a power of a number is too large to write out")
        return reduced(tuple((base, e * n) for base, e in mono), c**n, ctx)
    if poly and n > 1 and comb(n + len(poly) - 1, min(n, len(poly) - 1)) > P.MAX_TERMS:
        raise Refused("a power is too large to multiply out")
    result = P.UNIT
    for _ in range(n if poly else min(n, 1)):
        result = times(result, poly, ctx)
    return result


def cleared(poly: Poly, ctx: Context) -> tuple[Poly, Mono]:
    """(n, m) with n = poly * m: multiplied by the sums that stand in denominators, each known to be non-zero."""
    denominator: Mono = ()
    while True:
        worst = [(base, e) for mono in poly for base, e in mono if e < 0 and composite(base)]
        if not worst:
            return poly, denominator
        base, e = min(worst, key=lambda pair: pair[1])
        poly, denominator = times(poly, P.atom(base, -e), ctx), P.merge(denominator, ((base, -e),))


def split(poly: Poly, ctx: Context) -> tuple[Fraction, Mono, Poly]:
    """poly = c * m * rest for a non-zero polynomial: rest has leading coefficient 1 and no sum in a denominator."""
    numerator, denominator = cleared(poly, ctx)
    if not numerator:
        raise Refused("an expression that has to be non-zero is zero")
    c, mono, rest = P.content(numerator)
    return c, P.merge(mono, tuple((base, -e) for base, e in denominator)), rest


def factors(poly: Poly, ctx: Context) -> tuple[Fraction, Mono]:
    """poly = c * m with what cannot be split as one atom of m."""
    c, mono, rest = split(poly, ctx)
    return c, mono if rest == P.UNIT else P.merge(mono, ((P.to_term(rest), Fraction(1)),))


def inverse(poly: Poly, ctx: Context) -> Poly:
    """1/poly for a non-zero polynomial: then each of its factors is non-zero."""
    c, mono = factors(poly, ctx)
    return reduced(tuple((base, -e) for base, e in mono), 1 / c, ctx)


def power(base: Term, exponent: Term, ctx: Context) -> Poly:
    """base ** exponent. Integer exponents take any base, 0**0 = 1; others need base >= 0 or > 0."""
    e = normal(exponent, ctx)
    value = P.as_constant(e)
    if value is not None:
        if value.denominator > 1:
            return root(normal(base, ctx), value, ctx)
        return integer_power(normal(base, ctx), value.numerator, ctx)
    if not S.integer_valued(e, ctx):  # u ** e = exp(e * log(u)), as u > 0
        return exp_of(times(e, log_of(normal(base, ctx), ctx), ctx), ctx)
    # (u*v)**e = u**e * v**e for e >= 0, and for any integer e where u*v is not zero.
    inner = normal(base, ctx)
    nonzero = not S.sign_of(inner, ctx) & S.ZERO_SIGN
    if inner and (nonzero or not S.sign_of(e, ctx) & S.NEG):
        c, mono = factors(inner, ctx)
        if all(k.denominator == 1 and (nonzero or k > 0) for _, k in mono):
            result = symbolic_power(q(c), e, True, ctx)
            for a, k in mono:
                result = times(result, symbolic_power(a, P.scale(e, k), nonzero, ctx), ctx)
            return result
    return symbolic_power(P.to_term(inner), e, nonzero, ctx)


def symbolic_power(base: Term, e: Poly, nonzero: bool, ctx: Context) -> Poly:
    """base ** e for an integer-valued e: the powers that are certainly defined are split off."""
    if base == ONE:
        return P.UNIT
    fixed = e.get((), Fraction(0))
    moving = {mono: c for mono, c in e.items() if mono}
    if nonzero:
        result = integer_power(normal(base, ctx), int(fixed), ctx)
        for mono, c in moving.items():
            result = times(result, P.atom(("^", base, P.to_term({mono: Fraction(1)})), c), ctx)
        return result
    if fixed > 0 and not S.sign_of(moving, ctx) & S.NEG:  # u**(n + k) = u**n * u**k for n, k >= 0, also at u = 0
        return times(integer_power(normal(base, ctx), int(fixed), ctx), P.atom(("^", base, P.to_term(moving))), ctx)
    return P.atom(("^", base, P.to_term(e)))


def root(base: Poly, e: Fraction, ctx: Context) -> Poly:
    """base ** e for a fraction e and base >= 0: what is >= 0 comes out, and even powers as absolute values."""
    if not base:
        return {}
    c, mono = factors(base, ctx)
    out = [(a, k) for a, k in mono if not S.atom_sign(a, ctx) & S.NEG]
    even = [(a, k) for a, k in mono if (a, k) not in out and k.denominator == 1 and k % 2 == 0]
    inside = {tuple(pair for pair in mono if pair not in out and pair not in even): Fraction(1 if c > 0 else -1)}
    # u**e * v**e needs v >= 0 as well: u*v >= 0 gives that only where u is not zero.
    if inside != P.UNIT and any(S.atom_sign(a, ctx) & S.ZERO_SIGN for a, _ in out + even):
        out, even, inside = [], [], P.scale(base, 1 / abs(c))
    result = P.UNIT
    for prime, k in primes(abs(c)).items():
        result = times(result, reduced(((q(prime), k * e),), Fraction(1), ctx), ctx)
    for a, k in out + [(("f", "abs", a), k) for a, k in even]:
        result = times(result, reduced(((a, k * e),), Fraction(1), ctx), ctx)
    if inside == P.UNIT:
        return result
    (_, m, rest), whole = split(inside, ctx), P.to_term(inside)
    single = rest == P.UNIT and len(m) == 1 and m[0][1] == 1 and inside == {m: Fraction(1)}
    return times(result, reduced(((m[0][0] if single else whole, e),), Fraction(1), ctx), ctx)


def primes(c: Fraction) -> dict[int, int]:
    """The exponents of the primes in c > 0; a numeral too large to factor stays whole."""
    found: dict[int, int] = {}
    for n, side in ((c.numerator, 1), (c.denominator, -1)):
        d = 2
        while n <= FACTOR and d * d <= n:
            while n % d == 0:
                found[d] = found.get(d, 0) + side
                n //= d
            d += 1
        if n > 1:
            found[n] = found.get(n, 0) + side
    return found


# --- functions ------------------------------------------------------------------------------------------------------


def exp_of(u: Poly, ctx: Context) -> Poly:
    """exp(u + v) = exp(u) exp(v); exp(c*u) = exp(u)**c; exp(c*log(v)) = v**c, as v > 0."""
    result = P.UNIT
    for mono, c in u.items():
        if len(mono) == 1 and mono[0][0][:2] == ("f", "log") and mono[0][1] == 1:
            v = normal(mono[0][0][2], ctx)
            part = integer_power(v, int(c), ctx) if c.denominator == 1 else root(v, c, ctx)
        else:
            part = P.atom(("f", "exp", P.to_term({mono: Fraction(1)})), c)
        result = times(result, part, ctx)
    return result


def log_of(u: Poly, ctx: Context) -> Poly:
    """log(u*v) = log(u) + log(v), log(u**e) = e*log(u), log(exp(u)) = u: each factor is proved positive."""
    c, mono = factors(u, ctx)
    if c < 0 or any(S.atom_sign(a, ctx) != S.POS for a, _ in mono):
        return P.atom(("f", "log", P.to_term(u)))
    total: Poly = {}
    for a, k in [*mono, *((q(prime), k) for prime, k in primes(c).items())]:
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
    """The same laws on the term as it is written: multiplied out, its factors would not show."""
    if term[0] in ("*", "/") and all(S.sign(part, ctx) == S.POS for part in term[1:]):
        logs = [log_term(part, ctx) for part in term[1:]]
        return P.plus(*logs) if term[0] == "*" else P.minus(*logs)
    if term[0] == "prod":  # log(prod f_i) = sum log(f_i), each factor proved positive under the binder
        index, inside = S.bind(term[1], term[2], ctx)
        body = instantiate(term[3], index)
        if S.sign(body, inside) == S.POS:
            return normal(("sum", *term[1:3], abstract(("f", "log", body), str(index[1]))), ctx)
        return P.atom(("f", "log", P.to_term(normal(term, ctx))))
    return log_of(normal(term, ctx), ctx)


def _log(term: Term, ctx: Context) -> Poly:
    return log_term(term[2], ctx) if "log" in ctx.laws else P.atom(("f", "log", P.to_term(normal(term[2], ctx))))


def _abs(term: Term, ctx: Context) -> Poly:
    """|u*v| = |u| |v|; |u| = u where u >= 0, -u where u <= 0."""
    u = normal(term[2], ctx)
    mask = S.sign(term[2], ctx)
    if mask in (S.POS, S.ZERO_SIGN, S.NEG, S.NONNEGATIVE) or not u:
        return P.scale(u, -1 if mask == S.NEG else 1)
    c, mono = factors(u, ctx)
    result = P.constant(abs(c))
    for a, k in mono:
        known = not S.atom_sign(a, ctx) & S.NEG or k.denominator > 1  # a fractional power is defined, so >= 0
        result = times(result, reduced(((a if known else ("f", "abs", a), k),), Fraction(1), ctx), ctx)
    return result


def _sqrt(term: Term, ctx: Context) -> Poly:
    """sqrt(u**2) = |u| also where u is a sum, whose square multiplied out would not show."""
    inner = term[2]
    if inner[0] == "^" and inner[2][0] == "q" and inner[2][1] % 2 == 0:
        return integer_power(normal(("f", "abs", inner[1]), ctx), int(inner[2][1] / 2), ctx)
    return root(normal(inner, ctx), Fraction(1, 2), ctx)


def _sign(term: Term, ctx: Context) -> Poly:
    """sign(-u) = -sign(u): the canonical argument has a positive leading coefficient."""
    mask = S.sign(term[2], ctx)
    if mask in S.BITS:
        return P.constant({S.POS: 1, S.NEG: -1, S.ZERO_SIGN: 0}[mask])
    u = normal(term[2], ctx)
    c, _, _ = split(u, ctx)
    side = 1 if c > 0 else -1
    return P.scale(P.atom(("f", "sign", P.to_term(P.scale(u, side)))), side)


def _opaque(term: Term, ctx: Context) -> Poly:
    """gamma, factorial and erf have no law here; min and max only that their arguments have no order."""
    parts = [P.to_term(normal(part, ctx)) for part in term[2:]]
    return P.atom((*term[:2], *(sorted(set(parts), key=P.canonical) if len(parts) > 1 else parts)))


FUNCTION_LAWS = {
    "exp": lambda term, ctx: exp_of(normal(term[2], ctx), ctx),
    "log": _log, "sqrt": _sqrt, "abs": _abs, "sign": _sign,
    "min": _opaque, "max": _opaque, "gamma": _opaque, "factorial": _opaque, "erf": _opaque,
}  # fmt: skip


# --- sums and products over a range ---------------------------------------------------------------------------------


def over_range(term: Term, ctx: Context) -> Poly:
    """A sum or product with its index moved to 1..count, written out where the count is a small number."""
    tag, lo, hi, body = term
    count = normal(add(sub(hi, lo), ONE), ctx)

    def joined(left: Poly, right: Poly) -> Poly:
        return times(left, right, ctx) if tag == "prod" else P.plus(left, right)

    fixed = count.get((), Fraction(0))
    moving = {mono: c for mono, c in count.items() if mono}
    alone: Poly = P.UNIT if tag == "prod" else {}
    if fixed <= EXPAND and not S.sign_of(moving, ctx) & S.NEG:  # moving = 0: all of it; else the last terms
        for k in range(int(fixed)):
            alone = joined(alone, normal(instantiate(body, add(lo, P.to_term(moving), q(k))), ctx))
        if not moving:
            return alone
        count = moving if fixed > 0 else count
    index, inside = S.bind(ONE, P.to_term(count), ctx)
    opened = normal(instantiate(body, add(lo, sub(index, ONE))), inside)
    law = distributed_product if tag == "prod" else distributed_sum
    return joined(law(opened, str(index[1]), count, ctx), alone)


def distributed_sum(body: Poly, index: str, count: Poly, ctx: Context) -> Poly:
    """sum(c*u + v) = c*sum(u) + sum(v), c free of the index; sum(1) = count where count >= 0."""

    def close(poly: Poly) -> Poly:
        return P.atom(("sum", ONE, P.to_term(count), abstract(P.to_term(poly), index))) if poly else {}

    if "sum" not in ctx.laws:
        return close(body)
    total: Poly = {}
    for mono, c in body.items():
        free = tuple(pair for pair in mono if not mentions(pair[0], index))
        bound = tuple(pair for pair in mono if mentions(pair[0], index))
        inner = count if not bound and not S.sign_of(count, ctx) & S.NEG else close({bound: Fraction(1)})
        total = P.plus(total, times({free: c}, inner, ctx))
    return total


def distributed_product(body: Poly, index: str, count: Poly, ctx: Context) -> Poly:
    """prod(u*v) = prod(u) prod(v); prod(c) = c**count for count >= 0; prod(exp(u)) = exp(sum(u))."""
    top = P.to_term(count)

    def close(poly: Poly, tag: str = "prod") -> Term:
        return (tag, ONE, top, abstract(P.to_term(poly), index))

    if "log" not in ctx.laws or len(body) != 1 or S.sign_of(count, ctx) & S.NEG:
        return P.atom(close(body))
    ((mono, c),) = body.items()
    result = power(q(c), top, ctx)
    for a, k in mono:
        if a[:2] == ("f", "exp"):
            part = exp_of(normal(("sum", ONE, top, abstract(("*", q(k), a[2]), index)), ctx), ctx)
        elif not mentions(a, index) and k.denominator == 1:
            part = power(P.to_term(P.atom(a, k)), top, ctx)
        else:  # (prod u)**k = prod(u**k) for an integer k; a root stays inside
            part = P.atom(close(P.atom(a)), k) if k.denominator == 1 else P.atom(close(P.atom(a, k)))
        result = times(result, part, ctx)
    return result


# --- the zero test --------------------------------------------------------------------------------------------------


def is_zero(poly: Poly, ctx: Context) -> bool:
    """Whether a defined expression is certainly zero: denominators cleared, sums over one range joined."""
    poly, _ = cleared(poly, ctx)
    ranges = {a[2] for mono in poly for a, e in mono if a[0] == "sum" and e == 1} if "sum" in ctx.laws else set()
    for top in sorted(ranges, key=P.canonical):
        index, inside = S.bind(ONE, top, ctx)
        together: Poly = {}
        rest = dict(poly)
        for mono, c in poly.items():
            here = [pair for pair in mono if pair[0][0] == "sum" and pair[0][2] == top]
            if len(here) == 1 and here[0][1] == 1:
                body = normal(instantiate(here[0][0][3], index), inside)
                others = tuple(pair for pair in mono if pair != here[0])
                together = P.plus(together, times({others: c}, body, inside))
                del rest[mono]
        if len(rest) < len(poly) and is_zero(together, inside):
            return is_zero(rest, ctx)
    return S.sign_of(poly, ctx) == S.ZERO_SIGN

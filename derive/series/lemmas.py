"""Comparison series as certificates: sums of w[i]/t and the like from below, of w[i]/t**p from above, for every n.

The sums are over i = 1 ... n with t = i + (T - 1), so that the first term is that at t = T. Each is an induction on n
that the kernel checks. The forms in its hints are differences of the two sides, written so that their signs show:
1/x - log((x + 1)/x) is -log of a number below 1, as exp(1/x) >= 1 + 1/x, and with s = t**(1/k) and r = (t - 1)**(1/k)
the difference s - r is 1/(s**(k-1) + ... + r**(k-1)).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from derive.certificate import certificate
from derive.derivation import Assumptions, Symbol
from derive.kernel.check import check
from derive.kernel.rules import Step
from derive.kernel.terms import ONE, ZERO, Refused, Term, abstract, add, mul, q, sub
from derive.series.plainly import Name

N: Term = ("v", "n")
I: Term = ("v", "#0")  # noqa: E741 - what the kernel calls the index under a sum
MOST_ROOTS = 10
BOUNDED = "a sum of terms >= 0 that is bounded converges"


class Lemma(NamedTuple):
    """A proved inequality about sum(w[t]*B(t), t, T, n): its text, its certificate and what makes it an answer."""

    claim: Term
    document: dict[str, Any]
    meaning: str


def power(base: Term, e: Fraction) -> Term:
    return base if e == 1 else ("^", base, q(e))


def w(t: Term) -> Term:
    return ("ix", "w", t)


T: Term = ("v", "t")
INDEX: Term = ("v", "i")


def shifted(place: Term, first: int) -> Term:
    """t at an index."""
    return add(place, q(first - 1))


def at(body: Term, place: Term) -> Term:
    if body == T:
        return place
    return tuple(at(part, place) if isinstance(part, tuple) else part for part in body)


def total(factor: Term | None, unit: Term, first: int) -> Term:
    """The sum of factor*unit for i = 1 ... n; the factor in i, the unit in t."""
    body = at(unit, shifted(INDEX, first))
    return ("sum", ONE, N, abstract(body if factor is None else mul(factor, body), "i"))


def log(x: Term) -> Term:
    return ("f", "log", x)


# --- from below -----------------------------------------------------------------------------------------------------


class Terms(NamedTuple):
    """What is summed instead of w[i]*B(t): terms in t, and the difference to bound*B(t) in a form whose sign shows."""

    term: Term
    form: Term
    names: tuple[Name, ...] = ()


def harmonic(low: Fraction, first: int, terms: Terms | None = None) -> Lemma:
    """sum(w[i]/t) >= low*(log(n + T) - log(T)) where w[i] >= low."""
    return _below(low, first, ("/", ONE, T), log, _log_step, "log(n) exceeds every bound", terms)


def bertrand(low: Fraction, first: int, terms: Terms | None = None) -> Lemma:
    """sum(w[i]/(t*log(t))) >= low*(log(log(n + T)) - log(log(T)))."""
    unit: Term = ("/", ONE, mul(T, log(T)))
    why = "log(log(n)) exceeds every bound"
    return _below(low, first, unit, lambda x: log(log(x)), _loglog_step, why, terms)


def constant(low: Fraction, first: int, terms: Terms | None = None) -> Lemma:
    """sum(w[i]) >= low*n."""

    def no_step(x: Term) -> list[Any]:
        return [("positive", {"form": ZERO})]

    return _below(low, first, ONE, lambda x: x, no_step, "n exceeds every bound", terms)


def _exp(x: Term) -> Term:
    return ("f", "exp", x)


def _log_term(x: Term) -> Term:
    """-log((1 + 1/x)*exp(-1/x)) = 1/x - log(x + 1) + log(x), which is >= 0."""
    part: Term = ("/", ONE, x)
    return ("neg", log(mul(add(ONE, part), _exp(("neg", part)))))


def _tangent(part: Term) -> Term:
    """exp(-u)*(exp(u) - 1 - u), which is >= 0: that (1 + u)*exp(-u) <= 1, as a fact."""
    return mul(_exp(("neg", part)), sub(_exp(part), add(ONE, part)))


def _log_step(x: Term) -> list[Any]:
    return [("cases", _tangent(("/", ONE, x))), ("positive", {"form": _log_term(x)})]


def _loglog_step(x: Term) -> list[Any]:
    """log(x + 1) <= log(x)*exp(1/(x*log(x))) by the two tangents, as a fact; then its logarithm."""
    part: Term = ("/", ONE, mul(x, log(x)))
    shrinks = _exp(("neg", part))
    on = add(mul(("/", shrinks, log(x)), ("neg", _log_term(x))), ("neg", _tangent(part)))
    below_one = mul(("/", log(add(x, ONE)), log(x)), shrinks)
    return [("cases", _tangent(("/", ONE, x))), ("cases", on), ("positive", {"form": ("neg", log(below_one))})]


def _below(low: Fraction, first: int, unit: Term, grows: Any, step: Any, meaning: str, terms: Terms | None) -> Lemma:
    bound = mul(q(low), sub(grows(shifted(N, first + 1)), grows(q(first))))
    each, left = _each(low, unit, first, terms)
    sums = [left, total(q(low), unit, first)]
    *wrapped, (rule, hints) = step(shifted(N, first + 1))
    more = hints["form"]
    form = add(sub(sums[1], bound), mul(q(low), more))
    inner: tuple[str, dict[str, Any]] = (rule, {"form": form})
    strict = [inner]  # what is done where the facts before are strict: the next one is, too, and has one case
    for _, on in reversed(wrapped):  # what is <= 0, or >= 0, by its shape becomes a fact in each of its two cases
        inner, strict = ("cases", {"on": on, "steps": [inner, strict[0]]}), [("cases", {"on": on, "steps": strict})]
    start = ("positive", {"form": ZERO})
    steps = [
        Step("termwise", ">=", sums[0], sums[1], {"each": each}),
        Step("induction_on", ">=", sums[1], bound, {"over": "n", "start": ZERO, "steps": [start, inner]}),
    ]
    return Lemma((">=", sums[0], bound), _document(steps, {">=": low}, terms), meaning)


# --- from above -----------------------------------------------------------------------------------------------------


def _each(number: Fraction, unit: Term, first: int, terms: Terms | None) -> tuple[tuple[str, dict[str, Any]], Term]:
    """How one term compares with number*unit, and the sum of the terms."""
    place = shifted(I, first)
    if terms is None:
        form, left = mul(sub(w(I), q(number)), at(unit, place)), total(w(INDEX), unit, first)
    else:
        form, left = at(terms.form, place), total(None, terms.term, first)
    return ("positive", {"form": form}), left


def p_series(high: Fraction, first: int, p: Fraction, terms: Terms | None = None) -> Lemma:
    """sum(w[i]/t**p) <= high/(p - 1)*(T - 1)**(1 - p) where w[i] <= high, for p > 1 and T >= 2."""
    m, k = (p - 1).numerator, (p - 1).denominator
    if k > MOST_ROOTS or m > MOST_ROOTS:
        raise Refused("an exponent with a long denominator")
    sigma, unit = p - 1, power(T, -p)
    factor = q(high / sigma)
    start_value = power(q(first - 1), -sigma)
    end = shifted(N, first)
    bound = mul(factor, sub(start_value, power(end, -sigma)))
    each, left = _each(high, unit, first, terms)
    sums = [left, total(q(high), unit, first)]
    form = add(sub(bound, sums[1]), mul(factor, _telescoping(end, shifted(N, first + 1), m, k)))
    final = mul(factor, start_value)
    steps = [
        Step("termwise", "<=", sums[0], sums[1], {"each": each}),
        Step("induction_on", "<=", sums[1], bound, {"over": "n", "start": ZERO,
             "steps": [("positive", {"form": ZERO}), ("positive", {"form": ("neg", form)})]}),
        Step("positive", "<=", bound, final, {"form": ("neg", mul(factor, power(end, -sigma)))}),
    ]  # fmt: skip
    return Lemma(("<=", sums[0], final), _document(steps, {"<=": high}, terms), BOUNDED)


def _telescoping(before: Term, t: Term, m: int, k: int) -> Term:
    """(t-1)**(-m/k) - t**(-m/k) - m/k*t**(-1-m/k), as a sum of products of what is >= 0; before is t - 1."""
    s, r = power(t, Fraction(1, k)), power(before, Fraction(1, k))

    def mono(a: int, b: int) -> Term:
        parts = [power(x, Fraction(e)) for x, e in ((s, a), (r, b)) if e]
        return mul(*parts)

    def chain(n: int) -> Term:
        """(s**n - r**n)/(s - r)."""
        return add(*(mono(i, n - 1 - i) for i in range(n)))

    gap: Term = ("/", ONE, chain(k))  # s - r
    first = add(*(mul(gap, mono(i - m - 1 - i, -1 - i), chain(i + 1)) for i in range(m)))
    spread = [mul(mono(j, 0), gap, chain(k - 1 - j)) for j in range(k - 1)]
    second = ("/", add(*spread), mul(chain(k), q(k), mono(k - 1, 0))) if k > 1 else ZERO
    return add(mul(gap, first), mul(q(m), mono(-m - 1, 0), second))


def above_harmonic(degree: Fraction) -> Term:
    """t**degree - 1/t for a degree above -1, as a product of what is >= 0 for t >= 1."""
    m, k = (degree + 1).numerator, (degree + 1).denominator
    if max(m, k) > MOST_ROOTS:
        raise Refused("an exponent with a long denominator")
    root = power(T, Fraction(1, k))

    def chain(n: int) -> Term:
        return add(*(power(root, Fraction(j)) if j else ONE for j in range(n)))

    return ("/", mul(sub(T, ONE), chain(m)), mul(T, chain(k)))


def nothing(first: int) -> Lemma:
    """The sum of zeros."""
    step = Step("sum_termwise", "=", total(None, ZERO, first), ZERO, {})
    return Lemma(("=", step.before, ZERO), _document([step], {}), "eta_t is 0 there")


def _document(steps: list[Step], bounds: Mapping[str, Fraction], terms: Terms | None = None) -> dict[str, Any]:
    """The certificate, which the kernel has accepted. Without terms w is bounded, with terms their names are.

    Raises Refused.
    """
    facts: list[Term] = [(">=", N, ZERO)]
    symbols = [Symbol("n", kind="integer")]
    model = {"n": Fraction(0)}
    named = [(name.name, {">=": name.lo, "<=": name.hi}) for name in terms.names] if terms else [("w", dict(bounds))]
    for name, limits in named if terms or bounds else ():
        symbols.append(Symbol(name, "indexed", 1))
        for relation, value in limits.items():
            facts.append(("all", 1, (relation, ("ix", name, ("b", 0)), q(value))))
            model[name] = value
    document = certificate(steps, Assumptions(tuple(symbols), tuple(facts)), model)
    check(document)
    return document


def geometric(rate: Term, first: int) -> Lemma:
    """(1 - exp(c))*sum(exp(c*t)) = exp(c*T) - exp(c*(T + n)), for a number c."""
    ratio: Term = _exp(rate)
    unit: Term = _exp(mul(rate, T))
    left = mul(sub(ONE, ratio), total(None, unit, first))
    right = sub(_exp(mul(rate, q(first))), _exp(mul(rate, shifted(N, first + 1))))
    zero = ("positive", {"form": ZERO})
    same = ("positive", {"form": sub(left, right)})
    step = Step("induction_on", "=", left, right, {"over": "n", "start": ZERO, "steps": [zero, same]})
    return Lemma(
        ("=", left, right), _document([step], {}), "exp(c*t) > 0, so that the sums stay below exp(c*T)/(1 - exp(c))"
    )

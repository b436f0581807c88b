"""Is every term defined and >= 0 from the start on? An exact prefix, then signs for all t, or from an explicit T on.

Where a term is negative or undefined this is an error that names t. Where neither is shown, nothing is decided; with
parameters it is assumed, unless one of a few small values of them refutes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product

from derive.derivation import Assumptions
from derive.errors import InputError, Undecided
from derive.evaluation.enclosure import UnknownValue
from derive.kernel import signs as S
from derive.kernel.terms import Refused, Term
from derive.series import rational
from derive.series import values as V
from derive.series.expansion import Expansion
from derive.series.germs import UNKNOWN, Mono
from derive.series.language import uses
from derive.series.parameters import Scene, Split
from derive.series.signs import by_signs
from derive.series.splitting import period, residue_class

PREFIX = 40  # terms that are evaluated in any case
STARTS = (16, 48, 160, 600, 2400)  # from which T on the sign for all t is tried to be shown
FAR = 10**15
LIMIT_CLASSES = 60


@dataclass(frozen=True)
class Established:
    """How it is known that every term is defined and >= 0.

    how: "signs" by the signs of the parts for every t, "rational" by the roots of a polynomial, "from" for every t >= T
    with the terms before it evaluated, "assumed" where parameters leave it open; `positive` where no term is zero.
    """

    how: str
    since: int
    text: str


# --- values at single t ---------------------------------------------------------------------------------------------


def scan(term: Term, ts: Iterator[int] | range, env: Mapping[str, Fraction]) -> tuple[int, str] | None:
    """The first t at which the term is undefined, or else negative, with the words for it; None if there is none.

    Raises UnknownValue where a value cannot be told.
    """
    negative: tuple[int, str] | None = None
    for t in ts:
        try:
            s = V.sign(V.value(term, {**env, "t": Fraction(t)}))
        except V.Undefined as error:
            return t, f"undefined at t = {t}: {error}"
        if s is None:
            raise UnknownValue(f"whether the term at t = {t} is negative cannot be told")
        if s < 0 and negative is None:
            negative = t, f"negative at t = {t}"
    return negative


def refuse(what: str, start: int, names: str = "") -> InputError:
    """The error for "undefined at t = 1: why" or "negative at t = 1", with the values of the parameters if any."""
    remedy = f"a schedule is defined and >= 0 for every t >= {start}; start later, or change it"
    if names:
        remedy = f"add a fact after --given that excludes {names.removeprefix(' for ')}, start later, or change it"
    head, colon, why = what.partition(":")
    return InputError(f"the schedule is {head}{names}{colon}{why}", remedy=remedy)


def check_prefix(term: Term, start: int, env: Mapping[str, Fraction], names: str = "", count: int = PREFIX) -> None:
    """Raise InputError that names t where one of the first terms is undefined or negative."""
    found: tuple[int, str] | None = None
    for t in range(start, start + count):
        try:
            new = scan(term, range(t, t + 1), env)
        except UnknownValue:
            continue  # what cannot be told here is not taken for granted later either
        if new is not None and (found is None or new[1].startswith("undefined")):
            found = new
            if new[1].startswith("undefined"):
                break
    if found is not None:
        raise refuse(found[1], start, names)


def first_negative(term: Term, start: int, env: Mapping[str, Fraction] | None = None) -> int | None:
    """A t at which a term that ends up negative is so: the first one, where there is one change of sign."""
    env = env or {}

    def negative(t: int) -> bool:
        try:
            return V.sign(V.value(term, {**env, "t": Fraction(t)})) == -1
        except (V.Undefined, UnknownValue):
            return False

    for t in range(start, start + 300):
        if negative(t):
            return t
    low, step = start + 299, 300
    while low + step < FAR:
        if negative(low + step):
            high = low + step
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if negative(middle) else (middle, high)
            return high
        low, step = low + step, step * 2
    return None


# --- signs from some T on -------------------------------------------------------------------------------------------


def from_some_t(term: Term, start: int, order: int = 6) -> int | None:
    """The least T tried such that the term is defined and >= 0 for every t >= T, by expansions with explicit bounds."""
    if not uses(term, "t"):
        return None
    try:
        many = period(term)
    except Undecided:
        return None
    if many > LIMIT_CLASSES:
        many = 1
    classes = [residue_class(term, many, r) if many > 1 else term for r in range(many)]
    for begin in STARTS:
        if all(_holds_from(one, max(begin // many, 16), order) for one in classes):
            return max(begin, 16 * many + many, start)
    return None


def _holds_from(term: Term, begin: int, order: int) -> bool:
    try:
        expansion = Expansion(Scene({}, ()), order, begin)
        if not _signs_from(expansion, term) <= {0, 1}:
            return False
        monomials = [m for known in expansion.known.values() for m, _ in known.terms]
        return all(expansion.field.log_at(depth - 1) > 0 for depth in _depths(monomials))
    except (Undecided, Split, Refused, UnknownValue, V.Undefined, OverflowError):
        return False


def _signs_from(expansion: Expansion, term: Term) -> frozenset[int]:
    """The signs that a term can have from T on, where it is defined there; products and powers by their parts."""
    tag = term[0]
    if uses(term, "t") and tag in ("*", "/", "neg", "^"):
        parts = [_signs_from(expansion, part) for part in term[1:]]
        if tag == "neg":
            return S.mul_signs(parts[0], S.NEG)
        if tag == "*":
            total = parts[0]
            for part in parts[1:]:
                total = S.mul_signs(total, part)
            return total
        if tag == "/" and 0 not in parts[1]:
            return S.mul_signs(*parts)
        if tag == "^" and parts[0] == S.POS:
            return S.POS
    g = expansion.germ(term)
    found = expansion.field.lead(g)
    if found is None:
        return S.ZERO
    m, c, rest = found
    signs = expansion.scene.signs(c)
    if not rest.terms and rest.error is None:
        return signs
    if 0 not in signs and expansion.field.settled(m, c, rest):
        return signs
    if not expansion.field.bound(g)[1] < UNKNOWN:
        raise Undecided("an expansion without explicit bounds")
    return S.ANY


def _depths(monomials: list[Mono]) -> set[int]:
    found: set[int] = set()
    for m in monomials:
        for gen, _ in m:
            found |= {gen} if isinstance(gen, int) else _depths([gen[1]])
    return found - {0}


# --- all of it ------------------------------------------------------------------------------------------------------


def establish(term: Term, start: int) -> Established:
    """For a schedule without parameters. Raises InputError that names t, or Undecided."""
    found = rational.quotient(term)
    if found is not None:
        top, low, below = found
        for poly in below:
            if (t := rational.zero_from(poly, start)) is not None:
                raise refuse(f"undefined at t = {t}: a denominator is zero", start)
        if (t := rational.negative_from(top, low, start)) is not None:
            raise refuse(f"negative at t = {t}", start)
        return Established("rational", start, "the numerator and denominator change their signs nowhere else")
    if by_signs(term, start, {}, ()):
        return Established("signs", start, "it is put together from parts whose signs are known")
    check_prefix(term, start, {})
    since = from_some_t(term, start)
    if since is None:
        raise Undecided(f"that every term is defined and >= 0 for t >= {start} is not shown")
    try:
        bad = scan(term, range(start, since), {})
    except UnknownValue as reason:
        raise Undecided(str(reason)) from None
    if bad is not None:
        raise refuse(bad[1], start)
    return Established("from", since, f"its expansion has explicit bounds from t = {since} on; the terms before that "
                       "were evaluated")  # fmt: skip


# --- values of the parameters that refute it -------------------------------------------------------------------------

# Only what is certain counts: the facts hold there, and the term has no value or is below 0.
SMALL_VALUES = tuple(map(Fraction, ("-1", "-2", "-1/2", "0", "1/2", "1", "2", "3")))
FIRST_TERMS = 4  # so many t are looked at
MOST_EVALUATIONS = 400
MOST_POINTS = 2000
SEARCH_SECONDS = 0.4
NEAR = 10  # a larger value that equals some t tells of a pole only

Point = dict[str, Fraction]


def violation(
    term: Term, assumptions: Assumptions, start: int, base: Mapping[str, Fraction]
) -> tuple[str, Point] | None:
    """The words for the first t at which the term is undefined, or else negative, and the values of the parameters.

    `base` are admissible values; one parameter is changed at a time, then two, then three.
    """
    until = time.process_time() + SEARCH_SECONDS
    ts = range(start, start + FIRST_TERMS)
    whole = {symbol.name for symbol in assumptions.symbols if symbol.kind == "integer"}
    names = [symbol.name for symbol in assumptions.symbols]
    told = [name for name in names if uses(term, name)]
    names.sort(key=lambda name: name not in told)  # the others count in the facts only
    negative: tuple[str, Point] | None = None
    left = MOST_EVALUATIONS
    for count, point in enumerate(_points(names, whole, base, ts)):
        if left <= 0 or count > MOST_POINTS or time.process_time() > until:
            break
        if not _admissible(assumptions, point):
            continue
        for t in ts:
            left -= 1
            found = _violated(term, {**point, "t": Fraction(t)})
            if found is None:
                continue
            at = {name: point[name] for name in told}
            if found.startswith("undefined"):
                return found, at
            if negative is None and all(abs(value) <= NEAR for value in at.values()):
                negative = found, at
    return negative


def _points(names: list[str], whole: set[str], base: Mapping[str, Fraction], ts: range) -> Iterator[Point]:
    choices = {}
    for name in names:
        values = dict.fromkeys((*SMALL_VALUES, *map(Fraction, ts)))
        choices[name] = [value for value in values if name not in whole or value.denominator == 1]
    for changed in range(1, 4):
        for some in combinations(names, changed):
            for values_ in product(*(choices[name] for name in some)):
                yield {**base, **dict(zip(some, values_, strict=True))}


def _admissible(assumptions: Assumptions, point: Point) -> bool:
    try:
        return all(V.holds(fact, point) for fact in assumptions.facts)
    except (V.Undefined, UnknownValue, Refused, ArithmeticError, LookupError, TypeError, ValueError):
        return False


def _violated(term: Term, env: Point) -> str | None:
    t = env["t"]
    try:
        return f"negative at t = {t}" if V.sign(V.value(term, env)) == -1 else None
    except V.Undefined as error:
        return f"undefined at t = {t}: {error}"
    except (UnknownValue, Refused, ArithmeticError):
        return None


__all__ = ["Established", "by_signs", "check_prefix", "establish", "first_negative", "refuse", "violation"]

"""Certificates of an answer: explicit bounds of the terms, and the comparison series that the kernel sums.

Where the kernel proves the bounds as well, an answer rests on the meaning of convergence alone. Where they come from an
expansion with explicit errors, they are an assumption of the certificate, w[i] >= lo or w[i] <= hi, and said to be one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from derive.ascii import show
from derive.certificate import certificate
from derive.derivation import Assumptions, Symbol
from derive.kernel.check import check
from derive.kernel.rules import Step
from derive.kernel.terms import ONE, ZERO, Refused, Term, add, mul, q, sub
from derive.series import lemmas
from derive.series.analysis import Case, Size
from derive.series.cases import Leaf
from derive.series.comparison import Explicit, Frame, bound
from derive.series.germs import Mono
from derive.series.language import T, uses
from derive.series.lemmas import Lemma, Terms
from derive.series.plainly import Name, plainly
from derive.series.shapes import of_kernel
from derive.series.story import ProofStep, pretty

STARTS = (16, 64, 512, 4096, 1 << 20, 1 << 32, 1 << 256)
EXPONENTS = tuple(map(Fraction, ("2", "3/2", "4/3", "5/4", "7/6")))
MOST_CLASSES = 24
QUICK_CLASSES = 4  # of so many each has its certificate, when a sum converges


OF = ("the terms", "sums of eta_t", "sums of eta_t**2")


class Claim(NamedTuple):
    """A certificate for the sum of eta_t**power over a part of the integers; power 0 is for the terms themselves.

    status: "proved" where nothing is assumed, else "declared" with the bound that is.
    """

    power: int
    where: str
    text: str
    status: str
    assumed: str
    meaning: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Certified:
    """What the kernel accepted for an answer. status: "proved", "declared" where bounds are assumed, "none"."""

    status: str = "none"
    claims: tuple[Claim, ...] = ()
    steps: tuple[ProofStep, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "claims": [
                {
                    "of": OF[claim.power],
                    "where": claim.where,
                    "claim": claim.text,
                    "status": claim.status,
                    "assumed": claim.assumed,
                    "meaning": claim.meaning,
                    "certificate": claim.document,
                }
                for claim in self.claims
            ],
        }


def certify(term: Term, assumptions: Assumptions, start: int, leaves: Sequence[Leaf]) -> Certified:
    """The certificates: that eta_t >= 0, and for both sums where parameters are no more than a positive factor."""
    signs = _nonnegative(term, assumptions, start)
    if len(leaves) != 1 or leaves[0].case is None:
        return Certified("none", tuple(signs), tuple(map(_step, signs)))
    case = leaves[0].case
    frames = _Frames(_stripped(assumptions))
    claims: list[Claim] = []
    found = [False, False]
    for power in (1, 2):
        new = _of_power(case, power, start, frames)
        found[power - 1] = new is not None
        claims += new or []
    complete, proved = all(found), all(claim.status == "proved" for claim in claims)
    status = "none" if not claims else "partial" if not complete else "proved" if proved else "declared"
    claims = [*signs, *claims]
    return Certified(status, tuple(claims), tuple(map(_step, claims)))


def _nonnegative(term: Term, assumptions: Assumptions, start: int) -> list[Claim]:
    """That every term is defined and >= 0, where the kernel sees it by the signs of the parts."""
    if not of_kernel(term):
        return []
    point: Mapping[str, Fraction] | None = {}
    if assumptions.symbols:
        from derive.witness import satisfying_point

        point = satisfying_point(assumptions)
    if point is None:
        return []
    model = {symbol.name: point.get(symbol.name, Fraction(1)) for symbol in assumptions.symbols}
    symbols = (*assumptions.symbols, Symbol("t", kind="integer"))
    known = Assumptions(symbols, (*assumptions.facts, (">=", T, q(start))))
    document = certificate([Step("positive", ">=", term, ZERO, {"form": term})], known, {**model, "t": Fraction(start)})
    try:
        check(document)
    except Refused:
        return []
    return [Claim(0, "", f"{show(term)} >= 0", "proved", "", f"for every t >= {start}", document)]


def _stripped(assumptions: Assumptions) -> Callable[[Term], Term | None]:
    """Takes the factors without t off a term; None where a parameter is left."""
    names = [symbol.name for symbol in assumptions.symbols]

    def strip(term: Term) -> Term | None:
        if not names:
            return term
        if term[0] == "*":
            parts = [strip(part) if uses(part, "t") else ONE for part in term[1:]]
            known = [part for part in parts if part is not None]
            return mul(*known) if len(known) == len(parts) else None
        if term[0] == "/" and uses(term[1], "t") and not uses(term[2], "t"):
            return strip(term[1])
        if term[0] == "/" and not uses(term[1], "t"):
            inner = strip(term[2])
            return None if inner is None else ("/", ONE, inner)
        return None if uses(term, *names) else term

    return strip


class _Frames:
    """The frame of each part of a schedule, without its factors that do not depend on t."""

    def __init__(self, strip: Callable[[Term], Term | None]) -> None:
        self.strip, self.known = strip, dict[Term, Frame | None]()

    def of(self, size: Size) -> Frame | None:
        if size.term not in self.known:
            term = self.strip(size.term)
            self.known[size.term] = None if term is None else Frame(term)
        return self.known[size.term]


def _of_power(case: Case, power: int, start: int, frames: _Frames) -> list[Claim] | None:
    """Certificates for one of the sums, or None where they are not complete."""
    converges = case.converges[power - 1]
    if converges is None:
        return None
    if not converges:
        for size in case.sizes[:MOST_CLASSES]:
            if size.converges[power - 1] is False and (claim := _diverges(size, power, start, frames)) is not None:
                return [claim]
        return None
    if case.whole is not None and case.whole.converges[power - 1] and len(case.sizes) > QUICK_CLASSES:
        claim = _converges(case.whole, power, start, frames)
        return None if claim is None else [claim]
    claims = [_converges(size, power, start, frames) for size in case.sizes[:MOST_CLASSES]]
    found = [claim for claim in claims if claim is not None]
    return found if len(found) == len(case.sizes) else None


# --- one sum --------------------------------------------------------------------------------------------------------


def _diverges(size: Size, power: int, start: int, frames: _Frames) -> Claim | None:
    rung, frame = size.rungs[power - 1], frames.of(size)
    if rung is None or frame is None or size.sides not in ("2", "0"):
        return None
    units: list[tuple[Mono, Term, Callable[..., Lemma]]] = []
    if size.to_zero is False:
        units.append(((), ONE, lemmas.constant))
    minus = Fraction(-1)
    units.append((((0, minus),), ("/", ONE, T), lemmas.harmonic))
    if rung.level >= 1:
        units.append((((0, minus), (1, minus)), ("/", ONE, mul(T, lemmas.log(T))), lemmas.bertrand))
    for unit, text, lemma in units:
        for since in _starts(start, size):
            found = frame.explicit(power, unit, since)
            if found is None or found.lo is None:
                continue
            claim = _claim(size, power, frame.term, text, found, 1, lemma)
            if claim is not None:
                return claim
            break
    return None


def _converges(size: Size, power: int, start: int, frames: _Frames) -> Claim | None:
    frame = frames.of(size)
    if frame is None:
        return None
    if size.sides == "0":
        found = next((x for since in _starts(start, size) if (x := frame.explicit(power, (), since)) is not None), None)
        if found is None:
            return None
        lemma = lemmas.nothing(found.since)
        return Claim(power, size.where, show(lemma.claim), "proved", "", lemma.meaning, lemma.document)
    for p in _exponents(size, power):
        for since in _starts(start, size):
            found = frame.explicit(power, ((0, -p),), since)
            if found is None or found.hi is None:
                continue

            def lemma_of(high: Fraction, first: int, terms: Terms | None = None, p: Fraction = p) -> Lemma:
                return lemmas.p_series(high, first, p, terms)

            claim = _claim(size, power, frame.term, lemmas.power(T, -p), found, -1, lemma_of)
            if claim is not None:
                return claim
            break
    return None


def _starts(start: int, size: Size) -> list[int]:
    return [max(since, start + 1) for since in STARTS]


def _exponents(size: Size, power: int) -> list[Fraction]:
    gens = dict(size.monomial)
    e = gens.get(0, Fraction(0))
    exact: list[Fraction] = []
    if set(gens) == {0} and isinstance(e, Fraction) and -e * power <= 4:
        exact = [-e * power]
    return [*exact, *(p for p in EXPONENTS if p not in exact)]


def _claim(
    size: Size, power: int, term: Term, unit: Term, found: Explicit, side: int, lemma: Callable[..., Lemma]
) -> Claim | None:
    """With the bound proved where the kernel can, else assumed."""
    proved = _proved(power, term, unit, found, side, lemma)
    if proved is not None:
        made, names = proved
        defined = "; ".join(f"{n.name}[t] = {n.what} lies in [{n.lo}, {n.hi}]" for n in names)
        return Claim(power, size.where, show(made.claim), "proved", defined, made.meaning, made.document)
    number = found.lo if side > 0 else found.hi
    if number is None:
        return None
    try:
        made = lemma(number, found.since)
    except Refused:
        return None
    name = "eta_t" if power == 1 else "eta_t**2"
    sign = ">=" if side > 0 else "<="
    text = pretty(unit)
    if size.where:
        assumed = f"at {size.where}, with s written t: {name} {sign} {number}*({text}) for every t >= {found.since}"
    else:
        assumed = f"{name} {sign} {number}*({text}) for every t >= {found.since}"
    return Claim(power, size.where, show(made.claim), "declared", assumed, made.meaning, made.document)


def _proved(
    power: int, term: Term, unit: Term, found: Explicit, side: int, lemma: Callable[..., Lemma]
) -> tuple[Lemma, tuple[Name, ...]] | None:
    """The same with the terms themselves in the sum: their bound is a step of the certificate."""
    if not _simple(term) or (plain := plainly(term, found.since)) is None:
        return None
    number = found.lo if side > 0 else found.hi
    whole: Term = plain.term if power == 1 else ("^", plain.term, q(power))
    candidates: list[tuple[Fraction, Term]] = []
    sided = bound(plain.term, power, side, found.since) if not plain.names else None
    if sided is not None:
        form = sided.form if side > 0 else ("neg", sided.form)
        same = {Fraction(-1): ("/", ONE, T), Fraction(0): ONE}.get(sided.degree, lemmas.power(T, sided.degree))
        if unit in (same, lemmas.power(T, sided.degree)):
            candidates.append((sided.number, form))
        elif side > 0 and sided.degree > -1 and unit == ("/", ONE, T):
            candidates.append((sided.number, add(form, mul(q(sided.number), lemmas.above_harmonic(sided.degree)))))
    if number is not None:
        candidates.append((number, sub(whole, mul(q(number), unit))))
    for value, form in candidates:
        try:
            return lemma(value, found.since, Terms(whole, form, plain.names)), plain.names
        except Refused:
            continue
    return None


def _simple(term: Term) -> bool:
    """Whether it is worth asking the kernel: nothing raised to a power that moves."""
    if term[0] == "^" and uses(term[2], "t"):
        return False
    if term[0] == "f" and term[1] in ("factorial", "gamma", "binomial", "harmonic"):
        return False
    return all(_simple(part) for part in term[1:] if isinstance(part, tuple))


def _step(claim: Claim) -> ProofStep:
    where = f"for {claim.where}: " if claim.where else ""
    because = f"the kernel accepted it; {claim.meaning}"
    if claim.assumed:
        source = "from the expansion with explicit errors" if claim.status == "declared" else "by definition"
        because += f". It assumes {claim.assumed}, {source}"
    of = f" ({OF[claim.power]}, from some t on)" if claim.power else ""
    return ProofStep(f"{where}{claim.text}{of}", because, claim.status)

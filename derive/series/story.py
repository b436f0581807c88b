"""The proof in words: which terms compare with which series, and which test decides that one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.ascii import show
from derive.errors import Undecided
from derive.kernel.terms import ONE, Term, mul, q
from derive.series.analysis import Case, Size
from derive.series.cases import Leaf
from derive.series.conditions import condition
from derive.series.germs import Gen, Mono
from derive.series.ladder import Rung
from derive.series.language import T
from derive.series.parameters import Bound, Coef, Scene

MOST_PLACES = 6  # residue classes, or cases of the parameters, that are told one by one


@dataclass(frozen=True)
class ProofStep:
    """A claim with its reason and status.

    "proved": the kernel accepted a certificate of it. "checked": computed exactly, outside of the kernel. "declared":
    it is assumed, or rests on a bound that is.
    """

    claim: str
    because: str
    status: str = "checked"


# --- monomials as terms ---------------------------------------------------------------------------------------------


def level(k: int) -> Term:
    """log(...log(t)...), k times.

    >>> show(level(2))
    'log(log(t))'
    """
    return T if k == 0 else ("f", "log", level(k - 1))


def term_of(scene: Scene, m: Mono) -> Term:
    """A monomial as a term: powers above and below a bar, exponentials as exp or with their base."""
    above: list[Term] = []
    below: list[Term] = []
    exponent: list[Term] = []
    for gen, e in m:
        if isinstance(gen, int):
            side = below if isinstance(e, Fraction) and e < 0 else above
            size = -e if isinstance(e, Fraction) and e < 0 else e
            side.append(_power(level(gen), scene.term(size)))
            continue
        inner, c = term_of(scene, gen[1]), scene.term(e)
        base = _base(c)
        if base is not None:
            above.append(_power(base, inner))
        else:
            exponent.append(inner if c == ONE else ("neg", inner) if c == q(-1) else mul(c, inner))
    if exponent:
        above.append(("f", "exp", exponent[0] if len(exponent) == 1 else ("+", *exponent)))
    top = mul(*above)
    return top if not below else ("/", top, mul(*below))


def _power(base: Term, e: Term) -> Term:
    if e == ONE:
        return base
    return ("f", "sqrt", base) if e == q("1/2") else ("^", base, e)


def _base(c: Term) -> Term | None:
    """g where exp(c*x) = g**x: c = log(g), or -log(g)."""
    if c[:2] == ("f", "log"):
        base: Term = c[2]
        return base
    if c[0] == "*" and len(c) == 3 and c[1] == q(-1) and c[2][:2] == ("f", "log"):
        return ("/", ONE, c[2][2])
    return None


def pretty(term: Term) -> str:
    """The text of a term, roots as sqrt."""
    return show(rooted(term))


def rooted(term: Term) -> Term:
    """A number or form of the normal form as one writes it: sqrt(x), a - b, x/2.

    >>> pretty(("+", ("v", "b"), ("*", q(-1), ("v", "d")))), pretty(("*", q("1/2"), ("^", q(2), q("1/2"))))
    ('b - d', 'sqrt(2)/2')
    """
    if term[0] == "^" and term[2] == q("1/2"):
        return ("f", "sqrt", rooted(term[1]))
    if term[0] == "*" and term[1][0] == "q" and len(term) > 2:
        number = term[1][1]
        rest = [rooted(part) for part in term[2:]]
        if number < 0:
            return ("neg", rooted(mul(*([q(-number)] if number != -1 else []), *term[2:])))
        if number.denominator > 1:
            top = mul(*([q(number.numerator)] if number.numerator != 1 else []), *rest)
            return ("/", top, q(number.denominator))
    if term[0] == "+":
        parts = [rooted(part) for part in term[1:]]
        parts = [("neg", q(-part[1])) if part[0] == "q" and part[1] < 0 else part for part in parts]
        return ("+", *sorted(parts, key=lambda part: part[0] == "neg"))
    return tuple(rooted(part) if isinstance(part, tuple) else part for part in term)


# --- the story ------------------------------------------------------------------------------------------------------


def size_steps(scene: Scene, size: Size, powers: tuple[int, ...] = (1, 2), prefix: str = "") -> list[ProofStep]:
    """What the terms on a part of the integers compare with, and what that decides."""
    at = f"{prefix}for {size.where}: " if size.where else prefix
    if size.sides == "0":
        return [ProofStep(f"{at}eta_t = 0 for all large t", "the terms there vanish")]
    m = pretty(term_of(scene, size.monomial))
    c = pretty(size.coefficient_term)
    steps = []
    if size.oscillates:
        words = {
            "2": f"c*{_bracket(m)} <= eta_t <= C*{_bracket(m)} for some 0 < c <= C and all large t",
            "mean": f"eta_t = c(t)*{_bracket(m)}, c(t) a trigonometric polynomial with a positive mean, plus o({m})",
            "part": f"0 <= eta_t <= C*{_bracket(m)}, and eta_t >= c*{_bracket(m)} on a part of each run of t",
            "1": f"0 <= eta_t <= C*{_bracket(m)} for some C and all large t",
        }
        why = {
            "2": "what rounds or oscillates stays between bounds, and the factor before the leading term above 0",
            "mean": "the sums of cos(w*t + f) stay bounded for w no multiple of 2*pi (Dirichlet's test)",
            "part": "where a fractional part lies in a suitable interval, which is a fixed share of each run",
            "1": "what rounds or oscillates stays between bounds",
        }
        steps.append(ProofStep(at + words[size.sides], why[size.sides]))
    else:
        factor = "" if c == "1" else f"({c})*" if any(op in c for op in "+- ") else f"{c}*"
        steps.append(
            ProofStep(f"{at}eta_t ~ {factor}{_bracket(m) if factor else m}", "the leading term of its expansion")
        )
    for k in powers:
        rung, converges = size.rungs[k - 1], size.converges[k - 1]
        if rung is None or converges is None:
            continue
        name = "eta_t" if k == 1 else "eta_t**2"
        verdict = "converges" if converges else "diverges"
        steps.append(ProofStep(f"{at}sum of {name} {verdict}", test_of(scene, size.monomial, k, rung)))
    return steps


def _bracket(text: str) -> str:
    return f"({text})" if any(op in text for op in "+-/ ") else text


def test_of(scene: Scene, m: Mono, k: int, rung: Rung) -> str:
    """The test that decides the sum of m**k, in words.

    >>> test_of(Scene({}, ()), ((0, Fraction(-1)),), 2, Rung(True, 0, 0, Fraction(-1)))
    'p-series with p = 2 > 1'
    """
    gens = dict(m)
    e: Coef = scene.mul(gens.get(0, Fraction(0)), Fraction(-k))
    p = pretty(scene.term(e))
    if rung.level == 0 and rung.generator == 0:
        if m and set(gens) == {0}:
            return f"p-series with p = {p} {'>' if rung.converges else '<='} 1"
        if not m:
            return "the terms do not tend to 0"
        side = "above" if rung.converges else "below"
        return (
            f"compared with 1/t**s for an s between 1 and {p}: the power of t is {side} 1, whatever the other factors"
        )
    if isinstance(rung.generator, tuple) and rung.level == 0:
        if not rung.converges:
            return "the terms grow faster than every power of t"
        if rung.generator[1] == ((0, Fraction(1)),):
            return "geometric: below c*r**t for some r < 1 (ratio test)"
        return "the terms fall faster than every power of t, compared with 1/t**2"
    if not m:
        return "the terms do not tend to 0"
    scale = [pretty(level(j)) for j in range(rung.level)]
    last = pretty(level(rung.level))
    if set(gens) == {0} and not rung.converges:
        return f"p-series with p = {p} <= 1"
    if rung.converges:
        return f"Bertrand's series: below 1/({'*'.join([*scale, last])}**s) for some s > 1"
    return f"Bertrand's series: above 1/({'*'.join(scale)}), which diverges" if scale else "compared with 1/t"


def bound_text(bounds: Sequence[Bound]) -> str:
    return " & ".join(f"{pretty(b.form)} {b.relation} {pretty(b.constant)}" for b in bounds)


def story(scene: Scene, leaves: Sequence[Leaf]) -> list[ProofStep]:
    """The cases of the parameters, those with the same proof told together."""
    groups: dict[tuple[ProofStep, ...], list[Leaf]] = {}
    for leaf in leaves:
        if leaf.case is not None and leaf.case.scene is not None:
            groups.setdefault(tuple(_case_steps(leaf.case, leaf.case.scene, "")), []).append(leaf)
    steps: list[ProofStep] = []
    for n, (told, some) in enumerate(groups.items()):
        where = "" if len(groups) == 1 else f"where {_where(scene, some, leaves)}: "
        if n == MOST_PLACES and len(groups) > MOST_PLACES + 1:
            more = len(groups) - n
            steps.append(ProofStep(f"the other {more} cases of the parameters likewise", "each by its leading term"))
            break
        steps += [replace(step, claim=where + step.claim) for step in told]
    return steps


def _where(scene: Scene, some: Sequence[Leaf], leaves: Sequence[Leaf]) -> str:
    try:
        return str(condition(scene, [(leaf.bounds, leaf in some) for leaf in leaves], scene.bounds))
    except Undecided:
        return bound_text(some[0].bounds)


def _case_steps(case: Case, scene: Scene, prefix: str) -> list[ProofStep]:
    steps: list[ProofStep] = []
    if case.period > 1:
        steps.append(
            ProofStep(f"{prefix}t = {case.period}*s + r with r = 0 ... {case.period - 1}",
                      "on each residue class the schedule has one expansion; a sum of terms >= 0 converges iff it does "
                      "over every class")
        )  # fmt: skip
    if case.sparse:
        steps.append(ProofStep(f"{prefix}{case.sparse} and all other t, apart", "a sum of terms >= 0 may be split"))
    shown = _telling(case)
    for size in shown:
        steps += size_steps(size.scene or scene, size, prefix=prefix)
    if len(shown) < len(case.sizes):
        steps.append(ProofStep(f"{prefix}the other classes ({len(case.sizes) - len(shown)} of them) likewise",
                               "the same comparison, with other constants"))  # fmt: skip
    return steps


def _telling(case: Case) -> tuple[Size, ...]:
    """The residue classes that decide: those that diverge first, else the first few."""
    if len(case.sizes) <= 2:
        return case.sizes
    found: list[Size] = []
    for k in range(2):
        if case.converges[k] is False:
            found += [size for size in case.sizes if size.converges[k] is False][:1]
    found += [size for size in case.sizes if size not in found][: max(0, MOST_PLACES - len(found))]
    kept = list(dict.fromkeys(found))
    if all(c is False for c in case.converges):
        kept = kept[:2]
    return tuple(kept[:MOST_PLACES])


def generators(m: Mono) -> list[Gen]:
    return [gen for gen, _ in m]

"""The parts of the decision of series: numbers, ranges, polynomials, expansions, conditions, comparison series."""

from __future__ import annotations

import json
from fractions import Fraction
from math import acos, atan, cos, exp, factorial, log, pi, sin, tanh

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.kernel.check import check
from derive.kernel.terms import Refused
from derive.series import lemmas, rational
from derive.series import values as V
from derive.series.comparison import explicit
from derive.series.expansion import Expansion
from derive.series.germs import MoreTerms
from derive.series.language import read_schedule
from derive.series.parameters import Abstain, Scene
from derive.series.ranges import range_of
from derive.syntax import parse_given
from derive.witness import second_opinion

FEW = settings(max_examples=60, deadline=None, derandomize=True)


TRUTHS = {
    "sin(t)": sin,
    "cos(t)": cos,
    "atan(t)": atan,
    "tanh(t)": tanh,
    "acos(1/(1+t))": lambda t: acos(1 / (1 + t)),
    "exp(-t)": lambda t: exp(-t),
    "log(t+1)**2": lambda t: log(t + 1) ** 2,
    "t**(1/3)": lambda t: t ** (1 / 3),
    "cos(pi*t/7)": lambda t: cos(pi * t / 7),
}


@pytest.mark.parametrize("text", TRUTHS)
def test_values_enclose_the_truth(text: str) -> None:
    term, _ = read_schedule(text)
    truth = TRUTHS[text]
    for t in (1, 2, 7, 50, 1000):
        low, high = V.ends(V.value(term, {"t": Fraction(t)}))
        assert low <= high
        assert abs(float(low) - truth(t)) < 1e-9 * max(1, abs(truth(t)))
        assert high - low < Fraction(1, 10**15)


@pytest.mark.parametrize("text", ["floor(log(8,2))", "floor(sqrt(49))", "mod(-7,3)", "cos(pi/3)*6", "binomial(4,2)/2"])
def test_exact_values_are_exact(text: str) -> None:
    truth = {"floor(log(8,2))": 3, "floor(sqrt(49))": 7, "mod(-7,3)": 2}.get(text, 3)
    assert V.value(read_schedule(text)[0], {}) == truth


@FEW
@given(st.lists(st.integers(-30, 30), min_size=1, max_size=5), st.integers(1, 20))
def test_the_first_zero_and_the_first_negative_value_of_a_polynomial(roots: list[int], start: int) -> None:
    poly: rational.Poly = (Fraction(1),)
    for root in roots:
        poly = rational._mul(poly, (Fraction(-root), Fraction(1)))
    here = range(start, 60)
    zeros = [x for x in here if rational.at(poly, x) == 0]
    negative = [x for x in here if rational.at(poly, x) < 0]
    assert rational.zero_from(poly, start) == (zeros[0] if zeros else None)
    assert rational.negative_from(poly, (Fraction(1),), start) == (negative[0] if negative else None)


BETWEEN = (
    "2-1/sqrt(t)", "cos(1/t)", "log(log(t))", "t/(t+1)", "mod(t,7)-3", "abs(sin(t))-1/t",
    "3-1/(t+exp(1/t))", "min(5,t)",
)  # fmt: skip


@pytest.mark.parametrize("text", BETWEEN)
def test_ranges_hold_at_every_point(text: str) -> None:
    term, _ = read_schedule(text)
    found = range_of(term, 16)
    for t in (16, 17, 20, 99, 10**4, 10**6):
        low, high = V.ends(V.value(term, {"t": Fraction(t)}))
        assert found.lo is None or found.lo <= high
        assert found.hi is None or low <= found.hi


SMOOTH = (
    "1/(t+1)", "sin(1/t)", "exp(1/t)-1", "log(1+1/t**2)", "sqrt(t+1)-sqrt(t)", "t**(1/t)-1", "1/(t-log(t))",
    "atan(t)/t",
    "(1+1/t)**t", "1/log(factorial(t))", "harmonic(t)/t", "1/t-sin(1/t)", "tanh(1/t)",
    "(t**3+1)**(1/3)-t", "2**(1/t)-1",
)  # fmt: skip


@pytest.mark.parametrize("text", SMOOTH)
def test_explicit_bounds_hold(text: str) -> None:
    """lo <= eta_t/m <= hi for t >= T, m the leading monomial: the errors of all series are in it."""
    term, _ = read_schedule(text)
    expansion = Expansion(Scene({}, ()), 4)
    found = expansion.field.lead(expansion.germ(term))
    assert found is not None
    bounds = [explicit(term, 1, found[0], since) for since in (16, 64, 512)]
    known = [bound for bound in bounds if bound is not None and bound.lo is not None and bound.hi is not None]
    assert known
    for bound in known:
        for t in (bound.since, bound.since + 1, bound.since * 3, 2000):
            size = 1.0
            for level, e in found[0]:
                x = float(t)
                for _ in range(level):
                    x = log(x)
                size *= x ** float(e)  # type: ignore[arg-type]
            ratio = float(V.ends(V.value(term, {"t": Fraction(t)}))[0]) / size
            assert float(bound.lo or 0) * (1 - 1e-9) <= ratio <= float(bound.hi or 0) * (1 + 1e-9)


def test_cancellation_beyond_the_expansion_is_noticed() -> None:
    expansion = Expansion(Scene({}, ()), 3)
    term, _ = read_schedule("exp(1/t)-1-1/t-1/(2*t**2)")
    with pytest.raises(MoreTerms):
        expansion.field.lead(expansion.germ(term))


@pytest.mark.parametrize("text", ["1/sin(t)**2", "log(abs(sin(t)))", "sqrt(sin(t))", "gamma(1+sin(t))", "(-2)**t"])
def test_what_oscillates_is_not_divided_by(text: str) -> None:
    expansion, (term, _) = Expansion(Scene({}, ()), 3), read_schedule(text)
    with pytest.raises(Abstain):
        expansion.germ(term)


# --- comparison series ----------------------------------------------------------------------------------------------


LEMMAS = {
    "harmonic": lemmas.harmonic(Fraction(1, 2), 16),
    "bertrand": lemmas.bertrand(Fraction(3), 16),
    "constant": lemmas.constant(Fraction(1, 7), 5),
    **{f"p = {p}": lemmas.p_series(Fraction(5, 4), 16, Fraction(p)) for p in ("2", "3/2", "4/3", "7/3")},
}


@pytest.mark.parametrize("name", LEMMAS)
def test_comparison_series_hold_in_numbers(name: str) -> None:
    relation, total, bound = LEMMAS[name].claim
    assert check(LEMMAS[name].document).claim == LEMMAS[name].claim
    first = {"constant": 5}.get(name, 16)
    number = {"harmonic": 0.5, "bertrand": 3.0, "constant": 1 / 7}.get(name, 1.25)
    unit = {"harmonic": lambda t: 1 / t, "bertrand": lambda t: 1 / (t * log(t)), "constant": lambda t: 1}
    term = unit.get(name, lambda t: t ** -float(Fraction(name.removeprefix("p = "))))
    for n in (0, 1, 10, 300):
        left = number * sum(term(t) for t in range(first, first + n))
        right = float(V.ends(V.value(bound, {"n": Fraction(n)}))[0])
        assert left >= right - 1e-12 if relation == ">=" else left <= right + 1e-12
    assert total[0] == "sum"


@pytest.mark.parametrize("name", LEMMAS)
def test_the_second_judge_agrees(name: str) -> None:
    """It evaluates both sides at points, and shares no normal form with the kernel."""
    relation, total, bound = LEMMAS[name].claim
    number = next(fact for fact in LEMMAS[name].document["facts"] if fact[0] == "all")[2]
    given = parse_given(f"n integer >= 0; w[i] {number[0]} {number[2][1]}")
    opinion = second_opinion(relation, total, bound, given, trials=3, seed=0)
    assert opinion.witness is None
    assert opinion.compared


@pytest.mark.parametrize("name", [name for name in LEMMAS if name != "constant"])
def test_a_wrong_constant_in_a_certificate_is_refused(name: str) -> None:
    """The bound on w is weaker than what the sum needs, and the other way round."""
    document = LEMMAS[name].document
    for fact in document["facts"]:
        if fact[0] == "all":
            changed = json.loads(json.dumps(document))
            weaker = "1/1000" if fact[2][0] == ">=" else "1000"
            changed["facts"] = [
                [*f[:2], [f[2][0], f[2][1], ["q", weaker]]] if f[0] == "all" else f for f in changed["facts"]
            ]
            changed["model"]["w"] = weaker
            with pytest.raises(Refused):
                check(changed)
    wrong = json.loads(json.dumps(document))
    wrong["claim"][2] = ["*", ["q", "2" if wrong["claim"][0] == ">=" else "1/2"], wrong["claim"][2]]
    wrong["steps"][-1]["to"] = wrong["claim"][2]
    with pytest.raises(Refused):
        check(wrong)


def test_stirling_numbers() -> None:
    bounds = explicit(read_schedule("log(factorial(t))/t/log(t)")[0], 1, (), 512)
    assert bounds is not None
    truth = log(factorial(512)) / 512 / log(512)
    assert float(bounds.lo or 0) <= truth <= float(bounds.hi or 0)

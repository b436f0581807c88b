"""What an expression is worth at a point: exact, enclosed, or undefined for the right reason."""

from __future__ import annotations

import random
import time
from fractions import Fraction

import mpmath
import pytest

from derive.derivation import Definition
from derive.evaluation import enclosure as en
from derive.evaluation import reals
from derive.evaluation.evaluate import evaluate, holds
from derive.evaluation.optima import Optimum, optimum
from derive.evaluation.piecewise import Segment, count_roots, roots
from derive.evaluation.values import Family, Point, Polynomial, Span, Undefined, Unknown
from derive.kernel.terms import Term, q
from derive.syntax import names_of, parse_expression, parse_given

NAMES = "x, y, w, z, t, n real; u[i] real; f(x, w) real"


def term(text: str) -> Term:
    return parse_expression(text, names_of(parse_given(NAMES))).term


def at(text: str, **values: object) -> object:
    scalars = {name: Fraction(str(value)) for name, value in values.items()}
    return evaluate(term(text), Point(scalars))


# --- exact values ---------------------------------------------------------------------------------------------------

EXACT = [
    ("x/3 + 1/6", {"x": 1}, "1/2"),
    ("x**3 - x**-2", {"x": 2}, "31/4"),
    ("x**0", {"x": 0}, "1"),
    ("(-1)**t", {"t": 3}, "-1"),
    ("8**(1/3) + 4**(-1/2)", {}, "5/2"),
    ("0**(1/2)", {}, "0"),
    ("sqrt(9/4)", {}, "3/2"),
    ("sqrt(2)*sqrt(2)", {}, "2"),
    ("sqrt(8)/sqrt(2)", {}, "2"),
    ("exp(0) + log(1)", {}, "1"),
    ("exp(log(x))", {"x": "7/3"}, "7/3"),
    ("log(exp(x)*exp(y))", {"x": 3, "y": "1/2"}, "7/2"),
    ("log(6) - log(2) - log(3)", {}, "0"),
    ("exp(x) - exp(x)", {"x": 5}, "0"),
    ("sqrt(2*pi)**2/pi", {}, "2"),
    ("log(sqrt(2*pi)) - log(2*pi)/2", {}, "0"),
    ("abs(x) + sign(x)", {"x": -2}, "1"),
    ("min(x, 3, y) + max(x, 0)", {"x": 1, "y": -1}, "0"),
    ("sum(i**2, i, 1, 3)", {}, "14"),
    ("sum(sum(i*j, j, 1, i), i, 1, 3)", {}, "25"),
    ("sum(1, i, 1, -1)", {}, "0"),
    ("prod(2, i, 1, -1)", {}, "1"),
    ("sum(1/(i - 1), i, 1, 0)", {}, "0"),
    ("factorial(5) + gamma(5)", {}, "144"),
    ("kronecker(x, 2) + 3*kronecker(x - 1, y)", {"x": 2, "y": 1}, "4"),
    ("sum(i**2*kronecker(i, x), i, 1, 3)", {"x": 2}, "4"),
    ("sum(i**2*kronecker(i, x), i, 1, 3)", {"x": 4}, "0"),
    ("gamma(5/2)/sqrt(pi)", {}, "3/4"),
]


@pytest.mark.parametrize(("text", "values", "expected"), EXACT)
def test_exact_values(text: str, values: dict[str, object], expected: str) -> None:
    assert at(text, **values) == Fraction(expected)


UNDEFINED = [
    ("1/x", {"x": 0}, "division by zero"),
    ("x/x", {"x": 0}, "division by zero"),
    ("0*(1/x)", {"x": 0}, "division by zero"),
    ("x**-1", {"x": 0}, "division by zero"),
    ("1/(exp(x) - exp(x))", {"x": 1}, "division by zero"),
    ("kronecker(x, x)", {"x": "1/2"}, "integer"),
    ("log(x)", {"x": 0}, "log"),
    ("log(x)", {"x": -1}, "log"),
    ("sqrt(x)", {"x": "-1/2"}, "sqrt"),
    ("x**(1/3)", {"x": -8}, "not whole"),
    ("0**x", {"x": "-1/2"}, "zero"),
    ("gamma(x)", {"x": 0}, "gamma"),
    ("gamma(x)", {"x": "-1/2"}, "gamma"),
    ("factorial(x)", {"x": "1/2"}, "factorial"),
    ("factorial(x)", {"x": -1}, "factorial"),
    ("sum(1/(i - 2), i, 1, 3)", {}, "division by zero"),
    ("sum(i, i, 1, n)", {"n": "1/2"}, "not an integer"),
]


@pytest.mark.parametrize(("text", "values", "reason"), UNDEFINED)
def test_undefined_says_why(text: str, values: dict[str, object], reason: str) -> None:
    value = at(text, **values)
    assert isinstance(value, Undefined)
    assert reason in value.reason


# --- derivatives ----------------------------------------------------------------------------------------------------

SLOPES = [
    ("diff(w**2, w)", {"w": 3}, "6"),
    ("diff(diff(w**4, w), w)", {"w": 2}, "48"),
    ("diff(diff(w*x**2, w), x)", {"w": 2, "x": 5}, "10"),
    ("diff((y - w*x)**2, w)", {"y": 1, "w": 0, "x": 1}, "-2"),
    ("diff(log(1 + exp(z)), z)", {"z": 0}, "1/2"),
    ("diff(diff(log(1 + exp(z)), z), z)", {"z": 0}, "1/4"),
    ("diff(abs(w), w)", {"w": -2}, "-1"),
    ("diff(abs(y), w)", {"y": 0, "w": 0}, "0"),
    ("diff(w*abs(w), w)", {"w": 0}, "0"),
    ("diff(diff(abs(w**3), w), w)", {"w": 0}, "0"),
    ("diff(sqrt(w**4), w)", {"w": 0}, "0"),
    ("diff(max(w**2, -w**2), w)", {"w": 0}, "0"),
    ("diff(w**(3/2), w)", {"w": 4}, "3"),
    ("diff(1/w, w)", {"w": 2}, "-1/4"),
    ("diff(sum(w**i, i, 1, 3), w)", {"w": 2}, "17"),
    ("diff(min(abs(w), 2)*(2*abs(w) - min(abs(w), 2))/2, w)", {"w": -2}, "-2"),
    ("diff(diff(exp(w*x), w), x)", {"w": 0, "x": 0}, "1"),
]


@pytest.mark.parametrize(("text", "values", "expected"), SLOPES)
def test_derivatives(text: str, values: dict[str, object], expected: str) -> None:
    assert at(text, **values) == Fraction(expected)


NO_SLOPE = [
    ("diff(abs(w), w)", {"w": 0}),
    ("diff(diff(abs(w), w), w)", {"w": 0}),
    ("diff(diff(diff(abs(w**3), w), w), w)", {"w": 0}),
    ("diff(sqrt(w), w)", {"w": 0}),
    ("diff(sqrt(w**2), w)", {"w": 0}),
    ("diff(max(w, 0), w)", {"w": 0}),
    ("diff(min(w, x), w)", {"w": 2, "x": 2}),
    ("diff(sign(w), w)", {"w": 0}),
    ("diff(w*sign(w), w)", {"w": 0}),
    ("diff(w/w, w)", {"w": 0}),
    ("diff(abs(y - w*x), w)", {"y": 2, "w": 1, "x": 2}),
]


@pytest.mark.parametrize(("text", "values"), NO_SLOPE)
def test_derivatives_where_there_is_none(text: str, values: dict[str, object]) -> None:
    assert isinstance(at(text, **values), Undefined)


def test_a_derivative_by_a_place_moves_that_place_alone() -> None:
    point = Point({"t": Fraction(2)}, {"u": Family(Fraction(5), {(1,): Fraction(3), (2,): Fraction(7)})})
    for text, expected in (
        ("diff(sum(u[i]**2, i, 1, 3), u[t])", 14), ("diff(sum(u[i]**2, i, 1, 3), u[t + 2])", 0),
        ("diff(u[1]*u[t], u[1])", 7), ("diff(u[2]*u[t], u[2])", 14),
        ("diff(diff(sum(u[i]**2, i, 1, 3), u[1]), u[t])", 0), ("diff(diff(sum(u[i]**2, i, 1, 3), u[2]), u[t])", 2),
    ):  # fmt: skip
        assert evaluate(term(text), point) == expected, text


def test_subdifferentials_are_the_one_sided_slopes() -> None:
    assert at("subdiff(abs(w - 1), w)", w=1) == Span(Fraction(-1), Fraction(1))
    assert at("subdiff(max(0, 2*w) + w**2, w)", w=0) == Span(Fraction(0), Fraction(2))
    assert at("subdiff(abs(w), w)", w=3) == Span(Fraction(1), Fraction(1))
    assert at("subdiff(max(w, 0) - min(2*w, x), w)", w=0, x=0) == Span(Fraction(-2), Fraction(1))
    assert isinstance(at("subdiff(-abs(w), w)", w=0), Undefined)
    assert isinstance(at("subdiff(min(w, 0), w)", w=0), Undefined)


def test_random_derivatives_agree_with_difference_quotients() -> None:
    shapes = [
        "exp(w*x)/(1 + w**2)",
        "log(2 + w**2*x**2)",
        "sqrt(1 + abs(w*x))",
        "max(w, x)*erf(w)",
        "(2 + w**2)**(x/3)",
    ]
    chosen = random.Random(7)
    for text in shapes * 4:
        w, x = (Fraction(chosen.randint(1, 40), chosen.randint(1, 9)) * chosen.choice((1, -1)) for _ in range(2))
        if w == x:
            continue
        h = Fraction(1, 10**20)
        slope, up, down = at(f"diff({text}, w)", w=w, x=x), at(text, w=w + h, x=x), at(text, w=w - h, x=x)
        quotient = reals.mul(reals.add(up, reals.neg(down)), 1 / (2 * h))
        gap = reals.interval_of(reals.add(slope, reals.neg(quotient)))
        size = max(1, abs(reals.interval_of(quotient).upper))
        assert abs(gap.upper) < size / 10**9, (text, w, x)


# --- points, functions, definitions ---------------------------------------------------------------------------------


def test_families_functions_and_definitions_have_values() -> None:
    point = Point(
        {"x": Fraction(2), "w": Fraction(3)},
        {"u": Family(Fraction(5), {(1,): Fraction(7)})},
        {"f": Polynomial((((1, 1), Fraction(1)), ((0, 0), Fraction(1))))},
        {"loss": Definition("loss", ("x",), term("x**2 + w"))},
    )
    assert evaluate(term("sum(u[i], i, 0, 2)"), point) == 17
    assert evaluate(term("f(x, w)"), point) == 7
    assert evaluate(term("diff(f(x, w)**2, w)"), point) == 28
    call = ("call", "loss", ("+", ("v", "x"), ("v", "w")))
    assert evaluate(call, point) == 28
    assert evaluate(("diff", call, ("v", "w")), point) == 11  # through the parameter and the free name
    assert evaluate(("diff", call, ("v", "x")), point) == 10
    assert isinstance(evaluate(term("u[x/3]"), point), Undefined)


def test_propositions_are_true_false_unknown_or_undefined() -> None:
    def says(text: str, **values: object) -> object:
        return holds(term(text), Point({name: Fraction(str(value)) for name, value in values.items()}))

    assert says("exp(1) < 2.7182818284590452353602875") is True
    assert says("exp(1) < 2.7182818284590452353602874") is False
    assert says("log(4) = 2*log(2)") is True
    assert says("x > 0 & x < 1", x=1) is False
    assert says("x > 0 | x < 1", x=1) is True
    assert isinstance(says("x > 0 | 1/x < 1", x=0), Undefined)
    assert says("abs(x) < 1 <=> -1 < x & x < 1", x=1) is True
    assert says("erf(1)*erf(1) = erf(1)**2") is None  # equal, but enclosures cannot tell


def test_an_unknown_part_does_not_hide_an_undefined_comparison() -> None:
    proposition = ("and", ("=", ("f", "erf", q(1)), ("f", "erf", q(1))), ("=", ("/", q(1), q(0)), q(1)))
    assert isinstance(holds(proposition, Point()), Undefined)


def test_huge_numbers_are_unknown_at_once() -> None:
    nine, two, thousand = q(9), q(2), q(1000)
    towers: list[Term] = [
        ("^", nine, ("^", nine, ("^", nine, nine))),
        ("^", ("^", ("^", two, thousand), thousand), thousand),
        ("f", "factorial", q(10**6)),
        ("f", "exp", ("f", "exp", ("f", "exp", ("f", "exp", nine)))),
        ("^", ("c", "pi"), ("^", nine, nine)),
        ("sum", q(1), q(10**9), ("b", 0)),
        ("prod", q(1), q(1900), ("prod", q(1), q(1900), ("b", 1))),
    ]
    for tower in towers:
        start = time.process_time()
        assert isinstance(evaluate(tower, Point()), Unknown)
        assert time.process_time() - start < 3


def test_a_deadline_ends_an_evaluation() -> None:
    point = Point(deadline=time.monotonic() - 1)
    assert isinstance(evaluate(term("sum(sum(i*j, i, 1, 50), j, 1, 50)"), point), Unknown)


# --- enclosures -----------------------------------------------------------------------------------------------------


def inside(interval: en.Interval, value: object) -> bool:
    low, high = (mpmath.mpf(end) * mpmath.mpf(2) ** interval.exp for end in (interval.lo, interval.hi))
    return bool(low <= value <= high and high - low <= (abs(value) + mpmath.mpf(2) ** -100) * mpmath.mpf(2) ** -160)


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "erf", "gamma"])
def test_enclosures_contain_the_value_and_are_narrow(name: str) -> None:
    chosen = random.Random(name)
    with mpmath.workprec(600):
        for _ in range(60):
            x = Fraction(chosen.randint(1, 10**6), 10 ** chosen.randint(3, 8))
            if name in ("exp", "erf") and chosen.random() < 0.5:
                x = -x
            x = min(x, Fraction(100)) if name == "gamma" else max(x, Fraction(-4000)) if name == "exp" else x
            exact = getattr(mpmath, name)(mpmath.mpf(x.numerator) / x.denominator)
            assert inside(getattr(en, name)(en.from_fraction(x)), exact), x


def test_enclosures_of_wide_intervals_contain_every_value() -> None:
    wide = en.Interval(-3, 5, -1)  # [-1.5, 2.5]
    with mpmath.workprec(300):
        for k in range(-15, 26):
            x = mpmath.mpf(k) / 10
            for function, exact in ((en.exp, mpmath.exp), (en.erf, mpmath.erf)):
                enclosure = function(wide)
                low, high = (mpmath.mpf(end) * mpmath.mpf(2) ** enclosure.exp for end in (enclosure.lo, enclosure.hi))
                assert low <= exact(x) <= high


def test_pi_and_the_precision_asked_for() -> None:
    with mpmath.workprec(900):
        for bits in (60, 200, 500):
            interval = en.pi(bits)
            assert interval.lower < Fraction(int(mpmath.pi * 2**800), 2**800) + Fraction(1, 2**799)
            assert interval.upper > Fraction(int(mpmath.pi * 2**800), 2**800)
            assert interval.upper - interval.lower < Fraction(8, 2**bits)
    third = reals.exp(Fraction(1, 3))
    assert isinstance(third, reals.Real)
    tight = third.interval(500)
    assert tight.upper - tight.lower < Fraction(1, 2**450)


# --- optima ---------------------------------------------------------------------------------------------------------

OPTIMA = [
    ("", "argmin[w] abs(w - 1) + abs(w - 2)", "[1, 2]"),
    ("", "argmin[w] abs(w - 1) + abs(w - 2) + abs(w - 5)", "{2}"),
    ("", "argmin[w] (w - 3)**2 + w**2", "{3/2}"),
    ("", "argmax[w] (w - 3)**2", "{}"),
    ("", "argmin[w] w", "{}"),
    ("", "argmin[w] 7", "(-oo, oo)"),
    ("", "argmin[w] max(1, abs(w))", "[-1, 1]"),
    ("", "argmin[w] w**4 - 2*w**2", "{-1, 1}"),
    ("", "argmin[w] abs(w)*abs(w - 1)", "{0, 1}"),
    ("", "argmax[w] exp(-abs(w - 1))*exp(-abs(w - 3))/(2*pi)", "[1, 3]"),
    ("", "argmax[w] log(exp(-(w - 1)**2/2)/sqrt(2*pi))", "{1}"),
    ("", "argmin[w] log(1 + w**2)", "{0}"),
    ("", "argmax[w] 1/(1 + w**2)", "{0}"),
    ("", "argmin[w] sqrt((w - 1)**2)", "{1}"),
    ("", "argmin[w] sqrt(2)*abs(w - 1) + sqrt(2)*abs(w - 2)", "[1, 2]"),
    ("w >= 0", "argmin[w] w", "{0}"),
    ("w > 0", "argmin[w] w", "{}"),
    ("w >= 0", "argmin[w] (w + 1)**2", "{0}"),
    ("w > 0; w <= 2", "argmax[w] w**2", "{2}"),
    ("w >= -1; w <= 1", "argmax[w] abs(w)", "{-1, 1}"),
    ("2*w + 1 < 4", "argmax[w] min(w, 1)", "[1, 3/2)"),
    ("w > 0", "argmin[w] w + abs(w)", "{}"),
]


@pytest.mark.parametrize(("given", "text", "expected"), OPTIMA)
def test_sets_of_optimisers(given: str, text: str, expected: str) -> None:
    found = optimum(term(text), Point(facts=parse_given(given).facts))
    assert isinstance(found, Optimum)
    assert found.text() == expected


def test_objectives_must_be_defined_on_the_whole_domain() -> None:
    positive = Point(facts=parse_given("w > 0").facts)
    for text in ("argmin[w] log(w)", "argmin[w] 1/w", "argmin[w] sqrt(w)"):
        assert isinstance(optimum(term(text), Point()), Undefined)
        assert isinstance(optimum(term(text), positive), Optimum)
    assert isinstance(optimum(term("argmin[w] 1/(w**2 - 2)"), Point()), Undefined)


def test_what_the_search_for_optima_cannot_do_is_unknown() -> None:
    for text in ("argmin[w] exp(w) + exp(-2*w)", "argmin[w] w**4 - 3*w**2", "argmin[w] w + log(1 + w**2)"):
        assert isinstance(optimum(term(text), Point()), Unknown)
    assert isinstance(optimum(("argmin", ("w", "x"), term("w**2 + x**2")), Point()), Unknown)
    assert isinstance(optimum(term("argmin[w] w**2"), Point(integers=frozenset({"w"}))), Unknown)


def test_random_optima_beat_a_grid() -> None:
    chosen = random.Random(3)
    grid = [Fraction(k, 6) for k in range(-60, 61)]
    for _ in range(60):
        parts = [f"{chosen.randint(1, 3)}*abs(w - ({chosen.randint(-4, 4)}))" for _ in range(chosen.randint(1, 3))]
        parts += [f"{chosen.randint(0, 2)}*(w - ({chosen.randint(-3, 3)}))**2/{chosen.randint(1, 3)}"]
        body = term(" + ".join(parts))
        found = optimum(("argmin", ("w",), body), Point())
        assert isinstance(found, Optimum)
        best = evaluate(body, Point({"w": found.member()}))
        for x in grid:
            height = evaluate(body, Point({"w": x}))
            assert height >= best
            assert (height == best) == any(s.holds(x) for s in found.segments), (parts, x)


def test_roots_are_exact_or_refused() -> None:
    def poly(*coefficients: int) -> tuple[Fraction, ...]:
        return tuple(map(Fraction, coefficients))

    assert roots(poly(-6, 11, -6, 1)) == [1, 2, 3]
    assert roots(poly(1, 0, 1)) == []
    assert roots(poly(-2, 0, 1), Fraction(2)) == []  # sqrt(2) lies outside
    with pytest.raises(reals.UnknownValue):
        roots(poly(-2, 0, 1))
    assert count_roots(poly(-2, 0, 1), None, None) == 2
    assert count_roots(poly(0, 1, 0, -1), Fraction(0), Fraction(1)) == 0  # ends are not counted
    assert Segment(Fraction(0), None, True, False).holds(Fraction(0))

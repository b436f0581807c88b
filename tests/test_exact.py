"""Programs on rationals and on balls: the truth, and how far from it a float may be."""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from derive.errors import InputError, MissingDependency, Undecided
from derive.kernel.terms import Term, q
from derive.syntax import parse_expression
from numeric.balls import FORMATS, LIBRARY_ULPS, Ball, enclosure
from numeric.compile import kernel
from numeric.exact import exact_outputs, rational
from numeric.program import Program
from numeric.translation import translate


def program(text: str, scalars: str = "a", rows: str = "zy") -> Program:
    return translate({"value": parse_expression(text).term}, scalars=[*scalars], rows=[*rows, "x"], indices=("k",))


# --- rationals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "inputs", "value"),
    [
        ("z/3 + a", {"z": 0.5, "a": Fraction(1, 7)}, Fraction(1, 6) + Fraction(1, 7)),
        ("0.1*z", {"z": 3}, Fraction(3, 10)),
        ("z*a", {"z": 0.1, "a": 1}, Fraction(0.1)),  # the float that was given, not the decimal
        ("max(z, y) - min(z, y)", {"z": -2, "y": 5}, 7),
        ("sign(z)*abs(z)", {"z": -0.0}, 0),
        ("z**a", {"z": 2, "a": -3}, Fraction(1, 8)),
        ("sum(x[i]**2, i, 1, K)", {"x": [1, 2, 3]}, 14),
        ("x[k]/sum(x[i], i, 1, K)", {"x": [1, 2]}, (Fraction(1, 3), Fraction(2, 3))),
    ],
)
def test_rationals_are_exact(text: str, inputs: dict[str, Any], value: Any) -> None:
    assert exact_outputs(program(text), inputs) == {"value": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [("sqrt(z)", "sqrt"), ("exp(z)", "exp"), ("log(1 + z)", "log"), ("exp(z) - 1", "exp"), ("pi*z", "pi"),
     ("z**a", "a power with an exponent that is no integer")],
)  # fmt: skip
def test_what_is_irrational_is_refused_by_name(text: str, message: str) -> None:
    made = program(text)
    with pytest.raises(Undecided, match=f"{message}.*no exact rational value"):
        exact_outputs(made, {"z": 2, "a": Fraction(1, 2)})


@pytest.mark.parametrize(("text", "z"), [("1/z", 0), ("z**a", 0), ("1/(z - z)", 1)])
def test_a_division_by_zero_is_refused(text: str, z: int) -> None:
    with pytest.raises(InputError, match="zero"):
        exact_outputs(program(text), {"z": z, "a": -1})


def test_uninterpreted_functions_are_functions_and_nothing_more() -> None:
    def value(text: str, **inputs: Any) -> Any:
        return exact_outputs(program(text), inputs, uninterpreted=True)["value"]

    assert value("sqrt(z)", z=2) == value("sqrt(2*y)", y=1)
    assert value("sqrt(z)", z=2) != value("sqrt(z)", z=3)
    assert value("sqrt(z)", z=2) != value("exp(z)", z=2)
    assert value("log(1 + z)", z=2) == value("log(z)", z=3)
    assert value("exp(z) - 1", z=2) + 1 == value("exp(z)", z=2)
    assert value("sqrt(z)**2", z=2) != 2  # nothing is known of it


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), "1", None, [1.0]])
def test_only_finite_numbers_are_numbers(wrong: Any) -> None:
    with pytest.raises(InputError, match="no finite number"):
        rational(wrong)


@pytest.mark.parametrize(
    ("number", "value"),
    [(np.float32(0.1), Fraction(float(np.float32(0.1)))), (np.int64(2**60 + 1), 2**60 + 1), (True, 1)],
)
def test_numbers_of_numpy_are_taken_as_they_are(number: Any, value: Any) -> None:
    assert rational(number) == value


def test_inputs_are_asked_for_by_name() -> None:
    with pytest.raises(InputError, match="the input y is missing"):
        exact_outputs(program("z - y"), {"z": 1})
    two = translate({"value": parse_expression("sum(x[i]*p[i], i, 1, K)").term}, rows=["x", "p"])
    with pytest.raises(InputError, match="families of 1 and 2 classes"):
        exact_outputs(two, {"x": [1], "p": [1, 2]})


# --- balls ----------------------------------------------------------------------------------------------------------


def test_without_flint_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(MissingDependency, match=r"pip install 'symstep\[exact\]'"):
        enclosure(program("z"), {"z": 1})


def test_a_ball_says_what_it_contains() -> None:
    ball = Ball(Fraction(1), Fraction(1, 4), FORMATS[53].largest)
    inside, outside = (0.75, 1.0, 1.25), (0.7, 1.3, float("inf"), float("-inf"), float("nan"))
    assert [ball.contains(number) for number in (*inside, *outside)] == [True] * 3 + [False] * 5
    unbounded = Ball(Fraction(0), None)
    assert unbounded.contains(float("inf"))
    assert not unbounded.contains(float("nan"))
    huge = Ball(Fraction(10) ** 400, Fraction(1), FORMATS[53].largest)
    assert huge.contains(float("inf"))
    assert not huge.contains(float("-inf"))
    assert not Ball(Fraction(10) ** 400, Fraction(1)).contains(float("inf"))


UNARY = ("abs", "sign", "sqrt", "exp", "log")


def small(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    return st.one_of(
        st.tuples(st.sampled_from("+*"), inner, inner),
        st.tuples(st.just("/"), inner, inner),
        st.tuples(st.just("^"), inner, st.integers(1, 4).map(q)),
        st.tuples(st.just("f"), st.sampled_from(UNARY), inner),
        st.tuples(st.just("f"), st.sampled_from(("min", "max")), inner, inner),
        inner.map(lambda part: ("f", "log", ("+", q(1), part))),
        inner.map(lambda part: ("+", ("f", "exp", part), ("neg", q(1)))),
        inner.map(lambda part: ("sum", q(1), ("v", "K"), ("*", ("ix", "x", ("b", 0)), part))),
    )


TERMS = st.recursive(st.sampled_from([("v", "z"), ("v", "y"), q(Fraction(1, 3)), q(2)]), small, max_leaves=6)
FLOATS = st.one_of(st.floats(-8, 8), st.floats(-1e300, 1e300), st.sampled_from([0.0, 1.0, -1.0, 800.0, -800.0, 5e-324]))


@given(TERMS, st.sampled_from([24, 53]), st.lists(FLOATS, min_size=5, max_size=5))
def test_the_ball_contains_the_truth_and_the_float(term: Term, bits: int, numbers: list[float]) -> None:
    """The truth is the same program at 2,000 bits, in a ball that is thinner by far."""
    try:
        made = translate({"value": term}, rows=("z", "y", "x"))
    except InputError:  # a division by a constant that is zero
        return
    dtype = np.float32 if bits == 24 else np.float64
    with np.errstate(all="ignore"):
        z, y, *x = (dtype(number) for number in numbers)
    if not np.isfinite([z, y, *x]).all():
        return
    inputs = {value.name: {"z": z, "y": y, "x": x}[value.name] for value in made.inputs}
    ball = enclosure(made, inputs, bits)["value"]
    truth = enclosure(made, inputs, 2000)["value"]
    if ball.radius is None:
        return
    assert truth.radius is not None
    assert abs(ball.midpoint - truth.midpoint) <= ball.radius + truth.radius
    try:
        with np.errstate(all="ignore"):
            got = kernel(made).run(**{name: np.asarray([value]) for name, value in inputs.items()})["value"]
    except InputError as error:  # what needs no input is a scalar, and has to be a float
        assume("beyond the range" not in str(error))
        raise
    assert ball.contains(np.ravel(got)[0])


@pytest.mark.parametrize("bits", [24, 53])
@pytest.mark.parametrize(
    ("text", "z", "units"),
    [("z/3", 1, 3), ("sqrt(z)", 2, 3), ("z*z*z", 3, 0), ("exp(z)", 1, 2 + 2 * LIBRARY_ULPS),
     ("log(z)", 2, 2 + 2 * LIBRARY_ULPS)],
)  # fmt: skip
def test_a_ball_is_no_wider_than_what_it_counts(text: str, z: int, units: int, bits: int) -> None:
    """One rounding counts as three units of 2**-bits at most, a call of the library as 2 + 2 * LIBRARY_ULPS."""
    ball = enclosure(program(text), {"z": z}, bits)["value"]
    allowed = units * abs(ball.midpoint) * Fraction(2) ** -bits * Fraction(101, 100)  # balls round their radii up
    assert ball.radius <= allowed + (2 + LIBRARY_ULPS) * FORMATS[bits].smallest


@pytest.mark.parametrize("bits", [24, 53])
@pytest.mark.parametrize("text", ["(z - y)**2", "z/y - z", "(z + y)*(z - y)", "sqrt(abs(z))*y"])
def test_a_ball_contains_what_is_rounded_out_of_the_image_of_a_ball(text: str, bits: int) -> None:
    """Ball arithmetic encloses f(x) for every x of the ball; the float nearest to f(x) may lie a little outside."""
    made, dtype = program(text), np.float32 if bits == 24 else np.float64
    random = np.random.default_rng(0)
    z, y = random.normal(size=(2, 300)).astype(dtype)
    floats = kernel(made).run(z=z, y=y)["value"]
    for a, b, got in zip(z, y, floats, strict=True):
        assert enclosure(made, {"z": a, "y": b}, bits)["value"].contains(got)


@pytest.mark.parametrize("bits", [24, 53])
def test_a_ball_of_a_sum_holds_for_every_order(bits: int) -> None:
    """From the left this sum is exact; NumPy adds up every eighth number first, and loses the 1."""
    dtype = np.float32 if bits == 24 else np.float64
    x = np.zeros(16, dtype)
    x[[0, 1, 8]] = 2.0**bits, -(2.0**bits), 1.0
    made = program("sum(x[i], i, 1, K)")
    ball, got = enclosure(made, {"x": x}, bits)["value"], kernel(made).run(x=x[None])["value"][0]
    assert got == 0
    assert ball.contains(got)
    assert ball.contains(1.0)


def test_balls_are_inputs_too() -> None:
    ball = enclosure(program("z - y"), {"z": Ball(Fraction(1), Fraction(1, 8)), "y": Ball(Fraction(1), Fraction(1, 8))})
    assert ball["value"].contains(0.25)
    assert not ball["value"].contains(0.26)
    assert enclosure(program("z"), {"z": Ball(Fraction(0), None)})["value"].radius is None


def test_an_overflow_on_the_way_leaves_nothing_known() -> None:
    made = program("1/exp(z)")
    assert enclosure(made, {"z": 710})["value"].radius is None
    assert enclosure(made, {"z": 89}, 24)["value"].radius is None
    assert enclosure(made, {"z": 709})["value"].radius is not None
    assert enclosure(made, {"z": 710}, 100)["value"].radius is not None  # no format, no bounds on the exponent


@pytest.mark.parametrize("bits", [24, 53])
def test_the_library_of_this_machine_keeps_its_promise(bits: int) -> None:
    """LIBRARY_ULPS bounds the errors of NumPy's functions here: worst case over points of all sizes, against mpmath."""
    dtype = np.float32 if bits == 24 else np.float64
    random = np.random.default_rng(0)
    sizes = dtype(10.0) ** random.uniform(-6, 1.9, 500).astype(dtype)
    for name in ("exp", "log", "expm1", "log1p", "sqrt"):
        x = sizes if name in ("log", "log1p", "sqrt") else np.concatenate([sizes, -sizes])
        got = getattr(np, name)(x)
        with mp.workdps(60):
            for argument, result in zip(x, got, strict=True):
                truth = getattr(mp, name)(mp.mpf(float(argument)))
                error = abs(mp.mpf(float(result)) - truth) / mp.mpf(float(np.spacing(abs(result))))
                assert error <= (mp.mpf("0.5") if name == "sqrt" else LIBRARY_ULPS), (name, argument)

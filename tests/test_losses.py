"""Every loss of the library: exact where it is rational, inside its ball elsewhere; at kinks and extremes as well."""

from __future__ import annotations

import importlib.util
import math
import pickle
import sys
from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import numeric
from derive.calculus import pointwise
from derive.errors import InputError
from derive.kernel.normal import normal
from derive.kernel.poly import Context
from derive.kernel.terms import sub
from derive.library.losses import LOSSES
from numeric.balls import enclosure
from numeric.compile import kernel
from numeric.exact import exact_outputs, terms
from numeric.program import CLASS


def load(name: str) -> ModuleType:
    known = f"symstep_{name}"  # the tests are no package
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).resolve().parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


enclosed, straight, samples = load("enclosed"), load("straight"), load("samples")
STRAIGHT, PENALTIES = straight.STRAIGHT, straight.PENALTIES
CASES, DTYPES, WHAT = samples.CASES, samples.DTYPES, samples.WHAT
made, results, large = samples.made, samples.results, samples.large
# z - y is 0 and +-delta among these, and exponentials of +-800 are beyond the range of every float
PREDICTORS = (-800.0, -3.5, -1.0, -0.375, 0.0, 0.125, 0.5, 1.0, 2.0, 3.0, 4.0, 800.0)


def test_every_loss_of_the_library_is_compared() -> None:
    assert {*STRAIGHT, "cross-entropy"} == set(LOSSES)
    for name, row in STRAIGHT.items():
        outputs = {key for key in made(name, row.hyperparameters[0]).pointwise.names if not key.startswith("turned")}
        assert set(row.formulas) == outputs


@pytest.mark.parametrize("name", LOSSES)
def test_the_program_on_symbols_is_the_derived_term(name: str) -> None:
    """Equal normal forms in the kernel: what is run is what was proved, for all numbers and not for those tried."""
    entry = pointwise(name)
    loss = made(name, STRAIGHT[name].hyperparameters[0] if name in STRAIGHT else {})
    derived = {"value": entry.value, "slope": entry.slope, "curvature": entry.curvature}
    for learned in entry.learned:
        derived[f"slope_{learned}"] = entry.slopes[learned]
        derived[f"curvature_{learned}"] = entry.curvatures[f"z {learned}"]
        derived[f"curvature_{learned}_{learned}"] = entry.curvatures[f"{learned} {learned}"]
    run = terms(loss.pointwise)
    assert {key for key in run if not key.startswith("turned")} == set(derived)
    for key, term in derived.items():
        assert normal(sub(run[key], term), Context({}, frozenset({"sum"}))) == {}, key


# --- one observation ------------------------------------------------------------------------------------------------


def points(name: str) -> list[tuple[float, float]]:
    return list(product(PREDICTORS, STRAIGHT[name].labels))


@pytest.mark.parametrize(("name", "values"), CASES)
def test_rational_formulas_are_met_exactly(name: str, values: Mapping[str, float]) -> None:
    row, loss = STRAIGHT[name], made(name, values)
    exactly = {key: Fraction(value) for key, value in values.items()}
    program = loss.pointwise.only(*row.rational) if row.rational else None
    for z, y in points(name) if program else ():
        got = exact_outputs(program, {"z": z, "y": y, **values})
        expected = {key: row.formulas[key](Fraction(z), Fraction(y), **exactly) for key in row.rational}
        assert got == expected, (z, y)


@pytest.mark.parametrize("bits", [24, 53])
@pytest.mark.parametrize(("name", "values"), CASES)
def test_the_textbook_is_inside_the_ball_and_so_is_the_float(name: str, values: Mapping[str, float], bits: int) -> None:
    row, loss = STRAIGHT[name], made(name, values)
    dtype = np.float32 if bits == 24 else np.float64
    program = loss.pointwise.only(*row.formulas)
    numbers = {key: dtype(value) for key, value in values.items()}
    with mp.workdps(800):  # 1 - sigmoid(800) needs 350
        for z, y in points(name):
            inputs = {"z": z, "y": y, **numbers}
            inputs = {value.name: inputs[value.name] for value in program.inputs}
            balls = enclosure(program, inputs, bits)
            floats = kernel(program).run(**{
                key: np.array([value], dtype) if key in "zy" else float(value) for key, value in inputs.items()
            })  # fmt: skip
            exactly = {key: mp.mpf(float(value)) for key, value in numbers.items()}
            for key, ball in balls.items():
                truth = straight.as_fraction(mp.mpf(row.formulas[key](mp.mpf(z), mp.mpf(y), **exactly)))
                assert ball.contains(np.ravel(floats[key])[0]), (key, z, y)
                digits = Fraction(1, 10**300) * (1 + abs(truth))  # of the textbook, which is not stable
                assert ball.radius is None or abs(truth - ball.midpoint) <= ball.radius + digits, (key, z, y)
                assert ball.radius is not None or abs(z) == 800, (key, z, y)


@pytest.mark.parametrize("bits", [24, 53])
@pytest.mark.parametrize(
    "z", [[0.0], [0.0, 0.0], [1.0, -2.0, 0.5], [800.0, -800.0, 0.0], [-800.0, -800.0], [800.0, 799.0, 798.5, 0.0]]
)
def test_cross_entropy_at_ordinary_points_and_extremes(z: list[float], bits: int) -> None:
    dtype = np.float32 if bits == 24 else np.float64
    program = numeric.loss("cross-entropy").pointwise.only("value", "slope", "curvature")
    labels = [np.eye(len(z))[0], np.eye(len(z))[-1], np.full(len(z), 1 / len(z)) if len(z) in (1, 2, 4) else None]
    for y in (label for label in labels if label is not None):
        balls = enclosure(program, {"z": z, "y": y, "m": max(z)}, bits)
        arrays_ = {"z": np.array([z], dtype), "y": np.array([y], dtype), "m": np.array([max(z)], dtype)}
        floats = kernel(program).run(**arrays_)
        with mp.workdps(800):
            truth = straight.cross_entropy([mp.mpf(entry) for entry in z], [mp.mpf(float(entry)) for entry in y])
        for key, expected in truth.items():
            flat = [straight.as_fraction(mp.mpf(entry)) for entry in np.ravel(np.array(expected, dtype=object))]
            balls_ = np.ravel(np.array(balls[key], dtype=object))
            assert not enclosed.misfits(balls_, floats[key])
            assert all(abs(entry - ball.midpoint) <= ball.radius for entry, ball in zip(flat, balls_, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "values"), [case for case in CASES if STRAIGHT[case[0]].exact_in_floats])
def test_floats_are_exact_where_nothing_has_to_be_rounded(name: str, values: Mapping[str, float], dtype: Any) -> None:
    """Dyadic numbers: every sum and product is a float, so that the results are equal and no tolerance is needed."""
    row, loss = STRAIGHT[name], made(name, values)
    X = np.array([[1.0, 0.5, -2.0], [0.0, 4.0, 1.0], [-1.0, 0.25, 3.0], [2.0, 2.0, 0.0]], dtype)
    w, v = np.array([0.5, -0.75, 0.0], dtype), np.array([1.0, -2.0, 0.5], dtype)
    z = X @ w
    y = (z + np.array([0.0, -0.375, 1.0, 2.5], dtype)).astype(dtype)
    exactly = {key: Fraction(value) for key, value in values.items()}

    def each(key: str) -> list[Fraction]:
        return [Fraction(row.formulas[key](Fraction(float(a)), Fraction(float(b)), **exactly)) for a, b in
                zip(z, y, strict=True)]  # fmt: skip

    def penalty(key: str, j: int) -> Fraction:
        return Fraction(PENALTIES[name][key](Fraction(float(w[j])), **exactly)) if name in PENALTIES else Fraction(0)

    rows = [[Fraction(float(entry)) for entry in line] for line in X]
    p = range(3)
    hessian = [[sum(c * x[i] * x[j] for c, x in zip(each("curvature"), rows, strict=True))
                + (penalty("curvature", i) if i == j else 0) for j in p] for i in p]  # fmt: skip
    expected = {
        "value": sum(each("value")) + sum(penalty("value", j) for j in p),
        "gradient": [sum(s * x[j] for s, x in zip(each("slope"), rows, strict=True)) + penalty("slope", j) for j in p],
        "hessian": hessian,
        "hvp": [sum(hessian[i][j] * Fraction(float(v[j])) for j in p) for i in p],
    }
    for what, got in results(loss, w, X, y, v).items():
        assert got.dtype == dtype
        if name == "huber" and what in ("hessian", "hvp"):
            continue  # half of the kink has no exact root; it is in its ball
        assert np.vectorize(lambda x: Fraction(float(x)))(got).tolist() == expected[what], what


# --- what a Loss says of itself -------------------------------------------------------------------------------------


def test_what_is_taken_at_kinks_is_stated() -> None:
    kinked = {name for name in LOSSES if made(name, STRAIGHT[name].hyperparameters[0] if name in STRAIGHT else {}).kink}
    assert kinked == {"l1", "huber", "pinball", "lasso"}
    one = np.ones((1, 1))
    zero = np.zeros(1)
    assert numeric.loss("l1").gradient(zero, one, zero) == 0
    assert numeric.loss("pinball", tau=0.25).gradient(zero, one, zero) == 0.25
    assert numeric.loss("lasso", lam=1).gradient(zero, one, zero) == 0
    huber = numeric.loss("huber", delta=1)
    half = enclosed.Reference(huber, np.ones(1), one, zero, zero).expected().hessian[0, 0]
    assert half.contains(0.5)
    assert half.contains(huber.hessian(np.ones(1), one, zero)[0, 0])


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_survives_the_way_to_another_process(name: str) -> None:
    loss, arguments = large(name, np.float64, n=4)
    again = pickle.loads(pickle.dumps(loss))
    assert again == loss
    assert all(np.array_equal(results(loss, *arguments)[what], results(again, *arguments)[what]) for what in WHAT)


def test_a_loss_is_shown_by_its_name_and_hyperparameters() -> None:
    assert repr(numeric.loss("huber", delta=1)) == "Loss(name='huber', hyperparameters={'delta': 1.0})"
    assert numeric.loss("huber", delta=1) == numeric.loss("huber", delta=1.0)
    assert numeric.loss("huber", delta=1) != numeric.loss("huber", delta=2)
    assert len({numeric.loss("l1"), numeric.loss("l1")}) == 1


def test_overflow_is_inf_and_what_is_no_number_is_an_error() -> None:
    one, poisson = np.ones((2, 1)), numeric.loss("poisson")
    assert poisson.value(np.array([800.0]), one, np.zeros(2)) == math.inf
    assert poisson.gradient(np.array([800.0]), one, np.zeros(2)).tolist() == [math.inf]
    beside_zero = np.array([[1.0, 0.0]])
    with pytest.raises(InputError, match="the result is no number: something on the way to it is beyond"):
        poisson.gradient(np.array([800.0, 0.0]), beside_zero, np.zeros(1))
    with pytest.raises(InputError, match="or float64"):
        poisson.hessian(np.float32([100.0, 0.0]), np.float32(beside_zero), np.zeros(1, np.float32))


def test_a_program_of_a_loss_has_the_axes_that_the_sums_expect() -> None:
    for name in LOSSES:
        loss, _ = large(name, np.float64, n=2)
        inputs = {value.name: value.dims for value in loss.pointwise.inputs}
        assert (CLASS in inputs["z"]) == loss.classes
        assert loss.pointwise.output("slope").dims == inputs["z"]
        assert loss.pointwise.output("turned").dims == inputs["z"]

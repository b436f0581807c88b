"""What a loss refuses, and that the message names the argument, what it is, and what was expected."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numeric
from derive.errors import InputError
from derive.library import catalogue
from derive.library.losses import LOSSES
from numeric.domains import facts
from numeric.losses import Loss

RIGHT: dict[str, dict[str, float]] = {
    "huber": {"delta": 1.0}, "pinball": {"tau": 0.5}, "student-t": {"nu": 3.0, "s": 1.0}, "ridge": {"lam": 0.0},
    "lasso": {"lam": 0.5},
}  # fmt: skip
NAN, INF = float("nan"), float("inf")


def made(name: str) -> Loss:
    return numeric.loss(name, **RIGHT.get(name, {}))


def arguments(name: str) -> dict[str, Any]:
    """Legal ones, with n = 4, p = 3 and K = 2."""
    random = np.random.default_rng(1)
    loss = made(name)
    if loss.classes:
        w, y = random.normal(size=(3, 2)), np.eye(2)[[0, 1, 1, 0]]
    else:
        w, y = np.append(random.normal(size=3), [1.0] * len(loss.learned)), np.array([0.0, 1.0, 1.0, 0.0])
    return {"w": w, "X": random.normal(size=(4, 3)), "y": y, "v": random.normal(size=w.shape)}


def call(loss: Loss, what: str, given: dict[str, Any]) -> Any:
    return getattr(loss, what)(*(given[name] for name in ("w", "X", "y")), *([given["v"]] if what == "hvp" else []))


WHAT = ("value", "gradient", "hessian", "hvp")
EVERY = [(name, what) for name in LOSSES for what in WHAT]


@pytest.mark.parametrize(("name", "what"), EVERY)
def test_what_is_legal_is_accepted(name: str, what: str) -> None:
    assert np.isfinite(call(made(name), what, arguments(name))).all()


# --- names and hyperparameters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("l3", "no loss is called l3; there are l1, l2"),
        ("rigde", "no loss is called rigde; did you mean ridge?"),
        ("hubert", "no loss is called hubert; did you mean huber?"),
        ("", "no loss is called ; there are l1, l2"),
        ("binary_cross_entropy", "did you mean binary-cross-entropy?"),
        ("gaussian-l22", "did you mean gaussian-l2?"),
        ("laplace-l1-nll", "did you mean laplace-l1?"),
    ],
)
def test_an_unknown_loss_is_refused_with_the_nearest_name(name: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        numeric.loss(name)


@pytest.mark.parametrize("name", LOSSES)
def test_the_names_that_derive_lists_are_accepted(name: str) -> None:
    listed = f"{LOSSES[name].model}-{name}"
    assert listed in {entry.name for entry in catalogue()["losses"]}
    assert numeric.loss(listed, **RIGHT.get(name, {})) == made(name)
    assert numeric.loss(listed, **RIGHT.get(name, {})).name == name


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("huber", {}, "huber needs delta; call loss('huber', delta=...) with delta > 0"),
        ("huber", {"delt": 1}, "huber has no hyperparameter delt; did you mean delta?"),
        ("l1", {"delta": 1}, "l1 has no hyperparameter delta; there are none"),
        ("cross-entropy", {"K": 3}, "cross-entropy has no hyperparameter K"),
        ("gaussian-nll", {"sigma": 1.0}, "gaussian-nll has no hyperparameter sigma"),
        ("huber", {"delta": 0}, "delta = 0.0 is outside the domain; expected delta > 0"),
        ("huber", {"delta": -1.5}, "delta = -1.5 is outside the domain"),
        ("huber", {"delta": NAN}, "delta is nan; expected a finite number"),
        ("huber", {"delta": INF}, "delta is inf; expected a finite number"),
        ("huber", {"delta": "1"}, "delta is '1'; expected a finite number"),
        ("huber", {"delta": None}, "delta is None; expected a finite number"),
        ("huber", {"delta": True}, "delta is True; expected a finite number"),
        ("huber", {"delta": 1j}, "delta is 1j; expected a finite number"),
        ("huber", {"delta": np.ones(2)}, "delta is array([1., 1.]); expected a finite number"),
        ("huber", {"delta": 10**400}, "expected a finite number"),
        ("pinball", {"tau": 0}, "tau = 0.0 is outside the domain; expected 0 < tau; tau < 1"),
        ("pinball", {"tau": 1.0}, "tau = 1.0 is outside the domain"),
        ("student-t", {"nu": 3.0}, "student-t needs s"),
        ("student-t", {"nu": 0.0, "s": 1.0}, "nu = 0.0 is outside the domain"),
        ("student-t", {"nu": 1.0, "s": -1.0}, "s = -1.0 is outside the domain"),
        ("ridge", {"lam": -1e-300}, "lam = -1e-300 is outside the domain; expected lam >= 0"),
        ("lasso", {"lam": -1}, "lam = -1.0 is outside the domain"),
    ],
)
def test_hyperparameters_are_checked(name: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        numeric.loss(name, **values)


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.float64(1), np.int64(1)])
def test_every_kind_of_number_is_a_hyperparameter(value: Any) -> None:
    assert numeric.loss("huber", delta=value) == numeric.loss("huber", delta=1.0)


@pytest.mark.parametrize("what", WHAT)
def test_a_scalar_that_the_dtype_cannot_hold_is_refused(what: str) -> None:
    given = {name: value.astype(np.float32) for name, value in arguments("student-t").items()}
    for values in ({"nu": 1e300, "s": 1e5}, {"nu": 1.0, "s": 1e-30}, {"nu": 1e-300, "s": 1e-30}):
        with pytest.raises(InputError, match=r"beyond the range of float(32|s)"):
            call(numeric.loss("student-t", **values), what, given)


# --- shapes and dtypes ----------------------------------------------------------------------------------------------

SHAPES = [
    ("X", np.zeros(3), "X has shape (3,); expected (n, p)"),
    ("X", np.zeros((2, 2, 2)), "X has shape (2, 2, 2); expected (n, p)"),
    ("X", np.zeros((0, 3)), "X has shape (0, 3); expected (n, p), with at least one row and one column"),
    ("X", np.zeros((4, 0)), "X has shape (4, 0); expected (n, p), with at least one row and one column"),
    ("X", np.float64(1), "X has shape (); expected (n, p)"),
    ("y", np.zeros(3), "y has shape (3,); expected (4,), one for each row of X"),
    ("y", np.zeros((4, 1)), "y has shape (4, 1); expected (4,), one for each row of X"),
    ("y", np.float64(1), "y has shape (); expected (4,)"),
    ("w", np.zeros(4), "w has shape (4,); expected (3,), one for each column of X"),
    ("w", np.zeros((3, 1)), "w has shape (3, 1); expected (3,)"),
]


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize(("argument", "wrong", "message"), SHAPES)
def test_shapes_that_do_not_go_together_are_refused(argument: str, wrong: Any, message: str, what: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        call(made("l2"), what, arguments("l2") | {argument: wrong})


@pytest.mark.parametrize(
    ("name", "argument", "wrong", "message"),
    [
        ("l2", "v", np.zeros(4), "v has shape (4,); expected (3,), the shape of w"),
        ("gaussian-nll", "w", np.ones(3), "w has shape (3,); expected (4,), one for each column of X, and then sigma"),
        ("gaussian-nll", "v", np.ones(3), "v has shape (3,); expected (4,), the shape of w"),
        ("cross-entropy", "y", np.zeros(4), "y has shape (4,); expected (4, K): a row for each of X"),
        ("cross-entropy", "y", np.zeros((4, 0)), "y has shape (4, 0); expected (4, K)"),
        ("cross-entropy", "y", np.zeros((3, 2)), "y has shape (3, 2); expected (4, K)"),
        ("cross-entropy", "w", np.zeros((3, 3)), "w has shape (3, 3); expected (3, 2), a row for each column of X"),
        ("cross-entropy", "w", np.zeros(3), "w has shape (3,); expected (3, 2)"),
        ("cross-entropy", "v", np.zeros(3), "v has shape (3,); expected (3, 2), the shape of w"),
    ],
)
def test_shapes_of_the_losses_with_more_parameters(name: str, argument: str, wrong: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        made(name).hvp(**(arguments(name) | {argument: wrong}))


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("argument", ["w", "X", "y", "v"])
@pytest.mark.parametrize(
    "dtype", ["int64", "int8", "bool", "complex128", "object", "float16", "longdouble", ">f8", "U3"]
)
def test_only_the_two_float_dtypes_are_accepted(argument: str, dtype: str, what: str) -> None:
    given = arguments("l2")
    given[argument] = np.ones(given[argument].shape).astype(dtype)
    if argument != "v" or what == "hvp":
        with pytest.raises(InputError, match=f"{argument} has dtype .*; expected float32 or float64"):
            call(made("l2"), what, given)


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("argument", ["w", "X", "y", "v"])
def test_mixed_dtypes_are_refused(argument: str, what: str) -> None:
    given = arguments("l2")
    given[argument] = given[argument].astype(np.float32)
    if argument != "v" or what == "hvp":
        with pytest.raises(InputError, match=f"mixed dtypes: .*{argument} float32.*; convert all"):
            call(made("l2"), what, given)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.ma.masked_array(np.zeros((4, 3)), mask=True), "X is a masked array"),
        ([[1.0], [2.0, 3.0]], "X is no array of numbers"),
        (None, "X has dtype object"),
        ("text", "X has dtype <U4"),
    ],
)
def test_what_is_no_array_of_floats_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        call(made("l2"), "value", arguments("l2") | {"X": wrong})


def test_lists_of_floats_are_arrays() -> None:
    given = {name: value.tolist() for name, value in arguments("l2").items()}
    assert np.array_equal(made("l2").gradient(given["w"], given["X"], given["y"]),
                          call(made("l2"), "gradient", arguments("l2")))  # fmt: skip


# --- nan and inf ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("argument", ["w", "X", "y", "v"])
@pytest.mark.parametrize(("name", "what"), EVERY)
def test_nan_and_inf_are_found_wherever_they_are(name: str, what: str, argument: str, bad: float) -> None:
    """Also where the entry of w is 0, and 0 times inf might have been skipped."""
    given = arguments(name)
    for place in np.ndindex(given[argument].shape):
        wrong = given[argument].copy()
        wrong[place] = bad
        changed = given | {argument: wrong}
        if argument == "X":
            changed["w"] = given["w"].copy()
            changed["w"][place[1]] = 0.0
        if argument != "v" or what == "hvp":
            where = re.escape(f"{argument}[{', '.join(map(str, place))}] is {bad}")
            with pytest.raises(InputError, match=where):
                call(made(name), what, changed)


@pytest.mark.parametrize(("name", "what"), EVERY)
def test_a_product_beyond_the_floats_is_an_error_that_says_so(name: str, what: str) -> None:
    given = arguments(name)
    given["X"] = given["X"] * 1e200
    given["w"] = given["w"] * 1e200
    if made(name).learned:
        given["w"][-1] = 1.0
    try:
        result = call(made(name), what, given)
    except InputError as error:
        message = str(error)
    else:  # a constant second derivative does not need X w, and may well be too large for a float
        message = "" if what in ("hessian", "hvp") and not np.isnan(result).any() else "nothing was noticed"
    assert re.search(r"^$|X @ [wv] is beyond the range of float64|the result is no number", message), message


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize(("dtype", "sigma"), [(np.float64, 1e-200), (np.float64, 1e160), (np.float32, 1e-30)])
def test_an_extreme_sigma_is_named_and_nothing_that_there_is_not(what: str, dtype: Any, sigma: float) -> None:
    given = {name: value.astype(dtype) for name, value in arguments("gaussian-nll").items()}
    given["w"][-1] = sigma
    with pytest.raises(InputError) as caught:
        call(made("gaussian-nll"), what, given)
    message = str(caught.value)
    assert re.match(
        r"sigma = 1(\.0\d+)?e[-+]?\d+ \(w\[3\]\)(, with v\[3\] = \S+)? is out of the range of floats", message
    )
    assert ("v[3]" in message) == (what == "hvp")
    assert "hyperparameter" not in message


@pytest.mark.parametrize("what", WHAT[1:])
@pytest.mark.parametrize(("dtype", "far"), [(np.float32, 1e20), (np.float64, 1e160)])
@pytest.mark.parametrize("name", ["w", "y"])
def test_an_overflow_that_the_result_does_not_show_is_an_error(name: str, dtype: Any, far: float, what: str) -> None:
    """The slope of student-t is 2*r/(nu*s**2 + r**2): an r**2 of inf makes a 0 of it, which times X is wrong."""
    given = {"w": np.zeros(1, dtype), "X": np.ones((3, 1), dtype), "y": np.zeros(3, dtype), "v": np.ones(1, dtype)}
    given[name][-1] = far
    with pytest.raises(InputError, match="beyond the range") as caught:
        call(made("student-t"), what, given)
    if what == "gradient":
        start = {"w": "X @ w is 1", "y": "y is 1"}[name]
        row = {"w": 0, "y": 2}[name]
        assert re.match(rf"{start}(\.0\d+)?e\+\d+ in row {row}: ", str(caught.value))
    assert ("or float64" in str(caught.value)) == (dtype == np.float32)
    call(made("student-t"), "value", given)  # inf, as the page about losses says


def test_a_penalty_that_is_no_number_is_an_error() -> None:
    """0 times inf, which the penalty of w is here, although the rest is finite."""
    X = np.array([[0.0], [1e-200]])
    with pytest.raises(InputError, match="the penalty is beyond the range of float64; use smaller parameters w"):
        numeric.loss("ridge", lam=0.0).value(np.array([1e200]), X, np.zeros(2))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("z", [-1e30, -800.0, -100.0, 0.0, 100.0, 800.0, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_other_loss_hides_an_overflow(name: str, z: float, dtype: Any) -> None:
    """Exponentials that vanish or that are too large are no reason for an error of that kind."""
    given = {key: value.astype(dtype) for key, value in arguments(name).items()}
    given["w"][0], given["X"][:, 0] = z, 1.0
    for what in WHAT:
        try:
            call(made(name), what, given)
        except InputError as refused:
            message = str(refused)
        else:
            message = ""
        assert name == "student-t" or "the result would be wrong" not in message


# --- domains --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("binary-cross-entropy", -0.1, "y[2] is -0.1; expected 0 <= y <= 1"),
        ("binary-cross-entropy", 1.5, "y[2] is 1.5; expected 0 <= y <= 1"),
        ("binary-cross-entropy", -1.0, "y[2] is -1.0; expected 0 <= y <= 1"),
        ("poisson", -1.0, "y[2] is -1.0; expected y >= 0"),
        ("exponential", -5e-324, "y[2] is -5e-324; expected y >= 0"),
        ("cross-entropy", [0.5, 0.75], "y[2] is [0.5  0.75]; expected y[k] >= 0; sum(y[k], k, 1, K) = 1"),
        ("cross-entropy", [0.0, 0.0], "y[2] is [0. 0.]; expected y[k] >= 0; sum(y[k], k, 1, K) = 1"),
        ("cross-entropy", [-0.5, 1.5], "y[2] is [-0.5  1.5]; expected y[k] >= 0; sum(y[k], k, 1, K) = 1"),
    ],
)
def test_labels_outside_their_domain_are_refused_with_their_row(name: str, wrong: Any, message: str, what: str) -> None:
    given = arguments(name)
    given["y"][2] = wrong
    with pytest.raises(InputError, match=re.escape(message)):
        call(made(name), what, given)


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("sigma", [0.0, -1.0, -5e-324])
def test_a_learned_sigma_is_positive(sigma: float, what: str) -> None:
    given = arguments("gaussian-nll")
    given["w"][-1] = sigma
    with pytest.raises(
        InputError, match=re.escape(f"sigma = {sigma} (w[3]) is outside the domain; expected sigma > 0")
    ):
        call(made("gaussian-nll"), what, given)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=40), st.sampled_from([np.float32, np.float64]))
def test_probabilities_divided_by_their_sum_are_accepted(weights: list[float], dtype: Any) -> None:
    y = np.array([weights], dtype)
    y /= y.sum(axis=1, keepdims=True)
    numeric.loss("cross-entropy").value(np.zeros((1, len(weights)), dtype), np.ones((1, 1), dtype), y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_that_no_rounding_explains_are_refused(dtype: Any) -> None:
    """The sum of K numbers that were divided by their sum is off by K roundings of 1 at most, K*eps."""
    eps = np.finfo(dtype).eps
    w, X = np.zeros((1, 2), dtype), np.ones((1, 1), dtype)
    numeric.loss("cross-entropy").value(w, X, np.array([[0.5, 0.5 + 2 * eps]], dtype))
    with pytest.raises(InputError, match=r"; sum\(y\[k\], k, 1, K\) = 1"):
        numeric.loss("cross-entropy").value(w, X, np.array([[0.5, 0.5 + 4 * eps]], dtype))


def test_integers_can_be_demanded_of_scalars_and_of_arrays() -> None:
    facts("t integer >= 1").demand({"t": 3.0})
    with pytest.raises(InputError, match=r"t = 2\.5 is outside the domain; expected t integer >= 1"):
        facts("t integer >= 1").demand({"t": 2.5})
    counts = facts("y integer >= 0", ("y",))
    counts.demand_all("y", np.array([0.0, 7.0]))
    with pytest.raises(InputError, match=r"y\[1\] is 7\.5; expected y integer >= 0"):
        counts.demand_all("y", np.array([0.0, 7.5]))
    every = facts("y[k] >= 0; y[k] != 5", ("y",))
    every.demand_all("y", np.ones((2, 2)))
    with pytest.raises(InputError, match=r"y\[11\] is \[ 1\. -1\.\]"):
        every.demand_all("y", np.array([[1.0, 1.0], [1.0, -1.0]]), first=10)


# --- what is imported -----------------------------------------------------------------------------------------------


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    program = (
        "import numeric, sys\n"
        "assert 'numpy' not in sys.modules\n"
        "import numpy as np\n"
        "numeric.loss('huber', delta=1).hvp(np.ones(2), np.ones((3, 2)), np.ones(3), np.ones(2))\n"
        "print(sorted({'dask', 'distributed', 'flint', 'sympy', 'torch', 'jax', 'scipy'} & set(sys.modules)))\n"
        "print([name for name in numeric.__all__ if getattr(numeric, name) is None or name not in dir(numeric)])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]
    with pytest.raises(AttributeError, match="no attribute 'lost'"):
        numeric.lost  # noqa: B018

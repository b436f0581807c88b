"""What an optimizer refuses: the message names the input and what was expected, and no bit of w, g or state changes."""

from __future__ import annotations

import re
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import numeric
from derive.errors import InputError
from tests.unchanged import begun, refused

NAN, INF = float("nan"), float("inf")
BACKENDS = ("numpy", "numba")
every_backend = pytest.mark.parametrize("backend", BACKENDS)


# --- hyperparameters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("adam", {"lr": -0.1}, "eta = -0.1 is outside the domain; expected eta >= 0"),
        ("adam", {"lr": NAN}, "lr is nan; expected a finite number"),
        ("adam", {"lr": INF}, "lr is inf; expected a finite number"),
        ("adam", {"lr": "0.1"}, "lr is '0.1'; expected a finite number"),
        ("adam", {"lr": True}, "lr is True; expected a finite number"),
        ("adam", {"lr": np.array(0.1)}, "lr is array(0.1); expected a finite number"),
        ("adam", {"beta1": 1}, "beta1 = 1.0 is outside the domain; expected 0 <= beta1 < 1"),
        ("adam", {"beta2": 1.0}, "beta2 = 1.0 is outside the domain"),
        ("adam", {"beta2": Fraction(10**30 - 1, 10**30)}, "beta2 = 1.0 is outside the domain"),
        ("adam", {"beta1": -1e-9}, "beta1 = -1e-09 is outside the domain"),
        ("adam", {"beta1": None}, "beta1 is None; expected a finite number"),
        ("adam", {"beta1": "0.9"}, "beta1 is '0.9'"),
        ("adam", {"beta1": False}, "beta1 is False"),
        ("adam", {"beta1": np.nan}, "beta1 is nan"),
        ("adam", {"beta1": 1j}, "beta1 is 1j"),
        ("adam", {"beta1": lambda t: 0.9}, "beta1 is <function"),
        ("adam", {"beta1": 10**400}, "expected a finite number"),
        ("adam", {"beta1": 10**5000}, "beta1 is an integer of 16610 bits"),
        ("adam", {"eps": 0}, "eps = 0.0 is outside the domain; expected eps > 0"),
        ("adam", {"betas": (0.9, 0.99)}, "adam has no hyperparameter betas; did you mean"),
        ("adam", {"bet1": 0.9}, "adam has no hyperparameter bet1; did you mean beta1?"),
        ("adam", {"epsilom": 1e-8}, "did you mean epsilon?"),
        ("sgd", {"zzz": 1}, "sgd has no hyperparameter zzz; there are eta, lr, learning_rate"),
        ("adam", {"lr": 0.1, "eta": 0.2}, "eta is given twice, once as lr"),
        ("adam", {"learning_rate": 0.1, "eta": 0.2}, "eta is given twice, once as eta"),
        ("adam", {"b1": 0.9, "beta1": 0.9}, "beta1 is given twice, once as beta1"),
        ("sgd", {"weight_decay": -1}, "lam = -1.0 is outside the domain; expected lam >= 0"),
        ("rprop", {"smin": 2.0, "smax": 1.0}, "expected smax >= smin"),
        ("rprop", {"etaminus": 1}, "etaminus = 1.0 is outside the domain"),
        ("radam", {"beta2": 0.5}, "beta2 = 0.5 is outside the domain"),
    ],
)
def test_hyperparameters_are_checked(name: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        numeric.optimizer(name, **values)


@pytest.mark.parametrize("value", [1, np.float32(0.25), np.float64(0.25), np.int64(1), Fraction(1, 4), 0, -0.0])
def test_every_kind_of_number_is_a_rate(value: Any) -> None:
    assert numeric.optimizer("sgd", lr=value).rate(1) == float(value)
    assert numeric.optimizer("sgd", lr=lambda t: value).rate(1) == float(value)


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("adaam", {}, "no optimizer is called adaam; did you mean adam?"),
        ("zzz", {}, "no optimizer is called zzz; `derive list optimizers` shows the names"),
        ("", {}, "no optimizer is called ;"),
        (["adam"], {}, "the optimizer is ['adam']; give the name of a rule"),
        (None, {}, "the optimizer is None"),
        ("adam", {"backend": "nunpy"}, "there is no backend 'nunpy'; use numpy"),
        ("adam", {"backend": None}, "there is no backend None; use numpy or numba"),
        ("adam", {"groups": "bias"}, "groups is 'bias'; expected a dict of dicts"),
        ("adam", {"groups": {"bias": 0.1}}, "groups is {'bias': 0.1}; expected a dict of dicts"),
        ("adam", {"groups": {"bias": {"lr": -1}}}, "eta = -1.0 is outside the domain"),
        ("adam", {"groups": {"bias": {"lrr": 1}}}, "adam has no hyperparameter lrr; did you mean lr?"),
        ("adam", {"groups": {"bias": {1: 1}}}, "adam has no hyperparameter 1;"),
        ("adam", {"groups": {"bias": {"lr": 1, "eta": 1}}}, "eta is given twice"),
    ],
)
def test_names_and_groups_are_checked(name: Any, how: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        numeric.optimizer(name, **how)


def test_hyperparameters_of_an_optimizer_stay_as_they_are() -> None:
    opt = numeric.optimizer("adam")
    with pytest.raises(TypeError):
        opt.hyperparameters["beta1"] = 5.0  # type: ignore[index]


# --- float32 --------------------------------------------------------------------------------------------------------


@every_backend
@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("adam", {"eps": 1e-46}, "eps = 1e-46 is beyond the range of float32; use float64"),
        ("adam", {"beta1": 1e-60}, "beta1 = 1e-60 is beyond the range of float32"),
        ("sgd", {"lr": 1e39}, "eta = 1e+39 is beyond the range of float32"),
        ("sgd", {"lr": lambda t: 1e39}, "eta = 1e+39 is beyond the range of float32"),
        ("adam", {"weight_decay": 1e39}, "lam = 1e+39 is beyond the range of float32"),
    ],
)
def test_what_float32_cannot_hold_is_refused(name: str, values: dict[str, Any], message: str, backend: str) -> None:
    opt, w, g = numeric.optimizer(name, backend=backend, **values), np.ones(3, np.float32), np.zeros(3, np.float32)
    state = opt.init(w)
    with refused(message, w, g, state):
        opt.step(w, g, state)
    wide = w.astype(np.float64)
    opt.step(wide, wide * 0, opt.init(wide))


def test_a_state_that_float32_cannot_hold_is_refused() -> None:
    with pytest.raises(
        InputError, match=re.escape("the state begins with 1e+39, which is beyond the range of float32")
    ):
        numeric.optimizer("rprop", lr=1e39).init(np.ones(2, np.float32))


@every_backend
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_beta2_just_below_one_is_no_special_case(dtype: Any, backend: str) -> None:
    """1 - beta2 is computed in float64 and is 2**-53 at least, which float32 has; beta2 itself becomes 1 there."""
    beta2 = float(np.nextafter(1.0, 0.0))
    opt, w = numeric.optimizer("adam", lr=0.5, beta2=beta2, backend=backend), np.array([1.0, -1.0], dtype)
    state = opt.init(w)
    opt.step(w, np.array([2.0, -4.0], dtype), state)
    assert state["v"].tolist() == [2.0**-51, 2.0**-49]
    assert np.allclose(w, [0.5, -0.5], rtol=1e-6)
    opt.step(w, np.zeros(2, dtype), state)
    assert (state["v"] > 0).all()
    assert np.isfinite(w).all()


# --- parameters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["int64", "float16", "longdouble", "complex128", "object", "bool", ">f8", ">f4", "U3"]
)
def test_other_dtypes_are_refused(dtype: str) -> None:
    opt, w, state = begun()
    other = np.ones(3).astype(dtype)
    with refused(f"w is an array of shape (3,) and dtype {other.dtype}; expected a NumPy array of float32 or", other):
        opt.init(other)
    with refused(
        f"g is an array of shape (3,) and dtype {other.dtype}; expected a NumPy array of shape (3,)", w, state
    ):
        opt.step(w, other, state)
    with refused(f"w is an array of shape (3,) and dtype {other.dtype}; expected", other, state):
        opt.step(other, np.ones(3), state)
    with refused(f"g['a'] is an array of shape (3,) and dtype {other.dtype}"):
        opt, tree, state = begun(w={"a": np.ones(3)})
        opt.step(tree, {"a": other}, state)


def as_matrix() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.matrix([[1.0, 2.0]])


@pytest.mark.parametrize(
    ("w", "message"),
    [
        (as_matrix(), "w is a matrix, no plain array, of shape (1, 2) and dtype float64"),
        (np.ma.masked_array([1.0, 2.0]), "w is a MaskedArray, no plain array, of shape (2,)"),
        (np.recarray((2,), dtype=float), "w is a recarray, no plain array, of shape (2,)"),
        ([1.0, 2.0], "w is a list of length 2; expected a NumPy array"),
        ([np.ones(2)], "w is a list of length 1"),
        (1.0, "w is float 1.0"),
        (np.float64(1.0), "w is float64 np.float64(1.0)"),
        (None, "w is NoneType None"),
        ("w", "w is str 'w'"),
        ((), "w has no array in it; give an array, or a tuple or dict of arrays"),
        ({}, "w has no array in it"),
        ((np.ones(2), 3.0), "w[1] is float 3.0"),
        ((np.ones(2), (np.ones(2),)), "w[1] is a tuple of length 1"),
        ({"a": {"b": np.ones(2)}}, "w['a'] is a dict with the keys 'b'"),
        ({1: np.ones(2)}, "w has the key 1; name each array with a text"),
        ({"": np.ones(2)}, "w has the key ''; name each array with a text"),
        ({None: np.ones(2)}, "w has the key None"),
    ],
)
def test_what_is_no_array_of_floats_is_refused(w: Any, message: str) -> None:
    with refused(message, w):
        numeric.optimizer("adam").init(w)


@pytest.mark.parametrize(
    ("w", "g", "message"),
    [
        (np.ones(3), np.ones(4), "g is an array of shape (4,) and dtype float64; expected a NumPy array of shape (3,)"),
        (np.ones(3), np.ones((3, 1)), "g is an array of shape (3, 1)"),
        (np.ones(3), np.ones((1, 3)), "g is an array of shape (1, 3)"),
        (np.ones(3), np.float64(1), "g is float64"),
        (np.ones(3), [1.0, 1.0, 1.0], "g is a list of length 3"),
        (np.ones(3), np.ones(3, np.float32), "g is an array of shape (3,) and dtype float32; expected a NumPy"),
        (np.ones(()), np.ones(1), "g is an array of shape (1,) and dtype float64; expected a NumPy array of shape ()"),
        (np.ones((0, 2)), np.ones((2, 0)), "g is an array of shape (2, 0)"),
        ((np.ones(2), np.ones(3)), [np.ones(2), np.ones(3)], "g is a list of length 2; expected a tuple of 2 arrays"),
        ((np.ones(2), np.ones(3)), (np.ones(2),), "g is a tuple of length 1; expected a tuple of 2 arrays"),
        ((np.ones(2), np.ones(3)), (np.ones(3), np.ones(2)), "g[0] is an array of shape (3,)"),
        ((np.ones(2),), np.ones(2), "g is an array of shape (2,) and dtype float64; expected a tuple of 1 arrays"),
        ({"a": np.ones(2)}, {"b": np.ones(2)}, "g is a dict with the keys 'b'; expected a dict with the keys 'a'"),
        ({"a": np.ones(2)}, {}, "g is a dict with the keys none"),
        ({"a": np.ones(2)}, {"a": np.ones(2), "b": np.ones(2)}, "g is a dict with the keys 'a', 'b'"),
        ({"a": np.ones(2)}, {"a": [1.0, 1.0]}, "g['a'] is a list of length 2"),
        ({"a": np.ones(2)}, (np.ones(2),), "g is a tuple of length 1; expected a dict with the keys 'a'"),
    ],
)
def test_gradients_have_the_structure_of_the_parameters(w: Any, g: Any, message: str) -> None:
    opt, w, state = begun(w=w)
    with refused(message, w, g, state):
        opt.step(w, g, state)
    with refused(message, w, g, state):
        opt.update(w, g, state)
    with refused(message.replace("g", "w", 1), state):  # and so have the parameters of a later step
        opt.step(g, w, state)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_backend
def test_nan_and_inf_in_a_gradient_are_refused(bad: float, dtype: Any, backend: str) -> None:
    opt, w, state = begun(w=np.ones((300, 501), dtype), backend=backend)
    for place in ((0, 0), (123, 45), (299, 500)):
        g = np.full(w.shape, 1e-3, dtype)
        g[place] = bad
        with refused(f"g[{place[0]}, {place[1]}] is {bad}; expected a gradient without nan and inf", w, g, state):
            opt.step(w, g, state)
        with refused("nothing was changed", w, g, state):
            opt.update(w, g, state)
    tree = {"small": np.ones(3, dtype), "other": np.ones((), dtype), "large": np.ones(20_000, dtype)}
    opt, tree, state = begun(w=tree, backend=backend)
    for key, leaf in tree.items():
        g = {name: np.ones_like(each) for name, each in tree.items()}
        g[key].reshape(-1)[-1] = bad
        with refused(f"g[{key!r}]{f'[{leaf.size - 1}]' if leaf.ndim else ''} is {bad}", tree, g, state):
            opt.step(tree, g, state)


@every_backend
@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 3e38), (np.float64, 1.7e308)])
def test_large_gradients_whose_squares_overflow_are_accepted(dtype: Any, large: float, backend: str) -> None:
    for shape in ((5,), (1000, 30)):
        w, g = np.ones(shape, dtype), np.full(shape, large, dtype)
        opt = numeric.optimizer("signsgd", lr=0.5, backend=backend)
        opt.step(w, g, opt.init(w))
        assert (w == 0.5).all()
        tree = {"a": np.ones(shape, dtype), "b": np.ones(3, dtype)}
        opt.step(tree, {"a": g, "b": g.reshape(-1)[:3]}, opt.init(tree))
        assert (tree["a"] == 0.5).all()

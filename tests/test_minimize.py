"""The loop around an optimizer: convergence, histories, stops with a reason, going on to the bit, wrong arguments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numeric
from derive.errors import InputError
from derive.library.optimizers import OPTIMIZERS
from tests.unchanged import memory

NAN, INF = float("nan"), float("inf")
RANDOM = np.random.default_rng(9)
X = RANDOM.normal(size=(40, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 0.1 * RANDOM.normal(size=40)
L2 = numeric.loss("l2")
SQUARE = (lambda w: float(w @ w) / 2, lambda w: w)  # a gradient that is w itself
RATES = {"gd": 0.2, "sgd": 0.2, "adadelta": 10.0, "momentum": 0.05, "nesterov": 0.05, "sgdw": 0.05, "asgd": 0.1,
         "momentum-torch": 0.05, "nesterov-torch": 0.05, "ema-momentum": 0.2, "signsgd": 0.03, "lion": 0.03,
         "adagrad": 0.5, "adagrad-decay": 0.5, "rmsprop-momentum": 0.01}  # fmt: skip


def same(one: Any, other: Any) -> bool:
    columns = ("t", "loss", "gradient_norm", "rate")
    one_, other_ = ([each.w, each.state, *(getattr(each.history, name) for name in columns)] for each in (one, other))
    return bool(memory(one_) == memory(other_)) and one.reason == other.reason


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_solves_least_squares(name: str) -> None:
    w0 = np.zeros(3)
    found = numeric.minimize(L2, w0, name, data=(X, y), steps=400, lr=RATES.get(name, 0.05))
    best = L2.value(np.linalg.lstsq(X, y, rcond=None)[0], X, y) / 40
    first, last = found.history.loss[0], float(L2.value(found.w, X, y)) / 40
    assert found.reason == ""
    assert found.steps == 400
    assert (1 - 1e-12) * best <= last < best + 0.01 * (first - best)
    assert not w0.any()


@pytest.mark.parametrize("name", ["l1", "huber", "ridge", "lasso", "gaussian-nll", "poisson", "binary-cross-entropy"])
def test_losses_of_the_library_fall(name: str) -> None:
    loss = numeric.loss(name, **{"huber": {"delta": 0.5}, "ridge": {"lam": 1.0}, "lasso": {"lam": 1.0}}.get(name, {}))
    target = {"poisson": np.round(np.exp(X[:, 0])), "binary-cross-entropy": (y > 0) * 1.0}.get(name, y)
    w0 = np.append(np.zeros(3), np.ones(len(loss.learned)))
    for dtype in (np.float32, np.float64):
        data = (X.astype(dtype), target.astype(dtype))
        found = numeric.minimize(loss, w0.astype(dtype), "adam", data=data, steps=150, lr=0.05)
        assert found.reason == ""
        assert found.w.dtype == dtype
        assert loss.value(found.w, *data) < 0.8 * loss.value(w0.astype(dtype), *data)


def test_the_history_says_what_was_done() -> None:
    found = numeric.minimize(SQUARE, np.array([3.0, -4.0]), "sgd", steps=3, lr=lambda t: 1.0 / 2**t)
    assert found.history.t.tolist() == [1, 2, 3]
    assert found.history.loss.tolist() == [12.5, 3.125, 1.7578125]
    assert found.history.gradient_norm.tolist() == [5.0, 2.5, 1.875]
    assert found.history.rate.tolist() == [0.5, 0.25, 0.125]
    assert found.w.tolist() == [3.0 * 0.328125, -4.0 * 0.328125]
    none = numeric.minimize(SQUARE, np.array([3.0, -4.0]), steps=0)
    assert (none.w.tolist(), none.steps, none.reason, none.history.loss.tolist()) == ([3.0, -4.0], 0, "", [])
    assert none.history.t.dtype == np.int64
    large = numeric.minimize((lambda w: 1.0, lambda w: w), np.full(2, 1e30, np.float32), "signsgd", steps=1)
    assert large.history.gradient_norm[0] == pytest.approx(2**0.5 * 1e30, rel=1e-6)
    largest = numeric.minimize((lambda w: 1.0, lambda w: w), np.array([3e300, 4e300]), "signsgd", steps=1)
    assert largest.history.gradient_norm[0] == pytest.approx(5e300, rel=1e-15)  # the squares are beyond the range


def test_trees_groups_and_what_the_functions_are_given() -> None:
    w0 = {"a": np.array([2.0]), "b": np.array([[4.0, 8.0]], np.float32)}
    before = memory(w0)
    pair = (lambda w: sum(float((each**2).sum()) for each in w.values()), lambda w: {"b": 2 * w["b"], "a": 2 * w["a"]})
    opt = numeric.optimizer("sgd", lr=0.25, groups={"b": {"lr": 0.0}})
    found = numeric.minimize(pair, w0, opt, steps=2)
    assert found.w["a"].tolist() == [0.5]
    assert found.w["b"].tolist() == [[4.0, 8.0]]
    assert memory(w0) == before
    assert isinstance(numeric.minimize((lambda w: 0.0, lambda w: w), (np.ones(2),), steps=2).w, tuple)


def test_nesterov_sees_the_gradient_ahead() -> None:
    seen: list[float] = []

    def gradient(w: Any) -> Any:
        seen.append(float(w[0]))
        return np.ones(1)

    numeric.minimize((lambda w: 0.0, gradient), np.zeros(1), "nesterov", steps=3, lr=1.0, beta1=0.5)
    assert seen == [0.0, -1.5, -3.25]  # w + m/2 with w = 0, -1, -2.5 and m = 0, -1, -1.5


# --- batches --------------------------------------------------------------------------------------------------------


def test_a_penalty_counts_once_for_all_rows() -> None:
    """The average over all batches is the gradient of all rows: with batches of one row, over the rows."""
    w = np.array([0.3, -0.2, 0.1])
    ridge = numeric.loss("ridge", lam=3.0)
    whole = ridge.gradient(w, X, y) / 40
    rows = [L2.gradient(w, X[i : i + 1], y[i : i + 1]) + 2 * 3.0 * w / 40 for i in range(40)]
    assert np.allclose(np.mean(rows, axis=0), whole, rtol=1e-12)
    found = numeric.minimize(ridge, w, "sgd", data=(X, y), batch=1, seed=5, steps=1, lr=1.0)
    chosen = np.random.default_rng((5, 1)).choice(40, 1, replace=False)[0]
    assert np.allclose(w - found.w, rows[chosen], rtol=1e-12)
    assert found.history.loss[0] == pytest.approx(
        L2.value(w, X[chosen : chosen + 1], y[chosen : chosen + 1]) + 3.0 * (w @ w) / 40, rel=1e-12
    )
    all_rows = [numeric.minimize(ridge, w, "adam", data=(X, y), steps=5, batch=batch) for batch in (None, 40)]
    assert same(*all_rows)
    assert all_rows[0].history.loss[0] == pytest.approx(ridge.value(w, X, y) / 40, rel=1e-15)


@pytest.mark.parametrize("name", ["adam", "nadam", "nesterov", "asgd", "rprop"])
@pytest.mark.parametrize("batch", [None, 7])
def test_a_run_goes_on_to_the_bit(name: str, batch: int | None, tmp_path: Path) -> None:
    def run(steps: int, resume: Any = None) -> Any:
        return numeric.minimize(
            numeric.loss("ridge", lam=0.1), np.zeros(3), name, data=(X, y), batch=batch, seed=3, steps=steps,
            lr=lambda t: 0.1 / t, resume=resume,
        )  # fmt: skip

    whole, half = run(20), run(9)
    before = memory((half.w, half.state))
    half.save(tmp_path / "half.npz")
    for resume in (half, tmp_path / "half.npz", str(tmp_path / "half.npz")):
        assert same(run(20, resume), whole)
        assert same(run(9, resume), half)
        assert same(run(3, resume), half)
    assert memory((half.w, half.state)) == before
    again = run(12, half)
    again.save(tmp_path / "half.npz")
    assert same(run(20, tmp_path / "half.npz"), whole)


def test_a_run_on_a_tree_goes_on_from_a_file(tmp_path: Path) -> None:
    w0 = {"x": np.ones(2), "x.npy": np.ones((2, 2), np.float32), "a/b": np.array(3.0)}
    pair = (lambda w: 1.0, lambda w: dict(w))
    numeric.minimize(pair, w0, steps=4).save(tmp_path / "r.npz")
    assert same(numeric.minimize(pair, w0, steps=9, resume=tmp_path / "r.npz"), numeric.minimize(pair, w0, steps=9))


def test_other_seeds_see_other_rows() -> None:
    found = [
        numeric.minimize(L2, np.zeros(3), data=(X, y), batch=4, seed=seed, steps=5).w.tobytes() for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]


# --- stops ----------------------------------------------------------------------------------------------------------


def test_it_stops_where_the_loss_is_nan() -> None:
    pair = (lambda w: NAN if w[0] < 0.7 else float(w[0]), lambda w: np.ones(2))
    found = numeric.minimize(pair, np.ones(2), "sgd", steps=10, lr=0.125)
    assert found.reason == "step 4: the loss is nan, with |w| up to 0.625 and learning rate 0.125"
    assert found.w.tolist() == [0.625, 0.625]
    assert (found.steps, found.history.loss.tolist()) == (3, [1.0, 0.875, 0.75])


def test_it_stops_where_a_gradient_is_inf(tmp_path: Path) -> None:
    pair = (lambda w: 2.0, lambda w: {"a": np.ones(2), "b": np.array([[1.0, INF if w["a"][0] < 0.9 else 0.0]])})
    w0 = {"a": np.ones(2), "b": np.ones((1, 2))}
    found = numeric.minimize(pair, w0, "momentum", steps=10, lr=0.25)
    assert found.reason == "step 2: gradient['b'][0, 1] is inf, the loss 2, with |w| up to 1 and learning rate 0.25"
    assert found.steps == 1
    assert found.w["a"].tolist() == [0.75, 0.75]
    found.save(tmp_path / "f.npz")
    assert same(numeric.minimize(pair, w0, "momentum", steps=10, lr=0.25, resume=tmp_path / "f.npz"), found)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_stops_with_finite_parameters(dtype: Any) -> None:
    data = (X.astype(dtype), y.astype(dtype))
    found = numeric.minimize(L2, np.zeros(3, dtype), "sgd", data=data, steps=5000, lr=10.0)
    assert re.fullmatch(r"step \d+: .* with \|w\| up to .* and learning rate 10", found.reason), found.reason
    assert 10 < found.steps < 5000
    assert np.isfinite(found.w).all()
    assert np.isfinite(found.history.loss).all()
    assert len(found.history.t) == found.steps


def test_a_step_that_leads_beyond_the_floats_is_not_done() -> None:
    pair = (lambda w: float(np.abs(w).sum()), lambda w: np.full(2, 1e300))
    found = numeric.minimize(pair, np.ones(2), "momentum", steps=3, lr=lambda t: 1e10 if t == 2 else 1e-300, beta1=0.5)
    assert found.reason == "step 2: it would lead to where w[0] is -inf, with |w| up to 0 and learning rate 1e+10"
    assert (found.steps, len(found.history.t)) == (1, 1)
    assert np.isfinite(found.w).all()
    assert found.state["m"].tolist() == [-1.0, -1.0]


def test_parameters_outside_the_domain_of_a_loss_stop_it() -> None:
    """sigma < 0 after a step that was too long: what was reached is returned, and nothing is raised."""
    w0, data = np.array([0.0, 0.0, 0.0, 3.0]), (X, y)
    found = numeric.minimize(numeric.loss("gaussian-nll"), w0, "signsgd", data=data, steps=9, lr=3.5)
    assert re.match(r"step \d: sigma = -0\.5 \(w\[3\]\) is outside the domain; expected sigma > 0, with", found.reason)
    assert np.isfinite(found.w).all()


# --- progress, wrong arguments --------------------------------------------------------------------------------------


def test_progress_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    quiet = numeric.minimize(L2, np.zeros(3), data=(X, y), steps=5)
    assert capfd.readouterr() == ("", "")
    shown = numeric.minimize(L2, np.zeros(3), data=(X, y), steps=5, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "5/5" in err
    assert "loss" in err
    assert same(quiet, shown)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"steps": -1}, "steps is -1; expected a whole number >= 0"),
        ({"steps": 2.0}, "steps is 2.0"),
        ({"steps": True}, "steps is True"),
        ({"steps": None}, "steps is None"),
        ({"batch": 0}, "batch is 0; expected a whole number >= 1"),
        ({"batch": 41}, "batch is 41; there are 40 rows"),
        ({"batch": 2.0}, "batch is 2.0"),
        ({"batch": 2, "seed": -1}, "seed is -1; expected a whole number >= 0"),
        ({"batch": 2, "seed": 1.5}, "seed is 1.5"),
        ({"data": None}, "data is None; a loss of the library needs data=(X, y)"),
        ({"data": (X, y, y)}, "a loss of the library needs data=(X, y)"),
        ({"data": (X, y[:3])}, "y has shape (3,)"),
        ({"data": (X[:0], y[:0])}, "X has shape (0, 3)"),
        ({"data": (X.astype(np.float32), y)}, "float32"),
        ({"w0": np.zeros(4)}, "w has shape (4,)"),
        ({"w0": [0.0, 0.0, 0.0]}, "w is a list of length 3"),
        ({"w0": {"a": np.zeros(3)}}, "w0 is a dict; a loss of the library has one array of parameters"),
        ({"w0": np.array([0.0, NAN, 0.0])}, "nan"),
        ({"loss": 3}, "the loss is 3; give numeric.loss(...), or (value, gradient)"),
        ({"loss": (len,)}, "give numeric.loss(...), or (value, gradient)"),
        ({"loss": SQUARE}, "data and batch go with a loss of the library; put them into the functions"),
        ({"loss": SQUARE, "data": None, "batch": 3}, "data and batch go with a loss of the library"),
        ({"opt": "adaam"}, "no optimizer is called adaam; did you mean adam?"),
        ({"opt": None}, "the optimizer is None"),
        ({"opt": numeric.optimizer("sgd"), "lr": 0.1}, "lr with a finished optimizer; give them to optimizer(...)"),
        ({"bet1": 0.1}, "adam has no hyperparameter bet1"),
        ({"resume": {}}, "resume is {}; give what minimize returned, or the path of its file"),
        ({"resume": "no.npz"}, "no.npz: no such file"),
    ],
)
def test_wrong_arguments_are_refused(how: dict[str, Any], message: str) -> None:
    given = {"loss": L2, "w0": np.zeros(3), "opt": "adam", "data": (X, y), "steps": 2, **how}
    with pytest.raises(InputError, match=re.escape(message)):
        numeric.minimize(given.pop("loss"), given.pop("w0"), given.pop("opt"), **given)


@pytest.mark.parametrize(
    ("value", "gradient", "message"),
    [
        (None, np.ones(2), "the loss gives None at step 1; expected a number"),
        (np.ones(2), np.ones(2), "the loss gives array([1., 1.]) at step 1"),
        (1j, np.ones(2), "the loss gives 1j"),
        ("1", np.ones(2), "the loss gives '1'"),
        (1.0, None, "the gradient is NoneType None; expected a NumPy array of shape (2,) and dtype float64, as w is"),
        (1.0, np.ones(3), "the gradient is an array of shape (3,)"),
        (1.0, np.ones(2, np.float32), "the gradient is an array of shape (2,) and dtype float32"),
        (1.0, [1.0, 1.0], "the gradient is a list of length 2"),
    ],
)
def test_what_the_functions_give_is_checked(value: Any, gradient: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        numeric.minimize((lambda w: value, lambda w: gradient), np.ones(2), steps=2)


def test_numbers_of_numpy_are_numbers() -> None:
    for value in (1, 1.0, np.float32(1), np.array(1.0), np.int64(1)):
        found = numeric.minimize((lambda w, v=value: v, lambda w: w), np.ones(2), steps=np.int64(2))  # type: ignore[misc]
        assert found.history.loss.tolist() == [1.0, 1.0]


def test_runs_of_others_are_not_gone_on_with(tmp_path: Path) -> None:
    run = numeric.minimize(L2, np.zeros(3), "adam", data=(X, y), steps=2)
    run.save(tmp_path / "run.npz")
    run.state.save(tmp_path / "state.npz")
    for resume in (run, tmp_path / "run.npz"):
        with pytest.raises(InputError, match=r"this is the state of '?adam"):
            numeric.minimize(L2, np.zeros(3), "sgd", data=(X, y), steps=4, resume=resume)
        with pytest.raises(InputError, match=r"has the shapes \[\[3\]\]|stored w is an array of shape \(3,\)"):
            numeric.minimize(SQUARE, np.zeros(4), "adam", steps=4, resume=resume)
    with pytest.raises(InputError, match="there is no w or no history in it"):
        numeric.minimize(L2, np.zeros(3), "adam", data=(X, y), steps=4, resume=tmp_path / "state.npz")


def test_an_error_of_the_functions_passes() -> None:
    def broken(w: Any) -> Any:
        raise ZeroDivisionError

    w0 = np.ones(2)
    with pytest.raises(ZeroDivisionError):
        numeric.minimize((broken, broken), w0, steps=2)
    assert w0.tolist() == [1.0, 1.0]

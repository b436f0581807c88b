"""Memory that arrays share, schedules, states of others, and the settings of the user: refused, or of no effect."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numeric
from derive.errors import InputError
from derive.library.optimizers import OPTIMIZERS
from tests.unchanged import begun, memory, refused

NAN, INF = float("nan"), float("inf")
every_backend = pytest.mark.parametrize("backend", ["numpy", "numba"])


# --- memory ---------------------------------------------------------------------------------------------------------


def both(size: int = 8) -> Any:
    return np.arange(1.0, size + 1)


def test_w_and_g_with_the_same_memory_are_refused() -> None:
    a = both()
    for w, g in ((a, a), (a[:5], a[3:]), (a.reshape(2, 4), a.reshape(2, 4)), (a[::2], a[:4])):
        opt = numeric.optimizer("momentum")
        state = opt.init(w)
        with refused("g shares memory with w; copy one of them", a, state):
            opt.step(w, g, state)
        opt.update(w, g, state)  # which writes elsewhere


@every_backend
@pytest.mark.parametrize("size", [3, 20_000])
def test_arrays_of_a_tree_with_the_same_memory_are_refused(size: int, backend: str) -> None:
    a, b = both(size), both(size)
    opt = numeric.optimizer("sgd", lr=0.5, backend=backend)
    for w in ((a, a), (a[1:], a[:-1])):
        state = opt.init(w)
        g = tuple(np.ones_like(leaf) for leaf in w)
        with refused("w[1] shares memory with w[0]; copy one of them", a, g, state):
            opt.step(w, g, state)
    state, before = opt.init((a, b)), (a.copy(), b.copy())
    if size > 10_000:  # updated where they are, one after the other
        with refused("shares memory with w", a, b, state):
            opt.step((a, b), (b, a), state)
    else:  # copied before anything is written
        opt.step((a, b), (b, a), state)
        assert memory((a, b)) == memory((before[0] - 0.5 * before[1], before[1] - 0.5 * before[0]))


@every_backend
def test_parameters_in_the_memory_of_the_state_are_refused(backend: str) -> None:
    opt, w, state = begun("asgd", backend=backend)
    average, g = state["a"], np.ones(3)
    for given, gradient in ((average, g), (w, average), (average[::-1], g)):
        with refused("", w, g, state):
            opt.step(given, gradient, state)
    with pytest.raises(InputError, match="w shares memory with the state a"):
        opt.step(average, g, state)


def test_interleaved_arrays_share_nothing() -> None:
    a = both()
    opt = numeric.optimizer("sgd", lr=1.0)
    opt.step(a[::2], a[1::2], opt.init(a[::2]))
    assert a.tolist() == [-1, 2, -1, 4, -1, 6, -1, 8]
    square = np.arange(9.0).reshape(3, 3)
    columns = tuple(square.T)
    opt.step(columns, tuple(np.ones(3) for _ in columns), opt.init(columns))
    assert square.tolist() == [[-1, 0, 1], [2, 3, 4], [5, 6, 7]]


def test_elements_in_one_place_are_refused() -> None:
    a = both()
    for w in (np.lib.stride_tricks.as_strided(a, (3, 3), (0, 8)), np.lib.stride_tricks.as_strided(a, (3, 3), (8, 8))):
        opt = numeric.optimizer("sgd")
        state, g = opt.init(w), np.ones((3, 3))
        with refused("elements of w share memory with each other", a, g, state):
            opt.step(w, g, state)


@every_backend
def test_read_only_parameters_are_refused(backend: str) -> None:
    opt, w, state = begun(backend=backend)
    g = np.ones(3)
    w.flags.writeable = g.flags.writeable = False
    with refused("w is read-only; use update, or copy it", w, g, state):
        opt.step(w, g, state)
    opt.update(w, g, state)
    wide = np.broadcast_to(np.float64(1.0), (3,))
    with refused("w is read-only", wide, g, state):
        opt.step(wide, g, state)
    tree = (np.ones(3), np.ones(3))
    opt, tree, state = begun(w=tree, backend=backend)
    tree[1].flags.writeable = False  # after it was looked at
    with refused("w[1] is read-only", tree, state):
        opt.step(tree, (g, g), state)


def test_an_array_that_changes_its_shape_between_steps_is_refused() -> None:
    tree = {"a": np.ones((2, 3)), "b": np.ones(2)}
    opt, tree, state = begun(w=tree)
    g = {"a": np.ones((2, 3)), "b": np.ones(2)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to set the shape is deprecated, and works
        tree["a"].shape = (3, 2)
    with refused("w['a'] is an array of shape (3, 2)", tree, g, state):
        opt.step(tree, g, state)


@every_backend
def test_every_arrangement_in_memory_gives_the_same_bits(backend: str) -> None:
    random = np.random.default_rng(4)
    start, gradient = random.normal(size=(5, 7)), random.normal(size=(5, 7))
    wide = np.zeros((10, 14))
    places = {
        "c": np.zeros((5, 7)), "fortran": np.zeros((5, 7), order="F"), "every second": wide[::2, ::2],
        "reversed": np.zeros((5, 7))[::-1, ::-1], "unaligned": np.zeros(281, np.uint8)[1:].view(float).reshape(5, 7),
        "transposed": np.zeros((7, 5)).T,
    }  # fmt: skip
    found = {}
    for name, w in places.items():
        w[...] = start
        opt = numeric.optimizer("adam", lr=0.1, backend=backend)
        state = opt.init(w)
        for g in (gradient, np.asfortranarray(gradient), gradient[::-1][::-1], np.broadcast_to(gradient[0], (5, 7))):
            opt.step(w, g, state)
        found[name] = memory(np.ascontiguousarray(w))
    assert all(each == found["c"] for each in found.values())
    assert not wide[1::2].any()
    assert not wide[:, 1::2].any()


@every_backend
@pytest.mark.parametrize("size", [4, 200])
def test_arrangements_may_change_from_step_to_step(size: int, backend: str) -> None:
    """One optimizer, one layout: what was gathered for one w is not written into another."""
    opt, shape = numeric.optimizer("adam", lr=0.1, backend=backend), (size, size)
    plain, turned = np.ones(shape), np.ones(shape, order="F")
    state = opt.init(plain)
    other = state.copy()
    for t in range(5):
        g = np.random.default_rng(t).normal(size=shape)
        opt.step(np.asfortranarray(plain) * 1.0, g, state.copy())
        opt.step(plain, g, state)
        opt.step(turned, np.asfortranarray(g) if t % 2 else g, other)
        new, _ = opt.update(turned, g, other)
        assert memory(plain) == memory(np.ascontiguousarray(turned)), t
        assert not np.may_share_memory(new, turned)
        if t == 2:  # and back again
            turned = np.ascontiguousarray(turned)


@every_backend
@pytest.mark.parametrize("name", ["adam", "rprop", "nadam", "sgd"])
def test_arrays_of_no_axes_and_of_no_elements(name: str, backend: str) -> None:
    opt = numeric.optimizer(name, backend=backend)
    for w in (np.array(1.0), np.zeros(0), np.zeros((3, 0, 2)), (np.array(1.0), np.zeros(0)), {"a": np.zeros((0, 2))}):
        new, state = opt.update(w, w, opt.init(w))
        assert memory(opt.update(w, w, opt.init(w))[0]) == memory(new)
        assert state.t == 1
        if isinstance(w, np.ndarray):
            assert type(new) is np.ndarray
            assert new.shape == w.shape


# --- schedules, settings of the user, states ------------------------------------------------------------------------


class Broken(Exception):
    """What a schedule may raise."""


def test_an_error_of_a_schedule_passes_with_nothing_changed() -> None:
    def late(t: int) -> float:
        if t > 1:
            raise Broken
        return 0.1

    for groups in ({}, {"b": {"lr": late}}):
        lr: Any = 0.1 if groups else late
        tree = {"a": np.ones(2), "b": np.ones(2)}
        opt, tree, state = begun("nadam", w=tree, lr=lr, groups=groups)
        g = {"a": np.ones(2), "b": np.ones(2)}
        with refused("", tree, g, state, kind=Broken):
            opt.step(tree, g, state)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (NAN, "nan"), (INF, "inf"), (-1e-9, "-1e-09"), ("0.1", "'0.1'"), (None, "None"), (True, "True"), (1j, "1j"),
        (np.array(0.1), "array(0.1)"), ([0.1], "[0.1]"), (np.float32("nan"), "np.float32(nan)"),
        (10**400, "1000000000"), (np.True_, "np.True_"),
    ],
)  # fmt: skip
def test_what_a_schedule_gives_is_checked(value: Any, shown: str) -> None:
    opt, w, state = begun(lr=lambda t: value if t == 2 else 0.1)
    g = np.ones(3)
    with refused(f"the schedule gives {shown}", w, g, state):
        opt.step(w, g, state)
    with refused("at t = 2; expected a finite number >= 0", w, g, state):
        opt.step(w, g, state)


@pytest.mark.parametrize(
    ("name", "backend"), [*((name, "numpy") for name in OPTIMIZERS), ("adam", "numba"), ("yogi", "numba")]
)
def test_settings_of_the_user_for_floats_stop_nothing(name: str, backend: str) -> None:
    """np.seterr(all="raise") and warnings as errors: an overflow is inf all the same, and the same bits come out."""
    found = []
    for how in ("ignore", "raise"):
        with np.errstate(all=how), warnings.catch_warnings():  # type: ignore[call-overload]
            warnings.simplefilter("error")
            opt = numeric.optimizer(name, backend=backend, **({"eps": 1e-40} if name == "adam" else {}))
            w = np.array([1.0, 1e30, 1e-30, -1e38], np.float32)
            state = opt.init(w)
            for _ in range(3):
                opt.step(w, np.array([1e-30, 1e30, -1e-44, 3e38], np.float32), state)
                opt.point(w, state)
            found.append(memory((w, state)))
    assert found[0] == found[1]


def test_states_of_others_are_refused() -> None:
    opt, w, state = begun("adam")
    g = np.ones(3)
    for other, message in (
        (begun("sgd")[2], "this is the state of sgd; make one of adam with init(w)"),
        (numeric.optimizer("adam", weight_decay=0.1).init(w), "this is the state of adam-l2"),
        (None, "the state is None; make one with init(w)"),
        (state.to_dict(), "the state is {'rule': 'adam'"),
        (opt.init(np.ones(4)), "w is an array of shape (3,) and dtype float64; expected a NumPy array of shape (4,)"),
        (opt.init(np.ones(3, np.float32)), "expected a NumPy array of shape (3,) and dtype float32"),
        (opt.init((np.ones(3),)), "expected a tuple of 1 arrays"),
    ):
        for call in (opt.step, opt.update):
            with refused(message, w, g, other):
                call(w, g, other)
    look = numeric.optimizer("nesterov")
    with refused("this is the state of adam", w, state):
        look.point(w, state)
    with refused("w is an array of shape (3,)"):
        look.point(w, look.init(np.ones(4)))
    with pytest.raises(InputError, match="the state of adam has no q; it has m, v"):
        state["q"]


def test_the_state_of_other_groups_is_refused() -> None:
    """Even of as many: else the hyperparameters of one array would be used for another."""
    w, g = {"a": np.ones(1), "b": np.ones(1)}, {"a": np.ones(1), "b": np.ones(1)}
    one, other = (numeric.optimizer("sgd", lr=1.0, groups={key: {"lr": 0.0}}) for key in w)
    for state in (one.init(w), numeric.optimizer("sgd").init(w)):
        with refused("the state has other groups of hyperparameters", w, g, state):
            other.step(w, g, state)
    with pytest.raises(InputError, match="groups has 'c', which w does not have; its keys are 'a', 'b'"):
        numeric.optimizer("sgd", groups={"c": {}}).init(w)
    with pytest.raises(InputError, match="its keys are none: w is one array"):
        numeric.optimizer("sgd", groups={"c": {}}).init(np.ones(1))
    with pytest.raises(InputError, match="groups has 2, which w does not have; its keys are 0, 1"):
        numeric.optimizer("sgd", groups={2: {}}).init((np.ones(1), np.ones(1)))


# --- what is imported, and how long the first step takes ------------------------------------------------------------

FRESH = """
import sys, time
import numpy as np, numeric, derive.library.optimizers
numeric.Optimizer
w, g = np.ones(100), np.full(100, 0.5)
start = time.process_time()
opt = numeric.optimizer("adam")
opt.step(w, g, opt.init(w))
print(time.process_time() - start, [name for name in ("sympy", "numba", "torch", "mpmath") if name in sys.modules])
"""


def test_the_first_step_takes_twenty_milliseconds_and_imports_no_sympy() -> None:
    """Imports apart. The quickest of a few processes: the others were disturbed."""
    root, times = Path(__file__).resolve().parent.parent, []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", FRESH], cwd=root, capture_output=True, text=True, check=True)
        seconds, _, heavy = done.stdout.strip().partition(" ")
        assert heavy == "[]"
        times.append(float(seconds))
    assert min(times) <= 0.020, times

"""Sums over a sample: inside their balls, whatever the blocks, the layout and the dtype; and what memory they need."""

from __future__ import annotations

import importlib.util
import sys
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.library.losses import LOSSES
from numeric import arrays
from numeric.compile import kernel
from numeric.losses import Loss


def load(name: str) -> ModuleType:
    known = f"symstep_{name}"  # the tests are no package
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).resolve().parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


enclosed, samples = load("enclosed"), load("samples")
DTYPES, WHAT = samples.DTYPES, samples.WHAT
results, results_or_none, large = samples.results, samples.results_or_none, samples.large


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=60)
@given(data=st.data())
def test_every_result_is_inside_its_ball(name: str, data: st.DataObject) -> None:
    loss, arguments = data.draw(samples.samples(name))
    reference = enclosed.Reference(loss, *arguments)
    balls, obtained = reference.expected(), results_or_none(loss, arguments)
    if obtained is None:
        assert reference.overflows()
        return
    for what, got in obtained.items():
        assert got.dtype == arguments[0].dtype
        assert not enclosed.misfits(getattr(balls, what), got), what


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=10)
@given(data=st.data())
def test_blocks_of_rows_change_nothing_but_roundings(name: str, data: st.DataObject) -> None:
    """The balls hold for every order of the sum; blocks of one row and of three are two of them."""
    loss, arguments = data.draw(samples.samples(name))
    balls = enclosed.Reference(loss, *arguments).expected()
    for rows in (1, 3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(arrays.Sample, "block_rows", lambda *_, rows=rows: rows)
            for what, got in (results_or_none(loss, arguments) or {}).items():
                assert not enclosed.misfits(getattr(balls, what), got), (what, rows)


def test_blocks_of_many_classes_are_small_where_a_row_needs_a_matrix() -> None:
    X, none = np.zeros((10_000, 3)), np.zeros(0)
    data = arrays.Sample(none, X, none, none, none, none)
    assert data.block_rows() == 10_000
    assert data.block_rows(1000**2) * 1000**2 * 8 <= arrays.SCRATCH_BYTES
    assert data.block_rows(10**9) == 1


@pytest.mark.parametrize("name", ["l2", "binary-cross-entropy", "huber", "student-t"])
def test_the_hessian_needs_the_memory_of_the_result_and_of_a_block(name: str) -> None:
    """Twice the p x p of the result, a block of X, and at most ten vectors of its length; a mask for y."""
    loss, (w, X, y, _) = large(name, np.float64, n=20_000, p=50)
    loss.hessian(w, X, y)
    tracemalloc.start()
    loss.hessian(w, X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows = arrays.BLOCK_BYTES // X[0].nbytes
    assert peak <= 2 * 50 * 50 * 8 + arrays.BLOCK_BYTES + 10 * rows * 8 + 3 * len(y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_the_product_is_the_hessian_times_the_vector(name: str, dtype: Any) -> None:
    """Both are roundings of |X|^T (|c| * |X| |v|): n + p + 8 of them at most, for the order of each and for c*u."""
    loss, (w, X, y, v) = large(name, dtype)
    size = len(w.ravel())
    matrix = loss.hessian(w, X, y)
    assert matrix.shape == w.shape * 2
    flat = matrix.reshape(size, size).astype(float)
    got, other = loss.hvp(w, X, y, v).astype(float).ravel(), flat @ v.astype(float).ravel()
    roundings = (len(X) + len(v) + 8) * np.finfo(dtype).eps / 2
    # |H| is not the matrix of sizes, which the bound is about: that of |X| with |c| is
    sizes = _sizes(loss, w, X, y) @ np.abs(v.astype(float)).ravel()
    assert (np.abs(got - other) <= 2 * roundings / (1 - roundings) * sizes).all()
    # the curvature of student-t has both signs, and then no half of the matrix is a copy of the other
    assert name == "student-t" or np.array_equal(flat, flat.T)


def _sizes(loss: Loss, w: Any, X: Any, y: Any) -> Any:
    """The Hessian with |X| for X and the sizes of all that is added to a curvature, in float64, a little too large."""
    p = X.shape[1]
    z = (X @ w[:p]).astype(float)
    names = [name for name in loss.pointwise.names if name.startswith("curvature")]
    program = loss.pointwise.only(*names)
    given: dict[str, Any] = {"z": z, "y": y.astype(float), **loss.hyperparameters}
    given |= {"m": z.max(axis=-1)} | {name: float(w[p + place]) for place, name in enumerate(loss.learned)}
    out = kernel(program).run(**{value.name: given[value.name] for value in program.inputs})
    A = np.abs(X.astype(float))
    if loss.classes:
        s = kernel(loss.pointwise.only("slope")).run(z=z, y=np.zeros_like(z), m=z.max(axis=-1))["slope"]
        pieces = s[:, :, None] * (np.eye(s.shape[1]) + s[:, None, :])
        full = np.einsum("ij,ikl,im->jkml", A, pieces, A).reshape(w.size, w.size)
    else:
        c = np.broadcast_to(np.abs(out["curvature"]), len(X))
        full = A.T @ (c[:, None] * A)
        for place, name in enumerate(loss.learned, p):
            cross = np.abs(out[f"curvature_{name}"]) @ A
            corner = 3 * (z - y) ** 2 / w[place] ** 4 + 1 / w[place] ** 2
            full = np.block([[full, cross[:, None]], [cross[None, :], np.array([[corner.sum()]])]])
        full = full + np.eye(len(full)) * 2 * loss.hyperparameters.get("lam", 0.0)
    return full * 1.01


@pytest.mark.parametrize("name", LOSSES)
def test_the_layout_of_the_arrays_does_not_matter(name: str) -> None:
    loss, (w, X, y, v) = large(name, np.float64, n=3, p=2)
    balls = enclosed.Reference(loss, w, X, y, v).expected()
    wide = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)
    layouts = {
        "Fortran": np.asfortranarray(X), "every second": wide[::2, ::3], "backwards": X[::-1, ::-1].copy()[::-1, ::-1],
        "transposed": X.T.copy().T, "read only": X.copy(),
    }  # fmt: skip
    layouts["read only"].flags.writeable = False
    for layout, matrix in layouts.items():
        before = matrix.copy()
        for what, got in results(loss, np.repeat(w, 2, axis=0)[::2], matrix, y, v).items():
            assert not enclosed.misfits(getattr(balls, what), got), (layout, what)
        assert np.array_equal(matrix, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_the_dtype_of_the_result_is_that_of_the_arguments(name: str, dtype: Any) -> None:
    loss, arguments = large(name, dtype, n=4)
    got = results(loss, *arguments)
    assert {np.asarray(result).dtype for result in got.values()} == {np.dtype(dtype)}
    assert isinstance(got["value"], np.floating)
    assert all(not np.shares_memory(got[what], argument) for what in WHAT for argument in arguments)


def test_results_of_two_calls_share_no_memory() -> None:
    loss, (w, X, y, _) = large("binary-cross-entropy", np.float64)
    first = loss.gradient(w, X, y)
    kept = first.copy()
    loss.gradient(w * 2, X, y)
    assert np.array_equal(first, kept)

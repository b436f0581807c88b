"""Losses of dask arrays: the sum of what NumPy gives for the chunks, in their order, bit for bit."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest

import numeric
from derive.errors import InputError
from derive.library.losses import LOSSES
from numeric.losses import Loss

dask = pytest.importorskip("dask", reason="needs the extra `dask`")
distributed = pytest.importorskip("distributed", reason="needs the extra `dask`")
da = pytest.importorskip("dask.array", reason="needs the extra `dask`")

HYPERPARAMETERS: dict[str, dict[str, float]] = {
    "huber": {"delta": 1.0}, "pinball": {"tau": 0.25}, "student-t": {"nu": 3.0, "s": 1.0}, "ridge": {"lam": 0.5},
    "lasso": {"lam": 0.5},
}  # fmt: skip
WHAT = ("value", "gradient", "hessian", "hvp")
CHUNKS = (5, 1, 0, 300, 7)


def made(name: str, **changed: float) -> Loss:
    return numeric.loss(name, **(HYPERPARAMETERS.get(name, {}) | changed))


def arguments(name: str, dtype: Any = np.float64) -> tuple[Any, ...]:
    random = np.random.default_rng(2)
    loss, n = made(name), sum(CHUNKS)
    X = random.normal(size=(n, 4))
    if loss.classes:
        w, y = random.normal(size=(4, 3)), np.eye(3)[random.integers(0, 3, n)]
    else:
        w, y = np.append(random.normal(size=4), [1.5] * len(loss.learned)), (random.random(n) < 0.5) * 1.0
    return tuple(array.astype(dtype) for array in (w, X, y, random.normal(size=w.shape)))


def call(loss: Loss, what: str, w: Any, X: Any, y: Any, v: Any) -> Any:
    return getattr(loss, what)(w, X, y, *([v] if what == "hvp" else []))


def chunked(array: Any) -> Any:
    return da.from_array(array, chunks=(CHUNKS, *array.shape[1:]))


def in_order(name: str, what: str, w: Any, X: Any, y: Any, v: Any) -> Any:
    """The sum that is promised: the chunks one after the other, then the penalty, which is no part of a chunk."""
    unpenalised = {"ridge": made("ridge", lam=0.0), "lasso": made("lasso", lam=0.0)}.get(name, made(name))
    ends = np.cumsum(CHUNKS)
    parts = [call(unpenalised, what, w, X[end - size : end], y[end - size : end], v) for size, end in
             zip(CHUNKS, ends, strict=True) if size]  # fmt: skip
    total = reduce(add, parts)
    if made(name).penalty is not None:
        nothing = np.zeros_like(X[:1]), (X[:1] @ np.zeros_like(w)).astype(w.dtype)
        total = total + call(made(name), what, w, *nothing, v)
    return total


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("name", LOSSES)
def test_chunks_are_summed_in_order_bit_for_bit(name: str, scheduler: str, dtype: Any) -> None:
    w, X, y, v = arguments(name, dtype)
    with dask.config.set(scheduler=scheduler):
        for what in WHAT:
            got = call(made(name), what, w, chunked(X), chunked(y), v)
            assert type(got) is (np.ndarray if what != "value" else np.dtype(dtype).type)
            assert got.dtype == dtype
            assert np.array_equal(got, in_order(name, what, w, X, y, v)), what


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with (
        dask.config.set({"distributed.admin.system-monitor.gil.enabled": False}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as local,
        distributed.Client(local) as client,
    ):
        yield client


@pytest.mark.parametrize("name", ["huber", "cross-entropy", "gaussian-nll", "ridge"])
def test_a_cluster_gives_the_same_bits(name: str, cluster: Any) -> None:
    w, X, y, v = arguments(name)
    for what in WHAT:
        assert np.array_equal(call(made(name), what, w, chunked(X), chunked(y), v), in_order(name, what, w, X, y, v))


def test_an_error_in_a_cluster_is_the_same_error(cluster: Any) -> None:
    w, X, y, _ = arguments("poisson")
    y[309] = -1.0
    with pytest.raises(InputError, match=r"y\[309\] is -1\.0; expected y >= 0"):
        made("poisson").value(w, chunked(X), chunked(y))


def test_every_argument_may_be_chunked_or_not() -> None:
    w, X, y, v = arguments("l2")
    loss = made("l2")
    expected = in_order("l2", "hvp", w, X, y, v)
    for given in ((chunked(X), y), (chunked(X), chunked(y)), (chunked(X), da.from_array(y, chunks=2))):
        assert np.array_equal(loss.hvp(da.from_array(w), given[0], given[1], da.from_array(v)), expected)
    assert np.array_equal(loss.hvp(w, X, da.from_array(y, chunks=2), v), loss.hvp(w, X, y, v))


def test_numbers_of_rows_are_those_of_the_whole_array() -> None:
    w, X, y, _ = arguments("binary-cross-entropy")
    loss = made("binary-cross-entropy")
    wrong = X.copy()
    wrong[310, 2] = np.nan
    with pytest.raises(InputError, match=re.escape("X[310, 2] is nan")):
        loss.gradient(w, chunked(wrong), chunked(y))
    with pytest.raises(InputError, match=re.escape("X[310, 2] is nan")):
        made("l1").hessian(w, chunked(wrong), chunked(y))
    y[6] = 3.0
    with pytest.raises(InputError, match=re.escape("y[6] is 3.0; expected 0 <= y <= 1")):
        loss.gradient(w, chunked(X), chunked(y))


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (
            da.ones((6, 4), chunks=(2, 2)),
            np.ones(6),
            "X has shape (6, 4) in (3, 2) chunks; expected (n, p), chunked by",
        ),
        (da.ones(6, chunks=2), np.ones(6), "X has shape (6,) in (3,) chunks"),
        (da.ones((6, 4), chunks=(2, 4)), np.ones(5), "y has shape (5,); expected one row for each of the 6 of X"),
        (da.ones((6, 4), chunks=(2, 4)), da.ones(7, chunks=2), "y has shape (7,); expected one row for each of the 6"),
        (da.ones((6, 4), chunks=(2, 4)), np.float64(1), "y has shape (); expected one row"),
        (da.ones((6, 4), chunks=(2, 4)), da.ones((6, 2), chunks=1), "y has shape (2, 2); expected (2,)"),
        (da.ones((0, 4), chunks=(1, 4)), np.ones(0), "X has shape (0, 4); expected (n, p), with at least one row"),
        (da.ones((6, 4), chunks=(2, 4), dtype=int), np.ones(6), "X has dtype int64"),
    ],
)
def test_chunks_that_do_not_go_together_are_refused(X: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        made("l2").value(np.ones(4), X, y)


def test_unknown_sizes_are_refused_with_what_to_call() -> None:
    X = da.ones((6, 4), chunks=(2, 4))
    with pytest.raises(InputError, match=re.escape("X.compute_chunk_sizes()")):
        made("l2").value(np.ones(4), X[X[:, 0] > 0], np.ones(6))


def test_dask_is_not_imported_for_arrays_of_numpy() -> None:
    program = (
        "import sys, numpy as np, numeric\n"
        "numeric.loss('l1').value(np.ones(1), np.ones((1, 1)), np.ones(1))\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('dask', 'distributed')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"

"""The same sums over dask arrays that are chunked by rows: one task a chunk, the results added in their order.

Nothing here is imported, and dask is not, unless an argument already is a dask array.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from derive.errors import InputError

Part = Callable[[Any, Any, Any, Any, int], Any]  # (w, X, y, v, number of the first row) -> a sum over these rows


def is_chunked(array: Any) -> bool:
    """Whether it is a dask array; without importing dask, since then it is none."""
    module = sys.modules.get("dask.array")
    return module is not None and isinstance(array, module.Array)


def sum_over_chunks(part: Part, w: Any, X: Any, y: Any, v: Any) -> Any:
    """part(chunk 0) + part(chunk 1) + ..., computed by whatever scheduler dask is set to.

    Errors: InputError where X is not chunked by rows alone, or where the rows of X and y are not the same in number;
    those of `part` as they are.
    """
    from dask.delayed import delayed

    w, v = (np.asarray(array) if is_chunked(array) else array for array in (w, v))
    if not is_chunked(X):
        return part(w, X, np.asarray(y), v, 0)
    if X.ndim != 2 or X.numblocks[1] != 1 or np.isnan(X.shape).any():
        raise InputError(
            f"X has shape {X.shape} in {X.numblocks} chunks; expected (n, p), chunked by rows alone",
            remedy='use X.rechunk({0: "auto", 1: -1}), and X.compute_chunk_sizes() where sizes are unknown',
        )
    counts = X.chunks[0]
    if not np.ndim(y) or len(y) != len(X):
        raise InputError(f"y has shape {np.shape(y)}; expected one row for each of the {len(X)} of X")
    starts = list(accumulate(counts, initial=0))[:-1]
    if is_chunked(y):
        targets = y.rechunk({0: counts} | {axis: -1 for axis in range(1, y.ndim)}).to_delayed().ravel()
    else:
        targets = [y[start : start + count] for start, count in zip(starts, counts, strict=True)]
    parameters, direction = delayed(w), delayed(v)
    rows = zip(X.to_delayed().ravel(), targets, starts, counts, strict=True)
    parts = [
        delayed(part)(parameters, block, target, direction, start) for block, target, start, count in rows if count
    ]
    if not parts:
        raise InputError(f"X has shape {X.shape}; expected (n, p), with at least one row")
    total = parts[0]
    for more in parts[1:]:
        total = delayed(operator.add)(total, more)
    return total.compute()

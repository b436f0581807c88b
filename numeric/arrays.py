"""What a loss accepts: arrays checked at the door, with errors that name the argument and what was expected of it.

X is large and is not scanned for nan and inf: any in X shows in X w and in every result. Only when something has gone
wrong is X searched for the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.errors import InputError
from numeric.compile import DTYPES, Array

# Rows of X that are worked on at a time. They are used twice while they are in the cache, as X w and as X^T s; with
# fewer, the calls would cost more than the arithmetic. Measured by tests/benchmarks/losses.py.
BLOCK_BYTES = 1 << 22
LEAST_ROWS = 256
SCRATCH_BYTES = 1 << 25  # of one array of scratch; K x K numbers a row are many where there are many classes


@dataclass(frozen=True)
class Sample:
    """Arguments that go together: w (p,) or (p, K), X (n, p), y (n,) or (n, K), v like w or empty; one dtype.

    `learned` are the entries of w beyond the p of the linear predictor, `turned` those of v.
    """

    w: Array
    X: Array
    y: Array
    v: Array
    learned: Array
    turned: Array

    def block_rows(self, widest: int = 1) -> int:
        """How many rows make a block, where the widest array of scratch has so many numbers for each."""
        (n, p), size = self.X.shape, self.X.itemsize
        rows: int = min(n, max(LEAST_ROWS, BLOCK_BYTES // (size * p)), max(1, SCRATCH_BYTES // (size * widest)))
        return rows


def sample(w: Any, X: Any, y: Any, v: Any, *, learned: Sequence[str] = (), classes: bool = False) -> Sample:
    """The arguments as arrays that go together; `learned` are the parameters behind those of X.

    Errors: InputError for a shape, a dtype, nan or inf in w, y or v, and for no observations or no features.
    """
    given = {"w": w, "X": X, "y": y} | ({} if v is None else {"v": v})
    arrays = {name: as_floats(name, value) for name, value in given.items()}
    features = arrays["X"]
    if features.ndim != 2 or 0 in features.shape:
        raise InputError(f"X has shape {features.shape}; expected (n, p), with at least one row and one column")
    n, p = features.shape
    target = arrays["y"].shape
    if classes:
        if len(target) != 2 or target[0] != n or not target[1]:
            raise InputError(f"y has shape {target}; expected ({n}, K): a row for each of X, a column for each class")
        expect("w", arrays["w"], (p, target[1]), "a row for each column of X, a column for each class")
    else:
        expect("y", arrays["y"], (n,), "one for each row of X")
        behind = f", and then {', '.join(learned)}" if learned else ""
        expect("w", arrays["w"], (p + len(learned),), f"one for each column of X{behind}")
    if v is not None:
        expect("v", arrays["v"], arrays["w"].shape, "the shape of w")
    dtypes = {name: array.dtype for name, array in arrays.items()}
    if len(set(dtypes.values())) > 1:
        shown = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
        raise InputError(f"mixed dtypes: {shown}", remedy="convert all to one of them with .astype")
    for name in ("w", "y", "v"):
        if name in arrays:
            finite(name, arrays[name])
    direction = arrays.get("v", arrays["w"][:0])
    return Sample(arrays["w"][:p], features, arrays["y"], direction[:p], arrays["w"][p:], direction[p:])


def as_floats(name: str, value: Any) -> Array:
    """The argument as an array of float32 or float64, not copied."""
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{name} is a masked array; its mask would be lost", remedy="leave the masked rows out")
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"{name} is no array of numbers", remedy="expected float32 or float64") from None
    if array.dtype not in DTYPES:
        raise InputError(f"{name} has dtype {array.dtype}", remedy="expected float32 or float64: convert with .astype")
    return array


def expect(name: str, array: Array, shape: tuple[int, ...], why: str) -> None:
    if array.shape != shape:
        raise InputError(f"{name} has shape {array.shape}", remedy=f"expected {shape}, {why}")


def finite(name: str, array: Array, first: int = 0) -> None:
    """Refuse nan and inf, and name the first; row 0 is called `first`."""
    good = np.isfinite(array)
    if not good.all():
        place = np.unravel_index(int(np.argmin(good)), good.shape)
        shown = ", ".join(str(int(axis) + (first if level == 0 else 0)) for level, axis in enumerate(place))
        raise InputError(f"{name}[{shown}] is {array[place]}", remedy=f"every entry of {name} must be finite")


def product(block: Array, right: Array, name: str, out: Array, first: int) -> Array:
    """X w or X v for a block of rows that begins with row `first`.

    Errors: InputError for nan or inf in X, or where the product is beyond the range of the dtype.
    """
    np.matmul(block, right, out=out)
    if not np.isfinite(out).all():
        finite("X", block, first)
        raise InputError(f"X @ {name} is beyond the range of {block.dtype}", remedy="scale the columns of X")
    return out


def swallowed(arrays: Mapping[str, Array], first: int) -> InputError:
    """The error for an overflow that results do not show, as in 1/(1 + r**2); it names the largest of these numbers."""
    name, array = max(arrays.items(), key=lambda item: np.abs(item[1]).max())
    row = int(np.abs(array).reshape(len(array), -1).max(axis=1).argmax())
    remedy = "scale the columns of X and y, use smaller parameters" + (", or float64" if array.itemsize < 8 else "")
    return InputError(
        f"{name} is {array[row]} in row {first + row}: something on the way to the result is beyond the range of "
        f"{array.dtype}, and the result would be wrong",
        remedy=remedy,
    )


def explain(result: Any, data: Sample, first: int) -> None:
    """Say why a result is not finite; one that is merely too large for the dtype is rightly inf.

    Errors: InputError for nan or inf in X, and for an overflow on the way that leaves no number.
    """
    rows = data.block_rows()
    for start in range(0, len(data.X), rows):
        finite("X", data.X[start : start + rows], first + start)
    if np.isnan(result).any():
        raise InputError(
            f"the result is no number: something on the way to it is beyond the range of {data.X.dtype}",
            remedy="scale the columns of X, use smaller parameters" + (", or float64" if data.X.itemsize < 8 else ""),
        )

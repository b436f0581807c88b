"""Sums over a sample of a function of z = X w and y, and their derivatives: one pass over X in blocks of rows.

With phi(z, y) the loss of one observation, the chain rule gives the gradient X^T phi'(z), the Hessian
X^T diag(phi''(z)) X, and its product with a vector, X^T (phi''(z) * (X v)); McCullagh and Nelder, Generalized Linear
Models, 1989, sec. 2.5. A parameter that is learned beside w, such as sigma, adds a row and a column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from numeric.arrays import Sample, product, swallowed
from numeric.compile import Array, kernel
from numeric.program import CLASS, ROW, Program

# What the programs call the largest z[k] of a row, X v, and the entry of v for a learned parameter.
SHIFT, DIRECTION, TURN = "m", "u", "turn_"


@dataclass(frozen=True)
class Task:
    """The program of phi and its derivatives, its scalars by name, and the sample; row 0 is called `first`.

    Outputs of the program: value, slope, curvature, and turned = curvature * u; for a learned parameter s also
    slope_s, curvature_s (in z and s), turned_s, and curvature_s_t for each two.
    """

    program: Program
    scalars: Mapping[str, float]
    data: Sample
    learned: tuple[str, ...] = ()
    first: int = 0

    def blocks(self, *outputs: str) -> Iterator[tuple[Array, dict[str, Any]]]:
        """Blocks of rows of X, each with these outputs for it. The next block overwrites them."""
        data, run = self.data, kernel(self.program.only(*outputs))
        needed = {value.name for value in run.program.inputs}
        sizes = dict(zip((ROW, CLASS), data.y.shape, strict=False))
        widest = max((math.prod(sizes[dim] for dim in dims[1:]) for dims in run.buffers), default=1)
        rows = data.block_rows(widest)
        sizes[ROW] = 0
        for start in range(0, len(data.X), rows):
            block, target = data.X[start : start + rows], data.y[start : start + rows]
            if len(block) != sizes[ROW]:  # the first block, or a shorter last one
                sizes[ROW] = len(block)
                bound = run.bind(self.scalars, sizes, block.dtype)
                z, u = np.empty_like(target), np.empty_like(target)
            arrays = {"y": target, "z": z, DIRECTION: u}
            if needed & {"z", SHIFT}:
                product(block, data.w, "w", z, self.first + start)
            if SHIFT in needed:
                arrays[SHIFT] = z.max(axis=-1)
            if DIRECTION in needed:
                product(block, data.v, "v", u, self.first + start)
            out = bound(arrays)
            if bound.overflowed and all(np.isfinite(result).all() for result in out.values()):
                shown = {"X @ w": z, "y": target} if "z" in needed else {"y": target}
                raise swallowed(shown, self.first + start)
            yield block, out

    def constant(self, output: str) -> float | None:
        """The output if it is the same for all observations, otherwise None."""
        alone = self.program.only(output)
        if alone.output(output).dims:
            return None
        return float(kernel(alone).bind(self.scalars, {}, self.data.X.dtype)({})[output])


def value(task: Task) -> Any:
    total = task.data.X.dtype.type(0)
    for block, out in task.blocks("value"):
        total += _total(out["value"], len(block))
    return total


def gradient(task: Task) -> Array:
    return _transposed(task, "slope")


def hvp(task: Task) -> Array:
    return _transposed(task, "turned")


def _transposed(task: Task, output: str) -> Array:
    """X^T s, and the sums of s for the learned parameters."""
    w = task.data.w
    result, part = np.zeros((len(w) + len(task.learned), *w.shape[1:]), w.dtype), np.empty_like(w)
    for block, out in task.blocks(output, *(f"{output}_{name}" for name in task.learned)):
        result[: len(w)] += np.matmul(block.T, out[output], out=part)
        for place, name in enumerate(task.learned, len(w)):
            result[place] += _total(out[f"{output}_{name}"], len(block))
    return result


def hessian(task: Task) -> Array:
    data = task.data
    if data.w.ndim == 2:
        return _class_hessian(task)
    constant = task.constant("curvature")
    inner = _weighted(task) if constant is None else _gram(task, constant)
    return _bordered(task, inner) if task.learned else inner


def _gram(task: Task, factor: float) -> Array:
    """c X^T X. For c = 0 no product of X is needed, but to see that X is finite."""
    X = task.data.X
    if not factor:
        product(X, task.data.w, "w", np.empty(len(X), X.dtype), task.first)
        return np.zeros((X.shape[1], X.shape[1]), X.dtype)
    result: Array = X.T @ X
    result *= factor
    return result


def _weighted(task: Task) -> Array:
    """X^T diag(c) X, where c depends on the observation."""
    p = task.data.X.shape[1]
    result, part = np.zeros((p, p), task.data.X.dtype), np.empty((p, p), task.data.X.dtype)
    scratch = None
    for block, out in task.blocks("curvature"):
        scratch = np.empty_like(block) if scratch is None else scratch[: len(block)]
        result += _weighted_block(block, out["curvature"], scratch, part)
    return result


def _weighted_block(block: Array, weights: Array, scratch: Array, out: Array) -> Array:
    """B^T diag(c) B. For c >= 0 it is S^T S with S = sqrt(c) B, of which BLAS computes one half only."""
    if weights.min() >= 0:
        np.multiply(block, np.sqrt(weights)[:, None], out=scratch)
        return np.matmul(scratch.T, scratch, out=out)
    np.multiply(block, weights[:, None], out=scratch)
    return np.matmul(block.T, scratch, out=out)


def _class_hessian(task: Task) -> Array:
    """The second derivatives by w[i, a] and w[j, b], at [i, a, j, b]; those with a <= b are computed, then mirrored."""
    p, classes = task.data.w.shape
    dtype = task.data.X.dtype
    result, part = np.zeros((p, classes, p, classes), dtype), np.empty((p, p), dtype)
    pairs = [(a, b) for a in range(classes) for b in range(a, classes)]
    scratch = None
    for block, out in task.blocks("curvature"):
        scratch = np.empty_like(block) if scratch is None else scratch[: len(block)]
        for a, b in pairs:
            result[:, a, :, b] += _weighted_block(block, out["curvature"][:, a, b], scratch, part)
    for a, b in pairs:
        result[:, b, :, a] = result[:, a, :, b].T
    return result


def _bordered(task: Task, inner: Array) -> Array:
    """The Hessian in w, with the rows and columns of the learned parameters around it."""
    p, names = len(inner), task.learned
    result = np.zeros((p + len(names), p + len(names)), inner.dtype)
    result[:p, :p] = inner
    corner = {(a, b): f"curvature_{a}_{b}" for a in names for b in names}
    for block, out in task.blocks(*(f"curvature_{name}" for name in names), *corner.values()):
        for place, name in enumerate(names, p):
            result[place, :p] += block.T @ out[f"curvature_{name}"]
        for (a, b), output in corner.items():
            result[p + names.index(a), p + names.index(b)] += _total(out[output], len(block))
    result[:p, p:] = result[p:, :p].T
    return result


def _total(values: Any, rows: int) -> Any:
    return values.sum() if isinstance(values, np.ndarray) else values * rows


# what a Loss can be asked for
SUMS: dict[str, Callable[[Task], Any]] = {"value": value, "gradient": gradient, "hessian": hessian, "hvp": hvp}

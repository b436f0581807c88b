"""The loop around an optimizer: steps, a history, a stop with a reason, and going on later where it stopped.

found = numeric.minimize(numeric.loss("l2"), w, "adam", data=(X, y), steps=200)
found.w, found.history.loss
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from derive.errors import InputError, MissingDependency
from numeric.compile import Array
from numeric.losses import Loss
from numeric.optimizers import Optimizer, optimizer, whole
from numeric.parameters import Layout, Tree, shown
from numeric.states import OptimizerState, leaves_of, numbered, packed, read_npz, write_npz

Function = Callable[[Tree], Any]


@dataclass(frozen=True)
class History:
    """One entry for each step: its number, the loss before it, the norm of the gradient, the learning rate."""

    t: Array
    loss: Array
    gradient_norm: Array
    rate: Array


@dataclass(frozen=True)
class Minimized:
    """What `minimize` found: parameters and state after the last good step, the history, and why it stopped.

    `reason` is "" where all steps were done; else it names the step and what was not finite there.
    """

    w: Tree
    state: OptimizerState
    history: History
    reason: str = ""

    @property
    def steps(self) -> int:
        """How many steps were done, counted from the very beginning."""
        return self.state.t

    def save(self, path: str | Path) -> None:
        """Write an .npz file from which `minimize(..., resume=path)` goes on to the bit; whole, or not at all."""
        stored = packed(self.state) | numbered("w", self.state.layout.leaves(self.w, "w"))
        stored |= {f"history/{name}": value for name, value in dataclasses.asdict(self.history).items()}
        write_npz(Path(path), stored)


def minimize(
    loss: Loss | tuple[Function, Function], w0: Tree, opt: Optimizer | str = "adam", *, steps: int,
    data: tuple[Array, Array] | None = None, batch: int | None = None, seed: int = 0, progress: bool = False,
    resume: Minimized | str | Path | None = None, **hyperparameters: Any,
) -> Minimized:  # fmt: skip
    """Minimise a loss from w0, which stays as it is; `steps` counts from the beginning, also when resumed.

    `loss` is a loss of `numeric.loss` with data=(X, y), of which the average per row is minimised, or a pair of
    functions of w: value and gradient. With `batch` each step sees so many rows, drawn without replacement by a
    generator that depends on `seed` and the number of the step alone. `opt` is an optimizer, or a name with its
    hyperparameters. It stops before a step whose loss or gradient is not finite or that leads to such parameters, and
    says which step and what was not finite; w and the state are then those after the step before.
    Errors: InputError for what does not go together; MissingDependency for `progress` without rich.

    >>> found = minimize((lambda w: float(w @ w), lambda w: 2*w), np.array([1.0, -2.0]), "sgd", steps=3, lr=0.25)
    >>> found.w, found.history.loss
    (array([ 0.125, -0.25 ]), array([5.    , 1.25  , 0.3125]))
    """
    if isinstance(opt, Optimizer) and hyperparameters:
        raise InputError(
            f"{', '.join(hyperparameters)} with a finished optimizer", remedy="give them to optimizer(...)"
        )
    made = opt if isinstance(opt, Optimizer) else optimizer(opt, **hyperparameters)
    steps = whole("steps", steps)
    w, state, rows = _start(made, w0, resume)
    objective = _Objective(loss, data, batch, seed, state.layout, w0)
    # Where a step led to nowhere, there is a way back.
    before, earlier = _copied(state.layout, w), state.copy()
    reason = ""
    with _bar(steps, state.t, progress) as advance, np.errstate(all="ignore"):
        while state.t < steps:
            t, rate = state.t + 1, made.rate(state.t + 1)
            try:
                value, gradient = objective(made.point(w, state), t)
            except _Undefined as error:
                reason = f"step {t}: {error}, {_where(state.layout, w, rate)}"
                break
            norm = math.hypot(*(_norm(leaf) for leaf in state.layout.leaves(gradient, "the gradient")))
            reason = _unfit(state.layout, t, value, norm, gradient)
            if not reason:
                for leaf, kept in zip(state.layout.leaves(w, "w"), state.layout.leaves(before, "w"), strict=True):
                    np.copyto(kept, leaf)
                earlier.become(state)
                made.step(w, gradient, state)
                reason = _lost(state.layout, t, w)
                if reason:
                    w, state = before, earlier
            if reason:
                reason = f"{reason}, {_where(state.layout, w, rate)}"
                break
            rows.append((t, value, norm, rate))
            advance(value)
    t_, values, norms, rates = (np.array(column) for column in zip(*rows, strict=True)) if rows else ([],) * 4
    history = History(np.asarray(t_, np.int64), *(np.asarray(each, np.float64) for each in (values, norms, rates)))
    return Minimized(w, state, history, reason)


class _Undefined(Exception):
    """The loss has no value or no gradient at a point."""


class _Objective:
    """Value and gradient at a point, of all rows or of those of the batch of that step."""

    def __init__(
        self, loss: Any, data: Any, batch: int | None, seed: int, places: Layout, w0: Tree
    ) -> None:  # fmt: skip
        self.loss, self.batch, self.seed, self.places = loss, batch, whole("seed", seed), places
        if isinstance(loss, Loss):
            if not isinstance(data, tuple | list) or len(data) != 2:
                raise InputError(f"data is {shown(data)}", remedy="a loss of the library needs data=(X, y)")
            if places.kind != "array":
                raise InputError(f"w0 is a {places.kind}", remedy="a loss of the library has one array of parameters")
            self.X, self.y = (np.asarray(each) for each in data)
            # Here what is wrong with the data is found out; later errors are about the point that was reached.
            loss.value(w0, self.X, self.y)
            self.rows, self.bare = len(self.X), dataclasses.replace(loss, penalty=None)
            if batch is not None and whole("batch", batch, 1) > self.rows:
                raise InputError(f"batch is {batch}", remedy=f"there are {self.rows} rows")
        elif isinstance(loss, tuple) and len(loss) == 2 and all(map(callable, loss)):
            if data is not None or batch is not None:
                raise InputError("data and batch go with a loss of the library", remedy="put them into the functions")
        else:
            raise InputError(f"the loss is {shown(loss)}", remedy="give numeric.loss(...), or (value, gradient)")

    def __call__(self, w: Tree, t: int) -> tuple[float, Tree]:
        if isinstance(self.loss, Loss):
            try:
                return self.of_rows(w, t)
            except InputError as error:
                raise _Undefined(str(error)) from None
        value, gradient = self.loss
        found = value(w)
        if np.ndim(found) or not isinstance(np.asarray(found)[()], Real):
            raise InputError(f"the loss gives {shown(found)} at step {t}", remedy="expected a number")
        return float(found), self.own(gradient(w), w)

    def of_rows(self, w: Array, t: int) -> tuple[float, Array]:
        X, y = self.X, self.y
        if self.batch is not None and self.batch < self.rows:
            chosen = np.random.default_rng((self.seed, t)).choice(self.rows, self.batch, replace=False)
            X, y = X[chosen], y[chosen]
        # The penalty counts once for all rows, however many of them are seen.
        scale, kind = self.rows / len(X), w.dtype.type
        value, gradient = self.bare.value(w, X, y) * kind(scale), self.bare.gradient(w, X, y) * kind(scale)
        if self.loss.penalty is not None:
            value = self.loss.penalised("value", value, w)
            gradient = self.loss.penalised("gradient", gradient, w)
        return float(value) / self.rows, gradient / kind(self.rows)

    def own(self, gradient: Tree, w: Tree) -> Tree:
        """A gradient in memory of its own: of w**2/2 it is w."""
        leaves = self.places.leaves(gradient, "the gradient")
        pairs = zip(leaves, self.places.leaves(w, "w"), strict=True)
        return self.places.tree([leaf.copy() if np.may_share_memory(leaf, at) else leaf for leaf, at in pairs])


def _start(
    opt: Optimizer, w0: Tree, resume: Minimized | str | Path | None
) -> tuple[Tree, OptimizerState, list[tuple[Any, ...]]]:  # fmt: skip
    state = opt.init(w0)
    places = state.layout
    if resume is None:
        return _copied(places, w0), state, []
    if isinstance(resume, Minimized):
        w, state, history = resume.w, resume.state.copy(), resume.history
        opt.demand(state)
    elif isinstance(resume, str | Path):
        stored = read_npz(resume)
        state = opt.restored(stored, resume, w0)
        try:
            w = places.tree(leaves_of(stored, "w", places))
            history = History(*(stored[f"history/{field.name}"] for field in dataclasses.fields(History)))
        except (KeyError, InputError):
            raise InputError("there is no w or no history in it", file=str(resume), remedy="save a Minimized") from None
    else:
        raise InputError(f"resume is {shown(resume)}", remedy="give what minimize returned, or the path of its file")
    places.leaves(w, "the stored w")
    columns = [getattr(history, field.name) for field in dataclasses.fields(History)]
    if {column.shape for column in columns} != {columns[0].shape[:1]} or any(c.dtype.kind not in "if" for c in columns):
        raise InputError("the stored history is broken", remedy="save a Minimized")
    return _copied(places, w), state, list(zip(*(column.tolist() for column in columns), strict=True))


def _copied(places: Layout, w: Tree) -> Tree:
    return places.tree([leaf.copy() for leaf in places.leaves(w, "w0")])


def _norm(leaf: Array) -> float:
    """The Euclidean norm, with the range of float64 also for float32."""
    flat = np.asarray(leaf, np.float64).reshape(-1)
    norm = float(np.linalg.norm(flat))
    if norm == math.inf and math.isfinite(largest := float(np.abs(flat).max())):
        return largest * float(np.linalg.norm(flat / largest))
    return norm


def _where(places: Layout, w: Tree, rate: float) -> str:
    largest = max((float(np.abs(leaf).max(initial=0)) for leaf in places.leaves(w, "w")), default=0.0)
    return f"with |w| up to {largest:.3g} and learning rate {rate:.3g}"


def _unfit(places: Layout, t: int, value: float, norm: float, gradient: Tree) -> str:
    """Why step t is not to be taken, or nothing."""
    if not math.isfinite(value):
        return f"step {t}: the loss is {value}"
    wrong = "" if math.isfinite(norm) else _not_finite(places, "gradient", gradient)
    return f"step {t}: {wrong}, the loss {value:.6g}" if wrong else ""


def _lost(places: Layout, t: int, w: Tree) -> str:
    """What is not finite after step t, or nothing."""
    if all(math.isfinite(float(np.sum(leaf))) for leaf in places.leaves(w, "w")):
        return ""
    wrong = _not_finite(places, "w", w)
    return f"step {t}: it would lead to where {wrong}" if wrong else ""


def _not_finite(places: Layout, what: str, tree: Tree) -> str:
    for number, leaf in enumerate(places.leaves(tree, what)):
        wrong = ~np.isfinite(leaf)
        if wrong.any():
            place = tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
            name = places.name(what, number) + (f"[{', '.join(map(str, place))}]" if place else "")
            return f"{name} is {leaf[place]}"
    return ""


@contextmanager
def _bar(steps: int, done: int, wanted: bool) -> Iterator[Callable[[float], None]]:
    """What is called with the loss after each step; with a bar on standard error where one is wanted."""
    if not wanted:
        yield lambda loss: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        raise MissingDependency("a progress bar needs rich: pip install 'symstep[progress]'") from None
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("loss {task.fields[loss]:.6g}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=steps, completed=done, loss=math.nan)
        yield lambda loss: bar.update(task, advance=1, loss=loss)

"""Losses as NumPy functions: value, gradient, Hessian and Hessian-vector product of what `derive` has derived.

The loss of one observation and its two derivatives come from derive.calculus as terms, in a form that does not
overflow; here they become programs. No formula is typed in this package.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.errors import InputError
from derive.kernel.terms import ONE, abstract, add, mul
from numeric.arrays import Sample, explain, sample
from numeric.chunks import is_chunked, sum_over_chunks
from numeric.compile import Array, OutOfRange, kernel
from numeric.domains import facts
from numeric.parameters import number
from numeric.program import CLASS, Program
from numeric.sums import DIRECTION, SHIFT, SUMS, TURN, Task
from numeric.translation import translate

if TYPE_CHECKING:
    from derive.calculus import Pointwise


@dataclass(frozen=True)
class Loss:
    """A loss of the linear predictor z = X w, summed over the sample; made by `loss`.

    Arguments of its methods, all float32 or all float64, which is also the dtype of the result:
    w of shape (p,), X of shape (n, p), y of shape (n,), v of the shape of w. For cross-entropy w is (p, K) and y is
    (n, K), a row of probabilities for each observation. A parameter that is learned beside w, such as sigma, is the
    last entry of w, which is then (p + 1,).
    X and y may be dask arrays, chunked by rows; the result is a NumPy array: the results of NumPy for the chunks, added
    in their order. The scheduler changes no bit of it, other chunks may: sums are rounded where they are cut.
    At a kink the derivative is the midpoint of the subdifferential; `kink` says what else is taken there.

    Errors: InputError, which names the argument, for shapes, dtypes, nan, inf, and y outside the domain of the loss.
    A result beyond the range of the dtype is inf; one that is no number at all is an error, and so is one that an
    overflow on the way to it would make wrong. Squares are taken as they are written: from |z - y| = 1.8e19 on in
    float32, 1.3e154 in float64, or as soon as (z - y)**2/(nu*s**2) is beyond the range, the value of student-t is inf,
    although its logarithm is not that large, and the gradient is an error; the second derivatives, which have fourth
    powers, are errors from about 4e9 and 1e77 on.
    """

    name: str
    hyperparameters: Mapping[str, float] = field(hash=False)
    kink: str = field(repr=False)
    pointwise: Program = field(repr=False)
    penalty: Program | None = field(repr=False)
    observation: str = field(repr=False)
    learned: Mapping[str, str] = field(repr=False, hash=False)
    classes: bool = field(repr=False)

    def value(self, w: Any, X: Any, y: Any) -> np.floating[Any]:
        """The sum of the losses of the observations, plus the penalty; a scalar of the dtype.

        >>> float(loss("l1").value(np.array([1.0]), np.array([[1.0], [2.0]]), np.array([0.0, 0.0])))
        3.0
        """
        total: np.floating[Any] = self._total("value", w, X, y)
        return total

    def gradient(self, w: Any, X: Any, y: Any) -> Array:
        """The gradient in w, of the shape of w: X^T phi'(X w), plus that of the penalty.

        >>> loss("l1").gradient(np.array([1.0]), np.array([[1.0], [2.0]]), np.array([0.0, 2.0]))
        array([1.])
        """
        total: Array = self._total("gradient", w, X, y)
        return total

    def hessian(self, w: Any, X: Any, y: Any) -> Array:
        """The second derivatives in w, of shape (p, p), or (p, K, p, K): X^T diag(phi''(X w)) X, plus the penalty's.

        Needs the memory of two such arrays (of one, where phi'' is constant) and of a block of X.

        >>> loss("l2").hessian(np.array([1.0]), np.array([[1.0], [2.0]]), np.array([0.0, 2.0]))
        array([[10.]])
        """
        total: Array = self._total("hessian", w, X, y)
        return total

    def hvp(self, w: Any, X: Any, y: Any, v: Any) -> Array:
        """The Hessian times v, of the shape of w, without the Hessian: X^T (phi''(X w) * (X v)).

        >>> loss("l2").hvp(np.array([1.0]), np.array([[1.0], [2.0]]), np.array([0.0, 2.0]), np.array([3.0]))
        array([30.])
        """
        total: Array = self._total("hvp", w, X, y, v)
        return total

    def _total(self, what: str, w: Any, X: Any, y: Any, v: Any = None) -> Any:
        """The sum over all rows, and the penalty."""
        part = partial(self._part, what)
        given = (w, X, y, v)
        total = sum_over_chunks(part, *given) if any(map(is_chunked, given)) else part(*given, 0)
        return self.penalised(what, total, np.asarray(w), v)

    def _part(self, what: str, w: Any, X: Any, y: Any, v: Any, first: int) -> Any:
        """The sum over some rows, of which the first has that number."""
        names = tuple(self.learned)
        data = sample(w, X, y, v, learned=names, classes=self.classes)
        scalars = dict(self.hyperparameters)
        for place, (name, fact) in enumerate(self.learned.items()):
            scalars[name] = float(data.learned[place])
            facts(fact).demand({name: scalars[name]}, f" (w[{len(data.w) + place}])")
            if data.turned.size:
                scalars[TURN + name] = float(data.turned[place])
        facts(self.observation, ("y",)).demand_all("y", data.y, first)
        try:
            with np.errstate(all="ignore"):  # a result that is not finite is looked into below
                result = SUMS[what](Task(self.pointwise, scalars, data, names, first))
        except OutOfRange as error:
            raise self._extreme(error, scalars, data) from None
        if not np.isfinite(result).all():
            explain(result, data, first)
        return result

    def _extreme(self, error: OutOfRange, scalars: Mapping[str, float], data: Sample) -> InputError:
        """The error as one about the learned parameters, where there are any: they are entries of w and v."""
        if not self.learned:
            return error
        p = len(data.w)
        shown = [f"{name} = {scalars[name]!r} (w[{place}])" for place, name in enumerate(self.learned, p)]
        if data.turned.size:
            shown += [f"with v[{place}] = {scalars[TURN + name]!r}" for place, name in enumerate(self.learned, p)]
        return InputError(
            f"{', '.join(shown)} is out of the range of floats: {error.message}",
            remedy="scale y and the columns of X" + (", or use float64" if data.X.itemsize < 8 else ""),
        )

    def penalised(self, what: str, total: Any, w: Array, v: Any = None) -> Any:
        """A sum over the data ("value", "gradient", "hessian" or "hvp") plus what the penalty adds to it."""
        penalty = self.penalty
        if penalty is None:
            return total
        output = {"value": "value", "gradient": "slope"}.get(what, "curvature")
        alone = penalty.only(output)
        given: dict[str, Any] = {"w": w, **self.hyperparameters}
        with np.errstate(over="ignore", invalid="ignore"):  # as in the sum: what is too large is inf
            more = kernel(alone).run(**{value.name: given[value.name] for value in alone.inputs})[output]
            if np.isnan(more).any():
                raise InputError(f"the penalty is beyond the range of {w.dtype}", remedy="use smaller parameters w")
            if what == "hessian":
                total[np.diag_indices(len(total))] += more
                return total
            return total + (more.sum() if what == "value" else more * np.asarray(v) if what == "hvp" else more)


def loss(name: str, **hyperparameters: float) -> Loss:
    """The loss of that name, with its hyperparameters as numbers; docs/losses.md lists them.

    "l2" is the name in derive.library.losses; "gaussian-l2", which `derive list losses` shows, is the same loss.

    Formulas: those of derive.library.losses, differentiated and made stable by derive.calculus.
    Errors: InputError for an unknown name (with the nearest one), an unknown or missing hyperparameter, or one outside
    its domain.

    >>> huber = loss("huber", delta=0.5)
    >>> huber.gradient(np.array([0.0]), np.array([[1.0], [1.0]]), np.array([0.25, -7.0]))
    array([0.25])
    >>> loss("gaussian-l2")
    Loss(name='l2', hyperparameters={})
    """
    from derive.calculus import pointwise
    from derive.library.losses import LOSSES

    known = {f"{row.model}-{row.name}": row.name for row in LOSSES.values()} | {each: each for each in LOSSES}
    if name not in known:
        near = difflib.get_close_matches(str(name), known, 1)
        raise InputError(f"no loss is called {name}", remedy=_nearest(str(name), near or LOSSES))
    name = known[name]
    entry = pointwise(name)
    needed = entry.hyperparameters
    for given in hyperparameters:
        if given not in needed:
            raise InputError(f"{name} has no hyperparameter {given}", remedy=_nearest(given, needed))
    values = {}
    for key, fact in needed.items():
        if key not in hyperparameters:
            raise InputError(f"{name} needs {key}", remedy=f"call loss({name!r}, {key}=...) with {fact}")
        values[key] = number(key, hyperparameters[key])
        facts(fact).demand({key: values[key]})
    return Loss(
        name=name,
        hyperparameters=values,
        kink=entry.kink,
        pointwise=_pointwise(entry),
        penalty=_penalty(entry),
        observation=entry.observation,
        learned=entry.learned,
        classes=entry.classes,
    )


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known) or 'none'}"


def _pointwise(entry: Pointwise) -> Program:
    """The loss of one observation, its derivatives, and the curvature times a direction: a program for numeric.sums."""
    second = {tuple(key.split()): term for key, term in entry.curvatures.items()}
    second |= {(b, a): term for (a, b), term in second.items()}
    outputs = {"value": entry.value, "slope": entry.slope, "curvature": entry.curvature}
    outputs |= {f"slope_{name}": entry.slopes[name] for name in entry.learned}
    outputs |= {f"curvature_{name}": second["z", name] for name in entry.learned}
    outputs |= {f"curvature_{a}_{b}": second[a, b] for a in entry.learned for b in entry.learned}
    if entry.classes:
        product = mul(entry.curvature, ("ix", DIRECTION, ("v", "l")))
        outputs["turned"] = ("sum", ONE, ("v", CLASS), abstract(product, "l"))
    else:
        direction = {"z": DIRECTION} | {name: TURN + name for name in entry.learned}
        for a in direction:
            products = [mul(second[a, b], ("v", along)) for b, along in direction.items()]
            outputs["turned" if a == "z" else f"turned_{a}"] = add(*products)
    scalars = (*entry.hyperparameters, *entry.learned, *(TURN + name for name in entry.learned))
    return translate(outputs, scalars=scalars, rows=("z", "y", SHIFT, DIRECTION), indices=("k", "l"))


def _penalty(entry: Pointwise) -> Program | None:
    if entry.penalty is None or entry.penalty_slope is None or entry.penalty_curvature is None:
        return None
    outputs = {"value": entry.penalty, "slope": entry.penalty_slope, "curvature": entry.penalty_curvature}
    return translate(outputs, scalars=tuple(entry.hyperparameters), rows=("w",))

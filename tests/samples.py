"""Losses and arguments for them: random ones of the domain, small and with kinks, and larger ones."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from hypothesis import strategies as st

import numeric
from derive.errors import InputError
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


STRAIGHT = load("straight").STRAIGHT
DTYPES = [np.float32, np.float64]
WHAT = ("value", "gradient", "hessian", "hvp")
CASES = [(name, values) for name in STRAIGHT for values in STRAIGHT[name].hyperparameters]


def made(name: str, values: Mapping[str, float]) -> Loss:
    learned = STRAIGHT[name].learned if name in STRAIGHT else {}
    return numeric.loss(name, **{key: value for key, value in values.items() if key not in learned})


def results(loss: Loss, w: Any, X: Any, y: Any, v: Any) -> dict[str, Any]:
    return {"value": loss.value(w, X, y), "gradient": loss.gradient(w, X, y), "hessian": loss.hessian(w, X, y),
            "hvp": loss.hvp(w, X, y, v)}  # fmt: skip


def results_or_none(loss: Loss, arguments: tuple[Any, ...]) -> dict[str, Any] | None:
    """None where one of the results is no number, because something overflowed on the way."""
    try:
        return results(loss, *arguments)
    except InputError as error:
        if "the result is no number" in str(error):
            return None
        raise


@st.composite
def samples(draw: st.DrawFn, name: str) -> tuple[Loss, tuple[Any, ...]]:
    """A loss and arguments of its domain, small and with kinks, or of any size."""
    dtype = draw(st.sampled_from(DTYPES))
    n, p, classes = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    whole = st.integers(-24, 24).map(lambda number: number / 8)
    number = st.one_of(whole, st.floats(-30, 30, width=32)) if draw(st.booleans()) else whole

    def array(*shape: int, of: st.SearchStrategy[float] = number) -> np.ndarray[Any, Any]:
        size = math.prod(shape)
        return np.array(draw(st.lists(of, min_size=size, max_size=size)), dtype).reshape(shape)

    X = array(n, p)
    if name == "cross-entropy":
        labels = np.eye(classes, dtype=dtype)[draw(st.lists(st.integers(0, classes - 1), min_size=n, max_size=n))]
        return numeric.loss(name), (array(p, classes), X, labels, array(p, classes))
    row = STRAIGHT[name]
    loss = made(name, draw(st.sampled_from(row.hyperparameters)))
    domain = {"0 <= y <= 1": st.sampled_from([0.0, 0.25, 1.0]), "y >= 0": st.integers(0, 9).map(float)}
    y = array(n, of=domain.get(loss.observation, number))
    positive = st.sampled_from([0.25, 1.0, 3.0])
    w = np.append(array(p), array(len(loss.learned), of=positive)).astype(dtype)
    return loss, (w, X, y, array(len(w)))


def large(name: str, dtype: Any, n: int = 700, p: int = 5, classes: int = 3) -> tuple[Loss, tuple[Any, ...]]:
    random = np.random.default_rng(0)
    values = STRAIGHT[name].hyperparameters[0] if name in STRAIGHT else {}
    loss = made(name, values)
    X = random.normal(size=(n, p))
    if loss.classes:
        w, y = random.normal(size=(p, classes)), np.eye(classes)[random.integers(0, classes, n)]
    else:
        w = np.append(random.normal(size=p), [1.5] * len(loss.learned))
        y = random.poisson(2.0, n) * 1.0 if loss.observation == "y >= 0" else (random.random(n) < 0.5) * 1.0
    return loss, tuple(array.astype(dtype) for array in (w, X, y, random.normal(size=w.shape)))

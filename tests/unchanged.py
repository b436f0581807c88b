"""That nothing changes where an optimizer refuses: everything in a tree, bit for bit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import numeric
from derive.errors import InputError


def memory(tree: Any) -> Any:
    """Everything in a tree, bit for bit."""
    if isinstance(tree, dict):
        return {key: memory(leaf) for key, leaf in tree.items()}
    if isinstance(tree, tuple | list):
        return [memory(leaf) for leaf in tree]
    if isinstance(tree, numeric.OptimizerState):
        return memory(tree.to_dict())
    return (tree.shape, str(tree.dtype), tree.tobytes()) if isinstance(tree, np.ndarray) else repr(tree)


@contextmanager
def refused(message: str, *inputs: Any, kind: type[Exception] = InputError) -> Iterator[None]:
    before = memory(inputs)
    with pytest.raises(kind, match=re.escape(message) or None):
        yield
    assert memory(inputs) == before


def begun(name: str = "adam", w: Any = None, **how: Any) -> tuple[numeric.Optimizer, Any, Any]:
    """An optimizer after one step, so that state and scratch are there."""
    opt = numeric.optimizer(name, **how)
    w = np.array([1.0, -2.0, 3.0]) if w is None else w
    state = opt.init(w)
    ones = {key: np.ones_like(leaf) for key, leaf in w.items()} if isinstance(w, dict) else (
        tuple(np.ones_like(leaf) for leaf in w) if isinstance(w, tuple) else np.ones_like(w))  # fmt: skip
    opt.step(w, ones, state)
    return opt, w, state

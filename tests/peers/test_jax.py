"""Sums over a sample, differentiated by jax: gradient, Hessian and Hessian-vector product from the value alone."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import numeric
from derive.library.losses import LOSSES

jax = pytest.importorskip("jax", reason="needs the extra `peers`")
jnp = jax.numpy


def load(path: str) -> ModuleType:
    known = f"symstep_{Path(path).stem}"  # the tests are no package
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).resolve().parent / path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


enclosed = load("../enclosed.py")


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def linear(phi: Callable[..., Any]) -> Callable[..., Any]:
    return lambda w, X, y, **h: phi(X @ w, y, **h).sum()


def gaussian(w: Any, X: Any, y: Any) -> Any:
    r = X @ w[:-1] - y
    return (jnp.log(w[-1]) + r**2 / (2 * w[-1] ** 2)).sum()


# as one writes them with jax
SUMS: dict[str, Callable[..., Any]] = {
    "l1": linear(lambda z, y: jnp.abs(z - y)),
    "l2": linear(lambda z, y: (z - y) ** 2),
    # jax.nn.softplus loses digits in its second derivative, s(1 - s) with 1 - s computed from s
    "binary-cross-entropy": linear(
        lambda z, y: jnp.maximum(z, 0) + jnp.log1p(jnp.exp(-jnp.abs(z))) - y * z),
    "cross-entropy": linear(lambda z, y: jax.scipy.special.logsumexp(z, axis=-1) - (y * z).sum(axis=-1)),
    "poisson": linear(lambda z, y: jnp.exp(z) - y * z),
    "exponential": linear(lambda z, y: z + y * jnp.exp(-z)),
    "student-t": linear(lambda z, y, nu, s: jnp.log1p((y - z) ** 2 / (nu * s**2))),
    "huber": linear(lambda z, y, delta: jnp.where(
        jnp.abs(z - y) <= delta, (z - y) ** 2 / 2, delta * (jnp.abs(z - y) - delta / 2))),
    "pinball": linear(lambda z, y, tau: jnp.maximum(tau * (y - z), (tau - 1) * (y - z))),
    "gaussian-nll": gaussian,
    "ridge": lambda w, X, y, lam: ((X @ w - y) ** 2).sum() + lam * (w**2).sum(),
    "lasso": lambda w, X, y, lam: ((X @ w - y) ** 2).sum() / 2 + lam * jnp.abs(w).sum(),
}  # fmt: skip
HYPERPARAMETERS: dict[str, dict[str, float]] = {
    "huber": {"delta": 1.0}, "pinball": {"tau": 0.25}, "student-t": {"nu": 3.0, "s": 0.5}, "ridge": {"lam": 0.1},
    "lasso": {"lam": 0.1},
}  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", LOSSES)
def test_autodiff_of_the_value_is_inside_our_balls(name: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = HYPERPARAMETERS.get(name, {})
    loss = numeric.loss(name, **values)
    X = random.normal(size=(5, 3))
    if loss.classes:
        w, y = random.normal(size=(3, 3)), np.eye(3)[random.integers(0, 3, 5)]
    else:
        w, y = np.append(random.normal(size=3), [0.75] * len(loss.learned)), (random.random(5) < 0.5) * 1.0
    v = random.normal(size=w.shape)
    total = lambda w: SUMS[name](w, X, y, **values)  # noqa: E731
    gradient = jax.grad(total)
    got = {
        "value": total(w), "gradient": gradient(w), "hessian": jax.hessian(total)(w),
        "hvp": jax.jvp(gradient, (w,), (v,))[1],
    }  # fmt: skip
    balls = enclosed.Reference(loss, w, X, y, v).expected()
    for what, result in got.items():
        assert not enclosed.misfits(getattr(balls, what), np.asarray(result)), what

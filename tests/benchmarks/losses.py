"""How fast losses are: `python -m tests.benchmarks.losses [--rounds N]`, run from the top of a checkout. Not a test.

Every round does each measurement once, one after the other, so that a slow minute of the machine falls on all of them
alike. A ratio is the median over the rounds of ours / theirs of the same round, in processor time, which other work on
the machine disturbs least. One thread; 100,000 x 100, float64.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # read when NumPy is loaded
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np  # noqa: E402  (the variables come first)

import numeric  # noqa: E402

ROWS, COLUMNS = 100_000, 100
Run = Callable[[], Any]
# pair -> the most that the ratio may be
PROMISED = {"L2 gradient": 1.05, "L2 Hessian": 1.05, "logistic gradient": 1.0, "logistic Hessian": 1.0}


def data() -> tuple[Any, ...]:
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, COLUMNS))
    w, v = random.normal(size=COLUMNS) / 10, random.normal(size=COLUMNS)
    return w, X, (random.random(ROWS) < 0.5) * 1.0, v


def pairs(order: str) -> dict[str, tuple[Run, Run]]:
    """Ours and theirs, by name."""
    w, X, y, v = data()
    X = np.asarray(X, order=order)
    l2, logistic = numeric.loss("l2"), numeric.loss("binary-cross-entropy")
    found: dict[str, tuple[Run, Run]] = {
        "L2 gradient": (lambda: l2.gradient(w, X, y), lambda: 2 * (X.T @ (X @ w - y))),
        "L2 Hessian": (lambda: l2.hessian(w, X, y), lambda: 2 * (X.T @ X)),
        "L2 Hessian-vector product": (lambda: l2.hvp(w, X, y, v), lambda: 2 * (X.T @ (X @ v))),
    }
    return found | logistic_pairs(logistic, w, X, y, v)


def logistic_pairs(logistic: numeric.Loss, w: Any, X: Any, y: Any, v: Any) -> dict[str, tuple[Run, Run]]:
    try:
        import jax
    except ImportError:
        print("jax is not installed: nothing to compare the logistic loss with")
        return {}
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def total(w: Any, X: Any, y: Any) -> Any:
        z = X @ w
        return (jnp.maximum(z, 0) + jnp.log1p(jnp.exp(-jnp.abs(z))) - y * z).sum()

    gradient, hessian = jax.jit(jax.grad(total)), jax.jit(jax.hessian(total))
    product = jax.jit(lambda w, X, y, v: jax.jvp(lambda at: jax.grad(total)(at, X, y), (w,), (v,))[1])
    on = [jax.device_put(array) for array in (w, X, y, v)]
    return {
        "logistic gradient": (lambda: logistic.gradient(w, X, y), lambda: gradient(*on[:3]).block_until_ready()),
        "logistic Hessian": (lambda: logistic.hessian(w, X, y), lambda: hessian(*on[:3]).block_until_ready()),
        "logistic Hessian-vector product": (
            lambda: logistic.hvp(w, X, y, v), lambda: product(*on).block_until_ready()),
    }  # fmt: skip


def seconds(run: Run) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def peak(run: Run) -> int:
    """The most memory that a call had allocated at one time, in bytes."""
    tracemalloc.start()
    run()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--rounds", type=int, default=16)
    rounds = parser.parse_args().rounds
    for order, layout in (("C", "rows contiguous"), ("F", "columns contiguous")):
        measured = pairs(order)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in measured}
        for mine, theirs in measured.values():  # compiled and warmed up
            mine(), theirs()
        for number in range(rounds):
            for name, (mine, theirs) in measured.items():
                if number % 2:  # whoever comes second finds some of X in the cache
                    their_time = seconds(theirs)
                    times[name].append((seconds(mine), their_time))
                else:
                    times[name].append((seconds(mine), seconds(theirs)))
        print(f"\n| {ROWS} x {COLUMNS}, {layout}, median of {rounds} | ours, ms | theirs, ms | ratio | promised |")
        print("|---|---:|---:|---:|---:|")
        for name, row in times.items():
            ours, theirs_ms = (statistics.median(column) * 1e3 for column in zip(*row, strict=True))
            ratio = statistics.median(a / b for a, b in row)
            limit = f"<= {PROMISED[name]}" if name in PROMISED else ""
            print(f"| {name} | {ours:.1f} | {theirs_ms:.1f} | {ratio:.2f} | {limit} |")
    w, X, y, _ = data()
    block = numeric.loss("l2"), numeric.loss("binary-cross-entropy")
    print("\n| peak memory | bytes |\n|---|---:|")
    print(f"| X.T @ X | {peak(lambda: X.T @ X)} |")
    for loss in block:
        print(f"| Hessian, {loss.name} | {peak(lambda loss=loss: loss.hessian(w, X, y))} |")


if __name__ == "__main__":
    main()

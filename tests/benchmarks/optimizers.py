"""How fast optimizers are: `python -m tests.benchmarks.optimizers [--rounds N]`, from the top of a checkout.

Not a test. Every round does one step of each contender, one after the other, so that a slow minute of the machine falls
on all of them alike; a ratio is the median over the rounds of one time over the other of the same round, in processor
time. One thread, float64.

`limit` reads and writes the same arrays once, with one addition per array: what memory allows. `lecturer` is the
formula as one writes it in NumPy. `torch` needs PyTorch, `limit` and `numba` need Numba; what is missing is left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"  # read when NumPy is loaded

import numpy as np  # noqa: E402  (the variables come first)

import numeric  # noqa: E402
from derive.errors import MissingDependency  # noqa: E402

Run = Callable[[], Any]
RATE, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8
RULES = {"sgd": {}, "momentum": {"beta1": BETA1}, "rmsprop": {"beta2": BETA2, "eps": EPS},
         "adam": {"beta1": BETA1, "beta2": BETA2, "eps": EPS}}  # fmt: skip
STATE = {"sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2}


class Lecturer:
    """The four rules as they stand on a slide, in NumPy."""

    def __init__(self, rule: str, n: int) -> None:
        self.rule, self.t = rule, 0
        self.w, self.g = data(n)
        self.m, self.v = np.zeros(n), np.zeros(n)

    def step(self) -> None:
        self.t += 1
        g = self.g
        if self.rule == "sgd":
            self.w = self.w - RATE * g
        elif self.rule == "momentum":
            self.m = BETA1 * self.m - RATE * g
            self.w = self.w + self.m
        elif self.rule == "rmsprop":
            self.v = BETA2 * self.v + (1 - BETA2) * g**2
            self.w = self.w - RATE * g / (np.sqrt(self.v) + EPS)
        else:
            self.m = BETA1 * self.m + (1 - BETA1) * g
            self.v = BETA2 * self.v + (1 - BETA2) * g**2
            mhat, vhat = self.m / (1 - BETA1**self.t), self.v / (1 - BETA2**self.t)
            self.w = self.w - RATE * mhat / (np.sqrt(vhat) + EPS)


def data(n: int) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    return random.normal(size=n), random.normal(size=n)


def ours(rule: str, n: int, backend: str) -> Run:
    opt = numeric.optimizer(rule, lr=RATE, backend=backend, **RULES[rule])
    w, g = data(n)
    state = opt.init(w)
    return lambda: opt.step(w, g, state)


def limit(rule: str, n: int) -> Run:
    import numba

    if STATE[rule] == 0:

        @numba.njit
        def touch(w: Any, g: Any) -> None:
            for i in range(len(w)):
                w[i] = w[i] + g[i]

    elif STATE[rule] == 1:

        @numba.njit
        def touch(w: Any, g: Any, m: Any) -> None:
            for i in range(len(w)):
                m[i] = m[i] + g[i]
                w[i] = w[i] + m[i]

    else:

        @numba.njit
        def touch(w: Any, g: Any, m: Any, v: Any) -> None:
            for i in range(len(w)):
                m[i] = m[i] + g[i]
                v[i] = v[i] + m[i]
                w[i] = w[i] + v[i]

    arrays = [*data(n), *(np.zeros(n) for _ in range(STATE[rule]))]
    return lambda: touch(*arrays)


def torch_step(rule: str, sizes: Sequence[int], **how: bool) -> Run:
    import torch

    torch.set_num_threads(1)
    parameters = []
    for n in sizes:
        w, g = data(n)
        parameters.append(torch.nn.Parameter(torch.from_numpy(w)))
        parameters[-1].grad = torch.from_numpy(g)
    optim: Any = torch.optim
    made = {
        "sgd": lambda: optim.SGD(parameters, lr=RATE, **how),
        "momentum": lambda: optim.SGD(parameters, lr=RATE, momentum=BETA1, **how),
        "rmsprop": lambda: optim.RMSprop(parameters, lr=RATE, alpha=BETA2, eps=EPS, **how),
        "adam": lambda: optim.Adam(parameters, lr=RATE, betas=(BETA1, BETA2), eps=EPS, **how),
    }[rule]()
    step: Run = made.step
    return step


def contenders(rule: str, n: int) -> dict[str, Run]:
    found: dict[str, Run] = {"lecturer": Lecturer(rule, n).step, "numpy": ours(rule, n, "numpy")}
    try:
        found |= {"numba": ours(rule, n, "numba"), "limit": limit(rule, n)}
    except (ImportError, MissingDependency) as error:
        print(f"without numba: {error}")
    try:
        found["torch"] = torch_step(rule, [n], foreach=False)
        if rule != "rmsprop":  # which has no fused one
            found["torch fused"] = torch_step(rule, [n], fused=True)
    except ImportError:
        print("without torch")
    return found


def many(count: int = 100, n: int = 1000) -> dict[str, Run]:
    """Adam on many small tensors."""
    opt = numeric.optimizer("adam", lr=RATE, **RULES["adam"])
    w = tuple(data(n)[0] for _ in range(count))
    g = tuple(data(n)[1] for _ in range(count))
    state = opt.init(w)
    fast = numeric.optimizer("adam", lr=RATE, backend="numba", **RULES["adam"])
    one = tuple(array.copy() for array in w)
    other = fast.init(one)
    lecturers = [Lecturer("adam", n) for _ in range(count)]
    return {
        "lecturer": lambda: [each.step() for each in lecturers],
        "numpy": lambda: opt.step(w, g, state),
        "numba": lambda: fast.step(one, g, other),
        "torch foreach": torch_step("adam", [n] * count, foreach=True),
        "torch fused": torch_step("adam", [n] * count, fused=True),
    }


def measure(runs: dict[str, Run], rounds: int, repeat: int = 1) -> dict[str, list[float]]:
    """Seconds of processor time of one step of each, round by round; the first two rounds are not counted."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 2):
        for name, run in runs.items():
            start = time.process_time()
            for _ in range(repeat):
                run()
            if number >= 2:
                times[name].append((time.process_time() - start) / repeat)
    return times


def faults(run: Run, steps: int = 3) -> int:
    """Page faults per step, after the first."""
    run()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        run()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // steps


def ratio(times: dict[str, list[float]], name: str, to: str) -> str:
    if name not in times or to not in times:
        return ""
    return f"{statistics.median(a / b for a, b in zip(times[name], times[to], strict=True)):.2f}"


def table(title: str, times: dict[str, list[float]], n: int) -> None:
    print(f"\n| {title} | us per step | ns per element | x lecturer | x limit | x torch | x torch fused |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, found in times.items():
        middle = statistics.median(found)
        cells = [ratio(times, name, to) for to in ("lecturer", "limit", "torch", "torch fused")]
        print(f"| {name} | {middle * 1e6:.1f} | {middle / n * 1e9:.2f} | {' | '.join(cells)} |", flush=True)


def plot(rows: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """ns per element of one Adam step against the number of elements."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, points in rows.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    axes.set(xscale="log", yscale="log", xlabel="elements", ylabel="ns per element and step")
    axes.set_title("Adam, float64, one thread")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    reader = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    reader.add_argument("--rounds", type=int, default=15)
    reader.add_argument("--sizes", default="1000,10000000")
    reader.add_argument("--rules", default=",".join(RULES))
    reader.add_argument("--plot", type=Path, help="an .svg to write: Adam for 10, 100, ..., 10,000,000 elements")
    options = reader.parse_args()
    for n in map(int, options.sizes.split(",")):
        for rule in options.rules.split(","):
            runs = contenders(rule, n)
            table(f"{rule}, {n:,} elements", measure(runs, options.rounds, max(1, 200_000 // n)), n)
            if n >= 1_000_000:
                counted = {name: faults(runs[name]) for name in ("lecturer", "numpy", "numba") if name in runs}
                print(f"\npage faults per step: {counted}")
    table("adam, 100 arrays of 1,000", measure(many(), options.rounds, 5), 100_000)
    if options.plot:
        rows: dict[str, list[tuple[int, float]]] = {}
        for exponent in range(1, 8):
            n = 10**exponent
            for name, found in measure(contenders("adam", n), options.rounds, max(1, 100_000 // n)).items():
                rows.setdefault(name, []).append((n, statistics.median(found) / n * 1e9))
        plot(rows, options.plot)


if __name__ == "__main__":
    main()

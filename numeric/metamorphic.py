"""What no formula of one tensor shows: runs of a real torch optimizer that must agree with each other, or must differ.

    from numeric.metamorphic import metamorphic
    metamorphic("torch.optim.Adam", lr=0.01)

This runs the code of the class. Numbers are compared as they are: two runs have the same ones or not. Only where an
implementation may round otherwise (foreach, fused, a tensor in two parts) the balls of the lifted rule decide.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from derive.errors import InputError
from numeric.optimizer_runs import FLAGS, STEPS, Bench, Pair, Raised, Run, Skip, difference, numbers_of

TRIALS = 4


@dataclass(frozen=True)
class Check:
    """What was compared, and how it came out: `verdict` is "checked" (in so many trials), "refuted" or "skipped".

    A witness has the parameter, the place in it, the step and the number of each run; `reason` says why a check was
    skipped, or what a step did that it must not.

    >>> print(Check("maximize", "checked", "f against -f", 4).line())
    maximize: checked in 4 trials: f against -f
    """

    name: str
    verdict: str
    compared: str
    trials: int = 0
    witness: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def line(self) -> str:
        """The check as one line of text."""
        found = ", ".join(f"{key} = {value}" for key, value in self.witness.items())
        more = "".join(f"; {text}" for text in (self.reason, found) if text)
        counted = f" in {self.trials} trials" if self.verdict == "checked" else ""
        return f"{self.name}: {self.verdict}{counted}: {self.compared}{more}"

    def to_json(self) -> dict[str, Any]:
        """The check as a document."""
        return {
            "name": self.name, "verdict": self.verdict, "compared": self.compared, "trials": self.trials,
            "witness": dict(self.witness), "reason": self.reason,
        }  # fmt: skip


def metamorphic(target: str | type, **settings: Any) -> tuple[Check, ...]:
    """Checks of a torch optimizer class on several parameters at once; `settings` go to its constructor.

    `target` is a name such as "torch.optim.Adam", or a subclass of torch.optim.Optimizer, whose code is run.
    Errors: InputError for what is no such class and for settings that it refuses; MissingDependency without torch.

    >>> from numeric.metamorphic import metamorphic
    >>> [c.name for c in metamorphic("torch.optim.SGD", lr=0.1) if c.verdict == "refuted"]   # doctest: +SKIP
    []
    """
    from numeric.lift.torch import find, torch_module

    torch = torch_module()
    if isinstance(target, str) and ".py:" in target:
        raise InputError("a file is never run", remedy="import its class yourself and give that")
    made = find(target) if isinstance(target, str) else target
    if not (inspect.isclass(made) and issubclass(made, torch.optim.Optimizer)):
        raise InputError(f"{str(target)[:80]} is no torch optimizer", remedy="give a subclass of torch.optim.Optimizer")
    with _one_thread(torch), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bench = Bench(torch, made, settings)
        step = _step(bench)
        dead = step.verdict != "checked" and "gradient" not in step.witness
        why = step.reason if step.verdict == "skipped" else "its step is refuted"
        if dead:
            return step, *(Check(row.name, "skipped", row.compared, reason=why) for row in ROWS)
        return step, *(_outcome(bench, row) for row in ROWS)


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """Tensors of four numbers are slower on many threads, by far where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# --- the checks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """A check: the pairs of runs of a trial. `rounded`: what differs may still lie in the balls of the rule."""

    name: str
    compared: str
    pairs: Callable[[Bench, int], Iterator[Pair]]
    rounded: bool = False
    must_differ: bool = False


def _step(bench: Bench) -> Check:
    """A step that raises, gives what is no number, or changes the gradient; finds out which gradients it takes."""
    what = "each step ends, gives finite numbers, and leaves its gradient as it was"
    closure = inspect.signature(bench.made.step).parameters.get("closure")
    if closure is not None and closure.default is closure.empty:
        return Check("step", "skipped", what, reason="its step needs a closure")
    try:
        bench.run("", bench.start(0), bench.gradient(0), bench.settings)
    except Raised as error:
        bench.sparse = "sparse" in str(error).lower()  # one that takes nothing else
    kinds = [{}, *({name: True} for name in ("maximize", "foreach") if name in bench.takes and not bench.sparse)]
    for trial in range(TRIALS):
        for settings in ({**variant, **kind} for variant in bench.variants for kind in kinds):
            try:
                run = bench.run("", bench.start(trial), bench.gradient(trial), settings)
            except Raised as error:
                return Check("step", "refuted", what, trial + 1, {}, str(error))
            except Skip:
                continue
            for t in range(STEPS):
                for name, path in run.paths.items():
                    bad = [(k, x) for k, x in enumerate(numbers_of(path[t])) if not math.isfinite(x)]
                    if bad:
                        found = {"parameter": name, "element": bad[0][0], "step": t + 1, "number": bad[0][1],
                                 "its gradient": numbers_of(run.gradients[name][t])[bad[0][0]]}  # fmt: skip
                        return Check("step", "refuted", what, trial + 1, found, "what it gives is no finite number")
            if run.changed:
                return Check("step", "refuted", what, trial + 1, run.changed, "it changes its gradient")
    return Check("step", "checked", what, TRIALS)


def _outcome(bench: Bench, row: _Row) -> Check:
    """A check in all trials, with the smallest witness: the earliest step, the plainest numbers first."""
    found: list[dict[str, Any]] = []
    count = 0
    try:
        for trial in range(TRIALS):
            for pair in row.pairs(bench, trial):
                count += 1
                witness = difference(pair)
                if row.must_differ and witness:
                    return Check(row.name, "checked", row.compared, count)
                if row.must_differ:
                    name = pair.names[0]
                    last = [numbers_of(run.paths[name][-1])[0] for run in (pair.left, pair.right)]
                    witness = {"parameter": name, "element": 0, "step": STEPS, pair.left.label: last[0],
                               pair.right.label: last[1]}  # fmt: skip
                elif witness and row.rounded:
                    rule = bench.rule(pair.settings)
                    if isinstance(rule.lifted, str):
                        reason = f"not the same bits, and no rule that tells how far apart they may be: {rule.lifted}"
                        return Check(row.name, "skipped", row.compared, count, witness, reason)
                    beyond = rule.outside(pair.left) or rule.outside(pair.right)
                    witness = {**witness, **beyond} if beyond else {}
                if witness:
                    found.append(witness)
    except Skip as skip:
        if not found:
            return Check(row.name, "skipped", row.compared, reason=str(skip))
    except Raised as error:
        verdict = "skipped" if row.name == "sparse gradients" and "sparse" in str(error).lower() else "refuted"
        return Check(row.name, verdict, row.compared, count if verdict == "refuted" else 0, {}, str(error))
    if found:
        return Check(row.name, "refuted", row.compared, count, min(found, key=lambda each: int(each["step"])))
    return Check(row.name, "checked", row.compared, count)


def _permuted(bench: Bench, trial: int) -> Iterator[Pair]:
    for settings in bench.variants:
        one, *others = (bench.run(f"in order {order}", bench.start(trial, order), bench.gradient(trial), settings)
                        for order in ("abc", "cba", "bca"))  # fmt: skip
        yield from (Pair(one, other, "abc") for other in others)


def _independent(bench: Bench, trial: int) -> Iterator[Pair]:
    def other(name: str, t: int) -> Any:
        return bench.gradient(trial if name == "a" else trial + 1)(name, t)

    for settings in bench.variants:
        for order in ("ab", "ba"):
            start = bench.start(trial, order)
            one = bench.run("with a gradient of b", start, bench.gradient(trial), settings)
            yield Pair(one, bench.run("with another one of b", start, other, settings), "a")


def _split(bench: Bench, trial: int) -> Iterator[Pair]:
    for settings in bench.variants:
        bench.rule(settings).found()
        whole = bench.run("as one tensor", bench.start(trial, "a"), bench.gradient(trial), settings)
        parts = {f"a{k}": part for k, part in enumerate(whole.start["a"].chunk(2))}

        def gradient(name: str, t: int) -> Any:
            return bench.gradient(trial)("a", t).chunk(2)[int(name[1])]

        two = bench.run("as two", parts, gradient, settings)
        cut = {f"a{k}": [after.chunk(2)[k] for after in whole.paths["a"]] for k in range(2)}
        given = {f"a{k}": [each.chunk(2)[k] for each in whole.gradients["a"]] for k in range(2)}
        held: dict[str, list[Mapping[str, Any]]] = {
            f"a{k}": [{n: _chunk(s, k) for n, s in each.items()} for each in whole.states["a"]] for k in range(2)
        }
        yield Pair(replace(whole, start=parts, paths=cut, gradients=given, states=held), two, list(parts), settings)


def _chunk(state: Any, k: int) -> Any:
    return state.chunk(2)[k] if hasattr(state, "chunk") and state.dim() else state


def _mixed(bench: Bench, trial: int) -> Iterator[Pair]:
    torch = bench.torch
    for own, other in ((torch.float32, torch.float64), (torch.float64, torch.float32)):
        for settings in bench.variants:
            for order in ("ab", "ba"):
                runs = []
                for kind in (own, other):
                    start = {n: w.to(own if n == "a" else kind) for n, w in bench.start(trial, order).items()}
                    label = f"{str(own)[6:]} {'before' if order == 'ab' else 'after'} {str(kind)[6:]}"
                    runs.append(bench.run(label, start, bench.gradient(trial), settings))
                yield Pair(runs[0], runs[1], "a")


def _resumed(bench: Bench, trial: int) -> Iterator[Pair]:
    for settings in bench.variants:
        start, gradient = bench.start(trial), bench.gradient(trial)
        one = bench.run("in one go", start, gradient, settings)
        yield Pair(one, bench.run("from its state_dict", start, gradient, settings, resume=1 + trial), "abc")


def _implementations(bench: Bench, trial: int) -> Iterator[Pair]:
    flags = [name for name in ("foreach", "fused") if name in bench.takes]
    if not flags:
        raise Skip("its constructor has neither foreach nor fused")
    for variant in bench.variants:
        off: dict[str, Any] = dict.fromkeys(flags, False)
        start, gradient = bench.start(trial), bench.gradient(trial)
        single = bench.run("single tensor", start, gradient, {**variant, **off})
        for flag in flags:
            other = bench.run(flag, start, gradient, {**variant, **off, flag: True})
            yield Pair(single, other, "abc", variant)


def _maximized(bench: Bench, trial: int) -> Iterator[Pair]:
    bench.demand("maximize")
    for settings in bench.variants:
        up = bench.run("maximize f", bench.start(trial), bench.gradient(trial), {**settings, "maximize": True})
        down = bench.run("minimize -f", bench.start(trial), lambda name, t: -bench.gradient(trial)(name, t),
                         {**settings, "maximize": False})  # fmt: skip
        yield Pair(up, down, "abc")


def _without(bench: Bench, trial: int) -> Iterator[Pair]:
    for settings in bench.variants:
        run = bench.run("after", bench.start(trial), lambda n, t: None if n == "b" else bench.gradient(trial)(n, t),
                        settings)  # fmt: skip
        yield Pair(_constant(run), run, "b")


def _zeros(bench: Bench, trial: int) -> Iterator[Pair]:
    start = bench.start(trial)
    if not all(bench.rule(bench.settings).still(w) for w in numbers_of(start["b"])):
        raise Skip("its rule moves a parameter whose gradient is 0, as weight decay does")
    run = bench.run("after", start, lambda n, t: bench.gradient(trial)(n, t) * (n != "b"), bench.settings)
    yield Pair(_constant(run), run, "b")


def _constant(run: Run) -> Run:
    return replace(run, label="start", paths={name: [run.start[name]] * STEPS for name in run.paths})


def _sparse(bench: Bench, trial: int) -> Iterator[Pair]:
    touched, shape = [1, 3], (5, 3)
    start = bench.numbers(trial, "a", 0, shape)

    def gradient(name: str, t: int) -> Any:
        rows = bench.numbers(trial, "a", t, (2, 3))
        if name == "own":
            return rows
        whole = bench.torch.zeros(shape, dtype=rows.dtype)
        whole[touched] = rows
        return whole

    label = "in a tensor of their own" if bench.sparse else "dense"
    own = "own" if bench.sparse else "a"
    base = bench.run(label, {own: start[touched] if bench.sparse else start}, gradient, bench.settings)
    other = bench.run("sparse", {"a": start}, gradient, bench.settings, sparse=True)
    one, two = ([w if len(w) == 2 else w[touched] for w in run.paths[key]] for run, key in ((base, own), (other, "a")))
    yield Pair(replace(base, paths={"rows": one}), replace(other, paths={"rows": two}), ["rows"])


def _flag(name: str) -> Callable[[Bench, int], Iterator[Pair]]:
    on, off, needs = FLAGS[name]

    def pairs(bench: Bench, trial: int) -> Iterator[Pair]:
        bench.demand(name, *needs)
        runs = [
            bench.run(f"{name}={value}", bench.start(trial), bench.gradient(trial),
                      {**bench.settings, **needs, name: value})
            for value in (on, off)
        ]  # fmt: skip
        yield Pair(runs[0], runs[1], "abc")

    return pairs


ROWS = (
    _Row("permuted parameters", "the same parameters in another order", _permuted),
    _Row("independent parameters", "a parameter beside one that has other gradients", _independent),
    _Row("split tensor", "one tensor against its two halves as two parameters", _split, rounded=True),
    _Row("mixed dtypes", "a parameter beside one of its own dtype and one of the other", _mixed),
    _Row("state_dict", "a run in one go against one that goes on from its state_dict", _resumed),
    _Row("foreach = fused = single", "each implementation against the single-tensor one", _implementations, True),
    _Row("maximize", "maximize=True on f against maximize=False on -f", _maximized),
    _Row("gradient None", "a parameter that never has a gradient stays as it is", _without),
    _Row("zero gradients", "a parameter whose gradients are 0 stays as it is", _zeros),
    _Row("sparse gradients", "sparse gradients against dense ones, on the rows that they touch", _sparse),
    *(_Row(f"flag {name}", f"{name}={on} against {name}={off} changes something", _flag(name), must_differ=True)
      for name, (on, off, _) in FLAGS.items()),
)  # fmt: skip

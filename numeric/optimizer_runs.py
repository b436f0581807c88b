"""Runs of a real torch optimizer on given gradients, and the lifted rule as balls of each of their steps.

This runs the code of the class. What is made of it is in `numeric.metamorphic`.
"""

from __future__ import annotations

import copy
import difflib
import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from derive.errors import InputError, SymstepError
from derive.kernel.terms import Term
from derive.update_rule import GRADIENT, PARAMETER, STEP
from numeric.balls import enclosure
from numeric.lift import Lifted, lift
from numeric.translation import translate

STEPS = 8
SHAPES: Mapping[str, tuple[int, ...]] = {"a": (4,), "b": (3,), "c": (2,)}
MATRICES: Mapping[str, tuple[int, ...]] = {"a": (2, 2), "b": (3, 2), "c": (1, 2)}  # for a class that takes nothing else
# flag -> what switches it on and off, and what it needs to have an effect
FLAGS: dict[str, tuple[Any, Any, Mapping[str, Any]]] = {
    "lr": (0.02, 0.01, {}),
    "weight_decay": (0.1, 0.0, {}),
    "momentum": (0.9, 0.0, {}),
    "nesterov": (True, False, {"momentum": 0.9}),
    "dampening": (0.5, 0.0, {"momentum": 0.9}),
    "amsgrad": (True, False, {}),
    "centered": (True, False, {}),
    "decoupled_weight_decay": (True, False, {"weight_decay": 0.1}),
}
ON = ("weight_decay", "momentum", "amsgrad", "centered")  # what the second variant of each check switches on
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
Gradient = Callable[[str, int], Any]  # of a parameter in a step; None: it has none


class Skip(Exception):
    """A check does not apply, for this reason."""


class Raised(Exception):
    """The step of the class raised."""


@dataclass(frozen=True)
class Run:
    """What a run left after each step, by parameter, with its state before; `changed` is the first changed gradient."""

    label: str
    start: Mapping[str, Any]
    paths: Mapping[str, list[Any]]
    states: Mapping[str, list[Mapping[str, Any]]]
    gradients: Mapping[str, list[Any]]
    changed: Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """Two runs that are compared in these parameters, and the settings that the rule has in both."""

    left: Run
    right: Run
    names: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)


class Bench:
    """A class with its settings, the numbers of the trials, and the rule that it is lifted to."""

    def __init__(self, torch: Any, made: Any, settings: Mapping[str, Any]) -> None:
        self.torch, self.made, self.shapes = torch, made, SHAPES
        takes = list(inspect.signature(made).parameters.values())
        self.takes = {p.name for p in takes[1:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
        for name in settings if all(p.kind != p.VAR_KEYWORD for p in takes) else ():
            if name not in self.takes:
                near = difflib.get_close_matches(name, self.takes, 1)
                remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(self.takes))}"
                raise InputError(f"{made.__name__} has no setting {name}", remedy=remedy)
        needed = {"lr": 0.01} if any(p.name == "lr" and p.default is p.empty for p in takes) else {}
        self.settings = {**needed, **settings}
        problem = next((found for found in (self.refuses(SHAPES), self.refuses(MATRICES)) if not found), None)
        if problem is None:
            raise InputError(f"{made.__name__} refuses its settings: {self.refuses(SHAPES)}", remedy="give others")
        self.shapes = MATRICES if self.refuses(SHAPES) else SHAPES
        on = {name: FLAGS[name][0] for name in ON if name in self.takes and name not in settings}
        fits = on and not self.refuses(self.shapes, on)
        self.variants = [self.settings, {**self.settings, **on}] if fits else [self.settings]
        self.sparse = False
        self.rules: dict[str, Rule] = {}
        self.known: dict[tuple[int, str, int, tuple[int, ...]], Any] = {}

    def refuses(self, shapes: Mapping[str, tuple[int, ...]], more: Mapping[str, Any] | None = None) -> str:
        """What the constructor says against it, or nothing."""
        parameters = [self.torch.nn.Parameter(self.torch.ones(shape)) for shape in shapes.values()]
        try:
            self.made(parameters, **{**self.settings, **(more or {})})
        except Exception as error:  # whatever the code of others raises
            return said(error)
        return ""

    def numbers(self, trial: int, name: str, t: int, shape: Sequence[int]) -> Any:
        """Plain numbers in trial 0; tiny ones in trial 1, then from 1e-9 to 10. They do not depend on the order."""
        key = (trial, name[0], t, tuple(shape))
        if key not in self.known:
            self.known[key] = self._numbers(*key)
        return self.known[key].clone()

    def _numbers(self, trial: int, name: str, t: int, shape: tuple[int, ...]) -> Any:
        torch, size = self.torch, math.prod(shape)
        if trial == 0:
            first = ord(name) - ord("a") + 1
            flat = torch.tensor([(first + k) * (0.5 if t % 3 else -0.125) for k in range(size)], dtype=torch.float64)
            return flat.reshape(shape)
        random = torch.Generator().manual_seed(10_000 * trial + 100 * ord(name) + t)
        signs, sizes = (f((size,), generator=random, dtype=torch.float64) for f in (torch.randn, torch.rand))
        exponents = sizes * 3 - 9 if trial == 1 else sizes * 10 - 9
        flat = signs if t == 0 else signs * 10.0**exponents
        return flat.to(torch.float32).to(torch.float64).reshape(shape)  # both precisions have them

    def start(self, trial: int, names: str = "abc") -> dict[str, Any]:
        return {name: self.numbers(trial, name, 0, self.shapes[name]) for name in names}

    def gradient(self, trial: int) -> Gradient:
        return lambda name, t: self.numbers(trial, name, t, self.shapes[name])

    def run(
        self, label: str, start: Mapping[str, Any], gradient: Gradient, settings: Mapping[str, Any], resume: int = 0,
        sparse: bool | None = None,
    ) -> Run:  # fmt: skip
        """A run on given gradients; after `resume` steps it goes on in a new optimizer, from its state_dict."""
        parameters = {name: self.torch.nn.Parameter(value.clone()) for name, value in start.items()}
        optimizer = self.optimizer(parameters, settings)
        paths: dict[str, list[Any]] = {name: [] for name in start}
        states: dict[str, list[Mapping[str, Any]]] = {name: [] for name in start}
        gradients: dict[str, list[Any]] = {name: [] for name in start}
        changed: dict[str, Any] = {}
        for t in range(1, STEPS + 1):
            given: dict[str, Any] = {}
            for name, parameter in parameters.items():
                states[name].append(self.copied(optimizer.state.get(parameter, {})))
                dense = gradient(name, t)
                given[name] = None if dense is None else dense.to(parameter.dtype)
                gradients[name].append(given[name])
                kept: Any = None if dense is None else given[name].clone()
                is_sparse = self.sparse if sparse is None else sparse
                parameter.grad = kept.to_sparse(1) if is_sparse and kept is not None else kept
            try:
                optimizer.step()
            except Exception as error:  # whatever the code of others raises
                raise Raised(f"its step raised {said(error)} at step {t} with {shown(settings)}") from error
            for name, parameter in parameters.items():
                paths[name].append(parameter.detach().clone())
                after = parameter.grad.to_dense() if parameter.grad is not None else None
                same = after is given[name] or (after is not None and self.torch.equal(after, given[name]))
                if not same and not changed:
                    both = {"gradient": numbers_of(given[name]), "after": numbers_of(after)}
                    changed = {"parameter": name, "step": t, **both}
            if t == resume:
                stored = copy.deepcopy(optimizer.state_dict())
                parameters = {n: self.torch.nn.Parameter(p.detach().clone()) for n, p in parameters.items()}
                optimizer = self.optimizer(parameters, settings)
                optimizer.load_state_dict(stored)
        return Run(label, start, paths, states, gradients, changed)

    def optimizer(self, parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        try:
            return self.made(list(parameters.values()), **settings)
        except Exception as error:
            raise Skip(f"its constructor refuses {shown(settings)}: {said(error)}") from error

    def copied(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The state of a parameter as it is now: numbers, and copies of tensors."""
        return {k: v.clone() if isinstance(v, self.torch.Tensor) else v for k, v in state.items()}

    def demand(self, *names: str) -> None:
        for name in names:
            if name not in self.takes:
                raise Skip(f"its constructor has no {name}")

    def rule(self, settings: Mapping[str, Any]) -> Rule:
        """The rule that it is lifted to. Skip where it is beyond that."""
        kept = {k: v for k, v in settings.items() if k not in ("foreach", "fused")}
        return self.rules.setdefault(repr(kept), Rule(self.made, kept))


class Rule:
    """The lifted rule of a class, as balls of one step from the numbers that the code had."""

    def __init__(self, made: Any, settings: Mapping[str, Any]) -> None:
        self.made, self.settings = made, settings
        self.later: dict[int, Lifted] = {}

    @cached_property
    def lifted(self) -> Lifted | str:
        """The rule, or why there is none."""
        try:
            return lift(self.made, self.settings)
        except SymstepError as error:
            return str(error)[:200]

    def found(self) -> Lifted:
        if isinstance(self.lifted, str):
            raise Skip(f"its rule is not known, for it does not lift: {self.lifted}")
        return self.lifted

    def balls(self, t: int, w: float, g: float, state: Mapping[str, Any], precision: int = 53) -> Mapping[str, Any]:
        """What step t may give, for w and each state, the latter by the rule's names."""
        rule = self.found()
        known = {h.name: float(h.value) for h in rule.rule.hyperparameters} | {STEP: float(t)}
        if t > 1 and not all(_true(condition, known) for condition in rule.conditions):
            rule = self.later[t] = self.later.get(t) or lift(self.made, self.settings, at=t)
        terms = rule.first if t == 1 else {name: rule.rule.step[name] for name in rule.first}
        return _balls(terms, known, {PARAMETER: w, GRADIENT: g, **({} if t == 1 else state)}, precision)

    def outside(self, run: Run) -> dict[str, Any]:
        """The first number of a run that is not in the ball of its step; nothing where all are.

        Where a state is kept in float32, the step is one of that precision.
        """
        sources = {state.meaning.en: state.name for state in self.found().rule.state}
        kept = [s for states in run.states.values() for each in states for n, s in each.items() if n in sources]
        precision = 24 if any(str(getattr(s, "dtype", "")) == "torch.float32" for s in kept) else 53
        for t in range(1, STEPS + 1):
            for name, path in run.paths.items():
                before = run.start[name] if t == 1 else path[t - 2]
                w, after = before.reshape(-1), path[t - 1].reshape(-1)
                held = run.states[name][t - 1]
                state = {own: held[source] for source, own in sources.items() if held.get(source) is not None}
                slopes = numbers_of(run.gradients[name][t - 1])
                for k, value in enumerate(after.tolist()):
                    here = {own: _at(part, k) for own, part in state.items()}
                    ball = self.balls(t, float(w[k]), slopes[k], here, precision)[PARAMETER]
                    if not ball.contains(value):
                        return {"parameter": name, "element": k, "step": t, run.label: value,
                                "the rule": float(ball.midpoint)}  # fmt: skip
        return {}

    def still(self, w: float) -> bool:
        """Whether the rule leaves w alone while gradients are 0."""
        state: Mapping[str, Any] = {}
        for t in range(1, STEPS + 1):
            after = self.balls(t, w, 0.0, state)
            if not after[PARAMETER].contains(w):
                return False
            state = {name: ball for name, ball in after.items() if name != PARAMETER}
        return True


def _balls(
    terms: Mapping[str, Term], scalars: Mapping[str, float], rows: Mapping[str, Any], precision: int = 53
) -> Mapping[str, Any]:
    program = translate(dict(terms), scalars=tuple(scalars), rows=tuple(rows))
    return enclosure(program, {**scalars, **rows}, precision)


def _true(condition: Term, known: Mapping[str, float]) -> bool:
    sides = _balls({"left": condition[1], "right": condition[2]}, known, {})
    return _HOLDS[condition[0]](*(float(sides[side].midpoint) for side in ("left", "right")))


def _at(part: Any, k: int) -> float:
    if not hasattr(part, "reshape"):
        return float(part)
    flat = part.reshape(-1)
    return float(flat[k] if len(flat) > 1 else flat[0])


def said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


def shown(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items()) or "its defaults"


def numbers_of(tensor: Any) -> Any:
    return None if tensor is None else tensor.to_dense().reshape(-1).tolist()


def difference(pair: Pair) -> dict[str, Any]:
    """The first number in which two runs are apart: the earliest step, then the first parameter."""
    for t in range(STEPS):
        for name in pair.names:
            one, other = (numbers_of(run.paths[name][t]) for run in (pair.left, pair.right))
            for k, (x, y) in enumerate(zip(one, other, strict=True)):
                if x != y:
                    return {"parameter": name, "element": k, "step": t + 1, pair.left.label: x, pair.right.label: y}
    return {}

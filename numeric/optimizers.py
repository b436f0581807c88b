"""Optimizers that people call: any update rule of the library, run on arrays.

    opt = numeric.optimizer("adam", lr=1e-3)
    state = opt.init(w)
    opt.step(w, g, state)

A formula stands in `derive.library.optimizers` alone. Here a rule becomes a program, and the program the calls.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from derive.errors import InputError
from derive.kernel.terms import Term
from derive.syntax import parse_expression
from derive.update_rule import DECAY, PARAMETER, RATE, UpdateRule
from derive.update_rule import optimizer as rule_of
from numeric.compile import kernel
from numeric.domains import facts
from numeric.engines import Engine, Rate, backend_of, rate_at
from numeric.inplace import Plan, plan_of
from numeric.parameters import Key, Layout, Tree, in_flat_order, layout, number, shown
from numeric.program import Program
from numeric.states import OptimizerState, read_npz, unpacked
from numeric.translation import translate

BACKENDS = ("numpy", "numba")


@dataclass(frozen=True)
class Optimizer:
    """An update rule with its hyperparameters; made by `optimizer`. It holds no state of a run.

    w is a float32 or float64 array of any shape, or a tuple or a dict of such arrays; g is the gradient at `point`, of
    the same structure, shapes and dtypes. The result has the dtype of w. Errors: InputError for anything else, for
    nan or inf in g, and for a state that belongs to another rule or to other shapes; nothing is changed then.
    `update` and `step` give the same bits, and so do all backends.
    """

    rule: UpdateRule
    hyperparameters: Mapping[str, float] = field(hash=False)  # without the learning rate
    lr: Rate
    backend: str = "numpy"
    groups: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    _settings: tuple[tuple[Mapping[str, float], Rate], ...] = field(default=(), repr=False, hash=False)
    _engines: threading.local = field(default_factory=threading.local, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hyperparameters", MappingProxyType(dict(self.hyperparameters)))

    def __reduce__(self) -> tuple[Any, ...]:  # what threads have of their own stays behind
        return Optimizer, (self.rule, dict(self.hyperparameters), self.lr, self.backend, self.groups, self._settings)

    def init(self, w: Tree) -> OptimizerState:
        """The state before the first step, for parameters of these shapes.

        >>> optimizer("adam").init(np.zeros(3)).t
        0
        """
        places = layout(w, self.numbers())
        arrays: dict[str, dict[np.dtype[Any], Any]] = {}
        scalars: list[dict[str, float]] = [{} for _ in self._settings]
        leaves = places.leaves(w, "w")
        for state in self.rule.state:
            term = self.rule.initial[state.name]
            for group, known in enumerate(self.settings(1)):
                if state.scalar:
                    scalars[group][state.name] = _initial(term, known, None)
                    continue
                flat = arrays.setdefault(state.name, {dtype: np.empty(n, dtype) for dtype, n in places.sizes().items()})
                for unit in places.units:
                    for leaf, start, stop in unit.leaves if unit.group == group else ():
                        flat[unit.dtype][start:stop] = _initial(term, known, leaves[leaf].reshape(-1))
        return OptimizerState(self.rule.name, 0, places, arrays, scalars)

    def numbers(self) -> dict[Key, int]:
        """The number of the group of each key that `groups` names; the others are in group 0."""
        return {key: number for number, key in enumerate(self.groups, start=1)}

    def settings(self, t: int) -> list[dict[str, float]]:
        """The hyperparameters of each group, with the learning rate of step t."""
        return [{**known, RATE: rate_at(lr, t) if callable(lr) else lr} for known, lr in self._settings]

    def update(self, w: Tree, g: Tree, state: OptimizerState) -> tuple[Tree, OptimizerState]:
        """The parameters and the state after one step, in memory of their own: w, g and state stay as they are.

        >>> opt = optimizer("momentum", lr=0.5)
        >>> w, state = opt.update(np.array([1.0]), np.array([1.0]), opt.init(np.array([1.0])))
        >>> w, state.t, state["m"]
        (array([0.5]), 1, array([-0.5]))
        """
        self.demand(state)
        leaves = [array.copy() for array in state.layout.leaves(w, "w")]
        copied, after = state.layout.tree(leaves), state.copy()
        self.step(copied, g, after)
        return copied, after

    def step(self, w: Tree, g: Tree, state: OptimizerState) -> None:
        """One step in place: w and state are overwritten, g is not. Not at all where it raises.

        >>> opt, w = optimizer("sgd", lr=0.5), np.array([1.0, 2.0])
        >>> opt.step(w, np.array([1.0, 0.0]), opt.init(w)); w
        array([0.5, 2. ])
        """
        if type(state) is not OptimizerState or state.rule != self.rule.name:
            self.demand(state)
        engines: dict[Any, tuple[Layout, Engine]] = self._engines.__dict__
        known = engines.get(id(state.layout))
        if known is None:
            self.demand(state)
            if len(engines) > 16:
                engines.clear()
            known = engines[id(state.layout)] = (
                state.layout,
                Engine(self.rule, self._settings, self.backend, state.layout),
            )
        known[1].step(w, g, state)

    def rate(self, t: int) -> float:
        """The learning rate of step t, in the first group."""
        return rate_at(self.lr, t) if callable(self.lr) else self.lr

    def point(self, w: Tree, state: OptimizerState) -> Tree:
        """Where the gradient of the next step is to be taken: w, but for rules that look ahead.

        >>> opt, w = optimizer("nesterov", lr=0.5), np.array([1.0])
        >>> w, state = opt.update(w, np.array([1.0]), opt.init(w))
        >>> w, opt.point(w, state)
        (array([0.5]), array([0.05]))
        """
        self.demand(state)
        program = _point(self.rule)
        if program is None:
            return w
        places = state.layout
        parts = {name: places.leaves(state[name], name) for name in state.arrays} | {PARAMETER: places.leaves(w, "w")}
        found = []
        for leaf, group in enumerate(places.groups):
            known = {**self._settings[group][0], **state.scalars[group]}
            given: dict[str, Any] = {
                value.name: parts[value.name][leaf].reshape(-1) if value.dims else known[value.name]
                for value in program.inputs
            }
            with np.errstate(all="ignore"):
                found.append(kernel(program).run(**given)["point"].reshape(places.shapes[leaf]))
        return places.tree(found)

    def demand(self, state: OptimizerState) -> None:
        """Refuse the state of another rule, or of other groups."""
        if not isinstance(state, OptimizerState):
            raise InputError(f"the state is {shown(state)}", remedy="make one with init(w)")
        if state.rule != self.rule.name:
            raise InputError(f"this is the state of {state.rule}", remedy=f"make one of {self.rule.name} with init(w)")
        names = {each.name for each in self.rule.state}
        if {*state.arrays, *state.scalars[0]} != names:
            has = ", ".join((*state.arrays, *state.scalars[0])) or "nothing"
            raise InputError(f"the state has {has} in it", remedy="make one of this rule with init(w)")
        numbers = self.numbers()
        here = tuple(numbers.get(key, 0) for key in state.layout.keys)
        if len(state.scalars) != len(self._settings) or state.layout.groups != here:
            raise InputError("the state has other groups of hyperparameters", remedy="make one with init(w)")

    def plan(self) -> Plan:
        """What a step does, as data."""
        return plan_of(self.rule)

    # --- state from outside ------------------------------------------------------------------------------------------

    def from_dict(self, stored: Mapping[str, Any], w: Tree) -> OptimizerState:
        """The state that `OptimizerState.to_dict` gave, for these parameters. Raises InputError where they do not fit.

        >>> opt, w = optimizer("momentum", lr=0.5), np.zeros(2)
        >>> opt.from_dict(opt.init(w).to_dict(), w).t
        0
        """
        state = self.init(w)
        if not isinstance(stored, Mapping):
            raise InputError(f"the stored state is {shown(stored)}", remedy="use what to_dict gave")
        for key in ("rule", "t", "scalars", "arrays"):
            if key not in stored:
                raise InputError(f"the stored state has no {key!r}", remedy="use what to_dict gave")
        if stored["rule"] != self.rule.name:
            raise InputError(f"this is the state of {shown(stored['rule'])}", remedy=f"use one of {self.rule.name}")
        state.t = whole("t of the stored state", stored["t"])
        arrays, scalars = stored["arrays"], stored["scalars"]
        if not isinstance(arrays, Mapping) or arrays.keys() != state.arrays.keys():
            expected = ", ".join(state.arrays) or "none"
            raise InputError("the stored state has other arrays", remedy=f"this rule has {expected}")
        fitting = isinstance(scalars, list | tuple) and len(scalars) == len(state.scalars)
        if not fitting or any(
            not isinstance(each, Mapping) or each.keys() != own.keys()
            for each, own in zip(scalars, state.scalars, strict=True)
        ):
            raise InputError("the stored state has other scalars", remedy="use the rule and the groups of then")
        state.scalars = [{name: number(name, value) for name, value in each.items()} for each in scalars]
        for name, flats in state.arrays.items():  # nan and inf are taken as they are: an overflow may have left them
            leaves = state.layout.leaves(arrays[name], f"the stored {name}")
            for dtype, flat in flats.items():
                np.concatenate([array.reshape(-1) for array in in_flat_order(state.layout, dtype, leaves)], out=flat)
        return state

    def load(self, path: str | Path, w: Tree) -> OptimizerState:
        """The state that `OptimizerState.save` wrote, for these parameters; nothing in the file is run."""
        return self.restored(read_npz(path), path, w)

    def restored(self, stored: Mapping[str, Any], path: str | Path, w: Tree) -> OptimizerState:
        """The state in the arrays of a file. Raises InputError where it is of another rule, or for another w."""
        state = self.init(w)
        try:
            return self.from_dict(unpacked(stored, self.rule.name, tuple(state.arrays), state.layout), w)
        except InputError as error:
            raise error.at(file=str(path)) from None


def optimizer(
    name: str | UpdateRule, *, lr: Rate | None = None, backend: str = "numpy",
    groups: Mapping[Key, Mapping[str, Any]] | None = None, **hyperparameters: float,
) -> Optimizer:  # fmt: skip
    """The optimizer of that name in the library (`derive list optimizers`), or of a rule of your own.

    `lr` is the learning rate: a number, or a schedule: a function of the number of the step, which is 1 at the first.
    Hyperparameters have the names of the rule or those that frameworks use (`betas` is beta1 and beta2 apart);
    `weight_decay` adds lam*w to the gradient, unless the rule has a decay of its own. `groups` gives some arrays of a
    dict or tuple other values: groups={"bias": {"weight_decay": 0.0, "lr": 0.01}}.
    Errors: InputError for an unknown rule, hyperparameter or backend (with the nearest name), for a value outside its
    domain; MissingDependency for backend "numba" without numba.

    >>> opt = optimizer("adam", lr=lambda t: 0.1/t, beta1=0.8)
    >>> opt.hyperparameters["beta1"], opt.hyperparameters["beta2"]
    (0.8, 0.999)
    """
    if not isinstance(name, UpdateRule | str):
        raise InputError(f"the optimizer is {shown(name)}", remedy="give the name of a rule, or an UpdateRule")
    rule = name if isinstance(name, UpdateRule) else rule_of(name)
    if backend not in BACKENDS:
        near = difflib.get_close_matches(str(backend), BACKENDS, 1)
        raise InputError(f"there is no backend {shown(backend)}", remedy=f"use {' or '.join(near or BACKENDS)}")
    if groups is not None and not (
        isinstance(groups, Mapping) and all(isinstance(v, Mapping) for v in groups.values())
    ):
        remedy = 'expected a dict of dicts, such as {"bias": {"lr": 0.01}}'
        raise InputError(f"groups is {shown(groups)}", remedy=remedy)
    overrides = {key: dict(each) for key, each in (groups or {}).items()}
    given = [hyperparameters, *overrides.values()]
    if any(key in (DECAY.name, *DECAY.aliases) for each in given for key in each) and not _has_decay(rule):
        rule = rule.with_decay()
    base = read_hyperparameters(rule, hyperparameters | ({} if lr is None else {"lr": lr}), {})
    settings = [base, *(read_hyperparameters(rule, each, base) for each in overrides.values())]
    split = tuple(({key: value for key, value in each.items() if key != RATE}, each[RATE]) for each in settings)
    backend_of(backend)  # says now if it is missing
    return Optimizer(rule, split[0][0], split[0][1], backend, overrides, split)


def _has_decay(rule: UpdateRule) -> bool:
    return any(hyper.name == DECAY.name for hyper in rule.hyperparameters)


def read_hyperparameters(rule: UpdateRule, given: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers for all hyperparameters: those given, the others from `base`, or their defaults; all in their domains."""
    named: dict[str, Any] = {}
    for key, value in given.items():
        hyper = rule.hyperparameter(key)
        if hyper.name in named:
            raise InputError(f"{hyper.name} is given twice, once as {key}", remedy="give it once")
        named[hyper.name] = value if callable(value) and hyper.name == RATE else number(key, value)
    found = {h.name: named.get(h.name, base.get(h.name, float(h.value))) for h in rule.hyperparameters}
    for hyper in rule.hyperparameters:
        fact = facts(hyper.domain)
        if not callable(found[hyper.name]):
            fact.demand({name: found[name] for name in _names(fact.conditions)})
    return found | ({} if RATE in found else {RATE: 0.0})


def _names(conditions: Sequence[Any]) -> dict[str, None]:
    return {value.name: None for condition in conditions for value in condition.sides.inputs}


def whole(what: str, value: Any, least: int = 0) -> int:
    """A whole number. Raises InputError for anything else, also for True and False."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{what} is {shown(value)}", remedy=f"expected a whole number >= {least}")
    return int(value)


def _initial(term: Term, settings: Mapping[str, float], w: Any) -> Any:
    """The state before the first step of parameters w, or of all of them."""
    rows = () if w is None else (PARAMETER,)
    program = translate({"value": term}, scalars=tuple(settings), rows=rows)
    given = {value.name: w if value.dims else settings[value.name] for value in program.inputs}
    found: Any = kernel(program).run(**given)["value"]
    if np.ndim(found):
        return found
    found = float(found)
    if w is not None and abs(found) > float(np.finfo(w.dtype).max):
        raise InputError(
            f"the state begins with {found!r}, which is beyond the range of {w.dtype}", remedy="use float64"
        )
    return found


@lru_cache(maxsize=256)
def _point(rule: UpdateRule) -> Program | None:
    """Where a rule takes the gradient, as a program; None where that is w."""
    term = parse_expression(rule.gradient_at).term
    if term == ("v", PARAMETER):
        return None
    scalars = (*(hyper.name for hyper in rule.hyperparameters), *(state.name for state in rule.state if state.scalar))
    rows = (PARAMETER, *(state.name for state in rule.state if not state.scalar))
    return translate({"point": term}, scalars=scalars, rows=rows)

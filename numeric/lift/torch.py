"""torch.optim: one step of the installed optimizer, run on tensors that carry expressions.

The step is the real one; a mode of torch sees every function that it calls, and the expression of the result is worked
out beside the number. Hyperparameters are floats that carry expressions themselves.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import warnings
from collections.abc import Collection, Mapping
from typing import Any

from derive.errors import InputError, MissingDependency, SymstepError, Undecided
from derive.update_rule import GRADIENT, PARAMETER, STEP
from numeric.lift import expressions as ex
from numeric.lift.branches import without_states, without_zeros
from numeric.lift.expressions import Node
from numeric.lift.intervals import Interval
from numeric.lift.rules import Findings, Memory, Trace
from numeric.lift.settings import Setting, Settings, ascii_name, read_settings
from numeric.lift.tensors import Tensors
from numeric.lift.tracked import Tracked, functions, recording

COUNTERS = ("step", "t", "steps", "iteration")  # states that count the steps
LATE = 100  # the generic step, where comparisons with t are made, unless another is asked for
STEPS = Interval(ex.TWO.value)
# Numbers that gradient and parameter have while the code runs; two runs must agree, so no number is lost in one.
_SEEN = (1.0, 1.0 + 2.0**-20)


def torch_module() -> Any:
    """torch. MissingDependency without it."""
    try:
        return importlib.import_module("torch")
    except ImportError:
        raise MissingDependency("lifting torch.optim needs torch: pip install 'symstep[peers]'") from None


def find(name: str) -> type:
    """The class of that name, as in torch.optim.Adam. InputError with the nearest name."""
    import difflib

    optim = torch_module().optim
    last = name.rpartition(".")[2]
    found = getattr(optim, last, None)
    if name == f"torch.optim.{last}" and inspect.isclass(found) and issubclass(found, optim.Optimizer):
        return found
    known = [f"torch.optim.{each}" for each in dir(optim) if inspect.isclass(getattr(optim, each))]
    near = difflib.get_close_matches(name, known, 1)
    raise InputError(f"there is no {name}", remedy=f"did you mean {near[0]}?" if near else "see torch.optim")


def trace(
    target: type, settings: Mapping[str, Any], symbols: Collection[str] = (), at: int = LATE
) -> Findings:  # fmt: skip
    """The steps of an optimizer class as expressions; comparisons with t turn out as at step `at`.

    Errors: InputError for settings that the class does not take; Undecided for what has no expression (the message
    names it), and where a number reached the formula that is not in the settings.
    """
    if at < 2:
        raise InputError(f"a generic step {at}", remedy="the first one is found anyway: ask for 2 or more")
    name = target.__name__
    shown = f"torch.optim.{name}" if target.__module__.startswith("torch.optim") else f"{target.__module__}.{name}"
    parameters = dict(list(inspect.signature(target).parameters.items())[1:])  # without params
    read = read_settings(shown, parameters, settings, symbols)
    if "foreach" in parameters and "foreach" not in read.flags:
        read = Settings(read.numbers, {**read.flags, "foreach": False})
    one, other = (_Run(target, shown, read, at, seen).findings(settings) for seen in _SEEN)
    if one != other:
        raise Undecided(f"{shown}: its formula depends on a number that is no argument, or on the data")
    one = without_states(one, lambda: _Run(target, shown, read, at, _SEEN[0], generic=True).findings(settings))

    def off(without: Settings) -> Findings:
        return _Run(target, shown, without, at, _SEEN[0]).findings(settings)

    return without_zeros(one, off)


def _modules(target: type) -> list[Any]:
    """The modules whose functions compute a step: those of the class and its bases, and their neighbours."""
    own = {base.__module__ for base in target.__mro__[:-1]}
    packages = tuple(f"{name.rpartition('.')[0]}." for name in own if "." in name)
    loaded = list(sys.modules.items())
    return [module for name, module in loaded if module and (name in own or name.startswith(packages))]


class _Run:
    """An optimizer with one parameter of one element, and what its tensors stand for."""

    def __init__(
        self, target: type, shown: str, settings: Settings, at: int, seen: float, generic: bool = False
    ) -> None:
        self.torch = torch_module()
        self.target, self.shown, self.settings, self.at, self.seen = target, shown, settings, at, seen
        self.generic = generic
        self.tensors = Tensors(self.torch)
        self.w, self.g = (ex.name(each) for each in (PARAMETER, GRADIENT))

    def findings(self, given: Mapping[str, Any]) -> Findings:
        try:
            with functions(_modules(self.target)), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._findings({name: str(value) for name, value in given.items()})
        except SymstepError as error:
            raise type(error)(f"{self.shown}: {error}") from None
        except Exception as error:  # whatever the code of others raises
            raise Undecided(f"{self.shown} raised {type(error).__name__}: {str(error)[:200]}") from error

    def _number(self, setting: Setting) -> float:
        if setting.node is None:
            return Tracked(setting.shadow, ex.decimal(setting.shadow))
        return Tracked(setting.shadow * self.seen if setting.shadow < 1 else setting.shadow / self.seen, setting.node)

    def _findings(self, fixed: Mapping[str, str]) -> Findings:
        torch = self.torch
        parameter = torch.nn.Parameter(torch.tensor([0.7 * self.seen], dtype=torch.float64))
        gradient = torch.tensor([0.3 * self.seen], dtype=torch.float64)
        parameter.grad = gradient.to_sparse() if self.target.__name__.startswith("Sparse") else gradient
        self.tensors.set(parameter, self.w)
        with recording(), self.tensors.mode():  # what the constructor checks are the domains
            optimizer = self.target([parameter], **self.settings.arguments(self._number))
        made = self.tensors.watch()
        first_values, first_conditions = self._step(optimizer, parameter)
        memories = self._memories(optimizer.state[parameter], [s.name for s in self.settings.numbers], made)
        keys = {memory.source: memory for memory in memories}
        first = Trace(
            {m.name: self._value(first_values[m.source]) for m in memories} | {PARAMETER: self._value(parameter)},
            first_conditions,
        )  # fmt: skip
        self._later(optimizer, parameter, keys)
        later_values, later_conditions = self._step(optimizer, parameter)
        if set(later_values) != set(first_values):
            raise Undecided("its state has other entries from step to step")
        later = Trace(
            {m.name: self._value(later_values[m.source]) for m in memories} | {PARAMETER: self._value(parameter)},
            later_conditions,
        )  # fmt: skip
        return Findings(self.shown, "lifted", self.settings, tuple(memories), first, later, fixed)

    def _step(self, optimizer: Any, parameter: Any) -> tuple[dict[str, Any], tuple[Any, ...]]:
        self.tensors.set(parameter, self.w)
        self.tensors.set(parameter.grad, self.g)
        with recording() as conditions, self.tensors.mode():
            optimizer.step()
        if self._value(parameter.grad) is not self.g:
            raise Undecided("it changes the gradient that it was given")
        return dict(optimizer.state[parameter]), tuple(conditions)

    def _value(self, value: Any) -> Node:
        return self.tensors.get(value)

    def _memories(self, state: Mapping[str, Any], taken: list[str], made: Mapping[int, Node]) -> list[Memory]:
        found: list[Memory] = []
        for key, value in state.items():
            if key in COUNTERS or value is None:
                continue
            name = ascii_name(str(key), [*taken, *(each.name for each in found)], "state")
            is_tensor = isinstance(value, self.torch.Tensor)
            start = made.get(value.data_ptr()) if is_tensor else None
            if start is not None and ex.names([start]) & {PARAMETER, GRADIENT}:
                start = None
            found.append(Memory(name, str(key), start, not is_tensor or value.dim() == 0))
        return found

    def _later(self, optimizer: Any, parameter: Any, keys: Mapping[str, Memory]) -> None:
        """Run on to numbers that a state may have, then replace the state by symbols and the count by t - 1."""
        t = ex.name(STEP, STEPS)
        for factor in (-1.5, -0.8):
            with self.torch.no_grad():
                parameter.grad.mul_(factor)
            self._step(optimizer, parameter)
        state = optimizer.state[parameter]
        for key, value in list(state.items()):
            is_tensor = isinstance(value, self.torch.Tensor)
            if key in COUNTERS:
                node, count = ex.subtract(t, ex.ONE), self.at - 1
                if is_tensor:
                    value.fill_(count)
                else:
                    state[key] = Tracked(float(count), node)
            elif value is None:
                continue
            else:
                node = ex.name(keys[key].name)
                if not is_tensor:
                    state[key] = Tracked(float.__add__(0.0, value), node)
                elif self.generic:
                    value.mul_(0.73)
            if is_tensor:
                self.tensors.set(value, node)

"""An optimizer at work on parameters of one layout: all is looked at first, and only then is anything changed."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from derive.errors import InputError
from derive.update_rule import GRADIENT, PARAMETER, UpdateRule
from numeric.compile import Array
from numeric.inplace import plan_of
from numeric.parameters import Layout, Tree, Unit, apart, finite, real, shown
from numeric.states import OptimizerState
from numeric.stepping import NUMPY, Backend, Stepper

# A learning rate: a number, or a function of the number of the step, 1 at the first.
Rate = float | Callable[[int], float]


class Engine:
    """An optimizer on parameters of one layout: a stepper for each dtype and group, scratch, and gathered arrays."""

    def __init__(
        self, rule: UpdateRule, settings: Sequence[tuple[Mapping[str, float], Rate]], backend: str, places: Layout
    ) -> None:  # fmt: skip
        self.places = places
        self.plan = plan = plan_of(rule)
        make, self.seems_finite = backend_of(backend)
        self.scalar_state = tuple(state.name for state in rule.state if state.scalar)
        self.units = places.units
        made: dict[tuple[Any, int], Stepper] = {}
        for unit in self.units:
            if (unit.dtype, unit.group) not in made:
                fixed = settings[unit.group][0]
                made[unit.dtype, unit.group] = Stepper(plan, fixed, self.scalar_state, unit.dtype, make)
        self.steppers = [(stepper, settings[group][1], group) for (_, group), stepper in made.items()]
        self.work = [made[unit.dtype, unit.group] for unit in self.units]
        self.alone = (places.shapes[0], places.dtypes[0]) if places.kind == "array" else None
        self.arrays = plan.arrays
        self.at_w, self.at_g = (plan.arrays.index(name) for name in (PARAMETER, GRADIENT))
        self.seen: list[Array] = []  # the parameters of the last step, if they were gathered
        self.single = [unit.leaves[0][0] for unit in self.units if len(unit.leaves) == 1]  # updated where they are
        self.gathered: dict[tuple[int, str], tuple[Array, list[Array]]] = {}  # what is copied, and as its arrays

    def step(self, w: Tree, g: Tree, state: OptimizerState) -> None:
        t = state.t + 1
        for stepper, rate, group in self.steppers:
            stepper.scalars(t, rate_at(rate, t) if callable(rate) else rate, state.scalars[group])
        with np.errstate(all="ignore"):  # an overflow is inf, as everywhere; and no setting of the user stops us midway
            cut = state.cut
            parts = cut[1] if cut[0] is self.plan else self.cut(state)
            leaves, parameters, gradients = self.flat(w, g, state)
            for number, gradient in enumerate(gradients):
                if not self.seems_finite(gradient):
                    self.refuse(number, g)
            # From here on arrays change, and nothing is refused any more.
            for number, stepper in enumerate(self.work):
                arrays = parts[number]
                arrays[self.at_w], arrays[self.at_g] = parameters[number], gradients[number]
                stepper.run(arrays, stepper.values)
                arrays[self.at_w] = arrays[self.at_g] = None
                if self.scalar_state:
                    state.scalars[self.units[number].group] |= stepper.results()
                if self.gathered and (number, "w") in self.gathered:
                    self.scatter(number, leaves)
        state.t = t

    def cut(self, state: OptimizerState) -> list[list[Any]]:
        """The stretches of flat memory of a state that belong to each unit, with room for parameters and gradients."""
        parts = [
            [
                None if name in (PARAMETER, GRADIENT) else state.arrays[name][unit.dtype][unit.start : unit.stop]
                for name in self.arrays
            ]
            for unit in self.units
        ]
        state.cut = (self.plan, parts)
        return parts

    def refuse(self, number: int, g: Tree) -> None:
        """Raise InputError for the first nan or inf in the gradients of a unit, if there is one."""
        gradients = self.places.leaves(g, "g")
        for leaf, _, _ in self.units[number].leaves:
            finite(gradients[leaf], self.places.name("g", leaf))

    def flat(self, w: Tree, g: Tree, state: OptimizerState) -> tuple[list[Array], list[Array], list[Array]]:
        """The arrays of w; parameters and gradients of each unit with one axis. Raises InputError for the unfit."""
        if self.alone is not None:
            # The usual case, which is asked for with as little work as possible; what is wrong is found out below.
            shape, dtype = self.alone
            both = type(w) is np.ndarray and type(g) is np.ndarray and w.dtype is dtype and g.dtype is dtype
            if (
                both and w.shape == shape and g.shape == shape and w.flags.carray and g.flags.c_contiguous
                and not np.may_share_memory(w, g) and ((w.base is None and g.base is None) or _outside(w, g, state))
            ):  # fmt: skip
                if self.gathered:  # of another w: it is not to be written into this one
                    self.gathered.clear()
                return ([w], [w], [g]) if len(shape) == 1 else ([w], [w.reshape(-1)], [g.reshape(-1)])
        places = self.places
        parameters, new = self.taken(w)
        gradients = places.leaves(g, "g")
        for leaf, parameter in enumerate(parameters):
            if not parameter.flags.writeable:
                raise InputError(f"{places.name('w', leaf)} is read-only", remedy="use update, or copy it")
        direct = [leaf for leaf in self.single if gradients[leaf].flags.c_contiguous]
        if new or direct:  # what is gathered is copied before anything is written, and may overlap with w
            apart(
                [(f"the state {name}", array) for name, flat in state.arrays.items() for array in flat.values()]
                + [(places.name("w", leaf), array) for leaf, array in enumerate(parameters)],
                [(places.name("g", leaf), gradients[leaf]) for leaf in direct],
            )
        numbered = list(enumerate(self.units))
        flat = (parameters, [self.gather(number, unit, "w", parameters) for number, unit in numbered],
                [self.gather(number, unit, "g", gradients) for number, unit in numbered])  # fmt: skip
        if not self.single:
            self.seen = parameters  # all of them small: nobody misses the memory
        return flat

    def taken(self, w: Tree) -> tuple[list[Array], bool]:
        """The arrays of w, and whether they were looked at now; the very ones of the last step are not once more."""
        found, seen = self.places.taken(w, "w"), self.seen
        same = len(found) == len(seen) and all(map(operator.is_, found, seen))
        if same and all(array.shape == shape for array, shape in zip(found, self.places.shapes, strict=True)):
            return found, False
        return self.places.leaves(w, "w"), True

    def gather(self, number: int, unit: Unit, what: str, leaves: Sequence[Array]) -> Array:
        """The arrays of a unit as one: a view of the only one where its memory allows that, else a copy."""
        if len(unit.leaves) == 1:
            leaf = leaves[unit.leaves[0][0]]
            if leaf.flags.c_contiguous:
                self.gathered.pop((number, what), None)
                return leaf.reshape(-1)
        key = number, what
        if key not in self.gathered:
            buffer = np.empty(unit.stop - unit.start, unit.dtype)
            spans = ((leaf, slice(start - unit.start, stop - unit.start)) for leaf, start, stop in unit.leaves)
            self.gathered[key] = buffer, [buffer[span].reshape(self.places.shapes[leaf]) for leaf, span in spans]
        buffer, _ = self.gathered[key]
        np.concatenate([leaves[leaf] for leaf, _, _ in unit.leaves], axis=None, out=buffer)
        return buffer

    def scatter(self, number: int, leaves: Sequence[Array]) -> None:
        """Write what was computed together back into the arrays."""
        for (leaf, _, _), part in zip(self.units[number].leaves, self.gathered[number, "w"][1], strict=True):
            leaves[leaf][...] = part


def backend_of(name: str) -> Backend:
    """The backend of that name. Raises MissingDependency where its package is not installed."""
    if name == "numpy":
        return NUMPY
    from numeric.fast import NUMBA, numba

    numba()
    return NUMBA


def _outside(w: Array, g: Array, state: OptimizerState) -> bool:
    """Whether w and g are views of something else than the state."""
    flats = [array for flat in state.arrays.values() for array in flat.values()]
    return not any(np.may_share_memory(flat, w) or np.may_share_memory(flat, g) for flat in flats)


def rate_at(schedule: Callable[[int], float], t: int) -> float:
    """The learning rate that a schedule gives for step t. Raises InputError where it is none, and names t."""
    value: Any = schedule(t)
    rate = real(value)
    if not (math.isfinite(rate) and rate >= 0):
        raise InputError(f"the schedule gives {shown(value)} at t = {t}", remedy="expected a finite number >= 0")
    return rate

"""optax, and whatever else has init and update that jax can trace: the equations of one step.

The factory is traced as well, with its hyperparameters as arguments; nothing is computed on numbers.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

from derive.errors import InputError, MissingDependency, SymstepError, Undecided
from derive.update_rule import GRADIENT, PARAMETER, STEP
from numeric.lift import expressions as ex
from numeric.lift.branches import without_zeros
from numeric.lift.equations import Equations
from numeric.lift.expressions import Node
from numeric.lift.intervals import Interval
from numeric.lift.rules import Findings, Memory, Trace
from numeric.lift.settings import Settings, ascii_name, read_settings
from numeric.lift.tracked import Tracked, recording

LATE = 100  # the generic step, where comparisons with t are made, unless another is asked for
STEPS = Interval(ex.TWO.value)
ELEMENTS = 3  # of the parameter: more than one, so that what mixes them is seen


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingDependency(f"lifting optax needs {name}: pip install 'symstep[peers]'") from None


def find(name: str) -> Callable[..., Any]:
    """The factory of that name, as in optax.adam or optax.contrib.muon. InputError with the nearest name."""
    place: Any = _module("optax")
    path = name.split(".")[1:]
    for part in path[:-1]:
        place = getattr(place, part, None) if part == "contrib" else None
    found = getattr(place, path[-1], None) if path and not path[-1].startswith("_") else None
    if callable(found):
        result: Callable[..., Any] = found
        return result
    near = difflib.get_close_matches(name, [f"optax.{each}" for each in dir(_module("optax"))], 1)
    raise InputError(f"there is no {name[:80]}", remedy=f"did you mean {near[0]}?" if near else "see optax")


def trace(
    target: Callable[..., Any], settings: Mapping[str, Any], symbols: Collection[str] = (), at: int = LATE,
    name: str = "",
) -> Findings:  # fmt: skip
    """The steps of a factory of gradient transformations as expressions; comparisons with t turn out as at `at`.

    Errors: InputError for settings that it does not take; Undecided for what has no expression (the message names it),
    and for factories that look at the numbers they are given.
    """
    if at < 2:
        raise InputError(f"a generic step {at}", remedy="the first one is found anyway: ask for 2 or more")
    shown = name or f"{target.__module__.split('.')[0]}.{getattr(target, '__name__', type(target).__name__)}"
    read = read_settings(shown, inspect.signature(target).parameters, settings, symbols)
    fixed = {name: str(value) for name, value in settings.items()}

    def findings(these: Settings) -> Findings:
        try:
            return _Tracing(target, shown, these, at, fixed).findings()
        except SymstepError as error:
            raise type(error)(f"{shown}: {error}") from None
        except Exception as error:  # whatever the code of others raises
            reason = str(error).strip().split("\n")[0][:200]
            raise Undecided(f"{shown} raised {type(error).__name__}: {reason}") from error

    return without_zeros(findings(read), findings)


class _Tracing:
    """One factory with its settings: floats become arguments of what jax traces."""

    def __init__(self, target: Callable[..., Any], shown: str, settings: Settings, at: int, fixed: Any) -> None:
        self.jax, self.numpy = _module("jax"), importlib.import_module("jax.numpy")
        self.target, self.shown, self.settings, self.fixed = target, shown, settings, fixed
        given = settings.arguments(lambda s: Tracked(s.shadow, s.node or ex.decimal(s.shadow)))
        # by name, or by name and place in a tuple
        self.traced: dict[tuple[str, int | None], Tracked] = {}
        self.plain: dict[str, Any] = {}
        for name, value in given.items():
            if isinstance(value, Tracked):
                self.traced[name, None] = value
            elif isinstance(value, tuple) and value and all(isinstance(part, Tracked) for part in value):
                self.traced |= {(name, place): part for place, part in enumerate(value)}
            else:
                self.plain[name] = value
        self.shadows = {s.name: s.shadow for s in settings.symbols} | {STEP: float(at)}
        self.t = ex.name(STEP, STEPS)

    def made(self, numbers: Any) -> Any:
        """The transformation for these hyperparameters."""
        arguments = dict(self.plain)
        for (name, place), number in zip(self.traced, numbers, strict=True):
            arguments[name] = number if place is None else (*arguments.get(name, ()), number)
        return self.target(**arguments)

    def findings(self) -> Findings:
        place = self.jax if hasattr(self.jax, "enable_x64") else importlib.import_module("jax.experimental")
        enable: Any = place.enable_x64
        with warnings.catch_warnings(), enable(True):
            warnings.simplefilter("ignore")
            return self._findings()

    def _findings(self) -> Findings:
        jax = self.jax
        numbers = [float.__add__(value, 0.0) for value in self.traced.values()]
        hyper = [value.node for value in self.traced.values()]
        w = self.numpy.linspace(0.5, 1.0, ELEMENTS, dtype="float64")
        shapes: list[Any] = []

        def start(numbers: Any, w: Any) -> Any:
            state = self.made(numbers).init(w)
            shapes.append(jax.tree_util.tree_flatten_with_path(state))
            return state

        first = jax.make_jaxpr(start)(numbers, w)
        (leaves, tree), dtypes = shapes[-1], [each.dtype for each in first.out_avals]
        starts = Equations(self.shadows).run(first.jaxpr, first.consts, [*hyper, ex.name(PARAMETER)])
        paths = [path for path, _ in leaves]
        likes = [self.numpy.zeros(each.shape, each.dtype) for each in first.out_avals]

        def step(numbers: Any, w: Any, g: Any, state: Any) -> Any:
            transformation = self.made(numbers)
            change, after = transformation.update(g, jax.tree_util.tree_unflatten(tree, state), w)
            return change, jax.tree_util.tree_leaves(after)

        traced = jax.make_jaxpr(step)(numbers, w, w, likes)
        if len(traced.out_avals) != 1 + len(likes):
            raise Undecided("its state has other entries from step to step")
        whole = [dtype.kind in "iu" for dtype in dtypes]
        names: list[str] = []
        for path in paths:
            names.append(ascii_name(_last(path), [*(s.name for s in self.settings.numbers), *names], "state"))
        before = [
            ex.subtract(self.t, ex.ONE) if counts else ex.name(name)
            for counts, name in zip(whole, names, strict=True)
        ]  # fmt: skip
        steps = []
        for state in (starts, before):
            with recording() as conditions:
                results = Equations(self.shadows).run(
                    traced.jaxpr, traced.consts, [*hyper, ex.name(PARAMETER), ex.name(GRADIENT), *state]
                )  # fmt: skip
            steps.append((results, tuple(conditions)))
        for place, counts in enumerate(whole):
            if counts and (starts[place] is not ex.ZERO or steps[1][0][1 + place] is not self.t):
                raise Undecided(f"{names[place]} is a whole number that does not count the steps")
        kept = [place for place, counts in enumerate(whole) if not counts]
        memories = tuple(
            Memory(names[place], _last(paths[place]), starts[place], first.out_avals[place].shape == ())
            for place in kept
        )  # fmt: skip

        def found(results: list[Node], conditions: tuple[Any, ...]) -> Trace:
            after = {names[place]: results[1 + place] for place in kept}
            return Trace(after | {PARAMETER: ex.add(ex.name(PARAMETER), results[0])}, conditions)

        return Findings(
            self.shown, "lifted", self.settings, memories, found(*steps[0]), found(*steps[1]), self.fixed
        )  # fmt: skip


def _last(path: Any) -> str:
    """The name of a leaf in a tree: of an attribute, a key, or a place."""
    for key in reversed(path):
        for attribute in ("name", "key"):
            if isinstance(getattr(key, attribute, None), str):
                return str(getattr(key, attribute))
    return f"s{getattr(path[-1], 'idx', 0)}" if path else "state"

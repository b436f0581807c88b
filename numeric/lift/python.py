"""A step written in plain Python, read and never run: a function, or a class with a step.

def step(w, g, state, t, lr=0.01, beta=0.9):
    m, = state
    m = beta*m + g
    return w - lr*m, (m,)
"""

from __future__ import annotations

import ast
import inspect
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from derive.errors import Undecided
from derive.update_rule import GRADIENT, PARAMETER, STEP
from numeric.lift import expressions as ex
from numeric.lift.branches import without_zeros
from numeric.lift.execution import Execution
from numeric.lift.expressions import Node
from numeric.lift.intervals import Interval
from numeric.lift.ownership import CALLER, NUMBER, SHARED
from numeric.lift.reading import Source, literal, read
from numeric.lift.rules import Findings, Memory, Trace
from numeric.lift.settings import Settings, ascii_name, read_settings
from numeric.lift.tracked import recording
from numeric.lift.values import SECONDS, Frame, State

LATE = 100  # the generic step, where comparisons with t are made, unless another is asked for
STARTS = ("init", "init_state", "initial_state")  # a function of w that makes the state
STEPS = Interval(ex.TWO.value)
TIMES = ("t", "step", "k", "n", "i", "it", "iteration", "epoch", "count")  # what the number of the step may be called
HARMLESS = ("__init__", "__repr__", "__str__")  # special methods that do not change how a class computes


def trace(target: str, settings: Mapping[str, Any], symbols: Collection[str] = (), at: int = LATE) -> Findings:
    """The steps of "path.py:name" as expressions.

    A function is step(w, g, state, t, **hyperparameters) and returns (w, state), or w where it keeps none; the state is
    a tuple or a dictionary, at the start zeros, or what a function init(w) of the file returns, or nothing where the
    step looks if it is there. A class has step(self, w, g) or step(self, w, g, t), which returns w; what it assigns to
    self is its state. Errors: InputError for a file or a name that is not there, or that does more than define;
    Undecided for what is not read, both with the place.
    """
    path, _, name = target.rpartition(":")
    source = read(path)
    found = source.find(name)

    def findings(settled: Settings | None = None) -> Findings:
        more = (source, target, settings, symbols, at)
        is_class = isinstance(found, ast.ClassDef)
        reading = _Class(found, *more) if is_class else _Function(found, *more)  # type: ignore[arg-type]
        if settled is not None:
            reading.use(settled)
        try:
            return reading.findings()
        except RecursionError:
            raise Undecided(f"{target}: it is nested too deeply to be read") from None

    return without_zeros(findings(), findings)


def _data(memories: list[Memory], first: Trace, later: Trace) -> set[str]:
    """What differs from parameter to parameter: w, g, and the states that depend on them."""
    known, size = {PARAMETER, GRADIENT}, 0
    while len(known) > size:
        size = len(known)
        for memory in memories:
            nodes = [first.after[memory.name], later.after[memory.name], memory.start or ex.ZERO]
            if ex.names(nodes) & known:
                known.add(memory.name)
    return known


class _Reading:
    """What both kinds have in common."""

    function: ast.FunctionDef

    def __init__(
        self, source: Source, target: str, settings: Mapping[str, Any], symbols: Collection[str], at: int
    ) -> None:  # fmt: skip
        self.source, self.target, self.at = source, target, at
        self.given, self.wanted = settings, symbols
        self.w, self.g = ex.name(PARAMETER), ex.name(GRADIENT)
        self.t = ex.name(STEP, STEPS)
        self.until = time.monotonic() + SECONDS
        self.changed = self.leaked = False

    def execution(self, **more: Any) -> Execution:
        """What works out the statements; all of them together have the same time."""
        return Execution(self.source, self.shadows, until=self.until, **more)

    def stepped(
        self, run: Execution, function: ast.FunctionDef, args: list[Any], hypers: Mapping[str, Any], w: str, t: str
    ) -> Frame:  # fmt: skip
        """A step that is given w, which it may change in place, and numbers; all else is shared."""
        kinds = {t: NUMBER} | dict.fromkeys(hypers, NUMBER) | {w: CALLER}
        frame: Frame = run.call(function, args, hypers, function, kinds, True)
        if frame.value is not None and run.changed and set(frame.returns) != {CALLER}:
            self.source.beyond(function, "a step that changes w in place and returns something else")
        self.note(run)
        return frame

    def note(self, run: Execution) -> None:
        """What was done with w; another name of it sees the next change in place."""
        self.changed, self.leaked = self.changed or run.changed, self.leaked or run.leaked
        if self.changed and self.leaked:
            self.source.beyond(self.function, "a change in place of w, which has another name as well,")

    def parameters(self, function: ast.FunctionDef, skip: int) -> dict[str, inspect.Parameter]:
        """The hyperparameters of a function, as a signature has them."""
        spec = function.args
        positional = [*spec.posonlyargs, *spec.args]
        defaults = [inspect.Parameter.empty] * (len(positional) - len(spec.defaults))
        pairs = [
            *zip(positional, [*defaults, *(literal(each) for each in spec.defaults)], strict=True),
            *(
                (arg, inspect.Parameter.empty if each is None else literal(each))
                for arg, each in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
            ),
        ]
        kind = inspect.Parameter.KEYWORD_ONLY
        return {arg.arg: inspect.Parameter(arg.arg, kind, default=default) for arg, default in pairs[skip:]}

    def settle(self, function: ast.FunctionDef, skip: int) -> None:
        self.use(read_settings(self.target, self.parameters(function, skip), self.given, self.wanted))

    def use(self, settings: Settings) -> None:
        self.settings = settings
        self.shadows = {s.name: s.shadow for s in self.settings.symbols} | {STEP: float(self.at)}
        self.taken = [s.name for s in self.settings.numbers]

    def arguments(self, run: Execution) -> dict[str, Any]:
        """The hyperparameters as values: symbols are names, all others what they are."""
        given = self.settings.arguments(lambda s: s.node if s.node is not None else ex.decimal(s.shadow))
        return {name: value if isinstance(value, Node) else _plain(run, value) for name, value in given.items()}

    def finish(self, memories: list[Memory], first: Trace, later: Trace) -> Findings:
        fixed = {name: str(value) for name, value in self.given.items()}
        data = _data(memories, first, later)
        memories = [replace(memory, scalar=memory.name not in data) for memory in memories]
        return Findings(self.target, "read", self.settings, tuple(memories), first, later, fixed)

    def number(self, run: Execution, value: Any, where: ast.AST) -> Node:
        return run.number(value, where)


def _plain(run: Execution, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_plain(run, part) for part in value)
    return value if isinstance(value, Node) else run.plain(value)


def _counts(after: Node, name: str, start: Any) -> bool:
    """Whether a state counts the steps."""
    return after is ex.add(ex.name(name), ex.ONE) and start is ex.ZERO


class _Function(_Reading):
    """step(w, g, state, t, ...)."""

    def __init__(self, function: ast.FunctionDef, source: Source, *more: Any) -> None:
        super().__init__(source, *more)
        self.function = function
        names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
        if len(names) < 4:
            source.refuse(function, f"{function.name} has {len(names)} arguments", "write step(w, g, state, t, ...)")
        if names[3] == names[0] or len(set(names)) != len(names):
            source.refuse(function, "two arguments of one name")
        defaults = len(function.args.defaults) > len(names) - 4
        self.timed = names[3] in TIMES and not defaults
        self.settle(function, 4 if self.timed else 3)

    def run(self, state: State, t: Node) -> tuple[Node, Any, tuple[Any, ...]]:
        """w and the state after a step, and the comparisons on the way."""
        run = self.execution()
        run.stored.append(state)
        with recording() as conditions:
            names = [arg.arg for arg in (*self.function.args.posonlyargs, *self.function.args.args)]
            args = [self.w, self.g, state, *([t] if self.timed else [])]
            time = names[3] if self.timed else names[0]
            frame = self.stepped(run, self.function, args, self.arguments(run), names[0], time)
        value = frame.value
        if not frame.returned or value is None:
            self.source.beyond(self.function, f"{self.function.name}, which returns nothing,")
        if not isinstance(value, tuple):
            value = (value, None)
        if len(value) != 2:
            self.source.beyond(self.function, "a result that is not (w, state)")
        for key in value[1] if isinstance(value[1], dict) else ():
            run.fresh(value[1], key, self.function)
        return run.number(value[0], self.function), value[1], tuple(conditions)

    def entries(self, kept: Any, state: State) -> dict[Any, Any]:
        """The parts of a state that a step returned."""
        if kept is state or kept is None:
            return dict(state)
        if isinstance(kept, tuple):
            return dict(enumerate(kept))
        return kept if isinstance(kept, dict) else {0: kept}

    def start(self, keys: Collection[Any], tested: bool) -> dict[Any, Any]:
        """The state before the first step."""
        function = next((self.source.functions[name] for name in STARTS if name in self.source.functions), None)
        if function is not None:
            run = self.execution()
            every = self.arguments(run)
            names = [arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)]
            args = {name: every[name] for name in names[1:] if name in every}
            kinds = dict.fromkeys(names[1:], NUMBER) | dict.fromkeys(names[:1], CALLER)
            frame = run.call(function, [self.w][: len(names)], args, function, kinds)
            self.note(run)
            return self.entries(frame.value, State({}, False))
        return {} if tested else dict.fromkeys(keys, ex.ZERO)

    def findings(self) -> Findings:
        state = State({}, True, self.taken)
        w, kept, _ = self.run(state, self.t)
        after = self.entries(kept, state)
        for key in after:
            state.ask(key, f"s{key}" if isinstance(key, int) else "")
        # once more, now that all parts are known, also those that are only written
        names = dict(state.names)
        start = self.start(list(after), state.tested)
        counters = [
            key for key, name in names.items()
            if isinstance(after.get(key), Node) and _counts(after[key], name, start.get(key, ex.ZERO))
        ]  # fmt: skip
        symbols = {
            key: ex.subtract(self.t, ex.ONE) if key in counters else ex.name(name) for key, name in names.items()
        }
        state = State(symbols, True, self.taken)
        w, kept, conditions = self.run(state, self.t)
        later = self.entries(kept, state)
        first_state = State(start, False)
        first_w, first_kept, first_conditions = self.run(first_state, ex.ONE)
        first = self.entries(first_kept, first_state)
        missing = [key for key in names if key not in later or key not in first]
        if missing:
            self.source.beyond(self.function, f"a state that loses {missing[0]!r}")
        run = self.execution()
        kept_keys = [key for key in names if key not in counters]
        memories = [Memory(names[key], str(key), start.get(key)) for key in kept_keys]

        def step(values: dict[Any, Any], w: Node, found: tuple[Any, ...]) -> Trace:
            nodes = {names[key]: run.number(values[key], self.function) for key in kept_keys}
            return Trace(nodes | {PARAMETER: w}, found)

        return self.finish(memories, step(first, first_w, first_conditions), step(later, w, conditions))


class _Class(_Reading):
    """A class with step(self, w, g) or step(self, w, g, t)."""

    def __init__(self, found: ast.ClassDef, source: Source, *more: Any) -> None:
        super().__init__(source, *more)
        self.methods = {each.name: each for each in found.body if isinstance(each, ast.FunctionDef)}
        special = [each for name, each in self.methods.items() if name.startswith("__") and name not in HARMLESS]
        if special:
            source.beyond(special[0], f"the method {special[0].name[:80]}")
        if "step" not in self.methods:
            source.refuse(found, f"{found.name} has no step", "write step(self, w, g)")
        self.function = self.methods["step"]
        self.init = self.methods.get("__init__")
        if self.init is None:
            empty = ast.arguments(posonlyargs=[], args=[ast.arg("self")], kwonlyargs=[], kw_defaults=[], defaults=[])
            self.init = ast.copy_location(
                ast.FunctionDef("__init__", empty, [ast.copy_location(ast.Pass(), found)], []), found
            )  # fmt: skip
        self.timed = len(self.function.args.args) > 3
        if not 3 <= len(self.function.args.args) <= 4:
            source.refuse(self.function, "step has other arguments", "write step(self, w, g) or step(self, w, g, t)")
        if self.timed and (self.function.args.args[3].arg not in TIMES or self.function.args.defaults):
            source.beyond(self.function, "a step whose last argument is not named t, or has a default,")
        if self.function.args.posonlyargs or self.function.args.kwonlyargs or self.function.args.defaults:
            source.beyond(self.function, "a step with other arguments than self, w, g and t")
        self.settle(self.init, 1)
        self.owned: dict[str, str] = {}  # the kinds of the state at the start of a step

    def made(self) -> tuple[Execution, dict[str, Any]]:
        """The attributes that __init__ sets."""
        this: dict[str, Any] = {}
        run = self.execution(stored=[this], this=this, methods=self.methods)
        assert self.init is not None
        with recording():  # what it checks are the domains
            hypers = self.arguments(run)
            run.call(self.init, [this], hypers, self.init, dict.fromkeys(hypers, NUMBER))
        run.assigned.clear()
        run.frozen |= {id(each) for each in run.stored if each is not this}
        return run, this

    def step(self, change: Callable[[dict[str, Any]], None], t: Node) -> tuple[Node, dict[str, Any], Any, set[str]]:
        run, this = self.made()
        change(this)
        run.kinds |= {(id(this), name): kind for name, kind in self.owned.items()}
        args = [this, self.w, self.g, *([t] if self.timed else [])]
        with recording() as conditions:
            names = [arg.arg for arg in self.function.args.args]
            frame = self.stepped(run, self.function, args, {}, names[1], names[-1] if self.timed else names[1])
        for name in this:
            run.fresh(this, name, self.function)
        value = frame.value
        if value is None:  # it changes w in place
            value = frame.names[names[1]]
            if frame.kinds.get(names[1]) != CALLER:
                self.source.beyond(self.function, "a step that returns nothing and gives another value the name of w")
            if value is self.w or not run.changed:
                self.source.beyond(self.function, "a step that leaves w as it is")
        self.left = {name: run.kinds.get((id(this), name), SHARED) for name in this}
        return run.number(value, self.function), this, tuple(conditions), run.assigned

    def findings(self) -> Findings:
        _, start = self.made()
        first_w, first, first_conditions, assigned = self.step(lambda this: None, ex.ONE)
        kept = [name for name in first if name in assigned]
        self.owned = {name: self.left[name] for name in kept}
        names: dict[str, str] = {}
        for name in kept:
            names[name] = ascii_name(name, [*self.taken, *names.values()], "state")
        symbols = {name: ex.name(names[name]) for name in kept}
        _, later, _, _ = self.step(lambda this: this.update(symbols), self.t)
        counters = [
            name for name in kept
            if isinstance(later[name], Node) and _counts(later[name], names[name], start.get(name))
        ]  # fmt: skip
        symbols |= {name: ex.subtract(self.t, ex.ONE) for name in counters}
        while True:  # until what a step may change in place is so after it, too
            w, later, conditions, again = self.step(lambda this: this.update(symbols), self.t)
            owned = {name: kind if self.left.get(name) == kind else SHARED for name, kind in self.owned.items()}
            if owned == self.owned:
                break
            self.owned = owned
        if again - set(kept):
            self.source.beyond(self.function, f"self.{min(again - set(kept))}, which is not set in the first step,")
        run = self.execution()
        kept = [name for name in kept if name not in counters]
        starts = {name: start[name] if isinstance(start.get(name), Node) else None for name in kept}
        memories = [Memory(names[name], name, starts[name]) for name in kept]

        def trace_of(this: dict[str, Any], w: Node, found: tuple[Any, ...]) -> Trace:
            nodes = {names[name]: run.number(this[name], self.function) for name in kept}
            return Trace(nodes | {PARAMETER: w}, found)

        return self.finish(memories, trace_of(first, first_w, first_conditions), trace_of(later, w, conditions))

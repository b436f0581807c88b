"""Statements of a Python file, worked out on expressions; nothing of the file is run.

Numbers mean what they mean for Python floats, element by element. A branch on hyperparameters or on t is taken as it
turns out for their values, which is recorded; a branch on data is taken both ways, and the results are joined.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from numeric.lift.calls import Calls
from numeric.lift.expressions import Node
from numeric.lift.ownership import CALLER, FRESH, NUMBER, SHARED, both
from numeric.lift.reading import literal
from numeric.lift.values import Frame, Mask, State

MAX_TURNS, MAX_CALLS = 1_000, 20


class Execution(Calls):
    """One step: its statements, and the functions that it calls."""

    def call(
        self, function: ast.FunctionDef, args: Sequence[Any], keywords: Mapping[str, Any], where: ast.AST,
        kinds: Mapping[str, str] | None = None, is_step: bool = False,
    ) -> Any:  # fmt: skip
        """What a function of the file returns. Undecided for recursion."""
        if function.name in self.calls or len(self.calls) > MAX_CALLS:
            self.fail(where, f"{function.name}, which calls itself,")
        frame = Frame(self.bound(function, args, keywords, where), is_step=is_step)
        frame.kinds |= kinds or {}
        self.calls.append(function.name)
        try:
            self.block(function.body, frame)
        finally:
            self.calls.pop()
        return frame

    def bound(
        self, function: ast.FunctionDef, args: Sequence[Any], keywords: Mapping[str, Any], where: ast.AST
    ) -> dict[str, Any]:  # fmt: skip
        spec = function.args
        if spec.vararg or spec.kwarg:
            self.fail(spec.vararg or spec.kwarg or function, "an argument with a star")
        names = [arg.arg for arg in (*spec.posonlyargs, *spec.args)]
        found = {name: self.plain(literal(default)) for name, default in zip(
            names[len(names) - len(spec.defaults) :], spec.defaults, strict=True)}  # fmt: skip
        for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            if default is not None:
                found[arg.arg] = self.plain(literal(default))
        every = [*names, *(arg.arg for arg in spec.kwonlyargs)]
        given = dict(zip(names, args, strict=False)) | dict(keywords)
        if len(args) > len(names) or set(given) - set(every) or set(every) - {*found, *given}:
            self.fail(where, f"a call of {function.name} with other arguments")
        return found | given

    # --- statements ---------------------------------------------------------------------------------------------------

    def block(self, body: Sequence[ast.stmt], frame: Frame) -> None:
        for place, node in enumerate(body):
            self.tick(node)
            if isinstance(node, ast.If):
                if self.branch(node, body[place + 1 :], frame):
                    return
            else:
                self.statement(node, frame)
            if frame.returned:
                return

    def branch(self, node: ast.If, rest: Sequence[ast.stmt], frame: Frame) -> bool:
        """An if; True where it has worked out the rest of the block as well."""
        test = self.decided(self.value(node.test, frame), node.test)
        if isinstance(test, bool):
            self.block(node.body if test else node.orelse, frame)
            return False
        leaves = any(isinstance(each, ast.Return) for each in ast.walk(node))
        more = rest if leaves else ()
        before = self.snapshot(frame)
        self.block([*node.body, *more], frame)
        yes = self.snapshot(frame)
        self.restore(frame, before)
        self.block([*node.orelse, *more], frame)
        no = self.snapshot(frame)
        if yes[1] != no[1]:
            self.fail(node, "a return on one way only")
        kinds = both(yes[4][0], no[4][0]), both(yes[4][1], no[4][1])
        self.restore(frame, ({}, yes[1], self.joined(test, yes[2], no[2], node), [], kinds))
        frame.names.update(self.join_names(test, yes[0], no[0], node))
        for (place, one), (_, other) in zip(yes[3], no[3], strict=False):
            place.clear()
            place.update(self.join_names(test, one, other, node))
        return leaves

    def snapshot(self, frame: Frame) -> tuple[Any, ...]:
        stored = [(each, dict(each)) for each in self.stored]
        return dict(frame.names), frame.returned, frame.value, stored, (dict(frame.kinds), dict(self.kinds))

    def restore(self, frame: Frame, before: Any) -> None:
        frame.names = dict(before[0])
        frame.returned, frame.value = before[1], before[2]
        for place, entries in before[3]:
            place.clear()
            place.update(entries)
        for table, kinds in zip((frame.kinds, self.kinds), before[4], strict=True):
            table.clear()
            table.update(kinds)

    def join_names(self, test: Mask, yes: dict[Any, Any], no: dict[Any, Any], where: ast.AST) -> dict[Any, Any]:
        return {key: self.joined(test, yes[key], no[key], where) for key in yes if key in no}

    def statement(self, node: ast.stmt, frame: Frame) -> None:
        if isinstance(node, ast.Assign):
            value = self.value(node.value, frame)
            kind = self.kind(node.value)
            for target in node.targets:
                parts: str | list[str] = kind if len(node.targets) == 1 or kind == NUMBER else SHARED
                if len(node.targets) == 1 and isinstance(node.value, ast.Tuple):
                    parts = [self.kind(each) for each in node.value.elts]
                self.assign(target, value, frame, parts)
                if isinstance(node.value, ast.Name) and isinstance(target, ast.Name):
                    frame.linked.add(frozenset((node.value.id, target.id)))
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                value = self.value(node.value, frame)
                self.assign(node.target, value, frame, self.kind(node.value))
        elif isinstance(node, ast.AugAssign):
            self.augment(node, frame)
        elif isinstance(node, ast.Return):
            frame.value = None if node.value is None else self.result(node.value, frame)
            frame.returned = True
        elif isinstance(node, ast.For):
            self.loop(node, frame)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            pass
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self.value(node.value, frame)
        elif isinstance(node, ast.Assert):
            if self.decided(self.value(node.test, frame), node.test) is False:
                self.fail(node, "an assertion that fails")
        elif not isinstance(node, ast.Pass):
            self.fail(node, {"While": "a while loop", "Raise": "an exception on the way"}.get(
                type(node).__name__, f"a statement of the kind {type(node).__name__}"))  # fmt: skip

    def augment(self, node: ast.AugAssign, frame: Frame) -> None:
        old = self.operand(node.target, frame)
        before, writes = self.kind(node.target), self.writes
        if isinstance(node.target, ast.Name):
            self.alias(node, node.target.id, old, frame)
        by = self.operand(node.value, frame)
        kind = self.kind(node.target)
        if before == kind == NUMBER:  # a new value, whatever it was
            kind = NUMBER if self.kind(node.value) == NUMBER else FRESH
        elif before != kind or self.writes != writes:
            self.fail(node, "a change in place of what is changed on the way")
        else:
            self.in_place(node, kind, frame)
            if not isinstance(node.target, ast.Name) and len(self.calls) > 1:
                self.fail(node, "a change in place of self or of a dictionary in a function that the step calls")
        self.assign(node.target, self.binary(node.op, old, by, node), frame, kind)

    def in_place(self, node: ast.AST, kind: str, frame: Frame) -> None:
        """A change in place: of a new array with a single name, or of w by the step itself; else Undecided."""
        if kind == CALLER and frame.is_step:
            self.changed = True
        elif kind != FRESH:
            self.fail(node, "a change in place of what may have another name (write x = x + y)")

    def result(self, node: ast.expr, frame: Frame) -> Any:
        """What is returned. That a step hands its own w back gives it no other name."""
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        if frame.is_step and parts and isinstance(parts[0], ast.Name) and frame.kinds.get(parts[0].id) == CALLER:
            first = self.operand(parts[0], frame)
            frame.returns.append(CALLER)
            return (first, *(self.value(each, frame) for each in parts[1:])) if isinstance(node, ast.Tuple) else first
        found = self.value(node, frame)
        frame.returns.append(self.kind(node))
        return found

    def alias(self, node: ast.AugAssign, name: str, old: Any, frame: Frame) -> None:
        """x += y changes an array in place, so every other name of it; those are not to be read any more."""
        if not isinstance(old, Node) or old.value is not None or (old.op == "v" and old.args[0] in self.shadows):
            return
        others = [each for each, value in frame.names.items() if value is old and each != name]
        if any(old.op == "v" or frozenset((name, each)) in frame.linked for each in others):
            self.fail(node, f"a change in place of {others[0]} by another name, which arrays keep and numbers do not,")
        for place in self.stored:
            self.stale |= {(id(place), key) for key, value in place.items() if value is old and old.op == "v"}

    def loop(self, node: ast.For, frame: Frame) -> None:
        items = self.value(node.iter, frame)
        if not isinstance(items, tuple) or node.orelse:
            self.fail(node, "a loop over anything but a tuple or a range of plain numbers")
        called = (
            isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range"
        )
        kind = NUMBER if called or self.kind(node.iter) == NUMBER else SHARED
        for item in items:
            self.turns += 1
            if self.turns > MAX_TURNS:
                self.fail(node, f"more than {MAX_TURNS} turns of a loop")
            self.assign(node.target, item, frame, kind)
            self.block(node.body, frame)
            if frame.returned:
                return

    def assign(self, target: ast.expr, value: Any, frame: Frame, kind: str | list[str] = SHARED) -> None:
        if isinstance(kind, list) and not isinstance(target, ast.Tuple | ast.List):
            kind = NUMBER if all(each == NUMBER for each in kind) else SHARED
        if isinstance(target, ast.Name):
            frame.names[target.id] = value
            frame.kinds[target.id] = str(kind)
        elif isinstance(target, ast.Tuple | ast.List):
            self.unpack(target, value, frame, kind)
        elif isinstance(target, ast.Subscript):
            place = self.operand(target.value, frame)
            whole = isinstance(target.slice, ast.Slice) and target.slice.lower is target.slice.upper is None
            if whole and isinstance(target.value, ast.Name) and isinstance(place, Node):
                self.in_place(target, self.kind(target.value), frame)
                frame.names[target.value.id] = self.number(value, target)  # w[:] = ...
                return
            if not isinstance(place, dict):
                self.fail(target, "an assignment to a part of something that is no dictionary")
            if id(place) in self.frozen:
                self.fail(target, "a change of a dictionary that __init__ makes")
            key = self.key(target.slice, frame)
            place[key] = value
            self.kinds[id(place), key] = str(kind)
            self.writes += 1
            self.stale.discard((id(place), key))
        elif isinstance(target, ast.Attribute) and self.value(target.value, frame) is self.this is not None:
            if target.attr in self.methods or target.attr.startswith("__"):
                self.fail(target, f"an assignment to self.{target.attr[:80]}")
            self.this[target.attr] = value
            self.kinds[id(self.this), target.attr] = str(kind)
            self.writes += 1
            self.assigned.add(target.attr)
            self.stale.discard((id(self.this), target.attr))
        else:
            self.fail(target, "an assignment to this")

    def unpack(self, target: ast.Tuple | ast.List, value: Any, frame: Frame, kind: str | list[str]) -> None:
        if isinstance(value, State):
            names = [each.id if isinstance(each, ast.Name) else f"s{n}" for n, each in enumerate(target.elts)]
            for n in range(len(names)):
                self.fresh(value, n, target)
            value = tuple(value.ask(n, name) for n, name in enumerate(names))
        if not isinstance(value, tuple) or len(value) != len(target.elts):
            self.fail(target, "an unpacking of something that has not so many parts")
        kinds = kind if isinstance(kind, list) else [kind if kind == NUMBER else SHARED] * len(value)
        for each, part, own in zip(target.elts, value, kinds, strict=True):
            self.assign(each, part, frame, own)

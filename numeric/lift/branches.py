"""Conditions that say nothing: what the general formula gives at the point left out is what the code computes there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from derive.errors import SymstepError
from numeric.lift import expressions as ex
from numeric.lift.expressions import Node
from numeric.lift.rules import Findings, Trace
from numeric.lift.settings import Settings


def _special(one: Findings, names: Collection[str], relation: str) -> list[tuple[Node, Node]]:
    """Names that the generic step has compared with a number, and that number."""
    return [
        (left, right) for found, left, right in one.later.conditions
        if found == relation and left.op == "v" and left.args[0] in names and right.value is not None
    ]  # fmt: skip


def _at(found: Trace, values: Mapping[Node, Node]) -> Trace:
    """A step with values for some names, without the comparisons of those."""
    names = list(found.after)
    rest = tuple(condition for condition in found.conditions if condition[1] not in values)
    return Trace(dict(zip(names, ex.put([found.after[name] for name in names], values), strict=True)), rest)


def without_states(one: Findings, again: Callable[[], Findings]) -> Findings:
    """Without conditions such as mu = 1 on the state, where the general formula gives the same at that point."""
    special = dict(_special(one, [memory.name for memory in one.memories], "="))
    if not special:
        return one
    general = again()
    same = _at(general.later, special) == _at(one.later, special)
    rest = tuple(condition for condition in general.later.conditions if condition[1] not in special)
    return replace(one, later=Trace(general.later.after, rest)) if same else one


def without_zeros(one: Findings, again: Callable[[Settings], Findings]) -> Findings:
    """Without conditions such as weightdecay != 0, where the formula at 0 is what the code without it computes."""
    for setting in one.settings.symbols:
        zero = {node: value for node, value in _special(one, [setting.name], "!=") if value is ex.ZERO}
        if not zero:
            continue
        try:
            off = again(one.settings.without(setting.name))
        except SymstepError:  # the class does not take 0 here
            continue
        same = off.memories == one.memories
        if same and _at(one.first, zero) == off.first and _at(one.later, zero) == off.later:
            first, later = (
                Trace(step.after, tuple(c for c in step.conditions if c[1] not in zero))
                for step in (one.first, one.later)
            )
            one = replace(one, first=first, later=later)
    return one

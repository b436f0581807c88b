"""From expressions to an update rule: lines with names for what is shared, invariants of the state, conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from derive.ascii import show
from derive.derivation import Text
from derive.errors import InputError, Undecided
from derive.kernel.terms import Term, q
from derive.update_rule import GRADIENT, PARAMETER, STEP, State, UpdateRule
from numeric.lift import expressions as ex
from numeric.lift.expressions import Node
from numeric.lift.intervals import REALS, Interval
from numeric.lift.moments import spread
from numeric.lift.settings import Settings
from numeric.lift.tracked import Comparison

SHARED = 3  # operations from which on what occurs twice gets a line of its own
MAX_NODES, MAX_TREE = 4_000, 20_000  # of all formulas of a rule; of one, written without names for its parts
NOT_NEGATIVE, SHARE = Interval(ex.ZERO.value), Interval(ex.ZERO.value, ex.ONE.value)


@dataclass(frozen=True)
class Lifted:
    """A rule that was read off real code.

    `rule` is the generic step t >= 2 in the target's own names (lr is eta); `first` is w and each state after step 1
    from the target's own start, in w, g and hyperparameters. `conditions` were taken on the way in the generic step,
    `first_conditions` in the first one: where they do not hold, the code computes something else.
    `how` is "lifted" (run on expressions) or "read" (never run).
    """

    target: str
    how: str
    rule: UpdateRule
    first: Mapping[str, Term]
    conditions: tuple[Term, ...]
    first_conditions: tuple[Term, ...]
    defaults: Mapping[str, str]
    fixed: Mapping[str, str]


@dataclass(frozen=True)
class Trace:
    """One step as expressions: w and the state after it, and the comparisons on the way."""

    after: Mapping[str, Node]
    conditions: tuple[Comparison, ...] = ()


@dataclass(frozen=True)
class Memory:
    """A state of a target: its name, its own name, its start (None: made in the first step), one number for all."""

    name: str
    source: str
    start: Node | None = None
    scalar: bool = False


@dataclass(frozen=True)
class Findings:
    """All that a run or a reading of a target has found."""

    target: str
    how: str
    settings: Settings
    memories: tuple[Memory, ...]
    first: Trace
    later: Trace
    fixed: Mapping[str, str] = field(default_factory=dict)


def finish(found: Findings) -> Lifted:
    """The findings as a rule. Undecided for formulas beyond the limits."""
    for step in (found.first, found.later):
        sides = [side for _, left, right in step.conditions for side in (left, right)]
        demand_short(found.target, [*step.after.values(), *sides])
    intervals = invariants(found)
    later = with_ranges(found.later, intervals)
    compared = [side for step in (later, found.first) for _, left, right in step.conditions for side in (left, right)]
    used = ex.names([*later.after.values(), *found.first.after.values(), *compared])
    hyperparameters = tuple(s.hyperparameter() for s in found.settings.symbols if s.name in used)
    names = [s.name for s in found.settings.numbers]
    above = spread({m.name: m.start for m in found.memories}, found.first.after, found.later.after)
    state = tuple(
        State(
            memory.name, _start(memory), Text(memory.source, memory.source),
            f"{memory.name} >= {above[memory.name]}**2" if memory.name in above else
            _fact(memory.name, intervals[memory.name]), memory.scalar,
        )
        for memory in found.memories
    )  # fmt: skip
    try:
        rule = UpdateRule(
            found.target, Text(found.target, found.target), tuple(lines(later.after, names)), hyperparameters, state,
            f"{found.target}, {found.how}",
        )  # fmt: skip
        rule.step  # noqa: B018  (reads the lines)
        first = {name: term(node) for name, node in found.first.after.items()}
    except (InputError, RecursionError) as error:
        raise Undecided(f"{found.target}: its formulas are beyond the limits ({str(error)[:120]})") from None
    return Lifted(
        found.target, found.how, rule, first, claims(later.conditions), claims(found.first.conditions),
        found.settings.defaults, dict(found.fixed),
    )  # fmt: skip


def demand_short(target: str, roots: Sequence[Node]) -> None:
    """Refuse formulas that are too long, also when what is shared is written out."""
    size: dict[Node, int] = {}
    for node in ex.ordered(roots):
        size[node] = 1 + sum(size[part] for part in node.parts)
    if len(size) > MAX_NODES or any(size[root] > MAX_TREE for root in roots):
        raise Undecided(f"{target}: formulas of more than {MAX_NODES} operations")


def _start(memory: Memory) -> str:
    return "0" if memory.start is None else show(term(memory.start))


def _fact(name: str, interval: Interval) -> str:
    return {SHARE: f"0 <= {name} <= 1", NOT_NEGATIVE: f"{name} >= 0"}.get(interval, "")


# --- what always holds ------------------------------------------------------------------------------------------------


def invariants(found: Findings) -> dict[str, Interval]:
    """Intervals that contain each state after every step: guessed, and dropped until what is left is inductive."""
    guess = {memory.name: SHARE for memory in found.memories}
    weaker = {SHARE: NOT_NEGATIVE, NOT_NEGATIVE: REALS}
    while True:
        later = with_ranges(found.later, guess)
        wrong = [
            memory.name for memory in found.memories
            if guess[memory.name] != REALS and not all(
                _within(node, guess[memory.name])
                for node in (later.after[memory.name], found.first.after[memory.name], memory.start or ex.ZERO)
            )
        ]  # fmt: skip
        if not wrong:
            return guess
        guess |= {name: weaker[guess[name]] for name in wrong}


def _within(node: Node, interval: Interval) -> bool:
    size = node.range
    below = interval.high is None or (size.high is not None and size.high <= interval.high)
    return below and size.not_negative


def with_ranges(trace: Trace, intervals: Mapping[str, Interval]) -> Trace:
    """The step with what is known of the state put in; choices and comparisons that this decides are made."""
    values = {ex.name(name): ex.name(name, interval) for name, interval in intervals.items()}
    names, sides = list(trace.after), [side for _, left, right in trace.conditions for side in (left, right)]
    new = ex.put([*trace.after.values(), *sides], values)
    rest = new[len(names) :]
    pairs = zip(rest[::2], rest[1::2], strict=True)
    conditions = [(entry[0], *pair) for entry, pair in zip(trace.conditions, pairs, strict=True)]
    return Trace(
        dict(zip(names, new, strict=False)), tuple(c for c in conditions if ex.truth(*c).value is None)
    )  # fmt: skip


def claims(conditions: Iterable[Comparison]) -> tuple[Term, ...]:
    """Comparisons as terms, each once."""
    return tuple(dict.fromkeys((relation, term(left), term(right)) for relation, left, right in conditions))


# --- lines ------------------------------------------------------------------------------------------------------------


def term(node: Node, named: Mapping[Node, str] | None = None) -> Term:
    """The term of an expression; `named` parts are names.

    >>> x = ex.name("x")
    >>> show(term(ex.case(x, ex.ZERO, ex.ZERO, ex.name("a"))))
    'a*max(sign(x), 0)'
    """
    known: dict[Node, Term] = {part: ("v", name) for part, name in (named or {}).items()}
    for part in _reached([node], known):
        known[part] = _term(part, [known[each] for each in part.parts])
    return known[node]


def _reached(roots: Sequence[Node], known: Mapping[Node, object]) -> list[Node]:
    """The nodes below, without those that are known already and what only they need."""
    found: dict[Node, None] = {}
    stack = [(root, False) for root in roots]
    while stack:
        node, done = stack.pop()
        if done:
            found[node] = None
        elif node not in found and node not in known:
            stack += [(node, True), *((part, False) for part in node.parts)]
    return list(found)


def _term(node: Node, parts: list[Term]) -> Term:
    op = node.op
    if op == "q":
        value = node.args[0]
        return ("neg", q(-value)) if value < 0 else q(value)
    if op == "v":
        return ("v", node.args[0])
    if op in ("+", "*"):
        # from the left: (a + b) + c is a + b + c
        head = parts[0][1:] if parts[0][0] == op else (parts[0],)
        return (op, *head, parts[1])
    if op == "case":
        return _case(node, parts)
    return (op, *parts) if op in ("neg", "/", "^") else ("f", op, *parts)


def _case(node: Node, parts: list[Term]) -> Term:
    """A choice by the sign of z as a sum: max(sign(z), 0) is 1 where z is positive, and 0 elsewhere."""
    z, (below, at, above) = parts[0], parts[1:]
    sign: Term = ("f", "sign", z)
    one, zero = q(1), q(0)
    positive: Term = ("f", "max", sign, zero)
    under: Term = ("f", "max", ("neg", sign), zero)
    other: Term = ("f", "abs", sign)

    def mixed(yes: Term, mask: Term, no: Term) -> Term:
        left = mask if yes == one else ("*", yes, mask)
        rest: Term = ("+", one, ("neg", mask))
        right = rest if no == one else ("*", no, rest)
        return right if yes == zero else left if no == zero else ("+", left, right)

    if below == at:
        return mixed(above, positive, at)
    if at == above:
        return mixed(below, under, at)
    if below == above:
        return mixed(below, other, at)
    pieces = [(below, under), (at, ("+", one, ("neg", other))), (above, positive)]
    found = [mask if value == one else ("*", value, mask) for value, mask in pieces if value != zero]
    return ("+", *found)


def lines(after: Mapping[str, Node], taken: Iterable[str]) -> list[str]:
    """Assignments in an order in which each reads what it needs: the old value, or the new one by its name.

    >>> m, g, w = ex.name("m"), ex.name("g"), ex.name("w")
    >>> new = ex.add(ex.multiply(ex.number(2), m), g)
    >>> lines({"w": ex.subtract(w, new), "m": new}, [])
    ['m = 2*m + g', 'w = w - m']
    """
    return _Lines(after, {*taken, *after, GRADIENT, STEP}).written()


class _Lines:
    """What is still to be assigned, and the names that expressions have by now."""

    def __init__(self, after: Mapping[str, Node], taken: set[str]) -> None:
        order = [name for name in after if name != PARAMETER] + [PARAMETER]
        below = {name: set(ex.ordered([after[name]])) - {after[name]} for name in order}
        # what others are made of comes first
        order.sort(key=lambda name: sum(after[other] in below[name] for other in after if other != name))
        self.left = {name: after[name] for name in order}
        self.taken, self.text = taken, list[str]()
        self.named: dict[Node, str] = {}
        self.lets = self._shared(list(after.values()))
        self.count = 0

    def _shared(self, roots: list[Node]) -> set[Node]:
        """What occurs twice and is worth a name."""
        uses: dict[Node, int] = {}
        size: dict[Node, int] = {}
        for node in ex.ordered(roots):
            size[node] = min(10**6, sum(size[part] for part in node.parts) + (node.op not in ("q", "v", "neg")))
            for part in node.parts:
                uses[part] = uses.get(part, 0) + 1
            if node.op == "case" and node.args[0].op not in ("q", "v"):
                uses[node.args[0]] = uses.get(node.args[0], 0) + 2  # it is written up to three times
        for root in set(roots):
            uses[root] = uses.get(root, 0) + roots.count(root)
        return {node for node, count in uses.items() if count > 1 and size[node] >= SHARED}

    def written(self) -> list[str]:
        while self.left:
            name = next((name for name in self.left if self._allowed(name)), None)
            if name is None:
                # every one is still needed as it was: compute one now, and assign it at the end
                name = next(name for name in self.left if self.left[name] not in self.named)
                self._lets(self.left[name])
                self._let(self.left[name])
                continue
            node = self.left.pop(name)
            self._lets(node)
            self.text.append(f"{name} = {show(term(node, self.named))}")
            if node.op not in ("q", "v"):
                self.named[node] = name
        return self.text

    def _allowed(self, name: str) -> bool:
        """Whether nobody else still needs the old value of a name."""
        own = self._pending(self.left[name])
        known = {*self.named, *own, self.left[name]}
        rest = [node for other, node in self.left.items() if other != name]
        return not any(node.op == "v" and node.args[0] == name for node in _reached(rest, dict.fromkeys(known)))

    def _pending(self, node: Node) -> list[Node]:
        return [part for part in _reached([node], self.named) if part in self.lets and part is not node]

    def _lets(self, node: Node) -> None:
        for part in self._pending(node):
            self._let(part)

    def _let(self, node: Node) -> None:
        self.count += 1
        while f"c{self.count}" in self.taken:
            self.count += 1
        text = show(term(node, self.named))
        self.named[node] = f"c{self.count}"
        self.text.append(f"c{self.count} = {text}")


__all__ = ["Findings", "Lifted", "Memory", "Trace", "finish", "lines", "replace", "term"]

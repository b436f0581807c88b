"""Expressions of a Python file, worked out: numbers as expressions, comparisons as masks, tuples and dictionaries."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from derive.errors import InputError, Undecided
from numeric.lift import expressions as ex
from numeric.lift.expressions import NEGATION, Node
from numeric.lift.floats import evaluate
from numeric.lift.ownership import FRESH, NUMBER, SHARED, Ownership
from numeric.lift.reading import Source
from numeric.lift.settings import ascii_name
from numeric.lift.tracked import compared

MAX_STEPS, SECONDS = 100_000, 2.0
_RELATIONS: dict[type, str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=", ast.NotEq: "!=",
}  # fmt: skip
_OPERATIONS: dict[type, Callable[[Node, Node], Node]] = {
    ast.Add: ex.add, ast.Sub: ex.subtract, ast.Mult: ex.multiply, ast.Div: ex.divide, ast.Pow: ex.power,
}  # fmt: skip
SHAPE = object()  # of an array, which is that of every other one


@dataclass(frozen=True)
class Mask:
    """A comparison that has not been decided: 1 where it holds. `sides` is how to record it, if it is a single one."""

    node: Node
    sides: tuple[str, Node, Node] | None = None


class State(dict[Any, Any]):
    """The state that a step is given. While it is `open`, what the step asks for is there, as a symbol."""

    def __init__(self, entries: Mapping[Any, Any], is_open: bool, taken: Sequence[str] = ()) -> None:
        super().__init__(entries)
        self.open, self.taken = is_open, list(taken)
        self.tested = False  # whether the step looks if there is a state yet
        self.names: dict[Any, str] = {}

    def ask(self, key: Any, name: str = "") -> Any:
        if key not in self and self.open:
            self.names[key] = ascii_name(name or str(key), [*self.taken, *self.names.values()], "state")
            self[key] = ex.name(self.names[key])
        return self.get(key)


@dataclass
class Frame:
    """A function that is being worked out: its names, and what it returned."""

    names: dict[str, Any]
    returned: bool = False
    value: Any = None
    linked: set[frozenset[str]] = field(default_factory=set)  # names that were assigned to each other
    kinds: dict[str, str] = field(default_factory=dict)  # of its names
    returns: list[str] = field(default_factory=list)  # the kinds of what it returned
    is_step: bool = False  # whether its w may be changed in place


@dataclass
class Values(Ownership):
    """What is shared by all functions of one step: the source, the numbers that branches look at, mutable things."""

    source: Source
    shadows: Mapping[str, float]  # of hyperparameters and t; all other names are data
    stored: list[dict[Any, Any]] = field(default_factory=list)
    this: dict[str, Any] | None = None  # the attributes of self
    methods: Mapping[str, ast.FunctionDef] = field(default_factory=dict)
    assigned: set[str] = field(default_factory=set)  # the attributes that are assigned
    calls: list[str] = field(default_factory=list)
    stale: set[tuple[int, Any]] = field(default_factory=set)  # entries that are other ones if they are arrays
    steps: int = 0
    turns: int = 0
    until: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def fail(self, node: ast.AST, message: str) -> NoReturn:
        self.source.beyond(node, message)

    def fresh(self, place: dict[Any, Any], key: Any, where: ast.AST) -> None:
        """Refuse an entry that was changed in place by another name: arrays keep that, and numbers do not."""
        if (id(place), key) in self.stale:
            self.fail(where, f"{key!r}, which was changed in place by another name,")

    def tick(self, node: ast.AST) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS or (self.steps % 64 == 0 and time.monotonic() > self.until):
            self.fail(node, "so long a computation")

    def kept(self, made: dict[Any, Any]) -> dict[Any, Any]:
        self.stored.append(made)
        return made

    def joined(self, test: Mask, yes: Any, no: Any, where: ast.AST) -> Any:
        """A value that depends on a comparison of data."""
        if yes is no or (isinstance(yes, bool | str) and yes == no and type(yes) is type(no)):
            return yes
        if isinstance(yes, tuple) and isinstance(no, tuple) and len(yes) == len(no):
            return tuple(self.joined(test, *pair, where) for pair in zip(yes, no, strict=True))
        if type(yes) is dict is type(no) and set(yes) == set(no):
            self.escape_all(yes)
            self.escape_all(no)
            return self.kept({key: self.joined(test, yes[key], no[key], where) for key in yes})
        if isinstance(yes, Mask) or isinstance(no, Mask):
            self.fail(where, "a choice of comparisons")
        return ex.choose(test.node, self.number(yes, where), self.number(no, where))

    def plain(self, value: Any) -> Any:
        """A value of Python in expressions."""
        if isinstance(value, tuple):
            return tuple(self.plain(part) for part in value)
        return ex.decimal(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    def number(self, value: Any, where: ast.AST) -> Node:
        """The expression of a value. Undecided for what is no number."""
        if isinstance(value, Node):
            return value
        if isinstance(value, bool):
            return ex.ONE if value else ex.ZERO
        if isinstance(value, Mask):
            return value.node
        if isinstance(value, State):
            found = value.ask(0, "state")
            if isinstance(found, Node):
                return found
        self.fail(where, f"{'None' if value is None else 'something'} where a number is expected")

    def guarded(self, node: ast.AST, made: Callable[[], Node]) -> Node:
        """A number, or where it cannot be one."""
        try:
            return made()
        except Undecided as error:
            if self.source.file in str(error):
                raise
            self.fail(node, f"{error}: it")

    def key(self, node: ast.expr, frame: Frame) -> Any:
        found = self.value(node, frame)
        if isinstance(found, Node) and found.value is not None and found.value.denominator == 1:
            return int(found.value)
        if isinstance(found, str):
            return found
        self.fail(node, "a place that is no text or number")

    def decided(self, value: Any, where: ast.AST) -> bool | Mask:
        """Whether something holds, if hyperparameters and t say so; else the mask."""
        if isinstance(value, State):
            value.tested = True
            return value.open or bool(value)
        if value is None or isinstance(value, bool | str | tuple | dict):
            return bool(value)
        if isinstance(value, Node):
            value = Mask(ex.truth("!=", value, ex.ZERO), ("!=", value, ex.ZERO))
        if not isinstance(value, Mask):
            self.fail(where, "a test of this")
        if value.node.value is not None:
            return bool(value.node.value)
        if value.sides is None or ex.names([value.node]) - set(self.shadows):
            return value
        holds = bool(evaluate(value.node, self.shadows))
        return compared(*value.sides, holds)

    def binary(self, operator: ast.operator, left: Any, right: Any, where: ast.AST) -> Any:
        if isinstance(operator, ast.Add) and isinstance(left, tuple) and isinstance(right, tuple):
            return left + right
        if isinstance(left, Mask) and isinstance(right, Mask):
            self.fail(where, "arithmetic with two comparisons")
        made = _OPERATIONS.get(type(operator))
        if made is None:
            self.fail(where, f"the operator {type(operator).__name__}")
        return self.guarded(where, lambda: made(self.number(left, where), self.number(right, where)))

    def value(self, node: ast.expr, frame: Frame) -> Any:
        """What an expression stands for: a Node, a Mask, True, False, None, a text, a tuple, a dictionary."""
        found = self.operand(node, frame)
        place = self.origin.get(id(node))
        if isinstance(place, tuple):
            self.escape(place)
        return found

    def operand(self, node: ast.expr, frame: Frame) -> Any:
        """The same, where nothing keeps the value itself: what it refers to gets no other name by that."""
        self.tick(node)
        method = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if method is None:
            self.fail(node, f"an expression of the kind {type(node).__name__}")
        self.origin.pop(id(node), None)
        return method(node, frame)

    def made_of(self, node: ast.expr, parts: Sequence[str]) -> None:
        """An operator gives a number if its operands are, else a new array."""
        self.origin[id(node)] = NUMBER if all(kind == NUMBER for kind in parts) else FRESH

    def on_constant(self, node: ast.Constant, frame: Frame) -> Any:
        if node.value is not None and not isinstance(node.value, bool | int | float | str):
            self.fail(node, f"a constant of the kind {type(node.value).__name__}")
        return self.plain(node.value)

    def on_name(self, node: ast.Name, frame: Frame) -> Any:
        if node.id in frame.names:
            self.origin[id(node)] = (frame.kinds, node.id)
            return frame.names[node.id]
        if node.id in self.source.constants:
            self.origin[id(node)] = NUMBER
            return self.plain(self.source.constants[node.id])
        raise InputError(
            f"nothing says what {node.id[:80]} is", file=self.source.file, line=node.lineno, column=node.col_offset + 1,
            remedy="assign it before",
        )  # fmt: skip

    def on_tuple(self, node: ast.Tuple | ast.List, frame: Frame) -> Any:
        found = tuple(self.value(each, frame) for each in node.elts)
        if all(self.kind(each) == NUMBER for each in node.elts):
            self.origin[id(node)] = NUMBER
        return found

    on_list = on_tuple

    def on_dict(self, node: ast.Dict, frame: Frame) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:  # {**state, "m": m}
                other = self.value(value, frame)
                if not isinstance(other, dict):
                    self.fail(value, "an unpacking of something that is no dictionary")
                self.escape_all(other)
                made |= other
            else:
                made[self.key(key, frame)] = self.value(value, frame)
        return self.kept(made)

    def on_unaryop(self, node: ast.UnaryOp, frame: Frame) -> Any:
        negated = isinstance(node.op, ast.USub)
        value = (self.operand if negated else self.value)(node.operand, frame)
        if negated:
            self.made_of(node, [self.kind(node.operand)])
        if isinstance(node.op, ast.Not):
            test = self.decided(value, node)
            if isinstance(test, bool):
                return not test
            sides = test.sides and (NEGATION[test.sides[0]], *test.sides[1:])
            return Mask(ex.opposite(test.node), sides)
        if isinstance(node.op, ast.Invert):
            if not isinstance(value, Mask):
                self.fail(node, "~ of anything but a comparison")
            return Mask(ex.opposite(value.node))
        number = self.number(value, node)
        return ex.negative(number) if negated else number

    def on_binop(self, node: ast.BinOp, frame: Frame) -> Any:
        left = self.operand(node.left, frame)
        kinds = [self.kind(node.left)]
        right = self.operand(node.right, frame)
        self.made_of(node, [*kinds, self.kind(node.right)])
        if isinstance(node.op, ast.BitAnd | ast.BitOr) and isinstance(left, Mask) and isinstance(right, Mask):
            return self.mixed(isinstance(node.op, ast.BitAnd), left, right)
        return self.binary(node.op, left, right, node)

    def mixed(self, both: bool, left: Mask, right: Mask) -> Mask:
        pair = (left.node, right.node)
        return Mask(ex.both(*pair) if both else ex.choose(pair[0], ex.ONE, pair[1]))

    def on_boolop(self, node: ast.BoolOp, frame: Frame) -> Any:
        both = isinstance(node.op, ast.And)
        left: Any = both
        for each in node.values:
            value = self.value(each, frame)
            test = self.decided(value, each)
            if isinstance(test, bool):
                if test is not both:
                    return test
            else:
                left = test if left is both else self.mixed(both, left, test)
        return left

    def on_compare(self, node: ast.Compare, frame: Frame) -> Any:
        left, found = self.operand(node.left, frame), []
        for operator, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.operand(right_node, frame)
            found.append(self.comparison(operator, left, right, node))
            left = right
        result = found[0]
        for each in found[1:]:
            pair = [self.decided(item, node) for item in (result, each)]
            if False in pair:
                return False
            masks = [item for item in pair if isinstance(item, Mask)]
            result = True if not masks else masks[0] if len(masks) == 1 else self.mixed(True, masks[0], masks[1])
        return result

    def comparison(self, operator: ast.cmpop, left: Any, right: Any, where: ast.AST) -> Any:
        if isinstance(operator, ast.In | ast.NotIn) and isinstance(right, dict):
            key = int(left.value) if isinstance(left, Node) and left.value is not None else left
            if isinstance(right, State):
                right.tested = True
                right.ask(key)
            return (key in right) is isinstance(operator, ast.In)
        if isinstance(operator, ast.Is | ast.IsNot):
            if right is not None and not isinstance(right, bool):
                self.fail(where, "`is` with anything but None, True, False")
            if isinstance(left, State) and right is None:
                left.tested = True
                same = not (left.open or left)
            else:
                same = left is right
            return same is isinstance(operator, ast.Is)
        relation = _RELATIONS.get(type(operator))
        if relation in ("=", "!=") and (isinstance(left, str | None) or isinstance(right, str | None)):
            return (left == right) is (relation == "=")
        if relation is None:
            self.fail(where, f"the comparison {type(operator).__name__}")
        pair = self.number(left, where), self.number(right, where)
        return Mask(ex.truth(relation, *pair), (relation, *pair))

    def on_ifexp(self, node: ast.IfExp, frame: Frame) -> Any:
        test = self.decided(self.value(node.test, frame), node.test)
        if isinstance(test, bool):
            taken = node.body if test else node.orelse
            found = self.value(taken, frame)
            self.origin[id(node)] = NUMBER if self.kind(taken) == NUMBER else SHARED
            return found
        return self.joined(test, self.value(node.body, frame), self.value(node.orelse, frame), node)

    def on_attribute(self, node: ast.Attribute, frame: Frame) -> Any:
        place = self.operand(node.value, frame)
        if self.this is not None and place is self.this:
            if node.attr not in self.this:
                self.fail(node, f"self.{node.attr[:80]}, which __init__ does not set,")
            self.fresh(self.this, node.attr, node)
            self.origin[id(node)] = (self.kinds, (id(self.this), node.attr))
            return self.this[node.attr]
        if node.attr in ("shape", "dtype", "size") and isinstance(place, Node):
            return SHAPE
        self.fail(node, f"the attribute {node.attr[:80]}")

    def on_subscript(self, node: ast.Subscript, frame: Frame) -> Any:
        place, key = self.value(node.value, frame), self.key(node.slice, frame)
        if isinstance(place, dict):
            self.fresh(place, key, node)
            self.origin[id(node)] = (self.kinds, (id(place), key))
        if isinstance(place, State):
            found = place.ask(key, f"s{key}" if isinstance(key, int) else "")
            if found is None:
                self.fail(node, f"state[{key!r}], which is not there in the first step,")
            return found
        try:
            return place[key]
        except (LookupError, TypeError):
            self.fail(node, "a part that is not there")

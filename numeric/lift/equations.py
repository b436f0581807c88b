"""The equations of a jaxpr, worked out on expressions; each variable stands for one element of its array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from derive.errors import Undecided
from numeric.lift import expressions as ex
from numeric.lift.expressions import NEGATION, Node
from numeric.lift.floats import evaluate
from numeric.lift.tracked import Comparison, compared

MAX_DEPTH = 40
_RELATIONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "!="}
_SAME = frozenset(
    ("broadcast_in_dim", "reshape", "squeeze", "copy", "copy_p", "stop_gradient", "expand_dims", "reduce_precision",
     "optimization_barrier", "real", "device_put")
)  # fmt: skip
_INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")  # where a call keeps what it calls


def _fun(op: str) -> Callable[..., Node]:
    return lambda *args: ex.function(op, *args)


_MADE: dict[str, Callable[..., Node]] = {
    "add": ex.add, "add_any": ex.add, "sub": ex.subtract, "mul": ex.multiply, "div": ex.divide, "neg": ex.negative,
    "max": _fun("max"), "min": _fun("min"), "pow": ex.power, "sqrt": _fun("sqrt"), "abs": _fun("abs"),
    "sign": _fun("sign"), "exp": _fun("exp"), "log": _fun("log"), "square": lambda x: ex.power(x, ex.TWO),
    "rsqrt": lambda x: ex.divide(ex.ONE, ex.function("sqrt", x)),
    "log1p": lambda x: ex.function("log", ex.add(ex.ONE, x)),
    "expm1": lambda x: ex.subtract(ex.function("exp", x), ex.ONE),
    "clamp": lambda low, x, high: ex.function("min", ex.function("max", x, low), high),
}  # fmt: skip


class Equations:
    """An interpreter. Choices by hyperparameters and t are made as they turn out for `shadows`, and recorded."""

    def __init__(self, shadows: Mapping[str, float]) -> None:
        self.shadows = shadows
        self.sides: dict[Node, Comparison] = {}
        self.depth = 0

    def run(self, jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Node]) -> list[Node]:
        """The results of a jaxpr. Undecided for a primitive that has no expression, named."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Undecided("functions nested too deeply")
        known: dict[Any, Node] = dict(zip(jaxpr.constvars, map(self.constant, consts), strict=True))
        known |= dict(zip(jaxpr.invars, inputs, strict=True))

        def read(atom: Any) -> Node:
            return self.constant(atom.val) if hasattr(atom, "val") else known[atom]

        for equation in jaxpr.eqns:
            results = self.equation(equation, [read(atom) for atom in equation.invars])
            known |= dict(zip(equation.outvars, results, strict=True))
        self.depth -= 1
        return [read(atom) for atom in jaxpr.outvars]

    def constant(self, value: Any) -> Node:
        """A number, or an array of one number."""
        flat = value.reshape(-1).tolist() if hasattr(value, "reshape") else [value]
        if not flat or any(each != flat[0] for each in flat[1:]):
            raise Undecided("an array of different constants")
        return ex.decimal(int(flat[0]) if isinstance(flat[0], bool) else flat[0])

    def equation(self, equation: Any, args: list[Node]) -> list[Node]:
        name, params = equation.primitive.name, equation.params
        inner = next((params[key] for key in _INNER if key in params), None)
        if inner is not None and name not in ("while", "scan"):
            closed = hasattr(inner, "consts")
            return self.run(inner.jaxpr if closed else inner, inner.consts if closed else (), args)
        if name == "cond":
            return self.branch(params["branches"], args)
        return [self.primitive(name, params, equation, args)]

    def primitive(self, name: str, params: Mapping[str, Any], equation: Any, args: list[Node]) -> Node:
        if name in _RELATIONS:
            relation = _RELATIONS[name]
            return self.mask((relation, args[0], args[1]), ex.truth(relation, *args))
        if name == "select_n" and len(args) == 3:
            return ex.choose(self.decided(args[0]), args[2], args[1])
        if name in ("and", "or", "not"):
            return self.logical(name, args)
        if name == "convert_element_type":
            return self.converted(equation, args[0])
        if name in _SAME:
            if params.get("exponent_bits", 11) < 11:
                raise Undecided("a rounding to fewer bits")
            return args[0]
        if name == "integer_pow":
            return ex.power(args[0], ex.number(params["y"]))
        kinds = {atom.aval.dtype.kind for atom in equation.invars}
        if name not in _MADE or (name in ("div", "pow") and "f" not in kinds):
            raise Undecided(f"no expression is known for the primitive {name} of jax")
        return _MADE[name](*args)

    def mask(self, sides: Comparison, node: Node) -> Node:
        if node.value is None:
            self.sides[node] = sides
        return node

    def logical(self, name: str, args: list[Node]) -> Node:
        if name == "not":
            node = ex.opposite(args[0])
            known = self.sides.get(args[0])
            return self.mask((NEGATION[known[0]], *known[1:]), node) if known else node
        return ex.both(*args) if name == "and" else ex.choose(args[0], ex.ONE, args[1])

    def decided(self, mask: Node) -> Node:
        """The mask, or how it turns out where data have no part in it."""
        known = self.sides.get(mask)
        if known is None or ex.names([mask]) - set(self.shadows):
            return mask
        return ex.number(compared(*known, bool(evaluate(mask, self.shadows))))

    def branch(self, branches: Sequence[Any], args: list[Node]) -> list[Node]:
        """cond: the first of two branches is that for False."""
        test = self.decided(args[0])
        if len(branches) != 2:
            raise Undecided("a switch of several branches")
        no, yes = (self.run(each.jaxpr, each.consts, args[1:]) if test.value in (None, place) else None
                   for place, each in enumerate(branches))  # fmt: skip
        if no is None or yes is None:
            return no if yes is None and no is not None else yes or []
        return [ex.choose(test, *pair) for pair in zip(yes, no, strict=True)]

    def converted(self, equation: Any, node: Node) -> Node:
        """Another type: to float64, or from a comparison, nothing is lost."""
        old, new = equation.invars[0].aval.dtype, equation.params["new_dtype"]
        exact = new.name == "float64" or (new.kind in "iu" and old.kind in "iub") or old.kind == "b"
        if not exact and node.value is None:
            raise Undecided(f"a conversion from {old.name} to {new.name}")
        return node

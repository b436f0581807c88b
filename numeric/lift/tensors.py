"""What torch does with tensors of one element, beside it in expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from derive.errors import Undecided
from numeric.lift import expressions as ex
from numeric.lift.expressions import Node
from numeric.lift.tracked import Tracked, compared, node_of

_RELATIONS = {
    "lt": "<", "less": "<", "le": "<=", "less_equal": "<=", "gt": ">", "greater": ">", "ge": ">=",
    "greater_equal": ">=", "eq": "=", "ne": "!=", "not_equal": "!=",
}  # fmt: skip
# What tells of a tensor, or hands it on with the same element.
_ABOUT = frozenset(
    ("__get__", "__set__", "__delete__", "is_complex", "is_floating_point", "size", "dim", "ndimension", "numel",
     "__len__", "stride", "is_contiguous", "data_ptr", "get_device", "element_size", "type", "is_same_size",
     "requires_grad_", "untyped_storage", "__repr__", "__format__", "storage_offset", "result_type", "is_tensor",
     "is_inference", "__hash__", "nelement", "_indices", "_nnz", "sparse_dim", "dense_dim", "is_coalesced")
)  # fmt: skip
_SAME = frozenset(
    ("clone", "detach", "detach_", "contiguous", "to", "double", "view", "view_as", "reshape", "squeeze",
     "unsqueeze", "expand", "expand_as", "flatten", "as_tensor", "cpu", "positive", "alias", "type_as", "squeeze_",
     "unsqueeze_", "coalesce", "sparse_mask", "_values", "values")
)  # fmt: skip
_FILLED = {"zeros": 0, "zeros_like": 0, "new_zeros": 0, "ones": 1, "ones_like": 1, "new_ones": 1}
_EMPTY = frozenset(("empty", "empty_like", "new_empty"))


def _scaled_add(x: Node, y: Node, alpha: Node = ex.ONE) -> Node:
    return ex.add(x, ex.multiply(alpha, y))


def _scaled_sub(x: Node, y: Node, alpha: Node = ex.ONE) -> Node:
    return ex.subtract(x, ex.multiply(alpha, y))


def _clamped(x: Node, min: Node | None = None, max: Node | None = None) -> Node:
    low = x if min is None else ex.function("max", x, min)
    return low if max is None else ex.function("min", low, max)


def _fun(op: str) -> Callable[..., Node]:
    return lambda *args: ex.function(op, *args)


_MADE: dict[str, Callable[..., Node]] = {
    "add": _scaled_add, "sub": _scaled_sub, "subtract": _scaled_sub,
    "rsub": lambda x, y, alpha=ex.ONE: _scaled_sub(y, x, alpha),
    "mul": ex.multiply, "multiply": ex.multiply, "div": ex.divide, "divide": ex.divide, "true_divide": ex.divide,
    "truediv": ex.divide, "neg": ex.negative, "negative": ex.negative, "pow": ex.power, "float_power": ex.power,
    "reciprocal": lambda x: ex.divide(ex.ONE, x), "square": lambda x: ex.power(x, ex.TWO), "sqrt": _fun("sqrt"),
    "rsqrt": lambda x: ex.divide(ex.ONE, ex.function("sqrt", x)), "abs": _fun("abs"), "absolute": _fun("abs"),
    "sign": _fun("sign"), "sgn": _fun("sign"), "exp": _fun("exp"), "log": _fun("log"), "maximum": _fun("max"),
    "minimum": _fun("min"), "fmax": _fun("max"), "fmin": _fun("min"), "max": _fun("max"), "min": _fun("min"),
    "addcmul": lambda x, y, z, value=ex.ONE: ex.add(x, ex.multiply(value, ex.multiply(y, z))),
    "addcdiv": lambda x, y, z, value=ex.ONE: ex.add(x, ex.multiply(value, ex.divide(y, z))),
    "lerp": lambda x, end, weight: ex.add(x, ex.multiply(weight, ex.subtract(end, x))),
    "clamp": _clamped, "clip": _clamped, "clamp_min": _clamped, "clamp_max": lambda x, max: _clamped(x, None, max),
    "where": ex.choose, "logical_and": ex.both, "bitwise_and": ex.both, "and": ex.both,
    "logical_not": ex.opposite, "bitwise_not": ex.opposite, "invert": ex.opposite,
    "masked_fill": lambda x, mask, value: ex.choose(mask, value, x), "copy": lambda x, y: y, "fill": lambda x, y: y,
    "zero": lambda x: ex.ZERO, "heaviside": lambda x, y: ex.case(x, ex.ZERO, y, ex.ONE),
    **{name: lambda x, y, relation=relation: ex.truth(relation, x, y) for name, relation in _RELATIONS.items()},
}  # fmt: skip
# A function of one element that is none of several; of several it would mix them.
_COUNTED = {"max": 2, "min": 2}


class Tensors:
    """The expressions of tensors, by where their element is in memory, so that views share it."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.known: dict[int, Node] = {}
        self.started: dict[int, Node] = {}
        self.kept: list[Any] = []  # no memory is given to another tensor as long as this lives

    def watch(self) -> Mapping[int, Node]:
        """The first expression of each tensor, also of those that come later."""
        return self.started

    def set(self, tensor: Any, node: Node) -> None:
        if tensor.numel() != 1:
            raise Undecided(f"a tensor of shape {tuple(tensor.shape)} beside a parameter of one element")
        self.kept.append(tensor)
        self.known[self.place(tensor)] = node
        self.started.setdefault(self.place(tensor), node)

    def place(self, tensor: Any) -> int:
        """Where the element is; that of a sparse tensor, where its only value is."""
        found: int = (tensor._values() if tensor.is_sparse else tensor).data_ptr()
        return found

    def get(self, value: Any) -> Node:
        """The expression of a tensor or a number. Undecided for a tensor that nobody has seen being made."""
        if not isinstance(value, self.torch.Tensor):
            return node_of(value)
        found = self.known.get(self.place(value)) if value.numel() == 1 else None
        if found is None:
            raise Undecided(f"a tensor of shape {tuple(value.shape)} from elsewhere")
        return found

    @contextmanager
    def mode(self) -> Iterator[None]:
        """Within, every function of torch is seen."""
        overrides, see = self.torch.overrides, self.see

        class Mode(overrides.TorchFunctionMode):  # type: ignore[name-defined, misc]
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                return see(func, args, kwargs or {})

        with Mode():
            yield

    def see(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function of torch; its result gets its expression."""
        name = getattr(func, "__name__", str(func))
        if name in _ABOUT:
            return func(*args, **kwargs)
        base, in_place = self.plain(name)
        if base in ("item", "__bool__", "__float__", "__int__", "tolist"):
            return self.number(base, args[0])
        if name == "__setitem__":
            return self.assigned(func, *args)
        if not self.touches((*args, *kwargs.values())) and base not in _FILLED | _MADE.keys() and base not in _SAME:
            result = func(*args, **kwargs)
            if base in ("tensor", "scalar_tensor", "full", "full_like", "new_full", "new_tensor"):
                self.set(result, self.get(kwargs.get("fill_value", args[-1] if args else 0)))
            return result
        out = kwargs.pop("out", None)
        node = self.made(base, name, args, kwargs)
        result = func(*args, **kwargs) if out is None else func(*args, **kwargs, out=out)
        if in_place and result is not args[0]:
            raise Undecided(f"torch {name}")
        if base in ("to", "type_as") and result.dtype not in (args[0].dtype, self.torch.float64):
            raise Undecided(f"a conversion to {result.dtype}")
        if node is not None:
            self.set(result, node)
        return result

    def plain(self, name: str) -> tuple[str, bool]:
        """The name without underscores, and whether it works in place: add_ and __iadd__ are add."""
        if name.startswith("__") and name.endswith("__"):
            inner = name.strip("_")
            if inner in ("bool", "float", "int"):
                return name, False
            if inner[:1] == "i" and inner[1:] in _MADE:
                return inner[1:], True
            return inner, False
        return (name[:-1], True) if name.endswith("_") and name not in _SAME else (name, False)

    def touches(self, values: Any) -> bool:
        """Whether a tensor with an expression is among the arguments, also in a list."""
        return any(
            self.touches(value) if isinstance(value, list | tuple)
            else isinstance(value, self.torch.Tensor) and value.numel() == 1 and self.place(value) in self.known
            for value in values
        )  # fmt: skip

    def made(self, base: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Node | None:
        """The expression of a result; None for memory without a value yet."""
        if base in _FILLED:
            return ex.number(_FILLED[base])
        if base in _EMPTY:
            return None
        if base in _SAME:
            return self.get(args[0])
        if base in ("sparse_coo_tensor", "new") and len(args) > 1:
            return self.get(args[-2])  # indices, values, size
        if base in ("full_like", "new_full"):
            return self.get(kwargs.get("fill_value", args[-1]))
        reverse = base[:1] == "r" and base[1:] in _MADE and name.startswith("__")
        if base not in _MADE and not reverse:
            raise Undecided(f"no expression is known for torch {name}")
        keywords = {key: value for key, value in kwargs.items() if key in ("alpha", "value", "min", "max", "weight")}
        dropped = set(kwargs) - set(keywords) - {"memory_format", "non_blocking", "rounding_mode", "dtype"}
        named = [kwargs[key] for key in ("other", "end", "tensor1", "tensor2", "exponent") if key in dropped]
        dropped -= {"other", "end", "tensor1", "tensor2", "exponent"}
        if dropped or kwargs.get("rounding_mode") or (base in _COUNTED and len(args) != _COUNTED[base]):
            raise Undecided(f"no expression is known for torch {name}({', '.join(sorted(dropped))})")
        nodes = [None if arg is None else self.get(arg) for arg in (*args, *named)]
        more = {key: None if value is None else self.get(value) for key, value in keywords.items()}
        if reverse:
            return _MADE[base[1:]](*reversed(nodes))
        return _MADE[base](*nodes, **more)

    def number(self, base: str, tensor: Any) -> Any:
        """The element as a number that carries its expression."""
        node, value = self.get(tensor), tensor.item()
        if base == "__bool__":
            mask = node.op == "case" or (node.op == "sign" and node.range.not_negative)
            return self.holds(node, bool(value)) if mask else compared("!=", node, ex.ZERO, bool(value))
        if base in ("__float__", "__int__", "tolist"):
            if node.value is None:
                raise Undecided(f"{base.strip('_')} of a tensor")
            return int(value) if base == "__int__" else float(value)
        return Tracked(float(value), node)

    def holds(self, mask: Node, value: bool) -> bool:
        """A branch on a comparison of tensors."""
        z = mask.args[0]
        bits = (0, 0, 1) if mask.op == "sign" else tuple(part.value for part in mask.args[1:])
        relations = {(1, 0, 0): "<", (1, 1, 0): "<=", (0, 0, 1): ">", (0, 1, 1): ">=", (0, 1, 0): "=", (1, 0, 1): "!="}
        if bits not in relations:
            raise Undecided("a branch on several comparisons at once")
        return compared(relations[bits], z, ex.ZERO, value)

    def assigned(self, func: Any, tensor: Any, place: Any, value: Any) -> None:
        """x[mask] = value."""
        if not (isinstance(place, self.torch.Tensor) and place.dtype == self.torch.bool):
            raise Undecided("an assignment to a part of a tensor")
        node = ex.choose(self.get(place), self.get(value), self.get(tensor))
        func(tensor, place, value)
        self.set(tensor, node)

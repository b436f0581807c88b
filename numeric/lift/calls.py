"""Calls in a Python file: functions of math and NumPy that work element by element, and a few of Python itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numeric.lift import expressions as ex
from numeric.lift.expressions import Node
from numeric.lift.ownership import FRESH, NUMBER, SHARED
from numeric.lift.values import SHAPE, Frame, Mask, State, Values


def _fun(op: str) -> Callable[..., Node]:
    return lambda *args: ex.function(op, *args)


def _extreme(op: str) -> Callable[..., Node]:
    def made(first: Node, *rest: Node) -> Node:
        for each in rest:
            first = ex.function(op, first, each)
        return first

    return made


_NUMBERS: dict[str, tuple[int, Callable[..., Node]]] = {  # name -> how many arguments, 0 for any number from two on
    "sqrt": (1, _fun("sqrt")), "exp": (1, _fun("exp")), "log": (1, _fun("log")), "abs": (1, _fun("abs")),
    "absolute": (1, _fun("abs")), "fabs": (1, _fun("abs")), "sign": (1, _fun("sign")), "max": (0, _extreme("max")),
    "min": (0, _extreme("min")), "maximum": (2, _fun("max")), "minimum": (2, _fun("min")), "fmax": (2, _fun("max")),
    "fmin": (2, _fun("min")), "square": (1, lambda x: ex.power(x, ex.TWO)), "pow": (2, ex.power),
    "power": (2, ex.power), "float_power": (2, ex.power),
    "negative": (1, ex.negative), "add": (2, ex.add), "subtract": (2, ex.subtract), "multiply": (2, ex.multiply),
    "divide": (2, ex.divide), "true_divide": (2, ex.divide), "float": (1, lambda x: x), "asarray": (1, lambda x: x),
    "array": (1, lambda x: x), "copy": (1, lambda x: x), "float64": (1, lambda x: x),
    "clip": (3, lambda x, low, high: ex.function("min", ex.function("max", x, low), high)),
    "zeros_like": (1, lambda x: ex.ZERO), "ones_like": (1, lambda x: ex.ONE), "full_like": (2, lambda x, value: value),
}  # fmt: skip
_BUILTINS = ("abs", "max", "min", "pow", "float")
_MATH = ("sqrt", "exp", "log", "fabs", "pow")
_OTHER = ("asarray", "float64", "max", "min")  # what may give one of its arguments itself
_LIKE = ("zeros_like", "ones_like", "full_like")  # integers for an integer


class Calls(Values):
    """What can be called."""

    def on_call(self, node: ast.Call, frame: Frame) -> Any:
        if any(isinstance(arg, ast.Starred) for arg in node.args) or any(each.arg is None for each in node.keywords):
            self.fail(node, "a call with a star")
        if isinstance(node.func, ast.Attribute):
            found = self.method(node, node.func, frame)
            if found is not None:
                return found[0]
        whole = self.function_name(node.func, frame)
        module, _, name = whole.rpartition(".")
        own = whole in self.source.functions
        new = not own and (module == "math" or (name not in _OTHER and (module == "numpy" or name in _BUILTINS)))
        if not own and (whole in self.source.classes or whole in self.source.constants):
            self.fail(node, f"a call of {whole[:80]}")
        if module and node.keywords:
            self.fail(node, f"{whole[:80]} with {str(node.keywords[0].arg)[:80]}")
        args = [(self.operand if new else self.value)(arg, frame) for arg in node.args]
        keywords = {str(each.arg): self.value(each.value, frame) for each in node.keywords}
        if own:
            return self.called(node, self.source.functions[whole], args, keywords, list(node.args))
        numbers = all(self.kind(arg) == NUMBER for arg in node.args)
        if new or (name in ("max", "min") and numbers):
            self.origin[id(node)] = NUMBER if numbers and module != "numpy" else FRESH
        if name in _LIKE and args:
            like = args[0]
            known = not isinstance(like, Node) or like.op != "v" or like.args[0] in self.shadows
            if known or self.kind(node.args[0]) == NUMBER:
                self.fail(node, f"{whole[:80]} of anything but w or g, which may be whole numbers,")
        if any(isinstance(arg, Mask) for arg in args[name == "where" :]) and not name.startswith("logical"):
            self.fail(node, f"{whole[:80]} of a comparison")
        if name in ("where", "zeros", "ones", "full", "logical_and", "logical_or", "logical_not") and module == "numpy":
            return self.array(node, name, args)
        if not module and name in ("range", "len", "bool", "tuple", "dict", "enumerate", "zip"):
            return self.sequence(node, name, args, keywords)
        allowed = _BUILTINS if not module else _MATH if module == "math" else (*_NUMBERS,)
        count, made = _NUMBERS.get(name, (0, ex.add)) if name in allowed else (-1, ex.add)
        if name in ("max", "min") and len(args) == 1 and isinstance(args[0], tuple):
            args = list(args[0])
        if module == "numpy" and name in ("max", "min"):
            self.fail(node, f"numpy.{name}, which mixes elements,")
        other = len(args) != count if count else len(args) < 2
        if count < 0 or other or keywords:
            self.fail(node, f"a call of {whole[:80]}" if count < 0 else f"such a call of {whole[:80]}")
        return self.guarded(node, lambda: made(*(self.number(arg, node) for arg in args)))

    def function_name(self, node: ast.expr, frame: Frame) -> str:
        """What is called: the name of a function of the file, "numpy.sqrt", or a builtin."""
        if isinstance(node, ast.Name) and node.id not in frame.names:
            if node.id in self.source.functions:
                return node.id
            return self.source.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in frame.names:
            module = self.source.imported.get(node.value.id)
            if module is not None:
                return f"{module}.{node.attr}"
        self.fail(node, "a call of something that has no plain name")

    def method(self, node: ast.Call, function: ast.Attribute, frame: Frame) -> tuple[Any] | None:
        """A call of a method: of self, of the state, of a number. None for a function of a module."""
        root = function.value
        if isinstance(root, ast.Name) and root.id not in frame.names and root.id in self.source.imported:
            return None
        place = self.operand(root, frame)
        args = [self.value(arg, frame) for arg in node.args]
        keywords = {str(each.arg): self.value(each.value, frame) for each in node.keywords}
        if self.this is not None and place is self.this and function.attr in self.methods:
            return (self.called(node, self.methods[function.attr], [place, *args], keywords, [root, *node.args]),)
        if isinstance(place, Node) and function.attr == "copy" and not node.args and not node.keywords:
            self.origin[id(node)] = FRESH
            return (place,)
        if isinstance(place, dict) and not keywords and function.attr in ("get", "copy", "setdefault", "pop"):
            return (self.of_dictionary(node, function.attr, place, args),)
        self.fail(node, f"a call of the method {function.attr[:80]}")

    def called(
        self, node: ast.Call, function: ast.FunctionDef, args: list[Any], keywords: dict[str, Any],
        given: list[ast.expr],
    ) -> Any:  # fmt: skip
        """A call of a function of the file: what it is given has another name there, unless it is a number."""
        spec = function.args
        names = [arg.arg for arg in (*spec.posonlyargs, *spec.args)]
        kinds = {arg.arg: NUMBER for arg in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)}  # for the defaults
        pairs = [*zip(names, given, strict=False), *((str(each.arg), each.value) for each in node.keywords)]
        kinds |= {name: NUMBER if self.kind(each) == NUMBER else SHARED for name, each in pairs}
        frame = self.call(function, args, keywords, node, kinds)
        kind = frame.returns[0] if len(set(frame.returns)) == 1 else SHARED
        self.origin[id(node)] = kind if kind in (NUMBER, FRESH) else SHARED
        return frame.value

    def of_dictionary(self, node: ast.Call, name: str, place: dict[Any, Any], args: list[Any]) -> Any:
        if name == "copy":
            if isinstance(place, State):
                self.fail(node, "a copy of the state as a whole")
            self.escape_all(place)
            return self.kept(dict(place))
        if not args:
            self.fail(node, f"such a call of {name}")
        if name != "get" and id(place) in self.frozen:
            self.fail(node, "a change of a dictionary that __init__ makes")
        self.fresh(place, args[0], node)
        self.escape((self.kinds, (id(place), args[0])))
        if name != "get":
            self.kinds.pop((id(place), args[0]), None)
        key, default = args[0], args[1] if len(args) > 1 else None
        if isinstance(place, State):
            place.tested = place.tested or len(args) > 1
            place.ask(key)
        if name == "setdefault":
            return place.setdefault(key, default)
        return place.pop(key, default) if name == "pop" else place.get(key, default)

    def array(self, node: ast.Call, name: str, args: list[Any]) -> Any:
        """Functions of NumPy on masks and shapes."""
        if name == "where" and len(args) == 3:
            test = args[0] if isinstance(args[0], Mask) else Mask(ex.truth("!=", self.number(args[0], node), ex.ZERO))
            return self.guarded(node, lambda: ex.choose(test.node, *(self.number(arg, node) for arg in args[1:])))
        if (
            name in ("zeros", "ones", "full")
            and len(args) == 1 + (name == "full")
            and (args[0] is SHAPE or isinstance(args[0], tuple))
        ):
            return self.number(args[1], node) if name == "full" else ex.number(name == "ones")
        if name.startswith("logical") and args and all(isinstance(arg, Mask) for arg in args):
            if name == "logical_not":
                return Mask(ex.opposite(args[0].node))
            return self.mixed(name == "logical_and", args[0], args[1])
        self.fail(node, f"such a call of numpy.{name}")

    def sequence(self, node: ast.Call, name: str, args: list[Any], keywords: Mapping[str, Any]) -> Any:
        """range, len and the like, of what is known in full."""
        if name == "len" and len(args) == 1 and isinstance(args[0], tuple | dict):
            if isinstance(args[0], State):
                self.fail(node, "the length of the state")
            return ex.number(len(args[0]))
        if name == "dict" and not args:
            return self.kept(dict(keywords))
        if name == "dict" and len(args) == 1 and type(args[0]) is dict:
            self.escape_all(args[0])
            return self.kept({**args[0], **keywords})
        if name == "range" and 1 <= len(args) <= 3 and not keywords:
            numbers = [self.key_of(arg, node) for arg in args]
            if len(numbers) == 3 and numbers[2] == 0:
                self.fail(node, "a range without end")
            found = range(*numbers)
            if len(found) > 1_000:
                self.fail(node, "a range of more than 1000 numbers")
            return tuple(ex.number(n) for n in found)
        if all(isinstance(arg, tuple) for arg in args) and args and not (keywords and name != "zip"):
            if name == "tuple":
                return args[0]
            if name == "enumerate":
                return tuple((ex.number(n), item) for n, item in enumerate(args[0]))
            if name == "zip":
                return tuple(zip(*args, strict=False))
        self.fail(node, f"such a call of {name}")

    def key_of(self, value: Any, where: ast.AST) -> int:
        if isinstance(value, Node) and value.value is not None and value.value.denominator == 1:
            return int(value.value)
        self.fail(where, "a whole number that is not known")

    def call(
        self, function: ast.FunctionDef, args: Sequence[Any], keywords: Mapping[str, Any], where: ast.AST,
        kinds: Mapping[str, str] | None = None, is_step: bool = False,
    ) -> Frame:  # fmt: skip
        """Work out a function of the file."""
        raise NotImplementedError

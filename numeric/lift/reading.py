"""A Python file as a syntax tree, bounded before it is parsed and never run: which names it defines, and where."""

from __future__ import annotations

import ast
import difflib
import io
import math
import tokenize
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from derive.errors import InputError, Undecided

MAX_BYTES, MAX_LINES = 1 << 18, 5_000
MAX_TOKENS, MAX_LINE_TOKENS, MAX_NUMBER, MAX_NESTING = 50_000, 1_000, 40, 40
MODULES = {"math": "math", "numpy": "numpy"}  # what a step may compute with
HARMLESS = ("__future__", "typing", "collections.abc", "dataclasses", "abc")  # what it may import for its annotations
Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """What a file defines: functions, classes, constants, and what its names of math and NumPy stand for."""

    file: str
    functions: Mapping[str, ast.FunctionDef]
    classes: Mapping[str, ast.ClassDef]
    constants: Mapping[str, Any]
    imported: Mapping[str, str]

    def refuse(self, node: ast.AST, message: str, remedy: str = "") -> NoReturn:
        """The input is wrong, there."""
        column = getattr(node, "col_offset", 0) + 1
        raise InputError(message, remedy=remedy, file=self.file, line=getattr(node, "lineno", None), column=column)

    def beyond(self, node: ast.AST, message: str) -> NoReturn:
        """What this reads does not go so far, there."""
        place = f"{self.file}:{getattr(node, 'lineno', 1)}:{getattr(node, 'col_offset', 0) + 1}"
        raise Undecided(f"{place}: {message} is not read; rewrite the line")

    def find(self, name: str) -> Definition:
        """The function or class of that name. InputError with the nearest one."""
        found = self.functions.get(name) or self.classes.get(name)
        if found is None:
            near = difflib.get_close_matches(name, [*self.functions, *self.classes], 1)
            known = ", ".join([*self.functions, *self.classes][:10]) or "nothing"
            remedy = f"did you mean {near[0]}?" if near else f"it defines {known}"
            raise InputError(f"it does not define {name[:80]}", remedy=remedy, file=self.file)
        return found


def read(path: str) -> Source:
    """A file, looked at from outside. InputError for what is no Python, or does more than define how to compute.

    Only math and NumPy may be imported (and what annotations need); besides definitions there may be constants. No
    decorator, no call in a default argument: nothing that works when a file is loaded.
    """
    text = _text(path)
    _look(path, text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, filename=path)
    except SyntaxError as error:
        raise InputError(f"no Python: {error.msg}", file=path, line=error.lineno, column=error.offset) from None
    except (RecursionError, MemoryError, ValueError):
        raise InputError("no Python that can be read: nested too deeply", file=path) from None
    return _Module(path).source(tree)


def _text(path: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise InputError(f"cannot be read: {reason}", file=path[:200], remedy="check the path") from None
    if len(content) > MAX_BYTES or content.count(b"\n") > MAX_LINES:
        raise InputError(f"longer than {MAX_BYTES} bytes or {MAX_LINES} lines", file=path, remedy="name a smaller file")
    if b"\0" in content:
        raise InputError("a null byte in the file", file=path, remedy="save it as text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", file=path, remedy="save it as UTF-8") from None


def _look(path: str, text: str) -> None:
    """Token by token: ASCII names, short numbers, short lines, flat nesting."""
    nesting = count = run = 0
    in_line = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            place: dict[str, Any] = {"file": path, "line": token.start[0], "column": token.start[1] + 1}
            count, in_line = count + 1, in_line + 1
            run = run + 1 if token.type == tokenize.OP else 0
            if token.type in (tokenize.NEWLINE, tokenize.NL):
                in_line = 0
            if token.type == tokenize.OP:
                nesting += (token.string in "([{") - (token.string in ")]}")
            if token.type == tokenize.INDENT and len(token.string) > 4 * MAX_NESTING:
                raise InputError("nested too deeply", **place)
            if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER) and not token.string.isascii():
                raise InputError("a name that is not ASCII: it may look like another one", **place)
            if token.type == tokenize.NUMBER and len(token.string) > MAX_NUMBER:
                raise InputError(f"a number of more than {MAX_NUMBER} characters", **place)
            if token.type == tokenize.ERRORTOKEN and not token.string.isspace():
                raise InputError("a character that Python does not have", **place)
            if count > MAX_TOKENS or in_line > MAX_LINE_TOKENS or nesting > MAX_NESTING or run > MAX_NESTING:
                raise InputError("too long or nested too deeply", remedy="write it in several lines", **place)
    except (tokenize.TokenError, IndentationError, SyntaxError) as error:
        raise InputError(f"no Python: {str(error.args[0])[:80]}", file=path) from None


class _Module:
    """The statements of a file, one after the other."""

    def __init__(self, path: str) -> None:
        self.file = path
        self.functions: dict[str, ast.FunctionDef] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.constants: dict[str, Any] = {}
        self.imported: dict[str, str] = {}
        self.result = Source(path, self.functions, self.classes, self.constants, self.imported)

    def source(self, tree: ast.Module) -> Source:
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imports(node)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.definition(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                self.constant(node)
            elif not _is_text(node) and not _is_main(node):
                self.result.refuse(
                    node, "a statement that would run when the file is loaded", "leave definitions and constants"
                )  # fmt: skip
        return self.result

    def fresh(self, node: ast.AST, name: str) -> None:
        if name in {**self.functions, **self.classes, **self.constants, **self.imported}:
            self.result.refuse(node, f"{name} has two meanings", "give each its own name")

    def imports(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.ImportFrom) and (node.module in HARMLESS and not node.level):
            return
        for alias in node.names:
            name = alias.asname or alias.name
            if isinstance(node, ast.Import):
                if alias.name in HARMLESS:
                    continue
                module, whole = alias.name, MODULES.get(alias.name, "")
            else:
                module = node.module or "."
                whole = f"{module}.{alias.name}" if module in MODULES and not node.level and alias.name != "*" else ""
            if not whole:
                self.result.refuse(node, f"it imports {module[:80]}", "only math and numpy are read")
            self.fresh(node, name)
            self.imported[name] = whole

    def definition(self, node: Definition) -> None:
        self.fresh(node, node.name)
        inner = node.body if isinstance(node, ast.ClassDef) else []
        methods: list[Definition] = [each for each in inner if isinstance(each, ast.FunctionDef)]
        for each in (node, *methods):
            for decorator in each.decorator_list:
                self.result.refuse(decorator, "a decorator, which would run when the file is loaded", "drop it")
            if isinstance(each, ast.FunctionDef):
                for default in (*each.args.defaults, *(item for item in each.args.kw_defaults if item is not None)):
                    self.literal(default)
        if isinstance(node, ast.ClassDef):
            if node.bases or node.keywords:
                self.result.refuse(node, "a class with a base", "write it without one")
            for part in inner:
                if not isinstance(part, ast.FunctionDef | ast.AnnAssign) and not _is_text(part):
                    self.result.refuse(part, "a statement in the class", "leave methods alone in it")
                if isinstance(part, ast.AnnAssign) and part.value is not None:
                    self.result.refuse(part, "an attribute of the class", "set it in __init__")
            self.classes[node.name] = node
        else:
            self.functions[node.name] = node

    def constant(self, node: ast.Assign | ast.AnnAssign) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if not isinstance(target, ast.Name):
                self.result.refuse(node, "an assignment to something that is no name", "leave constants")
            if node.value is not None and target.id != "__all__":
                self.fresh(node, target.id)
                self.constants[target.id] = self.literal(node.value)

    def literal(self, node: ast.expr) -> Any:
        """A number, a text, None, or a tuple of them."""
        found = literal(node)
        if found is _NONE:
            self.result.refuse(node, "something other than a plain value, which would run", "write a number")
        return found


_NONE = object()


def literal(node: ast.expr) -> Any:
    """The value of a literal; a private object for what is none."""
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, float) and not math.isfinite(value):
            return _NONE
        return value if value is None or isinstance(value, bool | int | float | str) else _NONE
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = literal(node.operand)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value if isinstance(node.op, ast.USub) else value
        return _NONE
    if isinstance(node, ast.Tuple):
        parts = tuple(literal(part) for part in node.elts)
        return _NONE if _NONE in parts else parts
    return _NONE


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_main(node: ast.stmt) -> bool:
    """The block for a file that is run as a program; nobody runs it here."""
    return (
        isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__" and not node.orelse
    )  # fmt: skip

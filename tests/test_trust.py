"""docs/trust.md says what is true of the kernel: its size and its rules."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

from derive.kernel.rules import RULES

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
KERNEL = sorted((ROOT / "derive" / "kernel").glob("*.py"))


def between(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->(.*?)<!-- /{marker} -->", PAGE, re.S)
    assert found, f"docs/trust.md has no place marked {marker}"
    return found[1]


def test_the_size_of_the_trusted_base_is_as_stated() -> None:
    code = sum(code_lines(path.read_text(encoding="utf-8")) for path in KERNEL)
    total = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in KERNEL)
    assert [int(number) for number in re.findall(r"\d+", between("kernel-size"))] == [code, total]


def test_the_rules_are_as_stated() -> None:
    assert re.findall(r"`(\w+)`", between("rules")) == sorted(RULES)


def code_lines(source: str) -> int:
    """Lines that are neither blank nor comment nor docstring."""
    documentation: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False):
            documentation.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    quiet = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in quiet]
    return len({line for token in tokens for line in range(token.start[0], token.end[0] + 1)} - documentation)

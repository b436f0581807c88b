"""The tokens of the chain language: ASCII names, exact numbers, operators. Everything is bounded before any work."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple, NoReturn

from derive.errors import InputError
from derive.kernel.terms import BINDERS, CONSTANTS, FUNCTIONS, MAX_DIGITS, OPTIMA

MAX_TEXT = 1 << 16
# A token makes at most two nodes (a minus, the middle of a < b < c), so this also keeps a term below MAX_NODES.
MAX_TOKENS = 20_000
MAX_NAME = 64

HEADERS = ("title.en", "title.ko", "title", "source", "given", "show", "use", "name", "define", "brace",
           "symbol")  # fmt: skip
KINDS = ("real", "integer", "differentiable")
CALCULUS = ("diff", "subdiff")
RESERVED = frozenset(
    (*FUNCTIONS, *CONSTANTS, *BINDERS, *OPTIMA, *CALCULUS, *KINDS, "rec", *(key for key in HEADERS if "." not in key))
)

_TOKEN = re.compile(
    r"(?P<space>[ \t]+)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9]*)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<op><=>|=>|<=|>=|!=|\*\*|[-+*/()\[\],=<>&|;])"
)
_INSTEAD = {
    "^": "write ** for a power",
    "_": "names are letters and digits: write g1, not g_1",
    "!": "write factorial(n), or != for unequal",
    ".": "write a number as 0.5, with digits on both sides of the point",
    "{": "write ( ) for grouping",
    "}": "write ( ) for grouping",
    "'": "names are letters and digits",
    '"': "a formula holds no text; a reason comes after --",
    ":": "a colon only follows the name of a header, such as given:",
    "#": "a comment stands on a line of its own",
    "\\": "write names without a backslash: eta, not \\eta",
    "\u2264": "write <=",
    "\u2265": "write >=",
    "\u2260": "write !=",
    "\u00d7": "write *",
    "\u00b7": "write *",
    "\u22c5": "write *",
    "\u2212": "write the ASCII minus -",
    "\u2013": "write the ASCII minus -",
    "\u21d4": "write <=>",
    "\u03c0": "write pi",
}  # fmt: skip


class Token(NamedTuple):
    """One token: its kind ("name", "number", "op" or "end"), its text, its 1-based column."""

    kind: str
    text: str
    column: int


def describe(character: str) -> str:
    """A character as an error names it; anything that is not printable ASCII by its code point.

    >>> describe("?"), describe("\\u0430")
    ("'?'", 'U+0430 CYRILLIC SMALL LETTER A')
    """
    if character.isascii() and character.isprintable():
        return f"'{character}'"
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()


def tokenize(text: str, offset: int = 0) -> list[Token]:
    """The tokens of a text, ended by an "end" token; `offset` is added to every column.

    Errors: InputError for a character outside the language, or a text, name or number beyond the limits.

    >>> [token.text for token in tokenize("2*b >= 1")]
    ['2', '*', 'b', '>=', '1', '']
    """
    if len(text) > MAX_TEXT:
        raise InputError(
            f"a text of {len(text)} characters, where {MAX_TEXT} are allowed",
            remedy="split it into several lines",
            column=offset + 1,
        )
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unknown(text[at], at + 1 + offset)
        kind, word = match.lastgroup or "", match.group()
        if kind != "space":
            _check(tokens, kind, word, at + 1 + offset)
            tokens.append(Token(kind, word, at + 1 + offset))
        at = match.end()
    tokens.append(Token("end", "", len(text) + 1 + offset))
    return tokens


def _unknown(character: str, column: int) -> InputError:
    remedy = _INSTEAD.get(character, "formulas are written in ASCII: names, numbers and + - * / ** ( ) [ ] , = < >")
    if not character.isascii() and character.isalpha() and character not in _INSTEAD:
        remedy = "names are ASCII letters and digits; write Greek letters by name, such as eta"
    return InputError(f"{describe(character)} is not part of the language", remedy=remedy, column=column)


def _check(tokens: list[Token], kind: str, word: str, column: int) -> None:
    if len(tokens) >= MAX_TOKENS:
        raise InputError(f"more than {MAX_TOKENS} symbols in one formula", remedy="split it", column=column)
    if kind == "name" and len(word) > MAX_NAME:
        raise InputError(f"a name of {len(word)} letters", remedy=f"use at most {MAX_NAME}", column=column)
    if kind == "number" and len(word) > MAX_DIGITS:
        raise InputError(f"a number of {len(word)} digits", remedy=f"use at most {MAX_DIGITS}", column=column)
    if not tokens:
        return
    last = tokens[-1]
    touching = last.column + len(last.text) == column
    if touching and last.text == word == "-":
        raise InputError("-- begins a reason", remedy="write a - (-b) for a double minus", column=last.column)
    if touching and last.text == word == "=":
        raise InputError("'==' is not part of the language", remedy="write =", column=last.column)
    if touching and last.kind == "number" and kind == "name":
        power = re.fullmatch(r"[eE][0-9]*", word)
        remedy = "write 10**(-8) for 1e-8" if power else f"write {last.text}*{word} for a product"
        raise InputError(f"the number {last.text} runs into the name {word}", remedy=remedy, column=column)


class Cursor:
    """A position in the tokens of one text."""

    def __init__(self, text: str, offset: int = 0) -> None:
        self.tokens = tokenize(text, offset)
        self.at = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def skip(self, text: str) -> bool:
        found = self.tokens[self.at].text == text
        self.at += found
        return found

    def expect(self, text: str, where: str) -> Token:
        if self.next.text != text:
            self.unexpected(f"'{text}' {where}")
        return self.take()

    def unexpected(self, expected: str) -> NoReturn:
        token = self.next
        before = self.tokens[self.at - 1] if self.at else None
        remedy = ""
        if before and (before.kind in ("name", "number") or before.text in (")", "]")):
            if token.kind in ("name", "number") or token.text == "(":
                remedy = "write * for a product"
            elif token.text == "[":
                remedy = "only a plain name takes an index"
        if token.text in (")", "]") and expected.startswith("the end"):
            remedy = "a bracket is closed that was never opened"
        elif token.kind == "end" and expected.startswith(("')'", "']'", "','")):
            remedy = "a bracket is never closed"
        found = f"'{token.text}'" if token.text else "the end"
        raise InputError(f"expected {expected}, found {found}", remedy=remedy, column=token.column)

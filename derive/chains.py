"""Reads chains: `.chain` files and the ```derive blocks of a deck become Derivation objects, not yet judged."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from derive.derivation import Derivation, Line, Symbol, Text
from derive.errors import InputError
from derive.headers import (
    KEPT,
    REPEATED,
    Header,
    Scope,
    assume,
    enter,
    entry_name,
    read_brace,
    read_header,
    signature,
    title_of,
)
from derive.syntax import Names, Parsed, free_names, is_claim, parse_expression
from derive.tokens import describe

MAX_FILE = 1 << 20
MAX_CHAINS = 1000  # of a file
MAX_LINES = 2000  # of a chain
RULES = (
    "definition", "identity", "log_of_product", "monotone", "argopt", "sum_termwise", "grad", "subgrad_abs",
    "positive", "induction", "equivalent", "cases", "termwise", "induction_on",
)  # fmt: skip

_RELATION = re.compile(r"\s*(<=>|<=|>=|=>|==|!=|=|<|>)")
_REASON_RULE = re.compile(r"\[\s*rule\s*:\s*([^\]\[]*?)\s*\]")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^\r\n]*?)[ \t]*$")
# Marks that reorder the text around them: a line would not read as it is judged.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Use:
    """A reference to an entry of the library, `use: laplace-l1`, at a line of the file."""

    name: str
    line: int = 0


Entry = Derivation | Use


@dataclass
class _Pending:
    """The headers and lines gathered for the chain that is being read."""

    headers: list[Header] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)


def compose(
    name: str, title: Text, source: str, given: str, lines: Iterable[tuple[str, str, Text, str]],
    *, define: Iterable[str] = (), show: str = "", meanings: Mapping[str, Text] = MappingProxyType({}),
) -> Derivation:  # fmt: skip
    """A derivation from its parts, as if an author had written them: lines are (relation, term, reason, rule).

    >>> compose("half", Text("a half"), "", "b > 0", [("", "2*b/b", Text(), ""), ("=", "2", Text("cancel"), "")]).name
    'half'
    """
    head = [f"title.en: {title.en}", f"title.ko: {title.ko}", f"source: {source}", f"given: {given}"]
    head += [f"define: {text}" for text in define] + ([f"show: {show}"] if show else [])
    body = []
    for relation, text, reason, rule in lines:
        why = f" -- {reason.en} | {reason.ko}" if reason else ""
        body.append(f"{relation:<3}{text}{why}{f' [rule: {rule}]' if rule else ''}")
    (found,) = read_chains("\n".join([*head, "", *body]) + "\n", name)
    return replace(found, name=name, file="", meanings=meanings)


def read_chains(text: str, file: str = "", *, first_line: int = 1) -> tuple[Derivation, ...]:
    """The chains of a `.chain` file.

    `first_line` is the number of the first line, where the text is a part of a file.
    Errors: InputError with file, line and column.

    >>> chain, = read_chains("given: b > 0\\n  2*b/b\\n= 2  -- cancel | 약분")
    >>> [(line.number, line.relation, line.reason.ko) for line in chain.lines]
    [(2, '', ''), (3, '=', '약분')]
    """
    entries, _ = _read(text, file, first_line, Scope())
    for entry in entries:
        if isinstance(entry, Use):
            raise InputError(
                "a file of chains can't use an entry of the library",
                remedy="`use` belongs in a derive block of a deck",
                file=file,
                line=entry.line,
                column=1,
            )
    return tuple(entry for entry in entries if isinstance(entry, Derivation))


def read_deck(text: str, file: str = "") -> tuple[tuple[Entry, ...], ...]:
    """The entries of each ```derive block of a deck, in the order of `read_deck_blocks`.

    `given`, `define` and `source` stay in force from block to block. Errors: InputError with the line of the deck.

    >>> [[type(entry).__name__ for entry in block] for block in read_deck("```derive\\nuse: laplace-l1\\n```\\n")]
    [['Use']]
    """
    scope = Scope()
    blocks: list[tuple[Entry, ...]] = []
    for line, body in read_deck_blocks(text, file):
        if len(blocks) >= MAX_CHAINS:
            raise InputError(f"more than {MAX_CHAINS} blocks", remedy="split the deck", file=file, line=line, column=1)
        entries, scope = _read(body, file, line, scope)
        blocks.append(entries)
    return tuple(blocks)


def read_deck_blocks(text: str, file: str = "") -> list[tuple[int, str]]:
    """The ```derive blocks of a deck: the line number of the first line of each body, and the body.

    >>> read_deck_blocks("# Title\\n```derive\\na\\n= a\\n```\\n")
    [(3, 'a\\n= a\\n')]
    """
    try:
        return [(line, body) for info, line, body in fences(text) if info.split()[:1] == ["derive"]]
    except InputError as error:
        raise error.at(file=file) from None


def fences(text: str) -> Iterator[tuple[str, int, str]]:
    """The fenced blocks of a Markdown text: info string, line number of the body's first line, body.

    Errors: InputError for a block that is never closed.

    >>> list(fences("~~~ python\\nx = 1\\n~~~"))
    [('python', 2, 'x = 1\\n')]
    """
    mark, info, start, indent = "", "", 0, 0
    body: list[str] = []
    for number, line in enumerate(_lines(text), 1):
        match = _FENCE.match(line)
        if not mark:
            if match and not (match["mark"][0] == "`" and "`" in match["info"]):
                mark, info, start, body = match["mark"], match["info"], number + 1, []
                indent = len(line) - len(line.lstrip(" "))
        elif match and not match["info"] and match["mark"].startswith(mark):
            yield info, start, "".join(f"{part}\n" for part in body)
            mark = ""
        else:
            body.append(line[min(indent, len(line) - len(line.lstrip(" "))) :])
    if mark:
        raise InputError(
            f"the block that opens with {mark}{info} is never closed", remedy=f"end it with {mark}", line=start - 1,
            column=1,
        )  # fmt: skip


# --- lines to entries -----------------------------------------------------------------------------------------------


def _lines(text: str) -> list[str]:
    # not splitlines(): it also breaks at form feeds and U+2028, and line numbers would drift from the editor's
    return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _read(text: str, file: str, first_line: int, scope: Scope) -> tuple[tuple[Entry, ...], Scope]:
    entries: list[Entry] = []
    pending = _Pending()
    number = first_line

    def finish() -> None:
        nonlocal scope, pending
        if pending.lines:
            if len(entries) >= MAX_CHAINS:
                raise InputError(f"more than {MAX_CHAINS} chains", remedy="split the file", column=1)
            try:
                entry, scope = _chain(pending, scope, file)
            except InputError as error:
                raise _defined_before(error, scope, pending.headers) from None
            entries.append(entry)
            pending = _Pending()

    try:
        if len(text) > MAX_FILE:
            raise InputError(f"a file of {len(text)} characters, where {MAX_FILE} are allowed", remedy="split it")
        for number, line in enumerate(_lines(text), first_line):
            _check_characters(line)
            if not line.strip():
                finish()
            elif line.lstrip().startswith("#"):
                continue
            elif header := read_header(line, number):
                finish()
                if header.key == "use":
                    entries.append(Use(entry_name(header), number))
                else:
                    pending.headers.append(header)
            elif len(pending.lines) >= MAX_LINES:
                raise InputError(f"more than {MAX_LINES} lines in a chain", remedy="split it", column=1)
            else:
                pending.lines.append((number, line))
        finish()
        orphan = next((h for h in pending.headers if h.key not in KEPT), None)
        if orphan:
            number = orphan.line
            raise InputError(f"the header {orphan.key} has no chain after it", remedy="add one", column=1)
        scope, _ = enter(pending.headers, scope)
    except InputError as error:
        raise error.at(file=file, line=number) from None
    return tuple(entries), scope


def _check_characters(line: str) -> None:
    for at, character in enumerate(line):
        if character != "\t" and (character in _BIDI or unicodedata.category(character) in ("Cc", "Cs")):
            raise InputError(f"{describe(character)} can't be shown", remedy="delete it", column=at + 1)


# --- one chain ------------------------------------------------------------------------------------------------------


def _chain(pending: _Pending, scope: Scope, file: str) -> tuple[Derivation, Scope]:
    scope, own = enter(pending.headers, scope)
    headers: dict[str, Header] = {}
    for header in pending.headers:
        if header.key not in REPEATED:
            if header.key in headers:
                raise header.error(f"the header {header.key} comes twice", "keep one")
            headers[header.key] = header
    names = scope.names()
    lines: list[Line] = []
    parsed: list[tuple[Parsed, int]] = []
    for number, line in pending.lines:
        try:
            lines.append(_line(line, number, not lines, names))
        except InputError as error:
            raise error.at(line=number) from None
        parsed.append((Parsed(lines[-1].term, lines[-1].binders), number))
        for name, (role, arity) in free_names(lines[-1].term).items():
            names.setdefault(name, Symbol(name, role, arity))  # so that the next line is told its column
    _check_shape(lines)
    goal: Parsed | None = None
    if show := headers.get("show"):
        try:
            goal = parse_expression(show.text, names, offset=show.offset)
        except InputError as error:
            raise error.at(line=show.line) from None
        parsed.append((goal, show.line))
    derivation = Derivation(
        name=entry_name(headers["name"]) if "name" in headers else "",
        title=title_of(headers),
        source=scope.source,
        assumptions=assume(scope, own, parsed),
        goal=goal.term if goal else None,
        goal_binders=goal.binders if goal else (),
        lines=tuple(lines),
        file=file,
        braces=tuple(read_brace(header, names, lines) for header in pending.headers if header.key == "brace"),
        meanings=scope.meanings,
    )
    return derivation, scope


def _defined_before(error: InputError, before: Scope, own: Iterable[Header]) -> InputError:
    """The error of a chain; where a name clashes with a definition of an earlier chain, it says which."""
    for header in before.defines:
        name = signature(header)[0]
        clash = error.message.startswith(f"{name} is used here as ") and "but declared as" in error.message
        if clash and not any(other.key == "define" and signature(other)[0] == name for other in own):
            remedy = f"{name} is defined in line {header.line}, and a definition stays in force; use another name"
            return InputError(error.message, remedy=remedy, file=error.file, line=error.line, column=error.column)
    return error


def _line(text: str, number: int, first: bool, names: Names) -> Line:
    formula, _, reason = text.partition("--")
    match = _RELATION.match(formula)
    relation, offset = "", 0
    if match:
        relation, offset = match[1], match.end()
        if first:
            raise InputError(
                f"the first line of a chain begins with {relation}", remedy="start with an expression; a blank line"
                " or a comment line above may have cut the chain", column=match.start(1) + 1,
            )  # fmt: skip
        if relation in ("=>", "==", "!="):
            better = {"=>": "<=> or >=", "==": "=", "!=": "a claim of its own: a != b"}[relation]
            raise InputError(f"no line begins with {relation}", remedy=f"write {better}", column=match.start(1) + 1)
    elif not first:
        begin = len(formula) - len(formula.lstrip()) + 1
        raise InputError(
            "a line without its relation to the line before", remedy="begin it with =, <=, <, >=, > or <=>, or leave"
            " a blank line before another chain", column=begin,
        )  # fmt: skip
    if not formula[offset:].strip():
        raise InputError("a line without a formula", remedy="write it before the reason", column=offset + 1)
    parsed = parse_expression(formula[offset:], names, offset=offset)
    wanted, words = _reason(reason, len(formula) + 2)
    return Line(relation, parsed.term, parsed.binders, words, number, wanted)


def _reason(text: str, offset: int) -> tuple[str, Text]:
    """The rule that a reason names, and its text in both languages without it."""
    found = list(_REASON_RULE.finditer(text))
    if len(found) > 1:
        raise InputError("two rules for one line", remedy="keep one", column=offset + found[1].start() + 1)
    for match in found:
        if match[1] not in RULES:
            near = difflib.get_close_matches(match[1], RULES, 1)
            remedy = f"did you mean {near[0]}?" if near else f"use one of {', '.join(RULES)}"
            raise InputError(f"unknown rule {match[1]!r:.80}", remedy=remedy, column=offset + match.start(1) + 1)
    rest = _REASON_RULE.sub(" ", text)
    if (stray := re.search(r"\[\s*rule\b", rest)) is not None:
        raise InputError(
            "a rule is named as [rule: NAME]", remedy="close the bracket", column=offset + stray.start() + 1
        )
    english, _, korean = rest.partition("|")
    return found[0][1] if found else "", Text(" ".join(english.split()), " ".join(korean.split()))


def _check_shape(lines: list[Line]) -> None:
    """A chain of one line claims something; in a longer one comparisons are joined by <=>, all else by the rest."""
    first = lines[0]
    if len(lines) == 1 and not is_claim(first.term):
        raise InputError(
            "a chain of one line is a claim, and this line claims nothing",
            remedy="write a relation in it, or a second line that begins with one",
            line=first.number,
            column=1,
        )
    for line in lines[1:]:
        if first.term[0] == "rec" or line.term[0] == "rec":
            raise InputError(
                "a recurrence stands alone", remedy="leave a blank line around it", line=line.number, column=1
            )
        if (line.relation == "<=>") != is_claim(line.term) or is_claim(line.term) != is_claim(first.term):
            raise InputError(
                f"{line.relation} joins {'comparisons' if line.relation == '<=>' else 'expressions'}, and this joins "
                f"{'a comparison' if is_claim(first.term) else 'an expression'} to "
                f"{'a comparison' if is_claim(line.term) else 'an expression'}",
                remedy="join comparisons by <=>, expressions by =, <=, <, >= or >",
                line=line.number,
                column=1,
            )

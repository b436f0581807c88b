"""The headers of a chain: what they say, and what stays in force: `source`, `given`, `define` and `symbol`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from derive.derivation import Assumptions, Definition, Line, Symbol, Text
from derive.errors import InputError
from derive.kernel.terms import BINDERS, OPTIMA, Refused, Term, rebuild
from derive.limits import Written, written_size
from derive.parser import ADD, Parser
from derive.syntax import Names, Parsed, complete, free_names, is_claim, merge, names_of, parse_expression, parse_given
from derive.tokens import HEADERS, tokenize

_HEADER = re.compile(r"\s*([A-Za-z][A-Za-z0-9_.]*)\s*:")
_ENTRY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
MAX_DEFINITIONS = 100
KEPT = ("given", "define", "source", "symbol")  # the headers that stay in force
REPEATED = (*KEPT, "brace")  # a chain may have several


@dataclass(frozen=True)
class Header:
    """One header: its key, its text, its line, and how many characters stand before the text."""

    key: str
    text: str
    line: int
    offset: int

    def error(self, message: str, remedy: str) -> InputError:
        return InputError(message, remedy=remedy, line=self.line, column=self.offset + 1)


@dataclass(frozen=True)
class Scope:
    """What stays in force from one chain to the next."""

    source: str = ""
    given: Assumptions = field(default_factory=Assumptions)
    defines: tuple[Header, ...] = ()
    meanings: Mapping[str, Text] = field(default_factory=dict)

    def names(self) -> dict[str, Symbol]:
        """The names that a line may use; of a definition the signature is enough to read the line."""
        names = dict(names_of(self.given))
        for header in self.defines:
            name, parameters, _ = signature(header)
            names[name] = Symbol(name, "function", len(parameters))
        return names


def read_header(line: str, number: int) -> Header | None:
    """The header on a line, or None if the line is none.

    >>> read_header("given: b > 0", 3)
    Header(key='given', text='b > 0', line=3, offset=7)
    """
    match = _HEADER.match(line)
    if match is None:
        return None
    key, rest = match[1], line[match.end() :]
    if key not in HEADERS:
        near = difflib.get_close_matches(key, HEADERS, 1)
        remedy = f"did you mean {near[0]}?" if near else f"use one of {', '.join(HEADERS)}"
        raise InputError(f"unknown header {key}", remedy=remedy, line=number, column=match.start(1) + 1)
    return Header(key, rest.strip(), number, match.end() + len(rest) - len(rest.lstrip()))


def entry_name(header: Header) -> str:
    """The text of a `name` or `use` header."""
    if not _ENTRY_NAME.fullmatch(header.text):
        raise header.error(
            f"{header.key} needs a name of letters, digits and hyphens", f"write {header.key}: laplace-l1"
        )
    return header.text


def enter(headers: Iterable[Header], scope: Scope) -> tuple[Scope, tuple[Header, ...]]:
    """The scope after these headers, and the `define` headers among them; a new `given` replaces the old one."""
    given: Assumptions | None = None
    defines: dict[str, Header] = {}
    for header in headers:
        try:
            if header.key == "given":
                given = merge(given or Assumptions(), parse_given(header.text, offset=header.offset))
            elif header.key == "source":
                scope = replace(scope, source=header.text)
            elif header.key == "symbol":
                scope = replace(scope, meanings={**scope.meanings, **read_symbol(header)})
            elif header.key == "define":
                name = signature(header)[0]
                if name in defines:
                    raise header.error(f"{name} is defined twice", "give one of them another name")
                if len(defines) + len(scope.defines) >= MAX_DEFINITIONS:
                    raise header.error(f"more than {MAX_DEFINITIONS} definitions", "split the file")
                defines[name] = header
        except InputError as error:
            raise error.at(line=header.line, column=header.offset + 1) from None
    older = tuple(header for header in scope.defines if signature(header)[0] not in defines)
    new = tuple(defines.values())
    return replace(scope, given=scope.given if given is None else given, defines=(*older, *new)), new


def title_of(headers: Mapping[str, Header]) -> Text:
    """The title of a chain: `title: English | 한국어`, or `title.en` and `title.ko`, which come first."""
    both = headers["title"].text if "title" in headers else ""
    en, _, ko = (part.strip() for part in both.partition(" | "))
    return Text(*(headers[key].text if key in headers else text for key, text in (("title.en", en), ("title.ko", ko))))


def read_symbol(header: Header) -> dict[str, Text]:
    """The names and their meaning of `symbol: L, mu -- the largest and smallest curvature | 가장 큰 곡률과 작은 곡률`.

    >>> read_symbol(Header("symbol", "lambda -- curvature | 곡률", 1, 8))["lambda"].ko
    '곡률'
    """
    names, _, words = header.text.partition("--")
    english, _, korean = words.partition("|")
    text = Text(" ".join(english.split()), " ".join(korean.split()))
    listed = [name.strip() for name in names.split(",")]
    if not text or not all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name) for name in listed):
        raise header.error("a symbol needs a name and its meaning", "write symbol: lambda -- curvature | 곡률")
    return dict.fromkeys(listed, text)


def read_brace(header: Header, names: Names, lines: Iterable[Line]) -> tuple[Term, Text]:
    """The term and its name of `brace: EXPR -- English | 한국어`; the term must stand in one of the lines."""
    formula, _, words = header.text.partition("--")
    english, _, korean = words.partition("|")
    text = Text(" ".join(english.split()), " ".join(korean.split()))
    if not text:
        raise header.error("a brace without a name", "write brace: sum(e[i], i, 1, N) -- the loss | 손실")
    try:
        term = parse_expression(formula, names, offset=header.offset).term
    except InputError as error:
        raise error.at(line=header.line, column=header.offset + 1) from None
    if not any(True for line in lines for _ in places(term, line.term, line.binders)):
        raise header.error("this stands in no line of the chain", "write it as a line has it")
    return term, text


def places(wanted: Term, term: Term, binders: Iterable[str] = ()) -> Iterator[tuple[int, ...]]:
    """Where a term stands in another: paths of child positions. Inside a sum its index goes by the author's name.

    >>> line = parse_expression("2*sum(y[i], i, 1, N)")
    >>> list(places(parse_expression("y[i]").term, line.term, line.binders))
    [(2, 3)]
    """
    yield from _places(wanted, term, iter(binders), (), ())


def _places(
    wanted: Term, term: Term, binders: Iterator[str], scope: tuple[str, ...], path: tuple[int, ...]
) -> Iterator[tuple[int, ...]]:
    if term[0] == wanted[0] and (term == wanted or _named(term, scope) == wanted):
        yield path
    inner = (*scope, next(binders, "")) if term[0] in BINDERS else scope
    for k, part in enumerate(term):
        if k and isinstance(part, tuple) and part and not (term[0] in OPTIMA and k == 1):
            yield from _places(wanted, part, binders, inner if k == 3 else scope, (*path, k))


def _named(term: Term, scope: tuple[str, ...], depth: int = 0) -> Term:
    """A term with the indices of the sums around it as names, of which the innermost is the last."""
    if term[0] == "b" and depth <= term[1] < depth + len(scope):
        return ("v", scope[depth - 1 - term[1]])
    return rebuild(term, lambda part, bound: _named(part, scope, depth + bound))


@lru_cache(maxsize=1024)
def signature(header: Header) -> tuple[str, tuple[str, ...], int]:
    """Name and parameters of `define: L(w) = EXPR`, and where in the text of the header the body begins."""
    left, equals, _ = header.text.partition("=")
    parser = Parser(left, None, header.offset)
    node = parser.parse(ADD)
    places = node.term[2:]
    plain = node.term[0] == "call" and all(place[0] == "v" for place in places) and len({*places}) == len(places)
    if not (equals and plain) or parser.next.kind != "end":
        raise header.error("a definition names a function and its parameters", "write define: L(w) = (y - w*x)**2")
    return node.term[1], tuple(place[1] for place in places), len(left) + 1


def define(header: Header, assumptions: Assumptions) -> Assumptions:
    """The assumptions with one more definition, and the names declared that its body uses."""
    name, parameters, begin = signature(header)
    if any(symbol.name == name for symbol in assumptions.symbols):
        raise header.error(f"{name} is both given and defined", "choose one")
    # A parameter hides a given name: the x of p(x) is not the family x[i].
    outside = replace(assumptions, symbols=tuple(s for s in assumptions.symbols if s.name not in parameters))
    try:
        body = parse_expression(header.text[begin:], names_of(outside), offset=header.offset + begin)
        used = free_names(body.term)
        if name in used:
            raise InputError(f"{name} is used in its own definition", remedy="use another name in the body")
        for parameter in parameters:
            if used.get(parameter, ("scalar", 0))[0] != "scalar" or parameter in body.binders:
                raise InputError(f"the parameter {parameter} is used as something else", remedy="rename one of them")
        if is_claim(body.term):
            raise InputError(f"{name} is defined as a comparison", remedy="define it as an expression")
        more = complete(outside, [body.term], body.binders).symbols
    except InputError as error:
        raise error.at(line=header.line, column=header.offset + begin + 1) from None
    known = {*parameters, *(symbol.name for symbol in assumptions.symbols)}
    return replace(
        assumptions,
        symbols=(*assumptions.symbols, *(symbol for symbol in more if symbol.name not in known)),
        definitions=(*assumptions.definitions, Definition(name, parameters, body.term, body.binders)),
    )


def assume(scope: Scope, own: Iterable[Header], parsed: Iterable[tuple[Parsed, int]]) -> Assumptions:
    """What is given, the definitions of this chain or used by it, and every other name of its (term, line) pairs."""
    parsed = list(parsed)
    used = {name for item, _ in parsed for name in free_names(item.term)}
    wanted: list[Header] = []
    for header in reversed(scope.defines):  # a body only uses what was defined before it
        name, _, begin = signature(header)
        if header in own or name in used:
            wanted.insert(0, header)
            try:
                used |= {token.text for token in tokenize(header.text[begin:], header.offset + begin)}
            except InputError as error:
                raise error.at(line=header.line) from None
    assumptions = scope.given
    for header in wanted:
        assumptions = define(header, assumptions)
    _written_out(assumptions, wanted, parsed)
    parts = [(item.term, item.binders) for item, _ in parsed]
    try:
        return complete(assumptions, [term for term, _ in parts], [name for _, names in parts for name in names])
    except InputError:
        _blame(assumptions, parsed)
        raise


def _written_out(assumptions: Assumptions, defined: list[Header], parsed: list[tuple[Parsed, int]]) -> None:
    """Refuse definitions that, one used in the other, write out to more than the kernel reads."""
    sizes: dict[str, tuple[tuple[str, ...], Written]] = {}
    remedy = "define it with fewer uses of other definitions"
    for header, item in zip(defined, assumptions.definitions, strict=True):
        try:
            sizes[item.name] = (item.parameters, written_size(item.body, sizes))
        except Refused as refusal:
            raise header.error(f"{item.name} has {refusal}", remedy) from None
    for parsed_item, number in parsed:
        try:
            written_size(parsed_item.term, sizes)
        except Refused as refusal:
            why = f"this line has {refusal}"
            raise InputError(why, remedy="use fewer definitions", line=number, column=1) from None


def _blame(assumptions: Assumptions, parsed: list[tuple[Parsed, int]]) -> None:
    """Raise the error that the terms give together at the line that gives it."""
    for terms, binders in ((True, False), (False, True)):  # an index may clash with a name of a later line
        for item, number in parsed:
            try:
                assumptions = complete(assumptions, [item.term] if terms else [], item.binders if binders else ())
            except InputError as error:
                raise error.at(line=number, column=1) from None

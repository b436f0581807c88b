"""The ASCII language for expressions and facts: text in, terms and assumptions out; nothing is ever evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from derive.derivation import Assumptions, Symbol
from derive.errors import InputError
from derive.kernel.terms import RELATIONS, Term, abstract
from derive.names import Names, bound_by_name, conflict, free_names, is_claim, unknown_function, walk
from derive.nodes import Node
from derive.parser import ADD, Parsed, Parser, parse_expression
from derive.tokens import KINDS, RESERVED

__all__ = [
    "RESERVED", "Names", "Parsed", "complete", "free_names", "is_claim", "merge", "names_of", "parse_expression",
    "parse_given",
]  # fmt: skip

_COMPARISONS = frozenset(RELATIONS) - {"<=>"}


def names_of(assumptions: Assumptions) -> Names:
    """What a formula under these assumptions may use, for `parse_expression`.

    >>> sorted(names_of(parse_given("b > 0; f(x, w) real")))
    ['b', 'f']
    """
    names = {symbol.name: symbol for symbol in assumptions.symbols}
    for definition in assumptions.definitions:
        names[definition.name] = Symbol(definition.name, "function", len(definition.parameters))
    return names


def parse_given(text: str, *, offset: int = 0) -> Assumptions:
    """The facts of a `given` header, `;` between them, with a Symbol for every name in them.

    A fact about an indexed family with plain index names, or a function of plain names, holds for all of them.
    Errors: InputError with the column.

    >>> parse_given("s[i] > 0").facts
    (('all', 1, ('>', ('ix', 's', ('b', 0)), ('q', Fraction(0, 1)))),)
    >>> parse_given("N integer >= 1").symbols
    (Symbol(name='N', role='scalar', arity=0, kind='integer'),)
    """
    if not text.strip():
        return Assumptions()
    try:
        return _Facts(text, offset).read()
    except RecursionError:
        raise InputError("nested too deeply", remedy="write simpler facts", column=offset + 1) from None


class _Facts:
    """The facts read so far; a kind that nobody stated is real."""

    def __init__(self, text: str, offset: int) -> None:
        self.parser = Parser(text, None, offset)
        self.text, self.offset = text, offset
        self.symbols: dict[str, Symbol] = {}
        self.stated: dict[str, str] = {}
        self.facts: list[Term] = []
        self.texts: list[str] = []
        self.relations: list[tuple[str, Node, Node]] = []

    def read(self) -> Assumptions:
        parser = self.parser
        while parser.next.kind != "end":
            if parser.skip(";"):
                continue
            begin = parser.next.column
            self.fact()
            if parser.next.text != ";" and parser.next.kind != "end":
                parser.unexpected("';' after a fact")
            self.texts.append(self.text[begin - 1 - self.offset : parser.next.column - 1 - self.offset].strip())
        scalars = {name for name, symbol in self.symbols.items() if symbol.role == "scalar"}
        for op, left, right in self.relations:
            fact = (op, left.term, right.term)
            free = free_names(fact)
            scalars |= {name for name in free if free[name][0] == "scalar"} - {*_placeholders(fact, frozenset())}
        for op, left, right in self.relations:
            self.relation((op, left.term, right.term), left, right, scalars)
        return Assumptions(tuple(self.symbols.values()), tuple(dict.fromkeys(self.facts)), (), tuple(self.texts))

    def fact(self) -> None:
        parser = self.parser
        parser.uses.clear()  # the i of y[i] in one fact is not the i of the next
        items = [parser.parse(ADD)]
        while parser.skip(","):
            items.append(parser.parse(ADD))
        kinds = []
        while parser.next.text in KINDS:
            kinds.append(parser.take())
        if kinds or len(items) > 1:
            for item in items:
                if not _is_item(item.term):
                    raise InputError(
                        "a list of facts names a, y[i] or f(x, w)", remedy="put ; between facts", column=item.column
                    )
        words = [token.text for token in kinds]
        if len({*words} & {"real", "integer"}) > 1 or len(words) != len({*words}):
            raise InputError("two kinds for one name", remedy="state one of real, integer", column=kinds[1].column)
        for item in items if kinds else ():
            self.kind(item, words)
        ops, others = [], []
        while parser.next.text in _COMPARISONS:
            ops.append(parser.take().text)
            others.append(parser.parse(ADD))
        if not ops and not kinds:
            if parser.next.text in ("&", "|", "<=>"):
                parser.unexpected("a comparison; facts are separated by ;")
            parser.unexpected("a comparison or a kind, such as b > 0, w real or N integer >= 1")
        parser.demand_values(*items, *others)
        for item in items:
            row = [item, *others]
            for op, left, right in zip(ops, row, row[1:], strict=False):
                if left is item or item is items[0]:
                    self.relations.append((op, left, right))

    def kind(self, item: Node, words: list[str]) -> None:
        _, name, *places = item.term
        kind = "integer" if "integer" in words else "real"
        if self.stated.setdefault(name, kind) != kind:
            raise InputError(f"{name} is stated to be real and integer", remedy="state one", column=item.column)
        if "differentiable" in words:
            if item.term[0] != "call":
                raise InputError(
                    "only a function is differentiable", remedy="write f(x, w) real differentiable", column=item.column
                )
            self.facts.append(("differentiable", name))
        role = {"v": "scalar", "ix": "indexed", "call": "function"}[item.term[0]]
        self.declare(name, role, len(places), item.column)
        self.symbols[name] = replace(self.symbols[name], kind=kind)

    def declare(self, name: str, role: str, arity: int, column: int) -> None:
        symbol = self.symbols.setdefault(name, Symbol(name, role, arity))
        if (symbol.role, symbol.arity) != (role, arity):
            raise conflict(name, (symbol.role, symbol.arity), (role, arity), "declared as", column)

    def relation(self, fact: Term, left: Node, right: Node, scalars: Set[str]) -> None:
        slope = _slope(fact)
        places = _placeholders(fact, scalars)
        if slope is not None:
            fact = ("=", fact[1][1], fact[2])  # the variable of the derivative is one of the arguments, all are free
        for place in places:
            if place in left.binders + right.binders or bound_by_name(fact, place):
                raise InputError(
                    f"{place} stands for every index here and is bound elsewhere",
                    remedy="use another name",
                    column=left.column,
                )
            fact = abstract(fact, place)
        for name, (role, arity) in free_names(fact).items():
            if name in places:
                raise conflict(name, ("scalar", 0), (role, arity), "used as an index: it is", left.column)
            self.declare(name, role, arity, left.column)
        for name in left.binders + right.binders:
            if name in free_names(fact):
                raise InputError(f"the index {name} is also a name", remedy="rename the index", column=left.column)
        if slope is not None:
            self.facts.append(slope)
            return
        self.facts.append(("all", len(places), fact) if places else fact)


def _is_item(term: Term) -> bool:
    places = term[2:]
    return term[0] == "v" or (
        term[0] in ("ix", "call") and all(part[0] == "v" for part in places) and len({*places}) == len(places)
    )


def _slope(fact: Term) -> Term | None:
    """`diff(f(x, w), w) = df(x, w)` names the derivative of a function: ("slope", "f", "df", 1)."""
    if fact[0] != "=" or fact[1][0] != "diff" or fact[1][1][0] != "call" or fact[2][0] != "call":
        return None
    (_, f, *places), (_, name, *others) = fact[1][1], fact[2]
    plain = places == others and len({*places}) == len(places) and all(place[0] == "v" for place in places)
    return ("slope", f, name, places.index(fact[1][2])) if plain and fact[1][2] in places else None


def _placeholders(fact: Term, scalars: Set[str]) -> list[str]:
    """The names that a fact holds for all of: plain indices, and the arguments of a function of plain names.

    An index that is a declared name, the n of "n >= 1; s[n] > 0", means that one place: the weaker reading.
    """
    found: dict[str, None] = {}
    for node in walk(fact):
        if node[0] == "ix":
            found.update((part[1], None) for part in node[2:] if part[0] == "v" and part[1] not in scalars)
        elif node[0] == "call" and all(part[0] == "v" for part in node[2:]):
            found.update((part[1], None) for part in node[2:])
    return list(found)


def merge(first: Assumptions, second: Assumptions) -> Assumptions:
    """Both sets of assumptions as one.

    Errors: InputError for a name that they declare differently.

    >>> [s.name for s in merge(parse_given("b > 0"), parse_given("w real")).symbols]
    ['b', 'w']
    """
    symbols = {symbol.name: symbol for symbol in first.symbols}
    for symbol in second.symbols:
        old = symbols.setdefault(symbol.name, symbol)
        if (old.role, old.arity) != (symbol.role, symbol.arity):
            raise conflict(symbol.name, (old.role, old.arity), (symbol.role, symbol.arity), "declared as")
        if symbol.kind == "integer":
            symbols[symbol.name] = symbol
    return Assumptions(
        tuple(symbols.values()),
        tuple(dict.fromkeys((*first.facts, *second.facts))),
        (*first.definitions, *second.definitions),
        tuple(dict.fromkeys((*first.texts, *second.texts))),
    )


def complete(assumptions: Assumptions, terms: Iterable[Term], binders: Sequence[str] = ()) -> Assumptions:
    """The assumptions with every further name of the terms declared: scalars and indexed names are real.

    The index of a recurrence becomes an integer. `binders` are the names of the indices in the terms.
    Errors: InputError for a name in two roles, a function nobody declared, an index that is also a name.

    >>> [s.name for s in complete(Assumptions(), [parse_expression("w*y[i]").term]).symbols]
    ['w', 'y', 'i']
    """
    names = dict(names_of(assumptions))
    added: dict[str, Symbol] = {}
    for term in terms:
        index = term[2] if term[0] == "rec" else ""
        for name, (role, arity) in free_names(term).items():
            if name not in names:
                if role == "function":
                    raise unknown_function(name, names)
                kind = "integer" if name == index else "real"
                names[name] = added[name] = Symbol(name, role, arity, kind)
            symbol = names[name]
            if (symbol.role, symbol.arity) != (role, arity):
                raise conflict(name, (symbol.role, symbol.arity), (role, arity), "declared as")
    for name in binders:
        if name in names:
            raise InputError(f"the index {name} is also a declared name", remedy="give the index another name")
    return replace(assumptions, symbols=(*assumptions.symbols, *added.values()))

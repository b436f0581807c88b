"""The notation table of a derivation: its symbols in order of appearance, what they mean and where they live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from derive.derivation import Assumptions, Derivation, Symbol, Text
from derive.kernel.terms import BINDERS, OPTIMA, Term, subterms
from derive.render.highlight import parts
from derive.render.latex import latex
from derive.render.pieces import RELATION_SIGNS
from derive.symbols import DEFAULT, Naming, Notation, names_in

_INDEX_NAMES = ("i", "j", "k", "l")
_SETS = {"real": r"\mathbb{R}", "integer": r"\mathbb{Z}"}
_KINDS = {"real": Text("real", "실수"), "integer": Text("integer", "정수")}


class SymbolUse(NamedTuple):
    """A row of the notation table; the domain as words and as LaTeX."""

    name: str
    latex: str
    gloss: Text
    domain: Text
    domain_latex: str


def symbols_used(derivation: Derivation, notation: Notation = DEFAULT) -> tuple[SymbolUse, ...]:
    """The names that the lines and the goal use, in order of appearance, then the names of their indices.

    >>> from derive.derivation import Line
    >>> d = Derivation(assumptions=Assumptions(facts=((">", ("v", "b"), ("q", 0)),)), lines=(Line("", ("v", "b")),))
    >>> symbols_used(d)[0].latex, symbols_used(d)[0].domain.en
    ('b', 'b > 0')
    """
    naming = notation.naming_of(derivation)
    terms = [line.term for line in derivation.lines] + ([] if derivation.goal is None else [derivation.goal])
    roles = {name: role for term in reversed(terms) for name, role in reversed(list(names_in(term)))}
    order = dict.fromkeys(name for term in terms for name, _ in names_in(term))
    declared = {symbol.name: symbol for symbol in derivation.assumptions.symbols}
    rows = [_row(derivation, declared.get(name) or Symbol(name), roles[name], naming) for name in order]
    return (*rows, *_indices(derivation, naming, set(order)))


def given_latex(derivation: Derivation, notation: Notation = DEFAULT) -> tuple[str, ...]:
    """The assumptions as formulas: kinds of names, facts, definitions.

    >>> given_latex(Derivation(assumptions=Assumptions(facts=((">", ("v", "b"), ("q", 0)),))))
    ('b > 0',)
    """
    given, naming = derivation.assumptions, notation.naming_of(derivation)
    compared = {name for fact in given.facts for name, _ in names_in(fact)}
    found = []
    for kind in _SETS:
        # A name that is compared with something is real anyway.
        symbols = [s for s in given.symbols if s.kind == kind and (kind == "integer" or s.name not in compared)]
        if symbols:
            found.append(", ".join(_shown(derivation, s, naming) for s in symbols) + rf" \in {_SETS[kind]}")
    found += [latex(_instance(fact), naming=naming) for fact in given.facts]
    for definition in given.definitions:
        parameters = tuple(("v", name) for name in definition.parameters)
        head: Term = ("call", definition.name, *parameters) if parameters else ("v", definition.name)
        body = latex(definition.body, binders=definition.binders, naming=naming)
        found.append(rf"{latex(head, naming=naming)} := {body}")
    return tuple(found)


def _row(derivation: Derivation, symbol: Symbol, role: str, naming: Naming) -> SymbolUse:
    shown = _shown(derivation, symbol, naming, role)
    facts = [_instance(fact) for fact in derivation.assumptions.facts if _about(fact, symbol.name)]
    bounds = [_bound_words(fact, symbol.name, derivation.assumptions) for fact in facts]
    entry = naming.notation.entry(symbol.name)
    if entry.domain:
        words = entry.domain
    else:
        kinds = (_KINDS[symbol.kind],) if symbol.kind == "integer" or not bounds else ()
        words = Text(*(", ".join([*(kind.in_(lang) for kind in kinds), *bounds]) for lang in ("en", "ko")))
    formulas = [latex(fact, naming=naming) for fact in facts]
    if symbol.kind == "integer" or not formulas:
        formulas.insert(0, rf"{shown} \in {_SETS[symbol.kind]}")
    return SymbolUse(symbol.name, shown, naming.notation.gloss(symbol.name), words, r",\; ".join(formulas))


def _about(fact: Term, name: str) -> bool:
    """Whether a fact bounds one symbol by a number or another name: b > 0, a < 1, M <= N."""
    inner = fact[2] if fact[0] == "all" else fact
    if inner[0] not in RELATION_SIGNS or inner[0] == "<=>":
        return False
    left, right = inner[1], inner[2]
    sides = [side for side in (left, right) if side[0] in ("v", "ix", "call") and side[1] == name]
    return len(sides) == 1 and all(_simple(side) for side in (left, right))


def _simple(term: Term) -> bool:
    return term[0] in ("v", "q", "c", "ix", "call") or (term[0] == "neg" and _simple(term[1]))


def _bound_words(fact: Term, name: str, given: Assumptions) -> str:
    """A simple fact in ASCII."""
    return f"{_ascii(fact[1])} {fact[0]} {_ascii(fact[2])}"


def _ascii(term: Term) -> str:
    if term[0] == "ix":
        return f"{term[1]}[{', '.join(map(_ascii, term[2:]))}]"
    if term[0] == "call":
        return f"{term[1]}({', '.join(map(_ascii, term[2:]))})"
    return f"-{_ascii(term[1])}" if term[0] == "neg" else str(term[1])


def _shown(derivation: Derivation, symbol: Symbol, naming: Naming, role: str = "") -> str:
    """A symbol as the derivation uses it: y_i for an indexed name, f(x_i, w) for a function."""
    tag = {"indexed": "ix", "function": "call"}.get(symbol.role, role or "v")
    if tag == "v":
        return str(naming.printed(symbol.name))
    for line in derivation.lines:
        for node, scope in _scoped(line.term, iter(line.binders), ()):
            if node[:2] == (tag, symbol.name):
                return latex(_with_names(node, scope), naming=naming)
    names = tuple(("v", name) for name in _INDEX_NAMES[: symbol.arity])
    return latex((tag, symbol.name, *names), naming=naming)


def _scoped(term: Term, binders: Iterator[str], scope: tuple[str, ...]) -> Iterator[tuple[Term, tuple[str, ...]]]:
    """Every node with the names of the indices around it, innermost last."""
    yield term, scope
    inner = scope
    if term[0] in BINDERS:
        fresh = next((name for name in _INDEX_NAMES if name not in scope), _INDEX_NAMES[0])
        inner = (*scope, next(binders, "") or fresh)
    for k, part in parts(term):
        yield from _scoped(part, binders, inner if k == 3 else scope)


def _with_names(term: Term, names: tuple[str, ...]) -> Term:
    """A term with its free indices as names; the innermost is the last."""
    if term[0] == "b":
        return ("v", names[-1 - term[1]] if term[1] < len(names) else _INDEX_NAMES[0])
    if term[0] in (*BINDERS, *OPTIMA):
        return term  # an index of its own is in there; the whole is printed by itself
    return tuple(_with_names(part, names) if isinstance(part, tuple) and part else part for part in term)


def _instance(fact: Term) -> Term:
    """A fact about every member of a family, said of the member with the index i."""
    return _with_names(fact[2], _INDEX_NAMES[: fact[1]]) if fact[0] == "all" else fact


def _indices(derivation: Derivation, naming: Naming, names: set[str]) -> Iterator[SymbolUse]:
    """A row for each index that the author named, with the range of its first sum or product."""
    seen = set(names)
    for line in derivation.lines:
        binders = iter(line.binders)
        for node in subterms(line.term):
            name = next(binders, "") if node[0] in BINDERS else ""
            if not name or name in seen or any(part[0] == "b" for end in node[1:3] for part in subterms(end)):
                continue
            seen.add(name)
            shown, low, high = str(naming.printed(name)), latex(node[1], naming=naming), latex(node[2], naming=naming)
            words = f"{name} = {_ascii(node[1])}, ..., {_ascii(node[2])}" if all(map(_simple, node[1:3])) else ""
            domain = Text(words) if words else _KINDS["integer"]
            yield SymbolUse(name, shown, naming.notation.gloss(name), domain, rf"{shown} = {low}, \dots, {high}")

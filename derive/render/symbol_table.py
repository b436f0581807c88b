"""The notation table of a derivation: its symbols in order of appearance, what they mean and where they live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from derive.derivation import Derivation, Symbol, Text
from derive.kernel.terms import BINDERS, OPTIMA, ZERO, Term, rebuild, subterms
from derive.render.highlight import parts
from derive.render.latex import latex
from derive.render.pieces import ARGUMENT_NAMES, RELATION_SIGNS
from derive.symbols import DEFAULT, Naming, Notation, names_in

_FAMILIES = ("ix", "call")
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

    >>> from derive.derivation import Assumptions, Line
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


def few(domains: Iterable[str], more: str, most: int = 2) -> list[str]:
    """The domains of a symbol that several derivations use, cut short: a table is no place for all of them.

    >>> few("abcde", "...")
    ['a', 'b', '...']
    """
    found = list(domains)
    return found if len(found) <= most else [*found[:most], more]


def given_latex(derivation: Derivation, notation: Notation = DEFAULT) -> tuple[str, ...]:
    """The assumptions as formulas: kinds of names, facts, definitions.

    >>> from derive.derivation import Assumptions
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
    found += facts_latex(derivation, given.facts, naming)
    for definition in given.definitions:
        parameters = tuple(("v", name) for name in definition.parameters)
        head: Term = ("call", definition.name, *parameters) if parameters else ("v", definition.name)
        body = latex(definition.body, binders=definition.binders, naming=naming)
        found.append(rf"{latex(head, naming=naming)} := {body}")
    return tuple(found)


def facts_latex(derivation: Derivation, facts: Sequence[Term], naming: Naming) -> list[str]:
    """Facts as formulas, said of the member of a family that the derivation uses; 0 < a and a < 1 become 0 < a < 1."""
    chains: list[list[Term]] = []
    smooth = [rf"{naming.printed(fact[1])} \text{{ differentiable}}" for fact in facts if fact[0] == "differentiable"]
    for fact in (_instance(fact, derivation) for fact in facts if fact[0] != "differentiable"):
        before = chains[-1][-1] if chains else fact
        joins = before[0] in ("<", "<=") and fact[0] in ("<", "<=") and before[2] == fact[1]
        chains = [*chains[:-1], [*chains[-1], fact]] if joins and chains else [*chains, [fact]]
    return [
        " ".join([latex(first, naming=naming), *(f"{RELATION_SIGNS[f[0]]} {latex(f[2], naming=naming)}" for f in rest)])
        for first, *rest in chains
    ] + smooth


def _row(derivation: Derivation, symbol: Symbol, role: str, naming: Naming) -> SymbolUse:
    shown = _shown(derivation, symbol, naming, role)
    about = [fact for fact in derivation.assumptions.facts if _about(fact, symbol.name)]
    bounds = [f"{_ascii(fact[1])} {fact[0]} {_ascii(fact[2])}" for fact in (_instance(f, derivation) for f in about)]
    entry = naming.notation.entry(symbol.name)
    if entry.domain:
        words = entry.domain
    else:
        kinds = (_KINDS[symbol.kind],) if symbol.kind == "integer" or not bounds else ()
        words = Text(*(", ".join([*(kind.in_(lang) for kind in kinds), *bounds]) for lang in ("en", "ko")))
    formulas = facts_latex(derivation, about, naming)
    if symbol.kind == "integer" or not formulas:
        formulas.insert(0, rf"{shown} \in {_SETS[symbol.kind]}")
    found = _likelihood(derivation, symbol.name) or derivation.meanings.get(symbol.name)
    used = {"ix": "indexed", "call": "function"}.get(role, symbol.role)  # a defined name is not declared
    gloss = found or naming.notation.gloss(symbol.name, used, symbol.kind)
    return SymbolUse(symbol.name, shown, gloss, words, r",\; ".join(formulas))


def _likelihood(derivation: Derivation, name: str) -> Text:
    """What a defined name is that stands for a product of densities; no text for any other."""
    body = next((d.body for d in derivation.assumptions.definitions if d.name == name), ZERO)
    factors = body[1:] if body[0] == "*" else (body,)
    if not any(factor[0] == "prod" for factor in factors):
        return Text()
    return Text("likelihood", "우도") if len(factors) == 1 else Text("likelihood times prior", "우도와 사전분포의 곱")


def _about(fact: Term, name: str) -> bool:
    """Whether a fact bounds one symbol by a number or another name: b > 0, a < 1, M <= N."""
    inner = fact[2] if fact[0] == "all" else fact
    if inner[0] not in ("<", "<=", ">", ">=", "!="):  # w = 0 says where one looks, not where w lives
        return False
    left, right = inner[1], inner[2]
    sides = [side for side in (left, right) if side[0] in ("v", "ix", "call") and side[1] == name]
    return len(sides) == 1 and all(_simple(side) for side in (left, right))


def _simple(term: Term) -> bool:
    return term[0] in ("v", "q", "c", "ix", "call") or (term[0] == "neg" and _simple(term[1]))


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
    names = tuple(("v", name) for name in _INDEX_NAMES[: symbol.arity])
    return latex(_use(derivation, tag, symbol.name) or (tag, symbol.name, *names), naming=naming)


def _use(derivation: Derivation, tag: str, name: str) -> Term | None:
    """The first y_i or f(x_i, w) of a family or function, in the lines or else in a definition."""
    bodies = [(d.body, d.binders) for d in derivation.assumptions.definitions]
    for term, binders in [*((line.term, line.binders) for line in derivation.lines), *bodies]:
        for node, scope in _scoped(term, iter(binders), ()):
            if node[:2] == (tag, name):
                return _with_names(node, scope)
    return None


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


def _index_gloss(derivation: Derivation, name: str, naming: Naming) -> Text:
    return derivation.meanings.get(name) or naming.notation.gloss(name, "scalar", "integer")


def _instance(fact: Term, derivation: Derivation) -> Term:
    """A fact about every member of a family, said of the first member that the derivation uses, or of the i-th."""
    if fact[0] == "slope":  # the derivative of phi by u is phi'
        _, function, slope, by = fact
        arity = next(symbol.arity for symbol in derivation.assumptions.symbols if symbol.name == function)
        names = tuple(("v", name) for name in ARGUMENT_NAMES[:arity])
        return ("=", ("diff", ("call", function, *names), names[by]), ("call", slope, *names))
    if fact[0] != "all":
        return fact
    _, count, inside = fact
    for node in subterms(inside):
        places = {part[1]: k for k, part in enumerate(node) if k > 1 and part[0] == "b"} if node[0] in _FAMILIES else {}
        use = _use(derivation, node[0], node[1]) if len(places) == count else None
        if use is not None and len(use) == len(node):
            return _filled(inside, {index: use[k] for index, k in places.items()})
    return _with_names(inside, _INDEX_NAMES[:count])


def _filled(term: Term, values: Mapping[int, Term], depth: int = 0) -> Term:
    """A term with closed terms for its free indices."""
    if term[0] == "b":
        return values.get(term[1] - depth, term)
    return rebuild(term, lambda part, bound: _filled(part, values, depth + bound))


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
            yield SymbolUse(
                name, shown, _index_gloss(derivation, name, naming), domain, rf"{shown} = {low}, \dots, {high}"
            )

"""Notation: what a declared name looks like in print, what it means in two languages, and where it lives.

A name is ASCII, `[A-Za-z][A-Za-z0-9_]*`; every other string is refused here, so that none reaches LaTeX.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.kernel.terms import MAX_DEPTH, OPTIMA, Term, subterms

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_GREEK_NAMES = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi "
    "varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega"
)
_COMMAND_NAMES = "mathbf mathit mathrm mathcal mathbb boldsymbol hat bar tilde dot operatorname prime"
GREEK = MappingProxyType({
    **{name: "\\" + name for name in _GREEK_NAMES.split()},
    "lam": r"\lambda", "eps": r"\epsilon", "ell": r"\ell",
})  # fmt: skip
_COMMANDS = {*_COMMAND_NAMES.split(), *(value[1:] for value in GREEK.values())}
_NO_TEXT = Text()
DERIVATIVES = Text("its derivative", "그 도함수"), Text("its second derivative", "그 이계도함수")
CALL_STYLES = ("arguments", "subscript", "conditional")
_LATEX_PIECE = re.compile(r"\\([A-Za-z]+)|[A-Za-z0-9{}_^', ]", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """How one name is printed and explained; an empty `latex` means: by the rules for names.

    `call_style` "subscript" puts the last argument of a call below, f_{w}(x_i); "conditional" a bar after the first,
    p(y | mu).
    """

    latex: str = ""
    gloss: Text = _NO_TEXT
    domain: Text = _NO_TEXT
    call_style: str = "arguments"
    role: str = ""  # "scalar", "indexed", "function" or "integer": what the name has to be for its gloss to hold

    def __post_init__(self) -> None:
        commands = [match.group(1) for match in _LATEX_PIECE.finditer(self.latex)]
        rest = _LATEX_PIECE.sub("", self.latex)
        if rest or any(command and command not in _COMMANDS for command in commands) or not _balanced(self.latex):
            raise InputError(
                f"notation {self.latex!r} is not a plain LaTeX symbol",
                remedy=r"use letters, digits, greek letters and \mathbf, \hat, \mathcal and the like, braces in pairs",
            )
        if self.call_style not in CALL_STYLES:
            raise InputError(f"unknown call style {self.call_style!r}", remedy=f"use one of {', '.join(CALL_STYLES)}")


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0


def checked_name(name: object) -> str:
    """The name itself if it is a legal one.

    Raises InputError for anything but `[A-Za-z][A-Za-z0-9_]*`.

    >>> checked_name("beta1")
    'beta1'
    """
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > 64:
        raise InputError(
            f"{str(name)[:40]!r} is not a name", remedy="use letters, digits and _, beginning with a letter"
        )
    return name


class Printed(NamedTuple):
    """A name in print: what stands on the line and what stands below it."""

    base: str
    subscript: str = ""

    @classmethod
    def of(cls, latex: str) -> Printed:
        """The print of a declared symbol, its last subscript apart: an index may have to join it."""
        match = re.fullmatch(r"(.+)_(?:\{([^{}]*)\}|([A-Za-z0-9]))", latex)
        return cls(match.group(1), match.group(2) or match.group(3)) if match else cls(latex)

    def __str__(self) -> str:
        return f"{self.base}_{{{self.subscript}}}" if self.subscript else self.base


def plain(name: str) -> Printed:
    """The name letter by letter, which no other name shares."""
    return Printed(r"\mathit{" + name.replace("_", r"\_") + "}")


def _letters(base: str) -> str:
    if base in GREEK:
        return GREEK[base]
    for accent in ("hat", "bar"):
        stem = base.removesuffix(accent)
        if stem != base and (len(stem) == 1 or stem in GREEK):
            return f"\\{accent}{{{GREEK.get(stem, stem)}}}"
    return base if len(base) == 1 else r"\mathit{" + base + "}"


def printed_name(name: str) -> Printed:
    """The default print of a name: greek letters by name, trailing digits below the line.

    >>> str(printed_name("eta0")), str(printed_name("y1")), str(printed_name("wp")), str(printed_name("mhat"))
    ('\\\\eta_{0}', 'y_{1}', '\\\\mathit{wp}', '\\\\hat{m}')
    """
    checked_name(name)
    if match := re.fullmatch(r"([A-Za-z]+)_?(\d*)", name, re.ASCII):
        return Printed(_letters(match.group(1)), match.group(2))
    if match := re.fullmatch(r"([A-Za-z]+)_([A-Za-z]+)", name, re.ASCII):
        below = match.group(2)
        return Printed(_letters(match.group(1)), GREEK.get(below, below if len(below) == 1 else rf"\mathrm{{{below}}}"))
    return plain(name)


@dataclass(frozen=True)
class Notation:
    """The notation table: an entry for each name that needs one; every other name is printed by the rules."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def entry(self, name: str) -> Entry:
        return self.entries.get(name, _FALLBACK)

    def printed(self, name: str) -> Printed:
        latex = self.entry(checked_name(name)).latex
        return Printed.of(latex) if latex else printed_name(name)

    def gloss(self, name: str, role: str = "", kind: str = "real") -> Text:
        """What a name in this role stands for by custom; a numbered name (y1) has the gloss of its letters."""
        for entry in (self.entry(name), self.entry(name.rstrip("0123456789"))):
            if entry.gloss and entry.role in ("", role, kind):
                return entry.gloss
        return _NO_TEXT

    def with_entries(self, **entries: Entry) -> Notation:
        """The same table with some names declared anew."""
        return replace(self, entries={**self.entries, **{checked_name(k): v for k, v in entries.items()}})

    def naming_of(self, derivation: Derivation) -> Naming:
        """The print of every name of a derivation: one for all its lines, its goal, facts and definitions."""
        given = derivation.assumptions
        terms = [*(line.term for line in derivation.lines), *given.facts, *(d.body for d in given.definitions)]
        terms += [] if derivation.goal is None else [derivation.goal]
        terms += [("call", d.name, *(("v", name) for name in d.parameters)) for d in given.definitions if d.parameters]
        binders = [name for line in derivation.lines for name in line.binders]
        binders += [name for definition in given.definitions for name in definition.binders]
        return self.with_primes(given.facts).naming(terms, [*binders, *derivation.goal_binders])

    def with_primes(self, facts: Iterable[Term]) -> Notation:
        """The same table, where a function that is given as the derivative of s by its first argument is s'."""
        primes: dict[str, Entry] = {}
        for function, slope in ((fact[1], fact[2]) for fact in facts if fact[0] == "slope" and fact[3] == 0):
            shown = primes[function].latex if function in primes else str(self.printed(function))
            if not self.entry(slope).latex:
                gloss = DERIVATIVES[min(shown.count("'"), 1)]
                primes[slope] = replace(self.entry(slope), latex=f"{shown}'", gloss=gloss)
        return self.with_entries(**primes) if primes else self

    def naming(self, terms: Iterable[Term], binders: Iterable[str] = ()) -> Naming:
        """The print of every name of some terms, chosen so that no two names look alike.

        `y1` beside `y[1]`, or `lam` beside `lambda`, would: the later one is then printed letter by letter.
        """
        terms = tuple(terms)
        uses = [use for term in terms for use in names_in(term)]
        taken = [*dict.fromkeys(name for name, _ in uses), *(name for name in binders if name)]
        functions = {name for name, role in uses if role == "call"}
        families = {name for name, role in uses if role == "ix"}
        families |= {name for name in functions if self.entry(name).call_style == "subscript"}
        bases = {str(self.printed(name)) for name in families}
        initial = _initial_values(terms)
        table: dict[str, Printed] = {}
        for name in taken:
            shown = self.printed(name)
            clash = shown in table.values() or (shown.subscript and shown.base in bases and name not in initial)
            table.setdefault(name, plain(name) if clash else shown)
        return Naming(self, table, frozenset({r"\Gamma", *(table[name].base for name in functions)}))


@dataclass(frozen=True)
class Naming:
    """The print of every name of a term or of a whole derivation, free of clashes."""

    notation: Notation
    table: Mapping[str, Printed]
    function_bases: frozenset[str] = frozenset()
    above: bool = False  # whether indices stand above, as a lecture writes the steps: w^{t+1}

    def printed(self, name: str) -> Printed:
        return self.table.get(name) or self.notation.printed(name)


def names_in(term: Term) -> Iterator[tuple[str, str]]:
    """Every name of a term in order of appearance, with its role: "v", "ix" or "call".

    Raises InputError for what is not a name, and for a term that is nested too deeply to print.
    """
    stack = [(term, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise InputError("the formula is nested too deeply to print", remedy=f"keep it within {MAX_DEPTH} levels")
        tag, start = node[0], 1
        if tag in ("v", "ix", "call"):
            yield checked_name(node[1]), tag
        elif tag in OPTIMA:
            yield from ((checked_name(name), "v") for name in node[1])
            start = 2
        elif tag == "rec":
            yield from ((checked_name(node[1]), "ix"), (checked_name(node[2]), "v"))
        stack += [(part, depth + 1) for part in reversed(node[start:]) if isinstance(part, tuple) and part]


def _initial_values(terms: Iterable[Term]) -> set[str]:
    """The names that are the initial value they look like: e0 where every recurrence for e starts with e[0] = e0."""
    starts = [(term[1], term[3], term[5]) for whole in terms for term in subterms(whole) if term[0] == "rec"]
    same = {name: first for name, start, first in starts if start[0] == "q" and first == ("v", f"{name}{start[1]}")}
    return {same[name][1] for name in same if all(first == same[name] for other, _, first in starts if other == name)}


def _common(en: str, ko: str, role: str = "") -> Entry:
    return Entry(gloss=Text(en, ko), role=role)


_FALLBACK = Entry()
# What a name means by custom, where it is used as customary; every other meaning is said by a row of the library or by
# a `symbol` header, and not guessed from a letter.
DEFAULT = Notation(MappingProxyType({
    "w": _common("parameters", "파라미터"),
    "theta": _common("parameters", "파라미터"),
    "x": _common("input", "입력", "indexed"),
    "y": _common("target", "목푯값", "indexed"),
    "N": _common("number of samples", "샘플의 개수", "integer"),
    "n": _common("number of samples", "샘플의 개수", "integer"),
    "d": _common("number of weights", "가중치의 개수", "integer"),
    "B": _common("batch size", "배치 크기", "integer"),
    "K": _common("number of classes", "범주의 개수", "integer"),
    "i": _common("index of a sample", "샘플 번호", "integer"),
    "j": _common("index", "번호", "integer"),
    "k": _common("index", "번호", "integer"),
    "l": _common("index", "번호", "integer"),
    "t": _common("step", "단계", "integer"),
    "T": _common("number of steps", "전체 단계 수", "integer"),
    "f": _common("predictor", "예측 함수", "function"),
    "p": _common("density", "확률밀도", "function"),
    "q": _common("density of the prior", "사전분포의 확률밀도", "function"),
    "L": _common("loss", "손실", "function"),
    "J": _common("objective", "목적함수", "function"),
    "eta": _common("learning rate", "학습률"),
    "lr": _common("learning rate", "학습률"),
    "eps": _common("small constant", "작은 상수"),
    "epsilon": _common("small constant", "작은 상수"),
    "g": _common("gradient", "기울기", "indexed"),
    "mhat": _common("bias-corrected first moment", "편향을 보정한 1차 모멘트"),
    "vhat": _common("bias-corrected second moment", "편향을 보정한 2차 모멘트"),
}))  # fmt: skip
# As in the lecture: the parameters of a predictor stand below it, what a density is given stands behind a bar.
LECTURE = DEFAULT.with_entries(
    f=replace(DEFAULT.entries["f"], call_style="subscript"),
    p=replace(DEFAULT.entries["p"], call_style="conditional"),
)

"""Derivation and Line: a chain of lines with what was found out about each. Plain data that everything displays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from derive.kernel.terms import Term

VERDICTS = ("proved", "declared", "checked", "undecided", "refuted")  # from best to worst


@dataclass(frozen=True)
class Text:
    """A text in English and Korean; a missing language falls back to the other."""

    en: str = ""
    ko: str = ""

    def in_(self, lang: str) -> str:
        return (self.ko or self.en) if lang == "ko" else (self.en or self.ko)

    def __bool__(self) -> bool:
        return bool(self.en or self.ko)


@dataclass(frozen=True)
class Symbol:
    """A declared name: its role, its arity (indices or arguments), and its kind.

    role: "scalar" (w), "indexed" (y[i]) or "function" (f(x, w)); kind: "real" or "integer".
    """

    name: str
    role: str = "scalar"
    arity: int = 0
    kind: str = "real"


@dataclass(frozen=True)
class Definition:
    """`name(parameters) := body`; parameters are names that are free in the body."""

    name: str
    parameters: tuple[str, ...]
    body: Term
    binders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assumptions:
    """What a chain may use: its names, its facts as relation terms, its definitions.

    A fact about an indexed family or a function is ("all", k, relation) with the indices as ("b", ...).
    `texts` are the facts as the author wrote them, for display.
    """

    symbols: tuple[Symbol, ...] = ()
    facts: tuple[Term, ...] = ()
    definitions: tuple[Definition, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One line: its relation to the line before ("" for the first), its term, its reason, and the judgement.

    `binders` are the author's names of the bound indices of `term` in preorder (the sum or product node before
    what is inside it; lo, hi, body); printers fall back to i, j, k ... where it is empty.
    The first line of a longer chain has no verdict of its own (""); every other line has one.
    """

    relation: str
    term: Term
    binders: tuple[str, ...] = ()
    reason: Text = Text()
    number: int = 0
    wanted_rule: str = ""
    rule: str = ""
    verdict: str = ""
    side_conditions: tuple[str, ...] = ()
    message: str = ""
    witness: Mapping[str, str] = field(default_factory=dict)
    left: str = ""
    right: str = ""


@dataclass(frozen=True)
class Derivation:
    """A titled chain. Judged by `derive.prover.judge`, which fills in the verdicts and the certificate.

    A chain of one line is a claim: its term is a relation (or a "rec" term) and the line carries the verdict.
    """

    name: str = ""
    title: Text = Text()
    source: str = ""
    assumptions: Assumptions = Assumptions()
    goal: Term | None = None
    goal_binders: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    certificate: Mapping[str, Any] | None = None
    digest: str = ""
    file: str = ""

    @property
    def judged(self) -> tuple[Line, ...]:
        """The lines that carry a verdict."""
        return self.lines if len(self.lines) == 1 else self.lines[1:]

    @property
    def verdict(self) -> str:
        """The worst verdict of the lines; "" before judging."""
        return max((line.verdict for line in self.judged), key=lambda v: VERDICTS.index(v) if v else -1, default="")

    def with_lines(self, lines: tuple[Line, ...]) -> Derivation:
        return replace(self, lines=lines)

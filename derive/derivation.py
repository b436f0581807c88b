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
class Obligation:
    """What a derivation rests on beside its lines, such as: this density integrates to 1.

    Proved where `proof` is a derivation that is; else declared, with the source that says so.
    """

    text: Text
    source: str = ""
    proof: Derivation | None = None

    @property
    def verdict(self) -> str:
        return self.proof.verdict if self.proof is not None else "declared"


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
    obligations: tuple[Obligation, ...] = ()
    braces: tuple[tuple[Term, Text], ...] = ()  # terms that are printed with a name under a brace
    meanings: Mapping[str, Text] = field(default_factory=dict)  # of symbols, for the notation table

    @property
    def judged(self) -> tuple[Line, ...]:
        """The lines that carry a verdict."""
        return self.lines if len(self.lines) == 1 else self.lines[1:]

    @property
    def verdict(self) -> str:
        """The worst verdict of the lines; "" before judging."""
        return max((line.verdict for line in self.judged), key=lambda v: VERDICTS.index(v) if v else -1, default="")

    @property
    def steps(self) -> tuple[Line, ...]:
        """The lines that carry a verdict, under the name that a reader expects."""
        return self.judged

    def verify(self) -> Derivation:
        """The same derivation with every line judged. Raises JudgesDisagree where our own judges do."""
        from derive.prover import prove

        return prove(self)

    def to_latex(self, lang: str = "en") -> str:
        """The lines as one aligned LaTeX formula, each with its reason."""
        from derive.render.aligned import derivation_latex

        return derivation_latex(self, lang=lang)

    def _repr_latex_(self) -> str:
        from derive.render.aligned import aligned_latex

        return f"$$\n{aligned_latex(self)}\n$$"

    def with_lines(self, lines: tuple[Line, ...]) -> Derivation:
        return replace(self, lines=lines)

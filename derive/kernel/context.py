"""What is assumed while a step is judged: kinds of names, facts, the laws in force, a budget, and what was used."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from derive.kernel.poly import Poly
from derive.kernel.terms import Refused, Term

BUDGET = 100_000  # elementary operations that one step may take
Fact = tuple[int, Poly, int]  # the signs that are possible, of which polynomial, and the number of the assumption


@dataclass
class Context:
    """Assumptions are added by signs.assume, in order; a child may only assume more."""

    kinds: dict[str, str]  # name -> "real" or "integer"
    laws: frozenset[str]  # the laws of the normal form that are in force, beyond those of a field
    facts: list[Fact] = field(default_factory=list)
    quantified: list[tuple[int, Term, int]] = field(default_factory=list)  # (indices, relation, number)
    differentiable: set[str] = field(default_factory=set)
    depth: int = 0  # how many indices are opened
    used: set[int] = field(default_factory=set)  # numbers of the assumptions that were needed
    spent: list[int] = field(default_factory=lambda: [0])

    def forget(self) -> None:
        """Start with empty caches; again with every new assumption, as what was computed under fewer is weaker."""
        self.normals: dict[Term, Poly] = {}
        self.signs: dict[Term, int] = {}
        self.atom_signs: dict[Term, int] = {}
        self.instances: dict[tuple[Term, int], list[Fact]] = {}
        self.known_defined: set[Term] = set()
        self.inner: dict[tuple[Term, Term], Context] = {}

    def __post_init__(self) -> None:
        self.forget()

    def spend(self, amount: int) -> None:
        self.spent[0] += amount
        if self.spent[0] > BUDGET:
            raise Refused("the step takes too long to check; split it")

    def child(self) -> Context:
        return replace(self, kinds=dict(self.kinds), facts=list(self.facts), quantified=list(self.quantified))

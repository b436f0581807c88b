"""What is assumed while a step is judged: kinds of names, facts, the laws in force, a budget, and what was used."""

from __future__ import annotations

from derive.kernel.poly import Poly
from derive.kernel.terms import Refused, Term

BUDGET = 400_000  # elementary operations that one step may take


class Context:
    """Assumptions are added by signs.assume, in order; a derived context may only assume more."""

    def __init__(self, kinds: dict[str, str], laws: frozenset[str]) -> None:
        self.kinds = kinds  # name -> "real" or "integer"
        self.laws = laws
        self.facts: list[tuple[int, Poly, int]] = []  # (possible signs, polynomial, number of the assumption)
        self.quantified: list[tuple[int, Term, int]] = []  # (how many indices, relation, number of the assumption)
        self.differentiable: set[str] = set()
        self.depth = 0
        self.used: set[int] = set()  # numbers of the assumptions that were needed
        self.spent = [0]
        self.forget()

    def forget(self) -> None:
        """Drop what was computed under fewer assumptions."""
        self.normals: dict[Term, Poly] = {}
        self.signs: dict[Term, int] = {}
        self.atom_signs: dict[Term, int] = {}
        self.instances: dict[Term, list[tuple[int, Poly]]] = {}
        self.known_defined: set[Term] = set()
        self.inner: dict[tuple[Term, Term], Context] = {}

    def spend(self, amount: int) -> None:
        self.spent[0] += amount
        if self.spent[0] > BUDGET:
            raise Refused("the step takes too long to check; split it")

    def child(self) -> Context:
        new = Context(dict(self.kinds), self.laws)
        new.facts, new.quantified, new.differentiable = list(self.facts), list(self.quantified), self.differentiable
        new.depth, new.used, new.spent = self.depth, self.used, self.spent
        return new

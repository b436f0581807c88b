"""Models: a density of an observation y given a prediction mu, as one expression with named parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from derive.derivation import Text
from derive.kernel.terms import Term, rebuild


@dataclass(frozen=True)
class Model:
    """A distribution of y: its density in y, mu and its parameters, all in the chain language.

    `given` are facts on the parameters, `prediction` on `{mu}`, `observation` on `{y}`.
    `total` is the chain that proves that the density sums to 1, or "" where that is declared from `source`.
    `parameters` renames a parameter to any expression: Laplace(scale="b") is the density with b for `scale`.
    """

    name: str
    title: Text
    density: str
    given: str = ""
    prediction: str = ""
    observation: str = ""
    total: str = ""
    source: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Text] = field(default_factory=dict)  # of the parameters

    def glosses(self) -> dict[str, Text]:
        """What the parameters mean, under the names that they are given."""
        return {self.parameters.get(name, name): text for name, text in self.meanings.items()}

    def density_term(self) -> tuple[Term, tuple[str, ...]]:
        """The density with the parameters put in, and the author's names of its bound indices."""
        from derive.syntax import parse_expression

        term, binders = parsed(self.density)
        values = {name: parse_expression(text).term for name, text in self.parameters.items()}
        return replace_names(term, values), binders

    def facts(self) -> str:
        """The facts on the parameters, renamed like them; a parameter set to a number has none to state."""
        from derive.ascii import show
        from derive.syntax import parse_expression, parse_given

        values = {name: parse_expression(text).term for name, text in self.parameters.items()}
        given = parse_given(self.given)
        integers = [f"{symbol.name} integer" for symbol in given.symbols if symbol.kind == "integer"]
        facts = [replace_names(fact, values) for fact in given.facts]
        return "; ".join(integers + [show(fact) for fact in facts if names_in(fact)])


@lru_cache(maxsize=256)
def parsed(text: str) -> tuple[Term, tuple[str, ...]]:
    from derive.syntax import parse_expression

    parsed = parse_expression(text)
    return parsed.term, parsed.binders


def replace_names(term: Term, values: Mapping[str, Term]) -> Term:
    """Put expressions for free names; they are closed, so no index can be captured."""
    if term[0] == "v" and term[1] in values:
        return values[term[1]]
    return rebuild(term, lambda part, _: replace_names(part, values))


def names_in(term: Term) -> set[str]:
    """The free names of a term."""
    from derive.kernel.terms import subterms

    return {str(node[1]) for node in subterms(term) if node[0] in ("v", "ix", "call")}

"""Terms as text of the chain language, with no bracket that is not needed: parsing the text gives the term again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from derive.kernel.terms import BINDERS, OPTIMA, RELATIONS, Term
from derive.names import free_names
from derive.parser import ADD, AND, IFF, MUL, OR, POW, REL
from derive.tokens import RESERVED

_ATOM = POW + 1
_LETTERS = ("i", "j", "k", "l", "m", "n")


def show(term: Term, binders: Sequence[str] = ()) -> str:
    """A term as text; `binders` names its bound indices in preorder, as a Line keeps them.

    An index without a name, or whose name is taken where it stands, is called i, j, k ...

    >>> from derive.syntax import parse_expression
    >>> show(parse_expression("a-(b - c)*(d/(2*e))").term)
    'a - (b - c)*(d/(2*e))'
    >>> show(("sum", ("q", 1), ("v", "N"), ("ix", "y", ("b", 0))), ("k",))
    'sum(y[k], k, 1, N)'
    """
    return _Printer(term, binders).top(term)


def show_relation(relation: str, term: Term, binders: Sequence[str] = ()) -> str:
    """A line of a chain: its relation to the line before ("" for the first), and its term.

    >>> show_relation("<=", ("v", "w"))
    '<= w'
    """
    return f"{relation} {show(term, binders)}".lstrip()


class _Printer:
    """The names in use, and the author's names of indices that are still to come."""

    def __init__(self, term: Term, binders: Sequence[str]) -> None:
        self.taken = {*RESERVED, *free_names(term)}
        self.binders: Iterator[str] = iter(binders)

    def top(self, term: Term) -> str:
        if term[0] == "all":
            return self.show(term[2], IFF, self.scope(term[1]))
        return self.show(term, IFF, self.scope(_dangling(term)))

    def scope(self, size: int) -> tuple[str, ...]:
        scope: tuple[str, ...] = ()
        for _ in range(size):
            scope = (*scope, self.fresh("", scope))
        return scope

    def fresh(self, wanted: str, scope: tuple[str, ...]) -> str:
        used = {*self.taken, *scope}
        if wanted and wanted not in used:
            return wanted
        return next(name for name in (*_LETTERS, *(f"i{n}" for n in range(1, len(used) + 2))) if name not in used)

    def show(self, term: Term, least: int, scope: tuple[str, ...]) -> str:
        """The text of a term, in brackets if it binds more loosely than `least`."""
        text, strength = self.bare(term, scope)
        return text if strength >= least else f"({text})"

    def bare(self, term: Term, scope: tuple[str, ...]) -> tuple[str, int]:
        tag = term[0]
        if tag == "q":
            value = term[1]
            return str(value), ADD if value < 0 else _ATOM if value.denominator == 1 else MUL
        if tag in ("v", "c"):
            return term[1], _ATOM
        if tag == "b":
            return scope[-1 - term[1]], _ATOM
        if tag == "+":
            return self.total(term, scope), ADD
        if tag == "neg":
            return f"-{self.show(term[1], MUL, scope)}", ADD
        if tag == "*":
            return "*".join(self.factor(part, scope, n == 0) for n, part in enumerate(term[1:])), MUL
        if tag == "/":
            left = self.factor(term[1], scope, True, quotient=True)
            if _natural(term[1]) and _natural(term[2]) and term[2][1] != 0:
                left = f"({left})"  # a bare 1/3 would be the number
            return f"{left}/{self.show(term[2], POW, scope)}", MUL
        if tag == "^":
            base = self.show(term[1], _ATOM, scope)
            exponent = term[2]
            if exponent[0] == "neg":
                return f"{base}**-{self.show(exponent[1], POW, scope)}", POW
            return f"{base}**{self.show(exponent, POW, scope)}", POW
        if tag in RELATIONS:
            inner = OR if tag == "<=>" else ADD
            left, right = (self.show(part, inner, scope) for part in term[1:])
            return f"{left} {tag} {right}", IFF if tag == "<=>" else REL
        if tag in ("and", "or"):
            inner, op = (REL, " & ") if tag == "and" else (AND, " | ")
            return op.join(self.show(part, inner, scope) for part in term[1:]), AND if tag == "and" else OR
        return self.form(term, scope), ADD if tag in OPTIMA else IFF if tag == "rec" else _ATOM

    def total(self, term: Term, scope: tuple[str, ...]) -> str:
        text = ""
        for n, part in enumerate(term[1:]):
            if n == 0:
                # a leading minus needs no bracket, a leading sum does: (a + b) + c is not a + b + c
                text = self.bare(part, scope)[0] if part[0] == "neg" else self.show(part, MUL, scope)
            elif part[0] == "neg":
                text += f" - {self.show(part[1], MUL, scope)}"
            else:
                text += f" + {self.show(part, MUL, scope)}"
        return text

    def factor(self, part: Term, scope: tuple[str, ...], first: bool, quotient: bool = False) -> str:
        if first and (part[0] in ("/", "q") or (quotient and part[0] == "*")):
            return self.show(part, MUL, scope)
        return self.show(part, POW, scope)

    def args(self, terms: Sequence[Term], scope: tuple[str, ...]) -> str:
        return ", ".join(self.show(term, ADD, scope) for term in terms)

    def form(self, term: Term, scope: tuple[str, ...]) -> str:
        tag = term[0]
        if tag in ("f", "call"):
            return f"{term[1]}({self.args(term[2:], scope)})"
        if tag == "ix":
            return f"{term[1]}[{self.args(term[2:], scope)}]"
        if tag == "piecewise":  # of the language of schedules
            conditions = (self.show(part, IFF, scope) if len(part) > 1 else "True" for part in term[2::2])
            pieces = zip((self.show(part, ADD, scope) for part in term[1::2]), conditions, strict=True)
            return f"Piecewise({', '.join(f'({value}, {condition})' for value, condition in pieces)})"
        if tag == "interval":
            return f"[{self.args(term[1:], scope)}]"
        if tag in ("diff", "subdiff"):
            return f"{tag}({self.args(term[1:], scope)})"
        if tag in OPTIMA:
            return f"{tag}[{', '.join(term[1])}] {self.show(term[2], ADD, scope)}"
        if tag in BINDERS:
            name = self.fresh(next(self.binders, ""), scope)
            low, high = (self.show(part, ADD, scope) for part in term[1:3])
            return f"{tag}({self.show(term[3], ADD, (*scope, name))}, {name}, {low}, {high})"
        if tag == "rec":
            _, name, index, start, step, initial, closed = term
            begin = self.show(start, ADD, scope)
            texts = [self.show(part, ADD, scope) for part in (step, initial, closed)]
            return f"rec {name}[{index}+1] = {texts[0]}, {name}[{begin}] = {texts[1]} => {name}[{index}] = {texts[2]}"
        if tag == "differentiable":
            return f"{term[1]} differentiable"
        if tag == "slope":
            return f"{term[2]} is the derivative of {term[1]} by argument {term[3] + 1}"
        if tag == "all":
            names: tuple[str, ...] = ()
            for _ in range(term[1]):
                names = (*names, self.fresh("", (*scope, *names)))
            return self.show(term[2], IFF, (*scope, *names))
        raise ValueError(f"no term has the tag {tag!r}")


def _natural(term: Term) -> bool:
    return bool(term[0] == "q" and term[1].denominator == 1 and term[1] >= 0)


def _dangling(term: Term) -> int:
    """How many indices of a term belong to binders outside of it: a part of a sum is shown as well."""
    most, queue = 0, [(term, 0)]
    while queue:
        node, depth = queue.pop()
        if node[0] == "b":
            most = max(most, node[1] - depth + 1)
        elif node[0] in BINDERS:
            queue += [(node[1], depth), (node[2], depth), (node[3], depth + 1)]
        elif node[0] in OPTIMA:
            queue.append((node[2], depth))
        else:
            more = node[1] if node[0] == "all" else 0
            queue += [(part, depth + more) for part in node[1:] if isinstance(part, tuple)]
    return most

r"""Schedules as LaTeX: the printer of terms with what the language of schedules adds, and the parameters of a row."""

from __future__ import annotations

from dataclasses import replace

from derive.errors import InputError
from derive.kernel.terms import Term
from derive.render.latex import Path, _listed, _Printer
from derive.render.pieces import RELATION_SIGNS, Piece, bracketed
from derive.render.pieces import Level as L
from derive.schedules import Schedule
from derive.series.language import read_schedule
from derive.symbols import LECTURE, Naming, Printed
from derive.syntax import parse_given

_BRACKETS = {"floor": (r"\lfloor ", r" \rfloor"), "ceiling": (r"\lceil ", r" \rceil"), "frac": (r"\{ ", r" \}")}
_NAMED = {name: f"\\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")} | {"atan": r"\arctan"}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}
# What the rules for names do not say as papers do.
_PRINTED = {
    "etamin": Printed(r"\eta", r"\min"), "etaend": Printed(r"\eta", r"\text{end}"), "peak": Printed(r"\eta", r"\max"),
    "etaswa": Printed(r"\eta", r"\text{swa}"), "init": Printed(r"\eta", r"\text{init}"),
    "base": Printed(r"\eta", r"\text{base}"), "power": Printed("p"), "factor": Printed("f"), "scale": Printed("m"),
    "pct": Printed("q"), "part": Printed("r"), "div": Printed("D"), "fin": Printed("F"),
}  # fmt: skip


def schedule_latex(schedule: Schedule, left: str = r"\eta_{t} = ") -> str:
    r"""The schedule as a formula.

    >>> schedule_latex(Schedule("eta0*(1/2)**floor(t/T)", "eta0 > 0; T integer >= 1", 0))
    '\\eta_{t} = \\eta_{0} \\left(\\frac{1}{2}\\right)^{\\lfloor t/T \\rfloor}'
    """
    return left + term_latex(schedule.term, schedule)


def term_latex(term: Term, schedule: Schedule) -> str:
    """A term in the names of a schedule."""
    return _SchedulePrinter(_naming(schedule), (), frozenset(), {}, ()).whole(term)


def facts_latex(facts: str, schedule: Schedule) -> str:
    r"""The domain of a parameter as a formula.

    >>> facts_latex("0 <= alpha <= 1", Schedule("alpha", "alpha real"))
    '0 \\le \\alpha \\le 1'
    """
    found, last = "", ""
    for fact in parse_given(facts).facts:
        left, right = (term_latex(part, schedule) for part in fact[1:])
        sign = RELATION_SIGNS[fact[0]]
        found += f" {sign} {right}" if found and left == last else f"{', ' if found else ''}{left} {sign} {right}"
        last = right
    return found or r"\mathbb{R}"


def name_latex(name: str, schedule: Schedule) -> str:
    """A parameter as it stands in the formula."""
    return str(_naming(schedule).printed(name))


def _naming(schedule: Schedule) -> Naming:
    """The print of every name; no two look alike."""
    plain = tuple(("v", name) for name in (*schedule.parameters, "t"))
    found = LECTURE.naming(plain)
    table = dict(found.table)
    for name in table:
        own = _PRINTED.get(name)
        if own and str(own) not in (str(shown) for other, shown in table.items() if other != name):
            table[name] = own
    return replace(found, table=table)


class _SchedulePrinter(_Printer):
    """The printer of terms, with floor, mod, waves and Piecewise."""

    def piece(self, term: Term, path: Path, *, as_factor: bool = False) -> Piece:
        if term[0] == "piecewise":
            return self.pieces(term, path)
        if term[0] == "f" and term[1] in _BRACKETS:
            before, after = _BRACKETS[term[1]]
            inside = self.inline(term[2], (*path, 2))
            return Piece(f"{before}{inside}{after}", L.ATOM, first="(", last=")")
        if term[0] == "f" and term[1] in _NAMED:
            argument = self.at_least(term[2], (*path, 2), L.SUM)
            return Piece(bracketed(_NAMED[term[1]], argument.text, argument.tall), L.CALL, argument.tall, last=")")
        if term[0] == "f" and term[1] == "mod":
            left, right = (self.at_least(part, (*path, k), L.PRODUCT) for k, part in enumerate(term[2:], start=2))
            return Piece(rf"({left.text} \,\mathrm{{mod}}\, {right.text})", L.ATOM, left.tall, "(", ")")
        if term[0] == "f" and term[1] in ("asin", "acos", "asinh", "acosh", "atanh", "harmonic", "binomial"):
            inside, tall = _listed(self, term[2:], path, 2)
            return Piece(bracketed(rf"\operatorname{{{term[1]}}}", inside, tall), L.CALL, tall, last=")")
        return super().piece(term, path, as_factor=as_factor)

    def inline(self, term: Term, path: Path) -> str:
        """A quotient of short parts on one line."""
        if term[0] == "/" and all(part[0] in ("v", "q", "+") for part in term[1:]):
            above, below = (self.at_least(part, (*path, k), L.FRACTION) for k, part in enumerate(term[1:], start=1))
            if not above.tall and not below.tall:
                return f"{above.text}/{below.text}"
        return self.at_least(term, path, L.SUM).text

    def pieces(self, term: Term, path: Path) -> Piece:
        rows = []
        for k in range(1, len(term), 2):
            value, condition = term[k], term[k + 1]
            if condition == ("and",) and k == 3 and term[2][0] in _OPPOSITE:
                condition = (_OPPOSITE[term[2][0]], *term[2][1:])  # there is one other case only
            words = (
                r"\text{otherwise}" if condition == ("and",) else self.at_least(condition, (*path, k + 1), L.OR).text
            )
            rows.append(f"{self.at_least(value, (*path, k), L.SUM).text} & {words}")
        body = r" \\ ".join(rows)
        return Piece(rf"\begin{{cases}} {body} \end{{cases}}", L.ATOM, True, "(", ")")


def formula_latex(formula: str, schedule: Schedule) -> str:
    """A formula of the language in the names of a schedule; the names e and t are known, too."""
    try:
        return term_latex(read_schedule(formula, f"{schedule.given}; e real")[0], schedule)
    except InputError:
        return term_latex(read_schedule(formula, schedule.given)[0], schedule)


__all__ = ["facts_latex", "formula_latex", "name_latex", "schedule_latex", "term_latex"]

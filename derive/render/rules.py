r"""Update rules as LaTeX: the lines with their times, one below the other, through the one printer of terms.

Two ways to write the times: as papers do, m_{t} from m_{t-1}; and as a lecture does, \mathbf{m}^{t+1} from
\mathbf{m}^{t}, vectors in bold.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from derive.kernel.terms import Term, subterms
from derive.render.latex import latex
from derive.render.mathml import to_mathml
from derive.render.pieces import RELATION_SIGNS
from derive.symbols import LECTURE, Naming, Printed
from derive.syntax import parse_expression, parse_given
from derive.update_rule import GRADIENT, PARAMETER, STEP, Hyperparameter, UpdateRule, at, put

# What the rules for names do not say as papers do.
_PRINTED = {
    "vmax": Printed("v", r"\max"), "w0": Printed(r"\tilde{w}"), "rhoinf": Printed(r"\rho", r"\infty"),
    "etaplus": Printed(r"\eta^{+}"), "etaminus": Printed(r"\eta^{-}"), "smin": Printed("s", r"\min"),
    "smax": Printed("s", r"\max"),
}  # fmt: skip
_LETTER = re.compile(r"(?<![A-Za-z\\])([A-Za-z])(?![A-Za-z])")
SHORT = 8.5  # em
LOSS = r"\mathcal{L}", r"\mathcal{L}_{\mathcal{B}}"  # of a paper, of the lecture


def rule_latex(
    rule: UpdateRule, shift: int = 0, *, lecture: bool = False, gradient: bool = False, compact: bool = False
) -> str:
    r"""The lines of a rule as `\begin{aligned} ... \end{aligned}`, or one line without it.

    `shift` is that of `UpdateRule.timed`. With `lecture` the times stand above, and vectors are bold. With `gradient`,
    and where it is taken at another point than w, the first line says what g is. With `compact`, names that live within
    a step share a line where they are short.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> print(rule_latex(OPTIMIZERS["momentum"]))
    \begin{aligned}
    m_{t} &= \beta_{1} m_{t - 1} - \eta g_{t} \\
    w_{t} &= w_{t - 1} + m_{t}
    \end{aligned}
    >>> rule_latex(OPTIMIZERS["sgd"], 1, lecture=True)
    '\\mathbf{w}^{t + 1} = \\mathbf{w}^{t} - \\eta \\mathbf{g}^{t}'
    """
    rows = [gradient_latex(rule, shift, lecture=lecture)] if gradient or rule.gradient_at != PARAMETER else []
    lines = line_latex(rule, shift, lecture=lecture)
    rows += _sharing(rule, lines) if compact else lines
    if len(rows) == 1:
        return " = ".join(rows[0])
    return "\\begin{aligned}\n" + " \\\\\n".join(f"{left} &= {right}" for left, right in rows) + "\n\\end{aligned}"


def _sharing(rule: UpdateRule, lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same lines, two short definitions in one."""
    found: list[tuple[str, str]] = []
    single = False  # whether the last line is a short definition that stands alone
    for made, (left, right) in zip(rule.assignments, lines, strict=True):
        short = made.kind == "let" and to_mathml(f"{left} = {right}", display=True).width <= SHORT
        if short and single:
            found[-1] = (found[-1][0], rf"{found[-1][1]},\qquad {left} = {right}")
            single = False
        else:
            found.append((left, right))
            single = short
    return found


def line_latex(rule: UpdateRule, shift: int = 0, *, lecture: bool = False) -> list[tuple[str, str]]:
    """The two sides of each line."""
    naming = naming_of(rule, lecture=lecture)
    return [(latex(line[1], naming=naming), latex(line[2], naming=naming)) for line in rule.timed(shift)]


def gradient_latex(rule: UpdateRule, shift: int = 0, *, lecture: bool = False) -> tuple[str, str]:
    r"""What g stands for: the gradient of the loss, at the point where the rule takes it.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> gradient_latex(OPTIMIZERS["nesterov"])[1]
    '\\nabla_{w} \\mathcal{L}(w_{t - 1} + \\beta_{1} m_{t - 1})'
    """
    naming, before = naming_of(rule, lecture=lecture), at(STEP, shift - 1)
    left = latex(("ix", GRADIENT, at(STEP, 0)), naming=naming)
    by, inside = naming.printed(PARAMETER), latex(gradient_point(rule, before), naming=naming)
    return left, rf"\nabla_{{{by}}} {LOSS[lecture]}({inside})"


def gradient_point(rule: UpdateRule, before: Term) -> Term:
    """Where the gradient is taken, in w and the state at the time `before`."""
    families = {PARAMETER, *(state.name for state in rule.state)}
    return put(parse_expression(rule.gradient_at).term, {name: ("ix", name, before) for name in families})


def start_latex(rule: UpdateRule) -> list[tuple[str, str]]:
    """The state before the first step: `v_{0}` and what it is, for each."""
    naming, zero = naming_of(rule), ("q", Fraction(0))
    start: dict[str, Term] = {PARAMETER: ("ix", PARAMETER, zero)}
    return [
        (latex(("ix", name, zero), naming=naming), latex(put(term, start), naming=naming))
        for name, term in rule.initial.items()
    ]


def naming_of(rule: UpdateRule, *, lecture: bool = False) -> Naming:
    """The print of every name of a rule; no two look alike."""
    terms = (*rule.timed(1), parse_expression(rule.gradient_at).term, *parse_given(rule.given).facts)
    found = LECTURE.naming(terms)
    table = dict(found.table)
    for name in table:
        own = _PRINTED.get(name, LECTURE.printed(name))
        if own not in (shown for other, shown in table.items() if other != name):
            table[name] = own
    if lecture:
        for name in vectors(rule):
            table[name] = Printed(_LETTER.sub(r"\\mathbf{\1}", table[name].base), table[name].subscript)
    return replace(found, table=table, above=lecture)


def vectors(rule: UpdateRule) -> frozenset[str]:
    """The names that have a value for each parameter: w, g, the state, and what is computed from them."""
    found = {PARAMETER, GRADIENT, *(state.name for state in rule.state if not state.scalar)}
    for line in rule.assignments:
        if line.kind == "let" and any(node[0] == "v" and node[1] in found for node in subterms(line.term)):
            found.add(line.name)
    return frozenset(found)


def name_latex(rule: UpdateRule, name: str, *, lecture: bool = False) -> str:
    """A name alone, without a time."""
    return str(naming_of(rule, lecture=lecture).printed(name))


def facts_latex(rule: UpdateRule, facts: str, *, lecture: bool = False) -> str:
    r"""A domain or an invariant as a formula; one that bounds a number from both sides in one piece.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> facts_latex(OPTIMIZERS["adam"], "0 <= beta1 < 1")
    '0 \\le \\beta_{1} < 1'
    """
    naming = naming_of(rule, lecture=lecture)
    terms = [fact[2] if fact[0] == "all" else fact for fact in parse_given(facts).facts]
    sides = [(term[0], latex(term[1], naming=naming), latex(term[2], naming=naming)) for term in terms]
    found = ""
    last = ""
    for relation, left, right in sides:
        sign = RELATION_SIGNS[relation]
        found += f" {sign} {right}" if found and left == last else f"{', ' if found else ''}{left} {sign} {right}"
        last = right
    return found


def default_latex(hyper: Hyperparameter) -> str:
    r"""A default as a formula: 1e-8 is a power of ten.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> [default_latex(hyper) for hyper in OPTIMIZERS["adam"].hyperparameters]
    ['0.001', '0.9', '0.999', '10^{-8}']
    """
    digits, power, exponent = hyper.default.lower().partition("e")
    if not power:
        return digits
    shown = rf"10^{{{int(exponent)}}}"
    return shown if Fraction(digits) == 1 else rf"{digits} \cdot {shown}"

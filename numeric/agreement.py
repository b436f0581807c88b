"""That a kernel computes its rule, as theorems: the plan is run on symbols, and the kernel of `derive` judges what
comes out.

This is agreement over the reals, for all inputs: what floats add is bounded by `numeric.balls`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.ascii import show
from derive.chains import compose
from derive.derivation import Derivation, Text
from derive.invariants import named, opened
from derive.kernel.terms import Term, rebuild
from derive.update_rule import UpdateRule
from numeric.exact import execute, symbols
from numeric.inplace import Plan, plan_of

COMPUTED = Text("what the rule says", "규칙이 말하는 것")


def computed(plan: Plan) -> Mapping[str, Term]:
    """What a plan leaves in its arrays and scalar results, as terms in what was there before.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> {name: show(term) for name, term in computed(plan_of(OPTIMIZERS["momentum"])).items()}
    {'m': 'beta1*m - eta*g', 'g': 'g', 'w': 'w + (beta1*m - eta*g)'}
    """
    names = {value.name for value in plan.program.inputs}
    return execute(plan, {name: ("v", name) for name in names}, symbols())


def agreement(rule: UpdateRule, plan: Plan | None = None) -> tuple[Derivation, ...]:
    """For w and each state: what the kernel leaves there = what the rule says. Not judged yet.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> [found.verify().verdict for found in agreement(OPTIMIZERS["rmsprop"])]
    ['proved', 'proved']
    """
    found = computed(plan or plan_of(rule))
    kept = [assignment.name for assignment in rule.assignments if assignment.kind != "let"]
    known = opened(rule)
    parts = {plain(term): name for term, name in known.parts.items()}
    claims = (
        compose(
            f"{rule.name}-kernel-{name}",
            Text(f"{rule.title.en}: the kernel computes {name}", f"{rule.title.ko}: 커널이 계산하는 {name}"),
            rule.source,
            "; ".join([rule.given, *known.facts]),
            [
                ("", show(named(plain(found[name]), parts)), Text(), ""),
                ("=", show(named(plain(rule.step[name]), parts)), COMPUTED, ""),
            ],
        )
        for name in kept
    )
    return tuple(replace(claim, obligations=known.obligations) for claim in claims)


def plain(term: Term) -> Term:
    """The term as a program has it: sums and products from the left, quotients of numbers as numbers.

    >>> from derive.syntax import parse_expression
    >>> show(plain(parse_expression("(a*b)*(1/2)*x**2").term))
    'a*b*(1/2)*x**2'
    """
    term = rebuild(term, lambda part, _: plain(part))
    tag, *parts = term
    if tag in ("+", "*") and parts[0][0] == tag:
        return (tag, *parts[0][1:], *parts[1:])
    if tag == "/" and parts[0][0] == parts[1][0] == "q" and parts[1][1]:
        return ("q", parts[0][1] / parts[1][1])
    if tag == "neg" and parts[0][0] == "q":
        return ("q", -parts[0][1])
    return term

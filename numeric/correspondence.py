"""Which hyperparameter of a claimed rule is which of the code: by name, and where no name says it, by trying.

What is known of the code's hyperparameters and what the claimed rule asks of its own is brought together here, too.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from derive.ascii import show
from derive.kernel.terms import ONE, Term
from derive.relations import tidy
from derive.syntax import parse_expression, parse_given
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, Hyperparameter, UpdateRule, names_in, put

if TYPE_CHECKING:
    from numeric.lift import Lifted

ASSIGNMENTS = 24  # ways to pair hyperparameters whose names say nothing
# the gradients and rates of single steps have these names in witnesses and proofs
_OURS = re.compile(r"(?:g|eta)[0-9]+")


@dataclass(frozen=True)
class Run:
    """An optimizer from its start: what it holds after the first step, and what each later step makes of that.

    A rule begins as its lines say; code may treat the first step in a way of its own. `conditions` are what was
    assumed about each later step when it was read, `first_conditions` about the first one.
    """

    rule: UpdateRule
    first: Mapping[str, Term]
    conditions: tuple[Term, ...] = ()
    first_conditions: tuple[Term, ...] = ()

    @staticmethod
    def of(rule: UpdateRule) -> Run:
        """The run of a rule: its first step is like the others."""
        begin = {**rule.initial, STEP: ONE}
        kept = [assignment.name for assignment in rule.assignments if assignment.kind != "let"]
        return Run(rule, {name: put(rule.step[name], begin) for name in kept})

    @property
    def used(self) -> set[str]:
        """The names that occur in its formulas."""
        terms = [*self.rule.step.values(), *self.first.values(), *self.conditions, *self.first_conditions]
        return {name for term in terms for name in names_in(term)}

    def renamed(self, old: str, new: str) -> Run:
        """The same with another name for a state or a hyperparameter."""
        rule = self.rule

        def text(line: str) -> str:
            return re.sub(rf"(?<![A-Za-z0-9]){old}(?![A-Za-z0-9])", new, line)

        def term(each: Term) -> Term:
            return put(each, {old: ("v", new)})

        other = replace(
            rule, lines=tuple(map(text, rule.lines)), gradient_at=text(rule.gradient_at),
            hyperparameters=tuple(
                replace(
                    h, name=text(h.name), domain=text(h.domain),
                    aliases=tuple(alias for alias in h.aliases if alias != text(h.name)),
                )
                for h in rule.hyperparameters
            ),
            state=tuple(
                replace(s, name=text(s.name), initial=text(s.initial), invariant=text(s.invariant)) for s in rule.state
            ),
        )  # fmt: skip
        return Run(
            other,
            {text(name): term(each) for name, each in self.first.items()},
            tuple(map(term, self.conditions)),
            tuple(map(term, self.first_conditions)),
        )


@dataclass(frozen=True)
class Paired:
    """The code, in the names that proofs use, beside a claimed rule, whose hyperparameters are `plain` in the code's.

    `values` are those which the code has no hyperparameter for, so that a value stands for them; `narrower` is what
    the code asks of its own beyond the domains of the rule. `originals` gives what the code itself calls what is called
    otherwise here.
    """

    code: Run
    claimed: UpdateRule
    plain: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    narrower: tuple[Term, ...] = ()
    originals: Mapping[str, str] = field(default_factory=dict)
    whole: UpdateRule | None = None  # the claimed rule with the state that those values make idle

    @property
    def conditions(self) -> list[str]:
        """What has to hold of the hyperparameters for the rule to be this code, beside what the code was read under."""
        rule = self.whole or self.claimed
        mentioned = {name for term in rule.step.values() for name in names_in(term)}
        values = [f"{name} = {value}" for name, value in self.values.items() if name in mentioned]
        return [*values, *map(show, self.narrower)]


def pairings(lifted: Lifted, claimed: UpdateRule) -> Iterator[Paired]:
    """The ways in which names may correspond, the likeliest first. Where every name is known there is one."""
    code = Run(_declared(lifted, claimed), lifted.first, tuple(lifted.conditions), tuple(lifted.first_conditions))
    known = {*(h.name for h in code.rule.hyperparameters), *(a.name for a in code.rule.assignments)}
    originals: dict[str, str] = {}

    def free(name: str) -> str:
        while name in known | {PARAMETER, GRADIENT, STEP, RATE}:
            name += "x"
        known.add(name)
        return name

    for name in sorted(name for name in known if _OURS.fullmatch(name)):
        originals[other := free(name)] = name
        code = code.renamed(name, other)
    matched, valued = named(code.rule, claimed, lifted.fixed)
    open_ = [name for name in valued if not any(_numeric(lifted.fixed.get(a, "")) for a in _called(claimed, name))]
    spare = [h for h in code.rule.hyperparameters if h.name in code.used and h.name not in matched.values()]
    for pairs in itertools.islice(_assignments(open_, spare, claimed), ASSIGNMENTS):
        plain, here, names = {**matched, **pairs}, code, dict(originals)
        rate = plain.get(RATE)
        if RATE not in pairs and RATE not in matched:
            rate = None
        if rate is not None and rate != RATE and any(h.name == rate for h in code.rule.hyperparameters):
            if any(RATE in (h.name,) for h in code.rule.hyperparameters) or RATE in known:
                names[other := free(RATE)] = RATE
                here, plain = here.renamed(RATE, other), {k: other if v == RATE else v for k, v in plain.items()}
            names[RATE] = rate
            here, plain = here.renamed(rate, RATE), {k: RATE if v == rate else v for k, v in plain.items()}
        rest = {name: plain[name] for name in valued if name not in pairs}
        pair = _with_domains(Paired(here, claimed, plain, rest, (), names))
        small = slimmed(claimed, rest)
        yield pair if small is None else replace(
            pair, claimed=small, whole=claimed, plain={h.name: plain[h.name] for h in small.hyperparameters},
        )  # fmt: skip


def _declared(lifted: Lifted, claimed: UpdateRule) -> UpdateRule:
    """The code's rule with the hyperparameters that the code has but never uses: what they should do it does not do."""
    rule = lifted.rule
    there = {word for hyper in rule.hyperparameters for word in (hyper.name, *hyper.aliases)}
    found = []
    for hyper in claimed.hyperparameters:
        words = (hyper.name, *hyper.aliases)
        idle = next((word for word in words if word in lifted.defaults and word not in lifted.fixed), None)
        if idle is not None and not there & set(words) and re.fullmatch("[A-Za-z][A-Za-z0-9]*", idle):
            found.append(replace(hyper, name=idle, aliases=(), domain=_of(hyper, idle)))
    names = {*(s.name for s in rule.state), *(a.name for a in rule.assignments)}
    return replace(rule, hyperparameters=(*rule.hyperparameters, *(h for h in found if h.name not in names)))


def _of(hyper: Hyperparameter, name: str) -> str:
    facts = parse_given(hyper.domain).facts if hyper.domain else ()
    about = [put(fact, {hyper.name: ("v", name)}) for fact in facts]
    return "; ".join(show(fact) for fact in about if names_in(fact) <= {name})


def _read(rule: UpdateRule, terms: Mapping[str, Term], point: Term) -> tuple[set[str], set[str]]:
    """The names that the parameter needs, and those that it needs as they were before the step."""
    needed, todo = {PARAMETER}, [PARAMETER]
    while todo:
        for name in names_in(terms[todo.pop()]) & terms.keys() - needed:
            needed.add(name)
            todo.append(name)
    read = names_in(point)
    for number, line in enumerate(rule.assignments):
        if line.name in needed:
            read |= names_in(terms[line.name]) - {before.name for before in rule.assignments[:number]}
    return needed, read


def slimmed(claimed: UpdateRule, values: Mapping[str, str]) -> UpdateRule | None:
    """A rule at values of hyperparameters without the state that it then has no use for; None if it needs all of it.

    That it is the same rule is proved where it is used.
    """
    given = {name: parsed(text) for name, text in values.items()}
    terms = {line.name: tidy(put(line.term, given)) for line in claimed.assignments}
    needed, read = _read(claimed, terms, put(parsed(claimed.gradient_at), given))
    _, always = _read(claimed, {line.name: line.term for line in claimed.assignments}, parsed(claimed.gradient_at))
    states = {state.name for state in claimed.state}
    idle = (always & states) - read  # a state that nothing ever reads, such as an average, is kept for its own sake
    if not idle:
        return None
    needed |= states - idle
    return replace(
        claimed, lines=tuple(f"{name} = {show(term)}" for name, term in terms.items() if name in needed),
        hyperparameters=tuple(h for h in claimed.hyperparameters if h.name not in values),
        state=tuple(state for state in claimed.state if state.name not in idle),
    )  # fmt: skip


def named(code: UpdateRule, claimed: UpdateRule, fixed: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Each hyperparameter of the claimed rule: the one of the code that has its name or an alias, its value, or 0.

    And which have a value. The exact name goes before an alias, and none of the code's is taken twice.
    """
    own = {hyper.name: hyper.name for hyper in code.hyperparameters}
    also = {alias: hyper.name for hyper in code.hyperparameters for alias in hyper.aliases}
    found: dict[str, str] = {}
    for called, table in (("name", own), ("alias", own), ("name", also), ("alias", also)):
        for hyper in (hyper for hyper in claimed.hyperparameters if hyper.name not in found):
            words = (hyper.name,) if called == "name" else hyper.aliases
            same = next((table[word] for word in words if word in table and table[word] not in found.values()), None)
            found |= {hyper.name: same} if same else {}
    valued = tuple(hyper.name for hyper in claimed.hyperparameters if hyper.name not in found)
    for hyper in (hyper for hyper in claimed.hyperparameters if hyper.name in valued):
        texts = (fixed.get(alias, "") for alias in (hyper.name, *hyper.aliases))
        value = next((show(("q", Fraction(text))) for text in texts if _numeric(text)), None)
        found[hyper.name] = value or ("0" if may_be_zero(hyper) else show(("q", hyper.value)))
    return found, valued


def _called(rule: UpdateRule, name: str) -> tuple[str, ...]:
    hyper = rule.hyperparameter(name)
    return (hyper.name, *hyper.aliases)


def _assignments(open_: list[str], spare: list[Hyperparameter], claimed: UpdateRule) -> Iterator[dict[str, str]]:
    """Pairs of hyperparameters that nothing but their number speaks for; equal defaults first."""
    if not open_ or not spare:
        yield {}
        return
    defaults = {name: claimed.hyperparameter(name).value for name in open_}
    size = min(len(open_), len(spare))
    found = [
        dict(zip(names, (h.name for h in hypers), strict=True))
        for names in itertools.combinations(open_, size)
        for hypers in itertools.permutations(spare, size)
    ] if len(open_) * len(spare) <= 36 else []  # fmt: skip
    values = {h.name: h.value for h in spare}
    found.sort(key=lambda pairs: -sum(values[theirs] == defaults[ours] for ours, theirs in pairs.items()))
    yield from found


def may_be_zero(hyper: Hyperparameter) -> bool:
    """Whether 0, which switches off most of what can be switched off, is in its domain."""
    facts = parse_given(hyper.domain).facts if hyper.domain else ()
    alone = [put(fact, {hyper.name: ("q", Fraction(0))}) for fact in facts]
    return all(holds(fact) for fact in alone if fact[1][0] == fact[2][0] == "q")


def holds(fact: Term) -> bool:
    """Whether a comparison of two numbers holds."""
    left, right = fact[1][1], fact[2][1]
    return bool(
        {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right, "=": left == right,
         "!=": left != right}[fact[0]]
    )  # fmt: skip


def _numeric(text: str) -> bool:
    try:
        Fraction(text)
    except (ValueError, ZeroDivisionError):
        return False
    return True


# --- domains ----------------------------------------------------------------------------------------------------------


def _with_domains(pair: Paired) -> Paired:
    """The code's hyperparameters in the domain of what they are in the rule; and where the code's own is narrower."""
    code, claimed = pair.code.rule, pair.claimed
    mapped = {name: ("v", text) for name, text in pair.plain.items() if name not in pair.values}
    wanted: dict[str, list[Term]] = {}
    for hyper in claimed.hyperparameters:
        for fact in parse_given(hyper.domain).facts if hyper.domain else ():
            names = names_in(fact)
            if hyper.name in mapped and names <= mapped.keys():
                wanted.setdefault(mapped[hyper.name][1], []).append(put(fact, mapped))
    hypers, narrower = [], []
    for hyper in code.hyperparameters:
        own = list(parse_given(hyper.domain).facts) if hyper.domain else []
        asked = wanted.get(hyper.name, [])
        if hyper.name in {text for _, text in mapped.values()}:
            narrower += [fact for fact in own if not any(implies(each, fact) for each in asked)]
        facts = [*own, *(fact for fact in asked if not any(implies(each, fact) for each in own))]
        facts = [f for f in facts if not any(g != f and implies(g, f) and not implies(f, g) for g in facts)]
        hypers.append(replace(hyper, domain="; ".join(map(show, facts)) if facts else ""))
    rule = replace(code, hyperparameters=tuple(hypers))
    return replace(pair, code=replace(pair.code, rule=rule), narrower=tuple(dict.fromkeys(narrower)))


def implies(fact: Term, other: Term) -> bool:
    """Whether a bound of a name by a number gives another bound of it; anything else only gives itself.

    >>> implies(*parse_given("x > 0; x >= 0").facts), implies(*parse_given("x >= 0; x > 0").facts)
    (True, False)
    """
    if fact == other:
        return True
    one, two = _bound(fact), _bound(other)
    if one is None or two is None or one[0] != two[0] or one[1] != two[1]:
        return False
    _, up, at, strict = one
    _, _, limit, needs = two
    closer = at < limit if up else at > limit
    return closer or (at == limit and (strict or not needs))


def _bound(fact: Term) -> tuple[str, bool, Fraction, bool] | None:
    """name < number or the like as (name, whether it is bounded from above, the number, whether it is excluded)."""
    if fact[0] not in ("<", "<=", ">", ">="):
        return None
    relation, left, right = fact
    if left[0] == "q":
        left, right = right, left
        relation = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}[relation]
    if left[0] != "v" or right[0] != "q":
        return None
    return left[1], relation in ("<", "<="), right[1], relation in ("<", ">")


@lru_cache(maxsize=4096)
def parsed(text: str) -> Term:
    """A text of the chain language as a term."""
    return parse_expression(text).term


__all__ = ["Paired", "Run", "holds", "implies", "may_be_zero", "named", "pairings", "parsed"]

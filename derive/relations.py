"""When one update rule is another: a map of hyperparameters and state that commutes with one step, as derivations.

The formulas come from the lines of the two rules; a relation says only how their names correspond. By induction over
the steps the two then stay in correspondence from the start, whatever the gradients.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from derive.ascii import show
from derive.chains import compose
from derive.derivation import Derivation, Obligation, Text
from derive.errors import InputError
from derive.kernel.terms import ONE, ZERO, Term, add, mul, q, rebuild, subterms
from derive.syntax import parse_expression, parse_given
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, UpdateRule, put

Row = tuple[str, Term, Text]
BEFORE = "eta0"  # the learning rate of the step before, where it matters
MEANINGS: dict[str, Text] = {
    PARAMETER: Text("parameter", "파라미터"),
    GRADIENT: Text("gradient", "기울기"),
    STEP: Text("number of the step", "걸음의 번호"),
    BEFORE: Text("learning rate of the step before", "직전 걸음의 학습률"),
}
SHORTER = Text("what is 0 left out", "0인 것을 빼고")
WORD_FOR_WORD = Text("as it stands in the rule", "규칙에 적힌 그대로")
SAME_POINT = Text("the same point", "같은 점")
IN_DOMAIN = Text("by the domains of the hyperparameters", "하이퍼파라미터의 범위에서")


@dataclass(frozen=True)
class Relation:
    """`rule` is `other` under a map.

    `hyper` gives the hyperparameters of `other` in those of `rule`, its state before the step, and t; `state` gives the
    parameter and state of `other` in those of `rule`. What neither names is what has the same name there. `fixed` are
    hyperparameters of `rule` that have a value, or vary with t; where eta stands for eta/sqrt(t), eta means the latter
    in all other formulas. A formula in `state` that mentions eta means the rate of the last step, which is this one
    only if the rate is `constant`. `conditions` are further facts, as in `given`.
    With `names` only these names of `other` are compared: the other ones must not occur in their lines.
    What is given are the domains and invariants of `rule`; that the latter stay is proved by `derive.invariants`.
    Raises InputError for names that neither rule has, and for a value outside the domain.

    >>> from derive.update_rule import optimizer
    >>> same = Relation("same", Text("with beta1 = 0"), optimizer("momentum"), optimizer("sgd"), fixed={"beta1": "0"})
    >>> [[show(line.term) for line in item.lines] for item in same.steps]
    [['w - eta*g', 'w + (0*m - eta*g)']]
    """

    name: str
    title: Text
    rule: UpdateRule
    other: UpdateRule
    hyper: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    conditions: str = ""
    constant: bool = False
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rule, other = self.rule, self.other
        hypers = {hyper.name for hyper in rule.hyperparameters}
        own = {PARAMETER, STEP, *(state.name for state in rule.state), *hypers}
        kept = {PARAMETER, *(state.name for state in other.state)}
        for name in self.hyper:
            other.hyperparameter(name)
        for name in self.fixed:
            rule.hyperparameter(name)
        for name in (*self.state, *self.names):
            _require(name in kept, f"{other.name} keeps no {name}", f"it keeps {', '.join(sorted(kept))}")
        for text, allowed in (
            *((text, own) for text in (*self.hyper.values(), *self.state.values())),
            *((text, hypers | {STEP}) for text in self.fixed.values()),
        ):
            unknown = sorted(_names(parse_expression(text).term) - allowed)
            _require(not unknown, f"{rule.name} has no {', '.join(unknown)}", f"write {text!r} in names of {rule.name}")
        compared = {*self.compared, GRADIENT, STEP, *(hyper.name for hyper in other.hyperparameters)}
        for name in self.compared:
            missing = sorted(_names(other.step[name]) - compared)
            _require(not missing, f"{name} of {other.name} depends on {', '.join(missing)}", "compare that as well")
            unmapped = f"no map says what {name} of {other.name} is"
            _require(name in own or name in self.state, unmapped, "add it to state")
        own |= {other.hyperparameter(name).name for name in self.hyper}
        for name in self.mentioned:
            _require(name in own, f"no map says what {name} of {other.name} is", "add it to hyper")
        for claim in self._domain_claims():
            _require(_holds(claim) is not False, f"{show(claim)} is outside the domain", "choose another value")

    @property
    def compared(self) -> tuple[str, ...]:
        """The names of the other rule that are compared: parameter first, then the state."""
        every = (PARAMETER, *(state.name for state in self.other.state))
        return tuple(name for name in every if name in self.names or not self.names)

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The hyperparameters of the other rule in the lines that are compared."""
        terms = [self.other.step[name] for name in self.compared]
        terms += [self.other.initial[name] for name in self.compared if name in self.other.initial]
        terms += [parse_expression(self.other.gradient_at).term]
        used = {name for term in terms for name in _names(term)}
        return frozenset(hyper.name for hyper in self.other.hyperparameters if hyper.name in used)

    # --- the map ------------------------------------------------------------------------------------------------------

    def _fixed(self, time: Term) -> dict[str, Term]:
        """The hyperparameters of the rule that have a value, at a time."""
        return {
            self.rule.hyperparameter(name).name: put(parse_expression(text).term, {STEP: time})
            for name, text in self.fixed.items()
        }

    def _letters(self, time: Term) -> dict[str, Term]:
        """... without those that are formulas in themselves, whose name is free to mean what is in the formula."""
        return {name: term for name, term in self._fixed(time).items() if name not in _names(term)}

    def _mapped(self, name: str, time: Term, rate: str) -> Term:
        """Parameter or state of the other rule in those of the rule, at a time."""
        term = parse_expression(self.state.get(name, name)).term
        return put(term, {STEP: time, RATE: ("v", rate)} | self._letters(time))

    @cached_property
    def _now(self) -> dict[str, Term]:
        """The hyperparameters of the other rule in this step."""
        time: Term = ("v", STEP)
        texts = {self.other.hyperparameter(name).name: text for name, text in self.hyper.items()}
        found = {hyper.name: texts.get(hyper.name, hyper.name) for hyper in self.other.hyperparameters}
        return {name: put(parse_expression(text).term, self._letters(time)) for name, text in found.items()}

    @cached_property
    def _then(self) -> dict[str, Term]:
        """Parameter and state of the other rule before this step."""
        return {name: self._mapped(name, ("+", ("v", STEP), ("neg", ONE)), self._rate) for name in self.compared}

    @property
    def _rate(self) -> str:
        return RATE if self.constant else BEFORE

    # --- what has to hold ---------------------------------------------------------------------------------------------

    @cached_property
    def steps(self) -> tuple[Derivation, ...]:
        """For each name that is compared: the other rule's step at the mapped state is the map of the rule's step."""
        found = []
        step = {name: put(term, self._fixed(("v", STEP))) for name, term in self.rule.step.items()}
        for name in self.compared:
            left = put(self.other.step[name], self._now | self._then)
            right = put(self._mapped(name, ("v", STEP), RATE), step)
            title = Text(f"The step of {name}", f"{name} 의 한 걸음")
            reason = Text(f"the step of {self.rule.title.en}", f"{self.rule.title.ko}: 한 걸음")
            found.append(self._derivation(f"{self.name}-{name}", title, left, right, reason))
        return tuple(found)

    @cached_property
    def starts(self) -> tuple[Derivation, ...]:
        """For each state that is compared: the map of the start of the rule is the start of the other."""
        found = []
        begin = self.rule.initial
        for name in (name for name in self.compared if name in self.other.initial):
            at_first = {STEP: ONE}
            left = put(self.other.initial[name], self._now | {PARAMETER: ("v", PARAMETER)})
            right = put(put(self._then[name], dict(begin)), self._fixed(ONE))
            title = Text(f"The start of {name}", f"{name} 의 시작")
            left, right = put(left, at_first), put(right, at_first)
            reason = Text(f"the start of {self.rule.title.en}", f"{self.rule.title.ko}: 시작")
            found.append(self._derivation(f"{self.name}-{name}-start", title, left, right, reason))
        return tuple(found)

    @cached_property
    def points(self) -> tuple[Derivation, ...]:
        """That both take the gradient at the same point, where one of them does not take it at the parameter."""
        where = parse_expression(self.other.gradient_at).term
        left = put(where, self._now | {PARAMETER: ("v", PARAMETER)} | self._then)
        right = put(parse_expression(self.rule.gradient_at).term, self._fixed(("v", STEP)))
        if left == right:
            return ()
        title = Text("Where the gradient is taken", "기울기를 구하는 점")
        return (self._derivation(f"{self.name}-gradient", title, left, right, SAME_POINT),)

    @cached_property
    def domains(self) -> tuple[Derivation, ...]:
        """That the mapped hyperparameters are in the domains of the other rule, and the fixed ones in their own."""
        found = []
        claims = (claim for claim in self._domain_claims() if _holds(claim) is None)  # numbers are judged already
        for number, claim in enumerate(claims, 1):
            title = Text("A hyperparameter is in its domain", "하이퍼파라미터가 범위 안에 있다")
            rows: list[Row] = [("", claim[1], Text()), (claim[0], claim[2], IN_DOMAIN)]
            found.append(self._composed(f"{self.name}-domain{number}", title, rows))
        return tuple(found)

    def _domain_claims(self) -> Iterator[Term]:
        """What the domains say of the hyperparameters that are not what they are called, each claim once."""
        claims: dict[Term, None] = {}
        values = self._fixed(("v", STEP))
        changed = {name: term for name, term in self._now.items() if term != ("v", name) and name in self.mentioned}
        for rule, terms in ((self.rule, values), (self.other, changed)):
            for fact in parse_given("; ".join(hyper.domain for hyper in rule.hyperparameters if hyper.domain)).facts:
                if _names(fact) & terms.keys():
                    claims[tidy(put(fact, terms))] = None
        yield from claims

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        """All that has to hold, the steps first; the relation holds where each of them is proved."""
        return (*self.steps, *self.starts, *self.points, *self.domains)

    @property
    def derivation(self) -> Derivation:
        """The first step, which rests on the other derivations: this is what is shown of a relation."""
        first, *rest = self.derivations
        also = tuple(Obligation(item.title, "", item) for item in rest)
        return replace(first, name=self.name, title=self.title, obligations=also)

    def after(self, steps: int, conditions: str = "") -> Derivation:
        """That the parameters still correspond after some steps from the start, for any gradients and rates.

        A relation that fails from a state which is never reached is still true here.

        >>> from derive.library.relations import RELATIONS
        >>> print(show(RELATIONS["heavy-ball"].after(1).lines[0].term))
        w + (beta1*0 - eta*g1)
        """
        mine, theirs, last = run(self, steps)
        rates = RATE if self.constant else f"{RATE}{steps}"
        right = put(self._mapped(PARAMETER, ("q", Fraction(steps)), rates), mine)
        title = Text(f"{self.title.en}, after {steps} steps", f"{self.title.ko}, {steps} 걸음 뒤")
        rows = equation(theirs[PARAMETER], right, Text(f"{self.rule.title.en}", f"{self.rule.title.ko}"))
        return self._composed(f"{self.name}-after-{steps}", title, rows, [*last, *_split(conditions)])

    # --- their text ---------------------------------------------------------------------------------------------------

    def _derivation(self, name: str, title: Text, left: Term, right: Term, reason: Text) -> Derivation:
        return self._composed(name, title, equation(left, right, reason))

    def _composed(self, name: str, title: Text, rows: list[Row], more: Iterable[str] = ()) -> Derivation:
        used = {found for _, term, _ in rows for found in _names(term)}
        facts = given(self.rule, used, self.fixed, [*_split(self.conditions), *more])
        source = "; ".join(dict.fromkeys(text for text in (self.rule.source, self.other.source) if text))
        lines = [(relation, show(term), reason, "") for relation, term, reason in rows]
        meanings = {h.name: h.meaning for r in (self.other, self.rule) for h in r.hyperparameters}
        meanings |= {s.name: s.meaning for s in self.rule.state if s.meaning}
        return compose(name, title, source, facts, lines, meanings=MEANINGS | meanings)


def equation(left: Term, right: Term, reason: Text) -> list[Row]:
    """left = right, each also without what is 0 in it, where that is shorter."""
    rows: list[Row] = [("", left, Text())]
    for term, why in ((tidy(left), SHORTER), (tidy(right), reason), (right, WORD_FOR_WORD)):
        if show(term) != show(rows[-1][1]):
            rows.append(("=", term, why))
    return rows if len(rows) > 1 else [*rows, ("=", right, reason)]


def tidy(term: Term) -> Term:
    """The term with its numbers computed, and without 0 as a summand or 1 as a factor; judged again where it is used.

    >>> show(tidy(parse_expression("w + (0*m - eta*(1 - 0)*g)").term))
    'w - eta*g'
    """
    term = rebuild(term, lambda part, _: tidy(part))
    tag, parts = term[0], term[2:] if term[0] == "f" else term[1:]
    numbers = [number(part) for part in parts if isinstance(part, tuple)]
    known = [value for value in numbers if value is not None]
    if tag == "+" and (len(known) > 1 or 0 in known):
        rest = [part for part in parts if number(part) is None]
        total = sum(known, Fraction(0))
        return add(*([constant(total)] if total or not rest else []), *rest)
    if tag == "neg" and parts[0][0] == "neg":
        return tuple(parts[0][1])
    if tag in ("neg", "*", "/") and (numbers[0] == 0 or (tag == "*" and 0 in known)):
        return ZERO
    if tag == "*" and 1 in known:
        return mul(*(part for part, value in zip(parts, numbers, strict=True) if value != 1))
    if tag == "/" and numbers[1] == 1:
        return tuple(parts[0])
    if tag == "/" and len(known) == 2 and known[1]:
        return constant(known[0] / known[1])
    if tag == "f" and term[1] in ("min", "max") and len(known) == len(parts):
        return constant(min(known) if term[1] == "min" else max(known))
    return term


def number(term: Term) -> Fraction | None:
    """The value of a number, also of one with a sign before it."""
    if term[0] == "neg" and term[1][0] == "q":
        return -Fraction(term[1][1])
    return Fraction(term[1]) if term[0] == "q" else None


def constant(value: Fraction) -> Term:
    """A number as it is written."""
    return q(value) if value >= 0 else ("neg", q(-value))


def given(rule: UpdateRule, used: set[str], fixed: Mapping[str, str] | None = None, more: Iterable[str] = ()) -> str:
    """The assumptions of a rule about the names that are used, without what is said of the fixed hyperparameters."""
    values = {rule.hyperparameter(name).name: parse_expression(text).term for name, text in (fixed or {}).items()}
    gone = {name for name, term in values.items() if name not in _names(term)}
    more = list(more)
    timed = any(text.startswith(f"{STEP} integer") for text in more)
    used = used | {name for text in more for name in _names(("and", *parse_given(text).facts))}
    facts = [f"{name} real" for name in (PARAMETER, GRADIENT) if name in used]
    facts += [f"{STEP} integer >= 1"] if STEP in used and not timed else []
    for hyper in rule.hyperparameters:
        about = {name for fact in parse_given(hyper.domain).facts for name in _names(fact)} if hyper.domain else set()
        if hyper.name in used and hyper.name not in gone and not about & gone:
            facts.append(hyper.domain or f"{hyper.name} real")
    if BEFORE in used:
        facts.append(rule.hyperparameter(RATE).domain.replace(RATE, BEFORE))
    for state in rule.state:
        if state.name in used:
            facts.append(state.invariant or f"{state.name} real")
    said = {name for text in facts for name in _names(("and", *parse_given(text).facts))} | used
    facts += [f"{s.name} real" for s in rule.state if s.name in said - used and not s.invariant]
    return "; ".join(dict.fromkeys([*facts, *more])) or f"{PARAMETER} real"


def run(relation: Relation, steps: int) -> tuple[dict[str, Term], dict[str, Term], list[str]]:
    """Both rules from the start w, in gradients g1, g2, ... and rates eta1, eta2, ...; and the facts about those.

    Raises InputError for more than 6 steps: the terms grow like a power of their number.
    """
    _require(0 <= steps <= 6, f"{steps} steps as one formula", "ask for 0 to 6")
    rule, other = relation.rule, relation.other
    start: Term = ("v", PARAMETER)
    first: dict[str, Term] = {RATE: ("v", RATE if relation.constant else f"{RATE}1"), STEP: ONE}
    mine = {PARAMETER: start} | {n: put(put(term, relation._fixed(ONE)), first) for n, term in rule.initial.items()}
    rates = {name: put(put(term, mine), first) for name, term in relation._now.items()}
    theirs = {name: put(term, rates) for name, term in other.initial.items()}
    theirs[PARAMETER] = put(put(relation._then.get(PARAMETER, start), mine), first | {BEFORE: first[RATE]})
    for t in range(1, steps + 1):
        time: Term = ("q", Fraction(t))
        rate: Term = ("v", RATE if relation.constant else f"{RATE}{t}")
        now = {GRADIENT: ("v", f"{GRADIENT}{t}"), RATE: rate, STEP: time}
        hyper = {name: put(term, mine | now) for name, term in relation._now.items()}
        own = {name: put(term, now) for name, term in relation._fixed(time).items()}
        theirs = {n: put(term, theirs | now | hyper) for n, term in other.step.items() if n in theirs}
        mine = {n: put(term, mine | now | own) for n, term in rule.step.items() if n in mine}
    domain = rule.hyperparameter(RATE).domain
    facts = [f"{GRADIENT}{t} real" for t in range(1, steps + 1)]
    facts += [domain.replace(RATE, f"{RATE}{t}") for t in range(1, steps + 1) if not relation.constant]
    return mine, theirs, facts


def _holds(claim: Term) -> bool | None:
    """Whether a comparison of numbers is true; None of what is more than numbers."""
    left, right = number(claim[1]), number(claim[2])
    if left is None or right is None:
        return None
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(claim[0], left == right)


def _names(term: Term) -> set[str]:
    return {str(node[1]) for node in subterms(term) if node[0] in ("v", "ix", "call")}


def _split(texts: str) -> list[str]:
    return [text.strip() for text in texts.split(";") if text.strip()]


def _require(holds: object, message: str, remedy: str) -> None:
    if not holds:
        raise InputError(message, remedy=remedy)


__all__ = ["Relation", "equation", "given", "run", "tidy"]

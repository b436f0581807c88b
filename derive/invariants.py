"""What stays true from step to step, and that every step is defined: for each update rule, as checked derivations.

A division, a root or a power in a line is defined by the domains of the hyperparameters and the invariants of the
state; the invariants hold at the start and after every step. Definedness is part of every claim, so that a step equals
itself says all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from derive.ascii import show
from derive.chains import compose
from derive.derivation import Derivation, Obligation, Text
from derive.kernel.terms import ZERO, Term, rebuild, sub, subterms
from derive.relations import MEANINGS, given
from derive.syntax import parse_expression, parse_given
from derive.update_rule import PARAMETER, UpdateRule, names_in, put

DEFINED = Text("every part of it is defined", "모든 부분이 정의된다")
FROM = Text("by what is given", "주어진 것에서")


@dataclass(frozen=True)
class Lemma:
    """A fact on the way: `name` stands for a line of its own, or for the term `of`, in everything that follows."""

    fact: str
    name: str = ""
    of: str = ""


@dataclass(frozen=True)
class Between:
    """A line between the two sides of an invariant: left - right = `difference`, whose sign shows."""

    state: str
    difference: str


# rule -> what has to be known before its lines are seen to be defined
LEMMAS: dict[str, tuple[Lemma, ...]] = {
    "nadam": (
        Lemma("0 < c1 <= 1", "c1", "0.96**(t*psi)"),
        Lemma("0 < c2 <= 1", "c2", "0.96**((t + 1)*psi)"),
        Lemma("0 <= mu1 < 1", "mu1"),
        Lemma("0 <= mu2 < 1", "mu2"),
        Lemma("p*mu1 < 1"),
        Lemma("p*mu1*mu2 < 1"),
    ),
    "radam": (Lemma("rho >= 1", "rho"),),
}
# rule -> lines on the way to an invariant
BETWEEN: dict[str, tuple[Between, ...]] = {
    "rmsprop-centered": (Between("v", "beta2*(v - a**2) + beta2*(1 - beta2)*(g - a)**2"),),
}
# rule -> states that never fall, so that the steps of a parameter get no larger for the same gradient
NEVER_FALLS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("adagrad", "adagrad-decay"), ("v",)),
    **dict.fromkeys(("amsgrad", "amsgrad-torch", "amsgrad-optax"), ("vmax",)),
}
# rules with a max(u, 0) where u >= 0 by an invariant: over the real numbers it changes nothing
NEEDLESS: tuple[str, ...] = ("rmsprop-centered",)


def power_below_one() -> Derivation:
    """That a power of a number in (0, 1] is at most 1, where the number is written as exp(-a).

    >>> power_below_one().verify().verdict
    'proved'
    """
    lines = [
        ("", "exp(-a)**x", Text(), ""),
        ("=", "exp(-a*x)", Text("laws of powers", "지수법칙"), ""),
        ("<=", "1", Text("exp(a*x) >= 1 + a*x", "exp(a*x) >= 1 + a*x"), ""),
    ]
    title = Text(
        "A power x >= 0 of exp(-a) <= 1 is at most 1",
        "1 이하인 수 exp(-a) 의 x >= 0 제곱은 1 이하",
    )
    return compose("power-below-one", title, "", "a >= 0; x >= 0", lines)


@dataclass(frozen=True)
class Opened:
    """One step with names for some of its parts, and what is known of them."""

    rule: UpdateRule
    step: Mapping[str, Term]
    facts: tuple[str, ...]
    proofs: tuple[Derivation, ...]
    declared: tuple[Obligation, ...] = ()  # what the kernel has not judged
    parts: Mapping[Term, Term] = field(default_factory=dict)  # what has a name, written out -> the name

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        """What everything about the step rests on."""
        return (*(Obligation(proof.title, "", proof) for proof in self.proofs), *self.declared)

    def derivation(self, name: str, title: Text, lines: list[tuple[str, Term, Text]]) -> Derivation:
        used = {name for _, term, _ in lines for name in names_in(term)}
        own = {hyper.name for hyper in self.rule.hyperparameters}
        more = [fact for fact in self.facts if _about(fact, own) & used]
        meanings = MEANINGS | {hyper.name: hyper.meaning for hyper in self.rule.hyperparameters}
        meanings |= {state.name: state.meaning for state in self.rule.state if state.meaning}
        rows = [(relation, show(term), reason, "") for relation, term, reason in lines]
        found = given(self.rule, used, None, more)
        return compose(f"{self.rule.name}-{name}", title, self.rule.source, found, rows, meanings=meanings)


def _about(fact: str, known: set[str]) -> set[str]:
    """The names of a fact that are no hyperparameters."""
    return {name for term in parse_given(fact).facts for name in names_in(term)} - known


def opened(rule: UpdateRule) -> Opened:
    """The step with the lemmas of the rule, each proved from those before it, or declared.

    That a power with a real exponent is at most 1 the kernel knows for exp(-a)**x alone: that the one in the rule is
    such a power is declared.
    """
    parts: dict[Term, Term] = {}
    kept: set[str] = set()
    found = Opened(rule, rule.step, (), ())
    for lemma in LEMMAS.get(rule.name, ()):
        whole = parse_expression(lemma.of).term if lemma.of else found.step.get(lemma.name)
        proofs, declared = [], []
        for number, fact in enumerate(parse_given(lemma.fact).facts, 1):
            claim = put(fact, {lemma.name: whole}) if whole is not None else fact
            title = Text(f"On the way: {show(fact)}", f"중간 단계: {show(fact)}")
            label = f"{lemma.name or 'lemma'}-{len(found.proofs) + number}"
            lines = [("", claim[1], Text()), (claim[0], claim[2], FROM)]
            if lemma.of and claim[0] == "<=":
                proofs += [] if any(proof.name == "power-below-one" for proof in found.proofs) else [power_below_one()]
                declared.append(Obligation(_instance(fact, lemma.of), "natural logarithm: b = exp(log(b))"))
            else:
                proofs.append(found.derivation(label, title, lines))
        if lemma.of and whole is not None:
            parts[whole] = ("v", lemma.name)
        kept |= {lemma.name}
        step = _step(rule, parts, kept)
        found = Opened(
            rule, step, (*found.facts, lemma.fact), (*found.proofs, *proofs), (*found.declared, *declared)
        )  # fmt: skip
    return replace(found, parts=parts | {rule.step[name]: ("v", name) for name in kept if name in rule.step})


def _instance(fact: Term, of: str) -> Text:
    return Text(
        f"{show(fact)} for {of}, whose base is exp(-a) for an a > 0",
        f"{of} 에 대해 {show(fact)}: 밑은 어떤 a > 0 에 대한 exp(-a)",
    )


def _step(rule: UpdateRule, parts: Mapping[Term, Term], kept: set[str]) -> dict[str, Term]:
    values: dict[str, Term] = {}
    for assignment in rule.assignments:
        term = put(named(assignment.term, parts), values)
        name: Term = ("v", assignment.name)
        values[assignment.name] = name if assignment.name in kept and assignment.kind == "let" else term
    return values


def named(term: Term, parts: Mapping[Term, Term]) -> Term:
    """The term with names for the parts that have one."""
    return parts[term] if term in parts else rebuild(term, lambda part, _: named(part, parts))


def invariants(rule: UpdateRule) -> tuple[Derivation, ...]:
    """That each invariant of the state holds at the start and, where it held before, after a step.

    >>> from derive.update_rule import optimizer
    >>> [item.verify().verdict for item in invariants(optimizer("rmsprop"))]
    ['proved', 'proved']
    """
    return tuple(_invariants(opened(rule)))


def _invariants(opened: Opened) -> Iterator[Derivation]:
    rule = opened.rule
    between = {row.state: parse_expression(row.difference).term for row in BETWEEN.get(rule.name, ())}
    for state in (state for state in rule.state if state.invariant):
        facts = parse_given(state.invariant).facts
        for number, fact in enumerate(facts, 1):
            label = f"{state.name}{number if len(facts) > 1 else ''}"
            begin, after = put(fact, dict(rule.initial)), put(fact, dict(opened.step))
            title = Text(f"At the start {show(fact)}", f"시작할 때 {show(fact)}")
            yield opened.derivation(f"{label}-start", title, [("", begin[1], Text()), (begin[0], begin[2], FROM)])
            title = Text(f"After a step {show(fact)} again", f"한 걸음 뒤에도 {show(fact)}")
            lines = [("", after[1], Text()), (after[0], after[2], FROM)]
            if state.name in between:
                lines = [
                    ("", sub(after[1], after[2]), Text()),
                    ("=", between[state.name], Text()),
                    (after[0], ZERO, FROM),
                ]
            yield opened.derivation(f"{label}-after", title, lines)


def _besides(opened: Opened) -> Iterator[Derivation]:
    """What the invariants say besides: of states that never fall, and of a max that changes nothing."""
    for name in NEVER_FALLS.get(opened.rule.name, ()):
        lines: list[tuple[str, Term, Text]] = [("", opened.step[name], Text()), (">=", ("v", name), FROM)]
        yield opened.derivation(f"{name}-never-falls", Text(f"{name} never falls", f"{name} 은(는) 줄지 않는다"), lines)
    for line in opened.rule.assignments if opened.rule.name in NEEDLESS else ():
        for node in (n for n in subterms(line.term) if n[:2] == ("f", "max") and n[3:] == (ZERO,)):
            title = Text(f"max changes nothing: {show(node)}", f"max 는 아무것도 바꾸지 않는다: {show(node)}")
            yield opened.derivation(f"{line.name}-max", title, [("", node, Text()), ("=", node[2], FROM)])


def defined(rule: UpdateRule) -> Derivation:
    """That every step of a rule is defined; it rests on the invariants, and on what they rest on.

    >>> from derive.update_rule import optimizer
    >>> done = defined(optimizer("adam")).verify()
    >>> done.verdict, {obligation.verdict for obligation in done.obligations}
    ('proved', {'proved'})
    """
    known = opened(rule)
    rest = [*_invariants(known), *_besides(known)]
    for name in (state.name for state in rule.state):
        rest.append(_itself(known, name, Text(f"The step of {name} is defined", f"{name} 의 한 걸음이 정의된다")))
    main = _itself(known, PARAMETER, defined_title(rule))
    also = tuple(Obligation(item.title, "", item) for item in rest)
    return replace(main, name=f"{rule.name}-defined", obligations=(*known.obligations, *also))


def defined_title(rule: UpdateRule) -> Text:
    """The title of `defined`."""
    return Text(f"Every step is defined: {rule.title.en}", f"모든 걸음이 정의된다: {rule.title.ko}")


def _itself(opened: Opened, name: str, title: Text) -> Derivation:
    term = opened.step[name]
    return opened.derivation(f"{name}-defined", title, [("", term, Text()), ("=", term, DEFINED)])


__all__ = ["Opened", "defined", "defined_title", "invariants", "named", "opened", "power_below_one"]

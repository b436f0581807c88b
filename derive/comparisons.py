"""What update rules say of each other beside being the same: composed steps, and how far two rules come apart.

Everything but the claim itself is put together from the lines of the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from derive.ascii import show
from derive.chains import compose
from derive.derivation import Derivation, Obligation, Text
from derive.invariants import defined, defined_title
from derive.kernel.terms import ONE, ZERO, Term, add, sub, subterms
from derive.library.optimizers import OPTIMIZERS
from derive.library.relations import RELATIONS
from derive.relations import MEANINGS, SHORTER, Relation, equation, given, run, tidy
from derive.syntax import parse_expression
from derive.unrolled import derivations
from derive.update_rule import GRADIENT, PARAMETER, RATE, UpdateRule, names_in, put

APART = "beta1*(eta2 - eta1)*g1"  # heavy ball inside less outside, after two steps
MULTIPLIED = Text("multiplied out", "전개하면")
TERM_BY_TERM = Text("no factor is 0 but the difference of the rates", "0이 될 수 있는 인수는 학습률의 차뿐")


def _composed(
    name: str, title: Text, rule: UpdateRule, lines: list[tuple[str, Term, Text]], more: list[str]
) -> Derivation:
    names = {name for _, term, _ in lines for name in names_in(term)}
    meanings = MEANINGS | {hyper.name: hyper.meaning for hyper in rule.hyperparameters}
    meanings |= {state.name: state.meaning for state in rule.state if state.meaning}
    meanings |= {f"{GRADIENT}{t}": Text(f"gradient of step {t}", f"걸음 {t} 의 기울기") for t in (1, 2)}
    meanings |= {f"{RATE}{t}": Text(f"learning rate of step {t}", f"걸음 {t} 의 학습률") for t in (1, 2)}
    rows = [(relation, show(term), reason, "") for relation, term, reason in lines]
    return compose(name, title, rule.source, given(rule, names, None, more), rows, meanings=meanings)


def _apart(relation: Relation) -> tuple[Term, Term, list[str]]:
    """The parameters of the other rule and of the rule after two steps from the same start; facts about the steps."""
    mine, theirs, facts = run(relation, 2)
    return theirs[PARAMETER], mine[PARAMETER], facts


def _from_the_lines(found: Derivation, facts: list[str], **runs: Term) -> Derivation:
    """The derivation, which rests on this: what it begins with are two steps, word for word, of the rules."""
    rests = []
    for key, run_ in runs.items():
        name = key.replace("_", "-")
        rule = OPTIMIZERS[name.removesuffix("-l2")].with_decay() if name.endswith("-l2") else OPTIMIZERS[name]
        title = Text(f"Two steps from the start: {rule.title.en}", f"처음부터 두 걸음: {rule.title.ko}")
        item = _composed(f"{found.name}-{name}", title, rule, equation(run_, tidy(run_), SHORTER), facts)
        rests.append(Obligation(title, "", item))
    return replace(found, obligations=tuple(rests))


def _under_a_schedule(name: str) -> Relation:
    """A relation of the library without the condition that the rate is constant, and with the same parameter."""
    row = RELATIONS[name]
    return Relation(row.name, row.title, row.rule, row.other, row.hyper, row.state, row.fixed, row.conditions)


def heavy_ball_apart() -> Derivation:
    """How far the two forms of momentum come apart when the rate changes.

    >>> heavy_ball_apart().verify().verdict
    'proved'
    """
    inside, outside, facts = _apart(_under_a_schedule("heavy-ball"))
    title = Text(
        "If the rate changes, the two forms of momentum come apart at the second step",
        "학습률이 바뀌면 모멘텀의 두 꼴은 둘째 걸음에서 달라진다",
    )
    lines = [("", sub(tidy(inside), tidy(outside)), Text()), ("=", parse_expression(APART).term, MULTIPLIED)]
    found = _composed("heavy-ball-apart", title, OPTIMIZERS["momentum"], lines, facts)
    return _from_the_lines(found, facts, momentum=inside, momentum_torch=outside)


def heavy_ball_iff() -> Derivation:
    """The two forms of momentum agree after two steps exactly if the rate has not changed.

    >>> heavy_ball_iff().verify().verdict
    'proved'
    """
    inside, outside, facts = _apart(_under_a_schedule("heavy-ball"))
    title = Text(
        "The learning rate inside momentum or outside: the same after two steps if and only if it is constant",
        "학습률이 모멘텀 안이든 밖이든 두 걸음 뒤에 같을 필요충분조건은 학습률이 일정한 것",
    )
    lines: list[tuple[str, Term, Text]] = [
        ("", ("=", tidy(inside), tidy(outside)), Text()),
        ("<=>", ("=", parse_expression(APART).term, ZERO), MULTIPLIED),
        ("<=>", ("=", ("v", "eta1"), ("v", "eta2")), TERM_BY_TERM),
    ]
    found = _composed("heavy-ball-iff", title, OPTIMIZERS["momentum"], lines, [*facts, "beta1 != 0", "g1 != 0"])
    return _from_the_lines(found, facts, momentum=inside, momentum_torch=outside)


def sgdw_apart() -> Derivation:
    """With momentum an L2 penalty is not decoupled decay: the velocity remembers it.

    >>> sgdw_apart().verify().verdict
    'proved'
    """
    rule = OPTIMIZERS["momentum"].with_decay()
    relation = Relation("sgdw-apart", Text(), OPTIMIZERS["sgdw"], rule, state={"m": "-m"})
    coupled, decoupled, facts = _apart(relation)
    title = Text(
        "With momentum an L2 penalty differs from decoupled decay: the momentum remembers it",
        "모멘텀을 쓰면 L2 벌점은 분리된 가중치 감쇠와 다르다: 모멘텀이 벌점을 기억한다",
    )
    claim = parse_expression("-beta1*eta1*lam*w").term
    lines = [("", sub(tidy(coupled), tidy(decoupled)), Text()), ("=", claim, MULTIPLIED)]
    found = _composed("sgdw-apart", title, OPTIMIZERS["sgdw"], lines, facts)
    return _from_the_lines(found, facts, sgdw=decoupled, momentum_l2=coupled)


def adam_is_rmsprop_of_momentum() -> Derivation:
    """Adam = RMSprop + momentum: RMSprop's step with the average of momentum in place of the gradient above the line.

    >>> done = adam_is_rmsprop_of_momentum().verify()
    >>> done.verdict, [obligation.verdict for obligation in done.obligations]
    ('proved', ['proved', 'proved'])
    """
    adam, rmsprop, momentum = (OPTIMIZERS[name] for name in ("adam-lecture", "rmsprop", "ema-momentum"))
    scaled = next(line.term for line in rmsprop.assignments if line.name == PARAMETER)
    whole = put(scaled, {GRADIENT: momentum.step["m"], "v": rmsprop.step["v"]})
    title = Text("Adam = RMSprop + momentum", "Adam = RMSprop + 모멘텀")
    lines = [
        ("", adam.step[PARAMETER], Text()),
        (
            "=",
            whole,
            Text("RMSprop's line, with momentum's m for the gradient", "RMSprop 의 식에서 기울기 자리에 모멘텀의 m"),
        ),
    ]
    found = _composed("adam-sum", title, adam, lines, [])
    parts = (RELATIONS["adam-average"], RELATIONS["adam-squares"])
    rests = tuple(Obligation(part.title, "", part.derivation) for part in parts)
    return replace(found, obligations=rests)


def adagrad_keeps_and_adds() -> Derivation:
    """AdaGrad's recurrence is RMSprop's with both coefficients 1: all of the past is kept, all of the new is added.

    >>> adagrad_keeps_and_adds().verify().verdict
    'proved'
    """
    average = OPTIMIZERS["rmsprop"].step["v"]
    keeps, adds = put(average, {"beta2": ONE, GRADIENT: ZERO}), put(average, {"beta2": ZERO, "v": ZERO})
    title = Text(
        "AdaGrad sums where RMSprop averages: both coefficients are 1",
        "RMSprop 이 평균을 내는 곳에서 AdaGrad 은 더한다: 두 계수가 모두 1",
    )
    why = Text(
        "what RMSprop keeps at beta2 = 1, and adds at beta2 = 0",
        "beta2 = 1 일 때 남기는 것과 beta2 = 0 일 때 더하는 것",
    )
    lines = [("", OPTIMIZERS["adagrad"].step["v"], Text()), ("=", add(keeps, adds), why)]
    return _composed("adagrad-sums", title, OPTIMIZERS["adagrad"], lines, [])


def amsgrad_is_slower() -> Derivation:
    """For the same state AMSGrad takes the root of no less than Adam without bias correction does.

    >>> amsgrad_is_slower().verify().verdict
    'proved'
    """
    slow, fast = OPTIMIZERS["amsgrad"], OPTIMIZERS["adam-lecture"]
    title = Text("AMSGrad divides by the root of no less than Adam", "AMSGrad 이 제곱근을 취하는 값은 Adam 의 값 이상")
    below = [_under_the_root(rule) for rule in (slow, fast)]
    why = Text("the largest average is at least the newest", "가장 큰 평균은 새 평균 이상")
    return _composed("amsgrad-slower", title, slow, [("", below[0], Text()), (">=", below[1], why)], [])


def _under_the_root(rule: UpdateRule) -> Term:
    """What the last line of a rule takes the root of, after a step."""
    line = next(line.term for line in rule.assignments if line.name == PARAMETER)
    return put(next(node[2] for node in subterms(line) if node[:2] == ("f", "sqrt")), rule.step)


COMPARISONS: dict[str, Callable[[], Derivation]] = {
    "adam-sum": adam_is_rmsprop_of_momentum,
    "heavy-ball-apart": heavy_ball_apart,
    "heavy-ball-iff": heavy_ball_iff,
    "sgdw-apart": sgdw_apart,
    "adagrad-sums": adagrad_keeps_and_adds,
    "amsgrad-slower": amsgrad_is_slower,
}


@lru_cache(maxsize=1)
def entries() -> dict[str, dict[str, tuple[Text, Callable[[], Derivation]]]]:
    """What the library says of update rules: by kind and name, a title and what makes the derivation.

    >>> {kind: next(iter(found)) for kind, found in entries().items()}
    {'relations': 'gd-as-sgd', 'unrolled': 'sgd-unrolled', 'invariants': 'gd-defined'}
    """

    def related(row: Relation) -> Callable[[], Derivation]:
        return lambda: row.derivation

    def safe(rule: UpdateRule) -> Callable[[], Derivation]:
        return lambda: defined(rule)

    def made(item: Derivation) -> Callable[[], Derivation]:
        return lambda: item

    same = {name: (row.title, related(row)) for name, row in RELATIONS.items()}
    apart = {name: (make().title, make) for name, make in COMPARISONS.items()}
    unrolled = {name: (item.title, made(item)) for name, item in derivations().items()}
    invariants = {f"{rule.name}-defined": (defined_title(rule), safe(rule)) for rule in OPTIMIZERS.values()}
    return {"relations": same | apart, "unrolled": unrolled, "invariants": invariants}


__all__ = [
    "COMPARISONS",
    "adagrad_keeps_and_adds",
    "adam_is_rmsprop_of_momentum",
    "amsgrad_is_slower",
    "entries",
    "heavy_ball_apart",
    "heavy_ball_iff",
    "sgdw_apart",
]

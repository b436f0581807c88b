"""Linear recurrences of update rules, solved: what a state is after t steps, as a sum over all gradients so far.

The recurrence is the rule's own line, with the times that lectures write; the closed form is typed once, and proved by
induction on t.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.ascii import show
from derive.chains import compose
from derive.derivation import Derivation, Text
from derive.kernel.terms import ONE, Term, mul, rebuild, subterms
from derive.library.optimizers import OPTIMIZERS
from derive.relations import MEANINGS, given
from derive.syntax import parse_expression
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, names_in, put

BY_INDUCTION = Text("by induction on t", "t 에 대한 귀납법")
GEOMETRIC = Text("geometric series", "등비급수")
CONSTANT = Text("every gradient 1, so that the weights are added up", "모든 기울기를 1로 두면 가중치의 합")
RATES = {RATE: ("ix", RATE, ("v", STEP))}  # a schedule: the rate of step t + 1 belongs to g[t]


@dataclass(frozen=True)
class Unrolled:
    """What a state of a rule is after t steps; `closed` is a formula in t, g[k] and the rates eta[k].

    With `sums` the weights of the gradients add up to that.
    """

    name: str
    title: Text
    rule: str
    state: str
    closed: str
    sums: str = ""
    source: str = ""

    @property
    def derivation(self) -> Derivation:
        """The recurrence of the rule with its solution.

        >>> print(show(UNROLLED["adagrad-unrolled"].derivation.lines[0].term))
        rec v[t+1] = v[t] + g[t]**2, v[0] = 0 => v[t] = sum(g[i]**2, i, 0, t - 1)
        """
        rule = OPTIMIZERS[self.rule]
        now, after = ("ix", self.state, ("v", STEP)), ("+", ("v", STEP), ONE)
        line = next(line for line in rule.timed(shift=1) if line[1] == ("ix", self.state, after))
        step = put(line[2], RATES)
        first = rule.initial.get(self.state, ("v", f"{PARAMETER}0"))
        text = f"rec {show(line[1])} = {show(step)}, {self.state}[0] = {show(first)} => {show(now)} = {self.closed}"
        return self._composed(self.name, self.title, step, [("", text, BY_INDUCTION)])

    @property
    def weights(self) -> Derivation:
        """That the weights of the gradients add up to `sums`."""
        term = _ones(parse_expression(self.closed).term)
        binders = parse_expression(self.closed).binders
        title = Text(f"{self.title.en}: the sum of the weights", f"{self.title.ko}: 가중치의 합")
        lines = [("", show(term, binders), CONSTANT), ("=", self.sums, GEOMETRIC)]
        return self._composed(f"{self.name}-weights", title, term, lines, f"{STEP} integer >= 1")

    def corrected(self, name: str) -> Derivation:
        """That a line of the rule, such as mhat, makes the weights add up to 1."""
        rule = OPTIMIZERS[self.rule]
        line = next(line for line in rule.assignments if line.name == name)
        closed, binders = _ones(parse_expression(self.closed).term), parse_expression(self.closed).binders
        whole, summed = (put(line.term, {self.state: part}) for part in (closed, parse_expression(self.sums).term))
        title = Text(
            f"After bias correction the weights of {name} add up to 1",
            f"편향 보정 뒤 {name} 의 가중치의 합은 1",
        )
        lines = [("", show(whole, binders), Text()), ("=", show(summed), GEOMETRIC), ("=", "1", Text())]
        return self._composed(f"{self.name}-corrected", title, whole, lines, f"{STEP} integer >= 1")

    def _composed(
        self, name: str, title: Text, step: Term, lines: list[tuple[str, str, Text]], time: str = ""
    ) -> Derivation:
        rule = OPTIMIZERS[self.rule]
        names = names_in(step)
        hypers = {hyper.name for hyper in rule.hyperparameters}
        indexed = {str(node[1]) for node in subterms(step) if node[0] == "ix"} & {GRADIENT, RATE}
        facts = [f"{', '.join(f'{family}[k]' for family in sorted(indexed))} real"] if indexed else []
        known = given(rule, names & hypers, None, [time] if time else []) if names & hypers or time else ""
        meanings = MEANINGS | {hyper.name: hyper.meaning for hyper in rule.hyperparameters}
        meanings |= {state.name: state.meaning for state in rule.state if state.meaning}
        rows = [(relation, text, reason, "") for relation, text, reason in lines]
        text = "; ".join(part for part in (known, *facts) if part)
        return compose(name, title, self.source or rule.source, text, rows, meanings=meanings)


def _ones(term: Term) -> Term:
    """The term with 1 for every gradient, and without what that makes a factor of 1."""
    if term[:2] == ("ix", GRADIENT):
        return ONE
    term = rebuild(term, lambda part, _: _ones(part))
    if term[0] == "*":
        return mul(*(part for part in term[1:] if part != ONE))
    return ONE if term[:2] == ("^", ONE) else term


def _row(name: str, en: str, ko: str, rule: str, state: str, closed: str, sums: str = "") -> Unrolled:
    return Unrolled(name, Text(en, ko), rule, state, closed, sums)


UNROLLED: dict[str, Unrolled] = {
    row.name: row
    for row in (
        _row(
            "sgd-unrolled", "SGD: the start less all gradients so far", "SGD: 처음 값에서 지난 기울기를 모두 뺀 것",
            "sgd", "w", "w0 - sum(eta[k]*g[k], k, 0, t - 1)",
        ),
        _row(
            "momentum-rule-unrolled", "Momentum: each past gradient with the rate of its own step",
            "모멘텀: 지난 기울기마다 그때의 학습률이 붙는다",
            "momentum", "m", "-sum(beta1**(t - 1 - k)*eta[k]*g[k], k, 0, t - 1)",
        ),
        _row(
            "heavy-ball-unrolled", "Heavy ball: a sum of all past gradients, whatever their rates",
            "헤비볼: 학습률과 관계없는 지난 기울기의 합",
            "nesterov-torch", "v", "sum(beta1**(t - 1 - k)*g[k], k, 0, t - 1)", "(1 - beta1**t)/(1 - beta1)",
        ),
        _row(
            "ema-momentum-unrolled", "The moving average: a weighted sum of all past gradients",
            "이동평균: 지난 기울기의 가중합",
            "ema-momentum", "m", "sum((1 - beta1)*beta1**(t - 1 - k)*g[k], k, 0, t - 1)", "1 - beta1**t",
        ),
        _row(
            "rmsprop-unrolled", "RMSprop: a weighted sum of all past squares", "RMSprop: 지난 제곱의 가중합",
            "rmsprop", "v", "sum((1 - beta2)*beta2**(t - 1 - k)*g[k]**2, k, 0, t - 1)", "1 - beta2**t",
        ),
        _row(
            "adagrad-unrolled", "AdaGrad: the sum of all past squares", "AdaGrad: 지난 제곱의 합",
            "adagrad", "v", "sum(g[k]**2, k, 0, t - 1)", "t",
        ),
        _row(
            "adam-m-unrolled", "Adam's m: a weighted sum of all past gradients", "Adam 의 m: 지난 기울기의 가중합",
            "adam", "m", "sum((1 - beta1)*beta1**(t - 1 - k)*g[k], k, 0, t - 1)", "1 - beta1**t",
        ),
        _row(
            "adam-v-unrolled", "Adam's v: a weighted sum of all past squares", "Adam 의 v: 지난 제곱의 가중합",
            "adam", "v", "sum((1 - beta2)*beta2**(t - 1 - k)*g[k]**2, k, 0, t - 1)", "1 - beta2**t",
        ),
    )
}  # fmt: skip
CORRECTED = {"adam-m-unrolled": "mhat", "adam-v-unrolled": "vhat"}


def derivations() -> dict[str, Derivation]:
    """All of them by name: the solved recurrences, the sums of their weights, and these after bias correction.

    >>> list(derivations())[-2:]
    ['adam-v-unrolled-weights', 'adam-v-unrolled-corrected']
    """
    found = []
    for row in UNROLLED.values():
        found.append(row.derivation)
        found += [row.weights] if row.sums else []
        found += [row.corrected(CORRECTED[row.name])] if row.name in CORRECTED else []
    return {item.name: item for item in found}


__all__ = ["UNROLLED", "Unrolled", "derivations"]

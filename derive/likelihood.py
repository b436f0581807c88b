"""From a model to its loss: likelihood -> log-likelihood -> negative log-likelihood -> loss, as checked derivations.

Any predictor f(x, w) and any number N of observations. What is dropped on the way, a constant and a positive factor,
is part of the result: negative log-likelihood = constant + factor * loss, exactly.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from derive.ascii import show
from derive.chains import compose, read_chains
from derive.derivation import Derivation, Obligation, Text
from derive.errors import InputError, Undecided
from derive.kernel.terms import Term, abstract, add, mentions, q, rebuild
from derive.library.losses import LOSSES, MODELS, PRIORS, Loss
from derive.model import Model, parsed, replace_names

IID = Text("independent, identically distributed", "독립이고 같은 분포")
LOG = Text("log is increasing, and the log of a product is a sum", "로그는 증가함수, 곱은 합으로")
DENSITY = Text("the logarithm of the density", "밀도에 로그를 씌우면")
DROP = Text("constants and positive factors do not move the maximum", "상수항과 양수배는 최댓점을 바꾸지 않는다")
FLIP = Text("flip the sign", "부호를 바꾸면 최소화")


class Parts(NamedTuple):
    """negative log-likelihood = constant + factor * loss, all of them over the whole sample."""

    constant: Term
    factor: Term
    loss: Term


class Sample:
    """A model over N observations: y[i] with the prediction f(x[i], w), and the texts that a chain needs."""

    def __init__(self, model: Model, over: tuple[str, ...] = ("w",), prior: Model | None = None) -> None:
        self.model, self.over, self.prior = model, over, prior
        density, _ = model.density_term()
        self.indexed = any(mentions(density, name) and not _scalar(density, name) for name in ("mu", "y"))
        self.density = _observe(density)
        names = {"mu": "f(x, w, k)" if self.indexed else "f(x, w)", "y": "y[i]"}
        facts = [model.facts(), prior.facts() if prior else "", model.prediction, model.observation]
        kinds = "f(x, w, k) real; y[i, k], x[i] real" if self.indexed else "f(x, w) real; y[i], x[i] real"
        if "integer" in model.observation:
            kinds = kinds.replace("y[i], ", "")
        given = ["w real", *(fact.format(**names) for fact in facts if fact), "N integer >= 1", kinds]
        self.given = "; ".join(given)
        arguments = ", ".join(over)
        # A density of a vector cannot be passed its vector, so it stands in the likelihood itself.
        self.defines = [] if self.indexed else [f"p(y, mu) = {show(density)}"]
        likelihood = show(("prod", q(1), ("v", "N"), abstract(self.density, "i"))) if self.indexed else (
            "prod(p(y[i], f(x[i], w)), i, 1, N)")  # fmt: skip
        self.prior_density = prior.density_term()[0] if prior else None
        if self.prior_density is not None:
            self.defines.append(f"q(w) = {show(self.prior_density)}")
            likelihood = f"q(w)*{likelihood}"
        self.defines.append(f"L({arguments}) = {likelihood}")
        self.name = f"L({arguments})"
        self.likelihood = likelihood
        one = show(self.density) if self.indexed else "p(y[i], f(x[i], w))"
        self.log_likelihood = f"sum(log({one}), i, 1, N)"
        if self.prior_density is not None:
            self.log_likelihood = f"log(q(w)) + {self.log_likelihood}"

    def expanded(self) -> list[Term]:
        """The log-likelihood as summands: what does not depend on the parameters first."""
        from derive.search import pieces

        names = (*self.over, "f")
        body = pieces(("f", "log", self.density), names=names)
        found = [_over_sample(piece) for piece in body]
        if self.prior_density is not None:
            found = pieces(("f", "log", self.prior_density), names=names) + found
        free = [piece for piece in found if not any(mentions(piece, name) for name in names)]
        return free + [piece for piece in found if piece not in free]

    def loss(self, loss: Loss) -> Term:
        """The loss over the whole sample, with the penalty of the prior."""
        term, _ = parsed(loss.formula)
        values = {name: parsed(text)[0] for name, text in self.model.parameters.items()}
        total = _over_sample(_observe(replace_names(term, values)))
        if not loss.penalty:
            return total
        return add(total, replace_names(parsed(loss.penalty)[0], {"lam": parsed(loss.strength)[0]}))


def _scalar(term: Term, name: str) -> bool:
    return not any(node[0] == "ix" and node[1] == name for node in _nodes(term))


def _nodes(term: Term) -> list[Term]:
    found = [term]
    for part in term[1:]:
        if isinstance(part, tuple):
            found += _nodes(part)
    return found


def _observe(term: Term) -> Term:
    """Put the i-th observation: y becomes y[i], mu becomes f(x[i], w); y[k] and mu[k] keep their index."""
    i, x = ("v", "i"), ("ix", "x", ("v", "i"))
    if term[0] in ("v", "ix") and term[1] == "y":
        return ("ix", "y", i, *term[2:])
    if term[0] in ("v", "ix") and term[1] == "mu":
        return ("call", "f", x, ("v", "w"), *term[2:])
    return rebuild(term, lambda part, _: _observe(part))


def _over_sample(piece: Term) -> Term:
    if piece[0] == "neg":
        return ("neg", ("sum", q(1), ("v", "N"), abstract(piece[1], "i")))
    return ("sum", q(1), ("v", "N"), abstract(piece, "i"))


def _loss_of(name: str) -> Loss:
    if name not in LOSSES:
        raise InputError(f"no loss is called {name}", remedy=f"choose one of {', '.join(LOSSES)}")
    return LOSSES[name]


def _sample(loss: Loss, model: Model | None = None) -> Sample:
    return Sample(model or MODELS[loss.model], loss.over, PRIORS[loss.prior] if loss.prior else None)


def _chain(
    name: str, title: Text, sample: Sample, lines: list[tuple[str, Text, str]], loss: Loss, show_: str = ""
) -> Derivation:
    rows = [("=" if number else "", text, reason, rule) for number, (text, reason, rule) in enumerate(lines)]
    models = [sample.model] + ([sample.prior] if sample.prior else [])
    meanings = {key: text for model in models for key, text in model.glosses().items()}
    found = compose(
        name, title, sample.model.source, sample.given, rows, define=sample.defines, show=show_, meanings=meanings
    )
    return replace(
        found, obligations=tuple(obligation(model) for model in models), braces=((sample.loss(loss), loss.title),),
    )  # fmt: skip


def obligation(model: Model) -> Obligation:
    """That the density of a model has total mass 1: proved by the model's own chain, or declared from its source."""
    name = model.title
    if not model.total:
        text = Text(f"the {name.en} density integrates to 1", f"{name.ko} 밀도의 적분은 1")
        return Obligation(text, model.source)
    facts = [fact.format(mu="mu", y="y") for fact in (model.facts(), model.prediction) if fact]
    (proof,) = read_chains(f"given: {'; '.join(facts)}\n{model.total}\n", model.name)
    text = Text(f"the {name.en} probabilities add up to 1", f"{name.ko} 확률의 합은 1")
    return Obligation(text, model.source, replace(proof, name=f"{model.name}-total", file=""))


def density(model: Model) -> Derivation:
    """A model by itself: that its density is positive, as a checked claim, and that its total is 1.

    >>> density(MODELS["laplace"]).obligations[0].verdict
    'declared'
    """
    term, binders = model.density_term()
    index = "[k]" if any(node[0] == "ix" for node in _nodes(term)) else ""
    names = {"mu": f"mu{index}", "y": f"y{index}"}
    facts = [model.facts(), *(text.format(**names) for text in (model.prediction, model.observation) if text)]
    head = f"title.en: The {model.title.en} density is positive\ntitle.ko: {model.title.ko} 밀도는 양수\n"
    head += f"source: {model.source}\ngiven: {'; '.join(fact for fact in facts if fact)}\n"
    (found,) = read_chains(f"{head}\n{show(term, binders)} > 0\n", model.name)
    return replace(found, name=model.name, file="", obligations=(obligation(model),))


def maximum_likelihood(name: str, model: Model | None = None) -> Derivation:
    """The chain argmax of the likelihood = ... = argmin of the loss, for a loss of the library.

    With a prior this is maximum a posteriori. Raises InputError for an unknown name.

    >>> maximum_likelihood("l1").lines[-1].term[0]
    'argmin'
    """
    loss = _loss_of(name)
    sample = _sample(loss, model)
    over = ", ".join(sample.over)
    total = sample.loss(loss)
    negative = show(_negated(total))
    lines = [
        (f"argmax[{over}] {sample.name}", Text(), ""),
        (f"argmax[{over}] {sample.likelihood}", IID, "definition"),
        (f"argmax[{over}] {sample.log_likelihood}", LOG, ""),
        (f"argmax[{over}] {show(add(*sample.expanded()))}", DENSITY, ""),
        (f"argmax[{over}] {negative}", DROP, ""),
        (f"argmin[{over}] {show(total)}", FLIP, ""),
    ]
    lines = [line for k, line in enumerate(lines) if k == 0 or line[0] != lines[k - 1][0]]
    way = Text("maximum a posteriori", "최대 사후확률") if loss.prior else Text("maximum likelihood", "최대우도")
    title = Text(
        f"{_noise(loss, sample).en}: {way.en} is the {loss.title.en}",
        f"{_noise(loss, sample).ko}의 {way.ko}: {loss.title.ko}",
    )
    return _chain(f"{loss.model}-{loss.name}", title, sample, lines, loss, f"argmin[{over}] {show(total)}")


def _noise(loss: Loss, sample: Sample) -> Text:
    title = sample.model.title
    if sample.prior is not None:
        return Text(f"{title.en} model, {sample.prior.title.en}", f"{title.ko} 모형, {sample.prior.title.ko}")
    return Text(f"{title.en[:1].upper()}{title.en[1:]} model", f"{title.ko} 모형")


def _negated(term: Term) -> Term:
    if term[0] == "neg":
        return term[1]  # type: ignore[no-any-return]
    if term[0] == "sum" and term[3][0] == "neg":
        return (*term[:3], term[3][1])
    if term[0] == "+":
        return add(*(_negated(part) for part in term[1:]))
    return ("neg", term)


def negative_log_likelihood(model: Model | str, loss: str = "") -> Derivation:
    """The negative log-likelihood of a model, taken apart as constant + factor * loss, line by line.

    `model` is a Model, derive.Laplace(scale="b") for example, or the name of one; `loss` a loss of that model, by
    default the first in the library. The parts themselves: `parts(derivation)`.
    Raises InputError for an unknown model, and for a loss that belongs to another one.

    >>> d = negative_log_likelihood("laplace")
    >>> parts(d).factor
    ('/', ('q', Fraction(1, 1)), ('v', 'b'))
    """
    if isinstance(model, str):
        from derive.library.losses import instance

        model = instance(model)
    names = [entry.name for entry in LOSSES.values() if entry.model == model.name]
    if loss and loss not in names:
        raise InputError(f"{loss} is not a loss of the {model.name} model", remedy=f"choose one of {', '.join(names)}")
    entry = _loss_of(loss or names[0])
    sample = _sample(entry, model)
    found = _parts(entry.name, model)
    log = add(*sample.expanded())
    lines = [
        (f"-log({sample.name})", Text(), ""),
        (f"-({sample.log_likelihood})", LOG, ""),
        (show(_negated(log)), DENSITY, ""),
        (_joined(found), Text("constant + factor * loss", "상수 + 계수 * 손실"), ""),
    ]
    title = Text(
        f"{_noise(entry, sample).en}: less a constant and factor, the negative log-likelihood is the {entry.title.en}",
        f"{_noise(entry, sample).ko}의 음의 로그우도: 상수와 계수를 빼면 {entry.title.ko}",
    )
    lines = [line for k, line in enumerate(lines) if k == 0 or line[0] != lines[k - 1][0]]
    return _chain(f"{entry.model}-{entry.name}-nll", title, sample, lines, entry)


def _joined(found: Parts) -> str:
    scaled = found.loss if found.factor == q(1) else ("*", found.factor, found.loss)
    constant = found.constant[1:] if found.constant[0] == "+" else (found.constant,)
    return show(scaled if found.constant == q(0) else add(*constant, scaled))


def parts(derivation: Derivation) -> Parts:
    """Constant, factor and loss of a negative log-likelihood that `negative_log_likelihood` derived."""
    for loss in LOSSES.values():
        if derivation.name == f"{loss.model}-{loss.name}-nll":
            return _split_last(derivation.lines[-1].term)
    raise InputError("this is not a negative log-likelihood of the library", remedy="use negative_log_likelihood(...)")


def _split_last(term: Term) -> Parts:
    summands = term[1:] if term[0] == "+" else (term,)
    free = [part for part in summands if not any(mentions(part, name) for name in ("w", "f"))]
    scaled = add(*(part for part in summands if part not in free))
    if scaled[0] == "*" and not any(mentions(scaled[1], name) for name in ("w", "f")):
        return Parts(add(*free), scaled[1], scaled[2])
    return Parts(add(*free), q(1), scaled)


@lru_cache(maxsize=64)
def _found_parts(name: str, facts: str, density: Term, loss: Term, over: tuple[str, ...]) -> Parts:
    from derive.kernel.terms import Refused
    from derive.prover import accepts
    from derive.search import affine_hints
    from derive.syntax import complete, parse_given

    given = complete(parse_given(facts), [density, loss])
    for constant, factor in affine_hints(density, loss, (*over, "f"), given.facts):
        try:
            if accepts("=", density, add(constant, ("*", factor, loss)), given):
                return Parts(constant, factor, loss)
        except Refused:
            continue
    raise Undecided(f"no constant and factor were found that make the negative log-likelihood the {name}")


def _parts(name: str, model: Model) -> Parts:
    entry = _loss_of(name)
    sample = _sample(entry, model)
    negative = _negated(add(*sample.expanded()))
    return _found_parts(name, sample.given, negative, sample.loss(entry), sample.over)

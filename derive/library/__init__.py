"""The entries by name, and the derivation that a name stands for. losses.py, chains/ and lectures/ are the data."""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from derive.derivation import Derivation
from derive.errors import InputError


class Entry(NamedTuple):
    """A name for `derive show` or a ```derive block, and what it is."""

    name: str
    title: str


# Kinds whose entries are no derivations.
OTHER_KINDS = ("optimizers", "schedules", "lectures")
# Kind -> the files of `chains/` that hold its derivations.
CHAINS: dict[str, tuple[str, ...]] = {
    "calculus": ("calculus", "backprop", "subgradients", "closed_form", "stable"),
    "dynamics": ("descent", "critical", "minibatch", "noise", "momentum", "schedule_origin", "cost"),
}


def catalogue() -> dict[str, list[Entry]]:
    """What the library holds, by kind.

    >>> [entry.name for entry in catalogue()["losses"]][:2]
    ['laplace-l1', 'gaussian-l2']
    """
    from derive.calculus import entries
    from derive.comparisons import entries as comparisons
    from derive.library.losses import LOSSES, MODELS
    from derive.library.optimizers import OPTIMIZERS
    from derive.library.schedules import SCHEDULES

    losses = []
    for loss in LOSSES.values():
        model = MODELS[loss.model].title.en
        with_prior = f" and {loss.prior.replace('-', ' ')}" if loss.prior else ""
        losses.append(Entry(f"{loss.model}-{loss.name}", f"{model} likelihood{with_prior} -> {loss.title.en}"))
    nll = [Entry(f"{e.name}-nll", f"{e.title}: constant + factor * loss") for e in losses if "prior" not in e.title]
    models = [Entry(model.name, f"{model.title.en}: {model.density}") for model in MODELS.values()]
    gradients = [Entry(name, title.en) for name, (title, _) in entries().items()]
    written = {
        kind: [Entry(name, item.title.en) for file in names for name, item in chains(file).items()]
        for kind, names in CHAINS.items()
    }
    optimizers = [Entry(rule.name, rule.title.en) for rule in OPTIMIZERS.values()]
    schedules = [Entry(rule.name, rule.title.en) for rule in SCHEDULES.values()]
    lectures = [Entry("lecture03", "From likelihood to loss, and down the gradient")]
    of_rules = {
        kind: [Entry(name, title.en) for name, (title, _) in found.items()] for kind, found in comparisons().items()
    }
    first = {"losses": losses + nll, "models": models, "gradients": gradients}
    recursions = [Entry(name, item.title.en) for name, item in recursion_proofs().items()]
    return {
        **first, **written, "optimizers": optimizers, **of_rules, "schedules": schedules, "recursions": recursions,
        "lectures": lectures,
    }  # fmt: skip


@lru_cache(maxsize=32)
def chains(name: str) -> dict[str, Derivation]:
    """The derivations of a chain file of the library, by the name that each has there.

    >>> chains("stable")["softplus"].lines[0].term[0]
    'f'
    """
    from derive.chains import read_chains

    text = files("derive.library").joinpath("chains", f"{name}.chain").read_text(encoding="utf-8")
    return {item.name: item for item in read_chains(text, f"{name}.chain")}


def recursion_proofs() -> dict[str, Derivation]:
    """That recursions of schedules lead to their formulas, by name: those of the rows, and the laws that hold for all.

    >>> list(recursion_proofs())[:2]
    ['inverse-t-recursion', 'power-recursion']
    """
    from derive.library.schedules import SCHEDULES

    of_rows = {name: proof for rule in SCHEDULES.values() for name, proof in rule.proofs().items()}
    return {**of_rows, **chains("schedules")}


def derivation(name: str, *, file: str = "", line: int | None = None) -> Derivation:
    """The derivation of that name, not judged yet. Raises InputError with the nearest name."""
    from derive.calculus import entries
    from derive.comparisons import entries as comparisons
    from derive.library.losses import LOSSES, MODELS
    from derive.likelihood import density, maximum_likelihood, negative_log_likelihood

    for loss in LOSSES.values():
        if name == f"{loss.model}-{loss.name}":
            return maximum_likelihood(loss.name)
        if name == f"{loss.model}-{loss.name}-nll" and not loss.prior:
            return negative_log_likelihood(loss.model, loss.name)
    if name in MODELS:
        return density(MODELS[name])
    if name in entries():
        return entries()[name][1]()
    for found in comparisons().values():
        if name in found:
            return found[name][1]()
    for written in (chains(chain_file) for names in CHAINS.values() for chain_file in names):
        if name in written:
            return written[name]
    if name in recursion_proofs():
        return recursion_proofs()[name]
    everything = catalogue()
    if any(entry.name == name for entry in everything["schedules"]):
        remedy = "`derive show` prints it, and `derive schedule` decides it"
        raise InputError(f"{name} is a schedule, not a derivation", remedy=remedy, file=file, line=line)
    if any(entry.name == name for entry in everything["lectures"]):
        remedy = "`derive deck -o OUT.html` makes its slides"
        raise InputError(f"{name} is a lecture, not one derivation", remedy=remedy, file=file, line=line)
    if any(entry.name == name for entry in everything["optimizers"]):
        remedy = "`derive show` prints it, and a ```rule block of a deck"
        raise InputError(f"{name} is an update rule, not a derivation", remedy=remedy, file=file, line=line)
    known = [entry.name for group in everything.values() for entry in group]
    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]}?" if close else "`derive list` shows the names"
    raise InputError(f"the library has no {name!r}", remedy=hint, file=file, line=line)


def lecture_text(name: str = "lecture03") -> str:
    """The Markdown of a built-in lecture."""
    return files("derive.library").joinpath("lectures", f"{name}.md").read_text(encoding="utf-8")

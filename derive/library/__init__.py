"""The entries by name, and the derivation that a name stands for. losses.py and lectures/ are the data."""

from __future__ import annotations

import difflib
from importlib.resources import files
from typing import NamedTuple

from derive.derivation import Derivation
from derive.errors import InputError


class Entry(NamedTuple):
    """A name for `derive show` or a ```derive block, and what it is."""

    name: str
    title: str


def catalogue() -> dict[str, list[Entry]]:
    """What the library holds, by kind.

    >>> [entry.name for entry in catalogue()["losses"]][:2]
    ['laplace-l1', 'gaussian-l2']
    """
    from derive.library.losses import LOSSES, MODELS

    losses = []
    for loss in LOSSES.values():
        model = MODELS[loss.model].title.en
        with_prior = f" and {loss.prior.replace('-', ' ')}" if loss.prior else ""
        losses.append(Entry(f"{loss.model}-{loss.name}", f"{model} likelihood{with_prior} -> {loss.title.en}"))
    nll = [Entry(f"{e.name}-nll", f"{e.title}: constant + factor * loss") for e in losses if "prior" not in e.title]
    models = [Entry(model.name, f"{model.title.en}: {model.density}") for model in MODELS.values()]
    return {"losses": losses + nll, "models": models, "lectures": [Entry("lecture03", "From likelihood to loss")]}


def derivation(name: str, *, file: str = "", line: int | None = None) -> Derivation:
    """The derivation of that name, not judged yet. Raises InputError with the nearest name."""
    from derive.library.losses import LOSSES, MODELS
    from derive.likelihood import density, maximum_likelihood, negative_log_likelihood

    for loss in LOSSES.values():
        if name == f"{loss.model}-{loss.name}":
            return maximum_likelihood(loss.name)
        if name == f"{loss.model}-{loss.name}-nll" and not loss.prior:
            return negative_log_likelihood(loss.model, loss.name)
    if name in MODELS:
        return density(MODELS[name])
    known = [entry.name for entries in catalogue().values() for entry in entries]
    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]}?" if close else "`derive list` shows the names"
    raise InputError(f"the library has no {name!r}", remedy=hint, file=file, line=line)


def lecture_text(name: str = "lecture03") -> str:
    """The Markdown of a built-in lecture."""
    return files("derive.library").joinpath("lectures", f"{name}.md").read_text(encoding="utf-8")

"""Verdicts on the optimizers of an installed package, as one table: `derive verify --all torch`."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from derive.errors import InputError, MissingDependency, Undecided
from numeric.verification import verify

DEVIATIONS = Path(__file__).with_name("deviations.toml")
# package -> (target, the rule it is compared with or "" for the nearest, settings, symbols)
Row = tuple[str, str, Mapping[str, Any], tuple[str, ...]]
TARGETS: dict[str, tuple[Row, ...]] = {
    "torch": (
        ("torch.optim.SGD", "sgd", {}, ()),
        ("torch.optim.SGD", "momentum-torch", {}, ("momentum", "dampening")),
        ("torch.optim.SGD", "momentum", {}, ("momentum",)),
        ("torch.optim.SGD", "nesterov", {"nesterov": True}, ("momentum",)),
        ("torch.optim.SGD", "nesterov-torch", {"nesterov": True}, ("momentum",)),
        ("torch.optim.RMSprop", "rmsprop", {}, ()),
        ("torch.optim.RMSprop", "rmsprop-centered", {"centered": True}, ()),
        ("torch.optim.RMSprop", "rmsprop-momentum", {}, ("momentum",)),
        ("torch.optim.Adagrad", "adagrad", {}, ()),
        ("torch.optim.Adagrad", "adagrad-decay", {}, ("lr_decay",)),
        ("torch.optim.Adadelta", "adadelta", {}, ()),
        ("torch.optim.Adam", "adam", {}, ()),
        ("torch.optim.Adam", "adam-eps-hat", {}, ()),
        ("torch.optim.Adam", "amsgrad-torch", {"amsgrad": True}, ()),
        ("torch.optim.Adam", "amsgrad", {"amsgrad": True}, ()),
        ("torch.optim.Adam", "amsgrad-optax", {"amsgrad": True}, ()),
        ("torch.optim.AdamW", "adamw", {}, ()),
        ("torch.optim.Adam", "adamw", {}, ("weight_decay",)),
        ("torch.optim.SparseAdam", "adam-eps-hat", {}, ()),
        ("torch.optim.Adamax", "adamax", {}, ()),
        ("torch.optim.NAdam", "nadam", {}, ()),
        ("torch.optim.RAdam", "radam", {}, ()),
        ("torch.optim.ASGD", "asgd", {}, ()),
        ("torch.optim.Rprop", "rprop", {}, ()),
    ),
    "optax": (
        ("optax.sgd", "sgd", {}, ()),
        ("optax.sgd", "momentum-torch", {}, ("momentum",)),
        ("optax.sgd", "momentum", {}, ("momentum",)),
        ("optax.sgd", "nesterov", {"nesterov": True}, ("momentum",)),
        ("optax.rmsprop", "rmsprop", {}, ()),
        ("optax.rmsprop", "rmsprop", {"eps_in_sqrt": False}, ()),
        ("optax.adagrad", "adagrad", {}, ()),
        ("optax.adadelta", "adadelta", {}, ()),
        ("optax.adam", "adam", {}, ()),
        ("optax.adamw", "adamw", {}, ()),
        ("optax.amsgrad", "amsgrad-optax", {}, ()),
        ("optax.amsgrad", "amsgrad-torch", {}, ()),
        ("optax.adan", "adan", {"eps_root": 0.0}, ()),
        ("optax.lion", "lion", {}, ()),
        ("optax.yogi", "yogi", {}, ()),
        ("optax.adabelief", "adabelief", {"eps_root": 0.0}, ()),
        ("optax.adamax", "adamax", {}, ()),
        ("optax.nadam", "nadam", {}, ()),
        ("optax.radam", "radam", {}, ()),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A row of the table: the document of a verdict, with the settings that were asked for."""

    settings: str
    document: Mapping[str, Any]


def survey(package: str) -> list[Found]:
    """The verdicts on a package. Raises InputError for one that is not known, MissingDependency without it.

    While it runs, a bar on standard error shows how far it is, if rich is there and somebody looks.
    """
    if package not in TARGETS:
        raise InputError(f"there is no table for {package[:80]}", remedy=f"use one of {', '.join(TARGETS)}")
    installed(package)
    with _bar(package, len(TARGETS[package])) as step:
        found = []
        for row in TARGETS[package]:
            found.append(one(row))
            step()
    return found


def one(row: Row) -> Found:
    """The verdict on one row."""
    target, rule, settings, symbols = row
    said = ", ".join([*(f"{name}={value}" for name, value in settings.items()), *symbols])
    try:
        document = verify(target, rule or None, symbols=symbols, **settings).to_json()
    except Undecided as error:
        document = {"target": target, "rule": rule, "verdict": "undecided", "reason": str(error), "hyperparameters": {},
                    "state_map": {}, "conditions": [], "witness": {}, "defaults": {}}  # fmt: skip
    return Found(said, document)


def installed(package: str) -> str:
    """The version of a package. Raises MissingDependency without it."""
    try:
        return version(package)
    except PackageNotFoundError:
        raise MissingDependency(f"{package} is not installed: pip install {package}") from None


@lru_cache(maxsize=1)
def deviations() -> tuple[Mapping[str, str], ...]:
    """What is known to differ, by package and version, with the thread in which it is discussed."""
    rows = tomllib.loads(DEVIATIONS.read_text(encoding="utf-8"))["deviation"]
    return tuple({name: str(text) for name, text in row.items()} for row in rows)


def table(found: list[Found], package: str) -> str:
    """The verdicts as a Markdown table."""
    known = {(d["target"], d["rule"], d["settings"]): d["thread"] for d in deviations() if d["package"] == package}
    rows = [f"`{package}` {installed(package)}", "",
            "| target | with | rule | verdict | map | conditions, witness or reason | other defaults |",
            "| --- | --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for row in found:
        d = row.document
        maps = {n: t for n, t in {**d["hyperparameters"], **d["state_map"]}.items() if n != t}
        shown = d["verdict"] in ("equal", "equal_under")
        pairs = "; ".join(f"{n} = {t}" for n, t in maps.items()) if shown else ""
        why = "; ".join(d["conditions"]) if shown else witness_text(d["witness"]) or _first(d["reason"])
        thread = known.get((d["target"], d["rule"], row.settings))
        why += f" ({thread})" if thread else ""
        defaults = "; ".join(f"{n}: {v['target']}, not {v['rule']}" for n, v in d["defaults"].items())
        cells = [f"`{d['target']}`", row.settings, f"`{d['rule']}`", d["verdict"], pairs, why, defaults]
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells) + " |")
    return "\n".join(rows)


def witness_text(witness: Mapping[str, Any]) -> str:
    """A witness in one line."""
    if not witness:
        return ""
    hyper = sorted(witness["hyperparameters"].items())
    at = ", ".join(f"{name} = {x}" for name, x in [("w", witness["w"]), *hyper])
    given = f"g = {', '.join(witness['g'])}"
    rates = f"; lr = {', '.join(witness['eta'])}" if any(witness["eta"]) else ""
    return f"t = {witness['t']}: {witness['got']}, not {witness['expected']}, at {at}; {given}{rates}"


def _first(reason: str) -> str:
    return reason if len(reason) <= 120 else f"{reason[:117]}..."


@contextmanager
def _bar(package: str, total: int) -> Iterator[Any]:
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:
        yield lambda: None
        return
    console = Console(stderr=True)
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(package, total=total)
        yield lambda: progress.advance(task)


__all__ = ["DEVIATIONS", "TARGETS", "Found", "deviations", "installed", "one", "survey", "table", "witness_text"]

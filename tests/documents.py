"""Certificates written by hand, for the tests of the kernel."""

from __future__ import annotations

import copy
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from derive.kernel.check import FORMAT, check, check_text
from derive.kernel.terms import Refused

SECONDS = 5
Document = dict[str, Any]


def v(name: str) -> list[Any]:
    return ["v", name]


def q(value: object) -> list[Any]:
    return ["q", str(value)]


def step(rule: str, relation: str, before: list[Any], after: list[Any], **hints: Any) -> dict[str, Any]:
    return {"rule": rule, "relation": relation, "from": before, "to": after, **hints}


def certificate(*steps: dict[str, Any], symbols: str = "a b w", **parts: Any) -> Document:
    """The steps as a certificate over real names; `parts` replace its fields."""
    claim = [steps[0]["relation"], steps[0]["from"], steps[-1]["to"]] if steps else ["=", q(1), q(1)]
    listed = [[name, "scalar", 0, "real"] for name in symbols.split()]
    fields = {"symbols": listed, "facts": [], "model": {}, "definitions": [], "claim": claim, "steps": list(steps)}
    return {"format": FORMAT, **fields, **parts}


def good() -> Document:
    """2*b/b = 1 + 1, as b > 0, through one line between."""
    before = ["/", ["*", q(2), v("b")], v("b")]
    return certificate(
        step("identity", "=", before, q(2)), step("identity", "=", q(2), ["+", q(1), q(1)]),
        facts=[[">", v("b"), q(0)]], model={"b": "1"}, definitions=[["d", 1, ["+", ["b", 0], q(1)]]],
    )  # fmt: skip


def induction(closed: list[Any], following: list[Any], start: int = 0, first: object = 1, **parts: Any) -> Document:
    rec = ["rec", "e", "t", q(start), following, q(first), closed]
    listed = [["e", "indexed", 1, "real"], ["t", "scalar", 0, "integer"], ["w", "scalar", 0, "real"]]
    return certificate(step("induction", "<=>", ["and"], rec), **({"symbols": ""} | parts)) | {"symbols": listed}


@contextmanager
def in_time() -> Iterator[None]:
    """Fail what computes for longer than SECONDS, where the system can tell; another process may slow down this one."""

    def late(*_: object) -> None:
        pytest.fail(f"no answer within {SECONDS} s")

    if not hasattr(signal, "SIGVTALRM"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def refused(document: Any) -> None:
    """Refused as data and as text, in time, with no other exception."""
    with in_time(), pytest.raises(Refused):
        check(copy.deepcopy(document))
    with in_time(), pytest.raises(Refused):
        check_text(json.dumps(document))

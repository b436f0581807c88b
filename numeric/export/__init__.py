"""An update rule as source text that stands alone: NumPy, torch, optax, C, JavaScript, LaTeX.

    print(export("adam", "torch").text)

The text is written from the program of the rule, operation for operation in its order; nothing of it is copied from
elsewhere, and of what the author of a rule typed only names reach the code, the rest the comments.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from derive.errors import InputError
from derive.update_rule import UpdateRule, optimizer
from numeric.export.source import Source
from numeric.export.to_c import c_text
from numeric.export.to_js import js_text
from numeric.export.to_latex import latex_text
from numeric.export.to_numpy import numpy_module
from numeric.export.to_optax import optax_text
from numeric.export.to_torch import torch_text

TARGETS: dict[str, Callable[[Source], str]] = {
    "numpy": numpy_module, "torch": torch_text, "optax": optax_text, "c": c_text, "js": js_text, "latex": latex_text,
}  # fmt: skip


@dataclass(frozen=True)
class Exported:
    """A rule in another language; `digest` says which rule it was, whatever its name."""

    name: str
    to: str
    text: str
    digest: str


def export(rule: str | UpdateRule, to: str, *, with_decay: bool = False) -> Exported:
    """The source text of a rule of the library, or of one of your own; `with_decay` adds lam*w to the gradient first.

    Errors: InputError for an unknown rule or target (with the nearest name), and for a rule that cannot be written so.

    >>> print(export("momentum", "numpy").text.split("def step")[1])  # doctest: +NORMALIZE_WHITESPACE
    (w, g, state, t, *, eta=0.01, beta1=0.9):
        m = state["m"]
        m = beta1*m - eta*g
        w = w + m
        return w, {"m": m}
    """
    if to not in TARGETS:
        near = difflib.get_close_matches(str(to), TARGETS, 1)
        remedy = f"did you mean {near[0]}?" if near else f"use one of {', '.join(TARGETS)}"
        raise InputError(f"there is no target {to}", remedy=remedy)
    found = optimizer(rule) if isinstance(rule, str) else rule
    source = Source(found.with_decay() if with_decay else found)
    return Exported(source.rule.name, to, TARGETS[to](source), source.digest)


__all__ = ["TARGETS", "Exported", "export"]

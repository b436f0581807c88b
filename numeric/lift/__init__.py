"""Real code as update rules: torch.optim, optax, and Python files that are read and never run.

from numeric.lift import lift
lift("torch.optim.Adam").rule.text()
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from derive.errors import InputError
from numeric.lift.rules import Lifted, finish

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def lift(
    target: str | type | Callable[..., Any], settings: Mapping[str, Any] = _NOTHING, symbols: Collection[str] = (), *,
    at: int | None = None,
) -> Lifted:  # fmt: skip
    """The update rule that an implementation computes.

    `target` is "torch.optim.Adam" or such a class, "optax.adam" or such a factory, or "file.py:name". `settings` fix
    hyperparameters to values or flags. Of the others, floats with a default other than 0 are symbols; those whose
    default is 0 or None are off, unless `symbols` names them: then the rule holds where they are not 0, and its
    conditions say so, unless the rule at 0 is what the code computes there. Comparisons with the number of the step
    turn out as at step `at`, which is late unless given. Formulas are over the reals: that some numbers are kept in
    float32 they do not say.
    Errors: InputError for a target or a setting that does not exist; Undecided for code that is beyond what can be
    lifted (the message names it); MissingDependency without torch or optax.
    """
    more: dict[str, Any] = {} if at is None else {"at": at}
    if isinstance(target, str) and ".py:" in target:
        from numeric.lift import python

        return finish(python.trace(target, settings, symbols, **more))
    if isinstance(target, type) or (isinstance(target, str) and target.startswith("torch.")):
        from numeric.lift import torch

        found = target if isinstance(target, type) else torch.find(target)
        return finish(torch.trace(found, settings, symbols, **more))
    if callable(target) or target.startswith("optax."):
        from numeric.lift import jax

        if callable(target):
            return finish(jax.trace(target, settings, symbols, **more))
        return finish(jax.trace(jax.find(target), settings, symbols, name=target, **more))
    raise InputError(f"there is no target {target[:80]}", remedy="name torch.optim.Adam, optax.adam, or file.py:name")


__all__ = ["Lifted", "lift"]

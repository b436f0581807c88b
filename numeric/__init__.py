"""The numeric half of symstep: running in NumPy what `derive` has derived.

    import numeric
    loss = numeric.loss("huber", delta=1.0)
    loss.gradient(w, X, y)

Importing this costs nothing: each name below is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# public name -> the module that has it
_PUBLIC = {
    "Ball": "numeric.balls",
    "InputError": "derive.errors",
    "Loss": "numeric.losses",
    "Program": "numeric.program",
    "enclosure": "numeric.balls",
    "exact_outputs": "numeric.exact",
    "kernel": "numeric.compile",
    "loss": "numeric.losses",
    "Optimizer": "numeric.optimizers",
    "OptimizerState": "numeric.states",
    "optimizer": "numeric.optimizers",
    "minimize": "numeric.minimization",
    "numpy_text": "numeric.text",
    "Plateau": "numeric.plateau",
    "schedule": "numeric.schedules",
    "terms": "numeric.exact",
    "translate": "numeric.translation",
    "Verdict": "numeric.verification",
    "verify": "numeric.verification",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'numeric' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

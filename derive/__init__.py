"""symstep, the symbolic half: derivations whose every line is judged, and what displays them.

    import derive
    d = derive.negative_log_likelihood(derive.Laplace(scale="b"))
    d.verify().verdict      # 'proved'
    d.to_latex()
    derive.optimizers["adam"].to_latex()
    derive.schedule("step").schedule(T=10).robbins_monro()

Importing this costs nothing: each name below is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# public name -> the module that has it
_PUBLIC = {
    "Derivation": "derive.derivation",
    "InputError": "derive.errors",
    "Model": "derive.model",
    "Schedule": "derive.schedules",
    "SymstepError": "derive.errors",
    "UpdateRule": "derive.update_rule",
    "catalogue": "derive.library",
    "derivation": "derive.library",
    "maximum_likelihood": "derive.likelihood",
    "negative_log_likelihood": "derive.likelihood",
    "parts": "derive.likelihood",
    "prove": "derive.prover",
    "read_chains": "derive.chains",
    "schedule": "derive.schedule_rule",
}
_MODELS = ("Laplace", "Gaussian", "Bernoulli", "Categorical", "Poisson", "Exponential", "StudentT", "Huber",
           "AsymmetricLaplace")  # fmt: skip

__all__ = [*_PUBLIC, *_MODELS, "optimizers"]


def __getattr__(name: str) -> Any:
    if name in _MODELS:
        from derive.library.losses import constructor

        return constructor(name)
    if name == "optimizers":
        from derive.update_rule import optimizers

        return optimizers()
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'derive' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

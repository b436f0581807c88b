"""Every density of the library is integrated numerically; that its total mass is 1 is an obligation of its own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath as mp
import pytest

from derive.library.losses import MODELS, PRIORS
from derive.likelihood import density
from derive.model import Model
from derive.prover import prove

if "symstep_mp_value" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location("symstep_mp_value", Path(__file__).resolve().parent / "mp_value.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_mp_value"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_mp_value"])
value: Callable[..., Any] = sys.modules["symstep_mp_value"].value
Point = Mapping[str, Any]

# model -> where its observation lies: breakpoints for an integral, or the values for a sum; and three points
DENSITIES: dict[str, tuple[Callable[[Point], Any], list[dict[str, Any]]]] = {
    "laplace": (lambda p: [-mp.inf, p["mu"], mp.inf], [{"mu": 0, "b": 1}, {"mu": 2, "b": 0.3}, {"mu": -1, "b": 5}]),
    "gaussian": (lambda p: [-mp.inf, p["mu"], mp.inf],
                 [{"mu": 0, "sigma": 1}, {"mu": 2, "sigma": 0.3}, {"mu": -1, "sigma": 5}]),
    "bernoulli": (lambda p: (0, 1), [{"mu": 0.5}, {"mu": 0.01}, {"mu": 0.75}]),
    "poisson": (lambda p: (0, mp.inf), [{"mu": 1}, {"mu": 0.25}, {"mu": 9.5}]),
    "exponential": (lambda p: [0, p["mu"], mp.inf], [{"mu": 1}, {"mu": 0.25}, {"mu": 9.5}]),
    "student-t": (lambda p: [-mp.inf, p["mu"] - p["s"], p["mu"], p["mu"] + p["s"], mp.inf],
                  [{"mu": 0, "nu": 1, "s": 1}, {"mu": 2, "nu": 3.5, "s": 0.5}, {"mu": -1, "nu": 30, "s": 2}]),
    "huber": (lambda p: [-mp.inf, p["mu"] - p["delta"], p["mu"], p["mu"] + p["delta"], mp.inf],
              [{"mu": 0, "delta": 1}, {"mu": 2, "delta": 0.3}, {"mu": -1, "delta": 4}]),
    "asymmetric-laplace": (lambda p: [-mp.inf, p["mu"], mp.inf], [
        {"mu": 0, "tau": 0.5, "b": 1}, {"mu": 2, "tau": 0.1, "b": 0.3}, {"mu": -1, "tau": 0.95, "b": 2}]),
    "gaussian-prior": (lambda p: [-mp.inf, 0, mp.inf], [{"tau": 1}, {"tau": 0.2}, {"tau": 4}]),
    "laplace-prior": (lambda p: [-mp.inf, 0, mp.inf], [{"t": 1}, {"t": 0.2}, {"t": 4}]),
}  # fmt: skip


def total(model: Model, where: Any, point: Point) -> Any:
    term, _ = model.density_term()
    name = "w" if model.name in PRIORS else "y"

    def at(y: Any) -> Any:
        return value(term, {**point, name: y})

    if isinstance(where, list):
        return mp.quad(at, where)
    if where[1] == mp.inf:
        return mp.nsum(at, list(where))
    return mp.fsum(map(at, where))


def test_every_density_is_in_the_table() -> None:
    assert {*DENSITIES, "categorical"} == {*MODELS, *PRIORS}


@pytest.mark.parametrize("name", DENSITIES)
def test_density_has_total_mass_one(name: str) -> None:
    model = MODELS.get(name) or PRIORS[name]
    where, points = DENSITIES[name]
    for given in points:
        point = {key: mp.mpf(x) for key, x in given.items()}
        assert abs(total(model, where(point), point) - 1) < 1e-10, given


@pytest.mark.parametrize("mu", [(0.2, 0.3, 0.5), (0.98, 0.01, 0.01), (0.25,) * 4])
def test_categorical_probabilities_add_up_to_one(mu: tuple[float, ...]) -> None:
    """Over the unit vectors, where the predictions are probabilities themselves."""
    term, _ = MODELS["categorical"].density_term()
    chosen = range(1, len(mu) + 1)
    found = [value(term, {"K": len(mu), "mu": lambda k: mp.mpf(mu[int(k) - 1]), "y": lambda k, c=c: int(int(k) == c)})
             for c in chosen]  # fmt: skip
    assert abs(mp.fsum(found) - 1) < 1e-12


def test_the_integration_would_notice() -> None:
    where, (point, *_) = DENSITIES["laplace"]
    wrong = replace(MODELS["laplace"], density="exp(-abs(y - mu)/scale)/scale")
    values = {key: mp.mpf(x) for key, x in point.items()}
    assert abs(total(wrong, where(values), values) - 2) < 1e-10


@pytest.mark.parametrize("name", MODELS)
def test_total_mass_is_an_obligation(name: str) -> None:
    """Proved where the model has a chain for it; else declared, with the source, and counted."""
    d = prove(density(MODELS[name]))
    assert d.verdict == "proved"
    (obligation,) = d.obligations
    assert obligation.verdict == ("proved" if name == "bernoulli" else "declared")
    assert obligation.source
    assert (obligation.proof is not None) == (name == "bernoulli")


def test_a_wrong_total_is_not_proved() -> None:
    wrong = replace(MODELS["bernoulli"], total="mu**0*(1 - mu)**(1 - 0) + mu**1*(1 - mu)**(1 - 0) = 1")
    (obligation,) = prove(density(wrong)).obligations
    assert obligation.verdict == "refuted"

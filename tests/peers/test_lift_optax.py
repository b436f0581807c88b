"""optax lifted: every rule agrees with the transformation it comes from, and what cannot be lifted is said."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

from derive.ascii import show
from derive.errors import InputError, Undecided
from numeric.lift import Lifted, lift

jax = pytest.importorskip("jax", reason="needs the extra `peers`")
optax = pytest.importorskip("optax", reason="needs the extra `peers`")
jnp = jax.numpy


def load(name: str) -> ModuleType:
    known = f"symstep_peers_{name}"  # the tests are no package
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).resolve().parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


lifted_rules = load("lifted")

# name, settings, symbols with their values
CASES: list[tuple[str, dict[str, Any], dict[str, float]]] = [
    ("sgd", {}, {}),
    ("sgd", {}, {"momentum": 0.9}),
    ("sgd", {"nesterov": True}, {"momentum": 0.9}),
    ("adam", {}, {}),
    ("adam", {"nesterov": True}, {"eps_root": 1e-3}),
    ("adamw", {}, {}),
    ("rmsprop", {}, {}),
    ("rmsprop", {"eps_in_sqrt": False}, {"momentum": 0.9}),
    ("rmsprop", {"centered": True, "nesterov": True}, {"momentum": 0.9, "initial_scale": 0.5}),
    ("rmsprop", {"bias_correction": True}, {}),
    ("adagrad", {}, {}),
    ("adadelta", {}, {}),
    ("adadelta", {}, {"weight_decay": 0.1}),
    ("adamax", {}, {}),
    ("adamaxw", {}, {}),
    ("amsgrad", {}, {}),
    ("amsgrad", {"bias_correction_nu": False}, {}),
    ("nadam", {}, {}),
    ("nadamw", {}, {}),
    ("lion", {}, {}),
    ("yogi", {}, {}),
    ("radam", {}, {}),
    ("adabelief", {}, {}),
    ("adan", {}, {"weight_decay": 0.1}),
    ("sign_sgd", {}, {}),
    ("rprop", {}, {}),
    ("sm3", {}, {}),
    ("contrib.ademamix", {}, {}),
    ("contrib.adopt", {}, {}),
]  # fmt: skip
LATE = {"radam": 4}  # how many steps take another branch than late ones


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def factory(name: str) -> Callable[..., Any]:
    found: Any = optax
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


class Run:
    """The real transformation, made anew with the rate of each step."""

    def __init__(self, name: str, settings: Mapping[str, Any], symbols: Mapping[str, float], rule: Lifted) -> None:
        self.made = lambda lr: factory(name)(learning_rate=lr, **settings, **symbols)
        self.names = [state.name for state in rule.rule.state]
        self.w = jnp.asarray(lifted_rules.START)
        self.state = self.made(lifted_rules.rate(1)).init(self.w)

    def values(self) -> Mapping[str, Any]:
        leaves = [leaf for leaf in jax.tree_util.tree_leaves(self.state) if leaf.dtype.kind == "f"]
        return dict(zip(self.names, map(np.asarray, leaves), strict=True))

    def step(self, t: int, lr: float, g: Any) -> tuple[Any, Mapping[str, Any]]:
        change, self.state = self.made(lr).update(jnp.asarray(g), self.state, self.w)
        self.w = optax.apply_updates(self.w, change)
        return np.asarray(self.w), self.values()


@pytest.mark.parametrize(("name", "settings", "symbols"), CASES, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(CASES)])
def test_the_rule_is_what_the_transformation_does(
    name: str, settings: dict[str, Any], symbols: dict[str, float]
) -> None:  # fmt: skip
    def lifted(at: int | None) -> Lifted:
        return lift(f"optax.{name}", settings, tuple(symbols), at=at)

    begun = time.perf_counter()
    rule = lifted(None)
    print(f"{name}: {time.perf_counter() - begun:.2f} s")
    run = Run(name, settings, symbols, rule)
    chosen = {key.replace("_", ""): value for key, value in symbols.items()}
    assert lifted_rules.compare(lifted, lambda w: {}, run.step, chosen) == LATE.get(name, 0)


# --- what a rule says -------------------------------------------------------------------------------------------------


def test_where_eps_stands() -> None:
    inside, outside = lift("optax.rmsprop"), lift("optax.rmsprop", {"eps_in_sqrt": False})
    assert inside.rule.lines[-1] == "w = w - eta*(1/sqrt(nu + eps)*g)"
    assert outside.rule.lines[-1] == "w = w - eta*(1/(sqrt(nu) + eps)*g)"
    assert outside.fixed == {"eps_in_sqrt": "False"}


def test_the_count_has_a_largest_value() -> None:
    rule = lift("optax.adam")
    assert [show(condition) for condition in rule.conditions] == ["t - 1 < 2147483647"]
    assert rule.first_conditions == ()
    assert [state.name for state in rule.rule.state] == ["mu", "nu"]


def test_branches_are_conditions() -> None:
    rho = "2/(1 - b2) - 1 - 2*t*b2**t/(1 - b2**t)"
    assert f"{rho} >= threshold" in [show(condition) for condition in lift("optax.radam").conditions]
    assert f"{rho} < threshold" in [show(condition) for condition in lift("optax.radam", at=3).conditions]


def test_fixed_numbers_are_exact() -> None:
    rule = lift("optax.adam", {"b1": 0.8})
    assert rule.rule.lines[0] == "mu = 1/5*g + 4/5*mu"


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "settings", "message"),
    [
        ("optax.adm", {}, "did you mean optax.adam"),
        ("optax._src.base", {}, "there is no"),
        ("optax.adam", {"beta1": 0.5}, "no hyperparameter beta1"),
    ],
)
def test_wrong_targets(target: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        lift(target, settings)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lamb", "reduce_sum"),
        ("lars", "lars"),
        ("novograd", "reduce_sum"),
        ("noisy_sgd", "random_seed"),
        ("adafactor", "float32"),
    ],
)
def test_beyond_what_can_be_lifted(name: str, message: str) -> None:
    with pytest.raises(Undecided, match=message):
        lift(f"optax.{name}")


class Transformation(NamedTuple):
    init: Callable[[Any], Any]
    update: Callable[..., Any]


def signs(learning_rate: float, decay: float = 0.5) -> Transformation:
    """A factory of one's own: a dictionary as state, a branch that jax traces."""

    def update(g: Any, state: Any, w: Any = None) -> Any:
        m = decay * state["m"] + g
        change = jax.lax.cond(learning_rate > 1.0, lambda: -m, lambda: -learning_rate * jnp.where(m > 0, m, 0.0))
        return change, {"m": m, "n": state["n"] + 1}

    return Transformation(lambda w: {"m": jnp.zeros_like(w), "n": jnp.zeros((), jnp.int32)}, update)


def test_a_factory_of_ones_own() -> None:
    rule = lift(signs)
    assert rule.rule.lines == ("m = decay*m + g", "w = w - eta*(m*max(sign(m), 0))")
    assert [show(condition) for condition in rule.conditions] == ["eta <= 1"]


def looks(learning_rate: float, decay: float = 0.5) -> Transformation:
    return Transformation(lambda w: (), lambda g, state, w=None: (-g if decay > 0.1 else g, state))


def mixes(learning_rate: float) -> Transformation:
    return Transformation(lambda w: (), lambda g, state, w=None: (-learning_rate * g / jnp.max(jnp.abs(g)), state))


def counts_down(learning_rate: float) -> Transformation:
    return Transformation(lambda w: jnp.asarray(10, jnp.int32), lambda g, state, w=None: (-g, state - 1))


@pytest.mark.parametrize(
    ("target", "message"),
    [(looks, "TracerBool"), (mixes, "reduce_max"), (counts_down, "does not count the steps")],
)
def test_factories_that_are_not_read_wrongly(target: Callable[..., Any], message: str) -> None:
    with pytest.raises(Undecided, match=message):
        lift(target)

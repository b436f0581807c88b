"""torch.optim lifted: every rule agrees with the optimizer it comes from, and what cannot be lifted is said."""

from __future__ import annotations

import builtins
import importlib.util
import math
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from derive.ascii import show
from derive.errors import InputError, Undecided
from numeric.lift import Lifted, lift

torch = pytest.importorskip("torch", reason="needs the extra `peers`")


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
    ("SGD", {}, {}),
    ("SGD", {}, {"momentum": 0.9}),
    ("SGD", {"nesterov": True}, {"momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"maximize": True}, {"momentum": 0.5, "dampening": 0.25, "weight_decay": 0.1}),
    ("Adam", {}, {}),
    ("Adam", {"amsgrad": True}, {"weight_decay": 0.1}),
    ("Adam", {"betas": (0.5, 0.75), "decoupled_weight_decay": True}, {"weight_decay": 0.1}),
    ("AdamW", {}, {}),
    ("AdamW", {"amsgrad": True, "beta2": 0.75}, {}),
    ("SparseAdam", {}, {}),
    ("Adamax", {}, {"weight_decay": 0.1}),
    ("NAdam", {}, {}),
    ("NAdam", {"decoupled_weight_decay": True}, {"weight_decay": 0.1}),
    ("RAdam", {}, {}),
    ("RAdam", {}, {"weight_decay": 0.1}),
    ("RMSprop", {}, {}),
    ("RMSprop", {"centered": True}, {}),
    ("RMSprop", {"centered": True}, {"momentum": 0.9, "weight_decay": 0.1}),
    ("Adagrad", {}, {}),
    ("Adagrad", {}, {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.1}),
    ("Adadelta", {}, {"weight_decay": 0.1}),
    ("ASGD", {"t0": 12.0}, {"weight_decay": 0.1}),
    ("Rprop", {}, {}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    """Scalars that torch keeps as tensors (the product of NAdam, the rates of ASGD) have the default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


class Run:
    """The real optimizer."""

    def __init__(self, name: str, settings: Mapping[str, Any], symbols: Mapping[str, float], rule: Lifted) -> None:
        self.sparse = name == "SparseAdam"
        self.parameter = torch.nn.Parameter(torch.tensor(lifted_rules.START))
        given = dict(settings)
        if "beta2" in given:
            given["betas"] = (0.9, given.pop("beta2"))
        rates = {"lr": lifted_rules.rate(1)}
        self.optimizer = getattr(torch.optim, name)([self.parameter], **{**rates, **given, **symbols})
        self.names = {state.name: state.meaning.en for state in rule.rule.state}

    def start(self, w: Any) -> Mapping[str, Any]:
        return {}

    def step(self, t: int, lr: float, g: Any) -> tuple[Any, Mapping[str, Any]]:
        gradient = torch.tensor(g)
        self.parameter.grad = gradient.to_sparse() if self.sparse else gradient
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()
        state = self.optimizer.state[self.parameter]
        values = {name: state[source].detach().numpy().copy() for name, source in self.names.items()}
        return self.parameter.detach().numpy().copy(), values


@pytest.mark.parametrize(("name", "settings", "symbols"), CASES, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(CASES)])
def test_the_rule_is_what_the_optimizer_does(
    name: str, settings: dict[str, Any], symbols: dict[str, float]
) -> None:  # fmt: skip
    def lifted(at: int | None) -> Lifted:
        return lift(f"torch.optim.{name}", settings, tuple(symbols), at=at)

    begun = time.perf_counter()
    rule = lifted(None)
    print(f"{name}: {time.perf_counter() - begun:.2f} s")
    assert rule.how == "lifted"
    run = Run(name, settings, symbols, rule)
    chosen = {key.replace("_", ""): value for key, value in symbols.items()}
    others = lifted_rules.compare(lifted, run.start, run.step, chosen)
    assert others == (4 if name == "RAdam" else 0)  # rho exceeds 5 from the sixth step on


# --- what a rule says -------------------------------------------------------------------------------------------------


def test_adam_is_the_form_of_the_paper() -> None:
    rule = lift("torch.optim.Adam")
    assert rule.rule.lines == (
        "expavg = expavg + (1 - beta1)*(g - expavg)",
        "expavgsq = expavgsq*beta2 + (1 - beta2)*g**2",
        "w = w - eta/(1 - beta1**t)*(expavg/(sqrt(expavgsq)/sqrt(1 - beta2**t) + eps))",
    )
    assert (rule.conditions, rule.first_conditions) == ((), ())
    assert rule.defaults["eps"] == "1e-8"
    assert [(s.name, s.initial, s.invariant) for s in rule.rule.state] == [
        ("expavg", "0", ""), ("expavgsq", "0", "expavgsq >= 0"),
    ]  # fmt: skip
    assert [h.domain for h in rule.rule.hyperparameters] == [
        "eta >= 0", "0 <= beta1 < 1", "0 <= beta2 < 1", "eps > 0",
    ]  # fmt: skip


def test_a_first_step_of_its_own() -> None:
    """The first buffer of SGD is the gradient, whatever the dampening."""
    rule = lift("torch.optim.SGD", symbols=("momentum", "dampening"))
    assert show(rule.first["momentumbuffer"]) == "g"
    assert rule.rule.lines[0] == "momentumbuffer = momentumbuffer*momentum + (1 - dampening)*g"
    assert [show(condition) for condition in rule.conditions] == ["momentum != 0"]


def test_branches_are_conditions() -> None:
    late, early = lift("torch.optim.RAdam"), lift("torch.optim.RAdam", at=3)
    rho = "2/(1 - beta2) - 1 - 2*t*beta2**t/(1 - beta2**t)"
    assert [show(condition) for condition in late.conditions] == [f"{rho} > 5"]
    assert [show(condition) for condition in early.conditions] == [f"{rho} <= 5"]
    assert early.rule.lines[-1] == "w = w - expavg/(1 - beta1**t)*eta"


def test_a_condition_that_says_nothing_is_left_out() -> None:
    """ASGD asks whether mu is 1; with 1 in the general formula its average is what it copies then."""
    rule = lift("torch.optim.ASGD")
    assert rule.conditions == ()
    assert "ax = ax + (w - ax)*mu" in rule.rule.lines
    assert {state.name: state.scalar for state in rule.rule.state} == {"etastate": True, "mu": True, "ax": False}


def test_the_variance_is_not_negative() -> None:
    """Averages of g and of g**2 with the same weights: the root of their difference is defined."""
    rule = lift("torch.optim.RMSprop", {"centered": True})
    assert [state.invariant for state in rule.rule.state] == ["squareavg >= gradavg**2", ""]
    other = lift("torch.optim.Adam")
    assert [state.invariant for state in other.rule.state] == ["", "expavgsq >= 0"]


def test_a_conversion_is_not_lost() -> None:
    with pytest.raises(Undecided, match="float32"):
        lift(Narrow)


def test_fixed_numbers_are_exact() -> None:
    rule = lift("torch.optim.Adam", {"lr": 0.1, "beta1": 0.8, "eps": 1e-3})
    assert rule.rule.lines[0] == "expavg = expavg + 1/5*(g - expavg)"
    assert [h.name for h in rule.rule.hyperparameters] == ["beta2"]
    assert rule.fixed == {"lr": "0.1", "beta1": "0.8", "eps": "0.001"}
    assert rule.defaults["beta1"] == "0.9"


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "settings", "symbols", "message"),
    [
        ("torch.optim.Adm", {}, (), "did you mean torch.optim.Adam"),
        ("torch.nn.Linear", {}, (), "there is no torch.nn.Linear"),
        ("torch.optim.Adam", {"epsilon": 1.0}, (), "did you mean eps"),
        ("torch.optim.Adam", {}, ("momentum",), "no hyperparameter momentum"),
        ("tensorflow.Adam", {}, (), "there is no target"),
    ],
)
def test_wrong_targets(target: str, settings: dict[str, Any], symbols: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        lift(target, settings, symbols)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("Muon", {}, "2D parameters"),
        ("Adafactor", {}, "Adafactor"),
        ("LBFGS", {}, "LBFGS"),
        ("Adam", {"foreach": True}, "_foreach_add_"),
        ("Adam", {"lr": -1.0}, "Invalid learning rate"),
    ],
)
def test_beyond_what_can_be_lifted(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(Undecided, match=message):
        lift(f"torch.optim.{name}", settings)


class Own(torch.optim.Optimizer):  # type: ignore[misc, name-defined]
    """An optimizer that does what `work` does."""

    def __init__(self, params: Any, lr: float = 0.1, power: float = 0.5) -> None:
        super().__init__(params, {"lr": lr, "power": power})

    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for w in group["params"]:
                with torch.no_grad():
                    self.work(w, w.grad, group["lr"], group["power"], self.state[w])

    def work(self, w: Any, g: Any, lr: float, power: float, state: Any) -> None:
        raise NotImplementedError


class Leak(Own):
    """The number of a hyperparameter goes into the formula without the hyperparameter."""

    def work(self, w: Any, g: Any, lr: float, power: float, state: Any) -> None:
        w.sub_(g * float(repr(lr)))


class Rounded(Own):
    def work(self, w: Any, g: Any, lr: float, power: float, state: Any) -> None:
        w.sub_(g * round(lr, 3))


class Norm(Own):
    def work(self, w: Any, g: Any, lr: float, power: float, state: Any) -> None:
        w.sub_(lr * g / g.norm())


class Narrow(Own):
    def work(self, w: Any, g: Any, lr: float, power: float, state: Any) -> None:
        w.sub_(g.to(torch.float32) * lr)


class Raises(Own):
    def work(self, w: Any, g: Any, lr: float, power: float, state: Any) -> None:
        raise KeyError("no such thing")


class ChangesGradient(Own):
    def work(self, w: Any, g: Any, lr: float, power: float, state: Any) -> None:
        w.sub_(g.mul_(lr))


class ByData(Own):
    def work(self, w: Any, g: Any, lr: float, power: float, state: Any) -> None:
        if g > 0:
            w.sub_(g * lr)


class Counted(Own):
    """The count is a Python number, and so is a state."""

    def work(self, w: Any, g: Any, lr: float, power: float, state: Any) -> None:
        if not state:
            state["step"], state["best"], state["m"] = 0, 1.0, torch.zeros_like(w)
        state["step"] += 1
        state["best"] = max(state["best"], lr)
        state["m"].mul_(power).add_(g)
        w.sub_(state["m"] * (lr / math.sqrt(state["step"]) * state["best"]))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Leak, "depends on a number that is no argument"),
        (Rounded, "rounding"),
        (Norm, "torch norm"),
        (Raises, "raised KeyError"),
        (ChangesGradient, "changes the gradient"),
    ],
)
def test_classes_that_are_not_read_wrongly(target: type, message: str) -> None:
    with pytest.raises(Undecided, match=message):
        lift(target)


def test_a_branch_on_data_is_a_condition() -> None:
    assert [show(condition) for condition in lift(ByData).conditions] == ["g > 0"]


def test_numbers_of_python_as_state() -> None:
    rule = lift(Counted)
    assert rule.rule.lines == ("best = max(best, eta)", "m = m*power + g", "w = w - m*(eta/sqrt(t)*best)")
    assert {state.name: state.scalar for state in rule.rule.state} == {"best": True, "m": False}


@pytest.mark.parametrize("target", [torch.optim.ASGD, Raises, Counted])
def test_everything_is_as_before(target: type) -> None:
    modules = [sys.modules[base.__module__] for base in target.__mro__[:-1]]
    before = [dict(vars(module)) for module in modules]
    try:
        lift(target)
    except Undecided:
        assert target is Raises
    assert [dict(vars(module)) for module in modules] == before
    assert max(1, 2) == builtins.max(1, 2)
    assert not torch.overrides._get_current_function_mode_stack()
    assert np.sqrt(4.0) == math.sqrt(4.0)

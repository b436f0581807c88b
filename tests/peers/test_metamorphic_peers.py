"""What no formula of one tensor shows: torch's optimizers pass, and small broken ones are caught by the check meant."""

from __future__ import annotations

from typing import Any

import pytest

from derive.errors import InputError
from numeric.metamorphic import Check, metamorphic

torch = pytest.importorskip("torch", reason="needs the extra `peers`")

ELEMENTWISE = (
    "SGD", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "ASGD", "SparseAdam",
)  # fmt: skip
# (class, check) -> why it is refuted; one that is mended fails
KNOWN = {
    ("NAdam", "state_dict"): "mu_product is float32 until load_state_dict makes it a float64 like the parameter",
}


def by_name(target: Any, **settings: Any) -> dict[str, Check]:
    return {check.name: check for check in metamorphic(target, **settings)}


def refuted(target: Any, **settings: Any) -> dict[str, Check]:
    return {name: check for name, check in by_name(target, **settings).items() if check.verdict == "refuted"}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_optimizers_of_torch_pass(name: str) -> None:
    found = by_name(f"torch.optim.{name}")
    for check in found.values():
        print(f"{name:10} {check.line()}")
    assert {key for key, check in found.items() if check.verdict == "refuted"} == {k for n, k in KNOWN if n == name}
    always = ("step", "permuted parameters", "independent parameters", "split tensor", "mixed dtypes", "gradient None")
    assert {found[key].verdict for key in always} == {"checked"}
    assert all(check.reason for check in found.values() if check.verdict == "skipped")
    assert (found["sparse gradients"].verdict == "checked") is (name in ("SGD", "Adagrad", "SparseAdam"))
    assert (found["zero gradients"].verdict == "skipped") is (name in ("AdamW", "ASGD"))  # they decay


def test_eps_of_one_dtype_is_used_for_the_next_in_adafactor() -> None:
    found = by_name("torch.optim.Adafactor")
    check = found["mixed dtypes"]
    assert (check.verdict, check.witness["parameter"], check.witness["step"]) == ("refuted", "a", 1)
    assert check.witness["float32 after float32"] != check.witness["float32 after float64"]
    assert found["permuted parameters"].verdict == "checked"
    assert "does not lift" in found["split tensor"].reason
    assert by_name("torch.optim.Adafactor", eps=(1e-7, 1e-3))["mixed dtypes"].verdict == "checked"


def test_what_needs_a_closure_is_skipped() -> None:
    assert {check.verdict for check in metamorphic("torch.optim.LBFGS")} == {"skipped"}


# --- broken ones ------------------------------------------------------------------------------------------------------


class Right(torch.optim.Optimizer):  # type: ignore[misc]
    """Momentum, as it should be."""

    def __init__(self, params: Any, lr: float = 0.01, weight_decay: float = 0.0, maximize: bool = False) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "maximize": maximize})

    @torch.no_grad()  # type: ignore[misc]
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for place, p in enumerate(p for p in group["params"] if p.grad is not None):
                self.one(p, self.slope(p, group), group["lr"], place)

    def slope(self, p: Any, group: Any) -> Any:
        g = -p.grad if group["maximize"] else p.grad
        return g.add(p, alpha=group["weight_decay"])

    def one(self, p: Any, g: Any, lr: float, place: int) -> None:
        state = self.state[p]
        state["buffer"] = 0.9 * state["buffer"] + g if "buffer" in state else g
        p.sub_(lr * state["buffer"])


class IgnoresFlag(Right):
    def slope(self, p: Any, group: Any) -> Any:
        return -p.grad if group["maximize"] else p.grad


class Leaks(Right):
    total = 0.0

    def one(self, p: Any, g: Any, lr: float, place: int) -> None:
        self.total = 0.9 * self.total + float(g.abs().max())
        p.sub_(lr * g / (1 + self.total))


class Ordered(Right):
    def one(self, p: Any, g: Any, lr: float, place: int) -> None:
        p.sub_(lr / (1 + place) * g)


class Forgets(Right):
    def __init__(self, params: Any, lr: float = 0.01) -> None:
        super().__init__(params, lr)
        self.buffers: dict[Any, Any] = {}

    def one(self, p: Any, g: Any, lr: float, place: int) -> None:
        self.buffers[p] = 0.9 * self.buffers.get(p, 0.0) + g
        p.sub_(lr * self.buffers[p])


class NeverMaximizes(Right):
    def slope(self, p: Any, group: Any) -> Any:
        return p.grad.add(p, alpha=group["weight_decay"])


class Mutates(Right):
    def slope(self, p: Any, group: Any) -> Any:
        return p.grad.mul_(0.5)


class Raises(Right):
    def one(self, p: Any, g: Any, lr: float, place: int) -> None:
        raise ZeroDivisionError("by zero")


class NotANumber(Right):
    def one(self, p: Any, g: Any, lr: float, place: int) -> None:
        p.sub_(lr * (g / (g - g)))


class NoneMoves(Right):
    def step(self, closure: Any = None) -> None:
        with torch.no_grad():
            for p in self.param_groups[0]["params"]:
                p.mul_(0.99).sub_(0.1 * (0 if p.grad is None else p.grad))


def test_the_right_one_is_not_refuted() -> None:
    assert not refuted(Right)
    assert not refuted(Right, lr=0.5, weight_decay=0.25)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (IgnoresFlag, "flag weight_decay"), (Leaks, "independent parameters"), (Ordered, "permuted parameters"),
        (Forgets, "state_dict"), (NeverMaximizes, "maximize"), (NoneMoves, "gradient None"),
    ],
)  # fmt: skip
def test_what_is_broken_is_caught(made: type, name: str) -> None:
    check = refuted(made)[name]
    assert {"parameter", "step", "element"} <= check.witness.keys()
    assert len(check.witness) == 5  # and both numbers
    assert check.to_json()["verdict"] == "refuted"
    assert check.line().startswith(f"{name}: refuted: ")


def test_which_number_is_shown() -> None:
    witness = refuted(NeverMaximizes)["maximize"].witness
    assert witness == {"parameter": "a", "element": 0, "step": 1, "maximize f": -0.13, "minimize -f": -0.12}


@pytest.mark.parametrize(
    ("made", "said"),
    [(Mutates, "changes its gradient"), (Raises, "ZeroDivisionError: by zero at step 1"), (NotANumber, "no finite")],
)
def test_a_step_that_goes_wrong_is_said_so(made: type, said: str) -> None:
    step, *others = metamorphic(made)
    assert (step.name, step.verdict) == ("step", "refuted")
    assert said in step.reason
    if made is not Mutates:
        assert {check.reason for check in others} == {"its step is refuted"}


@pytest.mark.parametrize(
    ("target", "settings"),
    [(int, {}), ("torch.optim.Adom", {}), ("mine.py:Adam", {}), ("torch.optim.SGD", {"lrr": 1.0}),
     ("torch.optim.SGD", {"lr": -1.0})],
)  # fmt: skip
def test_what_cannot_be_run_is_refused(target: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        metamorphic(target, **settings)

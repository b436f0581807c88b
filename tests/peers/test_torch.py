"""The losses of torch.nn, with their gradients and second derivatives by autograd."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

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


agreement = load("agreement")
Peer = agreement.Peer
LOG_SOFTMAX = "z[k] - m - log(sum(exp(z[i] - m), i, 1, K))"

PEERS: list[tuple[Any, Callable[..., Any]]] = [
    (Peer("L1Loss", "l1"), torch.nn.L1Loss(reduction="none")),
    (Peer("MSELoss", "l2"), torch.nn.MSELoss(reduction="none")),
    (
        Peer("BCEWithLogitsLoss", "binary-cross-entropy", agreement.BITS, as_computed={
            "value": "(1 - y)*z - (min(z, 0) - log(1 + exp(-abs(z))))",
            "curvature": "(1 - 1/(1 + exp(-z)))*(1/(1 + exp(-z)))",
        }),
        torch.nn.BCEWithLogitsLoss(reduction="none"),
    ),
    (
        Peer("CrossEntropyLoss", "cross-entropy", as_computed={
            "slope": f"exp({LOG_SOFTMAX}) - y[k]",
        }),
        torch.nn.CrossEntropyLoss(reduction="none"),
    ),
    (Peer("PoissonNLLLoss", "poisson", agreement.COUNTS), torch.nn.PoissonNLLLoss(full=False, reduction="none")),
    (
        # where the derivative of the slope jumps, autograd has the one from outside; the library has the middle
        Peer("HuberLoss", "huber", hyperparameters={"delta": 1.0}, kinks={"curvature": 0.0}),
        torch.nn.HuberLoss(delta=1.0, reduction="none"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("peer", "theirs"), PEERS, ids=[peer.name for peer, _ in PEERS])
def test_value_gradient_and_second_derivative(peer: Any, theirs: Callable[..., Any]) -> None:
    by_class = peer.loss == "cross-entropy"
    z = torch.tensor(agreement.SCORES if by_class else agreement.SPREAD, requires_grad=True)
    value = theirs(z, torch.tensor(agreement.ONE_HOT if by_class else peer.labels))
    (slope,) = torch.autograd.grad(value.sum(), z, create_graph=True)
    agreement.compare(peer, "value", value.detach())
    agreement.compare(peer, "slope", slope.detach())
    if by_class:
        rows = [torch.autograd.grad(slope[:, k].sum(), z, retain_graph=True)[0] for k in range(agreement.CLASSES)]
        agreement.compare(softmax_curvature(peer), "curvature", torch.stack(rows, 1))
    else:
        agreement.compare(peer, "curvature", derivative(slope, z))


def derivative(of: Any, by: Any) -> Any:
    """Autograd has no derivative of what is constant; it is 0."""
    if not of.requires_grad:
        return torch.zeros_like(by)
    (found,) = torch.autograd.grad(of.sum(), by, retain_graph=True)
    return (found + 0.0).numpy(force=True)


def softmax_curvature(peer: Any) -> Any:
    """Theirs has the kernel's Kronecker symbol in it, for which the chain language has no plainer word."""
    share, other = (f"exp({LOG_SOFTMAX.replace('[k]', f'[{index}]')})" for index in "kl")
    return agreement.Peer(peer.name, peer.loss, as_computed={"curvature": f"{share}*kronecker(k, l) - {share}*{other}"})


def test_the_gaussian_loss_with_its_sigma() -> None:
    peer = Peer("GaussianNLLLoss", "gaussian-nll", extra={"sigma": 0.75})
    z = torch.tensor(agreement.SPREAD, requires_grad=True)
    sigma = torch.full_like(z, 0.75).detach().requires_grad_()
    value = torch.nn.GaussianNLLLoss(full=False, reduction="none")(z, torch.tensor(peer.labels), sigma * sigma)
    slope, by_sigma = torch.autograd.grad(value.sum(), (z, sigma), create_graph=True)
    outputs = {
        "value": value, "slope": slope, "slope_sigma": by_sigma, "curvature": derivative(slope, z),
        "curvature_sigma": derivative(slope, sigma), "curvature_sigma_sigma": derivative(by_sigma, sigma),
    }  # fmt: skip
    for output, got in outputs.items():
        agreement.compare(peer, output, got if isinstance(got, np.ndarray) else got.detach())

"""The losses that scikit-learn fits its linear models and boosted trees with: sklearn._loss.loss."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

theirs = pytest.importorskip("sklearn._loss.loss", reason="needs the extra `peers`")


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

PEERS: list[tuple[Any, Any]] = [
    (Peer("HalfSquaredError", "l2", scale=2.0), theirs.HalfSquaredError()),
    # at their kinks, these two have the subgradient from the left
    (Peer("AbsoluteError", "l1", kinks={"slope": -1.0}), theirs.AbsoluteError()),
    (Peer("PinballLoss", "pinball", hyperparameters={"tau": 0.25}, kinks={"slope": -0.25}),
     theirs.PinballLoss(quantile=0.25)),
    (Peer("HuberLoss", "huber", hyperparameters={"delta": 1.0}, kinks={"curvature": 1.0}),
     theirs.HuberLoss(delta=1.0)),
    (Peer("HalfPoissonLoss", "poisson", agreement.COUNTS), theirs.HalfPoissonLoss()),
    (Peer("HalfGammaLoss", "exponential", agreement.COUNTS + 0.5), theirs.HalfGammaLoss()),
    (Peer("HalfBinomialLoss", "binary-cross-entropy", agreement.BITS), theirs.HalfBinomialLoss()),
]  # fmt: skip


@pytest.mark.parametrize(("peer", "other"), PEERS, ids=[peer.name for peer, _ in PEERS])
def test_value_gradient_and_second_derivative(peer: Any, other: Any) -> None:
    y, z = peer.labels, agreement.SPREAD
    agreement.compare(peer, "value", other.loss(y_true=y, raw_prediction=z))
    slope, curvature = other.gradient_hessian(y_true=y, raw_prediction=z)
    agreement.compare(peer, "slope", slope)
    if peer.loss in ("l1", "pinball"):  # they put 1 for a second derivative that is 0, to have something to divide by
        assert other.approx_hessian
        assert (curvature == 1).all()
    else:
        agreement.compare(peer, "curvature", curvature)


def test_the_multinomial_loss() -> None:
    """They have the diagonal of the second derivative."""
    peer = Peer("HalfMultinomialLoss", "cross-entropy")
    other, y = theirs.HalfMultinomialLoss(n_classes=agreement.CLASSES), agreement.LABELS * 1.0
    agreement.compare(peer, "value", other.loss(y_true=y, raw_prediction=agreement.SCORES))
    slope, diagonal = other.gradient_hessian(y_true=y, raw_prediction=agreement.SCORES)
    agreement.compare(peer, "slope", slope)
    program = peer.ours().pointwise.only("curvature")
    for point, row in zip(peer.points(), np.asarray(diagonal), strict=True):
        matrix = np.reshape(agreement.balls(program, point, "curvature"), (agreement.CLASSES,) * 2)
        assert all(ball.contains(number) for ball, number in zip(np.diag(matrix), row, strict=True))

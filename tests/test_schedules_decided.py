"""Every schedule of the library, decided: by default always, with symbols or undecided with a reason, never wrong."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from derive.library.schedules import SCHEDULES
from derive.parser import parse_expression
from derive.schedule_rule import ScheduleRule
from derive.series import Decision
from derive.series.values import holds
from numeric.schedules import schedule

ROWS = list(SCHEDULES.values())
# With symbols for all parameters no rule decides these, most of them for a period whose length is a symbol. One that is
# decided one day is taken off.
OPEN = {
    "cosine-annealing", "warm-restarts", "warm-restarts-growing", "cyclic", "cyclic-exponential", "one-cycle",
    "one-cycle-three", "polynomial-cycle", "linear-one-cycle", "cosine-one-cycle", "cosine-restarts",
}  # fmt: skip
# What the literature says: the schedules that meet the conditions by default.
HOLD = {
    "inverse-t", "power", "inverse-time", "inverse-time-staircase", "optimal", "asgd-rate", "halving", "lambda",
    "polynomial-cycle",
}  # fmt: skip
IFF = {
    "inverse-t": "true", "power": "(p > 1/2) & (p <= 1)", "inverse-time": "k > 0", "optimal": "true",
    "asgd-rate": "(lam > 0) & (alpha > 1/2) & (alpha <= 1)", "halving": "true", "step": "false", "multi-step": "false",
    "geometric": "false", "noam": "false", "inverse-sqrt": "false",
}  # fmt: skip

# Cycles so short that 2**14 steps are many.
SETTLED = {"cyclic-halving": {"U": 20, "D": 20}, "cyclic-exponential": {"U": 20, "D": 20, "rho": "0.9"}}
by_rows = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


def truth(iff: str, row: ScheduleRule) -> bool:
    """Whether a condition holds for the defaults."""
    if iff in ("true", "false"):
        return iff == "true"
    return holds(parse_expression(iff).term, dict(row.defaults))


@by_rows
def test_it_is_decided_by_default_and_for_symbols_where_a_rule_is_known(row: ScheduleRule) -> None:
    default = row.default().robbins_monro()
    assert default.robbins_monro.verdict == ("holds" if row.name in HOLD else "fails")
    assert default.proof
    found = row.schedule().robbins_monro()
    verdicts = (found.robbins_monro, found.sum, found.sum_of_squares)
    undecided = {verdict.verdict == "undecided" for verdict in verdicts}
    assert undecided == {row.name in OPEN}, "take it off OPEN, or put it there with its reason"
    if row.name in OPEN:
        assert found.robbins_monro.reasons
        return
    for verdict, told in zip(verdicts, (default.robbins_monro, default.sum, default.sum_of_squares), strict=True):
        assert truth(verdict.iff, row) == (told.iff == "true"), (row.name, verdict.iff)
    if row.name in IFF:
        assert found.robbins_monro.iff == IFF[row.name]


@by_rows
def test_partial_sums_do_not_contradict(row: ScheduleRule) -> None:
    """Blocks twice as long: their sums fall where a sum converges, and double where terms stay away from 0."""
    found = row.default().robbins_monro()
    rates = schedule(row, **({"eta0": 1} if "eta0" in row.schedule().parameters else {}), **SETTLED.get(row.name, {}))
    values = rates.at(np.arange(row.first, 2**16))
    assert (values >= 0).all()
    for power, verdict in ((1, found.sum), (2, found.sum_of_squares)):
        terms = values**power
        before, after = terms[2**14 : 2**15].sum(), terms[2**15 :].sum()
        if verdict.verdict == "converges":
            assert after <= 0.95 * before or after < 1e-12, (row.name, power)
        if found.tends_to_zero.verdict == "fails":
            assert verdict.verdict == "diverges"
            assert after >= 1.5 * before, (row.name, power)


def test_lengths_that_are_numbers_leave_rates_as_symbols() -> None:
    assert SCHEDULES["cosine-annealing"].schedule(T=100).robbins_monro().robbins_monro.iff == "false"
    assert SCHEDULES["one-cycle"].schedule(N=100, pct="3/10").robbins_monro().robbins_monro.iff == "false"
    found = SCHEDULES["polynomial-cycle"].schedule(T=10).robbins_monro().robbins_monro
    assert found.iff == "(power > 1/2) & (power <= 1) & (etaend = 0)"
    restarts = SCHEDULES["cosine-restarts"].schedule(M=2, T=10, alpha=0)
    assert restarts.robbins_monro().robbins_monro.iff == "(scale >= 1/2) & (scale < sqrt(2)/2)"


def verdicts(found: Decision) -> tuple[str, str, str]:
    return found.sum.verdict, found.sum_of_squares.verdict, found.robbins_monro.verdict


@pytest.mark.parametrize(
    "name", ["inverse-t", "power", "inverse-sqrt", "step", "cosine-annealing", "halving", "linear"]
)
def test_scaling_and_shifting_change_no_answer_and_a_warm_up_neither(name: str) -> None:
    made = SCHEDULES[name].default().at(eta0=1)
    expected = verdicts(made.robbins_monro())
    assert verdicts((Fraction(3, 7) * made).robbins_monro()) == expected
    assert verdicts(made.shifted(5).robbins_monro()) == expected
    warm_up = SCHEDULES["warmup-constant"].schedule(init=0, peak=1, W=10).then(made, at=10)
    assert verdicts(warm_up.robbins_monro()) == expected

"""Terms that are undefined or negative for some values of the parameters; what is assumed is said; asin at its ends."""

from __future__ import annotations

import json
import time
from fractions import Fraction
from math import acos, asin, pi

import pytest

from derive.cli import main
from derive.derivation import Assumptions
from derive.errors import InputError
from derive.evaluation.enclosure import UnknownValue
from derive.series import decide
from derive.series import values as V
from derive.series.language import read_schedule
from derive.series.numbers import Undefined, between, power
from derive.series.preconditions import violation

ONE, HALF = Fraction(1), Fraction(1, 2)

# (eta_t, when the sum diverges, when that of squares converges)
ANGLES = [
    ("asin(1/t)", "true", "true"),
    ("asin(1)/t", "true", "true"),
    ("acos(-1)/t", "true", "true"),
    ("acos(1/t)", "true", "false"),
    ("acos(1)/t+1/t**2", "false", "true"),
    ("pi/2-asin(1-1/t)", "true", "false"),
]


@pytest.mark.parametrize("row", ANGLES, ids=lambda row: row[0])
def test_asin_and_acos_are_defined_at_one(row: tuple[str, str, str]) -> None:
    found = decide(row[0])
    assert (found.sum.iff, found.sum_of_squares.iff) == row[1:]


@pytest.mark.parametrize("text", ["asin(2/t)", "acos(2/t)/t", "acos(-2/t)"])
def test_asin_and_acos_outside_of_their_domain_name_t(text: str) -> None:
    with pytest.raises(InputError, match="undefined at t = 1: the argument of asin or acos"):
        decide(text)


@pytest.mark.parametrize(("name", "truth"), [("asin", asin), ("acos", acos)])
def test_values_of_asin_and_acos(name: str, truth: type[float]) -> None:
    at = V.FUNCTIONS[name]
    for x in (-ONE, -HALF, Fraction(0), HALF, Fraction(99, 100), ONE):
        low, high = V.ends(at(x))
        assert low <= high < low + Fraction(1, 10**20)
        assert abs(float(low) - truth(float(x))) < 1e-12
    for lo, hi in ((-ONE, ONE), (HALF, ONE), (-ONE, Fraction(0)), (-HALF, HALF)):
        low, high = V.ends(at(between(lo, hi)))
        ends = sorted((truth(float(lo)), truth(float(hi))))
        assert float(low) == pytest.approx(ends[0], abs=1e-12)
        assert float(high) == pytest.approx(ends[1], abs=1e-12)
    with pytest.raises(UnknownValue):
        at(between(HALF, Fraction(3, 2)))
    with pytest.raises(Undefined):
        at(between(Fraction(3, 2), Fraction(2)))
    assert V.FUNCTIONS["acos"](ONE) == 0
    assert float(V.ends(V.FUNCTIONS["acos"](-ONE))[0]) == pytest.approx(pi)


def test_a_power_that_may_be_defined_is_not_said_to_be_undefined() -> None:
    with pytest.raises(UnknownValue):
        power(-ONE, between(Fraction(19, 10), Fraction(21, 10)))
    with pytest.raises(UnknownValue):
        power(Fraction(0), between(-ONE, ONE))
    with pytest.raises(Undefined):
        power(-ONE, between(Fraction(11, 10), Fraction(12, 10)))


# --- parameters -----------------------------------------------------------------------------------------------------

VIOLATED = [
    ("log(t)**k/t", "k real", 1, "undefined at t = 1 for k = -1"),
    ("(1-1/t)**a/t", "a real", 1, "undefined at t = 1 for a = -1"),
    ("1/(a-t)**2", "a real", 1, "undefined at t = 1 for a = 1"),
    ("1/(a-t)**2", "a real", 20, "undefined at t = 20 for a = 20"),
    ("factorial(n)/t", "n integer", 1, "undefined at t = 1 for n = -1"),
    ("sqrt(1-p)/t", "p real", 1, "undefined at t = 1 for p = 2"),
    ("1/(a+b-4)**2/t", "a >= 1; b >= 1", 1, "undefined at t = 1 for a = "),
    ("log(t)**k/t", "k > m; m real", 1, "undefined at t = 1 for k = "),
    ("(1-a/t)**3/t", "a >= 0", 1, "negative at t = 1 for a = 2"),
    ("1/(k+1)**2/t", "k real; k < 0", 1, "undefined at t = 1 for k = -1"),
]


@pytest.mark.parametrize("row", VIOLATED, ids=lambda row: f"{row[0]}, {row[1]}, {row[2]}")
def test_what_fails_for_some_parameters_is_refused(
    row: tuple[str, str, int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    text, given, start, message = row
    begin = time.process_time()
    assert main(["schedule", text, "--given", given, "--start", str(start)]) == 2
    assert time.process_time() - begin < 5
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert "--given" in error
    assert "exclude" in error


ALLOWED = [
    ("log(t)**k/t", "k >= 0", 1),
    ("log(t)**k/t", "k real", 2),
    ("(1-1/t)**a/t", "a real", 2),
    ("1/(a-t)**2", "a < 1", 1),
    ("sqrt(1-p)/t", "p <= 1", 1),
    ("factorial(n)/t", "n integer >= 0", 1),
    ("(1-c*log(t)/t)**t", "c > 0", 100),
]


@pytest.mark.parametrize("row", ALLOWED, ids=lambda row: f"{row[0]}, {row[1]}, {row[2]}")
def test_facts_that_exclude_it_are_enough(row: tuple[str, str, int]) -> None:
    assert decide(*row).robbins_monro.verdict != ""


def test_the_search_is_bounded() -> None:
    names = [f"a{k}" for k in range(12)]
    term, assumptions = read_schedule("+".join(f"{name}**2/t" for name in names), "; ".join(f"{n} real" for n in names))
    begin = time.process_time()
    assert violation(term, assumptions, 1, dict.fromkeys(names, ONE)) is None
    assert time.process_time() - begin < 1
    assert violation(term, Assumptions(), 1, dict.fromkeys(names, ONE)) is None


def test_the_headline_says_what_is_assumed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["schedule", "(1-c*log(t)/t)**t", "--given", "c > 0", "--start", "100"]
    assert main(arguments) == 0
    line = "Robbins-Monro conditions: hold iff (c > 1/2) & (c <= 1), if every term is defined and >= 0 (assumed)\n"
    assert line in capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["precondition"]["status"] == "assumed"
    assert main(["schedule", "eta0/t**p", "--given", "eta0 > 0; p real"]) == 0
    assert "assumed" not in capsys.readouterr().out


def test_a_case_that_may_be_empty_is_not_called_negative() -> None:
    found = decide("(1+a/t)**t-1", "a >= 0")
    reasons = [reason for verdict in (found.sum, found.robbins_monro) for reason in verdict.reasons]
    assert not any("negative" in reason for reason in reasons)
    assert any(reason.startswith("a sign is not decided where exp(a) = 1") for reason in reasons)

"""`derive schedule`: its document, its status, and what is refused with one line."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from derive import InputError, Schedule
from derive.cli import main
from derive.kernel.check import check
from derive.series import decide

REFUSED = [
    ("__import__('os')", "", 1, "'_' is not part of the language"),
    ("factorial(10**9)", "", 1, "too large"),
    ("1/(t-5)", "", 1, "t = 5"),
    ("-1/t", "", 1, "t = 1"),
    ("1/log(t)", "", 1, "t = 1"),
    ("1/t - 1/10", "", 1, "t = 11"),
    ("1/t - 1/1000000", "", 1, "t = 1000001"),
    ("1/(t-1000000)**2", "", 1, "t = 1000000"),
    ("(t-10000)*(t-10002)/t**3", "", 1, "t = 10001"),
    ("cos(t)/t", "", 1, "t = 2"),
    ("sqrt(t-5)/t", "", 3, "t = 3"),
    ("(" * 2000 + "t" + ")" * 2000, "", 1, "4001 characters"),
    ("(" * 900 + "t" + ")" * 900, "", 1, "nested"),
    ("1/t**q", "", 1, "q is not declared"),
    ("1/t**t0", "p > 0", 1, "t0 is not declared"),
    ("eta0/t", "eta0 real", 1, "eta0 < 0"),
    ("1/t**p", "p > 1; p < 0", 1, "no values"),
    ("1/t", "t > 0", 1, "t counts the steps"),
    ("1/x[t]", "", 1, "x is no function"),
    ("f(t)", "", 1, "unknown function f"),
    ("sum(i, i, 1, t)", "", 1, "not for schedules"),
    ("Piecewise((1/t, t < 5))", "", 1, "otherwise"),
    ("Piecewise((1, True), (t, 2))", "", 1, "comparison"),
    ("9**9**9**9", "", 1, "tower"),
    ("t**100000", "", 1, "too large"),
    ("floor(t, 2)", "", 1, "takes 1 arguments"),
    ("1/t; 2", "", 1, "';'"),
    ("", "", 1, "expected"),
    ("1/t", "", -1, "start"),
    ("1/t = 2", "", 1, "comparison"),
]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row[0][:30])
def test_bad_input_is_refused_with_one_line(row: tuple[str, str, int, str], capsys: pytest.CaptureFixture[str]) -> None:
    text, given, start, message = row
    begin = time.process_time()
    assert main(["schedule", text, "--given", given, "--start", str(start), "--json"]) == 2
    assert time.process_time() - begin < 5
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert message in captured.err, captured.err


UNDECIDED = [
    "(log(t)-9)*(log(t)-9.001)/t",
    "1/floor(log(t)-17)**2",
    "1/(t**3*sin(t)**2)",
    "gamma(sin(t)+2)/t",
]


@pytest.mark.parametrize("text", UNDECIDED)
def test_undecided_says_why(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", text, "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["robbins_monro"]["verdict"] == "undecided"
    assert all(found["robbins_monro"]["reasons"])


def test_the_document_is_the_one_of_the_interface(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "eta0/t**p", "--given", "eta0 > 0; p real", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schedule"] == "eta0/t**p"
    assert found["start"] == 1
    assert found["given"] == ["eta0 > 0", "p real"]
    assert found["sum"] == {"verdict": "depends", "diverges_iff": "p <= 1"}
    assert found["sum_of_squares"] == {"verdict": "depends", "converges_iff": "p > 1/2"}
    assert found["robbins_monro"] == {"verdict": "depends", "iff": "(p > 1/2) & (p <= 1)"}
    assert all(set(step) == {"claim", "because", "status"} for step in found["proof"])
    assert isinstance(found["certificate"], dict)


def test_the_text_names_conditions_and_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "1/(t*log(t))", "--start", "2"]) == 0
    text = capsys.readouterr().out
    assert "Robbins-Monro conditions: hold" in text
    assert "Bertrand's series" in text


def test_a_schedule_that_begins_with_a_minus_is_an_expression(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "-1/t+2/t"]) == 0
    assert main(["schedule", "1/t**p", "--given", "-p < 0"]) == 0
    assert main(["schedule", "--given", "p > 1", "1/t**p"]) == 0
    capsys.readouterr()


def test_in_python() -> None:
    assert Schedule("eta0/t**p", given="eta0 > 0; p real").robbins_monro().robbins_monro.verdict == "depends"
    with pytest.raises(InputError, match="not declared"):
        Schedule("eta0/t")


def test_what_runs_out_of_time_is_undecided() -> None:
    text = "+".join(f"1/(t+{k})**(1/{k % 7 + 2})*sin(t*{k})**2" for k in range(1, 60))
    found = decide(text, seconds=0.05)
    assert found.robbins_monro.verdict == "undecided"
    assert any("out of time" in reason for reason in found.robbins_monro.reasons)


def test_the_command_imports_no_sympy() -> None:
    """Deciding is quick because nothing heavy is loaded."""
    code = "import sys; from derive.cli import main; main(['schedule', '1/t']); print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "False"


# --- certificates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1/t", "1/(t+1)", "1/10/(1+t/100)", "1/sqrt(t)", "t**(-3/4)", "1/(1+floor(t/100)/2)"])
def test_certificates_are_accepted_again_and_wrong_bounds_are_refused(text: str) -> None:
    found = decide(text).certified
    assert found.status in ("proved", "declared")
    for claim in found.claims:
        document = json.loads(json.dumps(claim.document))
        check(document)
        if claim.status != "proved" or claim.power == 0:
            continue
        broken = json.loads(json.dumps(claim.document).replace("1024", "1023").replace('"15"', '"14"'))
        wrong = _with_other_bound(document)
        for bad in (wrong, *([broken] if broken != document else [])):
            with pytest.raises(Exception, match=r".+"):
                check(bad)


def _with_other_bound(document: dict[str, object]) -> dict[str, object]:
    """The claim with ten times the lower bound, or a tenth of the upper one, in every place where it stands."""
    claim = document["claim"]
    assert isinstance(claim, list)
    number = claim[2]
    twice = ["*", ["q", "10" if claim[0] == ">=" else "1/10"], number]
    return json.loads(json.dumps(document).replace(json.dumps(number), json.dumps(twice)))

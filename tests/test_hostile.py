"""Input that means harm, or is broken: one line that says where, no traceback, nothing evaluated, nothing written."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.cli import main
from derive.limits import Patience, TimeUp, limited, too_large
from derive.parser import parse_expression
from derive.prover import Settings, prove

SECONDS = 5.0  # of this process, so that a busy machine does not count
DECK = "# A\n\n```derive\nx = x\n```\n"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in an empty folder: exit status and the text on standard error. What holds always is asserted."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        begin = time.process_time()
        try:
            status = main(words)
        except SystemExit as end:
            status = int(end.code or 0)
        took = time.process_time() - begin
        out, err = capsys.readouterr()
        assert took < SECONDS, f"{took:.1f} s"
        assert "bug of this program" not in err
        assert "Traceback" not in out + err
        if status == 2:
            assert out == ""
            assert err.count("\n") == 1
            assert err.startswith("derive: ")
        return status, err

    return call


def check(run: Run, text: str | bytes, name: str = "a.chain") -> tuple[int, str]:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    status, err = run("check", name, "--certificates", "out")
    if status:
        assert os.listdir() == [name]
    return status, err


# --- text that cannot be read: exit 2 with the place ----------------------------------------------------------------

PLACED = {
    "unknown function": ("foo(x) = foo(x)\n", "1:1: unknown function foo"),
    "a bracket is open": ("(x = x\n", "1:7: expected ')'"),
    "a bracket is closed": ("x) = x\n", "1:2: "),
    "wrong bracket": ("(x] = x\n", "1:3: "),
    "tower": ("9**9**9**9 = 1\n", "1:5: a tower of powers"),
    "tower in brackets": ("(9**9)**(9**9) = 1\n", "1:7: "),
    "large power": ("9**1000**1 = 1\n", "1:2: a tower"),
    "tower by division": ("2**(1000000/3) = 1\n", "1:4: an exponent that is too large"),
    "large factorial": ("factorial(100000) = 1\n", "1:1: factorial of a number that is too large"),
    "import": ("__import__('os') = 1\n", "1:1: '_' is not part of the language"),
    "import in a header": ("given: __import__('os') > 0\nx = x\n", "1:8: '_' is not part"),
    "import in a definition": ("define: f(x) = __import__('os').system('ls')\n\nf(1) = 1\n", "1:16: '_' is not part"),
    "dunder name": ("__class__ = 1\n", "1:1: '_' is not part"),
    "attribute": ("x.real = x\n", "1:2: '.' is not part"),
    "lambda": ("(lambda: 1)() = 1\n", "1:8: "),
    "string": ("'x' = 'x'\n", "1:1: "),
    "5000 brackets": ("(" * 5000 + "x" + ")" * 5000 + " = x\n", "1:241: nested too deeply"),
    "5000 open brackets": ("(" * 5000 + "\n", "1:241: nested too deeply"),
    "5000 intervals": ("[" * 5000 + "\n", "1:121: nested too deeply"),
    "5000 minus signs": ("- " * 5000 + "x = x\n", ": nested too deeply"),
    "5000 powers": ("x" + "**x" * 5000 + " = x\n", ": nested too deeply"),
    "5000 functions": ("abs(" * 5000 + "x" + ")" * 5000 + " = x\n", ": nested too deeply"),
    "5000 sums": ("sum(" * 5000 + "x\n", ": nested too deeply"),
    "500 optima": ("argmax[w] " * 500 + "w\n", ": nested too deeply"),
    "long name": ("a" * 5000 + " = 1\n", "1:1: a name of 5000 letters"),
    "long number": ("1" * 5000 + " = 1\n", "1:1: a number of 5000 digits"),
    "long line": ("x" + " + x" * 200_000 + " = x\n", "1:1: a text of 800005 characters"),
    "many symbols": ("x" + " + x" * 12_000 + " = x\n", ": more than 20000 symbols"),
    "10,000 lines": ("x\n" + "= x\n" * 10_000, "2001:1: more than 2000 lines in a chain"),
    "10,000 chains": ("x = x\n\n" * 10_000, "more than 1000 chains"),
    "200 definitions": ("".join(f"define: f{k}(x) = x\n" for k in range(200)) + "\nx = x\n", "101:9: more than 100"),
    "definition of itself": ("define: f(x) = f(x)\n\nf(w) = 1\n", "1:16: unknown function f"),
    "definitions of each other": ("define: f(x) = g(x)\ndefine: g(x) = f(x)\n\nf(w) = 1\n", "1:16: unknown function g"),
    "name twice": ("given: x > 0\nx[1] = x\n", "2:1: x is used here as an indexed name"),
    "NUL": ("x = x\x00\n", "1:6: U+0000"),
    "escape": ("x = x -- \x1b[2J\n", "1:10: U+001B"),
    "bidi in a formula": ("x = x\u202e\n", "1:6: U+202E"),
    "bidi in a reason": ("x\n= x -- a\u2066b\n", "2:9: U+2066"),
    "bidi in a title": ("title: a\u202eb\nx = x\n", "1:9: U+202E"),
    "Cyrillic": ("\u0430 = 1\n", "1:1: U+0430 CYRILLIC SMALL LETTER A"),
    "fullwidth": ("\uff58 = 1\n", "1:1: U+FF58 FULLWIDTH LATIN SMALL LETTER X"),
    "superscript": ("x\u00b2 = 1\n", "1:2: U+00B2 SUPERSCRIPT TWO"),
    "Arabic digits": ("\u0663 = 3\n", "1:1: U+0663"),
    "no-break space": ("x\u00a0= x\n", "1:2: U+00A0"),
}  # fmt: skip


@pytest.mark.parametrize("case", PLACED)
def test_unreadable_text_is_refused_at_its_place(run: Run, case: str) -> None:
    text, place = PLACED[case]
    status, err = check(run, text)
    assert status == 2
    assert err.startswith("derive: a.chain:")
    assert place in err


def doubling(count: int, body: str) -> str:
    lines = [f"define: f{k}(x) = {body.replace('F', f'f{k - 1}')}" for k in range(1, count)]
    return "\n".join(["define: f0(x) = x + 1", *lines, "", f"f{count - 1}(w) = 1", ""])


@pytest.mark.parametrize("body", ["F(x) + F(x)", "F(x)*F(x)", "F(F(x))", "F(x + x)", "1 + 1/(2*F(x))"])
def test_definitions_that_grow_are_measured_before_they_are_written_out(run: Run, body: str) -> None:
    status, err = check(run, doubling(99, body))
    assert status == 2
    assert "when every definition is written out" in err
    assert err.startswith("derive: a.chain:")


def test_definitions_that_grow_a_little_are_fine(run: Run) -> None:
    text = doubling(6, "F(x) + F(x)").replace("f5(w) = 1", "f5(w) = 32*w + 32")
    assert check(run, text)[0] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x = \xff\xfe x\n", "not UTF-8 text (byte 4); save it as UTF-8"),
        ("x = x\n".encode("utf-16"), "not UTF-8 text (byte 0)"),
        (b"x = x -- " + b"a" * (4 << 20), "larger than 4194304 bytes; split it"),
        (b"", "nothing to judge"),
        (b"\n \n# only a comment\n", "nothing to judge"),
    ],
)
def test_a_file_that_is_no_text(run: Run, content: bytes, said: str) -> None:
    status, err = check(run, content)
    assert status == 2
    assert said in err


# --- text that can be read and leads nowhere: never proved, and in time ---------------------------------------------

NAMES = [f"a{k}" for k in range(2000)]
COSTLY = {
    "2,000 names": " + ".join(NAMES) + " = 0\n",
    "2,000 brackets": "*".join(f"({name} + 1)" for name in NAMES) + " = 0\n",
    "2,000 facts": "given: " + "; ".join(f"{name} > 0" for name in NAMES) + "\nx > 0\n",
    "20 squares multiplied out": "*".join(f"(a{k}**2 + b{k}**2 + 1)" for k in range(20)) + " > a0*b0\n",
    "10 denominators": "given: " + "; ".join(f"a{k} > 0" for k in range(10)) + "\n"
    + " + ".join(f"a{k}/(a{(k + 1) % 10} + a{(k + 2) % 10})" for k in range(10)) + " >= 5\n",
    "power of a sum": "(x + y + z + 1)**60 >= 0\n",
    "power of powers": "((x**1000)**1000)**1000 = y\n",
    "tower of names": "x**(y**(z**(u**v))) = 1\n",
    "sum of a million million": "sum(1/k, k, 1, 10**9) > 20\n",
    "product of a million million": "prod(k, k, 1, 10**9) = 5\n",
    "20 sums": "sum(" * 20 + "x" + "".join(f", i{k}, 1, 10)" for k in range(20)) + " = 5\n",
    "exponentials": "exp(" * 60 + "x" + ")" * 60 + " = 1/x\n",
    "roots": "given: x > 0\n" + "sqrt(" * 60 + "x" + ")" * 60 + " = x\n",
    "factorials": "factorial(1000)**1000 = 1\n",
    "gamma of gamma": "gamma(gamma(100)) = 1\n",
    "12 derivatives": "diff(" * 12 + "exp(x**2)*log(x)" + ", x)" * 12 + " = 0\n",
    "derivative of 200 factors": "diff(" + "*".join(f"(x + a{k})" for k in range(200)) + ", x) = 0\n",
    "optimum over 40 names": f"argmax[{', '.join(NAMES[:40])}] a1**2\n= argmin[{', '.join(NAMES[:40])}] a1**2*c\n",
    "64 cases": " & ".join(f"(a{k} > 0 | b{k} > 0)" for k in range(6)) + "\n<=> "
    + " & ".join(f"(b{k} > 0 | a{k} > 0)" for k in range(6)) + "\n",
    "recurrence that explodes": "rec e[t+1] = e[t]**50 + 1, e[0] = 2 => e[t] = t**1000\n",
}  # fmt: skip


@pytest.mark.parametrize("case", COSTLY)
def test_costly_lines_end_in_time(run: Run, case: str) -> None:
    status, err = check(run, COSTLY[case])
    assert status in (1, 3), err  # refuted with a point, or undecided; proved is none of them
    assert err == ""


@pytest.mark.parametrize(
    "facts", ["b > 0; b < 0", "b**2 < 0", "N integer; 0 < N < 1", "b = 1; b = 2", "abs(b) < 0", "b > c; c > b", "1 < 0"]
)
@pytest.mark.parametrize("claim", ["1 = 2", "1 = 1", "1/b = 1/b"])
def test_nothing_follows_from_a_contradiction(run: Run, facts: str, claim: str) -> None:
    status, _ = check(run, f"given: {facts}\n\n{claim}\n")
    assert status == 3


def test_undecided_lines_share_the_time_of_a_file() -> None:
    from derive.chains import read_chains

    text = "given: x > 0\n\n" + "gamma(x + 1) = x*gamma(x)\n\n" * 6
    patience, begin = Patience(left=0.5), time.process_time()
    found = [prove(chain, Settings(), patience) for chain in read_chains(text)]
    assert {chain.verdict for chain in found} == {"undecided"}
    assert time.process_time() - begin < 10
    patience.left = -11.0
    assert prove(found[0], Settings(), patience).judged[0].message.startswith("not judged: ")


def test_a_chain_whose_certificate_is_too_large_is_undecided(run: Run) -> None:
    """Every line is fine; that is no disagreement of judges, and the chain can be split."""
    line = " + ".join(f"{name}{'x' * 50}" for name in NAMES[:40])
    text = f"{line}\n" + f"= {line} + 0\n= {line}\n" * 110
    assert check(run, text) == (3, "")
    assert check(run, text[: len(text) // 4].rpartition("\n")[0] + "\n", "b.chain")[0] == 0


# --- how a search is stopped ----------------------------------------------------------------------------------------


def stubborn() -> None:
    """Does not end, and catches whatever it can."""
    while True:
        with contextlib.suppress(Exception):
            sum(range(1000))


def test_a_deadline_ends_what_does_not_end() -> None:
    begin = time.process_time()
    with pytest.raises(TimeUp, match="out of time"):
        limited(0.05, stubborn)
    assert time.process_time() - begin < 1


def test_a_deadline_leaves_nothing_behind() -> None:
    """Thousands of alarms, most of them in the middle of being set or put away: never more than TimeUp comes out."""
    for k in range(3000):
        with contextlib.suppress(TimeUp):
            assert limited(1e-6, lambda k=k: k + sum(range(k % 50 * 2000))) == k + sum(range(k % 50 * 2000))  # type: ignore[misc]
        assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    os.kill(os.getpid(), signal.SIGPROF)  # one that comes late is nobody's
    assert sum(range(1000)) == 499500


def test_a_deadline_is_not_set_where_it_cannot_be() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(limited, 1e-6, lambda: sum(range(100_000))).result() == 4999950000
    before = signal.signal(signal.SIGPROF, lambda *_: None)  # a profiler at work
    try:
        assert limited(1e-6, lambda: sum(range(100_000))) == 4999950000
    finally:
        signal.signal(signal.SIGPROF, before)


def test_a_search_that_hangs_is_undecided_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from derive.chains import read_chains

    def hangs(*_: object) -> Iterator[object]:
        yield from (k for k in itertools.count() if k < 0)

    monkeypatch.setattr("derive.search.sign_forms", hangs)
    (chain,) = read_chains("given: x > 0\n\nexp(x) >= 1 + x + x**2/2\n")
    begin = time.process_time()
    (line,) = prove(chain, Settings(search_seconds=0.3, witness_seconds=0.2)).judged
    assert (line.verdict, line.message[:28]) == ("undecided", "the search ran out of time; ")
    assert time.process_time() - begin < 3


@pytest.mark.parametrize(
    ("text", "large"),
    [
        ("(x + y)**50", False), ("(x + y)**500", False), ("(x + y + z)**60", True), ("x**1000", False),
        ("(x + 1)*(y + 1)*(z + 1)", False), ("*".join(f"(x{k} + 1)" for k in range(12)), True),
        (" + ".join(f"1/(x{k} + 1)" for k in range(12)), True), (" + ".join(f"x{k}/c" for k in range(500)), False),
        ("exp((x + y + z)**60)", True), ("sum(sum(sum(sum(x[i]*y[j], i, 1, 9), j, 1, 9), k, 1, 9), l, 1, 9)", True),
        ("sum((x[i] + 1)**2, i, 1, N)", False), ("prod(x + k, k, 1, 9)*prod(y + k, k, 1, 9)", True),
        ("1/(1 + 1/(1 + 1/(1 + x)))", False), ("(x + 1)**(1/2)", False), ("argmax[w] (w + x + y + z)**60", True),
    ],
)  # fmt: skip
def test_size_before_it_is_multiplied_out(text: str, large: bool) -> None:
    assert too_large(parse_expression(text).term) is large


# --- anything at all ------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    ["x", "y[i]", "f(x)", "given: ", "define: ", "title: ", "show: ", "brace: ", "use: ", "\n", "\n\n", "= ", "<=> ",
     "<= ", "> 0", "(", ")", "[", "]", ",", ";", "sum(", "prod(", "argmax[w] ", "diff(", "subdiff(", "rec e[t+1] = ",
     "=> ", "exp(", "log(", "1/", "0", "**", "-", "+", "*", "/", "&", "|", " real", " integer", "--", "[rule: argopt]",
     "i, 1, N)", "```derive\n", "```\n", "---\n", "::: en\n", ":::\n", "# A\n", "> ", "- ", "$x$", "\t", "\u00a0",
     "\U0001f600", "\x0c", "\u2028", "\r\n", "abs(", "min(", "e[0]", "differentiable", "9", "2**", "#"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES | st.text(max_size=3), max_size=12), name=st.sampled_from(["a.chain", "a.md", "a.json"]))
def test_no_text_breaks_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pieces: list[str], name: str
) -> None:
    (tmp_path / name).write_bytes("".join(pieces).encode("utf-8", "surrogatepass"))
    for words in (["check", str(tmp_path / name)], ["deck", str(tmp_path / name), "-o", str(tmp_path / "a.html")]):
        status = main(words)
        out, err = capsys.readouterr()
        assert status in (0, 1, 2, 3)
        assert "bug of this program" not in err, err
        assert status != 2 or (out == "" and err.count("\n") == 1)

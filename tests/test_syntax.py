"""The language of expressions and facts: what it reads, how it prints, what it refuses, and that it stays bounded."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.ascii import show, show_relation
from derive.derivation import Assumptions
from derive.errors import InputError
from derive.kernel.terms import MAX_DEPTH, Term, children
from derive.syntax import names_of, parse_expression, parse_given

HERE = Path(__file__).resolve().parent
if "symstep_strategies" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location("symstep_strategies", HERE / "strategies.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_strategies"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_strategies"])
strategies = sys.modules["symstep_strategies"]

STEPS = json.loads((HERE / "data" / "steps.json").read_text(encoding="utf-8"))
SERIES = json.loads((HERE / "data" / "series.json").read_text(encoding="utf-8"))
a, b, c, x, y, z = (("v", name) for name in "abcxyz")


def q(value: object) -> Term:
    return ("q", Fraction(str(value)))


READ = {
    "2": q(2),
    "0.9": q("9/10"),
    "1/3": q("1/3"),
    "4/2": q(2),
    "1/0": ("/", q(1), q(0)),
    "(1)/3": ("/", q(1), q(3)),
    "-2": ("neg", q(2)),
    "-1/2*x": ("neg", ("*", q("1/2"), x)),
    "2**1/3": ("/", ("^", q(2), q(1)), q(3)),
    "1/3**2": ("/", q(1), ("^", q(3), q(2))),
    "a*1/3": ("/", ("*", a, q(1)), q(3)),
    "1/2/3": ("/", q("1/2"), q(3)),
    "1/-3": ("/", q(1), ("neg", q(3))),
    "a - b": ("+", a, ("neg", b)),
    "a - b*c": ("+", a, ("neg", ("*", b, c))),
    "a + b + c": ("+", a, b, c),
    "a + (b + c)": ("+", a, ("+", b, c)),
    "(a + b) + c": ("+", ("+", a, b), c),
    "a/b*c": ("*", ("/", a, b), c),
    "a*b/c": ("/", ("*", a, b), c),
    "(a*b)*c": ("*", ("*", a, b), c),
    "a*-b*c": ("*", a, ("neg", b), c),
    "-x**2": ("neg", ("^", x, q(2))),
    "(-x)**2": ("^", ("neg", x), q(2)),
    "x**y**z": ("^", x, ("^", y, z)),
    "x**-y**z*a": ("*", ("^", x, ("neg", ("^", y, z))), a),
    "pi": ("c", "pi"),
    "y[i]": ("ix", "y", ("v", "i")),
    "x[i, j]": ("ix", "x", ("v", "i"), ("v", "j")),
    "f(x, 2)": ("call", "f", x, q(2)),
    "max(a, b, c)": ("f", "max", a, b, c),
    "[a, b]": ("interval", a, b),
    "diff(x**2, x)": ("diff", ("^", x, q(2)), x),
    "argmax[a, b] a + b": ("argmax", ("a", "b"), ("+", a, b)),
    "argmin[a] a = argmin[a] 2*a": ("=", ("argmin", ("a",), a), ("argmin", ("a",), ("*", q(2), a))),
    "(argmin[a] a - b)": ("argmin", ("a",), ("+", a, ("neg", b))),
    "0 < a <= 2": ("and", ("<", q(0), a), ("<=", a, q(2))),
    "0 < a < 2 & b > 0": ("and", ("<", q(0), a), ("<", a, q(2)), (">", b, q(0))),
    "a > 0 | b > 0 & c > 0": ("or", (">", a, q(0)), ("and", (">", b, q(0)), (">", c, q(0)))),
    "a > 0 <=> b > 0 | c > 0": ("<=>", (">", a, q(0)), ("or", (">", b, q(0)), (">", c, q(0)))),
    "sum(y[i]*x[j], i, 1, a)": ("sum", q(1), a, ("*", ("ix", "y", ("b", 0)), ("ix", "x", ("v", "j")))),
    "sum(sum(x[i, j], j, 1, i), i, 1, a)": (
        "sum", q(1), a, ("sum", q(1), ("b", 0), ("ix", "x", ("b", 1), ("b", 0)))
    ),
    "rec x[t+1] = a*x[t], x[1] = b => x[t] = a**(t - 1)*b": (
        "rec", "x", "t", q(1), ("*", a, ("ix", "x", ("v", "t"))), b,
        ("*", ("^", a, ("+", ("v", "t"), ("neg", q(1)))), b),
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_reads_what_it_says(text: str) -> None:
    assert parse_expression(text).term == READ[text]


@pytest.mark.parametrize("text", READ)
def test_prints_what_it_reads(text: str) -> None:
    parsed = parse_expression(text)
    printed = show(*parsed)
    assert parse_expression(printed) == parsed
    assert show(*parse_expression(printed)) == printed


def test_binders_are_in_preorder() -> None:
    text = "sum(prod(x[i, j], j, 1, i), i, sum(k, k, 1, 2), N) - sum(m, m, 0, 1)"
    parsed = parse_expression(text)
    assert parsed.binders == ("i", "k", "j", "m")
    assert show(*parsed) == text


def test_the_middle_of_a_double_comparison_brings_its_index_twice() -> None:
    parsed = parse_expression("0 < sum(y[k], k, 1, N) < 1")
    assert parsed.binders == ("k", "k")
    assert show(*parsed) == "0 < sum(y[k], k, 1, N) & sum(y[k], k, 1, N) < 1"


@pytest.mark.parametrize("case", STEPS, ids=lambda case: case["name"])
def test_every_step_of_the_table_round_trips(case: dict[str, object]) -> None:
    given_ = parse_given(str(case["given"]))
    for fact in given_.facts:
        assert parse_given(show(fact)).facts == (fact,)
    for text in case["chain"]:  # type: ignore[attr-defined]
        parsed = parse_expression(text.removeprefix("<=> ").removeprefix("= "), names_of(given_))
        assert parse_expression(show(*parsed)) == parsed


@pytest.mark.parametrize("text", sorted({case["given"] for case in SERIES}))
def test_facts_of_the_schedules_are_read(text: str) -> None:
    assert len(parse_given(text).texts) == len([part for part in text.split(";") if part.strip()])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(strategies.sides(), strategies.claims()))
def test_what_is_printed_is_read_back(term: Term) -> None:
    text = show(term)
    parsed = parse_expression(text)
    assert parsed.term == term
    assert show(*parsed) == text


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.terms(), st.lists(st.sampled_from(["i", "k", "a", "sum", "n"]), max_size=4))
def test_names_of_indices_never_capture(term: Term, binders: list[str]) -> None:
    assert parse_expression(show(term, binders)).term == term


def refusal(read: Callable[[str], object], text: str) -> InputError | None:
    try:
        read(text)
    except InputError as error:
        return error
    return None


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="ab19(),[]+-*/<>=&|. ;\u0430\u200b_^!'\"\\\n", max_size=40) | st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse_expression, parse_given):
        error = refusal(read, text)
        if error is not None:
            assert 1 <= (error.column or 0) <= len(text) + 1
            assert str(error).isascii()


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (("ix", "y", ("b", 0)), "y[i]"),
        (("+", ("ix", "i", ("b", 1)), ("b", 0)), "i[j] + k"),
        (("all", 2, ("<", ("call", "f", ("b", 1), ("b", 0)), q(1))), "f(i, j) < 1"),
        (("all", 1, (">", ("ix", "s", ("b", 0)), ("v", "i"))), "s[j] > i"),
        (("*", q(-2), x), "(-2)*x"),
        (("differentiable", "f"), "f differentiable"),
    ],
)
def test_parts_and_facts_are_shown(term: Term, text: str) -> None:
    assert show(term) == text


def test_a_line_is_shown_with_its_relation() -> None:
    assert show_relation("<=>", ("<", x, y)) == "<=> x < y"
    assert show_relation("", x) == "x"


def test_a_tag_that_no_term_has_is_not_shown() -> None:
    with pytest.raises(ValueError, match="lambda"):
        show(("lambda", x))


REFUSED = {
    "": (1, "found the end"),
    "2x": (2, "2*x"),
    "a b": (3, "write * for a product"),
    "2(a)": (2, "write * for a product"),
    "(a": (3, "never closed"),
    "a)": (2, "never opened"),
    "f(a": (4, "never closed"),
    "a[": (3, "expected a number"),
    "+a": (1, "leave it out"),
    "a--b": (2, "-- begins a reason"),
    "a == b": (3, "write ="),
    "a^2": (2, "**"),
    "1e-8": (2, "10**(-8)"),
    ".5": (1, "0.5"),
    "g_1": (2, "g1"),
    "__import__('os')": (1, "'_'"),
    "\u0430 + 1": (1, "U+0430 CYRILLIC SMALL LETTER A"),
    "a + \uff58": (5, "U+FF58 FULLWIDTH LATIN SMALL LETTER X"),
    "a \u2264 b": (3, "write <="),
    "a\u202e": (2, "U+202E"),
    "exp": (1, "write exp(...)"),
    "given + 1": (1, "word of the language"),
    "exp(a, b)": (1, "exp takes 1 arguments"),
    "max(a)": (1, "max takes 2 to 16"),
    "pi(a)": (1, "word of the language"),
    "a + (b < c)": (5, "comparison stands where a number is needed"),
    "a & b": (1, "join comparisons"),
    "a < b <=> b < c <=> c < a": (17, "one <=>"),
    "sum(i, i, 1, i)": (8, "bounds of a sum may not use its index i"),
    "sum(sum(i, i, 1, 2), i, 1, 2)": (22, "used again inside"),
    "sum(y[i], i, 1, 2) + i": (11, "also a name outside"),
    "sum(argmax[i] i, i, 1, 2)": (18, "variable of an argmax"),
    "sum(diff(i**2, i), i, 1, 2)": (20, "variable of an argmax, argmin or derivative"),
    "sum(i(1), i, 1, 2)": (11, "used here as a scalar"),
    "sum(y[i], 1, 1, 2)": (11, "name of an index"),
    "sum(y[i], i, 1)": (15, "upper bound"),
    "diff(x**2, x + 1)": (14, "plain name"),
    "argmax[a, a] a": (11, "named twice"),
    "argmax[2] a": (8, "name of a variable"),
    "y[1] + y": (8, "used here as a scalar, but used in column 1 as an indexed name with 1 index"),
    "y[1] + y[1, 2]": (8, "with 2 indices"),
    "f(a) + f(a, b)": (8, "of 2 arguments"),
    "rec e[t] = 1, e[0] = 1 => e[t] = 1": (8, "'+'"),
    "rec e[t+1] = 1, e[0] = t => e[t] = 1": (24, "may not use t"),
    "rec e[t+1] = 1, e[0] = 1 => e[t] = e[t]": (36, "may not use e"),
    "rec e[t+1] = 1, e[1/2] = 1 => e[t] = 1": (19, "starts at an integer"),
    "1 + rec": (5, "line of its own"),
    "9**9**9**9": (5, "tower"),
    "9**(9**9)": (2, "tower"),
    "x**(2**3)": (2, "tower"),
    "exp(9**9**9)": (6, "tower"),
    "2**1001": (4, "at most 1000"),
    "x**(600 + 600)": (4, "at most 1000"),
    "x**-1001": (4, "at most 1000"),
    "((9**64)**64)**64": (14, "too large"),
    "factorial(10**9)": (1, "at most 1000"),
    "gamma(2000)": (1, "at most 1000"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_bad_input_is_refused_with_its_column(text: str) -> None:
    column, words = REFUSED[text]
    with pytest.raises(InputError) as caught:
        parse_expression(text)
    assert caught.value.column == column
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["2**1000", "x**1000", "x**(2*500)", "x**(t + 1)", "x**(1/2 - 1/3)", "factorial(9)"])
def test_a_bound_refuses_no_more_than_it_says(text: str) -> None:
    assert show(*parse_expression(text)) == text


def depth_of(term: Term) -> int:
    level, found = [term], 0
    while level:
        level, found = [part for node in level for part in children(node)], found + 1
    return found


HOSTILE = {
    "brackets": "(" * 5000 + "a" + ")" * 5000,
    "open brackets": "(" * 5000,
    "calls": "f(" * 5000,
    "sums": "sum(" * 5000,
    "signs": "- " * 5000 + "a",
    "powers": "a**" * 5000 + "a",
    "quotients": "a" + "/a" * 5000,
    "products and quotients": "a" + "*a/a" * 3000,
    "optima": "argmax[w] " * 5000 + "w",
    "intervals": "[0, " * 5000,
    "tokens": "a+" * 20_000 + "a",
    "text": "a" * 70_000,
    "digits": "1" * 401,
    "fraction digits": "0." + "1" * 400,
    "name": "a" * 65,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused_soon(name: str) -> None:
    begin = time.process_time()
    with pytest.raises(InputError) as caught:
        parse_expression(HOSTILE[name])
    assert time.process_time() - begin < 10
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["f(" * 110 + "a" + ")" * 110, "(a+b*" * 55 + "a" + ")" * 55])
def test_terms_within_the_depth_of_the_kernel_are_read(text: str) -> None:
    term = parse_expression(text).term
    assert 100 < depth_of(term) <= MAX_DEPTH
    assert parse_expression(show(term)).term == term


def test_long_but_flat_input_is_read_soon() -> None:
    begin = time.process_time()
    assert len(parse_expression("1+" * 9000 + "1").term) == 9002
    assert len(parse_expression("sum(y[i], i, 1, N)+" * 1000 + "1").binders) == 1000
    assert time.process_time() - begin < 10


def test_an_ordinary_line_takes_less_than_a_millisecond() -> None:
    text = "argmax[w] -sum(log(s*sqrt(2*pi)), i, 1, N) - sum((w-y[i])**2/(2*s**2), i, 1, N)"
    best = 1.0
    for _ in range(50):
        begin = time.process_time()
        parse_expression(text)
        best = min(best, time.process_time() - begin)
    assert best < 1e-3


# --- names ----------------------------------------------------------------------------------------------------------


def test_an_unknown_function_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="unknown function lgo; did you mean log") as caught:
        parse_expression("1 + lgo(x)", names_of(Assumptions()))
    assert caught.value.column == 5
    assert "given: lgo(x) real" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("b(2)", "function of 1 argument, but declared as a scalar"),
        ("y + 1", "scalar, but declared as an indexed name"),
        ("y[1, 2]", "2 indices, but declared as an indexed name with 1 index"),
        ("f(b)", "declared as a function of 2 arguments"),
        ("sum(y[b], b, 1, 2)", "the index b is also a declared name"),
    ],
)
def test_declared_names_keep_their_role(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_expression(text, names_of(parse_given("b > 0; y[i] real; f(x, w) real")))
    assert words in str(caught.value)


def test_offsets_move_columns() -> None:
    with pytest.raises(InputError) as caught:
        parse_expression("a ? b", offset=7)
    assert caught.value.column == 10

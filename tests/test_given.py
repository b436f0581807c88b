"""The facts of `given`, the names they declare, and the names that terms add."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.ascii import show
from derive.derivation import Assumptions, Symbol
from derive.errors import InputError
from derive.kernel.terms import Term
from derive.syntax import complete, merge, names_of, parse_expression, parse_given

a, b = ("v", "a"), ("v", "b")


def q(value: int) -> Term:
    return ("q", Fraction(value))


s_of = ("ix", "s", ("b", 0))
FACTS = {
    "b > 0": (("b",), [(">", b, q(0))]),
    "0 < a < 1": (("a",), [("<", q(0), a), ("<", a, q(1))]),
    "a - b != 0": (("a", "b"), [("!=", ("+", a, ("neg", b)), q(0))]),
    "a, b > 0": (("a", "b"), [(">", a, q(0)), (">", b, q(0))]),
    "0 < a; 0 < a": (("a",), [("<", q(0), a)]),
    "a, x[i], y[i] real": (("a", "x", "y"), []),
    "s[i] > 0": (("s",), [("all", 1, (">", s_of, q(0)))]),
    "0 < s[i] < b": (("b", "s"), [("all", 1, ("<", q(0), s_of)), ("all", 1, ("<", s_of, b))]),
    "s[i] > i": (("s",), [("all", 1, (">", s_of, ("b", 0)))]),
    "f(x, w) > 0": (("f",), [("all", 2, (">", ("call", "f", ("b", 1), ("b", 0)), q(0)))]),
    "f(x) real differentiable": (("f",), [("differentiable", "f")]),
    "x[i] - x[j] != 0": (
        ("x",), [("all", 2, ("!=", ("+", ("ix", "x", ("b", 1)), ("neg", ("ix", "x", ("b", 0)))), q(0)))]
    ),
    "s[1] > 0": (("s",), [(">", ("ix", "s", q(1)), q(0))]),
    "a > 0; s[a] > 0": (("a", "s"), [(">", a, q(0)), (">", ("ix", "s", a), q(0))]),
    "s[a] > 0; a integer": (("s", "a"), [(">", ("ix", "s", a), q(0))]),
    "sum(s[i], i, 1, b) = 1": (("b", "s"), [("=", ("sum", q(1), b, s_of), q(1))]),
    "sum(s[i], i, 1, b) <= s[k]": (
        ("s", "b"), [("all", 1, ("<=", ("sum", q(1), b, s_of), s_of))]
    ),
    "b integer >= 1; b <= 9": (("b",), [(">=", b, q(1)), ("<=", b, q(9))]),
    "": ((), []),
    "b > 0;": (("b",), [(">", b, q(0))]),
}  # fmt: skip


@pytest.mark.parametrize("text", FACTS)
def test_facts_are_read(text: str) -> None:
    names, facts = FACTS[text]
    read = parse_given(text)
    assert {symbol.name for symbol in read.symbols} == {*names}
    assert list(read.facts) == facts


# A fact on its own does not say what else the header declared: that a is a name, or that f is a function of x.
ALONE = [text for text in FACTS if text not in ("a > 0; s[a] > 0", "s[a] > 0; a integer", "f(x) real differentiable")]


@pytest.mark.parametrize("text", ALONE)
def test_facts_are_printed_as_they_are_read(text: str) -> None:
    for fact in parse_given(text).facts:
        assert parse_given(show(fact)).facts == (fact,)


def test_kinds_and_texts_are_kept() -> None:
    read = parse_given("N integer >= 1;  w, y[i] real ; f(x, w) real")
    assert read.symbols == (
        Symbol("N", kind="integer"), Symbol("w"), Symbol("y", "indexed", 1), Symbol("f", "function", 2)
    )  # fmt: skip
    assert read.texts == ("N integer >= 1", "w, y[i] real", "f(x, w) real")


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("b", 2, "a comparison or a kind"),
        ("b > 0, c > 0", 6, "';' after a fact"),
        ("a + b, c > 0", 1, "put ; between facts"),
        ("a > 0 & b > 0", 7, "';' after a fact"),
        ("w real; w integer", 9, "real and integer"),
        ("w real integer", 8, "two kinds"),
        ("w differentiable", 1, "only a function is differentiable"),
        ("y[1] real", 1, "names a, y[i] or f(x, w)"),
        ("y[i] real; y > 0", 12, "declared as an indexed name"),
        ("f(x) real; f(x, w) real", 12, "declared as a function of 1 argument"),
        ("real real", 1, "belongs in a fact"),
        ("b > (c < d)", 5, "comparison stands where a number is needed"),
        ("b > 0; b >", 11, "found the end"),
    ],
)
def test_bad_facts_are_refused(text: str, column: int, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_given(text)
    assert words in str(caught.value)
    assert caught.value.column == column


# --- the names of terms ---------------------------------------------------------------------------------------------


def test_further_names_are_declared_real() -> None:
    given_ = parse_given("N integer >= 1; f(x, w) real")
    parsed = parse_expression("argmin[w] sum(f(x[i], w), i, 1, N)", names_of(given_))
    done = complete(given_, [parsed.term], parsed.binders)
    assert done.symbols[2:] == (Symbol("w"), Symbol("x", "indexed", 1))
    assert done.facts == given_.facts


def test_the_index_of_a_recurrence_is_an_integer() -> None:
    term = parse_expression("rec e[t+1] = a*e[t], e[0] = b => e[t] = a**t*b").term
    kinds = {symbol.name: (symbol.role, symbol.kind) for symbol in complete(Assumptions(), [term]).symbols}
    assert kinds["t"] == ("scalar", "integer")
    assert kinds["e"] == ("indexed", "real")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["y + 1", "y[1]"], "y is used here as an indexed name"),
        (["f(1)"], "unknown function f"),
        (["i + 1", "sum(y[i], i, 1, 2)"], "the index i is also a declared name"),
    ],
)
def test_conflicting_uses_are_refused(texts: list[str], words: str) -> None:
    parsed = [parse_expression(text) for text in texts]
    with pytest.raises(InputError, match=words):
        complete(Assumptions(), [item.term for item in parsed], [n for item in parsed for n in item.binders])


def test_merged_assumptions_agree() -> None:
    both = merge(parse_given("b > 0"), parse_given("b integer; b > 0"))
    assert both.symbols == (Symbol("b", kind="integer"),)
    assert both.facts == ((">", b, q(0)),)
    with pytest.raises(InputError, match="declared as a scalar"):
        merge(parse_given("b > 0"), parse_given("b[i] real"))

"""Chain files and the derive blocks of decks: headers, scopes, lines, reasons, and errors at their place."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.ascii import show, show_relation
from derive.chains import RULES, Use, fences, read_chains, read_deck, read_deck_blocks
from derive.derivation import Derivation, Symbol, Text
from derive.errors import InputError

HERE = Path(__file__).resolve().parent
STEPS = json.loads((HERE / "data" / "steps.json").read_text(encoding="utf-8"))

LAPLACE = """\
title.en: Laplace noise gives the L1 loss
title.ko: 라플라스 잡음이면 L1 손실
source: lecture 03
given: b > 0; w, x[i], y[i] real; N integer >= 1; f(x, w) real
show: argmin[w] sum(abs(f(x[i], w) - y[i]), i, 1, N)

  argmax[w] log(prod(exp(-abs(y[i] - f(x[i], w))/b)/(2*b), i, 1, N))
= argmax[w] sum(log(exp(-abs(y[i] - f(x[i], w))/b)/(2*b)), i, 1, N)   -- log of a product | 로그는 곱을 합으로
= argmax[w] -sum(log(2*b), i, 1, N) - sum(abs(f(x[i], w) - y[i])/b, i, 1, N)
= argmax[w] -sum(abs(f(x[i], w) - y[i]), i, 1, N)                     -- b > 0, and log(2*b) is free of w
= argmin[w] sum(abs(f(x[i], w) - y[i]), i, 1, N)                      -- flip the sign
"""


def test_the_chain_of_the_language_page_is_read() -> None:
    (chain,) = read_chains(LAPLACE, "laplace.chain")
    assert chain.title == Text("Laplace noise gives the L1 loss", "라플라스 잡음이면 L1 손실")
    assert (chain.source, chain.file) == ("lecture 03", "laplace.chain")
    assert [line.number for line in chain.lines] == [7, 8, 9, 10, 11]
    assert [line.relation for line in chain.lines] == ["", "=", "=", "=", "="]
    assert chain.lines[1].reason == Text("log of a product", "로그는 곱을 합으로")
    assert chain.lines[3].reason == Text("b > 0, and log(2*b) is free of w", "")
    assert chain.lines[2].binders == ("i", "i")
    assert chain.goal == chain.lines[-1].term
    assert chain.goal_binders == ("i",)
    assert Symbol("N", kind="integer") in chain.assumptions.symbols
    assert all(line.verdict == "" for line in chain.lines)


@pytest.mark.parametrize("case", STEPS, ids=lambda case: case["name"])
def test_every_chain_of_the_table_round_trips(case: dict[str, list[str]]) -> None:
    text = "\n".join([f"given: {case['given']}", *case["chain"]])
    (chain,) = read_chains(text)
    lines = [show_relation(line.relation, line.term, line.binders) for line in chain.lines]
    (again,) = read_chains("\n".join([f"given: {case['given']}", *lines]))
    assert again == chain
    assert len(chain.judged) == max(1, len(case["chain"]) - 1)


def test_blank_lines_headers_and_comments() -> None:
    text = "# a file\n\na\n= a\n# between lines\n= a + 0\n\nb = b\ntitle: C\n\n\ngiven: c > 0\n\nc > 0\ntitle: D\nd = d"
    chains = read_chains(text)
    assert [[line.number for line in chain.lines] for chain in chains] == [[3, 4, 6], [8], [14], [16]]
    assert [chain.title.en for chain in chains] == ["", "", "C", "D"]


def test_given_source_and_define_stay_and_titles_do_not() -> None:
    text = """\
name: first
title.en: One
source: book
given: b > 0
given: c real
define: L(w) = b*w**2

L(1) = b

2*b/b = 2

given: d > 0
L(d)
= b*d**2
"""
    one, two, three = read_chains(text)
    assert (one.name, two.name, two.title, two.source) == ("first", "", Text(), "book")
    assert [definition.name for definition in one.assumptions.definitions] == ["L"]
    assert two.assumptions.definitions == ()  # this chain does not use it
    assert two.assumptions.texts == ("b > 0", "c real")
    assert three.assumptions.texts == ("d > 0",)
    assert [definition.name for definition in three.assumptions.definitions] == ["L"]
    assert {symbol.name for symbol in three.assumptions.symbols} == {"b", "d"}


def test_a_definition_may_use_an_earlier_one_and_hides_names_by_its_parameters() -> None:
    text = """\
given: x[i], y[i] real; N integer >= 1
define: p(x, b) = exp(-x/b)/b
define: L(b) = sum(log(p(y[i], b)), i, 1, N)

L(b) = sum(log(p(y[i], b)), i, 1, N)
"""
    (chain,) = read_chains(text)
    first, second = chain.assumptions.definitions
    assert (first.name, first.parameters, show(first.body)) == ("p", ("x", "b"), "exp(-x/b)/b")
    assert (second.parameters, second.binders) == (("b",), ("i",))
    assert Symbol("x", "indexed", 1) in chain.assumptions.symbols
    (used,) = read_chains(text.replace("\nL(b) = sum", "\np(1, 2) = 0\n\nL(b) = sum"))[1:]
    assert [definition.name for definition in used.assumptions.definitions] == ["p", "L"]


def test_a_redefinition_replaces_the_old_one() -> None:
    text = "define: L(w) = w\nL(1) = 1\n\ndefine: L(w) = 2*w\nL(1) = 2\n"
    bodies = [show(chain.assumptions.definitions[0].body) for chain in read_chains(text)]
    assert bodies == ["w", "2*w"]


@pytest.mark.parametrize("rule", RULES)
def test_a_reason_may_name_its_rule(rule: str) -> None:
    (chain,) = read_chains(f"a\n= a -- same thing [rule: {rule}] | 같다")
    assert chain.lines[1].wanted_rule == rule
    assert chain.lines[1].reason == Text("same thing", "같다")


def test_relations_need_no_spaces() -> None:
    (chain,) = read_chains("a\n<=b--why\n<c\n>=d\n>e\n =f")
    assert [line.relation for line in chain.lines] == ["", "<=", "<", ">=", ">", "="]
    assert chain.lines[1].reason.en == "why"
    (claims,) = read_chains("a < 1\n<=> 1 > a")
    assert claims.lines[1].relation == "<=>"


def test_windows_line_ends_and_a_byte_order_mark_are_fine() -> None:
    assert read_chains("\ufeffgiven: b > 0\r\na\r\n= a\r\n") == read_chains("given: b > 0\na\n= a\n")


def test_lines_are_counted_as_editors_do() -> None:
    (chain,) = read_chains("# one\u2028still one\na\n= a")
    assert chain.lines[0].number == 2


def test_first_line_moves_the_numbers() -> None:
    (chain,) = read_chains("a\n= a", first_line=41)
    assert [line.number for line in chain.lines] == [41, 42]
    with pytest.raises(InputError) as caught:
        read_chains("a\n= ?", "deck.md", first_line=41)
    assert str(caught.value).startswith("deck.md:42:3: ")


BAD = {
    "= a": (1, 1, "first line of a chain begins with ="),
    "a\na": (2, 1, "without its relation"),
    "a\n=": (2, 2, "without a formula"),
    "a\n= -- why": (2, 2, "without a formula"),
    "a\n=> a": (2, 1, "<=> or >="),
    "a\n== a": (2, 1, "write ="),
    "a\n!= a": (2, 1, "a claim of its own"),
    "a": (1, 1, "a chain of one line is a claim"),
    "argmin[w] w": (1, 1, "a chain of one line is a claim"),
    "a\n= b < c": (2, 1, "joins expressions"),
    "a < b\n= c < d": (2, 1, "joins expressions"),
    "a\n<=> b": (2, 1, "joins comparisons"),
    "rec e[t+1] = 1, e[0] = 1 => e[t] = 1\n<=> a < b": (2, 1, "stands alone"),
    "a = a\n\n\nb\n= 2*\u0430": (5, 5, "U+0430 CYRILLIC"),
    "a\n= foo(a)": (2, 3, "unknown function foo"),
    "y[1]\n= y": (2, 3, "declared as an indexed name"),
    "i\n= sum(y[i], i, 1, 2)": (2, 13, "the index i is also a declared name"),
    "sum(y[i], i, 1, 2)\n= i": (1, 1, "the index i is also a declared name"),
    "a\n= a -- [rule: magic]": (2, 15, "unknown rule 'magic'"),
    "a\n= a -- [rule: indentity]": (2, 15, "did you mean identity"),
    "a\n= a -- [rule: grad] [rule: grad]": (2, 21, "two rules"),
    "a\n= a -- [rule: grad": (2, 8, "[rule: NAME]"),
    "a # note\n= a": (1, 3, "line of its own"),
    "titel: A\na = a": (1, 1, "did you mean title"),
    "lang: ko\na = a": (1, 1, "unknown header lang"),
    "title: A\ntitle: B\na = a": (2, 8, "comes twice"),
    "a = a\n\ntitle: A\n": (3, 1, "has no chain"),
    "\n given:  b > ?\na = a": (2, 14, "'?'"),
    "given: b real\ngiven: b[i] real\na = a": (2, 8, "declared as a scalar"),
    "show: 1 +\na = a": (1, 10, "found the end"),
    "name: no/path\na = a": (1, 7, "letters, digits and hyphens"),
    "use: laplace-l1": (1, 1, "belongs in a derive block"),
    "define: L = 1\na = a": (1, 9, "a function and its parameters"),
    "define: L(w, w) = 1\na = a": (1, 9, "a function and its parameters"),
    "define: L(2) = 1\na = a": (1, 9, "a function and its parameters"),
    "define: L(w)\na = a": (1, 9, "a function and its parameters"),
    "define: exp(w) = 1\na = a": (1, 9, ""),
    "define: L(w) = L(w - 1)\na = a": (1, 16, "unknown function L"),
    "define: L(w) = w[1]\na = a": (1, 15, "the parameter w is used as something else"),
    "define: L(w) = w < 1\na = a": (1, 15, "defined as a comparison"),
    "define: L(w) = 1\ndefine: L(w) = 2\na = a": (2, 9, "defined twice"),
    "given: L(w) real\ndefine: L(w) = 1\na = a": (2, 9, "both given and defined"),
    "define: L(w) = 1\nL(1, 2) = 1": (2, 1, "of 1 argument"),
    "a = a\nb\u202e = b": (2, 2, "U+202E"),
    "a = a -- \x07": (1, 10, "U+0007"),
}


@pytest.mark.parametrize("text", BAD)
def test_errors_name_file_line_and_column(text: str) -> None:
    line, column, words = BAD[text]
    with pytest.raises(InputError) as caught:
        read_chains(text, "bad.chain")
    error = caught.value
    assert (error.file, error.line, error.column) == ("bad.chain", line, column)
    assert words in str(error)
    assert "\n" not in str(error)


BEYOND = {
    "characters": "a\n" * 600_000,
    "2000 lines in a chain": "a\n" + "= a\n" * 2000,
    "1000 chains": "a = a\n\n" * 1001,
    "100 definitions": "".join(f"define: L{k}(w) = w\n" for k in range(101)) + "a = a",
    "65536 are allowed": "a = " + "a" * 70_000,
    "tower": "a\n= 9**9**9**9",
}


@pytest.mark.parametrize("words", BEYOND)
def test_a_file_beyond_the_limits_is_refused_soon(words: str) -> None:
    begin = time.process_time()
    with pytest.raises(InputError, match=words):
        read_chains(BEYOND[words])
    assert time.process_time() - begin < 20


def test_a_deck_beyond_the_limits_is_refused() -> None:
    with pytest.raises(InputError, match="1000 blocks") as caught:
        read_deck("```derive\na = a\n```\n" * 1001, "deck.md")
    assert caught.value.line == 3002


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(LAPLACE.split("\n")) | st.text(alphabet="ab=<>- |:#[]()\t\u0430", max_size=9), max_size=9)
)
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    text = "\n".join(lines)
    outcome: object
    try:
        outcome = read_chains(text, "any.chain")
    except InputError as error:
        outcome = error
    if isinstance(outcome, InputError):
        place = (outcome.file, 1 <= (outcome.line or 0) <= len(lines), outcome.column is not None)
        assert place == ("any.chain", True, True)
    else:
        assert isinstance(outcome, tuple)


# --- decks ----------------------------------------------------------------------------------------------------------

DECK = """\
# Slide

```derive
given: b > 0
define: L(w) = b*w
```

Prose with `a = b`.

```python
a = b
```

~~~~ derive
L(2)
= 2*b
~~~
~~~~
"""


def test_fences_are_found_with_their_lines() -> None:
    assert list(fences(DECK.replace("~~~\n~~~~", "~~~~"))) == [
        ("derive", 4, "given: b > 0\ndefine: L(w) = b*w\n"),
        ("python", 11, "a = b\n"),
        ("derive", 15, "L(2)\n= 2*b\n"),
    ]
    assert list(fences("``` not `a` fence\ntext\n")) == []
    assert list(fences("   ```derive\n   a\n     = a\n   ```")) == [("derive", 2, "a\n  = a\n")]
    assert list(fences("````\n```\n````")) == [("", 2, "```\n")]


def test_what_is_given_holds_in_later_blocks_of_a_deck() -> None:
    deck = DECK.replace("~~~\n~~~~", "~~~~")
    first, second = read_deck(deck, "deck.md")
    assert first == ()
    (chain,) = second
    assert isinstance(chain, Derivation)
    assert [line.number for line in chain.lines] == [15, 16]
    assert chain.file == "deck.md"
    assert chain.assumptions.definitions[0].name == "L"
    assert [line for line, _ in read_deck_blocks(deck)] == [4, 15]


def test_a_block_may_use_an_entry_of_the_library() -> None:
    assert read_deck("text\n```derive\n\nuse: laplace-l1\n```\n") == ((Use("laplace-l1", 4),),)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# A\n```derive\na\n= a\n", 2, "never closed"),
        ("```derive\na\n= b +\n```\n", 3, "found the end"),
        ("```derive\ntitle: A\n```\n```derive\na = a\n```", 2, "has no chain"),
        ("```derive\nuse: ../../etc\n```\n", 2, "letters, digits and hyphens"),
        (DECK, 17, "without its relation"),
    ],
)
def test_errors_in_a_deck_name_its_lines(text: str, line: int, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_deck(text, "deck.md")
    assert (caught.value.file, caught.value.line) == ("deck.md", line)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("define: z(w) = w**2\n\nz(w) = w**2\n\nz + 1 = 1 + z\n", (5, 1)),
        ("define: z(w) = w**2\n\nz(w) = w**2\n\n  w\n= z\n", (6, 3)),
        ("define: z(w) = w**2\n\nz(w) = w**2\n\nshow: z\n  w\n= w\n", (5, 7)),
    ],
)
def test_a_name_that_an_earlier_chain_defines_is_told_so(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(InputError) as error:
        read_chains(text, "x.chain")
    assert (error.value.line, error.value.column) == place
    assert str(error.value).endswith(
        "z is used here as a scalar, but declared as a function of 1 argument; z is defined in line 1, and a "
        "definition stays in force; use another name"
    )


def test_a_definition_of_the_chain_itself_needs_no_hint() -> None:
    with pytest.raises(InputError, match="the same form everywhere"):
        read_chains("define: z(w) = w\n\nz(w) = w\n\ndefine: z(w) = 2*w\n\nz + 1 = 1 + z\n")


def test_in_a_deck_the_line_of_an_earlier_definition_is_that_of_the_deck() -> None:
    deck = "# A\n\n```derive\ndefine: z(w) = w**2\n\nz(w) = w**2\n```\n\n---\n\n```derive\nz + 1 = 1 + z\n```\n"
    with pytest.raises(InputError, match=r"deck\.md:12:1: .*; z is defined in line 4, and"):
        read_deck(deck, "deck.md")

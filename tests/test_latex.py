"""The LaTeX printer: what is printed can be read back in one way only, and nothing but our own names reaches it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import InputError
from derive.kernel.terms import BINDERS, FUNCTIONS, ONE, OPTIMA, RELATIONS, TWO, ZERO, Term, q, sub, subterms
from derive.render.escape import escape_text, label
from derive.render.highlight import changed, dropped, parts
from derive.render.latex import latex
from derive.render.mathml import to_mathml
from derive.symbols import DEFAULT, LECTURE, Entry, printed_name

x, y, w, b, N, t, a, n = (("v", name) for name in ("x", "y", "w", "b", "N", "t", "a", "n"))
eta, lam, sigma = ("v", "eta"), ("v", "lam"), ("v", "sigma")
i, j = ("b", 0), ("b", 1)


def f(name: str, *arguments: Term) -> Term:
    return ("f", name, *arguments)


def ix(name: str, *indices: Term) -> Term:
    return ("ix", name, *indices)


def call(name: str, *arguments: Term) -> Term:
    return ("call", name, *arguments)


def total(body: Term) -> Term:
    return ("sum", ONE, N, body)


prediction = call("f", ix("x", i), w)
residual = f("abs", sub(ix("y", i), prediction))
density = ("/", f("exp", ("/", ("neg", residual), b)), ("*", TWO, b))

# what -> (term, LaTeX)
CASES: dict[str, tuple[Term, str]] = {
    "a difference": (sub(w, ("*", eta, ix("g", t))), r"w - \eta g_{t}"),
    "minus a sum": (sub(x, ("+", y, a)), "x - (y + a)"),
    "minus minus": (sub(x, ("neg", y)), "x - (-y)"),
    "a negative summand": (("+", x, q(-3), ("*", q(-2), y)), "x - 3 - 2 y"),
    "a sum in a sum": (("+", x, ("+", y, a)), "x + (y + a)"),
    "the grouping of the author": (("+", ("+", x, y), ("+", x, a)), "(x + y) + (x + a)"),
    "a product of numbers": (("*", TWO, q(3), x, q(4)), r"2 \cdot 3 x \cdot 4"),
    "no mixed number": (("*", TWO, q("1/2")), r"2 \cdot \frac{1}{2}"),
    "a negative factor": (("*", q(-2), x, ("neg", y)), "-2 x (-y)"),
    "long names": (("*", ("v", "wp"), eta, ("v", "lr0")), r"\mathit{wp} \, \eta \, \mathit{lr}_{0}"),
    "a name that is also called": (("*", ("v", "f"), ("+", x, y), call("f", x)), r"f \cdot (x + y) f(x)"),
    "beside bars": (("*", f("abs", x), f("abs", y)), r"\left|x\right| \cdot \left|y\right|"),
    "a square of a sum": (("^", sub(y, ("*", w, x)), TWO), "(y - w x)^{2}"),
    "a square of a fraction": (("^", ("/", x, y), TWO), r"\left(\frac{x}{y}\right)^{2}"),
    "a square of a function": (("^", call("f", x), TWO), "(f(x))^{2}"),
    "a square of a negative number": (("^", q(-2), TWO), "(-2)^{2}"),
    "minus a square": (("neg", ("^", x, TWO)), "-x^{2}"),
    "a tower from the left": (("^", ("^", x, y), TWO), "(x^{y})^{2}"),
    "a tower from the right": (("^", x, ("^", y, TWO)), "x^{y^{2}}"),
    "an exponent on one line": (("^", x, ("/", q(-1), TWO)), "x^{-1/2}"),
    "an indexed square": (("^", ix("x", t), TWO), "x_{t}^{2}"),
    "a small exponent": (f("exp", ("neg", x)), r"\mathrm{e}^{-x}"),
    "a tall exponent": (f("exp", ("neg", ("/", x, TWO))), r"\exp\left(-\frac{x}{2}\right)"),
    "a logarithm of a name": (("*", y, f("log", x)), r"y \log x"),
    "a logarithm as a factor": (("*", f("log", x), y), r"\log(x) y"),
    "a logarithm of a product": (f("log", ("*", TWO, b)), r"\log(2 b)"),
    "a root": (("/", ONE, f("sqrt", ("*", TWO, ("c", "pi")))), r"\frac{1}{\sqrt{2 \pi}}"),
    "functions by name": (
        ("*", f("gamma", x), f("erf", x), f("min", x, y), f("sign", x), f("factorial", n)),
        r"\Gamma(x) \operatorname{erf}(x) \min(x, y) \operatorname{sign}(x) n!",
    ),
    "a factorial of a sum": (f("factorial", ("+", n, ONE)), "(n + 1)!"),
    "a sum of a sum": (total(("+", ix("x", i), ONE)), r"\sum_{i=1}^{N} (x_{i} + 1)"),
    "a sum and more": (("+", total(ix("x", i)), ONE), r"\sum_{i=1}^{N} x_{i} + 1"),
    "a sum as a factor": (("*", total(ix("x", i)), y), r"\left(\sum_{i=1}^{N} x_{i}\right) y"),
    "a sum as the last factor": (("*", y, total(ix("x", i))), r"y \sum_{i=1}^{N} x_{i}"),
    "a sum of negatives": (total(("neg", ix("x", i))), r"\sum_{i=1}^{N} (-x_{i})"),
    "a sum in a sum, over two indices": (
        total(("sum", ONE, i, ("*", ix("x", j), ix("x", i)))), r"\sum_{i=1}^{N} \sum_{j=1}^{i} x_{i} x_{j}"),
    "an index that is taken": (total(("*", ("v", "i"), ix("x", i))), r"\sum_{j=1}^{N} i x_{j}"),
    "a derivative": (("diff", ("^", x, TWO), x), r"\frac{\partial}{\partial x} x^{2}"),
    "a derivative of a product": (("diff", ("*", x, y), x), r"\frac{\partial}{\partial x} (x y)"),
    "a derivative as a factor": (("*", ("diff", x, x), y), r"\left(\frac{\partial}{\partial x} x\right) y"),
    "a subdifferential": (("subdiff", f("abs", w), w), r"\partial_{w} \left|w\right|"),
    "an interval": (("interval", q(-1), ONE), r"\left[-1, 1\right]"),
    "a minimum over two": (("argmin", ("w", "b"), ("+", w, b)), r"\operatorname*{arg\,min}_{w, b}\; w + b"),
    "equal optima": (
        ("=", ("argmax", ("w",), ("neg", w)), ("argmin", ("w",), w)),
        r"\operatorname*{arg\,max}_{w}\; -w = \operatorname*{arg\,min}_{w}\; w",
    ),
    "an equivalence": (
        ("<=>", ("<", f("abs", x), ONE), ("and", ("<", q(-1), x), ("<", x, ONE))),
        r"\left|x\right| < 1 \;\Longleftrightarrow\; -1 < x \;\wedge\; x < 1",
    ),
    "a disjunction": (("or", ("!=", x, ZERO), ("and", (">=", x, y), ("<=", x, y))),
        r"x \neq 0 \;\vee\; (x \ge y \;\wedge\; x \le y)"),
    "for all": (("all", 1, (">=", ix("y", i), ZERO)), r"\forall i:\; y_{i} \ge 0"),
    "for all arguments": (("all", 2, (">", call("f", ("b", 1), i), ZERO)), r"\forall u, v:\; f(u, v) > 0"),
    "a recurrence": (
        ("rec", "e", "t", ZERO, ("*", sub(ONE, a), ix("e", t)), ("v", "e0"), ("*", ("^", sub(ONE, a), t), ("v", "e0"))),
        r"e_{t + 1} = (1 - a) e_{t} \;\Longrightarrow\; e_{t} = (1 - a)^{t} e_{0}",
    ),
    "a recurrence from zero": (
        ("rec", "m", "t", ZERO, ix("m", t), ZERO, ZERO),
        r"m_{t + 1} = m_{t},\quad m_{0} = 0 \;\Longrightarrow\; m_{t} = 0",
    ),
    "minus minus alone": (("neg", ("neg", x)), "-(-x)"),
    "a product below an exponent's bar": (("^", x, ("/", y, ("*", TWO, b))), "x^{y/(2 b)}"),
    "a factorial of a power": (f("factorial", ("^", n, TWO)), "(n^{2})!"),
    "the Kronecker delta": (("*", x, f("kronecker", ("v", "j"), ("v", "k"))), r"x \delta_{j, k}"),
    "two sums": (("+", total(ix("x", i)), total(ix("y", i))), r"\sum_{i=1}^{N} x_{i} + \sum_{i=1}^{N} y_{i}"),
    "the likelihood": (
        ("argmax", ("w",), f("log", ("prod", ONE, N, density))),
        r"\operatorname*{arg\,max}_{w}\; \log\left(\prod_{i=1}^{N} "
        r"\frac{\exp\left(-\frac{\left|y_{i} - f(x_{i}, w)\right|}{b}\right)}{2 b}\right)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_printed_as_in_a_book(what: str) -> None:
    term, expected = CASES[what]
    assert latex(term) == expected


@pytest.mark.parametrize("what", CASES)
def test_every_case_converts_to_mathml(what: str) -> None:
    assert to_mathml(latex(CASES[what][0])).markup.startswith("<math")


def test_the_printer_knows_every_kind_of_term() -> None:
    nodes = {node for term, _ in CASES.values() for node in subterms(term)}
    tags = {node[0] for node in nodes}
    assert {*BINDERS, *OPTIMA, *RELATIONS, "diff", "subdiff", "interval", "and", "or", "all", "rec", "c"} <= tags
    printed = {node[1] for node in nodes if node[0] == "f"} | {"max"}
    assert printed == set(FUNCTIONS)
    assert latex(f("max", x, y)) == r"\max(x, y)"


# --- reading back -------------------------------------------------------------------------------------------------


def canonical(term: Term) -> Term:
    """What is benign: a product grouped from the left, where the minus of a product stands, how a number is written."""
    tag = term[0]
    if tag == "q":
        value = term[1]
        if value < 0:
            return ("neg", canonical(q(-value)))
        return term if value.denominator == 1 else ("/", q(value.numerator), q(value.denominator))
    inside = dict(parts(term))
    node = tuple(canonical(part) if k in inside else part for k, part in enumerate(term))
    if tag == "*" and node[1][0] == "*":
        return canonical((tag, *node[1][1:], *node[2:]))
    if tag in ("*", "/") and node[1][0] == "neg":
        return ("neg", canonical((tag, node[1][1], *node[2:])))
    return node


LEAVES: tuple[Term, ...] = (x, ("v", "f"), ix("x", y), TWO, q(-2), q("1/2"))


def layer(firsts: tuple[Term, ...], seconds: tuple[Term, ...]) -> Iterator[Term]:
    """Every node over some children."""
    for one in firsts:
        yield ("neg", one)
        yield from (f(name, one) for name in ("exp", "log", "sqrt", "abs", "factorial", "sign"))
        yield from (call("f", one), total(one), ("prod", ONE, one, x), ("diff", one, x), ("subdiff", one, x))
    for tag, one, other in product(("+", "*", "/", "^"), firsts, seconds):
        yield (tag, one, other)
        if one is not other:
            yield (tag, other, one)
    for one, other in product(firsts, seconds):
        yield ("*", other, one, x)
        yield ("+", other, one, x)


def test_two_small_terms_never_look_alike() -> None:
    """All terms of two layers, 40,000 of them: what looks the same is the same but for benign grouping."""
    lower = tuple(dict.fromkeys(layer(LEAVES, LEAVES)))
    naming = DEFAULT.naming([*LEAVES, call("f", x), N])
    seen: dict[str, Term] = {}
    count = 0
    for term in (*LEAVES, *lower, *layer(lower, LEAVES)):
        text, meaning = latex(term, naming=naming), canonical(term)
        assert seen.setdefault(text, meaning) == meaning, f"{text} is both {seen[text]} and {meaning}"
        count += 1
    assert count > 10_000


names = st.sampled_from(["x", "y", "f", "e", "eta", "y1", "lam", "wp", "Gamma", "beta_1"])
leaves = st.one_of(
    names.map(lambda name: ("v", name)),
    st.fractions(min_value=-3, max_value=3, max_denominator=4).map(lambda value: ("q", value)),
    st.just(("c", "pi")),
    st.just(ix("y", ONE)),
)


def _nodes(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    some = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        st.builds(lambda tag, items: (tag, *items), st.sampled_from(["+", "*"]), some),
        st.builds(lambda tag, one, two: (tag, one, two), st.sampled_from(["/", "^"]), inner, inner),
        st.builds(lambda one: ("neg", one), inner),
        st.builds(f, st.sampled_from(["exp", "log", "sqrt", "abs", "sign", "gamma", "factorial", "erf"]), inner),
        st.builds(lambda name, one, two: f(name, one, two), st.sampled_from(["min", "max"]), inner, inner),
        st.builds(lambda name, items: call(name, *items), names, some),
        st.builds(lambda name, one: ix(name, one), names, inner),
        st.builds(
            lambda tag, one, hi: (tag, ONE, hi, ("*", ix("x", i), one)), st.sampled_from(["sum", "prod"]), inner, inner
        ),
        st.builds(lambda tag, one: (tag, one, x), st.sampled_from(["diff", "subdiff"]), inner),
    )


random_terms = st.recursive(leaves, _nodes, max_leaves=12)


def regrouped(term: Term) -> Iterator[Term]:
    """Terms that are easily mistaken for a term: two nodes rotated, a minus moved, an argument taken for a factor."""
    tag = term[0]
    for k, part in parts(term):
        yield from ((*term[:k], other, *term[k + 1 :]) for other in regrouped(part))
        if part[0] in ("+", "*", "/", "^") and tag in ("+", "*", "/", "^"):
            yield (
                (part[0], *part[1:-1], (tag, part[-1], *term[2:]))
                if k == 1
                else (part[0], (tag, term[1], part[1]), *part[2:])
            )
        if part[0] == "neg":
            yield ("neg", (*term[:k], part[1], *term[k + 1 :]))
        if part[0] in ("f", "call", "diff", "subdiff") and tag in ("+", "*", "/", "^") and k == 1:
            yield (*part[:-1], (tag, part[-1], *term[2:]))
    if tag == "call":
        yield ("*", ("v", term[1]), *term[2:])
    if tag == "ix":
        yield ("v", term[1] + "1")
        yield ("*", ("v", term[1]), *term[2:])


@given(random_terms, random_terms)
@settings(max_examples=300, deadline=None)
def test_different_terms_print_differently(one: Term, two: Term) -> None:
    others = [two, *regrouped(one)]
    naming = DEFAULT.naming([one, *others])
    text = latex(one, naming=naming)
    for other in others:
        assert (latex(other, naming=naming) == text) <= (canonical(other) == canonical(one)), (text, other)


@given(random_terms)
@settings(max_examples=300, deadline=None)
def test_braces_and_delimiters_are_balanced(term: Term) -> None:
    text = latex(term, mark=changed(x, term), braces={(): "name"})
    for pattern in (r"[{}]", r"\\left(?![a-z])|\\right(?![a-z])", r"[()]"):
        depth = 0
        for sign in re.findall(pattern, text):
            depth += 1 if sign in ("{", r"\left", "(") else -1
            assert depth >= 0, text
        assert depth == 0, text
    assert to_mathml(text).markup


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "eta": r"\eta", "lam": r"\lambda", "beta1": r"\beta_{1}", "beta_1": r"\beta_{1}", "eps": r"\epsilon",
        "y1": "y_{1}", "eta0": r"\eta_{0}", "wp": r"\mathit{wp}", "mhat": r"\hat{m}", "w_old": r"w_{\mathrm{old}}",
        "x_i": "x_{i}", "a_b_c": r"\mathit{a\_b\_c}", "pi": r"\mathit{pi}", "w": "w",
    }.items(),
)  # fmt: skip
def test_names(name: str, expected: str) -> None:
    assert str(printed_name(name)) == expected


def test_names_that_look_alike_are_kept_apart() -> None:
    assert latex(("+", ("v", "y1"), ix("y", ONE))) == r"\mathit{y1} + y_{1}"
    assert latex(("+", ("v", "lam"), ("v", "lambda"))) == r"\lambda + \mathit{lambda}"
    assert latex(ix("y1", t)) == "y_{1,t}"
    assert latex(("^", f("exp", ("v", "e")), ("v", "e"))) == r"(\mathrm{e}^{e})^{e}"


HOSTILE = ["", "x}", r"\input{/etc/passwd}", "a b", "1x", "x$", "é", "x\n", "_x", "x^2", "𝐱", "a" * 65]


@pytest.mark.parametrize("name", HOSTILE)
def test_only_our_names_reach_latex(name: str) -> None:
    places: list[Term] = [
        ("v", name), ix(name, ONE), call(name, x), ("argmax", (name,), x), f(name, x), ("c", name), (name, x),
        ("rec", name, "t", ZERO, x, x, x), ("rec", "e", name, ZERO, x, x, x),
    ]  # fmt: skip
    for term in places:
        with pytest.raises(InputError):
            latex(term)
    if name:
        with pytest.raises(InputError):
            latex(total(x), binders=(name,))


def test_what_cannot_be_printed_is_refused() -> None:
    deep: Term = x
    for _ in range(5000):
        deep = ("neg", deep)
    for term in (deep, q(10**2000), ("b", 0), ("sum", ONE, i, x), ("+",), f("exp", x, y)):
        with pytest.raises(InputError):
            latex(term)


def test_a_notation_may_only_declare_symbols() -> None:
    for bad in (r"\input{x}", "x$", r"\def\a{b}", "x}{", "{x"):
        with pytest.raises(InputError):
            Entry(latex=bad)
    bold = DEFAULT.with_entries(w=Entry(latex=r"\mathbf{w}"), s=Entry(latex="w^{t}"), y=Entry(latex="y_{a}"))
    assert latex(("*", w, ("^", ("v", "s"), TWO), ix("y", t)), bold) == r"\mathbf{w} {w^{t}}^{2} y_{a,t}"


def test_parameters_below_the_predictor() -> None:
    assert latex(total(sub(prediction, ix("y", i))), LECTURE) == r"\sum_{i=1}^{N} (f_{w}(x_{i}) - y_{i})"
    assert latex(call("f", x), LECTURE) == "f(x)"
    assert latex(call("p", x, y, a), LECTURE) == r"p(x \mid y, a)"
    assert latex(call("p", x), LECTURE) == "p(x)"


def test_texts_are_escaped() -> None:
    assert escape_text(r"\{}$&#_%~^") == (r"\textbackslash{}\{\}\$\&\#\_\%\textasciitilde{}\textasciicircum{}")
    assert escape_text("a\u202eb\x1b[0m\n c") == "ab[0m  c"
    assert label("the L_1 loss, 100%") == r"\text{the }L_{1}\text{ loss, 100\%}"
    assert latex(x, braces={(): r"}\input{x"}) == r"\underbrace{x}_{\text{\}\textbackslash{}input\{x}}"


# --- what changed -------------------------------------------------------------------------------------------------

loss = total(residual)
# before, after -> the paths in after, the LaTeX of after
CHANGES: dict[str, tuple[Term, Term, set[tuple[int, ...]]]] = {
    "nothing": (x, x, set()),
    "one leaf": (f("exp", ("+", x, y)), f("exp", ("+", x, a)), {(2, 2)}),
    "a sign": (("argmax", ("w",), ("neg", loss)), ("argmin", ("w",), loss), {(0,)}),
    "a wrapper": (x, f("log", x), {(0,)}),
    "a factor": (("+", x, y), ("+", x, ("*", TWO, y)), {(2, 1)}),
    "moved only": (("*", x, y, a), ("*", a, x, y), set()),
    "dropped only": (("+", x, y), y, set()),
    "log and product changed places": (f("log", ("prod", ONE, N, density)), total(f("log", density)), {(0,), (3, 0)}),
    "a minus within a sum": (("+", x, y), sub(x, y), {(2, 0)}),
    "a minus beside more": (("+", x, y), ("+", ("neg", x), a), {(2,)}),
    "sides of a distance": (f("abs", sub(x, y)), ("+", a, f("abs", sub(y, x))), {(1,)}),
    "a word about something else": (f("log", call("p", x)), ("*", y, f("log", b)), {()}),
    "all": (("+", x, y), q(7), {()}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_smallest_change_is_found(what: str) -> None:
    before, after, expected = CHANGES[what]
    assert changed(before, after) == expected


def test_what_went_away_is_found_in_the_earlier_line() -> None:
    assert dropped(("+", x, y), y) == {(1,)}
    before = ("argmax", ("w",), sub(("neg", loss), total(f("log", b))))
    assert dropped(before, ("argmax", ("w",), ("neg", loss))) == {(2, 2)}
    assert changed(before, ("argmax", ("w",), ("neg", loss))) == set()


@given(random_terms, random_terms)
@settings(max_examples=150, deadline=None)
def test_marks_are_nodes_of_the_later_line(one: Term, two: Term) -> None:
    marks = changed(one, two)
    assert changed(two, two) == frozenset()
    for path in marks:
        node = two
        for step in path:
            node = node[step]
        assert isinstance(node, tuple if not path or path[-1] else str)
        assert not any(other != path and path[: len(other)] == other for other in marks)


def test_marks_are_printed_and_only_then() -> None:
    term = ("argmin", ("w",), sub(total(x), y))
    assert r"\class" not in latex(term)
    assert latex(term, mark={(0,)}).startswith(r"\class{changed}{\operatorname*{arg\,min}_{w}}\;")
    assert latex(term, mark={(2, 2)}).endswith(r"\class{changed}{{} - y}")
    assert latex(term, mark={(2, 2, 0)}).endswith(r"\class{changed}{-} y")
    assert latex(f("sqrt", x), mark={(0,)}) == r"\class{changed}{\sqrt{x}}"


def test_all_cases_as_accepted(golden: Callable[[str, str], None]) -> None:
    golden("latex.txt", "".join(f"{what}\n    {latex(term, LECTURE)}\n" for what, (term, _) in CASES.items()))

"""The graph of expressions, intervals, floats that carry expressions, and the way to the lines of a rule."""

from __future__ import annotations

import builtins
import math
import types
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.ascii import show
from derive.derivation import Text
from derive.errors import InputError, Undecided
from derive.kernel.terms import subterms
from derive.update_rule import State, UpdateRule
from numeric.exact import exact_outputs
from numeric.lift import expressions as ex
from numeric.lift.expressions import Node
from numeric.lift.floats import evaluate
from numeric.lift.intervals import Interval
from numeric.lift.rules import lines, term
from numeric.lift.settings import ascii_name, domain_of, domain_text
from numeric.lift.tracked import Tracked, functions, node_of, recording
from numeric.translation import translate

UNIT = Interval(Fraction(0), Fraction(1), below=True)
DOMAINS = {"x": Interval(), "p": Interval(Fraction(0), above=True), "b": UNIT, "n": Interval(Fraction(0))}
NAMES = {name: ex.name(name, interval) for name, interval in DOMAINS.items()}
VALUES = {
    "x": st.fractions(-3, 3, max_denominator=4),
    "p": st.fractions(Fraction(1, 8), 5, max_denominator=8),
    "b": st.fractions(0, Fraction(7, 8), max_denominator=8),
    "n": st.fractions(0, 3, max_denominator=4),
}
TWO = {"+": ex.add, "-": ex.subtract, "*": ex.multiply, "/": ex.divide}
FLAT: dict[str, Any] = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
    "neg": lambda x: -x, "abs": abs, "sign": lambda x: Fraction((x > 0) - (x < 0)), "min": min, "max": max,
    "^": lambda x, y: x**y,
}  # fmt: skip

leaves = st.one_of(st.sampled_from(sorted(NAMES)), st.integers(-3, 3).map(Fraction))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "min", "max"]), inner, inner),
        st.tuples(st.sampled_from(["neg", "abs", "sign"]), inner),
        st.tuples(st.just("^"), inner, st.integers(0, 3).map(Fraction)),
        st.tuples(st.just("case"), inner, inner, inner, inner),
        st.tuples(st.just("where"), st.sampled_from(sorted(ex.NEGATION)), inner, inner, inner, inner),
    ),
    max_leaves=12,
)
HOLDS: dict[str, Any] = {
    "<": lambda x, y: x < y, "<=": lambda x, y: x <= y, ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
    "=": lambda x, y: x == y, "!=": lambda x, y: x != y,
}  # fmt: skip


def value(tree: Any, at: dict[str, Fraction]) -> Fraction:
    """What a tree is, worked out without any cleverness."""
    if isinstance(tree, str):
        return at[tree]
    if isinstance(tree, Fraction):
        return tree
    if tree[0] == "where":
        parts = [value(part, at) for part in tree[2:]]
        return parts[2] if HOLDS[tree[1]](parts[0], parts[1]) else parts[3]
    parts = [value(part, at) for part in tree[1:]]
    if tree[0] == "case":
        return parts[1 if parts[0] < 0 else 2 if parts[0] == 0 else 3]
    found = FLAT[tree[0]](*parts)
    assert isinstance(found, Fraction | int)
    return Fraction(found)


def built(tree: Any) -> Node:
    if isinstance(tree, str):
        return NAMES[tree]
    if isinstance(tree, Fraction):
        return ex.number(tree)
    if tree[0] == "where":
        left, right, yes, no = (built(part) for part in tree[2:])
        return ex.choose(ex.truth(tree[1], left, right), yes, no)
    parts = tuple(built(part) for part in tree[1:])
    if tree[0] in TWO:
        return TWO[tree[0]](*parts)
    return ex.make(tree[0], parts)


def of(node: Node, at: dict[str, Fraction]) -> Fraction:
    """What a node is."""
    known: dict[Node, Fraction] = {}
    for part in ex.ordered([node]):
        inner = [known[each] for each in part.parts]
        if part.op == "q":
            known[part] = part.args[0]
        elif part.op == "v":
            known[part] = at[part.args[0]]
        elif part.op == "case":
            known[part] = inner[1 if inner[0] < 0 else 2 if inner[0] == 0 else 3]
        else:
            known[part] = Fraction(FLAT[part.op](*inner))
    return known[node]


def inside(number: Fraction, size: Interval) -> bool:
    low = size.low is None or (number > size.low if size.above else number >= size.low)
    return low and (size.high is None or (number < size.high if size.below else number <= size.high))


@given(tree=trees, at=st.fixed_dictionaries(VALUES))
def test_a_node_is_what_the_tree_is(tree: Any, at: dict[str, Fraction]) -> None:
    """Whatever was simplified on the way: the value is the same, and within the interval; so is the term's."""
    try:
        expected = value(tree, at)
        node = built(tree)
    except (ZeroDivisionError, Undecided):
        return
    try:
        assert of(node, at) == expected
    except ZeroDivisionError:  # in a branch that is not taken
        return
    assert inside(expected, node.range)
    program = translate({"it": term(node)}, scalars=tuple(NAMES))
    if program.inputs:
        try:
            assert exact_outputs(program, at)["it"] == expected
        except (InputError, Undecided, ZeroDivisionError):  # as above: a sum has all branches
            assert "case" in str(tree) or "where" in str(tree)


def test_equal_expressions_are_one_object() -> None:
    x, y = ex.name("x"), ex.name("y")
    assert ex.add(x, y) is ex.add(x, y)
    assert ex.name("x") is not ex.name("x", UNIT)
    assert ex.subtract(ex.add(x, ex.number(3)), ex.number(3)) is x
    assert ex.multiply(ex.negative(x), ex.negative(y)) is ex.multiply(x, y)
    assert ex.multiply(x, x) is ex.power(x, ex.TWO)
    assert ex.add(x, ex.subtract(y, x)) is y


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (ex.power(ex.name("x"), ex.number(Fraction(1, 2))), "sqrt(x)"),
        (ex.power(ex.name("x"), ex.number(-2)), "1/x**2"),
        (ex.subtract(ex.name("x"), ex.multiply(ex.number(-1), ex.name("y"))), "x + y"),
        (ex.add(ex.negative(ex.name("x")), ex.name("y")), "y - x"),
        (ex.function("max", ex.ZERO, ex.name("v", DOMAINS["n"])), "v"),
        (ex.function("sign", ex.name("p", DOMAINS["p"])), "1"),
        (ex.truth(">", ex.name("x"), ex.ZERO), "max(sign(x), 0)"),
        (ex.truth("=", ex.name("x"), ex.ZERO), "1 - abs(sign(x))"),
        (ex.truth("!=", ex.name("x"), ex.ZERO), "abs(sign(x))"),
        (ex.truth("<=", ex.name("x"), ex.name("y")), "1 - max(sign(x - y), 0)"),
        (ex.decimal(0.1), "1/10"),
        (ex.function("sqrt", ex.number(Fraction(9, 4))), "3/2"),
        (ex.function("sqrt", ex.number(2)), "sqrt(2)"),
    ],
)
def test_what_a_reader_does_in_passing(node: Node, text: str) -> None:
    assert show(term(node)) == text


def test_a_choice_within_the_same_choice_is_made() -> None:
    """The three assignments of Rprop, sign[sign > 0] = up and so on, are one choice in the end."""
    sign, up, down = (
        ex.function("sign", ex.name("z")),
        ex.name("u", Interval(Fraction(1), above=True)),
        ex.name("d", UNIT),
    )
    one = ex.choose(ex.truth(">", sign, ex.ZERO), up, sign)
    two = ex.choose(ex.truth("<", one, ex.ZERO), ex.add(down, ex.ONE), one)
    three = ex.choose(ex.truth("=", two, ex.ZERO), ex.ONE, two)
    assert three is ex.case(ex.name("z"), ex.add(down, ex.ONE), ex.ONE, up)


@pytest.mark.parametrize(
    "made",
    [
        lambda: ex.power(ex.number(9), ex.power(ex.number(9), ex.number(9))),
        lambda: ex.number(10**5000),
        lambda: ex.divide(ex.name("x"), ex.ZERO),
        lambda: ex.decimal(math.inf),
        lambda: ex.decimal(math.nan),
        lambda: ex.function("sqrt", ex.number(-1)),
        lambda: ex.choose(ex.name("x"), ex.ONE, ex.ZERO),
    ],
)
def test_what_has_no_expression(made: Any) -> None:
    with pytest.raises(Undecided):
        made()


# --- floats -----------------------------------------------------------------------------------------------------------


def test_floats_carry_what_is_done_with_them() -> None:
    b, t = Tracked(0.9, ex.name("b")), Tracked(3.0, ex.name("t"))
    found = [1 - b**t, -b, b / (1 - b), b**0.5, 2 * b - 1, abs(b), 0.96 ** (t * b), +b, b - 0.5, 1 / b]
    texts = [show(term(node_of(each))) for each in found]
    assert texts == [
        "1 - b**t", "-b", "b/(1 - b)", "sqrt(b)", "2*b - 1", "abs(b)", "(24/25)**(t*b)", "b", "b - 1/2", "1/b",
    ]  # fmt: skip
    assert [float.__add__(each, 0.0) for each in found[:3]] == [1 - 0.9**3.0, -0.9, 0.9 / (1 - 0.9)]
    assert all(isinstance(each, float) for each in found)


def test_constants_stay_exact() -> None:
    left = 1 - Tracked(0.8, ex.decimal(0.8))
    assert left.node.value == Fraction(1, 5)
    assert float(left) == 1 - 0.8
    assert int(Tracked(3.0, ex.number(3))) == 3


def test_comparisons_are_recorded() -> None:
    x, p = Tracked(0.5, ex.name("x")), Tracked(0.5, ex.name("p", DOMAINS["p"]))
    with recording() as found:
        outcomes = (x < 1, x == 2, bool(x), x >= 0.0, p > 0, not p >= 0.0, x != x)
    assert outcomes == (True, False, True, True, True, False, False)
    assert [(relation, show(term(left)), show(term(right))) for relation, left, right in found] == [
        ("<", "x", "1"), ("!=", "x", "2"), ("!=", "x", "0"), (">=", "x", "0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lost", [float, int, round, math.floor, lambda x: x // 2, lambda x: x % 2, lambda x: divmod(x, 2), math.trunc]
)
def test_nothing_is_lost_in_silence(lost: Any) -> None:
    with pytest.raises(Undecided):
        lost(Tracked(0.5, ex.name("x")))


def test_functions_of_a_module_know_them() -> None:
    module: Any = types.ModuleType("own")
    module.math, module.root, module.min = math, math.sqrt, None
    x = Tracked(4.0, ex.name("x"))
    with functions([module]):
        assert show(term(module.math.sqrt(x).node)) == "sqrt(x)"
        assert show(term(module.root(x).node)) == "sqrt(x)"
        assert show(term(module.max(1, x, 2).node)) == "max(max(1, x), 2)"
        assert module.max([1, 2]) == 2
        assert module.min is None
        assert module.math.pi == math.pi
        assert module.math.cos(0.0) == 1.0
        with pytest.raises(Undecided, match=r"math\.cos"):
            module.math.cos(x)
    assert (module.math, module.root, module.min) == (math, math.sqrt, None)
    assert not hasattr(module, "max")
    assert builtins.max(1, 2) == 2


def test_evaluate() -> None:
    assert evaluate(ex.divide(ex.ONE, ex.name("x")), {"x": 4.0}) == 0.25
    with pytest.raises(Undecided):
        evaluate(ex.divide(ex.ONE, ex.name("x")), {"x": 0.0})
    with pytest.raises(Undecided):
        evaluate(ex.function("sqrt", ex.name("x")), {"x": -1.0})


# --- lines ------------------------------------------------------------------------------------------------------------

m, v, w, g = (ex.name(name) for name in "mvwg")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        # what is made of the others comes last
        ({"w": ex.subtract(w, ex.add(m, g)), "m": ex.add(m, g)}, ["m = m + g", "w = w - m"]),
        # w is read before it is assigned, and the state reads its new value
        ({"m": ex.add(m, ex.subtract(w, g)), "w": ex.subtract(w, g)}, ["w = w - g", "m = m + w"]),
        # each needs the other as it was
        ({"m": v, "v": m, "w": w}, ["w = w", "c1 = v", "v = m", "m = c1"]),
        # w needs the old m, so it comes first
        ({"m": ex.add(m, g), "w": ex.multiply(w, m)}, ["w = w*m", "m = m + g"]),
        # what is long and occurs twice has a name
        (
            {"m": ex.power(ex.add(ex.add(ex.multiply(w, g), g), ex.ONE), ex.TWO),
             "w": ex.function("sqrt", ex.add(ex.add(ex.multiply(w, g), g), ex.ONE))},
            ["c1 = w*g + g + 1", "m = c1**2", "w = sqrt(c1)"],
        ),
    ],
)  # fmt: skip
def test_lines_read_what_they_need(after: dict[str, Node], expected: list[str]) -> None:
    assert lines(after, []) == expected


@given(data=st.data())
def test_lines_compute_what_the_expressions_are(data: Any) -> None:
    """The step of the rule that has these lines is these expressions, at every point."""
    names = {"m": ex.name("m"), "v": ex.name("v"), "w": ex.name("w"), "g": ex.name("g")}
    inner = st.recursive(
        st.sampled_from(list(names.values())),
        lambda part: st.one_of(st.tuples(part, part).map(lambda pair: ex.add(*pair)),
                               st.tuples(part, part).map(lambda pair: ex.multiply(*pair))), max_leaves=6,
    )  # fmt: skip
    shared = data.draw(inner)
    after = {name: ex.add(data.draw(inner), ex.multiply(shared, data.draw(inner))) for name in ("m", "v", "w")}
    at = {name: data.draw(st.integers(-3, 3).map(Fraction)) for name in names}
    rule = UpdateRule("own", Text("own"), tuple(lines(after, [])), (), (State("m"), State("v")))
    for name, node in after.items():
        program = translate({"it": rule.step[name]}, scalars=tuple(names))
        if program.inputs:
            assert exact_outputs(program, at)["it"] == of(node, at)


def test_names() -> None:
    assert ascii_name("exp_avg", (), "state") == "expavg"
    assert ascii_name("sum", (), "state") == "sumstate"
    assert ascii_name("eta", ["eta"], "state") == "etastate"
    assert ascii_name("2x", (), "state") == "x2x"
    assert ascii_name("w", (), "state") == "wstate"
    assert domain_text("alpha", domain_of("alpha", "torch.optim.RMSprop")) == "0 <= alpha < 1"
    assert domain_text("alpha", domain_of("alpha", "torch.optim.ASGD")) == "alpha >= 0"
    assert domain_text("whatever", domain_of("whatever")) == ""


def test_terms_share_nothing_that_is_unknown() -> None:
    node = ex.add(ex.name("a"), ex.name("b"))
    assert {part[1] for part in subterms(term(node)) if part[0] == "v"} == {"a", "b"}

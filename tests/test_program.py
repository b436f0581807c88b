"""Terms become programs, programs become text and kernels: the same operations, in the author's order, bit for bit."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from derive.errors import InputError
from derive.evaluation.evaluate import evaluate
from derive.evaluation.values import Family, Point
from derive.kernel.terms import Term, q
from derive.syntax import parse_expression
from numeric.compile import kernel
from numeric.exact import exact_outputs, terms
from numeric.program import Constant, Operation, Program
from numeric.text import numpy_text
from numeric.translation import MAX_EXPONENT, translate

SCALARS, ROWS, FAMILIES = ("a", "b"), ("z", "y"), ("x", "p")


def term(text: str) -> Term:
    return parse_expression(text).term


def program(**texts: str) -> Program:
    outputs = {name: term(text) for name, text in texts.items()}
    return translate(outputs, scalars=SCALARS, rows=(*ROWS, *FAMILIES, "m"), indices=("k", "l"))


def run_text(program: Program, inputs: dict[str, Any]) -> dict[str, Any]:
    """What the readable text returns. Tests may run text; nothing else does."""
    scope: dict[str, Any] = {"np": np, "math": math}
    exec(numpy_text(program), scope)
    with np.errstate(all="ignore"):
        result = scope["f"](*(inputs[value.name] for value in program.inputs))
    return dict(zip(program.names, result if len(program.names) > 1 else (result,), strict=True))


def same_bits(left: Any, right: Any) -> bool:
    a, b = np.asarray(left), np.asarray(right)
    return a.dtype == b.dtype and a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=True))


# --- the order of the operations ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b + z", "a + b + z"),
        ("a + (b + z)", "a + (b + z)"),
        ("z - (a - b)", "z - (a - b)"),
        ("z*a*b", "z*a*b"),
        ("z*(a*b)", "z*(a*b)"),
        ("z/3", "z/3"),
        ("1/3*z", "1/3*z"),
        ("z*(1/3)", "z*(1/3)"),
        ("2/4*z", "0.5*z"),
        ("0.1*z", "0.1*z"),
        ("z - 1/10*y", "z - 0.1*y"),
        ("(1 - 9/10)*z", "0.1*z"),
        ("-z**2", "-(z*z)"),
        ("z*(-3)", "z*(-3)"),
        ("z + (-1/3)*y", "z + (-1/3)*y"),
        ("z**1", "z"),
        ("z**3", "z*z*z"),
        ("z**(-1)", "1/z"),
        ("sqrt(z)", "np.sqrt(z)"),
        ("z**(1/2)", "np.sqrt(z)"),
        ("z**(-1/2)", "1/np.sqrt(z)"),
        ("a**b*z", "math.pow(a, b)*z"),
        ("z**a", "np.power(z, a)"),
        ("log(1 + z)", "np.log1p(z)"),
        ("log(exp(z) + 1 + y)", "np.log1p(np.exp(z) + y)"),
        ("log(2 + z)", "np.log(2 + z)"),
        ("exp(z) - 1", "np.expm1(z)"),
        ("-1 + exp(z) + y", "np.expm1(z) + y"),
        ("y + exp(z) - 1", "y + np.exp(z) - 1"),
        ("min(z, y, a)", "np.minimum(np.minimum(z, y), a)"),
        ("max(a, b)*abs(z)", "max(a, b)*np.abs(z)"),
        ("sign(a)*sign(z)", "float(np.sign(a))*np.sign(z)"),
        ("exp(a)*z", "math.exp(a)*z"),
        ("pi*z", "math.pi*z"),
        ("sum(x[i]*p[i], i, 1, K)", "np.sum(x*p, axis=-1)"),
        ("x[k] - m", "x - m[:, None]"),
        ("x[k]*x[l]", "x[:, :, None]*x[:, None, :]"),
        ("sum(x[i], i, 1, K)*x[k]", "np.sum(x, axis=-1)[:, None]*x"),
        ("sum(sum(x[i]*p[j], j, 1, K), i, 1, K)",
         "np.sum(np.sum(x[:, :, None]*p[:, None, :], axis=-1), axis=-1)"),
    ],
)  # fmt: skip
def test_the_text_has_the_order_of_the_term(text: str, expected: str) -> None:
    assert numpy_text(program(value=text)).splitlines()[-1] == f"    return {expected}"


def test_powers_square_and_multiply_from_the_second_digit_on() -> None:
    assert numpy_text(program(value="z**13")).splitlines()[1:] == [
        "    t1 = z*z*z",  # 1, 1
        "    t2 = t1*t1",  # 0
        "    return t2*t2*z",  # 1
    ]


def test_what_two_outputs_share_is_computed_once_and_keeps_the_names_of_the_book() -> None:
    both = program(value="(z - y)**2/(a*b**2)", slope="2*(z - y)/(a*b**2)")
    assert numpy_text(both, "l2").splitlines() == [
        "def l2(z, y, a, b):",
        "    t1 = z - y",
        "    t2 = a*(b*b)",
        "    value = t1*t1/t2",
        "    slope = 2*t1/t2",
        "    return value, slope",
    ]
    assert len(kernel(both).arrays) == 5  # what needs no array was worked out before
    assert [step[2] for step in kernel(both).scalars] == [
        number for number, value in enumerate(both.values) if isinstance(value, Operation) and not value.dims
    ]


def test_no_name_of_the_program_is_one_of_the_author() -> None:
    names = ("t1", "np", "math", "lambda", "max", "t2", "f")
    square = ("^", ("+", *(("v", name) for name in names)), q(2))
    two = translate({"t3": square, "t1": ("+", square, ("v", "t1"))}, rows=names)
    assert numpy_text(two).startswith("def f(t1, np_, math_, lambda_, max_, t2, f):")
    values = {name: np.array([float(place)]) for place, name in enumerate(names)}
    assert {key: float(got[0]) for key, got in run_text(two, values).items()} == {"t3": 441.0, "t1": 441.0}


def test_rationals_stay_exact_until_a_float_is_asked_for() -> None:
    assert Constant(Fraction(1, 3)) in program(value="(1/3)*z").values
    assert exact_outputs(program(value="(1/3)*z"), {"z": 3}) == {"value": 1}
    assert repr(1 / 3) not in numpy_text(program(value="(1/3)*z"))
    assert "0.30000000000000004*z" in numpy_text(translate({"f": ("*", q(Fraction(0.1 + 0.2)), ("v", "z"))}, rows="z"))


# --- what cannot be run ---------------------------------------------------------------------------------------------

INDEX, Z = ("b", 0), ("v", "z")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("argmin", ("w",), Z), "argmin"),
        (("argmax", ("w",), Z), "argmax"),
        (("diff", Z, Z), "derivative"),
        (("subdiff", Z, Z), "subdifferential"),
        (("interval", Z, Z), "interval"),
        (("=", Z, Z), "a claim"),
        (("and",), "a claim"),
        (("call", "g", Z), "not defined"),
        (("prod", q(1), ("v", "K"), ("ix", "z", INDEX)), "product over an index"),
        (("f", "gamma", Z), "the function gamma"),
        (("f", "factorial", Z), "the function factorial"),
        (("f", "erf", Z), "the function erf"),
        (("f", "kronecker", ("v", "k"), ("v", "k")), "Kronecker"),
        (("f", "kronecker", ("v", "k"), q(1)), "belongs to no sum"),
        (("ix", "x", ("v", "j")), "belongs to no sum"),
        (("ix", "x", INDEX), "belongs to no sum"),
        (("ix", "x", q(1)), "belongs to no sum"),
        (("ix", "x", ("v", "k"), ("v", "l")), "two indices"),
        (("ix", "a", ("v", "k")), "an index on the scalar a"),
        (("+", ("v", "x"), ("ix", "x", ("v", "k"))), "with and without an index"),
        (INDEX, "without its sum"),
        (("sum", q(1), ("v", "N"), ("ix", "x", INDEX)), "anything but the classes"),
        (("sum", q(0), ("v", "K"), ("ix", "x", INDEX)), "anything but the classes"),
        (("sum", q(1), ("v", "K"), Z), "do not depend on its index"),
        (("sum", q(1), ("v", "K"), ("f", "kronecker", ("v", "k"), INDEX)), "on no row"),
        (("/", Z, q(0)), "division by zero"),
        (("/", Z, ("+", q(1), ("neg", q(1)))), "division by zero"),
        (("^", Z, q(MAX_EXPONENT + 1)), "a power beyond"),
        (("^", q(0), q(-1)), "division by zero"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(wrong: Term, message: str) -> None:
    with pytest.raises(InputError, match=message):
        translate({"value": ("+", ("v", "a"), wrong)}, scalars="a", rows=("z", "x"), indices=("k", "l"))


def test_a_name_that_nobody_declared_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"nothing says what delt is.*did you mean delta\?"):
        translate({"value": ("v", "delt")}, scalars=["delta"])
    with pytest.raises(InputError, match="the names here are none"):
        translate({"value": ("v", "x")})


def test_a_term_that_is_too_deep_is_refused() -> None:
    deep: Term = ("v", "z")
    for _ in range(100_000):
        deep = ("f", "abs", deep)
    with pytest.raises(InputError, match="nested too deeply"):
        translate({"value": deep}, rows="z")


@pytest.mark.parametrize("number", [Fraction(10) ** 400, Fraction(1, 10**400)])
def test_a_constant_beyond_the_floats_is_refused(number: Fraction) -> None:
    beyond = translate({"value": ("*", q(number), ("v", "z"))}, rows="z")
    for run in (numpy_text, lambda program: kernel(program).run(z=np.ones(1))):
        with pytest.raises(InputError, match="beyond the range of a float"):
            run(beyond)


# --- the kernel is the text, bit for bit ----------------------------------------------------------------------------


@lru_cache
def runnable(rational: bool = False) -> st.SearchStrategy[Term]:
    """Terms over scalars, rows, families at k and l, and sums over classes."""
    numbers = st.fractions(-4, 4, max_denominator=10).map(q)
    names = [("v", name) for name in (*SCALARS, *ROWS)]
    places = [("ix", name, index) for name in FAMILIES for index in (("v", "k"), ("v", "l"))]
    bound = [("ix", name, ("b", 0)) for name in FAMILIES]
    functions = ("abs", "sign") if rational else ("abs", "sign", "exp", "log", "sqrt")

    def grow(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        several = st.lists(inner, min_size=2, max_size=3)
        found = [
            st.tuples(st.sampled_from("+*"), several).map(lambda pair: (pair[0], *pair[1])),
            st.tuples(st.just("neg"), inner),
            st.tuples(st.just("/"), inner, inner),
            st.tuples(st.just("^"), inner, st.integers(1, 5).map(q)),
            st.tuples(st.just("f"), st.sampled_from(functions), inner),
            st.tuples(st.just("f"), st.sampled_from(("min", "max")), inner, inner),
        ]
        if not rational:
            found.append(inner.map(lambda part: ("f", "log", ("+", q(1), part))))
            found.append(inner.map(lambda part: ("+", ("f", "exp", part), ("neg", q(1)))))
        return st.one_of(found)

    body = st.recursive(st.sampled_from([*bound, *names]), grow, max_leaves=3)
    sums = st.tuples(st.sampled_from(bound), body).map(lambda pair: ("sum", q(1), ("v", "K"), ("*", *pair)))
    return st.recursive(st.one_of(numbers, st.sampled_from([*names, *places]), sums), grow, max_leaves=6)


def try_translate(outputs: dict[str, Term]) -> Program | None:
    """None where a divisor turns out to be the constant 0."""
    try:
        return translate(outputs, scalars=SCALARS, rows=(*ROWS, *FAMILIES), indices=("k", "l"))
    except InputError as error:
        if "division by zero" in str(error):
            return None
        raise


@given(runnable(), runnable(), st.sampled_from([np.float32, np.float64]), st.integers(0, 2**32), st.integers(1, 5))
def test_the_kernel_computes_what_the_text_says_bit_for_bit(
    first: Term, second: Term, dtype: type, seed: int, classes: int
) -> None:
    made = try_translate({"first": first, "second": second})
    if made is None:
        return
    random = np.random.default_rng(seed)
    values: dict[str, Any] = {name: float(random.normal()) for name in SCALARS}
    values |= {name: random.normal(size=7).astype(dtype) for name in ROWS}
    values |= {name: random.normal(size=(7, classes)).astype(dtype) for name in FAMILIES}
    inputs = {value.name: values[value.name] for value in made.inputs}
    before = {name: np.copy(value) for name, value in inputs.items()}
    try:
        expected = run_text(made, inputs)
    except (ArithmeticError, ValueError, InputError):  # of Python floats: an overflow, a logarithm of -1, a division
        with pytest.raises(InputError):
            kernel(made).run(**inputs)
        return
    try:
        with np.errstate(all="ignore"):
            got = kernel(made).run(**inputs)
    except InputError as error:  # a scalar that the text carries on with
        assume("beyond the range" not in str(error))
        raise
    for name in ("first", "second"):
        if made.output(name).dims:
            assert got[name].dtype == dtype
            assert same_bits(got[name], expected[name])
        else:
            assert got[name] == expected[name] or math.isnan(expected[name])
    assert all(same_bits(inputs[name], before[name]) for name in inputs)


@given(runnable(rational=True), st.lists(st.fractions(-3, 3, max_denominator=4), min_size=8, max_size=8))
def test_the_program_on_rationals_is_the_term_at_that_point(body: Term, values: list[Fraction]) -> None:
    """derive.evaluation reads the term itself and shares nothing with programs."""
    total = ("sum", q(1), ("v", "K"), ("*", ("ix", "x", ("b", 0)), ("ix", "p", ("b", 0))))
    closed = ("+", _only_rows(body), total)
    made = try_translate({"value": closed})
    if made is None:
        return
    a, b, z, y, *rest = values
    families = {"x": tuple(rest[:2]), "p": tuple(rest[2:])}
    tables = {name: Family(table={(1,): first, (2,): second}) for name, (first, second) in families.items()}
    point = Point({"a": a, "b": b, "z": z, "y": y, "K": Fraction(2)}, tables)
    expected = evaluate(closed, point)
    inputs = {"a": a, "b": b, "z": z, "y": y, **families}
    if isinstance(expected, Fraction):
        assert exact_outputs(made, inputs) == {"value": expected}
    else:
        with pytest.raises(InputError, match="by zero"):
            exact_outputs(made, inputs)


def _only_rows(body: Term) -> Term:
    """Without places at k and l, which are no single number."""
    if body[0] == "ix" and body[2][0] == "v":
        return ("v", "z")
    return tuple(_only_rows(part) if isinstance(part, tuple) else part for part in body)


def test_the_results_of_one_call_do_not_depend_on_those_of_another() -> None:
    made = program(first="exp(-abs(z))/(1 + exp(-abs(z)))**2", second="max(z, 0) + log(1 + exp(-abs(z)))")
    bound = kernel(made).bind({}, {"n": 4}, np.dtype(np.float64))
    z = np.array([-1.0, 0.0, 2.0, 800.0])
    once = {name: value.copy() for name, value in bound({"z": z}).items()}
    bound({"z": z * -3})
    again = bound({"z": z})
    assert all(same_bits(once[name], again[name]) for name in once)
    assert not np.shares_memory(again["first"], again["second"])


def test_scratch_is_used_again() -> None:
    chain = program(value="abs(sign(exp(abs(z - y)*z)*y)*z)*y")
    assert len(kernel(chain).arrays) == 9
    assert len(kernel(chain).buffers) == 1


def test_scratch_is_kept_while_a_view_of_it_is_needed_and_no_longer() -> None:
    random = np.random.default_rng(0)
    inputs = {"z": random.normal(size=4), "y": random.normal(size=4)}
    inputs |= {name: random.normal(size=(4, 3)) for name in FAMILIES}
    twice = program(value="x[k]*exp(z) - (p[k]*(abs(y)*y) + p[k]*exp(z))")
    assert same_bits(kernel(twice).run(**inputs)["value"], run_text(twice, inputs)["value"])
    once = program(value="x[k]/sum(x[i], i, 1, K)*(abs(y)*y)")
    assert sorted(kernel(once).buffers) == [("n",), ("n", "K")]


def test_an_output_can_be_an_input_or_a_constant() -> None:
    z = np.array([1.0, 2.0])
    got = kernel(program(value="z", two="1 + 1", third="a/3")).run(z=z, a=1.0)
    assert got["value"] is z
    assert (got["two"], got["third"]) == (2.0, 1 / 3)


def test_overflow_and_underflow_round_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = kernel(program(value="exp(z)")).run(z=np.array([-800.0, 0.0, 800.0]))
    assert got["value"].tolist() == [0.0, 1.0, math.inf]


def test_only_keeps_what_an_output_needs() -> None:
    both = program(value="(z - y)**2/a", slope="2*(z - y)")
    assert [value.name for value in both.only("slope").inputs] == ["z", "y"]
    assert numpy_text(both.only("slope")) == numpy_text(program(slope="2*(z - y)"))
    assert both.only("value", "slope") == both


# --- and back -------------------------------------------------------------------------------------------------------


@given(runnable())
def test_a_program_gives_its_term_back(body: Term) -> None:
    """Up to what the translation does on purpose, which the second translation does again."""
    made = try_translate({"value": body})
    if made is not None:
        back = terms(made)["value"]
        again = try_translate({"value": back})
        assert again is not None
        assert numpy_text(again) == numpy_text(made)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"z": np.ones(2), "y": np.ones(3), "a": 1.0}, r"y has shape \(3,\)"),
        ({"z": np.ones((2, 1)), "y": np.ones(2), "a": 1.0}, r"z has shape \(2, 1\); expected \(n\)"),
        ({"z": np.ones(2), "y": np.ones(2)}, "the inputs are"),
        ({"z": np.ones(2), "y": np.ones(2), "a": 1.0, "b": 1.0}, "the inputs are"),
        ({"z": np.ones(2), "y": np.ones(2, np.float32), "a": 1.0}, "dtypes"),
        ({"z": np.ones(2, int), "y": np.ones(2, int), "a": 1.0}, "int64"),
        ({"z": np.ones(2), "y": np.ones(2), "a": 0.0}, "beyond the range"),
        ({"z": np.ones(2), "y": np.ones(2), "a": math.nan}, "beyond the range"),
        ({"z": np.ones(2), "y": np.ones(2), "a": 1e-320}, "beyond the range"),
        ({"z": np.ones(2, np.float32), "y": np.ones(2, np.float32), "a": 1e-300}, "beyond the range of float32"),
    ],
)
def test_inputs_that_do_not_go_together_are_refused(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        kernel(program(value="(z - y)*(1/a)")).run(**inputs)

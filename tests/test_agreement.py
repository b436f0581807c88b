"""What agreement means, for every rule of the library and every backend: proved, exact, bit for bit, enclosed."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numeric
from derive.kernel.terms import Term, children
from derive.library.optimizers import OPTIMIZERS
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, UpdateRule
from numeric.agreement import agreement
from numeric.balls import enclosure
from numeric.exact import execute, rationals
from numeric.inplace import COPY, Plan, plan_of, rule_program
from numeric.program import Constant, Operation, Program
from numeric.text import numpy_text

RULES = OPTIMIZERS | {
    rule.name: rule for each in ("sgd", "momentum", "adam", "rmsprop") for rule in [OPTIMIZERS[each].with_decay()]
}
BACKENDS = ("numpy", "numba")
every_rule = pytest.mark.parametrize("name", RULES)
every_backend = pytest.mark.parametrize("backend", BACKENDS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
ORDINARY = {"add": "subtract", "subtract": "add", "multiply": "divide", "divide": "multiply", "minimum": "maximum",
            "maximum": "minimum", "sqrt": "absolute", "absolute": "negative", "negative": "absolute",
            "sign": "negative", "power": "multiply"}  # fmt: skip


def defaults(rule: UpdateRule) -> dict[str, Fraction]:
    """Hyperparameters away from 0, so that each of them has an effect."""
    return {h.name: h.value or Fraction(1, 7) for h in rule.hyperparameters}


def start(rule: UpdateRule, w: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value_of(term, {**known, PARAMETER: w}) for name, term in rule.initial.items()}


# --- an evaluator of terms that shares nothing with programs --------------------------------------------------------


def opaque(name: str, x: Fraction) -> Fraction:
    """As numeric.exact has it: of sqrt nothing is known but that equal arguments give equal values."""
    text = f"{name} {x.numerator}/{x.denominator}"
    return Fraction(int.from_bytes(hashlib.sha256(text.encode("ascii")).digest()) + 1, 1 << 128)


def value_of(term: Term, known: Mapping[str, Any]) -> Fraction:
    if term[0] == "q":
        return Fraction(term[1])
    if term[0] == "v":
        return Fraction(known[term[1]])
    parts = [value_of(child, known) for child in children(term)]
    if term[0] == "f":
        x = parts[0]
        plain = {"abs": abs(x), "sign": Fraction((x > 0) - (x < 0)), "min": min(parts), "max": max(parts)}
        return plain[term[1]] if term[1] in plain else opaque(term[1], x)
    if term[0] == "+":
        return sum(parts, Fraction(0))
    if term[0] == "*":
        return math.prod(parts, start=Fraction(1))
    if term[0] == "^":
        x, y = parts
        return Fraction(x ** int(y)) if y.denominator == 1 else opaque(f"power {y}", x)
    return -parts[0] if term[0] == "neg" else parts[0] / parts[1]


def line_by_line(rule: UpdateRule, known: Mapping[str, Any]) -> dict[str, Fraction]:
    """One step as the lines of the rule say it, in rationals."""
    now = {name: Fraction(value) for name, value in known.items()}
    for assignment in rule.assignments:
        now[assignment.name] = value_of(assignment.term, now)
    return now


# --- proved ---------------------------------------------------------------------------------------------------------


@every_rule
def test_the_kernel_computes_the_rule_for_all_inputs(name: str) -> None:
    for theorem in agreement(RULES[name]):
        judged = theorem.verify()
        assert judged.verdict == "proved", (judged.name, judged.lines[-1].message)
        # NAdam's powers of 0.96 have real exponents: that they are at most 1 is declared, and shown so.
        assert {item.verdict for item in judged.obligations} <= {"proved", *(["declared"] if name == "nadam" else [])}


# --- exact ----------------------------------------------------------------------------------------------------------


@every_rule
def test_forty_steps_in_rationals_are_those_of_the_lines(name: str) -> None:
    rule, random = RULES[name], Random(name)
    plan, numbers, known = plan_of(rule), rationals(uninterpreted=True), defaults(rule)
    w = Fraction(3, 2)
    ours = {PARAMETER: w, **start(rule, w, known)}
    theirs = dict(ours)
    for t in range(1, 42):
        gradient = Fraction(random.randint(-9, 9), random.choice((1, 2, 4, 8)))
        now = {**known, RATE: known.get(RATE, Fraction(0)) / (1 + t // 5), GRADIENT: gradient, STEP: Fraction(t)}
        ours = {key: execute(plan, {**now, **ours}, numbers)[key] for key in ours}
        theirs = {key: line_by_line(rule, {**now, **theirs})[key] for key in theirs}
        assert ours == theirs, t
        # Denominators grow without bound: both go on from the same rounded point.
        ours = {key: value.limit_denominator(10**12) for key, value in ours.items()}
        theirs = dict(ours)


# --- bit for bit ----------------------------------------------------------------------------------------------------


class Readable:
    """The readable text of a rule, run: an optimizer that shares no code with the kernels but the program."""

    def __init__(self, rule: UpdateRule, w: Any, opt: numeric.Optimizer) -> None:
        program = rule_program(rule)
        scope: dict[str, Any] = {"np": np, "math": math}
        exec(numpy_text(program, "step"), scope)
        self.step_, self.program, self.known, self.w = scope["step"], program, dict(opt.hyperparameters), w
        self.state = {name: opt.init(w)[name] for name in rule.initial}
        self.t = 0

    def step(self, g: Any, rate: float) -> None:
        self.t += 1
        given = {**self.known, **self.state, PARAMETER: self.w, GRADIENT: g, RATE: rate, STEP: float(self.t)}
        with np.errstate(all="ignore"):
            found = self.step_(*[given[value.name] for value in self.program.inputs])
        outputs = dict(zip(self.program.names, found if isinstance(found, tuple) else (found,), strict=True))
        self.w, self.state = outputs[PARAMETER], {name: outputs[name] for name in self.state}


def bits(array: Any) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def gradients(random: np.random.Generator, shape: tuple[int, ...], dtype: Any, steps: int) -> Iterator[Any]:
    """Of all sizes from 1e-6 to 10, with signs and zeros; from the middle on, smaller and smaller."""
    for t in range(steps):
        g = random.normal(size=shape) * 10.0 ** random.uniform(-6, 1, size=shape)
        g = g * (random.random(shape) > 0.1) * (0.8 ** max(0, t - steps // 2))
        yield g.astype(dtype)


def rate(t: int) -> float:
    return 0.01 / (1 + t // 7)


@every_backend
@every_dtype
@every_rule
def test_a_hundred_steps_are_those_of_the_readable_text_bit_for_bit(name: str, dtype: Any, backend: str) -> None:
    random = np.random.default_rng(5)
    rule, w = RULES[name], random.normal(size=37).astype(dtype)
    opt = numeric.optimizer(
        rule, lr=rate, backend=backend, **{k: float(v) for k, v in defaults(rule).items() if k != RATE}
    )
    text, state = Readable(rule, w.copy(), opt), opt.init(w)
    for t, g in enumerate(gradients(random, w.shape, dtype, 100), start=1):
        before, given = (w.copy(), state.copy()), g.copy()
        new, after = opt.update(w, g, state)
        opt.step(w, g, state)
        text.step(g, rate(t))
        assert bits(g) == bits(given)
        assert bits(w) == bits(new) == bits(text.w), t
        for key in text.state:
            assert bits(state[key]) == bits(after[key]) == bits(text.state[key]), (t, key)
        assert w.dtype == dtype
        assert before[1].t + 1 == state.t == after.t == t


@every_backend
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_shape_and_any_structure_gives_the_same_bits(backend: str, data: st.DataObject) -> None:
    """Each array alone, and all of them together in a tuple or a dict, cut by groups and dtypes as it may be."""
    name = data.draw(st.sampled_from(sorted(RULES)))
    shapes = data.draw(st.lists(st.lists(st.integers(0, 5), max_size=3).map(tuple), min_size=1, max_size=4))
    dtypes = [data.draw(st.sampled_from([np.float32, np.float64])) for _ in shapes]
    kind = data.draw(st.sampled_from(["tuple", "dict"]))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    opt = numeric.optimizer(RULES[name], lr=rate, backend=backend)
    alone = [random.normal(size=shape).astype(dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    # Strides of all kinds: transposed, every second element, reversed.
    views = [np.repeat(array[..., None], 2, axis=-1)[..., 0] if array.ndim else array.copy() for array in alone]

    def together(leaves: list[Any]) -> Any:
        return tuple(leaves) if kind == "tuple" else {f"k{number}": leaf for number, leaf in enumerate(leaves)}

    w = together(views)
    state, states = opt.init(w), [opt.init(array) for array in alone]
    for _ in range(3):
        g = [np.asarray(random.normal(size=array.shape)).astype(array.dtype) for array in alone]
        opt.step(w, together(g), state)
        for array, gradient, own in zip(alone, g, states, strict=True):
            opt.step(array, gradient, own)
        assert [bits(leaf) for leaf in views] == [bits(leaf) for leaf in alone]


@every_backend
@pytest.mark.parametrize("name", ["adam", "rprop", "nadam"])
def test_blocks_change_no_bit(name: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for block in (16, 1000):
        monkeypatch.setattr("numeric.stepping.BLOCK", {4: block, 8: block})
        opt = numeric.optimizer(name, lr=0.01, backend=backend)
        random = np.random.default_rng(0)
        w = random.normal(size=101)
        state = opt.init(w)
        for g in gradients(random, w.shape, float, 5):
            opt.step(w, g, state)
        found[block] = bits(w)
    assert found[16] == found[1000]


# --- enclosed -------------------------------------------------------------------------------------------------------


@every_dtype
@every_rule
def test_floats_stay_inside_the_balls(name: str, dtype: Any) -> None:
    rule, steps = RULES[name], 12
    known = {k: float(v) for k, v in defaults(rule).items() if k != RATE}
    opt, random = numeric.optimizer(rule, lr=rate, **known), np.random.default_rng(8)
    w = random.normal(size=3).astype(dtype)
    state, program = opt.init(w), rule_program(rule)
    precision = {"float32": 24, "float64": 53}[np.dtype(dtype).name]
    scalar = {each.name for each in rule.state if each.scalar}
    balls: list[dict[str, Any]] = [
        {PARAMETER: w[k], **{key: state[key] if key in scalar else state[key][k] for key in rule.initial}}
        for k in range(3)
    ]
    for t, g in enumerate(gradients(random, w.shape, dtype, steps), start=1):
        opt.step(w, g, state)
        for k in range(3):
            now = {**known, RATE: rate(t), STEP: t, GRADIENT: g[k], **balls[k]}
            balls[k] = enclosure(program, {value.name: now[value.name] for value in program.inputs}, precision)
            for key, ball in balls[k].items():
                got = w[k] if key == PARAMETER else state[key] if key in scalar else state[key][k]
                assert ball.contains(got), (t, k, key, got, ball)


# --- a kernel with one thing wrong ----------------------------------------------------------------------------------


def mutants(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """The plan with one operation swapped, its arguments turned, one constant changed, or one target elsewhere."""
    for place, write in enumerate(plan.writes):

        def put(changed: Any, place: int = place) -> Plan:
            return dataclasses.replace(plan, writes=(*plan.writes[:place], changed, *plan.writes[place + 1 :]))

        if write.op in ORDINARY and (len(write.arguments) == 2) == (ORDINARY[write.op] not in ("absolute", "negative")):
            yield f"{place}: {write.op} -> {ORDINARY[write.op]}", put(dataclasses.replace(write, op=ORDINARY[write.op]))
        if write.op in ("subtract", "divide"):
            yield f"{place}: {write.op} turned", put(dataclasses.replace(write, arguments=write.arguments[::-1]))
        if write.op == COPY:
            yield (
                f"{place}: not copied",
                dataclasses.replace(plan, writes=(*plan.writes[:place], *plan.writes[place + 1 :])),
            )
    values = plan.program.values
    for number in plan.scalars:
        value = values[number]
        new: Any = None
        if isinstance(value, Constant) and isinstance(value.value, Fraction):
            new = Constant(value.value + 1)
        elif isinstance(value, Operation) and len(value.arguments) == 2 and value.op in ORDINARY:
            new = dataclasses.replace(value, op=ORDINARY[value.op])
        if new is not None:
            program = Program((*values[:number], new, *values[number + 1 :]), plan.program.outputs)
            yield f"scalar {number}: {value} -> {new}", dataclasses.replace(plan, program=program)


def points(rule: UpdateRule) -> list[dict[str, Fraction]]:
    """Exact points for one step: early and late, turns of the gradient, gradients of 0, and v = g**2."""
    random, found = Random(3), []
    known = defaults(rule) | ({"t0": Fraction(3)} if rule.name == "asgd" else {})
    for t in (1, 2, 3, 4, 5, 6, 7, 8, 40):
        for number in range(8):
            state = {each.name: Fraction(random.randint(-40, 40), 8) for each in rule.state}
            state |= {each.name: abs(state[each.name]) for each in rule.state if each.invariant}
            w, g = Fraction(random.randint(-20, 20), 4), Fraction(random.randint(-60, 60), 8) * (number > 0)
            state |= {"v": g**2} if number == 1 and "v" in state else {}
            found.append({**known, **state, PARAMETER: w, STEP: Fraction(t), GRADIENT: g})
    return found


def differs(mutant: Plan, rule: UpdateRule, point: Mapping[str, Fraction], truth: Mapping[str, Fraction]) -> bool:
    try:
        found = execute(mutant, point, rationals(uninterpreted=True))
    except (ArithmeticError, ValueError):
        return True
    return any(found.get(key) != truth[key] for key in (PARAMETER, *rule.initial))


@every_rule
def test_a_kernel_with_one_thing_wrong_is_caught(name: str) -> None:
    """By an exact point where it differs; and what no point tells apart, is proved to be the same."""
    rule = RULES[name]
    places = points(rule)
    right = [line_by_line(rule, point) for point in places]
    plan = plan_of(rule)
    assert not any(differs(plan, rule, point, truth) for point, truth in zip(places, right, strict=True))
    missed, count = {}, 0
    for what, mutant in mutants(plan):
        count += 1
        if not any(differs(mutant, rule, point, truth) for point, truth in zip(places, right, strict=True)):
            missed[what] = mutant
    assert count >= 2
    assert len(missed) <= 1
    for what, mutant in missed.items():
        assert {theorem.verify().verdict for theorem in agreement(rule, mutant)} == {"proved"}, what

"""Generated files are run here, beside the optimizer that they were generated from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np

import numeric
from derive.derivation import Text
from derive.errors import InputError
from derive.library.optimizers import OPTIMIZERS
from derive.update_rule import Hyperparameter, State, UpdateRule
from numeric.balls import enclosure
from numeric.domains import facts
from numeric.export import TARGETS, export
from numeric.inplace import rule_program
from numeric.program import Operation, Program

RULES: dict[str, UpdateRule] = dict(OPTIMIZERS)
RULES |= {rule.name: rule for rule in (OPTIMIZERS[name].with_decay() for name in ("sgd", "adam", "nesterov"))}
RATE = Hyperparameter("eta", "1/10", "eta >= 0", Text("learning rate"), ("lr",))


def custom(name: str, lines: str, *state: State, numbers: tuple[str, ...] = (), point: str = "w") -> None:
    hypers = tuple(Hyperparameter(each, "1/3", f"0 <= {each} < 1", Text("a number")) for each in numbers)
    assignments = tuple(line.strip() for line in lines.split(";"))
    RULES[name] = UpdateRule(name, Text(name), assignments, (RATE, *hypers), state, gradient_at=point)


# What no rule of the library does. A state is read after it was replaced:
custom("late", "c = m; m = p + g; p = c; w = w - eta*m*c", State("m", "1"), State("p"))
custom("number", "q = p; p = p*beta; w = w - eta*(q*g) - p*g", State("p", "1/3", scalar=True), numbers=("beta",))
# Two change places:
custom("swap", "c = m; m = p; p = c; w = w - eta*(m + g)", State("m", "2"), State("p", "w"))
# One begins as w, another as a formula; the gradient is taken somewhere else:
custom("begin", "a = a + g; r = r + sqrt(r); w = w - eta*a*r", State("a", "w"),
       State("r", "max(sqrt(b), sign(b - 1))", scalar=True), numbers=("b",), point="w + r*sqrt(a**2)")  # fmt: skip
# Names that languages keep for themselves:
custom("taken", """np = let + 1; lambda = np*let + restrict*g; class = lambda*lambda; s1 = class*2/3; let = lambda/2;
       i = i + n; n = n + 1; step = step + double*i; w = w - eta*(s1 + state)/(class + 1); state = step*n""",
       State("let"), State("i", scalar=True), State("step"), State("state"), State("n", "2", scalar=True),
       numbers=("restrict", "double"))  # fmt: skip
# Functions of arrays, and constants of all kinds:
custom("functions", "k = exp(-g**2) + log(1 + abs(g)); a = (1 + abs(g))**b + b**abs(g) + 1/(1 + g**2)**2;"
       "w = w - eta*(k + a*pi)", numbers=("b",))  # fmt: skip
custom("constants", "w = w - eta*(g*(1/3) + 10**20*g - 100000*g + 0.3*g - (-7)*g + g/10**30) - (-3)")
NAMES = sorted(RULES)
SHAPES: tuple[tuple[int, ...], ...] = ((), (7,), (2, 3), (0,), (1, 2, 1))
STEPS = 7
CANDIDATES = ("1/4", "3/4", "3/2", "3", "100")
EXACT = {"add", "subtract", "multiply", "divide", "sqrt", "absolute", "sign", "maximum", "minimum", "negative"}
PRECISION = {"float32": 24, "float64": 53}


def eta(t: int) -> float:
    """The learning rate goes up and down."""
    return (0.3, 0.1, 0.05)[t % 3] / t


@dataclass(frozen=True)
class Case:
    """A rule with hyperparameters, its defaults or others."""

    rule: UpdateRule
    hyperparameters: Mapping[str, float] = field(hash=False)  # without eta

    def settings(self, t: int) -> dict[str, float]:
        given = dict(self.hyperparameters)
        return {"eta": eta(t), **given} if any(h.name == "eta" for h in self.rule.hyperparameters) else given


def cases(name: str) -> list[Case]:
    """The defaults, and for every hyperparameter another value of its domain."""
    rule = RULES[name]
    defaults = {h.name: float(h.value) for h in rule.hyperparameters}
    others = dict(defaults)
    for hyper in rule.hyperparameters:
        others[hyper.name] = next(
            value for value in map(float, map(Fraction, CANDIDATES)) if fits(hyper, value, others)
        )
    found = [Case(rule, {key: value for key, value in each.items() if key != "eta"}) for each in (defaults, others)]
    return found[1:] if name.endswith("-l2") else found


def fits(hyper: Any, value: float, others: Mapping[str, float]) -> bool:
    if value == float(hyper.value) or (hyper.name == "t0" and value > STEPS):
        return False
    fact = facts(hyper.domain)
    names = {put.name for condition in fact.conditions for put in condition.sides.inputs}
    try:
        fact.demand({key: each for key, each in {**others, hyper.name: value}.items() if key in names})
    except InputError:
        return False
    return True


def data(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Iterator[Any]:
    """Parameters, then gradients: of many sizes, with zeros of both signs, and some that do not change."""
    random = np.random.default_rng(seed)
    yield np.asarray(random.normal(size=shape), dtype)
    before = np.asarray(random.normal(size=shape))
    for t in range(STEPS):
        fresh = random.normal(size=shape) * 10.0 ** random.integers(-6, 2, shape)
        fresh = np.where(random.random(shape) < 0.3, random.choice([0.0, -0.0], shape), fresh)
        before = np.where(random.random(shape) < 0.2, before, fresh) if t else before
        yield np.asarray(before, dtype)


State = dict[str, Any]


def reference(case: Case, shape: tuple[int, ...], dtype: Any) -> Iterator[tuple[Any, State, Any, Any, State]]:
    """Parameters, state and gradient before each step, parameters and state after it."""
    w, *gradients = data(shape, dtype)
    opt = numeric.optimizer(case.rule, lr=eta, **case.hyperparameters)
    state = opt.init(w)
    names = [each.name for each in case.rule.state]
    for g in gradients:
        old, before = w, {name: np.copy(state[name]) for name in names}
        w, state = opt.update(w, g, state)
        yield old, before, g, w, {name: np.copy(state[name]) for name in names}


def module(name: str, to: str) -> ModuleType:
    made = ModuleType(f"{to}_{name}")
    exec(export(RULES[name], to).text, made.__dict__)
    return made


def same(left: Any, right: Any) -> bool:
    """Bit for bit, the sign of zero too."""
    left, right = np.asarray(left), np.asarray(right)
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def is_exact(rule: UpdateRule, but: Collection[str] = (), *, scalars: bool = False) -> bool:
    """Whether the array code of the rule, with `scalars` all of it, is made of operations that IEEE 754 determines."""
    found = (value for value in rule_program(rule).values if isinstance(value, Operation) and (scalars or value.dims))
    return {value.op for value in found} <= EXACT.difference(but)


def misfits(
    case: Case, t: int, before: Mapping[str, Any], after: Mapping[str, Any], dtype: Any,
    change: Callable[[Program], Program] = lambda program: program,
) -> list[Any]:  # fmt: skip
    """The places at which one step from `before` (w, g, state) ends outside the ball of the rule's own formula.

    `change` may rewrite the program into what the target is known to compute.
    """
    program = change(rule_program(case.rule))
    scalars = {state.name for state in case.rule.state if state.scalar}
    fixed = {**case.settings(t), "t": t}
    wrong = []
    for place in np.ndindex(np.shape(before["w"])):
        given = {name: float(value if name in scalars else np.asarray(value)[place]) for name, value in before.items()}
        every = {**fixed, **given}
        balls = enclosure(
            program, {value.name: every[value.name] for value in program.inputs}, PRECISION[np.dtype(dtype).name]
        )
        for name, ball in balls.items():
            got = float(after[name] if name in scalars else np.asarray(after[name])[place])
            if not ball.contains(got):
                wrong.append((case.rule.name, name, t, place, got, ball))
    return wrong


assert set(TARGETS) == {"numpy", "torch", "optax", "c", "js", "latex"}

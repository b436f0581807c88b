"""Every rule in every language: generated, run, and compared with the optimizer bit for bit."""

from __future__ import annotations

import base64
import ctypes
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from derive.derivation import Text
from derive.update_rule import State, UpdateRule
from numeric.export import export
from numeric.export.source import Source


def load(name: str) -> ModuleType:
    known = f"symstep_{name}"  # the tests are no package
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).resolve().parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


exported = load("exported")
RULES, NAMES, SHAPES = exported.RULES, exported.NAMES, exported.SHAPES
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
NODE = shutil.which("node")
DTYPES = [np.float32, np.float64]


# --- NumPy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_numpy_is_the_optimizer_bit_for_bit(name: str, dtype: Any) -> None:
    made = exported.module(name, "numpy")
    for case in exported.cases(name):
        for shape in SHAPES:
            state = None
            for t, (w, before, g, after, expected) in enumerate(exported.reference(case, shape, dtype), 1):
                options = case.settings(t)
                if state is None:
                    takes = "eta" in made.init.__code__.co_varnames
                    state = made.init(w, **(options if takes else {}))
                assert all(exported.same(np.asarray(state[key], before[key].dtype), before[key]) for key in before)
                kept = w.copy(), g.copy()
                got, state = made.step(w, g, state, t, **options)
                assert exported.same(got, after), (shape, t)
                assert all(exported.same(state[key], np.asarray(expected[key])) for key in expected), (shape, t)
                assert exported.same(w, kept[0])
                assert exported.same(g, kept[1])
                assert not any(np.may_share_memory(value, g) for value in state.values())


# --- C and JavaScript -----------------------------------------------------------------------------------------------


FLAGS = ["-std=c99", "-O3", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off", "-shared", "-fPIC"]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, ctypes.CDLL]:
    """All rules, compiled for double and for float."""
    if COMPILER is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("c")
    files = []
    for name in NAMES:
        files.append(folder / f"{name}.c")
        files[-1].write_text(export(RULES[name], "c").text, encoding="utf-8")
    found = {}
    for dtype, real in ((np.float64, "double"), (np.float32, "float")):
        out = folder / f"{real}.so"
        subprocess.run([COMPILER, *FLAGS, f"-DREAL={real}", "-o", out, *files, "-lm"], check=True, timeout=120)
        found[dtype] = ctypes.CDLL(str(out))
    return found


class Compiled:
    """The functions of a rule, called with NumPy arrays."""

    def __init__(self, library: ctypes.CDLL, rule: UpdateRule) -> None:
        self.library, self.rule, self.name = library, rule, Source(rule).identifier

    def call(self, what: str, n: int, arrays: list[Any], numbers: list[float]) -> None:
        function = getattr(self.library, f"{self.name}_{what}")
        function.restype = None
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
        function(ctypes.c_size_t(n), *pointers, *map(ctypes.c_double, numbers))

    def init(self, w: Any, options: dict[str, float]) -> dict[str, Any]:
        state = {
            s.name: np.full(1 if s.scalar else w.shape, np.nan, float if s.scalar else w.dtype) for s in self.rule.state
        }
        self.call("init", w.size, [w, *state.values()], list(options.values()))
        return state

    def step(self, w: Any, g: Any, state: dict[str, Any], t: int, options: dict[str, float]) -> None:
        self.call("step", w.size, [w, g, *state.values()], [t, *options.values()])

    def point(self, w: Any, state: dict[str, Any], options: dict[str, float]) -> Any:
        out = np.empty_like(w)
        self.call("point", w.size, [out, w, *state.values()], list(options.values()))
        return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_c_is_the_optimizer_bit_for_bit(name: str, dtype: Any, libraries: dict[Any, ctypes.CDLL]) -> None:
    """But for exp and the like of arrays, which NumPy has its own of: there each step is inside the ball."""
    compiled = Compiled(libraries[dtype], RULES[name])
    exact = exported.is_exact(RULES[name])
    for case in exported.cases(name):
        for shape in (*SHAPES, (101,)):
            state, held = None, None
            for t, (w, before, g, after, expected) in enumerate(exported.reference(case, shape, dtype), 1):
                options = case.settings(t)
                if state is None:
                    state, held = compiled.init(w, options), w.copy()
                old = {
                    "w": held.copy(),
                    "g": g,
                    **{key: v.reshape(before[key].shape).copy() for key, v in state.items()},
                }
                assert not exact or all(exported.same(old[key], before[key]) for key in before)
                compiled.step(held, g.copy(), state, t, options)
                new = {"w": held, **{key: v.reshape(before[key].shape) for key, v in state.items()}}
                if exact:
                    assert all(exported.same(new[key], v) for key, v in {"w": after, **expected}.items()), (shape, t)
                else:
                    assert not exported.misfits(case, t, old, new, dtype)


RUNNER = """
const fs = require("fs");
const cases = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const coded = (a) => Buffer.from(Float64Array.from(typeof a === "number" ? [a] : a).buffer).toString("base64");
const decoded = (text) => new Float64Array(new Uint8Array(Buffer.from(text, "base64")).buffer);
const seen = (w, state) => ({
  w: coded(w), ...Object.fromEntries(Object.entries(state).map(([name, value]) => [name, coded(value)])) });
console.log(JSON.stringify(cases.map(({ file, w, gradients, options }) => {
  const rule = require(file), weights = decoded(w), state = rule.init(weights, options[0]);
  const found = [seen(weights, state)];
  gradients.forEach((g, k) => {
    rule.step(weights, decoded(g), state, k + 1, options[k]);
    found.push(seen(weights, state));
  });
  return { seen: found, point: rule.point ? coded(rule.point(weights, state, options[0])) : null };
})));
"""


def coded(array: Any) -> str:
    return base64.b64encode(np.asarray(array, np.float64).tobytes()).decode("ascii")


@pytest.fixture(scope="module")
def in_node(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int, tuple[int, ...]], Any]:
    """What every rule does in JavaScript: w and the state from the start on, after each step."""
    if NODE is None:
        pytest.skip("needs node")
    folder = tmp_path_factory.mktemp("js")
    keys, runs = [], []
    for name in NAMES:
        file = folder / f"{name}.js"
        file.write_text(export(RULES[name], "js").text, encoding="utf-8")
        for number, case in enumerate(exported.cases(name)):
            for shape in SHAPES:
                w, *gradients = exported.data(shape, np.float64)
                options = [case.settings(t) for t in range(1, len(gradients) + 1)]
                keys.append((name, number, shape))
                runs.append(
                    {"file": str(file), "w": coded(w), "gradients": list(map(coded, gradients)), "options": options}
                )
    (folder / "cases.json").write_text(json.dumps(runs), encoding="utf-8")
    (folder / "runner.js").write_text(RUNNER, encoding="utf-8")
    done = subprocess.run(
        [NODE, folder / "runner.js", folder / "cases.json"], capture_output=True, text=True, check=True, timeout=120
    )
    return dict(zip(keys, json.loads(done.stdout), strict=True))


def decoded(values: dict[str, str], shape: tuple[int, ...], scalars: set[str]) -> dict[str, Any]:
    raw = {name: np.frombuffer(base64.b64decode(text), np.float64) for name, text in values.items()}
    return {name: array.reshape(() if name in scalars else shape) for name, array in raw.items()}


@pytest.mark.parametrize("name", NAMES)
def test_javascript_is_the_optimizer_bit_for_bit(
    name: str, in_node: dict[tuple[str, int, tuple[int, ...]], Any]
) -> None:
    """Where Math.pow occurs, each step is inside the ball of the rule instead: engines differ in its last bit."""
    scalars = {state.name for state in RULES[name].state if state.scalar}
    for number, case in enumerate(exported.cases(name)):
        for shape in SHAPES:
            states = [decoded(each, shape, scalars) for each in in_node[name, number, shape]["seen"]]
            steps = list(exported.reference(case, shape, np.float64))
            first = {"w": steps[0][0], **steps[0][1]}
            assert all(exported.same(states[0][key], value) for key, value in first.items())
            for t, (_, _, g, after, expected) in enumerate(steps, 1):
                if exported.is_exact(case.rule, scalars=True):
                    wanted = {"w": after, **expected}
                    assert all(exported.same(states[t][key], value) for key, value in wanted.items()), (shape, t)
                else:
                    assert not exported.misfits(case, t, {**states[t - 1], "g": g}, states[t], np.float64)


# --- the point of the gradient, and where a state begins -------------------------------------------------------------


@pytest.mark.parametrize("name", ["nesterov", "nesterov-l2", "begin"])
def test_where_the_gradient_is_taken_is_the_same_everywhere(
    name: str, libraries: dict[Any, ctypes.CDLL], in_node: dict[tuple[str, int, tuple[int, ...]], Any]
) -> None:
    made, compiled = exported.module(name, "numpy"), Compiled(libraries[np.float64], RULES[name])
    for number, case in enumerate(exported.cases(name)):
        w, before, _, after, expected = list(exported.reference(case, (7,), np.float64))[-1]
        options = case.settings(1)
        m = expected["m" if "m" in expected else "r"]
        straight = after + (options["beta1"] * m if "m" in expected else m * np.sqrt(expected["a"] * expected["a"]))
        state = {key: np.atleast_1d(value).copy() for key, value in expected.items()}
        assert exported.same(made.point(after, expected, **options), straight)
        assert exported.same(compiled.point(after, state, options), straight)
        coded_point = in_node[name, number, (7,)]["point"]
        assert exported.same(np.frombuffer(base64.b64decode(coded_point), np.float64), straight)
        assert not exported.same(made.point(w, before, **options), straight)


def test_a_state_that_begins_as_a_formula_of_the_parameters() -> None:
    rule = UpdateRule(
        "formula", Text("A formula"), ("a = a + g", "w = w - eta*a"), (exported.RATE,), (State("a", "2*w + eta*w**2"),)
    )
    scope: dict[str, Any] = {}
    exec(export(rule, "numpy").text, scope)
    w = np.array([0.1, -2.0])
    assert exported.same(scope["init"](w, eta=0.5)["a"], 2 * w + 0.5 * (w * w))
    assert "a[i] = 2*w[i] + (real)eta*(w[i]*w[i]);" in export(rule, "c").text
    assert "a[i] = 2*w[i] + eta*(w[i]*w[i]);" in export(rule, "js").text
    assert 'state["a"] = 2*w + eta*(w*w)' in export(rule, "torch").text
    assert "a=jax.tree.map(lambda w: jnp.asarray(2*w + eta*(w*w), w.dtype), params)," in export(rule, "optax").text


def test_a_rule_that_never_reads_w() -> None:
    for line, in_loop in (("w = g", "w[i] = g[i];"), ("w = -eta*g", None)):
        rule = UpdateRule("unread", Text("Unread"), (line,), (exported.RATE,))
        scope: dict[str, Any] = {}
        exec(export(rule, "numpy").text, scope)
        g = np.array([1.5, -0.0])
        got, _ = scope["step"](np.ones(2), g, {}, 1, eta=0.5)
        assert exported.same(got, g if line == "w = g" else -0.5 * g)
        assert not np.may_share_memory(got, g)
        for to in ("c", "js"):
            assert in_loop is None or in_loop in export(rule, to).text
        assert "- w" in export(rule, "optax").text
        assert "param.copy_(w)" in export(rule, "torch").text


# --- JavaScript in a module and on a page ----------------------------------------------------------------------------


def test_javascript_in_a_module_and_on_a_page(tmp_path: Path) -> None:
    if NODE is None:
        pytest.skip("needs node")
    (tmp_path / "adam.js").write_text(export("adam", "js").text, encoding="utf-8")
    (tmp_path / "module.mjs").write_text('import adam from "./adam.js"; console.log(Object.keys(adam).join());')
    page = """const fs = require("fs"), vm = require("vm"), page = vm.createContext({});
vm.runInContext('"use strict";' + fs.readFileSync("adam.js", "utf8"), page);
console.log(vm.runInContext("Object.keys(globalThis.adam).join()", page));"""
    (tmp_path / "page.js").write_text(page)
    for file in ("module.mjs", "page.js"):
        done = subprocess.run([NODE, file], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == "init,step\n"


def test_javascript_refuses_lengths_that_differ(tmp_path: Path) -> None:
    if NODE is None:
        pytest.skip("needs node")
    (tmp_path / "sgd.js").write_text(export("sgd", "js").text, encoding="utf-8")
    program = 'require("./sgd.js").step(new Float64Array(2), new Float64Array(3), {}, 1)'
    done = subprocess.run([NODE, "-e", program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "RangeError: w and g differ in length" in done.stderr

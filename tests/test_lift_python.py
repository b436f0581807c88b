"""Steps in plain Python, read: what is right is understood, and what is hostile is refused, and never run."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numeric
from derive.ascii import show
from derive.errors import InputError, MissingDependency, SymstepError, Undecided
from derive.library.optimizers import OPTIMIZERS
from derive.update_rule import optimizer
from numeric.lift import Lifted, lift

HEAD = "import math\nimport numpy as np\n"


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Lift `step` of a file with that text."""

    def lifted(text: str, name: str = "step", **more: Any) -> Lifted:
        path = tmp_path / "own.py"
        path.write_text(HEAD + text, encoding="utf-8")
        return lift(f"{path}:{name}", **more)

    return lifted


ADAM = """
def step(w, g, state, t, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v = state
    m = beta1*m + (1 - beta1)*g
    v = beta2*v + (1 - beta2)*g**2
    mhat = m/(1 - beta1**t)
    vhat = v/(1 - beta2**t)
    return w - lr*mhat/(np.sqrt(vhat) + eps), (m, v)
"""


def test_adam_of_the_paper(read: Any) -> None:
    rule = read(ADAM)
    assert (rule.how, rule.conditions, rule.first_conditions) == ("read", (), ())
    assert rule.rule.step["w"] == optimizer("adam").step["w"]
    assert rule.rule.step["v"] == optimizer("adam").step["v"]
    assert rule.defaults == {"eta": "0.001", "beta1": "0.9", "beta2": "0.999", "eps": "1e-8"}
    assert [(s.name, s.initial, s.invariant) for s in rule.rule.state] == [("m", "0", ""), ("v", "0", "v >= 0")]
    assert show(rule.first["m"]) == "(1 - beta1)*g"


# Every rule of the library, written out as a step of Python, is read as that rule.
def python_of(rule: Any) -> str:
    names = [state.name for state in rule.state]
    header = ", ".join(f"{h.name}={float(h.value)!r}" for h in rule.hyperparameters)
    lines = [f"{name} = state['{name}']" for name in names]
    for line in rule.lines:
        line = re.sub(r"\b(sqrt|sign|abs)\(", r"np.\1(", line)
        lines.append(line)
    start = ", ".join(f"'{state.name}': {state.initial}" for state in rule.state)
    body = "\n    ".join([*lines, "return w, {" + ", ".join(f"'{name}': {name}" for name in names) + "}"])
    text = f"def step(w, g, state, t, {header}):\n    {body}\n"
    rates = ", ".join(f"{h.name}={float(h.value)!r}" for h in rule.hyperparameters)
    return f"{text}\ndef init(w, {rates}):\n    return {{{start}}}\n"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_of_the_library_as_python(name: str, read: Any) -> None:
    """Run for some steps, the rule that was read and that of the library give the same numbers, but for rounding."""
    rule = OPTIMIZERS[name]
    off = [h.name for h in rule.hyperparameters if h.value == 0]
    found = read(python_of(rule), symbols=off)
    assert found.conditions == ()
    assert {s.name: s.initial for s in found.rule.state} == {
        s.name: re.sub(r"\b1\.0\b", "1", s.initial) for s in rule.state
    }  # fmt: skip
    chosen = {h.name: 0.3 for h in rule.hyperparameters if h.value == 0}
    one, other = numeric.optimizer(rule, lr=0.1, **chosen), numeric.optimizer(found.rule, lr=0.1, **chosen)
    w, g = np.array([1.0, -2.0, 0.5]), np.array([0.5, -1.0, 2.0])
    state = one.init(w)
    scalars = {**one.hyperparameters, "eta": 0.1}
    first = numeric.kernel(numeric.translate(found.first, scalars=tuple(scalars), rows=("w", "g")))
    expected = first.run(
        **{value.name: {**scalars, "w": w.copy(), "g": g}[value.name] for value in first.program.inputs}
    )
    one.step(w, g, state)
    for key, value in expected.items():
        np.testing.assert_allclose(value, w if key == "w" else state[key], rtol=1e-11)
    v, twin = w.copy(), other.from_dict({**state.to_dict(), "rule": found.rule.name}, w)
    for t in range(5):
        g = np.array([0.5, -1.0, 2.0]) * (-1.3) ** t
        one.step(w, g, state)
        other.step(v, g, twin)
        np.testing.assert_allclose(v, w, rtol=1e-11)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "def step(w, g, state, t, lr=0.1, mu=0.9):\n    v = state['v']\n    state['v'] = mu*v + g\n"
            "    w -= lr*state['v']\n    return w, state\n",
            ("v = mu*v + g", "w = w - eta*v"),
        ),
        (
            "def step(w, g, state, t, lr=0.1, beta=0.9):\n    m, = state\n    m = m*beta\n    m += g\n    rate = lr\n"
            "    rate /= 2\n    w -= rate*m\n    return w, (m,)\n",
            ("m = m*beta + g", "w = w - eta/2*m"),
        ),
        (
            "def step(w, g, state, t, lr=0.1):\n    return w - lr*g, ()\n",
            ("w = w - eta*g",),
        ),
        (
            "def step(w, g, state, t, lr=0.1):\n    for k in (1, 2):\n        w = w - k*lr*g\n    return w, state\n",
            ("w = w - eta*g - 2*eta*g",),
        ),
        (
            "def step(w, g, state, t, lr=0.1):\n    for _ in range(2):\n        w = w - lr*g\n    return w, state\n",
            ("w = w - eta*g - eta*g",),
        ),
        (
            "def scaled(x, by=2):\n    if by == 2:\n        return 2*x\n    return by*x\n"
            "def step(w, g, state, t, lr=0.1):\n    return w - scaled(lr*g, by=2), state\n",
            ("w = w - 2*(eta*g)",),
        ),
        (
            "from math import sqrt\nclip = 1.5\ndef step(w, g, state, t, lr=0.1):\n"
            "    return w - lr/sqrt(t)*max(-clip, min(clip, g)), state\n",
            ("w = w - eta/sqrt(t)*max(-3/2, min(3/2, g))",),
        ),
        (
            "def step(w, g, state, t, lr=0.1, nesterov=True):\n    m = state[0]\n    m = 0.5*m + g\n"
            "    return w - lr*(g + 0.5*m if nesterov else m), (m,)\n",
            ("s0 = 1/2*s0 + g", "w = w - eta*(g + 1/2*s0)"),
        ),
        (
            "def step(w, g, state, t, lr=0.1):\n    return w - lr*np.where(g > 0, g, 0.0), state\n",
            ("w = w - eta*(g*max(sign(g), 0))",),
        ),
        (
            "def step(w, g, state, t, lr=0.1):\n    if g < 0:\n        return w, state\n    return w - lr*g, state\n",
            ("w = w*max(-sign(g), 0) + (w - eta*g)*(1 - max(-sign(g), 0))",),
        ),
        (
            "def step(w, g, state, t, lr=0.1):\n    if t == 1:\n        m = g\n    else:\n"
            "        m = 0.5*state['m'] + g\n    return w - lr*m, {'m': m}\n",
            ("m = 1/2*m + g", "w = w - eta*m"),
        ),
    ],
)
def test_what_is_read(text: str, lines: tuple[str, ...], read: Any) -> None:
    found = read(text)
    assert found.rule.lines == lines
    assert found.conditions == ()


def test_classes(read: Any) -> None:
    found = read(
        "class Own:\n    def __init__(self, lr=0.1, mu=0.9):\n        assert lr >= 0\n"
        "        self.lr, self.mu = lr, mu\n"
        "        self.v, self.t = None, 0\n    def step(self, w, g):\n        self.t += 1\n        if self.v is None:\n"
        "            self.v = np.zeros_like(w)\n        self.v = self.mu*self.v + g\n"
        "        return w - self.rate()*self.v\n    def rate(self):\n        return self.lr/math.sqrt(self.t)\n", "Own",
    )  # fmt: skip
    assert found.rule.lines == ("v = mu*v + g", "w = w - eta/sqrt(t)*v")
    assert show(found.first["w"]) == "w - eta*g"


def test_branches_on_hyperparameters_and_time_are_conditions(read: Any) -> None:
    text = (
        "def step(w, g, state, t, lr=0.1, warm=10.0, lam=0.0):\n    if lam != 0:\n        g = g + lam*w\n"
        "    rate = lr*t/warm if t < warm else lr\n    return w - rate*g, state\n"
    )
    late, early = read(text), read(text, at=3, symbols=["lam"])
    assert [show(condition) for condition in late.conditions] == ["t >= warm"]
    assert [show(condition) for condition in early.conditions] == ["t < warm"]
    assert late.rule.lines == ("w = w - eta*g",)
    assert early.rule.lines == ("w = w - eta*t/warm*(g + lam*w)",)
    assert [show(condition) for condition in early.first_conditions] == ["1 < warm"]


def test_settings(read: Any) -> None:
    found = read(ADAM, settings={"beta1": 0.8, "lr": 0.1})
    assert found.rule.lines[0] == "m = 4/5*m + 1/5*g"
    assert found.fixed == {"beta1": "0.8", "lr": "0.1"}
    with pytest.raises(InputError, match="no hyperparameter momentum"):
        read(ADAM, settings={"momentum": 0.8})


@pytest.mark.parametrize(("target", "package"), [("torch.optim.Adam", "torch"), ("optax.adam", "optax")])
def test_packages_that_are_not_installed(target: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency, match="pip install"):
        lift(target)


# --- what is not read -------------------------------------------------------------------------------------------------

STEP = "def step(w, g, state, t, lr=0.1):\n"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (f"{STEP}    while True:\n        w = w - lr*g\n    return w, state\n", "4:5", "a while loop"),
        (f"{STEP}    return step(w, g, state, t), state\n", "4:12", "calls itself"),
        ("def a(x):\n    return b(x)\ndef b(x):\n    return a(x)\n" + f"{STEP}    return a(w), state\n", "6:12",
         "calls itself"),
        (f"{STEP}    return w - lr*9**9**9*g, state\n", "4:", "a power of more than"),
        (f"{STEP}    return w - lr*np.mean(g), state\n", "4:19", "numpy.mean"),
        (f"{STEP}    return w - lr*np.max(g), state\n", "4:19", "numpy.max"),
        (f"{STEP}    return w // lr, state\n", "4:12", "FloorDiv"),
        (f"{STEP}    return w - lr*(lambda x: x)(g), state\n", "4:20", "no plain name"),
        (f"{STEP}    return [w - lr*g for _ in (1,)][0], state\n", "4:12", "ListComp"),
        (f"{STEP}    try:\n        w = w - lr*g\n    finally:\n        pass\n    return w, state\n", "4:5", "Try"),
        (f"{STEP}    global x\n    return w, state\n", "4:5", "Global"),
        (f"{STEP}    import os\n    return w, state\n", "4:5", "Import"),
        (f"{STEP}    for x in range(10**6):\n        w = w - lr*g\n    return w, state\n", "4:14", "a range of more"),
        (f"{STEP}    for x in g:\n        w = w - lr*x\n    return w, state\n", "4:5", "a loop over"),
        (f"{STEP}    return w.__class__.__mro__, state\n", "4:12", "the attribute __class__"),
        (f"{STEP}    return open('/etc/passwd'), state\n", "4:12", "a call of open"),
        (f"{STEP}    return __builtins__['eval']('1'), state\n", "4:12", "no plain name"),
        (f"{STEP}    raise ValueError\n", "4:5", "an exception"),
        (f"{STEP}    m = state['m']\n    m += g\n    return w - lr*m, state\n", "5:5", "in place"),
        (f"{STEP}    m = state['m']\n    m += g\n    return w - state['m'], {{'m': m}}\n", "5:5", "in place"),
        (f"{STEP}    v = w\n    v -= lr*g\n    return w, state\n", "5:5", "in place"),
        (f"{STEP}    v = g*g\n    u = v\n    u += g\n    return w - v, state\n", "6:5", "in place"),
        ("class step:\n    def __init__(self):\n        self.m = 0.0\n    def step(self, w, g):\n"
         "        self.m += 0.0\n        m = self.m\n        m += g\n        return w - m\n", "6:5", "in place"),
        (f"{STEP}    return w/(lr - lr), state\n", "4:12", "a division by zero"),
        (f"{STEP}    w = w - lr*g\n", "3:1", "returns nothing"),
        (f"{STEP}    return w, state, 1\n", "3:1", "not \\(w, state\\)"),
    ],
)  # fmt: skip
def test_beyond_what_is_read(text: str, place: str, message: str, read: Any) -> None:
    with pytest.raises(Undecided, match=message) as caught:
        read(text)
    assert f"own.py:{place}" in str(caught.value)
    assert "rewrite the line" in str(caught.value)


MARK = "open('ran', 'w').close()"
HOSTILE: dict[str, str] = {
    "imports os": "import os\nos.system('touch ran')\n" + STEP + "    return w, state\n",
    "imports from os": "from os import system\n" + STEP + "    return w, state\n",
    "imports below math": "import math.os\n" + STEP + "    return w, state\n",
    "star": "from numpy import *\n" + STEP + "    return w, state\n",
    "relative": "from . import x\n" + STEP + "    return w, state\n",
    "statement": f"{MARK}\n" + STEP + "    return w, state\n",
    "decorator": f"@print({MARK})\n" + STEP + "    return w, state\n",
    "default": f"def step(w, g, state, t, lr={MARK}):\n    return w, state\n",
    "default of a method": f"class step:\n    def step(self, w, g, t={MARK}):\n        return w\n",
    "annotation of a class": f"class step:\n    x: int = {MARK}\n    def step(self, w, g):\n        return w\n",
    "base": f"class step({MARK}):\n    def step(self, w, g):\n        return w\n",
    "metaclass": "class step(metaclass=print):\n    def step(self, w, g):\n        return w\n",
    "two meanings": STEP + "    return w, state\n" + STEP + "    return g, state\n",
    "patches numpy": "np.sqrt = abs\n" + STEP + "    return w, state\n",
    "constant of a call": f"x = {MARK}\n" + STEP + "    return w, state\n",
    "else of main": "if __name__ == '__main__':\n    pass\nelse:\n    " + MARK + "\n" + STEP + "    return w, state\n",
    "long": "x1 = 1\n" * 10**6,
    "many lines": STEP + "    w = w - lr*g\n" * 6000 + "    return w, state\n",
    "brackets": STEP + "    return " + "(" * 5000 + "w" + ")" * 5000 + ", state\n",
    "minus": STEP + "    return " + "-" * 100_000 + "w, state\n",
    "sums": STEP + "    return " + "w + " * 50_000 + "w, state\n",
    "powers": STEP + "    return " + "w ** " * 400 + "w, state\n",
    "not": STEP + "    return " + "not " * 900 + "w, state\n",
    "blocks": STEP + "".join(" " * (n + 4) + "if t:\n" for n in range(150)) + " " * 154 + "return w, state\n",
    "digits": STEP + "    return w*" + "9" * 10_000 + ", state\n",
    "float": STEP + "    return w*1e999, state\n",
    "homoglyph": STEP.replace("lr", "l\u0433") + "    return w, state\n",
    "folded": STEP + "    return w - \uff4c\uff52*g, state\n",
    "null": STEP + "    return w, state\0\n",
    "tabs": STEP + "\tif t:\n        return w, state\n",
    "syntax": STEP + "    return (w, state\n",
    "deep loops": STEP + "".join("    " * (n + 1) + f"for a{n} in range(1000):\n" for n in range(6))
    + "    " * 7 + "w = w - lr*g\n    return w, state\n",
    "growth": STEP + "    for k in range(900):\n        w = w*w + g\n    return w, state\n",
    "doubling": STEP + "    for k in range(64):\n        w = w/(g + k) + w*(g - k)\n    return w, state\n",
    "branches": STEP + "".join(f"    if g > {n}:\n        w = w*{n + 2}\n" for n in range(300))
    + "    return w, state\n",
    "calls": "def f0(x):\n    return x\n"
    + "".join(f"def f{n}(x):\n    return f{n - 1}(f{n - 1}(x))\n" for n in range(1, 40))
    + STEP + "    return f39(w), state\n",
    "big": STEP + "    x = 7\n    for k in range(1000):\n        x = x*x\n    return w*x, state\n",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_and_never_run(
    name: str, read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    begun = time.monotonic()
    with pytest.raises(SymstepError) as caught:
        read(HOSTILE[name])
    assert time.monotonic() - begun < 5
    assert not (tmp_path / "ran").exists()
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x = '\xe9'\n", b"\x00", b""])
def test_hostile_bytes(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_bytes(content)
    with pytest.raises(InputError):
        lift(f"{path}:step")


@pytest.mark.parametrize("target", ["missing.py:step", ".py:step", "tests:.py:step", "\0.py:step", "a.py:"])
def test_no_such_file(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        lift(target)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def other(w):\n    return w\n", "did you mean|does not define step"),
        ("def step(w, g):\n    return w\n", "has 2 arguments"),
        ("class step:\n    pass\n", "has no step"),
        (f"{STEP}    return w - lr*h, state\n", "nothing says what h is"),
    ],
)
def test_files_that_are_wrong(text: str, message: str, read: Any) -> None:
    with pytest.raises(InputError, match=message):
        read(text)

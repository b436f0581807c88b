"""Changes in place in plain Python: what has a second name is refused, as is what computes otherwise than it looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from derive.errors import Undecided
from numeric.lift import Lifted, lift

STEP = "def step(w, g, state, t, lr=0.1):\n"


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Lift `step` of a file with that text."""

    def lifted(text: str) -> Lifted:
        path = tmp_path / "own.py"
        path.write_text("import math\nimport numpy as np\n" + text, encoding="utf-8")
        return lift(f"{path}:step")

    return lifted


TOP = (
    "class step:\n    def __init__(self, lr=0.1, beta1=0.9):\n        self.lr, self.beta1, self.t = lr, beta1, 0\n"
    "        self.m = None\n        self.s = {'m': 0.0}\n"
)
BEGIN = "    def step(self, w, g):\n        self.t += 1\n        if self.m is None:\n            self.m = np.zeros_like(w)\n"  # noqa: E501
MOVE = "        self.m = self.beta1*self.m + (1 - self.beta1)*g\n"


@pytest.mark.parametrize(
    "body",
    [
        f"{MOVE}        m = self.m\n        m /= 1 - self.beta1**self.t\n        return w - self.lr*m\n",
        f"{MOVE}        a, b = self.m, w\n        a *= 2\n        return w - self.lr*a\n",
        f"{MOVE}        for a in (self.m,):\n            a *= 2\n        return w - self.lr*self.m\n",
        f"{MOVE}        s = {{'m': self.m}}\n        s['m'] *= 2\n        return w - self.lr*self.m\n",
        f"{MOVE}        a = np.asarray(self.m)\n        a *= 2\n        return w - self.lr*self.m\n",
        f"{MOVE}        self.f(self.m)\n        return w - self.lr*self.m\n    def f(self, m):\n        m *= 2\n",
        f"{MOVE}        a = self.m if self.t > 1 else self.m\n        a *= 2\n        return w - self.lr*self.m\n",
        f"{MOVE}        a = self.m if g > 0 else self.m\n        a *= 2\n        return w - self.lr*self.m\n",
        f"{MOVE}        self.d = self.m\n        self.d += w\n        return self.d\n",
        f"{MOVE}        d = self.m\n        d += w\n        return d\n",
        f"{MOVE}        self.m = self.v = np.zeros_like(w)\n        self.m *= 2\n        return w - self.v\n",
        f"{MOVE}        self.m = self.v = np.zeros_like(w)\n        self.m += g\n        return w - self.v\n",
        f"{MOVE}        a = (self.m,)\n        b, = a\n        b *= 2\n        return w - self.lr*self.m\n",
        f"{MOVE}        a = max(self.m, 0.0)\n        a *= 2\n        return w - self.lr*self.m\n",
        f"{MOVE}        a = self.h()\n        a *= 2\n        return w - self.lr*self.m\n    def h(self):\n        return self.m\n",  # noqa: E501
        f"{MOVE}        a = self.m\n        a[:] = g\n        return w - self.lr*self.m\n",
        f"{MOVE}        return w - self.lr*(self.m + self.h())\n    def h(self):\n        self.m *= 2\n        return 0\n",  # noqa: E501
        "        self.m *= self.beta1\n        self.m += g\n        self.d = self.m\n        return w - self.lr*self.m\n",  # noqa: E501
        "        self.m *= self.beta1\n        self.m += w\n        return self.m\n",
        f"{MOVE}        np.multiply(self.m, 2, out=self.m)\n        return w - self.lr*self.m\n",
        "        g += w\n        return w - self.lr*g\n",
        "        self.s['m'] = self.beta1*self.s['m'] + g\n        return w - self.lr*self.s['m']\n",
        "        self.p = w\n        w -= self.lr*g\n        return w\n",
        "        w -= self.lr*g\n        self.p = w\n",
        "        w -= self.lr*g\n        self.m = w*1\n        return self.m\n",
        "        w = w - self.lr*g\n",
        "        w = w.copy()\n        w -= self.lr*g\n",
        "        return w - self.lr*np.array(g, dtype='int64')\n",
        "        return w - self.lr*np.asarray(g, dtype='int32')\n",
        "        return w - self.lr*np.array(g, 'int32')\n",
        "        return w - self.lr*g.astype('float16')\n",
        "        return w - self.lr*g.view('int64')\n",
        "        a = np.zeros(w.shape, 'int64')\n        return w - self.lr*(g + a)\n",
        "        return w - np.full_like(1, 0.5)*g\n",
        "        return w - self.lr*((g > 0) + (w > 0))\n",
        "        return w - self.lr*np.add(g > 0, w > 0)\n",
        "        return w - self.lr*np.reciprocal(np.square(2))\n",
        "        return w - self.lr*~self.t\n",
    ],
)  # fmt: skip
def test_changes_in_place_by_another_name_and_casts(body: str, read: Any) -> None:
    with pytest.raises(Undecided, match=r"own.py:\d+:\d+"):
        read(TOP + BEGIN + body)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (f"{MOVE}        w -= self.lr*self.m\n        return w\n", "w = w - eta*m"),
        (f"{MOVE}        w -= self.lr*self.m\n", "w = w - eta*m"),
        (f"{MOVE}        w[:] = w - self.lr*self.m\n", "w = w - eta*m"),
        ("        self.m *= self.beta1\n        self.m += (1 - self.beta1)*g\n        return w - self.lr*self.m\n",
         "w = w - eta*m"),
        (f"{MOVE}        t = self.t\n        m = self.m/(1 - self.beta1**t)\n        m *= self.lr\n        return w - m\n",  # noqa: E501
         "w = w - m/(1 - beta1**t)*eta"),
        (f"{MOVE}        m = self.m.copy()\n        m *= self.lr\n        return w - m\n", "w = w - m*eta"),
    ],
)  # fmt: skip
def test_changes_in_place_that_are_read(body: str, line: str, read: Any) -> None:
    found = read(TOP + BEGIN + body)
    assert found.rule.lines[-1] == line
    assert found.conditions == ()


@pytest.mark.parametrize("name", ["setattr", "getattribute", "getattr", "new", "call", "init_subclass", "set_name"])
def test_special_methods(name: str, read: Any) -> None:
    text = TOP + BEGIN + f"        return w - self.lr*g\n    def __{name}__(self, *args):\n        pass\n"
    with pytest.raises(Undecided, match=f"__{name}__"):
        read(text)


def test_functions_change_w_in_place(read: Any) -> None:
    with pytest.raises(Undecided, match="another name"):
        read(f"{STEP}    w -= lr*g\n    return w, (w,)\n")
    with pytest.raises(Undecided, match="another name"):
        read(f"{STEP}    z, = state\n    w -= lr*g\n    return w, (z,)\ndef init(w):\n    return (w,)\n")
    with pytest.raises(Undecided, match="in place"):
        read(f"{STEP}    m, = state\n    m += g\n    return w - lr*m, (m,)\n")


def test_the_fourth_argument(read: Any) -> None:
    found = read("def step(w, g, state, lr=0.1):\n    return w - lr*g, state\n")
    assert found.rule.lines == ("w = w - eta*g",)
    assert "decay" in str(read("def step(w, g, state, decay):\n    return w - g/decay, state\n").rule.lines)
    assert read("def step(w, g, state, epoch):\n    return w - g/epoch, state\n").rule.lines == ("w = w - g/t",)
    with pytest.raises(Undecided):
        read("class step:\n    def step(self, w, g, lr):\n        return w - lr*g\n")

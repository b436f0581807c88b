"""`derive verify`: exit statuses, formats, settings, and code that is hostile or beyond what is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derive.cli import main
from derive.errors import InputError
from numeric.verification import setting

STEP = """def sgd(w, g, state, t, lr=0.1):
    return w - lr * g, state


def ascent(w, g, state, t, lr=0.1):
    return w + lr * g, state


def heavy(w, g, state, t, lr=0.1, momentum=0.9):
    (b,) = state
    b = momentum * b + g
    return w - lr * b, (b,)
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(STEP, encoding="utf-8")
    return "mine.py"


def run(*words: str) -> int:
    return main(["verify", *words])


def test_exit_statuses(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{file}:sgd", "--as", "sgd") == 0
    assert run(f"{file}:heavy", "--as", "momentum") == 0
    assert run(f"{file}:ascent", "--as", "sgd") == 1
    capsys.readouterr()
    for words in (
        (f"{file}:nothing",), ("no.such.Thing",), (f"{file}:sgd", "--as", "sdg"), (f"{file}:sgd", "--set", "lr"), (),
        ("missing.py:f",), ("--all", "pandas"), (f"{file}:sgd", "--set", "lr=nan"),
    ):  # fmt: skip
        assert run(*words) == 2, words
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("derive: ")
        assert err.count("\n") == 1


def test_what_is_printed_as_json(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{file}:heavy", "--as", "momentum", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["how"], found["rule"]) == ("equal_under", "read", "momentum")
    assert found["map"] == {"lr": "eta", "momentum": "beta1"}
    assert found["conditions"] == ["learning rate constant"]
    assert all(len(digest) == 64 for digest in found["certificates"])
    assert run(f"{file}:ascent", "--as", "sgd", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["witness"]["t"] == 1
    assert found["witness"]["expected"] != found["witness"]["got"]
    assert found["defaults"] == {"eta": {"rule": "0.01", "target": "0.1"}}


def test_a_setting_is_a_condition_or_a_number_in_the_code(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{file}:heavy", "--as", "momentum", "--set", "momentum=0.5", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert "beta1 = 1/2" in found["conditions"]


@pytest.mark.parametrize("to", ["text", "markdown", "html"])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_reports(file: str, to: str, lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{file}:ascent", "--as", "sgd", "--to", to, "--lang", lang) == 1
    out = capsys.readouterr().out
    assert ("반례" if lang == "ko" else "witness") in out
    assert "mine.py:ascent" in out


@pytest.mark.parametrize("to", ["markdown", "html"])
def test_names_are_escaped(tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch,
                           capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a<i>b.py").write_text(STEP, encoding="utf-8")
    assert run("a<i>b.py:sgd", "--as", "sgd", "--to", to) == 0
    out = capsys.readouterr().out
    bare = out if to == "html" else "\n".join(part for part in out.split("\n") if "`" not in part)
    assert "a<i>b" not in bare.replace(r"\<", "")


def test_the_nearest_rule_is_named(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{file}:sgd") == 0
    assert "mine.py:sgd / sgd: equal" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.system('touch made')\ndef f(w, g, state, t):\n    return w, state\n",
        "@print('x')\ndef f(w, g, state, t):\n    return w, state\n",
        "def f(w, g, state, t, lr=open('made', 'w')):\n    return w, state\n",
        "def f(w, g, state, t):\n    return f(w, g, state, t)\n",
        "def f(w, g, state, t):\n    while True:\n        w = w - g\n    return w, state\n",
        "x = 1\n" * 10_000 + "def f(w, g, state, t):\n    return w, state\n",
    ],
    ids=["import", "decorator", "default", "recursion", "loop", "long"],
)
def test_hostile_files_are_refused_and_not_run(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    assert run("bad.py:f", "--as", "sgd") in (2, 3)
    assert not (tmp_path / "made").exists()
    assert "Traceback" not in capsys.readouterr().err


def test_settings_are_values_and_nothing_else() -> None:
    assert [setting(text)[1] for text in ("a=true", "a=None", "a=3", "a=-1e-3")] == [True, None, 3, -0.001]
    for text in ("a", "=1", "a=inf", "a=nan", "a=1+1", "a=x", "a b=1", "target=1", "rule=1", "symbols=1", "é=1"):
        with pytest.raises(InputError):
            setting(text)

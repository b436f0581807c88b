"""The command as a process of its own: streams, encodings, closed pipes; and the kernel without anything else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from derive.cli import main

ROOT = Path(__file__).resolve().parent.parent


class Ran(NamedTuple):
    status: int
    out: str
    err: str


def process(*words: str, module: str = "derive.cli") -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        encoding="utf-8",
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


def test_as_a_process(tmp_path: Path) -> None:
    (tmp_path / "a.chain").write_text("given: w real\n\nw/w = 1\n", encoding="utf-8")
    ran = process("check", str(tmp_path / "a.chain"), "--json")
    assert (ran.status, ran.err, json.loads(ran.out)["verdict"]) == (1, "", "refuted")
    (tmp_path / "b.chain").write_text("x = )\n", encoding="utf-8")
    ran = process("check", str(tmp_path / "b.chain"))
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "b.chain:1:5: " in ran.err


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1252"])
def test_a_terminal_without_hangul(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    ran = process("show", "laplace-l1", "--lang", "ko")
    assert (ran.status, ran.err) == (0, "")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    assert json.loads(process("list", "--json").out)["models"]


def test_a_reader_that_closes_early_is_no_error() -> None:
    command = [sys.executable, "-m", "derive.cli", "show", "laplace-l1", "--to", "html"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 0


# --- the kernel by itself -------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    chain = tmp_path / "a.chain"
    chain.write_text("given: b > 0\n\n  2*b/b\n= 2\n", encoding="utf-8")
    assert main(["check", str(chain), "--certificates", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    (path,) = (tmp_path / "out").iterdir()
    return path


def test_kernel_checks_a_certificate_without_sympy(certificate: Path) -> None:
    program = (
        "import sys; sys.modules['sympy'] = None; sys.argv[0] = 'kernel'\n"
        "import importlib.util\n"
        "spec = importlib.util.find_spec('derive.kernel.__main__')\n"
        "from derive.kernel.check import check_text\n"
        "print(check_text(open(sys.argv[1], encoding='utf-8').read()).digest)\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, str(certificate)], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(certificate.stem)


def test_kernel_as_a_command(certificate: Path) -> None:
    ran = process(str(certificate), module="derive.kernel")
    assert ran.status == 0, ran.err
    assert certificate.stem in ran.out


def test_kernel_as_a_command_refuses(certificate: Path) -> None:
    text = certificate.read_text(encoding="utf-8")
    changed = certificate.with_name("changed.json")
    changed.write_text(text.replace('"2"', '"3"', 1), encoding="utf-8")
    assert changed.read_text(encoding="utf-8") != text
    ran = process(str(changed), module="derive.kernel")
    assert ran.status not in (0, None)
    assert "Traceback" not in ran.out + ran.err


def test_the_built_in_deck_is_written_with_its_pictures(tmp_path: Path) -> None:
    """How long that takes, tests/benchmarks/speed.py measures."""
    ran = process("deck", "-o", str(tmp_path / "lecture.html"), "--json")
    assert ran.status == 0, ran.err
    document = json.loads(ran.out)
    assert document["verdict"] == "proved"
    assert set(document["lines"]) == {"proved"}
    text = (tmp_path / "lecture.html").read_text(encoding="utf-8")
    assert text.count("<figure") >= 5
    assert text.count("data:image/svg+xml") >= text.count("<figure")

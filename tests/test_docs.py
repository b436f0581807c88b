"""README and docs cannot rot: their commands and Python run here, their printed formulas are printed again.

The convention, for every Markdown file of the project:

- a ```` ```console ```` block is a session. `$ derive ...` is run; `# exit 1` at its end is the expected status (0
  without); the lines below it, if there are any, are the expected output, `...` standing for anything.
- a ```` ```python ```` block is run: as a doctest where it has `>>>`, else as a script.
- `file=NAME` after the language of any block writes the block to NAME first; such a block is not run itself.
- `<!-- printed-by: derive ... -->` up to `<!-- /printed-by -->` is exactly what that command prints.
- `norun` after the language leaves a block alone.

All blocks of one file share one empty directory and run in order. Setup commands are in ```` ```sh ```` blocks; those
are run by `.ci/run`, in clean checkouts.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from derive.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

FENCE = re.compile(r"^(?P<ticks>```+)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=ticks)[ \t]*$", re.M | re.S)
PRINTED = re.compile(r"<!-- printed-by: (derive [^\n]*?) -->\n(.*?)<!-- /printed-by -->", re.S)
STATUS = re.compile(r"\s+# exit (\d)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it, its text and the line it begins on."""

    language: str
    words: tuple[str, ...]
    body: str
    line: int

    @property
    def file(self) -> str:
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), "")


@dataclass(frozen=True)
class Command:
    """One command of a session and what the page says about it."""

    words: tuple[str, ...]
    status: int
    output: str
    line: int


def blocks(text: str) -> list[Block]:
    return [
        Block(
            (match["info"].split() or [""])[0],
            tuple(match["info"].split()[1:]),
            match["body"],
            text.count("\n", 0, match.start()) + 1,
        )
        for match in FENCE.finditer(text)
    ]


def session(block: Block) -> list[Command]:
    """The commands of a console block; anything but `derive` cannot be run here and is refused."""
    commands: list[Command] = []
    for number, line in enumerate(block.body.splitlines(), block.line + 1):
        if line.startswith("$ "):
            status = STATUS.search(line)
            words = tuple(shlex.split(STATUS.sub("", line[2:])))
            assert words[0] == "derive", f"line {number}: only `derive` runs in a console block, not {words[0]}"
            assert not {"|", ">", "<", ";", "&&"} & set(words), f"line {number}: no pipes and redirections here"
            commands.append(Command(words[1:], int(status[1]) if status else 0, "", number))
        elif commands:
            last = commands[-1]
            commands[-1] = Command(last.words, last.status, f"{last.output}{line}\n", last.line)
        else:
            pytest.fail(f"line {number}: a console block begins with a command")
    assert commands, f"line {block.line}: a console block without a command"
    return commands


def derive(words: tuple[str, ...]) -> tuple[int, str]:
    """Run a command in this process: its exit status and all it wrote, output and errors together."""
    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        try:
            status = main(list(words))
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return status or 0, written.getvalue()


def same_output(expected: str, got: str) -> bool:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(f"{expected.strip()}\n", f"{got.strip()}\n", flags)


def run_python(block: Block, page: str, names: dict[str, object]) -> None:
    if ">>>" in block.body:
        test = doctest.DocTestParser().get_doctest(block.body, names, page, page, block.line)
        report = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        runner.run(test, out=report.write, clear_globs=False)
        names.update(test.globs)
        assert not runner.failures, report.getvalue()
    else:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block.body], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{page}:{block.line}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_and_program_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page.read_text(encoding="utf-8")):
        if "norun" in block.words:
            continue
        if block.file:
            assert Path(block.file).name == block.file, f"{page.name}:{block.line}: a plain file name"
            Path(block.file).write_text(block.body, encoding="utf-8")
        elif block.language == "console":
            for command in session(block):
                status, output = derive(command.words)
                where = f"{page.name}:{command.line}: derive {shlex.join(command.words)}"
                assert status == command.status, f"{where}: exit {status}, not {command.status}\n{output}"
                if command.output.strip():
                    assert same_output(command.output, output), f"{where} printed\n{output}\nnot\n{command.output}"
        elif block.language == "python":
            run_python(block, page.name, names)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_shows_is_what_is_printed(page: Path, request: pytest.FixtureRequest) -> None:
    """Every part marked `printed-by` is printed again; --update-golden writes it anew."""

    def print_again(match: re.Match[str]) -> str:
        status, output = derive(tuple(shlex.split(match[1])[1:]))
        assert status == 0, output
        return f"<!-- printed-by: {match[1]} -->\n{output.strip()}\n<!-- /printed-by -->"

    text = page.read_text(encoding="utf-8")
    printed = PRINTED.sub(print_again, text)
    if request.config.getoption("--update-golden", default=False):
        page.write_text(printed, encoding="utf-8")
    else:
        assert text == printed


def test_readme_shows_a_derivation_and_has_the_two_commands() -> None:
    """`.ci/run` reads both commands from between these markers, so each must be there exactly once."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(PRINTED.findall(text)) == 1
    for marker in ("main-command", "test-command"):
        found = re.findall(rf"<!-- {marker} -->\n```sh\n(.*?)```\n<!-- /{marker} -->", text, re.S)
        assert len(found) == 1, marker
        assert found[0].startswith("python3 -m venv .venv && ")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_files_of_the_project_lead_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


# GitHub shows "The following macros are not allowed" in the place of a formula that has one of these.
REFUSED_BY_GITHUB = ("operatorname", "mbox", "phantom", "newcommand")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_formulas_of_a_page_are_such_as_github_shows(page: Path) -> None:
    for formula in re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", FENCE.sub("", page.read_text(encoding="utf-8")), re.S):
        refused = [name for name in REFUSED_BY_GITHUB if re.search(rf"\\{name}(?![a-z])", formula)]
        assert not refused, f"{page.name}: {refused} in {formula[:80]}"


# --- the reader of pages itself -------------------------------------------------------------------------------------


def test_a_session_is_read_with_status_and_output() -> None:
    (block,) = blocks("x\n```console\n$ derive check 'a b.chain'  # exit 1\nrefuted\n$ derive list\n```\n")
    assert session(block) == [
        Command(("check", "a b.chain"), 1, "refuted\n", 3),
        Command(("list",), 0, "", 5),
    ]


@pytest.mark.parametrize("line", ["$ rm -r x", "$ derive list > x", "output first"])
def test_a_session_that_cannot_be_run_is_an_error(line: str) -> None:
    (block,) = blocks(f"```console\n{line}\n```\n")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        session(block)


@pytest.mark.parametrize("body", [">>> 1 + 1\n3\n", "raise ValueError\n", "import warnings; warnings.warn('x')\n"])
def test_a_wrong_program_on_a_page_is_an_error(body: str) -> None:
    with pytest.raises(AssertionError):
        run_python(Block("python", (), body, 1), "page", {})


def test_output_is_compared() -> None:
    assert same_output("a ... c\n", "a b\nc\n")
    assert not same_output("a\n", "b\n")

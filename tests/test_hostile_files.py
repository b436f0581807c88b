"""Files, folders, certificates and decks that mean harm: one line, no traceback, nothing written."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from derive.cli import main

SECONDS = 5.0
DECK = "# A\n\n```derive\nx = x\n```\n"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in an empty folder: exit status and the text on standard error. What holds always is asserted."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        begin = time.process_time()
        try:
            status = main(words)
        except SystemExit as end:
            status = int(end.code or 0)
        took = time.process_time() - begin
        out, err = capsys.readouterr()
        assert took < SECONDS, f"{took:.1f} s"
        assert "bug of this program" not in err
        assert "Traceback" not in out + err
        if status == 2:
            assert out == ""
            assert err.count("\n") == 1
            assert err.startswith("derive: ")
        return status, err

    return call


def check(run: Run, text: str | bytes, name: str = "a.chain") -> tuple[int, str]:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    status, err = run("check", name, "--certificates", "out")
    if status:
        assert os.listdir() == [name]
    return status, err


# --- files and folders ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("check",), ("deck", "-o", "out.html")])
def test_what_is_no_file(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "loop.md").symlink_to("loop.md")
    (tmp_path / "dangling.md").symlink_to("nowhere.md")
    for name, said in (
        ("missing.md", "no such file; check the path"),
        ("folder.md", "this is a folder; name a file in it"),
        ("loop.md", "symbolic links"),
        ("dangling.md", "no such file"),
        ("missing/a.md", "no such file"),
        ("a" * 300 + ".md", "name too long"),
        ("", "this is a folder"),
    ):
        status, err = run(words[0], name, *words[1:])
        assert status == 2
        assert said.lower() in err.lower()
    assert sorted(os.listdir()) == ["dangling.md", "folder.md", "loop.md"]


def as_nobody(action: Callable[[], None]) -> None:
    """Root reads and writes everything; so that permissions mean something, act as nobody while testing them."""
    if os.geteuid():
        action()
        return
    os.seteuid(65534)
    try:
        action()
    finally:
        os.seteuid(0)


def let_others_in(folder: Path) -> None:
    for each in (folder, *folder.parents[:2]):
        each.chmod(each.stat().st_mode | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)


def test_a_file_that_may_not_be_read(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.chain"
    path.write_text("x = x\n")
    path.chmod(0)
    let_others_in(tmp_path)

    def attempt() -> None:
        status, err = run("check", "a.chain")
        assert status == 2
        assert "a.chain: Permission denied; check the path and its permissions" in err

    as_nobody(attempt)


def test_a_folder_that_may_not_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(DECK)
    (tmp_path / "a.md").chmod(0o644)
    out = tmp_path / "out"
    out.mkdir()
    # As oneself first: nobody may not read the checkout, so all that is read from it has to be in memory by then.
    assert run("deck", "a.md", "-o", "first.html")[0] == 0
    out.chmod(0o555)
    let_others_in(tmp_path)

    def attempt() -> None:
        for words in (("deck", "a.md", "-o", "out/a.html"), ("check", "a.md", "--certificates", "out"),
                      ("check", "a.md", "--certificates", "out/deeper")):  # fmt: skip
            status, err = run(*words)
            assert status == 2
            assert "out" in err
            assert "permission" in err.lower()
            assert not os.listdir("out")

    as_nobody(attempt)


def test_an_output_is_written_whole_or_not_at_all(run: Run, tmp_path: Path) -> None:
    deck, page = tmp_path / "a.md", tmp_path / "a.html"
    page.write_text("precious")
    deck.write_text(f"{DECK}\n::: aside\n")
    assert run("deck", "a.md", "-o", "a.html")[0] == 2
    assert page.read_text() == "precious"
    deck.write_text(DECK)
    for name in ("missing/a.html", "a.md/a.html", ".", "folder.html", "a.txt"):
        if name == "folder.html":
            (tmp_path / name).mkdir()
        status, err = run("deck", "a.md", "-o", name)
        assert status == 2
        assert f"derive: {name}: " in err
    assert sorted(os.listdir()) == ["a.html", "a.md", "folder.html"]
    assert not os.listdir("folder.html")
    assert page.read_text() == "precious"


def test_the_file_behind_a_link_is_not_written(run: Run, tmp_path: Path) -> None:
    """The link itself becomes the new file."""
    (tmp_path / "a.md").write_text(DECK)
    target, link = tmp_path / "target.html", tmp_path / "link.html"
    target.write_text("precious")
    link.symlink_to(target)
    assert run("deck", "a.md", "-o", "link.html")[0] == 0
    assert target.read_text() == "precious"
    assert not link.is_symlink()
    assert link.read_text(encoding="utf-8").startswith("<!")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no endless file on this system")
def test_an_endless_file(run: Run) -> None:
    status, err = run("check", "/dev/zero")
    assert status == 2
    assert "larger than" in err


# --- certificates ---------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(run: Run) -> dict[str, object]:
    Path("a.chain").write_text("given: b > 0\n\n  2*b/b\n= 2\n")
    assert run("check", "a.chain", "--certificates", ".")[0] == 0
    (path,) = Path(".").glob("*.json")
    document = json.loads(path.read_text())
    path.unlink()
    Path("a.chain").unlink()
    assert isinstance(document, dict)
    return document


def deep(count: int) -> object:
    found: object = ["v", "b"]
    for _ in range(count):
        found = ["neg", found]
    return found


def doubled(count: int) -> object:
    """Definitions each of which has the one before it twice."""
    first = ["f0", 1, ["+", ["b", 0], ["q", "1"]]]
    twice = [[f"f{k}", 1, ["+", *[["call", f"f{k - 1}", ["b", 0]]] * 2]] for k in range(1, count)]
    return [first, *twice]


CHANGES: dict[str, dict[str, object]] = {
    "no steps": {"steps": []},
    "steps are text": {"steps": "import os"},
    "another claim": {"claim": ["=", ["q", "1"], ["q", "2"]]},
    "a claim that is no term": {"claim": ["eval", "1"]},
    "a number as a float": {"claim": ["=", ["q", 1.5], ["q", "1"]]},
    "no facts": {"facts": []},
    "a false fact": {"facts": [["<", ["v", "b"], ["q", "0"]], [">", ["v", "b"], ["q", "0"]]]},
    "another format": {"format": "symstep-certificate/2"},
    "a field more": {"note": "trust me"},
    "an undeclared name": {"symbols": []},
    "deep": {"claim": ["=", deep(5000), deep(5000)]},
    "a name of Python": {"symbols": [["__class__", "scalar", 0, "real"]]},
    "null": {"symbols": None},
    "definitions that grow": {"definitions": doubled(90)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_certificate_is_refused(run: Run, certificate: dict[str, object], change: str) -> None:
    import sys

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        text = json.dumps(certificate | CHANGES[change])
    finally:
        sys.setrecursionlimit(limit)
    status, err = check(run, text, "a.json")
    assert status == 2
    assert err.startswith("derive: a.json: the certificate is refused: ")


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "1", '"x"', "{}", "[" * 5000, '{"a":' * 5000, "NaN", "\x00",
        '{"format": 1, "format": 2}',
        "{'format': 1}", '{"format": "\\ud800"}', "1" * 5000, "__import__('os')",
    ],
)  # fmt: skip
def test_json_that_is_no_certificate(run: Run, text: str) -> None:
    status, err = check(run, text, "a.json")
    assert status == 2
    assert err.startswith("derive: a.json: the certificate is refused: ")


# --- decks and titles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("# A\n\n```python\nimport os\n```\n\n```derrive\nx = x\n```\n", "a.md:7"),
        ("# A\n\n::: aside\nx\n:::\n", "a.md:3"),
        ("# A\n\n::: en\n::: ko\n:::\n:::\n", "a.md:4"),
        ("# A\n\n```derive\nuse: ../../etc/passwd\n```\n", "a.md:4"),
        ("# A\n\n```derive\nuse: __class__\n```\n", "a.md:4"),
        ("# A\n\n```derive\nx = (x\n```\n", "a.md:4:7"),
        ("# A\n\n```derive\nx = x\n", "a.md:3"),
        ("title: A\ntitle: B\n\n# A\n", "a.md:2"),
        ("# A\n\n$\\input{/etc/passwd}$\n\n```derive\nx = x\n```\n", "a.md:3"),
    ],
)
def test_a_deck_that_cannot_be_shown(run: Run, tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "a.md").write_text(text)
    (tmp_path / "a.html").write_text("precious")
    status, err = run("deck", "a.md", "-o", "a.html")
    assert status == 2
    assert err.startswith(f"derive: {place}")
    assert sorted(os.listdir()) == ["a.html", "a.md"]
    assert (tmp_path / "a.html").read_text() == "precious"


TITLES = [
    "$\\input{/etc/passwd}$", "\\input{x}", "\\write18{ls}", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a & b < c", "%s {0} %(x)s", "${x}", "`x`", "]]>", "</title><script>", "\\end{document}", "| | |", "-->", "\\",
]  # fmt: skip


@pytest.mark.parametrize("title", TITLES)
def test_text_stays_text_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], title: str
) -> None:
    monkeypatch.chdir(tmp_path)
    chain = f"title.en: {title}\nsource: {title}\n\nx\n= x + 0 -- {title.replace('|', '')}\n"
    Path("a.chain").write_text(chain, encoding="utf-8")
    for target in ("text", "latex", "markdown", "html", "json"):
        assert main(["show", "a.chain", "--to", target]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        if target == "html":
            assert "<script>alert" not in out
            assert "<img src=x" not in out
        if target == "latex":
            assert not any(command in out for command in ("\\input{", "\\write18", "\\end{document}"))
        if target == "json":
            assert json.loads(out)["title"]["en"] == title

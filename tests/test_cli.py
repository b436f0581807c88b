"""The command line: each command, each exit status, one JSON document on standard output, one line for an error."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from derive.cli import main
from derive.kernel.check import check
from derive.library import catalogue

ROOT = Path(__file__).resolve().parent.parent

PROVED = """\
title.en: A cancelled factor
title.ko: 약분
given: b > 0

  2*b/b
= 2          -- b is not zero | b는 0이 아니다
"""
REFUTED = "given: y, w, x real\n\n  diff((y - w*x)**2, w)\n= -2*(y - w*x)\n"
# True, and beyond the kernel: its normal form does not nest roots.
UNDECIDED = "# roots\n\nsqrt(2) + sqrt(3) = sqrt(5 + 2*sqrt(6))\n"
DECK = """\
title: Least squares

# One | 하나

```derive
use: gaussian-l2
```

---

# Two | 둘

```derive
given: b > 0

  2*b/b
= 2
```
"""


class Ran(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What was printed, as exactly one JSON document."""
        return json.loads(self.out)


class Cli:
    """The command in this process, in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def __call__(self, *words: str) -> Ran:
        try:
            status = main(words)
        except SystemExit as end:
            status = int(end.code or 0)
        out, err = self.capsys.readouterr()
        return Ran(status, out, err)

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def files(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*")}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path, capsys)


def complains(ran: Ran, *parts: str) -> None:
    """Exit status 2, nothing on standard output, and one line that says what, where and how to mend it."""
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("derive: ")
    assert "bug of this program" not in ran.err
    for part in parts:
        assert part in ran.err, ran.err


# --- list -----------------------------------------------------------------------------------------------------------


def test_list_shows_every_kind(cli: Cli) -> None:
    ran = cli("list")
    assert (ran.status, ran.err) == (0, "")
    for expected in ("losses:", "models:", "lectures:", "laplace-l1", "lecture03"):
        assert expected in ran.out


@pytest.mark.parametrize("kind", catalogue())
def test_list_of_one_kind(cli: Cli, kind: str) -> None:
    everything = cli("list", "--json").document
    ran = cli("list", kind, "--json")
    assert (ran.status, ran.err) == (0, "")
    assert ran.document == {kind: everything[kind]}
    assert ran.document[kind]
    assert all(set(entry) == {"name", "title"} and all(entry.values()) for entry in ran.document[kind])
    text = cli("list", kind).out
    assert text.startswith(f"{kind}:\n")
    assert all(f"  {entry['name']} " in text for entry in everything[kind])


def test_list_of_an_unknown_kind(cli: Cli) -> None:
    complains(cli("list", "theorems"), "theorems", "losses")


# --- show -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("target", "mark"),
    [("text", "(5)  = argmin[w]"), ("json", "{"),
     ("latex", r"\operatorname*{arg\,max}"), ("markdown", "$$"), ("html", "<!doctype html>")]
)  # fmt: skip
def test_show_in_every_format(cli: Cli, target: str, mark: str, lang: str) -> None:
    ran = cli("show", "laplace-l1", "--to", target, "--lang", lang)
    assert (ran.status, ran.err) == (0, "")
    assert mark.lower() in ran.out.lower()
    assert ("라플라스" in ran.out) == (lang == "ko" or target in ("html", "json"))


def test_show_as_json_is_one_document(cli: Cli) -> None:
    ran = cli("show", "laplace-l1", "--json")
    assert ran.document == cli("show", "laplace-l1", "--to", "json").document
    assert ran.document["verdict"] == "proved"
    assert check(ran.document["certificate"]).digest == ran.document["digest"]


def test_show_a_file_of_chains(cli: Cli) -> None:
    name = cli.write("two.chain", PROVED + "\n" + REFUTED)
    ran = cli("show", name, "--json")
    assert ran.status == 1
    assert [item["verdict"] for item in ran.document] == ["proved", "refuted"]
    page = cli("show", name, "--to", "html").out
    assert page.lower().count("<!doctype html>") == page.count("</html>") == 1


def test_show_a_lecture(cli: Cli) -> None:
    ran = cli("show", "lecture03", "--json")
    assert ran.status == 0
    assert len(ran.document) > 3
    assert all(item["verdict"] == "proved" for item in ran.document)


def test_show_an_unknown_name_offers_the_nearest(cli: Cli) -> None:
    complains(cli("show", "laplace-l2"), "'laplace-l2'", "did you mean laplace-l1?")
    complains(cli("show", "qqq"), "'qqq'", "`derive list`")


def test_show_a_file_without_a_chain(cli: Cli) -> None:
    complains(cli("show", cli.write("a.chain", "# nothing\n")), "a.chain", "nothing to show")


# --- check ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "verdict", "status"), [(PROVED, "proved", 0), (REFUTED, "refuted", 1), (UNDECIDED, "undecided", 3)]
)
def test_check_a_chain(cli: Cli, text: str, verdict: str, status: int) -> None:
    name = cli.write("a.chain", text)
    ran = cli("check", name)
    assert (ran.status, ran.err) == (status, "")
    assert ran.out.startswith(f"a.chain: {verdict}\n")
    assert cli("check", name, "--json").status == status
    assert cli.files() == {"a.chain"}


def test_json_of_a_proved_chain(cli: Cli) -> None:
    ran = cli("check", cli.write("a.chain", PROVED), "--json")
    assert ran.document == {
        "file": "a.chain",
        "verdict": "proved",
        "lines": [{"line": 6, "verdict": "proved", "rule": "identity", "side_conditions": ["b > 0"]}],
    }


def test_json_of_a_refuted_chain(cli: Cli) -> None:
    ran = cli("check", cli.write("a.chain", REFUTED), "--json")
    (line,) = ran.document["lines"]
    assert ran.document == {"file": "a.chain", "verdict": "refuted", "lines": [line]}
    assert set(line) == {"line", "verdict", "witness", "left", "right", "reason"}
    assert (line["line"], line["verdict"]) == (4, "refuted")
    point = {name: int(value) for name, value in line["witness"].items()}
    y, w, x = point["y"], point["w"], point["x"]
    assert line["left"] == str(-2 * x * (y - w * x))
    assert line["right"] == str(-2 * (y - w * x))
    assert line["left"] != line["right"]


def test_json_of_an_undecided_chain_says_why(cli: Cli) -> None:
    ran = cli("check", cli.write("a.chain", UNDECIDED), "--json")
    (line,) = ran.document["lines"]
    assert set(line) == {"line", "verdict", "reason"}
    assert (line["line"], line["verdict"]) == (3, "undecided")
    assert line["reason"]


def test_the_verdict_of_a_file_is_its_worst_line(cli: Cli) -> None:
    def status(text: str) -> tuple[int, str]:
        ran = cli("check", cli.write("a.chain", text), "--json")
        return ran.status, ran.document["verdict"]

    assert status("\n".join([PROVED, UNDECIDED])) == (3, "undecided")
    assert status("\n".join([UNDECIDED, REFUTED, PROVED])) == (1, "refuted")


def test_check_a_deck(cli: Cli) -> None:
    name = cli.write("deck.md", DECK)
    ran = cli("check", name, "--json")
    assert (ran.status, ran.document["verdict"]) == (0, "proved")
    assert ran.document["lines"][-1]["line"] == DECK.splitlines().index("= 2") + 1
    assert len(ran.document["lines"]) == 6
    assert cli("check", name).out.startswith("deck.md: proved\n")


def test_certificates_are_written_and_checked_again(cli: Cli) -> None:
    name = cli.write("deck.md", DECK)
    assert cli("check", name, "--certificates", "out").status == 0
    written = sorted(path for path in cli.files() if path.startswith("out/"))
    assert len(written) == 2
    for path in written:
        ran = cli("check", path, "--json")
        assert set(ran.document) == {"file", "verdict", "certificate", "steps", "claim"}
        assert (ran.status, ran.document["verdict"]) == (0, "proved")
        assert ran.document["certificate"].startswith(Path(path).stem)
        steps = ran.document["steps"]
        assert cli("check", path).out.startswith(f"{path}: proved, {steps} step{'' if steps == 1 else 's'}: ")


def test_no_certificate_of_what_is_not_proved(cli: Cli) -> None:
    assert cli("check", cli.write("a.chain", REFUTED), "--certificates", "out").status == 1
    assert cli.files() == {"a.chain"}


def test_check_several_files(cli: Cli) -> None:
    names = [cli.write("a.chain", PROVED), cli.write("b.chain", REFUTED), cli.write("c.chain", UNDECIDED)]
    ran = cli("check", *names, "--json")
    assert ran.status == 1
    assert [(one["file"], one["verdict"]) for one in ran.document] == [
        ("a.chain", "proved"), ("b.chain", "refuted"), ("c.chain", "undecided"),
    ]  # fmt: skip
    assert cli("check", names[0], names[2]).status == 3


def test_one_unreadable_file_of_several_prints_nothing(cli: Cli) -> None:
    good, bad = cli.write("a.chain", PROVED), cli.write("b.chain", "x = (x\n")
    complains(cli("check", good, bad, "--json", "--certificates", "out"), "b.chain:1:7: ", "bracket")
    assert cli.files() == {"a.chain", "b.chain"}


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("given: b > 0\n\n  2*b\n= foo(b)\n", "a.chain:4:3: unknown function foo", "given: foo(x) real"),
        ("given: b > > 0\n\nb = b\n", "a.chain:1:12: ", ""),
        ("titel: x\nx = x\n", "a.chain:1:1: unknown header titel", "did you mean title?"),
        ("x\nx\n", "a.chain:2:1: a line without its relation", "begin it with ="),
        ("x\n= x [rule: identity]\n", "a.chain:2:10: ':' is not part of the language", ""),
        ("x\n= x -- [rule: identty]\n", "a.chain:2:15: unknown rule 'identty'", "did you mean identity?"),
        ("x + 1\n", "a.chain:1:1: a chain of one line is a claim", "write a relation"),
    ],
)
def test_an_error_names_line_and_column(cli: Cli, text: str, place: str, remedy: str) -> None:
    complains(cli("check", cli.write("a.chain", text)), f"derive: {place}", remedy)


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("# A\n\n```derrive\nx = x\n```\n", "deck.md:3", "derive"),
        ("# A\n\n::: aside\nx\n:::\n", "deck.md:3", "notes"),
        ("# A\n\n```derive\nx = x\n", "deck.md:3", "```"),
        ("# A\n\n```derive\nx = (x\n```\n", "deck.md:4:7", "bracket"),
        ("# A\n\n```derive\nuse: laplace-l3\n```\n", "deck.md:4", "did you mean laplace-l1?"),
    ],
)
def test_an_error_in_a_deck_names_its_place_and_no_slides_are_written(
    cli: Cli, text: str, place: str, remedy: str
) -> None:
    name = cli.write("deck.md", text)
    complains(cli("check", name), f"derive: {place}", remedy)
    complains(cli("deck", name, "-o", "out.html"), f"derive: {place}", remedy)
    assert cli.files() == {"deck.md"}


# --- deck -----------------------------------------------------------------------------------------------------------


def test_deck_of_a_source(cli: Cli) -> None:
    ran = cli("deck", cli.write("deck.md", DECK), "-o", "out.html", "--json")
    assert ran.status == 0
    assert ran.document["output"] == "out.html"
    assert (ran.document["verdict"], ran.document["lines"]) == ("proved", {"proved": 6})
    page = (cli.folder / "out.html").read_text(encoding="utf-8")
    assert page.count('<section class="slide') == ran.document["slides"]
    assert cli.files() == {"deck.md", "out.html"}
    assert cli("deck", "deck.md", "-o", "out.html").out.startswith("out.html: ")


def test_a_refuted_line_is_shown_as_such_and_the_status_says_so(cli: Cli) -> None:
    ran = cli("deck", cli.write("deck.md", f"# A\n\n```derive\n{REFUTED}```\n"), "-o", "out.html")
    assert ran.status == 1
    assert "deck.md:7: refuted: " in ran.err
    assert "out.html" in cli.files()


@pytest.mark.parametrize("name", ["out.docx", "out", "missing/out.html"])
def test_an_output_that_cannot_be(cli: Cli, name: str) -> None:
    complains(cli("deck", cli.write("deck.md", DECK), "-o", name), name)
    assert cli.files() == {"deck.md"}


# --- the whole command ----------------------------------------------------------------------------------------------


def test_help_names_every_command_and_status(cli: Cli) -> None:
    ran = cli("--help")
    assert (ran.status, ran.err) == (0, "")
    for word in ("list", "show", "check", "deck", "0 proved", "1 refuted", "2 bad input", "3 undecided"):
        assert word in ran.out


def test_version_is_that_of_the_package(cli: Cli) -> None:
    ran = cli("--version")
    assert (ran.status, ran.out, ran.err) == (0, f"symstep {version('symstep')}\n", "")


def test_an_inequality_that_is_not_proved_says_what_to_do(cli: Cli) -> None:
    name = cli.write("a.chain", "given: x, y, z real\n\nx**4 + y**4 + z**4 >= x**2*y*z + x*y**2*z + x*y*z**2\n")
    ran = cli("check", name, "--json")
    assert ran.status == 3
    assert ran.document["lines"][0]["reason"].endswith("(rule positive); write a line in between that shows the step")


@pytest.mark.parametrize(
    "words",
    [(), ("prove",), ("show",), ("check",), ("deck",), ("show", "laplace-l1", "--to", "docx"), ("list", "--quiet"),
     ("show", "laplace-l1", "--lang", "fr"), ("check", "missing.chain"), ("check", ".")],
)  # fmt: skip
def test_a_wrong_call_is_one_line(cli: Cli, words: tuple[str, ...]) -> None:
    complains(cli(*words))


def test_every_command_takes_json(cli: Cli) -> None:
    """Standard output is one JSON document; what is said besides goes to standard error."""
    deck, chain = cli.write("deck.md", DECK), cli.write("a.chain", UNDECIDED)
    for words in (("list",), ("show", "laplace-l1"), ("check", chain), ("check", deck), ("deck", deck, "-o", "o.html")):
        assert cli(*words, "--json").document


def test_a_failure_of_our_own_is_a_line_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise KeyError("\x1b[2Jw")

    monkeypatch.setattr("derive.library.catalogue", breaks)
    ran = cli("list")
    assert (ran.status, ran.out) == (3, "")
    assert re.fullmatch(r"derive: a bug of this program \(test_cli\.py:\d+\): KeyError: [^\x1b]*\n", ran.err)

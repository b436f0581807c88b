"""PDF without a browser and without TeX: what is said, what a program is told, what it leaves."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from derive.deck import Deck, read_deck
from derive.errors import MissingDependency
from derive.render import pdf

WHOLE = b"%PDF-1.4\n/CreationDate (D:20251123225944+00'00')\n<< /Type /Page >>\n%%EOF\n"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer on which nothing is installed; the folder is where programs may be put."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(pdf, "BROWSERS", ("chromium",))
    return folder


def program(folder: Path, name: str, body: str) -> None:
    """A program in Python; `out` is where it is asked to print to."""
    path = folder / name
    head = "import os, sys, time\nout = [word[15:] for word in sys.argv if word.startswith('--print-to-pdf=')][0]\n"
    path.write_text(f"#!{sys.executable}\n{head}{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def one_slide() -> Deck:
    return read_deck("# A\n\nSome text.\n")


needs_scripts = pytest.mark.skipif(os.name == "nt", reason="needs a shebang line")


def test_a_pdf_without_programs_says_what_to_install(bare: Path) -> None:
    with pytest.raises(MissingDependency) as caught:
        pdf.render_pdf(one_slide(), {})
    assert "apt-get install chromium fonts-nanum" in str(caught.value)
    assert "apt-get install texlive-xetex texlive-latex-recommended" in str(caught.value)


@needs_scripts
def test_a_pdf_from_a_browser_has_no_date_and_no_network(bare: Path) -> None:
    seen = bare / "seen"
    told = f"open({str(seen)!r}, 'w').write('\\n'.join(sys.argv))"
    program(bare, "chromium", f"{told}\nopen(out, 'wb').write({WHOLE!r})")
    found = pdf.render_pdf(one_slide(), {})
    assert found.slides == 1
    assert found.content == WHOLE.replace(b"20251123225944", b"20000101000000")
    flags = seen.read_text(encoding="utf-8").split("\n")
    assert "--host-resolver-rules=MAP * ~NOTFOUND" in flags
    profile = next(flag for flag in flags if flag.startswith("--user-data-dir="))
    assert not Path(profile.partition("=")[2]).parent.exists()
    assert flags[-1].endswith("deck.html?handout")


@needs_scripts
@pytest.mark.parametrize("body", ["sys.exit('broken')", "open(out, 'wb').write(b'%PDF-1.4 half')", "time.sleep(600)"])
def test_a_browser_that_fails_leaves_nothing(bare: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "SECONDS", 1.0)
    program(bare, "chromium", body)
    with pytest.raises(MissingDependency, match="chromium did not print the deck"):
        pdf.render_pdf(one_slide(), {})


@needs_scripts
def test_a_deck_of_more_pages_than_slides_is_named(bare: Path) -> None:
    program(bare, "chromium", f"open(out, 'wb').write({WHOLE.replace(b'%%EOF', b'/Type /Page>> %%EOF')!r})")
    warnings: list[str] = []
    pdf.render_pdf(one_slide(), {}, warnings=warnings)
    assert any("1 slides are 2 pages" in warning for warning in warnings)

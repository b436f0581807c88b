"""A deck as PDF: the HTML printed by an installed browser, or else the Beamer output compiled by an installed xelatex.

Both run without a network in an empty folder of their own, with a time limit; what they leave is read whole or not at
all. The same deck gives the same file: no date is written into it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from derive.deck import Deck
from derive.derivation import Derivation
from derive.errors import MissingDependency
from derive.plots import Picture
from derive.render.beamer import HANGUL, render_beamer
from derive.render.html import render_deck
from derive.render.sheet import Rendered
from derive.symbols import LECTURE, Notation

SECONDS = 120.0  # for each run of a program
BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)  # fmt: skip
TEX_FILES = ("beamer.cls", "kotex.sty", "pzdr.tfm")  # the last is a font that hyperref asks for
INSTALL_BROWSER = "apt-get install chromium fonts-nanum"
INSTALL_TEX = (
    "apt-get install texlive-xetex texlive-latex-recommended texlive-fonts-recommended texlive-lang-korean fonts-nanum"
)
_FLAGS = (
    "--headless=new --disable-gpu --disable-dev-shm-usage --disable-extensions --disable-default-apps --no-first-run "
    "--no-default-browser-check --disable-background-networking --disable-component-update --disable-sync --no-pings "
    "--disable-domain-reliability --disable-breakpad --no-pdf-header-footer"
)
_EPOCH = "946684800"  # 2000-01-01
_NO_DATE = b"20000101000000+00'00'"  # as long as what it replaces: a PDF counts its bytes
_DATE = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)([^)]*)(\))")


def render_pdf(
    deck: Deck,
    derivations: Mapping[int, tuple[Derivation, ...]],
    *,
    pictures: Mapping[int, Picture] | None = None,
    lang: str = "",
    notation: Notation = LECTURE,
    warnings: list[str] | None = None,
) -> Rendered:
    """The deck as the bytes of one PDF, a page for each slide, in `lang` or else in the deck's language.

    Raises MissingDependency with the command that installs what is missing, where there is neither a browser nor a
    TeX that can set the deck; InputError as the HTML and the Beamer output do.
    """
    found: list[str] = [] if warnings is None else warnings
    lacking = ""
    if browser := find_browser():
        page = render_deck(deck, derivations, pictures=pictures, lang=lang, notation=notation, warnings=found)
        slides = page.count('<section class="slide')
        if (lang or deck.lang) == "ko" and not hangul_font():
            found.append("no Hangul font is installed, so Korean text is boxes: apt-get install fonts-nanum")
        try:
            printed = print_page(browser, page)
        except MissingDependency as error:
            lacking = str(error)
        else:
            pages = len(re.findall(rb"/Type\s*/Page\b", printed))
            if pages > slides:
                found.append(f"{slides} slides are {pages} pages of the PDF: one of them is too full; split it")
            return Rendered(printed, slides)
    rendered = render_beamer(
        deck, derivations, pictures=pictures, lang=lang, notation=notation, warnings=found, handout=True
    )
    assert isinstance(rendered.content, str)
    if missing := tex_missing(rendered.content):
        raise MissingDependency(
            f"a PDF needs a browser or xelatex; {lacking or 'there is no browser'}, and {missing}; "
            f"{INSTALL_BROWSER}, or: {INSTALL_TEX}"
        )
    return Rendered(compile_tex(rendered.content, found, rendered.files), rendered.slides)


# --- the browser ----------------------------------------------------------------------------------------------------


def find_browser() -> str:
    """The first of the known browsers that is installed, or nothing."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), "")


def print_page(browser: str, page: str) -> bytes:
    """A page as its handout on paper. Raises MissingDependency if the browser does not print it."""
    with tempfile.TemporaryDirectory(prefix="symstep-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "deck.html").write_text(page, encoding="utf-8")
        command = [browser, *_FLAGS.split(), "--host-resolver-rules=MAP * ~NOTFOUND"]
        command += ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # root has no sandbox to enter
        command += [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={folder / 'deck.pdf'}"]
        command.append((folder / "deck.html").as_uri() + "?handout")
        # Fonts of the user are found through HOME and XDG_DATA_HOME; everything that is written goes here.
        said = _run(command, folder, {"XDG_CONFIG_HOME": name, "XDG_CACHE_HOME": name, "TMPDIR": name})
        printed = _read(folder / "deck.pdf")
    if not printed:
        raise MissingDependency(f"{Path(browser).name} did not print the deck ({said})")
    return _DATE.sub(lambda found: found[1] + _NO_DATE[: len(found[2])].ljust(len(found[2])) + found[3], printed)


def hangul_font() -> bool:
    """Whether a font with Hangul is installed; taken for granted where that cannot be asked."""
    asked = shutil.which("fc-list")
    if not asked:
        return True
    done = subprocess.run([asked, ":lang=ko", "family"], capture_output=True, timeout=SECONDS, check=False)
    return bool(done.stdout.strip())


# --- TeX ------------------------------------------------------------------------------------------------------------


def tex_missing(tex: str) -> str:
    """What is not installed that the .tex file needs, in words; nothing if all is there."""
    finder = shutil.which("kpsewhich")
    if not shutil.which("xelatex") or not finder:
        return "there is no xelatex"
    needed = [name for name in TEX_FILES if name != "kotex.sty" or HANGUL.search(tex)]
    done = subprocess.run([finder, *needed], capture_output=True, text=True, timeout=SECONDS, check=False)
    there = {Path(line).name for line in done.stdout.splitlines()}
    if lacking := [name for name in needed if name not in there]:
        return f"xelatex lacks {', '.join(lacking)}"
    return "" if not HANGUL.search(tex) or hangul_font() else "there is no font with Hangul"


def compile_tex(tex: str, warnings: list[str], files: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    """A .tex file, with the files beside it, as PDF; TeX may read and write in its own folder only.

    Raises MissingDependency if it stops.
    """
    with tempfile.TemporaryDirectory(prefix="symstep-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for beside, content in files.items():
            (folder / beside).write_bytes(content)
        (folder / "deck.tex").write_text(tex, encoding="utf-8")
        command = ["xelatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "deck.tex"]
        limits = {"openin_any": "p", "openout_any": "p", "TEXMFOUTPUT": name, "SOURCE_DATE_EPOCH": _EPOCH,
                  "FORCE_SOURCE_DATE": "1", "MKTEXTFM": "0", "MKTEXPK": "0", "MKTEXMF": "0"}  # fmt: skip
        for _ in range(2):  # the second run knows the number of slides
            said = _run(command, folder, limits)
            log = _read(folder / "deck.log", b"").decode("utf-8", "replace")
            if stopped := re.search(r"^! (.*)", log, re.M):
                raise MissingDependency(f"xelatex stopped: {stopped[1]}; write the deck as .tex to look at it")
        printed = _read(folder / "deck.pdf")
    if not printed:
        raise MissingDependency(f"xelatex wrote no PDF ({said})")
    lost = sorted(set(re.findall(r"Missing character: There is no (\S+)", log)))
    for width in set(re.findall(r"^Overfull \\hbox \((\d+)(?:\.\d+)?pt", log, re.M)):
        if int(width) > 2:
            warnings.append(f"a line of the PDF is {width} pt too wide")
    if lost:
        warnings.append(f"no installed font has {' '.join(lost)}: missing in the PDF")
    return printed


# --- running a program ----------------------------------------------------------------------------------------------


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> str:
    """Run a program to its end or for SECONDS; how it ended, in words. It and its children are gone afterwards."""
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=said,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return f"not done after {SECONDS:.0f} s"
        finally:
            _end(process)
    lines = _read(folder / "said", b"").decode("utf-8", "replace").strip().splitlines()
    return f"status {status}" + (f": {lines[-1].strip()[:200]}" if status and lines else "")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program of ours with all that it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _read(path: Path, ending: bytes = b"%%EOF") -> bytes:
    """A file that a program left, if it is there and whole."""
    with suppress(OSError):
        content = path.read_bytes()
        if ending in content[-1024:]:
            return content
    return b""

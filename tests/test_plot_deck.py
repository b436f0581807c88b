"""Pictures in decks: ```plot blocks in every format, written whole or not at all, or words where they should be."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image

from derive.cli import main
from derive.deck import read_deck
from derive.derivation import Text
from derive.errors import InputError
from derive.plots import KINDS, Drawing, Plot
from derive.render import pdf
from derive.slides import Built, build, write_deck
from numeric.pictures import canvas
from numeric.plot import draw as numeric_draw

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
CHROMIUM = pytest.mark.skipif(not BROWSER, reason="no Chromium here: a deck with pictures was not opened in a browser")
TEX = pytest.mark.skipif(not shutil.which("xelatex") or bool(pdf.tex_missing("가")), reason="needs xelatex with kotex")

NOISE = """\
# A fixed learning rate | 고정 학습률

It does not settle.

```plot
kind: noise
eta: 0.3
caption: started at $w = 0$, 100% *noise* <b> | $w = 0$ 에서 출발
```
"""
ALL = "lang: ko\n\n" + "\n---\n\n".join(
    f"# {name}\n\n```plot\nkind: {name}\n{'measure: no' if name == 'cost' else ''}\ncaption: a {name}\n```\n"
    for name in KINDS
)


_DRAWN: dict[str, Drawing] = {}


def draw(plot: Plot) -> Drawing:
    """What numeric draws, and each image painted once: the decks of these tests hold the same pictures."""
    key = f"{plot.kind} {plot.values}"
    if key not in _DRAWN:
        found = numeric_draw(plot)
        _DRAWN[key] = found._replace(paint=cache(lambda lang, format: found.paint(lang, format, [])))
    paint = _DRAWN[key].paint
    return _DRAWN[key]._replace(paint=lambda lang, format, warnings: paint(lang, format))  # type: ignore[call-arg]


def built(text: str, ending: str, lang: str | None = None, **options: Any) -> Built:
    return build(text, "deck.md", f"out{ending}", lang=lang, draw=draw, **options)


def content(found: Built) -> str:
    assert isinstance(found.content, str)
    assert found.warnings == []
    return found.content


class Images(HTMLParser):
    """The attributes of every image, and the classes of every figure."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.figures: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("img", "figure"):
            (self.found if tag == "img" else self.figures).append(dict(attrs))


def data(source: str | None, kind: str) -> bytes:
    start = f"data:{kind};base64,"
    assert source
    assert source.startswith(start)
    return base64.b64decode(source.removeprefix(start), validate=True)


# --- the formats ------------------------------------------------------------------------------------------------------


def test_html_has_an_image_in_each_language_and_nothing_that_runs() -> None:
    page = content(built(ALL, ".html"))
    images = Images(page)
    assert len(images.figures) == len(KINDS)
    assert [image["lang"] for image in images.found] == ["en", "ko"] * len(KINDS)
    for image in images.found:
        svg = data(image["src"], "image/svg+xml").decode("utf-8")
        assert f"<title>{(image['alt'] or '')[:20]}" in svg
        assert set(image) == {"class", "lang", "alt", "src"}
    assert page.count("<script") == 1
    assert "default-src 'none'" in page
    assert "img-src data:" in page
    assert page.count("<figcaption>") == len(KINDS)
    assert content(built(ALL, ".html")) == page


def test_a_picture_of_one_language_is_there_once() -> None:
    block = "```plot\nkind: subgradient\n```"
    text = f"# A\n\n::: en\n{block}\n:::\n::: ko\n{block}\n:::\n"
    images = Images(content(built(text, ".html")))
    assert [(figure["class"], figure["lang"]) for figure in images.figures] == [("plot t", "en"), ("plot t", "ko")]
    assert [(image["alt"] or "")[:3] for image in images.found] == ["The", "손실 "]
    assert [found.get("lang") for found in images.found] == [None, None]
    assert content(built(text, ".md", "en")).count("](data:") == 1


def test_captions_are_text_with_formulas() -> None:
    page = content(built(NOISE, ".html"))
    caption = re.search(r"<figcaption>(.*?)</figcaption>", page, re.S)
    assert caption
    assert "100% <em>noise</em> &lt;b&gt;" in caption[1]
    assert "<math" in caption[1]
    tex = content(built(NOISE, ".tex", "en"))
    assert r"started at $w = 0$, 100\% \emph{noise} <b>" in tex
    assert r"\<b\>" in content(built(NOISE, ".md", "en"))


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_marp_has_the_image_as_data_and_no_word_that_is_an_order(lang: str) -> None:
    text = content(built(ALL, ".md", lang))
    images = re.findall(r"^!\[(.*) h:(\d+)\]\(([^)]*)\)$", text, re.M)
    assert len(images) == len(KINDS)
    orders = (
        "bg blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia fit cover contain"
    )
    known = "|".join([*orders.split(), "auto", "left", "right", "vertical", r"\d+%", "(?:w|h|width|height):.*"])
    for alt, high, source in images:
        assert not re.search(rf"(?<!\S)(?:{known})(?!\S)", alt)
        assert 150 <= int(high) <= 520
        with Image.open(io.BytesIO(data(source, "image/png"))) as image:
            assert image.size == (1600, 752)
    assert len(text.split("\n---\n")) == len(KINDS) + 1  # with the end of the front matter


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_notebook_has_the_image_attached_to_its_cell(lang: str) -> None:
    notebook = nbformat.reads(content(built(ALL, ".ipynb", lang)), as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if "attachments" in cell]
    assert len(cells) == len(KINDS)
    for cell in cells:
        ((name, bundle),) = cell["attachments"].items()
        assert re.fullmatch(r"[a-z0-9.-]+", name)  # what every reader of notebooks finds again
        assert f"](attachment:{name})" in cell["source"]
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


def test_beamer_has_its_pictures_beside_it(tmp_path: Path) -> None:
    found = built(ALL, ".tex", "en")
    tex = content(found)
    names = [f"out-{number}.pdf" for number in range(1, len(KINDS) + 1)]
    assert list(found.files) == names == re.findall(r"\\deriveplot\{(.*?)\}%", tex)
    assert all(file.startswith(b"%PDF-") for file in found.files.values())
    write_deck(tmp_path / "out.tex", found)
    assert {path.name for path in tmp_path.iterdir()} == {*names, "out.tex"}
    write_deck(tmp_path / "out.tex", found)  # our own pictures may be replaced


@TEX
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_beamer_compiles_and_nothing_is_cut_off(lang: str) -> None:
    found = built(ALL + "\n---\n\n" + NOISE, ".tex", lang)
    warnings: list[str] = []
    compiled = pdf.compile_tex(content(found), warnings, found.files)
    assert compiled.startswith(b"%PDF-")
    assert warnings == []


def test_a_pdf_falls_back_on_beamer_with_its_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "find_browser", lambda: "")
    monkeypatch.setattr(pdf, "tex_missing", lambda tex: "")
    handed: dict[str, bytes] = {}

    def compile_tex(tex: str, warnings: list[str], files: dict[str, bytes]) -> bytes:
        handed.update(files)
        return b"%PDF-"

    monkeypatch.setattr(pdf, "compile_tex", compile_tex)
    found = built(NOISE, ".pdf")
    assert (found.content, found.warnings, list(handed)) == (b"%PDF-", [], ["picture-1.pdf"])


@CHROMIUM
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_pictures_are_seen_in_a_browser(lang: str, tmp_path: Path) -> None:
    """The page is printed without a page that is too full, and the colours of the picture are on it."""
    page = content(built(NOISE, ".html", lang))
    printed = pdf.print_page(BROWSER, page)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    (tmp_path / "deck.html").write_text(page, encoding="utf-8")
    flags = "--headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,720 --virtual-time-budget=3000"
    address = (tmp_path / "deck.html").as_uri()
    subprocess.run(
        [BROWSER, *flags.split(), f"--user-data-dir={tmp_path / 'p'}", f"--screenshot={tmp_path / 'a.png'}", address],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    with Image.open(tmp_path / "a.png") as image:
        pixels = image.convert("RGB")
        wanted = tuple(bytes.fromhex(canvas.ORANGE.removeprefix("#")))
        columns = [x for x in range(pixels.width) if any(_near(pixels.getpixel((x, y)), wanted) for y in range(720))]
    assert columns[-1] - columns[0] > 400  # the band of the variance, across the slide


def _near(one: Any, other: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 12 for a, b in zip(one, other, strict=True))


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stem", ["a b", "50%", "a#b", "~x", "{y}", "$z$", "a\\b" if os.sep == "/" else "ab!"])
def test_a_name_that_tex_would_stumble_over_is_written_another_way(stem: str) -> None:
    found = build(NOISE, "deck.md", f"{stem}.tex", draw=draw)
    ((name, _),) = found.files.items()
    assert re.fullmatch(r"[\w.-]+-[0-9a-f]{6}-1\.pdf", name)
    assert f"\\deriveplot{{{name}}}" in str(found.content)
    other = build(NOISE, "deck.md", f"{stem}!.tex", draw=draw)
    assert set(other.files).isdisjoint(found.files)


def test_hangul_stays_in_a_name() -> None:
    assert list(build(NOISE, "deck.md", "강의_3.tex", draw=draw).files) == ["강의_3-1.pdf"]


def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    found = built(NOISE, ".tex")
    (tmp_path / "out-1.pdf").write_bytes(b"%PDF-1.7 the thesis")
    with pytest.raises(InputError, match=r"out-1\.pdf: a picture of the slides would replace this file"):
        write_deck(tmp_path / "out.tex", found)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out-1.pdf": b"%PDF-1.7 the thesis"}


def test_all_is_written_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = built(NOISE, ".tex")
    with pytest.raises(InputError, match="cannot write here"):
        write_deck(tmp_path / "nowhere" / "out.tex", found)
    written: list[str] = []

    def full(handle: int, *rest: Any) -> Any:
        written.append(str(handle))
        if len(written) == 2:  # the picture is complete, the slides do not fit any more
            os.close(handle)
            raise OSError(28, "No space left on device")
        return fdopen(handle, *rest)

    fdopen = os.fdopen
    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_deck(tmp_path / "out.tex", found)
    assert list(tmp_path.iterdir()) == []


# --- where nothing can be drawn ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".html", ".tex", ".md", ".ipynb"])
def test_without_matplotlib_the_words_stand_in_its_place(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = build(NOISE, "deck.md", f"out{ending}", lang="en", draw=numeric_draw)
    assert found.warnings == [
        "deck.md:6: words in place of a picture: pictures need matplotlib: pip install 'symstep[plot]'"
    ]
    assert found.files == {}
    text = json.dumps(json.loads(str(found.content))) if ending == ".ipynb" else str(found.content)
    assert "started at the optimum, it goes on moving" in text
    assert "symstep" in text
    assert "matplotlib" in text
    assert not Images(text).found
    assert not re.search(r"!\[|\\deriveplot\{", text.partition("\\begin{document}")[2] or text)


def test_the_command_without_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    Path("deck.md").write_text(NOISE, encoding="utf-8")
    assert main(["deck", "deck.md", "-o", "out.html", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["slides"] == 1
    assert err.count("\n") == 1
    assert "pip install 'symstep[plot]'" in err


def test_without_anybody_who_draws() -> None:
    found = build(NOISE, "deck.md", "out.html")
    assert KINDS["noise"].title.en in str(found.content)
    assert len(found.warnings) == 1


def test_hostile_words_of_a_drawer_are_text() -> None:
    def hostile(plot: Plot) -> Drawing:
        words = Text('"><script>alert(1)</script> \\input{x} ](javascript:x) `', "가 --> <!--")
        return Drawing(words, {}, lambda lang, format, warnings: b"\x89PNG")

    for ending in (".html", ".tex", ".md", ".ipynb"):
        text = str(build(NOISE, "deck.md", f"out{ending}", lang="en", draw=hostile).content)
        wrong = {".tex": r"\\input\{x", ".html": "<script>alert"}.get(ending, r"(?<!\\)(?:\]\(javascript:|<script>)")
        assert not re.search(wrong, text)


# --- blocks that cannot be read ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "line", "says"),
    [
        ("kind: nois\neta: 0.3", 4, "did you mean noise?"),
        ("noise", 4, "'noise' is no option; write `name: value`"),
        ("eta: 0.3", 4, "has no kind"),
        ("", 4, "has no kind"),
        ("kind: noise\n\n# a comment\nfoo: 1", 7, "no option 'foo'; it has eta, lambda"),
        ("kind: noise\nsigma: 1\neta: nan", 6, "'nan' is not a number"),
        ("sigma: 1\nkind: noise\neta: 5", 5, "needs eta*lambda < 2"),
        ("kind: noise\neta: 1\neta: 2", 6, "eta is given twice"),
        ("kind: noise\nkind: cost", 5, "kind is given twice"),
        ("kind: noise\neta: 1e-6", 4, "takes 3453876 steps to settle"),
        ("kind: noise\ncaption: \\frac{1}{2}", 5, "stands outside a formula"),
        ("kind: noise\ncaption: # a heading", 5, "a caption is a line of running text"),
        ("kind: noise\noutput: x.svg", 5, "no option 'output'"),
        ("kind: density\nmodel: laplace\nnu: 3", 4, "the laplace model has no nu"),
        ("kind: noise\n" + "# " + "x" * 5000, 4, "too long"),
    ],
)
def test_a_block_that_cannot_be_drawn_names_its_line_and_nothing_is_written(
    block: str,
    line: int,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deck.md").write_text(f"# A\n\n```plot\n{block}\n```\n", encoding="utf-8")
    assert main(["deck", "deck.md", "-o", "out.html"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"derive: deck.md:{line}: ")
    assert says in err
    assert [path.name for path in tmp_path.iterdir()] == ["deck.md"]


def test_a_deck_knows_its_plots() -> None:
    deck = read_deck(NOISE)
    (block,) = deck.plot_blocks()
    assert (block.line, block.text.split("\n")[0]) == (6, "kind: noise")
    assert list(deck.derive_blocks()) == []


def test_check_reads_past_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deck.md").write_text(f"{NOISE}\n```derive\ngiven: w != 0\n\nw/w = 1\n```\n", encoding="utf-8")
    assert main(["check", "deck.md"]) == 0

"""Slides as Beamer, Marp and notebook: what they show, and that no text of an author becomes an order in them."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from derive.errors import InputError
from derive.render.outline import split
from derive.slides import FORMATS, Built, build, keep_source, write_whole

TEXT_ENDINGS = (".tex", ".md", ".ipynb")
GOOD = r"""title.en: The loss
title.ko: 손실
author: A lecturer
lang: en

# The likelihood | 가능도

::: en
The *likelihood* of $w < 1$ is a **product**.
:::
::: ko
$w$의 *가능도*는 **곱**이다.
:::

| which | value |
|:--|--:|
| $\lvert x \rvert$ | `a | b` |

1. first
2. second

::: notes
What the lecturer says.
:::

---

# Steps | 단계

```derive
title.en: The same minimum
title.ko: 최솟점은 같다
source: A source, 1995
given: w, m, y[i] real; s > 0; N integer >= 1
define: L(w) = sum((y[i] - w)**2, i, 1, N)
show: argmin[w] sum((y[i] - w)**2, i, 1, N)

  argmax[w] -L(w)/s
= argmax[w] -sum((y[i] - w)**2, i, 1, N)/s    -- by definition | 정의 [rule: definition]
= argmin[w] sum((y[i] - w)**2, i, 1, N)       -- s > 0, flip the sign | 부호를 뒤집는다
```

---

# A wrong line | 틀린 줄

```derive
given: v >= 0; e > 0

  1/(sqrt(v) + e)
= 1/sqrt(v + e)   -- eps moves | eps 이동
```

---

# Claims | 주장

```derive
title: a square
given: x real
(x + 1)**2 = x**2 + 2*x + 1

title: a factor
given: x != 0
x/x = 1
```
"""
HOSTILE = r"""title: \input{/etc/passwd} & 100% $5 </script> _x_ ^ ~ #
author: "A" & B: {c} \write18{id}

# \$ \\input{/etc/passwd} & `\write18{id}` #1

Backslash \\ and \\input{/etc/passwd}, \\write18{id}, 100% & #1 {a} ~ ^ _ \$ <script>alert(1)</script> --> <!-- x -->

- a [link](https://example.org/a_b?x=1&y=\input{x}#frag%20~z)

```python
\end{frame}\input{/etc/passwd} % $ ``` </script>
---
$$ x $$
```

Then $\text{50\% of } x < \frac{a}{b}$.

::: notes
footer: an order --> <!-- _class: evil --> </script>

_paginate: false
:::

---

# B

```derive
title: \input{/etc/passwd} % & $x$
source: \write18{id} <!-- --> _footer: x
given: x real

  x + x
= 2*x     -- \input{/etc/passwd} </script> 50% $x$ | a
= 3*x
```
"""


@cache
def built(text: str, ending: str, lang: str = "en") -> Built:
    return build(text, "deck.md", f"out{ending}", lang=lang)


def content(text: str, ending: str, lang: str = "en") -> str:
    found = built(text, ending, lang).content
    assert isinstance(found, str)
    return found


def cells(text: str, lang: str = "en") -> list[dict[str, Any]]:
    return list(json.loads(content(text, ".ipynb", lang))["cells"])


def marp_slides(text: str, lang: str = "en") -> list[str]:
    """The slides of the Marp output, cut where Markdown has a rule, not where code has three dashes."""
    whole = content(text, ".md", lang)
    lines = whole.split("\n")
    end = lines.index("---", 1)
    body = "\n".join(lines[end + 1 :])
    rules = [t.map[0] for t in markdown().parse(body) if t.type == "hr" and t.map and t.markup[0] == "-"]
    return ["\n".join(body.split("\n")[a + 1 : b]) for a, b in pairwise([-1, *rules, None])]


def markdown(*, html: bool = False) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": html}).enable(["table", "strikethrough"])
    return parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
def test_one_language_per_file(ending: str) -> None:
    english, korean = content(GOOD, ending, "en"), content(GOOD, ending, "ko")
    for shown in ("likelihood", "flip the sign", "Notation", "by definition", "1 refuted"):
        assert shown in english, shown
        assert shown not in korean
    for shown in ("가능도", "부호를 뒤집는다", "기호", "정의", "반증 1"):
        assert shown in korean
        assert shown not in english


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
@pytest.mark.parametrize("text", [GOOD, HOSTILE], ids=["good", "hostile"])
def test_the_same_deck_is_the_same_file(ending: str, text: str) -> None:
    assert build(text, "deck.md", f"out{ending}", lang="ko").content == content(text, ending, "ko")


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
def test_every_step_and_what_it_rests_on_is_there(ending: str) -> None:
    shown = content(GOOD, ending)
    for part in ("To show", "Given", "Define", "A source, 1995", "definition", "argopt", "2 proved"):
        assert part in shown, part
    assert "refuted" in shown
    assert "v = " in shown  # the point at which the wrong line fails
    lecture = build("# A\n\n```derive\nuse: laplace-l1\n```\n", "deck.md", f"out{ending}").content
    assert isinstance(lecture, str)
    assert "the Laplace density integrates to 1" in lecture
    assert "1 declared obligation" in lecture
    assert "L_{1}" in lecture  # the name under the brace


def test_an_ending_that_nobody_knows() -> None:
    for name in ("out.docx", "out", "out.html.zip"):
        with pytest.raises(InputError) as caught:
            build("# A\n", "deck.md", name)
        assert all(ending in str(caught.value) for ending in FORMATS)
        assert name in str(caught.value)


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
def test_a_formula_that_cannot_be_written_names_its_line(ending: str) -> None:
    with pytest.raises(InputError, match=r"^deck\.md:3: formula"):
        build("# A\n\n$\\input{x}$\n", "deck.md", f"out{ending}")


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
def test_a_formula_far_too_wide_is_named(ending: str) -> None:
    text = f"# A\n\n$${'+'.join('abcdefgh' * 8)}$$\n"
    assert any("deck.md:3" in warning for warning in build(text, "deck.md", f"out{ending}").warnings)


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
def test_an_empty_deck_and_a_slide_without_words(ending: str) -> None:
    assert build("", "deck.md", f"out{ending}").slides == 0
    assert build("# \n\n---\n\n$$x$$\n", "deck.md", f"out{ending}").slides >= 1


def test_splitting_shows_every_line_once_and_repeats_the_last() -> None:
    for count in range(8):
        pages = split([1.0] * count, [1.0] * count, 2.5, 3.5)
        covered = [at for page in pages for at in (page[1:] if page.start else page)]
        assert covered == list(range(count))
        assert all(b.start == a.stop - 1 for a, b in pairwise(pages))


COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)

# --- Beamer ---------------------------------------------------------------------------------------------------------

KNOWN_COMMANDS = """
renewcommand derivefoot begin end frametitle framesubtitle quad par item textbf emph texttt href textcolor newline
derivedisplay deriveclaim deriverow derivefit derivestep derivemark derivesmall derivefound derivechanged uncover
note linewidth displaystyle normalfont small large Large LARGE bfseries raggedright color rule vfill vspace
centering midrule arraystretch ttfamily noindent textbackslash textasciitilde textasciicircum ensuremath hypersetup
document operatorname cdot sum log exp sqrt frac left right underbrace mathop mathbin mathrel le ge neq in mathbb
text lvert rvert lt gt sigma mu epsilon dots Longleftrightarrow to
"""
KNOWN = set(KNOWN_COMMANDS.split())


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("text", [GOOD, HOSTILE], ids=["good", "hostile"])
def test_beamer_has_only_our_commands(text: str, lang: str) -> None:
    body = content(text, ".tex", lang).partition("\\hypersetup")[2]
    assert {name for name in re.findall(r"\\([A-Za-z]+)", body)} <= KNOWN
    plain = COMMAND.sub("", body)
    assert plain.count("{") == plain.count("}")
    assert plain.count("$") % 2 == 0
    assert "%" not in plain
    assert "^^" not in body
    assert not re.search(r"(?<!\\)#", body)


def test_beamer_frames_steps_and_notes() -> None:
    ran = built(GOOD, ".tex")
    tex = content(GOOD, ".tex")
    body = tex.partition("\\begin{document}")[2]
    assert tex.startswith("% !TEX program = xelatex")
    assert body.count("\\begin{frame}") == body.count("\\end{frame}") == ran.slides
    chain = body[body.index("\\frametitle{Steps") : body.index("\\frametitle{A wrong")]
    assert [int(n) for n in re.findall(r"\\uncover<(\d+)->", chain)] in ([2, 3], [2, 2])
    assert chain.count("\\derivemark{proved}") >= 2
    assert "\\derivemark{refuted}" in body
    assert body.count("\\note{") == 1
    assert "What the lecturer says." in body
    assert "\\usepackage{kotex}" not in tex
    assert "\\usepackage{kotex}" in content(GOOD, ".tex", "ko")


def test_beamer_links_are_encoded() -> None:
    assert r"\href{https://example.org/a\_b?x=1\&y=\%5Cinput\%7Bx\%7D\#frag\%20\~z}" in content(HOSTILE, ".tex")


# --- Markdown: Marp and the notebook --------------------------------------------------------------------------------


def test_marp_front_matter_and_slides() -> None:
    text = content(GOOD, ".md")
    lines = text.split("\n")
    assert lines[0] == "---"
    front = lines[1 : lines.index("---", 1)]
    assert {"marp: true", "math: mathjax", "lang: en", 'title: "The loss"', 'author: "A lecturer"'} <= set(front)
    slides = marp_slides(GOOD)
    assert len(slides) == built(GOOD, ".md").slides
    steps = next(slide for slide in slides if "flip the sign" in slide)
    assert "\\begin{aligned}" in steps
    assert re.search(r"^2\. s \\> 0, flip the sign · `argopt` · needs .*: \*\*proved\*\*$", steps, re.M)
    assert re.search(
        r'^<!-- _footer: "2 steps: 2 proved; 1 definition · [0-9a-f]{12} · A source, 1995" -->$', steps, re.M
    )
    wrong = next(slide for slide in slides if "eps moves" in slide)
    assert re.search(r"^1\. eps moves: \*\*refuted; at: ", wrong, re.M)
    assert "\n".join(slides).count("<!--\nNotes\n\nWhat the lecturer says.\n-->") == 1


@pytest.mark.parametrize("text", [GOOD, HOSTILE], ids=["good", "hostile"])
def test_marp_has_no_html_but_our_comments(text: str) -> None:
    slides = marp_slides(text)
    assert len(slides) == built(text, ".md").slides
    for slide in slides:
        tokens = markdown(html=True).parse(slide)
        html = [t.content for t in tokens if t.type == "html_block"]
        html += [c.content for t in tokens for c in t.children or () if c.type == "html_inline"]
        for comment in html:
            # A comment is one of our directives, or begins with a word, which makes it no YAML mapping for Marp.
            assert re.fullmatch(r'<!-- (_class: lead|_paginate: false|_footer: ".*") -->\n?|<!--\nNotes\n\n.*\n-->\n?',
                                comment, re.S)  # fmt: skip
            assert comment.count("-->") == comment.count("<!--") == 1


def test_marp_front_matter_of_hostile_text_is_strings() -> None:
    title = next(line for line in content(HOSTILE, ".md").split("\n") if line.startswith("title: "))
    assert json.loads(title.removeprefix("title: ")) == r"\input{/etc/passwd} & 100% $5 </script> _x_ ^ ~ #"


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("text", [GOOD, HOSTILE, ""], ids=["good", "hostile", "empty"])
def test_the_notebook_is_valid(text: str, lang: str) -> None:
    whole = content(text, ".ipynb", lang)
    read = nbformat.reads(whole, as_version=4)
    nbformat.validate(read)
    assert (read["nbformat"], read["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in cells(text, lang)]
    assert len(ids) == len(set(ids))
    for cell in cells(text, lang):
        assert set(cell) == {"cell_type", "id", "metadata", "source"}
        assert cell["cell_type"] == "markdown"
        assert cell["metadata"]["slideshow"]["slide_type"] in ("slide", "subslide", "fragment", "notes")
        assert all(line.endswith("\n") for line in cell["source"][:-1])


def test_the_notebook_shows_a_step_in_each_fragment() -> None:
    found = [(cell["metadata"]["slideshow"]["slide_type"], "".join(cell["source"])) for cell in cells(GOOD)]
    fragments = [text for kind, text in found if kind == "fragment"]
    assert len(fragments) == 2 + 1 + 2
    assert "(2) s \\> 0, flip the sign" in fragments[1]
    assert fragments[1].startswith("$\\displaystyle =\\; ")
    assert "2 steps: 2 proved" in fragments[1]
    assert [text for kind, text in found if kind == "notes"] == ["What the lecturer says."]
    assert sum(kind in ("slide", "subslide") for kind, _ in found) == built(GOOD, ".ipynb").slides


def test_the_notebook_of_hostile_text_has_no_html() -> None:
    for cell in cells(HOSTILE):
        tokens = markdown(html=True).parse("".join(cell["source"]))
        assert not [t for t in tokens if t.type == "html_block"]
        assert not [c for t in tokens for c in t.children or () if c.type == "html_inline"]


# --- writing --------------------------------------------------------------------------------------------------------


def test_bytes_and_text_are_written_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.pdf", b"\x00\xff\r\n")
    write_whole(tmp_path / "a.tex", "한글\n")
    assert (tmp_path / "a.pdf").read_bytes() == b"\x00\xff\r\n"
    assert (tmp_path / "a.tex").read_bytes() == "한글\n".encode()
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a.tex", "\ud800")
    assert (tmp_path / "a.tex").read_bytes() == "한글\n".encode()
    assert sorted(os.listdir(tmp_path)) == ["a.pdf", "a.tex"]


def test_the_deck_itself_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deck.md").write_text("# A\n", encoding="utf-8")
    keep_source("deck.md", "other.md")
    with pytest.raises(InputError, match="the deck itself"):
        keep_source("deck.md", "./deck.md")

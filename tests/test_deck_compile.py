"""The Beamer slides through a real xelatex, the PDF through a real browser; skipped where they are not installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from derive.errors import MissingDependency
from derive.library import lecture_text
from derive.render import pdf
from derive.slides import build

TEX = pytest.mark.skipif(bool(pdf.tex_missing("한글")), reason=f"needs xelatex: {pdf.tex_missing('한글')}")
BROWSER = pytest.mark.skipif(not pdf.find_browser(), reason="needs a browser: chromium is not installed")
HOSTILE = r"""title: \input{/etc/passwd} & 100% $5 {x} </script> ^ ~ #
author: A & B_c \write18{id}

# \$5 & `\write18{id} %$#&{}~^` 50% | 적대적 글

Backslash \\, \\input{/etc/passwd}, 100% & #1 {a} ~ ^ _ \$ <script> α → β ≤ é “quotes” — 한글 *em **strong*** ~~old~~

- a [link](https://example.org/a_b?x=1&y=\input{x}#frag%20~z)
  - nested $x_1 < y$

3. three

> A quote with $\text{50\% of } x$.

```python
\end{frame}\input{/etc/passwd} % $ ``` </script>
    # indented {ok}
```

::: notes
footer: an order --> \\write18{id} 100% $\frac{a}{b}$
:::

---

# Formulas | 수식

$$\begin{align*} a &= \frac{1}{2}\left(b + \sqrt[3]{c}\right) \\
[x] &\le \underbrace{\sum_{i=1}^N |x_i|}_{\text{손실 50\%}} \end{align*}$$

$\begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}$ $\textcolor{red}{x}^2$ $\boxed{y}$ $\cancel{z}$
$\class{changed}{-}w$
$\xrightarrow[a]{b}$ $\mathbb{E}[x]$ $\lVert x \rVert_2$ $\begin{pmatrix}1&2\\3&4\end{pmatrix}$ $\binom{n}{k}$
$\begin{dcases} a \\ b \end{dcases}$ $\begin{rcases} a \\ b \end{rcases}$ $\begin{array}{l|c}a & b\end{array}$
손실 $손실 α ≤ ∞$
$\sum_{\substack{i=1 \\ j}}$ $x \triangleq y \coloneqq z$ $\colorbox{yellow}{ab}$ $\operatorname*{arg\,max}_w f$

| left | center | right |
|:--|:-:|--:|
| $\lvert x \rvert$ | `a` | b |

$$a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x+y+z+a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x+y+z$$

---

# B

```derive
title: \input{/etc/passwd} % & $x$
source: \write18{id} <!-- -->
given: eps > 0; v >= 0; w, eta, g real

  w - eta*g/(sqrt(v) + eps)
= w - eta*g/sqrt(v + eps)     -- \input{/etc/passwd} 50% $x$, too long to stand beside its formula in one line | 이유
= w - eta*g/sqrt(v + eps) + 0
```
"""


def tex_of(text: str, lang: str) -> tuple[str, int]:
    found = build(text, "deck.md", "out.tex", lang=lang)
    assert isinstance(found.content, str)
    return found.content, found.slides


def pages(content: bytes) -> int:
    """The number of pages, which a PDF says in its page tree; xelatex compresses the single pages."""
    import zlib

    plain = content
    for stream in re.finditer(rb"stream\r?\n(.*?)endstream", content, re.S):
        try:
            plain += zlib.decompress(stream[1])
        except zlib.error:
            continue
    return max(int(count) for count in re.findall(rb"/Count (\d+)", plain))


@TEX
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_lecture_compiles_without_a_line_that_is_too_wide(lang: str) -> None:
    tex, slides = tex_of(lecture_text(), lang)
    warnings: list[str] = []
    content = pdf.compile_tex(tex, warnings)
    assert warnings == []
    assert content.startswith(b"%PDF-")
    assert pages(content) > slides  # steps come one by one


@TEX
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_hostile_text_and_every_kind_of_block_compile(lang: str) -> None:
    tex, slides = tex_of(HOSTILE, lang)
    warnings: list[str] = []
    content = pdf.compile_tex(tex.replace("aspectratio=169", "handout,aspectratio=169"), warnings)
    assert warnings == []
    assert pages(content) == slides


@TEX
def test_tex_reads_no_other_file_and_runs_nothing(tmp_path: Path) -> None:
    frame = "\\documentclass{article}\\begin{document}x%s\\end{document}\n"
    secret = tmp_path / "secret.tex"
    secret.write_text("secret", encoding="utf-8")
    with pytest.raises(MissingDependency, match="xelatex stopped"):
        pdf.compile_tex(frame % f"\\input{{{secret}}}", [])
    mark = tmp_path / "mark"
    pdf.compile_tex(frame % f"\\immediate\\write18{{touch {mark}}}", [])
    with pytest.raises(MissingDependency, match="xelatex stopped"):
        pdf.compile_tex(frame % f"\\newwrite\\w\\immediate\\openout\\w={mark}.tex \\immediate\\write\\w{{x}}", [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.tex"]


@TEX
def test_a_pdf_without_a_browser_goes_through_tex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "BROWSERS", ())
    made = [build("title: 제목\n\n# A\n\n한글 $x$\n", "deck.md", "out.pdf") for _ in range(2)]
    assert isinstance(made[0].content, bytes)
    assert pages(made[0].content) == made[0].slides == 2
    assert made[0].content == made[1].content


@BROWSER
def test_a_pdf_through_a_browser() -> None:
    text = "title: 제목\n\n# A\n\n한글 $x$\n\n---\n\n# B\n\n```derive\ngiven: b > 0\n\n  2*b/b\n= 2\n```\n"
    made = [build(text, "deck.md", "out.pdf") for _ in range(2)]
    assert isinstance(made[0].content, bytes)
    assert made[0].content.startswith(b"%PDF-")
    assert pages(made[0].content) == made[0].slides == 4
    assert made[0].content == made[1].content

"""A user's text made safe for a place: a terminal, LaTeX text mode, Markdown."""

from __future__ import annotations

import re
import unicodedata

_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>|~$&]|^\s*[#+-]|^\s*\d+(?=[.)])")


def printable(text: str) -> str:
    r"""The text in one line, without control, format (bidirectional, zero-width) and private characters.

    >>> printable("safe\x1b[31m\u202etext\n")
    'safe[31mtext '
    """
    spaced = "".join(" " if c in "\n\t\r\x0b\x0c\u2028\u2029" else c for c in text)
    return "".join(c for c in spaced if unicodedata.category(c)[0] != "C")


def escape_text(text: str) -> str:
    r"""A user's text for LaTeX text mode.

    >>> escape_text("50% of a_1 & b")
    '50\\% of a\\_1 \\& b'
    """
    return "".join(_TEX.get(character, character) for character in printable(text))


def escape_markdown(text: str) -> str:
    r"""A user's text for Markdown prose, every sign that could begin markup escaped.

    >>> escape_markdown("a*b <script>")
    'a\\*b \\<script\\>'
    """
    return _MARKDOWN.sub(_escaped, printable(text))


def _escaped(sign: re.Match[str]) -> str:
    digits = sign[0].strip().isdigit()
    return sign[0] + "\\" if digits else sign[0][:-1] + "\\" + sign[0][-1]


def label(text: str) -> str:
    r"""Words in a formula, in which a letter with a number (L_1, or L1 with a capital) is a symbol.

    >>> label("L1 loss")
    'L_{1}\\text{ loss}'
    """
    parts = re.split(r"(?<![A-Za-z0-9_])([A-Za-z]_[0-9]|[A-Z][0-9])(?![A-Za-z0-9_])", printable(text))
    shown = [f"{p[0]}_{{{p[-1]}}}" if k % 2 else rf"\text{{{escape_text(p)}}}" for k, p in enumerate(parts) if p]
    return "".join(shown)

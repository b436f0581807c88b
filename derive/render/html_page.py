"""One HTML page: escaping, two languages side by side, formulas, and the shell around the slides."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

from derive.ascii import show
from derive.derivation import Text
from derive.kernel.terms import Term
from derive.plots import Picture
from derive.render.escape import printable
from derive.render.fonts import font_face
from derive.render.mathml import Formula, to_mathml
from derive.symbols import Notation

_MARKS = {
    "proved": '<path d="M2.5 8.6l3.6 3.6 7.4-8.4"/>',
    "refuted": '<path d="M3.2 3.2l9.6 9.6M12.8 3.2l-9.6 9.6"/>',
    "undecided": '<path d="M5 5.6c0-4 6-4 6-.4 0 2.4-3 2.4-3 5M8 13.1v.3"/>',
    "checked": '<path d="M1.5 9.5c2-3.6 4-3.6 6.500-1s4.500 2.600 6.500-1"/>',
    "declared": '<path d="M2 6.200v.2M2 10v.2M5.500 6h8.500M5.500 10.200h8.500"/>',
}
NONE = "&ndash;"
KEYS = Text(
    "<kbd>→</kbd> <kbd>space</kbd> next &nbsp; <kbd>←</kbd> back &nbsp; <kbd>L</kbd> 한국어 &nbsp; "
    "<kbd>H</kbd> handout &nbsp; <kbd>N</kbd> notes",
    "<kbd>→</kbd> <kbd>스페이스</kbd> 다음 &nbsp; <kbd>←</kbd> 이전 &nbsp; <kbd>L</kbd> English &nbsp; "
    "<kbd>H</kbd> 유인물 &nbsp; <kbd>N</kbd> 노트",
)


def escape(text: str) -> str:
    """A text for HTML, without control and bidirectional characters.

    >>> escape('<img onerror="x">')
    '&lt;img onerror=&quot;x&quot;&gt;'
    """
    return html.escape(printable(text), quote=True)


def both(text: Text) -> str:
    """A text in both languages, of which the page shows one."""
    return both_markup(escape(text.en), escape(text.ko))


def both_markup(en: str, ko: str, tag: str = "span") -> str:
    """Markup in both languages; where they agree, or one is missing, there is only one.

    >>> both_markup("step", "단계")
    '<span class="t" lang="en">step</span><span class="t" lang="ko">단계</span>'
    """
    if en and ko and en != ko:
        return f'<{tag} class="t" lang="en">{en}</{tag}><{tag} class="t" lang="ko">{ko}</{tag}>'
    return (f"<{tag}>{en or ko}</{tag}>" if tag != "span" else en or ko) if en or ko else ""


@dataclass
class Page:
    """What is collected while a page is written: the characters its font must have, and warnings."""

    lang: str
    notation: Notation
    file: str = ""
    warnings: list[str] = field(default_factory=list)
    characters: set[str] = field(default_factory=set)
    pictures: Mapping[int, Picture] = field(default_factory=dict)  # by the line of their block

    def formula(self, tex: str, *, display: bool = False, alt: str = "", line: int | None = None) -> Formula:
        found = to_mathml(tex, display=display, alt=alt, file=self.file, line=line)
        self.characters |= found.characters
        return found

    def warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)

    def spoken(self, term: Term, binders: tuple[str, ...]) -> str:
        """A term in the ASCII language, as it is read aloud."""
        return show(term, binders)


@lru_cache(maxsize=8)
def asset(name: str) -> str:
    return (resources.files("derive.render") / "assets" / name).read_text(encoding="utf-8")


def shell(page: Page, title: Text, slides: str, author: str = "") -> str:
    """The whole file: nothing in it is fetched, and only the one script that is named by its hash may run."""
    script = asset("deck.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "font-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )
    marks = "".join(
        f'<symbol id="mark-{name}" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="2.2" '
        f'stroke-linecap="round" stroke-linejoin="round">{path}</symbol>'
        for name, path in _MARKS.items()
    )
    back, forward = both(Text("back", "이전")), both(Text("next", "다음"))
    by = f'<meta name="author" content="{escape(author)}">\n' if author else ""
    return (
        f'<!doctype html>\n<html lang="{page.lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'{by}<title data-en="{escape(title.in_("en"))}" data-ko="{escape(title.in_("ko"))}">'
        f"{escape(title.in_(page.lang))}</title>\n"
        f"<style>\n{font_face(page.characters)}\n{asset('deck.css')}</style>\n</head>\n<body>\n"
        f'<svg class="defs" aria-hidden="true">{marks}</svg>\n<main>\n{slides}</main>\n'
        f'<nav><button type="button" value="back">‹<span class="sr">{back}</span></button>'
        f'<button type="button" value="next">›<span class="sr">{forward}</span></button></nav>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )

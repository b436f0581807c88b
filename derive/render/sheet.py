"""What stands on a slide, as plain data for the formats that are no web page, and what such a format says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from derive.deck import LANGUAGES
from derive.errors import InputError
from derive.markdown import Block, Inline, split_languages
from derive.plots import Picture
from derive.render.author_math import Flavour, author_math, coloured
from derive.render.mathml import to_mathml
from derive.symbols import LECTURE, Notation

WIDEST = 55.0  # em: a formula of this width is printed at about two thirds


class Rendered(NamedTuple):
    """A finished file, how many slides it has, and the files that are to stand beside it."""

    content: str | bytes
    slides: int
    files: Mapping[str, bytes] = MappingProxyType({})


class Bit(NamedTuple):
    """A piece of small print: kind "text", "code" or "math" (LaTeX of our own printer)."""

    kind: str
    text: str


class Step(NamedTuple):
    """One line of a derivation; its texts are still to be escaped."""

    number: int  # 0 for the line that a chain begins with
    relation: str
    formula: str  # LaTeX: what changed is coloured, what has a name is braced
    plain: str
    reason: str
    small: tuple[Bit, ...]  # the rule, and the facts that it needs
    verdict: str
    found: tuple[str, ...]  # why it is not proved
    height: float  # em
    plain_height: float


class Row(NamedTuple):
    """A row of what stands above the steps: its label, and formulas or sentences side by side."""

    label: str
    items: tuple[tuple[Bit, ...], ...]
    height: float  # em


class Sheet(NamedTuple):
    """What stands on one slide."""

    title: tuple[Inline, ...] = ()
    kicker: str = ""  # the name of one of several derivations
    part: int = 1
    parts: int = 1
    prose: tuple[Block, ...] = ()
    claim: tuple[Row, ...] = ()
    steps: tuple[Step, ...] = ()
    again: bool = False  # whether the first of the steps only repeats what stood last
    foot: tuple[str, ...] = ()
    table: tuple[tuple[str, str, str], ...] = ()  # the notation: formula, meaning, formula
    notes: tuple[Block, ...] = ()
    line: int = 0


@dataclass
class Maker:
    """What a format says of itself: its language, its room, and where warnings go."""

    lang: str
    flavour: Flavour
    room: float  # em below the heading of a slide
    scale: float = 1.0  # how high a formula stands, compared with a browser
    below: bool = False  # whether every reason takes lines of its own
    beside: float = 25.0  # em of a formula that leaves room for its reason
    notation: Notation = LECTURE
    file: str = ""
    warnings: list[str] = field(default_factory=list)
    pictures: Mapping[int, Picture] = field(default_factory=dict)  # by the line of their block
    files: dict[str, bytes] = field(default_factory=dict)  # the images that were used, by name
    show: Callable[[str, str], str] = "![{}]({})".format  # Markdown for an image, from its words and its file
    image_height: int = 0  # pixels, where a format asks for them

    def picture(self, block: Block, format: str) -> tuple[Picture, str]:
        """A picture of the deck, and the name of its file in `files`; no name where it cannot be drawn."""
        picture = self.pictures.get(block.line)
        if picture is None:
            raise InputError("no picture was made for this block", remedy="move it", file=self.file, line=block.line)
        name = f"{picture.name}.{format}"
        image = picture.image(self.lang, format, self.warnings)
        if image is None:
            return picture, ""
        self.files[name] = image
        return picture, name

    def math(self, tex: str, *, display: bool = False, line: int | None = None) -> str:
        """An author's formula."""
        found = author_math(tex, self.flavour, display=display, file=self.file, line=line)
        if display:
            self.check_width(tex, f"{self.file or 'deck'}:{line or 1}")
        return found

    def own(self, tex: str) -> str:
        """A formula of our own printer."""
        return coloured(tex, self.flavour)

    def check_width(self, tex: str, place: str) -> None:
        """Warn of a formula that would be printed too small to read."""
        if to_mathml(tex, display=True).width > WIDEST:
            self.warnings.append(f"{place}: the formula is far wider than the slide and printed small; break it up")

    def size(self, tex: str, *, display: bool = True) -> float:
        """The height of a formula in em."""
        return to_mathml(tex, display=display).height * self.scale

    def two(self, inlines: tuple[Inline, ...]) -> tuple[Inline, ...]:
        """`English | 한국어` in the language of the file."""
        return self.chosen(*split_languages(inlines))

    def chosen(self, en: tuple[Inline, ...], ko: tuple[Inline, ...]) -> tuple[Inline, ...]:
        """The one in the language of the file, if there is one."""
        return (ko or en) if self.lang == "ko" else (en or ko)

    def mine(self, blocks: Sequence[Block]) -> tuple[Block, ...]:
        """The blocks in the language of the file."""
        return tuple(block for block in blocks if block.language in ("", self.lang))


def checked_language(lang: str) -> str:
    """The language itself if there is such a one; raises InputError otherwise."""
    if lang not in LANGUAGES:
        raise InputError(f"unknown language {lang!r}", remedy="use en or ko")
    return lang

"""A deck from Markdown to the finished file: read, judged, rendered, and written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from derive.chains import Use
from derive.chains import read_deck as read_blocks
from derive.deck import Deck, read_deck
from derive.derivation import VERDICTS, Derivation
from derive.errors import InputError
from derive.library import derivation
from derive.limits import Patience
from derive.markdown import Block
from derive.plots import Draw, Picture, Plot, pictured, read_block
from derive.prover import prove
from derive.rule_blocks import checked_rules
from derive.schedule_blocks import checked_schedules

if TYPE_CHECKING:
    from derive.render.sheet import Rendered

OURS = b"symstep plot"  # stands in every picture beside a .tex file


class Built(NamedTuple):
    """A finished deck: the content of the file and what is to be said about it.

    `rules` is how many update rules it shows: definitions, with nothing to judge. `files` are to stand beside it, by
    name: the pictures of a .tex file.
    """

    content: str | bytes
    slides: int
    verdict: str
    counts: dict[str, int]
    warnings: list[str]
    files: Mapping[str, bytes] = MappingProxyType({})
    rules: int = 0

    @property
    def summary(self) -> str:
        """The verdicts in words, as "12 lines: 12 proved"."""
        total = sum(self.counts.values())
        words = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items())
        shown = f"{total} lines: {words}" if total else "" if self.rules else "no derivations"
        declared = f"{self.rules} update rule{'s' if self.rules > 1 else ''}: declared" if self.rules else ""
        return "; ".join(part for part in (shown, declared) if part)


def build(text: str, source: str, output: str, *, lang: str | None = None, draw: Draw | None = None) -> Built:
    """Judge every derivation of a deck and render the slides, with the pictures that `draw` makes of ```plot blocks.

    A line that is not proved is shown as what it is, and is named in the warnings. Where a picture cannot be drawn, its
    words stand in its place, and a warning says why.
    Raises InputError for a deck that cannot be read, and for an output whose ending is no known format;
    MissingDependency with the command that installs it, where a PDF needs a program that is not there.
    """
    ending = Path(output).suffix.lower()
    if ending not in FORMATS:
        raise InputError(
            f"no slides can be written as {ending or 'a file without an ending'}", file=output,
            remedy=f"end the name in {', '.join(FORMATS)}",
        )  # fmt: skip
    deck = read_deck(text, source)
    plots = {block.line: _plot(block, source) for block in deck.plot_blocks()}
    rules = checked_rules(deck)
    checked_schedules(deck)
    patience = Patience()
    judged: dict[int, tuple[Derivation, ...]] = {}
    for block, entries in zip(deck.derive_blocks(), read_blocks(text, source), strict=True):
        found = (derivation(e.name, file=source, line=e.line) if isinstance(e, Use) else e for e in entries)
        judged[block.line] = tuple(prove(item, patience=patience) for item in found)
    everything = [d for group in judged.values() for d in group]
    warnings = [
        f"{source}:{line.number}: {line.verdict}: {line.message or 'see the slide'}"
        for d in everything for line in d.judged if line.verdict not in ("proved", "declared")
    ]  # fmt: skip

    pictures = _pictures(plots, output, lang or deck.lang, source, draw, warnings)
    rendered = FORMATS[ending](deck, judged, pictures, lang or "", warnings)
    counts = Counter(line.verdict for d in everything for line in d.judged)
    return Built(
        content=rendered.content,
        slides=rendered.slides,
        verdict=max((d.verdict for d in everything), key=VERDICTS.index, default="declared" if rules else "proved"),
        counts={verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]},
        warnings=list(dict.fromkeys(warnings)),
        files=rendered.files,
        rules=rules,
    )


def _plot(block: Block, source: str) -> Plot:
    try:
        return read_block(block.text, block.line)
    except InputError as error:
        raise error.at(file=source) from None


def _pictures(
    plots: Mapping[int, Plot], output: str, lang: str, source: str, draw: Draw | None, warnings: list[str]
) -> dict[int, Picture]:
    """The pictures by the line of their block; their names are those of files beside the output."""
    path = Path(output)
    wanted = {".tex": "pdf", ".md": "png", ".ipynb": "png"}.get(path.suffix.lower(), "svg")
    stem = re.sub(r"[^\w.-]", "-", path.stem) if wanted == "pdf" else "picture"
    if wanted == "pdf" and stem != path.stem:  # what TeX would stumble over; another name must not become the same one
        stem += f"-{hashlib.sha256(path.stem.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"
    found = {}
    for number, (line, plot) in enumerate(plots.items(), 1):
        try:
            found[line] = pictured(plot, f"{stem}-{number}", draw, wanted, lang, warnings)
        except InputError as error:
            raise error.at(file=source, line=line) from None
        if found[line].missing:
            warnings.append(f"{source}:{line}: words in place of a picture: {found[line].missing}")
    return found


def keep_source(source: str, output: str) -> None:
    """Refuse to write the slides over the deck they come from: both may end in .md."""
    with suppress(OSError):
        if os.path.samefile(source, output):
            raise InputError("this is the deck itself", file=output, remedy="give the slides another name")


# --- the formats, each imported when it is asked for ------------------------------------------------------------------

_Judged = Mapping[int, tuple[Derivation, ...]]
_Pictures = Mapping[int, Picture]


def _html(deck: Deck, judged: _Judged, pictures: _Pictures, lang: str, warnings: list[str]) -> Rendered:
    from derive.render.html import render_deck
    from derive.render.sheet import Rendered

    content = render_deck(deck, judged, pictures=pictures, lang=lang, warnings=warnings)
    return Rendered(content, content.count('<section class="slide'))


def _tex(deck: Deck, judged: _Judged, pictures: _Pictures, lang: str, warnings: list[str]) -> Rendered:
    from derive.render.beamer import render_beamer

    return render_beamer(deck, judged, pictures=pictures, lang=lang, warnings=warnings)


def _md(deck: Deck, judged: _Judged, pictures: _Pictures, lang: str, warnings: list[str]) -> Rendered:
    from derive.render.marp import render_marp

    return render_marp(deck, judged, pictures=pictures, lang=lang, warnings=warnings)


def _ipynb(deck: Deck, judged: _Judged, pictures: _Pictures, lang: str, warnings: list[str]) -> Rendered:
    from derive.render.notebook import render_notebook

    return render_notebook(deck, judged, pictures=pictures, lang=lang, warnings=warnings)


def _pdf(deck: Deck, judged: _Judged, pictures: _Pictures, lang: str, warnings: list[str]) -> Rendered:
    from derive.render.pdf import render_pdf

    return render_pdf(deck, judged, pictures=pictures, lang=lang, warnings=warnings)


FORMATS = {".html": _html, ".tex": _tex, ".md": _md, ".ipynb": _ipynb, ".pdf": _pdf}


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: to a temporary name beside it, then renamed over it.

    Raises InputError where the folder does not exist or cannot be written.
    """
    write_all({path: content})


def write_deck(path: Path, built: Built) -> None:
    """Write the slides, and before them what stands beside them; all of it, or nothing.

    Raises InputError as write_whole does, and where a file beside the slides is there that is none of ours.
    """
    beside = {path.parent / name: content for name, content in built.files.items()}
    for other in beside:
        with suppress(FileNotFoundError):
            if OURS not in other.read_bytes():
                raise InputError(
                    "a picture of the slides would replace this file", file=str(other),
                    remedy="move it, or give the slides another name",
                )  # fmt: skip
    write_all({**beside, path: built.content})


def write_all(contents: Mapping[Path, str | bytes]) -> None:
    """Write files in this order, once all of them are complete under temporary names. Raises as write_whole does."""
    ready: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            ready[path] = _temporary(path, content)
        for path, temporary in ready.items():
            try:
                os.replace(temporary, path)
            except OSError as error:
                raise InputError(f"cannot write: {error.strerror}", file=str(path), remedy="check the path") from None
    finally:
        for temporary in ready.values():
            temporary.unlink(missing_ok=True)


def _temporary(path: Path, content: str | bytes) -> Path:
    """The content under a temporary name beside the path."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(
            f"cannot write here: {error.strerror}", file=str(path), remedy="check the folder and its permissions"
        ) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode("utf-8"))
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot write: {error.strerror}", file=str(path), remedy="check the path") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary

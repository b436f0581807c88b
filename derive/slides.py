"""A deck from Markdown to the finished file: read, judged, rendered, and written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from derive.chains import Use
from derive.chains import read_deck as read_blocks
from derive.deck import Deck, read_deck
from derive.derivation import VERDICTS, Derivation
from derive.errors import InputError
from derive.library import derivation
from derive.limits import Patience
from derive.prover import prove


class Built(NamedTuple):
    """A finished deck: the content of the file and what is to be said about it."""

    content: str | bytes
    slides: int
    verdict: str
    counts: dict[str, int]
    warnings: list[str]

    @property
    def summary(self) -> str:
        """The verdicts in words, as "12 lines: 12 proved"."""
        total = sum(self.counts.values())
        words = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items())
        return f"{total} lines: {words}" if total else "no derivations"


def build(text: str, source: str, output: str, *, lang: str | None = None) -> Built:
    """Judge every derivation of a deck and render the slides.

    A line that is not proved is shown as what it is, and is named in the warnings.
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

    content, slides = FORMATS[ending](deck, judged, lang or "", warnings)
    counts = Counter(line.verdict for d in everything for line in d.judged)
    return Built(
        content=content,
        slides=slides,
        verdict=max((d.verdict for d in everything), key=VERDICTS.index, default="proved"),
        counts={verdict: counts[verdict] for verdict in VERDICTS if counts[verdict]},
        warnings=warnings,
    )


def keep_source(source: str, output: str) -> None:
    """Refuse to write the slides over the deck they come from: both may end in .md."""
    with suppress(OSError):
        if os.path.samefile(source, output):
            raise InputError("this is the deck itself", file=output, remedy="give the slides another name")


# --- the formats, each imported when it is asked for ------------------------------------------------------------------

_Judged = Mapping[int, tuple[Derivation, ...]]


def _html(deck: Deck, judged: _Judged, lang: str, warnings: list[str]) -> tuple[str | bytes, int]:
    from derive.render.html import render_deck

    content = render_deck(deck, judged, lang=lang, warnings=warnings)
    return content, content.count('<section class="slide')


def _tex(deck: Deck, judged: _Judged, lang: str, warnings: list[str]) -> tuple[str | bytes, int]:
    from derive.render.beamer import render_beamer

    return render_beamer(deck, judged, lang=lang, warnings=warnings)


def _md(deck: Deck, judged: _Judged, lang: str, warnings: list[str]) -> tuple[str | bytes, int]:
    from derive.render.marp import render_marp

    return render_marp(deck, judged, lang=lang, warnings=warnings)


def _ipynb(deck: Deck, judged: _Judged, lang: str, warnings: list[str]) -> tuple[str | bytes, int]:
    from derive.render.notebook import render_notebook

    return render_notebook(deck, judged, lang=lang, warnings=warnings)


def _pdf(deck: Deck, judged: _Judged, lang: str, warnings: list[str]) -> tuple[str | bytes, int]:
    from derive.render.pdf import render_pdf

    return render_pdf(deck, judged, lang=lang, warnings=warnings)


FORMATS = {".html": _html, ".tex": _tex, ".md": _md, ".ipynb": _ipynb, ".pdf": _pdf}


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: to a temporary name beside it, then renamed over it.

    Raises InputError where the folder does not exist or cannot be written.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(
            f"cannot write here: {error.strerror}", file=str(path), remedy="check the folder and its permissions"
        ) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode("utf-8"))
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise InputError(f"cannot write: {error.strerror}", file=str(path), remedy="check the path") from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

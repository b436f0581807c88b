"""The math font of an HTML page: found in an installed package, cut down to what is used, as a data URL.

Without an OpenType MATH font braces and roots do not stretch, and Linux has none by default, so a page carries its own.
The package ziamath ships STIX Two Math (SIL Open Font License 1.1, which allows embedding in a document).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from derive.errors import MissingDependency

FAMILY = "Symstep Math"
# what every formula may need, so that a small change of a deck does not change the set
ALWAYS = frozenset("0123456789()[]{}|‖√∑∏∂∇∞=+−-<>≤≥≠⋅,.⏟⏞′ abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
# script-size forms, dotless letters and flattened accents are what the math layout of a browser asks for
FEATURES = ("ssty", "dtls", "flac", "kern", "ccmp", "mark", "mkmk")


def math_font_bytes() -> bytes:
    """The installed STIX Two Math, as it was shipped. Raises MissingDependency."""
    found = find_spec("ziamath")  # not imported: only its data is wanted
    folders = (found.submodule_search_locations or ()) if found else ()
    for file in (Path(folder) / "fonts" / "STIXTwoMath-Regular.ttf" for folder in folders):
        if file.is_file():
            return file.read_bytes()
    raise MissingDependency("HTML needs the math font that ziamath ships: pip install ziamath")


def font_face(characters: Iterable[str]) -> str:
    """The CSS @font-face rule of the math font with just these characters, as a data URL.

    The same characters give the same bytes. Characters that the font lacks (Hangul) are left to the page's text fonts.
    """
    data = base64.b64encode(_subset(frozenset(characters) | ALWAYS)).decode("ascii")
    return f'@font-face{{font-family:"{FAMILY}";src:url(data:font/woff;base64,{data}) format("woff")}}'


@lru_cache(maxsize=8)
def _subset(characters: frozenset[str]) -> bytes:
    try:
        from fontTools import subset  # type: ignore[import-untyped, unused-ignore]
        from fontTools.ttLib import TTFont  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise MissingDependency("HTML needs fontTools to cut the math font down: pip install fonttools") from None
    options = subset.Options()
    options.layout_features = list(FEATURES)
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 5, 6, 13, 14]  # the licence travels with the font
    options.drop_tables += ["DSIG"]
    font = TTFont(io.BytesIO(math_font_bytes()), lazy=True, recalcTimestamp=False)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=sorted({ord(c) for c in characters}))
    cutter.subset(font)
    font.flavor = "woff"  # zlib is in the standard library; WOFF2 would save 20 kB and need brotli
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()

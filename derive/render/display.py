"""What `derive show` prints: derivations in the format that was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence

from derive.derivation import Derivation
from derive.errors import InputError
from derive.symbols import LECTURE, Notation

FORMATS = ("text", "latex", "markdown", "html", "json")
LANGUAGES = ("en", "ko")


def render(
    derivations: Sequence[Derivation], target: str = "text", lang: str = "en", *, notation: Notation = LECTURE
) -> str:
    """Derivations as one document; JSON is one object, or a list of them when there are several.

    Raises InputError for an unknown format or language.

    >>> from derive.derivation import Line
    >>> render([Derivation(lines=(Line("", ("v", "eta")),))], "latex").splitlines()[2]
    '& \\\\eta'
    """
    if target not in FORMATS:
        raise InputError(f"unknown format {target!r}", remedy=f"use one of {', '.join(FORMATS)}")
    if lang not in LANGUAGES:
        raise InputError(f"unknown language {lang!r}", remedy="use en or ko")
    if target == "text":
        from derive.render.text import text

        return "\n\n".join(text(derivation, lang) for derivation in derivations)
    if target == "latex":
        from derive.render.aligned import derivation_latex

        return "\n".join(derivation_latex(derivation, notation, lang) for derivation in derivations)
    if target == "markdown":
        from derive.render.markdown import markdown

        return "\n\n".join(markdown(derivation, notation, lang) for derivation in derivations)
    if target == "html":
        from derive.render.html import render_derivations

        return render_derivations(derivations, lang=lang, notation=notation)
    from derive.render.json_ import as_json

    objects = [as_json(derivation, notation) for derivation in derivations]
    return json.dumps(objects[0] if len(objects) == 1 else objects, ensure_ascii=False, indent=2)

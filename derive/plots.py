"""Plots as plain data: what is asked for and what is drawn, and the ```plot blocks of a deck.

Nothing is drawn here. Whoever draws gets a `Plot` and gives back a `Drawing`; `numeric.plot.draw` does.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

from derive.derivation import Text
from derive.errors import InputError, MissingDependency
from derive.markdown import Inline, read_markdown
from derive.plot_kinds import KINDS, Kind, Option, Value

__all__ = ["KINDS", "Draw", "Drawing", "Kind", "Option", "Picture", "Plot", "pictured", "read_block", "read_plot"]

MAX_BLOCK = 4_000  # characters of a ```plot block

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9.]*)[ \t]*:[ \t]*(.*)")


@dataclass(frozen=True)
class Plot:
    """A picture that is asked for: its kind, a value for each of its options, and its caption, `English | 한국어`."""

    kind: str
    values: Mapping[str, Value] = field(default_factory=dict)
    caption: tuple[Inline, ...] = ()


class Drawing(NamedTuple):
    """What a picture shows, in words and numbers, and how to get it: paint(lang, format, warnings).

    `paint` raises MissingDependency where nothing can be drawn; formats are svg, png, pdf, and gif for kinds that move.
    """

    alt: Text
    figures: Mapping[str, float]
    paint: Callable[[str, str, list[str]], bytes]


Draw = Callable[[Plot], Drawing]


@dataclass(frozen=True)
class Picture:
    """A picture in a deck: `name` is that of a file beside the slides; `missing` says why there is no image."""

    name: str
    alt: Text
    caption: tuple[Inline, ...]
    drawing: Drawing | None = None
    missing: str = ""
    images: dict[tuple[str, str], bytes] = field(default_factory=dict, compare=False)

    def image(self, lang: str, format: str, warnings: list[str]) -> bytes | None:
        """The picture with its labels in a language, drawn once; nothing where it cannot be drawn."""
        if self.drawing is None or self.missing:
            return None
        if (lang, format) not in self.images:
            self.images[lang, format] = self.drawing.paint(lang, format, warnings)
        return self.images[lang, format]


def pictured(plot: Plot, name: str, draw: Draw | None, format: str, lang: str, warnings: list[str]) -> Picture:
    """A plot as it goes into a deck. Where it cannot be drawn, `missing` says why; its words are there all the same."""
    if draw is None:
        return Picture(name, KINDS[plot.kind].title, plot.caption, None, "nothing that draws was handed over")
    drawing = draw(plot)
    picture = Picture(name, drawing.alt, plot.caption, drawing)
    try:
        picture.image(lang, format, warnings)
    except MissingDependency as error:
        return replace(picture, missing=str(error))
    return picture


# --- reading ----------------------------------------------------------------------------------------------------------


def read_plot(kind: str, given: Mapping[str, str], caption: tuple[Inline, ...] = ()) -> Plot:
    """The plot of that kind, with defaults for the options that are not given.

    Raises InputError for an unknown kind or option, and for values with which its formulas do not hold.

    >>> read_plot("noise", {"eta": "0.5"}).values["eta"]
    Fraction(1, 2)
    """
    options = {option.name: option.default for option in _kind(kind).options}
    values = {name: _read(kind, name, text) for name, text in {**options, **given}.items()}
    if kind == "density":
        values = _of_model(values, given)
    if kind == "schedule":
        values = _of_schedule(values, given)
    _hold(kind, values)
    return Plot(kind, values, caption)


def _kind(name: str) -> Kind:
    if name not in KINDS:
        close = difflib.get_close_matches(name, KINDS, 1)
        hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(KINDS)}"
        raise InputError(f"there is no plot of the kind {name[:40]!r}", remedy=hint)
    return KINDS[name]


def _read(kind: str, name: str, text: str) -> Value:
    options = {option.name: option for option in _kind(kind).options}
    if name not in options:
        raise InputError(f"a {kind} plot has no option {name[:40]!r}", remedy=f"it has {', '.join(options)}")
    return options[name].read(text)


def _of_model(values: dict[str, Value], given: Mapping[str, str]) -> dict[str, Value]:
    """The options that the model has: its parameters, and the prediction where it is restricted."""
    from derive.library.losses import MODELS

    model = MODELS[str(values["model"])]
    known = [*model.parameters.values(), *(["mu"] if _predicts_number(model.prediction, model.density) else [])]
    for name in given:
        if name not in ("model", *known):
            has = ", ".join(known) or "no options"
            raise InputError(f"the {model.name} model has no {name}", remedy=f"it has {has}")
    return {name: value for name, value in values.items() if name in ("model", *known)}


def _of_schedule(values: dict[str, Value], given: Mapping[str, str]) -> dict[str, Value]:
    """The options that the schedule has: an exponent has only that of powers."""
    if values["schedule"] == "power":
        from derive.nodes import MAX_EXPONENT

        p = Fraction(str(values["p"]))
        if max(p.numerator, p.denominator) > MAX_EXPONENT:
            raise InputError(f"p = {p} is too fine", remedy=f"give a fraction of numbers up to {MAX_EXPONENT}")
        return values
    if "p" in given:
        raise InputError(f"the schedule {values['schedule']} has no p", remedy="leave it out, or choose power")
    return {name: value for name, value in values.items() if name != "p"}


def _predicts_number(prediction: str, density: str) -> bool:
    return bool(prediction) and "mu[" not in density


def _hold(kind: str, values: Mapping[str, Value]) -> None:
    """Refuse values for which a fact does not hold, exactly: the formulas would be drawn where nothing is proved."""
    from itertools import product

    from derive.ascii import show
    from derive.evaluation.facts import satisfies
    from derive.evaluation.values import Point
    from derive.kernel.terms import Term
    from derive.library import derivation
    from derive.library.losses import MODELS
    from derive.model import names_in
    from derive.syntax import parse_given
    from derive.update_rule import optimizer

    facts: list[Term] = list(parse_given(KINDS[kind].given).facts)
    for rule in KINDS[kind].rules:
        facts += optimizer(rule).assumptions.facts
    for chain in KINDS[kind].chains:
        facts += derivation(chain).assumptions.facts
    if kind == "density":
        model = MODELS[str(values["model"])]
        facts += parse_given(model.facts()).facts
        facts += parse_given(model.prediction.format(mu="mu")).facts if "mu" in values else ()
    for fact in facts:
        names = sorted(names_in(fact) & set(values))
        if names != sorted(names_in(fact)):
            continue  # about something that is no option, such as the start
        lists = [each if isinstance(each := values[name], tuple) else (each,) for name in names]
        for chosen in product(*lists):
            numbers = {name: Fraction(value) for name, value in zip(names, chosen, strict=True)}
            if not satisfies(fact, Point(scalars=numbers)):
                at = ", ".join(f"{name} = {value}" for name, value in numbers.items())
                raise InputError(f"a {kind} plot needs {show(fact)}, and {at}", remedy=f"change {' or '.join(names)}")


def read_block(text: str, line: int) -> Plot:
    """The plot that a ```plot block asks for: a line `kind: NAME`, then `option: value` lines and `caption: en | ko`.

    `line` is that of the first line of the text. Raises InputError with the line.

    >>> read_block("kind: noise\\neta: 0.3\\ncaption: a fixed $\\\\eta$ | 고정 학습률", 1).caption[1].kind
    'math'
    """
    if len(text) > MAX_BLOCK:
        raise InputError("the ```plot block is too long", remedy=f"keep it under {MAX_BLOCK} characters", line=line)
    found: dict[str, tuple[str, int]] = {}
    for number, row in enumerate(text.split("\n"), line):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        entry = _LINE.fullmatch(row.strip())
        if not entry:
            raise InputError(f"{row.strip()[:40]!r} is no option", remedy="write `name: value`", line=number)
        if entry[1] in found:
            raise InputError(f"{entry[1]} is given twice", remedy="keep one", line=number)
        found[entry[1]] = entry[2].strip(), number
    if "kind" not in found:
        raise InputError("the ```plot block has no kind", remedy=f"add a line `kind: {next(iter(KINDS))}`", line=line)
    kind, at = found.pop("kind")
    caption, number = found.pop("caption", ("", at))
    try:
        words = _caption(caption, number)
        number = at
        _kind(kind)
        for name, (value, number) in found.items():  # noqa: B007  the line of the one that is wrong
            _read(kind, name, value)
        number = at
        return read_plot(kind, {name: value for name, (value, _) in found.items()}, words)
    except InputError as error:
        raise error.at(line=number) from None


def _caption(text: str, line: int) -> tuple[Inline, ...]:
    """A caption as running text, formulas and all."""
    blocks = read_markdown(text, line)
    if [block.kind for block in blocks] not in ([], ["paragraph"]):
        raise InputError("a caption is a line of running text", remedy="write the rest around the block")
    return blocks[0].inlines if blocks else ()

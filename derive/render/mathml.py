r"""LaTeX math to MathML through math-core, with what it lacks added and its output rebuilt from a whitelist.

math-core raises on a command it does not know, so nothing is ever shown as raw TeX. Before it sees a formula,
`_rewrite` replaces what it lacks: `\class`, `\colorbox`, `\textcolor{#hex}`, `\substack`, `\tag`, `$` inside `\text`.
A wrapped part travels between two private-use characters, which survive the conversion; `_unwrap` turns them into
attributes.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from derive.errors import InputError, MissingDependency
from derive.render.formula_size import size_of

CLASSES = ("changed", "dropped", "kept")
COLOURS = {
    "black": "#1c1c1c", "blue": "#1f5fae", "cyan": "#0b7285", "gray": "#5f6670", "green": "#1d7a4c", "grey": "#5f6670",
    "lime": "#e4f3c3", "magenta": "#a8327d", "orange": "#b35900", "pink": "#fbe3ee", "purple": "#6b3fa0",
    "red": "#b3261e", "teal": "#0f766e", "violet": "#6b3fa0", "white": "#ffffff", "yellow": "#fff3bf",
}  # fmt: skip

MAX_LENGTH = 20_000  # characters of one formula
MAX_DEPTH = 100  # math-core recurses on the machine's stack: 10,000 nested braces end the process
MAX_RUN = 30  # \sqrt\sqrt\sqrt... nests without a brace

_BRACES = {"⏟": "underbrace", "⏞": "overbrace"}
_OPEN, _CLOSE = 0xF0000, 0xF8000
_ELEMENT_NAMES = (
    "math mi mn mo mtext mspace ms mrow mfrac msqrt mroot mstyle mpadded mphantom msub msup msubsup munder mover "
    "munderover mmultiscripts mprescripts mtable mtr mtd b i"
)
_ATTRIBUTE_NAMES = (
    "display displaystyle scriptlevel mathvariant accent accentunder stretchy symmetric largeop movablelimits form "
    "fence separator lspace rspace minsize maxsize width height depth linethickness class style"
)
_ELEMENTS, _ATTRIBUTES = frozenset(_ELEMENT_NAMES.split()), frozenset(_ATTRIBUTE_NAMES.split())
_STYLE = re.compile(r"(?:[a-z-]+: ?[-#.%\w ]+;? ?)*")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}\[%]|\s+|[^\\{}\[%\s]+|\\$", re.DOTALL)
_DEFINES = re.compile(
    r"\\(?:def|gdef|edef|xdef|let|newcommand|renewcommand|providecommand|DeclareMathOperator)(?![A-Za-z])"
)
_REMEDIES = {
    "\\label": "leave it out: steps are numbered by the deck",
    "\\ref": "refer to a step by its number, (1)",
    "\\eqref": "refer to a step by its number, (1)",
    "\\bm": "write \\mathbf{...} or \\boldsymbol{...}",
    "\\htmlClass": "write \\class{changed}{...}",
}


@dataclass(frozen=True)
class Formula:
    """A converted formula: its markup, its estimated size in em, and the characters that the math font must have."""

    markup: str
    width: float
    height: float
    characters: frozenset[str] = field(default_factory=frozenset)


def to_mathml(tex: str, *, display: bool = False, alt: str = "", file: str = "", line: int | None = None) -> Formula:
    r"""Convert LaTeX math to MathML Core for an HTML page.

    `alt` is what is read aloud (the formula in ASCII); without it, the TeX source. Raises InputError with the formula
    and the reason, at `file` and `line`, for anything that cannot be shown as meant.

    >>> to_mathml(r"\frac{a}{b}", alt="a/b").markup
    '<math alttext="a/b"><mfrac><mi>a</mi><mi>b</mi></mfrac></math>'
    >>> to_mathml(r"\class{changed}{b}").markup
    '<math alttext="\\class{changed}{b}"><mrow class="changed"><mi>b</mi></mrow></math>'
    >>> to_mathml(r"\foo", file="deck.md", line=3)
    Traceback (most recent call last):
    ...
    derive.errors.InputError: deck.md:3: formula '\\foo': unknown command \foo; write it with amsmath commands
    """
    try:
        root, characters = _convert(tex.strip(), display)
    except InputError as error:
        raise error.at(file=file, line=line) from None
    width, height = size_of(root, display=display)
    math = ElementTree.Element("math", {"display": "block"} if display else {})
    math.set("alttext", " ".join((alt or tex).split()))
    math.extend(root)
    return Formula(_markup(math), width, height, characters)


@lru_cache(maxsize=4096)
def _convert(tex: str, display: bool) -> tuple[Any, frozenset[str]]:
    _check(tex)
    wraps: list[dict[str, str]] = []
    prepared = _rewrite(tex, tex, wraps)
    markup = _math_core(tex, prepared, display)
    named = re.sub(r"&(?!amp;|lt;|gt;|quot;|apos;|#)(\w+;)", lambda m: html.entities.html5[m[1]], markup)
    root = ElementTree.fromstring(named)
    _unwrap(root, wraps, tex)
    _braces(root)
    _clean(root, tex)
    return root, frozenset(_characters(root))


def _quote(tex: str) -> str:
    short = " ".join(tex.split())
    return repr(short if len(short) <= 120 else short[:117] + "...")


def _bad(tex: str, why: str, remedy: str) -> InputError:
    return InputError(f"formula {_quote(tex)}: {why}", remedy=remedy)


# --- before the conversion ------------------------------------------------------------------------------------------


def _check(tex: str) -> None:
    """Bound what the converter sees: length, nesting, and characters or commands that would change the meaning."""
    if not tex:
        raise _bad(tex, "nothing between the dollar signs", "write a formula, or \\$ for a dollar sign")
    if len(tex) > MAX_LENGTH:
        raise _bad(tex, f"{len(tex)} characters", f"keep a formula under {MAX_LENGTH} characters")
    odd = next((c for c in tex if ord(c) >= 0xE000 and not 0xF900 <= ord(c) < 0x1F000 and ord(c) < 0x110000
                and (ord(c) < 0xF900 or ord(c) >= _OPEN)), "")  # fmt: skip
    odd = odd or next(
        (c for c in tex if (c < " " and c not in "\t\n\r") or "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"),
        "",
    )
    if odd:
        raise _bad(tex, f"character U+{ord(odd):04X} cannot be shown", "take it out")
    if found := _DEFINES.search(tex):
        raise _bad(tex, f"{found[0]} defines a macro", "write the formula out")
    depth = run = 0
    for token in _TOKEN.findall(tex):
        depth += (token in ("{", "\\left", "\\begin")) - (token in ("}", "\\right", "\\end"))
        run = run + 1 if token[0] == "\\" else run if token == "[" or token.isspace() else 0
        if token == "%":
            raise _bad(tex, "% starts a comment in TeX, and the rest would vanish", "write \\% for the sign")
        if depth > MAX_DEPTH or run > MAX_RUN:
            raise _bad(tex, "too deeply nested", f"keep nesting under {MAX_DEPTH}")


def _group(source: str, start: int, whole: str, command: str) -> tuple[str, int]:
    """The text of the brace group that begins at or after `start`, and where it ends."""
    at = start
    while at < len(source) and source[at].isspace():
        at += 1
    depth = 0
    for found in re.compile(r"\\.|[{}]", re.DOTALL).finditer(source, at):
        if found.start() == at and found[0] != "{":
            break
        depth += (found[0] == "{") - (found[0] == "}")
        if depth == 0:
            return source[at + 1 : found.end() - 1], found.end()
    raise _bad(whole, f"{command} needs an argument in braces", f"write {command}{{...}}")


def _colour(name: str, whole: str) -> str:
    name = name.strip()
    if re.fullmatch(r"#[0-9A-Fa-f]{6}|#[0-9A-Fa-f]{3}", name):
        return name.lower()
    if name in COLOURS:
        return COLOURS[name]
    raise _bad(whole, f"unknown colour {name!r}", f"use #rrggbb or one of {', '.join(COLOURS)}")


def _rewrite(source: str, whole: str, wraps: list[dict[str, str]]) -> str:
    """Replace the commands that math-core lacks; each wrapped part gets an entry in `wraps`."""

    def wrap(attributes: dict[str, str], inner: str) -> str:
        wraps.append(attributes)
        number = len(wraps) - 1
        return f"{{{chr(_OPEN + number)}{_rewrite(inner, whole, wraps)}{chr(_CLOSE + number)}}}"

    out: list[str] = []
    at = 0
    for found in re.compile(r"\\(?:[A-Za-z]+\*?|.)", re.DOTALL).finditer(source):
        if found.start() < at:
            continue
        command, end = found[0], found.end()
        out.append(source[at : found.start()])
        if command == "\\class":
            name, end = _group(source, end, whole, command)
            body, end = _group(source, end, whole, command)
            if name.strip() not in CLASSES:
                raise _bad(whole, f"unknown class {name.strip()!r}", f"use one of {', '.join(CLASSES)}")
            if body.strip() in ("\\frac", "\\sqrt"):  # the sign alone: its bar or root is marked, not what is inside
                inside, end = _group(source, end, whole, body.strip())
                parts = [inside]
                if body.strip() == "\\frac":
                    inside, end = _group(source, end, whole, "\\frac")
                    parts.append(inside)
                out.append(wrap({"class": f"sign {name.strip()}"}, body.strip() + "".join(f"{{{p}}}" for p in parts)))
            else:
                out.append(wrap({"class": name.strip()}, body))
        elif command == "\\textcolor":
            name, end = _group(source, end, whole, command)
            body, end = _group(source, end, whole, command)
            out.append(wrap({"style": f"color: {_colour(name, whole)};"}, body))
        elif command == "\\colorbox":
            name, end = _group(source, end, whole, command)
            body, end = _group(source, end, whole, command)
            out.append(
                wrap({"class": "colorbox", "style": f"background: {_colour(name, whole)};"}, _text("\\text", body))
            )
        elif command in ("\\boxed", "\\cancel", "\\bcancel", "\\xcancel"):
            body, end = _group(source, end, whole, command)
            out.append(wrap({"class": command[1:]}, body))
        elif command == "\\substack":
            body, end = _group(source, end, whole, command)
            out.append(f"\\begin{{subarray}}{{c}}{_rewrite(body, whole, wraps)}\\end{{subarray}}")
        elif command in ("\\tag", "\\tag*"):
            body, end = _group(source, end, whole, command)
            out.append(f"\\qquad\\text{{{body}}}" if command == "\\tag*" else f"\\qquad\\text{{({body})}}")
        elif command in ("\\text", "\\textrm", "\\mbox"):
            body, end = _group(source, end, whole, command)
            out.append(_rewrite_text(_text("\\text", body), whole, wraps) if "$" in body else f"\\text{{{body}}}")
        elif command == "\\underbrace" and re.search(r"[\w}]\s*$", "".join(out[-2:])):
            out.append("\\," + command)  # TeX takes it for an operator and leaves this space
        elif command == "\\bm":
            out.append("\\boldsymbol")
        else:
            out.append(command)
        at = end
    return "".join(out) + source[at:]


def _text(command: str, body: str) -> str:
    """Text with `$...$` in it as alternating text and math."""
    parts = re.split(r"(?<!\\)\$", body)
    if len(parts) == 1:
        return f"{command}{{{body}}}"
    return "".join(f"{{{part}}}" if i % 2 else f"{command}{{{part}}}" for i, part in enumerate(parts) if part)


def _rewrite_text(source: str, whole: str, wraps: list[dict[str, str]]) -> str:
    return re.sub(r"(?s)(\\text\{[^{}]*\})|(.+?)(?=\\text\{|$)", lambda m: m[1] or _rewrite(m[2], whole, wraps), source)


# --- the conversion -------------------------------------------------------------------------------------------------


def _math_core(tex: str, prepared: str, display: bool) -> str:
    try:
        from math_core import LatexError, LatexToMathML
    except ImportError:
        raise MissingDependency("formulas in HTML need math-core: pip install math-core") from None
    try:
        converter = LatexToMathML(fancy_error=False, max_expansions=0)
        return str(converter.convert_with_local_state(prepared, displaystyle=display))
    except LatexError as error:
        reason = re.sub(r"^\d+: ", "", str(error)).rstrip(".")
        if command := re.fullmatch(r'Unknown command "(\\.*)"', reason, re.DOTALL):
            remedy = _REMEDIES.get(command[1], "write it with amsmath commands")
            raise _bad(tex, f"unknown command {command[1]}", remedy) from None
        raise _bad(tex, reason[:1].lower() + reason[1:], "mend the formula") from None


# --- after the conversion -------------------------------------------------------------------------------------------


def _leaf(node: Any) -> Any:
    while len(node):
        node = node[-1]
    return node


def _unwrap(root: Any, wraps: list[dict[str, str]], tex: str) -> None:
    """Turn each pair of private-use characters into an mrow that carries the attributes."""
    for number, attributes in enumerate(wraps):
        opening, closing = chr(_OPEN + number), chr(_CLOSE + number)
        parent = next((node for node in root.iter() if any(child.text == opening for child in node)), None)
        children = list(parent) if parent is not None else []
        first = next((i for i, child in enumerate(children) if child.text == opening), 0)
        last = next((i for i in range(first, len(children)) if _leaf(children[i]).text == closing), -1)
        if parent is None or last < 0:
            raise _bad(tex, "a marked part cannot stand here", "mark a whole sub-expression")
        row = (
            parent if parent.tag == "mrow" and first == 0 and last == len(children) - 1 and not parent.attrib else None
        )
        inside = children[first + 1 : last + 1]
        if row is None:
            row = ElementTree.Element("mrow")
            for child in children[first : last + 1]:
                parent.remove(child)
            parent.insert(first, row)
        for child in list(row):
            row.remove(child)
        row.attrib.update(attributes)
        row.extend(inside)
        for node in row.iter():
            for child in [child for child in node if child.text == closing]:
                node.remove(child)
        # the opening character counted as an ordinary symbol: without it no thin space stands before \log
        if len(row) and row[0].tag == "mspace" and row[0].get("width") == "0.1667em":
            row.remove(row[0])
        _close_up(row, next(iter(list(parent)[list(parent).index(row) + 1 :]), None) if row is not parent else None)


def _close_up(row: Any, following: Any) -> None:
    """No thin space between a marked function name and its parenthesis."""
    last = _leaf(row)
    bracket = following[0] if following is not None and following.tag == "mrow" and len(following) else following
    if last.text == "\u2061" and bracket is not None and bracket.tag == "mo" and bracket.text == "(":
        bracket.attrib.pop("lspace", None)
        for node in row.iter():
            if last in list(node):
                node.remove(last)
                break


def _braces(root: Any) -> None:
    """A brace is drawn by the page, as wide as what it spans: Chromium leaves out the end of a long one."""
    for node in root.iter():
        if node.tag in ("munder", "mover") and len(node) == 2 and node[1].tag == "mo" and node[1].text in _BRACES:
            name = _BRACES[node[1].text]
            node.remove(node[1])
            node.tag, node.attrib = "mrow", {"class": name}


def _clean(root: Any, tex: str) -> None:
    """Refuse what is not on the whitelist, so that nothing but MathML reaches the page."""
    for node in root.iter():
        if node.tag not in _ELEMENTS:
            raise _bad(tex, f"<{node.tag}> cannot be shown in a formula", "write it outside the formula")
        for name, value in list(node.attrib.items()):
            if name not in _ATTRIBUTES or (name == "style" and not _STYLE.fullmatch(value)):
                raise _bad(tex, f"attribute {name}={value!r} cannot be shown in a formula", "write it another way")


def _markup(node: Any) -> str:
    return ElementTree.tostring(node, encoding="unicode", short_empty_elements=False)


def _characters(root: Any) -> Iterator[str]:
    """What the font must have: a one-letter <mi> is drawn with the italic letter of the mathematical alphabets."""
    for node in root.iter():
        text = node.text or ""
        yield from text
        if node.tag == "mi" and len(text) == 1 and node.get("mathvariant") != "normal":
            yield italic(text)
        if node.tag in ("msqrt", "mroot"):
            yield "√"


def italic(letter: str) -> str:
    """The mathematical italic letter that browsers draw for a one-letter <mi>.

    >>> italic("w"), italic("h"), italic("2")
    ('𝑤', 'ℎ', '2')
    """
    code = ord(letter)
    if letter == "h":
        return "ℎ"
    if "A" <= letter <= "Z":
        return chr(0x1D434 + code - ord("A"))
    if "a" <= letter <= "z":
        return chr(0x1D44E + code - ord("a"))
    if 0x391 <= code <= 0x3A9:
        return chr(0x1D6E2 + code - 0x391)
    if 0x3B1 <= code <= 0x3C9:
        return chr(0x1D6FC + code - 0x3B1)
    return {"∂": "𝜕", "ϵ": "𝜖", "ϑ": "𝜗", "ϰ": "𝜘", "ϕ": "𝜙", "ϱ": "𝜚", "ϖ": "𝜛"}.get(letter, letter)

"""An estimate of the size of a MathML formula, good to about a tenth, for laying out slides without a browser."""

from __future__ import annotations

from typing import Any

_WIDE_OPERATORS = "=<>≤≥≠≈≔⇔⟺→←⟹∈∝≐∼≡⊂⊆"


SCRIPT = 0.72


def size_of(node: Any, small: float = 1.0, display: bool = True) -> tuple[float, float]:
    """(width, height) of a node in em of the surrounding text.

    `small` is the size of its own text; `display` whether it has room: limits above and below, fractions in full size.

    >>> from xml.etree.ElementTree import fromstring
    >>> size_of(fromstring("<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>"))
    (0.7, 2.3)
    """
    tag, parts = node.tag, list(node)
    if tag in ("mi", "mn", "mo", "mtext", "ms"):
        return _leaf_size(tag, node.text or "", small, display)
    if tag == "mspace":
        width = node.get("width", "0")
        return (float(width[:-2]) * small if width.endswith("em") else 0.0), 0.0
    display = {"true": True, "false": False}.get(node.get("displaystyle", ""), display)
    if tag == "mfrac":
        (wa, ha), (wb, hb) = (size_of(part, small if display else small * SCRIPT, False) for part in parts)
        return max(wa, wb) + 0.2, ha + hb + 0.3
    accent = bool(node.get("accent")) or bool(node.get("accentunder"))
    beside = not display and not accent and tag in ("munder", "mover", "munderover")
    if tag in ("msub", "msup", "msubsup") or beside:
        width, height = size_of(parts[0], small, display)
        scripts = [size_of(part, small * SCRIPT, False) for part in parts[1:]]
        return width + max(w for w, _ in scripts) + 0.05, height + 0.3 * sum(h for _, h in scripts)
    if tag in ("munder", "mover", "munderover"):
        width, height = size_of(parts[0], small, display)
        around = [size_of(part, small if accent else small * SCRIPT, False) for part in parts[1:]]
        wide = max(width, *(0.0 if accent else w for w, _ in around))
        return wide, height + sum(0.4 if accent else h for _, h in around)
    if tag == "mtable":
        rows = [[size_of(cell, small, display) for cell in row] for row in parts]
        columns = max((len(row) for row in rows), default=0)
        width = sum(max(row[i][0] for row in rows if i < len(row)) for i in range(columns))
        return width + 0.4 * max(columns - 1, 0), sum(max((h for _, h in row), default=1.0) + 0.3 for row in rows)
    sizes = [size_of(part, small, display) for part in parts]
    pad = {"msqrt": 0.9, "mroot": 1.1}.get(tag, 0.0) + (0.6 if node.get("class") in ("boxed", "colorbox") else 0.0)
    more = 0.2 if pad else 0.5 if node.get("class") in ("underbrace", "overbrace") else 0.0
    return sum(w for w, _ in sizes) + pad, max((h for _, h in sizes), default=0.0) + more


def _leaf_size(tag: str, text: str, small: float, display: bool) -> tuple[float, float]:
    if tag == "mo" and not text[:2].isalpha():  # a name of letters is as wide as text: <mo>arg max</mo>
        if text in ("∑", "∏"):
            return (1.25 * small, 1.5 * small) if display else (0.95 * small, 1.1 * small)
        if text in ("", "\u2061", "\u2062", "\u2063"):
            return 0.0, 0.0
        wide = 1.25 if text in _WIDE_OPERATORS else 1.0 if text in "+−±⋅×⊙-" else 0.36
        return wide * small, 1.0 * small
    each = 0.5 if len(text) == 1 else 0.47
    width = sum(1.0 if "\u1100" <= c <= "\uffdc" else each for c in text if c not in "\ufe00\ufe01")
    return width * small, 1.0 * small

"""An estimate of the size of a MathML formula, good to about a tenth, for laying out slides without a browser."""

from __future__ import annotations

from typing import Any

_WIDE_OPERATORS = "=<>≤≥≠≈≔⇔⟺→←⟹∈∝≐∼≡⊂⊆"


def size_of(node: Any, small: float = 1.0) -> tuple[float, float]:
    """(width, height) of a node in em of the surrounding text; `small` is the size of its own text.

    >>> from xml.etree.ElementTree import fromstring
    >>> size_of(fromstring("<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>"))
    (0.8, 2.6)
    """
    tag, parts = node.tag, list(node)
    if tag in ("mi", "mn", "mo", "mtext", "ms"):
        return _leaf_size(tag, node.text or "", small)
    if tag == "mspace":
        width = node.get("width", "0")
        return (float(width[:-2]) * small if width.endswith("em") else 0.0), 0.0
    if tag == "mfrac":
        (wa, ha), (wb, hb) = (size_of(part, small) for part in parts)
        return max(wa, wb) + 0.25, ha + hb + 0.2
    if tag in ("msub", "msup", "msubsup"):
        width, height = size_of(parts[0], small)
        scripts = [size_of(part, small * 0.72) for part in parts[1:]]
        return width + max(w for w, _ in scripts) + 0.05, height + 0.35 * sum(h for _, h in scripts)
    if tag in ("munder", "mover", "munderover"):
        width, height = size_of(parts[0], small)
        script = small if node.get("accent") or node.get("accentunder") else small * 0.72
        around = [size_of(part, script) for part in parts[1:]]
        accent = bool(node.get("accent")) or bool(node.get("accentunder"))
        return max(width, *(0.0 if accent else w for w, _ in around)), height + sum(
            0.4 if accent else h for _, h in around
        )
    if tag == "mtable":
        rows = [[size_of(cell, small) for cell in row] for row in parts]
        columns = max((len(row) for row in rows), default=0)
        width = sum(max(row[i][0] for row in rows if i < len(row)) for i in range(columns))
        return width + 0.4 * max(columns - 1, 0), sum(max((h for _, h in row), default=1.0) + 0.3 for row in rows)
    sizes = [size_of(part, small) for part in parts]
    pad = {"msqrt": 1.0, "mroot": 1.2}.get(tag, 0.0) + (0.6 if node.get("class") in ("boxed", "colorbox") else 0.0)
    return sum(w for w, _ in sizes) + pad, max((h for _, h in sizes), default=0.0) + (0.2 if pad else 0.0)


def _leaf_size(tag: str, text: str, small: float) -> tuple[float, float]:
    if tag == "mo" and not text[:2].isalpha():  # a name of letters is as wide as text: <mo>arg max</mo>
        if text in ("∑", "∏"):
            return 1.4 * small, 1.5 * small
        if text in ("", "\u2061", "\u2062", "\u2063"):
            return 0.0, 0.0
        return (1.35 if text in _WIDE_OPERATORS else 1.1 if text in "+−±⋅×⊙-" else 0.38) * small, 1.2 * small
    return sum(1.0 if "\u1100" <= c <= "\uffdc" else 0.55 for c in text if c not in "\ufe00\ufe01") * small, 1.2 * small

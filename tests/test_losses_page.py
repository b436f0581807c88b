"""docs/losses.md says of every loss what the library says: the table is printed from its rows."""

from __future__ import annotations

import re
from pathlib import Path

import numeric
from derive.ascii import show
from derive.library.losses import LINKS, LOSSES
from derive.observation import plain, pointwise

PAGE = Path(__file__).resolve().parent.parent / "docs" / "losses.md"
HEAD = ("name", "also called", "summed over the rows", "mu", "y", "hyperparameters", "learned", "kinks", "bends")


def _code(*texts: str) -> str:
    return ", ".join(f"`{text}`" for text in texts if text)


def printed() -> list[tuple[str, ...]]:
    rows = []
    for name, loss in LOSSES.items():
        entry = pointwise(name)
        formula = _code(show(plain(loss)))
        if loss.penalty:
            formula += f", and over the weights {_code(loss.penalty)}"
        rows.append((
            _code(name), _code(f"{loss.model}-{name}"), formula, _code(LINKS[loss.link]), _code(loss.observation),
            _code(*entry.hyperparameters.values()), _code(*entry.learned.values()),
            _code(*(f"{each} = 0" for each in loss.kinks)), _code(*(f"{each} = 0" for each in loss.bends)),
        ))  # fmt: skip
    return rows


def test_the_table_is_that_of_the_library() -> None:
    text = PAGE.read_text(encoding="utf-8")
    lines = ["| " + " | ".join(row) + " |" for row in (HEAD, ("---",) * len(HEAD), *printed())]
    table = "\n".join(line.replace("|  |", "| |").replace("|  |", "| |") for line in lines)
    assert table in text, table


def test_the_page_says_what_is_taken_at_kinks() -> None:
    text = re.sub(r"\s+", " ", PAGE.read_text(encoding="utf-8"))
    said = {numeric.loss(name, **dict.fromkeys(pointwise(name).hyperparameters, 0.5)).kink for name in LOSSES} - {""}
    for each in said:
        assert each in text, each

"""docs/optimizers.md says of every rule what the library says: its tables are printed from the rows."""

from __future__ import annotations

from pathlib import Path

from derive.library.optimizers import OPTIMIZERS
from derive.update_rule import DECAY

PAGE = Path(__file__).resolve().parent.parent / "docs" / "optimizers.md"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines).replace("|  |", "| |")


def rules() -> str:
    rows = []
    for name, rule in OPTIMIZERS.items():
        chosen = ", ".join(f"`{hyper.name}` {hyper.default}" for hyper in rule.hyperparameters)
        state = ", ".join(f"`{each.name}`" + (" (one number)" if each.scalar else "") for each in rule.state)
        rows.append((f"`{name}`", rule.title.en, chosen, state))
    return table(("name", "title", "hyperparameters and defaults", "state"), rows)


def hyperparameters() -> str:
    known: dict[tuple[str, ...], list[str]] = {}
    for rule in OPTIMIZERS.values():
        for hyper in rule.hyperparameters:
            aliases = ", ".join(f"`{alias}`" for alias in hyper.aliases)
            where = known.setdefault((f"`{hyper.name}`", aliases, f"`{hyper.domain}`"), [])
            where.append(f"`{rule.name}`")
    names = []
    for key, where in known.items():
        shown = "all rules" if len(where) == len(OPTIMIZERS) else ", ".join(where) if len(where) <= 7 else "other rules"
        names.append((*key, shown))
    return table(("name", "also accepted as", "domain", "in"), names)


def test_the_tables_are_those_of_the_library() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for each in (rules(), hyperparameters()):
        assert each in text, each


def test_the_page_says_what_a_penalty_is_called() -> None:
    assert DECAY.name in PAGE.read_text(encoding="utf-8")
    assert all(f"`{alias}`" in PAGE.read_text(encoding="utf-8") for alias in DECAY.aliases)

"""The ```schedule blocks of a deck: which schedules of the library stand in a table. Nothing is printed here."""

from __future__ import annotations

import re

from derive.deck import Deck
from derive.errors import InputError
from derive.schedule_rule import ScheduleRule, schedule

MAX_BLOCK = 4_000  # characters of a ```schedule block
MOST = 12  # schedules of one block

_LINE = re.compile(r"use[ \t]*:[ \t]*(.*)")


def read_schedules(text: str, line: int) -> tuple[ScheduleRule, ...]:
    """The schedules that a ```schedule block asks for, by lines `use: NAME`.

    `line` is that of the first line of the text. Raises InputError with the line, and with the nearest name.

    >>> [row.name for row in read_schedules("use: step\\nuse: torch.ExponentialLR", 1)]
    ['step', 'geometric']
    """
    if len(text) > MAX_BLOCK:
        raise InputError("the ```schedule block is too long", remedy=f"keep it under {MAX_BLOCK} characters", line=line)
    found: list[ScheduleRule] = []
    for number, row in enumerate(text.split("\n"), line):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        entry = _LINE.fullmatch(row.strip())
        if not entry:
            raise InputError(f"{row.strip()[:40]!r} names no schedule", remedy="write `use: NAME`", line=number)
        try:
            found.append(_another(entry[1].strip(), found))
        except InputError as error:
            raise error.at(line=number) from None
    if not found:
        raise InputError("the ```schedule block names no schedule", remedy="add a line `use: inverse-t`", line=line)
    return tuple(found)


def _another(name: str, before: list[ScheduleRule]) -> ScheduleRule:
    row = schedule(name)
    if row in before:
        raise InputError(f"{name} is used twice", remedy="keep one")
    if len(before) == MOST:
        raise InputError(f"more than {MOST} schedules in one block", remedy="use another block")
    return row


def checked_schedules(deck: Deck) -> int:
    """How many schedules the ```schedule blocks of a deck show. Raises InputError with file and line for an error."""
    try:
        return sum(len(read_schedules(block.text, block.line)) for block in deck.schedule_blocks())
    except InputError as error:
        raise error.at(file=deck.file) from None

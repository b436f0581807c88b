"""The ```rule blocks of a deck: which update rules of the library stand there, and how. Nothing is printed here."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from derive.deck import Deck
from derive.errors import InputError
from derive.update_rule import UpdateRule, optimizer

MAX_BLOCK = 4_000  # characters of a ```rule block
MOST = 4  # rules of one block
STYLES = ("lecture", "paper")
CHOICES = {"style": STYLES, "gradient": ("yes", "no"), "hyperparameters": ("no", "yes")}  # the default comes first
KEYS = ("use", *CHOICES)

_LINE = re.compile(r"([A-Za-z]+)[ \t]*:[ \t]*(.*)")


@dataclass(frozen=True)
class RuleBlock:
    """The rules of a block. style "lecture": w^{t+1} from w^t, vectors in bold; "paper": w_t from w_{t-1}.

    `gradient` says first what g stands for; `hyperparameters` adds a table of them.
    """

    rules: tuple[UpdateRule, ...]
    style: str = STYLES[0]
    gradient: bool = True
    hyperparameters: bool = False

    @property
    def lecture(self) -> bool:
        return self.style == "lecture"


def read_rules(text: str, line: int) -> RuleBlock:
    """The rules that a ```rule block asks for: lines `use: NAME`, and at most one `style:`, `gradient:` and so on.

    `line` is that of the first line of the text. Raises InputError with the line, and with the nearest name.

    >>> [rule.name for rule in read_rules("use: momentum\\nuse: rmsprop\\nstyle: paper", 1).rules]
    ['momentum', 'rmsprop']
    """
    if len(text) > MAX_BLOCK:
        raise InputError("the ```rule block is too long", remedy=f"keep it under {MAX_BLOCK} characters", line=line)
    rules: list[UpdateRule] = []
    chosen: dict[str, str] = {}
    for number, row in enumerate(text.split("\n"), line):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        entry = _LINE.fullmatch(row.strip())
        if not entry:
            raise InputError(f"{row.strip()[:40]!r} is no line of a rule", remedy="write `use: NAME`", line=number)
        key, value = entry[1], entry[2].strip()
        try:
            if key == "use":
                rules.append(_another(value, rules))
            elif key in chosen:
                raise InputError(f"{key} is given twice", remedy="keep one")
            else:
                chosen[key] = _choice(key, value)
        except InputError as error:
            raise error.at(line=number) from None
    if not rules:
        raise InputError("the ```rule block names no rule", remedy="add a line `use: adam`", line=line)
    wanted = {key: chosen.get(key, choices[0]) for key, choices in CHOICES.items()}
    return RuleBlock(tuple(rules), wanted["style"], wanted["gradient"] == "yes", wanted["hyperparameters"] == "yes")


def checked_rules(deck: Deck) -> int:
    """How many rules the ```rule blocks of a deck show. Raises InputError with file and line for one that is wrong."""
    try:
        return sum(len(read_rules(block.text, block.line).rules) for block in deck.rule_blocks())
    except InputError as error:
        raise error.at(file=deck.file) from None


def _another(name: str, before: list[UpdateRule]) -> UpdateRule:
    rule = optimizer(name)
    if rule in before:
        raise InputError(f"{name} is used twice", remedy="keep one")
    if len(before) == MOST:
        raise InputError(f"more than {MOST} rules in one block", remedy="use another block")
    return rule


def _choice(key: str, value: str) -> str:
    if key not in CHOICES:
        close = difflib.get_close_matches(key, KEYS, 1)
        hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(KEYS)}"
        raise InputError(f"a rule block has no {key[:40]!r}", remedy=hint)
    if value not in CHOICES[key]:
        raise InputError(f"{key} cannot be {value[:40]!r}", remedy=f"use {' or '.join(CHOICES[key])}")
    return value

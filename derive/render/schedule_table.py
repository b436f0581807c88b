"""All schedules of the library with their verdicts, as one Markdown table: what `derive schedule --table` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.errors import InputError
from derive.schedule_rule import ScheduleRule

HEAD = ("name", "eta_t", "first t", "by default", "conditions hold iff", "sum diverges iff", "squares converge iff")
HELD = {"holds": "hold", "fails": "fail"}
NEGATIVE = "negative for some"
WORDS = ("undecided", NEGATIVE)


def schedule_table(rules: Iterable[ScheduleRule]) -> str:
    """The verdicts for the defaults, and the exact conditions for symbols in the domains of the parameters.

    >>> from derive.library.schedules import SCHEDULES
    >>> print(schedule_table([SCHEDULES["power"]]).splitlines()[-1])
    | `power` | `eta0/t**p` | 1 | hold | `(p > 1/2) & (p <= 1)` | `p <= 1` | `p > 1/2` |
    """
    rows = [HEAD, ("---",) * len(HEAD)]
    for row in schedule_rows(rules):
        conditions = (str(row[key]) for key in ("iff", "sum_diverges_iff", "squares_converge_iff"))
        shown = [text if text in WORDS else _code(text) for text in conditions]
        by_default = str(row["by_default"])
        rows.append(
            (_code(str(row["name"])), _code(str(row["schedule"])), str(row["first"]), HELD.get(by_default, by_default),
             *shown)
        )  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def schedule_rows(rules: Iterable[ScheduleRule]) -> Iterator[dict[str, str | int]]:
    """The same for a program: a condition, "undecided", or NEGATIVE."""
    for rule in rules:
        made = rule.schedule()
        try:
            found = made.robbins_monro()
            verdicts = [verdict.iff for verdict in (found.robbins_monro, found.sum, found.sum_of_squares)]
        except InputError:  # the domains are wider than what the schedule is meant for
            verdicts = [NEGATIVE] * 3
        yield {
            "name": rule.name, "schedule": made.expression, "given": made.given, "first": rule.first,
            "by_default": rule.default().robbins_monro().robbins_monro.verdict, "iff": verdicts[0],
            "sum_diverges_iff": verdicts[1], "squares_converge_iff": verdicts[2],
        }  # fmt: skip


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"

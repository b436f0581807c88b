"""How long and how large a search may get: a deadline that also ends a call of SymPy, and the size of an expansion.

The kernel needs none of this to be right: what runs out of time is undecided, with that as the reason.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from types import FrameType
from typing import NamedTuple, TypeVar

from derive.errors import Undecided
from derive.kernel.terms import MAX_DEPTH, MAX_NODES, Refused, Term, children

T = TypeVar("T")

MAX_EXPANDED = 1500  # summands of a polynomial that is multiplied out
MAX_DEGREE = 100
SMALL_RANGE = 9  # a sum over so few numbers is written out before a search


class TimeUp(Undecided):
    """What was tried took longer than it may."""


class _Ring(BaseException):
    """The alarm went off; not an Exception, so that no `except Exception` on the way takes it for an answer."""


_armed: list[bool] = []  # True inside `limited`: an alarm at any other time is none


def _ring(signum: int, frame: FrameType | None) -> None:
    if _armed:
        raise _Ring


def limited(seconds: float, run: Callable[[], T]) -> T:
    """What `run` returns, or TimeUp after so many seconds of computing; that the machine is busy does not count.

    Where no alarm can be set, in a thread, on Windows or under a profiler, sizes are the only limit.

    >>> limited(0.01, lambda: sum(k for k in iter(int, 1)))
    Traceback (most recent call last):
    derive.limits.TimeUp: out of time
    """
    if _armed or not _take_alarm():
        return run()
    # No `with` block: the alarm may go off between any two instructions, also in the one that would disarm it. Here
    # whatever it interrupts ends in `except`, and before it goes off again, a second later, everything is put away.
    try:
        try:
            _armed.append(True)
            signal.setitimer(signal.ITIMER_PROF, max(seconds, 1e-3), 1.0)
            return run()
        finally:
            _disarm()
    except _Ring:
        _disarm()
        raise TimeUp("out of time") from None


def _disarm() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    _armed.clear()


def _take_alarm() -> bool:
    """Whether the alarm is ours. The handler stays: without one, an alarm that comes late would end the process."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return False
    if signal.getsignal(signal.SIGPROF) in (signal.SIG_DFL, signal.SIG_IGN):
        signal.signal(signal.SIGPROF, _ring)
    return signal.getsignal(signal.SIGPROF) is _ring


@dataclass
class Patience:
    """The seconds of computing that the lines of one file may take together without an answer; shared by its chains."""

    left: float = 20.0

    @property
    def exhausted(self) -> bool:
        return self.left < -10.0

    def for_a_line(self, most: float) -> float:
        """What the next line may take: little once the time is used up, since easy lines are still judged then."""
        return min(most, max(self.left, 0.2))


# --- the size of a term when it is multiplied out -------------------------------------------------------------------


class Spread(NamedTuple):
    """Upper bounds for a fraction brought over one denominator: summands and degree; the denominators it had."""

    terms: int
    degree: int
    below: frozenset[Term] = frozenset()


def too_large(term: Term) -> bool:
    """Whether multiplying the term out, as a search does, could take very long.

    >>> x, y, z = (("v", name) for name in "xyz")
    >>> too_large(("^", ("+", x, y), ("q", 60))), too_large(("^", ("+", x, y, z), ("q", 60)))
    (False, True)
    """
    try:
        _spread(term, {})
    except Refused:
        return True
    return False


def _spread(term: Term, known: dict[Term, Spread]) -> Spread:
    if term not in known:
        found = _of(term, known)
        terms, degree = found.terms, found.degree
        for below in found.below:
            terms, degree = terms * known[below].terms, degree + known[below].degree
        if terms > MAX_EXPANDED or degree > MAX_DEGREE:
            raise Refused("too large to multiply out", term)
        known[term] = found
    return known[term]


def _of(term: Term, known: dict[Term, Spread]) -> Spread:
    tag = term[0]
    parts = [_spread(part, known) for part in children(term)]
    below = frozenset(one for part in parts for one in part.below)
    if tag == "q":
        return Spread(1, 0)
    if tag == "+":
        return Spread(sum(part.terms for part in parts), max(part.degree for part in parts), below)
    if tag == "neg":
        return parts[0]
    if tag in ("*", "/"):
        own = parts[:1] if tag == "/" else parts
        terms = 1
        for part in own:
            terms = min(terms * part.terms, MAX_EXPANDED + 1)
        return Spread(terms, sum(part.degree for part in own), below | ({term[2]} if tag == "/" else frozenset()))
    if tag == "^" and term[2][0] == "q" and term[2][1] == int(term[2][1]):
        n, base = int(abs(term[2][1])), parts[0]
        if n > MAX_DEGREE:  # the search keeps such a power as one symbol
            return Spread(1, 1)
        raised = Spread(comb(n + base.terms - 1, min(n, base.terms - 1)), n * base.degree, base.below)
        return raised if term[2][1] >= 0 else Spread(1, 0, raised.below | {term[1]})
    if tag in ("sum", "prod"):
        lo, hi = term[1], term[2]
        width = int(hi[1] - lo[1]) + 1 if lo[0] == hi[0] == "q" else 2
        times = max(width, 1) if width <= SMALL_RANGE else 1
        body = parts[2]
        if tag == "sum":
            return Spread(body.terms * times, body.degree, below)
        return Spread(min(body.terms**times, MAX_EXPANDED + 1), body.degree * times, below)
    return Spread(1, 1, below if tag in ("diff", "argmax", "argmin") else frozenset())


# --- the size of a term when definitions are written out ------------------------------------------------------------


class Written(NamedTuple):
    """Nodes and depth of a term with every definition written out; the same of each parameter of a body."""

    nodes: int
    depth: int
    uses: dict[str, int]  # parameter -> how often it occurs
    depths: dict[str, int]  # parameter -> at which depth at most


def written_size(term: Term, definitions: dict[str, tuple[tuple[str, ...], Written]]) -> Written:
    """The size of a term after unfolding, computed without unfolding; `definitions` by name, with their parameters.

    Raises Refused where it is beyond what the kernel reads.
    """
    tag = term[0]
    if tag in ("v", "c", "q", "b"):
        name = str(term[1])
        if tag == "v" and name in definitions:
            return definitions[name][1]
        return Written(1, 1, {name: 1}, {name: 1}) if tag == "v" else Written(1, 1, {}, {})
    parts = [written_size(part, definitions) for part in children(term)]
    uses: dict[str, int] = {}
    depths: dict[str, int] = {}
    nodes = depth = 1
    offset = dict.fromkeys(range(len(parts)), 1)
    counts = dict.fromkeys(range(len(parts)), 1)
    if tag == "call" and term[1] in definitions:
        parameters, body = definitions[str(term[1])]
        nodes, depth = body.nodes, body.depth
        for k, name in enumerate(parameters[: len(parts)]):
            counts[k] = body.uses.get(name, 0)
            offset[k] = body.depths.get(name, 0) - 1
            nodes -= counts[k]
        uses |= {name: n for name, n in body.uses.items() if name not in parameters}
        depths |= {name: n for name, n in body.depths.items() if name not in parameters}
    for k, part in enumerate(parts):
        if not counts[k]:
            continue
        nodes += counts[k] * part.nodes
        depth = max(depth, offset[k] + part.depth)
        for name, n in part.uses.items():
            uses[name] = uses.get(name, 0) + counts[k] * n
            depths[name] = max(depths.get(name, 0), offset[k] + part.depths[name])
    if nodes > MAX_NODES or depth > MAX_DEPTH:
        raise Refused(f"more than {MAX_NODES} symbols, or {MAX_DEPTH} levels, when every definition is written out")
    return Written(nodes, depth, uses, depths)

"""What changed between two consecutive lines: the smallest sub-trees of the later one with no match in the earlier."""

from __future__ import annotations

from typing import Any

from derive.kernel.terms import BINDERS, OPTIMA, RELATIONS, TWO, Term

Path = tuple[int, ...]
Found = tuple[int, tuple[Path, ...]]  # the cost of a marking, and where it marks

# A wrapper is searched for only while the product of the two sizes is within this; beyond, heads are compared in step.
MAX_PAIRS = 40_000
# Nodes with a sign of their own, which a path marks by ending in 0.
_SIGNED = {"neg", "f", "call", "ix", "diff", "subdiff", "and", "or", *BINDERS, *OPTIMA, *RELATIONS}
_FAMILIES = {
    **dict.fromkeys(OPTIMA, "optimum"), **dict.fromkeys(BINDERS, "binder"), **dict.fromkeys(RELATIONS, "relation"),
}  # fmt: skip
MARK, DROP = 2, 1  # the cost of a marked node, and of a node that went away
MOST_MARKS = 3  # in a node that is mostly new; more would be a patchwork, and the node itself is marked


def changed(before: Term, after: Term) -> frozenset[Path]:
    """Paths to the sub-terms of `after` that are new: child positions, as indices into the tuples of the term.

    A path that ends in 0 means the sign of that node alone; a minus is marked only where nothing else is. What only
    went away (`dropped` has it) is not marked, nor what only moved within a sum, a product, |a - b| or (a - b)**2.

    >>> x, y = ("v", "x"), ("v", "y")
    >>> sorted(changed(("+", x, y), ("+", y, ("*", ("q", 2), x))))
    [(2, 1)]
    >>> sorted(changed(x, ("neg", x)))
    [(0,)]
    """
    marks = frozenset(_Comparison(before, after).found[1])
    return frozenset(path for path in marks if not _is_minus(after, path)) or marks


def _is_minus(term: Term, path: Path) -> bool:
    for step in path[:-1]:
        term = term[step]
    return bool(path) and path[-1] == 0 and term[0] == "neg"


def dropped(before: Term, after: Term) -> frozenset[Path]:
    """Paths to the sub-terms of `before` that are not in `after`.

    >>> sorted(dropped(("+", ("v", "x"), ("v", "c")), ("v", "x")))
    [(2,)]
    """
    return changed(after, before)


def parts(term: Term) -> list[tuple[int, Term]]:
    """The children of a node with their positions."""
    first = 2 if term[0] in OPTIMA else 1
    return [(k, part) for k, part in enumerate(term) if k >= first and isinstance(part, tuple)]


class _Comparison:
    """One comparison of two trees, with its memory."""

    def __init__(self, before: Term, after: Term) -> None:
        self.numbers: dict[Any, int] = {}  # equal trees have equal numbers
        self.number_of: dict[int, int] = {}
        self.size_of: dict[int, int] = {}
        self.memory: dict[tuple[int, int], Found] = {}
        self.wrappers = self._enter(before) * self._enter(after) <= MAX_PAIRS
        self.found = self.compare(before, after)

    def _enter(self, term: Term) -> int:
        """Number a tree and everything in it; its size."""
        size = 1 + sum(self._enter(part) for _, part in parts(term))
        inside = {k for k, _ in parts(term)}
        key = tuple(("node", self.number_of[id(part)]) if k in inside else part for k, part in enumerate(term))
        if (swapped := _difference(term)) is not None:
            key = ("either way", term[0], frozenset(self.number_of[id(part)] for part in swapped))
        self.number_of[id(term)] = self.numbers.setdefault(key, len(self.numbers))
        self.size_of[self.number_of[id(term)]] = size
        return size

    def number(self, term: Term) -> int:
        return self.number_of[id(term)]

    def cost(self, term: Term) -> int:
        """The cost of marking all of a term."""
        return MARK * self.size_of[self.number(term)]

    def compare(self, before: Term, after: Term) -> Found:
        """The cheapest marking that explains `after` from `before`."""
        key = self.number(before), self.number(after)
        if key[0] == key[1]:
            return 0, ()
        if key not in self.memory:
            best: Found = self.cost(after), ((),)
            options = [self._same_head(before, after)]
            if self.wrappers:
                options += [self._wrapped(before, after, k, child) for k, child in parts(after)]
                options += [self._unwrapped(before, child, after) for _, child in parts(before)]
            for option in options:
                best = option if option is not None and option[0] < best[0] else best
            patchwork = len(best[1]) > MOST_MARKS and 2 * best[0] > self.cost(after)
            self.memory[key] = (best[0], ((),)) if patchwork else best
        return self.memory[key]

    def _same_head(self, before: Term, after: Term) -> Found | None:
        if before[0] == after[0] and after[0] in ("+", "*"):
            return self._operands(before, after)
        left, right = parts(before), parts(after)
        if not right or len(left) != len(right) or _family(before) != _family(after):
            return None
        found = _sign(after) if _head(before) != _head(after) else (0, ())
        inner = [(k, self.compare(old, new)) for (_, old), (k, new) in zip(left, right, strict=True)]
        if after[0] == "f" and all(marks == ((),) for _, (_, marks) in inner):
            return None  # log(a) for log(b): the same word about something else is new as a whole
        for k, part in inner:
            found = _joined(found, _below(k, part))
        return found

    def _operands(self, before: Term, after: Term) -> Found:
        """The operands of two sums or products, equal ones matched first, the rest by how much they share."""
        old, new = [part for _, part in parts(before)], parts(after)
        rest = []
        for k, part in new:
            twin = next((o for o in old if self.number(o) == self.number(part)), None)
            if twin is None:
                rest.append((k, part))
            else:
                old.remove(twin)
        total: Found = 0, ()
        pairs = sorted(
            (self.compare(o, part)[0] - self.cost(part), k, m) for k, part in rest for m, o in enumerate(old)
        )
        used: dict[int, int] = {}
        for saving, k, m in pairs:
            if saving < 0 and k not in used and m not in used.values():
                used[k] = m
        for k, part in rest:
            found = self.compare(old[used[k]], part) if k in used else (self.cost(part), ((),))
            total = _joined(total, _below(k, found))
        return total[0] + DROP * (len(old) - len(used)), total[1]

    def _wrapped(self, before: Term, after: Term, at: int, child: Term) -> Found | None:
        """`after` is something put around `before`, which is its child at `at`."""
        inner = self.compare(before, child)
        if inner[0] >= self.cost(child):
            return None
        total = _joined(_sign(after), _below(at, inner))
        for k, other in parts(after):
            if k != at:
                total = _joined(total, (self.cost(other), ((k,),)))
        return total

    def _unwrapped(self, before: Term, child: Term, after: Term) -> Found | None:
        """`after` comes from a child of `before`; not from an argument, which a definition may have at any place."""
        if before[0] == "call":
            return None
        inner = self.compare(child, after)
        return (inner[0] + DROP, inner[1]) if inner[0] < self.cost(after) else None


def _difference(term: Term) -> tuple[Term, Term] | None:
    """The two sides of |a - b| or (a - b)**2, which is the same as |b - a| or (b - a)**2."""
    if term[:2] == ("f", "abs"):
        inside = term[2]
    elif term[0] == "^" and term[2] == TWO:
        inside = term[1]
    else:
        return None
    if inside[0] != "+" or len(inside) != 3 or (inside[1][0] == "neg") == (inside[2][0] == "neg"):
        return None
    first, second = inside[1:] if inside[2][0] == "neg" else inside[:0:-1]
    return first, second[1]


def _sign(term: Term) -> Found:
    return MARK, (((0,),) if term[0] in _SIGNED else ())


def _below(position: int, found: Found) -> Found:
    return found[0], tuple((position, *path) for path in found[1])


def _joined(one: Found, other: Found) -> Found:
    return one[0] + other[0], one[1] + other[1]


def _head(term: Term) -> tuple[Any, ...]:
    """All of a node but its children."""
    inside = {k for k, _ in parts(term)}
    return tuple(part for k, part in enumerate(term) if k not in inside)


def _family(term: Term) -> tuple[Any, ...]:
    """The head as far as nodes of one family share it: argmax and argmin, sum and prod, the relations, exp and log."""
    head = _head(term)
    return ("f",) if head[0] == "f" else (_FAMILIES.get(head[0], head[0]), *head[1:])

"""Conditions on parameters: cases that answer alike joined into few comparisons, in the language of chains.

Each comparison is form - constant against 0 with a number for a constant. The constants of a form cut the line into
points and gaps; the cases are boxes of such cells, and a formula is a cover of the true cells by few boxes. Cells that
the assumptions exclude may be covered or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import product

from derive.ascii import show
from derive.kernel.terms import Term
from derive.series.parameters import Abstain, Bound, Scene

MOST_CELLS = 50_000
Box = tuple[tuple[int, int], ...]  # for each form the first and the last cell: even ones are gaps, odd ones points


@dataclass(frozen=True)
class Condition:
    """A disjunction of conjunctions of comparisons: boxes of bounds. No box is false, a box without bounds true."""

    boxes: tuple[tuple[Bound, ...], ...] = ()

    @property
    def constant(self) -> bool | None:
        """True or False where it does not depend on the parameters."""
        return False if not self.boxes else True if self.boxes == ((),) else None

    def __str__(self) -> str:
        if self.constant is not None:
            return "true" if self.constant else "false"
        texts = []
        for box in self.boxes:
            parts = [f"{show(bound.form)} {bound.relation} {show(bound.constant)}" for bound in box]
            texts.append(parts[0] if len(parts) == 1 else " & ".join(f"({part})" for part in parts))
        return texts[0] if len(texts) == 1 else " | ".join(f"({text})" for text in texts)


TRUE, FALSE = Condition(((),)), Condition()


class Grid:
    """The cells of all forms that some case tells apart."""

    def __init__(self, scene: Scene, cases: Sequence[Sequence[Bound]], given: Iterable[Bound]) -> None:
        self.scene = scene
        self.forms: list[Term] = []
        self.constants: list[list[Term]] = []
        for bound in [bound for case in cases for bound in case]:
            self.index(bound)
        given = [bound for bound in given if bound.form in self.forms]
        for bound in given:
            self.index(bound)
        if self.count() > MOST_CELLS:
            raise Abstain("too many cases of the parameters to write down as one condition")
        self.allowed = self.cells(given)

    def index(self, bound: Bound) -> None:
        if bound.form not in self.forms:
            self.forms.append(bound.form)
            self.constants.append([])
        here = self.constants[self.forms.index(bound.form)]
        if all(self.scene.constant_sign(bound.constant, other) for other in here):
            here.append(bound.constant)
            here.sort(key=cmp_to_key(self.scene.constant_sign))

    def count(self) -> int:
        total = 1
        for constants in self.constants:
            total *= 2 * len(constants) + 1
        return total

    def cells(self, case: Iterable[Bound]) -> Box:
        box = [(0, 2 * len(constants)) for constants in self.constants]
        for bound in case:
            k = self.forms.index(bound.form)
            here = next(n for n, c in enumerate(self.constants[k]) if not self.scene.constant_sign(c, bound.constant))
            low, high = box[k]
            at = 2 * here + 1
            first, last = {
                "<": (0, at - 1), "<=": (0, at), "=": (at, at), ">=": (at, 10**6), ">": (at + 1, 10**6),
            }[bound.relation]  # fmt: skip
            box[k] = (max(low, first), min(high, last))
        return tuple(box)

    def inside(self, box: Box) -> Iterable[tuple[int, ...]]:
        return product(*(range(low, high + 1) for low, high in box))

    def bounds(self, box: Box) -> tuple[Bound, ...]:
        """The comparisons that say no more than is not assumed anyway."""
        found = []
        for form, constants, (low, high), (least, most) in zip(
            self.forms, self.constants, box, self.allowed, strict=True
        ):
            if low == high and low % 2:
                if (least, most) != (low, high):
                    found.append(Bound(form, constants[low // 2], "="))
                continue
            if low > least:
                found.append(Bound(form, constants[(low - 1) // 2], ">=" if low % 2 else ">"))
            if high < most:
                found.append(Bound(form, constants[high // 2], "<=" if high % 2 else "<"))
        return tuple(found)


def condition(scene: Scene, cases: Sequence[tuple[Sequence[Bound], bool]], given: Iterable[Bound]) -> Condition:
    """A condition that is true exactly in those cases that are said to be, among those that can occur.

    Raises Abstain where there are too many.
    """
    answers = {answer for _, answer in cases}
    if answers <= {True}:
        return TRUE
    if answers == {False}:
        return FALSE
    grid = Grid(scene, [case for case, _ in cases], given)
    true: set[tuple[int, ...]] = set()
    false: set[tuple[int, ...]] = set()
    for case, answer in cases:
        inside = grid.inside(tuple(_meet(a, b) for a, b in zip(grid.cells(case), grid.allowed, strict=True)))
        (true if answer else false).update(inside)
    return Condition(tuple(_with_unequal(_cover(grid, true, false))))


def _meet(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return max(a[0], b[0]), min(a[1], b[1])


def _cover(grid: Grid, true: set[tuple[int, ...]], false: set[tuple[int, ...]]) -> list[tuple[Bound, ...]]:
    """Boxes without a false cell that cover the true ones: each grown as far as it goes, the largest first."""
    boxes: list[Box] = []
    left = set(true)
    free: Callable[[Box], bool] = lambda box: not any(cell in false for cell in grid.inside(box))  # noqa: E731
    while left:
        best: tuple[int, int, Box] | None = None
        for seed in sorted(left)[:: max(1, len(left) // 12)]:
            for order in ((*range(len(grid.forms)),), (*reversed(range(len(grid.forms))),)):
                box = _grown(grid, tuple((k, k) for k in seed), order, free)
                gain = len(left & set(grid.inside(box)))
                rank = (gain, -len(grid.bounds(box)), box)
                if best is None or rank[:2] > best[:2]:
                    best = rank
        assert best is not None
        boxes.append(best[2])
        left -= set(grid.inside(best[2]))
    for box in sorted(boxes, key=lambda box: sum(1 for _ in grid.inside(box))):
        others = {cell for other in boxes if other is not box for cell in grid.inside(other)}
        if true & set(grid.inside(box)) <= others:
            boxes.remove(box)
    for n, box in enumerate(boxes):
        others = {cell for other in boxes if other is not box for cell in grid.inside(other)}
        for k, (low, high) in enumerate(box):  # p = 1 rather than p <= 1 where p < 1 is said already
            needed = {cell[k] for cell in grid.inside(box) if cell in true and cell not in others}
            if len(needed) == 1 and (at := min(needed)) % 2 and low < high:
                point = (*box[:k], (at, at), *box[k + 1 :])
                if len(grid.bounds(point)) <= len(grid.bounds(box)):
                    box = boxes[n] = point
    return [grid.bounds(box) for box in sorted(boxes)]


def _grown(grid: Grid, box: Box, order: Iterable[int], free: Callable[[Box], bool]) -> Box:
    for k in order:
        for side in (0, 1):
            while True:
                low, high = box[k]
                wider = (low - 1, high) if side == 0 else (low, high + 1)
                if wider[0] < grid.allowed[k][0] or wider[1] > grid.allowed[k][1]:
                    break
                grown = (*box[:k], wider, *box[k + 1 :])
                if not free(grown):
                    break
                box = grown
    return box


def _with_unequal(boxes: list[tuple[Bound, ...]]) -> list[tuple[Bound, ...]]:
    """a < c or a > c as a != c, where the two boxes differ in nothing else."""
    for n, one in enumerate(boxes):
        for other in boxes[n + 1 :]:
            first, second = set(one) - set(other), set(other) - set(one)
            if len(first) == len(second) == 1:
                (a,), (b,) = first, second
                if a[:2] == b[:2] and {a.relation, b.relation} == {"<", ">"}:
                    joined = tuple(Bound(*a[:2], "!=") if bound == a else bound for bound in one)
                    rest = [box for box in boxes if box not in (one, other)]
                    return _with_unequal([joined, *rest])
    return boxes

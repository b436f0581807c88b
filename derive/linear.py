"""A non-negative solution of linear equations, exactly: phase one of the simplex method over the rationals.

SymPy 1.14 has a simplex of its own; on the degenerate systems that come up here it did not end within minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm

MAX_PIVOTS = 400


def nonnegative_solution(columns: Sequence[Sequence[Fraction]], right: Sequence[Fraction]) -> list[Fraction] | None:
    """Weights x >= 0 with sum(x[j] * columns[j]) = right, or None: there are none, or the pivots run out.

    Earlier columns are preferred, and Bland's rule keeps the method from cycling.

    >>> nonnegative_solution([[Fraction(1), Fraction(0)], [Fraction(1), Fraction(1)]], [Fraction(3), Fraction(1)])
    [Fraction(2, 1), Fraction(1, 1)]
    """
    rows, width = len(right), len(columns)
    table = [_whole([*(column[i] for column in columns), right[i]]) for i in range(rows)]
    basis = [width + i for i in range(rows)]  # one artificial variable to a row; their sum has to become zero
    cost = [sum(row[j] for row in table) for j in range(width + 1)]
    for _ in range(MAX_PIVOTS):
        if cost[width] == 0:
            solution = [Fraction(0)] * width
            for i, j in enumerate(basis):
                if j < width:
                    solution[j] = Fraction(table[i][width], table[i][j])
            return solution
        entering = next((j for j in range(width) if cost[j] > 0), None)
        if entering is None:
            return None
        ratios = [(Fraction(row[width], row[entering]), basis[i], i)
                  for i, row in enumerate(table) if row[entering] > 0]  # fmt: skip
        if not ratios:
            return None
        pivot = min(ratios)[2]
        basis[pivot] = entering
        filled = [(j, value) for j, value in enumerate(table[pivot]) if value]  # few: the tables are sparse
        for row in (*table[:pivot], *table[pivot + 1 :], cost):
            _eliminate(row, entering, filled, table[pivot][entering])
    return None


def _whole(row: Sequence[Fraction]) -> list[int]:
    """A row as integers, its last one not negative: an equation may be multiplied by anything but zero."""
    scale = lcm(*(value.denominator for value in row)) * (-1 if row[-1] < 0 else 1)
    return [value.numerator * (scale // value.denominator) for value in row]


def _eliminate(row: list[int], at: int, other: list[tuple[int, int]], pivot: int) -> None:
    """row * m - other * k with the smallest m > 0 for which nothing is left at one place."""
    if row[at]:
        shared = gcd(row[at], pivot)
        times, less = pivot // shared, row[at] // shared
        if times != 1:
            row[:] = [value * times for value in row]
        for j, value in other:
            row[j] -= less * value
        if times != 1 and (common := gcd(*row)) > 1:
            row[:] = [value // common for value in row]


__all__ = ["nonnegative_solution"]

"""A non-negative solution of linear equations, exactly: phase one of the simplex method over the rationals.

SymPy 1.14 has a simplex of its own; on the degenerate systems that come up here it did not end within minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

MAX_PIVOTS = 400


def nonnegative_solution(columns: Sequence[Sequence[Fraction]], right: Sequence[Fraction]) -> list[Fraction] | None:
    """Weights x >= 0 with sum(x[j] * columns[j]) = right, or None: there are none, or the pivots run out.

    Earlier columns are preferred, and Bland's rule keeps the method from cycling.

    >>> nonnegative_solution([[Fraction(1), Fraction(0)], [Fraction(1), Fraction(1)]], [Fraction(3), Fraction(1)])
    [Fraction(2, 1), Fraction(1, 1)]
    """
    rows, width = len(right), len(columns)
    signs = [-1 if value < 0 else 1 for value in right]
    table = [[signs[i] * column[i] for column in columns] + [signs[i] * right[i]] for i in range(rows)]
    basis = [width + i for i in range(rows)]  # one artificial variable to a row; their sum has to become zero
    cost = [sum((row[j] for row in table), Fraction(0)) for j in range(width + 1)]
    for _ in range(MAX_PIVOTS):
        if cost[width] == 0:
            solution = [Fraction(0)] * width
            for i, j in enumerate(basis):
                if j < width:
                    solution[j] = table[i][width]
            return solution
        entering = next((j for j in range(width) if cost[j] > 0), None)
        if entering is None:
            return None
        ratios = [(table[i][width] / table[i][entering], basis[i], i) for i in range(rows) if table[i][entering] > 0]
        if not ratios:
            return None
        pivot = min(ratios)[2]
        basis[pivot] = entering
        scale = table[pivot][entering]
        table[pivot] = [value / scale for value in table[pivot]]
        for row in (*table[:pivot], *table[pivot + 1 :], cost):
            factor = row[entering]
            if factor:
                row[:] = [value - factor * top for value, top in zip(row, table[pivot], strict=True)]
    return None

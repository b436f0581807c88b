"""Entries printed as matrices: what is shown, and that the matrix has the entry, on random small matrices."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from derive.evaluation.evaluate import evaluate
from derive.evaluation.values import Family, Point
from derive.library import derivation
from derive.render.aligned import aligned_latex
from derive.render.matrix import entry_tex, matrix_braces
from derive.syntax import parse_expression

CASES = {
    "sum(x[i, k]*r[i], i, 1, N)": (("k",), r"X^{\top} r"),
    "sum(x[k, j]*w[j], j, 1, d)": (("k",), "X w"),
    "sum(x[i, k]*x[i, l], i, 1, N)": (("k", "l"), r"X^{\top} X"),
    "2*sum(x[i, k]*h[i]*x[i, l], i, 1, N)": (
        ("k", "l"), r"2 X^{\top} \operatorname{diag}\left(h\right) X",
    ),
    "sum(x[i, k]*x[i, l], i, 1, N) + lam*kronecker(k, l)": (("k", "l"), r"X^{\top} X + \lambda I"),
    "sum(x[i, k]*(sum(x[i, j]*w[j], j, 1, d) - y[i]), i, 1, N)": (("k",), r"X^{\top} \left(X w -y\right)"),
    "sum(x[i, k]*h[i]*sum(x[i, j]*v[j], j, 1, d), i, 1, N)": (
        ("k",), r"X^{\top} \left(h \odot \left(X v\right)\right)",
    ),
}  # fmt: skip
NOT_ENTRIES = {
    "sum(x[i, k]**i, i, 1, N)": ("k",),  # the index is more than a place
    "sum(x[i, k], i, 1, N)": ("k",),  # a column sum needs a vector of ones
    "sum(x[i, k]*x[k, i]*x[i, k], i, 1, N)": ("k",),
    "k*sum(x[i, k]*r[i], i, 1, N)": ("k",),
    "sum(x[i, k]*r[i], i, 2, N)": ("k",),  # not all rows
    "sum(x[i, k]*r[i + 1], i, 1, N)": ("k",),
}


@pytest.mark.parametrize("text", CASES)
def test_an_entry_is_read_as_its_matrix(text: str) -> None:
    names, expected = CASES[text]
    assert entry_tex(parse_expression(text).term, *names) == expected


@pytest.mark.parametrize("text", NOT_ENTRIES)
def test_what_is_no_entry_is_left_alone(text: str) -> None:
    assert entry_tex(parse_expression(text).term, *NOT_ENTRIES[text]) is None


Matrix = list[list[Fraction]]


def times(a: Matrix, b: Matrix) -> Matrix:
    return [[sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in zip(*b, strict=True)]
            for row in a]  # fmt: skip


def test_the_matrix_has_the_entries_it_is_printed_for() -> None:
    """X^T diag(h) X and X^T (h * X v), by the definition of the matrix product."""
    n, d = 3, 2
    x = {(i, j): Fraction(i * i - 2 * j, 3) for i in range(1, n + 1) for j in range(1, d + 1)}
    h = {(i,): Fraction(2 * i - 3, 5) for i in range(1, n + 1)}
    v = {(j,): Fraction(j + 1, 7) for j in range(1, d + 1)}
    rows = [[x[i, j] for j in range(1, d + 1)] for i in range(1, n + 1)]
    turned = [list(column) for column in zip(*rows, strict=True)]
    diagonal = [[h[i,] if i == j else Fraction(0) for j in range(1, n + 1)] for i in range(1, n + 1)]
    hessian = times(times(turned, diagonal), rows)
    along = times(hessian, [[v[j,]] for j in range(1, d + 1)])
    entry = parse_expression("sum(x[i, k]*h[i]*x[i, l], i, 1, N)").term
    vector = parse_expression("sum(x[i, k]*h[i]*sum(x[i, j]*v[j], j, 1, d), i, 1, N)").term
    families = {"x": Family(table=x), "h": Family(table=h), "v": Family(table=v)}
    for k, c in product(range(1, d + 1), repeat=2):
        point = Point({"N": Fraction(n), "d": Fraction(d), "k": Fraction(k), "l": Fraction(c)}, families)
        assert evaluate(entry, point) == hessian[k - 1][c - 1]
        assert evaluate(vector, point) == along[k - 1][0]


def test_a_derivation_has_the_matrix_below_its_entries() -> None:
    item = derivation("ridge-hessian")
    ((path, text),) = matrix_braces(item)[-1].items()
    assert path == ()
    assert text == r"\left(2 X^{\top} X + 2 \lambda I\right)_{k, l}"
    assert text in aligned_latex(item)
    assert not any(matrix_braces(derivation("laplace-l1")))

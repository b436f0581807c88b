"""A rule as a LaTeX file that compiles by itself, with the formula of the slides."""

from __future__ import annotations

from numeric.export.source import Source


def latex_text(source: Source) -> str:
    """The source of the file.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> r"\\begin{document}" in latex_text(Source(OPTIMIZERS["sgd"]))
    True
    """
    return "\n".join([
        *source.comment("%"),
        "",
        r"\documentclass{article}",
        r"\usepackage{amsmath, amssymb}",
        r"\begin{document}",
        r"\[",
        source.rule.to_latex(),
        r"\]",
        r"\end{document}",
        "",
    ])  # fmt: skip

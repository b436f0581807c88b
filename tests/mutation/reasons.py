"""Why a mutant of the kernel that no test notices is right: file, kind and guard -> reason."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "normal.py: call deleted: ctx.spend(1)": (
        "the terms that many sums open are counted by their signs and by their products as well; bombs stay refused"
    ),
    "derivative.py: condition always: part != ONE": "a factor 1 is written, and its normal form is the same",
    "derivative.py: condition always: first != term": (
        "the slope of an unknown function is differentiated for ever: refused by the depth of the recursion"
    ),
    "derivative.py: alternative never: 1 in moving": (
        "the slope contains the logarithm of the base, whose definedness asks for the same sign"
    ),
    'derivative.py: call deleted: S.defined(("and", left, right), ctx)': (
        "the slopes from both sides are made of the same parts, and the one that is returned has to be defined"
    ),
    'derivative.py: condition always: tag == "ix"': "only a family is mentioned with no part that mentions it",
    "normal.py: condition always: term not in ctx.normals": "the memory is not used: slower, with the same result",
    "normal.py: condition always: value.denominator > 1": "(u**2)**n = |u|**(2*n) holds for integers n, too",
    "normal.py: condition always: base[2][1] % 2 == 0": ("a root of u**3 is defined where u >= 0, and there u = |u|"),
    'normal.py: condition always: base[2][0] == "q"': (
        "an exponent that is no number has no remainder: an error of Python, and so a refusal"
    ),
    "normal.py: condition always: nonzero": (
        "a power is defined where its exponent is >= 0 or its base is not zero: the alternative says nothing more"
    ),
    'rules.py: call deleted: S.defined(("f", h, f), ctx)': "the other side has the same parts, and is defined",
}

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
    'derivative.py: condition always: name in ("min", "max")': (
        "the name of the opposite is looked up: an error of Python, and so a refusal"
    ),
    'derivative.py: condition always: x[0] == "ix"': "a family alone has this name, where no part mentions it",
    "derivative.py: condition always: parts[1] != x": "it is differentiated once more: slower, with the same result",
    "derivative.py: condition always: level[1:]": "the largest of one is that one",
    "derivative.py: condition always: tag in ('f', 'call')": "the words of a refusal",
    "rules.py: demand always met: not mentions(start, n)": (
        "the first step is then to be proved for every n; kept, since the argument is one about a start that stays"
    ),
    "signs.py: demand always met: fact[0] in SIGNS": "the sign of what is no comparison is an error, and so a refusal",
    'check.py: demand always met: relation in (*S.SIGNS, "differentiable")': (
        "the sign of what is no comparison is an error, and so a refusal"
    ),
    "signs.py: condition always: len(found) > 1": "what is known already is looked for once more",
    "signs.py: condition always: base not in ctx.atom_signs": "the memory is not used: slower, with the same result",
    "signs.py: condition always: ctx.quantified": "there is nothing to go through then",
    "signs.py: alternative never: found": "nothing is possible only where assumptions contradict each other",
    "signs.py: condition always: found": "nothing is possible only where assumptions contradict each other",
    'signs.py: condition always: node[0] in ("ix", "call")': "more places, each of which is as good",
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
    "normal.py: condition always: not nonzero": "what could be split is kept as it is: fewer terms are seen as equal",
    'rules.py: call deleted: S.defined(("f", h, f), ctx)': "the other side has the same parts, and is defined",
}

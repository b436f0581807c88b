"""Gradients and Hessians of the library's losses with a linear predictor, for any N and d, each a checked derivation.

With z = Xw and a loss phi(z, y) for each row, the gradient is X^T phi'(z) and the Hessian X^T diag(phi''(z)) X. What
is proved is each entry, under the sums: the k-th of the gradient, the k-th row and l-th column of the Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from derive.ascii import show
from derive.chains import compose
from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.kernel.terms import Term, mentions, rebuild
from derive.library.losses import LOSSES, Loss
from derive.model import parsed, replace_names
from derive.observation import AGAIN, CHAIN, SLOPE, SOURCE, SQUARES, STABLE, Pointwise, Row, classes, curvature, curved

from derive.observation import entry, facts, meanings, monotone, plain, pointwise, slope, sloped, value  # isort: skip
from derive.stable import stable

# --- all rows: a linear predictor -------------------------------------------------------------------------------------


def gradient(name: str, by: str = "w") -> Derivation:
    """The k-th entry of the gradient with a linear predictor, X^T phi'(z); by sigma where that is learned.

    >>> show(gradient("l2").lines[-1].term)
    'sum(x[i, k]*(2*(z(i) - y[i])), i, 1, N)'
    """
    loss = entry(name)
    total = _total(loss, plain(loss), parsed(loss.penalty)[0] if loss.penalty else None)
    if by == "w":
        variable = "w[k, c]" if classes(loss) else "w[k]"
        found = [_weighted(loss, sloped(loss, "z"), ("k",)), *([loss.slopes["w"]] if loss.penalty else [])]
    else:
        variable, found = by, [_weighted(loss, sloped(loss, by), ())]
    rows: list[Row] = [
        ("", f"diff({total}, {variable})", Text(), ""),
        ("=", _with_penalty(found, "k"), CHAIN if by == "w" else SLOPE, ""),
    ]
    rows += _stable_row(loss, rows[-1][1], "z" if by == "w" else by, ("k",) if by == "w" else (), "k", found[1:])
    title = Text(
        f"Gradient of the {loss.title.en}, linear predictor" + ("" if by == "w" else f", by {by}"),
        f"{loss.title.ko}의 기울기, 선형 예측" + ("" if by == "w" else f", {by} 방향"),
    )
    given = _given_linear(loss, loss.kinks, "k") if by == "w" else _given_linear(loss, loss.kinks)
    ending = "" if by == "w" else f"-{by}"
    return compose(
        f"{name}-gradient{ending}", title, SOURCE, given, rows, define=_definitions(loss), meanings=meanings(loss)
    )


def hessian(name: str, by: str = "w w") -> Derivation:
    """Row k and column l of the Hessian with a linear predictor, X^T diag(phi''(z)) X: the gradient differentiated.

    >>> show(hessian("l2").lines[-1].term)
    'sum(x[i, k]*x[i, l]*2, i, 1, N)'
    """
    loss = entry(name)
    first, second = by.split()
    key = by.replace("w", "z")
    start = [_weighted(loss, sloped(loss, first.replace("w", "z")), ("k",) if first == "w" else ())]
    indices = tuple(index for index, part in (("k", first), ("l", second)) if part == "w")
    found = [_weighted(loss, curved(loss, key), indices)]
    if loss.penalty:
        start.append(loss.slopes["w"])
        found.append("" if loss.curvatures["w w"] == "0" else f"{loss.curvatures['w w']}*kronecker(k, l)")
    variable = ("w[l, g]" if classes(loss) else "w[l]") if second == "w" else second
    rows: list[Row] = [
        ("", f"diff({_with_penalty(start, 'k')}, {variable})", Text(), ""),
        ("=", _with_penalty([part for part in found if part], "k"), AGAIN if second == "w" else SLOPE, ""),
    ]
    rows += _stable_row(loss, rows[-1][1], key, indices, "k", [part for part in found[1:] if part])
    title = Text(
        f"Hessian of the {loss.title.en}, linear predictor" + ("" if by == "w w" else f", by {first} and {second}"),
        f"{loss.title.ko}의 헤시안, 선형 예측" + ("" if by == "w w" else f", {first}, {second} 방향"),
    )
    ending = "" if by == "w w" else f"-{first}-{second}"
    return compose(
        f"{name}-hessian{ending}",
        title,
        SOURCE,
        _given_linear(loss, loss.bends, *indices),
        rows,
        define=_definitions(loss),
        meanings=meanings(loss),
    )


def convexity(name: str) -> Derivation:
    """Along any line w + t*v, where z = Xw + t*Xv, the second derivative is sum phi''(z) (Xv)^2, never negative.

    >>> convexity("l2").lines[-1].relation
    '>='
    """
    loss = entry(name)
    if classes(loss) or loss.kinks or show(parsed(loss.curvatures["z z"])[0]) == "0":
        raise InputError(f"{name} has no second derivative to look at in this form", remedy=f"see {name}-monotone")
    slope_, curvature_ = _of_row(loss, sloped(loss, "z")), _of_row(loss, curved(loss, "z z"))
    rows: list[Row] = [
        ("", f"diff(sum(({show(slope_)})*u[i], i, 1, N), t)", Text(), ""),
        (
            "=",
            f"sum(({show(curvature_)})*u[i]**2, i, 1, N)",
            Text("z = a + t*u is linear in t, a = Xw and u = Xv", "z = a + t*u 는 t의 일차식, a = Xw, u = Xv"),
            "",
        ),
        (">=", "0", SQUARES, ""),
    ]
    title = Text(f"The {loss.title.en} with a linear predictor is convex", f"선형 예측의 {loss.title.ko}: 볼록")
    source = "Boyd and Vandenberghe, Convex Optimization, 2004, sec. 3.1.4"
    given = _given_linear(loss, loss.bends, along=True)
    if loss.observation and mentions(curved(loss, "z z"), "y"):
        given += f"; {loss.observation.replace('y', 'y[i]')}"
    define = [f"z(i) = {ALONG}"]
    return compose(f"{name}-convex", title, source, given, rows, define=define, meanings=meanings(loss))


def entries() -> Mapping[str, tuple[Text, Callable[[], Derivation]]]:
    """Every derivation that this module makes, by name: its title, and the function that makes it.

    >>> "huber-hessian" in entries()
    True
    """
    return {name: (title, make) for name, title, make in _entries()}


def _entries() -> Iterator[tuple[str, Text, Callable[[], Derivation]]]:
    for loss in LOSSES.values():
        name, title = loss.name, loss.title
        yield f"{name}-in-z", Text(f"{title.en} as a function of z = Xw"), partial(value, name)
        for by in loss.slopes:
            yield f"{name}-slope-{by}", Text(f"{title.en}: derivative by {by}"), partial(slope, name, by)
        for by in loss.curvatures:
            ending = by.replace(" ", "-")
            text = Text(f"{title.en}: second derivative by {by}")
            yield f"{name}-curvature-{ending}", text, partial(curvature, name, by)
        over = [by for by in loss.slopes if by not in ("z", "w")]
        for by in ("w", *over):
            ending = "" if by == "w" else f"-{by}"
            text = Text(f"{title.en}, linear predictor: gradient{f' by {by}' if ending else ''}")
            yield f"{name}-gradient{ending}", text, partial(gradient, name, by)
        for by in ("w w", *(f"w {one}" for one in over), *(f"{one} {one}" for one in over)):
            ending = "" if by == "w w" else f"-{by.replace(' ', '-')}"
            text = Text(f"{title.en}, linear predictor: Hessian{f' by {by}' if ending else ''}")
            yield f"{name}-hessian{ending}", text, partial(hessian, name, by)
        if classes(loss) or name == "student-t":
            continue  # the first has a chain of its own, the second is not convex
        if loss.bends and "w" not in loss.bends:
            yield f"{name}-monotone", Text(f"{title.en}: the slope never falls"), partial(monotone, name)
        if not loss.kinks and show(parsed(loss.curvatures["z z"])[0]) != "0":
            yield f"{name}-convex", Text(f"{title.en}, linear predictor: convex"), partial(convexity, name)


# --- the texts --------------------------------------------------------------------------------------------------------

PREDICTOR = "sum(x[i, j]*w[j], j, 1, d)"
ALONG = "a[i] + t*u[i]"  # with a = Xw and u = Xv


def _given_linear(loss: Loss, kinks: tuple[str, ...], *indices: str, along: bool = False) -> str:
    """The assumptions for all rows: the kinks are avoided in each."""
    predictor = ALONG if along else PREDICTOR
    bounds = "".join(f"; {index} integer; 1 <= {index} <= d" for index in indices)
    if classes(loss):
        bounds += "".join(f"; {index} integer; 1 <= {index} <= K" for index, _ in zip("cg", indices, strict=False))
        names = "x[i, j], w[j, k], y[i, k], m real; N, d, K integer >= 1"
    else:
        names = "a[i], u[i], y[i], t real; N integer >= 1" if along else "x[i, j], w[j], y[i] real; N, d integer >= 1"
    avoided = []
    for kink in kinks:
        term = parsed(kink)[0]
        at = {"z": parsed(predictor)[0], "y": ("ix", "y", ("v", "i")), "w": ("ix", "w", ("v", "j"))}
        avoided.append(f"{show(replace_names(term, at))} != 0")
    return "; ".join([f"{names}{bounds}", *facts(loss).values(), *avoided])


def _definitions(loss: Loss) -> list[str]:
    return ["z(i, c) = sum(x[i, j]*w[j, c], j, 1, d)"] if classes(loss) else [f"z(i) = {PREDICTOR}"]


def _of_row(loss: Loss, term: Term) -> Term:
    """A term about one row as one about the i-th: z becomes z(i), y becomes y[i]; z[k] and y[k] keep their index."""
    i, names = ("v", "i"), {"k": ("v", "c"), "l": ("v", "g")}
    if term[:2] in (("ix", "z"), ("v", "z")):
        return ("call", "z", i, *(_of_row(loss, part) for part in term[2:]))
    if term[:2] in (("ix", "y"), ("v", "y")):
        return ("ix", "y", i, *(_of_row(loss, part) for part in term[2:]))
    if term[0] == "v" and term[1] in names and classes(loss):
        return names[term[1]]
    return rebuild(term, lambda part, _: _of_row(loss, part))


def _total(loss: Loss, row: Term, penalty: Term | None) -> str:
    total = f"sum({show(_of_row(loss, row))}, i, 1, N)"
    if penalty is None:
        return total
    return f"{total} + sum({show(replace_names(penalty, {'w': ('ix', 'w', ('v', 'j'))}))}, j, 1, d)"


def _weighted(loss: Loss, term: Term, indices: tuple[str, ...]) -> str:
    """sum x[i,k]*x[i,l]*term over the rows."""
    inner = show(_of_row(loss, term))
    factors = "*".join(f"x[i, {index}]" for index in indices)
    return f"sum({factors}*({inner}), i, 1, N)" if indices else f"sum({inner}, i, 1, N)"


def _with_penalty(parts: list[str], index: str) -> str:
    """The sum over the rows, plus what the penalty adds at w[k]."""
    first, *rest = parts
    at = {"w": ("ix", "w", ("v", index))}
    return " + ".join([first, *(show(replace_names(parsed(text)[0], at)) for text in rest)])


def _stable_row(loss: Loss, before: str, key: str, indices: tuple[str, ...], index: str, more: list[str]) -> list[Row]:
    """The line with the term of each row without overflow, where that is another one."""
    term = curved(loss, key) if " " in key else sloped(loss, key)
    if stable(term) == term:
        return []
    return [("=", _with_penalty([_weighted(loss, stable(term), indices), *more], index), STABLE, "")]


__all__ = [
    "Pointwise",
    "convexity",
    "curvature",
    "entries",
    "gradient",
    "hessian",
    "monotone",
    "pointwise",
    "slope",
    "value",
]

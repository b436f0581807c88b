"""The loss of one observation as a function of z: its stable form, slopes and curvatures, as checked derivations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from derive.ascii import show
from derive.chains import compose
from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.kernel.terms import Term, rebuild, subterms
from derive.library.losses import LINKS, LOSSES, MODELS, Loss
from derive.model import parsed, replace_names
from derive.stable import stable

Row = tuple[str, str, Text, str]

SOURCE = "McCullagh and Nelder, Generalized Linear Models, 1989, sec. 2.5"
LINK = Text("put in mu", "mu 를 대입")
STABLE = Text("the same without overflow", "넘침 없이 쓰면")
CHAIN = Text("chain rule: dz[i]/dw[k] = x[i,k]", "연쇄법칙: dz[i]/dw[k] = x[i,k]")
AGAIN = Text("chain rule once more", "연쇄법칙을 한 번 더")
SLOPE = Text("the derivative of the loss by z", "손실을 z로 미분")
SQUARES = Text("positive times squares", "양수 곱하기 제곱")

KINK = (
    "where a derivative jumps, the middle of the subdifferential is taken: sign(0) = 0; "
    "the second derivative there is the mean of those on both sides"
)


@dataclass(frozen=True)
class Pointwise:
    """A loss of one row and its derivatives, as terms in z, y and hyperparameters, in forms that do not overflow.

    For a loss of K classes the terms are in z[k], y[k]; `slopes["z"]` is the derivative by z[k], `curvatures["z z"]`
    that by z[k] and z[l], and m stands for any number: run with the largest z[k], no exponential exceeds 1.
    `hyperparameters` has the fact about each, `learned` that about each parameter beside w. `proofs` are derivations
    of value, slopes and curvatures.
    """

    name: str
    value: Term
    slopes: Mapping[str, Term]
    curvatures: Mapping[str, Term]
    penalty: Term | None
    penalty_slope: Term | None
    penalty_curvature: Term | None
    hyperparameters: Mapping[str, str]
    learned: Mapping[str, str]
    observation: str
    kink: str
    classes: bool
    proofs: tuple[Derivation, ...]

    @property
    def slope(self) -> Term:
        """The derivative by z."""
        return self.slopes["z"]

    @property
    def curvature(self) -> Term:
        """The second derivative by z."""
        return self.curvatures["z z"]


def entry(name: str) -> Loss:
    """The row of a loss. Raises InputError with the names there are.

    >>> entry("l2").formula
    '(mu - y)**2'
    """
    if name not in LOSSES:
        raise InputError(f"no loss is called {name}", remedy=f"choose one of {', '.join(LOSSES)}")
    return LOSSES[name]


@lru_cache(maxsize=64)
def pointwise(name: str) -> Pointwise:
    """A loss of one row with its first and second derivatives, proved and written without overflow.

    Raises InputError for an unknown loss.

    >>> show(pointwise("binary-cross-entropy").slope)
    'exp(min(z, 0))/(1 + exp(-abs(z))) - y'
    """
    loss = entry(name)
    slopes, curvatures = ({key: parsed(text)[0] for key, text in row.items()} for row in (loss.slopes, loss.curvatures))
    known = facts(loss)
    learned = {key: fact for key, fact in known.items() if key in loss.over}
    return Pointwise(
        name=name,
        value=stable(plain(loss)),
        slopes={key: stable(term) for key, term in slopes.items() if key != "w"},
        curvatures={key: stable(term) for key, term in curvatures.items() if key != "w w"},
        penalty=parsed(loss.penalty)[0] if loss.penalty else None,
        penalty_slope=slopes.get("w"),
        penalty_curvature=curvatures.get("w w"),
        hyperparameters={key: fact for key, fact in known.items() if key not in (*learned, "K")},  # y says how many
        learned=learned,
        observation=loss.observation,
        kink=KINK if loss.bends else "",
        classes=classes(loss),
        proofs=(value(name), *(slope(name, key) for key in loss.slopes), *(curvature(name, key) for key in curvatures)),
    )


# --- one row: the loss as a function of z -----------------------------------------------------------------------------


def value(name: str) -> Derivation:
    """The loss as a function of z, with mu = link(z), and the same without overflow.

    >>> [show(line.term) for line in value("poisson").lines]
    ['exp(z) - y*log(exp(z))', 'exp(z) - y*z']
    """
    loss = entry(name)
    term = plain(loss)
    rows = [("", _formula(loss), Text()), ("=", term, LINK), ("=", stable(term), STABLE)]
    title = Text(f"{loss.title.en} with mu = {LINKS[loss.link]}", f"{loss.title.ko}, mu = {LINKS[loss.link]}")
    return compose(
        f"{name}-in-z", title, MODELS[loss.model].source, _given(loss, ()), _rows(rows), meanings=meanings(loss)
    )


def slope(name: str, by: str = "z") -> Derivation:
    """The derivative of one row's loss by z, or by sigma or w where the loss depends on them.

    >>> slope("l1").verify().verdict
    'proved'
    """
    loss = entry(name)
    start = parsed(loss.penalty)[0] if by == "w" else plain(loss)
    found = parsed(loss.slopes[by])[0]
    rows = [("", ("diff", start, _variable(loss, by, "k")), Text()), ("=", found, SLOPE), ("=", stable(found), STABLE)]
    title = Text(f"Derivative of the {loss.title.en} by {by}", f"{loss.title.ko}: {by} 에 대한 미분")
    return compose(
        f"{name}-slope-{by}", title, SOURCE, _given(loss, loss.kinks, "k"), _rows(rows), meanings=meanings(loss)
    )


def curvature(name: str, by: str = "z z") -> Derivation:
    """A second derivative of one row's loss: the derivative of a slope.

    >>> [show(line.term) for line in curvature("l2").lines]
    ['diff(2*(z - y), z)', '2']
    """
    loss = entry(name)
    first, second = by.split()
    found = parsed(loss.curvatures[by])[0]
    start = ("diff", parsed(loss.slopes[first])[0], _variable(loss, second, "l"))
    rows = [("", start, Text()), ("=", found, SLOPE), ("=", stable(found), STABLE)]
    title = Text(f"Second derivative of the {loss.title.en} by {by}", f"{loss.title.ko}: {by} 에 대한 이계 미분")
    return compose(
        f"{name}-curvature-{by.replace(' ', '-')}",
        title,
        SOURCE,
        _given(loss, loss.bends, "k", "l"),
        _rows(rows),
        meanings=meanings(loss),
    )


def monotone(name: str) -> Derivation:
    """The slope of a convex loss never falls: what convexity means where there is no second derivative.

    >>> monotone("pinball").verify().verdict
    'proved'
    """
    loss = entry(name)
    a, b = (replace_names(parsed(loss.slopes["z"])[0], {"z": ("v", at)}) for at in ("a", "b"))
    rows: list[Row] = [
        ("", show(a), Text(), ""), (">=", show(b), Text("a >= b, in each case", "a >= b, 모든 경우에"), "")
    ]  # fmt: skip
    title = Text(f"The slope of the {loss.title.en} never falls", f"{loss.title.ko}의 기울기는 줄지 않는다")
    source = "Boyd and Vandenberghe, Convex Optimization, 2004, ex. 3.11"
    given = _given(loss, ()).replace("z, y real", "a, b, y real; a >= b")
    return compose(f"{name}-monotone", title, source, given, rows, meanings=meanings(loss))


def meanings(loss: Loss) -> dict[str, Text]:
    """What the symbols of a loss with a linear predictor mean."""
    found = {
        "z": Text("score, X w", "점수 X w"),
        "m": Text("any number, in practice the largest score", "임의의 수, 실제로는 가장 큰 점수"),
    }
    found |= {
        "x": Text("input", "입력"),
        "y": Text("target", "목푯값"),
        "a": Text("X w", "X w"),
        "u": Text("X v", "X v"),
        "t": Text("place on a line", "직선 위의 위치"),
    }
    found |= {
        "lam": Text("strength of the penalty", "벌점의 세기"),
        "c": Text("class", "범주"),
        "g": Text("class", "범주"),
    }
    return found | MODELS[loss.model].glosses()


# --- the texts --------------------------------------------------------------------------------------------------------


def classes(loss: Loss) -> bool:
    return loss.link == "softmax"


def _formula(loss: Loss) -> Term:
    """The loss with the link of z for mu."""
    link = parsed(LINKS[loss.link])[0]

    def put(term: Term) -> Term:
        if term[:2] == ("ix", "mu"):
            return replace_names(link, {"k": term[2]})
        return link if term == ("v", "mu") else rebuild(term, lambda part, _: put(part))

    return put(parsed(loss.formula)[0])


def plain(loss: Loss) -> Term:
    return parsed(loss.plain)[0] if loss.plain else _formula(loss)


def sloped(loss: Loss, by: str) -> Term:
    return parsed(loss.slopes[by])[0]


def curved(loss: Loss, by: str) -> Term:
    return parsed(loss.curvatures[by])[0]


def _variable(loss: Loss, by: str, index: str) -> Term:
    return ("ix", "z", ("v", index)) if by == "z" and classes(loss) else ("v", by)


def facts(loss: Loss) -> dict[str, str]:
    """What is known of each parameter that occurs in the loss."""
    texts = [loss.formula, loss.penalty, *loss.slopes.values()]
    names = {str(node[1]) for text in texts if text for node in subterms(parsed(text)[0]) if node[0] == "v"}
    found: dict[str, str] = {}
    for fact in (MODELS[loss.model].facts(), "lam >= 0"):
        for part in fact.split("; "):
            name = next((n for n in sorted(names) if n in part.replace("(", " ").split()), "")
            if name:
                found[name] = f"{found[name]}; {part}" if name in found else part
    return found


def _given(loss: Loss, kinks: tuple[str, ...], *indices: str) -> str:
    """The assumptions for one row: z and y, the parameters, and no kink at the point."""
    known = [*facts(loss).values(), *(f"{kink} != 0" for kink in kinks)]
    if classes(loss):
        bounds = [f"{index} integer; 1 <= {index} <= K" for index in indices]
        return "; ".join(["z[k], y[k], m real; K integer >= 1", loss.observation, *bounds, *known])
    return "; ".join(["z, y real", *(["w real"] if loss.penalty else []), *known])


def _rows(rows: list[tuple[str, Term, Text]]) -> list[Row]:
    """The lines of a chain, without those that repeat the line before."""
    kept = [row for k, row in enumerate(rows) if k == 0 or row[1] != rows[k - 1][1]]
    if len(kept) == 1:  # nothing happens: say that the first line is what it is
        kept = [kept[0], ("=", kept[0][1], Text("as it is", "그대로"))]
    return [(relation, show(term), reason, "") for relation, term, reason in kept]


__all__ = ["Pointwise", "curvature", "entry", "monotone", "pointwise", "slope", "value"]

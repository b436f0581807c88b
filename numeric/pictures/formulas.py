"""The formulas that pictures run: terms of the library, their parameters exact, their arrays in float64.

What a term says about numbers alone is worked out by the exact evaluation of `derive`; what is left is a program of
`numeric.translation`, run by the same kernels as everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from derive.errors import InputError
from derive.evaluation.evaluate import evaluate as exact
from derive.evaluation.facts import satisfies
from derive.evaluation.reals import Real, interval_of
from derive.evaluation.values import Family, Point
from derive.kernel.terms import ZERO, Term, mentions, q, rebuild, replaced, substitute, subterms
from derive.library import derivation
from numeric.compile import kernel
from numeric.text import as_float
from numeric.translation import translate

Array = NDArray[np.float64]


def number_at(term: Term, scalars: Mapping[str, Fraction], **families: Mapping[int, Fraction]) -> float:
    """The value of a term at a point, worked out exactly and rounded once.

    Raises InputError where it has none.

    >>> number_at(quadratic(), {"lambda": Fraction(3), "w": Fraction(1, 2)})
    0.375
    """
    return as_float(exact_at(term, scalars, **families))


def exact_at(term: Term, scalars: Mapping[str, Fraction], **families: Mapping[int, Fraction]) -> Fraction:
    """The value itself where it is rational, else the middle of an enclosure much narrower than a float can tell."""
    tables = {name: Family(table={(at,): value for at, value in row.items()}) for name, row in families.items()}
    return _rounded(term, Point(scalars=dict(scalars), families=tables))


def _rounded(term: Term, point: Point) -> Fraction:
    value = exact(term, point)
    if isinstance(value, Fraction):
        return value
    if isinstance(value, Real):
        enclosure = interval_of(value)
        return (enclosure.lower + enclosure.upper) / 2
    raise InputError(f"a formula of the picture has no value there ({value})", remedy="choose other values")


def compiled(term: Term, scalars: Mapping[str, Fraction], *rows: str) -> Callable[..., Array]:
    """A term as a function of arrays, the `rows`; every other name in it is one of the exact `scalars`.

    Raises InputError for a term that cannot be run.

    >>> compiled(quadratic(), {"lambda": Fraction(3)}, "w")(w=np.array([1.0, 2.0])).tolist()
    [1.5, 6.0]
    """
    given = replaced(term, lambda node, _: q(scalars[node[1]]) if node[0] == "v" and node[1] in scalars else None)
    settled = _settled(given, rows)
    if settled[0] == "q":
        constant = as_float(settled[1])
        return lambda **arrays: np.full(np.broadcast_shapes(*(np.shape(array) for array in arrays.values())), constant)
    built = translate({"value": settled}, rows=rows)
    used = [value.name for value in built.inputs]
    run = kernel(built).run

    def function(**arrays: Array) -> Array:
        with np.errstate(all="ignore"):
            value: Array = run(**{name: arrays[name] for name in used})["value"]
        return value

    return function


def evaluate(term: Term, scalars: Mapping[str, Fraction], **arrays: Array) -> Array:
    """The values of a term where some of its names are arrays: `compiled`, used once."""
    return compiled(term, scalars, *arrays)(**arrays)


def _settled(term: Term, rows: Sequence[str]) -> Term:
    """The term with every part that depends on no array as a number."""
    if term[0] == "q" or (term[0] == "neg" and term[1][0] == "q"):
        return term
    if not mentions(term, *rows):
        return q(_rounded(term, Point()))
    return rebuild(term, lambda part, _: _settled(part, rows))


class Recurrence(NamedTuple):
    """A recurrence of the library with its closed form; in `step` the value so far is the plain name."""

    name: str
    step: Term
    closed: Term


def recurrence(name: str) -> Recurrence:
    """The recurrence that a derivation of the library is about.

    >>> recurrence("gd-error").closed[0]
    '*'
    """
    _, family, index, _, step, _, closed = derivation(name).lines[0].term
    return Recurrence(family, substitute(step, ("ix", family, ("v", index)), ("v", family)), closed)


def _first(name: str, tag: str) -> Term:
    """The first part with that tag in the line that a derivation begins with."""
    return next(node for node in subterms(derivation(name).lines[0].term) if node[0] == tag)


def quadratic() -> Term:
    """The loss of gd-step in w: curvature lambda, and its minimum put at 0."""
    return substitute(_first("gd-step", "diff")[1], ("v", "c"), ZERO)


def stationary() -> Term:
    """The one variance that a step does not change, by noise-fixed-point, in eta, lambda, sigma."""
    return derivation("noise-fixed-point").lines[-1].term[2]  # type: ignore[no-any-return]


def noisy_step() -> Term:
    """The step whose second moment noise-step works out, in w, eta, lambda; its noise is sigma*xi with a normal xi."""
    step = _first("noise-step", "^")[1]
    plain = {"e": ("v", "w"), "xi": ("*", ("v", "sigma"), ("v", "xi"))}
    return replaced(step, lambda node, _: plain.get(node[1]) if node[0] == "ix" else None)


def best_rate() -> Term:
    """The learning rate of gd-rate-only, in mu and L: no other shrinks the error along both curvatures as much."""
    return derivation("gd-rate-only").lines[-1].term[1][1]  # type: ignore[no-any-return]


def shrinking() -> Term:
    """By how much a step shrinks the error, in eta and lambda: the left side of gd-stable."""
    return derivation("gd-stable").lines[0].term[1]  # type: ignore[no-any-return]


def multiplications() -> dict[str, Term]:
    """What a Hessian with its Cholesky factor takes, and a gradient step, in n and p: cost-hessian, cost-gradient."""
    return {"hessian": derivation("cost-hessian").lines[0].term, "step": derivation("cost-gradient").lines[-1].term}


def stable(eta: Fraction, curvatures: Sequence[Fraction]) -> bool:
    """Whether gradient descent converges on a quadratic with these curvatures: the claim gd-stable, exactly.

    >>> stable(Fraction(1, 5), [Fraction(1), Fraction(10)]), stable(Fraction(1, 6), [Fraction(1), Fraction(10)])
    (False, True)
    """
    claim = derivation("gd-stable").lines[-1].term
    return all(satisfies(claim, Point(scalars={"eta": eta, "lambda": each})) for each in curvatures)

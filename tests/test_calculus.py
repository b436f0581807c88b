"""Gradients, Hessians, subgradients and closed forms: every entry proved, every wrong twin refuted with a witness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest

from derive.ascii import show
from derive.calculus import convexity, entries, gradient, hessian, pointwise
from derive.chains import read_chains
from derive.errors import InputError
from derive.evaluation.evaluate import evaluate
from derive.evaluation.values import Family, Point
from derive.kernel.check import check
from derive.kernel.terms import Term, subterms
from derive.library import CHAINS, catalogue, chains, derivation
from derive.library.losses import LINKS, LOSSES
from derive.prover import Settings, prove
from derive.stable import rewrites, stable
from derive.syntax import parse_expression

WRITTEN = [name for file in ("calculus", "backprop", "subgradients", "closed_form", "stable") for name in chains(file)]


@pytest.mark.parametrize("name", [*entries(), *WRITTEN])
def test_every_entry_is_proved_and_its_certificate_stands_alone(name: str) -> None:
    done = prove(derivation(name))
    assert done.verdict == "proved", [(line.number, line.message) for line in done.judged if line.verdict != "proved"]
    assert check(done.certificate).digest == done.digest


def test_every_loss_has_its_gradient_and_its_hessian() -> None:
    for loss in LOSSES.values():
        assert {f"{loss.name}-gradient", f"{loss.name}-hessian"} <= set(entries())
        assert set(loss.slopes) == {"z", *(name for name in loss.over if name != "w"), *(["w"] if loss.penalty else [])}
        assert loss.link in LINKS
        assert set(loss.kinks) <= set(loss.bends)


def test_every_chain_of_the_library_is_listed() -> None:
    listed = {entry.name for group in catalogue().values() for entry in group}
    assert {name for names in CHAINS.values() for file in names for name in chains(file)} <= listed


@pytest.mark.parametrize("name", [name for name in entries() if name.endswith(("-gradient", "-hessian"))])
def test_the_first_line_is_the_derivative_of_the_whole_loss(name: str) -> None:
    """A gradient starts from the loss itself, a Hessian from the gradient that was proved."""
    loss, _, kind = name.rpartition("-")
    first = derivation(name).lines[0].term
    assert first[0] == "diff"
    if kind == "hessian":
        before = gradient(loss).lines[1].term
        assert show(first[1]) == show(before)


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if loss.kinks or loss.bends])
def test_without_the_assumption_that_avoids_the_kink_nothing_is_proved(name: str) -> None:
    """|u| has no derivative at 0: what needs u != 0 is not proved without it, and a witness is at the kink."""
    loss = LOSSES[name]
    item = gradient(name) if loss.kinks else hessian(name)
    given = item.assumptions
    facts = tuple(fact for fact in given.facts if not (fact[0] == "all" and fact[2][0] == "!="))
    texts = tuple(text for text in given.texts if "!=" not in text)
    done = prove(replace(item, assumptions=replace(given, facts=facts, texts=texts)), Settings(witness_seconds=20))
    assert len(facts) < len(given.facts)
    assert done.verdict == "refuted"
    assert {"undefined"} & {done.judged[0].left, done.judged[0].right}


# --- wrong twins ------------------------------------------------------------------------------------------------------

LINEAR = "given: x[i, j], w[j], y[i] real; N, d, k integer >= 1; k <= d"
SLOPES = "given: w, y real; phi(z, y) real; diff(phi(z, y), z) = dphi(z, y); diff(dphi(z, y), z) = ddphi(z, y)"
WRONG = {
    "factor 2": f"""{LINEAR}
  diff(sum((sum(x[i, j]*w[j], j, 1, d) - y[i])**2, i, 1, N), w[k])
= sum(x[i, k]*(sum(x[i, j]*w[j], j, 1, d) - y[i]), i, 1, N)
""",
    "sign": f"""{LINEAR}
  diff(sum((sum(x[i, j]*w[j], j, 1, d) - y[i])**2, i, 1, N), w[k])
= sum(2*x[i, k]*(y[i] - sum(x[i, j]*w[j], j, 1, d)), i, 1, N)
""",
    "inner derivative lost": f"""{LINEAR}
  diff(sum((sum(x[i, j]*w[j], j, 1, d) - y[i])**2, i, 1, N), w[k])
= sum(2*(sum(x[i, j]*w[j], j, 1, d) - y[i]), i, 1, N)
""",
    "row for column": f"""{LINEAR}
  diff(sum((sum(x[i, j]*w[j], j, 1, d) - y[i])**2, i, 1, N), w[k])
= sum(2*x[k, i]*(sum(x[i, j]*w[j], j, 1, d) - y[i]), i, 1, N)
""",
    "sigmoid(z) for sigmoid(-z)": """given: z, y real
  diff(log(1 + exp(-y*z)), z)
= -y/(1 + exp(-y*z))
""",
    "the slope of softplus": """given: z, y real
  diff(log(1 + exp(z)) - y*z, z)
= exp(-z)/(1 + exp(-z)) - y
""",
    "the stable form with the wrong sign": """given: z real
  log(1 + exp(z))
= max(z, 0) + log(1 + exp(abs(z)))
""",
    "softmax without the shift below": """given: z[k], m real; i integer; K integer >= 1
  exp(z[i])/sum(exp(z[k]), k, 1, K)
= exp(z[i] - m)/sum(exp(z[k]), k, 1, K)
""",
    "abs differentiated at 0": """given: w real
  diff(abs(w), w)
= sign(w)
""",
    "one subgradient for all": """given: w real; w = 0
  subdiff(abs(w), w)
= [0, 0]
""",
    "pinball, sides exchanged": """given: z, y real; z = y; 0 < tau < 1
  subdiff(max(tau*(y - z), (tau - 1)*(y - z)), z)
= [tau - 1, tau]
""",
    "Huber's corner as a kink": """given: z, y real; delta > 0; z - y = delta
  subdiff(min(abs(y - z), delta)*(abs(y - z) - min(abs(y - z), delta)/2), z)
= [0, delta]
""",
    "ridge gradient = 0": f"""{LINEAR}; lambda > 0
  diff(sum((sum(x[i, j]*w[j], j, 1, d) - y[i])**2, i, 1, N) + lambda*sum(w[j]**2, j, 1, d), w[k])
= 0
""",
    "ridge Hessian without lambda": f"""{LINEAR}; l integer >= 1; l <= d; lambda > 0
  diff(sum(2*x[i, k]*(sum(x[i, j]*w[j], j, 1, d) - y[i]), i, 1, N) + 2*lambda*w[k], w[l])
= sum(2*x[i, k]*x[i, l], i, 1, N)
""",
    "ridge Hessian with lambda everywhere": f"""{LINEAR}; l integer >= 1; l <= d; lambda > 0
  diff(sum(2*x[i, k]*(sum(x[i, j]*w[j], j, 1, d) - y[i]), i, 1, N) + 2*lambda*w[k], w[l])
= sum(2*x[i, k]*x[i, l], i, 1, N) + 2*lambda
""",
    "k outside the weights": """given: w[j] real; d, k integer >= 1
  diff(sum(w[j]**2, j, 1, d), w[k])
= 2*w[k]
""",
    "Gauss-Newton called the Hessian": f"""{SLOPES}; f(w) real; diff(f(w), w) = df(w); diff(df(w), w) = ddf(w)
  diff(diff(phi(f(w), y), w), w)
= ddphi(f(w), y)*df(w)**2
""",
    "a hidden unit without its slope": """given: u, v, x real; s(z) real; diff(s(z), z) = ds(z)
  diff(v*s(u*x), u)
= v*x*s(u*x)
""",
    "student-t called convex": """given: z, y real; nu > 0; s > 0
2*(nu*s**2 - (z - y)**2)/(nu*s**2 + (z - y)**2)**2 >= 0
""",
    "strict without rank": """given: q[i] real; N integer >= 1
sum(q[i]**2, i, 1, N) > 0
""",
    "a median that is none": """given: u, w, y[i] real; N integer >= 1
  sum(abs(u - y[i]), i, 1, N)
>= sum(abs(w - y[i]), i, 1, N)
""",
    "normal equations with a sign": f"""{LINEAR}
  diff(sum((sum(x[i, j]*w[j], j, 1, d) - y[i])**2, i, 1, N), w[k]) = 0
<=> sum(x[i, k]*(sum(x[i, j]*w[j], j, 1, d) + y[i]), i, 1, N) = 0
""",
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_twins_are_refuted_with_a_witness(name: str) -> None:
    (item,) = read_chains(WRONG[name], name)
    done = prove(item)
    (line,) = done.judged
    assert line.verdict == "refuted", line.message
    assert line.witness


# --- the rows themselves, by exact numbers ----------------------------------------------------------------------------

POINTS = [(Fraction(z), Fraction(y)) for z, y in (("2", "1/3"), ("-3/2", "4"), ("7/5", "-2"), ("1/7", "1/7"))]
VALUES: Mapping[str, Fraction] = {
    "delta": Fraction(3, 2), "tau": Fraction(1, 4), "nu": Fraction(3), "s": Fraction(2), "sigma": Fraction(5, 4),
    "lam": Fraction(1, 3),
}  # fmt: skip
RATIONAL = [name for name in LOSSES if not any(
    node[:2] in (("f", "exp"), ("f", "log")) for node in subterms(pointwise(name).slope))]  # fmt: skip


def number(term: Term, z: Fraction, y: Fraction) -> Fraction:
    found = evaluate(term, Point({**VALUES, "z": z, "y": y}))
    assert isinstance(found, Fraction), found
    return found


@pytest.mark.parametrize("name", RATIONAL)
def test_a_slope_is_the_middle_between_the_difference_quotients(name: str) -> None:
    """phi is piecewise quadratic or rational: differences over a tiny exact h, from the left and from the right."""
    found = pointwise(name)
    h = Fraction(1, 10**40)
    for z, y in POINTS:
        if name in ("student-t", "gaussian-nll"):
            continue  # their values need log
        right = (number(found.value, z + h, y) - number(found.value, z, y)) / h
        left = (number(found.value, z, y) - number(found.value, z - h, y)) / h
        assert abs(number(found.slope, z, y) - (left + right) / 2) < Fraction(1, 10**30)
    for z, y in POINTS:
        right = (number(found.slope, z + h, y) - number(found.slope, z, y)) / h
        left = (number(found.slope, z, y) - number(found.slope, z - h, y)) / h
        if max(abs(left), abs(right)) < 10**9:  # not at a jump
            assert abs(number(found.curvature, z, y) - (left + right) / 2) < Fraction(1, 10**30)


def test_a_gradient_of_the_kernel_is_the_gradient_of_the_evaluator() -> None:
    """diff by w[k] through two judges that share no code: the derivation's last line against the evaluator's jets."""
    item = gradient("ridge")
    x = Family(table={(i, j): Fraction(i - 3 * j, 2) for i in (1, 2, 3) for j in (1, 2)})
    w, y = (
        Family(table={(1,): Fraction(2), (2,): Fraction(-1, 3)}),
        Family(table={(i,): Fraction(i, 5) for i in (1, 2, 3)}),
    )
    scalars = {"N": Fraction(3), "d": Fraction(2), "k": Fraction(2), "lam": Fraction(1, 7)}
    definitions = {d.name: d for d in item.assumptions.definitions}
    point = Point(scalars, {"x": x, "w": w, "y": y}, {}, definitions)
    first, last = (evaluate(line.term, point) for line in item.lines[:2])
    assert isinstance(first, Fraction)
    assert first == last


# --- rewriting --------------------------------------------------------------------------------------------------------


def test_rewriting_uses_proved_equations_only() -> None:
    assert {rewrite.name for rewrite in rewrites()} == set(chains("stable"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2*log(1 + exp(-y*z))", "2*(max(-y*z, 0) + log(1 + exp(-abs(-y*z))))"),
        ("1/(1 + exp(-(a - b)))", "exp(min(a - b, 0))/(1 + exp(-abs(a - b)))"),
        ("log(sum(exp(s[c]), c, 1, K))", "m + log(sum(exp(s[i] - m), i, 1, K))"),
        ("log(2 + exp(z))", "log(2 + exp(z))"),
        ("1/(1 - exp(-z))", "1/(1 - exp(-z))"),
        ("exp(z)/(1 + exp(y))**2", "exp(z)/(1 + exp(y))**2"),
    ],
)
def test_rewriting_changes_what_it_knows_and_nothing_else(before: str, after: str) -> None:
    assert stable(parse_expression(before).term) == parse_expression(after).term


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="choose one of"):
        gradient("l3")
    with pytest.raises(InputError, match="monotone"):
        convexity("l1")

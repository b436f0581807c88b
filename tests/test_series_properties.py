"""Laws of every answer: scaling, shifting, finitely many terms, larger terms, and numbers never contradict one."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from derive.series import Decision, decide
from derive.series import values as V
from derive.series.language import read_schedule

FEW = settings(max_examples=12, deadline=None, derandomize=True)

exponents = st.sampled_from(["0", "1/3", "1/2", "3/4", "1", "5/4", "2"])
logs = st.sampled_from(["-1", "0", "1/2", "1", "2", "3"])
perturbations = st.sampled_from(
    ["1", "(1+1/t)", "(2+sin(t))", "t**(1/t)", "(1+floor(t/7)/t)", "(1+mod(t,3))", "atan(t)", "(2+(-1)**t)",
     "(1+1/log(t+1))", "exp(1/t)", "t*log(1+1/t)", "min(2,t)", "(1+frac(t/4))", "(1+1/t)**t", "max(1,9-t)"]
)  # fmt: skip


@st.composite
def terms(draw: st.DrawFn) -> tuple[str, bool, bool]:
    """A Bertrand term with factors that stay between positive bounds, and the truth about it and its square."""
    p, q = draw(exponents), draw(logs)
    text = f"{draw(perturbations)}*{draw(perturbations)}/((t+2)**({p})*log(t+2)**({q}))"

    def converges(k: int) -> bool:
        return k * Fraction(p) > 1 or (k * Fraction(p) == 1 and k * Fraction(q) > 1)

    return text, converges(1), converges(2)


def ask(text: str, start: int = 2) -> Decision:
    return decide(text, "", start)


def verdicts(found: Decision) -> tuple[str, str]:
    return found.sum.verdict, found.sum_of_squares.verdict


def right(found: Decision, first: bool, second: bool) -> bool:
    said = verdicts(found)
    return all(
        s in ("undecided", "converges" if truth else "diverges") for s, truth in zip(said, (first, second), strict=True)
    )


@FEW
@given(terms())
def test_bertrand_terms_with_bounded_factors(term: tuple[str, bool, bool]) -> None:
    text, first, second = term
    found = ask(text)
    assert right(found, first, second), text
    assert found.decided, text


@FEW
@given(terms(), st.sampled_from(["2", "1/1000", "10**6", "pi", "sqrt(2)/3"]))
def test_a_positive_factor_changes_no_answer(term: tuple[str, bool, bool], factor: str) -> None:
    assert verdicts(ask(f"{factor}*({term[0]})")) == verdicts(ask(term[0]))


@FEW
@given(terms(), st.integers(1, 40))
def test_a_shift_changes_no_answer(term: tuple[str, bool, bool], by: int) -> None:
    shifted = (
        term[0].replace("t+", "#+").replace("(t", "(#").replace("/t", "/#").replace("*t", "*#").replace("t*", "#*")
    )
    text = "".join(f"(t+{by})" if c == "#" else c for c in shifted)
    found = ask(text)
    assert right(found, *term[1:]), text


@FEW
@given(terms(), st.integers(3, 60), st.sampled_from(["0", "1", "t**2", "1/t**3"]))
def test_finitely_many_terms_change_no_answer(term: tuple[str, bool, bool], until: int, first: str) -> None:
    assert verdicts(ask(f"Piecewise(({first}, t <= {until}), ({term[0]}, True))")) == verdicts(ask(term[0]))


@FEW
@given(terms(), terms())
def test_larger_terms_never_converge_where_smaller_ones_diverge(
    one: tuple[str, bool, bool], other: tuple[str, bool, bool]
) -> None:
    smaller, larger = ask(one[0]), ask(f"max({one[0]}, {other[0]})")
    for small, large in zip(verdicts(smaller), verdicts(larger), strict=True):
        assert not (small == "diverges" and large == "converges"), (one, other)


@FEW
@given(terms())
def test_partial_sums_do_not_contradict(term: tuple[str, bool, bool]) -> None:
    """Blocks of doubled length: away from the edge p = 1 they grow where the sum diverges, and else shrink."""
    text = term[0]
    found = ask(text)
    body, _ = read_schedule(text)
    blocks = []
    for k in (9, 10):
        places = range(1 << k, 2 << k, 1 << (k - 6))
        blocks.append(sum(float(V.ends(V.value(body, {"t": Fraction(t)}))[0]) for t in places) * 2 ** (k - 6))
    ratio = blocks[1] / blocks[0]
    if found.sum.verdict == "converges":
        assert ratio < 1.25, (text, ratio)
    if found.sum.verdict == "diverges":
        assert ratio > 0.6, (text, ratio)

"""Series that are not in the table: what others get wrong, schedulers with parameters, traps, open problems."""

from __future__ import annotations

import pytest

from derive.series import decide

YES, NO, OPEN = "true", "false", "undecided"

# (eta_t, given, start, when the sum diverges, when that of squares converges); SymPy 1.14 is wrong on the first group
ROWS = [
    ("1-cos(1/t)", "", 1, NO, YES),
    ("tan(1/t)-sin(1/t)", "", 1, NO, YES),
    ("exp(1/t)-1-1/t", "", 1, NO, YES),
    ("sinh(1/t)-1/t", "", 1, NO, YES),
    ("1-tanh(t)", "", 1, NO, YES),
    ("(1/2)**floor(t/3)", "", 1, NO, YES),
    ("(19/20)**floor(t/391)", "", 1, NO, YES),
    ("2**(-floor(t/20))*(1-abs(mod(t,20)/10-1))", "", 1, NO, YES),
    ("((1-abs(mod(t,20)/10-1))/t)**2", "", 1, NO, YES),
    ("(1-t/(10*ceiling(t/10)))**4", "", 1, NO, YES),
    ("t**(-2-2/t)", "", 1, NO, YES),
    ("(t+3)**(-3/2)*log(t)**2*(2+1/log(t))*log(t+1)/log(t)/log(log(t))", "", 16, NO, YES),
    ("t**(-3/2)/(log(t)*log(log(t))**2)*(1+floor(t/7)/t)*t**(1/t)", "", 16, NO, YES),
    # wrong in Maxima, Sage, mpmath
    ("sqrt(t**4+1)-t**2", "", 1, NO, YES),
    ("(t**(1/t)-1)**2", "", 1, NO, YES),
    ("1/(sqrt(t)*sqrt(log(t)))", "", 2, YES, NO),
    ("(binomial(2*t,t)/4**t)**2", "", 1, YES, YES),
    ("log(t)**(-100)", "", 2, YES, NO),
    # schedulers: exponential, step, linear, polynomial, cosine, inverse time, Noam, invscaling, ASGD
    ("eta0*lam**t", "eta0 > 0; lam > 0", 0, "lam >= 1", "lam < 1"),
    ("eta0*g**floor(t/s)", "eta0 > 0; g > 0; g <= 1; s integer >= 1", 0, "g = 1", "g < 1"),
    ("eta0*(s+(e-s)*min(t,T)/T)", "eta0 > 0; s >= 0; e >= 0; T integer >= 1", 0, "e > 0", "e = 0"),
    ("eta0*(1-min(t,T)/T)**p", "eta0 > 0; T integer >= 1; p > 0", 0, NO, YES),
    ("m+(eta0-m)*(1+cos(pi*t/50))/2", "m >= 0; eta0 > m", 0, YES, NO),
    ("I*((1-a)*(1+cos(pi*min(t,N)/N))/2+a)", "I > 0; a >= 0; a <= 1; N integer >= 1", 0, "a > 0", "a = 0"),
    ("max(I*r**((t-B)/N),e)", "I > 0; r > 0; r < 1; B >= 0; N >= 1; e >= 0", 0, "e > 0", "e = 0"),
    ("eta0/(1+d*floor(t/N))", "eta0 > 0; d > 0; N integer >= 1", 0, YES, YES),
    ("eta0/(1+(t-1)*d)", "eta0 > 0; d >= 0", 1, YES, "d > 0"),
    ("eta0/(1+l*eta0*t)**a", "eta0 > 0; l >= 0; a > 0", 0, "(l = 0) | (a <= 1)", "(l > 0) & (a > 1/2)"),
    ("d**(-1/2)*min(t**(-1/2),t*W**(-3/2))", "d > 0; W > 0", 1, YES, NO),
    ("eta0/t**(1/4)", "eta0 > 0", 1, YES, NO),
    # two exponents, a boundary in a product, zero among the values of a parameter
    ("a/t**alpha/(b/t**beta)", "a > 0; b > 0; alpha > 0; beta > 0", 1, "alpha - beta <= 1", "alpha - beta > 1/2"),
    ("t**(-a*b)", "a > 0; b > 0", 1, "a*b <= 1", "a*b > 1/2"),
    ("a/t+b/sqrt(t)", "a > 0; b >= 0", 1, YES, "b = 0"),
    ("a**t", "a >= 0", 1, "a >= 1", "a < 1"),
    ("1/(a*t**2+b*t+c)", "a >= 0; b >= 0; c > 0", 1, "a = 0", "(b > 0) | (a > 0)"),
    ("sin(1/t)/t**p", "p real", 2, "p <= 0", "p > -1/2"),
    # thin sets, rounding that oscillates, alternation
    ("Piecewise((1/sqrt(t),floor(sqrt(t))**2==t),(1/t**2,True))", "", 1, YES, YES),
    ("Piecewise((1/t**2,2**floor(log(t,2))==t),(1/t,True))", "", 1, YES, YES),
    ("frac(sqrt(t))/t", "", 1, YES, YES),
    ("frac(log(t))**2/t", "", 1, YES, YES),
    ("(t*sqrt(2)-floor(t*sqrt(2)))/t", "", 1, YES, YES),
    ("(1-sin(pi*t/4))/t", "", 1, YES, YES),
    ("abs(sin(t))/t**2", "", 1, NO, YES),
    # open problems, and what no rule reaches: an exponent or a denominator that oscillates, two frequencies
    ("1/(t**3*sin(t)**2)", "", 1, OPEN, OPEN),
    ("1/(t**6*sin(t)**4)", "", 1, OPEN, OPEN),
    ("1/(2*t**3+t**3*sin(t)**2-2*t**3*(1-1/t))", "", 2, OPEN, OPEN),
    ("tan(t)**2/t**2", "", 1, OPEN, OPEN),
    ("gamma(1+sin(t))/t", "", 1, OPEN, OPEN),
    ("-log(1-abs(sin(t))/2)/t", "", 1, OPEN, YES),
    ("t**(-2-sin(t))", "", 1, OPEN, OPEN),
    ("t**(-1-sin(t)**2)", "", 1, OPEN, OPEN),
    ("(1+sin(log(t)))/t", "", 1, OPEN, YES),
    ("(1+cos(t))*(1+cos(sqrt(2)*t))/t", "", 1, OPEN, YES),
    # Dirichlet's test is for trigonometric polynomials: this has no constant term to speak of
    ("1/(t*(1+sin(t)**2))", "", 1, YES, YES),
    ("(1-sin(t)**2-cos(t)**2+1/t)/t", "", 1, OPEN, OPEN),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_not_in_the_table(row: tuple[str, str, int, str, str]) -> None:
    term, given, start, diverges, converges = row
    found = decide(term, given, start)
    assert (found.sum.iff, found.sum_of_squares.iff) in ((diverges, converges), (OPEN, converges), (OPEN, OPEN))
    if OPEN not in (diverges, converges):
        assert (found.sum.iff, found.sum_of_squares.iff) == (diverges, converges)
    assert found.decided or found.robbins_monro.reasons


@pytest.mark.parametrize(
    ("term", "zero", "monotone"),
    [
        ("1/t", "holds", "holds"),
        ("1+1/t", "fails", "holds"),
        ("(1+cos(pi*mod(t,10)/10))/20", "fails", "undecided"),
        ("(1/2)**floor(t/1000)", "holds", "holds"),
        ("(2+sin(t))/t", "holds", "undecided"),
        ("max(0,1-t/100)", "holds", "holds"),
    ],
)
def test_limit_and_monotony(term: str, zero: str, monotone: str) -> None:
    found = decide(term)
    assert (found.tends_to_zero.verdict, found.eventually_monotone.verdict) == (zero, monotone)


def test_an_answer_that_is_assumed_says_so() -> None:
    """(1 - c*log(t)/t)**t is negative at odd t for a large c: that it is not is an assumption, and printed as one."""
    found = decide("(1-c*log(t)/t)**t", "c > 0", 100)
    assert found.precondition is not None
    assert found.precondition.how == "assumed"
    assert found.proof[0].status == "declared"

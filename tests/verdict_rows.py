"""Update rules with one thing wrong, and the same rules written otherwise: what a verdict has to tell apart.

A mutant is a rule of the library with one line changed, and why somebody writes that. A twin is right: its lines, what
it may be called ("equal" or "equal_under"), its state where that is another one, and its names.
"""

from __future__ import annotations

from typing import NamedTuple

from derive.derivation import Text
from derive.library.optimizers import OPTIMIZERS
from derive.update_rule import Hyperparameter, State, UpdateRule


class Mutant(NamedTuple):
    """`line` of the rule (from 0) becomes `text`; `steps` is how many it takes to see it."""

    rule: str
    line: int
    text: str
    why: str
    steps: int = 1


class Twin(NamedTuple):
    """Lines that are the rule after all; `states` and `names` only where they are not those of the rule."""

    rule: str
    lines: tuple[str, ...]
    why: str
    verdict: str = "equal"
    states: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()


_A, _M, _R, _G, _N = "adam", "momentum", "rmsprop", "adagrad", "nesterov-torch"
_STEP = "w = w - eta*mhat/(sqrt(vhat) + eps)"

MUTANTS = (
    # --- Adam: m, v, mhat, vhat, w ------------------------------------------------------------------------------------
    Mutant(_A, 0, "m = beta1*m + g", "(1 - beta1) forgotten"),
    Mutant(_A, 0, "m = beta1*m + beta1*g", "beta1 for 1 - beta1"),
    Mutant(_A, 0, "m = (1 - beta1)*m + beta1*g", "beta1 the other way round"),
    Mutant(_A, 0, "m = beta2*m + (1 - beta2)*g", "beta2 in the first moment"),
    Mutant(_A, 0, "m = beta1*m - (1 - beta1)*g", "a sign"),
    Mutant(_A, 0, "m = (1 - beta1)*g", "the old average is forgotten", 2),
    Mutant(_A, 1, "v = beta2*v + g**2", "(1 - beta2) forgotten"),
    Mutant(_A, 1, "v = beta2*v + (1 - beta2)*abs(g)", "the square forgotten"),
    Mutant(_A, 1, "v = beta1*v + (1 - beta1)*g**2", "beta1 in the second moment"),
    Mutant(_A, 1, "v = v + (1 - beta2)*g**2", "a sum for an average", 2),
    Mutant(_A, 1, "v = beta2*v + (1 - beta2)*(g - m)**2", "the variance for the second moment"),
    Mutant(_A, 2, "mhat = m", "no correction of the first moment"),
    Mutant(_A, 2, "mhat = m/(1 - beta1**(t + 1))", "t counted from 1 twice"),
    Mutant(_A, 2, "mhat = m*(1 - beta1**t)", "multiplied by the correction"),
    Mutant(_A, 2, "mhat = m/(1 - beta1)", "the correction of the first step for ever", 2),
    Mutant(_A, 3, "vhat = v", "no correction of the second moment"),
    Mutant(_A, 3, "vhat = v/(1 - beta1**t)", "beta1 in the correction of v"),
    Mutant(_A, 3, "vhat = v/(1 - beta2**(2*t))", "t counted double"),
    Mutant(_A, 4, "w = w - eta*mhat/sqrt(vhat + eps)", "eps inside the root"),
    Mutant(_A, 4, "w = w - eta*mhat/(vhat + eps)", "the root forgotten"),
    Mutant(_A, 4, "w = w + eta*mhat/(sqrt(vhat) + eps)", "a sign"),
    Mutant(_A, 4, "w = w - eta*g/(sqrt(vhat) + eps)", "the gradient for its average", 2),
    Mutant(_A, 4, "w = w - eta*mhat/(sqrt(vhat) + eps**2)", "eps squared"),
    Mutant(_A, 4, "w = w - eta*mhat/max(sqrt(vhat), eps)", "the larger of the root and eps"),
    # --- momentum: m, w -----------------------------------------------------------------------------------------------
    Mutant(_M, 0, "m = beta1*m + eta*g", "a sign"),
    Mutant(_M, 0, "m = beta1*m - g", "the rate forgotten"),
    Mutant(_M, 0, "m = beta1*m - eta*beta1*g", "beta1 on both"),
    Mutant(_M, 0, "m = beta1*(m - eta*g)", "a bracket too far"),
    Mutant(_M, 0, "m = m - eta*g", "beta1 forgotten", 2),
    Mutant(_M, 0, "m = -eta*g", "the momentum forgotten", 2),
    Mutant(_M, 0, "m = (1 - beta1)*m - eta*g", "1 - beta1 for beta1", 2),
    Mutant(_M, 0, "m = beta1*m - eta*(1 - beta1)*m - eta*g", "both averages at once", 2),
    Mutant(_M, 0, "m = beta1**t*m - eta*g", "beta1 to the power of t", 2),
    Mutant(_M, 0, "m = eta*(beta1*m - g)", "the rate on all of it", 2),
    Mutant(_M, 0, "m = beta1*m - eta*sign(g)", "only the sign of the gradient"),
    Mutant(_M, 0, "m = beta1*m - eta*g**2", "the square of the gradient"),
    Mutant(_M, 0, "m = beta1*m - eta*(g + w)", "a weight decay that nobody asked for"),
    Mutant(_M, 0, "m = beta1*m - eta*g/t", "the rate divided by t", 2),
    Mutant(_M, 0, "m = beta1*m - eta**2*g", "the rate twice"),
    Mutant(_M, 0, "m = max(beta1*m, -m) - eta*g", "the momentum without its sign", 2),
    Mutant(_M, 1, "w = w - m", "a sign"),
    Mutant(_M, 1, "w = w + eta*m", "the rate once more"),
    Mutant(_M, 1, "w = w + beta1*m", "beta1 once more"),
    Mutant(_M, 1, "w = w + m - eta*g", "the gradient twice"),
    Mutant(_M, 1, "w = w + beta1*m - eta*g", "Nesterov's step"),
    Mutant(_M, 1, "w = m", "the parameter overwritten"),
    Mutant(_M, 1, "w = w + m/(1 - beta1**t)", "a bias correction"),
    # --- RMSprop: v, w ------------------------------------------------------------------------------------------------
    Mutant(_R, 0, "v = beta2*v + g**2", "(1 - beta2) forgotten"),
    Mutant(_R, 0, "v = v + (1 - beta2)*g**2", "beta2 forgotten", 2),
    Mutant(_R, 0, "v = v + g**2", "AdaGrad's sum"),
    Mutant(_R, 0, "v = (1 - beta2)*v + beta2*g**2", "beta2 the other way round"),
    Mutant(_R, 0, "v = beta2*v + beta2*g**2", "beta2 for 1 - beta2"),
    Mutant(_R, 0, "v = beta2*v + (1 - beta2)*abs(g)", "the square forgotten"),
    Mutant(_R, 0, "v = beta2*v + (1 - beta2)**2*g**2", "1 - beta2 inside the square"),
    Mutant(_R, 0, "v = (1 - beta2)*g**2", "the old average forgotten", 2),
    Mutant(_R, 0, "v = max(beta2*v, (1 - beta2)*g**2)", "the larger for the sum", 2),
    Mutant(_R, 0, "v = (beta2*sqrt(v) + (1 - beta2)*abs(g))**2", "the average of the roots"),
    Mutant(_R, 0, "v = beta2*v + (1 - beta2)*g**2 + eps", "eps in the average"),
    Mutant(_R, 0, "v = beta2**t*v + (1 - beta2**t)*g**2", "beta2 to the power of t", 2),
    Mutant(_R, 1, "w = w - eta*g/sqrt(v + eps)", "eps inside the root"),
    Mutant(_R, 1, "w = w - eta*g/(v + eps)", "the root forgotten"),
    Mutant(_R, 1, "w = w + eta*g/(sqrt(v) + eps)", "a sign"),
    Mutant(_R, 1, "w = w - eta*g/sqrt(v) + eps", "a bracket"),
    Mutant(_R, 1, "w = w - eta*g/(sqrt(v) + eps**2)", "eps squared"),
    Mutant(_R, 1, "w = w - eta*g/max(sqrt(v), eps)", "the larger of the root and eps"),
    Mutant(_R, 1, "w = w - eta*g*(sqrt(v) + eps)", "times for divided by"),
    Mutant(_R, 1, "w = w - g/(sqrt(v) + eps)", "the rate forgotten"),
    Mutant(_R, 1, "w = w - eta*g/(sqrt(v/(1 - beta2**t)) + eps)", "Adam's bias correction"),
    Mutant(_R, 1, "w = w - eta*abs(g)/(sqrt(v) + eps)", "the sign of the gradient lost"),
    Mutant(_R, 1, "w = w - eta*(g/(sqrt(v) + eps) + w)", "a weight decay that nobody asked for"),
    # --- AdaGrad: v, w ------------------------------------------------------------------------------------------------
    Mutant(_G, 0, "v = g**2", "the sum forgotten", 2),
    Mutant(_G, 0, "v = v + abs(g)", "the square forgotten"),
    Mutant(_G, 0, "v = v + g", "the square forgotten, and the root not defined"),
    Mutant(_G, 0, "v = v/2 + g**2/2", "an average for the sum"),
    Mutant(_G, 0, "v = 9/10*v + g**2", "a decay", 2),
    Mutant(_G, 0, "v = v + g**2/t", "an average over the steps, wrongly", 2),
    Mutant(_G, 0, "v = (v + g)**2", "a bracket", 2),
    Mutant(_G, 0, "v = max(v, g**2)", "the largest for the sum", 2),
    Mutant(_G, 0, "v = v + g**2 + eps", "eps in every step"),
    Mutant(_G, 0, "v = v + 2*g**2", "the square twice"),
    Mutant(_G, 0, "v = v + g**4", "the square twice over"),
    Mutant(_G, 0, "v = v + (eta*g)**2", "the rate inside"),
    Mutant(_G, 1, "w = w - eta*g/sqrt(v + eps)", "eps inside the root"),
    Mutant(_G, 1, "w = w - eta*g/(v + eps)", "the root forgotten"),
    Mutant(_G, 1, "w = w + eta*g/(sqrt(v) + eps)", "a sign"),
    Mutant(_G, 1, "w = w - eta*g/sqrt(v) + eps", "a bracket"),
    Mutant(_G, 1, "w = w - g/(sqrt(v) + eps)", "the rate forgotten"),
    Mutant(_G, 1, "w = w - eta/t*g/(sqrt(v) + eps)", "the rate divided by t", 2),
    Mutant(_G, 1, "w = w - eta*g/(sqrt(v/t) + eps)", "the mean for the sum", 2),
    Mutant(_G, 1, "w = w - eta*g*(sqrt(v) + eps)", "times for divided by"),
    Mutant(_G, 1, "w = w - eta*g/max(sqrt(v), eps)", "the larger of the root and eps"),
    Mutant(_G, 1, "w = w - eta*sign(g)/(sqrt(v) + eps)", "only the sign of the gradient"),
    Mutant(_G, 1, "w = w - eta*g/(sqrt(v) + sqrt(eps))", "the root of eps, too"),
    # --- Nesterov in the shifted variable: v, w -----------------------------------------------------------------------
    Mutant(_N, 0, "v = beta1*v - g", "a sign"),
    Mutant(_N, 0, "v = beta1*v + (1 - beta1)*g", "an average for the sum, in one place"),
    Mutant(_N, 0, "v = beta1*v + eta*g", "the rate inside, too"),
    Mutant(_N, 0, "v = v + g", "beta1 forgotten", 2),
    Mutant(_N, 0, "v = g", "the momentum forgotten", 2),
    Mutant(_N, 0, "v = (1 - beta1)*v + g", "1 - beta1 for beta1", 2),
    Mutant(_N, 0, "v = beta1*(v + g)", "a bracket too far"),
    Mutant(_N, 0, "v = beta1**2*v + g", "beta1 twice", 2),
    Mutant(_N, 0, "v = beta1**t*v + g", "beta1 to the power of t", 2),
    Mutant(_N, 0, "v = beta1*v + g + w", "a weight decay that nobody asked for"),
    Mutant(_N, 0, "v = beta1*v + g*min(t - 1, 1)", "the velocity only from the second step on"),
    Mutant(_N, 1, "w = w - eta*v", "plain momentum"),
    Mutant(_N, 1, "w = w - eta*(g + v)", "beta1 forgotten ahead"),
    Mutant(_N, 1, "w = w - eta*beta1*v", "the gradient forgotten"),
    Mutant(_N, 1, "w = w - eta*(g - beta1*v)", "a sign ahead"),
    Mutant(_N, 1, "w = w + eta*(g + beta1*v)", "a sign"),
    Mutant(_N, 1, "w = w - (g + beta1*v)", "the rate forgotten"),
    Mutant(_N, 1, "w = w - eta*g + beta1*v", "the rate on the gradient only, and a sign"),
    Mutant(_N, 1, "w = w - eta*(beta1*g + v)", "beta1 on the other one", 2),
    Mutant(_N, 1, "w = w - eta*(g + beta1**2*v)", "ahead by two steps"),
    Mutant(_N, 1, "w = w - eta*((1 - beta1)*g + beta1*v)", "an average ahead"),
    Mutant(_N, 1, "w = w - eta**2*(g + beta1*v)", "the rate twice"),
    Mutant(_N, 1, "w = w - eta*(g + beta1*v)/(1 - beta1**t)", "a bias correction"),
)

# An old state in the place of the new one is no line of a rule, but an order: (rule, lines, why, steps).
ORDERS = (
    (_A, ("mhat = m/(1 - beta1**t)", "vhat = v/(1 - beta2**t)", _STEP, "m = beta1*m + (1 - beta1)*g",
          "v = beta2*v + (1 - beta2)*g**2"), "the old moments are used", 1),
    (_A, ("m0 = m", "m = beta1*m + (1 - beta1)*g", "v = beta2*v + (1 - beta2)*g**2", "mhat = m0/(1 - beta1**t)",
          "vhat = v/(1 - beta2**t)", _STEP), "the old average is used", 1),
    (_A, ("vhat = v/(1 - beta2**t)", "m = beta1*m + (1 - beta1)*g", "v = beta2*v + (1 - beta2)*g**2",
          "mhat = m/(1 - beta1**t)", _STEP), "the old squares are used", 1),
    (_M, ("w = w + m", "m = beta1*m - eta*g"), "the old momentum is used", 1),
    (_R, ("w = w - eta*g/(sqrt(v) + eps)", "v = beta2*v + (1 - beta2)*g**2"), "the old average is used", 1),
    (_G, ("w = w - eta*g/(sqrt(v) + eps)", "v = v + g**2"), "the old sum is used", 1),
    (_N, ("w = w - eta*(g + beta1*v)", "v = beta1*v + g"), "the old velocity is used", 1),
)  # fmt: skip

_MOMENTS = ("m = beta1*m + (1 - beta1)*g", "v = beta2*v + (1 - beta2)*g**2")
_ADAM = (*_MOMENTS, "mhat = m/(1 - beta1**t)", "vhat = v/(1 - beta2**t)", _STEP)
UNDER = "equal_under"

TWINS = (
    Twin(_A, _ADAM, "word for word"),
    Twin(_A, (_MOMENTS[1], _MOMENTS[0], *_ADAM[3:1:-1], _STEP), "independent lines exchanged"),
    Twin(_A, (*_MOMENTS, "w = w - eta*(m/(1 - beta1**t))/(sqrt(v/(1 - beta2**t)) + eps)"), "lets inlined"),
    Twin(_A, ("m = m + (1 - beta1)*(g - m)", *_ADAM[1:]), "a lerp"),
    Twin(_A, ("m = beta1*m + g - beta1*g", *_ADAM[1:]), "multiplied out"),
    Twin(_A, (_ADAM[0], "v = v - (1 - beta2)*(v - g*g)", *_ADAM[2:]), "a difference"),
    Twin(_A, (_ADAM[0], "v = beta2*v + (1 - beta2)*abs(g)**2", *_ADAM[2:]), "the square of the size"),
    Twin(_A, (*_ADAM[:4], "d = sqrt(vhat) + eps", "w = w - eta/d*mhat"), "one more let, another order"),
    Twin(_A, (*_ADAM[:4], "w = w + (-eta)*mhat/(eps + sqrt(vhat))"), "a sign moved"),
    Twin(_A, (*_ADAM[:4], "u = -eta*mhat/(sqrt(vhat) + eps)", "w = w + u"), "the update by itself"),
    Twin(_A, (*_MOMENTS, "c1 = 1 - beta1**t", "c2 = 1 - beta2**t",
              "w = w - eta/c1*m/(sqrt(v)/sqrt(c2) + eps)"), "torch's order"),
    Twin(_A, (*_MOMENTS, "c1 = 1 - beta1**t", "c2 = sqrt(1 - beta2**t)",
              "w = w - eta*c2/c1*m/(sqrt(v) + eps*c2)"), "eps corrected"),
    Twin(_A, ("m = beta1*m + g", "v = beta2*v + (1 - beta2)*g**2", "mhat = (1 - beta1)*m/(1 - beta1**t)", *_ADAM[3:]),
         "m without its factor, which comes later"),
    Twin(_A, (_ADAM[0], "v = beta2*v + g**2", _ADAM[2], "vhat = v*(1 - beta2)/(1 - beta2**t)", _STEP), "v likewise"),
    Twin(_A, ("m = beta1*m - (1 - beta1)*g", *_ADAM[1:4], "w = w + eta*mhat/(sqrt(vhat) + eps)"), "-m is kept"),
    Twin(_A, ("m = beta1*m + 2*(1 - beta1)*g", *_ADAM[1:4], "w = w - eta*mhat/(2*sqrt(vhat) + 2*eps)"), "2 m is kept"),
    Twin(_A, ("a = beta1*a + (1 - beta1)*g", "b = beta2*b + (1 - beta2)*g**2",
              "w = w - eta*(a/(1 - beta1**t))/(sqrt(b/(1 - beta2**t)) + eps)"), "other states", states=("a", "b")),
    Twin(_A, ("m = p*m + (1 - p)*g", "v = q*v + (1 - q)*g**2", "mhat = m/(1 - p**t)", "vhat = v/(1 - q**t)",
              "w = w - lr*mhat/(sqrt(vhat) + e)"), "other hyperparameters",
         names=(("eta", "lr"), ("beta1", "p"), ("beta2", "q"), ("eps", "e"))),
    Twin(_A, (*_MOMENTS, "h = eta*sqrt(1 - beta2**t)/(1 - beta1**t)", "w = w - h*m/(sqrt(v) + eps)"),
         "eps-hat", UNDER),
    Twin("adam-eps-hat", _ADAM, "and back", UNDER),
    Twin("adam-lecture", (*_MOMENTS, "w = w - eta*m/(eps + sqrt(v))"), "no correction in either"),
    Twin(_M, ("m = beta1*m - eta*g", "w = w + m"), "word for word"),
    Twin(_M, ("m = beta1*m + eta*g", "w = w - m"), "-m is kept"),
    Twin(_M, ("u = beta1*m - eta*g", "m = u", "w = w + u"), "a let"),
    Twin(_M, ("w = w + beta1*m - eta*g", "m = beta1*m - eta*g"), "the step before the state"),
    Twin(_M, ("m = beta1*m + g", "w = w - eta*m"), "the rate outside", UNDER),
    Twin(_M, ("m = beta1*m + (1 - beta1)*g", "w = w - eta*m"), "an average, with another rate", UNDER),
    Twin(_M, ("m = beta1*m - (1 - beta1)*eta*g", "w = w + m"), "an average of the steps", UNDER),
    Twin(_M, ("s = r*s - eta*g", "w = w + s"), "other names", states=("s",), names=(("beta1", "r"),)),
    Twin(_M, ("m = beta1*m - 2*eta*g", "w = w + m/2"), "2 m is kept"),
    Twin("ema-momentum", ("m = beta1*m + g", "w = w - eta*(1 - beta1)*m"), "the factor comes later"),
    Twin("momentum-torch", ("v = beta1*v + g", "w = w - eta*v"), "no dampening", UNDER, names=(("tau", ""),)),
    Twin(_R, ("v = beta2*v + (1 - beta2)*g**2", "w = w - eta*g/(sqrt(v) + eps)"), "word for word"),
    Twin(_R, ("v = v + (1 - beta2)*(g**2 - v)", "w = w - eta/(eps + sqrt(v))*g"), "a lerp"),
    Twin(_R, ("v = beta2*v + g**2", "w = w - eta*g/(sqrt((1 - beta2)*v) + eps)"), "the factor comes later"),
    Twin(_R, ("v = sqrt(beta2*v**2 + (1 - beta2)*g**2)", "w = w - eta*g/(v + eps)"), "the root is kept"),
    Twin(_R, ("r = d*r + (1 - d)*g**2", "w = w - lr*g/(sqrt(r) + eps)"), "other names",
         states=("r",), names=(("beta2", "d"), ("eta", "lr"))),
    Twin(_G, ("v = v + g**2", "w = w - eta*g/(sqrt(v) + eps)"), "word for word"),
    Twin(_G, ("v = g*g + v", "w = w - g*(eta/(eps + sqrt(v)))"), "another order"),
    Twin(_G, ("v = v + 4*g**2", "w = w - eta*g/(sqrt(v)/2 + eps)"), "4 v is kept"),
    Twin("adagrad-decay", ("v = v + g**2", "w = w - eta*g/((1 + decay*(t - 1))*(sqrt(v) + eps))"), "one fraction"),
    Twin(_N, ("v = beta1*v + g", "w = w - eta*(g + beta1*v)"), "word for word"),
    Twin(_N, ("w = w - eta*(g + beta1*(beta1*v + g))", "v = beta1*v + g"), "inlined"),
    Twin(_N, ("v = beta1*v + g", "w = w - (eta*g + eta*beta1*v)"), "multiplied out"),
    Twin("nesterov", ("v = beta1*v + g", "w = w - eta*(g + beta1*v)"), "the other variable", UNDER, states=("v",)),
    Twin("nesterov", ("p = m", "m = beta1*m - eta*g", "w = w - beta1*p + (1 + beta1)*m"), "the other variable, too"),
    Twin("sgd", ("w = w + (-1)*eta*g",), "a sign moved"),
    Twin("sgdw", ("m = beta1*m - eta*g", "w = w*(1 - eta*lam) + m"), "the decay as a factor"),
    Twin("adamw", ("w0 = w*(1 - eta*lam)", *_ADAM[:4], "w = w0 - eta*mhat/(sqrt(vhat) + eps)"),
         "the decay as a factor"),
    Twin("adamw", (*_ADAM[:4], "w = w - eta*(mhat/(sqrt(vhat) + eps) + lam*w)"), "the decay at the end"),
    Twin("lion", ("w = w - eta*(sign(g + beta1*(m - g)) + lam*w)", "m = beta2*m + (1 - beta2)*g"), "the step first"),
)  # fmt: skip


def mutated(row: Mutant) -> UpdateRule:
    """The code of a mutant: the rule with a line changed."""
    rule = OPTIMIZERS[row.rule]
    lines = tuple(row.text if number == row.line else line for number, line in enumerate(rule.lines))
    assert lines != rule.lines
    return code(row.rule, lines)


def code(name: str, lines: tuple[str, ...], states: tuple[str, ...] = (), names: tuple[tuple[str, str], ...] = ()
         ) -> UpdateRule:  # fmt: skip
    """Code as reading it would give it: nothing is known of its state, the gradient is taken at the parameter."""
    rule = OPTIMIZERS[name]
    other = dict(names)
    hypers = tuple(
        Hyperparameter(other.get(h.name, h.name), h.default, "" if h.name in other else h.domain, Text())
        for h in rule.hyperparameters
        if other.get(h.name, h.name)
    )
    used = states or tuple(state.name for state in rule.state)
    starts = {state.name: state.initial for state in rule.state}
    return UpdateRule("code", Text("code"), lines, hypers, tuple(State(s, starts.get(s, "0")) for s in used))

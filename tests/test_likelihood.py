"""Losses of the library: proved, and evaluated apart from everything the project has; wrong twins are not proved."""

from __future__ import annotations

import html
import importlib.util
import json
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import mpmath as mp
import pytest

import derive
from derive.checking import named
from derive.derivation import Derivation
from derive.errors import InputError
from derive.kernel.terms import Term, add, mul, q
from derive.library import catalogue, derivation
from derive.library.losses import LOSSES, MODELS, Loss
from derive.likelihood import maximum_likelihood, negative_log_likelihood, parts
from derive.prover import Settings, prove
from derive.render.display import FORMATS, LANGUAGES, render

if "symstep_mp_value" not in sys.modules:  # the tests are no package
    spec = importlib.util.spec_from_file_location("symstep_mp_value", Path(__file__).resolve().parent / "mp_value.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["symstep_mp_value"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["symstep_mp_value"])
value: Callable[..., Any] = sys.modules["symstep_mp_value"].value
Point = Mapping[str, Any]
PATIENT = Settings(witness_seconds=20)  # of computing: a busy machine counts them fast
PLAIN = [name for name, loss in LOSSES.items() if not loss.prior]

# The textbook again, as code: name of the loss -> (negative log-density, loss) of one observation y at prediction m.
TEXTBOOK: dict[str, tuple[Callable[[Any, Any, Point], Any], Callable[[Any, Any, Point], Any]]] = {
    "l1": (lambda y, m, p: mp.log(2 * p["b"]) + abs(y - m) / p["b"], lambda y, m, p: abs(y - m)),
    "l2": (lambda y, m, p: mp.log(2 * mp.pi * p["sigma"] ** 2) / 2 + (y - m) ** 2 / (2 * p["sigma"] ** 2),
           lambda y, m, p: (y - m) ** 2),
    "binary-cross-entropy": (lambda y, m, p: -mp.log(m if y == 1 else 1 - m),
                             lambda y, m, p: -y * mp.log(m) - (1 - y) * mp.log(1 - m)),
    "poisson": (lambda y, m, p: m - y * mp.log(m) + mp.loggamma(y + 1), lambda y, m, p: m - y * mp.log(m)),
    "exponential": (lambda y, m, p: mp.log(m) + y / m, lambda y, m, p: mp.log(m) + y / m),
    "student-t": (
        lambda y, m, p: -mp.loggamma((p["nu"] + 1) / 2) + mp.loggamma(p["nu"] / 2) + mp.log(p["nu"] * mp.pi) / 2
        + mp.log(p["s"]) + (p["nu"] + 1) / 2 * mp.log1p(((y - m) / p["s"]) ** 2 / p["nu"]),
        lambda y, m, p: mp.log1p(((y - m) / p["s"]) ** 2 / p["nu"])),
    "huber": (
        lambda y, m, p: mp.log(mp.sqrt(2 * mp.pi) * mp.erf(p["delta"] / mp.sqrt(2))
                               + 2 / p["delta"] * mp.exp(-p["delta"] ** 2 / 2)) + huber(y - m, p["delta"]),
        lambda y, m, p: huber(y - m, p["delta"])),
    "pinball": (lambda y, m, p: -mp.log(p["tau"] * (1 - p["tau"]) / p["b"]) + pinball(y - m, p["tau"]) / p["b"],
                lambda y, m, p: pinball(y - m, p["tau"])),
    "gaussian-nll": (
        lambda y, m, p: mp.log(2 * mp.pi * p["sigma"] ** 2) / 2 + (y - m) ** 2 / (2 * p["sigma"] ** 2),
        lambda y, m, p: mp.log(p["sigma"]) + (y - m) ** 2 / (2 * p["sigma"] ** 2)),
}  # fmt: skip


def huber(r: Any, delta: Any) -> Any:
    return r**2 / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


def pinball(r: Any, tau: Any) -> Any:
    return tau * r if r >= 0 else (tau - 1) * r


def with_definitions(d: Derivation, point: dict[str, Any]) -> dict[str, Any]:
    """The point with the functions that the derivation defines."""
    for item in d.assumptions.definitions:

        def defined(*arguments: Any, item: Any = item) -> Any:
            return value(item.body, point | dict(zip(item.parameters, arguments, strict=True)))

        point[item.name] = defined
    return point


def random_point(loss: Loss, seed: int) -> dict[str, Any]:
    """Random data: parameters, N observations, and a predictor whose values lie where the model wants them."""
    rng = random.Random(seed)
    count = rng.randint(1, 6)
    names = ("b", "sigma", "nu", "s", "delta", "tau", "t")
    point: dict[str, Any] = {name: mp.mpf(rng.uniform(0.3, 2.5)) for name in names}
    if loss.model == "asymmetric-laplace":
        point["tau"] = mp.mpf(rng.uniform(0.1, 0.9))
    inputs = [mp.mpf(rng.uniform(-2, 2)) for _ in range(count)]

    def raw(x: Any, w: Any, k: int = 0) -> Any:
        return w * x + mp.sin(3 * x + k)

    into: dict[str, Callable[..., Any]] = {
        "bernoulli": lambda *v: 1 / (1 + mp.exp(-raw(*v))), "poisson": lambda *v: mp.exp(raw(*v)),
        "exponential": lambda *v: mp.exp(raw(*v)), "categorical": lambda *v: mp.exp(raw(*v)),
    }  # fmt: skip
    draws: dict[str, Callable[[], Any]] = {
        "bernoulli": lambda: rng.randint(0, 1), "poisson": lambda: rng.randint(0, 6),
        "exponential": lambda: mp.mpf(rng.expovariate(1)),
    }  # fmt: skip
    observed = [draws.get(loss.model, lambda: mp.mpf(rng.gauss(0, 2)))() for _ in range(count)]
    label = [rng.randint(1, 3) for _ in range(count)]
    return point | {
        "N": count, "K": 3, "w": mp.mpf(rng.uniform(-1.5, 1.5)), "x": lambda i: inputs[int(i) - 1],
        "y": (lambda i, k: int(label[int(i) - 1] == int(k))) if loss.model == "categorical"
        else (lambda i: observed[int(i) - 1]),
        "f": into.get(loss.model, raw),
    }  # fmt: skip


def over_data(function: Callable[[Any, Any, Point], Any], p: Point) -> Any:
    return mp.fsum(function(p["y"](i), p["f"](p["x"](i), p["w"]), p) for i in range(1, p["N"] + 1))


def close(a: Any, b: Any) -> bool:
    return bool(abs(a - b) <= mp.mpf(10) ** -20 * (1 + abs(a)))


@lru_cache
def judged(name: str) -> Derivation:
    return prove(derivation(name))


def nll(name: str) -> Derivation:
    return judged(f"{LOSSES[name].model}-{name}-nll")


# --- proved ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_from_likelihood_to_loss_is_proved(name: str) -> None:
    d = judged(f"{LOSSES[name].model}-{name}")
    assert [line.verdict for line in d.judged] == ["proved"] * len(d.judged)
    assert d.certificate is not None
    over = LOSSES[name].over
    assert d.lines[0].term == ("argmax", over, ("call", "L", *(("v", w) for w in over)))
    assert d.lines[-1].term[:2] == ("argmin", over)
    assert d.goal == d.lines[-1].term
    names = {symbol.name: symbol for symbol in d.assumptions.symbols}
    assert (names["N"].kind, names["f"].role) == ("integer", "function")  # any number of data, any predictor


@pytest.mark.parametrize("name", PLAIN)
def test_constant_and_factor_are_proved(name: str) -> None:
    d = nll(name)
    assert [line.verdict for line in d.judged] == ["proved"] * len(d.judged)
    constant, factor, loss = parts(d)
    moving = ("w", "f", *LOSSES[name].over)
    assert not any(_mentions(part, moving) for part in (constant, factor))
    assert loss == maximum_likelihood(name).lines[-1].term[2]
    again = replace(d, lines=(d.lines[0], replace(d.lines[-1], term=add(constant, mul(factor, loss)))))
    assert prove(again).verdict == "proved"


def _mentions(term: Term, names: tuple[str, ...]) -> bool:
    from derive.kernel.terms import mentions

    return any(mentions(term, name) for name in names)


def test_parts_of_something_else() -> None:
    with pytest.raises(InputError, match="use negative_log_likelihood"):
        parts(maximum_likelihood("l1"))


# --- and checked by other means -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", PLAIN)
def test_negative_log_likelihood_at_random_data(name: str, seed: int) -> None:
    d, loss = nll(name), LOSSES[name]
    point = with_definitions(d, random_point(loss, seed))
    left = value(d.lines[0].term, point)
    constant, factor, whole = (value(part, point) for part in parts(d))
    assert close(left, constant + factor * whole)
    assert factor > 0
    for line in d.lines[1:]:
        assert close(left, value(line.term, point))
    if name in TEXTBOOK:
        assert close(left, over_data(TEXTBOOK[name][0], point))
        assert close(whole, over_data(TEXTBOOK[name][1], point))
    else:
        chosen = [point["f"](point["x"](i), point["w"], next(k for k in (1, 2, 3) if point["y"](i, k)))
                  for i in range(1, point["N"] + 1)]  # fmt: skip
        assert name == "cross-entropy"
        assert close(left, -mp.fsum(map(mp.log, chosen)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "penalty"), [
    ("ridge", lambda p: (p["sigma"] / p["tau"] * p["w"]) ** 2),
    ("lasso", lambda p: p["sigma"] ** 2 / p["t"] * abs(p["w"])),
])  # fmt: skip
def test_posterior_at_random_data(name: str, penalty: Callable[[Point], Any], seed: int) -> None:
    """-log of the posterior and the loss differ by a constant and a factor: by their differences at three points."""
    d, loss = judged(f"gaussian-{name}"), LOSSES[name]
    point = with_definitions(d, random_point(loss, seed))
    scale = mp.mpf(1) if name == "ridge" else mp.mpf("0.5")
    at = []
    for w in (mp.mpf("-1.25"), mp.mpf("0.75"), mp.mpf(2)):
        point["w"] = w
        whole = value(d.lines[-1].term[2], point)
        assert close(whole, scale * over_data(lambda y, m, p: (y - m) ** 2, point) + penalty(point))
        at.append((-mp.log(value(d.lines[0].term[2], point)), whole))
    (a, u), (b, v), (c, x) = at
    assert close((a - b) * (v - x), (b - c) * (u - v))
    assert (a - b) * (u - v) > 0


# --- wrong twins ----------------------------------------------------------------------------------------------------


def last_line(d: Derivation, term: Term) -> Derivation:
    return replace(d, lines=(d.lines[-2], replace(d.lines[-1], term=term)), goal=None, obligations=())


@pytest.mark.parametrize("name", PLAIN)
def test_wrong_parts_are_refuted(name: str) -> None:
    d = nll(name)
    constant, factor, loss = parts(d)
    wrong = {
        "twice the factor": add(constant, mul(q(2), factor, loss)),
        "the sign of the loss": add(constant, ("neg", mul(factor, loss))),
        "another constant": add(constant, q(1), mul(factor, loss)),
    }
    if constant != q(0):
        wrong["no constant"] = mul(factor, loss)
        wrong["the constant twice"] = add(constant, constant, mul(factor, loss))
    for what, term in wrong.items():
        found = prove(last_line(replace(d, lines=(d.lines[0], d.lines[-1])), term), PATIENT).judged[-1]
        assert found.verdict == "refuted", what
        assert found.witness, what


# With the wrong sign these have no optimum that the search for a witness could compare; not proved is what counts.
UNBOUNDED = ("binary-cross-entropy", "cross-entropy", "poisson", "exponential", "gaussian-nll")


@pytest.mark.parametrize("name", LOSSES)
def test_a_wrong_loss_is_not_proved(name: str) -> None:
    d = judged(f"{LOSSES[name].model}-{name}")
    tag, over, loss = d.lines[-1].term
    wrong: dict[str, Term] = {
        "the sign": (tag, over, ("neg", loss)),
        "argmax": ("argmax", over, loss),
        "a term more": (tag, over, add(loss, ("v", "w"))),
    }
    if LOSSES[name].prior:
        data, penalty = loss[1], loss[2]
        wrong["no prior"] = (tag, over, data)
        wrong["no data"] = (tag, over, penalty)
        wrong["the prior twice"] = (tag, over, add(data, mul(q(2), penalty)))
        wrong["the prior subtracted"] = (tag, over, add(data, ("neg", penalty)))
        wrong["the factor of the data"] = (tag, over, add(mul(q(2), data), penalty))
    for what, term in wrong.items():
        found = prove(last_line(d, term), Settings(witness_seconds=0.8)).judged[-1]
        assert found.verdict == "refuted" or (name in UNBOUNDED and found.verdict == "undecided"), what


# --- models by name -------------------------------------------------------------------------------------------------

CONSTRUCTORS = {
    "Laplace": {"scale": "s"}, "Gaussian": {"sigma": "s"}, "Bernoulli": {}, "Categorical": {}, "Poisson": {},
    "Exponential": {}, "StudentT": {"nu": "n", "s": "c"}, "Huber": {"delta": "c"},
    "AsymmetricLaplace": {"tau": "q", "scale": "s"},
}  # fmt: skip


def test_every_model_has_a_constructor() -> None:
    assert {getattr(derive, name)().name for name in CONSTRUCTORS} == set(MODELS)
    assert set(CONSTRUCTORS) <= set(derive.__all__)
    for name, renamed in CONSTRUCTORS.items():
        assert set(renamed) == set(getattr(derive, name)().parameters)


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_parameters_are_renamed(name: str) -> None:
    renamed = CONSTRUCTORS[name]
    model = getattr(derive, name)(**renamed)
    d = derive.negative_log_likelihood(model).verify()
    assert d.verdict == "proved"
    names = {symbol.name for symbol in d.assumptions.symbols}
    assert set(renamed.values()) <= names
    old = set(MODELS[model.name].parameters.values()) - set(renamed.values())
    assert not old & names


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("Laplace", {"scale": "2"}), ("Gaussian", {"sigma": "1"}), ("Gaussian", {"sigma": "1/2"}),
     ("Huber", {"delta": "1"}), ("StudentT", {"nu": "4"}), ("StudentT", {"nu": "3", "s": "1"}), 
     ("AsymmetricLaplace", {"tau": "1/10"}),     ("AsymmetricLaplace", {"tau": "0.5", "scale": "1"})],
)  # fmt: skip
def test_parameters_are_set_to_numbers(name: str, numbers: dict[str, str]) -> None:
    model = getattr(derive, name)(**numbers)
    d = derive.negative_log_likelihood(model).verify()
    assert d.verdict == "proved"
    names = {symbol.name for symbol in d.assumptions.symbols}
    assert not {MODELS[model.name].parameters[key] for key in numbers} & names
    loss = next(loss for loss in LOSSES.values() if loss.model == model.name)
    point = with_definitions(d, random_point(loss, 7))
    fixed = {MODELS[model.name].parameters[key]: mp.mpf(mp.mpmathify(text)) for key, text in numbers.items()}
    constant, factor, whole = (value(part, point) for part in parts(d))
    assert close(constant + factor * whole, over_data(TEXTBOOK[loss.name][0], point | fixed))


@pytest.mark.parametrize("numbers", [{"scale": "-1"}, {"scale": "0"}, {"scale": "b - b"}])
def test_a_parameter_outside_its_domain_is_not_proved(numbers: dict[str, str]) -> None:
    try:
        d = derive.negative_log_likelihood(derive.Laplace(**numbers))
    except derive.SymstepError:
        return
    assert d.verify().verdict != "proved"


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no model is called laplac.*did you mean laplace"):
        negative_log_likelihood("laplac")
    with pytest.raises(InputError, match=r"did you mean laplace-l1\?"):
        derivation("laplace-l")
    with pytest.raises(InputError, match=r"no loss is called l3.*l1"):
        maximum_likelihood("l3")
    with pytest.raises(InputError, match=r"laplace has no parameter scal.*scale"):
        derive.Laplace(scal="b")
    with pytest.raises(InputError, match=r"l2 is not a loss of the laplace model.*l1"):
        negative_log_likelihood("laplace", "l2")


# --- everything in the catalogue can be shown -----------------------------------------------------------------------


# Update rules and schedules are no derivations: tests/test_rules_show.py and tests/test_schedules.py show them.
@pytest.mark.parametrize("kind", [kind for kind in catalogue() if kind not in ("optimizers", "schedules")])
def test_every_entry_is_shown_in_every_format_and_language(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `derive show` does with a name, once for each entry; test_cli.py runs the command itself.

    Cutting the font down is most of the work of a page, and has tests of its own.
    """
    monkeypatch.setattr("derive.render.html_page.font_face", lambda characters: "")
    entries = catalogue()[kind]
    assert len({entry.name for entry in entries}) == len(entries) > 0
    for entry in entries:
        found = [prove(item) for item in named(entry.name)]
        assert found
        assert {item.verdict for item in found} == {"proved"}, entry.name
        for target in FORMATS:
            for lang in LANGUAGES:
                shown = html.unescape(render(found, target, lang))
                assert len(shown) > 40, (entry.name, target)
                assert found[0].title.in_(lang).split()[0] in shown, (entry.name, target, lang)
                assert target != "json" or json.loads(shown)

"""The theorems on optimizers: each is proved, a wrong twin of each is not, and what they say is so for exact numbers.

A twin is the chain with one change: a factor, a sign, a closed end, a hypothesis less. Most are refuted by a witness.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from itertools import combinations, permutations, product
from math import prod
from pathlib import Path

import pytest

from derive.chains import read_chains
from derive.derivation import Derivation
from derive.dynamics import GROUPS, LEAVES, RESTS_ON, theorem, theorems
from derive.errors import InputError
from derive.kernel.check import check_text
from derive.library import CHAINS, catalogue
from derive.prover import Settings, prove

NAMES = [item.name for item in theorems()]
WITNESS_SHARE = 0.9
SOME = Settings(witness_tries=2000, witness_seconds=1.0, recall=False)

DATA = Path(__file__).resolve().parent / "data" / "dynamics_twins.json"
# what a chain says, and what its wrong twin says instead
TWINS: list[dict[str, str]] = json.loads(DATA.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def texts() -> dict[str, str]:
    """The text of each chain: from its name to the next one."""
    found = {}
    for group in CHAINS["dynamics"]:
        text = files("derive.library").joinpath("chains", f"{group}.chain").read_text(encoding="utf-8")
        for block in text.split("\nname: ")[1:]:
            found[block.partition("\n")[0]] = f"name: {block}"
    return found


def twin(name: str, old: str, new: str) -> Derivation:
    """The chain with `new` where its hypotheses say `old`, or else where its last line to do so says it."""
    text = texts()[name]
    begin = text.index("\ngiven:")
    assert old in text[begin:], f"{name} does not say {old!r}"
    at = text.rindex(old) if old not in text[begin : text.index("\n\n", begin)] else text.index(old, begin)
    (found,) = read_chains(text[:at] + new + text[at + len(old) :])
    return found


# --- the theorems ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_theorem_is_proved(name: str) -> None:
    begin = time.process_time()
    done = prove(theorem(name).derivation, Settings(recall=False))
    print(f"{name}: {time.process_time() - begin:.2f} s")
    assert done.verdict == "proved", [line.message for line in done.judged]
    assert done.certificate is not None
    assert check_text(json.dumps(done.certificate)).digest == done.digest


@pytest.mark.parametrize("name", NAMES)
def test_every_theorem_says_what_it_is(name: str) -> None:
    found = theorem(name)
    assert found.says.en
    assert found.says.ko
    assert found.says.en != found.says.ko
    assert found.derivation.source
    assert found.hypotheses
    assert set(found.rests_on) <= set(NAMES)
    assert all(line.reason.ko or not line.reason.en or "|" not in line.reason.en for line in found.derivation.lines)


def test_what_rests_on_what_has_no_circle() -> None:
    def below(name: str, above: tuple[str, ...]) -> Iterator[str]:
        assert name not in above, f"{name} rests on itself: {above}"
        for other in theorem(name).rests_on:
            yield other
            yield from below(other, (*above, name))

    assert all(set(below(name, ())) <= set(NAMES) for name in NAMES)
    assert set(RESTS_ON) | set(LEAVES) <= set(NAMES)


def test_the_groups_are_the_files() -> None:
    assert tuple(GROUPS) == CHAINS["dynamics"]
    assert [item.name for group in GROUPS for item in theorems(group)] == NAMES
    assert [entry.name for entry in catalogue()["dynamics"]] == NAMES
    assert list(texts()) == NAMES
    with pytest.raises(InputError, match="did you mean gd-stable"):
        theorem("gd-stabel")
    with pytest.raises(InputError, match="use one of descent"):
        theorems("descents")


# --- their wrong twins ----------------------------------------------------------------------------------------------


def test_every_theorem_has_a_wrong_twin() -> None:
    assert {row["name"] for row in TWINS} == set(NAMES)


@lru_cache(maxsize=1)
def verdicts() -> dict[str, str]:
    return {}


@pytest.mark.parametrize("row", TWINS, ids=lambda row: f"{row['name']}: {row['twin']}")
def test_no_wrong_twin_is_proved(row: dict[str, str]) -> None:
    done = prove(twin(row["name"], row["says"], row["twin"]), SOME)
    verdicts()[f"{row['name']}: {row['twin']}"] = done.verdict
    assert done.verdict in ("refuted", "undecided")
    assert done.certificate is None


def test_most_wrong_twins_are_refuted_by_a_witness() -> None:
    found = verdicts()
    open_ = [name for name, verdict in found.items() if verdict != "refuted"]
    print(f"{len(found)} twins, not refuted: {open_}")
    assert len(open_) <= (1 - WITNESS_SHARE) * len(found)


# --- what they say, for exact numbers -------------------------------------------------------------------------------


ONE, HALF = Fraction(1), Fraction(1, 2)
SIZES = [(n, batch) for n in range(2, 6) for batch in range(1, n + 1)]
RATES = [Fraction(k, 8) for k in range(-4, 25)]


def mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def deviations(n: int) -> tuple[list[Fraction], Fraction]:
    """Numbers that add up to 0, and the mean of their squares."""
    raw = [Fraction(k * k - 3 * k, 7) for k in range(n)]
    c = [value - mean(raw) for value in raw]
    return c, mean([value**2 for value in c])


@pytest.mark.parametrize(("n", "batch"), SIZES)
def test_all_subsets(n: int, batch: int) -> None:
    c, sigma2 = deviations(n)
    g = [Fraction(3 * k + 1, k + 2) for k in range(n)]
    subsets = list(combinations(range(n), batch))
    assert mean([mean([g[i] for i in s]) for s in subsets]) == mean(g)
    assert mean([mean([c[i] for i in s]) ** 2 for s in subsets]) == sigma2 / batch * Fraction(n - batch, n - 1)
    assert {mean([Fraction(i in s) for s in subsets]) for i in range(n)} == {Fraction(batch, n)}
    pairs = {mean([Fraction(i in s and j in s) for s in subsets]) for i in range(n) for j in range(i)}
    assert pairs == {Fraction(batch * (batch - 1), n * (n - 1))}


@pytest.mark.parametrize(("n", "batch"), [(n, batch) for n, batch in SIZES if n <= 4])
def test_all_draws_with_replacement(n: int, batch: int) -> None:
    c, sigma2 = deviations(n)
    draws = list(product(range(n), repeat=batch))
    assert mean([mean([c[i] for i in s]) for s in draws]) == 0
    assert mean([mean([c[i] for i in s]) ** 2 for s in draws]) == sigma2 / batch


@pytest.mark.parametrize("n", range(2, 6))
def test_all_orders_of_drawing(n: int) -> None:
    orders = list(permutations(range(n)))
    for k, m in permutations(range(n), 2):
        assert mean([Fraction(order[k] == 0) for order in orders]) == Fraction(1, n)
        assert mean([Fraction(order[k] == 0 and order[m] == 1) for order in orders]) == Fraction(1, n * (n - 1))
    # the factors of draw-one and draw-two: r and h samples are left when the first comes, q when the second does
    for r in range(1, n + 1):
        passed = prod((Fraction(j - 1, j) for j in range(r + 1, n + 1)), start=ONE)
        assert passed / r == Fraction(1, n)
        for q in range(1, r):
            neither = prod((Fraction(j - 2, j) for j in range(r + 1, n + 1)), start=ONE)
            other = prod((Fraction(j - 1, j) for j in range(q + 1, r)), start=ONE)
            assert neither / r * other / q == Fraction(1, n * (n - 1))


@pytest.mark.parametrize("eta", RATES)
def test_gradient_descent_run(eta: Fraction) -> None:
    curvature, e0 = Fraction(2, 3), Fraction(5)
    error = e0
    for t in range(1, 30):
        loss, error = curvature * error**2 / 2, error - eta * curvature * error
        assert error == (1 - eta * curvature) ** t * e0
        inside = 0 < eta < 2 / curvature
        assert (curvature * error**2 / 2 < loss) == inside or error == 0
        assert inside or abs(error) >= abs(e0)
        r = abs(1 - eta * curvature)
        assert not inside or abs(error) <= abs(e0) / (1 + t * (1 - r))


def test_the_best_learning_rate() -> None:
    mu, top = Fraction(1, 2), Fraction(3)
    best = (top - mu) / (top + mu)
    worst = {eta: max(abs(1 - eta * mu), abs(1 - eta * top)) for eta in (*RATES, 2 / (mu + top))}
    assert min(worst.values()) == worst[2 / (mu + top)] == best
    assert [eta for eta, rate in worst.items() if rate <= best] == [2 / (mu + top)]


def test_gradient_descent_along_eigenvectors() -> None:
    matrix, eta = [[2, 1], [1, 2]], Fraction(1, 5)
    w = [Fraction(3), Fraction(-1, 2)]
    starts = {curvature: w[0] + side * w[1] for curvature, side in ((3, 1), (1, -1))}
    for t in range(1, 9):
        w = [w[j] - eta * sum(matrix[j][k] * w[k] for k in range(2)) for j in range(2)]
        for curvature, side in ((3, 1), (1, -1)):
            assert w[0] + side * w[1] == (1 - eta * curvature) ** t * starts[curvature]


def test_noise_over_all_outcomes() -> None:
    """The second moment by its formula, against the mean over all 2**T sequences of signs of the noise."""
    curvature, sigma, e0 = Fraction(3, 2), Fraction(2), Fraction(1)
    etas = [Fraction(1, k + 2) for k in range(6)]
    squares = []
    for signs in product((-1, 1), repeat=len(etas)):
        error = e0
        for eta, sign in zip(etas, signs, strict=True):
            error -= eta * (curvature * error + sign * sigma)
        squares.append(error**2)
    factors = [(1 - eta * curvature) ** 2 for eta in etas]
    noise = sum(eta**2 * prod(factors[j + 1 :], start=ONE) for j, eta in enumerate(etas))
    assert mean(squares) == prod(factors, start=ONE) * e0**2 + sigma**2 * noise
    assert sigma**2 * noise <= sigma**2 * sum(eta**2 for eta in etas)


@pytest.mark.parametrize("eta", [Fraction(1, 4), Fraction(1), Fraction(5, 4)])
def test_noise_at_a_fixed_rate(eta: Fraction) -> None:
    curvature, sigma = Fraction(3, 2), Fraction(2)
    limit = eta * sigma**2 / (curvature * (2 - eta * curvature))
    v = v0 = Fraction(7)
    for t in range(1, 20):
        v = (1 - eta * curvature) ** 2 * v + eta**2 * sigma**2
        assert v == limit + (1 - eta * curvature) ** (2 * t) * (v0 - limit)
    less = eta / 2 * sigma**2 / (curvature * (2 - eta / 2 * curvature))
    assert 0 < less < limit


@pytest.mark.parametrize("beta", [Fraction(0), Fraction(1, 2), Fraction(9, 10)])
@pytest.mark.parametrize("eta", [eta for eta in RATES if eta != 0])
def test_heavy_ball_roots_and_run(beta: Fraction, eta: Fraction) -> None:
    curvature = Fraction(5, 3)
    a = 1 + beta - eta * curvature
    root = complex(float(a * a - 4 * beta)) ** 0.5
    radius = max(abs(float(a) + root), abs(float(a) - root)) / 2
    stable = 0 < eta < 2 * (1 + beta) / curvature
    assert (radius < 1) == stable
    w, m, seen = Fraction(1), Fraction(0), [Fraction(1)]
    for _ in range(40):
        m = beta * m - eta * curvature * w
        w += m
        seen.append(w)
    for u, v, x in zip(seen, seen[1:], seen[2:], strict=False):
        assert x == a * v - beta * u
        assert x**2 - a * x * v + beta * v**2 == beta * (v**2 - a * v * u + beta * u**2)
    assert stable or max(map(abs, seen[-2:])) >= 1


def test_momentum_and_averages_run() -> None:
    beta, eta = Fraction(4, 5), Fraction(1, 10)
    gradients = [Fraction((-1) ** k * (k + 2), k + 1) for k in range(12)]
    w0 = w = Fraction(2)
    m = average = Fraction(0)
    for t, g in enumerate(gradients, 1):
        m = beta * m - eta * g
        w += m
        average = beta * average + (1 - beta) * g
        weights = [beta ** (t - 1 - k) for k in range(t)]
        assert m == -sum(eta * b * gradients[k] for k, b in enumerate(weights))
        assert w == w0 - sum(eta * (1 - beta ** (t - k)) / (1 - beta) * gradients[k] for k in range(t))
        assert sum(weights) == (1 - beta**t) / (1 - beta) < 1 / (1 - beta)
        assert average == sum((1 - beta) * b * gradients[k] for k, b in enumerate(weights))
        assert sum((1 - beta) * b / (1 - beta**t) for b in weights) == 1


@pytest.mark.parametrize("power", [1, 2])
def test_products_and_sums_of_a_schedule(power: int) -> None:
    a = [Fraction(1, (k + 2) ** power) for k in range(60)]
    for m in (0, 5, 20):
        for last in range(m, 60):
            left, total = prod((1 - x for x in a[m:last]), start=ONE), sum(a[m:last], Fraction(0))
            assert 1 - total <= left <= 1 / (1 + total)
            assert prod(((1 - x) ** 2 for x in a[m:last]), start=ONE) <= left
            assert total > HALF or left >= HALF


@pytest.mark.parametrize(("n", "p"), [(n, p) for n in (1, 2, 5) for p in range(1, 7)])
def test_operations_counted(n: int, p: int) -> None:
    """The algorithms themselves, on exact numbers, counting as they go."""
    x = [[Fraction((i + 1) * (j + 2) % 7 + (3 * i == j)) for j in range(p)] for i in range(n)]
    count = dict.fromkeys(("gradient", "full", "gram", "cholesky", "division", "root"), 0)

    def dot(kind: str, left: list[Fraction], right: list[Fraction]) -> Fraction:
        count[kind] += len(left)
        return sum((u * v for u, v in zip(left, right, strict=True)), Fraction(0))

    columns = [list(column) for column in zip(*x, strict=True)]
    fitted = [dot("gradient", row, [ONE] * p) for row in x]
    gradient = [dot("gradient", column, fitted) for column in columns]
    full = [[dot("full", u, v) for v in columns] for u in columns]
    half = [[dot("gram", columns[j], columns[k]) for k in range(j, p)] for j in range(p)]
    assert all(half[j][k - j] == full[j][k] for j in range(p) for k in range(j, p))
    assert gradient == [sum(row) for row in full]
    for pivot in range(p):
        count["root"] += 1
        count["division"] += p - 1 - pivot
        count["cholesky"] += sum(1 for j in range(pivot + 1, p) for k in range(pivot + 1, j + 1))
    assert count["gradient"] == 2 * n * p
    assert count["full"] == n * p**2
    assert count["gram"] * 2 == n * p * (p + 1)
    assert count["cholesky"] * 6 == p**3 - p
    rest = count["cholesky"] + count["division"] + count["root"]
    assert rest == Fraction(p**3, 6) + Fraction(p**2, 2) + Fraction(p, 3)
    assert n * p**2 + p**3 <= 6 * (count["gram"] + rest)
    assert count["gram"] + rest <= n * p**2 + p**3
    for steps in range(4):
        assert (steps * count["gradient"] < count["gram"]) == (4 * steps < p + 1)


@pytest.mark.parametrize("s", [HALF, ONE, Fraction(7, 3)])
def test_the_cubic(s: Fraction) -> None:
    def f(w: Fraction) -> Fraction:
        return w**3 - 3 * s**2 * w

    grid = [s * k / 8 for k in range(-40, 41)]
    assert [w for w in grid if 3 * w**2 - 3 * s**2 == 0] == [-s, s]
    assert all(f(w) >= f(s) for w in grid if abs(w - s) <= 3 * s)
    assert all(f(w) <= f(-s) for w in grid if abs(w + s) <= 3 * s)
    assert all(f(w) < f(s) for w in grid if w < -2 * s)
    inside = [w for w in grid if -3 * s <= w <= 2 * s]
    assert min(inside, key=f) == -3 * s

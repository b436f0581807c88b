"""Points that satisfy the assumptions of a claim: small ones first, boundary and critical ones, and random ones.

Every point handed out satisfies every fact exactly: a fact whose truth at the point is unknown rejects the point.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, pairwise, product

from derive.derivation import Assumptions
from derive.evaluation.enclosure import UnknownValue
from derive.evaluation.evaluate import FAILURES, Evaluator, evaluate
from derive.evaluation.facts import conjuncts, critical_terms, satisfies
from derive.evaluation.piecewise import roots, trim
from derive.evaluation.reals import Real, UndefinedValue
from derive.evaluation.values import Family, Point, Polynomial, bound_by
from derive.kernel.terms import RELATIONS, Term, children, subterms

Slot = tuple[str, str, tuple[int, ...]]  # ("scalar" | "entry" | "default" | "function", name, index or ())
Choice = Fraction | Polynomial

SMALL = tuple(Fraction(x) for x in (
    "0", "1", "-1", "2", "1/2", "-2", "3", "-1/2", "-3", "1/3", "4", "3/2", "5", "-4", "1/4", "9", "1/10", "10", "9/10",
))  # fmt: skip
PATIENCE = 12
WHOLE = tuple(Fraction(x) for x in (1, 2, 0, 3, -1, 4, -2, 5, 7, 10))


def polynomials(arity: int, size: int = 12) -> tuple[Polynomial, ...]:
    """Small polynomials of so many arguments, the telling ones first; each is affine in its last argument."""
    one, zero = Fraction(1), (0,) * arity
    last = tuple(int(k == arity - 1) for k in range(arity))
    mixed = (1,) * arity
    first = tuple(int(k == 0) for k in range(arity))
    shapes = [
        [(mixed, one)], [(last, one)], [], [(zero, one)], [(mixed, one), (zero, one)], [(mixed, Fraction(2))],
        [(zero, -one)], [(mixed, one), (first, one)], [(last, -one)], [(mixed, one), (zero, -one)],
        [(zero, Fraction(2))], [(last, Fraction(3)), (zero, one)],
    ]  # fmt: skip
    out = [Polynomial(tuple(shape)) for shape in shapes]
    return tuple(dict.fromkeys(out))[:size]


def curves(arity: int) -> tuple[Polynomial, ...]:
    """Polynomials of higher degree in every argument, for functions whose derivatives have names."""
    one, two, three = ((k,) * arity for k in (1, 2, 3))
    shapes = [[(two, Fraction(1)), (one, Fraction(1))], [(three, Fraction(1)), (two, Fraction(-1)), (one, Fraction(2))]]
    return tuple(Polynomial(tuple(shape)) for shape in shapes)


def constant_polynomial(arity: int, x: Fraction) -> Polynomial:
    return Polynomial((((0,) * arity, x),) if x else ())


@dataclass
class Space:
    """The names of a claim, the values each may take by itself, and the facts that tie them together."""

    assumptions: Assumptions
    terms: tuple[Term, ...]
    seed: int = 0
    deadline: float = float("inf")
    flat: bool = False  # families are constant, and functions too
    slots: list[Slot] = field(default_factory=list)
    choices: dict[Slot, tuple[Choice, ...]] = field(default_factory=dict)
    critical: list[Term] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.definitions = {d.name: d for d in self.assumptions.definitions}
        facts = list(conjuncts(self.assumptions.facts))
        self.facts = tuple(f for f in facts if f[0] not in ("differentiable", "slope"))
        self.slopes = [f[1:] for f in facts if f[0] == "slope"]  # (function, its derivative, the argument it is by)
        self.integers = frozenset(s.name for s in self.assumptions.symbols if s.kind == "integer")
        self.arities: dict[str, int] = {}
        self.kinds: dict[str, str] = {}
        recurrences = [node for term in self.terms for node in subterms(term) if node[0] == "rec"]
        self._recurrences = {part for node in recurrences for part in node[1:3]}
        for term in (*self.terms, *self.facts, *(d.body for d in self.definitions.values())):
            self._collect(term)
        for symbol in self.assumptions.symbols:
            role = {"scalar": "scalar", "indexed": "entry", "function": "function"}.get(symbol.role)
            if role and symbol.name not in self.definitions:
                self.kinds.setdefault(symbol.name, role)
                self.arities.setdefault(symbol.name, symbol.arity)
        parameters = {p for d in self.definitions.values() for p in d.parameters}
        declared = {s.name for s in self.assumptions.symbols} | bound_by({}, [*self.terms, *self.facts])
        for name in parameters - declared:
            self.kinds.pop(name, None)
        self._own = {f: bound_by(self.definitions, [f]) for f in self.facts}
        for name, kind in self.kinds.items():
            if all(name != slope for _, slope, _ in self.slopes):
                self._add_slots(name, kind)
        self.critical = list(dict.fromkeys(critical_terms((*self.terms, *self.facts))))
        self.random = random.Random(self.seed)

    def _collect(self, term: Term) -> None:
        role = {"v": "scalar", "ix": "entry", "call": "function"}.get(term[0])
        if role and term[1] not in self.definitions and term[1] not in self._recurrences:
            self.kinds.setdefault(term[1], role)
            self.arities.setdefault(term[1], len(term) - 2)
        for part in children(term):
            self._collect(part)

    def _add_slots(self, name: str, kind: str) -> None:
        arity = self.arities[name]
        own = [f for f in self.facts if self._own[f] == {name}]
        values = self._values(name, own)
        if kind == "function":
            constants = tuple(constant_polynomial(arity, x) for x in values)
            free = not any(name in names for names in self._own.values())
            free = free and name not in self.integers and not self.flat
            slot: Slot = ("function", name, ())
            self.slots.append(slot)
            curved = curves(arity) if any(name == f for f, _, _ in self.slopes) else ()
            self.choices[slot] = tuple(dict.fromkeys((*((*curved, *polynomials(arity)) if free else ()), *constants)))
            return
        if kind == "scalar":
            self.slots.append(("scalar", name, ()))
        else:
            indices = [] if self.flat else list(product((1, 2, 3) if arity == 1 else (1, 2), repeat=arity))
            self.slots += [("entry", name, index) for index in indices] + [("default", name, ())]
        for slot in self.slots:
            if slot[1] == name:
                self.choices[slot] = values

    def _values(self, name: str, own: Sequence[Term]) -> tuple[Fraction, ...]:
        """Small values that the facts about this name alone allow, the ends they name included."""
        whole = name in self.integers
        values = list(WHOLE if whole else SMALL)
        ends = sorted(set(_ends(name, own)))
        extra = [x for end in ends for x in (end, end + 1, end - 1, end + Fraction(1, 10), end - Fraction(1, 10))]
        extra += [(a + b) / 2 for a, b in pairwise(ends)]
        values += [x for x in extra if x not in values and not (whole and x.denominator != 1)]
        allowed = [x for x in values if all(self._alone(name, x, f) for f in own)]
        return tuple(allowed)

    def _alone(self, name: str, x: Fraction, fact: Term) -> bool:
        kind, arity = self.kinds[name], self.arities[name]
        point = Point(
            {name: x} if kind == "scalar" else {},
            {name: Family(x)} if kind == "entry" else {},
            {name: constant_polynomial(arity, x)} if kind == "function" else {},
            self.definitions,
        )
        return satisfies(fact, point)

    def point(self, picked: Mapping[Slot, Choice]) -> Point:
        """The point of a choice for every slot."""
        scalars: dict[str, Fraction] = {}
        defaults: dict[str, Fraction] = {}
        tables: dict[str, dict[tuple[int, ...], Fraction]] = {}
        functions: dict[str, Polynomial] = {}
        for (kind, name, index), x in picked.items():
            if isinstance(x, Polynomial):
                functions[name] = x
            elif kind == "scalar":
                scalars[name] = x
            elif kind == "entry":
                tables.setdefault(name, {})[index] = x
            else:
                defaults[name] = x
        for _ in self.slopes:  # the derivative of a derivative may stand before it
            functions |= {slope: functions[f].slope(by) for f, slope, by in self.slopes if f in functions}
        families = {name: Family(x, tables.get(name, {})) for name, x in defaults.items()}
        return Point(scalars, families, functions, self.definitions, self.facts, self.integers, self.deadline)

    def legal(self, picked: Mapping[Slot, Choice]) -> bool:
        """Whether the point satisfies every fact and every kind, exactly."""
        for (_, name, _), x in picked.items():
            if name in self.integers and isinstance(x, Fraction) and x.denominator != 1:
                return False
        point = self.point(picked)
        named = [(point.functions.get(f), point.functions.get(slope), by) for f, slope, by in self.slopes]
        if not all(f and slope and f.slope(by).table() == slope.table() for f, slope, by in named):
            return False  # two functions with one derivative, or a function that is its own
        return all(satisfies(fact, point) for fact in self.facts)

    def possible(self) -> bool:
        return all(self.choices[slot] for slot in self.slots)

    def systematic(self, weight: int = 4, limit: int = 400) -> Iterator[dict[Slot, Choice]]:
        """Choices by increasing total rank: all first choices, then one slot moved, then two, ..."""
        slots = [s for s in self.slots if self.flat or s[0] != "default"]
        start = {slot: self.choices[slot][0] for slot in self.slots}
        yield dict(start)
        count = 0
        for total in range(1, weight + 1):
            for moved in range(1, min(total, len(slots)) + 1):
                for chosen in combinations(slots, moved):
                    for ranks in _compositions(total, moved):
                        if any(r >= len(self.choices[s]) for r, s in zip(ranks, chosen, strict=True)):
                            continue
                        count += 1
                        if count > limit:
                            return
                        yield start | {s: self.choices[s][r] for r, s in zip(ranks, chosen, strict=True)}

    def scattered(self, small: bool = True) -> dict[Slot, Choice]:
        """A random choice, small values being likelier."""
        picked: dict[Slot, Choice] = {}
        spread = self.random.choice((2, 3, 5, 8, 14))
        for slot in self.slots:
            values = self.choices[slot]
            picked[slot] = values[min(int(self.random.expovariate(1 / spread)), len(values) - 1)]
        return picked

    def large(self, bound: int, below: int) -> dict[Slot, Choice]:
        """Random rationals with numerators up to a bound, kept to the side of zero where the facts want them."""
        picked: dict[Slot, Choice] = {}
        for slot in self.slots:
            name, values = slot[1], self.choices[slot]
            x: Choice = values[self.random.randrange(len(values))]
            if isinstance(x, Fraction) and name not in self.integers:
                wide = Fraction(self.random.randint(-bound, bound), self.random.randint(1, below))
                own = [f for f in self.facts if self._own[f] == {name}]
                tried = _beside(wide, x, bound)
                x = next((c for c in tried if all(self._alone(name, c, f) for f in own)), x)
            elif isinstance(x, Polynomial) and not x.constant:
                factor = Fraction(self.random.randint(1, 30), self.random.randint(1, 7))
                x = Polynomial((*((e, c * factor) for e, c in x.terms),))
            picked[slot] = x
        return picked

    def repaired(self, picked: dict[Slot, Choice], rounds: int = 3) -> dict[Slot, Choice] | None:
        """The choice, moved until every fact holds: a failing fact is solved for a name in which it is linear."""
        for _ in range(rounds):
            point = self.point(picked)
            failing = next((f for f in self.facts if not satisfies(f, point)), None)
            if failing is None:
                return picked if self.legal(picked) else None
            fact = failing
            if fact[0] not in RELATIONS or fact[0] == "<=>":
                return None
            moved = self._mended(picked, fact)
            if moved is None:
                return None
            picked = moved
        return picked if self.legal(picked) else None

    def _mended(self, picked: dict[Slot, Choice], fact: Term) -> dict[Slot, Choice] | None:
        gap = ("+", fact[1], ("neg", fact[2]))
        before = [f for f in self.facts if satisfies(f, self.point(picked))]
        best: dict[Slot, Choice] | None = None
        for changed in self.solved(picked, gap):
            slot, root = changed
            steps = ("0", "1", "-1", "1/2", "-1/2", "1/10", "-1/10")
            for step in steps[:1] if fact[0] == "=" else steps:
                x = root + Fraction(step)
                if slot[1] in self.integers and x.denominator != 1:
                    continue
                trial = picked | {slot: x}
                point = self.point(trial)
                if satisfies(fact, point):
                    if all(satisfies(f, point) for f in before):
                        return trial
                    best = best or trial
        return best

    def solved(self, picked: Mapping[Slot, Choice], term: Term) -> Iterator[tuple[Slot, Fraction]]:
        """Where a term vanishes when one name moves and the term is of degree 1 or 2 in it: (slot, its value)."""
        names = bound_by(self.definitions, [term])
        for slot in self.slots:
            x = picked[slot]
            if slot[1] not in names or slot[0] == "default" or isinstance(x, Polynomial):
                continue
            heights = []
            for step in (0, 1, 2, 3):
                try:
                    heights.append(Evaluator(self.point({**picked, slot: x + step})).value(term))
                except (UndefinedValue, *FAILURES):
                    break
            if len(heights) == 4 and all(isinstance(h, Fraction) for h in heights):
                for root in _roots_through(*heights):
                    yield slot, x + root

    def candidates(self, tries: int) -> Iterator[dict[Slot, Choice]]:
        """Legal choices: small ones in order, those where something critical vanishes, random ones."""
        if not self.possible():
            return
        seen: set[tuple[Choice, ...]] = set()

        def fresh(picked: dict[Slot, Choice] | None) -> Iterator[dict[Slot, Choice]]:
            if picked is None:
                return
            key = tuple(picked.values())
            if key not in seen:
                seen.add(key)
                if self.legal(picked):
                    yield picked
                elif (mended := self.repaired(picked)) is not None and tuple(mended.values()) not in seen:
                    seen.add(tuple(mended.values()))
                    yield mended

        sources = [self.systematic(limit=tries // 2), self._vanishing(tries // 4), self._anywhere(tries)]
        shares = (3, 2, 2)
        given = 0
        while sources and given < tries:
            for source, share in list(zip(sources, shares, strict=False)):
                for _ in range(share):
                    if time.monotonic() > self.deadline:
                        return
                    picked = next(source, None)
                    if picked is None:
                        sources.remove(source)
                        break
                    for legal in fresh(picked):
                        given += 1
                        yield legal

    def _vanishing(self, tries: int) -> Iterator[dict[Slot, Choice]]:
        fruitless = dict.fromkeys(self.critical, 0)  # attempts in a row at which a term vanished for no value
        for attempt in range(tries):
            picked = self.scattered() if attempt else {slot: self.choices[slot][0] for slot in self.slots}
            for term in [term for term, times in fruitless.items() if times < PATIENCE]:
                fruitless[term] += 1
                for slot, x in self.solved(picked, term):
                    fruitless[term] = 0
                    yield picked | {slot: x}

    def _anywhere(self, tries: int) -> Iterator[dict[Slot, Choice]]:
        for _ in range(tries):
            yield self.scattered()


def _beside(wide: Fraction, x: Fraction, bound: int) -> Iterator[Fraction]:
    """A wide value, or one near x, each worked out only where those before it will not do."""
    yield from (wide, -wide)
    yield x + (x or 1) * wide / (2 * bound)
    yield x + abs(wide) / bound


def _ends(name: str, facts: Sequence[Term]) -> Iterator[Fraction]:
    """The numbers that facts about one name compare it with; irrational ones to 1/1000."""
    for fact in facts:
        yield from (part[1] for part in subterms(fact) if part[0] == "q")
        for side in fact[1:] if fact[0] in RELATIONS else ():
            value = None if name in bound_by({}, [side]) else evaluate(side, Point())
            if isinstance(value, Real):
                yield Fraction(round(value.interval().lower * 1000), 1000)


def _roots_through(a: Fraction, b: Fraction, c: Fraction, d: Fraction) -> list[Fraction]:
    """Rational roots of the polynomial of degree <= 2 with these values at 0, 1, 2, 3; none if there is no such one."""
    if d - 3 * c + 3 * b - a:
        return []
    second = (c - 2 * b + a) / 2
    try:
        return roots(trim([a, b - a - second, second]))
    except UnknownValue:
        return []


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Ways to write total as an ordered sum of so many positive integers."""
    if parts == 1:
        yield (total,)
        return
    for first in range(1, total - parts + 2):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def satisfying_point(assumptions: Assumptions, *, seconds: float = 0.5) -> dict[str, Fraction] | None:
    """One number for every name that satisfies all facts, families and functions being constant; None: none was found.

    >>> x = ("v", "x")
    >>> satisfying_point(Assumptions(facts=((">", x, ("q", Fraction(2))),)))
    {'x': Fraction(3, 1)}
    """
    space = Space(assumptions, (), deadline=time.monotonic() + seconds, flat=True)
    for picked in space.candidates(2000):
        point = space.point(picked)
        return {
            **point.scalars,
            **{name: family.default for name, family in point.families.items()},
            **{name: sum((c for _, c in f.terms), Fraction(0)) for name, f in point.functions.items()},
        }
    return None

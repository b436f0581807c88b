"""What is known of the parameters: exact coefficients, their signs, and where a sign has to be told apart.

A coefficient is a rational, or a polynomial over the rationals in atoms: the kernel's normal form. Where the sign of
one is not implied by what is assumed, `Split` asks for the three cases; the caller starts again in each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from derive.errors import SymstepError, Undecided
from derive.evaluation.enclosure import UnknownValue
from derive.kernel import normal as N
from derive.kernel import poly as P
from derive.kernel import ranges as R
from derive.kernel import signs as S
from derive.kernel.poly import Context, Poly
from derive.kernel.terms import ONE, Refused, Term, canonical, q
from derive.series import values as V
from derive.series.values import Value

HALVINGS = 7  # of a box, when the sign of a coefficient over it is looked for


@dataclass(frozen=True)
class Sym:
    """A coefficient that is no rational: the items of a polynomial in canonical order."""

    items: tuple[tuple[P.Mono, Fraction], ...]


Coef = Fraction | Sym
ZERO_C, ONE_C = Fraction(0), Fraction(1)


class Bound(NamedTuple):
    """form - constant stands in this relation to 0; the constant is free of parameters."""

    form: Term
    constant: Term
    relation: str


class Split(SymstepError):
    """The sign of form - constant makes a difference and is not known."""

    def __init__(self, form: Term, constant: Term) -> None:
        super().__init__("the sign of a parameter makes a difference")
        self.form, self.constant = form, constant


class Abstain(Undecided):
    """No rule decides this; the message says what is missing."""


class Box(NamedTuple):
    """A quantity that is only known to lie in an interval, for each t: what it is, and of which kind."""

    value: Value
    kind: str  # "frac" of a number that grows, "wave" sin or cos of one, "constant"
    what: Term


class Scene:
    """The parameters with what is assumed of them, and the bounded quantities met so far."""

    def __init__(self, kinds: Mapping[str, str], facts: Iterable[Term], bounds: Iterable[Bound] = ()) -> None:
        self.kinds, self.facts, self.boxes = dict(kinds), list(facts), dict[str, Box]()
        self.narrowed: dict[Term, Value] = {}
        self.ctx = self.context()
        self.bounds = [*bounds]
        self.known: dict[Sym, frozenset[int]] = {}
        for fact in self.facts:
            if (bound := self.bound_of(fact)) is not None:
                self.bounds.append(bound)

    def context(self) -> Context:
        kinds = self.kinds | dict.fromkeys(self.boxes, "real")
        ctx = Context(kinds, frozenset({"log"}))
        for fact in self.facts:
            ctx = S.assume(fact, ctx)
        for name, box in self.boxes.items():
            low, high = V.ends(box.value)
            ctx = S.assume((">=", ("v", name), q(low)), ctx)
            ctx = S.assume(("<=", ("v", name), q(high)), ctx)
        return ctx

    # --- coefficients -----------------------------------------------------------------------------------------------

    def coef(self, poly: Poly) -> Coef:
        constant = P.as_constant(poly)
        return constant if constant is not None else Sym(tuple(sorted(poly.items(), key=canonical)))

    def poly(self, c: Coef) -> Poly:
        return dict(c.items) if isinstance(c, Sym) else {(): c} if c else {}

    def term(self, c: Coef) -> Term:
        return P.to_term(dict(c.items)) if isinstance(c, Sym) else q(c)

    def of(self, term: Term) -> Coef:
        """The coefficient of a term in parameters and boxes alone, of the kernel's language."""
        self.ctx.spent[0] = 0
        try:
            return self.coef(N.normal(term, self.ctx))
        except Refused as refusal:
            raise Abstain(f"a coefficient is out of reach: {refusal}") from None

    def add(self, a: Coef, b: Coef) -> Coef:
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return a + b
        return self.coef(P.plus(self.poly(a), self.poly(b)))

    def neg(self, a: Coef) -> Coef:
        return -a if isinstance(a, Fraction) else Sym(tuple((mono, -c) for mono, c in a.items))

    def mul(self, a: Coef, b: Coef) -> Coef:
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return a * b
        if isinstance(a, Fraction) or isinstance(b, Fraction):
            number, sym = (a, b) if isinstance(a, Fraction) else (b, a)
            if isinstance(number, Fraction) and isinstance(sym, Sym):
                return Sym(tuple((mono, c * number) for mono, c in sym.items)) if number else number
        self.ctx.spent[0] = 0
        try:
            return self.coef(N.times(self.poly(a), self.poly(b), self.ctx))
        except Refused as refusal:
            raise Abstain(f"a coefficient grows too large: {refusal}") from None

    def inverse(self, a: Coef) -> Coef:
        return 1 / a if isinstance(a, Fraction) else self.of(("/", ONE, self.term(a)))

    def power(self, a: Coef, e: Coef) -> Coef:
        """a**e for a > 0, or an integer e."""
        if a == 1 or e == 0:
            return ONE_C
        return self.of(("^", self.term(a), self.term(e)))

    # --- bounded quantities -----------------------------------------------------------------------------------------

    def box(self, value: Value, kind: str, what: Term) -> Coef:
        """A name for something that lies in this interval; the same thing has the same name."""
        for name, known in self.boxes.items():
            if known.what == what:
                return self.of(("v", name))
        name = f"#{len(self.boxes)}"
        self.boxes[name] = Box(self.narrowed.get(what, value), kind, what)
        self.ctx = self.context()
        self.known.clear()
        return self.of(("v", name))

    def names_in(self, c: Coef) -> set[str]:
        found: set[str] = set()

        def walk(term: Term) -> None:
            if term[0] == "v":
                found.add(term[1])
            for part in term[1:]:
                if isinstance(part, tuple):
                    walk(part)

        for mono, _ in c.items if isinstance(c, Sym) else ():
            for base, _ in mono:
                walk(base)
        return found

    def boxed(self, c: Coef) -> list[str]:
        """The quantities in a coefficient that vary with t."""
        return sorted(n for n in self.names_in(c) if n in self.boxes and self.boxes[n].kind != "constant")

    def ranges(self, c: Coef, halvings: int = 0) -> list[Value]:
        """Enclosures of the values of a coefficient without parameters; together they cover all of them."""
        if isinstance(c, Fraction):
            return [c]
        term, names = self.term(c), sorted(self.names_in(c))
        boxes = [{name: self.boxes[name].value for name in names}]
        wide = [name for name in names if not isinstance(self.boxes[name].value, Fraction)][:2]
        for step in range(halvings if wide else 0):
            name, halves = wide[step % len(wide)], []
            for env in boxes:
                low, high = V.ends(env[name])
                middle = (low + high) / 2
                halves += [env | {name: V.between(low, middle)}, env | {name: V.between(middle, high)}]
            boxes = halves
        return [V.value(term, env) for env in boxes]

    # --- signs ------------------------------------------------------------------------------------------------------

    def signs(self, c: Coef) -> frozenset[int]:
        """The signs that a coefficient can have: for every value of the parameters and in every box."""
        if isinstance(c, Fraction):
            return frozenset({(c > 0) - (c < 0)})
        if c not in self.known:
            self.known[c] = self._signs(c)
        return self.known[c]

    def _signs(self, c: Sym) -> frozenset[int]:
        self.ctx.spent[0] = 0
        poly = self.poly(c)
        try:
            found = S.sign_of(poly, self.ctx)
            if len(found) > 1 and R.is_zero(poly, self.ctx):
                found = S.ZERO
        except Refused:
            found = S.ANY
        names = self.names_in(c)
        if len(found) == 1:
            return found
        if names <= self.boxes.keys():
            return self._numeric(c, found)
        if names.isdisjoint(self.boxes):
            form, constant = self.canonical(c)
            if form[0] != "split":
                return found & self.by_bounds(form, constant, self.canonical_side(c))
        return found

    def _numeric(self, c: Sym, found: frozenset[int]) -> frozenset[int]:
        for halvings in (0, HALVINGS):
            seen: set[int] = set()
            try:
                for part in self.ranges(c, halvings):
                    low, high = V.ends(part)
                    seen |= {1} if high > 0 else set()
                    seen |= {-1} if low < 0 else set()
                    seen |= {0} if low <= 0 <= high else set()
            except (UnknownValue, V.Undefined):
                continue
            found = found & frozenset(seen) or found
            if len(found) == 1:
                break
        return found

    def sign(self, c: Coef) -> int:
        """The one sign of a coefficient. Raises Split where a parameter decides it, Abstain where a box does."""
        found = self.signs(c)
        if len(found) == 1:
            return next(iter(found))
        names = self.names_in(c)
        if names.isdisjoint(self.boxes):
            if names:
                self.split(c)
            raise Abstain("two numbers that agree to many digits, and no rule shows that they are equal")
        if names <= self.boxes.keys():
            raise Abstain("a sign depends on a quantity that oscillates")
        self.settle(c)
        raise Abstain("a sign depends on a quantity that oscillates, and on parameters")

    def settle(self, c: Coef) -> None:
        """Raise Split where the sign of a factor without boxes is not known: 0 times what oscillates is 0."""
        if isinstance(c, Fraction) or len(self.signs(c)) == 1:
            return
        for base, _ in P.content(self.poly(c))[1]:
            atom = self.coef(P.atom(base))
            if self.names_in(atom).isdisjoint(self.boxes) and len(self.signs(atom)) > 1:
                self.split(atom)

    # --- where a sign changes ---------------------------------------------------------------------------------------

    def split(self, c: Coef) -> None:
        form, constant = self.canonical(c)
        if form[0] == "split":
            form, constant = form[1], constant
        raise Split(form, constant)

    def canonical(self, c: Coef) -> tuple[Term, Term]:
        """(form, constant) such that the coefficient is zero where form = constant.

        A factor of unknown sign comes first, as ("split", form): its sign has to be known before that of the rest.
        """
        _, shared, rest = P.content(self.poly(c))
        target = self._target(shared, rest)
        for base, _ in shared:
            if self._free(base) and P.atom(base) != target and len(self.atom_signs(base)) > 1:
                form, constant = self.core(P.atom(base))
                return ("split", form), constant
        return self.core(self._target(shared, rest))

    def atom_signs(self, base: Term) -> frozenset[int]:
        found = S.atom_sign(base, self.ctx)
        if len(found) > 1 and not self._free(base):
            return self.signs(self.coef(P.atom(base)))
        if len(found) > 1:
            form, constant = self.core(P.atom(base))
            found &= self.by_bounds(form, constant, 1)
        return found

    def canonical_side(self, c: Coef) -> int:
        """1 where the coefficient has the sign of form - constant, else -1; 0 where it is not known."""
        number, shared, rest = P.content(self.poly(c))
        side = 1 if number > 0 else -1
        target = self._target(shared, rest)
        for base, e in shared:
            if P.atom(base) == target:
                if e % 2 == 0:
                    return 0
                continue
            found = self.atom_signs(base)
            if len(found) > 1 or found == S.ZERO:
                return 0
            side *= next(iter(found)) if e % 2 else 1
        return side * self.core_side(target)

    def _target(self, shared: P.Mono, rest: Poly) -> Poly:
        """The factor whose sign is looked for: what is no product, or else the first one with a parameter."""
        if rest != P.UNIT:
            return rest
        return P.atom(next(base for base, _ in shared if self._free(base)))

    def core(self, poly: Poly) -> tuple[Term, Term]:
        """form and constant for a polynomial that is no product: log(x) - c changes its sign where x = exp(c)."""
        poly = self._opened(poly)
        found = self._log_core(poly)
        if found is not None:
            return found[0], found[1]
        moving, fixed = self._parts(poly)
        lead = moving[min(moving, key=canonical)]
        form = P.to_term(P.scale(moving, 1 / lead))
        return form, P.to_term(P.scale(fixed, -1 / lead))

    def _opened(self, poly: Poly) -> Poly:
        """A sum that is one atom, as in a denominator, as the sum that it is."""
        if len(poly) == 1 and next(iter(poly.values())) == 1:
            (mono,) = poly
            if len(mono) == 1 and mono[0][0][0] == "+" and mono[0][1] == 1:
                return N.normal(mono[0][0], self.ctx)
        return poly

    def core_side(self, poly: Poly) -> int:
        poly = self._opened(poly)
        found = self._log_core(poly)
        if found is not None:
            return found[2]
        moving, _ = self._parts(poly)
        return 1 if moving[min(moving, key=canonical)] > 0 else -1

    def _parts(self, poly: Poly) -> tuple[Poly, Poly]:
        fixed = {mono: c for mono, c in poly.items() if not any(self._free(base) for base, _ in mono)}
        return {mono: c for mono, c in poly.items() if mono not in fixed}, fixed

    def _free(self, base: Term) -> bool:
        if base[0] == "v":
            return base[1] in self.kinds
        return any(isinstance(part, tuple) and self._free(part) for part in base[1:])

    def _log_core(self, poly: Poly) -> tuple[Term, Term, int] | None:
        """c*log(x) + d, perhaps over something positive: as x and exp(-d/c)."""
        moving, fixed = self._parts(poly)
        if len(moving) != 1:
            return None
        ((mono, c),) = moving.items()
        logs = [base for base, e in mono if base[:2] == ("f", "log") and base[2][0] == "v" and e == 1]
        if len(logs) != 1 or len(mono) != 1:
            return None
        constant = self.term(self.of(("f", "exp", P.to_term(P.scale(fixed, -1 / c)))))
        return logs[0][2], constant, 1 if c > 0 else -1

    def bound_of(self, fact: Term) -> Bound | None:
        """An assumption as form, constant and relation."""
        relation, left, right = fact
        c = self.of(("+", left, ("neg", right)))
        if isinstance(c, Fraction):
            return None
        form, constant = self.canonical(c)
        side = 0 if form[0] == "split" else self.canonical_side(c)
        if side == 0 or relation == "!=":
            return None
        flipped = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}
        return Bound(form, constant, relation if side > 0 else flipped[relation])

    def by_bounds(self, form: Term, constant: Term, side: int) -> frozenset[int]:
        """The signs of side*(form - constant) that the bounds on the same form leave."""
        found = set(S.ANY)
        for bound in self.bounds:
            if bound.form != form or not side:
                continue
            gap = self.constant_sign(bound.constant, constant)
            allowed = {
                ">": {1} if gap >= 0 else {-1, 0, 1}, ">=": {1} if gap > 0 else {0, 1} if gap == 0 else {-1, 0, 1},
                "<": {-1} if gap <= 0 else {-1, 0, 1}, "<=": {-1} if gap < 0 else {-1, 0} if gap == 0 else {-1, 0, 1},
                "=": {gap},
            }[bound.relation]  # fmt: skip
            found &= allowed
        return frozenset(s * side for s in found) if found and side else S.ANY

    def constant_sign(self, a: Term, b: Term) -> int:
        """The sign of a - b, for numbers."""
        if a == b:
            return 0
        c = self.of(("+", a, ("neg", b)))
        found = self.signs(c)
        if len(found) > 1:
            raise Abstain("two numbers that agree to many digits, and no rule shows that they are equal")
        return next(iter(found))

"""Terms as germs at infinity: what each function of the language of schedules does to an expansion.

The series are Taylor's with Lagrange's bound of the rest. Rounding and waves leave a quantity that is only known to lie
in a box, see parameters.Box.
"""

from __future__ import annotations

import math
from fractions import Fraction

from derive.evaluation.enclosure import UnknownValue
from derive.kernel.terms import ONE, Term, add, mul, q, sub
from derive.series import stirling
from derive.series import values as V
from derive.series.germs import UNIT, UNKNOWN, ZERO_G, Field, Germ
from derive.series.hyperbolic import HYPERBOLIC, hyperbolic
from derive.series.language import T, named, uses
from derive.series.parameters import ONE_C, ZERO_C, Abstain, Coef, Scene
from derive.series.shapes import in_half_turns, linear, of_kernel

UNIT_BOX = V.between(Fraction(0), Fraction(1))
WAVE_BOX = V.between(Fraction(-1), Fraction(1))


class Periodic(Abstain):
    """A condition or a power depends on the residue class of t."""


class Expansion:
    """The germs of the terms of one schedule, in one scene, to one order."""

    def __init__(self, scene: Scene, order: int, begin: int | None = None) -> None:
        self.scene, self.field = scene, Field(scene, order, begin)
        self.known: dict[Term, Germ] = {}

    def germ(self, term: Term) -> Germ:
        """The expansion of a term. Raises Split, Abstain or MoreTerms."""
        if term not in self.known:
            self.known[term] = self._germ(term) if uses(term, "t") else self.fixed(term)
        return self.known[term]

    def fixed(self, term: Term) -> Germ:
        """A term without t."""
        if term[0] == "q":
            return self.field.constant(term[1])
        if not named(term):
            try:
                value = V.value(term, {})
            except V.Undefined as error:
                raise Abstain(f"a part is undefined: {error}") from None
            except UnknownValue:
                value = None
            if isinstance(value, Fraction):
                return self.field.constant(value)
            if not of_kernel(term) and value is not None:
                return self.field.constant(self.scene.box(value, "constant", term))
        if of_kernel(term):
            return self.field.constant(self.scene.of(term))
        if term[0] == "piecewise":
            raise Abstain("Piecewise with a condition on a parameter")
        return self._germ(term)

    def coefficient(self, term: Term) -> Coef | None:
        """The value of a term without t as a coefficient."""
        if uses(term, "t"):
            return None
        g = self.germ(term)
        return None if g.error is not None or any(m for m, _ in g.terms) else g.terms[0][1] if g.terms else ZERO_C

    def _germ(self, term: Term) -> Germ:
        field, tag = self.field, term[0]
        if term == T:
            return field.monomial(((0, ONE_C),))
        if tag == "+":
            return field.add(*(self.germ(part) for part in term[1:]))
        if tag == "neg":
            return field.neg(self.germ(term[1]))
        if tag == "*":
            total = self.germ(term[1])
            for part in term[2:]:
                total = field.mul(total, self.germ(part))
            return total
        if tag == "/":
            return field.mul(self.germ(term[1]), field.inverse(self.germ(term[2])))
        if tag == "^":
            return self.power(term[1], term[2])
        if tag == "piecewise":
            for value, condition in zip(term[1::2], term[2::2], strict=True):
                if self.truth(condition):
                    return self.germ(value)
        return self.function(term[1], term[2:])

    def power(self, base: Term, exponent: Term) -> Germ:
        field = self.field
        e = self.coefficient(exponent)
        if e is not None:
            g = self.germ(base)
            return ZERO_G if not g.terms and g.error is None and self.scene.sign(e) > 0 else field.power(g, e)
        c = self.coefficient(base)
        if c is not None and self.scene.names_in(c).isdisjoint(self.scene.boxes):
            side = self.scene.sign(c)
            if side == 0:
                size, sign, _ = field.limit(self.germ(exponent))
                if size > 0 and sign == 1:
                    return ZERO_G
                raise Abstain("a power of zero")
            if side < 0:
                parity = self.parity(exponent)
                return field.scale(self.power(self.term_of(self.scene.neg(c)), exponent), Fraction(parity))
        return field.exp(field.mul(self.germ(exponent), self.log(base)))

    def term_of(self, c: Coef) -> Term:
        return self.scene.term(c)

    def parity(self, exponent: Term) -> int:
        line = linear(exponent)
        if line is None or line[0].denominator != 1 or line[1].denominator != 1 or line[0] % 2:
            raise Periodic("a negative number to a power that changes its parity")
        return -1 if line[1] % 2 else 1

    def log(self, term: Term) -> Germ:
        """log of a term; that of a factorial or a power before it is multiplied out."""
        field = self.field
        if not uses(term, "t"):
            return self.germ(("f", "log", term))
        if term[0] == "f" and term[1] in ("factorial", "gamma", "binomial"):
            return self.log_gamma(term)
        if term[0] == "f" and term[1] == "exp":
            return self.germ(term[2])
        if term[0] == "^" and self.coefficient(term[1]) is None and self.positive(term[1]):
            return field.mul(self.germ(term[2]), self.log(term[1]))
        return field.log(self.germ(term))

    def positive(self, term: Term) -> bool:
        return self.field.sign(self.germ(term)) > 0

    # --- conditions -------------------------------------------------------------------------------------------------

    def truth(self, condition: Term) -> bool:
        """Whether a condition holds for all large t, or fails for all; raises Periodic where it goes on changing."""
        tag, *parts = condition
        if tag in ("and", "or"):
            # one that decides alone is enough: another may be out of reach
            stuck: Abstain | None = None
            for part in parts:
                try:
                    if self.truth(part) == (tag == "or"):
                        return bool(tag == "or")
                except Abstain as reason:
                    stuck = reason
            if stuck is not None:
                raise stuck
            return bool(tag == "and")
        difference = self.germ(sub(parts[0], parts[1]))
        try:
            sign = self.field.sign(difference)
        except Abstain as reason:
            if any(self.scene.boxed(c) for _, c in difference.terms):
                raise Periodic("a condition that goes on changing") from None
            raise reason
        holds = {"=": sign == 0, "!=": sign != 0, "<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}
        return holds[str(tag)]

    # --- functions --------------------------------------------------------------------------------------------------

    def function(self, name: str, args: tuple[Term, ...]) -> Germ:
        field = self.field
        if name in ("min", "max"):
            total = self.germ(args[0])
            for arg in args[1:]:
                gap = field.add(total, field.neg(self.germ(arg)))
                total = self.smaller(total, self.germ(arg), gap, name)
            return total
        if name == "mod":
            m = self.coefficient(args[1])
            if m is None:
                raise Abstain("mod by something that changes with t")
            return field.scale(self.fraction(("/", args[0], args[1])), m)
        if name == "log":
            return self.log(args[0])
        if name in ("factorial", "gamma", "binomial"):
            return self.combinatorial(name, args)
        if name == "exp":
            return field.exp(self.germ(args[0]))
        if name == "sqrt":
            return self.power(args[0], q("1/2"))
        if name in ("sin", "cos"):
            return self.wave(name, args[0])
        if name == "tan":
            return field.mul(self.wave("sin", args[0]), field.inverse(self.wave("cos", args[0])))
        if name == "frac":
            return self.fraction(args[0])
        if name in ("floor", "ceiling"):
            if name == "ceiling":
                return field.neg(self.function("floor", (("neg", args[0]),)))
            return field.add(self.germ(args[0]), field.neg(self.fraction(args[0])))
        g = self.germ(args[0])
        if name == "abs":
            return self.absolute(g)
        if name == "sign":
            return field.constant(Fraction(field.sign(g)))
        if name == "atan":
            return self.atan(g)
        if name in HYPERBOLIC:
            return hyperbolic(field, name, g)
        if name in ("asin", "acos"):
            below = field.add(field.constant(ONE_C), field.neg(field.mul(g, g)))
            angle = self.atan(field.mul(g, field.power(below, Fraction(-1, 2))))
            return angle if name == "asin" else field.add(field.scale(self.pi(), Fraction(1, 2)), field.neg(angle))
        if name == "harmonic":
            return stirling.harmonic(field, g)
        raise Abstain(f"there is no rule for {name} of something that changes with t")

    def pi(self) -> Germ:
        return self.field.constant(self.scene.of(("c", "pi")))

    def smaller(self, a: Germ, b: Germ, gap: Germ, name: str) -> Germ:
        found = self.field.lead(gap)
        signs = frozenset({0}) if found is None else self.scene.signs(found[1])
        if found is not None and not self.scene.boxed(found[1]) and len(signs) > 1:
            signs = frozenset({self.scene.sign(found[1])})
        settled = self.field.begin is None or (found is not None and self.field.settled(*found)) or found is None
        side = 1 if name == "max" else -1
        if len(signs) == 1 and settled:
            return a if side * next(iter(signs)) >= 0 else b
        half = Fraction(1, 2)
        return self.field.add(
            self.field.scale(a, half), self.field.scale(b, half), self.field.scale(self.absolute(gap), half * side)
        )

    def absolute(self, g: Germ) -> Germ:
        """|g|: by its sign, or where that oscillates |c|*m + O(rest), as the absolute value is 1-Lipschitz."""
        field = self.field
        found = field.lead(g)
        if found is None:
            return ZERO_G
        m, c, rest = found
        signs = self.scene.signs(c)
        if not self.scene.boxed(c) or len(signs - {0}) == 1:
            sign = self.scene.sign(c) if not self.scene.boxed(c) else next(iter(signs - {0}))
            if 0 not in signs and (field.begin is None or field.settled(m, c, rest)):
                return field.scale(g, Fraction(sign))
            if not rest.terms and rest.error is None:
                return field.scale(g, Fraction(sign))
        size = self.scene.of(("f", "abs", self.scene.term(c)))
        errors = [] if not rest.terms and rest.error is None else [field.bound(rest)]
        return field.sum([(m, size)], errors)

    def fraction(self, term: Term) -> Germ:
        """x - floor(x): exact where x is linear in t with an integer slope, else a quantity in [0, 1]."""
        field, scene = self.field, self.scene
        line = linear(term)
        if line is not None and line[0].denominator == 1:
            return field.constant(line[1] - math.floor(line[1]))
        g = self.germ(term)
        if not g.terms and g.error is None:
            return ZERO_G
        if uses(term, "t"):
            size, c, rest = field.limit(g)
            if size == 0:
                if not isinstance(c, Fraction):
                    return self.near_constant(c, rest, term)
                whole = math.floor(c)
                if c == whole:
                    side = field.sign(rest)
                    whole -= 1 if side < 0 else 0
                elif field.begin is not None and not field.settled(UNIT, min(c - whole, whole + 1 - c), rest):
                    raise Abstain("rounding near a limit: from where on is not known")
                return field.add(g, field.constant(Fraction(-whole)))
        kind = "frac" if uses(term, "t") else "constant"
        return field.constant(scene.box(UNIT_BOX, kind, ("f", "frac", term)))

    def near_constant(self, c: Coef, rest: Germ, term: Term) -> Germ:
        """x tends to a number that is no rational: its fractional part, where that is inside (0, 1) for sure."""
        names = self.scene.names_in(c)
        if self.scene.boxed(c) or not names <= self.scene.boxes.keys():
            return self.field.constant(self.scene.box(UNIT_BOX, "frac", ("f", "frac", term)))
        low, high = V.ends(self.scene.ranges(c)[0])
        whole = math.floor(low)
        margin = min(low - whole, whole + 1 - high)
        if margin <= 0 or (self.field.begin is not None and not self.field.settled(UNIT, margin, rest)):
            raise Abstain("rounding near a limit")
        return self.field.add(self.germ(term), self.field.constant(Fraction(-whole)))

    def wave(self, name: str, arg: Term) -> Germ:
        field, scene = self.field, self.scene
        turn = in_half_turns(arg)
        if turn is not None:
            slope, start = turn
            start -= 0 if name == "cos" else Fraction(1, 2)
            if slope % 2 == 0:
                return self.value(V.cos_pi(start), ("f", "cos", mul(("c", "pi"), q(start))))
            if slope % 1 == 0:
                raise Periodic("a wave that alternates")
        g = self.germ(arg)
        size, limit, rest = field.limit(g)
        if size > 0:
            return field.constant(scene.box(WAVE_BOX, "wave", ("f", name, arg)))
        if scene.boxed(limit):
            inside = V.hull(*(V.FUNCTIONS[name](part) for part in self.box_ranges(limit)))
            at = scene.box(inside, "frac of", ("f", name, scene.term(limit)))
            errors = [field.bound(rest)] if rest.terms or rest.error is not None else []
            return field.sum([((), at)], errors)  # sin and cos change by no more than their arguments
        sine = field.series(rest, _sine, _wave_rest)
        cosine = field.series(rest, _cosine, _wave_rest)
        if limit == 0:
            return sine if name == "sin" else cosine
        both = []
        for word in ("sin", "cos"):
            what: Term = ("f", word, scene.term(limit))
            known = self.plain(limit)
            both.append(self.germ(what) if known else field.constant(scene.box(WAVE_BOX, "constant", what)))
        if name == "sin":
            return field.add(field.mul(both[0], cosine), field.mul(both[1], sine))
        return field.add(field.mul(both[1], cosine), field.neg(field.mul(both[0], sine)))

    def plain(self, c: Coef) -> bool:
        return not self.scene.names_in(c)

    def box_ranges(self, c: Coef) -> list[V.Value]:
        if not self.scene.names_in(c) <= self.scene.boxes.keys():
            raise Abstain("a wave of a parameter and a quantity that oscillates")
        try:
            return self.scene.ranges(c)
        except (UnknownValue, V.Undefined) as error:
            raise Abstain(f"a range is out of reach: {error}") from None

    def value(self, value: V.Value, what: Term) -> Germ:
        return self.field.constant(value if isinstance(value, Fraction) else self.scene.box(value, "constant", what))

    def atan(self, g: Germ) -> Germ:
        field, scene = self.field, self.scene
        size, limit, rest = field.limit(g)
        if size > 0:
            return field.add(
                field.scale(self.pi(), scene.mul(limit, Fraction(1, 2))), field.neg(self.atan(field.inverse(g)))
            )
        if scene.boxed(limit):
            raise Abstain("atan of a quantity that oscillates")
        if limit != 0:
            below = field.add(field.constant(ONE_C), field.scale(field.add(field.constant(limit), rest), limit))
            at = self.germ(("f", "atan", scene.term(limit))) if self.plain(limit) else None
            if at is None:
                raise Abstain("atan of a parameter")
            return field.add(at, self.atan(field.mul(rest, field.inverse(below))))
        return field.series(
            rest, lambda k: Fraction((-1) ** (k // 2), k) if k % 2 else ZERO_C,
            lambda n, top: 1.0 if top < 1 else UNKNOWN,
        )  # fmt: skip

    # --- factorials -------------------------------------------------------------------------------------------------

    def log_gamma(self, term: Term) -> Germ:
        _, name, *args = term
        field = self.field
        if name == "binomial":
            n, k = args
            logs = [self.log_gamma_of(add(part, ONE)) for part in (n, k, sub(n, k))]
            return field.add(logs[0], field.neg(logs[1]), field.neg(logs[2]))
        return self.log_gamma_of(args[0] if name == "gamma" else add(args[0], ONE))

    def log_gamma_of(self, z: Term) -> Germ:
        c = self.coefficient(z)
        if c is None:
            g = self.germ(z)
            if any(m for m, _ in g.terms) or g.error is not None:
                return stirling.log_gamma(self.field, g)
            c = g.terms[0][1] if g.terms else ZERO_C
        if self.scene.boxed(c):  # its values need not stay away from a pole
            raise Abstain("gamma of a quantity that oscillates")
        if isinstance(c, Fraction) and c.denominator == 1 and 1 <= c <= 200:
            return self.germ(("f", "log", q(math.factorial(int(c) - 1))))
        return self.germ(("f", "log", ("f", "gamma", self.scene.term(c))))

    def combinatorial(self, name: str, args: tuple[Term, ...]) -> Germ:
        field = self.field
        if name == "binomial":
            k = self.coefficient(args[1])
            if isinstance(k, Fraction) and k.denominator == 1 and 0 <= k <= 8:
                total, n = field.constant(ONE_C), self.germ(args[0])
                for j in range(int(k)):
                    factor = field.add(n, field.constant(Fraction(-j)))
                    total = field.scale(field.mul(total, factor), Fraction(1, j + 1))
                return total
        return field.exp(self.log_gamma(("f", name, *args)))


def _sine(k: int) -> Coef:
    return Fraction((-1) ** (k // 2), math.factorial(k)) if k % 2 else ZERO_C


def _cosine(k: int) -> Coef:
    return ZERO_C if k % 2 else Fraction((-1) ** (k // 2), math.factorial(k))


def _wave_rest(n: int, top: float) -> float:
    return 1 / math.factorial(n)

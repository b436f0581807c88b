"""One case of the parameters: what the sums of a schedule and of its square do, with the facts that show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from derive.errors import SymstepError
from derive.kernel.terms import Term
from derive.series import ladder
from derive.series.averages import mean_is_positive, parts_of, spreads
from derive.series.expansion import Expansion, Periodic
from derive.series.germs import Germ, Mono, MoreTerms
from derive.series.ladder import Rung
from derive.series.language import T, put, uses
from derive.series.parameters import Abstain, Bound, Coef, Scene
from derive.series.splitting import Sparse, period, residue_class, sparse

ORDERS = (3, 6, 11)
MOST_CLASSES = 2000
POWERS = (1, 2)


class Negative(SymstepError):
    """The terms are negative for all large t, or for all large t of a residue class."""


@dataclass(frozen=True)
class Size:
    """The leading term c*m on a part of the integers, and what it decides. None is undecided.

    sides: 2 where the terms are between two positive multiples of m; "mean" where an average is, "part" where those
    on a part of each run of t are; 1 where only an upper bound is known; 0 for terms that are zero.
    """

    where: str
    monomial: Mono
    coefficient: Coef
    coefficient_term: Term
    sides: str
    converges: tuple[bool | None, bool | None]
    rungs: tuple[Rung | None, Rung | None]
    to_zero: bool | None
    germ: Germ
    oscillates: tuple[str, ...] = ()
    scene: Scene | None = field(default=None, compare=False, repr=False)
    term: Term = ()


@dataclass(frozen=True)
class Case:
    """What holds in one case of the parameters."""

    converges: tuple[bool | None, bool | None]
    to_zero: bool | None
    monotone: bool | None
    sizes: tuple[Size, ...]
    reasons: tuple[str, ...] = ()
    period: int = 1
    sparse: str = ""
    whole: Size | None = None  # what is known without residue classes, where there are some

    @property
    def scene(self) -> Scene | None:
        return self.sizes[0].scene if self.sizes else None


def analyse(term: Term, kinds: Mapping[str, str], facts: Iterable[Term], bounds: Iterable[Bound]) -> Case:
    """Decide one case. Raises Split where a sign of a parameter makes a difference, Negative, or Abstain."""
    facts, bounds = tuple(facts), tuple(bounds)

    def scene() -> Scene:
        return Scene(kinds, facts, bounds)

    reasons: list[str] = []
    whole: Size | None = None
    try:
        whole = size_of(term, scene(), "")
        if None not in whole.converges:
            return _case(term, whole, reasons)
        reasons.append("an oscillating factor may come close to 0, so that only an upper bound is known")
    except Abstain as reason:
        reasons.append(str(reason))
    if (found := sparse(term)) is not None:
        return _sparse_case(found, scene, reasons)
    try:
        many = period(term)
    except Abstain as reason:
        raise Abstain("; ".join(dict.fromkeys([*reasons, str(reason)]))) from None
    if many > MOST_CLASSES:
        reasons.append(f"the pattern repeats after {many} steps, which are too many to look at one by one")
    if not 1 < many <= MOST_CLASSES:
        if whole is None:
            raise Abstain(reasons[0])
        return _case(term, whole, reasons)
    return _classes(term, scene, many, whole, reasons)


def size_of(term: Term, scene: Scene, where: str) -> Size:
    """The leading term, with expansions that grow longer as long as terms cancel."""
    for order in ORDERS:
        try:
            return _size(Expansion(scene, order), term, where)
        except MoreTerms as reason:
            last = reason
    raise Abstain(str(last))


def _size(expansion: Expansion, term: Term, where: str) -> Size:
    scene, fd = expansion.scene, expansion.field
    g = expansion.germ(term)
    found = fd.lead(g)
    if found is None:
        return Size(
            where, (), Fraction(0), scene.term(Fraction(0)), "0", (True, True), (None, None), True, g, (), scene, term
        )
    m, c, _ = found
    boxed = scene.boxed(c)
    signs = scene.signs(c) if boxed else frozenset({scene.sign(c)})
    if signs == {-1}:
        raise Negative(where)
    sides = "2" if signs == {1} else "1"
    if sides == "1" and boxed and mean_is_positive(scene, c):
        sides = "mean"
    rungs = tuple(ladder.judge(fd, m, k) for k in POWERS)
    if sides == "1" and not all(rung.converges for rung in rungs) and _on_a_part(term, expansion, m, c):
        sides = "part"
    converges = tuple(True if rung.converges else None if sides == "1" else False for rung in rungs)
    to_zero = True if fd.grows(m) < 0 else None if sides == "1" else False
    oscillates = tuple(dict.fromkeys(scene.boxes[name].kind for name in boxed))
    if any(scene.boxed(e) for _, e in m):
        oscillates += ("exponent",)
    return Size(
        where,
        m,
        c,
        scene.term(c),
        sides,
        (converges[0], converges[1]),
        (rungs[0], rungs[1]),
        to_zero,
        g,
        oscillates,
        scene,
        term,
    )


def _on_a_part(term: Term, expansion: Expansion, m: Mono, c: Coef) -> bool:
    """Whether the leading coefficient is positive where a fractional part lies in some part of its range."""
    scene = expansion.scene
    for name in list(scene.boxes):
        if not spreads(expansion, name, m):
            continue
        for part in parts_of(scene, name):
            narrow = Scene(scene.kinds, scene.facts, scene.bounds)
            narrow.narrowed[scene.boxes[name].what] = part
            try:
                inner = Expansion(narrow, expansion.field.order)
                found = inner.field.lead(inner.germ(term))
            except Abstain:
                continue
            if found is not None and found[0] == m and narrow.signs(found[1]) == {1}:
                return True
    return False


def _case(term: Term, size: Size, reasons: list[str]) -> Case:
    return Case(size.converges, size.to_zero, _monotone(term, size), (size,), tuple(reasons))


def _monotone(term: Term, size: Size) -> bool | None:
    """A germ that does not oscillate is monotone in the end (Hardy); so is one in n = floor(u(t)) alone."""
    if not size.oscillates and not any(size.scene.boxed(c) for _, c in size.germ.terms if size.scene is not None):
        return True
    rounded = {node for node in _nodes(term) if node[:2] in (("f", "floor"), ("f", "ceiling"))}
    if len(rounded) == 1 and size.scene is not None:
        (node,) = rounded
        inner, scene = _replaced(term, node), size.scene
        try:
            steady = Scene(scene.kinds, scene.facts, scene.bounds)
            Expansion(steady, ORDERS[0]).germ(inner)
            grown = Expansion(Scene(scene.kinds, scene.facts, scene.bounds), ORDERS[0])
            size_of_argument = grown.field.limit(grown.germ(node[2]))
        except Abstain:
            return None
        varies = any(box.kind != "constant" for box in steady.boxes.values())
        return True if not varies and size_of_argument[0] > 0 and inner != term else None
    return None


def _nodes(term: Term) -> list[Term]:
    return [term, *(node for part in term[1:] if isinstance(part, tuple) for node in _nodes(part))]


def _replaced(term: Term, node: Term) -> Term:
    """The term in n = the rounded node, written t; as it is where t occurs elsewhere, too."""
    marked = _marked(term, node)
    return put(marked, "#n", T) if not uses(marked, "t") else term


def _marked(term: Term, node: Term) -> Term:
    if term == node:
        return ("v", "#n")
    return tuple(_marked(part, node) if isinstance(part, tuple) else part for part in term)


def _classes(term: Term, scene: Callable[[], Scene], many: int, whole: Size | None, reasons: list[str]) -> Case:
    """t = many*s + r for each r: a sum of terms >= 0 converges iff it does over every class."""
    sizes: list[Size] = []
    converges: list[bool | None] = [whole.converges[k] if whole else None for k in range(2)]
    pending = [k for k in range(2) if converges[k] is None]
    stuck: list[str] = []
    complete = True
    for r in range(many):
        try:
            size = size_of(residue_class(term, many, r), scene(), f"t = {many}*s + {r}" if r else f"t = {many}*s")
        except Abstain as reason:
            stuck.append(f"for t = {many}*s + {r}: {reason}")
            complete = False
            continue
        sizes.append(size)
        for k in pending:
            if size.converges[k] is False:
                converges[k] = False
        if all(converges[k] is False for k in pending):
            complete = r == many - 1
            break
    for k in pending:
        if converges[k] is None and not stuck and complete and all(size.converges[k] for size in sizes):
            converges[k] = True
    if None in converges and stuck:
        reasons.extend(stuck[:1])
    zeros = [size.to_zero for size in sizes]
    to_zero = False if False in zeros else True if complete and all(zeros) else whole.to_zero if whole else None
    apart = len({(size.monomial, size.coefficient) for size in sizes}) > 1
    monotone = False if apart and complete and not _settles(sizes) else None
    return Case((converges[0], converges[1]), to_zero, monotone, tuple(sizes), tuple(reasons), many, whole=whole)


def _settles(sizes: list[Size]) -> bool:
    """Whether classes with different leading terms may still be one monotone sequence; if not certain, True."""
    if len({size.monomial for size in sizes}) > 1:
        return True
    numbers = {size.coefficient for size in sizes}
    return not all(isinstance(c, Fraction) for c in numbers)


def _sparse_case(found: Sparse, scene: Callable[[], Scene], reasons: list[str]) -> Case:
    """Terms of two kinds: on the squares, or powers, t = u(k), and on all other t."""
    on = size_of(found.on, scene(), f"{found.support}, k = t below")
    off = size_of(found.off, scene(), f"all t but {found.support}")
    if off.sides not in ("0", "2") or off.oscillates:
        raise Abstain("; ".join([*reasons, "the terms beside a thin set of t oscillate"]))
    converges = []
    for k in range(2):
        both = (on.converges[k], off.converges[k])
        converges.append(False if False in both else True if all(both) else None)
    zeros = (on.to_zero, off.to_zero)
    to_zero = False if False in zeros else True if all(zeros) else None
    monotone = False if on.sides != "0" and off.sides == "0" else None
    return Case((converges[0], converges[1]), to_zero, monotone, (on, off), (), 1, found.support)


__all__ = ["Case", "Negative", "Periodic", "Size", "analyse", "size_of"]

"""The one LaTeX printer: a term in the order in which its author wrote it.

Every sub-term becomes a Piece: its text, how tightly it binds, and what stands at its two ends, which is all that
the node around it needs to decide about parentheses and multiplication signs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from itertools import pairwise

from derive.errors import InputError
from derive.kernel.terms import BINDERS, CONSTANTS, MAX_DEPTH, MAX_DIGITS, ONE, OPTIMA, RELATIONS, Term, subterms
from derive.render.escape import escape_text, label
from derive.render.pieces import ARGUMENT_NAMES, CALLED, INDEX_NAMES, RELATION_SIGNS, Piece, Tex

from derive.render.pieces import bracketed, is_small, is_tall, parenthesised, times  # isort: skip
from derive.render.pieces import Level as L
from derive.symbols import DEFAULT, Naming, Notation, Printed, checked_name, names_in

__all__ = ["Path", "Tex", "escape_text", "latex"]

Path = tuple[int, ...]
Braces = Mapping[Path, str | Term]  # what is written below a sub-term

_SIGNLESS = (("f", "sqrt"), ("f", "abs"))  # their sign cannot be marked alone: the whole node is


def latex(
    term: Term,
    notation: Notation = DEFAULT,
    binders: tuple[str, ...] = (),
    *,
    mark: Collection[Path] = (),
    braces: Braces | None = None,
    naming: Naming | None = None,
) -> str:
    r"""A term as LaTeX.

    `binders` are the author's names of the bound indices in preorder. `mark` are paths to sub-terms that are wrapped
    in `\class{changed}{...}`; a path that ends in 0 means the sign of that node alone. `braces` names sub-terms below
    an underbrace, by a term or in words that may hold a symbol like L_1. `naming` keeps names apart over several terms.
    Raises InputError for a name or a node that is not one of ours.

    >>> latex(("+", ("v", "w"), ("neg", ("*", ("v", "eta"), ("ix", "g", ("v", "t"))))))
    'w - \\eta g_{t}'
    """
    naming = naming or notation.naming([term], binders)
    return _Printer(naming, binders, frozenset(mark), braces or {}, {name for name, _ in names_in(term)}).whole(term)


class _Printer:
    """One printing of one term: holds the names in scope and where we are in the tree."""

    def __init__(
        self, naming: Naming, binders: tuple[str, ...], mark: frozenset[Path], braces: Braces, free: Collection[str]
    ) -> None:
        self.naming, self.mark, self.braces, self.free = naming, mark, braces, free
        self.binders = iter(binders)
        self.scope: list[str] = []  # names of the enclosing indices, innermost last

    def whole(self, term: Term) -> str:
        return self.piece(term, ()).text

    # --- the walk -------------------------------------------------------------------------------------------------

    def piece(self, term: Term, path: Path, *, as_factor: bool = False) -> Piece:
        """The piece of the node at `path`, marked and braced."""
        tag = term[0]
        printer = _PRINTERS.get(tag)
        if printer is None:
            raise InputError(f"{str(tag)[:40]!r} is not a kind of term", remedy="build terms with the parser")
        found = _log(self, term, path, True) if as_factor and term[:2] == ("f", "log") else printer(self, term, path)
        if (*path, 0) in self.mark and (tag == "/" or term[:2] in _SIGNLESS):
            found = found._replace(text=rf"\class{{changed}}{{{found.text}}}")
        return found._replace(text=self.decorated(found.text, path), tall=found.tall or path in self.braces)

    def decorated(self, text: str, path: Path) -> str:
        """The text of the node at `path`, marked and braced if it shall be."""
        if path in self.mark:
            text = rf"\class{{changed}}{{{text}}}"
        if path in self.braces:
            name = self.braces[path]
            words = latex(name, naming=self.naming) if not isinstance(name, str) else (
                name if isinstance(name, Tex) else label(name))  # fmt: skip
            text = rf"\underbrace{{{text}}}_{{{words}}}"
        return text

    def at_least(self, term: Term, path: Path, level: int, **options: bool) -> Piece:
        """The piece, in parentheses if it binds less tightly than `level`."""
        found = self.piece(term, path, **options)
        return found if found.level >= level else parenthesised(found)

    def sign(self, text: str, path: Path) -> str:
        """The sign of a node, marked when it alone is what changed."""
        return rf"\class{{changed}}{{{text}}}" if (*path, 0) in self.mark else text

    def name(self, name: str) -> Printed:
        return self.naming.printed(checked_name(name))

    def bind(self, names: tuple[str, ...] = INDEX_NAMES, given: str = "") -> str:
        """A name for a bound index which no free name and no index around it has."""
        wanted = [checked_name(given)] if given else []
        numbered = (f"{names[0]}{count}" for count in range(1, MAX_DEPTH * 4))
        taken = {str(self.name(name)) for name in (*self.free, *self.scope)}
        return next(name for name in (*wanted, *names, *numbered) if str(self.name(name)) not in taken)


def _listed(printer: _Printer, parts: tuple[Term, ...], path: Path, start: int) -> tuple[str, bool]:
    pieces = [printer.at_least(part, (*path, start + k), L.SUM) for k, part in enumerate(parts)]
    return ", ".join(piece.text for piece in pieces), any(piece.tall for piece in pieces)


# --- leaves -------------------------------------------------------------------------------------------------------


def _number(printer: _Printer, term: Term, path: Path) -> Piece:
    value = Fraction(term[1])
    if max(abs(value.numerator), value.denominator).bit_length() > 4 * MAX_DIGITS:
        raise InputError("a number is too long to print", remedy=f"keep it within {MAX_DIGITS} digits")
    sign, size = ("-", -value) if value < 0 else ("", value)
    if size.denominator == 1:
        text, level, tall, first, last = str(size), L.ATOM, False, "digit", "digit"
    else:
        text, level, tall = rf"\frac{{{size.numerator}}}{{{size.denominator}}}", L.FRACTION, True
        first, last = "fraction", ""
    return Piece(sign + text, L.NEGATIVE if sign else level, tall, "minus" if sign else first, last)


def _variable(printer: _Printer, term: Term, path: Path) -> Piece:
    shown = printer.name(term[1])
    return Piece(str(shown), L.ATOM, first=shown.base, last=shown.base)


def _bound(printer: _Printer, term: Term, path: Path) -> Piece:
    if not isinstance(term[1], int) or not 0 <= term[1] < len(printer.scope):
        raise InputError("an index stands outside its sum or product", remedy="print the term with its binder")
    shown = printer.name(printer.scope[-1 - term[1]])
    return Piece(str(shown), L.ATOM, first=shown.base, last=shown.base)


def _constant(printer: _Printer, term: Term, path: Path) -> Piece:
    if term[1] not in CONSTANTS:
        raise InputError(f"{str(term[1])[:40]!r} is not a constant", remedy=f"known: {', '.join(CONSTANTS)}")
    return Piece("\\" + term[1], L.ATOM)


def _indexed(printer: _Printer, term: Term, path: Path) -> Piece:
    shown = printer.name(term[1])
    base, (index, _) = printer.sign(shown.base, path), _listed(printer, term[2:], path, 2)
    if printer.naming.above:
        return Piece(f"{Printed(base, shown.subscript)}^{{{index}}}", L.POWER, first=shown.base)
    below = ",".join(part for part in (shown.subscript, index) if part)
    return Piece(f"{base}_{{{below}}}", L.ATOM, first=shown.base, last=shown.base)


def _call(printer: _Printer, term: Term, path: Path) -> Piece:
    shown, arguments, below = printer.name(term[1]), term[2:], []
    if shown.subscript:
        below.append(shown.subscript)
    style = printer.naming.notation.entry(term[1]).call_style if len(arguments) > 1 else "arguments"
    here = {"subscript": len(arguments) - 1, "conditional": 1}.get(style, len(arguments))
    inside, tall = _listed(printer, arguments[:here], path, 2)
    rest, high = _listed(printer, arguments[here:], path, 2 + here)
    if style == "subscript":
        below.append(rest)
    elif rest:
        inside, tall = rf"{inside} \mid {rest}", tall or high
    head = str(Printed(printer.sign(shown.base, path), ",".join(below)))
    return Piece(bracketed(head, inside, tall), L.CALL, tall, first=shown.base, last=")")


# --- arithmetic ---------------------------------------------------------------------------------------------------


def _operands(term: Term, path: Path) -> list[tuple[Term, Path]]:
    """The operands of a sum or product with their paths."""
    if len(term) < 2:
        raise InputError(f"an empty {term[0]!r} can't be printed", remedy="a sum or product needs an operand")
    return [(part, (*path, k)) for k, part in enumerate(term) if k]


def _sum(printer: _Printer, term: Term, path: Path) -> Piece:
    text, tall, pieces = "", False, []
    for part, place in _operands(term, path):
        if text and part[0] == "neg":
            piece = printer.at_least(part[1], (*place, 1), L.PRODUCT)
            plain = f"{printer.sign('-', place)} {piece.text}"
            shown = printer.decorated(plain, place)
            text += " " + (shown if shown == plain else printer.decorated("{} " + plain, place))
        else:
            piece = printer.at_least(part, place, L.NEGATIVE)
            if text and piece.first == "minus" and piece.text.startswith("-"):
                text += f" - {piece.text[1:]}"
            else:
                piece = parenthesised(piece) if text and piece.first == "minus" else piece
                text += f" + {piece.text}" if text else piece.text
        tall = tall or piece.tall
        pieces.append(piece)
    if len(pieces) == 1:
        return pieces[0]
    return Piece(text, L.SUM, tall, pieces[0].first, pieces[-1].last, pieces[-1].open)


def _product(printer: _Printer, term: Term, path: Path) -> Piece:
    operands = _operands(term, path)
    if len(operands) == 1:
        return printer.piece(*operands[0])
    pieces: list[Piece] = []
    for k, (part, place) in enumerate(operands):
        last = k == len(operands) - 1
        piece = printer.piece(part, place, as_factor=not last)
        # A product or a minus that comes first is read from the left anyway.
        fits = piece.level >= (L.PREFIX if k else L.NEGATIVE)
        pieces.append(piece if fits and (last or not piece.open) else parenthesised(piece))
    text = pieces[0].text
    for left, right in pairwise(pieces):
        text += times(left, right, printer.naming.function_bases) + right.text
    level = L.NEGATIVE if pieces[0].level == L.NEGATIVE else L.PRODUCT
    return Piece(text, level, any(p.tall for p in pieces), pieces[0].first, pieces[-1].last, pieces[-1].open)


def _negative(printer: _Printer, term: Term, path: Path) -> Piece:
    inner = printer.at_least(term[1], (*path, 1), L.PRODUCT)
    return Piece(printer.sign("-", path) + inner.text, L.NEGATIVE, inner.tall, "minus", inner.last, inner.open)


def _quotient(printer: _Printer, term: Term, path: Path) -> Piece:
    above, below = printer.at_least(term[1], (*path, 1), L.SUM), printer.at_least(term[2], (*path, 2), L.SUM)
    if above.level == L.NEGATIVE and above.text.startswith("-"):  # -a/b, whichever way it was grouped
        return Piece(rf"-\frac{{{above.text[1:]}}}{{{below.text}}}", L.NEGATIVE, True, "minus")
    return Piece(rf"\frac{{{above.text}}}{{{below.text}}}", L.FRACTION, True, "fraction")


def _power(printer: _Printer, term: Term, path: Path) -> Piece:
    base = printer.at_least(term[1], (*path, 1), L.ATOM)
    if "^" in base.first:  # a notation of the author's own, w^{t}
        base = base._replace(text=f"{{{base.text}}}")
    text = f"{base.text}^{{{_exponent(printer, term[2], (*path, 2)).text}}}"
    return Piece(text, L.POWER, base.tall, base.first, base.last if base.last in printer.naming.function_bases else "")


def _exponent(printer: _Printer, term: Term, path: Path) -> Piece:
    """An exponent; a fraction of short parts is written on one line."""
    if path in printer.mark or path in printer.braces:
        return printer.piece(term, path)
    if term[0] == "q" and Fraction(term[1]).denominator != 1:
        value = Fraction(term[1])
        return Piece(f"{value.numerator}/{value.denominator}", L.NEGATIVE if value < 0 else L.PRODUCT)
    if term[0] == "/" and not any(is_tall(part) for part in term[1:]):
        above = printer.at_least(term[1], (*path, 1), L.NEGATIVE, as_factor=True)
        above = parenthesised(above) if above.open else above
        below = printer.at_least(term[2], (*path, 2), L.POWER, as_factor=True)
        return Piece(f"{above.text}/{below.text}", L.NEGATIVE if above.level == L.NEGATIVE else L.PRODUCT)
    if term[0] == "neg" and term[1][0] in ("/", "q"):
        inner = _exponent(printer, term[1], (*path, 1))
        if inner.level >= L.PRODUCT:
            return Piece(printer.sign("-", path) + inner.text, L.NEGATIVE)
        return Piece(printer.sign("-", path) + parenthesised(inner).text, L.NEGATIVE)
    return printer.piece(term, path)


# --- functions ----------------------------------------------------------------------------------------------------


def _function(printer: _Printer, term: Term, path: Path) -> Piece:
    name = term[1]
    if name in CALLED:
        inside, tall = _listed(printer, term[2:], path, 2)
        head = printer.sign(CALLED[name], path)
        return Piece(bracketed(head, inside, tall), L.CALL, tall, first=CALLED[name], last=")")
    if name == "kronecker":
        return Piece(rf"\delta_{{{_listed(printer, term[2:], path, 2)[0]}}}", L.ATOM)
    if (found := _FUNCTIONS.get(name)) is None or len(term) != 3:
        raise InputError(f"{str(name)[:40]!r} is not a function of one argument", remedy="use exp, log, sqrt, abs ...")
    return found(printer, term, path)


def _exp(printer: _Printer, term: Term, path: Path) -> Piece:
    inner = term[2]
    if is_tall(inner) or not is_small(inner):
        argument = printer.at_least(inner, (*path, 2), L.SUM)
        text = bracketed(printer.sign(r"\exp", path), argument.text, argument.tall)
        return Piece(text, L.CALL, argument.tall, last=")")
    # An upright e: a declared name e is in italics.
    base = printer.sign(r"\mathrm{e}", path)
    return Piece(f"{base}^{{{_exponent(printer, inner, (*path, 2)).text}}}", L.POWER)


def _log(printer: _Printer, term: Term, path: Path, closed: bool = False) -> Piece:
    argument, head = printer.at_least(term[2], (*path, 2), L.SUM), printer.sign(r"\log", path)
    if term[2][0] in ("v", "b", "ix", "call", "c") and not closed:
        return Piece(f"{head} {argument.text}", L.PREFIX, argument.tall, last=argument.last, open=True)
    return Piece(bracketed(head, argument.text, argument.tall), L.CALL, argument.tall, last=")")


def _sqrt(printer: _Printer, term: Term, path: Path) -> Piece:
    argument = printer.at_least(term[2], (*path, 2), L.SUM)
    return Piece(rf"\sqrt{{{argument.text}}}", L.CALL, argument.tall)


def _abs(printer: _Printer, term: Term, path: Path) -> Piece:
    argument = printer.at_least(term[2], (*path, 2), L.SUM)
    return Piece(rf"\left|{argument.text}\right|", L.ATOM, argument.tall, "|", "|")


def _factorial(printer: _Printer, term: Term, path: Path) -> Piece:
    argument = printer.at_least(term[2], (*path, 2), L.ATOM)
    return Piece(argument.text + printer.sign("!", path), L.CALL, argument.tall, argument.first)


# --- binders and operators ----------------------------------------------------------------------------------------


def _big(printer: _Printer, term: Term, path: Path) -> Piece:
    tag, lo, hi, body = term
    index = printer.bind(given=next(printer.binders, ""))
    low, high = printer.piece(lo, (*path, 1)), printer.piece(hi, (*path, 2))
    sign = rf"\{tag}_{{{printer.name(index)}={low.text}}}^{{{high.text}}}"
    printer.scope.append(index)
    inner = printer.at_least(body, (*path, 3), L.PRODUCT)
    printer.scope.pop()
    return Piece(f"{printer.sign(sign, path)} {inner.text}", L.PREFIX, True, open=True)


def _optimum(printer: _Printer, term: Term, path: Path) -> Piece:
    tag, names, body = term
    over = ", ".join(str(printer.name(name)) for name in names)
    inner = printer.at_least(body, (*path, 2), L.SUM)
    sign = rf"\operatorname*{{arg\,{tag[3:]}}}_{{{over}}}"
    return Piece(rf"{printer.sign(sign, path)}\; {inner.text}", L.OPTIMUM, True, open=True)


def _derivative(printer: _Printer, term: Term, path: Path) -> Piece:
    variable = printer.at_least(term[2], (*path, 2), L.ATOM).text
    sign = rf"\frac{{\partial}}{{\partial {variable}}}" if term[0] == "diff" else rf"\partial_{{{variable}}}"
    inner = printer.at_least(term[1], (*path, 1), L.PREFIX)
    first = "fraction" if term[0] == "diff" else ""
    return Piece(f"{printer.sign(sign, path)} {inner.text}", L.PREFIX, True, first, inner.last, open=True)


def _interval(printer: _Printer, term: Term, path: Path) -> Piece:
    inside, _ = _listed(printer, term[1:], path, 1)
    return Piece(rf"\left[{inside}\right]", L.ATOM, True)


# --- statements ---------------------------------------------------------------------------------------------------


def _relation(printer: _Printer, term: Term, path: Path) -> Piece:
    level = L.IFF if term[0] == "<=>" else L.RELATION
    left, right = (printer.at_least(term[k], (*path, k), level + 1) for k in (1, 2))
    sign = printer.sign(RELATION_SIGNS[term[0]], path)
    sign = rf"\;{sign}\;" if level == L.IFF else sign
    text = f"{left.text} {sign} {right.text}"
    return Piece(text, level, left.tall or right.tall, open=True)


def _connective(printer: _Printer, term: Term, path: Path) -> Piece:
    level, sign = (L.AND, r"\wedge") if term[0] == "and" else (L.OR, r"\vee")
    pieces = [printer.at_least(part, place, L.RELATION) for part, place in _operands(term, path)]
    if len(pieces) == 1:
        return pieces[0]
    joint = rf" \;{printer.sign(sign, path)}\; "
    return Piece(joint.join(piece.text for piece in pieces), level, any(piece.tall for piece in pieces), open=True)


def _recurrence(printer: _Printer, term: Term, path: Path) -> Piece:
    _, name, index, start, *parts = term
    step, initial, closed = (printer.at_least(part, (*path, 4 + k), L.SUM).text for k, part in enumerate(parts))
    following, first, now = (
        _indexed(printer, ("ix", name, at), (*path, 2)).text for at in (("+", ("v", index), ONE), start, ("v", index))
    )
    given = rf",\quad {first} = {initial}" if first != initial else ""
    return Piece(rf"{following} = {step}{given} \;\Longrightarrow\; {now} = {closed}", L.WHOLE, True, open=True)


def _for_all(printer: _Printer, term: Term, path: Path) -> Piece:
    _, count, statement = term
    pool = INDEX_NAMES if any(node[0] == "ix" for node in subterms(statement)) else ARGUMENT_NAMES
    before = len(printer.scope)
    for _ in range(count):
        printer.scope.append(printer.bind(pool))
    over = ", ".join(str(printer.name(name)) for name in printer.scope[before:])
    inner = printer.at_least(statement, (*path, 2), L.IFF)
    del printer.scope[before:]
    return Piece(rf"\forall {over}:\; {inner.text}", L.WHOLE, inner.tall, open=True)


_FUNCTIONS: dict[str, Callable[[_Printer, Term, Path], Piece]] = {
    "exp": _exp, "log": _log, "sqrt": _sqrt, "abs": _abs, "factorial": _factorial,
}  # fmt: skip
_PRINTERS: dict[str, Callable[[_Printer, Term, Path], Piece]] = {
    "q": _number, "v": _variable, "b": _bound, "c": _constant, "ix": _indexed, "call": _call,
    "+": _sum, "*": _product, "neg": _negative, "/": _quotient, "^": _power, "f": _function,
    "diff": _derivative, "subdiff": _derivative, "interval": _interval,
    "and": _connective, "or": _connective, "rec": _recurrence, "all": _for_all,
    **dict.fromkeys(BINDERS, _big), **dict.fromkeys(OPTIMA, _optimum), **dict.fromkeys(RELATIONS, _relation),
}  # fmt: skip

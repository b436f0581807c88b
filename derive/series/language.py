"""The language of schedules: the expressions of chains in t, with floor, mod, Piecewise and more functions."""

from __future__ import annotations

from derive.derivation import Assumptions, Symbol
from derive.errors import InputError
from derive.kernel.terms import FUNCTIONS, Term
from derive.names import free_names, is_claim
from derive.nodes import Node
from derive.parser import ADD, IFF, Parser
from derive.syntax import parse_given
from derive.tokens import Token

ROUNDING = ("floor", "ceiling", "frac")
WAVES = ("sin", "cos")
ONE_ARGUMENT = (
    *ROUNDING, *WAVES, "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "harmonic",
)  # fmt: skip
EXTRA = {**dict.fromkeys(ONE_ARGUMENT, (1, 1)), "mod": (2, 2), "binomial": (2, 2), "log": (1, 2)}
LEFT_OUT = ("erf", "kronecker")  # functions of chains that no rule of this package knows
T = ("v", "t")
MAX_SCHEDULE = 4000  # characters
TRUE: Term = ("and",)


def read_schedule(text: str, given: str = "") -> tuple[Term, Assumptions]:
    """The term of a schedule in t, and what is assumed of its parameters.

    Beyond the language of chains: floor, ceiling, frac, mod, binomial, harmonic, trigonometric and hyperbolic
    functions, log(x, base), Piecewise((value, condition), ..., (value, True)), and == for = in a condition.
    Errors: InputError with the column: not of the language, too large, an undeclared parameter.

    >>> read_schedule("eta0/t**p", "eta0 > 0; p real")[0]
    ('/', ('v', 'eta0'), ('^', ('v', 't'), ('v', 'p')))
    >>> read_schedule("1/(1 + k*t)")
    Traceback (most recent call last):
    derive.errors.InputError: k is not declared; add --given "k > 0", or whatever is known of it: k real
    """
    if len(text) > MAX_SCHEDULE:
        raise InputError(f"a schedule of {len(text)} characters", remedy=f"use at most {MAX_SCHEDULE}")
    assumptions = parse_given(given)
    for symbol in assumptions.symbols:
        if symbol.role != "scalar":
            raise InputError(f"{symbol.name} is no number", remedy="a parameter of a schedule is a plain name")
        if symbol.name == "t":
            raise InputError("t counts the steps and is no parameter", remedy="say from where on with --start")
        if symbol.name in EXTRA or symbol.name in ("Piecewise", "True"):
            raise InputError(f"{symbol.name} is a word of the language of schedules", remedy="use another name")
    names = {symbol.name: symbol for symbol in (*assumptions.symbols, Symbol("t", kind="integer"))}
    parser = _Reader(text.replace("==", " ="))
    try:
        term = parser.whole().term
    except RecursionError:
        raise InputError("nested too deeply", remedy="write it with fewer brackets") from None
    if is_claim(term):
        raise InputError("a comparison is no schedule", remedy="write the learning rate as an expression in t")
    for name, (role, _) in free_names(term).items():
        if role != "scalar" or name not in names:
            if role == "scalar":
                remedy = f'add --given "{name} > 0", or whatever is known of it: {name} real'
                raise InputError(f"{name} is not declared", remedy=remedy)
            raise InputError(f"{name} is no function or family that a schedule may use", remedy=f"use {_known()}")
    return term, assumptions


def _known() -> str:
    return ", ".join(sorted({*FUNCTIONS, *EXTRA, "Piecewise"} - {*LEFT_OUT}))


class _Reader(Parser):
    """The parser of chains with the further words of schedules."""

    def named(self, token: Token) -> Node:
        word, called = token.text, self.next.text == "("
        if word == "True" and not called:
            return Node(TRUE, 1, token.column, shape="claim")
        if word == "Piecewise" and called:
            return self.pieces(token)
        if word in LEFT_OUT or word in ("sum", "prod", "argmax", "argmin", "diff", "subdiff", "rec"):
            raise InputError(f"{word} is not for schedules", remedy=f"use {_known()}", column=token.column)
        if word not in EXTRA:
            if called and word not in FUNCTIONS:
                remedy = f"write {word}*(...) for a product, or use one of {_known()}"
                raise InputError(f"unknown function {word}", remedy=remedy, column=token.column)
            return super().named(token)
        if not called:
            raise InputError(f"{word} is a function", remedy=f"write {word}(...)", column=token.column)
        args = self.arguments()
        fewest, most = EXTRA[word]
        if not fewest <= len(args) <= most:
            count = f"{fewest}" if fewest == most else f"{fewest} or {most}"
            raise InputError(f"{word} takes {count} arguments, not {len(args)}", column=token.column)
        if word in ("binomial", "harmonic") and any(arg.too_large for arg in args):
            raise InputError(f"{word} of a number that is too large", remedy="use at most 1000", column=token.column)
        if word == "log" and len(args) == 2:
            logs = [self.node(("f", "log", arg.term), [arg], token.column) for arg in args]
            return self.node(("/", logs[0].term, logs[1].term), logs, token.column)
        return self.node(("f", word, *(arg.term for arg in args)), args, token.column)

    def pieces(self, token: Token) -> Node:
        """Piecewise((value, condition), ...): the first condition that holds counts; the last one is True."""
        self.take()
        parts: list[Node] = []
        while not parts or self.skip(","):
            self.expect("(", "before a value with its condition: Piecewise((value, condition), ..., (value, True))")
            value = self.parse(ADD)
            self.demand_values(value)
            self.expect(",", "and a condition")
            condition = self.parse(IFF)
            self.demand_claims(condition)
            self.expect(")", "after the condition")
            parts += [value, condition]
        self.expect(")", "to close Piecewise")
        if parts[-1].term != TRUE:
            raise InputError(
                "Piecewise does not say what holds otherwise", remedy="end it with (value, True)", column=token.column
            )
        return self.node(("piecewise", *(part.term for part in parts)), parts, token.column)


def uses(term: Term, *names: str) -> bool:
    """Whether a term mentions one of the names.

    >>> uses(("f", "log", T), "t"), uses(("c", "pi"), "t")
    (True, False)
    """
    if term[0] == "v":
        return term[1] in names
    return any(isinstance(part, tuple) and uses(part, *names) for part in term[1:])


def named(term: Term) -> bool:
    """Whether a term mentions any name at all."""
    return term[0] == "v" or any(isinstance(part, tuple) and named(part) for part in term[1:])


def put(term: Term, name: str, value: Term) -> Term:
    """The term with a name replaced; schedules bind no names.

    >>> put(("+", T, ("v", "a")), "t", ("v", "n"))
    ('+', ('v', 'n'), ('v', 'a'))
    """
    if term == ("v", name):
        return value
    return tuple(put(part, name, value) if isinstance(part, tuple) else part for part in term)

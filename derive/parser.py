"""The expression parser: operator precedence over tokens, each node carrying its depth and the size of its numerals."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple, NoReturn

from derive.errors import InputError
from derive.kernel.terms import BINDERS, CONSTANTS, FUNCTIONS, MAX_DEPTH, OPTIMA, RELATIONS, Term, abstract, mentions
from derive.names import Names, bound_by_name, conflict, free_names, how_to_use, is_claim, unknown_function
from derive.nodes import MAX_BITS, MAX_EXPONENT, Node, bits_of, size
from derive.tokens import CALCULUS, RESERVED, Cursor, Token

IFF, OR, AND, REL, ADD, MUL, POW = range(1, 8)  # binding strengths, the loosest first
# Operands recurse without a bracket, so the Python stack needs a bound of its own besides that on the term.
MAX_CALLS = 2 * MAX_DEPTH
_COMPARISONS = frozenset(RELATIONS) - {"<=>"}


class Parsed(NamedTuple):
    """A term, and the author's names of its bound indices in preorder (node; lo, hi, body)."""

    term: Term
    binders: tuple[str, ...]


def parse_expression(text: str, names: Names | None = None, *, offset: int = 0) -> Parsed:
    """One expression or claim of the chain language as a term; nothing is evaluated.

    With `names`, a function must be one of FUNCTIONS or declared there, and declared names keep their role.
    `offset` is added to the columns of errors. Errors: InputError with the column and a remedy.

    >>> parse_expression("sum(y[i], i, 1, N)")
    Parsed(term=('sum', ('q', Fraction(1, 1)), ('v', 'N'), ('ix', 'y', ('b', 0))), binders=('i',))
    """
    try:
        return Parser(text, names, offset).whole()
    except RecursionError:
        raise InputError("nested too deeply", remedy="name a part with define", column=offset + 1) from None


class Parser(Cursor):
    """A position in the tokens of one text, and how each name was used so far."""

    def __init__(self, text: str, names: Names | None = None, offset: int = 0) -> None:
        super().__init__(text, offset)
        self.names = names
        self.uses: dict[str, tuple[str, int, int]] = {}
        self.indices: dict[str, int] = {}
        self.calls = 0

    # --- nodes ------------------------------------------------------------------------------------------------------

    def node(self, term: Term, parts: list[Node], column: int, shape: str = "") -> Node:
        depth = 1 + max(part.depth for part in parts)
        if depth > MAX_DEPTH:
            raise InputError(f"nested more than {MAX_DEPTH} deep", remedy="name a part with define", column=column)
        binders = tuple(name for part in parts for name in part.binders)
        bits, power = size(term[0], parts)
        return Node(term, depth, min(column, parts[0].column), binders, shape, bits, power)

    def whole(self) -> Parsed:
        node = self.recurrence() if self.next.text == "rec" else self.parse(IFF)
        if self.next.kind != "end":
            self.unexpected("the end or an operator")
        self.check_indices(node)
        return Parsed(node.term, node.binders)

    def check_indices(self, node: Node) -> None:
        if not node.binders:
            return
        free = free_names(node.term)
        for name in node.binders:
            if name in free:
                raise InputError(
                    f"{name} is the index of a sum or product and also a name outside of it",
                    remedy="give the index another name",
                    column=self.indices[name],
                )

    def parse(self, strength: int) -> Node:
        """Everything that binds at least as tightly as `strength`."""
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise InputError("nested too deeply", remedy="name a part with define", column=self.next.column)
        left = self.prefix(strength)
        while True:
            token = self.next
            op = token.text
            if op == "**" and strength <= POW:
                left = self.power(left)
            elif op == "*" and strength <= MUL:
                left = self.row("*", left, MUL + 1)
            elif op == "/" and strength <= MUL:
                self.take()
                left = self.quotient(left, self.parse(MUL + 1), token.column)
            elif op in ("+", "-") and strength <= ADD:
                left = self.total(left)
            elif op in _COMPARISONS and strength <= REL:
                left = self.comparison(left)
            elif op == "&" and strength <= AND:
                left = self.row("and", left, REL)
            elif op == "|" and strength <= OR:
                left = self.row("or", left, AND)
            elif op == "<=>" and strength <= IFF:
                self.take()
                right = self.parse(OR)
                self.demand_claims(left, right)
                left = self.node(("<=>", left.term, right.term), [left, right], token.column, "claim")
                if self.next.text == "<=>":
                    self.unexpected("one <=> in a claim (a chain has a line for each)")
            else:
                self.calls -= 1
                return left

    def prefix(self, strength: int) -> Node:
        token = self.take()
        if token.kind == "number":
            value = Fraction(token.text)
            shape = "" if "." in token.text else "integer"
            return Node(("q", value), 1, token.column, (), shape, bits_of(value))
        if token.kind == "name":
            return self.named(token)
        if token.text == "-":
            inner = self.parse(MUL if strength <= MUL else POW)
            self.demand_values(inner)
            return self.node(("neg", inner.term), [inner], token.column)
        if token.text == "(":
            inner = self.parse(IFF)
            self.expect(")", "to close the bracket")
            return inner._replace(shape="group", column=token.column)
        if token.text == "[":
            low = self.value()
            self.expect(",", "between the ends of an interval")
            high = self.value()
            self.expect("]", "to close the interval")
            return self.node(("interval", low.term, high.term), [low, high], token.column)
        self.at -= token.kind != "end"
        if token.text == "+":
            raise InputError("a plus sign with nothing before it", remedy="leave it out", column=token.column)
        self.unexpected("a number, a name or a bracket")

    def value(self) -> Node:
        self.calls += 1  # the argument of a function costs more frames than a bracket
        node = self.parse(ADD)
        self.calls -= 1
        self.demand_values(node)
        return node

    # --- operators --------------------------------------------------------------------------------------------------

    def row(self, tag: str, first: Node, strength: int) -> Node:
        """A flat product, conjunction or disjunction; a group stays one member, so that it prints as written."""
        op = {"*": "*", "and": "&", "or": "|"}[tag]
        column, parts = self.next.column, [first]
        while self.skip(op):
            parts.append(self.parse(strength))
        (self.demand_values if tag == "*" else self.demand_claims)(*parts)
        terms: list[Term] = []
        for part in parts:
            terms.extend(part.term[1:] if part.shape == "chain" and tag == "and" else (part.term,))
        return self.node((tag, *terms), parts, column, "" if tag == "*" else "claim")

    def total(self, first: Node) -> Node:
        column, parts = self.next.column, [first]
        while self.next.text in ("+", "-"):
            sign = self.take()
            part = self.parse(MUL)
            self.demand_values(part)
            parts.append(part if sign.text == "+" else self.node(("neg", part.term), [part], sign.column))
        self.demand_values(first)
        return self.node(("+", *(part.term for part in parts)), parts, column)

    def quotient(self, left: Node, right: Node, column: int) -> Node:
        self.demand_values(left, right)
        if left.shape == right.shape == "integer" and right.term[1] != 0:
            value = left.term[1] / right.term[1]
            return left._replace(term=("q", value), shape="", bits=bits_of(value))
        return self.node(("/", left.term, right.term), [left, right], column)

    def power(self, base: Node) -> Node:
        column = self.take().column
        exponent = self.parse(POW)
        self.demand_values(base, exponent)
        if exponent.power:
            raise InputError("a tower of powers of numbers", remedy="write the exponent as one number", column=column)
        if exponent.too_large:
            raise InputError(
                "an exponent that is too large",
                remedy=f"a number in an exponent may be at most {MAX_EXPONENT}, as may its denominator",
                column=exponent.column,
            )
        node = self.node(("^", base.term, exponent.term), [base, exponent], column)
        if node.bits is not None and max(node.bits) > MAX_BITS:
            raise InputError(
                "a power of numbers that is too large", remedy=f"keep it below 2**{MAX_BITS:.0f}", column=column
            )
        return node

    def comparison(self, first: Node) -> Node:
        column, parts, ops = self.next.column, [first], []
        while self.next.text in _COMPARISONS:
            ops.append(self.take().text)
            parts.append(self.parse(ADD))
        self.demand_values(*parts)
        pairs = [
            self.node((op, left.term, right.term), [left, right], column, "claim")
            for op, left, right in zip(ops, parts, parts[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else self.node(("and", *(p.term for p in pairs)), pairs, column, "chain")

    def demand_values(self, *nodes: Node) -> None:
        for node in nodes:
            if is_claim(node.term):
                raise InputError(
                    "a comparison stands where a number is needed", remedy="join comparisons by & or |",
                    column=node.column,
                )  # fmt: skip

    def demand_claims(self, *nodes: Node) -> None:
        for node in nodes:
            if not is_claim(node.term):
                raise InputError(
                    "&, | and <=> join comparisons, and this is not one", remedy="write for instance a > 0 & b > 0",
                    column=node.column,
                )  # fmt: skip

    # --- names ------------------------------------------------------------------------------------------------------

    def named(self, token: Token) -> Node:
        word = token.text
        called = self.next.text == "("
        if word in CONSTANTS and not called:
            return Node(("c", word), 1, token.column)
        if word in OPTIMA:
            return self.optimum(token)
        if word in BINDERS and called:
            return self.binder(token)
        if word in CALCULUS and called:
            return self.derivative(token)
        if word in FUNCTIONS and called:
            args = self.arguments()
            fewest, most = FUNCTIONS[word]
            if not fewest <= len(args) <= most:
                count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
                raise InputError(f"{word} takes {count} arguments, not {len(args)}", column=token.column)
            if word in ("factorial", "gamma") and args[0].too_large:
                raise InputError(
                    f"{word} of a number that is too large", remedy=f"use at most {MAX_EXPONENT}", column=token.column
                )
            return self.node(("f", word, *(arg.term for arg in args)), args, token.column)
        if word in RESERVED:
            raise InputError(f"{word} is a word of the language", remedy=how_to_use(word), column=token.column)
        if called:
            args = self.arguments()
            self.use(token, "function", len(args))
            return self.node(("call", word, *(arg.term for arg in args)), args, token.column)
        if self.next.text == "[":
            self.take()
            args = self.values("]", "to close the index")
            self.use(token, "indexed", len(args))
            return self.node(("ix", word, *(arg.term for arg in args)), args, token.column)
        self.use(token, "scalar", 0)
        return Node(("v", word), 1, token.column)

    def use(self, token: Token, role: str, arity: int) -> None:
        """Record a use of a name, and refuse it if the name was declared or used as something else."""
        name = token.text
        declared = self.names.get(name) if self.names is not None else None
        if declared is None and role == "function" and self.names is not None:
            raise unknown_function(name, self.names, token.column)
        if declared is not None:
            then, count, how = declared.role, declared.arity, "declared as"
        else:
            then, count, column = self.uses.setdefault(name, (role, arity, token.column))
            how = f"used in column {column} as"
        if (then, count) != (role, arity):
            raise conflict(name, (then, count), (role, arity), how, token.column)

    def arguments(self) -> list[Node]:
        self.expect("(", "before the arguments")
        return self.values(")", "to close the arguments")

    def values(self, close: str, why: str) -> list[Node]:
        args = [self.value()]
        while self.skip(","):
            args.append(self.value())
        if self.next.text != close:
            self.unexpected(f"',' or '{close}'" if self.next.kind != "end" else f"'{close}' {why}")
        self.take()
        return args

    def plain_name(self, what: str) -> Token:
        token = self.next
        if token.kind != "name":
            self.unexpected(what)
        if token.text in RESERVED:
            raise InputError(f"{token.text} is a word of the language", remedy="use another name", column=token.column)
        return self.take()

    # --- binders and calculus ---------------------------------------------------------------------------------------

    def binder(self, token: Token) -> Node:
        self.take()
        parts = [self.value()]
        self.expect(",", f"and an index: {token.text}(body, i, lo, hi)")
        index = self.plain_name("the name of an index")
        name = index.text
        for which in ("lower", "upper"):
            self.expect(",", f"and the {which} bound: {token.text}(body, {name}, lo, hi)")
            parts.append(self.value())
        self.expect(")", f"to close {token.text}")
        body, low, high = parts
        if self.names is not None and name in self.names:
            self.bad_index(index, f"the index {name} is also a declared name")
        self.use(index, "scalar", 0)
        if name in body.binders:
            self.bad_index(index, f"the index {name} is used again inside its {token.text}")
        if mentions(low.term, name) or mentions(high.term, name):
            self.bad_index(index, f"the bounds of a {token.text} may not use its index {name}")
        if bound_by_name(body.term, name):
            self.bad_index(index, f"the index {name} is also the variable of an argmax, argmin or derivative")
        self.indices.setdefault(name, index.column)
        node = self.node((token.text, low.term, high.term, abstract(body.term, name)), [low, high, body], token.column)
        return node._replace(binders=(name, *node.binders))

    def bad_index(self, index: Token, message: str) -> NoReturn:
        raise InputError(message, remedy="give the index another name", column=index.column)

    def optimum(self, token: Token) -> Node:
        self.expect("[", f"and the variables: {token.text}[w] body")
        names: list[str] = []
        while not names or self.skip(","):
            name = self.plain_name("the name of a variable")
            if name.text in names:
                raise InputError(f"{name.text} is named twice", remedy="name it once", column=name.column)
            self.use(name, "scalar", 0)
            names.append(name.text)
        self.expect("]", "to close the variables")
        body = self.value()
        return self.node((token.text, tuple(names), body.term), [body], token.column)

    def derivative(self, token: Token) -> Node:
        self.take()
        body = self.value()
        self.expect(",", f"and a variable: {token.text}(body, w)")
        variable = self.named(self.plain_name("the name of a variable, or a place w[k] of a family"))
        if variable.term[0] not in ("v", "ix"):
            raise InputError("a derivative is taken with respect to a name w or a place w[k]", column=variable.column)
        self.expect(")", f"to close {token.text}: the variable is a plain name or a place w[k]")
        return self.node((token.text, body.term, variable.term), [body, variable], token.column)

    def recurrence(self) -> Node:
        """`rec e[t+1] = STEP, e[0] = INITIAL => e[t] = CLOSED`."""
        begin = self.take()
        family = self.plain_name("the name of a sequence")
        self.expect("[", "and the next index: rec e[t+1] = ...")
        index = self.plain_name("the name of an index")
        for text in ("+", "1", "]", "="):
            self.expect(text, f"in rec {family.text}[{index.text}+1] = ...")
        self.use(family, "indexed", 1)
        self.use(index, "scalar", 0)
        step = self.value()
        self.expect(",", f"and the start: rec ..., {family.text}[0] = ... => ...")
        self.member(family.text)
        start = self.value()
        integer = start.term[1] if start.term[0] == "neg" else start.term
        if not (start.term[0] == "v" or (integer[0] == "q" and integer[1].denominator == 1)):
            raise InputError("a recurrence starts at an integer or a name", remedy="write e[0]", column=start.column)
        self.expect("]", "to close the index")
        self.expect("=", "and the first value")
        initial = self.value()
        self.expect("=>", f"and the closed form: ... => {family.text}[{index.text}] = ...")
        self.member(family.text)
        if self.next.text != index.text:
            self.unexpected(f"the index {index.text}")
        self.take()
        self.expect("]", "to close the index")
        self.expect("=", "and the closed form")
        closed = self.value()
        for part, what, names in (
            (start, "the start", (family.text, index.text)),
            (initial, "the first value", (family.text, index.text)),
            (closed, "the closed form", (family.text,)),
        ):
            for name in names:
                if mentions(part.term, name):
                    raise InputError(f"{what} may not use {name}", remedy="write it without", column=part.column)
        terms = (start.term, step.term, initial.term, closed.term)
        return self.node(
            ("rec", family.text, index.text, *terms), [start, step, initial, closed], begin.column, "claim"
        )

    def member(self, family: str) -> None:
        if self.next.text != family:
            self.unexpected(f"{family}[...]")
        self.take()
        self.expect("[", f"after {family}")

"""Re-checks a certificate: a strict loader, then one rule after the other. Any exception is a refusal."""

import json
import re
from fractions import Fraction
from typing import Any, NamedTuple

from derive.kernel import signs as S
from derive.kernel import terms as T
from derive.kernel.poly import Context
from derive.kernel.rules import RULES, Step, apply, unfold
from derive.kernel.terms import Refused, Term, require

FORMAT = "symstep-certificate/1"
FIELDS = {"format", "symbols", "facts", "model", "definitions", "claim", "steps"}
# CHAINS[r][s]: what u r v and v s w say of u and w
CHAINS = {"=": {r: r for r in T.RELATIONS}} | {r: {"=": r, r: r} for r in ("<", "<=", ">", ">=", "<=>")}
CHAINS |= {"!=": {"=": "!="}, "<": {"=": "<", "<": "<", "<=": "<"}, ">": {"=": ">", ">": ">", ">=": ">"}}
CHAINS["<="]["<"], CHAINS[">="][">"] = "<", ">"
# tag -> its parts: T a number, P any term, B a number under the node's binder, T* any number of T, and see Loader.part
SHAPES = {
    "q": "number", "v": "scalar", "b": "index", "c": "constant", "ix": "indexed T*", "call": "function T*",
    "f": "known T*", "+": "T T T*", "*": "T T T*", "neg": "T", "/": "T T", "^": "T T", "interval": "T T",
    "sum": "T T B", "prod": "T T B", "argmax": "scalars T", "argmin": "scalars T", "diff": "T T", "subdiff": "T T",
    "and": "P*", "or": "P P P*", "all": "count B", "differentiable": "any", "rec": "sequence scalar T T T T",
    "slope": "any any argument",
    **dict.fromkeys(T.RELATIONS, "P P"),
}  # fmt: skip
NUMBERS = ("q", "v", "b", "c", "ix", "call", "f", "+", "*", "neg", "/", "^", "sum", "prod", "diff")


class Report(NamedTuple):
    """What an accepted certificate proves: the claim, per step the numbers of the assumptions used, its identity."""

    claim: Term
    used: list[list[int]]
    digest: str


def check_text(text: str) -> Report:
    """Check the JSON text of a certificate. Raises Refused."""
    require(len(text.encode("utf-8", "replace")) <= T.MAX_BYTES, f"a certificate has at most {T.MAX_BYTES} bytes")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        require(len(dict(pairs)) == len(pairs), "a key comes twice")
        return dict(pairs)

    def no_float(text: str) -> Any:
        raise Refused(f"numbers are strings of exact rationals, not {text}")

    try:
        document = json.loads(text, object_pairs_hook=unique, parse_float=no_float, parse_constant=no_float)
    except (ValueError, RecursionError) as error:
        raise Refused(f"not JSON: {error}") from None
    return check(document)


def check(document: Any) -> Report:
    """Check a certificate as JSON data. Raises Refused, also where anything at all goes wrong."""
    try:
        return _check(document)
    except Refused:
        raise
    except Exception as error:  # fail closed: a certificate that breaks the checker is refused
        raise Refused(f"malformed certificate: {type(error).__name__}: {error}") from error


def _check(document: Any) -> Report:
    known = isinstance(document, dict) and set(document) == FIELDS and document["format"] == FORMAT
    require(known, f"a certificate has the fields {', '.join(sorted(FIELDS))} and the format {FORMAT}")
    loader = Loader()
    for name, role, arity, kind in document["symbols"]:
        loader.declare(name, role, arity, kind)
    for name, arity, body in document["definitions"]:  # the parameters are indices, the last one innermost
        term = loader.unfolded(body, arity)
        require(all(t[0] not in T.OPTIMA for t in T.subterms(term)), f"{name} is defined by an argmax or argmin", term)
        loader.declare(name, "function" if arity else "scalar", arity, "real")
        loader.definitions[name] = (arity, term)
    facts = [loader.unfolded(fact) for fact in document["facts"]]
    satisfiable(facts, {name: loader.number(value) for name, value in document["model"].items()}, loader.kinds)
    steps = [loader.step(step) for step in document["steps"]]
    relation, used = "=", []
    for k, step in enumerate(steps):
        joins = step.relation in CHAINS[relation] and (not k or step.before == steps[k - 1].after)
        require(joins, f"step {k + 1} does not begin where step {k} ended, or its relation does not chain", step.before)
        relation = CHAINS[relation][step.relation]
        try:
            used.append(judge(step, facts, loader.definitions, loader.kinds))
        except Refused as refusal:
            raise Refused(f"step {k + 1}, {step.rule}: {refusal}", refusal.term) from refusal
    claim = loader.term(document["claim"])
    require(claim == (relation, steps[0].before, steps[-1].after), "the claim is not what the steps prove", claim)
    return Report(claim, used, T.digest(document))


def judge(step: Step, facts: list[Term], definitions: dict[str, tuple[int, Term]], kinds: dict[str, str]) -> list[int]:
    """Judge one step, whose hints are unfolded already. Returns the numbers of the assumptions used."""
    ctx = Context(kinds, RULES[step.rule][2])
    for number, fact in enumerate(facts):
        ctx = S.assume(fact, ctx, number)
    before, after = unfold(step.before, definitions), unfold(step.after, definitions)
    apply(step._replace(before=before, after=after), ctx)
    return sorted(number for number in ctx.used if number >= 0)


def satisfiable(facts: list[Term], model: dict[str, Fraction], kinds: dict[str, str]) -> None:
    """Refuse unless the model, one number for each name, satisfies every assumption: else all would follow."""
    ctx = Context({}, frozenset({"sum", "log"}))

    def at(term: Term) -> Term:  # an index that is not the place of a family stays in it, and is refused
        return T.q(model[term[1]]) if term[0] in ("v", "ix", "call") else T.rebuild(term, lambda part, _: at(part))

    whole = all(kinds[name] == "real" or value.denominator == 1 for name, value in model.items())
    require(whole, "the model gives an integer a fraction")
    for fact in facts:
        if fact[0] == "slope":  # in the model a function is constant, so its derivative is 0
            fact = ("=", ("v", fact[2]), T.ZERO)
        relation, *sides = fact[2] if fact[0] == "all" else fact
        require(relation in (*S.SIGNS, "differentiable"), f"{relation} cannot be assumed", fact)
        if relation != "differentiable":
            left, right = map(at, sides)
            S.defined((relation, left, right), ctx)
            S.need(T.sub(left, right), relation, "an assumption at the model", ctx)


class Loader:
    """Reads terms strictly: every name declared and used as declared, arity and depth and size bounded."""

    def __init__(self) -> None:
        self.roles: dict[str, tuple[str, int]] = {}
        self.kinds: dict[str, str] = {}
        self.definitions: dict[str, tuple[int, Term]] = {}
        self.nodes, self.left = 0, [T.MAX_NODES]  # how many were read, and how many may come out of definitions

    def declare(self, name: Any, role: Any, arity: Any, kind: Any) -> None:
        least, most = {"scalar": (0, 0), "indexed": (1, 64), "function": (1, 64)}[role]
        new = re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,63}", name) and name not in self.roles
        fits = type(arity) is int and least <= arity <= most and kind in ("real", "integer")
        require(new and fits, f"the declaration of {name!r} is malformed or comes twice")
        self.roles[name], self.kinds[name] = (role, arity), kind

    def number(self, data: Any) -> Fraction:
        fits = len(data) <= T.MAX_DIGITS and re.fullmatch("-?[0-9]+(/[1-9][0-9]*)?", data)
        require(fits, f"a number is a string such as '-1/2', not {data!r:.80}")
        return Fraction(data)

    def unfolded(self, data: Any, bound: int = 0) -> Term:
        return unfold(self.term(data, bound), self.definitions, self.left)

    def term(self, data: Any, bound: int = 0, depth: int = 0) -> Term:
        """A term under so many binders; the shape of every node is checked."""
        self.nodes += 1
        small = depth <= T.MAX_DEPTH and self.nodes <= T.MAX_NODES
        require(small, f"terms are at most {T.MAX_DEPTH} deep, and have {T.MAX_NODES} nodes in all")
        tag, *items = data if type(data) is list else ("a term is a list",)
        *shape, last = SHAPES[tag].split()
        many = len(items) - len(shape) if last[1:] == "*" else 0
        shape += [last[0]] * many if last[1:] == "*" else [last]
        parts: list[Any] = []
        for kind, item in zip(shape, items, strict=True):
            if kind in ("T", "P", "B"):
                require(kind == "P" or tag == "all" or item[0] in NUMBERS, f"{tag} takes a number here")
                under = (parts[0] if tag == "all" else 1) if kind == "B" else 0
                parts.append(self.term(item, bound + under, depth + 1))
            else:
                parts.append(self.part(kind, item, bound, many))
        if tag == "slope":
            f, slope, k = parts
            alike = self.roles[f] == self.roles[slope] and k < self.roles[f][1]
            require(alike and not self.definitions.keys() & {f, slope}, f"{slope} cannot be the derivative of {f}")
        return (tag, *parts)

    def part(self, kind: str, item: Any, bound: int, many: int) -> Any:
        """A part that is no term; `many` is the number of arguments after it."""
        if kind == "number":
            return self.number(item)
        if kind == "scalars" and type(item) is list and item:
            return tuple(self.part("scalar", name, 0, 0) for name in item)
        if kind in ("index", "count", "argument"):
            least, most = {"index": (0, bound), "count": (1, 0 if bound else 9), "argument": (0, 64)}[kind]
            fits = type(item) is int and least <= item < most
        elif kind in ("known", "constant"):
            fits = item in T.CONSTANTS if kind == "constant" else T.FUNCTIONS[item][0] <= many <= T.FUNCTIONS[item][1]
        else:
            role, arity = self.roles[item]
            fits = (role, arity) == {"sequence": ("indexed", 1), "any": ("function", arity)}.get(kind, (kind, many))
        require(fits, f"{item!r} is not what is expected here: {kind}")
        return item

    def step(self, data: Any) -> Step:
        rule, read = self.how(data, "relation", "from", "to")
        require(data["relation"] in T.RELATIONS, f"{data['relation']!r} is no relation")
        return Step(rule, data["relation"], self.term(data["from"]), self.term(data["to"]), read)

    def how(self, data: Any, *fields: str, depth: int = 0) -> tuple[str, dict[str, Any]]:
        """A rule with its hints, under so many sums."""
        hints = RULES[data["rule"]][1]
        require(set(data) == {"rule", *fields, *hints}, f"{data['rule']} takes {', '.join((*fields, *hints))}")
        return data["rule"], {name: self.hint(data[name], kind, depth) for name, kind in hints.items()}

    def hint(self, data: Any, kind: str, depth: int) -> Any:
        if kind == "term":
            return self.unfolded(data)
        if kind == "cases":
            return [(self.hint(case, "case", 0), [self.unfolded(form) for form in forms]) for case, forms in data]
        if kind == "steps":
            return [self.how(how, depth=depth) for how in data]
        if kind == "each":  # under a sum, whose index has the name that signs.opened gives it
            self.roles[f"#{depth}"] = ("scalar", 0)
            found = self.how(data, depth=depth + 1)
            del self.roles[f"#{depth}"]
            return found
        expected: Any = {"name": str, "flag": bool, "case": int}[kind]
        require(type(data) is expected and (kind != "case" or data >= 0), f"a hint is not a {kind}")
        return data

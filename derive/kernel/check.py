"""Re-checks a certificate: a strict loader, then one rule after the other. Any exception is a refusal."""

import json
import re
from fractions import Fraction
from typing import Any, NamedTuple

from derive.kernel import signs as S
from derive.kernel import terms as T
from derive.kernel.context import Context
from derive.kernel.rules import RULES, TRUE, Step, unfold
from derive.kernel.terms import Refused, Term, q, sub

FORMAT = "symstep-certificate/1"
FIELDS = {"format", "symbols", "facts", "model", "definitions", "claim", "steps"}
# CHAINS[r][s]: what u r v and v s w say of u and w
CHAINS = {"=": {r: r for r in T.RELATIONS}} | {r: {"=": r, r: r} for r in ("<", "<=", ">", ">=", "<=>")}
CHAINS |= {"!=": {"=": "!="}}
for weak, strict_one in (("<=", "<"), (">=", ">")):
    CHAINS[weak][strict_one] = CHAINS[strict_one][weak] = strict_one

# tag -> its parts: T a number, P any term, body a term under the node's binder, T* any number of T, else see Loader.part
SHAPES = {
    "q": "number", "v": "scalar", "b": "index", "c": "constant", "ix": "indexed T*", "call": "function T*",
    "f": "known T*", "+": "T T T*", "*": "T T T*", "neg": "T", "/": "T T", "^": "T T", "interval": "T T",
    "sum": "T T body", "prod": "T T body", "argmax": "scalars T", "argmin": "scalars T", "diff": "T T",
    "subdiff": "T T", "and": "P*", "or": "P P P*", "all": "count body", "differentiable": "any",
    "rec": "sequence scalar T T T T", **dict.fromkeys(T.RELATIONS, "P P"),
}  # fmt: skip
NUMBERS = {"q", "v", "b", "c", "ix", "call", "f", "+", "*", "neg", "/", "^", "sum", "prod", "diff"}


class Report(NamedTuple):
    """What an accepted certificate proves: the claim, per step the numbers of the assumptions used, its identity."""

    claim: Term
    used: list[list[int]]
    digest: str


def check_text(text: str) -> Report:
    """Check the JSON text of a certificate. Raises Refused."""
    if len(text.encode("utf-8", "replace")) > T.MAX_BYTES:
        raise Refused(f"a certificate has at most {T.MAX_BYTES} bytes")

    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key comes twice")
        return dict(pairs)

    def no_float(text: str) -> Any:
        raise ValueError(f"numbers are strings of exact rationals, not {text}")

    try:
        document = json.loads(text, object_pairs_hook=no_duplicates, parse_float=no_float, parse_constant=no_float)
    except (ValueError, RecursionError) as error:
        raise Refused(f"not JSON as it should be: {error}") from None
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
    if not isinstance(document, dict) or set(document) != FIELDS or document["format"] != FORMAT:
        raise Refused(f"a certificate has the fields {', '.join(sorted(FIELDS))} and the format {FORMAT}")
    loader = Loader(document["symbols"])
    definitions: dict[str, tuple[int, Term]] = {}
    for name, arity, body in document["definitions"]:  # the parameters are indices, the last one innermost
        loader.name(name)
        if type(arity) is not int or arity < 0:
            raise Refused(f"{name} has no such number of parameters")
        term = unfold(loader.term(body, arity), definitions)
        if any(part[0] in T.OPTIMA for part in T.subterms(term)):
            raise Refused(f"the definition of {name} contains an argmax or argmin")
        definitions[name] = (arity, term)
        loader.roles[name] = ("function" if arity else "scalar", arity)
    facts = [unfold(loader.term(fact), definitions) for fact in document["facts"]]
    satisfiable(facts, document["model"], loader)
    steps = [loader.step(step) for step in document["steps"]]
    relation, used = "=", []
    for k, step in enumerate(steps):
        if k and step.before != steps[k - 1].after:
            raise Refused(f"step {k + 1} does not begin where step {k} ended", step.before)
        if step.relation not in CHAINS[relation]:
            raise Refused(f"step {k + 1}: {relation} and {step.relation} do not chain")
        relation = CHAINS[relation][step.relation]
        try:
            used.append(judge(step, facts, definitions, loader.kinds))
        except Refused as refusal:
            raise Refused(f"step {k + 1}, {step.rule}: {refusal}", refusal.term) from refusal
    claim = loader.term(document["claim"])
    if claim != (relation, steps[0].before, steps[-1].after):
        raise Refused("the claim is not what the steps prove", claim)
    return Report(claim, used, T.digest(document))


def judge(step: Step, facts: list[Term], definitions: dict[str, tuple[int, Term]], kinds: dict[str, str]) -> list[int]:
    """Judge one step: both sides defined, then the rule. Returns the numbers of the assumptions used."""

    rule, hint_kinds, laws = RULES[step.rule]
    ctx = Context(kinds, laws)
    for number, fact in enumerate(facts):
        S.assume(fact, ctx, number)
    before, after = unfold(step.before, definitions), unfold(step.after, definitions)
    if step.rule not in ("subgrad_abs", "induction"):  # these two look at the parts of what is no value
        S.defined(before, ctx)
        S.defined(after, ctx)
    hints = dict(step.hints)
    for name, kind in hint_kinds.items():
        if kind == "term":
            hints[name] = unfold(hints[name], definitions)
        elif kind == "cases":
            hints[name] = [(case, [unfold(form, definitions) for form in forms]) for case, forms in hints[name]]
    rule(step._replace(before=before, after=after, hints=hints), ctx)
    return sorted(number for number in ctx.used if number >= 0)


def satisfiable(facts: list[Term], model: Any, loader: "Loader") -> None:
    """Refuse unless the model, one number for each name, satisfies every assumption: else all would follow."""
    values = {name: loader.number(value) for name, value in model.items()}
    ctx = Context({}, frozenset({"sum", "log"}))

    def at(term: Term) -> Term:
        return q(values[term[1]]) if term[0] in ("v", "ix", "call") else T.rebuild(term, lambda part, _: at(part))

    if any(loader.kinds[name] == "integer" and value.denominator > 1 for name, value in values.items()):
        raise Refused("the model gives an integer a fraction")
    for fact in facts:
        inner = fact[2] if fact[0] == "all" else fact
        if inner[0] in S.MASKS:  # an index that is no place of a family stays in it, and is refused
            S.defined(at(inner), ctx)
            S.need(sub(at(inner[1]), at(inner[2])), inner[0], "an assumption at the model", ctx)
        elif inner[0] != "differentiable":
            raise Refused(f"{inner[0]} cannot be assumed", inner)


class Loader:
    """Reads terms strictly: every name declared and used as declared, arity and depth and size bounded."""

    def __init__(self, symbols: Any) -> None:
        self.roles: dict[str, tuple[str, int]] = {}
        self.kinds: dict[str, str] = {}
        self.nodes = 0
        for name, role, arity, kind in symbols:
            self.name(name)
            least = {"scalar": 0, "indexed": 1, "function": 1}[role]
            if type(arity) is not int or arity < least or (arity and not least) or kind not in ("real", "integer"):
                raise Refused(f"the declaration of {name} is malformed")
            self.roles[name], self.kinds[name] = (role, arity), kind

    def name(self, data: str) -> None:
        if not re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,63}", data) or data in self.roles:
            raise Refused(f"{data!r} is no name, or declared twice")

    def number(self, data: Any) -> Fraction:
        if type(data) is not str or len(data) > T.MAX_DIGITS or not re.fullmatch("-?[0-9]+(/[1-9][0-9]*)?", data):
            raise Refused(f"a number is a string such as '-1/2', not {data!r}")
        return Fraction(data)

    def term(self, data: Any, bound: int = 0, depth: int = 0) -> Term:
        """A term under so many binders; the shape of every node is checked."""
        self.nodes += 1
        if depth > T.MAX_DEPTH or self.nodes > T.MAX_NODES:
            raise Refused(f"terms are at most {T.MAX_DEPTH} deep, and have {T.MAX_NODES} nodes in all")
        tag, *items = data if type(data) is list else ("",)
        shape = SHAPES[tag].split()
        many = len(items) - len(shape) + 1 if shape[-1][-1] == "*" else 0
        shape[-1:] = [shape[-1][0]] * many if shape[-1][-1] == "*" else shape[-1:]
        if len(shape) != len(items):
            raise Refused(f"malformed term: {json.dumps(data)[:80]}")
        parts: list[Any] = []
        for kind, item in zip(shape, items, strict=True):
            if kind == "T" and item[0] not in NUMBERS:
                raise Refused(f"a number is expected, not {item[0]}")
            if kind in ("T", "P"):
                parts.append(self.term(item, bound, depth + 1))
            elif kind == "body":
                parts.append(self.term(item, bound + (parts[0] if tag == "all" else 1), depth + 1))
            else:
                parts.append(self.part(kind, item, many, bound))
        return (tag, *parts)

    def part(self, kind: str, item: Any, many: int, bound: int) -> Any:
        """A part that is not a term."""
        if kind == "number":
            return self.number(item)
        if kind == "scalars" and type(item) is list and item:
            return tuple(self.part("scalar", name, 0, 0) for name in item)
        if kind in ("index", "count"):
            fits = type(item) is int and (0 <= item < bound if kind == "index" else 0 < item <= 8 and not bound)
        elif kind == "known":
            fits = T.FUNCTIONS[item][0] <= many <= T.FUNCTIONS[item][1]
        elif kind == "constant":
            fits = item in T.CONSTANTS
        else:
            role, arity = self.roles[item]
            fits = (role, arity) == {"sequence": ("indexed", 1), "any": ("function", arity)}.get(kind, (kind, many))
        if not fits:
            raise Refused(f"{item!r} is not what is expected here: {kind}")
        return item

    def step(self, data: Any) -> Step:
        hints = RULES[data["rule"]][1]
        if set(data) != {"rule", "relation", "from", "to", *hints} or data["relation"] not in T.RELATIONS:
            raise Refused(f"a step of {data['rule']} has a relation, from, to and {', '.join(hints) or 'nothing more'}")
        read = {name: self.hint(data[name], kind) for name, kind in hints.items()}
        return Step(data["rule"], data["relation"], self.term(data["from"]), self.term(data["to"]), read)

    def hint(self, data: Any, kind: str) -> Any:
        if kind == "term":
            return self.term(data)
        if kind == "cases":
            return [(self.hint(case, "case"), [self.term(form) for form in forms]) for case, forms in data]
        if type(data) is not {"name": str, "flag": bool, "case": int}[kind]:
            raise Refused(f"a hint is not a {kind}")
        return data


__all__ = ["FORMAT", "TRUE", "Loader", "Report", "check", "check_text", "judge"]

"""Re-checks a certificate: a strict loader, then one rule after the other. Any exception is a refusal."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any, NamedTuple

from derive.kernel import signs as S
from derive.kernel.context import Context
from derive.kernel.rules import RULES, TRUE, Step, unfold
from derive.kernel.terms import (
    BINDERS, CONSTANTS, FUNCTIONS, MAX_BYTES, MAX_DEPTH, MAX_DIGITS, MAX_NODES, OPTIMA, RELATIONS, Refused, Term,
    digest, q, rebuild, subterms,
)  # fmt: skip

FORMAT = "symstep-certificate/1"
FIELDS = {"format", "symbols", "facts", "model", "definitions", "claim", "steps"}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
CHAINS = {"=": {"=": "="}} | {r: {"=": r, r: r} for r in ("<", "<=", ">", ">=", "<=>", "!=")}
for weak, strict_one in (("<=", "<"), (">=", ">")):
    CHAINS[weak][strict_one] = CHAINS[strict_one][weak] = strict_one


class Report(NamedTuple):
    """What an accepted certificate proves: the claim, per step the numbers of the assumptions used, its identity."""

    claim: Term
    used: list[list[int]]
    digest: str


def check_text(text: str) -> Report:
    """Check the JSON text of a certificate. Raises Refused."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise Refused(f"a certificate has at most {MAX_BYTES} bytes")
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates, parse_float=_no_float, parse_constant=_no_float)
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
    if not isinstance(document, dict) or set(document) != FIELDS or document["format"] != FORMAT:
        raise Refused(f"a certificate has the fields {', '.join(sorted(FIELDS))} and the format {FORMAT}")
    loader = Loader(document["symbols"])
    definitions: dict[str, tuple[int, Term]] = {}
    for name, arity, body in document["definitions"]:  # the parameters are indices, the last one innermost
        if not loader.name(name) or name in loader.roles or type(arity) is not int or arity < 0:
            raise Refused(f"a definition of {name!r} is malformed or comes twice")
        term = unfold(loader.term(body, arity), definitions)
        if any(part[0] in OPTIMA for part in subterms(term)):
            raise Refused(f"the definition of {name} contains an argmax or argmin")
        definitions[name] = (arity, term)
        loader.roles[name] = ("function", arity) if arity else ("scalar", 0)
    facts = [unfold(loader.term(fact, 0), definitions) for fact in document["facts"]]
    satisfiable(facts, document["model"], loader)
    steps = [loader.step(step) for step in document["steps"]]
    if not steps:
        raise Refused("a certificate has at least one step")
    relation, used = steps[0].relation, []
    for k, step in enumerate(steps):
        if k:
            if step.before != steps[k - 1].after:
                raise Refused(f"step {k + 1} does not begin where step {k} ended", step.before)
            if step.relation not in CHAINS[relation]:
                raise Refused(f"step {k + 1}: {relation} and {step.relation} do not chain")
            relation = CHAINS[relation][step.relation]
        try:
            used.append(judge(step, facts, definitions, loader.kinds))
        except Refused as refusal:
            raise Refused(f"step {k + 1}, {step.rule}: {refusal}", refusal.term) from refusal
    claim = loader.term(document["claim"], 0)
    if claim != (relation, steps[0].before, steps[-1].after):
        raise Refused("the claim is not what the steps prove", claim)
    return Report(claim, used, digest(document))


def judge(step: Step, facts: list[Term], definitions: dict[str, tuple[int, Term]], kinds: dict[str, str]) -> list[int]:
    """Judge one step: both sides defined, then the rule. Returns the numbers of the assumptions used."""
    rule, _, laws = RULES[step.rule]
    ctx = Context(kinds, laws)
    for number, fact in enumerate(facts):
        S.assume(fact, ctx, number)
    before, after = unfold(step.before, definitions), unfold(step.after, definitions)
    for side in (before, after):
        if side[0] not in ("subdiff", "rec"):  # values of their own kind; the rule that takes them looks at the parts
            S.defined(side, ctx)
    hints = {name: unfold(hint, definitions) if kind == "term" else hint
             for (name, hint), kind in zip(step.hints.items(), RULES[step.rule][1].values(), strict=True)}  # fmt: skip
    rule(step._replace(before=before, after=after, hints=hints), ctx)
    return sorted(number for number in ctx.used if number >= 0)


def satisfiable(facts: list[Term], model: Any, loader: Loader) -> None:
    """Refuse unless the model, one number for each name, satisfies every assumption: else all would follow."""
    values = {name: loader.number(value) for name, value in model.items()}
    ctx = Context({}, frozenset({"sum", "log"}))

    def at(term: Term) -> Term:
        return q(values[term[1]]) if term[0] in ("v", "ix", "call") else rebuild(term, lambda part, _: at(part))

    if any(loader.kinds[name] == "integer" and value.denominator > 1 for name, value in values.items()):
        raise Refused("the model gives an integer a fraction")
    for fact in facts:
        inner = fact[2] if fact[0] == "all" else fact
        for part in inner[1:] if inner[0] == "and" else (inner,):
            if part[0] in S.MASKS:
                S.defined(at(part), ctx)
                S.need(("+", at(part[1]), ("neg", at(part[2]))), part[0], "an assumption at the model", ctx)
            elif part[0] != "differentiable":
                raise Refused(f"{part[0]} cannot be assumed", part)


class Loader:
    """Reads terms strictly: every name declared and used as declared, arity and depth and size bounded."""

    def __init__(self, symbols: Any) -> None:
        self.roles: dict[str, tuple[str, int]] = {}
        self.kinds: dict[str, str] = {}
        self.nodes = 0
        for name, role, arity, kind in symbols:
            if not self.name(name) or name in self.roles or kind not in ("real", "integer"):
                raise Refused(f"the declaration of {name!r} is malformed or comes twice")
            if role not in ("scalar", "indexed", "function") or type(arity) is not int or (role == "scalar") != (arity == 0):
                raise Refused(f"the role of {name} is malformed")
            self.roles[name] = (role, arity)
            self.kinds[name] = kind

    @staticmethod
    def name(data: Any) -> bool:
        return isinstance(data, str) and NAME.match(data) is not None

    def known(self, data: Any) -> bool:
        return isinstance(data, str) and data in self.roles

    def number(self, data: Any) -> Fraction:
        if not isinstance(data, str) or len(data) > MAX_DIGITS or not re.fullmatch(r"-?\d+(/[1-9]\d*)?", data, re.ASCII):
            raise Refused(f"a number is a string such as '-1/2', not {data!r}")
        return Fraction(data)

    def term(self, data: Any, bound: int, depth: int = 0) -> Term:
        """A term under so many binders; the shape of every node is checked."""
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise Refused(f"terms are at most {MAX_DEPTH} deep, and have {MAX_NODES} nodes in all")
        tag, parts = data[0], data[1:]

        def inner(*items: Any, under: int = 0) -> tuple[Term, ...]:
            return tuple(self.term(item, bound + under, depth + 1) for item in items)

        n = len(parts)
        if tag == "q" and n == 1:
            return q(self.number(parts[0]))
        if tag == "v" and n == 1 and self.roles.get(parts[0]) == ("scalar", 0):
            return ("v", parts[0])
        if tag == "b" and n == 1 and type(parts[0]) is int and 0 <= parts[0] < bound:
            return ("b", parts[0])
        if tag == "c" and n == 1 and parts[0] in CONSTANTS:
            return ("c", parts[0])
        if tag in ("ix", "call") and self.roles.get(parts[0]) == ("indexed" if tag == "ix" else "function", n - 1):
            return (tag, parts[0], *inner(*parts[1:]))
        if (tag in ("+", "*") and n >= 2) or (tag in ("and", "or") and (n >= 2 or data == ["and"])):
            return (tag, *inner(*parts))
        if (tag == "neg" and n == 1) or (tag in ("/", "^", "interval", *RELATIONS) and n == 2):
            return (tag, *inner(*parts))
        if tag == "f" and parts[0] in FUNCTIONS and FUNCTIONS[parts[0]][0] <= n - 1 <= FUNCTIONS[parts[0]][1]:
            return ("f", parts[0], *inner(*parts[1:]))
        if tag in BINDERS and n == 3:
            return (tag, *inner(*parts[:2]), *inner(parts[2], under=1))
        if tag in OPTIMA and n == 2 and parts[0] and all(self.roles.get(name) == ("scalar", 0) for name in parts[0]):
            return (tag, tuple(parts[0]), *inner(parts[1]))
        if tag in ("diff", "subdiff") and n == 2:
            return (tag, *inner(*parts))
        if tag == "all" and n == 2 and not bound and type(parts[0]) is int and 0 < parts[0] <= 8:
            return (tag, parts[0], *inner(parts[1], under=parts[0]))
        if tag == "differentiable" and n == 1 and self.roles.get(parts[0], ("",))[0] == "function":
            return (tag, parts[0])
        if tag == "rec" and n == 6 and self.roles.get(parts[0]) == ("indexed", 1) and self.roles.get(parts[1]) == ("scalar", 0):
            return (tag, parts[0], parts[1], *inner(*parts[2:]))
        raise Refused(f"malformed term: {json.dumps(data)[:80]}")

    def step(self, data: Any) -> Step:
        if data["rule"] not in RULES:
            raise Refused(f"unknown rule {data['rule']!r}")
        hints = RULES[data["rule"]][1]
        if set(data) != {"rule", "relation", "from", "to", *hints} or data["relation"] not in CHAINS:
            raise Refused(f"a step of {data['rule']} has a relation, from, to and {', '.join(hints) or 'nothing more'}")
        read = {name: self.hint(data[name], kind) for name, kind in hints.items()}
        before, after = self.term(data["from"], 0), self.term(data["to"], 0)
        return Step(data["rule"], data["relation"], before, after, read)

    def hint(self, data: Any, kind: str) -> Any:
        if kind == "term":
            return self.term(data, 0)
        if kind == "cases":
            return [(int(choice), [self.term(form, 0) for form in forms]) for choice, forms in data]
        if type(data) is not {"name": str, "flag": bool}[kind]:
            raise Refused(f"a hint is not a {kind}")
        return data


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise Refused("a key comes twice")
    return dict(pairs)


def _no_float(text: str) -> Any:
    raise Refused(f"numbers are strings of exact rationals, not {text}")


__all__ = ["FORMAT", "TRUE", "Loader", "Report", "check", "check_text", "judge"]

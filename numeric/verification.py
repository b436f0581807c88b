"""Is this code that rule? A proof for all inputs, or the smallest counterexample, or the map under which both agree.

    numeric.verify("torch.optim.RMSprop", "rmsprop").verdict        # 'equal'

The code becomes a rule (`numeric.lift`), a map between the two is searched for (`numeric.matching`), and what was found
is proved by the kernel (`numeric.obligations`); or they are seen to differ at exact numbers (`numeric.witnesses`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.ascii import show
from derive.derivation import Derivation
from derive.errors import InputError, Undecided
from derive.kernel.terms import Term, subterms
from derive.limits import Patience
from derive.relations import tidy
from derive.update_rule import PARAMETER, RATE, STEP, UpdateRule, names_in, optimizer, put
from numeric.correspondence import Paired, pairings, parsed
from numeric.matching import Map, maps
from numeric.obligations import PATIENCE, prove
from numeric.witnesses import STEPS, counterexample

if TYPE_CHECKING:
    from numeric.lift import Lifted

PROOFS = 4  # maps that are tried to be proved before it is undecided
CLOSEST = 3  # rules that are judged when none is named


@dataclass(frozen=True)
class Verdict:
    """What was found out: `verdict` is "equal", "equal_under", "different" or "undecided".

    `hyper` and `state` give what the rule calls so in the code's names; `proofs` are the judged derivations of an equal
    verdict. A witness has the exact inputs, the step t after which the two differ, both values, and all steps. `reason`
    says why nothing is decided, or under which other map two rules that differ would be the same.
    """

    target: str
    rule: str
    how: str
    verdict: str
    hyper: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()
    difference: str = ""
    witness: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    lifted_rule: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    proofs: tuple[Derivation, ...] = ()
    code: UpdateRule | None = None
    claimed: UpdateRule | None = None

    @property
    def names(self) -> dict[str, str]:
        """What the target itself calls its hyperparameters and state, where formulas call them otherwise."""
        hypers = self.code.hyperparameters if self.code else ()
        found = {hyper.name: hyper.aliases[0] for hyper in hypers if hyper.aliases}
        return found | {
            s.name: s.meaning.en for s in (self.code.state if self.code else ()) if s.meaning.en.isidentifier()
        }

    def to_json(self) -> dict[str, Any]:
        """The document that the command prints.

        `map` goes from the code's hyperparameters to the rule's; `hyperparameters` has those of the rule, as formulas.
        """
        called = self.names
        named = {
            called.get(text, text): name for name, text in self.hyper.items() if re.fullmatch(r"[A-Za-z]\w*", text)
        }
        return {
            "target": self.target, "rule": self.rule, "how": self.how, "verdict": self.verdict, "map": named,
            "names": called, "hyperparameters": dict(self.hyper), "state_map": dict(self.state),
            "conditions": list(self.conditions),
            "difference": self.difference, "witness": dict(self.witness),
            "defaults": {k: dict(v) for k, v in self.defaults.items()}, "fixed": dict(self.fixed),
            "lifted_rule": dict(self.lifted_rule), "reason": self.reason,
            "certificates": [proof.digest for proof in self.proofs],
        }  # fmt: skip


def verify(
    target: Any, rule: str | UpdateRule | None = None, *, symbols: tuple[str, ...] = (), **settings: Any
) -> Verdict:
    """Whether an implementation computes an update rule, for all inputs.

    `target` is a name such as "torch.optim.Adam" or "optax.adam", "path/to/file.py:name", or what `numeric.lift.lift`
    gave; `rule` is a rule or its name in the library, and without it the nearest one is looked for. `settings` fix
    hyperparameters or flags of the target; `symbols` names those that are off by default and shall stay symbols.
    Errors: InputError for what cannot be read or is not there; MissingDependency where its package is not installed.
    """
    claimed = optimizer(rule) if isinstance(rule, str) else rule  # an unknown rule is an error before anything is read
    lifted = target if hasattr(target, "first") else _lift(target, settings, symbols)
    return closest(lifted) if claimed is None else judge(lifted, claimed)


def attempt(target: str | None, rule: str | None, symbols: Sequence[str], settings: Sequence[str]) -> Verdict:
    """What a command line asks for; code that is beyond what can be read is undecided."""
    if not target:
        raise InputError("there is no target", remedy="name one, or --all torch")
    try:
        return verify(target, rule, symbols=tuple(symbols), **dict(map(setting, settings)))
    except Undecided as error:
        return Verdict(target, rule or "", "", "undecided", reason=str(error))


def setting(text: str) -> tuple[str, Any]:
    """NAME=VALUE of a command line: true and false are flags, none is None, what reads as a number is one.

    >>> setting("nesterov=true"), setting("lr=0.01"), setting("decoupled_weight_decay=False")
    (('nesterov', True), ('lr', 0.01), ('decoupled_weight_decay', False))
    """
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or name in ("target", "rule", "symbols"):
        raise InputError(f"{text[:80]!r} sets nothing", remedy="write it as lr=0.01")
    known = {"true": True, "false": False, "none": None}
    if value.lower() in known:
        return name, known[value.lower()]
    for kind in (int, float):
        with suppress(ValueError):
            number = kind(value)
            if number == number and abs(number) != float("inf"):
                return name, number
    raise InputError(f"{value[:80]!r} is no value for {name}", remedy="give a number, true, false or none")


def _lift(target: Any, settings: Mapping[str, Any], symbols: tuple[str, ...]) -> Lifted:
    from numeric.lift import lift

    return lift(target, settings, symbols)


# --- the nearest rule -------------------------------------------------------------------------------------------------


def closest(lifted: Lifted) -> Verdict:
    """The verdict on the rule of the library that is proved to be it, the plainest map first; else on the likeliest."""
    from derive.library.optimizers import OPTIMIZERS

    best: Verdict | None = None
    for formulas in (False, True):
        found = []
        for rule in OPTIMIZERS.values():
            match = _match(lifted, rule, formulas=formulas)
            if match is not None:
                found.append((rank(*match, lifted, rule), rule))
        for _, rule in sorted(found, key=lambda row: row[0])[:CLOSEST]:
            verdict = judge(lifted, rule)
            if verdict.verdict == "equal":
                return verdict
            if best is None or verdict.verdict == "equal_under" != best.verdict:
                best = verdict
            if verdict.verdict == "undecided":
                break  # the plainest map there is, and beyond what we prove: others are no better
        if best is not None:
            return best
    same_state = [rule for rule in OPTIMIZERS.values() if len(rule.state) == len(lifted.rule.state)]
    likely = min(same_state or OPTIMIZERS.values(), key=lambda rule: unlike(rule, lifted.rule))
    return judge(lifted, likely)


def _match(lifted: Lifted, rule: UpdateRule, *, formulas: bool) -> tuple[Paired, Map] | None:
    for pair in pairings(lifted, rule):
        for found in maps(pair, formulas=formulas):
            if acceptable(pair, found):
                return pair, found
    return None


def rank(pair: Paired, found: Map, lifted: Lifted, rule: UpdateRule) -> tuple[bool, bool, int, int, float]:
    """How plain a map is: no condition before one, names before formulas, few hyperparameters with a value."""
    changed = any(found.hyper[name] != pair.plain[name] for name in pair.plain)
    alike = difflib.SequenceMatcher(None, lifted.target.split(".")[-1].lower(), rule.name).ratio()
    return found.constant, changed, len(pair.conditions), sum(map(len, found.state.values())), -alike


def unlike(rule: UpdateRule, other: UpdateRule) -> int:
    """How many kinds of parts two steps do not share: which rule a wrong one was meant to be."""
    mine, theirs = (
        {(n[0], *n[1:2]) if n[0] == "f" else (n[0],) for n in subterms(r.step[PARAMETER])} for r in (rule, other)
    )
    sizes = [sum(1 for _ in subterms(r.step[PARAMETER])) for r in (rule, other)]
    return 10 * len(mine ^ theirs) + abs(sizes[0] - sizes[1])


# --- the judgement ----------------------------------------------------------------------------------------------------


def judge(lifted: Lifted, rule: UpdateRule) -> Verdict:
    """The verdict on one rule."""
    base = Verdict(
        target=lifted.target, rule=rule.name, how=lifted.how, verdict="undecided", fixed=dict(lifted.fixed),
        lifted_rule={name: show(term) for name, term in lifted.rule.step.items() if name in lifted.first},
        code=lifted.rule, claimed=rule,
    )  # fmt: skip
    unproved, elsewise = "", ""
    refuted: list[Verdict] = []
    open_ = False
    for pair in pairings(lifted, rule):
        here = replace(base, defaults=differing_defaults(lifted, pair))
        verdict, missing, other = _judged(here, pair)
        if verdict.verdict.startswith("equal"):
            return verdict
        unproved, elsewise = unproved or missing, elsewise or other
        refuted += [verdict] if verdict.verdict == "different" else []
        open_ = open_ or verdict.verdict != "different"
        if open_ and not missing and refuted:
            break
    if open_ or not refuted:  # under one of the ways in which names may correspond nothing is known
        reason = f"both agree in trial runs, but it is not proved: {unproved}" if unproved else verdict.reason
        return replace(verdict, verdict="undecided", reason=reason, witness={})
    return replace(refuted[0], reason=elsewise)


def _judged(base: Verdict, pair: Paired) -> tuple[Verdict, str, str]:
    """The verdict for one way in which names correspond; why it is not equal though it seems so; what would be."""
    missing, elsewise, constant = "", "", False
    seems: list[Map] = []
    tried = 0
    patience = Patience(PATIENCE)
    for found in maps(pair):
        if found.constant and any(replace(found, constant=False) == before for before in seems):
            continue  # what is not proved for any rates is no more so for one of them
        if tried == PROOFS or patience.left <= 0:
            break
        if not acceptable(pair, found):
            elsewise = elsewise or _elsewise(pair, found)
            continue
        tried += 1
        proof = prove(pair, found, base.target, patience)
        if not proof.missing:
            changed = any(found.hyper[name] != pair.plain[name] for name in pair.plain)
            verdict = "equal_under" if proof.conditions or changed else "equal"
            own = replace(base, verdict=verdict, hyper=_own(found.hyper, pair), state=_own(found.state, pair),
                          conditions=tuple(_own_text(text, pair) for text in proof.conditions),
                          proofs=proof.derivations)  # fmt: skip
            return own, "", ""
        missing = missing or proof.missing
        seems.append(found)
        constant = constant or found.constant
    hyper = _own(pair.plain, pair)
    base = replace(base, hyper=hyper, difference=difference(pair))
    # Where they seem to be equal under a condition or a formula, only what differs under it as well counts.
    if any(found.hyper != dict(pair.plain) for found in seems):
        return base, missing, elsewise
    witness = counterexample(pair, constant=constant)
    if witness is None:
        reason = f"no map is found under which they agree, and no difference in {STEPS} steps"
        return replace(base, reason=reason), missing, elsewise
    return replace(base, verdict="different", witness=witness), missing, elsewise


def acceptable(pair: Paired, found: Map) -> bool:
    """Whether code that is the rule under this map may be called the rule.

    A learning rate with another constant factor is a convention only where the step is linear in the gradients, as in
    momentum; elsewhere, and where it varies with t, it is what a wrong factor or a missing bias correction looks like.
    Where the gradient is taken is not for the code to choose.
    """
    if found.elsewhere:
        return False
    rate = found.hyper.get(RATE)
    if rate is None or rate == pair.plain[RATE]:
        return True
    return STEP not in names_in(parsed(rate)) and linear(pair.claimed) and linear(pair.code.rule)


def linear(rule: UpdateRule) -> bool:
    """Whether a step is linear in the gradients as far as its form tells: no root, sign, power or quotient of them."""
    data = {PARAMETER, "g", *(state.name for state in rule.state)}
    for term in rule.step.values():
        for node in subterms(term):
            parts = {"/": node[2:], "^": node[1:], "f": node[2:]}.get(node[0], ())
            if any(names_in(part) & data for part in parts):
                return False
    return True


def _elsewise(pair: Paired, found: Map) -> str:
    """Under which map, that is none of the claimed rule's own, the two agree."""
    changed = [f"{n} = {_own_text(t, pair)}" for n, t in found.hyper.items() if t != pair.plain[n]]
    taken = [f"the gradient is taken at {pair.claimed.gradient_at}"] if found.elsewhere else []
    return f"in trial runs they agree if {' and '.join([*changed, *taken])}"


def _own_text(text: str, pair: Paired) -> str:
    """A text in the names that the code itself has."""
    return re.sub(r"[A-Za-z][A-Za-z0-9]*", lambda m: pair.originals.get(m[0], m[0]), text)


def _own(texts: Mapping[str, str], pair: Paired) -> dict[str, str]:
    return {name: _own_text(text, pair) for name, text in texts.items()}


def difference(pair: Paired) -> str:
    """What the code takes from w in a step less what the claimed rule takes."""
    hyper = {name: parsed(text) for name, text in pair.plain.items()}
    return _own_text(f"({show(step_of(pair.code.rule, {}))}) - ({show(step_of(pair.claimed, hyper))})", pair)


def step_of(rule: UpdateRule, hyper: Mapping[str, Term]) -> Term:
    """What is taken from w in one step."""
    after = tidy(put(rule.step[PARAMETER], hyper))
    if after[0] == "+" and after[1] == ("v", PARAMETER):
        taken = tuple(part[1] if part[0] == "neg" else ("neg", part) for part in after[2:])
        return taken[0] if len(taken) == 1 else ("+", *taken)
    return ("+", ("v", PARAMETER), ("neg", after))


def differing_defaults(lifted: Lifted, pair: Paired) -> dict[str, dict[str, str]]:
    """Defaults that are others: reported, but no reason for another verdict."""
    found = {}
    for hyper in pair.claimed.hyperparameters:
        mine = pair.plain[hyper.name]
        theirs = lifted.defaults.get(pair.originals.get(mine, mine))
        if theirs is not None and _number(theirs) != hyper.value:
            found[hyper.name] = {"rule": hyper.default, "target": theirs}
    return found


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


__all__ = ["Verdict", "acceptable", "attempt", "closest", "judge", "setting", "verify"]

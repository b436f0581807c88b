"""The hyperparameters of a target: their names, defaults and domains, and which of them are symbols."""

from __future__ import annotations

import difflib
import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from derive.derivation import Text
from derive.errors import InputError
from derive.tokens import RESERVED
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, Hyperparameter
from numeric.lift import expressions as ex
from numeric.lift.expressions import Node
from numeric.lift.intervals import REALS, Interval
from numeric.lift.tracked import Tracked

_ZERO, _ONE = Fraction(0), Fraction(1)
_MEMORY = Interval(_ZERO, _ONE, below=True)
_POSITIVE, _NOT_NEGATIVE = Interval(_ZERO, above=True), Interval(_ZERO)
# What a hyperparameter of such a name is, whoever wrote it: constructors check less (eps >= 0, RMSprop any alpha).
DOMAINS: dict[str, Interval] = {
    RATE: _NOT_NEGATIVE, "eps": _POSITIVE, "epsilon": _POSITIVE, "epsroot": _NOT_NEGATIVE, "lam": _NOT_NEGATIVE,
    "weightdecay": _NOT_NEGATIVE, "wd": _NOT_NEGATIVE, "lambd": _NOT_NEGATIVE, "lrdecay": _NOT_NEGATIVE,
    "momentumdecay": _NOT_NEGATIVE, "t0": _NOT_NEGATIVE, "initialaccumulatorvalue": _NOT_NEGATIVE,
    "initialscale": _NOT_NEGATIVE, "dampening": Interval(_ZERO, _ONE), "power": _NOT_NEGATIVE,
    "etaminus": Interval(_ZERO, _ONE, True, True), "etaplus": Interval(_ONE, above=True),
    "stepsizemin": _POSITIVE, "stepsizemax": _POSITIVE, "minstepsize": _POSITIVE, "maxstepsize": _POSITIVE,
    **dict.fromkeys(
        ("beta", "beta1", "beta2", "beta3", "b1", "b2", "b3", "rho", "mu", "momentum", "alpha", "decay", "gamma"),
        _MEMORY,
    ),
}  # fmt: skip
# ... but for some targets
_OTHERS: dict[tuple[str, str], Interval] = {("ASGD", "alpha"): _NOT_NEGATIVE}
_ORDERED = {"stepsizemax": "stepsizemin", "maxstepsize": "minstepsize"}
_RATES = ("lr", "learning_rate", "learningrate", "eta")
_PAIRS = {"etas": ("etaminus", "etaplus"), "step_sizes": ("stepsizemin", "stepsizemax")}
# A value for a hyperparameter whose default is 0 or None, where it is to be a symbol: one like any other
_GENERIC = 0.37


@dataclass(frozen=True)
class Setting:
    """One number that a target takes: `name` is ours, `source` that of the target, `place` where in a pair it stands.

    Without a node it is off, or in a pair it may be fixed to `shadow`, the number that the code gets to see.
    """

    name: str
    source: str
    place: int | None
    default: str
    node: Node | None = None
    shadow: float = 0.0
    domain: str = ""

    def hyperparameter(self) -> Hyperparameter:
        """As an update rule has it; the default 0 where the target has none."""
        others = [self.source] * (self.place is None) + ["lr"] * (self.name == RATE)
        aliases = tuple(name for name in dict.fromkeys(others) if name != self.name)
        return Hyperparameter(self.name, self.default or "0", self.domain, Text(), aliases)


@dataclass(frozen=True)
class Settings:
    """All settings of a target; `flags` are the other arguments that were given."""

    numbers: tuple[Setting, ...]
    flags: Mapping[str, Any]

    @property
    def symbols(self) -> tuple[Setting, ...]:
        return tuple(setting for setting in self.numbers if setting.node is not None)

    @property
    def defaults(self) -> dict[str, str]:
        return {setting.name: setting.default for setting in self.numbers if setting.default}

    def without(self, name: str) -> Settings:
        """The same with one symbol fixed to 0."""
        numbers = tuple(replace(s, node=None, shadow=0.0) if s.name == name else s for s in self.numbers)
        single = {s.source: 0.0 for s in self.numbers if s.name == name and s.place is None}
        return Settings(numbers, {**self.flags, **single})

    def arguments(self, made: Callable[[Setting], Any]) -> dict[str, Any]:
        """What the target is called with: flags as they are, symbols as `made` makes them."""
        pairs: dict[str, list[Any]] = {}
        for setting in self.numbers:
            if setting.place is not None:
                pairs.setdefault(setting.source, []).append(made(setting))
        single = {s.source: made(s) for s in self.symbols if s.place is None}
        given = {name: tuple(value) for name, value in pairs.items() if name not in self.flags}
        flags = {name: _exact(value) for name, value in self.flags.items()}
        return given | single | flags


def _exact(value: Any) -> Any:
    """A number that was given, as the decimal that it was written as."""
    if isinstance(value, tuple):
        return tuple(_exact(part) for part in value)
    return Tracked(value, ex.decimal(value)) if isinstance(value, float) and math.isfinite(value) else value


def decimal_text(value: float | int) -> str:
    """A number as exact decimal text.

    >>> decimal_text(1e-08), decimal_text(0.999), decimal_text(50)
    ('1e-8', '0.999', '50')
    """
    text = repr(value + 0).removesuffix(".0")
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else text


def ascii_name(text: str, taken: Collection[str], suffix: str) -> str:
    """A name of letters and digits that is still free.

    >>> ascii_name("exp_avg", (), "state"), ascii_name("sum", (), "state")
    ('expavg', 'sumstate')
    """
    bare = re.sub(r"[^A-Za-z0-9]", "", text)
    bare = bare if bare[:1].isalpha() else f"x{bare}"
    free = (bare, f"{bare}{suffix}", *(f"{bare}{suffix}{n}" for n in range(1, 100)))
    blocked = {*taken, *RESERVED, PARAMETER, GRADIENT, STEP}
    return next(name for name in free if name not in blocked)


def domain_of(name: str, target: str = "") -> Interval:
    """The domain of a hyperparameter of that name."""
    return _OTHERS.get((target.rpartition(".")[2], name), DOMAINS.get(name, REALS))


def domain_text(name: str, interval: Interval) -> str:
    """The domain as a fact, "" for all reals.

    >>> domain_text("beta1", domain_of("beta1"))
    '0 <= beta1 < 1'
    """
    left, right = "<" if interval.above else "<=", "<" if interval.below else "<="
    if name in _ORDERED:
        return f"{name} >= {_ORDERED[name]}"
    if interval.low is not None and interval.high is not None:
        return f"{interval.low} {left} {name} {right} {interval.high}"
    if interval.low is not None:
        return f"{name} {left.replace('<', '>')} {interval.low}"
    return "" if interval.high is None else f"{name} {right} {interval.high}"


def read_settings(
    target: str, parameters: Mapping[str, inspect.Parameter], settings: Mapping[str, Any], symbols: Collection[str],
    skipped: Collection[str] = (),
) -> Settings:  # fmt: skip
    """What is a symbol and what is fixed, from the signature of a target.

    Names may be those of the target, or ours (beta1 of betas). Errors: InputError for a name that is none.
    """
    numbers: list[Setting] = []
    left, wanted = dict(settings), set(symbols)
    flags = {name: left.pop(name) for name in settings if name in parameters and name not in skipped}
    for source, parameter in parameters.items():
        if source in skipped or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        default = None if parameter.default is parameter.empty else parameter.default
        parts = default if isinstance(default, tuple) else (default,)
        for place, part in enumerate(parts):
            is_number = isinstance(part, int | float) and not isinstance(part, bool)
            required = parameter.default is parameter.empty or (part is None and source in _RATES)
            if not (is_number or required or part is None or source in wanted):
                continue
            pair = place if isinstance(default, tuple) else None
            name = _own_name(source, pair, [number.name for number in numbers])
            text = decimal_text(part) if is_number and part is not None else ""
            off = not (source in wanted or name in wanted) and (not part if not required else False)
            is_float = any(isinstance(each, float) for each in parts) or "float" in str(parameter.annotation)
            is_symbol = not off and (is_float or required or bool({source, name} & wanted))
            wanted -= {source, name}
            if name in left or source in flags:
                is_symbol = False
                if name in left and pair is not None:
                    numbers.append(Setting(name, source, pair, text, None, _number(name, left.pop(name))))
                    continue
                if name in left:
                    flags[source] = left.pop(name)
            if not (is_number or is_symbol):
                continue
            interval = domain_of(name, target)
            node = ex.name(name, interval) if is_symbol else None
            shadow = float(part) if part else _GENERIC if not required else 0.01
            numbers.append(Setting(name, source, pair, text, node, shadow, domain_text(name, interval)))
    for name in (*left, *wanted):
        known = [*(each for each in parameters if each not in skipped), *(number.name for number in numbers)]
        near = difflib.get_close_matches(str(name), known, 1)
        raise InputError(
            f"{target} has no hyperparameter {name}", remedy=f"did you mean {near[0]}?" if near
            else f"there are {', '.join(known)}",
        )  # fmt: skip
    return Settings(tuple(numbers), flags)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} is {str(value)[:40]}", remedy="expected a number")
    return value


def _own_name(source: str, place: int | None, taken: list[str]) -> str:
    if source in _RATES:
        return RATE
    if place is not None:
        known = _PAIRS.get(source, ())
        return known[place] if place < len(known) else f"{ascii_name(source, taken, '').removesuffix('s')}{place + 1}"
    return ascii_name(source, taken, "hyper")

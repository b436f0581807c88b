"""A rule as a `torch.optim.Optimizer`: parameter groups, closures, schedulers on `lr`, `state_dict`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from derive.kernel.terms import Term
from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP, put
from numeric.export.body import body
from numeric.export.python import TAKEN, Python, as_number, indented, inside, is_zero, power
from numeric.export.source import Source, chain, domain, shown
from numeric.program import Operation, Program
from numeric.translation import translate
from numeric.writing import ADD, Names, Text, write

_CLAMP = {"maximum": "min", "minimum": "max"}  # what is below a number is raised to it, and so on
_LOCAL = {"torch", "contextlib", "self", "params", "param", "param_group", "options", "group", "state", "loss",
          "closure", "old", "start", "super", "ValueError", "RuntimeError", "lr"}  # fmt: skip
_COUNT = "step"  # the key of the number of steps, as in the optimizers of torch


class Torch(Python):
    """Tensors; scalars are Python floats."""

    taken = TAKEN | _LOCAL

    def operation(self, value: Operation, arguments: Sequence[Text]) -> Text:
        if value.op == "divide" and value.dims and not arguments[0].array:
            # c/x of torch is c times the reciprocal of x: two roundings in place of one.
            above, below = arguments
            return Text(f"torch.full_like({below.text}, {above.text}).div_({below.text})", array=True)
        return super().operation(value, arguments)

    def on_arrays(self, value: Operation, arguments: Sequence[Text]) -> Text:
        if value.op == "power":
            return power(arguments, True)
        if value.op in _CLAMP and not all(argument.array for argument in arguments):
            array, bound = sorted(arguments, key=lambda argument: not argument.array)
            return Text(f"torch.clamp({array.text}, {_CLAMP[value.op]}={bound.text})", array=True)
        name = "abs" if value.op == "absolute" else value.op
        return Text(f"torch.{name}({inside(arguments)})", array=True)

    def copied(self, text: str) -> str:
        return f"{text}.clone()"


def torch_text(source: Source) -> str:
    """The source of the module.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> text = torch_text(Source(OPTIMIZERS["adam"]))
    >>> "class Adam(torch.optim.Optimizer):" in text, "lr=0.001, beta1=0.9" in text
    (True, True)
    """
    name = "".join(word[0].upper() + word[1:] for word in source.words)
    names = Names(Torch.taken)
    places = {each: names.free(each) for each in (PARAMETER, GRADIENT, STEP, *source.states, *source.hyperparameters)}
    # In a group the learning rate is `lr`, which schedulers look for; all else has its name of the book.
    keys = {each: "lr" if each == RATE else places[each] for each in source.hyperparameters}
    found = _Class(source, places, keys, Torch(), names)
    methods = [found.constructor(), found.groups(), found.state(), found.step()]
    if source.point is not None:
        methods.insert(3, found.at_point(source.point))
    imports = [
        *(["contextlib"] if source.point is not None else []),
        *(["math"] if "math" in found.language.used else []),
    ]
    lines = [
        f"class {name}(torch.optim.Optimizer):",
        f'    """{name}: the rule, its source and its hyperparameters are at the top of this file."""',
    ]
    for method in methods:
        lines += ["", *indented(1, method)]
    note = "lr is eta; it may be changed between steps, as schedulers do. Hyperparameters may differ between groups."
    return "\n".join([
        *source.comment("#", note), "", *(f"import {module}" for module in imports), *([""] if imports else []),
        "import torch", "", "", *found.language.helpers(), *lines, "",
    ])  # fmt: skip


@dataclass(frozen=True)
class _Class:
    """The methods. `places` has the local names of what the rule names, `keys` the hyperparameters in a group."""

    source: Source
    places: dict[str, str]
    keys: dict[str, str]
    language: Torch
    names: Names

    def constructor(self) -> list[str]:
        options = "".join(f", {self.keys[name]}={value}" for name, value in self.source.defaults.items())
        pairs = ", ".join(f'"{key}": {key}' for key in self.keys.values())
        return [f"def __init__(self, params{options}):", f"    super().__init__(params, {{{pairs}}})"]

    def groups(self) -> list[str]:
        """Refuse what is outside its domain, whenever a group is added."""
        checks: list[str] = []
        named: dict[str, Term] = {name: ("v", key) for name, key in self.keys.items()}
        for hyper in self.source.rule.hyperparameters:
            for facts in chain(domain(hyper.domain)):
                key = self.keys[hyper.name]
                told = shown([put(fact, named) for fact in facts])
                checks += [
                    f"if not {self.condition(facts)}:",
                    f'    raise ValueError(f"{key} = {{{key}!r}}: expected {told}")',
                ]
        reads = [f'{key} = options["{key}"]' for key in self.keys.values()]
        return [
            "def add_param_group(self, param_group):",
            *(indented(1, ["options = {**self.defaults, **param_group}", *reads, *checks]) if checks else []),
            "    super().add_param_group(param_group)",
        ]

    def condition(self, facts: Sequence[Term]) -> str:
        """A chain of relations in the names of the group."""
        first, *others = (self.side(side) for side in (facts[0][1], *(fact[2] for fact in facts)))
        signs = ("==" if fact[0] == "=" else fact[0] for fact in facts)
        return first + "".join(f" {sign} {text}" for sign, text in zip(signs, others, strict=True))

    def side(self, term: Term) -> str:
        program = translate({"side": term}, scalars=self.source.hyperparameters)
        return self.expressions(program, self.keys)["side"].within(ADD)

    def expressions(self, program: Program, places: dict[str, str]) -> dict[str, Text]:
        """The outputs of a program, each as one expression."""
        every = range(len(program.values))
        texts = write(program, self.language, self.names, places, {}, inline=every).texts
        return {name: texts[number] for name, number in program.outputs}

    def state(self) -> list[str]:
        """The state of a parameter, made where there is none yet."""
        initial = self.source.initial
        w = self.places[PARAMETER]
        lines = []
        for name, text in self.expressions(initial, self.places).items():
            if name in self.source.scalars:
                begin = as_number(text)
            elif text.array:
                begin = f"{w}.clone()" if text.text == w else text.text
            else:
                begin = f"torch.zeros_like({w})" if is_zero(text) else f"torch.full_like({w}, {text.text})"
            lines.append(f'state["{self.key(name)}"] = {begin}')
        return [
            "@torch.no_grad()",
            f"def _state(self, {w}, group):",
            f"    state = self.state[{w}]",
            "    if not state:",
            f'        state["{_COUNT}"] = 0',
            *indented(2, [*self.of_group(initial), *lines]),
            "    return state",
        ]

    def key(self, state: str) -> str:
        return f"{state}_" if state == _COUNT else state

    def of_group(self, program: Program) -> list[str]:
        read = _read(program)
        return [f'{self.places[name]} = group["{key}"]' for name, key in self.keys.items() if name in read]

    def of_state(self, program: Program) -> list[str]:
        read = _read(program)
        return [f'{self.places[name]} = state["{self.key(name)}"]' for name in self.source.states if name in read]

    def at_point(self, program: Program) -> list[str]:
        """A context in which the parameters are the point at which the gradient is taken."""
        w = self.places[PARAMETER]
        return [
            "@contextlib.contextmanager",
            "def at_point(self):",
            '    """Within it the parameters are where the gradient is to be taken; step(closure) does this, too."""',
            "    old = []",
            "    try:",
            "        with torch.no_grad():",
            "            for group in self.param_groups:",
            *indented(4, self.of_group(program)),
            f'                for {w} in group["params"]:',
            f"                    state = self._state({w}, group)",
            *indented(5, self.of_state(program)),
            f"                    old.append(({w}, {w}.clone()))",
            f"                    {w}.copy_({self.expressions(program, self.places)['point'].text})",
            "        yield",
            "    finally:",
            "        with torch.no_grad():",
            f"            for {w}, start in old:",
            f"                {w}.copy_(start)",
        ]

    def step(self) -> list[str]:
        source, places, program = self.source, self.places, self.source.step
        w, g, t = (places[name] for name in (PARAMETER, GRADIENT, STEP))
        made = body(source, program, self.language, self.names, places, loop=False)
        in_step = [
            f"{w}, {g} = param, param.grad",
            f"if {g} is None:",
            "    continue",
            f"if {g}.is_sparse or {g}.is_complex():",
            '    raise RuntimeError("expected gradients that are dense and real")',
            f"state = self._state({w}, group)",
            f'state["{_COUNT}"] += 1',
            *([f'{t} = state["{_COUNT}"]'] if STEP in _read(program) else []),
            *self.of_state(program),
            *(f"{each.target} = {each.text}" for each in made.whole),
            *(f'state["{self.key(name)}"] = {places[name]}' for name in source.states),
            f"param.copy_({w})",
        ]
        return [
            "@torch.no_grad()",
            "def step(self, closure=None):",
            "    loss = None",
            "    if closure is not None:",
            f"        with torch.enable_grad(){', self.at_point()' if source.point is not None else ''}:",
            "            loss = closure()",
            "    for group in self.param_groups:",
            *indented(2, self.of_group(program)),
            '        for param in group["params"]:',
            *indented(3, in_step),
            "    return loss",
        ]


def _read(program: Program) -> Collection[str]:
    return {value.name for value in program.inputs}

"""A rule as an `optax.GradientTransformation`: pure functions over a NamedTuple with the letters of the rule."""

from __future__ import annotations

from collections.abc import Sequence

from derive.update_rule import GRADIENT, PARAMETER, RATE, STEP
from numeric.export.body import body
from numeric.export.python import TAKEN, indented, inside, is_zero, power, tuple_of
from numeric.export.source import Source
from numeric.program import Constant, Input, Operation, Program
from numeric.writing import Language, Names, Statement, Text, write

_LOCAL = {"jax", "jnp", "optax", "NamedTuple", "ValueError", "float", "callable", "params", "updates", "state", "count",
          "init_fn", "update_fn", "leaf", "scalars", "x", "learning_rate", "found"}  # fmt: skip

UPDATE = "update"  # the output that is to be added to w


class Jax(Language):
    """Arrays of jax; scalars may be traced, too."""

    taken = TAKEN | _LOCAL

    def function(self, value: Operation, arguments: Sequence[Text]) -> Text:
        if value.op == "power":
            return power(arguments, bool(value.dims))
        return Text(f"jnp.{value.op}({inside(arguments)})", array=bool(value.dims))


def optax_text(source: Source) -> str:
    """The source of the module.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> text = optax_text(Source(OPTIMIZERS["adam"]))
    >>> "class AdamState(NamedTuple):" in text, "def adam(learning_rate=0.001, beta1=0.9" in text
    (True, True)
    """
    found = _Module(source)
    notes = (
        "learning_rate is eta: a number, or a schedule of optax: a function of the number of steps already made.",
        "Hyperparameters are not checked against their domains, since they may be traced.",
    )
    return "\n".join([
        *source.comment("#", *notes), "", "from typing import NamedTuple", "", "import jax", "import jax.numpy as jnp",
        "import optax", "", "", *found.state(), "", "", *(line for line in found.point() if source.point is not None),
        *found.factory(), "",
    ])  # fmt: skip


class _Module:
    def __init__(self, source: Source) -> None:
        self.source, self.language = source, Jax()
        names = Names(Jax.taken)
        self.function = names.free(source.identifier)
        self.tuple = "".join([*(word[0].upper() + word[1:] for word in source.words), "State"])
        names.free(self.tuple)
        every = (PARAMETER, GRADIENT, STEP, *source.states, *source.hyperparameters)
        self.name = {name: names.free(name) for name in every}
        self.taken = frozenset(names.taken)
        self.options = ", ".join(
            f"{'learning_rate' if name == RATE else self.name[name]}={value}" for name, value in source.defaults.items()
        )

    def state(self) -> list[str]:
        fields = [f"    {self.name[name]}: {'jax.Array' if name in self.source.scalars else 'optax.Updates'}"
                  for name in self.source.states]  # fmt: skip
        return [f"class {self.tuple}(NamedTuple):", "    count: jax.Array", *fields]

    def rate(self, program: Program, count: str) -> list[str]:
        """The line that reads the learning rate."""
        if RATE not in {value.name for value in program.inputs}:
            return []
        return [f"{self.name[RATE]} = learning_rate({count}) if callable(learning_rate) else learning_rate"]

    # --- before the first step ---------------------------------------------------------------------------------------

    def init(self) -> list[str]:
        source, program, w = self.source, self.source.initial, self.name[PARAMETER]
        every = range(len(program.values))
        written = write(program, self.language, Names(self.taken), self.name, {}, inline=every)
        fields = ["count=jnp.zeros([], jnp.int32)"]
        for name, number in program.outputs:
            text, field = written.texts[number], self.name[name]
            if name in source.scalars:
                fields.append(f"{field}=jnp.asarray({text.text}, float)")
            elif isinstance(program.values[number], Input) and text.array:
                fields.append(f"{field}=params")
            elif text.array:
                fields.append(f"{field}=jax.tree.map(lambda {w}: jnp.asarray({text.text}, {w}.dtype), params)")
            elif is_zero(text):
                fields.append(f"{field}=jax.tree.map(jnp.zeros_like, params)")
            else:
                fields.append(f"{field}=jax.tree.map(lambda {w}: jnp.full_like({w}, {text.text}), params)")
        return [
            "def init_fn(params):",
            *indented(1, self.rate(program, "0")),
            f"    return {self.tuple}(",
            *(f"        {field}," for field in fields),
            "    )",
        ]

    # --- the gradient's point ----------------------------------------------------------------------------------------

    def point(self) -> list[str]:
        """A function of parameters and state."""
        source, program = self.source, self.source.point
        if program is None:
            return []
        written = write(program, self.language, Names(self.taken), self.name, {}, apart=True, letter="s")
        text = written.texts[dict(program.outputs)["point"]]
        read = {value.name for value in program.inputs}
        arrays = [name for name in source.arrays if name in read]
        scalars = [f"{self.name[name]} = state.{self.name[name]}" for name in source.scalars if name in read]
        before = [f"{each.target} = {each.text}" for each in written.statements if not each.array]
        statements = tuple(each for each in written.statements if each.array)
        leaf = self.leaf(program, statements, written.texts, arrays, [text.text])
        return [
            f"def {self.function}_point(params, state{', ' if self.options else ''}{self.options}):",
            '    """Where the gradient of the next update is to be taken."""',
            *indented(1, [*self.rate(program, "state.count"), *scalars, *before, *leaf]),
            f"    return jax.tree.map({', '.join(['leaf', 'params', *(f'state.{self.name[n]}' for n in arrays)])})",
            "",
            "",
        ]

    # --- one step ----------------------------------------------------------------------------------------------------

    def factory(self) -> list[str]:
        return [
            f"def {self.function}({self.options}):",
            f'    """{self.tuple.removesuffix("State")} as optax.GradientTransformation; see the top of this file."""',
            "",
            *indented(1, self.init()),
            "",
            *indented(1, self.update()),
            "",
            "    return optax.GradientTransformation(init_fn, update_fn)",
        ]

    def update(self) -> list[str]:
        source, name = self.source, self.name
        program = change(source.step)
        made = body(source, program, self.language, Names(self.taken), name, loop=True)
        read = {value.name for value in program.inputs}
        results = [made.texts[dict(program.outputs)[UPDATE]].text, *(name[state] for state in source.arrays)]
        arrays = [state for state in source.arrays if state in read]
        lines = self.leaf(program, made.loop, made.texts, arrays, results, gradient=True)
        call = f"jax.tree.map({', '.join(['leaf', 'params', 'updates', *(f'state.{name[each]}' for each in arrays)])})"
        if source.arrays:
            shape = ", ".join("0" for _ in results)
            made_of = f"jax.tree.transpose(jax.tree.structure(params), jax.tree.structure(({shape})), found)"
            calls = [f"found = {call}", f"updates, {', '.join(name[state] for state in source.arrays)} = {made_of}"]
        else:
            calls = [f"updates = {call}"]
        fields = ", ".join(["count", *(
            f"jnp.asarray({name[state]}, float)" if state in source.scalars else name[state] for state in source.states
        )])  # fmt: skip
        return [
            "def update_fn(updates, state, params=None):",
            "    if params is None:",
            '        raise ValueError("call update(gradients, state, params)")',
            "    count = optax.safe_increment(state.count)",
            *([f"    {name[STEP]} = count.astype(float)"] if STEP in read else []),
            *indented(1, self.rate(program, "state.count")),
            *(f"    {name[each]} = state.{name[each]}" for each in source.scalars if each in read),
            *(f"    {each.target} = {each.text}" for each in made.before),
            *indented(1, lines),
            *indented(1, calls),
            *(f"    {each.target} = {each.text}" for each in made.after),
            f"    return updates, {self.tuple}({fields})",
        ]

    def leaf(
        self, program: Program, statements: Sequence[Statement], texts: Sequence[Text], arrays: Sequence[str],
        results: Sequence[str], *, gradient: bool = False,
    ) -> list[str]:  # fmt: skip
        """What is done with each array, in its own dtype."""
        scalars = _scalars(program, texts)
        w = self.name[PARAMETER]
        parameters = ", ".join([w, *([self.name[GRADIENT]] if gradient else []), *(self.name[each] for each in arrays)])
        lines: list[str] = []
        if scalars:
            left = ", ".join(scalars) + ("," if len(scalars) == 1 else "")
            lines = [f"{left} = (jnp.asarray(x, {w}.dtype) for x in scalars)"]
        return [
            *([f"scalars = {tuple_of(scalars)}"] if scalars else []),
            "",
            f"def leaf({parameters}):",
            *indented(1, lines),
            *(f"    {each.target} = {each.text}" for each in statements),
            f"    return {', '.join(results)}",
            "",
        ]


def change(program: Program) -> Program:
    """The program whose output is not the new w, but UPDATE: what is to be added to w.

    Where w = w - x, that is -x, and optax.apply_updates computes exactly what the rule says.
    """
    outputs = dict(program.outputs)
    number = outputs.pop(PARAMETER)
    values = list(program.values)
    last = values[number]
    old = next((n for n, value in enumerate(values) if isinstance(value, Input) and value.name == PARAMETER), -1)
    if old < 0:
        old, values = len(values), [*values, Input(PARAMETER, last.dims)]
    if isinstance(last, Operation) and last.op == "add" and last.arguments[0] == old:
        found = last.arguments[1]
    elif isinstance(last, Operation) and last.op == "subtract" and last.arguments[0] == old:
        found, values = len(values), [*values, Operation("negative", (last.arguments[1],), last.dims)]
    else:
        found, values = len(values), [*values, Operation("subtract", (number, old), last.dims)]
    outputs[UPDATE] = found
    return Program(tuple(values), tuple(outputs.items())).only(*outputs)


def _scalars(program: Program, texts: Sequence[Text]) -> list[str]:
    """The texts of the scalars that array code uses, in the order in which it does."""
    used = (number for value in program.values if value.dims for number in getattr(value, "arguments", ()))
    found = (n for n in used if not program.values[n].dims and not isinstance(program.values[n], Constant))
    return list(dict.fromkeys(texts[number].text for number in found))

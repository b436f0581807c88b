"""A rule as a NumPy module with `init` and `step`, readable, in the names and the order of the book."""

from __future__ import annotations

from collections.abc import Sequence

from derive.update_rule import GRADIENT, PARAMETER, STEP
from numeric.export.body import body
from numeric.export.python import TAKEN, Python, as_number, is_zero, keywords, named
from numeric.export.source import Source
from numeric.program import Operation, Program
from numeric.text import Numpy
from numeric.writing import Names, Text, write


class Module(Python):
    """NumPy; scalars are Python floats, which never turn a float32 array into a float64 one."""

    taken = TAKEN | {"np", "init", "step", "point", "state"}

    def on_arrays(self, value: Operation, arguments: Sequence[Text]) -> Text:
        return Numpy().function(value, arguments)

    def copied(self, text: str) -> str:
        return f"+{text}"  # a new array, and plain arithmetic


def numpy_module(source: Source) -> str:
    """The source of the module.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> print(numpy_module(Source(OPTIMIZERS["sgd"])).split("import numpy as np")[1].strip())
    def init(w):
        return {}
    <BLANKLINE>
    <BLANKLINE>
    def step(w, g, state, t, *, eta=0.01):
        w = w - eta*g
        return w, {}
    """
    language = Module()
    functions = [_init(source, language), _step(source, language)]
    if source.point is not None:
        functions.insert(1, _point(source, source.point, language))
    code = "\n\n\n".join("\n    ".join(lines) for lines in functions)
    math = ["import math", ""] if "math" in language.used else []
    notes = ("w, g and the state are arrays of one dtype, everything else Python floats.",)
    return "\n".join(
        [*source.comment("#", *notes), "", *math, "import numpy as np", "", "", *language.helpers(), code, ""]
    )


def _init(source: Source, language: Module) -> list[str]:
    names = Names(Module.taken)
    places = named(source, names, PARAMETER)
    program = source.initial
    written = write(program, language, names, places, {}, letter="s")
    lines = [f"{each.target} = {each.text}" for each in written.statements]
    w = places[PARAMETER]
    pairs = [
        f'"{name}": {_begin(written.texts[number], name in source.scalars, w)}' for name, number in program.outputs
    ]
    used = {value.name for value in program.inputs if value.name != PARAMETER}
    options = keywords(source, places) if used else ""
    return [f"def init({w}{', *' + options if options else ''}):", *lines, f"return {{{', '.join(pairs)}}}"]


def _begin(text: Text, alone: bool, w: str) -> str:
    if alone:
        return as_number(text)
    if text.array:
        return f"{w}.copy()" if text.text == w else text.text
    return f"np.zeros_like({w})" if is_zero(text) else f"np.full_like({w}, {text.text})"


def _point(source: Source, program: Program, language: Module) -> list[str]:
    names = Names(Module.taken)
    places = named(source, names, PARAMETER)
    written = write(program, language, names, places, {}, letter="s")
    used = [name for name in source.states if name in {value.name for value in program.inputs}]
    return [
        f"def point({places[PARAMETER]}, state, *{keywords(source, places)}):",
        '"""Where the gradient of the next step is to be taken."""',
        *(f'{places[name]} = state["{name}"]' for name in used),
        *(f"{each.target} = {each.text}" for each in written.statements),
        f"return {written.texts[dict(program.outputs)['point']].text}",
    ]


def _step(source: Source, language: Module) -> list[str]:
    names = Names(Module.taken)
    places = named(source, names, PARAMETER, GRADIENT, STEP)
    made = body(source, source.step, language, names, places, loop=False)
    read = {value.name for value in source.step.inputs}
    w, g, t = (places[name] for name in (PARAMETER, GRADIENT, STEP))
    options = keywords(source, places)
    state = ", ".join(f'"{name}": {places[name]}' for name in source.states)
    return [
        f"def step({w}, {g}, state, {t}{', *' + options if options else ''}):",
        *(f'{places[name]} = state["{name}"]' for name in source.states if name in read),
        *(f"{each.target} = {each.text}" for each in made.whole),
        f"return {w}, {{{state}}}",
    ]

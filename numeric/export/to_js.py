"""A rule as JavaScript on Float64Array, for pages, for Node, and for modules alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from derive.update_rule import GRADIENT, PARAMETER, STEP
from numeric.export.body import Local, body
from numeric.export.python import inside, is_zero
from numeric.export.source import Source
from numeric.program import Operation, Program
from numeric.writing import Language, Names, Statement, Text, write

_WORDS = """await break case catch class const continue debugger default delete do else enum export extends false
finally for function if import in instanceof let new null return super switch this throw true try typeof var void
while with yield static implements interface package private protected public eval arguments undefined NaN Infinity
async of Math Float64Array RangeError i sign state module globalThis init step point out options"""
_LONG = 112
_CALLS = {"absolute": "Math.abs", "power": "Math.pow", "maximum": "Math.max", "minimum": "Math.min", "sign": "sign"}
_SIGN = ["// Math.sign(-0) is -0.", "const sign = (x) => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : x);", ""]


class JavaScript(Language):
    """Every number is a double."""

    taken = frozenset(_WORDS.split())

    def function(self, value: Operation, arguments: Sequence[Text]) -> Text:
        return Text(f"{_CALLS.get(value.op, f'Math.{value.op}')}({inside(arguments)})", array=bool(value.dims))


def js_text(source: Source) -> str:
    """The source of the file.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> print(js_text(Source(OPTIMIZERS["sgd"])).split("function step")[1].split("return {")[0].strip())
    (w, g, state, t, { eta = 0.01 } = {}) {
        if (g.length !== w.length) throw new RangeError("w and g differ in length");
        for (let i = 0; i < w.length; i++) {
          w[i] = w[i] - eta*g[i];
        }
      }
    """
    found = _Functions(source)
    first, *others = source.words
    name = "".join([first[0].lower() + first[1:], *(word[0].upper() + word[1:] for word in others)])
    name = Names(JavaScript.taken).free(name)
    code = [found.init(), found.step()]
    parts = ["init", "step"]
    if source.point is not None:
        code.insert(1, found.point(source.point))
        parts.insert(1, "point")
    lines = found.sign()
    for function in code:
        lines += [*function, ""]
    notes = (
        f"The object {name} has init(w, options) and step(w, g, state, t, options), which overwrites w and the state."
        " w, g and arrays of the state are Float64Array; options are hyperparameters by name.",
        f'In Node: const {name} = require("./FILE.js"); on a page, or after import "./FILE.js": globalThis.{name}.',
    )
    return "\n".join([
        *source.comment("//", *notes), "", f"const {name} = (() => {{", *_spaced(lines),
        f"  return {{ {', '.join(parts)} }};", "})();", "",
        f'if (typeof module === "object" && module.exports) module.exports = {name};',
        f"else globalThis.{name} = {name};", "",
    ])  # fmt: skip


class _Functions:
    """The functions of a file."""

    def __init__(self, source: Source) -> None:
        self.source, self.language = source, JavaScript()
        local = Local.of(source, JavaScript.taken)
        self.name, self.place, self.taken = local.name, local.place, local.taken
        self.options = [f"{self.key(name)} = {value}" for name, value in source.defaults.items()]

    def key(self, name: str) -> str:
        """The name of the book, which any property may have, and the local name where that is another."""
        return name if name == self.name[name] else f"{name}: {self.name[name]}"

    def sign(self) -> list[str]:
        programs = [self.source.initial, self.source.step, *([self.source.point] if self.source.point else [])]
        signed = any(isinstance(v, Operation) and v.op == "sign" for program in programs for v in program.values)
        return list(_SIGN) if signed else []

    def init(self) -> list[str]:
        source, program, w = self.source, self.source.initial, self.name[PARAMETER]
        written = write(program, self.language, Names(self.taken), self.place, {}, apart=True, letter="s")
        pairs: list[str] = []
        filled: list[Statement] = []
        for name, number in program.outputs:
            text, own = written.texts[number], self.name[name]
            if name in source.scalars:
                pairs.append(f"{name}: {text.text}" if name != text.text else name)
            elif text.array:
                filled.append(Statement(f"{own}[i]", text.text, number, True, frozenset()))
                pairs.append(self.key(name))
            else:
                fill = "" if is_zero(text) else f".fill({text.text})"
                pairs.append(f"{name}: new Float64Array({w}.length){fill}")
        arrays = [*(each for each in written.statements if each.array), *filled]
        lines = [
            *self.statements([each for each in written.statements if not each.array], ()),
            *(f"const {each.target.removesuffix('[i]')} = new Float64Array({w}.length);" for each in filled),
            *self.loop(arrays, {each.target for each in filled}),
            *_returned(pairs),
        ]
        options = self.options if any(value.name != PARAMETER for value in program.inputs) else []
        return [*_head(f"init({w}", options), *_spaced(lines), "}"]

    def point(self, program: Program) -> list[str]:
        written = write(program, self.language, Names(self.taken), self.place, {}, apart=True, letter="s")
        number = dict(program.outputs)["point"]
        out = Statement("out[i]", written.texts[number].text, number, True, frozenset())
        w = self.name[PARAMETER]
        lines = [
            *self.read(program, ()),
            *self.statements([each for each in written.statements if not each.array], ()),
            f"const out = new Float64Array({w}.length);",
            *self.loop([*(each for each in written.statements if each.array), out], {"out[i]"}),
            "return out;",
        ]
        return ["// Where the gradient of the next step is to be taken.",
                *_head(f"point({w}, state", self.options), *_spaced(lines), "}"]  # fmt: skip

    def step(self) -> list[str]:
        source = self.source
        made = body(source, source.step, self.language, Names(self.taken), self.place, loop=True)
        w, g, t = (self.name[name] for name in (PARAMETER, GRADIENT, STEP))
        lines = [
            f'if ({g}.length !== {w}.length) throw new RangeError("{w} and {g} differ in length");',
            *self.read(source.step, source.scalars),
            *self.statements(made.before, made.stored),
            *self.loop(made.loop, made.stored),
            *self.statements(made.after, made.stored),
            *(f"state.{name} = {self.name[name]};" for name in source.scalars),
        ]
        return [*_head(f"step({w}, {g}, state, {t}", self.options), *_spaced(lines), "}"]

    def read(self, program: Program, changed: Sequence[str]) -> list[str]:
        """What is taken out of the state: arrays to write into, and numbers."""
        needed = {value.name for value in program.inputs} | {name for name, _ in program.outputs}
        lines = []
        for word, names in (("const", [n for n in self.source.states if n not in changed]), ("let", changed)):
            found = ", ".join(self.key(name) for name in names if name in needed)
            lines += [f"{word} {{ {found} }} = state;"] if found else []
        return lines

    def statements(self, statements: Iterable[Statement], stored: Iterable[str]) -> list[str]:
        places = set(stored)
        return [f"{'' if each.target in places else 'const '}{each.target} = {each.text};" for each in statements]

    def loop(self, statements: Sequence[Statement], stored: Iterable[str]) -> list[str]:
        if not statements:
            return []
        lines = _spaced(self.statements(statements, stored))
        return [f"for (let i = 0; i < {self.name[PARAMETER]}.length; i++) {{", *lines, "}"]


def _head(parameters: str, options: Sequence[str]) -> list[str]:
    """The first line of a function, or more lines where it is long."""
    if not options:
        return [f"function {parameters}) {{"]
    line = f"function {parameters}, {{ {', '.join(options)} }} = {{}}) {{"
    if len(line) <= _LONG:
        return [line]
    return [f"function {parameters}, {{", *(f"  {option}," for option in options), "} = {}) {"]


def _returned(pairs: Sequence[str]) -> list[str]:
    """The line that returns an object, or more lines where it is long."""
    line = f"return {{ {', '.join(pairs)} }};"
    if not pairs:
        return ["return {};"]
    return [line] if len(line) <= _LONG else ["return {", *(f"  {pair}," for pair in pairs), "};"]


def _spaced(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]

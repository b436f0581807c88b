"""A rule as C99: functions on arrays of double, or of float where REAL says so."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from fractions import Fraction

from derive.update_rule import GRADIENT, PARAMETER, STEP
from numeric.export.body import Local, body
from numeric.export.python import indented, inside
from numeric.export.source import Source
from numeric.program import Operation, Program
from numeric.writing import ADD, ATOM, MUL, POWER, Language, Names, Statement, Text, write

_WORDS = """auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm
typeof bool true false nullptr thread alignas alignof constexpr size NULL main linux unix
sqrt pow exp log expm1 log1p fabs y0 y1 yn j0 j1 jn gamma signgam i n real REAL larger smaller sign point out"""
_CALLS = {"absolute": "fabs", "power": "pow", "maximum": "larger", "minimum": "smaller"}  # others are called the same
# As NumPy has them: nan goes through.
_HELPERS = {
    "sign": "static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x; }",
    "larger": "static double larger(double x, double y) { return x > y || x != x ? x : y; }",
    "smaller": "static double smaller(double x, double y) { return x < y || x != x ? x : y; }",
}


class C(Language):
    """Scalars are double. What is done for each element is done in `real`; functions are those of double, rounded.

    For sqrt that is the same as sqrtf: a correctly rounded double root, rounded again, is the correctly rounded one.
    """

    taken = frozenset(_WORDS.split())

    def __init__(self) -> None:
        self.used: set[str] = set()

    def integers(self) -> int:
        return 2**15  # what every int can hold

    def quotient(self, value: Fraction) -> Text:
        return Text(f"{value.numerator}.0/{value.denominator}", MUL if value > 0 else ADD)

    def operation(self, value: Operation, arguments: Sequence[Text]) -> Text:
        return super().operation(value, [_real(each) for each in arguments] if value.dims else arguments)

    def function(self, value: Operation, arguments: Sequence[Text]) -> Text:
        name = _CALLS.get(value.op, value.op)
        self.used.add(name)
        call = Text(f"{name}({inside(arguments)})", array=bool(value.dims))
        return Text(f"(real){call.text}", POWER, True) if value.dims else call


def _real(text: Text) -> Text:
    """A scalar among elements: double would make all of the arithmetic double."""
    return text if text.array or text.text.lstrip("-").isdigit() else Text(f"(real){text.within(ATOM)}", POWER, True)


def c_text(source: Source) -> str:
    """The source of the file.

    >>> from derive.library.optimizers import OPTIMIZERS
    >>> print(c_text(Source(OPTIMIZERS["sgd"])).split("sgd_step")[1].strip())
    (size_t n, real *restrict w, const real *restrict g, double t, double eta)
    {
        (void)t;
        for (size_t i = 0; i < n; i++) {
            w[i] = w[i] - (real)eta*g[i];
        }
    }
    """
    functions = _Functions(source)
    code = [functions.init(), functions.step()]
    if source.point is not None:
        code.insert(1, functions.point(source.point))
    notes = (
        "Bit for bit the rule in IEEE arithmetic when it is compiled with -ffp-contract=off, without -ffast-math, and"
        " not for the x87, whose registers are wider: cc -std=c99 -O3 -ffp-contract=off -c FILE.c",
        "With -DREAL=float arrays are float; scalars are double in any case.",
        "State that is one number for all parameters is behind a pointer to double.",
    )
    helpers = [_HELPERS[name] for name in _HELPERS if name in functions.language.used]
    lines = [
        *source.comment("//", *notes), "", "#include <math.h>", "#include <stddef.h>", "", "#ifndef REAL",
        "#define REAL double", "#endif", "typedef REAL real;", *([""] if helpers else []), *helpers,
    ]  # fmt: skip
    for function in code:
        lines += ["", *function]
    return "\n".join([*lines, ""])


class _Functions:
    """The functions of a file; they have the same parameters in the same order."""

    def __init__(self, source: Source) -> None:
        self.source, self.language = source, C()
        local = Local.of(source, C.taken)
        self.name, self.taken = local.name, local.taken
        self.place = {**local.place, **{name: f"{self.name[name]}[0]" for name in source.scalars}}

    def head(self, what: str, before: Sequence[str], written: Iterable[str], after: Sequence[str]) -> list[str]:
        changed = set(written)
        states = [
            f"{'' if name in changed else 'const '}{'double' if name in self.source.scalars else 'real'} "
            f"*restrict {self.name[name]}"
            for name in self.source.states
        ]
        hypers = [f"double {self.name[name]}" for name in self.source.hyperparameters]
        parameters = ", ".join(["size_t n", *before, *states, *after, *hypers])
        line = f"void {self.source.identifier}_{what}({parameters})"
        return textwrap.wrap(line, 100, subsequent_indent=" " * 8, break_long_words=False)

    def unused(self, names: Iterable[str], program: Program) -> list[str]:
        """A line for each parameter that a function does not need: compilers ask for it."""
        read = {value.name for value in program.inputs}
        return [f"(void){self.name[name]};" for name in names if name not in read]

    def init(self) -> list[str]:
        """The state before the first step."""
        source, program, w = self.source, self.source.initial, self.name[PARAMETER]
        written = write(program, self.language, Names(self.taken), self.place, {}, apart=True, letter="s")
        stores = [
            Statement(self.place[name], written.texts[number].text, number, name in source.arrays, frozenset())
            for name, number in program.outputs
        ]
        every = [*written.statements, *stores]
        stored = {each.target for each in stores}
        arrays = [each for each in every if each.array]
        lines = [
            *self.unused([PARAMETER, *source.hyperparameters], program),
            *([] if arrays else ["(void)n;"]),
            *self.statements([each for each in every if not each.array], stored),
            *self.loop(arrays, stored),
        ]
        return [*self.head("init", [f"const real *restrict {w}"], source.states, []), "{", *indented(1, lines), "}"]

    def point(self, program: Program) -> list[str]:
        """Where the gradient of the next step is to be taken: out[i]."""
        written = write(program, self.language, Names(self.taken), self.place, {}, apart=True, letter="s")
        number = dict(program.outputs)["point"]
        text = written.texts[number].text
        arrays = [
            *(each for each in written.statements if each.array),
            Statement("out[i]", text, number, True, frozenset()),
        ]
        lines = [
            *self.unused([*self.source.states, *self.source.hyperparameters, PARAMETER], program),
            *self.statements([each for each in written.statements if not each.array], {"out[i]"}),
            *self.loop(arrays, {"out[i]"}),
        ]
        before = ["real *restrict out", f"const real *restrict {self.name[PARAMETER]}"]
        return ["// Where the gradient of the next step is to be taken: out.",
                *self.head("point", before, (), []), "{", *indented(1, lines), "}"]  # fmt: skip

    def step(self) -> list[str]:
        source, program = self.source, self.source.step
        made = body(source, program, self.language, Names(self.taken), self.place, loop=True)
        written = [name for name in source.states if self.place[name] in {each.target for each in made.whole}]
        lines = [
            *self.unused([GRADIENT, STEP, *source.hyperparameters], program),
            *self.statements(made.before, made.stored),
            *self.loop(made.loop, made.stored),
            *self.statements(made.after, made.stored),
        ]
        before = [f"real *restrict {self.name[PARAMETER]}", f"const real *restrict {self.name[GRADIENT]}"]
        return [*self.head("step", before, written, [f"double {self.name[STEP]}"]), "{", *indented(1, lines), "}"]

    def statements(self, statements: Iterable[Statement], stored: Iterable[str]) -> list[str]:
        places = set(stored)
        return [
            f"{'' if each.target in places else 'const real ' if each.array else 'const double '}"
            f"{each.target} = {each.text};"
            for each in statements
        ]

    def loop(self, statements: Sequence[Statement], stored: Iterable[str]) -> list[str]:
        if not statements:
            return []
        return ["for (size_t i = 0; i < n; i++) {", *indented(1, self.statements(statements, stored)), "}"]

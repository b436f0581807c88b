r"""Formulas that an author typed, for TeX and for Markdown: written anew from a list of what may stand in them.

The TeX of an author is untrusted: `\input{/etc/passwd}` reads a file, `^^5c` is a backslash. A formula first passes
the HTML output's own check, so all formats refuse the same ones; then it is taken apart, and only known commands,
environments and characters are put together again.
"""

from __future__ import annotations

import re
from typing import Literal

from derive.errors import InputError
from derive.render.escape import escape_text, printable
from derive.render.mathml import CLASSES, COLOURS, to_mathml

Flavour = Literal["tex", "markdown"]
CHANGED = "B3541E"  # the colour of what changed from one line to the next

_SYMBOLS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho sigma
varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
pm mp times div cdot ast star circ bullet oplus ominus otimes oslash odot cap cup uplus sqcap sqcup vee wedge setminus
wr diamond triangle bigtriangleup dagger ddagger amalg land lor lnot neg
le leq ge geq ne neq equiv sim simeq approx cong propto prec succ preceq succeq ll gg subset supset subseteq supseteq
sqsubseteq sqsupseteq in ni notin vdash dashv models mid parallel perp asymp doteq leqslant geqslant lesssim gtrsim
triangleq coloneqq eqqcolon lt gt nmid subsetneq not
leftarrow rightarrow to gets leftrightarrow Leftarrow Rightarrow Leftrightarrow mapsto longmapsto longleftarrow
longrightarrow longleftrightarrow Longleftarrow Longrightarrow Longleftrightarrow uparrow downarrow updownarrow Uparrow
Downarrow nearrow searrow swarrow nwarrow hookrightarrow hookleftarrow rightharpoonup rightleftharpoons leadsto
rightsquigarrow twoheadrightarrow
sum prod coprod int iint iiint oint bigcap bigcup bigvee bigwedge bigoplus bigotimes
log ln exp sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth min max sup inf lim liminf limsup det dim
ker Pr gcd hom deg arg lg
infty partial nabla forall exists nexists emptyset varnothing ell hbar Re Im aleph wp top bot angle prime square Box
blacksquare checkmark dots cdots vdots ddots colon therefore because
quad qquad enspace thinspace displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits left right middle
big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm langle rangle lvert rvert lVert rVert vert Vert
lfloor rfloor lceil rceil lbrace rbrace lbrack rbrack backslash nonumber notag
hat bar tilde dot ddot vec check breve acute grave widehat overline underline mathbf mathrm mathit mathcal mathbb
mathfrak mathsf mathtt mathscr boldsymbol operatorname operatorname* mathop mathbin mathrel mathord mathopen mathclose
mathpunct overbrace underbrace sqrt phantom vphantom hphantom boxed cancel bcancel xcancel substack xrightarrow
xleftarrow overrightarrow overleftarrow frac dfrac tfrac cfrac binom dbinom tbinom overset underset stackrel
"""
_COMMANDS = frozenset(_SYMBOLS.split())
_TEXT = {"text": "text", "textrm": "text", "mbox": "text", "textbf": "textbf", "textit": "textit"}
_MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix")
_ENVIRONMENTS = {
    **{name: name for name in ("aligned", "cases", "dcases", "rcases", "array", *_MATRICES)},
    "align": "aligned", "align*": "aligned",
}  # fmt: skip
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 {}^_&'+-*/=()[]|.,;:!?~")
_SIGNS = frozenset(",;:!> {}|%$&#_")  # after a backslash
_GREEK = (
    "alpha", "beta", "gamma", "delta", "varepsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu",
    "xi", "", "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "varphi", "chi", "psi", "omega",
)  # fmt: skip
UNICODE = {
    "≤": r"\le ", "≥": r"\ge ", "≠": r"\neq ", "≈": r"\approx ", "→": r"\to ", "←": r"\leftarrow ",
    "⇒": r"\Rightarrow ", "⇔": r"\Leftrightarrow ", "∞": r"\infty ", "∂": r"\partial ", "∇": r"\nabla ",
    "∑": r"\sum ", "∏": r"\prod ", "∈": r"\in ", "∉": r"\notin ", "×": r"\times ", "·": r"\cdot ", "±": r"\pm ",
    "∝": r"\propto ", "∀": r"\forall ", "∃": r"\exists ", "−": "-", "…": r"\dots ", "′": "'",
    **{chr(0x3B1 + at): rf"\{name} " for at, name in enumerate(_GREEK) if name},
    "Γ": r"\Gamma ", "Δ": r"\Delta ", "Θ": r"\Theta ", "Λ": r"\Lambda ", "Ξ": r"\Xi ", "Π": r"\Pi ", "Σ": r"\Sigma ",
    "Φ": r"\Phi ", "Ψ": r"\Psi ", "Ω": r"\Omega ",
}  # fmt: skip
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
_LENGTH = re.compile(r"-?\d{0,3}(?:\.\d{1,3})?(?:em|ex|pt|mu)")
_HEADS = (
    r"\sum",
    r"\prod",
    r"\operatorname",
    r"\min",
    r"\max",
    r"\log",
    r"\exp",
)  # big signs, with what stands at them
_RELATIONS = ("=", "<", ">", r"\le", r"\neq", r"\ge", r"\Longleftrightarrow", r"\;\Longleftrightarrow\;")


def author_math(tex: str, flavour: Flavour, *, display: bool = False, file: str = "", line: int | None = None) -> str:
    r"""A formula from a deck, safe to stand between dollar signs; the result has no blank line and no `<`.

    Raises InputError at `file` and `line` for whatever is not on the list.

    >>> author_math(r"\frac{a}{b} < \text{50\% or $c$}", "tex")
    '\\frac{a}{b} \\lt\\text{50\\% or }c'
    >>> author_math(r"\input{x}", "tex", file="deck.md", line=3)
    Traceback (most recent call last):
    ...
    derive.errors.InputError: deck.md:3: formula '\\input{x}': unknown command \input; write it with amsmath commands
    """
    to_mathml(tex, display=display, file=file, line=line)
    try:
        return _Writer(tex.strip(), flavour).all()
    except InputError as error:
        raise error.at(file=file, line=line) from None


def coloured(tex: str, flavour: Flavour) -> str:
    r"""A formula of our own printer, its `\class{changed}{...}` as colour; a sign keeps its spaces.

    >>> coloured(r"a \class{changed}{-} b", "markdown")
    'a \\mathbin{\\textcolor{#B3541E}{-}} b'
    """
    before, mark, rest = tex.partition(r"\class{changed}{")
    if not mark:
        return tex
    end = _closing(rest)
    return before + _changed(coloured(rest[:end], flavour), flavour) + coloured(rest[end + 1 :], flavour)


def _changed(body: str, flavour: Flavour) -> str:
    inside = rf"\derivechanged{{{body}}}" if flavour == "tex" else rf"\textcolor{{#{CHANGED}}}{{{body}}}"
    if body in ("-", "+", r"\wedge", r"\vee"):
        return rf"\mathbin{{{inside}}}"
    if body in _RELATIONS:
        return rf"\mathrel{{{inside}}}"
    return rf"\mathop{{{inside}}}" if body.startswith(_HEADS) else inside


def _closing(text: str) -> int:
    """Where the brace ends that was opened before `text`."""
    depth = 1
    for found in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        depth += (found[0] == "{") - (found[0] == "}")
        if depth == 0:
            return found.start()
    return len(text)


class _Writer:
    """Writes one formula anew."""

    def __init__(self, tex: str, flavour: Flavour) -> None:
        self.tex, self.flavour, self.tokens, self.at = tex, flavour, _TOKEN.findall(tex), 0

    def bad(self, what: str, remedy: str) -> InputError:
        short = " ".join(self.tex.split())
        short = short if len(short) <= 120 else short[:117] + "..."
        return InputError(f"formula {short!r}: {what} cannot be written to this format", remedy=remedy)

    def all(self) -> str:
        out = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            out.append(self.one(token))
        text = re.sub(r"[ \t\n]+", " ", "".join(out)).strip()
        # A command that ended with our own space needs none before what is no letter.
        text = re.sub(r"(\\[A-Za-z]+\*?) (?=[\\{}^_&()\[\]=+,.;:!?|-])", r"\1", text)
        if re.search(r"\^ *\^|_ *_", text):
            raise self.bad("a doubled script", "put braces around the inner one")
        return text

    def one(self, token: str) -> str:
        if token.isspace():
            return " "
        if token[0] == "\\":
            return self.command(token[1:])
        if token in _PLAIN:
            return token
        if token in "<>":
            return r"\lt " if token == "<" else r"\gt "
        if token in UNICODE:
            return UNICODE[token]
        if "\u1100" <= token <= "\uffdc" and token.isalpha():
            while self.at < len(self.tokens) and "\u1100" <= self.tokens[self.at] <= "\uffdc":
                token += self.tokens[self.at]
                self.at += 1
            return rf"\text{{{self.words(token)}}}"
        raise self.bad(f"the character {printable(token)!r}", "write it as a command")

    def command(self, name: str) -> str:
        if name.endswith("*") and name != "operatorname*":  # a star of its own: a \cdot b*
            self.at -= 1
            self.tokens[self.at] = "*"
            name = name[:-1]
        if name in _COMMANDS:
            return rf"\{name} "
        if name == "\\":
            following = "".join(self.tokens[self.at :]).lstrip()
            spaced = re.match(r"\[([^\]]*)\]", following)
            return "\\\\" if not spaced or _LENGTH.fullmatch(spaced[1]) else r"\\{}"
        if name in _SIGNS:
            return rf"\{name}"
        if name in _TEXT:
            return self.text(_TEXT[name])
        if name == "bm":
            return r"\boldsymbol "
        if name in ("begin", "end"):
            return self.environment(name)
        if name in ("tag", "tag*"):
            return rf"\qquad\text{{({self.words(self.group(name))})}}"
        if name == "hspace":
            length = self.group(name).strip()
            if not _LENGTH.fullmatch(length):
                raise self.bad(rf"\hspace{{{length[:40]}}}", r"write \hspace{1em} or \quad")
            return rf"\hspace{{{length}}}"
        if name == "class":
            which, body = self.group(name).strip(), _Writer(self.group(name), self.flavour).all()
            if which not in CLASSES:
                raise self.bad(f"the class {which[:40]!r}", f"use one of {', '.join(CLASSES)}")
            return _changed(body, self.flavour) if which == "changed" else f"{{{body}}}"
        if name in ("textcolor", "colorbox"):
            return self.colour(name)
        raise self.bad(rf"\{name}", "write it with amsmath commands")

    def environment(self, which: str) -> str:
        name = self.group(which).strip()
        if name not in _ENVIRONMENTS:
            raise self.bad(rf"\begin{{{name[:40]}}}", f"use one of {', '.join(_ENVIRONMENTS)}")
        columns = ""
        if name == "array" and which == "begin":
            columns = self.group("array").replace(" ", "")
            if not re.fullmatch(r"[lcr|]{1,40}", columns):
                raise self.bad("these columns of an array", "use l, c, r and |")
            columns = f"{{{columns}}}"
        return rf"\{which}{{{_ENVIRONMENTS[name]}}}{columns}"

    def colour(self, name: str) -> str:
        asked = self.group(name).strip()
        colour = COLOURS.get(asked, asked).lower()
        if re.fullmatch("#[0-9a-f]{3}", colour):
            colour = "#" + "".join(2 * digit for digit in colour[1:])
        if not re.fullmatch("#[0-9a-f]{6}", colour):
            raise self.bad(f"the colour {asked[:40]!r}", "use #rrggbb or a plain name")
        shown = f"[HTML]{{{colour[1:].upper()}}}" if self.flavour == "tex" else f"{{{colour}}}"
        inside = self.group(name)
        body = self.mixed("text", inside) if name == "colorbox" else _Writer(inside, self.flavour).all()
        return rf"\{name}{shown}{{{f'${body}$' if name == 'colorbox' else body}}}"

    # --- text inside a formula ----------------------------------------------------------------------------------------

    def group(self, command: str) -> str:
        """The text of the brace group that follows."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        if self.at >= len(self.tokens) or self.tokens[self.at] != "{":
            raise self.bad(rf"\{command} without braces", rf"write \{command}{{...}}")
        rest = "".join(self.tokens[self.at + 1 :])
        inside = rest[: _closing(rest)]
        self.at += 1
        taken = 0
        while taken < len(inside):
            taken += len(self.tokens[self.at])
            self.at += 1
        self.at += 1
        return inside

    def text(self, command: str) -> str:
        return self.mixed(command, self.group(command))

    def mixed(self, command: str, inside: str) -> str:
        """Text with `$...$` in it as alternating text and math."""
        parts = re.split(r"(?<!\\)\$", inside)
        shown = (
            (_Writer(part, self.flavour).all() if k % 2 else rf"\{command}{{{self.words(part)}}}")
            for k, part in enumerate(parts)
            if part
        )
        return "".join(shown) or "{}"

    def words(self, text: str) -> str:
        """Plain text inside a formula; of TeX it knows only an escaped sign and the space `\\ `."""
        plain = re.sub(r"\\([%$&#_{} ])", r"\1", text)
        if "\\" in plain:
            raise self.bad(f"the text {printable(text)[:60]!r}", r"put only words and $...$ inside \text")
        if self.flavour == "tex":
            return escape_text(plain)
        if odd := re.search(r"[{}$]", plain):
            raise self.bad(f"the sign {odd[0]} in text", "write it outside the formula")
        plain = re.sub(r"([%#&_])", r"\\\1", printable(plain))
        return plain.replace("<", r"}\lt\text{").replace(">", r"}\gt\text{")

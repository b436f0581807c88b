"""The command `derive`: reads, judges, shows. Everything heavy is imported by the call that needs it.

Exit status: 0 proved or fine, 1 refuted, 2 bad input (one line on standard error), 3 undecided.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.errors import InputError, JudgesDisagree, MissingDependency, SymstepError

if TYPE_CHECKING:
    from derive.plots import Drawing, Plot

EXIT = {"proved": 0, "declared": 0, "checked": 3, "undecided": 3, "refuted": 1}
MAX_FILE = 4 << 20


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options, unknown = _parser().parse_known_args(_joined(sys.argv[1:] if argv is None else argv))
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        status = int(options.run(options))
        sys.stdout.flush()  # here, where a closed pipe is still caught
        return status
    except InputError as error:
        return _complain(f"derive: {error}")
    except MissingDependency as error:
        return _complain(f"derive: {error}")
    except JudgesDisagree as error:
        _complain(f"derive: two judges disagree, so nothing is printed as proved: {error}")
        return 3
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (SymstepError, OSError) as error:
        return _complain(f"derive: {error}")
    except (RecursionError, MemoryError):
        return _complain("derive: the input is nested too deeply or too large; write it with fewer brackets")
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # a bug of ours: nothing is decided, and no traceback helps the reader
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place else ""
        _complain(f"derive: a bug of this program ({where}): {type(error).__name__}: {error}; please report the input")
        return 3


def _complain(message: str) -> int:
    """One line on standard error, in which nothing moves the cursor; returns the status of bad input."""
    line = " ".join(message.split())
    print("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line), file=sys.stderr)
    return 2


class _Version(argparse.Action):
    """Print the version of the installed package; looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"symstep {version('symstep')}")
        except PackageNotFoundError:
            parser.error("symstep is not installed, so it has no version: pip install .")
        parser.exit()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:  # one line, like every other error, instead of the usage text
        self.exit(2, f"derive: {message}; see `{self.prog} --help`\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="derive", description="Derive, check and show the mathematics of training.",
        epilog="Exit status: 0 proved or fine, 1 refuted, 2 bad input, 3 undecided.",
    )  # fmt: skip
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        sub.set_defaults(run=run, parser=sub)
        return sub

    sub = command("list", _list, "what the library holds")
    sub.add_argument("kind", nargs="?", metavar="KIND", help="only these: losses, models, optimizers, lectures ...")
    sub = command("show", _show, "print one derivation with its steps, or one update rule")
    sub.add_argument("name", metavar="NAME", help="a library name (`derive list`) or a .chain file")
    sub.add_argument("--to", choices=("text", "latex", "markdown", "html", "json"), default="text")
    sub.add_argument("--lang", choices=("en", "ko"), default="en")
    sub = command("check", _check, "judge chains, decks and certificates line by line")
    which = ".chain, .md (its ```derive blocks) or .json (a certificate)"
    sub.add_argument("files", nargs="+", metavar="FILE", help=which)
    sub.add_argument("--certificates", metavar="DIR", help="write the certificate of each proved chain to this folder")
    sub = command("deck", _deck, "turn a Markdown deck into slides, every derivation checked")
    sub.add_argument("source", nargs="?", metavar="SOURCE.md", help="the deck; without it, the built-in lecture")
    ending = "the file to write; its ending is the format: .html, .tex, .md, .ipynb, .pdf"
    sub.add_argument("-o", "--output", required=True, metavar="OUT", help=ending)
    sub.add_argument("--lang", choices=("en", "ko"), default=None, help="the language of the slides; .html has both")
    sub = command("schedule", _schedule, "decide the Robbins-Monro conditions of a schedule eta_t")
    sub.add_argument("expression", metavar="EXPR", nargs="?", help="eta_t in t, such as 'eta0/t**p', or a library name")
    sub.add_argument("--table", action="store_true", help="all schedules of the library with verdicts, in Markdown")
    sub.add_argument("--given", metavar="FACTS", default="", help="what is known of its parameters: 'eta0 > 0; p real'")
    told = "the first t; by default 1, and that of the library for a name of it"
    sub.add_argument("--start", metavar="N", type=int, default=None, help=told)
    sub = command("export", _export, "write an update rule in another language, as a file that stands alone")
    sub.add_argument("name", metavar="NAME", help="an update rule (`derive list optimizers`)")
    sub.add_argument("--to", required=True, metavar="TARGET", help="numpy, torch, optax, c, js or latex")
    sub.add_argument("--with-decay", action="store_true", help="the rule on the loss plus lam*w**2/2")
    sub.add_argument("-o", "--output", metavar="FILE", help="the file to write; without it the text is printed")
    sub = command("verify", _verify, "is this implementation that rule: a proof, a map, or a counterexample")
    what = "torch.optim.Adam, optax.adam, or path/to/file.py:name, which is read and not run"
    sub.add_argument("target", nargs="?", metavar="TARGET", help=what)
    sub.add_argument("--as", dest="rule", metavar="RULE", help="the rule it shall be; without it, the nearest one")
    sub.add_argument("--set", dest="settings", metavar="NAME=VALUE", action="append", default=[], help="fix a setting")
    told = "a hyperparameter that is off by default and shall stay a symbol"
    sub.add_argument("--symbol", dest="symbols", metavar="NAME", action="append", default=[], help=told)
    sub.add_argument("--all", dest="every", metavar="PACKAGE", help="one table for all of torch or optax")
    sub.add_argument("--to", choices=("text", "markdown", "html"), default="text")
    sub.add_argument("--lang", choices=("en", "ko"), default="en")
    _plot_parsers(commands.add_parser("plot", help=_DRAWS, description=_DRAWS))
    return parser


_DRAWS = "draw a picture by running formulas of the library"


def _plot_parsers(plot: argparse.ArgumentParser) -> None:
    """A parser for each kind of picture, its options from the table of `derive.plots`."""
    from derive.plots import KINDS

    kinds = plot.add_subparsers(title="kinds", dest="kind", required=True, metavar="KIND")
    for name, kind in KINDS.items():
        sub = kinds.add_parser(name, help=kind.title.en, description=kind.title.en, allow_abbrev=False)
        sub.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        told = f"the file to write; its ending is the format: {', '.join(kind.endings)}"
        sub.add_argument("-o", "--output", required=True, metavar="OUT", help=told)
        sub.add_argument("--lang", choices=("en", "ko"), default="en", help="the language of the labels")
        for option in kind.options:
            told = f"{option.meaning}; {option.domain}; by default {option.default}"
            sub.add_argument(f"--{option.name}", dest=f"option {option.name}", metavar="VALUE", help=told)
        sub.set_defaults(run=_plot, parser=sub)


def _joined(argv: Sequence[str]) -> list[str]:
    """`--m -1,2` as `--m=-1,2`: no option of ours begins with a digit, but a value may be negative."""
    words: list[str] = []
    for word in argv:
        if words[:1] == ["schedule"] and word[:1] == "-" and word[:2] != "--" and word != "-h":
            if words[-1] == "--given":
                words[-1] += f"={word}"
            else:
                words.append(f" {word}" if words[-1] != "--start" else word)  # a space: an expression, and no option
            continue
        if words and re.fullmatch(r"--[A-Za-z]\w*", words[-1]) and re.match(r"-[0-9.]", word):
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


def _print_json(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1)
    print(text if _encodable(text) else json.dumps(document, indent=1))


def _print(text: str) -> None:
    """Print a text; what the terminal has no character for as a backslash code."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text if _encodable(text) else text.encode(encoding, "backslashreplace").decode(encoding))


def _encodable(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _read(name: str) -> str:
    path = Path(name)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)  # a device has no size to ask for first
        if len(content) > MAX_FILE:
            raise InputError(f"the file is larger than {MAX_FILE} bytes", file=name, remedy="split it")
        return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        raise InputError("no such file", file=name, remedy="check the path") from None
    except IsADirectoryError:
        raise InputError("this is a folder", file=name, remedy="name a file in it") from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", file=name, remedy="save it as UTF-8") from None
    except OSError as error:
        raise InputError(str(error.strerror or error), file=name, remedy="check the path and its permissions") from None


def _list(options: argparse.Namespace) -> int:
    from derive.library import catalogue

    entries = catalogue()
    if options.kind and options.kind not in entries:
        raise InputError(f"there are no {options.kind} in the library", remedy=f"use one of {', '.join(entries)}")
    kinds = [options.kind] if options.kind else list(entries)
    if options.json:
        _print_json({kind: [entry._asdict() for entry in entries[kind]] for kind in kinds})
        return 0
    for kind in kinds:
        print(f"{kind}:")
        width = max((len(entry.name) for entry in entries[kind]), default=0)
        for entry in entries[kind]:
            print(f"  {entry.name:<{width}}  {entry.title}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from derive.checking import named, rule_named
    from derive.limits import Patience
    from derive.prover import prove
    from derive.render import render
    from derive.schedule_rule import named_schedule

    text = _read(options.name) if options.name.endswith(".chain") else None
    if text is None and (rule := rule_named(options.name)):
        from derive.render.rule_show import render_rule

        _print(render_rule(rule, "json" if options.json else options.to, options.lang))
        return EXIT["declared"]
    if text is None and (row := named_schedule(options.name)):
        from derive.render.schedule_show import render_schedule

        _print(render_schedule(row, "json" if options.json else options.to, options.lang))
        return EXIT["declared"]
    patience = Patience()
    judged = [prove(item, patience=patience) for item in named(options.name, text)]
    _print(render(judged, "json" if options.json else options.to, options.lang))
    return max((EXIT[item.verdict] for item in judged), default=0, key=_badness)


def _badness(status: int) -> int:
    return (0, 3, 1).index(status)


def _check(options: argparse.Namespace) -> int:
    from derive.checking import check_file, file_json, file_text

    texts = [(name, _read(name)) for name in options.files]  # all of them, before anything is judged
    results = [check_file(name, text) for name, text in texts]
    if options.certificates:
        from derive.checking import write_certificates

        write_certificates(results, Path(options.certificates))
    documents = [file_json(result) for result in results]
    if options.json:
        _print_json(documents[0] if len(documents) == 1 else documents)
    else:
        for result in results:
            _print(file_text(result))
    return max((EXIT[document["verdict"]] for document in documents), key=_badness)


def _deck(options: argparse.Namespace) -> int:
    from derive.library import lecture_text
    from derive.slides import build, keep_source, write_deck

    if options.source is None:
        source, text = "lecture.md", lecture_text()
    else:
        source, text = options.source, _read(options.source)
        keep_source(source, options.output)
    result = build(text, source, options.output, lang=options.lang, draw=_draw)
    for warning in result.warnings:
        print(f"derive: {warning}", file=sys.stderr)
    write_deck(Path(options.output), result)
    if options.json:
        found = {"output": options.output, "slides": result.slides, "verdict": result.verdict, "lines": result.counts}
        found |= {"update_rules": result.rules} if result.rules else {}
        _print_json(found | ({"files": list(result.files)} if result.files else {}))
    else:
        _print(f"{options.output}: {result.slides} slides; {result.summary}")
    return EXIT[result.verdict]


def _schedule(options: argparse.Namespace) -> int:
    from derive.render.schedule import schedule_text
    from derive.schedule_rule import named_schedule
    from derive.series import decide

    if options.table:
        from derive.library.schedules import SCHEDULES
        from derive.render.schedule_table import schedule_rows, schedule_table

        if options.json:
            _print_json(list(schedule_rows(SCHEDULES.values())))
        else:
            _print(schedule_table(SCHEDULES.values()))
        return 0
    if options.expression is None:
        raise InputError("no schedule to decide", remedy="give one in t, such as 'eta0/t**p', or --table")
    text, given, start = options.expression.strip(), options.given, options.start
    if row := named_schedule(text):
        made = row.schedule()
        text, given = made.expression, "; ".join(part for part in (made.given, given) if part)
        start = row.first if start is None else start
    found = decide(text, given, 1 if start is None else start)
    if options.json:
        _print_json(found.to_json())
    else:
        _print(schedule_text(found))
    return 0 if found.decided else 3


def _export(options: argparse.Namespace) -> int:
    from derive.slides import write_whole
    from numeric.export import export

    found = export(options.name, options.to, with_decay=options.with_decay)
    if options.output:
        write_whole(Path(options.output), found.text)
    if options.json:
        _print_json({"name": found.name, "to": found.to, "text": found.text, "digest": found.digest})
    elif options.output:
        _print(f"{options.output}: {found.name} for {found.to}, sha256 {found.digest}")
    else:
        _print(found.text.removesuffix("\n"))
    return 0


def _verify(options: argparse.Namespace) -> int:
    if options.every:
        from numeric.survey import survey, table

        rows = survey(options.every)
        _print_json([row.document for row in rows]) if options.json else _print(table(rows, options.every))
        return 0
    from derive.render.verdict import render_verdict
    from numeric.verification import attempt

    found = attempt(options.target, options.rule, options.symbols, options.settings)
    _print_json(found.to_json()) if options.json else _print(render_verdict(found, options.to, options.lang))
    return {"equal": 0, "equal_under": 0, "different": 1}.get(found.verdict, 3)


def _draw(plot: Plot) -> Drawing:
    from numeric.plot import draw  # the command is the roof over both halves, and where a deck has pictures they meet

    return draw(plot)


def _plot(options: argparse.Namespace) -> int:
    from derive.plots import KINDS, read_plot
    from derive.slides import write_whole

    path = Path(options.output)
    ending, endings = path.suffix.lower(), KINDS[options.kind].endings
    if ending not in endings:
        what = f"no {options.kind} picture can be written as {ending or 'a file without an ending'}"
        raise InputError(what, file=options.output, remedy=f"end the name in {', '.join(endings)}")
    given = {name.removeprefix("option "): text for name, text in vars(options).items() if name.startswith("option ")}
    drawing = _draw(read_plot(options.kind, {name: text for name, text in given.items() if text is not None}))
    warnings: list[str] = []
    content = drawing.paint(options.lang, ending.removeprefix("."), warnings)
    for warning in warnings:
        print(f"derive: {warning}", file=sys.stderr)
    write_whole(path, content)
    if options.json:
        alt = {"en": drawing.alt.en, "ko": drawing.alt.ko}
        found = {"output": options.output, "kind": options.kind, "alt": alt, "figures": dict(drawing.figures)}
        _print_json(found)
    else:
        _print(f"{options.output}: {drawing.alt.in_(options.lang)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Deletes every guard of the kernel once and asks whether a test notices.

    python tests/mutation/kernel_guards.py [--jobs 2] [--only TEXT] [--within FUNCTION,...] [--write]

A mutant is the kernel with one condition that leads to a refusal made False (and each side of an `or` in it), one call
that demands something deleted, or one condition of a law of normal.py, signs.py or derivative.py made True (one side
of an `or` there: False). Each is put to what the tests of the kernel hold: the certificates of the correct chains, the
documents that must be refused, the steps that were tried for wrong chains, and random pairs known to be false. --write
puts the score and the survivors into docs/mutation.md. The exit status is 1 if a mutant survives for which reasons.py
has no reason.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import multiprocessing
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ROOT / "derive" / "kernel"
DEMANDS = {
    "need", "defined", "equal", "spend", "satisfiable", "assume", "apply", "derivative",
}  # fmt: skip
LAWS = {"normal.py", "signs.py", "derivative.py"}
GUARDS = {"call deleted", "demand always met", "refusal never"}
SECONDS = 5  # for one question; the tests have the same limit


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    kind: str
    guard: str
    source: str
    function: str

    @property
    def key(self) -> str:
        return f"{self.file}: {self.kind}: {self.guard}"


# --- the mutants ----------------------------------------------------------------------------------------------------


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _refuses(body: list[ast.stmt]) -> bool:
    """Whether a block raises Refused, at once or after it has put the message together."""
    return bool(body) and isinstance(body[-1], ast.Raise)


def _operands(test: ast.expr) -> Iterator[ast.expr]:
    """A condition and, where it is an `or` or an `and`, what it is made of."""
    yield test
    if isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from _operands(value)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from (part for part in _operands(test.operand) if part is not test.operand)


def _sites(tree: ast.Module, file: str) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    """(kind, node, what to put in its place)."""
    false, true = ast.Constant(value=False), ast.Constant(value=True)
    refusing: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and _refuses(node.body):
            refusing.add(id(node.test))
            for part in _operands(node.test):
                refusing.add(id(part))
                joined = (other for other in _operands(node.test) if isinstance(other, ast.BoolOp))
                if not any(isinstance(other.op, ast.And) and part in other.values for other in joined):
                    yield "refusal never", part, false
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _name(node.value.func) in DEMANDS:
            yield "call deleted", node, ast.Pass()
    for node in ast.walk(tree):
        # A demand is deleted, and each side of an `and` in it, also where it has got a name first.
        demanded = isinstance(node, ast.Call) and _name(node.func) == "require"
        named = isinstance(node, ast.Assign) and isinstance(node.value, ast.BoolOp) and file not in LAWS
        whole = node.args[0] if demanded else node.value if named else None  # type: ignore[attr-defined]
        if whole is not None:
            refusing.update(id(part) for part in _operands(whole))
            yield from (("demand always met", part, true) for part in _operands(whole) if demanded or part is not whole)
    if file not in LAWS:
        return
    for node in ast.walk(tree):
        tests: list[ast.expr] = []
        if isinstance(node, ast.If | ast.IfExp):
            tests = [node.test]
        elif isinstance(node, ast.comprehension):
            tests = node.ifs
        elif isinstance(node, ast.Assign | ast.Return) and isinstance(node.value, ast.BoolOp):
            tests = [node.value]
        elif isinstance(node, ast.Call) and _name(node.func) in ("all", "any"):
            tests = [node.args[0].elt] if isinstance(node.args[0], ast.GeneratorExp) else []
        for test in tests:
            for part in _operands(test):
                if id(part) not in refusing:
                    yield "condition always", part, true
                if isinstance(part, ast.BoolOp) and isinstance(part.op, ast.Or):
                    yield from (("alternative never", value, false) for value in part.values)


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, new: ast.AST) -> None:
        self.target, self.new = target, new

    def visit(self, node: ast.AST) -> Any:
        return ast.copy_location(self.new, node) if node is self.target else self.generic_visit(node)


def mutants() -> list[Mutant]:
    found: dict[tuple[str, str], Mutant] = {}
    for path in sorted(KERNEL.glob("*.py")):
        if path.name == "__main__.py":  # prints; what it prints comes from check
            continue
        text = path.read_text(encoding="utf-8")
        count = len(list(_sites(ast.parse(text), path.name)))
        for k in range(count):
            tree = ast.parse(text)
            kind, node, new = list(_sites(tree, path.name))[k]
            guard = " ".join((ast.get_source_segment(text, node) or "").split())
            changed = ast.unparse(ast.fix_missing_locations(_Replace(node, deepcopy(new)).visit(tree)))
            line: int = node.lineno  # type: ignore[attr-defined]
            around = [part for part in ast.walk(ast.parse(text)) if isinstance(part, ast.FunctionDef)
                      and part.lineno <= line <= (part.end_lineno or 0)]  # fmt: skip
            function = around[-1].name if around else ""
            found.setdefault((path.name, changed), Mutant(path.name, line, kind, guard, changed, function))
    return list(found.values())


# --- what the tests hold --------------------------------------------------------------------------------------------


def _load(path: Path) -> ModuleType:
    name = f"symstep_mutation_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Corpus:
    """Documents to accept and to refuse, texts to refuse, steps to refuse: (step, facts, definitions, kinds)."""

    accept: list[Any]
    refuse: list[Any]
    texts: list[str]
    steps: list[tuple[Any, ...]]
    bombs: list[Any]

    def parts(self) -> dict[str, list[Any]]:
        """Under the name that a report gives to one of them; what kills soonest comes first, what takes long last."""
        return {"certificate": self.accept, "text": self.texts, "document": self.refuse, "step": self.steps,
                "bomb": self.bombs}  # fmt: skip


def corpus() -> Corpus:
    """From the test files: every document and chain, and what the prover asks the kernel for a wrong chain."""
    from derive import prover

    tests = ROOT / "tests"
    rules, tamper = _load(tests / "test_kernel_rules.py"), _load(tests / "test_kernel_tamper.py")
    forms, attacks = _load(tests / "test_kernel_certificates.py"), _load(tests / "test_kernel_attacks.py")
    fuzz = _load(tests / "test_kernel_fuzz.py")
    documents = forms.documents
    accept = [documents.good(), *tamper.from_chains().values(), *attacks.ACCEPTED.values()]
    accept += [prover.prove(tamper.derivation(name)).certificate for name in tamper.library()]
    for row in (row for row in rules.LECTURES + rules.PITFALLS if row["right"]):
        accept.append(prover.prove(rules.chain(row)).certificate)
    refuse = [make() for make in forms.FIELDS.values()] + [forms.term_document(name) for name in forms.TERMS]
    refuse += attacks.LIES.values()
    bombs = [document for name in attacks.BOMBS for document in attacks.bomb_documents(name)]
    bombs += attacks.GROWING.values()
    steps: list[tuple[Any, ...]] = []
    judge = vars(prover)["judge"]

    def recorded(step: Any, facts: Any, definitions: Any, kinds: Any) -> Any:
        try:
            return judge(step, facts, definitions, kinds)
        except Exception:  # what is accepted on the way to a wrong line may well be right
            steps.append((tuple(step), list(facts), dict(definitions), dict(kinds)))
            raise

    vars(prover)["judge"] = recorded
    try:
        for row in (row for row in rules.TWINS + rules.LECTURES + rules.PITFALLS if not row["right"]):
            mark = len(steps)
            if prover.prove(rules.chain(row), rules.QUICK).verdict == "proved":
                del steps[mark:]  # an open hole: the tests fail already
    finally:
        vars(prover)["judge"] = judge
    steps = list({repr(item): item for item in [*steps, *fuzz.false_steps()]}.values())
    return Corpus([document for document in accept if document], refuse, list(forms.texts().values()), steps, bombs)


class _TooLong(BaseException):
    """One question took longer than the tests allow."""


def _too_long(*_: object) -> None:
    raise _TooLong


def noticed(data: Corpus) -> str:
    """What a test would notice of the kernel that is imported now; "" if nothing."""
    check = importlib.import_module("derive.kernel.check")
    rules = importlib.import_module("derive.kernel.rules")
    refused = importlib.import_module("derive.kernel.terms").Refused
    broken = (RecursionError, ArithmeticError, KeyError, ValueError, TypeError, IndexError)

    def judged(item: tuple[Any, ...]) -> None:
        step, *rest = item
        try:
            check.judge(rules.Step(*step), *rest)
        except broken as error:  # the prover takes these for refusals, too
            raise refused(str(error)) from error

    signal.signal(signal.SIGVTALRM, _too_long)
    for name, items in data.parts().items():
        ask = {"step": judged, "text": check.check_text}.get(name, check.check)
        for number, item in enumerate(items):
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            try:
                ask(item)
                accepted = True
            except refused:
                accepted = False
            except _TooLong:
                return f"{name} {number} takes too long"
            except Exception as error:
                return f"{name} {number} breaks the kernel: {type(error).__name__}"
            if accepted != (name == "certificate"):
                return f"{name} {number} is {'accepted' if accepted else 'refused'}"
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return ""


# --- running --------------------------------------------------------------------------------------------------------


def _import_from(folder: Path) -> None:
    for name in [name for name in sys.modules if name == "derive" or name.startswith("derive.")]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


def _child(folder: Path, data: Corpus, answers: Any) -> None:
    _limit()
    _import_from(folder)
    try:
        answers.send(noticed(data))
    except BaseException as error:
        answers.send(f"{type(error).__name__}: {error}"[:120])


def run(source: Mutant | None, data: Corpus) -> str:
    """What is noticed of one mutant (None: of the kernel as it is), in a process of its own."""
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(KERNEL, folder / "derive" / "kernel", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "derive" / "__init__.py").write_text("")
        if source is not None:
            (folder / "derive" / "kernel" / source.file).write_text(source.source, encoding="utf-8")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(folder, data, theirs))
        process.start()
        theirs.close()
        try:
            return str(ours.recv()) if ours.poll(60 * SECONDS) else "no answer"
        except EOFError:
            return "the process died"
        finally:
            process.kill()
            process.join()


def without_known_failures(data: Corpus) -> int:
    """Drop what the kernel as it is gets wrong already: those tests fail without any mutant."""
    dropped = 0
    while found := run(None, data):
        words = found.split()
        if words[0] not in data.parts():
            raise SystemExit(f"the kernel without any mutation: {found}")
        data.parts()[words[0]].pop(int(words[1]))
        dropped += 1
    return dropped


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="only the guards whose key holds this text")
    parser.add_argument("--within", default="", help="only the guards in these functions")
    parser.add_argument("--write", action="store_true", help="write docs/mutation.md")
    parser.add_argument("--guards", action="store_true", help="only what refuses, not the conditions of the laws")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    started = time.monotonic()
    data = corpus()
    dropped = without_known_failures(data)
    documents = len(data.refuse) + len(data.texts) + len(data.bombs)
    sizes = f"{len(data.accept)} certificates, {documents} documents, {len(data.steps)} steps"
    print(f"{sizes}; {dropped} fail already; {time.monotonic() - started:.0f} s", flush=True)
    todo = [mutant for mutant in mutants() if options.only in mutant.key]
    todo = [mutant for mutant in todo if not options.within or mutant.function in options.within.split(",")]
    if options.guards:
        todo = [mutant for mutant in todo if mutant.kind in GUARDS]
    results: list[tuple[Mutant, str]] = []
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(options.jobs) as pool:
        for mutant, found in zip(todo, pool.map(lambda one: run(one, data), todo), strict=True):
            results.append((mutant, found))
            print(f"{'killed  ' if found else 'SURVIVED'} {mutant.file}:{mutant.line} {mutant.kind}: {mutant.guard}"
                  f"{f'  <- {found}' if found else ''}", flush=True)  # fmt: skip
    reasons: dict[str, str] = _load(Path(__file__).resolve().parent / "reasons.py").REASONS
    survivors = [mutant for mutant, found in results if not found]
    unexplained = [mutant for mutant in survivors if mutant.key not in reasons]
    print(f"{len(results)} mutants, {len(results) - len(survivors)} killed, {len(survivors)} survived, "
          f"{len(unexplained)} of them without a reason; {time.monotonic() - started:.0f} s")  # fmt: skip
    if options.write:
        write(results, survivors, reasons, sizes)
    return 1 if unexplained else 0


def write(results: list[tuple[Mutant, str]], survivors: list[Mutant], reasons: dict[str, str], sizes: str) -> None:
    """docs/mutation.md: the score, and each survivor with the reason why no test can notice it."""
    killed = len(results) - len(survivors)
    kinds = sorted({mutant.kind for mutant, _ in results})
    lines = [
        "# Mutation run of the kernel", "",
        "`python tests/mutation/kernel_guards.py --guards --write` deletes every guard of `derive/kernel` once and",
        f"asks whether a test notices: {sizes} that the tests hold. Without `--guards` it also",
        "turns each condition of the laws of the normal form, which takes most of an hour.", "",
        f"**{killed} of {len(results)} mutants are noticed.** The {len(survivors)} others change nothing that can be",
        "wrong, or are marked `open`.", "", "| mutation | mutants | noticed |", "|---|---|---|",
    ]  # fmt: skip
    for kind in kinds:
        of_kind = [found for mutant, found in results if mutant.kind == kind]
        lines.append(f"| {kind} | {len(of_kind)} | {sum(map(bool, of_kind))} |")
    lines += ["", "## Survivors", "", "| where | guard | why nothing can notice |", "|---|---|---|"]
    for mutant in survivors:
        guard = mutant.guard.replace("|", "\\|")
        lines.append(f"| {mutant.file}:{mutant.line} ({mutant.kind}) | `{guard}` | {reasons.get(mutant.key, 'open')} |")
    (ROOT / "docs" / "mutation.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

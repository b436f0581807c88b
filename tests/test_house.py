"""The rules of the house: who may import whom, what is never called, how large a file may grow, what a wheel needs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KERNEL = ROOT / "derive" / "kernel"
SOURCES = sorted(path for package in ("derive", "numeric") for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# What has to be read to trust a proof. Raised from 1320 for derivatives by a place, slopes from one side, and the rules
# cases, termwise and induction_on, then by 12 for powers of numbers from 0 to 1; from here on only ever to be lowered.
KERNEL_LINES = 1562
FILE_LINES = 400
# the modules that are the command; nobody else imports a renderer
COMMAND = {"derive/cli.py", "derive/checking.py", "derive/slides.py"}
# ... but these, inside a function, where something shows itself on demand
LATE = {"derive/__init__.py", "derive/derivation.py", "derive/schedules.py", "derive/update_rule.py"}
# the one module of derive that reaches the numeric half, and what it may import of it, inside a function: the command
# is the roof over both halves: it hands the pictures of one to the slides of the other, the rules of one to the
# languages of the other, and prints verdicts on code
ROOF = {"derive/cli.py": ("numeric.plot", "numeric.export", "numeric.verification", "numeric.survey")}
# file -> why it is longer than FILE_LINES; an entry that is not needed any more is an error
LONG_FILES: dict[str, str] = {}

# Text that reaches one of these is run or may be: SymPy's readers and simplifiers call eval on strings.
FORBIDDEN_NAMES = {"eval", "exec", "__import__", "sympify", "parse_expr", "simplify", "nsimplify", "lambdify"}
FORBIDDEN_CALLS = {"S", "compile"}  # innocent as names (an attribute `re.compile`), not as calls of the bare name
FORBIDDEN_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "runpy", "code"}
# (file, name) -> why it is needed there and cannot be reached by input; unused entries are errors
ALLOWED: dict[tuple[str, str], str] = {
    ("numeric/fast.py", "compile"): "a syntax tree put together from the operations of a program, for Numba; no text",
}

MACHINE_PATH = re.compile(r"(?<![\w.$}~*-])/(?:home|root|Users|work|mnt|opt|tmp)/[\w.]|\b[A-Z]:\\+Users\\")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".chain", ".json", ".html", ".css", ".js", ".tex", ".txt", ".cfg", ".yml", ""}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(tree: ast.AST, package: str = "") -> Iterator[tuple[str, int]]:
    """Every module a file imports, also inside functions; relative imports are made absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base, node.lineno
            # `from derive import render` imports a module, too
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def package_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parent.parts)


def forbidden(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Names, attributes and imports that could run text, as (name, line)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_NAMES:
            yield node.attr, node.lineno
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in FORBIDDEN_CALLS:
                yield called.id, node.lineno
            elif isinstance(called, ast.Attribute) and called.attr == "S":
                yield "S", node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name in FORBIDDEN_NAMES)
    for name, line in imports(tree):
        if name.split(".")[0] in FORBIDDEN_MODULES:
            yield name, line


def run_python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


# --- who imports whom -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(KERNEL.rglob("*.py")), ids=relative)
def test_kernel_needs_the_standard_library_only(path: Path) -> None:
    for module, line in imports(parse(path), package_of(path)):
        own = module == "derive.kernel" or module.startswith("derive.kernel.")
        assert own or module.split(".")[0] in sys.stdlib_module_names, f"{relative(path)}:{line} imports {module}"


def test_kernel_is_small_enough_to_be_read() -> None:
    """How much of it is code, docs/trust.md states and tests/test_trust.py compares."""
    total = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in KERNEL.rglob("*.py"))
    assert 0 < total <= KERNEL_LINES, f"{total} lines"


@pytest.mark.parametrize("path", [path for path in SOURCES if relative(path).startswith("derive/")], ids=relative)
def test_derive_imports_neither_numpy_nor_numeric(path: Path) -> None:
    allowed = tuple(f"{module}." for module in ROOF.get(relative(path), ()))
    for module, line in imports(parse(path), package_of(path)):
        if not f"{module}.".startswith(allowed):
            assert module.split(".")[0] not in ("numpy", "numeric"), f"{relative(path)}:{line} imports {module}"


def test_the_command_reaches_the_numeric_half_inside_a_function_only() -> None:
    for name, modules in ROOF.items():
        tree = parse(ROOT / name)
        at_once = {found for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)
                   for found, _ in imports(ast.Module(body=[node], type_ignores=[]))}  # fmt: skip
        for module in modules:
            assert module in {found for found, _ in imports(tree)}, f"{name} does not import {module} any more"
            assert module not in at_once


@pytest.mark.parametrize("path", [path for path in SOURCES if "render" not in path.parts], ids=relative)
def test_renderers_are_leaves(path: Path) -> None:
    """Only the command imports a renderer, and what shows itself on demand, inside its functions."""
    tree = parse(path)
    name = relative(path)
    if name in COMMAND:
        return
    nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    looked_at: ast.AST = ast.Module(body=list(nodes), type_ignores=[]) if name in LATE else tree
    for module, line in imports(looked_at, package_of(path)):
        assert not f"{module}.".startswith("derive.render."), f"{name}:{line} imports {module}"


def test_import_contracts_of_pyproject_hold() -> None:
    done = run_python(
        "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache', '--no-logo'])"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout), done.stdout


@pytest.mark.parametrize(
    "program",
    [
        "import derive",
        "import numeric",
        "import contextlib, derive.cli\nwith contextlib.suppress(SystemExit): derive.cli.main(['--help'])",
    ],
    ids=["derive", "numeric", "help"],
)
def test_heavy_packages_are_imported_late(program: str) -> None:
    heavy = "{'sympy', 'numpy', 'mpmath', 'markdown_it', 'math_core', 'fontTools', 'hypothesis', 'torch', 'matplotlib'}"
    done = run_python(f"{program}\nimport sys\nprint('HEAVY', sorted({heavy} & set(sys.modules)))")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"


# --- what is never called -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_runs_text(path: Path) -> None:
    found = [
        f"{relative(path)}:{line} {name}"
        for name, line in forbidden(parse(path))
        if (relative(path), name) not in ALLOWED
    ]
    assert not found, found


def test_allow_list_has_no_stale_entry() -> None:
    used = {(relative(path), name) for path in SOURCES for name, _ in forbidden(parse(path))}
    assert set(ALLOWED) <= used


@pytest.mark.parametrize(
    "text",
    [
        "eval('1')", "f = exec", "import pickle", "from sympy import sympify", "import sympy\nsympy.simplify(x)",
        "x.simplify()", "S('1')", "sympy.S('1')", "compile('1', '', 'eval')", "__import__('os')", "import yaml.loader",
        "from sympy.parsing.sympy_parser import parse_expr as p", "import builtins\nbuiltins.eval('1')",
    ],
)  # fmt: skip
def test_the_search_for_forbidden_calls_finds_them(text: str) -> None:
    assert list(forbidden(ast.parse(text)))


@pytest.mark.parametrize(
    "text", ["re.compile('a')", "import sympy\nsympy.S.One", "evaluate(x)", "S = 1", "together(x)"]
)
def test_the_search_for_forbidden_calls_leaves_the_rest_alone(text: str) -> None:
    assert not list(forbidden(ast.parse(text)))


# --- what every file has --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_every_module_has_a_docstring(path: Path) -> None:
    assert (ast.get_docstring(parse(path)) or "").strip(), f"{relative(path)} says nothing of itself"


def test_no_file_grows_beyond_what_one_reads_at_a_sitting() -> None:
    sizes = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*SOURCES, *TESTS]}
    long = {name: size for name, size in sizes.items() if size > FILE_LINES}
    assert set(long) == set(LONG_FILES), f"split these files, or say in LONG_FILES why not: {long}"
    assert all(LONG_FILES.values())


def text_files() -> list[Path]:
    """Every text file of the project, found without git, which is not there in a source archive."""
    skipped = {"build", "dist", "node_modules", "venv", "__pycache__"}
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in ROOT.iterdir():
        if folder.is_dir() and folder.name not in skipped and (folder.name == ".ci" or folder.name[0] != "."):
            found += [path for path in folder.rglob("*") if path.is_file()]
    return sorted(
        path for path in found if path.suffix in TEXT_SUFFIXES and not skipped & set(path.relative_to(ROOT).parts)
    )


def test_no_path_of_one_machine_is_written_anywhere() -> None:
    found = []
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if MACHINE_PATH.search(line):
                found.append(f"{relative(path)}:{number} {line.strip()[:100]}")
    assert not found, found


@pytest.mark.parametrize("folder", ["home", "root", "Users", "work", "tmp"])
def test_the_search_for_machine_paths_finds_them(folder: str) -> None:
    assert MACHINE_PATH.search(f"open('/{folder}/someone/x')")
    assert not MACHINE_PATH.search(f"docs/{folder}/x and https://example.org/{folder}/x")


# --- what the project says of itself --------------------------------------------------------------------------------


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in project["project"]["optional-dependencies"].values():
        listed += extra
    names = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in listed}
    rows = set(re.findall(r"^\| `([\w.-]+)", (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8"), re.M))
    assert rows == names


def first_line(path: Path) -> str:
    return (ast.get_docstring(parse(path)) or "").split("\n")[0]


def picture() -> str:
    """The modules from the bottom up, in the order of the layers of pyproject.toml, each with its first line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["id"]: contract for contract in project["tool"]["importlinter"]["contracts"]}
    lines = []
    for layer in reversed(contracts["layers"]["layers"]):
        for name in re.findall(r"\w+", layer):
            folder, file = ROOT / "derive" / name, ROOT / "derive" / f"{name}.py"
            files = sorted(folder.rglob("*.py")) if folder.is_dir() else [file]
            files = [path for path in files if path.exists() and path.name != "__main__.py"]
            lines += [f"{relative(path)}\n    {first_line(path)}" for path in files]
    files = [path for path in SOURCES if relative(path).startswith("numeric/")]
    return "\n".join([*lines, *(f"{relative(path)}\n    {first_line(path)}" for path in files)]) + "\n"


def test_the_picture_of_the_modules_is_true(request: pytest.FixtureRequest) -> None:
    """docs/architecture.md shows every module in the order of the layers; --update-golden writes it anew."""
    page = ROOT / "docs" / "architecture.md"
    before, mark, rest = page.read_text(encoding="utf-8").partition("````text\n")
    drawn, end, after = rest.partition("````")
    if request.config.getoption("--update-golden", default=False):
        page.write_text(before + mark + picture() + end + after, encoding="utf-8")
    else:
        assert drawn == picture()


def test_every_module_of_derive_has_its_layer() -> None:
    """lint-imports says so too, but an empty folder of `derive` is nothing to it."""
    drawn = set(re.findall(r"^(derive/\S+)$", picture(), re.M))
    there = {relative(path) for path in SOURCES if relative(path).startswith("derive/")}
    assert drawn | {"derive/__init__.py"} == {name for name in there if not name.endswith("/__main__.py")}

"""How long things take: `python -m tests.benchmarks.speed [ROUNDS]`, run from the top of a checkout.

Every round does each measurement once, one after the other, so that a slow minute of the machine falls on all of them
alike; medians are over the rounds, and the ratio is to `python -c pass` or to the first line of its group. Not a test.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from derive.derivation import Derivation
from derive.kernel.check import check_text
from derive.kernel.terms import canonical
from derive.library import OTHER_KINDS, catalogue, derivation
from derive.prover import prove

# measurement -> the most that it may take, in seconds
PROMISED = {"re-check of a 4-step certificate": 0.05, "built-in deck, cold start": 10.0, "derive --help": 0.4}
FOUR_STEPS = Path(__file__).resolve().parent / "four_steps.chain"


def process(*words: str) -> Callable[[], None]:
    def run() -> None:
        subprocess.run([sys.executable, *words], check=True, capture_output=True, timeout=300)

    return run


def four_step_certificate() -> str:
    """The certificate of the chain in which the language is introduced: Laplace noise gives the L1 loss."""
    from derive.chains import read_chains

    (chain,) = read_chains(FOUR_STEPS.read_text(encoding="utf-8"), FOUR_STEPS.name)
    judged = prove(chain)
    assert judged.certificate is not None
    assert len(judged.certificate["steps"]) == 4
    return json.dumps(judged.certificate)


def checks(certificate: str) -> Callable[[], None]:
    def run() -> None:
        canonical.cache_clear()  # nothing is remembered from the last time
        check_text(certificate)

    return run


def proves(item: Derivation) -> Callable[[], None]:
    def run() -> None:
        assert prove(item).verdict == "proved"

    return run


def measurements(folder: Path) -> dict[str, list[tuple[str, Callable[[], object]]]]:
    """Groups of (name, what is timed)."""
    certificate = four_step_certificate()
    file = folder / "certificate.json"
    file.write_text(certificate, encoding="utf-8")
    names = [entry.name for kind, entries in catalogue().items() if kind not in OTHER_KINDS for entry in entries]
    return {
        "as a process": [
            ("python -c pass", process("-c", "pass")),
            ("derive --help", process("-m", "derive.cli", "--help")),
            ("derive list", process("-m", "derive.cli", "list")),
            ("derive show laplace-l1", process("-m", "derive.cli", "show", "laplace-l1")),
            ("python -m derive.kernel FILE, 4 steps", process("-m", "derive.kernel", str(file))),
            ("built-in deck, cold start", process("-m", "derive.cli", "deck", "-o", str(folder / "deck.html"))),
        ],
        "in a running Python": [
            ("re-check of a 4-step certificate", checks(certificate)),
            *((f"prove {name}", proves(derivation(name))) for name in names),
        ],
    }


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        groups = measurements(Path(folder))
        for runs in groups.values():
            for _, run in runs:
                run()  # once, so that imports and caches of the disk are not counted
        times: dict[str, list[float]] = {}
        for _ in range(rounds):
            for runs in groups.values():
                for name, run in runs:
                    begin = time.perf_counter()
                    run()
                    times.setdefault(name, []).append(time.perf_counter() - begin)
    for group, runs in groups.items():
        first = statistics.median(times[runs[0][0]])
        print(f"\n| {group}, median of {rounds} | ms | ratio | promised |\n|---|---:|---:|---:|")
        for name, _ in runs:
            middle = statistics.median(times[name])
            bound = f"<= {PROMISED[name] * 1000:.0f}" if name in PROMISED else ""
            print(f"| {name} | {middle * 1000:.1f} | {middle / first:.1f} | {bound} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)

"""`derive check`: chains, the derive blocks of a deck, and certificates, each judged, and the answer as JSON or text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.derivation import VERDICTS, Derivation
from derive.errors import InputError
from derive.kernel.check import check_text
from derive.kernel.terms import Refused


@dataclass(frozen=True)
class FileResult:
    """What a file holds: judged derivations, or a certificate's own verdict."""

    file: str
    derivations: tuple[Derivation, ...] = ()
    certificate: dict[str, Any] | None = None

    @property
    def verdict(self) -> str:
        if self.certificate is not None:
            return "proved"
        return max((d.verdict for d in self.derivations), key=VERDICTS.index, default="proved")


def check_file(name: str, text: str) -> FileResult:
    """Judge one file by its ending: .json is a certificate, .md a deck, everything else a chain file.

    Raises InputError where the file cannot be read as what it says it is.
    """
    from derive.library import derivation
    from derive.prover import prove

    if name.endswith(".json"):
        return FileResult(name, certificate=_certificate(name, text))
    if name.endswith((".md", ".markdown")):
        from derive.chains import Use
        from derive.chains import read_deck as read_blocks
        from derive.deck import read_deck

        read_deck(text, name)  # an unknown block is an error here too
        found = [
            derivation(item.name, file=name, line=item.line) if isinstance(item, Use) else item
            for entries in read_blocks(text, name)
            for item in entries
        ]
    else:
        from derive.chains import read_chains

        found = list(read_chains(text, name))
    if not found:
        raise InputError("nothing to judge", file=name, remedy="write a chain, or a ```derive block in a deck")
    return FileResult(name, tuple(prove(item) for item in found))


def _certificate(name: str, text: str) -> dict[str, Any]:
    try:
        report = check_text(text)
    except Refused as refusal:
        remedy = "a certificate is written by `derive check --certificates`; it is not edited by hand"
        raise InputError(f"the certificate is refused: {refusal}", file=name, remedy=remedy) from None
    return {"digest": report.digest, "steps": len(report.used), "claim": report.claim}


def file_json(result: FileResult) -> dict[str, Any]:
    """The object that `derive check --json` prints for a file."""
    document: dict[str, Any] = {"file": result.file, "verdict": result.verdict}
    if result.certificate is not None:
        from derive.ascii import show

        claim = show(result.certificate["claim"])
        return document | {"certificate": result.certificate["digest"], "steps": result.certificate["steps"], "claim": claim}
    return document | {"lines": [_line_json(line) for d in result.derivations for line in d.judged]}


def _line_json(line: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"line": line.number, "verdict": line.verdict}
    if line.verdict == "proved":
        return found | {"rule": line.rule, "side_conditions": list(line.side_conditions)}
    if line.verdict == "refuted":
        found |= {"witness": dict(line.witness), "left": line.left, "right": line.right}
    return found | ({"reason": line.message} if line.message else {})


def file_text(result: FileResult) -> str:
    """What `derive check` prints for a file on a terminal."""
    if result.certificate is not None:
        from derive.ascii import show

        return f"{result.file}: proved, {result.certificate['steps']} steps: {show(result.certificate['claim'])}"
    from derive.render.text import text

    parts = [text(d, lang="en") for d in result.derivations]
    return "\n\n".join([f"{result.file}: {result.verdict}", *parts])


def write_certificates(results: list[FileResult], folder: Path) -> None:
    """Write the certificate of each proved chain as FOLDER/<first 16 digits of its digest>.json."""
    from derive.slides import write_whole

    for result in results:
        for d in result.derivations:
            if d.certificate is not None:
                folder.mkdir(parents=True, exist_ok=True)
                write_whole(folder / f"{d.digest[:16]}.json", json.dumps(d.certificate, indent=1) + "\n")

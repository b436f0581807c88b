"""`derive check`: chains, the derive blocks of a deck, and certificates, each judged; the answer as JSON or text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.derivation import VERDICTS, Derivation
from derive.errors import InputError
from derive.kernel.check import check_text
from derive.kernel.terms import Refused
from derive.limits import Patience

if TYPE_CHECKING:
    from derive.update_rule import UpdateRule


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
    from derive.prover import prove

    if name.endswith(".json"):
        return FileResult(name, certificate=_certificate(name, text))
    if name.endswith((".md", ".markdown")):
        found = _of_deck(name, text)
    else:
        from derive.chains import read_chains

        found = list(read_chains(text, name))
    if not found:
        raise InputError("nothing to judge", file=name, remedy="write a chain, or a ```derive block in a deck")
    patience = Patience()
    return FileResult(name, tuple(prove(item, patience=patience) for item in found))


def _of_deck(name: str, text: str) -> list[Derivation]:
    from derive.chains import Use
    from derive.chains import read_deck as read_blocks
    from derive.deck import read_deck
    from derive.library import derivation
    from derive.rule_blocks import checked_rules
    from derive.schedule_blocks import checked_schedules

    deck = read_deck(text, name)
    checked_rules(deck)  # an unknown block is an error here too
    checked_schedules(deck)
    return [
        derivation(item.name, file=name, line=item.line) if isinstance(item, Use) else item
        for entries in read_blocks(text, name)
        for item in entries
    ]


def named(name: str, text: str | None = None) -> list[Derivation]:
    """What `derive show` is asked for: the chains of a file, the derivations of a lecture, or one of the library.

    `text` is the text of the file, if `name` is a file. Raises InputError for a name that nothing has.

    >>> [d.name for d in named("laplace-l1")]
    ['laplace-l1']
    """
    from derive.chains import read_chains
    from derive.library import catalogue, derivation, lecture_text

    if text is not None:
        if not (found := list(read_chains(text, name))):
            raise InputError("nothing to show", file=name, remedy="write a chain")
        return found
    if name in [entry.name for entry in catalogue()["lectures"]]:
        return _of_deck(f"{name}.md", lecture_text(name))
    return [derivation(name)]


def rule_named(name: str) -> UpdateRule | None:
    """The update rule that `derive show` is asked for, if the library has one of that name.

    >>> rule_named("adam").title.en, rule_named("laplace-l1")
    ('Adam', None)
    """
    from derive.library.optimizers import OPTIMIZERS

    return OPTIMIZERS.get(name)


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

        found = result.certificate
        return document | {"certificate": found["digest"], "steps": found["steps"], "claim": show(found["claim"])}
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

        steps = result.certificate["steps"]
        claim = show(result.certificate["claim"])
        return f"{result.file}: proved, {steps} step{'' if steps == 1 else 's'}: {claim}"
    from derive.render.text import text

    parts = [text(d, lang="en") for d in result.derivations]
    return "\n\n".join([f"{result.file}: {result.verdict}", *parts])


def write_certificates(results: list[FileResult], folder: Path) -> None:
    """Write the certificate of each proved chain as FOLDER/<first 16 digits of its digest>.json."""
    from derive.certificate import as_text
    from derive.slides import write_whole

    for result in results:
        for d in result.derivations:
            if d.certificate is not None:
                folder.mkdir(parents=True, exist_ok=True)
                write_whole(folder / f"{d.digest[:16]}.json", as_text(d.certificate))

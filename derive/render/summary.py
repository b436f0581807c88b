"""The count of verdicts under a derivation, and the words for verdicts in both languages."""

from __future__ import annotations

from types import MappingProxyType

from derive.derivation import Derivation, Text

VERDICT_WORDS = MappingProxyType({
    "proved": Text("proved", "증명"),
    "declared": Text("declared", "선언"),
    "checked": Text("checked", "시험"),
    "undecided": Text("undecided", "미결"),
    "refuted": Text("refuted", "반증"),
    "": Text("not judged", "판정 전"),
})  # fmt: skip

WORDS = {
    "given": ("given", "가정"), "definition": ("define", "정의"), "goal": ("to show", "보일 것"),
    "source": ("source", "출처"), "at": ("at", "반례"), "left": ("left", "왼쪽"), "right": ("right", "오른쪽"),
    "conditions": ("needs", "조건"), "digest": ("certificate", "증명서"),
}  # fmt: skip


def word(key: str, lang: str) -> str:
    """A heading in a language."""
    return WORDS[key][lang == "ko"]


def counts(derivation: Derivation) -> dict[str, int]:
    """How many steps have which verdict ("unjudged" for none), and how many definitions there are.

    A line that is declared is a definition, not a step.

    >>> counts(Derivation())["steps"]
    0
    """
    verdicts = [line.verdict for line in derivation.judged]
    found = {verdict or "unjudged": verdicts.count(verdict) for verdict in VERDICT_WORDS if verdict != "declared"}
    definitions = verdicts.count("declared") + len(derivation.assumptions.definitions)
    return {"steps": len(verdicts) - verdicts.count("declared"), **found, "definitions": definitions}


def summary(derivation: Derivation, lang: str = "en") -> str:
    """The counts in words; "proved" counts only lines whose verdict is that.

    >>> from derive.derivation import Line
    >>> line = Line("=", ("v", "x"), verdict="proved")
    >>> d = Derivation(lines=(Line("", ("v", "x")), line, line))
    >>> summary(d), summary(d, "ko")
    ('2 steps: 2 proved', '2단계: 증명 2')
    """
    found = counts(derivation)
    steps, definitions = found["steps"], found["definitions"]
    parts = []
    for verdict, words in VERDICT_WORDS.items():
        number = found.get(verdict or "unjudged", 0)
        if number:
            parts.append(f"{words.ko} {number}" if lang == "ko" else f"{number} {words.en}")
    if lang == "ko":
        text = f"{steps}단계" + (": " + ", ".join(parts) if parts else "")
        return text + (f"; 정의 {definitions}" if definitions else "")
    text = ("1 step" if steps == 1 else f"{steps or 'no'} steps") + (": " + ", ".join(parts) if parts else "")
    return text + (f"; {definitions} definition{'s' * (definitions != 1)}" if definitions else "")

"""The count of verdicts under a derivation, and the words for verdicts in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from derive.derivation import VERDICTS, Derivation, Text

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
    "obligation": ("rests on", "전제"), "source": ("source", "출처"),
    "at": ("at", "반례"), "left": ("left", "왼쪽"), "right": ("right", "오른쪽"),
    "conditions": ("needs", "조건"), "digest": ("certificate", "증명서"),
}  # fmt: skip
# what is said of a line without a reason
RULE_WORDS = MappingProxyType({
    "definition": Text("by definition", "정의"),
    "identity": Text("algebra", "식의 정리"),
    "log_of_product": Text("the logarithm of a product is a sum", "로그는 곱을 합으로 바꾼다"),
    "monotone": Text("an increasing function keeps the order", "증가함수는 순서를 지킨다"),
    "argopt": Text("the same optimum", "최적점은 그대로"),
    "sum_termwise": Text("term by term", "항마다"),
    "grad": Text("differentiate", "미분"),
    "subgrad_abs": Text("subgradient of the absolute value", "절댓값의 서브그래디언트"),
    "positive": Text("by the signs of its parts", "각 부분의 부호로부터"),
    "induction": Text("by induction", "수학적 귀납법"),
    "equivalent": Text("equivalent", "동치"),
})  # fmt: skip
_OBLIGATIONS = MappingProxyType({
    "proved": Text("proved obligation", "증명한 전제"),
    "declared": Text("declared obligation", "선언한 전제"),
    "checked": Text("checked obligation", "시험한 전제"),
    "undecided": Text("undecided obligation", "미결인 전제"),
    "refuted": Text("refuted obligation", "반증된 전제"),
    "unjudged": Text("unjudged obligation", "판정 전인 전제"),
})  # fmt: skip


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


def obligation_counts(derivations: Iterable[Derivation]) -> dict[str, int]:
    """How many obligations have which verdict, from best to worst; "unjudged" for none."""
    verdicts = [item.verdict or "unjudged" for derivation in derivations for item in derivation.obligations]
    return {verdict: verdicts.count(verdict) for verdict in (*VERDICTS, "unjudged") if verdict in verdicts}


def summary(derivation: Derivation, lang: str = "en") -> str:
    """The counts in words; "proved" counts only lines and obligations whose verdict is that.

    >>> from derive.derivation import Line, Obligation
    >>> line = Line("=", ("v", "x"), verdict="proved")
    >>> d = Derivation(lines=(Line("", ("v", "x")), line, line), obligations=(Obligation(Text("a mass of 1")),))
    >>> summary(d), summary(d, "ko")
    ('2 steps: 2 proved; 1 declared obligation', '2단계: 증명 2; 선언한 전제 1')
    """
    return summary_of([derivation], lang)


def summary_of(derivations: Iterable[Derivation], lang: str = "en") -> str:
    """The counts of several derivations together."""
    derivations = list(derivations)
    found = {key: sum(counts(derivation)[key] for derivation in derivations) for key in counts(Derivation())}
    steps, definitions = found["steps"], found["definitions"]
    verdicts = [_of(number, words.in_(lang), lang) for verdict, words in VERDICT_WORDS.items()
                if (number := found.get(verdict or "unjudged", 0))]  # fmt: skip
    name = "정의" if lang == "ko" else "definition" if definitions == 1 else "definitions"
    rest = [_of(definitions, name, lang)] if definitions else []
    for verdict, number in obligation_counts(derivations).items():
        text = _OBLIGATIONS[verdict].in_(lang)
        rest.append(_of(number, text if lang == "ko" or number == 1 else f"{text}s", lang))
    text = f"{steps}단계" if lang == "ko" else "1 step" if steps == 1 else f"{steps or 'no'} steps"
    return text + (f": {', '.join(verdicts)}" if verdicts else "") + (f"; {', '.join(rest)}" if rest else "")


def _of(number: int, words: str, lang: str) -> str:
    return f"{words} {number}" if lang == "ko" else f"{number} {words}"

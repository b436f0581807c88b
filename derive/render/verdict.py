"""A verdict on code as a document: the two rules, what maps one to the other, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from derive.deck import Deck, Heading, Slide
from derive.derivation import Derivation, Text
from derive.errors import InputError
from derive.markdown import Block, Inline
from derive.render.escape import printable
from derive.render.markdown_prose import blocks_markdown
from derive.render.rules import rule_latex
from derive.render.sheet import Maker
from derive.render.text import width
from derive.update_rule import UpdateRule

Row = list[tuple[Inline, ...]]
FORMATS = ("text", "markdown", "html")
SAID = {
    "equal": Text("equal: proved for all inputs and all steps", "같다: 모든 입력과 모든 걸음에 대해 증명됨"),
    "equal_under": Text("equal under the conditions below: proved", "아래 조건에서 같다: 증명됨"),
    "different": Text("different: a witness is below", "다르다: 반례는 아래에"),
    "undecided": Text("undecided", "판정하지 못함"),
}
TARGET, RULE, VERDICT = Text("code", "코드"), Text("rule", "규칙"), Text("verdict", "판정")
HOW = Text("how it was read", "읽은 방법")
HOWS = {
    "read": Text("read, not run", "실행하지 않고 읽음"), "lifted": Text("run on expressions", "식을 넣어 실행함"),
    "tested": Text("tested", "시험함"),
}  # fmt: skip
WHAT_CODE, WHAT_RULE = Text("the code computes", "코드가 계산하는 것"), Text("the rule says", "규칙이 말하는 것")
MAP, CONDITIONS, NAMES = Text("map", "대응"), Text("conditions", "조건"), Text("names in the code", "코드의 이름")
DIFFERENCE, WITNESS = Text("difference of the steps", "걸음의 차"), Text("witness", "반례")
DEFAULTS, FIXED, REASON = Text("other defaults", "다른 기본값"), Text("fixed", "고정한 값"), Text("reason", "이유")
PROVED = Text("proved", "증명한 것")
EXPECTED, GOT = Text("expected", "기대한 값"), Text("got", "나온 값")
COLUMNS = ("t", "g", "eta", "expected", "got")
CERTIFICATES = Text("{} derivations; certificates {}", "도출 {}개; 인증서 {}")


class Verdict(Protocol):
    """What `numeric.verify` gives; described here, since nothing symbolic imports the numeric half."""

    @property
    def code(self) -> UpdateRule | None: ...
    @property
    def claimed(self) -> UpdateRule | None: ...
    @property
    def proofs(self) -> tuple[Derivation, ...]: ...
    def to_json(self) -> dict[str, Any]: ...


def render_verdict(verdict: Verdict, target: str = "text", lang: str = "en") -> str:
    """A verdict as one document. Raises InputError for an unknown format or language."""
    if target not in FORMATS:
        raise InputError(f"unknown format {target!r}", remedy=f"use one of {', '.join(FORMATS)}")
    if lang not in ("en", "ko"):
        raise InputError(f"unknown language {lang!r}", remedy="use en or ko")
    return {"text": _text, "markdown": _markdown, "html": _html}[target](verdict, lang)


def facts(found: Mapping[str, Any], verdict: Verdict, lang: str) -> Iterator[tuple[Text, str]]:
    """The lines of a report that are one line each, where there is something to say."""
    yield TARGET, found["target"]
    if found["how"]:
        yield HOW, HOWS.get(found["how"], Text(found["how"])).in_(lang)
    if found["rule"]:
        yield RULE, found["rule"]
    for label, text in (
        (FIXED, _pairs(found["fixed"])), (NAMES, _pairs(found["names"], ": ")),
        (MAP, _pairs(_changed({**found["hyperparameters"], **found["state_map"]}))),
        (CONDITIONS, "; ".join(found["conditions"])), (DIFFERENCE, found["difference"]), (REASON, found["reason"]),
        (DEFAULTS, _pairs({k: f"{v['target']} ({RULE.in_(lang)} {v['rule']})" for k, v in found["defaults"].items()})),
    ):  # fmt: skip
        if text:
            yield label, text
    if verdict.proofs:
        ids = ", ".join(proof.digest[:12] for proof in verdict.proofs)
        yield PROVED, CERTIFICATES.in_(lang).format(len(verdict.proofs), ids)


def _pairs(found: Mapping[str, str], sign: str = " = ") -> str:
    return "; ".join(f"{name}{sign}{text}" for name, text in found.items())


def _changed(found: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in found.items() if name != text}


def _start(witness: Mapping[str, Any]) -> str:
    return _pairs({"w": witness["w"], **witness["hyperparameters"]})


def _table(witness: Mapping[str, Any]) -> list[list[str]]:
    return [[str(row.get(column, "")) for column in COLUMNS] for row in witness["steps"]]


def _heads(lang: str) -> list[str]:
    return ["t", "g", "eta", EXPECTED.in_(lang), GOT.in_(lang)]


# --- text -------------------------------------------------------------------------------------------------------------


def _text(verdict: Verdict, lang: str) -> str:
    found = verdict.to_json()
    parts = [f"{found['target']} / {found['rule']}: {SAID[found['verdict']].in_(lang)}"]
    rows = [(label.in_(lang), text) for label, text in facts(found, verdict, lang)]
    column = max(width(label) for label, _ in rows) + 2
    parts.append("\n".join(f"{label}:{' ' * (column - width(label) - 1)}{text}" for label, text in rows))
    for label, rule in ((WHAT_CODE, verdict.code), (WHAT_RULE, verdict.claimed)):
        if rule is not None:
            parts.append("\n".join([f"{label.in_(lang)}:", *(f"  {line}" for line in rule.text().split("\n"))]))
    if found["witness"]:
        table = [_heads(lang), *_table(found["witness"])]
        widths = [max(width(row[k]) for row in table) for k in range(len(COLUMNS))]
        lines = ["  " + "  ".join(c + " " * (w - width(c)) for c, w in zip(row, widths, strict=True)) for row in table]
        parts.append("\n".join([f"{WITNESS.in_(lang)}: {_start(found['witness'])}", *(x.rstrip() for x in lines)]))
    return "\n\n".join("\n".join(printable(line) for line in part.split("\n")) for part in parts)


# --- markdown, html ---------------------------------------------------------------------------------------------------


def _blocks(verdict: Verdict, lang: str) -> list[Block]:
    found = verdict.to_json()
    blocks = [_paragraph(lang, SAID[found["verdict"]].in_(lang).capitalize() + ".")]
    rows: list[Row] = [[_cell(label.in_(lang)), (Inline("code", text),)] for label, text in facts(found, verdict, lang)]
    blocks.append(_grid([Text("", ""), Text("", "")], rows, lang))
    for label, rule in ((WHAT_CODE, verdict.code), (WHAT_RULE, verdict.claimed)):
        if rule is not None:
            blocks += [_paragraph(lang, f"{label.in_(lang).capitalize()}:"), Block("math", text=rule_latex(rule))]
    if found["witness"]:
        blocks.append(_paragraph(lang, f"{WITNESS.in_(lang).capitalize()}: {_start(found['witness'])}"))
        cells: list[Row] = [list(map(_cell, row)) for row in _table(found["witness"])]
        blocks.append(_grid([Text(c, c) for c in _heads(lang)], cells, lang))
    return blocks


def _paragraph(lang: str, text: str) -> Block:
    return Block("paragraph", language=lang, inlines=(Inline("text", text),))


def _grid(head: list[Text], rows: list[Row], lang: str) -> Block:
    top = tuple((Inline("text", text.in_(lang)),) if text else () for text in head)
    cells = tuple(tuple(row) for row in rows)
    return Block("table", language=lang, rows=(top, *cells), align=("",) * len(head))


def _cell(text: str) -> tuple[Inline, ...]:
    return (Inline("text", text),)


def _title(verdict: Verdict) -> str:
    found = verdict.to_json()
    return f"{found['target']} / {found['rule']}"


def _markdown(verdict: Verdict, lang: str) -> str:
    maker = Maker(lang, "markdown", 1e6)
    title = blocks_markdown([Block("heading", inlines=(Inline("text", _title(verdict)),))], maker)
    return "\n\n".join([title, blocks_markdown(maker.mine(_blocks(verdict, lang)), maker)])


def _html(verdict: Verdict, lang: str) -> str:
    from derive.render.html import render_deck

    title = (Inline("text", _title(verdict)),)
    slide = Slide(0, Heading(en=title, ko=title), (*_blocks(verdict, "en"), *_blocks(verdict, "ko")))
    return render_deck(Deck(lang=lang, slides=(slide,)), {})


__all__ = ["render_verdict"]

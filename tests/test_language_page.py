"""docs/chain-language.md has the words and the limits that the program has."""

from __future__ import annotations

import re
from pathlib import Path

from derive import chains, headers, nodes, tokens
from derive.kernel import rules, terms
from derive.limits import Patience
from derive.prover import Settings

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "chain-language.md").read_text(encoding="utf-8")


def words(marker: str) -> list[str]:
    found = re.search(rf"<!-- {marker} -->(.*?)<!-- /{marker} -->", PAGE, re.S)
    assert found, f"the page has no place marked {marker}"
    return re.findall(r"`(\w+)`", found[1])


def test_functions_constants_and_rules() -> None:
    assert sorted(words("functions")) == sorted(terms.FUNCTIONS)
    assert words("constants") == list(terms.CONSTANTS)
    assert words("rules") == list(chains.RULES)
    assert sorted(chains.RULES) == sorted(rules.RULES)


def test_headers() -> None:
    table = PAGE.partition("## Headers")[2].partition("```")[0]
    rows = re.findall(r"^\| (.*?) \| .* \| (yes|no) \|$", table, re.M)
    keys = {key: stays for cell, stays in rows for key in re.findall(r"`([a-z.]+):", cell)}
    assert sorted(keys) == sorted(tokens.HEADERS)
    assert {key for key, stays in keys.items() if stays == "yes"} == set(headers.KEPT)


def test_limits() -> None:
    text = " ".join(PAGE.partition("Limits, so that")[2].split())
    for number, what in (
        (chains.MAX_CHAINS, "chains in a file"), (chains.MAX_LINES, "lines in a chain"),
        (headers.MAX_DEFINITIONS, "definitions"), (tokens.MAX_TEXT, "characters"),
        (tokens.MAX_TOKENS, "symbols in a line"), (terms.MAX_DEPTH, "levels"), (terms.MAX_DIGITS, "digits"),
    ):  # fmt: skip
        assert f"{number:,} {what}" in text, what
    assert f"{nodes.MAX_EXPONENT} in an exponent" in text
    assert (Settings().search_seconds, Settings().witness_seconds) == (2.5, 2.0)
    assert Patience().left == 20.0

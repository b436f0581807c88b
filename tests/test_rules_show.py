"""Update rules on paper: every rule of the library in every format and both languages, and ```rule blocks of decks."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import derive
from derive.ascii import show
from derive.checking import check_file
from derive.cli import main
from derive.deck import read_deck
from derive.derivation import Text
from derive.errors import InputError
from derive.kernel.terms import subterms
from derive.library import derivation
from derive.library.optimizers import OPTIMIZERS
from derive.render.author_math import author_math
from derive.render.html import render_deck
from derive.render.mathml import to_mathml
from derive.render.rule_prose import expanded
from derive.render.rule_show import FORMATS, render_rule, rule_json
from derive.render.rules import default_latex, facts_latex, gradient_latex, line_latex, naming_of, rule_latex, vectors
from derive.rule_blocks import CHOICES, MAX_BLOCK, read_rules
from derive.slides import build
from derive.syntax import parse_expression, parse_given
from derive.update_rule import Hyperparameter, UpdateRule

RULES = list(OPTIMIZERS.values())
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
BLOCK = "# Adam | Adam\n\n```rule\n{}\n```\n"


# --- LaTeX ----------------------------------------------------------------------------------------------------------


@each_rule
@pytest.mark.parametrize(("shift", "lecture"), [(0, False), (1, False), (1, True)])
def test_every_rule_is_a_formula_that_html_tex_and_markdown_can_show(
    rule: UpdateRule, shift: int, lecture: bool
) -> None:
    for more in ({}, {"gradient": True}, {"gradient": True, "compact": True}):
        tex = rule_latex(rule, shift, lecture=lecture, **more)
        assert to_mathml(tex, display=True).width > 5
        for flavour in ("tex", "markdown"):
            assert author_math(tex, flavour, display=True)  # type: ignore[arg-type]
        assert "mathit{" not in re.sub(r"mathit\{(?:rate|decay)\}", "", tex)  # no name is printed letter by letter


@each_rule
@pytest.mark.parametrize("lecture", [False, True])
def test_no_two_names_of_a_rule_look_alike(rule: UpdateRule, lecture: bool) -> None:
    table = naming_of(rule, lecture=lecture).table
    assert len({str(shown) for shown in table.values()}) == len(table)
    assert set(table) >= {"w", "g", *(s.name for s in rule.state), *(a.name for a in rule.assignments)}


@each_rule
def test_the_lines_stand_in_their_order_with_both_sides(rule: UpdateRule) -> None:
    shown = line_latex(rule)
    assert len(shown) == len(rule.lines) == len(rule.timed())
    naming = naming_of(rule)
    for (left, _), made in zip(shown, rule.assignments, strict=True):
        base, below = naming.printed(made.name)
        assert left == f"{base}_{{{below + ',' if below else ''}t}}"


def test_names_are_printed_as_papers_do() -> None:
    def printed(rule: str, name: str) -> str:
        return str(naming_of(OPTIMIZERS[rule]).printed(name))

    assert printed("adam", "mhat") == r"\hat{m}"
    assert printed("adam", "vhat") == r"\hat{v}"
    assert (printed("adam", "beta1"), printed("adam", "eps"), printed("adam", "eta")) == (
        r"\beta_{1}", r"\epsilon", r"\eta",
    )  # fmt: skip
    assert printed("amsgrad", "vmax") == r"v_{\max}"
    assert printed("rprop", "etaplus") == r"\eta^{+}"
    assert printed("adamw", "lam") == r"\lambda"
    assert rule_latex(OPTIMIZERS["momentum"]) == OPTIMIZERS["momentum"].to_latex()
    assert OPTIMIZERS["sgd"]._repr_latex_() == r"$\displaystyle w_{t} = w_{t - 1} - \eta g_{t}$"


def test_a_lecture_writes_the_times_above_and_vectors_in_bold() -> None:
    tex = rule_latex(OPTIMIZERS["adam"], 1, lecture=True, gradient=True)
    lines = tex.split("\n")
    assert lines[1] == r"\mathbf{g}^{t} &= \nabla_{\mathbf{w}} \mathcal{L}_{\mathcal{B}}(\mathbf{w}^{t}) \\"
    assert lines[3] == r"\mathbf{v}^{t + 1} &= \beta_{2} \mathbf{v}^{t} + (1 - \beta_{2}) (\mathbf{g}^{t})^{2} \\"
    assert r"\hat{\mathbf{m}}^{t + 1} &= \frac{\mathbf{m}^{t + 1}}{1 - \beta_{1}^{t + 1}}" in tex
    assert r"\mu_{1}^{t + 1}" in rule_latex(OPTIMIZERS["nadam"], 1, lecture=True)  # a number of the step is no vector


@each_rule
def test_a_vector_is_what_has_a_value_for_each_parameter(rule: UpdateRule) -> None:
    found = vectors(rule)
    assert {"w", "g"} <= found
    assert not found & {hyper.name for hyper in rule.hyperparameters}
    assert not found & {state.name for state in rule.state if state.scalar}
    for made in rule.assignments:
        if made.name not in found:
            assert not {node[1] for node in subterms(made.term) if node[0] == "v"} & found


def test_where_the_gradient_is_taken() -> None:
    nesterov = OPTIMIZERS["nesterov"]
    assert gradient_latex(nesterov, 1, lecture=True)[1].endswith(r"(\mathbf{w}^{t} + \beta_{1} \mathbf{m}^{t})")
    assert rule_latex(nesterov).split("\n")[1].startswith("g_{t} &= ")  # said without being asked for
    assert "nabla" not in rule_latex(OPTIMIZERS["momentum"])
    assert "gradient: taken at w[t - 1] + beta1*m[t - 1]" in render_rule(nesterov)


@pytest.mark.parametrize("name", ["adam", "adamw", "nadam"])
def test_short_definitions_share_a_line_only_where_that_is_asked_for(name: str) -> None:
    rule = OPTIMIZERS[name]
    full, compact = rule_latex(rule), rule_latex(rule, compact=True)
    assert len(compact.split("\n")) <= len(full.split("\n"))
    for left, right in line_latex(rule):
        assert left in compact
        assert right in compact


def test_a_sum_of_times_is_written_as_one() -> None:
    assert "(t + 2)" in OPTIMIZERS["nadam"].text(1)
    assert "min(t, 1)" in OPTIMIZERS["momentum-torch"].text(1)
    assert all("t + 1) - 1" not in rule.text(1) and "(t + 1) + 1" not in rule.text(1) for rule in RULES)


@pytest.mark.parametrize(
    ("default", "expected"),
    [("1e-8", "10^{-8}"), ("0.999", "0.999"), ("2.5e-3", r"2.5 \cdot 10^{-3}"), ("1e0", "10^{0}")],
)
def test_defaults_are_printed_exactly(default: str, expected: str) -> None:
    assert default_latex(Hyperparameter("eps", default, "", Text())) == expected


def test_a_domain_from_both_sides_is_one_formula() -> None:
    adam = OPTIMIZERS["adam"]
    assert facts_latex(adam, "0 <= beta1 < 1") == r"0 \le \beta_{1} < 1"
    assert facts_latex(adam, "eps > 0; eta >= 0") == r"\epsilon > 0, \eta \ge 0"
    assert facts_latex(OPTIMIZERS["radam"], "2/3 < beta2 < 1") == r"\frac{2}{3} < \beta_{2} < 1"


# --- derive show ----------------------------------------------------------------------------------------------------


@each_rule
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_rule_is_shown_whole(rule: UpdateRule, lang: str) -> None:
    """Title, lines, start, hyperparameters with default and meaning, source, and that it is declared."""
    text, latex, markdown, _, data = (render_rule(rule, target, lang) if target != "html" else "" for target in FORMATS)
    assert text.split("\n")[0] == rule.title.in_(lang)
    assert rule.source in text
    for line in rule.text().split("\n"):
        assert f"       {line}\n" in text
    for hyper in rule.hyperparameters:
        row = next(row for row in text.split("\n") if re.match(rf"  {hyper.name} ", row))
        assert hyper.meaning.in_(lang) in row
        assert row.split()[1] == hyper.default
        assert default_latex(hyper) in latex
    for state in rule.state:
        assert f"{state.name}[0] = {state.initial}" in text
    for shown in (text, latex, markdown):
        assert {"en": "1 update rule: declared", "ko": "갱신 규칙 1: 선언"}[lang] in shown
    assert latex.count("{") == latex.count("}")
    assert markdown.startswith("### ")
    assert json.loads(data)["verdict"] == "declared"


@each_rule
def test_the_json_is_enough_to_build_the_rule_again(rule: UpdateRule) -> None:
    found = json.loads(json.dumps(rule_json(rule)))
    again = UpdateRule(
        found["name"], Text(**found["title"]), tuple(found["assignments"]),
        tuple(Hyperparameter(h["name"], h["default"], h["domain"], Text(**h["meaning"]), tuple(h["aliases"]))
              for h in found["hyperparameters"]),
        tuple(type(state)(s["name"], s["initial"]["ascii"], Text(**s["meaning"]), s["invariant"], s["scalar"])
              for state, s in zip(rule.state, found["state"], strict=True)),
        found["source"], found["gradient_at"]["point"], Text(**found["note"]),
    )  # fmt: skip
    assert again == rule
    assert [line["ascii"] for line in found["lines"]] == rule.text().split("\n")
    assert [line["kind"] for line in found["lines"]] == [made.kind for made in rule.assignments]
    assert all(Fraction(h["exact"]) == Fraction(h["default"]) for h in found["hyperparameters"])
    assert parse_given("; ".join(found["given"])).facts == rule.assumptions.facts
    assert all(show(parse_expression(line["ascii"]).term) == line["ascii"] for line in found["lines"])


@pytest.mark.parametrize("name", ["adam", "nesterov", "rprop", "gd"])
@pytest.mark.parametrize("target", ["text", "latex", "markdown"])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_golden(name: str, target: str, lang: str, golden: Callable[[str, str], None]) -> None:
    golden(f"rules/{name}.{lang}.{target}.txt", render_rule(OPTIMIZERS[name], target, lang) + "\n")


def test_the_page_has_both_languages_and_nothing_is_fetched() -> None:
    page = render_rule(OPTIMIZERS["nesterov"], "html", "ko")
    assert '<html lang="ko">' in page
    assert {"Nesterov, looking ahead", "앞을 내다보는 네스테로프"} <= set(re.split("[<>]", page))
    assert page.count('<section class="slide') == 1
    assert not re.findall(r"https?://", page)


@pytest.mark.parametrize(("target", "lang"), [("pdf", "en"), ("text", "fr")])
def test_unknown_formats_and_languages(target: str, lang: str) -> None:
    with pytest.raises(InputError, match="unknown"):
        render_rule(OPTIMIZERS["adam"], target, lang)


@pytest.mark.parametrize("target", FORMATS)
def test_the_command_shows_a_rule(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "adam", "--to", target, "--lang", "ko"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (render_rule(OPTIMIZERS["adam"], target, "ko") + "\n", "")


def test_the_command_prints_json_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "rmsprop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == rule_json(OPTIMIZERS["rmsprop"])
    assert main(["list", "optimizers", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["optimizers"]
    assert [entry["name"] for entry in listed] == list(OPTIMIZERS)


@pytest.mark.parametrize(("name", "near"), [("adm", "adam"), ("rmsporp", "rmsprop"), ("nesterof", "nesterov")])
def test_a_misspelt_name_is_told_the_nearest(name: str, near: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", name]) == 2
    assert f"did you mean {near}?" in capsys.readouterr().err
    with pytest.raises(InputError, match=f"did you mean {near}"):
        derive.optimizers[name]


def test_the_rules_are_a_mapping() -> None:
    assert dict(derive.optimizers) == OPTIMIZERS
    assert derive.optimizers["adam"] is OPTIMIZERS["adam"]
    assert "adm" not in derive.optimizers
    assert derive.optimizers.get("adm") is None
    assert {"optimizers", "UpdateRule"} <= set(dir(derive))
    assert derive.UpdateRule is UpdateRule
    with pytest.raises(InputError, match="is an update rule, not a derivation"):
        derivation("adam")


# --- blocks of a deck -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("use: adm", 4, "no optimizer is called adm; did you mean adam"),
        ("use: adam\n\nuse: momentun", 6, "did you mean momentum"),
        ("use: adam\nuse: adam", 5, "used twice"),
        ("use: adam\nstyle: book", 5, "style cannot be 'book'; use lecture or paper"),
        ("use: adam\nhyperparameter: yes", 5, "did you mean hyperparameters"),
        ("use: adam\ngradient: maybe", 5, "use yes or no"),
        ("use: adam\nstyle: paper\nstyle: paper", 6, "style is given twice"),
        ("adam", 4, "'adam' is no line of a rule; write `use: NAME`"),
        ("# adam\nstyle: paper", 4, "names no rule"),
        ("use: gd\nuse: sgd\nuse: adam\nuse: lion\nuse: yogi", 8, "more than 4 rules"),
        ("#" * (MAX_BLOCK + 1), 4, "too long"),
    ],
)
def test_errors_of_a_block_name_the_line(text: str, line: int, message: str) -> None:
    deck = BLOCK.format(text)
    for call in (
        lambda: build(deck, "deck.md", "out.html"),
        lambda: build(deck, "deck.md", "out.tex"),
        lambda: render_deck(read_deck(deck, "deck.md"), {}),
        lambda: check_file("deck.md", deck + "\n```derive\n1 = 1\n```\n"),
    ):
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            call()
        assert str(caught.value).startswith(f"deck.md:{line}: ")


@pytest.mark.parametrize("where", ["- a\n\n  ```rule\n  use: adam\n  ```", "::: notes\n```rule\nuse: adam\n```\n:::"])
def test_a_block_stands_on_the_slide_itself(where: str) -> None:
    with pytest.raises(InputError, match="move it out"):
        read_deck(f"# A\n\n{where}\n")


def test_a_misspelt_block_is_not_shown_as_code() -> None:
    with pytest.raises(InputError, match="unknown block ```rules; use one of derive, plot, rule"):
        read_deck("# A\n\n```rules\nuse: adam\n```\n")


CHOSEN = {key: st.sampled_from(values) for key, values in CHOICES.items()}


@given(st.lists(st.sampled_from(list(OPTIMIZERS)), min_size=1, max_size=4, unique=True), st.fixed_dictionaries(CHOSEN))
@settings(max_examples=10, deadline=None)
def test_any_rules_in_any_style_are_shown_in_every_format(names: list[str], chosen: dict[str, str]) -> None:
    text = "\n".join([*(f"use: {name}" for name in names), *(f"{key}: {value}" for key, value in chosen.items())])
    assert [rule.name for rule in read_rules(text, 1).rules] == names
    for ending in (".html", ".tex", ".md", ".ipynb"):
        built = build(BLOCK.format(text), "deck.md", f"out{ending}", lang="ko")
        assert (built.slides, built.rules, built.verdict) == (1, len(names), "declared")
        assert all("pages high" in warning or "wider" in warning for warning in built.warnings)


@pytest.mark.parametrize("ending", [".html", ".tex", ".md", ".ipynb"])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_deck_with_rules(ending: str, lang: str) -> None:
    first = "# A | 가\n\n```rule\nuse: adam\ngradient: no\nhyperparameters: yes\n```\n"
    second = "# B | 나\n\n```rule\nuse: momentum\nuse: rmsprop\ngradient: no\n```\n"
    built = build(f"{first}\n---\n\n{second}", "deck.md", f"out{ending}", lang=lang)
    assert (built.slides, built.rules, built.warnings) == (2, 3, [])
    assert built.summary == "3 update rules: declared"
    content = str(built.content)
    shown: Any = json.loads(content) if ending == ".ipynb" else content
    content = "".join("".join(cell["source"]) for cell in shown["cells"]) if ending == ".ipynb" else content
    assert {"en": "how much of the past gradients is kept", "ko": "지난 기울기를 기억하는 비율"}[lang] in content
    assert {"en": "Momentum", "ko": "모멘텀"}[lang] in content
    if ending != ".ipynb":  # which has no foot below prose
        assert {"en": "2 update rules: declared", "ko": "갱신 규칙 2: 선언"}[lang] in content
        assert "Kingma and Ba, Adam" in content
    formula = r"\hat{\mathbf{m}}^{t + 1} &= \frac{\mathbf{m}^{t + 1}}{1 - \beta_{1}^{t + 1}}"
    assert formula in html.unescape(content)


def test_several_rules_stand_side_by_side_where_there_is_room() -> None:
    def kinds(*names: str) -> list[str]:
        uses = "\n".join(f"use: {name}" for name in names)
        (slide,) = expanded(read_deck(BLOCK.format(uses))).slides
        return [block.kind for block in slide.blocks]

    assert kinds("adam") == ["math"]
    assert kinds("momentum", "rmsprop") == ["table"]
    assert kinds("nadam", "radam") == ["heading", "math", "heading", "math"]


def test_a_deck_without_rules_is_left_alone(tmp_path: Path) -> None:
    deck = read_deck("# A\n\ntext\n\n***\n\nmore\n")
    assert expanded(deck) == deck
    assert [block.kind for block in deck.slides[0].blocks] == ["paragraph", "line", "paragraph"]
    assert build("# A\n\ntext\n", "deck.md", "out.html").summary == "no derivations"


def test_rules_and_derivations_are_counted_apart(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    deck = tmp_path / "deck.md"
    deck.write_text(BLOCK.format("use: adam") + "\n```derive\ngiven: a real\n\na**2 >= 0\n```\n", encoding="utf-8")
    assert main(["deck", str(deck), "-o", str(tmp_path / "out.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["lines"], found["update_rules"]) == ("proved", {"proved": 1}, 1)
    assert main(["deck", str(deck), "-o", str(tmp_path / "out.html")]) == 0
    assert capsys.readouterr().out.endswith("slides; 1 lines: 1 proved; 1 update rule: declared\n")

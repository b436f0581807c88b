"""The HTML deck in a real browser: keys, languages, handout, the font; nothing fetched, nothing cut off."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from derive.deck import read_deck
from derive.derivation import Assumptions, Derivation, Line, Symbol, Text
from derive.kernel.terms import Term, q
from derive.library import lecture_text
from derive.render.html import render_deck
from derive.slides import build

fcntl = pytest.importorskip("fcntl", reason="the browser is spoken to over a Unix pipe")
BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium here: the HTML deck was not opened in a browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe --window-size=1280,720"
)

SQUARE: Term = (
    "sum",
    q(1),
    ("v", "N"),
    ("^", ("/", ("+", ("ix", "y", ("b", 0)), ("neg", ("v", "w"))), ("v", "b")), q(2)),
)
STEPS = Derivation(
    title=Text("Least squares", "최소제곱"),
    assumptions=Assumptions((Symbol("y", "indexed", 1), Symbol("w"), Symbol("b")), ((">", ("v", "b"), q(0)),)),
    goal=("argmin", ("w",), SQUARE),
    lines=(
        Line("", ("argmax", ("w",), ("f", "log", ("f", "exp", ("neg", SQUARE))))),
        Line("=", ("argmax", ("w",), ("neg", SQUARE)), reason=Text("log of exp", "로그와 지수"), verdict="proved"),
        Line("=", ("argmin", ("w",), SQUARE), reason=Text("flip the sign", "부호"), verdict="proved"),
    ),
)
DECK = r"""title.en: Deck
title.ko: 덱
lang: ko

# Formulas | 수식

$$ \underbrace{\sum_{i=1}^{N} |f(x_i) - y_i|}_{\text{손실}} + \left(\frac{\frac{a}{b}}{\sqrt{\frac{c}{d}}}\right) $$

---

# Steps | 단계

```derive
x
```

---

# Last | 끝

- a
"""


class Tab:
    """A page in a headless browser, spoken to over its debugging pipe (JSON, each message ended by a zero byte)."""

    def __init__(self, folder: Path) -> None:
        to_child, self.out = os.pipe()
        self.into, from_child = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_child, from_child)]

        def hand_over() -> None:
            for number, end in enumerate(ends, 3):
                os.dup2(end, number)

        self.process = subprocess.Popen(
            [BROWSER, *FLAGS.split(), f"--user-data-dir={folder}", "about:blank"],
            preexec_fn=hand_over,
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (to_child, from_child, *ends):
            os.close(end)
        os.set_blocking(self.into, False)
        self.buffer, self.number, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.out, json.dumps(message).encode() + b"\0")
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            with suppress(BlockingIOError):
                self.buffer += os.read(self.into, 1 << 20)
            while b"\0" in self.buffer:
                text, self.buffer = self.buffer.split(b"\0", 1)
                answer = json.loads(text)
                if answer.get("id") == self.number:
                    assert "error" not in answer, answer
                    return dict(answer["result"])
                self.events.append(answer)
            time.sleep(0.005)
        raise TimeoutError(method)

    def run(self, script: str) -> Any:
        """The value of an expression in the page; the debugger is not bound by the page's policy."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, url: str) -> None:
        self.events.clear()
        self.call("Page.navigate", url=url)
        for _ in range(200):
            if self.run("location.href !== 'about:blank' && document.readyState") == "complete":
                break
            time.sleep(0.02)
        self.run("document.fonts.ready.then(() => 1)")

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def state(self) -> tuple[int, int]:
        """The number of the slide, and how many steps are to be seen on it."""
        found = self.run(
            "(() => { const s = document.querySelector('.slide.current');"
            " const seen = e => getComputedStyle(e).visibility === 'visible';"
            " return [Number(s.id), [...s.querySelectorAll('.frag')].filter(seen).length]; })()"
        )
        return found[0], found[1]

    def close(self) -> None:
        with suppress(OSError, TimeoutError):
            self.call("Browser.close")
        os.close(self.out)
        os.close(self.into)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = Tab(Path(folder))
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    deck = read_deck(DECK)
    file = tmp_path_factory.mktemp("deck") / "deck.html"
    text = render_deck(deck, {block.line: (STEPS,) for block in deck.derive_blocks()})
    file.write_text(text, encoding="utf-8")
    return file.as_uri()


def test_the_keys_move_and_reveal(tab: Tab, address: str) -> None:
    tab.open(address)
    assert tab.state() == (1, 0)
    tab.press("ArrowRight")
    tab.press("PageDown")
    assert tab.state() == (3, 0)
    tab.press(" ")
    assert tab.state() == (3, 1)
    tab.press("ArrowRight")
    assert tab.state() == (3, 2)
    tab.press("ArrowRight")
    assert tab.state() == (4, 0)
    tab.press("ArrowLeft")
    assert tab.state() == (3, 2)
    tab.press("ArrowLeft")
    assert tab.state() == (3, 1)
    tab.press("End")
    assert tab.state() == (5, 0)  # the notation table
    tab.press("Home")
    assert tab.state() == (1, 0)


def test_the_language_changes(tab: Tab, address: str) -> None:
    shown = "document.querySelector('.slide.current').innerText"
    tab.open(f"{address}#2")
    assert "수식" in tab.run(shown)
    assert "Formulas" not in tab.run(shown)
    tab.press("l")
    assert "Formulas" in tab.run(shown)
    assert (tab.run("document.documentElement.lang"), tab.run("document.title")) == ("en", "Deck")
    tab.press("l")
    assert tab.run("document.title") == "덱"


def test_the_handout_shows_everything(tab: Tab, address: str) -> None:
    hidden = (
        "[...document.querySelectorAll('.slide, .frag')].filter(e => !e.checkVisibility({visibilityProperty: true}))"
    )
    tab.open(address)
    assert tab.run(f"{hidden}.length") > 0
    tab.press("h")
    assert tab.run(f"{hidden}.length") == 0
    tab.open(f"{address}?handout")
    assert tab.run(f"{hidden}.length") == 0


def test_nothing_is_asked_of_the_network_and_nothing_is_refused(tab: Tab, address: str) -> None:
    tab.open(address)
    tab.press("ArrowRight")
    asked = [e["params"]["request"]["url"] for e in tab.events if e.get("method") == "Network.requestWillBeSent"]
    assert asked
    assert [url[:80] for url in asked if not url.startswith(("file:", "data:font/woff", "data:image/svg"))] == []
    bad = [e for e in tab.events if e.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")]
    assert bad == []


def test_the_embedded_font_is_used_and_stretches(tab: Tab, address: str) -> None:
    tab.open(f"{address}#2")
    assert tab.run("[...document.fonts].map(f => f.family + ' ' + f.status).join()") == "Symstep Math loaded"
    bracket, fraction = tab.run(
        "(() => { const f = [...document.querySelectorAll('.slide.current mfrac')][0];"
        " return [f.previousElementSibling, f].map(e => e.getBoundingClientRect().height); })()"
    )
    assert bracket > 0.9 * fraction


LAST = "document.querySelector('.slide.current') === [...document.querySelectorAll('.slide')].at(-1)"
CUT_OFF = """(() => {
  const s = document.querySelector('.slide.current'), r = s.getBoundingClientRect();
  const foot = s.querySelector('footer').getBoundingClientRect().top;
  const scrolls = e => e.closest('.goal, .term, .formula');  // what is wider is reached by scrolling, on a phone
  return [...s.querySelectorAll('header, .body > *, .step, math, .goal, .term, .formula, h1')].filter(e => {
    const b = e.getBoundingClientRect(), wide = innerWidth > 760 && e.scrollWidth > e.clientWidth + 1;
    if (e.tagName === 'math' && scrolls(e)) return b.width && b.bottom > foot + 1;
    return b.width && (wide && scrolls(e) || b.right > r.right + 1 || b.left < r.left - 1 || b.bottom > foot + 1);
  }).map(e => e.outerHTML.slice(0, 200));
})()"""


@cache
def lecture() -> str:
    return str(build(lecture_text(), "lecture.md", "lecture.html").content)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_built_in_lecture_fits(tab: Tab, lang: str, tmp_path: Path) -> None:
    file = tmp_path / "lecture.html"
    file.write_text(lecture(), encoding="utf-8")
    tab.call("Emulation.setDeviceMetricsOverride", width=1280, height=720, deviceScaleFactor=1, mobile=False)
    try:
        tab.open(f"{file.as_uri()}?all&lang={lang}#1")
        for number in range(1, 1 + tab.run("document.querySelectorAll('.slide').length")):
            assert (number, tab.run(CUT_OFF)) == (number, [])
            while tab.run(f"Number(document.querySelector('.slide.current').id) === {number}") and not tab.run(LAST):
                tab.press("ArrowRight")
    finally:
        tab.call("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (1024, 768), (390, 844)])
def test_nothing_is_cut_off(tab: Tab, address: str, width: int, height: int) -> None:
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    try:
        for number in range(1, 6):
            tab.open(f"{address}?all&lang={'ko' if number % 2 else 'en'}#{number}")
            outside = tab.run(CUT_OFF)
            assert outside == []
            assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    finally:
        tab.call("Emulation.clearDeviceMetricsOverride")

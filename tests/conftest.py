"""What the tests share: golden files (`pytest --update-golden`), and the option `--every-leaf` of the tamper test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing")
    parser.addoption("--every-leaf", action="store_true", help="change every leaf of the library's certificates: slow")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a file of tests/golden, or write the file when pytest was asked to."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{name} is missing: look at the output, then accept it with pytest --update-golden"
        assert text == path.read_text(encoding="utf-8"), (
            f"{name} differs; accept the change with pytest --update-golden"
        )

    return compare

"""docs/security.md names tests that exist, and walks every item it says it walks."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
PLACES = ("common/tests", "services", "tests")
NAMED = sorted(set(re.findall(r"`(test_\w+)`", PAGE)))


@pytest.fixture(scope="session")
def defined() -> set[str]:
    files = [file for place in PLACES for file in (ROOT / place).rglob("test_*.py")]
    return {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text())}


def test_many_are_named() -> None:
    assert len(NAMED) > 40


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name: str, defined: set[str]) -> None:
    assert name in defined


@pytest.mark.parametrize(
    ("chapter", "items"),
    [
        ("7.1", 3),
        ("7.2", 4),
        ("7.3", 2),
        ("7.4", 5),
        ("7.5", 2),
        ("8.2", 3),
        ("2.3", 4),
        ("6.2", 11),
        ("6.4", 4),
    ],
)
def test_every_item_of_the_first_two_levels_is_walked(chapter: str, items: int) -> None:
    rows = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| "))
    for item in range(1, items + 1):
        assert re.search(rf"\b{re.escape(chapter)}\.{item}\b", rows), f"{chapter}.{item}"

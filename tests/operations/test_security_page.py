"""docs/security.md names existing tests and covers every required item."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
TEST_FOLDERS = ("common/tests", "services", "tests", "infra/tests", "infra/local/tests")
NAMED_TESTS = sorted(set(re.findall(r"`(test_\w+)`", PAGE)))
ITEMS = [line.split("|")[1:-1] for line in PAGE.splitlines() if re.match(r"\| \d", line)]
BROWSER_TESTS = sorted({words for row in ITEMS for words in re.findall(r'"([^"]+)"', row[-1])})
EXEMPTIONS = ("**Gap**", "Not applicable", "nothing to test", "no test")


@pytest.fixture(scope="session")
def defined() -> set[str]:
    files = [file for place in TEST_FOLDERS for file in (ROOT / place).rglob("test_*.py")]
    return {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text())}


def test_security_page_names_many_tests() -> None:
    assert len(NAMED_TESTS) > 40


@pytest.mark.parametrize("name", NAMED_TESTS)
def test_named_test_exists(name: str, defined: set[str]) -> None:
    assert name in defined


@pytest.mark.parametrize("words", BROWSER_TESTS)
def test_quoted_browser_test_exists(words: str) -> None:
    assert any(f'test("{words}"' in spec.read_text() for spec in ROOT.glob("tests/browser/*.ts"))


@pytest.mark.parametrize("row", ITEMS, ids=lambda row: row[0].strip())
def test_item_names_a_test_or_a_reason(row: list[str]) -> None:
    assert re.search(r'`test_|"', row[-1]) or any(reason in "".join(row) for reason in EXEMPTIONS)


@pytest.mark.parametrize(
    ("section", "items"),
    [
        ("2.1", (1, 2, 3)),
        ("2.2", (1, 2, 3)),
        ("2.3", (1, 2, 3, 4)),
        ("2.4", (1,)),
        ("3.2", (1, 2)),
        ("3.3", (1, 2, 3, 4)),
        ("3.4", (1, 2, 3, 4, 5, 6)),
        ("3.5", (1, 2, 3, 4, 5)),
        ("3.7", (1, 2)),
        ("4.1", (1, 2, 3)),
        ("4.2", (1,)),
        ("4.3", (1, 2)),
        ("4.4", (1, 4)),
        ("6.1", (1, 2, 3)),
        ("6.2", range(1, 13)),
        ("6.3", (1, 2, 3, 4)),
        ("6.4", (1, 2, 3, 4)),
        ("7.1", (1, 2, 3)),
        ("7.2", (1, 2, 3, 4)),
        ("7.3", (1, 2)),
        ("7.4", (1, 2, 3, 4, 5)),
        ("7.5", (1, 2)),
        ("8.2", (1, 2, 3)),
        ("8.3", (1,)),
        ("8.4", (1,)),
        ("9.1", (1, 2, 3)),
        ("9.2", (1, 2, 3, 4)),
        ("12.1", (1, 2, 3)),
        ("12.2", (1, 2)),
        ("12.3", (1, 2, 3, 4)),
        ("13.1", (1,)),
        ("13.2", (1, 2, 3, 4, 5)),
        ("13.3", (1, 2)),
        ("13.4", (1, 2, 3, 4, 5)),
    ],
)
def test_every_level_1_and_2_item_is_covered(section: str, items: Iterable[int]) -> None:
    covered = " ".join(row[0] for row in ITEMS)
    for item in items:
        assert re.search(rf"\b{re.escape(section)}\.{item}\b", covered), f"{section}.{item}"

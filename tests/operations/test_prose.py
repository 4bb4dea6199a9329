"""Prose and names: no private vocabulary, and docstrings begin with what a function does."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ticketing_local.stack.paths import ROOT

BANNED_WORDS = (
    *("told", "tell", "tells", "telling", "heard", "hear", "hears", "hearing"),
    *("overhear", "overheard", "overhears", "mend", "mends", "mended"),
    *("whoever", "linger", "lingers", "lingering", "anew", "nobodys", "whereof", "kin"),
)
BANNED_PHRASES = ("nobody's", "for ever", "in hand", "crossed off", "is away", "in passing")
BANNED_OPENINGS = ("Give", "Tell", "Say", "Take", "Let", "Have", "Know", "Show", "Hear")
SUFFIXES = {".py", ".ts", ".tsx", ".md", ".sh", ".mk"}
EXCLUDED = re.compile(r"\.gen\.ts$|^tests/operations/test_prose\.py$")


def _in_any_case(words: tuple[str, ...]) -> str:
    """Return a pattern of the words in prose, snake_case, camelCase and CONSTANT_CASE."""
    lower, capital, upper = (
        "|".join(map(case, words)) for case in (str, str.capitalize, str.upper)
    )
    return (
        rf"(?<![A-Za-z])(?:{lower})(?![a-z])|(?:{capital})(?![a-z])"
        rf"|(?<![A-Z])(?<!SO_)(?:{upper})(?![A-Za-z])"  # SO_ begins a socket option
    )


BANNED = re.compile(_in_any_case((*BANNED_WORDS, *BANNED_PHRASES)))
OPENING = re.compile(rf"\s*(?:{'|'.join(BANNED_OPENINGS)}|Make sure)\b")


def source_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [
        ROOT / name for name in listed.stdout.split("\0") if name and not EXCLUDED.search(name)
    ]
    return [
        path
        for path in paths
        if path.is_file() and (path.suffix in SUFFIXES or path.name == "Makefile")
    ]


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every docstring, including those of attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, text
            case _:
                pass


def test_sources_contain_no_banned_word() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in source_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for match in BANNED.finditer(line)
    ]
    assert not found, "\n".join(["", *found])


def test_docstrings_begin_with_no_banned_verb() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {text.strip().splitlines()[0]}"
        for path in source_files()
        if path.suffix == ".py"
        for number, text in docstrings(ast.parse(path.read_text()))
        if OPENING.match(text)
    ]
    assert not found, "\n".join(["", *found])

"""What no source of the web client may do. docs/security.md relies on it."""

import re
from pathlib import Path

SOURCES = sorted((Path(__file__).parents[2] / "client" / "src").rglob("*.ts*"))


def _files_with(pattern: str) -> list[str]:
    return [str(source) for source in SOURCES if re.search(pattern, source.read_text())]


def test_client_inserts_no_html() -> None:
    assert SOURCES
    assert _files_with(r"dangerouslySetInnerHTML|(inner|outer)HTML|insertAdjacentHTML") == []


def test_client_listens_to_no_window_message() -> None:
    assert _files_with(r"""onmessage\b|addEventListener\(\s*["']message""") == []

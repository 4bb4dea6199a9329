from collections.abc import Iterator
from pathlib import Path

import pytest

from support.tiny_stack import TinyStack


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinyStack]:
    stack = TinyStack(tmp_path / """a "földer", 100% 'odd'; $HOME #1""")
    yield stack
    stack.clean_up()

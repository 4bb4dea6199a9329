from collections.abc import Iterator
from pathlib import Path

import pytest

from ticketing_local.testing.tiny_stack import TinyStack


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinyStack]:
    system = TinyStack(tmp_path / "a folder, 100% odd; #1")
    yield system
    system.clean_up()

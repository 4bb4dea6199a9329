from collections.abc import Iterator
from pathlib import Path

import pytest

from ticketing_local.testing.tiny_stack import TinySystem


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinySystem]:
    system = TinySystem(tmp_path / "a folder, 100% odd; #1")
    yield system
    system.clear()

"""The local mail server as a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mail_local.testing import Server


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("mail") / "mail.sqlite") as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.control.clear()
    return running


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "mail.sqlite"

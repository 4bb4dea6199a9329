"""Servers for one test run: on free ports, with data that is removed at the end."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ticketing_local.errors import CliError
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port

TMPFS = Path("/dev/shm")  # noqa: S108 - the folder inside it is private to this run


class TemporaryServer(ManagedProcess):
    """A server with its own port, data folder and secrets, which `make_program` gets."""

    def __init__(self, make_program: Callable[[int, Path, StoredSecrets], Program]) -> None:
        tmpfs = TMPFS if os.access(TMPFS, os.W_OK) else None
        folder = Path(tempfile.mkdtemp(prefix="ticketing-test-", dir=tmpfs))
        self.port = free_port()
        self.secrets = StoredSecrets(folder / "secrets")
        try:
            program = make_program(self.port, folder / "data", self.secrets)
            super().__init__(program, temp_dir=folder)
        except CliError:
            shutil.rmtree(folder)
            raise

"""A lock on the data folder, so that only one stack runs in it at a time."""

import fcntl
import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager

from ticketing_local.errors import CliError
from ticketing_local.stack.paths import Home


class AlreadyRunning(CliError):
    """Another process holds the lock. `address` is that of its gateway."""

    def __init__(self, pid: int, address: str) -> None:
        super().__init__(f"The stack is running (pid {pid}). Run `make stop` first.")
        self.pid = pid
        self.address = address


@contextmanager
def instance_lock(home: Home, address: str = "") -> Generator[None]:
    """Hold the lock, or raise `AlreadyRunning`. The kernel releases it when the process dies."""
    home.folder.mkdir(parents=True, exist_ok=True)
    with home.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _read_owner(home) from None
        home.lock.write_text(json.dumps({"pid": os.getpid(), "address": address}))
        yield
        home.lock.write_text("")


def _read_owner(home: Home) -> AlreadyRunning:
    for _ in range(20):
        try:
            return AlreadyRunning(**json.loads(home.lock.read_text()))
        except ValueError:
            time.sleep(0.05)  # the owner has the lock and has not written yet
    raise OSError(f"{home.lock} is locked by an unknown process")

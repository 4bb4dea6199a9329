"""A lock on the data folder, so that only one stack runs in it at a time."""

import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager

from ticketing_local.errors import CliError
from ticketing_local.stack.paths import Home
from ticketing_local.stack.run_record import RunRecord, read_owner


class AlreadyRunning(CliError):
    """Another process holds the lock."""

    def __init__(self, owner: RunRecord) -> None:
        super().__init__(f"The stack is running (pid {owner.pid}). Run `make stop` first.")
        self.pid = owner.pid
        self.address = owner.address


@contextmanager
def instance_lock(home: Home) -> Generator[Callable[[RunRecord], None]]:
    """Hold the lock, or raise `AlreadyRunning`. The kernel releases it when the process dies.

    Yields:
        A function that replaces the record, which at first contains only the pid.
    """
    home.folder.mkdir(parents=True, exist_ok=True)
    with home.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(read_owner(home)) from None

        def write(record: RunRecord) -> None:
            home.lock.write_text(record.to_json())

        write(RunRecord(os.getpid()))
        try:
            yield write
        finally:
            home.lock.write_text("")

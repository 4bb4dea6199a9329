"""A lock on the data folder, so that only one stack runs in it at a time."""

import fcntl
import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from ticketing_local.stack.paths import Home


@dataclass(frozen=True)
class LockOwner:
    """The process that holds the lock, and the address of its gateway."""

    pid: int
    address: str


class AlreadyRunning(Exception):
    """Another process holds the lock."""

    def __init__(self, owner: LockOwner) -> None:
        super().__init__(f"held by pid {owner.pid}")
        self.owner = owner


@contextmanager
def instance_lock(home: Home, address: str = "") -> Generator[None]:
    """Hold the lock. The kernel releases it when the process dies.

    Raises:
        AlreadyRunning: Another process holds it.
    """
    home.folder.mkdir(parents=True, exist_ok=True)
    with home.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(_read_owner(home)) from None
        home.lock.write_text(json.dumps(asdict(LockOwner(os.getpid(), address))))
        yield
        home.lock.write_text("")


def _read_owner(home: Home) -> LockOwner:
    for _ in range(20):
        try:
            return LockOwner(**json.loads(home.lock.read_text()))
        except ValueError:
            time.sleep(0.05)  # the owner has the lock and has not written yet
    raise OSError(f"{home.lock} is locked by an unknown process")

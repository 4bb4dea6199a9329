"""`make stop` and `make reset`."""

import os
import shutil
import signal
import time

from ticketing_local.commands.start import tell
from ticketing_local.errors import Trouble
from ticketing_local.processes import orphans
from ticketing_local.processes.instance_lock import Held, held
from ticketing_local.stack.paths import Home

PATIENCE = 180


def stop(home: Home) -> int:
    """End the system that runs in this folder, whoever started it and however it was left."""
    asked: set[int] = set()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with held(home):
                return _ended(home, was_running=bool(asked))
        except Held as other:
            pid = other.holder.pid
            if pid not in asked:
                tell(f"Stopping (pid {pid}) ...")
                asked.add(pid)
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.1)
    raise Trouble(f"Still not stopped after {PATIENCE} s: see {home.logs}.")


def _ended(home: Home, *, was_running: bool) -> int:
    left = orphans.end(home)
    if left:
        tell(f"Ended {left} processes that a killed run had left.")
    else:
        tell("Stopped." if was_running else "Not running.")
    return 0


def reset(home: Home) -> int:
    """Clear everything that the system has stored; refused while it runs."""
    try:
        with held(home):
            orphans.end(home)
            for folder in (home.data, home.logs, home.run):
                shutil.rmtree(folder, ignore_errors=True)
            home.jwt_key.unlink(missing_ok=True)
    except Held as other:
        raise Trouble(f"It is running (pid {other.holder.pid}): make stop first.") from None
    tell("All data is cleared.")
    return 0

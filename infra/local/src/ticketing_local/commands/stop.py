"""`make stop` and `make reset`."""

import os
import shutil
import signal
import time

from ticketing_local.commands.start import print_line
from ticketing_local.errors import CliError
from ticketing_local.processes import orphans
from ticketing_local.processes.instance_lock import AlreadyRunning, instance_lock
from ticketing_local.stack.paths import Home

STOP_TIMEOUT_SECONDS = 180


def stop(home: Home) -> int:
    """End the system that runs in this folder, whoever started it and however it was left."""
    signalled: set[int] = set()
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            with instance_lock(home):
                return _terminate_orphans(home, was_running=bool(signalled))
        except AlreadyRunning as other:
            pid = other.owner.pid
            if pid not in signalled:
                print_line(f"Stopping (pid {pid}) ...")
                signalled.add(pid)
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.1)
    raise CliError(f"Still not stopped after {STOP_TIMEOUT_SECONDS} s: see {home.logs}.")


def _terminate_orphans(home: Home, *, was_running: bool) -> int:
    terminated = orphans.terminate(home)
    if terminated:
        print_line(f"Ended {terminated} processes that a killed run had left.")
    else:
        print_line("Stopped." if was_running else "Not running.")
    return 0


def reset(home: Home) -> int:
    """Clear everything that the system has stored; refused while it runs."""
    try:
        with instance_lock(home):
            orphans.terminate(home)
            for folder in (home.data, home.logs, home.run):
                shutil.rmtree(folder, ignore_errors=True)
            home.jwt_key.unlink(missing_ok=True)
    except AlreadyRunning as other:
        raise CliError(f"It is running (pid {other.owner.pid}): make stop first.") from None
    print_line("All data is cleared.")
    return 0

"""Processes left behind by a killed run, recognised by a variable that names the data folder."""

import contextlib

import psutil

from ticketing_local.processes.supervisord import GROUP_VARIABLE, HOME_VARIABLE
from ticketing_local.stack.paths import Home

# In stop order: supervisord stops its own programs, and the services need the stores.
GROUPS = ("supervisor", "gateway", "services", "stores")
EXIT_TIMEOUT_SECONDS = 40


def find(home: Home, group: str | None = None) -> list[psutil.Process]:
    """Return the running processes of this data folder, or those of one group."""
    return [
        process
        for process in psutil.process_iter()
        if _read_variable(process, HOME_VARIABLE) == str(home.folder)
        and group in {None, _read_variable(process, GROUP_VARIABLE)}
    ]


def terminate(home: Home) -> int:
    """Stop them group by group, kill what does not stop, and return how many there were."""
    found = len(find(home))
    for group in GROUPS if found else ():
        processes = find(home, group)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        _, survivors = psutil.wait_procs(processes, timeout=EXIT_TIMEOUT_SECONDS)
        for process in survivors:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(survivors, timeout=EXIT_TIMEOUT_SECONDS)
    return found


def _read_variable(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except (psutil.Error, OSError):
        return None  # it has exited, or belongs to another user

"""Processes that a killed run left behind, known by the mark that each carries in its environment.

Never by name: another mongod is someone else's. The mark names the folder the process works in.
"""

import contextlib

import psutil

from ticketing_local.processes.supervisord import GROUP_VARIABLE, HOME_VARIABLE
from ticketing_local.stack.paths import Home

# In this order: the supervisor ends the others itself, and the stores are needed to the last.
GROUPS = ("supervisor", "gateway", "services", "stores")
EXIT_TIMEOUT_SECONDS = 40


def find(home: Home, group: str | None = None) -> list[psutil.Process]:
    """Find every living process of a run in this folder, or those of one group."""
    return [
        process
        for process in psutil.process_iter()
        if _read_variable(process, HOME_VARIABLE) == str(home.folder)
        and group in {None, _read_variable(process, GROUP_VARIABLE)}
    ]


def terminate(home: Home) -> int:
    """End them group by group, gently first, and say how many there were."""
    found = len(find(home))
    for group in GROUPS if found else ():
        processes = find(home, group)
        for process in processes:
            _signal(process, graceful=True)
        _, survivors = psutil.wait_procs(processes, timeout=EXIT_TIMEOUT_SECONDS)
        for process in survivors:
            _signal(process, graceful=False)
        psutil.wait_procs(survivors, timeout=EXIT_TIMEOUT_SECONDS)
    return found


def _read_variable(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except (psutil.Error, OSError):
        return None  # gone meanwhile, or another user's


def _signal(process: psutil.Process, *, graceful: bool) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate() if graceful else process.kill()

"""Processes that a killed run left behind, known by the mark that each carries in its environment.

Never by name: another mongod is someone else's. The mark names the folder the process works in.
"""

import contextlib

import psutil

from ticketing_local.processes.supervisord import GROUP_MARK, HOME_MARK
from ticketing_local.stack.paths import Home

# In this order: the supervisor ends the others itself, and the stores are needed to the last.
GROUPS = ("supervisor", "gateway", "services", "stores")
PATIENCE = 40


def of(home: Home, group: str | None = None) -> list[psutil.Process]:
    """Find every living process of a run in this folder, or those of one group."""
    return [
        process
        for process in psutil.process_iter()
        if _mark(process, HOME_MARK) == str(home.folder)
        and group in {None, _mark(process, GROUP_MARK)}
    ]


def end(home: Home) -> int:
    """End them group by group, gently first, and say how many there were."""
    found = len(of(home))
    for group in GROUPS if found else ():
        left = of(home, group)
        for process in left:
            _signal(process, gentle=True)
        _, stubborn = psutil.wait_procs(left, timeout=PATIENCE)
        for process in stubborn:
            _signal(process, gentle=False)
        psutil.wait_procs(stubborn, timeout=PATIENCE)
    return found


def _mark(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except (psutil.Error, OSError):
        return None  # gone meanwhile, or another user's


def _signal(process: psutil.Process, *, gentle: bool) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate() if gentle else process.kill()

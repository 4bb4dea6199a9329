"""The memory of the attacked processes."""

import asyncio
import re
from pathlib import Path
from typing import Final

import httpx
import psutil

from support.system import System

CLIENT: Final = "client"
MEBIBYTE: Final = 2**20
KIBIBYTES_PER_MEBIBYTE: Final = 1024
PAGES: Final = 100
CONCURRENT_PAGES: Final = 4
MAX_ROUNDS: Final = 20
MAX_GROWTH_MIB: Final = 3.0
TIMEOUT_SECONDS: Final = 30.0


def memory_mib(system: System) -> dict[str, float]:
    """Return the resident memory of the services, the gateway and, if it runs, the client.

    Of the client, return the most since its start: V8 collects its old generation only when some
    100 MiB of garbage have come together, so the memory of a moment depends on the last time.
    """
    names = {*system.services, "gateway", CLIENT} & system.processes.keys()
    found = {name: system.processes[name].find_process() for name in names}
    return {
        name: _peak_mib(process) if name == CLIENT else process.memory_info().rss / MEBIBYTE
        for name, process in found.items()
        if isinstance(process, psutil.Process)
    }


async def warm_up_client(system: System) -> None:
    """Open pages until the client has needed no more memory for them, twice in a row."""
    # Without the gateway, because its visitors have a limit.
    client_url = f"http://127.0.0.1:{system.port[CLIENT]}"
    steady_rounds, peak = 0, memory_mib(system)[CLIENT]
    async with httpx.AsyncClient(base_url=client_url, timeout=TIMEOUT_SECONDS) as http:
        for _ in range(MAX_ROUNDS):
            for _ in range(PAGES // CONCURRENT_PAGES):
                await asyncio.gather(*(http.get("/") for _ in range(CONCURRENT_PAGES)))
            earlier_peak, peak = peak, memory_mib(system)[CLIENT]
            steady_rounds = steady_rounds + 1 if peak - earlier_peak < MAX_GROWTH_MIB else 0
            if steady_rounds == 2:
                return


def _peak_mib(process: psutil.Process) -> float:
    """Return the most memory that was resident since the start of a process, on Linux."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (kibibytes,) = re.findall(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(kibibytes) / KIBIBYTES_PER_MEBIBYTE

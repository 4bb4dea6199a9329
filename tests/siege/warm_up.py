"""Opens pages until the memory of the web client depends on no warm-up any more."""

import asyncio
from typing import Final

import httpx
import psutil

from support.system import System

PAGES: Final = 100
CONCURRENT_PAGES: Final = 4
MAX_ROUNDS: Final = 20
MAX_GROWTH_BYTES: Final = 3 * 2**20
TIMEOUT_SECONDS: Final = 30.0


async def warm_up_client(system: System) -> None:
    """Open pages until the memory of the client stops growing, twice in a row.

    V8 collects the garbage of its old generation when some 100 MiB have come together. Before the
    first time, each page adds a third of a MiB, whatever an attack does.
    """
    process = system.processes["client"].find_process()
    if not isinstance(process, psutil.Process):
        return
    # Without the gateway, because its visitors have a limit.
    client_url = f"http://127.0.0.1:{system.port['client']}"
    steady_rounds, used = 0, process.memory_info().rss
    async with httpx.AsyncClient(base_url=client_url, timeout=TIMEOUT_SECONDS) as http:
        for _ in range(MAX_ROUNDS):
            for _ in range(PAGES // CONCURRENT_PAGES):
                await asyncio.gather(*(http.get("/") for _ in range(CONCURRENT_PAGES)))
            used_before, used = used, process.memory_info().rss
            is_steady = used - used_before < MAX_GROWTH_BYTES
            steady_rounds = steady_rounds + 1 if is_steady else 0
            if steady_rounds == 2:
                return

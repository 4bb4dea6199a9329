"""What it costs to wait for the disk: `python -m chaos.durability`, on the disk of this tree.

The best of several short rounds, taken in turn, so that a busy machine disturbs all alike.
"""

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import nats
from nats.js.api import StorageType, StreamConfig
from pymongo import AsyncMongoClient, WriteConcern

from ticketing_local.stack import servers
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.program import Program
from ticketing_local.testing.temporary_server import free_port

ROUNDS = 7
ALONE, TOGETHER = 1, 64
SECONDS = 1.0
BODY = "x" * 500
Write = Callable[[], Awaitable[object]]
CONCERNS = {
    "MongoDB, one node, journal not awaited": WriteConcern(w=1, j=False),
    "MongoDB, majority and journal": WriteConcern(w="majority", j=True),
}
INTERVALS = {
    "JetStream, fsync every two minutes": servers.SYNC_SELDOM,
    "JetStream, fsync before the ack": servers.SYNC_ALWAYS,
}


async def measured(write: Write, at_once: int) -> tuple[float, float]:
    """Write for a second; give the writes per second, and how long one took in the middle."""
    took: list[float] = []
    until = time.perf_counter() + SECONDS

    async def writer() -> None:
        while (began := time.perf_counter()) < until:
            await write()
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(writer() for _ in range(at_once)))
    return len(took) / SECONDS, sorted(took)[len(took) // 2]


@contextmanager
def running(program: Program) -> Generator[None]:
    """Run a server for as long as it is measured."""
    process = subprocess.Popen(program.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not program.ready():
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


async def main() -> None:
    """Measure, and print a table."""
    folder = Path(tempfile.mkdtemp(prefix="durability-", dir=ROOT / ".local"))
    best: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        writes = await _mongo(stack, folder) | await _nats(stack, folder)
        for _ in range(ROUNDS):
            for name, write in writes.items():
                for at_once in (ALONE, TOGETHER):
                    best[name, at_once].append(await measured(write, at_once))
    print("| | a second, one at a time | one takes | a second, 64 at once |")
    print("| --- | --- | --- | --- |")
    for name in writes:
        alone, together = max(best[name, ALONE]), max(best[name, TOGETHER])
        print(f"| {name} | {alone[0]:,.0f} | {alone[1] * 1000:.2f} ms | {together[0]:,.0f} |")


async def _mongo(stack: AsyncExitStack, folder: Path) -> dict[str, Write]:
    port = free_port()
    stack.enter_context(running(servers.mongod(port, folder / "mongo")))
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(servers.mongo_url(port))
    stack.push_async_callback(client.close)
    writes: dict[str, Write] = {}
    for name, concern in CONCERNS.items():
        things = client["durability"].get_collection("things", write_concern=concern)
        writes[name] = lambda things=things: things.insert_one({"body": BODY})
    return writes


async def _nats(stack: AsyncExitStack, folder: Path) -> dict[str, Write]:
    writes: dict[str, Write] = {}
    for name, interval in INTERVALS.items():
        port = free_port()
        stack.enter_context(running(servers.nats(port, folder / interval, interval)))
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        stack.push_async_callback(client.close)
        js = client.jetstream()
        await js.add_stream(StreamConfig("things", subjects=["things"], storage=StorageType.FILE))
        writes[name] = lambda js=js: js.publish("things", BODY.encode())
    return writes


if __name__ == "__main__":
    asyncio.run(main())

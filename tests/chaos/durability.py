"""The cost of waiting for the disk: `python -m chaos.durability`, on the disk of this tree.

The variants run in turn and the best of several short rounds counts, because other processes use
the machine too.
"""

import asyncio
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import nats
from nats.js.api import StorageType, StreamConfig
from pymongo import AsyncMongoClient, WriteConcern

from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import mongo_set_up, servers
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port

ROUNDS = 7
SEQUENTIAL, CONCURRENT = 1, 64
SECONDS = 1.0
BODY = "x" * 500
Write = Callable[[], Awaitable[object]]
CONCERNS = {
    "MongoDB, one node, journal not awaited": WriteConcern(w=1, j=False),
    "MongoDB, majority and journal": WriteConcern(w="majority", j=True),
}
INTERVALS = {
    "JetStream, fsync every two minutes": servers.SYNC_EVERY_2_MINUTES,
    "JetStream, fsync before the ack": servers.SYNC_ALWAYS,
}


async def measure(write: Write, concurrency: int) -> tuple[float, float]:
    """Write for a second and return the writes per second and the median duration."""
    durations: list[float] = []
    deadline = time.perf_counter() + SECONDS

    async def writer() -> None:
        while (started_at := time.perf_counter()) < deadline:
            await write()
            durations.append(time.perf_counter() - started_at)

    await asyncio.gather(*(writer() for _ in range(concurrency)))
    return len(durations) / SECONDS, sorted(durations)[len(durations) // 2]


async def main() -> None:
    """Measure every variant and print a table."""
    folder = Path(tempfile.mkdtemp(prefix="durability-", dir=ROOT / ".local"))
    best: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        writes = await _mongo(stack, folder) | await _nats(stack, folder)
        for _ in range(ROUNDS):
            for name, write in writes.items():
                for concurrency in (SEQUENTIAL, CONCURRENT):
                    best[name, concurrency].append(await measure(write, concurrency))
    print("| | per second, sequential | median duration | per second, 64 concurrent |")
    print("| --- | --- | --- | --- |")
    for name in writes:
        sequential, concurrent = max(best[name, SEQUENTIAL]), max(best[name, CONCURRENT])
        print(
            f"| {name} | {sequential[0]:,.0f} | {sequential[1] * 1000:.2f} ms "
            f"| {concurrent[0]:,.0f} |"
        )


async def _mongo(stack: AsyncExitStack, folder: Path) -> dict[str, Write]:
    port = free_port()
    secrets = StoredSecrets(folder / "secrets")
    stack.enter_context(ManagedProcess(servers.mongod(port, folder / "mongo", secrets)))
    url = servers.mongo_url_as(mongo_set_up.ADMIN, port, secrets)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url)
    stack.push_async_callback(client.close)
    writes: dict[str, Write] = {}
    for name, concern in CONCERNS.items():
        collection = client["durability"].get_collection("documents", write_concern=concern)
        writes[name] = lambda collection=collection: collection.insert_one({"body": BODY})
    return writes


async def _nats(stack: AsyncExitStack, folder: Path) -> dict[str, Write]:
    writes: dict[str, Write] = {}
    for name, interval in INTERVALS.items():
        port = free_port()
        stack.enter_context(ManagedProcess(servers.nats(port, folder / interval, interval)))
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        stack.push_async_callback(client.close)
        js = client.jetstream()
        await js.add_stream(StreamConfig("events", subjects=["events"], storage=StorageType.FILE))
        writes[name] = lambda js=js: js.publish("events", BODY.encode())
    return writes


if __name__ == "__main__":
    asyncio.run(main())

"""The outbox: events wait inside the document whose change they tell, until NATS has stored them.

One update changes an aggregate and pushes its event on the document's `outbox` array, so neither
can be without the other. The writing process publishes at once (`nudge`), and pulls the event from
the array only when the server has acknowledged it. A sweep finds what a dead process left behind.
Publishing twice is harmless: the message id is the event's id, and listeners apply by version.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from common import telemetry
from common.bus import Bus, Message, PublishError
from common.clock import Clock
from common.events import Event
from common.lease import Lease

Doc = dict[str, Any]
Collection = AsyncCollection[Doc]

log = structlog.get_logger("outbox")

SWEEP_EVERY: Final = 0.5
SWEEP_AGE: Final = timedelta(seconds=1)
SWEEP_BATCH: Final = 500
LEASE: Final = timedelta(seconds=3)
MAX_WAITING: Final = 10_000
"""Nudges beyond this are left to the sweep, so that a long outage of NATS cannot eat the memory."""
BATCH: Final = 256


def entry(event: Event, aggregate_id: str, version: int, at: datetime) -> Doc:
    """Write an event as it waits in the outbox; its id is the same however often it is sent."""
    return {
        "id": f"{event.subject}:{aggregate_id}:{version}",
        "subject": event.subject,
        "at": at,
        "data": event.model_dump_json(),
        "headers": telemetry.trace_headers(),
    }


@dataclass(frozen=True, slots=True)
class _Waiting:
    collection: Collection
    aggregate_id: Any
    entry: Doc

    @property
    def message(self) -> Message:
        waiting = self.entry
        return Message(
            id=waiting["id"],
            subject=waiting["subject"],
            data=waiting["data"].encode(),
            aggregate_id=str(self.aggregate_id),
            at=waiting["at"],
            headers=waiting["headers"],
        )


class Relay:
    """Publishes what the outboxes of this service's collections hold, and then empties them."""

    def __init__(
        self, bus: Bus, database: AsyncDatabase[Doc], names: Iterable[str], clock: Clock
    ) -> None:
        self._bus = bus
        self._lease = Lease(database, "outbox-sweep", LEASE, clock)
        self._collections = [database[name] for name in names]
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: list[asyncio.Task[None]] = []

    def nudge(self, collection: Collection, aggregate_id: object, entries: Sequence[Doc]) -> None:
        """Publish these just committed events now, in the order of the commits."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.extend(_Waiting(collection, aggregate_id, entry) for entry in entries)
            self._idle.clear()
            self._news.set()

    def start(self) -> None:
        """Begin to publish and to sweep."""
        self._tasks = [
            asyncio.create_task(self._publish_for_ever(), name="relay"),
            asyncio.create_task(self._sweep_for_ever(), name="sweep"),
        ]

    async def stop(self, grace: float) -> None:
        """Publish what waits, for at most `grace` seconds; the next process sweeps the rest."""
        if not self._tasks:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    @property
    def alive(self) -> bool:
        """Whether what is written now would be published."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    async def _publish_for_ever(self) -> None:
        while True:
            await self._news.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not batch:
                self._news.clear()
                self._idle.set()
                continue
            try:
                await self._send(batch)
            except PyMongoError as error:
                log.warning("outbox not emptied, the sweep will", error=repr(error))
                await asyncio.sleep(SWEEP_EVERY)

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        """Publish in order on one connection, wait for every ack, pull what was acknowledged."""
        outcomes = await asyncio.gather(
            *(self._bus.publish(waiting.message) for waiting in batch), return_exceptions=True
        )
        acknowledged: list[_Waiting] = []
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if outcome is None:
                acknowledged.append(waiting)
            elif isinstance(outcome, PublishError):
                log.warning("event not stored, the sweep will retry", event=waiting.entry["id"])
            else:
                raise outcome
        await self._pull(acknowledged)

    async def _pull(self, acknowledged: Sequence[_Waiting]) -> None:
        by_collection: dict[str, tuple[Collection, list[UpdateOne]]] = {}
        for waiting in acknowledged:
            _, pulls = by_collection.setdefault(waiting.collection.name, (waiting.collection, []))
            pulls.append(
                UpdateOne(
                    {"_id": waiting.aggregate_id},
                    {"$pull": {"outbox": {"id": waiting.entry["id"]}}},
                )
            )
        for collection, pulls in by_collection.values():
            await collection.bulk_write(pulls, ordered=False)

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                if await self._lease.held():
                    for collection in self._collections:
                        await self._sweep(collection)
            except (PyMongoError, PublishError) as error:
                log.warning("sweep failed, trying again", error=repr(error))
            await asyncio.sleep(SWEEP_EVERY)

    async def _sweep(self, collection: Collection) -> None:
        """Publish what has waited longer than any living process would let it."""
        overdue = {"outbox.at": {"$lt": self._clock() - SWEEP_AGE}}
        while True:
            left = await collection.find(overdue, {"outbox": 1}).limit(SWEEP_BATCH).to_list()
            telemetry.OUTBOX_SWEPT.inc(len(left))
            waiting = [
                _Waiting(collection, doc["_id"], waiting)
                for doc in left
                for waiting in doc["outbox"]
            ]
            for start in range(0, len(waiting), BATCH):
                await self._send(waiting[start : start + BATCH])
            if len(left) < SWEEP_BATCH:
                return

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
from pymongo import WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from common.events import Event
from common.messaging.bus import Bus
from common.messaging.envelope import Message
from common.observability import metrics, tracing
from common.persistence.lease import Lease
from common.persistence.mongo import Collection, Doc
from common.values.clock import Clock

log = structlog.get_logger("outbox")

PULL_EVERY: Final = 0.5
"""Seconds in which what was told is gathered before it is crossed off: a thing that changes a few
times in a row is written to once for it, and many things in one command. Well below SWEEP_AGE."""
SWEEP_EVERY: Final = 0.5
SWEEP_AGE: Final = timedelta(seconds=1.5)
SWEEP_BATCH: Final = 500
LEASE: Final = timedelta(seconds=3)
UNJOURNALED: Final = WriteConcern(w=1, j=False)
MAX_WAITING: Final = 10_000
"""Nudges beyond this are left to the sweep, so that a long outage of NATS cannot eat the memory."""
BATCH: Final = 256
IN_FLIGHT: Final = 4
"""Batches that are published and not yet acknowledged: the server stores one message after another,
and who waited for the last ack would keep it idle."""


def entry(event: Event, aggregate_id: str, version: int, at: datetime) -> Doc:
    """Write an event as it waits in the outbox; its id is the same however often it is sent."""
    return {
        "id": f"{event.subject}:{aggregate_id}:{version}",
        "subject": event.subject,
        "at": at,
        "data": event.model_dump_json(),
        "headers": tracing.carried(),
    }


def overdue(now: datetime) -> Doc:
    """Say what a sweep looks for; it names the outbox index's filter, else none would be used."""
    return {"outbox.0": {"$exists": True}, "outbox.at": {"$lt": now - SWEEP_AGE}}


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
        self.collections = [database[name] for name in names]
        self.clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._acknowledged: list[_Waiting] = []
        self._news = asyncio.Event()
        self._acks = asyncio.Event()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def nudge(self, collection: Collection, aggregate_id: object, entries: Sequence[Doc]) -> None:
        """Publish these just committed events now, in the order of the commits."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.extend(_Waiting(collection, aggregate_id, entry) for entry in entries)
            self._news.set()

    def start(self) -> None:
        """Begin to publish, to empty the outboxes, and to sweep."""
        loops = (self._publish_for_ever, self._pull_for_ever, self._sweep_for_ever)
        self._tasks = [asyncio.create_task(loop(), name=loop.__name__) for loop in loops]

    async def stop(self, grace: float) -> None:
        """Publish what waits, for at most `grace` seconds; the next process sweeps the rest.

        The loops are ended by a flag: PyMongo can swallow a cancellation (see `common.background`).
        """
        if not self._tasks:
            return
        self._stopping.set()
        self._news.set()
        self._acks.set()
        _, late = await asyncio.wait(self._tasks, timeout=max(grace, SWEEP_EVERY))
        for task in late:
            task.cancel()
        self._tasks = []

    @property
    def alive(self) -> bool:
        """Whether what is written now would be published."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    async def _publish_for_ever(self) -> None:
        window = asyncio.Semaphore(IN_FLIGHT)

        async def tell(batch: Sequence[_Waiting]) -> None:
            try:
                acknowledged = await self._publish(batch)
            finally:
                window.release()
            self._acknowledged += acknowledged  # not in one: `+=` takes the list before it awaits
            self._acks.set()

        async with asyncio.TaskGroup() as telling:
            while self._waiting or not self._stopping.is_set():
                if not self._waiting:
                    self._news.clear()
                    await self._news.wait()
                    continue
                await window.acquire()
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                telling.create_task(tell(batch))
        self._acks.set()

    async def _publish(self, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Publish in order on one connection, and give back what the server acknowledged."""
        outcomes = await asyncio.gather(
            *(self._bus.publish(waiting.message) for waiting in batch), return_exceptions=True
        )
        acknowledged: list[_Waiting] = []
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if outcome is None:
                acknowledged.append(waiting)
            else:
                log.warning(
                    "event not stored, the sweep will retry",
                    event_id=waiting.entry["id"],
                    error=repr(outcome),
                )
        return acknowledged

    async def _pull_for_ever(self) -> None:
        publishing = self._tasks[0]
        while self._acknowledged or not publishing.done():
            if not self._acknowledged:
                self._acks.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._acks.wait(), SWEEP_EVERY)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), PULL_EVERY)
            acknowledged, self._acknowledged = self._acknowledged, []
            try:
                await self._pull(acknowledged)
            except PyMongoError as error:
                log.warning("outbox not emptied, the sweep will", error=repr(error))
                await asyncio.sleep(SWEEP_EVERY)

    async def _pull(self, acknowledged: Sequence[_Waiting]) -> None:
        collections = {waiting.collection.name: waiting.collection for waiting in acknowledged}
        for name, collection in collections.items():
            told = [waiting for waiting in acknowledged if waiting.collection.name == name]
            # A pull that a crash undoes is an event told twice, which is harmless.
            unjournaled = collection.with_options(write_concern=UNJOURNALED)
            for start in range(0, len(told), BATCH):
                batch = told[start : start + BATCH]
                await unjournaled.update_many(
                    {"_id": {"$in": [waiting.aggregate_id for waiting in batch]}},
                    {"$pull": {"outbox": {"id": {"$in": [w.entry["id"] for w in batch]}}}},
                )

    async def _sweep_for_ever(self) -> None:
        while not self._stopping.is_set():
            try:
                if await self._lease.held():
                    for collection in self.collections:
                        await self._sweep(collection)
            except PyMongoError as error:
                log.warning("sweep failed, trying again", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), SWEEP_EVERY)

    async def _sweep(self, collection: Collection) -> None:
        """Publish what has waited longer than any living process would let it."""
        left_behind = overdue(self.clock())
        while not self._stopping.is_set():
            left = await collection.find(left_behind, {"outbox": 1}).limit(SWEEP_BATCH).to_list()
            waiting = [
                _Waiting(collection, doc["_id"], waiting)
                for doc in left
                for waiting in doc["outbox"]
            ]
            acknowledged: list[_Waiting] = []
            for start in range(0, len(waiting), BATCH):
                acknowledged += await self._publish(waiting[start : start + BATCH])
            await self._pull(acknowledged)
            metrics.OUTBOX_SWEPT.inc(len(acknowledged))
            if len(left) < SWEEP_BATCH or not acknowledged:
                return

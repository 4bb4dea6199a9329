"""The outbox: events wait in the document that they describe until NATS has stored them.

One update changes an aggregate and pushes its event onto the document's `outbox` array, so that a
change and its event are committed together. The writing process publishes the event immediately and
removes it from the array after NATS's ack. A sweep publishes what a dead process left behind, and
the event of a state that is usually brief if it lasts (`AggregateMapping.defers_events`).
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
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from common.events import Event
from common.messaging.bus import Bus
from common.messaging.envelope import EventEnvelope
from common.observability import metrics, tracing
from common.persistence.lease import Lease
from common.persistence.mongo import UNJOURNALED, Collection, Doc
from common.values.clock import Clock

log = structlog.get_logger("outbox")

CLEANUP_INTERVAL_SECONDS: Final = 0.5
"""How long published entries are collected before they are removed from their outboxes, so that
several removals become one update. Well below SWEEP_AGE."""
SWEEP_INTERVAL_SECONDS: Final = 0.5
"""The shortest time between two sweeps, and the longest from SWEEP_AGE until an event is swept."""
SWEEP_AGE: Final = timedelta(seconds=1.5)
SWEEP_BATCH: Final = 500
LEASE: Final = timedelta(seconds=3)
MAX_PENDING: Final = 10_000
"""Events beyond this are left to the sweep, so that an outage of NATS does not fill the memory."""
BATCH_SIZE: Final = 256
MAX_BATCHES_IN_FLIGHT: Final = 4
"""NATS stores messages sequentially. Waiting for each batch's last ack would leave it idle."""


def outbox_entry(event: Event, aggregate_id: str, version: int, at: datetime) -> Doc:
    """Return the outbox entry of an event."""
    return {
        "id": f"{event.subject}:{aggregate_id}:{version}",
        "subject": event.subject,
        "at": at,
        "data": event.model_dump_json(),
        "headers": tracing.inject(),
    }


def oldest_outbox_pipeline(names: Sequence[str]) -> list[Doc]:
    """Return the pipeline for the oldest unpublished event of each collection that has any.

    It runs on the first one. The outbox index has the events of all others in their order, too.
    """
    first, *others = (
        [
            {"$match": {"outbox.0": {"$exists": True}}},
            {"$sort": {"outbox.at": 1}},
            {"$limit": 1},
            {"$project": {"_id": 0, "collection": name, "at": {"$min": "$outbox.at"}}},
        ]
        for name in names
    )
    unions = ({"coll": n, "pipeline": p} for n, p in zip(names[1:], others, strict=True))
    return [*first, *({"$unionWith": union} for union in unions)]


def stale_outbox_filter(now: datetime) -> Doc:
    """Return the sweep's filter. It repeats the outbox index's own, so that the index is used."""
    return {"outbox.0": {"$exists": True}, "outbox.at": {"$lt": now - SWEEP_AGE}}


def seconds_until_next_sweep(unpublished: Iterable[datetime], now: datetime) -> float:
    """Return when an event can be stale, from the times of the oldest ones that were found.

    What is written later is not stale before SWEEP_AGE, so an idle service is swept less often.
    """
    longest = SWEEP_AGE + timedelta(seconds=SWEEP_INTERVAL_SECONDS)
    next_stale_at = min(unpublished, default=now + longest) + SWEEP_AGE
    return max(SWEEP_INTERVAL_SECONDS, min(next_stale_at - now, longest).total_seconds())


@dataclass(frozen=True, slots=True)
class _PendingEvent:
    collection: Collection
    aggregate_id: Any
    entry: Doc

    @property
    def envelope(self) -> EventEnvelope:
        entry = self.entry
        return EventEnvelope(
            id=entry["id"],
            subject=entry["subject"],
            data=entry["data"].encode(),
            aggregate_id=str(self.aggregate_id),
            occurred_at=entry["at"],
            headers=entry["headers"],
        )


class Relay:
    """Publishes the events in the outboxes of this service's collections, and then removes them."""

    def __init__(
        self, bus: Bus, database: AsyncDatabase[Doc], names: Iterable[str], clock: Clock
    ) -> None:
        names = sorted(names)
        self._bus = bus
        # A service's second process can have fewer collections. Under one lease for both, it would
        # keep the first from sweeping the others.
        self._lease = Lease(database, f"outbox-sweep:{','.join(names)}", LEASE, clock)
        self.collections = [database[name] for name in names]
        self._oldest_pipeline = oldest_outbox_pipeline(names) if names else []
        self.clock = clock
        self._pending: deque[_PendingEvent] = deque()
        self._acknowledged: list[_PendingEvent] = []
        self._has_pending = asyncio.Event()
        self._has_acknowledged = asyncio.Event()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def publish_soon(
        self, collection: Collection, aggregate_id: object, entries: Sequence[Doc]
    ) -> None:
        """Queue committed events for publication, in the order of their commits."""
        if len(self._pending) < MAX_PENDING:
            self._pending.extend(
                _PendingEvent(collection, aggregate_id, entry) for entry in entries
            )
            self._has_pending.set()

    def start(self) -> None:
        """Start to publish queued events, to remove published ones, and to sweep."""
        loops = [self._publish_loop, self._remove_published_loop]
        if self.collections:
            loops.append(self._sweep_loop)
        self._tasks = [asyncio.create_task(loop(), name=loop.__name__) for loop in loops]

    async def stop(self, grace: float) -> None:
        """Publish queued events for at most `grace` seconds; another process sweeps the rest.

        A flag stops the loops, because PyMongo can swallow a cancellation.
        """
        if not self._tasks:
            return
        self._stopping.set()
        self._has_pending.set()
        self._has_acknowledged.set()
        _, unfinished = await asyncio.wait(self._tasks, timeout=max(grace, SWEEP_INTERVAL_SECONDS))
        for task in unfinished:
            task.cancel()
        self._tasks = []

    @property
    def alive(self) -> bool:
        """Whether new events are published."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    async def _publish_loop(self) -> None:
        window = asyncio.Semaphore(MAX_BATCHES_IN_FLIGHT)

        async def publish_batch(batch: Sequence[_PendingEvent]) -> None:
            try:
                acknowledged = await self._publish(batch)
            finally:
                window.release()
            self._acknowledged += acknowledged  # `+= await ...` would read the list before it waits
            self._has_acknowledged.set()

        async with asyncio.TaskGroup() as publishing:
            while self._pending or not self._stopping.is_set():
                if not self._pending:
                    self._has_pending.clear()
                    await self._has_pending.wait()
                    continue
                await window.acquire()
                batch = [
                    self._pending.popleft() for _ in range(min(BATCH_SIZE, len(self._pending)))
                ]
                publishing.create_task(publish_batch(batch))
        self._has_acknowledged.set()

    async def _publish(self, batch: Sequence[_PendingEvent]) -> list[_PendingEvent]:
        """Publish in order on one connection, and return what the server acknowledged."""
        outcomes = await asyncio.gather(
            *(self._bus.publish(event.envelope) for event in batch), return_exceptions=True
        )
        acknowledged: list[_PendingEvent] = []
        for event, outcome in zip(batch, outcomes, strict=True):
            if outcome is None:
                acknowledged.append(event)
            else:
                log.warning(
                    "event not acknowledged, the sweep will retry",
                    event_id=event.entry["id"],
                    error=repr(outcome),
                )
        return acknowledged

    async def _remove_published_loop(self) -> None:
        publishing = self._tasks[0]
        while self._acknowledged or not publishing.done():
            if not self._acknowledged:
                self._has_acknowledged.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._has_acknowledged.wait(), SWEEP_INTERVAL_SECONDS)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), CLEANUP_INTERVAL_SECONDS)
            acknowledged, self._acknowledged = self._acknowledged, []
            try:
                await self._remove_published(acknowledged)
            except PyMongoError as error:
                log.warning(
                    "published events not removed from the outbox, the sweep will retry",
                    error=repr(error),
                )
                await asyncio.sleep(SWEEP_INTERVAL_SECONDS)

    async def _remove_published(self, acknowledged: Sequence[_PendingEvent]) -> None:
        collections = {event.collection.name: event.collection for event in acknowledged}
        for name, collection in collections.items():
            published = [event for event in acknowledged if event.collection.name == name]
            # A removal that a crash undoes is an event published twice, which is harmless.
            unjournaled = collection.with_options(write_concern=UNJOURNALED)
            for start in range(0, len(published), BATCH_SIZE):
                batch = published[start : start + BATCH_SIZE]
                entry_ids = [event.entry["id"] for event in batch]
                await unjournaled.update_many(
                    {"_id": {"$in": [event.aggregate_id for event in batch]}},
                    {"$pull": {"outbox": {"id": {"$in": entry_ids}}}},
                )

    async def _sweep_loop(self) -> None:
        while not self._stopping.is_set():
            delay = SWEEP_INTERVAL_SECONDS
            try:
                if await self._lease.acquire_or_renew():
                    delay = await self._sweep()
                else:
                    delay = max(delay, self._lease.seconds_until_next_request)
            except PyMongoError as error:
                log.warning("outbox sweep failed, retrying", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _sweep(self) -> float:
        """Publish what is stale in any collection, and return the seconds until the next sweep."""
        now = self.clock()
        oldest = await self.collections[0].aggregate(self._oldest_pipeline)
        times = {entry["collection"]: entry["at"] async for entry in oldest}
        for collection in self.collections:
            if times.get(collection.name, now) < now - SWEEP_AGE:
                await self._sweep_collection(collection)
        return seconds_until_next_sweep(times.values(), self.clock())

    async def _sweep_collection(self, collection: Collection) -> None:
        """Publish the events that their own process did not publish or deferred."""
        stale = stale_outbox_filter(self.clock())
        while not self._stopping.is_set():
            documents = await collection.find(stale, {"outbox": 1}).limit(SWEEP_BATCH).to_list()
            pending = [
                _PendingEvent(collection, doc["_id"], entry)
                for doc in documents
                for entry in doc["outbox"]
            ]
            acknowledged: list[_PendingEvent] = []
            for start in range(0, len(pending), BATCH_SIZE):
                acknowledged += await self._publish(pending[start : start + BATCH_SIZE])
            await self._remove_published(acknowledged)
            metrics.OUTBOX_SWEPT.inc(len(acknowledged))
            if len(documents) < SWEEP_BATCH or not acknowledged:
                return

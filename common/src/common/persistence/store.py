"""The store of one kind of aggregate.

It writes in three ways: `add` inserts an aggregate, `update` changes one, and `update_many` (or
`update_batched`, for events that arrive one by one) changes many in one command. Every write is
conditional on the version that was read and includes the events of the change.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Final, Generic

from bson import ObjectId
from pymongo.errors import AutoReconnect, WriteConcernError

from common.batching import Batcher
from common.change import Change
from common.errors import NotFound, ServiceUnavailable
from common.events import Event
from common.messaging.envelope import EventEnvelope
from common.persistence.aggregate_mapping import AggregateMapping, T
from common.persistence.mongo import (
    AggregateDocument,
    batch_find_by_id,
    collection_of,
    fails_over,
    iter_documents,
)
from common.persistence.outbox import Relay
from common.persistence.writer import VersionedUpdate, Writer
from common.values.clock import Clock
from common.values.ids import new_id

MAX_ATTEMPTS: Final = 20
"""How often an update is tried if concurrent writers keep winning."""
RETRY_CONCURRENCY: Final = 16

Decide = Callable[[T], Change[T]]


@dataclass(frozen=True, slots=True)
class _PendingUpdate(Generic[T]):
    aggregate_id: str
    decide: Decide[T]
    context: Context
    """The caller's: its trace and its actor belong to the change."""
    snapshot: T | None = None


@dataclass(frozen=True, slots=True)
class _PreparedUpdate(Generic[T]):
    index: int
    after: T
    update: VersionedUpdate


class Store(Generic[T]):
    """Reads and writes the aggregates of one collection."""

    def __init__(
        self,
        document: type[AggregateDocument],
        mapping: AggregateMapping[T],
        relay: Relay,
        clock: Clock,
        *,
        on_written: Callable[[T], None] = lambda _aggregate: None,
        insert_delay: float = 0,
        update_delay: float = 0,
    ) -> None:
        """Create a store.

        Args:
            document: names the collection.
            mapping: converts aggregates to documents and back.
            relay: publishes the events of each write.
            clock: gives the time of an event.
            on_written: is called after each acknowledged write, before its caller continues.
            insert_delay: seconds that an insert may wait to be batched with others.
            update_delay: seconds that a batched update may wait for others.
        """
        self.collection = collection_of(document)
        self.from_document = mapping.from_document
        self._mapping = mapping
        self._clock = clock
        self._on_written = on_written
        self._writer = Writer(self.collection, relay, insert_delay=insert_delay)
        self._find_many = batch_find_by_id(self.collection)
        self._find = Batcher(self._find_many)
        self._update = Batcher(self._update_batch, max_delay=update_delay)

    async def find(self, aggregate_id: str) -> T | None:
        """Return an aggregate, or None if there is none with this id."""
        doc = await self._find(ObjectId(aggregate_id))
        return None if doc is None else self.from_document(doc)

    async def get(self, aggregate_id: str) -> T:
        """Return an aggregate.

        Raises:
            NotFound: there is none with this id.
        """
        found = await self.find(aggregate_id)
        if found is None:
            raise NotFound
        return found

    async def add(self, change: Change[T]) -> T:
        """Insert a new aggregate together with its events.

        Raises:
            DuplicateKeyError: a unique index rejected the insert. The caller translates it.
        """
        defers_events = self._mapping.defers_events(change.after)
        doc = self._mapping.document(change, self._clock)
        await self._writer.insert(doc, defers_events=defers_events)
        self._on_written(change.after)
        return change.after

    async def update(self, aggregate_id: str, decide: Decide[T]) -> T:
        """Read an aggregate, decide, and write; start again if another writer was faster.

        Args:
            aggregate_id: the aggregate.
            decide: returns the change. It must be pure, because it may be called several times.

        Raises:
            NotFound: there is no aggregate with this id.
            ServiceUnavailable: other writers were faster `MAX_ATTEMPTS` times.
        """
        for attempt in range(MAX_ATTEMPTS):
            before = await self.get(aggregate_id)
            change = decide(before)
            if change.after == before:
                await self._writer.wait_for_majority(before.id)
                return before
            if await self._writer.update(self._mapping.update(before, change, self._clock)):
                self._on_written(change.after)
                return change.after
            await asyncio.sleep(random.uniform(0, 0.002 * (attempt + 1)))  # noqa: S311 - spreads rivals
        raise ServiceUnavailable(retry_after=1)

    async def update_batched(
        self, aggregate_id: str, decide: Decide[T], *, snapshot: T | None = None
    ) -> T:
        """Update an aggregate like `update`, in one command with other batched updates.

        Args:
            aggregate_id: the aggregate.
            decide: pure, total, and without effect on a state to which it was applied already,
                because it is called again if it is unknown whether its update was written.
            snapshot: a recent state of the aggregate, which saves a read if it is not outdated.

        Raises:
            NotFound: there is no aggregate with this id.
        """
        return await self._update(_PendingUpdate(aggregate_id, decide, copy_context(), snapshot))

    async def update_many(self, aggregate_ids: Sequence[str], decide: Decide[T]) -> list[T]:
        """Update aggregates in one command now.

        Args:
            aggregate_ids: the aggregates; an unknown id is ignored.
            decide: as for `update_batched`.

        Returns:
            The new states of the aggregates that exist.
        """
        outcomes = await self._update_batch(
            [_PendingUpdate(one, decide, copy_context()) for one in aggregate_ids]
        )
        updated: list[T] = []
        for outcome in outcomes:
            if isinstance(outcome, NotFound):
                continue
            if isinstance(outcome, Exception):
                raise outcome
            updated.append(outcome)
        return updated

    async def _update_batch(self, pending: Sequence[_PendingUpdate[T]]) -> Sequence[T | Exception]:
        """Apply updates in one command, then those without an outcome individually."""
        outcomes: dict[int, T | Exception] = {}
        prepared: dict[str, _PreparedUpdate[T]] = {}
        unchanged: T | None = None
        states = await self._read_batch(pending)
        for index, (item, before) in enumerate(zip(pending, states, strict=True)):
            if item.aggregate_id in prepared:
                continue  # applied after the first update of the same aggregate
            if before is None:
                outcomes[index] = NotFound()
                continue
            try:
                change = item.decide(before)
                if change.after != before:
                    update = item.context.run(self._mapping.update, before, change, self._clock)
                    prepared[item.aggregate_id] = _PreparedUpdate(index, change.after, update)
                elif item.snapshot is None:  # a snapshot may be outdated
                    outcomes[index] = unchanged = before
            except Exception as error:  # noqa: BLE001 - only this update fails
                outcomes[index] = error
        if prepared:
            outcomes |= await self._write_batch([*prepared.values()])
        elif unchanged is not None:
            await self._writer.wait_for_majority(unchanged.id)
        await self._update_remaining(pending, outcomes)
        return [outcomes[index] for index in range(len(pending))]

    async def _read_batch(self, pending: Sequence[_PendingUpdate[T]]) -> list[T | None]:
        unread = [ObjectId(item.aggregate_id) for item in pending if item.snapshot is None]
        docs = await self._find_many(unread) if unread else ()
        states = iter([None if doc is None else self.from_document(doc) for doc in docs])
        return [next(states) if item.snapshot is None else item.snapshot for item in pending]

    async def _write_batch(self, prepared: Sequence[_PreparedUpdate[T]]) -> dict[int, T]:
        """Write updates, and return the new states of those that are known to be written.

        If MongoDB fails over, none is known to be. They are then updated individually, which the
        driver retries: it would need a record in MongoDB of each of these updates to do so itself.
        """
        try:
            is_written = await self._writer.update_many([item.update for item in prepared])
        except (AutoReconnect, WriteConcernError) as error:
            if not fails_over(error):
                raise
            return {}
        written = [item for item, known in zip(prepared, is_written, strict=True) if known]
        for item in written:
            self._on_written(item.after)
        return {item.index: item.after for item in written}

    async def _update_remaining(
        self, pending: Sequence[_PendingUpdate[T]], outcomes: dict[int, T | Exception]
    ) -> None:
        remaining: dict[str, list[int]] = {}
        for index, item in enumerate(pending):
            if index not in outcomes:
                remaining.setdefault(item.aggregate_id, []).append(index)
        semaphore = asyncio.Semaphore(RETRY_CONCURRENCY)

        async def update_in_order(indexes: Sequence[int]) -> None:
            async with semaphore:
                for index in indexes:
                    item = pending[index]
                    update = self.update(item.aggregate_id, item.decide)
                    try:
                        outcomes[index] = await asyncio.create_task(update, context=item.context)
                    except Exception as error:  # noqa: BLE001 - only this update fails
                        outcomes[index] = error

        await asyncio.gather(*map(update_in_order, remaining.values()))

    async def snapshot_events(
        self,
        to_event: Callable[[T], Event | None],
        complete: Callable[[T], Awaitable[T]] | None = None,
    ) -> AsyncGenerator[EventEnvelope]:
        """Yield an event of each aggregate's present state, under ids never used before.

        `republish-state` fills a lost stream or a new listener from it.

        Args:
            to_event: returns the event. Aggregates for which it returns None are left out.
            complete: updates an aggregate of an earlier version of the service, and returns it.
        """
        run_id = new_id()
        async for doc in iter_documents(self.collection):
            aggregate = self.from_document(doc)
            if complete is not None:
                aggregate = await complete(aggregate)
            event = to_event(aggregate)
            if event is None:
                continue
            yield EventEnvelope.from_event(
                event,
                event_id=f"{event.subject}:{aggregate.id}:{aggregate.version}:{run_id}",
                aggregate_id=aggregate.id,
                occurred_at=self._clock(),
            )

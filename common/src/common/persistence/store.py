"""The store of one kind of aggregate: one optimistic rule, two write verbs.

`add` inserts an aggregate; `change` reads, decides, and writes only if nobody wrote in between, and
`follow` does the same for many at once. The events of a change are in the same write
(`common.persistence.writer`).
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextvars import Context, copy_context
from typing import Final, Generic

from bson import ObjectId

from common.batching import Batcher
from common.change import Change
from common.errors import NotFound, ServiceUnavailable
from common.events import Event
from common.messaging.envelope import EventEnvelope
from common.persistence.mongo import (
    STATE_PROJECTION,
    AggregateDocument,
    Doc,
    batch_find_by_id,
    collection_of,
)
from common.persistence.outbox import Relay
from common.persistence.writer import T, Versioned, VersionedUpdate, Writer
from common.values.clock import Clock
from common.values.ids import new_id

MAX_ATTEMPTS: Final = 20
"""How often a lost race is tried again from a fresh read."""
RETRY_CONCURRENCY: Final = 16
"""How many of a group are asked again at the same time, where one of them lost a race."""

PendingUpdate = tuple[str, Callable[[T], Change[T]], T | None, Context]
"""Which aggregate, the rule that is asked about it, what is known of it, and on whose behalf."""


class Store(Generic[T]):
    """The two write verbs over one collection of aggregates."""

    def __init__(
        self,
        document: type[AggregateDocument],
        relay: Relay,
        clock: Clock,
        *,
        from_document: Callable[[Doc], T],
        to_document: Callable[[T], Doc],
        on_written: Callable[[T, bool], None] = lambda _after, _confirmed: None,
        audited: bool = False,
        max_delay: float = 0,
    ) -> None:
        """Tell how a document is read into the domain's words, and how they are written.

        Args:
            document: the Beanie document whose collection this is.
            relay: publishes what a write has put into the outbox.
            clock: the moment that an event is stamped with.
            from_document: from a stored document to the domain's thing.
            to_document: from the domain's thing to its fields, without id, version and outbox.
            on_written: called after each write, before it is answered, with whether the write is
                confirmed; where its outcome is unknown it is not.
            audited: whether each document has an audit log (`common.persistence.audit_log`).
            max_delay: seconds that what is added may wait to be written with others.
        """
        self.collection = collection_of(document)
        self._clock = clock
        self.from_document = from_document
        self._writer = Writer(
            self.collection,
            relay,
            clock,
            to_document=to_document,
            on_written=on_written,
            audited=audited,
            max_delay=max_delay,
        )
        self._find = Batcher(batch_find_by_id(self.collection))
        self._apply = Batcher(self._apply_batch)

    async def find(self, aggregate_id: str) -> T | None:
        """Read one, or nothing."""
        doc = await self._find(ObjectId(aggregate_id))
        return None if doc is None else self.from_document(doc)

    async def get(self, aggregate_id: str) -> T:
        """Read one.

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
            DuplicateKeyError: a unique index knows better; the caller names what it means.
        """
        await self._writer.insert(change)
        return change.after

    async def update(
        self, aggregate_id: str, decide: Callable[[T], Change[T]], *, snapshot: T | None = None
    ) -> T:
        """Read, decide, and write if nobody wrote in between; else all of it again.

        Args:
            aggregate_id: which one.
            decide: pure, so that it can be asked again after a lost race.
            snapshot: what was written or read a moment ago, to begin with instead of reading; only
                for a `decide` that never refuses, because it may be outdated.

        Raises:
            NotFound: there is none with this id.
            Unavailable: too many lost races in a row.
        """
        if snapshot is not None:
            change = decide(snapshot)
            if change.after != snapshot and await self._writer.write(snapshot, change):
                return change.after
        for attempt in range(MAX_ATTEMPTS):
            before = await self.get(aggregate_id)
            change = decide(before)
            if change.after == before:
                await self._writer.wait_for_majority(before)
                return before
            if await self._writer.write(before, change):
                return change.after
            await asyncio.sleep(random.uniform(0, 0.002 * (attempt + 1)))  # noqa: S311 - spreads rivals
        raise ServiceUnavailable(retry_after=1)

    async def apply_event(
        self, aggregate_id: str, decide: Callable[[T], Change[T]], *, snapshot: T | None = None
    ) -> T:
        """Change one as an event says, in one command with what else is heard at the moment.

        For rules that change nothing when they are asked again after they were applied, as all
        that follow events are: where a race is lost, nobody can tell whose, and all are asked
        again, each by itself.

        Args:
            aggregate_id: which one.
            decide: pure, total, and without effect the second time.
            snapshot: what was written or read a moment ago, to begin with instead of reading.

        Raises:
            NotFound: there is none with this id.
        """
        return await self._apply((aggregate_id, decide, snapshot, copy_context()))

    async def _apply_batch(self, pending: Sequence[PendingUpdate[T]]) -> Sequence[T | Exception]:
        unread = [
            ObjectId(aggregate_id) for aggregate_id, _, snapshot, _ in pending if snapshot is None
        ]
        docs = iter(await batch_find_by_id(self.collection)(unread) if unread else ())
        outcomes: dict[int, T | Exception] = {}
        prepared: dict[str, VersionedUpdate] = {}
        for index, (aggregate_id, decide, known, context) in enumerate(pending):
            doc = next(docs) if known is None else None
            before = self.from_document(doc) if doc is not None else known
            if aggregate_id in prepared:
                continue  # a second one on the same: below, after the first
            if before is None:
                outcomes[index] = NotFound()
                continue
            try:
                change = decide(before)
            except Exception as error:  # noqa: BLE001 - it is the outcome of this one alone
                outcomes[index] = error
                continue
            if change.after == known:
                continue  # it may be outdated: below, after reading
            outcomes[index] = change.after
            if change.after != before:
                prepared[aggregate_id] = context.run(self._writer.prepare, before, change)
        if prepared and not await self._writer.write_all(list(prepared.values())):
            outcomes = {}
        if not prepared:
            unchanged = (outcome for outcome in outcomes.values() if isinstance(outcome, Versioned))
            await self._writer.wait_for_majority(*unchanged)
        return await self._retry_remaining(pending, outcomes)

    async def _retry_remaining(
        self, pending: Sequence[PendingUpdate[T]], outcomes: dict[int, T | Exception]
    ) -> Sequence[T | Exception]:
        """Ask those again that have no outcome yet, of each aggregate one after another."""
        remaining: dict[str, list[int]] = {}
        for index, (aggregate_id, *_) in enumerate(pending):
            if index not in outcomes:
                remaining.setdefault(aggregate_id, []).append(index)
        semaphore = asyncio.Semaphore(RETRY_CONCURRENCY)

        async def retry(indexes: Sequence[int]) -> None:
            for index in indexes:
                aggregate_id, decide, _, context = pending[index]
                async with semaphore:
                    outcomes[index] = await self._retry_one(aggregate_id, decide, context)

        await asyncio.gather(*map(retry, remaining.values()))
        return [outcomes[place] for place in range(len(pending))]

    async def _retry_one(
        self, aggregate_id: str, decide: Callable[[T], Change[T]], context: Context
    ) -> T | Exception:
        try:
            return await asyncio.create_task(self.update(aggregate_id, decide), context=context)
        except Exception as error:  # noqa: BLE001 - it is the outcome of this one alone
            return error

    async def snapshot_events(
        self, to_event: Callable[[T], Event | None]
    ) -> AsyncGenerator[EventEnvelope]:
        """Go through every aggregate as an event of its present state, under ids never used before.

        For the operator's `rebuild`: a lost stream, or a new listener, is filled from here. What
        has nothing to tell yet is left out.
        """
        run_id = new_id()
        async for doc in self.collection.find({}, STATE_PROJECTION):
            aggregate = self.from_document(doc)
            event = to_event(aggregate)
            if event is None:
                continue
            yield EventEnvelope(
                id=f"{event.subject}:{aggregate.id}:{aggregate.version}:{run_id}",
                subject=event.subject,
                data=event.model_dump_json().encode(),
                aggregate_id=aggregate.id,
                occurred_at=self._clock(),
            )

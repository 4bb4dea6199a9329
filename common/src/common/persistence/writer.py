"""Write an aggregate's new state and its events in one conditional write.

An update names the version that was read, so one of two concurrent writers fails. There is no other
way to write an aggregate: a whole-document `save()` or `replace()` would overwrite events that
another request has added to the outbox since the read.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from bson import ObjectId
from pymongo import UpdateOne

from common.batching import Batcher
from common.change import Change
from common.persistence.audit_log import audit_entry
from common.persistence.mongo import Collection, Doc, batch_insert, raise_write_concern_errors
from common.persistence.outbox import Relay, outbox_entry
from common.values.clock import Clock


class Versioned(Protocol):
    """An aggregate: its id and the version of its state."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=Versioned)


@dataclass(frozen=True, slots=True)
class VersionedUpdate(Generic[T]):
    """The MongoDB update of one aggregate from one version to the next."""

    after: T
    expected: Doc
    update: Doc
    entries: list[Doc]


class Writer(Generic[T]):
    """Writes the aggregates of one collection and passes their events to the relay.

    Its arguments are those of `common.persistence.store.Store`.
    """

    def __init__(
        self,
        collection: Collection,
        relay: Relay,
        clock: Clock,
        *,
        to_document: Callable[[T], Doc],
        on_written: Callable[[T], None],
        event_context: Callable[[T], AbstractContextManager[object]],
        audited: bool,
        insert_delay: float,
    ) -> None:
        self._collection = collection
        self._relay = relay
        self._clock = clock
        self._to_document = to_document
        self._on_written = on_written
        self._event_context = event_context
        self._audited = audited
        self._insert = Batcher(batch_insert(collection), max_delay=insert_delay)

    async def insert(self, change: Change[T]) -> None:
        """Insert a new aggregate.

        Raises:
            DuplicateKeyError: a unique index rejected it.
        """
        after = change.after
        _id = ObjectId(after.id)
        entries = self._outbox_entries(change)
        fields = self._to_document(after)
        doc = {"_id": _id, "version": after.version, **fields, "outbox": entries}
        if self._audited:
            doc["history"] = [audit_entry(after.version, self._clock(), {}, fields)]
        await self._insert(doc)
        self._on_written(after)
        self._relay.publish_soon(self._collection, _id, entries)

    def prepare(self, before: T, change: Change[T]) -> VersionedUpdate[T]:
        """Build the conditional update for a change of `before`."""
        after = change.after
        if after.version != before.version + 1:
            raise AssertionError(f"{after!r} does not follow version {before.version}")
        entries = self._outbox_entries(change)
        fields = self._to_document(after)
        push: Doc = {"outbox": {"$each": entries}}
        if self._audited:
            before_fields = self._to_document(before)
            push["history"] = audit_entry(after.version, self._clock(), before_fields, fields)
        return VersionedUpdate(
            after=after,
            expected={"_id": ObjectId(after.id), "version": before.version},
            update={"$set": {"version": after.version, **fields}, "$push": push},
            entries=entries,
        )

    async def update(self, before: T, change: Change[T]) -> bool:
        """Write a change, and return whether `before` was still the stored version."""
        prepared = self.prepare(before, change)
        result = await self._collection.update_one(prepared.expected, prepared.update)
        if result.modified_count != 1:
            return False
        self._on_update_written(prepared)
        return True

    async def update_many(self, updates: Sequence[VersionedUpdate[T]]) -> list[VersionedUpdate[T]]:
        """Write updates in one command, and return those that are known to be written."""
        requests = [UpdateOne(update.expected, update.update) for update in updates]
        with raise_write_concern_errors():
            result = await self._collection.bulk_write(requests, ordered=False)
        written = list(updates)
        if result.modified_count < len(updates):
            written = await self._find_written(updates)
        for update in written:
            self._on_update_written(update)
        return written

    async def _find_written(
        self, updates: Sequence[VersionedUpdate[T]]
    ) -> list[VersionedUpdate[T]]:
        """Return the updates whose event is in an outbox: MongoDB reports only their number."""
        ids = {"_id": {"$in": [update.expected["_id"] for update in updates]}}
        docs = self._collection.find(ids, {"outbox": 1})
        outboxes = {doc["_id"]: doc["outbox"] async for doc in docs}
        return [
            update
            for update in updates
            if update.entries and update.entries[0] in outboxes.get(update.expected["_id"], ())
        ]

    def _on_update_written(self, update: VersionedUpdate[T]) -> None:
        self._on_written(update.after)
        self._relay.publish_soon(self._collection, update.expected["_id"], update.entries)

    async def wait_for_majority(self, aggregate: T) -> None:
        """Wait until a state that was read is committed by a majority.

        Otherwise an event could be acknowledged because of a write that is later rolled back. A
        write that changes nothing waits for all writes before it.
        """
        await self._collection.update_one(
            {"_id": ObjectId(aggregate.id)}, {"$unset": {"nothing": 1}}
        )

    def _outbox_entries(self, change: Change[T]) -> list[Doc]:
        if not change.events:
            return []
        now, after = self._clock(), change.after
        with self._event_context(after):
            return [outbox_entry(event, after.id, after.version, now) for event in change.events]

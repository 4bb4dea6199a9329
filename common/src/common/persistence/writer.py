"""How an aggregate is written: its new state and its events in one conditional write.

An update names the version that was read, so of two writers one is refused. There is no other way
to write an aggregate: a whole-document `save()` or `replace()` would wipe what another request has
put in the outbox meanwhile.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from bson import ObjectId
from pymongo import UpdateOne

from common.batching import Batcher
from common.change import Change
from common.persistence.audit_log import audit_entry
from common.persistence.mongo import Collection, Doc, batch_insert, raise_write_concern_errors
from common.persistence.outbox import Relay, outbox_entry
from common.values.clock import Clock


@runtime_checkable
class Versioned(Protocol):
    """A thing of the domain: who it is, and which version of it this is."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=Versioned)


@dataclass(frozen=True, slots=True)
class VersionedUpdate:
    """One aggregate's way from one version to the next, as MongoDB is told of it."""

    after: Any
    expected: Doc
    update: Doc
    entries: list[Doc]


class Writer(Generic[T]):
    """Writes the aggregates of one collection, and tells the relay what they have to tell."""

    def __init__(
        self,
        collection: Collection,
        relay: Relay,
        clock: Clock,
        *,
        to_document: Callable[[T], Doc],
        on_written: Callable[[T, bool], None],
        audited: bool,
        max_delay: float,
    ) -> None:
        """Take what `common.persistence.store.Store` was told."""
        self._collection = collection
        self._relay = relay
        self._clock = clock
        self._to_document = to_document
        self._on_written = on_written
        self._audited = audited
        self._insert = Batcher(batch_insert(collection), max_delay=max_delay)

    async def insert(self, change: Change[T]) -> None:
        """Insert a new aggregate.

        Raises:
            DuplicateKeyError: a unique index knows better.
        """
        after = change.after
        _id = ObjectId(after.id)
        entries = self._entries(change)
        fields = self._to_document(after)
        doc = {"_id": _id, "version": after.version, **fields, "outbox": entries}
        if self._audited:
            doc["history"] = [audit_entry(after.version, self._clock(), {}, fields)]
        with self._report_write(after) as confirm:
            await self._insert(doc)
            confirm()
        self._relay.publish_soon(self._collection, _id, entries)

    def prepare(self, before: T, change: Change[T]) -> VersionedUpdate:
        """Put a change of what was read into MongoDB's words."""
        after = change.after
        if after.version != before.version + 1:
            raise AssertionError(f"{after!r} does not follow version {before.version}")
        entries = self._entries(change)
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

    async def write(self, before: T, change: Change[T]) -> bool:
        """Write a change of what was read; say whether that was still what is stored."""
        prepared = self.prepare(before, change)
        with self._report_write(prepared.after) as confirm:
            result = await self._collection.update_one(prepared.expected, prepared.update)
            if result.modified_count != 1:
                return False
            confirm()
        self.publish_events(prepared)
        return True

    async def write_all(self, prepared_updates: Sequence[VersionedUpdate]) -> bool:
        """Write many steps in one command; say whether every one of them was written."""
        updates = [UpdateOne(prepared.expected, prepared.update) for prepared in prepared_updates]
        with self._report_write(*(step.after for step in prepared_updates)) as confirm:
            with raise_write_concern_errors():
                result = await self._collection.bulk_write(updates, ordered=False)
            if result.modified_count < len(prepared_updates):
                return False  # what was written is published by the sweep
            confirm()
        for step in prepared_updates:
            self.publish_events(step)
        return True

    def publish_events(self, prepared: VersionedUpdate) -> None:
        """Have the events of a step that was written published now."""
        self._relay.publish_soon(self._collection, prepared.expected["_id"], prepared.entries)

    async def wait_for_majority(self, *aggregates: Versioned) -> None:
        """Wait until what was read, and leaves nothing to do, can no longer be undone.

        A read shows what no majority has yet. Were its event acknowledged on the strength of that,
        and the change then lost with its server, nobody would bring it again. A write that changes
        nothing waits for all that came before it; one is enough for all that was read.
        """
        for aggregate in aggregates[:1]:
            await self._collection.update_one(
                {"_id": ObjectId(aggregate.id)}, {"$unset": {"nothing": 1}}
            )

    @contextmanager
    def _report_write(self, *after: T) -> Generator[Callable[[], None]]:
        """Report a write when it ends, however it ends; it is confirmed once `done` was called."""
        confirmed = False

        def confirm() -> None:
            nonlocal confirmed
            confirmed = True

        try:
            yield confirm
        finally:
            for aggregate in after:
                self._on_written(aggregate, confirmed)

    def _entries(self, change: Change[T]) -> list[Doc]:
        now = self._clock()
        after = change.after
        return [outbox_entry(event, after.id, after.version, now) for event in change.events]

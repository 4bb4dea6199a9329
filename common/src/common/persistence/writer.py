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

from common.batching import Grouped
from common.change import Change
from common.persistence.audit_log import recorded
from common.persistence.mongo import Collection, Doc, acknowledged, inserter
from common.persistence.outbox import Relay, entry
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
class Step:
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
        write: Callable[[T], Doc],
        wrote: Callable[[T, bool], None],
        audited: bool,
        linger: float,
    ) -> None:
        """Take what `common.persistence.store.Store` was told."""
        self._collection = collection
        self._relay = relay
        self._clock = clock
        self._write = write
        self._wrote = wrote
        self._audited = audited
        self._insert = Grouped(inserter(collection), linger=linger)

    async def insert(self, change: Change[T]) -> None:
        """Insert a new aggregate.

        Raises:
            DuplicateKeyError: a unique index knows better.
        """
        after = change.after
        _id = ObjectId(after.id)
        entries = self._entries(change)
        fields = self._write(after)
        doc = {"_id": _id, "version": after.version, **fields, "outbox": entries}
        if self._audited:
            doc["history"] = [recorded(after.version, self._clock(), {}, fields)]
        with self._writing(after) as done:
            await self._insert(doc)
            done()
        self._relay.nudge(self._collection, _id, entries)

    def step(self, before: T, change: Change[T]) -> Step:
        """Put a change of what was read into MongoDB's words."""
        after = change.after
        if after.version != before.version + 1:
            raise AssertionError(f"{after!r} does not follow version {before.version}")
        entries = self._entries(change)
        fields = self._write(after)
        pushed: Doc = {"outbox": {"$each": entries}}
        if self._audited:
            was = self._write(before)
            pushed["history"] = recorded(after.version, self._clock(), was, fields)
        return Step(
            after=after,
            expected={"_id": ObjectId(after.id), "version": before.version},
            update={"$set": {"version": after.version, **fields}, "$push": pushed},
            entries=entries,
        )

    async def write(self, before: T, change: Change[T]) -> bool:
        """Write a change of what was read; say whether that was still what is stored."""
        step = self.step(before, change)
        with self._writing(step.after) as done:
            result = await self._collection.update_one(step.expected, step.update)
            if result.modified_count != 1:
                return False
            done()
        self.tell(step)
        return True

    async def write_all(self, steps: Sequence[Step]) -> bool:
        """Write many steps in one command; say whether every one of them was written."""
        updates = [UpdateOne(step.expected, step.update) for step in steps]
        with self._writing(*(step.after for step in steps)) as done:
            with acknowledged():
                result = await self._collection.bulk_write(updates, ordered=False)
            if result.modified_count < len(steps):
                return False  # what was written is published by the sweep
            done()
        for step in steps:
            self.tell(step)
        return True

    def tell(self, step: Step) -> None:
        """Have the events of a step that was written published now."""
        self._relay.nudge(self._collection, step.expected["_id"], step.entries)

    async def settled(self, *read: Versioned) -> None:
        """Wait until what was read, and leaves nothing to do, can no longer be undone.

        A read shows what no majority has yet. Were its event acknowledged on the strength of that,
        and the change then lost with its server, nobody would bring it again. A write that changes
        nothing waits for all that came before it; one is enough for all that was read.
        """
        for one in read[:1]:
            await self._collection.update_one({"_id": ObjectId(one.id)}, {"$unset": {"nothing": 1}})

    @contextmanager
    def _writing(self, *after: T) -> Generator[Callable[[], None]]:
        """Report a write when it ends, however it ends; it is confirmed once `done` was called."""
        confirmed = False

        def done() -> None:
            nonlocal confirmed
            confirmed = True

        try:
            yield done
        finally:
            for thing in after:
                self._wrote(thing, confirmed)

    def _entries(self, change: Change[T]) -> list[Doc]:
        now = self._clock()
        after = change.after
        return [entry(event, after.id, after.version, now) for event in change.events]

"""MongoDB: one connection, one optimistic rule, two write verbs.

Every aggregate is one document with a `version` and an `outbox`. `add` inserts it, `change` reads,
decides, and writes only if nobody wrote in between; both put the events of the change into the
same write. There is no other way to write an aggregate: a whole-document `save()` or `replace()`
would wipe what another request has put in the outbox meanwhile.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar, cast, runtime_checkable

from beanie import (
    Document,
    init_beanie,  # pyright: ignore[reportUnknownVariableType] - typed in part
)
from bson import ObjectId
from pydantic import Field
from pymongo import ASCENDING, AsyncMongoClient, IndexModel, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError, WriteError

from common.bus import Message
from common.change import Change
from common.clock import Clock
from common.errors import NotFound, Unavailable
from common.events import Event
from common.grouped import Grouped
from common.history import recorded
from common.ids import new_id
from common.outbox import Collection, Doc, Relay, entry

STATE: Final[Doc] = {"outbox": 0, "history": 0}
"""Read a document without what only waits or only accumulates in it."""
ATTEMPTS: Final = 20
"""How often a lost race is tried again from a fresh read."""
AGAIN_AT_ONCE: Final = 16
"""How many of a group are asked again at the same time, where one of them lost a race."""


@runtime_checkable
class Versioned(Protocol):
    """A thing of the domain: who it is, and which version of it this is."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=Versioned)
Decision = tuple[str, Callable[[T], Change[T]], T | None, Context]
"""Which aggregate, the rule that is asked about it, what is known of it, and on whose behalf."""

_DUPLICATE_KEY: Final = 11000


class AggregateDocument(Document):
    """A thing of the domain as MongoDB keeps it, with the events that still wait inside it."""

    version: int
    outbox: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])


OUTBOX_INDEX: Final = IndexModel(
    [("outbox.at", ASCENDING)],
    name="outbox",
    partialFilterExpression={"outbox.0": {"$exists": True}},
)
"""What the sweep looks in: only documents with a waiting event are in this index."""


def collection_of(document: type[Document]) -> Collection:
    """Give the collection a document is kept in, for the conditional writes that Beanie lacks."""
    return cast(Collection, document.get_pymongo_collection())


@asynccontextmanager
async def connected(
    uri: str, documents: Sequence[type[Document]]
) -> AsyncGenerator[AsyncDatabase[Doc]]:
    """Open the service's own database, its indexes made, every write awaited by a majority."""
    client: AsyncMongoClient[Doc] = AsyncMongoClient(
        uri,
        w="majority",
        journal=True,
        tz_aware=True,
        retryWrites=True,
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=3_000,
        socketTimeoutMS=15_000,
        maxPoolSize=64,
        waitQueueTimeoutMS=5_000,
    )
    try:
        database = client.get_default_database()
        await init_beanie(database, document_models=list(documents))
        yield database
    finally:
        await client.close()


def finder(
    collection: Collection,
) -> Callable[[Sequence[ObjectId]], Awaitable[Sequence[Doc | None]]]:
    """Read many documents by their ids in one query."""

    async def find(ids: Sequence[ObjectId]) -> Sequence[Doc | None]:
        docs = collection.find({"_id": {"$in": list(set(ids))}}, STATE)
        found = {doc["_id"]: doc async for doc in docs}
        return [found.get(_id) for _id in ids]

    return find


def inserter(
    collection: Collection,
) -> Callable[[Sequence[Doc]], Awaitable[Sequence[Exception | None]]]:
    """Insert many documents in one command; a duplicate is the fault of the one that is it."""

    async def insert(docs: Sequence[Doc]) -> Sequence[Exception | None]:
        outcomes: list[Exception | None] = [None] * len(docs)
        try:
            await collection.insert_many(docs, ordered=False)
        except BulkWriteError as error:
            details = error.details
            if details.get("writeConcernErrors"):  # whatever was written may yet be undone
                raise
            for wrong in details["writeErrors"]:
                outcomes[wrong["index"]] = _write_error(wrong)
        return outcomes

    return insert


def _write_error(wrong: Mapping[str, Any]) -> Exception:
    if wrong["code"] == _DUPLICATE_KEY:
        return DuplicateKeyError(wrong["errmsg"], wrong["code"], wrong)
    return WriteError(wrong["errmsg"], wrong["code"], wrong)


@dataclass(frozen=True, slots=True)
class Step:
    """One aggregate's way from one version to the next, as MongoDB is told of it."""

    after: Any
    expected: Doc
    update: Doc
    entries: list[Doc]


class Store(Generic[T]):
    """The two write verbs over one collection of aggregates."""

    def __init__(
        self,
        document: type[AggregateDocument],
        relay: Relay,
        clock: Clock,
        *,
        read: Callable[[Doc], T],
        write: Callable[[T], Doc],
        wrote: Callable[[T, float | None], None] = lambda _thing, _began: None,
        audited: bool = False,
    ) -> None:
        """Tell how a document is read into the domain's words, and how they are written.

        Args:
            document: the Beanie document whose collection this is.
            relay: publishes what a write has put into the outbox.
            clock: the moment that an event is stamped with.
            read: from a stored document to the domain's thing.
            write: from the domain's thing to its fields, without id, version and outbox.
            wrote: called after each write, before it is answered, with the moment it began (of
                `time.monotonic`); without one where its outcome is unknown.
            audited: whether each document keeps the trail of who did what (`common.history`).
        """
        self.collection = collection_of(document)
        self._relay = relay
        self._clock = clock
        self.read = read
        self._write = write
        self._wrote = wrote
        self._audited = audited
        self._find = Grouped(finder(self.collection))
        self._insert = Grouped(inserter(self.collection))
        self._follow = Grouped(self._follow_all)

    async def find(self, aggregate_id: str) -> T | None:
        """Read one, or nothing."""
        doc = await self._find(ObjectId(aggregate_id))
        return None if doc is None else self.read(doc)

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
        self._relay.nudge(self.collection, _id, entries)
        return after

    async def change(
        self, aggregate_id: str, decide: Callable[[T], Change[T]], *, known: T | None = None
    ) -> T:
        """Read, decide, and write if nobody wrote in between; else all of it again.

        Args:
            aggregate_id: which one.
            decide: pure, so that it can be asked again after a lost race.
            known: what was written or read a moment ago, to begin with instead of reading; only
                for a `decide` that never refuses, because it may be outdated.

        Raises:
            NotFound: there is none with this id.
            Unavailable: too many lost races in a row.
        """
        if known is not None:
            change = decide(known)
            if change.after != known and await self._swapped(known, change):
                return change.after
        for attempt in range(ATTEMPTS):
            before = await self.get(aggregate_id)
            change = decide(before)
            if change.after == before:
                await self._settled(before)
                return before
            if await self._swapped(before, change):
                return change.after
            await asyncio.sleep(random.uniform(0, 0.002 * (attempt + 1)))  # noqa: S311 - spreads rivals
        raise Unavailable(retry_after=1)

    async def _swapped(self, before: T, change: Change[T]) -> bool:
        """Write a change with its events; say whether it was still of what is stored."""
        step = self._step(before, change)
        with self._writing(step.after) as done:
            result = await self.collection.update_one(step.expected, step.update)
            if result.modified_count != 1:
                return False
            done()
        self._relay.nudge(self.collection, step.expected["_id"], step.entries)
        return True

    async def follow(
        self, aggregate_id: str, decide: Callable[[T], Change[T]], *, known: T | None = None
    ) -> T:
        """Change one as an event says, in one command with what else is heard at the moment.

        For rules that change nothing when they are asked again after they were applied, as all
        that follow events are: where a race is lost, nobody can tell whose, and all are asked
        again, each by itself.

        Args:
            aggregate_id: which one.
            decide: pure, total, and without effect the second time.
            known: what was written or read a moment ago, to begin with instead of reading.

        Raises:
            NotFound: there is none with this id.
        """
        return await self._follow((aggregate_id, decide, known, copy_context()))

    async def _follow_all(self, asked: Sequence[Decision[T]]) -> Sequence[T | Exception]:
        unread = [ObjectId(aggregate_id) for aggregate_id, _, known, _ in asked if known is None]
        docs = iter(await finder(self.collection)(unread) if unread else ())
        outcomes: dict[int, T | Exception] = {}
        steps: dict[str, Step] = {}
        for place, (aggregate_id, decide, known, behalf) in enumerate(asked):
            doc = next(docs) if known is None else None
            before = self.read(doc) if doc is not None else known
            if aggregate_id in steps:
                continue  # a second one on the same: below, after the first
            if before is None:
                outcomes[place] = NotFound()
                continue
            try:
                change = decide(before)
            except Exception as error:  # noqa: BLE001 - it is the outcome of this one alone
                outcomes[place] = error
                continue
            if change.after == known:
                continue  # it may be outdated: below, after reading
            outcomes[place] = change.after
            if change.after != before:
                steps[aggregate_id] = behalf.run(self._step, before, change)
        if steps and not await self._write_all(list(steps.values())):
            outcomes = {}
        if not steps:
            await self._settled(*(one for one in outcomes.values() if isinstance(one, Versioned)))
        return await self._rest(asked, outcomes)

    async def _rest(
        self, asked: Sequence[Decision[T]], outcomes: dict[int, T | Exception]
    ) -> Sequence[T | Exception]:
        """Ask those again that have no outcome yet, of each aggregate one after another."""
        again: dict[str, list[int]] = {}
        for place, (aggregate_id, *_) in enumerate(asked):
            if place not in outcomes:
                again.setdefault(aggregate_id, []).append(place)
        turn = asyncio.Semaphore(AGAIN_AT_ONCE)

        async def ask(places: Sequence[int]) -> None:
            for place in places:
                aggregate_id, decide, _, behalf = asked[place]
                async with turn:
                    outcomes[place] = await self._changed(aggregate_id, decide, behalf)

        await asyncio.gather(*map(ask, again.values()))
        return [outcomes[place] for place in range(len(asked))]

    async def _settled(self, *read: Versioned) -> None:
        """Wait until what was read, and leaves nothing to do, can no longer be undone.

        A read shows what no majority has yet. Were its event acknowledged on the strength of that,
        and the change then lost with its server, nobody would bring it again. A write that changes
        nothing waits for all that came before it; one is enough for all that was read.
        """
        for one in read[:1]:
            await self.collection.update_one({"_id": ObjectId(one.id)}, {"$unset": {"nothing": 1}})

    async def _write_all(self, steps: Sequence[Step]) -> bool:
        """Write many steps in one command; say whether every one of them was written."""
        updates = [UpdateOne(step.expected, step.update) for step in steps]
        with self._writing(*(step.after for step in steps)) as done:
            result = await self.collection.bulk_write(updates, ordered=False)
            if result.modified_count < len(steps):
                return False  # what was written is published by the sweep
            done()
        for step in steps:
            self._relay.nudge(self.collection, step.expected["_id"], step.entries)
        return True

    @contextmanager
    def _writing(self, *after: T) -> Generator[Callable[[], None]]:
        """Tell of a write when it ends, however it ends; it is sure once `done` was called."""
        began = time.monotonic()
        sure: float | None = None

        def done() -> None:
            nonlocal sure
            sure = began

        try:
            yield done
        finally:
            for thing in after:
                self._wrote(thing, sure)

    async def _changed(
        self, aggregate_id: str, decide: Callable[[T], Change[T]], behalf: Context
    ) -> T | Exception:
        try:
            return await asyncio.create_task(self.change(aggregate_id, decide), context=behalf)
        except Exception as error:  # noqa: BLE001 - it is the outcome of this one alone
            return error

    def _step(self, before: T, change: Change[T]) -> Step:
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

    async def states(self, tell: Callable[[T], Event | None]) -> AsyncGenerator[Message]:
        """Go through every aggregate as an event of its present state, under ids never used before.

        For the operator's `rebuild`: a lost stream, or a new listener, is filled from here. What
        has nothing to tell yet is left out.
        """
        run = new_id()
        async for doc in self.collection.find({}, STATE):
            thing = self.read(doc)
            event = tell(thing)
            if event is None:
                continue
            yield Message(
                id=f"{event.subject}:{thing.id}:{thing.version}:{run}",
                subject=event.subject,
                data=event.model_dump_json().encode(),
                aggregate_id=thing.id,
                at=self._clock(),
            )

    def _entries(self, change: Change[T]) -> list[Doc]:
        now = self._clock()
        after = change.after
        return [entry(event, after.id, after.version, now) for event in change.events]


def object_id(text: str) -> ObjectId:
    """Turn one of our ids into MongoDB's type."""
    return ObjectId(text)


def is_duplicate(error: DuplicateKeyError, index: str) -> bool:
    """Tell whether this unique index refused the write."""
    details = error.details or {}
    return f"index: {index} " in str(details.get("errmsg", ""))


def at(moment: datetime | None) -> str | None:
    """Show a moment as RFC 3339 in UTC, to the millisecond."""
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

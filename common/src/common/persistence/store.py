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

from common.batching import Grouped
from common.change import Change
from common.errors import NotFound, Unavailable
from common.events import Event
from common.messaging.envelope import Message
from common.persistence.mongo import STATE, AggregateDocument, Doc, collection_of, finder
from common.persistence.outbox import Relay
from common.persistence.writer import Step, T, Versioned, Writer
from common.values.clock import Clock
from common.values.ids import new_id

ATTEMPTS: Final = 20
"""How often a lost race is tried again from a fresh read."""
AGAIN_AT_ONCE: Final = 16
"""How many of a group are asked again at the same time, where one of them lost a race."""

Decision = tuple[str, Callable[[T], Change[T]], T | None, Context]
"""Which aggregate, the rule that is asked about it, what is known of it, and on whose behalf."""


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
        wrote: Callable[[T, bool], None] = lambda _after, _confirmed: None,
        audited: bool = False,
        linger: float = 0,
    ) -> None:
        """Tell how a document is read into the domain's words, and how they are written.

        Args:
            document: the Beanie document whose collection this is.
            relay: publishes what a write has put into the outbox.
            clock: the moment that an event is stamped with.
            read: from a stored document to the domain's thing.
            write: from the domain's thing to its fields, without id, version and outbox.
            wrote: called after each write, before it is answered, with whether the write is
                confirmed; where its outcome is unknown it is not.
            audited: whether each document has an audit log (`common.persistence.audit_log`).
            linger: seconds that what is added may wait to be written with others.
        """
        self.collection = collection_of(document)
        self._clock = clock
        self.read = read
        self._writer = Writer(
            self.collection,
            relay,
            clock,
            write=write,
            wrote=wrote,
            audited=audited,
            linger=linger,
        )
        self._find = Grouped(finder(self.collection))
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
        await self._writer.insert(change)
        return change.after

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
            if change.after != known and await self._writer.write(known, change):
                return change.after
        for attempt in range(ATTEMPTS):
            before = await self.get(aggregate_id)
            change = decide(before)
            if change.after == before:
                await self._writer.settled(before)
                return before
            if await self._writer.write(before, change):
                return change.after
            await asyncio.sleep(random.uniform(0, 0.002 * (attempt + 1)))  # noqa: S311 - spreads rivals
        raise Unavailable(retry_after=1)

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
                steps[aggregate_id] = behalf.run(self._writer.step, before, change)
        if steps and not await self._writer.write_all(list(steps.values())):
            outcomes = {}
        if not steps:
            read = (one for one in outcomes.values() if isinstance(one, Versioned))
            await self._writer.settled(*read)
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

    async def _changed(
        self, aggregate_id: str, decide: Callable[[T], Change[T]], behalf: Context
    ) -> T | Exception:
        try:
            return await asyncio.create_task(self.change(aggregate_id, decide), context=behalf)
        except Exception as error:  # noqa: BLE001 - it is the outcome of this one alone
            return error

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

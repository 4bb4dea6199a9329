"""Attempts to pay, counted as declines until they succeed, by all replicas together.

A limit has as many slots as it allows declines, and a unique index gives each slot to one attempt.
Before Stripe is asked, one insert takes a slot of every limit, or none. So concurrent attempts
cannot exceed a limit, and an attempt whose process dies stays counted. A success deletes the
document; otherwise its slots are free when its window ends.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from beanie import Document
from pymongo import IndexModel
from pymongo.errors import AutoReconnect, DuplicateKeyError

from common.batching import Batcher
from common.errors import ServiceUnavailable
from common.persistence.mongo import UNJOURNALED, Doc, batch_insert, collection_of, fails_over
from common.values.clock import Clock

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
WINDOWS: Final = (HOUR, DAY)
MAX_TRIES: Final = 10
"""How often counting is tried while other attempts take the slots that were free."""
SPREAD: Final = 100
"""Among how many slots more than are taken a free one is drawn, so that concurrent attempts seldom
draw the same one."""
_HAS_SLOTS: Final[Doc] = {"slots.0": {"$exists": True}}
"""The condition of the index, which a query repeats to use it. A document without slots would
otherwise be in the index, too, and only one could be."""


class CountedAttempt(Document):
    """An attempt to pay (`_id`, with the hours of its window) and its slots, until its window ends.

    A card is named by Stripe's fingerprint, an id from which no card number can be derived.
    """

    class Settings:
        name = "counted_attempts"
        indexes = [
            IndexModel("slots", name="slots", unique=True, partialFilterExpression=_HAS_SLOTS),
            IndexModel("until", expireAfterSeconds=0),
        ]


@dataclass(frozen=True, slots=True)
class Limit:
    """The number of declines allowed under a key in a sliding window."""

    key: str
    max_declines: int

    def slot(self, number: int) -> str:
        """Return the name of a slot."""
        return f"{self.key}#{number}"

    def any_slot(self) -> str:
        """Return the name of some slot. At most limits few are taken."""
        return self.slot(random.randrange(self.max_declines))  # noqa: S311 - no secret

    def free_slot(self, taken: Collection[str]) -> str:
        """Return the name of some slot that is not taken. Fewer than the limit must be.

        It does not list all slots, because an operator may set a limit of many millions.
        """
        slots = map(self.slot, range(min(self.max_declines, len(taken) + SPREAD)))
        return random.choice([each for each in slots if each not in taken])  # noqa: S311

    def has(self, slot: str) -> bool:
        """Return whether a slot is one of this limit's, or was when the limit was higher."""
        return slot.rpartition("#")[0] == self.key


class LimitReached(Exception):
    """A limit is reached."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class CountedAttempts:
    """Counts attempts to pay until they succeed."""

    def __init__(self, clock: Clock) -> None:
        self._collection = collection_of(CountedAttempt)
        self._clock = clock
        self._insert = Batcher(batch_insert(self._collection), min_interval=0)
        self._delete = Batcher(self._delete_batch, min_interval=0)
        # A release that is lost leaves an attempt counted, which harms no limit.
        self._released = self._collection.with_options(write_concern=UNJOURNALED)

    async def count(self, attempt_id: str, limits: Sequence[Limit], window: timedelta) -> None:
        """Count an attempt under limits of one window; under which it is counted, it stays so.

        Raises:
            LimitReached: a limit is reached. The attempt is counted under no further one.
        """
        counted = _document(attempt_id, window, [limit.any_slot() for limit in limits])
        until = self._clock() + window
        try:
            await self._insert({**counted, "until": until})
        except DuplicateKeyError:
            await self._count_again(counted["_id"], limits, until)

    async def release(self, attempt_id: str) -> None:
        """Release an attempt that succeeded, or that Stripe was not asked about."""
        await self._delete(attempt_id)

    async def release_key(self, attempt_id: str, key: str) -> None:
        """Release what an attempt of the last hour counts under one key."""
        await self._collection.update_one(
            {"_id": _document_id(attempt_id, HOUR)}, {"$pull": {"slots": _slots_of(key)}}
        )

    async def forget(self, key: str) -> None:
        """Release what all attempts count under a key."""
        await self._collection.update_many(_taken(key), {"$pull": {"slots": _slots_of(key)}})

    async def _count_again(self, counted_id: str, limits: Sequence[Limit], until: datetime) -> None:
        """Count an attempt that is counted already, or of whose slots one is taken."""
        now = self._clock()
        ended = [{"_id": counted_id}, *(_taken(limit.key) for limit in limits)]
        # As MongoDB does within a minute.
        await self._collection.delete_many({"$or": ended, "until": {"$lte": now}})
        for _ in range(MAX_TRIES):
            counted = await self._collection.find_one({"_id": counted_id})
            slots: list[str] = counted["slots"] if counted else []
            missing = [limit for limit in limits if not any(map(limit.has, slots))]
            if not missing:
                return
            free = await self._find_free_slots(missing, now)
            try:
                if counted is None:
                    await self._insert({"_id": counted_id, "slots": free, "until": until})
                    return
                result = await self._collection.update_one(
                    {"_id": counted_id, "slots": slots},
                    {"$push": {"slots": {"$each": free}}, "$max": {"until": until}},
                )
                if result.modified_count:
                    return
            except DuplicateKeyError:  # others were faster
                continue
        raise ServiceUnavailable(retry_after=1)

    async def _find_free_slots(self, limits: Sequence[Limit], now: datetime) -> list[str]:
        """Return a free slot of each limit.

        Raises:
            LimitReached: one of them has none.
        """
        free: list[str] = []
        waits: list[timedelta] = []
        for limit in limits:
            taken: dict[str, datetime] = {}
            async for doc in self._collection.find(_taken(limit.key)):
                taken |= {slot: doc["until"] for slot in doc["slots"] if limit.has(slot)}
            if len(taken) >= limit.max_declines:
                waits.append(sorted(taken.values())[-limit.max_declines] - now)
                continue
            free.append(limit.free_slot(taken))
        if waits:
            raise LimitReached(-(-max(waits) // timedelta(seconds=1)))
        return free

    async def _delete_batch(self, attempt_ids: Sequence[str]) -> Sequence[None]:
        ids = [_document_id(each, window) for each in attempt_ids for window in WINDOWS]
        released = {"_id": {"$in": ids}}
        try:
            await self._released.delete_many(released)
        except AutoReconnect as error:  # not repeated by the driver
            if not fails_over(error):
                raise
            await self._released.delete_many(released)
        return [None] * len(attempt_ids)


def _document(attempt_id: str, window: timedelta, slots: list[str]) -> dict[str, Any]:
    return {"_id": _document_id(attempt_id, window), "slots": slots}


def _document_id(attempt_id: str, window: timedelta) -> str:
    """Return an id that says for how long an attempt is counted."""
    return f"{attempt_id}:{window // HOUR}h"


def _slots_of(key: str) -> Doc:
    """Return a condition on one slot; `$` follows `#` in the order of the index."""
    return {"$gte": f"{key}#", "$lt": f"{key}$"}


def _taken(key: str) -> Doc:
    return {**_HAS_SLOTS, "slots": {"$elemMatch": _slots_of(key)}}

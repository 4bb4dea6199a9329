"""Limits of what a person does in a day, counted in MongoDB.

A write for each listing would cost more than the listing itself, and most people list a few
tickets. So a process counts up to a tenth of the limit itself, until it adds them to the counter
that all replicas share. Near the limit it adds each one, so only what other replicas have not added
yet can be too much.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from beanie import Document
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from common.errors import TooManyRequests
from common.persistence.mongo import UNJOURNALED, collection_of
from common.values.clock import Clock

SHARE_COUNTED_LOCALLY: Final = 10
"""The part of the limit that a process may count itself: one of so many."""
ATTEMPTS: Final = 2
"""Another request may create the counter between the search for it and its insertion."""
MAX_REMEMBERED: Final = 10_000
"""People that a process remembers; beyond that, what it counted of the first is lost."""


class DailyCounterDocument(Document):
    """How often one person has done one thing in one day (`n`), until the day ends at `until`."""

    class Settings:
        name = "daily_counters"
        indexes = [IndexModel("until", expireAfterSeconds=0)]


@dataclass(slots=True)
class _Count:
    shared: int = 0
    """The shared counter when it was last read."""
    local: int = 0
    """What this process has not added to it yet."""


class DailyLimit:
    """How often a person may do one thing in a day (UTC)."""

    def __init__(self, verb: str, kind: str, limit: int, clock: Clock) -> None:
        """Create a limit.

        Args:
            verb: what is limited, as the message for the user names it.
            kind: to what a person does it, in the plural.
            limit: how often a person may do it.
            clock: returns the time.
        """
        self._counters = collection_of(DailyCounterDocument).with_options(write_concern=UNJOURNALED)
        self._verb, self._kind = verb, kind
        self._limit = limit
        self._clock = clock
        self._max_local = limit // SHARE_COUNTED_LOCALLY
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    async def record(self, user_id: str) -> None:
        """Count one more.

        Raises:
            TooManyRequests: the user has reached the limit.
        """
        now = self._clock()
        key = f"{self._verb}:{self._kind}:{user_id}:{now.date()}"
        count = self._counts.setdefault(key, _Count())
        if len(self._counts) > MAX_REMEMBERED:
            self._counts.popitem(last=False)
        count.local += 1
        is_far = count.shared + count.local + self._max_local <= self._limit
        if is_far and count.local < self._max_local:
            return
        added, count.local = count.local, 0
        end_of_day = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
        if count.shared < self._limit and await self._add(key, added, count, end_of_day):
            return
        count.shared = self._limit  # no further attempt of this day needs a write
        raise TooManyRequests(
            f"You can {self._verb} at most {self._limit} {self._kind} per day",
            retry_after=-(-(end_of_day - now) // timedelta(seconds=1)),
        )

    async def forget(self, user_id: str) -> None:
        """Delete what was counted of a user."""
        prefix = f"{self._verb}:{self._kind}:{user_id}"
        await self._counters.delete_many({"_id": {"$gt": f"{prefix}:", "$lt": f"{prefix};"}})

    async def _add(self, key: str, added: int, count: _Count, end_of_day: datetime) -> bool:
        """Add to the shared counter, and return whether it stays within the limit."""
        for _ in range(ATTEMPTS):
            try:
                counter = await self._counters.find_one_and_update(
                    {"_id": key, "n": {"$lte": self._limit - added}},
                    {"$inc": {"n": added}, "$setOnInsert": {"until": end_of_day}},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:
                continue
            count.shared = counter["n"] if counter else count.shared + added
            return True
        return False  # the counter exists and leaves no room
